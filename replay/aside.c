#include "replay/aside.h"

#include <string.h>

#include "replay/json_key.h"
#include "replay/quote.h"
#include "replay/render.h"
#include "replay/result.h"
#include "replay/sql.h"
#include "replay/template.h"

/* ---- one line as a tuple ---- */

static void put_field(struct rf_buffer *out, const void *bytes, uint32_t size) {
    uint8_t *at = rf_buffer_extend(out, sizeof size);
    if (at) {
        rf_put_be32(at, size);
    }
    rf_buffer_append(out, bytes, size);
}

static void put_text_field(struct rf_buffer *out, const char *text) {
    put_field(out, text, (uint32_t)strlen(text));
}

static void put_null_field(struct rf_buffer *out) {
    uint8_t *at = rf_buffer_extend(out, sizeof(uint32_t));
    if (at) {
        rf_put_be32(at, UINT32_MAX);
    }
}

/* A field whose bytes are appended after its length is known to be missing. */
static size_t open_field(struct rf_buffer *out) {
    rf_buffer_u32(out, 0);
    return out->size;
}

static void close_field(struct rf_buffer *out, size_t start) {
    if (!out->failed) {
        rf_put_be32(out->bytes + start - sizeof(uint32_t), (uint32_t)(out->size - start));
    }
}

static void put_value_field(struct rf_buffer *out, const struct rf_value *value) {
    char text[RF_NUMBER_TEXT];
    switch (value->class) {
    case RF_NULL:
        put_null_field(out);
        break;
    case RF_INTEGER:
        put_field(out, text, (uint32_t)rf_render_integer(value->integer, text));
        break;
    case RF_REAL:
        put_field(out, text, (uint32_t)rf_render_real(value->real, text));
        break;
    case RF_TEXT:
    case RF_BLOB:
        if (value->size > RF_FIELD_BYTES_MAX) {
            put_null_field(out);
        } else {
            put_field(out, value->bytes, value->size);
        }
        break;
    }
}

/* Outcomes, as the ledger has them. */
#define SET_ASIDE "set aside"
#define ALTERED "altered"
#define KEPT "kept"

struct misfit_row {
    const struct rf_rows *rows;
    uint32_t row;
    int64_t rowid;
    struct rf_hash hash;
};

enum { LINE_FIELDS = 8 };

static void put_line(struct rf_aside *aside, const struct misfit_row *row, uint32_t column,
                     enum rf_misfit misfit, const char *outcome) {
    struct rf_buffer *out = &aside->lines;
    struct rf_value value =
        rf_rows_value(row->rows, aside->encoder->columns[column].cell, row->row);
    uint8_t head[sizeof(uint16_t)], place[sizeof(uint64_t)], hash[RF_HASH_SIZE];
    rf_put_be16(head, LINE_FIELDS);
    rf_put_be64(place, aside->lines_added);
    rf_hash_store(hash, row->hash);
    rf_buffer_append(out, head, sizeof head);
    put_field(out, place, sizeof place);
    put_field(out, hash, sizeof hash);
    put_text_field(out, aside->plan->columns[column].source);
    size_t start = open_field(out);
    rf_json_key(aside->table, row->rows, row->row, row->rowid, out);
    close_field(out, start);
    put_text_field(out, rf_class_name(value.class));
    put_value_field(out, &value);
    start = open_field(out);
    if (strcmp(outcome, KEPT) == 0) {
        rf_buffer_printf(out, "the application has a row with this key");
    } else {
        rf_misfit_reason(misfit, value.class, aside->encoder->columns[column].conversion, out);
    }
    close_field(out, start);
    put_text_field(out, outcome);
}

/* What is wrong with the row as a whole is told of its largest value. */
static uint32_t largest(const struct rf_aside *aside, const struct misfit_row *row) {
    uint32_t best = 0, size = 0;
    for (uint32_t i = 0; i < aside->encoder->count; i++) {
        struct rf_value value = rf_rows_value(row->rows, aside->encoder->columns[i].cell, row->row);
        if (value.size > size) {
            best = i;
            size = value.size;
        }
    }
    return best;
}

