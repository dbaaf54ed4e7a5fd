/* Records and pages written out by hand, by the letter of the file format: what SQLite itself never
 * writes, or only on odd days. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "capture/page_record.h"
#include "format/value.h"
#include "page_support.h"

/* A table of columns declared as given, "rowid" standing for the alias. */
struct made {
    struct rf_table table;
    struct rf_page_layout *layout;
    struct rf_record_reader reader;
    struct rf_buffer cells; /* of the last row */
    struct rf_error error;
};

static void make(struct made *made, const char *const *declared, uint32_t count) {
    memset(made, 0, sizeof *made);
    made->table.alias = -1;
    made->table.column_count = count;
    made->table.columns = calloc(count, sizeof *made->table.columns);
    for (uint32_t i = 0; i < count; i++) {
        struct rf_column *column = &made->table.columns[i];
        column->name = strdup("c");
        column->declared = strdup(declared[i]);
        if (strcmp(declared[i], "rowid") == 0) {
            made->table.alias = (int32_t)i;
        }
    }
    cr_assert_eq(rf_page_layout_new(&made->table, RF_SOURCE_UTF8, &made->layout, &made->error),
                 RF_OK, "%s", made->error.what);
    cr_assert_eq(rf_record_reader_init(&made->reader, made->layout, &made->error), RF_OK);
}

static void unmake(struct made *made) {
    rf_record_reader_release(&made->reader);
    rf_buffer_release(&made->cells);
    rf_page_layout_free(made->layout);
    rf_table_release(&made->table);
}

/* The bytes lie at the very end of what may be read: 32 bytes behind them, and not one more. */
static enum rf_code read_record(struct made *made, const void *bytes, size_t size) {
    uint8_t *copy = malloc(size + RF_PAGE_SLACK);
    memcpy(copy, bytes, size);
    memset(copy + size, 0xff, RF_PAGE_SLACK);
    rf_buffer_clear(&made->cells);
    enum rf_code code = rf_record_read(&made->reader, copy, size, -5, &made->cells, &made->error);
    free(copy);
    return code;
}

static void expect_row(const struct made *made, const struct rf_value *values, size_t count,
                       const char *what) {
    struct rf_buffer expected = {0};
    for (size_t i = 0; i < count; i++) {
        rf_row_put(&expected, &values[i]);
    }
    cr_assert_eq(made->cells.size, expected.size, "%s", what);
    cr_assert_arr_eq(made->cells.bytes, expected.bytes, expected.size, "%s", what);
    rf_buffer_release(&expected);
}

#define INTEGER(number) \
    { .class = RF_INTEGER, .integer = (number) }
#define REAL(number) \
    { .class = RF_REAL, .real = (number) }
#define TEXT(string) \
    { .class = RF_TEXT, .size = sizeof(string) - 1, .bytes = (const uint8_t *)(string) }
#define BLOB(string) \
    { .class = RF_BLOB, .size = sizeof(string) - 1, .bytes = (const uint8_t *)(string) }
#define NONE \
    { .class = RF_NULL }
#define READ(made, bytes) read_record((made), (bytes), sizeof(bytes) - 1)

Test(page_record, every_serial_type) {
    struct made made;
    static const char *const declared[] = {"", "", "", "", "", "", "", "", "", "", "", ""};
    make(&made, declared, 12);
    cr_assert_eq(READ(&made, "\x0d\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x10\x11"
                             "\x80"
                             "\x7f\xff"
                             "\x80\x00\x00"
                             "\xff\xff\xff\xfe"
                             "\x7f\xff\xff\xff\xff\xff"
                             "\x80\x00\x00\x00\x00\x00\x00\x00"
                             "\x80\x00\x00\x00\x00\x00\x00\x00"
                             "\x00\xff"
                             "\xc3\xa9"),
                 RF_OK, "%s", made.error.what);
    const struct rf_value expected[] = {NONE,
                                        INTEGER(-128),
                                        INTEGER(32767),
                                        INTEGER(-8388608),
                                        INTEGER(-2),
                                        INTEGER(140737488355327),
                                        INTEGER(INT64_MIN),
                                        REAL(-0.0),
                                        INTEGER(0),
                                        INTEGER(1),
                                        BLOB("\x00\xff"),
                                        TEXT("\xc3\xa9")};
    expect_row(&made, expected, 12, "one of each");
    unmake(&made);
}

