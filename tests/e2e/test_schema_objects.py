"""What stands around the rows: defaults, CHECK constraints, generated columns, indexes, foreign
keys, sequences. Both databases are given the same statements and have to say the same."""

import sqlite3
import subprocess

import pytest

import makedb
from compare import assert_same
from program import OK
from postgres import quote


@pytest.fixture
def source(ferry, scratch):
    ferry.database = scratch / "source.db"
    makedb.connect(ferry.database).close()
    return ferry


def sql(ferry, *statements):
    db = makedb.connect(ferry.database)
    for statement in statements:
        db.execute(statement)
    db.close()


def trip(ferry, expect=OK):
    ferry.capture(ferry.database)
    result = ferry.replay(expect=expect)
    assert_same(ferry.database, ferry.target)
    ferry.verify(expect=expect)
    return result


def warnings(result):
    return [line for line in result.err.splitlines() if line.startswith("warning: ")]


def sqlite_takes(ferry, statement):
    db = makedb.connect(ferry.database)
    try:
        db.execute(statement)
        return True
    except sqlite3.IntegrityError:
        return False
    finally:
        db.close()


def postgres_takes(ferry, statement):
    """Of a constraint that is violated; any other error fails the test."""
    done = subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=sqlstate",
         ferry.target.server.conninfo(ferry.target.name)],
        input=statement.encode(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0 or b" 23" in done.stderr, f"{statement}: {done.stderr.decode()}"
    return done.returncode == 0


def both(ferry, *statements):
    """Each is taken by both databases or refused by both; afterwards they hold the same rows."""
    for statement in statements:
        assert sqlite_takes(ferry, statement) == postgres_takes(ferry, statement), statement
    assert_same(ferry.database, ferry.target)


# Defaults

def test_defaults(source):
    sql(source, "CREATE TABLE d (id INTEGER PRIMARY KEY, n INTEGER DEFAULT 7, r REAL DEFAULT 2, "
                "t TEXT DEFAULT 'it''s', e TEXT DEFAULT '', b BLOB DEFAULT x'00ff', "
                "z INTEGER DEFAULT NULL, o BOOLEAN DEFAULT 1, w BOOLEAN DEFAULT FALSE, "
                "neg INTEGER NOT NULL DEFAULT -3, sum INTEGER DEFAULT (1 + 2), "
                "word TEXT DEFAULT bare)",
        "INSERT INTO d (id) VALUES (1)")
    assert not warnings(trip(source))
    both(source, "INSERT INTO d (id) VALUES (2)", "INSERT INTO d (id, n, t) VALUES (3, 8, NULL)",
         "INSERT INTO d (id, neg) VALUES (4, NULL)")


def test_a_default_that_has_no_equal(source):
    """The column is there all the same, and the default is named, once."""
    sql(source, "CREATE TABLE d (id INTEGER PRIMARY KEY, k TEXT DEFAULT (hex(randomblob(4))), "
                "n INTEGER DEFAULT 'many')", "INSERT INTO d (id, n) VALUES (1, 1), (2, 2)")
    told = warnings(trip(source))
    assert len(told) == 2 and all("default" in line for line in told), told
    assert "column k" in told[0] and "randomblob" in told[0] and "column n" in told[1]
    sql(source, "INSERT INTO d VALUES (3, 'x', 5)")
    assert not warnings(trip(source))


# CHECK constraints

def test_checks(source):
    sql(source, "CREATE TABLE c (id INTEGER PRIMARY KEY, n INTEGER CHECK (n > 0), t TEXT, r REAL, "
                "CONSTRAINT short CHECK (length(t) < 4), CHECK (n IS NULL OR r <= 100), "
                "CHECK (t <> 'no' OR n = 1))",
        "INSERT INTO c VALUES (1, 5, 'abc', 1.5), (2, NULL, NULL, NULL)")
    assert not warnings(trip(source))
    names = source.target.rows("SELECT conname FROM pg_constraint WHERE contype = 'c' "
                               "AND conrelid = 'c'::regclass ORDER BY 1")
    assert ["short"] in names and len(names) == 4
    both(source, "INSERT INTO c VALUES (3, 0, 'a', 1)", "INSERT INTO c VALUES (4, 1, 'abcd', 1)",
         "INSERT INTO c VALUES (5, 1, 'äöü', 1)", "INSERT INTO c VALUES (6, NULL, 'a', 101)",
         "INSERT INTO c VALUES (7, 1, 'a', 101)", "INSERT INTO c VALUES (8, 2, 'no', 1)",
         "INSERT INTO c VALUES (9, 1, 'no', 1)", "INSERT INTO c VALUES (10, NULL, 'no', 1)")


def test_a_check_that_rows_violate(source):
    """SQLite lets them in when it is told to; here the rows count more than the constraint."""
    sql(source, "CREATE TABLE c (id INTEGER PRIMARY KEY, n INTEGER CHECK (n > 0), "
                "m INTEGER CONSTRAINT small CHECK (m < 10))",
        "PRAGMA ignore_check_constraints = 1", "INSERT INTO c VALUES (1, -1, 1), (2, 2, 2)")
    told = warnings(trip(source))
    assert len(told) == 1 and "c_n_check" in told[0], told
    rows = source.target.rows('SELECT constraint_name, stands FROM rowferry."constraint" '
                              'ORDER BY 1')
    assert rows == [["c_n_check", "f"], ["small", "t"]]
    assert not postgres_takes(source, "INSERT INTO c VALUES (9, 1, 10)")
    # A delta brings a row that violates the other.
    sql(source, "INSERT INTO c VALUES (3, 1, 1)")
    assert not warnings(trip(source))
    sql(source, "PRAGMA ignore_check_constraints = 1", "INSERT INTO c VALUES (4, 1, 11)")
    told = warnings(trip(source))
    assert len(told) == 1 and "small" in told[0], told


def test_a_check_that_has_no_equal(source):
    sql(source, "CREATE TABLE c (id INTEGER PRIMARY KEY, t TEXT CHECK (t GLOB '[a-z]*'), "
                "j TEXT CHECK (json_valid(j)), CHECK (typeof(id) = 'integer'))",
        "INSERT INTO c VALUES (1, 'a', '{}')")
    told = warnings(trip(source))
    assert any("json_valid" in line for line in told), told
    refused = source.target.value(
        """SELECT count(*) FROM rowferry."constraint" WHERE NOT carried""")
    assert int(refused) == len(told)


def test_checks_come_and_go(source):
    """As applications migrate: a new table, the rows copied, the old name."""
    sql(source, "CREATE TABLE c (id INTEGER PRIMARY KEY, n INTEGER CHECK (n > 0))",
        "INSERT INTO c VALUES (1, 1)")
    trip(source)
    for check in ("CHECK (n > -5) CHECK (n <> 3)", "", "CHECK (n > 0)"):
        sql(source, f"CREATE TABLE fresh (id INTEGER PRIMARY KEY, n INTEGER {check})",
            "INSERT INTO fresh SELECT * FROM c", "DROP TABLE c", "ALTER TABLE fresh RENAME TO c",
            f"INSERT INTO c VALUES ((SELECT max(id) + 1 FROM c), 7)")
        trip(source)
        both(source, "INSERT INTO c VALUES (100, 3)", "INSERT INTO c VALUES (101, -4)",
             "INSERT INTO c VALUES (102, -6)", "DELETE FROM c WHERE id >= 100")


# Generated columns

def test_generated_columns(source):
    sql(source, "CREATE TABLE g (id INTEGER PRIMARY KEY, a TEXT, n INTEGER, "
                "up TEXT GENERATED ALWAYS AS (upper(a)) STORED, "
                "twice REAL AS (n * 0.5) VIRTUAL, both TEXT AS (a || '-' || a), z BLOB)",
        "INSERT INTO g (id, a, n, z) VALUES (1, 'aé', 3, x'00'), (2, NULL, NULL, NULL), "
        "(3, '', -7, x'')")
    trip(source)
    generated = source.target.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'g'::regclass "
                                   "AND attgenerated <> '' ORDER BY attnum")
    assert generated, "not one of them is generated in the target"
    sql(source, "UPDATE g SET a = 'ß' WHERE id = 1", "DELETE FROM g WHERE id = 3",
        "INSERT INTO g (id, a, n) VALUES (4, 'x', 9)")
    trip(source)
    both(source, "INSERT INTO g (id, a, n) VALUES (5, 'new', 1)", "UPDATE g SET n = 4 WHERE id = 2")


