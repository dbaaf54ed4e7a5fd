/* If these fail, two different texts become one moment, or a text could not be written out
 * again. */
#include "replay/spelling.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXTS 6

static struct rf_iso read_text(const char *text) {
    struct rf_iso iso;
    cr_assert_eq(rf_iso_read((const uint8_t *)text, strlen(text), &iso), RF_INSTANT_FITS, "%s",
                 text);
    return iso;
}

struct column {
    const char *texts[TEXTS];
    const char *pattern; /* NULL: none */
};

static const struct column columns[] = {
    {{"2024-05-01", "0001-01-01"}, "YYYY-MM-DD"},
    {{"12:00", "23:59"}, "HH:MM"},
    {{"12:00:00", "23:59:59"}, "HH:MM:SS"},
    {{"12:00:00.5", "23:59:59.0"}, "HH:MM:SS.f"},
    {{"2024-05-01 12:00"}, "YYYY-MM-DD HH:MM"},
    {{"2024-05-01 12:00:00", "2024-05-01 00:00:00"}, "YYYY-MM-DD HH:MM:SS"},
    {{"2024-05-01T12:00:00", "2024-05-01T00:00:00"}, "YYYY-MM-DDTHH:MM:SS"},
    {{"2024-05-01 12:00:00.000", "2024-05-01 00:00:00.120"}, "YYYY-MM-DD HH:MM:SS.fff"},
    {{"2024-05-01 12:00:00.0000000"}, "YYYY-MM-DD HH:MM:SS.fffffff"},
    {{"2024-05-01T12:00:00.123456000Z"}, "YYYY-MM-DDTHH:MM:SS.fffffffffZ"},
    /* Python's isoformat() */
    {{"2024-05-01T12:00:00", "2024-05-01T12:00:00.000100"}, "YYYY-MM-DDTHH:MM:SS[.ffffff]"},
    {{"2024-05-01 12:00:00.100000+00:00", "2024-05-01 12:00:00+00:00"},
     "YYYY-MM-DD HH:MM:SS[.ffffff]+00:00"},
    /* Go and .NET leave out the zeros at the end */
    {{"2024-05-01 12:00:00", "2024-05-01 12:00:00.1", "2024-05-01 12:00:00.000123"},
     "YYYY-MM-DD HH:MM:SS[.f*]"},
    {{"2024-05-01 12:00:00.12+02:00", "2024-05-01 12:00:00.1+02:00"},
     "YYYY-MM-DD HH:MM:SS[.f*]+02:00"},
    {{"2024-05-01T12:00-0930", "2024-05-01T12:01-0930"}, "YYYY-MM-DDTHH:MM-0930"},
    {{"2024-05-01T12:00:00+00"}, "YYYY-MM-DDTHH:MM:SS+00"},
    {{"2024-05-01", "2024-05-01 00:00:00"}, NULL},
    {{"2024-05-01 12:00:00", "2024-05-01T12:00:00"}, NULL},
    {{"2024-05-01 12:00:00", "2024-05-01 12:00"}, NULL},
    {{"2024-05-01 12:00:00", "2024-05-01 12:00:00Z"}, NULL},
    {{"2024-05-01 12:00:00Z", "2024-05-01 12:00:00+00:00"}, NULL},
    {{"2024-05-01 12:00:00+01:00", "2024-05-01 12:00:00+02:00"}, NULL},
    {{"2024-05-01 12:00:00+01:00", "2024-05-01 12:00:00+0100"}, NULL},
    {{"12:00:00", "2024-05-01"}, NULL},
    /* .5 and .50 would be the same */
    {{"2024-05-01 12:00:00.5", "2024-05-01 12:00:00.50"}, NULL},
    {{"2024-05-01 12:00:00", "2024-05-01 12:00:00.000"}, NULL},
    {{"2024-05-01 12:00:00", "2024-05-01 12:00:00.500", "2024-05-01 12:00:00.25"}, NULL},
    {{"2024-05-01 12:00:00.1234560", "2024-05-01 12:00:00.1"}, NULL},
};

Test(spelling, of_columns) {
    for (size_t i = 0; i < COUNT(columns); i++) {
        struct rf_spelling_evidence evidence = {0};
        struct rf_spelling spelling;
        for (size_t j = 0; j < TEXTS && columns[i].texts[j]; j++) {
            struct rf_iso iso = read_text(columns[i].texts[j]);
            rf_spelling_evidence_add(&evidence, &iso);
        }
        bool proven = rf_spelling_proven(&evidence, &spelling);
        cr_expect_eq(proven, columns[i].pattern != NULL, "%s", columns[i].texts[0]);
        if (proven && columns[i].pattern) {
            char text[RF_SPELLING_TEXT];
            rf_spelling_print(&spelling, text);
            cr_expect_str_eq(text, columns[i].pattern);
            for (size_t j = 0; j < TEXTS && columns[i].texts[j]; j++) {
                struct rf_iso iso = read_text(columns[i].texts[j]);
                cr_expect(rf_spelling_covers(&spelling, &iso), "%s", columns[i].texts[j]);
            }
        }
    }
}

