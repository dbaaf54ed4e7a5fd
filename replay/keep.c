#include "replay/keep.h"

#include <stdlib.h>
#include <string.h>

#include "replay/encode.h"
#include "replay/quote.h"
#include "replay/sql.h"
#include "replay/template.h"

#define LIST "pg_temp.rowferry_keys"

/* ---- what was there before ---- */

/* t."a"::bigint, t."b"::text: the types of the plan, whatever domains the application has. */
static void list_columns(const struct rf_plan *plan, struct rf_buffer *sql) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        rf_buffer_printf(sql, "%st.", i > 0 ? ", " : "");
        rf_quote_name(sql, plan->columns[i].name);
        rf_buffer_printf(sql, "::%s", plan->columns[i].conversion->type);
    }
}

static void fill_template(const char *template, const struct rf_target *target,
                          const struct rf_plan *plan, struct rf_buffer *sql) {
    struct rf_buffer source = {0}, schema = {0}, table = {0}, relation = {0}, columns = {0};
    rf_quote_literal(&source, target->source);
    rf_quote_literal(&schema, target->schema);
    rf_quote_literal(&table, plan->table);
    rf_quote_qualified(&relation, target->schema, plan->relation);
    list_columns(plan, &columns);
    const struct rf_template_part parts[] = {{"source", &source},
                                             {"schema", &schema},
                                             {"table", &table},
                                             {"relation", &relation},
                                             {"columns", &columns}};
    rf_template_fill(template, parts, sizeof parts / sizeof parts[0], sql);
    struct rf_buffer *all[] = {&source, &schema, &table, &relation, &columns};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        rf_buffer_release(all[i]);
    }
}

static enum rf_code do_template(struct rf_pg *pg, const char *template,
                                const struct rf_target *target, const struct rf_plan *plan,
                                uint64_t *rows, struct rf_error *error) {
    struct rf_buffer sql = {0};
    fill_template(template, target, plan, &sql);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, rows, error);
    rf_buffer_release(&sql);
    return code;
}

enum rf_code rf_keep_remember(struct rf_pg *pg, const struct rf_target *target,
                              const struct rf_plan *plan, uint64_t *rows, struct rf_error *error) {
    return do_template(pg, rf_sql_kept_remember, target, plan, rows, error);
}

enum rf_code rf_keep_restore(struct rf_pg *pg, const struct rf_target *target,
                             const struct rf_plan *plan, uint64_t *rows, struct rf_error *error) {
    return do_template(pg, rf_sql_kept_restore, target, plan, rows, error);
}

void rf_keep_copy_out(const struct rf_target *target, const struct rf_plan *plan,
                      struct rf_buffer *sql) {
    fill_template(rf_sql_kept_others, target, plan, sql);
}

/* ---- which keys are there ---- */

struct listing {
    struct rf_keep *keep;
    struct rf_arena arena;
    struct rf_encoder encoder; /* of the key's cells in a whole row */
    struct rf_buffer tuples;
    uint64_t place;
};

static enum rf_code make_encoder(struct listing *listing, struct rf_error *error) {
    const struct rf_plan *plan = listing->keep->plan;
    struct rf_encoder *encoder = &listing->encoder;
    encoder->count = plan->key_count;
    encoder->columns = rf_arena_take(&listing->arena, plan->key_count, sizeof *encoder->columns);
    for (uint32_t i = 0; encoder->columns && i < plan->key_count; i++) {
        const struct rf_plan_column *column = &plan->columns[plan->key[i]];
        encoder->columns[i] = (struct rf_encoder_column){
            .conversion = column->conversion, .cell = column->cell, .not_null = true};
    }
    return rf_arena_check(&listing->arena, error);
}

static enum rf_code do_sql(struct rf_keep *keep, struct rf_buffer *sql, struct rf_error *error) {
    return rf_pg_do_buffer(keep->pg, sql, NULL, error);
}

