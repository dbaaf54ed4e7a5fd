"""Reads rowferry's archives, manifests and repositories: the second reader of the format.

It was written from format/SPEC.md and shares nothing with the C library: what both read alike is
what the page says, and a file outlives the program that wrote it. It is plain rather than quick: a
file is read into memory, and a state is merged in a dictionary, step by step as the page has it.

    Archive(data).blocks()                    kind and rows of every block
    Manifest(data)                            what a snapshot is made of
    read_state(folder, snapshot, table)       the rows of a table at a snapshot

Whatever is not as the page says raises Damage, which names file, block and offset.
"""

import hashlib
import json
import os
import re
import struct
from collections import namedtuple
from pathlib import Path

import xxhash
import zstandard

NULL, INTEGER, REAL, TEXT, BLOB = range(5)
MIXED = 5
CLASSES = ("null", "integer", "real", "text", "blob")

VERSION = 3

FULL, DELTA = 1, 2
KINDS = {FULL: "full", DELTA: "delta"}

ROWS, GONE, MOVES = 1, 2, 3
BLOCKS = {ROWS: "rows", GONE: "gone", MOVES: "moves"}
ALLOWED = {FULL: {ROWS}, DELTA: {ROWS, GONE, MOVES}}

BY_ROWID, BY_PLACE, BY_COLUMNS = range(3)
KEYS = ("rowid", "place", "columns")

NONE = 0xFFFFFFFF
MAX_COLUMNS = 32_767
MAX_HEADER = 64 << 20
MAX_ROWS = 32_768
MAX_CELLS = (1 << 20) + MAX_COLUMNS
MAX_RAW = 1_700_000_000
MAX_ZSTD = 32_768  # bytes that a zstd frame may hold for each of its own
MAX_MANIFEST = 512 << 20
FREE_MANIFEST, MAX_RATIO = 16 << 20, 256
HEADER, BLOCK, ENTRY, FOOTER, TRAILER, ENVELOPE = 16, 32, 48, 56, 32, 20
LAST = 2**63 - 1

Cell = namedtuple("Cell", "kind value")  # a REAL's value is a float, TEXT and BLOB are bytes
Row = namedtuple("Row", "key hash cells")
Reference = namedtuple("Reference", "name kind digest size sha256")
Digest = namedtuple("Digest", "sum rows")
NOTHING = Digest(0, 0)


class Usage(Exception):
    """A snapshot or table that there is not."""


class Damage(Exception):
    """What is wrong, and where. Filled in from the inside out: the file's name comes last."""

    def __init__(self, what, offset=None, block=None, file=None):
        super().__init__(what)
        self.what, self.offset, self.block, self.file = what, offset, block, file

    def __str__(self):
        at = f"block {self.block} " if self.block is not None else ""
        at += f"at offset {self.offset}" if self.offset is not None else ""
        return ": ".join(part for part in (self.file, at.strip(), self.what) if part)


def require(truth, what, offset=None):
    if not truth:
        raise Damage(what, offset)


def xxh64(data, seed=0):
    return xxhash.xxh3_64_intdigest(data, seed)


def xxh128(data):
    return xxhash.xxh3_128_intdigest(data)


def hash_text(number):
    return f"{number:032x}"


# How values are written out: for programs, and for people

def text_json(data):
    """A JSON string; bytes that are not UTF-8 as {"hex": …}."""
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"hex": data.hex()}


def bits(value):
    return struct.pack(">d", value).hex()


def cell_json(cell):
    kind, value = cell
    if kind == NULL:
        return ["null"]
    if kind == INTEGER:
        return ["integer", str(value)]  # many readers of JSON hold numbers as doubles
    if kind == REAL:
        return ["real", bits(value), repr(value)]
    return [CLASSES[kind], text_json(value) if kind == TEXT else value.hex()]


def text(data):
    try:
        return json.dumps(data.decode(), ensure_ascii=False)
    except UnicodeDecodeError:
        return f"x'{data.hex()}'"


def cell_text(cell):
    kind, value = cell
    if kind == NULL:
        return "null"
    if kind == INTEGER:
        return f"integer {value}"
    if kind == REAL:
        return f"real {bits(value)} {value!r}"
    return f"text {text(value)}" if kind == TEXT else f"blob x'{value.hex()}'"


def cells_text(cells):
    return ", ".join(map(cell_text, cells))


def key_text(key):
    return f"({cells_text(key)})" if isinstance(key, tuple) else str(key)


