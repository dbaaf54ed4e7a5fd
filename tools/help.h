/* Help texts, made from the tables of commands and options. */
#ifndef RF_TOOLS_HELP_H
#define RF_TOOLS_HELP_H

#include "tools/command.h"
#include "tools/output.h"

void rf_help_program(struct rf_output *output);
void rf_help_command(const struct rf_command *command, struct rf_output *output);

/* Words, 80 columns wide, from column `indent` on, at which the first line is already; a line feed in
 * the text parts paragraphs. */
void rf_help_words(const char *text, size_t indent, struct rf_output *output);

#endif
