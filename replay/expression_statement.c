/* Failures are sticky: once the refusal is set, nothing is read any more (the current token
 * becomes the end), so that every loop ends. */
#include "replay/expression_statement.h"

#include <string.h>

#include "replay/expression_token.h"
#include "replay/expression_tree.h"

struct reader {
    struct rf_tokens tokens;
    struct rf_arena *arena;
    const char *refusal;
    const char *constraint; /* the name that CONSTRAINT gave to what follows */
    struct rf_statement_table *table;
    struct rf_statement_index *index;
};

static void misread(struct reader *reader) {
    const struct rf_token *token = &reader->tokens.token;
    if (!reader->refusal) {
        const char *reason =
            token->kind == RF_TOKEN_END
                ? "the statement ends too early"
                : rf_arena_printf(reader->arena, "the statement is not understood at \"%s\"",
                                  rf_tree_excerpt(token->text, token->size, reader->arena));
        reader->refusal = reason ? reason : "no memory";
    }
    reader->tokens = rf_tokens_of("");
}

static bool is(const struct reader *reader, const char *what) {
    return rf_token_is(&reader->tokens.token, what);
}

static bool accept(struct reader *reader, const char *what) {
    return rf_tokens_accept(&reader->tokens, what);
}

static void expect(struct reader *reader, const char *what) {
    if (!accept(reader, what)) {
        misread(reader);
    }
}

static const char *name(struct reader *reader) {
    if (!rf_token_is_name(&reader->tokens.token)) {
        misread(reader);
        return NULL;
    }
    const char *copy = rf_token_copy(&reader->tokens.token, reader->arena);
    rf_tokens_next(&reader->tokens);
    return copy;
}

/* What stands between the parenthesis here and its counterpart; passes over both. */
static const char *parenthesis(struct reader *reader) {
    const char *start = reader->tokens.at;
    expect(reader, "(");
    for (uint64_t depth = 1; !reader->refusal;) {
        const struct rf_token *token = &reader->tokens.token;
        if (token->kind == RF_TOKEN_END || token->kind == RF_TOKEN_BAD) {
            misread(reader);
            break;
        }
        depth += rf_token_is(token, "(") ? 1 : 0;
        depth -= rf_token_is(token, ")") ? 1 : 0;
        const char *end = token->text;
        rf_tokens_next(&reader->tokens);
        if (depth == 0) {
            return rf_token_span(start, end, reader->arena);
        }
    }
    return NULL;
}

/* Room for one more behind `count` items of an array that doubles. */
static void *grown(struct reader *reader, void *items, uint32_t count, size_t size) {
    if (count > 0 && (count & (count - 1)) != 0) {
        return items;
    }
    uint8_t *more = rf_arena_take(reader->arena, count > 0 ? (size_t)count * 2 : 1, size);
    if (!more) {
        misread(reader);
        return items;
    }
    if (count > 0) {
        memcpy(more, items, count * size);
    }
    return more;
}

/* ON CONFLICT FAIL, and the like. */
static void conflict(struct reader *reader) {
    struct rf_token next = rf_tokens_peek(&reader->tokens);
    if (is(reader, "ON") && rf_token_is(&next, "CONFLICT")) {
        rf_tokens_next(&reader->tokens);
        rf_tokens_next(&reader->tokens);
        rf_tokens_next(&reader->tokens);
    }
}

static void check(struct reader *reader, int32_t column) {
    struct rf_statement_table *table = reader->table;
    const char *text = parenthesis(reader);
    table->checks = grown(reader, table->checks, table->check_count, sizeof *table->checks);
    if (!reader->refusal) {
        table->checks[table->check_count++] =
            (struct rf_statement_check){reader->constraint, text, column};
    }
}

static void add_column_name(struct reader *reader, struct rf_statement_foreign_key *key,
                            const char *column) {
    key->columns = grown(reader, key->columns, key->column_count, sizeof *key->columns);
    if (!reader->refusal) {
        key->columns[key->column_count++] = column;
    }
}

/* ON DELETE SET NULL, MATCH name: known already, from the pragma. */
static void actions(struct reader *reader) {
    for (;;) {
        if (accept(reader, "MATCH")) {
            name(reader);
        } else if (is(reader, "ON")) {
            rf_tokens_next(&reader->tokens);
            rf_tokens_next(&reader->tokens);
            bool two = is(reader, "SET") || is(reader, "NO");
            rf_tokens_next(&reader->tokens);
            if (two) {
                rf_tokens_next(&reader->tokens);
            }
        } else {
            return;
        }
    }
}

/* Behind REFERENCES; the referring columns are in `key`. */
static void references(struct reader *reader, struct rf_statement_foreign_key *key) {
    struct rf_statement_table *table = reader->table;
    key->name = reader->constraint;
    key->parent = name(reader);
    if (is(reader, "(")) {
        parenthesis(reader);
    }
    actions(reader);
    table->foreign_keys =
        grown(reader, table->foreign_keys, table->foreign_key_count, sizeof *table->foreign_keys);
    if (!reader->refusal) {
        table->foreign_keys[table->foreign_key_count++] = *key;
    }
}

