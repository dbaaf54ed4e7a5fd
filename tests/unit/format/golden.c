#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NIL \
    { .class = RF_NULL }
#define INT(n) \
    { .class = RF_INTEGER, .integer = (n) }
#define NUM(x) \
    { .class = RF_REAL, .real = (x) }
#define TXT(s) \
    { .class = RF_TEXT, .bytes = (s), .size = sizeof(s) - 1 }
#define BLB(s) \
    { .class = RF_BLOB, .bytes = (s), .size = sizeof(s) - 1 }
#define STR(s) ((char[]){s})
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define ROWS_OF(block_kind, array) \
    { .kind = (block_kind), .count = COUNT(array), .rows = (array) }

const uint8_t golden_source[RF_SOURCE_ID_SIZE] = {0x8f, 0x14, 0xe4, 0x5f, 0xce, 0xea, 0x46, 0x7a,
                                                  0x95, 0x75, 0x0b, 0xc6, 0xa6, 0x01, 0x02, 0x03};

/* classes: every storage class, odd values of each, a column with nothing but NULL. A rowid table
 * without a declared key. */

static struct rf_column classes_columns[] = {
    {.name = STR("nothing"), .collation = STR("BINARY")},
    {.name = STR("i"), .declared = STR("INTEGER"), .collation = STR("BINARY")},
    {.name = STR("r"), .declared = STR("REAL"), .collation = STR("BINARY")},
    {.name = STR("t"), .declared = STR("TEXT"), .collation = STR("NOCASE")},
    {.name = STR("b"), .declared = STR("BLOB"), .collation = STR("BINARY")},
    {.name = STR("any"), .collation = STR("BINARY")},
    {.name = STR("empty text"), .declared = STR("TEXT"), .collation = STR("BINARY")},
    {.name = STR("empty \"blob\""), .declared = STR("BLOB"), .collation = STR("BINARY")},
};
static const struct rf_table classes = {
    .name = STR("Classes é"),
    .sql = STR("CREATE TABLE \"Classes é\" (nothing, i INTEGER, …)"),
    .key_kind = RF_KEY_ROWID,
    .alias = -1,
    .column_count = COUNT(classes_columns),
    .columns = classes_columns,
};
static const struct golden_row classes_rows[] = {
    {INT64_MIN, {NIL, INT(INT64_MIN), NUM(-0.0), TXT("\\"), BLB("\\x00"), NIL, TXT(""), BLB("")}},
    {-1, {NIL, INT(-1), NUM(0.0), TXT(""), BLB(""), INT(42), TXT(""), BLB("")}},
    {0, {NIL, INT(0), NUM(0.1), TXT("a\0b"), BLB("a\0b"), NUM(42.0), TXT(""), BLB("")}},
    {1, {NIL, INT(1), NUM(5e-324), TXT("é東😀"), BLB("\xff\xfe"), TXT("42"), TXT(""), BLB("")}},
    {2,
     {NIL, INT(127), NUM(1.7976931348623157e308), TXT("\xed\xa0\x80"), BLB("\0"), BLB("42"),
      TXT(""), BLB("")}},
    {300,
     {NIL, INT(9007199254740993), NUM(INFINITY), TXT("\377a"), BLB("line\n"), TXT(""), TXT(""),
      BLB("")}},
    {70000,
     {NIL, INT(INT64_MAX - 1), NUM(-INFINITY), TXT("\"\t\n\x7f"), BLB("'"), BLB(""), TXT(""),
      BLB("")}},
    {INT64_MAX,
     {NIL, INT(INT64_MAX), NUM(-123456.789), TXT("x"), BLB("x"), INT(-7), TXT(""), BLB("")}},
};
static const struct golden_block classes_blocks[] = {ROWS_OF(RF_BLOCK_ROWS, classes_rows)};

/* numbers: each form and width of a number stream that the writer chooses (8-byte steps it never
 * does: offsets are as narrow then). The name says which. */

