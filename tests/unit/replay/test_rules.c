/* If these fail, a table or column is treated in another way than the configuration asks. */
#include "replay/rules.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(rules, nothing_said_is_the_default) {
    const struct rf_rules none = {0};
    struct rf_table_settings table = rf_rules_table(&none, "t");
    cr_expect_null(table.rename);
    cr_expect_null(table.key);
    cr_expect_eq(table.on_mismatch, RF_MISMATCH_WIDEN);
    cr_expect_eq(table.bad_text, RF_BAD_TEXT_SET_ASIDE);
    cr_expect_eq(table.standing_rows, RF_STANDING_REPLACE);

    struct rf_column_settings column = rf_rules_column(&none, "t", "c");
    cr_expect_null(column.rename);
    cr_expect_null(column.type);
    cr_expect_eq(column.on_mismatch, RF_MISMATCH_WIDEN);
    cr_expect_not(column.mismatch_said);
    cr_expect_eq(column.bad_text, RF_BAD_TEXT_SET_ASIDE);
    cr_expect_not(column.exclude);
}

Test(rules, tables_of_the_application_are_not_widened) {
    const struct rf_rules existing = {.existing = true};
    cr_expect_eq(rf_rules_table(&existing, "t").on_mismatch, RF_MISMATCH_SET_ASIDE);
    struct rf_column_settings column = rf_rules_column(&existing, "t", "c");
    cr_expect_eq(column.on_mismatch, RF_MISMATCH_SET_ASIDE);
    cr_expect_not(column.mismatch_said);
}

Test(rules, what_is_said_at_large_holds_for_all) {
    const struct rf_rules rules = {
        .existing = true, .on_mismatch = RF_MISMATCH_FAIL, .bad_text = RF_BAD_TEXT_ESCAPE};
    cr_expect_eq(rf_rules_table(&rules, "t").on_mismatch, RF_MISMATCH_FAIL);
    cr_expect_eq(rf_rules_table(&rules, "t").bad_text, RF_BAD_TEXT_ESCAPE);
    struct rf_column_settings column = rf_rules_column(&rules, "t", "c");
    cr_expect_eq(column.on_mismatch, RF_MISMATCH_FAIL);
    cr_expect(column.mismatch_said);
    cr_expect_eq(column.bad_text, RF_BAD_TEXT_ESCAPE);
}

/* Three rules of one table: each setting comes from the last that says it, and from no other. */
Test(rules, the_last_one_decides_setting_by_setting) {
    const char *const first_key[] = {"a", "b", NULL};
    const struct rf_table_rule tables[] = {
        {.table = "*",
         .rename = "first",
         .key = first_key,
         .on_mismatch = RF_MISMATCH_NULL,
         .bad_text = RF_BAD_TEXT_STRIP,
         .standing_rows = RF_STANDING_KEEP},
        {.table = "events*", .on_mismatch = RF_MISMATCH_FAIL, .standing_rows = RF_STANDING_SKIP},
        {.table = "events_old", .rename = "third"},
        {.table = "other", .rename = "other", .bad_text = RF_BAD_TEXT_BYTEA},
    };
    const struct rf_rules rules = {
        .on_mismatch = RF_MISMATCH_WIDEN, .table_count = COUNT(tables), .tables = tables};
    struct rf_table_settings found = rf_rules_table(&rules, "events_old");
    cr_expect_str_eq(found.rename, "third");
    cr_expect_eq(found.key, first_key);
    cr_expect_eq(found.on_mismatch, RF_MISMATCH_FAIL);
    cr_expect_eq(found.bad_text, RF_BAD_TEXT_STRIP);
    cr_expect_eq(found.standing_rows, RF_STANDING_SKIP);
    found = rf_rules_table(&rules, "event");
    cr_expect_str_eq(found.rename, "first");
    cr_expect_eq(found.on_mismatch, RF_MISMATCH_NULL);
    cr_expect_eq(found.standing_rows, RF_STANDING_KEEP);
}

/* The wide rule stands last: a file whose order is not looked at would pass with it first. */
Test(rules, order_counts_more_than_how_narrow_a_glob_is) {
    const struct rf_table_rule tables[] = {
        {.table = "users", .bad_text = RF_BAD_TEXT_STRIP},
        {.table = "*", .bad_text = RF_BAD_TEXT_REPLACE},
    };
    const struct rf_rules rules = {.table_count = COUNT(tables), .tables = tables};
    cr_expect_eq(rf_rules_table(&rules, "users").bad_text, RF_BAD_TEXT_REPLACE);
}

