"""Profiles by name and by path, under a configuration file and options."""

import pytest

import trips
from program import MISPLACED, OK, ROOT, SET_ASIDE, USAGE, run

SHIPPED = sorted(path.stem for path in (ROOT / "tools" / "profiles").glob("*.yaml"))

SOURCE = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE cache (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE log (id INTEGER PRIMARY KEY, line TEXT)",
    "INSERT INTO users VALUES (1, 'one'), (2, 'two')",
    "INSERT INTO cache VALUES (1, 'x')",
    "INSERT INTO log VALUES (1, 'a' || char(0) || 'b')",
)
PROFILE = """
title: an application
about: its tables
existing: true
bad_text: strip
tables:
  exclude: [cache]
  rules:
    - {table: log, rename: lines}
    - {table: of_another_version, rename: whatever}
"""


@pytest.fixture
def profile(road, scratch):
    """A source, the application's tables, and a profile that the second needs."""
    road.sql(*SOURCE)
    road.target.script("CREATE TABLE users (id bigint PRIMARY KEY, name text);"
                       "CREATE TABLE lines (id bigint PRIMARY KEY, line text);")
    path = scratch / "app.yaml"
    path.write_text(PROFILE)
    return path


def test_list():
    assert "synapse" in SHIPPED
    listed = run("profiles", "--json")
    assert listed.code == OK
    lines = listed.of_type("profile")
    assert [line["name"] for line in lines] == SHIPPED == sorted(SHIPPED)
    assert all(line["title"] and line["about"] for line in lines)
    assert listed.summary["profiles"] == len(SHIPPED)
    people = run("profiles").out.splitlines()
    assert [line.split()[0] for line in people[1:]] == SHIPPED
    assert lines[0]["title"] in people[1]


@pytest.mark.parametrize("name", SHIPPED)
def test_print(name, scratch):
    text = (ROOT / "tools" / "profiles" / f"{name}.yaml").read_text()
    assert run("profiles", name).out == text
    line, = run("profiles", "--json", name).of_type("profile")
    assert line["text"] == text
    copy = scratch / "copy"
    copy.write_text(text)
    assert run("profiles", copy).out == text


@pytest.mark.parametrize("line, words", [
    ("profiles synaps", ("no profile called", "did you mean synapse?")),
    ("profiles a b", ("extra argument",)),
    ("profiles ./none.yaml", ("cannot read the profile", "No such file")),
    ("profiles -r R", ("takes no option --repo",)),
    ("check --profile nobodys x.db", ("no profile called", *SHIPPED)),
    ("sync -r R --profile ./none x.db", ("cannot read the profile ./none",)),
    ("log -r R --profile synapse", ("takes no option --profile",)),
])
def test_refused(line, words, scratch):
    result = run(*line.split(), cwd=scratch)
    assert result.code == USAGE and result.out == "", str(result)
    assert all(word in result.err for word in words), str(result)
    assert not list(scratch.iterdir())


def test_strict_with_file_and_line(scratch):
    (scratch / "p.yaml").write_text("title: t\nrepo: /x\n")
    (scratch / "c.yaml").write_text("profile: p.yaml\n")
    for options in (("--profile", "p.yaml"), ("-c", "c.yaml")):
        result = run("capture", "-r", "R", *options, "x.db", cwd=scratch)
        assert result.code == USAGE and "p.yaml:2:1: " in result.err, str(result)
        assert "where and how" in result.err
    for name in ("p.yaml", "c.yaml"):
        (scratch / name).write_text("title: t\nprofile: p.yaml\n")
    assert "no place for the key \"profile\"" in \
        run("capture", "-r", "R", "--profile", "p.yaml", "x.db", cwd=scratch).err
    assert "no place for the key \"title\"" in \
        run("capture", "-r", "R", "-c", "c.yaml", "x.db", cwd=scratch).err


