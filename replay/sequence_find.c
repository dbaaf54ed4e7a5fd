#include "replay/sequence_find.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/value.h"
#include "replay/sql.h"

/* ---- what SQLite has given out ---- */

/* What SQLite remembers of one table. */
struct memory {
    const char *table;
    int64_t number;
};

struct memories {
    uint32_t count;
    struct memory *memories; /* in byte order of the names */
};

static int by_table(const void *a, const void *b) {
    const struct memory *one = a, *other = b;
    return strcmp(one->table, other->table);
}

/* Anybody may write into sqlite_sequence; what is no name with an integer says nothing. */
static void remember(struct memories *memories, struct rf_arena *arena,
                     const struct rf_sequence *sequence) {
    struct rf_cursor cursor = rf_cursor_of(sequence->cells.bytes, sequence->cells.size);
    struct rf_value name, number;
    bool read = rf_row_next(&cursor, &name) && rf_row_next(&cursor, &number);
    if (!read || name.class != RF_TEXT || number.class != RF_INTEGER) {
        return;
    }
    char *table = rf_arena_printf(arena, "%.*s", (int)name.size, (const char *)name.bytes);
    if (table) {
        memories->memories[memories->count++] = (struct memory){table, number.integer};
    }
}

static void read_memories(const struct rf_manifest *manifest, struct rf_arena *arena,
                          struct memories *memories) {
    memories->memories = rf_arena_take(arena, manifest->sequence_count, sizeof *memories->memories);
    for (uint32_t i = 0; memories->memories && i < manifest->sequence_count; i++) {
        remember(memories, arena, &manifest->sequences[i]);
    }
    if (memories->count > 0) {
        qsort(memories->memories, memories->count, sizeof *memories->memories, by_table);
    }
}

static const struct memory *remembered(const struct memories *memories, const char *table) {
    const struct memory wanted = {.table = table};
    return memories->count == 0 ? NULL
                                : bsearch(&wanted, memories->memories, memories->count,
                                          sizeof *memories->memories, by_table);
}

/* ---- what stands in the target ---- */

struct finding {
    struct rf_run *run;
    struct rf_pg *pg;
    const struct rf_target *target;
    const struct rf_manifest *manifest;
    struct rf_sequence_list *list;
    struct memories memories;
};

void rf_sequence_pass(struct rf_sequence_entry *entry, int64_t number) {
    entry->passed =
        entry->reached ? rf_sequence_farther(&entry->state, entry->passed, number) : number;
    entry->reached = true;
}

static int64_t integer(const struct rf_pg_rows *rows, uint32_t row, uint32_t column) {
    const char *text = rf_pg_rows_text(rows, row, column);
    return text ? strtoll(text, NULL, 10) : 0;
}

static const char *text(struct finding *finding, const struct rf_pg_rows *rows, uint32_t row,
                        uint32_t column) {
    return rf_arena_copy(&finding->list->arena, rf_pg_rows_text(rows, row, column));
}

