/* Looking at the wal-index while a transaction begins. */
#include "capture/page_pin.h"

#include <stdio.h>
#include <string.h>

#include "capture/page_pragma.h"
#include "capture/sqlite_error.h"

#define TRIES 200 /* a writer would have to commit within each of so many beginnings */
#define WAL_INDEX_VERSION 3007000u
#define WAL_INDEX_REGION 32768 /* bytes SQLite maps at a time */

/* The header of the wal-index as it lies in shared memory, walformat.html section 2.1. */
enum {
    HEADER_WORDS = 12, /* it is there twice */
    WORD_VERSION = 0,
    WORD_FLAGS = 3, /* bytes isInit and bigEndCksum, and the page size in 16 bits */
    WORD_FRAMES = 4,
    WORD_PAGES = 5,
    WORD_FRAME_CHECKSUM = 6,
    WORD_SALT = 8,
    WORD_CHECKSUM = 10, /* of the words before it */
    WORD_BACKFILL = 24, /* behind both copies */
};

struct index_header {
    uint32_t word[HEADER_WORDS];
};

static void unproven(struct rf_page_pin *pin, const char *why) {
    snprintf(pin->unproven, sizeof pin->unproven, "%s", why);
}

/* ---- the wal-index ---- */

/* SQLite's own mapping of it: opening the file ourselves, and closing it, would drop the locks that
 * the connection holds on it. The file handle's methods are SQLite's public interface. */
static const volatile uint32_t *map_index(sqlite3_file *file) {
    volatile void *region = NULL;
    int result = file->pMethods->xShmMap(file, 0, WAL_INDEX_REGION, 0, &region);
    return result == SQLITE_OK || result == SQLITE_READONLY ? region : NULL;
}

static void checksum(const uint32_t *words, size_t count, uint32_t sum[2]) {
    sum[0] = 0;
    sum[1] = 0;
    for (size_t i = 0; i < count; i += 2) {
        sum[0] += words[i] + sum[1];
        sum[1] += words[i + 1] + sum[0];
    }
}

/* False while a writer is about to change it. */
static bool look(sqlite3_file *file, struct index_header *header) {
    struct index_header second;
    uint32_t sum[2];
    const volatile uint32_t *shared = map_index(file);
    if (!shared) {
        return false;
    }
    for (int i = 0; i < HEADER_WORDS; i++) {
        header->word[i] = shared[i];
    }
    file->pMethods->xShmBarrier(file);
    for (int i = 0; i < HEADER_WORDS; i++) {
        second.word[i] = shared[HEADER_WORDS + i];
    }
    checksum(header->word, WORD_CHECKSUM, sum);
    return memcmp(header, &second, sizeof second) == 0 && (header->word[WORD_FLAGS] & 0xff) != 0 &&
           memcmp(sum, &header->word[WORD_CHECKSUM], sizeof sum) == 0;
}

static void take_header(struct rf_page_pin *pin, const struct index_header *header) {
    uint32_t flags = header->word[WORD_FLAGS];
    uint32_t size = flags >> 16;
    pin->frames = header->word[WORD_FRAMES];
    pin->page_size = (size & 0xfe00) + ((size & 1) << 16);
    pin->page_count = header->word[WORD_PAGES];
    pin->big_endian = (flags >> 8 & 0xff) != 0;
    memcpy(pin->checksum, &header->word[WORD_FRAME_CHECKSUM], sizeof pin->checksum);
    memcpy(pin->salt, &header->word[WORD_SALT], sizeof pin->salt);
}

/* ---- the transaction ---- */

static enum rf_code run(sqlite3 *db, const char *sql, struct rf_error *error) {
    int result = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK
               ? RF_OK
               : rf_fail_sqlite(error, db, result, "cannot begin to read the database");
}

static bool is_idle(sqlite3 *db) {
    for (sqlite3_stmt *at = sqlite3_next_stmt(db, NULL); at; at = sqlite3_next_stmt(db, at)) {
        if (sqlite3_stmt_busy(at)) {
            return false;
        }
    }
    return sqlite3_txn_state(db, "main") == SQLITE_TXN_READ && !sqlite3_get_autocommit(db);
}

/* One beginning, looked at from both sides. */
static enum rf_code begin_once(sqlite3 *db, sqlite3_file *file, struct rf_page_pin *pin,
                               bool *proven, struct rf_error *error) {
    struct index_header before, after;
    *proven = false;
    enum rf_code code = run(db, "COMMIT", error);
    if (code != RF_OK) {
        return code;
    }
    bool looked = look(file, &before);
    code = run(db, "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1", error);
    if (code != RF_OK || !looked) {
        return code;
    }
    const volatile uint32_t *shared = map_index(file);
    if (!shared) {
        return RF_OK;
    }
    uint32_t backfill = shared[WORD_BACKFILL];
    file->pMethods->xShmBarrier(file);
    *proven = look(file, &after) && memcmp(&before, &after, sizeof after) == 0 &&
              after.word[WORD_VERSION] == WAL_INDEX_VERSION && backfill <= after.word[WORD_FRAMES];
    if (*proven) {
        take_header(pin, &after);
        pin->frames = backfill == pin->frames ? 0 : pin->frames;
    }
    return RF_OK;
}

static enum rf_code pin_wal(sqlite3 *db, sqlite3_file *file, struct rf_page_pin *pin,
                            struct rf_error *error) {
    bool proven = false;
    enum rf_code code = RF_OK;
    for (int i = 0; code == RF_OK && !proven && i < TRIES; i++) {
        code = begin_once(db, file, pin, &proven, error);
    }
    if (code == RF_OK && !proven) {
        unproven(pin, "its WAL index did not hold still");
    }
    return code;
}

/* ---- what can be pinned at all ---- */

static const char *misfit(sqlite3 *db, bool *wal, sqlite3_file **file) {
    char journal[16] = "";
    char locking[16] = "";
    sqlite3_vfs *vfs = NULL;
    *file = NULL;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs) != SQLITE_OK || !vfs ||
        (strcmp(vfs->zName, "unix") != 0 && strcmp(vfs->zName, "unix-none") != 0) ||
        sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, file) != SQLITE_OK || !*file ||
        !(*file)->pMethods) {
        return "SQLite does not read it as a plain file";
    }
    if (!rf_pragma_text(db, "PRAGMA main.journal_mode", journal, sizeof journal) ||
        !rf_pragma_text(db, "PRAGMA main.locking_mode", locking, sizeof locking) || !is_idle(db)) {
        return "its connection is in use";
    }
    *wal = strcmp(journal, "wal") == 0;
    /* In exclusive mode, and where there is no shared memory, the index is SQLite's secret; asking
     * for the shared one would create it. */
    if (*wal && (strcmp(locking, "normal") != 0 || (*file)->pMethods->iVersion < 2 ||
                 !(*file)->pMethods->xShmMap || !(*file)->pMethods->xShmBarrier)) {
        return "its WAL is read without a shared index";
    }
    return NULL;
}

enum rf_code rf_page_pin_take(sqlite3 *db, struct rf_page_pin *pin, struct rf_error *error) {
    bool wal = false;
    sqlite3_file *file = NULL;
    *pin = (struct rf_page_pin){0};
    const char *why = misfit(db, &wal, &file);
    if (why) {
        unproven(pin, why);
        return RF_OK;
    }
    enum rf_code code = wal ? pin_wal(db, file, pin, error) : RF_OK;
    if (code == RF_OK) {
        sqlite3_file_control(db, "main", SQLITE_FCNTL_DATA_VERSION, &pin->data_version);
    }
    return code;
}
