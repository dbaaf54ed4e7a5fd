/* Cells: an order other than SQLite's would pair the wrong rows of a WITHOUT ROWID table, a wrong
 * verdict on a text would send PostgreSQL bytes that it refuses. */
#include <criterion/criterion.h>
#include <math.h>

#include "format/value.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NIL \
    { .class = RF_NULL }
#define INT(n) \
    { .class = RF_INTEGER, .integer = (n) }
#define NUM(x) \
    { .class = RF_REAL, .real = (x) }
#define TXT(s) \
    { .class = RF_TEXT, .bytes = (const uint8_t *)(s), .size = sizeof(s) - 1 }
#define BLB(s) \
    { .class = RF_BLOB, .bytes = (const uint8_t *)(s), .size = sizeof(s) - 1 }

/* The ranks are SQLite 3.40's: dense_rank() OVER (ORDER BY v). */
static const struct ranked {
    int rank;
    struct rf_value value;
} ranked[] = {
    {1, NIL},
    {2, NUM(-INFINITY)},
    {3, NUM(-1e300)},
    {4, NUM(-9.3e18)},
    {5, INT(INT64_MIN)},
    {5, NUM(-9223372036854775808.0)},
    {6, INT(-INT64_MAX)},
    {7, INT(-9223372036854774784)},
    {8, NUM(-9007199254740994.0)},
    {9, INT(-9007199254740993)},
    {10, NUM(-9007199254740992.0)},
    {11, INT(-2251799813685250)},
    {12, NUM(-2251799813685249.5)},
    {13, INT(-2251799813685249)},
    {14, INT(-1)},
    {14, NUM(-1.0)},
    {15, NUM(-0.5)},
    {16, NUM(-5e-324)},
    {17, INT(0)},
    {17, NUM(0.0)},
    {17, NUM(-0.0)},
    {18, NUM(5e-324)},
    {19, NUM(0.5)},
    {20, INT(1)},
    {20, NUM(1.0)},
    {21, INT(2251799813685249)},
    {22, NUM(2251799813685249.5)},
    {23, INT(2251799813685250)},
    {24, INT(9007199254740991)},
    {25, INT(9007199254740992)},
    {25, NUM(9007199254740992.0)},
    {26, INT(9007199254740993)},
    {27, NUM(9007199254740994.0)},
    {28, INT(9223372036854774783)},
    {29, INT(9223372036854774784)},
    {29, NUM(9223372036854774784.0)},
    {30, INT(9223372036854774785)},
    {31, INT(INT64_MAX - 1)},
    {32, INT(INT64_MAX)},
    {33, NUM(9223372036854775808.0)},
    {34, NUM(9.3e18)},
    {35, NUM(1e300)},
    {36, NUM(INFINITY)},
    {37, TXT("")},
    {38, TXT("\0")},
    {39, TXT("1")},
    {40, TXT("10")},
    {41, TXT("9")},
    {42, TXT("A")},
    {43, TXT("a")},
    {44, TXT("a\0")},
    {45, TXT("aa")},
    {46, TXT("b")},
    {47, TXT("\xc3\xa9")},
    {48, TXT("\xff")},
    {49, BLB("")},
    {50, BLB("\0")},
    {51, BLB("a")},
    {52, BLB("a\0")},
    {53, BLB("\xff")},
};

Test(value, order_is_that_of_sqlite) {
    for (size_t a = 0; a < COUNT(ranked); a++) {
        for (size_t b = 0; b < COUNT(ranked); b++) {
            int expected = (ranked[a].rank > ranked[b].rank) - (ranked[a].rank < ranked[b].rank);
            int order = rf_value_compare(&ranked[a].value, &ranked[b].value);
            cr_assert_eq((order > 0) - (order < 0), expected, "values %zu and %zu: %d", a, b,
                         order);
        }
    }
}

static void assert_same(const struct rf_value *a, const struct rf_value *b, size_t which) {
    cr_assert_eq(a->class, b->class, "value %zu", which);
    if (a->class == RF_INTEGER || a->class == RF_REAL) {
        cr_assert_eq(memcmp(&a->integer, &b->integer, 8), 0, "value %zu", which);
    } else if (a->class != RF_NULL) {
        cr_assert(a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0, "value %zu",
                  which);
    }
}

