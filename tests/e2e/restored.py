"""What a SQLite file is, all of it, as SQLite tells: two pictures that are equal are of the same
database, wherever its pages lie."""

import sqlite3
import struct
import subprocess
from urllib.parse import quote as url_quote

from sqlite_side import quote

PRAGMAS = ("user_version", "application_id", "page_size", "encoding", "auto_vacuum", "journal_mode")
STATISTICS = ("sqlite_stat1", "sqlite_stat4")


def connect(path, readonly=True):
    db = sqlite3.connect(f"file:{url_quote(str(path))}?mode={'ro' if readonly else 'rw'}", uri=True,
                         isolation_level=None)
    db.text_factory = bytes
    db.create_collation("backwards", lambda a, b: (a < b) - (a > b))  # of test_restore
    return db


def exact(value):
    """0.0 and -0.0 are two values."""
    return struct.pack(">d", value) if isinstance(value, float) else value


def columns_of(db, table):
    return [row[1].decode() for row in db.execute(f"PRAGMA table_xinfo({quote(table)})")]


def rowid_of(db, table, columns):
    free = [name for name in ("rowid", "_rowid_", "oid")
            if name not in [column.lower() for column in columns]]
    try:
        db.execute(f"SELECT {free[0]} FROM {quote(table)} NOT INDEXED LIMIT 1")
    except (sqlite3.OperationalError, IndexError):
        return None
    return free[0]


def rows_of(db, table):
    """Each value with its class, text as the bytes that are stored, and the rowid. The table is read,
    no index; in an order of our own."""
    names = columns_of(db, table)
    rowid = rowid_of(db, table, names)
    where = f"{quote(table)} NOT INDEXED" if rowid else quote(table)
    rows = []
    for start in range(0, len(names), 500):  # all at once, but for tables too wide for a result
        asked = ", ".join(f"typeof({name}), CASE typeof({name}) WHEN 'text' THEN "
                          f"CAST({name} AS BLOB) ELSE {name} END"
                          for name in map(quote, names[start:start + 500]))
        found = db.execute(f"SELECT {rowid or 0}, {asked} FROM {where}").fetchall()
        rows = rows or [[] for _ in found]
        for row, values in zip(rows, found):
            row += map(exact, values)
    return sorted(rows, key=repr)


def schema_of(db):
    return {(kind, name): (table, sql) for kind, name, table, sql in
            db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema")
            if name.decode() not in STATISTICS}


def is_virtual(sql):
    return sql is not None and b"VIRTUAL" in sql[:40].upper()


def picture(path, without=()):
    """`without`: tables whose rows do not count."""
    db = connect(path)
    found = {pragma: db.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in PRAGMAS}
    found["schema"] = schema_of(db)
    for (kind, name), (_, sql) in found["schema"].items():
        name = name.decode()
        if kind == b"table" and not is_virtual(sql) and name not in without:
            found["rows", name] = rows_of(db, name)
    if "sqlite_sequence" in {name.decode() for _, name in found["schema"]}:
        found["rows", "sqlite_sequence"] = sorted(
            (row[1:] for row in found["rows", "sqlite_sequence"]), key=repr)
    db.close()
    return found


def differences(path, other, without=()):
    ours, theirs = picture(path, without), picture(other, without)
    return {key: (ours.get(key), theirs.get(key)) for key in ours.keys() | theirs.keys()
            if ours.get(key) != theirs.get(key)}


def check_integrity(path, expected=None):
    """Every index has the entries of its table, in order. Rows that break a constraint are told the
    same way for both."""
    shell = ["sqlite3", "-readonly", str(path), "PRAGMA integrity_check(1000)"]
    answer = subprocess.run(shell, capture_output=True, check=True).stdout
    assert sorted(answer.splitlines()) == sorted((expected or b"ok").splitlines()), \
        answer[:2000].decode(errors="replace")


def integrity(path):
    shell = ["sqlite3", "-readonly", str(path), "PRAGMA integrity_check(1000)"]
    return subprocess.run(shell, capture_output=True, check=True).stdout
