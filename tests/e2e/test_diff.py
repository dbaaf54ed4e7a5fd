"""diff: what two snapshots differ in, from the archives alone. Its counts and rows are held against
what SQLite says of the two databases; its scripts are run by sqlite3 and psql, and what they made is
held against the database, or the target, that it should have become."""

import collections
import json
import math
import os
import shutil
import sqlite3
import struct
import subprocess

import pytest

import makedb
import trips
from program import FAILED, MISPLACED, OK, PROGRAM, SET_ASIDE, USAGE, Ferry, environment, run
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
