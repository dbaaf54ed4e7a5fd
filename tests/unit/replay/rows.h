/* Rows and tables for tests, as archives would hand them over. */
#ifndef RF_TESTS_REPLAY_ROWS_H
#define RF_TESTS_REPLAY_ROWS_H

#include "format/block.h"
#include "format/manifest.h"

static inline struct rf_value null_value(void) {
    return (struct rf_value){.class = RF_NULL};
}
static inline struct rf_value integer_value(int64_t integer) {
    return (struct rf_value){.class = RF_INTEGER, .integer = integer};
}
static inline struct rf_value real_value(double real) {
    return (struct rf_value){.class = RF_REAL, .real = real};
}
struct rf_value text_value(const char *text);
struct rf_value bytes_value(enum rf_class class, const void *bytes, uint32_t size);

/* A block of `count` rows of `columns` cells each, written and read back by the archive library;
 * rowids from 1 on. Ends the test when that fails. */
struct test_rows {
    struct rf_rows rows;
    struct rf_codec *codec;
    struct rf_buffer stored;
};
void test_rows_make(struct test_rows *rows, const struct rf_value *values, uint32_t columns,
                    uint32_t count);
void test_rows_release(struct test_rows *rows);

/* A table with a census, to be filled in. Strings are copied. */
struct rf_manifest_table test_table(const char *name, uint32_t columns);
void test_column(struct rf_manifest_table *table, uint32_t column, const char *name,
                 const char *declared);
/* What the column holds, by class. */
void test_census(struct rf_manifest_table *table, uint32_t column, uint64_t nulls,
                 uint64_t integers, uint64_t reals, uint64_t texts, uint64_t blobs);
/* The same for all columns, from the rows themselves; and how many rows there are. */
void test_census_of(struct rf_manifest_table *table, const struct rf_value *values, uint32_t count);
void test_key(struct rf_manifest_table *table, uint32_t count, const uint32_t *columns);
/* `parts`: column names, NULL-terminated; an empty one stands for an expression. */
struct rf_index *test_index(struct rf_manifest_table *table, const char *name, char origin,
                            bool unique, const char *const *parts);

#endif
