/* Sorts records of one size, more of them than memory holds: runs are sorted in memory, spilled,
 * and merged, a bounded number at a time.
 *
 * Order of calls: init, add…, sort, next… until NULL, release. Equal records come in any order. */
#ifndef RF_CAPTURE_SORTER_H
#define RF_CAPTURE_SORTER_H

#include <stddef.h>
#include <stdint.h>

#include "capture/spill.h"
#include "format/error.h"

struct rf_sorter {
    const struct rf_scratch *scratch;
    size_t record;
    int (*compare)(const void *a, const void *b);
    uint8_t *memory; /* records of the run that is being gathered */
    size_t count;    /* of them */
    size_t capacity;
    size_t next;            /* to be handed out, where all stayed in memory */
    struct rf_spill runs;   /* sorted runs, one after another */
    struct rf_run *lengths; /* of the runs that are not merged yet, oldest first */
    size_t run_count;
    size_t run_capacity;
    struct rf_sorter_merge *merge; /* of the last runs, once sorted */
};

void rf_sorter_init(struct rf_sorter *sorter, const struct rf_scratch *scratch, size_t record,
                    int (*compare)(const void *a, const void *b));
void rf_sorter_release(struct rf_sorter *sorter); /* twice is fine */
RF_MUST_USE enum rf_code rf_sorter_add(struct rf_sorter *sorter, const void *record,
                                       struct rf_error *error);
RF_MUST_USE enum rf_code rf_sorter_sort(struct rf_sorter *sorter, struct rf_error *error);
/* *record is NULL at the end; valid until the next call. */
RF_MUST_USE enum rf_code rf_sorter_next(struct rf_sorter *sorter, const void **record,
                                        struct rf_error *error);

#endif
