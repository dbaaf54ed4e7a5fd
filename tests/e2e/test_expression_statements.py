"""CREATE TABLE and CREATE INDEX read for constraints and expressions, compared with SQLite's own pragmas.

The seed of a run is printed when a test fails; ROWFERRY_SEED repeats it.
"""

import os
import random
import sqlite3

import pytest

from expressions import tool
from postgres import literal, quote

SEED = int(os.environ.get("ROWFERRY_SEED", "20240501"))


@pytest.fixture
def rng(request):
    print(f"ROWFERRY_SEED={SEED}")
    return random.Random(f"{SEED} {request.node.name}")


TABLE = '''CREATE TABLE "the ""table"""(
  id INTEGER CONSTRAINT pk PRIMARY KEY AUTOINCREMENT, -- DEFAULT 1
  [a b] TEXT DEFAULT 'x''y' CONSTRAINT [ck 1] CHECK (length("a b") < 10 /* ) */) NOT NULL ON CONFLICT FAIL,
  `c` DECIMAL(10, 2) DEFAULT (1 + (2)) CHECK("c">0)COLLATE nocase,
  'd' generated TEXT UNIQUE ON CONFLICT REPLACE DEFAULT -5,
  e GENERATED ALWAYS AS (c * 2) STORED, f INT AS (d || ')') VIRTUAL, g AS (')' || "x)") ,
  h REFERENCES p(x) ON DELETE SET DEFAULT ON UPDATE NO ACTION MATCH FULL NOT DEFERRABLE INITIALLY DEFERRED,
  i REFERENCES p DEFERRABLE INITIALLY DEFERRED NULL, left DEFAULT CURRENT_TIMESTAMP, key DEFAULT +1.5e3,
  "check" DEFAULT "q""q", begin DEFAULT x'00ff',
  CONSTRAINT fk FOREIGN KEY (c, 'd') REFERENCES p(x, y) ON DELETE CASCADE DEFERRABLE
  CONSTRAINT u UNIQUE (c, d) ON CONFLICT IGNORE, CHECK (a <> ','), CONSTRAINT last CHECK (i IN (1, 2))
  CHECK (e), PRIMARY KEY (id, c DESC)
) WITHOUT ROWID, STRICT'''


def test_a_table_of_everything():
    assert tool([["create_table", TABLE]]) == [
        ["column", "id", "", "", "0"],
        ["column", "a b", "'x''y'", "", "0"],
        ["column", "c", "1 + (2)", "", "0"],
        ["column", "d", "-5", "", "0"],
        ["column", "e", "", "c * 2", "1"],
        ["column", "f", "", "d || ')'", "0"],
        ["column", "g", "", "')' || \"x)\"", "0"],
        ["column", "h", "", "", "0"],
        ["column", "i", "", "", "0"],
        ["column", "left", "CURRENT_TIMESTAMP", "", "0"],
        ["column", "key", "+1.5e3", "", "0"],
        ["column", "check", '"q""q"', "", "0"],
        ["column", "begin", "x'00ff'", "", "0"],
        ["check", "ck 1", 'length("a b") < 10 /* ) */', "1"],
        ["check", "", '"c">0', "2"],
        ["check", "", "a <> ','", "-1"],
        ["check", "last", "i IN (1, 2)", "-1"],
        ["check", "last", "e", "-1"],
        ["foreign_key", "", "p", "00", "h"],
        ["foreign_key", "", "p", "11", "i"],
        ["foreign_key", "fk", "p", "10", "c", "d"],
        [""]]


def test_an_index_of_everything():
    sql = """CREATE UNIQUE INDEX IF NOT EXISTS main."i x" ON [t](a, "b" DESC, lower(c) COLLATE NOCASE asc,
             (d || ',') desc, desc, 'q') /* ? */ WHERE x > 1 AND ")" -- end"""
    assert tool([["create_index", sql]]) == [
        ["part", "a", "0"], ["part", '"b"', "1"], ["part", "lower(c) COLLATE NOCASE", "0"],
        ["part", "(d || ',')", "1"], ["part", "desc", "0"], ["part", "'q'", "0"],
        ["where", 'x > 1 AND ")"'], [""]]


def test_what_is_no_statement():
    tables = ["CREATE VIRTUAL TABLE t USING fts5(a)", "CREATE TABLE t", "CREATE TABLE t(", "CREATE TABLE t()",
              "CREATE TABLE t(a,)", "CREATE VIEW v AS SELECT 1", "", "CREATE TABLE t(a CHECK (1)",
              "CREATE TABLE t(a DEFAULT)", "CREATE TABLE t(a DEFAULT 'x)"]
    indexes = ["CREATE INDEX i ON t(", "CREATE INDEX i ON t()", "CREATE INDEX i ON t(a,)",
               "CREATE INDEX i ON t(a) nonsense", "CREATE INDEX i", ""]
    lines = [["create_table", sql] for sql in tables] + [["create_index", sql] for sql in indexes]
    for line, found in zip(lines, blocks(tool(lines))):
        assert found[0][0] == "refused", line


