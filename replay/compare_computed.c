#include "replay/compare_computed.h"

#include <inttypes.h>
#include <string.h>

#include "replay/computed.h"
#include "replay/quote.h"

#define WANTED RF_COMPUTED_SCHEMA ".\"rowferry computed\"" /* what should be in the table */

struct comparing {
    const struct rf_compare_table *table;
    struct rf_pg *pg;
    struct rf_compared_table *result;
    struct rf_digest *asides;
    uint64_t staged; /* rows */
    struct rf_buffer tuples;
};

static const struct rf_plan_computed *computed_of(const struct comparing *comparing) {
    return comparing->table->plan->computed;
}

static enum rf_code do_sql(const struct comparing *comparing, struct rf_buffer *sql,
                           struct rf_error *error) {
    enum rf_code code = rf_pg_do_buffer(comparing->pg, sql, NULL, error);
    rf_buffer_release(sql);
    return code;
}

static enum rf_code ask_sql(const struct comparing *comparing, struct rf_buffer *sql,
                            struct rf_pg_rows **rows, struct rf_error *error) {
    *rows = NULL;
    rf_buffer_u8(sql, 0);
    enum rf_code code = rf_buffer_check(sql, error);
    if (code == RF_OK) {
        code = rf_pg_ask(comparing->pg, (const char *)sql->bytes, NULL, rows, error);
    }
    rf_buffer_release(sql);
    return code;
}

/* ---- the snapshot's rows, on the server ---- */

static enum rf_code send_tuples(struct comparing *comparing, struct rf_error *error) {
    return rf_pg_copy_put(comparing->pg, &comparing->tuples, error);
}

static enum rf_code stage_row(void *context, const struct rf_tuple *tuple, struct rf_error *error) {
    struct comparing *comparing = context;
    comparing->staged++;
    rf_buffer_append(&comparing->tuples, tuple->bytes, tuple->size);
    return comparing->tuples.failed || comparing->tuples.size >= RF_PG_COPY_PIECE
               ? send_tuples(comparing, error)
               : RF_OK;
}

static enum rf_code note_aside(void *context, struct rf_hash hash, const struct rf_rows *rows,
                               uint32_t row, struct rf_error *error) {
    (void)rows;
    (void)row;
    (void)error;
    struct comparing *comparing = context;
    rf_digest_add(comparing->asides, hash);
    return RF_OK;
}

static enum rf_code stage(struct comparing *comparing, struct rf_error *error) {
    const struct rf_plan *plan = comparing->table->plan;
    const struct rf_visitor visitor = {.row = stage_row, .aside = note_aside, .context = comparing};
    struct rf_buffer sql = {0};
    rf_computed_stage(plan, &sql);
    enum rf_code code = do_sql(comparing, &sql, error);
    if (code == RF_OK) {
        rf_plan_copy_in(plan, RF_COMPUTED_SCHEMA, false, &sql);
        rf_buffer_u8(&sql, 0);
        code = rf_buffer_check(&sql, error);
    }
    if (code == RF_OK) {
        code = rf_pg_copy_in(comparing->pg, (const char *)sql.bytes, error);
    }
    rf_buffer_release(&sql);
    if (code == RF_OK) {
        rf_buffer_append(&comparing->tuples, rf_copy_header, sizeof rf_copy_header);
        code = rf_compare_read_source(comparing->table, &visitor, error);
    }
    if (code == RF_OK) {
        rf_buffer_append(&comparing->tuples, rf_copy_trailer, sizeof rf_copy_trailer);
        code = send_tuples(comparing, error);
    }
    return code == RF_OK ? rf_pg_copy_end(comparing->pg, NULL, error) : code;
}

/* ---- what should be there ---- */

static void put_names(const struct comparing *comparing, struct rf_buffer *sql) {
    const struct rf_plan_computed *computed = computed_of(comparing);
    for (uint32_t i = 0; i < computed->target_count; i++) {
        rf_buffer_printf(sql, "%s", i > 0 ? ", " : "");
        rf_quote_name(sql, computed->targets[i].name);
    }
}

