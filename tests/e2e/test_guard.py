"""Rows that somebody else wrote into the target: every way of writing is found, whatever the server
went through in between, nothing is changed then, and --overwrite-target makes the tables the
source's again. What is as the snapshot has it is nobody's writing."""

import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from compare import assert_same
from makedb import sqlite
from postgres import Target, quote
from program import MISPLACED, OK, Ferry, Running, run

EXISTING = ["--existing"]
OVERWRITE = "--overwrite-target"

SOURCE = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE, age INT CHECK (age < 200));
INSERT INTO users VALUES (1, 'ann', 30), (2, 'bob', 40), (3, 'cat', NULL), (4, 'dan', 50);
CREATE TABLE log (word TEXT, n INT);
INSERT INTO log VALUES ('x', 1), ('x', 1), ('y', 2), (NULL, NULL);
CREATE TABLE parts (a TEXT, b INT, v BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID;
INSERT INTO parts VALUES ('p', 1, x'00ff'), ('p', 2, NULL), ('q', 1, x'');
CREATE INDEX parts_v ON parts (v);
CREATE TABLE bare (id INTEGER PRIMARY KEY);
"""
SMALL = "UPDATE users SET age = age + 1 WHERE id = 2; INSERT INTO log VALUES ('z', 3);"


@pytest.fixture
def source(scratch):
    path = scratch / "source.db"
    sqlite(path, SOURCE)
    return path


@pytest.fixture
def road(ferry, source):
    """A target that stands at its first snapshot."""
    sync(ferry, source)
    return ferry


def sync(ferry, source, *rest, expect=OK, **kw):
    return ferry.command("sync", *rest, source, target=True, expect=expect, **kw)


def state(target):
    """All that the application could see, and where the target stands."""
    tables = target.tables()
    rows = target.results(*(f"SELECT t::text FROM ONLY {quote(t)} AS t ORDER BY 1" for t in tables))
    return dict(zip(tables, rows)), target.stands_at()


def written(result):
    return {line["table"]: (line["missing"], line["extra"], line["different"])
            for line in result.summary.get("written_by_others", ())}


def assert_refused(ferry, source, found, change=SMALL):
    """A sync, with news and without, and a rehearsal refuse, and leave everything as it is."""
    before = state(ferry.target)
    results = [sync(ferry, source, expect=MISPLACED), sync(ferry, source, "-n", expect=MISPLACED)]
    sqlite(source, change)
    results += [sync(ferry, source, expect=MISPLACED), ferry.replay(expect=MISPLACED),
                ferry.replay("-n", expect=MISPLACED)]
    for result in results:
        assert written(result) == found, str(result)
        assert result.error["what"] == "the target was written to by others since the last trip"
        assert OVERWRITE in result.error["hint"]
        assert all(f'"{table}"' in result.error["detail"] for table in found), str(result)
    assert state(ferry.target) == before
    return results[0]


def assert_overwritten(ferry, source, found):
    result = sync(ferry, source, OVERWRITE)
    assert written(result) == found, str(result)
    assert_same(source, ferry.target, sequences=False)
    assert ferry.verify().code == OK
    again = sync(ferry, source)
    assert again.summary["replay"]["mode"] == "none" and not written(again), str(again)
    return result


class Session:
    """A psql that stays open."""

    def __init__(self, target):
        self.process = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", target.conninfo],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, sql):
        """Runs it to its end."""
        self.process.stdin.write(f"{sql};\n\\echo done\n")
        self.process.stdin.flush()
        while (line := self.process.stdout.readline()) != "done\n":
            assert line, "psql ended"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


# What is found

WRITINGS = {
    "insert": ("INSERT INTO users VALUES (9, 'new', 1)", {"users": (0, 1, 0)}),
    "insert alike": ("INSERT INTO log VALUES ('x', 1)", {"log": (0, 1, 0)}),
    "into an empty one": ("INSERT INTO bare VALUES (1)", {"bare": (0, 1, 0)}),
    "update": ("UPDATE users SET age = 31 WHERE id = 1", {"users": (0, 0, 1)}),
    "update of a key": ("UPDATE users SET id = 99 WHERE id = 1", {"users": (1, 1, 0)}),
    "update without a key": ("UPDATE log SET n = 7 WHERE n = 2", {"log": (1, 1, 0)}),
    "delete": ("DELETE FROM parts WHERE a = 'p'", {"parts": (2, 0, 0)}),
    "delete of one alike": ("DELETE FROM log WHERE ctid IN (SELECT min(ctid) FROM log WHERE n = 1)",
                            {"log": (1, 0, 0)}),
    "truncate": ("TRUNCATE users", {"users": (4, 0, 0)}),
    "truncate and less": ("TRUNCATE users; INSERT INTO users VALUES (1, 'ann', 30)",
                          {"users": (3, 0, 0)}),
    "one for another": ("DELETE FROM users WHERE id = 4; INSERT INTO users VALUES (5, 'eva', 6)",
                        {"users": (1, 1, 0)}),
    "merged": ("INSERT INTO users VALUES (1, 'ann', 0) ON CONFLICT (id) DO UPDATE SET age = 0",
               {"users": (0, 0, 1)}),
    "copied": ("COPY bare FROM STDIN;\n1\n2\n\\.\n", {"bare": (0, 2, 0)}),
    "frozen": ("BEGIN; TRUNCATE log; COPY log FROM STDIN (FREEZE);\nx\t1\nx\t1\ny\t2\nz\t3\n\\.\n"
               "COMMIT", {"log": (1, 1, 0)}),
    "in a subtransaction": ("BEGIN; SAVEPOINT s; UPDATE users SET age = 1 WHERE id = 1; "
                            "RELEASE s; COMMIT", {"users": (0, 0, 1)}),
    "by a function": ("DO $$ BEGIN UPDATE users SET age = 1 WHERE id = 1; EXCEPTION WHEN others "
                      "THEN NULL; END $$", {"users": (0, 0, 1)}),
    "prepared by a cursor": ("BEGIN; DECLARE c CURSOR FOR SELECT * FROM users WHERE id = 1 "
                             "FOR UPDATE; FETCH c; DELETE FROM users WHERE CURRENT OF c; COMMIT",
                             {"users": (1, 0, 0)}),
    "in several": ("INSERT INTO bare VALUES (7); DELETE FROM log; UPDATE parts SET v = '\\x01'",
                   {"bare": (0, 1, 0), "log": (4, 0, 0), "parts": (0, 0, 3)}),
}


@pytest.mark.parametrize("name", WRITINGS)
def test_writing_is_found(road, source, name):
    sql, found = WRITINGS[name]
    road.target.script(sql + ";\n")
    assert_refused(road, source, found)
    assert_overwritten(road, source, found)


def test_rows_are_named(road, source):
    road.target.script("UPDATE users SET name = 'x' WHERE id = 2; INSERT INTO users VALUES "
                       "(11, 'a', 1), (12, 'b', 1), (13, 'c', 1), (14, 'd', 1);"
                       "DELETE FROM parts WHERE b = 2")
    result = assert_refused(road, source, {"users": (0, 4, 1), "parts": (1, 0, 0)})
    detail = result.error["detail"]
    assert 'table "users": rows 1 changed, 4 inserted' in detail and "(deleted: a = p, b = 2)" \
        in detail, detail
    people = run("replay", "-r", road.repository, "-d", road.target.conninfo)
    assert people.code == MISPLACED
    assert people.err.startswith("error: the target was written to by others"), people.err
    assert 'table "parts": rows 1 deleted' in people.err and OVERWRITE in people.err, people.err


def test_secrets_are_not_told(road, source):
    """A row without a key is named by its first column: what the others hold may be for nobody."""
    sqlite(source, "CREATE TABLE account (name TEXT, password TEXT);"
                   "INSERT INTO account VALUES ('ann', 'old secret')")
    sync(road, source)
    road.target.script("UPDATE account SET password = 'new secret'")
    result = assert_refused(road, source, {"account": (1, 1, 0)})
    assert "name = ann" in result.error["detail"], result.error
    assert "secret" not in result.out + result.err


def test_hostile_values_are_told(road, source):
    """Long keys, and names and values with what SQL, JSON and terminals take for their own."""
    sqlite(source, """CREATE TABLE "t%s\\[*]""x" ("k'ey" TEXT PRIMARY KEY);""")
    sync(road, source)
    table = quote('t%s\\[*]"x')
    road.target.script(f"INSERT INTO {table} VALUES (repeat('é', 500)), "
                       "(E'a\\nb\\u001b[2J%s{x}')")
    assert_refused(road, source, {'t%s\\[*]"x': (0, 2, 0)} | {})
    assert_overwritten(road, source, {'t%s\\[*]"x': (0, 2, 0)})


def test_many_tables(ferry, source):
    """More than fit into one error, and into one statement."""
    sqlite(source, "".join(f"CREATE TABLE t{i} (id INTEGER PRIMARY KEY, v TEXT);"
                           f"INSERT INTO t{i} VALUES (1, 'a');" for i in range(120)))
    sync(ferry, source)
    ferry.target.script("".join(f"UPDATE t{i} SET v = 'b';" for i in range(120)))
    found = {f"t{i}": (0, 0, 1) for i in range(120)}
    result = sync(ferry, source, expect=MISPLACED)
    assert written(result) == found and "more, told above" in result.error["detail"], str(result)
    assert_overwritten(ferry, source, found)


def test_another_role(road, source, target):
    target.script("DROP ROLE IF EXISTS guard_app; CREATE ROLE guard_app; "
                  "GRANT ALL ON ALL TABLES IN SCHEMA public TO guard_app; "
                  "SET ROLE guard_app; DELETE FROM users WHERE id = 1; RESET ROLE;"
                  "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM guard_app; DROP ROLE guard_app")
    assert_refused(road, source, {"users": (1, 0, 0)})


# What the server went through in between

@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("what", [
    "VACUUM FULL", "VACUUM (FREEZE)", "CLUSTER users USING users_pkey", "ANALYZE",
    "SELECT pg_stat_reset()", "REINDEX TABLE users", "SET track_counts = off"])
def test_maintenance(road, source, what, before):
    """It hides nothing, and is no writing itself."""
    writing = "UPDATE users SET age = 1 WHERE id = 1"
    if before:
        road.target.script(f"{what};\n{writing}")
    else:
        road.target.script(f"{writing};\n{what}")
    assert_refused(road, source, {"users": (0, 0, 1)})
    assert_overwritten(road, source, {"users": (0, 0, 1)})
    road.target.script(what)
    sqlite(source, SMALL)
    assert written(sync(road, source)) == {}
    assert_same(source, road.target, sequences=False)


def test_frozen_long_ago(road, source):
    """The rows' own transactions are not to be seen any more, but their numbers are."""
    for _ in range(3):
        road.target.script("VACUUM (FREEZE)")
        sqlite(source, SMALL)
        assert written(sync(road, source)) == {}
    road.target.script("UPDATE users SET age = 1 WHERE id = 1")
    road.target.script("VACUUM (FREEZE)")
    assert_refused(road, source, {"users": (0, 0, 1)})


SAME = {
    "update": "UPDATE users SET age = age",
    "delete and insert": "CREATE TEMP TABLE c AS TABLE log; DELETE FROM log; INSERT INTO log "
                         "TABLE c",
    "there and back": "DELETE FROM users WHERE id = 1; INSERT INTO users VALUES (1, 'ann', 30)",
    "written anew": "ALTER TABLE users ADD COLUMN u uuid DEFAULT gen_random_uuid(); "
                    "ALTER TABLE users DROP COLUMN u",
    "rolled back": "BEGIN; TRUNCATE users; INSERT INTO log VALUES ('q', 1); ROLLBACK",
    "locked": "BEGIN; SELECT * FROM users FOR UPDATE; COMMIT",
    "other tables": "CREATE TABLE mine (id int); INSERT INTO mine VALUES (1)",
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_is_nobodys_writing(road, source, name):
    road.target.script(SAME[name])
    assert written(sync(road, source)) == {}
    sqlite(source, SMALL)
    road.target.script(SAME[name].replace("CREATE TABLE mine (id int);", ""))
    result = sync(road, source)
    assert written(result) == {} and result.summary["replay"]["updated"] == 1, str(result)
    assert road.verify().code == OK
    road.target.script("DELETE FROM users WHERE id = 3")
    assert_refused(road, source, {"users": (1, 0, 0)})


def test_crash_of_the_server(own_server, scratch, source):
    target = own_server.create()
    ferry = Ferry(scratch / "repo", target)
    sync(ferry, source)
    target.script("UPDATE users SET age = 1 WHERE id = 1; INSERT INTO log VALUES ('q', 1)")
    own_server.stop(immediate=True)
    own_server.start()
    assert_refused(ferry, source, {"users": (0, 0, 1), "log": (0, 1, 0)})
    assert_overwritten(ferry, source, {"users": (0, 0, 1), "log": (0, 1, 0)})
    own_server.stop(immediate=True)
    own_server.start()
    sqlite(source, SMALL)
    assert written(sync(ferry, source)) == {}
    target.drop()


def test_a_transaction_that_was_open(road, source, target):
    """It began, in a subtransaction as well, before trips that could not see it, and ends after
    them."""
    with Session(target) as other:
        other.do("BEGIN; INSERT INTO bare VALUES (1); SAVEPOINT s; INSERT INTO log VALUES "
                 "('late', 1)")
        for _ in range(3):
            sqlite(source, "UPDATE users SET age = age + 1 WHERE id = 2")
            assert written(sync(road, source)) == {}
        other.do("COMMIT")
    assert_refused(road, source, {"bare": (0, 1, 0), "log": (0, 1, 0)})
    assert_overwritten(road, source, {"bare": (0, 1, 0), "log": (0, 1, 0)})


def test_written_while_a_trip_is_under_way(road, source, target):
    """The trip waits for a row that somebody has changed; once that is committed, it gives way."""
    sqlite(source, SMALL)
    with Session(target) as other:
        other.do("BEGIN; UPDATE users SET age = 5 WHERE id = 2")
        running = Running(road.args("sync", source, target=True))
        deadline = time.monotonic() + 60
        while target.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                           "AND datname = current_database()") == "0":
            assert running.alive() and time.monotonic() < deadline, str(running.wait())
            time.sleep(0.02)
        before = target.rows("SELECT * FROM log")
        other.do("COMMIT")
        result = running.wait()
    assert result.code == MISPLACED, str(result)
    assert "somebody else writes" in result.error["hint"], str(result)
    assert target.rows("SELECT * FROM log") == before and target.stands_at() == 1
    assert_refused(road, source, {"users": (0, 0, 1)})
    assert_overwritten(road, source, {"users": (0, 0, 1)})


def test_a_copy_of_the_database(road, source, server, target):
    """Its transactions are others than those that the ledger tells of: it is compared once."""
    copy = server.create()
    copy.drop()
    copy = server.create()
    dump = subprocess.run(["pg_dump", "-d", target.conninfo], capture_output=True,
                          check=True)
    copy.script(dump.stdout.decode().replace("CREATE SCHEMA public;", ""))
    other = Ferry(road.repository, copy)
    sqlite(source, SMALL)
    result = sync(other, source)
    assert written(result) == {} and result.summary["replay"]["updated"] == 1, str(result)
    assert_same(source, copy, sequences=False)
    copy.script("INSERT INTO bare VALUES (1)")
    assert_refused(other, source, {"bare": (0, 1, 0)})
    copy.drop()


def test_a_copy_that_was_written_to(road, source, server, target):
    copy = server.create()
    dump = subprocess.run(["pg_dump", "-d", target.conninfo], capture_output=True,
                          check=True)
    copy.script(dump.stdout.decode().replace("CREATE SCHEMA public;", ""))
    copy.script("UPDATE users SET age = 7 WHERE id = 1; DELETE FROM log")
    assert_refused(Ferry(road.repository, copy), source, {"users": (0, 0, 1), "log": (4, 0, 0)})
    copy.drop()


# Trips of our own

def test_many_trips(road, source, target):
    """The list of rowferry's transactions stays short, and nothing is taken for somebody else's."""
    for i in range(40):
        sqlite(source, f"INSERT INTO users VALUES ({100 + i}, 'n{i}', {i}); DELETE FROM log "
                       f"WHERE n = {i}; INSERT INTO log VALUES ('t', {i}), ('t', {i}); "
                       f"UPDATE parts SET v = x'{i:02x}'")
        assert written(sync(road, source)) == {}
        if i % 10 == 0:
            sqlite(source, "VACUUM")
    assert int(target.value("SELECT count(*) FROM rowferry.writing")) < 12
    assert_same(source, target, sequences=False)
    target.script("UPDATE parts SET v = v || '\\x00'")
    assert_refused(road, source, {"parts": (0, 0, 3)})


def test_an_idle_server_is_not_read(road, source, target):
    """Where nobody has written anything, the tables need not be looked at: not even one that
    somebody keeps locked is waited for."""
    sync(road, source)
    with Session(target) as other:
        other.do("BEGIN; LOCK TABLE parts IN ACCESS EXCLUSIVE MODE")
        sqlite(source, "UPDATE users SET age = 3 WHERE id = 1")
        result = sync(road, source, timeout=60)
        assert result.summary["replay"]["updated"] == 1


def test_a_long_transaction_elsewhere(road, source, server, target):
    """It keeps the horizon back, in whatever database: the list of rowferry's transactions grows
    with the trips, and is short again after its end."""
    def length():
        return int(target.value("SELECT count(*) FROM rowferry.writing"))

    sync(road, source)
    with Session(server.admin) as other:
        other.do("BEGIN; SELECT pg_current_xact_id()")
        for i in range(12):
            sqlite(source, f"INSERT INTO users VALUES ({100 + i}, 'n{i}', {i})")
            assert written(sync(road, source)) == {}
        assert length() > 12
        other.do("COMMIT")
    for _ in range(2):
        sqlite(source, "UPDATE users SET age = age + 1")
        assert written(sync(road, source)) == {}
    assert length() < 12
    target.script("DELETE FROM users WHERE id = 1")
    assert_refused(road, source, {"users": (1, 0, 0)})


@pytest.mark.parametrize("times", range(4))
def test_killed_trips(road, source, target, times):
    """Whatever was under way: what it left is not taken for somebody else's, and what somebody else
    wrote meanwhile is found."""
    sqlite(source, "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
                   "INSERT INTO users SELECT i, 'n' || i, i % 100 FROM n")
    for part in range(3):
        running = Running(road.args("sync", source, target=True))
        time.sleep(0.03 + 0.05 * (times + part))
        running.signal(signal.SIGKILL)
        running.wait(check=False)
        sqlite(source, f"UPDATE users SET age = {part} WHERE id % 7 = {part}")
    assert written(sync(road, source)) == {}
    assert_same(source, target, sequences=False)
    sqlite(source, "DELETE FROM users WHERE id % 3 = 0")
    running = Running(road.args("sync", source, target=True))
    time.sleep(0.02 + 0.04 * times)
    running.signal(signal.SIGKILL)
    running.wait(check=False)
    target.script("INSERT INTO bare VALUES (1)")
    result = sync(road, source, expect=MISPLACED)
    assert written(result) == {"bare": (0, 1, 0)}
    assert_overwritten(road, source, {"bare": (0, 1, 0)})


def test_several_snapshots_at_once(road, source, target):
    for i in range(3):
        sqlite(source, f"UPDATE users SET age = {i} WHERE id = 3; "
                       f"INSERT INTO log VALUES ('m', {i})")
        road.capture(source)
    target.script("DELETE FROM parts")
    result = road.replay(expect=MISPLACED)
    assert written(result) == {"parts": (3, 0, 0)} and target.stands_at() == 1
    result = road.replay(OVERWRITE)
    assert written(result) == {"parts": (3, 0, 0)} and target.stands_at() == 4
    assert result.tables()["parts"]["inserted"] == 3 and result.tables()["parts"]["deleted"] == 0
    assert_same(source, target, sequences=False)


def test_counts_of_overwritten_tables(road, source, target):
    """They are emptied and filled: so it is told."""
    target.script("INSERT INTO users VALUES (8, 'h', 1), (9, 'i', 1)")
    sqlite(source, "DELETE FROM users WHERE id = 1")
    result = sync(road, source, OVERWRITE)
    users = result.tables("replay")["users"]
    assert (users["inserted"], users["updated"], users["deleted"]) == (3, 0, 6), str(result)
    assert "it becomes the source's again" in result.err
    assert result.tables("replay")["log"]["inserted"] == 0


def test_overwriting_without_need(road, source):
    sqlite(source, SMALL)
    result = sync(road, source, OVERWRITE)
    assert written(result) == {} and result.summary["replay"]["inserted"] == 1, str(result)


def test_overwritten_and_changed_in_shape(road, source, target):
    """The source renames, drops and alters what somebody has written to."""
    target.script("UPDATE users SET age = 1; DELETE FROM log; DELETE FROM parts; "
                  "INSERT INTO bare VALUES (1)")
    sqlite(source, "ALTER TABLE users RENAME TO people; DROP TABLE log; "
                   "ALTER TABLE parts ADD COLUMN extra TEXT DEFAULT 'e'; DROP TABLE bare;")
    sync(road, source, expect=MISPLACED)
    sync(road, source, OVERWRITE)
    assert_same(source, target, sequences=False)
    assert road.verify().code == OK


def test_set_aside_rows_are_not_missing(ferry, source, scratch):
    """Rows that stand aside, and those that were altered, are counted where they are."""
    db = sqlite3.connect(source)
    db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, t TEXT)")
    db.executemany("INSERT INTO notes VALUES (?, ?)", [(1, "a"), (2, "b\0c"), (3, "d\0"), (4, "e")])
    db.commit()
    db.close()
    sync(ferry, source, expect=8)
    ferry.target.script("CREATE TABLE mine (id int)")  # so that the tables are looked at
    sqlite(source, "UPDATE notes SET t = 'fine' WHERE id = 2; INSERT INTO notes VALUES "
                   "(5, 'x' || char(0))")
    assert written(sync(ferry, source, expect=8)) == {}
    ferry.target.script("DELETE FROM notes WHERE id = 1")
    result = sync(ferry, source, expect=MISPLACED)
    assert written(result) == {"notes": (1, 0, 0)}
    result = sync(ferry, source, OVERWRITE, expect=8)
    assert assert_same(source, ferry.target, sequences=False) == 2


