"""Whether a column got a type that it may have.

A column's declaration says which types come into question, from narrow to wide; the values that are
there say which of them hold every value exactly. In a target that was filled from just these values
the narrowest one has to be there; one that took more trips may have a wider one, for values that
are gone again, but not one that does not hold what is there now.

Dates and times are their own matter: they are kept as such only where every value of the column is
of one encoding, and where every value is another moment.
"""

import re

from landing import EXACT, MISFIT, Rule, is_beyond_field, is_beyond_text, read_moment, shape
from sqlite_side import Text

# From narrow to wide. What is on one line is as good as another.
LADDER = [["boolean"], ["bigint"], ["double precision"], ["numeric"], ["text", "text from any"],
          ["bytea", "bytea from any"]]
TEXTS = 4  # numbers stand before it
RANK = {spec: rank for rank, specs in enumerate(LADDER) for spec in specs}


def assert_allowed(table, decisions, asked, fresh):
    for place, (column, decision) in enumerate(zip(table.columns, decisions)):
        if (table.name, column.name) in asked.decided or asked.keeps \
                or decision.on_mismatch != "widen":
            continue
        values = [row[place] for row in table.rows if row[place] is not None
                  and not is_beyond_field(row[place])]
        trouble = why_not(column, decision.conversion, values, fresh)
        assert not trouble, \
            f"{table.name}.{column.name}, declared {column.declared!r}, is {decision.conversion} " \
            f"({decision.reason}): {trouble}"


def why_not(column, spec, values, fresh):
    """None, or what is wrong. Text that no column of text takes is set aside in any case; it may
    count as text when the type is chosen, or not at all."""
    spec = spec.removesuffix(", told apart")
    beyond = any(is_beyond_text(v) for v in values)
    values = [v for v in values if not is_beyond_text(v)]
    wrong = next((v for v in values if Rule(spec).takes(v) is MISFIT), None)
    if wrong is not None:
        return f"{wrong!r:.100} does not fit"
    if re.match(r"(date|time|timestamp|timestamptz)(\(\d\))? from ", spec):
        return why_no_moment(column, spec, values) if values else None
    rank = RANK.get(re.sub(r"\([\d, ]+\)$", "", spec))
    if rank is None:
        return "that is never chosen unasked"
    if not fresh or not values:
        return None
    least = narrowest(column, values)
    if rank == least or {rank, least} <= {2, 3} and is_decimal(column):
        return None
    if beyond and rank == narrowest(column, [*values, Text(b"text")]):
        return None
    return f"{LADDER[least][0]} would hold them all"


def is_decimal(column):
    return re.match(r"\s*(DECIMAL|NUMERIC)\b", column.declared, re.I) is not None


def base_rank(column):
    declared = column.declared.upper()
    if declared.startswith("BOOL"):
        return 0
    if is_decimal(column):
        return 2
    return {"INTEGER": 1, "REAL": 2, "TEXT": 4, "BLOB": 1, "NUMERIC": 1}[column.affinity]


def narrowest(column, values):
    for rank in range(base_rank(column), len(LADDER)):
        if rank < TEXTS and any(isinstance(v, bytes) for v in values):
            continue  # a text that spells a number is no number
        if any(all(Rule(spec).takes(v) is not MISFIT for v in values) for spec in LADDER[rank]):
            return rank
    raise AssertionError("bytea from any holds everything")


def why_no_moment(column, spec, values):
    if not re.search("DATE|TIME", column.declared, re.I):
        return "nothing was said of dates"
    kind, _, encoding = spec.partition(" from ")
    kinds = {type(v) for v in values}
    if encoding.startswith("iso"):
        if kinds - {Text}:
            return "its values are not all texts"
        texts = {v.decode() for v in values}
        if len({shape(t) for t in texts}) > 1:
            return f"its texts are written in several ways: {sorted(texts)[:5]}"
        moments = [read_moment(t) for t in texts]
        if kind.startswith("timestamptz") != any(m[2] is not None for m in moments):
            return "its zone"
        if kind.startswith("date") != all(m[1] is None for m in moments):
            return "it is more, or less, than a date"
    elif kinds - {int, float}:
        return "its values are not all numbers"
    taken = [Rule(spec).takes(v) for v in values]
    same = {v if isinstance(v, bytes) or abs(v) > EXACT else float(v) for v in values}
    if len(set(taken)) != len(same):
        return "two values become one moment"
    return None
