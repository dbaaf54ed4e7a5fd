/* If these fail, two tables fight over one name, a name changes between two runs, or a table is
 * called in another way than the configuration asks. Hashes in expected names are those of
 * `printf 'ctid\nctid\n0' | xxhsum -H3`. */
#include "replay/resolve.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "replay/quote.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NAMES_MAX 8

static const struct rf_rules no_rules = {0};
static const struct rf_rules folding = {.fold_names = true};
static struct rf_arena arena;
static struct rf_error error;
static struct rf_resolve_name names[NAMES_MAX];

static void release(void) {
    rf_arena_release(&arena);
}

TestSuite(resolve, .fini = release);

static uint32_t take(const char *const *sources) {
    uint32_t count = 0;
    for (; sources[count]; count++) {
        names[count] = (struct rf_resolve_name){.source = sources[count]};
    }
    return count;
}

static enum rf_code tables(const struct rf_rules *rules, const char *const *sources) {
    rf_error_clear(&error);
    return rf_resolve_tables(rules, NULL, names, take(sources), &arena, &error);
}

static enum rf_code columns(const struct rf_rules *rules, const char *const *sources) {
    rf_error_clear(&error);
    return rf_resolve_columns(rules, "t", names, take(sources), &arena, &error);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The beginning, an underscore and eight hexadecimal digits. */
static bool is_altered(const char *name, const char *beginning) {
    size_t size = strlen(beginning);
    return strncmp(name, beginning, size) == 0 && name[size] == '_' && strlen(name) == size + 9 &&
           strspn(name + size + 1, "0123456789abcdef") == 8;
}

static const struct rf_resolve_name *named(const char *source) {
    for (uint32_t i = 0; i < NAMES_MAX; i++) {
        if (names[i].source && strcmp(names[i].source, source) == 0) {
            return &names[i];
        }
    }
    cr_assert_fail("%s", source);
    return NULL;
}

#define SIXTY "123456789 123456789 123456789 123456789 123456789 1234567890"

Test(resolve, names_are_kept_exactly) {
    cr_assert_eq(tables(&no_rules, LIST("Order", "order by", "a\"b", "\xc3\x89", "\xc3\xa9",
                                        SIXTY "123", "pg_x", "ctid")),
                 RF_OK, "%s", error.what);
    for (uint32_t i = 0; i < NAMES_MAX; i++) {
        cr_expect_str_eq(names[i].name, names[i].source);
        cr_expect_null(names[i].why);
        cr_expect_not(names[i].asked);
    }
}

Test(resolve, nothing_to_resolve) {
    cr_expect_eq(rf_resolve_tables(&no_rules, NULL, NULL, 0, &arena, &error), RF_OK);
}

Test(resolve, folding_is_of_a_to_z_alone) {
    cr_assert_eq(tables(&folding, LIST("Users", "AZ[@`{az", "\xc3\x89T\xc3\x89", "plain")), RF_OK);
    cr_expect_str_eq(names[0].name, "users");
    cr_expect_str_eq(names[1].name, "az[@`{az");
    cr_expect_str_eq(names[2].name, "\xc3\x89t\xc3\x89");
    cr_expect_str_eq(names[0].why, "names are put in lower case");
    cr_expect(names[0].asked);
    cr_expect_str_eq(names[3].name, "plain");
    cr_expect_null(names[3].why);
}

/* 63 bytes are the limit of the server, not 63 characters; a character is never cut in two. */
Test(resolve, borders_of_63_bytes) {
    cr_assert_eq(tables(&no_rules, LIST(SIXTY "123", SIXTY "1234", SIXTY "1\xc3\xa9", /* 63 bytes */
                                        SIXTY "12\xc3\xa9" /* 64 */)),
                 RF_OK);
    cr_expect_str_eq(names[0].name, SIXTY "123");
    cr_expect(is_altered(names[1].name, "123456789 123456789 123456789 123456789 123456789 1234"),
              "%s", names[1].name);
    cr_expect_eq(strlen(names[1].name), 63);
    cr_expect_str_eq(names[1].why, "the name is longer than 63 bytes");
    cr_expect_not(names[1].asked, "somebody should be told");
    cr_expect_str_eq(names[2].name, SIXTY "1\xc3\xa9");
    cr_expect_neq(strcmp(names[1].name, names[3].name), 0);

    /* 54 bytes are kept: the two-byte character at 54, the three-byte ones at 53 and 54, the
     * four-byte ones at 52 … 54 would be cut in two, or just fit. */
    static const char fifty[] = "12345678901234567890123456789012345678901234567890";
    struct {
        const char *middle;
        size_t kept; /* bytes of it */
    } cases[] = {
        {"1234\xc3\xa9", 4},        {"123\xc3\xa9", 3},          {"12\xc3\xa9", 4},
        {"12\xe2\x82\xac", 2},      {"1\xe2\x82\xac", 4},        {"123\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},    {"1\xf0\x9f\x98\x80", 1},    {"12\xf0\x9f\x98\x80", 2},
        {"123\xf0\x9f\x98\x80", 3}, {"1234\xf0\x9f\x98\x80", 4}, {"123456789", 4},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char source[128], beginning[64];
        snprintf(source, sizeof source, "%s%s%s", fifty, cases[i].middle, "and so on, over 63");
        snprintf(beginning, sizeof beginning, "%s%.*s", fifty, (int)cases[i].kept, cases[i].middle);
        cr_assert_eq(tables(&no_rules, LIST(source)), RF_OK);
        cr_expect(is_altered(names[0].name, beginning), "%s: %s", source, names[0].name);
        cr_expect_null(rf_name_refusal(names[0].name));
    }
}

Test(resolve, names_that_are_none) {
    cr_assert_eq(tables(&no_rules, LIST("",
                                        "a\xff"
                                        "b",
                                        "a\xfe"
                                        "b",
                                        "\xff")),
                 RF_OK);
    cr_expect(is_altered(names[0].name, "table"), "%s", names[0].name);
    cr_expect_str_eq(names[0].why, "the name is empty");
    cr_expect(is_altered(names[1].name, "a_b"), "%s", names[1].name);
    cr_expect_str_eq(names[1].why, "the name is not valid UTF-8");
    cr_expect(is_altered(names[2].name, "a_b"), "%s", names[2].name);
    cr_expect_str_neq(names[1].name, names[2].name);
    cr_expect(is_altered(names[3].name, "_"), "%s", names[3].name);
    cr_assert_eq(columns(&no_rules, LIST("")), RF_OK);
    cr_expect(is_altered(names[0].name, "column"), "%s", names[0].name);
}

Test(resolve, system_columns) {
    cr_assert_eq(columns(&folding, LIST("ctid", "xmin", "TableOID", "oid", "rowid")), RF_OK);
    cr_expect(is_altered(names[0].name, "ctid"), "%s", names[0].name);
    cr_expect_str_eq(names[0].why, "every PostgreSQL table has a system column of that name");
    cr_expect(is_altered(names[1].name, "xmin"), "%s", names[1].name);
    cr_expect(is_altered(names[2].name, "tableoid"), "%s", names[2].name);
    cr_expect_str_eq(names[3].name, "oid");
    cr_expect_str_eq(names[4].name, "rowid");
    cr_assert_eq(columns(&no_rules, LIST("CTID")), RF_OK);
    cr_expect_str_eq(names[0].name, "CTID", "quoted, it is another name");
}

/* No source has names that differ in the case of A to Z alone, but a manifest may say so. */
Test(resolve, of_three_who_want_a_name_the_exact_one_has_it) {
    const char *orders[][4] = {
        {"ab", "AB", "Ab", NULL}, {"AB", "ab", "Ab", NULL}, {"Ab", "AB", "ab", NULL}};
    char first_ab[64] = "", second_ab[64] = "";
    for (size_t i = 0; i < COUNT(orders); i++) {
        cr_assert_eq(tables(&folding, orders[i]), RF_OK);
        cr_expect_str_eq(named("ab")->name, "ab");
        cr_expect_null(named("ab")->why);
        cr_expect(is_altered(named("AB")->name, "ab"), "%s", named("AB")->name);
        cr_expect(is_altered(named("Ab")->name, "ab"), "%s", named("Ab")->name);
        cr_expect_str_eq(named("Ab")->why, "another table would be called the same");
        cr_expect_str_neq(named("Ab")->name, named("AB")->name);
        if (i == 0) {
            snprintf(first_ab, sizeof first_ab, "%s", named("AB")->name);
            snprintf(second_ab, sizeof second_ab, "%s", named("Ab")->name);
        }
        cr_expect_str_eq(named("AB")->name, first_ab, "the order says nothing");
        cr_expect_str_eq(named("Ab")->name, second_ab);
    }
    /* without the exact one the others are called as before */
    cr_assert_eq(tables(&folding, LIST("Ab", "AB")), RF_OK);
    cr_expect_str_eq(names[0].name, second_ab);
    cr_expect_str_eq(names[1].name, first_ab);
}

/* Names in ledgers and in people's queries: another hash would call the table anew. */
Test(resolve, altered_names_never_change) {
    cr_assert_eq(tables(&no_rules, LIST(SIXTY "1234", "")), RF_OK);
    cr_expect_str_eq(names[0].name,
                     "123456789 123456789 123456789 123456789 123456789 1234_8d9454f3");
    cr_expect_str_eq(names[1].name, "table_e0a8d3ac");
    cr_assert_eq(columns(&no_rules, LIST("ctid")), RF_OK);
    cr_expect_str_eq(names[0].name, "ctid_384bb1bd");
}

/* A table of the source that is called just as the altered name of another one would be. */
Test(resolve, an_altered_name_avoids_all_others) {
    cr_assert_eq(columns(&no_rules, LIST("xmax")), RF_OK);
    char own[64];
    snprintf(own, sizeof own, "%s", names[0].name);
    cr_assert_eq(columns(&no_rules, LIST("xmax", own)), RF_OK);
    cr_expect_str_eq(names[1].name, own);
    cr_expect(is_altered(names[0].name, "xmax"), "%s", names[0].name);
    cr_expect_str_neq(names[0].name, own);

    cr_assert_eq(tables(&no_rules, LIST("")), RF_OK);
    snprintf(own, sizeof own, "%s", names[0].name);
    struct rf_names taken;
    rf_names_init(&taken, &arena);
    rf_names_add(&taken, own);
    rf_names_add(&taken, "free");
    uint32_t count = take(LIST("", "free"));
    cr_assert_eq(rf_resolve_tables(&no_rules, &taken, names, count, &arena, &error), RF_OK);
    cr_expect(is_altered(names[0].name, "table"), "%s", names[0].name);
    cr_expect_str_neq(names[0].name, own);
    cr_expect_str_eq(names[1].name, "free", "whether a whole name is free is not asked here");
}

/* A table that comes later changes no name that stands, whatever it is called. */
Test(resolve, the_ledger_wins) {
    take(LIST("AB", "ab", "Ab", "same", "moved"));
    names[0].standing = "ab";
    names[3].standing = "same";
    names[4].standing = "elsewhere";
    cr_assert_eq(rf_resolve_tables(&folding, NULL, names, 5, &arena, &error), RF_OK, "%s",
                 error.what);
    cr_expect_str_eq(names[0].name, "ab");
    cr_expect(names[0].asked);
    cr_expect(is_altered(names[1].name, "ab"), "%s", names[1].name);
    cr_expect_str_eq(names[1].why, "another table would be called the same");
    cr_expect_not(names[1].asked);
    cr_expect(is_altered(names[2].name, "ab"), "%s", names[2].name);
    cr_expect_str_eq(names[3].name, "same");
    cr_expect_null(names[3].why);
    cr_expect_str_eq(names[4].name, "elsewhere");
    cr_expect_str_eq(names[4].why, "it was made under this name");
}

Test(resolve, a_rename_does_not_move_a_table_that_stands) {
    const struct rf_table_rule rule = {.table = "t", .rename = "new"};
    const struct rf_rules rules = {.table_count = 1, .tables = &rule};
    take(LIST("t"));
    names[0].standing = "t";
    cr_assert_eq(rf_resolve_tables(&rules, NULL, names, 1, &arena, &error), RF_OK);
    cr_expect_str_eq(names[0].name, "t");
    cr_expect_str_eq(names[0].why, "it was made under this name, and a rename counts when it is "
                                   "made");
    cr_expect_not(names[0].asked);
    names[0].standing = "new";
    cr_assert_eq(rf_resolve_tables(&rules, NULL, names, 1, &arena, &error), RF_OK);
    cr_expect_str_eq(names[0].name, "new");
    cr_expect(names[0].asked);
}

Test(resolve, renames_are_to_the_letter) {
    const struct rf_table_rule some[] = {
        {.table = "a", .rename = "b"},          {.table = "b", .rename = "a"},
        {.table = "c", .rename = "Capital"},    {.table = "KEEP", .rename = "KEEP"},
        {.table = SIXTY "*", .rename = "fits"},
    };
    const struct rf_rules rules = {.fold_names = true, .table_count = COUNT(some), .tables = some};
    cr_assert_eq(tables(&rules, LIST("a", "b", "c", "KEEP", SIXTY "1234")), RF_OK, "%s",
                 error.what);
    cr_expect_str_eq(names[0].name, "b");
    cr_expect_str_eq(names[1].name, "a", "two tables may swap their names");
    cr_expect_str_eq(names[2].name, "Capital", "what was asked for is not folded");
    cr_expect_str_eq(names[2].why, "the configuration renames it");
    cr_expect(names[2].asked);
    cr_expect_str_eq(names[3].name, "KEEP");
    cr_expect_null(names[3].why);
    cr_expect_str_eq(names[4].name, "fits");
}

Test(resolve, columns_are_renamed_for_their_table) {
    const struct rf_column_rule column = {.column = "xm*", .rename = "made"};
    const struct rf_table_rule some[] = {
        {.table = "t", .rename = "table's own", .column_count = 1, .columns = &column}};
    const struct rf_rules rules = {.table_count = COUNT(some), .tables = some};
    cr_assert_eq(columns(&rules, LIST("a", "xmin")), RF_OK, "%s", error.what);
    cr_expect_str_eq(names[0].name, "a");
    cr_expect_str_eq(names[1].name, "made");
    take(LIST("xmin"));
    cr_assert_eq(rf_resolve_columns(&rules, "other", names, 1, &arena, &error), RF_OK);
    cr_expect(is_altered(names[0].name, "xmin"), "%s", names[0].name);
}

Test(resolve, renames_that_cannot_be) {
    const struct rf_table_rule wide[] = {{.table = "ev*", .rename = "evts"}};
    const struct rf_table_rule taken[] = {{.table = "a", .rename = "b"}};
    const struct rf_table_rule capital[] = {{.table = "a", .rename = "b"}};
    const struct rf_table_rule empty[] = {{.table = "a", .rename = ""}};
    const struct rf_table_rule longer[] = {{.table = "a", .rename = SIXTY "1234"}};
    const struct {
        struct rf_rules rules;
        const char *sources[4];
        const char *what;
    } cases[] = {
        {{.table_count = 1, .tables = wide},
         {"ev_b", "ev_a", "x"},
         "table \"ev_a\" cannot be renamed to \"evts\": table \"ev_b\" would be called so"},
        {{.table_count = 1, .tables = taken},
         {"a", "b"},
         "table \"a\" cannot be renamed to \"b\": table \"b\" would be called so"},
        {{.table_count = 1, .tables = taken},
         {"b", "a"},
         "table \"a\" cannot be renamed to \"b\": table \"b\" would be called so"},
        {{.fold_names = true, .table_count = 1, .tables = capital},
         {"a", "B"},
         "table \"a\" cannot be renamed to \"b\": table \"B\" would be called so"},
        {{.table_count = 1, .tables = empty},
         {"a"},
         "table \"a\" cannot be renamed to \"\": the name is empty"},
        {{.table_count = 1, .tables = longer},
         {"a"},
         "table \"a\" cannot be renamed to \"" SIXTY "1234\": the name is longer than 63 bytes"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_expect_eq(tables(&cases[i].rules, cases[i].sources), RF_USAGE, "%s", cases[i].what);
        cr_expect_str_eq(error.what, cases[i].what, "%s", error.what);
        cr_expect_neq(error.hint[0], 0);
    }
}

Test(resolve, a_rename_to_where_another_table_stands) {
    const struct rf_table_rule rule = {.table = "new", .rename = "b"};
    const struct rf_rules rules = {.table_count = 1, .tables = &rule};
    take(LIST("old", "new"));
    names[0].standing = "b";
    cr_expect_eq(rf_resolve_tables(&rules, NULL, names, 2, &arena, &error), RF_USAGE);
    cr_expect_str_eq(error.what,
                     "table \"new\" cannot be renamed to \"b\": table \"old\" is called so");
    take(LIST("b", "new"));
    names[0].standing = "elsewhere";
    cr_expect_eq(rf_resolve_tables(&rules, NULL, names, 2, &arena, &error), RF_OK,
                 "the other one's name is free: %s", error.what);
}

Test(resolve, columns_that_are_renamed_to_what_no_column_may_be_called) {
    const struct rf_column_rule column = {.column = "*_id", .rename = "ctid"};
    const struct rf_table_rule rule = {.table = "*", .column_count = 1, .columns = &column};
    const struct rf_rules rules = {.table_count = 1, .tables = &rule};
    cr_expect_eq(columns(&rules, LIST("a", "b_id")), RF_USAGE);
    cr_expect_str_eq(error.what, "column \"b_id\" cannot be renamed to \"ctid\": every PostgreSQL "
                                 "table has a system column of that name");
    cr_expect_str_eq(error.detail, "in table \"t\"");
}

/* Names of the source may be anything: a message stays text, and short. */
Test(resolve, a_hostile_name_in_an_error) {
    char source[2000];
    memset(source, 'x', sizeof source - 1);
    source[sizeof source - 1] = 0;
    source[1] = (char)0xff;
    const struct rf_table_rule rule = {.table = "x*", .rename = ""};
    const struct rf_rules rules = {.table_count = 1, .tables = &rule};
    cr_expect_eq(tables(&rules, LIST(source)), RF_USAGE);
    cr_expect_eq(strncmp(error.what, "table \"x?xxx", 11), 0, "%s", error.what);
    cr_expect_lt(strlen(error.what), 200);
}

/* 10,000 names that all need another: every one different, in any order the same. */
Test(resolve, many, .timeout = 30) {
    enum { MANY = 10000 };
    struct rf_resolve_name *many = rf_arena_take(&arena, MANY, sizeof *many);
    struct rf_resolve_name *again = rf_arena_take(&arena, MANY, sizeof *again);
    for (uint32_t i = 0; i < MANY; i++) {
        many[i].source = rf_arena_printf(&arena, SIXTY "123%u", i);
        again[MANY - 1 - i].source = many[i].source;
    }
    cr_assert_eq(rf_resolve_tables(&no_rules, NULL, many, MANY, &arena, &error), RF_OK);
    cr_assert_eq(rf_resolve_tables(&no_rules, NULL, again, MANY, &arena, &error), RF_OK);
    struct rf_names seen;
    rf_names_init(&seen, &arena);
    for (uint32_t i = 0; i < MANY; i++) {
        cr_assert_not(rf_names_have(&seen, many[i].name), "%s", many[i].name);
        rf_names_add(&seen, many[i].name);
        cr_assert_str_eq(again[MANY - 1 - i].name, many[i].name);
    }
}
