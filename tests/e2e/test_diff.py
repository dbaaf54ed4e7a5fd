"""diff: what two snapshots differ in, from the archives alone. Its counts and rows are held
against what SQLite says of the two databases; its scripts are run by sqlite3 and psql, and what
they made is held against the database, or the target, that it should have become."""

import collections
import math
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess

import pytest

import makedb
import trips
from program import (DAMAGED, FAILED, MISPLACED, OK, PROGRAM, SET_ASIDE, STORAGE, USAGE, Ferry,
                     environment, run)
from sqlite_side import from_utf16

# ---- what stands in a database, to the last bit ----


def exact(value):
    return struct.pack("<d", value) if isinstance(value, float) else value


def connect(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.text_factory = bytes
    return db


def rowid_of(names, without_rowid):
    if without_rowid:
        return []
    free = [name for name in (b"rowid", b"_rowid_", b"oid")
            if name not in [column.lower() for column in names]]
    return [free[0].decode()] if free else []


def rows_of(db, table, without_rowid):
    """Rowid where it has a name, then class and bytes of every column."""
    quoted = makedb.quote(table)
    names = [row[1] for row in db.execute(f"PRAGMA table_xinfo({quoted})")]
    asked = rowid_of(names, without_rowid)
    for name in names:
        name = makedb.quote(name.decode())
        asked += [f"typeof({name})",
                  f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END"]
    rows = db.execute(f"SELECT {', '.join(asked)} FROM {quoted}").fetchall()
    return collections.Counter(tuple(map(exact, row)) for row in rows)


def content(path):
    """All that a script has to bring about. Of a table whose rowid has no name the rows count; the
    order of entries in the schema does not."""
    db = connect(path)
    db.execute("PRAGMA ignore_check_constraints = ON")
    assert db.execute("PRAGMA integrity_check").fetchall() == [(b"ok",)]
    tables = [(row[1].decode(), row[4]) for row in db.execute("PRAGMA table_list")
              if row[0] == b"main" and row[2] in (b"table", b"shadow")
              and not row[1].startswith(b"sqlite_")]
    found = {
        "schema": sorted(db.execute("SELECT type, name, tbl_name, CAST(sql AS BLOB) FROM "
                                    "sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'").fetchall(),
                         key=repr),
        "rows": {name: rows_of(db, name, without) for name, without in tables},
        "numbers": [db.execute(f"PRAGMA {name}").fetchone()
                    for name in ("user_version", "application_id", "encoding")],
    }
    if any(row[1] == b"sqlite_sequence" for row in found["schema"]):
        found["sequences"] = sorted(
            db.execute("SELECT typeof(name), name, typeof(seq), seq FROM sqlite_sequence"),
            key=repr)
    db.close()
    return found


def assert_alike(made, wanted):
    made, wanted = content(made), content(wanted)
    for part in wanted:
        if part == "rows":
            assert made["rows"].keys() == wanted["rows"].keys()
            for table, rows in wanted["rows"].items():
                assert made["rows"][table] == rows, f"table {table}"
        else:
            assert made.get(part) == wanted[part], part


def shell(path, script):
    done = subprocess.run(["sqlite3", str(path)], input=script, capture_output=True, timeout=120,
                          env=environment())
    return done.returncode, done.stderr.decode(errors="replace")


def script_of(ferry, *args, expect=OK):
    done = subprocess.run([PROGRAM, "diff", "-r", ferry.repository, *map(str, args)],
                          capture_output=True, env=environment(), timeout=120)
    assert done.returncode == expect, done.stderr.decode()
    return done.stdout


def turn(ferry, database, wanted, *args):
    """A copy of one database, and the script of diff for it, make the other."""
    made = database.with_name("made.db")
    made.unlink(missing_ok=True)
    shutil.copyfile(database, made)
    code, errors = shell(made, script_of(ferry, "--sqlite", *args))
    assert code == 0 and not errors, errors
    assert_alike(made, wanted)


def keep(database, number):
    """The database as it is now, in one file, aside."""
    db = connect(database)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("PRAGMA journal_mode = DELETE")
    db.close()
    kept = database.with_name(f"at{number}.db")
    shutil.copyfile(database, kept)
    return kept


def captured(ferry, database, number):
    ferry.capture(database)
    return keep(database, number)


# ---- scripts for sqlite3 ----


@pytest.mark.parametrize("seed", range(3))
def test_sqlite_scripts_make_each_snapshot_of_every_other(archive_only, scratch, seed):
    """Every kind of table, key and value, forward, backward and from nothing."""
    database = scratch / "source.db"
    makedb.build(database, 700 + seed, misfits=seed % 2 == 1)
    ends = [captured(archive_only, database, 1)]
    for day in (2, 3):
        makedb.edit(database, 7000 + 10 * seed + day, misfits=seed % 2 == 1)
        ends.append(captured(archive_only, database, day))
    turn(archive_only, ends[0], ends[1], 1, 2)
    turn(archive_only, ends[0], ends[2], 1)
    turn(archive_only, ends[2], ends[0], 3, 1)
    empty = scratch / "empty.db"
    empty.touch()
    turn(archive_only, empty, ends[2], 0)


# ---- scripts for psql ----


def play(target, script):
    done = subprocess.run(["psql", "-X", "-q", target.conninfo], input=script, capture_output=True,
                          timeout=120, env={**environment(), "PGCLIENTENCODING": "LATIN1"})
    assert done.returncode == 0 and not done.stderr, done.stderr.decode(errors="replace")
    assert not done.stdout, done.stdout


def tables_in(target):
    """Every row of every table, as text; and how each column is made."""
    names = [row[0] for row in target.rows(
        "SELECT relname FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")]
    quoted = [makedb.quote(name) for name in names]
    found = target.results(*(f"SELECT * FROM public.{name}" for name in quoted),
                           "SELECT attrelid::regclass::text, attnum, attname, "
                           "format_type(atttypid, atttypmod), attnotnull, attgenerated "
                           "FROM pg_attribute JOIN pg_class c ON attrelid = c.oid WHERE attnum > 0 "
                           "AND relkind = 'r' AND relnamespace = 'public'::regnamespace")
    return {name: collections.Counter(map(tuple, rows)) for name, rows in zip(names, found)}, \
        sorted(found[-1])


def assert_same_tables(made, wanted):
    (made, made_columns), (wanted, wanted_columns) = tables_in(made), tables_in(wanted)
    assert made.keys() == wanted.keys()
    for name, rows in wanted.items():
        assert made[name] == rows, name
    assert made_columns == wanted_columns


@pytest.fixture
def pair(server, scratch):
    """Two targets of one repository."""
    first, second = server.create(), server.create()
    repository = scratch / "repo"
    yield Ferry(repository, first), Ferry(repository, second)
    first.drop()
    second.drop()


def test_sql_scripts_bring_a_target_to_another_snapshot(pair, scratch):
    """Every kind of table and key: there and back again, and in two steps."""
    here, there = pair
    database = scratch / "source.db"
    makedb.build(database, 802)
    for day in (1, 2, 3):
        here.capture(database)
        makedb.edit(database, 8020 + day)
    here.replay("-s", "1")
    there.replay("-s", "3")
    first = tables_in(here.target)
    play(here.target, script_of(here, "--sql", 1, 3))
    assert_same_tables(here.target, there.target)
    play(here.target, script_of(here, "--sql", 3, 1))
    assert tables_in(here.target) == first
    play(here.target, script_of(here, "--sql", 1, 2))
    play(here.target, script_of(here, "--sql", 2, 3))
    assert_same_tables(here.target, there.target)


# ---- counts and rows ----


def read(value):
    """A value of a JSON line as class and exact value."""
    if isinstance(value, dict):
        (kind, text), = value.items()
        return {"text": lambda: (b"text", bytes.fromhex(text)),
                "blob": lambda: (b"blob", bytes.fromhex(text)),
                "real": lambda: (b"real", exact(float(text)))}[kind]()
    if isinstance(value, str):
        return b"text", value.encode()
    return (b"null", None) if value is None else \
        (b"real" if isinstance(value, float) else b"integer", exact(value))


def read_row(columns):
    return tuple(part for value in columns.values() for part in read(value))


def as_utf8(value, kind, encoding):
    return from_utf16(value, encoding) if kind == b"text" and encoding != "UTF-8" else value


def read_database(path):
    """Per table: names of columns, which of them is the rowid, and each row's rowid (None where it
    has no name) with its columns as read_row() has them."""
    db = connect(path)
    encoding = db.execute("PRAGMA encoding").fetchone()[0].decode()
    found = {}
    for name, without in [(row[1].decode(), row[4]) for row in db.execute("PRAGMA table_list")
                          if row[0] == b"main" and not row[1].startswith(b"sqlite_")
                          and row[2] == b"table"]:
        columns = db.execute(f"PRAGMA table_xinfo({makedb.quote(name)})").fetchall()
        rows = []
        for row, count in rows_of(db, name, without).items():
            cells = row[-2 * len(columns):]
            rows += [(row[0] if len(row) > len(cells) else None, tuple(
                part for kind, value in zip(cells[::2], cells[1::2])
                for part in (kind, as_utf8(value, kind, encoding))))] * count
        found[name] = rows
    db.close()
    return found


def contents(rows):
    return collections.Counter(cells for _, cells in rows)


def check_rows(ferry, ends, start, stop):
    before, after = read_database(ends[start - 1]), read_database(ends[stop - 1])
    result = ferry.command("diff", "--rows", "-v", start, stop, expect=OK)
    events = collections.defaultdict(list)
    for line in result.of_type("row"):
        events[line["table"]].append(line)
    assert set(result.tables()) == set(before)
    for name, line in result.tables().items():
        counts = collections.Counter(event["event"] for event in events[name])
        for event in ("inserted", "updated", "deleted", "moved"):
            assert line[event] == counts[event], (name, event)
        assert line["change"] == ("rows" if events[name] else "none"), name
        assert (line["from_rows"], line["rows"]) == (len(before[name]), len(after[name])), name
        gone = collections.Counter(read_row(e["old"]) for e in events[name] if e["old"])
        come = collections.Counter(read_row(e["new"]) for e in events[name] if e["new"])
        assert contents(before[name]) - gone + come == contents(after[name]), name
        assert not gone - contents(before[name]) and not come - contents(after[name]), name
        check_events(events[name], before[name], after[name])
    assert result.summary["tables"] == sum(1 for lines in events.values() if lines)
    return result


def check_events(events, before, after):
    """Where rows have a number, each event is true of that number, and of no other row."""
    if not all("rowid" in event for event in events):
        return
    old, new = dict(before), dict(after)
    for event in events:
        start = event.get("from_rowid", event["rowid"])
        if event["old"]:
            assert old[start] == read_row(event["old"])
        if event["new"]:
            assert new[event["rowid"]] == read_row(event["new"])
        if event["event"] == "moved":
            assert event["old"] == event["new"] and start != event["rowid"]
        elif event["event"] == "updated":
            assert read_row(event["old"]) != read_row(event["new"])
    named = [event.get("from_rowid", event["rowid"]) for event in events if event["old"]]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("seed", range(2))
def test_rows_lead_from_one_snapshot_to_the_other(archive_only, scratch, seed):
    """The old values are those of FROM, the new ones those of TO, and nothing is missing."""
    database = scratch / "source.db"
    makedb.build(database, 900 + seed, misfits=True)
    ends = [captured(archive_only, database, 1)]
    for day in (2, 3, 4):
        makedb.edit(database, 9000 + 10 * seed + day, misfits=True)
        ends.append(captured(archive_only, database, day))
    for start, stop in ((1, 4), (4, 2), (3, 3)):
        result = check_rows(archive_only, ends, start, stop)
        plain = archive_only.command("diff", start, stop, "-v", expect=OK)
        assert plain.tables() == result.tables()


def test_every_count_of_a_small_story(archive_only, scratch):
    database = scratch / "story.db"
    makedb.sqlite(database, "CREATE TABLE k (id INTEGER PRIMARY KEY, v); "
                            "CREATE TABLE h (v); CREATE TABLE w (a, b, PRIMARY KEY (a)) "
                            "WITHOUT ROWID; CREATE TABLE still (v);"
                            "INSERT INTO k VALUES (1, 'a'), (2, 'b'), (3, 'c');"
                            "INSERT INTO h VALUES ('x'), ('y'), ('z');"
                            "INSERT INTO w VALUES (1, 1), ('1', 2), (x'31', 3);"
                            "INSERT INTO still VALUES (1)")
    archive_only.capture(database)
    trips.run_sql(database, ["UPDATE k SET v = 'B' WHERE id = 2", "DELETE FROM k WHERE id = 3",
                             "INSERT INTO k VALUES (4, 'd'), (5, 'e')"])
    archive_only.capture(database)
    trips.run_sql(database, ["UPDATE k SET v = 'b' WHERE id = 2", "DELETE FROM h WHERE v = 'x'",
                             "DELETE FROM w WHERE a = '1'", "UPDATE w SET b = 1.0 WHERE a = 1"])
    archive_only.capture(database)

    def counts(*args):
        result = archive_only.command("diff", *args, expect=OK)
        return {name: [line[event] for event in ("inserted", "updated", "deleted", "moved")]
                for name, line in result.tables().items()}
    assert counts("1", "2") == {"k": [2, 1, 1, 0]}
    # what was changed and changed back is no difference
    assert counts("1", "3") == {"k": [2, 0, 1, 0], "h": [0, 0, 1, 0], "w": [0, 1, 1, 0]}
    assert counts("3", "1") == {"k": [1, 0, 2, 0], "h": [1, 0, 0, 0], "w": [1, 1, 0, 0]}
    assert counts() == counts("2") == counts("2", "latest")
    assert counts("3", "3") == {}
    assert counts("0", "1") == {"k": [3, 0, 0, 0], "h": [3, 0, 0, 0], "w": [3, 0, 0, 0],
                                "still": [1, 0, 0, 0]}
    assert counts("1", "0")["still"] == [0, 0, 1, 0]
    assert counts("1", "3", "-t", "[hk]", "-T", "h") == {"k": [2, 0, 1, 0]}
    trips.run_sql(database, ["VACUUM"])
    archive_only.capture(database)
    assert counts("3", "4") == {"h": [0, 0, 0, 2]}
    assert counts("4", "3") == {"h": [0, 0, 0, 2]}
    assert [(line["from_rowid"], line["rowid"], line["old"], line["new"]) for line in
            archive_only.command("diff", "3", "4", "--rows", expect=OK).of_type("row")] == [
        (2, 1, {"v": "y"}, {"v": "y"}), (3, 2, {"v": "z"}, {"v": "z"})]
    rows = archive_only.command("diff", "1", "3", "--rows", "-t", "w", expect=OK).of_type("row")
    assert [(row["event"], row["key"], row["old"], row["new"]) for row in rows] == [
        ("updated", {"a": 1}, {"a": 1, "b": 1}, {"a": 1, "b": 1.0}),
        ("deleted", {"a": "1"}, {"a": "1", "b": 2}, None)]
    assert isinstance(rows[0]["old"]["b"], int) and isinstance(rows[0]["new"]["b"], float)
    out = run("diff", "-r", archive_only.repository, "--rows", "1", "3").out
    for line in ("- k id 3: v 'c'", "+ k id 4: v 'd'", "- h rowid 1: v 'x'",
                 "~ w a 1: b 1 -> 1.0", "- w a '1': b 2"):
        assert line in out.splitlines(), out


def test_values_in_json_say_class_and_bytes(archive_only, scratch):
    database = scratch / "values.db"
    values = [None, *makedb.INTEGERS, *makedb.REALS, *makedb.TEXTS, *makedb.BLOBS,
              "\x00", "a\x00b", "\x7f\x80\u2028", *map(makedb.Raw, makedb.UTF8_BROKEN)]
    makedb.sqlite(database, "CREATE TABLE v (id INTEGER PRIMARY KEY, v)")
    trips.run_sql(database, [(f"INSERT INTO v VALUES ({place}, {makedb.placeholder(value)})", value)
                             for place, value in enumerate(values)])
    archive_only.capture(database)
    lines = archive_only.command("diff", "--rows", expect=OK).of_type("row")
    assert len(lines) == len(values)
    for line, value in zip(lines, values):
        kind = b"text" if isinstance(value, (str, makedb.Raw)) else \
            {int: b"integer", float: b"real", bytes: b"blob", type(None): b"null"}[type(value)]
        value = value.encode() if isinstance(value, str) else exact(value)
        assert read(line["new"]["v"]) == (kind, value)
        assert line["key"] == {"id": line["new"]["id"]} and line["old"] is None


# ---- schema ----


SCHEMAS = {
    "indexes, views and triggers": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); CREATE TABLE log (what);"
        "INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2);"
        "CREATE INDEX t_a ON t (a); CREATE VIEW v AS SELECT a FROM t;"
        "CREATE TRIGGER t_del AFTER DELETE ON t BEGIN INSERT INTO log VALUES ('gone'); END;"
        "CREATE TRIGGER v_ins INSTEAD OF INSERT ON v BEGIN INSERT INTO t (a) VALUES (new.a); END",
        "DELETE FROM t WHERE id = 1; DROP INDEX t_a; CREATE UNIQUE INDEX t_a ON t (a DESC);"
        "CREATE INDEX t_b ON t (b) WHERE b > 0; DROP VIEW v; CREATE VIEW v AS SELECT b AS a FROM t;"
        "CREATE TRIGGER t_ins AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('come'); END;"
        "INSERT INTO t VALUES (3, 'z', 3)"),
    "tables come, go and change": (
        "CREATE TABLE gone (v); INSERT INTO gone VALUES (1); CREATE INDEX gone_v ON gone (v);"
        "CREATE TABLE grows (id INTEGER PRIMARY KEY, v); INSERT INTO grows VALUES (1, 'a');"
        "CREATE TABLE named (v); INSERT INTO named VALUES (x'00'); CREATE INDEX n ON named (v);"
        "CREATE TABLE refers (g REFERENCES named (v))",
        "DROP TABLE gone; ALTER TABLE grows ADD COLUMN w DEFAULT 'new'; CREATE TABLE come (v);"
        "INSERT INTO come VALUES (1.5), (NULL); ALTER TABLE named RENAME TO renamed;"
        "CREATE TABLE \"come too\" (\"select\" PRIMARY KEY) WITHOUT ROWID"),
    "sequences": (
        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, v);"
        "CREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT, v);"
        "INSERT INTO a (v) VALUES (1), (2), (3); INSERT INTO b VALUES (100, 1)",
        "DELETE FROM a WHERE id > 1; INSERT INTO a (v) VALUES (4); DELETE FROM a WHERE v = 4;"
        "DROP TABLE b; UPDATE sqlite_sequence SET seq = seq + 100"),
    "sequences of tables that are gone": (
        "CREATE TABLE t (v)",
        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);"
        "INSERT INTO sqlite_sequence VALUES ('a', 'text'), ('b', 1.5), (NULL, NULL); DROP TABLE a"),
    "numbers": (
        "CREATE TABLE t (v)",
        "PRAGMA user_version = -7; PRAGMA application_id = 2147483647; INSERT INTO t VALUES (1)"),
    "unique values change places": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE, CHECK (v <> 9)); "
        "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');"
        "CREATE TABLE p (id INTEGER PRIMARY KEY, up REFERENCES p (id) ON DELETE CASCADE);"
        "INSERT INTO p VALUES (1, 2), (2, 1), (3, 3)",
        "UPDATE t SET v = v || '_'; UPDATE t SET v = 'a' WHERE id = 3; UPDATE t SET v = 'c' WHERE "
        "id = 1; PRAGMA ignore_check_constraints = 1; INSERT INTO t VALUES (9, 9);"
        "DELETE FROM p WHERE id = 3; INSERT INTO p VALUES (4, 5), (5, 4);"
        "UPDATE p SET id = 6 WHERE id = 2"),
    "SQL with comments and odd ends of lines": (
        "CREATE TABLE t (v)",
        "CREATE TABLE c (\r\n  a -- the last line\r\n); CREATE VIEW w AS SELECT a -- of c\nFROM c;"
        "CREATE TABLE \"dash--dash\" (v); CREATE INDEX i ON c (a) -- behind\n;"
        "CREATE TRIGGER g AFTER INSERT ON c BEGIN SELECT 1; -- one\r\nSELECT '\r\n'; END;"
        "CREATE TABLE d (a /* ; */ DEFAULT ';\n.quit\n', b DEFAULT '/\ngo\n');"
        "INSERT INTO d VALUES ('\n.quit\n', '\r\n;\n/\ngo\n.exit'), (';', '--')"),
    "kinds of rowid": (
        "CREATE TABLE a (rowid, v); CREATE TABLE b (rowid, _rowid_, v);"
        "CREATE TABLE c (rowid, oid, _rowid_); CREATE TABLE d (OID INTEGER PRIMARY KEY, RowId);"
        "INSERT INTO a VALUES (1, 1), (2, 2); INSERT INTO b VALUES (1, 1, 1);"
        "INSERT INTO c VALUES (1, 1, 1), (2, 2, 2), (2, 2, 2); INSERT INTO d VALUES (5, 5)",
        "DELETE FROM a WHERE v = 1; INSERT INTO a VALUES (7, 7); UPDATE b SET v = 2;"
        "DELETE FROM c WHERE oid = 1; INSERT INTO c VALUES (0, 0, 0); UPDATE d SET rowid = 6"),
    "generated columns": (
        "CREATE TABLE g (a, b AS (a * 2) STORED, c AS (a || '!'), d); CREATE INDEX g_c ON g (c);"
        "INSERT INTO g (a, d) VALUES (1, 1), (2, 2)",
        "UPDATE g SET a = 10 WHERE d = 1; INSERT INTO g (a, d) VALUES (3, 3); DELETE FROM g WHERE "
        "d = 2"),
    "everything goes": ("CREATE TABLE t (v); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT 1",
                        "DROP TABLE t; DROP VIEW v"),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_sqlite_scripts_carry_the_schema(archive_only, scratch, name):
    database = scratch / "source.db"
    before, after = SCHEMAS[name]
    makedb.sqlite(database, before)
    start = captured(archive_only, database, 1)
    makedb.sqlite(database, after)
    stop = captured(archive_only, database, 2)
    turn(archive_only, start, stop)
    empty = scratch / "empty.db"
    empty.touch()
    turn(archive_only, empty, stop, 0)
    if not name.startswith("sequences of"):  # that table stays once it is there
        turn(archive_only, stop, start, 2, 1)


