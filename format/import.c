/* One snapshot of the stream after the other: its manifest is judged, its archives are written to tmp, and
 * when the last of them is there, all of it is shown at once. */
#include "format/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "format/import_inner.h"
#include "format/sha256.h"
#include "format/whole.h"

struct incoming {
    struct rf_io *io;
    const struct rf_import_options *options;
    struct rf_import_result *result;
    struct rf_repository *repository; /* NULL until the first snapshot was looked at */
    struct rf_stream_reader *reader;
    struct rf_record record;        /* the one at hand */
    uint64_t snapshots;             /* of the stream, so far */
    struct rf_snapshot_name before; /* the last of them */
    struct rf_arrival arrival;
};

void rf_arrival_release(struct rf_arrival *arrival) {
    for (uint32_t i = 0; i < arrival->count; i++) {
        free(arrival->pending[i].path);
    }
    free(arrival->pending);
    free(arrival->here);
    rf_named_release(&arrival->named);
    rf_fold_release(&arrival->fold);
    rf_manifest_release(&arrival->manifest);
    rf_buffer_release(&arrival->manifest_bytes);
    rf_buffer_release(&arrival->fold_bytes);
    *arrival = (struct rf_arrival){0};
}

static enum rf_code next_record(struct incoming *incoming, struct rf_error *error) {
    return rf_stream_next(incoming->reader, &incoming->record, error);
}

static void tell_progress(const struct incoming *incoming) {
    if (incoming->options->progress) {
        incoming->options->progress(incoming->options->context, rf_stream_arrived(incoming->reader),
                                    rf_stream_head_of(incoming->reader)->bytes);
    }
}

static enum rf_code wrong(const struct incoming *incoming, const char *what,
                          struct rf_error *error) {
    rf_fail(error, RF_CORRUPT, "the stream %s", what);
    rf_detail(error, "at byte %llu of the stream",
              (unsigned long long)rf_stream_offset(incoming->reader));
    return RF_CORRUPT;
}

/* ---- manifest and fold ---- */

static enum rf_code check_manifest(struct incoming *incoming, struct rf_error *error) {
    const struct rf_stream_head *head = rf_stream_head_of(incoming->reader);
    const struct rf_arrival *arrival = &incoming->arrival;
    const struct rf_snapshot_name *name = &arrival->name;
    if (memcmp(arrival->manifest.source, head->source, RF_SOURCE_ID_SIZE) != 0) {
        return wrong(incoming, "has a snapshot of another source than its head says", error);
    }
    bool last = incoming->snapshots == head->snapshots;
    if (incoming->snapshots > head->snapshots || name->number <= incoming->before.number ||
        name->number <= head->since.number || name->number > head->last.number ||
        last != (name->number == head->last.number) ||
        (last && !rf_hash_equal(name->digest, head->last.digest))) {
        return wrong(incoming, "has other snapshots than its head says", error);
    }
    incoming->before = *name;
    return RF_OK;
}

static enum rf_code read_manifest(struct incoming *incoming, struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    struct rf_buffer *bytes = &arrival->manifest_bytes;
    arrival->name.digest = incoming->record.digest;
    incoming->snapshots++;
    enum rf_code code = rf_stream_content_all(incoming->reader, bytes, error);
    if (code == RF_OK) {
        code = rf_manifest_decode(bytes->bytes, bytes->size, incoming->options->trust,
                                  &arrival->manifest, error);
    }
    if (code == RF_OK) {
        arrival->name.number = arrival->manifest.snapshot;
        code = check_manifest(incoming, error);
    }
    return code == RF_OK ? next_record(incoming, error) : code;
}

static enum rf_code check_fold(struct incoming *incoming, struct rf_error *error) {
    const struct rf_arrival *arrival = &incoming->arrival;
    const struct rf_manifest *manifest = &arrival->manifest;
    const struct rf_fold *fold = &arrival->fold;
    if (fold->snapshot != arrival->name.number ||
        !rf_hash_equal(fold->digest, arrival->name.digest) ||
        memcmp(fold->source, manifest->source, sizeof fold->source) != 0 ||
        memcmp(fold->sha256, manifest->sha256, sizeof fold->sha256) != 0 ||
        fold->table_count != manifest->table_count || fold->generation == UINT64_MAX) {
        return wrong(incoming, "has a fold that is not of the snapshot before it", error);
    }
    return RF_OK;
}