def test_two_sources_in_one_database(road, source, scratch, target):
    """Each finds what others wrote to its own tables, and is no other to the other one."""
    second = scratch / "second.db"
    sqlite(second, "CREATE TABLE users (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO users "
                   "VALUES (1, 'a')")
    target.script("CREATE SCHEMA two")
    other = Ferry(scratch / "second", target, ["--schema", "two"])
    sync(other, second)
    for i in range(4):
        sqlite(source, "UPDATE users SET age = age + 1")
        sqlite(second, f"INSERT INTO users VALUES (10 + {i}, 'b')")
        assert written(sync(road, source)) == {} and written(sync(other, second)) == {}
    target.script("DELETE FROM two.users WHERE id = 1")
    assert written(sync(road, source)) == {}
    result = sync(other, second, expect=MISPLACED)
    assert written(result) == {"users": (1, 0, 0)}
    sync(other, second, OVERWRITE)
    assert written(sync(road, source)) == {}


def test_without_the_archives(road, source, target):
    """Where the snapshot cannot be read any more, what the server knows of the rows has to do."""
    sqlite(source, SMALL)
    target.script("UPDATE users SET age = 77 WHERE id = 3; INSERT INTO users VALUES (9, 'i', 1);"
                  "DELETE FROM parts WHERE b = 2")
    whole = {archive: archive.read_bytes() for archive in Path(road.repository).rglob("*.rfa")}
    for archive, held in whole.items():
        archive.write_bytes(bytes(len(held)))
    result = road.replay(expect=MISPLACED)
    assert written(result) == {"users": (0, 1, 1), "parts": (1, 0, 0)}, str(result)
    assert "id = 3" in result.error["detail"] and "id = 9" in result.error["detail"], str(result)
    for archive, held in whole.items():
        archive.write_bytes(held)
    assert_refused(road, source, {"users": (0, 1, 1), "parts": (1, 0, 0)}, change="")


