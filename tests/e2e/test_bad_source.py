"""What cannot be captured: the reason is given, nothing is published, the repository is as it
was."""

import os
import random
import subprocess

import pytest

import makedb
from compare import assert_same
from program import DAMAGED, MISPLACED, STORAGE, Ferry, published, run

ONLY = ["affinities", "no_key", "without", "text_key"]


@pytest.fixture
def travelled(archive_only, scratch):
    """A repository with one snapshot, and its source."""
    database = scratch / "source.db"
    makedb.build(database, 21, only=ONLY)
    archive_only.capture(database)
    return archive_only, database


def refused(ferry, database, code, *words, options=()):
    """The capture ends with this code, says these words and leaves history alone."""
    before = published(ferry.repository)
    result = ferry.capture(database, *options, expect=code)
    said = str(result.error) + result.err
    for word in words:
        assert word in said, f"does not say {word!r}\n{result}"
    assert published(ferry.repository) == before, "something was published"
    return result


def test_no_such_file(travelled, scratch):
    refused(travelled[0], scratch / "absent.db", STORAGE, "absent.db")
    assert not (scratch / "absent.db").exists(), "the capture made the file"


def test_a_directory(travelled, scratch):
    (scratch / "folder.db").mkdir()
    refused(travelled[0], scratch / "folder.db", STORAGE, "folder.db", "director")


def test_an_empty_file(travelled, scratch):
    (scratch / "empty.db").touch()
    refused(travelled[0], scratch / "empty.db", DAMAGED, "empty")


def test_not_a_database(travelled, scratch):
    (scratch / "text.db").write_text("dear diary, " * 500)
    refused(travelled[0], scratch / "text.db", DAMAGED, "text.db", "not a")


def test_encrypted(travelled, scratch):
    """All bytes look random, the header included."""
    (scratch / "secret.db").write_bytes(random.Random(1).randbytes(40960))
    refused(travelled[0], scratch / "secret.db", DAMAGED, "encrypt")