static enum rf_code read_fold(struct incoming *incoming, struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    struct rf_buffer *bytes = &arrival->fold_bytes;
    arrival->fold_digest = incoming->record.digest;
    enum rf_code code = rf_stream_content_all(incoming->reader, bytes, error);
    if (code == RF_OK) {
        code = rf_fold_decode(bytes->bytes, bytes->size, incoming->options->trust, &arrival->fold,
                              error);
    }
    if (code == RF_OK) {
        arrival->has_fold = true;
        code = check_fold(incoming, error);
    }
    return code == RF_OK ? next_record(incoming, error) : code;
}

static enum rf_code name_archives(struct incoming *incoming, struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    uint32_t tables = arrival->manifest.table_count;
    enum rf_code code = rf_named_add(&arrival->named, arrival->manifest.tables, tables, error);
    if (code == RF_OK && arrival->has_fold) {
        code = rf_named_add(&arrival->named, arrival->fold.tables, tables, error);
    }
    rf_named_sort(&arrival->named);
    if (code == RF_OK && arrival->named.torn) {
        code = wrong(incoming, "has a snapshot that names one archive in two ways", error);
    }
    if (code == RF_OK) {
        arrival->here = calloc((size_t)arrival->named.count + 1, sizeof *arrival->here);
        code = arrival->here ? RF_OK : rf_fail_memory(error);
    }
    return code;
}

/* ---- where the snapshot belongs ---- */

static bool begins_history(const struct rf_arrival *arrival) {
    return arrival->has_fold ? arrival->fold.parent == 0 : arrival->manifest.parent == 0;
}

static enum rf_code gap(const struct incoming *incoming, const struct rf_snapshot_name *newest,
                        struct rf_error *error) {
    const struct rf_arrival *arrival = &incoming->arrival;
    uint64_t parent = arrival->has_fold ? arrival->fold.parent : arrival->manifest.parent;
    char hex[RF_HASH_HEX];
    rf_hash_text(arrival->has_fold ? arrival->fold.parent_digest : arrival->manifest.parent_digest,
                 hex);
    unsigned long long number = arrival->name.number;
    if (parent > 0) {
        rf_fail(error, RF_MISPLACED, "snapshot %llu of the stream needs snapshot %llu (%.12s)",
                number, (unsigned long long)parent, hex);
    } else {
        rf_fail(error, RF_MISPLACED,
                "the stream begins with snapshot %llu, and what came before it was "
                "pruned",
                number);
    }
    if (!newest) {
        rf_detail(error, "there is no snapshot in %s", incoming->options->path);
        rf_hint(error, "import `rowferry export` without --since.");
    } else {
        rf_detail(error, "the newest one in %s is %llu", incoming->options->path,
                  (unsigned long long)newest->number);
        rf_hint(error,
                "`rowferry export --since %llu` makes the stream that goes on from here; where "
                "that snapshot was pruned, import `rowferry export` into a new repository.",
                (unsigned long long)newest->number);
    }
    return RF_MISPLACED;
}

static enum rf_code parted(const struct incoming *incoming, uint64_t number, struct rf_hash theirs,
                           struct rf_hash ours, struct rf_error *error) {
    char stream[RF_HASH_HEX], here[RF_HASH_HEX];
    rf_fail(error, RF_MISPLACED, "snapshot %llu of the stream is not the one in %s",
            (unsigned long long)number, incoming->options->path);
    rf_detail(error, "the stream's is %.12s, the one here %.12s", rf_hash_text(theirs, stream),
              rf_hash_text(ours, here));
    rf_hint(error, "the two histories parted, as when both repositories were captured into; import "
                   "into a new repository.");
    return RF_MISPLACED;
}

