/* Leaves: what they tell of themselves and how they are recognised. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/page_bytes.h"
#include "page_support.h"

struct leaves {
    struct rf_page_leaf *at;
    size_t count;
};

static struct page_walk begin_walk(struct page_reading *reading, const char *table,
                                   struct rf_page_layout **layout) {
    struct page_walk walk;
    *layout = page_reading_layout(reading, page_reading_table(reading, table));
    cr_assert_not_null(*layout, "%s", reading->error.what);
    page_walk_begin(&walk, reading->pages, *layout, page_reading_root(reading, table), true);
    return walk;
}

/* Without reading a single row. */
static struct leaves leaves_of(const char *path, const char *table) {
    struct page_reading reading;
    struct rf_page_layout *layout = NULL;
    struct leaves leaves = {0};
    page_reading_begin(&reading, path);
    cr_assert_not_null(reading.pages, "%s", reading.error.what);
    struct page_walk walk = begin_walk(&reading, table, &layout);
    for (;;) {
        const struct rf_page_leaf *leaf = NULL;
        cr_assert_eq(page_walk_leaf(&walk, &leaf, &reading.error), RF_OK, "%s", reading.error.what);
        if (!leaf) {
            break;
        }
        leaves.at = realloc(leaves.at, (leaves.count + 1) * sizeof *leaves.at);
        leaves.at[leaves.count++] = *leaf;
    }
    page_walk_end(&walk);
    rf_page_layout_free(layout);
    page_reading_end(&reading);
    return leaves;
}

static bool has_identity(const struct leaves *leaves, struct rf_hash identity) {
    for (size_t i = 0; i < leaves->count; i++) {
        if (rf_hash_equal(leaves->at[i].identity, identity)) {
            return true;
        }
    }
    return false;
}

static size_t known(const struct leaves *before, const struct leaves *after) {
    size_t count = 0;
    for (size_t i = 0; i < after->count; i++) {
        count += has_identity(before, after->at[i].identity);
    }
    return count;
}

static void fill(struct page_db *test) {
    page_db_sql(test, "PRAGMA page_size = 1024; PRAGMA auto_vacuum = 2;"
                      "CREATE TABLE junk(b); INSERT INTO junk VALUES(zeroblob(200000));"
                      "CREATE TABLE t(id INTEGER PRIMARY KEY, v, w);"
                      "CREATE TABLE k(a TEXT PRIMARY KEY, v) WITHOUT ROWID;"
                      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                      "3000) INSERT INTO t SELECT i, hex(i * 7919) || hex(i * 31337), NULL FROM n;"
                      "UPDATE t SET w = printf('%%.*c', 900 + id, 'x') WHERE id %% 100 = 0;"
                      "INSERT INTO k SELECT printf('%%05d', id), v || coalesce(w, '') FROM t");
}

/* A change of one row changes the identity of one leaf, wherever in its record it is. */
Test(page_leaves, one_change_is_one_leaf) {
    static const char *const changes[] = {
        "UPDATE t SET v = 'y' WHERE id = 1500",
        "UPDATE t SET w = substr(w, 1, length(w) - 1) || 'y' WHERE id = 1400",
        "UPDATE t SET v = v || 'z' WHERE id = 1",
        "UPDATE t SET v = CAST(v AS BLOB) WHERE id = 3000",
    };
    struct page_db test;
    page_db_begin(&test, 1);
    fill(&test);
    struct leaves before = leaves_of(test.path, "t");
    cr_assert_gt(before.count, 50);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        page_db_sql(&test, "%s", changes[i]);
        struct leaves after = leaves_of(test.path, "t");
        cr_assert_eq(after.count, before.count);
        cr_assert_eq(known(&before, &after), after.count - 1, "%s", changes[i]);
        free(before.at);
        before = after;
    }
    free(before.at);
    page_db_end(&test);
}

