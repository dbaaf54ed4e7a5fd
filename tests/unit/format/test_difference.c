/* What differs between any two snapshots, and links between them. The oracle is what chain.c keeps: the rows
 * of each snapshot in a plain array. What a difference says is done to one array, in the plainest way, and
 * has to make the other. */
#include <stdio.h>
#include <stdlib.h>

#include "chain.h"
#include "format/difference.h"
#include "format/link.h"
#include "format/pool.h"
#include "format/state.h"

#define SNAPSHOTS 8u

/* The rows of every snapshot, and its manifest. */
struct past {
    struct chain chain;
    uint32_t count;
    struct chain_row *rows[SNAPSHOTS];
    uint32_t row_count[SNAPSHOTS];
    struct rf_snapshot_name names[SNAPSHOTS];
    struct rf_manifest manifests[SNAPSHOTS];
};

static void remember(struct past *past) {
    const struct chain *chain = &past->chain;
    uint32_t at = past->count++;
    struct rf_error error = {0};
    past->names[at] = chain->newest;
    past->row_count[at] = chain->count;
    past->rows[at] = calloc(chain->count + 1, sizeof *past->rows[at]);
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct chain_row *row = &chain->rows[i];
        past->rows[at][i] =
            (struct chain_row){.rowid = row->rowid, .cells = malloc(row->size), .size = row->size};
        memcpy(past->rows[at][i].cells, row->cells, row->size);
    }
    assert_ok(rf_repository_load(chain->repository, &chain->newest, &past->manifests[at], &error),
              error);
}

static void make_past(struct past *past, enum chain_key key, uint64_t seed) {
    static const uint32_t sizes[] = {0, 1, 30, 60, 60, 120};
    *past = (struct past){.count = 0};
    chain_make(&past->chain, key, seed, sizes[seed % COUNT(sizes)]);
    remember(past);
    while (past->count < 2 + seed % (SNAPSHOTS - 1)) {
        if (chance_one_in(&past->chain.chance, 4)) {
            chain_fold(&past->chain);
        } else {
            chain_step(&past->chain);
        }
        remember(past);
    }
}

static void free_past(struct past *past) {
    for (uint32_t at = 0; at < past->count; at++) {
        for (uint32_t i = 0; i < past->row_count[at]; i++) {
            free(past->rows[at][i].cells);
        }
        free(past->rows[at]);
        rf_manifest_release(&past->manifests[at]);
    }
    chain_free(&past->chain);
}

static const char *about(const struct past *past, uint32_t from, uint32_t to) {
    static char text[96];
    snprintf(text, sizeof text, "key %d, seed %llu, snapshot %u to %u", past->chain.key,
             (unsigned long long)past->chain.seed, from + 1, to + 1);
    return text;
}

static bool by_rowid(const struct past *past) {
    return past->chain.key != CHAIN_COLUMNS;
}

/* ---- differences ---- */

static void assert_content(const struct rf_row_at *at, const struct chain_row *row,
                           const char *where) {
    struct rf_buffer cells = {0};
    rf_rows_put(at->rows, at->row, &cells);
    cr_assert(cells.size == row->size && memcmp(cells.bytes, row->cells, row->size) == 0, "%s",
              where);
    rf_buffer_release(&cells);
}

/* The row of the array that this is: by rowid, or by content where there is none. */
static uint32_t place_of(const struct past *past, uint32_t snapshot, const struct rf_row_at *at) {
    struct rf_buffer cells = {0};
    rf_rows_put(at->rows, at->row, &cells);
    uint32_t place = 0;
    for (; place < past->row_count[snapshot]; place++) {
        const struct chain_row *row = &past->rows[snapshot][place];
        if (by_rowid(past)
                ? row->rowid == at->rowid
                : row->size == cells.size && memcmp(row->cells, cells.bytes, row->size) == 0) {
            break;
        }
    }
    rf_buffer_release(&cells);
    return place;
}

/* What has become of each row of either side, as far as items say so. */
struct verdict {
    bool gone[256], new[256], updated[256];
    uint32_t moved_to[256]; /* of old rows; 0: not, else place + 1 */
    bool moved_here[256];
    uint32_t items, last_gone, last_new, last_moved;
};

