/* Archives whose SHA-256 was proven in this run, so that one that is opened again and again, by many
 * threads, is read for it once.
 *
 * What is remembered is the SHA-256 with the file's identity: device, inode, size and both times. A file
 * that was replaced, or written to through this system, is another one. The memory is of one size, and
 * forgets: then an archive is proven once more. */
#ifndef RF_FORMAT_PROVEN_H
#define RF_FORMAT_PROVEN_H

#include "format/archive.h"

struct rf_proven;
struct rf_proven *rf_proven_new(void);         /* NULL without memory */
void rf_proven_free(struct rf_proven *proven); /* NULL is fine */

/* That the archive's bytes have the SHA-256, by reading them or from memory. Any thread. `stop` as for
 * rf_archive_prove_sha256. RF_CORRUPT. */
RF_MUST_USE enum rf_code rf_proven_demand(struct rf_proven *proven, struct rf_archive *archive,
                                          const uint8_t sha256[RF_SHA256_SIZE],
                                          const atomic_int *stop, struct rf_error *error);

#endif
