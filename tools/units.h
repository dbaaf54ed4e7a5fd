/* Numbers as people read them. Every function fills and returns the caller's text. */
#ifndef RF_TOOLS_UNITS_H
#define RF_TOOLS_UNITS_H

#include <stdint.h>

#define RF_UNITS_TEXT 48

/* "0 B", "1023 B", "1.0 KiB", "12.3 MiB", "512 GiB": three or four digits. */
const char *rf_units_bytes(uint64_t bytes, char text[RF_UNITS_TEXT]);
/* "1 row", "2 rows": the word gets an s. */
const char *rf_units_count(uint64_t count, const char *word, char text[RF_UNITS_TEXT]);
/* "0", "999", "1,000", "12,345,678". */
const char *rf_units_grouped(uint64_t number, char text[RF_UNITS_TEXT]);
/* "0.05 s", "12.3 s", "123 s". */
const char *rf_units_seconds(double seconds, char text[RF_UNITS_TEXT]);
/* "5 s", "3 min 20 s", "2 h 05 min", "3 d 4 h": for ages and the time that is left. */
const char *rf_units_duration(uint64_t seconds, char text[RF_UNITS_TEXT]);
/* Microseconds since 1970 in UTC: "2024-05-01T12:34:56.000123Z". */
const char *rf_units_iso8601(int64_t microseconds, char text[RF_UNITS_TEXT]);
/* The same to the second, for people: "2024-05-01 12:34:56Z". */
const char *rf_units_time(int64_t microseconds, char text[RF_UNITS_TEXT]);

#endif
