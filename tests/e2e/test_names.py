"""Names arrive exactly; those that PostgreSQL does not take get another one, which is told and
stays; and somebody may ask for other ones."""

import re

import pytest

import makedb
from compare import assert_same
from postgres import quote
from program import MISPLACED, OK, USAGE

LONG = "n" * 64
LONG_BYTES = "é" * 32


def sources(name):
    quoted = makedb.quote(name)
    return {
        "table": (f"CREATE TABLE {quoted} (a TEXT)", f"INSERT INTO {quoted} VALUES ('x')"),
        "column": (f"CREATE TABLE t (a TEXT, {quoted} TEXT)", "INSERT INTO t VALUES ('x', 'y')"),
    }


def make(database, statements):
    db = makedb.connect(database)
    db.execute("CREATE TABLE fine (a TEXT)")
    db.execute("INSERT INTO fine VALUES ('x')")
    for statement in statements:
        db.execute(statement)
    db.close()


def edit(database, *statements):
    db = makedb.connect(database)
    for statement in statements:
        db.execute(statement)
    db.close()


def columns(target, table):
    return [row[0] for row in target.rows(
        "SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attrelid = "
        f"to_regclass('{quote(table)}') ORDER BY attnum")]


def trip(ferry, database, *options, expect=OK):
    ferry.capture(database)
    result = ferry.replay(*options, expect=expect)
    if expect == OK:
        ferry.verify(expect=OK)
    return result


def is_altered(name, beginning):
    return re.fullmatch(re.escape(beginning) + "_[0-9a-f]{8}", name)


IMPOSSIBLE = [
    pytest.param(LONG, "n" * 54, id="64"),
    pytest.param(LONG_BYTES, "é" * 27, id="64 bytes"),
    pytest.param("a" + LONG_BYTES, "a" + "é" * 26, id="65 bytes, a character at the cut"),
    pytest.param("x" * 200, "x" * 54, id="200"),
    pytest.param("", None, id="empty"),
]


@pytest.mark.parametrize("name, beginning", IMPOSSIBLE)
def test_tables_of_impossible_names(ferry, scratch, name, beginning):
    """PostgreSQL would cut a long name to 63 bytes in silence, and refuse an empty one."""
    database = scratch / "source.db"
    make(database, sources(name)["table"])
    result = trip(ferry, database)
    called, = (table for table in ferry.target.tables() if table != "fine")
    assert is_altered(called, "table" if beginning is None else beginning)
    assert f'is called "{called}" in the target' in result.err
    assert ferry.target.rows(f"SELECT a FROM {quote(called)}") == [["x"]]
    edit(database, f"INSERT INTO {makedb.quote(name)} VALUES ('y')")
    assert called not in trip(ferry, database).err, "it is no news any more"
    edit(database, f"DELETE FROM {makedb.quote(name)} WHERE a = 'x'")
    trip(ferry, database)
    assert ferry.target.rows(f"SELECT a FROM {quote(called)}") == [["y"]]
    assert len(ferry.target.tables()) == 2


