"""Streams, read and written from format/SPEC.md by somebody who shares nothing with the program.

    read(data)         what is in a stream: its head, and its records with their files
    write(stream)      the bytes of it, with all checksums as they should be

A test changes what was read and writes it again: then only what the stream says is wrong, not its
checksums.
"""

import struct
import sys
from dataclasses import dataclass, field, replace

from program import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import rfa_reader as rfa  # noqa: E402
import xxhash  # noqa: E402

MANIFEST, FOLD, ARCHIVE, END = range(1, 5)
PIECE = 1 << 20
HEAD = "<8sII16sQ16sQ16sQQ"
RECORD = "<4sB3sQ16s"


@dataclass
class Record:
    kind: int
    data: bytes = b""
    size: int | None = None     # None: as it is
    digest: int | None = None
    magic: bytes = b"RFRC"
    reserved: bytes = bytes(3)


@dataclass
class Stream:
    source: bytes
    since: tuple = (0, 0)
    last: tuple = (0, 0)
    snapshots: int = 0
    total: int = 0
    records: list = field(default_factory=list)  # without the end
    version: int = rfa.VERSION
    reserved: int = 0
    magic: bytes = b"RFSTREAM"
    end: Record | None = None   # None: as it should be
    behind: bytes = b""

    def copy(self, **changes):
        return replace(self, **changes)

    def numbers(self):
        return [rfa.Manifest(record.data).snapshot for record in self.records
                if record.kind == MANIFEST]


def number(digest):
    return int.from_bytes(digest, "little")


def digest_bytes(digest):
    return digest.to_bytes(16, "little")


def file_of(data, seed, at, size):
    """(the file's bytes, where it ends in the stream)"""
    hasher, pieces = xxhash.xxh3_128(), []
    while size:
        piece = data[at:at + min(size, PIECE)]
        hasher.update(piece)
        stored, = struct.unpack_from("<Q", data, at + len(piece))
        bound = struct.pack("<QQ", seed, at) + digest_bytes(hasher.intdigest())
        assert stored == rfa.xxh64(bound), f"the checksum of the piece at {at}"
        pieces.append(piece)
        size -= len(piece)
        at += len(piece) + 8
    return b"".join(pieces), at


def read(data):
    magic, version, zero, source, since, since_digest, last, last_digest, snapshots, total = \
        struct.unpack_from(HEAD, data)
    assert (magic, version, zero) == (b"RFSTREAM", rfa.VERSION, 0)
    seed, = struct.unpack_from("<Q", data, 96)
    assert seed == rfa.xxh64(data[:96]), "the head's checksum"
    stream = Stream(source, (since, number(since_digest)), (last, number(last_digest)), snapshots,
                    total)
    at = 104
    while True:
        magic, kind, zero, size, digest = struct.unpack_from(RECORD, data, at)
        assert (magic, zero) == (b"RFRC", bytes(3))
        stored, = struct.unpack_from("<Q", data, at + 32)
        assert stored == rfa.xxh64(struct.pack("<QQ", seed, at) + data[at:at + 32])
        if kind == END:
            break
        content, at = file_of(data, seed, at + 40, size)
        assert number(digest) == rfa.xxh128(content), f"the digest of the file that ends at {at}"
        stream.records.append(Record(kind, content))
    assert at + 40 == len(data), "bytes behind the end"
    assert size == total == sum(len(record.data) for record in stream.records)
    assert digest == bytes(16)
    assert snapshots == len(stream.numbers())
    return stream


def record_bytes(record, seed, at):
    size = len(record.data) if record.size is None else record.size
    digest = rfa.xxh128(record.data) if record.digest is None else record.digest
    head = struct.pack(RECORD, record.magic, record.kind, record.reserved, size,
                       digest_bytes(digest))
    return head + struct.pack("<Q", rfa.xxh64(struct.pack("<QQ", seed, at) + head))


def write(stream):
    out = bytearray(struct.pack(
        HEAD, stream.magic, stream.version, stream.reserved, stream.source, stream.since[0],
        digest_bytes(stream.since[1]), stream.last[0], digest_bytes(stream.last[1]),
        stream.snapshots, stream.total))
    seed = rfa.xxh64(out)
    out += struct.pack("<Q", seed)
    for record in stream.records:
        out += record_bytes(record, seed, len(out))
        hasher = xxhash.xxh3_128()
        for start in range(0, len(record.data), PIECE):
            piece = record.data[start:start + PIECE]
            hasher.update(piece)
            bound = struct.pack("<QQ", seed, len(out)) + digest_bytes(hasher.intdigest())
            out += piece + struct.pack("<Q", rfa.xxh64(bound))
    end = stream.end or Record(END, size=sum(len(record.data) for record in stream.records),
                               digest=0)
    return bytes(out) + record_bytes(end, seed, len(out)) + stream.behind


def settle(stream):
    """Makes the head say what the records are, after they were changed."""
    manifests = [record.data for record in stream.records if record.kind == MANIFEST]
    stream.snapshots = len(manifests)
    stream.total = sum(len(record.data) for record in stream.records)
    if manifests:
        stream.last = rfa.Manifest(manifests[-1]).snapshot, rfa.xxh128(manifests[-1])
    return stream
