/* If these fail, a command line means something else than it says, or a wrong one is obeyed. */
#include "tools/option.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"

#define WORDS_MAX 16

/* Parses "capture -r x y"; words are parted by single blanks. */
static enum rf_code parse(const char *line, struct rf_arguments *arguments,
                          struct rf_error *error) {
    static char text[256];
    static char *words[WORDS_MAX];
    int count = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *rest = text; rest && count < WORDS_MAX - 1;) {
        words[count++] = strsep(&rest, " ");
    }
    words[count] = NULL;
    const struct rf_command *command = rf_command_find(words[0]);
    cr_assert_not_null(command, "%s", line);
    rf_error_clear(error);
    return rf_arguments_parse(command, count, words, arguments, error);
}

Test(option, table_is_in_the_order_of_its_ids) {
    for (unsigned i = 0; i < RF_OPTIONS; i++) {
        cr_expect_eq(rf_options[i].id, i);
        for (unsigned j = 0; j < i; j++) {
            cr_expect_str_neq(rf_options[i].name, rf_options[j].name);
            cr_expect(!rf_options[i].letter || rf_options[i].letter != rf_options[j].letter);
        }
    }
}

Test(option, every_way_to_write_one) {
    const char *const lines[] = {
        "capture -r repo db.sqlite",          "capture -rrepo db.sqlite",
        "capture --repo repo db.sqlite",      "capture --repo=repo db.sqlite",
        "capture db.sqlite -r repo",          "capture -r repo -- db.sqlite",
        "capture -r other -r repo db.sqlite",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct rf_arguments arguments;
        struct rf_error error;
        cr_assert_eq(parse(lines[i], &arguments, &error), RF_OK, "%s: %s", lines[i], error.what);
        cr_expect_str_eq(arguments.value[RF_OPTION_REPO], "repo", "%s", lines[i]);
        cr_expect_str_eq(arguments.operand, "db.sqlite", "%s", lines[i]);
        cr_expect_null(arguments.tables);
        rf_arguments_release(&arguments);
    }
}

Test(option, letters_may_be_joined_and_lists_gather) {
    struct rf_arguments arguments;
    struct rf_error error;
    cr_assert_eq(parse("sync -nv -t a -T b -t c* --json x", &arguments, &error), RF_OK);
    cr_expect(arguments.given[RF_OPTION_DRY_RUN]);
    cr_expect(arguments.given[RF_OPTION_VERBOSE]);
    cr_expect(arguments.given[RF_OPTION_JSON]);
    cr_expect_not(arguments.given[RF_OPTION_QUIET]);
    cr_expect_str_eq(arguments.tables[0], "a");
    cr_expect_str_eq(arguments.tables[1], "c*");
    cr_expect_null(arguments.tables[2]);
    cr_expect_str_eq(arguments.excluded[0], "b");
    cr_expect_null(arguments.excluded[1]);
    cr_expect_null(arguments.remake);
    rf_arguments_release(&arguments);
}

Test(option, an_operand_may_look_like_an_option_behind_two_dashes) {
    struct rf_arguments arguments;
    struct rf_error error;
    cr_assert_eq(parse("capture -r x -- --json", &arguments, &error), RF_OK);
    cr_expect_str_eq(arguments.operand, "--json");
    cr_expect_not(arguments.given[RF_OPTION_JSON]);
    rf_arguments_release(&arguments);
}

Test(option, a_second_operand_follows_the_first) {
    struct rf_arguments arguments;
    struct rf_error error;
    cr_assert_eq(parse("diff 3 --json 5", &arguments, &error), RF_OK);
    cr_expect_str_eq(arguments.operand, "3");
    cr_expect_str_eq(arguments.second_operand, "5");
    rf_arguments_release(&arguments);
    cr_assert_eq(parse("diff 3", &arguments, &error), RF_OK);
    cr_expect_str_eq(arguments.operand, "3");
    cr_expect_null(arguments.second_operand);
    rf_arguments_release(&arguments);
}

