/* The functions that mean the same in both databases, each with the care it needs. Whatever is not
 * in the table at the end is refused by name. */
#include "replay/expression_operation.h"

#include <string.h>
#include <strings.h>

#define LENGTH_MOST INT32_MAX /* of any text or blob, in characters or bytes */

typedef struct rf_sql_value function(struct rf_translation *t, const struct rf_sql_value *arguments,
                                     uint32_t count);

/* Text arguments; every one becomes text as SQLite would render it. */
static bool texts(struct rf_translation *t, const struct rf_sql_value *arguments, uint32_t count,
                  struct rf_sql_value *out, bool *nullable) {
    *nullable = false;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = rf_value_to_text(t, &arguments[i]);
        *nullable = *nullable || out[i].nullable;
    }
    return !t->refusal;
}

static struct rf_sql_value length(struct rf_translation *t, const struct rf_sql_value *arguments,
                                  uint32_t count) {
    bool nullable;
    struct rf_sql_value text = {0};
    if (arguments->kind == RF_SQL_BLOB) {
        return rf_value_integer(t, rf_sql(t, "octet_length(%s)::bigint", arguments->sql),
                                arguments->nullable, 0, LENGTH_MOST);
    }
    if (!texts(t, arguments, count, &text, &nullable)) {
        return rf_value_null();
    }
    return rf_value_integer(t, rf_sql(t, "char_length(%s)::bigint", text.sql), nullable, 0,
                            LENGTH_MOST);
}

static struct rf_sql_value fold(struct rf_translation *t, const struct rf_sql_value *argument,
                                const char *name) {
    struct rf_sql_value text = rf_value_to_text(t, argument);
    rf_value_need_pin(t, text.pinned);
    return rf_value_text(rf_sql(t, "%s(%s COLLATE \"C\")", name, text.sql), text.nullable);
}

static struct rf_sql_value lower(struct rf_translation *t, const struct rf_sql_value *arguments,
                                 uint32_t count) {
    (void)count;
    return fold(t, arguments, "lower");
}

static struct rf_sql_value upper(struct rf_translation *t, const struct rf_sql_value *arguments,
                                 uint32_t count) {
    (void)count;
    return fold(t, arguments, "upper");
}

/* Without a second argument both strip spaces and nothing else. */
static struct rf_sql_value strip(struct rf_translation *t, const struct rf_sql_value *arguments,
                                 uint32_t count, const char *name) {
    bool nullable;
    struct rf_sql_value text[2] = {0};
    if (!texts(t, arguments, count, text, &nullable)) {
        return rf_value_null();
    }
    const char *sql =
        rf_sql(t, "%s(%s COLLATE \"C\", %s)", name, text[0].sql, count > 1 ? text[1].sql : "' '");
    return rf_value_text(sql, nullable);
}

static struct rf_sql_value trim(struct rf_translation *t, const struct rf_sql_value *arguments,
                                uint32_t count) {
    return strip(t, arguments, count, "btrim");
}

static struct rf_sql_value ltrim(struct rf_translation *t, const struct rf_sql_value *arguments,
                                 uint32_t count) {
    return strip(t, arguments, count, "ltrim");
}

static struct rf_sql_value rtrim(struct rf_translation *t, const struct rf_sql_value *arguments,
                                 uint32_t count) {
    return strip(t, arguments, count, "rtrim");
}

static bool is_place(const struct rf_sql_value *value, int64_t low) {
    return value->kind == RF_SQL_INTEGER && value->literal && value->low >= low &&
           value->low <= INT32_MAX;
}

/* Both count from one; for a start of zero both give one character less. From the end (a negative
 * start) it is the rest that is taken. Of an empty blob SQLite's substr() is NULL: blobs are
 * left. */
static struct rf_sql_value substr(struct rf_translation *t, const struct rf_sql_value *arguments,
                                  uint32_t count) {
    struct rf_sql_value text = rf_value_to_text(t, arguments);
    if (!is_place(&arguments[1], -INT32_MAX) || (count > 2 && !is_place(&arguments[2], 0))) {
        return rf_refuse(t, "substr() by anything but literal places");
    }
    int start = (int)arguments[1].low;
    if (start < 0 && count > 2) {
        return rf_refuse(t, "substr() of a number of characters counted from the end");
    }
    const char *sql;
    if (start < 0) {
        sql = rf_sql(t, "right(%s, %d)", text.sql, -start);
    } else if (count > 2 && arguments[2].low <= LENGTH_MOST - start) {
        sql = rf_sql(t, "substr(%s, %d, %d)", text.sql, start, (int)arguments[2].low);
    } else {
        sql = rf_sql(t, "substr(%s, %d)", text.sql, start);
    }
    return rf_value_text(sql, text.nullable);
}

