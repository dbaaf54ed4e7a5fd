/* Rows in blocks: a batch of rows goes in, compressed columns come out, and back.
 *
 * Writing: rf_batch_begin, rf_batch_add row by row until rf_batch_full, rf_block_encode. Encoding
 * has no state outside its arguments, so batches can be encoded on any threads.
 * Reading: rf_block_decode fills a struct rf_rows, whose columns lie apart, one entry a row.
 *
 * What a block holds beside its cells is its shape: rowids, row hashes, which column is the rowid. */
#ifndef RF_FORMAT_BLOCK_H
#define RF_FORMAT_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/error.h"
#include "format/table.h"
#include "format/value.h"

enum rf_block_kind {
    RF_BLOCK_ROWS = 1,  /* full archive: every row; delta: rows as they are now, new or changed */
    RF_BLOCK_GONE = 2,  /* delta: rows as they were, deleted or changed */
    RF_BLOCK_MOVES = 3, /* delta: runs of rowids that changed without their row's content */
};

/* What a GONE block keeps of a row beside its key in the archives and its row hash. */
enum rf_gone_form {
    RF_GONE_KEY = 0, /* the declared primary key's columns, in the order of the key */
    RF_GONE_ROW = 1, /* all columns: no declared key, or one that held NULLs */
};

struct rf_shape {
    bool rowids;      /* each row has an int64: the rowid, or the place in the scan */
    bool hashes;      /* each row has its row hash */
    int32_t alias;    /* the block column whose cells are the rowids and are not stored; -1 none */
    uint32_t columns; /* cells a row */
};

/* ROWS: all columns of the table. GONE: table->key or all. MOVES: three INTEGER cells a run: first old rowid, first new rowid, rows of the run (>= 1), whose
 * old rowids follow each other without a gap, as their new ones do. Runs ascend, in both. */
struct rf_shape rf_shape_of(const struct rf_table *table, enum rf_block_kind kind,
                            enum rf_gone_form gone);

/* A batch is full at either; a single row may exceed the bytes. */
#define RF_BATCH_ROWS 32768u
#define RF_BATCH_BYTES (1u << 20)
/* As each cell takes at least one canonical byte: the most cells in a block of several rows. */
#define RF_BLOCK_CELLS_MAX (RF_BATCH_BYTES + RF_COLUMNS_MAX)
/* No row is larger than this in canonical bytes, no block in raw bytes (SQLite's own limit for a row
 * is 1,000,000,000 bytes, in UTF-16 up to half as much again as UTF-8). */
#define RF_ROW_BYTES_MAX 1600000000u
#define RF_BLOCK_RAW_MAX 1700000000u

struct rf_batch {
    struct rf_shape shape;
    enum rf_block_kind kind;
    uint32_t rows;
    struct rf_buffer cells;  /* canonical bytes of each row, one after another; alias cell included */
    struct rf_buffer rowids; /* int64 each, where shape.rowids */
    struct rf_buffer hashes; /* RF_HASH_SIZE each, where shape.hashes */
};

void rf_batch_begin(struct rf_batch *batch, enum rf_block_kind kind, struct rf_shape shape);
/* `cells` is the row's canonical bytes with exactly shape.columns cells. `rowid` and `hash` are
 * looked at where the shape has them. Sticky: what fails shows in rf_block_encode. */
void rf_batch_add(struct rf_batch *batch, int64_t rowid, struct rf_hash hash, const void *cells,
                  size_t size);
/* The same for rows that lie one after another: row i is cells[starts[i]] to cells[starts[i + 1]], with
 * rowids[i] and hashes[i] where the shape has them. Stops when the batch is full; how many it took. */
uint32_t rf_batch_add_rows(struct rf_batch *batch, const int64_t *rowids,
                           const struct rf_hash *hashes, const uint8_t *cells,
                           const uint32_t *starts, uint32_t rows);
static inline bool rf_batch_full(const struct rf_batch *batch) {
    return batch->rows >= RF_BATCH_ROWS || batch->cells.size >= RF_BATCH_BYTES;
}
void rf_batch_release(struct rf_batch *batch);

