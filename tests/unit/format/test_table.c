/* Table descriptions: a column that lost its type or an index its order would become another table
 * in PostgreSQL. */
#include <stdlib.h>

#include "fixture.h"
#include "format/table.h"
#include "golden.h"

/* The examples of https://www.sqlite.org/datatype3.html, section 3.1.1, and what surprises people.
 * */
Test(table, affinity_is_that_of_sqlite) {
    static const struct {
        const char *declared;
        enum rf_affinity affinity;
    } cases[] = {
        {NULL, RF_AFFINITY_BLOB},
        {"", RF_AFFINITY_BLOB},
        {"INT", RF_AFFINITY_INTEGER},
        {"INTEGER", RF_AFFINITY_INTEGER},
        {"TINYINT", RF_AFFINITY_INTEGER},
        {"UNSIGNED BIG INT", RF_AFFINITY_INTEGER},
        {"int8", RF_AFFINITY_INTEGER},
        {"CHARACTER(20)", RF_AFFINITY_TEXT},
        {"VARYING CHARACTER(255)", RF_AFFINITY_TEXT},
        {"native character(70)", RF_AFFINITY_TEXT},
        {"NVARCHAR(100)", RF_AFFINITY_TEXT},
        {"TEXT", RF_AFFINITY_TEXT},
        {"CLOB", RF_AFFINITY_TEXT},
        {"BLOB", RF_AFFINITY_BLOB},
        {"REAL", RF_AFFINITY_REAL},
        {"DOUBLE PRECISION", RF_AFFINITY_REAL},
        {"float", RF_AFFINITY_REAL},
        {"NUMERIC", RF_AFFINITY_NUMERIC},
        {"DECIMAL(10,5)", RF_AFFINITY_NUMERIC},
        {"BOOLEAN", RF_AFFINITY_NUMERIC},
        {"DATE", RF_AFFINITY_NUMERIC},
        {"DATETIME", RF_AFFINITY_NUMERIC},
        {"STRING", RF_AFFINITY_NUMERIC},
        {"FLOATING POINT", RF_AFFINITY_INTEGER},
        {"CHARINT", RF_AFFINITY_INTEGER},
        {"TEXTBLOB", RF_AFFINITY_TEXT},
        {"BLOBREAL", RF_AFFINITY_BLOB},
        {"anything", RF_AFFINITY_NUMERIC},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_assert_eq(rf_affinity_of(cases[i].declared), cases[i].affinity, "%s", cases[i].declared);
    }
}

static void encode(const struct rf_table *table, bool rows, struct rf_buffer *out) {
    rf_buffer_clear(out);
    if (rows) {
        rf_table_encode_rows(table, out);
    } else {
        rf_table_encode(table, out);
    }
    cr_assert_not(out->failed);
}

static bool decode(const void *bytes, size_t size, bool rows, struct rf_table *table) {
    uint8_t *exact = malloc(size + 1);
    memcpy(exact, bytes, size);
    struct rf_cursor cursor = rf_cursor_of(exact, size);
    if (rows) {
        rf_table_decode_rows(&cursor, table);
    } else {
        rf_table_decode(&cursor, table);
    }
    free(exact);
    return !cursor.failed && rf_cursor_left(&cursor) == 0;
}

Test(table, descriptions_come_back) {
    struct rf_buffer bytes = {0}, again = {0};
    for (uint32_t n = 0; n < golden_archive_count; n++) {
        for (int rows = 0; rows < 2; rows++) {
            const struct rf_table *table = golden_archives[n].table;
            struct rf_table decoded;
            encode(table, rows, &bytes);
            cr_assert(decode(bytes.bytes, bytes.size, rows, &decoded), "%s", table->name);
            cr_assert(rf_table_same_rows(table, &decoded), "%s", table->name);
            if (!rows) {
                encode(&decoded, false, &again);
                cr_assert(bytes.size == again.size &&
                              memcmp(bytes.bytes, again.bytes, bytes.size) == 0,
                          "%s", table->name);
            }
            rf_table_release(&decoded);
            rf_table_release(&decoded);
        }
    }
    rf_buffer_release(&bytes);
    rf_buffer_release(&again);
}

/* Whatever the bytes are: nothing leaks, nothing is read past them. The sanitizers are the judge.
 * */
Test(table, descriptions_cut_and_changed) {
    struct rf_buffer bytes = {0};
    struct rf_table decoded;
    struct chance chance = {9};
    for (uint32_t n = 0; n < golden_archive_count; n++) {
        for (int rows = 0; rows < 2; rows++) {
            encode(golden_archives[n].table, rows, &bytes);
            for (size_t size = 0; size < bytes.size; size++) {
                cr_assert_not(decode(bytes.bytes, size, rows, &decoded), "cut at %zu", size);
                rf_table_release(&decoded);
                uint8_t before = bytes.bytes[size];
                for (int round = 0; round < 4; round++) {
                    bytes.bytes[size] = round == 0   ? 0xff
                                        : round == 1 ? 0
                                                     : (uint8_t)chance_next(&chance);
                    (void)decode(bytes.bytes, bytes.size, rows, &decoded);
                    rf_table_release(&decoded);
                }
                bytes.bytes[size] = before;
            }
        }
    }
    rf_buffer_release(&bytes);
}

/* Archives of the one table must not be read as those of the other. */
Test(table, same_rows) {
    struct rf_column columns[] = {{.name = (char[]){"a"}}, {.name = (char[]){"b"}}};
    struct rf_column renamed[] = {{.name = (char[]){"a"}}, {.name = (char[]){"B"}}};
    uint32_t key[] = {0, 1}, turned[] = {1, 0};
    const struct rf_table table = {.name = (char[]){"t"},
                                   .key_kind = RF_KEY_COLUMNS,
                                   .alias = -1,
                                   .column_count = 2,
                                   .columns = columns,
                                   .key_count = 2,
                                   .key = key};
    struct rf_table others[] = {table, table, table, table, table, table, table};
    others[0].name = (char[]){"T"};
    others[1].key_kind = RF_KEY_ROWID;
    others[2].alias = 0;
    others[3].column_count = 1;
    others[4].columns = renamed;
    others[5].key_count = 1;
    others[6].key = turned;
    for (size_t i = 0; i < COUNT(others); i++) {
        cr_assert_not(rf_table_same_rows(&table, &others[i]), "case %zu", i);
    }
    struct rf_table other = table;
    other.sql = (char[]){"CREATE TABLE t (a, b INT)"};
    other.strict = true;
    cr_assert(rf_table_same_rows(&table, &other), "what does not touch rows");
}
