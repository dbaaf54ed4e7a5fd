"""The steps of repositories as such: proven, carried to another host, turned back into a database,
and replayed from a long chain. Parts of steps.Bench, which has what they begin from."""

import shutil
import subprocess

import peers
from measure import Contestant, Failed, size_of, warm

OURS = "rowferry"
DELTAS = 100


class History:
    def verify_repository(self):
        """The repository that has a first capture and one of changes; zstd has the same frames, of
        all blocks, one behind the other in a file."""
        frames = self.work / "frames.zst"

        def warmed():
            self.warm_archives()
            if not frames.exists():
                peers.write_frames(self.grown / "archives", frames)

        self.measure("verify repository",
                     Contestant(OURS, self.rowferry("verify", "-q", "-r", self.grown), warmed),
                     Contestant("zstd -t", ["zstd", "-t", "-q", frames], warmed))
        frames.unlink(missing_ok=True)

    def warm_archives(self):
        if not (self.grown / "archives").exists():
            raise Failed("there is no repository of the second capture")
        for archive in (self.grown / "archives").iterdir():
            warm(archive)

    def travel(self):
        """Through a pipe into files that are on the disk in the end, for either side."""
        there, copy = self.work / "there.repo", self.work / "copy"
        program = self.options.program

        def remove():
            shutil.rmtree(there, ignore_errors=True)
            copy.unlink(missing_ok=True)

        def prepare():
            remove()
            self.warm_archives()

        self.measure(
            "export, import",
            Contestant(OURS, f"'{program}' export -q -r '{self.grown}' | "
                             f"'{program}' import -q -r '{there}' -",
                       prepare, lambda _: size_of(there)),
            self.optional("xxhsum", "cat, xxhsum",
                          f"cat '{self.grown}'/archives/*.rfa | tee >(xxhsum -H2 - >/dev/null) | "
                          f"cat >'{copy}'; sync '{copy}'", prepare, lambda _: size_of(copy)))
        remove()

    def restore(self):
        restored, dump = self.work / "restored.db", self.work / "dump.sql"

        def prepare():
            restored.unlink(missing_ok=True)
            if not self.alone and not dump.exists():
                with open(dump, "w") as out:
                    subprocess.run(["sqlite3", self.first, ".dump"], stdout=out, check=True)
                warm(dump)

        self.measure("restore",
                     Contestant(OURS, self.rowferry("restore", "-q", "-r", self.repository, "-o",
                                                    restored),
                                prepare, lambda _: size_of(restored)),
                     Contestant("sqlite3 < dump.sql", f"sqlite3 '{restored}' <'{dump}'", prepare,
                                lambda _: size_of(restored)))
        for path in (restored, dump):
            path.unlink(missing_ok=True)

    def long_chain(self):
        """A first capture and 100 small changes, and one capture of what came of them: replayed
        into empty databases, both."""
        chain, whole = self.work / "chain.repo", self.work / "whole.repo"
        try:
            self.make_chain(chain, whole)
        except subprocess.CalledProcessError as why:
            self.failures.append(f"replay, chain of {DELTAS} deltas, {OURS}: {why}")
            return

        def replay(who, repository):
            return Contestant(who, self.rowferry("replay", "-q", "-r", repository, "-d",
                                                 self.server.conninfo("chained")),
                              self.database("chained"), self.grown_bytes("chained"))

        self.measure(f"replay, chain of {DELTAS} deltas", replay(OURS, chain),
                     replay("one full snapshot", whole))
        self.server.drop("chained")
        shutil.rmtree(chain)
        shutil.rmtree(whole)

    def make_chain(self, chain, whole):
        source = self.work / "chain.db"
        shutil.copy(self.first, source)
        subprocess.run(self.capture_into(chain, source), check=True)
        for number in range(DELTAS):
            peers.change_some(source, number)
            subprocess.run(self.capture_into(chain, source), check=True)
        subprocess.run(self.capture_into(whole, source), check=True)
        source.unlink()
