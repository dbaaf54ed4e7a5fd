#include "capture/outlet.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

void rf_pending_release(struct rf_pending_list *list) {
    for (uint32_t i = 0; i < list->count; i++) {
        free(list->archives[i].path);
    }
    free(list->archives);
    *list = (struct rf_pending_list){0};
}

void rf_pending_discard(struct rf_pending_list *list, struct rf_repository *repository,
                        uint32_t kept) {
    if (list->count > kept) {
        rf_repository_discard(repository, list->archives + kept, list->count - kept);
    }
    while (list->count > kept) {
        free(list->archives[--list->count].path);
    }
}

static bool pending_reserve(struct rf_pending_list *list) {
    if (list->count < list->capacity) {
        return true;
    }
    uint32_t capacity = list->capacity ? list->capacity * 2 : 16;
    void *grown = realloc(list->archives, capacity * sizeof *list->archives);
    if (grown) {
        list->archives = grown;
        list->capacity = capacity;
    }
    return grown;
}

enum rf_code rf_outlet_open(struct rf_outlet *outlet, const struct rf_outlet_settings *settings,
                            const struct rf_archive_head *head, struct rf_error *error) {
    *outlet = (struct rf_outlet){.settings = settings, .open = true};
    if (settings->dry_run) {
        return RF_OK;
    }
    struct rf_archive_head full = *head;
    full.snapshot = settings->snapshot;
    memcpy(full.source, rf_repository_source(settings->repository), RF_SOURCE_ID_SIZE);
    enum rf_code code = rf_archive_writer_new(
        rf_repository_io(settings->repository), rf_repository_tmp(settings->repository), &full,
        settings->level, settings->pool, &outlet->writer, error);
    outlet->open = code == RF_OK;
    return code;
}

static void hand_in(struct rf_outlet *outlet) {
    for (size_t i = 0; i < sizeof outlet->batches / sizeof outlet->batches[0]; i++) {
        if (outlet->batches[i]) {
            rf_archive_writer_add(outlet->writer, outlet->batches[i]);
            outlet->batches[i] = NULL;
        }
    }
}

/* No batch came: the archive failed before, and finishing it tells why. */
static enum rf_code failed(struct rf_outlet *outlet, struct rf_error *error) {
    struct rf_archive_ref ref;
    char path[PATH_MAX];
    hand_in(outlet);
    enum rf_code code =
        rf_archive_writer_finish(outlet->writer, &(struct rf_digest){0}, &ref, path, error);
    outlet->writer = NULL;
    outlet->open = false;
    if (code == RF_OK) {
        struct rf_error ignored;
        (void)!rf_io_unlink(rf_repository_io(outlet->settings->repository), path, &ignored);
        code = rf_fail_memory(error);
    }
    return code;
}

static struct rf_batch *batch_of(struct rf_outlet *outlet, enum rf_block_kind kind) {
    if (!outlet->batches[kind]) {
        outlet->batches[kind] = rf_archive_writer_batch(outlet->writer, kind);
    }
    return outlet->batches[kind];
}

static void hand_in_if_full(struct rf_outlet *outlet, enum rf_block_kind kind) {
    struct rf_batch *batch = outlet->batches[kind];
    if (rf_batch_full(batch)) {
        outlet->batches[kind] = NULL;
        rf_archive_writer_add(outlet->writer, batch);
    }
}

enum rf_code rf_outlet_put(struct rf_outlet *outlet, enum rf_block_kind kind, int64_t rowid,
                           struct rf_hash hash, const void *cells, size_t size,
                           struct rf_error *error) {
    if (!outlet->writer) {
        return RF_OK;
    }
    struct rf_batch *batch = batch_of(outlet, kind);
    if (!batch) {
        return failed(outlet, error);
    }
    rf_batch_add(batch, rowid, hash, cells, size);
    hand_in_if_full(outlet, kind);
    return RF_OK;
}

enum rf_code rf_outlet_put_piece(struct rf_outlet *outlet, const struct rf_piece *piece,
                                 struct rf_error *error) {
    for (uint32_t first = 0; outlet->writer && first < piece->rows;) {
        struct rf_batch *batch = batch_of(outlet, RF_BLOCK_ROWS);
        if (!batch) {
            return failed(outlet, error);
        }
        first += rf_batch_add_rows(batch, piece->rowids + first, piece->hashes + first,
                                   piece->cells, piece->starts + first, piece->rows - first);
        hand_in_if_full(outlet, RF_BLOCK_ROWS);
    }
    return RF_OK;
}

static enum rf_code add_pending(struct rf_outlet *outlet, const struct rf_archive_ref *ref,
                                const char *path, struct rf_error *error) {
    struct rf_pending_list *list = outlet->settings->pending;
    char *copy = strdup(path);
    if (copy && pending_reserve(list)) {
        list->archives[list->count++] =
            (struct rf_pending_archive){.ref = *ref, .path = copy, .unsynced = true};
        return RF_OK;
    }
    struct rf_error ignored;
    (void)!rf_io_unlink(rf_repository_io(outlet->settings->repository), path, &ignored);
    free(copy);
    return rf_fail_memory(error);
}

enum rf_code rf_outlet_finish(struct rf_outlet *outlet, const struct rf_digest *after,
                              struct rf_archive_ref *ref, struct rf_error *error) {
    *ref = (struct rf_archive_ref){0};
    outlet->open = false;
    if (!outlet->writer) {
        return RF_OK;
    }
    char path[PATH_MAX];
    hand_in(outlet);
    rf_archive_writer_leave_unsynced(outlet->writer); /* nobody waits for the disk before the end */
    enum rf_code code = rf_archive_writer_finish(outlet->writer, after, ref, path, error);
    outlet->writer = NULL;
    return code == RF_OK ? add_pending(outlet, ref, path, error) : code;
}

void rf_outlet_abort(struct rf_outlet *outlet) {
    if (outlet->writer) {
        hand_in(outlet);
        rf_archive_writer_abort(outlet->writer);
    }
    outlet->writer = NULL;
    outlet->open = false;
}
