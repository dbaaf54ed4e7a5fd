/* If these fail, a type rests on rows that were not looked at, or the wrong rows are named to those
 * who ask which ones do not fit. */
#include "replay/survey.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../format/fixture.h"
#include "rows.h"
#include "stored.h"

static struct rf_arena arena;
static struct rf_error error;

/* CREATE TABLE t(id INTEGER PRIMARY KEY, c) */
static struct rf_manifest_table id_and_c(void) {
    struct rf_manifest_table table = test_table("t", 2);
    test_column(&table, 0, "id", "INTEGER");
    test_column(&table, 1, "c", NULL);
    test_key(&table, 1, (const uint32_t[]){0});
    return table;
}

#define ROW(id, value) integer_value(id), value

Test(survey, counts_what_does_not_fit_and_names_the_first_rows) {
    struct rf_manifest_table table = id_and_c();
    const struct rf_value rows[] = {
        ROW(7, text_value("abc")),
        ROW(8, integer_value(1)),
        ROW(9, null_value()),
        ROW(10, real_value(1.5)),
        ROW(11, bytes_value(RF_BLOB, "\x01\xff", 2)),
        ROW(12, text_value("it's\n")),
        ROW(13, bytes_value(RF_TEXT, "a\0b", 3)),
    };
    struct stored stored;
    struct rf_survey survey;
    stored_make(&stored, &table, rows, COUNT(rows) / 2);
    rf_survey_init(&survey, &table, &arena);
    const struct rf_survey_question *numbers =
        rf_survey_ask(&survey, RF_SURVEY_FIT, 1, &rf_as_bigint, UINT64_MAX);
    const struct rf_survey_question *texts =
        rf_survey_ask(&survey, RF_SURVEY_FIT, 1, &rf_as_text, UINT64_MAX);
    cr_assert_eq(rf_survey_run(&survey, &stored.run, &error), RF_OK, "%s", error.what);
    cr_expect_eq(numbers->misfits, 5);
    cr_assert_eq(numbers->example_count, 3);
    cr_expect_str_eq(numbers->examples[0].key, "{\"id\": 7}");
    cr_expect_str_eq(numbers->examples[0].value, "'abc'");
    cr_expect_str_eq(numbers->examples[0].reason, "text does not fit bigint");
    cr_expect_str_eq(numbers->examples[1].key, "{\"id\": 10}");
    cr_expect_str_eq(numbers->examples[1].value, "1.5");
    cr_expect_str_eq(numbers->examples[2].value, "x'01ff'");
    cr_expect_eq(texts->misfits, 3, "the text with NUL is no matter of the type: %d",
                 (int)texts->misfits);
    stored_free(&stored);
    rf_manifest_table_release(&table);
    rf_arena_release(&arena);
}

Test(survey, gathers_evidence_from_all_rows) {
    struct rf_manifest_table table = id_and_c();
    const struct rf_value rows[] = {
        ROW(1, integer_value(1700000000)),
        ROW(2, integer_value(1700000001)),
        ROW(3, integer_value(1700000099)),
        ROW(4, null_value()),
    };
    struct stored stored;
    struct rf_survey survey;
    stored_make(&stored, &table, rows, COUNT(rows) / 2);
    rf_survey_init(&survey, &table, &arena);
    const struct rf_survey_question *moments =
        rf_survey_ask(&survey, RF_SURVEY_INSTANTS, 1, NULL, 0);
    const struct rf_survey_question *decimals =
        rf_survey_ask(&survey, RF_SURVEY_DECIMALS, 1, NULL, 0);
    cr_assert_eq(rf_survey_run(&survey, &stored.run, &error), RF_OK, "%s", error.what);
    cr_expect(rf_instant_evidence_proven(&moments->instants, NULL));
    cr_expect_eq(moments->instants.encoding, RF_INSTANT_UNIX_S);
    cr_expect_eq(moments->instants.values, 3);
    cr_expect_eq(decimals->decimals.integers, 3);
    stored_free(&stored);
    rf_manifest_table_release(&table);
    rf_arena_release(&arena);
}

/* Rows for several threads: they are made for eight blocks each, and a block has two rows. */
#define MANY 96

