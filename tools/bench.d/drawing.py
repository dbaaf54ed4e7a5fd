"""The times of a run as bars, in SVG that reads on light and on dark pages."""

from xml.sax.saxutils import escape

from tables import circumstances, quantity, rounds, size
from targets import OURS

WIDTH, LABELS, BAR, ROW, HEAD, GAP = 820, 270, 460, 20, 24, 14

# A heading, and the bars under it: (label, step, who). Who was not measured has no bar.
GROUPS = [
    ("The whole database into PostgreSQL, with indexes and constraints", [
        ("rowferry sync", "sync, first", OURS),
        ("sqlite3 -csv | psql \\copy, CREATE INDEX", "first replay", "-csv | \\copy, CREATE INDEX"),
        ("pgloader", "first replay", "pgloader")]),
    ("Into PostgreSQL from what is prepared: archives, or files for COPY", [
        ("rowferry replay", "first replay", OURS),
        ("binary COPY files, two connections", "first replay", "ready-made binary files")]),
    ("Archive the whole database", [
        ("rowferry capture", "capture", OURS),
        (".dump | zstd -3", "capture", ".dump | zstd -3"),
        ("zstd -3 of the file", "capture", "zstd -3 of the file")]),
    ("Find that nothing changed", [
        ("rowferry capture", "capture, nothing new", OURS),
        ("sqlite3_rsync", "capture, nothing new", "sqlite3_rsync"),
        ("XXH3 of the file", "capture, nothing new", "XXH3 of the file"),
        ("sqldiff", "capture, nothing new", "sqldiff")]),
    ("Find 1 % changed rows", [
        ("rowferry capture", "capture, 1 % changed", OURS),
        ("sqlite3_rsync", "capture, 1 % changed", "sqlite3_rsync"),
        ("sqldiff", "capture, 1 % changed", "sqldiff")]),
    ("Apply 1 % changed rows", [
        ("rowferry replay", "delta replay", OURS),
        ("staged merge by hand", "delta replay", "staged merge by hand")]),
    ("Compare all rows with PostgreSQL", [
        ("rowferry verify", "verify with target", OURS),
        ("pg_dump > /dev/null (reads one side)", "verify with target", "pg_dump")]),
]

STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.head { font-weight: 600; }
.foot { font-size: 11px; fill: #59636e; }
.ours { fill: #0969da; }
.theirs { fill: #afb8c1; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .foot { fill: #9198a1; }
  .ours { fill: #4493f8; }
  .theirs { fill: #57606a; }
}
"""


def text(x, y, kind, content, anchor="start"):
    kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{kind} text-anchor="{anchor}">{escape(content)}</text>'


def bar(y, label, seconds, longest, ours):
    length = max(1.0, BAR * seconds / longest)
    return [text(LABELS - 8, y + 14, "", label, "end"),
            f'<rect x="{LABELS}" y="{y + 3}" width="{length:.1f}" height="{ROW - 6}" rx="2" '
            f'class="{"ours" if ours else "theirs"}"/>',
            text(f"{LABELS + length + 6:.1f}", y + 14, "", quantity(seconds, "seconds"))]


def group(y, heading, bars):
    """(the lines of one group, where the next one begins)"""
    longest = max(seconds for _, seconds, _ in bars)
    lines = [text(0, y + 16, "head", heading)]
    y += HEAD
    for label, seconds, ours in bars:
        lines += bar(y, label, seconds, longest, ours)
        y += ROW
    return lines, y + GAP


def foot(part):
    told = circumstances(part)
    return [f"Shorter is better; the bars of one group share a scale. {size(part)} in SQLite, "
            f"{rounds(part)}.", "; ".join(told[:3]), "; ".join(told[3:])]


def draw(document):
    part = document["comparison"]
    seconds = {(step["step"], step["who"]): step["seconds"] for step in part["steps"]}
    lines, y = [], 0
    for heading, rows in GROUPS:
        bars = [(label, seconds[step, who], who == OURS) for label, step, who in rows
                if (step, who) in seconds]
        if bars:
            drawn, y = group(y, heading, bars)
            lines += drawn
    for line in foot(part):
        y += 16
        lines.append(text(0, y, "foot", line))
    y += 8
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
        f'viewBox="0 0 {WIDTH} {y}" role="img">',
        "<title>Times of rowferry and of others</title>", f"<style>{STYLE}</style>", *lines,
        "</svg>"]) + "\n"
