"""Sequences of the target: whatever is to be passed is passed, whoever names it, and nothing is ever
set back."""


import pytest

from makedb import sqlite
from program import CONNECT, FAILED, MISPLACED, OK, SET_ASIDE, USAGE, Ferry, settings


def moved(result):
    """What a replay says it set."""
    return {line["name"]: line["value"] for line in result.summary["sequences"]}


def nothing_came(target):
    return target.results(("rowferry.source", "SELECT * FROM rowferry.source")) == [[]]


def following(target, *names):
    """What each would give next, without taking it."""
    return [int(target.value(
        f"SELECT last_value::numeric + CASE WHEN is_called THEN q.seqincrement ELSE 0 END "
        f"FROM {name} s, pg_sequence q WHERE q.seqrelid = '{name}'::regclass")) for name in names]


SOURCE = """
CREATE TABLE events (id INTEGER PRIMARY KEY, stream INT, back INT);
INSERT INTO events VALUES (1, 10, -5), (2, 20, -40), (3, 15, NULL);
CREATE TABLE positions (name TEXT PRIMARY KEY, position INT);
INSERT INTO positions VALUES ('events', 33), ('backfill', -50), ('none', NULL);
"""
TARGET = """
CREATE TABLE events (id bigint PRIMARY KEY, stream bigint, back bigint);
CREATE TABLE positions (name text PRIMARY KEY, position bigint);
CREATE SEQUENCE events_stream; CREATE SEQUENCE back_stream; CREATE SEQUENCE empty_stream;
CREATE SEQUENCE far_stream; SELECT setval('far_stream', 5000);
CREATE SEQUENCE start_stream START 900; CREATE SEQUENCE unruled;
"""
RULES = """
existing: true
sequences:
  - name: events_stream
    queries:
      - SELECT max(stream) FROM events
      - "SELECT position FROM positions WHERE name = 'events' -- the last word;"
  - {name: back_stream, queries: [SELECT -min(back) FROM events, "SELECT max(-position) FROM positions;"]}
  - {name: empty_stream, queries: [SELECT position FROM positions WHERE name = 'none',
                                   SELECT position FROM positions WHERE name = 'nobody']}
  - {name: far_stream, queries: [SELECT max(id) FROM events]}
  - {name: start_stream, queries: ["SELECT 899::numeric(9,2)"]}
"""


@pytest.mark.parametrize("options", [[], ["--atomic"]], ids=str)
def test_queries(ferry, target, scratch, options):
    """Every query counts, NULL and no row say nothing, and a sequence that is farther stays."""
    source = scratch / "source.db"
    sqlite(source, SOURCE)
    target.script(TARGET)
    rules = settings(scratch, RULES)
    ferry.capture(source)
    done = ferry.replay(*rules, *options, expect=OK)
    assert moved(done) == {"events_stream": 33, "back_stream": 50}
    names = ["events_stream", "back_stream", "empty_stream", "far_stream", "start_stream",
             "unruled"]
    assert following(target, *names) == [34, 51, 1, 5001, 900, 1]
    # Nothing new, nothing to do.
    assert moved(ferry.replay(*rules, expect=OK)) == {}
    # A sequence that stands too low is moved on though the snapshot is there already, and all it says
    # is that.
    target.script("SELECT setval('events_stream', 7)")
    again = ferry.replay(*rules, expect=OK)
    assert moved(again) == {"events_stream": 33} and again.summary["mode"] == "none"
    # A change of the source.
    sqlite(source, "UPDATE positions SET position = 1000 WHERE name = 'events';"
                   "INSERT INTO events VALUES (9000, 1, 1);")
    ferry.capture(source)
    assert moved(ferry.replay(*rules, expect=OK)) == {"events_stream": 1000, "far_stream": 9000}
    assert following(target, *names) == [1001, 51, 1, 9001, 900, 1]
    # A dry run moves nothing.
    target.script("SELECT setval('events_stream', 7)")
    ferry.replay(*rules, "--dry-run", expect=OK)
    assert following(target, "events_stream") == [8]


