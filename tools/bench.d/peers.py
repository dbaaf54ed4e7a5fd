"""What rowferry is measured against: the commands one would write by hand, as well as one can.

The tables in PostgreSQL are made as rowferry makes them, but for sequences; keys and indexes come
after the rows. The merge takes changes that are known already, whole rows and keys, and is one
transaction."""

import shutil
import struct
import subprocess

import generate

TYPES = {
    "reading": "id bigint NOT NULL, sensor bigint NOT NULL, at bigint NOT NULL, "
               "value double precision, flags bigint",
    "document": "uuid text NOT NULL, author text NOT NULL, title text NOT NULL, "
                "state text NOT NULL, language text, created timestamp NOT NULL, body text",
    "log": "at timestamp, level text, host text, message text",
    "membership": "team bigint NOT NULL, person bigint NOT NULL, role text NOT NULL, "
                  "since timestamp",
    "attachment": "id bigint NOT NULL, name text NOT NULL, kind text, content bytea",
}
TABLES = {table: [column.split()[0] for column in columns.split(", ")]
          for table, columns in TYPES.items()}
# The longest first, for two connections that take the next one when they are free.
INDEXES = ["CREATE UNIQUE INDEX document_pkey ON document (uuid)",
           "CREATE INDEX reading_sensor ON reading (sensor, at)",
           "CREATE UNIQUE INDEX reading_pkey ON reading (id)",
           "CREATE INDEX document_author ON document (author, created)",
           "CREATE INDEX membership_person ON membership (person)",
           "CREATE UNIQUE INDEX membership_pkey ON membership (team, person)",
           "CREATE INDEX log_at ON log (at)",
           "CREATE INDEX document_state ON document (state)",
           "CREATE UNIQUE INDEX attachment_name ON attachment (name)",
           "CREATE UNIQUE INDEX attachment_pkey ON attachment (id)"]
KEYS = [f"ALTER TABLE {table} ADD PRIMARY KEY USING INDEX {table}_pkey"
        for table, key in generate.KEYS.items() if key]


def selected(table, prefix=""):
    """The columns as CSV has to have them: blobs as PostgreSQL reads them."""
    return ", ".join(f"'\\x' || hex({prefix}{column})" if column == "content" else prefix + column
                     for column in TABLES[table])


def copy_script(database, conninfo):
    """One table after the other through a pipe, then keys and indexes."""
    create = "; ".join(f"CREATE TABLE {table} ({columns})" for table, columns in TYPES.items())
    lines = [f"psql -X -q -v ON_ERROR_STOP=1 '{conninfo}' -c '{create}'"]
    lines += [f"sqlite3 -csv '{database}' \"SELECT {selected(table)} FROM {table}\" | "
              f"psql -X -q -v ON_ERROR_STOP=1 '{conninfo}' -c '\\copy {table} FROM STDIN CSV'"
              for table in TYPES]
    lines.append(f"psql -X -q -v ON_ERROR_STOP=1 '{conninfo}' "
                 f"-c '{'; '.join(INDEXES + KEYS)}'")
    return "\n".join(lines)


def write_ready_made(conninfo, folder):
    """Files for a binary COPY, from a database where the rows are already, and the scripts of
    `ready_made_script`."""
    for table in TYPES:
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", conninfo, "-c",
                        f"\\copy {table} TO '{folder}/{table}.copy' (FORMAT binary)"], check=True)
        (folder / f"{table}.sql").write_text(
            f"CREATE TABLE {table} ({TYPES[table]});\n"
            f"\\copy {table} FROM '{folder}/{table}.copy' (FORMAT binary, FREEZE)\n")
    for place, index in enumerate(INDEXES):
        (folder / f"index{place}.sql").write_text(f"SET maintenance_work_mem = '256MB'; {index};\n")


def ready_made_script(folder, conninfo):
    """Two connections at any time, first for the rows, then for the indexes."""
    psql = f"psql -X -q -v ON_ERROR_STOP=1 '{conninfo}'"
    names = [" ".join(f"'{folder}/{name}.sql'" for name in names) for names in (
        TYPES, (f"index{place}" for place in range(len(INDEXES))))]
    return "\n".join([f"printf '%s\\n' {names[0]} | xargs -P 2 -n 1 {psql} -1 -f",
                      f"printf '%s\\n' {names[1]} | xargs -P 2 -n 1 {psql} -f",
                      f"{psql} -c '{'; '.join(KEYS)}'"])


def pgloader(database, uri, scratch):
    """With its default heap and batches it runs out of memory on the larger scales."""
    return ["pgloader", "--quiet", "--dynamic-space-size", "8192",
            "--root-dir", scratch / "pgloader", "--with", "prefetch rows = 10000",
            f"sqlite://{database}", uri]


def write_changes(old, new, folder):
    """What differs, as CSV, table by table: <table>.put has whole rows, <table>.gone keys or
    whole rows."""
    for table, columns in TABLES.items():
        key = generate.KEYS[table] or ["rowid"]
        same_key = " AND ".join(f"a.{k} = b.{k}" for k in key)
        same = " AND ".join(f"a.{c} IS b.{c}" for c in columns)
        gone = ", ".join(f"a.{k}" for k in key) if generate.KEYS[table] else selected(table, "a.")
        # A row that is to be deleted is one without its like; without a key that is also a
        # changed one.
        unlike = same_key if generate.KEYS[table] else f"{same_key} AND {same}"
        export(f"{table}.put", folder, new, old,
               f"SELECT {selected(table, 'a.')} FROM main.{table} a "
               f"LEFT JOIN other.{table} b ON {same_key} AND {same} WHERE b.{key[0]} IS NULL")
        export(f"{table}.gone", folder, old, new,
               f"SELECT {gone} FROM main.{table} a "
               f"LEFT JOIN other.{table} b ON {unlike} WHERE b.{key[0]} IS NULL")