Test(page_record, reals) {
    struct made made;
    static const char *const declared[] = {"REAL", "DOUBLE",  "FLOAT",
                                           "REAL", "INTEGER", "FLOATING POINT"};
    make(&made, declared, 6);
    cr_assert_eq(READ(&made, "\x07\x01\x09\x07\x08\x06\x06"
                             "\x85"
                             "\x7f\xf8\x00\x00\x00\x00\x00\x00"
                             "\x7f\xff\xff\xff\xff\xff\xff\xff"
                             "\x00\x20\x00\x00\x00\x00\x00\x01"),
                 RF_OK);
    const struct rf_value expected[] = {
        REAL(-123.0), REAL(1.0), NONE, REAL(0.0), INTEGER(INT64_MAX), INTEGER(9007199254740993)};
    expect_row(&made, expected, 6, "whole numbers in REAL columns, and NaN");
    unmake(&made);
}

Test(page_record, rowid_and_short_and_long_records) {
    struct made made;
    static const char *const declared[] = {"", "rowid", "", ""};
    make(&made, declared, 4);
    const struct rf_value whole[] = {TEXT("a"), INTEGER(-5), INTEGER(7), NONE};
    cr_assert_eq(READ(&made, "\x05\x0f\x00\x01\x00"
                             "a\x07"),
                 RF_OK);
    expect_row(&made, whole, 4, "the rowid for its alias");
    cr_assert_eq(READ(&made, "\x05\x0f\x01\x01\x00"
                             "a\x63\x07"),
                 RF_OK);
    expect_row(&made, whole, 4, "whatever is stored in its place");
    cr_assert_eq(READ(&made, "\x02\x0f"
                             "a"),
                 RF_OK);
    const struct rf_value shorter[] = {TEXT("a"), INTEGER(-5), NONE, NONE};
    expect_row(&made, shorter, 4, "a record that ends before it");
    cr_assert_eq(READ(&made, "\x08\x0f\x00\x01\x00\x12\x04\x01"
                             "a\x07"
                             "xyz"
                             "\x01\x02\x03\x04"
                             "\x09"),
                 RF_OK);
    expect_row(&made, whole, 4, "values behind the last column");

    uint8_t cell[] = {RF_TEXT, 1, 0, 0, 0, 'd'};
    cr_assert_eq(rf_page_layout_default(made.layout, 2, cell, sizeof cell, &made.error), RF_OK);
    cr_assert_eq(READ(&made, "\x02\x0f"
                             "a"),
                 RF_OK);
    const struct rf_value with_default[] = {TEXT("a"), INTEGER(-5), TEXT("d"), NONE};
    expect_row(&made, with_default, 4, "a default");
    unmake(&made);
}

Test(page_record, default_that_is_not_known) {
    struct made made;
    static const char *const declared[] = {"", ""};
    make(&made, declared, 2);
    made.layout->columns[1].default_known = false;
    cr_assert_eq(READ(&made, "\x02\x09"), RF_UNUSUAL);
    cr_assert_eq(READ(&made, "\x03\x09\x08"), RF_OK);
    unmake(&made);
}