static void put_table(const struct comparing *comparing, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "ONLY ");
    rf_quote_qualified(sql, comparing->table->target->schema, comparing->table->plan->relation);
}

/* Values take the column's type on their way in, as in a load. */
static enum rf_code make_wanted(const struct comparing *comparing, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "CREATE TEMPORARY TABLE " WANTED " ON COMMIT DROP AS SELECT ");
    put_names(comparing, &sql);
    rf_buffer_printf(&sql, " FROM ");
    put_table(comparing, &sql);
    rf_buffer_printf(&sql, " WITH NO DATA");
    enum rf_code code = do_sql(comparing, &sql, error);
    if (code != RF_OK && (strcmp(error->sqlstate, "42703") == 0 ||  /* column, */
                          strcmp(error->sqlstate, "42P01") == 0)) { /* table */
        error->code = code = RF_MISPLACED;
    }
    return code;
}

static enum rf_code fill_wanted(const struct comparing *comparing, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "INSERT INTO " WANTED " (");
    put_names(comparing, &sql);
    rf_buffer_printf(&sql, ") ");
    rf_computed_select(comparing->table->plan, comparing->table->target->schema, &sql);
    enum rf_code code = do_sql(comparing, &sql, error);
    if (code != RF_OK) {
        rf_while(error, "while computing what should be in it");
    }
    return code;
}

static enum rf_code count_left_out(const struct comparing *comparing, struct rf_error *error) {
    if (!computed_of(comparing)->where) {
        return RF_OK;
    }
    struct rf_buffer sql = {0};
    struct rf_pg_rows *rows;
    rf_computed_count(comparing->table->plan, &sql);
    enum rf_code code = ask_sql(comparing, &sql, &rows, error);
    if (code == RF_OK) {
        comparing->result->left_out = comparing->staged - rf_pg_rows_number(rows, 0, 0);
    }
    rf_pg_rows_free(rows);
    return code;
}

/* ---- sums ---- */

static void put_row(const struct comparing *comparing, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "ROW(");
    put_names(comparing, sql);
    rf_buffer_printf(sql, ")::text COLLATE \"C\"");
}

static void put_sums(const struct comparing *comparing, const char *wanted, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "SELECT count(*), sum(hashtextextended(v, 1)), "
                          "sum(hashtextextended(v, 2)) FROM (SELECT ");
    put_row(comparing, sql);
    rf_buffer_printf(sql, " AS v FROM ");
    if (wanted) {
        rf_buffer_printf(sql, "%s", wanted);
    } else {
        put_table(comparing, sql);
    }
    rf_buffer_printf(sql, ") AS t");
}

static bool same_sum(const struct rf_pg_rows *rows, uint32_t column) {
    const char *wanted = rf_pg_rows_text(rows, 0, column);
    const char *found = rf_pg_rows_text(rows, 1, column);
    return wanted && found ? strcmp(wanted, found) == 0 : wanted == found;
}

static enum rf_code sum_up(const struct comparing *comparing, bool *same, struct rf_error *error) {
    struct rf_buffer sql = {0};
    struct rf_pg_rows *rows;
    put_sums(comparing, WANTED, &sql);
    rf_buffer_printf(&sql, "\nUNION ALL\n");
    put_sums(comparing, NULL, &sql);
    enum rf_code code = ask_sql(comparing, &sql, &rows, error);
    if (code == RF_OK) {
        comparing->result->target_rows = rf_pg_rows_number(rows, 1, 0);
        *same = same_sum(rows, 0) && same_sum(rows, 1) && same_sum(rows, 2);
    }
    rf_pg_rows_free(rows);
    return code;
}

/* ---- differences ---- */