/* Each ascends, and no row is named twice. */
static void take_item(const struct past *past, uint32_t from, uint32_t to,
                      const struct rf_row_change *change, struct verdict *verdict) {
    const char *where = about(past, from, to);
    uint32_t old = change->old.rows ? place_of(past, from, &change->old) : 0;
    uint32_t new = change->new.rows ? place_of(past, to, &change->new) : 0;
    verdict->items++;
    if (change->old.rows) {
        cr_assert_lt(old, past->row_count[from], "%s", where);
        assert_content(&change->old, &past->rows[from][old], where);
    }
    if (change->new.rows) {
        cr_assert_lt(new, past->row_count[to], "%s", where);
        assert_content(&change->new, &past->rows[to][new], where);
    }
    if (change->moved) {
        cr_assert(change->old.rows && change->new.rows && change->old.rowid != change->new.rowid);
        cr_assert_geq(old + 1, verdict->last_moved, "%s", where);
        verdict->last_moved = old + 2;
        verdict->moved_to[old] = new + 1;
        verdict->moved_here[new] = true;
        return;
    }
    if (change->old.rows) {
        cr_assert_geq(old + 1, verdict->last_gone, "%s", where);
        cr_assert(rf_hash_equal(change->old.hash, chain_hash(&past->rows[from][old])));
        verdict->last_gone = old + 2;
        verdict->gone[old] = true;
    }
    if (change->new.rows) {
        cr_assert_geq(new + 1, verdict->last_new, "%s", where);
        cr_assert(rf_hash_equal(change->new.hash, chain_hash(&past->rows[to][new])));
        verdict->last_new = new + 2;
        verdict->new[new] = true;
    }
    if (change->old.rows && change->new.rows &&by_rowid(past)) {
        cr_assert_eq(change->old.rowid, change->new.rowid, "%s", where);
    }
    if (change->old.rows && change->new.rows) {
        verdict->updated[new] = true;
    }
}

/* Rows that are left stand in the same order on both sides, with the same content; and under the same
 * rowid, but where it is said that they moved. */
static void assert_rest(const struct past *past, uint32_t from, uint32_t to,
                        const struct verdict *verdict) {
    const char *where = about(past, from, to);
    uint32_t new = 0;
    for (uint32_t old = 0;; old++, new ++) {
        while (old < past->row_count[from] && verdict->gone[old]) {
            old++;
        }
        while (new < past->row_count[to] && verdict->new[new]) {
            new ++;
        }
        if (old == past->row_count[from] || new == past->row_count[to]) {
            cr_assert(old == past->row_count[from] && new == past->row_count[to], "%s", where);
            return;
        }
        const struct chain_row *was = &past->rows[from][old];
        const struct chain_row *is = &past->rows[to][new];
        cr_assert(was->size == is->size && memcmp(was->cells, is->cells, is->size) == 0, "%s",
                  where);
        bool moved = by_rowid(past) && was->rowid != is->rowid;
        cr_assert_eq(verdict->moved_to[old], moved ? new + 1 : 0, "%s", where);
        cr_assert_eq(verdict->moved_here[new], moved, "%s", where);
    }
}

/* A row that is gone and one that is new, of one rowid, are one item. */
static void assert_paired(const struct past *past, uint32_t from, uint32_t to,
                          const struct verdict *verdict) {
    for (uint32_t old = 0; old < past->row_count[from]; old++) {
        for (uint32_t new = 0; verdict->gone[old] && new < past->row_count[to]; new ++) {
            if (verdict->new[new] && by_rowid(past) &&
                past->rows[from][old].rowid == past->rows[to][new].rowid) {
                cr_assert(verdict->updated[new], "%s", about(past, from, to));
            }
        }
    }
}

