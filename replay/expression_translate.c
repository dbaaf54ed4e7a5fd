/* The walk over the tree. Recursive: the tree is no higher than RF_TREE_HEIGHT. */
#include <string.h>
#include <strings.h>

#include "replay/expression_moment.h"
#include "replay/expression_operation.h"

static struct rf_sql_value number(struct rf_translation *t, const struct rf_node *node,
                                  bool negative) {
    struct rf_number number = rf_number_of_literal(node->text, negative);
    switch (number.reading) {
    case RF_READ_INTEGER:
        return rf_value_literal_integer(t, number.integer);
    case RF_READ_REAL:
        return rf_value_literal_real(t, number.real);
    case RF_READ_NOTHING:
    case RF_READ_UNSURE:
        break;
    }
    return rf_refuse(t, "the number %s%s, whose exact value is SQLite's own", negative ? "-" : "",
                     rf_tree_excerpt(node->text, strlen(node->text), t->arena));
}

static struct rf_sql_value blob(struct rf_translation *t, const struct rf_node *node) {
    return rf_value_of(RF_SQL_BLOB, rf_sql(t, "decode('%s', 'hex')", node->text), false);
}

static bool is_rowid(const char *name) {
    return strcasecmp(name, "rowid") == 0 || strcasecmp(name, "oid") == 0 ||
           strcasecmp(name, "_rowid_") == 0;
}

static const struct rf_expression_column *find(const struct rf_expression_table *table,
                                               const char *name) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcasecmp(table->columns[i].name, name) == 0) {
            return &table->columns[i];
        }
    }
    if (is_rowid(name) && table->alias >= 0 && (uint32_t)table->alias < table->column_count) {
        return &table->columns[table->alias];
    }
    return NULL;
}

/* Which values a column's type stands for depends on how SQLite declares it too. */
static enum rf_sql_kind kind_of(const struct rf_expression_column *column) {
    bool text = column->affinity == RF_AFFINITY_TEXT;
    bool real = column->affinity == RF_AFFINITY_REAL;
    switch (column->type) {
    case RF_EXPRESSION_BIGINT:
    case RF_EXPRESSION_INTEGER:
    case RF_EXPRESSION_SMALLINT:
        return text || real ? RF_SQL_OTHER : RF_SQL_INTEGER;
    case RF_EXPRESSION_BOOLEAN:
        return text || real ? RF_SQL_OTHER : RF_SQL_BOOLEAN;
    case RF_EXPRESSION_DOUBLE:
        return text ? RF_SQL_OTHER : (real ? RF_SQL_REAL : RF_SQL_NUMBER);
    case RF_EXPRESSION_NUMERIC:
        return text || column->affinity == RF_AFFINITY_BLOB ? RF_SQL_OTHER : RF_SQL_DECIMAL;
    case RF_EXPRESSION_TEXT:
        return RF_SQL_TEXT;
    case RF_EXPRESSION_BYTEA:
        return RF_SQL_BLOB;
    case RF_EXPRESSION_DATE:
    case RF_EXPRESSION_TIME:
    case RF_EXPRESSION_TIMESTAMP:
    case RF_EXPRESSION_TIMESTAMPTZ:
        return rf_moment_orders(column) ? RF_SQL_MOMENT : RF_SQL_OTHER;
    default:
        return RF_SQL_OTHER;
    }
}

static const char *sayable(struct rf_translation *t, const char *name) {
    return rf_tree_excerpt(name, strlen(name), t->arena);
}

/* The column in the one type that values of that kind have. */
static const char *in_kind(struct rf_translation *t, const struct rf_expression_column *column,
                           enum rf_sql_kind kind) {
    if (kind == RF_SQL_INTEGER && column->type != RF_EXPRESSION_BIGINT) {
        return rf_sql(t, "%s::bigint", column->sql);
    }
    return kind == RF_SQL_TEXT && column->length > 0 ? rf_sql(t, "%s::text", column->sql)
                                                     : column->sql;
}