# Tables of the application

APP = """
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE,
                    age smallint);
CREATE TABLE log (word text, n int);
CREATE TABLE parts (a text, b int, v bytea, note text DEFAULT 'n', PRIMARY KEY (a, b));
CREATE TABLE bare (id int PRIMARY KEY);
CREATE TABLE other (id int PRIMARY KEY, u bigint REFERENCES users ON DELETE CASCADE);
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
INSERT INTO users (name, age) VALUES ('first', 1);
"""
SEEN = ("SELECT id, name, age FROM users ORDER BY id", "SELECT word, n FROM log ORDER BY n, ctid",
        "SELECT a, b, encode(v, 'hex') FROM parts ORDER BY a, b", "SELECT id FROM bare")


@pytest.fixture
def app(ferry, source):
    ferry.target.script(APP)
    sync(ferry, source, *EXISTING)
    return ferry


def seen(target, source):
    db = sqlite3.connect(source)
    expected = [[[v if v is None else str(v) for v in row] for row in db.execute(query)]
                for query in (q.replace("encode(v, 'hex')", "lower(hex(v))")
                              .replace(", ctid", ", rowid") for q in SEEN)]
    expected[2] = [[a, b, None if v == "" and (a, b) == ("p", "2") else v]
                   for a, b, v in expected[2]]
    db.close()
    found = target.results(*SEEN)
    assert [sorted(map(str, rows)) for rows in found] == \
        [sorted(map(str, rows)) for rows in expected]


