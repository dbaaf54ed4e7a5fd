/* Opening the source, and refusing it with a reason.
 *
 * SQLite does the locking, and a live WAL database is read beside its writers. Two things are ours
 * to add. What SQLite answers when it cannot open a file is one of a dozen codes; here each becomes
 * a sentence about the file at hand. And on a file system that is mounted read-only, a WAL database
 * may lack the -shm file that SQLite wants: there nobody writes, so it is read without locks, and
 * at the end of the capture the files must be those of its beginning (a read-only mount may show a
 * folder that somebody else can write to). */
#include "capture/source.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "capture/page_defaults.h"
#include "capture/page_file.h"
#include "capture/page_roots.h"
#include "capture/sqlite_error.h"
#include "capture/text16.h"
#include "format/bytes.h"

#define MAGIC "SQLite format 3" /* with its NUL the first 16 bytes of every database */
#define HEADER_SIZE 100
#define HEADER_READ_VERSION 19 /* 2 in a WAL database */
#define ORDER_COLLATION "rowferry_utf8"
#define PAGE_CACHE_KIB "2048"
#define STEPS_BETWEEN_LOOKS 20000 /* SQLite's virtual machine, between looks at the stop flag */
#define BUSY_SLEEP_MS 10

/* Whether there is a file of that name, and how it is now. */
static bool look(const struct rf_source *source, const char *suffix, struct stat *found) {
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s%s", source->path, suffix);
    if (length >= (int)sizeof path || stat(path, found) != 0) {
        *found = (struct stat){0};
        return false;
    }
    return true;
}

static bool cannot(const struct rf_source *source, const char *suffix, int mode) {
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s%s", source->path, suffix);
    return length < (int)sizeof path && access(path, mode) != 0 && errno != ENOENT;
}

static enum rf_code refuse_path(const char *path, int number, struct rf_error *error) {
    if (number == ENOENT || number == ENOTDIR) {
        rf_fail(error, RF_STORAGE, "there is no database %s", path);
        error->sys_errno = number;
        rf_detail(error, "system: %s", strerror(number));
        rf_hint(error, "check the path; rowferry never makes a source.");
        return RF_STORAGE;
    }
    return rf_fail_errno(error, number, "cannot open the database %s", path);
}

/* What the file system says, before SQLite is asked. */
static enum rf_code check_file(struct rf_source *source, struct rf_error *error) {
    const char *given = source->options.database;
    if (stat(given, &source->before) != 0) {
        return refuse_path(given, errno, error);
    }
    if (S_ISDIR(source->before.st_mode)) {
        rf_fail(error, RF_STORAGE, "%s is a directory, not a database", given);
        rf_hint(error, "name the database file in it.");
        return RF_STORAGE;
    }
    if (!S_ISREG(source->before.st_mode)) {
        rf_fail(error, RF_STORAGE, "%s is not a regular file", given);
        rf_hint(error, "copy it into a file and capture that.");
        return RF_STORAGE;
    }
    if (access(given, R_OK) != 0) {
        return refuse_path(given, errno, error);
    }
    if (source->before.st_size == 0) {
        rf_fail(error, RF_CORRUPT, "%s is empty", given);
        rf_detail(error, "a SQLite database, even one without tables, has at least one page");
        rf_hint(error, "check the path: an application makes an empty file where none was.");
        return RF_CORRUPT;
    }
    source->path = realpath(given, NULL);
    return source->path ? RF_OK : refuse_path(given, errno, error);
}

