"""Keys that PostgreSQL sees with other eyes, tables without any, and values that change hands."""

import itertools

import pytest

import makedb


def test_null_in_a_primary_key(road):
    """SQLite takes it, as often as one likes, in rowid tables."""
    tables = {
        "texts": "(k TEXT PRIMARY KEY, v TEXT)",
        "ints": "(k INT PRIMARY KEY, v TEXT)",
        "not_an_alias": "(k INTEGER PRIMARY KEY DESC, v TEXT)",
        "pairs": "(k TEXT, k2 INTEGER, v TEXT, PRIMARY KEY (k2, k))",
        "half": "(k TEXT, k2 INTEGER NOT NULL DEFAULT 1, v TEXT, PRIMARY KEY (k, k2))",
    }
    road.sql(*[f"CREATE TABLE {name} {body}" for name, body in tables.items()])
    for name in tables:
        road.sql(f"INSERT INTO {name} (k, v) VALUES (NULL, 'a'), (NULL, 'a'), (NULL, 'b'),"
                 "(1, 'c'), (2, 'd'), (NULL, NULL)")
    road.trip()
    for name in tables:
        road.sql(f"INSERT INTO {name} (k, v) VALUES (NULL, 'a'), (3, 'a')",
                 f"UPDATE {name} SET v = 'changed' WHERE v = 'b'",
                 f"DELETE FROM {name} WHERE rowid = 1")
    road.trip()
    for name in tables:
        road.sql(f"UPDATE {name} SET k = NULL WHERE k = 1",
                 f"UPDATE {name} SET k = 9 WHERE rowid = (SELECT min(rowid) FROM {name} "
                 "WHERE k IS NULL)")
    road.trip()
    road.trip(*[f"DELETE FROM {name} WHERE k IS NULL AND v = 'a'" for name in tables], "VACUUM")
    road.trip(*[f"UPDATE {name} SET k = NULL" for name in tables])
    road.trip(*[f"UPDATE {name} SET k = rowid" for name in tables])


@pytest.mark.parametrize("end", ["", " WITHOUT ROWID"], ids=["rowid", "without"])
@pytest.mark.parametrize("collation", ["NOCASE", "RTRIM"])
def test_keys_of_another_collation(road, collation, end):
    """'abc' becomes 'ABC': for SQLite the same key and another value; for PostgreSQL another
    key."""
    spell = {"NOCASE": (str.lower, str.upper, str.title),
             "RTRIM": (lambda s: s, lambda s: s + " ", lambda s: s + "   ")}[collation]
    words = ["abc", "xyz", "ärger", "straße", "q", ""]
    road.trip(f"CREATE TABLE t (k TEXT COLLATE {collation} PRIMARY KEY NOT NULL, v TEXT){end}",
              f"CREATE TABLE two (n INT, k TEXT COLLATE {collation}, v TEXT, "
              f"PRIMARY KEY (n, k)){end}",
              f"CREATE TABLE u (id INTEGER PRIMARY KEY, k TEXT UNIQUE COLLATE {collation})",
              *[s for word in words for s in (("INSERT INTO t VALUES (?, 'a')", spell[0](word)),
                                              ("INSERT INTO two VALUES (1, ?, 'a')", word),
                                              ("INSERT INTO u (k) VALUES (?)", word))])
    for change in spell[1:]:
        road.trip(*[s for word in words for s in (
            ("UPDATE t SET k = ? WHERE k = ?", change(word), word),
            ("UPDATE two SET k = ? WHERE k = ?", change(word), word),
            ("UPDATE u SET k = ? WHERE k = ?", change(word), word))])
    # Deleted and put back in another spelling, with and without other content.
    road.trip(*[s for word in words[:2] for s in (
        ("DELETE FROM t WHERE k = ?", word), ("INSERT INTO t VALUES (?, 'a')", spell[1](word)),
        ("DELETE FROM two WHERE k = ?", word),
        ("INSERT INTO two VALUES (1, ?, 'b')", spell[0](word)))])
    # A swap of what differs in spelling only.
    road.trip("DELETE FROM t WHERE k = 'q'", ("INSERT INTO t VALUES (?, 'q again')",
                                              spell[2]("q")))


@pytest.mark.parametrize("end", ["", " WITHOUT ROWID"], ids=["rowid", "without"])
def test_text_keys_that_are_one_number(road, end):
    keys = ["1", "1.0", "01", "+1", "1e0", " 1", "1 ", "0x1", "-0", "0", "0.0", "١"]
    road.trip(f"CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL, v){end}",
              *[("INSERT INTO t VALUES (?, 0)", key) for key in keys])
    road.trip(*[("UPDATE t SET v = ? WHERE k = ?", n, key) for n, key in enumerate(keys)])
    road.trip("UPDATE t SET k = 'x' WHERE k = '1'", "UPDATE t SET k = '1' WHERE k = '1.0'",
              "UPDATE t SET k = '1.0' WHERE k = 'x'", "DELETE FROM t WHERE k = '01'")
    road.trip("INSERT INTO t VALUES ('01', 5)", "DELETE FROM t WHERE k IN ('0', '-0')")


