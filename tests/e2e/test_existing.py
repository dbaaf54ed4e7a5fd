"""Tables that the application made: every type, what is left out and what fills it, triggers and
foreign keys that must not act, indexes that come back whatever happens, and what is refused."""

import shutil
import signal
import sqlite3
import time

import pytest

from makedb import sqlite
from postgres import Target
from program import DAMAGED, MISPLACED, OK, SET_ASIDE, Running, run, settings

EXISTING = ["--existing"]


def load(ferry, source, expect=OK, **kw):
    ferry.capture(source)
    return ferry.replay(*EXISTING, expect=expect, **kw)


TYPES_SOURCE = """
CREATE TABLE types (
    id INTEGER PRIMARY KEY, flag BOOLEAN, word TEXT, small INT, mid INT, big INT, single REAL,
    double REAL, price DECIMAL(10,2), note TEXT, code VARCHAR(5), fixed CHAR(4), raw BLOB,
    day DATE, clock TIME, moment DATETIME, instant INTEGER, doc TEXT, docb TEXT, uid TEXT,
    list TEXT, mood TEXT, age INTEGER);
INSERT INTO types VALUES
    (1, 1, 'yes', 32767, -2147483648, 9223372036854775807, 0.5, 0.1, 12.5, 'a\\b', 'abcde', 'ab',
     x'00ff', '2024-02-29', '23:59:59', '2024-02-29 12:00:00.25', 1709208000000,
     '{"b": 1,  "a": 2}', '{"b": 1,  "a": 2}', '6f9619ff-8b86-d011-b42d-00cf4fc964ff',
     '[1,-2,3]', 'happy', 7),
    (2, 0, 'f', -32768, 2147483647, -9223372036854775808, -1.5, 1e300, -0.01, '', '', '', x'',
     '0001-01-01', '00:00:00', '1999-12-31 23:59:59', 1709208000001, '[]', '[]',
     '00000000-0000-0000-0000-000000000000', '[]', 'sad', 0),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"""

TYPES_TARGET = """
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE DOMAIN app.age AS smallint CHECK (VALUE >= 0);
CREATE TABLE types (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, flag bool, word bool, small int2, mid int4,
    big int8, single float4, double float8, price numeric(10,2), note text, code varchar(5),
    fixed char(4), raw bytea, day date, clock time, moment timestamp, instant timestamptz,
    doc json, docb jsonb, uid uuid, list bigint[], mood app.mood, age app.age,
    twice bigint GENERATED ALWAYS AS (big / 2) STORED,
    made text NOT NULL DEFAULT 'here', other integer);
"""

TYPES_SEEN = (
    "SELECT id, flag, word, small, mid, big, single, double, price, note, code, fixed, "
    "encode(raw, 'hex'), day, clock, moment, instant AT TIME ZONE 'UTC', doc, docb, uid, list, "
    "mood, age, twice, made, other FROM types ORDER BY id")


def test_every_type(ferry, scratch):
    source = scratch / "source.db"
    sqlite(source, TYPES_SOURCE)
    ferry.target.script(TYPES_TARGET)
    result = load(ferry, source)
    assert result.summary["set_aside_total"] == 0, str(result)
    one = ["1", "t", "t", "32767", "-2147483648", "9223372036854775807", "0.5", "0.1", "12.50",
           "a\\b", "abcde", "ab  ", "00ff", "2024-02-29", "23:59:59", "2024-02-29 12:00:00.25",
           "2024-02-29 12:00:00", '{"b": 1,  "a": 2}', '{"a": 2, "b": 1}',
           "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "{1,-2,3}", "happy", "7",
           "4611686018427387903", "here", None]
    two = ["2", "f", "f", "-32768", "2147483647", "-9223372036854775808", "-1.5", "1e+300",
           "-0.01", "", "", "    ", "", "0001-01-01", "00:00:00", "1999-12-31 23:59:59",
           "2024-02-29 12:00:00.001", "[]", "[]", "00000000-0000-0000-0000-000000000000", "{}",
           "sad", "0", "-4611686018427387904", "here", None]
    three = ["3"] + [None] * 23 + ["here", None]
    assert ferry.target.rows(TYPES_SEEN) == [one, two, three]
    ferry.verify(expect=OK)
    # The identity goes on behind what came.
    ferry.target.script("INSERT INTO types (flag) VALUES (true)")
    assert ferry.target.value("SELECT max(id) FROM types") == "4"
    ferry.target.script("DELETE FROM types WHERE id = 4")
    sqlite(source, "UPDATE types SET mood = 'it''s ok', note = NULL, age = 1 WHERE id = 1;"
                   "DELETE FROM types WHERE id = 2;"
                   "INSERT INTO types (id, day, flag) VALUES (9, '2030-01-01', 1);")
    ferry.capture(source)
    done = ferry.replay(expect=OK)
    assert done.tables("replay")["types"]["updated"] == 1
    one[9], one[21], one[22] = None, "it's ok", "1"
    nine = ["9", "t"] + [None] * 11 + ["2030-01-01"] + [None] * 10 + ["here", None]
    assert ferry.target.rows(TYPES_SEEN) == [one, three, nine]
    ferry.verify(expect=OK)


