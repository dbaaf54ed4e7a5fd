/* One archive: the rows of one table in one snapshot, in one file (SPEC.md, "Archive").
 *
 *   header | block | block | … | footer with the block index | trailer
 *
 * Within one block kind, rows ascend by key: rowid or place in the scan, or for RF_KEY_COLUMNS the
 * key's values in the order of rf_value_compare. Block kinds may alternate in the file.
 *
 * Writing: rf_archive_writer_new makes a file in the repository's tmp folder; batches go in through
 * rf_archive_writer_add on one thread (they are encoded on the pool's threads and written in the
 * order they were added); rf_archive_writer_finish writes footer and trailer, syncs, and tells the
 * archive's name; rf_repository_publish moves it to where readers look.
 *
 * Reading: rf_archive_open checks header, footer, trailer and the file's size; rf_archive_read checks
 * and decodes one block. A reader may be shared by threads, each with its own codec and rows. */
#ifndef RF_FORMAT_ARCHIVE_H
#define RF_FORMAT_ARCHIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/block.h"
#include "format/error.h"
#include "format/hash.h"
#include "format/io.h"
#include "format/pool.h"
#include "format/sha256.h"
#include "format/table.h"

enum rf_archive_kind { RF_ARCHIVE_FULL = 1, RF_ARCHIVE_DELTA = 2 };

#define RF_SOURCE_ID_SIZE 16
#define RF_ARCHIVE_NAME_SIZE 80 /* longest name with its NUL: slug, '-', 32 hex digits, ".rfa" */

/* How a manifest names an archive. */
struct rf_archive_ref {
    char name[RF_ARCHIVE_NAME_SIZE]; /* within the archives folder */
    enum rf_archive_kind kind;
    struct rf_hash digest;          /* XXH3-128 of all bytes of the file */
    uint64_t size;                  /* bytes of the file */
    uint8_t sha256[RF_SHA256_SIZE]; /* of all bytes of the file */
};

struct rf_archive_head {
    enum rf_archive_kind kind;
    uint8_t source[RF_SOURCE_ID_SIZE];
    uint64_t snapshot;
    enum rf_gone_form gone; /* delta only */
    /* Digest of the table's rows before and after: what a delta leads from, and to. A full archive leads
     * from nothing, which is zero. The writer is told `after` in the end. */
    struct rf_digest before, after;
    const struct rf_table
        *table; /* writer: borrowed for the call; reader: of the reader, with name,
                                     columns' names, kinds and key only */
};

struct rf_archive_writer;
/* `level` is zstd's. `folder` is where the temporary file goes. */
RF_MUST_USE enum rf_code rf_archive_writer_new(struct rf_io *io, const char *folder,
                                               const struct rf_archive_head *head, int level,
                                               struct rf_pool *pool,
                                               struct rf_archive_writer **writer,
                                               struct rf_error *error);
/* An empty batch of that kind, from the pool; waits until one is free (a thread may hold at most
 * RF_POOL_BATCHES_HELD at once, over all writers of the pool). NULL when the archive failed
 * (the error shows in finish) or memory did. */
struct rf_batch *rf_archive_writer_batch(struct rf_archive_writer *writer, enum rf_block_kind kind);
/* Before finish, which then does not sync: the file may be lost if power fails, until somebody does
 * (rf_pending_archive has the flag for it). */
void rf_archive_writer_leave_unsynced(struct rf_archive_writer *writer);
/* Takes the batch back and has it encoded and written. An empty batch is allowed and writes nothing. */
void rf_archive_writer_add(struct rf_archive_writer *writer, struct rf_batch *batch);
/* Waits for all batches, writes the rest, syncs (see above). `after` is the digest of the table's rows
 * that this archive makes. On success `ref` names the archive and `path` (room for PATH_MAX) says where
 * the temporary file is; on failure nothing is left. Frees the writer. */
