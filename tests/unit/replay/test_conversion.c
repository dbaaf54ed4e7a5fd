/* If these fail, a column is read in another way than its spec says, or a ledger cannot be read
 * any more. How fields look to a server is tests/e2e/test_conversions.py's to say. */
#include "replay/conversion.h"

#include <criterion/criterion.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/json.h"
#include "rows.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct rf_arena arena;
static struct rf_error error;

static const struct rf_conversion *conversion_of(const char *spec) {
    const struct rf_conversion *conversion = NULL;
    cr_assert_eq(rf_conversion_read(spec, &arena, &conversion, &error), RF_OK, "%s: %s %s", spec,
                 error.what, error.detail);
    return conversion;
}

static enum rf_misfit convert(const char *spec, struct rf_value value, struct rf_buffer *out) {
    const struct rf_conversion *conversion = conversion_of(spec);
    struct test_rows rows;
    test_rows_make(&rows, &value, 1, 1);
    rf_buffer_clear(out);
    enum rf_misfit misfit = conversion->put(conversion, rows.rows.cells, 0, false, out);
    cr_expect_eq(conversion->put(conversion, rows.rows.cells, 0, false, NULL), misfit, "%s", spec);
    cr_expect_eq(misfit == RF_FITS, out->size > 0, "%s", spec);
    test_rows_release(&rows);
    return misfit;
}

static enum rf_misfit misfit_of(const char *spec, struct rf_value value) {
    struct rf_buffer out = {0};
    enum rf_misfit misfit = convert(spec, value, &out);
    rf_buffer_release(&out);
    return misfit;
}

static void expect_field(const char *spec, struct rf_value value, const void *bytes, size_t size) {
    struct rf_buffer out = {0};
    cr_expect_eq(convert(spec, value, &out), RF_FITS, "%s", spec);
    cr_assert_eq(out.size, size + 4, "%s: %zu", spec, out.size);
    cr_expect_eq(rf_load_be32(out.bytes), size, "%s", spec);
    cr_expect_arr_eq(out.bytes + 4, bytes, size, "%s", spec);
    rf_buffer_release(&out);
}
#define EXPECT_FIELD(spec, value, bytes) expect_field(spec, value, bytes, sizeof(bytes) - 1)

static const char *const canonical[] = {
    "bigint",
    "integer",
    "smallint",
    "double precision",
    "real",
    "numeric",
    "numeric(10,2)",
    "numeric(1000,1000)",
    "numeric, told apart",
    "numeric(10,2), told apart",
    "boolean",
    "boolean from words",
    "bytea",
    "bytea from any",
    "text",
    "text; strip",
    "text; replace",
    "text; escape",
    "text from any",
    "text from any; strip",
    "text from any, told apart",
    "text from any, told apart; escape",
    "varchar",
    "varchar; strip",
    "varchar(1)",
    "varchar(10485760)",
    "varchar(20); replace",
    "character(1)",
    "character(3), told apart",
    "character(3), told apart; escape",
    "json",
    "json; strip",
    "jsonb",
    "uuid",
    "uuid from text",
    "uuid from blob",
    "date from iso",
    "date from iso YYYY-MM-DD",
    "date from iso YYYY-MM-DD HH:MM:SS",
    "date from unix-s",
    "time from iso",
    "time from iso HH:MM:SS[.f*]",
    "time(3) from iso HH:MM:SS.fff",
    "timestamp from iso",
    "timestamp from iso YYYY-MM-DDTHH:MM:SSZ",
    "timestamp from julian-day",
    "timestamp(0) from unix-ms",
    "timestamptz from iso YYYY-MM-DD HH:MM:SS[.ffffff]+05:30",
    "timestamptz from iso YYYY-MM-DD HH:MM",
    "timestamptz from unix-s",
    "timestamptz from unix-ms",
    "timestamptz from unix-us",
    "timestamptz from unix-ns",
    "timestamptz from julian-day",
    "timestamptz from mac-2001",
    "timestamptz from webkit-1601",
    "bigint[]",
    "enum \"public\".\"mood\"('sad','ok')",
    "enum \"a \"\"b\"\" ; strip\".\"c.d\"('it''s',' x ',', told apart','(;',';strip')",
    "enum \"a\".\"b\"()",
};

