#include "replay/expression_moment.h"

#include <stdio.h>
#include <string.h>

#include "replay/instant.h"
#include "replay/spelling.h"

#define MINUTE_MICROS (60 * RF_SECOND_MICROS)
#define MILLI_MICROS INT64_C(1000)

static bool is_iso(const struct rf_expression_column *column) {
    return column->encoding <= RF_INSTANT_ISO_ZONED;
}

/* Numbers always are, texts where all have the same width. A number in a column of TEXT affinity is
 * no number. */
bool rf_moment_orders(const struct rf_expression_column *column) {
    if (!is_iso(column)) {
        return column->affinity != RF_AFFINITY_TEXT;
    }
    return column->spelling && column->spelling->rule == RF_FRACTION_ALWAYS;
}

bool rf_moment_is_alike(const struct rf_expression_column *a,
                        const struct rf_expression_column *b) {
    if (a->type != b->type || is_iso(a) != is_iso(b)) {
        return false;
    }
    return is_iso(a) ? rf_iso_form_same(&a->spelling->form, &b->spelling->form) &&
                           a->spelling->fraction_digits == b->spelling->fraction_digits
                     : a->encoding == b->encoding;
}

/* A text that is written like the column's; without a spelling, like any of its type. */
static bool is_written_so(const struct rf_expression_column *column, const struct rf_iso *iso) {
    static const enum rf_iso_kind own[] = {
        [RF_EXPRESSION_DATE] = RF_ISO_DATE,
        [RF_EXPRESSION_TIME] = RF_ISO_TIME,
        [RF_EXPRESSION_TIMESTAMP] = RF_ISO_LOCAL,
        [RF_EXPRESSION_TIMESTAMPTZ] = RF_ISO_ZONED,
    };
    return column->spelling ? rf_spelling_covers(column->spelling, iso)
                            : iso->form.kind == own[column->type];
}

/* Microseconds since 2000, or since midnight for a time of day. */
static bool instant_of_text(const struct rf_expression_column *column, const char *text,
                            struct rf_iso *iso, int64_t *micros) {
    if (!is_iso(column) ||
        rf_iso_read((const uint8_t *)text, strlen(text), iso) != RF_INSTANT_FITS ||
        !is_written_so(column, iso)) {
        return false;
    }
    bool time = iso->form.kind == RF_ISO_TIME;
    bool foreign = column->type == RF_EXPRESSION_TIMESTAMP && iso->form.offset != 0;
    *micros = rf_iso_instant(iso);
    return time == (column->type == RF_EXPRESSION_TIME) && !foreign;
}

static bool instant_of_number(const struct rf_expression_column *column,
                              const struct rf_sql_value *value, int64_t *micros) {
    struct rf_value number = {.class = RF_INTEGER, .integer = value->low};
    if (value->kind == RF_SQL_REAL) {
        number = (struct rf_value){.class = RF_REAL, .real = value->literal_real};
    }
    return !is_iso(column) && column->type != RF_EXPRESSION_TIME &&
           rf_instant_of(column->encoding, &number, micros) == RF_INSTANT_FITS;
}

/* What the column's type keeps nothing less of. */
static int64_t grain_of(const struct rf_expression_column *column) {
    int64_t grain = column->grain > 0 ? column->grain : 1;
    return column->type == RF_EXPRESSION_DATE ? RF_DAY_MICROS : grain;
}

#define PRINTED 40

static void print_day(int64_t days, char text[PRINTED]) { /* since 2000-01-01 */
    int64_t day = days + 730425;                          /* since 0000-03-01 */
    int64_t era = day / 146097;
    int64_t of_era = day % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* from March */
    int64_t of_month = of_year - (153 * month + 2) / 5 + 1;
    year += era * 400 + (month >= 10 ? 1 : 0);
    snprintf(text, PRINTED, "%04d-%02d-%02d", (int)year, (int)(month < 10 ? month + 3 : month - 9),
             (int)of_month);
}

#define FIRST_MICROS (INT64_C(-730119) * RF_DAY_MICROS) /* 0001-01-01 */
#define PAST_MICROS (INT64_C(2921940) * RF_DAY_MICROS)  /* 10000-01-01 */

static const char *literal_of(struct rf_translation *t, const struct rf_expression_column *column,
                              int64_t micros) {
    if (micros < FIRST_MICROS || micros >= PAST_MICROS || micros % grain_of(column) != 0) {
        return NULL;
    }
    char day[PRINTED];
    int64_t past = micros - FIRST_MICROS;
    print_day((past / RF_DAY_MICROS) + FIRST_MICROS / RF_DAY_MICROS, day);
    int64_t of_day = past % RF_DAY_MICROS;
    int64_t seconds = of_day / RF_SECOND_MICROS;
    char time[PRINTED];
    snprintf(time, sizeof time, "%02d:%02d:%02d.%06d", (int)(seconds / 3600),
             (int)(seconds / 60 % 60), (int)(seconds % 60), (int)(of_day % RF_SECOND_MICROS));
    if (of_day % RF_SECOND_MICROS == 0) {
        *strchr(time, '.') = '\0';
    }
    switch (column->type) {
    case RF_EXPRESSION_DATE:
        return rf_sql(t, "'%s'::date", day);
    case RF_EXPRESSION_TIME:
        return rf_sql(t, "'%s'::time", time);
    case RF_EXPRESSION_TIMESTAMP:
        return rf_sql(t, "'%s %s'::timestamp", day, time);
    default:
        return rf_sql(t, "'%s %s+00'::timestamp with time zone", day, time);
    }
}