/* The columns that rows are known by: those of the key, where all of them go in as they are. */
struct names {
    uint32_t count;
    bool whole; /* rows are named by all that they are made of */
    const char **names;
};

static void find_names(const struct comparing *comparing, struct rf_arena *arena,
                       struct names *names) {
    const struct rf_plan *plan = comparing->table->plan;
    const struct rf_plan_computed *computed = plan->computed;
    names->names =
        rf_arena_take(arena, computed->target_count + plan->key_count, sizeof *names->names);
    for (uint32_t i = 0; names->names && i < plan->key_count; i++) {
        const char *name = rf_plan_goes_to(plan, plan->key[i]);
        if (!name) {
            names->count = 0;
            break;
        }
        names->names[names->count++] = name;
    }
    for (uint32_t i = 0; names->names && names->count == 0 && i < computed->target_count; i++) {
        names->names[i] = computed->targets[i].name;
    }
    names->whole = names->count == 0;
    names->count = names->whole ? computed->target_count : names->count;
}

static void put_side(const struct comparing *comparing, const struct names *names, bool wanted,
                     struct rf_buffer *sql) {
    rf_buffer_printf(sql, "SELECT ARRAY[");
    for (uint32_t i = 0; i < names->count; i++) {
        rf_buffer_printf(sql, "%s", i > 0 ? ", " : "");
        rf_quote_name(sql, names->names[i]);
        rf_buffer_printf(sql, "::text");
    }
    rf_buffer_printf(sql, "] AS k, ");
    put_row(comparing, sql);
    rf_buffer_printf(sql, " AS v, %s AS n FROM ", wanted ? "1" : "-1");
    if (wanted) {
        rf_buffer_printf(sql, WANTED);
    } else {
        put_table(comparing, sql);
    }
}

/* Rows of one key pair up, as far as there are some on either side, as different ones; the others are
 * missing or extra. Without a key no two rows pair up. In front of those to be named stand the
 * counts of all. */
static void put_differences(const struct comparing *comparing, const struct names *names,
                            struct rf_buffer *sql) {
    uint32_t at_most = comparing->table->options->name_at_most;
    rf_buffer_printf(sql, "WITH differing AS (SELECT k, sum(n) AS n FROM (");
    put_side(comparing, names, true, sql);
    rf_buffer_printf(sql, " UNION ALL ");
    put_side(comparing, names, false, sql);
    rf_buffer_printf(
        sql,
        ") AS both_sides GROUP BY k, v HAVING sum(n) <> 0),\n"
        "keyed AS (SELECT k, coalesce(sum(n) FILTER (WHERE n > 0), 0) AS here, "
        "coalesce(-sum(n) FILTER (WHERE n < 0), 0) AS there FROM differing GROUP BY k)\n"
        "SELECT sum(x.rows) FILTER (WHERE x.kind = %d) OVER (), "
        "sum(x.rows) FILTER (WHERE x.kind = %d) OVER (), "
        "sum(x.rows) FILTER (WHERE x.kind = %d) OVER (), x.kind",
        RF_ROW_MISSING, RF_ROW_EXTRA, RF_ROW_DIFFERENT);
    for (uint32_t i = 0; i < names->count; i++) {
        rf_buffer_printf(sql, ", k[%u]", i + 1);
    }
    rf_buffer_printf(sql,
                     " FROM keyed CROSS JOIN LATERAL (VALUES (%d, here - least(here, there)), "
                     "(%d, there - least(here, there)), (%d, least(here, there))) "
                     "AS x (kind, rows) WHERE x.rows > 0 ORDER BY keyed.k, x.kind LIMIT %u",
                     RF_ROW_MISSING, RF_ROW_EXTRA, RF_ROW_DIFFERENT, at_most > 0 ? at_most : 1);
}

enum { MISSING, EXTRA, DIFFERENT, KIND, KEY };

