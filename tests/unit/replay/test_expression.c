/* If these fail, a constraint of the source means something else in the target, or a manifest that
 * somebody made brings replay down. That translations are right is for test_expressions.py to say,
 * which asks both databases; here is what they look like, and where they end. */
#include "replay/expression_carry.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/expression_number.h"
#include "replay/expression_tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* YYYY-MM-DD HH:MM:SS */
static const struct rf_spelling seconds = {
    .form = {.kind = RF_ISO_LOCAL, .separator = ' ', .seconds = true}};

static const struct rf_expression_column columns[] = {
    {.name = "id",
     .sql = "\"id\"",
     .type = RF_EXPRESSION_BIGINT,
     .affinity = RF_AFFINITY_INTEGER,
     .not_null = true},
    {.name = "price",
     .sql = "\"Price\"",
     .type = RF_EXPRESSION_DOUBLE,
     .affinity = RF_AFFINITY_REAL},
    {.name = "active",
     .sql = "\"active\"",
     .type = RF_EXPRESSION_BOOLEAN,
     .affinity = RF_AFFINITY_NUMERIC},
    {.name = "name", .sql = "\"name\"", .type = RF_EXPRESSION_TEXT, .affinity = RF_AFFINITY_TEXT},
    {.name = "mail",
     .sql = "\"mail\"",
     .type = RF_EXPRESSION_TEXT,
     .affinity = RF_AFFINITY_TEXT,
     .collation = "nocase"},
    {.name = "gone", .type = RF_EXPRESSION_TEXT, .affinity = RF_AFFINITY_TEXT},
    {.name = "total",
     .sql = "\"total\"",
     .type = RF_EXPRESSION_NUMERIC,
     .affinity = RF_AFFINITY_NUMERIC,
     .precision = 5,
     .scale = 2},
    {.name = "count",
     .sql = "\"count\"",
     .type = RF_EXPRESSION_BIGINT,
     .affinity = RF_AFFINITY_INTEGER,
     .generated = true},
    {.name = "start",
     .sql = "\"start\"",
     .type = RF_EXPRESSION_TIMESTAMP,
     .affinity = RF_AFFINITY_NUMERIC,
     .encoding = RF_INSTANT_ISO_LOCAL,
     .spelling = &seconds},
    {.name = "end",
     .sql = "\"end\"",
     .type = RF_EXPRESSION_TIMESTAMP,
     .affinity = RF_AFFINITY_NUMERIC,
     .encoding = RF_INSTANT_ISO_LOCAL,
     .spelling = &seconds},
    {.name = "seen",
     .sql = "\"seen\"",
     .type = RF_EXPRESSION_TIMESTAMPTZ,
     .affinity = RF_AFFINITY_INTEGER,
     .encoding = RF_INSTANT_UNIX_S,
     .grain = 1000},
    {.name = "small",
     .sql = "\"small\"",
     .type = RF_EXPRESSION_SMALLINT,
     .affinity = RF_AFFINITY_INTEGER},
    {.name = "code",
     .sql = "\"code\"",
     .type = RF_EXPRESSION_TEXT,
     .affinity = RF_AFFINITY_TEXT,
     .length = 3},
};
static const struct rf_expression_table table = {
    .name = "orders", .column_count = COUNT(columns), .columns = columns, .alias = 0};

enum { ID, PRICE, ACTIVE, NAME, MAIL, GONE, TOTAL, COUNTED, START, END, SEEN, SMALL, CODE };

static struct rf_arena arena;

static void release(void) {
    rf_arena_release(&arena);
}

static struct rf_expression condition(const char *text) {
    return rf_expression_condition(&table, text, &arena);
}

