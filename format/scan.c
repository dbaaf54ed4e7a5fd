/* Scanning a state: the full archive below, a layer for every delta above it.
 *
 * Each layer takes the spans of the one below and gives out its own, both ascending by key. A span
 * is cut only where the layer's delta has something to say: a row that is gone, a run of rowids that
 * moved, a row that comes in between. What lies between such keys passes through whole, so a row costs
 * nothing a layer unless it changed.
 *
 * Keys are int64 rowids, plus the span's shift; or the values of the key columns. Where keys are rowids and
 * nothing moved, all layers share one order of keys, and a part of the scan is a range of it. */
#include <stdlib.h>

#include "format/ahead.h"
#include "format/state_inner.h"

/* A row somewhere in decoded blocks, as far as its key goes. */
struct key {
    const struct rf_rows *rows;
    uint32_t row;
    int64_t shift;
    const uint32_t *columns; /* where the key's cells are; NULL: at 0, 1, 2 … */
};

/* One row after another of one kind of block of one delta. */
struct cursor {
    struct rf_block_scan *scan;
    const struct rf_rows *rows; /* NULL at the end */
    uint32_t row;
};

struct layer {
    struct cursor gone, moves, rows;
    bool whole_gone;      /* rows that are gone are there whole, not by their keys */
    struct rf_span below; /* what is left of the span from the layer below */
    bool below_ended;
};

struct rf_scan {
    struct rf_state *state;
    uint32_t next_block, end_block; /* of the full archive */
    struct rf_ahead *ahead;         /* or NULL, and then these two */
    struct rf_codec *codec;
    struct rf_rows base;
    struct layer *layers; /* one a delta */
    bool has_low, has_high;
    int64_t low, high; /* rowids of the part: [low, high) */
    uint32_t mark;     /* the archive up to which spans tell their origin */
    bool skipping;
    int64_t skip; /* nothing below this rowid is wanted */
};

static bool by_rowid(const struct rf_scan *scan) {
    return scan->state->table->key_kind != RF_KEY_COLUMNS;
}

static int64_t rowid_of(const struct key *key) {
    return (int64_t)((uint64_t)key->rows->rowids[key->row] + (uint64_t)key->shift);
}