def build_search(path):
    db = connect(path)
    db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
    for module in ("fts4", "fts5"):
        db.execute(f"CREATE VIRTUAL TABLE by_{module} USING {module}(body)")
    db.execute("CREATE VIRTUAL TABLE areas USING rtree(id, low, high)")
    write_search(db, range(1, 40), "first")
    db.close()


def write_search(db, ids, word):
    for number in ids:
        db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (number, f"{word} note {number}"))
        for module in ("fts4", "fts5"):
            db.execute(f"DELETE FROM by_{module} WHERE rowid = ?", (number,))
            db.execute(f"INSERT INTO by_{module} (rowid, body) VALUES (?, ?)",
                       (number, f"{word} note {number}"))
        db.execute("INSERT OR REPLACE INTO areas VALUES (?, ?, ?)", (number, number, number + 1))


def search(path, word):
    db = connect(path)
    for module in ("fts4", "fts5"):
        db.execute(f"INSERT INTO by_{module} (by_{module}) VALUES ('integrity-check')")
    assert db.execute("SELECT rtreecheck('areas')").fetchone() == (b"ok",)
    found = [db.execute(f"SELECT rowid FROM by_{module} WHERE by_{module} MATCH ? ORDER BY 1",
                        (word,)).fetchall() for module in ("fts4", "fts5")]
    found.append(db.execute("SELECT id FROM areas WHERE low > 20.5 ORDER BY 1").fetchall())
    db.close()
    return found