/* Whoever trusts keys wants the parent that the child names, and no other of the same digest. */
static enum rf_code prove_parent(const struct incoming *incoming,
                                 const struct rf_snapshot_name *newest, struct rf_error *error) {
    const struct rf_arrival *arrival = &incoming->arrival;
    struct rf_manifest parent = {0};
    if (!incoming->options->trust) {
        return RF_OK;
    }
    enum rf_code code = rf_repository_load_bare(incoming->repository, newest, &parent, error);
    const uint8_t *named =
        arrival->follows ? arrival->manifest.parent_sha256 : arrival->fold.parent_sha256;
    if (code == RF_OK && memcmp(parent.sha256, named, RF_SHA256_SIZE) != 0) {
        code =
            rf_fail(error, RF_CORRUPT,
                    "snapshot %llu names a parent of another SHA-256 than snapshot %llu here has",
                    (unsigned long long)arrival->name.number, (unsigned long long)newest->number);
    }
    rf_manifest_release(&parent);
    return code;
}

static enum rf_code check_parent(struct incoming *incoming, const struct rf_snapshot_name *newest,
                                 struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    const struct rf_manifest *manifest = &arrival->manifest;
    const struct rf_fold *fold = &arrival->fold;
    if (!newest) {
        arrival->follows = manifest->parent == 0;
        arrival->fold_follows = arrival->has_fold && fold->parent == 0;
        return begins_history(arrival) ? RF_OK : gap(incoming, NULL, error);
    }
    arrival->follows = manifest->parent == newest->number &&
                       rf_hash_equal(manifest->parent_digest, newest->digest);
    arrival->fold_follows = arrival->has_fold && fold->parent == newest->number &&
                            rf_hash_equal(fold->parent_digest, newest->digest);
    if (arrival->follows || arrival->fold_follows) {
        return prove_parent(incoming, newest, error);
    }
    if (manifest->parent == newest->number) {
        return parted(incoming, newest->number, manifest->parent_digest, newest->digest, error);
    }
    return gap(incoming, newest, error);
}

/* ---- room ---- */

static enum rf_code look_for(struct incoming *incoming, uint64_t *missing, struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    enum rf_code code = RF_OK;
    *missing = 0;
    for (uint32_t i = 0; code == RF_OK && i < arrival->named.count; i++) {
        const struct rf_archive_ref *ref = arrival->named.at[i];
        char path[PATH_MAX];
        struct stat status;
        code = rf_repository_place(incoming->repository, "archives", ref->name, path, error);
        arrival->here[i] = code == RF_OK && stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
                           (uint64_t)status.st_size == ref->size;
        if (!arrival->here[i]) {
            *missing += ref->size < UINT64_MAX - *missing ? ref->size : UINT64_MAX - *missing;
        }
    }
    return code;
}

/* What the snapshot may take, by what its manifest names and by what the stream still brings. */
static enum rf_code check_room(struct incoming *incoming, uint64_t missing,
                               struct rf_error *error) {
    uint64_t to_come =
        rf_stream_head_of(incoming->reader)->bytes - rf_stream_arrived(incoming->reader);
    uint64_t needed = missing < to_come ? missing : to_come;
    struct statvfs disk;
    const char *path = rf_repository_tmp(incoming->repository);
    if (statvfs(path, &disk) != 0) {
        return rf_fail_errno(error, errno, "cannot tell how much room there is at %s", path);
    }
    uint64_t unit = disk.f_frsize ? disk.f_frsize : disk.f_bsize;
    if (needed / unit < disk.f_bavail) {
        return RF_OK;
    }
    enum rf_code code =
        rf_fail_errno(error, ENOSPC, "snapshot %llu does not fit into %s",
                      (unsigned long long)incoming->arrival.name.number, incoming->options->path);
    rf_detail(error, "%llu bytes are needed, %llu are free", (unsigned long long)needed,
              (unsigned long long)disk.f_bavail * unit);
    return code;
}

/* ---- the repository ---- */