void rf_aside_add(struct rf_aside *aside, const struct rf_rows *rows, uint32_t row, int64_t rowid,
                  struct rf_hash hash, enum rf_misfit misfit, uint32_t column) {
    struct misfit_row misfits = {.rows = rows, .row = row, .rowid = rowid, .hash = hash};
    aside->rows++;
    aside->lines_added++;
    if (misfit == RF_MISFIT_ROW_SIZE || misfit == RF_MISFIT_ROW_WIDTH) {
        put_line(aside, &misfits, largest(aside, &misfits), misfit, SET_ASIDE);
        return;
    }
    put_line(aside, &misfits, column, misfit, SET_ASIDE);
    for (uint32_t i = column + 1; i < aside->encoder->count; i++) {
        enum rf_misfit other = rf_encode_probe(aside->encoder, rows, row, i);
        if (other != RF_FITS) {
            put_line(aside, &misfits, i, other, SET_ASIDE);
        }
    }
}

void rf_aside_keep_out(struct rf_aside *aside, const struct rf_rows *rows, uint32_t row,
                       int64_t rowid, struct rf_hash hash) {
    const struct misfit_row kept = {.rows = rows, .row = row, .rowid = rowid, .hash = hash};
    aside->rows++;
    aside->lines_added++;
    put_line(aside, &kept, aside->plan->key[0], RF_FITS, KEPT);
}

void rf_aside_note_altered(struct rf_aside *aside, const struct rf_rows *rows, uint32_t row,
                           int64_t rowid, struct rf_hash hash) {
    struct misfit_row misfits = {.rows = rows, .row = row, .rowid = rowid, .hash = hash};
    bool altered = false;
    for (uint32_t i = 0; i < aside->encoder->count; i++) {
        enum rf_misfit misfit;
        if (rf_encode_alters(aside->encoder, rows, row, i, &misfit)) {
            aside->lines_added += !altered;
            altered = true;
            put_line(aside, &misfits, i, misfit, ALTERED);
        }
    }
    aside->altered += altered;
}

/* ---- to the server ---- */

enum rf_code rf_aside_flush(struct rf_aside *aside, struct rf_error *error) {
    if (aside->lines.size == 0) {
        return rf_buffer_check(&aside->lines, error);
    }
    enum rf_code code = RF_OK;
    if (!aside->temporary) {
        code = rf_pg_do(aside->pg, rf_sql_aside_temporary, NULL, error);
        aside->temporary = code == RF_OK;
    }
    struct rf_buffer frame = {0};
    if (code == RF_OK) {
        code = rf_pg_copy_in(aside->pg, rf_sql_aside_copy, error);
    }
    if (code == RF_OK) {
        rf_buffer_append(&frame, rf_copy_header, sizeof rf_copy_header);
        code = rf_pg_copy_put(aside->pg, &frame, error);
    }
    if (code == RF_OK) {
        code = rf_pg_copy_put(aside->pg, &aside->lines, error);
    }
    if (code == RF_OK) {
        rf_buffer_append(&frame, rf_copy_trailer, sizeof rf_copy_trailer);
        code = rf_pg_copy_put(aside->pg, &frame, error);
    }
    if (code == RF_OK) {
        code = rf_pg_copy_end(aside->pg, NULL, error);
    }
    rf_buffer_release(&frame);
    if (code != RF_OK) {
        rf_while(error, "while setting rows of table %s aside", aside->plan->table);
    }
    return code;
}

static struct rf_pg_args args_of(const struct rf_target *target, const char *table) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->source);
    rf_pg_text(&args, target->schema);
    if (table) {
        rf_pg_text(&args, table);
    }
    return args;
}