def test_every_type_without_a_key(ferry, target, scratch):
    """Rows are found again by all of their columns, duplicates and all."""
    source = scratch / "source.db"
    sqlite(source, TYPES_SOURCE.replace("id INTEGER PRIMARY KEY", "id INTEGER")
           + "INSERT INTO types SELECT * FROM types; INSERT INTO types SELECT * FROM types;"
             "UPDATE types SET id = 7 WHERE rowid = 12;")
    target.script(TYPES_TARGET.replace("GENERATED ALWAYS AS IDENTITY PRIMARY KEY", ""))
    load(ferry, source)
    count = "SELECT id, count(*) FROM types GROUP BY id ORDER BY id"
    assert target.rows(count) == [["1", "4"], ["2", "4"], ["3", "3"], ["7", "1"]]
    sqlite(source, "DELETE FROM types WHERE rowid IN (1, 2, 5, 6, 12)")
    ferry.capture(source)
    done = ferry.replay(expect=OK)
    assert done.summary["deleted"] == 5
    assert target.rows(count) == [["1", "3"], ["2", "2"], ["3", "2"]]
    ferry.verify(expect=OK)


# Triggers and foreign keys

FAMILY_SOURCE = """
CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT UNIQUE, best INTEGER);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, v TEXT);
CREATE TABLE knot (id INTEGER PRIMARY KEY, next INTEGER);
INSERT INTO parent VALUES (1, 'a', 12), (2, 'b', NULL), (3, 'c', 11);
INSERT INTO child VALUES (11, 1, 'x'), (12, 1, 'y'), (13, 2, 'z');
INSERT INTO knot VALUES (1, 2), (2, 3), (3, 1), (4, 4), (5, NULL);
"""

# parent and child refer to each other; knot to itself. Every action that could do harm is there.
FAMILY_TARGET = """
CREATE TABLE parent (id bigint PRIMARY KEY, name text UNIQUE, best integer);
CREATE TABLE child (id bigint PRIMARY KEY,
    parent bigint NOT NULL REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, v text);
ALTER TABLE parent ADD CONSTRAINT best_fk FOREIGN KEY (best) REFERENCES child ON DELETE SET NULL;
CREATE TABLE knot (id bigint PRIMARY KEY, next bigint);
ALTER TABLE knot ADD CONSTRAINT next_fk FOREIGN KEY (next) REFERENCES knot ON DELETE CASCADE;
CREATE TABLE fired (what text);
GRANT ALL ON fired TO PUBLIC;
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO public.fired VALUES (TG_NAME); RETURN coalesce(NEW, OLD); END$$;
CREATE TRIGGER every BEFORE INSERT OR UPDATE OR DELETE ON parent FOR EACH ROW
    EXECUTE FUNCTION fire();
CREATE TRIGGER once AFTER INSERT OR DELETE OR TRUNCATE ON child EXECUTE FUNCTION fire();
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON child DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION fire();
CREATE TRIGGER off BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION fire();
ALTER TABLE child DISABLE TRIGGER off;
CREATE TRIGGER always BEFORE INSERT OR DELETE ON child FOR EACH ROW EXECUTE FUNCTION fire();
ALTER TABLE child ENABLE ALWAYS TRIGGER always;
CREATE TRIGGER replica BEFORE INSERT OR DELETE ON knot FOR EACH ROW EXECUTE FUNCTION fire();
ALTER TABLE knot ENABLE REPLICA TRIGGER replica;
CREATE RULE never AS ON DELETE TO knot DO INSTEAD NOTHING;
CREATE RULE loud AS ON DELETE TO child DO ALSO INSERT INTO fired VALUES ('rule');
INSERT INTO parent VALUES (77, 'old', NULL);
INSERT INTO child VALUES (78, 77, 'old');
INSERT INTO knot VALUES (79, NULL);
TRUNCATE fired;
"""

FAMILY = ["parent", "child", "knot"]

SCHEMA_SEEN = [
    "SELECT indexrelid::regclass, pg_get_indexdef(indexrelid), indisvalid, indisprimary "
    "FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = "
    "'public'::regnamespace)",
    "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated "
    "FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "SELECT tgrelid::regclass, tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger "
    "WHERE NOT tgisinternal",
    "SELECT ev_class::regclass, rulename, ev_enabled FROM pg_rewrite "
    "WHERE rulename IN ('never', 'loud')",
]


def schema(target):
    """All that could have been dropped or disabled, as psql sees it."""
    return [sorted(rows, key=str) for rows in target.results(*SCHEMA_SEEN)]


def assert_rows(source, target, tables):
    """Columns of integers and text, by the two databases' own words."""
    db = sqlite3.connect(source)
    for table in tables:
        cursor = db.execute(f"SELECT * FROM {table}")
        columns = ", ".join(f'"{column[0]}"' for column in cursor.description)
        wanted = [[None if v is None else str(v) for v in row] for row in cursor]
        got = target.rows(f"SELECT {columns} FROM {table}")
        assert sorted(map(str, wanted)) == sorted(map(str, got)), table
    db.close()


FAMILY_CHANGES = """
-- A parent of many changes in place, another goes with its child, a third is put in anew.
UPDATE parent SET name = 'A' WHERE id = 1;
DELETE FROM child WHERE parent = 2; DELETE FROM parent WHERE id = 2;
UPDATE parent SET name = 'swap' WHERE id = 1; UPDATE parent SET name = 'A' WHERE id = 3;
UPDATE parent SET name = 'c' WHERE id = 1;
UPDATE parent SET id = 4 WHERE id = 3;
INSERT INTO parent VALUES (5, 'new', 14); INSERT INTO child VALUES (14, 5, NULL);
UPDATE knot SET id = id + 10, next = next + 10 WHERE id < 4;
DELETE FROM knot WHERE id = 5;
"""


