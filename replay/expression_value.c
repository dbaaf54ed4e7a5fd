#include "replay/expression_value.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/value.h"
#include "replay/quote.h"
#include "replay/render.h"

#define SQL_BYTES_MAX (1u << 20)

struct rf_sql_value rf_refuse(struct rf_translation *t, const char *format, ...) {
    if (!t->refusal) {
        char phrase[300];
        va_list args;
        va_start(args, format);
        vsnprintf(phrase, sizeof phrase, format, args);
        va_end(args);
        const char *copy = rf_arena_copy(t->arena, phrase);
        t->refusal = copy ? copy : "no memory";
    }
    return (struct rf_sql_value){.sql = "", .affinity = RF_AFFINITY_NONE};
}

const char *rf_sql(struct rf_translation *t, const char *format, ...) {
    char small[512];
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = t->refusal ? 0 : vsnprintf(small, sizeof small, format, args);
    char *sql = NULL;
    t->produced += size > 0 ? (size_t)size : 0;
    if (t->produced > SQL_BYTES_MAX) {
        rf_refuse(t, "an expression that becomes too long");
    } else if (size > 0) {
        sql = rf_arena_take(t->arena, (size_t)size + 1, 1);
    }
    if (sql) {
        vsnprintf(sql, (size_t)size + 1, format, again);
    }
    va_end(again);
    va_end(args);
    return sql ? sql : "";
}

const char *rf_sql_join(struct rf_translation *t, const char *const *parts, uint32_t count,
                        const char *between) {
    size_t size = 1;
    for (uint32_t i = 0; i < count; i++) {
        size += strlen(parts[i]) + strlen(between);
    }
    t->produced += size;
    if (t->produced > SQL_BYTES_MAX) {
        rf_refuse(t, "an expression that becomes too long");
    }
    char *sql = t->refusal ? NULL : rf_arena_take(t->arena, size, 1);
    if (!sql) {
        return "";
    }
    char *at = sql;
    for (uint32_t i = 0; i < count; i++) {
        at = stpcpy(at, i > 0 ? between : "");
        at = stpcpy(at, parts[i]);
    }
    return sql;
}

struct rf_sql_value rf_value_of(enum rf_sql_kind kind, const char *sql, bool nullable) {
    return (struct rf_sql_value){.kind = kind,
                                 .sql = sql,
                                 .nullable = nullable,
                                 .low = INT64_MIN,
                                 .high = INT64_MAX,
                                 .most = INFINITY,
                                 .affinity = RF_AFFINITY_NONE};
}

struct rf_sql_value rf_value_null(void) {
    return rf_value_of(RF_SQL_NULL, "NULL", true);
}

struct rf_sql_value rf_value_boolean(const char *sql, bool nullable) {
    struct rf_sql_value value = rf_value_of(RF_SQL_BOOLEAN, sql, nullable);
    value.low = 0;
    value.high = 1;
    return value;
}

struct rf_sql_value rf_value_literal_integer(struct rf_translation *t, int64_t integer) {
    struct rf_sql_value value = rf_value_of(RF_SQL_INTEGER, "", false);
    value.literal = true;
    value.low = integer;
    value.high = integer;
    value.sql = rf_sql(t, "'%lld'::bigint", (long long)integer);
    return value;
}

struct rf_sql_value rf_value_integer(struct rf_translation *t, const char *sql, bool nullable,
                                     int64_t low, int64_t high) {
    if (low == high && !nullable) {
        return rf_value_literal_integer(t, low);
    }
    struct rf_sql_value value = rf_value_of(RF_SQL_INTEGER, sql, nullable);
    value.low = low;
    value.high = high;
    return value;
}

struct rf_sql_value rf_value_real(const char *sql, bool nullable, double most, double least) {
    struct rf_sql_value value = rf_value_of(RF_SQL_REAL, sql, nullable);
    value.most = most;
    value.least = least;
    return value;
}

struct rf_sql_value rf_value_literal_real(struct rf_translation *t, double real) {
    char decimal[32];
    rf_number_decimal(real, decimal);
    struct rf_sql_value value =
        rf_value_real(rf_sql(t, "'%s'::double precision", decimal), false, fabs(real), fabs(real));
    value.literal = true;
    value.literal_real = real;
    return value;
}

struct rf_sql_value rf_value_text(const char *sql, bool nullable) {
    return rf_value_of(RF_SQL_TEXT, sql, nullable);
}

