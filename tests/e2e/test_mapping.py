"""The types that tables get in the target, as PostgreSQL tells them, and the values in them, as psql
prints them. What is expected is written out here, from SQLite's and PostgreSQL's own manuals."""

import pytest

import makedb
from compare import Asked, assert_same
from program import OK, SET_ASIDE, USAGE


def make(path, *statements):
    db = makedb.connect(path)
    for statement, *values in ((s,) if isinstance(s, str) else s for s in statements):
        db.execute(statement, values)
    db.close()


def types(target, table="t"):
    return dict(target.rows(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        f"WHERE attrelid = '\"{table}\"'::regclass AND attnum > 0 AND NOT attisdropped"))


def one_column(ferry, scratch, declared, *values, config="", options=()):
    """Loads t(id, c) with these values; what replay said, the type, and the values as text."""
    database = scratch / "source.db"
    make(database, f"CREATE TABLE t (id INTEGER PRIMARY KEY, c {declared})",
         *[(f"INSERT INTO t(c) VALUES ({makedb.placeholder(v)})", v) for v in values])
    ferry.capture(database)
    if config:
        file = scratch / "rowferry.yaml"
        file.write_text(config)
        options = (*options, "-c", file)
    said = ferry.replay(*options)
    ferry.target.script(f"ALTER DATABASE {ferry.target.name} SET timezone = 'UTC'")
    values = [row[0] for row in ferry.target.rows("SELECT c::text FROM t ORDER BY id")]
    return said, types(ferry.target)["c"], values


# Declared type, values in SQLite, type in PostgreSQL, what psql prints of the values.
CHOSEN = {
    "int": ("INT", [1, 2**63 - 1, None], "bigint", ["1", "9223372036854775807", None]),
    "real": ("REAL", [0.1, 1e300], "double precision", ["0.1", "1e+300"]),
    "bool": ("BOOLEAN", [0, 1, None], "boolean", ["false", "true", None]),
    "varchar": ("VARCHAR(2)", ["longer"], "text", ["longer"]),
    "blob": ("BLOB", [b"\0\xff", b""], "bytea", ["\\x00ff", "\\x"]),
    "decimal": ("DECIMAL(10,2)", [12.5, 3, -0.07], "numeric(10,2)", ["12.50", "3.00", "-0.07"]),
    "decimal beyond its bound": ("DECIMAL(4,1)", [1.25, 123456], "numeric", ["1.25", "123456"]),
    "numeric": ("NUMERIC", [0.1, 2**63 - 1], "numeric", ["0.1", "9223372036854775807"]),
    "no short decimal": ("DECIMAL(10,2)", [0.1 + 0.2], "double precision", ["0.30000000000000004"]),
    "datetime": ("DATETIME", ["2024-05-01 10:00:00", "0999-01-01 00:00:01"],
                 "timestamp without time zone", ["2024-05-01 10:00:00", "0999-01-01 00:00:01"]),
    "date": ("DATE", ["2024-02-29", None], "date", ["2024-02-29", None]),
    "time": ("TIME", ["23:59:59.5", "00:00:00.0"], "time without time zone",
             ["23:59:59.5", "00:00:00"]),
    "zoned": ("TIMESTAMP", ["2024-05-01T10:00:00+02:00"], "timestamp with time zone",
              ["2024-05-01 08:00:00+00"]),
    "unix s": ("TIMESTAMP", [1700000000, 1700000001], "timestamp with time zone",
               ["2023-11-14 22:13:20+00", "2023-11-14 22:13:21+00"]),
    "unix ms": ("DATETIME", [1700000000123], "timestamp with time zone",
                ["2023-11-14 22:13:20.123+00"]),
    "julian day": ("DATETIME", [2460310.5, 2460310.75], "timestamp with time zone",
                   ["2024-01-01 00:00:00+00", "2024-01-01 06:00:00+00"]),
    "two spellings": ("DATETIME", ["2024-05-01 10:00:00", "2024-05-01"], "text",
                      ["2024-05-01 10:00:00", "2024-05-01"]),
    "no such day": ("DATE", ["2024-02-30"], "text", ["2024-02-30"]),
    "epoch zero": ("TIMESTAMP", [0, 1700000000], "bigint", ["0", "1700000000"]),
    "no type, integers": ("", [1, -1], "bigint", ["1", "-1"]),
    "no type, integers and reals": ("", [1, 0.5], "double precision", ["1", "0.5"]),
    "no type, large integers and reals": ("", [2**53 + 1, 0.5], "numeric",
                                          ["9007199254740993", "0.5"]),
    "no type, numbers and text": ("", [1, 0.5, "a"], "text", ["1", "0.5", "a"]),
    "no type, everything": ("", [1, "a", b"\xff"], "bytea", ["\\x31", "\\x61", "\\xff"]),
    "json stays text": ("JSON", ['{"a":1}'], "text", ['{"a":1}']),
    "nothing yet": ("DATETIME", [None], "text", [None]),
    "a text in integers": ("INTEGER", [1, "x"], "text", ["1", "x"]),
    "a real in integers": ("INTEGER", [1, 0.5], "double precision", ["1", "0.5"]),
    "a blob in text": ("TEXT", ["a", b"\xff"], "bytea", ["\\x61", "\\xff"]),
    "only text in blobs": ("BLOB", ["a"], "text", ["a"]),
    "text and blobs": ("BLOB", ["a", b"b"], "bytea", ["\\x61", "\\x62"]),
    "only integers in decimals": ("DECIMAL", [5], "numeric", ["5"]),
    "a two in booleans": ("BOOLEAN", [1, 2], "bigint", ["1", "2"]),
}


