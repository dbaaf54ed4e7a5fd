"""The command line as scripts rely on it: streams, exit codes, JSON lines, where settings come
from."""

import re
import shutil
import subprocess

import pytest

import makedb
from compare import assert_same
from program import OK, PROGRAM, SET_ASIDE, USAGE, environment, published, run

COMMANDS = ["capture", "replay", "sync", "verify", "check", "log", "show", "diff", "restore", "status",
            "profiles"]
ONLY = ["affinities", "no_key", "without"]


@pytest.fixture
def source(scratch):
    """With an index that PostgreSQL has no equal of."""
    makedb.build(scratch / "source.db", 81, only=ONLY)
    db = makedb.connect(scratch / "source.db")
    db.execute("CREATE INDEX affinities_lost ON affinities (printf('%d', i))")
    db.close()
    return scratch / "source.db"


def test_help_and_version():
    for args in (["--help"], *([c, "--help"] for c in COMMANDS)):
        result = run(*args)
        assert result.code == OK and not result.err, str(result)
        assert "rowferry" in result.out
        assert max(map(len, result.out.splitlines())) <= 100
    overview = run("--help").out
    assert all(command in overview for command in COMMANDS)
    assert re.fullmatch(r"rowferry \d+\.\d+\S*", run("--version").out.strip())


def test_every_option_of_the_contract_is_in_the_help():
    for command, options in {
        "capture": ["--repo", "--config", "--table", "--exclude-table", "--jobs", "--json",
                    "--progress", "--dry-run"],
        "replay": ["--repo", "--target", "--schema", "--snapshot", "--to", "--jobs", "--json",
                   "--dry-run",
                   "--table", "--exclude-table", "--fold-names", "--existing", "--atomic",
                   "--on-mismatch", "--bad-text", "--remake"],
        "check": ["--target", "--json", "--config", "--sql", "--example-config"],
        "verify": ["--repo", "--target", "--schema", "--snapshot"],
        "restore": ["--repo", "--snapshot", "--output", "--force", "--verify", "--json"],
    }.items():
        text = run(command, "--help").out
        for option in options:
            assert option in text, f"{command} --help does not tell of {option}"


@pytest.mark.parametrize("line", [
    "", "frobnicate", "--nonsense", "capture", "capture --nonsense x.db", "capture -r",
    "replay", "capture -r R", "capture -r R a.db b.db", "capture -r R --progress loud x.db",
    "capture -r R -c /nonexistent.yaml x.db", "replay -r R surplus", "replay -r R -j none",
    "replay -r R -j 0", "replay -r R -j -1",
])
def test_wrong_usage(line, scratch):
    result = run(*line.split(), cwd=scratch)
    assert result.code == USAGE, str(result)
    assert result.out == "" and result.err.startswith("error: "), str(result)
    assert not list(scratch.iterdir()), "a command that was not understood made something"


def test_a_capture_without_a_repository_keeps_one_beside_the_database(scratch):
    makedb.sqlite(scratch / "x.db", "CREATE TABLE t (v); INSERT INTO t VALUES (1)")
    assert run("capture", "x.db", cwd=scratch).code == OK
    assert sorted(path.name for path in scratch.iterdir()) == ["x.db", "x.db.rowferry"]
    assert "source  " in run("show", "-r", "x.db.rowferry", cwd=scratch).out
    assert "DATABASE.rowferry" in run("replay", cwd=scratch).err


def test_wrong_usage_in_json(scratch):
    result = run("capture", "--json", "-r", scratch / "repo", "--nonsense", "x.db")
    assert result.code == USAGE and "nonsense" in str(result.error), str(result)


def test_no_snapshot_of_that_name(ferry, source):
    ferry.capture(source)
    for name in ("7", "0", "-1", "ffffffffffff", "yesterday", ""):
        for command in ("replay", "show"):
            ferry.command(command, "-s", name, target=command == "replay", expect=USAGE)


def test_snapshots_by_digest(ferry, source):
    digest = ferry.capture(source).summary["digest"]
    makedb.edit(source, 81, only=ONLY, share=1)
    ferry.capture(source)
    assert re.fullmatch(r"[0-9a-f]{32}", digest)
    assert ferry.replay("-s", digest[:8]).summary["to"] == 1
    assert ferry.replay("-s", "latest").summary["to"] == 2
    for name in (digest, digest[:6], "1"):
        assert ferry.command("show", "-s", name, expect=OK).of_type("snapshot")[0]["snapshot"] == 1


