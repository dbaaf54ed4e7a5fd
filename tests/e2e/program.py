"""Runs the program under test and holds every run to what all runs must keep to.

A run fails the test when a sanitizer speaks, when it does not end in time, when a standard stream
is used for the wrong thing, or when the JSON lines are not what the contract says: one object a
line, the last one the summary, whose `exit` is the exit code.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("ROWFERRY_BIN", ROOT / "build" / "asan" / "rowferry"))
# Databases that others made, where they are at hand.
OTHERS = sorted((ROOT.parent / "shared" / "data").glob("*.db"))

SANITIZERS = ("AddressSanitizer", "LeakSanitizer", "UndefinedBehaviorSanitizer", "runtime error:",
              "MemorySanitizer", "ThreadSanitizer")
TIMEOUT = 120

# Exit codes of the contract.
(OK, FAILED, USAGE, DAMAGED, MISPLACED, CONNECT, LOCKED, STORAGE, SET_ASIDE) = range(9)


def scratch_base():
    """The folder that tests make theirs in: in memory where there is plenty of it, for many wait for
    the disk again and again; what becomes of files that never reached it, unit tests show."""
    memory = Path("/dev/shm")
    plenty = 4 << 30
    if not memory.is_dir() or not os.access(memory, os.W_OK | os.X_OK):
        return Path("/tmp")
    numbers = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    available = int(numbers["MemAvailable"].split()[0]) * 1024
    free = min(shutil.disk_usage(memory).free, available)
    return memory if free >= plenty else Path("/tmp")


def settings(scratch, text):
    """Options that name a configuration file with this text."""
    path = scratch / "rowferry.yaml"
    path.write_text(text)
    return ["-c", path]


def environment(extra=None):
    """Nothing of the caller's own PostgreSQL or rowferry settings may leak into a test."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "ROWFERRY_"))}
    env["LC_ALL"] = "C.UTF-8"
    env["ASAN_OPTIONS"] = "detect_leaks=1:exitcode=99:detect_stack_use_after_return=1"
    env["UBSAN_OPTIONS"] = "print_stacktrace=1:exitcode=99"
    env["PGPASSFILE"] = "/nonexistent"
    env.update(extra or {})
    return {k: v for k, v in env.items() if v is not None}


@dataclass
class Result:
    args: list
    code: int
    out: str
    err: str
    seconds: float = 0.0
    lines: list = field(default_factory=list)  # of --json

    @property
    def summary(self):
        return self.lines[-1]

    @property
    def error(self):
        return self.summary["error"]

    def of_type(self, kind):
        return [line for line in self.lines if line["type"] == kind]

    def tables(self, command=None):
        """The `table` lines by table name."""
        return {line["table"]: line for line in self.of_type("table")
                if command is None or line["command"] == command}

    def __str__(self):
        return (f"$ rowferry {' '.join(map(str, self.args))}\nexit {self.code} after "
                f"{self.seconds:.2f} s\n{self.out}\n{self.err}")


class Running:
    """A run under way, which a test may stop, cut short or wait for."""

    def __init__(self, args, env=None, prefix=(), cwd=None, program=None):
        self.args = [str(a) for a in args]
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*map(str, prefix), str(program or PROGRAM), *self.args], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(env), cwd=cwd,
            start_new_session=True)

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.alive():
            os.kill(self.process.pid, number)

    def wait(self, timeout=TIMEOUT, check=True):
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            out, err = self.process.communicate()
            raise AssertionError(
                f"rowferry {' '.join(self.args)} did not end within {timeout} s\n"
                f"{out.decode(errors='replace')}\n{err.decode(errors='replace')}") from None
        result = Result(self.args, self.process.returncode, out.decode("utf-8", "replace"),
                        err.decode("utf-8", "replace"), time.monotonic() - self.started)
        check_streams(result)
        if check and "--json" in self.args:
            parse_json(result)
        return result


def check_streams(result):
    for word in SANITIZERS:
        assert word not in result.err, f"sanitizer report\n{result}"
    assert result.code != -signal.SIGSEGV and result.code != -signal.SIGABRT, f"crashed\n{result}"
    for word in ("error: ", "detail: ", "hint: "):
        assert not any(line.startswith(word) for line in result.out.splitlines()), \
            f"an error on standard output\n{result}"


def parse_json(result):
    lines = result.out.splitlines()
    if result.code < 0:  # killed: the last line may be missing or cut
        return
    assert lines, f"--json printed nothing\n{result}"
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError as why:
            raise AssertionError(f"not JSON: {line!r}: {why}\n{result}") from None
        assert isinstance(value, dict) and "type" in value, f"not an object with a type\n{result}"
        result.lines.append(value)
    kinds = [line["type"] for line in result.lines]
    assert kinds.count("summary") == 1 and kinds[-1] == "summary", \
        f"the last line, and no other, is the summary\n{result}"
    assert result.summary["exit"] == result.code, f"summary and exit code differ\n{result}"
    if result.code in (OK, SET_ASIDE):
        assert "error" not in result.summary, f"an error in a success\n{result}"
    elif "error" in result.summary:
        assert result.error["what"], f"an error that does not say what\n{result}"


def run(*args, env=None, timeout=TIMEOUT, prefix=(), cwd=None, program=None, check=True):
    return Running(args, env, prefix, cwd, program).wait(timeout, check)


class Ferry:
    """One repository, one target, and the commands between them, as JSON."""

    def __init__(self, repository, target=None, options=()):
        self.repository = Path(repository)
        self.target = target
        self.options = list(options)  # of replay and verify

    def args(self, command, *rest, target=False):
        args = [command, "--json", "-r", self.repository]
        if target:
            args += ["-d", self.target.conninfo, *self.options]
        return [*args, *rest]

    def command(self, command, *rest, target=False, expect=None, **kw):
        result = run(*self.args(command, *rest, target=target), **kw)
        if expect is not None:
            wanted = expect if isinstance(expect, (tuple, set, list)) else (expect,)
            assert result.code in wanted, f"exit {result.code}, expected {expect}\n{result}"
        return result

    def capture(self, database, *rest, expect=OK, **kw):
        return self.command("capture", *rest, database, expect=expect, **kw)

    def replay(self, *rest, expect=(OK, SET_ASIDE), **kw):
        return self.command("replay", *rest, target=True, expect=expect, **kw)

    def verify(self, *rest, expect=(OK, SET_ASIDE), **kw):
        return self.command("verify", *rest, target=self.target is not None, expect=expect, **kw)

    def verify_repository(self, *rest, expect=OK, **kw):
        return self.command("verify", *rest, expect=expect, **kw)

    def status(self, *rest, expect=OK, **kw):
        return self.command("status", *rest, target=self.target is not None, expect=expect, **kw)

    def newest(self):
        """Number of the newest snapshot by the repository's own folder, None where there is
        none."""
        numbers = [line["snapshot"] for line in
                   self.command("log", expect=OK).of_type("snapshot")]
        return max(numbers, default=None)


def published(repository):
    """What of a repository is history: name, size and content of every file in it, but for the
    local index, files under way and the lock."""
    repository = Path(repository)
    found = {}
    for path in sorted(repository.rglob("*")) if repository.exists() else []:
        name = path.relative_to(repository)
        if path.is_file() and name.parts[0] not in ("index", "tmp", "lock"):
            found[str(name)] = path.read_bytes()
    return found
