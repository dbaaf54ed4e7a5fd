"""A story of randomdb.py played for real, trip by trip, and made shorter where it fails."""

import re
import shutil
import time
from pathlib import Path

import randomdb
from compare import assert_same
from program import OK, SET_ASIDE, Ferry
from randomdb import Story


class Broken(Exception):
    """A story did not end well. Says on which day, and what was found."""

    def __init__(self, story, day, why):
        super().__init__(f"seed {story.seed}, day {day + 1} of {len(story.days)}: {why}")
        self.story = story
        self.day = day
        self.why = str(why)


class Stage:
    """Where stories are played, one after another."""

    def __init__(self, target, folder):
        self.target = target
        self.folder = Path(folder)

    def play(self, story):
        """Raises Broken; then the database and the repository are still there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        schema = "story"
        self.target.script("SET client_min_messages = warning;"
                           "DROP SCHEMA IF EXISTS story, rowferry CASCADE")
        ferry = Ferry(self.folder / "repo", self.target, ["--schema", schema])
        for day, steps in enumerate(story.days):
            try:
                self.trip(ferry, steps, schema, replays=day not in story.quiet)
            except (AssertionError, OSError) as why:
                raise Broken(story, day, why) from None

    @property
    def database(self):
        return self.folder / "source.db"

    def trip(self, ferry, steps, schema, replays):
        randomdb.play_day(self.database, steps)
        # So much may change in a day that it might be the database of another application.
        ferry.capture(self.database, *(["--same-source"] if ferry.repository.exists() else []))
        if not replays:
            return
        replayed = ferry.replay()
        aside = assert_same(self.database, self.target, schema,
                            fresh=replayed.summary["mode"] == "load")
        wanted = SET_ASIDE if aside else OK
        assert replayed.code == wanted and replayed.summary["set_aside_total"] == aside, \
            f"{aside} rows are set aside\n{replayed}"
        verified = ferry.verify()
        assert verified.code == wanted, f"{aside} rows are set aside\n{verified}"


# Making it shorter

def shrink(stage, broken, seconds=60):
    """The last story with fewer steps that still fails the same way, as Broken."""
    until = time.monotonic() + seconds
    best = broken
    for candidate_of in (without_later_days, without_a_table, without_steps):
        tried = True
        while tried and time.monotonic() < until:
            tried = False
            for story in candidate_of(best):
                if time.monotonic() > until:
                    break
                found = fails(stage, story)
                if found and kind_of(found) == kind_of(broken):
                    best, tried = found, True
                    break
    return fails(stage, best.story) or best


def fails(stage, story):
    try:
        stage.play(story)
    except Broken as broken:
        return broken
    return None


def kind_of(broken):
    """What was said, without names and numbers: another failure is not it."""
    lines = broken.why.splitlines()
    told = next((line for line in lines if line.startswith("error: ")), lines[0])
    return re.sub(r"[0-9]+|\"[^\"]*\"|\S*[./]\S*", "", told)[:30]


def without_later_days(broken):
    if broken.day + 1 < len(broken.story.days):
        yield Story(broken.story.seed, broken.story.days[:broken.day + 1],
                    broken.story.quiet - {broken.day})


def without_a_table(broken):
    story = broken.story
    for name in sorted({step.table for day in story.days for step in day if step.table}):
        yield Story(story.seed, [[s for s in day if s.table != name] for day in story.days],
                    story.quiet)


def without_steps(broken):
    """A half of the steps of a day, a quarter, … one of them."""
    story = broken.story
    for number, steps in enumerate(story.days):
        size = max(len(steps) // 2, 1)
        while steps:
            for start in range(0, len(steps), size):
                rest = steps[:start] + steps[start + size:]
                yield Story(story.seed, story.days[:number] + [rest] + story.days[number + 1:],
                            story.quiet)
            if size == 1:
                break
            size //= 2


def told(story):
    """The story as text."""
    lines = []
    for number, day in enumerate(story.days):
        lines.append(f"-- day {number + 1}"
                     + (", without a replay" if number in story.quiet else ""))
        lines += [str(step) for step in day]
    return "\n".join(lines) + "\n"
