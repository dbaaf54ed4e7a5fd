/* Pages out of the file and the WAL.
 *
 * The file is read through a handle of our own that SQLite's VFS opens, never through a plain file
 * descriptor: closing one would drop every lock that this process has on the file, the
 * transaction's among them, and the VFS knows to wait with that. Nor through the connection's own
 * handle, which another thread may be using. And never by way of a memory map, since a live file
 * may shrink. */
#include "capture/page_file.h"

#include <stdlib.h>
#include <string.h>

#include "capture/page_pragma.h"
#include "capture/page_wal.h"

struct file_source {
    struct rf_page_source pages; /* first: a source is one of these */
    sqlite3 *db;                 /* the connection whose transaction it is */
    uint32_t data_version;
    sqlite3_file *file;
    struct rf_page_wal wal; /* not open where the file alone is the snapshot */
};

static struct file_source *of(const struct rf_page_source *source) {
    return (struct file_source *)(uintptr_t)source;
}

/* ---- reading ---- */

static enum rf_code cannot_read(uint32_t page, int result, struct rf_error *error) {
    return rf_fail(error, RF_UNUSUAL, "page %u cannot be read (SQLite's code %d)", page, result);
}

/* The whole run from the file. With a WAL the file may end before: what is missing is in the
 * WAL. */
static enum rf_code read_file(const struct file_source *source, uint32_t first, uint32_t count,
                              uint8_t *pages, uint32_t *there, struct rf_error *error) {
    uint64_t size = source->pages.page_size;
    uint64_t offset = (uint64_t)(first - 1) * size;
    sqlite3_file *file = source->file;
    *there = count;
    int result = file->pMethods->xRead(file, pages, (int)(count * size), (sqlite3_int64)offset);
    if (result == SQLITE_IOERR_SHORT_READ && source->wal.io) {
        sqlite3_int64 end = 0;
        result = file->pMethods->xFileSize(file, &end);
        uint64_t whole = (uint64_t)end / size;
        *there = whole >= first ? (uint32_t)(whole - first + 1) : 0;
        *there = *there < count ? *there : count;
    }
    return result == SQLITE_OK ? RF_OK : cannot_read(first, result, error);
}

static enum rf_code read_pages(const struct rf_page_source *pages, uint32_t first, uint32_t count,
                               uint8_t *out, struct rf_error *error) {
    const struct file_source *source = of(pages);
    uint32_t there = 0;
    enum rf_code code = read_file(source, first, count, out, &there, error);
    for (uint32_t i = 0; code == RF_OK && source->wal.io && i < count; i++) {
        uint64_t offset = rf_page_wal_find(&source->wal, first + i);
        if (offset > 0) {
            code = rf_page_wal_read(&source->wal, out + (size_t)i * pages->page_size,
                                    pages->page_size, offset, error);
        } else if (i >= there) {
            code = rf_fail(error, RF_UNUSUAL, "page %u is behind the end of the file", first + i);
        }
    }
    return code;
}

static void close_source(struct rf_page_source *pages) {
    struct file_source *source = of(pages);
    if (source->file && source->file->pMethods) {
        source->file->pMethods->xClose(source->file);
    }
    free(source->file);
    rf_page_wal_close(&source->wal);
    free(source);
}

/* ---- opening ---- */

static enum rf_code open_handle(struct file_source *source, sqlite3_vfs *vfs, const char *name,
                                struct rf_error *error) {
    source->file = calloc(1, (size_t)vfs->szOsFile);
    if (!source->file) {
        return rf_fail_memory(error);
    }
    int flags = 0;
    int result =
        vfs->xOpen(vfs, name, source->file, SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READONLY, &flags);
    if (result != SQLITE_OK || !source->file->pMethods) {
        return rf_fail(error, RF_UNUSUAL, "%s cannot be opened once more (SQLite's code %d)", name,
                       result);
    }
    return RF_OK;
}

static bool has_moved(sqlite3_file *file) {
    int moved = 1;
    int result = file->pMethods->xFileControl(file, SQLITE_FCNTL_HAS_MOVED, &moved);
    return result != SQLITE_OK || moved;
}

