"""A relay between client and server that knows where messages begin and end, and fails on command.

It listens on a socket of its own and speaks to the server's. What it does is set by a plan, asked
at every message of the client; messages are counted over all connections since the plan was set:

    Plan()                   relay everything, and count
    CutAt(n)                 cut the connection instead of passing on the client's nth message
    CutInCopy(n)             cut in the middle of the nth message of COPY data
    CutBeforeCommit(n)       cut instead of passing on the nth COMMIT
    CutAfterCommit(n)        pass on the nth COMMIT, wait until the server has carried it out, and
                             cut instead of passing on its answer
    CallInCopy(n, function)  before the nth message of COPY data call the function, then go on

A cut takes all connections with it and refuses new ones until heal(), as a network does.
"""

import re
import socket
import struct
import threading
from pathlib import Path

COMMIT = re.compile(rb"^\s*(COMMIT|END)\b", re.I)


class Cut(Exception):
    """The plan says: now."""


class ServerGone(Exception):
    pass


class Plan:
    def __init__(self):
        self.messages = 0
        self.copies = 0
        self.commits = 0
        self.done = False  # the plan's moment has come

    def message(self, relay, kind, body):
        """Called for every message of the client, under the proxy's lock. May raise Cut."""
        self.messages += 1
        if kind == b"d":
            self.copies += 1
        elif is_commit(kind, body):
            self.commits += 1


class CutAt(Plan):
    def __init__(self, number):
        super().__init__()
        self.number = number

    def message(self, relay, kind, body):
        super().message(relay, kind, body)
        if self.reached(kind, body):
            self.done = True
            self.act(relay, kind, body)

    def reached(self, kind, body):
        return self.messages == self.number

    def act(self, relay, kind, body):
        raise Cut


class CutInCopy(CutAt):
    def reached(self, kind, body):
        return kind == b"d" and self.copies == self.number

    def act(self, relay, kind, body):
        whole = kind + struct.pack(">I", len(body) + 4) + body
        relay.server.sendall(whole[:max(5, len(whole) // 2)])
        raise Cut


class CutBeforeCommit(CutAt):
    def reached(self, kind, body):
        return is_commit(kind, body) and self.commits == self.number


class CutAfterCommit(CutBeforeCommit):
    def act(self, relay, kind, body):
        relay.cut_at_commit_answer = True


class CallInCopy(CutInCopy):
    def __init__(self, number, function):
        super().__init__(number)
        self.function = function

    def act(self, relay, kind, body):
        self.function()


def is_commit(kind, body):
    """A simple query, or a statement to be parsed (its name comes first)."""
    if kind == b"P":
        body = body.partition(b"\0")[2]
    return kind in (b"Q", b"P") and bool(COMMIT.match(body))


class Relay:
    """One client's connection and its counterpart."""

    def __init__(self, proxy, client):
        self.proxy = proxy
        self.client = client
        self.server = socket.socket(socket.AF_UNIX)
        self.server.connect(proxy.upstream)
        self.cut_at_commit_answer = False
        for work in (self.from_client, self.from_server):
            threading.Thread(target=self.guarded, args=(work,), daemon=True).start()

    def guarded(self, work):
        try:
            work()
        except Cut:
            self.proxy.cut()
        except ServerGone:
            return  # its last words are still on their way to the client
        except OSError:
            pass
        self.close()

    def close(self):
        for side in (self.client, self.server):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def from_client(self):
        stream = self.client.makefile("rb")
        # The first message has no type, and over a unix socket nothing precedes it.
        head = stream.read(4)
        if len(head) == 4:
            self.pass_on(head + stream.read(struct.unpack(">I", head)[0] - 4))
        while len(head := stream.read(5)) == 5:
            kind, size = head[:1], struct.unpack(">I", head[1:])[0]
            body = stream.read(size - 4)
            if kind != b"X":  # a goodbye: nothing is lost with it
                with self.proxy.lock:
                    self.proxy.plan.message(self, kind, body)
            self.pass_on(head + body)

    def pass_on(self, data):
        try:
            self.server.sendall(data)
        except OSError:
            raise ServerGone from None

    def from_server(self):
        stream = self.server.makefile("rb")
        while len(head := stream.read(5)) == 5:
            body = stream.read(struct.unpack(">I", head[1:])[0] - 4)
            if self.cut_at_commit_answer and head[:1] == b"C" and body == b"COMMIT\0":
                raise Cut
            self.client.sendall(head + body)


class Proxy:
    def __init__(self, upstream_folder, folder):
        self.upstream = str(Path(upstream_folder) / ".s.PGSQL.5432")
        self.folder = Path(folder)
        self.folder.mkdir()
        self.lock = threading.Lock()
        self.plan = Plan()
        self.relays = []
        self.broken = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.folder / ".s.PGSQL.5432"))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def conninfo(self, target):
        return target.conninfo.replace(f"host={target.server.socket}", f"host={self.folder}")

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.broken:
                client.close()
                continue
            try:
                self.relays.append(Relay(self, client))
            except OSError:
                client.close()

    def set(self, plan):
        self.heal()
        self.plan = plan
        return plan

    def cut(self):
        self.broken = True
        for relay in self.relays:
            relay.close()

    def heal(self):
        for relay in self.relays:
            relay.close()
        self.relays = []
        self.broken = False

    def close(self):
        self.cut()
        self.listener.close()
