"""A repository that has been copied in part: file by file in the orders that programs copy in, with
files cut short, and with what such programs leave lying about."""

import random
import shutil

import pytest

import makedb
from copies import judge, lacking, manifest_names, rows_in, rows_of
from program import DAMAGED, OK, USAGE, Ferry, published
from trips import run_sql

FOLDERS = ("archives", "snapshots")


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Four snapshots: a table that changes every time, one that never does, one that comes late;
    and a snapshot whose archives are all its parent's."""
    folder = tmp_path_factory.mktemp("history")
    database = folder / "source.db"
    ferry = Ferry(folder / "repo")
    steps = [("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE still (a)",
              "INSERT INTO still VALUES (1)", "INSERT INTO t VALUES (1, 'one'), (2, 'two')"),
             ("UPDATE t SET v = 'deux' WHERE id = 2", "CREATE TABLE late (a)",
              "INSERT INTO late VALUES (x'00ff')"),
             ("CREATE INDEX i ON t (v)",),
             ("DELETE FROM t WHERE id = 1", "INSERT INTO t VALUES (3, 'three')")]
    ferry.rows = {}
    for number, statements in enumerate(steps, 1):
        run_sql(database, statements)
        assert ferry.capture(database).summary["snapshot"] == number
        ferry.rows[number] = rows_of(database, "t")
    ferry.database = database
    return ferry


def files_of(repository):
    names = ["repository"] + [f"{folder}/{path.name}" for folder in FOLDERS
                              for path in (repository / folder).iterdir()]
    return sorted(names)


def orders(repository):
    """As rsync and cp -a go, backwards, manifests first, as object stores answer, and at random."""
    names = files_of(repository)
    yield "by name", names
    yield "backwards", names[::-1]
    yield "manifests first", sorted(names, key=lambda name: (name[0] != "r", name[0] != "s"))
    mixed = names[:]
    random.Random(3).shuffle(mixed)
    yield "at random", mixed


def arrive(source, copy, name, share=1.0):
    """A file, or its beginning, under its own name."""
    data = (source / name).read_bytes()
    (copy / name).parent.mkdir(exist_ok=True, parents=True)
    (copy / name).write_bytes(data[:int(len(data) * share)])


@pytest.mark.parametrize("order", range(4))
def test_file_by_file(history, scratch, order):
    what, names = list(orders(history.repository))[order]
    copy = scratch / "copy"
    print(what)
    copy.mkdir()
    for place, name in enumerate(names):
        if place % 2 == 0:
            arrive(history.repository, copy, name, (0, 0.5, 0.99)[place % 3])
            judge(copy)
        arrive(history.repository, copy, name)
        whole = judge(copy)
        restored = scratch / f"restored{place}.db"
        result = Ferry(copy).command("restore", "-o", restored, expect=OK if whole else None)
        if whole:
            assert rows_of(restored, "t") == rows_in(copy, whole, "t") == history.rows[whole]
            assert result.summary.get("in_part", {}).get("snapshot", whole) == max(lacking(copy))
        else:
            assert result.code in (USAGE, DAMAGED) and not restored.exists(), str(result)
    assert judge(copy) == 4


@pytest.mark.parametrize("order", range(4))
def test_capture_writes_nothing_into_it(history, scratch, order):
    """Unless it cannot be told from one that is complete: an older one, or one just made."""
    _, names = list(orders(history.repository))[order]
    copy = scratch / "copy"
    for name in names[:-1]:
        arrive(history.repository, copy, name)
        lack = lacking(copy)
        here = {path.name for path in copy.iterdir()}
        if here == {"repository"} or "repository" in here and lack and not lack[max(lack)]:
            continue
        before = published(copy)
        result = Ferry(copy).capture(history.database, expect=DAMAGED)
        assert "in part" in result.error["what"] and "copy" in result.error["hint"], str(result)
        assert published(copy) == before
    arrive(history.repository, copy, names[-1])
    assert Ferry(copy).capture(history.database).summary["published"] is False


def test_a_copy_with_what_its_writer_had_under_way(history, scratch):
    """A file in tmp/ says that a writer died; what arrived is not swept away for it."""
    copy = scratch / "copy"
    names = files_of(history.repository)
    archives = [name for name in names if name.startswith("archives/")]
    (copy / "tmp").mkdir(parents=True)
    for name in set(names) - {archives[-1]}:
        arrive(history.repository, copy, name)
    (copy / "tmp" / "settling").touch()
    newer = copy / "archives" / ("newer-" + "0" * 32 + ".rfa")
    newer.touch()
    before = published(copy)
    assert any(lacking(copy).values())
    if lacking(copy)[4]:
        Ferry(copy).capture(history.database, expect=DAMAGED)
        assert published(copy) == before
    arrive(history.repository, copy, archives[-1])
    (copy / "tmp" / "settling").touch()
    Ferry(copy).capture(history.database)
    assert not newer.exists() and not any((copy / "tmp").iterdir())


