"""Two runs at once: the second says that the first is there, and harms nothing."""

import signal
import time

import pytest

import makedb
from compare import assert_same
from program import LOCKED, OK, Running


@pytest.fixture
def held(ferry, scratch):
    """A second capture, which stands still in the middle."""
    database = scratch / "source.db"
    db = makedb.connect(database)
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)")
    ferry.capture(database)
    db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000) "
               "INSERT INTO t SELECT i, randomblob(1000) FROM n")
    db.close()
    running = Running(ferry.args("capture", database))
    deadline = time.monotonic() + 20
    while not any((ferry.repository / "tmp").glob("*")):
        assert running.alive() and time.monotonic() < deadline, "never got to write"
        time.sleep(0.002)
    running.signal(signal.SIGSTOP)
    yield ferry, database, running
    running.signal(signal.SIGCONT)
    if running.alive():
        running.wait()


def test_a_second_capture(held):
    ferry, database, running = held
    result = ferry.capture(database, expect=LOCKED)
    assert str(ferry.repository) in str(result.error) and result.error["hint"], str(result)
    running.signal(signal.SIGCONT)
    assert running.wait().code == OK
    ferry.replay()
    assert_same(database, ferry.target)


def test_readers_need_no_lock(held):
    ferry, _, running = held
    for command in ("log", "status"):
        ferry.command(command, expect=OK)
    assert ferry.newest() == 1
    running.signal(signal.SIGCONT)
    assert running.wait().code == OK
    assert ferry.newest() == 2


def test_a_dead_run_holds_no_lock(held):
    ferry, database, running = held
    running.signal(signal.SIGKILL)
    running.wait()
    ferry.capture(database)
    assert not list((ferry.repository / "tmp").glob("*"))


def test_two_replays_at_once(ferry, scratch):
    """Both end: one does the work, the other waits for it or is told that it is locked; no row is
    there twice."""
    database = scratch / "source.db"
    makedb.build(database, 71, only=["affinities", "no_key", "without"])
    for day in range(2):
        ferry.capture(database)
        runs = [Running(ferry.args("replay", target=True)) for _ in range(2)]
        codes = sorted(run.wait().code for run in runs)
        assert codes in ([OK, OK], [OK, LOCKED]), codes
        assert_same(database, ferry.target)
        makedb.edit(database, f"71 {day}", only=["affinities", "no_key", "without"], share=1)
