"""A target goes back to an earlier snapshot, over gaps, and forward again, and is each time what the
database was then: judged by SQLite and psql, and by verify."""

import random
import shutil

import pytest

import makedb
import randomdb
from compare import assert_same
from program import DAMAGED, MISPLACED, OK, SET_ASIDE, STORAGE, USAGE, Ferry, run, settings
from trips import run_sql


class History:
    """A repository, and a copy of the database at each of its snapshots."""

    def __init__(self, ferry, database, schema="public"):
        self.ferry, self.database, self.schema = ferry, database, schema
        self.past = database.parent / "past"
        self.past.mkdir(exist_ok=True)
        self.count = 0

    def capture(self):
        options = ["--same-source"] if self.ferry.repository.exists() else []
        captured = self.ferry.capture(self.database, *options).summary
        if captured["published"]:
            self.keep(captured["snapshot"])

    def keep(self, number):
        self.count = number
        for end in ("", "-wal"):
            file = self.database.with_name(self.database.name + end)
            if file.exists():
                shutil.copy(file, self.past / f"{number}.db{end}")

    def at(self, number):
        return self.past / f"{number}.db"

    def assert_stands(self, number, replayed=None):
        aside = assert_same(self.at(number), self.ferry.target, self.schema, sequences=False)
        wanted = SET_ASIDE if aside else OK
        if replayed:
            assert replayed.summary["to"] == number, str(replayed)
            assert replayed.code == wanted and replayed.summary["set_aside_total"] == aside, \
                f"{aside} rows are set aside\n{replayed}"
        verified = self.ferry.verify()
        assert verified.code == wanted and self.ferry.target.stands_at() == number, \
            str(verified)

    def go(self, number, *options):
        replayed = self.ferry.replay("--to", number, *options)
        self.assert_stands(number, replayed)
        return replayed


@pytest.fixture
def history(ferry, scratch):
    return History(ferry, scratch / "source.db")


@pytest.mark.parametrize("seed", range(3))
def test_random_histories(target, scratch, seed):
    """Whatever came and went: tables, columns, keys, rowids."""
    story = randomdb.write(f"back {seed}")
    target.script("DROP SCHEMA IF EXISTS story, rowferry CASCADE")
    ferry = Ferry(scratch / "repo", target, ["--schema", "story"])
    history = History(ferry, scratch / "source.db", "story")
    for steps in story.days:
        randomdb.play_day(history.database, steps)
        history.capture()
    chance = random.Random(f"walk {seed}")
    for number in [history.count, 1, *(chance.randint(1, history.count) for _ in range(3))]:
        history.go(number)
    assert ferry.replay().summary["to"] == history.count
    history.assert_stands(history.count)


def test_there_and_back(history):
    """Rows of every kind of key and value; those that do not fit are set aside, and come back."""
    makedb.build(history.database, 71, misfits=True)
    history.capture()
    for day in range(4):
        makedb.edit(history.database, f"71 {day}", misfits=True)
        history.capture()
    assert history.count == 5
    for number in (5, 1, 4, 3):
        history.go(number)
    caught_up = history.ferry.replay().summary
    assert (caught_up["mode"], caught_up["from"], caught_up["to"]) == ("delta", 3, 5)
    history.assert_stands(5)


def test_what_is_told(history, target):
    makedb.build(history.database, 72, only=["affinities", "no_key"])
    history.capture()
    run_sql(history.database, ["DELETE FROM affinities WHERE id = 3",
                               "UPDATE affinities SET t = 'changed' WHERE id = 2",
                               "INSERT INTO affinities (id, i2) VALUES (9001, 1), (9002, 1)"])
    history.capture()
    history.go(2)
    before = target.rows("SELECT * FROM affinities ORDER BY id")
    foreseen = history.ferry.replay("--to", 1, "--dry-run").summary
    assert target.rows("SELECT * FROM affinities ORDER BY id") == before
    assert target.stands_at() == 2
    back = history.go(1).summary
    for summary in (foreseen, back):
        assert (summary["mode"], summary["from"], summary["to"]) == ("delta", 2, 1)
        assert [summary[c] for c in ("inserted", "updated", "deleted")] == [1, 1, 2], str(summary)
    trips = target.rows("SELECT from_snapshot, to_snapshot, mode FROM rowferry.trip "
                        "WHERE mode = 'delta'")
    assert trips == [["2", "1", "delta"]]
    assert history.ferry.status().of_type("target")[0]["behind"] == 1
    again = history.ferry.replay("--to", 1).summary
    assert again["mode"] == "none" and not again["inserted"]


