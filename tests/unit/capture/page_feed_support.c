#include "page_feed.h"

#include <stdlib.h>
#include <string.h>

#include "format/block.h"

/* ---- one feed, row by row ---- */

struct rows {
    const char *what;
    const struct rf_table *table;
    struct rf_row_feed *feed;
    const struct rf_piece *piece;
    uint32_t at;              /* row of the piece */
    bool inside;              /* a chunk that has not ended */
    struct rf_hash identity;  /* of it */
    struct rf_digest digest;  /* of the pieces */
    struct rf_digest counted; /* of the rows */
    struct rf_census *census;
    uint64_t chunks;
    enum rf_code code;
    struct rf_error error;
};

static void rows_begin(struct rows *rows, struct rf_source *source, const struct rf_table *table,
                       bool pages, unsigned jobs, const char *what) {
    *rows = (struct rows){.what = what, .table = table};
    struct rf_row_feed_options options = {
        .source = source, .table = table, .pages = pages, .jobs = jobs};
    rows->census = calloc(table->column_count, sizeof *rows->census);
    rows->code = rf_row_feed_open(&options, &rows->feed, &rows->error);
}

static void rows_end(struct rows *rows) {
    rf_row_feed_close(rows->feed);
    free(rows->census);
}

static void join_census(struct rf_census *to, const struct rf_census *from) {
    if (from->count[RF_INTEGER] > 0) {
        bool first = to->count[RF_INTEGER] == 0;
        to->min_integer =
            first || from->min_integer < to->min_integer ? from->min_integer : to->min_integer;
        to->max_integer =
            first || from->max_integer > to->max_integer ? from->max_integer : to->max_integer;
    }
    for (int i = 0; i < RF_CLASSES; i++) {
        to->count[i] += from->count[i];
    }
    to->longest = from->longest > to->longest ? from->longest : to->longest;
    to->text_with_nul += from->text_with_nul;
    to->text_not_utf8 += from->text_not_utf8;
}

static void check_piece(struct rows *rows) {
    const struct rf_piece *piece = rows->piece;
    const char *table = rows->table->name;
    cr_assert(piece->rows > 0 && !piece->known, "%s, %s: an empty piece", rows->what, table);
    cr_assert(piece->rows == 1 || piece->starts[piece->rows] <= RF_BATCH_BYTES, "%s, %s",
              rows->what, table);
    cr_assert_leq(piece->rows, RF_BATCH_ROWS);
    cr_assert_eq(piece->begins, !rows->inside, "%s, %s: chunks overlap", rows->what, table);
    cr_assert(piece->begins || rf_hash_equal(piece->identity, rows->identity), "%s, %s", rows->what,
              table);
    rows->identity = piece->identity;
    rows->inside = !piece->ends;
    rows->chunks += piece->ends;
    rf_digest_join(&rows->digest, &piece->digest);
    for (uint32_t i = 0; i < rows->table->column_count; i++) {
        join_census(&rows->census[i], &piece->census[i]);
    }
}

/* False at the end, or when it has failed. */
static bool rows_next(struct rows *rows) {
    if (rows->code != RF_OK) {
        return false;
    }
    if (rows->piece && ++rows->at < rows->piece->rows) {
        return true;
    }
    rows->at = 0;
    rows->code = rf_row_feed_next(rows->feed, &rows->piece, &rows->error);
    if (rows->code != RF_OK || !rows->piece) {
        return false;
    }
    check_piece(rows);
    return true;
}

static void compare_bytes(const struct rows *pages, const uint8_t *a, const uint32_t *a_starts,
                          uint32_t a_at, const uint8_t *b, const uint32_t *b_starts, uint32_t b_at,
                          const char *of) {
    uint32_t size = a_starts[a_at + 1] - a_starts[a_at];
    cr_assert(size == b_starts[b_at + 1] - b_starts[b_at] &&
                  memcmp(a + a_starts[a_at], b + b_starts[b_at], size) == 0,
              "%s, table %s: other %s than SQLite's", pages->what, pages->table->name, of);
}

static void compare_row(struct rows *pages, const struct rows *oracle) {
    const struct rf_piece *a = pages->piece;
    const struct rf_piece *b = oracle->piece;
    uint32_t i = pages->at;
    uint32_t j = oracle->at;
    cr_assert_eq(a->rowids[i], b->rowids[j], "%s, table %s: rowid %lld, not %lld", pages->what,
                 pages->table->name, (long long)a->rowids[i], (long long)b->rowids[j]);
    cr_assert(rf_hash_equal(a->hashes[i], b->hashes[j]), "%s, table %s: another hash", pages->what,
              pages->table->name);
    compare_bytes(pages, a->cells, a->starts, i, b->cells, b->starts, j, "cells");
    cr_assert_eq(a->keys == NULL, b->keys == NULL);
    cr_assert_eq(a->key_starts == NULL, b->key_starts == NULL);
    if (b->keys) {
        compare_bytes(pages, a->keys, a->key_starts, i, b->keys, b->key_starts, j, "key");
    }
    rf_digest_add(&pages->counted, a->hashes[i]);
}

