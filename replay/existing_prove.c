/* What a column's dates and times are, found in its rows: one pass over the table, only where a
 * column of the target leaves it open. */
#include <string.h>

#include "format/state.h"
#include "replay/evidence.h"
#include "replay/existing.h"
#include "replay/fit.h"
#include "replay/fit_type.h"

struct wanted {
    uint32_t column;
    struct rf_instant_evidence evidence;
};

struct proof {
    struct rf_existing *existing;
    const struct rf_manifest_table *source;
    uint32_t count;
    struct wanted *wanted;
};

static bool has_values(const struct rf_census *census) {
    return census->count[RF_INTEGER] + census->count[RF_REAL] + census->count[RF_TEXT] > 0;
}

static void list_wanted(struct proof *proof, const struct rf_catalog_table *to) {
    const struct rf_rules *rules = proof->existing->run->options->rules;
    const struct rf_table *table = &proof->source->table;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        struct rf_column_settings settings = rf_rules_column(rules, table->name, name);
        const struct rf_catalog_column *column = rf_fit_find_column(to, rules, table->name, name);
        if (column && !settings.exclude && rf_fit_type_wants_proof(column, &settings) &&
            has_values(&proof->source->census[i])) {
            struct wanted *wanted = &proof->wanted[proof->count++];
            wanted->column = i;
            rf_instant_evidence_init(&wanted->evidence);
        }
    }
}

/* True: nothing is left to be found out. */
static bool add_rows(struct proof *proof, const struct rf_span *span) {
    bool settled = true;
    for (uint32_t i = 0; i < proof->count; i++) {
        struct wanted *wanted = &proof->wanted[i];
        for (uint32_t row = 0; !wanted->evidence.refuted && row < span->count; row++) {
            struct rf_value value = rf_rows_value(span->rows, wanted->column, span->first + row);
            rf_instant_evidence_add(&wanted->evidence, &value);
        }
        settled = settled && wanted->evidence.refuted;
    }
    return settled;
}

static enum rf_code read_rows(struct proof *proof, struct rf_error *error) {
    struct rf_run *run = proof->existing->run;
    struct rf_state *state = NULL;
    struct rf_scan *scan = NULL;
    enum rf_code code = rf_state_open(run->repository, proof->source, &state, error);
    if (code == RF_OK) {
        code = rf_scan_new(state, 0, rf_state_parts(state), &scan, error);
    }
    while (code == RF_OK) {
        struct rf_span span;
        code = rf_scan_next(scan, &span, error);
        if (code != RF_OK || span.count == 0 || add_rows(proof, &span)) {
            break;
        }
        code = rf_run_check(run, error);
    }
    rf_scan_free(scan);
    rf_state_close(state);
    return code;
}

static bool is_text(enum rf_instant_encoding encoding) {
    return encoding == RF_INSTANT_ISO_DATE || encoding == RF_INSTANT_ISO_TIME ||
           encoding == RF_INSTANT_ISO_LOCAL || encoding == RF_INSTANT_ISO_ZONED;
}

static const char *spell(struct rf_arena *arena, const struct rf_instant_evidence *evidence) {
    struct rf_spelling spelling;
    char text[RF_SPELLING_TEXT];
    if (!rf_instant_evidence_proven(evidence, &spelling)) {
        return NULL;
    }
    if (!is_text(evidence->encoding)) {
        return rf_instant_name(evidence->encoding);
    }
    rf_spelling_print(&spelling, text);
    return rf_arena_printf(arena, "iso %s", text);
}

enum rf_code rf_existing_prove(struct rf_existing *existing, const struct rf_manifest_table *source,
                               const char *const **proven, struct rf_error *error) {
    struct rf_arena *arena = existing->arena;
    const struct rf_catalog_table *to =
        rf_fit_find(&existing->catalog, existing->run->options->rules, source->table.name);
    *proven = NULL;
    if (!to) {
        return RF_OK;
    }
    struct proof proof = {
        .existing = existing,
        .source = source,
        .wanted = rf_arena_take(arena, source->table.column_count, sizeof *proof.wanted),
    };
    const char **found = rf_arena_take(arena, source->table.column_count, sizeof *found);
    if (arena->failed) {
        return rf_fail_memory(error);
    }
    list_wanted(&proof, to);
    enum rf_code code = proof.count > 0 ? read_rows(&proof, error) : RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < proof.count; i++) {
        found[proof.wanted[i].column] = spell(arena, &proof.wanted[i].evidence);
    }
    *proven = found;
    return code == RF_OK ? rf_arena_check(arena, error) : code;
}
