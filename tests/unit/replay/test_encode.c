/* If these fail, Postgres is sent other values than SQLite has, or ones that it refuses. The bytes
 * are what PostgreSQL 15.18 wrote for COPY (SELECT …) TO STDOUT (FORMAT binary). */
#include "replay/encode.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rows.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct rf_encoder_column column_as(const struct rf_conversion *conversion, uint32_t cell) {
    return (struct rf_encoder_column){.conversion = conversion, .cell = cell};
}

/* The bytes of the tuple of one row, all of whose columns are converted alike. */
static void expect_tuple(const struct rf_conversion *conversion, const struct rf_value *values,
                         uint32_t columns, const char *bytes, size_t size) {
    struct rf_encoder_column how[16];
    for (uint32_t i = 0; i < columns; i++) {
        how[i] = column_as(conversion, i);
    }
    struct test_rows rows;
    test_rows_make(&rows, values, columns, 1);
    struct rf_buffer out = {0};
    uint32_t column = 0;
    const struct rf_encoder encoder = {.count = columns, .columns = how};
    cr_expect_eq(rf_encode_row(&encoder, &rows.rows, 0, &out, &column), RF_FITS, "column %u",
                 column);
    cr_assert_eq(out.size, size);
    cr_expect_arr_eq(out.bytes, bytes, size);
    rf_buffer_release(&out);
    test_rows_release(&rows);
}

Test(encode, bigint) {
    const struct rf_value values[] = {integer_value(7), integer_value(-1), integer_value(INT64_MAX),
                                      integer_value(INT64_MIN)};
    static const char bytes[] = "\0\4"
                                "\0\0\0\10\0\0\0\0\0\0\0\7"
                                "\0\0\0\10\xff\xff\xff\xff\xff\xff\xff\xff"
                                "\0\0\0\10\x7f\xff\xff\xff\xff\xff\xff\xff"
                                "\0\0\0\10\x80\0\0\0\0\0\0\0";
    expect_tuple(&rf_as_bigint, values, COUNT(values), bytes, sizeof bytes - 1);
}

Test(encode, double_precision) {
    const struct rf_value values[] = {real_value(1.5),
                                      real_value(-0.0),
                                      real_value(__builtin_inf()),
                                      real_value(0.1),
                                      integer_value(INT64_C(9007199254740992)),
                                      real_value(5e-324)};
    static const char bytes[] = "\0\6"
                                "\0\0\0\10\x3f\xf8\0\0\0\0\0\0"
                                "\0\0\0\10\x80\0\0\0\0\0\0\0"
                                "\0\0\0\10\x7f\xf0\0\0\0\0\0\0"
                                "\0\0\0\10\x3f\xb9\x99\x99\x99\x99\x99\x9a"
                                "\0\0\0\10\x43\x40\0\0\0\0\0\0"
                                "\0\0\0\10\0\0\0\0\0\0\0\1";
    expect_tuple(&rf_as_double, values, COUNT(values), bytes, sizeof bytes - 1);
}

Test(encode, boolean_and_null) {
    const struct rf_value values[] = {integer_value(1), integer_value(0), null_value()};
    static const char bytes[] = "\0\3"
                                "\0\0\0\1\1"
                                "\0\0\0\1\0"
                                "\xff\xff\xff\xff";
    expect_tuple(&rf_as_boolean, values, COUNT(values), bytes, sizeof bytes - 1);
}

Test(encode, bytea) {
    const struct rf_value values[] = {bytes_value(RF_BLOB, "", 0),
                                      bytes_value(RF_BLOB, "\0\xff\x10", 3)};
    static const char bytes[] = "\0\2"
                                "\0\0\0\0"
                                "\0\0\0\3\0\xff\x10";
    expect_tuple(&rf_as_bytea, values, COUNT(values), bytes, sizeof bytes - 1);
}

Test(encode, text) {
    const struct rf_value values[] = {text_value(""), text_value("aé€😀"), null_value()};
    static const char bytes[] = "\0\3"
                                "\0\0\0\0"
                                "\0\0\0\12a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
                                "\xff\xff\xff\xff";
    expect_tuple(&rf_as_text, values, COUNT(values), bytes, sizeof bytes - 1);
    expect_tuple(&rf_as_text_from_any, values, COUNT(values), bytes, sizeof bytes - 1);
    expect_tuple(&rf_as_text_from_any_apart, values, COUNT(values), bytes, sizeof bytes - 1);
}

