"""A database that nobody has written to is not read again; one that somebody has written to always
is, however well that is hidden."""

import os
import shutil
import sqlite3
import subprocess
import time

import pytest

from program import DAMAGED, OK, STORAGE
from test_source import crashed_writer

ROWS = 500
# Longer than two writes need to be apart to bear different times on any of the file systems below.
WHILE = 0.25
LOCAL = {"ext2/ext3", "xfs", "btrfs", "f2fs", "tmpfs"}


@pytest.fixture
def database(scratch):
    kind = subprocess.run(["stat", "-f", "-c", "%T", scratch], capture_output=True, text=True,
                          check=True).stdout.strip()
    if kind not in LOCAL:
        pytest.skip(f"on {kind} a capture always reads everything")
    path = scratch / "source.db"
    with connect(path) as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
        db.execute("CREATE TABLE other (v)")
        db.executemany("INSERT INTO t (v) VALUES (?)", ((f"row {i:06}",) for i in range(ROWS)))
    db.close()
    return path


def connect(path):
    return sqlite3.connect(path, isolation_level=None)


def edit(path, *statements):
    db = connect(path)
    for sql in statements:
        db.execute(sql).fetchall()
    db.close()


def capture(ferry, path, *rest, **kw):
    return ferry.capture(path, "-v", *rest, **kw)


def was_read(result):
    return "has not been written to since" not in result.err


def remember(ferry, path):
    """Captures the database as it stands, until it is known to stand there."""
    time.sleep(WHILE)
    capture(ferry, path)
    again = capture(ferry, path)
    assert not was_read(again), str(again)
    assert again.summary["published"] is False
    return again


def memory(ferry):
    return ferry.repository / "index" / "source"


def change_v(path, place=7, value="new 000000"):
    edit(path, f"UPDATE t SET v = '{value}' WHERE id = {place}")


def put_times_back(path, before):
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def assert_seen(ferry, path, updated=1):
    result = capture(ferry, path)
    assert was_read(result) and result.summary["updated"] == updated, str(result)
    ferry.verify_repository(expect=OK)


def test_the_answer_is_the_same(archive_only, database):
    ferry = archive_only
    quick = remember(ferry, database)
    memory(ferry).unlink()
    slow = capture(ferry, database)
    assert was_read(slow)

    def told(result):
        return [{k: v for k, v in line.items() if "seconds" not in k} for line in result.lines]
    assert told(quick) == told(slow)


def test_one_row(archive_only, database):
    remember(archive_only, database)
    change_v(database)
    assert_seen(archive_only, database)


def test_one_row_and_the_old_times(archive_only, database):
    remember(archive_only, database)
    before = database.stat()
    change_v(database)
    put_times_back(database, before)
    after = database.stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    assert_seen(archive_only, database)


def test_a_row_written_around_sqlite(archive_only, database):
    """The header is as it was, the size too, and so is the time of the last write."""
    remember(archive_only, database)
    before = database.stat()
    with database.open("r+b") as file:
        at = file.read().index(b"row 000100")
        file.seek(at)
        file.write(b"ROW 000100")
    put_times_back(database, before)
    assert_seen(archive_only, database)


def replaced(path, by):
    by(path, path.with_suffix(".copy"))


def by_rename(path, copy):
    shutil.copy2(path, copy)
    before = path.stat()
    change_v(copy)
    put_times_back(copy, before)
    copy.rename(path)


def by_copying_over_it(path, copy):
    shutil.copy2(path, copy)
    before = path.stat()
    change_v(copy)
    shutil.copyfile(copy, path)
    put_times_back(path, before)


@pytest.mark.parametrize("how", [by_rename, by_copying_over_it])
def test_replaced(archive_only, database, how):
    remember(archive_only, database)
    replaced(database, how)
    assert_seen(archive_only, database)


def test_restored_from_a_copy_made_before(archive_only, database, scratch):
    """The very bytes and times of an older snapshot: the newest is another."""
    remember(archive_only, database)
    old = memory(archive_only).read_bytes()
    copy = scratch / "copy.db"
    shutil.copy2(database, copy)
    change_v(database)
    remember(archive_only, database)
    memory(archive_only).write_bytes(old)
    shutil.copy2(copy, database)
    assert_seen(archive_only, database)


def test_vacuum(archive_only, database):
    remember(archive_only, database)
    edit(database, "VACUUM")
    result = capture(archive_only, database)
    assert was_read(result) and result.summary["published"] is False


@pytest.mark.parametrize("statement", ["PRAGMA user_version = 7", "CREATE INDEX i ON t (v)",
                                       "CREATE VIEW w AS SELECT 1", "DROP TABLE other"])
def test_only_the_schema(archive_only, database, statement):
    remember(archive_only, database)
    edit(database, statement)
    assert capture(archive_only, database).summary["published"] is True


def test_a_writer_that_has_not_committed(archive_only, database):
    remember(archive_only, database)
    db = connect(database)
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE t SET v = 'x' WHERE id = 3")
    assert not was_read(capture(archive_only, database))
    db.execute("ROLLBACK")
    assert not was_read(capture(archive_only, database))
    db.execute("UPDATE t SET v = 'x' WHERE id = 3")
    db.close()
    assert_seen(archive_only, database)


