/* The rules, in the order in which they are tried:
 *
 *   declared BOOL…           boolean when all values are 0 or 1 (or there are none)
 *   INTEGER affinity         bigint
 *   REAL affinity            double precision
 *   TEXT affinity            text
 *   declared BLOB            bytea
 *   anything else            by what the column holds: one class alone its own type; integers and
 *                            reals double precision while the integers are exact in it; numbers and
 *                            text, or numbers that no type holds, text
 *   … and holds nothing      BOOL… boolean, DATE or TIME in the declaration text, other NUMERIC
 *                            double precision, no declared type text
 *
 * Text that has numbers rendered into it cannot tell 1 from '1'. Where values must stay distinct,
 * the text that looks like a number is kept out (it is set aside), so that no two rows ever
 * collide. */
#include "replay/mapping.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define EXACT_IN_DOUBLE (INT64_C(1) << 53)

struct question {
    const struct rf_column *column;
    const struct rf_census *census;
    enum rf_affinity affinity;
    bool distinct;
    uint64_t integers, reals, texts, blobs;
};

static bool declared_with(const struct question *question, const char *word) {
    return question->column->declared && strcasestr(question->column->declared, word);
}

static bool is_boolean(const struct question *question) {
    const char *declared = question->column->declared;
    if (!declared || strncasecmp(declared, "BOOL", 4) != 0) {
        return false;
    }
    bool others = question->reals > 0 || question->texts > 0 || question->blobs > 0;
    return !others && question->census->min_integer >= 0 && question->census->max_integer <= 1;
}

static const struct rf_conversion *text_with_numbers(const struct question *question) {
    return question->distinct ? &rf_as_text_from_any_apart : &rf_as_text_from_any;
}

static const struct rf_conversion *by_numbers(const struct question *question) {
    const struct rf_census *census = question->census;
    if (question->reals == 0) {
        return &rf_as_bigint;
    }
    bool exact = census->min_integer >= -EXACT_IN_DOUBLE && census->max_integer <= EXACT_IN_DOUBLE;
    return exact ? &rf_as_double : text_with_numbers(question);
}

static const struct rf_conversion *by_nothing(const struct question *question) {
    const char *declared = question->column->declared;
    bool any = question->affinity != RF_AFFINITY_NUMERIC || strcasecmp(declared, "ANY") == 0;
    if (any || declared_with(question, "DATE") || declared_with(question, "TIME")) {
        return text_with_numbers(question);
    }
    return &rf_as_double;
}

/* Blobs among other things: the larger part decides, the rest will be set aside. */
static const struct rf_conversion *by_census(const struct question *question) {
    uint64_t numbers = question->integers + question->reals;
    uint64_t others = numbers + question->texts;
    if (others + question->blobs == 0) {
        return by_nothing(question);
    }
    if (question->blobs > others) {
        return &rf_as_bytea;
    }
    if (question->texts == 0) {
        return by_numbers(question);
    }
    return numbers == 0 ? &rf_as_text : text_with_numbers(question);
}

static const struct rf_conversion *choose(const struct question *question, bool *seen) {
    *seen = false;
    if (is_boolean(question)) {
        *seen = true;
        return &rf_as_boolean;
    }
    switch (question->affinity) {
    case RF_AFFINITY_INTEGER:
        return &rf_as_bigint;
    case RF_AFFINITY_REAL:
        return &rf_as_double;
    case RF_AFFINITY_TEXT:
        /* A number gets there only past SQLite's own rules. */
        *seen = question->integers + question->reals > 0;
        return *seen ? text_with_numbers(question) : &rf_as_text;
    case RF_AFFINITY_BLOB:
        if (declared_with(question, "BLOB")) {
            return &rf_as_bytea;
        }
        break;
    case RF_AFFINITY_NUMERIC:
        break;
    }
    *seen = true;
    return by_census(question);
}

static void count_into(char *reason, const char *name, uint64_t count, const char **separator) {
    if (count > 0) {
        size_t used = strlen(reason);
        snprintf(reason + used, RF_MAPPING_REASON - used, "%s%llu %s%s", *separator,
                 (unsigned long long)count, name, count == 1 ? "" : "s");
        *separator = ", ";
    }
}

static void explain(const struct question *question, bool seen, char reason[RF_MAPPING_REASON]) {
    const char *declared = question->column->declared;
    if (declared && *declared) {
        snprintf(reason, RF_MAPPING_REASON, "declared %.40s", declared);
    } else {
        snprintf(reason, RF_MAPPING_REASON, "no declared type");
    }
    if (seen) {
        const char *separator = "; holds ";
        count_into(reason, "integer", question->integers, &separator);
        count_into(reason, "real", question->reals, &separator);
        count_into(reason, "text", question->texts, &separator);
        count_into(reason, "blob", question->blobs, &separator);
        if (strcmp(separator, ", ") != 0) {
            size_t used = strlen(reason);
            snprintf(reason + used, RF_MAPPING_REASON - used, "; holds no value yet");
        }
    }
}

const struct rf_conversion *rf_mapping_choose(const struct rf_table *table, uint32_t column,
                                              const struct rf_census *census, bool distinct,
                                              char reason[RF_MAPPING_REASON]) {
    struct question question = {
        .column = &table->columns[column],
        .census = census,
        .affinity = rf_affinity_of(table->columns[column].declared),
        .distinct = distinct,
        .integers = census->count[RF_INTEGER],
        .reals = census->count[RF_REAL],
        .texts = census->count[RF_TEXT],
        .blobs = census->count[RF_BLOB],
    };
    bool seen;
    const struct rf_conversion *conversion = choose(&question, &seen);
    explain(&question, seen, reason);
    return conversion;
}