static enum rf_code open_repository(struct incoming *incoming, bool may_make,
                                    struct rf_error *error) {
    const struct rf_import_options *options = incoming->options;
    const uint8_t *source = rf_stream_head_of(incoming->reader)->source;
    struct rf_repository *there = NULL;
    enum rf_code code =
        rf_repository_open(incoming->io, options->path, RF_REPOSITORY_READ, &there, error);
    rf_repository_close(there);
    if (code == RF_USAGE && !may_make) {
        return gap(incoming, NULL, error);
    }
    if (code == RF_OK || code == RF_USAGE) {
        code = rf_repository_open_for(incoming->io, options->path, source, &incoming->repository,
                                      error);
    }
    if (code == RF_OK) {
        rf_repository_trust(incoming->repository, options->trust);
    }
    return code;
}

static void note_newest(struct incoming *incoming) {
    const struct rf_snapshot_name *newest =
        incoming->repository ? rf_repository_newest(incoming->repository) : NULL;
    if (newest) {
        incoming->result->newest = *newest;
    }
}

/* A snapshot that is here. One that a copy brought in part may get what it lacks from the stream. */
static enum rf_code judge_same(struct incoming *incoming, const struct rf_snapshot_name *same,
                               struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    struct rf_whole whole;
    uint64_t missing;
    if (!rf_hash_equal(same->digest, arrival->name.digest)) {
        return parted(incoming, same->number, arrival->name.digest, same->digest, error);
    }
    enum rf_code code = rf_whole_look(incoming->repository, same, &whole, error);
    if (code == RF_OK && whole.missing > 0 && !whole.has_manifest) {
        code = rf_whole_refuse(incoming->repository, &whole, error);
    }
    arrival->fate = code == RF_OK && whole.missing > 0 ? RF_IMPORT_MENDED : RF_IMPORT_THERE;
    if (arrival->fate == RF_IMPORT_MENDED) {
        code = look_for(incoming, &missing, error);
    }
    return code;
}

/* One that is not. Nothing is laid upon what is not whole. */
static enum rf_code judge_new(struct incoming *incoming, const struct rf_snapshot_name *newest,
                              struct rf_error *error) {
    struct rf_whole whole;
    uint64_t missing;
    enum rf_code code = check_parent(incoming, newest, error);
    if (code == RF_OK && newest) {
        code = rf_whole_look(incoming->repository, newest, &whole, error);
        if (code == RF_OK && whole.missing > 0) {
            code = rf_whole_refuse(incoming->repository, &whole, error);
        }
    }
    if (code == RF_OK) {
        code = look_for(incoming, &missing, error);
    }
    return code == RF_OK ? check_room(incoming, missing, error) : code;
}

static enum rf_code judge(struct incoming *incoming, struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    if (!incoming->repository) {
        enum rf_code code = open_repository(incoming, begins_history(arrival), error);
        if (code != RF_OK) {
            return code;
        }
    }
    const struct rf_snapshot_name *newest = rf_repository_newest(incoming->repository);
    const struct rf_snapshot_name *same =
        rf_repository_find(incoming->repository, arrival->name.number);
    if (same) {
        return judge_same(incoming, same, error);
    }
    bool older = newest && arrival->name.number < newest->number;
    arrival->fate = older ? RF_IMPORT_PASSED : RF_IMPORT_NEW;
    return older ? RF_OK : judge_new(incoming, newest, error);
}

/* ---- archives ---- */

static enum rf_code skip(struct incoming *incoming, struct rf_error *error) {
    const uint8_t *bytes;
    size_t size = 1;
    enum rf_code code = RF_OK;
    while (code == RF_OK && size > 0) {
        code = rf_stream_content(incoming->reader, &bytes, &size, error);
        tell_progress(incoming);
    }
    return code;
}

static enum rf_code write_content(struct incoming *incoming, int fd, const char *path,
                                  struct rf_sha256 *sha256, struct rf_error *error) {
    const uint8_t *bytes;
    size_t size;
    for (;;) {
        enum rf_code code = rf_stream_content(incoming->reader, &bytes, &size, error);
        if (code != RF_OK || size == 0) {
            return code;
        }
        if (sha256) {
            rf_sha256_add(sha256, bytes, size);
        }
        code = rf_io_write_all(incoming->io, fd, path, bytes, size, error);
        if (code != RF_OK) {
            return code;
        }
        tell_progress(incoming);
    }
}

