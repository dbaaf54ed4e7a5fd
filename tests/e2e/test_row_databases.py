"""Databases that are odd as a whole: encodings, pages, sizes, and what becomes of them."""

import shutil

import pytest

import makedb
from compare import assert_same
from program import MISPLACED, OK

ENCODINGS = {"UTF-8": "utf-8", "UTF-16le": "utf-16-le", "UTF-16be": "utf-16-be"}


def stored(text, encoding):
    """SQL for a text of just these code points. (The bytes of a bound value would be taken for
    UTF-8, whatever the encoding of the database.)"""
    return f"CAST(x'{text.encode(ENCODINGS[encoding], 'surrogatepass').hex()}' AS TEXT)"


TEXTS = ["", "plain", "é", "東京", "😀", "a😀b", "\ufeff", "\uffff", "\U0010ffff", "e\u0301",
         "x" * 5000, "😀" * 3000]
# Halves of pairs, alone, in the wrong order, at either end.
LONE = ["\ud800", "\udfff", "a\ud83d", "\ude00b", "\ude00\ud83d", "\ud83d\ud83d\ude00",
        "\ud83dx\ude00", "\udbff\udbff"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(road, encoding):
    road.trip(f"PRAGMA encoding = '{encoding}'",
              "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
              "CREATE TABLE k (k TEXT PRIMARY KEY, n) WITHOUT ROWID", "CREATE TABLE bag (v TEXT)",
              *[s for n, text in enumerate(TEXTS) for s in (
                  ("INSERT INTO t VALUES (?, ?)", n, text),
                  ("INSERT INTO k VALUES (?, ?)", text, n),
                  ("INSERT INTO bag VALUES (?), (?)", text, text))])
    road.trip("UPDATE t SET v = v || '😀'", "UPDATE k SET n = n + 1 WHERE n % 2",
              "DELETE FROM bag WHERE rowid % 5 = 0", ("UPDATE k SET k = ? WHERE n = 0", "new 東"))
    road.trip("VACUUM", "DELETE FROM k WHERE n > 6", "DELETE FROM t WHERE id < 3")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_lone_surrogates(road, encoding):
    """No UTF-8 can hold them, so the rows stand aside, each as it is; a pair put together by an
    update comes in."""
    lone = [stored(text, encoding) for text in LONE]
    road.trip(f"PRAGMA encoding = '{encoding}'",
              "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE bag (v TEXT, n INT)",
              "INSERT INTO t VALUES (100, 'fine')",
              *[s for n, text in enumerate(lone) for s in (
                  f"INSERT INTO t VALUES ({n}, {text})", f"INSERT INTO bag VALUES ({text}, 1)",
                  f"INSERT INTO bag VALUES ({text}, 1)")], aside=3 * len(LONE))
    road.trip("DELETE FROM bag WHERE rowid % 2", "UPDATE bag SET n = 2",
              ("UPDATE t SET v = ? WHERE id = 0", "😀"),
              f"UPDATE t SET v = {lone[0]} WHERE id = 1", aside=2 * len(LONE) - 1)
    road.trip("DELETE FROM t WHERE id < 4", "VACUUM", aside=2 * len(LONE) - 4)
    road.trip("DELETE FROM bag", "DELETE FROM t WHERE id < 100")


@pytest.mark.parametrize("size", [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])
def test_page_sizes(road, size):
    """Rows that fit a page, rows that do not, and keys of both kinds."""
    road.trip(f"PRAGMA page_size = {size}", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
              "CREATE TABLE k (k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID",
              *[s for n in range(120) for s in (
                  ("INSERT INTO t VALUES (?, ?)", n, "x" * (n * n)),
                  ("INSERT INTO k VALUES (?, zeroblob(?))", f"{n}" * (n % 50 + 1), n * 7))])
    road.trip("UPDATE t SET v = v || v WHERE id % 3 = 0", "DELETE FROM t WHERE id % 7 = 0",
              "UPDATE k SET v = zeroblob(length(v) / 2) WHERE length(k) > 9")
    # The same rows in other pages.
    other = 65536 if size < 65536 else 512
    road.sql("PRAGMA journal_mode = DELETE")
    db = makedb.connect(road.database)
    db.execute(f"PRAGMA page_size = {other}")
    db.execute("VACUUM")
    assert db.execute("PRAGMA page_size").fetchone()[0] == other
    db.close()
    captured, _ = road.trip()
    assert captured.summary["inserted"] == captured.summary["deleted"] == 0
    road.trip("DELETE FROM k WHERE length(k) < 5")


@pytest.mark.parametrize("mode", ["FULL", "INCREMENTAL"])
def test_auto_vacuum(road, mode):
    """Pages move to other places in the file while rows go and come."""
    fill = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
            "INSERT INTO {} SELECT {} FROM n")
    road.trip(f"PRAGMA auto_vacuum = {mode}", "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT)",
              "CREATE TABLE b (v TEXT)", fill.format("a", "i, printf('%100d', i)"),
              fill.format("b", "printf('%50d', i % 40)"))
    pages = pages_of(road)
    road.trip("DELETE FROM a WHERE id < 2500", "DELETE FROM b WHERE rowid % 2")
    if mode == "INCREMENTAL":
        for _ in range(3):
            db = makedb.connect(road.database)
            db.execute("PRAGMA incremental_vacuum(10)").fetchall()
            db.close()
            road.trip()
    assert pages_of(road) < pages
    road.trip(fill.format("a", "i + 10000, 'again'"), "UPDATE a SET v = 'x' WHERE id < 5000")
    road.trip("VACUUM", "DELETE FROM a WHERE id % 3 = 0")


