"""Tables of an application whose rows the server computes: values, joins, rows that are left out,
tables that are fed from a full-text table's content; and whatever may happen to them.

What a row should be is asked of SQLite, and of PostgreSQL about values that psql gives it."""

import random
import signal
import sqlite3
import time

import pytest

from postgres import Target, literal
from program import DAMAGED, MISPLACED, OK, SET_ASIDE, USAGE, Running, run

CHAT_SOURCE = """
PRAGMA journal_mode = WAL;
CREATE TABLE events (event_id TEXT PRIMARY KEY NOT NULL, stream INTEGER, ts INTEGER, room TEXT);
CREATE VIRTUAL TABLE event_search USING fts4 (tokenize=porter, event_id, room, body);
"""

CHAT_TARGET = """
CREATE TABLE events (event_id text PRIMARY KEY, stream bigint, ts bigint, room text);
CREATE TABLE event_search (event_id text, room text, vector tsvector NOT NULL, stream bigint,
                           ts bigint);
CREATE UNIQUE INDEX event_search_id ON event_search (event_id);
CREATE INDEX event_search_fts ON event_search USING gin (vector);
"""

CHAT = """
existing: true
tables:
  shadow: [event_search_content]
  rules:
    - table: event_search_content
      rename: event_search
      key: [c0event_id]
      where: "c2body IS NOT NULL"
      columns:
        - {column: docid, exclude: true}
        - {column: c0event_id, rename: event_id}
        - {column: c1room, rename: room}
        - {column: c2body, exclude: true}
      values:
        - {column: vector, sql: "to_tsvector('english', c2body)"}
        - {column: stream, sql: "e.stream"}
        - {column: ts, sql: "coalesce(e.ts, -1) -- a comment"}
      joins:
        - {table: events, as: e, on: "e.event_id = source.c0event_id"}
"""

CHAT_SEEN = "SELECT event_id, room, vector::text, stream, ts FROM event_search"


def sqlite(path, *statements):
    db = sqlite3.connect(path, isolation_level=None)
    try:
        for statement in statements:
            sql, values = (statement, ()) if isinstance(statement, str) else \
                (statement[0], statement[1:])
            if values:
                db.execute(sql, values)
            else:
                db.executescript(sql)
    finally:
        db.close()


def asked(path, query):
    db = sqlite3.connect(path)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def sql_value(value):
    if value is None:
        return "NULL"
    return literal(value) if isinstance(value, str) else str(value)


def chat_wanted(source, target):
    """The search table as it should be."""
    rows = asked(source, "SELECT f.event_id, f.room, f.body, e.stream, coalesce(e.ts, -1) "
                         "FROM event_search AS f LEFT JOIN events AS e USING (event_id) "
                         "WHERE f.body IS NOT NULL")
    if not rows:
        return []
    values = ", ".join(
        f"({sql_value(a)}, {sql_value(b)}, {sql_value(c)}::text, {sql_value(d)}::bigint, "
        f"{sql_value(e)}::bigint)"
        for a, b, c, d, e in rows)
    return target.rows(
        "SELECT a, b, to_tsvector('english', c)::text, d, e FROM "
        f"(VALUES {values}) AS v (a, b, c, d, e)")


@pytest.fixture
def chat(ferry, scratch):
    source = scratch / "source.db"
    sqlite(source, CHAT_SOURCE, *[
        ("INSERT INTO events VALUES (?, ?, ?, ?)", f"$e{i:03}", i, 1000 + i, f"!r{i % 3}")
        for i in range(1, 41)], *[
        ("INSERT INTO event_search VALUES (?, ?, ?)", f"$e{i:03}", f"!r{i % 3}",
         None if i % 10 == 0 else f"running dogs number {i} it''s")
        for i in range(1, 31)])
    ferry.target.script(CHAT_TARGET)
    return Chat(ferry, source, scratch / "chat.yaml", CHAT)


