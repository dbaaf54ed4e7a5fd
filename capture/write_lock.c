/* Taking the lock, in an order in which each step makes the next one harmless: while this process
 * has no connection to the database, others are looked for; then it is opened to be read, which
 * refuses a journal that is hot (a connection that may write would roll it back); then it is
 * locked. */
#include "capture/write_lock.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "capture/others.h"
#include "capture/source.h"
#include "capture/sqlite_error.h"

#define BUSY_SLEEP_MS 10
#define COUNTER_PLACE 24 /* the file change counter in the header */
#define INDEX_REGION 32768
#define INDEX_HEADER 48 /* bytes of the wal-index that every commit changes */

/* How the database looks while nobody writes to it. */
struct marks {
    struct stat file, wal; /* zero: not there */
    uint8_t counter[4];
    uint8_t index[INDEX_HEADER]; /* zero without a WAL */
};

struct rf_write_lock {
    struct rf_write_lock_options options;
    char *path;
    sqlite3 *db;
    struct marks marks;
};

/* ---- marks ---- */

static void look(const char *path, const char *suffix, struct stat *found) {
    char name[4096];
    bool fits = snprintf(name, sizeof name, "%s%s", path, suffix) < (int)sizeof name;
    if (!fits || stat(name, found) != 0) {
        *found = (struct stat){0};
    }
}

