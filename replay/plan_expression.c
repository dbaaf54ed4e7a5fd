#include "replay/plan_expression.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "replay/quote.h"

bool rf_plan_column_blurs(const struct rf_plan_column *column) {
    return !column->conversion->exact;
}

const char *rf_plan_quoted(struct rf_arena *arena, const char *name) {
    struct rf_buffer quoted = {0};
    rf_quote_name(&quoted, name);
    rf_buffer_u8(&quoted, 0);
    arena->failed = arena->failed || quoted.failed;
    const char *copy = quoted.failed ? NULL : rf_arena_copy(arena, (const char *)quoted.bytes);
    rf_buffer_release(&quoted);
    return copy;
}

/* Room for remarks doubles whenever their number is a power of two. */
static bool room_for_remark(struct rf_plan *plan, struct rf_arena *arena) {
    uint32_t count = plan->remark_count;
    if ((count & (count - 1)) != 0) {
        return true;
    }
    const char **remarks = rf_arena_take(arena, count ? 2 * (size_t)count : 1, sizeof *remarks);
    if (remarks && count > 0) {
        memcpy(remarks, plan->remarks, count * sizeof *remarks);
    }
    plan->remarks = remarks ? remarks : plan->remarks;
    return remarks;
}

void rf_plan_remark(struct rf_plan *plan, struct rf_arena *arena, const char *format, ...) {
    char start[1024]; /* names and SQL of others may be of any length */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(start, sizeof start, format, arguments);
    va_end(arguments);
    const char *text = rf_sayable(arena, start);
    if (text && room_for_remark(plan, arena)) {
        plan->remarks[plan->remark_count++] = text;
    }
}

struct named_type {
    const char *conversion;
    enum rf_expression_type type;
};

/* Only conversions that keep values as they are: of all others the translator knows nothing. */
static const struct named_type types[] = {
    {"bigint", RF_EXPRESSION_BIGINT},   {"double precision", RF_EXPRESSION_DOUBLE},
    {"boolean", RF_EXPRESSION_BOOLEAN}, {"text", RF_EXPRESSION_TEXT},
    {"bytea", RF_EXPRESSION_BYTEA},     {"text from any", RF_EXPRESSION_TEXT_OR_NUMBER},
    {"numeric", RF_EXPRESSION_NUMERIC}, {"numeric, told apart", RF_EXPRESSION_NUMERIC},
    {"integer", RF_EXPRESSION_INTEGER}, {"smallint", RF_EXPRESSION_SMALLINT},
};

static bool starts(const char *name, const char *start) {
    return strncmp(name, start, strlen(start)) == 0;
}

/* Of a conversion with parameters. */
static enum rf_expression_type parametric(const struct rf_conversion *conversion) {
    const char *name = conversion->name;
    if (starts(name, "timestamptz")) {
        return RF_EXPRESSION_TIMESTAMPTZ;
    }
    if (starts(name, "timestamp")) {
        return RF_EXPRESSION_TIMESTAMP;
    }
    if (starts(name, "time")) {
        return RF_EXPRESSION_TIME;
    }
    if (starts(name, "date")) {
        return RF_EXPRESSION_DATE;
    }
    return starts(name, "varchar") && conversion->mend == RF_MEND_NOT ? RF_EXPRESSION_TEXT
                                                                      : RF_EXPRESSION_OTHER;
}

/* A numeric column may hold texts that spell a decimal, which SQLite orders behind all numbers. */
static enum rf_expression_type type_of(const struct rf_plan_column *column,
                                       const struct rf_census *census) {
    const char *name = column->conversion->name;
    unsigned precision, scale;
    int end = 0;
    if (sscanf(name, "numeric(%u,%u)%n", &precision, &scale, &end) == 2 && name[end] == 0) {
        name = "numeric";
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].conversion, name) == 0) {
            bool spelled = types[i].type == RF_EXPRESSION_NUMERIC && census->count[RF_TEXT] > 0;
            return spelled ? RF_EXPRESSION_OTHER : types[i].type;
        }
    }
    return parametric(column->conversion);
}

static struct rf_expression_column carried(const struct rf_plan_column *plan,
                                           const struct rf_manifest_table *source,
                                           struct rf_arena *arena) {
    const struct rf_column *from = &source->table.columns[plan->cell];
    struct rf_expression_column column = {
        .name = from->name,
        .sql = rf_plan_quoted(arena, plan->name),
        .type = type_of(plan, &source->census[plan->cell]),
        .affinity = rf_affinity_of(from->declared),
        .collation = from->collation,
        .not_null = plan->not_null,
        .generated = from->generated != RF_STORED_AS_IS,
    };
    const struct rf_conversion *conversion = plan->conversion;
    sscanf(conversion->name, "numeric(%u,%u)", &column.precision, &column.scale);
    column.length = conversion->length;
    column.encoding = conversion->encoding;
    column.spelling = conversion->spelling;
    column.grain = conversion->grain;
    return column;
}

struct rf_expression_table rf_plan_expressions(const struct rf_manifest_table *source,
                                               const struct rf_plan *plan, bool utf16,
                                               struct rf_arena *arena) {
    const struct rf_table *table = &source->table;
    struct rf_expression_column *columns =
        rf_arena_take(arena, table->column_count, sizeof *columns);
    for (uint32_t i = 0; columns && i < table->column_count; i++) {
        columns[i] = (struct rf_expression_column){
            .name = table->columns[i].name,
            .affinity = rf_affinity_of(table->columns[i].declared),
            .collation = table->columns[i].collation,
        };
    }
    for (uint32_t i = 0; columns && i < plan->column_count; i++) {
        columns[plan->columns[i].cell] = carried(&plan->columns[i], source, arena);
    }
    return (struct rf_expression_table){
        .name = table->name,
        .column_count = columns ? table->column_count : 0,
        .columns = columns,
        .alias = table->alias,
        .utf16 = utf16,
    };
}