static struct rf_sql_value column_value(struct rf_translation *t,
                                        const struct rf_expression_column *column) {
    if (!column->sql) {
        return rf_refuse(t, "column %s, which is not carried over", sayable(t, column->name));
    }
    if (t->in_generated && column->generated) {
        return rf_refuse(t, "column %s, which is generated itself", sayable(t, column->name));
    }
    enum rf_sql_kind kind = kind_of(column);
    const char *sql = in_kind(t, column, kind);
    struct rf_sql_value value = kind == RF_SQL_BOOLEAN ? rf_value_boolean(sql, !column->not_null)
                                                       : rf_value_of(kind, sql, !column->not_null);
    if (kind == RF_SQL_INTEGER) {
        value.low = rf_least_of(column->type);
        value.high = -(value.low + 1);
    }
    value.brief = column->precision > 0 && column->precision <= RF_DECIMAL_BRIEF;
    value.column = column;
    value.pinned = true;
    value.settled = true;
    value.signed_zero = column->affinity == RF_AFFINITY_BLOB;
    value.affinity = (int)column->affinity;
    value.collation = rf_collation_find(column->collation);
    value.collated = RF_COLLATED_BY_COLUMN;
    return value;
}

/* The words TRUE and FALSE, where they are not the name of a column: 1 or 0, else -1. */
static int truth_of(struct rf_translation *t, const struct rf_node *node) {
    if (node->kind != RF_NODE_NAME || node->quoted || node->qualifier ||
        (t->table && find(t->table, node->text))) {
        return -1;
    }
    if (strcasecmp(node->text, "TRUE") == 0) {
        return 1;
    }
    return strcasecmp(node->text, "FALSE") == 0 ? 0 : -1;
}

static struct rf_sql_value name(struct rf_translation *t, const struct rf_node *node) {
    int truth = truth_of(t, node);
    if (truth >= 0) {
        return rf_value_literal_integer(t, truth);
    }
    if (!t->table) {
        return rf_refuse(t, "a column in a default");
    }
    if (node->qualifier && strcasecmp(node->qualifier, t->table->name) != 0) {
        return rf_refuse(t, "a column of table %s", sayable(t, node->qualifier));
    }
    const struct rf_expression_column *column = find(t->table, node->text);
    if (column && (!node->quoted || node->qualifier || strcasecmp(column->name, node->text) == 0)) {
        return column_value(t, column);
    }
    if (is_rowid(node->text)) { /* in quotes it is text to some statements */
        return rf_refuse(t, "the rowid");
    }
    if (node->double_quoted) {
        return rf_value_literal_text(t, node->text);
    }
    return rf_refuse(t, "column %s, which the table does not have", sayable(t, node->text));
}

static struct rf_sql_value unary(struct rf_translation *t, const struct rf_node *node) {
    const struct rf_node *child = node->first;
    bool literal = child->kind == RF_NODE_INTEGER || child->kind == RF_NODE_REAL;
    if (node->op == RF_OPERATOR_NEGATE && literal) {
        return number(t, child, true);
    }
    struct rf_sql_value value = rf_translate(t, child);
    switch (node->op) {
    case RF_OPERATOR_NEGATE:
        return rf_negate(t, &value);
    case RF_OPERATOR_INVERT:
        return rf_invert(t, &value);
    case RF_OPERATOR_PLUS:
        value.affinity = RF_AFFINITY_NONE;
        return value;
    default:
        break;
    }
    const char *condition = rf_value_condition(t, &value);
    struct rf_sql_value inverse =
        rf_value_boolean(rf_sql(t, "(NOT %s)", condition), value.nullable);
    inverse.pinned = value.pinned;
    return inverse;
}

static struct rf_sql_value logic(struct rf_translation *t, const char *op,
                                 const struct rf_sql_value *left,
                                 const struct rf_sql_value *right) {
    const char *a = rf_value_condition(t, left);
    struct rf_sql_value result =
        rf_value_boolean(rf_sql(t, "(%s %s %s)", a, op, rf_value_condition(t, right)),
                         left->nullable || right->nullable);
    result.pinned = left->pinned && right->pinned;
    return result;
}

static struct rf_sql_value concat(struct rf_translation *t, const struct rf_sql_value *left,
                                  const struct rf_sql_value *right) {
    struct rf_sql_value a = rf_value_to_text(t, left);
    struct rf_sql_value b = rf_value_to_text(t, right);
    if (a.kind == RF_SQL_NULL || b.kind == RF_SQL_NULL) {
        return rf_value_null();
    }
    struct rf_sql_value both[2] = {a, b};
    struct rf_sql_value text =
        rf_value_text(rf_sql(t, "(%s || %s)", a.sql, b.sql), a.nullable || b.nullable);
    text.pinned = rf_value_pins(both, 2);
    return text;
}

