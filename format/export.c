/* Everything is looked at twice: once for the stream's head, which says how much is to come, and once for
 * the stream. What a snapshot needs is held against the one before it alone, so that memory does not grow with the
 * history. */
#include "format/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/named.h"
#include "format/repository_inner.h"

/* Digests of the archives that the reader has, ascending. */
struct had {
    uint32_t count;
    struct rf_hash *at;
};

struct outgoing {
    const struct rf_repository *repository;
    const struct rf_export_options *options;
    struct rf_export_result *result;
    struct rf_stream_writer *writer; /* NULL while it is counted */
    uint64_t expected;
    struct had had;
};

static int by_digest(const void *a, const void *b) {
    return rf_hash_compare(*(const struct rf_hash *)a, *(const struct rf_hash *)b);
}

static bool has(const struct had *had, struct rf_hash digest) {
    return had->count > 0 && bsearch(&digest, had->at, had->count, sizeof *had->at, by_digest);
}

/* From now on, the archives named in `named`, and in `also` if there is one. */
static enum rf_code remember(struct had *had, const struct rf_named *named,
                             const struct rf_named *also, struct rf_error *error) {
    free(had->at);
    had->count = 0;
    had->at = calloc((size_t)named->count + 1, sizeof *had->at);
    if (!had->at) {
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < named->count; i++) {
        if (!also || rf_named_has(also, named->at[i]->digest)) {
            had->at[had->count++] = named->at[i]->digest;
        }
    }
    return RF_OK;
}

static enum rf_code name_all(const struct rf_manifest *manifest, struct rf_named *named,
                             struct rf_error *error) {
    enum rf_code code = rf_named_add(named, manifest->tables, manifest->table_count, error);
    rf_named_sort(named);
    return code;
}

/* A reader that stands at this snapshot may have it with the fold or without it: what both name, it has
 * for certain. */
static enum rf_code remember_since(struct outgoing *outgoing, struct rf_error *error) {
    const struct rf_snapshot_name *since = &outgoing->options->since;
    struct rf_manifest manifest = {0}, bare = {0};
    struct rf_named named = {0}, own = {0};
    if (since->number == 0) {
        return remember(&outgoing->had, &named, NULL, error);
    }
    enum rf_code code = rf_repository_load(outgoing->repository, since, &manifest, error);
    if (code == RF_OK) {
        code = name_all(&manifest, &named, error);
    }
    if (code == RF_OK && manifest.fold) {
        code = rf_repository_load_bare(outgoing->repository, since, &bare, error);
        if (code == RF_OK) {
            code = name_all(&bare, &own, error);
        }
    }
    if (code == RF_OK) {
        code = remember(&outgoing->had, &named, manifest.fold ? &own : NULL, error);
    }
    rf_named_release(&named);
    rf_named_release(&own);
    rf_manifest_release(&manifest);
    rf_manifest_release(&bare);
    return code;
}

static enum rf_code missing(const char *name, struct rf_error *error) {
    rf_fail(error, RF_CORRUPT, "%s is missing", name);
    rf_hint(error, "the repository was pruned while it was read, or copied in part: run the same "
                   "command again, or copy it again.");
    return RF_CORRUPT;
}

static enum rf_code put_file(struct outgoing *outgoing, const char *folder, const char *name,
                             const struct rf_record *record, struct rf_error *error) {
    char path[PATH_MAX];
    outgoing->result->bytes += record->size;
    if (!outgoing->writer) {
        return RF_OK;
    }
    enum rf_code code = rf_repository_place(outgoing->repository, folder, name, path, error);
    if (code == RF_OK) {
        code =
            rf_stream_write_file(outgoing->writer, outgoing->repository->io, path, record, error);
    }
    if (code == RF_STORAGE && error->sys_errno == ENOENT) {
        code = missing(name, error);
    }
    if (code == RF_OK && outgoing->options->progress) {
        outgoing->options->progress(outgoing->options->context, rf_stream_written(outgoing->writer),
                                    outgoing->expected);
    }
    return code;
}

/* A file of snapshots/, whose size nobody says. */
static enum rf_code put_small(struct outgoing *outgoing, enum rf_record_kind kind, const char *name,
                              struct rf_hash digest, struct rf_error *error) {
    char path[PATH_MAX];
    struct rf_io *io = outgoing->repository->io;
    struct rf_record record = {.kind = kind, .digest = digest};
    int fd = -1;
    enum rf_code code = rf_repository_place(outgoing->repository, "snapshots", name, path, error);
    if (code == RF_OK) {
        code = rf_io_open_read(io, path, &fd, &record.size, error);
    }
    rf_io_discard(io, &fd);
    if (code == RF_STORAGE && error->sys_errno == ENOENT) {
        return missing(name, error);
    }
    return code == RF_OK ? put_file(outgoing, "snapshots", name, &record, error) : code;
}

