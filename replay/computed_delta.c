#include "replay/computed_delta.h"

#include <inttypes.h>
#include <string.h>

#include "replay/computed_fill.h"
#include "replay/computed_gone.h"
#include "replay/computed_old.h"
#include "replay/fill.h"
#include "replay/guard.h"
#include "replay/sql.h"

struct exchange {
    struct rf_delta *delta;
    const struct rf_manifest_table *source;
    const struct rf_plan *plan;
    struct rf_archive *archive;
    bool asides;           /* rows of the table stand aside */
    struct rf_digest gone; /* of the rows that are */
    uint64_t removed;      /* of those, from what stands aside */
    uint64_t staged;       /* the others, */
    uint64_t deleted;      /* and what was made of them */
    bool keys_kept;
    struct rf_encoder encoder;
    struct rf_buffer tuples;
};

static enum rf_code do_sql(struct exchange *exchange, struct rf_buffer *sql, uint64_t *rows,
                           struct rf_error *error) {
    enum rf_code code = rf_pg_do_buffer(exchange->delta->pg, sql, rows, error);
    rf_buffer_release(sql);
    return code;
}

/* ---- rows that stand aside ---- */

static void put_hash(struct rf_buffer *tuples, const uint8_t *hash) {
    uint8_t head[sizeof(uint16_t) + sizeof(uint32_t)];
    rf_put_be16(head, 1);
    rf_put_be32(head + sizeof(uint16_t), RF_HASH_SIZE);
    rf_buffer_append(tuples, head, sizeof head);
    rf_buffer_append(tuples, hash, RF_HASH_SIZE);
}

static enum rf_code send(struct exchange *exchange, struct rf_error *error) {
    return exchange->tuples.size >= RF_PG_COPY_PIECE || exchange->tuples.failed
               ? rf_pg_copy_put(exchange->delta->pg, &exchange->tuples, error)
               : RF_OK;
}

static enum rf_code put_hashes(struct exchange *exchange, struct rf_error *error) {
    struct rf_block_scan *scan = NULL;
    enum rf_code code = rf_block_scan_new(exchange->archive, RF_BLOCK_GONE, &scan, error);
    const struct rf_rows *rows = NULL;
    do {
        if (code == RF_OK) {
            code = rf_block_scan_next(scan, &rows, error);
        }
        for (uint32_t i = 0; code == RF_OK && rows && i < rows->count; i++) {
            put_hash(&exchange->tuples, rows->hashes + (size_t)i * RF_HASH_SIZE);
            code = send(exchange, error);
        }
    } while (code == RF_OK && rows);
    rf_block_scan_free(scan);
    return code;
}

static enum rf_code begin_copy(struct exchange *exchange, const char *sql, struct rf_error *error) {
    rf_buffer_clear(&exchange->tuples);
    rf_buffer_append(&exchange->tuples, rf_copy_header, sizeof rf_copy_header);
    return rf_pg_copy_in(exchange->delta->pg, sql, error);
}

static enum rf_code end_copy(struct exchange *exchange, struct rf_error *error) {
    rf_buffer_append(&exchange->tuples, rf_copy_trailer, sizeof rf_copy_trailer);
    enum rf_code code = rf_pg_copy_put(exchange->delta->pg, &exchange->tuples, error);
    return code == RF_OK ? rf_pg_copy_end(exchange->delta->pg, NULL, error) : code;
}

static enum rf_code list_hashes(struct exchange *exchange, struct rf_error *error) {
    struct rf_pg *pg = exchange->delta->pg;
    enum rf_code code = rf_pg_do(
        pg, "CREATE TEMPORARY TABLE pg_temp.rowferry_gone (h bytea) ON COMMIT DROP", NULL, error);
    if (code == RF_OK) {
        code = begin_copy(exchange, "COPY pg_temp.rowferry_gone (h) FROM STDIN (FORMAT binary)",
                          error);
    }
    if (code == RF_OK) {
        code = put_hashes(exchange, error);
    }
    return code == RF_OK ? end_copy(exchange, error) : code;
}

