#include "replay/fill.h"

#include <inttypes.h>

#include "replay/computed_fill.h"
#include "replay/json_key.h"

enum rf_code rf_fill_init(struct rf_fill *fill, const struct rf_fill_options *options,
                          struct rf_error *error) {
    *fill = (struct rf_fill){.options = *options};
    enum rf_code code = rf_plan_encoder(options->plan, options->source->census, &fill->arena,
                                        &fill->encoder, error);
    fill->aside = (struct rf_aside){
        .pg = options->pg,
        .target = options->target,
        .table = &options->source->table,
        .plan = options->plan,
        .encoder = &fill->encoder,
        .snapshot = options->snapshot,
    };
    if (code == RF_OK && options->plan->computed) {
        fill->options.schema = RF_COMPUTED_SCHEMA;
        code = rf_computed_open(options->pg, options->plan, error);
    }
    return code;
}

/* What is gathered goes to the server. */
static enum rf_code send_tuples(struct rf_fill *fill, struct rf_error *error) {
    uint64_t bytes = fill->tuples.size;
    enum rf_code code = rf_pg_copy_put(fill->options.pg, &fill->tuples, error);
    rf_run_sent(fill->options.run, fill->options.source->table.name, bytes);
    return code;
}

static enum rf_code begin_copy(struct rf_fill *fill, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_plan_copy_in(fill->options.plan, fill->options.schema, fill->options.freeze, &sql);
    rf_buffer_u8(&sql, 0);
    enum rf_code code = rf_buffer_check(&sql, error);
    if (code == RF_OK) {
        code = rf_pg_copy_in(fill->options.pg, (const char *)sql.bytes, error);
    }
    rf_buffer_release(&sql);
    fill->copying = code == RF_OK;
    rf_buffer_clear(&fill->tuples);
    rf_buffer_append(&fill->tuples, rf_copy_header, sizeof rf_copy_header);
    return code;
}

static enum rf_code end_copy(struct rf_fill *fill, struct rf_error *error) {
    if (!fill->copying) {
        return RF_OK;
    }
    fill->copying = false;
    rf_buffer_append(&fill->tuples, rf_copy_trailer, sizeof rf_copy_trailer);
    enum rf_code code = send_tuples(fill, error);
    uint64_t rows = 0;
    if (code == RF_OK) {
        code = rf_pg_copy_end(fill->options.pg, &rows, error);
    }
    fill->applied += rows;
    return code;
}

/* Lines for the ledger need a COPY of their own, and a connection has one at a time. */
static enum rf_code make_room(struct rf_fill *fill, struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (fill->tuples.size >= RF_PG_COPY_PIECE || fill->tuples.failed) {
        code = send_tuples(fill, error);
    }
    if (code == RF_OK && rf_aside_full(&fill->aside)) {
        code = end_copy(fill, error);
        if (code == RF_OK) {
            code = rf_aside_flush(&fill->aside, error);
        }
    }
    return code;
}

static enum rf_code fail_misfit(struct rf_fill *fill, const struct rf_rows *rows, uint32_t row,
                                int64_t rowid, uint32_t column, enum rf_misfit misfit,
                                struct rf_error *error) {
    const struct rf_encoder_column *at = &fill->encoder.columns[column];
    const struct rf_table *table = &fill->options.source->table;
    struct rf_buffer key = {0}, reason = {0};
    rf_json_key(table, rows, row, rowid, &key);
    rf_misfit_reason(misfit, rf_rows_class(rows, at->cell, row), at->conversion, &reason);
    rf_fail(error, RF_MISPLACED,
            "a value of column %s of table %s does not fit, and is to fail then",
            table->columns[at->cell].name, table->name);
    rf_detail(error, "row %.*s: %.*s", (int)key.size, (const char *)key.bytes, (int)reason.size,
              (const char *)reason.bytes);
    rf_hint(error, "give the column another type, or another on_mismatch than fail; nothing of the "
                   "snapshot was applied.");
    rf_buffer_release(&key);
    rf_buffer_release(&reason);
    return RF_MISPLACED;
}