Test(spelling, nothing_shown_proves_nothing) {
    struct rf_spelling_evidence evidence = {0};
    struct rf_spelling spelling;
    cr_expect_not(rf_spelling_proven(&evidence, &spelling));
}

Test(spelling, patterns_are_read_as_they_are_printed) {
    for (size_t i = 0; i < COUNT(columns); i++) {
        struct rf_spelling spelling;
        char text[RF_SPELLING_TEXT];
        if (columns[i].pattern) {
            cr_assert(rf_spelling_read(columns[i].pattern, &spelling), "%s", columns[i].pattern);
            rf_spelling_print(&spelling, text);
            cr_expect_str_eq(text, columns[i].pattern);
        }
    }
    const char *const none[] = {
        "",
        "YYYY",
        "YYYY-MM-DDZ",
        "YYYY-MM-DD ",
        "YYYY-MM-DD_HH:MM",
        "YYYY-MM-DD HH",
        "YYYY-MM-DD HH:MM:SS.",
        "YYYY-MM-DD HH:MM:SS.ffffffffff",
        "YYYY-MM-DD HH:MM:SS[.fff",
        "YYYY-MM-DD HH:MM:SS[]",
        "YYYY-MM-DD HH:MM:SS[.f*",
        "YYYY-MM-DD HH:MM.fff",
        "YYYY-MM-DD HH:MM:SSz",
        "YYYY-MM-DD HH:MM:SS-00:00",
        "YYYY-MM-DD HH:MM:SS+16:00",
        "YYYY-MM-DD HH:MM:SS.fffZZ",
        "HH:MMZ",
        "HH:MM:SS+01:00",
        "HH:MM ",
        "hh:mm",
        "YYYY-MM-DD HH:MM:30Z",
        "YYYY-MM-DD HH:MM:SSZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ",
    };
    for (size_t i = 0; i < COUNT(none); i++) {
        struct rf_spelling spelling;
        cr_expect_not(rf_spelling_read(none[i], &spelling), "'%s'", none[i]);
    }
}

Test(spelling, what_comes_later_is_held_to_it) {
    const struct {
        const char *pattern, *text;
        bool covered;
    } cases[] = {
        {"YYYY-MM-DD HH:MM:SS", "2024-05-01 12:00:00", true},
        {"YYYY-MM-DD HH:MM:SS", "2024-05-01T12:00:00", false},
        {"YYYY-MM-DD HH:MM:SS", "2024-05-01 12:00", false},
        {"YYYY-MM-DD HH:MM:SS", "2024-05-01", false},
        {"YYYY-MM-DD HH:MM:SS", "2024-05-01 12:00:00.0", false},
        {"YYYY-MM-DD HH:MM:SS", "2024-05-01 12:00:00Z", false},
        {"YYYY-MM-DD HH:MM:SS.fff", "2024-05-01 12:00:00.000", true},
        {"YYYY-MM-DD HH:MM:SS.fff", "2024-05-01 12:00:00", false},
        {"YYYY-MM-DD HH:MM:SS.fff", "2024-05-01 12:00:00.0001", false},
        {"YYYY-MM-DD HH:MM:SS[.ffffff]", "2024-05-01 12:00:00", true},
        {"YYYY-MM-DD HH:MM:SS[.ffffff]", "2024-05-01 12:00:00.100000", true},
        {"YYYY-MM-DD HH:MM:SS[.ffffff]", "2024-05-01 12:00:00.000000", false},
        {"YYYY-MM-DD HH:MM:SS[.ffffff]", "2024-05-01 12:00:00.1", false},
        {"YYYY-MM-DD HH:MM:SS[.f*]Z", "2024-05-01 12:00:00Z", true},
        {"YYYY-MM-DD HH:MM:SS[.f*]Z", "2024-05-01 12:00:00.000001Z", true},
        {"YYYY-MM-DD HH:MM:SS[.f*]Z", "2024-05-01 12:00:00.10Z", false},
        {"YYYY-MM-DD HH:MM:SS[.f*]Z", "2024-05-01 12:00:00.0Z", false},
        {"YYYY-MM-DD HH:MM:SS[.f*]Z", "2024-05-01 12:00:00.1234560Z", false},
        {"YYYY-MM-DD HH:MM:SS+02:00", "2024-05-01 12:00:00+01:00", false},
        {"YYYY-MM-DD HH:MM:SS+02:00", "2024-05-01 12:00:00+02:00", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_spelling spelling;
        struct rf_iso iso = read_text(cases[i].text);
        cr_assert(rf_spelling_read(cases[i].pattern, &spelling));
        cr_expect_eq(rf_spelling_covers(&spelling, &iso), cases[i].covered, "%s as %s",
                     cases[i].text, cases[i].pattern);
    }
}
