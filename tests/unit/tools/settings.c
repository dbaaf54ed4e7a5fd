/* If these fail, a setting comes from the wrong place. */
#include "tools/settings.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"

#define WORDS_MAX 24

static struct rf_arguments arguments;
static struct rf_settings settings;
static struct rf_error error;

static enum rf_code resolve(const char *line) {
    static char text[256];
    static char *words[WORDS_MAX];
    int count = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *rest = text; rest && count < WORDS_MAX - 1;) {
        words[count++] = strsep(&rest, " ");
    }
    words[count] = NULL;
    rf_error_clear(&error);
    enum rf_code code =
        rf_arguments_parse(rf_command_find(words[0]), count, words, &arguments, &error);
    cr_assert_eq(code, RF_OK, "%s: %s", line, error.what);
    return rf_settings_resolve(&arguments, &settings, &error);
}

static void release(void) {
    rf_settings_release(&settings);
    rf_arguments_release(&arguments);
}

static char path[32];

static void write_file(void) {
    static const char text[] = "repo: /from/file\n"
                               "target: service=file\n"
                               "schema: file\n"
                               "jobs: 7\n"
                               "tables: {include: [fa, fb], exclude: [fc]}\n"
                               "progress: always\n"
                               "busy_timeout: 7\n";
    snprintf(path, sizeof path, "/tmp/rowferry-file-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    close(fd);
    unsetenv("ROWFERRY_REPO");
}

static void remove_file(void) {
    unlink(path);
}

TestSuite(settings, .init = write_file, .fini = remove_file);

Test(settings, defaults) {
    cr_assert_eq(resolve("sync -r /r db"), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.repo, "/r");
    cr_expect_null(settings.target);
    cr_expect_str_eq(settings.schema, "public");
    cr_expect_null(settings.include);
    cr_expect_null(settings.exclude);
    cr_expect_eq(settings.busy_timeout_ms, 10000);
    cr_expect_eq(settings.progress, RF_PROGRESS_AUTO);
    cr_expect(settings.jobs >= 1 && settings.jobs <= 8);
    cr_expect_not(settings.json || settings.quiet || settings.verbose || settings.dry_run);
    release();
}

Test(settings, file_over_default) {
    char line[128];
    snprintf(line, sizeof line, "sync -c %s db", path);
    cr_assert_eq(resolve(line), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.repo, "/from/file");
    cr_expect_str_eq(settings.target, "service=file");
    cr_expect_str_eq(settings.schema, "file");
    cr_expect_eq(settings.jobs, 7);
    cr_expect_str_eq(settings.include[1], "fb");
    cr_expect_str_eq(settings.exclude[0], "fc");
    cr_expect_eq(settings.busy_timeout_ms, 7000);
    cr_expect_eq(settings.progress, RF_PROGRESS_ALWAYS);
    release();
}

Test(settings, environment_over_file_and_option_over_both) {
    char line[160];
    setenv("ROWFERRY_REPO", "/from/environment", 1);
    snprintf(line, sizeof line, "sync -c %s db", path);
    cr_assert_eq(resolve(line), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.repo, "/from/environment");
    release();

    snprintf(line, sizeof line, "sync -c %s -r /from/option db", path);
    cr_assert_eq(resolve(line), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.repo, "/from/option");
    release();

    setenv("ROWFERRY_REPO", "", 1);
    snprintf(line, sizeof line, "sync -c %s db", path);
    cr_assert_eq(resolve(line), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.repo, "/from/file", "an empty variable names nothing");
    release();
}

Test(settings, option_over_file_each_by_itself) {
    char line[256];
    snprintf(line, sizeof line,
             "sync -c %s -d service=o --schema o -j 2 -t o --busy-timeout 0.5 --progress never db",
             path);
    cr_assert_eq(resolve(line), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.target, "service=o");
    cr_expect_str_eq(settings.schema, "o");
    cr_expect_eq(settings.jobs, 2);
    cr_expect_str_eq(settings.include[0], "o");
    cr_expect_null(settings.include[1]);
    cr_expect_str_eq(settings.exclude[0], "fc", "-t leaves tables.exclude alone");
    cr_expect_eq(settings.busy_timeout_ms, 500);
    cr_expect_eq(settings.progress, RF_PROGRESS_NEVER);
    release();
}

/* A configuration file that names keys serves commands that sign, that read, and that do neither. */
Test(settings, keys) {
    static const char text[] = "repo: /r\nsign_key: s.key\ntrusted_keys: [a.pub, /b.pub]\n";
    char line[160], wanted[64];
    int fd = open(path, O_WRONLY | O_TRUNC);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    close(fd);
    unsetenv("ROWFERRY_SIGN_KEY");
    snprintf(line, sizeof line, "capture -c %s db", path);
    cr_assert_eq(resolve(line), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.sign_key, "/tmp/s.key", "relative to the file's folder");
    snprintf(wanted, sizeof wanted, "/tmp/a.pub");
    cr_expect_str_eq(settings.trusted[0], wanted);
    cr_expect_str_eq(settings.trusted[1], "/b.pub");
    cr_expect_null(settings.trusted[2]);
    release();

    setenv("ROWFERRY_SIGN_KEY", "/environment.key", 1);
    cr_assert_eq(resolve(line), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.sign_key, "/environment.key");
    release();
    snprintf(line, sizeof line, "capture -c %s --sign-key o.key --trusted-key c db", path);
    cr_assert_eq(resolve(line), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.sign_key, "o.key");
    cr_expect_str_eq(settings.trusted[0], "c", "an option replaces the list");
    cr_expect_null(settings.trusted[1]);
    release();

    snprintf(line, sizeof line, "replay -c %s", path);
    cr_assert_eq(resolve(line), RF_OK, "%s", error.what);
    cr_expect_null(settings.sign_key, "replay writes no snapshots");
    cr_expect_str_eq(settings.trusted[0], wanted);
    release();
    unsetenv("ROWFERRY_SIGN_KEY");
}

/* An empty list must not mean that everybody is trusted. */
Test(settings, trusting_nobody) {
    static const char text[] = "repo: /r\ntrusted_keys: []\n";
    char line[160];
    int fd = open(path, O_WRONLY | O_TRUNC);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    close(fd);
    snprintf(line, sizeof line, "replay -c %s", path);
    cr_assert_eq(resolve(line), RF_USAGE);
    cr_expect_str_eq(error.what, "trusted_keys is an empty list, so nobody would be trusted");
    release();
}

Test(settings, rules_of_options) {
    cr_assert_eq(resolve("replay -r /r"), RF_OK, "%s", error.what);
    const struct rf_rules *rules = &settings.rules;
    cr_expect_not(rules->fold_names || rules->existing || rules->atomic || rules->no_foreign_keys);
    cr_expect_eq(rules->on_mismatch, RF_MISMATCH_DEFAULT);
    cr_expect_eq(rules->bad_text, RF_BAD_TEXT_DEFAULT);
    cr_expect_null(settings.remake);
    release();
    cr_assert_eq(resolve("replay -r /r --fold-names --existing --atomic --no-foreign-keys "
                         "--on-mismatch null --bad-text=strip"),
                 RF_OK, "%s", error.what);
    cr_expect(rules->fold_names && rules->existing && rules->atomic && rules->no_foreign_keys);
    cr_expect_eq(rules->on_mismatch, RF_MISMATCH_NULL);
    cr_expect_eq(rules->bad_text, RF_BAD_TEXT_STRIP);
    release();
    cr_assert_eq(resolve("sync -r /r --remake a --remake b* db"), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.remake[0], "a");
    cr_expect_str_eq(settings.remake[1], "b*");
    cr_expect_null(settings.remake[2]);
    release();
}

static void resolve_with(const char *text, const char *options, enum rf_code expected) {
    char line[256];
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
    snprintf(line, sizeof line, "replay -r /r -c %s%s", path, options);
    cr_assert_eq(resolve(line), expected, "%s: %s", line, error.what);
}

Test(settings, rules_of_the_file_under_those_of_options) {
    const struct rf_rules *rules = &settings.rules;
    resolve_with("existing: true\natomic: true\non_mismatch: fail\nbad_text: strip\n"
                 "foreign_keys: false\ntables: {rules: [{table: t, on_mismatch: null}]}\n",
                 " --bad-text replace --fold-names", RF_OK);
    cr_expect(rules->fold_names && rules->existing && rules->atomic && rules->no_foreign_keys);
    cr_expect_eq(rules->on_mismatch, RF_MISMATCH_FAIL);
    cr_expect_eq(rules->bad_text, RF_BAD_TEXT_REPLACE);
    cr_assert_eq(rules->table_count, 1);
    cr_expect_eq(rules->tables[0].on_mismatch, RF_MISMATCH_NULL);
    release();
}

/* Somebody who asks for both would find out at the first value that does not fit. */
Test(settings, tables_of_the_application_are_not_altered) {
    static const char hint[] = "choose another one, or leave out --existing (existing: in the "
                               "configuration file or profile).";
    resolve_with("existing: true\non_mismatch: widen\n", "", RF_USAGE);
    cr_expect_str_eq(error.what,
                     "on_mismatch widen alters tables, and existing ones are the application's");
    cr_expect_str_eq(error.hint, hint);
    release();
    resolve_with("existing: true\n", " --bad-text bytea", RF_USAGE);
    cr_expect_str_eq(error.what,
                     "bad_text bytea alters tables, and existing ones are the application's");
    release();
    resolve_with("tables: {rules: [{table: t, bad_text: bytea}]}\n", " --existing", RF_USAGE);
    cr_expect_eq(strncmp(error.detail, "in the rule at /tmp/", 20), 0, "%s", error.detail);
    cr_expect_not_null(strstr(error.detail, ":1:26"), "%s", error.detail);
    release();
    resolve_with("tables: {rules: [{table: t, columns: [{column: c, on_mismatch: widen}]}]}\n",
                 " --existing", RF_USAGE);
    cr_expect_not_null(strstr(error.detail, ":1:48"), "%s", error.detail);
    release();
    resolve_with("existing: true\n", " --remake t", RF_OK);
    release();
    resolve_with("on_mismatch: widen\nbad_text: bytea\n", " --remake t", RF_OK);
    release();
}

Test(settings, a_repository_that_nothing_names_is_beside_the_database) {
    cr_assert_eq(resolve("sync data/app.db"), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.repo, "data/app.db.rowferry");
    release();
    char line[96];
    snprintf(line, sizeof line, "capture -c %s data/app.db", path);
    cr_assert_eq(resolve(line), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.repo, "/from/file");
    release();
    cr_assert_eq(resolve("check data/app.db"), RF_OK, "%s", error.what);
    cr_expect_null(settings.repo, "a check keeps nothing");
    release();
}

Test(settings, refused) {
    struct {
        const char *line;
        const char *what;
    } cases[] = {
        {"log", "no repository named"},
        {"log -r ", "--repo is empty"},
        {"replay -r /r --schema ", "--schema is empty"},
        {"replay -r /r -s ", "--snapshot is empty"},
        {"replay -r /r -t ", "--table is empty"},
        {"replay -r /r -t a -T ", "--exclude-table is empty"},
        {"capture -r /r ", "DATABASE is empty"},
        {"log -r /r -q -v", "--quiet and --verbose exclude each other"},
        {"check --sql --json x", "--sql and --json exclude each other"},
        {"diff -r r --sqlite --json", "--sqlite and --json exclude each other"},
        {"diff -r r --rows --sql", "--rows, --sql and --sqlite exclude each other"},
        {"diff -r r --sqlite --sql", "--rows, --sql and --sqlite exclude each other"},
        {"show -r /r -s 1 2", "the snapshot is named twice: \"1\" and \"2\""},
        {"replay -r /r --on-mismatch Fail",
         "--on-mismatch must be widen, set-aside, null or fail, not \"Fail\""},
        {"replay -r /r --on-mismatch ",
         "--on-mismatch must be widen, set-aside, null or fail, not \"\""},
        {"sync -r /r --bad-text drop x",
         "--bad-text must be set-aside, bytea, strip, replace or escape, not \"drop\""},
        {"sync -r /r --remake a --remake  x", "--remake is empty"},
        {"capture -r /r -j 0 x", "--jobs must be a number from 1 to 64, not \"0\""},
        {"capture -r /r -j 65 x", "--jobs must be a number from 1 to 64, not \"65\""},
        {"capture -r /r -j 3x x", "--jobs must be a number from 1 to 64, not \"3x\""},
        {"capture -r /r -j +3 x", "--jobs must be a number from 1 to 64, not \"+3\""},
        {"capture -r /r --progress=no x", "--progress must be auto, always or never, not \"no\""},
        {"capture -r /r --busy-timeout 1. x",
         "--busy-timeout must be a number of seconds from 0 to 86400, not \"1.\""},
        {"capture -r /r --busy-timeout 86400.1 x",
         "--busy-timeout must be a number of seconds from 0 to 86400, not \"86400.1\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(resolve(cases[i].line), RF_USAGE, "%s", cases[i].line);
        cr_expect_str_eq(error.what, cases[i].what, "%s: %s", cases[i].line, error.what);
        release();
    }
}

Test(settings, check_can_do_without_a_repository) {
    cr_assert_eq(resolve("check x"), RF_OK, "%s", error.what);
    cr_expect_null(settings.repo);
    release();
    cr_assert_eq(resolve("check --example-config"), RF_OK, "%s", error.what);
    cr_expect(settings.example_config);
    release();
    cr_assert_eq(resolve("check --sql -r /r x"), RF_OK, "%s", error.what);
    cr_expect(settings.sql);
    cr_expect_str_eq(settings.repo, "/r");
    release();
}

Test(settings, an_empty_target_is_libpqs_environment) {
    cr_assert_eq(resolve("status -r /r -d "), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.target, "");
    release();
}