def test_a_table_of_rowferry(ferry, target, scratch):
    """Where rowferry makes the tables, rules name sequences that stand there, its own included."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT);"
                   "INSERT INTO t VALUES (7, 50);")
    target.script("CREATE SEQUENCE numbers;")
    rules = settings(scratch, """
        sequences:
          - {name: numbers, queries: [SELECT max(n) FROM t]}
          - {name: t_id_seq, queries: [SELECT 100]}""")
    ferry.capture(source)
    done = ferry.replay(*rules, expect=OK)
    assert moved(done) == {"numbers": 50, "t_id_seq": 100}
    assert following(target, "numbers", "t_id_seq") == [51, 101]


# What is wrong with a rule

WRONG = [
    ("SELECT 'seven'", FAILED, ["seven", "no bigint"]),
    ("SELECT 1.5", FAILED, ["1.5", "no bigint"]),
    ("SELECT 9223372036854775808", FAILED, ["no bigint"]),
    ("SELECT ''", FAILED, ["no bigint"]),
    ("SELECT true", FAILED, ["no bigint"]),
    ("SELECT 'NaN'::float8", FAILED, ["NaN", "no bigint"]),
    ("SELECT id FROM t", FAILED, ["more than one row"]),
    ("SELECT 1, 2", FAILED, ["one column"]),
    ("SELECT max(id) FROM nowhere", FAILED, ["nowhere"]),
    ("SELECT 1; DROP TABLE t", FAILED, ["syntax error"]),
    ("DELETE FROM t RETURNING id", FAILED, ["syntax error"]),
]


@pytest.mark.parametrize("query, code, words", WRONG, ids=lambda value: str(value)[:24])
def test_wrong_queries(ferry, target, scratch, query, code, words):
    """The error names the sequence, the query and where it is written, before a load as in a delta,
    and nothing is applied."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (4), (5);")
    target.script("CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t VALUES (1), (2);"
                  "CREATE SEQUENCE first; CREATE SEQUENCE second;")
    text = f"""
sequences:
  - {{name: first, queries: [SELECT 3]}}
  - {{name: second, queries: [SELECT 4, {query!r}]}}
"""
    rules = settings(scratch, text)
    ferry.capture(source)
    refused = ferry.replay("--existing", *rules, expect=(code, USAGE))
    seen = str(refused.error)
    for word in [*words, "second", "rowferry.yaml:4", query[:12]]:
        assert word in seen, str(refused)
    assert target.rows("SELECT id FROM t ORDER BY id") == [["1"], ["2"]], "found before the load"
    ferry.replay("--existing", expect=OK)
    sqlite(source, "INSERT INTO t VALUES (6)")
    ferry.capture(source)
    ferry.replay(*rules, expect=(code, USAGE))
    assert target.stands_at() == 1
    assert following(target, "first", "second")[1] == 1


