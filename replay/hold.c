#include "replay/hold.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/guard.h"
#include "replay/quote.h"
#include "replay/server_error.h"
#include "replay/sql.h"

/* ---- which tables ---- */

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void rf_hold_sort(struct rf_hold *hold) {
    if (hold->count > 0) {
        qsort(hold->tables, hold->count, sizeof *hold->tables, compare_names);
    }
}

static bool holds(const struct rf_hold *hold, const char *schema, const char *table) {
    return hold->count > 0 && strcmp(schema, hold->catalog->schema) == 0 &&
           bsearch(&table, hold->tables, hold->count, sizeof *hold->tables, compare_names);
}

static bool touches(const struct rf_hold *hold, const struct rf_catalog_foreign_key *key) {
    return holds(hold, key->schema, key->table) || holds(hold, key->to_schema, key->to_table);
}

/* ---- how ---- */

enum way { WAY_DROP, WAY_REPLICA, WAY_DEFER, WAY_NONE };

static enum way way_of(const struct rf_hold *hold, const struct rf_catalog_foreign_key *key) {
    bool drop = key->owned && key->may_refer, replica = hold->catalog->may_be_replica;
    if (hold->first_load ? drop : drop && !replica) {
        return WAY_DROP;
    }
    if (replica) {
        return WAY_REPLICA;
    }
    bool acts = key->on_delete != 'a' || key->on_update != 'a';
    return key->deferrable && !acts && !hold->across ? WAY_DEFER : WAY_NONE;
}

/* Whether it would fire unless it is disabled. */
static bool fires(const struct rf_hold *hold, const struct rf_catalog_reflex *reflex) {
    return reflex->enabled == 'A' || reflex->enabled == (hold->catalog->may_be_replica ? 'R' : 'O');
}

#define WHAT_TO_GRANT "GRANT SET ON PARAMETER session_replication_role TO \"%s\""

/* Nobody would notice what it does not allow. */
static void check_deferrable(const struct rf_hold *hold, const struct rf_catalog_table *table,
                             struct rf_troubles *troubles) {
    for (uint32_t i = 0; hold->catalog->may_be_replica && i < table->index_count; i++) {
        const struct rf_catalog_index *index = &table->indexes[i];
        if (index->deferrable && !index->duplicates) {
            rf_trouble(troubles,
                       "table \"%s\": exclusion constraint \"%s\" is deferrable, and would not be "
                       "checked (drop it, or make it one that is not)",
                       table->name, index->constraint);
        }
    }
}

void rf_hold_check(const struct rf_hold *hold, struct rf_troubles *troubles) {
    const struct rf_catalog *catalog = hold->catalog;
    for (uint32_t i = 0; i < hold->count; i++) {
        const struct rf_catalog_table *table = rf_catalog_find(catalog, hold->tables[i]);
        if (table) {
            check_deferrable(hold, table, troubles);
        }
        for (uint32_t at = 0; table && !table->owned && at < table->reflex_count; at++) {
            const struct rf_catalog_reflex *reflex = &table->reflexes[at];
            if (fires(hold, reflex)) {
                rf_trouble(troubles,
                           "table \"%s\": %s \"%s\" would fire, and role \"%s\" may not hold it "
                           "off (" WHAT_TO_GRANT ", or GRANT \"%s\" TO \"%s\")",
                           table->name, reflex->rule ? "rule" : "trigger", reflex->name,
                           catalog->role, catalog->role, table->owner, catalog->role);
            }
        }
    }
    for (uint32_t i = 0; i < catalog->foreign_key_count; i++) {
        const struct rf_catalog_foreign_key *key = &catalog->foreign_keys[i];
        if (touches(hold, key) && way_of(hold, key) == WAY_NONE) {
            rf_trouble(troubles,
                       "table \"%s\": role \"%s\" may not hold its foreign key \"%s\" off "
                       "(" WHAT_TO_GRANT ", or GRANT \"%s\" TO \"%s\"%s)",
                       key->table, catalog->role, key->name, catalog->role, key->owner,
                       catalog->role,
                       key->deferrable && hold->across ? ", or load with --atomic" : "");
        }
    }
}

/* ---- off ---- */

static enum rf_code note(const struct rf_hold *hold, const struct rf_put_aside *aside,
                         struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, hold->target->source);
    rf_pg_text(&args, hold->target->schema);
    rf_pg_text(&args, aside->relation);
    rf_pg_text(&args, aside->kind);
    rf_pg_text(&args, aside->name);
    rf_pg_text(&args, aside->definition);
    return rf_pg_do_args(hold->pg, rf_sql_put_aside_add, &args, NULL, error);
}

