"""SQL that is run with the rows, in their transaction: when it runs, what it may do, and that nothing
is applied where it fails."""

import signal

import pytest

from makedb import sqlite
from program import FAILED, OK, Running, run, settings


def prepare(ferry, target, scratch, rows=3):
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
                   + "".join(f"INSERT INTO t VALUES ({i}, 'v{i}');" for i in range(rows)))
    target.script("CREATE TABLE t (id serial PRIMARY KEY, v text);"
                  "CREATE TABLE public.jobs (n serial, what text);")
    ferry.capture(source)
    return source


def jobs(target):
    return [row[0] for row in target.rows("SELECT what FROM jobs ORDER BY n")]


RULES = """
existing: true
after:
  - sql: |
      INSERT INTO jobs (what)   -- finds the target's schema, and both statements run
        SELECT 'always ' || count(*) || ' next ' || nextval('t_id_seq') FROM t;
      INSERT INTO jobs (what) SELECT 'it''s \\ "done"';
  - {sql: "INSERT INTO jobs (what) VALUES ('first')", when: first}
  - {sql: "INSERT INTO jobs (what) VALUES ('final');", when: final}
"""
DONE = 'it\'s \\ "done"'


@pytest.mark.parametrize("options", [[], ["--atomic"]], ids=str)
def test_when(ferry, target, scratch, options):
    source = prepare(ferry, target, scratch)
    rules = settings(scratch, RULES)
    ferry.replay(*rules, *options, "--dry-run", expect=OK)
    assert jobs(target) == []
    done = ferry.replay(*rules, *options, expect=OK)
    assert jobs(target) == ["always 3 next 3", DONE, "first"]
    assert done.summary["after"] == 2
    # Nothing new.
    assert ferry.replay(*rules, expect=OK).summary["after"] == 0
    assert len(jobs(target)) == 3
    # Two snapshots are two transactions.
    sqlite(source, "INSERT INTO t VALUES (10, 'x')")
    ferry.capture(source)
    sqlite(source, "DELETE FROM t WHERE id = 0")
    ferry.capture(source)
    assert ferry.replay(*rules, expect=OK).summary["after"] == 2
    assert jobs(target)[3:] == ["always 4 next 11", DONE, "always 3 next 12", DONE]
    ferry.verify(expect=OK)
    # A snapshot that changes a table which this target does not have writes no rows.
    sqlite(source, "CREATE TABLE other (id INTEGER); INSERT INTO other VALUES (1)")
    ferry.capture(source)
    assert ferry.replay(*rules, "-t", "t", expect=OK).summary["after"] == 0
    assert target.rows("SELECT DISTINCT occasion, snapshot FROM rowferry.after ORDER BY 1") == \
        [["always", "3"], ["first", "1"]]


def test_final(ferry, target, scratch):
    """With the last trip, be there anything new or not; once for a snapshot, however often it is
    told to be the last one."""
    source = prepare(ferry, target, scratch)
    rules = settings(scratch, RULES)
    args = [*rules, "-r", ferry.repository, "-d", target.conninfo]

    def last(*options):
        done = run("sync", "--json", "--final", *options, *args, source)
        assert done.code == OK, str(done)
        return done

    ferry.replay(*rules, expect=OK)
    count = len(jobs(target))
    last("--dry-run")
    assert len(jobs(target)) == count
    last()
    assert jobs(target)[count:] == ["final"]
    last()
    assert jobs(target)[count:] == ["final"]
    sqlite(source, "INSERT INTO t VALUES (30, 'x')")
    last()
    assert jobs(target)[count + 1:] == ["always 4 next 31", DONE, "final"]
    last()
    assert len(jobs(target)) == count + 4
    ferry.verify(expect=OK)


