"""The private server of a test run, and fresh databases on it."""

import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from program import ROOT

TOOL = ROOT / "tools" / "private-postgres"

END = "end of the result"

EMPTY = """
SET client_min_messages = warning;
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT nspname FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
END $$;
CREATE SCHEMA public;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""


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
        return self.results(query)[0]

    def results(self, *queries):
        """The rows of several queries, asked in one session. A query may be a pair: a relation,
        and what to ask if it exists; without it there are no rows."""
        script = []
        for query in queries:
            relation, query = query if isinstance(query, tuple) else ("pg_class", query)
            script.append(f"SELECT to_regclass({literal(relation)}) IS NOT NULL AS there \\gset\n"
                          f"\\if :there\nCOPY ({query}) TO STDOUT;\n\\endif\n\\echo {END}\n")
        results, rows = [], []
        for line in self.script("".join(script)).decode().split("\n")[:-1]:
            if line == END:
                results.append(rows)
                rows = []
            else:
                rows.append([_unescape(value) for value in line.split("\t")])
        return results

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
        """Gives the database back: emptied, which is quicker than dropped, it serves the next
        test."""
        if self.name not in self.server.free:
            self.script(EMPTY)
            self.server.free.append(self.name)

    def remove(self):
        self.server.admin.script(f"DROP DATABASE {quote(self.name)} WITH (FORCE)")


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
        self.free = []  # databases that are empty again
        self.made = itertools.count(1)
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

    def create(self):
        """A target with nothing in it."""
        if self.free:
            return Target(self, self.free.pop())
        name = f"t{next(self.made)}"
        self.admin.script(f"CREATE DATABASE {quote(name)} TEMPLATE template0 "
                          "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
        return Target(self, name)

    def copy(self, template):
        """A target that is as another one is now; remove() it."""
        self.admin.script(f"CREATE DATABASE copy TEMPLATE {quote(template)}")
        return Target(self, "copy")

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
