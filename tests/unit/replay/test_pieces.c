/* Small parts: keys as JSON, templates, tuples, the sifting of differences, counts of a run, what
 * SQLSTATEs mean. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/io.h"
#include "replay/json_key.h"
#include "replay/result.h"
#include "replay/server_error.h"
#include "replay/sift.h"
#include "replay/template.h"
#include "replay/tuple.h"
#include "rows.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *of(struct rf_buffer *buffer) {
    rf_buffer_u8(buffer, 0);
    return (const char *)buffer->bytes;
}

/* ---- keys in rowferry.set_aside ---- */

static void expect_key(const struct rf_manifest_table *table, const struct rf_value *values,
                       const char *expected) {
    struct test_rows rows;
    test_rows_make(&rows, values, table->table.column_count, 1);
    struct rf_buffer out = {0};
    rf_json_key(&table->table, &rows.rows, 0, -7, &out);
    cr_expect_str_eq(of(&out), expected);
    rf_buffer_release(&out);
    test_rows_release(&rows);
}

Test(json_key, of_every_kind) {
    struct rf_manifest_table table = test_table("t", 3);
    test_column(&table, 0, "a", NULL);
    test_column(&table, 1, "say \"b\"", NULL);
    test_column(&table, 2, "c", NULL);
    expect_key(&table, (struct rf_value[3]){{0}, {0}, {0}}, "{\"rowid\": -7}");
    table.table.key_kind = RF_KEY_ORDINAL;
    expect_key(&table, (struct rf_value[3]){{0}, {0}, {0}}, "{\"place\": -7}");
    test_key(&table, 2, (const uint32_t[]){1, 0});
    expect_key(&table, (struct rf_value[3]){integer_value(-5), text_value("q\"\\\n\x7f é"), {0}},
               "{\"say \\\"b\\\"\": \"q\\\"\\\\\\u000a\\u007f é\", \"a\": -5}");
    expect_key(&table, (struct rf_value[3]){real_value(1.5), null_value(), {0}},
               "{\"say \\\"b\\\"\": null, \"a\": 1.5}");
    expect_key(&table, (struct rf_value[3]){real_value(-INFINITY), bytes_value(RF_BLOB, "\0z", 2)},
               "{\"say \\\"b\\\"\": \"\\\\x007a\", \"a\": \"-Inf\"}");
    expect_key(
        &table,
        (struct rf_value[3]){bytes_value(RF_TEXT, "\xff", 1), bytes_value(RF_TEXT, "a\0", 2)},
        "{\"say \\\"b\\\"\": \"a\\u0000\", \"a\": \"\\\\xff\"}");
    rf_manifest_table_release(&table);
}

Test(json_key, a_long_value_is_told_by_its_hash) {
    struct rf_manifest_table table = test_table("t", 1);
    test_column(&table, 0, "a", NULL);
    test_key(&table, 1, (const uint32_t[]){0});
    char *text = malloc(70000);
    memset(text, 'x', 70000);
    const struct rf_value value = bytes_value(RF_TEXT, text, 70000);
    char hash[RF_HASH_HEX], expected[100];
    snprintf(expected, sizeof expected, "{\"a\": {\"bytes\": 70000, \"hash\": \"%s\"}}",
             rf_hash_text(rf_hash_bytes(text, 70000), hash));
    expect_key(&table, &value, expected);
    free(text);
    rf_manifest_table_release(&table);
}

/* ---- templates ---- */

Test(template, places_are_filled_and_braces_in_names_are_not_places) {
    struct rf_buffer name = {0}, sql = {0};
    rf_buffer_printf(&name, "\"{x}\"");
    const struct rf_template_part part = {.place = "target", .text = &name};
    rf_template_fill("DELETE FROM {target} WHERE {target} = 1", &part, 1, &sql);
    cr_expect_str_eq(of(&sql), "DELETE FROM \"{x}\" WHERE \"{x}\" = 1");
    rf_buffer_clear(&sql);
    rf_template_fill("SELECT {nothing}", &part, 1, &sql);
    cr_expect(sql.failed);
    rf_buffer_release(&name);
    rf_buffer_release(&sql);
}

/* ---- tuples ---- */

static struct rf_plan keyed_plan(uint32_t *key, uint32_t key_count) {
    return (struct rf_plan){.column_count = 3, .key_count = key_count, .key = key};
}

static const uint8_t one_tuple[] = "\0\3\0\0\0\1a\xff\xff\xff\xff\0\0\0\2bc"
                                   "\0\3";
#define ONE_TUPLE 17u