Test(conversion, canonical_names_lead_back_to_themselves) {
    for (size_t i = 0; i < COUNT(canonical); i++) {
        const struct rf_conversion *conversion = conversion_of(canonical[i]);
        cr_expect_str_eq(conversion->name, canonical[i]);
        const struct rf_conversion *again = conversion_of(conversion->name);
        cr_expect_str_eq(again->type, conversion->type, "%s", canonical[i]);
        cr_expect_eq(again->put, conversion->put, "%s", canonical[i]);
    }
    cr_expect_eq(conversion_of("bigint"), &rf_as_bigint);
    cr_expect_eq(conversion_of("double precision"), &rf_as_double);
    cr_expect_eq(conversion_of("boolean"), &rf_as_boolean);
    cr_expect_eq(conversion_of("bytea"), &rf_as_bytea);
    cr_expect_eq(conversion_of("bytea from any"), &rf_as_bytea_from_any);
    cr_expect_eq(conversion_of("text"), &rf_as_text);
    cr_expect_eq(conversion_of("text from any"), &rf_as_text_from_any);
    cr_expect_eq(conversion_of("text from any, told apart"), &rf_as_text_from_any_apart);
    cr_expect_eq(conversion_of("numeric"), &rf_as_numeric);
    rf_arena_release(&arena);
}

