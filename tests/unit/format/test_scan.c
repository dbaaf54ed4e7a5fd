/* Reading a table's rows from a full archive and the deltas upon it: every row once, as it is at
 * the snapshot, whichever way the scan is cut. The oracle is the array in chain.c. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain.h"
#include "format/check.h"
#include "format/state.h"

#define SEED(chain) (unsigned long long)(chain)->seed

static struct rf_manifest_table *load(const struct chain *chain, struct rf_manifest *manifest) {
    struct rf_error error = {0};
    assert_ok(rf_repository_load(chain->repository, &chain->newest, manifest, &error), error);
    return &manifest->tables[0];
}

static struct rf_state *open_state(const struct chain *chain) {
    struct rf_manifest manifest;
    struct rf_state *state;
    struct rf_error error = {0};
    assert_ok(rf_state_open(chain->repository, load(chain, &manifest), &state, &error), error);
    rf_manifest_release(&manifest);
    return state;
}

static struct rf_scan *open_scan(struct rf_state *state, uint32_t first, uint32_t count,
                                 bool ahead) {
    struct rf_scan *scan;
    struct rf_error error = {0};
    assert_ok(rf_scan_new(state, first, count, &scan, &error), error);
    if (ahead) {
        assert_ok(rf_scan_ahead(scan, &error), error);
    }
    return scan;
}

/* Holds the next row of a scan against row number `place` of the oracle. */
static void assert_row(const struct chain *chain, const struct rf_span *span, uint32_t i,
                       uint32_t place, struct rf_buffer *cells) {
    cr_assert_lt(place, chain->count, "key %d, seed %llu: a row too many", chain->key, SEED(chain));
    const struct chain_row *row = &chain->rows[place];
    uint32_t at = span->first + i;
    rf_buffer_clear(cells);
    rf_rows_put(span->rows, at, cells);
    cr_assert(cells->size == row->size && memcmp(cells->bytes, row->cells, row->size) == 0,
              "key %d, seed %llu: row %u of %u is another", chain->key, SEED(chain), place,
              chain->count);
    if (chain->key != CHAIN_COLUMNS) {
        cr_assert_eq(span->rows->rowids[at] + span->shift, row->rowid,
                     "key %d, seed %llu: row %u has another rowid", chain->key, SEED(chain), place);
    }
}

static void read_part(const struct chain *chain, struct rf_scan *scan, uint32_t *place) {
    struct rf_buffer cells = {0};
    struct rf_error error = {0};
    struct rf_span span;
    for (;;) {
        assert_ok(rf_scan_next(scan, &span, &error), error);
        if (span.count == 0) {
            break;
        }
        for (uint32_t i = 0; i < span.count; i++) {
            assert_row(chain, &span, i, (*place)++, &cells);
        }
    }
    assert_ok(rf_scan_next(scan, &span, &error), error);
    cr_assert_eq(span.count, 0, "a scan that has ended stays ended");
    rf_buffer_release(&cells);
    rf_scan_free(scan);
}

static void assert_whole(const struct chain *chain, uint32_t place) {
    cr_assert_eq(place, chain->count, "key %d, seed %llu: %u rows of %u", chain->key, SEED(chain),
                 place, chain->count);
}

/* `cuts` has a bit for each border between parts that is one here. */
static void scan_in_parts(const struct chain *chain, struct rf_state *state, uint64_t cuts,
                          bool ahead) {
    uint32_t parts = rf_state_parts(state);
    uint32_t place = 0;
    for (uint32_t first = 0; first < parts;) {
        uint32_t end = first + 1;
        while (end < parts && !(cuts >> ((end - 1) % 64) & 1)) {
            end++;
        }
        read_part(chain, open_scan(state, first, end - first, ahead), &place);
        first = end;
    }
    assert_whole(chain, place);
}

static void scan_in_all_ways(struct chain *chain) {
    struct rf_state *state = open_state(chain);
    uint32_t parts = rf_state_parts(state);
    cr_assert_geq(parts, 1);
    if (parts <= 5) {
        for (uint64_t cuts = 0; cuts < 1u << (parts - 1); cuts++) {
            scan_in_parts(chain, state, cuts, false);
        }
    } else {
        scan_in_parts(chain, state, 0, false);
        scan_in_parts(chain, state, UINT64_MAX, false);
        for (int i = 0; i < 4; i++) {
            scan_in_parts(chain, state, chance_next(&chain->chance), false);
        }
    }
    scan_in_parts(chain, state, 0, true);
    scan_in_parts(chain, state, chance_next(&chain->chance), true);
    rf_state_close(state);
}