Test(tuple, ends_where_its_fields_end) {
    struct rf_arena arena = {0};
    struct rf_error error;
    struct rf_tuple_reader reader;
    struct rf_tuple tuple;
    uint32_t key[] = {2, 0};
    const struct rf_plan plan = keyed_plan(key, 2);
    cr_assert_eq(rf_tuple_reader_init(&reader, &plan, &arena, &error), RF_OK);
    for (size_t size = 0; size < ONE_TUPLE; size++) {
        cr_expect_eq(rf_tuple_read(&reader, one_tuple, size, &tuple), RF_TUPLE_CUT, "%zu", size);
    }
    cr_expect_eq(rf_tuple_read(&reader, one_tuple, ONE_TUPLE + 2, &tuple), RF_TUPLE_WHOLE);
    cr_expect_eq(tuple.size, ONE_TUPLE);
    cr_expect_eq(rf_tuple_read(&reader, (const uint8_t *)"\xff\xff", 2, &tuple), RF_TUPLE_LAST);
    cr_expect_eq(rf_tuple_read(&reader, (const uint8_t *)"\0\4", 2, &tuple), RF_TUPLE_BAD);
    uint32_t size;
    cr_expect_eq(rf_tuple_field(one_tuple, 2, &size), one_tuple + ONE_TUPLE - 2);
    cr_expect_eq(size, 2);
    cr_expect_null(rf_tuple_field(one_tuple, 1, &size));
    rf_arena_release(&arena);
}

/* Rows with the same key must meet, whatever else is in them; without a key only equal rows do. */
Test(tuple, key_and_row_hashes) {
    static const uint8_t other[] = "\0\3\0\0\0\1a\0\0\0\1x\0\0\0\2bc";
    struct rf_arena arena = {0};
    struct rf_error error;
    struct rf_tuple_reader by_key, by_other_key, by_row;
    uint32_t key[] = {2, 0}, other_key[] = {0, 2};
    const struct rf_plan keyed = keyed_plan(key, 2), turned = keyed_plan(other_key, 2),
                         keyless = keyed_plan(NULL, 0);
    cr_assert_eq(rf_tuple_reader_init(&by_key, &keyed, &arena, &error), RF_OK);
    cr_assert_eq(rf_tuple_reader_init(&by_other_key, &turned, &arena, &error), RF_OK);
    cr_assert_eq(rf_tuple_reader_init(&by_row, &keyless, &arena, &error), RF_OK);
    struct rf_tuple a, b, c;
    cr_assert_eq(rf_tuple_read(&by_key, one_tuple, ONE_TUPLE, &a), RF_TUPLE_WHOLE);
    cr_assert_eq(rf_tuple_read(&by_key, other, sizeof other - 1, &b), RF_TUPLE_WHOLE);
    cr_expect(rf_hash_equal(a.key, b.key));
    cr_expect_not(rf_hash_equal(a.row, b.row));
    cr_assert_eq(rf_tuple_read(&by_other_key, one_tuple, ONE_TUPLE, &c), RF_TUPLE_WHOLE);
    cr_expect_not(rf_hash_equal(a.key, c.key));
    cr_assert_eq(rf_tuple_read(&by_row, one_tuple, ONE_TUPLE, &c), RF_TUPLE_WHOLE);
    cr_expect(rf_hash_equal(c.key, c.row));
    cr_expect(rf_hash_equal(a.row, c.row));
    const struct rf_tuple_reader no_keys = {.columns = 3};
    cr_assert_eq(rf_tuple_read(&no_keys, one_tuple, ONE_TUPLE, &c), RF_TUPLE_WHOLE);
    cr_expect(rf_hash_equal(a.row, c.row));
    cr_expect_eq(c.size, ONE_TUPLE);
    rf_arena_release(&arena);
}

/* ---- sifting ---- */

struct sifted {
    size_t entries;
    uint64_t rows;
    bool sorted;
};

static enum rf_code count_sifted(void *context, const struct rf_sift_entry *entries, size_t count,
                                 struct rf_error *error) {
    (void)error;
    struct sifted *sifted = context;
    for (size_t i = 0; i < count; i++) {
        sifted->entries++;
        sifted->rows += (uint64_t)llabs(entries[i].count);
        bool later = i == 0 || entries[i - 1].key.high != entries[i].key.high ||
                     entries[i - 1].key.low <= entries[i].key.low;
        sifted->sorted = sifted->sorted && later;
    }
    return RF_OK;
}

static struct rf_sift_entry entry_of(uint64_t number, int32_t count) {
    struct rf_hash hash = rf_hash_bytes(&number, sizeof number);
    return (struct rf_sift_entry){.key = hash, .row = hash, .count = count};
}