def uuid_text(raw):
    digits = raw.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class Cursor:
    """Reads fields and never past the end; `base` is where the bytes begin in the file."""

    def __init__(self, data, base=None):
        self.data, self.at, self.base = data, 0, base

    def fail(self, what):
        if self.base is None:  # decompressed bytes: there is no offset in the file to name
            raise Damage(f"{what}, at raw byte {self.at}")
        raise Damage(what, self.base + self.at)

    def require(self, truth, what):
        if not truth:
            self.fail(what)

    def left(self):
        return len(self.data) - self.at

    def take(self, size):
        self.require(size <= self.left(), f"{size} bytes are due where {self.left()} are left")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def u8(self):
        return self.number("B")

    def u32(self):
        return self.number("I")

    def u64(self):
        return self.number("Q")

    def i64(self):
        return self.number("q")

    def hash(self):
        return int.from_bytes(self.take(16), "little")

    def flag(self, what):
        value = self.u8()
        self.require(value <= 1, f"{what} is {value}, neither 0 nor 1")
        return bool(value)

    def maybe_string(self):
        size = self.u32()
        value = None if size == NONE else self.take(size)
        self.require(value is None or 0 not in value, "a NUL within a string")
        return value

    def string(self, what):
        value = self.maybe_string()
        self.require(value is not None, f"{what} is absent")
        return value

    def maybe_text(self):
        return text_json(self.maybe_string())

    def text(self, what):
        return text_json(self.string(what))

    def count(self, least, what):
        """A count of things that take at least so many bytes each."""
        value = self.u32()
        self.require(value * least <= self.left(), f"{value} {what} do not fit into what is left")
        return value

    def end(self):
        self.require(self.left() == 0, f"{self.left()} bytes too many")


def decompress(frame, size):
    """One whole zstd frame that says its size and takes all the bytes."""
    try:
        parameters = zstandard.get_frame_parameters(frame)
        require(parameters.content_size == size,
                f"the zstd frame holds {parameters.content_size} bytes where {size} are due")
        require(parameters.dict_id == 0, "the zstd frame needs a dictionary")
        stream = zstandard.ZstdDecompressor().decompressobj()
        data = stream.decompress(frame)
    except zstandard.ZstdError as why:
        raise Damage(f"no sound zstd frame: {why}") from None
    require(stream.eof and not stream.unused_data, "not one whole zstd frame")
    require(len(data) == size, f"{len(data)} bytes came out where {size} are due")
    return data


# Rows

def canonical(cells):
    parts = []
    for kind, value in cells:
        parts.append(bytes([kind]))
        if kind == INTEGER:
            parts.append(struct.pack("<q", value))
        elif kind == REAL:
            parts.append(struct.pack("<d", value))
        elif kind != NULL:
            parts += (struct.pack("<I", len(value)), value)
    return b"".join(parts)


def row_hash(cells):
    return xxh128(canonical(cells))


def rank(cells):
    """For sorting keys as BINARY collation does; Python compares int with float exactly."""
    return tuple((0,) if kind == NULL else (1, value) if kind in (INTEGER, REAL) else (kind, value)
                 for kind, value in cells)


def read_cell(cursor):
    kind = cursor.u8()
    cursor.require(kind <= BLOB, f"storage class {kind}")
    if kind == NULL:
        return Cell(NULL, None)
    if kind == INTEGER:
        return Cell(INTEGER, cursor.i64())
    if kind == REAL:
        return Cell(REAL, cursor.number("d"))
    return Cell(kind, cursor.take(cursor.u32()))


# Columns

def read_planes(cursor, count, width, form):
    data = cursor.take(count * width)
    numbers = bytearray(data)
    for plane in range(width):
        numbers[plane::width] = data[plane * count:(plane + 1) * count]
    return struct.unpack(f"<{count}{form}", numbers)


def read_numbers(cursor, count):
    """A number stream, as unsigned numbers."""
    form = cursor.u8()
    width, steps = form & 15, form & 16
    cursor.require(width in (0, 1, 2, 4, 8) and form < 32, f"form {form:#04x} of a number stream")
    number = cursor.u64() if steps else 0
    least = cursor.u64()
    residuals = count - 1 if steps else count
    if width:
        residuals = read_planes(cursor, residuals, width, {1: "B", 2: "H", 4: "I", 8: "Q"}[width])
    else:
        residuals = [0] * residuals
    if not steps:
        return [(least + residual) % 2**64 for residual in residuals]
    numbers = [number]
    for residual in residuals:
        number = (number + least + residual) % 2**64
        numbers.append(number)
    return numbers