/* Both statements end in a NUL. */
static enum rf_code put_aside(const struct rf_hold *hold, const char *relation, const char *kind,
                              const char *name, struct rf_buffer *drop, struct rf_buffer *back,
                              struct rf_error *error) {
    rf_buffer_u8(back, 0);
    enum rf_code code = rf_buffer_check(back, error);
    if (code == RF_OK) {
        const struct rf_put_aside aside = {.relation = relation,
                                           .kind = kind,
                                           .name = name,
                                           .definition = (const char *)back->bytes};
        code = note(hold, &aside, error);
    }
    if (code == RF_OK) {
        code = rf_pg_do_buffer(hold->pg, drop, NULL, error);
    }
    rf_buffer_release(drop);
    rf_buffer_release(back);
    if (code != RF_OK) {
        rf_while(error, "while putting %s %s of table %s aside", kind, name, relation);
    }
    return code;
}

static void alter(struct rf_buffer *sql, const char *schema, const char *table) {
    rf_buffer_printf(sql, "ALTER TABLE ");
    rf_quote_qualified(sql, schema, table);
}

static void add_constraint(struct rf_buffer *sql, const char *schema, const char *table,
                           const char *name, const char *definition) {
    alter(sql, schema, table);
    rf_buffer_printf(sql, " ADD CONSTRAINT ");
    rf_quote_name(sql, name);
    rf_buffer_printf(sql, " %s", definition);
}

static void drop_constraint(struct rf_buffer *sql, const char *schema, const char *table,
                            const char *name) {
    alter(sql, schema, table);
    rf_buffer_printf(sql, " DROP CONSTRAINT ");
    rf_quote_name(sql, name);
}

static enum rf_code drop_foreign_key(const struct rf_hold *hold,
                                     const struct rf_catalog_foreign_key *key,
                                     struct rf_error *error) {
    struct rf_buffer drop = {0}, back = {0}, relation = {0};
    drop_constraint(&drop, key->schema, key->table, key->name);
    add_constraint(&back, key->schema, key->table, key->name, key->definition);
    rf_quote_qualified(&relation, key->schema, key->table);
    rf_buffer_u8(&relation, 0);
    enum rf_code code = rf_buffer_check(&relation, error);
    if (code == RF_OK) {
        code = put_aside(hold, (const char *)relation.bytes, "foreign key", key->name, &drop, &back,
                         error);
    }
    rf_buffer_release(&drop);
    rf_buffer_release(&back);
    rf_buffer_release(&relation);
    return code;
}

static enum rf_code hold_foreign_keys(const struct rf_hold *hold, struct rf_error *error) {
    const struct rf_catalog *catalog = hold->catalog;
    enum rf_code code = RF_OK;
    bool defer = false;
    for (uint32_t i = 0; code == RF_OK && i < catalog->foreign_key_count; i++) {
        const struct rf_catalog_foreign_key *key = &catalog->foreign_keys[i];
        if (touches(hold, key)) {
            enum way way = way_of(hold, key);
            defer = defer || way == WAY_DEFER;
            code = way == WAY_DROP ? drop_foreign_key(hold, key, error) : RF_OK;
        }
    }
    return code == RF_OK && defer ? rf_pg_do(hold->pg, rf_sql_defer_constraints, NULL, error)
                                  : code;
}

static const char *enabling(char enabled) {
    return enabled == 'A' ? "ENABLE ALWAYS" : enabled == 'R' ? "ENABLE REPLICA" : "ENABLE";
}

static enum rf_code disable(const struct rf_hold *hold, const struct rf_catalog_table *table,
                            const struct rf_catalog_reflex *reflex, struct rf_error *error) {
    const char *schema = hold->catalog->schema;
    struct rf_buffer off = {0}, back = {0};
    alter(&off, schema, table->name);
    alter(&back, schema, table->name);
    rf_buffer_printf(&off, " DISABLE %s ", reflex->rule ? "RULE" : "TRIGGER");
    rf_buffer_printf(&back, " %s %s ", enabling(reflex->enabled),
                     reflex->rule ? "RULE" : "TRIGGER");
    rf_quote_name(&off, reflex->name);
    rf_quote_name(&back, reflex->name);
    return put_aside(hold, table->name, reflex->rule ? "rule" : "trigger", reflex->name, &off,
                     &back, error);
}

