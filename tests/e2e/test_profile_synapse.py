"""The profile for Synapse, over a made-up server and a likeness of both its schemas: after every
trip the judge, which knows nothing of rowferry, finds the SQLite file in PostgreSQL."""

import re
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

import synapse_server
from migrated import SYNAPSE, assert_migrated, compare
from program import MISPLACED, OK, ROOT, SET_ASIDE, Running, run
from synapse_schema import SOURCE, TARGET

GUIDE = ROOT / "tools" / "profiles" / "synapse.md"


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """server-1.db, server-2.db a day later, and server-3.db, another one with rowids used again."""
    return build(tmp_path_factory.mktemp("synapse"))


def build(folder, **how):
    schema = folder / "schema.db"
    sqlite(schema, SOURCE)
    return synapse_server.build(schema, folder, size=0.005, **how)


def sqlite(path, script):
    db = sqlite3.connect(path)
    db.executescript(script)
    db.close()


class Move:
    """One server on its way: the file that Synapse writes, the repository and the database."""

    def __init__(self, scratch, target):
        self.file = scratch / "homeserver.db"
        self.repository = scratch / "repository"
        self.target = target
        target.script(TARGET)

    def args(self, *options):
        return ["sync", "--json", "-r", self.repository, "-d", self.target.conninfo,
                "--profile", "synapse", *options, self.file]

    def sync(self, file=None, *options, expect=OK):
        if file:
            shutil.copyfile(file, self.file)
        result = run(*self.args(*options))
        assert result.code == expect, str(result)
        return result

    def check(self, **how):
        return assert_migrated(self.file, self.target.conninfo, **how)

    def written(self, result):
        return sum(result.summary["replay"][what] for what in ("inserted", "updated", "deleted"))


@pytest.fixture
def move(scratch, target):
    return Move(scratch, target)


# Trips

def test_first_trip(move, servers):
    before = move.target.rows("SELECT * FROM public.applied_schema_deltas ORDER BY 1, 2")
    move.sync(servers[0])
    found = move.check()
    assert {"users", "event_search", "user_directory_search", "sequence user_id_seq"} <= set(found)
    # The target's own: what was applied to it, and the locks of nobody.
    assert move.target.rows("SELECT * FROM public.applied_schema_deltas ORDER BY 1, 2") == before
    assert move.target.value("SELECT count(*) FROM worker_locks") == "0"
    assert move.target.value("SELECT count(*) FROM worker_read_write_locks") == "0"


def test_no_trip_without_a_reason(move, servers):
    move.sync(servers[0])
    assert move.written(move.sync()) == 0
    move.check()


@pytest.mark.parametrize("later", [1, 2])
def test_changes(move, servers, later):
    """A day's changes, with a deactivated user, a purged room and censored events; and rowids that
    went to other rows. Then all of it is taken back."""
    move.sync(servers[0])
    result = move.sync(servers[later])
    assert all(result.summary["replay"][what] > 0 for what in ("inserted", "deleted"))
    move.check()
    move.sync(servers[0])
    move.check()


def test_there_and_back(move, servers):
    """To earlier snapshots and forward again, with all that the profile computes and looks up."""
    for server in servers:
        move.sync(server)
    for number in (1, 3, 2, 1):
        replayed = run("replay", "--json", "-r", move.repository, "-d", move.target.conninfo,
                       "--profile", "synapse", "--to", number)
        assert replayed.code == OK and replayed.summary["to"] == number, str(replayed)
        assert_migrated(servers[number - 1], move.target.conninfo)


def test_only_what_changed_is_written(move, servers):
    move.sync(servers[0])
    sqlite(move.file, "UPDATE users SET deactivated = 1, password_hash = NULL "
                      "WHERE name = (SELECT min(name) FROM users);"
                      "INSERT INTO event_reports (id, received_ts, room_id, event_id, user_id) "
                      "VALUES (77000, 1, '!r', '$e', '@u');")
    result = move.sync()
    replayed = result.summary["replay"]
    assert [replayed[what] for what in ("inserted", "updated", "deleted")] == [1, 1, 0]
    move.check()


def test_vacuum(move, servers):
    move.sync(servers[1])
    sqlite(move.file, "VACUUM")
    assert move.written(move.sync()) == 0
    move.check()


def test_dump_and_reload(move, servers, scratch):
    """Every rowid is another one, and the search index is made anew."""
    move.sync(servers[0])
    dump = subprocess.run(["sqlite3", servers[1], ".dump"], check=True, capture_output=True).stdout
    move.file.unlink()
    subprocess.run(["sqlite3", move.file], input=dump, check=True)
    move.sync()
    move.check()


