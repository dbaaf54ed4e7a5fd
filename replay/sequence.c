#include "replay/sequence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/value.h"
#include "replay/quote.h"
#include "replay/sql.h"

/* What SQLite remembers of one table. */
struct memory {
    const char *table;
    int64_t number;
};

struct memories {
    struct rf_arena arena;
    uint32_t count;
    struct memory *memories; /* in byte order of the names */
};

static int by_table(const void *a, const void *b) {
    const struct memory *one = a, *other = b;
    return strcmp(one->table, other->table);
}

/* Anybody may write into sqlite_sequence; what is no name with an integer says nothing. */
static void remember(struct memories *memories, const struct rf_sequence *sequence) {
    struct rf_cursor cursor = rf_cursor_of(sequence->cells.bytes, sequence->cells.size);
    struct rf_value name, number;
    bool read = rf_row_next(&cursor, &name) && rf_row_next(&cursor, &number);
    if (!read || name.class != RF_TEXT || number.class != RF_INTEGER) {
        return;
    }
    char *table =
        rf_arena_printf(&memories->arena, "%.*s", (int)name.size, (const char *)name.bytes);
    if (table) {
        memories->memories[memories->count++] = (struct memory){table, number.integer};
    }
}

static enum rf_code read_memories(const struct rf_manifest *manifest, struct memories *memories,
                                  struct rf_error *error) {
    memories->memories =
        rf_arena_take(&memories->arena, manifest->sequence_count, sizeof *memories->memories);
    for (uint32_t i = 0; memories->memories && i < manifest->sequence_count; i++) {
        remember(memories, &manifest->sequences[i]);
    }
    if (memories->count > 0) {
        qsort(memories->memories, memories->count, sizeof *memories->memories, by_table);
    }
    return rf_arena_check(&memories->arena, error);
}

static int64_t remembered(const struct memories *memories, const char *table) {
    const struct memory wanted = {.table = table};
    const struct memory *found = memories->count == 0
                                     ? NULL
                                     : bsearch(&wanted, memories->memories, memories->count,
                                               sizeof *memories->memories, by_table);
    return found ? found->number : 0;
}

/* A sequence starts at 1, whatever came before that. */
static void put_advance(const struct rf_pg_rows *rows, uint32_t row, const char *schema,
                        int64_t number, struct rf_buffer *sql) {
    enum { TABLE, RELATION, COLUMN, SEQUENCE };
    const char *sequence = rf_pg_rows_text(rows, row, SEQUENCE);
    rf_buffer_printf(sql, "SELECT setval(%s, m.n) FROM (SELECT greatest(max(", sequence);
    rf_quote_name(sql, rf_pg_rows_text(rows, row, COLUMN));
    rf_buffer_printf(sql, "), %" PRId64 ", 0) AS n FROM ONLY ", number > 0 ? number : 0);
    rf_quote_qualified(sql, schema, rf_pg_rows_text(rows, row, RELATION));
    rf_buffer_printf(sql,
                     ") AS m, pg_sequence AS s WHERE s.seqrelid = %s AND s.seqmax >= m.n AND "
                     "m.n > coalesce(pg_sequence_last_value(s.seqrelid), 0);\n",
                     sequence);
}

#define PIECE_BYTES \
    (32u << 10) /* a few hundred statements are one round trip and one transaction */

enum rf_code rf_sequences_advance(struct rf_pg *pg, const struct rf_target *target,
                                  const struct rf_manifest *manifest, struct rf_error *error) {
    struct memories memories = {.count = 0};
    struct rf_pg_rows *rows = NULL;
    struct rf_buffer sql = {0};
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->source);
    rf_pg_text(&args, target->schema);
    enum rf_code code = read_memories(manifest, &memories, error);
    if (code == RF_OK) {
        code = rf_pg_ask(pg, rf_sql_sequence_list, &args, &rows, error);
    }
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        put_advance(rows, i, target->schema, remembered(&memories, rf_pg_rows_text(rows, i, 0)),
                    &sql);
        if (sql.failed || sql.size > PIECE_BYTES || i + 1 == count) {
            code = rf_pg_do_buffer(pg, &sql, NULL, error);
        }
    }
    rf_pg_rows_free(rows);
    rf_buffer_release(&sql);
    rf_arena_release(&memories.arena);
    if (code != RF_OK) {
        rf_while(error, "while moving sequences on");
    }
    return code;
}

/* ---- those of a first load ---- */

static const struct rf_ledger_step identities = {.table = "", .step = "identity", .item = ""};

enum rf_code rf_sequences_note(struct rf_pg *pg, const struct rf_target *target,
                               struct rf_error *error) {
    bool claimed;
    return rf_ledger_claim_step(pg, target, &identities, &claimed, error);
}

static enum rf_code make_some(struct rf_pg *pg, const struct rf_target *target, bool *all,
                              struct rf_error *error) {
    enum { RELATION, COLUMN, SEQUENCE };
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->source);
    rf_pg_text(&args, target->schema);
    struct rf_pg_rows *rows = NULL;
    struct rf_buffer sql = {0};
    enum rf_code code = rf_pg_ask(pg, rf_sql_sequence_missing, &args, &rows, error);
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    for (uint32_t i = 0; i < count; i++) {
        rf_buffer_printf(&sql, "ALTER TABLE ");
        rf_quote_qualified(&sql, target->schema, rf_pg_rows_text(rows, i, RELATION));
        rf_buffer_printf(&sql, " ALTER COLUMN ");
        rf_quote_name(&sql, rf_pg_rows_text(rows, i, COLUMN));
        rf_buffer_printf(&sql, " ADD GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME ");
        rf_quote_qualified(&sql, target->schema, rf_pg_rows_text(rows, i, SEQUENCE));
        rf_buffer_printf(&sql, ");\n");
    }
    if (code == RF_OK) {
        code = count > 0 ? rf_pg_do_buffer(pg, &sql, NULL, error)
                         : rf_ledger_clear_steps(pg, target, error);
    }
    *all = count == 0;
    rf_pg_rows_free(rows);
    rf_buffer_release(&sql);
    return code;
}

enum rf_code rf_sequences_make(struct rf_pg *pg, const struct rf_target *target,
                               struct rf_error *error) {
    struct rf_ledger_steps steps;
    enum rf_code code = rf_ledger_steps(pg, target, &steps, error);
    bool all = code == RF_OK && steps.count == 0;
    rf_ledger_steps_release(&steps);
    while (code == RF_OK && !all) {
        code = make_some(pg, target, &all, error);
    }
    if (code != RF_OK) {
        rf_while(error, "while making sequences for the tables that were loaded");
    }
    return code;
}