def test_null_in_a_key_whose_values_blur(road):
    """A key that holds 1 and '1' is none in PostgreSQL, and no reason to keep NULL out."""
    road.trip("CREATE TABLE t (k PRIMARY KEY, v TEXT)",
              "INSERT INTO t VALUES (1, 'number'), ('1', 'text'), ('x', 'word')")
    road.trip("INSERT INTO t VALUES (NULL, 'nothing'), (NULL, 'nothing')")
    road.trip("UPDATE t SET k = NULL WHERE v = 'number'", "DELETE FROM t WHERE v = 'nothing'")


def test_no_key_and_hundreds_of_duplicates(road):
    def copies(count, row):
        return ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
                f"{count}) INSERT INTO t SELECT {row} FROM n")

    road.trip("CREATE TABLE t (a INTEGER, b TEXT, c BLOB)", copies(500, "1, 'x', x'00'"),
              copies(300, "NULL, NULL, NULL"), copies(200, "1, '', x''"), copies(1, "2, 'y', NULL"))
    # Some of them go, one changes, more come.
    road.trip("DELETE FROM t WHERE rowid IN (SELECT rowid FROM t WHERE a = 1 LIMIT 123)",
              "UPDATE t SET b = 'one' WHERE rowid = (SELECT max(rowid) FROM t WHERE a IS NULL)",
              copies(77, "1, '', x''"))
    road.trip("UPDATE t SET a = 1, b = 'x', c = x'00' WHERE rowid IN "
              "(SELECT rowid FROM t WHERE a IS NULL LIMIT 99)")
    # As many go as come: nothing has changed but the places.
    road.trip("DELETE FROM t WHERE a IS NULL", copies(200, "NULL, NULL, NULL"))
    road.trip("VACUUM")
    road.trip("DELETE FROM t WHERE a = 1 AND b = 'x'")
    road.trip("DELETE FROM t WHERE rowid <> (SELECT min(rowid) FROM t)")
    road.trip("DELETE FROM t")


UNIQUE = {
    "constraint": "CREATE TABLE t (id INTEGER PRIMARY KEY, u INTEGER UNIQUE, v TEXT)",
    "two columns": "CREATE TABLE t (id INTEGER PRIMARY KEY, u INTEGER, v TEXT, UNIQUE (v, u))",
    "key": "CREATE TABLE t (id INTEGER, u INTEGER PRIMARY KEY, v TEXT)",
    "text key": "CREATE TABLE t (id INTEGER UNIQUE, u TEXT PRIMARY KEY NOT NULL, v TEXT)",
    "without": "CREATE TABLE t (id INTEGER UNIQUE, u INTEGER PRIMARY KEY, v TEXT) WITHOUT ROWID",
}


@pytest.mark.parametrize("index", ["INDEX i ON t (a)", "INDEX i ON t (a DESC, b)",
                                   "UNIQUE INDEX i ON t (a, c)", "INDEX i ON t (b)",
                                   "INDEX i ON t (a) WHERE b > 3", "INDEX i ON t (c, a)"])
@pytest.mark.parametrize("kind", ["REAL", "TEXT", "DATETIME", ""])
def test_no_key_but_an_index(road, kind, index):
    """Rows that are gone are found by it: NULLs too, and as many of each as the source lost."""
    value = {"REAL": "i % 7 - 3.5", "TEXT": "'t' || (i % 7)",
             "DATETIME": "datetime(1700000000 + i % 7, 'unixepoch')",
             "": "CASE i % 3 WHEN 0 THEN i % 7 WHEN 1 THEN x'00' ELSE 'x' END"}[kind]
    unique = index.startswith("UNIQUE")
    road.trip(f"CREATE TABLE t (a {kind}, b INTEGER, c)",
              f"WITH n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
              f"INSERT INTO t SELECT CASE WHEN i % 5 > 0 THEN {value} END, i % 11, "
              f"{'i' if unique else 'i % 4'} FROM n",
              *([] if unique else ["INSERT INTO t SELECT * FROM t WHERE b < 4"]),
              f"CREATE {index}")
    road.trip("DELETE FROM t WHERE rowid % 13 = 0")
    road.trip("DELETE FROM t WHERE a IS NULL AND rowid % 3 = 0",
              "UPDATE t SET b = NULL WHERE a IS NULL AND rowid % 3 = 1")
    road.trip("UPDATE t SET c = c + 100000 WHERE rowid % 2 = 0 AND a IS NOT NULL")
    road.trip("DELETE FROM t WHERE a IS NULL")
    road.trip("DELETE FROM t")


def test_minus_zero_is_not_zero_to_an_index(road):
    """The index takes them for the same; the rows are not."""
    road.trip("CREATE TABLE t (a, b)", "CREATE INDEX i ON t (a)",
              *(("INSERT INTO t VALUES (?, 1)", value) for value in (0.0, -0.0, -0.0, 1.5)))
    road.trip("DELETE FROM t WHERE rowid = 1")
    road.trip("DELETE FROM t WHERE rowid = 2")
    assert road.rows("SELECT a::text FROM t ORDER BY 1") == road.rows(
        "VALUES ('-0'), ('1.5')")