def blocks(lines):
    """The answers to statements, each ended by an empty line."""
    block = []
    for line in lines:
        if line == [""]:
            yield block
            block = []
        else:
            block.append(line)


class Spelling:
    """Writes a CREATE TABLE that SQLite takes, as oddly as it gets."""

    NAMES = ["a", "B", "order", "a b", "check", "key", "left", "it's", 'q"q', "x]y", "`", "ü", "select",
             "generated", "always", "replace", "desc", "end", "if"]
    BARE = ["a", "B", "key", "left", "ü", "replace", "desc", "end", "if", "generated", "always"]
    TYPES = ["", "INTEGER", "VARCHAR (10)", "DECIMAL(10,2)", '"odd type"', "LONG INT", "TEXT"]
    VALUES = ["1", "-1", "'x)'", "(1 + (2))", "NULL", "CURRENT_TIME", '"s"', "x'00'", "TRUE", "1e5"]
    SPACES = [" ", " ", "\n", "\t ", " /* CHECK ( */ ", " -- ) ,\n", "  "]

    def __init__(self, rng):
        self.rng = rng
        self.checks = 0
        self.names = rng.sample(self.NAMES, rng.randint(1, 6))

    def name(self, name):
        forms = [quote(name), literal(name), "`" + name.replace("`", "``") + "`"]
        forms += [f"[{name}]"] if "]" not in name else []
        return self.rng.choice(forms + ([name] if name in self.BARE else []))

    def extras(self, choices, most):
        chosen = self.rng.sample(choices, self.rng.randint(0, most))
        self.checks += sum("CHECK" in extra for extra in chosen)
        return chosen

    def column(self, name):
        deferrable = self.rng.choice(["", "DEFERRABLE INITIALLY DEFERRED", "NOT DEFERRABLE"])
        return [self.name(name), self.rng.choice(self.TYPES), *self.extras([
            "NOT NULL", "DEFAULT " + self.rng.choice(self.VALUES), "CONSTRAINT n1 CHECK (1 OR ')' <> '(')",
            f"CHECK ({quote(name)} IS NOT 'x')", "COLLATE " + self.rng.choice(["NOCASE", '"RTRIM"']),
            f"REFERENCES p (z) ON DELETE SET NULL {deferrable}", "UNIQUE", "UNIQUE ON CONFLICT REPLACE"], 4)]

    def generated(self, number):
        return [f"made{number}", self.rng.choice(["", "INT"]), self.rng.choice(["", "GENERATED ALWAYS"]), "AS",
                f"({quote(self.names[0])} || ')')", self.rng.choice(["", "STORED", "VIRTUAL"])]

    def spaced(self, words):
        """With anything that counts as space between the words; quoted spaces stay as they are."""
        return "".join(word + self.rng.choice(self.SPACES) for word in words if word)

    def table(self):
        parts = [self.spaced(self.column(name)) for name in self.names]
        parts += [self.spaced(self.generated(number)) for number in range(self.rng.randint(0, 2))]
        parts += [self.spaced([extra]) for extra in self.extras([
            "CHECK (1)", 'CONSTRAINT "n 2" CHECK (2 > (1))', f"UNIQUE ({self.name(self.names[0])})",
            f"FOREIGN KEY ({quote(self.names[-1])}) REFERENCES p(z) "
            + self.rng.choice(["DEFERRABLE INITIALLY DEFERRED", "NOT DEFERRABLE", "DEFERRABLE", ""])], 3)]
        return self.spaced(["CREATE TABLE", self.name("t"), "(" + ",".join(parts) + ")"])


def test_random_tables_against_the_pragmas(rng):
    texts, wanted = [], []
    for _ in range(1000):
        spelling = Spelling(rng)
        sql = spelling.table()
        lite = sqlite3.connect(":memory:")
        lite.execute("CREATE TABLE p (z PRIMARY KEY)")
        lite.execute(sql)
        columns = lite.execute("SELECT name, coalesce(dflt_value, ''), hidden > 0, hidden = 3 "
                               "FROM pragma_table_xinfo('t') ORDER BY cid").fetchall()
        parents = lite.execute('SELECT "from" FROM pragma_foreign_key_list(\'t\') ORDER BY id DESC').fetchall()
        stored, = lite.execute("SELECT sql FROM sqlite_schema WHERE name = 't'").fetchone()
        texts += [sql, stored]
        wanted += [(columns, [name for name, in parents], spelling.checks)] * 2
        lite.close()
    found = list(blocks(tool([["create_table", text] for text in texts])))
    assert len(found) == len(texts)
    for text, lines, (columns, parents, checks) in zip(texts, found, wanted):
        assert [(line[1], line[2], int(line[3] != ""), int(line[4])) for line in lines
                if line[0] == "column"] == columns, text
        assert [line[4] for line in lines if line[0] == "foreign_key"] == parents, text
        assert sum(line[0] == "check" for line in lines) == checks, text