def test_a_vacuum_is_undone_for_nothing(history):
    """Hidden rowids are given anew, and yet no row is carried back."""
    makedb.build(history.database, 73)
    holes = ["DELETE FROM no_key WHERE rowid % 7 = 1", "DELETE FROM text_key WHERE rowid % 5 = 1"]
    run_sql(history.database, holes)
    history.capture()
    makedb.connect(history.database).execute("VACUUM")
    history.capture()
    run_sql(history.database, ["UPDATE no_key SET rowid = rowid + 1000000 WHERE rowid > 50"])
    history.capture()
    assert history.count == 3
    history.go(3)
    back = history.go(1).summary
    for count in ("inserted", "updated", "deleted"):
        assert back[count] == 0, str(back)


def test_tables_and_columns_that_come_and_go(history):
    """Dropped, made, renamed, altered; foreign keys and indexes with them."""
    makedb.sqlite(history.database, """
        CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
        CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id), v INT);
        CREATE TABLE old (a TEXT, b INT);
        CREATE INDEX child_v ON child (v);
        INSERT INTO parent VALUES (1, 'a'), (2, 'b');
        INSERT INTO child VALUES (1, 1, 10), (2, 2, 20), (3, NULL, 30);
        INSERT INTO old VALUES ('x', 1), ('x', 1), (NULL, NULL);""")
    history.capture()
    for statements in (
            "ALTER TABLE old RENAME TO new; UPDATE child SET v = 'text' WHERE id = 3;",
            "ALTER TABLE parent ADD COLUMN more REAL; UPDATE parent SET more = id / 3.0;",
            "DROP TABLE child; CREATE TABLE other (k TEXT PRIMARY KEY, v BLOB)"
            " WITHOUT ROWID; INSERT INTO other VALUES ('k', x'00');",
            "DROP TABLE new; CREATE TABLE child (id TEXT PRIMARY KEY, v REAL);"
            "INSERT INTO child VALUES ('one', 1.5);"):
        makedb.sqlite(history.database, statements)
        history.capture()
    assert history.count == 5
    for number in (5, 1, 3, 2, 4, 1, 5, 2):
        history.go(number)


def test_unique_values_that_swap(history):
    makedb.sqlite(history.database, """
        CREATE TABLE u (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
        INSERT INTO u VALUES (1, 'a'), (2, 'b'), (3, 'c');""")
    history.capture()
    makedb.sqlite(history.database, """
        UPDATE u SET name = 'x' WHERE id = 1; UPDATE u SET name = 'a' WHERE id = 2;
        UPDATE u SET name = 'b' WHERE id = 1;""")
    history.capture()
    makedb.sqlite(history.database, "DELETE FROM u WHERE id = 3; UPDATE u SET id = 3 WHERE id = 1")
    history.capture()
    for number in (3, 1, 2, 1, 3):
        history.go(number)


def test_sequences_stay(history, target):
    """No number is given out twice, even by a target that went back."""
    makedb.sqlite(history.database, """
        CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT);
        INSERT INTO t (v) VALUES ('a'), ('b');""")
    history.capture()
    makedb.sqlite(history.database, "INSERT INTO t (v) VALUES ('c'), ('d'), ('e')")
    history.capture()
    history.go(2)
    history.go(1)
    target.script("INSERT INTO t (v) VALUES ('of the target')")
    assert target.value("SELECT max(id) FROM t") == "6"


def some_days(history, days, only=("affinities", "no_key", "without"), seed=75):
    makedb.build(history.database, seed, only=list(only))
    history.capture()
    for day in range(days - 1):
        makedb.edit(history.database, f"{seed} {day}", only=list(only))
        history.capture()
    assert history.count == days


def test_over_a_gap(history, target):
    """Snapshots in between never came: a plain replay says so, one that names where to goes there."""
    some_days(history, 4)
    history.go(1)
    for manifest in sorted((history.ferry.repository / "snapshots").glob("*.rfm"))[1:3]:
        manifest.unlink()
    refused = history.ferry.replay(expect=DAMAGED)
    assert "3" in refused.error["what"] and "--to 4" in refused.error["hint"], str(refused)
    assert target.stands_at() == 1
    assert history.ferry.replay("--to", "latest").summary["from"] == 1
    aside = assert_same(history.at(4), target, sequences=False)
    assert aside == 0 and target.stands_at() == 4
    assert history.ferry.replay("--to", 1).summary["from"] == 4
    assert_same(history.at(1), target, sequences=False)


