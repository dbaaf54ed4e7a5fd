/* Sequences are measured and moved on many at a time: one statement asks for everything that so many
 * of them have to pass, and a second one moves those that are not that far. */
#include "replay/sequence.h"

#include <inttypes.h>
#include <string.h>

#include "replay/guard.h"
#include "replay/quote.h"
#include "replay/result.h"
#include "replay/sequence_find.h"
#include "replay/user_sql.h"

#define PIECE_BYTES (32u << 10) /* of SQL: some hundred sequences are one round trip */
#define SAVEPOINT "rowferry_sequence"

struct advancing {
    struct rf_run *run;
    struct rf_pg *pg;
    const struct rf_target *target;
    bool tells; /* of sequences that stay where they are */
    struct rf_sequence_list list;
    uint32_t first, count; /* of the list: the piece under way */
    bool asks_user;        /* queries of the user's are in it */
    struct rf_buffer sql;
    struct rf_replay_result *result;
};

/* ---- what it has to pass ---- */

/* A number of the sequence's columns, or of the queries that rules have for it, is known by its
 * place: columns first. */
#define STATE (-1)

static const char *next_query(const struct advancing *advancing,
                              const struct rf_sequence_entry *entry, uint32_t place,
                              const struct rf_sequence_rule **rule) {
    const struct rf_rules *rules = advancing->run->options->rules;
    uint32_t at = entry->column_count;
    for (uint32_t i = 0; entry->ruled && i < rules->sequence_count; i++) {
        *rule = &rules->sequences[i];
        if (strcmp((*rule)->name, entry->name) != 0) {
            continue;
        }
        for (const char *const *query = (*rule)->queries; *query; query++) {
            if (at++ == place) {
                return *query;
            }
        }
    }
    return NULL;
}

static void put_branch(struct advancing *advancing, uint32_t number, int64_t place) {
    rf_buffer_printf(&advancing->sql, "%sSELECT %u, %" PRId64 ", ",
                     advancing->sql.size > 0 ? "\nUNION ALL " : "", number, place);
}

static void put_column(struct advancing *advancing, const struct rf_sequence_entry *entry,
                       const struct rf_sequence_column *column) {
    bool down = entry->state.increment < 0;
    struct rf_buffer *sql = &advancing->sql;
    rf_buffer_printf(sql, "(SELECT %s(", down ? "floor(min" : "ceil(max");
    rf_quote_name(sql, column->column);
    rf_buffer_printf(sql, ")::numeric) FROM ONLY ");
    rf_quote_qualified(sql, column->schema, column->table);
    rf_buffer_printf(sql, ")::text, NULL::bool");
}

static void put_entry(struct advancing *advancing, uint32_t number) {
    const struct rf_sequence_entry *entry = &advancing->list.entries[number];
    const struct rf_sequence_rule *rule;
    const char *query;
    for (uint32_t i = 0; i < entry->column_count; i++) {
        put_branch(advancing, number, i);
        put_column(advancing, entry, &entry->columns[i]);
    }
    for (uint32_t i = entry->column_count; (query = next_query(advancing, entry, i, &rule)) != NULL;
         i++) {
        put_branch(advancing, number, i);
        rf_user_sql_put_query(query, &advancing->sql);
        rf_buffer_printf(&advancing->sql, "::text, NULL::bool");
        advancing->asks_user = true;
    }
}

/* Where the sequences of the piece stand: one branch for all, which the server plans at once. One that
 * gave nothing out yet is asked by itself, should it come to that. */
static void put_states(struct advancing *advancing) {
    struct rf_buffer *sql = &advancing->sql;
    rf_buffer_printf(sql,
                     "SELECT n, %d, pg_sequence_last_value(s::regclass)::text, true FROM "
                     "unnest('{",
                     STATE);
    for (uint32_t half = 0; half < 2; half++) {
        const char *separator = "";
        for (uint32_t i = 0; i < advancing->count; i++) {
            uint32_t number = advancing->first + i;
            const struct rf_sequence_entry *entry = &advancing->list.entries[number];
            if (entry->may_set) {
                rf_buffer_printf(sql, "%s%" PRIu64, separator, half == 0 ? number : entry->oid);
                separator = ",";
            }
        }
        rf_buffer_printf(sql, half == 0 ? "}'::int[], '{" : "}'::oid[]) AS e (n, s)");
    }
}

static void tell_not_allowed(const struct advancing *advancing,
                             const struct rf_sequence_entry *entry) {
    if (advancing->tells) {
        rf_run_warn(advancing->run,
                    "sequence %s.%s is not set: this role may not (GRANT SELECT, UPDATE ON "
                    "SEQUENCE)",
                    entry->schema, entry->name);
    }
}

