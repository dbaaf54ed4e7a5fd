#include "replay/evolve.h"

#include <stdio.h>
#include <string.h>

#include "replay/quote.h"

/* ---- which column is which ---- */

static bool same_declared(const char *standing, const char *now) {
    /* The ledger has it sayable: bytes that are no UTF-8 are question marks there. */
    char text[256];
    if (strcmp(standing, now ? now : "") == 0) {
        return true;
    }
    if (!now || strlen(now) >= sizeof text) {
        return false;
    }
    strcpy(text, now);
    rf_make_sayable(text);
    return strcmp(standing, text) == 0;
}

static bool has_column(const struct rf_table *table, const char *name) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t standing_by_name(const struct rf_plan *standing, const char *name) {
    for (uint32_t i = 0; i < standing->column_count; i++) {
        if (strcmp(standing->columns[i].source, name) == 0) {
            return i;
        }
    }
    return RF_EVOLVE_NEW;
}

/* The column that stood at this place under a name that is gone. */
static uint32_t renamed_from(const struct rf_plan *standing, const struct rf_table *source,
                             uint32_t cell) {
    const struct rf_column *now = &source->columns[cell];
    for (uint32_t i = 0; i < standing->column_count; i++) {
        const struct rf_plan_column *was = &standing->columns[i];
        if (was->cell == cell && !has_column(source, was->source) &&
            same_declared(was->declared, now->declared) && was->key_part == now->key_part) {
            return i;
        }
    }
    return RF_EVOLVE_NEW;
}

void rf_evolve_match(const struct rf_plan *standing, const struct rf_table *source,
                     uint32_t *matches) {
    for (uint32_t i = 0; i < source->column_count; i++) {
        matches[i] = standing_by_name(standing, source->columns[i].name);
        if (matches[i] == RF_EVOLVE_NEW) {
            matches[i] = renamed_from(standing, source, i);
        }
    }
}

/* ---- statements ---- */

struct evolve {
    const struct rf_plan *from;
    const struct rf_plan *to;
    const uint32_t *matches;
    const char *schema;
    struct rf_buffer *sql;
    bool retypes; /* a column gets another type */
};

/* ALTER TABLE "schema"."table" */
static void alter(const struct evolve *evolve) {
    rf_buffer_printf(evolve->sql, "ALTER TABLE ");
    rf_quote_qualified(evolve->sql, evolve->schema, evolve->to->relation);
    rf_buffer_u8(evolve->sql, ' ');
}

static void alter_column(const struct evolve *evolve, const char *what, const char *name) {
    alter(evolve);
    rf_buffer_printf(evolve->sql, "%s ", what);
    rf_quote_name(evolve->sql, name);
}

static void end(const struct evolve *evolve) {
    rf_buffer_printf(evolve->sql, "; ");
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_type(const struct rf_plan_column *was, const struct rf_plan_column *now) {
    return strcmp(was->conversion->type, now->conversion->type) == 0;
}

/* A column becomes generated, or another one, only by being made anew; and the server refuses
 * another type to a column that a generated one is made of. */
static bool goes_on(const struct evolve *evolve, const struct rf_plan_column *was,
                    const struct rf_plan_column *now) {
    bool both = was->generated_sql && now->generated_sql;
    bool neither = !was->generated_sql && !now->generated_sql;
    return neither || (both && !evolve->retypes && same_type(was, now) &&
                       same_text(was->generated_sql, now->generated_sql));
}

static bool finds_other_type(const struct evolve *evolve) {
    for (uint32_t i = 0; i < evolve->to->column_count; i++) {
        uint32_t match = evolve->matches[i];
        if (match != RF_EVOLVE_NEW &&
            !same_type(&evolve->from->columns[match], &evolve->to->columns[i])) {
            return true;
        }
    }
    return false;
}

/* What column `i` of `to` was; NULL where it is to be added. */
static const struct rf_plan_column *before(const struct evolve *evolve, uint32_t i) {
    uint32_t match = evolve->matches[i];
    const struct rf_plan_column *was =
        match == RF_EVOLVE_NEW ? NULL : &evolve->from->columns[match];
    return was && goes_on(evolve, was, &evolve->to->columns[i]) ? was : NULL;
}

static bool stays(const struct evolve *evolve, const struct rf_plan_column *was) {
    for (uint32_t i = 0; i < evolve->to->column_count; i++) {
        if (before(evolve, i) == was) {
            return true;
        }
    }
    return false;
}

static void drop_columns(const struct evolve *evolve, bool generated) {
    for (uint32_t i = 0; i < evolve->from->column_count; i++) {
        const struct rf_plan_column *was = &evolve->from->columns[i];
        if (!was->generated_sql == !generated && !stays(evolve, was)) {
            alter_column(evolve, "DROP COLUMN", was->name);
            end(evolve);
        }
    }
}

/* Two columns may have changed names with each other: all that change go by names in between. */
static void rename_columns(const struct evolve *evolve) {
    char name[32];
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < evolve->to->column_count; i++) {
            const struct rf_plan_column *was = before(evolve, i), *now = &evolve->to->columns[i];
            if (!was || strcmp(was->name, now->name) == 0) {
                continue;
            }
            snprintf(name, sizeof name, "rowferry column %u", i);
            alter_column(evolve, "RENAME COLUMN", pass == 0 ? was->name : name);
            rf_buffer_printf(evolve->sql, " TO ");
            rf_quote_name(evolve->sql, pass == 0 ? name : now->name);
            end(evolve);
        }
    }
}

