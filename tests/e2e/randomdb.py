"""Databases at random, and what becomes of them: one story a seed.

A story is a list of days, and a day a list of steps (SQL that is complete in itself, a VACUUM, a
reload into a new file), after each of which the source travels. It is written from the seed alone,
beside a database in memory that tells which statements SQLite takes. Steps do not depend on one
another: rows are named by their place, so that steps can be left out and the rest still makes
sense, which is how shrink.py finds the few that matter.

Schemas have keys of every kind (or none), WITHOUT ROWID, STRICT, AUTOINCREMENT, defaults, checks,
generated columns, indexes (unique, partial, on expressions, descending, collated), foreign keys
with every action, and odd names. Values keep to the kind of their column for the most part. Edits
insert, update, delete, change keys, swap unique values, reuse rowids, leave orphans. Tables and
columns are added, dropped, renamed and made anew.
"""

import random
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, timezone

import makedb
from makedb import ODD_NAMES, placeholder, quote

NAMES = ["a", "b", "c", "id", "name", "value", "key", "n", "t", "x", "kind", "created", "rowid",
         "oid", "_rowid_", *ODD_NAMES]

ROWIDS = [-2**63, -2**63 + 1, -5, -1, 0, 1, 2, 3, 5, 40, 2**31, 2**53 + 1, 2**63 - 2, 2**63 - 1]


@dataclass
class Step:
    """One statement, of one table where it concerns one alone; or "reload"."""
    sql: str
    values: tuple = ()
    table: str = None

    def __str__(self):
        return f"{self.sql}  {self.values!r}" if self.values else self.sql


@dataclass
class Story:
    seed: object
    days: list = field(default_factory=list)  # lists of steps
    quiet: set = field(default_factory=set)   # days without a replay: the next one catches up


@dataclass
class Column:
    name: str
    declared: str
    make: object            # values, from a generator of random numbers
    generated: bool = False
    constraints: str = ""

    def sql(self):
        return " ".join(filter(None, (quote(self.name), self.declared, self.constraints)))


@dataclass
class Table:
    name: str
    columns: list
    key: list = field(default_factory=list)  # names
    alias: bool = False                      # INTEGER PRIMARY KEY
    without_rowid: bool = False
    uniques: list = field(default_factory=list)  # lists of names

    @property
    def quoted(self):
        return quote(self.name)

    @property
    def stored(self):
        return [c for c in self.columns if not c.generated]

    @property
    def rowid(self):
        """A name that reaches the rowid, or None."""
        taken = {c.name.lower() for c in self.columns}
        free = [n for n in ("rowid", "_rowid_", "oid") if n not in taken]
        return None if self.without_rowid or not free else free[0]

    def row_at(self, place):
        """SQL for: the row at this place, in whatever order the table has."""
        if self.rowid:
            names = self.rowid
        elif self.without_rowid:
            names = ", ".join(map(quote, self.key))
        else:
            names = ", ".join(quote(c.name) for c in self.columns)
        return (f"({names}) IN (SELECT {names} FROM {self.quoted} LIMIT 1 OFFSET "
                f"(SELECT {place} % max(1, count(*)) FROM {self.quoted}))")


# Values

def one(rng):
    return rng.choice([1, 1.0, "1", b"1", "1.0", "", b"", 0, -0.0])


def anything(rng):
    return rng.choice([makedb.integer, makedb.real, makedb.text, makedb.blob, makedb.broken_text,
                       makedb.small, one])(rng)


def moments(rng):
    """A maker of moments in one encoding."""
    start = rng.choice([0, 10**9, 1.7 * 10**9, 1.7 * 10**9, 1.7 * 10**9])

    def second(rng):
        return int(start) + rng.randrange(10**7)

    def iso(form):
        def make(rng):
            text = datetime.fromtimestamp(second(rng), timezone.utc).strftime(form)
            return text.replace("ffffff", f"{rng.randrange(10**6):06d}")
        return make
    return rng.choice([
        iso("%Y-%m-%d"), iso("%Y-%m-%d %H:%M:%S"), iso("%Y-%m-%dT%H:%M:%S"),
        iso("%Y-%m-%d %H:%M:%S.ffffff"), iso("%Y-%m-%dT%H:%M:%SZ"), iso("%Y-%m-%d %H:%M:%S+02:00"),
        second, lambda rng: second(rng) * 1000 + rng.randrange(1000),
        lambda rng: second(rng) * 10**6 + rng.randrange(10**6),
        lambda rng: second(rng) * 10**9 + rng.randrange(10**6) * 1000,
        lambda rng: second(rng) + rng.randrange(10**6) / 10**6,
        lambda rng: (210866760000000 + second(rng) * 1000 + rng.randrange(1000)) / 86400000,
        lambda rng: second(rng) - 978307200 + rng.randrange(1000) / 1000,
        lambda rng: (second(rng) + 11644473600) * 10**6])


