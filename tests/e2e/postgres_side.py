"""What stands in PostgreSQL, read by psql: the judge's second witness."""

import json
from collections import Counter
from dataclasses import dataclass, field

from postgres import literal, quote

# Longer values are compared by their SHA-256, which the server computes for itself.
LONG = 1 << 20

_MICROS = "(extract(epoch FROM {0}) * 1000000)::numeric(30, 0)::text"
_BYTES = ("CASE WHEN length({0}) > %d THEN 'sha256:' || encode(sha256({0}), 'hex') "
          "ELSE encode({0}, 'hex') END" % LONG)
_TEXT = _BYTES.replace("{0}", "convert_to({0}::text, 'UTF8')")

FETCH = {
    "bigint": "{0}::text", "integer": "{0}::text", "smallint": "{0}::text",
    "numeric": "{0}::text", "boolean": "{0}::text", "uuid": "{0}::text",
    "double precision": "encode(float8send({0}), 'hex')",
    "real": "encode(float4send({0}), 'hex')",
    "text": _TEXT, "character varying": _TEXT, "character": _TEXT, "json": _TEXT, "jsonb": _TEXT,
    "bytea": _BYTES,
    "date": "({0} - date '2000-01-01')::text",
    "time without time zone": _MICROS,
    "timestamp without time zone": _MICROS,
    "timestamp with time zone": _MICROS,
    "bigint[]": "encode(convert_to(array_to_json({0})::text, 'UTF8'), 'hex')",
}


def base_of(kind):
    """numeric(10,2) is a numeric, timestamp(3) without time zone a timestamp without time zone."""
    head, bracket, rest = kind.partition("(")
    return head + rest.partition(")")[2] if bracket else kind


@dataclass
class Landed:
    """One table."""
    types: dict  # column: type, in order
    not_null: set
    key: list
    uniques: set
    indexes: dict
    rows: Counter
    generated: set = field(default_factory=set)
    foreign_keys: list = field(default_factory=list)
    enums: set = field(default_factory=set)  # columns whose type is one
    sequences: dict = field(default_factory=dict)  # column: what it would number the next row


@dataclass(frozen=True)
class LandedKey:
    """A foreign key."""
    columns: tuple
    parent: str
    parent_columns: tuple
    on_delete: str
    on_update: str
    validated: bool


ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

# Names of columns, of an array of their numbers and a table; null for what is an expression.
_NAMES = ("(SELECT json_agg(a.attname ORDER BY part.place) "
          "FROM unnest({0}) WITH ORDINALITY AS part (number, place) "
          "LEFT JOIN pg_attribute a ON a.attrelid = {1} AND a.attnum = part.number)")


def read_target(target, schema):
    """Tables by name, with their rows, and the ledger."""
    catalog, ledger = catalog_queries(schema), ledger_queries(schema)
    found = target.results(*catalog, *ledger)
    landed = gather_catalog(*found[:len(catalog)])
    read_rows(target, schema, landed)
    return landed, gather_ledger(*found[len(catalog):])


def catalog_queries(schema):
    where = f"c.relnamespace = to_regnamespace({literal(quote(schema))}) AND c.relkind = 'r'"
    return [
        f"SELECT c.relname FROM pg_class c WHERE {where}",
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
        "a.attgenerated <> '', t.typtype = 'e' FROM pg_class c JOIN pg_attribute a "
        f"ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid WHERE {where} "
        "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum",
        "SELECT c.relname, i.relname, x.indisprimary, x.indisunique, "
        f"{_NAMES.format('x.indkey::int2[]', 'c.oid')} FROM pg_class c "
        "JOIN pg_index x ON x.indrelid = c.oid "
        f"JOIN pg_class i ON i.oid = x.indexrelid WHERE {where} AND x.indpred IS NULL "
        "AND x.indisvalid",
        f"SELECT c.relname, {_NAMES.format('k.conkey', 'k.conrelid')}, p.relname, "
        f"{_NAMES.format('k.confkey', 'k.confrelid')}, k.confdeltype, k.confupdtype, "
        "k.convalidated FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
        f"JOIN pg_class p ON p.oid = k.confrelid WHERE {where} AND k.contype = 'f'",
        "SELECT c.relname, a.attname, (xpath('/row/n/text()', query_to_xml("
        "'SELECT last_value::numeric + is_called::int AS n FROM ' || d.objid::regclass, "
        "false, true, '')))[1]::text FROM pg_class c JOIN pg_depend d ON d.refobjid = c.oid "
        "AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass "
        "AND d.deptype IN ('i', 'a') JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
        f"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid WHERE {where}"]