def test_owned_tables(ferry, target, scratch):
    """Where rowferry makes the tables they stand where they will, with views and all."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (7);"
                   "CREATE VIEW w AS SELECT id FROM t;")
    target.script("CREATE TABLE public.jobs (n serial, what text)")
    rules = settings(scratch, """
        objects: [{name: w}]
        after: [{sql: "INSERT INTO jobs (what) SELECT 'seen ' || id FROM public.w"}]""")
    result = run("sync", "--json", *rules, "-r", ferry.repository, "-d", target.conninfo, source)
    assert result.code == OK and result.summary["replay"]["after"] == 1, str(result)
    sqlite(source, "UPDATE t SET id = 8")
    result = run("sync", "--json", *rules, "-r", ferry.repository, "-d", target.conninfo, source)
    assert result.code == OK and jobs(target) == ["seen 7", "seen 8"], str(result)


# What it may not do

WRONG = [
    ("COMMIT", "0A000"),
    ("BEGIN; INSERT INTO jobs VALUES (1)", "0A000"),
    ("INSERT INTO jobs (what) VALUES ('half'); COMMIT; SELECT 1", "0A000"),
    ("END", "0A000"),
    ("ROLLBACK AND CHAIN", "0A000"),
    ("SAVEPOINT a", "0A000"),
    ("PREPARE TRANSACTION 'x'", "0A000"),
    ("DO $$BEGIN INSERT INTO jobs (what) VALUES ('half'); COMMIT; END$$", "2D000"),
    ("COPY jobs FROM STDIN", "0A000"),
    ("COPY jobs TO STDOUT", "0A000"),
    ("VACUUM jobs", "25001"),
    ("SELECT 1/0", "22012"),
    ("INSERT INTO jobs (n) VALUES (1), (1); ALTER TABLE jobs ADD UNIQUE (n)", "23505"),
    ("INSERT INTO jobs (what)\nVALUES ('ä'), (wrong)", "42703"),
    ("SELECT 'open", "42601"),
    ("x'; DROP TABLE jobs; --", "42601"),
]


@pytest.mark.parametrize("sql, state", WRONG, ids=lambda value: str(value)[:24])
def test_refused(ferry, target, scratch, sql, state):
    """Nothing of it stays, nor of the rows; what was loaded is shown once the SQL is mended."""
    source = prepare(ferry, target, scratch)
    text = "existing: true\nafter:\n  - sql: |\n" + "".join(
        f"      {line}\n" for line in sql.split("\n"))
    ferry.capture(source)
    refused = ferry.replay(*settings(scratch, text), expect=FAILED if state != "23505" else
                           (FAILED, 4))
    assert refused.error["sqlstate"] == state, str(refused)
    assert "rowferry.yaml:3" in str(refused.error), str(refused)
    if "wrong" in sql:
        assert "line 2 of it, at character 16" in str(refused.error), str(refused)
    assert jobs(target) == []
    assert target.value("SELECT state FROM rowferry.source") == "loading"
    assert target.value("SELECT count(*) FROM t") == "3", "what is loaded stays"
    again = ferry.replay(expect=OK)
    assert again.summary["mode"] == "load" and target.stands_at() == 1
    # In a delta.
    sqlite(source, "INSERT INTO t VALUES (50, 'x')")
    ferry.capture(source)
    refused = ferry.replay(*settings(scratch, text), expect=(FAILED, 4))
    assert refused.error["sqlstate"] == state, str(refused)
    assert target.stands_at() == 1 and target.value("SELECT count(*) FROM t") == "3"
    assert jobs(target) == []
    ferry.replay(expect=OK)
    ferry.verify(expect=OK)


def test_settings_do_not_last(ferry, target, scratch):
    """What it sets is undone before the ledger moves, and in the next snapshot."""
    source = prepare(ferry, target, scratch)
    rules = settings(scratch, """
existing: true
after:
  - sql: |
      SET search_path = nowhere; SET datestyle = 'German'; SET bytea_output = escape;
      CREATE ROLE nobody_at_all; SET ROLE nobody_at_all;
  - sql: INSERT INTO jobs (what) SELECT current_user = session_user AND user <> 'nobody_at_all';
  - sql: RESET ROLE; DROP ROLE nobody_at_all;
""")
    ferry.replay(*rules, expect=OK)
    sqlite(source, "INSERT INTO t VALUES (8, 'x')")
    ferry.capture(source)
    sqlite(source, "INSERT INTO t VALUES (9, 'x')")
    ferry.capture(source)
    ferry.replay(*rules, expect=OK)
    assert jobs(target) == ["true", "true", "true"]
    ferry.verify(expect=OK)


def test_triggers_act(ferry, target, scratch):
    """Those that the load holds off are back for the SQL, and foreign keys refuse."""
    source = prepare(ferry, target, scratch)
    target.script("""
        CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN NEW.what := NEW.what || ' fired'; RETURN NEW; END$$;
        CREATE TRIGGER fire BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION fire();
        CREATE TABLE child (id int REFERENCES t);""")
    text = """
