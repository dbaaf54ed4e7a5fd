"""Somebody who carries a repository and means harm: knows the format, and whatever he changes, he
changes every checksum, digest, name and link that depends on it too.

Written with tools/rfa_reader.py, which shares nothing with the program under test; signatures are
those of the openssl program.
"""

import hashlib
import re
import struct
import subprocess
import sys
from pathlib import Path

import zstandard

from program import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import rfa_reader as rfa  # noqa: E402

PURPOSE = b"rowferry signature 1\n"


def sha256(data):
    return hashlib.sha256(data).digest()


def hash_bytes(number):
    return number.to_bytes(16, "little")


def digest_bytes(digest):
    return hash_bytes(digest.sum) + struct.pack("<Q", digest.rows)


def frame_of(data):
    return zstandard.ZstdCompressor(level=3).compress(data)


# Keys

def openssl(*args, **kw):
    return subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, **kw).stdout


def public_bytes(secret):
    """The 32 bytes of the public half."""
    return openssl("pkey", "-in", secret, "-pubout", "-outform", "DER")[-32:]


def signature(secret, message, scratch):
    path = scratch / "message"
    path.write_bytes(message)
    return openssl("pkeyutl", "-sign", "-inkey", secret, "-rawin", "-in", path)


# Envelopes

def open_up(data):
    """(body, what is signed, key and signature or None) of a manifest's or a fold's file."""
    size, = struct.unpack_from("<I", data, 16)
    end = rfa.ENVELOPE + size
    body = zstandard.ZstdDecompressor().decompress(data[rfa.ENVELOPE:end])
    return body, PURPOSE + data[:end], data[end + 1:-8] or None


def envelope(magic, body, seal):
    """`seal` is None for no signature, 96 bytes (key and signature), or a function of what is signed
    that makes these."""
    frame = frame_of(body)
    data = magic + struct.pack("<III", rfa.VERSION, len(body), len(frame)) + frame
    if callable(seal):
        seal = seal(PURPOSE + data)
    data += b"\1" + seal if seal else b"\0"
    return data + struct.pack("<Q", rfa.xxh64(data))


# Archives

def altered(archive, before, old, new):
    """(bytes, digest of the rows it makes) of the archive with other bytes in its rows."""
    out = bytearray(archive.data[:archive.start])
    total, entries = before, b""
    for number, (kind, rows, _, stored, offset, _, first, last) in enumerate(archive.entries):
        raw, = struct.unpack_from("<I", archive.data, offset + 12)
        body = archive.data[offset + rfa.BLOCK:offset + stored]
        body = rfa.decompress(body, raw).replace(old, new)
        frame = frame_of(body)
        head = bytearray(archive.data[offset:offset + rfa.BLOCK])
        struct.pack_into("<I", head, 16, len(frame))
        seed = rfa.xxh64(struct.pack("<QQQ", archive.seed, number, len(out)) + head[:24])
        struct.pack_into("<Q", head, 24, rfa.xxh64(frame, seed))
        entries += struct.pack("<IIIIQQqq", kind, rows, raw, rfa.BLOCK + len(frame), len(out),
                               rfa.xxh64(frame, seed), first, last)
        found = archive._read_rows(body, kind, rows, archive.columns_of(kind))
        total = archive._add(total, kind, found)
        out += head + frame
    footer = b"RFFT" + struct.pack("<I", len(archive.entries)) + digest_bytes(before) \
        + digest_bytes(total) + entries
    trailer = struct.pack("<QQQ", len(out), len(footer), rfa.xxh64(footer, archive.seed))
    return bytes(out + footer + trailer + b"RFEND\r\n\x1a"), total


def reference_bytes(reference):
    name = reference.name.encode()
    return struct.pack("<I", len(name)) + name + bytes([reference.kind]) \
        + hash_bytes(reference.digest) + struct.pack("<Q", reference.size) + reference.sha256


def reference_to(data, named, kind):
    digest = rfa.xxh128(data)
    name = f"{named.rsplit('-', 1)[0]}-{rfa.hash_text(digest)}.rfa"
    return rfa.Reference(name, kind, digest, len(data), sha256(data))


