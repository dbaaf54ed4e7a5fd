/* Proves a repository from its own bytes: every checksum, every link of the chain, every digest.
 *
 * For each snapshot: its manifest; every archive it names, whole-file digest and block by block; that
 * parent - gone + rows = child in digest and counts; and for the newest snapshot that the rows as a
 * reader would see them sum up to the digest. Reports everything it finds and goes on. The
 * callbacks are called on the caller's thread. */
#ifndef RF_FORMAT_CHECK_H
#define RF_FORMAT_CHECK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/repository.h"

struct rf_damage {
    const char *file; /* path within the repository */
    int64_t block;    /* -1 where it is not about one block */
    const struct rf_error *error;
};

struct rf_check_options {
    const atomic_int *stop; /* not NULL; a signal number once the run should end */
    unsigned jobs;          /* threads that decode; what is found does not depend on it */
    void (*damage)(void *context, const struct rf_damage *damage);
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *context;
};

struct rf_check_result {
    uint32_t snapshots;
    uint32_t signed_snapshots; /* of these, by whomever */
    uint32_t archives;
    uint64_t blocks;
    uint64_t rows;
    uint64_t bytes; /* of the blocks that were read */
    uint32_t damages;
};

/* RF_OK when it ran to the end, whatever it found; see result->damages. */
RF_MUST_USE enum rf_code rf_check(struct rf_repository *repository,
                                  const struct rf_check_options *options,
                                  struct rf_check_result *result, struct rf_error *error);

#endif
