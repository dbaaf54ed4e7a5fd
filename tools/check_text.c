/* What a check finds, for people: a table a block. */
#include <stdio.h>
#include <string.h>

#include "replay/computed.h"
#include "tools/check.h"
#include "tools/grid.h"
#include "tools/ready.h"
#include "tools/show.h"
#include "tools/text.h"
#include "tools/units.h"

#define VALUES_LISTED 20u
#define CELL_COLUMNS 60u

/* ---- pieces of text ---- */

static void print_message(struct rf_output *out, const char *message, unsigned indent) {
    struct rf_buffer text = {0};
    rf_text_message(&text, message, indent);
    rf_output_bytes(out, text.bytes, text.size);
    rf_buffer_release(&text);
}

/* The same on one line, whatever is in it: names of the source may hold line feeds. */
static void print_line(struct rf_output *out, const char *text) {
    struct rf_buffer part = {0};
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, "\n");
        rf_buffer_clear(&part);
        rf_buffer_append(&part, at, size);
        rf_buffer_u8(&part, 0);
        print_message(out, part.failed ? "?" : (const char *)part.bytes, 0);
        at += size;
        if (!*at) {
            break;
        }
        rf_output_bytes(out, "\\n", 2);
    }
    rf_buffer_release(&part);
}

static void put_count(struct rf_buffer *out, uint64_t count, const char *word) {
    char text[RF_UNITS_TEXT];
    rf_buffer_printf(out, "%s %s%s", rf_units_grouped(count, text), word, count == 1 ? "" : "s");
}

static void put_integer(struct rf_buffer *out, int64_t integer) {
    char text[RF_UNITS_TEXT];
    uint64_t size = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
    rf_buffer_printf(out, "%s%s", integer < 0 ? "-" : "", rf_units_grouped(size, text));
}

static void separate(struct rf_buffer *out) {
    if (out->size > 0) {
        rf_buffer_append(out, ", ", 2);
    }
}

/* "12 integers (-1 to 99), 3 texts up to 40 bytes, 2 NULL" */
static void put_census(struct rf_buffer *out, const struct rf_census *census) {
    static const enum rf_class order[] = {RF_INTEGER, RF_REAL, RF_TEXT, RF_BLOB};
    for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (census->count[order[i]] == 0) {
            continue;
        }
        separate(out);
        put_count(out, census->count[order[i]], rf_class_name(order[i]));
        if (order[i] == RF_INTEGER) {
            rf_buffer_printf(out, " (");
            put_integer(out, census->min_integer);
            if (census->max_integer > census->min_integer) {
                rf_buffer_printf(out, " to ");
                put_integer(out, census->max_integer);
            }
            rf_buffer_printf(out, ")");
        }
    }
    if (census->longest > 0) {
        rf_buffer_printf(out, " up to ");
        put_count(out, census->longest, "byte");
    }
}

static void put_oddities(struct rf_buffer *out, const struct rf_census *census) {
    char text[RF_UNITS_TEXT];
    struct {
        uint64_t count;
        const char *what;
    } oddities[] = {
        {census->text_with_nul, "with NUL"},
        {census->text_not_utf8, "not UTF-8"},
        {census->count[RF_NULL], "NULL"},
    };
    for (unsigned i = 0; i < sizeof oddities / sizeof oddities[0]; i++) {
        if (oddities[i].count > 0) {
            separate(out);
            rf_buffer_printf(out, "%s %s", rf_units_grouped(oddities[i].count, text),
                             oddities[i].what);
        }
    }
    if (out->size == 0) {
        rf_buffer_printf(out, "nothing");
    }
}

/* ---- the target ---- */

static void print_finding(struct rf_checking *checking, const struct rf_check_finding *finding) {
    struct rf_output *out = checking->task->output;
    enum { INDENT = 30 };
    rf_output_printf(out, "%-8s %-20s ", rf_check_level_name(finding->level), finding->subject);
    print_message(out, finding->what, INDENT);
    if (*finding->detail) {
        rf_output_printf(out, "\n%*s", INDENT, "");
        print_message(out, finding->detail, INDENT);
    }
    if (*finding->hint) {
        rf_output_printf(out, "\n%*s-> ", INDENT, "");
        print_message(out, finding->hint, INDENT + 3);
    }
    rf_output_printf(out, "\n");
}