static enum rf_code check_sha256(struct rf_sha256 *sha256, const struct rf_archive_ref *ref,
                                 struct rf_error *error) {
    uint8_t found[RF_SHA256_SIZE];
    rf_sha256_result(sha256, found);
    if (memcmp(found, ref->sha256, sizeof found) == 0) {
        return RF_OK;
    }
    char stored[RF_SHA256_HEX], computed[RF_SHA256_HEX];
    rf_fail(error, RF_CORRUPT, "%s has another SHA-256 than the signed manifest says", ref->name);
    rf_detail(error, "the manifest says %s, the bytes make %s", rf_sha256_text(ref->sha256, stored),
              rf_sha256_text(found, computed));
    return RF_CORRUPT;
}

static enum rf_code write_file(struct incoming *incoming, const char *path,
                               const struct rf_archive_ref *ref, struct rf_error *error) {
    struct rf_sha256 *sha256 = incoming->options->trust ? rf_sha256_new() : NULL;
    int fd = -1;
    enum rf_code code = incoming->options->trust && !sha256
                            ? rf_fail_memory(error)
                            : rf_io_create(incoming->io, path, &fd, error);
    if (code == RF_OK) {
        code = write_content(incoming, fd, path, sha256, error);
    }
    if (code == RF_OK) {
        code = rf_io_close(incoming->io, &fd, path, error);
    }
    if (code == RF_OK && sha256) {
        code = check_sha256(sha256, ref, error);
    }
    rf_io_discard(incoming->io, &fd);
    rf_sha256_free(sha256);
    return code;
}

/* Header, block index and trailer: the file is an archive, of this kind and source. Its blocks are what
 * their writer checked, by the digest. */
static enum rf_code check_file(struct incoming *incoming, const char *path,
                               const struct rf_archive_ref *ref, struct rf_error *error) {
    struct rf_archive *archive = NULL;
    enum rf_code code = rf_archive_open(incoming->io, path, ref, &archive, error);
    if (code == RF_OK && memcmp(rf_archive_head_of(archive)->source,
                                incoming->arrival.manifest.source, RF_SOURCE_ID_SIZE) != 0) {
        code = rf_fail(error, RF_CORRUPT, "the archive %s belongs to another source", ref->name);
    }
    rf_archive_close(archive);
    if (code != RF_OK) {
        rf_while(error, "while reading %s, as it came in the stream", ref->name);
        error->hint[0] = 0; /* it was about a file that is there */
    }
    return code;
}

static struct rf_pending_archive *add_pending(struct incoming *incoming, struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    struct rf_buffer path = {0};
    struct rf_pending_archive *grown =
        realloc(arrival->pending, ((size_t)arrival->count + 1) * sizeof *grown);
    if (grown) {
        arrival->pending = grown;
        rf_buffer_printf(&path, "%s/%u.arriving", rf_repository_tmp(incoming->repository),
                         arrival->count);
        rf_buffer_u8(&path, 0);
    }
    if (!grown || path.failed) {
        rf_buffer_release(&path);
        rf_fail_memory(error);
        return NULL;
    }
    grown[arrival->count] =
        (struct rf_pending_archive){.path = (char *)path.bytes, .unsynced = true};
    return &grown[arrival->count++];
}

static enum rf_code take_in(struct incoming *incoming, uint32_t place, struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    const struct rf_archive_ref *ref = arrival->named.at[place];
    struct rf_pending_archive *pending = add_pending(incoming, error);
    if (!pending) {
        return RF_NO_MEMORY;
    }
    pending->ref = *ref;
    enum rf_code code = write_file(incoming, pending->path, ref, error);
    if (code == RF_OK) {
        code = check_file(incoming, pending->path, ref, error);
    }
    arrival->here[place] = code == RF_OK;
    arrival->bytes += ref->size;
    return code;
}

static bool takes_archives(const struct rf_arrival *arrival) {
    return arrival->fate == RF_IMPORT_NEW || arrival->fate == RF_IMPORT_MENDED;
}