def test_check(ferry, target, scratch):
    """A check finds what a replay would end with, and changes nothing."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (4);")
    target.script("CREATE TABLE t (id bigint PRIMARY KEY); CREATE SEQUENCE public.there;")

    def found(text, expect):
        done = ferry.command("check", "--existing", *settings(scratch, text), source, target=True,
                             expect=expect)
        return [line for line in done.summary["preflight"] if line["name"] == "sequences"]

    one = "{name: there, queries: [SELECT 5]}"
    assert found("fold_names: false\n", OK) == []
    assert found(f"sequences: [{one}]\n", OK)[0]["state"] == "ok"
    missing = found(f"sequences: [{one}, {{name: gone, queries: [SELECT 5]}}]\n", MISPLACED)
    assert missing[0]["state"] == "stop" and '"gone"' in missing[0]["found"], missing
    assert found(f"sequences: [{{name: gone, queries: [SELECT 5], optional: true}}]\n", OK)
    wrong = found("sequences: [{name: there, queries: [SELECT max(id) FROM nowhere]}]\n", FAILED)
    assert wrong[0]["state"] == "stop" and "nowhere" in wrong[0]["found"], wrong
    assert following(target, "there") == [1] and nothing_came(target)


def test_missing(ferry, target, scratch):
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (4);")
    target.script("CREATE TABLE t (id bigint PRIMARY KEY); CREATE SCHEMA other;"
                  "CREATE SEQUENCE other.numbers; CREATE TABLE words (id bigint);")
    ferry.capture(source)
    for name in ("numbers", "words", "Numbers"):
        rules = settings(scratch, f"sequences: [{{name: {name}, queries: [SELECT 1]}}]\n")
        refused = ferry.replay("--existing", *rules, expect=MISPLACED)
        assert f'"{name}"' in refused.error["what"] and "rowferry.yaml:1" in str(refused.error)
        assert nothing_came(target)
    # In tables of rowferry's own it shows at the end; what was loaded stays, and is shown once the
    # sequence is there.
    target.script("DROP TABLE t")
    refused = ferry.replay(*rules, expect=MISPLACED)
    assert target.value("SELECT state FROM rowferry.source") == "loading"
    target.script('CREATE SEQUENCE public."Numbers"')
    done = ferry.replay(*rules, expect=OK)
    assert moved(done) == {"Numbers": 1, "t_id_seq": 4}


def test_not_allowed(ferry, target, scratch, server):
    """What a rule names has to be set; what only belongs to a column is told of."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (4);")
    target.script("""
        CREATE TABLE t (id serial PRIMARY KEY); CREATE SEQUENCE numbers;
        DROP ROLE IF EXISTS filler; CREATE ROLE filler LOGIN;
        GRANT ALL ON t TO filler; GRANT CREATE ON DATABASE """ + f'"{target.name}"' + " TO filler;")
    role = Ferry(ferry.repository, target, ["-d", target.conninfo + " user=filler"])
    rules = settings(scratch, "sequences: [{name: numbers, queries: [SELECT 7]}]\n")
    try:
        ferry.capture(source)
        refused = role.replay("--existing", *rules, expect=CONNECT)
        assert 'GRANT SELECT, UPDATE ON SEQUENCE "public"."numbers" TO "filler"' in \
            refused.error["hint"], str(refused)
        assert nothing_came(target)
        target.script("GRANT SELECT, UPDATE ON SEQUENCE numbers TO filler")
        done = role.replay("--existing", *rules, expect=OK)
        assert moved(done) == {"numbers": 7}
        assert "t_id_seq is not set" in done.err and "GRANT" in done.err, str(done)
        assert "t_id_seq" not in role.replay(*rules, expect=OK).err, "told when rows come"
    finally:
        target.script("DROP OWNED BY filler; DROP ROLE filler")


# Sequences that nobody names

def test_of_columns(ferry, target, scratch):
    """Owned, identity, named by a default, by its name alone; of several columns; of tables and
    schemas with names of their own."""
    source = scratch / "source.db"
    sqlite(source, """
        CREATE TABLE plain (id INTEGER PRIMARY KEY, n INT, big INT); INSERT INTO plain VALUES (8, 70, 5);
        CREATE TABLE "Odd ""name" ("Id" INTEGER PRIMARY KEY); INSERT INTO "Odd ""name" VALUES (9);
        CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (100);
        CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (200);
        CREATE TABLE c (id INTEGER PRIMARY KEY, d INT); INSERT INTO c VALUES (1, NULL);
        CREATE TABLE texts (id TEXT); INSERT INTO texts VALUES ('x');""")
    target.script("""
        CREATE SCHEMA side; CREATE SEQUENCE side.shared; CREATE SEQUENCE named; CREATE DOMAIN num AS int;
        CREATE DOMAIN numnum AS num;
        CREATE TABLE plain (id bigint PRIMARY KEY DEFAULT nextval('named'), n numnum, big numeric);
        CREATE SEQUENCE plain_n_seq; CREATE SEQUENCE plain_big_seq;
        CREATE TABLE "Odd ""name" ("Id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
        CREATE TABLE a (id bigint PRIMARY KEY DEFAULT nextval('side.shared'));
        CREATE TABLE b (id bigint PRIMARY KEY DEFAULT nextval('side.shared'));
        CREATE TABLE c (id bigint, d bigint); CREATE SEQUENCE c_d_seq; CREATE SEQUENCE c_id_seq;
        ALTER SEQUENCE c_id_seq OWNED BY a.id;
        CREATE TABLE texts (id text); CREATE SEQUENCE texts_id_seq;
        CREATE TABLE unfed (id serial); INSERT INTO unfed VALUES (40);""")
    ferry.capture(source)
    done = ferry.replay("--existing", expect=OK)
    assert moved(done) == {"named": 8, "plain_n_seq": 70, "plain_big_seq": 5,
                           'Odd "name_Id_seq': 9, "side.shared": 200, "c_id_seq": 100}
    assert following(target, "c_d_seq", "texts_id_seq", "unfed_id_seq") == [1, 1, 1]
    target.script('INSERT INTO "Odd ""name" DEFAULT VALUES')
    assert target.value('SELECT max("Id") FROM "Odd ""name"') == "10"