static enum rf_code hold_reflexes(const struct rf_hold *hold, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; i < hold->count; i++) {
        const struct rf_catalog_table *table = rf_catalog_find(hold->catalog, hold->tables[i]);
        for (uint32_t at = 0; code == RF_OK && table && at < table->reflex_count; at++) {
            if (fires(hold, &table->reflexes[at])) {
                code = disable(hold, table, &table->reflexes[at], error);
            }
        }
    }
    return code;
}

enum rf_code rf_hold_session(struct rf_pg *pg, bool replica, bool local, struct rf_error *error) {
    if (!replica) {
        return RF_OK;
    }
    return rf_pg_do(pg, local ? rf_sql_replica_local : rf_sql_replica_session, NULL, error);
}

bool rf_hold_drops(const struct rf_hold *hold, const struct rf_catalog_foreign_key *key) {
    return touches(hold, key) && way_of(hold, key) == WAY_DROP;
}

enum rf_code rf_hold_begin(const struct rf_hold *hold, struct rf_error *error) {
    enum rf_code code = rf_hold_session(hold->pg, hold->catalog->may_be_replica, true, error);
    if (code == RF_OK) {
        code = hold_foreign_keys(hold, error);
    }
    return code == RF_OK ? hold_reflexes(hold, error) : code;
}

#define SAVEPOINT "rowferry_aside"

/* A view or somebody else's foreign key may rest on it: then it stays. */
static enum rf_code try_index(const struct rf_hold *hold, const struct rf_catalog_table *table,
                              const struct rf_catalog_index *index, struct rf_error *error) {
    const char *schema = hold->catalog->schema;
    struct rf_buffer drop = {0}, back = {0};
    if (index->constraint) {
        drop_constraint(&drop, schema, table->name, index->constraint);
        add_constraint(&back, schema, table->name, index->constraint, index->constraint_definition);
    } else {
        rf_buffer_printf(&drop, "DROP INDEX ");
        rf_quote_qualified(&drop, schema, index->name);
        rf_buffer_printf(&back, "%s", index->definition);
    }
    struct rf_buffer save = {0};
    rf_guard_savepoint(hold->target, SAVEPOINT, &save);
    enum rf_code code = rf_pg_do_buffer(hold->pg, &save, NULL, error);
    rf_buffer_release(&save);
    if (code == RF_OK) {
        code = put_aside(hold, table->name, index->constraint ? "constraint" : "index",
                         index->constraint ? index->constraint : index->name, &drop, &back, error);
    }
    rf_buffer_release(&drop);
    rf_buffer_release(&back);
    if (code != RF_OK && strcmp(error->sqlstate, RF_SQLSTATE_DEPENDENT) == 0) {
        rf_error_clear(error);
        code = rf_pg_do(hold->pg, "ROLLBACK TO SAVEPOINT " SAVEPOINT, NULL, error);
    }
    return code == RF_OK ? rf_pg_do(hold->pg, "RELEASE SAVEPOINT " SAVEPOINT, NULL, error) : code;
}

enum rf_code rf_hold_indexes(const struct rf_hold *hold, const struct rf_catalog_table *table,
                             struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && table->owned && i < table->index_count; i++) {
        if (table->indexes[i].valid && !table->indexes[i].marked) {
            code = try_index(hold, table, &table->indexes[i], error);
        }
    }
    return code;
}

/* ---- and back ---- */

enum rf_code rf_put_asides_read(struct rf_pg *pg, const struct rf_target *target,
                                struct rf_put_asides *asides, struct rf_error *error) {
    enum { NUMBER, RELATION, KIND, NAME, DEFINITION };
    *asides = (struct rf_put_asides){.count = 0};
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->source);
    rf_pg_text(&args, target->schema);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(pg, rf_sql_put_aside_list, &args, &rows, error);
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    asides->lines = rf_arena_take(&asides->arena, count, sizeof *asides->lines);
    for (uint32_t row = 0; asides->lines && row < count; row++) {
        asides->lines[asides->count++] = (struct rf_put_aside){
            .number = rf_pg_rows_number(rows, row, NUMBER),
            .relation = rf_arena_copy(&asides->arena, rf_pg_rows_text(rows, row, RELATION)),
            .kind = rf_arena_copy(&asides->arena, rf_pg_rows_text(rows, row, KIND)),
            .name = rf_arena_copy(&asides->arena, rf_pg_rows_text(rows, row, NAME)),
            .definition = rf_arena_copy(&asides->arena, rf_pg_rows_text(rows, row, DEFINITION)),
        };
    }
    rf_pg_rows_free(rows);
    if (code == RF_OK) {
        code = rf_arena_check(&asides->arena, error);
    }
    if (code != RF_OK) {
        rf_put_asides_release(asides);
    }
    return code;
}

