/* Where the indexes of a repository lie, what they are called, and which tables have one.
 *
 * An index file is named like the last archive of the state it belongs to, so one that is there is
 * the right one, and one that belongs to nothing can be removed at any time. */
#ifndef RF_CAPTURE_INDEX_STORE_H
#define RF_CAPTURE_INDEX_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/index_file.h"
#include "format/error.h"
#include "format/manifest.h"
#include "format/repository.h"

/* A table with fewer rows and bytes of archives is read from these: that takes no longer, and
 * spares a file. Tests make it small. */
struct rf_index_least {
    uint64_t rows;
    uint64_t bytes;
};
#define RF_INDEX_LEAST_ROWS 4096u
#define RF_INDEX_LEAST_BYTES (64u << 10)
bool rf_index_wanted(const struct rf_index_least *least, const struct rf_manifest_table *table);

/* The index of the table's state; *reader is NULL where it is missing or damaged. */
RF_MUST_USE enum rf_code rf_index_open(const struct rf_repository *repository,
                                       const struct rf_manifest_table *table,
                                       struct rf_index_reader **reader, struct rf_error *error);
/* Scans the table's state and writes its index anew, in place. */
RF_MUST_USE enum rf_code rf_index_rebuild(struct rf_repository *repository,
                                          const struct rf_manifest_table *table,
                                          struct rf_error *error);
/* Removes index files that belong to none of the manifest's tables; false where some are left. */
bool rf_index_sweep(struct rf_repository *repository, const struct rf_manifest *manifest);

/* Finished indexes in tmp, until what they belong to is published. */
struct rf_index_list {
    struct rf_index_pending {
        char *path; /* of the file */
        char name[RF_ARCHIVE_NAME_SIZE];
    } * files;
    uint32_t count;
    uint32_t capacity;
};
/* Finishes the writer and lists its file, as that of the table's state. */
RF_MUST_USE enum rf_code rf_index_list_finish(struct rf_index_list *list,
                                              struct rf_repository *repository,
                                              struct rf_index_writer *writer,
                                              const struct rf_manifest_table *table,
                                              struct rf_error *error);
/* Moves the files to their place. One that cannot be moved will be missed, and made anew, if
 * somebody looks: false. */
bool rf_index_list_publish(struct rf_index_list *list, struct rf_repository *repository);
/* Removes the files that were not moved, but the first `kept`. */
void rf_index_list_discard(struct rf_index_list *list, struct rf_repository *repository,
                           uint32_t kept);
void rf_index_list_release(struct rf_index_list *list);

#endif