Test(rules, columns_gather_from_all_rules_of_their_table) {
    const struct rf_column_rule wide[] = {
        {.column = "*", .bad_text = RF_BAD_TEXT_STRIP, .exclude = RF_CHOICE_YES},
        {.column = "*_ts", .type = "timestamptz from unix-s", .exclude = RF_CHOICE_NO},
    };
    const struct rf_column_rule narrow[] = {
        {.column = "made_ts",
         .rename = "made",
         .type = "timestamptz from unix-ms",
         .on_mismatch = RF_MISMATCH_NULL},
    };
    const struct rf_table_rule tables[] = {
        {.table = "*", .column_count = COUNT(wide), .columns = wide},
        {.table = "events", .column_count = COUNT(narrow), .columns = narrow},
    };
    const struct rf_rules rules = {.table_count = COUNT(tables), .tables = tables};
    struct rf_column_settings found = rf_rules_column(&rules, "events", "made_ts");
    cr_expect_str_eq(found.rename, "made");
    cr_expect_str_eq(found.type, "timestamptz from unix-ms");
    cr_expect_eq(found.on_mismatch, RF_MISMATCH_NULL);
    cr_expect(found.mismatch_said);
    cr_expect_eq(found.bad_text, RF_BAD_TEXT_STRIP);
    cr_expect_not(found.exclude);

    found = rf_rules_column(&rules, "users", "made_ts");
    cr_expect_null(found.rename);
    cr_expect_str_eq(found.type, "timestamptz from unix-s");
    cr_expect_not(found.mismatch_said);
    cr_expect(rf_rules_column(&rules, "users", "name").exclude);
}

/* A word about a column is not undone by a later word about tables in general. */
Test(rules, a_column_rule_goes_before_its_table) {
    const struct rf_column_rule columns[] = {
        {.column = "c", .on_mismatch = RF_MISMATCH_NULL, .bad_text = RF_BAD_TEXT_BYTEA}};
    const struct rf_table_rule tables[] = {
        {.table = "t", .column_count = COUNT(columns), .columns = columns},
        {.table = "*", .on_mismatch = RF_MISMATCH_FAIL, .bad_text = RF_BAD_TEXT_STRIP},
    };
    const struct rf_rules rules = {.table_count = COUNT(tables), .tables = tables};
    struct rf_column_settings found = rf_rules_column(&rules, "t", "c");
    cr_expect_eq(found.on_mismatch, RF_MISMATCH_NULL);
    cr_expect_eq(found.bad_text, RF_BAD_TEXT_BYTEA);
    found = rf_rules_column(&rules, "t", "d");
    cr_expect_eq(found.on_mismatch, RF_MISMATCH_FAIL);
    cr_expect(found.mismatch_said);
    cr_expect_eq(found.bad_text, RF_BAD_TEXT_STRIP);
}

Test(rules, globs) {
    const struct {
        const char *glob, *name;
        bool matches;
    } cases[] = {
        {"events", "events", true},
        {"events", "Events", false},
        {"events", "events2", false},
        {"event?", "events", true},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"*", ".hidden/with", true},
        {"a\\*", "a*", true},
        {"a\\*", "ab", false},
        {"", "", true},
        {"", "x", false},
        {"na*ve", "na\xc3\xafve", true},
        {"*", "\xff not UTF-8", true},
        {"[", "[", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rf_table_rule table = {.table = cases[i].glob, .rename = "found"};
        const struct rf_rules rules = {.table_count = 1, .tables = &table};
        cr_expect_eq(rf_rules_table(&rules, cases[i].name).rename != NULL, cases[i].matches,
                     "\"%s\" over \"%s\"", cases[i].glob, cases[i].name);
    }
}

static char told[4][512];
static unsigned told_count;

static void tell(void *context, const char *message) {
    cr_assert_eq(context, &told_count);
    cr_assert_lt(told_count, 4);
    snprintf(told[told_count++], sizeof told[0], "%s", message);
}

/* Without this a misspelt table stays as it was, and nobody knows why. */
Test(rules, those_that_match_nothing_are_told) {
    struct rf_column columns[] = {{.name = (char[]){"made_ts"}}, {.name = (char[]){"note"}}};
    struct rf_manifest_table found[] = {
        {.table = {.name = (char[]){"events"}, .column_count = 2, .columns = columns}},
        {.table = {.name = (char[]){"users"}}},
    };
    const struct rf_manifest manifest = {.table_count = 2, .tables = found};
    const struct rf_column_rule of_events[] = {{.column = "*_ts"},
                                               {.column = "nope", .place = "f.yaml:4:5"}};
    const struct rf_column_rule of_all[] = {{.column = "note"}};
    const struct rf_column_rule of_users[] = {{.column = "note"}};
    const struct rf_table_rule tables[] = {
        {.table = "events", .column_count = 2, .columns = of_events},
        {.table = "evnts", .column_count = 2, .columns = of_events, .place = "f.yaml:9:5"},
        {.table = "*", .column_count = 1, .columns = of_all},
        {.table = "users", .column_count = 1, .columns = of_users},
    };
    const struct rf_rules rules = {.table_count = COUNT(tables), .tables = tables};
    rf_rules_tell_unused(&rules, &manifest, tell, &told_count);
    cr_assert_eq(told_count, 3);
    cr_expect_str_eq(told[0], "f.yaml:4:5: no column of tables \"events\" matches \"nope\"");
    cr_expect_str_eq(told[1], "f.yaml:9:5: no table of the source matches \"evnts\"");
    cr_expect_str_eq(told[2], "rules: no column of tables \"users\" matches \"note\"");
}