/* In an index tree a row may be on an interior page. All of them are covered. */
Test(page_leaves, interior_rows_count) {
    struct page_db test;
    page_db_begin(&test, 2);
    fill(&test);
    struct leaves before = leaves_of(test.path, "k");
    for (int id = 1; id < 3000; id += 37) {
        page_db_sql(&test, "UPDATE k SET v = CAST(v AS BLOB) WHERE a = printf('%%05d', %d)", id);
        struct leaves after = leaves_of(test.path, "k");
        cr_assert_eq(known(&before, &after), after.count - 1, "row %d", id);
        free(before.at);
        before = after;
    }
    uint64_t rows = 0;
    for (size_t i = 0; i < before.count; i++) {
        rows += before.at[i].rows;
    }
    cr_assert_eq(rows, 3000);
    free(before.at);
    page_db_end(&test);
}

/* Pages that move, and overflow pages that move, are recognised. */
Test(page_leaves, moved_pages_are_known) {
    static const char *const tables[] = {"t", "k"};
    struct page_db test;
    page_db_begin(&test, 3);
    fill(&test);
    struct leaves before[2], after[2];
    size_t moved = 0;
    for (size_t t = 0; t < 2; t++) {
        before[t] = leaves_of(test.path, tables[t]);
    }
    page_db_sql(&test, "DELETE FROM junk; PRAGMA incremental_vacuum");
    for (size_t t = 0; t < 2; t++) {
        after[t] = leaves_of(test.path, tables[t]);
        for (size_t i = 0; i < before[t].count; i++) {
            moved += before[t].at[i].page.number != after[t].at[i].page.number;
        }
        cr_assert_eq(known(&before[t], &after[t]), after[t].count);
        free(after[t].at);
    }
    cr_assert_gt(moved, 20, "%zu", moved);
    free(before[0].at);
    free(before[1].at);

    page_db_sql(&test, "VACUUM");
    before[0] = leaves_of(test.path, "t");
    page_db_sql(&test, "DROP TABLE junk; DELETE FROM k WHERE a < '02000'; VACUUM");
    after[0] = leaves_of(test.path, "t");
    cr_assert_neq(before[0].at[50].page.number, after[0].at[50].page.number);
    cr_assert_eq(known(&before[0], &after[0]), after[0].count, "vacuumed once more");
    free(before[0].at);
    free(after[0].at);
    page_db_end(&test);
}

/* Free space, and the order in which cells came to lie on the page, do not count. */
Test(page_leaves, only_cells_count) {
    struct page_db test;
    page_db_begin(&test, 4);
    page_db_sql(&test, "CREATE TABLE t(id INTEGER PRIMARY KEY, v);"
                       "INSERT INTO t VALUES(1, 'one'), (2, 'two'), (3, 'three')");
    struct leaves before = leaves_of(test.path, "t");
    page_db_sql(&test, "DELETE FROM t WHERE id = 1; INSERT INTO t VALUES(9, 'nine');"
                       "INSERT INTO t VALUES(1, 'one'); DELETE FROM t WHERE id = 9");
    struct leaves after = leaves_of(test.path, "t");
    cr_assert_eq(known(&before, &after), 1);
    free(after.at);
    page_db_sql(&test, "UPDATE t SET id = 4 WHERE id = 3");
    after = leaves_of(test.path, "t");
    cr_assert_eq(known(&before, &after), 0, "another rowid");
    free(after.at);
    page_db_sql(&test, "UPDATE t SET id = 3 WHERE id = 4");
    after = leaves_of(test.path, "t");
    cr_assert_eq(known(&before, &after), 1);
    free(after.at);
    page_db_sql(&test, "ALTER TABLE t ADD COLUMN n DEFAULT 5");
    after = leaves_of(test.path, "t");
    cr_assert_eq(known(&before, &after), 0, "the same cells under another schema are other rows");
    free(before.at);
    free(after.at);
    page_db_end(&test);
}

