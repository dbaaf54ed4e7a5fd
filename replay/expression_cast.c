/* CAST, where it neither reads a number out of text nor renders a real. */
#include "replay/expression_operation.h"

/* Towards zero, and no further than 64 bits go. */
static struct rf_sql_value truncated(struct rf_translation *t, const struct rf_sql_value *value) {
    const char *x = value->sql;
    const char *sql =
        rf_sql(t,
               "(CASE WHEN %s >= '9223372036854775808'::double precision THEN "
               "'9223372036854775807'::bigint WHEN %s <= '-9223372036854775808'::double precision "
               "THEN '-9223372036854775808'::bigint ELSE trunc(%s)::bigint END)",
               x, x, x);
    return rf_value_integer(t, sql, value->nullable, INT64_MIN, INT64_MAX);
}

static struct rf_sql_value to_integer(struct rf_translation *t, const struct rf_sql_value *value) {
    if (rf_value_is_integer(value)) {
        return *value;
    }
    if (rf_value_is_double(value)) {
        return truncated(t, value);
    }
    if (value->kind == RF_SQL_TEXT && value->digits) {
        return rf_operand(t, value);
    }
    return rf_refuse(t, "CAST of %s to an integer", rf_value_kind_name(value->kind));
}

static struct rf_sql_value to_real(struct rf_translation *t, const struct rf_sql_value *value) {
    if (value->kind == RF_SQL_REAL) {
        return *value;
    }
    if (value->literal && rf_value_fits_double(value)) {
        return rf_value_literal_real(t, (double)value->low);
    }
    if (rf_value_is_integer(value)) {
        return rf_value_real(rf_value_double(t, value), value->nullable, 1e19, 1);
    }
    if (value->kind == RF_SQL_NUMBER) {
        struct rf_sql_value real = *value;
        real.kind = RF_SQL_REAL;
        return real;
    }
    return rf_refuse(t, "CAST of %s to a real", rf_value_kind_name(value->kind));
}

static struct rf_sql_value to_numeric(struct rf_translation *t, const struct rf_sql_value *value) {
    if (rf_value_is_integer(value) || rf_value_is_double(value)) {
        return *value;
    }
    if (value->kind == RF_SQL_TEXT && value->digits) {
        return rf_operand(t, value);
    }
    return rf_refuse(t, "CAST of %s to a number", rf_value_kind_name(value->kind));
}

static struct rf_sql_value converted(struct rf_translation *t, const struct rf_sql_value *value,
                                     enum rf_affinity affinity) {
    switch (affinity) {
    case RF_AFFINITY_TEXT:
        return rf_value_to_text(t, value);
    case RF_AFFINITY_INTEGER:
        return to_integer(t, value);
    case RF_AFFINITY_REAL:
        return to_real(t, value);
    case RF_AFFINITY_NUMERIC:
        return to_numeric(t, value);
    case RF_AFFINITY_BLOB:
        break;
    }
    return value->kind == RF_SQL_BLOB
               ? *value
               : rf_refuse(t, "CAST of %s to a blob", rf_value_kind_name(value->kind));
}

struct rf_sql_value rf_cast(struct rf_translation *t, const struct rf_sql_value *value,
                            const char *type) {
    if (!*type) {
        return rf_refuse(t, "CAST to no type");
    }
    enum rf_affinity affinity = rf_affinity_of(type);
    struct rf_sql_value result =
        value->kind == RF_SQL_NULL ? rf_value_null() : converted(t, value, affinity);
    result.pinned = value->pinned && !result.literal;
    result.settled = false;
    result.affinity = (int)affinity;
    result.collation = value->collation;
    result.collated = value->collated;
    return result;
}
