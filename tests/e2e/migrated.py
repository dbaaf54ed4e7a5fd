"""The judge of a migration: does a PostgreSQL database that an application made hold what the
application's SQLite file holds?

    python3 tests/e2e/migrated.py homeserver.db 'host=/run/postgresql dbname=synapse'

It shares nothing with rowferry and asks nothing of its ledger. The file is read by Python's sqlite3
module, the database by psql. Every table of the file is looked for by its name, columns are matched
by theirs, whatever their case, and each value is held against what the type of the column makes of
it: 0 and 1 against a boolean, bytes against a bytea, JSON against a jsonb by its meaning, text
without what PostgreSQL cannot hold. Rows are compared as multisets, a search vector by what the
server itself makes of the text. What differs is counted and printed; nothing is silent: a table
that is not compared is one of `not_carried`, and one that only one side has is a difference.

What an application does in its own way is in its Migration: SYNAPSE below, and others in the tests.
"""

import argparse
import itertools
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field

MISFIT = object()  # a value that its column cannot hold
RANGES = {"bigint": 2**63, "integer": 2**31, "smallint": 2**15}


@dataclass
class Migration:
    """What has to be known of an application."""
    not_carried: set = field(default_factory=set)  # tables that stay the target's own
    target_only: set = field(default_factory=set)  # that the file has no counterpart of
    special: dict = field(default_factory=dict)    # table of the target: function(Sides) -> rows
    names: dict = field(default_factory=dict)      # source: target, of tables with another name
    read: dict = field(default_factory=dict)       # (table, column): function(value) -> text
    nulled: set = field(default_factory=set)       # (table, column): a misfit there becomes NULL
    sequences: dict = field(default_factory=dict)  # name: queries or functions over the file


@dataclass
class Difference:
    table: str
    missing: int = 0  # rows of the file that are not in the database
    extra: int = 0    # and the other way round
    misfits: int = 0  # rows that the database cannot hold, which are not expected there
    shown: list = field(default_factory=list)
    said: str = ""

    def __bool__(self):
        return bool(self.missing or self.extra or self.said)

    def __str__(self):
        return f"{self.table}: {self.said or f'{self.missing} missing, {self.extra} extra'}" \
            + "".join(f"\n    {line}" for line in self.shown)


# The two sides

END = "end of the result"


class Psql:
    """One session a script; rows as lists of text."""

    def __init__(self, conninfo, schema="public"):
        self.conninfo = conninfo
        self.schema = schema

    def script(self, text, into=subprocess.PIPE):
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.conninfo],
            input=f'SET search_path = "{self.schema}";\n{text}'.encode(), stdout=into,
            stderr=subprocess.PIPE, env={**os.environ, "PGCLIENTENCODING": "UTF8"})
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr.decode()}")
        return done.stdout and done.stdout.decode()

    def results(self, queries):
        """The rows of each query in turn, asked in one session; a server's worth of them is kept
        in a file."""
        with tempfile.TemporaryFile() as answers:
            queries = list(queries)
            self.script("".join(f"COPY ({query}) TO STDOUT;\n\\echo {END}\n"
                                for query in queries), answers)
            answers.seek(0)
            lines = iter(answers.readline, b"")
            for _ in queries:
                yield (row_of(line) for line in
                       itertools.takewhile(lambda line: line != f"{END}\n".encode(), lines))

    def rows(self, query):
        return [row for rows in self.results([query]) for row in rows]

    def columns(self):
        """{table: {column: type}} of every table of the schema."""
        found = {}
        for table, column, kind in self.rows(
                "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_class c "
                "JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind IN ('r', 'p') "
                "AND c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 "
                "AND NOT a.attisdropped ORDER BY c.relname, a.attnum"):
            found.setdefault(table, {})[column] = kind
        return found


def row_of(line):
    return [unescape(value) for value in line.decode()[:-1].split("\t")]


ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "\\": "\\"}


def unescape(value):
    if value == "\\N":
        return None
    if "\\" not in value:
        return value
    return re.sub(r"\\(.)", lambda m: ESCAPES[m[1]], value, flags=re.DOTALL)


def escape(value):
    if value is None:
        return "\\N"
    return re.sub("[\\\\\n\t\r]", lambda m: {"\\": "\\\\", "\n": "\\n", "\t": "\\t",
                                             "\r": "\\r"}[m[0]], value)


