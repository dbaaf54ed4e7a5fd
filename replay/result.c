#include "replay/result.h"

#include <stdlib.h>
#include <string.h>

/* Where the name stands, or would. */
static uint32_t place_of(const struct rf_replay_result *result, const char *name) {
    uint32_t low = 0, high = result->table_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(result->tables[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_full(uint32_t count) {
    return (count & (count - 1)) == 0; /* room doubles whenever a power of two is reached */
}

static enum rf_code insert(struct rf_replay_result *result, uint32_t place, const char *name,
                           struct rf_error *error) {
    char *copy = strdup(name);
    if (copy && is_full(result->table_count)) {
        size_t room = result->table_count ? 2 * (size_t)result->table_count : 1;
        struct rf_replay_table *grown = realloc(result->tables, room * sizeof *grown);
        if (!grown) {
            free(copy);
            copy = NULL;
        } else {
            result->tables = grown;
        }
    }
    if (!copy) {
        return rf_fail_memory(error);
    }
    memmove(&result->tables[place + 1], &result->tables[place],
            (result->table_count - place) * sizeof *result->tables);
    result->tables[place] = (struct rf_replay_table){.name = copy};
    result->table_count++;
    return RF_OK;
}

static void add(struct rf_replay_table *to, const struct rf_counts *counts) {
    to->inserted += counts->inserted;
    to->updated += counts->updated;
    to->deleted += counts->deleted;
    to->set_aside += counts->set_aside;
    to->altered += counts->altered;
    to->left_out += counts->left_out;
    to->widened += counts->widened;
}

enum rf_code rf_result_add(struct rf_replay_result *result, const struct rf_counts *counts,
                           struct rf_error *error) {
    uint32_t place = place_of(result, counts->name);
    bool there =
        place < result->table_count && strcmp(result->tables[place].name, counts->name) == 0;
    if (!there) {
        enum rf_code code = insert(result, place, counts->name, error);
        if (code != RF_OK) {
            return code;
        }
    }
    add(&result->tables[place], counts);
    add(&result->total, counts);
    return RF_OK;
}

static struct rf_replay_sequence *find_sequence(struct rf_replay_result *result, const char *name) {
    for (uint32_t i = 0; i < result->sequence_count; i++) {
        if (strcmp(result->sequences[i].name, name) == 0) {
            return &result->sequences[i];
        }
    }
    return NULL;
}

enum rf_code rf_result_add_sequence(struct rf_replay_result *result, const char *name,
                                    int64_t value, struct rf_error *error) {
    struct rf_replay_sequence *found = find_sequence(result, name);
    if (found) {
        found->value = value;
        return RF_OK;
    }
    if (is_full(result->sequence_count)) {
        size_t room = result->sequence_count ? 2 * (size_t)result->sequence_count : 1;
        struct rf_replay_sequence *grown = realloc(result->sequences, room * sizeof *grown);
        if (!grown) {
            return rf_fail_memory(error);
        }
        result->sequences = grown;
    }
    char *copy = strdup(name);
    if (!copy) {
        return rf_fail_memory(error);
    }
    result->sequences[result->sequence_count++] = (struct rf_replay_sequence){copy, value};
    return RF_OK;
}

static void free_aside(const struct rf_replay_aside *aside) {
    free(aside->table);
    free(aside->column);
    free(aside->reason);
}

enum rf_code rf_result_add_aside(struct rf_replay_result *result,
                                 const struct rf_replay_aside *aside, struct rf_error *error) {
    struct rf_replay_aside *grown = NULL;
    if (aside->table && aside->column && aside->reason) {
        grown = realloc(result->asides, (result->aside_count + 1u) * sizeof *grown);
    }
    if (!grown) {
        free_aside(aside);
        return rf_fail_memory(error);
    }
    grown[result->aside_count++] = *aside;
    result->asides = grown;
    return RF_OK;
}

void rf_replay_result_release(struct rf_replay_result *result) {
    for (uint32_t i = 0; i < result->sequence_count; i++) {
        free(result->sequences[i].name);
    }
    for (uint32_t i = 0; i < result->aside_count; i++) {
        free_aside(&result->asides[i]);
    }
    free(result->sequences);
    free(result->asides);
    for (uint32_t i = 0; i < result->table_count; i++) {
        free(result->tables[i].name);
    }
    free(result->tables);
    *result = (struct rf_replay_result){.mode = RF_REPLAY_NONE};
}