RF_MUST_USE enum rf_code rf_archive_writer_finish(struct rf_archive_writer *writer,
                                                  const struct rf_digest *after,
                                                  struct rf_archive_ref *ref, char *path,
                                                  struct rf_error *error);
void rf_archive_writer_abort(struct rf_archive_writer *writer); /* NULL is fine */

struct rf_archive;
struct rf_block_place {
    struct rf_block_facts facts;
    uint64_t offset; /* in the file */
    uint32_t size;   /* stored bytes with the block's own header */
};
/* `ref` may be NULL (a loose file); otherwise kind and size must agree with it. */
RF_MUST_USE enum rf_code rf_archive_open(struct rf_io *io, const char *path,
                                         const struct rf_archive_ref *ref,
                                         struct rf_archive **archive, struct rf_error *error);
void rf_archive_close(struct rf_archive *archive); /* NULL is fine */
const struct rf_archive_head *rf_archive_head_of(const struct rf_archive *archive);
const char *rf_archive_path(const struct rf_archive *archive);
/* Which file it is, and as of when: two that are alike in all of it have the same bytes. False where
 * that cannot be told. */
struct rf_file_identity {
    uint64_t device, inode, size;
    int64_t modified_ns, changed_ns;
};
bool rf_archive_identity(const struct rf_archive *archive, struct rf_file_identity *identity);
uint32_t rf_archive_blocks(const struct rf_archive *archive);
const struct rf_block_place *rf_archive_block(const struct rf_archive *archive, uint32_t block);
/* Rows in all blocks of that kind. */
uint64_t rf_archive_rows(const struct rf_archive *archive, enum rf_block_kind kind);
RF_MUST_USE enum rf_code rf_archive_read(struct rf_archive *archive, struct rf_codec *codec,
                                         uint32_t block, struct rf_rows *rows,
                                         struct rf_error *error);
/* The same in two halves: reading the stored bytes, and checking and decoding them, which need not be
 * done by the same thread. */
RF_MUST_USE enum rf_code rf_archive_fetch(struct rf_archive *archive, uint32_t block,
                                          struct rf_buffer *stored, struct rf_error *error);
RF_MUST_USE enum rf_code rf_archive_decode(const struct rf_archive *archive, struct rf_codec *codec,
                                           uint32_t block, const struct rf_buffer *stored,
                                           struct rf_rows *rows, struct rf_error *error);
/* Reads all bytes of the file and compares with the digest. */
RF_MUST_USE enum rf_code rf_archive_prove(struct rf_archive *archive, struct rf_hash digest,
                                          struct rf_error *error);
/* The same with the SHA-256, which withstands somebody who means harm. `stop` may be NULL; once it is not 0,
 * RF_INTERRUPTED. */
RF_MUST_USE enum rf_code rf_archive_prove_sha256(struct rf_archive *archive,
                                                 const uint8_t sha256[RF_SHA256_SIZE],
                                                 const atomic_int *stop, struct rf_error *error);
RF_MUST_USE enum rf_code rf_archive_compare_sha256(const struct rf_archive *archive,
                                                   const uint8_t expected[RF_SHA256_SIZE],
                                                   const uint8_t computed[RF_SHA256_SIZE],
                                                   struct rf_error *error);
/* The same for one who fetches every block anyhow, and hashes in the order of the file: what comes before the
 * first block, the blocks, what comes behind the last, then the comparison. */
RF_MUST_USE enum rf_code rf_archive_hash_head(const struct rf_archive *archive,
                                              struct rf_hasher *hasher, struct rf_error *error);
RF_MUST_USE enum rf_code rf_archive_hash_tail(const struct rf_archive *archive,
                                              struct rf_hasher *hasher, struct rf_error *error);
RF_MUST_USE enum rf_code rf_archive_compare(const struct rf_archive *archive, struct rf_hash digest,
                                            struct rf_hash computed, struct rf_error *error);

#endif