def test_virtual_tables_with_their_content(archive_only, scratch):
    database = scratch / "source.db"
    build_search(database)
    ends = [None]
    archive_only.capture(database, "--include-shadow")
    ends.append(keep(database, 1))
    db = connect(database)
    write_search(db, range(20, 60), "second")
    db.close()
    archive_only.capture(database, "--include-shadow")
    ends.append(keep(database, 2))
    trips.run_sql(database, ["DROP TABLE by_fts5",
                             "CREATE VIRTUAL TABLE by_fts5 USING fts5(body, prefix = '2')",
                             "INSERT INTO by_fts5 (rowid, body) SELECT id, body FROM notes"])
    archive_only.capture(database, "--include-shadow")
    ends.append(keep(database, 3))
    empty = scratch / "empty.db"
    empty.touch()
    for start, stop in ((1, 2), (2, 3), (3, 1), (0, 3)):
        turn(archive_only, ends[start] or empty, ends[stop], start, stop)
        assert search(scratch / "made.db", "second") == search(ends[stop], "second")


def test_virtual_tables_without_their_content(archive_only, scratch):
    """They are made, empty, and the script says what it does not have."""
    database = scratch / "source.db"
    build_search(database)
    archive_only.capture(database)
    script = script_of(archive_only, "--sqlite", 0)
    assert b"-- not captured: by_fts5 (virtual table using fts5)\n" in script
    made = scratch / "made.db"
    assert shell(made, script) == (0, "")
    assert search(made, "first") == [[], [], []]
    assert read_database(made)["notes"] == read_database(database)["notes"]