@pytest.fixture
def family(scratch, target):
    source = scratch / "source.db"
    sqlite(source, FAMILY_SOURCE)
    target.script(FAMILY_TARGET)
    return source


def run_family(ferry, target, source, *options):
    before = schema(target)
    ferry.capture(source)
    ferry.replay(*EXISTING, *options, expect=OK)
    assert_rows(source, target, FAMILY)
    assert schema(target) == before
    ferry.verify(expect=OK)
    sqlite(source, FAMILY_CHANGES)
    ferry.capture(source)
    done = ferry.replay(*EXISTING, *options, expect=OK)
    assert done.summary["mode"] == "delta"
    assert_rows(source, target, FAMILY)
    assert schema(target) == before
    assert target.rows("SELECT * FROM fired") == [], "a trigger or rule fired"
    assert target.rows("SELECT * FROM rowferry.put_aside") == []
    ferry.verify(expect=OK)
    # What was held off is in force again.
    target.script("DELETE FROM parent WHERE id = 5")
    assert target.value("SELECT count(*) FROM child WHERE id = 14") == "0"
    assert ["always"] in target.rows("SELECT * FROM fired")


@pytest.mark.parametrize("options", [[], ["--atomic"], ["--jobs", "1"]], ids=str)
def test_nothing_acts(ferry, target, family, options):
    run_family(ferry, target, family, *options)


def role_target(server, target, role, owns):
    """The same database as seen by a plain role, which owns the tables or may only write them."""
    name = f"{target.name}_{role}"
    target.script(f"""
        DROP ROLE IF EXISTS {name};
        CREATE ROLE {name} LOGIN;
        GRANT CREATE ON DATABASE {target.name} TO {name};
        GRANT USAGE, CREATE ON SCHEMA public TO {name};
        GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA public TO {name};""")
    for table in target.tables() if owns else []:
        target.script(f"ALTER TABLE {table} OWNER TO {name}")
    return as_role(server, target, name), name


def as_role(server, target, name):
    parts = [part for part in server.conninfo(target.name).split() if "user=" not in part]
    return Target(server, target.name, " ".join([*parts, f"user={name}"]))


def drop_role(target, name):
    target.script(f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; "
                  f"DROP ROLE {name}")


@pytest.mark.parametrize("options", [[], ["--atomic"]], ids=str)
def test_owner(ferry, server, target, family, options):
    """Without being a superuser: triggers are disabled, foreign keys dropped and put back."""
    ferry.target, name = role_target(server, target, "owner", True)
    try:
        run_family(ferry, target, family, *options)
    finally:
        drop_role(target, name)


def test_stranger(ferry, server, target, family):
    """A role that may write the tables and no more is told what to grant, and changes nothing."""
    ferry.target, name = role_target(server, target, "stranger", False)
    try:
        ferry.capture(family)
        before = schema(target)
        refused = ferry.replay(*EXISTING, expect=MISPLACED)
        for word in ("every", "once", "always", "best_fk", "next_fk", "child_parent_fkey", "never",
                     f'GRANT SET ON PARAMETER session_replication_role TO "{name}"'):
            assert word in str(refused), word
        assert target.rows("SELECT id FROM parent") == [["77"]]
        assert target.value("SELECT to_regnamespace('rowferry')") is None
        assert schema(target) == before
        # With what it says granted, but for the two that act whatever the session is.
        target.script(f"GRANT SET ON PARAMETER session_replication_role TO {name};"
                      "ALTER TABLE child ENABLE TRIGGER always; DROP TRIGGER replica ON knot;")
        ferry.replay(*EXISTING, expect=OK)
        assert_rows(family, target, FAMILY)
        assert target.rows("SELECT * FROM fired") == []
    finally:
        drop_role(target, name)


# Indexes and constraints around a first load

MANY_ROWS = 30000

MANY_TARGET = """
CREATE TABLE big (id bigint PRIMARY KEY, owner bigint, v text NOT NULL, n integer,
    CONSTRAINT big_v_key UNIQUE (v) DEFERRABLE, CHECK (n >= 0));
CREATE INDEX big_n ON big (n DESC NULLS LAST, lower(v)) WHERE n > 10;
CREATE INDEX big_v ON big USING hash (v) WITH (fillfactor = 60);
CREATE UNIQUE INDEX big_cover ON big (id) INCLUDE (v);
CREATE INDEX "Odd; name" ON big (owner);
CREATE INDEX commented ON big (n); COMMENT ON INDEX commented IS 'stays';
CREATE VIEW grouped AS SELECT id, v FROM big GROUP BY id;
CREATE TABLE owner (id bigint PRIMARY KEY, name text, best bigint REFERENCES big);
ALTER TABLE big ADD FOREIGN KEY (owner) REFERENCES owner ON DELETE CASCADE;
CREATE TABLE elsewhere (big bigint REFERENCES big DEFERRABLE);
CREATE TABLE bag (v text, n integer);
CREATE INDEX bag_v ON bag (v);
INSERT INTO owner VALUES (1, 'first start'); INSERT INTO big VALUES (1, 1, 'first start', 1);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;
CREATE TRIGGER refuse BEFORE INSERT OR DELETE OR TRUNCATE ON big EXECUTE FUNCTION refuse();
"""