@pytest.mark.parametrize("name", ["insert", "update", "delete", "truncate", "in several",
                                  "update without a key"])
def test_existing_tables(app, source, target, name):
    sql, found = WRITINGS[name]
    target.script(sql.replace("TRUNCATE users", "TRUNCATE users CASCADE")
                  .replace("users VALUES", "users OVERRIDING SYSTEM VALUE VALUES") + ";\n")
    assert_refused(app, source, found)
    target.script("CREATE TRIGGER no BEFORE INSERT OR DELETE ON users FOR EACH ROW "
                  "EXECUTE FUNCTION no()")
    result = sync(app, source, OVERWRITE)
    assert written(result) == found, str(result)
    seen(target, source)
    assert app.verify().code == OK
    assert target.value("SELECT tgenabled FROM pg_trigger WHERE tgname = 'no'") == "O"
    assert written(sync(app, source)) == {}
    sqlite(source, SMALL)
    assert written(sync(app, source)) == {}
    seen(target, source)


def test_existing_tables_that_others_feed(app, source, target):
    target.script("INSERT INTO other VALUES (1, 1); UPDATE other SET u = 2")
    sqlite(source, SMALL)
    assert written(sync(app, source)) == {}


def test_atomic_load(ferry, source, target):
    target.script(APP)
    sync(ferry, source, *EXISTING, "--atomic")
    sqlite(source, SMALL)
    assert written(sync(ferry, source)) == {}
    target.script("DELETE FROM users WHERE id = 4")
    assert_refused(ferry, source, {"users": (1, 0, 0)})