static struct rf_column numbers_columns[] = {
    {.name = STR("id"), .declared = STR("INTEGER"), .collation = STR("BINARY"), .key_part = 1},
    {.name = STR("offsets 0"), .collation = STR("BINARY")},
    {.name = STR("steps 0"), .collation = STR("BINARY")},
    {.name = STR("offsets 1"), .collation = STR("BINARY")},
    {.name = STR("steps 1"), .collation = STR("BINARY")},
    {.name = STR("offsets 2"), .collation = STR("BINARY")},
    {.name = STR("steps 2"), .collation = STR("BINARY")},
    {.name = STR("offsets 4"), .collation = STR("BINARY")},
    {.name = STR("steps 4"), .collation = STR("BINARY")},
    {.name = STR("offsets 8"), .collation = STR("BINARY")},
    {.name = STR("steps over the edge"), .collation = STR("BINARY")},
    {.name = STR("alone"), .collation = STR("BINARY")},
};
static const struct rf_table numbers = {
    .name = STR("numbers"),
    .strict = true,
    .key_kind = RF_KEY_ROWID,
    .alias = 0,
    .column_count = COUNT(numbers_columns),
    .columns = numbers_columns,
    .key_count = 1,
    .key = (uint32_t[]){0},
};
static const struct golden_row numbers_rows[] = {
    {100,
     {INT(100), INT(-7), INT(10), INT(5), INT(1000), INT(-30000), INT(0), INT(2000000000),
      INT(-1000000000000), INT(INT64_MIN), INT(INT64_MAX - 1), NIL}},
    {200,
     {INT(200), INT(-7), INT(20), INT(3), INT(2000), INT(30000), INT(100000), INT(-2000000000),
      INT(0), INT(INT64_MAX), INT(INT64_MAX), NIL}},
    {300,
     {INT(300), INT(-7), INT(30), INT(-250), INT(3001), INT(-1), INT(200300), INT(0),
      INT(1000000000001), INT(0), INT(INT64_MIN), INT(3)}},
    {400,
     {INT(400), INT(-7), INT(40), INT(1), INT(4000), INT(0), INT(299000), INT(1),
      INT(1999000000000), INT(-1), INT(INT64_MIN + 1), NIL}},
    {500,
     {INT(500), INT(-7), INT(50), INT(0), INT(5250), INT(12345), INT(399999), INT(-1),
      INT(2999999999999), INT(1), INT(INT64_MIN + 3), NIL}},
};
static const struct golden_block numbers_blocks[] = {ROWS_OF(RF_BLOCK_ROWS, numbers_rows)};

/* alias: the rowid is a column, the rows are in several blocks, and a delta inserts, updates and
 * deletes by key. */

static struct rf_column alias_columns[] = {
    {.name = STR("name"),
     .declared = STR("TEXT"),
     .collation = STR("NOCASE"),
     .not_null = true,
     .default_sql = STR("'?'")},
    {.name = STR("id"), .declared = STR("INTEGER"), .collation = STR("BINARY"), .key_part = 1},
    {.name = STR("size"), .declared = STR("REAL"), .collation = STR("BINARY")},
};
static const struct rf_table alias = {
    .name = STR("alias"),
    .sql = STR("CREATE TABLE alias (name TEXT NOT NULL DEFAULT '?' COLLATE NOCASE, "
               "id INTEGER PRIMARY KEY AUTOINCREMENT, size REAL)"),
    .autoincrement = true,
    .key_kind = RF_KEY_ROWID,
    .alias = 1,
    .column_count = COUNT(alias_columns),
    .columns = alias_columns,
    .key_count = 1,
    .key = (uint32_t[]){1},
};
static const struct golden_row alias_1[] = {
    {1, {TXT("one"), INT(1), NUM(1.5)}},
    {2, {TXT("two"), INT(2), NIL}},
    {3, {TXT("three"), INT(3), NUM(-2.25)}},
};
static const struct golden_row alias_2[] = {{70000, {TXT("seventy thousand"), INT(70000), NIL}}};
static const struct golden_row alias_3[] = {
    {70001, {TXT("and one"), INT(70001), NUM(1e100)}},
    {INT64_MAX, {TXT("the last"), INT(INT64_MAX), NUM(0.5)}},
};
static const struct golden_block alias_blocks[] = {ROWS_OF(RF_BLOCK_ROWS, alias_1),
                                                   ROWS_OF(RF_BLOCK_ROWS, alias_2),
                                                   ROWS_OF(RF_BLOCK_ROWS, alias_3)};

