"""Tables whose rows and declarations drift, trip after trip: no row is lost to a type, and nothing
that is declared stays behind."""

import pytest

from compare import Asked, assert_same
from program import OK, SET_ASIDE


def rebuild(body, select="*"):
    """As applications change what ALTER TABLE cannot."""
    return ("ALTER TABLE t RENAME TO old_t", f"CREATE TABLE t {body}",
            f"INSERT INTO t SELECT {select} FROM old_t", "DROP TABLE old_t")


# Values come that the types chosen so far do not hold.
TYPES = {
    "columns without a type": [
        ["CREATE TABLE t (a, b ANY)", "INSERT INTO t VALUES (1,1)"],
        ["INSERT INTO t VALUES (1.5,9007199254740993)"],
        ["INSERT INTO t VALUES (9007199254740993,0.1)"],
        ["INSERT INTO t VALUES ('x',-0.0)"],
        ["INSERT INTO t VALUES (-0.0,9e999)", "INSERT INTO t VALUES (1e999,'inf')"],
        ["INSERT INTO t VALUES (x'00',x'ff')"],
        ["DELETE FROM t WHERE a=1"],
        ["DELETE FROM t WHERE b=x'ff'"],
    ],
    "a key without a type": [
        ["CREATE TABLE t (a PRIMARY KEY, b)", "INSERT INTO t VALUES (1,1)"],
        ["INSERT INTO t VALUES ('1',2)"],
        ["INSERT INTO t VALUES (1.5, 3)", "INSERT INTO t VALUES ('1.5', 3)"],
        ["INSERT INTO t VALUES (x'31', 2)"],
        ["UPDATE t SET b=8 WHERE a='1'"],
        ["DELETE FROM t WHERE a=1"],
        ["INSERT INTO t VALUES (NULL, 3),(NULL,4)"],
        ["DELETE FROM t WHERE b=4"],
    ],
    "a key without a type or rowid": [
        ["CREATE TABLE t (a PRIMARY KEY, b) WITHOUT ROWID", "INSERT INTO t VALUES (1,1)"],
        ["INSERT INTO t VALUES ('1',2)"],
        ["INSERT INTO t VALUES (1.5, 3)", "INSERT INTO t VALUES ('1.5', 3)"],
        ["INSERT INTO t VALUES (x'31', 2)"],
        ["UPDATE t SET b=8 WHERE a='1'"],
        ["DELETE FROM t WHERE a=1"],
    ],
    "a blob in a text key": [
        ["CREATE TABLE t (a TEXT PRIMARY KEY, b)", "INSERT INTO t VALUES ('a',1)"],
        ["INSERT INTO t VALUES (x'61',2)"],
        ["UPDATE t SET b=3 WHERE a='a'"],
        ["DELETE FROM t WHERE a=x'61'"],
    ],
    "a unique column without a type": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b)", "INSERT INTO t VALUES (1,1,1)"],
        ["INSERT INTO t VALUES (2,'1',2)"],
        ["INSERT INTO t VALUES (3,1.5, 3)", "INSERT INTO t VALUES (4,'1.5', 3)"],
        ["INSERT INTO t VALUES (5,x'31', 2)"],
        ["UPDATE t SET a=8 WHERE id=1"],
        ["DELETE FROM t WHERE a=1"],
    ],
    "unique values swap while their type is widened": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER UNIQUE)",
         "INSERT INTO t VALUES (1,1),(2,2)"],
        ["UPDATE t SET a=-id", "UPDATE t SET a=3-id", "INSERT INTO t VALUES (3,'z')"],
        ["UPDATE t SET a=-id", "UPDATE t SET a=id"],
    ],
    "a table without a key": [
        ["CREATE TABLE t (a INTEGER, b TEXT, c)",
         "INSERT INTO t VALUES (1,'x',1),(1,'x',1),(NULL,NULL,NULL)"],
        ["INSERT INTO t VALUES ('1','x',1)", "DELETE FROM t WHERE rowid=1"],
        ["DELETE FROM t WHERE rowid=2", "INSERT INTO t VALUES (1.0,x'78','1')"],
        ["INSERT INTO t VALUES (1.5,x'79',1.5)"],
        ["DELETE FROM t WHERE c='1'"],
        ["UPDATE t SET a=NULL"],
    ],
    "a table without a key, bad text in it": [
        ["CREATE TABLE t (a INTEGER, b TEXT, c)",
         "INSERT INTO t VALUES (1,CAST(x'ff' AS TEXT),1),(1,CAST(x'ff' AS "
         "TEXT),1),(NULL,NULL,NULL)"],
        ["INSERT INTO t VALUES ('1',CAST(x'ff' AS TEXT),1)", "DELETE FROM t WHERE rowid=1"],
        ["DELETE FROM t WHERE rowid=2", "INSERT INTO t VALUES (1.0,x'78','1')"],
        ["INSERT INTO t VALUES (1.5,x'79',1.5)"],
        ["DELETE FROM t WHERE c='1'"],
        ["UPDATE t SET a=NULL"],
    ],
    "dates": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a DATE, b DATETIME, c TIMESTAMP)",
         "INSERT INTO t VALUES (1,'2020-01-02','2020-01-02 03:04:05', 1600000000)",
         "INSERT INTO t VALUES (2,'2020-01-03',NULL, 1612345678)"],
        ["INSERT INTO t VALUES (3,'2020-01-02 00:00:00', '2020-01-02T03:04:05Z', 1600000000000)"],
        ["INSERT INTO t VALUES (4,'',0,NULL)"],
        ["DELETE FROM t WHERE id=3"],
    ],
    "a date as key": [
        ["CREATE TABLE t (a DATE PRIMARY KEY, b) WITHOUT ROWID",
         "INSERT INTO t VALUES ('2020-01-02',1),('2020-01-03',1)"],
        ["INSERT INTO t VALUES ('2020-1-2',1)"],
        ["UPDATE t SET b=2"],
        ["DELETE FROM t WHERE a='2020-01-02'"],
    ],
    "decimals": [
        ["CREATE TABLE t (a DECIMAL(5,2) PRIMARY KEY, b NUMERIC)",
         "INSERT INTO t VALUES (1.25,1),(3,4.5)"],
        ["INSERT INTO t VALUES (1234.5, 0.1)", "INSERT INTO t VALUES (0.30000000000000004, 1e300)"],
        ["INSERT INTO t VALUES ('n/a', 2)"],
        ["DELETE FROM t WHERE b=1"],
    ],
    "booleans": [
        ["CREATE TABLE t (a BOOLEAN DEFAULT 0, b BOOL NOT NULL DEFAULT TRUE, c)",
         "INSERT INTO t VALUES (1,0,1),(0,0,1)"],
        ["INSERT INTO t VALUES (2,1,1)"],
        ["INSERT INTO t VALUES ('true',1.0,1)"],
        ["DELETE FROM t WHERE a=1"],
    ],
    "an empty table is filled": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a, b INTEGER, c DATE, d DECIMAL(4,1), e BLOB)"],
        ["INSERT INTO t VALUES (1,'x','y','2020-01-01', 1.5, 'text')"],
        ["INSERT INTO t VALUES (2,1,1,1,1000.5,x'00')"],
    ],
    "NULLs become values": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a, b INTEGER, c DATE, d DECIMAL(4,1), e BLOB)",
         "INSERT INTO t(id) VALUES (1)"],
        ["INSERT INTO t VALUES (2,1.5,1,'2020-01-01', 1.5, 'text')"],
        ["UPDATE t SET a='x' WHERE id=2"],
        ["UPDATE t SET a=NULL"],
    ],
    "a key that counts": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
         "INSERT INTO t VALUES (9223372036854775807, 1)"],
        ["DELETE FROM t", "INSERT INTO t VALUES (-5, 1)"],
        [*rebuild("(id TEXT PRIMARY KEY, v)")],
        ["INSERT INTO t VALUES ('x', 1)"],
        ["DELETE FROM t WHERE id='x'", *rebuild("(id INTEGER PRIMARY KEY AUTOINCREMENT, v)")],
    ],
    "defaults": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER DEFAULT 5, b TEXT DEFAULT 'x', c "
         "DATE DEFAULT CURRENT_DATE, d DATETIME DEFAULT CURRENT_TIMESTAMP)",
         "INSERT INTO t (id) VALUES (1)"],
        ["INSERT INTO t VALUES (2,'q',x'00','','')"],
        ["INSERT INTO t (id) VALUES (3)"],
    ],
    "columns are added, bad text in a generated one": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1),(2)"],
        ["ALTER TABLE t ADD COLUMN a INTEGER NOT NULL DEFAULT 5"],
        ["ALTER TABLE t ADD COLUMN b TEXT DEFAULT 1.50",
         "ALTER TABLE t ADD COLUMN c DEFAULT x'00'",
         "ALTER TABLE t ADD COLUMN d DATE DEFAULT '2020-01-01'",
         "ALTER TABLE t ADD COLUMN e BOOLEAN NOT NULL DEFAULT FALSE",
         "ALTER TABLE t ADD COLUMN f DECIMAL(4,2) DEFAULT 1e1"],
        ["INSERT INTO t(id) VALUES (3)", "UPDATE t SET a='x' WHERE id=1"],
        ["ALTER TABLE t ADD COLUMN g INTEGER AS (a||b) VIRTUAL"],
        ["UPDATE t SET b=x'00' WHERE id=1"],
    ],
}

