/* The rows that a delta deletes go to a temporary table first; then one statement deletes them.
 * Where rows of the table stand aside, the list has their hashes too: a row that is gone either
 * stands in the table or aside, and which of both is found out from the ledger. */
#include "replay/delta_table.h"

#include <inttypes.h>

#include "format/state.h"
#include "replay/gone_sql.h"
#include "replay/sql.h"

struct list {
    struct rf_gone *gone;
    struct rf_encoder encoder;
    struct rf_buffer tuples;
};

/* A row that cannot be in the table is in the list by its hash alone. */
static void put_misfit(struct list *list) {
    struct rf_buffer *out = &list->tuples;
    uint8_t head[sizeof(uint16_t)];
    rf_put_be16(head, (uint16_t)rf_encoder_fields(&list->encoder));
    rf_buffer_append(out, head, sizeof head);
    for (uint32_t i = 0; i < rf_encoder_fields(&list->encoder); i++) {
        rf_buffer_u32(out, UINT32_MAX);
    }
}

/* One more field for the tuple that begins at `start`. */
static void put_hash(struct list *list, size_t start, struct rf_hash hash) {
    struct rf_buffer *out = &list->tuples;
    uint8_t field[sizeof(uint32_t) + RF_HASH_SIZE];
    rf_put_be32(field, RF_HASH_SIZE);
    rf_hash_store(field + sizeof(uint32_t), hash);
    rf_buffer_append(out, field, sizeof field);
    if (!out->failed) {
        rf_put_be16(out->bytes + start, (uint16_t)(rf_encoder_fields(&list->encoder) + 1));
    }
}

static enum rf_code fail_not_aside(const struct rf_gone *gone, struct rf_error *error) {
    rf_fail(error, RF_DIFFERENT, "a row of table %s that should stand aside does not",
            gone->plan->table);
    rf_hint(error,
            "rowferry.set_aside was changed by hand: run `rowferry verify` with the target.");
    return RF_DIFFERENT;
}

static enum rf_code put_row(struct list *list, const struct rf_rows *rows, uint32_t row,
                            struct rf_error *error) {
    struct rf_gone *gone = list->gone;
    struct rf_hash hash = rf_hash_load(rows->hashes + (size_t)row * RF_HASH_SIZE);
    rf_digest_add(&gone->digest, hash);
    size_t start = list->tuples.size;
    uint32_t column;
    if (rf_encode_row(&list->encoder, rows, row, &list->tuples, &column) != RF_FITS) {
        if (!gone->asides) {
            return fail_not_aside(gone, error);
        }
        put_misfit(list);
    }
    if (gone->asides) {
        put_hash(list, start, hash);
    }
    return list->tuples.size >= RF_PG_COPY_PIECE || list->tuples.failed
               ? rf_pg_copy_put(gone->delta->pg, &list->tuples, error)
               : RF_OK;
}

static enum rf_code put_rows(struct list *list, struct rf_archive *archive,
                             struct rf_error *error) {
    struct rf_block_scan *scan = NULL;
    enum rf_code code = rf_block_scan_new(archive, RF_BLOCK_GONE, &scan, error);
    while (code == RF_OK) {
        const struct rf_rows *rows;
        code = rf_block_scan_next(scan, &rows, error);
        if (code != RF_OK || !rows) {
            break;
        }
        code = rf_run_check(list->gone->delta->run, error);
        for (uint32_t i = 0; code == RF_OK && i < rows->count; i++) {
            code = put_row(list, rows, i, error);
        }
    }
    rf_block_scan_free(scan);
    return code;
}

static enum rf_code do_sql(struct rf_gone *gone, struct rf_buffer *sql, uint64_t *rows,
                           struct rf_error *error) {
    enum rf_code code = rf_pg_do_buffer(gone->delta->pg, sql, rows, error);
    if (code != RF_OK) {
        rf_while(error, "while deleting rows from table %s", gone->plan->table);
    }
    return code;
}

static enum rf_code copy_list(struct list *list, struct rf_archive *archive,
                              struct rf_error *error) {
    struct rf_gone *gone = list->gone;
    struct rf_pg *pg = gone->delta->pg;
    struct rf_buffer sql = {0};
    rf_gone_create(gone->plan, gone->form, gone->asides, &sql);
    enum rf_code code = do_sql(gone, &sql, NULL, error);
    if (code == RF_OK) {
        rf_gone_copy_in(gone->plan, gone->form, gone->asides, &sql);
        rf_buffer_u8(&sql, 0);
        code = rf_buffer_check(&sql, error);
    }
    if (code == RF_OK) {
        code = rf_pg_copy_in(pg, (const char *)sql.bytes, error);
    }
    rf_buffer_append(&list->tuples, rf_copy_header, sizeof rf_copy_header);
    if (code == RF_OK) {
        code = put_rows(list, archive, error);
    }
    rf_buffer_append(&list->tuples, rf_copy_trailer, sizeof rf_copy_trailer);
    if (code == RF_OK) {
        code = rf_pg_copy_put(pg, &list->tuples, error);
    }
    if (code == RF_OK) {
        code = rf_pg_copy_end(pg, NULL, error);
    }
    rf_buffer_release(&sql);
    return code;
}

/* Below this many rows the planner's guess does no harm. */
#define ANALYZE_ROWS 1000u

