/* If these fail, a name is folded, cut or read as SQL on its way to the server, or two relations
 * fight over one name. */
#include "replay/names.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "replay/quote.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *of(struct rf_buffer *sql) {
    rf_buffer_u8(sql, 0);
    return (const char *)sql->bytes;
}

Test(quote, names) {
    const struct {
        const char *name, *quoted;
    } cases[] = {
        {"plain", "\"plain\""},
        {"Order", "\"Order\""},
        {"with space", "\"with space\""},
        {"a\"b", "\"a\"\"b\""},
        {"\"", "\"\"\"\""},
        {"x; DROP TABLE y; --", "\"x; DROP TABLE y; --\""},
        {"naïve€", "\"naïve€\""},
        {"back\\slash'", "\"back\\slash'\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_buffer sql = {0};
        rf_quote_name(&sql, cases[i].name);
        cr_expect_str_eq(of(&sql), cases[i].quoted);
        rf_buffer_release(&sql);
    }
    struct rf_buffer sql = {0};
    rf_quote_qualified(&sql, "s\"1", "t.2");
    cr_expect_str_eq(of(&sql), "\"s\"\"1\".\"t.2\"");
    rf_buffer_release(&sql);
}

Test(quote, literals) {
    const struct {
        const char *text, *quoted;
    } cases[] = {
        {"plain", "'plain'"},  {"it's", "'it''s'"}, {"back\\slash", " E'back\\\\slash'"},
        {"\\'", " E'\\\\'''"}, {"", "''"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_buffer sql = {0};
        rf_quote_literal(&sql, cases[i].text);
        cr_expect_str_eq(of(&sql), cases[i].quoted);
        rf_buffer_release(&sql);
    }
}

static const char sixty_three[] = "123456789 123456789 123456789 123456789 123456789 123456789 123";
static const char sixty_four[] = "123456789 123456789 123456789 123456789 123456789 123456789 1234";

Test(names, that_postgres_does_not_take) {
    cr_expect_null(rf_name_refusal("select"));
    cr_expect_null(rf_name_refusal(sixty_three));
    cr_expect_not_null(rf_name_refusal(sixty_four));
    cr_expect_not_null(rf_name_refusal(""));
    cr_expect_not_null(rf_name_refusal("a\xff"));
    cr_expect_null(rf_name_refusal("xmin"));
    const char *const system_columns[] = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"};
    for (size_t i = 0; i < COUNT(system_columns); i++) {
        cr_expect_not_null(rf_column_refusal(system_columns[i]), "%s", system_columns[i]);
    }
    cr_expect_null(rf_column_refusal("Xmin"));
    cr_expect_null(rf_column_refusal("oid"));
    cr_expect_null(rf_schema_refusal("public"));
    cr_expect_not_null(rf_schema_refusal("rowferry"));
    cr_expect_not_null(rf_schema_refusal("pg_catalog"));
    cr_expect_not_null(rf_schema_refusal("pg_mine"));
    cr_expect_not_null(rf_schema_refusal("information_schema"));
    cr_expect_not_null(rf_schema_refusal(""));
}

Test(names, bytes_that_are_no_text_are_told_as_question_marks) {
    struct rf_arena arena = {0};
    cr_expect_str_eq(rf_sayable(&arena, "a\xff\xc3\xa9"), "a???");
    cr_expect_str_eq(rf_sayable(&arena, "é"), "é");
    cr_expect_null(rf_sayable(&arena, NULL));
    rf_arena_release(&arena);
}

Test(names, that_are_free_are_kept) {
    struct rf_arena arena = {0};
    struct rf_names names;
    rf_names_init(&names, &arena);
    cr_expect_str_eq(rf_names_choose(&names, "t", "t_pkey"), "t_pkey");
    cr_expect(rf_names_have(&names, "t_pkey"));
    cr_expect_not(rf_names_have(&names, "T_pkey"));
    cr_expect_str_eq(rf_names_choose(&names, "t", "T_pkey"), "T_pkey");
    cr_expect_str_eq(rf_names_choose(&names, "t", sixty_three), sixty_three);
    rf_arena_release(&arena);
}

/* The same names must come out in every run: a load that was interrupted goes on with them. The
 * hash is a constant of the ledger, so it is written out. */
Test(names, that_are_taken_or_too_long_get_a_hash) {
    struct rf_arena arena = {0};
    struct rf_names names;
    rf_names_init(&names, &arena);
    rf_names_add(&names, "t_pkey");
    const char *chosen = rf_names_choose(&names, "t", "t_pkey");
    cr_expect_str_eq(chosen, "t_pkey_51a1ef4d");
    const char *other = rf_names_choose(&names, "u", "t_pkey");
    cr_expect_eq(strncmp(other, "t_pkey_", 7), 0);
    cr_expect_str_neq(other, chosen);
    const char *cut = rf_names_choose(&names, "t", sixty_four);
    cr_expect_eq(strlen(cut), 63);
    cr_expect_eq(strncmp(cut, sixty_four, 54), 0);
    const char *again = rf_names_choose(&names, "t", sixty_four);
    cr_expect_str_neq(again, cut);
    rf_arena_release(&arena);
}

Test(names, are_not_cut_within_a_character) {
    struct rf_arena arena = {0};
    struct rf_names names;
    rf_names_init(&names, &arena);
    const char *cut = rf_names_choose(
        &names, "t", "äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü");
    cr_expect_null(rf_name_refusal(cut));
    cr_expect_eq(strlen(cut), 63);
    const char *odd = rf_names_choose(&names, "t", "bytes \xff\xfe");
    cr_expect_null(rf_name_refusal(odd));
    rf_arena_release(&arena);
}

Test(names, many_are_told_apart) {
    struct rf_arena arena = {0};
    struct rf_names names;
    rf_names_init(&names, &arena);
    char name[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "table %d", i);
        rf_names_add(&names, name);
    }
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "table %d", i);
        cr_assert_eq(rf_names_have(&names, name), i < 5000, "%s", name);
    }
    rf_arena_release(&arena);
}
