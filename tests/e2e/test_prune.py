"""prune: what is kept is what it was, to be restored, replayed, verified and captured upon; and
what a target stands at is never taken from it."""

import fcntl
import os
import random
import shutil
import signal
import sqlite3
import sys
import time

import pytest

import randomdb
from compare import assert_same
from program import (CONNECT, DAMAGED, LOCKED, MISPLACED, OK, ROOT, SET_ASIDE, USAGE, Ferry,
                     Running, published, run)
from restored import differences

sys.path.insert(0, str(ROOT / "tools"))
import rfa_reader  # noqa: E402

FREED = ("kept", "dropped", "folded", "archives_removed", "archives_written", "bytes_removed",
         "bytes_written", "bytes_freed")


def prune(ferry, *rest, expect=OK, **kw):
    return ferry.command("prune", *rest, expect=expect, **kw)


def numbers(ferry):
    return [line["snapshot"] for line in ferry.command("log", expect=OK).of_type("snapshot")]


def size(repository):
    return sum(len(content) for content in published(repository).values())


def manifest_of(ferry, number):
    """As the reader has it, with the fold that lies over it."""
    return rfa_reader.load_manifest(ferry.repository,
                                    *rfa_reader.find_manifest(ferry.repository, str(number)))


class Past:
    """A database, its repository, and a copy of the database as it was at each snapshot."""

    def __init__(self, ferry, folder):
        self.ferry, self.folder = ferry, folder
        self.database = folder / "source.db"
        self.copies = {}

    def capture(self):
        again = ["--same-source"] if self.ferry.repository.exists() else []
        result = self.ferry.capture(self.database, *again)
        number = result.summary["snapshot"]
        if result.summary["published"]:
            self.copies[number] = self.folder / f"copy-{number}.db"
            shutil.copy(self.database, self.copies[number])
        return result

    def play(self, seed, snapshots):
        """Days of one story after another, until there are so many snapshots more."""
        wanted = len(self.copies) + snapshots
        while len(self.copies) < wanted:
            for steps in randomdb.write(seed).days:
                randomdb.play_day(self.database, steps)
                self.capture()
            seed += 1000

    def check(self):
        """Whatever snapshots are there are what they were; by this program, and by the reader that
        was written from SPEC.md alone."""
        ferry = self.ferry
        assert ferry.verify_repository().summary["damages"] == 0
        for number in numbers(ferry):
            output = self.folder / "restored.db"
            ferry.command("restore", "--force", "--verify", "-s", str(number), "-o", output,
                          expect=OK)
            assert not differences(self.copies[number], output), f"snapshot {number}"
            for table in manifest_of(ferry, number).tables:
                name = os.fsdecode(table.description.name)
                rfa_reader.read_state(ferry.repository, str(number), name)


@pytest.fixture
def past(ferry, scratch):
    return Past(ferry, scratch)


@pytest.fixture
def small(past):
    """Eight snapshots of one table, of ten rows each more than the one before."""
    db = sqlite3.connect(past.database, isolation_level=None)
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    for number in range(8):
        db.executemany("INSERT INTO t VALUES (?, ?)",
                       [(number * 10 + i, f"text {number}.{i}") for i in range(10)])
        db.execute("UPDATE t SET v = v || '!' WHERE id % 7 = ?", (number % 7,))
        past.capture()
    db.close()
    return past


# ---- what is kept is what it was ----

