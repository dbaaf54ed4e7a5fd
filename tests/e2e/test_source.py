"""In what state a source may be found: live, copied, left by a crash, where nothing may be
written."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import makedb
from compare import assert_same
from program import OK, PROGRAM, STORAGE, Running, run


def fingerprint(database):
    """The source's file, byte by byte, and when it was written."""
    return Path(database).read_bytes(), os.stat(database).st_mtime_ns


def test_the_source_is_not_touched(ferry, scratch):
    database = scratch / "source.db"
    makedb.build(database, 1)
    makedb.connect(database).execute("PRAGMA journal_mode = DELETE")
    before, listing = fingerprint(database), sorted(os.listdir(scratch))
    ferry.capture(database)
    assert fingerprint(database) == before
    assert sorted(set(os.listdir(scratch)) - {"repo"}) == listing


def test_a_live_writer_is_not_blocked(ferry, scratch):
    """While an application moves money between accounts, every capture sees the sum, and the
    application, which does not wait for locks, never meets one."""
    database = scratch / "bank.db"
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, note TEXT)")
    db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
               "INSERT INTO account SELECT i, 100, printf('%200d', i) FROM n")
    db.close()
    stop, trouble, moves = threading.Event(), [], [0]

    def application():
        db = sqlite3.connect(database, isolation_level=None, timeout=0)
        while not stop.is_set():
            a, b = moves[0] * 7919 % 20000 + 1, moves[0] * 104729 % 20000 + 1
            try:
                db.execute("BEGIN IMMEDIATE")
                db.execute("UPDATE account SET balance = balance - 1 WHERE id = ?", (a,))
                db.execute("UPDATE account SET balance = balance + 1 WHERE id = ?", (b,))
                db.execute("COMMIT")
            except sqlite3.OperationalError as why:
                trouble.append(str(why))
                return
            moves[0] += 1
            time.sleep(0.0005)
        db.close()

    writer = threading.Thread(target=application)
    writer.start()
    try:
        seen = []
        for _ in range(4):
            before = moves[0]
            ferry.capture(database)
            seen.append(moves[0] - before)
            ferry.replay()
            rows = ferry.target.rows("SELECT count(*), sum(balance) FROM account")
            assert rows == [["20000", "2000000"]]
    finally:
        stop.set()
        writer.join()
    assert not trouble, f"the application was blocked: {trouble}"
    assert min(seen) > 0, "the application stood still during a capture"
    ferry.capture(database)
    ferry.replay()
    assert_same(database, ferry.target)


def left_in_wal(folder):
    """A database, most of which stands in its -wal, as another process holds it open."""
    database = folder / "source.db"
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    db.executemany("INSERT INTO t (v) VALUES (?)", ((f"row {i}",) for i in range(500)))
    return database, db


def test_a_copy_with_its_wal(ferry, scratch):
    (scratch / "live").mkdir()
    (scratch / "copy").mkdir()
    database, db = left_in_wal(scratch / "live")
    for end in ("", "-wal"):
        shutil.copy(f"{database}{end}", scratch / "copy" / f"source.db{end}")
    db.close()
    assert ferry.capture(scratch / "copy" / "source.db").summary["scanned"] == 500
    ferry.replay()
    assert_same(scratch / "live" / "source.db", ferry.target)


def crashed_writer(database):
    """Leaves a hot journal: a transaction that had begun to overwrite the file when its process
    died."""
    script = """if True:
        import os, signal, sqlite3, sys
        db = sqlite3.connect(sys.argv[1], isolation_level=None)
        db.execute("PRAGMA cache_size = 5")
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE t SET v = 'never committed ' || v")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", script, str(database)])
    assert done.returncode == -signal.SIGKILL
    assert Path(f"{database}-journal").stat().st_size > 512


def test_a_hot_journal(ferry, scratch):
    """What was never committed is never captured: either it is rolled back in what is read, or
    refused."""
    database = scratch / "source.db"
    db = sqlite3.connect(database)
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    db.executemany("INSERT INTO t (v) VALUES (?)", ((f"row {i:0200d}",) for i in range(3000)))
    db.commit()
    db.close()
    shutil.copy(database, scratch / "committed.db")
    crashed_writer(database)
    assert database.read_bytes() != (scratch / "committed.db").read_bytes()
    before = fingerprint(database), Path(f"{database}-journal").read_bytes()
    captured = ferry.capture(database, expect=(OK, STORAGE))
    assert (fingerprint(database), Path(f"{database}-journal").read_bytes()) == before, \
        "the source was written to"
    if captured.code == STORAGE:
        assert "journal" in str(captured.error), str(captured)
        assert captured.error["hint"], "a refusal says what to do"
        assert not list((ferry.repository / "snapshots").glob("*"))
        sqlite3.connect(database).execute("SELECT count(*) FROM t").fetchone()  # rolls back
        ferry.capture(database)
    ferry.replay()
    assert_same(scratch / "committed.db", ferry.target)


def as_nobody(scratch):
    """Root may write anywhere, so root's tests step down; returns (prefix, program, folder)."""
    program = Path(shutil.copy(PROGRAM, scratch / "rowferry"))
    program.chmod(0o755)
    own = scratch / "own"
    own.mkdir()
    if os.getuid() != 0:
        return [], program, own
    os.chown(own, 65534, 65534)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], program, own


def test_a_folder_where_nothing_may_be_written(scratch, target):
    prefix, program, own = as_nobody(scratch)
    for mode in ("DELETE", "WAL"):
        folder = scratch / f"medium {mode}"
        folder.mkdir()
        database = folder / "source.db"
        makedb.build(database, 5, only=["affinities", "no_key"])
        db = makedb.connect(database)
        db.execute(f"PRAGMA journal_mode = {mode}")
        db.close()
        assert os.listdir(folder) == ["source.db"]
        database.chmod(0o444)
        folder.chmod(0o555)
        result = run("capture", "--json", "-r", own / mode, database, prefix=prefix,
                     program=program)
        folder.chmod(0o755)
        assert os.listdir(folder) == ["source.db"], "something was left beside the source"
        if result.code != OK:
            assert mode == "WAL" and result.code == STORAGE, str(result)
            assert result.error["hint"], str(result)
            continue
        done = run("replay", "--json", "-r", own / mode, "-d", target.conninfo, "--schema", mode)
        assert done.code == OK, str(done)
        assert_same(database, target, mode)


def test_a_file_that_may_not_be_read(scratch):
    prefix, program, own = as_nobody(scratch)
    database = scratch / "secret.db"
    makedb.build(database, 1, only=["lonely"])
    database.chmod(0)
    result = run("capture", "--json", "-r", own / "repo", database, prefix=prefix, program=program)
    assert result.code == STORAGE, str(result)
    assert "secret.db" in str(result.error)


def test_a_writer_that_waits_is_waited_for(ferry, scratch):
    """In rollback mode a commit takes a moment; the capture does not give up at once."""
    database = scratch / "source.db"
    makedb.build(database, 2, only=["lonely"])
    db = makedb.connect(database)
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("BEGIN EXCLUSIVE")
    db.execute("INSERT INTO lonely VALUES ('late')")
    running = Running(ferry.args("capture", database))
    time.sleep(1.0)
    assert running.alive(), str(running.wait())
    db.execute("COMMIT")
    assert running.wait().code == OK
    ferry.replay()
    assert_same(database, ferry.target)