@pytest.fixture
def many(scratch, target):
    source = scratch / "source.db"
    sqlite(source, f"""
        CREATE TABLE big (id INTEGER PRIMARY KEY, owner INT, v TEXT NOT NULL UNIQUE, n INT);
        CREATE TABLE owner (id INTEGER PRIMARY KEY, name TEXT, best INT);
        CREATE TABLE bag (v TEXT, n INT);
        CREATE TEMP TABLE c AS WITH RECURSIVE n(i) AS
            (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {MANY_ROWS}) SELECT i FROM n;
        INSERT INTO owner SELECT i, 'owner ' || i, i FROM c WHERE i <= 6000;
        INSERT INTO big SELECT i, 1 + i % 6000, printf('%d %60d', i * 7919 % {MANY_ROWS}, i), i % 50
            FROM c;
        INSERT INTO bag SELECT i % 100, i % 3 FROM c;""")
    target.script(MANY_TARGET)
    return source


MANY = ["big", "owner", "bag"]


def change_many(source):
    sqlite(source, "UPDATE big SET n = n + 1, v = v || '.' WHERE id % 5 = 0;"
                   "DELETE FROM big WHERE id % 7 = 1 AND id > 6000;"
                   "INSERT INTO bag SELECT 'new', n FROM bag LIMIT 100;"
                   "DELETE FROM bag WHERE rowid % 11 = 0;")


def test_indexes_come_back(ferry, target, many):
    before = schema(target)
    load(ferry, many)
    assert_rows(many, target, MANY)
    assert schema(target) == before
    assert target.value("SELECT obj_description('commented'::regclass)") == "stays"
    ferry.verify(expect=OK)
    change_many(many)
    ferry.capture(many)
    ferry.replay(expect=OK)
    assert_rows(many, target, MANY)
    assert schema(target) == before
    ferry.verify(expect=OK)


KILLS = 12


def kill_somewhere(ferry, seconds, *rest):
    running = Running([*ferry.args("replay", target=True), *rest])
    time.sleep(seconds)
    running.signal(signal.SIGKILL)
    return running.wait().code == -signal.SIGKILL


@pytest.mark.timing
@pytest.mark.parametrize("owner", [False, True], ids=["superuser", "owner"])
def test_kill(ferry, server, many, target, owner):
    """Killed anywhere, the next run ends right: rows, indexes, constraints, triggers."""
    before = schema(target)
    ferry.capture(many)
    seen, template, whole = set(), target.name, None
    for point in range(KILLS):
        ferry.target = copy = server.copy(template)
        name = None
        if owner:
            ferry.target, name = role_target(server, copy, "killed", True)
        try:
            if point == 0:
                whole = ferry.replay(*EXISTING, expect=OK).seconds
            elif kill_somewhere(ferry, whole * point / KILLS, *EXISTING):
                seen.add(state(copy))
                # A load under way goes on as it was begun, whatever is asked for now.
                ferry.replay(*(EXISTING if state(copy) is None else []), expect=OK)
            assert_rows(many, copy, MANY)
            assert schema(copy) == before
            assert copy.value("SELECT count(*) FROM rowferry.put_aside") == "0"
        finally:
            if name:
                drop_role(copy, name)
            copy.remove()
    assert "loading" in seen, f"the kills hit nothing: {seen}"


# What does not fit

def test_what_does_not_fit_is_set_aside(ferry, target, scratch):
    source = scratch / "source.db"
    sqlite(source, """
        CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INT, f REAL, b BOOLEAN, k TEXT);
        INSERT INTO t VALUES (1, 'abc', 1, 1.5, 1, 'k'), (2, 'toolong', 1, 1.5, 1, 'k'),
            (3, 'abc', 3000000000, 1.5, 1, 'k'), (4, 'abc', 1, 0.1, 1, 'k'),
            (5, 'abc', 1, 1.5, 7, 'k'), (6, 'abc', 1, 1.5, 1, NULL),
            (7, NULL, NULL, NULL, NULL, '');
        """)
    target.script("CREATE TABLE t (id int PRIMARY KEY, v varchar(4), n int4, f float4, b bool, "
                  "k text NOT NULL)")
    ferry.capture(source)
    done = ferry.replay(*EXISTING, expect=SET_ASIDE)
    # Told before: the census alone knows of the NULL, of 3000000000, and of 7.
    assert "column k is NOT NULL, and the source has 1 NULL" in done.err, str(done)
    assert "column n is integer, which does not hold all" in done.err, str(done)
    assert done.summary["set_aside_total"] == 5
    assert target.rows("SELECT id, v, n, f, b, k FROM t ORDER BY id") == [
        ["1", "abc", "1", "1.5", "t", "k"], ["7", None, None, None, None, ""]]
    assert target.rows("SELECT key, column_name, convert_from(value, 'UTF8') "
                       "FROM rowferry.set_aside ORDER BY key COLLATE \"C\"") == [
        ['{"id": 2}', "v", "toolong"], ['{"id": 3}', "n", "3000000000"], ['{"id": 4}', "f", "0.1"],
        ['{"id": 5}', "b", "7"], ['{"id": 6}', "k", None]]
    ferry.verify(expect=SET_ASIDE)
    sqlite(source, "UPDATE t SET v = 'fits' WHERE id = 2; UPDATE t SET n = 1 WHERE id = 3;"
                   "DELETE FROM t WHERE id = 4; UPDATE t SET b = 0, v = 'not at all' WHERE id = 5;"
                   "UPDATE t SET k = 'k' WHERE id = 6; UPDATE t SET k = NULL WHERE id = 1;")
    ferry.capture(source)
    ferry.replay(expect=SET_ASIDE)
    assert target.rows("SELECT id, v, n, b, k FROM t ORDER BY id") == [
        ["2", "fits", "1", "t", "k"], ["3", "abc", "1", "t", "k"], ["6", "abc", "1", "t", "k"],
        ["7", None, None, None, ""]]
    assert target.rows("SELECT key, column_name FROM rowferry.set_aside ORDER BY 1") == [
        ['{"id": 1}', "k"], ['{"id": 5}', "v"]]
    ferry.verify(expect=SET_ASIDE)