/* Memory that encoding and decoding reuse from block to block. One a thread. */
struct rf_codec;
struct rf_codec *rf_codec_new(void); /* NULL when there is no memory */
void rf_codec_free(struct rf_codec *codec);

struct rf_block_facts {
    enum rf_block_kind kind;
    uint32_t rows;
    uint32_t raw_size;    /* bytes before compression */
    int64_t first, last;  /* rowids of the first and last row; 0 where there are none */
};

/* Encodes the batch at a zstd level, then decodes the result and compares every cell with the batch.
 * `stored` is replaced by the block's stored bytes. RF_FAILED when the proof fails: memory is not to
 * be trusted. */
RF_MUST_USE enum rf_code rf_block_encode(struct rf_codec *codec, const struct rf_batch *batch,
                                         int level, struct rf_buffer *stored,
                                         struct rf_block_facts *facts, struct rf_error *error);

/* Decoded rows. All arrays belong to the struct and are reused by the next decode into it. */
struct rf_column_cells {
    const uint8_t *class; /* one a row, enum rf_class; NULL where all are `uniform` */
    enum rf_class uniform;
    const uint64_t *bits; /* one a row: INTEGER two's complement, REAL IEEE bits, TEXT and BLOB: the
                             offset of the bytes in `heap`; NULL where all are NULL */
    const uint32_t *size; /* one a row, of TEXT and BLOB; NULL where the column has neither */
    const uint8_t *heap;
};

struct rf_rows {
    struct rf_shape shape;
    uint32_t count;
    const int64_t *rowids;              /* where shape.rowids */
    const uint8_t *hashes;              /* RF_HASH_SIZE each, where shape.hashes */
    const struct rf_column_cells *cells; /* shape.columns of them; the alias column's are filled too */
    struct rf_rows_memory *memory;
};

/* `stored` is what rf_block_encode made; rows, raw_size and kind come from the archive's footer and
 * must agree with it. Nothing is allocated before sizes are checked. RF_CORRUPT otherwise. */
RF_MUST_USE enum rf_code rf_block_decode(struct rf_codec *codec, const struct rf_block_facts *facts,
                                         struct rf_shape shape, const void *stored, size_t size,
                                         struct rf_rows *rows, struct rf_error *error);
void rf_rows_release(struct rf_rows *rows);

static inline enum rf_class rf_rows_class(const struct rf_rows *rows, uint32_t column, uint32_t row) {
    const struct rf_column_cells *cells = &rows->cells[column];
    return cells->class ? (enum rf_class)cells->class[row] : cells->uniform;
}
static inline struct rf_value rf_rows_value(const struct rf_rows *rows, uint32_t column,
                                            uint32_t row) {
    const struct rf_column_cells *cells = &rows->cells[column];
    struct rf_value value = {.class = rf_rows_class(rows, column, row)};
    if (value.class == RF_INTEGER || value.class == RF_REAL) {
        memcpy(&value.integer, &cells->bits[row], sizeof value.integer);
    } else if (value.class != RF_NULL) {
        value.size = cells->size[row];
        value.bytes = cells->heap + cells->bits[row];
    }
    return value;
}
/* Appends the row's canonical bytes. */
void rf_rows_put(const struct rf_rows *rows, uint32_t row, struct rf_buffer *out);
/* Canonical bytes of `count` rows from `first` on, replacing what is in `out`; starts[i] to starts[i + 1] is
 * the row first + i, `starts` has room for count + 1. Much quicker than row by row. `out` shows want of memory. */
void rf_rows_put_all(const struct rf_rows *rows, uint32_t first, uint32_t count,
                     struct rf_buffer *out, uint32_t *starts);
/* Row hashes of `count` rows from `first` on. `scratch` is memory to reuse: some tens of KiB, or the largest row. */
RF_MUST_USE enum rf_code rf_rows_hash(const struct rf_rows *rows, uint32_t first, uint32_t count,
                                      struct rf_buffer *scratch, struct rf_hash *hashes,
                                      struct rf_error *error);

#endif
