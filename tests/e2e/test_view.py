"""The view of the whole terminal that --progress asks for: what it shows, and that the terminal is
afterwards as it was, however the run ends and whatever the terminal does meanwhile.

A replay is held still by a lock on a table of the target, for as long as a test looks at it."""

import os
import signal
import subprocess
import time

import pytest

import makedb
from program import FAILED, OK, PROGRAM, TIMEOUT, environment, run
from terminal import Terminal

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
BY_SIGNAL = 128


class Lock:
    """Nobody else writes the table until this is let go. Reading it is allowed: where others on the
    server have taken transaction numbers, a replay looks at it before it writes."""

    def __init__(self, target, table):
        self.psql = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", target.conninfo], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=environment())
        self.psql.stdin.write(f"BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE; SELECT 'held';\n")
        self.psql.stdin.flush()
        assert self.psql.stdout.readline().strip() == "held"

    def let_go(self):
        if self.psql.poll() is None:
            self.psql.communicate("ROLLBACK;\n", timeout=TIMEOUT)


@pytest.fixture
def ahead(ferry, scratch):
    """The repository has a snapshot that the target has not, and the table is locked."""
    source = scratch / "source.db"
    db = makedb.connect(source)
    db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, v TEXT)")
    db.execute("CREATE TABLE other (id INTEGER PRIMARY KEY, v TEXT)")
    db.execute("INSERT INTO events VALUES (1, 'a')")
    ferry.capture(source)
    ferry.replay()
    db.execute("INSERT INTO events VALUES (2, 'b'), (3, 'c')")
    db.close()
    ferry.capture(source)
    lock = Lock(ferry.target, "events")
    yield lock
    lock.let_go()


def replay(ferry, *more):
    return ["replay", "--progress", "-r", ferry.repository, "-d", ferry.target.conninfo, *more]


def test_what_is_shown(ferry, ahead):
    with Terminal(*replay(ferry)) as terminal:
        terminal.wait_for_view("rowferry replay", "loader 1", "applies events")
        assert terminal.lines[0].startswith(f"rowferry replay  {str(ferry.repository)[:10]}")
        assert not terminal.emulator.cursor_shown and not terminal.echoes()
        assert any(line.split()[:2] == ["events", "loading"] for line in terminal.lines)
        assert not any(line.startswith("other") for line in terminal.lines), "nothing comes for it"
        ahead.let_go()
        assert terminal.wait() == OK
        assert terminal.is_restored()
        assert "applied upon snapshot 1" in terminal.text
        assert terminal.raw.rindex(LEAVE) < terminal.raw.index(b"snapshot 2"), \
            "what is printed comes after the view"
        assert terminal.emulator.entered == 1
    assert ferry.target.stands_at() == 2


def test_output_that_goes_elsewhere_goes_there(ferry, ahead, scratch):
    with open(scratch / "out", "wb") as out, Terminal(*replay(ferry), out=out) as terminal:
        terminal.wait_for_view("applies events")
        ahead.let_go()
        assert terminal.wait() == OK and terminal.is_restored()
        assert "snapshot 2" not in terminal.text
    assert "snapshot 2" in (scratch / "out").read_text()


def warned(ferry, scratch):
    """As `ahead`, and a table is new whose CHECK cannot come along."""
    source = scratch / "source.db"
    db = makedb.connect(source)
    db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, v TEXT)")
    ferry.capture(source)
    ferry.replay()
    db.execute("CREATE TABLE \"a\tb\" (id INTEGER PRIMARY KEY, v TEXT CHECK (printf('%d', v) > 1))")
    db.execute("INSERT INTO events VALUES (1, '')")
    db.close()
    ferry.capture(source)
    return Lock(ferry.target, "events")


def test_warnings_are_shown_and_printed_afterwards(ferry, scratch):
    lock = warned(ferry, scratch)
    with Terminal(*replay(ferry)) as terminal:
        terminal.wait_for_view("applies events", "1 warning", "\nwarning: table a b: ")
        lock.let_go()
        assert terminal.wait() == OK and terminal.is_restored()
        after = terminal.raw[terminal.raw.rindex(LEAVE):].decode()
        assert after.count("warning: table a b: ") == 1


