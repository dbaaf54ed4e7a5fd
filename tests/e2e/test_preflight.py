"""What is found before anything is written: check tells all of it, sync and replay end at what stops
them and change nothing."""

import json
import os
import sqlite3
import time

import pytest

from program import CONNECT, MISPLACED, OK, SET_ASIDE, run

SHIP = """
CREATE TABLE version (number INTEGER, compatible INTEGER);
INSERT INTO version VALUES (92, 88);
CREATE TABLE chore (name TEXT, done BOOLEAN);
CREATE TABLE crew (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO crew VALUES (1, 'ada'), (2, 'bob');
"""
HARBOUR = """
CREATE TABLE version (number int, compatible int);
INSERT INTO version VALUES (92, 88);
CREATE TABLE chore (name text, done bool);
CREATE TABLE crew (id bigint PRIMARY KEY, name text);
"""


@pytest.fixture
def ship(scratch):
    path = scratch / "ship.db"
    db = sqlite3.connect(path)
    db.executescript(SHIP)
    db.close()
    return path


@pytest.fixture
def harbour(target):
    target.script(HARBOUR)
    return target


@pytest.fixture
def rules(scratch):
    def write(text):
        path = scratch / "rules.yaml"
        path.write_text(text)
        return ["-c", path]
    return write


def requirement(text, table="version"):
    """Its target's table stands on both sides; version itself is the target's own."""
    return f"existing: true\ntables:\n  exclude: [{table}, chore]\nrequirements:\n  - {text}\n"


def change(path, *statements):
    db = sqlite3.connect(path)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def check(database, target, *args, expect=(OK, SET_ASIDE)):
    result = run("check", "--json", "-d", getattr(target, "conninfo", target), *args, database)
    assert result.code in (expect if isinstance(expect, tuple) else (expect,)), str(result)
    return result


def sync(ferry, database, *args, expect=OK, **kw):
    return ferry.command("sync", *args, database, target=True, expect=expect, **kw)


def named(result, name):
    found = [f for f in result.summary["preflight"] if f["name"] == name]
    assert len(found) == 1, (name, result.summary["preflight"])
    assert set(found[0]) == {"name", "state", "found", "wanted", "hint"}
    return found[0]


def state(result, name):
    return named(result, name)["state"]


# What every check tells

def test_everything_that_is_looked_at(ship, target):
    result = check(ship, target)
    names = [f["name"] for f in result.summary["preflight"]]
    for name in ("server", "encoding", "role", "rights", "schema", "lock", "ledger", "source file",
                 "source journal", "source encoding", "source auto_vacuum", "server's disk",
                 "shared_buffers", "effective_cache_size", "maintenance_work_mem", "work_mem",
                 "autovacuum_work_mem", "max_wal_size", "fsync", "synchronous_commit", "wal_level"):
        assert names.count(name) == 1, (name, names)
    assert not [f for f in result.summary["preflight"] if f["state"] == "stop"]


def test_nothing_of_it_without_a_target(ship):
    result = run("check", "--json", ship)
    assert result.code == OK and result.summary["preflight"] == []


def test_each_note_names_the_statement_that_mends_it(ship, target):
    for finding in check(ship, target).summary["preflight"]:
        if finding["state"] in ("note", "warning") and finding["name"] != "order of text":
            assert finding["hint"] and finding["wanted"], finding
            if "ALTER SYSTEM" in finding["hint"]:
                statement = finding["hint"].split(";")[0]
                assert finding["name"] in statement and finding["wanted"] in statement


def test_the_statements_mend_what_they_are_for(ship, own_server):
    """Every line is taken at its word, and the server asked again."""
    target = own_server.create()
    before = check(ship, target)
    lines = [f["hint"].split(";")[0] for f in before.summary["preflight"]
             if "ALTER SYSTEM" in f["hint"]]
    assert lines
    for line in lines:
        target.script(line)
    own_server.stop()
    own_server.start()
    after = check(ship, target)
    assert not [f for f in after.summary["preflight"] if "ALTER SYSTEM" in f["hint"]]
    for name in ("wal_level", "work_mem", "shared_buffers", "effective_cache_size"):
        shown = target.value(f"SELECT current_setting('{name}')")
        assert named(after, name)["found"] == shown


