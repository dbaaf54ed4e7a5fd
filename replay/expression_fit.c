#include "replay/expression_fit.h"

#include <stdio.h>
#include <string.h>

#include "replay/expression_moment.h"
#include "replay/expression_operation.h"
#include "replay/render.h"

static const char *type_name(enum rf_expression_type type) {
    switch (type) {
    case RF_EXPRESSION_BIGINT:
        return "bigint";
    case RF_EXPRESSION_INTEGER:
        return "integer";
    case RF_EXPRESSION_SMALLINT:
        return "smallint";
    case RF_EXPRESSION_DOUBLE:
        return "double precision";
    case RF_EXPRESSION_BOOLEAN:
        return "boolean";
    case RF_EXPRESSION_TEXT:
    case RF_EXPRESSION_TEXT_OR_NUMBER:
        return "text";
    case RF_EXPRESSION_BYTEA:
        return "bytea";
    case RF_EXPRESSION_NUMERIC:
        return "numeric";
    case RF_EXPRESSION_DATE:
        return "date";
    case RF_EXPRESSION_TIME:
        return "time";
    case RF_EXPRESSION_TIMESTAMP:
        return "timestamp";
    case RF_EXPRESSION_TIMESTAMPTZ:
        return "timestamp with time zone";
    case RF_EXPRESSION_OTHER:
        break;
    }
    return "";
}

/* In a column of numeric affinity SQLite keeps no -0.0. */
static const char *unsigned_zero(struct rf_translation *t, const struct rf_sql_value *value,
                                 const char *sql) {
    return rf_value_is_double(value) && value->signed_zero ? rf_sql(t, "(%s + 0)", sql) : sql;
}

/* A real without a fraction becomes an integer in an INTEGER or NUMERIC column. */
static struct rf_sql_value whole_if_whole(struct rf_translation *t,
                                          const struct rf_sql_value *value) {
    if (value->settled &&
        (value->affinity == RF_AFFINITY_INTEGER || value->affinity == RF_AFFINITY_NUMERIC)) {
        return *value; /* it happened in that column already */
    }
    if (value->literal) {
        return rf_value_is_whole(value) ? rf_value_literal_integer(t, (int64_t)value->literal_real)
                                        : *value;
    }
    if (value->most > (double)RF_DOUBLE_EXACT) {
        return rf_refuse(t, "a real that may become a large integer");
    }
    struct rf_sql_value number = *value;
    number.sql = unsigned_zero(t, value, value->sql);
    number.kind = RF_SQL_NUMBER;
    return number;
}

static struct rf_sql_value as_real(struct rf_translation *t, const struct rf_sql_value *value) {
    if (value->literal && rf_value_fits_double(value)) {
        return rf_value_literal_real(t, (double)value->low);
    }
    struct rf_sql_value real = *value;
    real.sql = unsigned_zero(t, value, rf_value_double(t, value));
    real.kind = RF_SQL_REAL;
    return real;
}

static struct rf_sql_value with_affinity(struct rf_translation *t, const struct rf_sql_value *value,
                                         enum rf_affinity affinity) {
    if (affinity == RF_AFFINITY_BLOB || value->kind == RF_SQL_NULL || value->kind == RF_SQL_BLOB) {
        return *value;
    }
    if (affinity == RF_AFFINITY_TEXT) {
        return rf_value_to_text(t, value);
    }
    struct rf_sql_value number = rf_value_to_number(t, value);
    if (affinity == RF_AFFINITY_REAL &&
        (rf_value_is_integer(&number) || rf_value_is_double(&number))) {
        return as_real(t, &number);
    }
    return affinity != RF_AFFINITY_REAL && rf_value_is_double(&number) ? whole_if_whole(t, &number)
                                                                       : number;
}

/* Digits before and after the point of a plain decimal; false where it has an exponent. */
static bool decimal_fits(const char *decimal, const struct rf_expression_column *column) {
    decimal += *decimal == '-' ? 1 : 0;
    size_t whole = strspn(decimal, "0123456789");
    const char *rest = decimal + whole;
    size_t fraction = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
    rest += *rest == '.' ? fraction + 1 : 0;
    size_t room = column->precision > column->scale ? column->precision - column->scale : 0;
    bool zero = whole == 1 && *decimal == '0';
    return !*rest && (whole <= room || zero) && fraction <= column->scale;
}