class Chat:
    def __init__(self, ferry, source, config, rules):
        self.ferry, self.source, self.config = ferry, source, config
        self.target = ferry.target
        self.expect = OK
        config.write_text(rules)

    def sql(self, *statements):
        sqlite(self.source, *statements)

    def capture(self):
        return self.ferry.capture(self.source, "-c", self.config)

    def replay(self, *rest, expect=OK, **kw):
        return self.ferry.replay("-c", self.config, *rest, expect=expect, **kw)

    def judge(self):
        assert sorted(self.target.rows(CHAT_SEEN), key=repr) == \
            sorted(chat_wanted(self.source, self.target), key=repr)
        self.ferry.verify(expect=self.expect)

    def trip(self, *statements, **kw):
        self.sql(*statements)
        self.capture()
        result = self.replay(**kw)
        self.judge()
        return result

    def search(self, result):
        return result.tables("replay").get("event_search_content")


def counts(line):
    return tuple(line[k] for k in ("inserted", "updated", "deleted", "set_aside", "left_out"))


@pytest.mark.parametrize("how", [["-j1"], ["-j4"], ["--atomic"]])
def test_first_load(chat, how):
    chat.capture()
    result = chat.replay(*how)
    chat.judge()
    assert counts(chat.search(result)) == (27, 0, 0, 0, 3)
    assert result.summary["left_out"] == 3
    assert chat.target.value("SELECT left_out FROM rowferry.trip "
                             "WHERE table_name = 'event_search_content'") == "3"
    again = chat.replay()
    assert again.summary["mode"] == "none", str(again)


def test_trips(chat):
    """Rows come, change, go and come back; rows move over the line that where draws."""
    chat.trip()
    done = chat.trip("INSERT INTO event_search VALUES ('$e031', '!r9', 'one new')",
                     "DELETE FROM event_search WHERE event_id = '$e001'",
                     "UPDATE event_search SET body = 'changed' WHERE event_id = '$e002'")
    assert counts(chat.search(done)) == (1, 1, 1, 0, 0)
    done = chat.trip("UPDATE event_search SET body = NULL WHERE event_id = '$e003'",
                     "UPDATE event_search SET body = 'now' WHERE event_id = '$e010'",
                     "DELETE FROM event_search WHERE event_id = '$e020'")
    assert counts(chat.search(done)) == (1, 0, 1, 0, 1)
    # The same event under another docid.
    done = chat.trip("DELETE FROM event_search WHERE event_id = '$e004'",
                     "INSERT INTO event_search VALUES ('$e004', '!r7', 'moved over')")
    assert counts(chat.search(done)) == (0, 1, 0, 0, 0)
    # Unique values change places.
    done = chat.trip("UPDATE event_search SET event_id = 'x' WHERE event_id = '$e005'",
                     "UPDATE event_search SET event_id = '$e005' WHERE event_id = '$e006'",
                     "UPDATE event_search SET event_id = '$e006' WHERE event_id = 'x'")
    assert counts(chat.search(done)) == (0, 2, 0, 0, 0)
    done = chat.trip("DELETE FROM event_search")
    assert chat.target.value("SELECT count(*) FROM event_search") == "0"
    done = chat.trip("INSERT INTO event_search VALUES ('$e001', '!r9', 'first again')")
    assert counts(chat.search(done)) == (1, 0, 0, 0, 0)


def test_docids_given_out_again_and_vacuum(chat):
    chat.trip()
    chat.trip("DELETE FROM event_search WHERE event_id > '$e025'",
              "INSERT INTO event_search VALUES ('$e040', '!r1', 'with an old docid')",
              "INSERT INTO event_search VALUES ('$e039', NULL, 'and another')")
    done = chat.trip("VACUUM")
    assert done.summary["inserted"] + done.summary["updated"] + done.summary["deleted"] == 0
    chat.trip("DELETE FROM events WHERE stream % 2 = 0", "VACUUM",
              "DELETE FROM event_search WHERE event_id = '$e039'")