def test_every_command_goes_by_it(road, profile, scratch):
    ferry, target = road.ferry, road.target
    ferry.options = ["--profile", profile]
    checked = ferry.command("check", "-d", target.conninfo, "--profile", profile, road.database)
    assert checked.code == OK, str(checked)
    line, = checked.of_type("profile")
    assert (line["name"], line["title"], line["about"]) == \
        (str(profile), "an application", "its tables")
    captured = ferry.capture(road.database, "--profile", profile)
    assert set(captured.tables()) == {"users", "log"}
    replayed = ferry.replay(expect=OK)
    assert replayed.summary["altered"] == 1, str(replayed)
    assert "of_another_version" not in replayed.err, "a profile is for more versions than one"
    assert target.rows("SELECT * FROM lines") == [["1", "ab"]]
    assert target.tables() == ["lines", "users"]
    ferry.verify(expect=OK)
    ferry.command("status", "--profile", profile, target=False, expect=OK)
    road.sql("INSERT INTO users VALUES (3, 'three')", "INSERT INTO cache VALUES (2, 'y')")
    synced = ferry.command("sync", road.database, target=True, expect=OK)
    assert synced.tables("replay")["users"]["inserted"] == 1
    assert [row[0] for row in target.rows("SELECT name FROM users ORDER BY id")] == \
        ["one", "two", "three"]


def test_people_are_told_of_it_at_the_head_of_a_check(road, profile):
    told = run("check", "--profile", profile, "-d", road.target.conninfo, road.database)
    assert told.out.startswith(f"profile {profile}: an application\n  its tables\n\n"), told.out
    quiet = run("check", "-q", "--profile", profile, "-d", road.target.conninfo, road.database)
    assert quiet.out == ""


def test_the_environment_names_one_and_the_option_another(road, profile, scratch):
    other = scratch / "other.yaml"
    other.write_text("title: other\ntables: {include: [users]}\n")
    env = {"ROWFERRY_PROFILE": str(profile)}
    assert set(road.ferry.capture(road.database, env=env).tables()) == {"users", "log"}
    captured = road.ferry.capture(road.database, "--profile", other, env=env)
    assert captured.summary["tables"] - len([t for t in captured.tables().values()
                                             if t["deleted"] and not t["rows"]]) == 1
    road.ferry.command("log", expect=OK, env={"ROWFERRY_PROFILE": "nobodys"})


def test_a_file_and_options_go_before_it(road, profile, scratch):
    """existing, taken back by the file: rowferry makes the tables. bad_text, by an option."""
    config = scratch / "mine.yaml"
    config.write_text("profile: app.yaml\nexisting: false\nschema: mine\n"
                      "tables: {rules: [{table: log, rename: entries}]}\n")
    ferry = road.ferry
    ferry.options = ["-c", config]
    ferry.capture(road.database, "-c", config)
    replayed = ferry.replay("--bad-text", "set-aside", expect=SET_ASIDE)
    assert replayed.summary["set_aside"] == 1 and replayed.summary["altered"] == 0
    assert road.target.tables("mine") == ["entries", "users"]
    assert road.target.rows("SELECT * FROM mine.users ORDER BY 1") == [["1", "one"], ["2", "two"]]
    assert road.target.rows("SELECT * FROM mine.entries") == []


def test_rules_of_a_file_that_name_nothing_are_told(road, profile, scratch):
    config = scratch / "mine.yaml"
    config.write_text("tables: {rules: [{table: of_nobody}]}\n")
    ferry = road.ferry
    ferry.options = ["--profile", profile, "-c", config]
    ferry.capture(road.database, *ferry.options)
    replayed = ferry.replay(expect=OK)
    assert "mine.yaml:1:26: no table of the source matches \"of_nobody\"" in replayed.err
    assert "of_another_version" not in replayed.err


def test_a_profile_that_does_not_fit_changes_nothing(road, scratch):
    """The tables that it takes for granted are not there."""
    trips.run_sql(road.database, SOURCE)
    profile = scratch / "app.yaml"
    profile.write_text(PROFILE)
    road.ferry.options = ["--profile", profile]
    road.ferry.capture(road.database, "--profile", profile)
    road.ferry.replay(expect=MISPLACED)
    assert road.target.tables() == []
