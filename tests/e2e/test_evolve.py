"""Tables that change their shape stay where they are: what others gave them survives."""

import pytest

import makedb
from compare import Asked, assert_same
from program import MISPLACED, OK, SET_ASIDE, USAGE


def sql(ferry, *statements):
    db = makedb.connect(ferry.database)
    for statement in statements:
        db.execute(statement)
    db.close()


@pytest.fixture
def source(ferry, scratch):
    """A database that made its first trip; somebody has made use of the tables since."""
    ferry.database = scratch / "source.db"
    sql(ferry, "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER, paid "
        "REAL DEFAULT 1.5)", "CREATE INDEX person_name ON person (name)",
        "INSERT INTO person VALUES (1, 'a', 10, 2.5), (2, 'b', 20, NULL), (3, 'c', NULL, 0.5)",
        "CREATE TABLE bag (v TEXT, w INTEGER)", "INSERT INTO bag VALUES ('x', 1), ('x', 1)")
    trip(ferry)
    ferry.target.script(
        "CREATE ROLE reader; GRANT SELECT ON public.person, public.bag TO reader; "
        "COMMENT ON TABLE public.person IS 'of ours'; "
        "CREATE VIEW public.names AS SELECT id, name FROM public.person")
    yield ferry
    ferry.target.script("DROP OWNED BY reader; DROP ROLE reader")


def trip(ferry, *options, expect=OK, decided=()):
    ferry.capture(ferry.database)
    result = ferry.replay(*options, expect=expect)
    asked = Asked(decided=decided)
    assert (assert_same(ferry.database, ferry.target, asked=asked) > 0) == (expect == SET_ASIDE)
    ferry.verify(expect=expect)
    return result


def oid(ferry, table="person"):
    return ferry.target.value(f"SELECT 'public.{table}'::regclass::oid::bigint")


def types(ferry, table="person"):
    return dict(ferry.target.rows(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = "
        f"'public.{table}'::regclass AND attnum > 0 AND NOT attisdropped"))


def assert_kept(ferry, was, table="person"):
    assert oid(ferry, table) == was
    assert ferry.target.value(
        f"SELECT has_table_privilege('reader', 'public.{table}', 'SELECT')") == "t"
    if table == "person":
        assert ferry.target.value("SELECT obj_description('public.person'::regclass)") == "of ours"
        assert ferry.target.value("SELECT count(*) FROM public.names") == \
            ferry.target.value("SELECT count(*) FROM public.person")


def test_columns_come_go_and_change_names(source):
    was = oid(source)
    sql(source, "ALTER TABLE person ADD COLUMN note TEXT DEFAULT 'none'",
        "ALTER TABLE person DROP COLUMN age", "ALTER TABLE person RENAME COLUMN paid TO total",
        "UPDATE person SET name = 'z' WHERE id = 2")
    trip(source)
    assert_kept(source, was)
    assert types(source) == {"id": "bigint", "name": "text", "total": "double precision",
                             "note": "text"}
    sql(source, "DELETE FROM person WHERE id = 1", "INSERT INTO person (name) VALUES ('new')")
    trip(source)
    assert_kept(source, was)


def test_two_columns_change_names_with_each_other(source):
    was = oid(source, "bag")
    sql(source, "ALTER TABLE bag RENAME COLUMN v TO t", "ALTER TABLE bag RENAME COLUMN w TO v",
        "ALTER TABLE bag RENAME COLUMN t TO w", "INSERT INTO bag VALUES ('y', 2)")
    trip(source)
    assert_kept(source, was, "bag")


def test_a_table_changes_its_name(source):
    was = oid(source)
    sql(source, "ALTER TABLE person RENAME TO people")
    result = trip(source)
    assert source.target.tables() == ["bag", "people"]
    assert oid(source, "people") == was
    assert result.summary["inserted"] == result.summary["deleted"] == 0
    sql(source, "UPDATE people SET age = 11 WHERE id = 1")
    trip(source)


def test_two_tables_change_names_with_each_other(source):
    sql(source, "ALTER TABLE person RENAME TO t", "ALTER TABLE bag RENAME TO person",
        "ALTER TABLE t RENAME TO bag")
    source.target.script("DROP VIEW public.names")
    trip(source)


def test_a_declared_type_changes(source):
    was = oid(source)
    sql(source, "PRAGMA writable_schema = 1",
        "UPDATE sqlite_schema SET sql = replace(sql, 'age INTEGER', 'age TEXT') "
        "WHERE name = 'person'", "PRAGMA writable_schema = RESET",
        "UPDATE person SET age = age", "VACUUM")
    trip(source)
    assert_kept(source, was)
    assert types(source)["age"] == "text"


def test_not_null_goes(source):
    was = oid(source)
    sql(source, "PRAGMA writable_schema = 1",
        "UPDATE sqlite_schema SET sql = replace(sql, 'name TEXT NOT NULL', 'name TEXT') "
        "WHERE name = 'person'", "PRAGMA writable_schema = RESET",
        "INSERT INTO person VALUES (9, NULL, 1, 1)")
    result = trip(source)
    assert_kept(source, was)
    assert result.summary["inserted"] == 1 and result.summary["deleted"] == 0