/* Puts the next sequences into the piece, as many as make one statement. */
static void fill_piece(struct advancing *advancing) {
    advancing->first += advancing->count;
    advancing->count = 0;
    advancing->asks_user = false;
    rf_buffer_clear(&advancing->sql);
    while (advancing->first + advancing->count < advancing->list.count &&
           advancing->sql.size < PIECE_BYTES) {
        uint32_t number = advancing->first + advancing->count++;
        const struct rf_sequence_entry *entry = &advancing->list.entries[number];
        if (entry->may_set) {
            put_entry(advancing, number);
        } else {
            tell_not_allowed(advancing, entry);
        }
    }
    if (advancing->sql.size > 0) {
        rf_buffer_printf(&advancing->sql, "\nUNION ALL ");
        put_states(advancing);
    }
}

/* ---- the answers ---- */

static enum rf_code fail_query(const struct rf_sequence_entry *entry,
                               const struct rf_sequence_rule *rule, const char *query,
                               struct rf_error *error) {
    rf_while(error, "while asking what sequence %s has to pass%s%s: %.120s", entry->name,
             rule->place ? ", " : "", rule->place ? rule->place : "", query);
    return error->code;
}

static enum rf_code take_query(const struct advancing *advancing, struct rf_sequence_entry *entry,
                               uint32_t place, const char *answer, struct rf_error *error) {
    const struct rf_sequence_rule *rule = NULL;
    const char *query = next_query(advancing, entry, place, &rule);
    int64_t number;
    if (rf_sequence_read(answer, &number) == RF_SEQUENCE_NUMBER) {
        rf_sequence_pass(entry, number);
        return RF_OK;
    }
    rf_fail(error, RF_FAILED, "a query for sequence %s answers \"%.60s\", which is no bigint",
            entry->name, answer);
    return fail_query(entry, rule, query ? query : "", error);
}

/* What is beyond all bigints stands in the way only of a sequence that counts towards it. */
static void take_column(struct rf_sequence_entry *entry, const char *answer) {
    int64_t number;
    bool down = entry->state.increment < 0;
    switch (rf_sequence_read(answer, &number)) {
    case RF_SEQUENCE_NUMBER:
        rf_sequence_pass(entry, number);
        break;
    case RF_SEQUENCE_TOO_LARGE:
        entry->beyond = entry->beyond || !down;
        break;
    case RF_SEQUENCE_TOO_SMALL:
        entry->beyond = entry->beyond || down;
        break;
    case RF_SEQUENCE_NO_NUMBER:
        entry->beyond = true;
        break;
    }
}

static enum rf_code take_answers(struct advancing *advancing, const struct rf_pg_rows *rows,
                                 struct rf_error *error) {
    enum { NUMBER, PLACE, ANSWER, CALLED };
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < rf_pg_rows_count(rows); i++) {
        struct rf_sequence_entry *entry =
            &advancing->list.entries[rf_pg_rows_number(rows, i, NUMBER)];
        const char *place = rf_pg_rows_text(rows, i, PLACE);
        const char *answer = rf_pg_rows_text(rows, i, ANSWER);
        uint64_t at = rf_pg_rows_number(rows, i, PLACE);
        if (!answer) {
            continue;
        }
        if (*place == '-') {
            (void)rf_sequence_read(answer, &entry->state.last);
            entry->state.called = rf_pg_rows_truth(rows, i, CALLED);
            entry->measured = true;
        } else if (at < entry->column_count) {
            take_column(entry, answer);
        } else {
            code = take_query(advancing, entry, (uint32_t)at, answer, error);
        }
    }
    return code;
}

/* Something in the statement failed: which query of the user's it was shows when each is asked by
 * itself. */
static enum rf_code find_culprit(struct advancing *advancing, struct rf_error *error) {
    const struct rf_sequence_rule *rule;
    const char *query;
    for (uint32_t i = 0; i < advancing->count; i++) {
        const struct rf_sequence_entry *entry = &advancing->list.entries[advancing->first + i];
        for (uint32_t at = entry->column_count;
             (query = next_query(advancing, entry, at, &rule)) != NULL; at++) {
            struct rf_pg_rows *rows = NULL;
            struct rf_error trouble;
            rf_error_clear(&trouble);
            rf_buffer_clear(&advancing->sql);
            rf_buffer_printf(&advancing->sql, "SELECT ");
            rf_user_sql_put_query(query, &advancing->sql);
            rf_buffer_u8(&advancing->sql, 0);
            enum rf_code code = rf_buffer_check(&advancing->sql, &trouble);
            if (code == RF_OK) {
                code = rf_pg_ask(advancing->pg, (const char *)advancing->sql.bytes, NULL, &rows,
                                 &trouble);
            }
            rf_pg_rows_free(rows);
            if (code != RF_OK) {
                *error = trouble;
                return fail_query(entry, rule, query, error);
            }
        }
    }
    return error->code;
}