static struct rf_sql_value binary(struct rf_translation *t, const struct rf_node *node) {
    struct rf_sql_value left = rf_translate(t, node->first);
    struct rf_sql_value right = rf_translate(t, node->last);
    switch (node->op) {
    case RF_OPERATOR_OR:
        return logic(t, "OR", &left, &right);
    case RF_OPERATOR_AND:
        return logic(t, "AND", &left, &right);
    case RF_OPERATOR_EQ:
        return rf_compare_values(t, RF_COMPARE_EQ, &left, &right);
    case RF_OPERATOR_NE:
        return rf_compare_values(t, RF_COMPARE_NE, &left, &right);
    case RF_OPERATOR_LT:
        return rf_compare_values(t, RF_COMPARE_LT, &left, &right);
    case RF_OPERATOR_LE:
        return rf_compare_values(t, RF_COMPARE_LE, &left, &right);
    case RF_OPERATOR_GT:
        return rf_compare_values(t, RF_COMPARE_GT, &left, &right);
    case RF_OPERATOR_GE:
        return rf_compare_values(t, RF_COMPARE_GE, &left, &right);
    case RF_OPERATOR_CONCAT:
        return concat(t, &left, &right);
    default:
        return rf_arithmetic(t, node->op, &left, &right);
    }
}

static struct rf_sql_value is(struct rf_translation *t, const struct rf_node *node) {
    struct rf_sql_value left = rf_translate(t, node->first);
    const struct rf_node *word = node->last;
    while (word->kind == RF_NODE_COLLATE) { /* which SQLite does not mind here */
        word = word->first;
    }
    int truth = truth_of(t, word);
    if (truth >= 0) {
        const char *sql = rf_sql(t, "(%s IS %s%s)", rf_value_condition(t, &left),
                                 node->negated ? "NOT " : "", truth ? "TRUE" : "FALSE");
        struct rf_sql_value test = rf_value_boolean(sql, false);
        test.pinned = left.pinned;
        return test;
    }
    struct rf_sql_value right = rf_translate(t, node->last);
    return rf_compare_values(t, node->negated ? RF_COMPARE_IS_NOT : RF_COMPARE_IS, &left, &right);
}

static struct rf_sql_value negated_if(struct rf_translation *t, bool negated,
                                      struct rf_sql_value value) {
    if (negated) {
        value.sql = rf_sql(t, "(NOT %s)", value.sql);
    }
    return value;
}

/* The values of the children, from `node` on; NULL for want of memory. */
static struct rf_sql_value *values_of(struct rf_translation *t, const struct rf_node *node,
                                      uint32_t count) {
    struct rf_sql_value *values = rf_arena_take(t->arena, count + 1, sizeof *values);
    for (uint32_t i = 0; values && i < count; i++, node = node->next) {
        values[i] = rf_translate(t, node);
    }
    return values;
}

static struct rf_sql_value test(struct rf_translation *t, const struct rf_node *node) {
    struct rf_sql_value *values = values_of(t, node->first, node->count);
    if (!values) {
        return rf_value_null();
    }
    struct rf_sql_value result;
    if (node->kind == RF_NODE_BETWEEN) {
        result = rf_compare_between(t, &values[0], &values[1], &values[2]);
    } else if (node->kind == RF_NODE_IN) {
        result = rf_compare_in(t, &values[0], &values[1], node->count - 1);
    } else if (strcmp(node->text, "LIKE") == 0) {
        result = rf_like(t, &values[0], &values[1], node->count > 2 ? &values[2] : NULL);
    } else if (strcmp(node->text, "GLOB") == 0 && node->count == 2) {
        result = rf_glob(t, &values[0], &values[1]);
    } else {
        return rf_refuse(t, "operator %s", node->text);
    }
    return negated_if(t, node->negated, result);
}