static void print_ready(struct rf_checking *checking, const struct rf_finding *finding) {
    rf_ready_print(checking->task, finding);
}

/* ---- a table ---- */

static bool has_other_names(const struct rf_plan *plan) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const char *name = rf_plan_goes_to(plan, i);
        if (!name || strcmp(plan->columns[i].source, name) != 0) {
            return true;
        }
    }
    return false;
}

static void add_buffer(struct rf_grid *grid, struct rf_buffer *text) {
    rf_buffer_u8(text, 0);
    rf_grid_name(grid, text->failed ? "?" : (const char *)text->bytes);
    rf_buffer_clear(text);
}

/* Expressions may be long, and so are reasons with examples, which a note tells once more. */
static void add_cut(struct rf_grid *grid, const char *words, bool whole) {
    struct rf_buffer text = {0};
    size_t fit = rf_text_fit(words, strlen(words), CELL_COLUMNS);
    if (whole || !words[fit]) {
        rf_grid_name(grid, words);
        return;
    }
    rf_buffer_append(&text, words, fit);
    rf_buffer_printf(&text, "...");
    add_buffer(grid, &text);
    rf_buffer_release(&text);
}

static void put_type(struct rf_buffer *out, const struct rf_plan_column *column) {
    rf_buffer_printf(out, "%s%s", column->conversion->type, column->not_null ? " NOT NULL" : "");
    if (column->generated_sql) {
        rf_buffer_printf(out, " AS (%s)", column->generated_sql);
    } else if (column->identity) {
        rf_buffer_printf(out, " IDENTITY");
    } else if (column->default_sql) {
        rf_buffer_printf(out, " DEFAULT %s", column->default_sql);
    }
}

/* `name` in the target is "" for a column that only expressions see, and is not told where all are
 * called as in the source. */
static void add_column(struct rf_grid *grid, const struct rf_plan_column *column, const char *name,
                       const struct rf_census *census, bool verbose) {
    struct rf_buffer text = {0};
    rf_grid_name(grid, column->source);
    if (name) {
        rf_grid_name(grid, name);
    }
    rf_grid_name(grid, column->declared);
    put_census(&text, census);
    put_oddities(&text, census);
    add_buffer(grid, &text);
    put_type(&text, column);
    rf_buffer_u8(&text, 0);
    add_cut(grid, text.failed ? "?" : (const char *)text.bytes, verbose);
    add_cut(grid, column->reason, verbose);
    rf_buffer_release(&text);
}

static void print_columns(struct rf_output *out, const struct rf_check_table *table, bool verbose) {
    static const struct rf_grid_column all[] = {{"column", false},   {"in the target", false},
                                                {"declared", false}, {"holds", false},
                                                {"becomes", false},  {"why", false}};
    static const struct rf_grid_column same[] = {{"column", false},
                                                 {"declared", false},
                                                 {"holds", false},
                                                 {"becomes", false},
                                                 {"why", false}};
    const struct rf_plan *plan = &table->plan;
    bool other_names = has_other_names(plan);
    struct rf_grid *grid = other_names ? rf_grid_new(all, 6) : rf_grid_new(same, 5);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        const char *name = rf_plan_goes_to(plan, i);
        name = name ? name : "";
        add_column(grid, column, other_names ? name : NULL, &table->source->census[column->cell],
                   verbose);
    }
    rf_grid_print(grid, out);
    rf_grid_free(grid);
}

static void print_key(struct rf_output *out, const struct rf_plan *plan) {
    rf_output_printf(out, plan->key_count == 0 ? "no key" : "key ");
    for (uint32_t i = 0; i < plan->key_count; i++) {
        rf_output_printf(out, i == 0 ? "" : ", ");
        rf_output_name(out, plan->columns[plan->key[i]].source);
    }
}