enum kind { SECONDS, TEXTS, FINER_AT_THE_END, OTHER_TEXT, BLOB, DECIMALS, NULLS_FIRST, TWO_KINDS };
static const char *const kinds[] = {"seconds", "texts",    "finer at the end", "another text",
                                    "a blob",  "decimals", "nulls first",      "two kinds"};

static struct rf_value value_of(enum kind kind, int row) {
    static const char texts[][24] = {"2024-01-31 12:00:00", "2024-01-30 12:00:01"};
    switch (kind) {
    case TEXTS:
        return text_value(texts[row % 2]);
    case FINER_AT_THE_END:
        return text_value(row < MANY - 3 ? texts[row % 2] : "2024-01-31 12:00:00.25");
    case OTHER_TEXT:
        return text_value(row == MANY / 2 ? "2024-01-31T12:00:00" : texts[row % 2]);
    case BLOB:
        return row == MANY - 1 ? bytes_value(RF_BLOB, "x", 1) : integer_value(1700000000 + row);
    case DECIMALS:
        return row % 2 ? real_value(row + 0.25) : integer_value(row * 1000);
    case NULLS_FIRST:
        return row < MANY / 2 ? null_value() : text_value(texts[row % 2]);
    case TWO_KINDS:
        return row < MANY / 2 ? text_value(texts[0]) : integer_value(1700000000);
    case SECONDS:
        break;
    }
    return integer_value(1700000000 + row * (row % 3 - 1));
}

struct answers {
    bool proven;
    struct rf_instant_evidence moments;
    char spelling[RF_SPELLING_TEXT];
    struct rf_decimal_evidence decimals;
};

static struct answers ask_with(struct stored *stored, const struct rf_manifest_table *table,
                               unsigned jobs) {
    struct rf_survey survey;
    struct rf_spelling spelling = {.rule = RF_FRACTION_ALWAYS};
    struct answers answers = {.spelling = ""};
    stored->options.jobs = jobs;
    stored->run.done = 0;
    rf_survey_init(&survey, table, &arena);
    const struct rf_survey_question *moments =
        rf_survey_ask(&survey, RF_SURVEY_INSTANTS, 1, NULL, 0);
    const struct rf_survey_question *decimals =
        rf_survey_ask(&survey, RF_SURVEY_DECIMALS, 1, NULL, 0);
    cr_assert_eq(rf_survey_run(&survey, &stored->run, &error), RF_OK, "%s", error.what);
    cr_expect_eq(stored->run.done, MANY, "%u jobs", jobs);
    answers.moments = moments->instants;
    answers.proven = rf_instant_evidence_proven(&moments->instants, &spelling);
    if (answers.proven && moments->instants.spelling.any) {
        rf_spelling_print(&spelling, answers.spelling);
    }
    answers.decimals = decimals->decimals;
    return answers;
}

static void expect_same(const struct answers *one, const struct answers *many, const char *name) {
    cr_expect_eq(one->proven, many->proven, "%s", name);
    cr_expect_str_eq(one->spelling, many->spelling, "%s", name);
    if (one->proven) {
        cr_expect_eq(one->moments.encoding, many->moments.encoding, "%s", name);
        cr_expect_eq(one->moments.values, many->moments.values, "%s", name);
        cr_expect_eq(one->moments.low, many->moments.low, "%s", name);
        cr_expect_eq(one->moments.high, many->moments.high, "%s", name);
    }
    cr_expect_eq(rf_decimal_evidence_type(&one->decimals, NULL),
                 rf_decimal_evidence_type(&many->decimals, NULL), "%s", name);
    if (one->decimals.others == 0) {
        cr_expect_eq(one->decimals.integers, many->decimals.integers, "%s", name);
        cr_expect_eq(one->decimals.reals, many->decimals.reals, "%s", name);
        cr_expect_eq(one->decimals.scale, many->decimals.scale, "%s", name);
        cr_expect_eq(one->decimals.whole_digits, many->decimals.whole_digits, "%s", name);
    }
}