def test_joined_rows_change(chat):
    """Rows that stay have what the join gives now, and no others are written."""
    chat.trip()
    before = chat.target.rows("SELECT event_id, xmin FROM event_search ORDER BY event_id")
    done = chat.trip("UPDATE events SET stream = 7000 WHERE event_id = '$e005'",
                     "UPDATE events SET room = 'elsewhere' WHERE event_id = '$e006'")
    assert counts(chat.search(done)) == (0, 1, 0, 0, 0)
    after = chat.target.rows("SELECT event_id, xmin FROM event_search ORDER BY event_id")
    assert [a[0] for a, b in zip(before, after) if a != b] == ["$e005"]
    chat.trip("DELETE FROM events WHERE event_id = '$e008'")
    assert chat.target.rows("SELECT stream, ts FROM event_search WHERE event_id = '$e008'") == \
        [[None, "-1"]]
    chat.trip("INSERT INTO events VALUES ('$e008', 8, 8, '!r')",
              "INSERT INTO event_search VALUES ('$e032', '!r', 'both at once')",
              "UPDATE events SET ts = 5 WHERE event_id = '$e032'",
              "UPDATE event_search SET body = 'both change' WHERE event_id = '$e009'",
              "UPDATE events SET ts = 9 WHERE event_id = '$e009'")
    # Nothing that is joined changes.
    done = chat.trip("UPDATE events SET room = 'x'")
    assert chat.search(done) is None or counts(chat.search(done)) == (0, 0, 0, 0, 0)


GUARD = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION '% on %', TG_OP, TG_TABLE_NAME; END$$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON event_search FOR EACH ROW
    EXECUTE FUNCTION refuse();
