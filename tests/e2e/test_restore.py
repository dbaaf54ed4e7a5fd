"""restore: the database as it was at a snapshot, compared with a copy made at the time, through
SQLite itself. And a capture of the restored file finds nothing changed."""

import fcntl
import json
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

import makedb
import randomdb
from program import (DAMAGED, FAILED, LOCKED, MISPLACED, OK, STORAGE, USAGE, Running, published,
                     run)
from restored import check_integrity, connect, differences, integrity, picture
from test_bad_source import may_mount

SUFFIX = ".rowferry-restore"


def keep(database, copy):
    """A copy as SQLite makes it where pages may still be in a WAL; journal mode and all."""
    for end in ("", "-wal"):
        if database.with_name(database.name + end).exists():
            shutil.copy(database.with_name(database.name + end), copy.with_name(copy.name + end))
    return copy


def restore(ferry, output, *rest, expect=OK, **kw):
    return ferry.command("restore", "-o", output, *rest, expect=expect, **kw)


def expect_same(ferry, copy, output, snapshot="latest", without=(), capture=()):
    """Restored, it is the copy, and nothing that a capture would call a change."""
    result = restore(ferry, output, "-s", snapshot, "--verify")
    assert not differences(copy, output, without)
    assert output.stat().st_mode & 0o777 == 0o600
    assert not [path.name for path in output.parent.iterdir() if SUFFIX in path.name]
    if snapshot == "latest":
        again = ferry.capture(output, *capture)
        assert again.summary["published"] is False, str(again)
    return result


def make(path, *statements):
    """A statement is a text, or a text and its values."""
    db = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        sql, *values = [statement] if isinstance(statement, str) else statement
        db.execute(sql, values).fetchall()
    db.close()
    return path


