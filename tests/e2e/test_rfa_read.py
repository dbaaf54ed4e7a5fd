"""The second reader: tools/rfa-read, against golden files, damage, and captures.

The *.expected files in tests/golden were read through by people against the literals in
tests/unit/format/golden.c. What both readers, and SQLite itself, say alike is what SPEC.md says.
"""

import json
import shutil
import sqlite3
import struct
import subprocess
import sys

import pytest

import makedb
from program import DAMAGED, OK, ROOT, STORAGE, USAGE

sys.path.insert(0, str(ROOT / "tools"))

import rfa_reader as rfa  # noqa: E402

SCRIPT = ROOT / "tools" / "rfa-read"
GOLDEN = ROOT / "tests" / "golden"
EXPECTED = sorted(GOLDEN.glob("*.expected"))


def run(*args):
    result = subprocess.run([SCRIPT, *args], capture_output=True)
    result.stdout, result.stderr = result.stdout.decode(), result.stderr.decode()
    assert "Traceback" not in result.stderr, result.stderr
    return result


def golden(name):
    return (GOLDEN / name).read_bytes()


def read_all(data):
    return list(rfa.Archive(data, "it.rfa").blocks())


def assert_damaged(data, what):
    with pytest.raises(rfa.Damage) as caught:
        read_all(data)
    message = str(caught.value)
    assert message.startswith("it.rfa: ") and "offset " in message, f"{what}: {message}"
    return message


# The golden files

def test_every_golden_file_is_expected_to_be_something():
    names = {path.stem for path in EXPECTED}
    assert {path.stem for path in GOLDEN.iterdir() if path.suffix in (".rfa", ".rfm")} <= names
    assert len(names) >= 16


@pytest.mark.parametrize("name", [p.stem for p in EXPECTED if not p.stem.endswith("-state")])
def test_golden_file(name):
    archive = GOLDEN / f"{name}.rfa"
    result = run(archive if archive.exists() else GOLDEN / f"{name}.rfm")
    assert (result.returncode, result.stderr) == (OK, "")
    assert result.stdout == (GOLDEN / f"{name}.expected").read_text(encoding="utf-8")


@pytest.fixture
def repository(tmp_path):
    """What the golden manifest describes, as a repository."""
    manifest = rfa.Manifest(golden("snapshot.rfm"))
    for folder in ("archives", "snapshots"):
        (tmp_path / folder).mkdir()
    about = f"rowferry repository\nformat 3\nsource {rfa.uuid_text(manifest.source)}\n".encode()
    (tmp_path / "repository").write_bytes(about + f"check {rfa.xxh64(about):016x}\n".encode())
    name = f"0000000002-{rfa.hash_text(rfa.xxh128(golden('snapshot.rfm')))}.rfm"
    (tmp_path / "snapshots" / name).write_bytes(golden("snapshot.rfm"))
    files = {rfa.xxh128(path.read_bytes()): path for path in GOLDEN.glob("*.rfa")}
    for table in manifest.tables:
        for reference in table.state:
            shutil.copy(files[reference.digest], tmp_path / "archives" / reference.name)
    return tmp_path


@pytest.mark.parametrize("name", [p.stem for p in EXPECTED if p.stem.endswith("-state")])
def test_golden_state(repository, name):
    result = run("--state", repository, "2", name.removesuffix("-state"))
    assert (result.returncode, result.stderr) == (OK, "")
    assert result.stdout == (GOLDEN / f"{name}.expected").read_text(encoding="utf-8")


def test_a_state_without_deltas_is_its_full_archive(repository):
    for name in ("Classes é", "numbers", "empty", "東京"):
        assert run("--check", "--state", repository, "latest", name).returncode == OK
    table, rows, _ = rfa.read_state(repository, "latest", "numbers")
    assert [row.key for row in rows] == [100, 200, 300, 400, 500] and len(table.columns) == 12


def test_json_is_one_object_a_line():
    lines = [json.loads(line) for line in run("--json", GOLDEN / "classes.rfa").stdout.splitlines()]
    assert [line["type"] for line in lines] == ["archive", "block"] + ["row"] * 8 + ["total"]
    assert lines[2]["key"] == "-9223372036854775808"
    assert lines[2]["cells"][:3] == [["null"], ["integer", "-9223372036854775808"],
                                     ["real", "8000000000000000", "-0.0"]]
    assert lines[6]["cells"][3] == ["text", {"hex": "eda080"}]
    line, = run("--json", GOLDEN / "snapshot.rfm").stdout.splitlines()
    assert json.loads(line)["user_version"] == -3


