/* For the tests of the page reader: databases of all shapes, and the oracle, which is the row
 * scan. */
#ifndef RF_TESTS_CAPTURE_PAGE_SUPPORT_H
#define RF_TESTS_CAPTURE_PAGE_SUPPORT_H

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/page_file.h"
#include "capture/page_layout.h"
#include "capture/page_pin.h"
#include "capture/page_rows.h"
#include "capture/page_scan.h"
#include "capture/page_source.h"
#include "capture/page_tree.h"
#include "capture/source.h"
#include "format/manifest.h"

/* ---- a database to write to ---- */

struct page_db {
    char folder[64];
    char path[96];
    sqlite3 *db;
    uint64_t seed;
    uint64_t state; /* of the random numbers */
};

/* The seed is RF_TEST_SEED of the environment, or `seed`. */
void page_db_begin(struct page_db *test, uint64_t seed);
void page_db_end(struct page_db *test);
/* printf-like; must succeed. */
void page_db_sql(struct page_db *test, const char *format, ...) RF_PRINTF(2, 3);
int64_t page_db_number(struct page_db *test, const char *sql);
uint64_t page_random(struct page_db *test);
static inline uint64_t page_random_below(struct page_db *test, uint64_t limit) {
    return page_random(test) % limit;
}
/* Runs `sql` once with random values for its parameters, none longer than `longest` bytes. What
 * fails by a constraint is fine. */
void page_db_random_row(struct page_db *test, const char *sql, size_t longest);

struct page_shape {
    uint32_t page_size;
    const char *encoding;
    unsigned auto_vacuum;
    int reserved;
};
/* Before anything else is written. */
void page_db_shape(struct page_db *test, const struct page_shape *shape);
/* All kinds of tables, with `rows` random rows each or so; some deleted, some updated, columns
 * added. */
void page_db_fill(struct page_db *test, unsigned rows);
/* More of the same to what page_db_fill made. */
void page_db_change(struct page_db *test, unsigned rows);

/* ---- reading it both ways ---- */

struct page_reading {
    atomic_int stop;
    struct rf_source *source;
    struct rf_page_pin pin;
    struct rf_manifest manifest;
    const struct rf_page_source *pages; /* the source's; NULL where they are unusual */
    struct rf_error error;              /* why */
};
/* The database must be fit to be read through SQLite. */
void page_reading_begin(struct page_reading *reading, const char *path);
void page_reading_end(struct page_reading *reading);
const struct rf_table *page_reading_table(const struct page_reading *reading, const char *name);
/* 0 where the schema, being damaged, has none. */
uint32_t page_reading_root(const struct page_reading *reading, const char *name);
/* With its defaults learned. NULL, and the error set, when it is unusual. */
struct rf_page_layout *page_reading_layout(struct page_reading *reading,
                                           const struct rf_table *table);

enum page_verdict {
    PAGE_SAME,
    PAGE_UNUSUAL, /* reading->error says why */
    PAGE_REFUSED, /* by SQLite; the pages were unusual, too */
};
/* Compares a table's rows, read leaf by leaf and through the feed, with the row scan's, byte for
 * byte. That they differ, or that SQLite refuses what the page reader takes, fails the test. */
enum page_verdict page_compare(struct page_reading *reading, const struct rf_page_source *pages,
                               const struct rf_table *table, const char *what);

/* Leaves and their rows on one thread, with whole identities where asked for. */
struct page_row {
    int64_t rowid;
    const uint8_t *cells;
    size_t size;
    const uint32_t *offsets;
    const uint8_t *key;
    size_t key_size;
};
struct page_walk {
    struct rf_page_scan *scan;
    struct rf_page_rows *rows;
    bool identities;
    struct rf_page_leaf leaf;
    struct rf_buffer cells;
    struct rf_buffer keys;
    struct page_row row;
};
void page_walk_begin(struct page_walk *walk, const struct rf_page_source *pages,
                     const struct rf_page_layout *layout, uint32_t root, bool identities);
void page_walk_end(struct page_walk *walk);
/* The next leaf or, of a leaf, the next row; NULL at the end. */
enum rf_code page_walk_leaf(struct page_walk *walk, const struct rf_page_leaf **leaf,
                            struct rf_error *error);
enum rf_code page_walk_row(struct page_walk *walk, const struct page_row **row,
                           struct rf_error *error);

struct page_counts {
    unsigned same;
    unsigned unusual;
    uint64_t rows;
};
/* All tables of the database. A table is expected to be unusual if its name begins with "odd_". */
struct page_counts page_compare_all(const char *path, const char *what);

/* ---- pages in memory ---- */

struct page_memory {
    struct rf_page_source pages; /* first */
    uint8_t *bytes;              /* page_count * page_size */
};
/* The pages of another source. */
struct page_memory *page_memory_copy(const struct rf_page_source *source);

#endif