static enum rf_code make_list(struct rf_gone *gone, struct rf_archive *archive,
                              struct rf_error *error) {
    struct list list = {.gone = gone};
    struct rf_arena *arena = &gone->delta->arena;
    enum rf_code code = gone->form == RF_GONE_KEY
                            ? rf_plan_key_encoder(gone->plan, arena, &list.encoder, error)
                            : rf_plan_encoder(gone->plan, NULL, arena, &list.encoder, error);
    if (code == RF_OK) {
        code = copy_list(&list, archive, error);
    }
    rf_buffer_release(&list.tuples);
    if (code == RF_OK && gone->digest.rows >= ANALYZE_ROWS) {
        code = rf_pg_do(gone->delta->pg, "ANALYZE pg_temp.rowferry_gone", NULL, error);
    }
    return code;
}

static enum rf_code plan_for_few(struct rf_gone *gone, struct rf_error *error) {
    return rf_pg_do(gone->delta->pg, rf_sql_gone_plan, NULL, error);
}

static enum rf_code plan_as_before(struct rf_gone *gone, struct rf_error *error) {
    return rf_pg_do(gone->delta->pg, rf_sql_gone_plan_end, NULL, error);
}

/* Removes those that stand aside, from there and from the list. */
static enum rf_code remove_asides(struct rf_gone *gone, uint64_t *removed, struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, gone->delta->target->source);
    rf_pg_text(&args, gone->delta->target->schema);
    rf_pg_text(&args, gone->plan->table);
    struct rf_pg_rows *rows;
    enum rf_code code = plan_for_few(gone, error);
    if (code != RF_OK) {
        return code;
    }
    code = rf_pg_ask(gone->delta->pg, rf_sql_aside_remove, &args, &rows, error);
    *removed = code == RF_OK ? rf_pg_rows_number(rows, 0, 0) : 0;
    rf_pg_rows_free(rows);
    return code == RF_OK ? plan_as_before(gone, error) : code;
}

static enum rf_code fail_edited(const struct rf_gone *gone, uint64_t found,
                                struct rf_error *error) {
    rf_fail(error, RF_DIFFERENT, "table %s in the target is not what the ledger says",
            gone->plan->table);
    rf_detail(error,
              "of %" PRIu64 " rows that the source deleted or changed, the target has %" PRIu64,
              gone->digest.rows, found);
    rf_hint(error, "it was changed by hand; nothing was applied. Run `rowferry verify` with the "
                   "target to see which rows differ.");
    return RF_DIFFERENT;
}

static enum rf_code delete_listed(struct rf_gone *gone, const char *schema,
                                  struct rf_error *error) {
    struct rf_buffer sql = {0};
    if (gone->form == RF_GONE_KEY) {
        rf_gone_delete_keys(gone->plan, schema, &sql);
    } else {
        rf_gone_delete_rows(gone->plan, schema, &sql);
    }
    enum rf_code code = plan_for_few(gone, error);
    if (code == RF_OK) {
        code = do_sql(gone, &sql, &gone->deleted, error);
    }
    rf_buffer_release(&sql);
    return code == RF_OK ? plan_as_before(gone, error) : code;
}

enum rf_code rf_gone_delete(struct rf_gone *gone, struct rf_archive *archive,
                            struct rf_error *error) {
    const char *schema = gone->delta->target->schema;
    uint64_t removed = 0;
    enum rf_code code = make_list(gone, archive, error);
    if (code == RF_OK && gone->asides) {
        code = remove_asides(gone, &removed, error);
    }
    if (code == RF_OK) {
        code = delete_listed(gone, schema, error);
    }
    if (code == RF_OK && gone->deleted + removed != gone->digest.rows) {
        code = fail_edited(gone, gone->deleted + removed, error);
    }
    return code;
}

static enum rf_code ask_count(struct rf_gone *gone, struct rf_buffer *sql, uint64_t *rows,
                              struct rf_error *error) {
    rf_buffer_u8(sql, 0);
    enum rf_code code = rf_buffer_check(sql, error);
    struct rf_pg_rows *answer = NULL;
    if (code == RF_OK) {
        code = plan_for_few(gone, error);
    }
    if (code == RF_OK) {
        code = rf_pg_ask(gone->delta->pg, (const char *)sql->bytes, NULL, &answer, error);
    }
    *rows = code == RF_OK ? rf_pg_rows_number(answer, 0, 0) : 0;
    rf_pg_rows_free(answer);
    return code == RF_OK ? plan_as_before(gone, error) : code;
}

enum rf_code rf_gone_count_back(struct rf_gone *gone, uint64_t *rows, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_gone_count_keys(gone->plan, gone->delta->target->schema, &sql);
    enum rf_code code = ask_count(gone, &sql, rows, error);
    rf_buffer_release(&sql);
    return code;
}

enum rf_code rf_gone_touch(struct rf_gone *gone, struct rf_archive *archive,
                           struct rf_error *error) {
    uint64_t rows;
    struct rf_buffer sql = {0};
    gone->asides = true; /* some may stand aside: those are in the list by their hashes */
    enum rf_code code = make_list(gone, archive, error);
    if (code == RF_OK) {
        rf_gone_touch_keys(gone->plan, gone->delta->target->schema, &sql);
        code = ask_count(gone, &sql, &rows, error);
    }
    rf_buffer_release(&sql);
    return code;
}

enum rf_code rf_gone_forget(struct rf_gone *gone, struct rf_error *error) {
    return rf_pg_do(gone->delta->pg, rf_sql_gone_drop, NULL, error);
}