static void compare_sums(const struct rows *pages, const struct rows *oracle) {
    cr_assert(!pages->inside, "%s, table %s: a chunk does not end", pages->what,
              pages->table->name);
    cr_assert(rf_digest_equal(&pages->digest, &pages->counted));
    cr_assert(rf_digest_equal(&pages->digest, &oracle->digest));
    for (uint32_t i = 0; i < pages->table->column_count; i++) {
        cr_assert_arr_eq(&pages->census[i], &oracle->census[i], sizeof pages->census[i],
                         "%s, table %s, column %u: another census", pages->what, pages->table->name,
                         i);
    }
}

static enum feed_verdict compare(struct rows *pages, struct rows *oracle) {
    bool there = rows_next(pages);
    while (there && rows_next(oracle)) {
        compare_row(pages, oracle);
        there = rows_next(pages);
    }
    if (pages->code != RF_OK) {
        cr_assert_eq(pages->code, RF_FAILED, "%s", pages->error.what);
        cr_assert_str_eq(rf_row_feed_unusual(pages->feed), pages->error.what);
        while (rows_next(oracle)) {
        }
        return oracle->code == RF_OK ? FEED_UNUSUAL : FEED_DAMAGED;
    }
    cr_assert(!there || oracle->code != RF_OK, "%s, table %s: SQLite has no more rows", pages->what,
              pages->table->name);
    while (there) { /* SQLite has refused; the pages must, too */
        there = rows_next(pages);
    }
    bool more = rows_next(oracle);
    cr_assert(!more, "%s, table %s: SQLite has more rows", pages->what, pages->table->name);
    cr_assert(oracle->code == RF_OK || pages->code != RF_OK,
              "%s, table %s: SQLite refuses what the pages give: %s", pages->what,
              pages->table->name, oracle->error.detail);
    if (pages->code != RF_OK) {
        return FEED_DAMAGED;
    }
    cr_assert_null(rf_row_feed_unusual(pages->feed));
    compare_sums(pages, oracle);
    return FEED_SAME;
}

enum feed_verdict feed_compare(struct rf_source *source, const struct rf_table *table,
                               unsigned jobs, const char *what) {
    struct rows pages, oracle;
    rows_begin(&pages, source, table, true, jobs, what);
    cr_assert_eq(pages.code, RF_OK, "%s, table %s: %s", what, table->name, pages.error.what);
    enum feed_verdict verdict = FEED_REFUSED;
    if (!rf_row_feed_refused(pages.feed)) {
        rows_begin(&oracle, source, table, false, 1, what);
        verdict = compare(&pages, &oracle);
        rows_end(&oracle);
    }
    rows_end(&pages);
    return verdict;
}

/* ---- known chunks ---- */

struct chunk {
    struct rf_hash identity;
    struct rf_digest digest;
};

struct chunks {
    struct chunk *at;
    size_t count;
    uint64_t salt; /* of the choice which of them are known */
};

static bool is_known(void *context, struct rf_hash identity) {
    const struct chunks *chunks = context;
    return ((identity.high ^ chunks->salt) * 0x9e3779b97f4a7c15u) >> 63;
}

static bool none_known(void *context, struct rf_hash identity) {
    (void)context;
    return rf_hash_is_zero(identity); /* which it never is */
}

static void read_chunks(struct rf_source *source, const struct rf_table *table, unsigned jobs,
                        bool (*known)(void *, struct rf_hash), struct chunks *chunks) {
    struct rf_row_feed_options options = {.source = source,
                                          .table = table,
                                          .pages = true,
                                          .jobs = jobs,
                                          .known = known,
                                          .context = chunks};
    struct rf_row_feed *feed = NULL;
    struct rf_error error = {0};
    const struct rf_piece *piece = NULL;
    cr_assert_eq(rf_row_feed_open(&options, &feed, &error), RF_OK);
    cr_assert_eq(rf_row_feed_next(feed, &piece, &error), RF_OK, "%s", error.what);
    while (piece) {
        cr_assert_eq(piece->known, is_known(chunks, piece->identity) && known == is_known);
        cr_assert(!piece->known || (piece->rows == 0 && piece->begins && piece->ends));
        if (piece->begins) {
            chunks->at = realloc(chunks->at, (chunks->count + 1) * sizeof *chunks->at);
            chunks->at[chunks->count++] = (struct chunk){.identity = piece->identity};
        }
        cr_assert_gt(chunks->count, 0);
        rf_digest_join(&chunks->at[chunks->count - 1].digest, &piece->digest);
        cr_assert_eq(rf_row_feed_next(feed, &piece, &error), RF_OK, "%s", error.what);
    }
    rf_row_feed_close(feed);
}

void feed_compare_known(struct rf_source *source, const struct rf_table *table, unsigned jobs,
                        const char *what) {
    struct chunks all = {0};
    struct chunks some = {.salt = 77};
    read_chunks(source, table, 1, none_known, &all);
    read_chunks(source, table, jobs, is_known, &some);
    cr_assert_eq(all.count, some.count, "%s, table %s: %zu chunks, not %zu", what, table->name,
                 some.count, all.count);
    for (size_t i = 0; i < all.count; i++) {
        struct rf_digest none = {0};
        bool known = is_known(&some, all.at[i].identity);
        const struct rf_digest *digest = known ? &none : &all.at[i].digest;
        cr_assert(rf_hash_equal(all.at[i].identity, some.at[i].identity), "%s, table %s, chunk %zu",
                  what, table->name, i);
        cr_assert(rf_digest_equal(&some.at[i].digest, digest), "%s, table %s, chunk %zu", what,
                  table->name, i);
    }
    free(all.at);
    free(some.at);
}
