/* Damaged pages: no crash, no endless loop, and never rows that SQLite would not give.
 *
 * Of a sound database pages are flipped, zeroed, swapped, and above all their pointers bent: to
 * other pages, into circles, out of the page. Then every table is read, from memory as it is and,
 * where SQLite still opens the file, beside SQLite. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/page_bytes.h"
#include "capture/schema.h"
#include "page_support.h"

struct fuzz {
    struct page_db test;
    struct page_reading reading; /* of the sound database */
    struct page_memory *sound;
    struct page_memory *damaged;
    char path[128]; /* the damaged pages as a file */
    uint64_t verdicts[3];
    uint64_t not_opened;
    uint64_t rows;
};

static void fuzz_begin(struct fuzz *fuzz, uint64_t seed, const struct page_shape *shape) {
    memset(fuzz, 0, sizeof *fuzz);
    page_db_begin(&fuzz->test, seed);
    page_db_shape(&fuzz->test, shape);
    page_db_fill(&fuzz->test, 12);
    page_reading_begin(&fuzz->reading, fuzz->test.path);
    cr_assert_not_null(fuzz->reading.pages);
    fuzz->sound = page_memory_copy(fuzz->reading.pages);
    fuzz->damaged = page_memory_copy(fuzz->reading.pages);
    snprintf(fuzz->path, sizeof fuzz->path, "%s/damaged.db", fuzz->test.folder);
}

static void fuzz_end(struct fuzz *fuzz) {
    rf_page_source_close(&fuzz->sound->pages);
    rf_page_source_close(&fuzz->damaged->pages);
    page_reading_end(&fuzz->reading);
    unlink(fuzz->path);
    page_db_end(&fuzz->test);
}

/* ---- damage ---- */

static uint8_t *page_at(struct fuzz *fuzz, uint32_t number) {
    return fuzz->damaged->bytes + (size_t)(number - 1) * fuzz->damaged->pages.page_size;
}

static uint32_t random_page(struct fuzz *fuzz) {
    return 1 + (uint32_t)page_random_below(&fuzz->test, fuzz->damaged->pages.page_count);
}

static void put_be32(uint8_t *at, uint32_t number) {
    number = __builtin_bswap32(number);
    memcpy(at, &number, sizeof number);
}

/* A page number that is wrong in an interesting way. */
static uint32_t bent_page(struct fuzz *fuzz, uint32_t here) {
    switch (page_random_below(&fuzz->test, 8)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return fuzz->damaged->pages.page_count + 1;
    case 3:
        return UINT32_MAX;
    case 4:
        return here;
    default:
        return random_page(fuzz);
    }
}

/* Something in the page's header, in its pointers or in one of its cells. */
static void bend(struct fuzz *fuzz, uint8_t *page, uint32_t number) {
    struct page_db *test = &fuzz->test;
    uint32_t size = fuzz->damaged->pages.page_size;
    uint8_t *header = page + (number == 1 ? 100 : 0);
    bool leaf = header[0] == 10 || header[0] == 13;
    uint8_t *pointers = header + (leaf ? 8 : 12);
    uint32_t cells = rf_load_be16(header + 3);
    uint8_t *pointer = pointers + 2 * page_random_below(test, cells % 200 + 1);
    uint8_t *cell = page + rf_load_be16(pointer) % (size - 8);
    switch (page_random_below(test, 9)) {
    case 0:
        header[0] = (uint8_t[]){2, 5, 10, 13, 0}[page_random_below(test, 5)];
        break;
    case 1:
        header[4] = (uint8_t)page_random(test);
        break;
    case 2:
        put_be32(header + 8, bent_page(fuzz, number));
        break;
    case 3:
        put_be32(cell, bent_page(fuzz, number));
        break;
    case 4:
        pointer[page_random_below(test, 2)] ^= (uint8_t)page_random(test);
        break;
    case 5:
        memcpy(pointer, pointers + 2 * page_random_below(test, cells % 200 + 1), 2);
        break;
    case 6:
        cell[page_random_below(test, 8)] ^= (uint8_t)(1u << page_random_below(test, 8));
        break;
    case 7:
        memset(cell, 0xff, 1 + page_random_below(test, 8));
        break;
    default:
        put_be32(page, bent_page(fuzz, number));
        break; /* the next page of an overflow chain */
    }
}

static void damage_once(struct fuzz *fuzz, uint32_t number) {
    struct page_db *test = &fuzz->test;
    uint32_t size = fuzz->damaged->pages.page_size;
    uint8_t *page = page_at(fuzz, number);
    switch (page_random_below(test, 12)) {
    case 0:
        memset(page, 0, size);
        break;
    case 1:
        memcpy(page, page_at(fuzz, random_page(fuzz)), size);
        break;
    case 2:
        page[page_random_below(test, size)] = (uint8_t)page_random(test);
        break;
    case 3:
        page[page_random_below(test, size)] ^= (uint8_t)(1u << page_random_below(test, 8));
        break;
    case 4: {
        size_t at = page_random_below(test, size);
        size_t length = page_random_below(test, size - at + 1);
        for (size_t i = 0; i < length; i++) {
            page[at + i] = (uint8_t)page_random(test);
        }
        break;
    }
    default:
        bend(fuzz, page, number);
        break;
    }
}

/* SQLite takes a short cut over pointer maps (§1.8) when it skips along an overflow chain, and so
 * finds damage there that no row suffers from. */
static bool is_pointer_map(const struct fuzz *fuzz, const struct page_shape *shape,
                           uint32_t number) {
    uint32_t every = fuzz->sound->pages.usable / 5 + 1;
    return shape->auto_vacuum && number >= 2 && (number - 2) % every == 0;
}

