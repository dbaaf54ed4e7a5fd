"""Readers take no lock: while a writer captures and prunes, each sees one snapshot or says that it
has to be asked again."""

import threading

import makedb
from copies import rows_of
from program import DAMAGED, OK, Ferry

ROUNDS = 25


class Writer(threading.Thread):
    """Every snapshot has another number of rows, which `rows` remembers."""

    def __init__(self, database, repository):
        super().__init__()
        self.database = database
        self.ferry = Ferry(repository)
        self.rows = {}
        self.failure = None
        db = makedb.connect(database)
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
        db.execute("INSERT INTO t VALUES (0, 'none')")
        db.close()
        self.work()

    def work(self):
        db = makedb.connect(self.database)
        db.execute("INSERT INTO t (v) VALUES (hex(randomblob(2000)))")
        db.execute("UPDATE t SET v = v || '!' WHERE id % 3 = ?", (len(self.rows) % 3,))
        db.close()
        rows = rows_of(self.database, "t")
        self.rows[len(self.rows) + 1] = rows
        captured = self.ferry.capture(self.database)
        assert captured.summary["snapshot"] == len(self.rows)

    def run(self):
        try:
            for _ in range(ROUNDS):
                self.work()
                self.ferry.command("prune", "--keep-last", 2, expect=OK)
        except BaseException as failure:  # told in the thread of the test
            self.failure = failure


def test_readers_beside_a_writer_that_prunes(scratch):
    writer = Writer(scratch / "source.db", scratch / "repo")
    ferry = Ferry(scratch / "repo")
    restored = scratch / "restored.db"
    writer.start()
    good = {"restore": 0, "log": 0, "show": 0, "status": 0}
    while writer.is_alive():
        for command in good:
            options = ("-o", restored, "--force") if command == "restore" else ()
            result = ferry.command(command, *options, expect=(OK, DAMAGED))
            if result.code == OK:
                good[command] += 1
                judge(result, command, restored, writer)
            else:
                assert "run this again" in result.error["hint"], str(result)
    writer.join()
    if writer.failure:
        raise writer.failure
    print(good)
    assert all(good.values())
    ferry.verify_repository()


def judge(result, command, restored, writer):
    if command == "restore":
        assert rows_of(restored, "t") == writer.rows[result.summary["snapshot"]]
    elif command == "log":
        for line in result.of_type("snapshot"):
            assert line["rows"] == len(writer.rows[line["snapshot"]])
    elif command == "show":
        snapshot = result.of_type("snapshot")[0]
        assert snapshot["rows"] == len(writer.rows[snapshot["snapshot"]])