@pytest.mark.timing
def test_killed_anywhere(move, servers):
    """At every moment of the first trip and of a later one: the same command goes on."""
    shutil.copyfile(servers[0], move.file)
    for file in (servers[0], servers[1], servers[2]):
        shutil.copyfile(file, move.file)
        delay, killed = 0.01, True
        while killed:
            running = Running(move.args())
            time.sleep(delay)
            running.signal(signal.SIGKILL)
            killed = running.wait().code == -signal.SIGKILL
            delay *= 1.5
        move.sync()
        move.check()


def test_last_trip(move, servers):
    move.sync(servers[0])
    shutil.copyfile(servers[1], move.file)
    before = move.file.read_bytes()
    result = run("sync", "-r", move.repository, "-d", move.target.conninfo, "--profile", "synapse",
                 "--final", move.file)
    assert result.code == OK, str(result)
    assert "Synapse may now be started on PostgreSQL" in result.out + result.err
    assert move.file.read_bytes() == before
    move.check()
    again = move.sync(None, "--final")
    assert move.written(again) == 0
    move.check()


# Values

def test_what_postgres_cannot_hold(move, scratch):
    """Text with NUL is cleaned, and kept; a file of 3 GiB has no size; a blob for a text is set
    aside with its row, whole."""
    folder = scratch / "made"
    folder.mkdir()
    servers = build(folder, misfits=True)
    move.sync(servers[0], expect=SET_ASIDE)
    aside = count(servers[0], "SELECT count(*) FROM user_ips WHERE typeof(user_agent) = 'blob'")
    large = count(servers[0], "SELECT count(*) FROM local_media_repository "
                              "WHERE media_length > 2147483647")
    assert aside > 0 and large > 0
    move.check(misfits={"user_ips": aside})
    kept = move.target.rows("SELECT count(*), min(outcome) FROM rowferry.set_aside "
                            "WHERE column_name = 'media_length'")
    assert kept == [[str(large), "altered"]], kept
    move.sync(servers[1], expect=SET_ASIDE)
    assert_migrated(servers[1], move.target.conninfo, misfits={"user_ips": count(
        servers[1], "SELECT count(*) FROM user_ips WHERE typeof(user_agent) = 'blob'")})


def count(path, query):
    db = sqlite3.connect(path)
    found = db.execute(query).fetchone()[0]
    db.close()
    return found


def test_null_is_not_false(move, servers):
    move.sync(servers[0])
    wanted = count(servers[0], "SELECT count(*) FROM users WHERE approved IS NULL")
    assert wanted > 0
    assert move.target.value("SELECT count(*) FROM users WHERE approved IS NULL") == str(wanted)


def test_search(move, servers, scratch):
    """By what a word is derived from, as PostgreSQL does it; the name in the id before the one
    shown, that before the server."""
    shutil.copyfile(servers[0], move.file)
    sqlite(move.file, """
        DELETE FROM user_directory_search;
        INSERT INTO user_directory_search (user_id, value) VALUES
            ('@anna:otter.example', '@anna:otter.example'),
            ('@otter:example.org', '@otter:example.org somebody else'),
            ('@berta:example.org', '@berta:example.org the otter');
        INSERT INTO event_search (event_id, room_id, key, value)
            VALUES ('$new', '!r', 'content.body', 'ferries' || char(0) || 'crossing');""")
    move.sync()
    move.check()
    assert move.target.rows(
        "SELECT event_id, origin_server_ts FROM event_search "
        "WHERE vector @@ to_tsquery('english', 'ferry & crossed') ") == [["$new", None]]
    assert [row[0] for row in move.target.rows(
        "SELECT user_id FROM user_directory_search WHERE vector @@ to_tsquery('simple', 'otter') "
        "OR user_id LIKE '%otter.example' "
        "ORDER BY ts_rank(vector, to_tsquery('simple', 'otter | otter.example')) DESC")] == \
        ["@otter:example.org", "@berta:example.org", "@anna:otter.example"]
    # An event that comes later tells when it was.
    event = ("INSERT INTO events VALUES (900000, 1, '$new', 'm.room.message', '!r', NULL, 1, 0, "
             "17, '@u:e', 0, NULL);")
    sqlite(move.file, event)
    move.sync()
    move.check()
    assert move.target.rows("SELECT origin_server_ts, stream_ordering FROM event_search "
                            "WHERE event_id = '$new'") == [["17", "900000"]]


