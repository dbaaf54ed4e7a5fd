"""sync into a target that has nothing yet: tables are loaded while others are still being captured.
What it does must be what capture and replay do one after the other."""

import shutil
import signal
import sqlite3
import time

import pytest

import makedb
from compare import assert_same
from program import CONNECT, DAMAGED, MISPLACED, OK, SET_ASIDE, Ferry, Running
from test_kill import POINTS, Pace, archives, assert_nothing_left, medium  # noqa: F401
from trips import run_sql

NOTHING_LEFT = ("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'rowferry_load%'",
                "SELECT count(*) FROM rowferry.source")


def sync(ferry, database, *rest, expect=OK):
    return ferry.command("sync", *rest, database, target=True, expect=expect)


def assert_no_load(target):
    assert [target.rows(query) for query in NOTHING_LEFT] == [[["0"]], [["0"]]]


def relations(target):
    return target.rows("SELECT relname, relkind FROM pg_class c JOIN pg_namespace n "
                       "ON n.oid = relnamespace WHERE nspname = 'public' ORDER BY relname")


def test_every_shape(ferry, scratch):
    database = scratch / "source.db"
    makedb.build(database, 77)
    done = sync(ferry, database, expect=(OK, SET_ASIDE))
    assert done.summary["capture"]["published"] and done.summary["replay"]["mode"] == "load"
    assert done.summary["replay"]["digest"] == done.summary["capture"]["digest"]
    assert_same(database, ferry.target)
    ferry.verify()
    assert_nothing_left(ferry.repository)


def test_no_tables(ferry, scratch):
    database = scratch / "source.db"
    sqlite3.connect(database).execute("PRAGMA user_version = 1").connection.close()
    assert sync(ferry, database).summary["replay"]["to"] == 1
    assert ferry.target.rows("SELECT state, snapshot FROM rowferry.source") == [["ready", "1"]]


def test_nothing_new_for_a_target_that_has_nothing(ferry, server, medium):  # noqa: F811
    """The snapshot that is loaded is then the one that was there, not the one that was begun."""
    ferry.capture(medium)
    other = scratch_copy(medium)
    done = sync(ferry, other)
    assert not done.summary["capture"]["published"] and done.summary["replay"]["to"] == 1
    assert_same(medium, ferry.target)
    assert_nothing_left(ferry.repository)


def scratch_copy(database):
    """The same rows in a file that was never captured."""
    other = database.with_name("other.db")
    shutil.copy(database, other)
    run_sql(other, ["PRAGMA journal_mode = DELETE", "VACUUM"])
    return other


def test_killed(ferry, server, medium):  # noqa: F811
    """Whatever stage a first sync was killed in, the next one ends right."""
    whole = sync(ferry, medium)
    ferry.target.drop()
    hits = 0
    pace = Pace(whole.seconds, "overlap")
    for _ in range(POINTS):
        shutil.rmtree(ferry.repository)
        ferry.target = server.create()
        hits += pace.killed([*ferry.args("sync", target=True), medium])
        if ferry.target.tables():
            assert_same(medium, ferry.target)
        sync(ferry, medium)
        assert_same(medium, ferry.target)
        assert_nothing_left(ferry.repository)
        ferry.verify()
        ferry.target.drop()
    ferry.target = server.create()
    assert hits > POINTS // 3, "the kills came too late to say anything"


def test_no_archive_of_a_killed_capture_stays(ferry, server, medium):  # noqa: F811
    whole = sync(ferry, medium)
    wanted = len(archives(ferry.repository))
    for part in (0.3, 0.5, 0.7):
        shutil.rmtree(ferry.repository)
        pace = Pace(whole.seconds * part, part)
        pace.killed([*ferry.args("sync", target=True), medium])
        ferry.capture(medium)
        assert len(archives(ferry.repository)) == wanted


def test_interrupted(ferry, medium):  # noqa: F811
    running = Running([*ferry.args("sync", target=True), medium])
    time.sleep(0.2)
    running.signal(signal.SIGINT)
    assert running.wait().code in (OK, 128 + signal.SIGINT)
    sync(ferry, medium)
    assert_same(medium, ferry.target)