Test(conversion, white_space_does_not_matter_where_it_means_nothing) {
    static const struct {
        const char *spec, *name;
    } cases[] = {
        {"  text \n", "text"},
        {"double \t precision", "double precision"},
        {"numeric ( 10 , 2 )", "numeric(10,2)"},
        {"numeric(8)", "numeric(8,0)"},
        {"text from any ,told apart ;strip", "text from any, told apart; strip"},
        {"timestamp (3)  from iso  YYYY-MM-DD  HH:MM", "timestamp(3) from iso YYYY-MM-DD HH:MM"},
        {"enum \"a  b\".\"c\" ( 'x  y' , 'z' )", "enum \"a  b\".\"c\"('x  y','z')"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_expect_str_eq(conversion_of(cases[i].spec)->name, cases[i].name);
    }
    rf_arena_release(&arena);
}

Test(conversion, types_as_sql_writes_them) {
    static const struct {
        const char *spec, *type;
        uint32_t oid;
        bool exact;
    } cases[] = {
        {"numeric(10,2)", "numeric(10,2)", 1700, false},
        {"numeric(10,2), told apart", "numeric(10,2)", 1700, true},
        {"varchar(20)", "character varying(20)", 1043, true},
        {"varchar(20); strip", "character varying(20)", 1043, false},
        {"varchar(20); escape", "character varying(20)", 1043, true},
        {"varchar", "character varying", 1043, true},
        {"character(3)", "character(3)", 1042, false},
        {"character(3), told apart", "character(3)", 1042, true},
        {"text from any; escape", "text", 25, false},
        {"text from any, told apart; escape", "text", 25, true},
        {"json", "json", 114, true},
        {"jsonb", "jsonb", 3802, false},
        {"uuid", "uuid", 2950, false},
        {"uuid from blob", "uuid", 2950, true},
        {"timestamp(3) from unix-ms", "timestamp(3) without time zone", 1114, true},
        {"timestamptz from iso", "timestamp with time zone", 1184, false},
        {"timestamptz from iso YYYY-MM-DD", "timestamp with time zone", 1184, true},
        {"time from iso", "time without time zone", 1083, false},
        {"date from iso", "date", 1082, true},
        {"enum \"a\"\"b\".\"c\"('d')", "\"a\"\"b\".\"c\"", 0, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rf_conversion *conversion = conversion_of(cases[i].spec);
        cr_expect_str_eq(conversion->type, cases[i].type);
        cr_expect_eq(conversion->oid, cases[i].oid, "%s", cases[i].spec);
        cr_expect_eq(conversion->exact, cases[i].exact, "%s", cases[i].spec);
    }
    rf_arena_release(&arena);
}

Test(conversion, what_is_no_spec_is_refused) {
    static const char *const specs[] = {
        "",
        " ",
        "Text",
        "texts",
        "tex",
        "text;",
        "text; ",
        "text; lose",
        "text; strip; strip",
        "; strip",
        ", told apart",
        "text, told apart",
        "bigint; strip",
        "jsonb; strip",
        "enum \"a\".\"b\"('x'); strip",
        "boolean, told apart",
        "uuid from any",
        "numeric()",
        "numeric(0)",
        "numeric(0,0)",
        "numeric(1001)",
        "numeric(10,11)",
        "numeric(10,-2)",
        "numeric(10,2",
        "numeric(10,2))",
        "numeric(10,2)x",
        "numeric(010,2)",
        "numeric(10,)",
        "numeric(4294967297)",
        "numeric(99999999999999999999999999)",
        "varchar()",
        "varchar(0)",
        "varchar(10485761)",
        "varchar(-1)",
        "varchar(1.5)",
        "varchar(20",
        "character",
        "character varying(3)",
        "date",
        "date from",
        "date from ",
        "date(3) from iso",
        "date from iso-date",
        "date from iso HH:MM",
        "date from iso YYYY-MM-DD HH:MM+01:00",
        "time from unix-s",
        "time from iso YYYY-MM-DD",
        "timestamp(7) from iso",
        "timestamp(3from iso",
        "timestamp from iso YYYY-MM-DDTHH:MM+01:00",
        "timestamp from iso YYYY-MM-DD HH:MM:SS.",
        "timestamp from iso yyyy-mm-dd",
        "timestamp from iso HH:MM",
        "timestamp from iso-zone",
        "timestamptz from unix",
        "timestamp with time zone from iso",
        "timestamptzfrom iso",
        "enum",
        "enum ",
        "enum mood('a')",
        "enum \"a\"('a')",
        "enum \"a\".\"b\"",
        "enum \"a\".\"b\"('a'",
        "enum \"a\".\"b\"('a',)",
        "enum \"a\".\"b\"(,'a')",
        "enum \"a\".\"b\"('a' 'b')",
        "enum \"a\".\"b\"('a)",
        "enum \"a\".\"b\"(a)",
        "enum \"\".\"b\"('a')",
        "enum \"a\".\"\"('a')",
        "enum \"a.\"b\"('a')",
        "enum \"a\".\"b",
        "enum \"a\".\"b\"('a')x",
        "decimal(3)",
        "int",
        "%s%s%s%n",
    };
    for (size_t i = 0; i < COUNT(specs); i++) {
        const struct rf_conversion *conversion;
        enum rf_code code = rf_conversion_read(specs[i], &arena, &conversion, &error);
        cr_expect_eq(code, RF_USAGE, "\"%s\"", specs[i]);
        if (code == RF_USAGE) {
            cr_expect(strstr(error.what, specs[i]), "%s", error.what);
            cr_expect(strstr(error.hint, "behind texts."), "the list is cut: %s", error.hint);
        }
    }
    rf_arena_release(&arena);
}

/* Whatever is done to a spec, it is refused or has a name that stays. */
Test(conversion, mangled_specs) {
    srand(3);
    for (unsigned round = 0; round < 20000; round++) {
        char spec[128];
        snprintf(spec, sizeof spec, "%s", canonical[(size_t)rand() % COUNT(canonical)]);
        size_t size = strlen(spec);
        for (int edits = rand() % 3; edits >= 0 && size > 1; edits--) {
            size_t place = (size_t)rand() % size;
            if (rand() % 2) {
                memmove(spec + place, spec + place + 1, size - place);
                size--;
            } else {
                spec[place] = "\"'();, .0a\x80"[rand() % 11];
            }
        }
        const struct rf_conversion *conversion, *again;
        if (rf_conversion_read(spec, &arena, &conversion, &error) == RF_OK) {
            char name[160];
            snprintf(name, sizeof name, "%s", conversion->name);
            cr_assert_eq(rf_conversion_read(name, &arena, &again, &error), RF_OK, "%s", name);
            cr_assert_str_eq(again->name, name);
        }
        rf_arena_release(&arena);
    }
}

#define ENUM "enum \"a\".\"b\"('sad','ok')"

Test(conversion, what_does_not_fit) {
    const struct {
        const char *spec;
        struct rf_value value;
        enum rf_misfit misfit;
    } cases[] = {
        {"integer", integer_value(INT64_C(2147483648)), RF_MISFIT_RANGE},
        {"integer", integer_value(INT64_C(-2147483649)), RF_MISFIT_RANGE},
        {"integer", integer_value(INT64_C(4294967296)), RF_MISFIT_RANGE},
        {"integer", text_value("1"), RF_MISFIT_CLASS},
        {"integer", real_value(1), RF_MISFIT_CLASS},
        {"smallint", integer_value(32768), RF_MISFIT_RANGE},
        {"smallint", integer_value(INT64_MIN), RF_MISFIT_RANGE},
        {"real", real_value(0.1), RF_MISFIT_RANGE},
        {"real", real_value(1e39), RF_MISFIT_RANGE},
        {"real", real_value(DBL_MIN), RF_MISFIT_RANGE},
        {"real", integer_value(16777217), RF_MISFIT_RANGE},
        {"real", text_value("1"), RF_MISFIT_CLASS},
        {"numeric", text_value("1e"), RF_MISFIT_DECIMAL},
        {"numeric", text_value(""), RF_MISFIT_DECIMAL},
        {"numeric", real_value(-0.0), RF_MISFIT_DECIMAL},
        {"numeric", real_value(__builtin_inf()), RF_MISFIT_DECIMAL},
        {"numeric", bytes_value(RF_BLOB, "1", 1), RF_MISFIT_CLASS},
        {"numeric(3,1)", integer_value(100), RF_MISFIT_DECIMAL},
        {"numeric(3,1)", real_value(0.25), RF_MISFIT_DECIMAL},
        {"numeric, told apart", text_value("1"), RF_MISFIT_CLASS},
        {"numeric, told apart", real_value(0x1p60), RF_MISFIT_TWIN},
        {"boolean from words", text_value("ja"), RF_MISFIT_WORD},
        {"boolean from words", text_value(""), RF_MISFIT_WORD},
        {"boolean from words", integer_value(2), RF_MISFIT_BOOLEAN},
        {"boolean from words", real_value(1), RF_MISFIT_CLASS},
        {"varchar(2)", text_value("abc"), RF_MISFIT_LENGTH},
        {"varchar(2)", bytes_value(RF_TEXT, "a\0", 2), RF_MISFIT_NUL},
        {"varchar(2)", integer_value(1), RF_MISFIT_CLASS},
        {"character(2)", text_value("abc"), RF_MISFIT_LENGTH},
        {"character(2)", text_value(" "), RF_MISFIT_TRAILING},
        {"character(2), told apart", text_value("a "), RF_MISFIT_TRAILING},
        {"json", text_value("{"), RF_MISFIT_JSON},
        {"json", bytes_value(RF_TEXT, "\"\xff\"", 3), RF_MISFIT_UTF8},
        {"json", bytes_value(RF_TEXT, "1\0", 2), RF_MISFIT_NUL},
        {"json", integer_value(1), RF_MISFIT_CLASS},
        {"json; escape", bytes_value(RF_TEXT, "\"\xff\"", 3), RF_MISFIT_JSON},
        {"jsonb", text_value("\"\\u0000\""), RF_MISFIT_JSON},
        {"jsonb", bytes_value(RF_TEXT, "\"\xff\"", 3), RF_MISFIT_UTF8},
        {"uuid", text_value("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), RF_MISFIT_UUID},
        {"uuid", bytes_value(RF_BLOB, "short", 5), RF_MISFIT_UUID},
        {"uuid", integer_value(1), RF_MISFIT_CLASS},
        {"uuid from text", bytes_value(RF_BLOB, "0123456789abcdef", 16), RF_MISFIT_CLASS},
        {"uuid from blob", text_value("0123456789abcdef"), RF_MISFIT_CLASS},
        {"date from iso", text_value("2024-02-30"), RF_MISFIT_INSTANT},
        {"date from iso", text_value("2024-02-03 00:00"), RF_MISFIT_INSTANT},
        {"date from iso YYYY-MM-DD HH:MM", text_value("2024-02-03 00:01"), RF_MISFIT_INSTANT},
        {"date from iso YYYY-MM-DD HH:MM", text_value("2024-02-03"), RF_MISFIT_SPELLING},
        {"date from unix-s", integer_value(1), RF_MISFIT_INSTANT},
        {"date from unix-s", text_value("1"), RF_MISFIT_CLASS},
        {"time from iso", text_value("24:00"), RF_MISFIT_INSTANT},
        {"time(0) from iso", text_value("12:00:00.5"), RF_MISFIT_INSTANT},
        {"timestamp from iso", text_value("2024-02-03 00:00Z"), RF_MISFIT_INSTANT},
        {"timestamp from iso", integer_value(0), RF_MISFIT_CLASS},
        {"timestamptz from iso", text_value("2024-02-03 00:00"), RF_MISFIT_INSTANT},
        {"timestamptz from unix-ns", integer_value(1), RF_MISFIT_INSTANT},
        {"timestamptz from unix-ms", integer_value(INT64_MAX), RF_MISFIT_INSTANT},
        {"bigint[]", text_value("[1.5]"), RF_MISFIT_ARRAY},
        {"bigint[]", text_value("[[1]]"), RF_MISFIT_ARRAY},
        {"bigint[]", bytes_value(RF_TEXT, "[1]\0", 4), RF_MISFIT_NUL},
        {"bigint[]", bytes_value(RF_BLOB, "[1]", 3), RF_MISFIT_CLASS},
        {ENUM, text_value("OK"), RF_MISFIT_LABEL},
        {ENUM, text_value(""), RF_MISFIT_LABEL},
        {ENUM, integer_value(1), RF_MISFIT_CLASS},
        {"text from any, told apart; strip", text_value("1"), RF_MISFIT_NUMBER_TEXT},
    };
    struct rf_buffer reason = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum rf_misfit misfit = misfit_of(cases[i].spec, cases[i].value);
        cr_expect_eq(misfit, cases[i].misfit, "%s, case %zu: %d", cases[i].spec, i, (int)misfit);
        rf_buffer_clear(&reason);
        rf_misfit_reason(misfit, cases[i].value.class, conversion_of(cases[i].spec), &reason);
        cr_expect_gt(reason.size, 10, "%s", cases[i].spec);
    }
    rf_buffer_release(&reason);
    rf_arena_release(&arena);
}

/* The sends of PostgreSQL 15.18. */
Test(conversion, fields) {
    EXPECT_FIELD("integer", integer_value(-2), "\xff\xff\xff\xfe");
    EXPECT_FIELD("smallint", integer_value(-2), "\xff\xfe");
    EXPECT_FIELD("real", real_value(-1.5), "\xbf\xc0\0\0");
    EXPECT_FIELD("real", integer_value(3), "\x40\x40\0\0");
    EXPECT_FIELD("numeric(6,2)", text_value("12.5"), "\0\2\0\0\0\0\0\2\0\14\x13\x88");
    EXPECT_FIELD("boolean from words", text_value("YES"), "\1");
    EXPECT_FIELD("boolean from words", text_value("oFF"), "\0");
    EXPECT_FIELD("boolean from words", integer_value(1), "\1");
    EXPECT_FIELD("varchar(2)", text_value("\xc3\xa9\xc3\xa9"), "\xc3\xa9\xc3\xa9");
    EXPECT_FIELD("character(3)", text_value("\xc3\xa9"), "\xc3\xa9  ");
    EXPECT_FIELD("character(2)", text_value("a "), "a ");
    EXPECT_FIELD("character(2), told apart", text_value(""), "  ");
    EXPECT_FIELD("json", text_value(" [1 ,2]"), " [1 ,2]");
    EXPECT_FIELD("jsonb", text_value("{\"bb\":1e2,\"a\":[1.0,\"\\u0041/\"],\"bb\":2}"),
                 "\1{\"a\": [1.0, \"A/\"], \"bb\": 2}");
    EXPECT_FIELD("uuid", bytes_value(RF_BLOB, "0123456789abcdef", 16), "0123456789abcdef");
    EXPECT_FIELD("uuid from text", text_value("30313233-3435-3637-3839-616263646566"),
                 "0123456789abcdef");
    EXPECT_FIELD("date from iso", text_value("2000-01-11"), "\0\0\0\12");
    EXPECT_FIELD("date from iso", text_value("1999-12-31"), "\xff\xff\xff\xff");
    EXPECT_FIELD("date from julian-day", real_value(2451544.5), "\0\0\0\0");
    EXPECT_FIELD("time from iso", text_value("00:00:01"), "\0\0\0\0\0\x0f\x42\x40");
    EXPECT_FIELD("timestamp from iso", text_value("2000-01-01T00:00:01"), "\0\0\0\0\0\x0f\x42\x40");
    EXPECT_FIELD("timestamptz from iso YYYY-MM-DD HH:MM:SS+01",
                 text_value("2000-01-01 01:00:01+01"), "\0\0\0\0\0\x0f\x42\x40");
    EXPECT_FIELD("timestamptz from unix-s", integer_value(946684801), "\0\0\0\0\0\x0f\x42\x40");
    EXPECT_FIELD("bigint[]", text_value("[]"), "\0\0\0\0\0\0\0\0\0\0\0\24");
    EXPECT_FIELD("bigint[]", text_value("[ -2 ]"),
                 "\0\0\0\1\0\0\0\0\0\0\0\24\0\0\0\1\0\0\0\1"
                 "\0\0\0\10\xff\xff\xff\xff\xff\xff\xff\xfe");
    EXPECT_FIELD(ENUM, text_value("ok"), "ok");
    EXPECT_FIELD("bytea from any", integer_value(12), "12");
    EXPECT_FIELD("bytea from any", text_value("a"), "a");
    EXPECT_FIELD("bytea from any", bytes_value(RF_TEXT, "\0\xff", 2), "\0\xff");
    EXPECT_FIELD("text; strip", bytes_value(RF_TEXT, "a\0\xe2\x82z", 5), "az");
    EXPECT_FIELD("text; replace", bytes_value(RF_TEXT, "a\0\xe2\x82z", 5),
                 "a\xef\xbf\xbd\xef\xbf\xbdz");
    EXPECT_FIELD("text; escape", bytes_value(RF_TEXT, "a\\\0\xe2\x82z", 6),
                 "a\\\\\\x00\\xe2\\x82z");
    EXPECT_FIELD("text; escape", text_value("a\\b"), "a\\b");
    EXPECT_FIELD("varchar(1); strip", bytes_value(RF_TEXT, "a\0", 2), "a");
    EXPECT_FIELD("json; strip", bytes_value(RF_TEXT, "[1]\0", 4), "[1]");
    rf_arena_release(&arena);
}

Test(conversion, alters_only_what_has_to_be_mended) {
    const struct {
        const char *spec;
        struct rf_value value;
        bool alters;
    } cases[] = {
        {"text; strip", text_value("a\\x00"), false},
        {"text; strip", bytes_value(RF_TEXT, "\0", 1), true},
        {"text; replace", bytes_value(RF_TEXT, "\xff", 1), true},
        {"text; replace", text_value("\xef\xbf\xbd"), false},
        {"text; escape", text_value("a\\b"), false},
        {"text; escape", text_value("a\\x00"), true},
        {"text; escape", text_value("a\\xfF"), false},
        {"text; escape", text_value("a\\x7f"), false},
        {"text; escape", text_value("a\\x8"), false},
        {"text from any; strip", integer_value(1), false},
        {"varchar(3); strip", bytes_value(RF_TEXT, "a\xff", 2), true},
        {"json; strip", bytes_value(RF_TEXT, "\"\xff\"", 3), true},
        {"text; strip", bytes_value(RF_BLOB, "\xff", 1), false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rf_conversion *conversion = conversion_of(cases[i].spec);
        struct test_rows rows;
        test_rows_make(&rows, &cases[i].value, 1, 1);
        cr_expect_eq(conversion->alters(conversion, rows.rows.cells, 0), cases[i].alters,
                     "case %zu", i);
        test_rows_release(&rows);
    }
    cr_expect_null(rf_as_text.alters);
    cr_expect_null(conversion_of("character(3)")->alters);
    rf_arena_release(&arena);
}

/* Known to be clean, a text is not looked at again, but for what an escape would be taken for. */
Test(conversion, clean_columns) {
    static const char *const specs[] = {"text", "varchar", "text; strip", "json", "text from any"};
    const struct rf_value value = text_value("\"\\x00\"");
    struct test_rows rows;
    struct rf_buffer out = {0};
    test_rows_make(&rows, &value, 1, 1);
    for (size_t i = 0; i < COUNT(specs); i++) {
        const struct rf_conversion *conversion = conversion_of(specs[i]);
        bool json = strcmp(specs[i], "json") == 0;
        rf_buffer_clear(&out);
        cr_expect_eq(conversion->put(conversion, rows.rows.cells, 0, true, &out),
                     json ? RF_MISFIT_JSON : RF_FITS);
        cr_expect_eq(out.size, json ? 0 : 10);
    }
    const struct rf_conversion *escape = conversion_of("text; escape");
    rf_buffer_clear(&out);
    cr_expect_eq(escape->put(escape, rows.rows.cells, 0, true, &out), RF_FITS);
    cr_expect_eq(out.size, 11);
    rf_buffer_release(&out);
    test_rows_release(&rows);
    rf_arena_release(&arena);
}

/* Cells of more bytes than a field takes; their bytes are not even looked at. */
Test(conversion, values_of_more_than_a_gigabyte) {
    static const char *const specs[] = {
        "text", "varchar", "varchar(3)", "text; strip",    "text from any",
        "json", "jsonb",   "bigint[]",   "bytea from any", "json; escape"};
    uint64_t bits = 0;
    uint32_t size = RF_FIELD_BYTES_MAX + 1;
    const struct rf_column_cells cells = {
        .uniform = RF_TEXT, .bits = &bits, .size = &size, .heap = (const uint8_t *)"x"};
    for (size_t i = 0; i < COUNT(specs); i++) {
        const struct rf_conversion *conversion = conversion_of(specs[i]);
        cr_expect_eq(conversion->put(conversion, &cells, 0, false, NULL), RF_MISFIT_FIELD_SIZE,
                     "%s", specs[i]);
    }
    struct rf_column_cells blob = cells;
    blob.uniform = RF_BLOB;
    cr_expect_eq(rf_as_bytea.put(&rf_as_bytea, &blob, 0, false, NULL), RF_MISFIT_FIELD_SIZE);
    rf_arena_release(&arena);
}

/* A text that fits only before it is escaped. */
Test(conversion, mended_text_that_outgrows_a_field) {
    uint64_t bits = 0;
    uint32_t size = RF_FIELD_BYTES_MAX / 4 + 1;
    uint8_t *zeros = calloc(1, size);
    const struct rf_column_cells cells = {
        .uniform = RF_TEXT, .bits = &bits, .size = &size, .heap = zeros};
    const struct rf_conversion *conversion = conversion_of("text; escape");
    cr_expect_eq(conversion->put(conversion, &cells, 0, false, NULL), RF_MISFIT_FIELD_SIZE);
    free(zeros);
    rf_arena_release(&arena);
}

/* Few bytes that a server would write as many: it is refused before any of them is. */
Test(conversion, jsonb_that_outgrows_its_limits) {
    struct rf_buffer text = {0};
    rf_buffer_append(&text, "[1e131071", 9);
    for (unsigned i = 0; i < 2050; i++) {
        rf_buffer_append(&text, ",1e131071", 9);
    }
    rf_buffer_append(&text, "]", 1);
    cr_expect(rf_json_valid(text.bytes, text.size));
    cr_expect_not(rf_jsonb_valid(text.bytes, text.size));
    rf_buffer_clear(&text);
    rf_buffer_append(&text, "[1", 2);
    for (unsigned i = 0; i < RF_JSONB_VALUES_MAX; i++) {
        rf_buffer_append(&text, ",1", 2);
    }
    rf_buffer_append(&text, "]", 1);
    cr_expect(rf_json_valid(text.bytes, text.size));
    cr_expect_not(rf_jsonb_valid(text.bytes, text.size));
    rf_buffer_release(&text);
}

static struct rf_census census_of(uint64_t integers, uint64_t reals, uint64_t texts,
                                  uint64_t blobs) {
    return (struct rf_census){.count = {3, integers, reals, texts, blobs}};
}

Test(conversion, judged_by_a_census) {
    struct rf_census none = census_of(0, 0, 0, 0), integers = census_of(5, 0, 0, 0),
                     numbers = census_of(5, 5, 0, 0), texts = census_of(0, 0, 5, 0),
                     mixed = census_of(5, 0, 5, 0), blobs = census_of(0, 0, 0, 5), dirty = texts,
                     large = integers, huge = texts;
    integers.max_integer = numbers.max_integer = 40000;
    large.max_integer = INT64_C(1) << 60;
    texts.longest = dirty.longest = blobs.longest = 10;
    dirty.text_with_nul = 1;
    huge.longest = RF_FIELD_BYTES_MAX + UINT64_C(1);
    const struct {
        const char *spec;
        const struct rf_census *census;
        enum rf_verdict verdict;
    } cases[] = {
        {"bigint", &none, RF_VERDICT_YES},
        {"jsonb", &none, RF_VERDICT_YES},
        {"bigint", &large, RF_VERDICT_YES},
        {"bigint", &numbers, RF_VERDICT_NO},
        {"bigint", &texts, RF_VERDICT_NO},
        {"integer", &integers, RF_VERDICT_YES},
        {"integer", &large, RF_VERDICT_NO},
        {"smallint", &integers, RF_VERDICT_NO},
        {"double precision", &numbers, RF_VERDICT_YES},
        {"double precision", &large, RF_VERDICT_NO},
        {"real", &integers, RF_VERDICT_YES},
        {"real", &numbers, RF_VERDICT_UNSURE},
        {"real", &large, RF_VERDICT_NO},
        {"numeric", &large, RF_VERDICT_YES},
        {"numeric", &numbers, RF_VERDICT_UNSURE},
        {"numeric", &texts, RF_VERDICT_UNSURE},
        {"numeric", &blobs, RF_VERDICT_NO},
        {"numeric, told apart", &texts, RF_VERDICT_NO},
        {"numeric(5,0)", &integers, RF_VERDICT_YES},
        {"numeric(4,0)", &integers, RF_VERDICT_NO},
        {"boolean", &integers, RF_VERDICT_NO},
        {"boolean from words", &texts, RF_VERDICT_UNSURE},
        {"bytea", &blobs, RF_VERDICT_YES},
        {"bytea", &texts, RF_VERDICT_NO},
        {"bytea from any", &dirty, RF_VERDICT_YES},
        {"text", &texts, RF_VERDICT_YES},
        {"text", &dirty, RF_VERDICT_NO},
        {"text", &mixed, RF_VERDICT_NO},
        {"text", &huge, RF_VERDICT_NO},
        {"text; strip", &dirty, RF_VERDICT_YES},
        {"text; strip", &huge, RF_VERDICT_NO},
        {"text from any", &mixed, RF_VERDICT_YES},
        {"text from any", &blobs, RF_VERDICT_NO},
        {"text from any, told apart", &mixed, RF_VERDICT_UNSURE},
        {"text from any, told apart", &numbers, RF_VERDICT_YES},
        {"varchar(10)", &texts, RF_VERDICT_YES},
        {"varchar(10)", &dirty, RF_VERDICT_NO},
        {"varchar(3)", &texts, RF_VERDICT_UNSURE},
        {"varchar(2)", &texts, RF_VERDICT_NO},
        {"varchar(2); strip", &dirty, RF_VERDICT_UNSURE},
        {"character(10)", &texts, RF_VERDICT_UNSURE},
        {"json", &texts, RF_VERDICT_UNSURE},
        {"json", &dirty, RF_VERDICT_NO},
        {"json; strip", &dirty, RF_VERDICT_UNSURE},
        {"jsonb", &dirty, RF_VERDICT_NO},
        {"uuid", &texts, RF_VERDICT_UNSURE},
        {"uuid from blob", &texts, RF_VERDICT_NO},
        {"date from iso", &texts, RF_VERDICT_UNSURE},
        {"date from iso", &integers, RF_VERDICT_NO},
        {"timestamptz from unix-s", &texts, RF_VERDICT_NO},
        {"timestamptz from unix-s", &numbers, RF_VERDICT_UNSURE},
        {"bigint[]", &texts, RF_VERDICT_UNSURE},
        {"bigint[]", &dirty, RF_VERDICT_NO},
        {ENUM, &texts, RF_VERDICT_UNSURE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_expect_eq(rf_conversion_fits_census(conversion_of(cases[i].spec), cases[i].census),
                     cases[i].verdict, "%s, case %zu", cases[i].spec, i);
    }
    rf_arena_release(&arena);
}
