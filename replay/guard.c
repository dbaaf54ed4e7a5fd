/* Marks, the horizon, and the scan. */
#include "replay/guard_inner.h"

#include <inttypes.h>
#include <string.h>

#include "replay/ledger_inner.h"
#include "replay/quote.h"
#include "replay/sql.h"
#include "replay/template.h"
#include "replay/troubles.h"

/* ---- marks ---- */

/* A line knows the transaction that writes it. */
static void put_mark(const struct rf_target *target, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "INSERT INTO rowferry.writing (source_id, target_schema) VALUES (");
    rf_quote_literal(sql, target->source);
    rf_buffer_printf(sql, "::uuid, ");
    rf_quote_literal(sql, target->schema);
    rf_buffer_printf(sql, ")");
}

void rf_guard_savepoint(const struct rf_target *target, const char *name, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "SAVEPOINT %s; ", name);
    put_mark(target, sql);
    rf_buffer_printf(sql, "; ");
}

void rf_guard_mark_if_written(const struct rf_target *target, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "INSERT INTO rowferry.writing (source_id, target_schema) SELECT ");
    rf_quote_literal(sql, target->source);
    rf_buffer_printf(sql, "::uuid, ");
    rf_quote_literal(sql, target->schema);
    rf_buffer_printf(sql, " WHERE pg_current_xact_id_if_assigned() IS NOT NULL;\n");
}

static enum rf_code mark(struct rf_pg *pg, const struct rf_target *target, const char *before,
                         struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "%s", before);
    put_mark(target, &sql);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    return code;
}