def test_lines_of_capture_and_replay(ferry, source):
    captured, replayed = ferry.capture(source), ferry.replay()
    assert set(captured.tables()) == set(replayed.tables()) == set(ONLY)
    for line in captured.of_type("table"):
        assert {"command", "table", "scanned", "unchanged", "inserted", "updated", "deleted",
                "moved", "rows", "bytes", "seconds"} <= set(line)
    assert {"source", "snapshot", "digest", "published", "tables", "scanned", "bytes", "seconds"} \
        <= set(captured.summary)
    assert captured.summary["published"] is True and captured.summary["tables"] == 3
    for line in replayed.of_type("table"):
        assert {"command", "table", "inserted", "updated", "deleted", "set_aside"} <= set(line)
        assert line["inserted"] == captured.tables()[line["table"]]["rows"]
    assert {"from", "to", "mode", "set_aside_total", "inserted", "updated", "deleted"} \
        <= set(replayed.summary)
    written = sum(len(data) for name, data in published(ferry.repository).items()
                  if name.endswith(".rfa"))
    assert sum(line["bytes"] for line in captured.of_type("table")) == written


def test_lines_of_log_show_and_status(ferry, source):
    ferry.capture(source)
    makedb.edit(source, 82, only=ONLY, share=1)
    second = ferry.capture(source).summary
    log = ferry.command("log", expect=OK).of_type("snapshot")
    assert sorted(line["snapshot"] for line in log) == [1, 2]
    first, last = sorted(log, key=lambda line: line["snapshot"])
    assert first["parent"] is None and last["parent"] == 1
    assert last["digest"] == second["digest"]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", last["time"]) and last["time"].endswith("Z")
    for count in ("inserted", "updated", "deleted", "moved"):
        assert last[count] == second[count]
    shown = ferry.command("show", expect=OK)
    tables = shown.tables()
    assert set(tables) == set(ONLY)
    rows = {line["table"]: line["rows"] for line in ferry.capture(source).of_type("table")}
    for name, line in tables.items():
        assert line["rows"] == rows[name] and line["archives"] and line["columns"]
        for archive in line["archives"]:
            assert archive["kind"] in ("full", "delta") and archive["bytes"] > 0
    assert [c["name"] for c in tables["no_key"]["columns"]] == ["a", "b", "c"]
    status = ferry.status()
    assert status.of_type("repository")
    target = status.of_type("target")[0]
    assert (target["schema"], target["snapshot"], target["state"]) == ("public", None, "none")
    ferry.replay()
    target = ferry.status().of_type("target")[0]
    assert (target["snapshot"], target["state"], target["behind"]) == (2, "ready", 0)


def test_words_for_people(ferry, source):
    """Without --json: one small table, and a line with number, digest, bytes and seconds."""
    captured = run("capture", "-r", ferry.repository, source)
    assert captured.code == OK and captured.err == "", str(captured)
    for word in (*ONLY, "scanned", "unchanged", "inserted", "updated", "deleted", "moved", "total"):
        assert word in captured.out, f"{word} is missing\n{captured}"
    assert re.search(r"\b[0-9a-f]{12}\b", captured.out), str(captured)
    replayed = run("replay", "-r", ferry.repository, "-d", ferry.target.conninfo)
    assert replayed.code == OK, str(replayed)
    # The server of the tests trades durability for speed, and is told so.
    warned = [line for line in replayed.err.splitlines()
              if not line.startswith(("warning: fsync: ", "warning: full_page_writes: "))]
    assert [line.split(" ")[:5] for line in warned] == [
        ["warning:", "table", "affinities:", "index", "affinities_lost"]], \
        "what the target lacks, and only that, is told"
    for word in (*ONLY, "inserted", "updated", "deleted"):
        assert word in replayed.out
    for command in ("log", "show", "status", "verify"):
        result = run(command, "-r", ferry.repository)
        assert result.code == OK and result.out and not result.err, str(result)
    unchanged = run("capture", "-r", ferry.repository, source)
    assert unchanged.code == OK and "unchanged" in unchanged.out


def test_quiet_and_verbose(ferry, source):
    assert run("capture", "-q", "-r", ferry.repository, source).out == ""
    makedb.edit(source, 83, only=ONLY, share=1)
    assert run("capture", "-v", "-r", ferry.repository, source).code == OK
    replayed = run("replay", "-q", "-r", ferry.repository, "-d", ferry.target.conninfo)
    assert replayed.out == "" and replayed.err == "", str(replayed)


def test_progress_goes_to_standard_error_only(ferry, source):
    always = run("capture", "--progress", "always", "--json", "-r", ferry.repository, source)
    assert always.code == OK  # and what was printed is JSON lines, which run() has checked
    quiet = run("replay", "--progress", "never", "-r", ferry.repository, "-d",
                ferry.target.conninfo)
    assert all(line.startswith("warning: ") for line in quiet.err.splitlines()), str(quiet)
    assert "\r" not in run("log", "-r", ferry.repository).out