Test(expression, conditions_are_sql_of_type_boolean, .fini = release) {
    static const char *const cases[][2] = {
        {"active", "\"active\""},
        {"active = 1", "\"active\""},
        {"active = 0", "(NOT \"active\")"},
        {"id", "(\"id\" <> 0)"},
        {"ID >= 0", "(\"id\" >= 0)"},
        {"rowid > 1", "(\"id\" > 1)"},
        {"\"ORDERS\".[price] > 0", "(\"Price\" > 0)"},
        {"name <> ''", "((\"name\" COLLATE \"C\") <> ''::text)"},
        {"mail = 'A@B'", "(lower(\"mail\" COLLATE \"C\") = 'a@b'::text)"},
        {"name LIKE '50\\%'", "(\"name\" COLLATE \"C\") LIKE"},
        {"id % 0 = 1", "((\"id\" % NULLIF('0'::bigint, 0)) = 1)"},
        {"60 * 60 < id", "(3600 < \"id\")"},
        {"\"no column\" = name", "('no column'::text = (\"name\" COLLATE \"C\"))"},
        {"name GLOB '[a-z]?*'", "((\"name\" COLLATE \"C\") ~ '^[a-z]..*$'::text)"},
        {"start <= end", "(\"start\" <= \"end\")"},
        {"end > '2024-05-01 10:00:00'", "(\"end\" > '2024-05-01 10:00:00'::timestamp)"},
        {"seen > 0", "(\"seen\" > '1970-01-01 00:00:00+00'::timestamp with time zone)"},
        {"seen = 0.25", "'1970-01-01 00:00:00.250000+00'"},
        {"small > 1", "(\"small\"::bigint > 1)"},
        {"code <> 'x'", "((\"code\"::text COLLATE \"C\") <> 'x'::text)"},
        {"name GLOB '***[ab]**'", "((\"name\" COLLATE \"C\") ~ '^.*[ab].*$'::text)"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_expression expression = condition(cases[i][0]);
        cr_assert_not_null(expression.sql, "%s: %s", cases[i][0], expression.refusal);
        cr_expect(strstr(expression.sql, cases[i][1]), "%s: %s", cases[i][0], expression.sql);
        cr_expect(expression.immutable && !expression.refusal);
    }
}

Test(expression, refusals_name_what_stands_in_the_way, .fini = release) {
    static const char *const cases[][2] = {
        {"strftime('%Y', name) > '2000'", "function strftime()"},
        {"frobnicate(id)", "function frobnicate()"},
        {"id = 'x'", "comparison of a number with text"},
        {"gone = 'x'", "column gone, which is not carried over"},
        {"price * 2 > 1", "arithmetic on reals, which may overflow (operator *)"},
        {"id + id + 1 > 0", "arithmetic on an integer that may have overflowed"},
        {"name", "text as a condition"},
        {"id > (SELECT 1)", "a subquery"},
        {"id = 1 1", "syntax: not understood at \"1\""},
        {"start > '2024-05-01'", "comparison of a date or time with what is none of that column"},
        {"start = seen", "comparison of dates or times that are kept in two ways"},
        {"seen = 0.0001", "comparison of a date or time with what is none of that column"},
        {"-9999999999999 < seen", "comparison of a date or time with what is none of that column"},
        {"id =", "syntax: it ends too early"},
        {"name = '\xff'", "text that is not valid UTF-8"},
        {"\xff\xff = 1", "column ??, which the table does not have"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_expression expression = condition(cases[i][0]);
        cr_expect_null(expression.sql, "%s: %s", cases[i][0], expression.sql);
        cr_expect_str_eq(expression.refusal, cases[i][1], "%s", cases[i][0]);
    }
}

/* A row with a value that the expression would fail for must not stop a load. */
Test(expression, nothing_that_can_overflow_is_left_to_the_server, .fini = release) {
    static const char *const cases[][2] = {
        {"id + 1 > 0", "numeric"},
        {"-id < 0", "numeric"},
        {"abs(id) > 0", "numeric"},
        {"id / id = 1", "NULLIF"},
        {"id / -1 > 0", "numeric"},
        {"id % 10 + 1 > 0", "((\"id\" % 10) + 1)"},
        {"id / 10 + 1 > 0", "((\"id\" / 10) + 1)"},
        {"length(name) * 1000 > 5", "(char_length(\"name\")::bigint * 1000)"},
        {"id / 100.0 > 0.5", "'100'::double precision"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_expression expression = condition(cases[i][0]);
        cr_assert_not_null(expression.sql, "%s: %s", cases[i][0], expression.refusal);
        cr_expect(strstr(expression.sql, cases[i][1]), "%s: %s", cases[i][0], expression.sql);
    }
}

Test(expression, generated_columns_do_not_refer_to_each_other, .fini = release) {
    struct rf_expression name = rf_expression_generated(&table, NAME, "lower(mail)", &arena);
    cr_expect_str_eq(name.sql, "lower(\"mail\" COLLATE \"C\")");
    struct rf_expression twice = rf_expression_generated(&table, ID, "count + 1", &arena);
    cr_expect_str_eq(twice.refusal, "column count, which is generated itself");
    cr_expect_not_null(condition("count > 1").sql);
    struct rf_expression wrong = rf_expression_generated(&table, ID, "price", &arena);
    cr_expect_str_eq(wrong.refusal, "a real that may become a large integer");
}

Test(expression, defaults_fit_their_column, .fini = release) {
    static const struct {
        int column;
        const char *text;
        const char *sql; /* NULL: refused */
    } cases[] = {
        {ID, "5", "5"},
        {ID, "'5'", "5"},
        {ID, "-9223372036854775808", "'-9223372036854775808'::bigint"},
        {ID, "'five'", NULL},
        {ID, "9223372036854775808", NULL},
        {ACTIVE, "1", "true"},
        {ACTIVE, "TRUE", "true"},
        {ACTIVE, "\"0\"", "false"},
        {ACTIVE, "'true'", NULL},
        {ACTIVE, "2", NULL},
        {NAME, "'it''s'", "'it''s'::text"},
        {NAME, "word", "'word'::text"},
        {NAME, "'a\\b'", "E'a\\\\b'::text"},
        {NAME, "5", "'5'::text"},
        {NAME, "(random())", NULL},
        {PRICE, "1", "'1'::double precision"},
        {PRICE, "0.1", "'0.1'::double precision"},
        {TOTAL, "999.99", "'999.99'::numeric"},
        {TOTAL, "1000", NULL},
        {TOTAL, "0.001", NULL},
        {TOTAL, "NULL", "NULL"},
        {START, "'2024-05-01 10:00:00'", "'2024-05-01 10:00:00'::timestamp"},
        {START, "'2024-05-01T10:00:00'", NULL},
        {START, "0", NULL},
        {SEEN, "-1", "'1969-12-31 23:59:59+00'::timestamp with time zone"},
        {SEEN, "0.0005", NULL},
        {SEEN, "'2024-05-01 10:00:00'", NULL},
        {SMALL, "32767", "32767"},
        {SMALL, "32768", NULL},
        {CODE, "'äöü'", "'äöü'::text"},
        {CODE, "'abcd'", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_expression made =
            rf_expression_default(&columns[cases[i].column], cases[i].text, &arena);
        cr_expect_eq(!made.sql, !cases[i].sql, "%s: %s", cases[i].text, made.refusal);
        cr_expect(!made.sql || strcmp(made.sql, cases[i].sql) == 0, "%s: %s", cases[i].text,
                  made.sql);
    }
}

Test(expression, the_clock_is_not_immutable, .fini = release) {
    struct rf_expression made = rf_expression_default(&columns[NAME], "CURRENT_TIMESTAMP", &arena);
    cr_assert_not_null(made.sql);
    cr_expect_not(made.immutable);
    cr_expect_str_eq(condition("CURRENT_DATE > name").refusal, "CURRENT_DATE outside of a default");
}

Test(expression, parts_of_an_index_keep_equality_and_order, .fini = release) {
    static const char *const cases[][3] = {
        {"id", NULL, "\"id\""},
        {"name", NULL, "\"name\" COLLATE \"C\""},
        {"'name'", NULL, "\"name\" COLLATE \"C\""},
        {"mail", NULL, "(lower(\"mail\" COLLATE \"C\"))"},
        {"mail COLLATE BINARY", NULL, "\"mail\" COLLATE \"C\""},
        {"name", "RTRIM", "(rtrim(\"name\" COLLATE \"C\", ' '))"},
        {"length(name)", NULL, "(char_length(\"name\")::bigint)"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_expression part =
            rf_expression_index_part(&table, cases[i][0], cases[i][1], &arena);
        cr_assert_not_null(part.sql, "%s: %s", cases[i][0], part.refusal);
        cr_expect_str_eq(part.sql, cases[i][2], "%s: %s", cases[i][0], part.sql);
    }
    cr_expect_str_eq(rf_expression_index_part(&table, "small", NULL, &arena).sql, "\"small\"");
    cr_expect_null(rf_expression_index_part(&table, "name COLLATE german", NULL, &arena).sql);
}

static char *repeated(const char *before, const char *what, size_t count, const char *after) {
    size_t size = strlen(what);
    char *text = malloc(strlen(before) + size * count + strlen(after) + 1);
    cr_assert_not_null(text);
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < count; i++) {
        at = stpcpy(at, what);
    }
    strcpy(at, after);
    return text;
}

Test(expression, depth_and_size_are_bounded, .fini = release) {
    static const char *const cases[][3] = {
        {"", "(", "1"},         {"", "NOT ", "id"},
        {"", "-", "id"},        {"id", " + 1", ""},
        {"id", " AND id", ""},  {"name", " || name", " = ''"},
        {"", "CASE WHEN ", ""}, {"", "CASE id WHEN 1 THEN ", "2"},
        {"", "abs(", "id"},     {"id IN (1", ", 1", ")"},
        {"", "[", "x"},         {"name = '", "''", "'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = repeated(cases[i][0], cases[i][1], 100000, cases[i][2]);
        struct rf_expression expression = condition(text);
        bool plain = i + 1 == COUNT(cases); /* a long text is nothing deep */
        cr_expect_eq(plain, expression.sql != NULL, "%s%s", cases[i][0], cases[i][1]);
        cr_expect(plain || strlen(expression.refusal) < 200, "%s", cases[i][1]);
        free(text);
    }
    /* Each level doubles the SQL. */
    char *inner = repeated("", "nullif(", 100, "name");
    char *doubling = repeated(inner, ", name)", 100, " = ''");
    cr_expect_str_eq(condition(doubling).refusal, "an expression that becomes too long");
    free(inner);
    free(doubling);
}

Test(expression, a_full_arena_gives_neither_sql_nor_reason) {
    struct rf_arena full = {.failed = true};
    struct rf_expression made = rf_expression_condition(&table, "name = 'x' OR nonsense(", &full);
    cr_expect(!made.sql && !made.refusal);
    made = rf_expression_default(&columns[NAME], "'x'", &full);
    cr_expect(!made.sql && !made.refusal);
    rf_arena_release(&full);
}

static const char *const kinds[] = {"nothing", "integer", "real", "unsure"};

/* A real whose last bit hangs on the version of SQLite has no place in a constraint. */
Test(expression, only_certain_numbers_are_read) {
    static const struct {
        const char *text;
        enum rf_reading reading;
        double real;
    } cases[] = {
        {"0", RF_READ_INTEGER, 0},
        {"9223372036854775807", RF_READ_INTEGER, 0},
        {"9223372036854775808", RF_READ_UNSURE, 0},
        {"0xffffffffffffffff", RF_READ_INTEGER, 0},
        {"0x10000000000000000", RF_READ_UNSURE, 0},
        {"0.1", RF_READ_REAL, 0.1},
        {"1.50", RF_READ_REAL, 1.5},
        {".5", RF_READ_REAL, 0.5},
        {"5.", RF_READ_REAL, 5},
        {"1e15", RF_READ_REAL, 1e15},
        {"1e16", RF_READ_UNSURE, 0},
        {"12e15", RF_READ_UNSURE, 0},
        {"", RF_READ_UNSURE, 0},
        {"2.5e-3", RF_READ_REAL, 0.0025},
        {"3.14159265358979", RF_READ_REAL, 3.14159265358979},
        {"3.141592653589793", RF_READ_UNSURE, 0},
        {"1e308", RF_READ_UNSURE, 0},
        {"1e-400", RF_READ_UNSURE, 0},
        {"1e999999999999999999999", RF_READ_UNSURE, 0},
        {"0.324080092367", RF_READ_UNSURE, 0}, /* all but half way between two doubles */
        {"4.89146362925", RF_READ_UNSURE, 0},
        {"52.5438727686", RF_READ_UNSURE, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_number number = rf_number_of_literal(cases[i].text, false);
        cr_expect_eq(number.reading, cases[i].reading, "%s: %s", cases[i].text,
                     kinds[number.reading]);
        cr_expect(number.reading != RF_READ_REAL || number.real == cases[i].real, "%s",
                  cases[i].text);
    }
    cr_expect_eq(rf_number_of_literal("9223372036854775808", true).integer, INT64_MIN);
    cr_expect_eq(rf_number_of_literal("0.0", true).reading, RF_READ_UNSURE);
}

Test(expression, text_that_is_no_number_stays_text) {
    static const struct {
        const char *text;
        enum rf_reading reading;
    } cases[] = {
        {"", RF_READ_NOTHING},     {"abc", RF_READ_NOTHING},      {"1a", RF_READ_NOTHING},
        {"1e", RF_READ_NOTHING},   {".", RF_READ_NOTHING},        {"2020-01-01", RF_READ_NOTHING},
        {"0x10", RF_READ_NOTHING}, {"1", RF_READ_INTEGER},        {"-1", RF_READ_INTEGER},
        {"+01", RF_READ_INTEGER},  {"1.5", RF_READ_REAL},         {"1e3", RF_READ_REAL},
        {" 1", RF_READ_UNSURE},    {"1\n", RF_READ_UNSURE},       {"1e999", RF_READ_UNSURE},
        {"--1", RF_READ_NOTHING},  {"Infinity", RF_READ_NOTHING},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum rf_reading reading = rf_number_of_text(cases[i].text).reading;
        cr_expect_eq(reading, cases[i].reading, "'%s': %s", cases[i].text, kinds[reading]);
    }
}

/* Long chains that people do write. */
Test(expression, a_chain_of_a_hundred_is_not_too_deep, .fini = release) {
    char *text = repeated("name = 'a'", " OR name = 'b'", 100, "");
    cr_expect_not_null(condition(text).sql);
    free(text);
    text = repeated("id IN (1", ", 1234567", 1000, ")");
    cr_expect_not_null(condition(text).sql);
    free(text);
}

Test(expression, precedence_is_that_of_sqlite, .fini = release) {
    static const char *const alike[][2] = {
        {"1 + 2 * 3 = 7 AND NOT id = 2 OR active",
         "(((1 + (2 * 3)) = 7) AND (NOT (id = 2))) OR active"},
        {"id & 3 = 1", "(id & 3) = 1"},
        {"id = 1 < 2", "id = (1 < 2)"},
        {"id | 1 + 1 > 0", "(id | (1 + 1)) > 0"},
        {"-id % 10 + 1 > 0", "(((-id) % 10) + 1) > 0"},
        {"name || 'x' COLLATE nocase = 'AX'", "(name || ('x' COLLATE nocase)) = 'AX'"},
        {"NOT name LIKE 'a' IS NULL", "NOT ((name LIKE 'a') IS NULL)"},
        {"id BETWEEN 1 AND 2 AND active", "(id BETWEEN 1 AND 2) AND active"},
        {"id IS NOT NULL = 1", "(id IS NOT NULL) = 1"},
        {"id << 1 + 1 & 6", "(id << (1 + 1)) & 6"},
        {"~id % 10 > 0", "((~id) % 10) > 0"},
    };
    for (size_t i = 0; i < COUNT(alike); i++) {
        struct rf_expression plain = condition(alike[i][0]);
        struct rf_expression spelled = condition(alike[i][1]);
        cr_expect_str_eq(plain.sql ? plain.sql : plain.refusal,
                         spelled.sql ? spelled.sql : spelled.refusal, "%s", alike[i][0]);
    }
}
