"""The local index: whatever happens to it, the next capture finds the same changes."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

import makedb
from program import OK, ROOT, Ferry, Running, run

sys.path.insert(0, str(ROOT / "tools"))

import rfa_reader as rfa  # noqa: E402

ROWS = 20_000
# Told apart by rowid without and with a key, by a rowid that is a column, by a key that is not.
TABLES = {
    "plain": "CREATE TABLE plain (k TEXT, v)",
    "keyed": "CREATE TABLE keyed (k TEXT PRIMARY KEY, v)",
    "alias": "CREATE TABLE alias (k INTEGER PRIMARY KEY, v)",
    "without": "CREATE TABLE without (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
}
COUNTS = ("scanned", "unchanged", "inserted", "updated", "deleted", "moved")


def key_of(name, key):
    return key if name == "alias" else f"key {key:07}"


def build(database):
    db = makedb.connect(database)
    rng = random.Random(4)
    keys = list(range(10, 10 * ROWS + 10, 10))
    rng.shuffle(keys)  # pages are split, and not full
    for name, create in TABLES.items():
        db.execute(create)
        rows = [(key_of(name, key), "v" * rng.randrange(60)) for key in keys]
        db.execute("BEGIN")
        db.executemany(f"INSERT INTO {name} VALUES (?, ?)", rows)
        db.execute("COMMIT")
    db.close()


def change_some(db, name, key):
    db.execute(f"UPDATE {name} SET v = v || '!' WHERE {key} % 5000 = 70")


def delete_a_stretch(db, name, key):
    db.execute(f"DELETE FROM {name} WHERE {key} BETWEEN 60000 AND 75000")


def insert_in_the_middle(db, name, key):
    rows = [(key_of(name, key), f"new {key}") for key in range(70001, 70999)]
    db.executemany(f"INSERT INTO {name} (k, v) VALUES (?, ?)", rows)


def reuse_rowids(db, name, key):
    """The first and the last row go, and others come under their rowids or behind them."""
    if name == "alias":
        db.execute("UPDATE alias SET v = 'another' WHERE k IN (10, (SELECT max(k) FROM alias))")
    elif name == "without":
        db.execute("DELETE FROM without WHERE k = 'key 0000010'")
    else:
        low, high = db.execute(f"SELECT min(rowid), max(rowid) FROM {name}").fetchone()
        db.execute(f"DELETE FROM {name} WHERE rowid IN (?, ?)", (low, high))
        db.execute(f"INSERT INTO {name} (rowid, k, v) VALUES (?, 'key 9000000', 1), "
                   "(?, 'key 9000001', 2)", (low, high))


def add_a_column(db, name, key):
    db.execute(f"ALTER TABLE {name} ADD COLUMN more DEFAULT 'some more'")


def delete_everything(db, name, key):
    db.execute(f"DELETE FROM {name}")


def nothing(db, name, key):
    """Something else is written, so that somebody must look."""
    db.execute("CREATE TABLE IF NOT EXISTS other (a)")
    db.execute("INSERT INTO other VALUES (1)")


def vacuum(db, name, key):
    if name == "plain":
        db.execute("VACUUM")


STEPS = (nothing, change_some, nothing, vacuum, delete_a_stretch, vacuum, insert_in_the_middle,
         nothing, reuse_rowids, change_some, add_a_column, change_some, vacuum, delete_everything,
         insert_in_the_middle)


def play(database, step):
    db = makedb.connect(database)
    for name in TABLES:
        step(db, name, "k" if name == "alias" else "CAST(substr(k, 5) AS INTEGER)")
    db.close()


def keep(path):
    pass


def remove(path):
    path.unlink()


def damage(path):
    """Once in a while all through the file, its directory included."""
    found = bytearray(path.read_bytes())
    for at in range(5, len(found), 501):
        found[at] ^= 0x40
    path.write_bytes(found)


def damage_once(path):
    """Anywhere: it may be where nobody looks."""
    found = bytearray(path.read_bytes())
    found[random.Random(len(found)).randrange(len(found))] ^= 1
    path.write_bytes(found)


def cut(path):
    os.truncate(path, path.stat().st_size * 2 // 3)


def newest(repository):
    _, path = rfa.find_manifest(repository, "latest")
    return rfa.Manifest(path.read_bytes(), str(path))


def held(repository):
    """All that the manifest says of its tables, but for the names of archives, which are a
    repository's own."""
    return [{name: value for name, value in table.json().items() if name not in ("delta", "state")}
            for table in newest(repository).tables]


def counts(result):
    return {line["table"]: {count: line[count] for count in COUNTS}
            for line in result.of_type("table")}


@pytest.mark.parametrize("fate", [keep, remove, damage, damage_once, cut])
def test_captures_with_an_index(scratch, fate):
    """Beside a repository that is captured through SQLite, whose index is kept."""
    database = scratch / "source.db"
    ferry, plain = Ferry(scratch / "repo"), Ferry(scratch / "plain")
    build(database)
    ferry.capture(database)
    plain.capture(database, "--through-sqlite")
    for step in STEPS:
        play(database, step)
        indexes = sorted((ferry.repository / "index").glob("*.rfi"))
        for path in indexes:
            fate(path)
        one = ferry.capture(database)
        other = plain.capture(database, "--through-sqlite")
        assert counts(one) == counts(other), step.__name__
        assert held(ferry.repository) == held(plain.repository), step.__name__
        rebuilt = one.summary["index_rebuilt"]
        if fate is keep:
            assert rebuilt == 0, step.__name__
        elif fate is not damage_once and step is not add_a_column:
            assert rebuilt == len(indexes), step.__name__
    ferry.verify_repository()


def inodes(repository):
    return {path.name: path.stat().st_ino for path in (repository / "index").glob("*.rfi")}


