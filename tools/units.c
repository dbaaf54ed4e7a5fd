/* Bytes, seconds and moments. The edges are where rounding would add a digit. */
#include "tools/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

const char *rf_units_bytes(uint64_t bytes, char text[RF_UNITS_TEXT]) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(text, RF_UNITS_TEXT, "%" PRIu64 " B", bytes);
        return text;
    }
    double value = (double)bytes / 1024;
    unsigned unit = 0;
    while (value >= 1023.5 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(text, RF_UNITS_TEXT, "%.*f %s", value < 99.95 ? 1 : 0, value, units[unit]);
    return text;
}

const char *rf_units_count(uint64_t count, const char *word, char text[RF_UNITS_TEXT]) {
    snprintf(text, RF_UNITS_TEXT, "%" PRIu64 " %s%s", count, word, count == 1 ? "" : "s");
    return text;
}

const char *rf_units_grouped(uint64_t number, char text[RF_UNITS_TEXT]) {
    char digits[RF_UNITS_TEXT];
    int count = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *to = text;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = 0;
    return text;
}

const char *rf_units_seconds(double seconds, char text[RF_UNITS_TEXT]) {
    int digits = seconds < 9.995 ? 2 : seconds < 99.95 ? 1 : 0;
    snprintf(text, RF_UNITS_TEXT, "%.*f s", digits, seconds);
    return text;
}

const char *rf_units_duration(uint64_t seconds, char text[RF_UNITS_TEXT]) {
    uint64_t minutes = seconds / 60;
    uint64_t hours = minutes / 60;
    if (minutes == 0) {
        snprintf(text, RF_UNITS_TEXT, "%" PRIu64 " s", seconds);
    } else if (hours == 0) {
        snprintf(text, RF_UNITS_TEXT, "%" PRIu64 " min %02" PRIu64 " s", minutes, seconds % 60);
    } else if (hours < 48) {
        snprintf(text, RF_UNITS_TEXT, "%" PRIu64 " h %02" PRIu64 " min", hours, minutes % 60);
    } else {
        snprintf(text, RF_UNITS_TEXT, "%" PRIu64 " d %" PRIu64 " h", hours / 24, hours % 24);
    }
    return text;
}

/* Whole seconds, rounded down before 1970 too, and what is left over. */
static int64_t split(int64_t microseconds, int *rest) {
    int64_t seconds = microseconds / 1000000;
    *rest = (int)(microseconds % 1000000);
    if (*rest < 0) {
        *rest += 1000000;
        seconds--;
    }
    return seconds;
}

const char *rf_units_iso8601(int64_t microseconds, char text[RF_UNITS_TEXT]) {
    int rest;
    time_t seconds = (time_t)split(microseconds, &rest);
    struct tm tm;
    gmtime_r(&seconds, &tm); /* 64 bits of microseconds fit the years of struct tm */
    size_t used = strftime(text, RF_UNITS_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + used, RF_UNITS_TEXT - used, ".%06dZ", rest);
    return text;
}

const char *rf_units_time(int64_t microseconds, char text[RF_UNITS_TEXT]) {
    int rest;
    time_t seconds = (time_t)split(microseconds, &rest);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(text, RF_UNITS_TEXT, "%Y-%m-%d %H:%M:%SZ", &tm);
    return text;
}
