"""The judge: is what stands in PostgreSQL what stands in the SQLite file?

It shares nothing with rowferry. One side is read by Python's sqlite3 module (sqlite_side.py), the
other by psql (postgres_side.py), both byte for byte, and what a value has to look like in a column
is worked out by landing.py. The ledger is believed in two things only: which conversion a column
got, which is then judged as well (decisions.py), and which names were chosen. Rows are compared as
multisets: no order, but every duplicate counts.

A row with a value that does not fit has to be in rowferry.set_aside, whole, and not in its table.
"""

from collections import Counter

import decisions
from landing import MISFIT, Rule, as_fetched, is_beyond_field, is_beyond_text, render
from postgres import quote
from postgres_side import Decision, read_target
from relations import assert_same_relations
from sqlite_side import Text, read_source


BLURRING = ("text from any", "bytea from any", "boolean from words")


class Asked:
    """What a test's settings ask for, which a judge of the result has to know.

    tables, columns   names in the target: {"t": "u"}, {("t", "a"): "b"}
    decided           columns (table, column) whose conversion was asked for
    keeps             rows may be set aside for their type; with False none may be lost to it
    """

    def __init__(self, tables=None, columns=None, decided=(), keeps=False):
        self.tables = tables or {}
        self.columns = columns or {}
        self.decided = set(decided)
        self.keeps = keeps


def assert_same(path, target, schema="public", *, tables=None, asked=None, fresh=False,
                sequences=True):
    """Fails unless the target holds exactly the source; returns how many rows are set aside.
    `tables` names those that are to be there, where not all are. With `fresh` the target was filled
    from just this source, so that its types have to be the narrowest for it. Sequences are as they
    should be after a replay, but not where a test wrote numbers of its own into the target."""
    asked = asked or Asked()
    source = read_source(path)
    if tables is not None:
        source = {name: source[name] for name in tables}
    landed, ledger = read_target(target, schema)
    wanted = {asked.tables.get(name, name): name for name in source}
    assert sorted(landed) == sorted(wanted), \
        f"tables: {sorted(set(landed) ^ set(wanted))} are on one side only"
    assert set(ledger.aside) | set(ledger.altered) <= set(source), \
        f"set aside of tables that are not there: {set(ledger.aside) | set(ledger.altered)}"
    comparisons = {name: Comparison(source[name], landed[there], ledger, asked,
                                    (target, schema, there)) for there, name in wanted.items()}
    aside = sum(comparison.judge(fresh) for _, comparison in sorted(comparisons.items()))
    assert_same_relations(comparisons, sequences)
    return aside


