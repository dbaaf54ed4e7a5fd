"""Shadow tables, in which virtual tables keep their content: captured when they are asked for, and
then tables like any other. What they hold SQLite says itself."""

import sqlite3

import pytest

from both_ways import Both, newest, rfa
from program import OK, run

MODULES = ("fts3", "fts4", "fts5", "rtree")
CLASSES = {"null": rfa.NULL, "integer": rfa.INTEGER, "real": rfa.REAL, "text": rfa.TEXT,
           "blob": rfa.BLOB}


def connect(database):
    db = sqlite3.connect(database, isolation_level=None)
    db.text_factory = bytes
    return db


def build(database, rows=60):
    """A virtual table of every module, and a table of the application."""
    db = connect(database)
    db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
    db.execute("CREATE VIRTUAL TABLE by_fts3 USING fts3(id, body)")
    db.execute("CREATE VIRTUAL TABLE by_fts4 USING fts4(id, body)")
    db.execute("CREATE VIRTUAL TABLE by_fts5 USING fts5(id, body)")
    db.execute("CREATE VIRTUAL TABLE by_rtree USING rtree(id, low, high, +label)")
    write(db, range(1, rows + 1), "first")
    db.close()


def write(db, ids, words):
    for number in ids:
        body = f"{words} note number {number} {'long ' * (number % 7)}" if number % 9 else None
        db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (number, body))
        for module in MODULES[:3]:
            db.execute(f"DELETE FROM by_{module} WHERE rowid = ?", (number,))
            db.execute(f"INSERT INTO by_{module} (rowid, id, body) VALUES (?, ?, ?)",
                       (number, f"n{number}", body))
        db.execute("INSERT OR REPLACE INTO by_rtree VALUES (?, ?, ?, ?)",
                   (number, number / 2, number, words))


def shadow_tables(database):
    db = connect(database)
    names = [name.decode() for schema, name, kind, *_ in db.execute("PRAGMA table_list")
             if (schema, kind) == (b"main", b"shadow")]
    db.close()
    return sorted(names)


def rows_of(database, table):
    """Every row as pairs of storage class and value, as the archive has to have it."""
    db = connect(database)
    names = [name.decode() for _, name, *_ in db.execute(f'PRAGMA table_info("{table}")')]
    asked = ", ".join(f'typeof("{name}"), "{name}"' for name in names)
    found = db.execute(f'SELECT {asked} FROM "{table}"').fetchall()
    db.close()
    return sorted((tuple((CLASSES[row[i].decode()], row[i + 1]) for i in range(0, len(row), 2))
                   for row in found), key=repr)


def captured_rows(ferry, table):
    rows = rfa.read_state(ferry.repository, "latest", table)[1]
    return sorted((tuple((cell[0], cell[1]) for cell in row.cells) for row in rows), key=repr)


def captured_tables(ferry):
    return sorted(table.description.name.decode() for table in newest(ferry.repository).tables)


def left_out(ferry):
    return {line["name"]: line["reason"]
            for line in ferry.command("show", expect=OK).of_type("left_out")}


def test_all_of_them_both_ways_and_trip_after_trip(scratch):
    database, both = scratch / "source.db", Both(scratch)
    build(database)
    names = shadow_tables(database)
    assert len(names) > 12, names
    changes = [
        (),
        ("DELETE FROM by_fts4 WHERE rowid % 3 = 0", "DELETE FROM by_fts5 WHERE rowid % 4 = 0",
         "DELETE FROM by_fts3 WHERE rowid < 10", "DELETE FROM by_rtree WHERE id > 50"),
        ("INSERT INTO by_fts4(by_fts4) VALUES ('optimize')",
         "INSERT INTO by_fts5(by_fts5) VALUES ('optimize')", "VACUUM"),
        ("INSERT INTO by_fts4(by_fts4) VALUES ('rebuild')", "DELETE FROM by_fts5"),
    ]
    for trip, statements in enumerate(changes):
        db = connect(database)
        for statement in statements:
            db.execute(statement)
        if trip:
            write(db, range(trip, 400, 11), f"trip {trip}")
        db.close()
        assert both.capture(database, "--include-shadow") == []
        for ferry in (both.pages, both.sqlite):
            assert captured_tables(ferry) == sorted(["notes", *names])
            for name in names:
                assert captured_rows(ferry, name) == rows_of(database, name), name


def test_none_unless_asked_for(archive_only, scratch):
    build(scratch / "source.db", 5)
    archive_only.capture(scratch / "source.db")
    assert captured_tables(archive_only) == ["notes"]
    reasons = left_out(archive_only)
    assert reasons["by_fts4_content"] == "shadow table of by_fts4"
    assert reasons["by_fts4"] == "virtual table using fts4"
    assert set(shadow_tables(scratch / "source.db")) < set(reasons)


def test_patterns_come_from_file_and_profile_and_add_up(archive_only, scratch):
    build(scratch / "source.db", 5)
    (scratch / "profile.yaml").write_text(
        "title: notes\ntables: {shadow: [by_fts4_content], exclude: [by_rtree*]}\n")
    (scratch / "app.yaml").write_text(
        'profile: profile.yaml\ntables: {shadow: ["by_rtree_*", by_fts5_c*], exclude: [nothing]}\n')
    options = ("-c", scratch / "app.yaml")
    archive_only.capture(scratch / "source.db", *options)
    expected = ["by_fts4_content", "by_fts5_config", "by_fts5_content", "notes"]
    assert captured_tables(archive_only) == expected
    assert left_out(archive_only)["by_rtree_node"] == "excluded by by_rtree*"
    archive_only.capture(scratch / "source.db", *options, "-T", "*_config", "-t", "by_*")
    assert captured_tables(archive_only) == ["by_fts4_content", "by_fts5_content"]


