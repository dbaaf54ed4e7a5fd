/* If this fails, a manifest that somebody made brings replay down, or slips SQL of its own into the
 * target. Noise from a seed: bytes, tokens in any order, expressions with pieces cut out. */
#include "replay/expression_carry.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "format/value.h"
#include "replay/expression_statement.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROUNDS 20000
#define TEXT_MAX 400

static uint64_t state;

static uint32_t below(uint32_t bound) { /* splitmix64 */
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (uint32_t)((z ^ (z >> 31)) % bound);
}

static struct rf_spelling second;
static const struct rf_expression_column columns[] = {
    {.name = "a", .sql = "\"a\"", .type = RF_EXPRESSION_BIGINT, .affinity = RF_AFFINITY_INTEGER},
    {.name = "r", .sql = "\"r\"", .type = RF_EXPRESSION_DOUBLE, .affinity = RF_AFFINITY_REAL},
    {.name = "f", .sql = "\"f\"", .type = RF_EXPRESSION_BOOLEAN, .affinity = RF_AFFINITY_NUMERIC},
    {.name = "t", .sql = "\"t\"", .type = RF_EXPRESSION_TEXT, .affinity = RF_AFFINITY_TEXT},
    {.name = "x", .sql = "\"x\"", .type = RF_EXPRESSION_BYTEA, .affinity = RF_AFFINITY_BLOB},
    {.name = "d", .sql = "\"d\"", .type = RF_EXPRESSION_NUMERIC, .affinity = RF_AFFINITY_NUMERIC},
    {.name = "m",
     .sql = "\"m\"",
     .type = RF_EXPRESSION_TIMESTAMP,
     .affinity = RF_AFFINITY_TEXT,
     .spelling = &second},
    {.name = "u",
     .sql = "\"u\"",
     .type = RF_EXPRESSION_TIMESTAMPTZ,
     .affinity = RF_AFFINITY_INTEGER,
     .encoding = RF_INSTANT_UNIX_MS},
    {.name = "o", .sql = "\"o\"", .type = RF_EXPRESSION_OTHER, .affinity = RF_AFFINITY_BLOB},
};
static const struct rf_expression_table table = {
    .name = "e", .column_count = COUNT(columns), .columns = columns, .alias = 0};

/* What the server would see: every quote closed, every parenthesis answered, and no way out into
 * another statement. */
