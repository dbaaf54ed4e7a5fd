"""What check foretells is what a replay then does; and it writes nothing, anywhere."""

import json
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter

import pytest

import makedb
from postgres import literal, quote
from program import (CONNECT, LOCKED, MISPLACED, OK, OTHERS, SET_ASIDE, USAGE, Ferry, Running,
                     run)


@pytest.fixture
def tmp(scratch):
    """The folder for temporary files, which has to be empty again."""
    folder = scratch / "tmp"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def check(tmp):
    def call(database, *args, target=None, expect=(OK, SET_ASIDE), env=None):
        where = ["-d", getattr(target, "conninfo", target)] if target is not None else []
        result = run("check", "--json", *where, *args, database,
                     env={"TMPDIR": str(tmp), **(env or {})})
        wanted = expect if isinstance(expect, tuple) else (expect,)
        assert result.code in wanted, f"expected {expect}\n{result}"
        return result
    return call


def shop(path):
    """Two tables with a bit of everything that fits."""
    db = makedb.connect(path)
    db.execute("CREATE TABLE artist (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
    db.execute("CREATE TABLE album (id INTEGER PRIMARY KEY AUTOINCREMENT, artist INTEGER NOT NULL "
               "REFERENCES artist (id), title TEXT, price REAL, cover BLOB, live BOOLEAN)")
    db.execute("CREATE INDEX album_artist ON album (artist, title DESC)")
    db.execute("CREATE VIEW titles AS SELECT title FROM album")
    db.execute("CREATE TRIGGER silent AFTER DELETE ON album BEGIN SELECT 1; END")
    for i in range(1, 31):
        db.execute("INSERT INTO artist VALUES (?, ?)", (i, f"artist {i}"))
        db.execute("INSERT INTO album (artist, title, price, cover, live) VALUES (?, ?, ?, ?, ?)",
                   (i, f"title {i}", i / 4, bytes([i]), i % 2))
    db.close()
    return path


def misfits(path):
    """Of each kind one or more, some with several in a row."""
    db = makedb.connect(path)
    db.execute("CREATE TABLE odd (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BLOB, "
               "f BOOLEAN, any)")
    odd = [
        (1, 1, 1.5, "fits", b"\1", 1, 1),
        (2, "text", None, "x", None, 0, "one"),
        (3, b"\0\xff", "text", makedb.Raw(b"a\0b"), "text", 1, 2.5),
        (4, 1.5, b"", makedb.Raw(b"caf\xe9"), 12, 2, b"blob"),
        (5, None, 2**60, makedb.Raw(b"\xed\xa0\x80"), None, "yes", None),
        (-9223372036854775808, 7, float("inf"), "", b"", None, 9223372036854775807),
    ]
    for row in odd:
        db.execute(f"INSERT INTO odd VALUES ({', '.join(map(makedb.placeholder, row))})", row)
    db.execute("CREATE TABLE pair (a TEXT, b INTEGER, v INTEGER, PRIMARY KEY (b, a))")
    for row in (("x", 1, 1), ("y", 1, "one"), ("quote '\"\\", 2, "two"), ("東京", 3, b"\3")):
        db.execute("INSERT INTO pair VALUES (?, ?, ?)", row)
    db.execute("CREATE TABLE without (k BLOB PRIMARY KEY, v TEXT) WITHOUT ROWID")
    for row in ((b"\0\1", "fits"), (b"\0\2", b"does not"), (b"\0\3", makedb.Raw(b"\0"))):
        db.execute(f"INSERT INTO without VALUES (?, {makedb.placeholder(row[1])})", row)
    db.execute("CREATE TABLE keyless (v INTEGER)")
    db.executemany("INSERT INTO keyless VALUES (?)", [("same",)] * 3 + [(5,)])
    db.close()
    return path


def ledger_lines(target):
    return Counter(tuple(row) for row in target.rows(
        "SELECT table_name, outcome, key, column_name, class, reason FROM rowferry.set_aside"))


def foretold_lines(result):
    return Counter((row["table"], row["outcome"], row["key"], row["column"], row["class"],
                    row["reason"]) for row in result.of_type("row"))


def target_columns(target):
    found = {}
    for table, column, kind, not_null in target.rows(
            "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 "
            "AND NOT a.attisdropped"):
        found[table, column] = (kind, not_null == "t")
    return found


def foretold_columns(result):
    relations = {name: line["target"] for name, line in result.tables("check").items()}
    return {(relations[line["table"]], line["target"]): (line["becomes"], line["not_null"])
            for line in result.of_type("column")}


def target_indexes(target):
    return sorted(row[0] for row in target.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind = 'i'"))


SOURCES = {
    "shop": shop,
    "misfits": misfits,
    "makedb": lambda path: makedb.build(path, 7),
    "makedb with misfits": lambda path: makedb.build(path, 8, True),
}
POLICIES = [[], ["--on-mismatch", "set-aside"], ["--on-mismatch", "null", "--bad-text", "replace"],
            ["--bad-text", "escape", "--fold-names", "--no-foreign-keys"]]


CASES = [(source, options) for source in SOURCES for options in POLICIES] + \
    [(other.stem, []) for other in OTHERS]


def make_source(name, path):
    if name in SOURCES:
        SOURCES[name](path)
    else:
        shutil.copyfile(next(other for other in OTHERS if other.stem == name), path)


@pytest.mark.parametrize("source, options", CASES, ids=lambda case: " ".join(case)
                         if isinstance(case, list) else case)
def test_a_replay_does_what_was_foretold(check, ferry, scratch, source, options):
    database = scratch / "source.db"
    make_source(source, database)
    foretold = check(database, *options)
    assert check(database, *options, target=ferry.target).code == foretold.code
    ferry.capture(database)
    done = ferry.replay(*options)
    assert done.code == foretold.code
    assert foretold_lines(foretold) == ledger_lines(ferry.target)
    assert foretold_columns(foretold) == target_columns(ferry.target)
    tables, replayed = foretold.tables("check"), done.tables()
    assert tables.keys() == replayed.keys()
    for name, line in tables.items():
        for count in ("set_aside", "altered", "widened"):
            assert line[count] == replayed[name][count], name
        assert line["rows"] == replayed[name]["inserted"] + replayed[name]["set_aside"], name
    assert sorted(index["name"] for line in tables.values() for index in line["indexes"]
                  if index["carried"]) \
        == target_indexes(ferry.target)
    summary = foretold.summary
    assert summary["set_aside"] == done.summary["set_aside_total"]
    assert summary["tables"] == len(tables) and summary["errors"] == 0
    assert summary["rows"] == sum(line["rows"] for line in tables.values())
    assert summary["columns"] == len(foretold.of_type("column"))


def test_the_census_is_sqlites_own(check, scratch):
    database = scratch / "source.db"
    makedb.build(database, 9, True)
    db = sqlite3.connect(database)
    db.text_factory = bytes
    seen = set()
    for line in check(database).of_type("column"):
        table, column = quote(line["table"]), quote(line["column"])
        counts = {kind.decode(): count for kind, count in db.execute(
            f"SELECT typeof({column}), count(*) FROM {table} GROUP BY 1")}
        for kind in ("null", "integer", "real", "text", "blob"):
            assert line[kind] == counts.get(kind, 0), line
        least, greatest = db.execute(f"SELECT min({column}), max({column}) FROM {table} "
                                     f"WHERE typeof({column}) = 'integer'").fetchone()
        assert (line.get("min_integer"), line.get("max_integer")) == (least, greatest), line
        nul = db.execute(f"SELECT count(*) FROM {table} WHERE typeof({column}) = 'text' "
                         f"AND instr(CAST({column} AS BLOB), x'00')").fetchone()[0]
        assert line["text_with_nul"] == nul, line
        seen.add((line["table"], line["column"]))
    everything = {(table.decode(), column[1].decode())
                  for table, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' "
                                           "AND name NOT LIKE 'sqlite%'")
                  for column in db.execute(f"PRAGMA table_info({quote(table.decode())})")}
    assert seen >= everything


def test_every_misfit_is_named_with_its_value(check, scratch):
    rows = {(row["table"], row["key"], row["column"]): (row["class"], row["value"])
            for row in check(misfits(scratch / "source.db"), "--on-mismatch", "set-aside",
                               expect=SET_ASIDE).of_type("row")}
    assert rows["without", '{"k": "\\\\x0002"}', "v"] == ("blob", "x'646f6573206e6f74'")
    found = [json.loads(key) for table, key, _ in rows if table == "keyless"]
    assert all(list(key) == ["rowid"] for key in found)


def test_what_forced_another_type_is_told_with_its_rows(check, ferry, scratch):
    database = misfits(scratch / "source.db")
    result = check(database)
    columns = {(line["table"], line["column"]): line for line in result.of_type("column")}
    forced = columns["pair", "v"]
    assert forced["becomes"] == "bytea" and forced["widened"], forced
    told = "\n".join(result.tables()["pair"]["notes"])
    assert "column v" in told and "bigint" in told and "two" in told, told
    assert not columns["odd", "id"]["widened"]
    assert result.summary["widened"] == sum(line["widened"] for line in columns.values()) > 0


def test_what_columns_do_by_themselves(check, scratch):
    db = makedb.connect(scratch / "source.db")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER NOT NULL DEFAULT 7 "
               "CHECK (n > 0), d TEXT AS (n || 'x') STORED, h TEXT DEFAULT (hex(randomblob(4))), "
               "CHECK (h NOT GLOB '[a-z]*' OR random() > 5))")
    db.execute("INSERT INTO t (n) VALUES (3)")
    db.close()
    result = check(scratch / "source.db")
    columns = {line["column"]: line for line in result.of_type("column")}
    assert columns["id"]["identity"] and columns["n"]["default"] == "7"
    assert columns["d"]["generated"] and columns["h"]["default"] is None
    table = result.tables()["t"]
    carried = {c["carried"]: c for c in table["constraints"]}
    assert "CHECK" in carried[True]["definition"] and carried[False]["reason"]
    assert "hex" in str(table["notes"]) and "random" in str(table["notes"])