Test(survey, answers_on_several_threads_as_on_one) {
    static const bool proven[] = {true, true, true, false, false, false, true, false};
    for (unsigned kind = 0; kind < COUNT(kinds); kind++) {
        struct rf_manifest_table table = id_and_c();
        struct rf_value rows[MANY * 2];
        for (int i = 0; i < MANY; i++) {
            rows[2 * i] = integer_value(i + 1);
            rows[2 * i + 1] = value_of(kind, i);
        }
        struct stored stored;
        stored_make(&stored, &table, rows, MANY);
        struct answers one = ask_with(&stored, &table, 1);
        cr_expect_eq(one.proven, proven[kind], "%s", kinds[kind]);
        for (unsigned jobs = 2; jobs <= 9; jobs++) {
            struct answers many = ask_with(&stored, &table, jobs);
            expect_same(&one, &many, kinds[kind]);
        }
        stored_free(&stored);
        rf_manifest_table_release(&table);
    }
    rf_arena_release(&arena);
}

Test(survey, tells_of_damage_that_another_thread_met) {
    struct rf_manifest_table table = id_and_c();
    struct rf_value rows[MANY * 2];
    for (int i = 0; i < MANY; i++) {
        rows[2 * i] = integer_value(i + 1);
        rows[2 * i + 1] = value_of(TEXTS, i);
    }
    struct stored stored;
    char folder[PATH_MAX], path[PATH_MAX];
    stored_make(&stored, &table, rows, MANY);
    scratch_path(stored.path, "archives", folder);
    FILE *file = fopen(scratch_path(folder, table.state[0].name, path), "r+");
    cr_assert_not_null(file);
    for (long i = 0; i < 64; i++) {
        cr_assert_eq(fseek(file, (long)(table.state[0].size / 3) + i, SEEK_SET), 0);
        cr_assert_eq(fputc((int)(0x55 + i), file) == EOF, false);
    }
    cr_assert_eq(fclose(file), 0);
    struct rf_survey survey;
    stored.options.jobs = 4;
    rf_survey_init(&survey, &table, &arena);
    rf_survey_ask(&survey, RF_SURVEY_INSTANTS, 1, NULL, 0);
    cr_expect_eq(rf_survey_run(&survey, &stored.run, &error), RF_CORRUPT);
    stored_free(&stored);
    rf_manifest_table_release(&table);
    rf_arena_release(&arena);
}

Test(survey, ends_where_all_is_settled_and_reads_nothing_unasked) {
    struct rf_manifest_table table = id_and_c();
    const struct rf_value rows[] = {ROW(1, text_value("a")), ROW(2, text_value("b")),
                                    ROW(3, text_value("c")), ROW(4, text_value("d"))};
    struct stored stored;
    struct rf_survey survey;
    stored_make(&stored, &table, rows, COUNT(rows) / 2);
    rf_survey_init(&survey, &table, &arena);
    cr_assert_eq(rf_survey_run(&survey, &stored.run, &error), RF_OK);
    cr_expect_eq(stored.run.done, 0);
    const struct rf_survey_question *fit =
        rf_survey_ask(&survey, RF_SURVEY_FIT, 1, &rf_as_bigint, 1);
    cr_assert_eq(rf_survey_run(&survey, &stored.run, &error), RF_OK);
    cr_expect_eq(fit->misfits, 1);
    cr_expect_eq(stored.run.done, 4, "progress takes in the rows that were spared");
    stored_free(&stored);
    rf_manifest_table_release(&table);
    rf_arena_release(&arena);
}

Test(survey, can_be_interrupted) {
    struct rf_manifest_table table = id_and_c();
    const struct rf_value rows[] = {ROW(1, text_value("a"))};
    struct stored stored;
    struct rf_survey survey;
    stored_make(&stored, &table, rows, 1);
    rf_survey_init(&survey, &table, &arena);
    rf_survey_ask(&survey, RF_SURVEY_INSTANTS, 1, NULL, 0);
    stored.stop = SIGINT;
    cr_expect_eq(rf_survey_run(&survey, &stored.run, &error), RF_INTERRUPTED);
    stored_free(&stored);
    rf_manifest_table_release(&table);
    rf_arena_release(&arena);
}

