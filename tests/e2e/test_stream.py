"""export and import: streams through pipes and files, and streams that somebody made to do harm."""

import fcntl
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import time
from contextlib import closing, contextmanager
from functools import cached_property

import pytest

import forge
import makedb
import streams
from compare import assert_same
from program import (DAMAGED, LOCKED, MISPLACED, OK, PROGRAM, STORAGE, USAGE, Ferry, Running,
                     check_streams, environment, published, run)
from streams import ARCHIVE, END, FOLD, MANIFEST, Record
from terminal import Terminal

NOISE = "INSERT INTO noise SELECT NULL, randomblob(100000) FROM " \
    "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) SELECT i FROM n)"


def sql(database, *statements):
    with closing(sqlite3.connect(database)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def pipe(*args, given=b"", expect=None):
    """A run with bytes on standard input: exit code, what came out, messages."""
    done = subprocess.run([str(PROGRAM), *map(str, args)], input=given, capture_output=True,
                          env=environment(), timeout=120)
    text = done.stderr.decode("utf-8", "replace")
    assert "Sanitizer" not in text and "runtime error" not in text, text
    assert expect is None or done.returncode == expect, f"exit {done.returncode}\n{text}"
    return done.returncode, done.stdout, text


def export(repository, *options, expect=OK):
    return pipe("export", "-r", repository, *options, expect=expect)[1]


def take_in(repository, stream, *options, expect=OK):
    """The messages of an import."""
    return pipe("import", "-q", "-r", repository, *options, "-", given=stream, expect=expect)[2]


def assert_copied(left, right):
    ours, theirs = published(left), published(right)
    ours.pop("repository"), theirs.pop("repository")
    assert ours == theirs


class History:
    def __init__(self, folder, snapshots=4):
        self.folder = folder
        self.database = folder / "source.db"
        self.ferry = Ferry(folder / "app")
        self.repository = self.ferry.repository
        makedb.build(self.database, 5, only=["affinities", "no_key", "without", "auto"])
        self.ferry.capture(self.database)
        for seed in range(1, snapshots):
            self.step(seed)

    @cached_property
    def stream(self):
        """All of it, where nothing changes any more."""
        return export(self.repository)

    def step(self, seed):
        makedb.edit(self.database, seed, only=["affinities", "no_key", "without", "auto"],
                    share=0.9)
        sql(self.database, f"PRAGMA user_version = {seed}")
        self.ferry.capture(self.database)


def made(folder):
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    return History(tmp_path_factory.mktemp("history"))


@pytest.fixture
def moving(scratch):
    return History(scratch)


@pytest.fixture
def noisy(scratch):
    """More than a pipe holds."""
    history = Ferry(scratch / "app")
    database = scratch / "noisy.db"
    sql(database, "CREATE TABLE noise (id INTEGER PRIMARY KEY, b BLOB)", NOISE.format(30))
    history.capture(database)
    sql(database, NOISE.format(30))
    history.capture(database)
    history.database = database
    return history


# Through pipes and files

def test_a_copy_without_its_manifests_is_no_empty_repository(history, scratch):
    shutil.copytree(history.repository, scratch / "part")
    for path in (scratch / "part" / "snapshots").iterdir():
        path.unlink()
    _, out, text = pipe("export", "-r", scratch / "part", expect=DAMAGED)
    assert out == b"" and "came in part" in text


def test_a_stream_is_what_the_page_says(history):
    data = export(history.repository)
    stream = streams.read(data)
    assert stream.numbers() == [1, 2, 3, 4]
    assert streams.write(stream) == data
    files = published(history.repository)
    names = {streams.rfa.xxh128(content): name for name, content in files.items()}
    sent = [names[streams.rfa.xxh128(record.data)] for record in stream.records]
    assert sorted(sent) == sorted(name for name in files if name != "repository")
    for record, name in zip(stream.records, sent):
        assert record.kind == (MANIFEST if name.endswith(".rfm") else ARCHIVE), name


def test_since_leaves_out_what_the_reader_has(history, scratch):
    whole = {record.data for record in streams.read(export(history.repository)).records}
    rest = streams.read(export(history.repository, "--since", "2"))
    assert rest.since[0] == 2 and rest.numbers() == [3, 4]
    first = Ferry(scratch / "first")
    stream = streams.read(export(history.repository))
    cut = [place for place, record in enumerate(stream.records) if record.kind == MANIFEST][2]
    stream.records = stream.records[:cut]
    take_in(first.repository, streams.write(streams.settle(stream)))
    assert not {record.data for record in rest.records} & set(published(first.repository).values())
    assert {record.data for record in rest.records} <= whole
    take_in(first.repository, streams.write(rest))
    assert_copied(history.repository, first.repository)


def test_through_a_file(history, scratch):
    file, there = scratch / "it.rfs", Ferry(scratch / "there")
    result = history.ferry.command("export", "-o", file, expect=OK)
    assert (result.summary["snapshots"], result.summary["last"]) == (4, 4)
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(scratch) == ["it.rfs"]
    assert file.read_bytes() == export(history.repository)
    result = there.command("import", file, expect=OK)
    assert [line["outcome"] for line in result.of_type("snapshot")] == ["imported"] * 4
    assert result.summary["bytes"] == sum(
        path.stat().st_size for path in (there.repository / "archives").iterdir())
    assert_copied(history.repository, there.repository)
    there.verify_repository()
    again = there.command("import", file, expect=OK)
    assert again.summary["imported"] == 0 and again.summary["already_there"] == 4
    assert {line["outcome"] for line in again.of_type("snapshot")} == {"already there"}
    assert_copied(history.repository, there.repository)


def test_the_imported_one_is_replayed_and_goes_on(moving, scratch, target):
    there = Ferry(scratch / "there", target)
    take_in(there.repository, export(moving.repository))
    there.replay()
    assert_same(moving.database, target)
    assert not there.capture(moving.database).summary["published"]
    sql(moving.database, "DELETE FROM affinities WHERE rowid % 3 = 0")
    assert there.capture(moving.database).summary["snapshot"] == 5
    there.replay()
    assert_same(moving.database, target)
    take_in(moving.repository, export(there.repository, "--since", "4"))
    assert_copied(there.repository, moving.repository)


def test_an_existing_file_is_replaced_only_by_force(history, scratch):
    file = scratch / "it.rfs"
    file.write_text("precious")
    result = history.ferry.command("export", "-o", file, expect=USAGE)
    assert "is there already" in result.error["what"] and "--force" in result.error["hint"]
    assert file.read_text() == "precious"
    history.ferry.command("export", "-o", file, "--force", expect=OK)
    assert file.read_bytes() == export(history.repository)
    left = scratch / "it.rfs.part"
    left.write_text("left by a run that was killed")
    history.ferry.command("export", "-o", file, "--force", expect=OK)
    assert not left.exists()
    for place, code in ((scratch, USAGE), ("/dev/null", USAGE), (scratch / "no" / "file", STORAGE),
                        (file / "below", STORAGE)):
        assert history.ferry.command("export", "-o", place).code == code, place


def test_nowhere_to_go(history, scratch):
    result = history.ferry.command("export", expect=USAGE)
    assert "standard output" in result.error["what"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM, "export", "-r", history.repository], stdout=full,
                              stderr=subprocess.PIPE, env=environment())
    assert done.returncode == STORAGE and b"No space left" in done.stderr
    with Terminal("export", "-r", history.repository) as terminal:
        assert terminal.process.wait(30) == USAGE
    with Terminal("import", "-r", scratch / "there", "-") as terminal:
        assert terminal.process.wait(30) == USAGE
    assert not (scratch / "there").exists()
    for args in (["import", "-r", scratch / "there"], ["import", "nowhere.rfs"],
                 ["import", "-r", scratch / "there", ""],
                 ["export", "-r", history.repository, "--since", ""],
                 ["export", "-r", history.repository, "--since", "9"],
                 ["export", "-r", history.repository, "--since", "1", "--since-target", ""]):
        assert run(*args).code == USAGE, args
    assert run("import", "-r", scratch / "there", scratch).code == USAGE
    assert run("import", "-r", scratch / "there", scratch / "nothing").code == STORAGE