void rf_put_asides_release(struct rf_put_asides *asides) {
    rf_arena_release(&asides->arena);
    *asides = (struct rf_put_asides){.count = 0};
}

static bool is_kind(const struct rf_put_aside *aside, const char *kind) {
    return strcmp(aside->kind, kind) == 0;
}

bool rf_put_aside_is_index(const struct rf_put_aside *aside) {
    return is_kind(aside, "index") || is_kind(aside, "constraint");
}

/* Rows of the source that refer to nothing are rows of the source all the same. */
static enum rf_code restore_unchecked(struct rf_run *run, struct rf_pg *pg,
                                      const struct rf_put_aside *aside, struct rf_error *error) {
    rf_run_warn(run, "table %s: foreign key %s stands NOT VALID, as rows do not keep to it: %s",
                aside->relation, aside->name, error->detail[0] ? error->detail : error->what);
    rf_error_clear(error);
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "ROLLBACK TO SAVEPOINT " SAVEPOINT "; %s NOT VALID", aside->definition);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code restore_foreign_key(struct rf_run *run, struct rf_pg *pg,
                                        const struct rf_target *target,
                                        const struct rf_put_aside *aside, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_guard_savepoint(target, SAVEPOINT, &sql);
    rf_buffer_printf(&sql, "%s", aside->definition);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    if (code != RF_OK && strcmp(error->sqlstate, RF_SQLSTATE_FOREIGN_KEY) == 0) {
        code = restore_unchecked(run, pg, aside, error);
    }
    return code == RF_OK ? rf_pg_do(pg, "RELEASE SAVEPOINT " SAVEPOINT, NULL, error) : code;
}

static enum rf_code take(struct rf_pg *pg, const struct rf_target *target,
                         const struct rf_put_aside *aside, bool *taken, struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->source);
    rf_pg_text(&args, target->schema);
    rf_pg_number(&args, aside->number);
    uint64_t lines = 0;
    enum rf_code code = rf_pg_do_args(pg, rf_sql_put_aside_take, &args, &lines, error);
    *taken = lines > 0;
    return code;
}

enum rf_code rf_put_aside_restore(struct rf_run *run, struct rf_pg *pg,
                                  const struct rf_target *target, const struct rf_put_aside *aside,
                                  struct rf_error *error) {
    bool taken = false;
    enum rf_code code = take(pg, target, aside, &taken, error);
    if (code != RF_OK || !taken) {
        return code;
    }
    code = is_kind(aside, "foreign key") ? restore_foreign_key(run, pg, target, aside, error)
                                         : rf_pg_do(pg, aside->definition, NULL, error);
    if (code != RF_OK && strcmp(error->sqlstate, RF_SQLSTATE_UNIQUE) == 0) {
        error->code = code = RF_MISPLACED;
        rf_hint(error,
                "the source has rows that the application holds to be alike: change them there, or "
                "drop %s in the target, then run the same command again.",
                aside->name);
    }
    if (code != RF_OK) {
        rf_while(error, "while putting %s %s of table %s back", aside->kind, aside->name,
                 aside->relation);
    }
    return code;
}

enum rf_code rf_put_asides_restore(struct rf_run *run, struct rf_pg *pg,
                                   const struct rf_target *target, struct rf_error *error) {
    static const char *const order[] = {"index", "constraint", "foreign key", "rule", "trigger"};
    struct rf_put_asides asides;
    enum rf_code code = rf_put_asides_read(pg, target, &asides, error);
    for (size_t kind = 0; kind < sizeof order / sizeof order[0]; kind++) {
        for (uint32_t i = 0; code == RF_OK && i < asides.count; i++) {
            if (is_kind(&asides.lines[i], order[kind])) {
                code = rf_put_aside_restore(run, pg, target, &asides.lines[i], error);
            }
        }
    }
    if (code == RF_OK) {
        rf_put_asides_release(&asides);
    } else {
        rf_arena_release(&asides.arena);
    }
    return code;
}

/* ---- foreign keys that nobody checked ---- */