static const struct golden_row alias_gone[] = {
    {2, {TXT("two"), INT(2), NIL}},
    {70000, {TXT("seventy thousand"), INT(70000), NIL}},
    {INT64_MAX, {TXT("the last"), INT(INT64_MAX), NUM(0.5)}},
};
static const struct golden_row alias_new_1[] = {
    {-5, {TXT("before"), INT(-5), NUM(0.25)}},
    {2, {TXT("TWO"), INT(2), NIL}},
};
static const struct golden_row alias_new_2[] = {
    {INT64_MAX, {TXT("the last"), INT(INT64_MAX), NUM(0.75)}},
};
static const struct golden_block alias_delta_blocks[] = {ROWS_OF(RF_BLOCK_ROWS, alias_new_1),
                                                         ROWS_OF(RF_BLOCK_GONE, alias_gone),
                                                         ROWS_OF(RF_BLOCK_ROWS, alias_new_2)};
static const struct golden_row alias_state[] = {
    {-5, {TXT("before"), INT(-5), NUM(0.25)}},
    {1, {TXT("one"), INT(1), NUM(1.5)}},
    {2, {TXT("TWO"), INT(2), NIL}},
    {3, {TXT("three"), INT(3), NUM(-2.25)}},
    {70001, {TXT("and one"), INT(70001), NUM(1e100)}},
    {INT64_MAX, {TXT("the last"), INT(INT64_MAX), NUM(0.75)}},
};

/* keyed: a rowid table with a declared key of two columns, in another order than they stand. Its
 * delta deletes and updates by key, and moves rows as a VACUUM does. */

static struct rf_column keyed_columns[] = {
    {.name = STR("a"),
     .declared = STR("INT"),
     .collation = STR("BINARY"),
     .not_null = true,
     .key_part = 2},
    {.name = STR("b"),
     .declared = STR("TEXT"),
     .collation = STR("BINARY"),
     .not_null = true,
     .key_part = 1},
    {.name = STR("v"), .collation = STR("BINARY")},
};
static struct rf_index keyed_indexes[] = {
    {.name = STR("sqlite_autoindex_keyed_1"),
     .origin = 'p',
     .unique = true,
     .part_count = 2,
     .parts = (struct rf_index_part[]){{.column = STR("b"), .collation = STR("BINARY")},
                                       {.column = STR("a"), .collation = STR("BINARY")}}},
    {.name = STR("keyed_v"),
     .sql = STR("CREATE INDEX keyed_v ON keyed (lower(v), a DESC) WHERE a > 5"),
     .origin = 'c',
     .partial = true,
     .part_count = 2,
     .parts =
         (struct rf_index_part[]){
             {.collation = STR("BINARY")},
             {.column = STR("a"), .collation = STR("BINARY"), .descending = true}}},
};
static struct rf_foreign_key keyed_foreign_keys[] = {
    {.parent = STR("alias"),
     .on_update = STR("NO ACTION"),
     .on_delete = STR("CASCADE"),
     .part_count = 1,
     .from = (char *[]){STR("a")},
     .to = (char *[]){NULL}},
    {.parent = STR("pair"),
     .on_update = STR("SET NULL"),
     .on_delete = STR("NO ACTION"),
     .part_count = 2,
     .from = (char *[]){STR("a"), STR("b")},
     .to = (char *[]){STR("x"), STR("y")}},
};
static const struct rf_table keyed = {
    .name = STR("keyed"),
    .sql = STR("CREATE TABLE keyed (a INT NOT NULL, b TEXT NOT NULL, v, PRIMARY KEY (b, a))"),
    .key_kind = RF_KEY_ROWID,
    .alias = -1,
    .column_count = COUNT(keyed_columns),
    .columns = keyed_columns,
    .key_count = 2,
    .key = (uint32_t[]){1, 0},
    .index_count = COUNT(keyed_indexes),
    .indexes = keyed_indexes,
    .foreign_key_count = COUNT(keyed_foreign_keys),
    .foreign_keys = keyed_foreign_keys,
};
static const struct golden_row keyed_full[] = {
    {3, {INT(1), TXT("x"), NIL}},          {4, {INT(2), TXT("x"), INT(22)}},
    {5, {INT(3), TXT("y"), TXT("three")}}, {9, {INT(4), TXT("y"), NUM(4.0)}},
    {10, {INT(5), TXT("z"), BLB("\5")}},   {12, {INT(6), TXT(""), INT(66)}},
};
static const struct golden_block keyed_blocks[] = {ROWS_OF(RF_BLOCK_ROWS, keyed_full)};
static const struct golden_row keyed_gone[] = {
    {4, {INT(2), TXT("x"), INT(22)}},
    {5, {INT(3), TXT("y"), TXT("three")}},
};
static const struct golden_row keyed_moves[] = {
    {0, {INT(3), INT(1), INT(1)}},
    {0, {INT(9), INT(4), INT(2)}},
    {0, {INT(12), INT(6), INT(1)}},
};
static const struct golden_row keyed_new[] = {
    {2, {INT(7), TXT("new"), NIL}},
    {3, {INT(3), TXT("y"), TXT("THREE")}},
    {7, {INT(2), TXT("x"), INT(23)}},
};
static const struct golden_block keyed_delta_blocks[] = {ROWS_OF(RF_BLOCK_GONE, keyed_gone),
                                                         ROWS_OF(RF_BLOCK_MOVES, keyed_moves),
                                                         ROWS_OF(RF_BLOCK_ROWS, keyed_new)};
