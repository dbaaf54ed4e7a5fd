"""A terminal for the program under test: a pseudo-terminal, and what it would show.

The emulator knows what terminfo says of xterm-256color and no more. A sequence that it does not
know fails the test: a real terminal would show it as rubbish, or do something else with it.
"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

from program import PROGRAM, SANITIZERS, TIMEOUT, environment

BLANK = " "
SEQUENCE = re.compile(
    rb"\x1b(?:\[([?>]?)([0-9;]*)([@-~])|([()][A-Z0-9]|\](?:104|R)\x07?)|([=>78MDEc]))")


class Screen:
    """One screen's cells. An empty cell is the second half of a wide character."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [[BLANK] * columns for _ in range(rows)]
        self.x = self.y = 0
        self.top, self.bottom = 0, rows - 1

    def resize(self, columns, rows):
        self.cells = [(line + [BLANK] * columns)[:columns] for line in self.cells[:rows]]
        self.cells += [[BLANK] * columns for _ in range(rows - len(self.cells))]
        self.columns, self.rows, self.top, self.bottom = columns, rows, 0, rows - 1
        self.x, self.y = min(self.x, columns - 1), min(self.y, rows - 1)

    def scroll(self, top, bottom, count):
        """Up for a positive count."""
        for _ in range(min(abs(count), bottom - top + 1)):
            if count > 0:
                del self.cells[top]
                self.cells.insert(bottom, [BLANK] * self.columns)
            else:
                del self.cells[bottom]
                self.cells.insert(top, [BLANK] * self.columns)

    def down(self):
        if self.y == self.bottom:
            self.scroll(self.top, self.bottom, 1)
        elif self.y < self.rows - 1:
            self.y += 1

    def put(self, character):
        width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if unicodedata.combining(character):
            return
        if self.x + width > self.columns:
            self.x = 0
            self.down()
        self.cells[self.y][self.x] = character
        if width == 2:
            self.cells[self.y][self.x + 1] = ""
        self.x += width

    def wipe(self, line, first, last):
        self.cells[line][first:last] = [BLANK] * (last - first)

    def lines(self):
        return ["".join(line).rstrip() for line in self.cells]


