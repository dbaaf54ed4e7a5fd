/* The key of a row as a JSON object, for rowferry.set_aside, where no column of a PostgreSQL type
 * may be able to hold it. */
#ifndef RF_REPLAY_JSON_KEY_H
#define RF_REPLAY_JSON_KEY_H

#include <stdint.h>

#include "format/block.h"
#include "format/bytes.h"
#include "format/table.h"

/* Appends {"id": 7, "day": "monday"}: the columns of the declared primary key from a block with all
 * columns; a table without one has {"rowid": 7}, or {"place": 7} (in the scan) where no name
 * reaches the rowid. Blobs and text that is not valid UTF-8 are "\\x" and hexadecimal digits; a
 * value of more than 64 KiB is {"bytes": …, "hash": …}. */
void rf_json_key(const struct rf_table *table, const struct rf_rows *rows, uint32_t row,
                 int64_t rowid, struct rf_buffer *out);

#endif