# ---- scripts that fail, and commands that are refused ----


def test_a_script_for_another_database_changes_nothing(archive_only, scratch):
    """A row that is to be inserted is there already: nothing of the script stays."""
    database = scratch / "source.db"
    makedb.sqlite(database, "CREATE TABLE t (id INTEGER PRIMARY KEY, v); CREATE TABLE u (v)")
    start = captured(archive_only, database, 1)
    makedb.sqlite(database, "INSERT INTO t VALUES (1, 1), (2, 2); DROP TABLE u;"
                            "CREATE INDEX i ON t (v)")
    archive_only.capture(database)
    makedb.sqlite(start, "INSERT INTO t VALUES (2, 'mine')")
    before = content(start)
    code, errors = shell(start, script_of(archive_only, "--sqlite"))
    assert code == 1 and "UNIQUE" in errors
    assert content(start) == before


ALTERED = [("INTEGER", "'12'"), ("INTEGER", "' 12.0e0 '"), ("NUMERIC", "3.0"), ("REAL", "'.5'"),
           ("TEXT", "12"), ("TEXT", "1.5"), ("INT", "'+1.'")]
LEFT_ALONE = [("INTEGER", "'12a'"), ("INTEGER", "''"), ("NUMERIC", "3.5"), ("REAL", "'e5'"),
              ("TEXT", "x'31'"), ("INTEGER", "' '"), ("INTEGER", "'0x10'"), ("REAL", "'1e'"),
              ("NUMERIC", "'.'"), ("", "'12'"), ("BLOB", "12"), ("INTEGER", "9.3e18"),
              ("REAL", "x'00'"), ("INTEGER", "'1 2'")]


