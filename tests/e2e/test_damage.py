"""A damaged repository: verify names the file, replay refuses before it touches the target."""

import random
import re
import shutil

import pytest

import makedb
from compare import assert_same
from program import DAMAGED, MISPLACED, OK, USAGE, Ferry, published

ONLY = ["affinities", "no_key", "without", "text_key", "large"]


@pytest.fixture
def chain(ferry, scratch):
    """Three snapshots, of which the target has the first."""
    database = scratch / "source.db"
    makedb.build(database, 31, only=ONLY)
    db = makedb.connect(database)  # some tables of several blocks
    db.execute("BEGIN")
    rng = random.Random(31)
    for _ in range(3000):
        db.execute("INSERT INTO affinities (i2, b) VALUES (2, ?)", (rng.randbytes(1200),))
    db.execute("COMMIT")
    db.close()
    ferry.capture(database)
    ferry.replay()
    ferry.copies = {1: keep_copy(database, scratch / "first.db")}
    ferry.first = ferry.copies[1]
    for day in range(2):
        before = set(archives(ferry))
        makedb.edit(database, f"31 {day}", only=ONLY, share=1)
        ferry.capture(database)
        ferry.of_third = {path.name for path in set(archives(ferry)) - before}
        ferry.copies[day + 2] = keep_copy(database, scratch / f"copy{day + 2}.db")
    ferry.database = database
    return ferry


def keep_copy(database, copy):
    """The database as it is now."""
    shutil.copy(database, copy)
    wal = database.with_name(database.name + "-wal")
    if wal.exists():
        shutil.copy(wal, copy.with_name(copy.name + "-wal"))
    return copy


def newer_archives(ferry):
    """Archives of the second and third snapshot, the ones that the target does not have yet."""
    shown = [ferry.command("show", "-s", n).of_type("table") for n in (1, 2, 3)]
    names = [{a["name"] for line in lines for a in line["archives"]} for lines in shown]
    return [path for path in archives(ferry)
            if any(path.name in name or path.stem in name for name in names[1] | names[2])
            and not any(path.name in name or path.stem in name for name in names[0])]


def archives(ferry):
    return sorted((ferry.repository / "archives").rglob("*.rfa"))


def manifests(ferry):
    return sorted((ferry.repository / "snapshots").rglob("*.rfm"))


def assert_found_and_refused(ferry, *paths, replay=(DAMAGED,)):
    """verify says where, with and without a target; replay leaves the target where it was."""
    before = published(ferry.repository)
    for verify in (ferry.verify_repository, ferry.verify):
        result = verify(expect=DAMAGED)
        named = " ".join(str(line) for line in result.of_type("damage"))
        for path in paths:
            assert path.name in named, f"{path.name} is not named\n{result}"
    result = ferry.replay(expect=replay)
    assert any(path.name in str(result.error) + result.err for path in paths), str(result)
    assert ferry.target.stands_at() == 1
    assert_same(ferry.first, ferry.target)
    assert published(ferry.repository) == before, "verify or replay changed the repository"


