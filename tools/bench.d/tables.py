"""The figures in words and tables: for the terminal, and as Markdown for the README."""

from pathlib import Path

import targets

BEGIN, END = "<!-- tools/bench: begin -->", "<!-- tools/bench: end -->"
PICTURE = "tools/bench.d/figures.svg"


def quantity(value, unit):
    if value is None:
        return "-"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    if value < 0.1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def verdict(line):
    return {True: "met", False: "not met", None: "not measured"}[line.met]


def circumstances(part):
    """In the order in which one would tell them."""
    programs = {"rowferry": "rowferry", "sqlite3": "SQLite", "zstd": "zstd", "pgloader": "pgloader"}
    return [part["date"][:10], part["machine"], part["system"],
            f"PostgreSQL {part['postgres']} ({part['server']})",
            ", ".join(f"{name} {part[key]}" for key, name in programs.items() if part[key])]


def rounds(part):
    return f"median of {part['repeat']}" if part["repeat"] > 1 else "one round"


def comparison_rows(part):
    """(what, ours, beside, theirs, ratio, target, verdict), as text."""
    for line in targets.comparison(part):
        yield (line.what, quantity(line.ours, line.unit), line.beside,
               quantity(line.theirs, line.unit), number(line.ratio), f"{line.most:.2f}",
               verdict(line))


def growth_rows(part):
    """(what, small, large, ratio, target, verdict), as text. Memory has a limit instead."""
    for line in targets.growth(part):
        yield (line.what, quantity(line.theirs, line.unit), quantity(line.ours, line.unit),
               number(line.ratio), f"{line.most:.2f}", verdict(line))


def number(ratio):
    return "-" if ratio is None else f"{ratio:.2f}"


COMPARISON_HEAD = ("work", "rowferry", "beside", "", "ratio", "at most", "")
GROWTH_HEAD = ("work", "small", "large", "ratio", "at most", "")


def plain(head, rows):
    """Columns under each other; numbers to the right."""
    rows = [head, *((cell.replace("`", "") for cell in row) for row in rows)]
    rows = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    left = {place for place, name in enumerate(head) if name in ("work", "beside")}
    left.add(len(head) - 1)
    return "\n".join("  ".join(
        cell.ljust(width) if place in left else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows)


def piped(head, rows):
    """A table of Markdown."""
    marks = ["---" if name in ("work", "beside") or place == len(head) - 1 else "---:"
             for place, name in enumerate(head)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
                     for row in [head, marks, *rows])


def size(part):
    return f"{part['database_bytes'] / 1e6:,.0f} MB"


def markdown(document):
    """What stands in the README between the marks; nothing where nothing was measured."""
    paragraphs = []
    if "comparison" in document:
        part = document["comparison"]
        paragraphs += [f"![Bars of the times below]({PICTURE})",
                       f"A database of {size(part)} (scale {part['scale']:g}), {rounds(part)}: "
                       + "; ".join(circumstances(part)) + ".",
                       piped(COMPARISON_HEAD, comparison_rows(part))]
    if "growth" in document:
        part = document["growth"]
        paragraphs += [f"The same work on {size(part['small'])} and on {size(part['large'])}, "
                       f"{rounds(part)}: {'; '.join(circumstances(part))}.",
                       piped(GROWTH_HEAD, growth_rows(part))]
    return "".join(f"{paragraph}\n\n" for paragraph in paragraphs)


def with_markdown(text, document):
    """A text with the part between the marks made anew; ValueError where it has no marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"it has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{markdown(document)}{END}{after}"


def write_markdown(path, document):
    """A file that is there keeps all but the part between the marks."""
    path = Path(path)
    path.write_text(with_markdown(path.read_text(), document) if path.exists()
                    else markdown(document))