/* A profile names tables that only some versions of its application have. */
Test(rules, those_of_a_profile_may_match_nothing) {
    struct rf_manifest_table found[] = {{.table = {.name = (char[]){"events"}}}};
    const struct rf_manifest manifest = {.table_count = 1, .tables = found};
    const struct rf_column_rule columns[] = {{.column = "nope"}};
    const struct rf_table_rule tables[] = {
        {.table = "older", .place = "profile p:1:1"},
        {.table = "events", .column_count = 1, .columns = columns},
        {.table = "evnts", .place = "f.yaml:9:5"},
    };
    const struct rf_rules rules = {
        .table_count = COUNT(tables), .tables = tables, .general_table_count = 2};
    rf_rules_tell_unused(&rules, &manifest, tell, &told_count);
    cr_assert_eq(told_count, 1);
    cr_expect_str_eq(told[0], "f.yaml:9:5: no table of the source matches \"evnts\"");
}

/* What the server computes of a row: each by itself, whole lists at a time. */
Test(rules, the_last_that_computes_something_decides) {
    const struct rf_value_rule first[] = {{.column = "a", .sql = "1"}, {.column = "b", .sql = "2"}};
    const struct rf_value_rule last[] = {{.column = "c", .sql = "3"}};
    const struct rf_join_rule joins[] = {{.table = "t", .on = "true"}};
    const struct rf_table_rule tables[] = {
        {.table = "*", .where = "x", .value_count = 2, .values = first},
        {.table = "e*", .join_count = 1, .joins = joins},
        {.table = "events", .value_count = 1, .values = last},
    };
    const struct rf_rules rules = {.table_count = COUNT(tables), .tables = tables};
    struct rf_table_settings settings = rf_rules_table(&rules, "events");
    cr_expect_str_eq(settings.where, "x");
    cr_assert_eq(settings.value_count, 1);
    cr_expect_str_eq(settings.values[0].column, "c");
    cr_expect_eq(settings.join_count, 1);
    settings = rf_rules_table(&rules, "users");
    cr_expect_eq(settings.value_count, 2);
    cr_expect_eq(settings.join_count, 0);
}

/* The words are in configurations and ledgers: they never change. */
Test(rules, words) {
    static const char *const mismatches[] = {"widen", "set-aside", "null", "fail"};
    static const char *const bad_texts[] = {"set-aside", "bytea", "strip", "replace", "escape"};
    static const char *const standing[] = {"replace", "keep", "skip"};
    for (unsigned i = 0; i < COUNT(mismatches); i++) {
        enum rf_mismatch found = RF_MISMATCH_DEFAULT;
        cr_expect(rf_mismatch_find(mismatches[i], &found));
        cr_expect_eq(found, RF_MISMATCH_WIDEN + i);
        cr_expect_str_eq(rf_mismatch_name(found), mismatches[i]);
    }
    for (unsigned i = 0; i < COUNT(bad_texts); i++) {
        enum rf_bad_text found = RF_BAD_TEXT_DEFAULT;
        cr_expect(rf_bad_text_find(bad_texts[i], &found));
        cr_expect_eq(found, RF_BAD_TEXT_SET_ASIDE + i);
        cr_expect_str_eq(rf_bad_text_name(found), bad_texts[i]);
    }
    for (unsigned i = 0; i < COUNT(standing); i++) {
        enum rf_standing_rows found = RF_STANDING_DEFAULT;
        cr_expect(rf_standing_rows_find(standing[i], &found));
        cr_expect_eq(found, RF_STANDING_REPLACE + i);
        cr_expect_str_eq(rf_standing_rows_name(found), standing[i]);
    }
}

Test(rules, other_words_are_none) {
    static const char *const words[] = {"", "default", "Widen", "set aside", "set_aside", "nul"};
    for (unsigned i = 0; i < COUNT(words); i++) {
        enum rf_mismatch mismatch = RF_MISMATCH_FAIL;
        enum rf_bad_text bad_text = RF_BAD_TEXT_ESCAPE;
        enum rf_standing_rows rows = RF_STANDING_SKIP;
        cr_expect_not(rf_mismatch_find(words[i], &mismatch), "%s", words[i]);
        cr_expect_not(rf_bad_text_find(words[i], &bad_text), "%s", words[i]);
        cr_expect_not(rf_standing_rows_find(words[i], &rows), "%s", words[i]);
        cr_expect_eq(mismatch, RF_MISMATCH_FAIL, "left as it was");
        cr_expect_eq(bad_text, RF_BAD_TEXT_ESCAPE);
        cr_expect_eq(rows, RF_STANDING_SKIP);
    }
}
