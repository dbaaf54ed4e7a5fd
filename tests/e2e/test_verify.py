"""verify against a target finds what somebody changed by hand, and names the rows."""

import pytest

import makedb
from program import DAMAGED, OK, SET_ASIDE, run


@pytest.fixture
def ferried(ferry, scratch):
    db = makedb.connect(scratch / "source.db")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, r REAL)")
    db.execute("CREATE TABLE pair (a TEXT, b INTEGER, v BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID")
    db.execute("CREATE TABLE bag (v TEXT, n INTEGER)")
    db.execute("BEGIN")
    for number in range(3000):
        db.execute("INSERT INTO t VALUES (?, ?, ?)", (number, f"text {number}", number / 3))
    for number in range(200):
        db.execute("INSERT INTO pair VALUES (?, ?, x'00ff')", (f"k{number % 7}", number))
        db.execute("INSERT INTO bag VALUES (?, 1)", (f"v{number % 5}",))
    db.execute("COMMIT")
    db.close()
    ferry.capture(scratch / "source.db")
    ferry.replay()
    ferry.verify(expect=OK)
    return ferry


def found(ferry):
    result = ferry.verify(expect=DAMAGED)
    return result, [(line["table"], line["kind"], {k: str(v) for k, v in line["key"].items()})
                    for line in result.of_type("difference")]


@pytest.mark.parametrize("edit, kind, key", [
    ("DELETE FROM t WHERE id = 1234", "missing", {"id": "1234"}),
    ("INSERT INTO t VALUES (-5, 'extra', 1)", "extra", {"id": "-5"}),
    ("UPDATE t SET v = 'edited' WHERE id = 7", "different", {"id": "7"}),
    ("UPDATE t SET r = r + 1e-13 WHERE id = 2999", "different", {"id": "2999"}),
    ("UPDATE t SET v = NULL WHERE id = 0", "different", {"id": "0"}),
    ("UPDATE t SET v = '' WHERE id = 1", "different", {"id": "1"}),
])
def test_one_row_of_a_table_with_a_key(ferried, edit, kind, key):
    ferried.target.script(edit)
    result, differences = found(ferried)
    assert differences == [("t", kind, key)], str(result)
    counts = result.tables()["t"]
    assert {k: counts[k] for k in ("missing", "extra", "different")} == \
        {**dict.fromkeys(("missing", "extra", "different"), 0), kind: 1}


def test_a_key_of_several_columns(ferried):
    ferried.target.script("UPDATE pair SET v = '\\x00' WHERE b = 9; DELETE FROM pair WHERE b = 10;"
                          "INSERT INTO pair VALUES ('k', -1, NULL)")
    _, differences = found(ferried)
    assert sorted(differences, key=str) == sorted([
        ("pair", "different", {"a": "k2", "b": "9"}), ("pair", "missing", {"a": "k3", "b": "10"}),
        ("pair", "extra", {"a": "k", "b": "-1"})], key=str)


def test_a_table_without_a_key(ferried):
    """One duplicate more of one row, one fewer of another: the counts give it away, whole rows
    name it."""
    ferried.target.script("INSERT INTO bag VALUES ('v1', 1); DELETE FROM bag "
                          "WHERE ctid = (SELECT ctid FROM bag WHERE v = 'v2' LIMIT 1)")
    _, differences = found(ferried)
    assert sorted(differences, key=str) == sorted([
        ("bag", "extra", {"v": "v1", "n": "1"}),
        ("bag", "missing", {"v": "v2", "n": "1"})], key=str)


def test_a_changed_key_is_one_missing_and_one_extra(ferried):
    ferried.target.script("UPDATE t SET id = 9999 WHERE id = 55")
    _, differences = found(ferried)
    assert sorted(differences, key=str) == sorted(
        [("t", "missing", {"id": "55"}), ("t", "extra", {"id": "9999"})], key=str)


def test_swapped_values_are_two_differences(ferried):
    """An order-free sum of the columns would not see this one."""
    ferried.target.script("UPDATE t SET v = CASE id WHEN 1 THEN 'text 2' ELSE 'text 1' END "
                          "WHERE id IN (1, 2)")
    _, differences = found(ferried)
    assert sorted(d[2]["id"] for d in differences) == ["1", "2"]


def test_many_differences_are_all_counted(ferried):
    ferried.target.script("UPDATE t SET v = v || '!' WHERE id % 2 = 0;"
                          "DELETE FROM t WHERE id % 10 = 1")
    result, _ = found(ferried)
    counts = result.tables()["t"]
    assert (counts["different"], counts["missing"], counts["extra"]) == (1500, 300, 0)
    assert (counts["rows"], counts["target_rows"]) == (3000, 2700)


def test_an_emptied_and_a_dropped_table(ferried):
    ferried.target.script("TRUNCATE bag")
    assert found(ferried)[0].tables()["bag"]["missing"] == 200
    ferried.target.script("DROP TABLE pair")
    result = ferried.verify(expect=(DAMAGED, 4))
    assert "pair" in result.out + result.err


def test_a_source_that_went_on_is_no_difference(ferried, scratch):
    """The target is compared with the snapshot that it stands at, not with the newest."""
    makedb.connect(scratch / "source.db").execute("DELETE FROM t WHERE id < 100")
    ferried.capture(scratch / "source.db")
    assert ferried.verify(expect=OK).summary["snapshot"] == 1


def test_one_table_only(ferried):
    ferried.target.script("DELETE FROM bag")
    ferried.verify("-t", "t", expect=OK)
    ferried.verify("-T", "bag", expect=OK)
    ferried.verify("-t", "b*", expect=DAMAGED)