Test(page_record, malformed) {
    struct made made;
    static const char *const declared[] = {"", ""};
    static const struct {
        const char *bytes;
        size_t size;
        const char *what;
    } cases[] = {
        {"", 0, "nothing"},
        {"\x00", 1, "a header of no bytes"},
        {"\x01", 1, "a header of nothing but its size"},
        {"\x04\x01\x01", 3, "a header longer than the record"},
        {"\x03\x0a\x00", 3, "type 10"},
        {"\x03\x00\x0b", 3, "type 11"},
        {"\x03\x06\x00\x01", 4, "an integer that is cut off"},
        {"\x03\x17\x00hell", 7, "a text that is cut off"},
        {"\x03\x01\x00\x05\x06", 5, "bytes that belong to no value"},
        {"\x02\x81\x01", 3, "a type that goes on behind the header"},
        {"\x04\x00\x00\x0a", 4, "type 10 behind the last column"},
        {"\x04\x00\x00\x06\x01", 5, "a value behind the last column that is cut off"},
        {"\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 11, "the longest text there can be"},
        {"\x81\x00\x00", 3, "a header size that is not there"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9, "the largest header there can be"},
    };
    make(&made, declared, 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_eq(read_record(&made, cases[i].bytes, cases[i].size), RF_UNUSUAL, "%s",
                     cases[i].what);
    }
    /* Longer varints than are needed are odd, but say what they say. */
    cr_assert_eq(READ(&made, "\x80\x06\x80\x80\x01\x08\x07"), RF_OK);
    const struct rf_value expected[] = {INTEGER(7), INTEGER(0)};
    expect_row(&made, expected, 2, "long varints");
    unmake(&made);
}

/* ---- layouts ---- */

Test(page_record, layouts_that_are_unusual) {
    struct rf_page_layout *layout = NULL;
    struct rf_error error = {0};
    struct rf_column columns[] = {{.name = (char[]){"a"}, .declared = (char[]){"INTEGER"}},
                                  {.name = (char[]){"b"}}};
    uint32_t key[] = {0};
    struct rf_table table = {.alias = -1, .column_count = 2, .columns = columns};
    cr_assert_eq(rf_page_layout_new(&table, RF_SOURCE_UTF8, &layout, &error), RF_OK);
    rf_page_layout_free(layout);

    table.key = key;
    table.key_count = 1;
    cr_assert_eq(rf_page_layout_new(&table, RF_SOURCE_UTF8, &layout, &error), RF_UNUSUAL,
                 "a key of one column that has no index is the rowid");
    table.key_kind = RF_KEY_COLUMNS;
    cr_assert_eq(rf_page_layout_new(&table, RF_SOURCE_UTF8, &layout, &error), RF_UNUSUAL,
                 "a WITHOUT ROWID table without a key");
    struct rf_index_part part = {.collation = (char[]){"BINARY"}};
    struct rf_index index = {.origin = 'p', .part_count = 1, .parts = &part};
    table.index_count = 1;
    table.indexes = &index;
    cr_assert_eq(rf_page_layout_new(&table, RF_SOURCE_UTF8, &layout, &error), RF_UNUSUAL,
                 "a key made of an expression");
    part.column = (char[]){"A"};
    cr_assert_eq(rf_page_layout_new(&table, RF_SOURCE_UTF8, &layout, &error), RF_OK);
    cr_assert(layout->ordered);
    rf_page_layout_free(layout);
    columns[1].generated = RF_GENERATED_VIRTUAL;
    cr_assert_eq(rf_page_layout_new(&table, RF_SOURCE_UTF8, &layout, &error), RF_UNUSUAL);
}

/* What makes other rows of the same pages must make another fingerprint. */
Test(page_record, fingerprints) {
    struct rf_error error = {0};
    struct rf_hash all[7];
    struct rf_column columns[] = {{.name = (char[]){"a"}, .declared = (char[]){"REAL"}},
                                  {.name = (char[]){"b"}}};
    struct rf_table table = {.alias = -1, .column_count = 2, .columns = columns};
    for (int i = 0; i < 7; i++) {
        struct rf_page_layout *layout = NULL;
        table.column_count = i == 1 ? 1 : 2;
        columns[0].declared = i == 2 ? (char[]){"INT"} : (char[]){"REAL"};
        table.alias = i == 3 ? 1 : -1;
        table.key_count = i >= 5 ? 2 : 0;
        table.key = i == 5 ? (uint32_t[]){0, 1} : (uint32_t[]){1, 0};
        cr_assert_eq(rf_page_layout_new(&table, RF_SOURCE_UTF8, &layout, &error), RF_OK);
        if (i == 4) {
            uint8_t cell[9] = {RF_INTEGER, 1};
            cr_assert_eq(rf_page_layout_default(layout, 1, cell, sizeof cell, &error), RF_OK);
        }
        cr_assert_eq(rf_page_layout_fingerprint(layout, &all[i], &error), RF_OK);
        for (int j = 0; j < i; j++) {
            cr_assert_not(rf_hash_equal(all[i], all[j]), "%d and %d", i, j);
        }
        rf_page_layout_free(layout);
    }
}
