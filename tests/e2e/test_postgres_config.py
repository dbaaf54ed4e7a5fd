"""The target is named by the application's own configuration: one database, and tables split over
two. The files are written as an administrator writes them."""

import json
import os
import signal

import pytest

import makedb
from compare import assert_same
from pgproxy import CallInCopy, CutBeforeCommit, Proxy
from postgres import Target
from program import CONNECT, DAMAGED, MISPLACED, OK, SET_ASIDE, STORAGE, USAGE, Running, run
from trips import run_sql

ONLY = ["affinities", "no_key", "without"]
SECRET = "it's a \\ s3cr:et \"w0rd\""


def parts_of(target):
    return dict(part.split("=", 1) for part in target.conninfo.split())


def args_of(target, **more):
    parts = parts_of(target)
    parts["database"] = parts.pop("dbname")
    return {**parts, **more}


def section(args, **more):
    return {"name": "psycopg2", "args": args, **more}


def write(path, document):
    """JSON is YAML; around the section stands what an application may have there."""
    lines = ["# settings", "server_name: \"example.test\"", "base: &base {a: 1}",
             "listeners: [{<<: *base, tls: !maybe yes}]", "text: |", "  database:",
             "    name: sqlite3"]
    lines += [f"{key}: {json.dumps(value)}" for key, value in document.items()]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def source(scratch):
    path = scratch / "source.db"
    makedb.build(path, 77, only=ONLY)
    return path


@pytest.fixture
def second(server):
    target = server.create()
    yield target
    target.drop()


@pytest.fixture
def config(scratch, target):
    return write(scratch / "homeserver.yaml", {"database": section(args_of(target, cp_max=4))})


def sync(scratch, source, config, *rest, **kw):
    return run("sync", "--json", "-r", scratch / "repo", "--postgres-config", config, *rest,
               source, **kw)


# ---- one database ----


def test_every_command_takes_it(scratch, source, target, config):
    result = sync(scratch, source, config)
    assert result.code in (OK, SET_ASIDE), str(result)
    assert "stores" not in result.summary["replay"] and "store" not in result.lines[-2]
    assert_same(source, target)
    for command, operand in (("replay", []), ("verify", []), ("status", []), ("check", [source])):
        again = run(command, "--json", "-r", scratch / "repo", "--postgres-config", config,
                    *operand)
        assert again.code == (OK if command == "status" else result.code), str(again)
        assert "stores" not in again.summary
        told = "target" if command in ("status", "check") else "summary"
        assert all("store" not in line for line in again.of_type(told)) and again.of_type(told)
    status = run("status", "-r", scratch / "repo", "--postgres-config", config)
    assert f"dbname='{target.name}'" in status.out and "state       ready" in status.out


def test_a_password_with_everything_in_it(scratch, source, target, server):
    server.require_password("synapse_user", SECRET)
    target.script(f'GRANT CREATE ON DATABASE "{target.name}" TO synapse_user;'
                  "GRANT ALL ON SCHEMA public TO synapse_user")
    args = args_of(target, user="synapse_user", password=SECRET)
    config = write(scratch / "h.yaml", {"database": section(args)})
    for command, operand in (("sync", [source]), ("replay", []), ("verify", []), ("status", []),
                             ("check", [source])):
        for extra in ([], ["-v"], ["--json"]):
            result = run(command, "-r", scratch / "repo", "--postgres-config", config, *extra,
                         *operand)
            assert result.code in (OK, SET_ASIDE), str(result)
            assert "cr:et" not in result.out + result.err, str(result)
    assert_same(source, target)
    wrong = write(scratch / "w.yaml",
                  {"database": section({**args, "password": SECRET.upper()})})
    for extra in ([], ["-v"], ["--json"]):
        result = sync(scratch, source, wrong, *extra)
        assert result.code == CONNECT, str(result)
        assert "CR:ET" not in result.out + result.err, str(result)