def gather_catalog(tables, columns, indexes, keys, sequences):
    landed = {row[0]: Landed({}, set(), [], set(), {}, Counter()) for row in tables}
    for table, column, kind, not_null, generated, enum in columns:
        landed[table].types[column] = kind
        for holds, where_to in ((not_null, landed[table].not_null), (enum, landed[table].enums),
                                (generated, landed[table].generated)):
            if holds == "t":
                where_to.add(column)
    for table, index, primary, unique, names in indexes:
        names = tuple(json.loads(names))
        if primary == "t":
            landed[table].key = list(names)
            continue
        if unique == "t" and None not in names:
            landed[table].uniques.add(names)
        landed[table].indexes[index] = (names, unique == "t")
    for table, names, parent, parent_names, on_delete, on_update, valid in keys:
        landed[table].foreign_keys.append(LandedKey(
            tuple(json.loads(names)), parent, tuple(json.loads(parent_names)), ACTIONS[on_delete],
            ACTIONS[on_update], valid == "t"))
    for table, column, number in sequences:
        landed[table].sequences[column] = int(number)
    return landed


@dataclass
class Decision:
    """What the ledger says of one column."""
    target: str      # its name in the target
    conversion: str  # a spec
    on_mismatch: str
    reason: str


@dataclass
class Ledger:
    relations: dict  # table of the source: its name in the target
    columns: dict    # (table, column) of the source: Decision
    aside: dict      # table: Counter of rows, each a frozenset of (column, class, bytes)
    altered: dict    # table: Counter of (column, class, bytes)


def ledger_queries(schema):
    here = f"target_schema = {literal(schema)}"
    return [
        ("rowferry.relation", f"SELECT to_json(r) FROM rowferry.relation r WHERE {here}"),
        ('rowferry."column"', f'SELECT to_json(c) FROM rowferry."column" c WHERE {here}'),
        ("rowferry.set_aside",
         "SELECT table_name, encode(row_hash, 'hex'), copy, outcome, column_name, class, "
         f"{_BYTES.format('value')}, key, reason FROM rowferry.set_aside WHERE {here}")]


def gather_ledger(relations, columns, aside):
    ledger = Ledger({}, {}, {}, {})
    for (line,) in relations:
        line = json.loads(line)
        ledger.relations[line["table_name"]] = line["relation_name"]
    for (line,) in columns:
        line = json.loads(line)
        ledger.columns[line["table_name"], line["column_name"]] = Decision(
            line["target_name"], line["conversion"], line["on_mismatch"], line["reason"])
    rows = {}
    for table, row_hash, copy, outcome, *value, key, reason in aside:
        assert reason, f"a row of {table} is set aside without a reason"
        assert isinstance(json.loads(key), dict), f"key of a row set aside of {table}: {key}"
        if outcome == "altered":
            ledger.altered.setdefault(table, Counter())[tuple(value)] += 1
        else:
            rows.setdefault(table, {}).setdefault((row_hash, copy), set()).add(tuple(value))
    ledger.aside = {table: Counter(map(frozenset, found.values())) for table, found in rows.items()}
    return ledger


def read_rows(target, schema, landed, at_once=500):
    """Fills in the rows. Up to `at_once` tables are read in one snapshot of the server's, so that
    a replay in between cannot mislead; more of them would be more than its locks allow."""
    order = sorted(landed)
    for first in range(0, len(order), at_once):
        read_some_rows(target, schema, landed, order[first:first + at_once])


def fetch(landed, column, kind):
    if column in landed.enums:
        return _TEXT.format(quote(column))
    assert base_of(kind) in FETCH, f"this judge does not know the type {kind}"
    return FETCH[base_of(kind)].format(quote(column))


def read_some_rows(target, schema, landed, order):
    script = ["SET timezone = 'UTC'; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"]
    for number, name in enumerate(order):
        columns = ", ".join(fetch(landed[name], *column) for column in landed[name].types.items())
        script.append(f"\\echo table {number}")
        script.append(f"COPY (SELECT {columns} FROM {quote(schema)}.{quote(name)}) TO STDOUT;")
    script.append("COMMIT;")
    rows = None
    for line in target.script("\n".join(script)).decode().splitlines():
        if line.startswith("table "):
            rows = landed[order[int(line[6:])]].rows
        else:
            rows[tuple(None if v == "\\N" else v for v in line.split("\t"))] += 1