/* A URI, so that "mode=ro" can be said and no byte of the path means anything else. */
static bool put_uri(struct rf_buffer *uri, const char *path, const char *query) {
    rf_buffer_append(uri, "file://", 7);
    for (const unsigned char *at = (const unsigned char *)path; *at; at++) {
        bool plain = (*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') ||
                     (*at >= 'a' && *at <= 'z') || strchr("/._-", *at);
        if (plain) {
            rf_buffer_u8(uri, *at);
        } else {
            rf_buffer_printf(uri, "%%%02x", *at);
        }
    }
    rf_buffer_printf(uri, "?mode=ro%s", query);
    rf_buffer_u8(uri, 0);
    return !uri->failed;
}

static int keep_waiting(void *context, int times) {
    const struct rf_source *source = context;
    if (times * BUSY_SLEEP_MS >= source->options.busy_timeout_ms ||
        atomic_load(source->options.stop)) {
        return 0;
    }
    nanosleep(&(struct timespec){.tv_nsec = BUSY_SLEEP_MS * 1000000L}, NULL);
    return 1;
}

static int look_at_stop(void *context) {
    const struct rf_source *source = context;
    return atomic_load(source->options.stop) != 0;
}

static int order_as_utf8(void *context, int a_size, const void *a, int b_size, const void *b) {
    const struct rf_source *source = context;
    return rf_text16_compare(a, (size_t)a_size, b, (size_t)b_size,
                             source->encoding == RF_SOURCE_UTF16BE);
}

/* The stand-in for a collation that the application brought along. Reading a table needs none, so
 * it need only be there; should an expression compare by it all the same, the answer is
 * worthless. */
struct stand_in {
    struct rf_source *source;
    char name[];
};

static int stand_in_compare(void *context, int a_size, const void *a, int b_size, const void *b) {
    const struct stand_in *stand_in = context;
    snprintf(stand_in->source->stand_in, sizeof stand_in->source->stand_in, "%s", stand_in->name);
    int order = memcmp(a, b, (size_t)(a_size < b_size ? a_size : b_size));
    return order != 0 ? order : a_size - b_size;
}

static void provide_collation(void *context, sqlite3 *db, int encoding, const char *name) {
    struct stand_in *stand_in = malloc(sizeof *stand_in + strlen(name) + 1);
    if (!stand_in) {
        return; /* "no such collation sequence" is then the answer */
    }
    stand_in->source = context;
    memcpy(stand_in->name, name, strlen(name) + 1);
    if (sqlite3_create_collation_v2(db, name, encoding, stand_in, stand_in_compare, free) !=
        SQLITE_OK) {
        free(stand_in); /* SQLite does not, where this call fails */
    }
}

/* Settings of the connection that need no look at the file. */
static int set_up(struct rf_source *source) {
    sqlite3 *db = source->db;
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_handler(db, keep_waiting, source);
    sqlite3_progress_handler(db, STEPS_BETWEEN_LOOKS, look_at_stop, source);
    /* Without it SQLite takes json_extract() and its like in an index, a CHECK or a generated
     * column for unsafe, and the whole database for malformed. All that a schema can call here are
     * SQLite's own functions, but for those that it never lets a schema call. */
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return sqlite3_collation_needed(db, source, provide_collation);
}

static enum rf_code open_database(struct rf_source *source, const char *query,
                                  struct rf_error *error) {
    struct rf_buffer uri = {0};
    int result = SQLITE_NOMEM;
    if (put_uri(&uri, source->path, query)) {
        int flags =
            SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
        result = sqlite3_open_v2((const char *)uri.bytes, &source->db, flags, NULL);
    }
    if (result == SQLITE_OK) {
        result = set_up(source);
    }
    rf_buffer_release(&uri);
    return result == SQLITE_OK ? RF_OK
                               : rf_fail_sqlite(error, source->db, result,
                                                "cannot open the database %s", source->path);
}

/* Reads the file's header through SQLite's own handle: opening and closing the file ourselves would
 * drop the locks that another connection of this process holds on it. */
static enum rf_code check_header(struct rf_source *source, bool *wal, struct rf_error *error) {
    uint8_t header[HEADER_SIZE] = {0};
    sqlite3_file *file = NULL;
    int result = sqlite3_file_control(source->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (result == SQLITE_OK && file && file->pMethods) {
        result = file->pMethods->xRead(file, header, sizeof header, 0);
    }
    if (result != SQLITE_OK && result != SQLITE_IOERR_SHORT_READ) {
        return rf_fail_sqlite(error, NULL, result, "cannot read the database %s", source->path);
    }
    if (memcmp(header, MAGIC, sizeof MAGIC) != 0) {
        rf_fail(error, RF_CORRUPT, "%s is not a SQLite database, or it is encrypted", source->path);
        rf_detail(error, "it does not begin with \"" MAGIC "\"");
        rf_hint(error, "check the path; an encrypted database must be exported with its key to a "
                       "plain one first.");
        error->sqlite_code = SQLITE_NOTADB;
        return RF_CORRUPT;
    }
    *wal = header[HEADER_READ_VERSION] == 2;
    return RF_OK;
}

/* How to open a WAL database on a file system that is mounted read-only; NULL: as always. */
static const char *query_without_locks(const struct rf_source *source, bool wal) {
    struct statvfs system;
    struct stat found;
    if (!wal || statvfs(source->path, &system) != 0 || !(system.f_flag & ST_RDONLY) ||
        look(source, "-journal", &found) || look(source, "-shm", &found)) {
        return NULL;
    }
    if (source->wal_before.st_size == 0) {
        return "&immutable=1";
    }
    return sqlite3_vfs_find("unix-none") ? "&vfs=unix-none" : NULL;
}

/* ---- what SQLite's refusals mean ---- */

static enum rf_code explain_hot_journal(const struct rf_source *source, struct rf_error *error) {
    rf_fail(error, RF_STORAGE, "%s was cut off in the middle of a transaction", source->path);
    rf_detail(error,
              "its journal %s-journal must be rolled back before it can be read, and rowferry does "
              "not write to a source",
              source->path);
    rf_hint(error,
            "open it once with its application, or with `sqlite3 FILE .tables` (on a copy of "
            "both files, if it is to stay as it is), then capture again.");
    return RF_STORAGE;
}

static enum rf_code explain_busy(const struct rf_source *source, struct rf_error *error) {
    rf_fail(error, RF_STORAGE, "%s is locked by a writer", source->path);
    rf_detail(error, "waited %d ms for it to finish its transaction",
              source->options.busy_timeout_ms);
    rf_hint(error, "capture again when the writer is done; an application that keeps the lock "
                   "(locking_mode=EXCLUSIVE) must be stopped.");
    return RF_STORAGE;
}

static enum rf_code explain_wal(const struct rf_source *source, struct rf_error *error) {
    rf_fail(error, RF_STORAGE, "cannot open %s, which is in WAL mode", source->path);
    struct stat shm;
    if (cannot(source, "-wal", R_OK)) {
        rf_detail(error, "%s-wal is not readable", source->path);
    } else if (cannot(source, "-shm", R_OK)) {
        rf_detail(error, "%s-shm is not readable", source->path);
    } else if (!look(source, "-shm", &shm)) {
        rf_detail(error, "SQLite must make %s-shm beside it, and may not write to that folder",
                  source->path);
    } else {
        rf_detail(error, "SQLite cannot use %s-wal and %s-shm", source->path, source->path);
    }
    rf_hint(error, "run as a user who may write there, or copy the file and its -wal to another "
                   "folder and capture the copy.");
    return RF_STORAGE;
}

static enum rf_code explain(const struct rf_source *source, int result, bool wal,
                            struct rf_error *error) {
    int code = sqlite3_extended_errcode(source->db);
    int number = sqlite3_system_errno(source->db);
    enum rf_code kind = RF_OK;
    if (code == SQLITE_READONLY_ROLLBACK) {
        kind = explain_hot_journal(source, error);
    } else if ((code & 0xff) == SQLITE_BUSY) {
        kind = explain_busy(source, error);
    } else if (wal && ((code & 0xff) == SQLITE_READONLY || (code & 0xff) == SQLITE_CANTOPEN)) {
        kind = explain_wal(source, error);
    } else {
        return rf_fail_sqlite(error, source->db, result, "cannot read the database %s",
                              source->path);
    }
    error->sqlite_code = code;
    error->sys_errno = number;
    return kind;
}

/* ---- the transaction ---- */

static enum rf_code stopped(const struct rf_source *source, struct rf_error *error) {
    return rf_fail(error, RF_INTERRUPTED, "stopped by signal %d",
                   atomic_load(source->options.stop));
}

static enum rf_code begin(struct rf_source *source, bool wal, struct rf_error *error) {
    const char *exclusive = source->unlocked ? "PRAGMA locking_mode=EXCLUSIVE;" : "";
    char sql[256];
    snprintf(sql, sizeof sql,
             "%s PRAGMA query_only=1; PRAGMA cell_size_check=1; BEGIN;"
             "SELECT 1 FROM sqlite_schema LIMIT 1; PRAGMA cache_size=-" PAGE_CACHE_KIB,
             exclusive);
    int result = sqlite3_exec(source->db, sql, NULL, NULL, NULL);
    if (result != SQLITE_OK) {
        return atomic_load(source->options.stop) ? stopped(source, error)
                                                 : explain(source, result, wal, error);
    }
    enum rf_code code = rf_page_pin_take(source->db, &source->pin, error);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    source->time_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    return code != RF_OK && atomic_load(source->options.stop) ? stopped(source, error) : code;
}

static enum rf_code learn_encoding(struct rf_source *source, struct rf_error *error) {
    const char *what = "cannot read the encoding";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum rf_code code = rf_source_prepare(source, "PRAGMA encoding", what, &statement, error);
    if (code == RF_OK) {
        code = rf_source_step(source, statement, what, &row, error);
    }
    if (code == RF_OK && row) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        source->encoding = !name || strcmp(name, "UTF-8") == 0 ? RF_SOURCE_UTF8
                           : strcmp(name, "UTF-16le") == 0     ? RF_SOURCE_UTF16LE
                                                               : RF_SOURCE_UTF16BE;
    }
    sqlite3_finalize(statement);
    if (code == RF_OK && source->encoding != RF_SOURCE_UTF8) {
        int encoding = source->encoding == RF_SOURCE_UTF16LE ? SQLITE_UTF16LE : SQLITE_UTF16BE;
        int result =
            sqlite3_create_collation(source->db, ORDER_COLLATION, encoding, source, order_as_utf8);
        if (result != SQLITE_OK) {
            code = rf_fail_sqlite(error, source->db, result, "cannot set the order of keys");
        }
    }
    return code;
}

enum rf_code rf_source_open(const struct rf_source_options *options, struct rf_source **opened,
                            struct rf_error *error) {
    *opened = NULL;
    struct rf_source *source = calloc(1, sizeof *source);
    if (!source) {
        return rf_fail_memory(error);
    }
    source->options = *options;
    bool wal = false;
    enum rf_code code = check_file(source, error);
    if (code == RF_OK) {
        look(source, "-wal", &source->wal_before);
        code = open_database(source, "", error);
    }
    if (code == RF_OK) {
        code = check_header(source, &wal, error);
    }
    const char *query = code == RF_OK ? query_without_locks(source, wal) : NULL;
    if (query) {
        sqlite3_close(source->db);
        source->db = NULL;
        source->unlocked = true;
        code = open_database(source, query, error);
    }
    if (code == RF_OK) {
        code = begin(source, wal, error);
    }
    if (code == RF_OK) {
        code = learn_encoding(source, error);
    }
    if (code != RF_OK) {
        rf_source_close(source);
        return code;
    }
    *opened = source;
    return RF_OK;
}

void rf_source_close(struct rf_source *source) {
    if (!source) {
        return;
    }
    rf_page_source_close(source->pages);
    rf_page_roots_free(source->roots);
    rf_page_defaults_free(source->defaults);
    sqlite3_close(source->db);
    free(source->path);
    free(source);
}

/* Everything that page reading needs of a source, or nothing. */
static enum rf_code open_pages(struct rf_source *source, struct rf_error *error) {
    struct rf_page_source *pages = NULL;
    enum rf_code code = rf_page_file_open(source->db, &source->pin, &pages, error);
    if (code == RF_OK) {
        code = rf_page_roots_read(source->db, &source->roots, error);
    }
    if (code == RF_OK) {
        code = rf_page_defaults_new(source->encoding, &source->defaults, error);
    }
    if (code != RF_OK) {
        rf_page_source_close(pages);
        return code;
    }
    source->pages = pages;
    return RF_OK;
}

enum rf_code rf_source_pages(struct rf_source *source, const struct rf_page_source **pages,
                             struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (!source->pages && !source->pages_unusual[0]) {
        code = open_pages(source, error);
    }
    if (code == RF_UNUSUAL) {
        snprintf(source->pages_unusual, sizeof source->pages_unusual, "%.199s", error->what);
        rf_error_clear(error);
        code = RF_OK;
    }
    *pages = source->pages;
    return code;
}

static bool same_file(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

enum rf_code rf_source_settled(const struct rf_source *source, struct rf_error *error) {
    struct stat now, wal_now;
    if (!source->unlocked) {
        return RF_OK;
    }
    look(source, "", &now);
    look(source, "-wal", &wal_now);
    if (same_file(&now, &source->before) && same_file(&wal_now, &source->wal_before)) {
        return RF_OK;
    }
    rf_fail(error, RF_STORAGE, "%s was written to while it was read", source->path);
    rf_detail(error, "it lies on a read-only mount, was taken for still and read without locks");
    rf_hint(error, "capture it where it is mounted writable, or capture a copy.");
    return RF_STORAGE;
}

const char *rf_source_order(const struct rf_source *source) {
    return source->encoding == RF_SOURCE_UTF8 ? "BINARY" : ORDER_COLLATION;
}

enum rf_code rf_source_prepare(struct rf_source *source, const char *sql, const char *what,
                               sqlite3_stmt **statement, struct rf_error *error) {
    int result =
        sqlite3_prepare_v3(source->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    if (result == SQLITE_OK) {
        return RF_OK;
    }
    return atomic_load(source->options.stop)
               ? stopped(source, error)
               : rf_fail_sqlite(error, source->db, result, "%s", what);
}

enum rf_code rf_source_step(struct rf_source *source, sqlite3_stmt *statement, const char *what,
                            bool *row, struct rf_error *error) {
    int result = sqlite3_step(statement);
    *row = result == SQLITE_ROW;
    if (source->stand_in[0]) {
        rf_fail(error, RF_FAILED, "%s", what);
        rf_detail(error,
                  "an expression compares by the collation \"%s\", which only the application has",
                  source->stand_in);
        rf_hint(error, "leave the table out with --exclude-table.");
        return RF_FAILED;
    }
    if (result == SQLITE_ROW || result == SQLITE_DONE) {
        return RF_OK;
    }
    return atomic_load(source->options.stop)
               ? stopped(source, error)
               : rf_fail_sqlite(error, source->db, result, "%s", what);
}
