"""From host to host with the programs that people have: rsync and scp over a real sshd, rclone, cp.

Captures go on while they copy, and copies are killed midway. Whatever is there then, every command
holds it for what it is (copies.judge), the rows of the newest whole snapshot are those that the
source had, and copying once more mends it.
"""

import os
import random
import shlex
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

import makedb
from compare import assert_same
from copies import judge, lacking, manifest_names, rows_in, rows_of
from program import DAMAGED, OK, PROGRAM, ROOT, Ferry, environment, published
from sshd import Sshd, program

LOCAL = ("--exclude=/index/", "--exclude=/tmp/", "--exclude=/lock")
SPEED = 4000  # KiB a second: slow enough to be killed midway
ATTEMPTS = 3
ROUNDS = 15  # captures beside the copies, at most


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    server = Sshd(tmp_path_factory.mktemp("sshd") / "server")
    yield server
    server.stop()


# How a repository gets from `source` to `copy`, as commands. `slow` is for those that know how.

def rsync(*options):
    def way(sshd, source, copy, slow):
        limit = [f"--bwlimit={SPEED}"] if slow else []
        return [program("rsync"), "-a", *options, *limit, *LOCAL, "-e", sshd.shell,
                f"{sshd.at(source)}/", f"{copy}/"]
    return way


def rsync_push(sshd, source, copy, slow):
    limit = [f"--bwlimit={SPEED}"] if slow else []
    return [program("rsync"), "-a", *limit, *LOCAL, "-e", sshd.shell, f"{source}/",
            f"{sshd.at(copy)}/"]


def scp(sshd, source, copy, slow):
    limit = ["-l", str(SPEED * 8)] if slow else []
    return [program("scp"), "-rpq", "-F", sshd.config, *limit, f"{sshd.at(source)}/.", copy]


def cp(sshd, source, copy, slow):
    return ["cp", "-a", f"{source}/.", copy]


def rclone(remote):
    """Many files at once, in no order."""
    def way(sshd, source, copy, slow):
        limit = [f"--bwlimit={SPEED}k"] if slow else []
        place = sshd.sftp(source) if remote else str(source)
        return [program("rclone"), "copy", "--config=", "-q", "--retries", "1",
                "--transfers", "16", "--checkers", "16", "--exclude=/index/**", "--exclude=/tmp/**",
                "--exclude=/lock", *limit, place, copy]
    return way


WAYS = {"rsync": rsync(), "rsync in place": rsync("--inplace"), "rsync partial": rsync("--partial"),
        "rsync push": rsync_push, "scp": scp, "cp": cp, "rclone": rclone(False),
        "rclone sftp": rclone(True)}


class Application(threading.Thread):
    """Writes to its database and captures it, until it is told to stop."""

    def __init__(self, database, repository, seed):
        super().__init__()
        self.database = database
        self.ferry = Ferry(repository)
        self.rng = random.Random(seed)
        self.rows = {}  # by snapshot
        self.stopping = threading.Event()
        self.failure = None
        db = makedb.connect(database)
        db.execute("CREATE TABLE large (id INTEGER PRIMARY KEY, v BLOB)")
        db.executemany("INSERT INTO large VALUES (?, ?)",
                       [(i, self.rng.randbytes(8000)) for i in range(50)])
        db.execute("CREATE TABLE small (id INTEGER PRIMARY KEY, v TEXT)")
        db.close()
        self.work()

    def work(self):
        db = makedb.connect(self.database)
        db.execute("BEGIN")
        for _ in range(10):
            db.execute("INSERT INTO small (v) VALUES (?)", (self.rng.randbytes(9).hex(),))
        db.execute("UPDATE small SET v = v || '!' WHERE id % 7 = ?", (self.rng.randrange(7),))
        db.execute("DELETE FROM small WHERE id % 11 = ?", (self.rng.randrange(11),))
        db.execute("UPDATE large SET v = ? WHERE id = ?",
                   (self.rng.randbytes(30_000), self.rng.randrange(50)))
        db.execute("COMMIT")
        db.close()
        rows = rows_of(self.database, "small")
        self.rows[self.ferry.capture(self.database).summary["snapshot"]] = rows

    def run(self):
        try:
            while not self.stopping.wait(0.15) and len(self.rows) < ROUNDS:
                self.work()
        except BaseException as failure:  # told by stop(), in the thread of the test
            self.failure = failure

    def stop(self):
        self.stopping.set()
        self.join()
        if self.failure:
            raise self.failure


