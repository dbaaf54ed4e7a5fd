/* What a check finds, as JSON lines. The lines of a table come in the order column, row, table. */
#include "replay/computed.h"
#include "tools/check.h"
#include "tools/show.h"
#include "tools/stores.h"

static void print_finding(struct rf_checking *checking, const struct rf_check_finding *finding) {
    struct rf_json line = rf_json_begin("target");
    rf_store_name_line(checking->task, &line);
    rf_json_text(&line, "check", finding->subject);
    rf_json_text(&line, "level", rf_check_level_name(finding->level));
    rf_json_text(&line, "what", finding->what);
    rf_json_text(&line, "detail", finding->detail);
    rf_json_text(&line, "hint", finding->hint);
    rf_json_print(&line, checking->task->output);
}

static void put_census(struct rf_json *line, const struct rf_census *census) {
    for (unsigned class = 0; class < RF_CLASSES; class ++) {
        rf_json_count(line, rf_class_name((enum rf_class) class), census->count[class]);
    }
    if (census->count[RF_INTEGER] > 0) {
        rf_json_integer(line, "min_integer", census->min_integer);
        rf_json_integer(line, "max_integer", census->max_integer);
    }
    rf_json_count(line, "longest", census->longest);
    rf_json_count(line, "text_with_nul", census->text_with_nul);
    rf_json_count(line, "text_not_utf8", census->text_not_utf8);
}

static void print_column(struct rf_checking *checking, uint32_t place) {
    const struct rf_plan *plan = &checking->table->plan;
    const struct rf_plan_column *column = &plan->columns[place];
    struct rf_json line = rf_json_begin("column");
    rf_store_name_line(checking->task, &line);
    rf_json_text(&line, "table", checking->table->plan.table);
    rf_json_text(&line, "column", column->source);
    rf_json_text(&line, "target", rf_plan_goes_to(plan, place));
    rf_json_text(&line, "declared", column->declared);
    put_census(&line, &checking->table->source->census[column->cell]);
    rf_json_text(&line, "becomes", column->conversion->type);
    rf_json_text(&line, "conversion", column->conversion->name);
    rf_json_bool(&line, "not_null", column->not_null);
    rf_json_text(&line, "default", column->default_sql);
    rf_json_text(&line, "generated", column->generated_sql);
    rf_json_bool(&line, "identity", column->identity);
    rf_json_text(&line, "on_mismatch", rf_mismatch_name(column->on_mismatch));
    rf_json_bool(&line, "widened", column->widened);
    rf_json_text(&line, "reason", column->reason);
    rf_json_print(&line, checking->task->output);
}

static void print_columns(struct rf_checking *checking) {
    const struct rf_plan *plan = &checking->table->plan;
    for (uint32_t i = 0; i < plan->column_count; i++) {
        print_column(checking, i);
    }
}

static void print_value(struct rf_checking *checking, const struct rf_survey_finding *value) {
    struct rf_json line = rf_json_begin("row");
    rf_store_name_line(checking->task, &line);
    rf_json_text(&line, "table", checking->table->plan.table);
    rf_json_text(&line, "outcome", rf_check_outcome_name(rf_check_outcome(checking->table, value)));
    rf_json_text(&line, "key", value->key);
    rf_json_text(&line, "column", value->column);
    rf_json_text(&line, "class", rf_class_name(value->class));
    rf_json_text(&line, "value", value->value);
    rf_json_text(&line, "reason", value->reason);
    rf_json_print(&line, checking->task->output);
}

static struct rf_json names_of(const char *const *names, uint32_t count) {
    struct rf_json array = rf_json_array();
    for (uint32_t i = 0; i < count; i++) {
        rf_json_append_text(&array, names[i]);
    }
    return array;
}

static struct rf_json key_of(const struct rf_plan *plan) {
    struct rf_json array = rf_json_array();
    for (uint32_t i = 0; i < plan->key_count; i++) {
        rf_json_append_text(&array, plan->columns[plan->key[i]].source);
    }
    return array;
}

static struct rf_json index_of(const struct rf_check_table *table,
                               const struct rf_plan_index *index) {
    struct rf_json json = rf_json_begin(NULL);
    bool carried = rf_check_carries_index(table, index);
    rf_json_text(&json, "name", carried ? index->name : NULL);
    rf_json_text(&json, "source", index->wanted);
    rf_json_text(&json, "kind", rf_plan_index_kind_name(index->kind));
    rf_json_bool(&json, "carried", carried);
    rf_json_text(&json, "parts", index->parts);
    rf_json_text(&json, "predicate", index->predicate);
    rf_json_text(&json, "reason", index->refusal);
    return json;
}

