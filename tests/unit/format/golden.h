/* The content of the golden archives in tests/golden, as literals.
 *
 * golden_make wrote the files from these literals once. Since then the files stay as they are: a
 * reader of any later version has to read out of them what stands here. test_golden does so with
 * the C library, test_rfa_read.py with the second reader against the *.expected files. A change of
 * the format before version 1.0 is the only reason to run golden_make again. */
#ifndef RF_TESTS_GOLDEN_H
#define RF_TESTS_GOLDEN_H

#include "format/archive.h"
#include "format/manifest.h"

#define GOLDEN_COLUMNS_MAX 12

struct golden_cell {
    enum rf_class class;
    int64_t integer;
    double real;
    const char *bytes;
    uint32_t size;
};

/* A whole row of the table, for blocks of all kinds but MOVES: those that keep less of a row derive
 * it from here. In MOVES the first three cells are the run. */
struct golden_row {
    int64_t rowid;
    struct golden_cell cells[GOLDEN_COLUMNS_MAX];
};

struct golden_block {
    enum rf_block_kind kind;
    uint32_t count;
    const struct golden_row *rows;
};

struct golden_archive {
    const char *file;   /* without ".rfa" */
    const char *parent; /* the file it continues, or belongs to; NULL for a full one */
    enum rf_archive_kind kind;
    enum rf_gone_form gone;
    const struct rf_table *table;
    uint32_t block_count;
    const struct golden_block *blocks;
};

extern const struct golden_archive golden_archives[];
extern const uint32_t golden_archive_count;

/* The tables of the manifest "snapshot.rfm", as they stand in its snapshot 2. */
struct golden_state {
    const char *full;  /* files */
    const char *delta; /* NULL: unchanged since snapshot 1 */
    uint32_t count;
    const struct golden_row *rows;
    uint64_t inserted, updated, deleted, moved;
};
extern const struct golden_state golden_states[];
extern const uint32_t golden_state_count;

extern const uint8_t golden_source[RF_SOURCE_ID_SIZE];

/* The manifest but for its tables. What it points to is static: never released. */
extern const struct rf_manifest golden_manifest;

/* The manifest with its tables: digests and census follow from the rows, names and sizes of
 * archives from the files in the folder. */
bool golden_manifest_make(const char *folder, struct rf_manifest *manifest);
void golden_manifest_unmake(struct rf_manifest *manifest);
/* The name that the archive has in a repository. */
void golden_archive_name(const struct golden_archive *archive, struct rf_hash digest,
                         char name[RF_ARCHIVE_NAME_SIZE]);

const struct golden_archive *golden_find(const char *file);
/* Appends the canonical bytes of some columns of a row: `columns` NULL means the first `count`. */
void golden_put(const struct golden_row *row, const uint32_t *columns, uint32_t count,
                struct rf_buffer *out);
struct rf_hash golden_hash(const struct golden_row *row, uint32_t columns);
/* What a block of that kind keeps of the row. */
void golden_put_kept(const struct golden_archive *archive, enum rf_block_kind kind,
                     const struct golden_row *row, struct rf_buffer *out);
/* Of the rows that the archive makes. */
struct rf_digest golden_after(const struct golden_archive *archive);
struct rf_digest golden_digest(const struct golden_state *state, uint32_t columns);
void golden_census(const struct golden_state *state, uint32_t column, struct rf_census *census);

#endif