def test_what_programs_leave_behind_is_nothing(history, scratch):
    """rsync's and rclone's files under way and their folders, editors' and people's files."""
    copy = scratch / "copy"
    shutil.copytree(history.repository, copy)
    manifest = manifest_names(copy)[4]
    archive = next((copy / "archives").iterdir()).name
    for folder, name in (("archives", archive), ("snapshots", manifest)):
        for left in (f".{name}.x8fQ2a", f"{name}.partial", f"{name}.a1b2c3d4.partial", f"{name}~",
                     ".~tmp~", ".DS_Store", "note.txt", f"copy of {name}"):
            (copy / folder / left).write_bytes(b"half")
        (copy / folder / ".rsync-partial").mkdir()
        (copy / folder / ".rsync-partial" / name).write_bytes(b"half")
    (copy / ".repository.Xy12Zz").write_bytes(b"rowferry repo")
    assert judge(copy) == 4
    assert Ferry(copy).command("log", expect=OK).summary["snapshots"] == 4
    makedb_database = scratch / "source.db"
    shutil.copy(history.database, makedb_database)
    run_sql(makedb_database, ["INSERT INTO t VALUES (9, 'nine')"])
    (copy / "tmp" / "settling").touch()  # and the sweep leaves them alone
    assert Ferry(copy).capture(makedb_database).summary["snapshot"] == 5
    assert (copy / "archives" / f".{archive}.x8fQ2a").exists()
    assert judge(copy) == 5


def test_nothing_that_came(scratch):
    """An empty folder is no repository, and not half of one."""
    (scratch / "copy").mkdir()
    for folder in (None, *FOLDERS):
        if folder:
            (scratch / "copy" / folder).mkdir()
        for command in ("log", "show", "status"):
            result = Ferry(scratch / "copy").command(command, expect=USAGE)
            assert "no repository" in result.error["what"], str(result)


@pytest.mark.parametrize("share", [0, 0.3, 0.7, 0.99])
def test_half_of_the_file_that_says_what_it_is(history, scratch, share):
    copy = scratch / "copy"
    shutil.copytree(history.repository, copy)
    arrive(history.repository, copy, "repository", share)
    before = published(copy)
    for result in (Ferry(copy).command("log", expect=DAMAGED),
                   Ferry(copy).command("show", expect=DAMAGED),
                   Ferry(copy).capture(history.database, expect=DAMAGED)):
        assert "repository" in result.error["what"] and "copy" in result.error["hint"], str(result)
    assert published(copy) == before
    arrive(history.repository, copy, "repository")
    assert judge(copy) == 4


def test_two_histories_in_one_folder(history, scratch):
    """A copy that was captured into, and copied into once more."""
    copy = scratch / "copy"
    shutil.copytree(history.repository, copy)
    newest = manifest_names(copy).pop(4)
    (copy / "snapshots" / newest).unlink()
    Ferry(copy).capture(history.database)
    arrive(history.repository, copy, f"snapshots/{newest}")
    result = Ferry(copy).command("log", expect=DAMAGED)
    assert "two snapshots of number 4" in result.error["what"], str(result)


def test_replay_goes_as_far_as_it_can(history, scratch, target):
    """The target stays at a whole snapshot, and is brought on when the rest has come."""
    copy = Ferry(scratch / "copy", target)
    names = files_of(history.repository)
    manifests = [f"snapshots/{name}" for _, name in sorted(manifest_names(history.repository)
                                                           .items())]
    for name in ["repository", *manifests]:
        arrive(history.repository, copy.repository, name)
    copy.replay(expect=DAMAGED)
    copy.command("sync", history.database, target=True, expect=DAMAGED)
    for number in range(1, 5):
        copy.replay("-s", number, expect=DAMAGED)
    assert target.tables() == []
    stood = None
    for name in names:
        arrive(history.repository, copy.repository, name)
        whole = judge(copy.repository)
        if whole and whole != stood:
            result = copy.replay(expect=OK)
            stood = target.stands_at()
            assert stood == whole, str(result)
            assert [[str(value) for value in row] for row in history.rows[whole]] == \
                target.rows("SELECT * FROM t ORDER BY id")
    assert stood == 4
    with_options = copy.replay("-q", expect=OK)
    assert not with_options.err


def test_people_are_told_once(history, scratch):
    """One warning, on standard error, and none with -q."""
    copy = scratch / "copy"
    shutil.copytree(history.repository, copy)
    path = copy / "snapshots" / manifest_names(copy)[4]
    path.write_bytes(path.read_bytes()[:100])
    result = Ferry(copy).command("show", expect=OK)
    assert result.err.count("warning") == 1 and "snapshot 4 came in part" in result.err
    assert "its manifest" in result.err and path.name in result.err
    assert not Ferry(copy).command("show", "-q", expect=OK).err


def test_a_seeded_database_of_every_kind(scratch):
    """Many tables and archives: everything that is missing is counted, some of it named."""
    database, ferry = scratch / "source.db", Ferry(scratch / "repo")
    makedb.build(database, 5)
    ferry.capture(database)
    makedb.edit(database, "5 0", share=1)
    ferry.capture(database)
    new = lacking(ferry.repository)
    assert new == {1: set(), 2: set()}
    gone = sorted((ferry.repository / "archives").iterdir())[::2]
    for path in gone:
        path.unlink()
    result = ferry.command("show", expect=DAMAGED)
    lack = lacking(ferry.repository)[2]
    assert f"{len(lack)} are missing" in result.error["what"] and " more" in result.error["detail"]
    judge(ferry.repository)