def test_a_trip_of_two_halves(ferry, scratch):
    source = scratch / "source.db"
    db = makedb.connect(source)
    db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, v TEXT)")
    db.execute("INSERT INTO events VALUES (1, 'a')")
    sync = ["sync", "--progress", "-r", ferry.repository, "-d", ferry.target.conninfo, source]
    with Terminal(*sync) as terminal:
        assert terminal.wait() == OK and terminal.is_restored()
    db.execute("UPDATE events SET v = 'b'")
    db.close()
    lock = Lock(ferry.target, "events")
    with Terminal(*sync) as terminal:
        terminal.wait_for_view("rowferry sync", "capture", "replay", "applies events")
        lock.let_go()
        assert terminal.wait() == OK and terminal.is_restored()
        after = terminal.raw[terminal.raw.rindex(LEAVE):]
        assert after.count(b"snapshot 2") == 2, "both halves are printed"
    with Terminal("verify", "--progress=always", "-r", ferry.repository, "-d",
                  ferry.target.conninfo) as terminal:
        assert terminal.wait() == OK and terminal.is_restored()
    with Terminal("check", "--progress", source) as terminal:
        assert terminal.wait() == OK and terminal.is_restored()


@pytest.mark.parametrize("columns, rows", [(40, 24), (20, 10), (10, 20), (1, 1), (300, 90)])
def test_sizes(ferry, ahead, columns, rows):
    with Terminal(*replay(ferry), columns=columns, rows=rows) as terminal:
        terminal.wait_for_view("r")
        if columns >= 20:
            assert terminal.lines[0].startswith("rowferry replay")
            assert any(line.startswith("events") for line in terminal.lines)
        ahead.let_go()
        assert terminal.wait() == OK and terminal.is_restored()


def test_the_size_is_the_terminal_s_own(ferry, ahead):
    with Terminal(*replay(ferry), env={"LINES": "5", "COLUMNS": "33"}) as terminal:
        terminal.wait_for_view("applies events")
        assert len(terminal.lines[0]) == 80
        ahead.let_go()
        assert terminal.wait() == OK and terminal.is_restored()


def test_another_size_meanwhile(ferry, ahead):
    with Terminal(*replay(ferry)) as terminal:
        terminal.wait_for_view("applies events")
        for columns, rows in ((40, 12), (120, 40), (15, 5), (80, 24)):
            terminal.size(columns, rows)
            terminal.emulator.alternate.__init__(columns, rows)  # all is painted anew
            terminal.wait_for_view("rowferry", "events")
        ahead.let_go()
        assert terminal.wait() == OK and terminal.is_restored()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_asks_for_an_end(ferry, ahead, number):
    with Terminal(*replay(ferry)) as terminal:
        terminal.wait_for_view("applies events")
        terminal.process.send_signal(number)
        assert terminal.wait() == BY_SIGNAL + number
        assert terminal.is_restored() and "error: stopped by signal" in terminal.text


def test_control_c_is_a_signal_and_other_keys_are_nothing(ferry, ahead):
    with Terminal(*replay(ferry)) as terminal:
        terminal.wait_for_view("applies events")
        terminal.type(b"xyz\x1b[A")
        terminal.type(b"\x03")
        assert terminal.wait() == BY_SIGNAL + signal.SIGINT
        assert terminal.is_restored() and "xyz" not in terminal.text


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGABRT, signal.SIGSEGV])
@pytest.mark.plain
def test_a_signal_that_ends_it_at_once(ferry, scratch, number):
    """What was kept back comes even so."""
    lock = warned(ferry, scratch)
    with Terminal(*replay(ferry)) as terminal:
        terminal.wait_for_view("applies events")
        terminal.process.send_signal(number)
        assert terminal.wait() == -number
        assert terminal.is_restored() and "\nwarning: table a b: " in "\n" + terminal.text
    lock.let_go()


