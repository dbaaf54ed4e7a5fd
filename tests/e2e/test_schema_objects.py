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
    assert_same(ferry.database, ferry.target, sequences=False)


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


def remake(ferry, table, columns):
    """As applications migrate: a new table, the rows copied, the old name."""
    names = ", ".join(column.split()[0] for column in columns if " AS (" not in column)
    sql(ferry, f"CREATE TABLE fresh ({', '.join(columns)})",
        f"INSERT INTO fresh ({names}) SELECT {names} FROM {table}", f"DROP TABLE {table}",
        f"ALTER TABLE fresh RENAME TO {table}")


def test_a_default_changes(source):
    sql(source, "CREATE TABLE d (id INTEGER PRIMARY KEY, n INTEGER DEFAULT 7, t TEXT)",
        "INSERT INTO d VALUES (1, 1, 'a')")
    trip(source)
    for number, column in enumerate(("n INTEGER DEFAULT 8", "n INTEGER",
                                     "n INTEGER DEFAULT -1")):
        remake(source, "d", ["id INTEGER PRIMARY KEY", column, "t TEXT DEFAULT 'x'"])
        assert not warnings(trip(source))
        both(source, f"INSERT INTO d (id) VALUES ({number + 10})",
             f"DELETE FROM d WHERE id = {number + 10}")


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
    generated = source.target.rows("SELECT attname FROM pg_attribute WHERE attgenerated <> '' "
                                   "AND attrelid = 'g'::regclass ORDER BY attnum")
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