static bool is_wal(sqlite3 *db) {
    sqlite3_stmt *statement = NULL;
    bool wal =
        sqlite3_prepare_v2(db, "PRAGMA main.journal_mode", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW &&
        strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    sqlite3_finalize(statement);
    return wal;
}

/* Through SQLite's own handles: see write_lock.h. */
static void take_marks(const struct rf_write_lock *lock, struct marks *marks) {
    sqlite3_file *file = NULL;
    volatile void *region = NULL;
    memset(marks, 0, sizeof *marks);
    look(lock->path, "", &marks->file);
    look(lock->path, "-wal", &marks->wal);
    sqlite3_file_control(lock->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (!file || !file->pMethods) {
        return;
    }
    file->pMethods->xRead(file, marks->counter, sizeof marks->counter, COUNTER_PLACE);
    if (is_wal(lock->db) && file->pMethods->iVersion >= 2 && file->pMethods->xShmMap &&
        file->pMethods->xShmMap(file, 0, INDEX_REGION, 0, &region) == SQLITE_OK && region) {
        const volatile uint8_t *bytes = region;
        for (size_t i = 0; i < INDEX_HEADER; i++) {
            marks->index[i] = bytes[i];
        }
    }
}

static bool same_file(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

enum rf_code rf_write_lock_prove(const struct rf_write_lock *lock, struct rf_error *error) {
    struct marks now;
    take_marks(lock, &now);
    if (same_file(&now.file, &lock->marks.file) && same_file(&now.wal, &lock->marks.wal) &&
        memcmp(now.counter, lock->marks.counter, sizeof now.counter) == 0 &&
        memcmp(now.index, lock->marks.index, sizeof now.index) == 0) {
        return RF_OK;
    }
    rf_fail(error, RF_STORAGE, "%s was written to although rowferry held its lock", lock->path);
    rf_detail(error, "something writes to it without SQLite's locks, or replaced the file");
    rf_hint(error, "find out what that is, stop it, and run the same command again.");
    return RF_STORAGE;
}

/* ---- refusals ---- */

static enum rf_code fail_open_elsewhere(const struct rf_write_lock *lock,
                                        const struct rf_others *others, struct rf_error *error) {
    char who[400];
    rf_others_say(others, who, sizeof who);
    rf_fail(error, RF_LOCKED, "%s is still in use", lock->path);
    rf_detail(error, "%s %s it open", who, others->count == 1 ? "has" : "have");
    rf_hint(error,
            "stop the application that writes to it, close other programs that have it open, "
            "then run the same command again.");
    return RF_LOCKED;
}

static enum rf_code fail_read_only(const struct rf_write_lock *lock, struct rf_error *error) {
    rf_fail(error, RF_STORAGE, "%s cannot be locked, because it cannot be written to from here",
            lock->path);
    rf_detail(error,
              "SQLite's lock of a writer, which keeps others from writing, is given to those "
              "who may write");
    rf_hint(error, "run as the user that the database belongs to, where it is mounted writable; or "
                   "stop the application, copy the file and its -wal, and name the copy.");
    return RF_STORAGE;
}

/* The connection is closed by now. */
static enum rf_code fail_busy(const struct rf_write_lock *lock, struct rf_error *error) {
    struct rf_others writers;
    char who[400];
    rf_others_find_writers(lock->path, &writers);
    rf_others_say(&writers, who, sizeof who);
    rf_fail(error, RF_LOCKED, "%s is locked by a writer", lock->path);
    rf_detail(error, "waited %d ms for it; the lock is held by %s", lock->options.busy_timeout_ms,
              who);
    rf_hint(error, "stop the application that writes to it, then run the same command again.");
    return RF_LOCKED;
}

static void close_connection(struct rf_write_lock *lock) {
    sqlite3_close(lock->db);
    lock->db = NULL;
}

static enum rf_code explain(struct rf_write_lock *lock, int result, struct rf_error *error) {
    int kind = result & 0xff;
    if (atomic_load(lock->options.stop)) {
        return rf_fail(error, RF_INTERRUPTED, "stopped");
    }
    if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED) {
        close_connection(lock);
        return fail_busy(lock, error);
    }
    if (kind == SQLITE_READONLY || kind == SQLITE_CANTOPEN || kind == SQLITE_PERM) {
        return fail_read_only(lock, error);
    }
    return rf_fail_sqlite(error, lock->db, result, "cannot lock the database %s", lock->path);
}

/* ---- the lock ---- */

static int keep_waiting(void *context, int times) {
    const struct rf_write_lock *lock = context;
    if (times * BUSY_SLEEP_MS >= lock->options.busy_timeout_ms || atomic_load(lock->options.stop)) {
        return 0;
    }
    nanosleep(&(struct timespec){.tv_nsec = BUSY_SLEEP_MS * 1000000L}, NULL);
    return 1;
}

static enum rf_code look_for_others(const struct rf_write_lock *lock, struct rf_error *error) {
    struct rf_others others;
    rf_others_find(lock->path, &others);
    return others.count > 0 ? fail_open_elsewhere(lock, &others, error) : RF_OK;
}

/* What is in the way of reading it is in the way of locking it. */
static enum rf_code try_to_read(struct rf_write_lock *lock, struct rf_error *error) {
    const struct rf_source_options options = {.database = lock->options.database,
                                              .busy_timeout_ms = lock->options.busy_timeout_ms,
                                              .stop = lock->options.stop};
    struct rf_source *source = NULL;
    enum rf_code code = rf_source_open(&options, &source, error);
    rf_source_close(source);
    bool busy = code == RF_STORAGE && (error->sqlite_code & 0xff) == SQLITE_BUSY;
    return busy && lock->path ? fail_busy(lock, error) : code;
}

static enum rf_code open_and_lock(struct rf_write_lock *lock, struct rf_error *error) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    int result = sqlite3_open_v2(lock->path, &lock->db, flags, NULL);
    if (result == SQLITE_OK && sqlite3_db_readonly(lock->db, "main") != 0) {
        return fail_read_only(lock, error);
    }
    if (result == SQLITE_OK) {
        sqlite3_extended_result_codes(lock->db, 1);
        sqlite3_busy_handler(lock->db, keep_waiting, lock);
        sqlite3_db_config(lock->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(lock->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        result = sqlite3_exec(lock->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    }
    if (result != SQLITE_OK) {
        return explain(lock, result, error);
    }
    take_marks(lock, &lock->marks);
    return RF_OK;
}

enum rf_code rf_write_lock_take(const struct rf_write_lock_options *options,
                                struct rf_write_lock **taken, struct rf_error *error) {
    *taken = NULL;
    struct rf_write_lock *lock = calloc(1, sizeof *lock);
    if (!lock) {
        return rf_fail_memory(error);
    }
    lock->options = *options;
    lock->path = realpath(options->database, NULL);
    enum rf_code code = lock->path ? look_for_others(lock, error) : RF_OK;
    if (code == RF_OK) {
        code = try_to_read(lock, error);
    }
    if (code == RF_OK) {
        code = lock->path ? open_and_lock(lock, error) : rf_fail_memory(error);
    }
    if (code != RF_OK) {
        rf_write_lock_release(lock);
        return code;
    }
    *taken = lock;
    return RF_OK;
}

void rf_write_lock_release(struct rf_write_lock *lock) {
    if (lock) {
        sqlite3_close(lock->db);
        free(lock->path);
        free(lock);
    }
}