def test_existing_table_altered(app, source, target):
    """A table that the application altered is fitted anew, as ever; but not over its rows."""
    target.script("ALTER TABLE log ALTER COLUMN n TYPE bigint")
    sqlite(source, SMALL)
    assert written(sync(app, source)) == {}
    seen(target, source)
    target.script("ALTER TABLE log ALTER COLUMN n TYPE numeric; INSERT INTO log VALUES ('mine', 1)")
    result = sync(app, source, expect=MISPLACED)
    assert "log" in written(result), str(result)


def test_rows_that_are_kept(ferry, source, scratch, target):
    """The application's own rows are no writing, as long as they are what they were."""
    target.script(APP.replace("GENERATED ALWAYS", "GENERATED BY DEFAULT")
                  + "INSERT INTO users VALUES (500, 'own', 5), (4, 'four', 4)")
    target.script("DELETE FROM users WHERE id = 1")
    config = scratch / "c.yaml"
    config.write_text("existing: true\ntables:\n  rules:\n    - {table: users, rows: keep}\n")
    ferry.options = ["-c", str(config)]
    sync(ferry, source, expect=8)
    sqlite(source, SMALL)
    assert written(sync(ferry, source, expect=8)) == {}
    target.script("CREATE TABLE mine (id int)")
    sqlite(source, SMALL)
    assert written(sync(ferry, source, expect=8)) == {}
    target.script("INSERT INTO users VALUES (600, 'late', 6);"
                  "UPDATE users SET age = 9 WHERE id = 1")
    result = sync(ferry, source, expect=MISPLACED)
    assert written(result) == {"users": (0, 1, 1)}, str(result)
    sync(ferry, source, OVERWRITE, expect=8)
    assert target.rows("SELECT id, name, age FROM users ORDER BY id") == [
        ["1", "ann", "30"], ["2", "bob", "42"], ["3", "cat", None], ["4", "four", "4"],
        ["500", "own", "5"]]
    assert ferry.verify(expect=8)
    assert written(sync(ferry, source, expect=8)) == {}