static struct rf_json indexes_of(const struct rf_check_table *table) {
    const struct rf_plan *plan = &table->plan;
    struct rf_json array = rf_json_array();
    for (uint32_t i = 0; i < plan->index_count; i++) {
        struct rf_json index = index_of(table, &plan->indexes[i]);
        rf_json_append(&array, &index);
    }
    return array;
}

static struct rf_json constraints_of(const struct rf_check_table *table) {
    const struct rf_plan *plan = &table->plan;
    struct rf_json array = rf_json_array();
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        const struct rf_plan_constraint *constraint = &plan->constraints[i];
        struct rf_json json = rf_json_begin(NULL);
        bool carried = rf_check_carries(table, constraint);
        rf_json_text(&json, "name", carried ? constraint->name : NULL);
        rf_json_text(&json, "kind", rf_plan_constraint_kind_name(constraint->kind));
        rf_json_bool(&json, "carried", carried);
        rf_json_text(&json, "definition", constraint->definition);
        rf_json_text(&json, "reason",
                     constraint->refusal ? constraint->refusal : constraint->reason);
        rf_json_append(&array, &json);
    }
    return array;
}

static struct rf_json values_of(const struct rf_plan_computed *computed) {
    struct rf_json array = rf_json_array();
    for (uint32_t i = 0; computed && i < computed->target_count; i++) {
        if (!computed->targets[i].plain) {
            struct rf_json json = rf_json_begin(NULL);
            rf_json_text(&json, "column", computed->targets[i].name);
            rf_json_text(&json, "sql", computed->targets[i].sql);
            rf_json_bool(&json, "joined", computed->targets[i].joined);
            rf_json_append(&array, &json);
        }
    }
    return array;
}

static struct rf_json joins_of(const struct rf_plan_computed *computed) {
    struct rf_json array = rf_json_array();
    for (uint32_t i = 0; computed && i < computed->join_count; i++) {
        struct rf_json json = rf_json_begin(NULL);
        rf_json_text(&json, "table", computed->joins[i].relation);
        rf_json_text(&json, "as", computed->joins[i].alias);
        rf_json_text(&json, "on", computed->joins[i].on);
        rf_json_append(&array, &json);
    }
    return array;
}

static void print_table(struct rf_checking *checking, const struct rf_survey_counts *counts) {
    const struct rf_plan *plan = &checking->table->plan;
    struct rf_json key = key_of(plan);
    struct rf_json excluded = names_of(plan->excluded, plan->excluded_count);
    struct rf_json values = values_of(plan->computed), joins = joins_of(plan->computed);
    struct rf_json indexes = indexes_of(checking->table);
    struct rf_json constraints = constraints_of(checking->table);
    struct rf_json notes = names_of(checking->table->notes, checking->table->note_count);
    struct rf_json line = rf_json_begin("table");
    rf_store_name_line(checking->task, &line);
    rf_json_text(&line, "command", "check");
    rf_json_text(&line, "table", plan->table);
    rf_json_text(&line, "target", plan->relation);
    rf_json_text(&line, "step", rf_check_step_name(checking->table->step));
    rf_json_count(&line, "rows", counts->rows);
    rf_json_count(&line, "set_aside", counts->set_aside);
    rf_json_count(&line, "altered", counts->altered);
    rf_json_count(&line, "widened", rf_plan_widened(plan));
    rf_json_put(&line, "key", &key);
    rf_json_put(&line, "excluded", &excluded);
    rf_json_put(&line, "values", &values);
    rf_json_put(&line, "joins", &joins);
    rf_json_text(&line, "where", plan->computed ? plan->computed->where : NULL);
    rf_json_put(&line, "indexes", &indexes);
    rf_json_put(&line, "constraints", &constraints);
    rf_json_put(&line, "notes", &notes);
    rf_json_print(&line, checking->task->output);
}

static void print_object(struct rf_checking *checking, const struct rf_object *object,
                         const char *reason) {
    struct rf_json line = rf_json_begin("object");
    rf_store_name_line(checking->task, &line);
    rf_json_text(&line, "kind", rf_show_kind(object));
    rf_json_text(&line, "name", object->name);
    rf_json_text(&line, "table", object->table);
    rf_json_bool(&line, "carried", !reason);
    rf_json_text(&line, "reason", reason);
    rf_json_text(&line, "sql", object->sql);
    rf_json_text(&line, "target_sql", rf_check_object_sql(checking->check, object));
    rf_json_print(&line, checking->task->output);
}

static void print_ready(struct rf_checking *checking, const struct rf_finding *finding) {
    (void)checking; /* the summary has them */
    (void)finding;
}

static void print_end(struct rf_checking *checking) {
    (void)checking; /* the summary is the end */
}

const struct rf_check_face rf_check_json = {
    .finding = print_finding,
    .ready = print_ready,
    .table_begins = print_columns,
    .value = print_value,
    .table_ends = print_table,
    .object = print_object,
    .end = print_end,
};
