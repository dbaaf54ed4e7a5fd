#include "restore_support.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static void count_lack(void *context, const struct rf_lack *lack) {
    struct restoring *restoring = context;
    restoring->lacks[lack->kind]++;
    snprintf(restoring->reason, sizeof restoring->reason, "%s", lack->reason);
}

void restoring_begin(struct restoring *restoring, struct fixture *fixture) {
    *restoring = (struct restoring){.fixture = fixture, .limits = {.cache_kib = 1024}};
    snprintf(restoring->output, sizeof restoring->output, "%s/out.db", fixture->folder);
    restoring->options = (struct rf_restore_options){
        .output = restoring->output,
        .replace = true,
        .verify = true,
        .stop = &fixture->stop,
        .lack = count_lack,
        .context = restoring,
    };
}

enum rf_code restoring_try(struct restoring *restoring, struct rf_io *io) {
    struct rf_repository *repository = NULL;
    memset(restoring->lacks, 0, sizeof restoring->lacks);
    rf_error_clear(&restoring->error);
    enum rf_code code = rf_repository_open(io, restoring->fixture->repository, RF_REPOSITORY_READ,
                                           &repository, &restoring->error);
    if (code == RF_OK) {
        code =
            rf_restore_run_with(repository, rf_repository_newest(repository), &restoring->options,
                                &restoring->limits, &restoring->result, &restoring->error);
    }
    rf_repository_close(repository);
    return code;
}

static sqlite3_stmt *ask(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement = NULL;
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK, "%s: %s", sql,
                 sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW, "%s", sql);
    return statement;
}

static sqlite3 *open_output(const struct restoring *restoring) {
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open_v2(restoring->output, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    return db;
}

void restoring_expect(struct restoring *restoring) {
    enum rf_code code = restoring_try(restoring, rf_io_posix());
    cr_assert_eq(code, RF_OK, "%s / %s", restoring->error.what, restoring->error.detail);
    sqlite3 *db = open_output(restoring);
    sqlite3_stmt *answer = ask(db, "PRAGMA integrity_check");
    cr_assert_str_eq((const char *)sqlite3_column_text(answer, 0), "ok");
    sqlite3_finalize(answer);
    sqlite3_close(db);
}

int64_t restoring_number(const struct restoring *restoring, const char *sql) {
    sqlite3 *db = open_output(restoring);
    sqlite3_stmt *answer = ask(db, sql);
    int64_t number = sqlite3_column_int64(answer, 0);
    sqlite3_finalize(answer);
    sqlite3_close(db);
    return number;
}

unsigned restoring_files(const struct restoring *restoring) {
    DIR *folder = opendir(restoring->fixture->folder);
    cr_assert_not_null(folder);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        count += strncmp(entry->d_name, "out.db", 6) == 0;
    }
    closedir(folder);
    return count;
}