/* Takes those that are gone from there, and what is noted of altered ones. */
static enum rf_code remove_asides(struct exchange *exchange, struct rf_error *error) {
    struct rf_delta *delta = exchange->delta;
    struct rf_pg_rows *rows = NULL;
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, delta->target->source);
    rf_pg_text(&args, delta->target->schema);
    rf_pg_text(&args, exchange->plan->table);
    enum rf_code code =
        rf_aside_any(delta->pg, delta->target, exchange->plan->table, &exchange->asides, error);
    if (code != RF_OK || !exchange->asides) {
        return code;
    }
    code = list_hashes(exchange, error);
    if (code == RF_OK) {
        code = rf_pg_ask(delta->pg, rf_sql_aside_remove, &args, &rows, error);
    }
    exchange->removed = code == RF_OK ? rf_pg_rows_number(rows, 0, 0) : 0;
    rf_pg_rows_free(rows);
    return code == RF_OK ? rf_pg_do(delta->pg, rf_sql_gone_drop, NULL, error) : code;
}

/* ---- rows that are gone ---- */

/* A row that does not fit was never staged: it stood aside. */
static enum rf_code put_rows(struct exchange *exchange, struct rf_old_rows *old,
                             struct rf_error *error) {
    const struct rf_rows *rows;
    uint32_t row, column;
    struct rf_hash hash;
    enum rf_code code = rf_old_rows_next(old, &rows, &row, &hash, error);
    while (code == RF_OK && rows) {
        rf_digest_add(&exchange->gone, hash);
        exchange->staged +=
            rf_encode_row(&exchange->encoder, rows, row, &exchange->tuples, &column) == RF_FITS;
        code = send(exchange, error);
        if (code == RF_OK && exchange->gone.rows % RF_BATCH_ROWS == 0) {
            code = rf_run_check(exchange->delta->run, error);
        }
        if (code == RF_OK) {
            code = rf_old_rows_next(old, &rows, &row, &hash, error);
        }
    }
    return code;
}

static enum rf_code fail_edited(const struct exchange *exchange, uint64_t wanted,
                                struct rf_error *error) {
    rf_fail(error, RF_DIFFERENT, "table %s in the target is not what the ledger says",
            exchange->plan->table);
    rf_detail(error,
              "of %" PRIu64 " rows that the source deleted or changed, the target has %" PRIu64,
              wanted, exchange->deleted);
    rf_hint(error, "it was changed by hand, or its values are not the same whenever they are "
                   "computed (then give the rule a key); nothing was applied.");
    return RF_DIFFERENT;
}

static enum rf_code stage_rows(struct exchange *exchange, struct rf_old_rows *old,
                               struct rf_error *error) {
    struct rf_pg *pg = exchange->delta->pg;
    struct rf_buffer sql = {0};
    enum rf_code code =
        rf_plan_encoder(exchange->plan, NULL, &exchange->delta->arena, &exchange->encoder, error);
    if (code == RF_OK) {
        code = rf_computed_open(pg, exchange->plan, error);
    }
    rf_plan_copy_in(exchange->plan, RF_COMPUTED_SCHEMA, false, &sql);
    rf_buffer_u8(&sql, 0);
    if (code == RF_OK) {
        code = rf_buffer_check(&sql, error);
    }
    if (code == RF_OK) {
        code = begin_copy(exchange, (const char *)sql.bytes, error);
    }
    rf_buffer_release(&sql);
    if (code == RF_OK) {
        code = put_rows(exchange, old, error);
    }
    if (code == RF_OK) {
        code = end_copy(exchange, error);
    }
    return code == RF_OK && exchange->staged + exchange->removed != exchange->gone.rows
               ? fail_edited(exchange, exchange->gone.rows, error)
               : code;
}

#define SAVEPOINT "rowferry_computed"

