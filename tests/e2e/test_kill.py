"""kill -9 at any moment of capture or replay: nothing is half-published, and the same command
ends right."""

import random
import shutil
import signal
import time

import pytest

import makedb
from compare import assert_same
from program import OK, Running

pytestmark = pytest.mark.timing

POINTS = 9


@pytest.fixture
def medium(scratch):
    """Some 40,000 rows: a run takes long enough to be hit in each of its phases."""
    database = scratch / "source.db"
    makedb.build(database, 51, only=["affinities", "no_key", "without", "composite", "auto"])
    db = makedb.connect(database)
    db.execute("CREATE TABLE big (id INTEGER PRIMARY KEY, v TEXT, r REAL)")
    db.execute("CREATE INDEX big_v ON big (v)")
    db.execute("CREATE TABLE bag (v TEXT, n INTEGER)")
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
    db.execute(rows + "INSERT INTO big "
               "SELECT i, printf('%d %40d', i * 7919 % 20000, i), i / 7.0 FROM n")
    db.execute(rows + "INSERT INTO bag SELECT i % 100, i % 3 FROM n")
    db.close()
    return database


def change_much(database, seed):
    db = makedb.connect(database)
    db.execute(f"UPDATE big SET v = v || '{seed}' WHERE id % 3 = {seed % 3}")
    db.execute(f"DELETE FROM big WHERE id % 50 = {seed}")
    db.execute(f"DELETE FROM bag WHERE rowid % 40 = {seed}")
    db.execute("INSERT INTO bag SELECT v, n + 10 FROM bag LIMIT 3000")
    db.close()


class Pace:
    """Points spread over a run that takes so long, each moved a little. Where one comes too late, runs
    are shorter than was thought, and the later points come sooner."""

    def __init__(self, seconds, seed):
        self.seconds, self.random, self.point = seconds, random.Random(seed), 0

    def killed(self, args, env=None):
        """Starts a run, kills it at the next point; True unless it was done before."""
        running = Running(args, env)
        time.sleep(self.seconds * (self.point + self.random.random()) / POINTS)
        running.signal(signal.SIGKILL)
        self.point += 1
        killed = running.wait().code == -signal.SIGKILL
        if not killed:
            self.seconds *= 0.7
        return killed


def assert_nothing_left(repository):
    assert not list((repository / "tmp").glob("*")), "files of a dead run are still there"


def archives(repository):
    """Names, which carry the digests; those of a first capture also depend on the source's new
    id."""
    return sorted(path.name for path in (repository / "archives").glob("*.rfa"))


@pytest.mark.parametrize("which", ["first", "later"])
def test_capture(archive_only, target, scratch, medium, which):
    ferry = archive_only
    if which == "later":
        ferry.capture(medium)
        change_much(medium, 1)
    start = scratch / "start"
    shutil.copytree(ferry.repository, start) if which == "later" else start.mkdir()
    newest = 1 if which == "later" else None

    def again():
        shutil.rmtree(ferry.repository, ignore_errors=True)
        shutil.copytree(start, ferry.repository)

    again()
    whole = ferry.capture(medium)
    wanted = archives(ferry.repository)
    hits = 0
    pace = Pace(whole.seconds, which)
    for _ in range(POINTS):
        again()
        hits += pace.killed(ferry.args("capture", medium))
        if (ferry.repository / "repository").exists():
            ferry.verify_repository(expect=OK)
            assert ferry.newest() in (newest, (newest or 0) + 1)
        done = ferry.capture(medium)
        assert done.summary["snapshot"] == (newest or 0) + 1
        assert which == "first" or archives(ferry.repository) == wanted, "another snapshot was made"
        assert_nothing_left(ferry.repository)
        ferry.verify_repository(expect=OK)
    assert hits > POINTS // 3, "the kills came too late to say anything"
    ferry.target = target
    ferry.replay()
    assert_same(medium, target)