def signed(numbers):
    return [number - 2**64 if number > LAST else number for number in numbers]


def read_column(cursor, rows):
    mode = cursor.u8()
    cursor.require(mode <= MIXED, f"mode {mode} of a column")
    classes = cursor.take(rows) if mode == MIXED else bytes([mode]) * rows
    cursor.require(max(classes) <= BLOB, "a class that there is not")
    integers, reals = classes.count(INTEGER), classes.count(REAL)
    sized = classes.count(TEXT) + classes.count(BLOB)
    integers = iter(signed(read_numbers(cursor, integers)) if integers else ())
    reals = iter(read_planes(cursor, reals, 8, "d"))
    sizes = iter(read_numbers(cursor, sized) if sized else ())
    cells = []
    for kind in classes:
        if kind == NULL:
            value = None
        elif kind == INTEGER:
            value = next(integers)
        elif kind == REAL:
            value = next(reals)
        else:
            value = cursor.take(next(sizes))
        cells.append(Cell(kind, value))
    return cells


# Tables and archives

class Table:
    """A table's description."""

    def __init__(self, cursor):
        self.name = cursor.string("a table's name")
        self.key = cursor.u8()
        cursor.require(self.key <= BY_COLUMNS, f"key kind {self.key}")
        alias = cursor.u32()
        self.alias = None if alias == NONE else alias
        count = cursor.count(4, "columns")
        cursor.require(1 <= count <= MAX_COLUMNS, f"{count} columns")
        self.columns = [cursor.string("a column's name") for _ in range(count)]
        parts = cursor.count(4, "key parts")
        self.parts = [cursor.u32() for _ in range(parts)]
        cursor.require(all(part < count for part in self.parts), "a key part that is no column")
        cursor.require(len(set(self.parts)) == parts, "a column that is in the key twice")
        if self.alias is not None:
            cursor.require(self.alias < count, "an alias that is no column")
            cursor.require(self.parts == [self.alias], "a key that is not the rowid's column")
            cursor.require(self.key == BY_ROWID, "an alias of a rowid that is no key")
        if self.key == BY_COLUMNS:
            cursor.require(parts > 0, "a key without columns")

    def __eq__(self, other):
        return vars(self) == vars(other)

    def key_of(self, cells):
        return tuple(cells[part] for part in self.parts)

    def json(self):
        return {"table": text_json(self.name), "key": KEYS[self.key], "alias": self.alias,
                "columns": [text_json(name) for name in self.columns], "primary_key": self.parts}


class Archive:
    """One archive's bytes. Header and footer are checked at once, a block when it is read."""

    def __init__(self, data, file=None):
        self.data, self.file = data, file
        try:
            self._read_header()
            self._read_footer()
        except Damage as damage:
            damage.file = file
            raise

    def _read_header(self):
        require(len(self.data) >= HEADER + 8, "too short for an archive", 0)
        require(self.data[:8] == b"RFARCHIV", "not an archive", 0)
        version, size = struct.unpack_from("<II", self.data, 8)
        require(version == VERSION, f"version {version} is not known to this reader", 8)
        require(size <= MAX_HEADER, f"a header of {size} bytes", 12)
        end = HEADER + size
        require(end + 8 <= len(self.data), "cut within the header", 12)
        self.seed, = struct.unpack_from("<Q", self.data, end)
        check(self.seed, xxh64(self.data[:end]), "the header", end)
        cursor = Cursor(self.data[HEADER:end], HEADER)
        self.kind = cursor.u8()
        cursor.require(self.kind in KINDS, f"archive kind {self.kind}")
        self.gone_form = cursor.u8()
        self.source = cursor.take(16)
        self.snapshot = cursor.u64()
        self.table = Table(cursor)
        cursor.require(self.gone_form in self._gone_forms(), f"gone form {self.gone_form}")
        cursor.end()
        self.start = end + 8

    def _gone_forms(self):
        if self.kind != DELTA:
            return {0}
        return {0, 1} if self.table.parts else {1}

    def _read_footer(self):
        at = len(self.data) - TRAILER
        require(at >= self.start, "cut before the trailer", self.start)
        offset, size, stored, magic = struct.unpack_from("<QQQ8s", self.data, at)
        require(magic == b"RFEND\r\n\x1a", "no trailer at the end: the file was cut", at)
        require(offset >= self.start and offset + size == at, "the trailer points elsewhere", at)
        check(stored, xxh64(self.data[offset:at], self.seed), "the footer", offset)
        cursor = Cursor(self.data[offset:at], offset)
        cursor.require(cursor.take(4) == b"RFFT", "no footer")
        count = cursor.u32()
        self.before = Digest(cursor.hash(), cursor.u64())
        self.after = Digest(cursor.hash(), cursor.u64())
        cursor.require(self.kind != FULL or self.before == NOTHING, "rows before a full archive")
        cursor.require(size == FOOTER + ENTRY * count, f"{count} blocks in {size} bytes")
        self.entries = [struct.unpack("<IIIIQQqq", cursor.take(ENTRY)) for _ in range(count)]
        self.offsets = []
        at = self.start
        for number, (_, _, _, stored, place, *_) in enumerate(self.entries):
            if place != at or stored < BLOCK or at + stored > offset:
                raise Damage("the footer has the block elsewhere", place, number)
            self.offsets.append(at)
            at += stored
        require(at == offset, "a gap before the footer", at)

    def blocks(self):
        """(kind, rows) of every block, in the order of the file; keys ascend within each kind."""
        last, total = {}, self.before
        for number in range(len(self.entries)):
            try:
                kind, rows = self._read_block(number)
                self._check_order(last, kind, rows)
            except Damage as damage:
                damage.file, damage.block, damage.offset = self.file, number, self.offsets[number]
                raise
            total = self._add(total, kind, rows)
            yield kind, rows
        require_in(self.file, total == self.after, "rows that do not make the digest it says")

    @staticmethod
    def _add(total, kind, rows):
        sign = {ROWS: 1, GONE: -1, MOVES: 0}[kind]
        hashes = (row_hash(row.cells) if kind == ROWS else row.hash or 0 for row in rows)
        return Digest((total.sum + sign * sum(hashes)) % 2**128, total.rows + sign * len(rows))

    def _read_block(self, number):
        kind, rows, raw, stored, offset, checksum, first, last = self.entries[number]
        head = self.data[offset:offset + BLOCK]
        require(head[:4] == b"RFBK", "no block")
        require(not any(head[5:8] + head[20:24]), "reserved bytes are not zero")
        own = struct.unpack("<4xB3xIII4xQ", head)
        require(own == (kind, rows, raw, stored - BLOCK, checksum), "the footer has other facts")
        frame = self.data[offset + BLOCK:offset + stored]
        seed = xxh64(struct.pack("<QQQ", self.seed, number, offset) + head[:24])
        check(checksum, xxh64(frame, seed), "the block")
        require(kind in ALLOWED[self.kind], f"block kind {kind} in a {KINDS[self.kind]} archive")
        require(kind != MOVES or self.table.key != BY_COLUMNS and self.table.alias is None,
                "rows are moved whose rowid is their key")
        columns = self.columns_of(kind)
        require(1 <= rows <= MAX_ROWS, f"{rows} rows")
        require(raw <= MAX_RAW and raw < MAX_ZSTD * stored, f"{raw} raw bytes")
        require((rows - 1) * len(columns) <= MAX_CELLS, f"{rows} rows of {len(columns)} columns")
        found = self._read_rows(decompress(frame, raw), kind, rows, columns)
        has_rowids = kind != MOVES and self.table.key != BY_COLUMNS
        ends = (found[0].key, found[-1].key) if has_rowids else (0, 0)
        require((first, last) == ends, "the footer has other rowids")
        return kind, found

    def columns_of(self, kind):
        """Numbers of the table's columns that a row of such a block has cells of."""
        if kind == MOVES:
            return [None] * 3
        if kind == ROWS or kind == GONE and self.gone_form == 1:
            return range(len(self.table.columns))
        return self.table.parts

    def _read_rows(self, raw, kind, count, columns):
        cursor = Cursor(raw)
        cursor.require(cursor.u32() == count, "another number of rows inside")
        rowids = None
        if kind != MOVES and self.table.key != BY_COLUMNS:
            rowids = signed(read_numbers(cursor, count))
        hashes = [None] * count
        if kind == GONE:
            hashes = [cursor.hash() for _ in range(count)]
        cells = []
        for column in columns:
            if column is not None and column == self.table.alias:
                cells.append([Cell(INTEGER, rowid) for rowid in rowids])
            else:
                cells.append(read_column(cursor, count))
        cursor.end()
        cells = list(zip(*cells)) if cells else [()] * count
        return [Row(self._key(kind, rowids and rowids[i], cells[i]), hashes[i], cells[i])
                for i in range(count)]

    def _key(self, kind, rowid, cells):
        if kind == MOVES:
            require({cell.kind for cell in cells} == {INTEGER}, "a move that is not three integers")
            old, new, count = (cell.value for cell in cells)
            require(count >= 1 and max(old, new) <= LAST - count + 1, "a run that does not fit")
            return old, new, count
        if rowid is not None:
            return rowid
        if kind == ROWS or kind == GONE and self.gone_form == 1:
            return self.table.key_of(cells)
        return cells

    def _check_order(self, last, kind, rows):
        for row in rows:
            before = last.get(kind)
            if before is None:
                ascends = True
            elif kind == MOVES:
                old, new, count = before
                ascends = row.key[0] >= old + count and row.key[1] >= new + count
            elif self.table.key == BY_COLUMNS:
                ascends = rank(before) < rank(row.key)
            else:
                ascends = before < row.key
            require(ascends, "keys do not ascend")
            last[kind] = row.key
            if kind == GONE and self.gone_form == 1:
                require(row_hash(row.cells) == row.hash, "a row that is gone has another hash")

    def json(self):
        return {"kind": KINDS[self.kind], "version": VERSION, "source": uuid_text(self.source),
                "snapshot": self.snapshot, "before": digest_json(self.before),
                "after": digest_json(self.after), "gone_form": self.gone_form, **self.table.json(), "blocks": len(self.entries)}


