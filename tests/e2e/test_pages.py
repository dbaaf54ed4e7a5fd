"""The pages of the file and SQLite give the same: every database is captured both ways, trip after
trip, and the repositories hold the same rows, digests, census and counts of changes."""

import shutil
import sqlite3

import pytest

import makedb
import randomdb
from both_ways import Both, newest
from program import OK, Ferry

BATCHES, ROUNDS = 10, 5


def tables_of(database):
    db = sqlite3.connect(database)
    count, = db.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 "
                        "AND name NOT LIKE 'sqlite~_%' ESCAPE '~'").fetchone()
    db.close()
    return count


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_stories(scratch, batch):
    for seed in range(batch * ROUNDS, (batch + 1) * ROUNDS):
        folder = scratch / str(seed)
        folder.mkdir()
        database = folder / "source.db"
        both = Both(folder)
        for steps in randomdb.write(seed).days:
            randomdb.play_day(database, steps)
            refused = both.capture(database)
            assert len(refused) <= tables_of(database), f"seed {seed}: {refused}"
        shutil.rmtree(folder)


@pytest.mark.parametrize("seed", range(4))
def test_tables_of_all_kinds(scratch, seed):
    database = scratch / "source.db"
    both = Both(scratch)
    makedb.build(database, seed, misfits=seed % 2 == 1)
    refused = both.capture(database)
    assert len(refused) < tables_of(database) / 2, refused
    for trip in range(3):
        makedb.edit(database, seed * 10 + trip, misfits=seed % 2 == 1)
        both.capture(database)
    makedb.reload(database)
    both.capture(database)


# What is unusual

def captured(scratch, *statements, pragmas=()):
    database = scratch / "source.db"
    db = makedb.connect(database)
    for statement in (*pragmas, *statements):
        db.execute(statement)
    db.close()
    return Both(scratch).capture(database)


def test_a_usual_table_is_read_from_its_pages(scratch):
    assert captured(scratch, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
                    "CREATE TABLE k (a TEXT, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID",
                    "INSERT INTO t (v) VALUES ('a'), (NULL), (x'00')",
                    "INSERT INTO k VALUES ('a', 1), ('b', 0)",
                    "ALTER TABLE t ADD COLUMN n REAL DEFAULT 5") == []


@pytest.mark.parametrize("statement", [
    "CREATE TABLE \"it's\" (a, b AS (a || 'x') VIRTUAL)",
    "CREATE TABLE \"it's\" (a TEXT COLLATE NOCASE PRIMARY KEY, b) WITHOUT ROWID",
    "CREATE TABLE \"it's\" (a, b, PRIMARY KEY (a DESC)) WITHOUT ROWID",
    "CREATE TABLE \"it's\" (rowid, _rowid_, oid)",
])
def test_an_unusual_table_is_read_through_sqlite_and_that_is_told(scratch, statement):
    line, = captured(scratch, statement, "INSERT INTO \"it's\" DEFAULT VALUES"
                     if "WITHOUT" not in statement else
                     "INSERT INTO \"it's\" VALUES ('a', 1), ('B', 2)",
                     "CREATE TABLE usual (a)")
    assert "table \"it's\" is read through SQLite: " in line


def test_a_log_with_a_writer_beside(scratch):
    """What a live writer has committed is captured from the log, what it has not is not."""
    database = scratch / "source.db"
    both = Both(scratch)
    db = makedb.connect(database)
    db.execute("PRAGMA journal_mode = wal")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    for trip in range(4):
        db.execute("INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
                   "n LIMIT 3000) SELECT hex(randomblob(20)) FROM n")
        db.execute("UPDATE t SET v = v || 'x' WHERE id % 10 = ?", (trip,))
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM t WHERE id % 2 = 0")
        assert both.capture(database) == []
        assert newest(both.pages.repository).tables[0].rows == 3000 * (trip + 1)
        db.execute("ROLLBACK")
        if trip % 2:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    db.close()


def test_a_page_that_is_damaged_is_sqlites_to_judge(scratch):
    """The pages say that something is odd, SQLite says what; nothing half read is published."""
    database = scratch / "source.db"
    db = makedb.connect(database)
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    db.execute("INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
               "LIMIT 50000) SELECT hex(randomblob(20)) FROM n")
    pages, = db.execute("PRAGMA page_count").fetchone()
    size, = db.execute("PRAGMA page_size").fetchone()
    db.close()
    with open(database, "r+b") as file:
        file.seek(size * (pages - pages // 5))
        file.write(b"\xff" * size)
    ferry = Ferry(scratch / "repo")
    result = ferry.capture(database, "-v", expect=None)
    assert result.code != OK and "table \"t\" is read through SQLite: page" in result.err
    assert ferry.newest() is None