def test_an_expression_changes(source):
    """The rows are the same to SQLite's file, and yet one of their values is another."""
    columns = ["id INTEGER PRIMARY KEY", "a TEXT", "g TEXT AS (a || 'x')"]
    sql(source, f"CREATE TABLE g ({', '.join(columns)})", "INSERT INTO g (id, a) VALUES (1, 'b')")
    trip(source)
    for expression in ("a || 'y'", "upper(a)", "strftime('%Y', a)", "a || 'z'"):
        remake(source, "g", columns[:2] + [f"g TEXT AS ({expression})"])
        trip(source)
        sql(source, "UPDATE g SET a = a || 'b'", "INSERT INTO g (a) VALUES ('c')")
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
         "INSERT INTO u VALUES (5, 'änne', 'd', NULL)",
         "INSERT INTO u VALUES (6, 'bob', 'a  ', '')",
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
    both(source, "INSERT INTO p VALUES (4, 'a', 1, 'c@x')",
         "INSERT INTO p VALUES (5, 'a', 0, 'c@x')",
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


@pytest.mark.parametrize("kind", ["", " WITHOUT ROWID"])
def test_keys_of_several_kinds(source, kind):
    """1, '1' and x'31' are three keys in SQLite; no row is lost where they are one text."""
    sql(source, f"CREATE TABLE k (k, v TEXT, PRIMARY KEY (k)){kind}",
        "INSERT INTO k VALUES (1, 'number'), ('1', 'text'), (2, 'two'), ('x', 'y')")
    for statements in (
            (), ("DELETE FROM k WHERE v = 'number'", "UPDATE k SET v = 'zwei' WHERE k = 2",
                 "INSERT INTO k VALUES ('2', 'text two')"),
            ("UPDATE k SET v = v || '!'", "INSERT INTO k VALUES (1, 'again')"),
            ("DELETE FROM k WHERE typeof(k) = 'text'",),
            ("INSERT INTO k VALUES (x'32', 'blob')",), ("DELETE FROM k WHERE k = 2",)):
        sql(source, *statements)
        source.capture(source.database)
        source.replay()
        source.verify()
        db = makedb.connect(source.database)
        wanted = sorted(row[0] for row in db.execute("SELECT CAST(v AS BLOB) FROM k"))
        db.close()
        aside = int(source.target.value("SELECT count(*) FROM rowferry.set_aside"))
        found = sorted(row[0].encode() for row in source.target.rows("SELECT v FROM k"))
        assert set(found) <= set(wanted) and len(found) + aside == len(wanted), statements


def test_json_in_the_schema(source):
    """SQLite itself takes such a database for malformed, where it does not trust its schema."""
    sql(source, "CREATE TABLE j (id INTEGER PRIMARY KEY, "
                "doc TEXT CHECK (doc IS NULL OR json_valid(doc)), "
                "a AS (json_extract(doc, '$.a')), b TEXT AS (json_extract(doc, '$.b')) STORED)",
        "CREATE INDEX j_a ON j (json_extract(doc, '$.a'))",
        "CREATE UNIQUE INDEX j_b ON j (b) WHERE json_valid(doc)",
        """INSERT INTO j (doc) VALUES ('{"a": 1, "b": "x"}'), ('{"a": 2}'), (NULL)""")
    trip(source)
    sql(source, """UPDATE j SET doc = '{"a": 7, "b": "y"}' WHERE id = 2""",
        "DELETE FROM j WHERE id = 1")
    trip(source)


# Foreign keys

def foreign_keys(ferry):
    """Name to whether it is valid, as the server has it; the ledger must agree."""
    found = dict(ferry.target.rows("SELECT conname, convalidated FROM pg_constraint "
                                   "WHERE contype = 'f' AND connamespace = "
                                   "'public'::regnamespace ORDER BY 1"))
    ledger = dict(ferry.target.rows("""SELECT constraint_name, valid FROM rowferry."constraint" """
                                    """WHERE kind = 'foreign key' AND stands"""))
    assert found == ledger
    return found


def both_with_keys(ferry, *statements):
    """As `both`, with SQLite told to hold to foreign keys."""
    for statement in statements:
        db = makedb.connect(ferry.database)
        db.execute("PRAGMA foreign_keys = 1")
        try:
            db.execute(statement)
            taken = True
        except sqlite3.IntegrityError:
            taken = False
        db.close()
        assert taken == postgres_takes(ferry, statement), statement
        assert_same(ferry.database, ferry.target, sequences=False)


FAMILY = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, a TEXT, b INTEGER, UNIQUE (a, b))",
    "CREATE TABLE gone (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent ON DELETE CASCADE)",
    "CREATE TABLE nulled (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent (id) "
    "ON DELETE SET NULL ON UPDATE CASCADE)",
    "CREATE TABLE fallen (id INTEGER PRIMARY KEY, p INTEGER DEFAULT 1 REFERENCES Parent "
    "ON DELETE SET DEFAULT)",
    "CREATE TABLE kept (id INTEGER PRIMARY KEY, x TEXT, y INTEGER, CONSTRAINT named "
    "FOREIGN KEY (x, y) REFERENCES parent (a, b) ON DELETE RESTRICT)",
    "CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree "
    "DEFERRABLE INITIALLY DEFERRED)",
    "INSERT INTO parent VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, NULL, 4)",
    "INSERT INTO gone VALUES (1, 2), (2, NULL)", "INSERT INTO nulled VALUES (1, 2), (2, 3)",
    "INSERT INTO fallen VALUES (1, 2)", "INSERT INTO kept VALUES (1, 'c', 3), (2, NULL, 9)",
    "INSERT INTO tree VALUES (1, 2), (2, 1), (3, 3), (4, NULL)")


def test_foreign_keys_do_what_they_do_in_sqlite(source):
    sql(source, *FAMILY)
    assert not warnings(trip(source))
    assert foreign_keys(source) == {name: "t" for name in (
        "fallen_p_fkey", "gone_p_fkey", "named", "nulled_p_fkey", "tree_up_fkey")}
    both_with_keys(source, "INSERT INTO gone VALUES (9, 99)", "INSERT INTO gone VALUES (9, 4)",
                   "DELETE FROM parent WHERE id = 3", "UPDATE parent SET id = 30 WHERE id = 3",
                   "UPDATE parent SET id = 40 WHERE id = 4", "DELETE FROM gone WHERE id = 9",
                   "UPDATE parent SET id = 40 WHERE id = 4", "DELETE FROM parent WHERE id = 2",
                   "INSERT INTO kept VALUES (3, 'a', 2)", "INSERT INTO kept VALUES (3, 'a', NULL)",
                   "DELETE FROM tree WHERE id = 1", "DELETE FROM tree WHERE id = 3",
                   "DELETE FROM tree WHERE id IN (1, 2)")


