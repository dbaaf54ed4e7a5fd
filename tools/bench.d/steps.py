"""The steps that are measured, rowferry's and the others', on one pair of generated databases.

A step begins where an earlier one ended (the delta replay needs what first replay and capture
left), so they run in one order. The rounds of a step are interleaved, one of each contestant after
the other: a machine that gets slower meanwhile does so for all of them."""

import os
import shutil
import subprocess
import sys

import peers
from history import History
from measure import Contestant, Failed, size_of, warm

OURS = "rowferry"


# The steps in their order, each with those that leave behind what it begins from.
STEPS = {
    "capture": (),
    "capture_untouched": ("capture",),
    "capture_nothing_new": ("capture",),
    "capture_changes": ("capture",),
    "verify_repository": ("capture_changes",),
    "travel": ("capture_changes",),
    "restore": ("capture",),
    "first_replay": ("capture",),
    "both_halves": (),
    "delta_replay": ("capture_changes", "first_replay"),
    "verify": ("delta_replay",),
    "delta_sync": ("capture", "first_replay"),
    "long_chain": (),
}
AFTER_ALL = {"many_tables"}
# Of those that are only needed by another step, one round of ours, and of who is needed too.
NEEDED = {OURS, "-csv | \\copy, CREATE INDEX"}


def with_needs(wanted):
    """The wanted steps and all that they begin from."""
    found = set(wanted)
    for step in reversed(STEPS):
        if step in found:
            found |= set(STEPS[step])
    return found


