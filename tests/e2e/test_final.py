"""sync --final: nobody writes to the source while it is carried for the last time, the target is
proven to be what it is, and the source stays as it was, to the byte. And --verify."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from compare import assert_same
from program import (CONNECT, DAMAGED, LOCKED, MISPLACED, OK, SET_ASIDE, STORAGE, Ferry, Running,
                     run)
from test_source import as_nobody, crashed_writer

MODES = ["WAL", "DELETE"]


def make(path, mode="WAL", rows=200):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA journal_mode = {mode}")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    db.execute("CREATE TABLE other (a INTEGER, b BLOB)")
    db.executemany("INSERT INTO t (v) VALUES (?)", ((f"row {i}",) for i in range(rows)))
    db.executemany("INSERT INTO other VALUES (?, x'00ff')", ((i,) for i in range(5)))
    db.close()
    return path


@pytest.fixture(params=MODES)
def source(scratch, request):
    return make(scratch / "source.db", request.param)


def write(path, *statements):
    db = sqlite3.connect(path, timeout=10, isolation_level=None)
    for statement in statements:
        db.execute(statement)
    db.close()


def state(path):
    """The database, its WAL and its journal: bytes, and when they were written."""
    found = {}
    for suffix in ("", "-wal", "-journal"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            found[suffix] = file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_ino
    return found


def final(ferry, database, *args, expect=OK, **kw):
    return ferry.command("sync", "--final", *args, database, target=True, expect=expect, **kw)


def sync(ferry, database, *args, expect=OK):
    return ferry.command("sync", *args, database, target=True, expect=expect)


@contextlib.contextmanager
def another_process(database, *statements):
    """Opens it, does that, and keeps it open."""
    script = """if True:
        import sqlite3, sys
        db = sqlite3.connect(sys.argv[1], isolation_level=None)
        for statement in sys.argv[2:]:
            db.execute(statement).fetchall()
        print("ready", flush=True)
        sys.stdin.read()
    """
    process = subprocess.Popen([sys.executable, "-c", script, str(database), *statements],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=20)


LOCKS = ("FROM pg_locks WHERE relation = to_regclass('public.t') "
         "AND mode = 'AccessExclusiveLock' AND granted")


def until(answer, target, query, running=None):
    deadline = time.monotonic() + 60
    while target.value(query) != answer:
        assert time.monotonic() < deadline and (running is None or running.alive()), query
        time.sleep(0.02)


def let_go(target):
    target.script(f"SELECT pg_terminate_backend(pid) {LOCKS}")


@contextlib.contextmanager
def halted(ferry, database, *args):
    """A last trip that waits in the middle of its replay for a lock on the target's table, until it
    is let go."""
    target = ferry.target
    locker = subprocess.Popen(
        ["psql", "-X", "-q", target.conninfo, "-c", "BEGIN; LOCK TABLE t; SELECT pg_sleep(600)"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until("1", target, f"SELECT count(*) {LOCKS}")
        running = Running([*ferry.args("sync", target=True), "--final", *args, database])
        until("t", target, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted "
                           "AND relation = to_regclass('public.t')", running)
        yield running
    finally:
        let_go(target)
        locker.wait(timeout=20)


def end(ferry, running):
    let_go(ferry.target)
    return running.wait()


# It goes

def test_the_last_trip(ferry, source):
    before = state(source)
    done = final(ferry, source)
    assert done.summary["final"]["ready"] and done.summary["final"]["rows"] == 205
    assert done.summary["verify"]["missing"] == done.summary["verify"]["extra"] == 0
    assert done.summary["verify"]["damages"] == 0
    assert "PostgreSQL" in done.summary["final"]["next"]
    after = state(source)
    assert after[""] == before[""] and after.get("-wal", (b"",))[0] == before.get("-wal", (b"",))[0]
    assert "-journal" not in after
    assert_same(source, ferry.target)
    write(source, "INSERT INTO t VALUES (999, 'the lock is gone')")


def test_after_live_trips_and_again_and_again(ferry, source):
    sync(ferry, source)
    write(source, "UPDATE t SET v = 'changed' WHERE id < 20", "DELETE FROM t WHERE id > 190")
    sync(ferry, source)
    write(source, "INSERT INTO t VALUES (500, 'last')")
    assert final(ferry, source).summary["replay"]["mode"] == "delta"
    assert_same(source, ferry.target)
    for _ in range(2):
        again = final(ferry, source).summary
        assert again["replay"]["mode"] == "none" and again["final"]["ready"]
        assert again["capture"]["published"] is False
    write(source, "INSERT INTO t VALUES (501, 'not yet')")
    sync(ferry, source)
    assert final(ferry, source).summary["final"]["rows"] == again["final"]["rows"] + 1


def test_for_people(ferry, source):
    out = run("sync", "--final", "-r", ferry.repository, "-d", ferry.target.conninfo, source).out
    assert "the target equals snapshot 1" in out and "205 rows in 2 tables, proven equal" in out
    assert "The application may now be started on PostgreSQL." in out
    assert "untouched" in out


def test_the_next_step_in_words_of_ones_own(ferry, source, scratch):
    rules = scratch / "rules.yaml"
    rules.write_text("next: |\n  Set database.name to psycopg2,\n  then start the server.\n")
    done = final(ferry, source, "-c", rules)
    assert "psycopg2,\nthen start" in done.summary["final"]["next"]
    out = run("sync", "--final", "-c", rules, "-r", ferry.repository, "-d", ferry.target.conninfo,
              source).out
    assert "psycopg2,\nthen start the server." in out and "may now be started" not in out


def test_rehearsed(ferry, source):
    before = state(source)
    done = final(ferry, source, "--dry-run")
    assert "final" not in done.summary and "verify" not in done.summary
    assert ferry.target.tables() == [] and not ferry.repository.exists()
    assert state(source)[""] == before[""]


def test_a_wal_that_a_crash_left(ferry, scratch):
    """It is read, and stays as it is."""
    source = make(scratch / "source.db")
    script = """if True:
        import os, signal, sqlite3, sys
        db = sqlite3.connect(sys.argv[1], isolation_level=None)
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("UPDATE t SET v = 'in the log'")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", script, str(source)])
    before = state(source)
    assert len(before["-wal"][0]) > 4096
    final(ferry, source)
    assert state(source) == before
    assert ferry.target.value("SELECT count(*) FROM t WHERE v = 'in the log'") == "200"


# Others are kept away

def test_writers_are_kept_away_and_readers_are_not(ferry, source):
    sync(ferry, source)
    write(source, "UPDATE t SET v = 'later'")
    with halted(ferry, source) as running:
        db = sqlite3.connect(source, timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            db.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            db.execute("DELETE FROM t")
        assert db.execute("SELECT count(*) FROM t").fetchone() == (200,)
        db.close()
        done = end(ferry, running)
    assert done.code == OK, str(done)
    assert_same(source, ferry.target)
    write(source, "DELETE FROM t")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_ended_in_the_middle(ferry, source, number):
    sync(ferry, source)
    write(source, "UPDATE t SET v = 'later'")
    with halted(ferry, source) as running:
        running.signal(number)
        ended = running.wait(check=False)
        assert ended.code in (-number, 128 + number)
        write(source, "INSERT INTO t VALUES (700, 'the lock went with it')")
    final(ferry, source)
    assert_same(source, ferry.target)


def test_killed_anywhere(ferry, scratch):
    source = make(scratch / "source.db", rows=20000)
    whole = final(ferry, source).seconds
    chance = random.Random(6)
    for i in range(8):
        write(source, f"UPDATE t SET v = v || '{i}' WHERE id % 3 = {i % 3}")
        running = Running([*ferry.args("sync", target=True), "--final", source])
        time.sleep(chance.random() * whole)
        running.signal(signal.SIGKILL)
        running.wait(check=False)
        write(source, f"DELETE FROM t WHERE id = {i + 1}")
    assert final(ferry, source).summary["final"]["ready"]
    assert_same(source, ferry.target)


def test_a_process_that_still_has_it_open(ferry, source):
    before = state(source)
    with another_process(source, "SELECT count(*) FROM t") as process:
        failed = final(ferry, source, expect=LOCKED)
        assert f"process {process} (python" in failed.error["detail"] and failed.error["hint"]
        assert failed.summary["capture"] is None and failed.summary["replay"] is None
    assert ferry.newest() is None and ferry.target.tables() == []
    assert state(source)[""] == before[""]
    final(ferry, source)


def test_two_processes(ferry, source):
    with another_process(source, "SELECT 1 FROM t") as one, \
            another_process(source, "SELECT 1 FROM t") as two:
        failed = final(ferry, source, expect=LOCKED)
        assert f"process {one} " in failed.error["detail"]
        assert f"process {two} " in failed.error["detail"] and " have it open" in failed.error["detail"]


@pytest.mark.parametrize("statements", [
    ("BEGIN IMMEDIATE",), ("BEGIN EXCLUSIVE",), ("BEGIN", "DELETE FROM t"),
    ("PRAGMA locking_mode = EXCLUSIVE", "DELETE FROM t WHERE id = 1")])
def test_a_writer(ferry, source, statements):
    with another_process(source, *statements) as process:
        failed = final(ferry, source, "--busy-timeout", "0.1", expect=LOCKED)
        assert f"process {process} " in failed.error["detail"]


def test_a_writer_that_comes_by_another_name(ferry, source, scratch):
    """Through a symbolic link, on either side."""
    link = scratch / "link.db"
    link.symlink_to(source)
    with another_process(link, "BEGIN IMMEDIATE") as process:
        for name in (source, link):
            failed = final(ferry, name, "--busy-timeout", "0", expect=LOCKED)
            assert f"process {process} " in failed.error["detail"]
    final(ferry, link)


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user's process")
def test_a_writer_of_another_user(scratch, server):
    """Its open files are not shown; its lock is."""
    target = server.create()
    target.script("DROP ROLE IF EXISTS nobody; CREATE ROLE nobody SUPERUSER LOGIN")
    prefix, program, own = as_nobody(scratch)
    source = make(own / "source.db", "DELETE")
    for name in (own, source):
        os.chown(name, 65534, 65534)
    command = ["sync", "--json", "--final", "--busy-timeout", "0.1", "-r", own / "repo", "-d",
               f"{target.conninfo} user=nobody", source]
    with another_process(source, "BEGIN IMMEDIATE") as process:
        failed = run(*command, prefix=prefix, program=program)
        assert failed.code == LOCKED and f"process {process}" in failed.error["detail"], str(failed)
    done = run(*command, prefix=prefix, program=program)
    assert done.code in (OK, CONNECT), f"locked, but the server's folder may be closed to it\n{done}"
    target.drop()


def test_a_reader_does_not_keep_live_trips_away(ferry, source):
    with another_process(source, "SELECT count(*) FROM t"):
        sync(ferry, source)


def test_another_run_at_the_repository(ferry, source):
    sync(ferry, source)
    write(source, "UPDATE t SET v = 'later'")
    with halted(ferry, source) as running:
        final(ferry, source, expect=LOCKED)
        assert end(ferry, running).code == OK


# It cannot

def test_a_file_that_may_not_be_written(scratch, server):
    prefix, program, own = as_nobody(scratch)
    target = server.create()
    source = make(own / "source.db", "DELETE")
    source.chmod(0o444)
    if os.getuid() == 0:
        target.script("DROP ROLE IF EXISTS nobody; CREATE ROLE nobody SUPERUSER LOGIN")
    user = " user=nobody" if os.getuid() == 0 else ""
    failed = run("sync", "--json", "--final", "-r", own / "repo", "-d", target.conninfo + user,
                 source, prefix=prefix, program=program)
    assert failed.code == STORAGE, str(failed)
    assert "written to" in failed.error["what"] and "copy" in failed.error["hint"]
    assert target.tables() == []
    target.drop()


def test_a_hot_journal_is_not_rolled_back(ferry, scratch):
    source = make(scratch / "source.db", "DELETE", rows=5000)
    crashed_writer(source)
    before = state(source)
    assert "-journal" in before
    failed = final(ferry, source, expect=(OK, STORAGE))
    assert state(source) == before, "the source was written to"
    assert failed.code == STORAGE and "journal" in str(failed.error)


@pytest.mark.parametrize("make_it, code", [
    (lambda path: None, STORAGE), (lambda path: path.mkdir(), STORAGE),
    (lambda path: path.write_bytes(b""), DAMAGED),
    (lambda path: path.write_text("no database" * 100), DAMAGED)])
def test_a_source_that_is_none(ferry, scratch, make_it, code):
    make_it(scratch / "source.db")
    failed = final(ferry, scratch / "source.db", expect=code)
    assert failed.error["what"] and ferry.target.tables() == []


def test_a_target_out_of_reach(ferry, source):
    failed = ferry.command("sync", "--final", "-d", "host=/nowhere", source, expect=CONNECT)
    assert failed.summary["capture"] is None and ferry.newest() is None


def test_somebody_who_minds_no_locks(ferry, source):
    """Writes the very same byte, and is found all the same."""
    sync(ferry, source)
    write(source, "UPDATE t SET v = 'later'")
    with halted(ferry, source) as running:
        time.sleep(0.05)
        with open(source, "r+b") as file:
            byte = file.read(1)
            file.seek(0)
            file.write(byte)
        failed = end(ferry, running)
    assert failed.code == STORAGE and "although rowferry held its lock" in failed.error["what"]
    assert "final" not in failed.summary
    assert final(ferry, source).summary["final"]["ready"]


def test_a_file_put_in_its_place(ferry, source, scratch):
    sync(ferry, source)
    write(source, "UPDATE t SET v = 'later'")
    copy = make(scratch / "copy.db", "DELETE")
    with halted(ferry, source) as running:
        os.replace(copy, source)
        failed = end(ferry, running)
    assert failed.code == STORAGE and "final" not in failed.summary


# What is not equal is not ready

def test_rows_set_aside(ferry, scratch):
    source = scratch / "source.db"
    write(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)",
          "INSERT INTO t VALUES (1, 'fits'), (2, CAST(x'6100' AS TEXT))")
    done = final(ferry, source, expect=SET_ASIDE)
    assert done.summary["final"] | {"next": ""} == {
        "tables": 1, "rows": 1, "set_aside": 1, "ready": False, "next": ""}
    out = run("sync", "--final", "-r", ferry.repository, "-d", ferry.target.conninfo, source)
    assert out.code == SET_ASIDE and "1 row set aside: see rowferry.set_aside" in out.out