/* A row that is set aside for one column may have another one that does not go along. */
static enum rf_code check_failing(struct rf_fill *fill, const struct rf_rows *rows, uint32_t row,
                                  int64_t rowid, uint32_t first, struct rf_error *error) {
    for (uint32_t i = first; i < fill->encoder.count; i++) {
        if (fill->encoder.columns[i].fail_misfits) {
            enum rf_misfit misfit = rf_encode_probe(&fill->encoder, rows, row, i);
            if (misfit != RF_FITS) {
                return fail_misfit(fill, rows, row, rowid, i, misfit, error);
            }
        }
    }
    return RF_OK;
}

static enum rf_code fill_row(struct rf_fill *fill, const struct rf_rows *rows, uint32_t row,
                             int64_t shift, struct rf_hash hash, struct rf_error *error) {
    enum rf_code code = fill->copying ? RF_OK : begin_copy(fill, error);
    if (code != RF_OK) {
        return code;
    }
    rf_digest_add(&fill->digest, hash);
    uint32_t column;
    int64_t rowid = rows->rowids ? rows->rowids[row] + shift : 0;
    if (fill->options.keep && rf_keep_leaves_out(fill->options.keep, fill->place++)) {
        rf_aside_keep_out(&fill->aside, rows, row, rowid, hash);
        return make_room(fill, error);
    }
    enum rf_misfit misfit = rf_encode_row(&fill->encoder, rows, row, &fill->tuples, &column);
    if (misfit != RF_FITS) {
        code = check_failing(fill, rows, row, rowid, column, error);
        rf_aside_add(&fill->aside, rows, row, rowid, hash, misfit, column);
    } else if (fill->encoder.may_alter) {
        rf_aside_note_altered(&fill->aside, rows, row, rowid, hash);
    }
    return code == RF_OK ? make_room(fill, error) : code;
}

#define SCRATCH_KEPT (4u << 20)
#define HASHED_AT_ONCE 64u

static enum rf_code fill_some(struct rf_fill *fill, const struct rf_rows *rows, uint32_t first,
                              uint32_t count, int64_t shift, struct rf_error *error) {
    struct rf_hash hashes[HASHED_AT_ONCE];
    enum rf_code code = rf_rows_hash(rows, first, count, &fill->scratch, hashes, error);
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        code = fill_row(fill, rows, first + i, shift, hashes[i], error);
    }
    return code;
}

enum rf_code rf_fill_rows(struct rf_fill *fill, const struct rf_rows *rows, uint32_t first,
                          uint32_t count, int64_t shift, struct rf_error *error) {
    enum rf_code code = rf_run_check(fill->options.run, error);
    for (uint32_t done = 0; code == RF_OK && done < count; done += HASHED_AT_ONCE) {
        uint32_t left = count - done;
        code = fill_some(fill, rows, first + done, left < HASHED_AT_ONCE ? left : HASHED_AT_ONCE,
                         shift, error);
    }
    if (fill->scratch.capacity > SCRATCH_KEPT) {
        rf_buffer_release(&fill->scratch);
    }
    if (code != RF_OK) {
        rf_while(error, "while copying rows into table %s", fill->options.plan->table);
    } else {
        rf_run_advance(fill->options.run, fill->options.plan->table, count);
    }
    return code;
}

enum rf_code rf_fill_end(struct rf_fill *fill, struct rf_error *error) {
    enum rf_code code = end_copy(fill, error);
    if (code == RF_OK) {
        code = rf_aside_finish(&fill->aside, error);
    }
    if (code == RF_OK && fill->options.plan->computed) {
        uint64_t staged = fill->applied;
        code = rf_computed_put(fill->options.pg, fill->options.plan, fill->options.target->schema,
                               staged, &fill->applied, error);
        fill->left_out = staged - fill->applied;
    }
    if (code != RF_OK) {
        rf_while(error, "while copying rows into table %s", fill->options.plan->table);
    }
    return code;
}