# … under indexes, CHECKs, foreign keys and generated columns.
OBJECTS = {
    "a generated column's base gets text": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, g INTEGER AS (a IS NULL) STORED)",
         "INSERT INTO t (a) VALUES (1),(NULL)"],
        ["INSERT INTO t (a) VALUES ('x')"],
        ["DELETE FROM t WHERE id=1"],
    ],
    "a generated column's base gets a real": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, g INTEGER AS (a > 5) STORED, h AS "
         "(a+1))", "INSERT INTO t (a) VALUES (1),(NULL)"],
        ["INSERT INTO t (a) VALUES (1.5)"],
        ["DELETE FROM t WHERE id=1"],
    ],
    "a generated column with indexes and a CHECK": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, g INTEGER AS (a IS NULL) CHECK (g < "
         "5))", "CREATE INDEX i ON t (g, a)", "CREATE INDEX i2 ON t (a) WHERE g = 0",
         "INSERT INTO t (a) VALUES (1),(NULL)"],
        ["INSERT INTO t(a) VALUES ('x')"],
        ["INSERT INTO t(a) VALUES (x'00')"],
    ],
    "a generated column's base gets another name": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, g INTEGER AS (a IS NULL), h AS (g + "
         "1))", "INSERT INTO t (a) VALUES (1),(NULL)"],
        ["ALTER TABLE t RENAME COLUMN a TO b"],
        ["INSERT INTO t(b) VALUES ('x')"],
        ["ALTER TABLE t RENAME COLUMN g TO a", "DELETE FROM t WHERE id=1"],
    ],
    "a column becomes generated and plain again": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, g INTEGER)",
         "INSERT INTO t (a) VALUES (1),(NULL)"],
        [*rebuild("(id INTEGER PRIMARY KEY, a INTEGER, g INTEGER AS (a IS NULL) STORED)", "id, a")],
        ["INSERT INTO t(a) VALUES (1)"],
        [*rebuild("(id INTEGER PRIMARY KEY, a INTEGER, g INTEGER NOT NULL DEFAULT 3)", "id, a, g")],
        ["INSERT INTO t(a) VALUES (1)"],
    ],
    "a generated column goes with its base": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, g INTEGER AS (a IS NULL) STORED, z)",
         "INSERT INTO t (a) VALUES (1),(NULL)"],
        [*rebuild("(id INTEGER PRIMARY KEY, z)", "id, z")],
        ["DELETE FROM t WHERE id=1"],
    ],
    "a generated column that is not carried goes with its base": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, g INTEGER AS (a * 2) STORED, z)",
         "INSERT INTO t (a) VALUES (1),(NULL)"],
        [*rebuild("(id INTEGER PRIMARY KEY, z)", "id, z")],
        ["DELETE FROM t WHERE id=1"],
    ],
    "a CHECK over a column that is widened": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER CHECK (a > 0), b TEXT CHECK "
         "(length(b) < 5))", "INSERT INTO t VALUES (1,1,'x')"],
        ["INSERT INTO t VALUES (2,'zz','y')"],
        ["INSERT INTO t VALUES (3,3,x'0001')"],
        ["DELETE FROM t WHERE id=2"],
    ],
    "rows that break a CHECK": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER CHECK (a > 0))",
         "INSERT INTO t VALUES (1,1)"],
        ["PRAGMA ignore_check_constraints=1", "INSERT INTO t VALUES (2,-1)"],
        ["DELETE FROM t WHERE id=2"],
    ],
    "partial and expression indexes": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT)",
         "CREATE UNIQUE INDEX i1 ON t (a) WHERE a > 5", "CREATE INDEX i2 ON t (a+1)",
         "CREATE UNIQUE INDEX i3 ON t (lower(b))",
         "CREATE UNIQUE INDEX i4 ON t (b COLLATE NOCASE)",
         "INSERT INTO t VALUES (1,1,'x'),(2,1,'y')"],
        ["INSERT INTO t VALUES (3,'q','z')"],
        ["INSERT INTO t VALUES (4,9,x'00')"],
        ["DROP INDEX i1", "DELETE FROM t WHERE id>2"],
    ],
    "indexes under names that were others'": [
        ["CREATE TABLE t (a INTEGER, b TEXT)", "CREATE INDEX i ON t(a)",
         "INSERT INTO t VALUES (1,'x')"],
        ["DROP INDEX i", "CREATE INDEX i ON t(b)"],
        ["CREATE UNIQUE INDEX j ON t(a,b)", "INSERT INTO t VALUES (NULL,NULL),(NULL,NULL)"],
        ["DROP INDEX j", "CREATE INDEX j ON t(a DESC, b COLLATE NOCASE)",
         "INSERT INTO t VALUES ('q',x'00')"],
        ["ALTER TABLE t RENAME TO u"],
        ["DROP INDEX j", "CREATE TABLE j (x)"],
        ["CREATE TABLE u_pkey (id INTEGER PRIMARY KEY)",
         "CREATE TABLE t (id INTEGER PRIMARY KEY)", "CREATE TABLE t_pkey (id INTEGER PRIMARY KEY)"],
    ],
    "foreign keys over columns that are widened": [
        ["CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE)",
         "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE CASCADE, "
         "code TEXT REFERENCES p(code))", "INSERT INTO p VALUES (1,'a'),(2,'b')",
         "INSERT INTO c VALUES (1,1,'a'),(2,2,'b')"],
        ["INSERT INTO c VALUES (3,'x',x'00')"],
        ["INSERT INTO p VALUES (3, x'00')"],
        ["UPDATE c SET p=2 WHERE id=3", "UPDATE c SET code=NULL WHERE id=3"],
        ["DROP TABLE p"],
        ["CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE)",
         "INSERT INTO p SELECT p, code FROM c WHERE id<3"],
    ],
}