def test_settings_of_the_role_count(ship, target):
    target.script(f"ALTER DATABASE {target.name} SET synchronous_commit = off")
    try:
        found = named(check(ship, target), "synchronous_commit")
    finally:
        target.script(f"ALTER DATABASE {target.name} RESET synchronous_commit")
    assert found["state"] == "warning" and found["found"].startswith("off")


@pytest.mark.parametrize("mode, word", [(1, "full"), (2, "incremental")])
def test_auto_vacuum_is_harmless(scratch, target, mode, word):
    db = sqlite3.connect(scratch / "a.db")
    db.execute(f"PRAGMA auto_vacuum = {mode}")
    db.execute("CREATE TABLE t (v)")
    db.close()
    found = named(check(scratch / "a.db", target), "source auto_vacuum")
    assert found["state"] == "ok" and word in found["found"] and "harmless" in found["found"]


def test_the_source_is_told_as_it_is(scratch, target):
    path = scratch / "w.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA page_size = 8192")
    db.execute("PRAGMA encoding = 'UTF-16be'")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE t (v)")
    size = (scratch / "w.db-wal").stat().st_size
    result = check(path, target)
    assert "8192" in named(result, "source file")["found"]
    assert "UTF-16" in named(result, "source encoding")["found"]
    journal = named(result, "source journal")["found"]
    assert journal.startswith("WAL") and f" {size} bytes" in journal
    db.close()


def test_a_file_that_was_cut_off(scratch, target):
    """Its last page is a free one, so that nothing else misses it."""
    path = scratch / "cut.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE t (v)")
    db.execute("INSERT INTO t VALUES (zeroblob(40000))")
    db.execute("DELETE FROM t")
    db.close()
    path.write_bytes(path.read_bytes()[:-4096])
    result = run("check", "--json", "-d", target.conninfo, path)
    if "preflight" in result.summary:
        found = named(result, "source file")
        assert found["state"] == "warning" and "integrity_check" in found["hint"]
    else:
        assert result.code == 3, str(result)


def test_the_servers_disk(ship, target, server):
    """Seen by whoever may know where it is."""
    assert str(server.dir) in named(check(ship, target), "server's disk")["found"]
    target.script("DROP ROLE IF EXISTS sailor; CREATE ROLE sailor LOGIN")
    target.script(f"GRANT CREATE ON DATABASE {target.name} TO sailor; "
                  "GRANT ALL ON SCHEMA public TO sailor")
    try:
        found = named(check(ship, f"{target.conninfo} user=sailor"), "server's disk")
    finally:
        target.script("DROP OWNED BY sailor; DROP ROLE sailor")
    assert found["state"] == "note" and "MiB" in found["wanted"] and "data_directory" in found["hint"]


def test_for_people(ship, target):
    out = run("check", "-d", target.conninfo, ship).out.splitlines()
    assert "ok       source auto_vacuum   none" in out
    assert any(line.startswith("ok       server's disk") for line in out), out


# The order of text

