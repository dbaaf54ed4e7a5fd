"""What rowferry writes is its user's alone, whatever the umask: files 0600, folders 0700."""

import stat

import pytest

import makedb
from program import OK, SET_ASIDE, Ferry, run

OPEN = ("sh", "-c", 'umask 0; exec "$@"', "sh")


def assert_private(folder):
    """And there is something."""
    paths = [folder, *folder.rglob("*")]
    assert len(paths) > 1
    for path in paths:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path}: {mode:o}"


@pytest.fixture
def large(scratch):
    """Enough rows for a local index, and text that needs files under way."""
    database = scratch / "source.db"
    makedb.build(database, 8)
    db = makedb.connect(database)
    db.execute("CREATE TABLE many (id INTEGER PRIMARY KEY, v TEXT)")
    db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000) "
               "INSERT INTO many SELECT i, 'value ' || i FROM n")
    db.close()
    return database


def test_capture_and_what_comes_after_it(ferry, large):
    ferry.capture(large, prefix=OPEN)
    assert_private(ferry.repository)
    assert any((ferry.repository / "index").iterdir())
    makedb.edit(large, "8 0", share=1)
    ferry.command("sync", large, target=True, expect=(OK, SET_ASIDE), prefix=OPEN)
    assert_private(ferry.repository)
    for command in ("verify", "status", "log", "show"):
        ferry.command(command, expect=OK, prefix=OPEN)
    assert_private(ferry.repository)


def test_a_restored_database(archive_only, large, scratch):
    archive_only.capture(large)
    restored = scratch / "restored.db"
    for force in ((), ("--force",)):
        archive_only.command("restore", "-o", restored, *force, expect=OK, prefix=OPEN)
        assert stat.S_IMODE(restored.stat().st_mode) == 0o600
    assert not list(scratch.glob("restored.db?*"))


def test_streams_prunes_and_keys(archive_only, large, scratch):
    """A stream is as private as the repository that it comes from; of a pair of keys one half is."""
    for day in range(3):
        archive_only.capture(large, prefix=OPEN)
        makedb.edit(large, f"8 {day}", share=1)
    key, stream = scratch / "key", scratch / "stream"
    assert run("keygen", "-o", key, prefix=OPEN).code == OK
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    archive_only.command("export", "-o", stream, expect=OK, prefix=OPEN)
    assert stat.S_IMODE(stream.stat().st_mode) == 0o600
    imported = Ferry(scratch / "imported")
    imported.command("import", stream, expect=OK, prefix=OPEN)
    assert_private(imported.repository)
    archive_only.command("prune", "--keep-last", 1, expect=OK, prefix=OPEN)
    archive_only.capture(large, "--sign-key", key, prefix=OPEN)
    assert_private(archive_only.repository)


def test_a_repository_beside_the_database(large):
    assert run("capture", "-q", large, prefix=OPEN).code == OK
    assert_private(large.with_name(large.name + ".rowferry"))


def test_folders_that_are_made_anew(archive_only, large):
    """In a copy that lacks the writer's own."""
    archive_only.capture(large)
    for name in ("index", "tmp"):
        for path in (archive_only.repository / name).iterdir():
            path.unlink()
        (archive_only.repository / name).rmdir()
    (archive_only.repository / "lock").unlink()
    makedb.edit(large, "8 1", share=1)
    archive_only.capture(large, prefix=OPEN)
    assert_private(archive_only.repository)
