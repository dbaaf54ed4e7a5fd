"""The source's schema changes between trips, as applications migrate."""

import random

import pytest

import makedb
from compare import assert_same
from program import MISPLACED, OK


@pytest.fixture
def source(ferry, scratch):
    """A database that made its first trip."""
    ferry.database = scratch / "source.db"
    sql(ferry, "CREATE TABLE keep (id INTEGER PRIMARY KEY, v TEXT)",
        "INSERT INTO keep VALUES (1, 'a'), (2, 'b'), (3, NULL)",
        "CREATE TABLE bag (v TEXT)", "INSERT INTO bag VALUES ('x'), ('x'), ('y')")
    trip(ferry)
    return ferry


def sql(ferry, *statements):
    db = makedb.connect(ferry.database)
    for statement in statements:
        db.execute(statement)
    db.close()


def trip(ferry):
    ferry.capture(ferry.database)
    ferry.replay(expect=OK)
    assert assert_same(ferry.database, ferry.target) == 0
    ferry.verify(expect=OK)


def test_a_new_table(source):
    sql(source, "CREATE TABLE fresh (k TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID",
        "CREATE UNIQUE INDEX fresh_n ON fresh (n)", "INSERT INTO fresh VALUES ('a', 1), ('b', 2)",
        "CREATE TABLE hollow (a REAL NOT NULL)")
    trip(source)
    sql(source, "UPDATE fresh SET n = n + 10", "INSERT INTO hollow VALUES (1.5)")
    trip(source)


def test_a_dropped_table(source):
    sql(source, "DROP TABLE bag")
    trip(source)
    assert source.target.tables() == ["keep"]


def test_a_table_made_anew(source):
    """Dropped and created again with other columns under the same name, within one trip."""
    sql(source, "DROP TABLE bag", "CREATE TABLE bag (a INTEGER PRIMARY KEY, b BLOB)",
        "INSERT INTO bag VALUES (7, x'00')")
    trip(source)


def test_an_added_column(source):
    sql(source, "ALTER TABLE keep ADD COLUMN n INTEGER", "ALTER TABLE bag ADD COLUMN w REAL")
    trip(source)
    sql(source, "UPDATE keep SET n = 5 WHERE id = 2", "INSERT INTO bag VALUES ('z', 0.5)")
    trip(source)


def test_an_added_column_with_a_default(source):
    """SQLite stores nothing for it in old rows, and yet they have the value."""
    sql(source, "ALTER TABLE keep ADD COLUMN state TEXT NOT NULL DEFAULT 'new'",
        "ALTER TABLE bag ADD COLUMN n INTEGER DEFAULT 7", "INSERT INTO keep VALUES (4, 'd', 'old')")
    trip(source)


def test_a_dropped_and_a_renamed_column(source):
    sql(source, "ALTER TABLE keep ADD COLUMN n INTEGER DEFAULT 1")
    trip(source)
    sql(source, "ALTER TABLE keep DROP COLUMN v")
    trip(source)
    sql(source, "ALTER TABLE keep RENAME COLUMN n TO number")
    trip(source)


def test_a_renamed_table(source):
    sql(source, "ALTER TABLE bag RENAME TO sack", "INSERT INTO sack VALUES ('z')")
    trip(source)


def test_an_index_comes_and_goes(source):
    sql(source, "CREATE INDEX keep_v ON keep (v)")
    trip(source)
    sql(source, "DROP INDEX keep_v", "CREATE UNIQUE INDEX keep_u ON keep (v, id)")
    trip(source)


def test_an_index_that_postgres_cannot_have(source):
    """Its entries end at 2,704 bytes. The rows come all the same, and the ledger says what is
    missing."""
    rng = random.Random(1)
    db = makedb.connect(source.database)
    db.execute("CREATE TABLE long (id INTEGER PRIMARY KEY, v TEXT, w TEXT UNIQUE)")
    db.execute("CREATE INDEX long_v ON long (v)")
    for number in range(5):
        db.execute("INSERT INTO long VALUES (?, ?, ?)",
                   (number, rng.randbytes(3000).hex(), f"short {number}"))
    db.close()
    source.capture(source.database)
    source.replay(expect=OK)
    source.verify(expect=OK)
    assert source.target.value("SELECT count(*) FROM long") == "5"
    missing = source.target.rows("SELECT wanted_name, reason FROM rowferry.index WHERE NOT stands")
    assert [row[0] for row in missing] == ["long_v"] and "2704" in missing[0][1]
    db = makedb.connect(source.database)
    db.execute("UPDATE long SET v = 'short'")
    db.close()
    source.capture(source.database)
    source.replay(expect=OK)
    source.verify(expect=OK)


def test_several_migrations_are_folded(source):
    """The target misses the steps in between."""
    for statements in (("ALTER TABLE keep ADD COLUMN n INTEGER",),
                       ("CREATE TABLE t2 (a)", "INSERT INTO t2 VALUES ('t')"),
                       ("UPDATE keep SET n = id", "DROP TABLE bag"),
                       ("ALTER TABLE keep RENAME TO kept",
                        "ALTER TABLE t2 ADD COLUMN b TEXT DEFAULT 'd'")):
        sql(source, *statements)
        source.capture(source.database)
    trip(source)


def test_the_target_changed_instead(source):
    """A column that somebody took from the target is a schema that does not fit, said before
    anything is done."""
    source.target.script("ALTER TABLE keep DROP COLUMN v")
    sql(source, "INSERT INTO bag VALUES ('new')", "UPDATE keep SET v = 'z'")
    source.capture(source.database)
    result = source.replay(expect=(MISPLACED, 1))
    assert "keep" in str(result.error)
    assert source.target.value("SELECT count(*) FROM bag") == "3", "half of a snapshot was applied"


def test_sequences_and_views_stay_in_the_archive(source):
    """sqlite_sequence, views, triggers and indexes are kept in the manifest and shown."""
    sql(source, "CREATE TABLE seq (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
        "INSERT INTO seq (v) VALUES ('a'), ('b')", "DELETE FROM seq WHERE id = 2",
        "CREATE VIEW shown AS SELECT v FROM keep", "CREATE INDEX keep_v ON keep (v)",
        "CREATE TRIGGER fires AFTER INSERT ON keep BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE words USING fts5(w)", "INSERT INTO words VALUES ('hello')")
    source.capture(source.database)
    source.replay(expect=OK)
    objects = {(line["kind"], line["name"]): line["sql"] for line in
               source.command("show", expect=OK).of_type("object")}
    assert objects[("view", "shown")] == "CREATE VIEW shown AS SELECT v FROM keep"
    assert ("index", "keep_v") in objects and ("trigger", "fires") in objects
    assert any(kind.startswith("virtual") and name == "words" for kind, name in objects), objects
    assert "seq" in source.target.tables()


def test_the_only_table_with_rows_is_renamed(ferry, scratch):
    """Nothing is left by which the source could be known, so it has to be said. A table without
    rows stays what it was."""
    ferry.database = scratch / "source.db"
    sql(ferry, "CREATE TABLE hollow (x TEXT)", "CREATE TABLE filled (a INTEGER)",
        "INSERT INTO filled VALUES (1)")
    trip(ferry)
    sql(ferry, "ALTER TABLE filled RENAME TO other")
    ferry.capture(ferry.database, "--same-source")
    ferry.replay(expect=OK)
    assert assert_same(ferry.database, ferry.target) == 0
    ferry.verify(expect=OK)