static const struct golden_row keyed_state[] = {
    {1, {INT(1), TXT("x"), NIL}},          {2, {INT(7), TXT("new"), NIL}},
    {3, {INT(3), TXT("y"), TXT("THREE")}}, {4, {INT(4), TXT("y"), NUM(4.0)}},
    {5, {INT(5), TXT("z"), BLB("\5")}},    {6, {INT(6), TXT(""), INT(66)}},
    {7, {INT(2), TXT("x"), INT(23)}},
};

/* place: rows are told apart by their place, and found by their whole content. */

static struct rf_column place_columns[] = {
    {.name = STR("rowid"), .collation = STR("BINARY")},
    {.name = STR("_rowid_"),
     .declared = STR("TEXT"),
     .collation = STR("RTRIM"),
     .generated = RF_GENERATED_STORED},
    {.name = STR("oid"),
     .declared = STR("INT"),
     .collation = STR("BINARY"),
     .generated = RF_GENERATED_VIRTUAL},
};
static const struct rf_table place = {
    .name = STR("place"),
    .sql = STR("CREATE TABLE place (rowid, _rowid_ TEXT, oid INT)"),
    .key_kind = RF_KEY_ORDINAL,
    .alias = -1,
    .column_count = COUNT(place_columns),
    .columns = place_columns,
};
static const struct golden_row place_full[] = {
    {0, {TXT("a"), NIL, INT(1)}}, {1, {TXT("a"), NIL, INT(1)}}, {2, {NUM(2.5), TXT("t"), NIL}},
    {3, {TXT("b"), NIL, INT(3)}}, {4, {TXT("b"), NIL, INT(3)}},
};
static const struct golden_block place_blocks[] = {ROWS_OF(RF_BLOCK_ROWS, place_full)};
static const struct golden_row place_gone[] = {{1, {TXT("a"), NIL, INT(1)}},
                                               {2, {NUM(2.5), TXT("t"), NIL}}};
static const struct golden_row place_moves[] = {{0, {INT(3), INT(2), INT(2)}}};
static const struct golden_row place_new[] = {
    {1, {BLB("a"), NIL, NIL}},
    {4, {NIL, NIL, NIL}},
};
static const struct golden_block place_delta_blocks[] = {ROWS_OF(RF_BLOCK_MOVES, place_moves),
                                                         ROWS_OF(RF_BLOCK_ROWS, place_new),
                                                         ROWS_OF(RF_BLOCK_GONE, place_gone)};
static const struct golden_row place_state[] = {
    {0, {TXT("a"), NIL, INT(1)}}, {1, {BLB("a"), NIL, NIL}}, {2, {TXT("b"), NIL, INT(3)}},
    {3, {TXT("b"), NIL, INT(3)}}, {4, {NIL, NIL, NIL}},
};

