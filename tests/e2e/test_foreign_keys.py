"""Parents and children that go and come back under constraints of the target that would act on it.

In SQLite a row that is deleted and put back within a day has not changed, or has changed a little.
A target whose ON DELETE CASCADE fires in between would lose the children. After each trip it is
judged that all foreign keys stand, with their actions, and that no row is lost."""

import pytest

FAMILY = ("CREATE TABLE parent (id INTEGER PRIMARY KEY, code TEXT UNIQUE NOT NULL, v TEXT)",
          "CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent (id)"
          " ON DELETE {0} ON UPDATE {0}, c TEXT REFERENCES parent (code) ON DELETE {0})",
          "CREATE TABLE grandchild (c INTEGER REFERENCES child (id) ON DELETE {0}, v TEXT)")
ROWS = ("INSERT INTO parent VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z')",
        "INSERT INTO child VALUES (10, 1, 'a'), (11, 1, 'b'), (12, 2, NULL), (13, NULL, 'c')",
        "INSERT INTO grandchild VALUES (10, 'p'), (10, 'p'), (12, 'q'), (NULL, 'r')")


@pytest.fixture(params=["CASCADE", "SET NULL", "RESTRICT", "NO ACTION"])
def family(road, request):
    road.trip(*[statement.format(request.param) for statement in FAMILY], *ROWS)
    return road


def test_a_parent_is_deleted_and_put_back(family):
    """As it was, changed, and under the key of another one."""
    family.trip("DELETE FROM parent WHERE id = 1", "INSERT INTO parent VALUES (1, 'a', 'x')",
                "UPDATE child SET p = 3 WHERE id = 12")
    family.trip("DELETE FROM parent", "INSERT INTO parent VALUES (3, 'c', 'z'), (2, 'b', 'new'), "
                "(1, 'a', 'new')")
    family.trip("DELETE FROM parent WHERE id IN (1, 2)",
                "INSERT INTO parent VALUES (2, 'a', 'x'), (1, 'b', 'y')")


def test_parent_and_child_are_deleted_and_put_back(family):
    family.trip("DELETE FROM grandchild", "DELETE FROM child", "DELETE FROM parent", *ROWS,
                "UPDATE parent SET v = v || '!'", "UPDATE child SET c = 'c' WHERE id = 11")
    family.trip("DELETE FROM parent WHERE id = 1", "DELETE FROM child WHERE p = 1",
                "INSERT INTO child VALUES (10, 2, 'b')")


def test_keys_of_parents_change_and_children_follow(family):
    family.trip("UPDATE parent SET id = id + 100", "UPDATE child SET p = p + 100")
    family.trip("UPDATE parent SET code = CASE code WHEN 'a' THEN '-' ELSE code END",
                "UPDATE parent SET code = 'a' WHERE code = 'b'",
                "UPDATE parent SET code = 'b' WHERE code = '-'")
    family.trip("UPDATE child SET id = -id", "UPDATE child SET id = 23 + id",
                "UPDATE grandchild SET c = 23 - c")


def test_orphans_come_and_go(family):
    """SQLite checks nothing unless told to. The rows arrive, the constraint waits."""
    family.trip("DELETE FROM parent WHERE id = 2")
    family.trip("INSERT INTO child VALUES (20, 77, 'nobody')",
                "INSERT INTO grandchild VALUES (5, 's')")
    family.trip("INSERT INTO parent VALUES (2, 'b', 'back'), (77, 'nobody', 'found')")
    family.trip("DELETE FROM grandchild WHERE c = 5")


def test_circles(road):
    """Two tables that need each other, and one that needs itself."""
    road.trip("CREATE TABLE hen (id INTEGER PRIMARY KEY, egg INTEGER NOT NULL "
              "REFERENCES egg ON DELETE CASCADE)",
              "CREATE TABLE egg (id INTEGER PRIMARY KEY, hen INTEGER REFERENCES hen "
              "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)",
              "CREATE TABLE tree (a TEXT, b INTEGER, up_a TEXT, up_b INTEGER, PRIMARY KEY (a, b), "
              "FOREIGN KEY (up_a, up_b) REFERENCES tree (a, b) ON DELETE CASCADE) WITHOUT ROWID",
              "INSERT INTO hen VALUES (1, 1), (2, 3)", "INSERT INTO egg VALUES (1, 2), (3, 1)",
              "INSERT INTO tree VALUES ('r', 1, NULL, NULL), ('s', 1, 'r', 1), ('s', 2, 's', 1), "
              "('t', 1, 't', 1)")
    road.trip("DELETE FROM hen", "DELETE FROM egg", "INSERT INTO hen VALUES (1, 3), (2, 1)",
              "INSERT INTO egg VALUES (1, 1), (3, 2)")
    road.trip("UPDATE tree SET a = 'R' WHERE a = 'r'",
              "UPDATE tree SET up_a = 'R' WHERE up_a = 'r'", "DELETE FROM tree WHERE a = 't'")
    road.trip("DELETE FROM tree WHERE a = 'R'", "INSERT INTO tree VALUES ('R', 1, 's', 2)")