@pytest.mark.parametrize("maximum", [2, 3, 4])
def test_connections_are_counted(scratch, source, target, server, maximum):
    """The server lets in no more than the pool of the application holds."""
    role = f"pool{maximum}"
    server.admin.script(f"DROP ROLE IF EXISTS {role};"
                        f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {maximum}")
    target.script(f'GRANT CREATE ON DATABASE "{target.name}" TO {role};'
                  f"GRANT ALL ON SCHEMA public TO {role}")
    config = write(scratch / "h.yaml",
                   {"database": section(args_of(target, user=role, cp_min=1, cp_max=maximum))})
    result = sync(scratch, source, config, "-j", "8")
    assert result.code in (OK, SET_ASIDE), str(result)
    run_sql(source, ["DELETE FROM no_key WHERE rowid % 3 = 0"])
    assert sync(scratch, source, config, "-j", "8", "-v").code == result.code
    verified = run("verify", "-j", "8", "-r", scratch / "repo", "--postgres-config", config)
    assert verified.code == result.code, str(verified)
    assert_same(source, target)


def test_the_target_goes_before_the_file_and_the_file_before_our_own(scratch, source, target,
                                                                     second, config):
    own = scratch / "rowferry.yaml"
    own.write_text(f"repo: {scratch / 'repo'}\ntarget: {second.conninfo}\n")
    run("sync", "-c", own, "--postgres-config", config, source)
    assert target.tables() and not second.tables()
    elsewhere = write(scratch / "e.yaml", {"database": section({"dbname": "no_such_database"})})
    run("sync", "-c", own, "--postgres-config", elsewhere, "-d", second.conninfo, source)
    assert second.tables() == target.tables()


def test_a_later_file_replaces_the_section(scratch, source, target, config):
    other = write(scratch / "other.yaml", {"database": section({"dbname": "no_such_database"})})
    none = write(scratch / "none.yaml", {})
    assert sync(scratch, source, other, "--postgres-config", config, "--postgres-config",
                none).code in (OK, SET_ASIDE)
    assert target.tables()


@pytest.mark.parametrize("document, words", [
    ({}, "there is no database section"),
    ({"database": None}, "there is no database section"),
    ({"database": {"name": "sqlite3", "args": {"database": "/data/homeserver.db"}}},
     "its name is sqlite3"),
    ({"database": section({"user": "u"})}, "names no database"),
    ({"database": section({"dbname": "a", "database": "b"})}, "names two databases"),
    ({"database": section({"dbname": "a"}), "databases": {"x": section({"dbname": "b"})}},
     "both database and databases"),
    ({"database": section({"dbname": "a", "colour": "blue"})}, "colour is no keyword of libpq"),
    ({"databases": {"a": section({"dbname": "a"}, data_stores=["main"]),
                    "b": section({"dbname": "b"}, data_stores=["state"])}},
     "nothing says which table goes where"),
])
def test_a_section_that_names_no_target(scratch, source, document, words):
    config = write(scratch / "h.yaml", document)
    result = sync(scratch, source, config)
    assert result.code == USAGE, str(result)
    assert words in result.error["what"] and result.error["hint"] or "both" in words, str(result)
    assert not (scratch / "repo").exists(), "nothing was captured"


def test_a_file_that_is_none(scratch, source):
    text = scratch / "h.yaml"
    text.write_text("database: {name: psycopg2\n")
    folder = scratch / "folder.yaml"
    folder.mkdir()
    for path, words in ((text, "not YAML"), (folder, "Is a directory"),
                        (scratch / "absent.yaml", "No such file"), ("", "is empty"),
                        (source, "not YAML")):
        result = sync(scratch, source, path)
        assert result.code == USAGE and words in result.error["what"], str(result)


def test_a_file_that_may_not_be_read(scratch, source):
    closed = write(scratch / "h.yaml", {"database": section({"dbname": "d"})})
    closed.chmod(0)
    result = sync(scratch, source, closed, prefix=drop_privileges())
    assert result.code == STORAGE and "Permission denied" in result.error["what"], str(result)


def drop_privileges():
    """As root everything may be read."""
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    return user if os.geteuid() == 0 else []


# ---- two databases ----

STORES = """
stores:
  - {name: main, tables: ["*"]}
  - {name: state, tables: [without, "no_*"]}
"""
MAIN, STATE = ["affinities"], ["no_key", "without"]


@pytest.fixture
def split(scratch, target, second):
    """Both configurations: the application's, and ours with the stores."""
    own = scratch / "rowferry.yaml"
    own.write_text(f"repo: {scratch / 'repo'}\n{STORES}")
    config = write(scratch / "homeserver.yaml", {"databases": {
        "master": section(args_of(target), data_stores=["main"]),
        "other": section(args_of(second), data_stores=["state"]),
    }})
    return ["-c", own, "--postgres-config", config]


def both(source, target, second):
    one = assert_same(source, target, tables=MAIN)
    return one, assert_same(source, second, tables=STATE)


def test_tables_split_over_two_databases(scratch, source, target, second, split):
    first = run("sync", "--json", *split, source)
    aside = both(source, target, second)
    wanted = SET_ASIDE if any(aside) else OK
    assert first.code == wanted, str(first)
    assert "mode" not in first.summary["replay"]
    stores = first.summary["replay"]["stores"]
    assert [(s["name"], s["mode"], s["set_aside_total"]) for s in stores] == \
        [("main", "load", aside[0]), ("state", "load", aside[1])]
    assert {line["table"]: line.get("store") for line in first.of_type("table")
            if line["command"] == "replay"} == {
                "affinities": "main", "no_key": "state", "without": "state"}
    assert all("store" not in line for line in first.of_type("table")
               if line["command"] == "capture")

    again = run("sync", "--json", *split, source)
    assert [s["mode"] for s in again.summary["replay"]["stores"]] == ["none", "none"]
    run_sql(source, ["DELETE FROM no_key WHERE rowid % 2 = 0"])
    changed = run("sync", "--json", *split, source)
    stores = changed.summary["replay"]["stores"]
    assert [s["mode"] for s in stores] == ["delta", "delta"]
    assert stores[0]["deleted"] == 0 and stores[1]["deleted"] > 0
    both(source, target, second)
    assert target.stands_at() == second.stands_at() == 2

    verified = run("verify", "--json", *split)
    assert verified.code == wanted, str(verified)
    assert [(s["name"], s["snapshot"], s["different"]) for s in verified.summary["stores"]] == \
        [("main", 2, 0), ("state", 2, 0)]
    status = run("status", "--json", *split)
    assert [(line["store"], line["snapshot"], line["behind"])
            for line in status.of_type("target")] == [("main", 2, 0), ("state", 2, 0)]
    assert len(status.of_type("repository")) == 1


def test_what_people_see_of_two(source, target, second, split):
    first = run("sync", *split, source)
    assert first.code in (OK, SET_ASIDE)
    assert first.out.index("store main:") < first.out.index("store state:"), str(first)
    verified = run("verify", *split)
    assert verified.code == first.code
    assert "sound; store main equals snapshot 1" in verified.out, str(verified)
    assert "; store state equals snapshot 1" in verified.out
    status = run("status", *split)
    assert status.code == OK
    assert status.out.count("repository  ") == 1 and status.out.count("state       ready") == 2
    assert "store       main\n" in status.out and "store       state\n" in status.out
    check = run("check", *split, source)
    assert check.code == first.code, str(check)
    assert check.out.index("store main:") < check.out.index("store state:")


def test_warnings_name_the_store(source, target, second, split):
    run_sql(source, ["INSERT INTO without VALUES ('misfit', 'no number', 'x')"])
    result = run("sync", *split, source)
    assert result.code in (OK, SET_ASIDE), str(result)
    warnings = [line for line in result.err.splitlines() if line.startswith("warning: ")]
    assert any(line.startswith("warning: store state: ") for line in warnings), str(result)
    check = run("check", *split, source)
    assert "store state: " not in check.out + check.err, str(check)


def test_check_looks_at_both(scratch, source, target, second, split):
    result = run("check", "--json", *split, source)
    assert result.code in (OK, SET_ASIDE), str(result)
    assert {line["table"]: line["store"] for line in result.of_type("table")} == {
        "affinities": "main", "no_key": "state", "without": "state"}
    stores = result.summary["stores"]
    assert [(s["name"], s["tables"], s["errors"]) for s in stores] == [("main", 1, 0),
                                                                     ("state", 2, 0)]
    second.script("CREATE TABLE without (x integer)")
    result = run("check", "--json", *split, source)
    assert result.code == MISPLACED, str(result)
    assert [s.get("error") is None for s in result.summary["stores"]] == [True, False]
    assert "at the database of store state" in result.error["detail"], str(result)
    sql = run("check", "--sql", *split, source)
    assert sql.out.startswith("-- store main:\n"), str(sql)
    main, state = sql.out.split("-- store state:\n")
    assert "affinities" in main and "affinities" not in state and "no_key" in state, str(sql)


def test_verify_finds_what_is_wrong_in_either(source, target, second, split):
    run("sync", *split, source)
    second.script("DELETE FROM without")
    result = run("verify", "--json", *split)
    assert result.code == DAMAGED, str(result)
    assert {line["store"] for line in result.of_type("difference")} == {"state"}
    main, state = result.summary["stores"]
    assert main["missing"] == 0 and state["missing"] > 0
    assert "store state differs from snapshot 1" in result.error["what"]
    target.script("DELETE FROM affinities")
    result = run("verify", *split)
    assert result.code == DAMAGED
    assert "store main differs" in result.err and "store state differs" in result.err, str(result)


def test_one_of_two_does_not_answer(scratch, source, target, second, split):
    """What writes does not begin with the second where the first fails; what looks goes on."""
    run("sync", *split, source)
    own, config = split[1], scratch / "h2.yaml"
    write(config, {"databases": {
        "master": section({**args_of(target), "database": "no_such_database"},
                          data_stores=["main"]),
        "other": section(args_of(second), data_stores=["state"])}})
    options = ["-c", own, "--postgres-config", config]
    run_sql(source, ["DELETE FROM without"])
    result = run("sync", "--json", *options, source)
    assert result.code == CONNECT, str(result)
    assert [s["name"] for s in result.summary["replay"]["stores"]] == ["main"]
    assert target.stands_at() == second.stands_at() == 1
    for command in ("status", "verify"):
        result = run(command, "--json", *options)
        assert result.code == CONNECT, str(result)
        assert "createdb" in result.error["hint"]
        if command == "verify":
            main, state = result.summary["stores"]
            assert "no_such_database" in main["error"]["what"] and state["snapshot"] == 1
        else:
            assert [line["store"] for line in result.of_type("target")] == ["state"]
    assert run("sync", *split, source).code in (OK, SET_ASIDE)
    both(source, target, second)


def test_cut_in_the_second(scratch, source, target, second, split):
    """The first stands at the new snapshot then, the second at the old one, each of them whole; the
    same command goes on."""
    proxy = Proxy(second.server.socket, scratch / "proxy")
    try:
        through = Target(second.server, second.name, proxy.conninfo(second))
        config = write(scratch / "h2.yaml", {"databases": {
            "master": section(args_of(target), data_stores=["main"]),
            "other": section(args_of(through), data_stores=["state"])}})
        options = [split[0], split[1], "--postgres-config", config]
        assert run("sync", *options, source).code in (OK, SET_ASIDE)
        run_sql(source, ["DELETE FROM without", "DELETE FROM affinities WHERE rowid % 2 = 0"])
        proxy.set(CutBeforeCommit(1))
        assert run("sync", *options, source).code == CONNECT
        assert (target.stands_at(), second.stands_at()) == (2, 1)
        proxy.heal()
        assert run("sync", *options, source).code in (OK, SET_ASIDE)
        assert (target.stands_at(), second.stands_at()) == (2, 2)
        both(source, target, second)
    finally:
        proxy.close()


def test_a_signal_in_the_second(scratch, source, target, second, split):
    proxy = Proxy(second.server.socket, scratch / "proxy")
    try:
        through = Target(second.server, second.name, proxy.conninfo(second))
        config = write(scratch / "h2.yaml", {"databases": {
            "master": section(args_of(target), data_stores=["main"]),
            "other": section(args_of(through), data_stores=["state"])}})
        proxy.set(CallInCopy(1, lambda: running.signal(signal.SIGTERM)))
        running = Running(["sync", "--json", "-c", split[1], "--postgres-config", config, source])
        result = running.wait()
        assert result.code == 128 + signal.SIGTERM, str(result)
        main, state = result.summary["replay"]["stores"]
        assert "error" not in main and "stopped" in state["error"]["what"], str(result)
        assert run("sync", *split, source).code in (OK, SET_ASIDE)
        both(source, target, second)
    finally:
        proxy.close()


def test_tables_of_no_store_go_to_both(scratch, source, target, second, split):
    split[1].write_text(f"repo: {scratch / 'repo'}\n"
                        "stores: [{name: main, tables: [affin*]}, {name: state, tables: [no_*]}]\n")
    assert run("sync", *split, source).code in (OK, SET_ASIDE)
    assert target.tables() == ["affinities", "without"]
    assert second.tables() == ["no_key", "without"]
    assert_same(source, target, tables=target.tables())
    assert_same(source, second, tables=second.tables())


def test_existing_tables_split(scratch, source, target, second, split):
    """Neither database has the tables of the other."""
    split[1].write_text(f"repo: {scratch / 'repo'}\nexisting: true\n{STORES}")
    path = scratch / "plain.db"
    run_sql(path, ["CREATE TABLE affinities (id INTEGER PRIMARY KEY, x TEXT)",
                   "CREATE TABLE no_key (a INTEGER, b TEXT)",
                   "INSERT INTO affinities VALUES (1, 'one'), (2, 'two')",
                   "INSERT INTO no_key VALUES (7, 'seven')"])
    target.script("CREATE TABLE affinities (id bigint PRIMARY KEY, x text)")
    second.script("CREATE TABLE no_key (a bigint, b text)")
    result = run("sync", "--json", *split, path)
    assert result.code == OK, str(result)
    assert target.rows("SELECT * FROM affinities ORDER BY id") == [["1", "one"], ["2", "two"]]
    assert second.rows("SELECT * FROM no_key") == [["7", "seven"]]
    run_sql(path, ["INSERT INTO no_key VALUES (8, 'eight')", "DELETE FROM affinities WHERE id = 1"])
    assert run("sync", *split, path).code == OK
    assert target.rows("SELECT * FROM affinities") == [["2", "two"]]
    assert second.rows("SELECT * FROM no_key ORDER BY a") == [["7", "seven"], ["8", "eight"]]
    assert run("verify", *split).code == OK


def test_dry_run_of_two_writes_to_neither(source, target, second, split):
    run("capture", *split[:2], source)
    result = run("replay", "-n", "--json", *split)
    assert result.code in (OK, SET_ASIDE), str(result)
    assert [s["mode"] for s in result.summary["stores"]] == ["load", "load"]
    assert target.tables() == second.tables() == []


def test_stores_that_the_profile_does_not_know(scratch, source, target, second, split):
    config = write(scratch / "h2.yaml", {"databases": {
        "master": section(args_of(target), data_stores=["main"]),
        "other": section(args_of(second), data_stores=["start"])}})
    result = run("sync", "--json", "-c", split[1], "--postgres-config", config, source)
    assert result.code == USAGE and "no store \"start\"" in result.error["what"], str(result)
    assert "main, state" in result.error["hint"]
    same = write(scratch / "h3.yaml", {"databases": {
        "master": section(args_of(target), data_stores=["main"]),
        "other": section(args_of(target), data_stores=["state"])}})
    result = run("sync", "--json", "-c", split[1], "--postgres-config", same, source)
    assert result.code == USAGE and "is the same database as master" in result.error["what"]


def test_the_last_trip_of_two(source, target, second, split):
    """Both are looked at before, proven afterwards, and named."""
    result = run("sync", "--json", "--final", *split, source)
    assert result.code in (OK, SET_ASIDE), str(result)
    aside = both(source, target, second)
    names = [finding["name"] for finding in result.summary["preflight"]]
    assert "server (main)" in names and "server (state)" in names
    proof = result.summary["verify"]["stores"]
    assert [(s["name"], s["different"], s["missing"]) for s in proof] == [("main", 0, 0),
                                                                         ("state", 0, 0)]
    end = result.summary["final"]
    assert end["tables"] == 3 and end["set_aside"] == sum(aside)
    assert end["rows"] == sum(s["target_rows"] for s in proof)


def test_requirements_and_sql_of_one_store(scratch, source, target, second, server):
    """What is asked of both sides is held against the answer to the same question, wherever it is
    asked; a database may have more stores than one."""
    run_sql(source, ["CREATE TABLE counted (n INTEGER)", "INSERT INTO counted VALUES (7)"])
    own = scratch / "rowferry.yaml"
    own.write_text(f"""
repo: {scratch / 'repo'}
stores:
  - {{name: main, tables: ["*"]}}
  - {{name: state, tables: [without]}}
  - {{name: extra, tables: [no_key]}}
requirements:
  - {{name: one, source: "SELECT 1", target: "SELECT x FROM one", store: state}}
  - {{name: seven, source: "SELECT n FROM counted", target: "SELECT x FROM seven", store: main}}
  - {{name: three, source: "SELECT 3", target: "SELECT x FROM three", store: extra}}
  - {{name: both, source: "SELECT 4", target: "SELECT 4"}}
after:
  - {{sql: "INSERT INTO seven VALUES (8)", store: main, when: first}}
  - {{sql: "INSERT INTO one VALUES (2)", store: state, when: first}}
""")
    target.script("CREATE TABLE seven AS SELECT 7 AS x")
    second.script("CREATE TABLE one AS SELECT 1 AS x; CREATE TABLE three AS SELECT 3 AS x")
    config = write(scratch / "h.yaml", {"databases": {
        "master": section(args_of(target), data_stores=["main"]),
        "other": section(args_of(second), data_stores=["state", "extra"])}})
    options = ["-c", own, "--postgres-config", config]
    result = run("sync", "--json", *options, source)
    assert result.code in (OK, SET_ASIDE), str(result)
    found = {f["name"]: f["state"] for f in result.summary["preflight"] if " (" in f["name"]}
    for name in ("one (state+extra)", "three (state+extra)", "seven (main)", "both (main)",
                 "both (state+extra)"):
        assert found.pop(name) == "ok", str(result)
    assert not [name for name in found if name.startswith(("one", "three", "seven", "both"))]
    assert target.rows("SELECT x FROM seven ORDER BY x") == [["7"], ["8"]]
    assert second.rows("SELECT x FROM one ORDER BY x") == [["1"], ["2"]]
    target.script("DELETE FROM seven WHERE x = 8")
    second.script("DELETE FROM one WHERE x = 2; UPDATE three SET x = 30")
    result = run("sync", "--json", *options, source)
    assert result.code == MISPLACED and "three (state+extra)" in str(result.error), str(result)
