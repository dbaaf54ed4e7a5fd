"""A target that cannot be reached, does not let us in, or is not where it should be."""

import shutil
import threading

import pytest

import makedb
from compare import assert_same
from postgres import Target
from program import CONNECT, MISPLACED, OK, USAGE, Ferry, run

ONLY = ["affinities", "no_key", "without"]


@pytest.fixture
def loaded(ferry, scratch):
    ferry.database = scratch / "source.db"
    makedb.build(ferry.database, 41, only=ONLY)
    ferry.capture(ferry.database)
    return ferry


def as_user(target, role):
    return target.conninfo.replace("user=rowferry", f"user={role}")


def refused(ferry, conninfo, code, *words):
    """Without --json: the three parts on standard error."""
    for command in ("replay", "verify"):
        result = run(command, "-r", ferry.repository, "-d", conninfo)
        assert result.code == code, str(result)
        assert result.err.startswith("error: "), str(result)
        assert any(line.startswith("hint: ") for line in result.err.splitlines()), str(result)
        for word in words:
            assert word in result.err, str(result)


def test_no_server(loaded, scratch):
    refused(loaded, f"host={scratch} dbname=x user=y", CONNECT, str(scratch))


def test_no_such_database(loaded, server):
    refused(loaded, server.conninfo("absent"), CONNECT, "absent")


def test_nonsense_instead_of_a_conninfo(loaded):
    refused(loaded, "colour=blue", USAGE, "connection string")


def test_a_wrong_password(loaded, server):
    """The password appears nowhere: not on the streams, not in JSON, not in the repository."""
    server.require_password("guarded", "right")
    secret = "Tr0ub4dor-wrong"
    conninfo = f"{as_user(loaded.target, 'guarded')} password={secret}"
    refused(loaded, conninfo, CONNECT, "password")
    uri = f"postgresql://guarded:{secret}@/{loaded.target.name}?host={server.socket}"
    for target in (conninfo, uri):
        for command in ("replay", "verify", "status"):
            for extra in ([], ["-v"], ["--json"]):
                result = run(command, "-r", loaded.repository, "-d", target, *extra)
                assert result.code == CONNECT, str(result)
                assert secret not in result.out + result.err, str(result)
    for path in loaded.repository.rglob("*"):
        assert path.is_dir() or secret.encode() not in path.read_bytes()


def test_a_right_password_stays_secret(loaded, server):
    secret = "c0rrect-horse"
    server.require_password("keeper", secret)
    loaded.target.script(f'GRANT CREATE ON DATABASE "{loaded.target.name}" TO keeper;'
                         "GRANT ALL ON SCHEMA public TO keeper")
    conninfo = f"{as_user(loaded.target, 'keeper')} password={secret}"
    for command in ("replay", "verify", "status"):
        result = run(command, "-r", loaded.repository, "-d", conninfo, "-v")
        assert result.code == OK, str(result)
        assert secret not in result.out + result.err
    assert_same(loaded.database, loaded.target)
    trips = loaded.target.script("SELECT t::text FROM rowferry.trip t").decode()
    assert secret not in trips


def test_no_right_to_create(loaded, server):
    server.admin.script("DROP ROLE IF EXISTS visitor; CREATE ROLE visitor LOGIN")
    conninfo = as_user(loaded.target, "visitor")
    result = run("replay", "--json", "-r", loaded.repository, "-d", conninfo)
    assert result.code == CONNECT, str(result)
    assert "visitor" in str(result.error) and "GRANT" in result.error["hint"], str(result)
    assert loaded.target.tables() == []


def test_the_environment_serves_without_d(loaded, server):
    env = {"PGHOST": server.socket, "PGUSER": "rowferry", "PGDATABASE": loaded.target.name}
    assert run("replay", "-r", loaded.repository, env=env).code == OK
    assert_same(loaded.database, loaded.target)


def test_status_and_verify_leave_the_environment_alone(loaded, server):
    env = {"PGHOST": "/nonexistent"}
    assert run("verify", "-r", loaded.repository, env=env).code == OK
    assert run("status", "-r", loaded.repository, env=env).code == OK


def test_status_makes_no_ledger(loaded):
    assert loaded.status().of_type("target")[0]["state"] == "none"
    assert loaded.target.value("SELECT to_regnamespace('rowferry') IS NULL") == "t"


def test_a_target_that_is_ahead(loaded, scratch):
    """Of a repository that was restored from an older copy, say."""
    older = scratch / "older"
    shutil.copytree(loaded.repository, older)
    makedb.edit(loaded.database, 41, only=ONLY, share=1)
    loaded.capture(loaded.database)
    loaded.replay()
    behind = Ferry(older, loaded.target)
    result = behind.replay(expect=MISPLACED)
    said = str(result.error)
    assert "1" in said and "2" in said and result.error["hint"], "says which stands where"
    assert_same(loaded.database, loaded.target)
    assert behind.replay("-s", 1, expect=MISPLACED).error["what"]
    assert_same(loaded.database, loaded.target)


def test_a_history_that_forked(loaded, scratch):
    """Both copies of a repository went on to a snapshot 2 of their own: one number, two digests."""
    fork, other = scratch / "fork", scratch / "other.db"
    shutil.copytree(loaded.repository, fork)
    shutil.copy(loaded.database, other)
    if (scratch / "source.db-wal").exists():
        shutil.copy(scratch / "source.db-wal", scratch / "other.db-wal")
    makedb.edit(loaded.database, "41 here", only=ONLY, share=1)
    makedb.edit(other, "41 there", only=ONLY, share=1)
    loaded.capture(loaded.database)
    loaded.replay()
    forked = Ferry(fork, loaded.target)
    forked.capture(other)
    makedb.edit(other, "41 there again", only=ONLY, share=1)
    forked.capture(other)
    forked.replay(expect=MISPLACED)
    assert_same(loaded.database, loaded.target)