def money(rng):
    return rng.choice([rng.randrange(10**6), rng.randrange(10**8) / 100, rng.randrange(1000) / 10])


KINDS = {
    "integer": (["INTEGER", "INT", "BIGINT", "SMALLINT", "UNSIGNED BIG INT"],
                lambda rng: rng.choice([makedb.integer, makedb.small])),
    "real": (["REAL", "DOUBLE PRECISION", "FLOAT"], lambda rng: makedb.real),
    "text": (["TEXT", "VARCHAR(20)", "CHARACTER(3)", "CLOB"],
             lambda rng: rng.choice([makedb.text, makedb.word])),
    "blob": (["BLOB"], lambda rng: makedb.blob),
    "decimal": (["NUMERIC", "DECIMAL(10, 2)", "NUMERIC(20, 6)"],
                lambda rng: rng.choice([money, makedb.number, makedb.integer])),
    "boolean": (["BOOLEAN", "BOOL"], lambda rng: makedb.flag),
    "date": (["DATE", "DATETIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"], moments),
    "any": (["", "ANY", "JSON", "STRANGE"],
            lambda rng: rng.choice([makedb.integer, makedb.real, makedb.text, makedb.blob,
                                    makedb.number, anything])),
}
STRICT = {"integer": "INT", "real": "REAL", "text": "TEXT", "blob": "BLOB", "any": "ANY"}
KEYS = ["integer", "integer", "text", "text", "real", "blob", "any", "decimal", "date"]