static void skip_through(struct chain *chain, bool ahead) {
    struct rf_state *state = open_state(chain);
    struct rf_scan *scan = open_scan(state, 0, rf_state_parts(state), ahead);
    struct rf_buffer cells = {0};
    struct rf_error error = {0};
    uint32_t place = 0;
    int64_t least = INT64_MIN;
    for (;;) {
        if (chain->count > 0 && chance_one_in(&chain->chance, 2)) {
            uint32_t some = place + chance_below(&chain->chance, chain->count - place + 1);
            int64_t rowid = chain->rows[some < chain->count ? some : chain->count - 1].rowid;
            rowid += rowid < INT64_MAX - 2 ? chance_below(&chain->chance, 3) : 0;
            least = rowid > least ? rowid : least;
            rf_scan_skip_to(scan, least);
        }
        while (place < chain->count && chain->rows[place].rowid < least) {
            place++;
        }
        struct rf_span span;
        assert_ok(rf_scan_next(scan, &span, &error), error);
        for (uint32_t i = 0; i < span.count; i++) {
            assert_row(chain, &span, i, place++, &cells);
        }
        if (span.count == 0) {
            break;
        }
    }
    assert_whole(chain, place);
    rf_buffer_release(&cells);
    rf_scan_free(scan);
    rf_state_close(state);
}

/* The rows of one block kind, with and without passing over what lies before some rowid. */
static void read_blocks(struct chain *chain, bool ahead) {
    struct rf_error error = {0};
    struct rf_archive *archive;
    const struct rf_archive_ref *last = &chain->table.state[chain->table.state_count - 1];
    assert_ok(rf_repository_open_archive(chain->repository, last, &archive, &error), error);
    for (enum rf_block_kind kind = RF_BLOCK_ROWS; kind <= RF_BLOCK_MOVES; kind++) {
        bool skipping = chain->key != CHAIN_COLUMNS && kind != RF_BLOCK_MOVES;
        int64_t least = chain->count > 0 && skipping ? chain->rows[chain->count / 2].rowid : 0;
        uint64_t all = 0, above = 0, found = 0;
        for (int pass = 0; pass < (skipping ? 2 : 1); pass++) {
            struct rf_block_scan *scan;
            const struct rf_rows *rows;
            assert_ok(rf_block_scan_new(archive, kind, &scan, &error), error);
            if (ahead) {
                assert_ok(rf_block_scan_ahead(scan, &error), error);
            }
            if (pass == 1) {
                rf_block_scan_skip_to(scan, least);
            }
            for (;;) {
                assert_ok(rf_block_scan_next(scan, &rows, &error), error);
                if (!rows) {
                    break;
                }
                all += pass == 0 ? rows->count : 0;
                for (uint32_t i = 0; skipping && i < rows->count; i++) {
                    bool counts = rows->rowids[i] >= least;
                    above += pass == 0 && counts;
                    found += pass == 1 && counts;
                }
                cr_assert(pass == 0 || rows->rowids[rows->count - 1] >= least, "an unwanted block");
            }
            rf_block_scan_free(scan);
        }
        cr_assert_eq(all, rf_archive_rows(archive, kind));
        cr_assert_eq(above, found, "seed %llu", SEED(chain));
    }
    rf_archive_close(archive);
}

static void nothing_damaged(void *context, const struct rf_damage *damage) {
    const struct chain *chain = context;
    cr_assert_fail("key %d, seed %llu: %s: %s (%s)", chain->key, SEED(chain), damage->file,
                   damage->error->what, damage->error->detail);
}

static void check_all(struct chain *chain) {
    atomic_int stop = 0;
    struct rf_check_options options = {.stop = &stop, .damage = nothing_damaged, .context = chain};
    struct rf_check_result result;
    struct rf_error error = {0};
    assert_ok(rf_check(chain->repository, &options, &result, &error), error);
    cr_assert_eq(result.snapshots, chain->newest.number);
}

static void one_chain(enum chain_key key, uint64_t seed) {
    static const uint32_t sizes[] = {0, 1, 30, 60, 60, 120};
    struct chain chain;
    chain_make(&chain, key, seed, sizes[seed % COUNT(sizes)]);
    uint32_t steps = (uint32_t)(seed % 7);
    for (uint32_t step = 0;; step++) {
        scan_in_all_ways(&chain);
        if (key != CHAIN_COLUMNS) {
            skip_through(&chain, false);
            skip_through(&chain, true);
        }
        read_blocks(&chain, false);
        read_blocks(&chain, true);
        if (step == steps) {
            break;
        }
        if (chance_one_in(&chain.chance, 8)) {
            chain_fold(&chain);
        } else {
            chain_step(&chain);
        }
    }
    check_all(&chain);
    chain_free(&chain);
}

#define SEEDS 40
#define CHAINS(name, key)                               \
    Test(scan, name) {                                  \
        for (uint64_t seed = 0; seed < SEEDS; seed++) { \
            one_chain(key, seed);                       \
        }                                               \
    }
CHAINS(rows_by_a_column_that_is_the_rowid, CHAIN_ALIAS)
CHAINS(rows_by_rowid, CHAIN_ROWID)
CHAINS(rows_by_rowid_with_a_declared_key, CHAIN_KEYED)
CHAINS(rows_by_place, CHAIN_PLACE)
CHAINS(rows_by_key_columns, CHAIN_COLUMNS)

/* Several threads read one state, each with a scan of its own. */
struct reader {
    pthread_t thread;
    struct rf_state *state;
    uint32_t part;
    uint64_t rows;
    enum rf_code code;
};

