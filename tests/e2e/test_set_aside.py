"""With the policy set-aside a row that does not fit is kept, whole and exact, and said to be kept;
it goes when it is mended."""

import json

import pytest

import makedb
import compare
from program import OK, SET_ASIDE

KEEP = ("--on-mismatch", "set-aside")


def assert_same(database, target):
    """Rows are set aside for their types here: that is what was asked for."""
    return compare.assert_same(database, target, asked=compare.Asked(keeps=True))


def make(path, *statements):
    db = makedb.connect(path)
    for statement, *values in ((s,) if isinstance(s, str) else s for s in statements):
        db.execute(statement, values)
    db.close()


def change(ferry, database, *statements):
    make(database, *statements)
    ferry.capture(database)
    return ferry.replay(*KEEP)


def aside(target):
    return target.rows("SELECT table_name, column_name, class, encode(value, 'hex'), key, reason "
                       "FROM rowferry.set_aside ORDER BY table_name, key, column_name")


# How a value comes to stand where it does not fit: type, what comes first, what comes, as which
# class.
CASES = {
    "text in INTEGER": ("INTEGER", 1, "twelve", "text"),
    "real in INTEGER": ("INTEGER", 1, 1.5, "real"),
    "blob in INTEGER": ("INTEGER", 1, b"\1\2", "blob"),
    "text in REAL": ("REAL", 1.5, "n/a", "text"),
    "blob in REAL": ("REAL", 1.5, b"\0", "blob"),
    "integer beyond 2^53 in double precision by census": ("", 1.5, 2**53 + 1, "integer"),
    "text in BLOB": ("BLOB", b"x", "text", "text"),
    "integer in BLOB": ("BLOB", b"x", 5, "integer"),
    "blob in TEXT": ("TEXT", "x", b"\xff", "blob"),
    "text with NUL": ("TEXT", "x", makedb.Raw(b"a\0b"), "text"),
    "text that is not UTF-8": ("TEXT", "x", makedb.Raw(b"caf\xe9"), "text"),
    "text that is half a surrogate pair": ("TEXT", "x", makedb.Raw(b"\xed\xa0\x80"), "text"),
    "text that is overlong": ("TEXT", "x", makedb.Raw(b"\xc0\x80"), "text"),
    "two in BOOLEAN": ("BOOLEAN", 1, 2, "integer"),
    "text in BOOLEAN": ("BOOLEAN", 0, "yes", "text"),
    "real in bigint by census": ("", 7, 7.5, "real"),
}


@pytest.mark.parametrize("case", CASES)
def test_kept_exactly_and_released_when_mended(ferry, scratch, case):
    declared, fits, wrong, kind = CASES[case]
    database = scratch / "source.db"
    place = makedb.placeholder(wrong)
    make(database, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared}, w TEXT)",
         (f"INSERT INTO t VALUES (1, {makedb.placeholder(fits)}, 'a')", fits),
         "INSERT INTO t VALUES (2, NULL, 'b')")
    ferry.capture(database)
    assert ferry.replay(*KEEP).code == OK
    # It comes with a delta …
    result = change(ferry, database, (f"INSERT INTO t VALUES (3, {place}, 'c')", wrong),
                    (f"UPDATE t SET v = {place} WHERE id = 2", wrong))
    assert result.code == SET_ASIDE
    assert result.tables()["t"]["set_aside"] == result.summary["set_aside_total"] == 2
    assert assert_same(database, ferry.target) == 2
    verified = ferry.verify(expect=SET_ASIDE)
    assert verified.tables()["t"]["set_aside"] == 2
    stored = bytes(wrong) if isinstance(wrong, bytes) else str(wrong).encode()
    rows = aside(ferry.target)
    for row, key in zip(rows, (2, 3)):
        assert row[:3] == ["t", "v", kind] and row[3] == stored.hex()
        assert json.loads(row[4]) == {"id": key} and row[5]
    # … stays while other rows change …
    result = change(ferry, database, "INSERT INTO t VALUES (4, NULL, 'd')")
    assert result.code == SET_ASIDE and result.tables()["t"]["set_aside"] == 0
    assert assert_same(database, ferry.target) == 2
    # … and goes when it is mended or deleted.
    result = change(ferry, database, "UPDATE t SET v = NULL WHERE id = 2")
    assert result.code == SET_ASIDE and assert_same(database, ferry.target) == 1
    assert change(ferry, database, "DELETE FROM t WHERE id = 3").code == OK
    assert assert_same(database, ferry.target) == 0 and aside(ferry.target) == []
    ferry.verify(expect=OK)