@pytest.mark.parametrize("column,value,type_", [
    ("age", "'old'", "text"), ("age", "1.5", "double precision"), ("age", "x'00ff'", "bytea"),
    ("paid", "'free'", "text"), ("paid", "x'00'", "bytea")])
def test_a_type_becomes_too_narrow(source, column, value, type_):
    """No row of ours is lost to a type: the column is widened in the same trip, and that is told."""
    was = oid(source)
    sql(source, f"UPDATE person SET {column} = {value} WHERE id = 2",
        "INSERT INTO person VALUES (7, 'n', 1, 1)")
    result = trip(source)
    assert_kept(source, was)
    assert types(source)[column] == type_
    assert "person" in result.err and column in result.err and "2" in result.err
    line = next(line for line in result.of_type("table") if line["table"] == "person")
    assert (line["inserted"], line["updated"], line["deleted"], line["set_aside"]) == (1, 1, 0, 0)
    assert line["widened"] == 1 and result.summary["widened"] == 1
    assert source.target.value("SELECT widened FROM rowferry.trip WHERE table_name = 'person' "
                               "ORDER BY trip DESC LIMIT 1") == "1"
    assert source.target.value("SELECT string_agg(column_name, ',') FROM rowferry.\"column\" "
                               "WHERE widened") == column
    sql(source, "DELETE FROM person WHERE id = 2", "UPDATE person SET age = 5 WHERE id = 7")
    trip(source)
    assert types(source)[column] == type_, "a type once chosen does not change by the way"


def test_a_date_column_gets_something_else(source):
    sql(source, "CREATE TABLE log (id INTEGER PRIMARY KEY, at DATETIME)",
        "INSERT INTO log VALUES (1, '2024-01-02 03:04:05'), (2, '2024-05-06 07:08:09')")
    trip(source)
    assert types(source, "log")["at"] == "timestamp without time zone"
    sql(source, "INSERT INTO log VALUES (3, 'yesterday')")
    trip(source)
    assert types(source, "log")["at"] == "text"


def test_a_null_in_a_primary_key(source):
    sql(source, "CREATE TABLE k (a TEXT PRIMARY KEY, b INTEGER)", "INSERT INTO k VALUES ('x', 1)")
    trip(source)
    sql(source, "INSERT INTO k VALUES (NULL, 2), (NULL, 3)")
    trip(source)
    sql(source, "DELETE FROM k WHERE b = 2")
    trip(source)


def test_a_view_on_what_changes_stands_in_the_way(source):
    """The server refuses, nothing is applied, and the message names the view."""
    source.target.script("CREATE VIEW public.ages AS SELECT age FROM public.person")
    sql(source, "ALTER TABLE person DROP COLUMN age")
    source.capture(source.database)
    result = source.replay(expect=MISPLACED)
    assert "ages" in result.error["detail"]
    source.target.script("DROP VIEW public.ages")
    trip(source)


def config(source, text):
    path = source.database.parent / "rowferry.yaml"
    path.write_text(text)
    return ("-c", path)


RULE = """\
tables:
  rules:
    - table: person
      columns:
        - {column: age, type: %s}
"""


def test_another_rule_needs_to_be_asked_for(source):
    was = oid(source)
    rule = config(source, RULE % "smallint")
    source.capture(source.database)
    result = source.replay(*rule, expect=MISPLACED)
    assert "age" in result.error["detail"] and "--remake" in result.error["hint"]
    assert types(source)["age"] == "bigint"
    decided = [("person", "age")]
    trip(source, *rule, "--remake", "per*", decided=decided)
    assert types(source)["age"] == "smallint"
    assert_kept(source, was)
    sql(source, "INSERT INTO person VALUES (8, 'n', 300, 1)")
    trip(source, *rule, decided=decided)
    assert types(source)["age"] == "smallint"
    trip(source, "--remake", "person")
    assert types(source)["age"] == "bigint"


def test_remake_and_apply_at_once(source):
    sql(source, "INSERT INTO person VALUES (8, 'n', 300, 1)", "ALTER TABLE bag ADD COLUMN x BLOB")
    trip(source, *config(source, RULE % "integer"), "--remake", "*",
         decided=[("person", "age")])
    assert types(source)["age"] == "integer"


def test_a_type_that_there_is_not(source):
    result = source.replay(*config(source, RULE % "bigtin"), expect=USAGE)
    assert "rowferry.yaml:5:" in result.error["what"] and "bigtin" in result.error["what"]


POLICY = """\
tables:
  rules:
    - table: t
      on_mismatch: %s
"""


@pytest.fixture
def misfit(ferry, scratch):
    ferry.database = scratch / "source.db"
    sql(ferry, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, m INTEGER NOT NULL)",
        "INSERT INTO t VALUES (1, 1, 1), (2, 'two', 2), (3, 3, 'three'), (4, 'four', 'vier')")
    return ferry


