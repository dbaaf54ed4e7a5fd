/* A stream: snapshots on their way through a pipe or on a medium (SPEC.md, "Stream").
 *
 *   head | manifest, fold, archives of one snapshot | … of the next | … | end
 *
 * A stream is a sequence of records, and a record is a file in pieces. No record has a name: manifest and
 * fold say themselves what they are, and an archive is what a manifest before it calls by its digest.
 * Each piece carries a checksum of the file up to its end and of its place, so that the file is hashed once
 * for both; what is changed, lost, repeated or moved shows at the next piece, and what is cut off at the end.
 *
 * Neither side knows files or pipes: bytes go to one function of the caller and come from another. Both are
 * used by one thread. Manifests come before the archives, so that a reader knows what a snapshot takes
 * before it spends a byte on it. */
#ifndef RF_FORMAT_STREAM_H
#define RF_FORMAT_STREAM_H

#include <stdatomic.h>
#include <stdint.h>

#include "format/error.h"
#include "format/hash.h"
#include "format/io.h"
#include "format/repository.h"

#define RF_STREAM_MAGIC "RFSTREAM"
#define RF_RECORD_MAGIC "RFRC"
#define RF_STREAM_HEAD_SIZE 104u
#define RF_RECORD_SIZE 40u
#define RF_STREAM_PIECE (1u << 20)

struct rf_stream_head {
    uint8_t source[RF_SOURCE_ID_SIZE];
    struct rf_snapshot_name since; /* the snapshots after that one; number 0: from the first on */
    struct rf_snapshot_name last;  /* up to that one; that of `since` where there is none */
    uint64_t snapshots;
    uint64_t bytes; /* of all files in the stream */
};

enum rf_record_kind {
    RF_RECORD_MANIFEST = 1, /* begins a snapshot */
    RF_RECORD_FOLD = 2,     /* of that snapshot; at most one, directly behind it */
    RF_RECORD_ARCHIVE = 3,  /* that it names */
    RF_RECORD_END = 4,      /* no file; `size` is that of all files together */
};

struct rf_record {
    enum rf_record_kind kind;
    uint64_t size;         /* bytes of the file */
    struct rf_hash digest; /* XXH3-128 of all of them; zero for the end */
};

/* ---- writing ---- */

typedef enum rf_code rf_stream_put(void *context, const void *bytes, size_t size,
                                   struct rf_error *error);

struct rf_stream_writer;
/* The head goes out with what follows it. `stop` is looked at between pieces. */
RF_MUST_USE enum rf_code rf_stream_writer_new(rf_stream_put *put, void *context,
                                              const struct rf_stream_head *head,
                                              const atomic_int *stop,
                                              struct rf_stream_writer **writer,
                                              struct rf_error *error);
void rf_stream_writer_free(struct rf_stream_writer *writer); /* NULL is fine */
/* The content of the file, which has to have that size and digest: RF_CORRUPT otherwise, and nothing more
 * may be written. RF_STORAGE with ENOENT: it is not there (any more). */
RF_MUST_USE enum rf_code rf_stream_write_file(struct rf_stream_writer *writer, struct rf_io *io,
                                              const char *path, const struct rf_record *record,
                                              struct rf_error *error);
/* The end, and everything that was kept back. */
RF_MUST_USE enum rf_code rf_stream_write_end(struct rf_stream_writer *writer,
                                             struct rf_error *error);
uint64_t rf_stream_written(const struct rf_stream_writer *writer); /* bytes of files so far */

/* ---- reading ---- */

/* At least one byte, at most `size`; 0: there are no more. */
typedef enum rf_code rf_stream_get(void *context, void *bytes, size_t size, size_t *got,
                                   struct rf_error *error);

struct rf_stream_reader;
/* Reads the head. RF_CORRUPT: no stream, or a damaged one; RF_MISPLACED: of a newer version. All errors of
 * reading say at which byte of the stream. */
RF_MUST_USE enum rf_code rf_stream_reader_new(rf_stream_get *get, void *context,
                                              const atomic_int *stop,
                                              struct rf_stream_reader **reader,
                                              struct rf_error *error);
void rf_stream_reader_free(struct rf_stream_reader *reader); /* NULL is fine */
const struct rf_stream_head *rf_stream_head_of(const struct rf_stream_reader *reader);
/* The next record, whose predecessor was read to its end. The sizes of all records together are at most
 * what the head says, and at the end exactly that; behind it the stream ends, too. */
RF_MUST_USE enum rf_code rf_stream_next(struct rf_stream_reader *reader, struct rf_record *record,
                                        struct rf_error *error);
/* The next bytes of the record's file, valid until the next call; *size 0: that was all, and it has the
 * record's digest. What comes before that may still turn out to be damaged. */
RF_MUST_USE enum rf_code rf_stream_content(struct rf_stream_reader *reader, const uint8_t **bytes,
                                           size_t *size, struct rf_error *error);
/* All of it, appended. The buffer grows with what arrives, not by what the record says. */
RF_MUST_USE enum rf_code rf_stream_content_all(struct rf_stream_reader *reader,
                                               struct rf_buffer *out, struct rf_error *error);
uint64_t rf_stream_offset(const struct rf_stream_reader *reader);  /* bytes of the stream so far */
uint64_t rf_stream_arrived(const struct rf_stream_reader *reader); /* bytes of files so far */

/* ---- both ---- */

void rf_stream_head_encode(const struct rf_stream_head *head, uint8_t bytes[RF_STREAM_HEAD_SIZE]);
void rf_record_encode(const struct rf_record *record, uint64_t head_checksum, uint64_t offset,
                      uint8_t bytes[RF_RECORD_SIZE]);
/* Of a record's first bytes, at that place of the stream. */
uint64_t rf_record_checksum(const uint8_t bytes[RF_RECORD_SIZE], uint64_t head_checksum,
                            uint64_t offset);
/* Of a piece that begins at that place, where the file up to its end has that digest. */
uint64_t rf_piece_checksum(uint64_t head_checksum, uint64_t offset, struct rf_hash so_far);

#endif
