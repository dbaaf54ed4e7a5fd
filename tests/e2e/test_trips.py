"""The main job: whatever a SQLite database holds and however it changes, the target holds the
same."""

import shutil
import subprocess

import pytest

import makedb
from compare import assert_same
from program import OK, published
from trips import travel


def assert_adds_up(captured, before):
    """Rows read = unchanged + inserted + updated + moved, and the last snapshot's rows + inserted
    - deleted are this one's; per table and in total."""
    lines = captured.of_type("table")
    for line in [*lines, captured.summary]:
        assert line["scanned"] == (line["unchanged"] + line["inserted"] + line["updated"]
                                   + line["moved"]), f"{line}"
    for line in lines:
        old = before.get(line["table"], 0)
        assert line["rows"] == old + line["inserted"] - line["deleted"], f"{line}, before: {old}"
    for count in ("scanned", "unchanged", "inserted", "updated", "deleted", "moved"):
        assert captured.summary[count] == sum(line[count] for line in lines), count
    return {line["table"]: line["rows"] for line in lines}


@pytest.mark.parametrize("misfits", [False, True], ids=["clean", "misfits"])
@pytest.mark.parametrize("seed", range(3))
def test_trip_after_trip(ferry, scratch, seed, misfits):
    database = scratch / "source.db"
    makedb.build(database, seed, misfits)
    captured, replayed = travel(ferry, database)
    rows = assert_adds_up(captured, {})
    assert captured.summary["snapshot"] == 1 and replayed.summary["mode"] == "load"
    for day in range(5):
        makedb.edit(database, f"{seed} {day}", misfits)
        captured, replayed = travel(ferry, database)
        rows = assert_adds_up(captured, rows)
        assert replayed.summary["to"] == captured.summary["snapshot"]
    if not misfits:
        assert replayed.summary["set_aside_total"] == 0


def test_only_what_changed_is_carried(ferry, scratch):
    """One row of each kind of change in 900: that is what the numbers have to say, on both
    sides."""
    database = scratch / "source.db"
    makedb.build(database, 1, only=["no_key", "affinities", "without"])
    travel(ferry, database)
    db = makedb.connect(database)
    db.execute("INSERT INTO affinities (id, i2) VALUES (9001, 1)")
    db.execute("UPDATE affinities SET t = 'changed' WHERE id = 2")
    db.execute("DELETE FROM affinities WHERE id = 3")
    db.execute("DELETE FROM no_key WHERE rowid = 5")
    db.execute("UPDATE without SET v = -77 WHERE k = (SELECT max(k) FROM without)")
    db.close()
    captured, replayed = travel(ferry, database)
    counts = ("inserted", "updated", "deleted")
    for result in (captured, replayed):
        tables = result.tables()
        assert [tables["affinities"][c] for c in counts] == [1, 1, 1], str(result)
        assert [tables["no_key"][c] for c in counts] == [0, 0, 1], str(result)
        assert [tables["without"][c] for c in counts] == [0, 1, 0], str(result)
    assert captured.summary["bytes"] < 4000


def test_unchanged(ferry, scratch):
    database = scratch / "source.db"
    makedb.build(database, 2)
    travel(ferry, database)
    before = published(ferry.repository)
    again = ferry.capture(database)
    assert again.summary["published"] is False and again.summary["snapshot"] == 1
    assert again.summary["unchanged"] == again.summary["scanned"] > 0
    assert published(ferry.repository) == before, "an unchanged capture wrote history"
    replayed = ferry.replay()
    assert replayed.summary["mode"] == "none"
    assert not any(replayed.summary[count] for count in ("inserted", "updated", "deleted"))


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("how", ["vacuum", "reload"])
def test_vacuum_and_reload_cost_nothing(ferry, scratch, how, seed):
    """Hidden rowids are given anew, and yet no row is carried."""
    database = scratch / "source.db"
    makedb.build(database, seed)
    for day in range(3):  # leaves gaps between the rowids
        makedb.edit(database, f"{seed} {day}", share=1)
    travel(ferry, database)
    if how == "vacuum":
        makedb.connect(database).execute("VACUUM")
    else:
        makedb.reload(database)
    captured, replayed = travel(ferry, database)
    for count in ("inserted", "updated", "deleted"):
        assert captured.summary[count] == 0, str(captured)
        assert replayed.summary[count] == 0, str(replayed)
    assert captured.summary["bytes"] < 20000, "a delta of moved rows is nearly empty"
    makedb.edit(database, f"{seed} after", share=1)
    travel(ferry, database)


def test_sqlite_dump_and_reload(ferry, scratch):
    """The same with the shell's own .dump, on rows that it can carry (reals it rounds)."""
    database = scratch / "source.db"
    only = ["no_key", "text_key", "parent", "child", "int_key", "lonely"]
    makedb.build(database, 5, only=only)
    makedb.edit(database, 5, only=only, share=1)
    travel(ferry, database)
    fresh = scratch / "fresh.db"
    dump = subprocess.run(["sqlite3", database, ".dump"], capture_output=True, check=True).stdout
    subprocess.run(["sqlite3", fresh], input=dump, check=True)
    fresh.replace(database)
    for end in ("-wal", "-shm"):
        (scratch / f"source.db{end}").unlink(missing_ok=True)
    captured, replayed = travel(ferry, database)
    for count in ("inserted", "updated", "deleted"):
        assert captured.summary[count] == replayed.summary[count] == 0, str(captured)