def test_what_sqlite_gave_out(ferry, target, scratch):
    """AUTOINCREMENT does not give a number out again, whatever was deleted."""
    source = scratch / "source.db"
    sqlite(source, """
        CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, n INT);
        INSERT INTO t VALUES (100, 7), (500, 3); DELETE FROM t WHERE id = 500;
        CREATE TABLE gone (id INTEGER PRIMARY KEY AUTOINCREMENT);
        INSERT INTO gone VALUES (60); DELETE FROM gone;""")
    target.script("CREATE TABLE t (id serial PRIMARY KEY, n int);"
                  "CREATE TABLE gone (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);")
    ferry.capture(source)
    done = ferry.replay("--existing", expect=OK)
    assert moved(done) == {"t_id_seq": 500, "gone_id_seq": 60}
    # A ruled sequence has that to pass as well.
    target.script("SELECT setval('t_id_seq', 1)")
    rules = settings(scratch, "sequences: [{name: t_id_seq, queries: [SELECT 400]}]\n")
    assert moved(ferry.replay(*rules, expect=OK)) == {"t_id_seq": 500}
    # sqlite_sequence may hold anything.
    sqlite(source, "UPDATE sqlite_sequence SET seq = 'x' WHERE name = 'gone';"
                   "INSERT INTO sqlite_sequence VALUES (x'00', 5), ('t', 900), (NULL, NULL);"
                   "INSERT INTO t VALUES (600, 1);")
    ferry.capture(source)
    ferry.replay(expect=OK)
    assert following(target, "t_id_seq")[0] >= 601


# How sequences count

