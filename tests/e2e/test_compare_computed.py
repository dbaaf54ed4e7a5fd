"""Verify of tables whose rows the server computes: what should be there is computed once more and held
against the table, and every difference is found, counted and named."""


import pytest

from makedb import sqlite
from program import CONNECT, DAMAGED, OK, SET_ASIDE, Ferry, run, settings


SOURCE = """
CREATE TABLE words (id INTEGER PRIMARY KEY, event TEXT, body TEXT, price REAL, doc TEXT);
INSERT INTO words VALUES (1, 'e1', 'the quick fox', 1.10, '{"a": 1}'),
    (2, 'e2', 'jumps over', 2, '{"b":  [2]}'), (3, 'e3', NULL, 3, NULL), (4, 'e4', 'lazy dog', NULL, NULL),
    (5, 'e5', 'the quick fox', 0.5, '[]');
CREATE TABLE events (event TEXT PRIMARY KEY, stream INT);
INSERT INTO events VALUES ('e1', 10), ('e2', 20), ('e3', 30), ('e5', 50);
"""
TARGET = """
CREATE TABLE found (key text, vector tsvector, doc json, price numeric(10,2), stream bigint,
                    here point, made timestamptz DEFAULT now());
CREATE TABLE events (event text PRIMARY KEY, stream bigint);
"""
RULES = """
existing: true
tables:
  rules:
    - table: words
      rename: found
      key: [event]
      where: body IS NOT NULL
      columns:
        - {column: event, rename: key}
        - {column: id, exclude: true}
        - {column: body, exclude: true}
      values:
        - {column: vector, sql: "to_tsvector('english', body)"}
        - {column: stream, sql: e.stream}
        - {column: price, sql: price * 2}
        - {column: here, sql: "point(id, length(body))"}
      joins:
        - {table: events, as: e, on: e.event = source.event}
"""


def load(ferry, target, scratch, rules=RULES, source=SOURCE, schema=TARGET):
    path = scratch / "source.db"
    sqlite(path, source)
    target.script(schema)
    config = settings(scratch, rules)
    ferry.capture(path)
    ferry.replay(*config)
    return path, config


def counts(result, table="words"):
    line = result.tables("verify")[table]
    return line["missing"], line["extra"], line["different"]


def named(result):
    return sorted((line["kind"], tuple(line["key"].items()))
                  for line in result.of_type("difference"))


def test_equal(ferry, target, scratch):
    """Types without an order or equality (json, point) are no obstacle; left out rows are counted."""
    path, config = load(ferry, target, scratch)
    assert target.rows("SELECT key, vector, stream, price, here FROM found ORDER BY key") == [
        ["e1", "'fox':3 'quick':2", "10", "2.20", "(1,13)"],
        ["e2", "'jump':1", "20", "4.00", "(2,10)"],
        ["e4", "'dog':2 'lazi':1", None, None, "(4,8)"],
        ["e5", "'fox':3 'quick':2", "50", "1.00", "(5,13)"]]
    done = ferry.verify(*config, expect=OK)
    line = done.tables("verify")["words"]
    assert (line["rows"], line["target_rows"], line["left_out"]) == (5, 4, 1), str(done)
    assert done.summary["left_out"] == 1 and done.summary["target_rows"] == 8
    text = run("verify", "-r", ferry.repository, "-d", target.conninfo, *config)
    assert text.code == OK and "1 row left out" in text.out, str(text)
    # Whatever the server's settings are.
    target.script(f'ALTER DATABASE "{target.name}" SET default_transaction_read_only = on;'
                  f'ALTER DATABASE "{target.name}" SET DateStyle = German;'
                  f'ALTER DATABASE "{target.name}" SET extra_float_digits = -5')
    try:
        ferry.verify(*config, expect=OK)
    finally:
        target.script(f'SET default_transaction_read_only = off; ALTER DATABASE "{target.name}" RESET ALL')
    # It leaves nothing behind.
    assert target.value("SELECT count(*) FROM pg_class WHERE relpersistence = 't'") == "0"
    assert target.tables() == ["events", "found"]


TAMPERING = [
    ("DELETE FROM found WHERE key = 'e2'", (1, 0, 0), [("missing", "e2")]),
    ("INSERT INTO found (key) VALUES ('e9')", (0, 1, 0), [("extra", "e9")]),
    ("INSERT INTO found (key) VALUES (NULL)", (0, 1, 0), [("extra", None)]),
    ("UPDATE found SET vector = 'x' WHERE key = 'e1'", (0, 0, 1), [("different", "e1")]),
    ("UPDATE found SET vector = NULL WHERE key = 'e1'", (0, 0, 1), [("different", "e1")]),
    ("UPDATE found SET doc = '{\"a\":1}' WHERE key = 'e1'", (0, 0, 1), [("different", "e1")]),
    ("UPDATE found SET price = 2.21 WHERE key = 'e1'", (0, 0, 1), [("different", "e1")]),
    ("UPDATE found SET here = '(1,1)' WHERE key IN ('e1', 'e5')", (0, 0, 2),
     [("different", "e1"), ("different", "e5")]),
    ("INSERT INTO found SELECT * FROM found WHERE key = 'e5'", (0, 1, 0), [("extra", "e5")]),
    ("INSERT INTO found SELECT * FROM found WHERE key = 'e5'; UPDATE found SET here = NULL "
     "WHERE key = 'e5'", (0, 1, 1), [("different", "e5"), ("extra", "e5")]),
    ("TRUNCATE found", (4, 0, 0), [("missing", f"e{n}") for n in (1, 2, 4, 5)]),
    ("UPDATE found SET key = key || '!' WHERE key = 'e4'", (1, 1, 0),
     [("extra", "e4!"), ("missing", "e4")]),
]


