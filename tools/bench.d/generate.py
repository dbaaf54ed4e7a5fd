"""Makes the database that tools/bench measures on: about 700 MB and 5.8 million rows at scale 1,
the same from the same seed, in five shapes of tables; and the one per cent of changes for the
second trip. Keys are unique at every scale; moments come round after 41 million rows of a table.

    generate.py FIRST SECOND SCALE
    generate.py --tables FILE COUNT     so many tables of ten rows each
"""

import random
import shutil
import sqlite3
import sys
import zlib
from pathlib import Path

SEED = 20260101
PAYLOAD = 20 << 20  # bytes of text and of noise, made once, out of which rows take slices

WORDS = """
    account active address amount archive balance batch billing branch cancel carrier charge
    client contact contract cost country credit currency customer delivery deposit discount
    draft error event expired failed filter forward group handle history import invoice
    issue item journal label ledger limit line manual member merge message method metric
    monthly note number offer order origin owner parcel partner payment pending period phone
    price product profile project quote rate reason receipt record refund region reply
    report request result return review role route sample schedule section sender service
    session setting shipment source state status stock store street summary supplier support
    target tax team ticket total transfer update user value vendor version warehouse weekly
    window
""".split()

SCHEMA = """
CREATE TABLE document (
    uuid TEXT PRIMARY KEY,
    author TEXT NOT NULL,
    title TEXT NOT NULL,
    state VARCHAR(12) NOT NULL,
    language TEXT,
    created DATETIME NOT NULL,
    body TEXT
);
CREATE TABLE reading (
    id INTEGER PRIMARY KEY, sensor INTEGER NOT NULL, at INTEGER NOT NULL, value REAL, flags INTEGER
);
CREATE TABLE membership (
    team INTEGER NOT NULL, person INTEGER NOT NULL, role TEXT NOT NULL, since DATETIME,
    PRIMARY KEY (team, person)
) WITHOUT ROWID;
CREATE TABLE log (at DATETIME, level TEXT, host TEXT, message TEXT);
CREATE TABLE attachment (id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT, content BLOB);
"""
INDEXES = """
CREATE INDEX document_author ON document (author, created);
CREATE INDEX document_state ON document (state);
CREATE INDEX reading_sensor ON reading (sensor, at);
CREATE INDEX membership_person ON membership (person);
CREATE INDEX log_at ON log (at);
CREATE UNIQUE INDEX attachment_name ON attachment (name);
"""
KEYS = {"document": ["uuid"], "reading": ["id"], "membership": ["team", "person"], "log": [],
        "attachment": ["id"]}
ROWS = {"document": 300_000, "reading": 4_000_000, "membership": 800_000, "log": 680_000,
        "attachment": 20_000}


def moment(n):
    """Ascending, some seconds apart."""
    day, second = divmod(n * 7, 86400)
    return (f"20{20 + day // 336 % 10:02d}-{day // 28 % 12 + 1:02d}-{day % 28 + 1:02d} "
            f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}")


