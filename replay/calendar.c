/* A text is read in two steps: first whether it has the form, which leaves the numbers in it, then
 * whether there is such a day and time. Fields have fixed widths, so no number can overflow. */
#include "replay/calendar.h"

const char *rf_instant_reason(enum rf_instant_fit fit) {
    switch (fit) {
    case RF_INSTANT_FITS:
        break;
    case RF_INSTANT_CLASS:
        return "a storage class that the column's dates and times are not kept in";
    case RF_INSTANT_FORM:
        return "the text is not a date or time written as the column's others";
    case RF_INSTANT_NO_TIME:
        return "there is no such day or time of day";
    case RF_INSTANT_INEXACT:
        return "not a whole number of microseconds";
    case RF_INSTANT_RANGE:
        return "beyond the years that PostgreSQL knows";
    }
    return "fits";
}

struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

static bool at_end(const struct reader *reader) {
    return reader->at == reader->end;
}

/* Steps over the character if it comes next. */
static bool take(struct reader *reader, char c) {
    if (at_end(reader) || *reader->at != (uint8_t)c) {
        return false;
    }
    reader->at++;
    return true;
}

/* Steps over exactly so many digits, if they come next. */
static bool number(struct reader *reader, unsigned digits, int32_t *value) {
    if ((size_t)(reader->end - reader->at) < digits) {
        return false;
    }
    int32_t sum = 0;
    for (unsigned i = 0; i < digits; i++) {
        unsigned digit = reader->at[i] - (unsigned)'0';
        if (digit > 9) {
            return false;
        }
        sum = sum * 10 + (int32_t)digit;
    }
    reader->at += digits;
    *value = sum;
    return true;
}

struct numbers {
    int32_t year, month, day;
    int32_t hour, minute, second;
    int32_t fraction; /* of a second, in its first six digits */
    bool finer;       /* the digits behind them are not all 0 */
};

static bool read_date(struct reader *reader, struct numbers *numbers) {
    return number(reader, 4, &numbers->year) && take(reader, '-') &&
           number(reader, 2, &numbers->month) && take(reader, '-') &&
           number(reader, 2, &numbers->day);
}

#define FRACTION_DIGITS_KEPT 6
#define FRACTION_DIGITS_MAX 9

static bool read_fraction(struct reader *reader, struct numbers *numbers, unsigned *digits) {
    int32_t digit;
    for (*digits = 0; *digits < FRACTION_DIGITS_MAX && number(reader, 1, &digit); ++*digits) {
        if (*digits < FRACTION_DIGITS_KEPT) {
            numbers->fraction = numbers->fraction * 10 + digit;
        } else if (digit != 0) {
            numbers->finer = true;
        }
    }
    for (unsigned i = *digits; i < FRACTION_DIGITS_KEPT; i++) {
        numbers->fraction *= 10;
    }
    return *digits > 0;
}

static bool read_clock(struct reader *reader, struct numbers *numbers, struct rf_iso *iso) {
    if (!number(reader, 2, &numbers->hour) || !take(reader, ':') ||
        !number(reader, 2, &numbers->minute)) {
        return false;
    }
    iso->form.seconds = take(reader, ':');
    if (!iso->form.seconds) {
        return true;
    }
    return number(reader, 2, &numbers->second) &&
           (!take(reader, '.') || read_fraction(reader, numbers, &iso->fraction_digits));
}

#define OFFSET_HOURS_END 16

static bool read_zone(struct reader *reader, struct rf_iso_form *form) {
    if (take(reader, 'Z')) {
        form->zone = RF_ZONE_Z;
        return true;
    }
    bool west = take(reader, '-');
    int32_t hours, minutes = 0;
    if ((!west && !take(reader, '+')) || !number(reader, 2, &hours)) {
        return false;
    }
    form->zone = RF_ZONE_HH;
    if (!at_end(reader)) {
        form->zone = take(reader, ':') ? RF_ZONE_HH_MM : RF_ZONE_HHMM;
        if (!number(reader, 2, &minutes)) {
            return false;
        }
    }
    int32_t offset = hours * 60 + minutes;
    form->offset = (int16_t)(west ? -offset : offset);
    return hours < OFFSET_HOURS_END && minutes < 60 && !(west && offset == 0);
}

static bool read_form(struct reader *reader, struct numbers *numbers, struct rf_iso *iso) {
    if (reader->end - reader->at > 2 && reader->at[2] == ':') {
        iso->form.kind = RF_ISO_TIME;
        return read_clock(reader, numbers, iso) && at_end(reader);
    }
    if (!read_date(reader, numbers)) {
        return false;
    }
    if (at_end(reader)) {
        iso->form.kind = RF_ISO_DATE;
        return true;
    }
    iso->form.separator = take(reader, 'T') ? 'T' : ' ';
    if ((iso->form.separator == ' ' && !take(reader, ' ')) || !read_clock(reader, numbers, iso)) {
        return false;
    }
    if (at_end(reader)) {
        iso->form.kind = RF_ISO_LOCAL;
        return true;
    }
    iso->form.kind = RF_ISO_ZONED;
    return read_zone(reader, &iso->form) && at_end(reader);
}

static bool leap(int32_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool day_exists(const struct numbers *numbers) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (numbers->year < 1 || numbers->month < 1 || numbers->month > 12 || numbers->day < 1) {
        return false;
    }
    int32_t last = days[numbers->month - 1] + (numbers->month == 2 && leap(numbers->year));
    return numbers->day <= last;
}

/* Years are counted from March, so that a leap day is the last of its year; then 400 of them have
 * 146097 days, and a month begins (153 m + 2) / 5 days after the 1st of March. */
static int32_t days_since_2000(const struct numbers *numbers) {
    int32_t year = numbers->month > 2 ? numbers->year : numbers->year - 1;
    int32_t month = numbers->month > 2 ? numbers->month - 3 : numbers->month + 9;
    int32_t days = 365 * year + year / 4 - year / 100 + year / 400;
    const int32_t march_of_0_to_2000 = 730425;
    return days + (153 * month + 2) / 5 + numbers->day - 1 - march_of_0_to_2000;
}

enum rf_instant_fit rf_iso_read(const uint8_t *text, size_t size, struct rf_iso *iso) {
    struct reader reader = {.at = text, .end = text + size};
    struct numbers numbers = {.year = 2000, .month = 1, .day = 1};
    *iso = (struct rf_iso){.form = {.zone = RF_ZONE_NONE}};
    if (!read_form(&reader, &numbers, iso)) {
        return RF_INSTANT_FORM;
    }
    if (!day_exists(&numbers) || numbers.hour > 23 || numbers.minute > 59 || numbers.second > 59) {
        return RF_INSTANT_NO_TIME;
    }
    if (numbers.finer) {
        return RF_INSTANT_INEXACT;
    }
    iso->days = days_since_2000(&numbers);
    int32_t seconds = (numbers.hour * 60 + numbers.minute) * 60 + numbers.second;
    iso->micros = seconds * RF_SECOND_MICROS + numbers.fraction;
    return RF_INSTANT_FITS;
}

bool rf_iso_form_same(const struct rf_iso_form *a, const struct rf_iso_form *b) {
    return a->kind == b->kind && a->separator == b->separator && a->seconds == b->seconds &&
           a->zone == b->zone && a->offset == b->offset;
}
