"""diff: what two snapshots differ in, from the archives alone. Its counts and rows are held against
what SQLite says of the two databases; its scripts are run by sqlite3 and psql, and what they made is
held against the database, or the target, that it should have become."""

import collections
import json
import math
import os
import random
import shutil
import sqlite3
import struct
import subprocess

import pytest

import makedb
import trips
from program import FAILED, MISPLACED, OK, PROGRAM, SET_ASIDE, STORAGE, USAGE, Ferry, environment, run
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
            db.execute("SELECT typeof(name), name, typeof(seq), seq FROM sqlite_sequence"), key=repr)
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


def turn(ferry, database, number, wanted, *args):
    """A copy of the database at one snapshot becomes one at `number`."""
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


@pytest.mark.parametrize("seed", range(6))
def test_sqlite_scripts_make_each_snapshot_of_every_other(archive_only, scratch, seed):
    """Every kind of table, key and value, forward, backward and from nothing."""
    database = scratch / "source.db"
    makedb.build(database, 700 + seed, misfits=seed % 2 == 1)
    ends = [captured(archive_only, database, 1)]
    for day in (2, 3):
        makedb.edit(database, 7000 + 10 * seed + day, misfits=seed % 2 == 1)
        ends.append(captured(archive_only, database, day))
    turn(archive_only, ends[0], 2, ends[1], 1, 2)
    turn(archive_only, ends[0], 3, ends[2], 1)
    turn(archive_only, ends[2], 1, ends[0], 3, 1)
    empty = scratch / "empty.db"
    empty.touch()
    turn(archive_only, empty, 3, ends[2], 0)


# ---- scripts for psql ----


def play(target, script):
    done = subprocess.run(["psql", "-X", "-q", target.conninfo], input=script, capture_output=True,
                          timeout=120, env={**environment(), "PGCLIENTENCODING": "LATIN1"})
    assert done.returncode == 0 and not done.stderr, done.stderr.decode(errors="replace")
    assert not done.stdout, done.stdout


def tables_in(target):
    """Every row of every table, as text; and how each column is made."""
    names = [row[0] for row in target.rows(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")]
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


@pytest.mark.parametrize("seed", range(3))
def test_sql_scripts_bring_a_target_to_another_snapshot(pair, scratch, seed):
    here, there = pair
    database = scratch / "source.db"
    makedb.build(database, 800 + seed)
    for day in (1, 2, 3):
        here.capture(database)
        makedb.edit(database, 8000 + 10 * seed + day)
    here.replay("-s", "1")
    there.replay("-s", "3")
    play(here.target, script_of(here, "--sql", 1, 3))
    assert_same_tables(here.target, there.target)
    play(here.target, script_of(here, "--sql", 3, 1))
    there.replay("--remake", "*", "-s", "3")
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


@pytest.mark.parametrize("seed", range(4))
def test_rows_lead_from_one_snapshot_to_the_other(archive_only, scratch, seed):
    """The old values are those of FROM, the new ones those of TO, and nothing is missing."""
    database = scratch / "source.db"
    makedb.build(database, 900 + seed, misfits=True)
    ends = [captured(archive_only, database, 1)]
    for day in (2, 3, 4):
        makedb.edit(database, 9000 + 10 * seed + day, misfits=True)
        ends.append(captured(archive_only, database, day))
    for start, stop in ((1, 4), (4, 2), (2, 3), (3, 3)):
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
    "numbers": ("CREATE TABLE t (v)", "PRAGMA user_version = -7; PRAGMA application_id = 2147483647;"
                                      "INSERT INTO t VALUES (1)"),
    "unique values change places": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE, CHECK (v <> 9)); "
        "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');"
        "CREATE TABLE p (id INTEGER PRIMARY KEY, up REFERENCES p (id) ON DELETE CASCADE);"
        "INSERT INTO p VALUES (1, 2), (2, 1), (3, 3)",
        "UPDATE t SET v = v || '_'; UPDATE t SET v = 'a' WHERE id = 3; UPDATE t SET v = 'c' WHERE id = "
        "1; PRAGMA ignore_check_constraints = 1; INSERT INTO t VALUES (9, 9);"
        "DELETE FROM p WHERE id = 3; INSERT INTO p VALUES (4, 5), (5, 4); UPDATE p SET id = 6 WHERE "
        "id = 2"),
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
    turn(archive_only, start, 2, stop)
    empty = scratch / "empty.db"
    empty.touch()
    turn(archive_only, empty, 2, stop, 0)
    if not name.startswith("sequences of"):  # that table stays once it is there
        turn(archive_only, stop, 1, start, 2, 1)


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
        turn(archive_only, ends[start] or empty, stop, ends[stop], start, stop)
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


