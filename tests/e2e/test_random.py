"""Databases at random, changed at random, trip after trip, judged by SQLite and psql after each.

Every round is told by its number alone:  tools/torture --seed N --rounds 1
"""

import pytest

import randomdb
from rounds import Broken, Stage

BATCHES, ROUNDS = 6, 10


@pytest.mark.parametrize("batch", range(BATCHES))
def test_rounds(target, scratch, batch):
    stage = Stage(target, scratch / "round")
    for seed in range(batch * ROUNDS, (batch + 1) * ROUNDS):
        try:
            stage.play(randomdb.write(seed))
        except Broken as broken:
            pytest.fail(f"{broken}\nto see it again: tools/torture --seed {seed} --rounds 1",
                        pytrace=False)


def test_a_story_depends_on_its_seed_alone():
    def told(seed):
        return [[(s.sql, s.values) for s in day] for day in randomdb.write(seed).days]
    assert told(7) == told(7) != told(8)


def test_the_statements_of_stories_do_something():
    """Random SQL that SQLite refuses would test nothing."""
    stories = [randomdb.write(seed) for seed in range(100)]
    words = [" ".join(step.sql.split()[:2]) for story in stories for day in story.days
             for step in day]
    for start in ("INSERT OR", "UPDATE OR", "DELETE FROM", "CREATE TABLE", "CREATE INDEX",
                  "CREATE UNIQUE", "ALTER TABLE", "DROP TABLE", "VACUUM", "reload"):
        assert sum(word == start for word in words) >= 5, start
    tables = [step.sql for story in stories for day in story.days for step in day
              if step.sql.startswith("CREATE TABLE")]
    for part in ("STRICT", "WITHOUT ROWID", "AUTOINCREMENT", "FOREIGN KEY", "CHECK", "DEFAULT",
                 "STORED", "VIRTUAL", "COLLATE NOCASE", "UNIQUE", " DESC"):
        assert sum(part in sql for sql in tables) >= 3, part