existing: true
after: [{sql: "INSERT INTO jobs (what) VALUES ('x'); INSERT INTO child VALUES (1)"}]
"""
    ferry.replay(*settings(scratch, text), expect=OK)
    assert jobs(target) == ["x fired"]
    sqlite(source, "INSERT INTO t VALUES (60, 'x')")
    ferry.capture(source)
    wrong = settings(scratch, "after: [{sql: INSERT INTO child VALUES (99)}]\n")
    assert "child" in str(ferry.replay(*wrong, expect=(FAILED, 4)))
    assert target.stands_at() == 1
    ferry.replay(*settings(scratch, text), expect=OK)
    assert jobs(target) == ["x fired", "x fired"]


def test_stopped(ferry, target, scratch):
    """While it runs: by a signal, or for good. The next run does it all, once."""
    source = prepare(ferry, target, scratch)
    ferry.replay("--existing", expect=OK)
    sqlite(source, "INSERT INTO t VALUES (70, 'x')")
    ferry.capture(source)
    slow = settings(scratch, "after: [{sql: \"INSERT INTO jobs (what) VALUES ('slow'); "
                             "SELECT pg_sleep(600)\"}]\n")
    for number in (signal.SIGTERM, signal.SIGKILL):
        running = Running(ferry.args("replay", *slow, target=True))
        while not target.value("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
            assert running.alive()
        running.signal(number)
        running.wait()
        target.script("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                      "WHERE wait_event = 'PgSleep'")
        assert jobs(target) == [] and target.stands_at() == 1
    quick = settings(scratch, "after: [{sql: INSERT INTO jobs (what) VALUES ('quick')}]\n")
    ferry.replay(*quick, expect=OK)
    assert jobs(target) == ["quick"] and target.stands_at() == 2


def test_analyze(ferry, target, scratch):
    """Tables that were written are looked at again; others, and without the rule, are not."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE u (id INTEGER PRIMARY KEY);"
                   "INSERT INTO t VALUES (1); INSERT INTO u VALUES (1);")
    target.script("CREATE TABLE t (id bigint PRIMARY KEY) WITH (autovacuum_enabled = off);"
                  "CREATE TABLE u (id bigint PRIMARY KEY) WITH (autovacuum_enabled = off);")
    ferry.capture(source)
    ferry.replay("--existing", expect=OK)

    def known():
        return target.rows("SELECT relname, reltuples FROM pg_class WHERE relname IN ('t', 'u') "
                           "ORDER BY 1")

    assert known() == [["t", "1"], ["u", "1"]]
    rows = ",".join(f"({n})" for n in range(2, 5001))
    sqlite(source, f"INSERT INTO t VALUES {rows}")
    ferry.capture(source)
    ferry.replay(expect=OK)
    assert known() == [["t", "1"], ["u", "1"]]
    sqlite(source, "DELETE FROM t WHERE id > 4000")
    ferry.capture(source)
    ferry.replay(*settings(scratch, "analyze: true\n"), expect=OK)
    assert known() == [["t", "4000"], ["u", "1"]]


def test_report(ferry, target, scratch):
    """For people: what was set aside and why, sequences and SQL; nothing of it when nothing was."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INT);"
                   "INSERT INTO t VALUES (1, 'a' || char(0), 1), (2, 'b' || char(0), 2), (3, 'c', 'x'),"
                   "(4, 'd', 4);")
    target.script("CREATE TABLE t (id serial PRIMARY KEY, v text, n int);")
    rules = settings(scratch, "after: [{sql: SELECT 1}]\n")
    args = ["-r", ferry.repository, "-d", target.conninfo, "--existing", *rules]
    ferry.capture(source)
    done = run("replay", "-v", *args)
    assert done.code == 8, str(done)
    assert "set aside: t.v: " in done.out and "(2 values)" in done.out, str(done)
    assert "set aside: t.n: " in done.out and "(1 value)" in done.out, str(done)
    assert "1 sequence set:\n    t_id_seq = 4\n" in done.out, str(done)
    assert "ran 1 piece of SQL" in done.out, str(done)
    again = run("replay", *args)
    for word in ("t.v", "sequence", "SQL"):
        assert word not in again.out, str(again)
    sqlite(source, "INSERT INTO t VALUES (5, 'x' || char(0), 1)")
    ferry.capture(source)
    lines = ferry.replay(*rules).summary["reasons"]
    assert [(line["table"], line["column"], line["outcome"], line["values"]) for line in lines] == \
        [("t", "v", "set aside", 1)], lines
