"""Values at the limits of both sides: 1,000,000,000 bytes is what SQLite has room for (unless it
was built otherwise), 1,073,741,823 what PostgreSQL has.

These tests take a few gigabytes of memory and some time."""

import hashlib
import json

import pytest

import makedb
from program import OK, SET_ASIDE

pytestmark = pytest.mark.plain

LARGEST = 999_999_900  # with what else is in its row


def test_the_largest_value_of_sqlite_arrives(ferry, scratch):
    database = scratch / "source.db"
    db = makedb.connect(database)
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)")
    db.execute("INSERT INTO t VALUES (1, zeroblob(?)), (2, x'01')", (LARGEST,))
    ferry.capture(database)
    ferry.replay(expect=OK)
    wanted = hashlib.sha256()
    for start in range(0, LARGEST, 1 << 24):
        wanted.update(bytes(min(1 << 24, LARGEST - start)))
    assert ferry.target.rows("SELECT id, length(b), encode(sha256(b), 'hex') FROM t ORDER BY id") \
        == [["1", str(LARGEST), wanted.hexdigest()],
            ["2", "1", hashlib.sha256(b"\1").hexdigest()]]
    ferry.verify(expect=OK)
    db.execute("DELETE FROM t WHERE id = 1")
    db.close()
    ferry.capture(database)
    ferry.replay(expect=OK)
    assert ferry.target.rows("SELECT id, b FROM t") == [["2", "\\x01"]]


def test_a_value_beyond_one_gigabyte_is_refused_by_name(ferry, scratch):
    """400 million characters that have two bytes in UTF-16 and three in UTF-8."""
    database = scratch / "source.db"
    db = makedb.connect(database)
    db.execute("PRAGMA encoding = 'UTF-16le'")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    db.execute("INSERT INTO t SELECT 7, CAST(substr(b, 1) AS TEXT) FROM (SELECT ? AS b)",
               ("東".encode("utf-16-le") * 400_000_000,))
    db.execute("INSERT INTO t VALUES (8, 'short')")
    db.execute("PRAGMA shrink_memory")
    ferry.capture(database)
    replayed = ferry.replay(expect=SET_ASIDE)
    assert replayed.summary["set_aside_total"] == 1
    (table, column, key, kind, value, reason), = ferry.target.rows(
        "SELECT table_name, column_name, key, class, value, reason FROM rowferry.set_aside")
    assert (table, column, kind, value) == ("t", "v", "text", None)
    assert json.loads(key) == {"id": 7} and "1 GB" in reason
    assert ferry.target.rows("SELECT * FROM t") == [["8", "short"]]
    ferry.verify(expect=SET_ASIDE)
    db.execute("UPDATE t SET v = 'short again' WHERE id = 7")
    db.close()
    ferry.capture(database)
    ferry.replay(expect=OK)
    assert ferry.target.rows("SELECT * FROM t ORDER BY id") == [["7", "short again"],
                                                                ["8", "short"]]
