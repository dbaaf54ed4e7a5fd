"""What is in a copy of a repository, found out by the second reader of the format: which snapshots
are whole, what the others lack, and what rows there are."""

import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from program import DAMAGED, OK, ROOT, USAGE, Ferry

sys.path.insert(0, str(ROOT / "tools"))

import rfa_reader as rfa  # noqa: E402

MANIFEST = re.compile(r"([0-9]{10})-[0-9a-f]{32}\.rfm")


def manifest_names(repository):
    """Names of the manifests' files by number, whatever is in them."""
    folder = Path(repository) / "snapshots"
    found = [MANIFEST.fullmatch(path.name) for path in folder.glob("*")] if folder.is_dir() else []
    return {int(match[1]): match[0] for match in found if match}


def lacking(repository):
    """By number: the files that the snapshot needs and that are not here with all their bytes, as
    paths below the repository."""
    repository = Path(repository)
    found = {}
    for number, name in sorted(manifest_names(repository).items()):
        path = repository / "snapshots" / name
        try:
            manifest = rfa.load_manifest(repository, number, path)
        except (rfa.Damage, FileNotFoundError):
            found[number] = {f"snapshots/{name}"}
            continue
        needed = {}
        for table in manifest.tables:
            for archive in [*table.state, *([table.delta] if table.delta else [])]:
                needed[archive.name] = archive.size
        found[number] = {f"archives/{name}" for name, size in needed.items()
                         if not has(repository / "archives" / name, size)}
    return found


def has(path, size):
    return path.is_file() and path.stat().st_size == size


def rows_of(database, table):
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return sorted(db.execute(f"SELECT * FROM {table}").fetchall())


def rows_in(repository, snapshot, table):
    """The same from the archives."""
    _, rows, _ = rfa.read_state(repository, str(snapshot), table)
    return sorted(tuple(value_of(cell) for cell in row.cells) for row in rows)


def value_of(cell):
    return cell.value.decode() if cell.kind == rfa.TEXT else cell.value


def says_what_it_is(repository):
    try:
        return bool(rfa.read_repository(Path(repository)))
    except (rfa.Damage, FileNotFoundError):
        return False


def judge(repository):
    """Holds every command to what is really there; returns the number of the newest whole
    snapshot, None where there is none."""
    ferry = Ferry(repository)
    lack = lacking(repository)
    whole = max((number for number, files in lack.items() if not files), default=None)
    newest = max(lack, default=None)
    if not says_what_it_is(repository):
        for command in ("log", "show", "status", "verify"):
            result = ferry.command(command, expect=(USAGE, DAMAGED))
            if result.code == DAMAGED:
                assert "repository" in result.error["what"] and "copy" in result.error["hint"]
        return None
    if whole is None:
        result = ferry.command("show", expect=(USAGE, DAMAGED))
        assert result.code == USAGE or "in part" in result.error["what"], str(result)
        return None
    result = ferry.command("show", expect=OK)
    assert result.of_type("snapshot")[0]["snapshot"] == whole, str(result)
    told = result.summary.get("in_part")
    if newest == whole:
        assert told is None and not result.err, str(result)
    else:
        assert told["snapshot"] == newest and told["missing"] == len(lack[newest]), str(result)
        assert set(told["names"]) <= lack[newest] and told["names"], str(result)
        assert told["names"][0] in result.err and "copy" in result.err, str(result)
        refused = ferry.command("show", "-s", newest, expect=DAMAGED)
        assert told["names"][0] in refused.error["detail"], str(refused)
    cut = [number for number, files in lack.items() if number < whole
           and any(name.startswith("snapshots/") for name in files)]
    logged = ferry.command("log", expect=DAMAGED if cut else OK)
    assert [line["snapshot"] for line in logged.of_type("snapshot")] == \
        [number for number in lack if number <= whole and number not in cut], str(logged)
    assert ("warning" in logged.err) == (newest > whole), str(logged)
    judge_verify(ferry, lack)
    return whole


def judge_verify(ferry, lack):
    """It names every file that is missing, and nothing that is there."""
    missing = set().union(*lack.values())
    orphans = [number for number, files in lack.items() if number > 1 and number - 1 not in lack
               and not any(name.startswith("snapshots/") for name in files)]
    verified = ferry.verify_repository(expect=DAMAGED if missing or orphans else OK)
    named = {line["file"] for line in verified.of_type("damage")}
    assert missing <= named, f"{missing - named}\n{verified}"
    parents = {name for name in named - missing if name.startswith("snapshots/")}
    assert len(parents) == len(orphans), str(verified)
    assert not any((ferry.repository / name).exists() for name in parents), str(verified)
    for line in verified.of_type("damage"):  # rows that cannot be put together for want of a file
        if line["file"] not in missing | parents:
            assert any(name.split("/")[1] in line["message"] for name in missing), str(verified)