/* WHEN conditions as SQL, and the THEN and ELSE values beside them. */
static struct rf_sql_value case_of(struct rf_translation *t, const struct rf_node *node) {
    uint32_t whens = (node->count - (node->has_base ? 1 : 0) - (node->has_else ? 1 : 0)) / 2;
    const char **conditions = rf_arena_take(t->arena, whens + 1, sizeof *conditions);
    const char **sql = rf_arena_take(t->arena, whens + 1, sizeof *sql);
    struct rf_sql_value *results = rf_arena_take(t->arena, whens + 1, sizeof *results);
    if (!conditions || !sql || !results) {
        return rf_value_null();
    }
    const struct rf_node *at = node->first;
    struct rf_sql_value base = rf_value_null();
    if (node->has_base) {
        base = rf_translate(t, at);
        at = at->next;
    }
    bool pinned = true; /* all conditions */
    for (uint32_t i = 0; i < whens; i++, at = at->next->next) {
        struct rf_sql_value when = rf_translate(t, at);
        if (node->has_base) {
            when = rf_compare_values(t, RF_COMPARE_EQ, &base, &when);
        }
        conditions[i] = rf_value_condition(t, &when);
        pinned = pinned && when.pinned;
        results[i] = rf_translate(t, at->next);
    }
    results[whens] = node->has_else ? rf_translate(t, at) : rf_value_null();
    struct rf_sql_value value = rf_value_unite(t, results, whens + 1, sql);
    if (t->refusal || value.kind == RF_SQL_NULL) {
        return rf_value_null();
    }
    for (uint32_t i = 0; i < whens; i++) {
        conditions[i] = rf_sql(t, "WHEN %s THEN %s", conditions[i], sql[i]);
    }
    value.sql =
        rf_sql(t, "(CASE %s ELSE %s END)", rf_sql_join(t, conditions, whens, " "), sql[whens]);
    value.pinned = value.pinned || pinned;
    return value;
}

static struct rf_sql_value function(struct rf_translation *t, const struct rf_node *node) {
    if (node->starred) {
        return rf_refuse(t, "function %s(*)", sayable(t, node->text));
    }
    struct rf_sql_value *arguments = values_of(t, node->first, node->count);
    if (!arguments) {
        return rf_value_null();
    }
    return rf_clock_is_function(node->text)
               ? rf_clock_function(t, node->text, arguments, node->count)
               : rf_function(t, node->text, arguments, node->count);
}

static struct rf_sql_value dispatch(struct rf_translation *t, const struct rf_node *node) {
    switch (node->kind) {
    case RF_NODE_NULL:
        return rf_value_null();
    case RF_NODE_INTEGER:
    case RF_NODE_REAL:
        return number(t, node, false);
    case RF_NODE_STRING:
        return rf_value_literal_text(t, node->text);
    case RF_NODE_BLOB:
        return blob(t, node);
    case RF_NODE_NAME:
        return name(t, node);
    case RF_NODE_CLOCK:
        return rf_clock_current(t, node->text);
    case RF_NODE_UNARY:
        return unary(t, node);
    case RF_NODE_BINARY:
        return binary(t, node);
    case RF_NODE_IS:
        return is(t, node);
    case RF_NODE_BETWEEN:
    case RF_NODE_IN:
    case RF_NODE_LIKE:
        return test(t, node);
    case RF_NODE_CASE:
        return case_of(t, node);
    case RF_NODE_FUNCTION:
        return function(t, node);
    case RF_NODE_CAST:
    case RF_NODE_COLLATE:
        break;
    }
    struct rf_sql_value value = rf_translate(t, node->first);
    if (node->kind == RF_NODE_CAST) {
        return rf_cast(t, &value, node->text);
    }
    value.collation = rf_collation_find(node->text);
    value.collated = RF_COLLATED_EXPLICITLY;
    return value;
}

/* COLLATE, CAST and a unary + hand a collation on; every other operation ends it, but for a
 * COLLATE within, which SQLite still goes and looks for. */
static bool hands_on(const struct rf_node *node) {
    return node->kind == RF_NODE_NAME || node->kind == RF_NODE_COLLATE ||
           node->kind == RF_NODE_CAST ||
           (node->kind == RF_NODE_UNARY && node->op == RF_OPERATOR_PLUS);
}

struct rf_sql_value rf_translate(struct rf_translation *t, const struct rf_node *node) {
    if (t->refusal || t->arena->failed) {
        return rf_value_null();
    }
    struct rf_sql_value value = dispatch(t, node);
    if (!hands_on(node)) {
        value.collation = RF_BINARY;
        value.collated = node->collates ? RF_COLLATED_WITHIN : RF_COLLATED_NOT;
    }
    return value;
}