/* Two handles on one path are handles on one file if neither finds another there. */
static enum rf_code check_same_file(struct file_source *source, struct rf_error *error) {
    sqlite3_file *file = NULL;
    sqlite3_file_control(source->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    bool same = file && !has_moved(source->file) && !has_moved(file) && !has_moved(source->file);
    return same ? RF_OK : rf_fail(error, RF_UNUSUAL, "the database file was replaced");
}

/* xRead must be one system call, for threads to share a handle: SQLite can be built to seek
 * first. */
static bool reads_at_once(sqlite3_vfs *vfs) {
    return vfs->iVersion >= 3 && vfs->xGetSystemCall &&
           (vfs->xGetSystemCall(vfs, "pread") || vfs->xGetSystemCall(vfs, "pread64"));
}

static enum rf_code open_files(struct file_source *source, const struct rf_page_pin *pin,
                               struct rf_error *error) {
    sqlite3_vfs *vfs = NULL;
    const char *name = sqlite3_db_filename(source->db, "main");
    if (sqlite3_file_control(source->db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs) != SQLITE_OK ||
        !vfs || !name || !*name || !reads_at_once(vfs)) {
        return rf_fail(error, RF_UNUSUAL, "SQLite does not read it as a plain file");
    }
    enum rf_code code = open_handle(source, vfs, name, error);
    if (code == RF_OK) {
        code = check_same_file(source, error);
    }
    if (code == RF_OK && pin->frames > 0) {
        code =
            rf_page_wal_open(rf_io_posix(), sqlite3_filename_wal(name), pin, &source->wal, error);
    }
    return code;
}

/* Header and SQLite must agree on all that SQLite tells of it. */
static enum rf_code check_header(struct file_source *source, uint32_t page_count,
                                 struct rf_error *error) {
    const struct rf_page_source *pages = &source->pages;
    sqlite3 *db = source->db;
    uint32_t page_size, cookie, user_version, free_pages;
    bool told = rf_pragma_number(db, "PRAGMA main.page_size", &page_size) &&
                rf_pragma_number(db, "PRAGMA main.schema_version", &cookie) &&
                rf_pragma_number(db, "PRAGMA main.user_version", &user_version) &&
                rf_pragma_number(db, "PRAGMA main.freelist_count", &free_pages);
    bool agreed = told && pages->page_size == page_size && pages->schema_cookie == cookie &&
                  pages->user_version == user_version && pages->free_pages == free_pages &&
                  pages->page_count == page_count;
    return agreed ? RF_OK : rf_fail(error, RF_UNUSUAL, "page 1 is not the one that SQLite sees");
}

/* A header that says WAL where SQLite reads none is a file that was opened as immutable. */
static enum rf_code check_mode(struct file_source *source, struct rf_error *error) {
    char journal[16] = "";
    const char *name = sqlite3_db_filename(source->db, "main");
    bool wal = rf_pragma_text(source->db, "PRAGMA main.journal_mode", journal, sizeof journal) &&
               strcmp(journal, "wal") == 0;
    bool fits = wal ? source->pages.read_version == 2
                    : source->pages.read_version == 1 || sqlite3_uri_boolean(name, "immutable", 0);
    return fits ? RF_OK : rf_fail(error, RF_UNUSUAL, "its journal mode is unusual");
}

/* The page size is in page 1, which may be in the WAL, whose frames are as large as the wal-index
 * says. */
static enum rf_code read_header(struct file_source *source, const struct rf_page_pin *pin,
                                uint8_t *header, struct rf_error *error) {
    uint64_t offset = rf_page_wal_find(&source->wal, 1);
    if (offset > 0) {
        enum rf_code code =
            rf_page_wal_read(&source->wal, header, RF_PAGE_HEADER_SIZE, offset, error);
        if (code != RF_OK) {
            return code;
        }
    } else {
        int result = source->file->pMethods->xRead(source->file, header, RF_PAGE_HEADER_SIZE, 0);
        if (result != SQLITE_OK) {
            return cannot_read(1, result, error);
        }
    }
    uint32_t page_count = 0;
    if (!rf_pragma_number(source->db, "PRAGMA main.page_count", &page_count)) {
        return rf_fail(error, RF_UNUSUAL, "SQLite does not tell how many pages there are");
    }
    enum rf_code code = rf_page_source_learn(&source->pages, header, page_count, error);
    if (code == RF_OK && source->wal.io &&
        (pin->page_size != source->pages.page_size || pin->page_count != page_count)) {
        code = rf_fail(error, RF_UNUSUAL, "the WAL is of another size");
    }
    return code == RF_OK ? check_header(source, page_count, error) : code;
}

static enum rf_code open_source(struct file_source *source, const struct rf_page_pin *pin,
                                struct rf_error *error) {
    uint8_t header[RF_PAGE_HEADER_SIZE];
    if (pin->unproven[0]) {
        return rf_fail(error, RF_UNUSUAL, "%s", pin->unproven);
    }
    enum rf_code code = rf_page_file_holds(&source->pages, error);
    if (code == RF_OK) {
        code = open_files(source, pin, error);
    }
    if (code == RF_OK) {
        code = read_header(source, pin, header, error);
    }
    return code == RF_OK ? check_mode(source, error) : code;
}

enum rf_code rf_page_file_open(sqlite3 *db, const struct rf_page_pin *pin,
                               struct rf_page_source **opened, struct rf_error *error) {
    *opened = NULL;
    struct file_source *source = calloc(1, sizeof *source);
    if (!source) {
        return rf_fail_memory(error);
    }
    source->pages.read = read_pages;
    source->pages.close = close_source;
    source->db = db;
    source->data_version = pin->data_version;
    enum rf_code code = open_source(source, pin, error);
    if (code != RF_OK) {
        close_source(&source->pages);
        return code;
    }
    *opened = &source->pages;
    return RF_OK;
}

enum rf_code rf_page_file_holds(const struct rf_page_source *pages, struct rf_error *error) {
    const struct file_source *source = of(pages);
    unsigned version = 0;
    int result = sqlite3_file_control(source->db, "main", SQLITE_FCNTL_DATA_VERSION, &version);
    bool holds = result == SQLITE_OK && version == source->data_version &&
                 sqlite3_txn_state(source->db, "main") == SQLITE_TXN_READ;
    return holds ? RF_OK
                 : rf_fail(error, RF_UNUSUAL, "the transaction that its pages belong to is over");
}