@pytest.mark.parametrize("declared, value", [
    ("INTEGER", "'12'"), ("INTEGER", "' 12.0e0 '"), ("NUMERIC", "3.0"), ("REAL", "'.5'"),
    ("TEXT", "12"), ("TEXT", "1.5"), ("INT", "'+1.'")])
def test_a_value_that_sqlite_would_alter_is_refused(archive_only, scratch, declared, value):
    database = scratch / "source.db"
    makedb.sqlite(database, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v); "
                            f"INSERT INTO t VALUES (1, {value}); PRAGMA writable_schema = ON;"
                            "UPDATE sqlite_schema SET sql = "
                            f"'CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})'")
    archive_only.capture(database)
    result = run("diff", "-r", archive_only.repository, "--sqlite", "0")
    assert result.code == FAILED and result.out.endswith("ROLLBACK;\n"), str(result)
    assert "column v of table t" in result.err and "storage class" in result.err
    assert archive_only.command("diff", "--rows", "0", expect=OK).of_type("row")


@pytest.mark.parametrize("declared, value", [
    ("INTEGER", "'12a'"), ("INTEGER", "''"), ("NUMERIC", "3.5"), ("REAL", "'e5'"), ("TEXT", "x'31'"),
    ("INTEGER", "' '"), ("INTEGER", "'0x10'"), ("REAL", "'1e'"), ("NUMERIC", "'.'"), ("", "'12'"),
    ("BLOB", "12"), ("INTEGER", "9.3e18"), ("REAL", "x'00'"), ("INTEGER", "'1 2'")])
def test_a_value_that_sqlite_leaves_alone_is_not(archive_only, scratch, declared, value):
    database = scratch / "source.db"
    makedb.sqlite(database, f"CREATE TABLE t (v {declared}); INSERT INTO t VALUES ({value})")
    kept = captured(archive_only, database, 1)
    empty = scratch / "empty.db"
    empty.touch()
    turn(archive_only, empty, 1, kept, 0)


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
    turn(archive_only, empty, 1, kept, 0)


@pytest.mark.parametrize("line, code", [
    ("diff 1 2 3", USAGE), ("diff 9", USAGE), ("diff 1 9", USAGE), ("diff yesterday", USAGE),
    ("diff --rows --sql", USAGE), ("diff --sqlite --sql", USAGE), ("diff --sqlite --json", USAGE),
    ("diff --sql --json", USAGE), ("diff -1", USAGE), ("diff --since 1", USAGE), ("diff 0 0", OK),
    ("diff 1 latest", OK), ("diff 00 1", USAGE), ("diff -q", OK), ("diff -q --rows", OK)])
def test_which_lines_are_understood(archive_only, scratch, line, code):
    makedb.sqlite(scratch / "x.db", "CREATE TABLE t (v); INSERT INTO t VALUES (1)")
    archive_only.capture(scratch / "x.db")
    result = run(*line.split(), "-r", archive_only.repository, check=False)
    assert result.code == code, str(result)
    assert code == OK or result.err.startswith("error: "), str(result)
    assert code == OK or "--json" in line or not result.out, str(result)
    assert "-q" not in line or not result.out


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
    turn(archive_only, start, 2, stop)
    for args in ([], ["-v"], ["--rows"], ["--rows", "-v"]):
        out = run("diff", "-r", archive_only.repository, *args).out
        assert "\x1b" not in out and "\n- forged" not in out and "\n.shell" not in out, out
    script = script_of(archive_only, "--sql")
    assert not [line for line in script.split(b"\n") if line.startswith(b"\\!")]


def test_a_reader_who_has_seen_enough(archive_only, scratch):
    database = scratch / "source.db"
    makedb.sqlite(database, "CREATE TABLE t (v); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT "
                            "i + 1 FROM n WHERE i < 200000) INSERT INTO t SELECT i FROM n")
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