def test_a_repository_that_did_not_have_it_gets_a_new_table(archive_only, scratch):
    """Though nobody has written to the database since."""
    database = scratch / "source.db"
    build(database, 20)
    archive_only.capture(database)
    (scratch / "app.yaml").write_text("tables: {shadow: [by_fts4_content]}\n")
    second = archive_only.capture(database, "-c", scratch / "app.yaml")
    assert second.summary["published"] and second.tables()["by_fts4_content"]["inserted"] == 20
    assert captured_rows(archive_only, "by_fts4_content") == rows_of(database, "by_fts4_content")
    third = archive_only.capture(database, "-c", scratch / "app.yaml")
    assert not third.summary["published"]
    fourth = archive_only.capture(database)
    assert fourth.tables()["by_fts4_content"]["deleted"] == 20
    assert captured_tables(archive_only) == ["notes"]


def test_into_a_target_by_the_key_that_they_declare(ferry, scratch):
    database = scratch / "source.db"
    build(database, 30)
    ferry.capture(database, "--include-shadow")
    ferry.replay(expect=OK)
    keys = {table: key for table, key in ferry.target.rows(
        "SELECT relname, string_agg(attname, ',' ORDER BY attnum) FROM pg_index "
        "JOIN pg_class ON pg_class.oid = indrelid JOIN pg_attribute ON attrelid = indrelid "
        "AND attnum = ANY (indkey) WHERE indisprimary AND relname LIKE 'by%' GROUP BY 1")}
    assert keys["by_fts4_content"] == "docid" and keys["by_fts4_segdir"] == "level,idx"
    assert keys["by_fts5_content"] == "id" and keys["by_fts5_idx"] == "segid,term"
    assert keys["by_rtree_node"] == "nodeno" and keys["by_fts3_segments"] == "blockid"
    for trip in range(3):
        found = ferry.target.rows('SELECT docid, "c0id", "c1body" FROM by_fts4_content ORDER BY 1')
        db = sqlite3.connect(database)
        wanted = db.execute('SELECT docid, "c0id", "c1body" FROM by_fts4_content ORDER BY 1')
        assert [[int(a), b, c] for a, b, c in found] == [list(row) for row in wanted]
        db.execute("DELETE FROM by_fts4 WHERE rowid = ?", (trip + 1,))
        db.execute("INSERT INTO by_fts4 (id, body) VALUES ('new', 'words')")
        db.execute("UPDATE by_fts4 SET body = 'else' WHERE rowid = ?", (trip + 10,))
        db.commit()
        db.close()
        captured = ferry.capture(database, "--include-shadow").tables()["by_fts4_content"]
        assert (captured["inserted"], captured["updated"], captured["deleted"]) == (1, 1, 1)
        ferry.replay(expect=OK)
        ferry.verify(expect=OK)


def test_what_a_module_made_that_is_not_here(archive_only, scratch):
    database = scratch / "source.db"
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA writable_schema = on")
    db.execute("INSERT INTO sqlite_schema VALUES ('table', 'vec', 'vec', 0, "
               "'CREATE VIRTUAL TABLE vec USING vec0(e float[2])')")
    db.execute("PRAGMA writable_schema = off")
    db.execute("CREATE TABLE vec_rowids (rowid INTEGER PRIMARY KEY, id)")
    db.execute("CREATE TABLE vec_own (a)")
    db.execute("INSERT INTO vec_rowids VALUES (7, 'seven')")
    db.close()
    archive_only.capture(database)
    assert captured_tables(archive_only) == ["vec_own"]
    archive_only.capture(database, "--include-shadow")
    assert captured_tables(archive_only) == ["vec_own", "vec_rowids"]
    assert captured_rows(archive_only, "vec_rowids") == \
        [((rfa.INTEGER, 7), (rfa.TEXT, b"seven"))]


def test_a_module_that_is_here_and_cannot_open_its_table(scratch):
    """A tokenizer that the application brought along: SQLite says no to every query of the table."""
    database, both = scratch / "source.db", Both(scratch)
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("CREATE VIRTUAL TABLE docs USING fts4(body)")
    db.execute("INSERT INTO docs VALUES ('hello')")
    db.execute("PRAGMA writable_schema = on")
    db.execute("UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE docs USING "
               "fts4(body, tokenize=nobodys)' WHERE name = 'docs'")
    db.close()
    both.capture(database, "--include-shadow")
    assert captured_rows(both.pages, "docs_content") == \
        [((rfa.INTEGER, 1), (rfa.TEXT, b"hello"))]
    assert left_out(both.pages) == {"docs": "virtual table using fts4"}


def test_sync_takes_them_too(ferry, scratch):
    database = scratch / "source.db"
    build(database, 10)
    for trip in range(2):
        synced = ferry.command("sync", "--include-shadow", database, target=True, expect=OK)
        assert synced.tables("replay")["by_fts5_content"]["inserted"] == (1 if trip else 10)
        db = connect(database)
        db.execute("INSERT INTO by_fts5 (id, body) VALUES ('n11', 'eleven')")
        db.close()


@pytest.mark.parametrize("options", [("--include-shadow",), ()])
def test_check_tells_of_what_would_be_captured(scratch, options):
    build(scratch / "source.db", 5)
    result = run("check", "--json", *options, scratch / "source.db")
    assert result.code == OK, str(result)
    assert ("by_fts4_content" in result.tables()) == bool(options)
