/* If these fail, a man page or a completion tells of an option that the program does not have, or
 * keeps silent about one that it has. What a page should contain is printed by the failing test. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "captured.h"
#include "tools/command.h"
#include "tools/exit.h"
#include "tools/help.h"

/* The file in the source tree, whole. */
static char *read_source(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", RF_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    char *text = calloc(1, 1 << 18);
    cr_assert_not_null(text);
    cr_assert_lt(fread(text, 1, (1 << 18) - 1, file), (1 << 18) - 1);
    fclose(file);
    return text;
}

static unsigned count_of(const char *text, const char *part) {
    unsigned count = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

/* A hyphen in roff is \-. */
static void append_roff(char *out, const char *text) {
    out += strlen(out);
    for (; *text; text++) {
        if (*text == '-') {
            *out++ = '\\';
        }
        *out++ = *text;
    }
    *out = 0;
}

/* .TP, then \fB\-j\fR, \fB\-\-jobs\fR \fIN\fR */
static void tag_of(const struct rf_option *option, char tag[256]) {
    snprintf(tag, 256, "\n.TP\n");
    if (option->letter) {
        snprintf(tag + strlen(tag), 64, "\\fB\\-%c\\fR, ", option->letter);
    }
    snprintf(tag + strlen(tag), 16, "\\fB\\-\\-");
    append_roff(tag, option->name);
    if (option->argument) {
        snprintf(tag + strlen(tag), 128, "\\fR \\fI%s", option->argument);
    }
    snprintf(tag + strlen(tag), 16, "\\fR\n");
}

Test(documents, man_pages_have_the_options_of_their_command) {
    for (unsigned i = 0; i < RF_COMMANDS; i++) {
        const struct rf_command *command = &rf_commands[i];
        char name[64];
        snprintf(name, sizeof name, "tools/man/rowferry-%s.1", command->name);
        char *page = read_source(name);
        unsigned options = 0;
        for (unsigned j = 0; j < RF_OPTIONS; j++) {
            if (rf_command_takes(command, (enum rf_option_id)j)) {
                char tag[256];
                tag_of(&rf_options[j], tag);
                options++;
                cr_expect_eq(count_of(page, tag), 1, "%s should have%s", name, tag);
            }
        }
        cr_expect_eq(count_of(page, "\n.TP\n\\fB\\-"), options, "%s has options of its own", name);
        char summary[160] = "\n.SH NAME\nrowferry\\-";
        snprintf(summary + strlen(summary), 128, "%s \\- %s\n", command->name, command->summary);
        cr_expect_eq(count_of(page, summary), 1, "%s should have%s", name, summary);
        free(page);
    }
}

Test(documents, the_main_page_has_every_command_exit_code_and_variable) {
    char *page = read_source("tools/man/rowferry.1");
    for (unsigned i = 0; i < RF_COMMANDS; i++) {
        char reference[64];
        snprintf(reference, sizeof reference, "\n.BR rowferry\\-%s (1)\n", rf_commands[i].name);
        cr_expect_eq(count_of(page, reference), 1, "%s", reference);
    }
    cr_expect_eq(count_of(page, "\n.BR rowferry\\-"), RF_COMMANDS);
    for (const struct rf_exit_meaning *row = rf_exit_meanings; row->code; row++) {
        char tag[32];
        snprintf(tag, sizeof tag, strchr(row->code, 'N') ? "\n.BI 128+ N\n" : "\n.B %s\n",
                 row->code);
        cr_expect_eq(count_of(page, tag), 1, "%s", tag);
    }
    for (unsigned j = 0; j < RF_OPTIONS; j++) {
        const char *variable = rf_options[j].environment;
        cr_expect(!variable || count_of(page, variable) >= 1, "%s", variable);
    }
    free(page);
}

Test(documents, the_configuration_page_has_every_key) {
    char *page = read_source("tools/man/rowferry.yaml.5");
    unsigned keys = 0;
    for (unsigned j = 0; j < RF_OPTIONS; j++) {
        const char *key = rf_options[j].config;
        if (key) {
            char tag[64];
            const char *dot = strchr(key, '.');
            snprintf(tag, sizeof tag, "\n.TP\n.BR %s \" (", dot ? dot + 1 : key);
            cr_expect_eq(count_of(page, tag), 1, "%s", tag);
            keys++;
        }
    }
    cr_expect_eq(count_of(page, "\n.TP\n.BR "), keys + 1, "one more: tables itself");
    free(page);
}

Test(documents, bash_completes_the_options_of_each_command) {
    char *script = read_source("tools/completions/rowferry.bash");
    for (unsigned i = 0; i < RF_COMMANDS; i++) {
        char line[512];
        snprintf(line, sizeof line, "\n        %s) options='", rf_commands[i].name);
        for (unsigned j = 0; j < RF_OPTIONS; j++) {
            const struct rf_option *option = &rf_options[j];
            if (!rf_command_takes(&rf_commands[i], option->id)) {
                continue;
            }
            if (option->letter) {
                snprintf(line + strlen(line), 8, "-%c ", option->letter);
            }
            snprintf(line + strlen(line), 64, "--%s ", option->name);
        }
        line[strlen(line) - 1] = '\''; /* the last blank */
        cr_expect_eq(count_of(script, line), 1, "there should be %s", line);
    }
    free(script);
}

Test(documents, zsh_completes_the_options_of_each_command) {
    char *script = read_source("tools/completions/_rowferry");
    for (unsigned i = 0; i < RF_COMMANDS; i++) {
        char line[512];
        snprintf(line, sizeof line, "\n        %s) _arguments -s", rf_commands[i].name);
        for (unsigned j = 0; j < RF_OPTIONS; j++) {
            if (!rf_command_takes(&rf_commands[i], (enum rf_option_id)j)) {
                continue;
            }
            char *name = line + strlen(line);
            snprintf(name, 64, " $%s", rf_options[j].name);
            for (; *name; name++) {
                *name = *name == '-' ? '_' : *name;
            }
        }
        const char *operand = rf_commands[i].operand;
        const char *end = operand ? " '1:" : " ;;";
        snprintf(line + strlen(line), 8, "%s", end);
        cr_expect_eq(count_of(script, line), 1, "there should be %s", line);
        char described[160];
        snprintf(described, sizeof described, "\n        '%s:%s'\n", rf_commands[i].name,
                 rf_commands[i].summary);
        cr_expect_eq(count_of(script, described), 1, "there should be %s", described);
    }
    free(script);
}

Test(documents, help_is_no_wider_than_a_terminal) {
    for (unsigned i = 0; i <= RF_COMMANDS; i++) {
        struct rf_output output = captured_output();
        if (i < RF_COMMANDS) {
            rf_help_command(&rf_commands[i], &output);
        } else {
            rf_help_program(&output);
        }
        char *text = captured_text(&output);
        cr_expect_eq(strncmp(text, "Usage: rowferry ", 16), 0);
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
            cr_expect_leq(strlen(line), 80, "%s", line);
            cr_expect(*line == 0 || line[strlen(line) - 1] != ' ', "\"%s\"", line);
        }
        free(text);
    }
}