CREATE RULE nothing AS ON INSERT TO event_search DO INSTEAD NOTHING;
ALTER TABLE event_search ADD FOREIGN KEY (event_id) REFERENCES events ON DELETE CASCADE;
"""


@pytest.mark.parametrize("role", [None, "owner", "writer"])
def test_nothing_acts(chat, server, role):
    """Neither triggers nor rules nor foreign keys do, on whatever way rows and joined values come;
    nor does a role need more than it is told."""
    target = chat.target
    target.script(GUARD)
    name = f"{target.name}_{role}"
    if role:
        target.script(f"DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN;"
                      f"GRANT CREATE, TEMPORARY ON DATABASE {target.name} TO {name};"
                      f"GRANT USAGE, CREATE ON SCHEMA public TO {name};"
                      f"GRANT SELECT, INSERT, DELETE ON events, event_search TO {name}")
        parts = [part for part in target.conninfo.split() if "user=" not in part]
        chat.ferry.target = Target(server, target.name, " ".join([*parts, f"user={name}"]))
    if role == "owner":
        target.script(f"ALTER TABLE events OWNER TO {name}; ALTER TABLE event_search OWNER TO {name}")
    try:
        chat.capture()
        if role == "writer":
            target.script(f"GRANT SET ON PARAMETER session_replication_role TO {name}")
            refused = chat.replay(expect=MISPLACED)
            assert f'GRANT UPDATE ON "public"."event_search" TO "{name}"' in refused.err
            target.script(f"GRANT UPDATE ON event_search TO {name}")
        chat.replay()
        chat.judge()
        chat.trip("UPDATE events SET stream = -stream")
        chat.trip("DELETE FROM event_search WHERE docid < 5",
                  "UPDATE event_search SET body = 'x' WHERE docid = 6")
        assert target.value("SELECT count(*) FROM pg_trigger WHERE tgname = 'refuse' "
                            "AND tgenabled = 'O'") == "1"
    finally:
        if role:
            target.script(f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; "
                          f"REVOKE SET ON PARAMETER session_replication_role FROM {name};"
                          f"DROP ROLE {name}")


def test_joined_values_that_need_the_source(chat):
    """The table has no docid: it is filled again when events change."""
    chat.config.write_text(CHAT.replace('"e.stream"', '"e.stream + 0 * docid"'))
    chat.trip()
    chat.trip("UPDATE events SET stream = 7000 WHERE event_id = '$e005'")
    chat.trip("DELETE FROM event_search WHERE event_id = '$e005'",
              "DELETE FROM events WHERE event_id = '$e007'")


def test_without_a_key(chat):
    """Rows are found by all that was made of them but what is joined; some are alike."""
    chat.config.write_text(CHAT.replace("      key: [c0event_id]\n", ""))
    chat.target.script("DROP INDEX event_search_id")
    chat.sql("INSERT INTO event_search VALUES ('$e001', '!r1', 'twice'), ('$e001', '!r1', 'twice'),"
             "(NULL, NULL, 'no id'), (NULL, NULL, 'no id')")
    chat.trip()
    chat.trip("DELETE FROM event_search WHERE docid = (SELECT max(docid) FROM event_search)",
              "DELETE FROM event_search WHERE docid = (SELECT max(docid) FROM event_search "
              "WHERE body = 'twice')",
              "UPDATE events SET stream = -1")
    chat.trip("DELETE FROM event_search", "DELETE FROM events")


def test_keys_that_are_null_or_alike(chat):
    """The key says less than it should: rows are told apart all the same."""
    chat.target.script("DROP INDEX event_search_id")
    chat.sql("INSERT INTO event_search VALUES ('$e001', '!r1', 'other'), (NULL, 'a', 'b'),"
             "(NULL, 'a', 'c')")
    chat.trip()
    chat.trip("DELETE FROM event_search WHERE body = 'other'",
              "DELETE FROM event_search WHERE body = 'c'")


def test_old_rows_are_gone_from_the_repository(chat):
    """The snapshot before is not there any more. As long as its archives are, the rows are found in
    them; else the table is filled again."""
    chat.trip()
    chat.expect = DAMAGED  # says verify of a repository without its first snapshot
    again = []
    noise = random.Random(5)
    everything = [[("UPDATE event_search SET body = ? WHERE docid = ?",
                    " ".join(f"{noise.getrandbits(60):x}" for _ in range(300)), docid)
                   for docid in range(2, 31)] for _ in range(2)]
    for change in (["DELETE FROM event_search WHERE event_id = '$e001'"], *everything,
                   ["DELETE FROM event_search WHERE event_id = '$e002'"]):
        chat.sql(*change)
        chat.capture()
        min(chat.ferry.repository.rglob("*.rfm")).unlink()
        result = chat.replay("-v")
        chat.judge()
        again.append("is filled again" in result.err)
    assert not again[0] and True in again and not again[-1], again


def test_rows_that_stand_aside(chat):
    """A row whose text the target cannot have never reaches the stage."""
    chat.sql(("INSERT INTO event_search VALUES (?, ?, ?)", "$e031", "a\0b", "body"),
             ("INSERT INTO event_search VALUES (?, ?, ?)", "$e032", "r", "nul \0 in it"))
    chat.capture()
    result = chat.replay(expect=SET_ASIDE)
    assert counts(chat.search(result)) == (27, 0, 0, 2, 3)
    chat.sql("DELETE FROM event_search WHERE event_id = '$e031'",
             ("UPDATE event_search SET body = ? WHERE event_id = ?", "clean", "$e032"),
             ("UPDATE event_search SET body = ? WHERE event_id = ?", "un\0clean", "$e002"))
    chat.capture()
    result = chat.replay(expect=SET_ASIDE)
    assert result.summary["set_aside_total"] == 1
    chat.sql("UPDATE event_search SET body = 'clean' WHERE event_id = '$e002'")
    chat.trip(expect=OK)


def test_bad_text_is_mended(chat):
    chat.config.write_text(CHAT.replace("{column: c2body, exclude: true}",
                                        "{column: c2body, exclude: true, bad_text: strip}"))
    chat.sql(("INSERT INTO event_search VALUES (?, ?, ?)", "$e031", "r", "run\0ning"))
    chat.capture()
    chat.replay(expect=(OK, SET_ASIDE))
    assert chat.target.value("SELECT vector FROM event_search WHERE event_id = '$e031'") == "'run':1"


def test_another_kind_of_values(chat):
    """What only expressions see is of a type that held all of it; then others come."""
    chat.config.write_text(CHAT.replace('"to_tsvector(\'english\', c2body)"',
                                        '"to_tsvector(\'english\', c2body::text)"'))
    chat.sql("UPDATE event_search SET body = 12 WHERE body IS NOT NULL")
    chat.capture()
    chat.replay()
    assert chat.target.value("SELECT DISTINCT vector FROM event_search") == "'12':1"
    chat.sql("UPDATE event_search SET body = 'words' WHERE event_id = '$e001'")
    chat.capture()
    chat.replay()
    assert chat.target.rows("SELECT vector, count(*) FROM event_search GROUP BY 1 ORDER BY 2") == \
        [["'word':1", "1"], ["'12':1", "26"]]


@pytest.mark.parametrize("seconds", [0.02, 0.05, 0.1, 0.2, 0.3, 0.5])
def test_killed(chat, seconds):
    """Killed in a load, then in a delta; the same command goes on."""
    for i in range(20):
        chat.sql(*[("INSERT INTO event_search VALUES (?, ?, ?)", f"$f{i:02}{j:03}", "r",
                    f"words that take {i} a while {j} " * 20) for j in range(100)])
    chat.capture()
    for kill in (True, False):
        running = Running(chat.ferry.args("replay", "-c", chat.config, "-j2", target=True))
        if kill:
            time.sleep(seconds)
            running.signal(signal.SIGKILL)
        result = running.wait(check=False)
        assert kill or result.code == OK, str(result)
    chat.judge()
    chat.sql("DELETE FROM event_search WHERE docid % 3 = 0", "UPDATE events SET stream = -stream",
             "UPDATE event_search SET room = 'x' WHERE docid % 3 = 1")
    chat.capture()
    for kill in (True, False):
        running = Running(chat.ferry.args("replay", "-c", chat.config, target=True))
        if kill:
            time.sleep(seconds)
            running.signal(signal.SIGKILL)
        result = running.wait(check=False)
        assert kill or result.code == OK, str(result)
    chat.judge()


# What is refused

def refused(chat, rules, *words, expect=MISPLACED, command="replay"):
    chat.config.write_text(rules)
    chat.capture()
    chat.target.script("INSERT INTO event_search VALUES ('mine', '', '', 1, 1) ON CONFLICT DO NOTHING")
    result = chat.replay(expect=expect)
    for word in words:
        assert word in result.err, f"{word} is not told\n{result}"
    assert chat.target.value("SELECT event_id FROM event_search") == "mine", str(result)
    return result


@pytest.mark.parametrize("before, after, words", [
    ("to_tsvector('english', c2body)", "to_tsvector('klingon', c2body)", ['"vector"', "klingon"]),
    ("to_tsvector('english', c2body)", "c2boddy", ['"vector"', "c2boddy"]),
    ("to_tsvector('english', c2body)", "c2body::int", ['"vector"', "integer"]),
    ("to_tsvector('english', c2body)", "c2body) , (c2body", ['"event_search"']),
    ("to_tsvector('english', c2body)", "c2body); DELETE FROM events; SELECT (1", ["vector"]),
    ('"e.stream"', '"source.stream"', ['"stream"']),
    ('"e.stream"', '"stream || event_id"', ['"stream"']),
    ("c2body IS NOT NULL", "c2body", ["where"]),
    ("c2body IS NOT NULL", "e.stream > 1", ["where", "e"]),
    ("e.event_id = source.c0event_id", "e.event_id = source.nothing", ['join of "events"']),
    ("table: events, as: e", "table: nowhere, as: e", ["nowhere", "no table"]),
    ("table: events, as: e", "table: event_search, as: e", ["joins itself"]),
    ("{column: ts, sql", "{column: when, sql", ['"when"']),
    ("        - {column: c1room, rename: room}\n", "", ["c1room"]),
    ("key: [c0event_id]", "key: [docid]", ['"docid"', "key"]),
    ("key: [c0event_id]", "rows: keep", ["kept"]),
    ("{column: docid, exclude: true}", "{column: docid, rename: room}", ["two columns"]),
])
def test_refused(chat, before, after, words):
    assert before in CHAT
    refused(chat, CHAT.replace(before, after), *words)


def check(chat, *rest, expect):
    args = ["check", *rest, "-d", chat.target.conninfo, "-c", chat.config, chat.source]
    result = run(*args)
    assert result.code == expect, str(result)
    return result


def test_check(chat):
    """Nothing is made by it; what is computed is shown, and what the server does not take told."""
    table = check(chat, "--json", expect=OK).tables()["event_search_content"]
    assert table["where"] == "c2body IS NOT NULL" and table["target"] == "event_search"
    assert [(value["column"], value["joined"]) for value in table["values"]] == \
        [("vector", False), ("stream", True), ("ts", True)]
    assert table["joins"] == [{"table": "events", "as": "e",
                               "on": "e.event_id = source.c0event_id"}]
    text = check(chat, expect=OK).out
    assert "value vector = to_tsvector('english', c2body)" in text and "join events AS e ON" in text
    chat.config.write_text(CHAT.replace("to_tsvector('english', c2body)", "to_tsvector(c2boddy)"))
    result = check(chat, expect=MISPLACED)
    assert 'value for column "vector"' in result.out + result.err, str(result)
    assert chat.target.tables("rowferry") == []


def test_refused_for_tables_of_rowferrys_own(chat):
    chat.config.write_text(CHAT.replace("existing: true", "existing: false"))
    chat.capture()
    chat.target.script("DROP TABLE events, event_search")
    result = chat.replay(expect=USAGE)
    assert "event_search_content" in result.err and "existing" in result.err


def test_a_circle_of_joins(ferry, scratch):
    source, config = scratch / "source.db", scratch / "rules.yaml"
    sqlite(source, "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY)")
    ferry.target.script("CREATE TABLE a (id bigint PRIMARY KEY, x bigint);"
                        "CREATE TABLE b (id bigint PRIMARY KEY, x bigint)")
    rule = ("    - table: {0}\n      values: [{{column: x, sql: j.x}}]\n"
            "      joins: [{{table: {1}, as: j, on: j.id = source.id}}]\n")
    config.write_text("existing: true\ntables:\n  rules:\n" + rule.format("a", "b")
                      + rule.format("b", "a"))
    ferry.capture(source)
    for options in ([], ["--atomic"]):
        result = ferry.replay("-c", config, *options, expect=MISPLACED)
        assert "join" in result.err


def test_a_chain_of_joins(ferry, scratch):
    """c looks b up, which looks a up; a changes, and all of them follow."""
    source, config = scratch / "source.db", scratch / "rules.yaml"
    sqlite(source, *[f"CREATE TABLE {t} (id INTEGER PRIMARY KEY, v TEXT)" for t in "abc"],
           *[(f"INSERT INTO {t} VALUES (?, ?)", i, f"{t}{i}") for t in "abc" for i in range(5)])
    ferry.target.script("CREATE TABLE a (id bigint PRIMARY KEY, v text);"
                        "CREATE TABLE b (id bigint PRIMARY KEY, v text, x text);"
                        "CREATE TABLE c (id bigint PRIMARY KEY, v text, x text)")
    config.write_text("""