static struct rf_sql_value replace(struct rf_translation *t, const struct rf_sql_value *arguments,
                                   uint32_t count) {
    bool nullable;
    struct rf_sql_value text[3] = {0};
    if (!texts(t, arguments, count, text, &nullable)) {
        return rf_value_null();
    }
    /* With nothing to look for, SQLite gives back the first argument, number or text, whatever the
     * third one is. */
    bool certain = text[1].literal && *text[1].literal_text;
    if (!certain && (text[2].nullable || arguments[0].kind != RF_SQL_TEXT)) {
        return rf_refuse(t, "replace() of what may be empty");
    }
    rf_value_need_pin(t, text[0].pinned || text[1].pinned || text[2].pinned);
    return rf_value_text(
        rf_sql(t, "replace(%s COLLATE \"C\", %s, %s)", text[0].sql, text[1].sql, text[2].sql),
        nullable);
}

static struct rf_sql_value instr(struct rf_translation *t, const struct rf_sql_value *arguments,
                                 uint32_t count) {
    bool nullable;
    struct rf_sql_value text[2] = {0};
    const char *sql;
    if (arguments[0].kind == RF_SQL_BLOB && arguments[1].kind == RF_SQL_BLOB) {
        nullable = arguments[0].nullable || arguments[1].nullable;
        sql = rf_sql(t, "position(%s IN %s)::bigint", arguments[1].sql, arguments[0].sql);
    } else if (texts(t, arguments, count, text, &nullable)) {
        rf_value_need_pin(t, text[0].pinned || text[1].pinned);
        sql = rf_sql(t, "strpos(%s COLLATE \"C\", %s)::bigint", text[0].sql, text[1].sql);
    } else {
        return rf_value_null();
    }
    return rf_value_integer(t, sql, nullable, 0, (int64_t)LENGTH_MOST + 1);
}

/* NULL has no bytes, and their hexadecimal is empty. */
static struct rf_sql_value hex(struct rf_translation *t, const struct rf_sql_value *arguments,
                               uint32_t count) {
    (void)count;
    if (arguments->kind != RF_SQL_BLOB) {
        return rf_refuse(t, "hex() of %s", rf_value_kind_name(arguments->kind));
    }
    rf_value_need_pin(t, arguments->pinned);
    const char *sql = rf_sql(t, "upper(encode(%s, 'hex') COLLATE \"C\")", arguments->sql);
    return rf_value_text(arguments->nullable ? rf_sql(t, "COALESCE(%s, '')", sql) : sql, false);
}

/* Of text both make a REAL, whatever number it looks like. */
static struct rf_sql_value numeric_argument(struct rf_translation *t,
                                            const struct rf_sql_value *argument, const char *name) {
    return argument->kind == RF_SQL_TEXT ? rf_refuse(t, "%s() of text", name)
                                         : rf_operand(t, argument);
}

static struct rf_sql_value absolute(struct rf_translation *t, const struct rf_sql_value *arguments,
                                    uint32_t count) {
    (void)count;
    struct rf_sql_value number = numeric_argument(t, arguments, "abs");
    if (rf_value_is_integer(&number) && number.low > INT64_MIN) {
        int64_t low = number.low < 0 ? -number.low : number.low;
        int64_t high = number.high < 0 ? -number.high : number.high;
        bool crosses = number.low < 0 && number.high > 0;
        return rf_value_integer(t, rf_sql(t, "abs(%s)", rf_value_bigint(t, &number)),
                                number.nullable, crosses ? 0 : (low < high ? low : high),
                                low > high ? low : high);
    }
    if (rf_value_is_integer(&number)) {
        return rf_value_of(RF_SQL_WIDE, rf_sql(t, "abs(%s)", rf_value_numeric(t, &number)),
                           number.nullable);
    }
    /* Not abs(), which takes the sign off a zero as well. */
    struct rf_sql_value result = rf_value_of(number.kind, "", number.nullable);
    result.sql =
        rf_sql(t, "(CASE WHEN %s < 0 THEN - %s ELSE %s END)", number.sql, number.sql, number.sql);
    result.signed_zero = number.signed_zero;
    result.most = number.most;
    result.least = number.least;
    return result;
}

/* Away from zero at the half, where PostgreSQL's round() goes to the even neighbour; and no
 * negative zero. From 2^52 on there is no fraction. */