Test(encode, numbers_rendered_into_text) {
    const struct rf_value values[] = {integer_value(-12), real_value(1.0), text_value("x")};
    static const char bytes[] = "\0\3"
                                "\0\0\0\3-12"
                                "\0\0\0\3"
                                "1.0"
                                "\0\0\0\1x";
    expect_tuple(&rf_as_text_from_any, values, COUNT(values), bytes, sizeof bytes - 1);
    expect_tuple(&rf_as_text_from_any_apart, values, COUNT(values), bytes, sizeof bytes - 1);
}

Test(encode, header_and_trailer) {
    cr_expect_arr_eq(rf_copy_header, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", RF_COPY_HEADER_SIZE);
    cr_expect_arr_eq(rf_copy_trailer, "\377\377", RF_COPY_TRAILER_SIZE);
}

Test(encode, what_does_not_fit_is_refused_and_leaves_nothing_behind) {
    const struct {
        const struct rf_conversion *conversion;
        struct rf_value value;
        enum rf_misfit misfit;
    } cases[] = {
        {&rf_as_bigint, text_value("1"), RF_MISFIT_CLASS},
        {&rf_as_bigint, real_value(1.0), RF_MISFIT_CLASS},
        {&rf_as_bigint, bytes_value(RF_BLOB, "1", 1), RF_MISFIT_CLASS},
        {&rf_as_double, text_value("1.0"), RF_MISFIT_CLASS},
        {&rf_as_double, integer_value((INT64_C(1) << 53) + 1), RF_MISFIT_DOUBLE},
        {&rf_as_double, integer_value(-(INT64_C(1) << 53) - 1), RF_MISFIT_DOUBLE},
        {&rf_as_double, integer_value(INT64_MIN), RF_MISFIT_DOUBLE},
        {&rf_as_boolean, integer_value(2), RF_MISFIT_BOOLEAN},
        {&rf_as_boolean, integer_value(-1), RF_MISFIT_BOOLEAN},
        {&rf_as_boolean, text_value("true"), RF_MISFIT_CLASS},
        {&rf_as_bytea, text_value("a"), RF_MISFIT_CLASS},
        {&rf_as_text, integer_value(1), RF_MISFIT_CLASS},
        {&rf_as_text, bytes_value(RF_BLOB, "a", 1), RF_MISFIT_CLASS},
        {&rf_as_text, bytes_value(RF_TEXT, "a\0b", 3), RF_MISFIT_NUL},
        {&rf_as_text, bytes_value(RF_TEXT, "a\xff", 2), RF_MISFIT_UTF8},
        {&rf_as_text, bytes_value(RF_TEXT, "\xed\xa0\x80", 3), RF_MISFIT_UTF8},
        {&rf_as_text_from_any, bytes_value(RF_BLOB, "", 0), RF_MISFIT_CLASS},
        {&rf_as_text_from_any_apart, text_value("1"), RF_MISFIT_NUMBER_TEXT},
        {&rf_as_text_from_any_apart, text_value("-2.5"), RF_MISFIT_NUMBER_TEXT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_encoder_column how[2] = {column_as(&rf_as_bigint, 0),
                                           column_as(cases[i].conversion, 1)};
        const struct rf_encoder encoder = {.count = 2, .columns = how};
        const struct rf_value values[] = {integer_value(1), cases[i].value};
        struct test_rows rows;
        test_rows_make(&rows, values, 2, 1);
        struct rf_buffer out = {0};
        rf_buffer_append(&out, "before", 6);
        uint32_t column = 9;
        cr_expect_eq(rf_encode_row(&encoder, &rows.rows, 0, &out, &column), cases[i].misfit,
                     "case %zu", i);
        cr_expect_eq(column, 1, "case %zu", i);
        cr_expect_eq(out.size, 6, "case %zu", i);
        cr_expect_eq(rf_encode_probe(&encoder, &rows.rows, 0, 0), RF_FITS);
        cr_expect_eq(rf_encode_probe(&encoder, &rows.rows, 0, 1), cases[i].misfit, "case %zu", i);
        rf_buffer_release(&out);
        test_rows_release(&rows);
    }
}

Test(encode, null_where_the_column_takes_none) {
    struct rf_encoder_column how = column_as(&rf_as_text, 0);
    how.not_null = true;
    const struct rf_encoder encoder = {.count = 1, .columns = &how};
    const struct rf_value value = null_value();
    struct test_rows rows;
    test_rows_make(&rows, &value, 1, 1);
    struct rf_buffer out = {0};
    uint32_t column;
    cr_expect_eq(rf_encode_row(&encoder, &rows.rows, 0, &out, &column), RF_MISFIT_NULL);
    rf_buffer_release(&out);
    test_rows_release(&rows);
}

/* Where PostgreSQL 15.18 begins to refuse with "row is too big: size …, maximum size 8160". */
Test(encode, rows_that_no_page_holds) {
    const struct {
        const struct rf_conversion *conversion;
        struct rf_value value;
        uint32_t columns;
        enum rf_misfit misfit;
    } cases[] = {
        {&rf_as_bigint, integer_value(1), 1017, RF_FITS},
        {&rf_as_bigint, integer_value(1), 1018, RF_MISFIT_ROW_WIDTH},
        {&rf_as_bigint, null_value(), 1600, RF_FITS},
        {&rf_as_boolean, integer_value(1), 1599, RF_FITS},
        {&rf_as_text, text_value("twelve bytes"), 625, RF_FITS},
        {&rf_as_text, text_value("twelve bytes"), 626, RF_MISFIT_ROW_WIDTH},
        {&rf_as_text, text_value("23 bytes stay in a page"), 339, RF_FITS},
        {&rf_as_text, text_value("23 bytes stay in a page"), 340, RF_MISFIT_ROW_WIDTH},
        {&rf_as_text, text_value("24 are moved out of it.."), 452, RF_FITS},
        {&rf_as_text, text_value("24 are moved out of it.."), 453, RF_MISFIT_ROW_WIDTH},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint32_t columns = cases[i].columns, column;
        struct rf_encoder_column *how = calloc(columns, sizeof *how);
        struct rf_value *values = calloc(columns, sizeof *values);
        for (uint32_t at = 0; at < columns; at++) {
            how[at] = column_as(cases[i].conversion, at);
            values[at] = cases[i].value;
        }
        const struct rf_encoder encoder = {.count = columns, .columns = how};
        struct test_rows rows;
        test_rows_make(&rows, values, columns, 1);
        struct rf_buffer out = {0};
        cr_expect_eq(rf_encode_row(&encoder, &rows.rows, 0, &out, &column), cases[i].misfit,
                     "case %zu", i);
        rf_buffer_release(&out);
        test_rows_release(&rows);
        free(how);
        free(values);
    }
}

/* id, a column that the server computes, text: the field in the middle has to fit, and stays away. */
Test(encode, generated_fields_stay_out_of_the_tuple) {
    const struct rf_value values[] = {integer_value(7), text_value("7x"), text_value("ab"),
                                      integer_value(8), real_value(1.5),  null_value()};
    struct rf_encoder_column how[] = {column_as(&rf_as_bigint, 0), column_as(&rf_as_text, 1),
                                      column_as(&rf_as_text, 2)};
    how[1].generated = true;
    const struct rf_encoder encoder = {.count = 3, .columns = how, .generated = 1};
    struct test_rows rows;
    test_rows_make(&rows, values, 3, 2);
    struct rf_buffer out = {0};
    uint32_t column = 0;
    rf_buffer_u8(&out, 'z');
    cr_expect_eq(rf_encode_row(&encoder, &rows.rows, 0, &out, &column), RF_FITS);
    static const char bytes[] = "z\0\2"
                                "\0\0\0\10\0\0\0\0\0\0\0\7"
                                "\0\0\0\2ab";
    cr_assert_eq(out.size, sizeof bytes - 1);
    cr_expect_arr_eq(out.bytes, bytes, out.size);
    cr_expect_eq(rf_encode_row(&encoder, &rows.rows, 1, &out, &column), RF_MISFIT_CLASS);
    cr_expect_eq(column, 1);
    cr_expect_eq(out.size, sizeof bytes - 1, "nothing was added");
    rf_buffer_release(&out);
    test_rows_release(&rows);
}

static uint32_t next_random(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static struct rf_value random_value(uint64_t *state) {
    static const char bytes[] = "grün and \0 \xff then more than a word or two of text";
    static const int64_t integers[] = {0, -1, INT64_MAX, INT64_MIN, INT64_C(9007199254740993)};
    static const double reals[] = {0.0, -0.0, 1.5, 1e300, -5e-324};
    uint32_t size = next_random(state) % (uint32_t)sizeof bytes;
    switch (next_random(state) % RF_CLASSES) {
    case RF_INTEGER:
        return integer_value(integers[next_random(state) % COUNT(integers)]);
    case RF_REAL:
        return real_value(reals[next_random(state) % COUNT(reals)]);
    case RF_TEXT:
        return bytes_value(RF_TEXT, bytes, size);
    case RF_BLOB:
        return bytes_value(RF_BLOB, bytes, size);
    default:
        return null_value();
    }
}

/* What the conversions themselves make of the row, one cell after the other. */
static enum rf_misfit put_by_conversions(const struct rf_encoder *encoder,
                                         const struct rf_rows *rows, uint32_t row,
                                         struct rf_buffer *out) {
    static const uint8_t null[] = {0xff, 0xff, 0xff, 0xff};
    rf_buffer_u8(out, 0);
    rf_buffer_u8(out, (uint8_t)encoder->count);
    for (uint32_t i = 0; i < encoder->count; i++) {
        const struct rf_encoder_column *at = &encoder->columns[i];
        bool is_null = rf_rows_class(rows, at->cell, row) == RF_NULL;
        enum rf_misfit misfit =
            is_null
                ? RF_MISFIT_NULL
                : at->conversion->put(at->conversion, &rows->cells[at->cell], row, at->clean, out);
        if (misfit != RF_FITS && (at->not_null || !(is_null || at->null_misfits))) {
            return misfit;
        }
        if (misfit != RF_FITS) {
            rf_buffer_append(out, null, sizeof null);
        }
    }
    return RF_FITS;
}

/* Plain cells have a way of their own, which must come out where the conversions do: with buffers
 * that are full, half full and empty, and whatever stands beside them. */
Test(encode, plain_cells_are_put_as_their_conversions_put_them) {
    enum { COLUMNS = 6, ROWS = 40, ROUNDS = 400 };
    static const struct rf_conversion *const all[] = {
        &rf_as_bigint,         &rf_as_double,        &rf_as_boolean, &rf_as_bytea,
        &rf_as_bytea_from_any, &rf_as_text_from_any, &rf_as_numeric, &rf_as_text,
    };
    uint64_t seed = (uint64_t)time(NULL), state = seed;
    uint32_t fitting = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct rf_encoder_column how[COLUMNS];
        struct rf_value values[COLUMNS * ROWS];
        for (uint32_t i = 0; i < COLUMNS; i++) {
            how[i] = column_as(all[next_random(&state) % COUNT(all)], i);
            how[i].not_null = next_random(&state) % 8 == 0;
            how[i].clean = next_random(&state) % 2 == 0;
            how[i].null_misfits = next_random(&state) % 4 != 0;
            struct rf_value first = random_value(&state);
            bool uniform = next_random(&state) % 2 == 0;
            for (uint32_t row = 0; row < ROWS; row++) {
                values[row * COLUMNS + i] = uniform ? first : random_value(&state);
            }
        }
        const struct rf_encoder encoder = {.count = COLUMNS, .columns = how};
        struct test_rows rows;
        test_rows_make(&rows, values, COLUMNS, ROWS);
        struct rf_buffer out = {0}, expected = {0};
        for (uint32_t row = 0; row < ROWS; row++) {
            uint32_t column = 0;
            size_t before = out.size;
            rf_buffer_clear(&expected);
            enum rf_misfit wanted = put_by_conversions(&encoder, &rows.rows, row, &expected);
            cr_assert_eq(rf_encode_row(&encoder, &rows.rows, row, &out, &column), wanted,
                         "seed %llu", (unsigned long long)seed);
            size_t size = wanted == RF_FITS ? expected.size : 0;
            cr_assert_eq(out.size - before, size, "seed %llu", (unsigned long long)seed);
            cr_assert(size == 0 || memcmp(out.bytes + before, expected.bytes, size) == 0,
                      "seed %llu", (unsigned long long)seed);
            fitting += wanted == RF_FITS;
        }
        rf_buffer_release(&out);
        rf_buffer_release(&expected);
        test_rows_release(&rows);
    }
    cr_expect_gt(fitting, ROUNDS, "seed %llu: hardly a row fitted", (unsigned long long)seed);
}