class Emulator:
    def __init__(self, columns, rows):
        self.main, self.alternate = Screen(columns, rows), Screen(columns, rows)
        self.screen = self.main
        self.cursor_shown = True
        self.pending = b""
        self.last = BLANK
        self.entered = 0  # how often the alternate screen was shown

    def resize(self, columns, rows):
        self.main.resize(columns, rows)
        self.alternate.resize(columns, rows)

    def feed(self, data):
        data = self.pending + data
        at = 0
        while at < len(data):
            size = self.take(data, at)
            if size == 0:
                break
            at += size
        self.pending = data[at:]
        assert len(self.pending) < 64, f"not a sequence: {self.pending!r}"

    def take(self, data, at):
        """The bytes that one character or sequence takes; 0 where its end has not come yet."""
        byte = data[at]
        if byte == 0x1b:
            found = SEQUENCE.match(data, at)
            if not found:
                return 0
            self.sequence(*found.groups())
            return found.end() - at
        if byte < 0x20:
            self.control(byte)
            return 1
        size = 1 if byte < 0x80 else 2 if byte < 0xe0 else 3 if byte < 0xf0 else 4
        if at + size > len(data):
            return 0
        self.last = data[at:at + size].decode()
        self.screen.put(self.last)
        return size

    def control(self, byte):
        screen = self.screen
        if byte == 0x0a:
            screen.down()
        elif byte == 0x0d:
            screen.x = 0
        elif byte == 0x08:
            screen.x = max(0, min(screen.x, screen.columns - 1) - 1)
        elif byte == 0x09:
            screen.x = min(screen.columns - 1, screen.x // 8 * 8 + 8)
        else:
            assert byte in (0x07, 0x0f, 0x0e), f"control character {byte:#x}"

    def sequence(self, private, arguments, final, unseen, other):
        if unseen:  # character sets, and a palette that nobody changed
            return
        if other:
            assert other in b"=>M78", other
            if other == b"M":
                if self.screen.y == self.screen.top:
                    self.screen.scroll(self.screen.top, self.screen.bottom, -1)
                else:
                    self.screen.y -= 1
            return
        numbers = [int(n) if n else 0 for n in arguments.split(b";")]
        if private:
            self.mode(numbers, final)
        else:
            self.csi(numbers, final)

    def mode(self, numbers, final):
        assert final in b"hl", final
        for number in numbers:
            if number == 1049:
                self.screen = self.alternate if final == b"h" else self.main
                if final == b"h":
                    self.entered += 1
                    self.alternate = self.screen = Screen(self.main.columns, self.main.rows)
            elif number == 25:
                self.cursor_shown = final == b"h"
            else:
                assert number in (1, 7, 12, 2004), f"mode {number}"

    def csi(self, numbers, final):
        screen = self.screen
        count = max(1, numbers[0])
        x = min(screen.x, screen.columns - 1)
        line = screen.cells[screen.y]
        if final in b"Hf":
            screen.y = min(count, screen.rows) - 1
            screen.x = min(max(1, numbers[1]) if len(numbers) > 1 else 1, screen.columns) - 1
        elif final == b"G":
            screen.x = min(count, screen.columns) - 1
        elif final == b"d":
            screen.y = min(count, screen.rows) - 1
        elif final in b"ABCD":
            dx, dy = {b"A": (0, -1), b"B": (0, 1), b"C": (1, 0), b"D": (-1, 0)}[final]
            screen.x = min(max(0, x + dx * count), screen.columns - 1)
            screen.y = min(max(0, screen.y + dy * count), screen.rows - 1)
        elif final == b"J":
            whole = numbers[0] == 2
            screen.wipe(screen.y, 0 if whole else x, screen.columns)
            for row in range(0 if whole else screen.y + 1, screen.rows):
                screen.wipe(row, 0, screen.columns)
        elif final == b"K":
            first, last = {0: (x, screen.columns), 1: (0, x + 1), 2: (0, screen.columns)}[
                numbers[0]]
            screen.wipe(screen.y, first, last)
        elif final == b"X":
            screen.wipe(screen.y, x, min(screen.columns, x + count))
        elif final == b"@":
            line[x:x] = [BLANK] * count
            del line[screen.columns:]
        elif final == b"P":
            del line[x:x + count]
            line += [BLANK] * (screen.columns - len(line))
        elif final == b"b":
            for _ in range(count):
                screen.put(self.last)
        elif final == b"Z":
            screen.x = max(0, (x - 1) // 8 * 8)
        elif final in b"LM":
            screen.scroll(screen.y, screen.bottom, count if final == b"M" else -count)
        elif final in b"ST":
            screen.scroll(screen.top, screen.bottom, count if final == b"S" else -count)
        elif final == b"r":
            screen.top = count - 1
            screen.bottom = (numbers[1] if len(numbers) > 1 and numbers[1] else screen.rows) - 1
            screen.x = screen.y = 0
        else:
            assert final in b"mhlt", f"sequence {numbers} {final}"


class Terminal:
    """The program on a pseudo-terminal of its own, as the leader of its session. `out` is where
    standard output goes: None for the same terminal."""

    def __init__(self, *args, columns=80, rows=24, term="xterm-256color", env=None, out=None,
                 program=PROGRAM, filled=False):
        self.master, self.slave = os.openpty()
        self.emulator = Emulator(columns, rows)
        self.raw = b""
        self.size(columns, rows)
        self.modes = termios.tcgetattr(self.slave)
        if filled:
            self.fill()
        settings = {"TERM": term, "NO_COLOR": None, **(env or {})}
        self.process = subprocess.Popen(
            [str(program), *map(str, args)], stdin=self.slave, stderr=self.slave,
            stdout=self.slave if out is None else out, env=environment(settings),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def size(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.emulator.resize(columns, rows)

    def fill(self):
        """Until the terminal takes nothing any more."""
        flags = fcntl.fcntl(self.slave, fcntl.F_GETFL)
        fcntl.fcntl(self.slave, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        try:
            while True:
                os.write(self.slave, b"." * 1000)
        except BlockingIOError:
            pass
        fcntl.fcntl(self.slave, fcntl.F_SETFL, flags)

    def type(self, keys):
        os.write(self.master, keys)

    def read(self, seconds=0.05):
        """What has come, within so many seconds of silence at the most."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        data = os.read(self.master, 65536)
        self.raw += data
        self.emulator.feed(data)
        return True

    @property
    def lines(self):
        return self.emulator.screen.lines()

    @property
    def text(self):
        return "\n".join(self.lines)

    def in_view(self):
        return self.emulator.screen is self.emulator.alternate

    def until(self, what, condition):
        end = time.monotonic() + TIMEOUT
        while not condition():
            self.read()
            assert time.monotonic() < end, f"never: {what}\n{self.text}\n{self.raw[-2000:]!r}"

    def wait_for_view(self, *texts):
        self.until(f"a view with {texts}",
                   lambda: self.in_view() and all(text in self.text for text in texts))

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def wait(self, read=True):
        """Its exit code."""
        end = time.monotonic() + TIMEOUT
        while self.process.poll() is None:
            if read:
                self.read()
            else:
                time.sleep(0.05)
            assert time.monotonic() < end, f"it did not end\n{self.text}"
        while self.read():
            pass
        for word in SANITIZERS:
            assert word.encode() not in self.raw, self.raw.decode(errors="replace")
        return self.process.returncode

    def is_restored(self):
        return (not self.in_view() and self.emulator.cursor_shown and
                termios.tcgetattr(self.slave) == self.modes)