def test_number_streams_are_what_the_golden_columns_are_named_after():
    """Steps of 8 bytes are never written, but may be read: golden files cannot have them."""
    forms = []
    read_numbers = rfa.read_numbers
    rfa.read_numbers = lambda cursor, count: (forms.append(cursor.data[cursor.at]),
                                              read_numbers(cursor, count))[1]
    try:
        read_all(golden("numbers.rfa"))
    finally:
        rfa.read_numbers = read_numbers
    assert forms == [0x10, 0x00, 0x10, 0x01, 0x11, 0x02, 0x12, 0x04, 0x14, 0x08, 0x11, 0x00]
    raw = bytes([0x18]) + struct.pack("<qq", 5, -1) + b"\x01\x00" + b"\0\0" * 6 + b"\0\x80"
    assert rfa.signed(rfa.read_numbers(rfa.Cursor(raw), 3)) == [5, 5, 4 - 2**63]


@pytest.mark.parametrize("form", [0x03, 0x05, 0x09, 0x0f, 0x20, 0x41, 0x80])
def test_forms_of_number_streams_that_there_are_not(form):
    with pytest.raises(rfa.Damage):
        rfa.read_numbers(rfa.Cursor(bytes([form]) + bytes(100)), 2)


# Damage

def test_every_flipped_bit_and_byte():
    data = golden("single.rfa")
    for place in range(len(data)):
        for flip in (*(1 << bit for bit in range(8)), 0xff):
            damaged = bytearray(data)
            damaged[place] ^= flip
            assert_damaged(bytes(damaged), f"byte {place} ^ {flip:#x}")


@pytest.mark.parametrize("name", ["alias-delta", "keyed-delta", "place-delta", "without",
                                  "classes"])
def test_every_flipped_byte_of_the_others(name):
    data = golden(f"{name}.rfa")
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        assert_damaged(bytes(damaged), f"byte {place}")


def test_every_length():
    data = golden("single.rfa")
    for size in range(len(data)):
        assert_damaged(data[:size], f"cut at {size}")
    for more in (b"\0", data[-1:], data[-32:], data):
        assert_damaged(data + more, "something behind it")
    assert_damaged(data[1:], "the first byte missing")


def test_every_byte_and_length_of_a_manifest():
    data = golden("snapshot.rfm")
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(rfa.Damage):
            rfa.Manifest(bytes(damaged), "it.rfm")
        with pytest.raises(rfa.Damage):
            rfa.Manifest(data[:place], "it.rfm")
    with pytest.raises(rfa.Damage):
        rfa.Manifest(data + b"\0", "it.rfm")


class Forged:
    """An archive taken apart, to be put together otherwise, with a footer that fits."""

    def __init__(self, data):
        archive = rfa.Archive(data)
        self.head, self.seed = data[:archive.start], archive.seed
        self.digests = b"".join(digest.sum.to_bytes(16, "little") + struct.pack("<Q", digest.rows)
                                for digest in (archive.before, archive.after))
        self.blocks = [(data[entry[4]:entry[4] + entry[3]], entry) for entry in archive.entries]

    def join(self, order):
        body, entries, at = b"", b"", len(self.head)
        for number in order:
            block, entry = self.blocks[number]
            body += block
            entries += struct.pack("<IIIIQQqq", *entry[:4], at, *entry[5:])
            at += len(block)
        footer = b"RFFT" + struct.pack("<I", len(order)) + self.digests + entries
        trailer = struct.pack("<QQQ", at, len(footer), rfa.xxh64(footer, self.seed))
        return self.head + body + footer + trailer + b"RFEND\r\n\x1a"


def test_blocks_swapped_repeated_left_out_and_of_another_file():
    whole = Forged(golden("alias.rfa"))
    assert whole.join([0, 1, 2]) == golden("alias.rfa")
    for order in ([1, 0, 2], [0, 0, 2], [0, 1, 1], [1, 2], [2], [0, 1, 2, 2]):
        assert "checksum" in assert_damaged(whole.join(order), f"blocks {order}")
    other = Forged(golden("keyed.rfa"))
    other.blocks[0] = whole.blocks[0]
    assert "checksum" in assert_damaged(other.join([0]), "a block of another archive")
    assert "digest" in assert_damaged(whole.join([0, 1]), "without the last block")


def test_the_program_tells_where(tmp_path):
    data = bytearray(golden("alias.rfa"))
    archive = rfa.Archive(bytes(data))
    data[archive.offsets[1] + 40] ^= 1
    bad = tmp_path / "bad.rfa"
    bad.write_bytes(data)
    for options in ((), ("--check",), ("--json",)):
        result = run(*options, bad)
        assert result.returncode == DAMAGED
        assert f"{bad}: block 1 at offset {archive.offsets[1]}: " in result.stderr
    assert run("--check", bad).stdout == ""
    result = run("--check", GOLDEN / "alias.rfa", bad, GOLDEN / "keyed.rfa")
    assert result.returncode == DAMAGED and len(result.stderr.splitlines()) == 1


def test_a_name_holds_a_digest(tmp_path):
    digest = rfa.hash_text(rfa.xxh128(golden("single.rfa")))
    right, wrong = tmp_path / f"table-{digest}.rfa", tmp_path / f"table-{digest[::-1]}.rfa"
    for path in (right, wrong):
        path.write_bytes(golden("single.rfa"))
    assert run("--check", right).returncode == OK
    assert "digest" in run("--check", wrong).stderr and run("--check", wrong).returncode == DAMAGED


