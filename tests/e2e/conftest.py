"""Fixtures: a server for the whole run, and for every test a database, a repository and a scratch
folder."""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

pytest.register_assert_rewrite("both_ways", "compare", "decisions", "relations", "rounds", "trips")

import program  # noqa: E402
import trips  # noqa: E402
from postgres import Server  # noqa: E402

# Without databases that others made, the tests over them are not there; the rest is complete.
collect_ignore_glob = [] if program.OTHERS else ["test_others*.py"]


def find_servers_programs():
    """Debian's psql in PATH is a script that looks for the program and starts it, which takes longer
    than most of what the tests ask."""
    folders = [Path(os.environ.get("ROWFERRY_PG_BIN", "/nonexistent"))]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"),
                      key=lambda folder: -float(folder.parent.name))
    for folder in folders:
        if (folder / "psql").exists():
            os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
            return


def take_signals():
    """Whoever starts the tests in the background may have them ignore signals that they send."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def pytest_configure(config):
    take_signals()
    find_servers_programs()
    config.addinivalue_line("markers", "timing: depends on speed, so it needs a build without sanitizers")
    config.addinivalue_line("markers", "plain: needs a build without sanitizers")
    if not program.PROGRAM.exists():
        raise pytest.UsageError(f"{program.PROGRAM} is missing: build it (tools/test e2e does), "
                                "or name another one in ROWFERRY_BIN")
    for needed in ("psql", "sqlite3", "openssl"):
        if shutil.which(needed) is None:
            raise pytest.UsageError(f"{needed} is missing: tools/packages run test")


def pytest_report_header(config):
    return f"rowferry: {program.PROGRAM}; databases made by others: {len(program.OTHERS)}"


@pytest.fixture(scope="session")
def server():
    server = Server()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def own_server():
    """For tests that stop it or change its settings."""
    server = Server()
    yield server
    server.remove()


@pytest.fixture
def target(server):
    target = server.create()
    yield target
    target.drop()


@pytest.fixture
def scratch():
    """A folder that other users can reach too, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="rowferry-e2e.", dir=program.scratch_base()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ferry(scratch, target):
    return program.Ferry(scratch / "repo", target)


@pytest.fixture
def archive_only(scratch):
    """Capture without a target."""
    return program.Ferry(scratch / "repo")


@pytest.fixture
def road(ferry, scratch):
    """One database on its way to one target."""
    return trips.Road(ferry, scratch / "source.db")