def rewrite(path, *changes):
    """Tables whose SQL becomes another, behind SQLite's back: (name, sql)."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA writable_schema = ON")
    for name, sql in changes:
        db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (sql, name))
    db.execute("PRAGMA writable_schema = RESET")
    db.close()


@pytest.fixture
def source(scratch):
    return scratch / "source.db"


@pytest.fixture
def same(archive_only, source, scratch):
    """Captures the source, restores it and compares."""
    def compare(*options, without=()):
        archive_only.capture(source, *options)
        return expect_same(archive_only, source, scratch / "out.db", without=without,
                           capture=options)
    return compare


# Whole databases

@pytest.mark.parametrize("seed", range(3))
def test_every_snapshot_of_a_history(archive_only, source, scratch, seed):
    """Every kind of table and key, values that do not fit their columns, in any encoding and page
    size, trip after trip."""
    makedb.build(source, seed, misfits=True)
    copies = []
    for trip in range(3):
        if trip:
            makedb.edit(source, seed * 10 + trip, misfits=True)
        archive_only.capture(source)
        copies.append(keep(source, scratch / f"copy-{trip}.db"))
    for number, copy in enumerate(copies, 1):
        output = scratch / f"out-{number}.db"
        expect_same(archive_only, copy, output, snapshot=number)
        check_integrity(output, integrity(copy))
    assert archive_only.capture(scratch / "out-3.db").summary["published"] is False


@pytest.mark.parametrize("seed", [2001, 2002, 2004, 2006])
def test_schemas_at_random(archive_only, source, scratch, seed):
    """Collations, partial and computed indexes, generated columns, tables altered and made anew."""
    copies = {}
    for steps in randomdb.write(seed).days:
        randomdb.play_day(source, steps)
        number = archive_only.capture(source).summary["snapshot"]
        copies[number] = keep(source, scratch / f"copy-{number}.db")
    for number, copy in copies.items():
        output = scratch / f"out-{number}.db"
        expect_same(archive_only, copy, output, snapshot=number)
        check_integrity(output, integrity(copy))


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_the_shell_dumps_the_same(archive_only, source, scratch, encoding):
    makedb.sqlite(source, f"""
        PRAGMA encoding = '{encoding}'; PRAGMA page_size = 1024; PRAGMA auto_vacuum = FULL;
        CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT UNIQUE, r REAL);
        CREATE TABLE w (k TEXT COLLATE NOCASE, n INT, PRIMARY KEY (n DESC, k)) WITHOUT ROWID;
        CREATE VIEW v AS SELECT * FROM nowhere;
        CREATE TRIGGER z AFTER INSERT ON a BEGIN DELETE FROM w; END;
        CREATE INDEX "a i" ON a (r DESC, t COLLATE RTRIM) WHERE r > 1;
        INSERT INTO a (t, r) VALUES ('x', 1), ('y', 2.5), ('東', 3), (NULL, -0.0);
        INSERT INTO w VALUES ('a', 1), ('B', 1), ('c', 2), ('D', 0);""")
    archive_only.capture(source)
    restore(archive_only, scratch / "out.db")
    dumps = [sorted(subprocess.run(["sqlite3", "-readonly", path, ".dump"], capture_output=True,
                                   check=True).stdout.splitlines())
             for path in (source, scratch / "out.db")]
    assert dumps[0] == dumps[1] and len(dumps[0]) > 15
    check_integrity(scratch / "out.db")


@pytest.mark.parametrize("schema", [
    [], ["PRAGMA encoding = 'UTF-16be'"], ["CREATE VIEW v AS SELECT 1"],
    ["CREATE VIEW b AS SELECT * FROM a", "CREATE VIEW a AS SELECT * FROM b"],
    ["CREATE TABLE t (x)"], ["PRAGMA user_version = 3"]])
def test_next_to_nothing(same, source, schema):
    make(source, "PRAGMA page_size = 512", *schema, "CREATE TABLE gone (x)", "DROP TABLE gone")
    same()


@pytest.mark.parametrize("size, vacuum, journal", [
    (512, 1, "delete"), (1024, 2, "wal"), (65536, 0, "wal"), (4096, 1, "truncate")])
def test_settings(same, source, scratch, size, vacuum, journal):
    make(source, f"PRAGMA page_size = {size}", f"PRAGMA auto_vacuum = {vacuum}",
         f"PRAGMA journal_mode = {journal}", "PRAGMA user_version = -2147483648",
         "PRAGMA application_id = -7", "CREATE TABLE t (a PRIMARY KEY, b)", "CREATE TABLE u (c)",
         "CREATE INDEX i ON t (b)",
         "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500) "
         "INSERT INTO t SELECT i, hex(randomblob(200)) FROM n",
         "INSERT INTO u SELECT b FROM t")
    same()
    check_integrity(scratch / "out.db")


# Values that SQLite would not let in

VALUES = [None, 0, 1, -1, 2**63 - 1, -2**63, 1.0, -0.0, 0.5, 1e308, 2.0**53, 140737488355328.0,
          float("inf"), "", "1", "1.0", " 1", "text", "1e3", b"", b"1", b"\x00\xff"]


@pytest.mark.parametrize("strict", ["", "STRICT"])
def test_values_keep_their_class_in_any_column(same, source, scratch, strict):
    """As in tables whose SQL was changed through writable_schema; every value in every column."""
    names = ["INTEGER", "TEXT", "REAL", "BLOB", "ANY" if strict else "NUMERIC"]
    columns = ", ".join(f"c{n} {name} NOT NULL" for n, name in enumerate(names))
    db = sqlite3.connect(source)
    db.execute("CREATE TABLE t (c0, c1, c2, c3, c4)")
    for value in VALUES:
        db.execute("INSERT INTO t VALUES (?1, ?1, ?1, ?1, ?1)", (value,))
    db.commit()
    db.close()
    rewrite(source, ("t", f"CREATE TABLE t ({columns}, CHECK (c0 > 100)) {strict}"))
    make(source, "CREATE INDEX i ON t (c0, c2)", "CREATE INDEX computed ON t (c2 || c1)",
         "CREATE INDEX partial ON t (c1) WHERE typeof(c2) <> 'null'")
    same()
    check_integrity(scratch / "out.db", integrity(source))


def test_rows_that_break_every_constraint(same, source, scratch):
    """NOT NULL, CHECK, UNIQUE by constraint and by index, foreign keys."""
    make(source, "CREATE TABLE t (a, b, c)", "CREATE INDEX unlike ON t (c)",
         "INSERT INTO t VALUES (1, NULL, 5), (1, NULL, 5), (2, 1, 5)",
         "CREATE TABLE child (p REFERENCES t (a))", "INSERT INTO child VALUES (99)",
         "CREATE INDEX later ON t (a + 1)", "CREATE INDEX some ON t (b) WHERE a > 0")
    rewrite(source, ("t", "CREATE TABLE t (a, b NOT NULL, c, CHECK (a > 1))"),
            ("unlike", "CREATE UNIQUE INDEX unlike ON t (c)"),
            ("later", "CREATE UNIQUE INDEX later ON t (a + 1)"),
            ("some", "CREATE UNIQUE INDEX some ON t (b) WHERE a > 0"))
    same()
    check_integrity(scratch / "out.db", integrity(source))


def test_a_unique_constraint_that_rows_break(same, source, scratch):
    """The index that SQLite made by itself, given to a table that had it as a plain one."""
    make(source, "CREATE TABLE t (a, b)", "CREATE INDEX i ON t (a)",
         "INSERT INTO t VALUES (1, 2), (1, 3), (NULL, 4)")
    db = sqlite3.connect(source, isolation_level=None)
    db.execute("PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a UNIQUE, b)' WHERE name = 't'")
    db.execute("UPDATE sqlite_schema SET sql = NULL, name = 'sqlite_autoindex_t_1' "
               "WHERE name = 'i'")
    db.close()
    same()
    check_integrity(scratch / "out.db", integrity(source))


def test_text_that_is_none(same, source):
    raw = [b"a\x00b", b"\xff\xfe", b"\xc3", b"\x00", b"\xed\xa0\x80", b"\xef\xbb\xbfx", b""]
    make(source, "CREATE TABLE t (k TEXT PRIMARY KEY, n)",
         "CREATE TABLE w (k TEXT PRIMARY KEY) WITHOUT ROWID",
         *[(f"INSERT INTO {name} VALUES (CAST(? AS TEXT){rest})", value)
           for value in raw for name, rest in (("t", ", 1"), ("w", ""))])
    same()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_text_of_utf16(same, source, scratch, encoding):
    """Halves of pairs, and marks of byte order, which SQLite takes away where it can."""
    texts = ["", "a", "\ufeff", "\ufeffa", "\ufeff\ufeffa", "\ufffe", "\ufffea", "\uffff", "😀",
             "\ud83d", "\ude00", "\ude00\ud83d", "\ufeff\ud83d", "a\0b", "\0", "東京" * 9000,
             "B", "b ", "b"]
    stored = [f"CAST(x'{text.encode(encoding, 'surrogatepass').hex()}' AS TEXT)" for text in texts]
    make(source, f"PRAGMA encoding = '{encoding.replace('16-', '16')}'",
         "CREATE TABLE t (v TEXT, w TEXT COLLATE NOCASE, x TEXT COLLATE RTRIM)",
         "CREATE INDEX i ON t (v)", "CREATE INDEX j ON t (w, x DESC)",
         "CREATE TABLE k (k TEXT PRIMARY KEY) WITHOUT ROWID",
         "CREATE TABLE \"東 😀\" (\"é\" TEXT PRIMARY KEY)", "INSERT INTO \"東 😀\" VALUES ('ü')",
         *[f"INSERT INTO t VALUES ({text}, {text}, {text})" for text in stored],
         *[f"INSERT INTO k VALUES ({text})" for text in stored])
    same()
    check_integrity(scratch / "out.db", integrity(source))


def test_half_a_unit_of_utf16_is_refused_by_name(archive_only, source, scratch):
    """No way leads into SQLite for such a text; only a file that was tampered with has one."""
    make(source, "PRAGMA encoding = 'UTF-16le'", "CREATE TABLE worn (id INTEGER PRIMARY KEY, v)",
         "INSERT INTO worn VALUES (7, x'deadbeef41')")
    data = source.read_bytes()
    blob, text = b"\x03\x00\x16\xde\xad\xbe\xef\x41", b"\x03\x00\x17\xde\xad\xbe\xef\x41"
    assert data.count(blob) == 1
    source.write_bytes(data.replace(blob, text))
    archive_only.capture(source)
    error = restore(archive_only, scratch / "out.db", expect=FAILED).error
    assert "odd number" in error["detail"]
    assert all(word in error["detail"] for word in ("worn", "row 7", '"v"'))
    assert [path.name for path in scratch.iterdir() if "out" in path.name] == []


@pytest.mark.parametrize("encoding, size", [("UTF-8", 20_000_000), ("UTF-16be", 2_000_000)])
def test_large_values(same, source, encoding, size):
    make(source, f"PRAGMA encoding = '{encoding}'", "CREATE TABLE t (v)",
         ("INSERT INTO t VALUES (?)", "é" * (size // 2)), ("INSERT INTO t VALUES (?)", "x"),
         f"INSERT INTO t VALUES (zeroblob({size}))", "INSERT INTO t VALUES (randomblob(3000000))")
    same()


# Keys and rowids

def test_rowids(same, source):
    extremes = [-2**63, -5, 0, 1, 1000, 2**40, 2**63 - 1]
    make(source, "CREATE TABLE alias (id INTEGER PRIMARY KEY, v)", "CREATE TABLE plain (v)",
         "CREATE TABLE descending (id INTEGER PRIMARY KEY DESC, v)",
         "CREATE TABLE hidden (rowid, _rowid_, oid)", "CREATE TABLE half (rowid, oid)",
         "CREATE TABLE text_key (k TEXT PRIMARY KEY)", "CREATE TABLE last (v, id INTEGER, "
         "PRIMARY KEY (id))",
         *[("INSERT INTO alias VALUES (?, 'x')", value) for value in extremes],
         *[("INSERT INTO plain (rowid, v) VALUES (?, ?)", value, 1.0) for value in extremes],
         *[("INSERT INTO descending (rowid, id, v) VALUES (?, 'no number ' || ?1, 1)",
           value)
           for value in extremes],
         *[("INSERT INTO half (_rowid_, rowid, oid) VALUES (?1, ?1, 'o')", value)
           for value in extremes],
         "INSERT INTO hidden VALUES (9, 8, 7), (NULL, NULL, NULL), (9, 8, 7)",
         "INSERT INTO text_key (rowid, k) VALUES (-3, 'b'), (5, 'a')",
         "INSERT INTO last VALUES ('z', 3), ('y', -3)")
    same()


def test_as_many_columns_as_there_can_be(same, source):
    columns = ", ".join(f"c{n}" for n in range(2000))
    db = sqlite3.connect(source)
    db.execute(f"CREATE TABLE wide ({columns})")
    db.execute(f"CREATE TABLE keyed ({columns.replace('c7,', 'c7 INTEGER PRIMARY KEY,')})")
    for n, rowid in enumerate([-4, 1, 3, 2**63 - 1]):
        for table in ("wide", "keyed"):
            db.execute(f"INSERT INTO {table} (c7, c0, c1999) VALUES (?, 'a', ?)", (rowid, n))
        db.execute("UPDATE wide SET rowid = ? WHERE c7 = ?", (rowid, rowid))
    db.commit()
    db.close()
    same()


def test_keys_without_rowid(same, source, scratch):
    rows = [("a", 1, b"x"), ("A", 2.5, "x"), ("b ", -1, "y"), ("b", "1", 3), ("C", b"1", 4)]
    bodies = ["k TEXT PRIMARY KEY, n, v", "k, n, v, PRIMARY KEY (n, k)",
              "k, n, v, PRIMARY KEY (k DESC, n)", "v, n, k COLLATE RTRIM, PRIMARY KEY (n DESC, k)",
              "k TEXT, n INT, v, PRIMARY KEY (k COLLATE BINARY, n COLLATE NOCASE, k)",
              "k, n, v, w AS (k || n) STORED, x AS (n), PRIMARY KEY (k, n)",
              "n REAL, k TEXT, v, PRIMARY KEY (n DESC, v, k)"]
    statements = []
    for number, body in enumerate(bodies):
        statements.append(f'CREATE TABLE "w {number}" ({body}) WITHOUT ROWID')
        statements.append(f'CREATE INDEX "i {number}" ON "w {number}" (v, k)')
        statements += [(f'INSERT INTO "w {number}" (k, n, v) VALUES (?, ?, ?)', *row)
                       for row in rows]
    statements += ["CREATE TABLE folded (k TEXT COLLATE NOCASE PRIMARY KEY, v UNIQUE) WITHOUT ROWID",
                   "INSERT INTO folded VALUES ('b', 1), ('A', 2), ('C', 3), ('_', NULL)"]
    make(source, *statements)
    same()
    check_integrity(scratch / "out.db", integrity(source))


def test_sequences(same, source):
    make(source, "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
         "CREATE TABLE unused (id INTEGER PRIMARY KEY AUTOINCREMENT)",
         "INSERT INTO a (v) VALUES (1), (2), (3)", "DELETE FROM a WHERE id > 1",
         "INSERT INTO sqlite_sequence VALUES ('nobody', 5), (NULL, 'x'), (x'00', 2.5), ('a', NULL)")
    same()


def test_a_sequence_of_no_rows(same, source, scratch):
    """A table that counts finds its counter, though that has nothing in it."""
    make(source, "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, v)")
    same()
    make(scratch / "out.db", "INSERT INTO a (v) VALUES (1)")


# Schemas

def test_columns_that_are_computed(same, source, scratch):
    make(source, "CREATE TABLE t (a INT, v AS (a * 2), s TEXT AS (a || 'x') STORED, b, "
         "r REAL AS (a) STORED, w AS (b))", "INSERT INTO t (a, b) VALUES (1, 2), (NULL, 'y'), (3, 1)",
         "CREATE INDEX over_virtual ON t (v, a)", "CREATE INDEX over_stored ON t (s DESC, r)",
         "CREATE TABLE u (v AS (x + 1) UNIQUE, x INTEGER PRIMARY KEY)", "INSERT INTO u VALUES (5), (6)",
         "ALTER TABLE t ADD COLUMN later DEFAULT 'soon'", "ALTER TABLE t ADD COLUMN z AS (later)")
    same()
    check_integrity(scratch / "out.db", integrity(source))


def test_names(same, source, scratch):
    names = ["select", "a b", 'double "quotes"', "'single'", "[brackets]", "`ticks`", "t", "i0",
             "c0", "sqlite", "東", "%d %s", "a;b", "--", "\\"]
    statements = []
    for name in names:
        quoted = makedb.quote(name)
        statements += [f"CREATE TABLE {quoted} ({quoted} PRIMARY KEY, {quoted[:-1]}2\" UNIQUE)",
                       f"CREATE INDEX {quoted[:-1]} index\" ON {quoted} ({quoted}, {quoted[:-1]}2\")",
                       f"INSERT INTO {quoted} VALUES (2, 'x'), (1, NULL), (3, NULL)",
                       f"CREATE VIEW {quoted[:-1]} view\" AS SELECT * FROM {quoted}",
                       f"CREATE TRIGGER {quoted[:-1]} trigger\" AFTER DELETE ON {quoted} "
                       f"BEGIN SELECT 1; END"]
    make(source, *statements)
    same()
    check_integrity(scratch / "out.db")


def test_indexes_by_their_own_sql(same, source, scratch):
    """Expressions, parts of a table, strings in double quotes, and text that SQLite would not write
    that way."""
    make(source, "CREATE TABLE t (a, b, c REAL, id INTEGER PRIMARY KEY)",
         "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) "
         "INSERT INTO t SELECT i % 7, 'b' || i, i / 2.0, i FROM n",
         "CREATE UNIQUE INDEX u ON t (b, a) WHERE a IN (1, 2)", "CREATE INDEX e ON t (abs(a), b DESC)",
         "CREATE INDEX  spaced  ON\n t /* here */ (lower(b) COLLATE NOCASE)",
         "CREATE INDEX j ON t (json_extract('{\"x\":' || a || '}', '$.x'))",
         "CREATE INDEX key ON t (id, a)", "CREATE UNIQUE INDEX unique_key ON t (id DESC)",
         "CREATE INDEX quoted ON t (a)", "CREATE INDEX both ON t (a, +a, c) WHERE c > 3 AND b <> 'q'")
    rewrite(source, ("quoted", 'CREATE INDEX quoted ON t (a, "no column") WHERE b <> "neither"'))
    make(source, "REINDEX quoted")
    same()
    check_integrity(scratch / "out.db")


def test_what_only_the_application_knows(archive_only, source, scratch):
    """Its collations and functions, in every place of a schema. Indexes that cannot be built are left
    out, and told; the rest is there."""
    db = sqlite3.connect(source, isolation_level=None)
    db.create_collation("backwards", lambda a, b: (a < b) - (a > b))
    db.create_function("double", 1, lambda value: value * 2, deterministic=True)
    for statement in [
            "CREATE TABLE t (a TEXT, b CHECK (double(b) < 100), c TEXT COLLATE backwards)",
            "INSERT INTO t VALUES ('x', 1, 'p'), ('y', 2, 'q'), ('z', 3, 'r')",
            "CREATE INDEX by_collation ON t (a COLLATE backwards)", "CREATE INDEX by_column ON t (c)",
            "CREATE INDEX by_function ON t (double(b))", "CREATE INDEX fine ON t (b)",
            "CREATE INDEX some ON t (a) WHERE double(b) > 2",
            "CREATE TABLE one (k TEXT COLLATE backwards PRIMARY KEY) WITHOUT ROWID",
            "INSERT INTO one VALUES ('single')", "CREATE TABLE u (c TEXT COLLATE backwards UNIQUE)",
            "INSERT INTO u VALUES ('a'), ('b'), ('c')", "CREATE VIEW v AS SELECT double(b) FROM t",
            "CREATE TRIGGER z AFTER INSERT ON t BEGIN SELECT double(1); END"]:
        db.execute(statement)
    db.close()
    archive_only.capture(source)
    result = restore(archive_only, scratch / "out.db", "--verify")
    assert sorted((line["kind"], line["name"]) for line in result.of_type("lack")) == [
        ("index", "by_collation"), ("index", "by_column"), ("index", "by_function"),
        ("index", "some"), ("order", "sqlite_autoindex_u_1")]
    assert result.summary["lacks"] == 5 and result.err.count("warning: ") == 5
    found, wanted = picture(scratch / "out.db"), picture(source)
    missing = wanted.pop("schema").keys() - found.pop("schema").keys()
    assert sorted(missing) == [(b"index", b"by_collation"), (b"index", b"by_column"),
                               (b"index", b"by_function"), (b"index", b"some")]
    assert found == wanted
    db = sqlite3.connect(scratch / "out.db")
    db.create_collation("backwards", lambda a, b: (a < b) - (a > b))
    db.create_function("double", 1, lambda value: value * 2, deterministic=True)
    db.execute("REINDEX")
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()


def test_a_table_in_the_order_of_an_unknown_collation(archive_only, source, scratch):
    db = sqlite3.connect(source, isolation_level=None)
    db.create_collation("backwards", lambda a, b: (a < b) - (a > b))
    db.execute("CREATE TABLE sorted (k TEXT COLLATE backwards PRIMARY KEY) WITHOUT ROWID")
    db.execute("INSERT INTO sorted VALUES ('a'), ('b')")
    db.close()
    archive_only.capture(source)
    error = restore(archive_only, scratch / "out.db", expect=FAILED).error
    assert "sorted" in error["what"] and "backwards" in error["detail"]
    assert not (scratch / "out.db").exists()


def test_hundreds_of_tables(archive_only, source, scratch):
    db = sqlite3.connect(source, isolation_level=None)
    db.execute("BEGIN")
    for number in range(600):
        db.execute(f"CREATE TABLE t{number} (a INTEGER PRIMARY KEY, b UNIQUE)")
        db.execute(f"INSERT INTO t{number} VALUES ({number}, 'x')")
    db.execute("COMMIT")
    db.close()
    archive_only.capture(source)
    assert expect_same(archive_only, source, scratch / "out.db").summary["tables"] == 600


# What is not in the snapshot

def build_virtual(source):
    make(source, "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)",
         "INSERT INTO notes VALUES (1, 'one small step'), (2, 'two steps')",
         "CREATE VIRTUAL TABLE f5 USING fts5(body)", "INSERT INTO f5 VALUES ('a needle')",
         "CREATE VIRTUAL TABLE f4 USING fts4(body)", "INSERT INTO f4 VALUES ('a needle')",
         "CREATE VIRTUAL TABLE r USING rtree(id, low, high)", "INSERT INTO r VALUES (1, 2, 3)",
         "CREATE VIRTUAL TABLE over USING fts5(body, content='notes', content_rowid='id')",
         "INSERT INTO over (over) VALUES ('rebuild')")


def test_virtual_tables_with_their_content(same, source, scratch):
    build_virtual(source)
    assert same("--include-shadow").summary["lacks"] == 0
    db = connect(scratch / "out.db")
    for table in ("f5", "f4"):
        assert db.execute(f"SELECT count(*) FROM {table} WHERE {table} MATCH 'needle'").fetchone() \
            == (1,)
    assert db.execute("SELECT * FROM r").fetchall() == [(1, 2.0, 3.0)]
    assert db.execute("SELECT rowid FROM over WHERE over MATCH 'small'").fetchall() == [(1,)]
    db.close()


def test_virtual_tables_without_their_content(archive_only, source, scratch):
    """They are made anew, empty, and work."""
    build_virtual(source)
    archive_only.capture(source)
    result = restore(archive_only, scratch / "out.db", "--verify")
    assert sorted((line["kind"], line["name"]) for line in result.of_type("lack")) == \
        [("content", name) for name in ("f4", "f5", "over", "r")]
    assert all("--include-shadow" in line["reason"] for line in result.of_type("lack"))
    assert archive_only.capture(scratch / "out.db").summary["published"] is False
    check_integrity(scratch / "out.db")
    db = connect(scratch / "out.db", readonly=False)
    for table in ("f5", "f4", "r"):
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    db.execute("INSERT INTO over (over) VALUES ('rebuild')")
    assert db.execute("SELECT rowid FROM over WHERE over MATCH 'small'").fetchall() == [(1,)]
    db.execute("INSERT INTO f5 VALUES ('more')")
    db.execute("DROP TABLE r")
    db.close()


def test_a_virtual_table_whose_module_is_not_here(archive_only, source, scratch):
    make(source, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)",
         "CREATE TABLE v_info (k PRIMARY KEY, v)", "CREATE TABLE v_chunks (a)",
         "INSERT INTO v_chunks VALUES (1)", "PRAGMA writable_schema = ON",
         "INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, "
         "'CREATE VIRTUAL TABLE v USING vec0(a)')")
    archive_only.capture(source)
    result = restore(archive_only, scratch / "out.db", "--verify")
    assert {(line["kind"], line["name"]) for line in result.of_type("lack")} == {("content", "v")}
    assert any("no such module" in line["reason"] for line in result.of_type("lack"))
    with_content = scratch / "with.db"
    archive_only.capture(source, "--include-shadow")
    assert restore(archive_only, with_content, "--verify").summary["lacks"] == 0
    assert not differences(source, with_content)


def test_tables_that_were_left_out(same, source, scratch):
    make(source, "CREATE TABLE kept (a)", "INSERT INTO kept VALUES (1)",
         "CREATE TABLE x1 (a INTEGER PRIMARY KEY AUTOINCREMENT, b UNIQUE)",
         "INSERT INTO x1 VALUES (1, 2)", "CREATE INDEX on_x1 ON x1 (b, a)",
         "CREATE TABLE x2 (a, b, PRIMARY KEY (b, a)) WITHOUT ROWID", "INSERT INTO x2 VALUES (1, 2)",
         "CREATE INDEX on_x2 ON x2 (a)", "CREATE UNIQUE INDEX on_x3 ON x2 (a + 1) WHERE b",
         "CREATE TABLE t (a PRIMARY KEY) WITHOUT ROWID", "INSERT INTO t VALUES (1)")
    result = same("-T", "x?", "-T", "t", without=("x1", "x2", "t"))
    assert sorted((line["kind"], line["name"]) for line in result.of_type("lack")) == \
        [("rows", name) for name in ("t", "x1", "x2")]
    check_integrity(scratch / "out.db")
    make(scratch / "out.db", "INSERT INTO x1 (b) VALUES (5)", "INSERT INTO x2 VALUES (1, 2), (2, 1)",
         "INSERT INTO t VALUES (3)")
    check_integrity(scratch / "out.db")


def test_many_tables_that_were_left_out(archive_only, source, scratch):
    make(source, *[f"CREATE TABLE t{n} (a)" for n in range(25)], "CREATE TABLE kept (a)")
    archive_only.capture(source, "-t", "kept")
    result = restore(archive_only, scratch / "out.db")
    assert len(result.of_type("lack")) == result.summary["lacks"] == 25
    assert result.err.count("warning: ") == 21 and "5 more are lacking" in result.err


def test_statistics_are_made_anew(same, source):
    make(source, "CREATE TABLE t (a PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)", "ANALYZE")
    assert same().summary["lacks"] == 0


# The file

@pytest.fixture
def captured(archive_only, source):
    make(source, "CREATE TABLE t (a PRIMARY KEY, b)", "CREATE INDEX i ON t (b)",
         "INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    archive_only.capture(source)
    return archive_only


def files(scratch):
    return sorted(path.name for path in scratch.iterdir() if path.name.startswith("out"))


def test_lines_and_words(captured, scratch):
    summary = restore(captured, scratch / "out.db").summary
    assert {**summary, "digest": "", "seconds": 0} == {
        "type": "summary", "command": "restore", "exit": 0, "snapshot": 1, "digest": "",
        "output": str(scratch / "out.db"), "tables": 1, "rows": 2,
        "bytes": (scratch / "out.db").stat().st_size, "lacks": 0, "verified": False, "seconds": 0}
    repository = ["-r", captured.repository]
    result = run("restore", *repository, "-o", scratch / "out2.db", "--progress", "always")
    assert result.code == OK and "2 rows of 1 table" in result.out, str(result)
    result = run("restore", *repository, "-o", scratch / "out3.db", "-q")
    assert result.code == OK and result.out == result.err == "", str(result)


@pytest.mark.parametrize("args", [
    [], ["-o", "-"], ["-o", ""], ["-o", "."], ["-o", "/dev/null"], ["-o", "out.db", "surplus"],
    ["-o", "out.db", "-s", "9"], ["-o", "out.db", "-j", "2"]])
def test_wrong_usage(captured, scratch, args):
    result = run("restore", "-r", captured.repository, *args, cwd=scratch)
    assert result.code == USAGE, str(result)
    assert files(scratch) == []


@pytest.mark.parametrize("there", ["out.db", "out.db-wal", "out.db-shm", "out.db-journal"])
def test_what_is_there_stays(captured, scratch, there):
    (scratch / there).write_bytes(b"mine")
    error = restore(captured, scratch / "out.db", expect=USAGE).error
    assert there in error["what"] and "--force" in error["hint"]
    assert files(scratch) == [there] and (scratch / there).read_bytes() == b"mine"


def test_force_replaces_all_of_it(captured, source, scratch):
    output = scratch / "out.db"
    for end in ("", "-wal", "-shm", "-journal"):
        (scratch / f"out.db{end}").write_bytes(b"old")
    restore(captured, output, "--force")
    assert files(scratch) == ["out.db"] and not differences(source, output)
    restore(captured, scratch / "out2.db", "--force")
    link = scratch / "out-link.db"
    link.symlink_to(output)
    restore(captured, link, expect=USAGE)
    restore(captured, link, "--force", "-s", "1")
    assert link.is_symlink() and not differences(source, output)


def test_a_database_in_use_is_not_replaced(captured, scratch):
    output = make(scratch / "out.db", "CREATE TABLE mine (a)")
    db = sqlite3.connect(output)
    db.execute("SELECT * FROM mine").fetchall()
    error = restore(captured, output, "--force", expect=LOCKED).error
    assert "in use" in error["what"] and "process" in error["detail"]
    db.close()
    restore(captured, output, "--force")


def test_two_at_once(captured, scratch):
    other = scratch / f"out.db{SUFFIX}"
    with other.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another restore" in restore(captured, scratch / "out.db", expect=LOCKED).error["what"]
        assert other.exists()
    restore(captured, scratch / "out.db")
    assert files(scratch) == ["out.db"]


@pytest.mark.parametrize("place", ["missing/out.db", "source.db/out.db", "x" * 300])
def test_where_nothing_can_be_written(captured, scratch, place):
    restore(captured, scratch / place, expect=STORAGE)
    assert files(scratch) == []


@pytest.mark.parametrize("verify", [[], ["--verify"]])
def test_damage_is_named_and_nothing_kept(captured, source, scratch, verify):
    archive, = (captured.repository / "archives").iterdir()
    data = bytearray(archive.read_bytes())
    data[len(data) // 2 - 40] ^= 1
    archive.chmod(0o600)
    archive.write_bytes(data)
    error = restore(captured, scratch / "out.db", *verify, expect=DAMAGED).error
    assert archive.name in error["what"] + error["detail"]
    archive.unlink()
    error = restore(captured, scratch / "out.db", *verify, expect=(DAMAGED, STORAGE)).error
    assert archive.name in error["what"] + error["detail"]
    assert files(scratch) == []


def build_large(source, rows=60_000):
    make(source, "PRAGMA synchronous = OFF", "CREATE TABLE t (a, b)", "CREATE INDEX i ON t (b)",
         f"WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {rows}) "
         "INSERT INTO t SELECT i, hex(i * 7919 % 100003) || 'some more text' FROM n")


def test_a_full_disk(archive_only, source, scratch):
    build_large(source)
    archive_only.capture(source)
    small = scratch / "small"
    small.mkdir()
    for room in (40, 900):
        if may_mount():
            script = f'mount -t tmpfs -o size={room}k none "$1" || exit 99; shift; "$@"; ' \
                     'code=$?; ls -A "$0"; exit $code'
            prefix = ["unshare", "--map-root-user", "-m", "sh", "-c", script, small, small]
        else:
            limit = f"trap '' XFSZ; ulimit -f {room * 2}; exec \"$@\""
            prefix = ["bash", "-c", limit, "bash"]
        result = run("restore", "-r", archive_only.repository, "-o", small / "out.db",
                     prefix=prefix)
        assert result.code == STORAGE, str(result)
        assert "out.db" in result.err and result.out == "", str(result)
        assert not list(small.iterdir())


def wait_for(path, running, size):
    while running.alive() and not (path.exists() and path.stat().st_size >= size):
        time.sleep(0.002)


@pytest.mark.parametrize("number, size", [
    (signal.SIGINT, 500_000), (signal.SIGTERM, 0), (signal.SIGKILL, 0), (signal.SIGKILL, 500_000)])
def test_stopped_in_the_middle(archive_only, source, scratch, number, size):
    """Under its name there is nothing; the same command again does it."""
    build_large(source)
    archive_only.capture(source)
    running = Running(archive_only.args("restore", "-o", scratch / "out.db"))
    wait_for(scratch / f"out.db{SUFFIX}", running, size)
    running.signal(number)
    result = running.wait()
    if result.code == OK:  # it was quicker
        (scratch / "out.db").unlink()
    else:
        assert result.code in (128 + number, -number), str(result)
        assert not (scratch / "out.db").exists()
        assert number == signal.SIGKILL or files(scratch) == []
    restore(archive_only, scratch / "out.db", "--verify")
    assert files(scratch) == ["out.db"]


def test_the_repository_is_only_read(captured, scratch):
    before = published(captured.repository)
    subprocess.run(["chmod", "-R", "a-w", captured.repository], check=True)
    restore(captured, scratch / "out.db", "--verify")
    subprocess.run(["chmod", "-R", "u+w", captured.repository], check=True)
    assert published(captured.repository) == before


def test_the_source_replaced_by_itself(captured, source, scratch):
    """In place, and back again: lineage and history go on."""
    make(source, "DELETE FROM t")
    captured.capture(source)
    restore(captured, source, "--force", "-s", "1")
    result = captured.capture(source)
    assert result.summary["published"] is True and result.tables()["t"]["inserted"] == 2
    assert result.code != MISPLACED
    assert json.loads(json.dumps(result.summary))["snapshot"] == 3