def test_policy_null(misfit):
    """The value becomes NULL where it may, and stays known; else the row is set aside."""
    rule = config(misfit, POLICY % "null")
    misfit.capture(misfit.database)
    result = misfit.replay(*rule, expect=SET_ASIDE)
    assert (result.summary["altered"], result.summary["set_aside"]) == (1, 2)
    assert misfit.target.rows("SELECT id, n, m FROM public.t ORDER BY id") == [
        ["1", "1", "1"], ["2", None, "2"]]
    assert misfit.target.rows(
        "SELECT key, column_name, convert_from(value, 'UTF8'), outcome FROM rowferry.set_aside "
        "ORDER BY key, column_name") == [
            ['{"id": 2}', "n", "two", "altered"], ['{"id": 3}', "m", "three", "set aside"],
            ['{"id": 4}', "m", "vier", "set aside"]]
    misfit.verify(expect=SET_ASIDE)
    sql(misfit, "UPDATE t SET n = 22 WHERE id = 2", "UPDATE t SET n = 'drei', m = 3 WHERE id = 3",
        "DELETE FROM t WHERE id = 4")
    misfit.capture(misfit.database)
    result = misfit.replay(*rule, expect=OK)
    assert misfit.target.rows("SELECT id, n, m FROM public.t ORDER BY id") == [
        ["1", "1", "1"], ["2", "22", "2"], ["3", None, "3"]]
    assert misfit.target.rows("SELECT key, outcome FROM rowferry.set_aside") == [
        ['{"id": 3}', "altered"]]
    misfit.verify(expect=OK)


def test_policy_set_aside(misfit):
    misfit.capture(misfit.database)
    misfit.replay(*config(misfit, POLICY % "set-aside"), expect=SET_ASIDE)
    assert misfit.target.value("SELECT string_agg(id::text, ',') FROM public.t") == "1"
    misfit.verify(expect=SET_ASIDE)


def test_policy_fail(misfit):
    misfit.capture(misfit.database)
    result = misfit.replay(*config(misfit, POLICY % "fail"), expect=MISPLACED)
    assert "column n of table t" in result.error["what"] and '{"id": 2}' in result.error["detail"]
    assert misfit.target.tables() == []
    sql(misfit, "DELETE FROM t WHERE id > 1")
    misfit.capture(misfit.database)
    misfit.replay(*config(misfit, POLICY % "fail"), expect=OK)
    sql(misfit, "INSERT INTO t VALUES (5, 5, 'five')", "UPDATE t SET n = 7 WHERE id = 1")
    misfit.capture(misfit.database)
    misfit.replay(*config(misfit, POLICY % "fail"), expect=MISPLACED)
    assert misfit.target.rows("SELECT id, n FROM public.t") == [["1", "1"]]


BAD_TEXT = """\
bad_text: %s
"""


@pytest.mark.parametrize("rule,texts", [
    ("strip", ["ab", "cde", "plain \\ x"]), ("replace", ["a\ufffdb", "c\ufffdde", "plain \\ x"]),
    ("escape", ["a\\x00b", "c\\xffde", "plain \\ x"])])
def test_bad_text_is_mended_in_the_open(ferry, scratch, rule, texts):
    ferry.database = scratch / "source.db"
    sql(ferry, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
        "INSERT INTO t VALUES (1, CAST(x'610062' AS TEXT)), (2, CAST(x'63ff6465' AS TEXT)), "
        "(3, 'plain \\ x')")
    rules = config(ferry, BAD_TEXT % rule)
    ferry.capture(ferry.database)
    result = ferry.replay(*rules, expect=OK)
    assert result.summary["altered"] == 2
    assert [row[0] for row in ferry.target.rows("SELECT v FROM public.t ORDER BY id")] == texts
    assert ferry.target.rows("SELECT key, encode(value, 'hex'), outcome FROM rowferry.set_aside "
                             "ORDER BY key") == [['{"id": 1}', "610062", "altered"],
                                                 ['{"id": 2}', "63ff6465", "altered"]]
    ferry.verify(expect=OK)
    sql(ferry, "DELETE FROM t WHERE id = 1", "UPDATE t SET v = 'fine' WHERE id = 2")
    ferry.capture(ferry.database)
    ferry.replay(*rules, expect=OK)
    assert ferry.target.value("SELECT count(*) FROM rowferry.set_aside") == "0"
    ferry.verify(expect=OK)


def test_bad_text_as_bytes(ferry, scratch):
    ferry.database = scratch / "source.db"
    sql(ferry, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
        "INSERT INTO t VALUES (1, CAST(x'610062' AS TEXT)), (2, 'x')")
    ferry.capture(ferry.database)
    ferry.replay(*config(ferry, BAD_TEXT % "bytea"), expect=OK)
    assert ferry.target.rows("SELECT encode(v, 'hex') FROM public.t ORDER BY id") == [
        ["610062"], ["78"]]
    ferry.verify(expect=OK)
