"""Views and triggers of the source: listed and left out, made where somebody asks for them."""

import pytest

import makedb
from compare import assert_same
from program import OK

OBJECTS = """\
objects:
  - name: Totals
  - name: "Top Names"
  - name: stamp
    sql: |
      CREATE OR REPLACE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RETURN NEW; END $$;
      CREATE OR REPLACE TRIGGER stamp BEFORE UPDATE ON "Person" FOR EACH ROW EXECUTE FUNCTION stamp();
"""


def sql(ferry, *statements):
    db = makedb.connect(ferry.database)
    for statement in statements:
        db.execute(statement)
    db.close()


@pytest.fixture
def source(ferry, scratch):
    ferry.database = scratch / "source.db"
    ferry.config = scratch / "rowferry.yaml"
    ferry.config.write_text(OBJECTS)
    sql(ferry, "CREATE TABLE Person (Id INTEGER PRIMARY KEY, Name TEXT, [Group No] INT, Paid REAL)",
        "INSERT INTO Person VALUES (1, 'a', 1, 2.5), (2, 'b', 1, 3), (3, 'c', 2, NULL)",
        # SQLite's spellings: bare names in any case, brackets, backticks; a view on a view
        "CREATE VIEW [Top Names] AS SELECT `name` AS Best, sum_paid FROM totals JOIN person "
        "ON person.[group no] = totals.No WHERE sum_paid > 1",
        "CREATE VIEW Totals (No, sum_paid) AS /* per group */ SELECT \"Group No\", "
        "sum(CAST(paid AS REAL)) FROM person GROUP BY 1 HAVING COUNT(*) > 0 -- all",
        "CREATE TRIGGER stamp AFTER UPDATE ON Person BEGIN SELECT 1; END",
        "CREATE VIEW nobody AS SELECT 1")
    return ferry


def trip(ferry, *options, config=True):
    ferry.capture(ferry.database)
    result = ferry.replay(*options, *(("-c", ferry.config) if config else ()), expect=OK)
    assert assert_same(ferry.database, ferry.target) == 0
    ferry.verify(expect=OK)
    return result


def views(ferry):
    return [row[0] for row in ferry.target.rows(
        "SELECT viewname FROM pg_views WHERE schemaname = 'public' ORDER BY viewname COLLATE \"C\"")]


def totals(ferry):
    return ferry.target.rows('SELECT "No", "sum_paid" FROM public."Totals" ORDER BY 1')


def test_left_out_unless_asked_for(source):
    trip(source, config=False)
    assert views(source) == []


def test_made_with_the_first_load(source):
    trip(source)
    assert views(source) == ["Top Names", "Totals"]
    assert [[float(v or 0) for v in row] for row in totals(source)] == [[1, 5.5], [2, 0]]
    assert source.target.rows('SELECT "Best" FROM public."Top Names" ORDER BY 1') == [["a"], ["b"]]
    assert source.target.value("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") == "stamp"


def test_asked_for_later(source):
    trip(source, config=False)
    sql(source, "INSERT INTO Person VALUES (4, 'd', 3, 1)")
    trip(source)
    assert views(source) == ["Top Names", "Totals"]


def test_asked_for_when_nothing_changed(source):
    trip(source, config=False)
    trip(source)
    assert views(source) == ["Top Names", "Totals"]


def test_changed_and_dropped_with_the_source(source):
    trip(source)
    sql(source, "DROP VIEW Totals", "CREATE VIEW Totals (No, sum_paid) AS "
        "SELECT [Group No], 7.0 FROM Person GROUP BY 1")
    trip(source)
    assert [row[1] for row in totals(source)] == ["7.0", "7.0"]
    sql(source, "DROP VIEW [Top Names]")
    result = trip(source)
    assert views(source) == ["Totals"]
    assert "Top Names" in result.err


def test_a_table_beneath_them_is_altered(source):
    trip(source)
    sql(source, "ALTER TABLE Person ADD COLUMN extra BLOB", "UPDATE Person SET Name = 'z'")
    trip(source)
    assert views(source) == ["Top Names", "Totals"]


def test_what_the_server_refuses_is_told_and_nothing_else_fails(source):
    sql(source, "DROP VIEW Totals",
        "CREATE VIEW Totals AS SELECT group_concat(Name) AS No, 1 AS sum_paid FROM Person")
    result = trip(source)
    assert views(source) == []
    assert "view Totals is not made" in result.err and "group_concat" in result.err
    assert "view Top Names is not made" in result.err
