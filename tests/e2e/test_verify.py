"""verify against a target finds what somebody changed by hand, and names the rows."""

import pytest

import makedb
from program import DAMAGED, OK, run


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
