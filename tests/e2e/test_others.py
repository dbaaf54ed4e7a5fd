"""Databases that others made: both trips, verify, and the judge."""

import shutil

import pytest

from compare import assert_same
from makedb import connect, quote
from program import MISPLACED, OK, OTHERS, SET_ASIDE
from sqlite_side import read_source

CLEAN = ("chinook.db", "northwind-small.db", "superheroes.db")
NAMES_TOO_LONG = ("pgloader-collision.db",)


def touch(database):
    """Something for the second trip, whatever the schema: rows deleted, rows put back with other
    rowids."""
    db = connect(database)
    db.execute("PRAGMA foreign_keys = OFF")
    for name in read_source(database):
        columns = ", ".join(quote(row[1].decode()) for row
                            in db.execute(f"PRAGMA table_xinfo({quote(name)})") if not row[6])
        db.execute(f"CREATE TEMP TABLE kept AS SELECT {columns} FROM main.{quote(name)} LIMIT 7")
        db.execute(f"DELETE FROM main.{quote(name)} WHERE ({columns}) IN (SELECT {columns} FROM "
                   f"main.{quote(name)} LIMIT 9)")
        db.execute(f"INSERT OR IGNORE INTO main.{quote(name)} ({columns}) "
                   f"SELECT {columns} FROM kept")
        db.execute("DROP TABLE temp.kept")
    db.close()


@pytest.mark.parametrize("other", OTHERS, ids=lambda path: path.stem)
def test_two_trips(ferry, scratch, other):
    database = scratch / "source.db"
    shutil.copyfile(other, database)
    if other.name in NAMES_TOO_LONG:
        ferry.capture(database)
        ferry.replay(expect=MISPLACED)
        return
    for trip in range(2):
        ferry.capture(database)
        replayed = ferry.replay()
        aside = assert_same(database, ferry.target)
        assert replayed.code == (SET_ASIDE if aside else OK), str(replayed)
        assert replayed.summary["set_aside_total"] == aside
        ferry.verify(expect=replayed.code)
        if other.name in CLEAN:
            assert aside == 0
        touch(database)