static bool is_ruled(const struct finding *finding, const char *name) {
    const struct rf_rules *rules = finding->run->options->rules;
    for (uint32_t i = 0; name && i < rules->sequence_count; i++) {
        if (strcmp(rules->sequences[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum rf_code list_all(struct finding *finding, struct rf_error *error) {
    enum { OID, SCHEMA, NAME, HERE, INCREMENT, MIN, MAX, MAY_SET };
    struct rf_sequence_list *list = finding->list;
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, finding->target->schema);
    struct rf_pg_rows *rows = NULL;
    enum rf_code code = rf_pg_ask(finding->pg, rf_sql_sequence_list, &args, &rows, error);
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    list->entries = rf_arena_take(&list->arena, count, sizeof *list->entries);
    for (uint32_t i = 0; list->entries && i < count; i++) {
        bool here = rf_pg_rows_truth(rows, i, HERE);
        list->entries[list->count++] = (struct rf_sequence_entry){
            .oid = rf_pg_rows_number(rows, i, OID),
            .schema = text(finding, rows, i, SCHEMA),
            .name = text(finding, rows, i, NAME),
            .here = here,
            .ruled = here && is_ruled(finding, rf_pg_rows_text(rows, i, NAME)),
            .may_set = rf_pg_rows_truth(rows, i, MAY_SET),
            .state = {.increment = integer(rows, i, INCREMENT),
                      .min = integer(rows, i, MIN),
                      .max = integer(rows, i, MAX)},
        };
    }
    rf_pg_rows_free(rows);
    return code == RF_OK ? rf_arena_check(&list->arena, error) : code;
}

static int by_oid(const void *a, const void *b) {
    const struct rf_sequence_entry *one = a, *other = b;
    return (one->oid > other->oid) - (one->oid < other->oid);
}

/* One that was made since the sequences were listed is none that anything was taken from. */
static struct rf_sequence_entry *find(const struct rf_sequence_list *list, uint64_t oid) {
    const struct rf_sequence_entry wanted = {.oid = oid};
    return list->count == 0
               ? NULL
               : bsearch(&wanted, list->entries, list->count, sizeof *list->entries, by_oid);
}

enum { SEQUENCE, SCHEMA, TABLE, COLUMN, SOURCE, CELL };

/* An AUTOINCREMENT never gives a number out again, were its rows deleted since. */
static void pass_given_out(const struct finding *finding, struct rf_sequence_entry *entry,
                           const struct rf_pg_rows *rows, uint32_t row) {
    const char *source = rf_pg_rows_text(rows, row, SOURCE);
    const char *cell = rf_pg_rows_text(rows, row, CELL);
    const struct rf_manifest_table *table =
        source && cell ? rf_manifest_find(finding->manifest, source) : NULL;
    if (!table || entry->state.increment < 0 || table->table.alias != integer(rows, row, CELL)) {
        return;
    }
    const struct memory *memory = remembered(&finding->memories, source);
    if (memory && memory->number > 0) {
        rf_sequence_pass(entry, memory->number);
    }
}

/* Rows [from, to) are of one sequence. */
static void add_columns(struct finding *finding, const struct rf_pg_rows *rows, uint32_t from,
                        uint32_t to) {
    struct rf_sequence_entry *entry = find(finding->list, rf_pg_rows_number(rows, from, SEQUENCE));
    if (!entry) {
        return;
    }
    entry->columns = rf_arena_take(&finding->list->arena, to - from, sizeof *entry->columns);
    for (uint32_t i = from; entry->columns && i < to; i++) {
        if (!entry->ruled && !rf_pg_rows_text(rows, i, SOURCE)) {
            continue;
        }
        entry->columns[entry->column_count++] =
            (struct rf_sequence_column){.schema = text(finding, rows, i, SCHEMA),
                                        .table = text(finding, rows, i, TABLE),
                                        .column = text(finding, rows, i, COLUMN)};
        pass_given_out(finding, entry, rows, i);
    }
}

static enum rf_code list_columns(struct finding *finding, struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, finding->target->source);
    rf_pg_text(&args, finding->target->schema);
    struct rf_pg_rows *rows = NULL;
    enum rf_code code = rf_pg_ask(finding->pg, rf_sql_sequence_columns, &args, &rows, error);
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    for (uint32_t from = 0, to = 0; from < count; from = to) {
        uint64_t oid = rf_pg_rows_number(rows, from, SEQUENCE);
        while (to < count && rf_pg_rows_number(rows, to, SEQUENCE) == oid) {
            to++;
        }
        add_columns(finding, rows, from, to);
    }
    rf_pg_rows_free(rows);
    return code == RF_OK ? rf_arena_check(&finding->list->arena, error) : code;
}

/* ---- what rules name ---- */

static const struct rf_sequence_entry *named(const struct rf_sequence_list *list,
                                             const char *name) {
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->entries[i].ruled && strcmp(list->entries[i].name, name) == 0) {
            return &list->entries[i];
        }
    }
    return NULL;
}

static enum rf_code fail_missing(const struct finding *finding, const struct rf_sequence_rule *rule,
                                 struct rf_error *error) {
    rf_fail(error, RF_MISPLACED, "there is no sequence \"%s\" in schema \"%s\"", rule->name,
            finding->target->schema);
    if (rule->place) {
        rf_detail(error, "%s names it", rule->place);
    }
    rf_hint(error, "the application makes its sequences with its tables: is its schema complete, "
                   "and of the version that the rules are for?");
    return RF_MISPLACED;
}

static enum rf_code fail_right(const struct finding *finding, const struct rf_sequence_rule *rule,
                               struct rf_error *error) {
    struct rf_pg_rows *rows = NULL;
    struct rf_pg_args args = {.count = 0};
    struct rf_error ignored;
    rf_pg_text(&args, finding->target->schema);
    bool told = rf_pg_ask(finding->pg, rf_sql_catalog_role, &args, &rows, &ignored) == RF_OK;
    const char *role = told ? rf_pg_rows_text(rows, 0, 0) : "…";
    rf_fail(error, RF_CONNECT, "role \"%s\" may not set sequence \"%s\".\"%s\"", role,
            finding->target->schema, rule->name);
    if (rule->place) {
        rf_detail(error, "%s names it", rule->place);
    }
    rf_hint(error, "GRANT SELECT, UPDATE ON SEQUENCE \"%s\".\"%s\" TO \"%s\";",
            finding->target->schema, rule->name, role);
    rf_pg_rows_free(rows);
    return RF_CONNECT;
}

static enum rf_code check_rules(const struct finding *finding, struct rf_error *error) {
    const struct rf_rules *rules = finding->run->options->rules;
    for (uint32_t i = 0; i < rules->sequence_count; i++) {
        const struct rf_sequence_rule *rule = &rules->sequences[i];
        const struct rf_sequence_entry *entry = named(finding->list, rule->name);
        if (!entry && (rule->optional || finding->run->options->one_of_several)) {
            rf_run_note(finding->run, "there is no sequence %s here: it is passed over",
                        rule->name);
        } else if (!entry) {
            return fail_missing(finding, rule, error);
        } else if (!entry->may_set) {
            return fail_right(finding, rule, error);
        }
    }
    return RF_OK;
}

/* ---- the list ---- */

static void leave_others_out(struct rf_sequence_list *list) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->entries[i].ruled || list->entries[i].column_count > 0) {
            list->entries[kept++] = list->entries[i];
        }
    }
    list->count = kept;
}

enum rf_code rf_sequence_find(struct rf_run *run, struct rf_pg *pg, const struct rf_target *target,
                              const struct rf_manifest *manifest, struct rf_sequence_list *list,
                              struct rf_error *error) {
    *list = (struct rf_sequence_list){.count = 0};
    struct finding finding = {
        .run = run, .pg = pg, .target = target, .manifest = manifest, .list = list};
    enum rf_code code = list_all(&finding, error);
    if (code == RF_OK) {
        code = check_rules(&finding, error);
    }
    if (code == RF_OK && manifest && list->count > 0) {
        read_memories(manifest, &list->arena, &finding.memories);
        code = list_columns(&finding, error);
    }
    leave_others_out(list);
    return code;
}

void rf_sequence_list_release(struct rf_sequence_list *list) {
    rf_arena_release(&list->arena);
    *list = (struct rf_sequence_list){.count = 0};
}