@pytest.mark.parametrize("seed", [3, 11])
def test_random_histories(past, seed):
    """Prunes with captures in between. What is kept is a mixture of the newest, the oldest, and what
    a target stands at in the middle."""
    ferry = past.ferry
    past.play(seed, 6)
    middle = numbers(ferry)[len(past.copies) // 2]
    ferry.options = ["--schema", "middle"]
    ferry.replay("-s", str(middle))
    prune(ferry, "--keep-last", "2", "--keep-yearly", "9", "-d", ferry.target.conninfo,
          "--schema", "middle")
    last = max(past.copies)
    assert numbers(ferry) == sorted({1, middle, last - 1, last})
    past.check()
    # The target goes on over the fold.
    aside = assert_same(past.copies[middle], ferry.target, "middle")
    ferry.replay()
    ferry.verify()

    past.play(seed + 1, 4)
    for rules in (["--keep-last", "4"], ["--keep-last", "1", "--keep-hourly", "3"]):
        prune(ferry, *rules)
        past.check()
    newest = max(past.copies)
    ferry.options = ["--schema", "fresh"]
    aside = ferry.replay().summary["set_aside_total"]
    assert assert_same(past.copies[newest], ferry.target, "fresh", fresh=True) == aside
    assert ferry.verify().code in (OK, SET_ASIDE)


def test_each_kept_snapshot_can_be_loaded(small):
    ferry = small.ferry
    prune(ferry, "--keep-last", "3", "--keep-hourly", "5")
    assert numbers(ferry) == [1, 6, 7, 8]
    for number in numbers(ferry):
        ferry.options = ["--schema", f"at{number}"]
        ferry.replay("-s", str(number))
        assert_same(small.copies[number], ferry.target, f"at{number}", fresh=True)
        ferry.verify()


def test_history_tells_what_is_gone(small):
    ferry = small.ferry
    ferry.replay("-s", "3")
    prune(ferry, "--keep-last", "2", "-d", ferry.target.conninfo)
    lines = ferry.command("log", expect=OK).of_type("snapshot")
    assert [(line["snapshot"], line["parent"], line["pruned"]) for line in lines] == \
        [(3, None, 2), (7, 3, 3), (8, 7, 0)]
    assert (lines[0]["inserted"], lines[1]["inserted"], lines[2]["inserted"]) == (30, 40, 10)
    for number, told in ((3, "parent        none (1 and 2 were pruned)\n"),
                         (7, "parent        3 (4 to 6 were pruned)\n"), (8, "parent        7\n")):
        assert told in run("show", "-r", ferry.repository, str(number)).out


def test_captures_go_on_from_the_newest_by_their_index(small):
    ferry = small.ferry
    before = ferry.command("show", expect=OK).of_type("snapshot")[0]
    prune(ferry, "--keep-last", "1")
    after = ferry.command("show", expect=OK).of_type("snapshot")[0]
    assert (before["snapshot"], before["digest"]) == (after["snapshot"], after["digest"])
    result = small.capture()
    assert result.summary["published"] is False
    db = sqlite3.connect(small.database)
    with db:
        db.execute("DELETE FROM t WHERE id < 5")
    db.close()
    result = small.capture()
    assert result.summary["snapshot"] == 9 and result.summary["deleted"] == 5, str(result)
    assert result.summary["index_rebuilt"] == 0, str(result)
    small.check()


def test_one_in_many_costs_a_delta_not_a_full_archive(past, scratch):
    """A table that is captured often and pruned now and then: the capture writes full archives, of
    which what is kept needs one."""
    ferry = past.ferry
    db = sqlite3.connect(past.database, isolation_level=None)
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    db.executemany("INSERT INTO t VALUES (?, ?)", [(i, f"{i * 7919}") for i in range(3000)])
    for number in range(36):
        db.execute("UPDATE t SET v = v || 'x' WHERE id = ?", (number,))
        ferry.capture(past.database)
        if number % 9 == 8:
            ferry.replay()
            prune(ferry, "--keep-last", "3", "--keep-hourly", "1", "-d", ferry.target.conninfo)
    db.close()
    kept = numbers(ferry)
    manifests = [manifest_of(ferry, number) for number in kept]
    full = {archive.name for manifest in manifests
            for archive in manifest.tables[0].state if archive.kind == 1}
    assert len(full) == 1, full
    on_disk = {path.name for path in (ferry.repository / "archives").iterdir()}
    named = {archive.name for manifest in manifests for archive in manifest.tables[0].state}
    named |= {manifest.tables[0].delta.name for manifest in manifests if manifest.tables[0].delta}
    assert on_disk == named
    ferry.verify()


# ---- what is told ----

def test_a_rehearsal_tells_what_comes_of_it(small):
    ferry = small.ferry
    rules = ["--keep-last", "2", "--keep-daily", "3"]
    before, bytes_before = published(ferry.repository), size(ferry.repository)
    told = prune(ferry, "--dry-run", *rules)
    assert published(ferry.repository) == before
    lines = told.of_type("snapshot")
    assert [line["snapshot"] for line in lines] == list(range(1, 9))
    assert [line["snapshot"] for line in lines if line["keep"]] == [1, 7, 8]
    day = time.strftime("%Y-%m-%d", time.gmtime())
    if lines[0]["time"][:10] == lines[7]["time"][:10] == day:
        assert lines[0]["reasons"] == [f"oldest daily {day}"]
        assert lines[7]["reasons"] == ["last", f"daily {day}", "newest"]
    assert lines[3]["reasons"] == []
    done = prune(ferry, *rules)
    assert {key: done.summary[key] for key in FREED} == {key: told.summary[key] for key in FREED}
    assert done.summary["dropped"] == 5 and done.summary["kept"] == 3
    assert size(ferry.repository) == bytes_before - done.summary["bytes_freed"]
    small.check()


def test_people_read_it_too(small):
    ferry = small.ferry
    told = run("prune", "-r", ferry.repository, "--keep-last", "2", "-n")
    assert told.code == OK
    rows = [line.split() for line in told.out.splitlines()]
    assert ["keep" if number >= 7 else "drop" for number in range(1, 9)] == \
        [row[4] for row in rows if row and row[0].isdigit() and len(row) > 5], told.out
    assert "dry run: nothing was changed" in told.out
    done = run("prune", "-r", ferry.repository, "--keep-last", "2")
    assert done.code == OK and "2 snapshots kept, 6 dropped" in done.out and "drop " not in done.out
    assert run("prune", "-r", ferry.repository, "--keep-last", "2", "-q").out == ""


@pytest.mark.parametrize("options, word", [
    ([], "not told what to keep"),
    (["-n"], "not told what to keep"),
    (["--keep-last", "0"], "--keep-last"),
    (["--keep-daily", "-3"], "--keep-daily"),
    (["--keep-weekly", "many"], "--keep-weekly"),
    (["--keep-within", "30"], "--keep-within"),
    (["--keep-within", "2w"], "--keep-within"),
    (["--keep-within", ""], "--keep-within"),
])
def test_what_is_no_rule(small, options, word):
    before = published(small.ferry.repository)
    result = prune(small.ferry, *options, expect=USAGE)
    assert word in result.error["what"], str(result)
    assert published(small.ferry.repository) == before


def test_nothing_to_prune(archive_only, scratch):
    prune(archive_only, "--keep-last", "1", expect=USAGE)
    sqlite3.connect(scratch / "s.db").execute("CREATE TABLE t (a)").connection.close()
    archive_only.capture(scratch / "s.db")
    before = published(archive_only.repository)
    result = prune(archive_only, "--keep-within", "1h")
    assert result.summary["kept"] == 1 and result.summary["bytes_freed"] == 0
    prune(archive_only, "--keep-last", "unlimited")
    assert published(archive_only.repository) == before


# ---- targets ----

def test_where_targets_stand_stays(small, server):
    ferry = small.ferry
    other = server.create()
    try:
        ferry.replay("-s", "3")
        Ferry(ferry.repository, other).replay("-s", "5")
        result = prune(ferry, "--keep-last", "1", "-d", ferry.target.conninfo,
                       "-d", other.conninfo)
        assert numbers(ferry) == [3, 5, 8]
        reasons = {line["snapshot"]: line["reasons"] for line in result.of_type("snapshot")}
        assert reasons[3] == reasons[5] == ["target"] and reasons[4] == []
        for at in (ferry, Ferry(ferry.repository, other)):
            assert at.replay().summary["mode"] == "delta"
            at.verify()
        small.check()
    finally:
        other.drop()


def test_a_target_with_nothing_in_it_asks_for_nothing(small):
    prune(small.ferry, "--keep-last", "1", "-d", small.ferry.target.conninfo)
    assert numbers(small.ferry) == [8]


@pytest.mark.parametrize("digest", ["digest", f"'{0:032x}'"])  # while it is being captured
def test_what_a_target_is_being_loaded_with(small, digest):
    """A load that was broken off goes on by the same archives."""
    ferry = small.ferry
    ferry.replay("-s", "6")
    ferry.target.script(f"UPDATE rowferry.source SET state = 'loading', loading_snapshot = snapshot, "
                        f"loading_digest = {digest}, snapshot = NULL, digest = NULL, "
                        "staging_schema = 'x'")
    before = [archive.name for archive in manifest_of(ferry, 6).tables[0].state]
    prune(ferry, "--keep-last", "1", "-d", ferry.target.conninfo)
    assert numbers(ferry) == [6, 8]
    assert [archive.name for archive in manifest_of(ferry, 6).tables[0].state] == before
    small.check()


def test_a_target_that_does_not_answer(small):
    before = published(small.ferry.repository)
    for targets in (["host=/nonexistent"], [small.ferry.target.conninfo, "host=/nonexistent"]):
        prune(small.ferry, "--keep-last", "1", *[word for target in targets
                                                 for word in ("-d", target)], expect=CONNECT)
    assert published(small.ferry.repository) == before


def test_a_target_of_another_source(small, scratch):
    other = Ferry(scratch / "other", small.ferry.target)
    other.capture(small.database)
    other.replay()
    before = published(small.ferry.repository)
    prune(small.ferry, "--keep-last", "1", "-d", small.ferry.target.conninfo, expect=MISPLACED)
    assert published(small.ferry.repository) == before


def test_a_target_whose_snapshot_is_gone(small):
    """Nobody named it. It is told what to do, and left as it is."""
    ferry = small.ferry
    ferry.replay("-s", "2")
    prune(ferry, "--keep-last", "1")
    result = ferry.replay(expect=MISPLACED)
    assert result.error["hint"], str(result)
    assert_same(small.copies[2], ferry.target)
    result = prune(ferry, "--keep-last", "1", "-d", ferry.target.conninfo)
    assert "snapshot 2, which is not in the repository" in result.err


# ---- what comes in between ----

def test_locked(small):
    before = published(small.ferry.repository)
    with open(small.ferry.repository / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prune(small.ferry, "--keep-last", "1", expect=LOCKED)
        prune(small.ferry, "--keep-last", "1", "--dry-run")
    assert published(small.ferry.repository) == before


@pytest.mark.timing
def test_killed_at_any_moment(past):
    """What is to be kept is whole whenever it is looked at, and the same command does the rest."""
    ferry = past.ferry
    db = sqlite3.connect(past.database, isolation_level=None)
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
    db.execute("CREATE TABLE bag (v TEXT)")
    for number in range(10):
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) "
                   "INSERT INTO t SELECT NULL, printf('%d %30d', ?, i) FROM n", (number,))
        db.execute("INSERT INTO bag SELECT v FROM t WHERE id % 11 = ?", (number,))
        db.execute("DELETE FROM bag WHERE rowid % 7 = ?", (number % 7,))
        past.capture()
    db.close()
    whole = past.folder / "whole"
    shutil.copytree(ferry.repository, whole)
    rules = ["--keep-last", "2", "--keep-hourly", "2"]
    began = time.monotonic()
    prune(ferry, *rules)
    seconds, kept = time.monotonic() - began, numbers(ferry)
    chance = random.Random(7)
    for point in range(4):
        shutil.rmtree(ferry.repository)
        shutil.copytree(whole, ferry.repository)
        running = Running(ferry.args("prune", *rules))
        time.sleep(seconds * (point + chance.random()) / 4)
        running.signal(signal.SIGKILL)
        running.wait()
        assert set(kept) <= set(numbers(ferry))
        ferry.verify_repository()
        if point % 2:
            assert past.capture().summary["published"] is False
        prune(ferry, *rules)
        assert numbers(ferry) == kept
        assert not list((ferry.repository / "tmp").iterdir())
    past.check()