def test_source_that_cannot_be_read_to_its_end(ferry, scratch):
    """The table that came before the damage was loaded, or nearly: nothing of it is left."""
    database = scratch / "source.db"
    db = makedb.connect(database)
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("PRAGMA page_size = 4096")
    for name in ("a", "b", "c"):
        db.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, v TEXT)")
        db.execute(f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9000) "
                   f"INSERT INTO {name} SELECT i, 'row ' || i FROM n")
    root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'c'").fetchone()[0]
    db.close()
    sound = database.read_bytes()
    broken = bytearray(sound)
    broken[(root - 1) * 4096] = 0x77
    database.write_bytes(broken)
    sync(ferry, database, expect=DAMAGED)
    assert_no_load(ferry.target)
    assert not archives(ferry.repository)
    assert_nothing_left(ferry.repository)
    database.write_bytes(sound)
    sync(ferry, database)
    assert_same(database, ferry.target)


def test_names_that_are_given_by_turns(ferry, server, scratch):
    """An index has the name that another table's key would get."""
    database = scratch / "source.db"
    run_sql(database, [
        "CREATE TABLE b (id INTEGER PRIMARY KEY, v TEXT UNIQUE)",
        "CREATE TABLE a (v TEXT)",
        "CREATE INDEX b_pkey ON a (v)",
        "CREATE INDEX b_v_key ON b (v)",
        "INSERT INTO a VALUES ('x')",
        "INSERT INTO b VALUES (1, 'y')",
    ])
    sync(ferry, database)
    other = Ferry(ferry.repository, server.create())
    other.replay()
    assert relations(ferry.target) == relations(other.target)
    assert_same(database, ferry.target)
    other.target.drop()


def test_row_that_is_to_fail(ferry, scratch):
    """The snapshot is there; the target has nothing."""
    database = scratch / "source.db"
    run_sql(database, ["CREATE TABLE a (v TEXT)", "CREATE TABLE b (v INTEGER)",
                       "INSERT INTO a VALUES ('x')", "INSERT INTO b VALUES ('no number'), (1)"])
    (scratch / "rules.yaml").write_text(
        "tables:\n  rules:\n    - table: b\n      on_mismatch: fail\n      columns:\n"
        "        - column: v\n          type: bigint\n")
    failed = sync(ferry, database, "-c", scratch / "rules.yaml", expect=MISPLACED)
    assert failed.summary["capture"]["published"] and failed.summary["replay"] is None
    assert_no_load(ferry.target)
    assert ferry.newest() == 1
    sync(ferry, database)
    assert_same(database, ferry.target)


def test_target_out_of_reach(ferry, medium):  # noqa: F811
    done = ferry.command("sync", "-d", "host=/nowhere dbname=none", medium, expect=CONNECT)
    assert done.summary["capture"]["published"] and done.summary["replay"] is None
    sync(ferry, medium)
    assert_same(medium, ferry.target)


@pytest.mark.parametrize("jobs", ["1", "5"])
def test_jobs(ferry, medium, jobs):  # noqa: F811
    sync(ferry, medium, "-j", jobs)
    assert_same(medium, ferry.target)


# ---- changes ----


def changed(database):
    """Tables that only get other rows, and such that get another shape, come and go."""
    run_sql(database, [
        "UPDATE big SET v = v || 'x' WHERE id % 7 = 1", "DELETE FROM big WHERE id % 11 = 2",
        "INSERT INTO big SELECT id + 1000000, v || 'y', r FROM big WHERE id % 13 = 3",
        "DELETE FROM bag WHERE rowid % 9 = 4",
    ])


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_changes(ferry, medium, jobs):  # noqa: F811
    sync(ferry, medium)
    changed(medium)
    done = sync(ferry, medium, "-j", jobs)
    assert done.summary["replay"]["mode"] == "delta" and done.summary["replay"]["to"] == 2
    captured, replayed = done.summary["capture"], done.summary["replay"]
    assert replayed["digest"] == captured["digest"]
    for what in ("inserted", "updated", "deleted"):
        assert replayed[what] == captured[what], what
    assert_same(medium, ferry.target)
    ferry.verify(expect=OK)
    again = sync(ferry, medium)
    assert again.summary["replay"]["mode"] == "none"


def test_changes_of_every_kind(ferry, medium):  # noqa: F811
    sync(ferry, medium)
    changed(medium)
    run_sql(medium, [
        "CREATE TABLE a_new (id INTEGER PRIMARY KEY, v TEXT UNIQUE)",
        "INSERT INTO a_new VALUES (1, 'x')",
        "ALTER TABLE bag ADD COLUMN more REAL DEFAULT 1.5",
        "DROP INDEX big_v", "CREATE UNIQUE INDEX big_id_v ON big (id, v)",
    ])
    done = sync(ferry, medium)
    assert done.summary["replay"]["mode"] == "delta"
    assert_same(medium, ferry.target)
    ferry.verify(expect=OK)
    run_sql(medium, ["DROP TABLE bag", "UPDATE big SET r = 'a text that is no number' WHERE id = 3",
                     "UPDATE a_new SET v = 'y'"])
    sync(ferry, medium)
    assert_same(medium, ferry.target)
    ferry.verify(expect=OK)


