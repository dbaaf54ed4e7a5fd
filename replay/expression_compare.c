/* Comparisons: SQLite's affinities first (datatype3.html, section 4.2), then the same comparison
 * over there. Between storage classes SQLite compares by class, which no PostgreSQL type does:
 * refused.
 *
 * BINARY is the order of bytes, COLLATE "C". NOCASE folds ASCII letters, as lower() does under
 * "C"; RTRIM leaves out spaces at the end. */
#include "replay/expression_operation.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "replay/expression_moment.h"

#define WIDE_EXACT ((int64_t)1 << 62)

/* Both sides as SQL of one type. */
struct pair {
    const char *left;
    const char *right;
};

enum rf_collation rf_collation_find(const char *name) {
    if (!name || strcasecmp(name, "BINARY") == 0) {
        return RF_BINARY;
    }
    if (strcasecmp(name, "NOCASE") == 0) {
        return RF_NOCASE;
    }
    return strcasecmp(name, "RTRIM") == 0 ? RF_RTRIM : RF_COLLATION_UNKNOWN;
}

static enum rf_collation known(struct rf_translation *t, const struct rf_sql_value *value) {
    if (value->collated == RF_COLLATED_WITHIN) {
        rf_refuse(t, "COLLATE within an operand");
    } else if (value->collation == RF_COLLATION_UNKNOWN) {
        rf_refuse(t, "a collation of the application's own");
    }
    return value->collation;
}

/* COLLATE on the left, COLLATE on the right, the column on the left, the column on the right. */
static enum rf_collation collation_of(struct rf_translation *t, const struct rf_sql_value *left,
                                      const struct rf_sql_value *right) {
    if (left->collated >= RF_COLLATED_EXPLICITLY) {
        return known(t, left);
    }
    if (right->collated >= RF_COLLATED_EXPLICITLY) {
        return known(t, right);
    }
    if (left->collated == RF_COLLATED_BY_COLUMN) {
        return known(t, left);
    }
    return right->collated == RF_COLLATED_BY_COLUMN ? known(t, right) : RF_BINARY;
}

enum rf_collation rf_collation_of_arguments(struct rf_translation *t,
                                            const struct rf_sql_value *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].collated != RF_COLLATED_NOT) {
            return known(t, &values[i]);
        }
    }
    return RF_BINARY;
}

/* The literal folded here rather than by the server, row after row. */
static const char *collated_literal(struct rf_translation *t, enum rf_collation collation,
                                    const char *text) {
    char *folded = rf_arena_copy(t->arena, text);
    if (!folded) {
        return "";
    }
    size_t size = strlen(folded);
    if (collation == RF_NOCASE) {
        for (char *at = folded; *at; at++) {
            if (*at >= 'A' && *at <= 'Z') {
                *at = (char)(*at - 'A' + 'a');
            }
        }
    } else if (collation == RF_RTRIM) {
        while (size > 0 && folded[size - 1] == ' ') {
            folded[--size] = '\0';
        }
    }
    return rf_value_literal_text(t, folded).sql;
}

const char *rf_collated(struct rf_translation *t, enum rf_collation collation,
                        const struct rf_sql_value *text) {
    if (text->literal) {
        return collated_literal(t, collation, text->literal_text);
    }
    rf_value_need_pin(t, text->pinned || collation == RF_BINARY);
    switch (collation) {
    case RF_NOCASE:
        return rf_sql(t, "lower(%s COLLATE \"C\")", text->sql);
    case RF_RTRIM:
        return rf_sql(t, "rtrim(%s COLLATE \"C\", ' ')", text->sql);
    default:
        return rf_sql(t, "(%s COLLATE \"C\")", text->sql);
    }
}

bool rf_text_is_ordered(const struct rf_translation *t) {
    return t->table && !t->table->utf16;
}

static struct pair texts(struct rf_translation *t, enum rf_comparison comparison,
                         const struct rf_sql_value *left, const struct rf_sql_value *right) {
    enum rf_collation collation = collation_of(t, left, right);
    bool ordered = comparison >= RF_COMPARE_LT && comparison <= RF_COMPARE_GE;
    if (ordered && collation == RF_BINARY && !rf_text_is_ordered(t)) {
        rf_refuse(t, "the order of text in UTF-16");
    }
    struct pair pair = {rf_collated(t, collation, left), rf_collated(t, collation, right)};
    rf_value_need_pin(t, left->pinned || right->pinned);
    if (left->literal && right->literal) {
        pair.left = rf_sql(t, "(%s COLLATE \"C\")", pair.left);
    }
    return pair;
}

