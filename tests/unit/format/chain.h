/* A repository with one table that changes at random from snapshot to snapshot, and beside it the
 * rows as they have to be: a plain array, changed in the plainest way. */
#ifndef RF_TESTS_FORMAT_CHAIN_H
#define RF_TESTS_FORMAT_CHAIN_H

#include "fixture.h"
#include "format/repository.h"

enum chain_key {
    CHAIN_ALIAS,   /* the rowid is a column */
    CHAIN_ROWID,   /* a rowid table without a declared key; rows move */
    CHAIN_KEYED,   /* one with a declared key that is not the rowid; rows move */
    CHAIN_PLACE,   /* rows are told apart by their place, and move */
    CHAIN_COLUMNS, /* WITHOUT ROWID */
    CHAIN_KEYS,
};
#define CHAIN_COLUMN_COUNT 4u

/* What a writer does wrong, under checksums that fit; the manifest has what would be right. */
enum chain_fault {
    CHAIN_SOUND,
    CHAIN_LOSES_ROW,     /* a full archive lacks its first row */
    CHAIN_DELETES_AMISS, /* the last row that a delta deletes is one that is not there */
};

struct chain_row {
    int64_t rowid;
    uint8_t *cells; /* canonical bytes */
    size_t size;
};

struct chain {
    char path[PATH_MAX];
    struct rf_repository *repository;
    struct rf_pool *pool;
    struct chance chance;
    uint64_t seed;
    enum chain_key key;
    uint32_t rows_a_block;
    bool moving; /* deltas may renumber rows */
    enum chain_fault fault;
    struct rf_column columns[CHAIN_COLUMN_COUNT];
    uint32_t key_columns[2];
    struct rf_census census[CHAIN_COLUMN_COUNT];
    struct rf_archive_ref state[32];
    struct rf_manifest_table table;
    struct rf_snapshot_name newest;
    /* The rows of the newest snapshot, in the order of their keys. */
    struct chain_row *rows;
    uint32_t count;
};

/* Makes the repository and publishes snapshot 1, a full archive of that many rows. */
void chain_make(struct chain *chain, enum chain_key key, uint64_t seed, uint32_t rows);
/* Changes rows and publishes a snapshot with a delta. */
void chain_step(struct chain *chain);
/* The same, but the state is one full archive again. */
void chain_fold(struct chain *chain);
/* Writes the archives of a further snapshot, but leaves them to be published; see chain_publish. */
struct chain_draft {
    struct rf_manifest manifest;
    struct rf_pending_archive archives[2];
    uint32_t count;
    struct chain_row *rows;
    uint32_t row_count;
};
void chain_draft(struct chain *chain, bool fold, struct chain_draft *draft);
/* Takes the draft for what the repository now holds. */
void chain_accept(struct chain *chain, struct chain_draft *draft,
                  const struct rf_snapshot_name *name);
void chain_drop(struct chain_draft *draft);
void chain_free(struct chain *chain);

struct rf_hash chain_hash(const struct chain_row *row);

#endif