/* without: WITHOUT ROWID; the key's order goes over all classes that a key may hold. */

static struct rf_column without_columns[] = {
    {.name = STR("v"), .declared = STR("INTEGER"), .collation = STR("BINARY")},
    {.name = STR("k2"), .collation = STR("BINARY"), .not_null = true, .key_part = 2},
    {.name = STR("k1"), .collation = STR("BINARY"), .not_null = true, .key_part = 1},
};
static const struct rf_table without = {
    .name = STR("without"),
    .sql = STR("CREATE TABLE without (v INTEGER, k2, k1, PRIMARY KEY (k1, k2)) WITHOUT ROWID"),
    .key_kind = RF_KEY_COLUMNS,
    .alias = -1,
    .column_count = COUNT(without_columns),
    .columns = without_columns,
    .key_count = 2,
    .key = (uint32_t[]){2, 1},
};
static const struct golden_row without_1[] = {
    {0, {INT(1), TXT("a"), NUM(-INFINITY)}},
    {0, {INT(2), TXT("a"), INT(INT64_MIN)}},
    {0, {INT(3), NUM(0.5), INT(9007199254740992)}},
    {0, {INT(4), INT(1), INT(9007199254740993)}},
};
static const struct golden_row without_2[] = {
    {0, {INT(5), INT(0), NUM(9007199254740994.0)}},
    {0, {INT(6), INT(0), INT(INT64_MAX)}},
    {0, {INT(7), INT(0), NUM(9223372036854775808.0)}},
    {0, {INT(8), TXT("B"), TXT("")}},
    {0, {INT(9), TXT("a"), TXT("")}},
    {0, {INT(10), TXT(""), TXT("\xff")}},
    {0, {INT(11), BLB(""), BLB("")}},
    {0, {NIL, BLB(""), BLB("\0")}},
};
static const struct golden_block without_blocks[] = {ROWS_OF(RF_BLOCK_ROWS, without_1),
                                                     ROWS_OF(RF_BLOCK_ROWS, without_2)};
static const struct golden_row without_gone[] = {
    {0, {INT(3), NUM(0.5), INT(9007199254740992)}},
    {0, {INT(8), TXT("B"), TXT("")}},
    {0, {NIL, BLB(""), BLB("\0")}},
};
static const struct golden_row without_new[] = {
    {0, {INT(33), NUM(0.5), INT(9007199254740992)}},
    {0, {INT(12), NUM(1.5), INT(9007199254740992)}},
    {0, {INT(13), BLB("z"), BLB("zz")}},
};
static const struct golden_block without_delta_blocks[] = {ROWS_OF(RF_BLOCK_GONE, without_gone),
                                                           ROWS_OF(RF_BLOCK_ROWS, without_new)};
static const struct golden_row without_state[] = {
    {0, {INT(1), TXT("a"), NUM(-INFINITY)}},
    {0, {INT(2), TXT("a"), INT(INT64_MIN)}},
    {0, {INT(33), NUM(0.5), INT(9007199254740992)}},
    {0, {INT(12), NUM(1.5), INT(9007199254740992)}},
    {0, {INT(4), INT(1), INT(9007199254740993)}},
    {0, {INT(5), INT(0), NUM(9007199254740994.0)}},
    {0, {INT(6), INT(0), INT(INT64_MAX)}},
    {0, {INT(7), INT(0), NUM(9223372036854775808.0)}},
    {0, {INT(9), TXT("a"), TXT("")}},
    {0, {INT(10), TXT(""), TXT("\xff")}},
    {0, {INT(11), BLB(""), BLB("")}},
    {0, {INT(13), BLB("z"), BLB("zz")}},
};

/* single: the smallest archive with a row in it; empty: the smallest of all. A table whose name has
 * nothing in it that a file's name may have. */

static struct rf_column single_columns[] = {{.name = STR("c"), .collation = STR("BINARY")}};
static const struct rf_table single = {
    .name = STR("東京"),
    .key_kind = RF_KEY_ROWID,
    .alias = -1,
    .column_count = 1,
    .columns = single_columns,
};
static const struct golden_row single_rows[] = {{7, {TXT("one row only")}}};
static const struct golden_block single_blocks[] = {ROWS_OF(RF_BLOCK_ROWS, single_rows)};
static const struct rf_table empty = {
    .name = STR("empty"),
    .sql = STR("CREATE TABLE empty (c)"),
    .key_kind = RF_KEY_ROWID,
    .alias = -1,
    .column_count = 1,
    .columns = single_columns,
};

