#include "replay/evidence.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EXACT_IN_DOUBLE (INT64_C(1) << 53)

/* The first of January of those years, in microseconds since 2000-01-01 UTC. */
#define TO_2001 (366 * RF_DAY_MICROS)
#define TO_2032 (11688 * RF_DAY_MICROS)
#define TO_2066 (24107 * RF_DAY_MICROS)
#define TO_MAC_FIRST (TO_2001 + 100000000 * RF_SECOND_MICROS)

struct window {
    enum rf_instant_encoding encoding;
    int64_t first, end;
};

static const struct window windows[] = {
    {RF_INSTANT_UNIX_S, TO_2001, TO_2066},        {RF_INSTANT_UNIX_MS, TO_2001, TO_2066},
    {RF_INSTANT_UNIX_US, TO_2001, TO_2066},       {RF_INSTANT_UNIX_NS, TO_2001, TO_2066},
    {RF_INSTANT_JULIAN_DAY, TO_2001, TO_2066},    {RF_INSTANT_WEBKIT_1601, TO_2001, TO_2066},
    {RF_INSTANT_MAC_2001, TO_MAC_FIRST, TO_2032},
};
#define WINDOWS (sizeof windows / sizeof windows[0])

void rf_instant_evidence_init(struct rf_instant_evidence *evidence) {
    *evidence = (struct rf_instant_evidence){.values = 0};
}

static bool in_window(const struct window *window, const struct rf_value *value, int64_t *moment) {
    return rf_instant_of(window->encoding, value, moment) == RF_INSTANT_FITS &&
           *moment >= window->first && *moment < window->end;
}

/* Only one window can be the right one: the first number's. */
static bool number_encoding(const struct rf_instant_evidence *evidence,
                            const struct rf_value *value, enum rf_instant_encoding *encoding,
                            int64_t *moment) {
    for (size_t i = 0; i < WINDOWS; i++) {
        bool open = evidence->values == 0 || windows[i].encoding == evidence->encoding;
        if (open && in_window(&windows[i], value, moment)) {
            *encoding = windows[i].encoding;
            return true;
        }
    }
    return false;
}

static bool within(int64_t number, int64_t first, int64_t last) {
    return number >= first && number <= last;
}

/* Which clock and calendar numbers the digits of unix seconds might be instead. */
static void note_digits(struct rf_instant_evidence *evidence, int64_t n) {
    bool hours = within(n / 1000000, 1900, 2100) && within(n / 10000 % 100, 1, 12) &&
                 within(n / 100 % 100, 1, 31) && within(n % 100, 0, 23);
    bool minutes = within(n / 1000000 % 100, 1, 12) && within(n / 10000 % 100, 1, 31) &&
                   within(n / 100 % 100, 0, 23) && within(n % 100, 0, 59);
    evidence->not_hours |= !hours;
    evidence->not_minutes |= !minutes;
}

static bool add_number(struct rf_instant_evidence *evidence, const struct rf_value *value,
                       enum rf_instant_encoding *encoding, int64_t *moment) {
    if (!number_encoding(evidence, value, encoding, moment)) {
        return false;
    }
    int64_t whole = value->class == RF_INTEGER ? value->integer : (int64_t)value->real;
    evidence->fraction |= value->class == RF_REAL && (double)whole != value->real;
    note_digits(evidence, whole);
    return true;
}

static bool add_text(struct rf_instant_evidence *evidence, const struct rf_value *value,
                     enum rf_instant_encoding *encoding, int64_t *moment) {
    static const enum rf_instant_encoding encodings[] = {
        [RF_ISO_DATE] = RF_INSTANT_ISO_DATE,
        [RF_ISO_TIME] = RF_INSTANT_ISO_TIME,
        [RF_ISO_LOCAL] = RF_INSTANT_ISO_LOCAL,
        [RF_ISO_ZONED] = RF_INSTANT_ISO_ZONED,
    };
    struct rf_iso iso;
    if (rf_iso_read(value->bytes, value->size, &iso) != RF_INSTANT_FITS) {
        return false;
    }
    *encoding = encodings[iso.form.kind];
    *moment = iso.form.kind == RF_ISO_DATE ? iso.days : rf_iso_instant(&iso);
    rf_spelling_evidence_add(&evidence->spelling, &iso);
    return !evidence->spelling.mixed;
}

void rf_instant_evidence_add(struct rf_instant_evidence *evidence, const struct rf_value *value) {
    if (value->class == RF_NULL || evidence->refuted) {
        return;
    }
    enum rf_instant_encoding encoding = evidence->encoding;
    int64_t moment = 0;
    bool fits = false;
    if (value->class == RF_TEXT) {
        fits = add_text(evidence, value, &encoding, &moment);
    } else if (value->class != RF_BLOB) {
        fits = add_number(evidence, value, &encoding, &moment);
    }
    bool first = evidence->values++ == 0;
    if (!fits || (!first && encoding != evidence->encoding)) {
        evidence->refuted = true;
        return;
    }
    evidence->encoding = encoding;
    if (first || moment < evidence->low) {
        evidence->low = moment;
    }
    if (first || moment > evidence->high) {
        evidence->high = moment;
    }
}

void rf_instant_evidence_join(struct rf_instant_evidence *evidence,
                              const struct rf_instant_evidence *more) {
    if (evidence->values == 0 || more->values == 0) {
        *evidence = evidence->values == 0 ? *more : *evidence;
        return;
    }
    evidence->values += more->values;
    rf_spelling_evidence_join(&evidence->spelling, &more->spelling);
    evidence->refuted |=
        more->refuted || more->encoding != evidence->encoding || evidence->spelling.mixed;
    evidence->low = more->low < evidence->low ? more->low : evidence->low;
    evidence->high = more->high > evidence->high ? more->high : evidence->high;
    evidence->fraction |= more->fraction;
    evidence->not_hours |= more->not_hours;
    evidence->not_minutes |= more->not_minutes;
}