@pytest.fixture
def application(scratch, request):
    started = Application(scratch / "source.db", scratch / "repo", request.node.name)
    started.start()
    yield started
    started.stopping.set()
    started.join()


def size_of(folder):
    total = 0
    for path in Path(folder).rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            pass
    return total


def somebody_writes(copy):
    """A program that was started for this copy is alive, here or behind the sshd."""
    wanted = os.fsencode(copy)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in path.read_bytes():
                return True
        except OSError:
            pass
    return False


def copy_and_kill(command, copy, at, number=signal.SIGKILL):
    """Ends it as soon as the copy has `at` bytes; it may be done by then."""
    running = subprocess.Popen([str(word) for word in command], start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=environment())
    deadline = time.monotonic() + 60
    while running.poll() is None and size_of(copy) < at and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        os.killpg(running.pid, number)
    except ProcessLookupError:
        pass
    running.wait(timeout=60)
    while somebody_writes(copy) and time.monotonic() < deadline:
        time.sleep(0.01)


def moment(source, copy, rng):
    """How large the copy is to be when it is cut off."""
    there = size_of(copy)
    return there + rng.random() * max(size_of(source) - there, 20_000)


# What rsync, scp and rclone answer where a file went away that they had seen: tmp/ and index/ are a
# writer's own.
PARTIAL = (0, 1, 23, 24)


def copy_whole(command, expect=(0,)):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          env=environment(), timeout=120)
    assert done.returncode in expect, f"{shlex.join(map(str, command))}: {done.stderr}"


@pytest.mark.parametrize("name", WAYS)
def test_copies_of_a_repository_that_is_captured_into(application, sshd, scratch, name):
    repository, copy = application.ferry.repository, scratch / "copy"
    way, rng = WAYS[name], random.Random(name)
    copy.mkdir(mode=0o700)
    seen = []
    for attempt in range(ATTEMPTS):
        if attempt == 1:  # not killed: what is captured meanwhile comes in part, or not at all
            copy_whole(way(sshd, repository, copy, True), PARTIAL)
        else:
            at = moment(repository, copy, rng)
            how = rng.choice([signal.SIGKILL, signal.SIGTERM])
            print(how.name, "at", at)
            copy_and_kill(way(sshd, repository, copy, True), copy, at, how)
        seen.append((judge(copy), {number: rows_in(copy, number, "small")
                                   for number in whole_ones(copy)}))
        print("there are", list(lacking(copy)), "and whole is", seen[-1][0])
    application.stop()
    for whole, rows in seen:  # what was there then
        assert whole is None or rows[whole] == application.rows[whole]
        assert all(application.rows[number] == found for number, found in rows.items())
    copy_whole(way(sshd, repository, copy, False))
    assert judge(copy) == max(application.rows)
    assert_same_files(copy, repository)


def assert_same_files(copy, repository):
    """Beside which a program that was killed may have left what it had under way."""
    there, wanted = published(copy), published(repository)
    left = {name for name in there.keys() - wanted.keys() if not Path(name).name.startswith(".")}
    assert not left and not wanted.keys() - there.keys(), left
    assert all(there[name] == wanted[name] for name in wanted)


def whole_ones(copy):
    try:
        return [number for number, files in lacking(copy).items() if not files][-1:] \
            if (copy / "repository").exists() else []
    except FileNotFoundError:
        return []


def test_the_target_follows_a_copy(application, sshd, scratch, target):
    """Copied, cut off and replayed again and again: the target is at a whole snapshot each time."""
    copy = Ferry(scratch / "copy", target)
    rng = random.Random(7)
    copy.repository.mkdir(mode=0o700)
    stood = None
    for attempt in range(ATTEMPTS):
        command = rsync()(sshd, application.ferry.repository, copy.repository, True)
        if attempt == 1:
            copy_whole(command, PARTIAL)
        else:
            copy_and_kill(command, copy.repository,
                          moment(application.ferry.repository, copy.repository, rng))
        whole = judge(copy.repository)
        if whole is not None:
            copy.replay(expect=OK)
            stood = target.stands_at()
            assert stood == whole
    application.stop()
    copy_whole(rsync()(sshd, application.ferry.repository, copy.repository, False))
    copy.replay(expect=OK)
    assert target.stands_at() == max(application.rows) >= (stood or 0)
    assert_same(application.database, target)
    copy.verify(expect=OK)