static void print_computed(struct rf_output *out, const struct rf_plan_computed *computed) {
    for (uint32_t i = 0; computed && i < computed->target_count; i++) {
        if (!computed->targets[i].plain) {
            rf_output_printf(out, "value ");
            rf_output_name(out, computed->targets[i].name);
            rf_output_printf(out, " = ");
            print_line(out, computed->targets[i].sql);
            rf_output_printf(out, "\n");
        }
    }
    for (uint32_t i = 0; computed && i < computed->join_count; i++) {
        rf_output_printf(out, "join ");
        rf_output_name(out, computed->joins[i].relation);
        rf_output_printf(out, " AS ");
        rf_output_name(out, computed->joins[i].alias);
        rf_output_printf(out, " ON ");
        print_line(out, computed->joins[i].on);
        rf_output_printf(out, "\n");
    }
    if (computed && computed->where) {
        rf_output_printf(out, "where ");
        print_line(out, computed->where);
        rf_output_printf(out, "; other rows are left out\n");
    }
}

/* What does not come along is told in notes. */
static void print_indexes(struct rf_output *out, const struct rf_check_table *table) {
    const struct rf_plan *plan = &table->plan;
    for (uint32_t i = 0; i < plan->index_count; i++) {
        const struct rf_plan_index *index = &plan->indexes[i];
        if (!rf_check_carries_index(table, index)) {
            continue;
        }
        rf_output_printf(out, "%s ", rf_plan_index_kind_name(index->kind));
        rf_output_name(out, index->name);
        rf_output_printf(out, " (");
        print_line(out, index->parts);
        rf_output_printf(out, index->predicate ? ") WHERE " : ")");
        print_line(out, index->predicate ? index->predicate : "");
        rf_output_printf(out, "\n");
    }
}

static void print_constraints(struct rf_output *out, const struct rf_check_table *table) {
    const struct rf_plan *plan = &table->plan;
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        const struct rf_plan_constraint *constraint = &plan->constraints[i];
        if (rf_check_carries(table, constraint)) {
            rf_output_printf(out, "constraint ");
            rf_output_name(out, constraint->name);
            rf_output_printf(out, " ");
            print_line(out, constraint->definition);
            rf_output_printf(out, "\n");
        }
    }
}

/* They begin with the table's name, which the block has in its first line already. */
static void print_notes(struct rf_output *out, const struct rf_check_table *table) {
    char prefix[256];
    int size = snprintf(prefix, sizeof prefix, "table %s: ", table->plan.table);
    for (uint32_t i = 0; i < table->note_count; i++) {
        const char *note = table->notes[i];
        bool named = size < (int)sizeof prefix && strncmp(note, prefix, (size_t)size) == 0;
        rf_output_printf(out, "note: ");
        print_line(out, named ? note + size : note);
        rf_output_printf(out, "\n");
    }
}

static void print_table(struct rf_checking *checking) {
    static const char *const steps[] = {
        [RF_CHECK_MAKE] = "",
        [RF_CHECK_FILL] = "; the application's",
        [RF_CHECK_KEEP] = "; stands in the target",
        [RF_CHECK_ALTER] = "; stands in the target, and would be altered",
        [RF_CHECK_REFILL] = "; stands in the target, and would be altered and filled again",
    };
    struct rf_output *out = checking->task->output;
    const struct rf_plan *plan = &checking->table->plan;
    struct rf_buffer rows = {0};
    rf_output_printf(out, "\ntable ");
    rf_output_name(out, plan->table);
    if (strcmp(plan->table, plan->relation) != 0) {
        rf_output_printf(out, ", in the target ");
        rf_output_name(out, plan->relation);
    }
    put_count(&rows, checking->table->source->digest.rows, "row");
    rf_output_printf(out, ": %.*s, ", (int)rows.size, (const char *)rows.bytes);
    rf_buffer_release(&rows);
    print_key(out, plan);
    rf_output_printf(out, "%s\n", steps[checking->table->step]);
    print_columns(out, checking->table, checking->task->settings->verbose);
    print_computed(out, plan->computed);
    print_indexes(out, checking->table);
    print_constraints(out, checking->table);
    for (uint32_t i = 0; i < plan->excluded_count; i++) {
        rf_output_printf(out, "left out: column ");
        rf_output_name(out, plan->excluded[i]);
        rf_output_printf(out, "\n");
    }
    print_notes(out, checking->table);
}