@pytest.mark.parametrize("options", [[], ["--atomic"]])
def test_many_rows_that_stand(ferry, target, scratch, options):
    """Large tables are emptied in another way than small ones: but not where one that is not fed
    refers to them, and their triggers act as little."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT);"
                   "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER);"
                   "INSERT INTO a VALUES (1, 'new'), (7, 'new'); INSERT INTO b VALUES (1, 7);")
    target.script("CREATE TABLE a (id bigint PRIMARY KEY, v text);"
                  "CREATE TABLE b (id bigint PRIMARY KEY, a bigint REFERENCES a ON DELETE CASCADE);"
                  "CREATE TABLE other (a bigint REFERENCES a);"
                  "INSERT INTO a SELECT n, repeat('x', 100) FROM generate_series(1, 20000) AS n;"
                  "INSERT INTO b SELECT n, n FROM generate_series(1, 40000, 2) AS n WHERE n < 20000;"
                  "INSERT INTO b SELECT n, 1 FROM generate_series(40001, 70000) AS n;"
                  "INSERT INTO other VALUES (7);")
    assert int(target.value("SELECT min(pg_relation_size(t)) FROM unnest('{a,b}'::regclass[]) AS t")) \
        > 1 << 20
    ferry.capture(source)
    ferry.replay("--existing", *options)
    assert target.rows("SELECT id, v FROM a ORDER BY id") == [["1", "new"], ["7", "new"]]
    assert target.rows("SELECT id, a FROM b") == [["1", "7"]]
    assert target.rows("SELECT a FROM other") == [["7"]]
    ferry.verify()


def test_policies(ferry, target, scratch):
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, s TEXT);"
                   "INSERT INTO t VALUES (1, 1, 'a' || char(0) || 'b'), (2, 'x', 'c');")
    target.script("CREATE TABLE t (id bigint PRIMARY KEY, n smallint, s text)")
    ferry.capture(source)
    failing = settings(scratch, "existing: true\non_mismatch: fail\n")
    refused = ferry.replay(*failing, expect=MISPLACED)
    assert "column \"n\" is smallint" in str(refused), str(refused)
    assert target.value("SELECT to_regnamespace('rowferry')") is None
    # What the census cannot tell is found in the rows, before any is written.
    target.script("CREATE TABLE l (id bigint PRIMARY KEY, v varchar(2)); INSERT INTO l VALUES (7);")
    sqlite(source, "CREATE TABLE l (id INTEGER PRIMARY KEY, v TEXT);"
                   "INSERT INTO l VALUES (1, 'ab'), (2, 'abc');")
    ferry.capture(source)
    refused = ferry.replay(*failing, "-t", "l", expect=MISPLACED)
    assert "does not hold 'abc' of row" in str(refused), str(refused)
    assert target.value("SELECT id FROM l") == "7"
    sqlite(source, "DROP TABLE l")
    ferry.capture(source)
    nulls = settings(scratch, "existing: true\non_mismatch: 'null'\nbad_text: strip\n")
    done = ferry.replay(*nulls)
    assert done.summary["altered"] == 2
    assert target.rows("SELECT * FROM t ORDER BY id") == [["1", "1", "ab"], ["2", None, "c"]]
    ferry.verify()
    sqlite(source, "UPDATE t SET n = 2; UPDATE t SET s = char(0) WHERE id = 2")
    ferry.capture(source)
    ferry.replay()
    assert target.rows("SELECT * FROM t ORDER BY id") == [["1", "2", "ab"], ["2", "2", ""]]
    ferry.verify()


def test_everything_is_refused_at_once(ferry, target, scratch):
    """With the statements that mend it, and before anything is written."""
    source = scratch / "source.db"
    sqlite(source, """
        CREATE TABLE a (id INTEGER PRIMARY KEY, gone TEXT, search TEXT, at DATETIME);
        CREATE TABLE b (id INTEGER PRIMARY KEY, v TEXT);
        CREATE TABLE c (id INTEGER PRIMARY KEY);
        CREATE TABLE d (id INTEGER PRIMARY KEY);
        INSERT INTO a VALUES (1, 'x', 'y', 5), (2, 'x', 'y', 6);""")
    target.script("""
        CREATE TABLE a (id bigint PRIMARY KEY, search tsvector, at timestamptz);
        CREATE TABLE b (id bigint PRIMARY KEY, v text, must text NOT NULL, may text,
                        has text NOT NULL DEFAULT '', num int GENERATED BY DEFAULT AS IDENTITY);
        CREATE VIEW c AS SELECT 1 AS id;
        INSERT INTO b VALUES (1, 'stays', 'stays');""")
    ferry.capture(source)
    said = str(ferry.replay(*EXISTING, expect=MISPLACED))
    for word in ('ALTER TABLE \\"public\\".\\"a\\" ADD COLUMN \\"gone\\" text',
                 'column \\"search\\" is of type tsvector', "type: timestamptz from unix-ms",
                 'column \\"must\\" is NOT NULL without a default', '\\"c\\" is a view',
                 'table \\"d\\" is not in the target'):
        assert word in said, f"{word} in\n{said}"
    for word in ("may", "has", "num"):
        assert f'\\"{word}\\"' not in said
    assert target.value("SELECT v FROM b") == "stays"
    assert target.value("SELECT to_regnamespace('rowferry')") is None
    # All of it mended by rules.
    rules = settings(scratch, """