static struct rf_sql_value rounded(struct rf_translation *t, const struct rf_sql_value *arguments,
                                   uint32_t count) {
    if (count > 1 &&
        !(arguments[1].kind == RF_SQL_INTEGER && arguments[1].literal && arguments[1].low == 0)) {
        return rf_refuse(t, "round() to digits after the point");
    }
    struct rf_sql_value number = numeric_argument(t, arguments, "round");
    const char *x = rf_value_double(t, &number);
    if (rf_value_is_integer(&number)) {
        return rf_value_real(x, number.nullable, 1e19, 1);
    }
    const char *sql =
        rf_sql(t,
               "(CASE WHEN %s BETWEEN '-4503599627370496'::double precision AND "
               "'4503599627370496'::double precision THEN trunc(%s + CASE WHEN %s < 0 THEN "
               "'-0.5'::double precision ELSE '0.5'::double precision END) + 0 ELSE %s END)",
               x, x, x, x);
    return rf_value_real(sql, number.nullable, number.most * 2 + 1, 1);
}

static struct rf_sql_value type_of(struct rf_translation *t, const struct rf_sql_value *arguments,
                                   uint32_t count) {
    static const char *const names[] = {
        [RF_SQL_NULL] = "null",  [RF_SQL_BOOLEAN] = "integer", [RF_SQL_INTEGER] = "integer",
        [RF_SQL_WIDE] = NULL,    [RF_SQL_REAL] = "real",       [RF_SQL_NUMBER] = NULL,
        [RF_SQL_DECIMAL] = NULL, [RF_SQL_TEXT] = "text",       [RF_SQL_BLOB] = "blob",
        [RF_SQL_MOMENT] = NULL,  [RF_SQL_OTHER] = NULL,
    };
    (void)count;
    const char *name = names[arguments->kind];
    if (!name) {
        return rf_refuse(t, "typeof() of %s", rf_value_kind_name(arguments->kind));
    }
    if (!arguments->nullable || arguments->kind == RF_SQL_NULL) {
        return rf_value_literal_text(t, name);
    }
    return rf_value_text(rf_sql(t, "(CASE WHEN %s IS NULL THEN 'null'::text ELSE '%s'::text END)",
                                arguments->sql, name),
                         false);
}

/* name(a, b, …) of values of one type. */
static struct rf_sql_value call_of_united(struct rf_translation *t, const char *name,
                                          const struct rf_sql_value *values, uint32_t count) {
    const char **sql = rf_arena_take(t->arena, count, sizeof *sql);
    if (!sql) {
        return rf_value_null();
    }
    struct rf_sql_value all = rf_value_unite(t, values, count, sql);
    if (!t->refusal) {
        all.sql = rf_sql(t, "%s(%s)", name, rf_sql_join(t, sql, count, ", "));
    }
    return all;
}

static struct rf_sql_value coalesce(struct rf_translation *t, const struct rf_sql_value *arguments,
                                    uint32_t count) {
    struct rf_sql_value value = call_of_united(t, "COALESCE", arguments, count);
    if (value.kind == RF_SQL_NULL) {
        return rf_value_null();
    }
    value.pinned = value.pinned || arguments[0].pinned;
    value.nullable = true;
    for (uint32_t i = 0; i < count; i++) {
        value.nullable = value.nullable && arguments[i].nullable;
    }
    return value;
}

/* The arguments are compared as they are, without affinity, by the collation of the first. */
static struct rf_sql_value nullif(struct rf_translation *t, const struct rf_sql_value *arguments,
                                  uint32_t count) {
    struct rf_sql_value pair[2] = {arguments[0], arguments[1]};
    for (uint32_t i = 0; i < count; i++) {
        pair[i].affinity = RF_AFFINITY_NONE;
        pair[i].collation = rf_collation_of_arguments(t, arguments, count);
        pair[i].collated = RF_COLLATED_EXPLICITLY;
    }
    if (pair[0].kind == RF_SQL_NULL || pair[1].kind == RF_SQL_NULL) {
        return rf_refuse(t, "nullif() of the literal NULL");
    }
    struct rf_sql_value same = rf_compare_values(t, RF_COMPARE_EQ, &pair[0], &pair[1]);
    struct rf_sql_value value = arguments[0];
    value.sql = rf_sql(t, "(CASE WHEN %s THEN NULL ELSE %s END)", same.sql, arguments[0].sql);
    value.pinned = same.pinned || arguments[0].pinned;
    value.nullable = true;
    value.literal = false;
    value.clock = NULL;
    value.digits = NULL;
    return value;
}

/* NULL where any is NULL; LEAST and GREATEST leave NULLs out. Of two texts that a collation takes
 * for the same, or a 0.0 and a -0.0, it would matter which one comes out. */
