"""Whole processes and pipelines, measured from the outside: time, memory, bytes written."""

import resource
import statistics
import subprocess
import time
import os
from pathlib import Path


class Failed(Exception):
    """A command that was to be measured did not do its work."""


class Contestant:
    """One way to do a step. `prepare` runs before every round and is not measured; what it
    returns goes to `written`, which tells how many bytes the round has made."""

    def __init__(self, who, command, prepare=lambda: None, written=lambda before: 0):
        self.who, self.command, self.prepare, self.written = who, command, prepare, written
        self.rounds = []

    def round(self, log):
        before = self.prepare()
        os.sync()  # what was prepared is on the disk before the clock starts
        seconds, peak = run(self.command, log)
        self.rounds.append({"seconds": seconds, "peak_bytes": peak,
                            "written_bytes": self.written(before)})

    def result(self, step):
        medians = {name: statistics.median(round[name] for round in self.rounds)
                   for name in ("seconds", "peak_bytes", "written_bytes")}
        return {"step": step, "who": self.who, **medians,
                "rounds": [round["seconds"] for round in self.rounds]}


def run(command, log):
    """(seconds, peak bytes) of a command: a list, or a shell's pipeline as a string, whose
    largest part counts. What it says goes to the file `log`."""
    if isinstance(command, str):
        command = ["bash", "-o", "pipefail", "-ec", command]
    with open(log, "w") as out:
        start = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        said = Path(log).read_text(errors="replace").strip().splitlines()[-3:]
        raise Failed(f"{command[0]} ended with {process.returncode}: {' / '.join(said)}")
    return seconds, usage.ru_maxrss * 1024


def floor():
    """The kernel counts what this process has in memory to every child, from before the child
    became another program: peaks below this cannot be told."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def size_of(*paths):
    files = (file for path in map(Path, paths)
             for file in (path.rglob("*") if path.is_dir() else [path]))
    return sum(file.stat().st_size for file in files if file.is_file())


def warm(path):
    """Into the page cache, for whoever is measured next."""
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass
