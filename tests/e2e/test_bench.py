"""tools/bench: its steps work, its ratios are those of the figures, and the README has no other
figures than those it printed."""

import json
import math
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from program import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "tools" / "bench.d"))

import drawing  # noqa: E402
import generate  # noqa: E402
import measure  # noqa: E402
import peers  # noqa: E402
import tables  # noqa: E402
import targets  # noqa: E402

FIGURES = ROOT / "tools" / "bench.d" / "figures.json"
PICTURE = ROOT / "tools" / "bench.d" / "figures.svg"

FACTS = {"date": "2026-01-02T03:04:05Z", "machine": "an <abacus> & co, 2 processors, 24 GiB",
         "system": "Linux 6", "rowferry": "9.9", "sqlite3": "3.40.1",
         "postgres": "15.18", "server": "shared_buffers 512 MB", "zstd": "1.5", "pgloader": None,
         "jobs": 2, "repeat": 5}


def step(name, who, seconds, peak_mib=50, written=0):
    return {"step": name, "who": who, "seconds": seconds, "peak_bytes": peak_mib << 20,
            "written_bytes": written, "rounds": [seconds]}


STEPS = [step("capture", "rowferry", 1.0, 90), step("capture", ".dump | zstd -3", 4.0, 1, 1000),
         step("capture, file untouched", "rowferry", 0.019),
         step("capture, nothing new", "rowferry", 0.5),
         step("capture, nothing new", "XXH3 of the file", 0.1),
         step("capture, 1 % changed", "rowferry", 1.0),
         step("capture, 1 % changed", "sqldiff", 4.0),
         step("first replay", "rowferry", 11.5, 96),
         step("first replay", "ready-made binary files", 10.0),
         step("first replay", "pgloader", 40.0, 1000),
         step("capture, then first replay", "rowferry", 20.0),
         step("sync, first", "rowferry", 17.0, 97), step("delta replay", "rowferry", 3.0),
         step("delta replay", "staged merge by hand", 2.0),
         step("sync, 1 % changed", "rowferry", 2.0),
         step("verify repository", "rowferry", 0.6, 30), step("verify repository", "zstd -t", 0.5),
         step("export, import", "rowferry", 0.5, 24),
         step("export, import", "cat, xxhsum", 0.4, 1), step("restore", "rowferry", 4.5, 48),
         step("restore", "sqlite3 < dump.sql", 3.0),
         step("replay, chain of 100 deltas", "rowferry", 13.0),
         step("replay, chain of 100 deltas", "one full snapshot", 10.4),
         step("many tables, capture", "rowferry", 10.1),
         step("many tables, nothing new", "rowferry", 1.9),
         step("many tables, replay", "rowferry", 30.0)]

# What each line has to come to: worked out by hand from STEPS and the targets of the issue.
EXPECTED = {
    "capture, then first replay": (0.5, 0.40, False),
    "first replay": (1.15, 1.15, True),
    "first `sync`": (0.85, 0.90, True),
    "first capture": (0.25, 0.35, True),
    "bytes of the archives": (0.79, 0.78, False),
    "capture, nothing new": (5.0, 4.0, False),
    "capture, file untouched": (0.95, 1.0, True),
    "capture, 1 % changed": (0.25, 0.25, True),
    "delta replay, 1 % changed": (1.5, 1.0, False),
    "`sync`, 1 % changed": (0.05, 0.05, True),
    "verify with target": (None, 1.0, None),
    "verify of a repository": (1.2, 1.2, True),
    "`export` into `import`": (1.25, 1.25, True),
    "restore": (1.5, 1.0, False),
    "first replay of 100 deltas": (1.25, 1.3, True),
    "peak memory of capture": (90 / 96, 1.0, True),
    "peak memory of replay": (97 / 96, 1.0, False),
    "peak memory of verify": (30 / 96, 1.0, True),
    "peak memory of export and import": (24 / 96, 1.0, True),
    "peak memory of restore": (48 / 96, 1.0, True),
    "10,000 tables of 10 rows, capture": (1.01, 1.0, False),
    "10,000 tables of 10 rows, nothing new": (0.95, 1.0, True),
    "10,000 tables of 10 rows, replay": (0.5, 1.0, True),
}


def comparison(steps=STEPS, **more):
    return {**FACTS, "scale": 1.0, "database_bytes": 761_000_000, "archives_bytes": 790,
            "tables": 10_000, "steps": steps, **more}


def growth():
    small = [step("capture", "rowferry", 1.0), step("verify with target", "rowferry", 2.0)]
    large = [step("capture", "rowferry", 10.6, 97), step("verify with target", "rowferry", 20.0)]
    sizes = {"tables": 0, "archives_bytes": 1}
    return {**FACTS, "small": {"scale": 1.0, "database_bytes": 10**9, "steps": small, **sizes},
            "large": {"scale": 10.0, "database_bytes": 10**10, "steps": large, **sizes}}


def assert_lines(lines, expected):
    assert [line.what for line in lines] == list(expected)
    for line in lines:
        ratio, most, met = expected[line.what]
        assert line.met is met, line
        assert math.isclose(line.most, most), line
        assert line.ratio == ratio or math.isclose(line.ratio, ratio), line


def test_ratios_are_those_of_the_figures():
    assert_lines(targets.comparison(comparison()), EXPECTED)


def test_sqlite3_rsync_is_the_measure_where_there_is_one():
    steps = [*STEPS, step("capture, nothing new", "sqlite3_rsync", 2.0)]
    line = next(line for line in targets.comparison(comparison(steps))
                if line.what == "capture, nothing new")
    assert (line.beside, line.ratio, line.most, line.met) == ("sqlite3_rsync", 0.25, 0.20, False)


def test_other_numbers_of_tables_are_not_judged():
    lines = targets.comparison(comparison(tables=50))
    assert not any("tables" in line.what for line in lines)


def test_growth_is_judged_against_ten_times_the_rows():
    assert_lines(targets.growth(growth()), {
        "capture": (10.6, 10.5, False), "verify with target": (10.0, 10.5, True),
        "peak memory of capture, 10 × the rows": (97 / 96, 1.0, False),
        "peak memory of replay, 10 × the rows": (None, 1.0, None),
        "peak memory of verify, 10 × the rows": (50 / 96, 1.0, True)})


def test_nothing_measured_is_no_failure():
    """A document in which every step failed still shows its lines."""
    document = {"comparison": comparison([], archives_bytes=0)}
    assert tables.markdown(document).count("not measured") == len(EXPECTED)
    assert ElementTree.fromstring(drawing.draw(document)) is not None


def test_picture_is_well_formed_and_to_scale():
    image = ElementTree.fromstring(drawing.draw({"comparison": comparison()}))
    bars = [bar for bar in image.iter("{http://www.w3.org/2000/svg}rect")]
    assert len(bars) == 12
    lengths = [float(bar.get("width")) for bar in bars[:2]]
    assert math.isclose(lengths[0] / lengths[1], 17.0 / 40.0, rel_tol=0.01)
    words = [text.text for text in image.iter("{http://www.w3.org/2000/svg}text")]
    assert any("an <abacus> & co" in text for text in words)
    assert "17.0 s" in words and "40.0 s" in words


def test_markdown_goes_between_the_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    document = {"comparison": comparison(), "growth": growth()}
    tables.write_markdown(page, document)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "| first replay | 11.5 s | ready-made binary files | 10.0 s | 1.15 | 1.15 | met |" \
        in text
    assert "| first capture | 1.00 s | .dump \\| zstd -3 |" in text
    assert "| capture | 1.00 s | 10.6 s | 10.60 | 10.50 | not met |" in text
    tables.write_markdown(page, document)
    assert page.read_text() == text
    page.write_text("no marks")
    with pytest.raises(ValueError):
        tables.write_markdown(page, document)


def test_readme_has_the_figures_that_bench_wrote():
    """None typed by hand: text and picture are what the kept figures give."""
    document = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    readme = (ROOT / "README.md").read_text()
    assert tables.with_markdown(readme, document) == readme
    assert PICTURE.exists() == ("comparison" in document)
    if PICTURE.exists():
        assert PICTURE.read_text() == drawing.draw(document)


def test_by_hand_every_index_is_made():
    """Otherwise those who load by hand would do less work than rowferry."""
    wanted = {line.removesuffix(";") for line in generate.INDEXES.strip().splitlines()}
    assert wanted <= set(peers.INDEXES)
    keys = {f"CREATE UNIQUE INDEX {table}_pkey ON {table} ({', '.join(key)})"
            for table, key in generate.KEYS.items() if key}
    assert keys == set(peers.INDEXES) - wanted


def run_bench(scratch, *args, code=0):
    command = [ROOT / "tools" / "bench", "--program", PROGRAM, "--folder", scratch / "bench",
               "--json", scratch / "out.json", "--without", "pgloader", "--fast", *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    assert not (scratch / "bench" / "server").exists()
    assert not list((scratch / "bench").glob("*/work"))
    return done.stdout


@pytest.mark.plain
def test_bench_measures_every_step(scratch):
    """Small: what is wrong with a step shows all the same."""
    run_bench(scratch, "--scale", "0.002", "--tables", "20", "--svg", scratch / "out.svg",
              "--markdown", scratch / "out.md")
    part = json.loads((scratch / "out.json").read_text())["comparison"]
    measured = {(step["step"], step["who"]) for step in part["steps"]}
    wanted = {(step["step"], step["who"]) for step in STEPS} | {
        ("capture", "zstd -3 of the file"), ("first replay", "-csv | \\copy, CREATE INDEX"),
        ("capture, nothing new", "sqldiff"), ("verify with target", "rowferry"),
        ("verify with target", "pg_dump")}
    assert wanted - measured == {("first replay", "pgloader")}
    assert [line["what"] for line in part["lines"]] == [
        what for what in EXPECTED if "tables" not in what]
    assert [line["what"] for line in part["lines"] if line["met"] is None] == [
        "capture, then first replay", "`sync`, 1 % changed"]
    ElementTree.parse(scratch / "out.svg")
    assert "verify with target" in (scratch / "out.md").read_text()


@pytest.mark.plain
def test_a_single_step_goes_among_those_measured_before(scratch):
    earlier = comparison(scale=0.001, tables=7)
    (scratch / "out.json").write_text(json.dumps({"comparison": earlier}))
    said = run_bench(scratch, "--scale", "0.001", "--only", "verify_repository")
    part = json.loads((scratch / "out.json").read_text())["comparison"]
    others = [step for step in STEPS if step["step"] != "verify repository"]
    assert part["steps"][:len(others)] == others
    anew = part["steps"][len(others):]
    assert [(step["step"], step["who"]) for step in anew] == [
        ("verify repository", "rowferry"), ("verify repository", "zstd -t")]
    assert part["tables"] == 7 and "first replay  " not in said.partition("To reach")[0]
    ratio = next(line["ratio"] for line in part["lines"]
                 if line["what"] == "verify of a repository")
    assert math.isclose(ratio, anew[0]["seconds"] / anew[1]["seconds"])


@pytest.mark.plain
def test_bench_measures_growth_and_keeps_the_comparison(scratch):
    (scratch / "out.json").write_text(json.dumps({"comparison": comparison()}))
    said = run_bench(scratch, "--scale", "0.001", "--growth")
    document = json.loads((scratch / "out.json").read_text())
    assert document["comparison"] == comparison()
    part = document["growth"]
    assert (part["small"]["scale"], part["large"]["scale"]) == (0.001, 0.01)
    assert all(line["ratio"] is not None for line in part["lines"])
    assert "Growth from scale 0.001 to 0.01" in said
    shown = subprocess.run([ROOT / "tools" / "bench", "--from", scratch / "out.json"],
                           capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0 and "not met" in shown.stdout


@pytest.mark.plain
@pytest.mark.parametrize("broken", ["verify", "capture"])
def test_a_step_that_fails_is_told_and_not_judged(scratch, broken):
    """What others did, and what rowferry could still do, is shown all the same."""
    program = scratch / "broken"
    program.write_text(f'#!/bin/sh\n[ "$1" != {broken} ] || {{ echo no use >&2; exit 3; }}\n'
                       f'exec "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    said = run_bench(scratch, "--scale", "0.0005", "--program", program, "--only", "both_halves",
                     "--only", "verify", code=1)
    assert "ended with 3: no use" in said
    part = json.loads((scratch / "out.json").read_text())["comparison"]
    measured = {(step["step"], step["who"]) for step in part["steps"]}
    assert ("verify with target", "rowferry") not in measured
    assert ("sync, first", "rowferry") in measured
    assert ("verify with target", "pg_dump") in measured
    line = next(line for line in part["lines"] if line["what"] == "verify with target")
    assert line["met"] is None and line["theirs"] > 0


def test_memory_of_small_programs_is_told():
    """What bench itself has in memory must not be counted to them."""
    assert measure.floor() < 16 << 20