/* Where rows keep their keys, exactly those differ whose content does. */
static void assert_least(const struct past *past, uint32_t from, uint32_t to,
                         const struct verdict *verdict) {
    for (uint32_t old = 0; old < past->row_count[from]; old++) {
        bool same = false;
        for (uint32_t new = 0; !same &&new < past->row_count[to]; new ++) {
            const struct chain_row *was = &past->rows[from][old];
            const struct chain_row *is = &past->rows[to][new];
            same = (!by_rowid(past) || was->rowid == is->rowid) && was->size == is->size &&
                   memcmp(was->cells, is->cells, is->size) == 0;
        }
        cr_assert_eq(verdict->gone[old], !same, "%s: row %u", about(past, from, to), old);
    }
}

struct ways {
    uint32_t by_key, by_touch, by_origin;
};

static void count_way(const struct rf_difference *difference, struct ways *ways) {
    const char *way = rf_difference_way(difference);
    ways->by_key += strcmp(way, "by key") == 0;
    ways->by_touch += strcmp(way, "by touch") == 0;
    ways->by_origin += strcmp(way, "by origin") == 0;
}

static void differ(struct past *past, uint32_t from, uint32_t to, bool between_known,
                   struct ways *ways, uint32_t *items) {
    struct rf_error error = {0};
    struct rf_between *between = NULL;
    struct rf_difference *difference;
    struct verdict verdict = {.items = 0};
    if (between_known) {
        assert_ok(rf_between_load(past->chain.repository, &past->names[from], &past->names[to],
                                  &between, &error),
                  error);
    }
    assert_ok(rf_difference_new(past->chain.repository, &past->manifests[from].tables[0],
                                &past->manifests[to].tables[0], between, NULL, &difference, &error),
              error);
    count_way(difference, ways);
    bool moving = strcmp(rf_difference_way(difference), "by origin") == 0;
    for (;;) {
        struct rf_row_change change;
        assert_ok(rf_difference_next(difference, &change, &error), error);
        if (!change.old.rows && !change.new.rows) {
            break;
        }
        take_item(past, from, to, &change, &verdict);
    }
    assert_rest(past, from, to, &verdict);
    assert_paired(past, from, to, &verdict);
    if (!moving) {
        assert_least(past, from, to, &verdict);
    }
    *items = verdict.items;
    rf_difference_free(difference);
    rf_between_free(between);
}

/* ---- links ---- */

static void assert_scanned(const struct past *past, uint32_t to,
                           const struct rf_manifest_table *table, const char *where) {
    struct rf_error error = {0};
    struct rf_state *state;
    struct rf_scan *scan;
    struct rf_span span;
    uint32_t place = 0;
    assert_ok(rf_state_open(past->chain.repository, table, &state, &error), error);
    assert_ok(rf_scan_new(state, 0, rf_state_parts(state), &scan, &error), error);
    for (;;) {
        assert_ok(rf_scan_next(scan, &span, &error), error);
        if (span.count == 0) {
            break;
        }
        for (uint32_t i = 0; i < span.count; i++, place++) {
            struct rf_row_at at = {.rows = span.rows, .row = span.first + i};
            cr_assert_lt(place, past->row_count[to], "%s", where);
            assert_content(&at, &past->rows[to][place], where);
            if (by_rowid(past)) {
                cr_assert_eq(span.rows->rowids[at.row] + span.shift, past->rows[to][place].rowid,
                             "%s", where);
            }
        }
    }
    cr_assert_eq(place, past->row_count[to], "%s", where);
    rf_scan_free(scan);
    rf_state_close(state);
}

/* The delta upon what `from` is made of has to make the rows of `to`. */
static void assert_leads(struct past *past, uint32_t from, uint32_t to,
                         const struct rf_link *link) {
    const struct rf_manifest_table *table = &link->manifest.tables[0];
    struct rf_manifest_table made = past->manifests[from].tables[0];
    struct rf_archive_ref refs[40];
    memcpy(refs, made.state, made.state_count * sizeof *refs);
    made.state = refs;
    if (table->change == RF_CHANGE_DELTA) {
        refs[made.state_count++] = table->delta;
    }
    made.digest = table->digest;
    assert_scanned(past, to, &made, about(past, from, to));
}