def test_generated_columns_without_a_key(source):
    """Rows are found by what they are made of."""
    sql(source, "CREATE TABLE g (a INTEGER, b AS (a + 0.5) STORED, c TEXT AS (a || 'x'))",
        "INSERT INTO g VALUES (1), (1), (2), (NULL)")
    trip(source)
    sql(source, "DELETE FROM g WHERE rowid IN (1, 4)", "UPDATE g SET a = 5 WHERE a = 2",
        "INSERT INTO g VALUES (NULL)")
    trip(source)


def test_a_generated_column_that_stays_plain(source):
    sql(source, "CREATE TABLE g (id INTEGER PRIMARY KEY, t TEXT, "
                "d TEXT AS (strftime('%Y', t)) STORED)",
        "INSERT INTO g (id, t) VALUES (1, '2024-05-06'), (2, 'x')")
    told = warnings(trip(source))
    assert len(told) == 1 and "column d" in told[0], told
    sql(source, "UPDATE g SET t = '1999-01-01' WHERE id = 2")
    trip(source)


# Indexes

def test_unique_without_regard_to_case(source):
    sql(source, "CREATE TABLE u (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE, "
                "pad TEXT, k TEXT)",
        "CREATE UNIQUE INDEX u_pad ON u (pad COLLATE RTRIM)",
        "INSERT INTO u VALUES (1, 'Anna', 'a', NULL), (2, 'ÄNNE', 'b', NULL), (3, NULL, NULL, '')")
    assert not warnings(trip(source))
    both(source, "INSERT INTO u VALUES (4, 'ANNA', 'c', NULL)",
         "INSERT INTO u VALUES (5, 'änne', 'd', NULL)", "INSERT INTO u VALUES (6, 'bob', 'a  ', '')",
         "INSERT INTO u VALUES (7, 'bob', ' a', '')", "INSERT INTO u VALUES (8, 'anna ', 'A', '')",
         "INSERT INTO u VALUES (9, NULL, NULL, '')", "UPDATE u SET name = 'BOB' WHERE id = 1",
         "UPDATE u SET name = 'aNNa' WHERE id = 1")


