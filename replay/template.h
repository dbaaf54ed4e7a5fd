/* Statements of sql/ with names or lists in them: {place} is replaced by SQL text that the caller
 * has quoted. Every place must be given; a place that is not is our own mistake and fails the
 * buffer. */
#ifndef RF_REPLAY_TEMPLATE_H
#define RF_REPLAY_TEMPLATE_H

#include <stddef.h>

#include "format/bytes.h"

struct rf_template_part {
    const char *place; /* without braces */
    const struct rf_buffer *text;
};

void rf_template_fill(const char *template, const struct rf_template_part *parts, size_t count,
                      struct rf_buffer *sql);

#endif
