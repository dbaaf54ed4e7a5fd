"""A source on its way, trip after trip, each of them judged."""

import makedb
from compare import assert_same
from program import OK, SET_ASIDE


def travel(ferry, database):
    """Capture, replay, verify; then the judge. Returns (capture, replay)."""
    captured = ferry.capture(database)
    replayed = ferry.replay()
    aside = assert_same(database, ferry.target)
    wanted = SET_ASIDE if aside else OK
    assert replayed.code == wanted and replayed.summary["set_aside_total"] == aside, str(replayed)
    verified = ferry.verify()
    assert verified.code == wanted, f"{aside} rows are set aside\n{verified}"
    return captured, replayed


def run_sql(database, statements):
    """Each of the statements is SQL, or a tuple of SQL and its values. Bytes are blobs; for text
    that is not valid use makedb.Raw, with makedb.placeholder."""
    db = makedb.connect(database)
    try:
        for statement in statements:
            sql, values = (statement, ()) if isinstance(statement, str) else \
                (statement[0], statement[1:])
            db.execute(sql, values)
    finally:
        db.close()


class Road:
    """One database and where it goes."""

    def __init__(self, ferry, database):
        self.ferry = ferry
        self.target = ferry.target
        self.database = database

    def sql(self, *statements):
        run_sql(self.database, statements)

    def trip(self, *statements, aside=0):
        """Changes the source, if told how, and travels. `aside` is how many rows are to stand aside
        then; None leaves that to the judge."""
        self.sql(*statements)
        captured, replayed = travel(self.ferry, self.database)
        if aside is not None:
            assert replayed.summary["set_aside_total"] == aside, str(replayed)
        return captured, replayed

    def rows(self, query):
        return self.target.rows(query)