static int compare(const struct rf_scan *scan, const struct key *a, const struct key *b) {
    if (by_rowid(scan)) {
        int64_t left = rowid_of(a);
        int64_t right = rowid_of(b);
        return (left > right) - (left < right);
    }
    for (uint32_t i = 0; i < scan->state->table->key_count; i++) {
        struct rf_value left = rf_rows_value(a->rows, a->columns ? a->columns[i] : i, a->row);
        struct rf_value right = rf_rows_value(b->rows, b->columns ? b->columns[i] : i, b->row);
        int order = rf_value_compare(&left, &right);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static struct key span_key(const struct rf_scan *scan, const struct rf_span *span, uint32_t row) {
    return (struct key){.rows = span->rows,
                        .row = span->first + row,
                        .shift = span->shift,
                        .columns = scan->state->table->key};
}

/* How many rows at the start of the span have keys less than `key`: galloping, then halving. */
static uint32_t count_below(const struct rf_scan *scan, const struct rf_span *span,
                            const struct key *key) {
    uint32_t low = 0;
    uint32_t step = 1;
    while (low < span->count) {
        uint32_t probe = low + step - 1 < span->count ? low + step - 1 : span->count - 1;
        struct key at = span_key(scan, span, probe);
        if (compare(scan, &at, key) >= 0) {
            uint32_t high = probe;
            while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                at = span_key(scan, span, middle);
                if (compare(scan, &at, key) < 0) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return low;
        }
        low = probe + 1;
        step *= 2;
    }
    return span->count;
}

static enum rf_code cursor_load(struct cursor *cursor, struct rf_error *error) {
    cursor->row = 0;
    return rf_block_scan_next(cursor->scan, &cursor->rows, error);
}

static enum rf_code cursor_advance(struct cursor *cursor, uint32_t rows, struct rf_error *error) {
    cursor->row += rows;
    return cursor->row < cursor->rows->count ? RF_OK : cursor_load(cursor, error);
}

/* Opens a cursor at its first row within the scan's part. */
static enum rf_code cursor_open(const struct rf_scan *scan, struct cursor *cursor,
                                struct rf_archive *archive, enum rf_block_kind kind,
                                struct rf_error *error) {
    enum rf_code code = rf_block_scan_new(archive, kind, &cursor->scan, error);
    if (code == RF_OK && scan->has_low) {
        rf_block_scan_skip_to(cursor->scan, scan->low);
    }
    if (code == RF_OK) {
        code = cursor_load(cursor, error);
    }
    while (code == RF_OK && scan->has_low && cursor->rows &&
           cursor->rows->rowids[cursor->row] < scan->low) {
        code = cursor_advance(cursor, 1, error);
    }
    return code;
}

static bool cursor_ended(const struct rf_scan *scan, const struct cursor *cursor) {
    return !cursor->rows || (scan->has_high && cursor->rows->rowids[cursor->row] >= scan->high);
}

enum rf_code rf_scan_new(struct rf_state *state, uint32_t first_part, uint32_t part_count,
                         struct rf_scan **made, struct rf_error *error) {
    *made = NULL;
    struct rf_scan *scan = calloc(1, sizeof *scan);
    if (!scan) {
        return rf_fail_memory(error);
    }
    scan->state = state;
    scan->codec = rf_codec_new();
    scan->layers = calloc(state->count, sizeof *scan->layers);
    if (!scan->codec || !scan->layers) {
        rf_scan_free(scan);
        return rf_fail_memory(error);
    }
    struct rf_archive *full = state->archives[0];
    uint32_t blocks = rf_archive_blocks(full);
    bool whole = rf_state_parts(state) == 1;
    scan->next_block = whole ? 0 : first_part;
    scan->end_block = whole || part_count > blocks - first_part ? blocks : first_part + part_count;
    if (state->count > 1 && scan->next_block > 0) {
        scan->has_low = true;
        scan->low = rf_archive_block(full, scan->next_block)->facts.first;
    }
    if (state->count > 1 && scan->end_block < blocks) {
        scan->has_high = true;
        scan->high = rf_archive_block(full, scan->end_block)->facts.first;
    }
    enum rf_code code = RF_OK;
    for (uint32_t i = 1; code == RF_OK && i < state->count; i++) {
        struct layer *layer = &scan->layers[i - 1];
        struct rf_archive *delta = state->archives[i];
        layer->whole_gone = rf_archive_head_of(delta)->gone == RF_GONE_ROW;
        code = cursor_open(scan, &layer->gone, delta, RF_BLOCK_GONE, error);
        if (code == RF_OK && state->moves) {
            code = cursor_open(scan, &layer->moves, delta, RF_BLOCK_MOVES, error);
        }
        if (code == RF_OK) {
            code = cursor_open(scan, &layer->rows, delta, RF_BLOCK_ROWS, error);
        }
    }
    if (code != RF_OK) {
        rf_scan_free(scan);
        return code;
    }
    *made = scan;
    return RF_OK;
}

void rf_scan_free(struct rf_scan *scan) {
    if (scan) {
        for (uint32_t i = 0; scan->layers && i + 1 < scan->state->count; i++) {
            rf_block_scan_free(scan->layers[i].gone.scan);
            rf_block_scan_free(scan->layers[i].moves.scan);
            rf_block_scan_free(scan->layers[i].rows.scan);
        }
        free(scan->layers);
        rf_ahead_free(scan->ahead);
        rf_rows_release(&scan->base);
        rf_codec_free(scan->codec);
        free(scan);
    }
}

enum rf_code rf_scan_ahead(struct rf_scan *scan, struct rf_error *error) {
    return scan->end_block - scan->next_block < 2
               ? RF_OK
               : rf_ahead_new(scan->state->archives[0], RF_BLOCK_ROWS, scan->next_block,
                              scan->end_block, &scan->ahead, error);
}

static enum rf_code base_next(struct rf_scan *scan, struct rf_span *span, struct rf_error *error) {
    struct rf_archive *full = scan->state->archives[0];
    *span = (struct rf_span){0};
    while (scan->skipping && !scan->state->moves && scan->next_block < scan->end_block &&
           rf_archive_block(full, scan->next_block)->facts.last < scan->skip) {
        scan->next_block++;
    }
    if (scan->next_block == scan->end_block) {
        return RF_OK;
    }
    uint32_t block = scan->next_block++;
    const struct rf_rows *rows = &scan->base;
    enum rf_code code = scan->ahead ? rf_ahead_take(scan->ahead, block, &rows, error)
                                    : rf_archive_read(full, scan->codec, block, &scan->base, error);
    if (code == RF_OK) {
        *span = (struct rf_span){.rows = rows, .count = rows->count, .block = block};
    }
    return code;
}

struct run {
    int64_t old_first, new_first, count;
};

static struct run run_at(const struct cursor *moves) {
    struct rf_value cells[3];
    for (uint32_t i = 0; i < 3; i++) {
        cells[i] = rf_rows_value(moves->rows, i, moves->row);
        if (cells[i].class != RF_INTEGER) {
            return (struct run){0};
        }
    }
    return (struct run){cells[0].integer, cells[1].integer, cells[2].integer};
}

/* Rows at the start of the span whose rowid, seen from the layer below, is less. */
static uint32_t rows_below(const struct rf_span *span, int64_t rowid) {
    uint32_t low = 0;
    uint32_t high = span->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int64_t at =
            (int64_t)((uint64_t)span->rows->rowids[span->first + middle] + (uint64_t)span->shift);
        if (at < rowid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Which block of which delta is at fault. */
static enum rf_code at_fault(const struct rf_scan *scan, const struct layer *layer,
                             const struct cursor *cursor, const char *what,
                             struct rf_error *error) {
    const struct rf_archive *delta = scan->state->archives[layer - scan->layers + 1];
    uint32_t block = rf_block_scan_at(cursor->scan);
    rf_fail(error, RF_CORRUPT, "a delta %s", what);
    rf_detail(error, "row %u of block %u at offset %llu of %.200s", cursor->row, block,
              (unsigned long long)rf_archive_block(delta, block)->offset, rf_archive_path(delta));
    return RF_CORRUPT;
}

/* Cuts the span so that one shift holds for all of it, and applies that shift. */
static enum rf_code apply_moves(const struct rf_scan *scan, struct layer *layer,
                                struct rf_span *span, struct rf_error *error) {
    if (!layer->moves.rows) {
        return RF_OK; /* and where keys are no rowids, always */
    }
    int64_t first = (int64_t)((uint64_t)span->rows->rowids[span->first] + (uint64_t)span->shift);
    while (layer->moves.rows) {
        struct run run = run_at(&layer->moves);
        if (run.count < 1 || run.old_first > INT64_MAX - (run.count - 1) ||
            run.new_first > INT64_MAX - (run.count - 1)) {
            return at_fault(scan, layer, &layer->moves, "moves rows in an impossible run", error);
        }
        int64_t last = run.old_first + (run.count - 1);
        if (last < first) {
            enum rf_code code = cursor_advance(&layer->moves, 1, error);
            if (code != RF_OK) {
                return code;
            }
            continue;
        }
        if (first < run.old_first) {
            span->count = rows_below(span, run.old_first);
        } else {
            span->count = last == INT64_MAX ? span->count : rows_below(span, last + 1);
            span->shift = (int64_t)((uint64_t)span->shift + (uint64_t)run.new_first -
                                    (uint64_t)run.old_first);
        }
        break;
    }
    return RF_OK;
}

/* Takes rows off the start of the span from below as long as the delta says they are gone, and
 * cuts `span` before the next one that is. */
static enum rf_code apply_gone(struct rf_scan *scan, struct layer *layer, struct rf_span *span,
                               bool *dropped, struct rf_error *error) {
    *dropped = false;
    while (!cursor_ended(scan, &layer->gone)) {
        struct key gone = {.rows = layer->gone.rows,
                           .row = layer->gone.row,
                           .columns = layer->whole_gone ? scan->state->table->key : NULL};
        struct key first = span_key(scan, span, 0);
        int order = compare(scan, &gone, &first);
        if (order > 0) {
            span->count = count_below(scan, span, &gone);
            return RF_OK;
        }
        enum rf_code code = cursor_advance(&layer->gone, 1, error);
        if (code != RF_OK || order == 0) {
            *dropped = true;
            return code;
        }
    }
    return RF_OK;
}

/* The stretch of new rows that comes before `key`, or all that are left where there is none. */
static enum rf_code take_rows(struct rf_scan *scan, struct layer *layer, const struct key *key,
                              struct rf_span *span) {
    *span = (struct rf_span){.rows = layer->rows.rows,
                             .first = layer->rows.row,
                             .count = layer->rows.rows->count - layer->rows.row,
                             .archive = (uint32_t)(layer - scan->layers) + 1,
                             .block = rf_block_scan_at(layer->rows.scan)};
    if (key) {
        span->count = count_below(scan, span, key);
    }
    if (scan->has_high) {
        uint32_t inside = rows_below(span, scan->high);
        span->count = inside < span->count ? inside : span->count;
    }
    layer->rows.row += span->count;
    return RF_OK;
}

static void tell_origin(const struct rf_scan *scan, uint32_t depth, struct rf_span *span) {
    if (depth == scan->mark) {
        span->origin = span->shift;
    }
}

static enum rf_code layer_next(struct rf_scan *scan, uint32_t depth, struct rf_span *span,
                               struct rf_error *error) {
    if (depth == 0) {
        return base_next(scan, span, error);
    }
    struct layer *layer = &scan->layers[depth - 1];
    for (;;) {
        /* The rows given out last time stay in place until now. */
        if (layer->rows.rows && layer->rows.row == layer->rows.rows->count) {
            enum rf_code code = cursor_load(&layer->rows, error);
            if (code != RF_OK) {
                return code;
            }
        }
        if (layer->below.count == 0 && !layer->below_ended) {
            enum rf_code code = layer_next(scan, depth - 1, &layer->below, error);
            if (code != RF_OK) {
                return code;
            }
            layer->below_ended = layer->below.count == 0;
            tell_origin(scan, depth - 1, &layer->below);
        }
        bool more_rows = !cursor_ended(scan, &layer->rows);
        if (layer->below_ended) {
            *span = (struct rf_span){0};
            return more_rows ? take_rows(scan, layer, NULL, span) : RF_OK;
        }
        struct rf_span passing = layer->below;
        bool dropped;
        enum rf_code code = apply_gone(scan, layer, &passing, &dropped, error);
        if (code != RF_OK) {
            return code;
        }
        if (dropped) {
            layer->below.first++;
            layer->below.count--;
            continue;
        }
        code = apply_moves(scan, layer, &passing, error);
        if (code != RF_OK) {
            return code;
        }
        if (more_rows) {
            struct key next = {.rows = layer->rows.rows,
                               .row = layer->rows.row,
                               .columns = scan->state->table->key};
            struct key first = span_key(scan, &passing, 0);
            int order = compare(scan, &next, &first);
            if (order == 0) {
                return at_fault(scan, layer, &layer->rows, "puts a row where one stands", error);
            }
            if (order < 0) {
                return take_rows(scan, layer, &first, span);
            }
            passing.count = count_below(scan, &passing, &next);
        }
        layer->below.first += passing.count;
        layer->below.count -= passing.count;
        *span = passing;
        return RF_OK;
    }
}

enum rf_code rf_scan_next(struct rf_scan *scan, struct rf_span *span, struct rf_error *error) {
    for (;;) {
        enum rf_code code = layer_next(scan, scan->state->count - 1, span, error);
        if (code != RF_OK) {
            rf_while(error, "while reading table %.120s", scan->state->table->name);
            return code;
        }
        tell_origin(scan, scan->state->count - 1, span);
        if (!scan->skipping || span->count == 0) {
            return RF_OK;
        }
        uint32_t unwanted = rows_below(span, scan->skip);
        span->first += unwanted;
        span->count -= unwanted;
        if (span->count > 0) {
            return RF_OK;
        }
    }
}

void rf_scan_mark(struct rf_scan *scan, uint32_t archives) {
    scan->mark = archives - 1;
}

void rf_scan_skip_to(struct rf_scan *scan, int64_t rowid) {
    scan->skipping = true;
    scan->skip = rowid;
}