static enum rf_code count_orphans(const struct rf_hold *hold,
                                  const struct rf_catalog_foreign_key *key, uint64_t *orphans,
                                  struct rf_error *error) {
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(hold->pg, key->orphans, NULL, &rows, error);
    *orphans = code == RF_OK ? rf_pg_rows_number(rows, 0, 0) : 0;
    rf_pg_rows_free(rows);
    return code;
}

/* It stands in the catalog as one that all rows keep to, which is no longer so. */
static enum rf_code invalidate(const struct rf_hold *hold, const struct rf_catalog_foreign_key *key,
                               struct rf_error *error) {
    struct rf_buffer sql = {0};
    drop_constraint(&sql, key->schema, key->table, key->name);
    rf_buffer_printf(&sql, "; ");
    add_constraint(&sql, key->schema, key->table, key->name, key->definition);
    rf_buffer_printf(&sql, " NOT VALID");
    enum rf_code code = rf_pg_do_buffer(hold->pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code check_foreign_key(const struct rf_hold *hold,
                                      const struct rf_catalog_foreign_key *key,
                                      struct rf_error *error) {
    uint64_t orphans = 0;
    if (!key->may_check) {
        rf_run_warn(hold->run,
                    "table %s: whether its rows keep to foreign key %s could not be looked at",
                    key->table, key->name);
        return RF_OK;
    }
    enum rf_code code = count_orphans(hold, key, &orphans, error);
    if (code != RF_OK || orphans == 0) {
        return code;
    }
    bool own = key->owned && key->may_refer;
    rf_run_warn(hold->run,
                "table %s: %" PRIu64 " row%s not keep to foreign key %s%s; they "
                "are counted by: %s",
                key->table, orphans, orphans == 1 ? " does" : "s do", key->name,
                own ? ", which stands NOT VALID now" : "", key->orphans);
    return own ? invalidate(hold, key, error) : RF_OK;
}

/* ---- unique constraints that nobody checked ---- */

static enum rf_code check_unique(const struct rf_hold *hold, const struct rf_catalog_table *table,
                                 const struct rf_catalog_index *index, struct rf_error *error) {
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(hold->pg, index->duplicates, NULL, &rows, error);
    uint64_t count = code == RF_OK ? rf_pg_rows_number(rows, 0, 0) : 0;
    rf_pg_rows_free(rows);
    if (code != RF_OK || count == 0) {
        return code;
    }
    rf_fail(error, RF_MISPLACED,
            "the source has rows that constraint %s of table %s holds to be alike",
            index->constraint, table->name);
    rf_detail(error, "%" PRIu64 " of its keys occur more than once", count);
    rf_hint(error, "change them in the source, or drop the constraint, then run the same command "
                   "again.");
    return RF_MISPLACED;
}

static enum rf_code check_deferred(const struct rf_hold *hold, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; hold->catalog->may_be_replica && i < hold->count; i++) {
        const struct rf_catalog_table *table = rf_catalog_find(hold->catalog, hold->tables[i]);
        for (uint32_t at = 0; code == RF_OK && table && at < table->index_count; at++) {
            const struct rf_catalog_index *index = &table->indexes[at];
            if (index->deferrable && index->duplicates) {
                code = check_unique(hold, table, index, error);
            }
        }
    }
    return code;
}

static bool defers(const struct rf_hold *hold) {
    for (uint32_t i = 0; i < hold->catalog->foreign_key_count; i++) {
        const struct rf_catalog_foreign_key *key = &hold->catalog->foreign_keys[i];
        if (touches(hold, key) && way_of(hold, key) == WAY_DEFER) {
            return true;
        }
    }
    return false;
}

enum rf_code rf_hold_end(const struct rf_hold *hold, struct rf_error *error) {
    const struct rf_catalog *catalog = hold->catalog;
    enum rf_code code = check_deferred(hold, error);
    for (uint32_t i = 0; code == RF_OK && i < catalog->foreign_key_count; i++) {
        const struct rf_catalog_foreign_key *key = &catalog->foreign_keys[i];
        bool unchecked = key->valid && touches(hold, key) && way_of(hold, key) == WAY_REPLICA;
        code = unchecked ? check_foreign_key(hold, key, error) : RF_OK;
    }
    if (code == RF_OK && defers(hold)) {
        code = rf_pg_do(hold->pg, rf_sql_constraints_now, NULL, error);
    }
    return code == RF_OK ? rf_put_asides_restore(hold->run, hold->pg, hold->target, error) : code;
}