Test(survey, what_is_shown_stays_short_and_whole) {
    struct rf_manifest_table table = test_table("t", 1);
    test_column(&table, 0, "c", NULL);
    struct rf_value values[3] = {{0}};
    char text[300];
    uint8_t blob[300];
    for (size_t i = 0; i < sizeof text; i += 3) {
        memcpy(text + i, "\xe2\x82\xac", 3);
    }
    memset(blob, 0xab, sizeof blob);
    values[0] = bytes_value(RF_TEXT, text, sizeof text);
    values[1] = bytes_value(RF_BLOB, blob, sizeof blob);
    values[2] = bytes_value(RF_TEXT, "\xff\xfe", 2);
    struct test_rows rows;
    struct rf_survey survey;
    test_rows_make(&rows, values, 1, 3);
    rf_survey_init(&survey, &table, &arena);
    const struct rf_survey_question *fit =
        rf_survey_ask(&survey, RF_SURVEY_FIT, 0, &rf_as_bigint, UINT64_MAX);
    rf_survey_rows(&survey, &rows.rows, 0, 3, 100);
    cr_assert_eq(fit->example_count, 3);
    cr_expect_str_eq(fit->examples[0].key, "{\"rowid\": 101}");
    cr_expect_eq(strlen(fit->examples[0].value), 60 + strlen("''... (300 bytes)"));
    cr_expect_not(strchr(fit->examples[0].value, '?'), "half a character is left off");
    cr_expect_eq(strlen(fit->examples[1].value), 60 + strlen("x''... (300 bytes)"));
    cr_expect_str_eq(fit->examples[2].value, "text x'fffe'");
    test_rows_release(&rows);
    rf_manifest_table_release(&table);
    rf_arena_release(&arena);
}

/* ---- what a plan does with the rows ---- */

struct told {
    unsigned count;
    char lines[8][200];
};

static void tell(void *context, const struct rf_survey_finding *finding) {
    struct told *told = context;
    snprintf(told->lines[told->count++], sizeof told->lines[0], "%s %s=%s %s (%s)", finding->key,
             finding->column, finding->value, finding->altered ? "altered" : "aside",
             finding->reason);
}

Test(survey, tells_every_value_that_a_plan_sets_aside_or_alters) {
    struct rf_manifest_table table = id_and_c();
    const struct rf_value rows[] = {
        ROW(1, integer_value(5)),
        ROW(2, text_value("x")),
        ROW(3, null_value()),
        ROW(4, real_value(0.5)),
    };
    struct stored stored;
    stored_make(&stored, &table, rows, COUNT(rows) / 2);
    struct rf_plan_column columns[] = {
        {.source = "id", .name = "id", .cell = 0, .conversion = &rf_as_bigint, .not_null = true},
        {.source = "c", .name = "c", .cell = 1, .conversion = &rf_as_bigint},
    };
    struct rf_plan plan = {.table = "t", .relation = "t", .column_count = 2, .columns = columns};
    struct rf_survey_counts counts;
    struct told told = {0};
    columns[1].on_mismatch = RF_MISMATCH_SET_ASIDE;
    cr_assert_eq(rf_survey_plan(&stored.run, &table, &plan, tell, &told, &counts, &error), RF_OK);
    cr_expect_eq(counts.rows, 4);
    cr_expect_eq(counts.set_aside, 2);
    cr_expect_eq(counts.altered, 0);
    cr_assert_eq(told.count, 2);
    cr_expect_str_eq(told.lines[0], "{\"id\": 2} c='x' aside (text does not fit bigint)");
    cr_expect_str_eq(told.lines[1], "{\"id\": 4} c=0.5 aside (real does not fit bigint)");

    columns[1].on_mismatch = RF_MISMATCH_NULL;
    told.count = 0;
    cr_assert_eq(rf_survey_plan(&stored.run, &table, &plan, tell, &told, &counts, &error), RF_OK);
    cr_expect_eq(counts.set_aside, 0);
    cr_expect_eq(counts.altered, 2);
    cr_expect_str_eq(told.lines[0], "{\"id\": 2} c='x' altered (text does not fit bigint)");

    columns[1].on_mismatch = RF_MISMATCH_SET_ASIDE;
    columns[1].not_null = true;
    cr_assert_eq(rf_survey_plan(&stored.run, &table, &plan, NULL, NULL, &counts, &error), RF_OK);
    cr_expect_eq(counts.set_aside, 3, "a NULL too");
    stored_free(&stored);
    rf_manifest_table_release(&table);
}