def test_steps_and_ends(ferry, target, scratch):
    """Increments, descending ones, bounds and cycles: what comes next is past what is there, and the
    steps go on as they did."""
    source = scratch / "source.db"
    sqlite(source, """
        CREATE TABLE t (odd INTEGER PRIMARY KEY, down INT, wide INT, small INT, round INT, near INT,
                        full INT, fresh INT, cached INT);
        INSERT INTO t VALUES (10, -7, 5, 32768, 10, 4, 100, 1, 41), (3, 100, 1, 1, 1, 4, 1, 1, 1);""")
    target.script("""
        CREATE TABLE t (odd bigint PRIMARY KEY, down bigint, wide bigint, small bigint, round bigint,
                        near bigint, "full" bigint, fresh bigint, cached bigint);
        CREATE SEQUENCE t_odd_seq INCREMENT 2 START 1;
        CREATE SEQUENCE t_down_seq INCREMENT -1;
        CREATE SEQUENCE t_wide_seq INCREMENT 10; SELECT nextval('t_wide_seq');
        CREATE SEQUENCE t_small_seq AS smallint; SELECT setval('t_small_seq', 77);
        CREATE SEQUENCE t_round_seq MAXVALUE 10 CYCLE;
        CREATE SEQUENCE t_near_seq MAXVALUE 5 INCREMENT 3;
        CREATE SEQUENCE t_full_seq MAXVALUE 100;
        CREATE SEQUENCE t_fresh_seq;
        CREATE SEQUENCE t_cached_seq CACHE 20;""")
    ferry.capture(source)
    done = ferry.replay("--existing", expect=OK)
    # 1, 3, 5 … passes 10 with 11; -7 is passed by -8; 1 + 10 is past 5 already.
    assert moved(done) == {"t_odd_seq": 11, "t_down_seq": -7, "t_round_seq": 10, "t_near_seq": 4,
                           "t_full_seq": 100, "t_fresh_seq": 1, "t_cached_seq": 41}
    assert following(target, "t_odd_seq", "t_down_seq", "t_wide_seq", "t_fresh_seq") == \
        [13, -8, 11, 2]
    assert target.value("SELECT nextval('t_cached_seq')") == "42"
    assert target.value("SELECT nextval('t_round_seq')") == "1", "it was told to cycle"
    assert "t_small_seq ends before" in done.err, str(done)
    assert following(target, "t_small_seq") == [78], "left as it is"
    assert ferry.replay(expect=OK).err == "", "told when rows come, not on every trip"


def test_the_ends_of_bigint(ferry, target, scratch):
    source = scratch / "source.db"
    sqlite(source, """
        CREATE TABLE t (up INTEGER PRIMARY KEY, down INT, huge REAL);
        INSERT INTO t VALUES (9223372036854775807, -9223372036854775808, 1e300);""")
    target.script("""
        CREATE TABLE t (up bigint PRIMARY KEY, down bigint, huge numeric);
        CREATE SEQUENCE t_up_seq INCREMENT 7; CREATE SEQUENCE t_huge_seq;
        CREATE SEQUENCE t_down_seq INCREMENT -9223372036854775808
            MINVALUE -9223372036854775808 MAXVALUE 9223372036854775807
            START 9223372036854775807;""")
    ferry.capture(source)
    done = ferry.replay("--existing", expect=OK)
    assert moved(done)["t_up_seq"] == 9223372036854775801, "the last one that the steps lead to"
    assert moved(done)["t_down_seq"] == -1
    assert "t_huge_seq ends before" in done.err
    assert following(target, "t_huge_seq") == [1]


def test_many(ferry, target, scratch):
    """More than fit into one statement."""
    source = scratch / "source.db"
    count = 900
    sqlite(source, "".join(f"CREATE TABLE t{i} (id INTEGER PRIMARY KEY);"
                           f"INSERT INTO t{i} VALUES ({i + 1});" for i in range(count)))
    target.script("".join(f"CREATE TABLE t{i} (id serial PRIMARY KEY);" for i in range(count)))
    rules = settings(scratch, "sequences:\n" + "".join(
        f"  - {{name: t{i}_id_seq, queries: [SELECT max(id) + 1 FROM t{i}]}}\n"
        for i in range(0, count, 3)))
    ferry.capture(source)
    done = ferry.replay("--existing", *rules, expect=OK)
    assert moved(done) == {f"t{i}_id_seq": i + 1 + (i % 3 == 0) for i in range(count)}
    assert moved(ferry.replay(*rules, expect=OK)) == {}


def test_the_application_counts_on(ferry, target, scratch):
    """Numbers that were taken in the target are not given out again."""
    source = scratch / "source.db"
    sqlite(source, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);")
    target.script("CREATE TABLE t (id serial PRIMARY KEY)")
    ferry.capture(source)
    ferry.replay("--existing", expect=OK)
    target.script("SELECT nextval('t_id_seq') FROM generate_series(1, 50)")
    sqlite(source, "INSERT INTO t VALUES (20)")
    ferry.capture(source)
    assert moved(ferry.replay(expect=(OK, SET_ASIDE))) == {}
    assert following(target, "t_id_seq") == [52]