class Maker:
    """Rows by table and number; the same number gives the same row."""

    def __init__(self):
        rng = random.Random(SEED)
        words = []
        size = 0
        while size < PAYLOAD:
            words.append(rng.choice(WORDS))
            size += len(words[-1]) + 1
        self.text = " ".join(words)
        self.noise = rng.randbytes(PAYLOAD)

    def prose(self, n, length):
        start = n * 7919 % (PAYLOAD - length)
        return self.text[start:start + length]

    def document(self, n):
        mixed = zlib.crc32(b"%d" % n)
        return (f"{mixed:08x}-{n % 65536:04x}-4{n % 4096:03x}-8{mixed % 4096:03x}-{n:012x}",
                f"author{mixed % 5000}@example.org", self.prose(n, 24 + mixed % 40),
                ("draft", "published", "archived")[mixed % 3], ("en", "de", "fr", None)[n % 4],
                moment(n), self.prose(mixed, 300 + mixed % 900))

    def reading(self, n):
        mixed = zlib.crc32(b"r%d" % n)
        value = None if mixed % 50 == 0 else mixed / 65536.0
        return (n, mixed % 2000, 1_600_000_000 + n * 3, value, mixed & 7)

    def membership(self, n):
        return (n // 40, n % 40 * 25_000 + n // 40, ("guest", "member", "owner")[n % 3], moment(n))

    def log(self, n):
        mixed = zlib.crc32(b"l%d" % (n // 2))
        return (moment(n // 2), ("info", "warning", "error")[mixed % 3], f"host{mixed % 40}",
                self.prose(mixed, 20 + mixed % 120))

    def attachment(self, n):
        length = n * 7919 % 9000
        start = n * 104_729 % (PAYLOAD - 9000)
        return (n, f"file-{n}.bin", ("png", "pdf", None)[n % 3], self.noise[start:start + length])

    def rows(self, table, first, count):
        return map(getattr(self, table), range(first, first + count))


def counts(scale):
    return {table: max(100, int(rows * scale)) for table, rows in ROWS.items()}


def connect(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
                     "PRAGMA cache_size = -1000000;")  # 1 GB: keys come in random order
    return db


def generate(path, scale):
    """A new database at `path`, which appears there only when it is whole."""
    unfinished = Path(f"{path}.part")
    unfinished.unlink(missing_ok=True)
    maker = Maker()
    db = connect(unfinished)
    db.executescript(SCHEMA)
    db.execute("BEGIN")
    for table, count in counts(scale).items():
        marks = ", ".join("?" * len(getattr(maker, table)(1)))
        db.executemany(f"INSERT INTO {table} VALUES ({marks})", maker.rows(table, 1, count))
    db.execute("COMMIT")
    db.executescript(INDEXES)
    db.close()
    unfinished.rename(path)


def change(path, scale):
    """One row in a hundred: scattered updates, deletes, and inserts at the end, about a third
    each."""
    maker = Maker()
    rng = random.Random(SEED + 1)
    db = connect(path)
    db.execute("BEGIN")
    for table, count in counts(scale).items():
        share = max(1, count // 300)
        picked = rng.sample(range(1, count + 1), 2 * share)
        where = " AND ".join(f"{key} = ?" for key in KEYS[table]) or "rowid = ?"
        places = range(len(KEYS[table]))

        def key(n):
            return [n] if table == "log" else [getattr(maker, table)(n)[i] for i in places]

        column = {"document": "body", "reading": "value", "membership": "role", "log": "message",
                  "attachment": "kind"}[table]
        new = {"reading": lambda n: n + 0.25}.get(table, lambda n: f"changed {n}")
        db.executemany(f"UPDATE {table} SET {column} = ? WHERE {where}",
                       ([new(n), *key(n)] for n in picked[:share]))
        db.executemany(f"DELETE FROM {table} WHERE {where}", (key(n) for n in picked[share:]))
        marks = ", ".join("?" * len(getattr(maker, table)(1)))
        db.executemany(f"INSERT INTO {table} VALUES ({marks})", maker.rows(table, count + 1, share))
    db.execute("COMMIT")
    db.close()


def many_tables(path, count):
    db = connect(path)
    db.execute("BEGIN")
    for n in range(1, count + 1):
        db.execute(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, amount REAL)")
        db.executemany(f"INSERT INTO t{n} VALUES (?, ?, ?)",
                       ((i, f"row {i} of table {n}", n * i / 4) for i in range(1, 11)))
    db.execute("COMMIT")
    db.close()


def main():
    if sys.argv[1] == "--tables":
        return many_tables(sys.argv[2], int(sys.argv[3]))
    first, second, scale = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    generate(first, scale)
    unfinished = second.with_name(second.name + ".part")
    shutil.copy(first, unfinished)
    change(unfinished, scale)
    unfinished.rename(second)


if __name__ == "__main__":
    main()
