/* If these fail, a script that rowferry is part of takes a wrong turn: an exit code, a stream or
 * the last JSON line is not what the contract says. */
#include "tools/program.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "captured.h"

#define WORDS_MAX 16

struct outcome {
    int exit_code;
    char *out;
    char *err;
};

/* Runs the program with the words of the line; standard error is caught too. */
static struct outcome run(const char *line) {
    static atomic_int stop;
    static char text[512];
    static char *words[WORDS_MAX];
    int count = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *rest = text; rest && count < WORDS_MAX - 1;) {
        words[count++] = strsep(&rest, " ");
    }
    words[count] = NULL;
    struct rf_output out = captured_output();
    struct rf_output err = captured_output();
    int before = dup(STDERR_FILENO);
    dup2(err.fd, STDERR_FILENO);
    struct outcome outcome = {.exit_code = rf_program(count, words, &out, &stop)};
    dup2(before, STDERR_FILENO);
    close(before);
    outcome.out = captured_text(&out);
    outcome.err = captured_text(&err);
    return outcome;
}

static void release(struct outcome *outcome) {
    free(outcome->out);
    free(outcome->err);
}

static bool begins(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

Test(program, words_that_are_wrong_exit_2_and_print_no_data) {
    const char *const lines[] = {
        "rowferry",
        "rowferry frobnicate",
        "rowferry captrue x",
        "rowferry -r x log",
        "rowferry --json",
        "rowferry --version extra",
        "rowferry --help extra",
        "rowferry help nothing",
        "rowferry help log extra",
        "rowferry log --nonsense",
        "rowferry capture",
        "rowferry capture a b",
        "rowferry log extra",
        "rowferry log --jobs 3",
        "rowferry capture a b -- --json",
    };
    unsetenv("ROWFERRY_REPO");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct outcome outcome = run(lines[i]);
        cr_expect_eq(outcome.exit_code, 2, "%s: %d", lines[i], outcome.exit_code);
        cr_expect_str_eq(outcome.out, "", "%s", lines[i]);
        cr_expect(begins(outcome.err, "error: "), "%s: %s", lines[i], outcome.err);
        cr_expect_not_null(strstr(outcome.err, "\nhint: "), "%s: %s", lines[i], outcome.err);
        release(&outcome);
    }
}

Test(program, help_and_version_go_to_standard_output) {
    struct {
        const char *line;
        const char *beginning;
    } cases[] = {
        {"rowferry --version", "rowferry " RF_VERSION "\n"},
        {"rowferry --help", "Usage: rowferry COMMAND "},
        {"rowferry -h", "Usage: rowferry COMMAND "},
        {"rowferry help", "Usage: rowferry COMMAND "},
        {"rowferry help log", "Usage: rowferry log [OPTION]...\n"},
        {"rowferry capture --help", "Usage: rowferry capture [OPTION]... DATABASE\n"},
        {"rowferry show -h", "Usage: rowferry show [OPTION]... [SNAPSHOT]\n"},
        {"rowferry log --json --help", "Usage: rowferry log "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outcome outcome = run(cases[i].line);
        cr_expect_eq(outcome.exit_code, 0, "%s", cases[i].line);
        cr_expect(begins(outcome.out, cases[i].beginning), "%s: %s", cases[i].line, outcome.out);
        cr_expect_str_eq(outcome.err, "", "%s", cases[i].line);
        release(&outcome);
    }
}

Test(program, a_failure_ends_in_a_summary_line_too) {
    unsetenv("ROWFERRY_REPO");
    struct {
        const char *line;
        const char *command;
        const char *what;
    } cases[] = {
        {"rowferry log --json -r /nonexistent/repo", "log",
         "there is no repository at /nonexistent/repo"},
        {"rowferry log --json", "log", "no repository named"},
        {"rowferry sync --json -c /nonexistent.yaml x", "sync",
         "cannot read the configuration file /nonexistent.yaml: No such file or directory"},
        {"rowferry verify --json -r /nonexistent/repo -j 0", "verify",
         "--jobs must be a number from 1 to 64, not \"0\""},
        {"rowferry log --json extra", "log", "extra argument \"extra\""},
        {"rowferry capture --nonsense --json x", "capture", "unknown option \"--nonsense\""},
        {"rowferry frobnicate --json", "frobnicate", "unknown command \"frobnicate\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outcome outcome = run(cases[i].line);
        json_error_t why;
        json_t *line = json_loads(outcome.out, JSON_REJECT_DUPLICATES, &why);
        cr_assert_not_null(line, "%s: %s: %s", cases[i].line, why.text, outcome.out);
        cr_expect_eq(outcome.exit_code, 2);
        cr_expect_str_eq(json_string_value(json_object_get(line, "type")), "summary");
        cr_expect_str_eq(json_string_value(json_object_get(line, "command")), cases[i].command);
        cr_expect_eq(json_integer_value(json_object_get(line, "exit")), 2);
        cr_expect(json_is_number(json_object_get(line, "seconds")));
        json_t *error = json_object_get(line, "error");
        cr_expect_str_eq(json_string_value(json_object_get(error, "what")), cases[i].what);
        cr_expect(json_is_string(json_object_get(error, "detail")));
        cr_expect(json_is_string(json_object_get(error, "hint")));
        cr_expect(begins(outcome.err, "error: "), "people are told as well");
        json_decref(line);
        release(&outcome);
    }
}

Test(program, passwords_leave_the_arguments) {
    char *words[] = {strdup("rowferry"),
                     strdup("replay"),
                     strdup("--target=postgres://u:pw@h/d"),
                     strdup("-d"),
                     strdup("host=h password=geheim"),
                     strdup("--nonsense"),
                     NULL};
    static atomic_int stop;
    struct rf_output out = captured_output();
    cr_assert_not_null(freopen("/dev/null", "w", stderr));
    cr_expect_eq(rf_program(6, words, &out, &stop), 2);
    free(captured_text(&out));
    cr_expect_str_eq(words[2], "--target=postgres://u:**@h/d");
    cr_expect_str_eq(words[4], "host=h password=******");
    for (int i = 0; words[i]; i++) {
        free(words[i]);
    }
}