/* An integer against a real literal, exactly: a real without a fraction is an integer, and one
 * with a fraction has the same place among the integers as its shortest decimal. */
static struct pair integer_and_literal(struct rf_translation *t, const struct rf_sql_value *integer,
                                       const struct rf_sql_value *real) {
    double value = real->literal_real;
    if (rf_value_is_whole(real)) {
        struct rf_sql_value whole = rf_value_literal_integer(t, (int64_t)value);
        return (struct pair){rf_value_bigint(t, integer), rf_value_beside_bigint(t, &whole)};
    }
    return (struct pair){rf_value_numeric(t, integer), rf_value_numeric(t, real)};
}

/* A WIDE or DECIMAL against what is small enough for its exact value to decide. */
static struct pair numerics(struct rf_translation *t, const struct rf_sql_value *left,
                            const struct rf_sql_value *right) {
    bool flipped = left->kind != RF_SQL_WIDE && left->kind != RF_SQL_DECIMAL;
    const struct rf_sql_value *numeric = flipped ? right : left;
    const struct rf_sql_value *other = flipped ? left : right;
    int64_t limit = numeric->kind == RF_SQL_WIDE ? WIDE_EXACT : RF_DOUBLE_EXACT;
    bool small = rf_value_is_integer(other) && (numeric->tall || numeric->brief ||
                                                (other->low >= -limit && other->high <= limit));
    bool literal = other->kind == RF_SQL_REAL && other->literal;
    if (!small && !literal && !(left->brief && right->brief)) {
        rf_refuse(t, numeric->kind == RF_SQL_WIDE
                         ? "integer arithmetic that may overflow, against more than a small number"
                         : "comparison of a numeric with more than a small number");
    }
    return (struct pair){rf_value_numeric(t, left), rf_value_numeric(t, right)};
}

static bool is_bit(const struct rf_sql_value *value) {
    return value->kind == RF_SQL_INTEGER && value->literal && (value->low == 0 || value->low == 1);
}

static struct pair integers(struct rf_translation *t, const struct rf_sql_value *left,
                            const struct rf_sql_value *right) {
    bool left_boolean = left->kind == RF_SQL_BOOLEAN;
    bool right_boolean = right->kind == RF_SQL_BOOLEAN;
    if ((left_boolean && (right_boolean || is_bit(right))) || (right_boolean && is_bit(left))) {
        return (struct pair){rf_value_condition(t, left), rf_value_condition(t, right)};
    }
    return (struct pair){rf_value_beside_bigint(t, left), rf_value_beside_bigint(t, right)};
}

/* A small literal stays bare beside a double; every other integer is made one. */
static const char *beside_double(struct rf_translation *t, const struct rf_sql_value *value) {
    bool small = value->kind == RF_SQL_INTEGER && value->literal && value->low >= -INT32_MAX &&
                 value->low <= INT32_MAX;
    return small ? rf_value_beside_bigint(t, value) : rf_value_double(t, value);
}

static bool is_number(const struct rf_sql_value *value) {
    return rf_value_is_integer(value) || rf_value_is_double(value) || value->kind == RF_SQL_WIDE ||
           value->kind == RF_SQL_DECIMAL;
}

static struct pair numbers(struct rf_translation *t, const struct rf_sql_value *left,
                           const struct rf_sql_value *right) {
    bool left_integer = rf_value_is_integer(left);
    bool right_integer = rf_value_is_integer(right);
    if (left_integer && right_integer) {
        return integers(t, left, right);
    }
    if (!(left_integer || rf_value_is_double(left)) ||
        !(right_integer || rf_value_is_double(right))) {
        return numerics(t, left, right);
    }
    if (left_integer && right->literal) {
        return integer_and_literal(t, left, right);
    }
    if (right_integer && left->literal) {
        struct pair pair = integer_and_literal(t, right, left);
        return (struct pair){pair.right, pair.left};
    }
    if ((left_integer && !rf_value_fits_double(left)) ||
        (right_integer && !rf_value_fits_double(right))) {
        rf_refuse(t, "comparison of a 64-bit integer with a real");
    }
    return (struct pair){beside_double(t, left), beside_double(t, right)};
}

static bool is_numeric_affinity(int affinity) {
    return affinity >= RF_AFFINITY_NUMERIC;
}

/* SQLite converts before it compares: to numbers where one side is of a numeric column, to text
 * where one is of a TEXT column and the other of none. */