def test_a_key_without_regard_to_case(source):
    sql(source, "CREATE TABLE k (name TEXT COLLATE NOCASE PRIMARY KEY, v) WITHOUT ROWID",
        "INSERT INTO k VALUES ('a', 1), ('b', 2)")
    assert not warnings(trip(source))
    sql(source, "UPDATE k SET name = 'A' WHERE name = 'a'", "INSERT INTO k VALUES ('c', 3)")
    trip(source)
    both(source, "INSERT INTO k VALUES ('B', 4)", "INSERT INTO k VALUES ('D', 4)",
         "INSERT INTO k VALUES ('d', 5)")


def test_partial_and_expression_indexes(source):
    sql(source, "CREATE TABLE p (id INTEGER PRIMARY KEY, owner TEXT, active INTEGER, mail TEXT)",
        "CREATE UNIQUE INDEX p_active ON p (owner) WHERE active = 1",
        "CREATE UNIQUE INDEX p_some ON p (owner, mail) WHERE mail IS NOT NULL AND active > 5",
        "CREATE UNIQUE INDEX p_lower ON p (lower(mail))",
        "CREATE INDEX p_desc ON p (active DESC, owner)",
        "INSERT INTO p VALUES (1, 'a', 1, 'A@x'), (2, 'a', 0, 'b@x'), (3, 'a', 0, NULL)")
    assert not warnings(trip(source))
    both(source, "INSERT INTO p VALUES (4, 'a', 1, 'c@x')", "INSERT INTO p VALUES (5, 'a', 0, 'c@x')",
         "INSERT INTO p VALUES (6, 'b', 1, 'C@X')", "INSERT INTO p VALUES (7, 'b', 1, NULL)",
         "UPDATE p SET active = 1 WHERE id = 5", "INSERT INTO p VALUES (8, 'c', 6, 'd@x')",
         "INSERT INTO p VALUES (9, 'c', 6, NULL)", "INSERT INTO p VALUES (10, 'c', 6, NULL)")
    order = source.target.value("SELECT pg_get_indexdef('p_desc'::regclass)")
    assert order.endswith("(active DESC NULLS LAST, owner NULLS FIRST)")


