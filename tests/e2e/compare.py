"""The judge: is what stands in PostgreSQL what stands in the SQLite file?

It shares nothing with rowferry. One side is read by Python's sqlite3 module, the other by psql,
both byte for byte, and what a value has to look like in a column is decided here, from the
column's PostgreSQL type and the value's storage class alone:

    bigint             an integer
    double precision   a real, bit by bit; an integer that a double holds exactly
    boolean            the integers 0 and 1
    text               text that is valid UTF-8 without NUL; in a column that is not declared as
                       text maybe numbers too, written as SQLite does, but with all their digits
    bytea              a blob

A row with a value that does not fit has to be in rowferry.set_aside, whole, and not in its table.
Rows are compared as multisets: no order, but every duplicate counts.
"""

import json
import math
import re
import sqlite3
import struct
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote as url_quote

from postgres import literal, quote

MISFIT = object()


class Text(bytes):
    """A TEXT value's bytes; a plain `bytes` is a BLOB."""


# The SQLite side

@dataclass
class Column:
    name: str
    declared: str
    not_null: bool
    key: int  # 1-based place in the primary key, 0 for none

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
    uniques: set   # of tuples of (column, collation): UNIQUE constraints and plain unique indexes
    indexes: dict  # name: (columns, unique) of plain CREATE INDEX
    rowid_key: bool  # INTEGER PRIMARY KEY: never NULL, whatever the declaration says
    without_rowid: bool

    @property
    def key(self):
        return [c.name for c in sorted(self.columns, key=lambda c: c.key) if c.key]

    @property
    def key_may_be_null(self):
        """SQLite takes NULL in the key of a rowid table, unless told otherwise."""
        return not (self.rowid_key or self.without_rowid
                    or all(c.not_null for c in self.columns if c.key))


def open_source(path):
    db = sqlite3.connect(f"file:{url_quote(str(path))}?mode=ro", uri=True)
    db.text_factory = Text
    return db


def text(value):
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def sqlite_quote(name):
    return '"' + name.replace('"', '""') + '"'


def read_source(path):
    """Ordinary tables by name."""
    db = open_source(path)
    try:
        db.execute("BEGIN")
        tables = {}
        for schema, name, kind, *_ in db.execute("PRAGMA table_list").fetchall():
            name = text(name)
            if text(schema) == "main" and text(kind) == "table" and not name.startswith("sqlite_"):
                tables[name] = read_table(db, name)
        return tables
    finally:
        db.close()


def read_table(db, name):
    quoted = sqlite_quote(name)
    columns = [Column(text(c[1]), text(c[2]), bool(c[3]), c[5])
               for c in db.execute(f"PRAGMA table_xinfo({quoted})") if c[6] != 1]
    rows = db.execute("SELECT " + ", ".join(sqlite_quote(c.name) for c in columns)
                      + f" FROM {quoted}").fetchall()
    uniques, indexes = set(), {}
    for _, index, unique, origin, partial in db.execute(f"PRAGMA index_list({quoted})").fetchall():
        parts = [p for p in db.execute(f"PRAGMA index_xinfo({sqlite_quote(text(index))})") if p[5]]
        if partial or any(p[1] < 0 for p in parts):
            continue
        names = tuple((text(p[2]), text(p[4])) for p in parts)
        if unique and text(origin) != "p":
            uniques.add(names)
        if text(origin) == "c":
            indexes[text(index)] = (names, bool(unique))
    without_rowid = bool(re.search(r"WITHOUT\s+ROWID", schema_of(db, name), re.I))
    keys = [c for c in columns if c.key]
    rowid_key = len(keys) == 1 and keys[0].declared.upper() == "INTEGER" and not without_rowid \
        and not any(text(row[3]) == "p" for row in db.execute(f"PRAGMA index_list({quoted})"))
    return Table(name, columns, rows, uniques, indexes, rowid_key, without_rowid)


def schema_of(db, name):
    return text(db.execute("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?",
                           (name,)).fetchone()[0])


# The PostgreSQL side

FETCH = {
    "bigint": "{0}::text",
    "boolean": "{0}::text",
    "double precision": "encode(float8send({0}), 'hex')",
    "text": "encode(convert_to({0}, 'UTF8'), 'hex')",
    "bytea": "encode({0}, 'hex')",
}


@dataclass
class Landed:
    types: dict  # column: type, in order
    not_null: set
    key: list
    uniques: set
    indexes: dict
    rows: Counter