def test_trips_under_foreign_keys(source):
    """No cascade fires for a row that is on its way, whatever the order."""
    sql(source, *FAMILY)
    trip(source)
    for statements in (
            # A parent goes and comes back, under children that are not touched.
            ("DELETE FROM parent WHERE id = 2",
             "INSERT INTO parent VALUES (2, 'changed', 20)"),
            ("UPDATE parent SET b = 7 WHERE id = 2",),
            # Children and parents come together, and go together.
            ("INSERT INTO gone VALUES (10, 50)", "INSERT INTO tree VALUES (10, 11), (11, 10)",
             "INSERT INTO parent VALUES (50, 'x', 50)", "INSERT INTO kept VALUES (5, 'x', 50)"),
            ("DELETE FROM parent WHERE id = 50", "DELETE FROM gone WHERE id = 10",
             "DELETE FROM kept WHERE id = 5", "DELETE FROM tree WHERE id > 9"),
            # Keys change places.
            ("UPDATE tree SET up = CASE id WHEN 1 THEN 3 ELSE 1 END WHERE id < 4",),
            ("DROP TABLE gone", "CREATE TABLE gone (id INTEGER PRIMARY KEY, q TEXT, "
             "p INTEGER REFERENCES parent ON DELETE CASCADE)",
             "INSERT INTO gone VALUES (1, 'q', 2)"),
            ("ALTER TABLE parent ADD COLUMN more TEXT", "UPDATE parent SET more = 'm'"),
            ("VACUUM",)):
        sql(source, *statements)
        assert not warnings(trip(source)), statements
        assert set(foreign_keys(source).values()) == {"t"}, statements
        assert len(foreign_keys(source)) == 5


def test_orphans_come_and_go(source):
    sql(source, *FAMILY)
    trip(source)
    sql(source, "INSERT INTO gone VALUES (20, 77), (21, 88), (22, 77)")
    told = warnings(trip(source))
    assert len(told) == 1 and "gone_p_fkey" in told[0] and "3 rows refer" in told[0], told
    assert "(77)" in told[0] and "parent" in told[0]
    assert foreign_keys(source)["gone_p_fkey"] == "f"
    assert not postgres_takes(source, "INSERT INTO gone VALUES (99, 99)"), "it holds for new rows"
    # Nothing new to say; then fewer; then none.
    sql(source, "INSERT INTO gone VALUES (23, 1)")
    assert not warnings(trip(source))
    sql(source, "DELETE FROM gone WHERE p = 77")
    told = warnings(trip(source))
    assert len(told) == 1 and "1 row refers" in told[0] and "(88)" in told[0], told
    sql(source, "INSERT INTO parent VALUES (88, 'late', 8)")
    assert not warnings(trip(source))
    assert foreign_keys(source)["gone_p_fkey"] == "t"
    # A parent goes, and its children stay.
    sql(source, "DELETE FROM parent WHERE id = 88")
    assert len(warnings(trip(source))) == 1
    assert foreign_keys(source)["gone_p_fkey"] == "f"


def test_orphans_on_a_first_load(source):
    sql(source, *FAMILY, "DELETE FROM parent WHERE id = 2", "PRAGMA foreign_keys = 0",
        "UPDATE tree SET up = 9 WHERE id = 4")
    told = warnings(trip(source))
    assert len(told) == 4, told
    assert [name for name, valid in foreign_keys(source).items() if valid == "f"] == [
        "fallen_p_fkey", "gone_p_fkey", "nulled_p_fkey", "tree_up_fkey"]
    result = source.replay(expect=OK)
    assert not warnings(result)


def test_foreign_keys_that_cannot_be(source):
    sql(source, "CREATE TABLE p (id INTEGER PRIMARY KEY, t TEXT, n INTEGER, "
                "c TEXT COLLATE NOCASE UNIQUE)",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, a INTEGER REFERENCES nowhere, "
        "b INTEGER REFERENCES p (n), c TEXT REFERENCES p (id), d TEXT REFERENCES p (c), "
        "e INTEGER REFERENCES p)",
        "INSERT INTO p VALUES (1, 'x', 1, 'A')",
        "INSERT INTO c VALUES (1, 2, 3, NULL, NULL, 1)")
    told = warnings(trip(source))
    assert len(told) == 4 and all("FOREIGN KEY" in line for line in told), told
    assert "nowhere" in told[0] and "type" in " ".join(told)
    assert foreign_keys(source) == {"c_e_fkey": "t"}
    sql(source, "CREATE TABLE nowhere (id INTEGER PRIMARY KEY)", "INSERT INTO nowhere VALUES (2)",
        "CREATE UNIQUE INDEX p_n ON p (n)", "INSERT INTO p VALUES (2, 'x', 3, 'B')")
    assert not warnings(trip(source))
    assert foreign_keys(source) == {"c_a_fkey": "t", "c_b_fkey": "t", "c_e_fkey": "t"}
    sql(source, "DROP INDEX p_n", "DROP TABLE nowhere")
    assert len(warnings(trip(source))) == 2
    assert foreign_keys(source) == {"c_e_fkey": "t"}