def test_changes_between_tables_with_foreign_keys(ferry, scratch):
    database = scratch / "source.db"
    run_sql(database, [
        "CREATE TABLE a_child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES b_parent (id))",
        "CREATE TABLE b_parent (id INTEGER PRIMARY KEY, v TEXT)",
        "INSERT INTO b_parent VALUES (1, 'x'), (2, 'y')", "INSERT INTO a_child VALUES (1, 1), (2, 2)",
    ])
    sync(ferry, database)
    run_sql(database, ["INSERT INTO b_parent VALUES (3, 'z')", "INSERT INTO a_child VALUES (3, 3)",
                       "DELETE FROM a_child WHERE id = 1", "DELETE FROM b_parent WHERE id = 1"])
    assert sync(ferry, database).summary["replay"]["mode"] == "delta"
    assert_same(database, ferry.target)


def test_target_further_behind(ferry, medium):  # noqa: F811
    sync(ferry, medium)
    changed(medium)
    ferry.capture(medium)
    run_sql(medium, ["UPDATE big SET v = 'last' WHERE id = 1"])
    assert sync(ferry, medium).summary["replay"]["to"] == 3
    assert_same(medium, ferry.target)


def test_changes_killed(ferry, server, medium):  # noqa: F811
    """The target stands at one snapshot or the other, whatever happened."""
    sync(ferry, medium)
    changed(medium)
    whole = sync(ferry, medium)
    hits = 0
    pace = Pace(whole.seconds, "changes")
    for point in range(POINTS):
        before = ferry.newest()
        run_sql(medium, [f"UPDATE big SET v = v || '{point}' WHERE id % 5 = {point % 5}",
                         f"DELETE FROM bag WHERE rowid % 50 = {point}"])
        hits += pace.killed([*ferry.args("sync", target=True), medium])
        standing = ferry.target.rows("SELECT snapshot FROM rowferry.source")
        assert standing in ([[str(before)]], [[str(before + 1)]])
        sync(ferry, medium)
        assert_same(medium, ferry.target)
        assert_nothing_left(ferry.repository)
        ferry.verify(expect=OK)
    assert hits > POINTS // 3, "the kills came too late to say anything"


def test_changes_and_a_source_that_cannot_be_read_to_its_end(ferry, scratch):
    database = scratch / "source.db"
    db = makedb.connect(database)
    db.execute("PRAGMA journal_mode = DELETE")
    for name in ("a", "b", "c"):
        db.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, v TEXT)")
        db.execute(f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9000) "
                   f"INSERT INTO {name} SELECT i, 'row ' || i FROM n")
    root, size = (db.execute(query).fetchone()[0] for query in
                  ("SELECT rootpage FROM sqlite_schema WHERE name = 'c'", "PRAGMA page_size"))
    db.close()
    sync(ferry, database)
    rows = ferry.target.rows("SELECT * FROM a ORDER BY id")
    run_sql(database, ["UPDATE a SET v = 'other' WHERE id % 2 = 0"])
    sound = database.read_bytes()
    broken = bytearray(sound)
    broken[(root - 1) * size] = 0x77
    database.write_bytes(broken)
    sync(ferry, database, expect=DAMAGED)
    assert ferry.target.rows("SELECT * FROM a ORDER BY id") == rows
    assert ferry.target.rows("SELECT snapshot FROM rowferry.source") == [["1"]]
    database.write_bytes(sound)
    sync(ferry, database)
    assert_same(database, ferry.target)


def test_somebody_dropped_a_table_meanwhile(ferry, medium):  # noqa: F811
    """The snapshot is there; the target stands where it stood."""
    sync(ferry, medium)
    ferry.target.script("DROP TABLE big")
    changed(medium)
    failed = sync(ferry, medium, expect=MISPLACED)
    assert failed.summary["capture"]["published"] and failed.summary["replay"] is None
    assert ferry.target.rows("SELECT snapshot FROM rowferry.source") == [["1"]]