existing: true
tables:
  rules:
    - table: a
      columns:
        - {column: "[gs]*", exclude: true}
        - {column: at, type: timestamptz from unix-s}
""")
    target.script("ALTER TABLE b ALTER must SET DEFAULT 'filled'")
    ferry.replay(*rules, "-T", "[cd]", expect=OK)
    assert target.rows("SELECT id, search, extract(epoch FROM at)::int FROM a ORDER BY id") == [
        ["1", None, "5"], ["2", None, "6"]]
    ferry.verify(expect=OK)


def test_orphans(ferry, target, scratch):
    """The source's rows come whatever they refer to; a foreign key that they break says so."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INT);"
                   "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1);")
    target.script("CREATE TABLE p (id bigint PRIMARY KEY); CREATE TABLE c (p int REFERENCES p);")
    valid = "SELECT convalidated FROM pg_constraint WHERE conname = 'c_p_fkey'"
    load(ferry, source)
    assert target.value(valid) == "t"
    sqlite(source, "DELETE FROM p")
    ferry.capture(source)
    done = ferry.replay(expect=OK)
    assert "c_p_fkey, which stands NOT VALID now" in done.err, str(done)
    assert target.value(valid) == "f"
    ferry.verify(expect=OK)


def test_orphans_of_a_first_load(ferry, target, scratch):
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INT);"
                   "INSERT INTO c VALUES (7);")
    target.script("CREATE TABLE p (id bigint PRIMARY KEY); CREATE TABLE c (p int REFERENCES p);")
    done = load(ferry, source)
    assert "c_p_fkey stands NOT VALID" in done.err, str(done)
    assert target.rows("SELECT convalidated FROM pg_constraint WHERE conname = 'c_p_fkey'") == [
        ["f"]]
    assert target.rows("SELECT p FROM c") == [["7"]]


def test_two_alike(ferry, target, scratch):
    """Where the application lets fewer rows be different, nothing is lost and all is said; the
    load goes on once that is mended."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 6000) "
                   "INSERT INTO t SELECT i, 'v' || (i % 5999) FROM n;")
    target.script("CREATE TABLE t (id bigint PRIMARY KEY, v text UNIQUE)")
    before = schema(target)
    ferry.capture(source)
    refused = ferry.replay(*EXISTING, expect=MISPLACED)
    assert "t_v_key" in str(refused), str(refused)
    assert "the load was given up: its tables are empty, their indexes back" in str(refused)
    assert schema(target) == before
    assert target.rows("SELECT * FROM t") == [] and target.stands_at() is None
    sqlite(source, "UPDATE t SET v = 'mended' WHERE id = 6000")
    ferry.capture(source)
    ferry.replay(*EXISTING, expect=OK)
    assert_rows(source, target, ["t"])
    assert schema(target) == before


# Schema changes

def test_schema_changes_are_refused_until_the_application_follows(ferry, target, scratch):
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a');"
                   "CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1);")
    target.script("CREATE TABLE t (id bigint PRIMARY KEY, v text); CREATE INDEX t_v ON t (v);"
                  "CREATE TABLE u (id bigint PRIMARY KEY);")
    load(ferry, source)
    sqlite(source, "ALTER TABLE t ADD COLUMN n INT; INSERT INTO t VALUES (2, 'b', 3);"
                   "DROP TABLE u; CREATE TABLE w (id INTEGER PRIMARY KEY);")
    ferry.capture(source)
    said = str(ferry.replay(*EXISTING, expect=MISPLACED))
    for word in ('ALTER TABLE \\"public\\".\\"t\\" ADD COLUMN \\"n\\" bigint',
                 'DROP TABLE \\"public\\".\\"u\\"', 'table \\"w\\" is not in the target'):
        assert word in said, f"{word} in\n{said}"
    assert target.rows("SELECT * FROM t") == [["1", "a"]]
    assert target.stands_at() == 1
    target.script("ALTER TABLE t ADD COLUMN n bigint; DROP TABLE u;"
                  "CREATE TABLE public.w (id bigint PRIMARY KEY);")
    ferry.replay(*EXISTING, expect=OK)
    assert target.rows("SELECT * FROM t ORDER BY id") == [["1", "a", None], ["2", "b", "3"]]
    ferry.verify(expect=OK)
    # A column goes, another is renamed, a type changes: all followed by the application.
    sqlite(source, "ALTER TABLE t DROP COLUMN n; ALTER TABLE t RENAME COLUMN v TO name;"
                   "INSERT INTO w VALUES (5);")
    ferry.capture(source)
    assert "ADD COLUMN" in str(ferry.replay(*EXISTING, expect=MISPLACED))
    target.script("ALTER TABLE t RENAME v TO name; ALTER TABLE public.w ALTER id TYPE numeric(5)")
    ferry.replay(*EXISTING, expect=OK)
    assert target.rows("SELECT id, name FROM t ORDER BY id") == [["1", "a"], ["2", "b"]]
    assert target.value("SELECT id FROM public.w") == "5"
    assert target.value("SELECT count(*) FROM pg_indexes WHERE indexname = 't_v'") == "1"
    ferry.verify(expect=OK)


def test_sequences(ferry, target, scratch):
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, n INT);"
                   "INSERT INTO t VALUES (100, 7), (500, 3); DELETE FROM t WHERE id = 500;"
                   "CREATE TABLE e (id INTEGER PRIMARY KEY);")
    target.script("CREATE SEQUENCE apart START 1000;"
                  "CREATE TABLE t (id serial PRIMARY KEY, n bigint DEFAULT nextval('apart'));"
                  "CREATE TABLE e (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);")
    load(ferry, source)
    assert target.value("SELECT nextval('t_id_seq')") == "501", "SQLite has given out 500"
    assert target.value("SELECT nextval('apart')") == "1000", "a sequence never goes back"
    assert target.value("SELECT nextval('e_id_seq')") == "1"
    sqlite(source, "INSERT INTO t VALUES (700, 2000); INSERT INTO e VALUES (41);")
    ferry.capture(source)
    ferry.replay(expect=OK)
    assert target.value("SELECT nextval('t_id_seq')") == "701"
    assert target.value("SELECT nextval('apart')") == "2001"
    assert target.value("SELECT nextval('e_id_seq')") == "42"


# Rows of the application's first start

KEEPING = """
existing: true
tables:
  rules:
    - {table: kept, rows: keep}
    - {table: skipped, rows: skip}