@pytest.mark.parametrize("sql, expected, keys", TAMPERING, ids=lambda value: str(value)[:36])
def test_differences(ferry, target, scratch, sql, expected, keys):
    path, config = load(ferry, target, scratch)
    target.script(sql)
    found = ferry.verify(*config, expect=DAMAGED)
    assert counts(found) == expected, str(found)
    assert named(found) == sorted((kind, (("key", key),)) for kind, key in keys), str(found)


def test_columns_that_are_not_ours(ferry, target, scratch):
    """What the application keeps in other columns is its own affair."""
    path, config = load(ferry, target, scratch)
    target.script("UPDATE found SET made = '2001-01-01'")
    ferry.verify(*config, expect=OK)


def test_joined_values_as_they_are_now(ferry, target, scratch):
    """A joined table that somebody changed shows on both."""
    path, config = load(ferry, target, scratch)
    target.script("UPDATE events SET stream = 11 WHERE event = 'e1'")
    found = ferry.verify(*config, expect=DAMAGED)
    assert counts(found) == (0, 0, 1) and counts(found, "events") == (0, 0, 1), str(found)


def test_without_a_key(ferry, target, scratch):
    """Rows are named by all their columns, and do not pair up."""
    rules = RULES.replace("      key: [event]\n", "")
    path, config = load(ferry, target, scratch, rules,
                        SOURCE.replace("id INTEGER PRIMARY KEY", "id INTEGER")
                        + "INSERT INTO words SELECT * FROM words WHERE id = 5;")
    ferry.verify(*config, expect=OK)
    target.script("DELETE FROM found WHERE ctid = (SELECT max(ctid) FROM found WHERE key = 'e5');"
                  "UPDATE found SET stream = 21 WHERE key = 'e2'")
    found = ferry.verify(*config, expect=DAMAGED)
    assert counts(found) == (2, 1, 0), str(found)
    lines = [dict(line["key"], kind=line["kind"]) for line in found.of_type("difference")]
    assert [(line["kind"], line["key"], line["stream"]) for line in sorted(
        lines, key=lambda line: (line["key"], line["kind"]))] == [
        ("extra", "e2", "21"), ("missing", "e2", "20"), ("missing", "e5", "50")], str(found)


def test_many_differences(ferry, target, scratch):
    """All are counted, some are named."""
    rows = "".join(f"INSERT INTO words VALUES ({n}, 'm{n}', 'word {n}', {n}, NULL);"
                   for n in range(100, 3100))
    path, config = load(ferry, target, scratch, source=SOURCE + rows)
    ferry.verify(*config, expect=OK)
    target.script("DELETE FROM found WHERE key LIKE 'm1%';"
                  "UPDATE found SET vector = 'x' WHERE key LIKE 'm2%'")
    ones = sum(1 for n in range(100, 3100) if str(n).startswith("1"))
    twos = sum(1 for n in range(100, 3100) if str(n).startswith("2"))
    found = ferry.verify(*config, expect=DAMAGED)
    assert counts(found) == (ones, 0, twos), str(found.summary)
    assert len(found.of_type("difference")) == 20


def test_rows_set_aside(ferry, target, scratch):
    """They never came to be computed, and stand where they stand."""
    path, config = load(ferry, target, scratch, source=SOURCE
                        + "INSERT INTO words VALUES (7, 'e7', 'a' || char(0), 1, NULL);")
    done = ferry.verify(*config, expect=SET_ASIDE)
    line = done.tables("verify")["words"]
    assert (line["set_aside"], line["target_rows"], line["left_out"]) == (1, 4, 1), str(done)
    target.script("DELETE FROM rowferry.set_aside")
    found = ferry.verify(*config, expect=DAMAGED)
    assert counts(found) == (1, 0, 0), str(found)


def test_a_table_that_changed(ferry, target, scratch):
    """Without its columns, or gone, nothing of it is right; the others are compared all the same."""
    path, config = load(ferry, target, scratch)
    target.script("ALTER TABLE found DROP COLUMN vector; DELETE FROM events WHERE event = 'e5'")
    found = ferry.verify(*config, expect=DAMAGED)
    assert "vector" in str(found.error), str(found)
    target.script("DROP TABLE found")
    assert "found" in str(ferry.verify(*config, expect=DAMAGED).error)


def test_not_allowed(ferry, target, scratch):
    """It takes temporary tables."""
    path, config = load(ferry, target, scratch)
    target.script(f"""
        DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN;
        GRANT USAGE ON SCHEMA rowferry, public TO reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA rowferry, public TO reader;
        GRANT USAGE ON SCHEMA rowferry TO reader;
        REVOKE TEMPORARY ON DATABASE "{target.name}" FROM PUBLIC;""")
    role = Ferry(ferry.repository, target, ["-d", target.conninfo + " user=reader"])
    try:
        refused = role.verify(*config, expect=CONNECT)
        assert "temporary" in str(refused.error), str(refused)
        target.script(f'GRANT TEMPORARY ON DATABASE "{target.name}" TO reader')
        role.verify(*config, expect=OK)
    finally:
        target.script(f'GRANT TEMPORARY ON DATABASE "{target.name}" TO PUBLIC;'
                      "DROP OWNED BY reader; DROP ROLE reader")


def test_damage_first(ferry, target, scratch):
    """Nothing is said of the target where the repository is damaged."""
    path, config = load(ferry, target, scratch)
    target.script("TRUNCATE found")
    archive = max(ferry.repository.rglob("*.rfa"), key=lambda file: file.stat().st_size)
    archive.chmod(0o600)
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    found = ferry.verify(*config, expect=DAMAGED)
    assert found.of_type("damage") and not found.of_type("difference"), str(found)
