"""Generated columns, whose values the target may compute for itself: it has to come to the same."""

import pytest

KEYS = {"no key": "", "key": "id INTEGER PRIMARY KEY, ", "text key": "id TEXT PRIMARY KEY, "}


@pytest.mark.parametrize("how", ["STORED", "VIRTUAL"])
@pytest.mark.parametrize("key", KEYS)
def test_rows_come_and_go(road, key, how):
    road.trip(f"CREATE TABLE t ({KEYS[key]}a INTEGER, b TEXT, twice INTEGER AS (a * 2) {how},"
              f" low TEXT AS (lower(b)) {how}, kind TEXT AS (typeof(a)) {how})",
              *[f"INSERT INTO t (a, b) VALUES ({n % 4}, 'Word {n % 3}')" for n in range(20)],
              "INSERT INTO t (a, b) VALUES (NULL, NULL), (NULL, NULL)")
    road.trip("UPDATE t SET a = a + 1 WHERE rowid % 3 = 0", "DELETE FROM t WHERE rowid % 5 = 0")
    road.trip("UPDATE t SET b = NULL WHERE a = 1", "DELETE FROM t WHERE a IS NULL", "VACUUM")


def test_what_it_depends_on_goes(road):
    """A table is made anew, without the columns that a generated one was made of."""
    road.trip("CREATE TABLE t (a TEXT, b TEXT, n INTEGER AS (length(a)) STORED)",
              "INSERT INTO t VALUES ('x', 'y')")
    road.trip("DROP TABLE t", "CREATE TABLE t (b TEXT, c INTEGER)", "INSERT INTO t VALUES ('z', 1)")
    road.trip("DROP TABLE t", "CREATE TABLE t (a TEXT, b TEXT, n INTEGER AS (length(b)) STORED)",
              "INSERT INTO t VALUES ('x', 'yy')")


def test_a_value_of_its_columns_affinity(road):
    """substr() gives text, of which a REAL column makes a number where it can."""
    road.trip("CREATE TABLE t (n INT PRIMARY KEY, r REAL AS (substr(n, 2)) VIRTUAL) WITHOUT ROWID",
              "INSERT INTO t VALUES (98250), (0)")
    road.trip("INSERT INTO t VALUES (177)", "UPDATE t SET n = 12 WHERE n = 0")
    road.trip("UPDATE t SET n = 5 WHERE n = 12")