@pytest.mark.parametrize("case", CHOSEN)
def test_chosen_type(ferry, scratch, case):
    declared, values, wanted, printed = CHOSEN[case]
    said, type_, got = one_column(ferry, scratch, declared, *values)
    assert (said.code, type_, got) == (OK, wanted, printed)
    assert ferry.verify().code == OK
    assert_same(scratch / "source.db", ferry.target, asked=Asked(keeps=False), fresh=True)


# What a rule asks for, values, type, what psql prints.
ASKED = {
    "jsonb": ("jsonb", ['{"b":1, "a":2}'], "jsonb", ['{"a": 2, "b": 1}']),
    "uuid": ("uuid", ["ee64d0bb-15ee-4a66-b0a2-9a5b4d37e3f6"], "uuid",
             ["ee64d0bb-15ee-4a66-b0a2-9a5b4d37e3f6"]),
    "numeric(10,2)": ("numeric(10,2)", [0.25], "numeric(10,2)", ["0.25"]),
    "smallint": ("smallint", [7], "smallint", ["7"]),
    "words": ("boolean from words", ["yes", "f"], "boolean", ["true", "false"]),
    "seconds": ("timestamptz from unix-s", [0], "timestamp with time zone",
                ["1970-01-01 00:00:00+00"]),
    "widened integer": ("smallint", [70000], "bigint", ["70000"]),
    "widened decimal": ("numeric(10,1)", [0.25], "numeric", ["0.25"]),
    "widened date": ("date from iso", ["soon"], "text", ["soon"]),
    "widened varchar": ("varchar(2)", ["abc"], "text", ["abc"]),
}


def rule(column="c", table="t", **settings):
    lines = "".join(f"          {key}: {value}\n" for key, value in settings.items())
    return (f"tables:\n  rules:\n    - table: {table}\n      columns:\n        - column: {column}\n"
            f"{lines}")


@pytest.mark.parametrize("case", ASKED)
def test_asked_type(ferry, scratch, case):
    asked, values, wanted, printed = ASKED[case]
    said, type_, got = one_column(ferry, scratch, "ANY_NAME", *values,
                                  config=rule(type=f'"{asked}"'))
    assert (said.code, type_, got) == (OK, wanted, printed)
    assert ferry.verify().code == OK
    assert ("warning" in said.err) == case.startswith("widened")


def test_rows_that_force_a_type_are_named(ferry, scratch):
    said, _, _ = one_column(ferry, scratch, "INTEGER", 1, "x", 2, "y'z")
    assert "table t: column c is text, not bigint" in said.err
    assert """row {"id": 2} has 'x', row {"id": 4} has 'y'z'""" in said.err
    [[reason]] = ferry.target.rows("SELECT reason FROM rowferry.\"column\" WHERE column_name = 'c'")
    assert reason.startswith("declared INTEGER; holds 2 integers, 2 texts: row {\"id\": 2} has 'x'")


