"""The connection is cut at every step of a replay, or the server dies in it; the same command
then ends right, and nothing is applied twice."""

import shutil

import pytest

import makedb
from compare import assert_same
from pgproxy import (CallInCopy, CutAfterCommit, CutAt, CutBeforeCommit, CutInCopy, Plan, Proxy)
from postgres import Target
from program import CONNECT, FAILED, OK, SET_ASIDE, Ferry

ONLY = ["affinities", "no_key", "without", "text_key", "slots"]
AT_MOST = 16


class Trip:
    """What one replay has to do, to be repeated on copies of the same target."""

    def __init__(self, ferry, server, proxy, before, after, template):
        self.ferry, self.server, self.proxy = ferry, server, proxy
        self.before, self.after, self.template = before, after, template

    def run(self, plan):
        """One replay under a plan, on a new copy of the target. What is visible after it is one
        of the two states; a second replay without a fault leads to the right one."""
        target = self.server.copy(self.template)
        try:
            through = Target(self.server, "copy", self.proxy.conninfo(target))
            self.proxy.set(plan)
            ferry = Ferry(self.ferry.repository, through)
            first = ferry.replay(expect=None)
            if first.code in (OK, SET_ASIDE):
                # Nothing was lost: it was cut while it looked around, or let go of its lock.
                assert_same(self.after, target)
            else:
                assert first.code in (CONNECT, FAILED), str(first)
                assert first.error["what"], str(first)
            self.proxy.set(Plan())
            was_done = self.stands_after(target)
            again = ferry.replay()
            assert_same(self.after, target)
            if was_done:
                assert again.summary["mode"] == "none", f"applied again\n{again}"
            assert not target.rows("SELECT table_name, to_snapshot FROM rowferry.trip "
                                   "GROUP BY 1, 2 HAVING count(*) > 1"), "a trip is noted twice"
            return first
        finally:
            target.remove()

    def stands_after(self, target):
        """True if the target shows the new state, False if it shows the old one; nothing else may
        be seen."""
        try:
            assert_same(self.after, target)
            return True
        except AssertionError:
            if self.before is None:
                assert target.tables() == [], "tables are to be seen before they are whole"
            else:
                assert_same(self.before, target)
            return False


@pytest.fixture
def proxy(server, scratch):
    proxy = Proxy(server.socket, scratch / "proxy")
    yield proxy
    proxy.close()


def copy_source(database, to):
    shutil.copy(database, to)
    wal = database.with_name(database.name + "-wal")
    if wal.exists():
        shutil.copy(wal, to.with_name(to.name + "-wal"))
    return to


@pytest.fixture(params=["first load", "delta"])
def trip(request, ferry, server, scratch, proxy):
    database = scratch / "source.db"
    makedb.build(database, 61, misfits=True, only=ONLY)
    ferry.capture(database)
    if request.param == "first load":
        return Trip(ferry, server, proxy, None, database, ferry.target.name)
    before = copy_source(database, scratch / "before.db")
    ferry.replay()
    makedb.edit(database, 61, misfits=True, only=ONLY, share=1)
    ferry.capture(database)
    return Trip(ferry, server, proxy, before, database, ferry.target.name)


def spread(last):
    """Up to AT_MOST of the numbers 1 … last, the first and the last ones among them."""
    if last <= AT_MOST:
        return range(1, last + 1)
    return sorted({1 + round(i * (last - 1) / (AT_MOST - 1)) for i in range(AT_MOST)})


def test_cut_at_any_message(trip):
    count = Plan()
    assert trip.run(count).code in (OK, SET_ASIDE)
    assert count.messages > 10
    for number in spread(count.messages):
        plan = CutAt(number)
        trip.run(plan)
        assert plan.done or number > 0.8 * count.messages, f"message {number} was never sent"


def test_cut_in_the_middle_of_copy_data(trip):
    count = Plan()
    trip.run(count)
    assert count.copies, "rows travel as COPY data"
    for number in list(spread(count.copies))[::4] or [1]:
        trip.run(CutInCopy(number))


def test_cut_just_before_and_just_after_commit(trip):
    """After a COMMIT whose answer was lost the target is at the new state, and the next run sees
    that."""
    count = Plan()
    trip.run(count)
    assert count.commits, "no COMMIT was seen"
    for number in range(1, count.commits + 1):
        for kind in (CutBeforeCommit, CutAfterCommit):
            plan = kind(number)
            trip.run(plan)
            assert plan.done


@pytest.mark.parametrize("copy", [1, 3])
def test_the_server_dies_in_mid_copy(own_server, scratch, copy):
    database = scratch / "source.db"
    makedb.build(database, 62, only=ONLY)
    target = own_server.create()
    proxy = Proxy(own_server.socket, scratch / "proxy")
    try:
        through = Target(own_server, target.name, proxy.conninfo(target))
        ferry = Ferry(scratch / "repo", through)
        before = None
        for trip in range(2):
            ferry.capture(database)
            plan = proxy.set(CallInCopy(copy, lambda: own_server.stop(immediate=True)))
            result = ferry.replay(expect=(FAILED, CONNECT))
            assert plan.done and result.error["what"], str(result)
            own_server.start()
            proxy.upstream = f"{own_server.socket}/.s.PGSQL.5432"
            proxy.set(Plan())
            if before is None:
                assert target.tables() == []
            else:
                assert_same(before, target)
            ferry.replay()
            assert_same(database, target)
            before = copy_source(database, scratch / "before.db")
            makedb.edit(database, f"62 {trip}", only=ONLY, share=1)
    finally:
        proxy.close()


def test_a_session_is_terminated(own_server, scratch):
    """An administrator ends the session, as a restart of the server does: its words are passed
    on."""
    database = scratch / "source.db"
    makedb.build(database, 63, only=ONLY)
    target = own_server.create()
    proxy = Proxy(own_server.socket, scratch / "proxy")
    ferry = Ferry(scratch / "repo", Target(own_server, target.name, proxy.conninfo(target)))
    ferry.capture(database)

    def terminate():
        own_server.admin.script("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                f"WHERE datname = '{target.name}'")

    proxy.set(CallInCopy(1, terminate))
    result = ferry.replay(expect=(FAILED, CONNECT))
    assert "administrator" in str(result.error), str(result)
    proxy.set(Plan())
    ferry.replay()
    assert_same(database, target)
    proxy.close()