enum rf_code rf_guard_begin(struct rf_pg *pg, const struct rf_target *target,
                            struct rf_error *error) {
    return mark(pg, target, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ", error);
}

enum rf_code rf_guard_mark(struct rf_pg *pg, const struct rf_target *target,
                           struct rf_error *error) {
    return mark(pg, target, "", error);
}

enum rf_code rf_guard_start(struct rf_pg *pg, const struct rf_target *target,
                            struct rf_error *error) {
    const struct rf_pg_args args = rf_ledger_args(target);
    enum rf_code code = rf_pg_do_args(pg, rf_sql_guard_start, &args, NULL, error);
    return code == RF_OK ? rf_guard_mark(pg, target, error) : code;
}

/* ---- the horizon ---- */

static enum rf_code find_horizon(struct rf_guard_look *look, struct rf_error *error) {
    enum { HORIZON, OLDEST, NEXT, SOUND, QUIET };
    const struct rf_guard *guard = look->run->guard;
    struct rf_pg_args args = rf_ledger_args(look->target);
    if (guard->looked) {
        rf_pg_number(&args, guard->horizon);
    } else {
        rf_pg_text(&args, NULL);
    }
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(look->pg, rf_sql_guard_horizon, &args, &rows, error);
    if (code == RF_OK) {
        look->horizon = rf_pg_rows_number(rows, 0, HORIZON);
        look->oldest = rf_pg_rows_number(rows, 0, OLDEST);
        look->next = rf_pg_rows_number(rows, 0, NEXT);
        look->sound = rf_pg_rows_truth(rows, 0, SOUND);
        look->quiet = rf_pg_rows_truth(rows, 0, QUIET);
    }
    rf_pg_rows_free(rows);
    return code;
}

/* Bounds of runs, ascending: behind an odd number of them a transaction is rowferry's. */
static enum rf_code list_own(struct rf_guard_look *look, struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_number(&args, look->horizon);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(look->pg, rf_sql_guard_own, &args, &rows, error);
    rf_buffer_printf(&look->own, "'{");
    for (uint32_t i = 0; code == RF_OK && i < rf_pg_rows_count(rows); i++) {
        rf_buffer_printf(&look->own, "%s%s,%s", i > 0 ? "," : "", rf_pg_rows_text(rows, i, 0),
                         rf_pg_rows_text(rows, i, 1));
    }
    rf_buffer_printf(&look->own, "}'");
    rf_pg_rows_free(rows);
    return code == RF_OK ? rf_buffer_check(&look->own, error) : code;
}

#define XID_COUNT (UINT64_C(1) << 32)

/* Rows from before the horizon keep their xmin when they are frozen, so numbers are compared around
 * the circle, by their distance from the horizon. */
void rf_guard_others(const struct rf_guard_look *look, const char *column, struct rf_buffer *sql) {
    if (!look->sound) {
        rf_buffer_printf(sql, "false");
        return;
    }
    struct rf_buffer distance = {0};
    rf_buffer_printf(&distance, "mod(%s::text::bigint - %" PRIu64 " + %" PRIu64 ", %" PRIu64 ")",
                     column, look->horizon % XID_COUNT, XID_COUNT, XID_COUNT);
    rf_buffer_u8(&distance, 0);
    const char *text = distance.failed ? "" : (const char *)distance.bytes;
    rf_buffer_printf(sql, "(%s < %" PRIu64 " AND mod(width_bucket(%s, %.*s::bigint[]), 2) = 0)",
                     text, look->next - look->horizon, text, (int)look->own.size,
                     (const char *)look->own.bytes);
    sql->failed = sql->failed || distance.failed;
    rf_buffer_release(&distance);
}

/* ---- the scan ---- */

static enum rf_code list_tables(struct rf_guard_look *look, struct rf_error *error) {
    enum { TABLE, RELATION, EXPECTED };
    const struct rf_pg_args args = rf_ledger_args(look->target);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(look->pg, rf_sql_guard_tables, &args, &rows, error);
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    look->tables = rf_arena_take(&look->arena, count, sizeof *look->tables);
    look->suspects = rf_arena_take(&look->arena, count, sizeof *look->suspects);
    for (uint32_t i = 0; look->tables && look->suspects && i < count; i++) {
        const char *table = rf_pg_rows_text(rows, i, TABLE);
        if (rf_guard_overwrites(look->run, table)) {
            continue;
        }
        look->tables[look->count++] = (struct rf_guard_table){
            .table = rf_arena_copy(&look->arena, table),
            .relation = rf_arena_copy(&look->arena, rf_pg_rows_text(rows, i, RELATION)),
            .expected = rf_pg_rows_number(rows, i, EXPECTED),
        };
    }
    rf_pg_rows_free(rows);
    return code == RF_OK ? rf_arena_check(&look->arena, error) : code;
}

static void put_scan(const struct rf_guard_look *look, uint32_t table, struct rf_buffer *sql) {
    struct rf_buffer number = {0}, other = {0}, relation = {0};
    rf_buffer_printf(&number, "%u", table);
    rf_guard_others(look, "g.xmin", &other);
    rf_quote_qualified(&relation, look->target->schema, look->tables[table].relation);
    const struct rf_template_part parts[] = {
        {"number", &number}, {"other", &other}, {"relation", &relation}};
    if (sql->size > 0) {
        rf_buffer_printf(sql, "\nUNION ALL\n");
    }
    rf_template_fill(rf_sql_guard_scan, parts, sizeof parts / sizeof parts[0], sql);
    rf_buffer_release(&number);
    rf_buffer_release(&other);
    rf_buffer_release(&relation);
}

#define SAVEPOINT "rowferry_scan"

/* A server has room for some thousands of locks in a transaction: those on tables that were read are
 * let go of with a savepoint. */
static enum rf_code ask_scan(struct rf_pg *pg, const char *sql, struct rf_pg_rows **rows,
                             struct rf_error *error) {
    enum rf_code code = rf_pg_do(pg, "SAVEPOINT " SAVEPOINT, NULL, error);
    if (code == RF_OK) {
        code = rf_pg_ask(pg, sql, NULL, rows, error);
    }
    return code == RF_OK
               ? rf_pg_do(pg, "ROLLBACK TO SAVEPOINT " SAVEPOINT "; RELEASE SAVEPOINT " SAVEPOINT,
                          NULL, error)
               : code;
}

static enum rf_code scan_some(struct rf_guard_look *look, struct rf_buffer *sql,
                              struct rf_error *error) {
    enum { NUMBER, ROWS, OTHERS, WRITES };
    struct rf_pg_rows *rows = NULL;
    rf_buffer_u8(sql, 0);
    enum rf_code code = rf_buffer_check(sql, error);
    if (code == RF_OK) {
        code = ask_scan(look->pg, (const char *)sql->bytes, &rows, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < rf_pg_rows_count(rows); i++) {
        struct rf_guard_table *table = &look->tables[rf_pg_rows_number(rows, i, NUMBER)];
        table->rows = rf_pg_rows_number(rows, i, ROWS);
        table->others = rf_pg_rows_number(rows, i, OTHERS);
        table->others_writes = rf_pg_rows_number(rows, i, WRITES);
    }
    rf_pg_rows_free(rows);
    rf_buffer_clear(sql);
    return code;
}

#define TABLES_AT_ONCE 50u /* are one statement */

static enum rf_code scan(struct rf_guard_look *look, struct rf_error *error) {
    struct rf_buffer sql = {0};
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < look->count; i++) {
        put_scan(look, i, &sql);
        if ((i + 1) % TABLES_AT_ONCE == 0 || i + 1 == look->count) {
            code = rf_run_check(look->run, error);
            code = code == RF_OK ? scan_some(look, &sql, error) : code;
        }
    }
    rf_buffer_release(&sql);
    return code;
}

static void find_suspects(struct rf_guard_look *look) {
    for (uint32_t i = 0; i < look->count; i++) {
        struct rf_guard_table *table = &look->tables[i];
        if (!look->sound || table->others > 0 || table->rows != table->expected) {
            look->suspects[look->suspect_count++] = table;
        }
    }
}

/* A look at all tables but those that are to be overwritten anyway. */
static enum rf_code look_at_tables(struct rf_guard_look *look, struct rf_error *error) {
    enum rf_code code = find_horizon(look, error);
    if (code != RF_OK || look->quiet) {
        return code;
    }
    code = list_own(look, error);
    if (code == RF_OK) {
        code = list_tables(look, error);
    }
    if (code == RF_OK) {
        code = scan(look, error);
    }
    if (code == RF_OK) {
        find_suspects(look);
    }
    return code == RF_OK && look->suspect_count > 0 ? rf_guard_compare(look, error) : code;
}

static void release(struct rf_guard_look *look) {
    rf_buffer_release(&look->own);
    rf_arena_release(&look->arena);
}

/* ---- what comes of it ---- */

/* Appends what differs to what is known to. */
static enum rf_code take_over(const struct rf_guard_look *look, struct rf_error *error) {
    struct rf_guard *guard = look->run->guard;
    uint32_t room = guard->count + look->suspect_count;
    struct rf_guard_table *tables = rf_arena_take(&guard->arena, room, sizeof *tables);
    if (tables && guard->count > 0) {
        memcpy(tables, guard->tables, guard->count * sizeof *tables);
    }
    for (uint32_t i = 0; tables && i < look->suspect_count; i++) {
        const struct rf_guard_table *suspect = look->suspects[i];
        if (suspect->differs) {
            tables[guard->count] = *suspect;
            tables[guard->count].table = rf_arena_copy(&guard->arena, suspect->table);
            tables[guard->count].relation = rf_arena_copy(&guard->arena, suspect->relation);
            guard->count++;
        }
    }
    guard->tables = tables;
    return rf_arena_check(&guard->arena, error);
}

/* Where the rows' number is not what the ledger makes of it, though they are the right ones. */
static enum rf_code store_counts(const struct rf_guard_look *look, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < look->suspect_count; i++) {
        const struct rf_guard_table *table = look->suspects[i];
        if (!table->differs && table->rows != table->expected) {
            struct rf_pg_args args = rf_ledger_args(look->target);
            rf_pg_text(&args, table->table);
            rf_pg_number(&args, table->rows);
            code = rf_pg_do_args(look->pg, rf_sql_guard_count, &args, NULL, error);
        }
    }
    return code;
}