def test_a_copy_goes_on_being_captured_into(application, sshd, scratch):
    """On the other host, from a copy of the database: while the first host captured, and after."""
    copy = scratch / "copy"
    copy.mkdir(mode=0o700)
    repository = application.ferry.repository
    with_index = [word for word in rsync()(sshd, repository, copy, False) if word not in LOCAL]
    copy_whole(with_index, PARTIAL)  # index/ and tmp/ of whatever moment
    application.stop()
    copy_whole(with_index)
    assert judge(copy) == max(application.rows)
    moved = scratch / "moved.db"
    shutil.copy(application.database, moved)
    db = makedb.connect(moved)
    db.execute("UPDATE small SET v = 'moved' WHERE id = (SELECT max(id) FROM small)")
    db.close()
    newest = max(application.rows)
    result = Ferry(copy).capture(moved)
    assert result.summary["snapshot"] == newest + 1 and result.summary["updated"] == 1, str(result)
    assert rows_in(copy, newest + 1, "small") == rows_of(moved, "small")
    Ferry(copy).verify_repository()


def commands_of(page, heading, end):
    """The indented commands of a section, without what roff or Markdown has to say."""
    text = (ROOT / page).read_text().split(heading, 1)[1].split(end, 1)[0]
    text = text.replace("\\-", "-").replace("\\e\n", "\\\n")
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    assert len(lines) >= 3, text
    return "\n".join(lines)


@pytest.mark.parametrize("page", [("README.md", "### Between hosts", "`scp`"),
                                  ("tools/man/rowferry.1", ".SH BETWEEN HOSTS", ".EE")],
                         ids=["README", "manual"])
def test_the_commands_that_people_are_told(sshd, scratch, target, page):
    """As they stand, but for the names of places."""
    database, there = scratch / "source.db", scratch / "there"
    here = scratch / "here"
    here.mkdir(mode=0o700)
    makedb.build(database, 17, only=["affinities", "no_key"])
    Ferry(there).capture(database)
    script = commands_of(*page)
    for conninfo in ('"host=db dbname=reports"', "service=reports"):
        script = script.replace(conninfo, shlex.quote(target.conninfo))
    script = script.replace("app-host:/var/lib/rowferry/app/", f"{sshd.at(there)}/")
    script = script.replace("/var/lib/rowferry/app", str(here))
    told = environment({"RSYNC_RSH": sshd.shell, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"})
    for day in range(2):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=told,
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == OK, f"{script}\n{done.stdout}{done.stderr}"
        assert_same_files(here, there)
        assert target.stands_at() == day + 1
        assert_same(database, target)
        makedb.edit(database, f"17 {day}", only=["affinities", "no_key"], share=1)
        Ferry(there).capture(database)


def streamed(sshd, application, copy, since):
    """rowferry export on the one host, by ssh into rowferry import on the other."""
    after = f"--since {since}" if since else ""
    export = f"{PROGRAM} export -q -r {application.ferry.repository} {after}"
    return ["bash", "-o", "pipefail", "-c",
            f"{sshd.shell} {sshd.host} {shlex.quote(export)} | {PROGRAM} import -q -r {copy} -"]


def test_a_stream_by_ssh(application, sshd, scratch):
    """Cut off, what arrived whole stays; and the copy goes on being captured into where it is."""
    copy, rng = scratch / "copy", random.Random(21)
    seen = {}
    for _ in range(ATTEMPTS):
        since = judge(copy) if copy.exists() else None
        command = streamed(sshd, application, copy, since)
        copy_and_kill(command, copy, moment(application.ferry.repository, copy, rng))
        whole = judge(copy) if copy.exists() else None
        assert (since or 0) <= (whole or 0)
        assert whole is None or list(lacking(copy)) == list(range(1, whole + 1))
        if whole:
            seen[whole] = rows_in(copy, whole, "small")
    application.stop()
    copy_whole(streamed(sshd, application, copy, judge(copy) if copy.exists() else None))
    newest = max(application.rows)
    assert judge(copy) == newest
    assert all(application.rows[number] == rows for number, rows in seen.items())
    assert published(copy) == published(application.ferry.repository)
    db = makedb.connect(application.database)
    db.execute("UPDATE small SET v = 'moved' WHERE id = (SELECT max(id) FROM small)")
    db.close()
    result = Ferry(copy).capture(application.database)
    assert result.summary["snapshot"] == newest + 1 and result.summary["updated"] == 1, str(result)
    assert rows_in(copy, newest + 1, "small") == rows_of(application.database, "small")