static const char *numeric(struct rf_translation *t, const struct rf_sql_value *value,
                           const struct rf_expression_column *column) {
    bool literal = value->literal && (value->kind == RF_SQL_INTEGER || value->kind == RF_SQL_REAL);
    if (!rf_value_is_integer(value) && !literal) {
        return NULL;
    }
    if (column->precision > 0) {
        char decimal[32];
        if (value->kind == RF_SQL_REAL) {
            rf_number_decimal(value->literal_real, decimal);
        } else {
            snprintf(decimal, sizeof decimal, "%lld", (long long)value->low);
        }
        if (!literal || !decimal_fits(decimal, column)) {
            return NULL;
        }
    }
    return rf_value_numeric(t, value);
}

/* Text that no number of the same column would be rendered as. */
static const char *text_or_number(struct rf_translation *t, const struct rf_sql_value *value) {
    if (value->kind != RF_SQL_TEXT) {
        bool number = rf_value_is_integer(value) || (value->literal && value->kind == RF_SQL_REAL);
        return number ? rf_value_to_text(t, value).sql : NULL;
    }
    bool wordy =
        value->wordy || (value->literal && !rf_looks_rendered((const uint8_t *)value->literal_text,
                                                              strlen(value->literal_text)));
    return wordy ? value->sql : rf_refuse(t, "text that may look like a number").sql;
}

static bool is_short_enough(const struct rf_sql_value *text,
                            const struct rf_expression_column *column) {
    uint32_t characters = 0;
    for (const char *at = text->literal_text; text->literal && *at; at++) {
        characters += ((unsigned char)*at & 0xc0) != 0x80 ? 1 : 0;
    }
    return column->length == 0 || (text->literal && characters <= column->length);
}

static const char *held(struct rf_translation *t, const struct rf_sql_value *value,
                        const struct rf_expression_column *column) {
    bool integer = rf_value_is_integer(value);
    switch (column->type) {
    case RF_EXPRESSION_BIGINT:
    case RF_EXPRESSION_INTEGER:
    case RF_EXPRESSION_SMALLINT:
        return integer && value->low >= rf_least_of(column->type) &&
                       value->high <= -(rf_least_of(column->type) + 1)
                   ? rf_value_beside_bigint(t, value)
                   : NULL;
    case RF_EXPRESSION_DOUBLE:
        return rf_value_is_double(value) || rf_value_fits_double(value) ? rf_value_double(t, value)
                                                                        : NULL;
    case RF_EXPRESSION_BOOLEAN:
        return integer && value->low >= 0 && value->high <= 1 ? rf_value_condition(t, value) : NULL;
    case RF_EXPRESSION_TEXT:
        return value->kind == RF_SQL_TEXT && is_short_enough(value, column) ? value->sql : NULL;
    case RF_EXPRESSION_BYTEA:
        return value->kind == RF_SQL_BLOB ? value->sql : NULL;
    case RF_EXPRESSION_NUMERIC:
        return numeric(t, value, column);
    case RF_EXPRESSION_TEXT_OR_NUMBER:
        return text_or_number(t, value);
    case RF_EXPRESSION_DATE:
    case RF_EXPRESSION_TIME:
    case RF_EXPRESSION_TIMESTAMP:
    case RF_EXPRESSION_TIMESTAMPTZ:
        return rf_moment_of(t, value, column);
    case RF_EXPRESSION_OTHER:
        break;
    }
    return NULL;
}

/* No SQL, and why. */
static const char *misfit(struct rf_translation *t, const struct rf_sql_value *value,
                          const struct rf_expression_column *column) {
    bool wide = rf_value_is_integer(value) &&
                (column->type == RF_EXPRESSION_INTEGER || column->type == RF_EXPRESSION_SMALLINT);
    bool lengthy = value->kind == RF_SQL_TEXT && column->type == RF_EXPRESSION_TEXT;
    if (wide || lengthy) {
        return rf_refuse(t, "%s that may not fit a column of type %s",
                         rf_value_kind_name(value->kind),
                         lengthy ? "varchar" : type_name(column->type))
            .sql;
    }
    return rf_refuse(t, "%s in a column of type %s", rf_value_kind_name(value->kind),
                     type_name(column->type))
        .sql;
}

const char *rf_fit(struct rf_translation *t, const struct rf_sql_value *value,
                   const struct rf_expression_column *column) {
    struct rf_sql_value stored = with_affinity(t, value, column->affinity);
    if (t->refusal || stored.kind == RF_SQL_NULL) {
        return "NULL";
    }
    if (column->type == RF_EXPRESSION_OTHER) {
        return rf_refuse(t, "a column whose values are converted").sql;
    }
    const char *sql = held(t, &stored, column);
    return sql ? sql : misfit(t, &stored, column);
}