def test_foreign_keys_come_and_go(source):
    sql(source, "CREATE TABLE p (id INTEGER PRIMARY KEY)",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER)", "INSERT INTO p VALUES (1)",
        "INSERT INTO c VALUES (1, 1)")
    trip(source)
    for reference, keys in (("REFERENCES p", 1), ("REFERENCES p ON DELETE CASCADE", 1), ("", 0),
                            ("REFERENCES p REFERENCES c (id)", 2)):
        sql(source, f"CREATE TABLE fresh (id INTEGER PRIMARY KEY, p INTEGER {reference})",
            "INSERT INTO fresh SELECT * FROM c", "DROP TABLE c", "ALTER TABLE fresh RENAME TO c")
        trip(source)
        assert len(foreign_keys(source)) == keys, reference
    deletes = source.target.value("SELECT count(*) FROM pg_constraint WHERE confdeltype = 'c' "
                                  "AND conrelid = 'c'::regclass")
    assert deletes == "0"


def test_tables_that_are_left_out(source):
    sql(source, "CREATE TABLE p (id INTEGER PRIMARY KEY)",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p)",
        "INSERT INTO p VALUES (1)", "INSERT INTO c VALUES (1, 1)")
    source.capture(source.database)
    told = warnings(source.replay("-T", "p", expect=OK))
    assert len(told) == 1 and "table p is not in the target" in told[0], told
    assert not warnings(source.replay(expect=OK))
    assert foreign_keys(source) == {"c_p_fkey": "t"}
    assert_same(source.database, source.target)


def test_own_tables_keep_theirs_beside_those_of_the_application(source):
    sql(source, *FAMILY)
    trip(source)
    source.target.script("CREATE TABLE public.theirs (id bigint PRIMARY KEY, p bigint)")
    sql(source, "CREATE TABLE theirs (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent)",
        "INSERT INTO theirs VALUES (1, 2)", "UPDATE parent SET b = 7 WHERE id = 2",
        "INSERT INTO gone VALUES (7, 1)")
    source.capture(source.database)
    source.replay("--existing", expect=OK)
    source.verify(expect=OK)
    assert foreign_keys(source) == {name: "t" for name in (
        "fallen_p_fkey", "gone_p_fkey", "named", "nulled_p_fkey", "tree_up_fkey")}
    assert next_number(source, "gone") == 8


# Sequences

def next_number(ferry, table, column="id"):
    """What the application would get; it keeps it."""
    return int(ferry.target.value(
        f"SELECT nextval(pg_get_serial_sequence('{quote(table)}', '{column}'))"))


def test_sequences(source):
    sql(source, "CREATE TABLE plain (id INTEGER PRIMARY KEY, v)",
        "CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
        "CREATE TABLE hollow (id INTEGER PRIMARY KEY)",
        "CREATE TABLE below (id INTEGER PRIMARY KEY)",
        "CREATE TABLE above (id INTEGER PRIMARY KEY)",
        "CREATE TABLE other (id INTEGER PRIMARY KEY DESC, n INT)",
        "INSERT INTO plain VALUES (5, 'a'), (17, 'b')", "INSERT INTO auto (v) VALUES (1), (2), (3)",
        "DELETE FROM auto WHERE id > 1", "INSERT INTO below VALUES (-5), (-1)",
        "INSERT INTO above VALUES (9223372036854775807)", "INSERT INTO other VALUES (4, 4)")
    trip(source)
    assert [next_number(source, name) for name in ("plain", "auto", "hollow", "below")] == [
        18, 4, 1, 1]
    assert source.target.value("SELECT count(*) FROM pg_attribute WHERE attidentity = 'd' AND "
                               "attrelid = 'other'::regclass") == "0"
    limit = subprocess.run(["psql", "-X", source.target.server.conninfo(source.target.name), "-c",
                            "INSERT INTO above DEFAULT VALUES"], capture_output=True, check=False)
    assert b"reached maximum value" in limit.stderr
    # What the application took is not given again, and what SQLite gave is not either.
    assert next_number(source, "plain") == 19
    sql(source, "INSERT INTO plain VALUES (18, 'c')", "INSERT INTO auto (v) VALUES (4), (5)",
        "DELETE FROM auto WHERE v = 5", "INSERT INTO hollow VALUES (41)")
    trip(source)
    assert [next_number(source, name) for name in ("plain", "auto", "hollow")] == [20, 6, 42]


