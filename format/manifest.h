/* The manifest of a snapshot: what the source was at one moment, and the archives that hold it.
 *
 * A manifest is whole in itself: it names every archive that is needed to read the snapshot. It is
 * published last, so a manifest that is there promises that its archives are. */
#ifndef RF_FORMAT_MANIFEST_H
#define RF_FORMAT_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "format/archive.h"
#include "format/bytes.h"
#include "format/error.h"
#include "format/hash.h"
#include "format/key.h"
#include "format/sha256.h"
#include "format/table.h"
#include "format/value.h"

/* What a column holds, over all rows of the snapshot. */
struct rf_census {
    uint64_t count[RF_CLASSES]; /* rows by storage class */
    int64_t min_integer;        /* 0 where there is no INTEGER */
    int64_t max_integer;
    uint64_t longest; /* bytes of the longest TEXT or BLOB */
    uint64_t text_with_nul;
    uint64_t text_not_utf8;
};

enum rf_change {
    RF_CHANGE_NONE = 0,  /* the archives are the parent's */
    RF_CHANGE_DELTA = 1, /* `delta` leads here from the parent */
    RF_CHANGE_NEW =
        2, /* not in the parent, or with other columns or another key there: read whole */
};

struct rf_manifest_table {
    struct rf_table table;
    struct rf_digest digest;
    struct rf_census *census; /* table.column_count of them */
    enum rf_change change;
    uint64_t inserted, updated, deleted, moved; /* rows, against the parent; NEW: all inserted */
    struct rf_archive_ref delta;                /* where change is DELTA */
    /* The archives that, applied one upon another, are the table's rows: a full one, then deltas. */
    uint32_t state_count; /* >= 1 */
    struct rf_archive_ref *state;
};

/* An entry of sqlite_schema. */
struct rf_object {
    char *type; /* "table", "index", "view", "trigger" */
    char *name;
    char *table; /* tbl_name */
    char *sql;   /* NULL for an index that a constraint made */
};

struct rf_left_out {
    char *name;
    char *reason; /* "virtual table using fts5", "shadow table of …", "excluded by …" */
};

struct rf_sequence {        /* a row of sqlite_sequence */
    struct rf_buffer cells; /* two canonical cells: name, seq */
};

struct rf_manifest {
    uint64_t snapshot; /* 1, 2, 3 … */
    uint64_t parent;   /* number of the parent, 0 for the first */
    struct rf_hash parent_digest;
    uint8_t parent_sha256[RF_SHA256_SIZE]; /* of the parent's file; zero for none */
    uint8_t source[RF_SOURCE_ID_SIZE];
    int64_t time_us;      /* microseconds since 1970-01-01 UTC, when the read transaction began */
    uint64_t duration_us; /* of the capture, up to the manifest */
    uint64_t bytes;       /* of the archives written for this snapshot */
    char *path;           /* of the source, absolute, as captured */
    char *writer;         /* "rowferry 0.1.0" */
    char *sqlite_version;
    uint32_t page_size;
    char *encoding; /* "UTF-8", "UTF-16le", "UTF-16be" */
    int32_t user_version;
    int32_t application_id;
    uint32_t auto_vacuum;
    char *journal_mode;
    uint32_t table_count;
    struct rf_manifest_table *tables; /* in byte order of their names */
    uint32_t object_count;
    struct rf_object *objects;
    uint32_t left_out_count;
    struct rf_left_out *left_out;
    uint32_t sequence_count;
    struct rf_sequence *sequences;
    /* What is known of a manifest that was loaded, and is not in its body. */
    uint8_t sha256[RF_SHA256_SIZE]; /* of its file */
    struct rf_signature signature;  /* whose it is */
    uint64_t fold; /* generation of the fold that is laid over it (fold.h); 0: none */
};

void rf_manifest_release(struct rf_manifest *manifest);
void rf_manifest_table_release(struct rf_manifest_table *table);
/* By exact name; NULL when there is none. */
const struct rf_manifest_table *rf_manifest_find(const struct rf_manifest *manifest,
                                                 const char *name);
/* What a delta from one snapshot's table to another's keeps of rows that are gone (SPEC.md, "Block
 * kinds"). Of `to`, only the description matters where the key kind is RF_KEY_COLUMNS. */
enum rf_gone_form rf_manifest_gone_form(const struct rf_manifest_table *from,
                                        const struct rf_manifest_table *to);
/* Deep copies; RF_NO_MEMORY. */
RF_MUST_USE enum rf_code rf_manifest_table_copy(const struct rf_manifest_table *from,
                                                struct rf_manifest_table *to,
                                                struct rf_error *error);

/* The bytes of the manifest's file, and the digest that names the snapshot (XXH3-128 of them). `signer`
 * may be NULL. */
RF_MUST_USE enum rf_code rf_manifest_encode(const struct rf_manifest *manifest,
                                            const struct rf_signer *signer, struct rf_buffer *out,
                                            struct rf_hash *digest, struct rf_error *error);
/* Fills in sha256 as well. `trust` NULL: signed or not, by whomever; else RF_CORRUPT for what none of
 * these keys signed. */
RF_MUST_USE enum rf_code rf_manifest_decode(const void *bytes, size_t size,
                                            const struct rf_trust *trust,
                                            struct rf_manifest *manifest, struct rf_error *error);

#endif