static void print_value(struct rf_checking *checking, const struct rf_survey_finding *value) {
    struct rf_output *out = checking->task->output;
    if (checking->values >= VALUES_LISTED && !checking->task->settings->verbose) {
        return;
    }
    rf_output_printf(out, "%s: ", rf_check_outcome_name(rf_check_outcome(checking->table, value)));
    print_line(out, value->key);
    rf_output_printf(out, " ");
    rf_output_name(out, value->column);
    rf_output_printf(out, " = ");
    print_line(out, value->value);
    rf_output_printf(out, ": ");
    print_line(out, value->reason);
    rf_output_printf(out, "\n");
}

static void print_rows_of(struct rf_output *out, uint64_t rows, const char *what) {
    struct rf_buffer text = {0};
    if (rows > 0) {
        put_count(&text, rows, "row");
        rf_output_printf(out, "%.*s would be %s\n", (int)text.size, (const char *)text.bytes, what);
    }
    rf_buffer_release(&text);
}

static void print_table_end(struct rf_checking *checking, const struct rf_survey_counts *counts) {
    struct rf_output *out = checking->task->output;
    if (checking->values > VALUES_LISTED && !checking->task->settings->verbose) {
        char text[RF_UNITS_TEXT];
        rf_output_printf(out, "... and %s more; -v lists all\n",
                         rf_units_grouped(checking->values - VALUES_LISTED, text));
    }
    print_rows_of(out, counts->set_aside, "set aside");
    print_rows_of(out, counts->altered, "altered");
}

/* ---- what else there is ---- */

static void print_object(struct rf_checking *checking, const struct rf_object *object,
                         const char *reason) {
    struct rf_output *out = checking->task->output;
    rf_output_printf(out, "%s%s%s ", checking->objects == 0 ? "\n" : "", reason ? "left out: " : "",
                     rf_show_kind(object));
    rf_output_name(out, object->name);
    rf_output_printf(out, " (");
    rf_output_name(out, reason ? reason : "made as the rules ask");
    rf_output_printf(out, ")\n");
}

static void print_end(struct rf_checking *checking) {
    struct rf_output *out = checking->task->output;
    const struct rf_survey_counts *total = &checking->total;
    struct rf_buffer text = {0};
    char aside[RF_UNITS_TEXT], altered[RF_UNITS_TEXT];
    put_count(&text, rf_check_table_count(checking->check), "table");
    rf_buffer_printf(&text, ", ");
    put_count(&text, total->rows, "row");
    if (total->set_aside + total->altered == 0) {
        rf_buffer_printf(&text, ": every row fits as it is");
    } else {
        rf_buffer_printf(&text, ": %s would be set aside, %s altered",
                         rf_units_grouped(total->set_aside, aside),
                         rf_units_grouped(total->altered, altered));
    }
    if (checking->widened > 0) {
        rf_buffer_printf(&text, "; ");
        put_count(&text, checking->widened, "column");
        rf_buffer_printf(&text, checking->widened == 1 ? " gets another type than it declares"
                                                       : " get another type than they declare");
    }
    rf_output_printf(out, "\n%.*s\n", (int)text.size, (const char *)text.bytes);
    rf_buffer_release(&text);
}

const struct rf_check_face rf_check_text = {
    .finding = print_finding,
    .ready = print_ready,
    .table_begins = print_table,
    .value = print_value,
    .table_ends = print_table_end,
    .object = print_object,
    .end = print_end,
};