def test_a_target_that_is_behind(ferry, scratch, server):
    """One that stands at snapshot 3 gets 4, 5 and 6; one that has none gets the newest at once."""
    database = scratch / "source.db"
    makedb.build(database, 6)
    ferry.capture(database)
    for day in range(5):
        if day == 2:
            assert ferry.replay().summary["to"] == 3
        makedb.edit(database, f"6 {day}")
        ferry.capture(database)
    newest = ferry.newest()
    assert newest == 6
    status = ferry.status()
    assert status.of_type("target")[0]["snapshot"] == 3
    assert status.of_type("target")[0]["behind"] == 3
    caught_up = ferry.replay().summary
    assert (caught_up["mode"], caught_up["from"], caught_up["to"]) == ("delta", 3, 6)
    assert_same(database, ferry.target)
    assert ferry.status().of_type("target")[0]["behind"] == 0

    ferry.target = server.create()
    fresh = ferry.replay().summary
    assert (fresh["mode"], fresh["from"], fresh["to"]) == ("load", None, 6)
    assert_same(database, ferry.target)
    ferry.verify()
    ferry.target.drop()


def test_every_snapshot_can_still_be_reached(ferry, scratch, server):
    """An older snapshot is what it was, read from the chain and not from the source."""
    database = scratch / "source.db"
    makedb.build(database, 7)
    for day in range(4):
        ferry.capture(database)
        shutil.copy(database, scratch / f"{day + 1}.db")
        wal = scratch / "source.db-wal"
        if wal.exists():
            shutil.copy(wal, scratch / f"{day + 1}.db-wal")
        makedb.edit(database, f"7 {day}", share=0.8)
    database.unlink()
    for number in (4, 2, 1, 3):
        ferry.target = server.create()
        assert ferry.replay("-s", number).summary["to"] == number
        assert_same(scratch / f"{number}.db", ferry.target)
        ferry.verify()
        ferry.target.drop()


def test_step_by_step_forward(ferry, scratch):
    database = scratch / "source.db"
    makedb.build(database, 8)
    for day in range(3):
        ferry.capture(database)
        shutil.copy(database, scratch / f"{day + 1}.db")
        if (scratch / "source.db-wal").exists():
            shutil.copy(scratch / "source.db-wal", scratch / f"{day + 1}.db-wal")
        makedb.edit(database, f"8 {day}")
    for number in (1, 2, 3):
        assert ferry.replay("-s", number).summary["to"] == number
        assert_same(scratch / f"{number}.db", ferry.target)


def test_sync_is_capture_and_replay(ferry, scratch):
    database = scratch / "source.db"
    makedb.build(database, 9)
    for day in range(2):
        synced = ferry.command("sync", database, target=True, expect=OK)
        assert synced.summary["capture"]["snapshot"] == synced.summary["replay"]["to"] == day + 1
        commands = {line["command"] for line in synced.of_type("table")}
        assert commands == {"capture", "replay"}
        assert_same(database, ferry.target)
        makedb.edit(database, f"9 {day}", share=0.9)


def test_another_schema(ferry, scratch):
    """Two schemas of one database, each with its own ledger entry."""
    database = scratch / "source.db"
    only = ["affinities", "untyped", "no_key", "without"]
    makedb.build(database, 10, misfits=True, only=only)
    ferry.capture(database)
    odd = 'sch "ema'
    ferry.options = ["--schema", odd]
    ferry.replay()
    assert_same(database, ferry.target, odd)
    assert ferry.target.tables("public") == []
    makedb.edit(database, 10, misfits=True, only=only, share=1)
    ferry.capture(database)
    ferry.options = []
    ferry.replay()
    assert_same(database, ferry.target, "public")
    ferry.options = ["--schema", odd]
    ferry.replay()
    assert_same(database, ferry.target, odd)
    ferry.verify()


def test_the_repository_may_move(ferry, scratch):
    """Archives are carried to another host without the local index; the chain goes on there."""
    database = scratch / "source.db"
    makedb.build(database, 11)
    travel(ferry, database)
    elsewhere = scratch / "elsewhere"
    shutil.copytree(ferry.repository, elsewhere)
    shutil.rmtree(elsewhere / "index", ignore_errors=True)
    shutil.rmtree(ferry.repository)
    ferry.repository = elsewhere
    makedb.edit(database, 11, share=1)
    captured, replayed = travel(ferry, database)
    assert captured.summary["snapshot"] == 2 and replayed.summary["mode"] == "delta"


def test_a_broken_index_costs_only_time(ferry, scratch):
    database = scratch / "source.db"
    makedb.build(database, 12)
    travel(ferry, database)
    makedb.edit(database, 12, share=1)
    for number, path in enumerate(sorted((ferry.repository / "index").iterdir())):
        data = bytearray(path.read_bytes())
        if number % 3 == 0:
            data[len(data) // 2] ^= 0x40
            path.write_bytes(data)
        elif number % 3 == 1:
            path.write_bytes(data[:len(data) // 2])
        else:
            path.unlink()
    travel(ferry, database)