#define BLOCKS(array) .block_count = COUNT(array), .blocks = (array)
const struct golden_archive golden_archives[] = {
    {"classes", NULL, RF_ARCHIVE_FULL, RF_GONE_KEY, &classes, BLOCKS(classes_blocks)},
    {"numbers", NULL, RF_ARCHIVE_FULL, RF_GONE_KEY, &numbers, BLOCKS(numbers_blocks)},
    {"alias", NULL, RF_ARCHIVE_FULL, RF_GONE_KEY, &alias, BLOCKS(alias_blocks)},
    {"alias-delta", "alias", RF_ARCHIVE_DELTA, RF_GONE_KEY, &alias, BLOCKS(alias_delta_blocks)},
    {"keyed", NULL, RF_ARCHIVE_FULL, RF_GONE_KEY, &keyed, BLOCKS(keyed_blocks)},
    {"keyed-delta", "keyed", RF_ARCHIVE_DELTA, RF_GONE_KEY, &keyed, BLOCKS(keyed_delta_blocks)},
    {"place", NULL, RF_ARCHIVE_FULL, RF_GONE_KEY, &place, BLOCKS(place_blocks)},
    {"place-delta", "place", RF_ARCHIVE_DELTA, RF_GONE_ROW, &place, BLOCKS(place_delta_blocks)},
    {"without", NULL, RF_ARCHIVE_FULL, RF_GONE_KEY, &without, BLOCKS(without_blocks)},
    {"without-delta", "without", RF_ARCHIVE_DELTA, RF_GONE_KEY, &without,
     BLOCKS(without_delta_blocks)},
    {"single", NULL, RF_ARCHIVE_FULL, RF_GONE_KEY, &single, BLOCKS(single_blocks)},
    {"empty", NULL, RF_ARCHIVE_FULL, RF_GONE_KEY, &empty, .block_count = 0, .blocks = NULL},
};
const uint32_t golden_archive_count = COUNT(golden_archives);

#define STATE(array) .count = COUNT(array), .rows = (array)
const struct golden_state golden_states[] = {
    {"classes", NULL, STATE(classes_rows), 0, 0, 0, 0},
    {"alias", "alias-delta", STATE(alias_state), 1, 2, 1, 0},
    {"empty", NULL, .count = 0, .rows = NULL, 0, 0, 0, 0},
    {"keyed", "keyed-delta", STATE(keyed_state), 3, 0, 2, 4},
    {"numbers", NULL, STATE(numbers_rows), 0, 0, 0, 0},
    {"place", "place-delta", STATE(place_state), 1, 1, 1, 2},
    {"without", "without-delta", STATE(without_state), 2, 1, 2, 0},
    {"single", NULL, STATE(single_rows), 0, 0, 0, 0},
};
const uint32_t golden_state_count = COUNT(golden_states);