/* In a transaction a statement that fails would fail everything: what went wrong could not be looked
 * for. */
static enum rf_code ask_piece(struct advancing *advancing, struct rf_pg_rows **rows,
                              struct rf_error *error) {
    struct rf_pg *pg = advancing->pg;
    bool saved = advancing->asks_user && rf_pg_in_transaction(pg);
    rf_buffer_u8(&advancing->sql, 0);
    enum rf_code code = rf_buffer_check(&advancing->sql, error);
    if (code == RF_OK && saved) {
        code = rf_pg_do(pg, "SAVEPOINT " SAVEPOINT, NULL, error);
    }
    if (code != RF_OK) {
        return code;
    }
    code = rf_pg_ask(pg, (const char *)advancing->sql.bytes, NULL, rows, error);
    if (code == RF_OK) {
        return saved ? rf_pg_do(pg, "RELEASE SAVEPOINT " SAVEPOINT, NULL, error) : RF_OK;
    }
    if (!advancing->asks_user || rf_pg_broken(pg)) {
        return code;
    }
    struct rf_error ignored;
    if (saved && rf_pg_do(pg, "ROLLBACK TO SAVEPOINT " SAVEPOINT, NULL, &ignored) != RF_OK) {
        return code;
    }
    return find_culprit(advancing, error);
}

/* Those that gave nothing out yet, and have something to pass. */
static void put_rest(struct advancing *advancing) {
    rf_buffer_clear(&advancing->sql);
    advancing->asks_user = false;
    for (uint32_t i = 0; i < advancing->count; i++) {
        const struct rf_sequence_entry *entry = &advancing->list.entries[advancing->first + i];
        if (entry->may_set && entry->reached && !entry->measured) {
            put_branch(advancing, advancing->first + i, STATE);
            rf_buffer_printf(&advancing->sql, "last_value::text, is_called FROM ");
            rf_quote_qualified(&advancing->sql, entry->schema, entry->name);
        }
    }
}

static enum rf_code ask_and_take(struct advancing *advancing, struct rf_error *error) {
    if (advancing->sql.size == 0) {
        return RF_OK;
    }
    struct rf_pg_rows *rows = NULL;
    enum rf_code code = ask_piece(advancing, &rows, error);
    if (code == RF_OK) {
        code = take_answers(advancing, rows, error);
    }
    rf_pg_rows_free(rows);
    return code;
}

static enum rf_code measure_piece(struct advancing *advancing, struct rf_error *error) {
    enum rf_code code = ask_and_take(advancing, error);
    put_rest(advancing);
    return code == RF_OK ? ask_and_take(advancing, error) : code;
}

/* ---- moving on ---- */

static void tell_beyond(const struct advancing *advancing, const struct rf_sequence_entry *entry) {
    if (advancing->tells) {
        rf_run_warn(advancing->run,
                    "sequence %s.%s ends before the number that it has to pass, and is left as it "
                    "is",
                    entry->schema, entry->name);
    }
}

/* Whoever uses the sequence meanwhile is not set back. */
static void put_move(struct advancing *advancing, uint32_t number, int64_t value) {
    const struct rf_sequence_entry *entry = &advancing->list.entries[number];
    struct rf_buffer *sql = &advancing->sql;
    rf_buffer_printf(sql,
                     "%sSELECT %u, setval(%" PRIu64 "::oid::regclass, '%" PRId64 "'::bigint) FROM ",
                     sql->size > 0 ? "\nUNION ALL " : "", number, entry->oid, value);
    rf_quote_qualified(sql, entry->schema, entry->name);
    rf_buffer_printf(sql,
                     " AS s WHERE s.last_value %c '%" PRId64
                     "'::bigint OR (s.last_value = '%" PRId64 "'::bigint AND NOT s.is_called)",
                     entry->state.increment < 0 ? '>' : '<', value, value);
}