class Author:
    """Writes one story."""

    def __init__(self, seed):
        self.rng = random.Random(f"story {seed}")
        self.story = Story(seed)
        self.tables = []
        self.made = 0
        self.memory = makedb.connect(":memory:")

    def write(self):
        rng = self.rng
        self.day()
        for pragma, choices in (("page_size", [512, 1024, 4096, 4096, 65536]),
                                ("auto_vacuum", [0, 0, 1, 2]),
                                ("encoding", ["'UTF-8'", "'UTF-8'", "'UTF-16le'", "'UTF-16be'"]),
                                ("journal_mode", ["DELETE", "WAL"])):
            self.step(f"PRAGMA {pragma} = {rng.choice(choices)}")
        for _ in range(rng.choice([1, 2, 2, 3, 3, 4])):
            self.create_table()
        for number in range(rng.choice([1, 2, 2, 3])):
            self.day()
            if rng.random() < 0.2:
                self.story.quiet.add(number + 1)
            self.edit()
        self.story.quiet.discard(len(self.story.days) - 1)
        return self.story

    def day(self):
        self.story.days.append([])

    def step(self, sql, *values, table=None):
        """Writes the step down if SQLite takes it; returns whether it did."""
        try:
            self.memory.execute(sql, values).fetchall()
        except sqlite3.Error:
            return False
        self.story.days[-1].append(Step(sql, values, table and table.name))
        return True

    # Schema

    def new_name(self, taken):
        taken = {name.lower() for name in taken}
        free = [n for n in NAMES if n.lower() not in taken and not n.lower().startswith("sqlite_")]
        return self.rng.choice(free[:12] if self.rng.random() < 0.7 else free)

    def table_name(self):
        self.made += 1
        name = self.new_name(t.name for t in self.tables)
        return name if self.rng.random() < 0.4 else f"t{self.made}"

    def new_column(self, kind, taken, strict=False):
        rng = self.rng
        declarations, maker = KINDS[kind]
        make = maker(rng)
        make = makedb.or_null(make, rng.choice([0, 0.05, 0.3]))
        if not strict or kind == "any":
            make = makedb.misfit(make, anything, rng.choice([0, 0, 0, 0.02, 0.3]))
        declared = STRICT[kind] if strict else rng.choice(declarations)
        return Column(self.new_name(taken), declared, make)

    def create_table(self):
        rng = self.rng
        strict = rng.random() < 0.15
        kinds = list(STRICT if strict else KINDS)
        columns = []
        for _ in range(rng.randrange(1, 7)):
            columns.append(self.new_column(rng.choice(kinds), [c.name for c in columns], strict))
        table = Table(self.table_name(), columns)
        ends = [self.give_key(table, strict)]
        for column in columns:
            self.constrain(table, column)
        self.generate(table)
        ends += self.table_constraints(table)
        options = ["STRICT"] if strict else []
        options += ["WITHOUT ROWID"] if table.without_rowid else []
        body = ", ".join([*(c.sql() for c in table.columns), *filter(None, ends)])
        if self.step(f"CREATE TABLE {table.quoted} ({body}) {', '.join(options)}", table=table):
            self.tables.append(table)
            self.insert(table, rng.choice([0, 1, 5, 15, 30, 60]))
            for _ in range(rng.choice([0, 0, 1, 2])):
                self.create_index(table)

    def give_key(self, table, strict):
        """Returns what has to follow the columns."""
        rng = self.rng
        how = rng.choice(["none", "none", "alias", "alias", "one", "one", "several"])
        if how == "alias":
            table.alias = True
            name = self.new_name(c.name for c in table.columns)
            more = rng.choice(["", "", " AUTOINCREMENT", " NOT NULL", " ASC"])
            table.columns.insert(0, Column(name, "INTEGER", lambda rng: None,
                                           constraints=f"PRIMARY KEY{more}"))
            table.key = [name]
        if how not in ("one", "several"):
            return None
        kinds = [k for k in KEYS if not strict or k in STRICT]
        count = 1 if how == "one" else rng.choice([2, 2, 3])
        parts = []
        for _ in range(count):
            column = self.new_column(rng.choice(kinds), [c.name for c in table.columns], strict)
            if rng.random() < 0.3:
                column.constraints = "NOT NULL"
            table.columns.insert(rng.randrange(len(table.columns) + 1), column)
            table.key.append(column.name)
            parts.append(quote(column.name) + rng.choice(["", "", "", " DESC", " COLLATE NOCASE"]))
        table.without_rowid = rng.random() < 0.4
        return f"PRIMARY KEY ({', '.join(parts)})"

    def constrain(self, table, column):
        rng = self.rng
        if rng.random() < 0.15 and "NOT NULL" not in column.constraints \
                and "PRIMARY" not in column.constraints:
            column.constraints += " NOT NULL"
        if rng.random() < 0.15 and column.declared.upper() in ("TEXT", "VARCHAR(20)", "CLOB"):
            column.constraints += rng.choice([" COLLATE NOCASE", " COLLATE RTRIM"])
        if rng.random() < 0.25 and "PRIMARY" not in column.constraints:
            column.constraints += f" DEFAULT {self.default()}"
        if rng.random() < 0.1 and "PRIMARY" not in column.constraints:
            column.constraints += " UNIQUE"
            table.uniques.append([column.name])
        if rng.random() < 0.15:
            column.constraints += f" CHECK ({self.condition(table)})"

    def default(self):
        return self.rng.choice([
            "NULL", "0", "1", "-5", "+3", "9223372036854775807", "1.5", "-0.25", "1e3", "'word'",
            "''", "'it''s'", "'5'", "x''", "x'00ff'", "CURRENT_TIMESTAMP", "CURRENT_DATE",
            "TRUE", "FALSE", "(1 + 1)", "('a' || 'b')", "(abs(-7))", "(lower('ABC'))",
            "\"quoted\"", "(NULL)"])

    def condition(self, table):
        """Over the columns: of a check or a partial index."""
        rng = self.rng
        name = quote(rng.choice(table.columns).name)
        other = quote(rng.choice(table.columns).name)
        return rng.choice([
            f"{name} IS NOT NULL", f"{name} IS NULL OR {name} >= 0", f"{name} > 5",
            f"{name} <> 'no'",
            f"length({name}) < 200", f"typeof({name}) <> 'blob'", f"{name} IN (1, 2, 3, 'a')",
            f"{name} BETWEEN -1000000 AND 1000000", f"{name} IS NOT {other}", f"{name} = 1",
            f"{name} LIKE 'a%'", f"coalesce({name}, 1) <> 0", f"NOT ({name} = 'x' AND {other} = 1)",
            f"{name} + 1 > 0", f"{name} || 'x' <> 'ax'", f"lower({name}) = 'a'"])

    def expression(self, table):
        rng = self.rng
        name = quote(rng.choice(table.columns).name)
        other = quote(rng.choice(table.columns).name)
        return rng.choice([
            f"{name} + 1", f"{name} * 2", f"{name} || 'x'", f"lower({name})", f"upper({name})",
            f"length({name})", f"coalesce({name}, 0)", f"abs({name})", f"typeof({name})",
            f"{name} IS NULL", f"CASE WHEN {name} > 0 THEN 'yes' ELSE 'no' END",
            f"substr({name}, 2)", f"{name} || {other}", f"{name} = {other}", f"-{name}"])

    def generate(self, table):
        rng = self.rng
        while rng.random() < 0.15:
            name = self.new_name(c.name for c in table.columns)
            declared = "ANY" if any(c.declared == "ANY" for c in table.columns) \
                else rng.choice(["TEXT", "INTEGER", "REAL"])
            table.columns.append(Column(
                name, declared, None, True,
                f"AS ({self.expression(table)}) {rng.choice(['STORED', 'VIRTUAL'])}"))

    def table_constraints(self, table):
        rng = self.rng
        ends = []
        if rng.random() < 0.15 and len(table.stored) > 1:
            names = [c.name for c in rng.sample(table.stored, 2)]
            table.uniques.append(names)
            ends.append(f"UNIQUE ({', '.join(map(quote, names))})")
        if rng.random() < 0.1:
            ends.append(f"CHECK ({self.condition(table)})")
        if rng.random() < 0.35:
            ends.append(self.foreign_key(table))
        return ends

    def foreign_key(self, table):
        rng = self.rng
        parents = [t for t in [*self.tables, table] if len(t.key) in (1, 2)
                   and len(t.key) <= len(table.stored)]
        if not parents:
            return None
        parent = rng.choice(parents)
        names = [c.name for c in rng.sample(table.stored, len(parent.key))]
        actions = ["", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON DELETE RESTRICT",
                   " ON DELETE NO ACTION", " ON DELETE SET DEFAULT"]
        updates = ["", "", " ON UPDATE CASCADE", " ON UPDATE SET NULL"]
        for name, key in zip(names, parent.key):  # now and then it points to something
            column = next(c for c in table.columns if c.name == name)
            if parent.alias and "PRIMARY" not in column.constraints and column.declared != "BLOB" \
                    and column.declared != "TEXT":
                column.make = makedb.or_null(makedb.small, 0.2)
        return (f"FOREIGN KEY ({', '.join(map(quote, names))}) REFERENCES {parent.quoted} "
                f"({', '.join(map(quote, parent.key))}){rng.choice(actions)}{rng.choice(updates)}"
                f"{rng.choice(['', '', ' DEFERRABLE INITIALLY DEFERRED'])}")

    def create_index(self, table):
        rng = self.rng
        self.made += 1
        parts = []
        for column in rng.sample(table.columns, rng.randrange(1, min(3, len(table.columns)) + 1)):
            part = quote(column.name) if rng.random() < 0.75 else self.expression(table)
            parts.append(part + rng.choice(["", "", " COLLATE NOCASE", " COLLATE RTRIM"])
                         + rng.choice(["", "", " DESC"]))
        where = f" WHERE {self.condition(table)}" if rng.random() < 0.25 else ""
        unique = "UNIQUE " if rng.random() < 0.3 else ""
        self.step(f"CREATE {unique}INDEX i{self.made} ON {table.quoted} ({', '.join(parts)})"
                  f"{where}", table=table)

    # Rows

    def insert(self, table, count):
        for _ in range(count):
            self.insert_row(table, {c.name: c.make(self.rng) for c in table.stored})

    def insert_row(self, table, row):
        rng = self.rng
        if table.alias and rng.random() < 0.2:
            row[table.key[0]] = rng.choice([*ROWIDS, rng.randrange(100)])
        left_out = {n for n in row if rng.random() < 0.05}  # their defaults come in
        row = {n: v for n, v in row.items() if n not in left_out} or row
        names, values = [*map(quote, row)], [*row.values()]
        if table.rowid and not table.alias and rng.random() < 0.05:
            names.append(table.rowid)
            values.append(rng.choice(ROWIDS))
        self.step(f"INSERT OR {rng.choice(['IGNORE', 'IGNORE', 'REPLACE'])} INTO {table.quoted} "
                  f"({', '.join(names)}) VALUES ({', '.join(map(placeholder, values))})", *values,
                  table=table)

    def edit(self):
        rng = self.rng
        keys = rng.random() < 0.3
        if keys:
            self.step("PRAGMA foreign_keys = ON")
        for table in list(self.tables):
            for _ in range(rng.choice([0, 1, 2, 3])):
                rng.choice([self.more, self.more, self.update, self.update, self.delete,
                            self.change_key, self.shift_keys, self.swap, self.reuse, self.repeat,
                            self.touch, self.empty])(table)
        if keys:
            self.step("PRAGMA foreign_keys = OFF")
        for _ in range(rng.choice([0, 0, 0, 1, 2])):
            rng.choice([self.add_column, self.add_column, self.drop_column, self.rename_column,
                        self.rename_table, self.drop_table, self.create_table,
                        self.create_index_now, self.drop_index, self.make_anew, self.go_wild])()
        after = rng.random()
        if after < 0.15:
            self.step("VACUUM")
        elif after < 0.25:
            self.story.days[-1].append(Step("reload"))

    def more(self, table):
        self.insert(table, self.rng.randrange(1, 12))

    def place(self):
        return self.rng.randrange(10**6)

    def update(self, table):
        rng = self.rng
        for _ in range(rng.randrange(1, 8)):
            columns = rng.sample(table.stored, rng.randrange(1, min(3, len(table.stored)) + 1))
            values = [c.make(rng) for c in columns]
            sets = ", ".join(f"{quote(c.name)} = {placeholder(v)}" for c, v in zip(columns, values))
            self.step(f"UPDATE OR {rng.choice(['IGNORE', 'REPLACE'])} {table.quoted} SET {sets} "
                      f"WHERE {table.row_at(self.place())}", *values, table=table)

    def delete(self, table):
        for _ in range(self.rng.randrange(1, 6)):
            self.step(f"DELETE FROM {table.quoted} WHERE {table.row_at(self.place())}", table=table)

    def change_key(self, table):
        rng = self.rng
        name = quote(rng.choice(table.key)) if table.key else table.rowid
        if name:
            column = next((c for c in table.columns if quote(c.name) == name), None)
            value = rng.choice([*ROWIDS, rng.randrange(200)]) \
                if column is None or table.alias else column.make(rng)
            self.step(f"UPDATE OR IGNORE {table.quoted} SET {name} = {placeholder(value)} "
                      f"WHERE {table.row_at(self.place())}", value, table=table)

    def shift_keys(self, table):
        name = quote(table.key[0]) if table.key else table.rowid
        if name:
            self.step(f"UPDATE OR IGNORE {table.quoted} SET {name} = {name} + 1", table=table)

    def swap(self, table):
        """Two rows change their unique values."""
        rng = self.rng
        names = rng.choice([*table.uniques, table.key])
        if not names or not table.rowid:
            return
        rows = self.memory.execute(
            f"SELECT {table.rowid}, {', '.join(map(quote, names))} FROM {table.quoted}").fetchall()
        if len(rows) < 2 or table.alias and names == table.key:
            return
        (first, *mine), (second, *yours) = rng.sample(rows, 2)
        for rowid, values in ((first, ["aside"] * len(names)), (second, mine), (first, yours)):
            sets = ", ".join(f"{quote(n)} = {placeholder(v)}" for n, v in zip(names, values))
            self.step(f"UPDATE OR IGNORE {table.quoted} SET {sets} WHERE {table.rowid} = ?",
                      *values, rowid, table=table)

    def reuse(self, table):
        rng = self.rng
        if table.rowid:
            count = rng.randrange(1, 5)
            self.step(f"DELETE FROM {table.quoted} WHERE {table.rowid} IN (SELECT {table.rowid} "
                      f"FROM {table.quoted} ORDER BY {table.rowid} DESC LIMIT {count})",
                      table=table)
            self.insert(table, count)

    def repeat(self, table):
        columns = ", ".join(quote(c.name) for c in table.stored if not table.alias
                            or c.name not in table.key)
        if columns:
            for _ in range(self.rng.randrange(1, 4)):
                self.step(f"INSERT OR IGNORE INTO {table.quoted} ({columns}) SELECT {columns} "
                          f"FROM {table.quoted} WHERE {table.row_at(self.place())}", table=table)

    def touch(self, table):
        name = quote(self.rng.choice(table.stored).name)
        self.step(f"UPDATE {table.quoted} SET {name} = {name}", table=table)

    def empty(self, table):
        if self.rng.random() < 0.2:
            self.step(f"DELETE FROM {table.quoted}", table=table)

    # Schema changes

    def some_table(self):
        return self.rng.choice(self.tables) if self.tables else None

    def add_column(self):
        rng, table = self.rng, self.some_table()
        if not table:
            return
        column = self.new_column(rng.choice(list(KINDS)), [c.name for c in table.columns],
                                 strict=False)
        if rng.random() < 0.5:
            column.constraints = rng.choice(["", "NOT NULL "]) + "DEFAULT " + self.default()
        if self.step(f"ALTER TABLE {table.quoted} ADD COLUMN {column.sql()}", table=table):
            table.columns.append(column)
            self.update(table)

    def drop_column(self):
        table = self.some_table()
        if table and len(table.stored) > 1:
            column = self.rng.choice(table.columns)
            if self.step(f"ALTER TABLE {table.quoted} DROP COLUMN {quote(column.name)}",
                         table=table):
                table.columns.remove(column)
                table.uniques = [u for u in table.uniques if column.name not in u]

    def rename_column(self):
        table = self.some_table()
        if not table:
            return
        column = self.rng.choice(table.columns)
        name = self.new_name(c.name for c in table.columns)
        if self.step(f"ALTER TABLE {table.quoted} RENAME COLUMN {quote(column.name)} "
                     f"TO {quote(name)}", table=table):
            renamed = {column.name: name}
            table.key = [renamed.get(n, n) for n in table.key]
            table.uniques = [[renamed.get(n, n) for n in u] for u in table.uniques]
            column.name = name

    def rename_table(self):
        table = self.some_table()
        if table:
            name = self.table_name()
            if self.step(f"ALTER TABLE {table.quoted} RENAME TO {quote(name)}"):
                table.name = name

    def drop_table(self):
        table = self.some_table()
        if table and len(self.tables) > 1 and self.step(f"DROP TABLE {table.quoted}", table=table):
            self.tables.remove(table)

    def create_index_now(self):
        table = self.some_table()
        if table:
            self.create_index(table)

    def drop_index(self):
        found = self.memory.execute("SELECT name FROM sqlite_schema WHERE type = 'index' "
                                    "AND sql IS NOT NULL ORDER BY name").fetchall()
        if found:
            self.step(f"DROP INDEX {quote(self.rng.choice(found)[0].decode())}")

    def make_anew(self):
        """The same name with another declaration, as migrations do that ALTER TABLE cannot."""
        old = self.some_table()
        if old and self.step(f"DROP TABLE {old.quoted}", table=old):
            self.tables.remove(old)
            self.create_table()
            new = self.tables[-1] if self.tables else None
            if new and self.step(f"ALTER TABLE {new.quoted} RENAME TO {old.quoted}"):
                new.name = old.name

    def go_wild(self):
        """A column from now on holds what it never did."""
        table = self.some_table()
        if table:
            column = self.rng.choice(table.stored)
            column.make = makedb.misfit(column.make, anything, 0.5)
            self.more(table)


def write(seed):
    return Author(seed).write()


def connect(path):
    db = makedb.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    return db


def play_day(path, steps):
    """Does what a day's steps say. A step that SQLite does not take, because others before it were
    left out, is passed over."""
    db = connect(path)
    for step in steps:
        if step.sql == "reload":
            db.close()
            makedb.reload(path)
            db = connect(path)
            continue
        try:
            db.execute(step.sql, step.values).fetchall()
        except sqlite3.Error:
            pass
    db.close()
