/* If these fail, a requirement is taken for met that is not, or a message runs out of its place. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "format/answer.h"
#include "format/finding.h"

static void put(struct rf_answer *answer, const char *a, const char *b) {
    cr_assert(rf_answer_row(answer));
    rf_answer_value(answer, a);
    rf_answer_value(answer, b);
}

Test(answer, rows_are_a_bag) {
    struct rf_answer one = {.asked = true}, two = {.asked = true};
    put(&one, "1", "a");
    put(&one, "2", NULL);
    put(&one, "1", "a");
    put(&two, "2", NULL);
    put(&two, "1", "a");
    rf_answer_end(&one);
    rf_answer_end(&two);
    cr_expect_not(rf_answers_equal(&one, &two));
    put(&two, "1", "a");
    rf_answer_end(&two);
    cr_expect(rf_answers_equal(&one, &two));
    rf_answer_release(&one);
    rf_answer_release(&two);
    rf_answer_release(&two);
}

Test(answer, an_empty_value_is_a_value) {
    struct rf_answer one = {.asked = true}, two = {.asked = true};
    put(&one, "", "a");
    cr_assert(rf_answer_row(&two));
    rf_answer_value(&two, "a");
    cr_expect_not(rf_answers_equal(&one, &two));
    rf_answer_release(&one);
    rf_answer_release(&two);
}

Test(answer, so_many_rows_and_bytes_are_kept) {
    struct rf_answer answer = {.asked = true};
    char value[2 * RF_ANSWER_ROW];
    for (unsigned i = 0; i < RF_ANSWER_ROWS; i++) {
        snprintf(value, sizeof value, "%u", i);
        put(&answer, value, "x");
    }
    cr_expect_not(answer.more);
    cr_expect_not(rf_answer_row(&answer));
    cr_expect(answer.more);
    cr_expect_eq(answer.row_count, RF_ANSWER_ROWS);
    rf_answer_release(&answer);

    struct rf_answer wide = {.asked = true};
    memset(value, 'x', sizeof value);
    value[RF_ANSWER_ROW - 1] = 0;
    cr_assert(rf_answer_row(&wide));
    rf_answer_value(&wide, value);
    cr_expect_not(wide.cut);
    rf_answer_value(&wide, "more");
    cr_expect(wide.cut);
    cr_expect_eq(strlen(wide.rows[0]), RF_ANSWER_ROW - 1);
    rf_answer_release(&wide);
}

Test(answer, is_said_in_few_words) {
    char text[200], little[12];
    struct rf_answer answer = {.asked = true};
    rf_answer_say(&answer, text, sizeof text);
    cr_expect_str_eq(text, "no row");
    put(&answer, "92", "88");
    rf_answer_say(&answer, text, sizeof text);
    cr_expect_str_eq(text, "92 | 88");
    for (unsigned i = 0; i < 4; i++) {
        put(&answer, "1", NULL);
    }
    rf_answer_end(&answer);
    rf_answer_say(&answer, text, sizeof text);
    cr_expect_str_eq(text, "5 rows: 1 | NULL; 1 | NULL; 1 | NULL; …");
    rf_answer_say(&answer, little, sizeof little);
    cr_expect_str_eq(little, "5 rows: 1 |");
    rf_answer_release(&answer);
}

Test(finding, texts_longer_than_their_place_are_cut) {
    struct rf_findings findings = {0};
    struct rf_error error;
    char text[2000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    for (unsigned i = 0; i < 100; i++) {
        struct rf_finding *finding = rf_find(&findings, RF_FINDING_STOP, text, "%s", text);
        rf_finding_want(finding, "%s", text);
        rf_finding_hint(finding, "%s", text);
        rf_finding_of(finding, text);
    }
    cr_expect_eq(findings.count, 100);
    cr_expect_eq(findings.list[99].code, RF_MISPLACED);
    cr_expect_eq(strlen(findings.list[99].found), sizeof findings.list[99].found - 1);
    cr_expect_eq(rf_findings_check(&findings, &error), RF_OK);
    rf_finding_want(NULL, "%s", text);
    rf_finding_hint(NULL, "%s", text);
    rf_findings_release(&findings);
    rf_findings_release(&findings);
}