def read_target(target, schema):
    """Tables by name, and what is set aside of them (see gather_aside)."""
    where = f"c.relnamespace = to_regnamespace({literal(quote(schema))}) AND c.relkind = 'r'"
    tables, columns, indexes, aside = target.results(
        f"SELECT c.relname FROM pg_class c WHERE {where}",
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull "
        f"FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE {where} "
        "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum",
        "SELECT c.relname, i.relname, x.indisprimary, x.indisunique, "
        "(SELECT json_agg(a.attname ORDER BY k.place) "
        "FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, place) "
        "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number) "
        "FROM pg_class c JOIN pg_index x ON x.indrelid = c.oid "
        f"JOIN pg_class i ON i.oid = x.indexrelid WHERE {where} AND x.indpred IS NULL "
        "AND x.indisvalid",
        ("rowferry.set_aside",
         "SELECT table_name, encode(row_hash, 'hex'), copy, column_name, class, "
         "encode(value, 'hex'), key, reason FROM rowferry.set_aside "
         f"WHERE target_schema = {literal(schema)}"))
    landed = {row[0]: Landed({}, set(), [], set(), {}, Counter()) for row in tables}
    for table, column, kind, not_null in columns:
        landed[table].types[column] = kind
        if not_null == "t":
            landed[table].not_null.add(column)
    for table, index, primary, unique, names in indexes:
        names = tuple(json.loads(names))
        if primary == "t":
            landed[table].key = list(names)
            continue
        if unique == "t":
            landed[table].uniques.add(names)
        landed[table].indexes[index] = (names, unique == "t")
    read_rows(target, schema, landed)
    return landed, gather_aside(aside)


def gather_aside(lines):
    """Per table a bag of rows, each a set of (column, class, bytes)."""
    rows = {}
    for table, row_hash, copy, *value, key, reason in lines:
        assert reason, f"a row of {table} is set aside without a reason"
        assert isinstance(json.loads(key), dict), f"key of a row set aside of {table}: {key}"
        rows.setdefault(table, {}).setdefault((row_hash, copy), set()).add(tuple(value))
    return {table: Counter(map(frozenset, found.values())) for table, found in rows.items()}


def read_rows(target, schema, landed):
    """All tables in one snapshot of the server's, so that a replay in between cannot mislead."""
    script = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"]
    order = sorted(landed)
    for number, name in enumerate(order):
        for kind in landed[name].types.values():
            assert kind in FETCH, f"table {name}: this judge does not know the type {kind}"
        columns = ", ".join(FETCH[kind].format(quote(column))
                            for column, kind in landed[name].types.items())
        script.append(f"\\echo table {number}")
        script.append(f"COPY (SELECT {columns} FROM {quote(schema)}.{quote(name)}) TO STDOUT;")
    script.append("COMMIT;")
    rows = None
    for line in target.script("\n".join(script)).decode().splitlines():
        if line.startswith("table "):
            rows = landed[order[int(line[6:])]].rows
        else:
            rows[tuple(None if v == "\\N" else v for v in line.split("\t"))] += 1


# What a value has to be

def render_real(value):
    """A real as text: laid out as SQLite does, with as many digits, from fifteen on, as lead back
    to it."""
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    enough = next(text for text in (f"{value:.{n}e}" for n in (14, 15, 16)) if float(text) == value)
    negative, digits, exponent = Decimal(enough).as_tuple()
    digits = "".join(map(str, digits)).lstrip("0")
    power = len(digits) + exponent - 1 if digits else 0  # of the first digit
    digits = digits.rstrip("0") or "0"
    sign = "-" if negative else ""
    if power < -4 or power > 14:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}e{power:+03d}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    digits = digits.ljust(power + 1, "0")
    return f"{sign}{digits[:power + 1]}.{digits[power + 1:] or '0'}"


def looks_rendered(text):
    """Whether a number would be written with just these bytes."""
    text = text.decode("utf-8", "replace")
    try:
        return text == str(int(text)) and abs(int(text)) < 2**63
    except ValueError:
        pass
    try:
        return not math.isnan(float(text)) and text == render_real(float(text))
    except ValueError:
        return False


def is_clean_text(value):
    try:
        return "\0" not in value.decode("utf-8")
    except UnicodeDecodeError:
        return False