static void put_moves(struct advancing *advancing) {
    rf_buffer_clear(&advancing->sql);
    for (uint32_t i = 0; i < advancing->count; i++) {
        const struct rf_sequence_entry *entry = &advancing->list.entries[advancing->first + i];
        int64_t value;
        if (!entry->may_set || (!entry->reached && !entry->beyond)) {
            continue;
        }
        enum rf_sequence_reach reach =
            entry->beyond ? RF_SEQUENCE_BEYOND
                          : rf_sequence_reach(&entry->state, entry->passed, &value);
        if (reach == RF_SEQUENCE_BEYOND) {
            tell_beyond(advancing, entry);
        } else if (reach == RF_SEQUENCE_MOVE) {
            put_move(advancing, advancing->first + i, value);
        }
    }
}

static enum rf_code take_moved(struct advancing *advancing, const struct rf_pg_rows *rows,
                               struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < rf_pg_rows_count(rows); i++) {
        const struct rf_sequence_entry *entry =
            &advancing->list.entries[rf_pg_rows_number(rows, i, 0)];
        int64_t value;
        (void)rf_sequence_read(rf_pg_rows_text(rows, i, 1), &value);
        struct rf_buffer name = {0};
        if (!entry->here) {
            rf_buffer_printf(&name, "%s.", entry->schema);
        }
        rf_buffer_append(&name, entry->name, strlen(entry->name) + 1);
        code = rf_buffer_check(&name, error);
        if (code == RF_OK) {
            code =
                rf_result_add_sequence(advancing->result, (const char *)name.bytes, value, error);
        }
        rf_buffer_release(&name);
    }
    return code;
}

static enum rf_code move_piece(struct advancing *advancing, struct rf_error *error) {
    put_moves(advancing);
    if (advancing->sql.size == 0) {
        return RF_OK;
    }
    struct rf_pg_rows *rows = NULL;
    bool alone = !rf_pg_in_transaction(advancing->pg);
    rf_buffer_u8(&advancing->sql, 0);
    enum rf_code code = rf_buffer_check(&advancing->sql, error);
    if (code == RF_OK && alone) {
        code = rf_guard_begin(advancing->pg, advancing->target, error);
    }
    if (code == RF_OK) {
        code = rf_pg_ask(advancing->pg, (const char *)advancing->sql.bytes, NULL, &rows, error);
    }
    if (code == RF_OK) {
        code = take_moved(advancing, rows, error);
    }
    rf_pg_rows_free(rows);
    if (code == RF_OK && alone) {
        code = rf_pg_commit(advancing->pg, error);
    }
    if (code != RF_OK && alone) {
        rf_pg_rollback(advancing->pg);
    }
    return code;
}

/* ---- all of them ---- */

static bool has_rules(const struct advancing *advancing) {
    return advancing->run->options->rules->sequence_count > 0;
}

static enum rf_code go_through(struct advancing *advancing, struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (has_rules(advancing)) {
        code = rf_user_sql_begin(advancing->pg, advancing->target->schema, error);
    }
    while (code == RF_OK && advancing->first + advancing->count < advancing->list.count) {
        fill_piece(advancing);
        code = measure_piece(advancing, error);
        if (code == RF_OK && advancing->result) {
            code = move_piece(advancing, error);
        }
    }
    return code == RF_OK && has_rules(advancing) ? rf_user_sql_end(advancing->pg, error) : code;
}

static enum rf_code advance(struct advancing *advancing, const struct rf_manifest *manifest,
                            struct rf_error *error) {
    enum rf_code code = rf_sequence_find(advancing->run, advancing->pg, advancing->target, manifest,
                                         &advancing->list, error);
    if (code == RF_OK) {
        code = go_through(advancing, error);
    }
    rf_sequence_list_release(&advancing->list);
    rf_buffer_release(&advancing->sql);
    return code;
}

enum rf_code rf_sequences_advance(struct rf_run *run, struct rf_pg *pg,
                                  const struct rf_target *target,
                                  const struct rf_manifest *manifest, bool tells,
                                  struct rf_replay_result *result, struct rf_error *error) {
    struct advancing advancing = {
        .run = run, .pg = pg, .target = target, .tells = tells, .result = result};
    enum rf_code code = advance(&advancing, manifest, error);
    if (code != RF_OK) {
        rf_while(error, "while moving sequences on");
    }
    return code;
}

enum rf_code rf_sequences_check(struct rf_run *run, struct rf_pg *pg,
                                const struct rf_target *target, struct rf_error *error) {
    struct advancing advancing = {.run = run, .pg = pg, .target = target};
    if (!has_rules(&advancing)) {
        return RF_OK;
    }
    enum rf_code code = rf_pg_do(pg, "BEGIN READ ONLY", NULL, error);
    if (code == RF_OK) {
        code = advance(&advancing, NULL, error);
    }
    rf_pg_rollback(pg);
    return code;
}