"""


@pytest.mark.parametrize("options", [[], ["--atomic"]], ids=str)
def test_keep_and_skip(ferry, target, scratch, options):
    source = scratch / "source.db"
    sqlite(source, """
        CREATE TABLE kept (k TEXT, n INT, v TEXT, PRIMARY KEY (n, k));
        INSERT INTO kept VALUES ('a', 1, 'mine'), ('b', 1, 'mine'), ('c', 2, 'same'),
            ('d', NULL, 'x');
        CREATE TABLE skipped (id INTEGER PRIMARY KEY); INSERT INTO skipped VALUES (1);
        CREATE TABLE replaced (id INTEGER PRIMARY KEY); INSERT INTO replaced VALUES (1);""")
    target.script("""
        CREATE TABLE kept (k varchar(9), n int, v text, more text DEFAULT 'app',
            PRIMARY KEY (n, k));
        INSERT INTO kept VALUES ('a', 1, 'app'), ('c', 2, 'same'), ('z', 9, 'app');
        CREATE TABLE skipped (id bigint, v text NOT NULL); INSERT INTO skipped VALUES (7, 'app');
        CREATE TABLE replaced (id bigint PRIMARY KEY); INSERT INTO replaced VALUES (7);""")
    rules = settings(scratch, KEEPING)
    ferry.capture(source)
    done = ferry.replay(*rules, *options, expect=SET_ASIDE)  # a NULL in the key
    assert done.tables("replay")["kept"]["inserted"] == 1

    def seen():
        return target.rows("SELECT n, k, v FROM kept ORDER BY n, k")

    def aside():
        return target.rows("SELECT key, outcome FROM rowferry.set_aside ORDER BY key COLLATE \"C\"")

    assert seen() == [["1", "a", "app"], ["1", "b", "mine"], ["2", "c", "same"], ["9", "z", "app"]]
    assert [row[1] for row in aside()] == ["kept", "kept", "set aside"], aside()
    assert target.rows("SELECT * FROM skipped") == [["7", "app"]]
    assert target.rows("SELECT * FROM replaced") == [["1"]]
    ferry.verify(*rules, expect=SET_ASIDE)
    # The source changes rows on both sides of the line, and comes to have a key of the application.
    sqlite(source, "UPDATE kept SET v = 'new' WHERE k IN ('a', 'b');"
                   "DELETE FROM kept WHERE k = 'c'; DELETE FROM kept WHERE n IS NULL;"
                   "INSERT INTO kept VALUES ('z', 9, 'mine'), ('y', 9, 'mine');")
    ferry.capture(source)
    ferry.replay(*rules, expect=SET_ASIDE)
    assert seen() == [["1", "a", "app"], ["1", "b", "new"], ["2", "c", "same"], ["9", "y", "mine"],
                      ["9", "z", "app"]]
    assert len(aside()) == 2
    ferry.verify(*rules, expect=SET_ASIDE)
    # Nobody's change goes unnoticed.
    target.script("UPDATE kept SET v = 'by hand' WHERE k = 'y'")
    assert ferry.verify(*rules, expect=DAMAGED).tables("verify")["kept"]["different"] == 1
    target.script("UPDATE kept SET v = 'mine' WHERE k = 'y'; UPDATE kept SET v = '?' WHERE k = 'a'")
    assert ferry.verify(*rules, expect=DAMAGED).tables("verify")["kept"]["extra"] == 1


def test_deferrable_unique(ferry, target, scratch):
    """The server's own triggers look after it, and those are off."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                   "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL), (4, NULL);")
    target.script("CREATE TABLE t (id bigint PRIMARY KEY, v text UNIQUE DEFERRABLE)")
    load(ferry, source)
    sqlite(source, "UPDATE t SET v = CASE v WHEN 'a' THEN 'b' ELSE 'a' END WHERE id < 3")
    ferry.capture(source)
    ferry.replay(expect=OK)
    assert_rows(source, target, ["t"])
    sqlite(source, "UPDATE t SET v = 'a'")
    ferry.capture(source)
    assert "t_v_key" in str(ferry.replay(expect=MISPLACED))
    assert target.stands_at() == 2