/* Nothing is deleted unless it is one row for each that is wanted. */
static enum rf_code delete_by_key(struct exchange *exchange, uint64_t wanted, bool *exact,
                                  struct rf_error *error) {
    struct rf_pg *pg = exchange->delta->pg;
    struct rf_buffer sql = {0};
    struct rf_pg_rows *rows = NULL;
    rf_guard_savepoint(exchange->delta->target, SAVEPOINT, &sql);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    if (code == RF_OK) {
        code = rf_pg_do(pg, rf_sql_gone_plan, NULL, error);
    }
    rf_computed_delete_keys(exchange->plan, exchange->delta->target->schema, &sql);
    rf_buffer_u8(&sql, 0);
    if (code == RF_OK) {
        code = rf_buffer_check(&sql, error);
    }
    if (code == RF_OK) {
        code = rf_pg_ask(pg, (const char *)sql.bytes, NULL, &rows, error);
    }
    exchange->deleted = code == RF_OK ? rf_pg_rows_number(rows, 0, 0) : 0;
    *exact =
        code == RF_OK && exchange->deleted == wanted && rf_pg_rows_number(rows, 0, 1) == wanted;
    rf_pg_rows_free(rows);
    rf_buffer_release(&sql);
    if (code == RF_OK && !*exact) {
        code = rf_pg_do(pg, "ROLLBACK TO SAVEPOINT " SAVEPOINT, NULL, error);
    }
    if (code == RF_OK) {
        code = rf_pg_do(pg, "RELEASE SAVEPOINT " SAVEPOINT, NULL, error);
    }
    return code == RF_OK ? rf_pg_do(pg, rf_sql_gone_plan_end, NULL, error) : code;
}

/* Keys may be NULL, or not tell rows apart: then all of a row does. */
static enum rf_code delete_rows(struct exchange *exchange, uint64_t wanted,
                                struct rf_error *error) {
    const struct rf_plan *plan = exchange->plan;
    struct rf_buffer sql = {0};
    bool exact = false;
    enum rf_code code =
        plan->key_count > 0 ? delete_by_key(exchange, wanted, &exact, error) : RF_OK;
    if (code != RF_OK || exact) {
        return code;
    }
    rf_computed_delete_rows(plan,
                            rf_catalog_find(&exchange->delta->existing->catalog, plan->relation),
                            exchange->delta->target->schema, &sql);
    code = do_sql(exchange, &sql, &exchange->deleted, error);
    return code == RF_OK && exchange->deleted != wanted ? fail_edited(exchange, wanted, error)
                                                        : code;
}

/* Whether the source's count of updated rows is that of the target: all rows are in it, and told
 * apart by the source's own key. */
static bool counted_by_source(const struct exchange *exchange) {
    return !exchange->plan->computed->where && !exchange->asides && !exchange->plan->key_given;
}

static enum rf_code delete_staged(struct exchange *exchange, struct rf_error *error) {
    struct rf_pg *pg = exchange->delta->pg;
    const struct rf_plan *plan = exchange->plan;
    uint64_t wanted = 0;
    struct rf_buffer sql = {0};
    enum rf_code code = rf_computed_begin(pg, exchange->delta->target->schema, error);
    if (code == RF_OK) {
        code = rf_computed_passing(pg, plan, exchange->staged, &wanted, error);
    }
    if (code == RF_OK) {
        code = delete_rows(exchange, wanted, error);
    }
    bool coming = rf_archive_rows(exchange->archive, RF_BLOCK_ROWS) > 0;
    if (code == RF_OK && coming && plan->key_count > 0 && !counted_by_source(exchange)) {
        exchange->keys_kept = true;
        rf_computed_keep_keys(plan, &sql);
        code = do_sql(exchange, &sql, NULL, error);
    }
    if (code != RF_OK) {
        return rf_computed_explain(plan, error);
    }
    code = rf_computed_end(pg, error);
    return code == RF_OK ? rf_computed_close(pg, plan, error) : code;
}

/* *found is false where the rows are not to be had, and nothing happened. */
static enum rf_code take_away(struct exchange *exchange, bool *found, struct rf_error *error) {
    struct rf_old_rows old = {.archive = NULL};
    *found = true;
    if (rf_archive_rows(exchange->archive, RF_BLOCK_GONE) == 0) {
        return RF_OK;
    }
    enum rf_code code =
        rf_old_rows_open(&old, exchange->delta, exchange->source, exchange->archive, found, error);
    *found = *found && (exchange->plan->key_count > 0 || rf_computed_finds(exchange->plan));
    if (code == RF_OK && *found) {
        code = remove_asides(exchange, error);
    }
    if (code == RF_OK && *found) {
        code = stage_rows(exchange, &old, error);
    }
    rf_old_rows_close(&old);
    return code == RF_OK && *found ? delete_staged(exchange, error) : code;
}

/* ---- rows that come ---- */