Test(value, cells_come_back_from_canonical_bytes) {
    struct rf_buffer row = {0};
    for (size_t i = 0; i < COUNT(ranked); i++) {
        rf_row_put(&row, &ranked[i].value);
    }
    cr_assert_not(row.failed);
    struct rf_cursor cursor = rf_cursor_of(row.bytes, row.size);
    for (size_t i = 0; i < COUNT(ranked); i++) {
        struct rf_value value;
        cr_assert(rf_row_next(&cursor, &value), "value %zu", i);
        assert_same(&value, &ranked[i].value, i);
    }
    cr_assert_eq(rf_cursor_left(&cursor), 0);
    rf_buffer_release(&row);
}

/* SPEC.md, "Row", written out. */
Test(value, canonical_bytes) {
    static const uint8_t expected[] = {0, 1, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
                                       0, 0, 0,    0,    0,    0,    0xf8, 0x3f, 3,    2,    0,
                                       0, 0, 'h',  'i',  4,    0,    0,    0,    0};
    struct rf_buffer row = {0};
    rf_row_put_null(&row);
    rf_row_put_integer(&row, -2);
    rf_row_put_real(&row, 1.5);
    rf_row_put_bytes(&row, RF_TEXT, "hi", 2);
    rf_row_put_bytes(&row, RF_BLOB, "", 0);
    cr_assert_arr_eq(row.bytes, expected, sizeof expected);
    cr_assert_eq(row.size, sizeof expected);
    /* XXH3-128 of these bytes by Debian's python3-xxhash. */
    char text[RF_HASH_HEX];
    cr_assert_str_eq(rf_hash_text(rf_hash_bytes(row.bytes, row.size), text),
                     "3222c2c6d0b08394d5fd7a4b867f49e1");
    rf_buffer_release(&row);
}

Test(value, bytes_that_are_no_cell) {
    for (unsigned class = 0; class < 256; class ++) {
        uint8_t bytes[9] = {(uint8_t) class, 4};
        struct rf_cursor whole = rf_cursor_of(bytes, sizeof bytes);
        struct rf_value value;
        cr_assert_eq(rf_row_next(&whole, &value), class <= RF_BLOB, "class %u", class);
        size_t needed = class == RF_NULL ? 1 : 9;
        for (size_t size = 0; size < needed; size++) {
            struct rf_cursor cut = rf_cursor_of(bytes, size);
            cr_assert_not(rf_row_next(&cut, &value), "class %u cut at %zu", class, size);
            cr_assert(cut.failed);
        }
    }
    static const uint8_t huge[] = {RF_TEXT, 0xff, 0xff, 0xff, 0xff, 'x'};
    struct rf_cursor cursor = rf_cursor_of(huge, sizeof huge);
    struct rf_value value;
    cr_assert_not(rf_row_next(&cursor, &value));
}

/* All strings of up to four of these bytes: they hold both sides of every border in UTF-8. The
 * counts of valid ones by first byte are those of Python's decoder. */