def test_identities_go_on(move, servers):
    move.sync(servers[0])
    top = count(servers[0], "SELECT max(connection_key) FROM sliding_sync_connections")
    move.target.script("INSERT INTO sliding_sync_connections (user_id, conn_id, created_ts) "
                       "VALUES ('@u', 'c', 1)")
    assert move.target.value("SELECT max(connection_key) FROM sliding_sync_connections") == \
        str(top + 1)


# What has to be so before

@pytest.mark.parametrize("change, name, way_out", [
    ("UPDATE schema_version SET version = 93", "schema version", "update_synapse_database"),
    ("INSERT INTO background_updates VALUES ('u', '{}')", "updates done",
     "update_synapse_database"),
    ("INSERT INTO users (name) VALUES ('@somebody:here')", "unused tables", "createdb"),
])
def test_refused(move, servers, change, name, way_out):
    """Before the first row is written, with the command that mends it."""
    move.target.script(f"SET search_path = public; {change}")
    result = move.sync(servers[0], expect=MISPLACED)
    assert name in result.err and way_out in result.err, str(result)
    assert move.target.value("SELECT count(*) FROM events") == "0"


def test_twins_in_the_search_index(move, servers):
    """Which a full-text table takes, and a unique index does not: the hint's statements mend it."""
    shutil.copyfile(servers[0], move.file)
    sqlite(move.file, """
        INSERT INTO event_search (event_id, room_id, key, value)
            SELECT event_id, room_id, key, value FROM event_search LIMIT 2;
        INSERT INTO user_directory_search (user_id, value)
            SELECT user_id, value FROM user_directory_search LIMIT 1;""")
    result = move.sync(expect=MISPLACED)
    assert "search without twins" in result.err, str(result)
    statements = " ".join(result.error["hint"].split())
    sqlite(move.file, statements[statements.index("DELETE"):])
    move.sync()
    move.check()


def test_pending_updates_of_the_source(move, servers):
    """Are told of while the server runs, and have to be over for the last trip."""
    shutil.copyfile(servers[0], move.file)
    sqlite(move.file, "INSERT INTO background_updates VALUES ('u', '{}', NULL, 0)")
    result = move.sync()
    assert "background updates" in result.err + result.out
    move.sync(None, "--final", expect=MISPLACED)
    sqlite(move.file, "DELETE FROM background_updates")
    move.sync(None, "--final")
    move.check()


def test_rows_written_since(move, servers):
    """The server is live: what it wrote stays."""
    move.sync(servers[0])
    move.target.script("UPDATE users SET password_hash = 'new' WHERE name = (SELECT min(name) "
                       "FROM users); INSERT INTO users (name) VALUES ('@live:here')")
    move.sync(servers[1], expect=MISPLACED)
    assert move.target.value("SELECT count(*) FROM users WHERE name = '@live:here'") == "1"
    assert compare(servers[0], move.target.conninfo, SYNAPSE)["users"].extra == 2
    move.sync(None, "--overwrite-target")
    move.check()


def test_other_versions(scratch, target, servers):
    """What one version has and another has not: a table and its sequence are absent, columns and
    tables are new."""
    move = Move(scratch, target)
    target.script("DROP TABLE thread_subscriptions; DROP SEQUENCE thread_subscriptions_sequence;"
                  "ALTER TABLE users ADD COLUMN later BOOLEAN;"
                  "CREATE TABLE sticky_events (stream_id BIGINT PRIMARY KEY, event_id TEXT);"
                  "CREATE SEQUENCE sticky_events_sequence;")
    shutil.copyfile(servers[0], move.file)
    sqlite(move.file, "DROP TABLE thread_subscriptions; ALTER TABLE users ADD COLUMN later BOOL;"
                      "UPDATE users SET later = 1 WHERE rowid = 2;"
                      "CREATE TABLE sticky_events (stream_id BIGINT PRIMARY KEY, event_id TEXT);"
                      "INSERT INTO sticky_events VALUES (41, '$e');"
                      "INSERT INTO stream_positions VALUES ('sticky_events', 'master', 44);")
    move.sync()
    move.check()
    assert target.value("SELECT nextval('sticky_events_sequence')") == "45"


