/* If these fail, a table's name can play with the user's terminal, or columns do not line up. */
#include "tools/text.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

static void expect_name(const char *name, const char *expected) {
    struct rf_buffer out = {0};
    rf_text_name(&out, name);
    rf_buffer_u8(&out, 0);
    cr_expect_str_eq((const char *)out.bytes, expected, "%s", expected);
    rf_buffer_release(&out);
}

static void expect_message(const char *message, const char *expected) {
    struct rf_buffer out = {0};
    rf_text_message(&out, message, 4);
    rf_buffer_u8(&out, 0);
    cr_expect_str_eq((const char *)out.bytes, expected, "%s", expected);
    rf_buffer_release(&out);
}

Test(text, names_are_shown_without_control) {
    expect_name("", "");
    expect_name("Album", "Album");
    expect_name("na\xc3\xafve \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x9a\xa2",
                "na\xc3\xafve \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x9a\xa2");
    expect_name("a\x1b[2Jb", "a\\e[2Jb");
    expect_name("a\nerror: forged", "a\\nerror: forged");
    expect_name("\t\r\x07\x7f", "\\t\\r\\x07\\x7f");
    expect_name("back\\slash", "back\\\\slash");
    expect_name("csi \xc2\x9b", "csi \\u009b");
    expect_name("rtl \xe2\x80\xae", "rtl \\u202e");
    expect_name("zero \xe2\x80\x8b", "zero \\u200b");
    expect_name("tag \xf3\xa0\x80\x81", "tag \\u{e0001}");
}

Test(text, bytes_that_are_no_text_are_shown_as_such) {
    expect_name("\xff", "\\xff");
    expect_name("a\xc3", "a\\xc3");
    expect_name("\xc0\xaf", "\\xc0\\xaf");                   /* overlong */
    expect_name("\xe0\x80\xaf", "\\xe0\\x80\\xaf");          /* overlong */
    expect_name("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
    expect_name("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
    cr_expect(rf_utf8_valid("\xf4\x8f\xbf\xbf"));
    cr_expect(rf_utf8_valid(""));
    cr_expect_not(rf_utf8_valid("ok\x80"));
    cr_expect_not(rf_utf8_valid("cut \xe2\x82"));
}

Test(text, lines_of_a_message_are_indented_so_that_none_can_be_forged) {
    expect_message("one\nerror: two\n", "one\n    error: two");
    expect_message("tab\there \\ \x1b[m", "tab here \\ \\e[m");
    expect_message("\n\n", "");
}

Test(text, width_is_that_of_a_terminal) {
    setlocale(LC_CTYPE, "C.UTF-8");
    struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"", 0},          {"abc", 3}, {"na\xc3\xafve", 5}, {"\xe6\x97\xa5\xe6\x9c\xac", 4},
        {"e\xcc\x81", 1}, /* e and a combining acute */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(rf_text_width(cases[i].text, strlen(cases[i].text)), cases[i].width, "%s",
                     cases[i].text);
    }
    cr_expect_eq(rf_text_fit("abcdef", 6, 4), 4);
    cr_expect_eq(rf_text_fit("\xe6\x97\xa5\xe6\x9c\xac", 6, 3), 3, "half a wide character");
    cr_expect_eq(rf_text_fit("abc", 3, 10), 3);
}