static enum rf_code store(const struct rf_guard_look *look, struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(look->target);
    rf_pg_number(&args, look->oldest);
    enum rf_code code = rf_pg_do_args(look->pg, rf_sql_guard_store, &args, NULL, error);
    return code == RF_OK ? store_counts(look, error) : code;
}

static enum rf_code store_apart(const struct rf_guard_look *look, struct rf_error *error) {
    enum rf_code code = rf_pg_begin(look->pg, error);
    if (code == RF_OK) {
        code = store(look, error);
    }
    if (code == RF_OK) {
        code = rf_pg_commit(look->pg, error);
    }
    if (code != RF_OK) {
        rf_pg_rollback(look->pg);
    }
    return code;
}

enum rf_code rf_guard_look(struct rf_run *run, struct rf_pg *pg, const struct rf_target *target,
                           struct rf_error *error) {
    struct rf_guard_look look = {.run = run, .pg = pg, .target = target};
    enum rf_code code = rf_pg_begin_fixed(pg, true, error);
    if (code == RF_OK) {
        code = look_at_tables(&look, error);
    }
    rf_pg_rollback(pg);
    if (code == RF_OK) {
        code = take_over(&look, error);
    }
    bool clean = code == RF_OK && run->guard->count == 0;
    if (clean && !look.quiet && !run->options->dry_run) {
        code = store_apart(&look, error);
    }
    if (clean) {
        run->guard->looked = look.sound || !run->options->dry_run;
        run->guard->horizon = look.oldest;
    }
    if (code != RF_OK) {
        rf_while(error, "while looking whether others have written to the target");
    }
    release(&look);
    return code;
}