def test_a_value_that_sqlite_would_alter_is_refused(archive_only, scratch):
    """Whether it would, SQLite itself says."""
    database = scratch / "source.db"
    db = makedb.connect(database)
    for place, (declared, value) in enumerate(ALTERED):
        db.execute(f"CREATE TABLE t{place} (id INTEGER PRIMARY KEY, v)")
        db.execute(f"INSERT INTO t{place} VALUES (1, {value})")
        db.execute(f"CREATE TEMP TABLE trial (v {declared})")
        db.execute(f"INSERT INTO trial VALUES ({value})")
        assert db.execute(f"SELECT typeof(v) <> typeof({value}) FROM trial").fetchone() == (1,)
        db.execute("DROP TABLE trial")
    db.execute("PRAGMA writable_schema = ON")
    for place, (declared, _) in enumerate(ALTERED):
        db.execute(f"UPDATE sqlite_schema SET sql = 'CREATE TABLE t{place} (id INTEGER PRIMARY "
                   f"KEY, v {declared})' WHERE name = 't{place}'")
    db.close()
    archive_only.capture(database)
    for place in range(len(ALTERED)):
        args = ["-r", archive_only.repository, "-t", f"t{place}", "0"]
        result = run("diff", *args, "--sqlite")
        assert result.code == FAILED and result.out.endswith("ROLLBACK;\n"), str(result)
        assert f"column v of table t{place}" in result.err and "storage class" in result.err
    rows = archive_only.command("diff", "--rows", "0", expect=OK).of_type("row")
    assert len(rows) == len(ALTERED)


