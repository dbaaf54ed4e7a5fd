/* Each fact is one pragma; each question is a statement that cannot write, has so many seconds and
 * is left after so many rows. */
#include "capture/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "capture/page_pragma.h"
#include "capture/source.h"

#define STEPS_BETWEEN_LOOKS 20000 /* of SQLite's virtual machine */

void rf_facts_release(struct rf_facts *facts) {
    for (uint32_t i = 0; i < facts->answer_count; i++) {
        rf_answer_release(&facts->answers[i]);
    }
    free(facts->answers);
    *facts = (struct rf_facts){0};
}

/* ---- the file ---- */

static uint64_t size_beside(const struct rf_source *source, const char *suffix) {
    char path[4096];
    struct stat found;
    int length = snprintf(path, sizeof path, "%s%s", source->path, suffix);
    return length < (int)sizeof path && stat(path, &found) == 0 ? (uint64_t)found.st_size : 0;
}

static void find_journal(const struct rf_source *source, struct rf_findings *findings) {
    char journal[16];
    rf_pragma_text(source->db, "PRAGMA main.journal_mode", journal, sizeof journal);
    if (strcmp(journal, "wal") == 0) {
        rf_find(findings, RF_FINDING_OK, "source journal",
                "WAL, of %" PRIu64 " bytes: it is read as it is, and not checkpointed",
                size_beside(source, "-wal"));
    } else {
        rf_find(findings, RF_FINDING_OK, "source journal",
                "%s: writers wait while a capture reads, and it for them", journal);
    }
}

static void find_auto_vacuum(const struct rf_source *source, struct rf_findings *findings) {
    static const char *const modes[] = {"none", "full", "incremental"};
    uint32_t mode = 0;
    rf_pragma_number(source->db, "PRAGMA main.auto_vacuum", &mode);
    rf_find(findings, RF_FINDING_OK, "source auto_vacuum", "%s%s", mode < 3 ? modes[mode] : "?",
            mode > 0 ? ": harmless, pages that move carry the same rows" : "");
}

/* The header says how many pages there are; a file cut short has fewer. Pages in a WAL may not have
 * come to the file yet. */
static void find_size(const struct rf_source *source, struct rf_findings *findings,
                      struct rf_facts *facts) {
    uint32_t size = 0, pages = 0, unused = 0;
    rf_pragma_number(source->db, "PRAGMA main.page_size", &size);
    rf_pragma_number(source->db, "PRAGMA main.page_count", &pages);
    rf_pragma_number(source->db, "PRAGMA main.freelist_count", &unused);
    uint64_t whole = (uint64_t)size * pages;
    facts->bytes = unused < pages ? whole - (uint64_t)size * unused : whole;
    uint64_t there = size_beside(source, "") + size_beside(source, "-wal");
    if (there < whole) {
        struct rf_finding *finding =
            rf_find(findings, RF_FINDING_WARNING, "source file",
                    "%" PRIu64 " bytes, and its header speaks of %" PRIu64 ": it may be cut off",
                    there, whole);
        rf_finding_hint(finding, "sqlite3 FILE 'PRAGMA integrity_check' tells what is missing.");
        return;
    }
    rf_find(findings, RF_FINDING_OK, "source file",
            "%" PRIu32 " pages of %" PRIu32 " bytes, %" PRIu32 " of them unused", pages, size,
            unused);
}

static void find_encoding(const struct rf_source *source, struct rf_findings *findings) {
    static const char *const names[] = {[RF_SOURCE_UTF8] = "UTF-8",
                                        [RF_SOURCE_UTF16LE] = "UTF-16, little end first",
                                        [RF_SOURCE_UTF16BE] = "UTF-16, big end first"};
    rf_find(findings, RF_FINDING_OK, "source encoding", "%s", names[source->encoding]);
}

/* ---- questions ---- */

struct asking {
    const struct rf_source *source;
    struct timespec deadline;
};

