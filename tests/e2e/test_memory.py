"""Memory does not grow with the data: 64 MiB and 16 more a worker are enough for any of it."""

import time

import pytest

import makedb
from program import OK, Running

pytestmark = pytest.mark.plain

JOBS = 2
LIMIT = (64 + 16 * JOBS) << 20


def peak(args):
    return peak_of(Running([*args, "-j", JOBS]))


def peak_of(running):
    """The most that a run had in memory at once. The kernel's own mark is read while it runs; what
    came in the last instant is missed."""
    most = 0
    while running.alive():
        try:
            with open(f"/proc/{running.process.pid}/status") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        most = max(most, int(line.split()[1]) << 10)
        except (FileNotFoundError, ProcessLookupError):
            break
        time.sleep(0.005)
    result = running.wait()
    assert result.code == OK, str(result)
    return most


def test_every_command_stays_below_its_limit(ferry, scratch):
    """150 MB; and deltas in which all rows of a table change, with a key, without one, and
    moved."""
    database = scratch / "source.db"
    db = makedb.connect(database)
    rows = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) "
            "INSERT INTO {} SELECT {} FROM n")
    db.execute("CREATE TABLE keyed (k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID")
    db.execute(rows.format(300_000, "keyed", "printf('%x', i * 2654435761), randomblob(100)"))
    db.execute("CREATE TABLE bag (v TEXT, n INTEGER)")
    db.execute(rows.format(600_000, "bag", "printf('%d %60d', i * 7919 % 1000, i / 3), i % 7"))
    db.execute("CREATE TABLE wide (id INTEGER PRIMARY KEY, v BLOB)")
    db.execute(rows.format(500, "wide", "i, randomblob(100000)"))
    assert peak(ferry.args("capture", database)) < LIMIT
    assert peak(ferry.args("replay", target=True)) < LIMIT
    assert peak(ferry.args("verify", target=True)) < LIMIT
    db.execute("UPDATE keyed SET v = randomblob(90)")
    db.execute("UPDATE bag SET n = n + 1")
    db.execute("DELETE FROM wide WHERE id % 2")
    assert peak(ferry.args("capture", database)) < LIMIT
    assert peak(ferry.args("replay", target=True)) < LIMIT
    db.execute("DELETE FROM bag WHERE n = 1")
    db.execute("VACUUM")
    assert peak(ferry.args("capture", database)) < LIMIT
    assert peak(ferry.args("replay", target=True)) < LIMIT
    assert peak(ferry.args("verify", target=True)) < LIMIT
    unread = ["sh", "-c", 'exec "$@" > /dev/null', "sh"]
    for face, *ends in (["--rows", 1, 3], ["--sqlite", 3, 2]):
        line = ["diff", "-r", ferry.repository, face, *ends]
        assert peak_of(Running(line, prefix=unread)) < 80 << 20, line