def test_a_reader_that_goes_away(noisy):
    with subprocess.Popen([PROGRAM, "export", "-r", noisy.repository], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment()) as process:
        process.stdout.read(1000)
        process.stdout.close()
        text = process.stderr.read().decode()
    assert process.returncode == STORAGE and "Broken pipe" in text and "ended first" in text


def test_progress_is_told_in_bytes(noisy, scratch):
    file = scratch / "it.rfs"
    told = run("export", "-r", noisy.repository, "-o", file, "--progress=always")
    assert "export: " in told.err and "MiB of " in told.err
    told = run("import", "-r", scratch / "there", "--progress=always", file)
    assert "import: " in told.err and "(100 %)" in told.err


@contextmanager
def stalled(*args):
    """A run that waits for a pipe of which nobody moves the other end."""
    process = subprocess.Popen([str(PROGRAM), *map(str, args)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for file in (process.stdin, process.stdout, process.stderr):
            file.close()


def wait_until(truth, seconds=30):
    ends = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_both_while_they_wait(noisy, scratch, number):
    data, there = export(noisy.repository), scratch / "there"
    with stalled("import", "-r", there, "-") as importing, \
            stalled("export", "-r", noisy.repository) as exporting:
        importing.stdin.write(data[:len(data) * 3 // 4])
        importing.stdin.flush()
        wait_until(lambda: list((there / "snapshots").glob("*.rfm")))
        time.sleep(0.3)
        for process in (importing, exporting):
            process.send_signal(number)
            assert process.wait(30) == 128 + number
            assert b"run the same command again" in process.stderr.read()
    assert list((there / "tmp").iterdir()) == []
    result = Ferry(there).command("log", expect=OK)
    assert len(result.of_type("snapshot")) == 1
    take_in(there, data)
    assert_copied(noisy.repository, there)


def test_one_writer_at_a_time(noisy, scratch):
    data, there = export(noisy.repository), scratch / "there"
    with stalled("import", "-r", there, "-") as importing:
        importing.stdin.write(data[:len(data) * 3 // 4])
        importing.stdin.flush()
        wait_until(lambda: list((there / "snapshots").glob("*.rfm")))
        assert "another run is writing" in take_in(there, data, expect=LOCKED)
        Ferry(there).capture(noisy.database, expect=LOCKED)
        importing.stdin.write(data[len(data) * 3 // 4:])
        importing.stdin.close()
        assert importing.wait(60) == OK
        importing.stdin = open(os.devnull)
    assert_copied(noisy.repository, there)


def test_two_exports_to_one_file(noisy, scratch):
    file = scratch / "it.rfs"
    file.with_name("it.rfs.part").touch()
    with open(file.with_name("it.rfs.part"), "rb+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert noisy.command("export", "-o", file).code == LOCKED
    noisy.command("export", "-o", file, expect=OK)


def test_captures_go_on_while_it_is_read(noisy, scratch):
    with stalled("export", "-r", noisy.repository) as exporting:
        begun = exporting.stdout.read(1000)
        for round_ in range(2):
            sql(noisy.database, NOISE.format(2))
            noisy.capture(noisy.database)
        data = begun + exporting.stdout.read()
        assert exporting.wait(60) == OK
    assert streams.read(data).numbers() == [1, 2]
    take_in(scratch / "there", data)
    take_in(scratch / "there", export(noisy.repository, "--since", "2"))
    assert_copied(noisy.repository, scratch / "there")


def test_pruned_while_it_is_read(noisy, scratch):
    sql(noisy.database, "DELETE FROM noise", NOISE.format(3))
    noisy.capture(noisy.database)
    with stalled("export", "-r", noisy.repository) as exporting:
        begun = exporting.stdout.read(1000)
        noisy.command("prune", "--keep-last", "1", expect=OK)
        data = begun + exporting.stdout.read()
        assert exporting.wait(60) == DAMAGED
        text = exporting.stderr.read()
        assert b"pruned" in text and b"again" in text, text
    assert "ends before its end" in take_in(scratch / "there", data, expect=DAMAGED)
    take_in(scratch / "anew", export(noisy.repository))
    assert_copied(noisy.repository, scratch / "anew")


def test_killed_at_any_moment_it_goes_on(noisy, scratch):
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    there = scratch / "there"
    print("seed", seed)
    for _ in range(6):
        exporting = subprocess.Popen([PROGRAM, "export", "-r", noisy.repository],
                                     stdout=subprocess.PIPE, env=environment())
        importing = subprocess.Popen([PROGRAM, "import", "-r", there, "-"], env=environment(),
                                     stdin=exporting.stdout, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
        exporting.stdout.close()
        time.sleep(rng.random() * 0.1)
        victim = rng.choice([exporting, importing])
        victim.kill()
        exporting.wait(60), importing.wait(60)
        if there.exists():
            shutil.copytree(there, scratch / "seen")
            if any((scratch / "seen").glob("snapshots/*.rfm")):
                Ferry(scratch / "seen").verify_repository()
            shutil.rmtree(scratch / "seen")
    take_in(there, export(noisy.repository))
    assert_copied(noisy.repository, there)


def test_what_a_copy_left_in_part_is_mended(history, scratch):
    data, there = export(history.repository), Ferry(scratch / "there")
    take_in(there.repository, data)
    manifest = streams.rfa.Manifest(of_kind(streams.read(data), MANIFEST)[-1].data)
    missing, cut = (there.repository / "archives" / manifest.tables[place].state[-1].name
                    for place in (0, 1))
    missing.unlink()
    cut.write_bytes(cut.read_bytes()[:-1])
    (scratch / "all").write_bytes(data)
    result = there.command("import", scratch / "all", expect=OK)
    outcomes = [line["outcome"] for line in result.of_type("snapshot")]
    assert set(outcomes) == {"mended", "already there"}
    assert result.summary["mended"] == outcomes.count("mended")
    assert result.summary["archives"] == 2
    assert_copied(history.repository, there.repository)
    there.verify_repository()


def test_nothing_is_laid_upon_what_is_not_whole(moving, scratch):
    there = Ferry(scratch / "there")
    take_in(there.repository, export(moving.repository))
    manifest, = (there.repository / "snapshots").glob("0000000004-*")
    found = streams.rfa.Manifest(manifest.read_bytes())
    (there.repository / "archives" / found.tables[0].state[-1].name).unlink()
    moving.step(8)
    text = take_in(there.repository, export(moving.repository, "--since", "4"), expect=DAMAGED)
    assert "came in part" in text
    take_in(there.repository, export(moving.repository))
    assert_copied(moving.repository, there.repository)


# What the target still needs

def test_since_target(moving, scratch, target):
    there = Ferry(scratch / "there", target)

    def needed():
        return streams.read(export(moving.repository, "--since-target", target.conninfo))

    assert needed().numbers() == [1, 2, 3, 4]
    take_in(there.repository, streams.write(needed()))
    there.replay("-s", "2")
    assert needed().since[0] == 2 and needed().numbers() == [3, 4]
    there.replay()
    moving.step(9)
    assert needed().numbers() == [5]
    take_in(there.repository, streams.write(needed()))
    there.replay()
    assert needed().numbers() == []
    assert_same(moving.database, target)
    where = ["--since-target", "", "--schema", "elsewhere"]
    env = {"PGHOST": None, **libpq_environment(target)}
    assert run("export", "-r", moving.repository, *where, "-o", scratch / "all", env=env).code == OK
    assert streams.read((scratch / "all").read_bytes()).numbers() == [1, 2, 3, 4, 5]


def libpq_environment(target):
    parts = dict(part.split("=", 1) for part in target.conninfo.split())
    return {f"PG{name.upper().replace('DBNAME', 'DATABASE')}": value.strip("'")
            for name, value in parts.items()}


def test_since_a_target_of_another_history(moving, scratch, target):
    other = History(made(scratch / "other"), 2)
    fed = Ferry(other.repository, target)
    fed.replay()
    result = moving.ferry.command("export", "-o", scratch / "it", "--since-target",
                                  target.conninfo, expect=MISPLACED)
    assert "fed by another source" in result.error["what"]
    other.step(7)
    fed.replay()
    shutil.copytree(other.repository, scratch / "behind")
    other.ferry.command("prune", "--keep-last", "1", expect=OK)
    newest, = (scratch / "behind" / "snapshots").glob("0000000003-*.rfm")
    newest.unlink()
    result = run("export", "--json", "-r", scratch / "behind", "-o", scratch / "it",
                 "--since-target", target.conninfo)
    assert result.code == MISPLACED and "has no snapshot 3" in result.error["what"]
    assert not (scratch / "it").exists()
    result = run("export", "--json", "-r", scratch / "behind", "-o", scratch / "it",
                 "--since-target", "host=/nonexistent")
    assert result.code == 5


# Streams that do harm

BIG = 2**63


def harm(history, change):
    stream = streams.read(history.stream)
    changed = change(stream)
    return streams.write(changed if changed is not None else stream)


def of_kind(stream, kind):
    return [record for record in stream.records if record.kind == kind]


def changed_head(**changes):
    def change(stream):
        for name, value in changes.items():
            setattr(stream, name, value(stream) if callable(value) else value)
    return change


def rebuilt(change_body, which=0, settled=True):
    """The manifest's body changed, in an envelope that fits."""
    def change(stream):
        record = of_kind(stream, MANIFEST)[which]
        body, _, _ = forge.open_up(record.data)
        record.data = forge.envelope(b"RFMANIFS", change_body(body), None)
        if settled:
            streams.settle(stream)
    return change


def renamed(new):
    """A reference of the first manifest under another name of the same size."""
    def change(body):
        at = body.index(b".rfa")
        start = body.rindex(struct.pack("<I", 0)[1:], 0, at)
        size, = struct.unpack_from("<I", body, start - 1)
        return body[:start + 3] + new.ljust(size, b"a")[:size] + body[start + 3 + size:]
    return change


def resized(size):
    def change(body):
        at = body.index(b".rfa") + 4 + 1 + 16
        return body[:at] + struct.pack("<Q", size) + body[at + 8:]
    return change


def moved(first, second):
    def change(stream):
        records = stream.records
        records[first], records[second] = records[second], records[first]
    return change


def repeated(kind):
    def change(stream):
        place = stream.records.index(of_kind(stream, kind)[0])
        stream.records.insert(place, stream.records[place])
        stream.total += len(stream.records[place].data)
    return change


def first_archive(stream):
    return of_kind(stream, ARCHIVE)[0]


def another_archive(stream):
    """Something else under the name of an archive."""
    record = first_archive(stream)
    record.digest, record.data = streams.rfa.xxh128(record.data), bytes(len(record.data))


def no_archive(stream):
    """Bytes that are no archive, which the manifest names by their digest."""
    record = first_archive(stream)
    fake = b"RFARCHIV" + bytes(len(record.data) - 8)
    old, new = (streams.rfa.xxh128(data) for data in (record.data, fake))
    for manifest in of_kind(stream, MANIFEST):
        body, _, _ = forge.open_up(manifest.data)
        body = body.replace(streams.digest_bytes(old), streams.digest_bytes(new)).replace(
            streams.rfa.hash_text(old).encode(), streams.rfa.hash_text(new).encode())
        manifest.data = forge.envelope(b"RFMANIFS", body, None)
        break
    record.data = fake
    del stream.records[stream.records.index(of_kind(stream, MANIFEST)[1]):]
    stream.records[1:] = sorted(stream.records[1:],
                                key=lambda one: f"{streams.rfa.xxh128(one.data):032x}")
    streams.settle(stream)


def with_fold(change):
    def fold_in(stream):
        manifest = streams.rfa.Manifest(of_kind(stream, MANIFEST)[0].data)
        data = of_kind(stream, MANIFEST)[0].data
        body = struct.pack("<Q", 1) + streams.digest_bytes(streams.rfa.xxh128(data)) \
            + forge.sha256(data) + manifest.source + struct.pack("<QQ", 1, 0) + bytes(48) \
            + struct.pack("<I", len(manifest.tables))
        for table in manifest.tables:
            body += struct.pack("<B4QI", 2, table.rows, 0, 0, 0, len(table.state))
            body += b"".join(map(forge.reference_bytes, table.state))
        stream.records.insert(1, Record(FOLD, forge.envelope(b"RFFOLDED", change(body), None)))
        streams.settle(stream)
    return fold_in


def bomb(stream):
    """A frame of a few bytes that says, and would be, half a gigabyte."""
    frame = forge.zstandard.ZstdCompressor(level=1).compress(bytes(511 << 20))
    data = b"RFMANIFS" + struct.pack("<III", streams.rfa.VERSION, 511 << 20, len(frame))
    data += frame + b"\0"
    stream.records = [Record(MANIFEST, data + struct.pack("<Q", streams.rfa.xxh64(data)))]
    stream.snapshots, stream.last = 1, (1, streams.rfa.xxh128(stream.records[0].data))
    stream.total = len(stream.records[0].data)


HARM = {
    "magic": (changed_head(magic=b"RFSTREAN"), DAMAGED),
    "older version": (changed_head(version=2), DAMAGED),
    "newer version": (changed_head(version=99), MISPLACED),
    "reserved": (changed_head(reserved=1), DAMAGED),
    "another source": (changed_head(source=bytes(16)), DAMAGED),
    "since of no number": (changed_head(since=(0, 5)), DAMAGED),
    "since behind last": (changed_head(since=(9, 5)), DAMAGED),
    "since within": (changed_head(since=(2, 5)), DAMAGED),
    "another last": (changed_head(last=lambda it: (it.last[0], 7)), DAMAGED),
    "a later last": (changed_head(last=lambda it: (9, it.last[1])), DAMAGED),
    "an earlier last": (changed_head(last=lambda it: (3, it.last[1])), DAMAGED),
    "more snapshots": (changed_head(snapshots=5, last=lambda it: (5, it.last[1])), DAMAGED),
    "fewer snapshots": (changed_head(snapshots=3), DAMAGED),
    "no snapshots": (changed_head(snapshots=0), DAMAGED),
    "no end of snapshots": (changed_head(snapshots=BIG, last=lambda it: (BIG, 1)), DAMAGED),
    "more bytes": (changed_head(total=lambda it: it.total + 1), DAMAGED),
    "fewer bytes": (changed_head(total=lambda it: it.total - 1), DAMAGED),
    "half of the bytes": (changed_head(total=lambda it: it.total // 2), DAMAGED),
    "no bytes": (changed_head(total=0), DAMAGED),
    "bytes without end": (changed_head(total=2**64 - 1), DAMAGED),
    "bytes behind the end": (changed_head(behind=b"\0"), DAMAGED),
    "a stream behind the end": (changed_head(behind=streams.write), DAMAGED),
    "an end of another size": (changed_head(end=Record(END, size=5, digest=0)), DAMAGED),
    "an end with a digest": (
        changed_head(end=lambda it: Record(END, size=it.total, digest=5)), DAMAGED),
    "an end of another kind": (
        changed_head(end=lambda it: Record(9, size=it.total, digest=0)), DAMAGED),
    "an archive first": (moved(0, 1), DAMAGED),
    "archives in disorder": (moved(1, 2), DAMAGED),
    "an archive twice": (repeated(ARCHIVE), DAMAGED),
    "a manifest twice": (repeated(MANIFEST), MISPLACED),
    "an archive of another snapshot": (
        lambda it: it.records.insert(1, it.records.pop()), DAMAGED),
    "an archive left out": (lambda it: streams.settle(it.copy(
        records=[one for one in it.records if one is not first_archive(it)])), MISPLACED),
    "a snapshot left out": (lambda it: streams.settle(it.copy(
        records=it.records[:1] + it.records[it.records.index(of_kind(it, MANIFEST)[2]):])),
        (DAMAGED, MISPLACED)),
    "other bytes": (another_archive, DAMAGED),
    "bytes that are no archive": (no_archive, DAMAGED),
    "a size without end": (lambda it: setattr(first_archive(it), "size", BIG), DAMAGED),
    "a size of nothing": (lambda it: setattr(first_archive(it), "size", 0), DAMAGED),
    "a manifest of no end": (lambda it: setattr(it.records[0], "size", 2**62), DAMAGED),
    "a record's magic": (lambda it: setattr(it.records[0], "magic", b"RFRX"), DAMAGED),
    "a record's reserved bytes": (lambda it: setattr(it.records[1], "reserved", b"abc"), DAMAGED),
    "a record of no kind": (lambda it: setattr(it.records[1], "kind", 0), DAMAGED),
    "a name with dots": (rebuilt(renamed(b"../../../../../tmp/rowferry-was-here")), DAMAGED),
    "a name with a slash": (rebuilt(renamed(b"/tmp/rowferry-was-here")), DAMAGED),
    "an archive without end": (rebuilt(resized(BIG)), DAMAGED),
    "a manifest of another source": (
        rebuilt(lambda body: body[:64] + bytes(16) + body[80:]), DAMAGED),
    "a manifest of another number": (
        rebuilt(lambda body: struct.pack("<Q", 7) + body[8:]), DAMAGED),
    "a manifest upon another": (
        rebuilt(lambda body: body[:16] + bytes([1]) + body[17:], which=2), MISPLACED),
    "no manifest": (rebuilt(lambda body: body[:100]), DAMAGED),
    "a fold of another snapshot": (
        with_fold(lambda body: struct.pack("<Q", 2) + body[8:]), DAMAGED),
    "a fold of another manifest": (
        with_fold(lambda body: body[:24] + bytes(32) + body[56:]), DAMAGED),
    "a fold of no snapshot": (with_fold(lambda body: body[:8] + bytes(16) + body[24:]), DAMAGED),
    "no fold": (with_fold(lambda body: body[:60]), DAMAGED),
    "a bomb": (bomb, DAMAGED),
}


@pytest.mark.parametrize("how", HARM)
def test_streams_that_do_harm(history, scratch, how):
    change, code = HARM[how]
    data = harm(history, change)
    there = scratch / "there"
    result = pipe("import", "--json", "-r", there, "-", given=data)
    expected = code if isinstance(code, tuple) else (code,)
    assert result[0] in expected, f"exit {result[0]}: {result[2]}"
    assert b'"what":"' in result[1]
    assert set(os.listdir(scratch)) <= {"there"}
    assert not os.path.exists("/tmp/rowferry-was-here")
    if not there.exists():
        return
    names = set(published(there))
    assert names <= set(published(history.repository)), "something else was put there"
    numbers = {int(name[10:20]) for name in names if name.startswith("snapshots/")}
    assert numbers == set(range(1, len(numbers) + 1))
    if numbers:
        Ferry(there).verify_repository()
    take_in(there, history.stream)
    assert_copied(history.repository, there)


def test_a_fold_that_fits_is_taken(history, scratch):
    """What the tests above change is the change alone."""
    data = harm(history, with_fold(lambda body: body))
    take_in(scratch / "there", data)
    Ferry(scratch / "there").verify_repository()
    names = {name for name in published(scratch / "there") if not name.endswith(".rff")}
    assert names == set(published(history.repository))


def test_what_has_no_room_is_refused_before_a_byte(history, scratch):
    stream = streams.read(export(history.repository))
    rebuilt(resized(2**62), settled=False)(stream)
    streams.settle(stream)
    stream.total = 2**62
    there = scratch / "there"
    data = streams.write(stream)
    at = data.index(b"RFRC", 200)  # the first archive
    code, out, _ = pipe("import", "--json", "-r", there, "-", given=data[:at + 40])
    assert code == STORAGE and b"does not fit" in out and b"bytes are needed" in out
    assert os.listdir(there / "archives") == os.listdir(there / "tmp") == []


def test_a_manifest_that_names_the_archives_of_another(history, scratch):
    """An archive of another source, whose digest the manifest has."""
    other = History(made(scratch / "other"), 1)
    stream = streams.read(export(history.repository))
    foreign = streams.read(export(other.repository))
    manifest = of_kind(foreign, MANIFEST)[0]
    body, _, _ = forge.open_up(manifest.data)
    body = body[:64] + stream.source + body[80:]
    manifest.data = forge.envelope(b"RFMANIFS", body, None)
    foreign.source = stream.source
    text = take_in(scratch / "there", streams.write(streams.settle(foreign)), expect=DAMAGED)
    assert "belongs to another source" in text
    assert os.listdir(scratch / "there" / "archives") == []


# Whom one trusts

def test_what_is_signed_and_what_is_not(moving, scratch):
    key, other = scratch / "key", scratch / "other"
    for path in (key, other):
        assert run("keygen", "-o", path).code == OK
    signed = Ferry(scratch / "signed")
    for round_ in range(2):
        sql(moving.database, f"PRAGMA user_version = {90 + round_}",
            "DELETE FROM affinities WHERE rowid % 2 = 0")
        signed.capture(moving.database, "--sign-key", key)
    data, there = export(signed.repository), scratch / "there"
    trust = ["--trusted-key", f"{key}.pub"]
    text = take_in(there, export(moving.repository), *trust, expect=DAMAGED)
    assert "is not signed" in text and not there.exists()
    text = take_in(there, data, "--trusted-key", f"{other}.pub", expect=DAMAGED)
    assert "is not trusted" in text and not there.exists()
    take_in(there, data, "--trusted-key", f"{other}.pub", *trust)
    assert_copied(signed.repository, there)

    forger = forge.Forger(signed.repository, scratch)
    body, seal = forger.body(2), forger.sealer(other)
    forger.write_manifest(2, body, seal)
    text = take_in(scratch / "anew", export(signed.repository), *trust, expect=DAMAGED)
    assert "is not trusted" in text
    assert len(list((scratch / "anew" / "snapshots").iterdir())) == 1
    assert run("export", "-r", signed.repository, *trust, "-o", scratch / "it").code == DAMAGED
    assert not (scratch / "it").exists()


def test_a_signed_manifest_that_names_another_sha256(moving, scratch):
    """As if somebody had found two files of one digest."""
    key = scratch / "key"
    assert run("keygen", "-o", key).code == OK
    signed = Ferry(scratch / "signed")
    signed.capture(moving.database, "--sign-key", key)
    forger = forge.Forger(signed.repository, scratch)
    body = forger.body(1)
    at = body.index(b".rfa") + 4 + 1 + 16 + 8
    forger.write_manifest(1, body[:at] + bytes(32) + body[at + 32:], forger.sealer(key))
    data = export(signed.repository)
    take_in(scratch / "careless", data)
    text = take_in(scratch / "there", data, "--trusted-key", f"{key}.pub", expect=DAMAGED)
    assert "another SHA-256 than the signed manifest says" in text
    assert os.listdir(scratch / "there" / "archives") == []


# Pruned on either side

def rows_of(repository, snapshot):
    found = {}
    for table in ("affinities", "no_key", "without", "auto"):
        _, rows, _ = streams.rfa.read_state(repository, str(snapshot), table)
        found[table] = sorted((row.cells for row in rows), key=repr)
    return found


@pytest.mark.parametrize("side", ["sender", "reader", "both"])
def test_pruned_on_either_side(moving, scratch, side):
    """Whoever was pruned: what arrives has the rows that were sent, and captures go on."""
    there = Ferry(scratch / "there")
    truth = scratch / "truth"
    take_in(there.repository, export(moving.repository))
    for seed in (20, 21):
        moving.step(seed)
    shutil.copytree(moving.repository, truth)
    if side in ("sender", "both"):
        moving.ferry.command("prune", "--keep-last", "3", expect=OK)
    if side in ("reader", "both"):
        there.command("prune", "--keep-last", "1", expect=OK)
    for seed in (22, 23):
        take_in(there.repository, export(moving.repository, "--since", str(there.newest())))
        there.verify_repository()
        numbers = [line["snapshot"] for line in
                   there.command("log", expect=OK).of_type("snapshot")]
        for number in numbers:
            if number <= 6:
                assert rows_of(there.repository, number) == rows_of(truth, number), number
        moving.step(seed)
    take_in(there.repository, export(moving.repository))
    there.verify_repository()
    assert there.newest() == 8
    assert not there.capture(moving.database).summary["published"]
    take_in(scratch / "third", export(there.repository))
    Ferry(scratch / "third").verify_repository()
    assert rows_of(scratch / "third", 8) == rows_of(moving.repository, 8)