static int look_at_clock(void *context) {
    const struct asking *asking = context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return atomic_load(asking->source->options.stop) != 0 || now.tv_sec > asking->deadline.tv_sec ||
           (now.tv_sec == asking->deadline.tv_sec && now.tv_nsec > asking->deadline.tv_nsec);
}

static void refuse(struct rf_answer *answer, sqlite3 *db, int result) {
    if (result == SQLITE_INTERRUPT) {
        snprintf(answer->trouble, sizeof answer->trouble, "it took more than %d seconds",
                 RF_ANSWER_SECONDS);
        return;
    }
    snprintf(answer->trouble, sizeof answer->trouble, "SQLite: %s", sqlite3_errmsg(db));
    answer->no_table = strstr(answer->trouble, "no such table") != NULL;
}

static bool is_blank(const char *sql) {
    return sql[strspn(sql, " \t\r\n;")] == 0;
}

static void take_rows(sqlite3_stmt *statement, sqlite3 *db, struct rf_answer *answer) {
    int result = sqlite3_step(statement);
    while (result == SQLITE_ROW && rf_answer_row(answer)) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            rf_answer_value(answer, (const char *)sqlite3_column_text(statement, i));
        }
        result = sqlite3_step(statement);
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
        refuse(answer, db, result);
    }
    rf_answer_end(answer);
}

static void ask(const struct rf_source *source, const char *sql, struct rf_answer *answer) {
    sqlite3 *db = source->db;
    sqlite3_stmt *statement = NULL;
    const char *rest = "";
    answer->asked = true;
    int result = sqlite3_prepare_v2(db, sql, -1, &statement, &rest);
    if (result != SQLITE_OK) {
        refuse(answer, db, result);
    } else if (!statement || !is_blank(rest)) {
        snprintf(answer->trouble, sizeof answer->trouble, "it is not one statement");
    } else if (!sqlite3_stmt_readonly(statement) || sqlite3_column_count(statement) == 0) {
        snprintf(answer->trouble, sizeof answer->trouble, "it is not a query");
    } else {
        take_rows(statement, db, answer);
    }
    sqlite3_finalize(statement);
}

static enum rf_code ask_all(const struct rf_source *source, const struct rf_facts_options *options,
                            struct rf_facts *facts, struct rf_error *error) {
    facts->answers = calloc((size_t)options->question_count + 1, sizeof *facts->answers);
    if (!facts->answers) {
        return rf_fail_memory(error);
    }
    facts->answer_count = options->question_count;
    struct asking asking = {.source = source};
    sqlite3_limit(source->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_progress_handler(source->db, STEPS_BETWEEN_LOOKS, look_at_clock, &asking);
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < options->question_count; i++) {
        clock_gettime(CLOCK_MONOTONIC, &asking.deadline);
        asking.deadline.tv_sec += RF_ANSWER_SECONDS;
        if (options->questions[i]) {
            ask(source, options->questions[i], &facts->answers[i]);
        }
        code = facts->answers[i].failed ? rf_fail_memory(error) : RF_OK;
        if (code == RF_OK && atomic_load(options->stop)) {
            code = rf_fail(error, RF_INTERRUPTED, "stopped");
        }
    }
    sqlite3_progress_handler(source->db, 0, NULL, NULL);
    return code;
}

/* ---- both ---- */

enum rf_code rf_facts_read(const struct rf_facts_options *options, struct rf_findings *findings,
                           struct rf_facts *facts, struct rf_error *error) {
    struct rf_source_options opening = {.database = options->database,
                                        .busy_timeout_ms = options->busy_timeout_ms,
                                        .stop = options->stop};
    struct rf_source *source = NULL;
    *facts = (struct rf_facts){0};
    enum rf_code code = rf_source_open(&opening, &source, error);
    if (code != RF_OK) {
        return code;
    }
    find_size(source, findings, facts);
    find_encoding(source, findings);
    find_journal(source, findings);
    find_auto_vacuum(source, findings);
    code = ask_all(source, options, facts, error);
    rf_source_close(source);
    if (code == RF_OK) {
        code = rf_findings_check(findings, error);
    }
    if (code != RF_OK) {
        rf_facts_release(facts);
    }
    return code;
}