def test_two_databases(scratch, server, servers):
    """The state of rooms has a database of its own, as homeserver.yaml says."""
    main, state = server.create(), server.create()
    try:
        groups = "state_groups, state_groups_state, state_group_edges"
        main.script(TARGET + f"DROP TABLE {groups}; DROP SEQUENCE state_group_id_seq;")
        kept = "'state_groups', 'state_groups_state', 'state_group_edges', 'schema_version', " \
            "'schema_compat_version', 'applied_schema_deltas', 'background_updates'"
        state.script(TARGET + f"""DO $$ DECLARE name text; BEGIN
            FOR name IN SELECT relname FROM pg_class WHERE relkind = 'r'
                AND relnamespace = 'public'::regnamespace AND relname NOT IN ({kept}) LOOP
                EXECUTE format('DROP TABLE %I CASCADE', name);
            END LOOP;
            FOR name IN SELECT relname FROM pg_class WHERE relkind = 'S'
                AND relnamespace = 'public'::regnamespace AND relname <> 'state_group_id_seq' LOOP
                EXECUTE format('DROP SEQUENCE %I', name);
            END LOOP; END $$""")
        settings = scratch / "homeserver.yaml"
        settings.write_text("server_name: example.org\ndatabases:\n" + "".join(
            f"  {store}_db:\n    name: psycopg2\n    data_stores: [{store}]\n    args:\n"
            f"      host: {server.socket}\n      user: rowferry\n      dbname: {target.name}\n"
            f"      cp_min: 2\n      cp_max: 6\n"
            for store, target in (("main", main), ("state", state))))
        result = run("sync", "--json", "-r", scratch / "repository", "--profile", "synapse",
                     "--postgres-config", settings, servers[0])
        assert result.code == OK, str(result)
        found = {**compare(servers[0], main.conninfo, SYNAPSE)}
        for name in groups.split(", "):
            assert "database has not" in found.pop(name).said
        assert not any(found.values()), [str(d) for d in found.values() if d]
        found = compare(servers[0], state.conninfo, SYNAPSE)
        assert not any(found[name] for name in (*groups.split(", "), "sequence state_group_id_seq"))
    finally:
        main.drop()
        state.drop()


# The judge

MUTATIONS = {
    "users": "UPDATE users SET approved = false WHERE approved IS NULL",
    "devices": "UPDATE devices SET ip = 'x' WHERE ctid = (SELECT min(ctid) FROM devices)",
    "event_json": "DELETE FROM event_json WHERE ctid = (SELECT min(ctid) FROM event_json)",
    "event_auth": "INSERT INTO event_auth SELECT * FROM event_auth LIMIT 1",
    "received_transactions":
        "UPDATE received_transactions SET response_json = response_json || '\\x00'",
    "profiles": "UPDATE profiles SET fields = fields - 'n' WHERE fields IS NOT NULL",
    "event_search": "UPDATE event_search SET vector = strip(vector)",
    "user_directory_search": "UPDATE user_directory_search SET vector = setweight(vector, 'C')",
    "sequence events_stream_seq": "SELECT setval('events_stream_seq', 5)",
    "sequence state_group_id_seq":
        "SELECT setval('state_group_id_seq', (SELECT max(id) FROM state_groups), false)",
    "users_of_nobody": "CREATE TABLE public.users_of_nobody (id integer)",
    "room_tags_revisions": "DROP TABLE room_tags_revisions",
    "destinations": "ALTER TABLE destinations RENAME retry_interval TO interval",
}


def test_the_judge_sees(move, servers):
    """Every kind of difference, and nothing else."""
    move.sync(servers[0])
    move.check()
    for table, change in MUTATIONS.items():
        move.target.script(f"SET session_replication_role = replica; {change}")
    found = compare(move.file, move.target.conninfo, SYNAPSE)
    assert {name for name, difference in found.items() if difference} == set(MUTATIONS)


# The guide

def test_commands_of_the_guide():
    """Every command that it shows is one, with options that there are."""
    lines = [line.strip().removeprefix("$ ").replace("\\", "")
             for block in re.findall(r"```[a-z]*\n(.*?)```", GUIDE.read_text(), re.DOTALL)
             for line in re.sub(r"\\\n", " ", block).splitlines()]
    commands = [line.split() for line in lines if line.startswith("rowferry ")]
    assert {"check", "sync"} <= {command[1] for command in commands}
    for command in commands:
        text = run(command[1], "--help")
        assert text.code == OK, command
        known = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", text.out))
        assert {word.split("=")[0] for word in command[2:] if word.startswith("-")} <= known, \
            command
