/* The parts of rf_check. Inner header of format/.
 *
 * check_state.c proves the newest rows as a reader sees them; check.c follows the history from manifest to
 * manifest, and check_archive.c proves the archives on the way. The newest rows come first, as most blocks that
 * there are need then be decoded only once; what is found of them is told last. All that is found is told by the
 * thread that called rf_check, in the order of the history; others only decode and add up. */
#ifndef RF_FORMAT_CHECK_INNER_H
#define RF_FORMAT_CHECK_INNER_H

#include "format/check.h"
#include "format/crew.h"

/* What the rows of one archive add up to. */
struct rf_check_sums {
    struct rf_digest rows, gone;
};

/* An archive that was read to its end. */
struct rf_check_archive {
    struct rf_hash digest;          /* by which manifests name it */
    uint8_t sha256[RF_SHA256_SIZE]; /* likewise */
    bool whole;                     /* without damage; only then the rest means anything */
    struct rf_check_sums sums;
    struct rf_digest before, after; /* as it says itself */
};

/* All of them; zero to begin with. */
struct rf_check_seen {
    uint32_t count, places;
    struct rf_check_archive *list;
    uint32_t *table;
};
/* NULL where there is none. Valid until the next is added. */
const struct rf_check_archive *rf_check_seen_find(const struct rf_check_seen *seen,
                                                  struct rf_hash digest);
RF_MUST_USE enum rf_code rf_check_seen_add(struct rf_check_seen *seen,
                                           const struct rf_check_archive *archive,
                                           struct rf_error *error);
void rf_check_seen_release(struct rf_check_seen *seen);

/* A damage that is told later than it is found. */
struct rf_check_later {
    char file[RF_ARCHIVE_NAME_SIZE + 16];
    struct rf_error error;
};

struct rf_check_run {
    struct rf_repository *repository;
    bool trusting; /* keys: then every archive's SHA-256 is proven with its digest */
    const struct rf_check_options *options;
    struct rf_check_result *result;
    uint64_t bytes_total, bytes_shown;
    struct rf_check_seen seen;
    struct rf_check_seen
        decoded; /* full archives whose every block was decoded for the newest rows */
    uint32_t later_count;
    struct rf_check_later *later;   /* what was found of the newest rows, to be told in the end */
    struct rf_check_blocks *blocks; /* what check_archive.c keeps from archive to archive */
};

void rf_check_report(struct rf_check_run *check, const char *file, int64_t block,
                     const struct rf_error *error);
/* Fills in the error. */
void rf_check_wrong_digest(const struct rf_manifest_table *table, const struct rf_digest *found,
                           struct rf_error *error);
/* So many bytes of blocks were decoded. */
void rf_check_advance(struct rf_check_run *check, uint64_t bytes);
static inline bool rf_check_stopped(const struct rf_check_run *check) {
    return atomic_load(check->options->stop) != 0;
}
/* Errors that say something about the machine rather than about the repository end the run. */
static inline bool rf_check_is_finding(enum rf_code code) {
    return code == RF_CORRUPT || code == RF_MISPLACED || code == RF_STORAGE;
}

/* Hashes of all rows. */
RF_MUST_USE enum rf_code rf_check_hash_rows(const struct rf_rows *rows, struct rf_buffer *cells,
                                            struct rf_hash *hashes, struct rf_error *error);
/* Adds the hashes of `count` rows from `first` on to the sum. */
RF_MUST_USE enum rf_code rf_check_sum_rows(const struct rf_rows *rows, uint32_t first,
                                           uint32_t count, struct rf_buffer *cells,
                                           struct rf_digest *sum, struct rf_error *error);

RF_MUST_USE enum rf_code rf_check_blocks_new(unsigned threads, struct rf_check_blocks **blocks,
                                             struct rf_error *error);
void rf_check_blocks_free(struct rf_check_blocks *blocks); /* NULL is fine */
/* Every block of the archive, damaged or not, the digest of the file in one pass over it, and what it says of
 * its rows. One that was seen before is not read again. */
RF_MUST_USE enum rf_code rf_check_archive(struct rf_check_run *check,
                                          const struct rf_archive_ref *ref,
                                          struct rf_check_archive *found, struct rf_error *error);

/* Fills `later` and `decoded`. */
RF_MUST_USE enum rf_code rf_check_newest(struct rf_check_run *check,
                                         const struct rf_manifest *newest, unsigned threads,
                                         struct rf_error *error);

#endif