struct rf_sql_value rf_value_literal_text(struct rf_translation *t, const char *text) {
    if (!text) {
        return rf_refuse(t, "no memory");
    }
    if (!rf_text_inspect((const uint8_t *)text, strlen(text)).valid_utf8) {
        return rf_refuse(t, "text that is not valid UTF-8");
    }
    struct rf_buffer quoted = {0};
    rf_quote_literal(&quoted, text);
    struct rf_sql_value value = rf_value_text("", false);
    if (quoted.failed) {
        t->arena->failed = true;
    } else {
        bool spaced = quoted.bytes[0] == ' ';
        value.sql =
            rf_sql(t, "%.*s::text", (int)quoted.size - spaced, (char *)quoted.bytes + spaced);
    }
    rf_buffer_release(&quoted);
    value.literal = true;
    value.literal_text = text;
    return value;
}

bool rf_value_is_integer(const struct rf_sql_value *value) {
    return value->kind == RF_SQL_INTEGER || value->kind == RF_SQL_BOOLEAN;
}

bool rf_value_is_double(const struct rf_sql_value *value) {
    return value->kind == RF_SQL_REAL || value->kind == RF_SQL_NUMBER;
}

bool rf_value_fits_double(const struct rf_sql_value *value) {
    return rf_value_is_integer(value) && value->low >= -RF_DOUBLE_EXACT &&
           value->high <= RF_DOUBLE_EXACT;
}

/* A constant NULL makes a strict operation a constant too. */
bool rf_value_pins(const struct rf_sql_value *values, uint32_t count) {
    bool any = false;
    bool all = true;
    for (uint32_t i = 0; i < count; i++) {
        any = any || values[i].pinned;
        all = all && (values[i].pinned || !values[i].nullable);
    }
    return any && all;
}

void rf_value_need_pin(struct rf_translation *t, bool pinned) {
    if (t->in_generated && !pinned) {
        rf_refuse(t, "an operation on constant text, in a generated column");
    }
}

bool rf_value_is_whole(const struct rf_sql_value *real) {
    double value = real->literal_real;
    return real->kind == RF_SQL_REAL && real->literal && fabs(value) <= (double)RF_DOUBLE_EXACT &&
           value == (double)(int64_t)value;
}

const char *rf_value_kind_name(enum rf_sql_kind kind) {
    switch (kind) {
    case RF_SQL_NULL:
        return "NULL";
    case RF_SQL_BOOLEAN:
    case RF_SQL_INTEGER:
        return "an integer";
    case RF_SQL_WIDE:
        return "an integer that may exceed 64 bits";
    case RF_SQL_REAL:
        return "a real";
    case RF_SQL_NUMBER:
        return "a number that may be integer or real";
    case RF_SQL_DECIMAL:
        return "a numeric";
    case RF_SQL_TEXT:
        return "text";
    case RF_SQL_BLOB:
        return "a blob";
    case RF_SQL_MOMENT:
        return "a date or time";
    case RF_SQL_OTHER:
        break;
    }
    return "a column whose values are converted";
}

const char *rf_value_condition(struct rf_translation *t, const struct rf_sql_value *value) {
    switch (value->kind) {
    case RF_SQL_NULL:
        return "NULL::boolean";
    case RF_SQL_BOOLEAN:
        return value->sql;
    case RF_SQL_INTEGER:
        if (value->literal) {
            return value->low != 0 ? "true" : "false";
        }
        return rf_sql(t, "(%s <> 0)", value->sql);
    case RF_SQL_WIDE:
    case RF_SQL_REAL:
    case RF_SQL_NUMBER:
    case RF_SQL_DECIMAL:
        return rf_sql(t, "(%s <> 0)", value->sql);
    case RF_SQL_TEXT:
    case RF_SQL_BLOB:
    case RF_SQL_MOMENT:
    case RF_SQL_OTHER:
        break;
    }
    return rf_refuse(t, "%s as a condition", rf_value_kind_name(value->kind)).sql;
}

const char *rf_value_bigint(struct rf_translation *t, const struct rf_sql_value *value) {
    if (value->kind == RF_SQL_NULL) {
        return "NULL::bigint";
    }
    if (value->kind == RF_SQL_BOOLEAN) {
        return rf_sql(t, "%s::integer::bigint", value->sql);
    }
    if (value->kind == RF_SQL_INTEGER) {
        return value->sql;
    }
    return rf_refuse(t, "%s where an integer is needed", rf_value_kind_name(value->kind)).sql;
}

const char *rf_value_beside_bigint(struct rf_translation *t, const struct rf_sql_value *value) {
    if (value->kind == RF_SQL_INTEGER && value->literal && value->low >= -INT32_MAX &&
        value->low <= INT32_MAX) {
        return rf_sql(t, value->low < 0 ? "(%d)" : "%d", (int)value->low);
    }
    return rf_value_bigint(t, value);
}