static struct rf_sql_value extreme(struct rf_translation *t, const struct rf_sql_value *arguments,
                                   uint32_t count, const char *name) {
    struct rf_sql_value *values = rf_arena_take(t->arena, count, sizeof *values);
    const char **nulls = rf_arena_take(t->arena, count, sizeof *nulls);
    uint32_t null_count = 0;
    bool pinned = false;
    if (!values || !nulls) {
        return rf_value_null();
    }
    for (uint32_t i = 0; i < count; i++) {
        values[i] = arguments[i];
        pinned = pinned || arguments[i].pinned;
        if (arguments[i].kind == RF_SQL_TEXT) {
            values[i].sql = rf_sql(t, "(%s COLLATE \"C\")", arguments[i].sql);
        }
        if (arguments[i].nullable) {
            nulls[null_count++] = rf_sql(t, "%s IS NULL", arguments[i].sql);
        }
    }
    bool binary = rf_collation_of_arguments(t, arguments, count) == RF_BINARY;
    struct rf_sql_value value = call_of_united(t, name, values, count);
    bool text = value.kind == RF_SQL_TEXT;
    if ((!rf_value_is_integer(&value) && !text) || (text && (!binary || !rf_text_is_ordered(t)))) {
        return rf_refuse(t, "%s() of anything but integers or text in the order of its bytes",
                         name[0] == 'L' ? "min" : "max");
    }
    if (null_count > 0) {
        value.sql = rf_sql(t, "(CASE WHEN %s THEN NULL ELSE %s END)",
                           rf_sql_join(t, nulls, null_count, " OR "), value.sql);
    }
    rf_value_need_pin(t, pinned);
    return value;
}

static struct rf_sql_value minimum(struct rf_translation *t, const struct rf_sql_value *arguments,
                                   uint32_t count) {
    return extreme(t, arguments, count, "LEAST");
}

static struct rf_sql_value maximum(struct rf_translation *t, const struct rf_sql_value *arguments,
                                   uint32_t count) {
    return extreme(t, arguments, count, "GREATEST");
}

static struct rf_sql_value iif(struct rf_translation *t, const struct rf_sql_value *arguments,
                               uint32_t count) {
    (void)count;
    const char *sql[2];
    const char *condition = rf_value_condition(t, &arguments[0]);
    struct rf_sql_value value = rf_value_unite(t, &arguments[1], 2, sql);
    if (t->refusal || value.kind == RF_SQL_NULL) {
        return rf_value_null();
    }
    value.sql = rf_sql(t, "(CASE WHEN %s THEN %s ELSE %s END)", condition, sql[0], sql[1]);
    value.pinned = value.pinned || arguments[0].pinned;
    return value;
}

struct entry {
    const char *name;
    uint32_t least, most;
    bool strict; /* NULL where an argument is the literal NULL */
    function *make;
};

static const struct entry entries[] = {
    {"abs", 1, 1, true, absolute},     {"coalesce", 2, 1000, false, coalesce},
    {"hex", 1, 1, false, hex},         {"ifnull", 2, 2, false, coalesce},
    {"iif", 3, 3, false, iif},         {"instr", 2, 2, true, instr},
    {"length", 1, 1, true, length},    {"lower", 1, 1, true, lower},
    {"ltrim", 1, 2, true, ltrim},      {"max", 2, 1000, true, maximum},
    {"min", 2, 1000, true, minimum},   {"nullif", 2, 2, false, nullif},
    {"replace", 3, 3, false, replace}, {"round", 1, 2, true, rounded},
    {"rtrim", 1, 2, true, rtrim},      {"substr", 2, 3, true, substr},
    {"substring", 2, 3, true, substr}, {"trim", 1, 2, true, trim},
    {"typeof", 1, 1, false, type_of},  {"upper", 1, 1, true, upper},
};

static const struct entry *find(const char *name, uint32_t count) {
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        if (strcasecmp(entries[i].name, name) == 0 && count >= entries[i].least &&
            count <= entries[i].most) {
            return &entries[i];
        }
    }
    return NULL;
}

struct rf_sql_value rf_function(struct rf_translation *t, const char *name,
                                const struct rf_sql_value *arguments, uint32_t count) {
    const struct entry *entry = find(name, count);
    if (!entry) {
        return rf_refuse(t, "function %s()", rf_tree_excerpt(name, strlen(name), t->arena));
    }
    for (uint32_t i = 0; entry->strict && i < count; i++) {
        if (arguments[i].kind == RF_SQL_NULL) {
            return rf_value_null();
        }
    }
    struct rf_sql_value value = entry->make(t, arguments, count);
    value.pinned = entry->strict ? rf_value_pins(arguments, count) : value.pinned;
    value.affinity = RF_AFFINITY_NONE;
    return value;
}