class Rules:
    """What one column takes. A text column that is not declared as text may take numbers too, as
    text; whether it does was decided when it was made, and shows in what was set aside: a column
    cannot both take numbers and set numbers aside, nor set aside text that looks like a number
    and take it."""

    def __init__(self, column, landed, aside):
        self.kind = landed.types[column.name]
        self.not_null = column.name in landed.not_null
        refused = {(kind, value) for row in aside
                   for name, kind, value in row if name == column.name}
        self.numbers = (self.kind == "text" and column.affinity != "TEXT"
                        and not any(kind in ("integer", "real") for kind, _ in refused))
        self.apart = self.numbers and any(
            kind == "text" and looks_rendered(bytes.fromhex(value)) for kind, value in refused)

    def expected(self, value):
        """How a value has to be fetched (see FETCH); MISFIT where it cannot be there."""
        if value is None:
            return MISFIT if self.not_null else None
        if isinstance(value, Text):
            fits = self.kind == "text" and is_clean_text(value)
            return value.hex() if fits and not (self.apart and looks_rendered(value)) else MISFIT
        if isinstance(value, bytes):
            return value.hex() if self.kind == "bytea" else MISFIT
        return self.expected_number(value)

    def expected_number(self, value):
        real = isinstance(value, float)
        if self.numbers:
            return (render_real(value) if real else str(value)).encode().hex()
        if self.kind == "double precision" and (real or abs(value) <= 2**53):
            return struct.pack(">d", value).hex()
        if self.kind == "bigint" and not real:
            return str(value)
        if self.kind == "boolean" and not real and value in (0, 1):
            return "true" if value else "false"
        return MISFIT


def class_and_bytes(value):
    """As rowferry.set_aside has to keep a value: numbers in digits, the rest byte by byte."""
    if value is None:
        return "null", None
    if isinstance(value, Text):
        return "text", value.hex()
    if isinstance(value, bytes):
        return "blob", value.hex()
    if isinstance(value, float):
        return "real", render_real(value).encode().hex()
    return "integer", str(value).encode().hex()


# The comparison

def assert_same(path, target, schema="public", *, tables=None):
    """Fails unless the target holds exactly the source; returns how many rows are set aside.
    `tables` names those that are to be there, where not all are."""
    source = read_source(path)
    landed, aside = read_target(target, schema)
    wanted = sorted(source if tables is None else tables)
    assert sorted(landed) == wanted, \
        f"tables: {sorted(set(landed) ^ set(wanted))} are on one side only"
    assert set(aside) <= set(wanted), f"set aside of tables that are not there: {set(aside)}"
    return sum(assert_same_table(source[name], landed[name], aside.get(name, Counter()))
               for name in wanted)


def assert_same_table(table, landed, aside):
    assert list(landed.types) == [c.name for c in table.columns], \
        f"columns of {table.name}: {list(landed.types)}"
    assert_same_constraints(table, landed)
    rules = [Rules(column, landed, aside) for column in table.columns]
    wanted, misfits = Counter(), Counter()
    for row in table.rows:
        values = tuple(rule.expected(value) for rule, value in zip(rules, row))
        if MISFIT in values:
            misfits[frozenset((c.name, *class_and_bytes(v)) for v, e, c
                              in zip(row, values, table.columns) if e is MISFIT)] += 1
        else:
            wanted[values] += 1
    assert_equal_bags(f"rows of {table.name} ({', '.join(landed.types)})", wanted, landed.rows)
    assert_equal_bags(f"rows of {table.name} set aside", misfits, aside)
    return sum(misfits.values())


def assert_equal_bags(what, wanted, found):
    if wanted == found:
        return
    missing, extra = wanted - found, found - wanted
    lines = [f"{what}: {sum(missing.values())} missing, {sum(extra.values())} extra"]
    for sign, bag in (("-", missing), ("+", extra)):
        lines += [f"{sign} {count} x {shortened(row)}" for row, count in list(bag.items())[:5]]
    raise AssertionError("\n".join(lines))


def shortened(row):
    return ", ".join(str(v) if v is None or len(str(v)) < 60 else f"{str(v)[:57]}..." for v in row)


def assert_same_constraints(table, landed):
    name = table.name
    if table.key_may_be_null and not landed.key:
        assert not table.key or tuple(table.key) in landed.uniques, f"{name}: its key is not unique"
    else:
        assert landed.key == table.key, f"primary key of {name}: {landed.key}, not {table.key}"
    wanted = {c.name for c in table.columns if c.not_null} | set(landed.key)
    assert wanted <= landed.not_null, f"NOT NULL of {name} missing on {wanted - landed.not_null}"
    assert landed.not_null <= wanted, f"NOT NULL of {name} invented on {landed.not_null - wanted}"
    uniques = {as_landed(u, landed) for u in table.uniques}
    uniques = {u for u in uniques if list(u) != landed.key}
    assert uniques <= landed.uniques, f"unique of {name} missing: {uniques - landed.uniques}"
    for index, (columns, unique) in table.indexes.items():
        assert (as_landed(columns, landed), unique) in landed.indexes.values(), \
            f"index {index} of {name} is missing"


def as_landed(columns, landed):
    """Where text is not compared byte by byte, an expression stands for the column."""
    return tuple(None if collation != "BINARY" and landed.types[name] == "text" else name
                 for name, collation in columns)