def test_foreign_keys(check, scratch):
    db = makedb.connect(scratch / "source.db")
    db.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY, n INTEGER)")
    db.execute("CREATE TABLE child (p INTEGER REFERENCES parent (id) ON DELETE CASCADE, "
               "q INTEGER REFERENCES parent (n), r INTEGER REFERENCES nobody (id))")
    db.close()
    table = check(scratch / "source.db").tables()["child"]
    keys = [c for c in table["constraints"] if c["kind"] == "foreign key"]
    carried, = [c for c in keys if c["carried"]]
    assert "CASCADE" in carried["definition"] and carried["name"]
    refused = [c["reason"] for c in keys if not c["carried"]]
    assert len(refused) == 2 and all(refused)
    assert len([note for note in table["notes"] if "not carried over" in note]) == 2
    table = check(scratch / "source.db", "--no-foreign-keys").tables()["child"]
    assert not [c for c in table["constraints"] if c["carried"]]


def test_an_index_that_may_be_too_much(check, ferry, scratch):
    db = makedb.connect(scratch / "source.db")
    db.execute("CREATE TABLE t (a TEXT, b TEXT)")
    db.execute("CREATE INDEX long ON t (a)")
    db.execute("CREATE INDEX short ON t (b)")
    db.execute("INSERT INTO t VALUES (hex(randomblob(4000)), 'x')")
    db.close()
    note, = check(scratch / "source.db").tables()["t"]["notes"]
    assert "index long may be left out" in note and "8000" in note
    ferry.capture(scratch / "source.db")
    ferry.replay()
    assert target_indexes(ferry.target) == ["short"]
    table = check(scratch / "source.db", "-r", ferry.repository, target=ferry.target).tables()["t"]
    assert {index["source"]: index["carried"] for index in table["indexes"]} \
        == {"long": False, "short": True}