/* Archives come in the order of their digests, each once, and none that the snapshot does not name. */
static enum rf_code read_archives(struct incoming *incoming, struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    enum rf_code code = RF_OK;
    uint32_t least = 0;
    while (code == RF_OK && incoming->record.kind == RF_RECORD_ARCHIVE) {
        uint32_t place = rf_named_find(&arrival->named, incoming->record.digest);
        if (place == RF_NAMED_NOT || place < least ||
            arrival->named.at[place]->size != incoming->record.size) {
            return wrong(incoming, "has an archive that its snapshot does not name", error);
        }
        least = place + 1;
        bool wanted = takes_archives(arrival) && !arrival->here[place];
        code = wanted ? take_in(incoming, place, error) : skip(incoming, error);
        if (code == RF_OK) {
            code = next_record(incoming, error);
        }
    }
    return code;
}

/* ---- showing ---- */

/* Moves what the snapshot does not need behind what it needs, and returns how many it needs. */
static uint32_t part_needed(struct rf_arrival *arrival, const struct rf_named *needed) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < arrival->count; i++) {
        if (rf_named_has(needed, arrival->pending[i].ref.digest)) {
            struct rf_pending_archive other = arrival->pending[count];
            arrival->pending[count++] = arrival->pending[i];
            arrival->pending[i] = other;
        }
    }
    return count;
}

/* Throws away what is not needed; `count` is how many are. */
static void keep_needed(struct incoming *incoming, const struct rf_named *needed, uint32_t *count) {
    struct rf_arrival *arrival = &incoming->arrival;
    *count = part_needed(arrival, needed);
    rf_repository_discard(incoming->repository, arrival->pending + *count, arrival->count - *count);
}

static enum rf_code show(struct incoming *incoming, struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    struct rf_showing showing;
    enum rf_code code = rf_showing_choose(incoming->repository, arrival, &showing, error);
    if (code == RF_OK) {
        const struct rf_snapshot_files shown = {.name = arrival->name,
                                                .manifest = &arrival->manifest_bytes,
                                                .fold_name =
                                                    showing.fold ? &showing.fold_name : NULL,
                                                .fold = showing.fold};
        uint32_t count;
        keep_needed(incoming, &showing.named, &count);
        code = rf_repository_show(incoming->repository, &shown, arrival->pending, count, error);
    }
    rf_showing_release(&showing);
    return code;
}

/* What the snapshot lacked, by the manifest as it is here. What a half-copied file has the name of, it is
 * put in the place of. */
static enum rf_code mend(struct incoming *incoming, struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    struct rf_manifest here = {0};
    struct rf_named needed = {0};
    struct rf_whole whole;
    uint32_t count;
    enum rf_code code = rf_repository_load(incoming->repository, &arrival->name, &here, error);
    if (code == RF_OK) {
        code = rf_named_add(&needed, here.tables, here.table_count, error);
        rf_named_sort(&needed);
    }
    if (code == RF_OK) {
        keep_needed(incoming, &needed, &count);
        code = rf_repository_mend(incoming->repository, arrival->pending, count, error);
    }
    if (code == RF_OK) {
        code = rf_whole_of(incoming->repository, &arrival->name, &here, &whole, error);
    }
    if (code == RF_OK && whole.missing > 0) {
        code = rf_whole_refuse(incoming->repository, &whole, error);
    }
    rf_named_release(&needed);
    rf_manifest_release(&here);
    return code;
}

static enum rf_code finish(struct incoming *incoming, struct rf_error *error) {
    switch (incoming->arrival.fate) {
    case RF_IMPORT_NEW:
        return show(incoming, error);
    case RF_IMPORT_MENDED:
        return mend(incoming, error);
    case RF_IMPORT_THERE:
    case RF_IMPORT_PASSED:
        break;
    }
    return RF_OK;
}