class Bench(History):
    """`report` is called with the results of every step, ours first, as soon as they are there."""

    def __init__(self, root, options, scale, server, report, alone=False):
        self.options, self.scale, self.server, self.report = options, scale, server, report
        self.alone = alone  # without the others
        self.generate_script = root / "tools" / "bench.d" / "generate.py"
        self.folder = options.folder / f"{scale:g}"
        self.work = self.folder / "work"
        self.first, self.second = self.folder / "first.db", self.folder / "second.db"
        self.repository, self.grown = self.work / "first.repo", self.work / "second.repo"
        self.steps, self.failures, self.archives_bytes = [], [], 0
        self.counts = True  # the step at hand is one that was asked for

    def make_data(self):
        """In a process of its own: what this one has in memory would be counted to its children."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.second.exists():
            print(f"making the database of scale {self.scale:g} …", flush=True)
            self.generate(self.first, self.second, self.scale)

    def generate(self, *args):
        subprocess.run([sys.executable, "-B", self.generate_script, *map(str, args)], check=True)

    def measure(self, step, *contestants):
        """As many rounds as asked for. One that fails is told of, and is out."""
        racing = [c for c in contestants if c and (c.who == OURS or not self.alone)]
        if not self.counts:
            racing = [c for c in racing if c.who in NEEDED]
        for _ in range(self.options.repeat if self.counts else 1):
            for contestant in list(racing):
                try:
                    contestant.round(self.work / "log", settled=not self.options.fast)
                except (Failed, subprocess.CalledProcessError) as why:
                    racing.remove(contestant)
                    self.failures.append(f"{step}, {contestant.who}: {why}")
        if self.counts:
            results = [contestant.result(step) for contestant in racing]
            self.steps += results
            self.report(step, results, self.failures)

    def installed(self, program):
        return (program not in self.options.without) and shutil.which(program)

    def optional(self, program, *args):
        return Contestant(*args) if self.installed(program) else None

    def rowferry(self, *args):
        return [self.options.program, *args]

    def capture_into(self, repository, source):
        return self.rowferry("capture", "-q", "-r", repository, source)

    # What is so before a round

    def database(self, name, template="template0"):
        """A new database, and where its size and the write-ahead log stand."""
        def prepare():
            self.server.create(name, template)
            return self.server.size(name), self.server.position()
        return prepare

    def grown_bytes(self, name):
        return lambda before: (max(0, self.server.size(name) - before[0])
                               + self.server.position() - before[1])

    def copied(self, repository, copy, source):
        """A repository as the first capture of something like `source` left it; and its size."""
        def prepare():
            if not repository.exists():
                raise Failed("there is no repository of the first capture")
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(repository, copy)
            warm(source)
            return size_of(copy)
        return prepare

    def as_captured(self, source):
        return self.copied(self.repository, self.grown, source)

    def anew(self, path, database=None):
        """No repository there, and an empty database where one is wanted."""
        def prepare():
            shutil.rmtree(path, ignore_errors=True)
            warm(self.first)
            return self.database(database)() if database else None
        return prepare

    # The steps

    def run_all(self):
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        wanted = self.options.only or [step for step in STEPS if self.alone_too(step)]
        performed = with_needs(wanted)
        for step in STEPS:
            if step in performed:
                self.counts = step in wanted
                getattr(self, step)()
        self.counts = True

    def alone_too(self, step):
        """Growth is that of the way to PostgreSQL; there the other steps would take hours."""
        return not self.alone or not hasattr(History, step)

    def capture(self):
        dump, packed = self.work / "dump.zst", self.work / "file.zst"

        def warmed():
            warm(self.first)

        self.measure(
            "capture",
            Contestant(OURS, self.capture_into(self.repository, self.first),
                       self.anew(self.repository), lambda _: size_of(self.repository)),
            Contestant(".dump | zstd -3",
                       f"sqlite3 '{self.first}' .dump | zstd -q -3 -f -o '{dump}'", warmed,
                       lambda _: size_of(dump)),
            Contestant("zstd -3 of the file", ["zstd", "-q", "-3", "-f", self.first, "-o", packed],
                       warmed, lambda _: size_of(packed)))
        self.archives_bytes = size_of(self.repository / "archives")
        dump.unlink(missing_ok=True)
        packed.unlink(missing_ok=True)

    def capture_untouched(self):
        self.measure("capture, file untouched",
                     Contestant(OURS, self.capture_into(self.repository, self.first)))

    def capture_nothing_new(self):
        """A transaction has moved the file's change counter, and no row."""
        kept, replica = self.work / "kept.db", self.work / "replica.db"
        shutil.copy(self.first, kept)
        change_no_row(kept, "reading", "flags")
        if self.installed("sqlite3_rsync"):
            shutil.copy(self.first, replica)
        self.measure(
            "capture, nothing new",
            Contestant(OURS, self.capture_into(self.grown, kept), self.as_captured(kept),
                       self.repository_growth),
            self.optional("sqlite3_rsync", "sqlite3_rsync", ["sqlite3_rsync", kept, replica],
                          lambda: warm(replica)),
            self.optional("xxhsum", "XXH3 of the file", ["xxhsum", "-H3", kept],
                          lambda: warm(kept)),
            self.sqldiff(kept))
        kept.unlink()
        replica.unlink(missing_ok=True)

    def capture_changes(self):
        replica = self.work / "replica.db"

        def restored():
            shutil.copy(self.first, replica)
            warm(self.second)

        self.measure(
            "capture, 1 % changed",
            Contestant(OURS, self.capture_into(self.grown, self.second),
                       self.as_captured(self.second), self.repository_growth),
            self.optional("sqlite3_rsync", "sqlite3_rsync",
                          ["sqlite3_rsync", self.second, replica], restored),
            self.sqldiff(self.second))
        replica.unlink(missing_ok=True)

    def repository_growth(self, before):
        return max(0, size_of(self.grown) - before)

    def sqldiff(self, source):
        out = self.work / "diff.sql"

        def warmed():
            warm(self.first)
            warm(source)

        return self.optional("sqldiff", "sqldiff",
                             f"sqldiff --primarykey '{self.first}' '{source}' >'{out}'", warmed,
                             lambda _: size_of(out))

    def first_replay(self):
        server, ready = self.server, self.work / "ready"

        def ready_files():
            """Made of what the contestant before has loaded."""
            if not ready.exists():
                ready.mkdir()
                peers.write_ready_made(server.conninfo("copied"), ready)
            return self.database("prepared")()

        self.measure(
            "first replay",
            Contestant(OURS, self.rowferry("replay", "-q", "-r", self.repository, "-d",
                                           server.conninfo("ferried")),
                       self.database("ferried"), self.grown_bytes("ferried")),
            Contestant("-csv | \\copy, CREATE INDEX",
                       peers.copy_script(self.first, server.conninfo("copied")),
                       self.database("copied"), self.grown_bytes("copied")),
            Contestant("ready-made binary files", peers.ready_made_script(
                           ready, server.conninfo("prepared")),
                       ready_files, self.grown_bytes("prepared")),
            self.optional("pgloader", "pgloader",
                          peers.pgloader(self.first, server.pgloader_uri("loaded"), self.work),
                          self.database("loaded"), self.grown_bytes("loaded")))
        for name in ("loaded", "prepared"):
            server.drop(name)
        shutil.rmtree(ready, ignore_errors=True)

    def both_halves(self):
        """Capture and first replay, one command after the other, and as `sync`."""
        repository, conninfo = self.work / "shipped.repo", self.server.conninfo("shipped")
        quoted = f"-q -r '{repository}'"

        def contestant(command):
            return Contestant(OURS, command, self.anew(repository, "shipped"),
                              self.grown_bytes("shipped"))

        one_by_one = (f"'{self.options.program}' capture {quoted} '{self.first}'; "
                      f"'{self.options.program}' replay {quoted} -d '{conninfo}'")
        together = self.rowferry("sync", "-q", "-r", repository, "-d", conninfo, self.first)
        self.measure("capture, then first replay", contestant(one_by_one))
        self.measure("sync, first", contestant(together))
        self.server.drop("shipped")
        shutil.rmtree(repository, ignore_errors=True)

    def delta_replay(self):
        server, changes = self.server, self.work / "changes"
        merge = None
        server.settle("ferried")
        if not self.alone:
            server.settle("copied")
            changes.mkdir()
            peers.write_changes(self.first, self.second, changes)
            merge = Contestant("staged merge by hand",
                               peers.merge_script(changes, server.conninfo("copied2")),
                               self.database("copied2", "copied"), self.grown_bytes("copied2"))
        self.measure(
            "delta replay",
            Contestant(OURS, self.rowferry("replay", "-q", "-r", self.grown, "-d",
                                           server.conninfo("ferried2")),
                       self.database("ferried2", "ferried"), self.grown_bytes("ferried2")), merge)
        for name in ("copied", "copied2"):
            server.drop(name)

    def verify(self):
        """Of a database as it looks some time after the rows came, for either side."""
        conninfo = self.server.conninfo("ferried2")
        self.server.settle("ferried2")
        self.measure("verify with target",
                     Contestant(OURS, self.rowferry("verify", "-q", "-r", self.grown, "-d",
                                                    conninfo)),
                     Contestant("pg_dump", ["pg_dump", "--data-only", "-n", "public", "-d",
                                            conninfo, "-f", os.devnull]))
        self.server.drop("ferried2")

    def delta_sync(self):
        """From the changed file to the target, end to end."""
        before, repository = self.as_captured(self.second), self.grown
        fresh = self.database("ferried3", "ferried")

        def prepare():
            before()
            return fresh()

        conninfo = self.server.conninfo("ferried3")
        self.measure("sync, 1 % changed",
                     Contestant(OURS, self.rowferry("sync", "-q", "-r", repository, "-d", conninfo,
                                                    self.second),
                                prepare, self.grown_bytes("ferried3")))
        self.server.drop("ferried")
        self.server.drop("ferried3")

    def many_tables(self, count):
        """Tables of ten rows each: what a table costs, rather than a row."""
        first, kept = self.work / "tables.db", self.work / "tables-kept.db"
        repository, copy = self.work / "tables.repo", self.work / "tables-kept.repo"
        self.generate("--tables", first, count)
        shutil.copy(first, kept)
        change_no_row(kept, "t1", "amount")
        self.measure("many tables, capture",
                     Contestant(OURS, self.capture_into(repository, first), self.anew(repository),
                                lambda _: size_of(repository)))
        self.measure("many tables, nothing new",
                     Contestant(OURS, self.capture_into(copy, kept),
                                self.copied(repository, copy, kept),
                                lambda before: max(0, size_of(copy) - before)))
        self.measure("many tables, replay",
                     Contestant(OURS, self.rowferry("replay", "-q", "-r", repository, "-d",
                                                    self.server.conninfo("many")),
                                self.database("many"), self.grown_bytes("many")))
        self.server.drop("many")

    def clean_up(self):
        shutil.rmtree(self.work, ignore_errors=True)


def change_no_row(path, table, column):
    """A transaction that leaves every row as it is still moves the file's change counter."""
    subprocess.run(["sqlite3", path, f"UPDATE {table} SET {column} = {column} WHERE id = 1"],
                   check=True)