def check(stored, computed, what, offset=None):
    require(stored == computed,
            f"{what} does not fit its checksum: stored {stored:016x}, computed {computed:016x}",
            offset)


def digest_json(digest):
    return {"rows": digest.rows, "sum": hash_text(digest.sum)}


# Manifests and folds

def open_envelope(data, magic, what):
    """(body, the key that signed or None); a signature is not held against anything here."""
    require(len(data) >= ENVELOPE + 9, f"too short for {what}", 0)
    require(data[:8] == magic, f"not {what}", 0)
    version, size, stored = struct.unpack_from("<III", data, 8)
    require(version == VERSION, f"version {version} is not known to this reader", 8)
    checksum, = struct.unpack("<Q", data[-8:])
    check(checksum, xxh64(data[:-8]), what, len(data) - 8)
    require(size <= MAX_MANIFEST and (size <= FREE_MANIFEST or size < MAX_RATIO * (stored + 1)),
            f"{what} of {size} bytes", 12)
    end = ENVELOPE + stored
    require(end < len(data) - 8, "a frame that goes on behind the end", 16)
    signed, behind = data[end], len(data) - 8 - end
    require((signed, behind) in ((0, 1), (1, 97)), "neither signed nor unsigned", end)
    return decompress(data[ENVELOPE:end], size), data[end + 1:end + 33].hex() if signed else None


class Manifest:
    def __init__(self, data, file=None):
        try:
            self._read(data)
        except Damage as damage:
            damage.file = file
            raise

    def _read(self, data):
        body, self.signed_by = open_envelope(data, b"RFMANIFS", "a manifest")
        self.sha256 = hashlib.sha256(data).digest()
        cursor = Cursor(body)
        self.snapshot = cursor.u64()
        self.parent = cursor.u64()
        cursor.require(self.snapshot > self.parent, f"snapshot {self.snapshot} upon {self.parent}")
        self.parent_digest = cursor.hash()
        cursor.require(self.parent or not self.parent_digest, "the digest of no parent")
        self.parent_sha256 = cursor.take(32)
        cursor.require(self.parent or not any(self.parent_sha256), "the SHA-256 of no parent")
        self.source = cursor.take(16)
        self.about = {"time": cursor.i64(), "duration": cursor.u64(), "bytes": cursor.u64(),
                      "path": cursor.text("the path"), "writer": cursor.text("the writer"),
                      "sqlite_version": cursor.text("SQLite's version"),
                      "page_size": cursor.u32(), "encoding": cursor.text("the encoding"),
                      "user_version": cursor.number("i"), "application_id": cursor.number("i"),
                      "auto_vacuum": cursor.u32(), "journal_mode": cursor.text("the journal mode")}
        cursor.require(self.about["encoding"] in ("UTF-8", "UTF-16le", "UTF-16be"), "its encoding")
        self.tables = [ManifestTable(cursor) for _ in range(cursor.count(4, "tables"))]
        names = [table.description.name for table in self.tables]
        cursor.require(all(a < b for a, b in zip(names, names[1:])), "tables out of order")
        self.objects = [{"type": cursor.text("a type"), "name": cursor.text("a name"),
                         "table": cursor.text("a table"), "sql": cursor.maybe_text()}
                        for _ in range(cursor.count(16, "objects"))]
        self.left_out = [{"name": cursor.text("a name"), "reason": cursor.text("a reason")}
                         for _ in range(cursor.count(8, "names left out"))]
        self.sequences = [read_sequence(cursor) for _ in range(cursor.count(4, "sequences"))]
        cursor.end()

    def json(self):
        return {"snapshot": self.snapshot, "parent": self.parent or None,
                "parent_digest": hash_text(self.parent_digest) if self.parent else None,
                "parent_sha256": self.parent_sha256.hex() if self.parent else None,
                "signed_by": self.signed_by,
                "source": uuid_text(self.source), **self.about,
                "tables": [table.json() for table in self.tables],
                "objects": self.objects, "left_out": self.left_out,
                "sequences": [[cell_json(cell) for cell in row] for row in self.sequences]}