def export(name, folder, main, other, query):
    with open(folder / name, "w") as out:
        subprocess.run(["sqlite3", "-csv", main, f"ATTACH '{other}' AS other", query], stdout=out,
                       check=True)


def merge_script(changes, conninfo):
    lines = ["\\set ON_ERROR_STOP 1", "BEGIN;"]
    for table, columns in TABLES.items():
        key = generate.KEYS[table]
        listed = ", ".join(key or columns)
        lines += [f"CREATE TEMP TABLE put_{table} (LIKE {table}) ON COMMIT DROP;",
                  f"CREATE TEMP TABLE gone_{table} ON COMMIT DROP AS "
                  f"SELECT {listed} FROM {table} LIMIT 0;",
                  f"\\copy put_{table} FROM '{changes}/{table}.put' CSV",
                  f"\\copy gone_{table} FROM '{changes}/{table}.gone' CSV",
                  f"ANALYZE put_{table}; ANALYZE gone_{table};"]
        if key:
            match = " AND ".join(f"t.{k} = g.{k}" for k in key)
            values = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in key)
            lines += [f"DELETE FROM {table} t USING gone_{table} g WHERE {match};",
                      f"INSERT INTO {table} SELECT * FROM put_{table} "
                      f"ON CONFLICT ({listed}) DO UPDATE SET {values};"]
        else:
            # As many of each row as went away, no more: duplicates are numbered on both sides.
            match = " AND ".join(f"t.{c} IS NOT DISTINCT FROM g.{c}" for c in columns)
            numbered = f"row_number() OVER (PARTITION BY {listed}) AS n"
            lines += [f"DELETE FROM {table} WHERE ctid IN (SELECT t.ctid FROM "
                      f"(SELECT *, {numbered} FROM gone_{table}) g JOIN "
                      f"(SELECT ctid, *, {numbered} FROM {table} "
                      f"WHERE at IN (SELECT at FROM gone_{table})) t ON t.n = g.n AND {match});",
                      f"INSERT INTO {table} SELECT * FROM put_{table};"]
    lines.append("COMMIT;")
    script = changes / "merge.sql"
    script.write_text("\n".join(lines) + "\n")
    return ["psql", "-X", "-q", conninfo, "-f", script]


def write_frames(archives, out):
    """The zstd frames of all blocks of all archives, one behind the other: format/SPEC.md, "Archive"."""
    with open(out, "wb") as file:
        for archive in sorted(archives.iterdir()):
            data = archive.read_bytes()
            footer, size = struct.unpack_from("<QQ", data, len(data) - 32)
            for entry in range(footer + 56, footer + size, 48):
                stored, offset = struct.unpack_from("<IQ", data, entry + 12)
                file.write(data[offset + 32:offset + stored])


def change_some(database, number):
    """Some tens of rows in one transaction, elsewhere for every number below 100."""
    place = f"(SELECT max(%s) FROM %s) * {number} / 100"
    reading, document = place % ("id", "reading"), place % ("rowid", "document")
    subprocess.run(["sqlite3", database, f"""
        BEGIN;
        UPDATE reading SET flags = flags + 1 WHERE id BETWEEN {reading} AND {reading} + 49;
        UPDATE document SET title = title || '.' WHERE rowid BETWEEN {document} AND {document} + 9;
        DELETE FROM reading WHERE id = {reading} + 60;
        INSERT INTO log SELECT * FROM log WHERE rowid <= 20;
        COMMIT"""], check=True)


class Server:
    """A private server with the default settings, so durable as one in use, but for SETTINGS."""

    SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "1GB"}  # 1 GB is the default

    def __init__(self, root, folder, fast=False):
        self.tool = root / "tools" / "private-postgres"
        self.options = ["--fast"] if fast else []
        self.folder = folder

    def call(self, *args):
        return subprocess.run([self.tool, *args], check=True, capture_output=True,
                              text=True).stdout.strip()

    def start(self):
        for last in (False, True):
            self.call("start", *self.options, self.folder)
            self.admin = self.call("conninfo", self.folder)
            if not last:
                for name, value in self.SETTINGS.items():
                    self.query(f"ALTER SYSTEM SET {name} = '{value}'")
                self.call("stop", self.folder)

    def conninfo(self, name):
        return self.admin.replace("dbname=postgres", f"dbname={name}")

    def pgloader_uri(self, name):
        host = self.admin.split()[0].partition("=")[2]
        return f"postgresql://rowferry@unix:{host}:5432/{name}"

    def query(self, text):
        return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.admin],
                              input=text, check=True, capture_output=True, text=True).stdout.strip()

    def drop(self, name):
        self.query(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def create(self, name, template="template0"):
        """Settled on disk, so that the one measured does not pay for the one before."""
        self.drop(name)
        self.query(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        self.query("CHECKPOINT")

    def settle(self, name):
        """As the database would be some time after a load, when autovacuum has been there; for
        all who start from it alike."""
        subprocess.run(["psql", "-X", "-q", self.conninfo(name), "-c", "VACUUM (ANALYZE)"],
                       check=True)
        self.query("CHECKPOINT")

    def size(self, name):
        return int(self.query(f"SELECT pg_database_size('{name}')"))

    def position(self):
        """Bytes of write-ahead log since the beginning."""
        return int(self.query("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"))

    def remove(self):
        self.call("stop", self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