void rf_fill_release(struct rf_fill *fill) {
    rf_aside_release(&fill->aside);
    rf_buffer_release(&fill->tuples);
    rf_buffer_release(&fill->scratch);
    rf_arena_release(&fill->arena);
}

enum rf_code rf_fill_from_state(struct rf_fill *fill, struct rf_state *state, uint32_t first_part,
                                uint32_t part_count, struct rf_error *error) {
    struct rf_scan *scan = NULL;
    enum rf_code code = rf_scan_new(state, first_part, part_count, &scan, error);
    while (code == RF_OK) {
        struct rf_span span;
        code = rf_scan_next(scan, &span, error);
        if (code != RF_OK || span.count == 0) {
            break;
        }
        code = rf_fill_rows(fill, span.rows, span.first, span.count, span.shift, error);
    }
    rf_scan_free(scan);
    return code == RF_OK ? rf_fill_end(fill, error) : code;
}

enum rf_code rf_fill_from_delta(struct rf_fill *fill, struct rf_archive *delta,
                                struct rf_error *error) {
    struct rf_block_scan *scan = NULL;
    enum rf_code code = rf_block_scan_new(delta, RF_BLOCK_ROWS, &scan, error);
    while (code == RF_OK) {
        const struct rf_rows *rows;
        code = rf_block_scan_next(scan, &rows, error);
        if (code != RF_OK || !rows) {
            break;
        }
        code = rf_fill_rows(fill, rows, 0, rows->count, 0, error);
    }
    rf_block_scan_free(scan);
    return code == RF_OK ? rf_fill_end(fill, error) : code;
}

enum rf_code rf_fill_fail_digest(const struct rf_manifest_table *source,
                                 const struct rf_digest *reached, struct rf_error *error) {
    char is[RF_HASH_HEX], wanted[RF_HASH_HEX];
    rf_fail(error, RF_CORRUPT, "the archives of table %s do not lead to the snapshot",
            source->table.name);
    rf_detail(error,
              "they lead to %" PRIu64 " rows with digest %s, the manifest says %" PRIu64 " with %s",
              reached->rows, rf_hash_text(reached->sum, is), source->digest.rows,
              rf_hash_text(source->digest.sum, wanted));
    rf_hint(error, "nothing of the snapshot was applied; run `rowferry verify` on the repository.");
    return RF_CORRUPT;
}

enum rf_code rf_fill_whole(const struct rf_fill_options *options, struct rf_counts *counts,
                           struct rf_error *error) {
    const struct rf_manifest_table *source = options->source;
    struct rf_fill fill;
    struct rf_state *state = NULL;
    rf_run_expect_of(options->run, source->table.name, source->digest.rows);
    enum rf_code code = rf_fill_init(&fill, options, error);
    if (code == RF_OK) {
        code = rf_state_open(options->run->repository, source, &state, error);
    }
    if (code == RF_OK && options->keep) {
        code = rf_keep_find_in_state(options->keep, state, error);
    }
    if (code == RF_OK) {
        code = rf_fill_from_state(&fill, state, 0, rf_state_parts(state), error);
    }
    if (code == RF_OK && !rf_digest_equal(&fill.digest, &source->digest)) {
        code = rf_fill_fail_digest(source, &fill.digest, error);
    }
    if (code == RF_OK) {
        rf_run_reach(options->run, source->table.name, RF_WATCH_DONE);
    }
    counts->inserted += fill.applied;
    counts->set_aside += fill.aside.rows;
    counts->altered += fill.aside.altered;
    counts->left_out += fill.left_out;
    rf_state_close(state);
    rf_fill_release(&fill);
    return code;
}