def read_sequence(cursor):
    inner = Cursor(cursor.take(cursor.u32()))
    row = (read_cell(inner), read_cell(inner))
    inner.end()
    return row


class ManifestTable:
    def __init__(self, cursor):
        self.description = Table(cursor)
        self.sql = cursor.maybe_string()
        self.strict = cursor.flag("strict")
        self.autoincrement = cursor.flag("autoincrement")
        count = len(self.description.columns)
        self.columns = [self._column(cursor) for _ in range(count)]
        self.indexes = [self._index(cursor) for _ in range(cursor.count(15, "indexes"))]
        self.foreign_keys = [self._foreign_key(cursor)
                             for _ in range(cursor.count(16, "foreign keys"))]
        self.sum = cursor.hash()
        self.rows = cursor.u64()
        cursor.require(self.rows or not self.sum, "the sum of no rows")
        self.census = [self._census(cursor) for _ in range(count)]
        self.read_chain(cursor)

    def read_chain(self, cursor):
        """What became of the table, and its archives: what a fold has another one of."""
        self.change = cursor.u8()
        cursor.require(self.change <= 2, f"change {self.change}")
        self.counts = {what: cursor.u64() for what in ("inserted", "updated", "deleted", "moved")}
        self.delta = self._reference(cursor) if self.change == 1 else None
        cursor.require(self.delta is None or self.delta.kind == DELTA, "a delta that is none")
        self.state = [self._reference(cursor) for _ in range(cursor.count(61, "archives"))]
        kinds = [reference.kind for reference in self.state]
        cursor.require(kinds and kinds[0] == FULL and set(kinds[1:]) <= {DELTA},
                       "a state that is not one full archive and deltas")

    @staticmethod
    def _column(cursor):
        column = {"type": cursor.maybe_text(), "default": cursor.maybe_text(),
                  "collation": cursor.text("a collation"), "not_null": cursor.flag("not null"),
                  "generated": cursor.u8(), "primary_key": cursor.u32()}
        cursor.require(column["generated"] <= 2, f"generated is {column['generated']}")
        return column

    @staticmethod
    def _index(cursor):
        index = {"name": cursor.text("an index's name"), "sql": cursor.maybe_text(),
                 "origin": chr(cursor.u8()), "unique": cursor.flag("unique"),
                 "partial": cursor.flag("partial")}
        cursor.require(index["origin"] in "cup", "an index of unknown origin")
        index["parts"] = [{"column": cursor.maybe_text(), "collation": cursor.text("a collation"),
                           "descending": cursor.flag("descending")}
                          for _ in range(cursor.count(9, "parts"))]
        return index

    @staticmethod
    def _foreign_key(cursor):
        return {"parent": cursor.text("a foreign key's table"),
                "on_update": cursor.text("an action"), "on_delete": cursor.text("an action"),
                "parts": [{"from": cursor.text("a column"), "to": cursor.maybe_text()}
                          for _ in range(cursor.count(8, "parts"))]}

    def _census(self, cursor):
        counts = {name: cursor.u64() for name in CLASSES}
        cursor.require(sum(counts.values()) == self.rows, "a census of other rows")
        return {**counts, "least": cursor.i64(), "greatest": cursor.i64(), "longest": cursor.u64(),
                "with_nul": cursor.u64(), "not_utf8": cursor.u64()}

    def _reference(self, cursor):
        slug = re.sub(rb"[^a-z0-9_]", b"", self.description.name.lower())[:40] or b"table"
        name, kind = cursor.string("a file's name"), cursor.u8()
        cursor.require(kind in (FULL, DELTA), f"archive kind {kind}")
        digest, size, sha256 = cursor.hash(), cursor.u64(), cursor.take(32)
        cursor.require(name == slug + f"-{hash_text(digest)}.rfa".encode(),
                       f"a file that is not named as it should be: {name!r}")
        return Reference(name.decode(), kind, digest, size, sha256)

    def json(self):
        def reference(archive):
            return {"name": archive.name, "kind": KINDS[archive.kind],
                    "digest": hash_text(archive.digest), "bytes": archive.size,
                    "sha256": archive.sha256.hex()}

        description = self.description.json()
        names = description.pop("columns")
        columns = [{"name": name, **column, "census": census}
                   for name, column, census in zip(names, self.columns, self.census)]
        return {**description, "sql": text_json(self.sql), "strict": self.strict,
                "autoincrement": self.autoincrement, "columns": columns, "indexes": self.indexes,
                "foreign_keys": self.foreign_keys, "digest": hash_text(self.sum), "rows": self.rows,
                "change": ("none", "delta", "new")[self.change], **self.counts,
                "delta": self.delta and reference(self.delta),
                "state": [reference(archive) for archive in self.state]}