def test_first_load(ferry, server, medium):
    """Readers see nothing or all of it, and the run that follows goes on."""
    ferry.capture(medium)
    whole = ferry.replay()
    ferry.target.drop()
    hits = 0
    pace = Pace(whole.seconds, "load")
    for _ in range(POINTS):
        ferry.target = server.create()
        hits += pace.killed(ferry.args("replay", target=True))
        if ferry.target.tables():
            assert_same(medium, ferry.target)
        assert ferry.replay().summary["to"] == 1
        assert_same(medium, ferry.target)
        ferry.target.drop()
    assert hits > POINTS // 3, "the kills came too late to say anything"


def test_delta(ferry, server, scratch, medium):
    ferry.capture(medium)
    first = scratch / "first.db"
    shutil.copy(medium, first)
    if (scratch / "source.db-wal").exists():
        shutil.copy(scratch / "source.db-wal", scratch / "first.db-wal")
    ferry.replay()
    template = ferry.target.name
    change_much(medium, 2)
    ferry.capture(medium)
    pace, hits = None, 0
    for _ in range(1 + POINTS):
        ferry.target = server.copy(template)
        if pace is None:
            pace = Pace(ferry.replay().seconds, "delta")
        else:
            hits += pace.killed(ferry.args("replay", target=True))
            # The server may still be rolling back or committing what the dead client sent.
            stands = ferry.status().of_type("target")[0]["snapshot"]
            assert stands in (1, 2)
            done = ferry.replay()
            assert done.summary["to"] == 2
        assert_same(medium, ferry.target)
        ferry.target.remove()
    assert hits > POINTS // 3, "the kills came too late to say anything"


def test_going_back(ferry, server, scratch, medium):
    """The target is at the one snapshot or the other, and the same command goes on."""
    place = scratch / "temporary"
    place.mkdir()
    temporary = {"TMPDIR": str(place)}
    ferry.capture(medium)
    first = scratch / "first.db"
    shutil.copy(medium, first)
    if (scratch / "source.db-wal").exists():
        shutil.copy(scratch / "source.db-wal", scratch / "first.db-wal")
    for seed in (2, 3, 4):
        change_much(medium, seed)
        ferry.capture(medium)
    ferry.replay()
    template = ferry.target.name
    pace, hits = None, 0
    for _ in range(1 + POINTS // 3):
        ferry.target = server.copy(template)
        if pace is None:
            pace = Pace(3 * ferry.replay("--to", 1).seconds, "back")
        else:
            hits += pace.killed(ferry.args("replay", "--to", 1, target=True), env=temporary)
            stands = ferry.status().of_type("target")[0]["snapshot"]
            assert stands in (1, 4)
            done = ferry.replay("--to", 1)
            assert done.summary["to"] == 1
        assert_same(first, ferry.target, sequences=False)
        assert ferry.replay().summary["to"] == 4
        ferry.verify(expect=OK)
        ferry.target.remove()
    assert hits > POINTS // 9, "the kills came too late to say anything"
    assert all(folder.name.startswith("rowferry-") for folder in place.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop(ferry, medium, number):
    """A signal that can be caught ends the run soon, in order, with 128 + its number."""
    running = Running(ferry.args("capture", medium))
    while running.alive() and not list((ferry.repository / "tmp").glob("*")):
        time.sleep(0.001)
    running.signal(number)
    result = running.wait(timeout=20)
    assert result.code in (OK, 128 + number), str(result)
    if result.code != OK:
        assert_nothing_left(ferry.repository)
    ferry.capture(medium)
    running = Running(ferry.args("replay", target=True))
    while running.alive() and not at_work(ferry.target):
        time.sleep(0.001)
    running.signal(number)
    result = running.wait(timeout=20)
    assert result.code in (OK, 128 + number), str(result)
    ferry.replay()
    assert_same(medium, ferry.target)


def at_work(target):
    return target.value("SELECT to_regnamespace('rowferry') IS NOT NULL") == "t"