def test_what_is_to_fail_fails(check, ferry, scratch):
    database = misfits(scratch / "source.db")
    result = check(database, "--on-mismatch", "fail", expect=MISPLACED)
    fails = [row for row in result.of_type("row") if row["outcome"] == "fails"]
    assert result.summary["failing"] == len(fails) > 0 and result.error["hint"]
    ferry.capture(database)
    assert ferry.replay("--on-mismatch", "fail", expect=MISPLACED).error["what"] \
        .split(" of ")[0] == result.error["what"].split(" of ")[0]


def dump(target):
    """Its schema; but whether rows keep to a foreign key is no matter of that."""
    done = subprocess.run(["pg_dump", "-s", "-n", "public", target.conninfo], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [line.replace(" NOT VALID", "") for line in done.stdout.splitlines()
            if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))
            and "SCHEMA public" not in line]


@pytest.mark.parametrize("make", [shop, lambda path: makedb.build(path, 10)], ids=["shop", "makedb"])
def test_sql_makes_the_schema_that_a_replay_makes(ferry, server, scratch, tmp, make):
    database = scratch / "source.db"
    make(database)
    result = run("check", "--sql", database, env={"TMPDIR": str(tmp)})
    assert result.code == OK, str(result)
    assert all(line.startswith("warning: ") for line in result.err.splitlines()), str(result)
    ferry.capture(database)
    ferry.replay()
    other = server.create()
    other.script(result.out)
    try:
        assert dump(other) == dump(ferry.target)
    finally:
        other.drop()


