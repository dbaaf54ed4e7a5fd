"""Databases that others made: what check foretells, both trips, verify, and the judge. Every row of
them arrives."""

import shutil

import pytest

from both_ways import Both
from compare import Asked, assert_same
from makedb import connect, quote
from postgres_side import gather_ledger, ledger_queries
from program import OK, OTHERS, run
from sqlite_side import read_source


def touch(database):
    """Something for the second trip, whatever the schema: rows deleted, rows put back with other
    rowids."""
    db = connect(database)
    db.execute("PRAGMA foreign_keys = OFF")
    for name, table in read_source(database).items():
        columns = ", ".join(quote(column.name) for column in table.columns if not column.generated)
        db.execute(f"CREATE TEMP TABLE kept AS SELECT {columns} FROM main.{quote(name)} LIMIT 7")
        db.execute(f"DELETE FROM main.{quote(name)} WHERE ({columns}) IN (SELECT {columns} FROM "
                   f"main.{quote(name)} LIMIT 9)")
        db.execute(f"INSERT OR IGNORE INTO main.{quote(name)} ({columns}) "
                   f"SELECT {columns} FROM kept")
        db.execute("DROP TABLE temp.kept")
    db.close()


def names_given(target):
    """Names that were too long, or taken, are the ledger's to choose."""
    ledger = gather_ledger(*target.results(*ledger_queries("public")))
    return Asked(tables=ledger.relations,
                 columns={place: found.target for place, found in ledger.columns.items()})


@pytest.mark.parametrize("other", OTHERS, ids=lambda path: path.stem)
def test_check_and_two_trips(ferry, scratch, other):
    database = scratch / "source.db"
    shutil.copyfile(other, database)
    foretold = run("check", "--json", "-d", ferry.target.conninfo, database)
    for trip in range(2):
        ferry.capture(database)
        replayed = ferry.replay()
        asked = names_given(ferry.target)
        assert assert_same(database, ferry.target, asked=asked, fresh=trip == 0) == 0
        assert replayed.code == OK and foretold.code == OK, f"{foretold}{replayed}"
        ferry.verify(expect=OK)
        touch(database)


@pytest.mark.parametrize("other", OTHERS, ids=lambda path: path.stem)
def test_pages_and_sqlite_give_the_same(scratch, other):
    database = scratch / "source.db"
    shutil.copyfile(other, database)
    both = Both(scratch)
    both.capture(database, rows=False)
    touch(database)
    both.capture(database, rows=False)
    db = connect(database)
    db.execute("VACUUM")
    db.close()
    both.capture(database, rows=False)
