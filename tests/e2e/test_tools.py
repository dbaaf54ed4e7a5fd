"""The scripts that quickstart and the tests stand on."""

import os
import subprocess

import pytest

from program import ROOT


def tool(name, *args):
    return subprocess.run([ROOT / "tools" / name, *map(str, args)], capture_output=True, text=True,
                          timeout=120)


@pytest.mark.parametrize("name", ["pg", "a long name's folder, with spaces " + "x" * 90])
def test_private_postgres(scratch, name):
    """Started twice it is one server, stopped twice it is none; long and odd paths are fine."""
    folder = scratch / name
    for _ in range(2):
        assert tool("private-postgres", "start", "--fast", folder).returncode == 0
    conninfo = tool("private-postgres", "conninfo", folder).stdout.strip()
    asked = ("SELECT current_user, current_setting('server_encoding'), "
             "current_setting('listen_addresses')")
    for _ in range(2):
        assert subprocess.run(["psql", "-XAtc", asked, conninfo], capture_output=True,
                              text=True).stdout == "rowferry|UTF8|\n"
        assert tool("private-postgres", "stop", "--immediate", folder).returncode == 0
        assert tool("private-postgres", "start", "--fast", folder).returncode == 0
        conninfo = tool("private-postgres", "conninfo", folder).stdout.strip()
    for _ in range(2):
        assert tool("private-postgres", "stop", folder).returncode == 0
    assert tool("private-postgres", "conninfo", folder).returncode != 0


def test_private_postgres_fills_no_foreign_folder(scratch):
    (scratch / "mine.txt").touch()
    refused = tool("private-postgres", "start", "--fast", scratch)
    assert refused.returncode != 0 and "something else" in refused.stderr
    assert os.listdir(scratch) == ["mine.txt"]


def test_packages_are_there_and_asking_is_quick():
    assert tool("packages", "--check").returncode == 0
    assert "postgresql" in tool("packages", "--list", "run").stdout.split()
    assert tool("packages", "nonsense").returncode != 0