def lay_fold(manifest, data, file, relinks):
    """Lays the fold over its manifest: the states, and with `relinks` also what leads here."""
    try:
        cursor = Cursor(open_envelope(data, b"RFFOLDED", "a fold")[0])
        number, _, sha256 = cursor.u64(), cursor.hash(), cursor.take(32)
        cursor.require((number, sha256, cursor.take(16)) ==
                       (manifest.snapshot, manifest.sha256, manifest.source),
                       "a fold of another snapshot")
        generation = cursor.u64()
        parent, digest, parent_sha256 = cursor.u64(), cursor.hash(), cursor.take(32)
        cursor.require(generation and parent < number, f"snapshot {number} upon {parent}")
        cursor.require(cursor.count(98, "tables") == len(manifest.tables), "a fold of other tables")
        for table in manifest.tables:
            own = table.change, table.counts, table.delta
            table.read_chain(cursor)
            if not relinks:
                table.change, table.counts, table.delta = own
        cursor.end()
    except Damage as damage:
        damage.file = file
        raise
    if relinks:
        manifest.parent, manifest.parent_digest = parent, digest
        manifest.parent_sha256 = parent_sha256


# States

def read_bytes(path):
    """A file, whose digest has to be the one in its name where there is one."""
    data = Path(path).read_bytes()
    named = re.search(r"-([0-9a-f]{32})\.rf[afm]$", str(path))
    if named and named[1] != hash_text(xxh128(data)):
        raise Damage(f"the digest is {hash_text(xxh128(data))}, not the name's", 0, file=str(path))
    return data


def read_repository(folder):
    """The source id in the file that says what a folder is."""
    path = folder / "repository"
    found = re.fullmatch(rb"(rowferry repository\nformat 3\nsource ([0-9a-f-]{36})\n)"
                         rb"check ([0-9a-f]{16})\n", path.read_bytes())
    if not found or int(found[3], 16) != xxh64(found[1]):
        raise Damage("not a sound repository file of format 3", 0, file=str(path))
    return bytes.fromhex(found[2].decode().replace("-", ""))


def find_manifest(folder, snapshot):
    """By number, digest (or how it begins), or `latest`."""
    found = {}
    for path in (folder / "snapshots").iterdir():
        named = re.fullmatch(r"([0-9]{10,20})-([0-9a-f]{32})\.rfm", path.name)
        if named:
            number = int(named[1])
            if number in found:
                raise Damage(f"another manifest of snapshot {number}", 0, file=str(path))
            found[number] = path, named[2]
    if snapshot == "latest" and found:
        return max(found), found[max(found)][0]
    wanted = [number for number in found if str(number) == snapshot] or \
             [number for number in found if found[number][1].startswith(snapshot)]
    if len(wanted) != 1:
        raise Usage(f"no such snapshot in {folder}: {snapshot}")
    return wanted[0], found[wanted[0]][0]