/* Some leaves skipped, some read to the end, some left half way. */
Test(page_leaves, skipping) {
    struct page_db test;
    struct page_reading reading;
    struct rf_page_layout *layout = NULL;
    page_db_begin(&test, 5);
    fill(&test);
    page_reading_begin(&reading, test.path);
    struct page_walk walk = begin_walk(&reading, "t", &layout);
    int64_t next = 1;
    for (;;) {
        const struct rf_page_leaf *leaf = NULL;
        const struct page_row *row = NULL;
        cr_assert_eq(page_walk_leaf(&walk, &leaf, &reading.error), RF_OK, "%s", reading.error.what);
        if (!leaf) {
            break;
        }
        cr_assert_eq(leaf->first_rowid, next);
        uint64_t wanted = page_random_below(&test, 3) * leaf->rows / 2;
        for (uint64_t i = 0; i < wanted; i++) {
            cr_assert_eq(page_walk_row(&walk, &row, &reading.error), RF_OK);
            cr_assert_eq(row->rowid, next + (int64_t)i);
        }
        next = leaf->last_rowid + 1;
    }
    cr_assert_eq(next, 3001);
    page_walk_end(&walk);
    rf_page_layout_free(layout);
    page_reading_end(&reading);
    page_db_end(&test);
}

/* ---- trees that lead nowhere ---- */

static void put_be32(uint8_t *at, uint32_t number) {
    number = __builtin_bswap32(number);
    memcpy(at, &number, sizeof number);
}

/* Reads all rows. */
static enum rf_code scan_memory(struct page_memory *memory, struct rf_page_layout *layout,
                                uint32_t root, bool identities) {
    struct page_walk walk;
    struct rf_error error = {0};
    const struct rf_page_leaf *leaf = NULL;
    page_walk_begin(&walk, &memory->pages, layout, root, identities);
    enum rf_code code = page_walk_leaf(&walk, &leaf, &error);
    while (code == RF_OK && leaf) {
        const struct page_row *row = NULL;
        code = page_walk_row(&walk, &row, &error);
        if (code == RF_OK && !row) {
            code = page_walk_leaf(&walk, &leaf, &error);
        }
    }
    page_walk_end(&walk);
    return code;
}

/* All pointers of all interior pages of the tree lead to `target`. */
static void bend_all(struct page_memory *memory, uint8_t interior, uint32_t target) {
    for (uint32_t i = 1; i < memory->pages.page_count; i++) {
        uint8_t *page = memory->bytes + (size_t)i * memory->pages.page_size;
        if (page[0] != interior) {
            continue;
        }
        put_be32(page + 8, target);
        for (uint32_t c = 0; c < rf_load_be16(page + 3); c++) {
            put_be32(page + rf_load_be16(page + 12 + 2 * c), target);
        }
    }
}

Test(page_leaves, circles) {
    struct page_db test;
    struct page_reading reading;
    page_db_begin(&test, 7);
    fill(&test);
    page_reading_begin(&reading, test.path);
    static const struct {
        const char *table;
        uint8_t interior;
        uint8_t leaf;
    } trees[] = {{"t", 5, 13}, {"k", 2, 10}};
    for (size_t t = 0; t < 2; t++) {
        struct page_memory *memory = page_memory_copy(reading.pages);
        struct rf_page_layout *layout =
            page_reading_layout(&reading, page_reading_table(&reading, trees[t].table));
        uint32_t root = page_reading_root(&reading, trees[t].table);
        cr_assert_eq(scan_memory(memory, layout, root, true), RF_OK);
        bend_all(memory, trees[t].interior, root);
        cr_assert_eq(scan_memory(memory, layout, root, false), RF_UNUSUAL, "to the root");
        uint32_t leaf = 2;
        while (memory->bytes[(size_t)(leaf - 1) * 1024] != trees[t].leaf) {
            leaf++;
        }
        bend_all(memory, trees[t].interior, leaf);
        cr_assert_eq(scan_memory(memory, layout, root, true), RF_UNUSUAL, "to one leaf");
        rf_page_layout_free(layout);
        rf_page_source_close(&memory->pages);
    }
    page_reading_end(&reading);
    page_db_end(&test);
}