static void tell(const struct comparing *comparing, const struct names *names,
                 const struct rf_pg_rows *rows, uint32_t row, const char **values) {
    const struct rf_compare_options *options = comparing->table->options;
    for (uint32_t i = 0; i < names->count; i++) {
        values[i] = rf_pg_rows_text(rows, row, KEY + i);
    }
    const struct rf_difference difference = {
        .table = comparing->table->plan->table,
        .kind = (enum rf_difference_kind)rf_pg_rows_number(rows, row, KIND),
        .whole = names->whole,
        .key_count = names->count,
        .columns = names->names,
        .values = values,
    };
    pthread_mutex_lock(&comparing->table->run->callbacks);
    options->difference(options->target.context, &difference);
    pthread_mutex_unlock(&comparing->table->run->callbacks);
}

static enum rf_code find_differences(const struct comparing *comparing, struct rf_error *error) {
    const struct rf_compare_options *options = comparing->table->options;
    struct rf_arena arena = {0};
    struct names names = {.count = 0};
    struct rf_buffer sql = {0};
    struct rf_pg_rows *rows = NULL;
    find_names(comparing, &arena, &names);
    const char **values = rf_arena_take(&arena, names.count, sizeof *values);
    enum rf_code code = rf_arena_check(&arena, error);
    if (code == RF_OK) {
        put_differences(comparing, &names, &sql);
        code = ask_sql(comparing, &sql, &rows, error);
    }
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    if (count > 0) {
        comparing->result->missing += rf_pg_rows_number(rows, 0, MISSING);
        comparing->result->extra += rf_pg_rows_number(rows, 0, EXTRA);
        comparing->result->different += rf_pg_rows_number(rows, 0, DIFFERENT);
    }
    for (uint32_t i = 0; options->difference && i < count && i < options->name_at_most; i++) {
        tell(comparing, &names, rows, i, values);
    }
    rf_pg_rows_free(rows);
    rf_arena_release(&arena);
    return code;
}

/* ---- the table ---- */

/* Every row of the snapshot is on one side or the other. */
static enum rf_code check_count(const struct comparing *comparing, struct rf_error *error) {
    const struct rf_manifest_table *source = comparing->table->source;
    uint64_t read = comparing->staged + comparing->asides->rows;
    if (read == source->digest.rows) {
        return RF_OK;
    }
    return rf_fail(error, RF_CORRUPT,
                   "table %s has %" PRIu64 " rows in the archives, the manifest says %" PRIu64,
                   source->table.name, read, source->digest.rows);
}

static enum rf_code compute(struct comparing *comparing, struct rf_error *error) {
    const char *schema = comparing->table->target->schema;
    enum rf_code code = make_wanted(comparing, error);
    if (code == RF_OK) {
        code = stage(comparing, error);
    }
    if (code == RF_OK) {
        code = check_count(comparing, error);
    }
    if (code == RF_OK) {
        code = rf_computed_begin(comparing->pg, schema, error);
    }
    if (code == RF_OK) {
        code = fill_wanted(comparing, error);
    }
    if (code == RF_OK) {
        code = count_left_out(comparing, error);
    }
    return code == RF_OK ? rf_computed_end(comparing->pg, error) : code;
}

enum rf_code rf_compare_computed(const struct rf_compare_table *table, struct rf_pg *pg,
                                 struct rf_compared_table *result, struct rf_digest *asides,
                                 struct rf_error *error) {
    struct comparing comparing = {.table = table, .pg = pg, .result = result, .asides = asides};
    bool same = true;
    *asides = (struct rf_digest){.rows = 0};
    enum rf_code code = compute(&comparing, error);
    if (code == RF_OK) {
        code = sum_up(&comparing, &same, error);
    }
    if (code == RF_OK && !same) {
        code = rf_compare_sound(table, true) ? find_differences(&comparing, error)
                                             : rf_compare_fail_unsound(error);
    }
    rf_buffer_release(&comparing.tuples);
    return code;
}