def test_a_snapshot_that_is_not_in_the_repository(history, target, scratch):
    """Neither end may be wanting: what the target has is known from the archives alone."""
    some_days(history, 3)
    older = scratch / "older"
    shutil.copytree(history.ferry.repository, older)
    sorted((older / "snapshots").glob("*.rfm"))[2].unlink()
    history.go(3)
    for options in ([], ["--to", "1"], ["--to", "2"]):
        refused = Ferry(older, target).replay(*options, expect=MISPLACED)
        assert "3" in refused.error["what"] and refused.error["hint"], str(refused)
    history.ferry.replay("--to", 4, expect=USAGE)
    history.ferry.replay("--to", 1, "-s", 1, expect=USAGE)
    history.ferry.replay("--to", "", expect=USAGE)
    assert target.stands_at() == 3
    assert_same(history.at(3), target)


def test_after_a_prune(history, target, scratch):
    """What was dropped cannot be gone back to, nor from; what was kept can."""
    some_days(history, 6)
    history.go(6)
    whole = scratch / "whole"
    shutil.copytree(history.ferry.repository, whole)
    history.ferry.command("prune", "--keep-last", 2, expect=OK)
    history.ferry.replay("--to", 3, expect=USAGE)
    history.go(5)
    assert Ferry(whole, target).replay("--to", 3).summary["from"] == 5
    for options in ([], ["--to", "5"], ["--to", "latest"]):
        refused = history.ferry.replay(*options, expect=MISPLACED)
        assert "3" in refused.error["what"] and refused.error["hint"], str(refused)
    assert_same(history.at(3), target, sequences=False)
    Ferry(whole, target).replay()
    history.go(5)


def test_only_some_tables(history, target):
    """Tables that were never wanted do not come by going back."""
    some_days(history, 3)
    some = ["affinities", "without"]
    history.ferry.replay("-T", "no_key")
    for number in (1, 3, 2):
        history.ferry.replay("--to", number, "-T", "no_key")
        assert_same(history.at(number), target, tables=some, sequences=False)
    history.ferry.replay("--to", 1)
    assert_same(history.at(1), target, sequences=False)


def test_signed(history, target, scratch):
    """What a leap writes for itself needs no signature; what it reads does."""
    key = scratch / "app.key"
    assert run("keygen", "-o", key).code == OK
    makedb.build(history.database, 76, only=["affinities", "no_key"])
    for day in range(3):
        history.ferry.capture(history.database, "--sign-key", key)
        history.keep(day + 1)
        makedb.edit(history.database, f"76 {day}", only=["affinities", "no_key"], share=1)
    trusted = ["--trusted-key", f"{key}.pub"]
    for number in (3, 1, 2):
        history.ferry.replay("--to", number, *trusted)
        assert_same(history.at(number), target, sequences=False)
    assert run("keygen", "-o", scratch / "other.key").code == OK
    history.ferry.replay("--to", 1, "--trusted-key", scratch / "other.key.pub", expect=DAMAGED)
    assert target.stands_at() == 2


def test_damage_is_not_applied(history, target):
    some_days(history, 3)
    history.go(3)
    first = history.ferry.command("show", "-s", 1).of_type("table")
    last = history.ferry.command("show", "-s", 3).of_type("table")
    kept = {archive["name"] for line in last for archive in line["archives"]}
    names = {archive["name"] for line in first for archive in line["archives"]}
    files = [path for path in (history.ferry.repository / "archives").glob("*.rfa")
             if path.name in names or path.stem in names]
    assert files and kept
    for path in files[:3]:
        whole = path.read_bytes()
        half = len(whole) // 2
        path.chmod(0o600)
        path.write_bytes(whole[:half] + bytes([whole[half] ^ 4]) + whole[half + 1:])
        refused = history.ferry.replay("--to", 1, expect=(OK, DAMAGED))
        if refused.code == DAMAGED:  # else the block at fault was not needed
            assert target.stands_at() == 3
            assert_same(history.at(3), target, sequences=False)
        path.write_bytes(whole)
        history.ferry.replay("--to", 3)
    history.go(1)


