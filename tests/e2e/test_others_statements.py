"""CREATE statements in databases that others made, read for what SQLite's pragmas tell too."""

import sqlite3

import pytest

from expressions import tool
from program import OTHERS


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.name)
def test_statements_of_others(path):
    lite = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    lite.text_factory = lambda data: data.decode(errors="replace")
    entries = lite.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql NOT NULL")
    for kind, name, sql in entries.fetchall():
        if kind == "table" and not sql.upper().startswith("CREATE VIRTUAL"):
            found = tool([["create_table", sql]])
            wanted = lite.execute("SELECT name, coalesce(dflt_value, '') FROM pragma_table_xinfo(?)", [name])
            assert [tuple(line[1:3]) for line in found if line[0] == "column"] == wanted.fetchall(), sql
        elif kind == "index":
            found = tool([["create_index", sql]])
            wanted = lite.execute('SELECT "desc" FROM pragma_index_xinfo(?) WHERE key', [name])
            assert [line[2] for line in found if line[0] == "part"] == [str(desc) for desc, in wanted], sql