/* The rows of sqlite_sequence: ('alias', INT64_MAX), and one that an application spoiled. */
static uint8_t sequence_1[] = {3, 5,    0,    0,    0,    'a',  'l',  'i',  'a', 's',
                               1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
static uint8_t sequence_2[] = {0, 3, 1, 0, 0, 0, 'x'};
static struct rf_sequence sequences[] = {
    {.cells = {.bytes = sequence_1, .size = sizeof sequence_1, .capacity = sizeof sequence_1}},
    {.cells = {.bytes = sequence_2, .size = sizeof sequence_2, .capacity = sizeof sequence_2}},
};
static struct rf_object objects[] = {
    {STR("table"), STR("alias"), STR("alias"), STR("CREATE TABLE alias (…)")},
    {STR("index"), STR("sqlite_autoindex_keyed_1"), STR("keyed"), NULL},
    {STR("view"), STR("v"), STR("v"), STR("CREATE VIEW v AS SELECT '\xc3\xa9'")},
};
static struct rf_left_out left_out[] = {{STR("search"), STR("virtual table using fts5")}};

const struct rf_manifest golden_manifest = {
    .snapshot = 2,
    .parent = 1,
    .parent_digest = {0x0123456789abcdef, 0xfedcba9876543210},
    .parent_sha256 = {0xe3, 0xb0, 0xc4, 0x42, [31] = 0x55},
    .source = {0x8f, 0x14, 0xe4, 0x5f, 0xce, 0xea, 0x46, 0x7a, 0x95, 0x75, 0x0b, 0xc6, 0xa6, 0x01,
               0x02, 0x03},
    .time_us = 1700000000123456,
    .duration_us = 42,
    .bytes = 4711,
    .path = STR("/var/lib/app/app.db"),
    .writer = STR("rowferry 0.1.0"),
    .sqlite_version = STR("3.40.1"),
    .page_size = 4096,
    .encoding = STR("UTF-8"),
    .user_version = -3,
    .application_id = 0x0f055112,
    .auto_vacuum = 2,
    .journal_mode = STR("wal"),
    .object_count = COUNT(objects),
    .objects = objects,
    .left_out_count = COUNT(left_out),
    .left_out = left_out,
    .sequence_count = COUNT(sequences),
    .sequences = sequences,
};

struct rf_digest golden_after(const struct golden_archive *archive) {
    struct rf_digest digest = {0};
    if (archive->parent) {
        digest = golden_after(golden_find(archive->parent));
    }
    for (uint32_t b = 0; b < archive->block_count; b++) {
        const struct golden_block *block = &archive->blocks[b];
        for (uint32_t i = 0; block->kind != RF_BLOCK_MOVES && i < block->count; i++) {
            struct rf_hash hash = golden_hash(&block->rows[i], archive->table->column_count);
            if (block->kind == RF_BLOCK_GONE) {
                rf_digest_remove(&digest, hash);
            } else {
                rf_digest_add(&digest, hash);
            }
        }
    }
    return digest;
}

const struct golden_archive *golden_find(const char *file) {
    for (uint32_t i = 0; i < golden_archive_count; i++) {
        if (strcmp(golden_archives[i].file, file) == 0) {
            return &golden_archives[i];
        }
    }
    return NULL;
}

static struct rf_value value_of(const struct golden_cell *cell) {
    struct rf_value value = {.class = cell->class};
    switch (cell->class) {
    case RF_NULL:
        break;
    case RF_INTEGER:
        value.integer = cell->integer;
        break;
    case RF_REAL:
        value.real = cell->real;
        break;
    case RF_TEXT:
    case RF_BLOB:
        value.size = cell->size;
        value.bytes = (const uint8_t *)cell->bytes;
    }
    return value;
}

void golden_put(const struct golden_row *row, const uint32_t *columns, uint32_t count,
                struct rf_buffer *out) {
    for (uint32_t i = 0; i < count; i++) {
        struct rf_value value = value_of(&row->cells[columns ? columns[i] : i]);
        rf_row_put(out, &value);
    }
}

struct rf_hash golden_hash(const struct golden_row *row, uint32_t columns) {
    struct rf_buffer cells = {0};
    golden_put(row, NULL, columns, &cells);
    struct rf_hash hash = rf_hash_bytes(cells.bytes, cells.size);
    rf_buffer_release(&cells);
    return hash;
}

void golden_put_kept(const struct golden_archive *archive, enum rf_block_kind kind,
                     const struct golden_row *row, struct rf_buffer *out) {
    const struct rf_table *table = archive->table;
    if (kind == RF_BLOCK_MOVES) {
        golden_put(row, NULL, 3, out);
    } else if (kind == RF_BLOCK_ROWS || (kind == RF_BLOCK_GONE && archive->gone == RF_GONE_ROW)) {
        golden_put(row, NULL, table->column_count, out);
    } else {
        golden_put(row, table->key, table->key_count, out);
    }
}

struct rf_digest golden_digest(const struct golden_state *state, uint32_t columns) {
    struct rf_digest digest = {0};
    for (uint32_t i = 0; i < state->count; i++) {
        rf_digest_add(&digest, golden_hash(&state->rows[i], columns));
    }
    return digest;
}

void golden_census(const struct golden_state *state, uint32_t column, struct rf_census *census) {
    *census = (struct rf_census){0};
    for (uint32_t i = 0; i < state->count; i++) {
        const struct golden_cell *cell = &state->rows[i].cells[column];
        census->count[cell->class]++;
        if (cell->class == RF_INTEGER) {
            bool first = census->count[RF_INTEGER] == 1;
            if (first || cell->integer < census->min_integer) {
                census->min_integer = cell->integer;
            }
            if (first || cell->integer > census->max_integer) {
                census->max_integer = cell->integer;
            }
        }
        if (cell->size > census->longest) {
            census->longest = cell->size;
        }
        if (cell->class == RF_TEXT) {
            struct rf_text_facts facts = rf_text_inspect((const uint8_t *)cell->bytes, cell->size);
            census->text_with_nul += facts.has_nul;
            census->text_not_utf8 += !facts.valid_utf8;
        }
    }
}

static bool read_file(const char *path, struct rf_buffer *out) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    char part[4096];
    for (size_t size; (size = fread(part, 1, sizeof part, file)) > 0;) {
        rf_buffer_append(out, part, size);
    }
    return fclose(file) == 0 && !out->failed;
}