static void change_type(const struct evolve *evolve, const struct rf_plan_column *was,
                        const struct rf_plan_column *now) {
    if (same_type(was, now)) {
        return;
    }
    if (was->default_sql) {
        alter_column(evolve, "ALTER COLUMN", now->name);
        rf_buffer_printf(evolve->sql, " DROP DEFAULT");
        end(evolve);
    }
    alter_column(evolve, "ALTER COLUMN", now->name);
    rf_buffer_printf(evolve->sql, " TYPE %s USING NULL", now->conversion->type);
    end(evolve);
}

/* Identity goes first and comes last: it needs NOT NULL, and a type that counts. */
static void drop_identity(const struct evolve *evolve, const struct rf_plan_column *was,
                          const struct rf_plan_column *now) {
    if (was->identity && !now->identity) {
        alter_column(evolve, "ALTER COLUMN", now->name);
        rf_buffer_printf(evolve->sql, " DROP IDENTITY IF EXISTS");
        end(evolve);
    }
}

static void change_not_null(const struct evolve *evolve, const struct rf_plan_column *was,
                            const struct rf_plan_column *now) {
    if (was->not_null != now->not_null) {
        alter_column(evolve, "ALTER COLUMN", now->name);
        rf_buffer_printf(evolve->sql, " %s NOT NULL", now->not_null ? "SET" : "DROP");
        end(evolve);
    }
}

static void change_default(const struct evolve *evolve, const struct rf_plan_column *was,
                           const struct rf_plan_column *now) {
    bool same = same_type(was, now) || !now->default_sql;
    if (same && same_text(was->default_sql, now->default_sql)) {
        return;
    }
    alter_column(evolve, "ALTER COLUMN", now->name);
    if (now->default_sql) {
        rf_buffer_printf(evolve->sql, " SET DEFAULT %s", now->default_sql);
    } else {
        rf_buffer_printf(evolve->sql, " DROP DEFAULT");
    }
    end(evolve);
}

static void add_identity(const struct evolve *evolve, const struct rf_plan_column *was,
                         const struct rf_plan_column *now) {
    if (!was->identity && now->identity) {
        alter_column(evolve, "ALTER COLUMN", now->name);
        rf_buffer_printf(evolve->sql, " ADD GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME ");
        rf_quote_qualified(evolve->sql, evolve->schema, now->identity);
        rf_buffer_printf(evolve->sql, ")");
        end(evolve);
    }
}

static void change_columns(const struct evolve *evolve) {
    for (uint32_t i = 0; i < evolve->to->column_count; i++) {
        const struct rf_plan_column *was = before(evolve, i), *now = &evolve->to->columns[i];
        if (was) {
            drop_identity(evolve, was, now);
            change_type(evolve, was, now);
            change_not_null(evolve, was, now);
            change_default(evolve, was, now);
            add_identity(evolve, was, now);
        }
    }
}

static void add_columns(const struct evolve *evolve) {
    for (uint32_t i = 0; i < evolve->to->column_count; i++) {
        if (!before(evolve, i)) {
            alter(evolve);
            rf_buffer_printf(evolve->sql, "ADD COLUMN ");
            rf_plan_column_definition(&evolve->to->columns[i], evolve->schema, evolve->sql);
            end(evolve);
        }
    }
}

static void rename_table(const struct evolve *evolve) {
    if (strcmp(evolve->from->relation, evolve->to->relation) != 0) {
        rf_buffer_printf(evolve->sql, "ALTER TABLE ");
        rf_quote_qualified(evolve->sql, evolve->schema, evolve->from->relation);
        rf_buffer_printf(evolve->sql, " RENAME TO ");
        rf_quote_name(evolve->sql, evolve->to->relation);
        end(evolve);
    }
}

void rf_evolve_table(const struct rf_plan *from, const struct rf_plan *to, const uint32_t *matches,
                     const char *schema, struct rf_buffer *sql) {
    struct evolve evolve = {
        .from = from, .to = to, .matches = matches, .schema = schema, .sql = sql};
    evolve.retypes = finds_other_type(&evolve);
    rename_table(&evolve);
    drop_columns(&evolve, true); /* before what they are made of */
    drop_columns(&evolve, false);
    rename_columns(&evolve);
    change_columns(&evolve);
    add_columns(&evolve);
}