def test_dry_runs_write_nothing(ferry, source):
    dry = ferry.capture(source, "-n")
    assert dry.summary["published"] is False and dry.summary["inserted"] > 0
    assert not [name for name in published(ferry.repository) if name.endswith((".rfa", ".rfm"))]
    ferry.capture(source)
    assert ferry.replay("-n").summary["inserted"] > 0
    assert ferry.target.tables() == []
    ferry.replay()
    makedb.edit(source, 84, only=ONLY, share=1)
    before = published(ferry.repository)
    dry = ferry.capture(source, "-n")
    assert published(ferry.repository) == before
    real = ferry.capture(source)
    for count in ("scanned", "unchanged", "inserted", "updated", "deleted", "moved"):
        assert dry.summary[count] == real.summary[count], count
    dry = ferry.replay("-n")
    assert ferry.status().of_type("target")[0]["snapshot"] == 1
    real = ferry.replay()
    for count in ("from", "to", "inserted", "updated", "deleted"):
        assert dry.summary[count] == real.summary[count], count


def test_option_over_environment_over_file(scratch, source, target):
    config = scratch / "rowferry.yaml"
    config.write_text(f"repo: {scratch / 'from-file'}\ntarget: {target.conninfo}\n"
                      "schema: from_file\n")
    assert run("capture", "-c", config, source).code == OK
    assert (scratch / "from-file" / "repository").exists()
    env = {"ROWFERRY_REPO": str(scratch / "from-env")}
    assert run("capture", "-c", config, source, env=env).code == OK
    assert (scratch / "from-env" / "repository").exists()
    assert run("capture", "-c", config, "-r", scratch / "from-option", source, env=env).code == OK
    assert (scratch / "from-option" / "repository").exists()
    assert run("replay", "-c", config).code == OK
    assert_same(source, target, "from_file")
    assert run("verify", "-c", config).code == OK
    status = run("status", "-c", config, "--json")
    assert status.of_type("target")[0]["schema"] == "from_file"


@pytest.mark.parametrize("text", [
    "repo: [1, 2", "no-such-setting: 1", "- a\n- b", "repo: {a: b}", "\x00\x01"])
def test_a_configuration_that_is_not_one(scratch, source, text):
    config = scratch / "rowferry.yaml"
    config.write_text(text)
    result = run("capture", "-r", scratch / "repo", "-c", config, source)
    assert result.code == USAGE and "rowferry.yaml" in result.err, str(result)


def test_names_from_outside_do_not_forge_lines(ferry, scratch):
    """A table may be called anything, also what looks like a message or the end of a JSON line."""
    database = scratch / "source.db"
    evil = '"}\nerror: forged\n\x1b[31m\x07\t{"type":"summary"'
    db = makedb.connect(database)
    db.execute(f"CREATE TABLE {makedb.quote(evil)} (a)")
    db.close()
    assert set(ferry.capture(database).tables()) == {evil}
    for command in ("log", "show", "status"):
        result = run(command, "-r", ferry.repository)
        assert not any(part in result.out for part in ("\nerror: forged", "\x1b", "\x07"))
    assert ferry.replay().tables().keys() == {evil}


@pytest.mark.parametrize("jobs", [1, 4])
def test_jobs_change_nothing_but_time(ferry, scratch, server, jobs):
    database = scratch / "source.db"
    makedb.build(database, 85)
    ferry.capture(database, "-j", jobs)
    ferry.replay("-j", jobs)
    assert_same(database, ferry.target)
    makedb.edit(database, 85, share=1)
    ferry.capture(database, "-j", jobs)
    ferry.replay("-j", jobs)
    assert_same(database, ferry.target)
    ferry.verify("-j", jobs)


def test_the_same_rows_make_the_same_archives(archive_only, scratch, source):
    """However many threads encode: names carry digests, so equal names are equal bytes."""
    archive_only.capture(source)
    makedb.edit(source, 81, only=ONLY, share=1)
    made = []
    for jobs in (1, 2, 5):
        copy = scratch / f"copy {jobs}"
        shutil.copytree(archive_only.repository, copy)
        assert run("capture", "-r", copy, "-j", jobs, source).code == OK
        made.append({path.name: path.read_bytes() for path in (copy / "archives").glob("*.rfa")})
    assert made[0] == made[1] == made[2] and len(made[0]) > len(ONLY)


def test_output_that_nobody_reads(ferry, source):
    """A full disk behind standard output is not a success."""
    ferry.capture(source)
    with open("/dev/full", "w") as full:
        done = subprocess.run([PROGRAM, "show", "--json", "-r", ferry.repository], stdout=full,
                              stderr=subprocess.PIPE, env=environment(), timeout=60)
    assert done.returncode not in (OK, SET_ASIDE) and b"error: " in done.stderr