static bool fill_ref(const char *folder, const char *file, enum rf_archive_kind kind,
                     struct rf_archive_ref *ref) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.rfa", folder, file);
    struct rf_buffer bytes = {0};
    if (!read_file(path, &bytes)) {
        return false;
    }
    *ref = (struct rf_archive_ref){
        .kind = kind, .digest = rf_hash_bytes(bytes.bytes, bytes.size), .size = bytes.size};
    golden_archive_name(golden_find(file), ref->digest, ref->name);
    rf_sha256_bytes(bytes.bytes, bytes.size, ref->sha256);
    rf_buffer_release(&bytes);
    return true;
}

/* SPEC.md, "Archive": the slugs are written out, so that the rule is held against them. */
void golden_archive_name(const struct golden_archive *archive, struct rf_hash digest,
                         char name[RF_ARCHIVE_NAME_SIZE]) {
    const char *slug = archive->table == &classes  ? "classes"
                       : archive->table == &single ? "table"
                                                   : archive->table->name;
    char text[RF_HASH_HEX];
    snprintf(name, RF_ARCHIVE_NAME_SIZE, "%s-%s.rfa", slug, rf_hash_text(digest, text));
}

static bool fill_table(const char *folder, const struct golden_state *state,
                       struct rf_manifest_table *table) {
    table->table = *golden_find(state->full)->table;
    uint32_t columns = table->table.column_count;
    table->digest = golden_digest(state, columns);
    table->census = calloc(columns, sizeof *table->census);
    table->state = calloc(2, sizeof *table->state);
    if (!table->census || !table->state) {
        return false;
    }
    for (uint32_t i = 0; i < columns; i++) {
        golden_census(state, i, &table->census[i]);
    }
    table->change = state->delta ? RF_CHANGE_DELTA : RF_CHANGE_NONE;
    table->inserted = state->inserted;
    table->updated = state->updated;
    table->deleted = state->deleted;
    table->moved = state->moved;
    table->state_count = state->delta ? 2 : 1;
    if (!fill_ref(folder, state->full, RF_ARCHIVE_FULL, &table->state[0])) {
        return false;
    }
    if (state->delta) {
        if (!fill_ref(folder, state->delta, RF_ARCHIVE_DELTA, &table->state[1])) {
            return false;
        }
        table->delta = table->state[1];
    }
    return true;
}

bool golden_manifest_make(const char *folder, struct rf_manifest *manifest) {
    *manifest = golden_manifest;
    manifest->tables = calloc(golden_state_count, sizeof *manifest->tables);
    if (!manifest->tables) {
        return false;
    }
    manifest->table_count = golden_state_count;
    for (uint32_t i = 0; i < golden_state_count; i++) {
        if (!fill_table(folder, &golden_states[i], &manifest->tables[i])) {
            return false;
        }
    }
    return true;
}

void golden_manifest_unmake(struct rf_manifest *manifest) {
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        free(manifest->tables[i].census);
        free(manifest->tables[i].state);
    }
    free(manifest->tables);
}