def test_a_value_that_sqlite_leaves_alone_is_not(archive_only, scratch):
    database = scratch / "source.db"
    makedb.sqlite(database, "".join(f"CREATE TABLE t{place} (v {declared});"
                                    f"INSERT INTO t{place} VALUES ({value});"
                                    for place, (declared, value) in enumerate(LEFT_ALONE)))
    kept = captured(archive_only, database, 1)
    empty = scratch / "empty.db"
    empty.touch()
    turn(archive_only, empty, kept, 0)


def test_reals_to_the_last_bit(archive_only, scratch):
    rng = random.Random("reals")
    database = scratch / "source.db"
    reals = [struct.unpack("<d", rng.randbytes(8))[0] for _ in range(2000)]
    reals += [rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 20) for _ in range(2000)]
    reals += [round(rng.uniform(-1e4, 1e4), 2) for _ in range(500)]
    reals += [struct.unpack("<d", struct.pack("<Q", n))[0] for n in
              (1, 2, 3, 2**52 - 1, 2**52, 2**52 + 1, 0x7fefffffffffffff, 0x3ff0000000000001,
               0x43dfffffffffffff, 0x43e0000000000000, 0xc3e0000000000000)]
    trips.run_sql(database, ["CREATE TABLE r (v)", "BEGIN",
                             *(("INSERT INTO r VALUES (?)", real) for real in reals
                               if not math.isnan(real)), "COMMIT"])
    kept = captured(archive_only, database, 1)
    empty = scratch / "empty.db"
    empty.touch()
    turn(archive_only, empty, kept, 0)


def test_which_lines_are_understood(archive_only, scratch):
    makedb.sqlite(scratch / "x.db", "CREATE TABLE t (v); INSERT INTO t VALUES (1)")
    archive_only.capture(scratch / "x.db")
    for line in ("diff 1 2 3", "diff 9", "diff 1 9", "diff yesterday", "diff -1",
                 "diff --rows --sql", "diff --sqlite --sql", "diff --sqlite --json",
                 "diff --sql --json", "diff 00 1"):
        result = run(*line.split(), "-r", archive_only.repository, check=False)
        assert result.code == USAGE and result.err.startswith("error: "), str(result)
        assert "--json" in line or not result.out, str(result)
    for line in ("diff 0 0", "diff 1 latest", "diff -q", "diff -q --rows"):
        result = run(*line.split(), "-r", archive_only.repository)
        assert result.code == OK and not result.err, str(result)
        assert "-q" not in line or not result.out, str(result)


def test_a_snapshot_without_its_parent(archive_only, scratch):
    """Half a repository: TO alone has nothing to be compared with, and says so."""
    database = scratch / "x.db"
    makedb.sqlite(database, "CREATE TABLE t (v)")
    archive_only.capture(database)
    makedb.sqlite(database, "INSERT INTO t VALUES (1)")
    archive_only.capture(database)
    first = min((archive_only.repository / "snapshots").iterdir())
    first.unlink()
    result = archive_only.command("diff", expect=MISPLACED)
    assert "snapshot 1" in result.error["what"]
    assert archive_only.command("diff", "0", expect=OK).summary["inserted"] == 1


def test_nothing_is_written_and_nobody_is_asked(archive_only, scratch):
    """From a repository on a disk that cannot be written to, without the database."""
    database = scratch / "source.db"
    makedb.build(database, 3, only=["affinities", "untyped", "without"])
    archive_only.capture(database)
    makedb.edit(database, 3, only=["affinities", "untyped", "without"], share=1)
    archive_only.capture(database)
    database.unlink()
    copy = scratch / "copy"
    shutil.copytree(archive_only.repository, copy, ignore=shutil.ignore_patterns(
        "index", "lock", "tmp"))
    for folder, _, names in os.walk(copy, topdown=False):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o444)
        os.chmod(folder, 0o555)
    before = sorted(copy.rglob("*"))
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] \
        if os.getuid() == 0 else []
    for face in ([], ["--rows"], ["--sqlite"], ["--sql"], ["--rows", "--json"]):
        result = run("diff", "-r", copy, *face, prefix=prefix, env={"TMPDIR": "/proc"})
        assert result.code == OK and result.out and not result.err, str(result)
    assert before == sorted(copy.rglob("*"))


def test_names_that_mean_harm(archive_only, scratch):
    """No line of a script's comments or of a list is a line of theirs."""
    database = scratch / "source.db"
    makedb.sqlite(database, "CREATE TABLE t (v)")
    start = captured(archive_only, database, 1)
    makedb.sqlite(database, 'CREATE TABLE "x\n.shell true\x1b[2J" ("a\n.quit" PRIMARY KEY, """");'
                            'INSERT INTO "x\n.shell true\x1b[2J" VALUES (\'k\n- forged\', 1);'
                            "CREATE VIEW w AS SELECT 1\n; CREATE INDEX \"i\n\\! true\" ON t (v)")
    stop = captured(archive_only, database, 2)
    turn(archive_only, start, stop)
    for args in ([], ["-v"], ["--rows"], ["--rows", "-v"]):
        out = run("diff", "-r", archive_only.repository, *args).out
        assert "\x1b" not in out and "\n- forged" not in out and "\n.shell" not in out, out
    script = script_of(archive_only, "--sql")
    assert not [line for line in script.split(b"\n") if line.startswith(b"\\!")]


def test_a_reader_who_has_seen_enough(archive_only, scratch):
    database = scratch / "source.db"
    makedb.sqlite(database, "CREATE TABLE t (v); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
                            "SELECT i + 1 FROM n WHERE i < 200000) INSERT INTO t SELECT i FROM n")
    archive_only.capture(database)
    for face in ("--rows", "--sqlite", "--sql"):
        process = subprocess.Popen([PROGRAM, "diff", "-r", archive_only.repository, face],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environment())
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read().decode()
        process.stderr.close()
        assert process.wait(60) == STORAGE and errors.count("error: ") == 1, errors
        assert "Broken pipe" in errors