existing: true
tables:
  rules:
    - table: b
      values: [{column: x, sql: "upper(j.v)"}]
      joins: [{table: a, as: j, on: "j.id = source.id"}]
    - table: c
      values: [{column: x, sql: "b.x || source.v"}]
      joins: [{table: b, on: "b.id = source.id"}]
""")
    seen = "SELECT c.id, c.x, b.x FROM c JOIN b USING (id) ORDER BY 1"
    wanted = [[str(i), f"A{i}c{i}", f"A{i}"] for i in range(5)]
    ferry.capture(source)
    ferry.replay("-c", config, expect=OK)
    assert ferry.target.rows(seen) == wanted
    sqlite(source, "UPDATE a SET v = 'new' WHERE id = 3")
    ferry.capture(source)
    done = ferry.replay("-c", config, expect=OK)
    wanted[3] = ["3", "NEWc3", "NEW"]
    assert ferry.target.rows(seen) == wanted
    assert done.summary["updated"] == 3


def test_a_join_that_finds_several(chat):
    chat.target.script("DROP INDEX event_search_id")
    chat.config.write_text(CHAT.replace("e.event_id = source.c0event_id", "e.room = source.c1room"))
    chat.capture()
    result = chat.replay(expect=MISPLACED)
    assert "at most one row" in result.err and "event_search" in result.err
    assert chat.target.value("SELECT count(*) FROM event_search") == "0"
    chat.config.write_text(CHAT)
    chat.replay()
    chat.judge()


def test_rows_that_become_alike(chat):
    """A unique index of the target refuses what the source has."""
    chat.sql("INSERT INTO event_search VALUES ('$e001', '!r', 'again')")
    chat.capture()
    result = chat.replay(expect=MISPLACED)
    assert "event_search_id" in result.err and "where" in result.err, str(result)
    chat.sql("DELETE FROM event_search WHERE body = 'again'")
    chat.capture()
    chat.replay()
    chat.judge()


def test_a_value_that_fails(chat):
    chat.config.write_text(CHAT.replace('"e.stream"', '"1 / (e.stream - 13)"'))
    chat.capture()
    result = chat.replay(expect=MISPLACED)
    assert "division by zero" in result.err and "event_search" in result.err
    chat.config.write_text(CHAT)
    chat.replay()
    chat.judge()


def test_rules_that_change(chat):
    chat.trip()
    chat.config.write_text(CHAT.replace("'english'", "'simple'"))
    result = chat.replay(expect=MISPLACED)
    assert "vector" in result.err
    chat.config.write_text(CHAT.replace("c2body IS NOT NULL", "true"))
    result = chat.replay(expect=MISPLACED)
    assert "where" in result.err
    # Or the table is filled anew by them.
    chat.config.write_text(CHAT.replace("c2body IS NOT NULL", "c2body LIKE '%1%'")
                           .replace('"e.stream"', '"e.stream + 1"'))
    chat.sql("DELETE FROM event_search WHERE event_id = '$e001'")
    chat.capture()
    result = chat.replay("--remake", "event_search*")
    assert [[a, int(b) - 1] for a, b in chat.target.rows(
        "SELECT event_id, stream FROM event_search ORDER BY 1")] == [list(row) for row in asked(
            chat.source, "SELECT event_id, stream FROM event_search JOIN events USING (event_id) "
                         "WHERE body LIKE '%1%' ORDER BY 1")]
    assert chat.target.value("SELECT count(*) FROM event_search") == "10"
    chat.replay()
    chat.config.write_text(CHAT.replace("rename: event_search\n", "rename: events\n"))
    result = chat.replay("--remake", "event_search*", expect=MISPLACED)
    chat.config.write_text(CHAT)
    chat.replay("--remake", "event_search*")
    chat.judge()
    chat.trip("UPDATE events SET stream = 12 WHERE stream = 2")


def test_changed_by_hand(chat):
    chat.trip()
    chat.target.script("DELETE FROM event_search WHERE event_id = '$e005'")
    chat.sql("DELETE FROM event_search WHERE event_id IN ('$e005', '$e006')")
    chat.capture()
    result = chat.replay(expect=(DAMAGED, MISPLACED))
    assert "event_search" in result.err
    assert chat.target.value("SELECT count(*) FROM event_search WHERE event_id = '$e006'") == "1"


def test_plain_tables_with_values(ferry, scratch):
    """A NOT NULL column that a value fills, one that replaces the source's, an identity, a table
    without a rowid, a default, names that have to be quoted; and what the source does to them."""
    source, config = scratch / "source.db", scratch / "rules.yaml"
    sqlite(source, """