static void damage(struct fuzz *fuzz, const struct page_shape *shape) {
    memcpy(fuzz->damaged->bytes, fuzz->sound->bytes,
           (size_t)fuzz->sound->pages.page_count * fuzz->sound->pages.page_size);
    uint64_t times = 1 + page_random_below(&fuzz->test, 4);
    for (uint64_t i = 0; i < times; i++) {
        uint32_t number = random_page(fuzz);
        while (is_pointer_map(fuzz, shape, number) ||
               (number == 1 && page_random_below(&fuzz->test, 8))) { /* the schema: not too often */
            number = random_page(fuzz);
        }
        damage_once(fuzz, number);
    }
}

/* ---- reading what is damaged ---- */

/* From memory, with the layouts of the sound database: whatever comes, comes to an end. */
static void read_all(struct fuzz *fuzz, bool identities) {
    struct page_reading *reading = &fuzz->reading;
    for (uint32_t i = 0; i < reading->manifest.table_count; i++) {
        const struct rf_table *table = &reading->manifest.tables[i].table;
        struct rf_page_layout *layout = page_reading_layout(reading, table);
        struct page_walk walk;
        struct rf_error error = {0};
        if (!layout) {
            continue;
        }
        page_walk_begin(&walk, &fuzz->damaged->pages, layout,
                        page_reading_root(reading, table->name), identities);
        const struct rf_page_leaf *leaf = NULL;
        const struct page_row *row = NULL;
        enum rf_code code = page_walk_leaf(&walk, &leaf, &error);
        while (code == RF_OK && leaf) {
            do {
                code = page_walk_row(&walk, &row, &error);
                fuzz->rows += row != NULL;
            } while (code == RF_OK && row);
            if (code == RF_OK) {
                code = page_walk_leaf(&walk, &leaf, &error);
            }
        }
        cr_assert(code == RF_OK || code == RF_UNUSUAL);
        cr_assert(code == RF_OK || error.what[0]);
        page_walk_end(&walk);
        rf_page_layout_free(layout);
    }
}

static void write_damaged(struct fuzz *fuzz) {
    FILE *file = fopen(fuzz->path, "wb");
    cr_assert_not_null(file);
    size_t size = fuzz->damaged->pages.page_size;
    cr_assert_eq(fwrite(fuzz->damaged->bytes, size, fuzz->damaged->pages.page_count, file),
                 fuzz->damaged->pages.page_count);
    fclose(file);
}

/* Whether SQLite makes sense of the schema. */
static bool opens(const char *path) {
    atomic_int stop = 0;
    struct rf_source *source = NULL;
    struct rf_manifest manifest = {0};
    struct rf_selection all = {0};
    struct rf_error error = {0};
    struct rf_source_options options = {.database = path, .stop = &stop};
    bool opened = rf_source_open(&options, &source, &error) == RF_OK &&
                  rf_schema_read(source, &all, &manifest, &error) == RF_OK;
    rf_manifest_release(&manifest);
    rf_source_close(source);
    return opened;
}

static void compare_with_sqlite(struct fuzz *fuzz, uint64_t round) {
    char what[100];
    struct page_reading reading;
    write_damaged(fuzz);
    if (!opens(fuzz->path)) {
        fuzz->not_opened++;
        return;
    }
    snprintf(what, sizeof what, "seed %llu, round %llu", (unsigned long long)fuzz->test.seed,
             (unsigned long long)round);
    page_reading_begin(&reading, fuzz->path);
    for (uint32_t i = 0; reading.pages && i < reading.manifest.table_count; i++) {
        const struct rf_table *table = &reading.manifest.tables[i].table;
        fuzz->verdicts[page_compare(&reading, reading.pages, table, what)]++;
    }
    page_reading_end(&reading);
}

static void fuzz_shape(const struct page_shape *shape, uint64_t seed) {
    const char *given = getenv("RF_TEST_ROUNDS");
    uint64_t rounds = given ? strtoull(given, NULL, 10) : 150;
    struct fuzz fuzz;
    fuzz_begin(&fuzz, seed, shape);
    for (uint64_t round = 0; round < rounds; round++) {
        alarm(60); /* a hang is a failure */
        damage(&fuzz, shape);
        read_all(&fuzz, round % 2);
        compare_with_sqlite(&fuzz, round);
    }
    alarm(0);
    cr_log_info("seed %llu: tables the same %llu, unusual %llu, refused by SQLite %llu; files not "
                "opened %llu; rows %llu",
                (unsigned long long)fuzz.test.seed, (unsigned long long)fuzz.verdicts[PAGE_SAME],
                (unsigned long long)fuzz.verdicts[PAGE_UNUSUAL],
                (unsigned long long)fuzz.verdicts[PAGE_REFUSED],
                (unsigned long long)fuzz.not_opened, (unsigned long long)fuzz.rows);
    fuzz_end(&fuzz);
}

Test(page_fuzz, small_pages) {
    fuzz_shape(&(struct page_shape){.page_size = 512, .encoding = "UTF-8"}, 7001);
}

Test(page_fuzz, reserved_bytes_and_auto_vacuum) {
    fuzz_shape(
        &(struct page_shape){
            .page_size = 1024, .encoding = "UTF-16le", .auto_vacuum = 1, .reserved = 19},
        7002);
}

Test(page_fuzz, usual_pages) {
    fuzz_shape(&(struct page_shape){.page_size = 4096, .encoding = "UTF-8"}, 7003);
}

Test(page_fuzz, largest_pages) {
    fuzz_shape(&(struct page_shape){.page_size = 65536, .encoding = "UTF-16be"}, 7004);
}