def test_a_copy_that_is_not_pruned_along(small):
    """It gets the new files and keeps the old ones: all snapshots are there, and whole."""
    ferry = small.ferry
    copy = Ferry(small.folder / "copy")
    shutil.copytree(ferry.repository, copy.repository)
    prune(ferry, "--keep-last", "2", "--keep-hourly", "2")
    for folder in ("archives", "snapshots"):
        shutil.copytree(ferry.repository / folder, copy.repository / folder, dirs_exist_ok=True)
    assert numbers(copy) == list(range(1, 9)) and numbers(ferry) == [1, 7, 8]
    for at in (copy, ferry):
        small.ferry = at
        small.check()
    result = copy.command("log", expect=OK).of_type("snapshot")
    assert [line["parent"] for line in result] == [None, *range(1, 8)]
    prune(copy, "--keep-last", "3")
    small.check()


def test_what_is_damaged_is_not_pruned_away(small):
    """The newest came in part: the older ones may be all that is whole."""
    ferry = small.ferry
    manifest = manifest_of(ferry, 8)
    path = ferry.repository / "archives" / manifest.tables[0].state[-1].name
    path.write_bytes(path.read_bytes()[:-1])
    before = published(ferry.repository)
    result = prune(ferry, "--keep-last", "1", expect=DAMAGED)
    assert path.name in str(result.error), str(result)
    assert published(ferry.repository) == before