def damage(path, how, rng):
    data = bytearray(path.read_bytes())
    if how == "cut by a byte":
        data = data[:-1]
    elif how == "cut in half":
        data = data[:len(data) // 2]
    elif how == "emptied":
        data = b""
    elif how == "a byte flipped":
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif how == "a byte more":
        data += b"\0"
    elif how == "a piece repeated":
        middle = len(data) // 2
        data[middle:middle] = data[middle - 64:middle]
    elif how == "zeroed in the middle":
        data[len(data) // 2:len(data) // 2 + 32] = bytes(32)
    elif how == "removed":
        path.unlink()
        return
    path.chmod(0o644)
    path.write_bytes(data)


def assert_passed_over(ferry, *paths):
    """Files that are not there, or not of their size, are what a copy under way looks like: verify
    names them, and replay brings the target to the newest snapshot that is whole."""
    whole = 2 if ferry.of_third.issuperset(path.name for path in paths) else 1
    before = published(ferry.repository)
    result = ferry.verify_repository(expect=DAMAGED)
    named = " ".join(line["file"] for line in result.of_type("damage"))
    assert all(path.name in named for path in paths), str(result)
    result = ferry.replay(expect=OK)
    for path in paths:
        assert path.name in result.err and path.name in str(result.summary["in_part"]), str(result)
    assert ferry.target.stands_at() == whole
    assert_same(ferry.copies[whole], ferry.target)
    ferry.command("show", "-s", 3, expect=DAMAGED)
    assert published(ferry.repository) == before


RESIZED = ["cut by a byte", "cut in half", "emptied", "a byte more", "a piece repeated", "removed"]
HOW = [*RESIZED, "a byte flipped", "zeroed in the middle"]


@pytest.mark.parametrize("how", HOW)
def test_an_archive(chain, how):
    rng = random.Random(how)
    path = rng.choice(newer_archives(chain))
    damage(path, how, rng)
    if how in RESIZED:
        assert_passed_over(chain, path)
    else:
        assert_found_and_refused(chain, path)


@pytest.mark.parametrize("how", HOW)
def test_a_manifest(chain, how):
    rng = random.Random(how)
    path = manifests(chain)[1]
    damage(path, how, rng)
    if how == "removed":  # there is no file to be named, but the number of the gap
        result = chain.verify_repository(expect=DAMAGED)
        assert "2" in " ".join(line["message"] for line in result.of_type("damage")), str(result)
        chain.replay(expect=(DAMAGED, MISPLACED))
        assert_same(chain.first, chain.target)
    else:
        assert_found_and_refused(chain, path)


def test_two_archives_swapped(chain):
    a, b = newer_archives(chain)[:2]
    a_bytes, b_bytes = a.read_bytes(), b.read_bytes()
    a.chmod(0o644), b.chmod(0o644)
    a.write_bytes(b_bytes)
    b.write_bytes(a_bytes)
    assert_passed_over(chain, a, b)


def test_an_archive_of_another_repository(chain, scratch):
    other = Ferry(scratch / "other")
    other.capture(chain.database)
    path = newer_archives(chain)[0]
    path.chmod(0o644)
    path.write_bytes(archives(other)[0].read_bytes())
    assert_passed_over(chain, path)


def test_a_flipped_block_is_named_by_number(chain):
    """The largest archive has several blocks; the damage is in one of the last."""
    path = max(archives(chain), key=lambda p: p.stat().st_size)
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 4
    path.chmod(0o644)
    path.write_bytes(data)
    result = chain.verify_repository(expect=DAMAGED)
    blocks = [line["block"] for line in result.of_type("damage") if path.name in line["file"]]
    assert any(block is not None and block > 0 for block in blocks), str(result)


def test_everything_damaged_is_named(chain):
    """verify does not stop at the first."""
    hurt = newer_archives(chain)[:3]
    for path in hurt:
        damage(path, "a byte flipped", random.Random(path.name))
    result = chain.verify_repository(expect=DAMAGED)
    named = " ".join(line["file"] for line in result.of_type("damage"))
    assert all(path.name in named for path in hurt), str(result)


def test_damage_in_what_the_target_needs_for_its_first_load(chain, server):
    path = max(archives(chain), key=lambda p: p.stat().st_size)
    damage(path, "zeroed in the middle", random.Random(1))
    chain.target = server.create()
    chain.replay(expect=DAMAGED)
    assert chain.target.tables() == [], "tables can be seen that were never filled"
    chain.target.drop()


def test_capture_upon_damage(chain):
    """A capture does not build on an archive that is gone, or says so; it never publishes a wrong
    one."""
    damage(newer_archives(chain)[0], "removed", random.Random(1))
    shutil.rmtree(chain.repository / "index")
    makedb.edit(chain.database, "31 more", only=ONLY, share=1)
    before = published(chain.repository)
    result = chain.capture(chain.database, expect=None)
    if result.code != 0:
        assert result.code == DAMAGED, str(result)
        assert published(chain.repository) == before
    else:
        chain.verify_repository(expect=DAMAGED)


def test_no_repository(ferry, scratch):
    for command in ("replay", "verify"):
        result = ferry.command(command, target=True, expect=USAGE)
        assert str(ferry.repository) in str(result.error) and result.error["hint"]
    for command in ("log", "show", "status"):
        ferry.command(command, expect=USAGE)
    assert not ferry.repository.exists()


def test_a_folder_that_is_no_repository(ferry, scratch):
    """capture fills an empty folder, but not one with something else in it."""
    ferry.repository.mkdir()
    (ferry.repository / "letter.txt").write_text("dear")
    makedb.build(scratch / "source.db", 1, only=["lonely"])
    result = ferry.capture(scratch / "source.db", expect=USAGE)
    assert "repository" in str(result.error)
    assert [p.name for p in ferry.repository.iterdir()] == ["letter.txt"]
    (ferry.repository / "letter.txt").unlink()
    ferry.capture(scratch / "source.db")


def test_a_newer_format(chain):
    """The file `repository` says which format; a later one is refused by everything, before
    anything."""
    path = chain.repository / "repository"
    path.chmod(0o644)
    path.write_bytes(re.sub(rb"format \d+", b"format 99", path.read_bytes()))
    before = published(chain.repository)
    for result in (chain.capture(chain.database, expect=MISPLACED), chain.replay(expect=MISPLACED),
                   chain.verify_repository(expect=MISPLACED),
                   chain.command("log", expect=MISPLACED)):
        assert "format version 99" in str(result.error), str(result)
    assert published(chain.repository) == before
    assert_same(chain.first, chain.target)