static void count_in(struct incoming *incoming) {
    const struct rf_arrival *arrival = &incoming->arrival;
    struct rf_import_result *result = incoming->result;
    const struct rf_imported imported = {.name = arrival->name,
                                         .fate = arrival->fate,
                                         .archives = arrival->count,
                                         .bytes = arrival->bytes};
    result->imported += arrival->fate == RF_IMPORT_NEW;
    result->there += arrival->fate == RF_IMPORT_THERE;
    result->mended += arrival->fate == RF_IMPORT_MENDED;
    result->passed += arrival->fate == RF_IMPORT_PASSED;
    result->archives += arrival->count;
    result->bytes += arrival->bytes;
    if (incoming->options->snapshot) {
        incoming->options->snapshot(incoming->options->context, &imported);
    }
}

static enum rf_code read_snapshot(struct incoming *incoming, struct rf_error *error) {
    struct rf_arrival *arrival = &incoming->arrival;
    enum rf_code code = read_manifest(incoming, error);
    if (code == RF_OK && incoming->record.kind == RF_RECORD_FOLD) {
        code = read_fold(incoming, error);
    }
    if (code == RF_OK) {
        code = name_archives(incoming, error);
    }
    if (code == RF_OK) {
        code = judge(incoming, error);
    }
    if (code == RF_OK) {
        code = read_archives(incoming, error);
    }
    if (code == RF_OK) {
        code = finish(incoming, error);
    }
    if (code == RF_OK) {
        count_in(incoming);
    } else if (incoming->repository) {
        rf_repository_discard(incoming->repository, arrival->pending, arrival->count);
    }
    rf_arrival_release(arrival);
    return code;
}

/* ---- the stream ---- */

static enum rf_code check_end(struct incoming *incoming, struct rf_error *error) {
    const struct rf_stream_head *head = rf_stream_head_of(incoming->reader);
    if (incoming->record.kind != RF_RECORD_END) {
        return wrong(incoming, "has a file where a snapshot should begin", error);
    }
    if (incoming->snapshots != head->snapshots) {
        return wrong(incoming, "has other snapshots than its head says", error);
    }
    return incoming->repository ? RF_OK : open_repository(incoming, head->since.number == 0, error);
}

static enum rf_code read_stream(struct incoming *incoming, struct rf_error *error) {
    const struct rf_stream_head *head = rf_stream_head_of(incoming->reader);
    memcpy(incoming->result->source, head->source, RF_SOURCE_ID_SIZE);
    incoming->result->since = head->since;
    incoming->result->head_known = true;
    enum rf_code code = next_record(incoming, error);
    while (code == RF_OK && incoming->record.kind == RF_RECORD_MANIFEST) {
        code = read_snapshot(incoming, error);
    }
    return code == RF_OK ? check_end(incoming, error) : code;
}

/* Where a stream that is no good leaves the repository. */
static void tell_how_far(const struct incoming *incoming, struct rf_error *error) {
    unsigned long long newest = incoming->result->newest.number;
    bool hinted = error->hint[0];
    if (error->code != RF_CORRUPT) {
        return;
    }
    if (incoming->reader && !strstr(error->detail, "of the stream")) {
        rf_while(error, "at byte %llu of the stream",
                 (unsigned long long)rf_stream_offset(incoming->reader));
    }
    if (newest > 0) {
        rf_while(error, "%s is whole up to snapshot %llu", incoming->options->path, newest);
    } else {
        rf_while(error, "nothing of it was taken in");
    }
    if (!hinted && newest > 0) {
        rf_hint(error, "`rowferry export --since %llu` makes a stream that goes on from there.",
                newest);
    } else if (!hinted) {
        rf_hint(error, "make the stream again with `rowferry export`.");
    }
}

enum rf_code rf_import(struct rf_io *io, const struct rf_import_options *options,
                       struct rf_import_result *result, struct rf_error *error) {
    struct incoming incoming = {.io = io, .options = options, .result = result};
    *result = (struct rf_import_result){0};
    enum rf_code code = rf_stream_reader_new(options->get, options->get_context, options->stop,
                                             &incoming.reader, error);
    if (code == RF_OK) {
        code = read_stream(&incoming, error);
    }
    note_newest(&incoming);
    if (code != RF_OK) {
        tell_how_far(&incoming, error);
    }
    rf_stream_reader_free(incoming.reader);
    rf_repository_close(incoming.repository);
    return code;
}