static enum rf_code make_list(struct listing *listing, struct rf_error *error) {
    struct rf_keep *keep = listing->keep;
    const struct rf_plan *plan = keep->plan;
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "CREATE TEMPORARY TABLE " LIST " (");
    for (uint32_t i = 0; i < plan->key_count; i++) {
        rf_buffer_printf(&sql, "c%u %s, ", i + 1, plan->columns[plan->key[i]].conversion->type);
    }
    rf_buffer_printf(&sql, "place bigint) ON COMMIT DROP");
    enum rf_code code = do_sql(keep, &sql, error);
    rf_buffer_release(&sql);
    if (code == RF_OK) {
        code = rf_pg_copy_in(keep->pg, "COPY " LIST " FROM STDIN (FORMAT binary)", error);
    }
    rf_buffer_append(&listing->tuples, rf_copy_header, sizeof rf_copy_header);
    return code;
}

/* A key that does not fit is in no table. */
static void add_row(struct listing *listing, const struct rf_rows *rows, uint32_t row) {
    struct rf_buffer *out = &listing->tuples;
    size_t start = out->size;
    uint32_t column;
    uint8_t field[sizeof(uint32_t) + sizeof(uint64_t)];
    rf_put_be32(field, sizeof(uint64_t));
    rf_put_be64(field + sizeof(uint32_t), listing->place++);
    if (rf_encode_row(&listing->encoder, rows, row, out, &column) != RF_FITS) {
        return;
    }
    rf_buffer_append(out, field, sizeof field);
    if (!out->failed) {
        rf_put_be16(out->bytes + start, (uint16_t)(listing->encoder.count + 1));
    }
}

static enum rf_code add_rows(struct listing *listing, const struct rf_rows *rows, uint32_t first,
                             uint32_t count, struct rf_error *error) {
    enum rf_code code = rf_run_check(listing->keep->run, error);
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        add_row(listing, rows, first + i);
        if (listing->tuples.size >= RF_PG_COPY_PIECE || listing->tuples.failed) {
            code = rf_pg_copy_put(listing->keep->pg, &listing->tuples, error);
        }
    }
    return code;
}

static void match_keys(const struct rf_plan *plan, struct rf_buffer *sql) {
    for (uint32_t i = 0; i < plan->key_count; i++) {
        rf_buffer_printf(sql, "%st.", i > 0 ? " AND " : "");
        rf_quote_name(sql, plan->columns[plan->key[i]].name);
        rf_buffer_printf(sql, " = d.c%u", i + 1);
    }
}

static enum rf_code take_places(struct rf_keep *keep, const struct rf_pg_rows *rows,
                                struct rf_error *error) {
    keep->count = rf_pg_rows_count(rows);
    keep->places = calloc(keep->count + 1u, sizeof *keep->places);
    if (!keep->places) {
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < keep->count; i++) {
        keep->places[i] = rf_pg_rows_number(rows, i, 0);
    }
    return RF_OK;
}

static enum rf_code ask_places(struct rf_keep *keep, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "SELECT DISTINCT d.place FROM " LIST " AS d JOIN ONLY ");
    rf_quote_qualified(&sql, keep->target->schema, keep->plan->relation);
    rf_buffer_printf(&sql, " AS t ON ");
    match_keys(keep->plan, &sql);
    rf_buffer_printf(&sql, " ORDER BY 1");
    rf_buffer_u8(&sql, 0);
    struct rf_pg_rows *rows = NULL;
    enum rf_code code = rf_buffer_check(&sql, error);
    if (code == RF_OK) {
        code = rf_pg_ask(keep->pg, (const char *)sql.bytes, NULL, &rows, error);
    }
    if (code == RF_OK) {
        code = take_places(keep, rows, error);
    }
    rf_pg_rows_free(rows);
    rf_buffer_release(&sql);
    return code == RF_OK ? rf_pg_do(keep->pg, "DROP TABLE " LIST, NULL, error) : code;
}

static enum rf_code begin(struct listing *listing, struct rf_error *error) {
    enum rf_code code = make_encoder(listing, error);
    return code == RF_OK ? make_list(listing, error) : code;
}