def test_values_that_the_application_refuses(ferry, target, scratch):
    """A CHECK that some row does not pass: the load is given up, and goes through once it is
    mended."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT); INSERT INTO t VALUES (1, 5);"
                   "CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1);")
    target.script("CREATE TABLE t (id bigint PRIMARY KEY, n int CONSTRAINT small CHECK (n < 5));"
                  "CREATE TABLE u (id bigint PRIMARY KEY REFERENCES t);")
    before = schema(target)
    ferry.capture(source)
    for options in ([], ["--atomic"]):
        refused = ferry.replay(*EXISTING, *options, expect=(1, MISPLACED))
        assert "small" in str(refused), str(refused)
        assert target.stands_at() is None and schema(target) == before
    target.script("ALTER TABLE t DROP CONSTRAINT small")
    ferry.replay(*EXISTING, expect=OK)
    assert_rows(source, target, ["t", "u"])


def test_deferred_foreign_keys(ferry, server, target, scratch):
    """What a role without any right over the tables can still do: in one transaction."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT);"
                   "CREATE TABLE b (id INTEGER PRIMARY KEY, a INT);"
                   "INSERT INTO a VALUES (1, 2); INSERT INTO b VALUES (2, 1);")
    target.script("CREATE TABLE a (id bigint PRIMARY KEY, b int);"
                  "CREATE TABLE b (id bigint PRIMARY KEY, a int REFERENCES a DEFERRABLE);"
                  "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b DEFERRABLE INITIALLY DEFERRED;")
    ferry.target, name = role_target(server, target, "writer", False)
    try:
        ferry.capture(source)
        assert "or load with --atomic" in str(ferry.replay(*EXISTING, expect=MISPLACED))
        ferry.replay(*EXISTING, "--atomic", expect=OK)
        assert_rows(source, target, ["a", "b"])
        sqlite(source, "UPDATE a SET b = 3; UPDATE b SET id = 3;")
        ferry.capture(source)
        ferry.replay(expect=OK)
        assert_rows(source, target, ["a", "b"])
        sqlite(source, "DELETE FROM b")
        ferry.capture(source)
        ferry.replay(expect=1)  # an orphan, and nobody may say that it stands
        assert target.stands_at() == 2
    finally:
        drop_role(target, name)


def state(target):
    if target.value("SELECT to_regclass('rowferry.source') IS NOT NULL") != "t":
        return None
    return target.value("SELECT state FROM rowferry.source")


@pytest.mark.timing
def test_a_load_that_is_begun_anew(ferry, server, target, many):
    """Killed while loading a snapshot that is then not the one asked for: everything is put back
    before the other one is loaded."""
    before, template, seconds = schema(target), target.name, 1.0
    ferry.capture(many)
    first = many.with_name("first.db")
    shutil.copy(many, first)
    change_many(many)
    ferry.capture(many)
    for _ in range(KILLS):
        ferry.target = copy = server.copy(template)
        try:
            kill_somewhere(ferry, seconds, *EXISTING)
            found = state(copy)
            if found == "loading":
                assert schema(copy) != before
                ferry.replay(*EXISTING, "--snapshot", "1", expect=OK)
                assert copy.stands_at() == 1 and schema(copy) == before
                assert_rows(first, copy, MANY)
                ferry.replay(expect=OK)
                assert_rows(many, copy, MANY)
                return
            seconds *= 0.7 if found == "ready" else 1.2
        finally:
            copy.remove()
    raise AssertionError("no kill hit a load")


@pytest.mark.timing
def test_kill_in_a_delta(ferry, server, many, target):
    before = schema(target)
    ferry.target, name = role_target(server, target, "delta", True)
    ferry.capture(many)
    ferry.replay(*EXISTING, expect=OK)
    change_many(many)
    ferry.capture(many)
    template, whole, hits = target.name, None, 0
    for point in range(KILLS):
        copy = server.copy(template)
        ferry.target = as_role(server, copy, name)
        try:
            if whole is None:
                whole = ferry.replay(expect=OK).seconds
            else:
                hits += kill_somewhere(ferry, whole * point / KILLS)
                ferry.replay(expect=OK)
            assert copy.stands_at() == 2
            assert_rows(many, copy, MANY)
            assert schema(copy) == before
        finally:
            copy.remove()
    drop_role(target, name)
    assert hits > KILLS // 3, "the kills came too late to say anything"


def test_check(target, scratch):
    """What a replay would do, before it does: the fit, the rows, and every trouble by itself."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, at INT);"
                   "INSERT INTO t VALUES (1, 1, 1709208000), (2, 70000, 1709208001);"
                   "CREATE TABLE u (id INTEGER PRIMARY KEY, v TEXT);")
    target.script("CREATE TABLE t (id bigint PRIMARY KEY, n smallint, at timestamptz);"
                  "CREATE TABLE u (id bigint PRIMARY KEY);")

    def check(expect):
        result = run("check", "--json", "-d", target.conninfo, *EXISTING, source)
        assert result.code == expect, str(result)
        return result

    wrong = check(MISPLACED)
    assert [line["what"] for line in wrong.lines
            if line.get("level") == "error"] == [
        'table "u" has no column "v" (ALTER TABLE "public"."u" ADD COLUMN "v" text, or leave the '
        'column out with exclude)']
    target.script("ALTER TABLE u ADD COLUMN v text")
    good = check(SET_ASIDE)
    said = str(good)
    assert '"step":"fill"' in said and "timestamp with time zone from unix-s" in said, said
    assert "70000" in said
    assert target.value("SELECT to_regnamespace('rowferry')") is None