def test_an_index_that_has_no_equal(source):
    """Never with its predicate lost, and never less unique than told."""
    sql(source, "CREATE TABLE n (id INTEGER PRIMARY KEY, t TEXT, d TEXT)",
        "CREATE UNIQUE INDEX n_late ON n (t) WHERE strftime('%H', d) > '12'",
        "CREATE INDEX n_day ON n (strftime('%d', d))",
        "INSERT INTO n VALUES (1, 'a', 'x'), (2, 'a', 'y')")
    told = warnings(trip(source))
    assert len(told) == 2 and "n_day" in told[0] and "n_late" in told[1], told
    assert source.target.value("SELECT count(*) FROM pg_indexes WHERE tablename = 'n'") == "1"
    assert source.target.rows("SELECT index_name, carried FROM rowferry.index ORDER BY 1") == [
        ["n_day", "f"], ["n_late", "f"], ["n_pkey", "t"]]
    sql(source, "INSERT INTO n VALUES (3, 'b', 'z')", "DROP INDEX n_day",
        "CREATE INDEX n_hour ON n (strftime('%H', d))")
    told = warnings(trip(source))
    assert len(told) == 1 and "n_hour" in told[0], told
    sql(source, "DROP INDEX n_late")
    assert not warnings(trip(source))
    assert source.target.value("SELECT count(*) FROM rowferry.index") == "2"


def test_keys_of_several_kinds(source):
    """1 and '1' are two keys in SQLite; no row is lost where they are one text."""
    sql(source, "CREATE TABLE k (k PRIMARY KEY, v TEXT)",
        "INSERT INTO k VALUES (1, 'number'), ('1', 'text'), (2, 'two'), ('x', 'y')")
    source.capture(source.database)
    source.replay()
    source.verify()
    sql(source, "DELETE FROM k WHERE v = 'number'", "UPDATE k SET v = 'zwei' WHERE k = 2",
        "INSERT INTO k VALUES ('2', 'text two')")
    source.capture(source.database)
    source.replay()
    source.verify()


# Sequences of what pg_dump has to get right

def test_a_dump_restores(source, server):
    sql(source, "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE)",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent ON DELETE "
        "CASCADE, n INTEGER DEFAULT 3 CHECK (n > 0), up TEXT AS (n || 'x') STORED)",
        "CREATE UNIQUE INDEX child_some ON child (n) WHERE parent IS NULL",
        "INSERT INTO parent VALUES (1, 'a')", "INSERT INTO child (id, parent) VALUES (1, 1)")
    trip(source)
    dump = subprocess.run(["pg_dump", "--no-owner", server.conninfo(source.target.name)],
                          capture_output=True, check=True, timeout=60).stdout
    copy = server.create()
    try:
        copy.script(dump.decode())
        assert assert_same(source.database, copy) == 0
        assert quote("child_some").strip('"') in str(copy.rows("SELECT indexname FROM pg_indexes"))
    finally:
        copy.drop()