static enum rf_code put_new(struct exchange *exchange, struct rf_fill *fill,
                            struct rf_error *error) {
    const struct rf_delta *delta = exchange->delta;
    const struct rf_fill_options options = {
        .run = delta->run,
        .pg = delta->pg,
        .target = delta->target,
        .schema = delta->target->schema,
        .source = exchange->source,
        .plan = exchange->plan,
        .snapshot = delta->snapshot,
    };
    rf_run_expect_of(delta->run, exchange->source->table.name,
                     rf_archive_rows(exchange->archive, RF_BLOCK_ROWS));
    enum rf_code code = rf_fill_init(fill, &options, error);
    if (code == RF_OK) {
        code = rf_fill_from_delta(fill, exchange->archive, error);
    }
    rf_fill_release(fill);
    return code;
}

/* Of the keys that went, those that are in the table again. */
static enum rf_code count_back(struct exchange *exchange, uint64_t *rows, struct rf_error *error) {
    struct rf_pg *pg = exchange->delta->pg;
    struct rf_buffer sql = {0};
    struct rf_pg_rows *answer = NULL;
    rf_computed_count_keys(exchange->plan, exchange->delta->target->schema, &sql);
    rf_buffer_u8(&sql, 0);
    enum rf_code code = rf_buffer_check(&sql, error);
    if (code == RF_OK) {
        code = rf_pg_ask(pg, (const char *)sql.bytes, NULL, &answer, error);
    }
    *rows = code == RF_OK ? rf_pg_rows_number(answer, 0, 0) : 0;
    rf_pg_rows_free(answer);
    rf_buffer_release(&sql);
    return code == RF_OK ? rf_pg_do(pg, rf_sql_gone_drop, NULL, error) : code;
}

static enum rf_code count(struct exchange *exchange, const struct rf_fill *fill,
                          struct rf_counts *counts, struct rf_error *error) {
    uint64_t most = exchange->deleted < fill->applied ? exchange->deleted : fill->applied;
    uint64_t updated = exchange->source->updated;
    enum rf_code code = exchange->keys_kept ? count_back(exchange, &updated, error) : RF_OK;
    updated = updated < most ? updated : most;
    counts->updated += updated;
    counts->inserted += fill->applied - updated;
    counts->deleted += exchange->deleted - updated;
    counts->set_aside += fill->aside.rows;
    counts->altered += fill->aside.altered;
    counts->left_out += fill->left_out;
    return code;
}

/* ---- all of it ---- */

static enum rf_code exchange_rows(struct exchange *exchange, const struct rf_ledger_table *standing,
                                  bool *found, struct rf_counts *counts, struct rf_error *error) {
    struct rf_fill fill = {.applied = 0};
    enum rf_code code = take_away(exchange, found, error);
    if (code != RF_OK || !*found) {
        return code;
    }
    code = put_new(exchange, &fill, error);
    if (code == RF_OK) {
        code =
            rf_delta_check_digest(exchange->source, standing, &exchange->gone, &fill.digest, error);
    }
    return code == RF_OK ? count(exchange, &fill, counts, error) : code;
}

enum rf_code rf_computed_change(struct rf_delta *delta, const struct rf_manifest_table *source,
                                struct rf_ledger_table *standing, struct rf_counts *counts,
                                struct rf_error *error) {
    struct exchange exchange = {.delta = delta, .source = source, .plan = &standing->plan};
    bool refill = false, found = true;
    /* Types of what is in the stage alone were chosen by what was there. */
    enum rf_code code = rf_delta_is_too_narrow(delta, source, &standing->plan, &refill, error);
    if (code == RF_OK && !refill) {
        code = rf_delta_open(delta, source, &exchange.archive, error);
    }
    if (code == RF_OK && !refill) {
        code = exchange_rows(&exchange, standing, &found, counts, error);
    }
    if (code == RF_OK && !refill && found) {
        code = rf_ledger_move_table(delta->pg, delta->target, standing->plan.table, &source->digest,
                                    error);
    }
    rf_archive_close(exchange.archive);
    rf_buffer_release(&exchange.tuples);
    if (code == RF_OK && (refill || !found)) {
        rf_run_note(delta->run, "table %s is filled again: %s", source->table.name,
                    refill ? "a column that values use holds what its type does not"
                           : "the rows that are gone are not in the repository any more");
        code = rf_existing_make(delta, source, standing, false, counts, error);
    }
    if (code != RF_OK) {
        rf_while(error, "while bringing table %s to snapshot %" PRIu64, source->table.name,
                 delta->snapshot);
    }
    return code;
}