bool rf_instant_evidence_proven(const struct rf_instant_evidence *evidence,
                                struct rf_spelling *spelling) {
    if (evidence->values == 0 || evidence->refuted) {
        return false;
    }
    struct rf_spelling found;
    switch (evidence->encoding) {
    case RF_INSTANT_ISO_DATE:
    case RF_INSTANT_ISO_TIME:
    case RF_INSTANT_ISO_LOCAL:
    case RF_INSTANT_ISO_ZONED:
        return rf_spelling_proven(&evidence->spelling, spelling ? spelling : &found);
    case RF_INSTANT_UNIX_S:
        return evidence->fraction || (evidence->not_hours && evidence->not_minutes);
    case RF_INSTANT_JULIAN_DAY:
    case RF_INSTANT_MAC_2001:
        return evidence->fraction;
    case RF_INSTANT_UNIX_MS:
    case RF_INSTANT_UNIX_US:
    case RF_INSTANT_UNIX_NS:
    case RF_INSTANT_WEBKIT_1601:
        break;
    }
    return true;
}

void rf_decimal_evidence_init(struct rf_decimal_evidence *evidence) {
    *evidence = (struct rf_decimal_evidence){.integers = 0};
}

/* magnitude / 10^scale */
static void note_decimal(struct rf_decimal_evidence *evidence, uint64_t magnitude, int scale) {
    int whole = (int)rf_decimal_digits(magnitude) - scale;
    if (whole > evidence->whole_digits) {
        evidence->whole_digits = whole;
    }
    if (scale > evidence->scale) {
        evidence->scale = scale;
    }
}

static void add_integer(struct rf_decimal_evidence *evidence, int64_t integer) {
    evidence->integers++;
    evidence->beyond_double |= integer > EXACT_IN_DOUBLE || integer < -EXACT_IN_DOUBLE;
    note_decimal(evidence, integer < 0 ? -(uint64_t)integer : (uint64_t)integer, 0);
}

static void add_real(struct rf_decimal_evidence *evidence, double real) {
    struct rf_short_decimal decimal;
    evidence->reals++;
    if (!rf_short_decimal_of(real, &decimal)) {
        evidence->long_reals++;
        return;
    }
    int64_t digits = decimal.digits;
    note_decimal(evidence, (uint64_t)(digits < 0 ? -digits : digits), (int)decimal.scale);
}

void rf_decimal_evidence_add(struct rf_decimal_evidence *evidence, const struct rf_value *value) {
    switch (value->class) {
    case RF_NULL:
        break;
    case RF_INTEGER:
        add_integer(evidence, value->integer);
        break;
    case RF_REAL:
        add_real(evidence, value->real);
        break;
    case RF_TEXT:
    case RF_BLOB:
        evidence->others++;
        break;
    }
}

void rf_decimal_evidence_join(struct rf_decimal_evidence *evidence,
                              const struct rf_decimal_evidence *more) {
    evidence->integers += more->integers;
    evidence->reals += more->reals;
    evidence->others += more->others;
    evidence->long_reals += more->long_reals;
    evidence->beyond_double |= more->beyond_double;
    if (more->whole_digits > evidence->whole_digits) {
        evidence->whole_digits = more->whole_digits;
    }
    if (more->scale > evidence->scale) {
        evidence->scale = more->scale;
    }
}

enum rf_decimal_type rf_decimal_evidence_type(const struct rf_decimal_evidence *evidence,
                                              const struct rf_numeric_bound *declared) {
    if (evidence->others > 0 || evidence->integers + evidence->reals == 0) {
        return RF_DECIMAL_UNPROVEN;
    }
    if (evidence->long_reals > 0) {
        return evidence->beyond_double ? RF_DECIMAL_UNPROVEN : RF_DECIMAL_DOUBLE;
    }
    bool holds = declared && evidence->scale <= declared->scale &&
                 evidence->whole_digits <= declared->precision - declared->scale;
    return holds ? RF_DECIMAL_BOUNDED : RF_DECIMAL_UNBOUNDED;
}

static const char *past_spaces(const char *at) {
    while (*at == ' ' || *at == '\t' || *at == '\n') {
        at++;
    }
    return at;
}

/* A number of a few digits, then spaces. */
static bool read_number(const char **at, uint16_t *number) {
    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    char *end;
    unsigned long value = strtoul(*at, &end, 10);
    *at = past_spaces(end);
    *number = (uint16_t)value;
    return value <= RF_NUMERIC_PRECISION_MAX;
}

bool rf_numeric_bound_declared(const char *declared, struct rf_numeric_bound *bound) {
    static const char *const words[] = {"decimal", "numeric", "number", "dec"};
    const char *at = past_spaces(declared);
    size_t length = strcspn(at, " \t\n(");
    bool known = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        known |= strlen(words[i]) == length && strncasecmp(at, words[i], length) == 0;
    }
    at = past_spaces(at + length);
    *bound = (struct rf_numeric_bound){.scale = 0};
    if (!known || *at != '(') {
        return false;
    }
    at = past_spaces(at + 1);
    if (!read_number(&at, &bound->precision)) {
        return false;
    }
    if (*at == ',') {
        at = past_spaces(at + 1);
        if (!read_number(&at, &bound->scale)) {
            return false;
        }
    }
    return strcmp(at, ")") == 0 && bound->precision > 0 && bound->scale <= bound->precision;
}
