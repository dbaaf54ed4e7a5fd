#include "format/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAID_AT_MOST 3u /* rows */

bool rf_answer_row(struct rf_answer *answer) {
    if (answer->row_count == RF_ANSWER_ROWS) {
        answer->more = true;
        return false;
    }
    if (!answer->rows) {
        answer->rows = calloc(RF_ANSWER_ROWS, sizeof *answer->rows);
        answer->failed = !answer->rows;
    }
    answer->row_count += !answer->failed;
    answer->column = 0;
    return !answer->failed;
}

void rf_answer_value(struct rf_answer *answer, const char *value) {
    char *row = answer->rows[answer->row_count - 1];
    size_t used = strlen(row);
    int wanted = snprintf(row + used, RF_ANSWER_ROW - used, "%s%s",
                          answer->column++ > 0 ? " | " : "", value ? value : "NULL");
    answer->cut |= wanted < 0 || (size_t)wanted >= RF_ANSWER_ROW - used;
}

static int compare_rows(const void *a, const void *b) {
    return strcmp(a, b);
}

void rf_answer_end(struct rf_answer *answer) {
    if (answer->row_count > 1) {
        qsort(answer->rows, answer->row_count, sizeof *answer->rows, compare_rows);
    }
}

bool rf_answers_equal(const struct rf_answer *a, const struct rf_answer *b) {
    bool same = a->row_count == b->row_count && a->more == b->more;
    for (uint32_t i = 0; same && i < a->row_count; i++) {
        same = strcmp(a->rows[i], b->rows[i]) == 0;
    }
    return same;
}

void rf_answer_say(const struct rf_answer *answer, char *text, size_t size) {
    if (answer->row_count == 0) {
        snprintf(text, size, "no row");
        return;
    }
    size_t used = 0;
    if (answer->row_count > 1) {
        used =
            (size_t)snprintf(text, size, "%s%" PRIu32 " rows: ", answer->more ? "more than " : "",
                             answer->row_count);
    }
    for (uint32_t i = 0; i < answer->row_count && i < SAID_AT_MOST && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%.100s", i > 0 ? "; " : "",
                                 answer->rows[i]);
    }
    if (answer->row_count > SAID_AT_MOST && used < size) {
        snprintf(text + used, size - used, "; …");
    }
}

void rf_answer_release(struct rf_answer *answer) {
    free(answer->rows);
    *answer = (struct rf_answer){.asked = false};
}