def test_sql_goes_to_the_schema_named(server, scratch, target, tmp):
    result = run("check", "--sql", "--schema", 'my "own"', shop(scratch / "source.db"),
                 env={"TMPDIR": str(tmp)})
    target.script(result.out)
    assert target.tables('my "own"') == ["album", "artist"] and target.tables() == []


# Nothing is written

def state_of(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in folder.iterdir() if path.is_file()}


def catalog(target):
    return target.results(
        "SELECT oid, relname, relfilenode FROM pg_class ORDER BY 1",
        "SELECT oid, nspname FROM pg_namespace ORDER BY 1",
        "SELECT pg_snapshot_xmax(pg_current_snapshot())")


def test_nothing_is_written(check, scratch, ferry):
    folder = scratch / "source"
    folder.mkdir()
    database = misfits(folder / "source.db")
    ferry.capture(database)
    ferry.replay()
    source, target = state_of(folder), catalog(ferry.target)
    repository = {path: path.stat().st_mtime_ns for path in ferry.repository.rglob("*")}
    check(database, "-r", ferry.repository, target=ferry.target, expect=SET_ASIDE)
    assert state_of(folder) == source
    assert catalog(ferry.target) == target, "not even a transaction id was taken"
    assert {path: path.stat().st_mtime_ns for path in ferry.repository.rglob("*")} == repository


def test_the_snapshot_is_for_us_alone(scratch, tmp):
    """While it waits for a writer: a folder that others cannot enter, which SIGTERM takes away."""
    database = shop(scratch / "source.db")
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    running = Running(["check", "--json", "--busy-timeout", "60", database],
                      env={"TMPDIR": str(tmp)})
    deadline = time.monotonic() + 20
    while not list(tmp.iterdir()):
        assert running.alive() and time.monotonic() < deadline, "never made its folder"
        time.sleep(0.005)
    folder, = tmp.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    running.signal(signal.SIGTERM)
    assert running.wait().code == 128 + signal.SIGTERM
    assert list(tmp.iterdir()) == []
    db.close()


def test_a_source_that_is_none(check, scratch):
    check(scratch / "absent.db", expect=7)
    (scratch / "text.db").write_text("not a database" * 100)
    check(scratch / "text.db", expect=3)


# The target

def findings(result, level):
    return [line for line in result.of_type("target") if line["level"] == level]


def refused(result, subject, *words):
    """One thing in the way, which says what to do; the plan is told all the same."""
    found = findings(result, "error")
    assert [line["check"] for line in found] == [subject], str(result)
    assert found[0]["hint"] and result.error["what"] == found[0]["what"], str(result)
    for word in words:
        assert word in str(found[0]), str(result)
    assert result.of_type("column") and result.of_type("table"), str(result)
    assert result.summary["errors"] == 1


def test_a_target_that_is_ready(check, scratch, target):
    result = check(shop(scratch / "source.db"), target=target, expect=OK)
    assert findings(result, "ok") == result.of_type("target")
    assert [line["check"] for line in result.of_type("target")] == [
        "server", "encoding", "order of text", "role", "rights", "schema", "lock", "ledger"]
    assert target.value("SELECT version()").split()[1] in str(result.of_type("target")[0])
    absent = check(shop(scratch / "other.db"), "--schema", "absent", target=target, expect=OK)
    assert "absent" in str(absent.of_type("target"))


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_another_encoding(check, scratch, server, encoding):
    server.admin.script(f"CREATE DATABASE coded TEMPLATE template0 ENCODING '{encoding}' "
                        "LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        result = check(shop(scratch / "source.db"), target=server.conninfo("coded"),
                       expect=MISPLACED)
        refused(result, "server", encoding, "UTF8")
    finally:
        server.admin.script("DROP DATABASE coded")


