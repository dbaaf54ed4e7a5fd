#include "capture/sorter.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct rf_run {
    uint64_t first; /* record in the spill of runs */
    uint64_t count;
};

/* Readers of some runs, as a heap with the least record on top. */
struct rf_sorter_merge {
    int (*compare)(const void *a, const void *b);
    size_t count; /* of the heap */
    struct merge_input {
        struct rf_spill_reader reader;
        const void *record;
    } * inputs;
    size_t input_count; /* to be released */
    size_t *heap;       /* places in inputs */
    bool on_top;        /* the record on top has been handed out */
};

void rf_sorter_init(struct rf_sorter *sorter, const struct rf_scratch *scratch, size_t record,
                    int (*compare)(const void *a, const void *b)) {
    size_t capacity = scratch->sort_bytes / record;
    *sorter = (struct rf_sorter){
        .scratch = scratch,
        .record = record,
        .compare = compare,
        .capacity = capacity > 0 ? capacity : 1,
    };
    rf_spill_init(&sorter->runs, scratch, record);
}

/* ---- merging ---- */

static void merge_free(struct rf_sorter_merge *merge) {
    if (!merge) {
        return;
    }
    for (size_t i = 0; merge->inputs && i < merge->input_count; i++) {
        rf_spill_reader_release(&merge->inputs[i].reader);
    }
    free(merge->inputs);
    free(merge->heap);
    free(merge);
}

static bool is_less(const struct rf_sorter_merge *merge, size_t a, size_t b) {
    return merge->compare(merge->inputs[merge->heap[a]].record,
                          merge->inputs[merge->heap[b]].record) < 0;
}

static void sift_down(struct rf_sorter_merge *merge, size_t place) {
    for (;;) {
        size_t least = place;
        for (size_t child = 2 * place + 1; child <= 2 * place + 2; child++) {
            if (child < merge->count && is_less(merge, child, least)) {
                least = child;
            }
        }
        if (least == place) {
            return;
        }
        size_t moved = merge->heap[place];
        merge->heap[place] = merge->heap[least];
        merge->heap[least] = moved;
        place = least;
    }
}

static enum rf_code merge_new(const struct rf_sorter *sorter, const struct rf_run *runs,
                              size_t count, struct rf_sorter_merge **made, struct rf_error *error) {
    struct rf_sorter_merge *merge = calloc(1, sizeof *merge);
    *made = merge;
    if (!merge) {
        return rf_fail_memory(error);
    }
    merge->compare = sorter->compare;
    merge->inputs = calloc(count, sizeof *merge->inputs);
    merge->heap = calloc(count, sizeof *merge->heap);
    if (!merge->inputs || !merge->heap) {
        return rf_fail_memory(error);
    }
    enum rf_code code = RF_OK;
    for (size_t i = 0; code == RF_OK && i < count; i++) {
        struct merge_input *input = &merge->inputs[i];
        rf_spill_reader_init(&input->reader, &sorter->runs, runs[i].first, runs[i].count);
        merge->input_count++;
        code = rf_spill_next(&input->reader, &input->record, error);
        if (code == RF_OK && input->record) {
            merge->heap[merge->count++] = i;
        }
    }
    for (size_t i = merge->count; code == RF_OK && i-- > 0;) {
        sift_down(merge, i);
    }
    return code;
}

static enum rf_code merge_next(struct rf_sorter_merge *merge, const void **record,
                               struct rf_error *error) {
    *record = NULL;
    if (merge->on_top) {
        struct merge_input *input = &merge->inputs[merge->heap[0]];
        enum rf_code code = rf_spill_next(&input->reader, &input->record, error);
        if (code != RF_OK) {
            return code;
        }
        if (!input->record) {
            merge->heap[0] = merge->heap[--merge->count];
        }
        sift_down(merge, 0);
    }
    merge->on_top = merge->count > 0;
    if (merge->count > 0) {
        *record = merge->inputs[merge->heap[0]].record;
    }
    return RF_OK;
}

/* ---- runs ---- */