# Tables get another shape, and rows change in the same trip.
SHAPES = {
    "NOT NULL comes, the NULLs were updated": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER)",
         "INSERT INTO t (a) VALUES (1),(NULL)"],
        ["UPDATE t SET a = 0 WHERE a IS NULL",
         *rebuild("(id INTEGER PRIMARY KEY, a INTEGER NOT NULL)")],
        ["DELETE FROM t WHERE id=1"],
    ],
    "NOT NULL comes, the NULLs were deleted": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER)",
         "INSERT INTO t (a) VALUES (1),(NULL)"],
        ["DELETE FROM t WHERE a IS NULL", "PRAGMA writable_schema=1",
         "UPDATE sqlite_schema SET sql='CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT "
         "NULL)' WHERE name='t'", "PRAGMA writable_schema=RESET"],
        ["DELETE FROM t WHERE id=1"],
    ],
    "NOT NULL goes and comes back": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT NULL)",
         "INSERT INTO t VALUES (1,2)"],
        [*rebuild("(id INTEGER PRIMARY KEY, a INTEGER)"), "INSERT INTO t VALUES (2,NULL)"],
        ["INSERT INTO t VALUES (3,NULL)"],
        ["DELETE FROM t WHERE a IS NULL", *rebuild("(id INTEGER PRIMARY KEY, a INTEGER NOT NULL)")],
        ["PRAGMA writable_schema=1",
         "UPDATE sqlite_schema SET sql='CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT "
         "NULL CHECK (a > 0) UNIQUE)' WHERE name='nope'", "PRAGMA writable_schema=RESET",
         "INSERT INTO t VALUES (9,9)"],
    ],
    "the key moves to another column": [
        ["CREATE TABLE t (a TEXT PRIMARY KEY NOT NULL, b TEXT NOT NULL)",
         "INSERT INTO t VALUES ('x','y'),('z','w')"],
        [*rebuild("(a TEXT NOT NULL, b TEXT PRIMARY KEY NOT NULL)"),
         "UPDATE t SET a='z' WHERE b='y'"],
        ["DELETE FROM t WHERE a='z' AND b='w'", "INSERT INTO t VALUES('q','r')"],
    ],
    "the key goes": [
        ["CREATE TABLE t (a TEXT PRIMARY KEY NOT NULL, b TEXT NOT NULL)",
         "INSERT INTO t VALUES ('x','y'),('z','w')"],
        [*rebuild("(a TEXT NOT NULL, b TEXT NOT NULL)"), "INSERT INTO t SELECT * FROM t"],
        ["DELETE FROM t WHERE rowid=1"],
    ],
    "a key comes": [
        ["CREATE TABLE t (a TEXT, b TEXT)",
         "INSERT INTO t VALUES ('x','y'),('x','w'),('x','y'),(NULL,'z')"],
        ["DELETE FROM t WHERE rowid>1", *rebuild("(a TEXT PRIMARY KEY, b TEXT)")],
        ["INSERT INTO t VALUES('r',1.5),(NULL, NULL),(NULL,x'00')"],
    ],
    "WITHOUT ROWID on and off": [
        ["CREATE TABLE t (a TEXT PRIMARY KEY, b TEXT)", "INSERT INTO t VALUES ('x','y'),('z','w')"],
        [*rebuild("(a TEXT PRIMARY KEY, b TEXT) WITHOUT ROWID")],
        ["UPDATE t SET b='n'"],
        [*rebuild("(a TEXT PRIMARY KEY, b TEXT)"), "INSERT INTO t VALUES (NULL, 'k')"],
        ["UPDATE t SET b='n2'"],
    ],
    "columns change places": [
        ["CREATE TABLE t (a TEXT PRIMARY KEY, b INTEGER, c REAL)",
         "INSERT INTO t VALUES ('x',1,2),('z',3,4)"],
        [*rebuild("(c REAL, a TEXT PRIMARY KEY, b INTEGER)", "c,a,b")],
        ["UPDATE t SET b=9 WHERE a='x'", "INSERT INTO t VALUES (7,8,9)"],
    ],
    "two columns change names": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER)",
         "INSERT INTO t VALUES (1,2,3)"],
        ["ALTER TABLE t RENAME COLUMN a TO c", "ALTER TABLE t RENAME COLUMN b TO a",
         "ALTER TABLE t RENAME COLUMN c TO b"],
        ["UPDATE t SET a=a+1"],
    ],
    "names change their case": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER)", "INSERT INTO t VALUES (1,2)"],
        ["ALTER TABLE t RENAME COLUMN a TO A"],
        ["ALTER TABLE t RENAME TO t2", "ALTER TABLE t2 RENAME TO T"],
        ["UPDATE t SET a=a+1"],
    ],
    "a key that others point to is renamed": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, v)", "INSERT INTO t VALUES (1,2)",
         "CREATE TABLE c (t REFERENCES t (id))", "INSERT INTO c VALUES (1)"],
        ["ALTER TABLE t RENAME COLUMN id TO nid"],
        ["UPDATE t SET nid=2", "UPDATE c SET t=2"],
    ],
    "a table is renamed, bad text in it": [
        ["CREATE TABLE t (a TEXT PRIMARY KEY, b TEXT)",
         "INSERT INTO t VALUES ('x',CAST(x'ff' AS TEXT)),('z','w')"],
        ["ALTER TABLE t RENAME TO u"],
        ["UPDATE u SET b='n' WHERE a='x'"],
    ],
    "a column is renamed, bad text in it": [
        ["CREATE TABLE t (a TEXT PRIMARY KEY, b TEXT)",
         "INSERT INTO t VALUES ('x',CAST(x'ff' AS TEXT)),('z','w')"],
        ["ALTER TABLE t RENAME COLUMN b TO c"],
        ["UPDATE t SET c='n' WHERE a='x'"],
    ],
    "a key is renamed, bad text in its table": [
        ["CREATE TABLE t (a TEXT PRIMARY KEY, b TEXT)",
         "INSERT INTO t VALUES ('x',CAST(x'ff' AS TEXT)),('z','w')"],
        ["ALTER TABLE t RENAME COLUMN a TO c"],
        ["UPDATE t SET b='n' WHERE c='x'"],
        ["DELETE FROM t"],
    ],
    "a name changes among others": [
        ["CREATE TABLE a0 (x)", "CREATE TABLE a1 (x)", "CREATE TABLE a2 (x)",
         "CREATE TABLE a3 (x)", "CREATE TABLE a4 (x)",
         "CREATE TABLE m (id INTEGER PRIMARY KEY, v)", "INSERT INTO m VALUES (1,2)",
         "CREATE TABLE c (m REFERENCES m (id))", "INSERT INTO c VALUES (1)"],
        ["ALTER TABLE m RENAME TO Z", "INSERT INTO a3 VALUES (1)"],
        ["ALTER TABLE Z RENAME TO q", "INSERT INTO c VALUES (1)", "DROP TABLE a0"],
        ["ALTER TABLE a1 RENAME TO zz1", "INSERT INTO a2 VALUES ('x')",
         "ALTER TABLE q RENAME TO b9"],
        ["UPDATE b9 SET v=3"],
    ],
    "a table goes and comes back": [
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a)", "INSERT INTO t VALUES (1,1)"],
        ["DROP TABLE t", "CREATE TABLE u (x)"],
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, a)", "INSERT INTO t VALUES (1,'x')",
         "DROP TABLE u"],
    ],
}