/* How much of the moment of the statement SQLite keeps. */
struct unit {
    const char *name;
    int64_t micros;
};

/* The moment of the statement, cut to the unit, in the column's type. */
static const char *moment_now(struct rf_translation *t, const struct rf_expression_column *column,
                              struct unit unit) {
    if (unit.micros % grain_of(column) != 0) {
        return NULL;
    }
    const char *cut =
        rf_sql(t, "date_trunc('%s', statement_timestamp() AT TIME ZONE 'UTC')", unit.name);
    switch (column->type) {
    case RF_EXPRESSION_DATE:
        return rf_sql(t, "(%s::date)", cut);
    case RF_EXPRESSION_TIME:
        return rf_sql(t, "(%s::time)", cut);
    case RF_EXPRESSION_TIMESTAMP:
        return cut;
    default:
        return rf_sql(t, "(%s AT TIME ZONE 'UTC')", cut);
    }
}

static struct unit unit_of(const struct rf_iso *iso) {
    if (iso->form.kind == RF_ISO_DATE) {
        return (struct unit){"day", RF_DAY_MICROS};
    }
    if (!iso->form.seconds) {
        return (struct unit){"minute", MINUTE_MICROS};
    }
    return iso->fraction_digits == 0 ? (struct unit){"second", RF_SECOND_MICROS}
                                     : (struct unit){"milliseconds", MILLI_MICROS};
}

/* The clock's text of two moments that have no number in common has to stand for these moments,
 * as precisely as it is written: then it does so for all. */
static const char *now_of_text(struct rf_translation *t, const struct rf_expression_column *column,
                               const struct rf_clock *clock) {
    static const char *const moments[RF_CLOCK_SAMPLES] = {"2001-02-03 04:05:06.120",
                                                          "2012-11-23 16:47:58.000"};
    struct unit unit = {0};
    for (int i = 0; i < RF_CLOCK_SAMPLES; i++) {
        struct rf_iso whole;
        struct rf_iso iso;
        int64_t micros;
        if (rf_iso_read((const uint8_t *)moments[i], strlen(moments[i]), &whole) !=
                RF_INSTANT_FITS ||
            !instant_of_text(column, clock->samples[i], &iso, &micros)) {
            return NULL;
        }
        unit = unit_of(&iso);
        int64_t meant = rf_iso_instant(&whole);
        meant = column->type == RF_EXPRESSION_TIME ? whole.micros : meant;
        if (micros != meant - meant % unit.micros) {
            return NULL;
        }
    }
    return moment_now(t, column, unit);
}

static const char *now_of_number(struct rf_translation *t,
                                 const struct rf_expression_column *column,
                                 const struct rf_clock *clock) {
    static const int64_t per_second[] = {
        [RF_INSTANT_UNIX_S] = 1,
        [RF_INSTANT_UNIX_MS] = 1000,
        [RF_INSTANT_UNIX_US] = 1000000,
        [RF_INSTANT_UNIX_NS] = 1000000000,
    };
    bool unix = column->encoding >= RF_INSTANT_UNIX_S && column->encoding <= RF_INSTANT_UNIX_NS;
    if (unix && clock->per_second == per_second[column->encoding]) {
        return moment_now(t, column, (struct unit){"second", RF_SECOND_MICROS});
    }
    return clock->julian && column->encoding == RF_INSTANT_JULIAN_DAY
               ? moment_now(t, column, (struct unit){"milliseconds", MILLI_MICROS})
               : NULL;
}

const char *rf_moment_of(struct rf_translation *t, const struct rf_sql_value *value,
                         const struct rf_expression_column *column) {
    bool number = value->kind == RF_SQL_INTEGER || value->kind == RF_SQL_REAL;
    struct rf_iso iso;
    int64_t micros;
    if (value->clock && number) {
        return now_of_number(t, column, value->clock);
    }
    if (value->clock && value->kind == RF_SQL_TEXT && value->clock->samples[0]) {
        return now_of_text(t, column, value->clock);
    }
    if (!value->literal) {
        return NULL;
    }
    bool fits = number ? instant_of_number(column, value, &micros)
                       : value->kind == RF_SQL_TEXT &&
                             instant_of_text(column, value->literal_text, &iso, &micros);
    return fits ? literal_of(t, column, micros) : NULL;
}