class Comparison:
    """One table, with its columns in the order of the source."""

    def __init__(self, table, landed, ledger, asked, place):
        self.table = table
        self.landed = landed
        self.asked = asked
        self.place = place  # target, schema, name there
        self.there = place[2]
        self.aside = ledger.aside.get(table.name, Counter())
        self.altered = ledger.altered.get(table.name, Counter())
        self.names = {c.name: asked.columns.get((table.name, c.name), c.name)
                      for c in table.columns}
        # A table that changed its shape has its new columns at the end.
        assert sorted(landed.types) == sorted(self.names.values()), \
            f"columns of {table.name}: {list(landed.types)}"
        self.places = [list(landed.types).index(there) for there in self.names.values()]
        self.decisions = [self.decision_of(c, ledger) for c in table.columns]
        self.rules = [Rule(d.conversion, landed.types[d.target], d.target in landed.not_null)
                      for d in self.decisions]

    def decision_of(self, column, ledger):
        there = self.names[column.name]
        decision = ledger.columns.get((self.table.name, column.name))
        if decision is None:
            assert not ledger.columns, f"the ledger does not know {self.table.name}.{column.name}"
            kind = self.landed.types[there]
            if kind == "text" and column.affinity != "TEXT":
                kind = "text from any"
            return Decision(there, kind, "set-aside", "by its type")
        assert decision.target == there and decision.reason, f"{self.table.name}: {decision}"
        return decision

    def judge(self, fresh):
        decisions.assert_allowed(self.table, self.decisions, self.asked, fresh)
        wanted, altered, misfits = self.expected()
        landed = Counter()
        for row, count in self.landed.rows.items():
            ordered = (row[place] for place in self.places)
            landed[tuple(rule.landed(v) for rule, v in zip(self.rules, ordered))] += count
        refused = self.refused_as_a_whole(wanted - landed)
        name = self.table.name
        assert_equal_bags(f"rows of {name}", wanted - refused, landed, list(self.names.values()))
        assert_equal_bags(f"rows of {name} set aside", misfits,
                          self.aside if not refused else self.aside & misfits)
        assert_equal_bags(f"values of {name} that were altered", altered, self.altered)
        self.assert_same_constraints(landed)
        return sum(misfits.values()) + sum(refused.values())

    def expected(self):
        """Rows that have to be in the table, values that were altered, rows that stand aside."""
        wanted, altered, misfits = Counter(), Counter(), Counter()
        for row in self.table.rows:
            values, changed, aside = [], [], []
            for column, rule, decision, value in zip(self.table.columns, self.rules, self.decisions,
                                                     row):
                taken = rule.takes(value)
                told = (column.name, *class_and_bytes(value))
                if taken is MISFIT and decision.on_mismatch == "null" and not rule.not_null \
                        and not is_beyond_text(value):
                    taken = None
                    changed.append(told)
                elif rule.alters(value):
                    changed.append(told)
                if taken is MISFIT:
                    self.assert_may_stand_aside(column, rule, decision, value)
                    aside.append(told)
                values.append(taken)
            if aside:
                misfits[frozenset(aside)] += 1
            else:
                wanted[tuple(values)] += 1
                altered.update(changed)
        return wanted, altered, misfits

    def assert_may_stand_aside(self, column, rule, decision, value):
        excused = is_beyond_text(value) or is_beyond_field(value)
        assert excused or self.asked.keeps or decision.on_mismatch != "widen", \
            f"{self.table.name}.{column.name} ({rule.spec}): {value!r:.100} is lost to its type"

    def refused_as_a_whole(self, missing):
        """Rows of which each value fits, but PostgreSQL's pages do not: the server is asked."""
        refused = Counter()
        for row, count in missing.items():
            if len(row) > 300 and sum(self.aside.values()) and not takes_row(self, row):
                refused[row] = count
        return refused

    # Constraints

    def assert_same_constraints(self, landed):
        table, name = self.table, self.table.name
        there = lambda columns: tuple(self.names[c] for c in columns)  # noqa: E731
        key = list(there(table.key))
        if table.key_may_be_null and not self.landed.key:
            assert not key or tuple(key) in self.landed.uniques or self.blurs(table.key), \
                f"{name}: its key is not unique"
        elif not (self.blurs(table.key) and not self.landed.key):
            assert self.landed.key == key, f"primary key of {name}: {self.landed.key}, not {key}"
        wanted = {self.names[c.name] for c in table.columns if c.not_null} | set(self.landed.key)
        wanted |= set() if table.key_may_be_null else set(key)
        found = self.landed.not_null
        if self.blurs(table.key) and not self.key_holds_nulls():
            found = found - (set(key) - wanted)  # as with a key that is one there
        assert wanted <= found, f"NOT NULL of {name} missing on {wanted - found}"
        assert found <= wanted, f"NOT NULL of {name} invented on {found - wanted}"
        uniques = {there(u) for u in table.uniques
                   if list(there(u)) != self.landed.key and u not in table.collated
                   and not self.blurs(u)}
        assert uniques <= self.landed.uniques, \
            f"unique of {name} missing: {uniques - self.landed.uniques}"
        for index, (columns, unique) in table.indexes.items():
            if columns not in table.collated and not (unique and self.blurs(columns)):
                assert (there(columns), unique) in self.landed.indexes.values(), \
                    f"index {index} of {name} is missing"

    def key_holds_nulls(self):
        places = [place for place, column in enumerate(self.table.columns) if column.key]
        return any(row[place] is None for row in self.table.rows for place in places)

    def blurs(self, columns):
        """Whether values that SQLite tells apart may be one in these columns of the target."""
        specs = [d.conversion for c, d in zip(self.table.columns, self.decisions)
                 if c.name in columns]
        return any(spec.partition(";")[0].strip() in BLURRING
                   or ";" in spec for spec in specs)


def takes_row(comparison, row):
    """Whether the server has room for a row."""
    target, schema, name = comparison.place
    values = []
    for value, there in zip(row, comparison.names.values()):
        kind = comparison.landed.types[there]
        if value is None:
            values.append("NULL")
        elif kind == "text":
            values.append(f"convert_from(decode('{value}', 'hex'), 'UTF8')")
        else:
            values.append(f"'{value}'")
    try:
        columns = ", ".join(map(quote, comparison.names.values()))
        target.script(f"BEGIN; CREATE TEMP TABLE room (LIKE {quote(schema)}.{quote(name)}) "
                      f"ON COMMIT DROP; INSERT INTO room ({columns}) VALUES ({', '.join(values)});"
                      "ROLLBACK")
    except AssertionError as why:
        assert "row is too big" in str(why) or "row size" in str(why), str(why)[:500]
        return False
    return True


def class_and_bytes(value):
    """As rowferry.set_aside has to keep a value: numbers in digits, the rest byte by byte."""
    if value is None:
        return "null", None
    if isinstance(value, bytes):
        return "text" if isinstance(value, Text) else "blob", as_fetched(value)
    return "real" if isinstance(value, float) else "integer", render(value).hex()


def assert_equal_bags(what, wanted, found, names=None):
    if wanted == found:
        return
    missing, extra = wanted - found, found - wanted
    lines = [f"{what}: {sum(missing.values())} missing, {sum(extra.values())} extra"]
    if names and len(names) < 40:
        lines.append("  columns: " + ", ".join(names))
    for sign, bag in (("-", missing), ("+", extra)):
        lines += [f"{sign} {count} x {shortened(row)}" for row, count in list(bag.items())[:5]]
    raise AssertionError("\n".join(lines))


def shortened(row):
    whole = ", ".join(str(v) if v is None or len(str(v)) < 60 else f"{str(v)[:57]}..." for v in row)
    return whole if len(whole) < 1000 else f"{whole[:997]}..."