static void *read_on_thread(void *argument) {
    struct reader *reader = argument;
    struct rf_scan *scan;
    struct rf_span span = {.count = 1};
    struct rf_error error;
    reader->code = rf_scan_new(reader->state, reader->part, 1, &scan, &error);
    while (reader->code == RF_OK && span.count > 0) {
        reader->code = rf_scan_next(scan, &span, &error);
        reader->rows += reader->code == RF_OK ? span.count : 0;
    }
    rf_scan_free(scan);
    return NULL;
}

Test(scan, parts_on_threads) {
    struct chain chain;
    chain_make(&chain, CHAIN_ALIAS, 3, 120);
    chain_step(&chain);
    chain_step(&chain);
    struct rf_state *state = open_state(&chain);
    uint32_t parts = rf_state_parts(state);
    cr_assert_geq(parts, 8);
    struct reader *readers = calloc(parts, sizeof *readers);
    for (uint32_t i = 0; i < parts; i++) {
        readers[i].state = state;
        readers[i].part = i;
        cr_assert_eq(pthread_create(&readers[i].thread, NULL, read_on_thread, &readers[i]), 0);
    }
    uint64_t rows = 0;
    for (uint32_t i = 0; i < parts; i++) {
        pthread_join(readers[i].thread, NULL);
        cr_assert_eq(readers[i].code, RF_OK);
        rows += readers[i].rows;
    }
    cr_assert_eq(rows, chain.count);
    free(readers);
    rf_state_close(state);
    chain_free(&chain);
}

/* A damaged block fails when its turn comes, not before; one that is passed over harms nobody. Reading
 * ahead changes neither. */
Test(scan, damage_read_ahead) {
    struct chain chain;
    struct rf_buffer bytes = {0};
    struct rf_error error = {0};
    char name[128], path[PATH_MAX];
    chain_make(&chain, CHAIN_ALIAS, 1, 120);
    snprintf(name, sizeof name, "archives/%s", chain.state[0].name);
    scratch_read(scratch_path(chain.path, name, path), &bytes);
    struct rf_state *state = open_state(&chain);
    struct rf_archive *archive;
    assert_ok(rf_archive_open(rf_io_posix(), path, NULL, &archive, &error), error);
    cr_assert_geq(rf_archive_blocks(archive), 8);
    const struct rf_block_place *third = rf_archive_block(archive, 2);
    bytes.bytes[third->offset + third->size - 1] ^= 1;
    scratch_write(path, bytes.bytes, bytes.size);

    struct rf_span span;
    struct rf_scan *scan = open_scan(state, 0, rf_state_parts(state), true);
    assert_ok(rf_scan_next(scan, &span, &error), error);
    assert_ok(rf_scan_next(scan, &span, &error), error);
    cr_assert_eq(rf_scan_next(scan, &span, &error), RF_CORRUPT);
    cr_assert(strstr(error.detail, "block 2 "), "%s", error.detail);
    rf_scan_free(scan);

    scan = open_scan(state, 0, rf_state_parts(state), true);
    assert_ok(rf_scan_next(scan, &span, &error), error);
    rf_scan_skip_to(scan, third->facts.last + 1);
    uint64_t rows = 0;
    do {
        assert_ok(rf_scan_next(scan, &span, &error), error);
        rows += span.count;
    } while (span.count > 0);
    uint64_t before = 0;
    for (uint32_t i = 0; i <= 2; i++) {
        before += rf_archive_block(archive, i)->facts.rows;
    }
    cr_assert_eq(rows, chain.count - before);
    rf_scan_free(scan);
    rf_archive_close(archive);
    rf_state_close(state);
    rf_buffer_release(&bytes);
    chain_free(&chain);
}

/* Archives that do not belong together are found when they are opened. */
Test(scan, archives_that_do_not_continue_each_other) {
    struct chain chain, other;
    chain_make(&chain, CHAIN_ALIAS, 4, 30);
    chain_step(&chain);
    chain_step(&chain);
    chain_make(&other, CHAIN_ROWID, 4, 30);
    struct rf_error error = {0};
    struct rf_state *state;
    struct rf_manifest_table table = chain.table;
    struct rf_archive_ref swapped[] = {table.state[0], table.state[2], table.state[1]};
    table.state = swapped;
    cr_assert_eq(rf_state_open(chain.repository, &table, &state, &error), RF_CORRUPT);
    cr_assert_null(state);
    swapped[1] = swapped[2];
    cr_assert_eq(rf_state_open(chain.repository, &table, &state, &error), RF_CORRUPT);
    table.state_count = 2; /* the last one is left out: the rows are not the manifest's */
    cr_assert_eq(rf_state_open(chain.repository, &table, &state, &error), RF_CORRUPT);
    table.state = chain.table.state;
    table.state_count = 3;
    assert_ok(rf_state_open(chain.repository, &table, &state, &error), error);
    rf_state_close(state);
    table.table = other.table.table;
    cr_assert_eq(rf_state_open(chain.repository, &table, &state, &error), RF_CORRUPT);
    chain_free(&other);
    chain_free(&chain);
}
