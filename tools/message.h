/* Standard error: where messages go. Errors have three parts, each under its own word:
 *
 *     error: checksum mismatch in events-3f9c.rfa
 *     detail: block 41 at offset 688128: stored 9f2c…, computed 17aa…
 *             while reading the rows of table events
 *     hint: import this archive again from the host that captured it.
 *
 * Nothing else begins a line with those words: further lines are indented. All text is escaped and
 * its secrets are hidden. Every function may be called from any thread; failures to write to
 * standard error are ignored, since there is nowhere left to tell of them. */
#ifndef RF_TOOLS_MESSAGE_H
#define RF_TOOLS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/error.h"

void rf_message_error(const struct rf_error *error);
void rf_message_note(const char *note);
void rf_message_warning(const char *warning);

/* The parts of an error as shown here and in JSON, secrets hidden, lines parted by line feeds. The
 * detail is the error's own and after it the lines "while …". */
void rf_message_what(const struct rf_error *error, struct rf_buffer *out);
void rf_message_detail(const struct rf_error *error, struct rf_buffer *out);
void rf_message_hint(const struct rf_error *error, struct rf_buffer *out);
/* All that rf_message_error prints. */
void rf_message_format(const struct rf_error *error, struct rf_buffer *out);

/* While a view has the terminal, messages are written to `fd` instead, for whoever diverted them to
 * bring back; -1: to standard error again. */
void rf_message_divert(int fd);
/* What was brought back: printed as it is. */
void rf_message_pour(const void *text, size_t size);

/* What a view shows of the messages that were diverted: the last lines, the last one last. */
#define RF_MESSAGE_LINES 8u
#define RF_MESSAGE_LINE 240u
struct rf_message_recent {
    uint64_t warnings;
    uint32_t count;
    char lines[RF_MESSAGE_LINES][RF_MESSAGE_LINE];
};
/* Does not wait: false, and *recent stays as it is, while somebody else writes a message. */
bool rf_message_look(struct rf_message_recent *recent);

/* Progress, escaped already. Both drop the text rather than wait for a reader that is slow.
 * A line of its own: */
void rf_message_progress(const char *text);
/* The one line at the bottom of a terminal that is rewritten in place; messages go above it. Empty
 * text takes it away. `columns` is the terminal's width, which the line is cut to. */
void rf_message_status(const char *text, unsigned columns);

#endif