@pytest.mark.parametrize("kind", UNIQUE)
def test_unique_values_change_hands_in_one_delta(road, kind):
    """In pairs, in a ring, down a chain into a free place, over a deleted row and a new one."""
    def rotate(ids):
        """Each takes the value of the next, over places that nobody has."""
        return [*[("UPDATE t SET u = u + 1000000 WHERE id = ?", i) for i in ids],
                *[("UPDATE t SET u = ? WHERE id = ?", follower, i)
                  for i, follower in zip(ids, (*ids[1:], ids[0]))]]

    road.trip(UNIQUE[kind],
              *[("INSERT INTO t VALUES (?, ?, 'same')", n, n) for n in range(1, 41)])
    road.trip(*rotate((1, 2)), *rotate((3, 4)))
    road.trip(*rotate(tuple(range(5, 25))))
    road.trip(*[("UPDATE t SET u = ? WHERE u = ?", n + 1, n) for n in range(40, 24, -1)])
    road.trip("DELETE FROM t WHERE u = 41", "UPDATE t SET u = 41 WHERE u = 40",
              "INSERT INTO t VALUES (100, 40, 'same')")
    road.trip("UPDATE t SET u = NULL WHERE u = 41" if kind in ("constraint", "two columns")
              else "DELETE FROM t WHERE u = 41",
              "INSERT INTO t VALUES (101, 41, 'same')", "INSERT INTO t VALUES (102, 25, 'same')")
    road.trip("UPDATE t SET u = CAST(u AS INTEGER) + 5000", "UPDATE t SET u = CAST(u AS INTEGER)"
              " - 5001")


def test_swaps_in_two_unique_constraints_at_once(road):
    road.trip("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT, c INT)",
              "CREATE UNIQUE INDEX t_bc ON t (b, c)",
              *[("INSERT INTO t VALUES (?, ?, ?, ?)", n, f"a{n}", n % 4, n) for n in range(20)])
    for shift in (1, 7):
        road.trip("UPDATE t SET a = a || '!', c = c + 100",
                  *[("UPDATE t SET a = ?, c = ? WHERE id = ?", f"a{(n + shift) % 20}",
                     (n - shift) % 20, n) for n in range(20)])
    road.trip("UPDATE t SET id = id + 100", "UPDATE t SET id = 119 - id")


@pytest.mark.parametrize("end", ["", " WITHOUT ROWID"], ids=["rowid", "without"])
def test_updates_of_key_columns(road, end):
    road.trip("CREATE TABLE t (a INTEGER NOT NULL, b TEXT NOT NULL, v BLOB, "
              f"PRIMARY KEY (b, a)){end}",
              *[("INSERT INTO t VALUES (?, ?, zeroblob(?))", n, w, n)
                for n, w in itertools.product(range(10), ("x", "y", "z"))])
    # All move one place up; one column of the key changes, then the other one, then both.
    road.trip("UPDATE t SET a = a + 100", "UPDATE t SET a = a - 99")
    road.trip("UPDATE t SET b = b || b WHERE a % 2")
    road.trip("UPDATE t SET a = -a, b = upper(b) WHERE b = 'x'")
    # The key of a row that goes is taken by one that changes as well.
    road.trip("DELETE FROM t WHERE a = 4 AND b = 'y'",
              "UPDATE t SET a = 4, b = 'y', v = x'01' WHERE a = 6 AND b = 'z'")
    road.trip("UPDATE t SET a = 0, b = 'y' WHERE a = 4 AND b = 'y'",
              "INSERT INTO t VALUES (4, 'y', x'02')")


def test_keys_of_all_classes(road):
    """In an untyped key 1 and '1' are two. PostgreSQL has no such column, but no row may be lost
    to that."""
    keys = [1, "1", 1.5, "1.5", "one", b"1", b"", "", -2**63, 2**63 - 1, "9223372036854775807",
            1e300]
    for end in ("", " WITHOUT ROWID"):
        name = "t" + str(len(end))
        road.sql(f"CREATE TABLE {name} (k PRIMARY KEY NOT NULL, v TEXT){end}",
                 *[(f"INSERT INTO {name} VALUES ({makedb.placeholder(k)}, ?)", k, repr(k))
                   for k in keys])
    road.trip(aside=None)
    both = ("t0", "t14")
    road.trip(*[f"UPDATE {name} SET v = 'changed' WHERE k = 1" for name in both], aside=None)
    road.trip(*[f"DELETE FROM {name} WHERE k = '1'" for name in both], aside=None)
    road.trip(*[f"UPDATE {name} SET k = '1' WHERE k = 1" for name in both], aside=None)
    road.trip(*[s for name in both for s in (f"INSERT INTO {name} VALUES (1, 'back')",
                                             f"DELETE FROM {name} WHERE k = x'31'")], aside=None)