@pytest.mark.parametrize("what, data", [
    ("empty", b""), ("text", b"hello\n" * 50), ("magic alone", b"RFARCHIV"),
    ("manifest alone", b"RFMANIFS"),
    ("huge header", b"RFARCHIV" + struct.pack("<II", 1, 2**32 - 1) + bytes(100)),
    ("another version", b"RFARCHIV" + struct.pack("<II", 3, 4) + bytes(100))])
def test_files_that_are_none(tmp_path, what, data):
    path = tmp_path / "it.rfa"
    path.write_bytes(data)
    result = run(path)
    assert result.returncode == DAMAGED and str(path) in result.stderr, what


def test_wrong_use(tmp_path, repository):
    assert run(tmp_path / "none.rfa").returncode == STORAGE
    assert run(tmp_path).returncode == STORAGE
    assert run().returncode == USAGE
    assert run("--state", repository, "1", "alias").returncode == USAGE
    assert run("--state", repository, "2", "none").returncode == USAGE
    assert run("--state", tmp_path / "none", "2", "alias").returncode == STORAGE


def test_a_damaged_repository(repository):
    def state(table="keyed"):
        return run("--check", "--state", repository, "2", table)

    delta, = (path for path in (repository / "archives").glob("keyed-*")
              if rfa.Archive(path.read_bytes()).kind == rfa.DELTA)
    data = delta.read_bytes()
    other = next((repository / "archives").glob("place-*")).read_bytes()
    for damaged in (data[:-1], data[:60] + b"?" + data[61:], other):
        delta.write_bytes(damaged)
        assert state().returncode == DAMAGED and delta.name in state().stderr
    delta.unlink()
    assert state().returncode == STORAGE
    assert state("place").returncode == OK
    about = (repository / "repository").read_bytes()
    (repository / "repository").write_bytes(about.replace(b"8", b"9", 1))
    assert state("place").returncode == DAMAGED


# Captures, against SQLite itself

def value_of(kind, value):
    number = rfa.CLASSES.index(kind.decode())
    return rfa.Cell(number, struct.pack("<d", value) if number == rfa.REAL else value)


def with_bits(cells):
    """-0.0 and 0.0 are equal in Python, and differ in an archive."""
    return tuple(rfa.Cell(kind, struct.pack("<d", value) if kind == rfa.REAL else value)
                 for kind, value in cells)


def rows_of_sqlite(db, table):
    """(rowid or None, cells) of every row, in any order."""
    names = [makedb.quote(name.decode()) for name in table.columns]
    taken = {name.decode().lower() for name in table.columns}
    rowid = next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)
    first = rowid if table.key == rfa.BY_ROWID else "NULL"
    wanted = ", ".join(f"typeof({name}), {name}" for name in names)
    for row in db.execute(f"SELECT {first}, {wanted} FROM {makedb.quote(table.name.decode())}"):
        yield row[0], tuple(value_of(*row[i:i + 2]) for i in range(1, len(row), 2))


def assert_state_is(repository, snapshot, database):
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    db.text_factory = bytes
    _, path = rfa.find_manifest(repository, str(snapshot))
    manifest = rfa.Manifest(path.read_bytes(), str(path))
    assert manifest.tables
    for described in manifest.tables:
        name = described.description.name.decode()
        table, rows, _ = rfa.read_state(repository, str(snapshot), name)
        by_rowid = table.key == rfa.BY_ROWID
        found = [(row.key if by_rowid else None, with_bits(row.cells)) for row in rows]
        source = list(rows_of_sqlite(db, table))
        assert len(found) == len(source), f"{name} at {snapshot}"
        if by_rowid or table.key == rfa.BY_PLACE:
            source.sort(key=lambda row: row[0] or 0)  # places: the order of the scan, as it came
            assert found == source, f"{name} at {snapshot}"
        else:
            assert sorted(map(repr, found)) == sorted(map(repr, source)), f"{name} at {snapshot}"
    return len(manifest.tables)


@pytest.mark.parametrize("seed, misfits", [(1, False), (2, True)], ids=["clean", "misfits"])
def test_captures_are_what_sqlite_says(archive_only, scratch, seed, misfits):
    """Several trips; every snapshot, merged from its chain, is the database of that day."""
    database = scratch / "source.db"
    makedb.build(database, seed, misfits)
    days = []
    for day in range(5):
        number = archive_only.capture(database).summary["snapshot"]
        copy = scratch / f"{day}.db"
        with sqlite3.connect(database) as source, sqlite3.connect(copy) as target:
            source.backup(target)
        days.append((number, copy))
        if day == 2:
            makedb.connect(database).execute("VACUUM")
        else:
            makedb.edit(database, f"{seed} {day}", misfits)
    for number, copy in days:
        assert assert_state_is(archive_only.repository, number, copy) > 10
    files = [p for p in archive_only.repository.rglob("*") if p.suffix in (".rfa", ".rfm")]
    assert len(files) > 20
    assert run("--check", *files).returncode == OK
