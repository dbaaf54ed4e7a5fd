"""The judge has to see every difference that it is there to see."""

import sqlite3

import pytest

from compare import assert_same
from landing import render_real

SOURCE = """
    CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL, s TEXT NOT NULL, b BLOB, m);
    CREATE INDEX t_s ON t (s);
    INSERT INTO t VALUES (1, 1.0, 'a', x'00', 'x'), (2, 0.1, 'é', x'', 7);
    INSERT INTO t VALUES (3, NULL, '', NULL, 1e100);
"""
TARGET = r"""
    CREATE TABLE t (id bigint PRIMARY KEY, r double precision, s text NOT NULL, b bytea, m text);
    CREATE INDEX t_s ON t (s);
    INSERT INTO t VALUES (1, 1.0, 'a', '\x00', 'x'), (2, 0.1, 'é', '\x', '7');
    INSERT INTO t VALUES (3, NULL, '', NULL, '1.0e+100');
"""


@pytest.fixture
def pair(scratch, target):
    with sqlite3.connect(scratch / "s.db") as db:
        db.executescript(SOURCE)
    target.script(TARGET)
    return scratch / "s.db", target


def test_equal(pair):
    assert assert_same(*pair) == 0


@pytest.mark.parametrize("damage", [
    "DELETE FROM t WHERE id = 3",
    "INSERT INTO t VALUES (4, 1, '', NULL, NULL)",
    "UPDATE t SET r = 0.10000000000000002 WHERE id = 2",
    "UPDATE t SET r = 0 WHERE id = 3",
    "UPDATE t SET s = 'e\u0301' WHERE id = 2",
    "UPDATE t SET b = NULL WHERE id = 2",
    "UPDATE t SET b = '' WHERE id = 3",
    "UPDATE t SET m = '7.0' WHERE id = 2",
    "ALTER TABLE t DROP CONSTRAINT t_pkey",
    "ALTER TABLE t ALTER s DROP NOT NULL",
    "ALTER TABLE t ALTER m SET NOT NULL",
    "DROP INDEX t_s",
    "ALTER TABLE t ADD extra text",
    "ALTER TABLE t ALTER r TYPE real",
    "CREATE TABLE more (a text)",
    "DROP TABLE t",
])
def test_a_difference_is_seen(pair, damage):
    pair[1].script(damage)
    with pytest.raises(AssertionError):
        assert_same(*pair)


def test_duplicates_count(scratch, target):
    with sqlite3.connect(scratch / "s.db") as db:
        db.executescript("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x'), ('x'), (NULL)")
    target.script("CREATE TABLE t (a text); INSERT INTO t VALUES ('x'), ('x'), (NULL)")
    assert assert_same(scratch / "s.db", target) == 0
    target.script("INSERT INTO t VALUES ('x')")
    with pytest.raises(AssertionError, match="1 extra"):
        assert_same(scratch / "s.db", target)


def test_reals_are_written_as_sqlite_writes_them():
    """Where fifteen digits are enough, SQLite's own CAST says the same."""
    db = sqlite3.connect(":memory:")
    for value in (1.0, 0.1, -2.5, 100.0, 1e14, 1e15, 1e16, 1e100, 1e-4, 1e-5, 123456.75, -1.5e-300):
        assert render_real(value) == db.execute("SELECT CAST(? AS TEXT)", (value,)).fetchone()[0]
    assert render_real(0.30000000000000004) == "0.30000000000000004"
    assert render_real(1 / 3) == "0.3333333333333333"
