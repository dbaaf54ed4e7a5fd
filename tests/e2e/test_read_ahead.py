"""Large deltas, whose rows a second connection looks for ahead of the first: it changes nothing,
whatever becomes of it."""

import time

import pytest

NUMBERS = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)"


def begin(road, more=""):
    """Tables a, b and c, loaded; `more` columns has b."""
    for name in "abc":
        road.sql(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, k TEXT, "
                 f"v{more if name == 'b' else ''})",
                 f"{NUMBERS} INSERT INTO {name} (id, k, v) SELECT i, 'k' || i, i FROM n")
    road.ferry.capture(road.database)
    road.ferry.replay("-j", "1")


def change(road, *options):
    """In each table so much that its rows are worth reading ahead; returns what replay said."""
    for name in "abc":
        road.sql(f"UPDATE {name} SET v = -v WHERE id % 3 = 0",
                 f"DELETE FROM {name} WHERE id % 11 = 0",
                 f"INSERT INTO {name} (k, v) SELECT 'new' || id, id FROM {name} WHERE id % 7 = 0")
    road.ferry.capture(road.database)
    return road.ferry.replay("-v", *options).err


@pytest.mark.parametrize("jobs", "128")
def test_with_a_second_connection_and_without(road, jobs):
    begin(road)
    said = change(road, "-j", jobs)
    assert "read ahead" not in said and "reads ahead" not in said
    road.trip()
    assert road.target.value("SELECT count(*) FROM pg_class WHERE relname = 'rowferry_gone'") == "0"


def test_rows_that_stand_aside(road):
    """Some of the rows that are looked for are not in the table, and later come to fit."""
    for name in "ab":
        road.sql(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, v INTEGER)")
    for value in ("i", "CASE WHEN i % 2 THEN 'text ' || i ELSE i END",
                  "CASE WHEN i % 3 THEN 'text ' || i ELSE -i END", "i + 1"):
        for name in "ab":
            road.sql(f"{NUMBERS} INSERT OR REPLACE INTO {name} SELECT i, {value} FROM n")
        road.ferry.capture(road.database)
        replayed = road.ferry.replay("-v", "-j", "2", "--on-mismatch", "set-aside")
        assert "read ahead" not in replayed.err
        road.trip(aside=None)
    assert road.target.value("SELECT sum(v) FROM b") == str(sum(range(2, 9002)))


def test_a_role_with_one_connection(road, server):
    server.admin.script("DROP ROLE IF EXISTS lonely; CREATE ROLE lonely LOGIN")
    road.target.script("GRANT CREATE ON SCHEMA public TO lonely; "
                       f'GRANT CREATE ON DATABASE "{road.target.name}" TO lonely')
    superuser = road.target.conninfo
    road.target.conninfo = superuser.replace("user=rowferry", "user=lonely")
    begin(road)
    server.admin.script("ALTER ROLE lonely CONNECTION LIMIT 1")
    while server.admin.value("SELECT count(*) FROM pg_stat_activity WHERE usename = 'lonely'") > "0":
        time.sleep(0.05)  # sessions end a little after their clients
    said = change(road, "-j", "2")
    assert "no second connection reads ahead: " in said, said
    road.target.conninfo = superuser
    road.trip()


@pytest.mark.parametrize("parent", "ac")
def test_tables_that_the_delta_locks(road, parent):
    """A foreign key is taken off meanwhile, so its tables are closed to others."""
    begin(road, f", r REFERENCES {parent} (id)")
    change(road, "-j", "2")
    road.trip()