def test_signed_histories(archive_only, scratch):
    """Folds are signed as manifests are; without the key nothing is written."""
    ferry = archive_only
    key = scratch / "k.key"
    assert run("keygen", "-o", key).code == OK
    db = sqlite3.connect(scratch / "s.db", isolation_level=None)
    db.execute("CREATE TABLE t (a)")
    for number in range(5):
        db.execute("INSERT INTO t VALUES (?)", (number,))
        ferry.capture(scratch / "s.db", "--sign-key", key)
    db.close()
    before = published(ferry.repository)
    assert "--sign-key" in prune(ferry, "--keep-last", "2", expect=USAGE).error["hint"]
    assert published(ferry.repository) == before
    prune(ferry, "--keep-last", "1", "--keep-hourly", "2", "--sign-key", key,
          "--trusted-key", f"{key}.pub")
    assert numbers(ferry) == [1, 5]
    ferry.command("verify", "--trusted-key", f"{key}.pub", expect=OK)
    ferry.command("restore", "-s", "5", "-o", scratch / "r.db", "--trusted-key", f"{key}.pub",
                  expect=OK)
    assert not differences(scratch / "s.db", scratch / "r.db")


def test_a_full_disk_of_temporary_files(small):
    """A rehearsal that has no room says so, and leaves nothing behind."""
    folder = small.folder / "none"
    folder.mkdir()
    os.chmod(folder, 0o500)
    if os.access(folder, os.W_OK):  # the superuser may write anywhere
        folder = folder / "missing"
    prune(small.ferry, "--keep-last", "1", "-n", expect=7, env={"TMPDIR": str(folder)})