def pages_of(road):
    db = makedb.connect(road.database)
    try:
        return db.execute("PRAGMA page_count").fetchone()[0]
    finally:
        db.close()


def test_replaced_by_an_older_copy(road, scratch):
    """Somebody puts back last night's backup: the target follows, back as well as forward."""
    makedb.build(road.database, 31)
    makedb.connect(road.database).execute("PRAGMA journal_mode = DELETE")
    copies = []
    for day in range(4):
        road.trip()
        copies.append(shutil.copy(road.database, scratch / f"copy {day}.db"))
        makedb.edit(road.database, f"31 {day}")
        makedb.connect(road.database).execute("PRAGMA journal_mode = DELETE")
    for day in (1, 3, 0, 2):
        shutil.copy(copies[day], road.database)
        road.trip()
    makedb.edit(road.database, "31 on")
    road.trip()


def test_an_older_copy_with_another_schema(road, scratch):
    road.trip("CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE gone (v TEXT)",
              "INSERT INTO a VALUES (1, 'x'), (2, 'y')", "INSERT INTO gone VALUES ('z')")
    shutil.copy(road.database, scratch / "old.db")
    road.trip("DROP TABLE gone", "ALTER TABLE a ADD COLUMN n INTEGER DEFAULT 5",
              "CREATE TABLE fresh (v)", "INSERT INTO fresh VALUES (1)",
              "DELETE FROM a WHERE id = 1")
    shutil.copy(scratch / "old.db", road.database)
    road.trip()


def test_an_empty_database(road):
    """No table at all, then some, then none."""
    road.trip("PRAGMA user_version = 7")
    assert road.target.tables() == []
    road.trip("CREATE TABLE t (v TEXT)", "INSERT INTO t VALUES ('x')", "CREATE VIEW w AS SELECT 1")
    road.trip("DROP TABLE t")
    assert road.target.tables() == []
    road.trip("CREATE TABLE t (v INTEGER)", "INSERT INTO t VALUES (1)")


def test_tables_without_rows_that_get_some(road):
    bodies = {"plain": "(a, b TEXT, c INTEGER, d REAL, e BLOB)",
              "alias": "(id INTEGER PRIMARY KEY, a TEXT, b NUMERIC)",
              "auto": "(id INTEGER PRIMARY KEY AUTOINCREMENT, a BOOLEAN, b DATETIME)",
              "without": "(a TEXT, b INT, c, PRIMARY KEY (b, a)) WITHOUT ROWID",
              "strict": "(a ANY, b TEXT, c REAL) STRICT"}
    road.trip(*[f"CREATE TABLE {name} {body}" for name, body in bodies.items()])
    rows = {"plain": "(1, 'x', 2, 0.5, x'00')", "alias": "(1, 'a', 1.5)",
            "auto": "(1, 1, '2024-01-02 03:04:05')", "without": "('k', 1, NULL)",
            "strict": "('any', 'b', 1.0)"}
    road.trip(*[f"INSERT INTO {name} VALUES {row}" for name, row in rows.items()], aside=None)
    road.trip(*[f"DELETE FROM {name}" for name in bodies])
    road.trip(*[f"INSERT INTO {name} VALUES {row}" for name, row in rows.items()], aside=None)