def load_manifest(folder, number, path):
    """The manifest in that file, with the fold that a prune has left for it."""
    manifest = Manifest(read_bytes(path), str(path))
    digest = path.stem.split("-")[1]
    folds = [fold for fold in path.parent.iterdir() if re.fullmatch(
        rf"0*{number}-{digest}-[0-9]{{6,20}}-[0-9a-f]{{32}}\.rff", fold.name)]
    if folds:
        fold = max(folds, key=lambda fold: int(fold.name.split("-")[2]))
        parent = path.parent / f"{manifest.parent:010}-{hash_text(manifest.parent_digest)}.rfm"
        lay_fold(manifest, read_bytes(fold), str(fold), not parent.exists())
    return manifest


def open_reference(folder, reference, manifest, table):
    path = folder / "archives" / reference.name
    data = read_bytes(path)
    archive = Archive(data, str(path))
    for truth, what in ((len(data) == reference.size, f"not of {reference.size} bytes"),
                        (archive.kind == reference.kind, "an archive of another kind"),
                        (archive.source == manifest.source, "an archive of another source"),
                        (archive.snapshot <= manifest.snapshot, "an archive of a later snapshot"),
                        (archive.table == table, "an archive of another table")):
        if not truth:
            raise Damage(what, 0, file=str(path))
    return archive


def apply(rows, archive):
    """The rows of the parent become those of the archive; a dictionary by key, values are cells."""
    by_columns = archive.table.key == BY_COLUMNS
    blocks = {kind: [] for kind in ALLOWED[archive.kind]}
    for kind, found in archive.blocks():
        blocks[kind] += found

    for row in blocks.get(GONE, ()):
        key = rank(row.key) if by_columns else row.key
        cells = rows.pop(key, None)
        require(cells is not None, f"a row is gone that was not there: {key_text(row.key)}")
        require(row_hash(cells) == row.hash, f"a row is gone that was another: {key_text(row.key)}")
        gone = cells if archive.gone_form == 1 else archive.table.key_of(cells)
        require(gone == row.cells, f"a row is gone with other cells: {key_text(row.key)}")

    moves = {}
    for row in blocks.get(MOVES, ()):
        old, new, count = row.key
        require(count <= len(rows), "more rows are moved than there are")
        moves.update((old + i, new + i) for i in range(count))
    require(all(key in rows for key in moves), "a row is moved that is not there")
    order = sorted(rows)
    renumbered = [moves.get(key, key) for key in order]
    require(all(a < b for a, b in zip(renumbered, renumbered[1:])), "moves change the rows' order")
    rows = {new: rows[key] for key, new in zip(order, renumbered)}

    for row in blocks[ROWS]:
        key = rank(row.key) if by_columns else row.key
        require(key not in rows, f"a row is added that is there already: {key_text(row.key)}")
        rows[key] = row.cells
    require(archive.table.key != BY_PLACE or set(rows) == set(range(len(rows))),
            "places are left out")
    return rows


def read_state(folder, snapshot, name):
    """(table, rows in the order of their keys, sum) of a table at a snapshot."""
    folder = Path(folder)
    source = read_repository(folder)
    number, path = find_manifest(folder, snapshot)
    manifest = load_manifest(folder, number, path)
    require_in(path, manifest.snapshot == number, "a manifest of another snapshot than its name's")
    require_in(path, manifest.source == source, "a manifest of another source")
    found = [table for table in manifest.tables if table.description.name == os.fsencode(name)]
    if not found:
        raise Usage(f"no such table in snapshot {number}: {name}")
    table = found[0].description
    rows, before = {}, NOTHING
    for reference in found[0].state:
        archive = open_reference(folder, reference, manifest, table)
        require_in(archive.file, archive.before == before, "an archive that continues another")
        try:
            rows = apply(rows, archive)
        except Damage as damage:
            damage.file = archive.file
            raise
        before = archive.after
    require_in(path, before == (found[0].sum, found[0].rows), "archives that make other rows")
    total = sum(map(row_hash, rows.values())) % 2**128
    require_in(path, (total, len(rows)) == (found[0].sum, found[0].rows),
               f"{name}: the manifest has {found[0].rows} rows with the sum "
               f"{hash_text(found[0].sum)}, the archives {len(rows)} with {hash_text(total)}")
    by_columns = table.key == BY_COLUMNS
    return table, [Row(table.key_of(rows[key]) if by_columns else key, None, rows[key])
                   for key in sorted(rows)], total


def require_in(path, truth, what):
    if not truth:
        raise Damage(what, 0, file=str(path))
