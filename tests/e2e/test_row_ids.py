"""Rows whose rowids are odd, and tables where its names mean something else."""

import random

import pytest

from makedb import quote

EDGES = [-2**63, -2**63 + 1, -2**53 - 1, -2, -1, 0, 1, 2, 2**31, 2**53 + 1, 2**63 - 2, 2**63 - 1]

# Tables with a rowid: what follows the name, and how a row's rowid is called.
KINDS = {
    "hidden": ("(v TEXT, n INTEGER)", "rowid"),
    "alias": ("(id INTEGER PRIMARY KEY, v TEXT, n INTEGER)", "id"),
    "other key": ("(k TEXT AS ('k' || n) VIRTUAL UNIQUE, v TEXT, n INTEGER)", "rowid"),
}


def insert(name, rowid, number, v):
    return (f"INSERT INTO t ({name}, v, n) VALUES (?, ?, ?)", rowid, v, number)


@pytest.mark.parametrize("kind", KINDS)
def test_negative_zero_and_at_the_edges(road, kind):
    body, name = KINDS[kind]
    road.trip(f"CREATE TABLE t {body}",
              *[insert(name, rowid, n, f"row {n}") for n, rowid in enumerate(EDGES)])
    road.trip("UPDATE t SET v = v || ' later'")
    road.trip(f"DELETE FROM t WHERE {name} IN (-9223372036854775808, 0, 9223372036854775807)")
    # Back at the same places, with something else, and at new ones.
    road.trip(insert(name, -2**63, 100, "back"), insert(name, 0, 101, "back"),
              insert(name, 2**63 - 1, 102, "back"), insert(name, -7, 103, "new"))
    # With the largest rowid taken SQLite draws one by lot.
    road.trip("INSERT INTO t (v, n) VALUES ('drawn', 104), ('drawn too', 105)")
    # The rows stay and change places: 2^63-2 and -2^63+1 with one another, others one further.
    road.trip(f"UPDATE t SET {name} = 77 WHERE {name} = 9223372036854775806",
              f"UPDATE t SET {name} = 9223372036854775806 WHERE {name} = -9223372036854775807",
              f"UPDATE t SET {name} = -9223372036854775807 WHERE {name} = 77",
              f"UPDATE t SET {name} = {name} + 1 WHERE {name} IN (2147483648, 9007199254740993)",
              f"UPDATE t SET {name} = -{name} WHERE {name} IN (1, 2, -2, -1) AND {name} > 0 "
              f"AND -{name} NOT IN (SELECT {name} FROM t)")
    road.trip("DELETE FROM t WHERE n % 2 = 0", "VACUUM")
    road.trip("DELETE FROM t")


@pytest.mark.parametrize("kind", KINDS)
def test_reused(road, kind):
    """The newest rows go and others come, which SQLite gives the same rowids."""
    body, name = KINDS[kind]
    road.trip(f"CREATE TABLE t {body}",
              *[(insert(name, n, n, f"row {n}")) for n in range(1, 40)])
    for day in range(3):
        road.trip(f"DELETE FROM t WHERE {name} > 30",
                  *[("INSERT INTO t (v, n) VALUES (?, ?)", f"day {day} row {n}", 1000 * day + n)
                    for n in range(50, 61)])
    # One takes the place of another one, and that one moves behind.
    road.trip(f"UPDATE t SET {name} = 500 WHERE {name} = 3",
              f"UPDATE t SET {name} = 3 WHERE {name} = 4",
              insert(name, 4, 2000, "between"))
    # The same content under the rowid of a row that is gone.
    road.trip(f"DELETE FROM t WHERE {name} IN (5, 6)", insert(name, 5, 6, "row 6"),
              insert(name, 6, 5, "row 5"))


@pytest.mark.parametrize("kind", KINDS)
def test_sparse(road, kind):
    body, name = KINDS[kind]
    rng = random.Random(kind)
    rowids = [rng.randrange(-2**62, 2**62) for _ in range(400)]
    road.trip(f"CREATE TABLE t {body}",
              *[insert(name, rowid, n, f"row {n}") for n, rowid in enumerate(rowids)])
    road.trip("DELETE FROM t WHERE n % 3 = 0", "UPDATE t SET v = 'changed' WHERE n % 3 = 1",
              *[insert(name, rowid // 3, 1000 + n, "new") for n, rowid in enumerate(rowids[:100])])
    road.trip(f"UPDATE t SET {name} = {name} / 5")
    road.trip("VACUUM")


def test_autoincrement_leaves_gaps(road):
    road.trip("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
              "INSERT INTO t (v) VALUES ('a'), ('b'), ('c')")
    road.trip("DELETE FROM t WHERE id > 1", "INSERT INTO t (v) VALUES ('d'), ('e')")
    road.trip("DELETE FROM t", "INSERT INTO t (v) VALUES ('f')")
    road.trip("INSERT INTO t VALUES (9223372036854775807, 'last')", "DELETE FROM t WHERE v = 'f'")


NAMES = {
    "rowid": ["rowid"], "oid": ["oid"], "_rowid_": ["_rowid_"],
    "rowid and oid": ["rowid", "oid"], "oid and _rowid_": ["oid", "_rowid_"],
    "all": ["rowid", "oid", "_rowid_"], "all in capitals": ["ROWID", "OID", "_ROWID_"],
}


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("key", ["", "PRIMARY KEY NOT NULL"], ids=["no key", "key"])
def test_columns_with_the_names_of_the_rowid(road, names, key):
    """They hold what they hold, which need not be unique nor a number."""
    names = NAMES[names]
    columns = [quote(name) for name in names]
    body = ", ".join([f"{columns[0]} TEXT {key}", *[f"{c} INTEGER" for c in columns[1:]], "v"])
    row = f"INSERT OR IGNORE INTO t VALUES (?, {'?, ' * (len(columns) - 1)}?)"

    def rows(numbers, v):
        first = str if key else (lambda n: f"same {n % 3}")
        return [(row, first(n), *[n % 5] * (len(columns) - 1), v) for n in numbers]
    last = columns[-1] if len(columns) > 1 else "v"
    road.trip(f"CREATE TABLE t ({body})", *rows(range(30), "a"))
    road.trip(*rows(range(30, 50), "b"), "UPDATE t SET v = 'c' WHERE v = 'b'")
    road.trip(f"DELETE FROM t WHERE {columns[0]} LIKE '%1'")
    road.trip("VACUUM", f"UPDATE t SET {last} = '7' WHERE {columns[0]} LIKE '%2'")
    # Rows go and come back as they were, at other places.
    road.trip("DELETE FROM t WHERE v = 'a'", *rows(range(29, -1, -1), "a"))
    if not key:
        road.trip("INSERT INTO t SELECT * FROM t WHERE v = 'c'", "DELETE FROM t WHERE v = 'a'")


@pytest.mark.parametrize("name", ["rowid", "oid", "_rowid_"])
def test_an_integer_key_of_that_name(road, name):
    """INTEGER PRIMARY KEY: then the name means the rowid after all."""
    road.trip(f"CREATE TABLE t ({name} INTEGER PRIMARY KEY, v TEXT)",
              "INSERT INTO t VALUES (-5, 'a'), (0, 'b'), (9, 'c')")
    road.trip(f"UPDATE t SET {name} = {name} + 1", "INSERT INTO t (v) VALUES ('d')")
    road.trip(f"DELETE FROM t WHERE {name} = 1", f"UPDATE t SET {name} = 1 WHERE {name} = 10")