static bool is_closed(const char *sql) {
    int depth = 0;
    for (const char *at = sql; *at; at++) {
        bool escapes = *at == '\'' && at > sql && at[-1] == 'E';
        if (*at == '\'' || *at == '"') {
            char quote = *at;
            for (at++; *at && (*at != quote || at[1] == quote); at++) {
                at += *at == quote || (escapes && *at == '\\' && at[1]) ? 1 : 0;
            }
            if (!*at) {
                return false;
            }
        } else if (*at == ';' || (at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*')) {
            return false;
        }
        depth += (*at == '(') - (*at == ')');
        if (depth < 0) {
            return false;
        }
    }
    return depth == 0;
}

static void judge(const char *text, struct rf_expression made) {
    const char *said = made.sql ? made.sql : made.refusal;
    cr_assert(said && !made.sql != !made.refusal, "%s", text);
    cr_assert(rf_text_inspect((const uint8_t *)said, strlen(said)).valid_utf8, "%s", text);
    cr_assert(made.sql || (*said && strlen(said) < 300), "%s: %s", text, said);
    cr_assert(!made.sql || is_closed(made.sql), "%s: %s", text, made.sql);
}

static void feed(const char *text) {
    struct rf_arena arena = {0};
    judge(text, rf_expression_condition(&table, text, &arena));
    judge(text, rf_expression_index_part(&table, text, below(4) == 0 ? "NOCASE" : NULL, &arena));
    uint32_t column = below(COUNT(columns));
    judge(text, rf_expression_generated(&table, column, text, &arena));
    judge(text, rf_expression_default(&columns[column], text, &arena));
    struct rf_statement_table found_table;
    struct rf_statement_index found_index;
    const char *refusal = rf_statement_table(text, &arena, &found_table);
    cr_assert(!refusal || strlen(refusal) < 300);
    refusal = rf_statement_index(text, &arena, &found_index);
    cr_assert(!refusal || strlen(refusal) < 300);
    rf_arena_release(&arena);
}

static void begin(uint64_t seed) {
    state = seed;
    cr_assert(rf_spelling_read("YYYY-MM-DD HH:MM:SS", &second));
    cr_log_info("seed %llu", (unsigned long long)seed);
}

/* Bytes that mean something come often. */
Test(expression_fuzz, any_bytes) {
    static const char often[] =
        "aertfxdmuo'\"`[]()=<>|&+-*/%~.,; \n0123456789xXeE_$?:@#!^\\\xef\xbb\xbf";
    begin(20241122);
    for (int round = 0; round < ROUNDS; round++) {
        char text[TEXT_MAX] = "";
        uint32_t size = below(60);
        for (uint32_t i = 0; i < size; i++) {
            text[i] = below(8) == 0 ? (char)(1 + below(255)) : often[below(sizeof often - 1)];
        }
        feed(text);
    }
}

static const char *const tokens[] = {"a",
                                     "r",
                                     "f",
                                     "t",
                                     "x",
                                     "d",
                                     "m",
                                     "u",
                                     "o",
                                     "rowid",
                                     "\"t\"",
                                     "[no]",
                                     "'x'",
                                     "'5'",
                                     "'a\\''b'",
                                     "0",
                                     "1",
                                     "-1",
                                     "1.5",
                                     "1e300",
                                     "x'00'",
                                     "0x1F",
                                     "NULL",
                                     "TRUE",
                                     "(",
                                     ")",
                                     "(",
                                     ")",
                                     ",",
                                     "+",
                                     "-",
                                     "*",
                                     "/",
                                     "%",
                                     "&",
                                     "|",
                                     "<<",
                                     ">>",
                                     "||",
                                     "~",
                                     "=",
                                     "<>",
                                     "<",
                                     ">=",
                                     "AND",
                                     "OR",
                                     "NOT",
                                     "IS",
                                     "DISTINCT",
                                     "FROM",
                                     "BETWEEN",
                                     "IN",
                                     "LIKE",
                                     "GLOB",
                                     "ESCAPE",
                                     "'%a_'",
                                     "'[a-z]*'",
                                     "CASE",
                                     "WHEN",
                                     "THEN",
                                     "ELSE",
                                     "END",
                                     "CAST",
                                     "AS",
                                     "TEXT",
                                     "INTEGER",
                                     "COLLATE",
                                     "NOCASE",
                                     "ISNULL",
                                     "lower(",
                                     "abs(",
                                     "round(",
                                     "coalesce(",
                                     "substr(",
                                     "replace(",
                                     "min(",
                                     "nullif(",
                                     "iif(",
                                     "length(",
                                     "hex(",
                                     "typeof(",
                                     "trim(",
                                     "instr(",
                                     "strftime(",
                                     "'%s'",
                                     "'now'",
                                     "datetime(",
                                     "julianday",
                                     "'2024-05-01 00:00:00'"};

Test(expression_fuzz, any_tokens) {
    begin(4711);
    for (int round = 0; round < ROUNDS; round++) {
        char text[TEXT_MAX] = "";
        char *at = text;
        uint32_t count = 1 + below(12);
        for (uint32_t i = 0; i < count; i++) {
            at = stpcpy(stpcpy(at, tokens[below(COUNT(tokens))]), " ");
        }
        feed(text);
    }
}

/* Things that are carried over, and what is near to them. */
static const char *const sound[] = {
    "a % 10 = 3 AND t LIKE 'a\\%!_' ESCAPE '!' OR NOT f",
    "coalesce(nullif(trim(t, 'x'), ''), substr(lower(t), 2, 3)) || a GLOB '*[^a-z]?'",
    "CASE a WHEN 1 THEN 'it''s' WHEN abs(a) THEN t ELSE typeof(r) END <> 'x' COLLATE NOCASE",
    "(CAST(strftime('%s', 'now') AS INTEGER) * 1000)",
    "m BETWEEN '2024-05-01 00:00:00' AND '2024-06-01 00:00:00' OR u > 1714521600000",
    "round(r) IN (1, 2.5, NULL) IS NOT DISTINCT FROM (x = x'00ff')",
    "CREATE TABLE t(a DEFAULT (1) CHECK (a), b AS (a) STORED, FOREIGN KEY (a) REFERENCES p(x))",
    "CREATE TABLE [t](a REFERENCES p DEFERRABLE INITIALLY DEFERRED, CONSTRAINT c UNIQUE (a))",
    "CREATE UNIQUE INDEX i ON t(lower(a) COLLATE NOCASE DESC, (b), c) WHERE d > '('",
};

Test(expression_fuzz, pieces_cut_out_and_doubled) {
    begin(99);
    for (int round = 0; round < ROUNDS; round++) {
        const char *from = sound[below(COUNT(sound))];
        uint32_t size = (uint32_t)strlen(from);
        uint32_t start = below(size);
        uint32_t length = below(size - start) % 12;
        char text[TEXT_MAX];
        bool doubled = below(2) == 0;
        char *at = stpncpy(text, from, start + (doubled ? length : 0));
        *at = '\0';
        strcpy(at, from + start + (doubled ? 0 : length));
        if (below(3) == 0) {
            text[below((uint32_t)strlen(text))] = (char)(1 + below(255));
        }
        feed(text);
    }
}
