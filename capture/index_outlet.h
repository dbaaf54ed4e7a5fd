/* The index of a table's new state, written while its rows pass by.
 *
 * A table that has not changed keeps the index it has, so writing starts only at the first
 * difference; what came before it is copied from the parent's index. */
#ifndef RF_CAPTURE_INDEX_OUTLET_H
#define RF_CAPTURE_INDEX_OUTLET_H

#include <stdint.h>

#include "capture/outlet.h"
#include "format/archive.h"
#include "format/error.h"
#include "format/hash.h"
#include "format/table.h"

/* `parent` is the index that the first `same` rows are copied from; NULL with same 0. *damaged is
 * set where it is that index which cannot be read. */
RF_MUST_USE enum rf_code rf_index_outlet_open(struct rf_outlet *outlet,
                                              const struct rf_outlet_settings *settings,
                                              const struct rf_table *table,
                                              struct rf_archive *parent, uint64_t same,
                                              bool *damaged, struct rf_error *error);
/* `key` is the declared key's cells. */
RF_MUST_USE enum rf_code rf_index_outlet_put(struct rf_outlet *outlet, const struct rf_table *table,
                                             int64_t rowid, struct rf_hash hash,
                                             const struct rf_buffer *key, struct rf_error *error);
/* `state` is the last archive of the state that the index belongs to. */
RF_MUST_USE enum rf_code rf_index_outlet_finish(struct rf_outlet *outlet,
                                                const struct rf_archive_ref *state,
                                                struct rf_error *error);

#endif
