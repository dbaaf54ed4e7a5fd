"""A table that SQLite and the server both have, and expressions to try on it.

An expression goes through the translation (by way of expression_tool). SQLite evaluates the original
over a table of awkward values; the server evaluates what came out over the same table, as real
generated columns, CHECKs and indexes. Every value has to be the same to the bit.
"""

import collections
import datetime
import os
import sqlite3
import struct
import subprocess
from decimal import Decimal
from pathlib import Path

from postgres import literal, quote
from program import ROOT

TOOL = Path(os.environ.get("ROWFERRY_EXPRESSION_TOOL",
                           ROOT / "build" / "asan" / "tests" / "unit" / "replay" / "expression_tool"))
BATCH = 60

BIG = 2**63
INTEGERS = [0, 1, -1, 2, 3, 7, 10, -10, 100, 255, 256, 1000, 2**31 - 1, 2**31, -2**31, 2**53 - 1,
            2**53, 2**53 + 1, -2**53 - 1, BIG - 1, -BIG, -BIG + 1, BIG // 2, -BIG // 2, 1700000000]
SMALL = [0, 1, -1, 2, 3, 5, 10, 100, -7, 64]
REALS = [0.0, -0.0, 0.5, -0.5, 1.0, 1.5, 2.5, -2.5, 0.1, 0.49999999999999994, 1e15,
         4503599627370495.5, 4503599627370496.0, 4503599627370497.5, 2.0**53, 1e18, 9.3e18, -9.3e18,
         9223372036854774784.0, 1e300, -1e300, 1.7976931348623157e308, 5e-324, -5e-324, 1e-300,
         float("inf"), float("-inf"), 3.0, 100.0, 99.995]
NUMBERS = [0, 1, -1, 5, 2**53, -2**53, 100, 0.5, -2.5, 1e300, 0.1, float("inf"), 2.5]
TEXTS = ["", " ", "  ", "a", "A", "b", "abc", "ABC", "Abc ", "abc  ", " abc", "a b", "ä", "Ä", "ß",
         "straße", "STRASSE", "日本語", "😀", "e\u0301", "é", "İ", "ı", "%", "_", "\\", "a%b", "a_b",
         "a\\b", "it's", '"q"', "1", "01", "1.0", "-5", "5 ", "1e5", "true", "null", "a\nb", "a\tb",
         "a\r", "[x]", "A1", "12345", "*", "a?c", "-", "^", "z", "Z", "~", "x@y.org", "\ufffd",
         "\uffff", "\U0010ffff", "\x80", "a\x80b", "a" * 300]
STAMPS = ["2020-01-01 00:00:00", "2020-01-01", "2019-12-31 23:59:59", "not known", "",
          "2024-02-29T12:00:00Z", "X"]
BLOBS = [b"", b"\0", b"\xff", b"abc", b"\0\1\2", b"abcd", b"ab", bytes(range(40))]
DECIMALS = [0, 1, -1, 12.5, -0.25, 99999999.99, 0.1, 2**53, -2**53, 5, 1000000, 19.99]

SECONDS = ["0001-01-01 00:00:00", "1969-12-31 23:59:59", "1970-01-01 00:00:00", "2000-02-29 12:00:00",
           "2024-05-01 00:00:00", "2024-05-01 00:00:01", "2024-05-01 23:59:59", "9999-12-31 23:59:59"]
ZONED = ["1969-12-31T23:59:59.999Z", "2024-05-01T00:00:00.000Z", "2024-05-01T00:00:00.010Z",
         "2024-05-01T00:00:00.100Z", "2024-05-01T00:00:01.000Z"]
DAYS = ["0001-01-01", "1969-12-31", "2000-02-29", "2024-05-01", "9999-12-31"]
TIMES = ["00:00:00", "00:00:01", "09:59:59", "10:00:00", "23:59:59"]
FRACTIONS = ["2024-05-01 00:00:00", "2024-05-01 00:00:00.1", "2024-05-01 00:00:00.123456"]
UNIX = [0, 1, -1, 1714521600, 1714521601, 1714521600.5, -62135596800, 253402300799, 0.25]
UNIX_MS = [0, 1, -1, 1714521600000, 1714521600001, 253402300799999]
JULIAN = [2440587.5, 2440588.0, 210866760000001 / 86400000, 212381287323456 / 86400000, 0.5]

# `kind` is the tool's word for what the target makes of the column; `values` are those worth a test;
# `encoding` says how dates and times are kept.
Column = collections.namedtuple("Column", "name declared kind affinity collation not_null values encoding "
                                          "precision scale length",
                                defaults=["", 0, 0, 0])

COLUMNS = [
    Column("id", "INTEGER PRIMARY KEY", "bigint", "INTEGER", "", 1, None),
    Column("a", "INTEGER", "bigint", "INTEGER", "", 0, INTEGERS),
    Column("b", "INT", "bigint", "INTEGER", "", 0, INTEGERS),
    Column("k", "INTEGER NOT NULL", "bigint", "INTEGER", "", 1, SMALL),
    Column("j", "", "bigint", "BLOB", "", 0, INTEGERS),
    Column("r", "REAL", "double", "REAL", "", 0, REALS),
    Column("p", "", "double", "BLOB", "", 0, REALS),
    Column("s", "REAL", "double", "REAL", "", 0, REALS),
    Column("n", "NUMERIC", "double", "NUMERIC", "", 0, NUMBERS),
    Column("f", "BOOLEAN", "boolean", "NUMERIC", "", 0, [0, 1]),
    Column("g", "BOOLEAN NOT NULL", "boolean", "NUMERIC", "", 1, [0, 1]),
    Column("t", "TEXT", "text", "TEXT", "", 0, TEXTS),
    Column("q", "TEXT NOT NULL", "text", "TEXT", "", 1, TEXTS),
    Column("u", "TEXT COLLATE NOCASE", "text", "TEXT", "NOCASE", 0, TEXTS),
    Column("w", "TEXT COLLATE RTRIM", "text", "TEXT", "RTRIM", 0, TEXTS),
    Column("c", "DATETIME", "text", "NUMERIC", "", 0, STAMPS),
    Column("v", "", "text", "BLOB", "", 0, TEXTS),
    Column("x", "BLOB", "bytea", "BLOB", "", 0, BLOBS),
    Column("y", "BLOB", "bytea", "BLOB", "", 0, BLOBS),
    Column("d", "DECIMAL(10,2)", "numeric", "NUMERIC", "", 0, DECIMALS),
    Column("o", "", "other", "BLOB", "", 0, ["x", 1, 2.5]),
    Column("ma", "TIMESTAMP", "timestamp", "NUMERIC", "", 0, SECONDS, "YYYY-MM-DD HH:MM:SS"),
    Column("mb", "TEXT COLLATE NOCASE", "timestamp", "TEXT", "NOCASE", 0, SECONDS, "YYYY-MM-DD HH:MM:SS"),
    Column("mz", "TEXT", "timestamptz", "TEXT", "", 0, ZONED, "YYYY-MM-DDTHH:MM:SS.fffZ"),
    Column("my", "", "timestamptz", "BLOB", "", 0, ZONED, "YYYY-MM-DDTHH:MM:SS.fffZ"),
    Column("mf", "TEXT", "timestamp", "TEXT", "", 0, FRACTIONS, "YYYY-MM-DD HH:MM:SS[.f*]"),
    Column("md", "DATE", "date", "NUMERIC", "", 0, DAYS, "YYYY-MM-DD"),
    Column("me", "DATE", "date", "NUMERIC", "", 1, DAYS, "YYYY-MM-DD"),
    Column("mt", "TIME", "time", "NUMERIC", "", 0, TIMES, "HH:MM:SS"),
    Column("ms", "INTEGER", "timestamptz", "INTEGER", "", 0, UNIX, "unix-s"),
    Column("mr", "REAL", "timestamptz", "REAL", "", 0, UNIX, "unix-s"),
    Column("mm", "INTEGER", "timestamptz", "INTEGER", "", 0, UNIX_MS, "unix-ms"),
    Column("mj", "", "timestamptz", "BLOB", "", 0, JULIAN, "julian-day"),
    Column("i4", "INTEGER", "integer", "INTEGER", "", 0, [0, 1, -1, 7, 2**31 - 1, -2**31]),
    Column("i2", "SMALLINT", "smallint", "INTEGER", "", 0, [0, 1, -1, 7, 2**15 - 1, -2**15]),
    Column("e", "DECIMAL(15,2)", "numeric", "NUMERIC", "", 0,
           [0, 1, -1, 12.5, 0.1, 19.99, 9999999999999.99, -9999999999999.99, 9999999999999], "", 15, 2),
    Column("h", "DECIMAL(10,2)", "numeric", "NUMERIC", "", 0, [0, 1, -1, 12.5, 0.1, 19.99, 99999999.99, 12], "",
           10, 2),
    Column("v5", "VARCHAR(5)", "text", "TEXT", "", 0, ["", "a", "abc", "ABC", "äöüß€", "a b ", "12345", " "], "",
           0, 0, 5),
    Column("order", "INTEGER", "bigint", "INTEGER", "", 0, SMALL),
    Column("Ünit one", "TEXT", "text", "TEXT", "", 0, TEXTS),
]
# Where generated values and defaults go.
TARGETS = [
    Column("to_bigint", "INTEGER", "bigint", "INTEGER", "", 0, None),
    Column("to_any_bigint", "", "bigint", "BLOB", "", 0, None),
    Column("to_double", "REAL", "double", "REAL", "", 0, None),
    Column("to_any_double", "", "double", "BLOB", "", 0, None),
    Column("to_number", "NUMERIC", "double", "NUMERIC", "", 0, None),
    Column("to_boolean", "BOOLEAN", "boolean", "NUMERIC", "", 0, None),
    Column("to_text", "TEXT", "text", "TEXT", "", 0, None),
    Column("to_stamp", "DATETIME", "text", "NUMERIC", "", 0, None),
    Column("to_any_text", "", "text", "BLOB", "", 0, None),
    Column("to_bytea", "BLOB", "bytea", "BLOB", "", 0, None),
    Column("to_numeric", "DECIMAL", "numeric", "NUMERIC", "", 0, None),
    Column("to_mixed", "", "text-or-number", "BLOB", "", 0, None),
    Column("to_i4", "INTEGER", "integer", "INTEGER", "", 0, None),
    Column("to_i2", "INTEGER", "smallint", "INTEGER", "", 0, None),
    Column("to_v5", "VARCHAR(5)", "text", "TEXT", "", 0, None, "", 0, 0, 5),
    Column("to_date", "DATE", "date", "NUMERIC", "", 0, None, "YYYY-MM-DD"),
    Column("to_time", "TIME", "time", "NUMERIC", "", 0, None, "HH:MM:SS"),
    Column("to_minute", "TEXT", "time", "TEXT", "", 0, None, "HH:MM"),
    Column("to_timestamp", "TIMESTAMP", "timestamp", "NUMERIC", "", 0, None, "YYYY-MM-DD HH:MM:SS"),
    Column("to_timestamptz", "TEXT", "timestamptz", "TEXT", "", 0, None, "YYYY-MM-DD HH:MM:SS"),
    Column("to_midnight", "TEXT", "timestamp", "TEXT", "", 0, None, "YYYY-MM-DD"),
    Column("to_zoned", "TEXT", "timestamptz", "TEXT", "", 0, None, "YYYY-MM-DDTHH:MM:SSZ"),
    Column("to_millis", "TEXT", "timestamptz", "TEXT", "", 0, None, "YYYY-MM-DDTHH:MM:SS.fffZ"),
    Column("to_needed", "TEXT", "timestamp", "TEXT", "", 0, None, "YYYY-MM-DD HH:MM:SS[.f*]"),
    Column("to_winter", "TEXT", "timestamptz", "TEXT", "", 0, None, "YYYY-MM-DD HH:MM:SS+01:00"),
    Column("to_unix", "INTEGER", "timestamptz", "INTEGER", "", 0, None, "unix-s"),
    Column("to_real_unix", "REAL", "timestamp", "REAL", "", 0, None, "unix-s"),
    Column("to_text_unix", "TEXT", "timestamptz", "TEXT", "", 0, None, "unix-s"),
    Column("to_unix_ms", "INTEGER", "timestamptz", "INTEGER", "", 0, None, "unix-ms"),
    Column("to_unix_day", "INTEGER", "date", "INTEGER", "", 0, None, "unix-s"),
    Column("to_julian", "", "timestamptz", "BLOB", "", 0, None, "julian-day"),
]
ALL = COLUMNS + TARGETS
BY_NAME = {column.name: column for column in ALL}
NUMBER = {column.name: number for number, column in enumerate(ALL)}

FORMS = {
    "double": "encode(float8send({}), 'hex')",
    "text": "encode(convert_to({}, 'UTF8'), 'hex')",
    "text-or-number": "encode(convert_to({}, 'UTF8'), 'hex')",
    "bytea": "encode({}, 'hex')",
}


# Turkish, and blind to case and accents: whatever the SQL does not say for itself goes wrong.
AWKWARD = "CREATE COLLATION awkward (provider = icu, locale = 'tr-TR-u-ks-level1', deterministic = false)"


def type_of(column):
    """The column's type in the server."""
    types = {"double": "double precision", "text-or-number": "text", "other": "text"}
    if column.length:
        return f"varchar({column.length})"
    if column.precision:
        return f"numeric({column.precision},{column.scale})"
    return types.get(column.kind, column.kind)


def form_of(column):
    """SQL that shows every bit of a value."""
    return FORMS.get(column.kind, "{}::text")


# The tool

def escape(field):
    return field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def unescape(field):
    return field.replace("\\\\", "\0").replace("\\t", "\t").replace("\\n", "\n").replace("\0", "\\")


def tool(lines):
    """What the tool prints for its input lines, each a list of fields."""
    assert TOOL.exists(), f"{TOOL} is missing: build it (tools/test e2e does)"
    text = "".join("\t".join(escape(str(field)) for field in line) + "\n" for line in lines)
    done = subprocess.run([str(TOOL)], input=text.encode(), capture_output=True, timeout=600)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode()
    return [[unescape(field) for field in line.split("\t")]
            for line in done.stdout.decode().split("\n")[:-1]]


def described(utf16=0):
    """The lines that tell the tool of the table."""
    yield ["table", "e", 0, utf16]
    for column in ALL:
        yield ["column", column.name, column.kind, column.affinity, column.collation, column.not_null,
               0, column.precision, column.scale, column.encoding, 0, column.length]


def translate(requests, utf16=0):
    """For each request (a line for the tool) its SQL, or None; and why each of the others was refused."""
    answers = tool([*described(utf16), *requests])
    assert len(answers) == len(requests)
    sql = [answer[1] if answer[0] == "sql" else None for answer in answers]
    refused = [(request, answer[1]) for request, answer in zip(requests, answers) if answer[0] == "refused"]
    return sql, refused


# The table

def rows(rng):
    """Every value of every column at least once, in random company."""
    height = 2 * max(len(column.values) for column in COLUMNS if column.values)
    columns = []
    for column in COLUMNS:
        if column.values is None:
            columns.append(list(range(1, height + 1)))
            continue
        values = list(column.values) + ([] if column.not_null else [None])
        values += [rng.choice(values) for _ in range(height - len(values))]
        rng.shuffle(values)
        columns.append(values)
    return list(zip(*columns))


def moment_of(column, value):
    """What a value of a column of dates or times stands for, as PostgreSQL takes it."""
    if isinstance(value, str):
        return value.replace("T", " ").replace("Z", "+00")
    start = datetime.datetime(1970, 1, 1)
    if column.encoding == "julian-day":
        return f"{start + datetime.timedelta(milliseconds=round(value * 86400000) - 210866760000000)}+00" \
            if value > 1721426 else "4714-11-25 00:00:00+00 BC"  # noon of a November 24th, and half a day
    scale = {"unix-s": 1, "unix-ms": 1000}[column.encoding]
    return f"{start + datetime.timedelta(microseconds=round(value * 1000000 / scale))}+00"


def server_literal(column, value):
    if value is None:
        return "NULL"
    if column.encoding:
        return literal(moment_of(column, value))
    if column.kind == "boolean":
        return "true" if value else "false"
    if column.kind == "bytea":
        return f"decode('{value.hex()}', 'hex')"
    return literal(value) if isinstance(value, str) else f"'{value!r}'"


RANGES = {"bigint": 2**63, "integer": 2**31, "smallint": 2**15}


def shown(column, value):
    """SQLite's value as the server should show it; None where the column's type cannot hold it."""
    integer, number = isinstance(value, int), isinstance(value, (int, float))
    if value is None:
        return "NULL"
    if column.kind in RANGES:
        return str(value) if integer and -RANGES[column.kind] <= value < RANGES[column.kind] else None
    if column.kind == "boolean":
        return {0: "false", 1: "true"}.get(value) if integer else None
    if column.kind == "double":
        fits = isinstance(value, float) or (integer and abs(value) <= 2**53)
        return struct.pack(">d", value).hex() if fits else None
    if column.kind == "text":
        fits = isinstance(value, str) and (not column.length or len(value) <= column.length)
        return value.encode().hex() if fits else None
    if column.kind == "text-or-number":
        return str(value).encode().hex() if number or isinstance(value, str) else None
    if column.kind == "bytea":
        return value.hex() if isinstance(value, bytes) else None
    assert column.kind == "numeric"
    return str(Decimal(repr(value))) if number else None


def same(column, one, other):
    """A numeric may be spelled in several ways."""
    if column.kind == "numeric" and "NULL" not in (one, other) and None not in (one, other):
        return Decimal(one) == Decimal(other)
    return one == other


class Both:
    """The table `e` in SQLite and in the server."""

    def __init__(self, target, rng, encoding="UTF-8"):
        self.target = target
        self.utf16 = int(encoding != "UTF-8")
        self.lite = sqlite3.connect(":memory:")
        self.lite.execute(f"PRAGMA encoding = '{encoding}'")
        columns = ", ".join(f"{quote(column.name)} {column.declared}" for column in COLUMNS)
        self.lite.execute(f"CREATE TABLE e ({columns})")
        self.lite.executemany(f"INSERT INTO e VALUES ({', '.join('?' * len(COLUMNS))})", rows(rng))
        self.rows = self.lite.execute("SELECT * FROM e ORDER BY id").fetchall()  # a REAL is never -0.0
        for column in TARGETS:
            self.lite.execute(f"CREATE TABLE {column.name} (id INTEGER PRIMARY KEY, v {column.declared})")
        columns = ", ".join(f"{quote(column.name)} {type_of(column)}"
                            f"{' COLLATE awkward' if column.kind == 'text' else ''}"
                            f"{' NOT NULL' if column.not_null else ''}" for column in COLUMNS)
        values = ",\n".join("(" + ", ".join(map(server_literal, COLUMNS, row)) + ")" for row in self.rows)
        target.script(f"{AWKWARD};\nCREATE TABLE e ({columns}, PRIMARY KEY (id));\n"
                      f"INSERT INTO e VALUES {values}")

    def judged(self, expression, column):
        """id: value as SQLite keeps it in a column of that kind. Rows that SQLite has only an error for
        are left out."""
        self.lite.execute(f"DELETE FROM {column.name}")
        insert = f"INSERT INTO {column.name} SELECT id, {expression} FROM e"
        try:
            self.lite.execute(insert)
        except sqlite3.OperationalError as why:
            assert "integer overflow" in str(why), f"carried over, and SQLite says {why}: {expression}"
            for number in range(1, len(self.rows) + 1):
                try:
                    self.lite.execute(f"{insert} WHERE id = {number}")
                except sqlite3.OperationalError:
                    pass
        return dict(self.lite.execute(f"SELECT id, v FROM {column.name}"))

    def rows_of(self, before, query, after):
        """The rows of a query between other statements."""
        out = self.target.script(f"{before}\nCOPY ({query}) TO STDOUT;\n{after}").decode()
        return [[None if value == "\\N" else value for value in line.split("\t")]
                for line in out.splitlines()]

    def _in_batches(self, items, found):
        """For every item, (text, SQL, …), a dict from id to the value that `found` gets of a batch."""
        result = []
        for start in range(0, len(items), BATCH):
            batch = items[start:start + BATCH]
            try:
                there = found(batch)
            except AssertionError as why:
                for item in batch if len(batch) > 1 else []:
                    self._in_batches([item], found)
                raise AssertionError(f"the server refuses {batch[0][0]}\n{batch[0][1]}\n{why}") from None
            result += [{int(row[0]): row[i + 1] for row in there} for i in range(len(batch))]
        return result

    def _generated(self, batch):
        adds = ",\n".join(f"ADD g{i} {type_of(column)} GENERATED ALWAYS AS ({sql}) STORED"
                          for i, (_, sql, column) in enumerate(batch))
        forms = ", ".join(form_of(column).format(f"g{i}") for i, (_, _, column) in enumerate(batch))
        return self.rows_of(f"BEGIN; ALTER TABLE e {adds};", f"SELECT id, {forms} FROM e", "ROLLBACK;")

    def _conditions(self, batch):
        adds = "".join(f"ALTER TABLE empty ADD CHECK ({sql}); CREATE INDEX ON empty (id) WHERE {sql};\n"
                       for _, sql in batch)
        columns = ", ".join(f"({sql})::text" for _, sql in batch)
        return self.rows_of(f"BEGIN; CREATE TABLE empty (LIKE e); {adds}", f"SELECT id, {columns} FROM e",
                            "ROLLBACK;")

    def compare(self, expressions):
        """expressions: (text, column). Carries them over as generated columns; any difference fails.
        Returns how many were carried, and why the others were not."""
        sql, refused = translate([["generated", NUMBER[column.name], text] for text, column in expressions],
                                 self.utf16)
        carried = [(text, one, column) for (text, column), one in zip(expressions, sql) if one is not None]
        for (text, one, column), values in zip(carried, self._in_batches(carried, self._generated)):
            for number, value in self.judged(text, column).items():
                should = shown(column, value)
                found = "NULL" if values[number] is None else values[number]
                assert same(column, should, found), \
                    f"{text}\n{one}\nin a column of {column.declared} -> {type_of(column)}, " \
                    f"row {self.rows[number - 1]}\nSQLite: {value!r}\nserver: {found}"
        return len(carried), refused

    def compare_conditions(self, texts):
        """The same for conditions: in CHECKs, in predicates of indexes, and row by row."""
        sql, refused = translate([["check", text] for text in texts], self.utf16)
        carried = [(text, one) for text, one in zip(texts, sql) if one is not None]
        for (text, one), values in zip(carried, self._in_batches(carried, self._conditions)):
            for number, value in self.judged(f"({text})", BY_NAME["to_any_text"]).items():
                assert value is None or isinstance(value, (int, float)), f"{text}: {value!r} as a condition"
                should = None if value is None else "true" if value != 0 else "false"
                assert should == values[number], \
                    f"{text}\n{one}\nrow {self.rows[number - 1]}\nSQLite: {value!r}\nserver: {values[number]}"
        return len(carried), refused

    def _ranks(self, batch):
        indexes = "".join(f"CREATE INDEX ON e ({sql}); CREATE INDEX ON e ({sql} DESC NULLS FIRST);\n"
                          for _, sql, _ in batch)
        ranks = ", ".join(f"dense_rank() OVER (ORDER BY {sql} NULLS FIRST)" for _, sql, _ in batch)
        return self.rows_of(f"BEGIN; {indexes}", f"SELECT id, {ranks} FROM e", "ROLLBACK;")

    def compare_order(self, items):
        """items: (text, SQL, what SQLite is to order by). Values that SQLite takes for equal, or puts one
        before the other, the server does too."""
        for (text, sql, by), ranks in zip(items, self._in_batches(items, self._ranks)):
            wanted = self.lite.execute(f"SELECT id, dense_rank() OVER (ORDER BY {by}) FROM e")
            assert {number: str(rank) for number, rank in wanted} == ranks, f"{text} ({by})\n{sql}"


# Expressions at random

class Maker:
    """Mostly of types that go together, with fewer parentheses than one would like."""

    def __init__(self, rng):
        self.rng = rng

    def many(self, kind, count):
        return [self.of(kind, self.rng.choice([1, 1, 2, 2, 3])) for _ in range(count)]

    def of(self, kind, depth):
        if self.rng.random() < 0.03:
            kind = self.rng.choice(["integer", "real", "text", "blob", "condition"])
        if depth <= 0:
            return self.rng.choice(self.LEAVES[kind])
        text = self.fill(self.rng.choice(self.FORMS[kind]), depth - 1, kind)
        return f"({text})" if self.rng.random() < 0.75 else text

    def fill(self, form, depth, kind):
        """Puts expressions and other pieces where a form has capital letters after a @."""
        other = kind if self.rng.random() < 0.85 else self.rng.choice(["integer", "real", "text"])
        pieces = form.split("@")
        text = pieces[0]
        for piece in pieces[1:]:
            text += self.piece(piece[0], depth, other) + piece[1:]
        return text

    def piece(self, letter, depth, kind):
        kinds = {"I": "integer", "R": "real", "T": "text", "B": "blob", "C": "condition"}
        if letter in kinds:
            return self.of(kinds[letter], depth)
        if letter == "V":  # of the kind in question
            return self.of(kind, depth)
        if letter == "N":
            return self.rng.choice(["", "NOT "])
        if letter == "L":  # the text of some literal pattern
            return literal("".join(self.rng.choices("%_!%_!abcABCä1 \\\x80", k=self.rng.randrange(6))))
        if letter == "G":
            return literal("".join(self.rng.choices("*?[]-^*?[]-^abcABCä1 \\\x80", k=self.rng.randrange(6))))
        if letter == "Q":  # two values of one kind, whichever, and what compares them
            kind = self.rng.choice(["integer", "integer", "real", "text", "text", "blob", "moment"])
            return self.fill(self.rng.choice(self.COMPARISONS), depth, kind)
        assert letter == "#"
        return str(self.rng.randrange(70))

    CHOICES = ["coalesce(@V, @V)", "ifnull(@V, @V)", "nullif(@V, @V)", "iif(@C, @V, @V)",
               "CASE WHEN @C THEN @V END", "CASE WHEN @C THEN @V WHEN @C THEN @V ELSE @V END",
               "CASE @V WHEN @V THEN @V ELSE @V END"]
    COMPARISONS = [*(f"@V {sign} @V" for sign in ["=", "<>", "<", "<=", ">", ">=", "==", "!=", "IS", "IS NOT"]),
                   "@V IS @NDISTINCT FROM @V", "@V @NBETWEEN @V AND @V", "@V @NIN (@V, @V, @V)", "@V @NIN (@V)",
                   "@V @NIN ()", "@V IS @NNULL", "@V ISNULL", "@V NOTNULL", "@V NOT NULL"]
    FORMS = {
        "integer": [*(f"@I {sign} @I" for sign in "+-*/%&|"), "@I << @#", "@I >> @#", "- @I", "~@I", "+@I",
                    "abs(@I)", "length(@T)", "instr(@T, @T)", "length(@B)", "max(@I, @I)", "min(@I, @I, @I)",
                    "CAST(@I AS INTEGER)", "CAST(@R AS INT)", "@C", "CAST(@I AS NUMERIC)", "@I % @#", "@I & @#",
                    "abs(@T)", "CAST(@R AS NUMERIC)", *CHOICES],
        "real": [*(f"@I {sign} {number}" for sign in "+-*/" for number in ("0.5", "100.0", "-2.5")), "1.0 / @I",
                 "-@R", "abs(@R)", "round(@R)", "round(@R, 0)", "CAST(@I AS REAL)", "@R * @R", "@R + @R",
                 "CAST(@R AS REAL)", "round(@I)", "+@R", "round(@T)", "CAST(@R AS NUMERIC)",
                 "CAST(@I AS NUMERIC)", *CHOICES],
        "text": ["@T || @T", "@T || @I", "lower(@T)", "upper(@T)", "trim(@T)", "ltrim(@T)", "rtrim(@T, @T)",
                 "substr(@T, 2)", "substr(@T, -2)", "substr(@T, 0, 3)", "substr(@T, 1, 2)", "replace(@T, @T, @T)",
                 "CAST(@I AS TEXT)", "hex(@B)", "typeof(@I)", "typeof(@R)", "min(@T, @T)", "max(@T, @T)",
                 "CAST(@R AS TEXT)", "@R || @T",
                 "@T COLLATE NOCASE", "@T COLLATE RTRIM", "@T COLLATE BINARY", "trim(@I, @T)",
                 "CAST(@T AS VARCHAR(5))", *CHOICES],
        "blob": ["CAST(@B AS BLOB)", *CHOICES],
        "moment": ["@V COLLATE NOCASE", "nullif(@V, @V)", "@V", "@V", "@V"],
        "condition": [*["@Q"] * 12, "@C AND @C", "@C OR @C", "NOT @C", "@C IS @NTRUE", "@C IS @NFALSE",
                      "@C = @C", "@T @NLIKE @L", "@T @NLIKE @L ESCAPE '!'", "@T @NGLOB @G", "@T @NGLOB @G", "@I",
                      *CHOICES],
    }
    LEAVES = {
        "integer": ["a", "b", "k", "j", "i4", "i2", "f", "g", "id", '"order"', "0", "1", "2", "3", "10", "-1", "-7", "255",
                    "0x1F", "TRUE", "FALSE", "9223372036854775807", "-9223372036854775808", "4294967296",
                    "9007199254740993", "NULL", "'5'"],
        "real": ["r", "s", "n", "d", "p", "r", "s", "n", "e", "h", "0.5", "1.5", "-2.5", "0.1", "100.0", "1e3", ".25", "3.",
                 "19.99", "-0.001"],
        "text": ["t", "q", "u", "w", "c", "v", "v5", '"Ünit one"', "''", "'a'", "'ABC'", "'abc '", "' '", "'ä'", "'5'",
                 "'%'", "'it''s'", "'a\\b'", "'x'", "NULL", "'2020-01-01'", '"nothing"'],
        "blob": ["x", "y", "x'616263'", "x''", "x'00'", "X'Ff'"],
        "moment": ["ma", "mb", "ma", "mb", "md", "me", "ms", "mr", "mm", "mj", "mt", "mz", "my", "mf", "+ma",
                   "'2024-05-01 00:00:00'", "'2024-05-01'", "'09:00:00'", "'2024-05-01T00:00:00.100Z'", "0", "1",
                   "1714521600", "1714521600.5", "'1'", "2440587.5", "NULL"],
        "condition": ["f", "g", "f", "a", "k", "TRUE", "t IS NULL", "k > 1", "NOT f", "t = 'a'", "r > 0.5"],
    }