/* Behind DEFERRABLE. SQLite lets it stand anywhere behind a foreign key, and means the last one. */
static void deferrable(struct reader *reader, bool can_be) {
    bool deferred = false;
    if (accept(reader, "INITIALLY")) {
        deferred = is(reader, "DEFERRED");
        rf_tokens_next(&reader->tokens);
    }
    struct rf_statement_table *table = reader->table;
    if (table->foreign_key_count > 0) {
        struct rf_statement_foreign_key *key = &table->foreign_keys[table->foreign_key_count - 1];
        key->deferrable = can_be;
        key->initially_deferred = can_be && deferred;
    }
}

/* An expression in parentheses, or one token, which may have a sign. */
static const char *default_text(struct reader *reader) {
    if (is(reader, "(")) {
        return parenthesis(reader);
    }
    const char *start = reader->tokens.token.text;
    if (!accept(reader, "-")) {
        accept(reader, "+");
    }
    enum rf_token_kind kind = reader->tokens.token.kind;
    if (kind == RF_TOKEN_END || kind == RF_TOKEN_BAD || kind == RF_TOKEN_OPERATOR) {
        misread(reader);
        return NULL;
    }
    rf_tokens_next(&reader->tokens);
    return rf_token_span(start, reader->tokens.past, reader->arena);
}

/* Behind AS. */
static void generated(struct reader *reader, struct rf_statement_column *column) {
    column->generated = parenthesis(reader);
    column->stored = is(reader, "STORED");
    if (!accept(reader, "STORED")) {
        accept(reader, "VIRTUAL");
    }
}

static void primary_key(struct reader *reader) {
    expect(reader, "KEY");
    if (!accept(reader, "ASC")) {
        accept(reader, "DESC");
    }
    conflict(reader);
    accept(reader, "AUTOINCREMENT");
}

/* One constraint of a column; false where none stands here. */
static bool column_constraint(struct reader *reader, struct rf_statement_column *column) {
    struct rf_statement_table *table = reader->table;
    if (accept(reader, "CONSTRAINT")) {
        reader->constraint = name(reader);
    } else if (accept(reader, "DEFAULT")) {
        column->default_text = default_text(reader);
    } else if (accept(reader, "NOT")) {
        if (accept(reader, "DEFERRABLE")) {
            deferrable(reader, false);
        } else {
            expect(reader, "NULL");
            conflict(reader);
        }
    } else if (accept(reader, "NULL") || accept(reader, "UNIQUE")) {
        conflict(reader);
    } else if (accept(reader, "PRIMARY")) {
        primary_key(reader);
    } else if (accept(reader, "CHECK")) {
        check(reader, (int32_t)table->column_count - 1);
    } else if (accept(reader, "REFERENCES")) {
        struct rf_statement_foreign_key key = {0};
        add_column_name(reader, &key, column->name);
        references(reader, &key);
    } else if (accept(reader, "DEFERRABLE")) {
        deferrable(reader, true);
    } else if (accept(reader, "COLLATE")) {
        rf_tokens_next(&reader->tokens);
    } else if (accept(reader, "GENERATED")) {
        expect(reader, "ALWAYS");
        expect(reader, "AS");
        generated(reader, column);
    } else if (accept(reader, "AS")) {
        generated(reader, column);
    } else {
        return false;
    }
    return !reader->refusal;
}

/* Any words, but for GENERATED ALWAYS, which is none of a type; then perhaps numbers. */
static void type(struct reader *reader) {
    while (rf_token_is_name(&reader->tokens.token)) {
        struct rf_token next = rf_tokens_peek(&reader->tokens);
        if (is(reader, "GENERATED") && rf_token_is(&next, "ALWAYS")) {
            return;
        }
        rf_tokens_next(&reader->tokens);
    }
    if (is(reader, "(")) {
        parenthesis(reader);
    }
}

static void column(struct reader *reader) {
    struct rf_statement_table *table = reader->table;
    struct rf_statement_column made = {.name = name(reader)};
    reader->constraint = NULL;
    table->columns = grown(reader, table->columns, table->column_count, sizeof *table->columns);
    if (reader->refusal) {
        return;
    }
    table->column_count++;
    type(reader);
    while (column_constraint(reader, &made)) {
    }
    table->columns[table->column_count - 1] = made;
}

static bool at_table_constraint(const struct reader *reader) {
    return is(reader, "CONSTRAINT") || is(reader, "PRIMARY") || is(reader, "UNIQUE") ||
           is(reader, "CHECK") || is(reader, "FOREIGN");
}