def columns(count, declared="INTEGER"):
    return ", ".join(f"c{n} {declared}" for n in range(count))


def test_a_thousand_columns(road):
    road.trip(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns(999)})",
              f"CREATE TABLE bag ({columns(1000, 'TEXT')})",
              "INSERT INTO t (id, c0, c500, c998) VALUES (1, 2, 3, 4), (5, 6, 7, 8)",
              f"INSERT INTO t VALUES ({', '.join(map(str, range(1000)))})",
              *["INSERT INTO bag (c1, c999) VALUES ('x', 'y')"] * 3)
    road.trip("UPDATE t SET c998 = -1 WHERE id = 1", "UPDATE t SET c0 = NULL WHERE id = 0",
              "DELETE FROM bag WHERE rowid = 2", "INSERT INTO bag (c7) VALUES ('z')")
    road.trip("DELETE FROM t WHERE id = 5", "VACUUM")


def test_as_many_columns_as_postgres_has(road):
    """1,600; how many of them a row can fill is another question (see the next test)."""
    road.trip(f"CREATE TABLE t ({columns(1600)})",
              "INSERT INTO t (c0, c1599) VALUES (1, 2), (3, 4)")
    road.trip("UPDATE t SET c800 = 5 WHERE c0 = 1", "INSERT INTO t (c1) VALUES (6)")


def test_more_values_than_a_page_of_postgres_holds(road):
    """Long texts are moved out of a row, but what is left of 1,000 of them is more than its 8
    KiB."""
    full = f"INSERT INTO t VALUES (?, {', '.join(['?'] * 999)})"
    road.trip(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns(999, 'TEXT')})",
              "INSERT INTO t (id, c0) VALUES (0, 'fits')", (full, 1, *["y" * 100] * 999),
              (full, 2, *["y"] * 999), aside=1)
    road.trip("UPDATE t SET c0 = 'z' WHERE id = 1", (full, 3, *["four"] * 999), aside=None)
    road.trip("UPDATE t SET c0 = NULL, " + ", ".join(f"c{n} = NULL" for n in range(1, 999)))


@pytest.mark.parametrize("count", [1601, 2000])
def test_more_columns_than_postgres_has(road, count):
    """Refused by name and number before anything is written; the rest comes without the table."""
    road.sql(f"CREATE TABLE broad ({columns(count)})", "CREATE TABLE fine (v TEXT)",
             "INSERT INTO broad (c0) VALUES (1)", "INSERT INTO fine VALUES ('x')")
    road.ferry.capture(road.database)
    refused = road.ferry.replay(expect=MISPLACED)
    said = str(refused.error)
    assert all(word in said.replace(",", "") for word in ("broad", str(count), "1600")), said
    assert refused.error["hint"] and road.target.tables() == []
    road.ferry.replay("-T", "broad", expect=OK)
    assert_same(road.database, road.target, tables=["fine"])


@pytest.mark.plain
def test_ten_thousand_tables(ferry, scratch, server):
    """Some of them change, some go, some come."""
    database = scratch / "source.db"
    db = makedb.connect(database)
    db.execute("BEGIN")
    for number in range(10_000):
        db.execute(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, v TEXT)")
        db.execute(f"INSERT INTO t{number} VALUES (?, 'x')", (number,))
    db.execute("COMMIT")
    # A database of its own: to drop so many tables at once is more than a server's locks allow.
    ferry.target = server.create()
    ferry.capture(database)
    ferry.replay(expect=OK)
    db.execute("BEGIN")
    for number in range(0, 10_000, 100):
        db.execute(f"UPDATE t{number} SET v = 'y'")
        db.execute(f"DROP TABLE t{number + 1}")
        db.execute(f"CREATE TABLE new{number} (a TEXT)")
        db.execute(f"INSERT INTO new{number} VALUES ('z')")
    db.execute("COMMIT")
    ferry.capture(database)
    ferry.replay(expect=OK)
    assert_same(database, ferry.target)
    ferry.verify(expect=OK)
    ferry.target.remove()
