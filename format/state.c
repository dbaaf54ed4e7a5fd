/* The archives that make up a table's rows, opened and held against each other. */
#include "format/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "format/state_inner.h"

bool rf_state_should_fold(const struct rf_archive_ref *state, uint32_t count,
                          const struct rf_archive_ref *delta) {
    uint64_t deltas = delta ? delta->size : 0;
    for (uint32_t i = 1; i < count; i++) {
        deltas += state[i].size;
    }
    bool large = deltas > state[0].size / 2 && deltas >= RF_FOLD_BYTES_LEAST;
    return large || count + (delta != NULL) > RF_STATE_ARCHIVES_MAX;
}

static enum rf_code broken_link(const struct rf_archive_ref *ref, const char *what,
                                struct rf_error *error) {
    rf_fail(error, RF_CORRUPT, "the archive %s %s", ref->name, what);
    rf_hint(error,
            "copy the repository again; if this one is the original, capture into a new one.");
    return RF_CORRUPT;
}

static bool has_moves(const struct rf_archive *archive) {
    for (uint32_t i = 0; i < rf_archive_blocks(archive); i++) {
        if (rf_archive_block(archive, i)->facts.kind == RF_BLOCK_MOVES) {
            return true;
        }
    }
    return false;
}

static enum rf_code open_one(struct rf_state *state, const struct rf_repository *repository,
                             const struct rf_manifest_table *table, uint32_t i,
                             struct rf_error *error) {
    const struct rf_archive_ref *ref = &table->state[i];
    enum rf_code code = rf_repository_open_archive(repository, ref, &state->archives[i], error);
    if (code != RF_OK) {
        return code;
    }
    state->count++;
    const struct rf_archive_head *head = rf_archive_head_of(state->archives[i]);
    if (!rf_table_same_rows(head->table, &table->table)) {
        return broken_link(ref, "describes another table than the manifest", error);
    }
    if (i > 0 &&
        !rf_digest_equal(&head->before, &rf_archive_head_of(state->archives[i - 1])->after)) {
        return broken_link(ref, "does not continue the one before it", error);
    }
    if (i + 1 == table->state_count && !rf_digest_equal(&head->after, &table->digest)) {
        return broken_link(ref, "does not make the rows that the manifest says", error);
    }
    state->moves |= has_moves(state->archives[i]);
    return RF_OK;
}

enum rf_code rf_state_open(const struct rf_repository *repository,
                           const struct rf_manifest_table *table, struct rf_state **opened,
                           struct rf_error *error) {
    *opened = NULL;
    struct rf_state *state = calloc(1, sizeof *state);
    if (!state || !(state->archives = calloc(table->state_count, sizeof(struct rf_archive *)))) {
        free(state);
        return rf_fail_memory(error);
    }
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < table->state_count; i++) {
        code = open_one(state, repository, table, i, error);
    }
    if (code != RF_OK) {
        rf_while(error, "while opening the archives of table %.120s", table->table.name);
        rf_state_close(state);
        return code;
    }
    state->table = rf_archive_head_of(state->archives[0])->table;
    *opened = state;
    return RF_OK;
}

void rf_state_close(struct rf_state *state) {
    if (state) {
        for (uint32_t i = 0; i < state->count; i++) {
            rf_archive_close(state->archives[i]);
        }
        free(state->archives);
        free(state);
    }
}

uint32_t rf_state_parts(const struct rf_state *state) {
    uint32_t blocks = rf_archive_blocks(state->archives[0]);
    bool whole = state->table->key_kind == RF_KEY_COLUMNS || state->moves || blocks == 0;
    return whole && state->count > 1 ? 1 : blocks == 0 ? 1 : blocks;
}