static void apply_affinity(struct rf_translation *t, struct rf_sql_value *left,
                           struct rf_sql_value *right) {
    if (is_numeric_affinity(left->affinity) || is_numeric_affinity(right->affinity)) {
        *left = rf_value_to_number(t, left);
        *right = rf_value_to_number(t, right);
        return;
    }
    bool one_is_none = left->affinity == RF_AFFINITY_NONE || right->affinity == RF_AFFINITY_NONE;
    bool one_is_text = left->affinity == RF_AFFINITY_TEXT || right->affinity == RF_AFFINITY_TEXT;
    if (one_is_none && one_is_text) {
        *left = is_number(left) ? rf_value_to_text(t, left) : *left;
        *right = is_number(right) ? rf_value_to_text(t, right) : *right;
    }
}

static const char *noun(const struct rf_sql_value *value) {
    return is_number(value) ? "a number" : rf_value_kind_name(value->kind);
}

/* A column of dates or times against a like one, or against a literal that is one. Texts of one
 * width are in the same order by any of SQLite's own collations. */
static struct pair moments(struct rf_translation *t, const struct rf_sql_value *left,
                           const struct rf_sql_value *right) {
    collation_of(t, left, right);
    if (left->kind == right->kind) {
        if (!rf_moment_is_alike(left->column, right->column)) {
            rf_refuse(t, "comparison of dates or times that are kept in two ways");
        }
        return (struct pair){left->sql, right->sql};
    }
    bool flipped = right->kind == RF_SQL_MOMENT;
    const struct rf_sql_value *moment = flipped ? right : left;
    const struct rf_sql_value *other = flipped ? left : right;
    const char *sql = other->literal ? rf_moment_of(t, other, moment->column) : NULL;
    if (!sql) {
        rf_refuse(t, "comparison of a date or time with what is none of that column");
        return (struct pair){"", ""};
    }
    return flipped ? (struct pair){sql, moment->sql} : (struct pair){moment->sql, sql};
}

/* Neither side is the literal NULL. Items of IN are compared as = would. */
static struct pair pair_of(struct rf_translation *t, enum rf_comparison comparison,
                           const struct rf_sql_value *left_given,
                           const struct rf_sql_value *right_given) {
    struct rf_sql_value left = *left_given;
    struct rf_sql_value right = *right_given;
    apply_affinity(t, &left, &right);
    if (is_number(&left) && is_number(&right)) {
        return numbers(t, &left, &right);
    }
    if (left.kind == RF_SQL_TEXT && right.kind == RF_SQL_TEXT) {
        return texts(t, comparison, &left, &right);
    }
    if (left.kind == RF_SQL_BLOB && right.kind == RF_SQL_BLOB) {
        return (struct pair){left.sql, right.sql};
    }
    if (left.kind == RF_SQL_MOMENT || right.kind == RF_SQL_MOMENT) {
        return moments(t, &left, &right);
    }
    if (left.kind == RF_SQL_OTHER || right.kind == RF_SQL_OTHER) {
        rf_refuse(t, "comparison of %s", rf_value_kind_name(RF_SQL_OTHER));
    }
    rf_refuse(t, "comparison of %s with %s", noun(&left), noun(&right));
    return (struct pair){"", ""};
}

static const char *symbol(enum rf_comparison comparison) {
    static const char *const symbols[] = {
        "=", "<>", "<", "<=", ">", ">=", "IS NOT DISTINCT FROM", "IS DISTINCT FROM"};
    return symbols[comparison];
}

static struct rf_sql_value null_test(struct rf_translation *t, const struct rf_sql_value *value,
                                     bool negated) {
    if (value->kind == RF_SQL_NULL) {
        return rf_value_boolean(negated ? "false" : "true", false);
    }
    struct rf_sql_value test =
        rf_value_boolean(rf_sql(t, "(%s IS %sNULL)", value->sql, negated ? "NOT " : ""), false);
    test.pinned = value->pinned;
    return test;
}

/* A boolean against true or false is itself, or its opposite. */
static const char *boolean_test(struct rf_translation *t, enum rf_comparison comparison,
                                struct pair pair) {
    bool equal = comparison == RF_COMPARE_EQ || comparison == RF_COMPARE_IS;
    if ((comparison != RF_COMPARE_EQ && comparison != RF_COMPARE_NE) ||
        (strcmp(pair.right, "true") != 0 && strcmp(pair.right, "false") != 0)) {
        return NULL;
    }
    bool itself = equal == (strcmp(pair.right, "true") == 0);
    return itself ? pair.left : rf_sql(t, "(NOT %s)", pair.left);
}