def test_kept_rows_that_go(ferry, source, scratch, target):
    """A row of the application's own that it deletes is no row of the source's, and how many rows
    the table has from then on is known."""
    target.script(APP.replace("GENERATED ALWAYS", "GENERATED BY DEFAULT")
                  + "INSERT INTO users VALUES (500, 'own', 5), (501, 'too', 5)")
    config = scratch / "c.yaml"
    config.write_text("existing: true\ntables:\n  rules:\n    - {table: users, rows: keep}\n")
    sync(ferry, source, "-c", config, expect=8)
    target.script("DELETE FROM users WHERE id = 500")
    for change in (SMALL, "DELETE FROM users WHERE id = 3", "INSERT INTO users VALUES (8, 'h', 8)"):
        assert written(sync(ferry, source, expect=8)) == {}
        sqlite(source, change)
        target.script("CREATE TABLE mine (id int); DROP TABLE mine")
    assert written(sync(ferry, source, expect=8)) == {}
    assert len(target.rows("SELECT * FROM rowferry.guarded")) == 1
    target.script("DELETE FROM users WHERE id = 8")
    result = sync(ferry, source, expect=MISPLACED)
    assert written(result) == {"users": (1, 0, 0)}


def test_computed_tables(ferry, scratch, target):
    """Rows that a rule leaves out are not missing; what a value is computed to can be changed by
    others as well."""
    source = scratch / "computed.db"
    sqlite(source, "CREATE TABLE notes (id INTEGER PRIMARY KEY, t TEXT);"
                   "INSERT INTO notes VALUES (1, 'one'), (2, NULL), (3, 'three'), (4, NULL);")
    target.script("CREATE TABLE notes (id int PRIMARY KEY, upper text)")
    config = scratch / "c.yaml"
    config.write_text("existing: true\ntables:\n  rules:\n    - table: notes\n"
                      "      where: t IS NOT NULL\n"
                      "      columns: [{column: t, exclude: true}]\n"
                      "      values: [{column: upper, sql: upper(t)}]\n")
    sync(ferry, source, "-c", config)
    for change in ("UPDATE notes SET t = 'two' WHERE id = 2", "DELETE FROM notes WHERE id = 1",
                   "INSERT INTO notes VALUES (5, 'five'), (6, NULL)"):
        target.script("CREATE TABLE mine (id int); DROP TABLE mine")
        sqlite(source, change)
        assert written(sync(ferry, source, "-c", config)) == {}
    rows = [["2", "TWO"], ["3", "THREE"], ["5", "FIVE"]]
    assert target.rows("SELECT * FROM notes ORDER BY id") == rows
    target.script("UPDATE notes SET upper = 'x' WHERE id = 2; INSERT INTO notes VALUES (6, 'SIX');"
                  "DELETE FROM notes WHERE id = 3")
    result = sync(ferry, source, "-c", config, expect=MISPLACED)
    assert written(result) == {"notes": (1, 1, 1)}, str(result)
    assert "id = 6" in result.error["detail"], str(result)
    sync(ferry, source, "-c", config, OVERWRITE)
    assert target.rows("SELECT * FROM notes ORDER BY id") == rows
    assert written(sync(ferry, source, "-c", config)) == {}