def test_people_read_it_too(ferried):
    """Without --json the same is said in words."""
    ferried.target.script("DELETE FROM t WHERE id = 1234")
    result = run("verify", "-r", ferried.repository, "-d", ferried.target.conninfo)
    assert result.code == DAMAGED
    assert all(word in result.out + result.err for word in ("t", "1234", "missing")), str(result)


# ---- tables of several blocks and many kinds ----

LAST = 99_999


@pytest.fixture
def large(ferry, scratch):
    """100,000 rows, which is several blocks of an archive and many pieces of a COPY; five of
    them do not fit their column."""
    db = makedb.connect(scratch / "source.db")
    db.execute("CREATE TABLE big (id INTEGER PRIMARY KEY, v TEXT, n INTEGER NOT NULL)")
    db.execute("CREATE TABLE small (id INTEGER PRIMARY KEY, v TEXT)")
    db.execute("BEGIN")
    db.executemany("INSERT INTO big VALUES (?, ?, ?)",
                   ((number, f"value {number * 7919 % 100_003}", number % 13)
                    for number in range(LAST + 1)))
    db.execute("INSERT INTO small VALUES (1, 'one')")
    db.execute("UPDATE big SET v = 'nul ' || char(0) || id WHERE id % 20000 = 17")
    db.execute("COMMIT")
    db.close()
    ferry.capture(scratch / "source.db")
    ferry.replay(expect=SET_ASIDE)
    assert ferry.verify(expect=SET_ASIDE).tables()["big"]["set_aside"] == 5
    return ferry


@pytest.mark.parametrize("jobs", ["1", "2", "5"])
def test_differences_wherever_they_are(large, jobs):
    """The first row and the last, and some around 32,768, where a block ends."""
    ids = [0, 32766, 32767, 32768, 32769, LAST]
    large.target.script(f"UPDATE big SET n = n + 1 WHERE id IN ({str(ids)[1:-1]})")
    result = large.verify("-j", jobs, expect=DAMAGED)
    differences = [(line["table"], line["kind"], line["key"])
                   for line in result.of_type("difference")]
    assert sorted(differences, key=str) == \
        sorted((("big", "different", {"id": str(number)}) for number in ids), key=str)
    assert result.tables()["big"]["different"] == len(ids)
    assert result.tables()["small"]["different"] == 0


@pytest.mark.parametrize("number", [0, 32768, LAST])
def test_one_row_put_in_another_ones_place(large, number):
    """As many rows as before: one twice in content, one not at all."""
    large.target.script(f"DELETE FROM big WHERE id = {number};"
                        f"INSERT INTO big SELECT -1, v, n FROM big WHERE id = 500")
    _, differences = found(large)
    assert sorted(differences) == [("big", "extra", {"id": "-1"}),
                                   ("big", "missing", {"id": str(number)})]


def test_a_row_set_aside_that_is_gone_from_the_ledger(large):
    large.target.script("DELETE FROM rowferry.set_aside WHERE key = '{\"id\": 20017}'")
    result, differences = found(large)
    assert differences == [("big", "missing", {"id": "20017"})]
    assert result.tables()["big"]["set_aside"] == 4


def test_nothing_is_left_of_those_set_aside(large):
    large.target.script("DELETE FROM rowferry.set_aside")
    result, differences = found(large)
    assert sorted(int(key["id"]) for _, _, key in differences) == \
        [17, 20017, 40017, 60017, 80017]
    assert result.tables()["big"]["set_aside"] == 0


def test_damage_is_never_taken_for_a_difference(large):
    """The target differs, too: but it was compared with rows that cannot be trusted."""
    large.target.script("UPDATE big SET n = n + 1; DELETE FROM small")
    archive = next((large.repository / "archives").rglob("big-*.rfa"))
    data = bytearray(archive.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    archive.chmod(0o600)
    archive.write_bytes(data)
    result = large.verify(expect=DAMAGED)
    assert [line["file"] for line in result.of_type("damage")][0] == f"archives/{archive.name}"
    assert not result.of_type("difference") and not result.tables()
    assert "damaged" in str(result.error), str(result)
    assert "target_rows" not in result.summary


def test_damage_is_told_where_no_server_answers(large):
    archive = next((large.repository / "archives").rglob("big-*.rfa"))
    archive.unlink()
    result = run("verify", "--json", "-r", large.repository, "-d", "host=/nowhere/at/all dbname=x")
    assert result.code == DAMAGED
    assert archive.name in str(result.of_type("damage"))


def test_each_of_many_tables_is_looked_at_by_itself(ferry, scratch):
    """What is asked of the server for every table is prepared once, and answers for each."""
    db = makedb.connect(scratch / "source.db")
    for number in range(20):
        db.execute(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, v TEXT)")
        db.execute(f"INSERT INTO t{number} VALUES (1, 'one'), (2, ?)",
                   ("two" if number != 16 else "t\0wo",))
    db.close()
    ferry.capture(scratch / "source.db")
    ferry.replay(expect=SET_ASIDE)
    clean = ferry.verify("-j", "1", expect=SET_ASIDE)
    assert {name: line["set_aside"] for name, line in clean.tables().items()} == \
        {f"t{number}": int(number == 16) for number in range(20)}
    ferry.target.script("ALTER TABLE t9 ALTER v TYPE varchar; ALTER TABLE t13 RENAME v TO w;"
                        "DELETE FROM t18 WHERE id = 1")
    result = ferry.verify("-j", "1", expect=DAMAGED)
    said = result.out + result.err
    assert "t9" in said and "t13" in said, str(result)
    assert [(line["table"], line["kind"], line["key"])
            for line in result.of_type("difference")] == [("t18", "missing", {"id": "1"})]