def test_a_capture_that_is_told_of_though_the_replay_is_cut(ferry, scratch):
    source = scratch / "source.db"
    db = makedb.connect(source)
    db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, v TEXT)")
    sync = ["sync", "--progress", "-r", ferry.repository, "-d", ferry.target.conninfo, source]
    assert run(*sync).code == OK
    db.execute("INSERT INTO events VALUES (1, 'a')")
    db.close()
    lock = Lock(ferry.target, "events")
    with Terminal(*sync) as terminal:
        terminal.wait_for_view("applies events", "done")
        terminal.until("the snapshot", lambda: ferry.newest() == 2)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait() == BY_SIGNAL + signal.SIGTERM
        assert terminal.is_restored() and "snapshot 2" in terminal.text
    lock.let_go()


def test_an_error(ferry, ahead):
    with Terminal(*replay(ferry)) as terminal:
        terminal.wait_for_view("applies events")
        ferry.target.server.admin.script(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{ferry.target.name}' AND wait_event_type = 'Lock'")
        assert terminal.wait() not in (OK, None)
        assert terminal.is_restored() and "error: " in terminal.text


def test_stopped_and_continued_by_a_shell(ferry, ahead):
    with Terminal("--norc", "--noediting", "-i", program="/bin/bash",
                  env={"PS1": "shell> "}) as terminal:
        terminal.until("a prompt", lambda: "shell>" in terminal.text)
        command = " ".join(f"'{word}'" for word in [PROGRAM, *replay(ferry)])
        terminal.type(f"{command}; echo ended: $?\n".encode())
        terminal.wait_for_view("applies events")
        terminal.type(b"\x1a")
        terminal.until("Stopped", lambda: not terminal.in_view() and "Stopped" in terminal.text)
        assert terminal.emulator.cursor_shown
        terminal.type(b"fg\n")
        terminal.wait_for_view("applies events")
        ahead.let_go()
        terminal.until("its end", lambda: "snapshot 2" in terminal.text)
        terminal.type(b"exit\n")
        assert terminal.wait() == OK and not terminal.in_view() and terminal.emulator.entered == 2


def test_a_job_in_the_background_is_silent(ferry, ahead):
    with Terminal("--norc", "--noediting", "-i", program="/bin/bash",
                  env={"PS1": "shell> "}) as terminal:
        terminal.until("a prompt", lambda: "shell>" in terminal.text)
        command = " ".join(f"'{word}'" for word in [PROGRAM, *replay(ferry)])
        terminal.type(f"{command} &\n".encode())
        ferry_waits = ("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                       f"AND datname = '{ferry.target.name}'")
        terminal.until("the run", lambda: ferry.target.server.admin.value(ferry_waits) != "0")
        time.sleep(1)  # long enough for a view
        ahead.let_go()
        terminal.until("its end", lambda: "snapshot 2" in terminal.text)
        terminal.type(b"\nexit\n")
        assert terminal.wait() == OK and ENTER not in terminal.raw


def wait_until_painted(terminal):
    end = time.monotonic() + TIMEOUT
    while terminal.echoes():
        assert time.monotonic() < end, "it never began"
        time.sleep(0.02)


@pytest.mark.parametrize("here", [True, False])
def test_a_terminal_that_nobody_reads(ferry, ahead, scratch, here):
    """Not a byte goes out from the beginning on. What it printed, if it is printed there, has room
    once the view made some."""
    with open(scratch / "out", "wb") as out, \
            Terminal(*replay(ferry), filled=True, out=None if here else out) as terminal:
        wait_until_painted(terminal)
        time.sleep(1)  # some pictures later
        ahead.let_go()
        assert terminal.wait(read=False) == OK
        terminal.until("all", lambda: not terminal.read())
        assert terminal.is_restored()
        printed = terminal.text if here else (scratch / "out").read_text()
        assert "snapshot 2" in printed
    assert ferry.target.stands_at() == 2


def test_a_terminal_that_is_stopped(ferry, ahead):
    with Terminal(*replay(ferry)) as terminal:
        terminal.wait_for_view("applies events")
        terminal.type(b"\x13")
        time.sleep(1)
        ahead.let_go()
        assert terminal.wait(read=False) == OK
        terminal.until("all", lambda: not terminal.read())
        assert terminal.is_restored() and "snapshot 2" in terminal.text


def test_a_terminal_that_goes_away(ferry, ahead):
    """Its session gets SIGHUP, as when a window is closed."""
    terminal = Terminal(*replay(ferry))
    terminal.wait_for_view("applies events")
    os.close(terminal.slave)
    os.close(terminal.master)
    assert terminal.process.wait(TIMEOUT) == BY_SIGNAL + signal.SIGHUP


@pytest.mark.parametrize("term", ["dumb", "", None, "no-such-terminal", "unknown"])
def test_terminals_that_cannot_show_it(ferry, ahead, term):
    with Terminal(*replay(ferry), term=term) as terminal:
        ferry_waits = ("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                       f"AND datname = '{ferry.target.name}'")
        terminal.until("the run", lambda: ferry.target.server.admin.value(ferry_waits) != "0")
        ahead.let_go()
        assert terminal.wait() == OK and b"\x1b" not in terminal.raw
        assert terminal.is_restored() and "snapshot 2" in terminal.text


@pytest.mark.parametrize("none, coloured", [(None, True), ("", True), ("1", False)])
def test_colours(ferry, ahead, none, coloured):
    with Terminal(*replay(ferry), env={"NO_COLOR": none}) as terminal:
        terminal.wait_for_view("applies events")
        ahead.let_go()
        assert terminal.wait() == OK
        assert (b"\x1b[36m" in terminal.raw) == coloured, "what is under way is cyan"


@pytest.mark.parametrize("options", [["--json"], ["-q"]])
def test_programs_get_no_view(ferry, ahead, scratch, options):
    with open(scratch / "out", "wb") as out, \
            Terminal(*replay(ferry, *options), out=out) as terminal:
        time.sleep(1)
        ahead.let_go()
        assert terminal.wait() == OK and b"\x1b" not in terminal.raw


def test_a_short_run_shows_none(ferry, scratch):
    source = scratch / "source.db"
    makedb.connect(source).execute("CREATE TABLE t (v)")
    with Terminal("capture", "--progress", "-r", ferry.repository, source) as terminal:
        assert terminal.wait() == OK and "snapshot 1" in terminal.text
        assert terminal.is_restored()
    with Terminal("capture", "--progress", "-r", ferry.repository, "no-such.db") as terminal:
        assert terminal.wait() not in (OK, FAILED) and "error: " in terminal.text


def test_the_word_behind_it(ferry, scratch):
    """A word that says when belongs to the option; any other is the operand."""
    source = scratch / "always.db"
    makedb.connect(source).execute("CREATE TABLE t (v)")
    for words in (["--progress", source], ["--progress", "always", source],
                  ["--progress=never", source], [source, "--progress"],
                  ["--progress", "--", source]):
        assert run("capture", "-r", ferry.repository, *words).code == OK, words


def test_a_thousand_tables(ferry, scratch):
    source = scratch / "source.db"
    db = makedb.connect(source)
    db.execute("BEGIN")
    for i in range(1000):
        db.execute(f'CREATE TABLE "table {i} \u6f22\u5b57 \x1b[2J" (id INTEGER PRIMARY KEY, v)')
    db.execute("INSERT INTO \"table 7 \u6f22\u5b57 \x1b[2J\" VALUES (1, 2)")
    db.execute("COMMIT")
    db.close()
    with Terminal("sync", "--progress", "-r", ferry.repository, "-d", ferry.target.conninfo,
                  source) as terminal:
        terminal.until("the list", lambda: terminal.in_view() and
                       "\u6f22\u5b57 \\e[2J" in terminal.text and "+ " in terminal.text)
        assert terminal.wait() == OK and terminal.is_restored()
