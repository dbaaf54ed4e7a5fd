/* If these fail, a man page or a completion tells of an option that the program does not have, or
 * keeps silent about one that it has. What a page should contain is printed by the failing test. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "captured.h"
#include "tools/command.h"
#include "tools/config.h"
#include "tools/config_reader.h"
#include "tools/exit.h"
#include "tools/help.h"
#include "tools/profile.h"

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

/* How many mappings have a key of that name, those nested in this one too. */
static unsigned keys_called(const struct rf_config_mapping *mapping, const char *name) {
    unsigned count = 0;
    for (unsigned i = 0; i < mapping->count; i++) {
        const struct rf_config_key *key = &mapping->keys[i];
        count += !name || strcmp(key->name, name) == 0;
        count += key->mapping ? keys_called(key->mapping, name) : 0;
    }
    return count;
}

/* The file's part of the test below: each key as often as there are mappings with it. */
static void expect_keys(const struct rf_config_mapping *mapping, const char *text,
                        const char *before, const char *after) {
    for (unsigned i = 0; i < mapping->count; i++) {
        const struct rf_config_key *key = &mapping->keys[i];
        char line[80];
        snprintf(line, sizeof line, "%s%s%s", before, key->name, after);
        cr_expect_geq(count_of(text, line), keys_called(&rf_config_root, key->name), "%s", line);
        if (key->mapping) {
            expect_keys(key->mapping, text, before, after);
        }
    }
}

Test(documents, the_configuration_page_has_every_key) {
    char *page = read_source("tools/man/rowferry.yaml.5");
    expect_keys(&rf_config_root, page, "\n.BR ", " \" (");
    unsigned tags = 0;
    for (const char *at = page; (at = strstr(at, "\n.BR ")); at++) {
        const char *end = strchr(at + 1, '\n');
        const char *kind = strstr(at, " \" (");
        tags += kind && kind < end;
    }
    /* A profile has two keys of its own, and tells all others with the configuration file. */
    cr_expect_eq(count_of(page, "\n.BR title \" ("), 1);
    cr_expect_eq(count_of(page, "\n.BR about \" ("), 1);
    cr_expect_eq(tags, keys_called(&rf_config_root, NULL) + 2, "the page has keys of its own");
    free(page);
}

Test(documents, options_name_keys_that_there_are) {
    for (unsigned j = 0; j < RF_OPTIONS; j++) {
        const char *key = rf_options[j].config;
        if (key) {
            const char *dot = strchr(key, '.');
            cr_expect_geq(keys_called(&rf_config_root, dot ? dot + 1 : key), 1, "%s", key);
        }
    }
}

/* ---- the example ---- */

/* Words have one blank between the number sign and them; settings have none, or the many of their
 * indentation. */
static bool is_setting(const char *line) {
    return line[0] == '#' && line[1] && !(line[1] == ' ' && line[2] != ' ');
}

/* The example with every setting of its own told. */
static char *told_example(void) {
    char *text = calloc(1, strlen(rf_example_config) + 1);
    char *copy = strdup(rf_example_config);
    cr_assert(text && copy);
    for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
        strcat(text, is_setting(line) ? line + 1 : line);
        strcat(text, rest ? "\n" : "");
    }
    free(copy);
    return text;
}

Test(documents, the_example_is_that_file_and_sets_nothing) {
    char *source = read_source("tools/rowferry.yaml.example");
    cr_expect_str_eq(rf_example_config, source);
    free(source);
    struct rf_config config;
    struct rf_error error = {0};
    cr_assert_eq(
        rf_config_parse("f", rf_example_config, strlen(rf_example_config), &config, &error), RF_OK,
        "%s", error.what);
    cr_expect_null(config.repo);
    cr_expect_null(config.include);
    cr_expect_eq(config.jobs, 0);
    cr_expect_eq(config.rules.table_count, 0);
    cr_expect_eq(config.rules.on_mismatch, RF_MISMATCH_DEFAULT);
    rf_config_release(&config);
}

Test(documents, the_example_told_in_full) {
    char *text = told_example();
    struct rf_config config;
    struct rf_error error = {0};
    cr_assert_eq(rf_config_parse("f", text, strlen(text), &config, &error), RF_OK, "%s\n%s",
                 error.what, text);
    /* defaults are told as they are */
    cr_expect_str_eq(config.schema, "public");
    cr_expect_eq(config.busy_timeout_ms, 10000);
    cr_expect_eq(config.progress, RF_PROGRESS_AUTO);
    const struct rf_rules *rules = &config.rules;
    cr_expect_not(rules->fold_names || rules->existing || rules->atomic || rules->no_foreign_keys);
    cr_expect_eq(rules->on_mismatch, RF_MISMATCH_WIDEN);
    cr_expect_eq(rules->bad_text, RF_BAD_TEXT_SET_ASIDE);
    /* and examples are as meant */
    cr_expect_not(rules->analyze || rules->any_locale);
    cr_assert_eq(rules->table_count, 3);
    cr_expect_str_eq(rules->tables[0].table, "events_*");
    cr_expect_eq(rules->tables[0].column_count, 4);
    cr_expect_str_eq(rules->tables[1].key[1], "number");
    cr_expect_eq(rules->tables[2].value_count, 2);
    cr_expect_eq(rules->tables[2].join_count, 1);
    cr_assert_eq(rules->requirement_count, 1);
    cr_expect_eq(rules->requirements[0].expect, RF_EXPECT_EQUAL);
    cr_expect_eq(config.store_count, 2);
    cr_assert_eq(rules->object_count, 2);
    cr_expect_null(rules->objects[0].sql);
    cr_expect_eq(strncmp(rules->objects[1].sql, "CREATE FUNCTION", 15), 0);
    rf_config_release(&config);

    char *flat = calloc(1, strlen(text) + 2);
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        strcat(strcat(flat, "\n"), line + strspn(line, " -"));
    }
    expect_keys(&rf_config_root, flat, "\n", ":");
    free(flat);
    free(text);
}

Test(documents, the_example_fits_into_a_hundred_columns) {
    char *copy = strdup(rf_example_config);
    for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
        cr_expect_leq(strlen(line), 100, "%s", line);
        cr_expect(*line == 0 || line[strlen(line) - 1] != ' ', "\"%s\"", line);
    }
    free(copy);
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

/* "a b c", as both scripts have them. */
static char *list_profiles(void) {
    char *names = calloc(1, 1024);
    for (const struct rf_profile *profile = rf_profiles; profile->name; profile++) {
        snprintf(names + strlen(names), 64, "%s%s", profile == rf_profiles ? "" : " ",
                 profile->name);
    }
    return names;
}

Test(documents, both_shells_complete_the_profiles) {
    char *names = list_profiles(), line[1100];
    char *script = read_source("tools/completions/rowferry.bash");
    snprintf(line, sizeof line, "local profiles='%s'\n", names);
    cr_expect_eq(count_of(script, line), 1, "there should be %s", line);
    free(script);
    script = read_source("tools/completions/_rowferry");
    snprintf(line, sizeof line, ":profile:(%s)'", names);
    cr_expect_eq(count_of(script, line), 2, "there should be two of %s", line);
    free(script);
    free(names);
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