CREATE TABLE "Odd one" ("a b" TEXT, "K" TEXT, n INTEGER, PRIMARY KEY ("K", "a b")) WITHOUT ROWID;
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, admin INTEGER, secret TEXT);
INSERT INTO users VALUES (1, 'ann', 1, 'x'), (2, 'bob', 0, 'y'), (3, 'eve', 0, 'z');
INSERT INTO "Odd one" VALUES ('x''y', 'k1', 1), ('""', 'k2', 2), ('', 'k3', NULL);
""")
    ferry.target.script("""
CREATE TABLE odd (key text, total bigint, text text, made text NOT NULL);
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,
                    admin boolean, kind text NOT NULL, since timestamptz NOT NULL DEFAULT now());
""")
    config.write_text("""
existing: true
tables:
  rules:
    - table: users
      where: "secret <> 'y'"
      columns: [{column: secret, exclude: true}]
      values:
        - {column: name, sql: "upper(name) || id"}
        - {column: kind, sql: "CASE WHEN admin THEN 'admin' ELSE 'user' END"}
    - table: "Odd one"
      rename: odd
      columns:
        - {column: "a b", rename: text}
        - {column: "K", exclude: true}
        - {column: n, exclude: true}
      values:
        - {column: key, sql: "lower(\\"K\\")"}
        - {column: made, sql: "'1' || source.\\"a b\\""}
        - {column: total, sql: "2 * n"}
