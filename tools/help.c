/* Help texts, 80 columns wide. */
#include "tools/help.h"

#include <stdio.h>
#include <string.h>

#include "tools/exit.h"

#define WIDTH 80u
#define OPTION_COLUMN 32u

void rf_help_words(const char *text, size_t indent, struct rf_output *output) {
    size_t column = indent;
    while (*text) {
        size_t size = strcspn(text, " \n");
        if (column > indent && column + 1 + size > WIDTH) {
            rf_output_printf(output, "\n%*s", (int)indent, "");
            column = indent;
        }
        if (column > indent) {
            rf_output_bytes(output, " ", 1);
            column++;
        }
        rf_output_bytes(output, text, size);
        column += size;
        text += size;
        if (*text == '\n') {
            rf_output_printf(output, "\n\n%*s", (int)indent, "");
            column = indent;
        }
        text += *text ? 1 : 0;
    }
    rf_output_bytes(output, "\n", 1);
}

static void print_option(const struct rf_option *option, struct rf_output *output) {
    char title[48];
    rf_option_title(option, title);
    rf_output_printf(output, "  %-*s", (int)OPTION_COLUMN - 2, title);
    char help[256];
    snprintf(help, sizeof help, "%s%s%s", option->help,
             option->environment ? "; environment: " : "",
             option->environment ? option->environment : "");
    rf_help_words(help, OPTION_COLUMN, output);
}

void rf_help_command(const struct rf_command *command, struct rf_output *output) {
    rf_output_printf(output, "Usage: rowferry %s [OPTION]...", command->name);
    if (command->operand) {
        rf_output_printf(output, command->operand_required ? " %s" : " [%s", command->operand);
        if (command->second_operand) {
            rf_output_printf(output, " [%s]", command->second_operand);
        }
        rf_output_printf(output, command->operand_required ? "" : "]");
    }
    rf_output_printf(output, "\n\n");
    rf_help_words(command->description, 0, output);
    rf_output_printf(output, "\nOptions:\n");
    for (unsigned i = 0; i < RF_OPTIONS; i++) {
        if (rf_command_takes(command, (enum rf_option_id)i)) {
            print_option(&rf_options[i], output);
        }
    }
    rf_output_printf(output, "\nSee rowferry-%s(1).\n", command->name);
}

void rf_help_program(struct rf_output *output) {
    rf_output_printf(output, "Usage: rowferry COMMAND [OPTION]... [ARGUMENT]\n"
                             "       rowferry help [COMMAND]\n"
                             "       rowferry --version\n\n");
    rf_help_words(
        "Carries rows from SQLite to PostgreSQL, trip after trip. Each trip takes only what "
        "changed, can be stopped anywhere, and is proven at the far shore.",
        0, output);
    rf_output_printf(output, "\nCommands:\n");
    for (unsigned i = 0; i < RF_COMMANDS; i++) {
        rf_output_printf(output, "  %-10s%s\n", rf_commands[i].name, rf_commands[i].summary);
    }
    rf_output_printf(output, "\nExit codes:\n");
    for (const struct rf_exit_meaning *row = rf_exit_meanings; row->code; row++) {
        rf_output_printf(output, "  %-10s", row->code);
        rf_help_words(row->meaning, 12, output);
    }
    rf_output_printf(output, "\nrowferry COMMAND --help explains a command. See rowferry(1).\n");
}