def test_an_index_of_what_did_not_change_stays(archive_only, scratch):
    database = scratch / "source.db"
    build(database)
    archive_only.capture(database)
    before = inodes(archive_only.repository)
    assert len(before) == len(TABLES)
    play(database, nothing)
    archive_only.capture(database)
    assert inodes(archive_only.repository) == before
    archive_only.capture(database, "--through-sqlite")
    assert inodes(archive_only.repository) == before


def test_pages_packed_anew_are_known_the_next_time(archive_only, scratch):
    """No row changes, but the chunks do: the index is made anew under its name, once."""
    database = scratch / "source.db"
    build(database)
    db = makedb.connect(database)
    db.execute("DROP TABLE plain")
    db.execute("DROP TABLE keyed")
    db.close()
    archive_only.capture(database)
    before = inodes(archive_only.repository)
    db = makedb.connect(database)
    db.execute("VACUUM")
    db.close()
    assert not archive_only.capture(database).summary["published"]
    after = inodes(archive_only.repository)
    assert after.keys() == before.keys()
    assert all(after[name] != before[name] for name in after)
    db = makedb.connect(database)
    db.execute("CREATE TABLE other (a)")
    db.close()
    archive_only.capture(database)
    assert inodes(archive_only.repository) == after


def test_small_tables_have_none(archive_only, scratch):
    database = scratch / "source.db"
    db = makedb.connect(database)
    for i in range(30):
        db.execute(f"CREATE TABLE t{i} (k INTEGER PRIMARY KEY, v)")
        db.execute(f"INSERT INTO t{i} VALUES (1, 'one'), (2, 'two')")
    db.close()
    archive_only.capture(database)
    db = makedb.connect(database)
    db.execute("UPDATE t7 SET v = 'changed' WHERE k = 1")
    db.execute("DELETE FROM t8 WHERE k = 2")
    db.close()
    found = counts(archive_only.capture(database))
    assert (found["t7"]["updated"], found["t8"]["deleted"]) == (1, 1)
    assert sum(table["unchanged"] for table in found.values()) == 58
    assert inodes(archive_only.repository) == {}


def test_a_dry_run_writes_no_index(archive_only, scratch):
    database = scratch / "source.db"
    build(database)
    archive_only.capture(database)
    before = inodes(archive_only.repository)
    play(database, change_some)
    wanted = counts(archive_only.capture(database, "--dry-run"))
    assert inodes(archive_only.repository) == before
    shutil.rmtree(archive_only.repository / "index")
    (archive_only.repository / "index").mkdir()
    assert counts(archive_only.capture(database, "--dry-run")) == wanted
    assert inodes(archive_only.repository) == {}
    assert counts(archive_only.capture(database)) == wanted
    assert len(inodes(archive_only.repository)) == len(TABLES)


def put_back(folder, kept):
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)


@pytest.mark.parametrize("fate", ["removed", "of an older snapshot", "of another repository",
                                  "damaged", "an empty folder"])
def test_capture_says_that_it_made_the_index_anew(scratch, fate):
    """And how long that took; what it finds is the same."""
    database = scratch / "source.db"
    ferry, plain = Ferry(scratch / "repo"), Ferry(scratch / "plain")
    build(database)
    ferry.capture(database)
    plain.capture(database, "--through-sqlite")
    index, kept = ferry.repository / "index", scratch / "kept"
    shutil.copytree(index, kept)
    for step in (change_some, delete_a_stretch):
        play(database, step)
        ferry.capture(database)
        plain.capture(database, "--through-sqlite")
    play(database, insert_in_the_middle)
    if fate == "removed":
        shutil.rmtree(index)
    elif fate == "of an older snapshot":
        put_back(index, kept)
    elif fate == "of another repository":
        put_back(index, plain.repository / "index")
        for path, own in zip(sorted(index.glob("*.rfi")), sorted(kept.glob("*.rfi"))):
            path.rename(index / own.name)
    elif fate == "damaged":
        for path in index.glob("*.rfi"):
            damage(path)
    else:
        put_back(index, ferry.repository / "tmp")
    shutil.copytree(ferry.repository, scratch / "text")
    one = ferry.capture(database)
    assert one.summary["index_rebuilt"] == len(TABLES) and one.summary["index_seconds"] > 0
    assert counts(one) == counts(plain.capture(database, "--through-sqlite"))
    assert held(ferry.repository) == held(plain.repository)
    text = run("capture", "-r", scratch / "text", database)
    assert re.search(r"^the local index of 4 tables was made anew in [0-9.]+ s$", text.out, re.M)
    assert ferry.capture(database).summary["index_seconds"] == 0
    ferry.verify_repository()


def test_copied_in_the_middle_of_a_capture(scratch):
    """With all that the writer had under way: wherever that was, the copy is captured into."""
    database = scratch / "source.db"
    ferry = Ferry(scratch / "repo")
    build(database)
    ferry.capture(database)
    rng = random.Random(12)
    for number, step in enumerate((change_some, delete_a_stretch, insert_in_the_middle, vacuum)):
        play(database, step)
        running = Running(ferry.args("capture", database))
        time.sleep(rng.random() * 0.25)
        running.signal(signal.SIGSTOP)
        copy = Ferry(scratch / f"copy{number}")
        subprocess.run(["cp", "-a", ferry.repository, copy.repository], check=True)
        running.signal(signal.SIGCONT)
        assert running.wait().code == OK
        copy.capture(database)
        assert held_rows(copy.repository) == held_rows(ferry.repository)
        copy.verify_repository()
        play(database, nothing)
        assert copy.capture(database).summary["index_rebuilt"] == 0
        ferry.capture(database)


def held_rows(repository):
    return {table.description.name: (table.sum, table.rows) for table in newest(repository).tables}