# ---- what PostgreSQL makes of it ----


def test_sql_for_rows_that_no_key_tells_apart(pair, scratch):
    """Of rows that are alike one goes, not all; a NULL in a key is nobody's key."""
    here, there = pair
    database = scratch / "source.db"
    makedb.sqlite(database, "CREATE TABLE h (a, b TEXT, c REAL);"
                            "CREATE TABLE n (a TEXT, b INT, v TEXT, PRIMARY KEY (a, b));"
                            "INSERT INTO h VALUES (1, 'x', NULL), (1, 'x', NULL), (1, 'x', NULL),"
                            "(NULL, NULL, NULL), (NULL, NULL, NULL), (2, '', 0.1);"
                            "INSERT INTO n VALUES ('k', 1, 'one'), ('k', NULL, 'two'),"
                            "('k', NULL, 'two'), (NULL, NULL, NULL)")
    here.capture(database)
    makedb.sqlite(database, "DELETE FROM h WHERE rowid IN (2, 5);"
                            "INSERT INTO h VALUES (2, '', 0.1);"
                            "UPDATE n SET v = 'three' WHERE rowid = 2;"
                            "UPDATE n SET v = 'four' WHERE b = 1; DELETE FROM n WHERE a IS NULL")
    here.capture(database)
    here.replay("-s", "1")
    there.replay()
    script = script_of(here, "--sql")
    play(here.target, script)
    assert_same_tables(here.target, there.target)
    assert script.count(b"UPDATE") == 1  # of the one row whose key tells it


def test_sql_for_tables_that_come_and_go(pair, scratch):
    here, there = pair
    database = scratch / "source.db"
    makedb.sqlite(database, "CREATE TABLE gone (v TEXT); INSERT INTO gone VALUES ('x');"
                            "CREATE TABLE grows (id INTEGER PRIMARY KEY, v TEXT);"
                            "INSERT INTO grows VALUES (1, 'a'), (2, 'b');"
                            "CREATE TABLE stays (v INT); INSERT INTO stays VALUES (1)")
    here.capture(database)
    makedb.sqlite(database, "DROP TABLE gone; ALTER TABLE grows ADD COLUMN w REAL DEFAULT 0.5;"
                            "CREATE TABLE \"come [1]*\" (id INTEGER PRIMARY KEY AUTOINCREMENT, "
                            "d AS (id + 1) STORED, t TEXT NOT NULL);"
                            "INSERT INTO \"come [1]*\" (id, t) VALUES (41, 'it''s'), (42, '');"
                            "DELETE FROM \"come [1]*\" WHERE id = 42;"
                            "CREATE INDEX stays_v ON stays (v); UPDATE stays SET v = 2")
    here.capture(database)
    here.replay("-s", "1")
    there.replay()
    script = script_of(here, "--sql")
    play(here.target, script)
    assert_same_tables(here.target, there.target)
    assert b"-- new index: CREATE INDEX stays_v ON stays (v)\n" in script
    next_ids = [target.value('INSERT INTO "come [1]*" (t) VALUES (\'n\') RETURNING id')
                for target in (here.target, there.target)]
    assert next_ids == ["43", "43"]


def test_sql_leaves_out_what_postgres_cannot_hold(pair, scratch):
    """As a replay sets such rows aside; when they can be held they come, as new ones."""
    here, there = pair
    database = scratch / "source.db"
    trips.run_sql(database, [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE h (v TEXT)",
        "INSERT INTO t VALUES (1, 'fine'), (2, CAST(x'6100' AS TEXT)), (3, CAST(x'ff' AS TEXT))",
        "INSERT INTO h VALUES (CAST(x'00' AS TEXT)), ('fine')"])
    here.capture(database)
    trips.run_sql(database, ["UPDATE t SET v = CAST(x'0a2d2d00' AS TEXT) WHERE id = 1",
                             "UPDATE t SET v = 'mended' WHERE id = 2", "DELETE FROM t WHERE id = 3",
                             "DELETE FROM h", "INSERT INTO h VALUES ('x'), (CAST(x'fe' AS TEXT))"])
    here.capture(database)
    here.replay("-s", "1", expect=SET_ASIDE)
    there.replay(expect=SET_ASIDE)
    script = script_of(here, "--sql", expect=SET_ASIDE)
    play(here.target, script)
    assert_same_tables(here.target, there.target)
    assert here.target.rows("SELECT * FROM t ORDER BY 1") == [["2", "mended"]]
    assert b"-- left out, as PostgreSQL has no such text: t: id 1, v '\\n--\\x00'\n" in script
    result = run("diff", "-r", here.repository, "--sql")
    assert result.err == "warning: rows that are left out of the script: 2\n"


def test_sql_by_a_role_that_may_not_hold_foreign_keys_off(pair, scratch):
    """Then the order of the statements does it: what refers to others goes first and comes last."""
    here, there = pair
    database = scratch / "source.db"
    makedb.sqlite(database, "CREATE TABLE a (id INTEGER PRIMARY KEY, c REFERENCES c (id));"
                            "CREATE TABLE b (id INTEGER PRIMARY KEY);"
                            "CREATE TABLE c (id INTEGER PRIMARY KEY, b REFERENCES b (id));"
                            "INSERT INTO b VALUES (1), (2); INSERT INTO c VALUES (1, 1), (2, 2);"
                            "INSERT INTO a VALUES (1, 1), (2, 2)")
    here.capture(database)
    makedb.sqlite(database, "DELETE FROM a WHERE id = 1; DELETE FROM c WHERE id = 1; DELETE FROM b "
                            "WHERE id = 1; INSERT INTO b VALUES (3); INSERT INTO c VALUES (3, 3);"
                            "INSERT INTO a VALUES (3, 3); UPDATE a SET c = 3 WHERE id = 2")
    here.capture(database)
    here.replay("-s", "1")
    there.replay()
    assert here.target.value("SELECT count(*) FROM pg_constraint WHERE contype = 'f' "
                             "AND connamespace = 'public'::regnamespace") == "2"
    here.target.script("CREATE ROLE plain; GRANT USAGE ON SCHEMA public TO plain;"
                       "GRANT ALL ON ALL TABLES IN SCHEMA public TO plain")
    try:
        play(here.target, b"SET ROLE plain;\n" + script_of(here, "--sql"))
        assert_same_tables(here.target, there.target)
        play(here.target, b"SET ROLE plain;\n" + script_of(here, "--sql", 2, 1))
        there.target.script("DROP SCHEMA public CASCADE; DROP SCHEMA rowferry CASCADE;"
                            "CREATE SCHEMA public")
        there.replay("-s", "1")
        assert_same_tables(here.target, there.target)
    finally:
        here.target.script("DROP OWNED BY plain; DROP ROLE plain")


