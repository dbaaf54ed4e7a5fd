/* What a database answered to a query that somebody wrote down as a requirement: its rows as text,
 * to be held against those of another database. At most RF_ANSWER_ROWS of them are kept, and of
 * each at most RF_ANSWER_ROW bytes, so that no query makes it large; order does not matter. */
#ifndef RF_FORMAT_ANSWER_H
#define RF_FORMAT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/bytes.h"

#define RF_ANSWER_ROWS 100u
#define RF_ANSWER_ROW 400u
#define RF_ANSWER_SECONDS 10 /* a query that takes longer is given up */

struct rf_answer {
    bool asked;
    char trouble[400]; /* why there is no answer; "" where there is one */
    bool no_table;     /* … because a table is not there */
    bool more;         /* there were more rows than are kept */
    bool cut;          /* a row was longer than is kept */
    uint32_t row_count;
    char (*rows)[RF_ANSWER_ROW]; /* values parted by " | ", NULL as NULL */
    uint32_t column;             /* values of the last one so far */
    bool failed;                 /* want of memory */
};

/* Begins a row; false where no more are kept, and `more` is set. Then its values, one by one. */
bool rf_answer_row(struct rf_answer *answer);
void rf_answer_value(struct rf_answer *answer, const char *value); /* NULL for NULL */
/* Puts the rows in an order that does not depend on that of the database. */
void rf_answer_end(struct rf_answer *answer);

bool rf_answers_equal(const struct rf_answer *a, const struct rf_answer *b); /* both ended */
/* "92", or "3 rows: a | 1; b | 2; …", or "no row". */
void rf_answer_say(const struct rf_answer *answer, char *text, size_t size);
void rf_answer_release(struct rf_answer *answer); /* twice is fine */

#endif
