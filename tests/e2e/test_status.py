"""status: how far source, repository and target are apart, in snapshots, rows and time."""

import os
import shutil
import time
from datetime import datetime

import pytest

from copies import lacking, manifest_names
from program import OK, STORAGE, Ferry, published, run
from trips import run_sql

MADE = ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE other (a)",
        "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')")
CHANGED = ("UPDATE t SET v = 'deux' WHERE id = 2", "DELETE FROM t WHERE id = 3",
           "INSERT INTO t VALUES (4, 'four'), (5, 'five')", "INSERT INTO other VALUES (1)")


@pytest.fixture
def database(scratch):
    path = scratch / "source.db"
    run_sql(path, MADE)
    return path


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def source_of(result):
    return result.of_type("source")[0]


def until_times_tell(database):
    """A capture that finds the same once the file's times are past knows where it stands."""
    deadline = os.stat(database).st_mtime + 0.3
    while time.time() < deadline:
        time.sleep(0.02)


def test_a_source_that_stands_still_and_one_that_does_not(archive_only, database):
    archive_only.capture(database)
    until_times_tell(database)
    archive_only.capture(database)
    still = source_of(archive_only.status())
    assert (still["path"], still["here"], still["written_since"]) == (str(database), True, False)
    assert still["ahead_seconds"] == 0 and still["rows_ahead"] is None
    assert "not written to since snapshot 1" in run("status", "-r", archive_only.repository).out
    run_sql(database, CHANGED)
    written = source_of(archive_only.status())
    assert written["written_since"] is True
    last = max(os.stat(path).st_mtime for path in database.parent.glob("source.db*")
               if path.stat().st_size and not path.name.endswith("-shm"))
    assert abs(moment(written["written"]) - last) < 0.001
    newest = archive_only.status().of_type("repository")[0]
    assert written["ahead_seconds"] == int(last - moment(newest["time"]))
    assert "after snapshot 1" in run("status", "-r", archive_only.repository).out


def test_the_rows_that_a_capture_would_find(archive_only, database):
    archive_only.capture(database)
    run_sql(database, CHANGED)
    before = published(archive_only.repository)
    found = source_of(archive_only.status(database))
    assert {name: found[name] for name in
            ("rows_ahead", "inserted", "updated", "deleted", "moved", "tables")} == \
        {"rows_ahead": 5, "inserted": 3, "updated": 1, "deleted": 1, "moved": 0, "tables": 2}
    text = run("status", "-r", archive_only.repository, database).out
    assert "5 rows in 2 tables: 3 inserted, 1 updated, 1 deleted, 0 moved" in text
    assert published(archive_only.repository) == before
    assert not any((archive_only.repository / "tmp").iterdir())
    archive_only.capture(database)
    assert source_of(archive_only.status(database))["rows_ahead"] == 0


def test_a_source_that_is_on_another_host(archive_only, database, scratch):
    archive_only.capture(database)
    moved = scratch / "moved.db"
    database.rename(moved)
    gone = source_of(archive_only.status())
    assert gone["here"] is False and gone["written"] is None and gone["written_since"] is None
    assert "not on this host" in run("status", "-r", archive_only.repository).out
    archive_only.command("status", database, expect=STORAGE)
    copy = Ferry(scratch / "copy")
    shutil.copytree(archive_only.repository, copy.repository,
                    ignore=shutil.ignore_patterns("tmp", "index", "lock"))
    before = sorted(scratch.glob("copy/**"))
    found = source_of(copy.status(moved))
    assert found["here"] and found["rows_ahead"] == 0
    assert sorted(scratch.glob("copy/**")) == before


def test_a_repository_without_a_snapshot(archive_only, database):
    archive_only.capture(database)
    for name in manifest_names(archive_only.repository).values():
        (archive_only.repository / "snapshots" / name).unlink()
    for path in (archive_only.repository / "archives").iterdir():
        path.unlink()
    result = archive_only.status(database)
    assert source_of(result)["rows_ahead"] == 3 and source_of(result)["written_since"] is None
    assert not archive_only.status().of_type("source")


def test_the_time_between_two_snapshots(ferry, database):
    ferry.capture(database)
    ferry.replay()
    time.sleep(1.1)
    run_sql(database, CHANGED)
    ferry.capture(database)
    target = ferry.status().of_type("target")[0]
    first, second = [moment(line["time"]) for line in
                     ferry.command("log", expect=OK).of_type("snapshot")]
    assert target["behind"] == 1 and target["rows_behind"] == 5
    assert target["behind_seconds"] == int(second - first) >= 1
    text = run("status", "-r", ferry.repository, "-d", ferry.target.conninfo).out
    assert f"behind      1 snapshot, 5 rows, {int(second - first)} s\n" in text
    ferry.replay()
    target = ferry.status().of_type("target")[0]
    assert (target["behind"], target["rows_behind"], target["behind_seconds"]) == (0, 0, 0)


def test_a_target_that_was_never_loaded(ferry, database):
    ferry.capture(database)
    assert ferry.status().of_type("target")[0]["behind_seconds"] is None


def test_snapshots_that_came_in_part_are_told(ferry, database):
    """They are no error here, and what is whole is what counts."""
    ferry.capture(database)
    ferry.replay()
    run_sql(database, CHANGED)
    older = set((ferry.repository / "archives").iterdir())
    ferry.capture(database)
    newer = set((ferry.repository / "archives").iterdir()) - older
    for path in newer:
        path.write_bytes(path.read_bytes()[:-1])
    result = ferry.status()
    line = result.of_type("repository")[0]
    assert (line["snapshots"], line["newest"]) == (1, 1)
    assert line["in_part"]["snapshot"] == 2 and line["in_part"]["missing"] == len(newer) == 2
    assert set(line["in_part"]["names"]) == lacking(ferry.repository)[2]
    assert result.of_type("target")[0]["behind"] == 0
    text = run("status", "-r", ferry.repository).out
    assert "in part     snapshot 2 came in part" in text
    assert all(path.name in text for path in newer)


def test_bytes_are_those_of_the_archives_that_are_there(archive_only, database):
    """Not of what captures once wrote: a prune takes some of it away."""
    archive_only.capture(database)
    run_sql(database, ["DROP TABLE other"])
    archive_only.capture(database)

    def bytes_there():
        return sum(path.stat().st_size for path in (archive_only.repository / "archives").iterdir())

    before = bytes_there()
    assert archive_only.status().of_type("repository")[0]["bytes"] == before
    assert run("prune", "--keep-last", "1", "-r", archive_only.repository).code == OK
    assert archive_only.status().of_type("repository")[0]["bytes"] == bytes_there() < before


def test_the_source_is_looked_at_as_a_capture_would(archive_only, database):
    run_sql(database, ["CREATE VIRTUAL TABLE words USING fts5(body)",
                       "INSERT INTO words VALUES ('sea and shore')"])
    taken = ("--include-shadow", "-T", "other")
    archive_only.capture(database, *taken)
    run_sql(database, ["INSERT INTO t VALUES (9, 'nine')", "INSERT INTO other VALUES (1)"])
    ahead = source_of(archive_only.status(database, *taken))
    assert (ahead["rows_ahead"], ahead["inserted"], ahead["tables"]) == (1, 1, 1)
    assert source_of(archive_only.status(database))["rows_ahead"] > 1