/* With memory for some hundred entries, so that most go through the file. */
Test(sift, what_is_on_both_sides_cancels_out) {
    struct rf_error error;
    struct rf_sift *sift;
    cr_assert_eq(rf_sift_new(rf_io_posix(), 20000, 16384, &sift, &error), RF_OK);
    for (uint64_t i = 0; i < 10000; i++) {
        const struct rf_sift_entry here = entry_of(i, 1);
        cr_assert_eq(rf_sift_add(sift, &here, &error), RF_OK);
    }
    for (uint64_t i = 10; i < 10003; i++) {
        const struct rf_sift_entry there = entry_of(i, -1);
        cr_assert_eq(rf_sift_add(sift, &there, &error), RF_OK);
    }
    struct sifted sifted = {.sorted = true};
    cr_assert_eq(rf_sift_visit(sift, count_sifted, &sifted, &error), RF_OK);
    cr_expect_eq(sifted.entries, 13);
    cr_expect_eq(sifted.rows, 13);
    cr_expect(sifted.sorted);
    rf_sift_free(sift);
}

/* A table without a key may hold one row a million times: all of it falls to one partition. */
Test(sift, equal_entries_become_one) {
    struct rf_error error;
    struct rf_sift *sift;
    cr_assert_eq(rf_sift_new(rf_io_posix(), 100000, 16384, &sift, &error), RF_OK);
    const struct rf_sift_entry same = entry_of(1, 1);
    for (int i = 0; i < 100000; i++) {
        cr_assert_eq(rf_sift_add(sift, &same, &error), RF_OK);
    }
    struct sifted sifted = {.sorted = true};
    cr_assert_eq(rf_sift_visit(sift, count_sifted, &sifted, &error), RF_OK);
    cr_expect_eq(sifted.entries, 1);
    cr_expect_eq(sifted.rows, 100000);
    rf_sift_free(sift);
}

Test(sift, rows_aside_do_not_cancel_rows_in_the_table) {
    struct rf_error error;
    struct rf_sift *sift;
    cr_assert_eq(rf_sift_new(rf_io_posix(), 2, RF_SIFT_MEMORY, &sift, &error), RF_OK);
    struct rf_sift_entry here = entry_of(1, 1), aside = entry_of(1, -1);
    aside.aside = 1;
    cr_assert_eq(rf_sift_add(sift, &here, &error), RF_OK);
    cr_assert_eq(rf_sift_add(sift, &aside, &error), RF_OK);
    struct sifted sifted = {.sorted = true};
    cr_assert_eq(rf_sift_visit(sift, count_sifted, &sifted, &error), RF_OK);
    cr_expect_eq(sifted.entries, 2);
    rf_sift_free(sift);
}

/* ---- counts ---- */

Test(result, counts_of_a_table_add_up) {
    struct rf_error error;
    struct rf_replay_result result = {0};
    const char *const tables[] = {"m", "b", "z", "b", "a", "m", "n", "b"};
    for (size_t i = 0; i < COUNT(tables); i++) {
        char name[2] = {*tables[i], 0};
        const struct rf_counts counts = {
            .name = name, .inserted = 1, .updated = 2, .deleted = 3, .set_aside = 4};
        cr_assert_eq(rf_result_add(&result, &counts, &error), RF_OK);
    }
    cr_assert_eq(result.table_count, 5);
    const char *const sorted[] = {"a", "b", "m", "n", "z"};
    for (size_t i = 0; i < COUNT(sorted); i++) {
        cr_expect_str_eq(result.tables[i].name, sorted[i]);
    }
    cr_expect_eq(result.tables[1].inserted, 3);
    cr_expect_eq(result.total.deleted, 24);
    cr_expect_eq(result.total.set_aside, 32);
    rf_replay_result_release(&result);
    rf_replay_result_release(&result);
}

/* ---- what the server's errors mean ---- */

Test(server_error, exit_codes_rest_on_these) {
    const struct {
        const char *state;
        enum rf_code code;
    } cases[] = {
        {"08006", RF_CONNECT},   {"28P01", RF_CONNECT},   {"28000", RF_CONNECT},
        {"3D000", RF_CONNECT},   {"42501", RF_CONNECT},   {"57P01", RF_CONNECT},
        {"57P03", RF_CONNECT},   {"53300", RF_CONNECT},   {"2BP01", RF_MISPLACED},
        {"42P07", RF_MISPLACED}, {"25006", RF_MISPLACED}, {"23505", RF_FAILED},
        {"57014", RF_FAILED},    {"53100", RF_FAILED},    {"", RF_FAILED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_expect_eq(rf_server_code(cases[i].state), cases[i].code, "%s", cases[i].state);
    }
    cr_expect_eq(rf_server_code(NULL), RF_FAILED);
    cr_expect_null(rf_server_hint("23505"));
    cr_expect_not_null(rf_server_hint("2BP01"));
}