@pytest.mark.parametrize("case", [c for c in CASES if "census" not in c])
def test_set_aside_in_a_first_load(ferry, scratch, case):
    declared, fits, wrong, _ = CASES[case]
    database = scratch / "source.db"
    make(database, f"CREATE TABLE t (v {declared}, w TEXT)",
         (f"INSERT INTO t VALUES ({makedb.placeholder(wrong)}, 'a')", wrong),
         (f"INSERT INTO t VALUES ({makedb.placeholder(wrong)}, 'a')", wrong),
         *[(f"INSERT INTO t VALUES ({makedb.placeholder(fits)}, 'b')", fits)] * 5)
    ferry.capture(database)
    assert ferry.replay(*KEEP).code == SET_ASIDE
    assert assert_same(database, ferry.target) == 2
    ferry.verify(expect=SET_ASIDE)


def test_several_misfits_in_one_row(ferry, scratch):
    database = scratch / "source.db"
    make(database, "CREATE TABLE t (a INTEGER, b REAL, c TEXT, d BLOB)",
         ("INSERT INTO t VALUES ('x', 'y', ?, 5)", b"z"),
         "INSERT INTO t VALUES (1, 2.0, '3', x'04')")
    ferry.capture(database)
    assert ferry.replay(*KEEP).code == SET_ASIDE
    assert assert_same(database, ferry.target) == 1
    assert [row[1] for row in aside(ferry.target)] == ["a", "b", "c", "d"]


def test_duplicates_without_a_key_are_counted(ferry, scratch):
    """The same unfitting row three times is three rows; one of them deleted leaves two."""
    database = scratch / "source.db"
    make(database, "CREATE TABLE t (a INTEGER)", *["INSERT INTO t VALUES ('x')"] * 3,
         *["INSERT INTO t VALUES (1)"] * 2)
    ferry.capture(database)
    ferry.replay(*KEEP)
    assert assert_same(database, ferry.target) == 3
    change(ferry, database, "DELETE FROM t WHERE rowid = 2")
    assert assert_same(database, ferry.target) == 2
    change(ferry, database, *["INSERT INTO t VALUES ('x')"] * 4)
    assert assert_same(database, ferry.target) == 6
    ferry.verify(expect=SET_ASIDE)


def test_a_key_that_does_not_fit(ferry, scratch):
    database = scratch / "source.db"
    make(database, "CREATE TABLE t (k TEXT, n INT, v TEXT, PRIMARY KEY (k, n)) WITHOUT ROWID",
         ("INSERT INTO t VALUES (?, 1, 'a')", b"\xff\xfe"), "INSERT INTO t VALUES ('fine', 1, 'b')",
         ("INSERT INTO t VALUES (CAST(? AS TEXT), 2, 'c')", b"a\0b"))
    ferry.capture(database)
    ferry.replay(*KEEP)
    assert assert_same(database, ferry.target) == 2
    result = change(ferry, database, "UPDATE t SET v = 'new' WHERE n = 1")
    assert result.code == SET_ASIDE and assert_same(database, ferry.target) == 2
    change(ferry, database, "DELETE FROM t WHERE k <> 'fine'")
    assert assert_same(database, ferry.target) == 0


def test_a_good_row_turns_bad_and_good_again(ferry, scratch):
    database = scratch / "source.db"
    make(database, "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER UNIQUE)",
         "INSERT INTO t VALUES (1, 10), (2, 20)")
    ferry.capture(database)
    ferry.replay(*KEEP)
    for value, count in (("bad", 1), (30, 0), ("bad", 1), ("bad again", 1), (10, 0)):
        result = change(ferry, database, ("UPDATE t SET v = ? WHERE id = 1", value))
        assert assert_same(database, ferry.target) == count
        assert result.code == (SET_ASIDE if count else OK)


@pytest.mark.parametrize("values", [(1, "1"), (1.5, "1.5"), (None, None, 1)])
def test_values_that_differ_in_sqlite_only(ferry, scratch, values):
    """A key may hold 1 and '1', and NULL more than once, where PostgreSQL's may not: no row gets
    lost."""
    database = scratch / "source.db"
    make(database, "CREATE TABLE t (k PRIMARY KEY, v TEXT)",
         *[("INSERT INTO t VALUES (?, ?)", value, f"row {n}") for n, value in enumerate(values)],
         "INSERT INTO t VALUES ('other', 'x')")
    captured = ferry.capture(database)
    assert captured.summary["scanned"] == len(values) + 1
    ferry.replay(*KEEP)
    landed = int(ferry.target.value("SELECT count(*) FROM t"))
    kept = int(ferry.target.value("SELECT count(*) FROM (SELECT DISTINCT row_hash, copy "
                                  "FROM rowferry.set_aside) AS s"))
    assert landed + kept == len(values) + 1
    ferry.verify(expect=SET_ASIDE if kept else OK)
