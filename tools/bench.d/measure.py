"""Whole processes and pipelines, measured from the outside: time, memory, bytes written."""

import functools
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")


class Failed(Exception):
    """A command that was to be measured did not do its work."""


class Contestant:
    """One way to do a step. `prepare` runs before every round and is not measured; what it
    returns goes to `written`, which tells how many bytes the round has made."""

    def __init__(self, who, command, prepare=lambda: None, written=lambda before: 0):
        self.who, self.command, self.prepare, self.written = who, command, prepare, written
        self.rounds = []

    def round(self, log, settled):
        """`settled`: what was there before is on the disk before the clock starts."""
        before = self.prepare()
        if settled:
            os.sync()
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
    told = Path(f"{log}.cost")
    with open(log, "w") as out:
        subprocess.run([sys.executable, "-I", "-S", "-B", LAUNCH, told, *map(str, command)],
                       stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True)
    code, seconds, peak = told.read_text().split()
    if code != "0":
        said = Path(log).read_text(errors="replace").strip().splitlines()[-3:]
        raise Failed(f"{command[0]} ended with {code}: {' / '.join(said)}")
    return float(seconds), int(peak) * 1024


@functools.cache
def floor():
    """The peak of a program that needs nothing: below this, a peak cannot be told."""
    with tempfile.TemporaryDirectory() as folder:
        return run(["true"], Path(folder) / "log")[1]


def size_of(*paths):
    files = (file for path in map(Path, paths)
             for file in (path.rglob("*") if path.is_dir() else [path]))
    return sum(file.stat().st_size for file in files if file.is_file())


def warm(path):
    """Into the page cache, for whoever is measured next."""
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass
