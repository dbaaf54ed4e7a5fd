#!/usr/bin/python3
"""Makes the files in corpus/ that a fuzzer starts from, out of tests/golden.

To be run again when the format changes; what was found since (found-*) stays as it is."""

import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
sys.path.insert(0, str(HERE.parents[1] / "tools"))
sys.dont_write_bytecode = True

import rfa_reader as reader  # noqa: E402

HASH, DIGEST, SHA256, SOURCE = 16, 24, 32, 16


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def u16(number):
    return struct.pack("<H", number)


def string(text):
    return struct.pack("<I", len(text)) + text.encode()


def description(data):
    """The table description in an archive's header."""
    size = struct.unpack_from("<I", data, 12)[0]
    return data[16 + 2 + SOURCE + 8:16 + size]


def plain_archive(data):
    """As fuzz_chain takes it: gone form, then the blocks without their frames."""
    footer, _ = struct.unpack_from("<QQ", data, len(data) - reader.TRAILER)
    count = struct.unpack_from("<I", data, footer + 4)[0]
    out = bytes([data[17], count])
    for entry in range(footer + reader.FOOTER, footer + reader.FOOTER + count * reader.ENTRY,
                       reader.ENTRY):
        kind, rows, raw_size, size, offset = struct.unpack_from("<IIIIQ", data, entry)
        raw = reader.decompress(data[offset + reader.BLOCK:offset + size], raw_size)
        out += bytes([kind - reader.ROWS]) + u16(rows) + data[entry + 32:entry + 48]
        out += u16(raw_size) + raw
    return out


def chain(*names):
    files = [(GOLDEN / f"{name}.rfa").read_bytes() for name in names]
    head = description(files[0])
    return u16(len(head)) + head + b"".join(map(plain_archive, files))


def reference(kind):
    digest = bytes(range(HASH))
    text = reader.hash_text(int.from_bytes(digest, "little"))
    return (string(f"table-{text}.rfa") + bytes([kind]) + digest + struct.pack("<Q", 400)
            + bytes(SHA256))


def fold():
    """Of two tables: one with a delta and a state of two archives, one unchanged."""
    counts = struct.pack("<4Q", 1, 2, 3, 4)
    changed = (b"\x01" + counts + reference(reader.DELTA) + struct.pack("<I", 2)
               + reference(reader.FULL) + reference(reader.DELTA))
    unchanged = b"\x00" + bytes(32) + struct.pack("<I", 1) + reference(reader.FULL)
    return (struct.pack("<Q", 7) + bytes(HASH + SHA256 + SOURCE) + struct.pack("<QQ", 1, 3)
            + bytes(HASH + SHA256) + struct.pack("<I", 2) + changed + unchanged)


def envelope(magic, body):
    """As fuzz_envelope wraps a small body."""
    frame = struct.pack("<IBI", 0xfd2fb528, 0xa0, len(body))
    frame += struct.pack("<I", len(body) << 3 | 1)[:3] + body
    file = magic + struct.pack("<III", reader.VERSION, len(body), len(frame)) + frame + b"\0"
    return file + struct.pack("<Q", reader.xxh64(file))


def record(kind, data):
    return bytes([kind]) + u16(len(data)) + data


def first_manifest(data):
    """The golden snapshot as if it were the first: its body, and the archives that it needs."""
    body_size, frame_size = struct.unpack_from("<II", data, 12)
    body = reader.decompress(data[reader.ENVELOPE:reader.ENVELOPE + frame_size], body_size)
    source = (GOLDEN / "alias.rfa").read_bytes()[18:18 + SOURCE]
    body = struct.pack("<QQ", 1, 0) + bytes(HASH + SHA256) + source + body[64 + SOURCE:]
    files = {reader.xxh128(path.read_bytes()): path.read_bytes() for path in GOLDEN.glob("*.rfa")}
    manifest = reader.Manifest(envelope(b"RFMANIFS", body))
    needed = {one.digest for table in manifest.tables
              for one in [*table.state, *([table.delta] if table.delta else [])]}
    return body, manifest, [files[digest] for digest in sorted(needed)]


def whole_fold(body, manifest):
    file = envelope(b"RFMANIFS", body)
    out = struct.pack("<Q", 1) + reader.xxh128(file).to_bytes(HASH, "little") + manifest.sha256
    out += manifest.source + struct.pack("<QQ", 1, 0) + bytes(HASH + SHA256)
    out += struct.pack("<I", len(manifest.tables))
    for table in manifest.tables:
        out += struct.pack("<B4QI", 2, table.rows, 0, 0, 0, len(table.state))
        for one in table.state:
            out += string(one.name) + bytes([one.kind]) + one.digest.to_bytes(HASH, "little")
            out += struct.pack("<Q", one.size) + one.sha256
    return out


def stream(*folds):
    body, manifest, archives = first_manifest((GOLDEN / "snapshot.rfm").read_bytes())
    return b"\0" + record(1, body) + b"".join(
        record(2, fold(body, manifest)) for fold in folds) + b"".join(
        record(3, archive) for archive in archives)


def repository(*names):
    about = (f"rowferry repository\nformat {reader.VERSION}\n"
             "source 8f14e45f-ceea-467f-a9f3-5d1f0c1f9a3b\n").encode()
    return u16(len(about)) + about + b"".join(bytes([len(name)]) + name.encode() for name in names)


def main():
    for name in ("alias", "alias-delta", "classes", "numbers", "place-delta", "without-delta",
                 "single", "empty"):
        write("archive", name, (GOLDEN / f"{name}.rfa").read_bytes())
    for name in ("alias", "keyed", "place", "without"):
        write("chain", name, chain(name, f"{name}-delta"))
    write("chain", "classes", chain("classes"))
    manifest = (GOLDEN / "snapshot.rfm").read_bytes()
    body_size, frame_size = struct.unpack_from("<II", manifest, 12)
    frame = manifest[reader.ENVELOPE:reader.ENVELOPE + frame_size]
    write("manifest", "file", manifest)
    write("manifest", "body", reader.decompress(frame, body_size))
    write("fold", "body", fold())
    write("stream", "first", stream())
    write("stream", "folded", stream(whole_fold))
    digest, other = "0123456789abcdef" * 2, "fedcba9876543210" * 2
    write("repository", "empty", repository())
    write("repository", "names", repository(
        f"0000000001-{digest}.rfm", f"0000000002-{other}.rfm", f"12345678901-{digest}.rfm",
        f"0000000002-{other}-000001-{digest}.rff", f"0000000002-{other}-000002-{other}.rff",
        "notes.txt", f"0000000003-{digest}.rfm.part"))


if __name__ == "__main__":
    main()
