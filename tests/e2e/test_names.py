"""Names arrive exactly, or are refused by name before anything is written."""

import pytest

import makedb
from compare import assert_same
from program import MISPLACED, OK

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


@pytest.mark.parametrize("what", ["table", "column"])
@pytest.mark.parametrize("name", [LONG, LONG_BYTES, "x" * 200], ids=["64", "64 bytes", "200"])
def test_too_long(ferry, scratch, what, name):
    """PostgreSQL would cut it to 63 bytes in silence."""
    database = scratch / "source.db"
    make(database, sources(name)[what])
    ferry.capture(database)
    result = ferry.replay(expect=MISPLACED)
    assert name[:60] in str(result.error) and result.error["hint"], str(result)
    assert ferry.target.tables() == []
    if what == "table":
        assert ferry.replay("-T", name, expect=OK).code == OK
        assert ferry.target.tables() == ["fine"]


def test_two_names_alike_in_their_first_63_bytes(ferry, scratch):
    database = scratch / "source.db"
    make(database, [s for end in "ab" for s in sources("n" * 63 + end)["table"]])
    ferry.capture(database)
    ferry.replay(expect=MISPLACED)
    assert ferry.target.tables() == []


@pytest.mark.parametrize("name", ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"])
def test_system_columns(ferry, scratch, name):
    """Every table of PostgreSQL has columns of these names already."""
    database = scratch / "source.db"
    make(database, sources(name)["column"])
    ferry.capture(database)
    result = ferry.replay(expect=MISPLACED)
    assert name in str(result.error), str(result)
    assert ferry.target.tables() == []


@pytest.mark.parametrize("what", ["table", "column"])
def test_an_empty_name(ferry, scratch, what):
    """SQLite has it, PostgreSQL has not."""
    database = scratch / "source.db"
    make(database, sources("")[what])
    ferry.capture(database)
    ferry.replay(expect=MISPLACED)
    assert ferry.target.tables() == []


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