Test(option, help_needs_no_operand) {
    struct rf_arguments arguments;
    struct rf_error error;
    cr_assert_eq(parse("capture --help", &arguments, &error), RF_OK);
    cr_expect(arguments.given[RF_OPTION_HELP]);
    rf_arguments_release(&arguments);
    cr_expect_eq(parse("capture --nonsense --help", &arguments, &error), RF_USAGE);
    rf_arguments_release(&arguments);
}

Test(option, wrong_lines_are_refused_by_name) {
    struct {
        const char *line;
        const char *what;
        const char *hint; /* a part of it */
    } cases[] = {
        {"capture", "rowferry capture needs an argument: DATABASE", "rowferry capture --help"},
        {"capture a b", "extra argument \"b\"", "rowferry capture --help"},
        {"capture a -- b", "extra argument \"b\"", "rowferry capture --help"},
        {"log x", "extra argument \"x\"", "rowferry log --help"},
        {"diff 1 2 3", "extra argument \"3\"", "rowferry diff --help"},
        {"show 1 2", "extra argument \"2\"", "rowferry show --help"},
        {"log --nonsense", "unknown option \"--nonsense\"", "rowferry log --help"},
        {"log --nonsense=3", "unknown option \"--nonsense\"", "rowferry log --help"},
        {"log --jsno", "unknown option \"--jsno\"", "did you mean --json?"},
        {"log -Z", "unknown option \"-Z\"", "rowferry log --help"},
        {"log -qZ", "unknown option \"-Z\"", "rowferry log --help"},
        {"log --jobs 3", "rowferry log takes no option --jobs", "rowferry log --help"},
        {"log -j3", "rowferry log takes no option --jobs", "rowferry log --help"},
        {"verify --dry-run", "rowferry verify takes no option --dry-run", "rowferry verify --help"},
        {"log --json=yes", "option --json takes no argument", "rowferry log --help"},
        {"log --repo", "option --repo needs an argument: DIR", "rowferry log --help"},
        {"log -r", "option --repo needs an argument: DIR", "rowferry log --help"},
        {"log --rep x", "unknown option \"--rep\"", "did you mean --repo?"},
        {"log --rep=x", "unknown option \"--rep\"", "did you mean --repo?"},
        {"log --rep", "unknown option \"--rep\"", "did you mean --repo?"},
        {"capture --progress loud x", "extra argument \"x\"", "rowferry capture --help"},
        {"capture --prog x", "unknown option \"--prog\"", "rowferry capture --help"},
        {"capture --s x", "unknown option \"--s\"", "rowferry capture --help"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rf_arguments arguments;
        struct rf_error error;
        cr_expect_eq(parse(cases[i].line, &arguments, &error), RF_USAGE, "%s", cases[i].line);
        cr_expect_str_eq(error.what, cases[i].what, "%s: %s", cases[i].line, error.what);
        cr_expect_not_null(strstr(error.hint, cases[i].hint), "%s: %s", cases[i].line, error.hint);
        rf_arguments_release(&arguments);
    }
}

Test(option, each_command_takes_what_the_contract_says) {
    /* The command line in the order of the table of options, letters first. */
    struct {
        const char *command;
        const char *options;
    } cases[] = {
        {"capture",
         "repo table exclude-table include-shadow jobs dry-run same-source through-sqlite "
         "busy-timeout sign-key trusted-key profile config json progress quiet verbose help"},
        {"replay",
         "repo target postgres-config schema snapshot to table exclude-table jobs fold-names "
         "existing atomic no-foreign-keys on-mismatch bad-text any-locale remake "
         "overwrite-target dry-run trusted-key profile config json progress quiet verbose help"},
        {"sync",
         "repo target postgres-config schema table exclude-table include-shadow jobs fold-names "
         "existing atomic no-foreign-keys on-mismatch bad-text any-locale remake "
         "overwrite-target dry-run final verify same-source through-sqlite busy-timeout sign-key "
         "trusted-key profile config json progress quiet verbose help"},
        {"check",
         "repo target postgres-config schema table exclude-table include-shadow jobs fold-names "
         "existing atomic no-foreign-keys on-mismatch bad-text any-locale busy-timeout profile "
         "config example-config json sql progress quiet verbose help"},
        {"verify",
         "repo target postgres-config schema snapshot table exclude-table jobs trusted-key "
         "profile config json progress quiet verbose help"},
        {"log", "repo table exclude-table trusted-key config json quiet verbose help"},
        {"show", "repo snapshot table exclude-table trusted-key config json quiet verbose help"},
        {"restore",
         "repo snapshot output force verify trusted-key config json progress quiet verbose help"},
        {"diff",
         "repo schema table exclude-table trusted-key config json sql sqlite rows quiet verbose "
         "help"},
        {"status",
         "repo target postgres-config schema table exclude-table include-shadow trusted-key "
         "profile config json quiet verbose help"},
        {"prune",
         "repo target postgres-config schema jobs keep-last keep-hourly keep-daily keep-weekly "
         "keep-monthly keep-yearly keep-within dry-run sign-key trusted-key config json progress "
         "quiet verbose help"},
        {"export",
         "repo schema output force since since-target trusted-key config json progress quiet "
         "verbose help"},
        {"import", "repo trusted-key config json progress quiet verbose help"},
        {"keygen", "output json quiet verbose help"},
        {"profiles", "json help"},
    };
    cr_assert_eq(sizeof cases / sizeof cases[0], RF_COMMANDS);
    for (size_t i = 0; i < RF_COMMANDS; i++) {
        char taken[512] = "";
        const struct rf_command *command = rf_command_find(cases[i].command);
        cr_assert_not_null(command);
        for (unsigned j = 0; j < RF_OPTIONS; j++) {
            if (rf_command_takes(command, (enum rf_option_id)j)) {
                snprintf(taken + strlen(taken), sizeof taken - strlen(taken), "%s%s",
                         taken[0] ? " " : "", rf_options[j].name);
            }
        }
        cr_expect_str_eq(taken, cases[i].options, "%s", cases[i].command);
    }
}

/* A word that says when belongs to --progress; any other does not. */
Test(option, an_argument_that_may_be_left_out) {
    struct {
        const char *line;
        const char *value, *operand;
    } cases[] = {
        {"capture --progress db", "always", "db"},
        {"capture db --progress", "always", "db"},
        {"capture --progress never db", "never", "db"},
        {"capture --progress=never db", "never", "db"},
        {"capture --progress=loud db", "loud", "db"},
        {"capture --progress always always", "always", "always"},
        {"capture --progress -- auto", "always", "auto"},
        {"capture --progress -v auto", "always", "auto"},
        {"capture --progress=auto --progress db", "always", "db"},
        {"capture --progress= db", "", "db"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rf_arguments arguments;
        struct rf_error error;
        cr_assert_eq(parse(cases[i].line, &arguments, &error), RF_OK, "%s", cases[i].line);
        cr_expect_str_eq(arguments.value[RF_OPTION_PROGRESS], cases[i].value, "%s", cases[i].line);
        cr_expect_str_eq(arguments.operand, cases[i].operand, "%s", cases[i].line);
        rf_arguments_release(&arguments);
    }
}

Test(option, titles) {
    char text[48];
    cr_expect_str_eq(rf_option_title(&rf_options[RF_OPTION_JOBS], text), "-j, --jobs N");
    cr_expect_str_eq(rf_option_title(&rf_options[RF_OPTION_JSON], text), "    --json");
    cr_expect_str_eq(rf_option_title(&rf_options[RF_OPTION_PROGRESS], text),
                     "    --progress [WHEN]");
}