@pytest.fixture
def english(server):
    server.admin.script("CREATE DATABASE english TEMPLATE template0 ENCODING 'UTF8' "
                        "LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
    yield server.conninfo("english")
    server.admin.script("DROP DATABASE english WITH (FORCE)")


@pytest.fixture
def icu(server):
    server.admin.script("CREATE DATABASE icu TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' "
                        "LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
    yield server.conninfo("icu")
    server.admin.script("DROP DATABASE icu WITH (FORCE)")


@pytest.mark.parametrize("database", ["english", "icu"])
def test_another_locale_than_the_rules_want(ship, archive_only, rules, request, database):
    conninfo = request.getfixturevalue(database)
    wants = rules("locale: C\n")
    found = named(check(ship, conninfo, *wants, expect=MISPLACED), "locale")
    assert found["state"] == "stop" and "--locale=C --template=template0" in found["hint"]
    failed = run("sync", "--json", "-r", archive_only.repository, "-d", conninfo, *wants, ship)
    assert failed.code == MISPLACED and "createdb" in failed.error["hint"]
    assert failed.summary["capture"] is None and failed.summary["replay"] is None
    assert archive_only.newest() is None, "nothing was captured"
    assert state(check(ship, conninfo, *wants, "--any-locale"), "locale") == "warning"
    done = run("sync", "-r", archive_only.repository, "-d", conninfo, *wants, "--any-locale", ship)
    assert done.code == OK and "warning: locale: " in done.err
    unasked = check(ship, conninfo, "-r", archive_only.repository).summary["preflight"]
    assert "locale" not in [f["name"] for f in unasked]


def test_the_command_in_the_hint_makes_such_a_database(ship, english, rules, server):
    wants = rules("locale: C\n")
    hint = named(check(ship, english, *wants, expect=MISPLACED), "locale")["hint"]
    assert "--encoding=UTF8 --locale=C --template=template0" in hint
    fine = server.create()
    assert state(check(ship, fine, *wants), "locale") == "ok"
    fine.drop()


# What the rules require

def test_equal_and_not(ship, harbour, ferry, rules):
    wants = rules(requirement(
        "{name: schema version, source: SELECT * FROM version, target: SELECT * FROM version, "
        "hint: update the older one.}"))
    assert named(check(ship, harbour, *wants), "schema version")["found"] == \
        "source: 92 | 88, target: 92 | 88"
    harbour.script("UPDATE version SET number = 91")
    failed = sync(ferry, ship, *wants, expect=MISPLACED)
    found = named(failed, "schema version")
    assert found["state"] == "stop" and "91" in found["found"] and "92" in found["found"]
    assert failed.error["hint"] == "update the older one." and "schema version" in failed.error["what"]
    assert ferry.newest() is None and harbour.rows("SELECT * FROM crew") == []
    assert harbour.value("SELECT to_regnamespace('rowferry')") is None
    harbour.script("UPDATE version SET number = 92")
    sync(ferry, ship, *wants)
    assert len(harbour.rows("SELECT * FROM crew")) == 2


def test_rows_in_any_order(ship, harbour, rules):
    change(ship, "INSERT INTO version VALUES (7, NULL), (8, 1)")
    harbour.script("INSERT INTO version VALUES (8, 1), (7, NULL)")
    wants = rules(requirement("{name: all, source: SELECT * FROM version ORDER BY 1, "
                              "target: SELECT * FROM version ORDER BY 1 DESC;}"))
    assert state(check(ship, harbour, *wants), "all") == "ok"
    harbour.script("INSERT INTO version VALUES (8, 1)")
    assert state(check(ship, harbour, *wants, expect=MISPLACED), "all") == "stop"


@pytest.mark.parametrize("expect, rows, fine", [
    ("nothing", "", True), ("nothing", "INSERT INTO chore VALUES ('paint', true)", False),
    ("something", "", False), ("something", "INSERT INTO chore VALUES ('paint', true)", True)])
def test_nothing_and_something(ship, harbour, rules, expect, rows, fine):
    harbour.script(rows)
    wants = rules(requirement(f"{{name: chores, target: SELECT name FROM chore, expect: {expect}}}"))
    found = named(check(ship, harbour, *wants, expect=OK if fine else MISPLACED), "chores")
    assert (found["state"] == "ok") == fine
    assert ("paint" in found["found"]) == bool(rows)


def test_each_side_is_asked(ship, harbour, rules):
    change(ship, "INSERT INTO chore VALUES ('mend', 0)")
    wants = rules(requirement("{name: chores, source: SELECT name FROM chore, "
                              "target: SELECT name FROM chore, expect: nothing}"))
    found = named(check(ship, harbour, *wants, expect=MISPLACED), "chores")
    assert "source: mend" in found["found"] and "target: no row" in found["found"]


def test_a_warning_lets_it_go_on_and_is_told_once(ship, harbour, ferry, rules):
    wants = rules(requirement("{name: chores, target: SELECT name FROM chore, expect: something, "
                              "warns: true, hint: do one.}"))
    first = run("sync", "-r", ferry.repository, "-d", harbour.conninfo, *wants, ship)
    assert first.code == OK and "warning: chores: target: no row" in first.err
    assert "do one." in first.err
    again = run("sync", "-r", ferry.repository, "-d", harbour.conninfo, *wants, ship)
    assert again.code == OK and "chores" not in again.err


def test_when(ship, harbour, ferry, rules):
    """The first is asked while nothing stands; the last by --final, and by check as a warning."""
    wants = rules(
        "existing: true\ntables: {exclude: [version, chore]}\nrequirements:\n"
        "  - {name: fresh, target: SELECT id FROM crew, expect: nothing, when: first}\n"
        "  - {name: tidy, target: SELECT name FROM chore, expect: nothing, when: final}\n")
    harbour.script("INSERT INTO chore VALUES ('paint', false)")
    looked = check(ship, harbour, *wants)
    assert state(looked, "fresh") == "ok" and state(looked, "tidy") == "warning"
    harbour.script("INSERT INTO crew VALUES (9, 'stowaway')")
    sync(ferry, ship, *wants, expect=MISPLACED)
    harbour.script("DELETE FROM crew")
    names = [f["name"] for f in sync(ferry, ship, *wants).summary["preflight"]]
    assert "fresh" in names and "tidy" not in names
    names = [f["name"] for f in sync(ferry, ship, *wants).summary["preflight"]]
    assert "fresh" not in names and "tidy" not in names
    failed = sync(ferry, ship, *wants, "--final", expect=MISPLACED)
    assert "tidy" in failed.error["what"]
    harbour.script("DELETE FROM chore")
    sync(ferry, ship, *wants, "--final")


def test_a_replay_has_no_source_to_ask(ship, harbour, ferry, rules):
    wants = rules(
        "existing: true\ntables: {exclude: [version, chore]}\nrequirements:\n"
        "  - {name: same, source: SELECT 1, target: SELECT 2}\n"
        "  - {name: theirs, target: SELECT name FROM chore, expect: nothing}\n")
    ferry.capture(ship)
    done = ferry.replay(*wants)
    assert state(done, "same") == "note" and "not at hand" in named(done, "same")["found"]
    assert state(done, "theirs") == "ok"
    harbour.script("INSERT INTO chore VALUES ('x', true)")
    ferry.replay(*wants, expect=MISPLACED)


@pytest.mark.parametrize("side, sql, words", [
    ("target", "SELECT 1 FROM absent", ("absent", "let the application make them")),
    ("source", "SELECT 1 FROM absent", ("no such table", "check the path")),
    ("target", "SELECT number FROM version; DELETE FROM crew", ("multiple commands",)),
    ("source", "SELECT 1; DELETE FROM crew", ("not one statement",)),
    ("target", "DELETE FROM crew", ()),
    ("target", "WITH gone AS (DELETE FROM crew RETURNING 1) SELECT * FROM gone", ()),
    ("target", "SELECT set_config('transaction_read_only', 'off', false) FROM version", ()),
    ("target", "COMMIT", ()),
    ("source", "DELETE FROM crew", ("query",)),
    ("source", "ATTACH '/tmp/rowferry-attached.db' AS other", ()),
    ("source", "SELEKT 1", ("syntax error",)),
    ("target", "SELEKT 1", ("syntax error",)),
    ("target", "SELECT 1/0", ("division by zero",)),
    ("target", "SELECT pg_catalog.pg_sleep(1000)", ("10 seconds",)),
    ("source", "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
               "SELECT count(*) FROM n", ("10 seconds",)),
])
def test_a_query_that_fails_stops_the_run(ship, harbour, ferry, rules, side, sql, words):
    harbour.script("INSERT INTO crew VALUES (7, 'stays')")
    before = ship.read_bytes()
    wants = rules("existing: true\ntables: {exclude: [version, chore]}\nrequirements:\n"
                  f"  - name: it\n    {side}: {sql!r}\n    expect: something\n")
    failed = sync(ferry, ship, *wants, expect=MISPLACED)
    found = named(failed, "it")
    assert found["state"] == "stop" and f"query of the {side}" in found["found"], found
    assert "rules.yaml:4:" in found["found"], found
    for word in words:
        assert word in str(found), found
    assert harbour.rows("SELECT * FROM crew") == [["7", "stays"]]
    assert ship.read_bytes() == before and ferry.newest() is None
    assert not os.path.exists("/tmp/rowferry-attached.db")


def test_an_answer_without_end_is_left_early(ship, harbour, rules):
    wants = rules(requirement(
        "{name: many, target: 'SELECT generate_series(1, 1000000000)', source: 'WITH RECURSIVE n (i)"
        " AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n'}"))
    began = time.monotonic()
    found = named(check(ship, harbour, *wants, expect=MISPLACED), "many")
    assert found["state"] == "stop" and "more than 100 rows" in found["found"]
    assert "short enough" in found["wanted"]
    assert time.monotonic() - began < 60


def test_odd_words_in_answers(ship, harbour, rules):
    """They are compared byte for byte, and may stand in a message."""
    change(ship, "UPDATE version SET number = 'a''b' || char(10) || 'é' || '\\'")
    harbour.script("ALTER TABLE version ALTER number TYPE text; "
                   "UPDATE version SET number = 'a''b' || chr(10) || 'é' || '\\'")
    wants = rules(requirement("{name: odd, source: SELECT number FROM version, "
                              "target: SELECT number FROM version}"))
    assert state(check(ship, harbour, *wants), "odd") == "ok"
    harbour.script("UPDATE version SET number = number || ' '")
    result = run("check", "-d", harbour.conninfo, *wants, ship)
    assert result.code == MISPLACED
    assert state(check(ship, harbour, *wants, expect=MISPLACED), "odd") == "stop"


def test_names_are_those_of_the_schema(ship, target, rules):
    target.script(f'CREATE SCHEMA "my \'\'own"; SET search_path = "my \'\'own"; {HARBOUR}')
    wants = rules(requirement("{name: v, source: SELECT number FROM version, "
                              "target: SELECT number FROM version}"))
    assert state(check(ship, target, "--schema", "my ''own", *wants), "v") == "ok"
    found = named(check(ship, target, *wants, expect=MISPLACED), "v")
    assert "public" in found["hint"]


# Tables that nothing feeds

def test_tables_that_nothing_feeds(ship, harbour):
    harbour.script("CREATE TABLE cargo (v int); INSERT INTO cargo SELECT generate_series(1, 7);"
                   "CREATE TABLE void (v int); CREATE TABLE void2 (v int);"
                   "CREATE TABLE heap (v int); INSERT INTO heap SELECT generate_series(1, 10001)")
    told = [f["found"] for f in check(ship, harbour, "--existing").summary["preflight"]
            if f["name"] == "tables"]
    assert told == ["nothing of the source feeds table cargo, which has 7 rows",
                    "nothing of the source feeds table heap, which has more than 10000 rows",
                    "nothing of the source feeds 2 more tables, which are empty"]


# Tables split over two databases

SPLIT = """
existing: true
tables: {exclude: [version, chore]}
stores: [{name: main, tables: ["*"]}, {name: state, tables: [nothing]}]
requirements:
  - {name: fresh, target: SELECT id FROM crew, expect: nothing, when: first, store: main}
  - {name: bare, target: "SELECT 1 FROM pg_class WHERE relname = 'crew'", expect: nothing, store: state}
"""


def test_every_database_is_looked_at(scratch, ship, harbour, server, rules):
    other = server.create()
    wants = rules(SPLIT)
    parts = [dict(part.split("=", 1) for part in t.conninfo.split()) for t in (harbour, other)]
    config = scratch / "homeserver.yaml"
    config.write_text(json.dumps({"databases": {
        name: {"name": "psycopg2", "data_stores": [name], "args": part}
        for name, part in zip(("main", "state"), parts)}}))
    where = [*wants, "--postgres-config", config, "-r", scratch / "repo"]
    done = run("sync", "--json", *where, "--final", ship)
    assert done.code == OK, str(done)
    names = [f["name"] for f in done.summary["preflight"]]
    assert {"server (main)", "server (state)", "fresh (main)", "bare (state)"} <= set(names)
    assert "fresh (state)" not in names and names.count("source file") == 1
    assert [s["different"] for s in done.summary["verify"]["stores"]] == [0, 0]
    assert done.summary["final"]["rows"] == 2
    other.script("CREATE TABLE crew (id int)")
    failed = run("sync", "--json", *where, ship)
    assert failed.code == MISPLACED and "bare (state)" in failed.error["what"], str(failed)
    looked = run("check", "--json", *where, ship)
    states = {store["name"]: {f["name"]: f["state"] for f in store["preflight"]}
              for store in looked.summary["stores"]}
    assert states["state"]["bare"] == "stop" and "bare" not in states["main"]
    other.drop()


# What ends a run early, and what does not

def test_a_role_that_may_not_make_tables(ship, target, archive_only):
    target.script("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
    try:
        failed = run("sync", "--json", "-r", archive_only.repository, "-d",
                     f"{target.conninfo} user=guest", ship)
    finally:
        target.script("DROP ROLE guest")
    assert failed.code == CONNECT and "GRANT CREATE" in failed.error["hint"]
    assert failed.summary["capture"] is None and archive_only.newest() is None


def test_a_standby(ship, own_server, archive_only):
    target = own_server.create()
    own_server.stop()
    signal_file = own_server.dir / "data" / "standby.signal"
    signal_file.touch()
    own_server.start()
    try:
        failed = run("sync", "--json", "-r", archive_only.repository, "-d", target.conninfo, ship)
    finally:
        own_server.stop()
        signal_file.unlink()
        own_server.start()
    assert failed.code == MISPLACED and "standby" in failed.error["what"], str(failed)
    assert "primary" in failed.error["hint"] and archive_only.newest() is None


def test_another_encoding(ship, server, archive_only):
    server.admin.script("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' "
                        "LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        failed = run("sync", "--json", "-r", archive_only.repository, "-d",
                     server.conninfo("latin"), ship)
    finally:
        server.admin.script("DROP DATABASE latin WITH (FORCE)")
    assert failed.code == MISPLACED
    assert "createdb --encoding=UTF8 --locale=C --template=template0" in failed.error["hint"]
    assert archive_only.newest() is None


def test_a_server_out_of_reach_does_not_keep_from_capturing(ship, archive_only):
    failed = run("sync", "--json", "-r", archive_only.repository, "-d", "host=/nowhere", ship)
    assert failed.code == CONNECT and archive_only.newest() == 1
    assert state(failed, "server") == "warning"


def test_two_things_in_the_way(ship, harbour, ferry, rules):
    wants = rules("existing: true\ntables: {exclude: [version, chore]}\nrequirements:\n"
                  "  - {name: one, target: SELECT 1, expect: nothing}\n"
                  "  - {name: two, target: SELECT 1, expect: nothing}\n")
    failed = sync(ferry, ship, *wants, expect=MISPLACED)
    assert "one" in failed.error["what"] and "first of 2 things" in failed.error["detail"]