""")
    users = "SELECT id, name, admin, kind FROM users ORDER BY id"
    odd = 'SELECT key, total, text, made FROM odd ORDER BY key COLLATE "C"'

    def trip(*statements):
        sqlite(source, *statements)
        ferry.capture(source)
        done = ferry.replay("-c", config, expect=OK)
        assert ferry.target.rows(users) == [[str(a), b, "t" if c else "f", d] for a, b, c, d in asked(
            source, "SELECT id, upper(name) || id, admin, CASE WHEN admin THEN 'admin' "
                    "ELSE 'user' END FROM users WHERE secret <> 'y' ORDER BY id")]
        assert ferry.target.rows(odd) == [
            [a, b and str(b), c, d] for a, b, c, d in asked(
                source, 'SELECT lower("K"), 2 * n, "a b", \'1\' || "a b" FROM "Odd one" '
                        'ORDER BY 1')]
        return done
    trip()
    done = trip("UPDATE users SET name = 'Ann' WHERE id = 1; UPDATE users SET secret = 'y' WHERE id = 3;"
                "INSERT INTO users VALUES (9, 'max', 1, ''); UPDATE users SET secret = 'q' WHERE id = 2",
                "UPDATE \"Odd one\" SET n = 7 WHERE \"K\" = 'k2'; DELETE FROM \"Odd one\" WHERE n = 1")
    assert counts(done.tables("replay")["users"]) == (2, 1, 1, 0, 1)
    assert counts(done.tables("replay")["Odd one"]) == (0, 1, 1, 0, 0)
    trip("DELETE FROM users WHERE id = 1", "DELETE FROM \"Odd one\"")
    ferry.target.script("INSERT INTO users (name, kind) VALUES ('next', '')")
    assert ferry.target.value("SELECT max(id) FROM users") == "10"


def test_other_columns_in_the_source(chat):
    """The table gets another shape: it is emptied and filled again."""
    chat.trip()
    chat.config.write_text(CHAT.replace("tables:", "bad_text: strip\ntables:", 1)
                           .replace("        - {column: c2body, exclude: true}\n",
                                    "        - {column: c2body, exclude: true}\n"
                                    "        - {column: c3more, exclude: true}\n", 1)
                           .replace("bad_text: strip\n", ""))
    chat.sql("ALTER TABLE event_search RENAME TO old",
             "CREATE VIRTUAL TABLE event_search USING fts4 (event_id, room, body, more)",
             "INSERT INTO event_search SELECT *, 'more' FROM old", "DROP TABLE old")
    chat.capture()
    chat.replay()
    chat.judge()
    chat.target.script("ALTER TABLE event_search ALTER COLUMN room TYPE varchar(20)")
    chat.trip("DELETE FROM event_search WHERE event_id = '$e002'")
