/* The local index of a table, as a file: key and row hash of every row of its newest state, so that
 * the next capture can tell what changed without reading the archives.
 *
 *     magic | piece | piece | … | directory | trailer
 *
 * A piece is a piece of the feed that the rows came from (row_feed.h): its chunk's identity, by
 * which the next capture knows the chunk again and passes over it, and
 *
 *     census     of the rows, where the chunk has an identity; with a checksum of its own
 *     hashes     16 bytes a row, never compressed, since they would not shrink
 *     rowids     a number stream (format/column.h), but for WITHOUT ROWID
 *     keys       sizes as a number stream, then cells; where the key is not the rowid
 *
 * The directory has an entry a piece, with the checksum of what follows the census. It is all that
 * a capture reads of a table that has not changed. The trailer names the archive whose state this
 * is.
 *
 * Nothing here is believed: an index that is missing, torn, damaged or of another state is told by
 * checksums, and made anew from the archives. So it is never synced. Only this program reads it, on
 * the machine that wrote it; it is no part of the format that SPEC.md describes.
 *
 * A reader may be shared by threads as far as rf_index_find goes; all else belongs to one. */
#ifndef RF_CAPTURE_INDEX_FILE_H
#define RF_CAPTURE_INDEX_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/keyed_rows.h"
#include "format/bytes.h"
#include "format/error.h"
#include "format/hash.h"
#include "format/io.h"
#include "format/manifest.h"

#define RF_INDEX_NONE UINT32_MAX

struct rf_index_entry {
    struct rf_hash identity; /* zero: none */
    struct rf_hash sum;      /* of the row hashes */
    uint64_t offset;
    uint64_t checksum;    /* of what follows the census */
    int64_t first;        /* rowid; 0 for RF_KEY_COLUMNS */
    uint32_t size;        /* stored bytes */
    uint32_t census_size; /* of them; 0 where there is no identity */
    uint32_t rows;
    bool begins, ends; /* its chunk */
};

/* ---- reading ---- */

struct rf_index_reader;
/* Takes the index for that of `table`'s state. *reader is NULL where it is not, or cannot be read;
 * only want of memory is a failure. */
RF_MUST_USE enum rf_code rf_index_reader_open(struct rf_io *io, const char *path,
                                              const struct rf_manifest_table *table,
                                              struct rf_index_reader **reader,
                                              struct rf_error *error);
void rf_index_reader_close(struct rf_index_reader *reader); /* NULL is fine */
uint32_t rf_index_pieces(const struct rf_index_reader *reader);
const struct rf_index_entry *rf_index_entry(const struct rf_index_reader *reader, uint32_t piece);
/* The first piece of the chunk of that identity; RF_INDEX_NONE. */
uint32_t rf_index_find(const struct rf_index_reader *reader, struct rf_hash identity);
/* Behind the last piece of the chunk that begins with this one. */
uint32_t rf_index_chunk_end(const struct rf_index_reader *reader, uint32_t piece);
/* `rows` is the reader's until the next call. RF_CORRUPT: the index is to be made anew. */
RF_MUST_USE enum rf_code rf_index_read(struct rf_index_reader *reader, uint32_t piece,
                                       struct rf_keyed_rows *rows, struct rf_error *error);
/* Adds what was counted of the piece, whose chunk has an identity. RF_CORRUPT likewise. */
RF_MUST_USE enum rf_code rf_index_read_census(struct rf_index_reader *reader, uint32_t piece,
                                              struct rf_census *census, struct rf_error *error);

/* ---- writing ---- */

/* What is small stays in memory until the end: many indexes are begun that are not wanted then. */
struct rf_index_writer;
RF_MUST_USE enum rf_code rf_index_writer_new(struct rf_io *io, const char *folder,
                                             const struct rf_table *table,
                                             struct rf_index_writer **writer,
                                             struct rf_error *error);
struct rf_index_put {
    struct rf_hash identity;
    bool begins, ends;
    const struct rf_keyed_rows *rows; /* 1 to RF_BATCH_ROWS */
    struct rf_hash sum;
    const struct rf_census *census; /* looked at where there is an identity */
};
RF_MUST_USE enum rf_code rf_index_writer_put(struct rf_index_writer *writer,
                                             const struct rf_index_put *piece,
                                             struct rf_error *error);
/* Whole pieces [first, end) as they are, unread; as many as follow each other are copied at once,
 * later: the writer is settled before `reader` is closed. */
RF_MUST_USE enum rf_code rf_index_writer_copy(struct rf_index_writer *writer,
                                              struct rf_index_reader *reader, uint32_t first,
                                              uint32_t end, struct rf_error *error);
RF_MUST_USE enum rf_code rf_index_writer_settle(struct rf_index_writer *writer,
                                                struct rf_error *error);
/* `state`: digest of the last archive of the state that the index belongs to. `path`, room for
 * PATH_MAX, says where the file is. Frees the writer; on failure nothing is left. */
RF_MUST_USE enum rf_code rf_index_writer_finish(struct rf_index_writer *writer,
                                                struct rf_hash state, char *path,
                                                struct rf_error *error);
void rf_index_writer_abort(struct rf_index_writer *writer); /* NULL is fine */

#endif
