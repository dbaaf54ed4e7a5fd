/* The translation of expressions, line by line, for tests that compare it with SQLite and psql.
 *
 * Input lines are fields between tabs, with \t, \n and \\ for what they cannot hold:
 *     table NAME ALIAS UTF16                       forgets the columns
 *     column NAME TYPE AFFINITY COLLATION NOT_NULL GENERATED PRECISION SCALE ENCODING GRAIN
 *            LENGTH
 *     check TEXT | where TEXT | generated COLUMN TEXT | index TEXT COLLATION | default COLUMN TEXT
 *     create_table SQL | create_index SQL
 * COLLATION and ENCODING may be empty; ENCODING is one of numbers or the spelling of texts. Every
 * line but the first two kinds is answered: `sql`, the SQL, and 1 where it is immutable; or
 * `refused` and the reason. The last two answer with a line for everything found and an empty
 * line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "replay/expression_carry.h"
#include "replay/expression_statement.h"
#include "replay/quote.h"

#define FIELDS_MAX 12
#define COLUMNS_MAX 2000

static struct rf_expression_column columns[COLUMNS_MAX];
static struct rf_spelling spellings[COLUMNS_MAX];
static struct rf_expression_table table = {.columns = columns, .alias = -1};
static struct rf_arena names;

static void unescape(char *field) {
    char *to = field;
    for (const char *from = field; *from; from++) {
        if (*from == '\\' && from[1]) {
            from++;
            *to++ = (char)(*from == 't' ? '\t' : *from == 'n' ? '\n' : *from);
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static void print_field(const char *text) {
    putchar('\t');
    for (const char *at = text ? text : ""; *at; at++) {
        if (*at == '\t' || *at == '\n' || *at == '\\') {
            putchar('\\');
        }
        putchar(*at == '\t' ? 't' : *at == '\n' ? 'n' : *at);
    }
}

static int word_of(const char *const *words, int count, const char *word) {
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }
    fprintf(stderr, "not known: %s\n", word);
    exit(2);
}

static void set_encoding(struct rf_expression_column *column, struct rf_spelling *spelling,
                         const char *text) {
    if (rf_spelling_read(text, spelling)) {
        column->spelling = spelling;
    } else if (*text && !rf_instant_find(text, &column->encoding)) {
        fprintf(stderr, "not known: %s\n", text);
        exit(2);
    }
}

static void add_column(char **fields) {
    static const char *const types[] = {
        [RF_EXPRESSION_OTHER] = "other",         [RF_EXPRESSION_BIGINT] = "bigint",
        [RF_EXPRESSION_INTEGER] = "integer",     [RF_EXPRESSION_SMALLINT] = "smallint",
        [RF_EXPRESSION_DOUBLE] = "double",       [RF_EXPRESSION_BOOLEAN] = "boolean",
        [RF_EXPRESSION_TEXT] = "text",           [RF_EXPRESSION_BYTEA] = "bytea",
        [RF_EXPRESSION_NUMERIC] = "numeric",     [RF_EXPRESSION_TEXT_OR_NUMBER] = "text-or-number",
        [RF_EXPRESSION_DATE] = "date",           [RF_EXPRESSION_TIME] = "time",
        [RF_EXPRESSION_TIMESTAMP] = "timestamp", [RF_EXPRESSION_TIMESTAMPTZ] = "timestamptz",
    };
    static const char *const affinities[] = {"BLOB", "TEXT", "NUMERIC", "INTEGER", "REAL"};
    if (table.column_count == COLUMNS_MAX) {
        exit(2);
    }
    struct rf_buffer quoted = {0};
    rf_quote_name(&quoted, fields[1]);
    columns[table.column_count] = (struct rf_expression_column){
        .name = rf_arena_copy(&names, fields[1]),
        .sql = rf_arena_printf(&names, "%.*s", (int)quoted.size, (char *)quoted.bytes),
        .type = (enum rf_expression_type)word_of(types, 14, fields[2]),
        .affinity = (enum rf_affinity)word_of(affinities, 5, fields[3]),
        .collation = *fields[4] ? rf_arena_copy(&names, fields[4]) : NULL,
        .not_null = *fields[5] == '1',
        .generated = *fields[6] == '1',
        .precision = (uint32_t)strtoul(fields[7], NULL, 10),
        .scale = (uint32_t)strtoul(fields[8], NULL, 10),
        .length = (uint32_t)strtoul(fields[11], NULL, 10),
        .grain = strtoll(fields[10], NULL, 10),
    };
    set_encoding(&columns[table.column_count], &spellings[table.column_count], fields[9]);
    table.column_count++;
    rf_buffer_release(&quoted);
}

static void new_table(char **fields) {
    rf_arena_release(&names);
    table = (struct rf_expression_table){.name = rf_arena_copy(&names, fields[1]),
                                         .columns = columns,
                                         .alias = atoi(fields[2]),
                                         .utf16 = *fields[3] == '1'};
}

static void answer(struct rf_expression expression) {
    if (expression.sql) {
        printf("sql");
        print_field(expression.sql);
        printf("\t%d\n", expression.immutable);
    } else {
        printf("refused");
        print_field(expression.refusal);
        putchar('\n');
    }
}

static void refuse(const char *reason) {
    printf("refused");
    print_field(reason);
    putchar('\n');
}

static void print_table(const struct rf_statement_table *found) {
    for (uint32_t i = 0; i < found->column_count; i++) {
        printf("column");
        print_field(found->columns[i].name);
        print_field(found->columns[i].default_text);
        print_field(found->columns[i].generated);
        printf("\t%d\n", found->columns[i].stored);
    }
    for (uint32_t i = 0; i < found->check_count; i++) {
        printf("check");
        print_field(found->checks[i].name);
        print_field(found->checks[i].text);
        printf("\t%d\n", found->checks[i].column);
    }
    for (uint32_t i = 0; i < found->foreign_key_count; i++) {
        const struct rf_statement_foreign_key *key = &found->foreign_keys[i];
        printf("foreign_key");
        print_field(key->name);
        print_field(key->parent);
        printf("\t%d%d", key->deferrable, key->initially_deferred);
        for (uint32_t k = 0; k < key->column_count; k++) {
            print_field(key->columns[k]);
        }
        putchar('\n');
    }
    putchar('\n');
}

static void print_index(const struct rf_statement_index *found) {
    for (uint32_t i = 0; i < found->part_count; i++) {
        printf("part");
        print_field(found->parts[i].text);
        printf("\t%d\n", found->parts[i].descending);
    }
    if (found->predicate) {
        printf("where");
        print_field(found->predicate);
        putchar('\n');
    }
    putchar('\n');
}

static void statement(const char *kind, const char *sql, struct rf_arena *arena) {
    struct rf_statement_table found_table;
    struct rf_statement_index found_index;
    bool is_table = strcmp(kind, "create_table") == 0;
    const char *refusal = is_table ? rf_statement_table(sql, arena, &found_table)
                                   : rf_statement_index(sql, arena, &found_index);
    if (refusal) {
        refuse(refusal);
        putchar('\n');
    } else if (is_table) {
        print_table(&found_table);
    } else {
        print_index(&found_index);
    }
}

static uint32_t column_number(const char *field) {
    uint32_t number = (uint32_t)strtoul(field, NULL, 10);
    if (number >= table.column_count) {
        exit(2);
    }
    return number;
}

static void line(char **fields, struct rf_arena *arena) {
    const char *kind = fields[0];
    if (strcmp(kind, "table") == 0) {
        new_table(fields);
    } else if (strcmp(kind, "column") == 0) {
        add_column(fields);
    } else if (strcmp(kind, "check") == 0 || strcmp(kind, "where") == 0) {
        answer(rf_expression_condition(&table, fields[1], arena));
    } else if (strcmp(kind, "generated") == 0) {
        answer(rf_expression_generated(&table, column_number(fields[1]), fields[2], arena));
    } else if (strcmp(kind, "index") == 0) {
        answer(rf_expression_index_part(&table, fields[1], *fields[2] ? fields[2] : NULL, arena));
    } else if (strcmp(kind, "default") == 0) {
        answer(rf_expression_default(&columns[column_number(fields[1])], fields[2], arena));
    } else {
        statement(kind, fields[1], arena);
    }
}

int main(void) {
    char *text = NULL;
    size_t capacity = 0;
    while (getline(&text, &capacity, stdin) > 0) {
        static char nothing[] = "";
        char *fields[FIELDS_MAX];
        char *rest = text;
        text[strcspn(text, "\n")] = '\0';
        for (size_t i = 0; i < FIELDS_MAX; i++) {
            char *field = strsep(&rest, "\t");
            fields[i] = field ? field : nothing;
            unescape(fields[i]);
        }
        struct rf_arena arena = {0};
        line(fields, &arena);
        rf_arena_release(&arena);
        fflush(stdout);
    }
    free(text);
    rf_arena_release(&names);
    return 0;
}
