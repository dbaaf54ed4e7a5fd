"""log and show: when a table changed, and how. If these fail, somebody who asks for the history of
a table gets another one's, or half of it."""

import os
import shutil

import pytest

import makedb
import trips
from program import DAMAGED, OK, run


@pytest.fixture
def story(archive_only, scratch):
    """Five snapshots: rows of a, rows of b, an index on a, a gone and c come, only the view."""
    database = scratch / "story.db"
    makedb.sqlite(database, "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT);"
                            "CREATE TABLE b (id INTEGER PRIMARY KEY, v TEXT);"
                            "INSERT INTO a VALUES (1, 'one'), (2, 'two');"
                            "INSERT INTO b VALUES (1, 'x');"
                            "CREATE VIEW seen AS SELECT v FROM b")
    archive_only.capture(database)
    for statements in (
            ("UPDATE b SET v = 'y'", "INSERT INTO b VALUES (2, 'z')"),
            ("CREATE INDEX a_v ON a (v)",),
            ("DROP TABLE a", "CREATE TABLE c (v)", "INSERT INTO c VALUES (x'00'), (NULL), (1.5)"),
            ("DROP VIEW seen", "CREATE VIEW seen AS SELECT id, v FROM b")):
        trips.run_sql(database, statements)
        archive_only.capture(database)
    return archive_only


def listed(ferry, *args):
    return ferry.command("log", *args, expect=OK).of_type("snapshot")


def counts(line):
    return [line[name] for name in ("snapshot", "rows", "inserted", "updated", "deleted", "moved")]


def test_log_of_all_tables(story):
    assert [counts(line) for line in listed(story)] == [
        [1, 3, 3, 0, 0, 0], [2, 4, 1, 1, 0, 0], [3, 4, 0, 0, 0, 0], [4, 5, 3, 0, 0, 0],
        [5, 5, 0, 0, 0, 0]]


def test_log_of_some_tables_lists_what_changed_them(story):
    a = listed(story, "-t", "a")
    # rows, then an index, then it is gone
    assert [counts(line) for line in a] == [[1, 2, 2, 0, 0, 0], [3, 2, 0, 0, 0, 0],
                                            [4, 0, 0, 0, 0, 0]]
    assert [counts(line)[0] for line in listed(story, "-t", "b")] == [1, 2]
    assert [counts(line)[0] for line in listed(story, "-t", "c")] == [4]
    assert [counts(line)[0] for line in listed(story, "-t", "seen")] == [1, 5]
    assert [counts(line)[0] for line in listed(story, "-T", "[ab]")] == [1, 4, 5]
    assert listed(story, "-t", "nowhere") == []
    assert len(listed(story, "-t", "b", "-v")) == 5
    summary = story.command("log", "-t", "b", expect=OK).summary
    assert summary["snapshots"] == 2


def test_bytes_of_some_tables_add_up_to_all(story):
    whole = {line["snapshot"]: line["bytes"] for line in listed(story)}
    parts = [{line["snapshot"]: line["bytes"] for line in listed(story, "-v", "-t", table)}
             for table in "abc"]
    for number, size in whole.items():
        assert sum(part[number] for part in parts) == size, number
    assert parts[0][1] > 0 and parts[0][2] == 0 and parts[1][2] > 0


def test_log_for_people(story):
    out = run("log", "-r", story.repository, "-t", "b").out.splitlines()
    assert out[0].split()[:4] == ["snapshot", "digest", "time", "rows"]
    assert [line.split()[0] for line in out[1:]] == ["1", "2"]


def test_show_tells_what_changed_in_the_schema(story):
    def changes(number):
        lines = story.command("show", number, expect=OK).of_type("schema")
        return [(line["event"], line["kind"], line["name"], line["table"]) for line in lines]
    assert changes("1") == [] and changes("2") == []
    assert changes("3") == [("new", "index", "a_v", "a")]
    assert changes("4") == [("dropped", "table", "a", "a"), ("new", "table", "c", "c"),
                            ("dropped", "index", "a_v", "a")]
    assert changes("5") == [("changed", "view", "seen", "seen")]
    line = story.command("show", "5", expect=OK).of_type("schema")[0]
    assert line["from_sql"] == "CREATE VIEW seen AS SELECT v FROM b"
    assert line["sql"] == "CREATE VIEW seen AS SELECT id, v FROM b"
    only = story.command("show", "4", "-t", "c", expect=OK)
    assert [line["name"] for line in only.of_type("schema")] == ["c"]
    text = run("show", "-r", story.repository, "-v", "5").out
    assert "schema, against snapshot 4:\nchanged view    seen\n" in text
    assert "    was CREATE VIEW seen AS SELECT v FROM b\n" in text
    assert "schema, against" not in run("show", "-r", story.repository, "2").out


def test_show_counts_per_table(story):
    tables = story.command("show", "2", expect=OK).tables()
    assert [tables["b"][name] for name in ("change", "inserted", "updated", "deleted", "moved")] \
        == ["delta", 1, 1, 0, 0]
    assert tables["a"]["change"] == "none"
    assert story.command("show", "4", expect=OK).tables()["c"]["change"] == "new"


def test_a_damaged_snapshot_does_not_hide_the_others(story):
    """What of the schema changed since the one that cannot be read is not known, and not made
    up."""
    manifests = sorted((story.repository / "snapshots").iterdir())
    damaged = bytearray(manifests[2].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    manifests[2].chmod(0o600)
    manifests[2].write_bytes(damaged)
    for args, numbers in (([], [1, 2, 4, 5]), (["-t", "b"], [1, 2]), (["-t", "c"], [4]),
                          (["-t", "seen"], [1, 5])):
        result = story.command("log", *args, expect=DAMAGED)
        assert [line["snapshot"] for line in result.of_type("snapshot")] == numbers, args
    story.command("show", "2", expect=OK)


def test_names_that_mean_harm_stay_on_their_line(archive_only, scratch):
    database = scratch / "names.db"
    makedb.sqlite(database, "CREATE TABLE t (v)")
    archive_only.capture(database)
    makedb.sqlite(database, 'CREATE TABLE "x\x1b[2J\nforged" (v); CREATE INDEX "i\r" ON t (v)')
    archive_only.capture(database)
    text = run("show", "-v", "-r", archive_only.repository).out
    assert "\x1b" not in text and "\r" not in text and "\nforged" not in text
    assert "new     table   x\\e[2J\\nforged\n" in text


def test_a_repository_that_cannot_be_written_to(story, scratch):
    """History is read by whoever may read it, without a lock, a file or a byte written."""
    copy = scratch / "copy"
    shutil.copytree(story.repository, copy)
    (copy / "lock").unlink(missing_ok=True)
    for folder, _, names in os.walk(copy, topdown=False):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o444)
        os.chmod(folder, 0o555)
    before = sorted(path for path in copy.rglob("*"))
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] \
        if os.getuid() == 0 and shutil.which("setpriv") else []
    for command in (["log"], ["log", "-t", "a"], ["show"], ["show", "4"]):
        result = run(*command, "-r", copy, prefix=prefix)
        assert result.code == OK and result.out, str(result)
    assert before == sorted(path for path in copy.rglob("*"))
