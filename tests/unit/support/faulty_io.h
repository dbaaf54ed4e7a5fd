/* File operations that go wrong on purpose: the Nth of them fails, or is the last that the process
 * does.
 *
 * A sweep runs the same work with N = 1, 2, 3 … until it succeeds without the fault having been
 * met. */
#ifndef RF_TESTS_FAULTY_IO_H
#define RF_TESTS_FAULTY_IO_H

#include <stdatomic.h>
#include <stdbool.h>

#include "format/io.h"

enum faulty_kind {
    FAULTY_NOT,   /* counts only */
    FAULTY_ONCE,  /* the Nth operation fails with `number`, others work */
    FAULTY_STAYS, /* the Nth operation fails, and from then on whatever writes */
    FAULTY_EXIT,  /* the process ends before the Nth operation, as by kill -9 */
    FAULTY_TEAR,  /* the Nth operation, if it writes, writes half; then the process ends */
};

#define FAULTY_EXIT_CODE 97

struct faulty_io {
    struct rf_io io; /* to be passed on; shared by threads */
    enum faulty_kind kind;
    unsigned at; /* N, from 1 */
    int number;  /* the errno of failures */
    atomic_uint count;
    atomic_uint syncs;       /* of single files and folders */
    atomic_uint whole_syncs; /* of the whole file system */
    atomic_bool met;         /* the Nth operation was reached */
};

/* Nothing is really synced, which makes a sweep many times faster; a sync still counts and
 * fails. */
void faulty_io_init(struct faulty_io *faulty, enum faulty_kind kind, unsigned at, int number);

#endif