def test_written_while_a_first_load_runs(ferry, source, target):
    """What somebody put into a table while it was loaded is found by the trip after."""
    sqlite(source, "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n LIMIT 50000) "
                   "INSERT INTO users SELECT i, 'n' || i, i % 100 FROM n")
    target.script(APP)
    ferry.options = EXISTING
    running = Running(ferry.args("sync", source, target=True))
    deadline = time.monotonic() + 60
    while not target.results(("rowferry.source", "SELECT 1 FROM rowferry.source"))[0]:
        assert running.alive() and time.monotonic() < deadline, "never began"
        time.sleep(0.01)
    target.script("INSERT INTO bare VALUES (1)")
    assert running.wait().code == OK
    assert_refused(ferry, source, {"bare": (0, 1, 0)})


def test_interrupted_first_load(ferry, source, target):
    """It goes on without a look; the look comes with the next trip."""
    sqlite(source, "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n LIMIT 50000) "
                   "INSERT INTO users SELECT i, 'n' || i, i % 100 FROM n")
    target.script(APP)
    ferry.options = EXISTING
    running = Running(ferry.args("sync", source, target=True))
    while not target.results(("rowferry.source", "SELECT 1 FROM rowferry.source"))[0] \
            and running.alive():
        time.sleep(0.01)
    running.signal(signal.SIGKILL)
    running.wait(check=False)
    target.script("INSERT INTO bare VALUES (1)")
    sync(ferry, source, expect=(OK, MISPLACED))
    assert_refused(ferry, source, {"bare": (0, 1, 0)})
    result = sync(ferry, source, OVERWRITE)
    assert written(result) == {"bare": (0, 1, 0)}
    seen(target, source)


def test_connection_of_a_lesser_role(road, source, server, target):
    """A role that may do what a trip needs, and is no superuser."""
    target.script("DROP ROLE IF EXISTS guard_ferry; CREATE ROLE guard_ferry LOGIN; "
                  "GRANT CREATE ON DATABASE " + quote(target.name) + " TO guard_ferry; "
                  "CREATE SCHEMA mine AUTHORIZATION guard_ferry")
    lesser = Target(server, target.name,
                    target.conninfo.replace("user=rowferry", "user=guard_ferry"))
    ferry = Ferry(road.repository.parent / "lesser", lesser, ["--schema", "mine"])
    target.script("DROP SCHEMA rowferry CASCADE")
    try:
        sync(ferry, source)
        sqlite(source, SMALL)
        assert written(sync(ferry, source)) == {}
        target.script("DELETE FROM mine.users WHERE id = 1")
        result = sync(ferry, source, expect=MISPLACED)
        assert written(result) == {"users": (1, 0, 0)}
        sync(ferry, source, OVERWRITE)
        assert written(sync(ferry, source)) == {}
    finally:
        target.script("DROP SCHEMA mine, rowferry CASCADE; DROP OWNED BY guard_ferry; "
                      "DROP ROLE guard_ferry")