static enum rf_code end(struct listing *listing, enum rf_code code, struct rf_error *error) {
    struct rf_keep *keep = listing->keep;
    rf_buffer_append(&listing->tuples, rf_copy_trailer, sizeof rf_copy_trailer);
    if (code == RF_OK) {
        code = rf_pg_copy_put(keep->pg, &listing->tuples, error);
    }
    if (code == RF_OK) {
        code = rf_pg_copy_end(keep->pg, NULL, error);
    }
    if (code == RF_OK) {
        code = ask_places(keep, error);
    }
    rf_buffer_release(&listing->tuples);
    rf_arena_release(&listing->arena);
    if (code != RF_OK) {
        rf_while(error, "while finding the rows of table %s whose keys are in it already",
                 keep->plan->table);
    }
    return code;
}

enum rf_code rf_keep_find_in_state(struct rf_keep *keep, struct rf_state *state,
                                   struct rf_error *error) {
    struct listing listing = {.keep = keep};
    struct rf_scan *scan = NULL;
    enum rf_code code = begin(&listing, error);
    if (code == RF_OK) {
        code = rf_scan_new(state, 0, rf_state_parts(state), &scan, error);
    }
    while (code == RF_OK) {
        struct rf_span span;
        code = rf_scan_next(scan, &span, error);
        if (code != RF_OK || span.count == 0) {
            break;
        }
        code = add_rows(&listing, span.rows, span.first, span.count, error);
    }
    rf_scan_free(scan);
    return end(&listing, code, error);
}

enum rf_code rf_keep_find_in_delta(struct rf_keep *keep, struct rf_archive *delta,
                                   struct rf_error *error) {
    struct listing listing = {.keep = keep};
    struct rf_block_scan *scan = NULL;
    enum rf_code code = begin(&listing, error);
    if (code == RF_OK) {
        code = rf_block_scan_new(delta, RF_BLOCK_ROWS, &scan, error);
    }
    while (code == RF_OK) {
        const struct rf_rows *rows;
        code = rf_block_scan_next(scan, &rows, error);
        if (code != RF_OK || !rows) {
            break;
        }
        code = add_rows(&listing, rows, 0, rows->count, error);
    }
    rf_block_scan_free(scan);
    return end(&listing, code, error);
}

void rf_keep_release(struct rf_keep *keep) {
    free(keep->places);
    keep->places = NULL;
    keep->count = 0;
}

bool rf_keep_leaves_out(struct rf_keep *keep, uint64_t place) {
    while (keep->next < keep->count && keep->places[keep->next] < place) {
        keep->next++;
    }
    return keep->next < keep->count && keep->places[keep->next] == place;
}

/* ---- verify ---- */

static int compare_hashes(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct rf_hash));
}

enum rf_code rf_kept_hashes_read(struct rf_pg *pg, const struct rf_target *target,
                                 const char *table, struct rf_kept_hashes *hashes,
                                 struct rf_error *error) {
    *hashes = (struct rf_kept_hashes){.count = 0};
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->source);
    rf_pg_text(&args, target->schema);
    rf_pg_text(&args, table);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(pg, rf_sql_kept_hashes, &args, &rows, error);
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    hashes->hashes = calloc(count + 1u, sizeof *hashes->hashes);
    if (code == RF_OK && !hashes->hashes) {
        code = rf_fail_memory(error);
    }
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        hashes->count += rf_pg_rows_hash(rows, i, 0, &hashes->hashes[hashes->count]);
    }
    rf_pg_rows_free(rows);
    if (code == RF_OK) {
        qsort(hashes->hashes, hashes->count, sizeof *hashes->hashes, compare_hashes);
    }
    return code;
}

void rf_kept_hashes_release(struct rf_kept_hashes *hashes) {
    free(hashes->hashes);
    *hashes = (struct rf_kept_hashes){.count = 0};
}

bool rf_kept_hashes_have(const struct rf_kept_hashes *hashes, struct rf_hash hash) {
    return hashes->count > 0 &&
           bsearch(&hash, hashes->hashes, hashes->count, sizeof *hashes->hashes, compare_hashes);
}