class File:
    """The SQLite file. Texts are str, of what can be read in them; `bad` tells whether any could
    not."""

    def __init__(self, path):
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")

    def tables(self):
        found = {name: sql for name, sql in self.db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")}
        virtual = [n for n, sql in found.items() if sql.upper().startswith("CREATE VIRTUAL")]
        shadow = re.compile("(?:%s)_(?:content|segments|segdir|docsize|stat|data|idx|config)"
                            % "|".join(map(re.escape, virtual or ["\0"])))
        return {name: [row[1] for row in self.db.execute(f'PRAGMA table_info("{name}")')]
                for name in found if name not in virtual and not shadow.fullmatch(name)}

    def rows(self, query, *parameters):
        return self.db.execute(query, parameters)


@dataclass
class Sides:
    file: File
    psql: Psql


# Values

BAD = re.compile("[\0\ud800-\udfff]")


def clean(text):
    """What of a text PostgreSQL can hold: neither NUL nor bytes that are not UTF-8."""
    return BAD.sub("", text)


def expected(value, kind):
    """The text that COPY is to give of a value in a column of this type."""
    if value is None:
        return None
    if kind == "boolean":
        return {0: "f", 1: "t"}.get(value, MISFIT) if isinstance(value, int) else MISFIT
    if kind in RANGES:
        fits = isinstance(value, int) and -RANGES[kind] <= value < RANGES[kind]
        return str(value) if fits else MISFIT
    if kind == "bytea":
        return "\\x" + value.hex() if isinstance(value, bytes) else MISFIT
    if not isinstance(value, str):
        return MISFIT
    return given(clean(value), kind)


def meaning(document):
    try:
        return json.dumps(json.loads(document), sort_keys=True)
    except ValueError:
        return MISFIT


def given(value, kind):
    """One text for what is the same in the column's type."""
    if value is None:
        return None
    if kind in ("json", "jsonb"):
        return meaning(value)
    if kind == "timestamp without time zone":
        return re.sub(r"\.?0*$", "", value) if "." in value else value
    return value.rstrip(" ") if kind == "character" else value


# Tables

def compare(path, conninfo, migration, schema="public"):
    """The Difference of every table, by name; those without any are falsy."""
    sides = Sides(File(path), Psql(conninfo, schema))
    try:
        return compare_sides(sides, migration)
    finally:
        sides.file.db.close()


def compare_sides(sides, migration):
    here, there = sides.file.tables(), sides.psql.columns()
    found = {table: Difference(table, said="the file has it, the database has not")
             for table in here}
    pairs = [Pair(table, columns, name, there[name]) for table, columns in sorted(here.items())
             if table not in migration.not_carried
             and (name := migration.names.get(table, table)) in there]
    for pair in pairs:
        found.update(pair.difference())
    wanted = [pair for pair in pairs if not found[pair.name]]
    for pair, rows in zip(wanted, sides.psql.results([pair.query() for pair in wanted])):
        found[pair.name] = pair.compare(sides.file, rows, migration)
    for table, judge in migration.special.items():
        if table in there:
            found[table] = judge(sides)
    for table in set(there) - set(found) - migration.target_only:
        found[table] = Difference(table, said="the database has it, the file has not")
    for table in migration.not_carried | set(migration.names):
        found.pop(table, None)
    return found | sequences(sides, migration, here)


class Pair:
    """A table on both sides."""

    def __init__(self, table, columns, name, kinds):
        self.table, self.columns, self.name = table, columns, name
        self.there = [next((k for k in (c, c.lower()) if k in kinds), None) for c in columns]
        self.kinds = [kinds.get(column) for column in self.there]
        self.said = "" if sorted(map(str, self.there)) == sorted(kinds) else \
            f"columns: {columns} and {list(kinds)}"

    def difference(self):
        return {self.name: Difference(self.name, said=self.said)}

    def query(self):
        return "SELECT {} FROM {}".format(", ".join(f'"{c}"' for c in self.there),
                                          f'"{self.name}"')

    def compare(self, file, rows, migration):
        difference = Difference(self.name)
        wanted = Counter()
        names = ", ".join(f'"{c}"' for c in self.columns)
        for row in file.rows(f'SELECT {names} FROM "{self.table}"'):
            fields = tuple(self.field(*cell, migration)
                           for cell in zip(self.columns, self.kinds, row))
            if MISFIT in fields:
                difference.misfits += 1
            else:
                wanted[fields] += 1
        landed = Counter(tuple(map(given, row, self.kinds)) for row in rows)
        return count(difference, wanted, landed)

    def field(self, column, kind, value, migration):
        text = migration.read.get((self.table, column), expected)(value, kind)
        return None if text is MISFIT and (self.table, column) in migration.nulled else text


def count(difference, wanted, landed):
    missing, extra = wanted - landed, landed - wanted
    difference.missing, difference.extra = missing.total(), extra.total()
    difference.shown = [f"{side} {str(row)[:300]}" for side, rows in
                        (("missing", missing), ("extra", extra)) for row in list(rows)[:3]]
    return difference


def sequences(sides, migration, tables):
    """Next to come is more than anything that was handed out."""
    there = [row[0] for row in sides.psql.rows(
        "SELECT relname FROM pg_class WHERE relkind = 'S' "
        "AND relnamespace = current_schema()::regnamespace")]
    known = [name for name in migration.sequences if name in there]
    states = sides.psql.results(f'SELECT last_value, is_called FROM "{name}"' for name in known)
    found = {}
    for name, rows in zip(known, states):
        (last, called), = rows
        last = int(last) - (called == "f")
        top = max((given_out(sides.file, query, tables) for query in migration.sequences[name]),
                  default=0)
        found[f"sequence {name}"] = Difference(
            name, said=f"stands at {last}, and {top} was handed out" if last < top else "")
    return found


def given_out(file, query, tables):
    if callable(query):
        return query(file)
    if not set(re.findall(r"(?<=FROM )\w+", query)) <= set(tables):
        return 0
    return file.rows(query).fetchone()[0] or 0


# Synapse

def vectors(sides, table, columns, rows, select):
    """Compares a table with what the server makes of rows that it is given, vectors and all."""
    difference = Difference(table)
    staged = "".join("\t".join(escape(v) for v in row) + "\n" for row in rows)
    names = ", ".join(f"{c} text" for c in columns)
    counts = sides.psql.script(
        f"CREATE TEMPORARY TABLE staged ({names});\nCOPY staged FROM STDIN;\n{staged}\\.\n"
        f"SELECT (SELECT count(*) FROM ({select} EXCEPT ALL TABLE {table}) AS a), "
        f"(SELECT count(*) FROM (TABLE {table} EXCEPT ALL {select}) AS b);\n").split("|")
    difference.missing, difference.extra = map(int, counts)
    return difference


def event_search(sides):
    """Messages that can be searched for: the vector, and when and where the event was."""
    rows = []
    for *texts, value, sent, number in sides.file.rows(
            "SELECT c0event_id, c1room_id, c2sender, c3key, c4value, origin_server_ts, "
            "stream_ordering FROM event_search_content LEFT JOIN events ON event_id = c0event_id"):
        rows.append([None if v is None else clean(str(v)) for v in (*texts, sent, number)]
                    + [value and BAD.sub(" ", value)])
    return vectors(
        sides, "event_search", ["e", "r", "s", "k", "t", "o", "v"], rows,
        "SELECT e, r, s, k, to_tsvector('english', v), t::bigint, o::bigint FROM staged")


def user_directory_search(sides):
    """People: the name before the colon weighs most, then the one shown, then their server."""
    rows = []
    for user, value in sides.file.rows("SELECT c0user_id, c1value FROM "
                                       "user_directory_search_content"):
        name, _, host = user[1:].partition(":")
        rows.append([clean(v) for v in (user, name, host, value[len(user) + 1:])])
    return vectors(
        sides, "user_directory_search", ["u", "n", "h", "d"], rows,
        "SELECT u, setweight(to_tsvector('simple', n), 'A') || setweight(to_tsvector('simple', h), "
        "'D') || setweight(to_tsvector('simple', d), 'B') FROM staged")


def stream(name, *columns):
    """What a sequence of Synapse's must not hand out again."""
    return [f"SELECT max({column}) FROM {table}" for table, column in columns] + [
        f"SELECT max(abs(stream_id)) FROM stream_positions WHERE stream_name = '{name}'"]


def last_number(file):
    """Users who did not choose a name have a number."""
    numbers = [re.match(r"@([0-9]+):", name) for (name,) in file.rows("SELECT name FROM users")]
    return max((int(m[1]) for m in numbers if m), default=0)


SYNAPSE = Migration(
    not_carried={"schema_version", "schema_compat_version", "applied_schema_deltas",
                 "applied_module_schemas", "background_updates", "worker_locks",
                 "worker_read_write_locks", "worker_read_write_locks_mode"},
    target_only={"instance_map", "cache_invalidation_stream_by_instance"},
    special={"event_search": event_search, "user_directory_search": user_directory_search},
    nulled={("local_media_repository", "media_length"), ("remote_media_cache", "media_length"),
            ("local_media_repository_thumbnails", "thumbnail_length"),
            ("remote_media_cache_thumbnails", "thumbnail_length")},
    sequences={
        "events_stream_seq": stream(
            "events", ("events", "stream_ordering"), ("current_state_delta_stream", "stream_id"),
            ("ex_outlier_stream", "event_stream_ordering")),
        "events_backfill_stream_seq": stream("backfill", ("events", "-stream_ordering")),
        "account_data_sequence": stream(
            "account_data", ("account_data", "stream_id"), ("room_account_data", "stream_id"),
            ("room_tags_revisions", "stream_id")),
        "application_services_txn_id_seq": [
            "SELECT max(txn_id) FROM application_services_txns"],
        "cache_invalidation_stream_seq": stream("caches"),
        "device_inbox_sequence": stream(
            "to_device", ("device_inbox", "stream_id"), ("device_federation_outbox", "stream_id")),
        "device_lists_sequence": stream(
            "device_lists_stream", ("device_lists_stream", "stream_id"),
            ("user_signature_stream", "stream_id"), ("device_lists_outbound_pokes", "stream_id"),
            ("device_lists_changes_in_room", "stream_id"),
            ("device_lists_remote_pending", "stream_id"),
            ("device_lists_changes_converted_stream_position", "stream_id")),
        "e2e_cross_signing_keys_sequence": stream(
            "e2e_cross_signing_keys", ("e2e_cross_signing_keys", "stream_id")),
        "event_auth_chain_id": ["SELECT max(chain_id) FROM event_auth_chains"],
        "presence_stream_sequence": stream("presence_stream", ("presence_stream", "stream_id")),
        "push_rules_stream_sequence": stream(
            "push_rules_stream", ("push_rules_stream", "stream_id")),
        "pushers_sequence": stream("pushers", ("pushers", "id"), ("deleted_pushers", "stream_id")),
        "receipts_sequence": stream("receipts", ("receipts_linearized", "stream_id")),
        "state_group_id_seq": ["SELECT max(id) FROM state_groups"],
        "sticky_events_sequence": stream("sticky_events", ("sticky_events", "stream_id")),
        "thread_subscriptions_sequence": stream(
            "thread_subscriptions", ("thread_subscriptions", "stream_id")),
        "un_partial_stated_event_stream_sequence": stream(
            "un_partial_stated_event_stream", ("un_partial_stated_event_stream", "stream_id")),
        "un_partial_stated_room_stream_sequence": stream(
            "un_partial_stated_room_stream", ("un_partial_stated_room_stream", "stream_id")),
        "user_id_seq": [last_number],
        "sliding_sync_connections_connection_key_seq": [
            "SELECT max(connection_key) FROM sliding_sync_connections"],
        "sliding_sync_connection_positions_connection_position_seq": [
            "SELECT max(connection_position) FROM sliding_sync_connection_positions"],
        "sliding_sync_connection_required_state_required_state_id_seq": [
            "SELECT max(required_state_id) FROM sliding_sync_connection_required_state"],
        "state_groups_pending_deletion_sequence_number_seq": [
            "SELECT max(sequence_number) FROM state_groups_pending_deletion"],
    })


def assert_migrated(path, conninfo, migration=SYNAPSE, misfits=None, schema="public"):
    """Fails unless the database holds the file; `misfits` are the rows that it cannot hold, by
    table."""
    found = compare(path, conninfo, migration, schema)
    wrong = [str(d) for d in found.values() if d]
    assert not wrong, "\n".join(wrong)
    assert {d.table: d.misfits for d in found.values() if d.misfits} == (misfits or {})
    return found


def main():
    parser = argparse.ArgumentParser(description="Compares a Synapse server's SQLite file with "
                                                 "its PostgreSQL database.")
    parser.add_argument("file")
    parser.add_argument("conninfo")
    parser.add_argument("--schema", default="public")
    asked = parser.parse_args()
    found = compare(asked.file, asked.conninfo, SYNAPSE, asked.schema)
    wrong = [difference for difference in found.values() if difference]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    misfits = sum(difference.misfits for difference in found.values())
    print(f"{len(found)} tables and sequences compared, {len(wrong)} differ; "
          f"{misfits} rows with values that PostgreSQL cannot hold are not expected there")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