def test_the_folder_for_temporary_files(history, target, scratch):
    some_days(history, 2)
    history.go(2)
    place = scratch / "temporary"
    missing = history.ferry.replay("--to", 1, expect=STORAGE, env={"TMPDIR": str(place)})
    assert "TMPDIR" in missing.error["hint"] and target.stands_at() == 2
    place.mkdir()
    history.ferry.replay("--to", 1, env={"TMPDIR": str(place)})
    assert not list(place.iterdir()), "the folder of a leap is still there"
    history.assert_stands(1)


def test_what_others_wrote(history, target):
    some_days(history, 2)
    history.go(2)
    target.script("DELETE FROM affinities WHERE id IN (SELECT min(id) FROM affinities)")
    refused = history.ferry.replay("--to", 1, expect=MISPLACED)
    assert refused.of_type("written") or "affinities" in str(refused), str(refused)
    assert target.stands_at() == 2
    history.go(1, "--overwrite-target")


# Tables that the application made: the same rows in a database where they came by another way.

APPLICATION_SOURCE = """
CREATE TABLE room (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE message (id INTEGER PRIMARY KEY, room INTEGER, body TEXT, n INT);
CREATE TABLE bag (word TEXT, n INT);
INSERT INTO room VALUES (1, 'a'), (2, 'b');
INSERT INTO message VALUES (1, 1, 'one', 1), (2, 2, 'two', 'odd'), (3, 1, NULL, 3);
INSERT INTO bag VALUES ('x', 1), ('x', 1), (NULL, 2);
"""

APPLICATION_TARGET = """
CREATE TABLE room (id bigint PRIMARY KEY, name text UNIQUE);
CREATE TABLE message (id bigint PRIMARY KEY, room bigint NOT NULL REFERENCES room ON DELETE CASCADE,
                      body text, n int, room_name text);
CREATE TABLE bag (word text, n int);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'a trigger of the application'; END $$;
CREATE TRIGGER watch BEFORE UPDATE OR DELETE ON message FOR EACH ROW EXECUTE FUNCTION refuse();
"""

APPLICATION_RULES = """
existing: true
tables:
  rules:
    - table: message
      values:
        - {column: room_name, sql: "coalesce(r.name, 'nowhere')"}
      joins:
        - {table: room, as: r, on: "r.id = source.room"}
"""

APPLICATION_DAYS = [
    "UPDATE room SET name = 'c' WHERE id = 1; DELETE FROM bag WHERE rowid = 1;",
    "INSERT INTO room VALUES (3, 'd'); UPDATE message SET room = 3, n = 2 WHERE id = 2;"
    "DELETE FROM message WHERE id = 1;",
    "DELETE FROM room WHERE id = 2; INSERT INTO message VALUES (9, 3, 'nine', 9);"
    "INSERT INTO bag VALUES ('x', 1), ('y', 7); VACUUM;",
]

APPLICATION_SEEN = (
    "SELECT * FROM room ORDER BY id", "SELECT * FROM message ORDER BY id",
    "SELECT * FROM bag ORDER BY 1, 2",
    "SELECT table_name, column_name, class, value, reason FROM rowferry.set_aside ORDER BY 1, 2, 4")


def test_tables_of_an_application(history, server, target, scratch):
    """Their triggers and foreign keys do not act, values of other tables follow, and rows that the
    columns do not take stand aside."""
    target.script(APPLICATION_TARGET)
    rules = settings(scratch, APPLICATION_RULES)
    makedb.sqlite(history.database, APPLICATION_SOURCE)
    history.capture()
    for statements in APPLICATION_DAYS:
        makedb.sqlite(history.database, statements)
        history.capture()
    assert history.count == 4
    wanted = {}
    for number in range(1, 5):
        fresh = server.create()
        fresh.script(APPLICATION_TARGET)
        Ferry(history.ferry.repository, fresh, rules).replay("--to", number)
        wanted[number] = fresh.results(*APPLICATION_SEEN)
        fresh.drop()
    ferry = Ferry(history.ferry.repository, target, rules)
    for number in (4, 1, 3, 2, 4, 1):
        replayed = ferry.replay("--to", number)
        assert replayed.summary["to"] == number
        assert target.results(*APPLICATION_SEEN) == wanted[number], f"at snapshot {number}"
        verified = ferry.verify()
        assert verified.code == replayed.code, str(verified)
    assert target.value("SELECT tgenabled FROM pg_trigger WHERE tgname = 'watch'") == "O"
