"""Why there is no connection, and whether the hint mends it: what it says is done, to the word."""

import os
import re
import socket
import subprocess
import threading

import pytest

from program import CONNECT, OK, Ferry, run
from trips import run_sql


@pytest.fixture
def ferry(scratch):
    database = scratch / "source.db"
    run_sql(database, ["CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)"])
    ferry = Ferry(scratch / "repo")
    ferry.capture(database)
    return ferry


def refused(ferry, conninfo, what):
    """The error of every command that connects; they all say the same."""
    errors = []
    for command in ("replay", "verify", "status"):
        result = run(command, "--json", "-r", ferry.repository, "-d", conninfo)
        assert result.code == CONNECT, str(result)
        assert what in result.error["what"], str(result)
        assert result.error["hint"], str(result)
        assert ".c:" not in result.error["what"], str(result)
        errors.append(result.error)
    assert errors[0] == errors[1] == errors[2]
    return errors[0]


def connects(ferry, conninfo):
    result = run("status", "-r", ferry.repository, "-d", conninfo)
    assert result.code == OK, str(result)


def allow(server, *lines):
    """Puts lines on top of the server's pg_hba.conf, and takes them away again afterwards."""
    rules = server.dir / "data" / "pg_hba.conf"
    rules.write_text("\n".join(lines) + "\n" + rules.read_text())
    server.admin.script("SELECT pg_reload_conf()")


@pytest.mark.parametrize("role", ["peered", "Odd Peer", "all"])
def test_peer_authentication(own_server, ferry, role):
    server = own_server
    server.admin.script(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'pw'")
    allow(server, f'local all "{role}" peer')
    conninfo = server.conninfo().replace("user=rowferry", f"user='{role}' password=pw")
    error = refused(ferry, conninfo, "Peer authentication failed")
    assert error["sqlstate"] == "28000"
    line = error["hint"].splitlines()[-1]
    assert re.fullmatch(r'local postgres \S.* scram-sha-256', line), error["hint"]
    allow(server, line)
    connects(ferry, conninfo)


def test_no_rule_for_a_role(own_server, ferry):
    server = own_server
    server.admin.script("CREATE ROLE rejected LOGIN PASSWORD 'pw'")
    allow(server, "local all rejected reject")
    conninfo = server.conninfo().replace("user=rowferry", "user=rejected password=pw")
    error = refused(ferry, conninfo, "pg_hba.conf rejects connection")
    allow(server, error["hint"].splitlines()[-1])
    connects(ferry, conninfo)


def test_a_wrong_password(own_server, ferry):
    own_server.require_password("guarded", "right")
    conninfo = own_server.conninfo().replace("user=rowferry", "user=guarded password={}")
    error = refused(ferry, conninfo.format("wrong"), "password authentication failed")
    assert error["sqlstate"] == "28P01" and '\\password "guarded"' in error["hint"]
    none = refused(ferry, conninfo.replace(" password={}", ""), "no password supplied")
    assert "PGPASSWORD" in none["hint"]
    connects(ferry, conninfo.format("right"))


@pytest.mark.parametrize("role", ["absent", "it's Absent"])
def test_no_such_role(own_server, ferry, role):
    escaped = role.replace("'", "\\'")
    conninfo = own_server.conninfo().replace("user=rowferry", f"user='{escaped}'")
    error = refused(ferry, conninfo, "does not exist")
    assert error["sqlstate"] == "28000"
    command = error["hint"].split(": ", 1)[1]
    assert command.startswith("createuser --pwprompt ")
    do(own_server, command.replace("--pwprompt ", ""))
    connects(ferry, conninfo)


def do(server, command):
    """A command of a hint, by the server's administrator in a shell."""
    environment = {"PGHOST": server.socket, "PGUSER": "rowferry", "PATH": os.environ["PATH"]}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"


def test_a_role_that_may_not_log_in(own_server, ferry):
    own_server.admin.script("CREATE ROLE nologin NOLOGIN")
    conninfo = own_server.conninfo().replace("user=rowferry", "user=nologin")
    error = refused(ferry, conninfo, "not permitted to log in")
    own_server.admin.script(error["hint"].split(": ", 1)[1])
    connects(ferry, conninfo)


@pytest.mark.parametrize("name", ["absent", "it's Absent"])
def test_no_such_database(own_server, ferry, name):
    own_server.admin.script("DROP ROLE IF EXISTS owner; CREATE ROLE owner LOGIN")
    escaped = name.replace("'", "\\'")
    conninfo = own_server.conninfo().replace("user=rowferry", "user=owner") \
        .replace("dbname=postgres", f"dbname='{escaped}'")
    error = refused(ferry, conninfo, "does not exist")
    assert error["sqlstate"] == "3D000"
    command = error["hint"].split(": ", 1)[1]
    do(own_server, command)
    connects(ferry, conninfo)
    assert own_server.admin.rows(
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype, datdba::regrole::text "
        "FROM pg_database WHERE datname ILIKE '%absent'") == [["UTF8", "C", "C", "owner"]]
    own_server.admin.script(f'DROP DATABASE "{name}"')


def test_no_right_to_connect(own_server, ferry):
    own_server.admin.script("CREATE ROLE outside LOGIN; CREATE DATABASE closed;"
                            "REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    conninfo = own_server.conninfo("closed").replace("user=rowferry", "user=outside")
    error = refused(ferry, conninfo, "permission denied for database")
    own_server.admin.script(error["hint"].split(": ", 1)[1])
    connects(ferry, conninfo)


def test_too_many_connections(own_server, ferry):
    own_server.admin.script("CREATE ROLE lonely LOGIN CONNECTION LIMIT 0")
    conninfo = own_server.conninfo().replace("user=rowferry", "user=lonely")
    assert "--jobs" in refused(ferry, conninfo, "too many connections")["hint"]


def test_no_server(ferry, scratch):
    error = refused(ferry, f"host={scratch} dbname=x user=y", "No such file or directory")
    assert "systemctl status postgresql" in error["hint"]
    error = refused(ferry, "host=127.0.0.1 port=1 dbname=x user=y", "Connection refused")
    assert "systemctl status postgresql" in error["hint"]
    error = refused(ferry, "host=nowhere.invalid dbname=x user=y", "nowhere.invalid")
    assert "host's name" in error["hint"]


class Answering:
    """Listens on the network, and answers whoever asks for SSL with one byte."""

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                client.recv(8)
                client.sendall(self.answer)
                client.recv(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.mark.parametrize("answer, options, what, hint", [
    (b"N", "sslmode=require", "SSL was required", "ssl = on"),
    (b"S", "sslmode=verify-full sslrootcert=/nonexistent/root.crt", "root certificate file",
     "sslrootcert"),
])
def test_ssl(ferry, answer, options, what, hint):
    with Answering(answer) as server:
        conninfo = f"host=127.0.0.1 port={server.port} user=u dbname=d gssencmode=disable {options}"
        assert hint in refused(ferry, conninfo, what)["hint"]