def test_sql_in_another_schema(pair, scratch):
    here, _ = pair
    database = scratch / "source.db"
    makedb.sqlite(database, "CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    here.capture(database)
    makedb.sqlite(database, "INSERT INTO t VALUES (1, 'x')")
    here.capture(database)
    here.replay("-s", "1", "--schema", 'od"d')
    play(here.target, script_of(here, "--sql", "--schema", 'od"d'))
    assert here.target.rows('SELECT * FROM "od""d".t') == [["1", "x"]]


# ---- some tables, damage, signals, snapshots that are gone ----


def test_some_tables_alone(archive_only, scratch):
    """The script leaves all others, and what belongs to the whole database, as they are."""
    database = scratch / "source.db"
    makedb.sqlite(database, "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, v);"
                            "CREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT, v);"
                            "CREATE TRIGGER a_t AFTER INSERT ON a BEGIN DELETE FROM b; END;"
                            "INSERT INTO b VALUES (7, 7)")
    start = captured(archive_only, database, 1)
    makedb.sqlite(database, "CREATE INDEX a_v ON a (v); CREATE INDEX b_v ON b (v);"
                            "UPDATE b SET v = 8; CREATE TABLE c (v);"
                            "PRAGMA user_version = 5; CREATE VIEW w AS SELECT 1;"
                            "DROP TRIGGER a_t; INSERT INTO a VALUES (3, 'x');"
                            "CREATE TRIGGER a_t AFTER UPDATE ON a BEGIN DELETE FROM b; END")
    archive_only.capture(database)
    wanted = scratch / "wanted.db"
    shutil.copyfile(start, wanted)
    makedb.sqlite(wanted, "DROP TRIGGER a_t; INSERT INTO a VALUES (3, 'x');"
                          "CREATE INDEX a_v ON a (v);"
                          "CREATE TRIGGER a_t AFTER UPDATE ON a BEGIN DELETE FROM b; END")
    turn(archive_only, start, wanted, "-t", "a")
    result = archive_only.command("diff", "-T", "[abc]", "--rows", expect=OK)
    assert [line["name"] for line in result.of_type("schema")] == ["w"]
    assert not result.of_type("row") and not result.tables()


def test_damage_ends_a_script_so_that_nothing_of_it_stays(archive_only, scratch):
    database = scratch / "source.db"
    makedb.sqlite(database, "CREATE TABLE a (v); CREATE TABLE b (v); INSERT INTO b VALUES (1)")
    start = captured(archive_only, database, 1)
    makedb.sqlite(database, "INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)")
    archive_only.capture(database)
    archive = [line for line in archive_only.command("show", expect=OK).of_type("table")
               if line["table"] == "b"][0]["archives"][-1]["name"]
    path = archive_only.repository / "archives" / archive
    content_of = bytearray(path.read_bytes())
    content_of[len(content_of) // 2] ^= 4
    path.chmod(0o600)
    path.write_bytes(content_of)
    before = content(start)
    script = script_of(archive_only, "--sqlite", expect=DAMAGED)
    assert script.endswith(b"\nROLLBACK;\n")
    shell(start, script)
    assert content(start) == before
    assert script_of(archive_only, "--sql", expect=DAMAGED).endswith(b"ROLLBACK;\n")
    result = archive_only.command("diff", "--rows", expect=DAMAGED)
    assert archive in str(result.error)
    assert archive_only.command("diff", "-t", "a", expect=OK).summary["inserted"] == 1


def test_a_signal_stops_it(archive_only, scratch):
    database = scratch / "source.db"
    makedb.sqlite(database, "CREATE TABLE t (v); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
                            "SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO t SELECT i FROM n")
    archive_only.capture(database)
    process = subprocess.Popen([PROGRAM, "diff", "-r", archive_only.repository, "--sqlite"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM and b"stopped by signal" in err, err
    assert out.endswith(b"ROLLBACK;\n")


def test_between_snapshots_that_are_left(archive_only, scratch):
    """Those before them were pruned: what is told of the others stays the same, and the oldest has
    nothing before it."""
    database = scratch / "source.db"
    makedb.build(database, 41)
    ends = [captured(archive_only, database, 1)]
    for day in range(2, 6):
        makedb.edit(database, 410 + day)
        ends.append(captured(archive_only, database, day))
    archive_only.command("prune", "--keep-last", "2", expect=OK)
    assert [line["snapshot"] for line in archive_only.command("log", expect=OK)
            .of_type("snapshot")] == [4, 5]
    check_rows(archive_only, ends, 4, 5)
    turn(archive_only, ends[4], ends[3], 5, 4)
    rows = sum(len(rows) for rows in read_database(ends[3]).values())
    assert archive_only.command("diff", "0", "4", expect=OK).summary["inserted"] == rows
    assert archive_only.command("log", "-t", "*", expect=OK).summary["snapshots"] == 2
    assert not archive_only.command("show", "4", expect=OK).of_type("schema")