def test_fed_by_another_source(loaded, scratch):
    loaded.replay()
    other = Ferry(scratch / "other", loaded.target)
    makedb.build(scratch / "other.db", 42, only=ONLY)
    other.capture(scratch / "other.db")
    result = other.replay(expect=MISPLACED)
    assert "source" in str(result.error) and result.error["hint"]
    other.verify(expect=MISPLACED)
    assert_same(loaded.database, loaded.target)


def test_a_gap_in_the_chain(loaded):
    """Snapshot 2 never arrived on this host."""
    loaded.replay()
    for day in (1, 2):
        makedb.edit(loaded.database, f"41 {day}", only=ONLY, share=1)
        loaded.capture(loaded.database)
    names = sorted((loaded.repository / "snapshots").glob("*.rfm"))
    names[1].unlink()
    result = loaded.replay(expect=(MISPLACED, 3))
    assert "2" in str(result.error)
    assert loaded.target.stands_at() == 1


def test_rows_edited_by_hand(loaded):
    """A delta that meets rows which are not as the ledger says stops and names the table; nothing
    is applied."""
    loaded.replay()
    loaded.target.script("DELETE FROM affinities WHERE id IN (1, 2, 3)")
    db = makedb.connect(loaded.database)
    db.execute("DELETE FROM affinities WHERE id = 1")
    db.execute("UPDATE affinities SET t = 'new' WHERE id = 2")
    db.execute("INSERT INTO no_key VALUES (9, 'q', 9.0)")
    db.close()
    loaded.capture(loaded.database)
    before = loaded.target.rows("SELECT count(*) FROM no_key")
    result = loaded.replay(expect=(MISPLACED, 3))
    assert "affinities" in str(result.error), str(result)
    assert loaded.target.rows("SELECT count(*) FROM no_key") == before
    assert loaded.status().of_type("target")[0]["snapshot"] == 1


def test_readers_see_one_snapshot_or_the_next(loaded):
    """A report that runs all the time, during the first load and a delta, never sees a mixture."""
    db = makedb.connect(loaded.database)
    db.execute("CREATE TABLE one (n INTEGER)")
    db.execute("CREATE TABLE two (n INTEGER)")
    fill = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
            "INSERT INTO {} SELECT {} FROM n")
    for table in ("one", "two"):
        db.execute(fill.format(table, 1))
    loaded.capture(loaded.database)
    stop, seen = threading.Event(), set()
    reader = Target(loaded.target.server, loaded.target.name)

    def report():
        while not stop.is_set():
            out = reader.script("""
                BEGIN ISOLATION LEVEL REPEATABLE READ;
                SELECT to_regclass('one') IS NOT NULL AND to_regclass('two') IS NOT NULL AS there,
                       to_regclass('one') IS NULL AND to_regclass('two') IS NULL AS absent \\gset
                \\if :there
                SELECT (SELECT count(*) || ':' || sum(n) FROM one),
                       (SELECT count(*) || ':' || sum(n) FROM two);
                \\elif :absent
                \\echo absent
                \\else
                \\echo half of the tables
                \\endif
            """).decode().strip()
            seen.add(out)

    thread = threading.Thread(target=report)
    thread.start()
    try:
        loaded.replay()
        for table in ("one", "two"):
            db.execute(f"UPDATE {table} SET n = 2")
            db.execute(fill.format(table, 2))
        db.close()
        loaded.capture(loaded.database)
        loaded.replay()
    finally:
        stop.set()
        thread.join()
    assert seen <= {"absent", "20000:20000|20000:20000", "40000:80000|40000:80000"}, seen


def test_autovacuum_keeps_off_a_table_while_it_is_loaded(ferry, scratch):
    """Of a table that comes in several chunks; what was set for the load does not outlive it."""
    database = scratch / "source.db"
    db = makedb.connect(database)
    db.execute("CREATE TABLE large (id INTEGER PRIMARY KEY, v BLOB)")
    db.execute("CREATE TABLE small (id INTEGER PRIMARY KEY, v BLOB)")
    db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4600) "
               "INSERT INTO large SELECT i, randomblob(4000) FROM n")
    db.execute("INSERT INTO small SELECT * FROM large LIMIT 10")
    db.close()
    ferry.target.script("""
        CREATE SCHEMA watch;
        CREATE TABLE watch.seen (name text, options text[]);
        CREATE FUNCTION watch.note() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO watch.seen
                SELECT c.relname, c.reloptions || t.reloptions FROM pg_event_trigger_ddl_commands() d
                JOIN pg_class c ON c.oid = d.objid LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
                WHERE d.command_tag = 'ALTER TABLE';
        END $$;
        CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION watch.note();""")
    ferry.capture(database)
    ferry.replay()
    ferry.target.script("DROP EVENT TRIGGER note")
    off = "{autovacuum_enabled=off,autovacuum_enabled=off}"
    assert ferry.target.rows("SELECT DISTINCT name FROM watch.seen WHERE options IS NOT NULL "
                             f"AND options = '{off}'") == [["large"]]
    assert ferry.target.rows("SELECT relname, reloptions FROM pg_class WHERE relkind IN ('r', 't') "
                             "AND reloptions IS NOT NULL") == []
    assert_same(database, ferry.target)