static void assert_counts(struct past *past, uint32_t from, uint32_t to,
                          const struct rf_link *link) {
    const struct rf_manifest_table *table = &link->manifest.tables[0];
    struct rf_error error = {0};
    struct rf_archive *archive;
    cr_assert_eq(link->manifest.parent, past->names[from].number);
    cr_assert(rf_hash_equal(link->manifest.parent_digest, past->names[from].digest));
    cr_assert_eq(link->count, table->change == RF_CHANGE_DELTA);
    if (link->count == 0) {
        cr_assert_eq(table->inserted + table->updated + table->deleted + table->moved, 0);
        return;
    }
    assert_ok(rf_repository_open_archive(past->chain.repository, &table->delta, &archive, &error),
              error);
    cr_assert_eq(table->inserted + table->updated, rf_archive_rows(archive, RF_BLOCK_ROWS));
    cr_assert_eq(table->deleted + table->updated, rf_archive_rows(archive, RF_BLOCK_GONE));
    cr_assert_eq(table->moved > 0, rf_archive_rows(archive, RF_BLOCK_MOVES) > 0, "%s",
                 about(past, from, to));
    cr_assert(memcmp(rf_archive_head_of(archive)->source,
                     rf_repository_source(past->chain.repository), RF_SOURCE_ID_SIZE) == 0);
    rf_archive_close(archive);
}

static void link_pair(struct past *past, uint32_t from, uint32_t to) {
    struct rf_error error = {0};
    struct rf_link link;
    char folder[PATH_MAX];
    scratch_make(folder);
    struct rf_link_options options = {
        .folder = folder, .pool = past->chain.pool, .level = 1, .unsynced = true};
    assert_ok(rf_link_make(past->chain.repository, &past->names[from], &past->names[to], &options,
                           &link, &error),
              error);
    cr_assert_eq(scratch_count(folder), link.count);
    rf_repository_lend(past->chain.repository, link.archives, link.count);
    assert_leads(past, from, to, &link);
    assert_counts(past, from, to, &link);
    rf_repository_lend(past->chain.repository, NULL, 0);
    rf_link_release(&link);
    rf_link_release(&link);
    scratch_remove(folder);
}

static void all_pairs(enum chain_key key, uint64_t seed, struct ways *ways) {
    struct past past;
    make_past(&past, key, seed);
    for (uint32_t from = 0; from < past.count; from++) {
        for (uint32_t to = 0; to < past.count; to++) {
            uint32_t forward, blind;
            differ(&past, from, to, true, ways, &forward);
            differ(&past, from, to, false, ways, &blind);
            cr_assert(from != to || forward + blind == 0, "%s", about(&past, from, to));
            if (chance_one_in(&past.chain.chance, 3)) {
                link_pair(&past, from, to);
            }
        }
    }
    free_past(&past);
}

static struct ways all_seeds(enum chain_key key) {
    struct ways ways = {0};
    for (uint64_t seed = 0; seed < 14; seed++) {
        all_pairs(key, seed, &ways);
    }
    return ways;
}

Test(difference, by_a_column_that_is_the_rowid) {
    struct ways ways = all_seeds(CHAIN_ALIAS);
    cr_assert(ways.by_touch > 0 && ways.by_key > 0 && ways.by_origin == 0);
}

Test(difference, by_rowid) {
    struct ways ways = all_seeds(CHAIN_ROWID);
    cr_assert(ways.by_touch > 0 && ways.by_key > 0 && ways.by_origin > 0);
}

Test(difference, by_rowid_with_a_declared_key) {
    struct ways ways = all_seeds(CHAIN_KEYED);
    cr_assert(ways.by_touch > 0 && ways.by_key > 0 && ways.by_origin > 0);
}

Test(difference, by_place) {
    struct ways ways = all_seeds(CHAIN_PLACE);
    cr_assert(ways.by_key > 0 && ways.by_origin > 0);
}

Test(difference, by_key_columns) {
    struct ways ways = all_seeds(CHAIN_COLUMNS);
    cr_assert(ways.by_key > 0 && ways.by_touch + ways.by_origin == 0);
}