static enum rf_code put_archives(struct outgoing *outgoing, const struct rf_named *named,
                                 struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < named->count; i++) {
        const struct rf_archive_ref *ref = named->at[i];
        const struct rf_record record = {
            .kind = RF_RECORD_ARCHIVE, .size = ref->size, .digest = ref->digest};
        if (!has(&outgoing->had, ref->digest)) {
            outgoing->result->archives++;
            code = put_file(outgoing, "archives", ref->name, &record, error);
        }
    }
    return code;
}

static enum rf_code put_snapshot(struct outgoing *outgoing, const struct rf_snapshot_name *name,
                                 struct rf_error *error) {
    char file[RF_FOLD_NAME_SIZE];
    struct rf_manifest manifest = {0};
    struct rf_named named = {0};
    const struct rf_fold_name *fold = rf_repository_fold(outgoing->repository, name);
    enum rf_code code = rf_repository_load(outgoing->repository, name, &manifest, error);
    if (code == RF_OK) {
        code = name_all(&manifest, &named, error);
    }
    if (code == RF_OK) {
        rf_manifest_file_name(name, file);
        code = put_small(outgoing, RF_RECORD_MANIFEST, file, name->digest, error);
    }
    if (code == RF_OK && fold) {
        rf_fold_file_name(fold, file);
        code = put_small(outgoing, RF_RECORD_FOLD, file, fold->digest, error);
    }
    if (code == RF_OK) {
        code = put_archives(outgoing, &named, error);
    }
    if (code == RF_OK) {
        code = remember(&outgoing->had, &named, NULL, error);
    }
    rf_named_release(&named);
    rf_manifest_release(&manifest);
    return code;
}

static enum rf_code check_stop(const struct outgoing *outgoing, struct rf_error *error) {
    return atomic_load(outgoing->options->stop) ? rf_fail(error, RF_INTERRUPTED, "stopped") : RF_OK;
}

/* Counts the snapshots, or writes them. */
static enum rf_code go_through(struct outgoing *outgoing, struct rf_error *error) {
    const struct rf_repository *repository = outgoing->repository;
    *outgoing->result = (struct rf_export_result){.last = outgoing->options->since};
    enum rf_code code = remember_since(outgoing, error);
    for (uint32_t i = 0; code == RF_OK && i < rf_repository_count(repository); i++) {
        const struct rf_snapshot_name *name = rf_repository_snapshot(repository, i);
        if (name->number <= outgoing->options->since.number ||
            name->number > outgoing->options->last.number) {
            continue;
        }
        code = check_stop(outgoing, error);
        if (code == RF_OK) {
            code = put_snapshot(outgoing, name, error);
        }
        outgoing->result->snapshots++;
        outgoing->result->last = *name;
    }
    return code;
}

static enum rf_code write_stream(struct outgoing *outgoing, struct rf_error *error) {
    const struct rf_export_options *options = outgoing->options;
    struct rf_stream_head head = {.since = options->since,
                                  .last = outgoing->result->last,
                                  .snapshots = outgoing->result->snapshots,
                                  .bytes = outgoing->result->bytes};
    memcpy(head.source, rf_repository_source(outgoing->repository), RF_SOURCE_ID_SIZE);
    outgoing->expected = head.bytes;
    enum rf_code code = rf_stream_writer_new(options->put, options->put_context, &head,
                                             options->stop, &outgoing->writer, error);
    if (code == RF_OK) {
        code = go_through(outgoing, error);
    }
    if (code == RF_OK) {
        code = rf_stream_write_end(outgoing->writer, error);
    }
    rf_stream_writer_free(outgoing->writer);
    return code;
}

enum rf_code rf_export(const struct rf_repository *repository,
                       const struct rf_export_options *options, struct rf_export_result *result,
                       struct rf_error *error) {
    struct outgoing outgoing = {.repository = repository, .options = options, .result = result};
    enum rf_code code = go_through(&outgoing, error);
    if (code == RF_OK) {
        code = write_stream(&outgoing, error);
    }
    free(outgoing.had.at);
    return code;
}