CASES = {**TYPES, **OBJECTS, **SHAPES}


def travel(road, steps, *options, decided=(), bad_text=False):
    asked = Asked(keeps=False, decided=decided)
    road.sql("CREATE TABLE other (a)")  # or a rename of the only table would be another source
    for step in steps:
        road.sql(*step)
        road.ferry.capture(road.database)
        replayed = road.ferry.replay(*options)
        aside = assert_same(road.database, road.target, asked=asked)
        assert bad_text or aside == 0
        assert replayed.summary["set_aside_total"] == aside
        road.ferry.verify(expect=SET_ASIDE if aside else OK)


@pytest.mark.parametrize("case", CASES)
def test_drift(road, case):
    travel(road, CASES[case], bad_text="bad text" in case)


@pytest.mark.parametrize("kind", ["", " WITHOUT ROWID"])
def test_a_key_that_a_rule_makes_alike(road, kind):
    """'yes' and 'y' are one boolean, and a delta names rows by their key."""
    rules = road.database.parent / "rowferry.yaml"
    rules.write_text("tables:\n  rules:\n    - table: t\n      columns:\n"
                     "        - {column: k, type: boolean from words}\n")
    travel(road, [[f"CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL, v){kind}",
                   "INSERT INTO t VALUES ('yes', 1), ('y', 2), ('no', 3)"],
                  ["UPDATE t SET v = 5 WHERE k = 'y'"], ["DELETE FROM t WHERE k = 'yes'"]],
           "-c", rules, decided=[("t", "k")])
