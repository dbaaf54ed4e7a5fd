"""The private server of a test run, and fresh databases on it."""

import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from program import ROOT

TOOL = ROOT / "tools" / "private-postgres"

_numbers = itertools.count(1)


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


class Target:
    """A database. `conninfo` is what the program under test is given."""

    def __init__(self, server, name, conninfo=None):
        self.server = server
        self.name = name
        self.conninfo = conninfo or server.conninfo(name)

    def script(self, text):
        """Runs SQL and psql commands, and returns what psql printed."""
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
             self.server.conninfo(self.name)], input=text.encode(), capture_output=True,
            env={**os.environ, "PGCLIENTENCODING": "UTF8"}, timeout=120)
        assert done.returncode == 0, f"psql: {done.stderr.decode()}\n{text[:2000]}"
        return done.stdout

    def rows(self, query):
        """The rows of a query as lists of text; NULL is None."""
        out = self.script(f"COPY ({query}) TO STDOUT").decode()
        return [[_unescape(value) for value in line.split("\t")] for line in out.splitlines()]

    def value(self, query):
        rows = self.rows(query)
        return rows[0][0] if rows else None

    def stands_at(self):
        """The snapshot that the ledger names, or None."""
        found = self.value("SELECT snapshot FROM rowferry.source")
        return found and int(found)

    def tables(self, schema="public"):
        return sorted(row[0] for row in self.rows(
            f"SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') "
            f"AND relnamespace = to_regnamespace({literal(quote(schema))})"))

    def drop(self):
        self.server.admin.script(f"DROP DATABASE IF EXISTS {quote(self.name)} WITH (FORCE)")


def _unescape(value):
    if value == "\\N":
        return None
    if "\\" not in value:
        return value
    return value.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t") \
                .replace("\\r", "\r").replace("\0", "\\")


class Server:
    def __init__(self):
        # Not under pytest's own folder, which only the caller may enter: as root, the server is
        # another user.
        self.folder = Path(tempfile.mkdtemp(prefix="rowferry-e2e.", dir="/tmp"))
        self.folder.chmod(0o755)
        self.dir = self.folder / "pg"
        self.start()
        self.admin = Target(self, "postgres")

    def tool(self, *args):
        done = subprocess.run([str(TOOL), *map(str, args)], capture_output=True, text=True,
                              timeout=120)
        assert done.returncode == 0, f"private-postgres {args}: {done.stderr}"
        return done.stdout.strip()

    def start(self):
        self.tool("start", "--fast", self.dir)
        self.address = self.tool("conninfo", self.dir)

    def stop(self, *, immediate=False):
        self.tool("stop", *(["--immediate"] if immediate else []), self.dir)

    def conninfo(self, database="postgres"):
        return self.address.replace("dbname=postgres", f"dbname={database}")

    @property
    def socket(self):
        """The folder of the server's socket."""
        return dict(part.split("=", 1) for part in self.conninfo().split())["host"]

    def create(self, name=None):
        name = name or f"t{next(_numbers)}"
        self.admin.script(f"CREATE DATABASE {quote(name)} TEMPLATE template0 "
                          "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
        return Target(self, name)

    def require_password(self, role, password):
        """A role that is let in over the socket only with its password."""
        self.admin.script("SET password_encryption = 'scram-sha-256';"
                          f"DROP ROLE IF EXISTS {quote(role)};"
                          f"CREATE ROLE {quote(role)} LOGIN PASSWORD {literal(password)}")
        rules = self.dir / "data" / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n" + rules.read_text())
        self.admin.script("SELECT pg_reload_conf()")

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
