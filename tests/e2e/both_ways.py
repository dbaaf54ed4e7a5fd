"""One database captured twice: from the pages of its file, and through SQLite."""

import os
import sys

from program import ROOT, Ferry

sys.path.insert(0, str(ROOT / "tools"))

import rfa_reader as rfa  # noqa: E402


def newest(repository):
    _, path = rfa.find_manifest(repository, "latest")
    return rfa.Manifest(path.read_bytes(), str(path))


def told(table):
    """All that a manifest says of a table, but for the names of archives, which are a repository's
    own."""
    description = table.json()
    for archives in ("delta", "state"):
        description.pop(archives)
    return description


class Both:
    """Two repositories of one database."""

    def __init__(self, folder):
        self.pages = Ferry(folder / "pages")
        self.sqlite = Ferry(folder / "sqlite")

    def capture(self, database, *options, rows=True):
        """Captures both ways and compares; the names of the tables that pages were not read of."""
        by_pages = self.pages.capture(database, "--same-source", "-v", *options)
        by_sqlite = self.sqlite.capture(database, "--same-source", "--through-sqlite", "-v",
                                        *options)
        assert "through SQLite" not in by_sqlite.err, "told, though it was asked for"
        one, other = newest(self.pages.repository), newest(self.sqlite.repository)
        assert one.snapshot == other.snapshot
        assert list(map(told, one.tables)) == list(map(told, other.tables))
        assert one.objects == other.objects and one.sequences == other.sequences
        for table in one.tables if rows else ():
            name = os.fsdecode(table.description.name)
            found = [rfa.read_state(ferry.repository, "latest", name)[1]
                     for ferry in (self.pages, self.sqlite)]
            assert found[0] == found[1], name
        return [line for line in by_pages.err.splitlines() if "through SQLite" in line]