@pytest.mark.parametrize("name, beginning", [
    *IMPOSSIBLE, *(pytest.param(name, name, id=name)
                   for name in ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"))])
def test_columns_of_impossible_names(ferry, scratch, name, beginning):
    """The same; and every table of PostgreSQL has columns of the latter names already."""
    database = scratch / "source.db"
    make(database, sources(name)["column"])
    result = trip(ferry, database)
    first, called = columns(ferry.target, "t")
    assert first == "a" and is_altered(called, "column" if beginning is None else beginning)
    assert f'is called "{called}" in the target' in result.err
    edit(database, f"UPDATE t SET {makedb.quote(name)} = 'z'", "INSERT INTO t VALUES ('1', NULL)")
    trip(ferry, database)
    assert ferry.target.rows(f"SELECT a, {quote(called)} FROM t ORDER BY a") == \
        [["1", None], ["x", "z"]]


def test_names_alike_in_their_first_63_bytes(ferry, scratch):
    """Each has its own, and keeps it when others come and go."""
    database = scratch / "source.db"
    names = ["n" * 63 + end for end in "abc"]
    make(database, sources(names[0])["table"])
    trip(ferry, database)
    first, = set(ferry.target.tables()) - {"fine"}
    edit(database, *sources(names[1])["table"], *sources(names[2])["table"],
         f"INSERT INTO {names[2]} VALUES ('third')")
    trip(ferry, database)
    found = set(ferry.target.tables()) - {"fine"}
    assert len(found) == 3 and first in found
    assert all(is_altered(name, "n" * 54) for name in found)
    edit(database, f"DROP TABLE {names[1]}")
    trip(ferry, database)
    assert set(ferry.target.tables()) - {"fine"} < found


def test_the_same_source_gets_the_same_names(ferry, scratch, server):
    """Whatever else is there, and in whatever order it was made."""
    database, other = scratch / "one.db", scratch / "two.db"
    make(database, sources(LONG + "a")["table"])
    make(other, sources("b" + LONG)["table"] + sources(LONG + "a")["table"])
    trip(ferry, database)
    second = server.create()
    try:
        trip(type(ferry)(scratch / "other", second), other)
        assert set(ferry.target.tables()) < set(second.tables())
    finally:
        second.drop()


def test_index_names(ferry, scratch):
    """Index names are shared by a whole schema and may be as long as they like: they are no
    reason to stop."""
    database = scratch / "source.db"
    make(database, ["CREATE TABLE t (a TEXT, b TEXT, UNIQUE (a, b))",
                    "CREATE TABLE t_pkey (a INTEGER PRIMARY KEY)",
                    "CREATE TABLE fine_pkey (a TEXT)",
                    "CREATE TABLE t_a_b_key (id INTEGER PRIMARY KEY)",
                    f"CREATE INDEX {LONG}a ON t (a)", f"CREATE INDEX {LONG}b ON t (b)",
                    "INSERT INTO t VALUES ('1', '2')"])
    ferry.capture(database)
    ferry.replay(expect=OK)
    assert_same(database, ferry.target)


def test_names_that_differ_in_case(ferry, scratch):
    """SQLite takes A and a for one name, but not É and é; nothing is folded on the way."""
    database = scratch / "source.db"
    make(database, ["CREATE TABLE École (É TEXT, é TEXT, E INTEGER)", "CREATE TABLE école (A TEXT)",
                    "INSERT INTO École VALUES ('1', '2', 3)", "INSERT INTO école VALUES ('4')"])
    ferry.capture(database)
    ferry.replay(expect=OK)
    assert_same(database, ferry.target)


def test_a_table_that_is_there_already(ferry, scratch):
    """Somebody else's table of the same name is neither filled nor dropped."""
    database = scratch / "source.db"
    make(database, [])
    ferry.target.script("CREATE TABLE fine (precious text); INSERT INTO fine VALUES ('mine')")
    ferry.capture(database)
    result = ferry.replay(expect=MISPLACED)
    assert "fine" in str(result.error)
    assert ferry.target.rows("SELECT * FROM fine") == [["mine"]]


def test_globs_choose_tables(ferry, scratch):
    database = scratch / "source.db"
    make(database, [f"CREATE TABLE {name} (v TEXT)" for name in ("log_a", "log_b", "keep")])
    ferry.capture(database, "-t", "log_*", "-t", "fine", "-T", "*_b")
    ferry.replay()
    assert ferry.target.tables() == ["fine", "log_a"]


def configure(scratch, text):
    path = scratch / "rowferry.yaml"
    path.write_text(text)
    return "-c", path


def test_fold_names(ferry, scratch):
    database = scratch / "source.db"
    make(database, ['CREATE TABLE Users (Id INTEGER PRIMARY KEY, "Full Name" TEXT, É TEXT)',
                    "CREATE INDEX ByName ON Users (\"Full Name\")",
                    "INSERT INTO Users VALUES (1, 'Ann', 'x')"])
    trip(ferry, database, "--fold-names")
    assert ferry.target.tables() == ["fine", "users"]
    assert columns(ferry.target, "users") == ["id", "full name", "É"]
    edit(database, "UPDATE Users SET \"Full Name\" = 'Bob'",
         "INSERT INTO Users VALUES (2, 'C', 'y')",
         "CREATE TABLE Late (A)", "INSERT INTO Late VALUES (1)")
    trip(ferry, database, "--fold-names")
    assert ferry.target.rows("SELECT id, \"full name\" FROM users ORDER BY id") == \
        [["1", "Bob"], ["2", "C"]]
    edit(database, "CREATE TABLE Later (A)", "DELETE FROM Users")
    trip(ferry, database)
    assert ferry.target.tables() == ["Later", "fine", "late", "users"], \
        "what stands keeps its name, whatever is asked for later"
    assert ferry.target.rows("SELECT * FROM users") == []


RENAMES = """
tables:
  rules:
    - table: events
      rename: "Event log"
      columns:
        - {column: "when", rename: happened}
        - {column: "tmp*", exclude: true}
    - {table: a, rename: b}
    - {table: b, rename: a}
"""


def test_renames(ferry, scratch):
    database = scratch / "source.db"
    make(database, ['CREATE TABLE events (id INTEGER PRIMARY KEY, "when" TEXT, tmp1, tmp2, n TEXT)',
                    "INSERT INTO events VALUES (1, 'now', 1, x'00', 'one')",
                    "INSERT INTO events VALUES (2, 'then', 2, 'x', 'two')",
                    "CREATE TABLE a (v TEXT)", "INSERT INTO a VALUES ('of a')",
                    "CREATE TABLE b (v TEXT)", "INSERT INTO b VALUES ('of b')"])
    config = configure(scratch, RENAMES)
    result = trip(ferry, database, *config)
    assert "is called" not in result.err, "that was asked for"
    assert ferry.target.tables() == ["Event log", "a", "b", "fine"]
    assert columns(ferry.target, "Event log") == ["id", "happened", "n"]
    assert ferry.target.rows("SELECT v FROM a") == [["of b"]]
    edit(database, "UPDATE events SET \"when\" = 'later', tmp1 = 'any' WHERE id = 1",
         "UPDATE events SET tmp2 = 'nothing that is carried' WHERE id = 2",
         "INSERT INTO events VALUES (3, NULL, 0, 0, 'three')", "DELETE FROM a")
    trip(ferry, database, *config)
    assert ferry.target.rows('SELECT * FROM "Event log" ORDER BY id') == \
        [["1", "later", "one"], ["2", "then", "two"], ["3", None, "three"]]
    assert ferry.target.rows("SELECT v FROM b") == []
    edit(database, "DELETE FROM events WHERE id = 2")
    trip(ferry, database)
    assert len(ferry.target.rows('SELECT * FROM "Event log"')) == 2


@pytest.mark.parametrize("rule, words", [
    ('{table: "log_*", rename: logs}', ('"log_a"', '"logs"', '"log_b"')),
    ("{table: log_a, rename: fine}", ('"log_a"', '"fine"')),
    ('{table: log_a, columns: [{column: "*", rename: v}]}', ('"a"', '"v"', '"b"')),
])
def test_renames_that_cannot_be(ferry, scratch, rule, words):
    """A rename that would put two things under one name is refused before anything is written."""
    database = scratch / "source.db"
    make(database, ["CREATE TABLE log_a (a TEXT, b TEXT)", "CREATE TABLE log_b (a TEXT)"])
    ferry.capture(database)
    result = ferry.replay(*configure(scratch, f"tables:\n  rules:\n    - {rule}\n"), expect=USAGE)
    assert all(word in result.error["what"] for word in words), str(result)
    assert ferry.target.tables() == []


def test_a_rename_to_a_table_that_is_there_already(ferry, scratch):
    """Somebody else's table is not filled under any name."""
    database = scratch / "source.db"
    make(database, [])
    ferry.target.script("CREATE TABLE mine (precious text)")
    ferry.capture(database)
    config = configure(scratch, "tables:\n  rules:\n    - {table: fine, rename: mine}\n")
    result = ferry.replay(*config, expect=MISPLACED)
    assert "mine" in str(result.error), str(result)
    assert ferry.target.rows("SELECT * FROM mine") == []