const char *rf_value_double(struct rf_translation *t, const struct rf_sql_value *value) {
    if (value->kind == RF_SQL_NULL) {
        return "NULL::double precision";
    }
    if (rf_value_is_double(value)) {
        return value->sql;
    }
    if (value->kind == RF_SQL_INTEGER && value->literal && rf_value_fits_double(value)) {
        return rf_sql(t, "'%lld'::double precision", (long long)value->low);
    }
    if (rf_value_is_integer(value)) {
        return rf_sql(t, "%s::double precision", rf_value_bigint(t, value));
    }
    return rf_refuse(t, "%s where a real is needed", rf_value_kind_name(value->kind)).sql;
}

const char *rf_value_numeric(struct rf_translation *t, const struct rf_sql_value *value) {
    if (value->kind == RF_SQL_NULL) {
        return "NULL::numeric";
    }
    if (value->kind == RF_SQL_WIDE || value->kind == RF_SQL_DECIMAL) {
        return value->sql;
    }
    if (value->kind == RF_SQL_INTEGER && value->literal) {
        return rf_sql(t, "'%lld'::numeric", (long long)value->low);
    }
    if (rf_value_is_integer(value)) {
        return rf_sql(t, "%s::numeric", rf_value_bigint(t, value));
    }
    if (value->kind == RF_SQL_REAL && value->literal) {
        char decimal[32];
        rf_number_decimal(value->literal_real, decimal);
        return rf_sql(t, "'%s'::numeric", decimal);
    }
    return rf_refuse(t, "%s where a numeric is needed", rf_value_kind_name(value->kind)).sql;
}

/* Where 15 digits lead back to a real, they are what SQLite shows. */
static bool is_shown_whole(const struct rf_sql_value *value) {
    char digits[RF_NUMBER_TEXT];
    snprintf(digits, sizeof digits, "%.15g", value->literal_real);
    return value->kind == RF_SQL_REAL && strtod(digits, NULL) == value->literal_real;
}

struct rf_sql_value rf_value_to_text(struct rf_translation *t, const struct rf_sql_value *value) {
    if (value->kind == RF_SQL_NULL || value->kind == RF_SQL_TEXT) {
        return *value;
    }
    bool literal = value->literal && (rf_value_is_integer(value) || is_shown_whole(value));
    if (!rf_value_is_integer(value) && !literal) {
        return rf_refuse(t, "%s rendered as text", rf_value_kind_name(value->kind));
    }
    struct rf_sql_value text;
    if (literal) {
        char digits[RF_NUMBER_TEXT];
        if (value->kind == RF_SQL_REAL) {
            rf_render_real(value->literal_real, digits);
        } else {
            rf_render_integer(value->low, digits);
        }
        text = rf_value_literal_text(t, rf_arena_copy(t->arena, digits));
    } else {
        const char *bigint = rf_value_bigint(t, value);
        text = rf_value_text(rf_sql(t, "%s::text", bigint), value->nullable);
        text.digits = bigint;
        text.clock = value->clock;
        text.low = value->low;
        text.high = value->high;
        text.pinned = value->pinned;
    }
    text.collation = value->collation;
    text.collated = value->collated;
    return text;
}

static struct rf_sql_value number_of_literal(struct rf_translation *t,
                                             const struct rf_sql_value *value) {
    struct rf_number number = rf_number_of_text(value->literal_text);
    switch (number.reading) {
    case RF_READ_NOTHING:
        return *value;
    case RF_READ_INTEGER:
        return rf_value_literal_integer(t, number.integer);
    case RF_READ_REAL:
        return rf_value_literal_real(t, number.real);
    case RF_READ_UNSURE:
        break;
    }
    return rf_refuse(t, "the text '%s' as a number",
                     rf_tree_excerpt(value->literal_text, strlen(value->literal_text), t->arena));
}

struct rf_sql_value rf_value_to_number(struct rf_translation *t, const struct rf_sql_value *value) {
    bool numeric_column = value->affinity >= RF_AFFINITY_NUMERIC;
    if (value->kind != RF_SQL_TEXT || value->wordy || numeric_column) {
        return *value;
    }
    struct rf_sql_value number;
    if (value->digits) {
        number = rf_value_integer(t, value->digits, value->nullable, value->low, value->high);
        number.clock = value->clock;
    } else if (value->literal) {
        number = number_of_literal(t, value);
    } else {
        return rf_refuse(t, "text that may look like a number");
    }
    number.pinned = value->pinned && !number.literal;
    number.collation = value->collation;
    number.collated = value->collated;
    return number;
}

/* `a` is none of the kinds that all others take in: integers beside reals are numbers of unknown
 * class. */