static void put_count(struct rf_buffer *out, uint64_t count, const char *done) {
    if (count > 0) {
        rf_buffer_printf(out, "%s%" PRIu64 " %s", out->size > 0 ? ", " : "", count, done);
    }
}

/* table "users": rows 2 changed, 1 inserted (changed: id = 5; …) */
static const char *sentence(struct rf_arena *arena, const struct rf_guard_table *table) {
    struct rf_buffer counts = {0};
    put_count(&counts, table->different, "changed");
    put_count(&counts, table->extra, "inserted");
    put_count(&counts, table->missing, "deleted");
    const char *text =
        rf_arena_printf(arena, "table \"%s\": rows %.*s%s%s%s", table->table, (int)counts.size,
                        (const char *)counts.bytes, table->keys[0] ? " (" : "", table->keys,
                        table->keys[0] ? ")" : "");
    arena->failed = arena->failed || counts.failed;
    rf_buffer_release(&counts);
    return text;
}

static void tell(struct rf_run *run, const struct rf_guard_table *table) {
    const struct rf_written written = {
        .table = table->table,
        .missing = table->missing,
        .extra = table->extra,
        .different = table->different,
    };
    if (run->options->written) {
        pthread_mutex_lock(&run->callbacks);
        run->options->written(run->options->context, &written);
        pthread_mutex_unlock(&run->callbacks);
    }
}

static enum rf_code refuse(struct rf_run *run, uint32_t first, struct rf_error *error) {
    struct rf_guard *guard = run->guard;
    struct rf_troubles troubles = {.arena = &guard->arena};
    for (uint32_t i = first; i < guard->count; i++) {
        tell(run, &guard->tables[i]);
        rf_trouble(&troubles, "%s", sentence(&guard->arena, &guard->tables[i]));
    }
    return rf_troubles_fail(&troubles, run, RF_MISPLACED,
                            "the target was written to by others since the last trip",
                            "nothing was changed. If the application runs on the target now, leave "
                            "it at that: the source is behind. With --overwrite-target these "
                            "tables become the source's again, and what was written is lost.",
                            error);
}

enum rf_code rf_guard_judge(struct rf_run *run, struct rf_error *error) {
    struct rf_guard *guard = run->guard;
    if (!run->options->overwrite) {
        return refuse(run, 0, error);
    }
    for (uint32_t i = 0; i < guard->count; i++) {
        tell(run, &guard->tables[i]);
        const char *text = sentence(&guard->arena, &guard->tables[i]);
        if (!text) {
            return rf_fail_memory(error);
        }
        rf_run_warn(run, "%s by others; it becomes the source's again", text);
    }
    return RF_OK;
}

static enum rf_code hold(struct rf_guard_look *look, struct rf_error *error) {
    struct rf_guard *guard = look->run->guard;
    uint32_t known = guard->count;
    enum rf_code code = look_at_tables(look, error);
    if (code == RF_OK) {
        code = take_over(look, error);
    }
    if (code == RF_OK && guard->count > known) {
        code = refuse(look->run, known, error);
    }
    if (code == RF_OK) {
        code = store(look, error);
    }
    if (code == RF_OK) {
        guard->looked = true;
        guard->horizon = look->oldest;
    }
    return code;
}

enum rf_code rf_guard_hold(struct rf_run *run, struct rf_pg *pg, const struct rf_target *target,
                           struct rf_error *error) {
    struct rf_guard_look look = {.run = run, .pg = pg, .target = target};
    enum rf_code code = hold(&look, error);
    release(&look);
    return code;
}

void rf_guard_committed(struct rf_run *run) {
    run->guard->count = 0;
}

const struct rf_guard_table *rf_guard_overwrites(const struct rf_run *run, const char *table) {
    const struct rf_guard *guard = run->guard;
    for (uint32_t i = 0; guard && i < guard->count; i++) {
        if (strcmp(guard->tables[i].table, table) == 0) {
            return &guard->tables[i];
        }
    }
    return NULL;
}

void rf_guard_release(struct rf_guard *guard) {
    rf_arena_release(&guard->arena);
    *guard = (struct rf_guard){.looked = false};
}