def test_a_writer_that_keeps_its_lock(archive_only, database):
    """In this mode SQLite counts the first of its transactions only."""
    remember(archive_only, database)
    db = connect(database)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    for i in (3, 4, 5):
        db.execute(f"UPDATE t SET v = 'x' WHERE id = {i}")
    db.close()
    assert_seen(archive_only, database, updated=3)


def test_a_writer_that_died(archive_only, database):
    remember(archive_only, database)
    crashed_writer(database)
    capture(archive_only, database, expect=STORAGE)


# ---- WAL ----

@pytest.fixture
def live(database):
    """A connection that stays, and leaves what it writes in the WAL."""
    db = connect(database)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("UPDATE t SET v = 'first' WHERE id = 1")
    yield db
    db.close()


def test_wal_that_grew(archive_only, database, live):
    remember(archive_only, database)
    before = database.stat()
    live.execute("UPDATE t SET v = 'second' WHERE id = 1")
    assert database.stat().st_ctime_ns == before.st_ctime_ns, "the file itself has changed"
    assert_seen(archive_only, database)


def test_wal_that_grew_with_the_old_times(archive_only, database, live):
    remember(archive_only, database)
    wal = database.with_name("source.db-wal")
    before = wal.stat()
    live.execute("UPDATE t SET v = 'second' WHERE id = 1")
    put_times_back(wal, before)
    assert_seen(archive_only, database)


def test_wal_written_again_from_its_start(archive_only, database, live):
    """As many frames as before, of the same size, in the same file."""
    remember(archive_only, database)
    wal = database.with_name("source.db-wal")
    live.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    live.execute("UPDATE t SET v = 'secnd' WHERE id = 1")
    assert wal.stat().st_size > 0
    assert_seen(archive_only, database)


@pytest.mark.parametrize("kind", ["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
def test_checkpoint(archive_only, database, live, kind):
    """Nothing has changed by it, and what comes later is seen."""
    remember(archive_only, database)
    live.execute(f"PRAGMA wal_checkpoint({kind})").fetchall()
    assert capture(archive_only, database).summary["published"] is False
    remember(archive_only, database)
    live.execute("UPDATE t SET v = 'second' WHERE id = 1")
    assert_seen(archive_only, database)
    live.execute("UPDATE t SET v = 'third' WHERE id = 1")
    live.execute(f"PRAGMA wal_checkpoint({kind})").fetchall()
    assert_seen(archive_only, database)


def test_wal_that_goes_with_its_last_user(archive_only, database, live):
    remember(archive_only, database)
    live.execute("UPDATE t SET v = 'second' WHERE id = 1")
    live.close()
    assert_seen(archive_only, database)
    remember(archive_only, database)
    change_v(database)
    assert_seen(archive_only, database)


# ---- what else is remembered ----

def test_other_tables_asked_for(archive_only, database):
    remember(archive_only, database)
    part = capture(archive_only, database, "-t", "t")
    assert was_read(part) and part.summary["published"] is True
    whole = capture(archive_only, database)
    assert was_read(whole) and whole.summary["published"] is True
    time.sleep(WHILE)
    assert not was_read(capture(archive_only, database))


def test_asked_to_read_all(archive_only, database):
    remember(archive_only, database)
    assert was_read(capture(archive_only, database, "--through-sqlite"))


def test_another_file(archive_only, database, scratch):
    remember(archive_only, database)
    copy = scratch / "copy.db"
    shutil.copy2(database, copy)
    assert was_read(capture(archive_only, copy))
    link = scratch / "link.db"
    link.symlink_to(database)
    remember(archive_only, database)
    assert not was_read(capture(archive_only, link)), "a symbolic link leads to the same file"


def test_damaged_memory(archive_only, database):
    remember(archive_only, database)
    whole = memory(archive_only).read_bytes()
    spoiled = [b"", whole[:-1], whole + b"\0", bytes(len(whole))]
    spoiled += [whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1:]
                for i in range(0, len(whole), 37)]
    for content in spoiled:
        memory(archive_only).write_bytes(content)
        result = capture(archive_only, database)
        assert was_read(result) and result.summary["published"] is False
        assert memory(archive_only).read_bytes() == whole, "it was not made anew"


def test_damaged_snapshot(archive_only, database):
    """Nothing was read, and still no "all is well" beside a repository that is not."""
    remember(archive_only, database)
    manifest = next((archive_only.repository / "snapshots").glob("*.rfm"))
    content = bytearray(manifest.read_bytes())
    content[len(content) // 2] ^= 1
    manifest.write_bytes(content)
    capture(archive_only, database, expect=DAMAGED)


def test_rehearsal(archive_only, database):
    time.sleep(WHILE)
    capture(archive_only, database, "-n")
    assert not memory(archive_only).exists()
    remember(archive_only, database)
    assert not was_read(capture(archive_only, database, "-n"))
    change_v(database)
    dry = capture(archive_only, database, "-n")
    assert was_read(dry) and dry.summary["updated"] == 1
    assert_seen(archive_only, database)
