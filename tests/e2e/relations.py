"""What holds beyond a row: foreign keys, and the sequences behind keys that number themselves.

A foreign key has to be in the target wherever PostgreSQL can have it: to columns that are unique
there, of the same types, none of them generated. It has to be valid exactly when no row is an
orphan. The next number of a sequence has to be one that no row has, and that SQLite would not give
again either.
"""

from collections import Counter


def assert_same_relations(comparisons, sequences):
    """`comparisons`: of all tables that are in the target, by name in the source."""
    for comparison in comparisons.values():
        assert_same_foreign_keys(comparison, comparisons)
        if sequences:
            assert_sequence_is_ahead(comparison)


def assert_same_foreign_keys(child, comparisons):
    wanted, wished = Counter(), Counter()
    for key in set(child.table.foreign_keys):
        parent = comparisons.get(key.parent)
        if parent is None or len(key.columns) != len(key.parent_columns) \
                or not all(parent.table.column(name) for name in key.parent_columns):
            continue
        columns = [child.names[name] for name in key.columns]
        parents = [parent.names[parent.table.column(name).name] for name in key.parent_columns]
        there = (tuple(columns), parent.there, tuple(parents), key.on_delete, key.on_update)
        wished[there] += 1
        if is_possible(child, columns, parent, parents):
            wanted[there] += 1
    found = Counter()
    for key in child.landed.foreign_keys:
        there = (key.columns, key.parent, key.parent_columns, key.on_delete, key.on_update)
        found[there] += 1
        parent = next(c for c in comparisons.values() if c.there == key.parent)
        orphans = count_orphans(child, key.columns, parent, key.parent_columns)
        assert key.validated == (orphans == 0), \
            f"foreign key of {child.table.name} to {key.parent}: {orphans} orphans, " \
            f"{'valid' if key.validated else 'not valid'}"
    name = child.table.name
    assert not wanted - found, f"foreign keys of {name} missing: {list(wanted - found)}"
    assert not found - wished, f"foreign keys of {name} invented: {list(found - wished)}"


def is_possible(child, columns, parent, parents):
    types = [child.landed.types[name] for name in columns]
    unique = [set(u) for u in (parent.landed.key, *parent.landed.uniques)]
    return set(parents) in unique and len(set(parents)) == len(parents) \
        and types == [parent.landed.types[name] for name in parents] \
        and not set(columns) & child.landed.generated \
        and not set(parents) & parent.landed.generated


def count_orphans(child, columns, parent, parents):
    there = set(values(parent, parents))
    return sum(count for row, count in values(child, columns).items()
               if None not in row and row not in there)


def values(comparison, names):
    places = [list(comparison.landed.types).index(name) for name in names]
    found = Counter()
    for row, count in comparison.landed.rows.items():
        found[tuple(row[place] for place in places)] += count
    return found


def assert_sequence_is_ahead(comparison):
    table, landed = comparison.table, comparison.landed
    if not table.rowid_key:
        return
    name = comparison.names[table.key[0]]
    if landed.types[name] != "bigint":
        return
    assert name in landed.sequences, f"{table.name}.{name} does not number itself"
    largest = max((int(row[0]) for row in values(comparison, [name])), default=0)
    least = min(max(largest, table.sequence or 0, 0) + 1, 2**63 - 1)
    assert landed.sequences[name] >= least, \
        f"the next {table.name}.{name} would be {landed.sequences[name]}, not {least} or more"