static const uint8_t alphabet[25] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                     0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                     0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
static const unsigned valid_by_first[4][25] = {
    {1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 6, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {21, 21, 21, 0, 0, 0, 0, 0, 0, 0, 0, 18, 18, 12, 36, 36, 24, 36, 36, 0, 0, 0, 0, 0, 0},
    {279, 279, 279, 0,  0,   0,   0,   0,   0,   0,  0, 126, 126,
     36,  108, 108, 72, 108, 108, 144, 216, 216, 72, 0, 0},
};

/* Writes string number n of that length; whether there is a NUL in it. */
static bool spell(unsigned n, unsigned length, uint8_t *text) {
    bool has_nul = false;
    for (unsigned i = length; i-- > 0; n /= COUNT(alphabet)) {
        text[i] = alphabet[n % COUNT(alphabet)];
        has_nul |= text[i] == 0;
    }
    return has_nul;
}

Test(value, text_is_judged_as_by_pythons_decoder) {
    unsigned strings = 1;
    for (unsigned length = 1; length <= 4; length++) {
        strings *= COUNT(alphabet);
        unsigned valid[25] = {0};
        for (unsigned n = 0; n < strings; n++) {
            uint8_t text[4];
            bool has_nul = spell(n, length, text);
            struct rf_text_facts facts = rf_text_inspect(text, length);
            cr_assert_eq(facts.has_nul, has_nul, "string %u of %u bytes", n, length);
            valid[n / (strings / COUNT(alphabet))] += facts.valid_utf8;
        }
        for (size_t first = 0; first < COUNT(alphabet); first++) {
            cr_assert_eq(valid[first], valid_by_first[length - 1][first],
                         "%u valid strings of %u bytes begin with %#x", valid[first], length,
                         alphabet[first]);
        }
    }
}

/* Plain bytes are passed over eight at a time: the verdict must not depend on what is around. */
Test(value, text_is_judged_alike_wherever_it_stands) {
    for (unsigned length = 1; length <= 3; length++) {
        unsigned strings = length == 1 ? 25 : length == 2 ? 625 : 15625;
        for (unsigned n = 0; n < strings; n++) {
            uint8_t text[32];
            bool has_nul = spell(n, length, text);
            bool valid = rf_text_inspect(text, length).valid_utf8;
            for (unsigned before = 1; before < 18; before += length == 3 ? 7 : 1) {
                memset(text, 'x', sizeof text);
                spell(n, length, text + before);
                struct rf_text_facts facts = rf_text_inspect(text, sizeof text);
                cr_assert(facts.valid_utf8 == valid && facts.has_nul == has_nul,
                          "string %u of %u bytes behind %u others", n, length, before);
            }
        }
    }
    struct rf_text_facts nothing = rf_text_inspect((const uint8_t *)"", 0);
    cr_assert(nothing.valid_utf8 && !nothing.has_nul);
}

Test(value, a_nul_behind_broken_text_is_seen) {
    struct rf_text_facts facts = rf_text_inspect((const uint8_t *)"\xff"
                                                                  "abcdefghijklm\0",
                                                 15);
    cr_assert(!facts.valid_utf8 && facts.has_nul);
}

Test(value, class_names) {
    cr_assert_str_eq(rf_class_name(RF_NULL), "null");
    cr_assert_str_eq(rf_class_name(RF_INTEGER), "integer");
    cr_assert_str_eq(rf_class_name(RF_REAL), "real");
    cr_assert_str_eq(rf_class_name(RF_TEXT), "text");
    cr_assert_str_eq(rf_class_name(RF_BLOB), "blob");
}

/* A digest is a sum modulo 2^128 that can be undone, whatever carries there are. */
Test(hash, digests_add_and_part) {
    struct rf_digest digest = {0};
    struct rf_hash most = {UINT64_MAX, UINT64_MAX};
    struct rf_hash low = {UINT64_MAX, 0};
    rf_digest_add(&digest, most);
    rf_digest_add(&digest, low);
    cr_assert(digest.sum.low == UINT64_MAX - 1 && digest.sum.high == 0 && digest.rows == 2);
    struct rf_digest part = {.sum = low, .rows = 1};
    rf_digest_part(&digest, &part);
    cr_assert(rf_hash_equal(digest.sum, most) && digest.rows == 1);
    rf_digest_join(&digest, &part);
    rf_digest_remove(&digest, most);
    cr_assert(rf_digest_equal(&digest, &part));
    rf_digest_remove(&digest, low);
    cr_assert(rf_hash_is_zero(digest.sum) && digest.rows == 0);
}

Test(hash, text_and_bytes) {
    struct rf_hash hash = {0x0123456789abcdef, 0xfedcba9876543210}, again;
    char text[RF_HASH_HEX];
    cr_assert_str_eq(rf_hash_text(hash, text), "fedcba98765432100123456789abcdef");
    cr_assert(rf_hash_parse(text, &again) && rf_hash_equal(hash, again));
    uint8_t bytes[RF_HASH_SIZE];
    rf_hash_store(bytes, hash);
    cr_assert(bytes[0] == 0xef && bytes[8] == 0x10 && rf_hash_equal(rf_hash_load(bytes), hash));
    static const char *const wrong[] = {"",
                                        "0",
                                        "fedcba98765432100123456789abcde",
                                        "fedcba98765432100123456789abcdef0",
                                        "fedcba98765432100123456789abcdeg",
                                        "Fedcba98765432100123456789abcdef",
                                        " edcba98765432100123456789abcdef"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        cr_assert_not(rf_hash_parse(wrong[i], &again), "\"%s\"", wrong[i]);
    }
    struct rf_hash higher = {0, 1}, lower = {UINT64_MAX, 0};
    cr_assert(rf_hash_compare(lower, higher) < 0 && rf_hash_compare(higher, lower) > 0 &&
              rf_hash_compare(lower, lower) == 0);
}

Test(hash, pieces_make_the_same_hash) {
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
    struct rf_hash whole = rf_hash_bytes(bytes, sizeof bytes);
    for (size_t step = 1; step < sizeof bytes; step = step * 3 + 1) {
        struct rf_hasher *hasher = rf_hasher_new();
        for (size_t at = 0; at < sizeof bytes; at += step) {
            rf_hasher_add(hasher, bytes + at, step < sizeof bytes - at ? step : sizeof bytes - at);
        }
        cr_assert(rf_hash_equal(rf_hasher_result(hasher), whole), "in steps of %zu", step);
        rf_hasher_free(hasher);
    }
}