enum rf_code rf_aside_finish(struct rf_aside *aside, struct rf_error *error) {
    enum rf_code code = rf_aside_flush(aside, error);
    if (code != RF_OK || !aside->temporary) {
        return code;
    }
    const char *table = aside->plan->table;
    struct rf_pg_args lock = {.count = 0};
    rf_pg_number(&lock, rf_ledger_lock_number("set aside", aside->target->schema, table));
    code = rf_pg_do_args(aside->pg, rf_sql_lock_name, &lock, NULL, error);
    if (code == RF_OK) {
        struct rf_pg_args args = args_of(aside->target, table);
        rf_pg_number(&args, aside->snapshot);
        code = rf_pg_do_args(aside->pg, rf_sql_aside_number, &args, NULL, error);
    }
    if (code == RF_OK) {
        code = rf_pg_do(aside->pg, rf_sql_aside_drop, NULL, error);
        aside->temporary = false;
    }
    return code;
}

void rf_aside_release(struct rf_aside *aside) {
    rf_buffer_release(&aside->lines);
}

enum rf_code rf_aside_count(struct rf_pg *pg, const struct rf_target *target, const char *table,
                            uint64_t *rows, struct rf_error *error) {
    struct rf_pg_args args = args_of(target, table);
    const char *sql = table ? rf_sql_aside_count_table : rf_sql_aside_count;
    struct rf_pg_rows *answer;
    enum rf_code code = rf_pg_ask(pg, sql, &args, &answer, error);
    *rows = code == RF_OK ? rf_pg_rows_number(answer, 0, 0) : 0;
    rf_pg_rows_free(answer);
    return code;
}

enum rf_code rf_aside_any(struct rf_pg *pg, const struct rf_target *target, const char *table,
                          bool *any, struct rf_error *error) {
    struct rf_pg_args args = args_of(target, table);
    struct rf_pg_rows *answer;
    enum rf_code code = rf_pg_ask_often(pg, rf_sql_aside_any, &args, &answer, error);
    *any = code == RF_OK && rf_pg_rows_truth(answer, 0, 0);
    rf_pg_rows_free(answer);
    return code;
}

void rf_aside_hashes_sql(const struct rf_target *target, const char *table, struct rf_buffer *sql) {
    struct rf_buffer source = {0}, schema = {0}, name = {0};
    rf_quote_literal(&source, target->source);
    rf_quote_literal(&schema, target->schema);
    rf_quote_literal(&name, table);
    const struct rf_template_part parts[] = {
        {"source", &source}, {"schema", &schema}, {"table", &name}};
    rf_template_fill(rf_sql_aside_hashes, parts, sizeof parts / sizeof parts[0], sql);
    rf_buffer_release(&source);
    rf_buffer_release(&schema);
    rf_buffer_release(&name);
}

enum rf_code rf_aside_reasons(struct rf_pg *pg, const struct rf_target *target, uint64_t since,
                              uint32_t at_most, struct rf_replay_result *result,
                              struct rf_error *error) {
    enum { TABLE, COLUMN, REASON, IS_ALTERED, ROWS, REASONS };
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->source);
    rf_pg_text(&args, target->schema);
    rf_pg_number(&args, since);
    rf_pg_number(&args, at_most);
    struct rf_pg_rows *rows = NULL;
    enum rf_code code = rf_pg_ask(pg, rf_sql_aside_reasons, &args, &rows, error);
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        const struct rf_replay_aside found = {
            .table = strdup(rf_pg_rows_text(rows, i, TABLE)),
            .column = strdup(rf_pg_rows_text(rows, i, COLUMN)),
            .reason = strdup(rf_pg_rows_text(rows, i, REASON)),
            .altered = rf_pg_rows_truth(rows, i, IS_ALTERED),
            .rows = rf_pg_rows_number(rows, i, ROWS),
        };
        code = rf_result_add_aside(result, &found, error);
        result->aside_reasons = rf_pg_rows_number(rows, i, REASONS);
    }
    rf_pg_rows_free(rows);
    return code;
}