static enum rf_sql_kind common_kind(enum rf_sql_kind a, const struct rf_sql_value *b) {
    bool exact = rf_value_fits_double(b);
    switch (a) {
    case RF_SQL_INTEGER:
        return rf_value_is_integer(b) ? RF_SQL_INTEGER : RF_SQL_OTHER;
    case RF_SQL_REAL:
    case RF_SQL_NUMBER:
        if (rf_value_is_double(b)) {
            return a == b->kind ? a : RF_SQL_NUMBER;
        }
        return exact ? RF_SQL_NUMBER : RF_SQL_OTHER;
    case RF_SQL_DECIMAL:
        return b->kind == RF_SQL_DECIMAL || exact ? RF_SQL_DECIMAL : RF_SQL_OTHER;
    case RF_SQL_TEXT:
    case RF_SQL_BLOB:
        return a == b->kind ? a : RF_SQL_OTHER;
    default:
        return RF_SQL_OTHER;
    }
}

static int rank(enum rf_sql_kind kind) {
    switch (kind) {
    case RF_SQL_NULL:
        return 0;
    case RF_SQL_BOOLEAN:
        return 1;
    case RF_SQL_INTEGER:
        return 2;
    default:
        return 3;
    }
}

/* Starts from the most general kind, so that the order of the values does not matter. */
static enum rf_sql_kind kind_of_all(const struct rf_sql_value *values, uint32_t count) {
    enum rf_sql_kind kind = RF_SQL_NULL;
    bool boolean = false;
    bool all_bits = true;
    for (uint32_t i = 0; i < count; i++) {
        if (rank(values[i].kind) > rank(kind)) {
            kind = values[i].kind;
        }
        boolean = boolean || values[i].kind == RF_SQL_BOOLEAN;
        all_bits = all_bits && (values[i].kind == RF_SQL_NULL || values[i].kind == RF_SQL_BOOLEAN ||
                                (values[i].kind == RF_SQL_INTEGER && values[i].literal &&
                                 (values[i].low == 0 || values[i].low == 1)));
    }
    if (boolean && all_bits) {
        return RF_SQL_BOOLEAN;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].kind != RF_SQL_NULL && kind != RF_SQL_OTHER) {
            kind = common_kind(kind, &values[i]);
        }
    }
    return kind;
}

static const char *sql_as(struct rf_translation *t, enum rf_sql_kind kind,
                          const struct rf_sql_value *value) {
    switch (kind) {
    case RF_SQL_BOOLEAN:
        return rf_value_condition(t, value);
    case RF_SQL_INTEGER:
        return rf_value_bigint(t, value);
    case RF_SQL_REAL:
    case RF_SQL_NUMBER:
        return rf_value_double(t, value);
    case RF_SQL_DECIMAL:
        return rf_value_numeric(t, value);
    default:
        return value->sql;
    }
}

int64_t rf_least_of(enum rf_expression_type type) {
    if (type == RF_EXPRESSION_INTEGER) {
        return INT32_MIN;
    }
    return type == RF_EXPRESSION_SMALLINT ? INT16_MIN : INT64_MIN;
}

double rf_value_most(const struct rf_sql_value *value) {
    double low = fabs((double)value->low);
    double high = fabs((double)value->high);
    return rf_value_is_integer(value) ? (low > high ? low : high) : value->most;
}

static void widen(struct rf_sql_value *all, const struct rf_sql_value *value) {
    bool integer = rf_value_is_integer(value);
    double most = rf_value_most(value);
    double least = integer ? 1 : value->least;
    all->signed_zero = all->signed_zero || value->signed_zero;
    all->low = value->low < all->low ? value->low : all->low;
    all->high = value->high > all->high ? value->high : all->high;
    all->most = most > all->most ? most : all->most;
    all->least = least < all->least ? least : all->least;
}

struct rf_sql_value rf_value_unite(struct rf_translation *t, const struct rf_sql_value *values,
                                   uint32_t count, const char **sql) {
    struct rf_sql_value all = rf_value_of(kind_of_all(values, count), "", false);
    if (all.kind == RF_SQL_OTHER || all.kind == RF_SQL_WIDE) {
        return rf_refuse(t, "results of different types");
    }
    all.low = INT64_MAX;
    all.high = INT64_MIN;
    all.most = 0;
    all.least = INFINITY;
    all.pinned = true;
    for (uint32_t i = 0; i < count; i++) {
        all.pinned = all.pinned && values[i].pinned;
        sql[i] = sql_as(t, all.kind, &values[i]);
        all.nullable = all.nullable || values[i].nullable;
        if (values[i].kind != RF_SQL_NULL) {
            widen(&all, &values[i]);
        }
    }
    return all;
}
