/* Text of UTF-16 databases: nothing may be lost, and the order must be that of the converted
 * bytes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/text16.h"

static void expect_utf8(const char *name, const char *utf16le, size_t size, const char *utf8,
                        size_t utf8_size) {
    uint8_t out[64];
    uint8_t swapped[64];
    size_t length = rf_text16_to_utf8((const uint8_t *)utf16le, size, false, out);
    cr_assert_eq(length, utf8_size, "%s: %zu bytes", name, length);
    cr_assert_leq(length, rf_text16_room(size), "%s", name);
    cr_assert_eq(memcmp(out, utf8, utf8_size), 0, "%s", name);
    memcpy(swapped, utf16le, size);
    for (size_t i = 0; i + 1 < size; i += 2) {
        swapped[i] = (uint8_t)utf16le[i + 1];
        swapped[i + 1] = (uint8_t)utf16le[i];
    }
    uint8_t back[64];
    size_t written = 0;
    cr_assert(rf_text16_from_utf8(out, length, false, back, &written), "%s", name);
    cr_assert_eq(written, size, "%s, and back: %zu bytes", name, written);
    cr_assert_eq(memcmp(back, utf16le, size), 0, "%s, and back", name);
    cr_assert(rf_text16_from_utf8(out, length, true, back, &written), "%s", name);
    cr_assert_eq(memcmp(back, swapped, size), 0, "%s, and back, big endian", name);
    length = rf_text16_to_utf8(swapped, size, true, out);
    cr_assert_eq(length, utf8_size, "%s, big endian", name);
    cr_assert_eq(memcmp(out, utf8, utf8_size), 0, "%s, big endian", name);
}

#define EXPECT(name, utf16le, utf8) \
    expect_utf8(name, utf16le, sizeof(utf16le) - 1, utf8, sizeof(utf8) - 1)

Test(text16, every_kind_of_unit) {
    EXPECT("empty", "", "");
    EXPECT("ascii", "a\0b\0", "ab");
    EXPECT("NUL within", "a\0\0\0b\0", "a\0b");
    EXPECT("two bytes", "\xe9\x00", "\xc3\xa9");
    EXPECT("three bytes", "\xac\x20", "\xe2\x82\xac");
    EXPECT("last before the surrogates", "\xff\xd7", "\xed\x9f\xbf");
    EXPECT("first after the surrogates", "\x00\xe0", "\xee\x80\x80");
    EXPECT("pair", "\x3d\xd8\x00\xde", "\xf0\x9f\x98\x80");
    EXPECT("highest pair", "\xff\xdb\xff\xdf", "\xf4\x8f\xbf\xbf");
    EXPECT("lone high", "\x3d\xd8", "\xed\xa0\xbd");
    EXPECT("lone high before text", "\x3d\xd8\x41\x00", "\xed\xa0\xbd\x41");
    EXPECT("lone low", "\x00\xde", "\xed\xb8\x80");
    EXPECT("low before high", "\x00\xde\x3d\xd8", "\xed\xb8\x80\xed\xa0\xbd");
    EXPECT("high, then a pair", "\x3d\xd8\x3d\xd8\x00\xde", "\xed\xa0\xbd\xf0\x9f\x98\x80");
    EXPECT("odd byte alone", "\x41", "\xff\x41");
    EXPECT("odd byte behind text", "a\0\x62", "a\xff\x62");
    EXPECT("odd byte behind a high", "\x3d\xd8\x00", "\xed\xa0\xbd\xff\x00");
}

#define EXPECT_NONE(utf8) \
    cr_expect_not(         \
        rf_text16_from_utf8((const uint8_t *)(utf8), sizeof(utf8) - 1, false, out, &written), utf8)

Test(text16, bytes_that_stand_for_no_text) {
    uint8_t out[64];
    size_t written;
    EXPECT_NONE("\x80");
    EXPECT_NONE("a\xc3");
    EXPECT_NONE("\xc3\x28");
    EXPECT_NONE("\xc0\x80"); /* longer than it need be */
    EXPECT_NONE("\xe0\x80\xaf");
    EXPECT_NONE("\xf0\x80\x80\xaf");
    EXPECT_NONE("\xf4\x90\x80\x80"); /* beyond the last code */
    EXPECT_NONE("\xf8\x88\x80\x80\x80");
    EXPECT_NONE("\xe2\x82");
    EXPECT_NONE("\xff");
    EXPECT_NONE("\xff\x41z"); /* half a unit, and more behind it */
    EXPECT_NONE("\xed\xa0\xbd\xed\xb8\x80"); /* a pair, half by half */
}

static int sign(int order) {
    return (order > 0) - (order < 0);
}

static int compare_converted(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                             bool big_endian) {
    uint8_t left[64], right[64];
    size_t left_size = rf_text16_to_utf8(a, a_size, big_endian, left);
    size_t right_size = rf_text16_to_utf8(b, b_size, big_endian, right);
    int order = memcmp(left, right, left_size < right_size ? left_size : right_size);
    return order != 0 ? sign(order) : (left_size > right_size) - (left_size < right_size);
}

/* Texts of few different units, so that they share beginnings. Different texts must stay
 * different. */
Test(text16, order_is_that_of_the_converted_bytes) {
    static const uint8_t units[][2] = {{0x41, 0},    {0, 0},       {0x3d, 0xd8}, {0, 0xde},
                                       {0xff, 0xdb}, {0xff, 0xff}, {0, 0xe0},    {0xe9, 0}};
    const unsigned seed = 20240;
    srandom(seed);
    for (int round = 0; round < 200000; round++) {
        uint8_t text[2][16];
        size_t size[2];
        for (int side = 0; side < 2; side++) {
            size_t count = (size_t)random() % 5;
            for (size_t i = 0; i < count; i++) {
                memcpy(text[side] + 2 * i, units[random() % 8], 2);
            }
            size[side] = 2 * count;
            if (random() % 4 == 0) {
                text[side][size[side]++] = units[random() % 8][1];
            }
        }
        bool big = round % 2;
        int expected = compare_converted(text[0], size[0], text[1], size[1], big);
        int found = rf_text16_compare(text[0], size[0], text[1], size[1], big);
        cr_assert_eq(sign(found), expected, "round %d of seed %u", round, seed);
        bool same = size[0] == size[1] && memcmp(text[0], text[1], size[0]) == 0;
        cr_assert_eq(same, expected == 0, "round %d of seed %u", round, seed);
    }
}
