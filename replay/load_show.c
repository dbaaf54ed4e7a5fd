/* The last transaction of a first load. */
#include "replay/load_work.h"

#include <inttypes.h>
#include <string.h>

#include "replay/build.h"
#include "replay/closing.h"
#include "replay/commit.h"
#include "replay/existing_load.h"
#include "replay/foreign_key.h"
#include "replay/guard.h"
#include "replay/quote.h"
#include "replay/result.h"

struct tally {
    struct rf_digest digest;
    uint64_t set_aside;
    uint64_t altered;
    uint64_t left_out;
};

/* What all the chunks of a table read, added up, must be what the manifest says it is. */
static enum rf_code check_table(const struct rf_load_table *table, const struct tally *tally,
                                struct rf_error *error) {
    const struct rf_digest *wanted = &table->source->digest;
    if (rf_digest_equal(&tally->digest, wanted)) {
        return RF_OK;
    }
    char read[RF_HASH_HEX], stored[RF_HASH_HEX];
    rf_fail(error, RF_CORRUPT, "the rows of table %s are not those of the snapshot",
            table->plan.table);
    rf_detail(error, "read %" PRIu64 " rows with digest %s, the manifest says %" PRIu64 " with %s",
              tally->digest.rows, rf_hash_text(tally->digest.sum, read), wanted->rows,
              rf_hash_text(wanted->sum, stored));
    rf_hint(error,
            "run `rowferry verify` on the repository; nothing of the load is shown. Where that "
            "finds nothing, the snapshot was pruned to other archives since the load began: "
            "drop the staging schema and the lines of this schema in rowferry.source, and "
            "load again.");
    return RF_CORRUPT;
}

static enum rf_code add_up(struct rf_load *load, struct rf_pg *pg, struct tally *tallies,
                           struct rf_error *error) {
    struct rf_ledger_steps steps;
    enum rf_code code = rf_ledger_steps(pg, load->target, &steps, error);
    for (uint32_t i = 0; code == RF_OK && i < steps.count; i++) {
        const struct rf_ledger_step *step = &steps.steps[i];
        struct rf_load_table *table = rf_load_find_table(load, step->table);
        if (table && strcmp(step->step, "rows") == 0) {
            struct tally *tally = &tallies[table - load->tables];
            rf_digest_join(&tally->digest, &step->digest);
            tally->set_aside += step->set_aside;
            tally->altered += step->altered;
            tally->left_out += step->left_out;
        }
    }
    rf_ledger_steps_release(&steps);
    for (uint32_t i = 0; code == RF_OK && i < load->count; i++) {
        code =
            load->tables[i].plan.kept ? RF_OK : check_table(&load->tables[i], &tallies[i], error);
    }
    return code;
}

static void put_move(const struct rf_load *load, const struct rf_load_table *table,
                     struct rf_buffer *sql) {
    if (!table->whole) {
        rf_build_free_autovacuum(&table->plan, load->staging, sql);
    }
    rf_buffer_printf(sql, "ALTER TABLE ");
    rf_quote_qualified(sql, load->staging, table->plan.relation);
    rf_buffer_printf(sql, " SET SCHEMA ");
    rf_quote_name(sql, load->target->schema);
    rf_buffer_printf(sql, ";\n");
}

#define PIECE_BYTES (32u << 10) /* of statements: some hundred tables are one round trip */

static enum rf_code move_tables(struct rf_load *load, struct rf_pg *pg, struct rf_error *error) {
    enum rf_code code = RF_OK;
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "CREATE SCHEMA IF NOT EXISTS ");
    rf_quote_name(&sql, load->target->schema);
    rf_buffer_printf(&sql, ";\n");
    for (uint32_t i = 0; code == RF_OK && i < load->count; i++) {
        put_move(load, &load->tables[i], &sql);
        if (sql.failed || sql.size > PIECE_BYTES) {
            code = rf_pg_do_buffer(pg, &sql, NULL, error);
        }
    }
    if (code == RF_OK) {
        rf_buffer_printf(&sql, "DROP SCHEMA ");
        rf_quote_name(&sql, load->staging);
        code = rf_pg_do_buffer(pg, &sql, NULL, error);
    }
    rf_buffer_release(&sql);
    return code;
}