static enum rf_code note_run(struct rf_sorter *sorter, uint64_t first, struct rf_error *error) {
    if (sorter->run_count == sorter->run_capacity) {
        size_t capacity = sorter->run_capacity ? sorter->run_capacity * 2 : 16;
        void *grown = realloc(sorter->lengths, capacity * sizeof *sorter->lengths);
        if (!grown) {
            return rf_fail_memory(error);
        }
        sorter->lengths = grown;
        sorter->run_capacity = capacity;
    }
    sorter->lengths[sorter->run_count++] =
        (struct rf_run){.first = first, .count = sorter->runs.count - first};
    return RF_OK;
}

static enum rf_code spill_run(struct rf_sorter *sorter, struct rf_error *error) {
    qsort(sorter->memory, sorter->count, sorter->record, sorter->compare);
    uint64_t first = sorter->runs.count;
    enum rf_code code = RF_OK;
    for (size_t i = 0; code == RF_OK && i < sorter->count; i++) {
        code = rf_spill_add(&sorter->runs, sorter->memory + i * sorter->record, error);
    }
    sorter->count = 0;
    return code == RF_OK ? note_run(sorter, first, error) : code;
}

/* Merges the runs, some at a time, into fewer and longer ones in a second spill, which then takes
 * the place of the first. */
static enum rf_code merge_runs(struct rf_sorter *sorter, struct rf_error *error) {
    struct rf_spill merged;
    rf_spill_init(&merged, sorter->scratch, sorter->record);
    size_t groups = 0;
    enum rf_code code = RF_OK;
    for (size_t i = 0; code == RF_OK && i < sorter->run_count; i += sorter->scratch->fan_in) {
        size_t left = sorter->run_count - i;
        size_t count = left < sorter->scratch->fan_in ? left : sorter->scratch->fan_in;
        struct rf_sorter_merge *merge = NULL;
        uint64_t first = merged.count;
        code = merge_new(sorter, &sorter->lengths[i], count, &merge, error);
        const void *record = NULL;
        while (code == RF_OK) {
            code = merge_next(merge, &record, error);
            if (code != RF_OK || !record) {
                break;
            }
            code = rf_spill_add(&merged, record, error);
        }
        merge_free(merge);
        sorter->lengths[groups++] = (struct rf_run){.first = first, .count = merged.count - first};
    }
    rf_spill_release(&sorter->runs);
    sorter->runs = merged;
    sorter->run_count = groups;
    return code;
}

enum rf_code rf_sorter_add(struct rf_sorter *sorter, const void *record, struct rf_error *error) {
    if (!sorter->memory) {
        sorter->memory = malloc(sorter->capacity * sorter->record);
        if (!sorter->memory) {
            return rf_fail_memory(error);
        }
    }
    if (sorter->count == sorter->capacity) {
        enum rf_code code = spill_run(sorter, error);
        if (code != RF_OK) {
            return code;
        }
    }
    memcpy(sorter->memory + sorter->count * sorter->record, record, sorter->record);
    sorter->count++;
    return RF_OK;
}

enum rf_code rf_sorter_sort(struct rf_sorter *sorter, struct rf_error *error) {
    if (sorter->run_count == 0) {
        if (sorter->count > 1) {
            qsort(sorter->memory, sorter->count, sorter->record, sorter->compare);
        }
        return RF_OK;
    }
    enum rf_code code = spill_run(sorter, error);
    free(sorter->memory);
    sorter->memory = NULL;
    while (code == RF_OK && sorter->run_count > sorter->scratch->fan_in) {
        code = merge_runs(sorter, error);
    }
    return code == RF_OK
               ? merge_new(sorter, sorter->lengths, sorter->run_count, &sorter->merge, error)
               : code;
}

enum rf_code rf_sorter_next(struct rf_sorter *sorter, const void **record, struct rf_error *error) {
    if (sorter->merge) {
        return merge_next(sorter->merge, record, error);
    }
    *record =
        sorter->next < sorter->count ? sorter->memory + sorter->next++ * sorter->record : NULL;
    return RF_OK;
}

void rf_sorter_release(struct rf_sorter *sorter) {
    merge_free(sorter->merge);
    rf_spill_release(&sorter->runs);
    free(sorter->memory);
    free(sorter->lengths);
    *sorter = (struct rf_sorter){.runs.fd = -1};
}