static void foreign_key(struct reader *reader) {
    struct rf_statement_foreign_key key = {0};
    expect(reader, "KEY");
    expect(reader, "(");
    do {
        add_column_name(reader, &key, name(reader));
    } while (accept(reader, ","));
    expect(reader, ")");
    expect(reader, "REFERENCES");
    references(reader, &key);
    if (accept(reader, "NOT")) {
        expect(reader, "DEFERRABLE");
        deferrable(reader, false);
    } else if (accept(reader, "DEFERRABLE")) {
        deferrable(reader, true);
    }
}

static void table_constraint(struct reader *reader) {
    if (accept(reader, "CONSTRAINT")) {
        reader->constraint = name(reader);
    } else if (accept(reader, "PRIMARY")) {
        expect(reader, "KEY");
        parenthesis(reader);
        conflict(reader);
    } else if (accept(reader, "UNIQUE")) {
        parenthesis(reader);
        conflict(reader);
    } else if (accept(reader, "CHECK")) {
        check(reader, -1);
        conflict(reader);
    } else if (accept(reader, "FOREIGN")) {
        foreign_key(reader);
    } else {
        misread(reader);
    }
}

static void qualified_name(struct reader *reader) {
    name(reader);
    if (accept(reader, ".")) {
        name(reader);
    }
}

static void if_not_exists(struct reader *reader) {
    struct rf_token next = rf_tokens_peek(&reader->tokens);
    if (is(reader, "IF") && rf_token_is(&next, "NOT")) {
        rf_tokens_next(&reader->tokens);
        rf_tokens_next(&reader->tokens);
        expect(reader, "EXISTS");
    }
}

const char *rf_statement_table(const char *sql, struct rf_arena *arena,
                               struct rf_statement_table *out) {
    *out = (struct rf_statement_table){0};
    struct reader reader = {.tokens = rf_tokens_of(sql), .arena = arena, .table = out};
    expect(&reader, "CREATE");
    if (!accept(&reader, "TEMP")) {
        accept(&reader, "TEMPORARY");
    }
    expect(&reader, "TABLE");
    if_not_exists(&reader);
    qualified_name(&reader);
    expect(&reader, "(");
    do {
        column(&reader);
    } while (accept(&reader, ",") && !at_table_constraint(&reader));
    while (at_table_constraint(&reader)) { /* the commas between them may be missing */
        table_constraint(&reader);
        if (accept(&reader, ",")) {
            reader.constraint = NULL;
        }
    }
    expect(&reader, ")");
    return reader.refusal;
}

/* One indexed column or expression, up to the comma or parenthesis that ends it. */
static void part(struct reader *reader) {
    struct rf_tokens *tokens = &reader->tokens;
    struct rf_statement_index *index = reader->index;
    const char *start = tokens->token.text;
    const char *before_last = start;
    struct rf_token last = tokens->token;
    uint32_t count = 0;
    for (uint64_t depth = 0; depth > 0 || (!is(reader, ",") && !is(reader, ")")); count++) {
        last = tokens->token;
        if (last.kind == RF_TOKEN_END || last.kind == RF_TOKEN_BAD) {
            misread(reader);
            return;
        }
        depth += rf_token_is(&last, "(") ? 1 : 0;
        depth -= rf_token_is(&last, ")") ? 1 : 0;
        before_last = tokens->past;
        rf_tokens_next(tokens);
    }
    bool descending = count > 1 && rf_token_is(&last, "DESC");
    bool ordered = descending || (count > 1 && rf_token_is(&last, "ASC"));
    index->parts = grown(reader, index->parts, index->part_count, sizeof *index->parts);
    if (count == 0 || reader->refusal) {
        misread(reader);
        return;
    }
    const char *end = ordered ? before_last : tokens->past;
    index->parts[index->part_count++] =
        (struct rf_statement_part){rf_token_span(start, end, reader->arena), descending};
}

const char *rf_statement_index(const char *sql, struct rf_arena *arena,
                               struct rf_statement_index *out) {
    *out = (struct rf_statement_index){0};
    struct reader reader = {.tokens = rf_tokens_of(sql), .arena = arena, .index = out};
    expect(&reader, "CREATE");
    accept(&reader, "UNIQUE");
    expect(&reader, "INDEX");
    if_not_exists(&reader);
    qualified_name(&reader);
    expect(&reader, "ON");
    name(&reader);
    expect(&reader, "(");
    do {
        part(&reader);
    } while (accept(&reader, ","));
    expect(&reader, ")");
    if (is(&reader, "WHERE")) {
        const char *start = reader.tokens.at;
        while (reader.tokens.token.kind != RF_TOKEN_END && !is(&reader, ";")) {
            rf_tokens_next(&reader.tokens);
        }
        out->predicate = rf_token_span(start, reader.tokens.past, arena);
    } else if (reader.tokens.token.kind != RF_TOKEN_END && !is(&reader, ";")) {
        misread(&reader);
    }
    return reader.refusal;
}