struct rf_sql_value rf_compare_values(struct rf_translation *t, enum rf_comparison comparison,
                                      const struct rf_sql_value *left,
                                      const struct rf_sql_value *right) {
    bool null_safe = comparison == RF_COMPARE_IS || comparison == RF_COMPARE_IS_NOT;
    if (left->kind == RF_SQL_NULL || right->kind == RF_SQL_NULL) {
        return null_safe ? null_test(t, left->kind == RF_SQL_NULL ? right : left,
                                     comparison == RF_COMPARE_IS_NOT)
                         : rf_value_boolean("NULL::boolean", true);
    }
    struct pair pair = pair_of(t, comparison, left, right);
    if (null_safe && !left->nullable && !right->nullable) {
        comparison = comparison == RF_COMPARE_IS ? RF_COMPARE_EQ : RF_COMPARE_NE;
    }
    const char *sql = boolean_test(t, comparison, pair);
    if (!sql) {
        sql = rf_sql(t, "(%s %s %s)", pair.left, symbol(comparison), pair.right);
    }
    struct rf_sql_value both[2] = {*left, *right};
    struct rf_sql_value result =
        rf_value_boolean(sql, !null_safe && (left->nullable || right->nullable));
    result.pinned = null_safe ? left->pinned || right->pinned : rf_value_pins(both, 2);
    return result;
}

struct rf_sql_value rf_compare_between(struct rf_translation *t, const struct rf_sql_value *value,
                                       const struct rf_sql_value *low,
                                       const struct rf_sql_value *high) {
    struct rf_sql_value from = rf_compare_values(t, RF_COMPARE_GE, value, low);
    struct rf_sql_value to = rf_compare_values(t, RF_COMPARE_LE, value, high);
    struct rf_sql_value result =
        rf_value_boolean(rf_sql(t, "(%s AND %s)", from.sql, to.sql), from.nullable || to.nullable);
    result.pinned = from.pinned && to.pinned;
    return result;
}

/* IN (…) where the left side is the same for all of the list, else comparisons with OR between
 * them. `sql` has room for one string an item. */
static const char *in_list(struct rf_translation *t, const struct rf_sql_value *value,
                           const struct rf_sql_value *list, uint32_t count, const char **sql) {
    const char *left = NULL;
    bool same = true;
    for (uint32_t i = 0; i < count && !t->refusal; i++) {
        sql[i] = "NULL";
        if (list[i].kind != RF_SQL_NULL) {
            struct pair pair = pair_of(t, RF_COMPARE_EQ, value, &list[i]);
            sql[i] = pair.right;
            same = same && (!left || strcmp(left, pair.left) == 0);
            left = pair.left;
        }
    }
    if (t->refusal || !left) {
        return "NULL::boolean";
    }
    if (same) {
        return rf_sql(t, "(%s IN (%s))", left, rf_sql_join(t, sql, count, ", "));
    }
    for (uint32_t i = 0; i < count; i++) {
        sql[i] = rf_compare_values(t, RF_COMPARE_EQ, value, &list[i]).sql;
    }
    return rf_sql(t, "(%s)", rf_sql_join(t, sql, count, " OR "));
}

static bool all_null(const struct rf_sql_value *list, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].kind != RF_SQL_NULL) {
            return false;
        }
    }
    return true;
}

struct rf_sql_value rf_compare_in(struct rf_translation *t, const struct rf_sql_value *value,
                                  const struct rf_sql_value *list, uint32_t count) {
    if (count == 0) {
        return rf_value_boolean("false", false);
    }
    if (value->kind == RF_SQL_NULL) {
        return rf_value_boolean("NULL::boolean", true);
    }
    struct rf_sql_value *items = rf_arena_take(t->arena, count, sizeof *items);
    const char **sql = rf_arena_take(t->arena, count, sizeof *sql);
    if (!items || !sql) {
        return rf_value_null();
    }
    bool nullable = value->nullable;
    for (uint32_t i = 0; i < count; i++) {
        items[i] = list[i];
        if (list[i].collated >= RF_COLLATED_EXPLICITLY) {
            return rf_refuse(t, "COLLATE within IN");
        }
        items[i].collated = RF_COLLATED_NOT;
        items[i].affinity = RF_AFFINITY_NONE;
        nullable = nullable || list[i].nullable;
    }
    struct rf_sql_value result = rf_value_boolean(in_list(t, value, items, count, sql), nullable);
    result.pinned = value->pinned && !all_null(list, count);
    return result;
}