class Forger:
    """One repository, at the carrier's mercy."""

    def __init__(self, repository, scratch):
        self.repository, self.scratch = Path(repository), Path(scratch)

    def manifest_path(self, number):
        found, = (self.repository / "snapshots").glob(f"{number:010}-*.rfm")
        return found

    def body(self, number):
        return open_up(self.manifest_path(number).read_bytes())[0]

    def seal(self, number):
        return open_up(self.manifest_path(number).read_bytes())[2]

    def sealer(self, secret, name=None):
        """Signs with the secret key, and says that it was that of `name`."""
        key = name or public_bytes(secret)
        return lambda message: key + signature(secret, message, self.scratch)

    def write_manifest(self, number, body, seal):
        """In place of the one that is there."""
        self.manifest_path(number).unlink()
        data = envelope(b"RFMANIFS", body, seal)
        name = f"{number:010}-{rfa.hash_text(rfa.xxh128(data))}.rfm"
        (self.repository / "snapshots" / name).write_bytes(data)

    def link(self, number, body):
        """Makes the snapshot before that number, as it is now, the parent."""
        parent = self.manifest_path(number - 1).read_bytes()
        return body[:16] + hash_bytes(rfa.xxh128(parent)) + sha256(parent) + body[64:]

    def reseal(self, first, last, seal, change=lambda number, body: body):
        """Writes the manifests anew, each linked to the one before; `seal` is as for envelope, or
        "kept": the signature that was there."""
        for number in range(first, last + 1):
            body = change(number, self.body(number))
            if number > first:
                body = self.link(number, body)
            self.write_manifest(number, body, self.seal(number) if seal == "kept" else seal)

    def forge_row(self, table, old, new, last, seal):
        """Other bytes in the table's rows, in all snapshots; every archive that has them, or stands
        upon one that has, is made anew."""
        sums, references = {rfa.NOTHING: rfa.NOTHING}, {}

        def archive_of(reference):
            path = self.repository / "archives" / reference.name
            archive = rfa.Archive(path.read_bytes())
            data, after = altered(archive, sums[archive.before], old, new)
            sums[archive.after] = after
            references[reference] = reference_to(data, reference.name, reference.kind)
            path.unlink()
            (path.parent / references[reference].name).write_bytes(data)

        def change(number, body):
            manifest = rfa.Manifest(self.manifest_path(number).read_bytes())
            found, = (one for one in manifest.tables if one.description.name == table)
            for reference in [*found.state, *([found.delta] if found.delta else [])]:
                if reference not in references:
                    archive_of(reference)
                body = body.replace(reference_bytes(reference),
                                    reference_bytes(references[reference]))
            was = rfa.Digest(found.sum, found.rows)
            return body.replace(digest_bytes(was), digest_bytes(sums[was]))

        self.reseal(1, last, seal, change)

    def add_fold(self, number, seal, generation=1):
        """A fold that says of the snapshot what its manifest says, but that it is the first."""
        data = self.manifest_path(number).read_bytes()
        manifest = rfa.Manifest(data)
        body = struct.pack("<Q", number) + hash_bytes(rfa.xxh128(data)) + sha256(data) \
            + manifest.source + struct.pack("<QQ", generation, 0) + bytes(48) \
            + struct.pack("<I", len(manifest.tables))
        for table in manifest.tables:
            body += struct.pack("<B4QI", 2, table.rows, 0, 0, 0, len(table.state))
            body += b"".join(map(reference_bytes, table.state))
        fold = envelope(b"RFFOLDED", body, seal)
        name = f"{number:010}-{rfa.hash_text(rfa.xxh128(data))}-{generation:06}-" \
               f"{rfa.hash_text(rfa.xxh128(fold))}.rff"
        (self.repository / "snapshots" / name).write_bytes(fold)

    def rename_source(self, uuid):
        """In the file that says what the folder is."""
        path = self.repository / "repository"
        text = re.sub(rb"source .*\n", b"source " + uuid.encode() + b"\n", path.read_bytes())
        text = text[:text.index(b"check ")]
        path.write_bytes(text + b"check %016x\n" % rfa.xxh64(text))
