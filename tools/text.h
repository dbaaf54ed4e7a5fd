/* Text that others wrote, made fit to be shown.
 *
 * Names of tables come from a database that may mean harm: a name can hold escape sequences that
 * move a terminal's cursor, line feeds that forge a line of ours, marks that reverse the direction
 * of reading, or bytes that are no text at all. What is shown to people has all of these written
 * out:
 *     \n \t \r \e      the usual ones         \x07, \xff   other control characters, bad bytes
 *     \u202e           marks without a shape  \\           a backslash, so that this is unambiguous
 */
#ifndef RF_TOOLS_TEXT_H
#define RF_TOOLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/bytes.h"

/* Decodes one character of UTF-8 (no surrogates, no overlong forms). Returns its size in bytes and
 * sets *code, or returns 0 where the bytes are not one. `left` is at least 1. */
size_t rf_utf8_next(const uint8_t *at, size_t left, uint32_t *code);
bool rf_utf8_valid(const char *text);

/* Appends a name with everything dangerous written out. */
void rf_text_name(struct rf_buffer *out, const char *name);

/* Appends a message (an error's text, a server's answer): like a name, but a backslash stands for
 * itself, a tab is a blank, and each line after the first is indented by `indent` columns. */
void rf_text_message(struct rf_buffer *out, const char *message, unsigned indent);

/* Columns that the text takes on a terminal. The text is UTF-8 without control characters. */
size_t rf_text_width(const char *text, size_t size);

/* The length of the longest beginning of the text that takes at most `columns`. */
size_t rf_text_fit(const char *text, size_t size, size_t columns);

#endif
