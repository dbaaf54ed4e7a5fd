"""What stands in a SQLite file, read by Python's sqlite3 module: the judge's first witness."""

import re
import sqlite3
from dataclasses import dataclass, field
from urllib.parse import quote as url_quote


class Text(bytes):
    """A TEXT value's bytes, as UTF-8; a plain `bytes` is a BLOB."""


@dataclass
class Column:
    name: str
    declared: str
    not_null: bool
    key: int  # 1-based place in the primary key, 0 for none
    default: str = None
    generated: bool = False

    @property
    def affinity(self):
        """https://www.sqlite.org/datatype3.html, 3.1"""
        declared = self.declared.upper()
        if "INT" in declared:
            return "INTEGER"
        if any(word in declared for word in ("CHAR", "CLOB", "TEXT")):
            return "TEXT"
        if "BLOB" in declared or not declared:
            return "BLOB"
        if any(word in declared for word in ("REAL", "FLOA", "DOUB")):
            return "REAL"
        return "NUMERIC"


@dataclass
class Table:
    name: str
    columns: list
    rows: list
    uniques: set   # of tuples of column names: UNIQUE constraints and plain unique indexes
    indexes: dict  # name: (column names, unique) of plain CREATE INDEX
    rowid_key: bool  # INTEGER PRIMARY KEY: never NULL, whatever the declaration says
    without_rowid: bool
    foreign_keys: list = field(default_factory=list)  # of ForeignKey
    sequence: int = None  # what AUTOINCREMENT numbered last
    collated: set = field(default_factory=set)  # tuples of columns unique by NOCASE or RTRIM

    @property
    def key(self):
        return [c.name for c in sorted(self.columns, key=lambda c: c.key) if c.key]

    @property
    def key_may_be_null(self):
        """SQLite takes NULL in the key of a rowid table, unless told otherwise."""
        return not (self.rowid_key or self.without_rowid
                    or all(c.not_null for c in self.columns if c.key))

    def column(self, name):
        """By name, of which SQLite folds ASCII."""
        folded = [c for c in self.columns if fold(c.name) == fold(name)]
        return folded[0] if folded else None


@dataclass(frozen=True)
class ForeignKey:
    columns: tuple
    parent: str
    parent_columns: tuple  # of its primary key where none are named
    on_delete: str
    on_update: str


def fold(name):
    return "".join(c.lower() if c.isascii() else c for c in name)


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def text(value):
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def open_source(path):
    db = sqlite3.connect(f"file:{url_quote(str(path))}?mode=ro", uri=True)
    db.text_factory = Text
    return db


def read_source(path):
    """Ordinary tables by name."""
    db = open_source(path)
    try:
        db.execute("BEGIN")
        encoding = text(db.execute("PRAGMA encoding").fetchone()[0])
        tables = {}
        for schema, name, kind, *_ in db.execute("PRAGMA table_list").fetchall():
            name = text(name)
            if text(schema) == "main" and text(kind) == "table" and not name.startswith("sqlite_"):
                tables[name] = read_table(db, name, encoding)
        for table in tables.values():
            table.foreign_keys = read_foreign_keys(db, table, tables)
        return tables
    finally:
        db.close()


def read_table(db, name, encoding):
    quoted = quote(name)
    columns = [Column(text(c[1]), text(c[2]), bool(c[3]), c[5], text(c[4]), c[6] != 0)
               for c in db.execute(f"PRAGMA table_xinfo({quoted})") if c[6] != 1]
    uniques, indexes, collated = set(), {}, set()
    origins = set()
    for _, index, unique, origin, partial in db.execute(f"PRAGMA index_list({quoted})").fetchall():
        parts = [p for p in db.execute(f"PRAGMA index_xinfo({quote(text(index))})") if p[5]]
        names = tuple(text(p[2]) if p[1] >= 0 else None for p in parts)
        origins.add(text(origin))
        if partial or None in names:
            continue
        if any(text(p[4]).upper() != "BINARY" for p in parts):
            collated.add(names)
        if unique and text(origin) != "pk":
            uniques.add(names)
        if text(origin) == "c":
            indexes[text(index)] = (names, bool(unique))
    without_rowid = bool(re.search(r"WITHOUT\s+ROWID", schema_of(db, name), re.I))
    keys = [c for c in columns if c.key]
    rowid_key = len(keys) == 1 and keys[0].declared.upper() == "INTEGER" and not without_rowid \
        and "pk" not in origins
    rows = read_rows(db, quoted, columns, encoding)
    return Table(name, columns, rows, uniques, indexes, rowid_key, without_rowid,
                 sequence=read_sequence(db, name), collated=collated)


def read_sequence(db, name):
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").fetchall():
        return None
    found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (name,)).fetchone()
    return found[0] if found and isinstance(found[0], int) else None


def schema_of(db, name):
    return text(db.execute("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?",
                           (name,)).fetchone()[0])


def read_rows(db, quoted, columns, encoding):
    names = [quote(c.name) for c in columns]
    if encoding == "UTF-8":
        return db.execute(f"SELECT {', '.join(names)} FROM {quoted}").fetchall()
    # SQLite's own way from UTF-16 to UTF-8 loses surrogates that have no other half, so text is
    # fetched as it is stored.
    stored = [f"CASE typeof({n}) WHEN 'text' THEN CAST({n} AS BLOB) ELSE {n} END" for n in names]
    kinds = [f"typeof({n}) = 'text'" for n in names]
    rows = db.execute(f"SELECT {', '.join(stored)} FROM {quoted}").fetchall()
    marks = db.execute(f"SELECT {', '.join(kinds)} FROM {quoted}").fetchall()
    return [tuple(from_utf16(value, encoding) if is_text else value
                  for value, is_text in zip(row, mark)) for row, mark in zip(rows, marks)]


def from_utf16(stored, encoding):
    """As UTF-8, in which a surrogate by itself has the three bytes that the scheme gives its code.
    A last byte that is half of a unit comes behind FF (format/SPEC.md)."""
    codec = "utf-16-le" if encoding == "UTF-16le" else "utf-16-be"
    whole, odd = stored[:len(stored) & ~1], stored[len(stored) & ~1:]
    return Text(whole.decode(codec, "surrogatepass").encode("utf-8", "surrogatepass")
                + (b"\xff" + odd if odd else b""))


def read_foreign_keys(db, table, tables):
    """Those to tables that are there; a name of another case counts."""
    found = {}
    for number, place, parent, column, parent_column, on_update, on_delete, _ in \
            db.execute(f"PRAGMA foreign_key_list({quote(table.name)})").fetchall():
        found.setdefault(number, []).append((place, text(parent), text(column), text(parent_column),
                                             text(on_delete), text(on_update)))
    keys = []
    for parts in found.values():
        parts.sort()
        parent = next((t for t in tables.values() if fold(t.name) == fold(parts[0][1])), None)
        named = tuple(part[3] for part in parts)
        if parent is None:
            continue
        if None in named:
            named = tuple(parent.key)
        keys.append(ForeignKey(tuple(table.column(part[2]).name for part in parts), parent.name,
                               named, parts[0][4], parts[0][5]))
    return keys