@pytest.mark.parametrize("option", ["--final", "--verify"])
def test_a_target_that_differs(ferry, source, option):
    sync(ferry, source)
    ferry.target.script("UPDATE t SET v = 'somebody else' WHERE id = 3")
    failed = sync(ferry, source, option, expect=(DAMAGED, MISPLACED))
    assert "final" not in failed.summary


@pytest.mark.parametrize("option", ["--final", "--verify"])
def test_a_repository_that_is_damaged(ferry, source, option):
    sync(ferry, source)
    archive = max((ferry.repository / "archives").rglob("*.rfa"), key=lambda p: p.stat().st_size)
    bytes_ = bytearray(archive.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    archive.chmod(0o644)
    archive.write_bytes(bytes_)
    failed = sync(ferry, source, option, expect=DAMAGED)
    assert "final" not in failed.summary and archive.name in str(failed.error)


# --verify alone

def test_verify_after_a_trip(ferry, source):
    with another_process(source, "SELECT count(*) FROM t"):
        done = sync(ferry, source, "--verify")
    proof = done.summary["verify"]
    assert (proof["snapshot"], proof["target_rows"], proof["different"]) == (1, 205, 0)
    assert "final" not in done.summary
    assert "verify" not in sync(ferry, source).summary
    assert "verify" not in sync(ferry, source, "--verify", "--dry-run").summary


def test_only_sync_takes_them(archive_only, source):
    for command in ("capture", "check"):
        assert run(command, "--final", "-r", archive_only.repository, source).code == 2
    assert run("replay", "--verify", "-r", archive_only.repository).code == 2


def test_two_targets_of_one_source(ferry, server, source):
    other = Ferry(ferry.repository, server.create())
    final(ferry, source)
    final(other, source)
    assert_same(source, other.target)
    other.target.drop()
