#include "replay/foreign_key_list.h"

#include <string.h>
#include <strings.h>

#include "replay/expression_statement.h"
#include "replay/quote.h"

struct lister {
    const struct rf_foreign_keys *keys;
    const struct rf_manifest_table *child;
    const struct rf_plan *plan;
    const struct rf_ledger_tables *tables;
    struct rf_statement_table statement;
};

/* SQLite finds tables and columns without regard to case. */
static const struct rf_manifest_table *find_parent(const struct lister *lister, const char *name) {
    const struct rf_manifest *manifest = lister->keys->manifest;
    const struct rf_manifest_table *exact = rf_manifest_find(manifest, name);
    for (uint32_t i = 0; !exact && i < manifest->table_count; i++) {
        if (strcasecmp(manifest->tables[i].table.name, name) == 0) {
            exact = &manifest->tables[i];
        }
    }
    return exact;
}

static const struct rf_plan_column *find_column(const struct rf_plan *plan, const char *name) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (strcasecmp(plan->columns[i].source, name) == 0) {
            return &plan->columns[i];
        }
    }
    return NULL;
}

/* ---- whether it can be ---- */

static bool refers_to(const struct rf_foreign_key_wish *wish, const struct rf_plan_column *column) {
    for (uint32_t i = 0; i < wish->count; i++) {
        if (wish->pairs[i].to == column) {
            return true;
        }
    }
    return false;
}

static bool is_unique_over(const struct rf_foreign_key_wish *wish,
                           const struct rf_plan_index *index) {
    if (!index->stands || index->kind == RF_PLAN_INDEX || index->predicate || index->expressions ||
        index->column_count != wish->count) {
        return false;
    }
    for (uint32_t i = 0; i < index->column_count; i++) {
        if (!refers_to(wish, &wish->parent->columns[index->columns[i]])) {
            return false;
        }
    }
    return true;
}

static bool has_unique_index(const struct rf_foreign_key_wish *wish) {
    for (uint32_t i = 0; i < wish->parent->index_count; i++) {
        if (is_unique_over(wish, &wish->parent->indexes[i])) {
            return true;
        }
    }
    return false;
}

static bool is_among(const char *type, const char *const *words) {
    for (; *words; words++) {
        size_t size = strlen(*words);
        if (strncmp(type, *words, size) == 0 && (type[size] == 0 || type[size] == '(')) {
            return true;
        }
    }
    return false;
}

/* Equal values of the two are equal to the server. */
static bool types_agree(const char *a, const char *b) {
    static const char *const numbers[] = {"bigint",           "integer", "smallint", "numeric",
                                          "double precision", "real",    NULL};
    static const char *const texts[] = {"text", "varchar", NULL};
    return strcmp(a, b) == 0 || (is_among(a, numbers) && is_among(b, numbers)) ||
           (is_among(a, texts) && is_among(b, texts));
}

static const char *find_pair(struct lister *lister, const struct rf_foreign_key *key, uint32_t part,
                             const struct rf_manifest_table *parent,
                             struct rf_foreign_key_wish *wish) {
    struct rf_arena *arena = lister->keys->arena;
    const struct rf_table *table = &parent->table;
    const char *to = key->to[part];
    if (!to) {
        if (table->key_count != key->part_count) {
            return rf_arena_printf(arena, "the primary key of table %s has %u columns, not %u",
                                   table->name, table->key_count, key->part_count);
        }
        to = table->columns[table->key[part]].name;
    }
    struct rf_foreign_key_pair *pair = &wish->pairs[part];
    pair->from = find_column(lister->plan, key->from[part]);
    pair->to = find_column(wish->parent, to);
    if (!pair->from || !pair->to) {
        return rf_arena_printf(arena, "column %s is not carried over",
                               pair->from ? to : key->from[part]);
    }
    const char *type = pair->from->conversion->type, *type_to = pair->to->conversion->type;
    return types_agree(type, type_to)
               ? NULL
               : rf_arena_printf(arena, "column %s is of type %s in the target, %s of type %s",
                                 key->from[part], type, to, type_to);
}

/* NULL: it can. */
static const char *refusal_of(struct lister *lister, const struct rf_foreign_key *key,
                              struct rf_foreign_key_wish *wish) {
    struct rf_arena *arena = lister->keys->arena;
    const struct rf_manifest_table *parent = find_parent(lister, key->parent);
    if (!parent) {
        return rf_arena_printf(arena, "there is no table %s", key->parent);
    }
    wish->constraint.parent = parent->table.name;
    const struct rf_ledger_table *standing =
        rf_ledger_find_table(lister->tables, parent->table.name);
    if (!standing) {
        return rf_arena_printf(arena, "table %s is not in the target", parent->table.name);
    }
    if (!standing->plan.owned) {
        return rf_arena_printf(arena, "table %s in the target is the application's own",
                               parent->table.name);
    }
    wish->parent = &standing->plan;
    const char *refusal = NULL;
    for (uint32_t i = 0; !refusal && !arena->failed && i < key->part_count; i++) {
        refusal = find_pair(lister, key, i, parent, wish);
    }
    if (!refusal && !arena->failed && !has_unique_index(wish)) {
        refusal = rf_arena_printf(arena,
                                  "no primary key or unique index of table %s in the target is "
                                  "about the columns that it refers to",
                                  parent->table.name);
    }
    return refusal;
}

/* ---- as SQL ---- */