def test_cut_short(travelled, scratch):
    ferry, database = travelled
    whole = database.read_bytes()
    if (scratch / "source.db-wal").exists():
        makedb.connect(database).execute("PRAGMA wal_checkpoint(TRUNCATE)")
        whole = database.read_bytes()
    (scratch / "cut.db").write_bytes(whole[:len(whole) * 2 // 3])
    refused(ferry, scratch / "cut.db", DAMAGED, "cut.db")


def test_the_first_capture_of_a_bad_file_leaves_nothing_that_hinders(scratch):
    ferry = Ferry(scratch / "fresh")
    (scratch / "text.db").write_text("dear diary, " * 500)
    ferry.capture(scratch / "text.db", expect=DAMAGED)
    assert not list(ferry.repository.rglob("*.rf*")) if ferry.repository.exists() else True
    makedb.build(scratch / "source.db", 1, only=["lonely"])
    assert ferry.capture(scratch / "source.db").summary["snapshot"] == 1


def leaf_page(database, table):
    """(page size, number of the last leaf page of a table)"""
    db = makedb.connect(database)
    size = db.execute("PRAGMA page_size").fetchone()[0]
    root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    db.close()
    data = database.read_bytes()
    page = root
    while data[(page - 1) * size] in (2, 5):  # an inner page: its header ends with the last child
        start = (page - 1) * size
        page = int.from_bytes(data[start + 8:start + 12], "big")
    assert page != root, f"{table} is too small for this test"
    return size, page


@pytest.mark.parametrize("table", ["rowids", "keys"])
@pytest.mark.parametrize("damage", ["page type", "zeroed", "cell pointers"])
def test_a_corrupt_page_in_one_table(archive_only, scratch, table, damage):
    database = scratch / "source.db"
    db = makedb.connect(database)
    db.execute("CREATE TABLE before (a)")
    db.execute("CREATE TABLE rowids (a INTEGER PRIMARY KEY, b TEXT)")
    db.execute("CREATE TABLE keys (a TEXT PRIMARY KEY, b TEXT) WITHOUT ROWID")
    db.execute("BEGIN")
    for number in range(2000):
        db.execute("INSERT INTO rowids VALUES (?, ?)", (number, f"text {number}"))
        db.execute("INSERT INTO keys VALUES (?, ?)", (f"key {number}", f"text {number}"))
    db.execute("COMMIT")
    db.close()
    archive_only.capture(database)
    size, page = leaf_page(database, table)
    data = bytearray(database.read_bytes())
    start = (page - 1) * size
    if damage == "page type":
        data[start] = 0x77
    elif damage == "zeroed":
        data[start:start + size] = bytes(size)
    else:
        data[start + 8:start + 24] = b"\xff" * 16
    database.write_bytes(data)
    refused(archive_only, database, DAMAGED, table)


def test_another_source(travelled, scratch):
    """A repository is the history of one source."""
    ferry, _ = travelled
    other = scratch / "other.db"
    makedb.build(other, 1, only=["parent", "child"])
    result = refused(ferry, other, MISPLACED, "source")
    assert result.error["hint"]
    assert ferry.capture(other, "--same-source").summary["snapshot"] == 2


def test_another_application(archive_only, scratch):
    """The same table names, but SQLite's application_id says that another program writes it. An
    application that gives itself an id is still the same."""
    database = scratch / "source.db"
    makedb.build(database, 23, only=["lonely"])
    archive_only.capture(database)
    makedb.connect(database).execute("PRAGMA application_id = 66")
    archive_only.capture(database)
    makedb.connect(database).execute("PRAGMA application_id = 77")
    refused(archive_only, database, MISPLACED, "application_id")


def may_mount():
    tried = subprocess.run(["unshare", "--map-root-user", "-m", "true"], capture_output=True)
    return tried.returncode == 0


@pytest.mark.parametrize("room", [16, 200, 900])
def test_a_full_disk(ferry, scratch, room):
    """What is there when the disk is full stays whole, and with room the next run works."""
    database = scratch / "source.db"
    makedb.build(database, 22, only=ONLY)
    ferry.capture(database)
    grown = random.Random(22)
    db = makedb.connect(database)
    db.execute("BEGIN")
    for _ in range(4000):
        db.execute("INSERT INTO affinities (i2, b) VALUES (1, ?)", (grown.randbytes(500),))
    db.execute("COMMIT")
    db.close()
    before = published(ferry.repository)
    used = sum(path.stat().st_size // 1024 + 8 for path in ferry.repository.rglob("*"))
    if may_mount():
        # In a name space of its own the repository lies on a disk of that size; its files are
        # copied out again.
        small, out = scratch / "small", scratch / "out"
        small.mkdir()
        script = (f'mount -t tmpfs -o size={used + room}k none "$1" && '
                  'cp -a "$2/." "$1/" || exit 99; repo=$1 out=$3; shift 3; "$@"; code=$?; '
                  'cp -a "$repo/." "$out/"; exit $code')
        out.mkdir()
        inside = ["unshare", "--map-root-user", "-m", "sh", "-c", script, "sh", small,
                  ferry.repository, out]
        result = run("capture", "--json", "-r", small, database, prefix=inside)
        ferry.repository = out
    else:
        limit = f"trap '' XFSZ; ulimit -f {room * 2}; exec \"$@\""
        result = ferry.capture(database, expect=None, prefix=["bash", "-c", limit, "bash"])
    assert result.code == STORAGE, str(result)
    assert result.error["what"]
    assert published(ferry.repository) == before, "something was half-published"
    ferry.verify_repository()
    assert ferry.capture(database).summary["snapshot"] == 2
    tmp = ferry.repository / "tmp"
    assert not tmp.exists() or not os.listdir(tmp), "files of the failed run are still there"
    ferry.replay()
    assert_same(database, ferry.target)