def test_a_type_asked_for_stays_with_another_policy(ferry, scratch):
    said, type_, got = one_column(ferry, scratch, "INTEGER", 1, 70000,
                                  config=rule(type="smallint", on_mismatch='"null"'))
    assert (type_, got) == ("smallint", ["1", None])
    assert said.summary["altered"] == 1
    [line] = ferry.target.rows("SELECT outcome, encode(value, 'escape') FROM rowferry.set_aside")
    assert line == ["altered", "70000"]


def test_declared_types_stay_with_another_policy(ferry, scratch):
    said, type_, got = one_column(ferry, scratch, "INTEGER", 1, "x",
                                  options=("--on-mismatch", "set-aside"))
    assert (said.code, type_, got) == (SET_ASIDE, "bigint", ["1"])


@pytest.mark.parametrize("bad_text, type_, printed", [
    ("strip", "text", ["ok", "ab"]), ("replace", "text", ["ok", "a\ufffdb"]),
    ("escape", "text", ["ok", "a\\x00b"]), ("bytea", "bytea", ["\\x6f6b", "\\x610062"]),
    ("set-aside", "text", ["ok"])])
def test_bad_text(ferry, scratch, bad_text, type_, printed):
    said, got_type, got = one_column(ferry, scratch, "TEXT", "ok", makedb.Raw(b"a\0b"),
                                     options=("--bad-text", bad_text))
    assert (got_type, got) == (type_, printed)
    assert said.code == (SET_ASIDE if bad_text == "set-aside" else OK)


def test_a_type_that_there_is_not(ferry, scratch):
    database = scratch / "source.db"
    make(database, "CREATE TABLE t (c TEXT)")
    ferry.capture(database)
    file = scratch / "rowferry.yaml"
    file.write_text(rule(type="varchar2"))
    said = ferry.replay("-c", file, expect=USAGE)
    assert "varchar2" in said.err


def test_excluded_columns_and_given_keys(ferry, scratch):
    database = scratch / "source.db"
    make(database, "CREATE TABLE t (a TEXT, secret TEXT, n INT)",
         "INSERT INTO t VALUES ('x', 's', 1), ('y', 's', 1)")
    ferry.capture(database)
    file = scratch / "rowferry.yaml"
    file.write_text("tables:\n  rules:\n    - table: t\n      key: [n, a]\n      columns:\n"
                    "        - column: secret\n          exclude: true\n")
    assert ferry.replay("-c", file).code == OK
    assert types(ferry.target) == {"a": "text", "n": "bigint"}
    [[definition]] = ferry.target.rows("SELECT pg_get_constraintdef(oid) FROM pg_constraint "
                                       "WHERE conrelid = 't'::regclass AND contype = 'p'")
    assert definition == "PRIMARY KEY (n, a)"
    assert ferry.target.rows("SELECT key_given FROM rowferry.relation") == [["t"]]
    make(database, "UPDATE t SET secret = 'other' WHERE a = 'x'", "DELETE FROM t WHERE a = 'y'",
         "INSERT INTO t VALUES ('z', NULL, 2)", "UPDATE t SET n = 5 WHERE a = 'x'")
    ferry.capture(database)
    assert ferry.replay("-c", file).code == OK
    assert ferry.target.rows("SELECT n, a FROM t ORDER BY n") == [["2", "z"], ["5", "x"]]
    assert ferry.verify("-c", file).code == OK


def test_the_ledger_keeps_what_was_asked_for(ferry, scratch):
    one_column(ferry, scratch, "INTEGER", 70000, config=rule(type="' smallint'", bad_text="escape"))
    assert ferry.target.rows("SELECT column_name, asked, conversion, bad_text "
                             "FROM rowferry.\"column\" ORDER BY position") == [
        ["id", "", "bigint", "set-aside"], ["c", "smallint", "bigint", "escape"]]


def test_keys_of_several_kinds_stay_unique_where_they_can(ferry, scratch):
    database = scratch / "source.db"
    make(database, "CREATE TABLE apart (k PRIMARY KEY)", "INSERT INTO apart VALUES (1), ('a')",
         "CREATE TABLE alike (k PRIMARY KEY)", "INSERT INTO alike VALUES (1), ('1')")
    ferry.capture(database)
    assert ferry.replay().code == OK
    constraints = dict(ferry.target.rows(
        "SELECT conrelid::regclass::text, contype::text FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace"))
    assert constraints == {"apart": "p"}
    assert ferry.target.rows("SELECT k FROM alike") == [["1"], ["1"]]