static void put_names(const struct rf_foreign_key_wish *wish, bool to, struct rf_buffer *sql) {
    for (uint32_t i = 0; i < wish->count; i++) {
        rf_buffer_printf(sql, "%s", i == 0 ? "(" : ", ");
        rf_quote_name(sql, to ? wish->pairs[i].to->name : wish->pairs[i].from->name);
    }
    rf_buffer_printf(sql, ")");
}

static const char *const actions[] = {"CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT"};

/* NO ACTION is what happens anyway. */
static void put_action(const char *event, const char *action, struct rf_buffer *sql) {
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcasecmp(action, actions[i]) == 0) {
            rf_buffer_printf(sql, " ON %s %s", event, actions[i]);
        }
    }
}

static void put_definition(const struct lister *lister, const struct rf_foreign_key *key,
                           const struct rf_statement_foreign_key *written,
                           const struct rf_foreign_key_wish *wish, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "FOREIGN KEY ");
    put_names(wish, false, sql);
    rf_buffer_printf(sql, " REFERENCES ");
    rf_quote_qualified(sql, lister->keys->target->schema, wish->parent->relation);
    rf_buffer_printf(sql, " ");
    put_names(wish, true, sql);
    put_action("UPDATE", key->on_update, sql);
    put_action("DELETE", key->on_delete, sql);
    if (written && written->deferrable) {
        rf_buffer_printf(sql, " DEFERRABLE%s",
                         written->initially_deferred ? " INITIALLY DEFERRED" : "");
    }
}

/* What it is in SQLite, where it cannot be carried over. */
static void put_original(const struct rf_foreign_key *key, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "FOREIGN KEY ");
    for (uint32_t i = 0; i < key->part_count; i++) {
        rf_buffer_printf(sql, "%s", i == 0 ? "(" : ", ");
        rf_quote_name(sql, key->from[i]);
    }
    rf_buffer_printf(sql, ") REFERENCES ");
    rf_quote_name(sql, key->parent);
    put_action("UPDATE", key->on_update, sql);
    put_action("DELETE", key->on_delete, sql);
}

static const char *text_of(struct lister *lister, struct rf_buffer *text) {
    struct rf_arena *arena = lister->keys->arena;
    rf_buffer_u8(text, 0);
    arena->failed = arena->failed || text->failed;
    const char *copy = text->failed ? NULL : rf_sayable(arena, (const char *)text->bytes);
    rf_buffer_release(text);
    return copy;
}

/* "orders_customer_fkey", the way Postgres would call it itself. */
static const char *wanted_name(struct lister *lister, const struct rf_foreign_key *key,
                               const struct rf_statement_foreign_key *written) {
    if (written && written->name) {
        return rf_sayable(lister->keys->arena, written->name);
    }
    struct rf_buffer name = {0};
    rf_buffer_printf(&name, "%s", lister->plan->relation);
    for (uint32_t i = 0; i < key->part_count; i++) {
        rf_buffer_printf(&name, "_%s", key->from[i]);
    }
    rf_buffer_printf(&name, "_fkey");
    return text_of(lister, &name);
}

/* Both list them in the order of the statement; the pragma does not tell all of it. */
static const struct rf_statement_foreign_key *written_as(const struct lister *lister,
                                                         uint32_t number) {
    const struct rf_table *table = &lister->child->table;
    if (lister->statement.foreign_key_count != table->foreign_key_count) {
        return NULL;
    }
    const struct rf_statement_foreign_key *written = &lister->statement.foreign_keys[number];
    return strcasecmp(written->parent, table->foreign_keys[number].parent) == 0 ? written : NULL;
}

static void list_one(struct lister *lister, uint32_t number, struct rf_foreign_key_wish *wish) {
    struct rf_arena *arena = lister->keys->arena;
    const struct rf_foreign_key *key = &lister->child->table.foreign_keys[number];
    const struct rf_statement_foreign_key *written = written_as(lister, number);
    *wish = (struct rf_foreign_key_wish){
        .count = key->part_count,
        .pairs = rf_arena_take(arena, key->part_count, sizeof *wish->pairs),
        .constraint = {.kind = RF_PLAN_FOREIGN_KEY,
                       .parent = rf_sayable(arena, key->parent),
                       .wanted = wanted_name(lister, key, written)},
    };
    if (arena->failed) {
        return;
    }
    struct rf_plan_constraint *constraint = &wish->constraint;
    const char *refusal = refusal_of(lister, key, wish);
    constraint->refusal = refusal ? rf_sayable(arena, refusal) : NULL;
    struct rf_buffer sql = {0};
    if (refusal) {
        put_original(key, &sql);
    } else if (!arena->failed) {
        put_definition(lister, key, written, wish, &sql);
    }
    constraint->definition = text_of(lister, &sql);
}

enum rf_code rf_foreign_key_list(const struct rf_foreign_keys *keys,
                                 const struct rf_manifest_table *child, const struct rf_plan *plan,
                                 const struct rf_ledger_tables *tables, uint32_t *count,
                                 struct rf_foreign_key_wish **wishes, struct rf_error *error) {
    const struct rf_table *table = &child->table;
    struct lister lister = {.keys = keys, .child = child, .plan = plan, .tables = tables};
    *count = keys->run->options->rules->no_foreign_keys ? 0 : table->foreign_key_count;
    *wishes = rf_arena_take(keys->arena, *count, sizeof **wishes);
    if (*count > 0 && table->sql &&
        rf_statement_table(table->sql, keys->arena, &lister.statement) != NULL) {
        lister.statement.foreign_key_count = 0;
    }
    for (uint32_t i = 0; !keys->arena->failed && i < *count; i++) {
        list_one(&lister, i, &(*wishes)[i]);
    }
    return rf_arena_check(keys->arena, error);
}