static struct rf_counts counts_of(const struct rf_load_table *table, const struct tally *tally) {
    if (table->plan.kept) {
        return table->kept;
    }
    return (struct rf_counts){
        .name = table->source->table.name,
        .inserted = tally->digest.rows - tally->set_aside - tally->left_out,
        .set_aside = tally->set_aside,
        .altered = tally->altered,
        .left_out = tally->left_out,
        .widened = rf_plan_widened(&table->plan),
    };
}

static enum rf_code hold_ledger(struct rf_load *load, struct rf_pg *pg,
                                const struct rf_snapshot_name *at, struct rf_error *error) {
    struct rf_ledger_source source;
    enum rf_code code = rf_ledger_source(pg, load->target, true, &source, error);
    if (code == RF_OK && (source.state != RF_TARGET_LOADING || source.at.number != at->number)) {
        code = rf_fail(error, RF_LOCKED, "another run has ended this load");
    }
    return code;
}

static enum rf_code move_ledger(struct rf_load *load, struct rf_pg *pg,
                                const struct rf_snapshot_name *at, const struct tally *tallies,
                                struct rf_error *error) {
    enum rf_code code = rf_ledger_ready(pg, load->target, at, error);
    for (uint32_t i = 0; code == RF_OK && i < load->count; i++) {
        struct rf_counts counts = counts_of(&load->tables[i], &tallies[i]);
        code = rf_ledger_add_trip(pg, load->target, 0, at->number, "load", &counts, error);
    }
    return code == RF_OK ? rf_ledger_clear_steps(pg, load->target, error) : code;
}

/* What ends every replay. Where it fails, somebody mends a rule or a right; the rows are loaded. */
static enum rf_code close_load(struct rf_load *load, struct rf_pg *pg,
                               struct rf_replay_result *result, struct rf_error *error) {
    const struct rf_closing closing = {
        .run = load->run,
        .pg = pg,
        .target = load->target,
        .manifest = load->manifest,
        .first = true,
        .wrote = true,
        .result = result,
    };
    enum rf_code code = rf_closing_run(&closing, error);
    load->keeps = code != RF_OK;
    return code;
}

enum rf_code rf_load_show(struct rf_load *load, struct rf_pg **pg,
                          const struct rf_snapshot_name *at, struct rf_replay_result *result,
                          struct rf_error *error) {
    struct tally *tallies = rf_arena_take(&load->arena, load->count, sizeof *tallies);
    if (!tallies) {
        return rf_fail_memory(error);
    }
    enum rf_code code = add_up(load, *pg, tallies, error);
    if (code == RF_CORRUPT) {
        /* Chunks read before the damage, or after it was mended, do not belong together. */
        struct rf_error ignored;
        (void)!(load->existing ? rf_existing_load_discard(load->run, *pg, load->target, &ignored)
                               : rf_load_discard(*pg, load->target, load->staging, &ignored));
    }
    if (code == RF_OK) {
        code = rf_guard_begin(*pg, load->target, error);
    }
    if (code == RF_OK) {
        code = hold_ledger(load, *pg, at, error);
    }
    if (code == RF_OK) {
        code = load->existing ? rf_existing_load_finish(load, *pg, error)
                              : move_tables(load, *pg, error);
    }
    if (code == RF_OK) {
        code = move_ledger(load, *pg, at, tallies, error);
    }
    if (code == RF_OK && !load->existing) {
        const struct rf_foreign_keys keys = {load->run, *pg, load->target, load->manifest,
                                             &load->arena};
        code = rf_foreign_keys_put_back(&keys, error);
    }
    if (code == RF_OK) {
        code = close_load(load, *pg, result, error);
    }
    if (code == RF_OK) {
        code = rf_commit_move(load->run, pg, load->target, at, error);
    }
    if (code != RF_OK) {
        rf_pg_rollback(*pg);
        rf_while(error, "while showing the tables of snapshot %" PRIu64, at->number);
    }
    for (uint32_t i = 0; code == RF_OK && i < load->count; i++) {
        struct rf_counts counts = counts_of(&load->tables[i], &tallies[i]);
        code = rf_result_add(result, &counts, error);
    }
    return code;
}
