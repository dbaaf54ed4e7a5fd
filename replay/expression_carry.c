#include "replay/expression_carry.h"

#include <strings.h>

#include "replay/expression_fit.h"
#include "replay/expression_operation.h"
#include "replay/expression_tree.h"

static struct rf_expression refused(const char *refusal) {
    return (struct rf_expression){.refusal = refusal};
}

static struct rf_expression finished(const struct rf_translation *t, const char *sql) {
    if (t->arena->failed) {
        return refused(NULL);
    }
    if (t->refusal) {
        return refused(t->refusal);
    }
    return (struct rf_expression){.sql = sql, .immutable = !t->mutable};
}

struct rf_expression rf_expression_condition(const struct rf_expression_table *table,
                                             const char *text, struct rf_arena *arena) {
    const char *refusal;
    const struct rf_node *root = rf_tree_parse(text, arena, &refusal);
    if (!root) {
        return refused(refusal);
    }
    struct rf_translation t = {.table = table, .arena = arena};
    struct rf_sql_value value = rf_translate(&t, root);
    return finished(&t, rf_value_condition(&t, &value));
}

struct rf_expression rf_expression_generated(const struct rf_expression_table *table,
                                             uint32_t column, const char *text,
                                             struct rf_arena *arena) {
    const char *refusal;
    const struct rf_node *root = rf_tree_parse(text, arena, &refusal);
    if (!root) {
        return refused(refusal);
    }
    struct rf_translation t = {.table = table, .arena = arena, .in_generated = true};
    struct rf_sql_value value = rf_translate(&t, root);
    return finished(&t, rf_fit(&t, &value, &table->columns[column]));
}

/* A column by itself. What its type makes of the values is settled already, but text has an
 * order. */
static const char *column_part(struct rf_translation *t, const struct rf_sql_value *value,
                               enum rf_collation collation) {
    if (value->kind == RF_SQL_OTHER && collation != RF_BINARY) {
        rf_refuse(t, "a collation over a column whose values are converted");
    }
    if (value->kind != RF_SQL_TEXT) {
        return value->column->sql;
    }
    if (collation == RF_BINARY) {
        return rf_sql(t, "%s COLLATE \"C\"", value->column->sql);
    }
    return rf_sql(t, "(%s)", rf_collated(t, collation, value));
}

static const char *expression_part(struct rf_translation *t, const struct rf_sql_value *value,
                                   enum rf_collation collation) {
    switch (value->kind) {
    case RF_SQL_WIDE:
        return rf_refuse(t, "integer arithmetic that may overflow, in an index").sql;
    case RF_SQL_NULL:
    case RF_SQL_OTHER:
        return rf_refuse(t, "%s in an index", rf_value_kind_name(value->kind)).sql;
    case RF_SQL_TEXT:
        return rf_sql(t, "(%s)", rf_collated(t, collation, value));
    default:
        return rf_sql(t, "(%s)", value->sql);
    }
}

/* COLLATE counts only where it stands last of all; of a column by itself its own collation does. */
static enum rf_collation part_collation(const struct rf_node *root, const char *given,
                                        const struct rf_sql_value *column) {
    if (given) {
        return rf_collation_find(given);
    }
    if (root->kind == RF_NODE_COLLATE) {
        return rf_collation_find(root->text);
    }
    return column ? column->collation : RF_BINARY;
}

/* The column that the part is, perhaps under COLLATE: by its name or, as SQLite has it, by a
 * string. */
static bool column_of(struct rf_translation *t, const struct rf_node *root,
                      struct rf_sql_value *value) {
    while (root->kind == RF_NODE_COLLATE) {
        root = root->first;
    }
    struct rf_node name = *root;
    if (root->kind == RF_NODE_STRING) {
        name.kind = RF_NODE_NAME;
        name.quoted = true;
    }
    if (name.kind != RF_NODE_NAME) {
        return false;
    }
    *value = rf_translate(t, &name);
    return value->column != NULL;
}

struct rf_expression rf_expression_index_part(const struct rf_expression_table *table,
                                              const char *text, const char *collation,
                                              struct rf_arena *arena) {
    const char *refusal;
    const struct rf_node *root = rf_tree_parse(text, arena, &refusal);
    if (!root) {
        return refused(refusal);
    }
    struct rf_translation t = {.table = table, .arena = arena};
    struct rf_sql_value value;
    bool column = column_of(&t, root, &value);
    if (!column) {
        value = rf_translate(&t, root);
    }
    enum rf_collation as = part_collation(root, collation, column ? &value : NULL);
    if ((value.kind == RF_SQL_TEXT || value.kind == RF_SQL_MOMENT) && as == RF_COLLATION_UNKNOWN) {
        rf_refuse(&t, "a collation of the application's own");
    }
    return finished(&t, column ? column_part(&t, &value, as) : expression_part(&t, &value, as));
}

/* A name stands for itself in a default, quoted or not; only TRUE and FALSE are more. */
static bool is_word(const struct rf_node *node) {
    return node->kind == RF_NODE_NAME && !node->qualifier &&
           (node->quoted ||
            (strcasecmp(node->text, "TRUE") != 0 && strcasecmp(node->text, "FALSE") != 0));
}

struct rf_expression rf_expression_default(const struct rf_expression_column *column,
                                           const char *text, struct rf_arena *arena) {
    const char *refusal;
    const struct rf_node *root = rf_tree_parse(text, arena, &refusal);
    if (!root) {
        return refused(refusal);
    }
    struct rf_translation t = {.arena = arena};
    struct rf_sql_value value =
        is_word(root) ? rf_value_literal_text(&t, root->text) : rf_translate(&t, root);
    return finished(&t, rf_fit(&t, &value, column));
}
