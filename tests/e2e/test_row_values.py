"""Values at the edges of what either side holds, in columns of every declaration, changed from one
into another by deltas."""

import random

import pytest

import makedb
from makedb import Raw

DECLARATIONS = ["", "INTEGER", "BIGINT", "REAL", "DOUBLE PRECISION", "NUMERIC", "DECIMAL(10, 2)",
                "TEXT", "VARCHAR(5)", "BLOB", "BOOLEAN", "DATETIME", "JSON"]

POOLS = {
    "integers": [0, 1, -1, 127, 128, 2**31 - 1, 2**31, -2**31 - 1, 2**53 - 1, 2**53, 2**53 + 1,
                 -2**53 - 1, 2**62 + 1, 2**63 - 1, -2**63, -2**63 + 1],
    "reals": [0.0, -0.0, 0.1, 1 / 3, 0.1 + 0.2, 5e-324, 2.2250738585072014e-308,
              1.7976931348623157e308, -1.7976931348623157e308, 9007199254740993.0, 1e15, 1e16,
              123456789.12345679, 1.0000000000000002, 3.141592653589793, 2.5, -1e-5, 1e22, 1e23,
              float("inf"), float("-inf")],
    "one in every way": [1, 1.0, "1", "1.0", b"1", Raw(b"1."), "+1", "01", "1e0", " 1", "１"],
    "nothing in every way": ["", b"", None, "\\N", "NULL", "null", " ", b"\\x", 0, 0.0, -0.0, "0"],
    "text": [*makedb.TEXTS, "\ufffd", "\U0010ffff", "\u202e", "a" * 5, "é" * 5, "é" * 6,
             "trailing  ", "2024-02-30", "inf", "nan", "Infinity", "1e400", "\u0085"],
    "blobs": [*makedb.BLOBS, "text".encode(), "é".encode(), b"\xe9", b"1", b"NULL"],
    "blobs and text": ["abc", b"abc", "é", "é".encode(), b"\xff", "\xff", "", b"", "\\x616263"],
    "everything": [0, 1, 2**53 + 1, 2**63 - 1, 0.5, -0.0, 1e300, float("inf"), "", "1", "0.5",
                   "word", b"", b"1", b"word", b"\0\xff", None],
}


def table(number, keyed):
    return f"{'keyed' if keyed else 'bag'}_{number}"


def insert(name, identity, value):
    return (f"INSERT INTO {name} (id, v) VALUES (?, {makedb.placeholder(value)})", identity, value)


@pytest.mark.parametrize("pool", POOLS)
def test_pool(road, pool):
    """Every value stands in every column once, and turns into each of its neighbours."""
    values = POOLS[pool]
    tables = []
    for number, declared in enumerate(DECLARATIONS):
        tables += [table(number, True), table(number, False)]
        road.sql(f"CREATE TABLE {tables[-2]} (id INTEGER PRIMARY KEY, v {declared})",
                 f"CREATE TABLE {tables[-1]} (id INTEGER, v {declared})")
    road.trip(*[insert(t, n, v) for t in tables for n, v in enumerate(values)], aside=None)
    for shift in (1, 5):
        turned = values[shift:] + values[:shift]
        road.trip(*[(f"UPDATE {t} SET v = {makedb.placeholder(v)} WHERE id = ?", v, n)
                    for t in tables for n, v in enumerate(turned)], aside=None)
    # Half of the rows go, come back at other places, and the file is rewritten.
    road.trip(*[f"DELETE FROM {t} WHERE id % 2" for t in tables], aside=None)
    road.trip(*[insert(t, n, v) for t in tables for n, v in reversed(list(enumerate(values)))
                if n % 2], "VACUUM", aside=None)


@pytest.mark.parametrize("declared", DECLARATIONS, ids=lambda d: d or "none")
def test_a_column_that_changes_its_mind(road, declared):
    """The first load sees one class, later trips bring the others."""
    road.trip(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})",
              f"CREATE TABLE bag (v {declared}, w TEXT)",
              "INSERT INTO t VALUES (1, 1), (2, 0), (3, NULL)",
              "INSERT INTO bag VALUES (1, 'a'), (1, 'a'), (NULL, 'b')", aside=None)
    for number, value in enumerate([1.5, "word", b"\xff", 2**60 + 1, "", b""]):
        road.trip(("INSERT INTO t VALUES (?, ?)", 10 + number, value),
                  *[("INSERT INTO bag VALUES (?, 'c')", value)] * 3,
                  ("UPDATE t SET v = ? WHERE id = 2", value), aside=None)
    road.trip("DELETE FROM t WHERE typeof(v) IN ('text', 'blob')",
              "DELETE FROM bag WHERE typeof(v) IN ('text', 'blob')", aside=None)
    road.trip("DELETE FROM t", "DELETE FROM bag", "VACUUM")


@pytest.mark.plain
def test_values_of_100_megabytes(road):
    """Such a value arrives, is replaced by another one, and goes."""
    size = 100 * 10**6
    noise = random.Random(1).randbytes(10**6)
    road.trip("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB, s TEXT)",
              f"INSERT INTO t VALUES (1, zeroblob({size}), 'x')",
              ("INSERT INTO t VALUES (2, CAST(? || zeroblob(?) AS BLOB), 'y')", noise, size),
              ("INSERT INTO t VALUES (3, x'', ?)", "ab\n" * (size // 3)))
    road.trip("UPDATE t SET s = 'z' WHERE id = 1",
              "UPDATE t SET b = CAST(b || x'01' AS BLOB) WHERE id = 2",
              "UPDATE t SET s = substr(s, 2) WHERE id = 3")
    road.trip("UPDATE t SET b = NULL WHERE id = 2", "DELETE FROM t WHERE id = 1")
