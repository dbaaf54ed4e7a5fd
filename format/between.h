/* What lies between two snapshots of a chain: for each table the deltas that lead from the older
 * to the newer one.
 *
 * It is worth knowing, and never needed: rows that no delta touched are the same rows, whatever
 * archives the two snapshots are made of by now, so that they need not be looked at
 * (difference.h). */
#ifndef RF_FORMAT_BETWEEN_H
#define RF_FORMAT_BETWEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "format/archive.h"
#include "format/error.h"
#include "format/repository.h"

struct rf_between;
/* Either may be the older. Where the chain between them has a gap, nothing is known of any
 * table, and that is no error. */
RF_MUST_USE enum rf_code rf_between_load(const struct rf_repository *repository,
                                         const struct rf_snapshot_name *from,
                                         const struct rf_snapshot_name *to,
                                         struct rf_between **between, struct rf_error *error);
void rf_between_free(struct rf_between *between); /* NULL is fine */

struct rf_between_table {
    bool backward; /* they lead from `to` to `from` */
    uint32_t count;
    const struct rf_archive_ref *deltas; /* each upon the one before */
};
/* False where they are not known: the table came, or got other columns or another key, on the way.
 * `between` may be NULL. */
bool rf_between_find(const struct rf_between *between, const char *table,
                     struct rf_between_table *found);

#endif