def test_another_order_of_text(check, scratch, server):
    server.admin.script("CREATE DATABASE ordered TEMPLATE template0 ENCODING 'UTF8' "
                        "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        result = check(shop(scratch / "source.db"), target=server.conninfo("ordered"), expect=OK)
        note, = findings(result, "note")
        assert note["check"] == "order of text" and "en-US" in note["what"] and note["hint"]
    finally:
        server.admin.script("DROP DATABASE ordered")


def test_no_server(check, scratch):
    result = check(shop(scratch / "source.db"), target=f"host={scratch} dbname=x", expect=CONNECT)
    assert result.lines == [result.summary], "nothing to check against, nothing read in vain"


def test_a_role_without_rights(check, scratch, server, target):
    server.admin.script("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
    conninfo = target.conninfo.replace("user=rowferry", "user=guest")
    database = shop(scratch / "source.db")
    refused(check(database, target=conninfo, expect=CONNECT), "rights", "guest", "GRANT CREATE")
    target.script(f"GRANT CREATE ON DATABASE {quote(target.name)} TO guest")
    refused(check(database, target=conninfo, expect=CONNECT), "rights", "public", "GRANT CREATE")
    target.script("GRANT CREATE ON SCHEMA public TO guest")
    check(database, target=conninfo, expect=OK)
    target.script(f"REVOKE ALL ON DATABASE {quote(target.name)} FROM guest")


def test_a_ledger_that_the_role_may_not_read(check, scratch, server, ferry):
    database = shop(scratch / "source.db")
    ferry.capture(database)
    ferry.replay()
    server.admin.script("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
    ferry.target.script(f"GRANT CREATE ON DATABASE {quote(ferry.target.name)} TO stranger")
    conninfo = ferry.target.conninfo.replace("user=rowferry", "user=stranger")
    result = check(database, "--schema", "elsewhere", target=conninfo, expect=CONNECT)
    refused(result, "ledger", "rowferry")
    ferry.target.script(f"REVOKE ALL ON DATABASE {quote(ferry.target.name)} FROM stranger")


def test_tables_in_the_way(check, scratch, target):
    target.script("CREATE TABLE album (x int); CREATE TYPE artist AS ENUM ('a')")
    result = check(shop(scratch / "source.db"), target=target, expect=MISPLACED)
    refused(result, "names", "album", "artist", "--schema")
    check(scratch / "source.db", "--schema", "free", target=target, expect=OK)


def test_names_are_given_in_the_same_order(check, ferry, scratch):
    """Both constraints would like to be called t_a_b_key, and the later table is the larger."""
    db = makedb.connect(scratch / "source.db")
    db.execute("CREATE TABLE t (a_b INTEGER UNIQUE)")
    db.execute("CREATE TABLE t_a (b INTEGER UNIQUE, filler BLOB)")
    db.executemany("INSERT INTO t_a VALUES (?, randomblob(1000))", [(i,) for i in range(100)])
    db.close()
    foretold = {name: [index["name"] for index in line["indexes"]]
                for name, line in check(scratch / "source.db").tables().items()}
    ferry.capture(scratch / "source.db")
    ferry.replay()
    done = {}
    for table, index in ferry.target.rows(
            "SELECT t.relname, i.relname FROM pg_index JOIN pg_class t ON t.oid = indrelid "
            "JOIN pg_class i ON i.oid = indexrelid WHERE t.relname IN ('t', 't_a')"):
        done.setdefault(table, []).append(index)
    assert foretold == done and foretold["t"] == ["t_a_b_key"]


@pytest.mark.parametrize("schema", ["rowferry", "pg_temp", "x" * 64])
def test_a_schema_that_cannot_be_filled(check, scratch, target, schema):
    result = check(shop(scratch / "source.db"), "--schema", schema, target=target,
                   expect=MISPLACED)
    refused(result, "schema")


def test_a_schema_that_is_no_ledger(check, scratch, target):
    target.script("CREATE SCHEMA rowferry")
    refused(check(shop(scratch / "source.db"), target=target, expect=MISPLACED), "ledger")


def test_a_newer_ledger(check, scratch, ferry):
    ferry.capture(shop(scratch / "source.db"))
    ferry.replay()
    ferry.target.script("UPDATE rowferry.version SET version = 1000")
    result = check(scratch / "source.db", "--schema", "other", target=ferry.target,
                   expect=MISPLACED)
    refused(result, "ledger", "1000")


def test_the_ledger_of_another_source(check, scratch, ferry):
    database, other = shop(scratch / "source.db"), scratch / "other.db"
    db = makedb.connect(other)
    db.execute("CREATE TABLE something (x)")
    db.close()
    ferry.capture(database)
    ferry.replay()
    refused(check(other, target=ferry.target, expect=MISPLACED), "ledger", "--repo")
    elsewhere = Ferry(scratch / "elsewhere")
    elsewhere.capture(other)
    result = check(other, "-r", elsewhere.repository, target=ferry.target, expect=MISPLACED)
    refused(result, "ledger", "another source")
    # Its own source may go on, and says where it stands.
    result = check(database, "-r", ferry.repository, target=ferry.target, expect=OK)
    assert "snapshot 1" in str(result.of_type("target"))
    check(other, "-r", scratch / "not there yet", "--schema", "free", target=ferry.target,
          expect=OK)


def test_another_run_at_it(check, scratch, ferry):
    database = shop(scratch / "source.db")
    ferry.capture(database)
    ferry.replay()
    makedb.connect(database).execute("DELETE FROM album WHERE id = 3")
    ferry.capture(database)
    holder = subprocess.Popen(["psql", "-X", "-q", ferry.target.conninfo], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    holder.stdin.write("BEGIN; LOCK TABLE album; SELECT 'held';\n")
    holder.stdin.flush()
    while "held" not in holder.stdout.readline():
        pass
    replay = Running(ferry.args("replay", target=True))
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    deadline = time.monotonic() + 30
    while ferry.target.value(waiting) == "0":
        assert replay.alive() and time.monotonic() < deadline
        time.sleep(0.02)
    try:
        result = check(database, "-r", ferry.repository, target=ferry.target, expect=LOCKED)
        refused(result, "lock")
    finally:
        holder.communicate("ROLLBACK;\n")
        assert replay.wait().code == OK


def test_more_columns_than_a_table_can_have(check, scratch):
    db = makedb.connect(scratch / "source.db")
    db.execute(f"CREATE TABLE wide ({', '.join(f'c{i}' for i in range(1601))})")
    db.execute("CREATE TABLE narrow (a)")
    db.close()
    result = check(scratch / "source.db", expect=MISPLACED)
    assert "wide" in str(findings(result, "error")) and "1600" in str(findings(result, "error"))
    check(scratch / "source.db", "-T", "wide", expect=OK)


def test_two_things_in_the_way(check, scratch, target):
    """All are told, and the first decides the exit code."""
    target.script("CREATE SCHEMA rowferry; CREATE TABLE public.album (x int)")
    result = check(shop(scratch / "source.db"), target=target, expect=MISPLACED)
    assert [line["check"] for line in findings(result, "error")] == ["ledger", "names"]
    assert result.summary["errors"] == 2


# Tables that the application made

SHELF = """
CREATE TABLE artist (id integer PRIMARY KEY, name varchar(20) NOT NULL, note text);
CREATE TABLE album (id bigint PRIMARY KEY, artist bigint NOT NULL REFERENCES artist, title text,
    price numeric(6,2), cover bytea, live boolean);
"""


def test_existing_tables_that_fit(check, ferry, scratch):
    database = shop(scratch / "source.db")
    ferry.target.script(SHELF)
    result = check(database, "--existing", target=ferry.target, expect=OK)
    steps = {name: line["step"] for name, line in result.tables().items()}
    assert steps == {"artist": "fill", "album": "fill"}
    columns = foretold_columns(result)
    assert columns["artist", "name"] == ("character varying(20)", True)
    assert columns["album", "live"] == ("boolean", False)
    before = catalog(ferry.target)
    check(database, "--existing", target=ferry.target, expect=OK)
    assert catalog(ferry.target) == before
    ferry.capture(database)
    ferry.replay("--existing", expect=OK)
    result = check(database, "-r", ferry.repository, "--existing", target=ferry.target, expect=OK)
    assert {line["step"] for line in result.tables().values()} == {"keep"}


def test_values_that_existing_tables_do_not_take(check, ferry, scratch):
    database = shop(scratch / "source.db")
    edit(database, "UPDATE artist SET name = 'a name of more than twenty characters' WHERE id = 3",
         "UPDATE album SET price = 1.005 WHERE id = 4", "UPDATE album SET live = 7 WHERE id = 5")
    ferry.target.script(SHELF)
    foretold = check(database, "--existing", target=ferry.target, expect=SET_ASIDE)
    ferry.capture(database)
    done = ferry.replay("--existing", expect=SET_ASIDE)
    assert foretold_lines(foretold) == ledger_lines(ferry.target)
    assert foretold.summary["set_aside"] == done.summary["set_aside_total"] == 3


def test_existing_tables_that_do_not_fit(check, ferry, scratch):
    """Each trouble is a finding of its own, the same that a replay would refuse for."""
    database = shop(scratch / "source.db")
    ferry.target.script("""
        CREATE TABLE artist (id point, name text, born date NOT NULL);
        CREATE VIEW album AS SELECT 1 AS id;
    """)
    result = check(database, "--existing", target=ferry.target, expect=MISPLACED)
    errors = findings(result, "error")
    assert {line["check"] for line in errors} == {"tables"} and len(errors) >= 3, result
    said = str(errors)
    assert "born" in said and "album" in said and "id" in said, said
    assert result.tables() == {} and result.summary["errors"] == len(errors)
    ferry.capture(database)
    refusal = ferry.replay("--existing", expect=MISPLACED)
    for line in errors:
        assert line["what"] in str(refusal.error) + refusal.err, line


def test_existing_needs_a_target(check, scratch):
    assert "--target" in check(shop(scratch / "source.db"), "--existing", expect=USAGE) \
        .error["hint"]


# A target that the source feeds already

def edit(path, *statements):
    db = makedb.connect(path)
    for statement in statements:
        db.execute(statement)
    db.close()


def test_what_stands_is_foretold_from_the_ledger(check, ferry, scratch):
    database = shop(scratch / "source.db")
    edit(database, "CREATE TABLE still (a INTEGER PRIMARY KEY, b TEXT)",
         "INSERT INTO still VALUES (1, 'x')", "CREATE TABLE gone (a)")
    ferry.capture(database)
    ferry.replay()
    result = check(database, "-r", ferry.repository, target=ferry.target, expect=OK)
    assert {line["step"] for line in result.tables().values()} == {"keep"}
    assert foretold_columns(result) == target_columns(ferry.target)
    # Another declaration, a value that the type does not hold, a new table, one that is gone.
    edit(database, "ALTER TABLE artist ADD COLUMN country TEXT", "UPDATE album SET artist = 'x' "
         "WHERE id = 4", "CREATE TABLE fresh (a INTEGER)", "DROP TABLE gone")
    result = check(database, "-r", ferry.repository, target=ferry.target, expect=OK)
    steps = {name: line["step"] for name, line in result.tables().items()}
    assert steps.pop("artist") in ("alter", "refill")
    assert steps == {"album": "refill", "still": "keep", "fresh": "make"}
    assert "gone" in str(findings(result, "note"))
    ferry.capture(database)
    ferry.replay()
    assert foretold_columns(result) == target_columns(ferry.target)
    assert sorted(index["name"] for line in result.tables().values() for index in line["indexes"]
                  if index["carried"]) == target_indexes(ferry.target)


def test_sql_leaves_out_what_stands(ferry, scratch, tmp):
    database = shop(scratch / "source.db")
    ferry.capture(database)
    ferry.replay()
    edit(database, "CREATE TABLE fresh (a INTEGER)")
    result = run("check", "--sql", "-r", ferry.repository, "-d", ferry.target.conninfo, database,
                 env={"TMPDIR": str(tmp)})
    assert result.code == OK and result.out.count("CREATE TABLE") == 1, str(result)
    ferry.target.script(result.out)
    assert "fresh" in ferry.target.tables()


def test_rules_that_came_too_late_are_told(check, ferry, scratch):
    database = shop(scratch / "source.db")
    ferry.capture(database)
    ferry.replay()
    (scratch / "rules.yaml").write_text(
        "tables:\n  rules:\n    - table: album\n      columns:\n"
        "        - {column: price, type: numeric}\n")
    result = check(database, "-r", ferry.repository, "-c", scratch / "rules.yaml",
                   target=ferry.target, expect=OK)
    assert "--remake" in str(result.tables()["album"]["notes"]), result
    assert result.tables()["artist"]["notes"] == []


def test_views_that_are_asked_for(check, ferry, scratch, server, tmp):
    database = shop(scratch / "source.db")
    config = scratch / "rules.yaml"
    config.write_text("objects:\n  - {name: titles}\n  - {name: absent}\n")
    result = check(database, "-c", config, expect=OK)
    objects = {line["name"]: line for line in result.of_type("object")}
    assert objects["titles"]["carried"] and not objects["silent"]["carried"]
    assert "absent" in findings(result, "warning")[0]["what"]
    ferry.capture(database)
    ferry.replay("-c", config)
    other = server.create()
    try:
        other.script(run("check", "--sql", "-c", config, database, env={"TMPDIR": str(tmp)}).out)
        assert dump(other) == dump(ferry.target)
    finally:
        other.drop()


# What is left out, and what is selected

def test_what_does_not_come_along_is_told(check, scratch):
    db = makedb.connect(shop(scratch / "source.db"))
    db.execute("CREATE VIRTUAL TABLE words USING fts5(word)")
    db.close()
    result = check(scratch / "source.db")
    objects = {(line["kind"], line["name"]): line for line in result.of_type("object")}
    assert ("view", "titles") in objects and ("trigger", "silent") in objects
    assert "fts5" in objects["virtual", "words"]["reason"]
    assert "words" in objects["table", "words_data"]["reason"]
    assert all(line["reason"] for line in objects.values())
    assert "words" not in result.tables()


def test_only_some_tables(check, scratch):
    database = shop(scratch / "source.db")
    assert set(check(database, "-t", "art*").tables()) == {"artist"}
    assert set(check(database, "-T", "art*").tables()) == {"album"}


def test_an_empty_database(check, scratch):
    sqlite3.connect(scratch / "empty.db").execute("VACUUM")
    result = check(scratch / "empty.db", expect=OK)
    assert result.lines == [result.summary] and result.summary["tables"] == 0


# For people

STRICT = ["--on-mismatch", "set-aside"]


def read(database, *args, tmp, expect):
    result = run("check", *args, database, env={"TMPDIR": str(tmp)})
    assert result.code == expect, str(result)
    return result.out


def test_for_people(scratch, tmp, target):
    out = read(shop(scratch / "source.db"), "-d", target.conninfo, tmp=tmp, expect=OK)
    for line in ("ok       encoding             UTF8", "table album: 30 rows, key id",
                 "left out: view titles (in the archives, but not made in the target)",
                 "2 tables, 60 rows: every row fits as it is"):
        assert line in out.splitlines(), out
    assert "30 integers (1 to 30)" in out and "30 blobs up to 1 byte" in out


def test_twenty_values_a_table_and_all_with_v(scratch, tmp):
    db = makedb.connect(scratch / "source.db")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)")
    db.executemany("INSERT INTO t VALUES (?, ?)", [(i, "text") for i in range(1234)])
    db.execute("INSERT INTO t VALUES (-1, ?)", (b"blob",))
    db.close()
    out = read(scratch / "source.db", *STRICT, tmp=tmp, expect=SET_ASIDE)
    assert out.count("\nset aside: ") == 20
    assert "... and 1,214 more; -v lists all\n1,234 rows would be set aside\n" in out
    assert read(scratch / "source.db", "-v", *STRICT, tmp=tmp, expect=SET_ASIDE).count("\nset aside: ") == 1234


def test_nothing_dangerous_reaches_the_terminal(scratch, tmp):
    db = makedb.connect(scratch / "source.db")
    evil = "\x1b[2J\n\u202etable\r\x07"
    db.execute(f"CREATE TABLE {quote(evil)} ({quote(evil)} TEXT PRIMARY KEY NOT NULL, "
               f"b INTEGER DEFAULT {literal(evil)})")
    db.execute(f"INSERT INTO {quote(evil)} VALUES (?, ?)", (evil, evil))
    db.execute(f"CREATE VIEW {quote(evil + 'v')} AS SELECT 1")
    db.close()
    out = read(scratch / "source.db", *STRICT, tmp=tmp, expect=SET_ASIDE)
    assert not set("\x1b\r\x07\u202e") & set(out), repr(out)
    assert "\ntable" not in out.replace("\ntable \\e", ""), "no line is forged"


def test_quiet(scratch, tmp):
    assert read(misfits(scratch / "source.db"), "-q", *STRICT, tmp=tmp, expect=SET_ASIDE) == ""


# The command line

def test_the_example_is_a_configuration(scratch, check):
    result = run("check", "--example-config")
    assert result.code == OK and result.out and not result.err
    (scratch / "rowferry.yaml").write_text(result.out)
    check(shop(scratch / "source.db"), "-c", scratch / "rowferry.yaml", expect=OK)


def test_sql_and_json_exclude_each_other(scratch):
    result = run("check", "--sql", "--json", "x.db")
    assert result.code == USAGE and "--sql and --json" in result.err


def test_a_database_is_needed():
    assert run("check").code == USAGE
