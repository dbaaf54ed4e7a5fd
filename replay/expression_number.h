/* Numbers as SQLite reads them, from literals and from text that looks like one.
 *
 * SQLite's own reading of a decimal has changed from version to version and is not always the
 * nearest double. A decimal is taken here only where every sane reading gives the same double: few
 * digits, and not so near to the middle between two doubles that the last bit could tip. */
#ifndef RF_REPLAY_EXPRESSION_NUMBER_H
#define RF_REPLAY_EXPRESSION_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* 2^53: up to here every integer is a double of its own. */
#define RF_DOUBLE_EXACT 9007199254740992

enum rf_reading {
    RF_READ_NOTHING, /* no number at all: under numeric affinity it stays text */
    RF_READ_INTEGER,
    RF_READ_REAL,   /* of no more than 2^53 in size */
    RF_READ_UNSURE, /* a number, but which one is for SQLite to say */
};

struct rf_number {
    enum rf_reading reading;
    int64_t integer;
    double real;
};

/* A token of kind INTEGER or REAL, without a sign; `negative` where a minus stands before it. */
struct rf_number rf_number_of_literal(const char *text, bool negative);
/* Text under numeric affinity. A real without a fraction comes back as REAL. */
struct rf_number rf_number_of_text(const char *text);

/* The shortest decimal that reads back as this double, which is finite and no -0.0. */
void rf_number_decimal(double real, char text[32]);

#endif