def test_a_sequence_is_mended_without_anything_to_do(source):
    sql(source, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (7)")
    trip(source)
    source.target.script("SELECT setval(pg_get_serial_sequence('t', 'id'), 1)")
    source.replay(expect=OK)
    assert next_number(source, "t") == 8


def test_sequences_and_odd_names(source):
    """The sequence's name is taken, or too long; the table's has quotes."""
    long, odd = "x" * 60, quote("it's \"q\"")
    sql(source, f"CREATE TABLE {long} (id INTEGER PRIMARY KEY)", f"INSERT INTO {long} VALUES (3)",
        "CREATE TABLE a_id_seq (id INTEGER PRIMARY KEY)", "CREATE TABLE a (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE {odd} (\"i'd\" INTEGER PRIMARY KEY)", f"INSERT INTO {odd} VALUES (8)",
        "INSERT INTO a VALUES (2)")
    trip(source)
    assert next_number(source, long) == 4 and next_number(source, "a") == 3
    source.target.script(f"INSERT INTO {odd} DEFAULT VALUES")
    assert source.target.value(f"SELECT max(\"i'd\") FROM {odd}") == "9"


# Names

def test_odd_names_everywhere(source):
    """Quotes, keywords, semicolons, and more bytes than a name may have."""
    parent, child, a, b = (quote(name) for name in (
        "p\"; DROP TABLE x; --", "select", "a\"'b", "é" * 30))
    long = quote("c" * 90)
    sql(source, f"CREATE TABLE {parent} (id INTEGER PRIMARY KEY, {a} TEXT COLLATE NOCASE UNIQUE)",
        f"CREATE TABLE {child} (id INTEGER PRIMARY KEY, {a} INTEGER DEFAULT 5 CHECK ({a} > 0), "
        f"{b} TEXT AS ({a} || '$$%s{{target}}') STORED, "
        f"CONSTRAINT {long} CHECK ({a} < 100), CONSTRAINT {long} CHECK ({a} <> 50), "
        f"CONSTRAINT {long} FOREIGN KEY ({a}) REFERENCES {parent} ON DELETE CASCADE)",
        f"CREATE UNIQUE INDEX {quote('i' * 90)} ON {child} ({a}) WHERE {b} > ''",
        f"INSERT INTO {parent} VALUES (5, 'x'), (6, 'y')",
        f"INSERT INTO {child} (id) VALUES (1)")
    trip(source)
    sql(source, f"INSERT INTO {child} (id, {a}) VALUES (2, 6)", f"DELETE FROM {child} WHERE id = 1",
        f"UPDATE {parent} SET {a} = 'z' WHERE id = 5")
    trip(source)
    assert set(foreign_keys(source).values()) == {"t"}
    for value, taken in ((0, False), (100, False), (50, False), (6, False), (7, False), (5, True)):
        statement = f"INSERT INTO public.{child} (id, {a}) VALUES ({value + 10}, {value})"
        assert postgres_takes(source, statement) == taken, value


def test_utf16_sources(source):
    """Their text has another order; equality is the same."""
    db = makedb.connect(source.database)
    db.execute("PRAGMA encoding = 'UTF-16le'")
    db.execute("CREATE TABLE u (id INTEGER PRIMARY KEY, t TEXT CHECK (t <> 'x'), "
               "v TEXT DEFAULT 'é' COLLATE NOCASE UNIQUE, w TEXT CHECK (w < 'z'))")
    db.execute("INSERT INTO u VALUES (1, '\uffff', '\U00010000', 'a')")
    db.close()
    trip(source)
    both(source, "INSERT INTO u (id, t) VALUES (2, 'x')", "INSERT INTO u (id, t) VALUES (3, 'X')",
         "INSERT INTO u (id, t) VALUES (4, 'y')", "INSERT INTO u VALUES (5, 'y', 'É', NULL)")


# What pg_dump has to get right

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
