/* A delta lists gone rows by their keys in the archives, in the order of the state before it: the
 * two are read side by side. Where the keys are rowids, what lies between is passed over; else rows
 * are known by their hashes, of which the delta has those of the rows that are gone. */
#include "replay/computed_old.h"

#include <string.h>

/* The state before the delta, as this snapshot has it: all archives but the delta. */
static bool builds_on(const struct rf_manifest_table *source) {
    const struct rf_archive_ref *last = &source->state[source->state_count - 1];
    return source->state_count > 1 && strcmp(last->name, source->delta.name) == 0 &&
           rf_hash_equal(last->digest, source->delta.digest);
}

static enum rf_code open_parent(struct rf_old_rows *old, const struct rf_delta *delta,
                                const char *table, bool *there, struct rf_error *error) {
    const struct rf_repository *repository = delta->run->repository;
    const struct rf_snapshot_name *parent = rf_repository_find(repository, delta->from->number);
    *there = parent && rf_hash_equal(parent->digest, delta->from->digest);
    if (!*there) {
        return RF_OK;
    }
    struct rf_manifest manifest = {0};
    enum rf_code code = rf_repository_load(repository, parent, &manifest, error);
    const struct rf_manifest_table *before =
        code == RF_OK ? rf_manifest_find(&manifest, table) : NULL;
    if (code == RF_OK && !before) {
        code = rf_fail(error, RF_CORRUPT, "table %s has a delta, but is not in the snapshot before",
                       table);
    }
    if (code == RF_OK) {
        code = rf_state_open(repository, before, &old->state, error);
    }
    rf_manifest_release(&manifest);
    return code;
}

static enum rf_code open_state(struct rf_old_rows *old, const struct rf_delta *delta,
                               const struct rf_manifest_table *source,
                               const struct rf_archive *archive, bool *there,
                               struct rf_error *error) {
    *there = true;
    if (!builds_on(source)) {
        return open_parent(old, delta, source->table.name, there, error);
    }
    struct rf_manifest_table before = *source;
    before.state_count--;
    before.digest = rf_archive_head_of(archive)->before;
    return rf_state_open(delta->run->repository, &before, &old->state, error);
}

enum rf_code rf_old_rows_open(struct rf_old_rows *old, struct rf_delta *delta,
                              const struct rf_manifest_table *source, struct rf_archive *archive,
                              bool *there, struct rf_error *error) {
    *old = (struct rf_old_rows){
        .archive = archive,
        .by_rowid = source->table.key_kind != RF_KEY_COLUMNS,
    };
    *there = true;
    enum rf_code code = RF_OK;
    if (rf_archive_head_of(archive)->gone == RF_GONE_KEY) {
        code = open_state(old, delta, source, archive, there, error);
    }
    if (code == RF_OK && old->state) {
        code = rf_scan_new(old->state, 0, rf_state_parts(old->state), &old->scan, error);
    }
    if (code == RF_OK && *there) {
        code = rf_block_scan_new(archive, RF_BLOCK_GONE, &old->gone, error);
    }
    return code;
}

void rf_old_rows_close(struct rf_old_rows *old) {
    rf_block_scan_free(old->gone);
    rf_scan_free(old->scan);
    rf_state_close(old->state);
    rf_buffer_release(&old->scratch);
    *old = (struct rf_old_rows){.archive = NULL};
}

static enum rf_code fail_missing(const struct rf_old_rows *old, struct rf_error *error) {
    const struct rf_archive_head *head = rf_archive_head_of(old->archive);
    rf_fail(error, RF_CORRUPT, "a row that table %s lost is not in the archives before",
            head->table->name);
    rf_hint(error, "nothing was applied; run `rowferry verify` on the repository.");
    return RF_CORRUPT;
}

static int64_t rowid_at(const struct rf_span *span, uint32_t row) {
    return (int64_t)((uint64_t)span->rows->rowids[row] + (uint64_t)span->shift);
}

/* Takes rows off the span's start. */
static void pass(struct rf_span *span, uint32_t rows) {
    span->first += rows;
    span->count -= rows;
}

static void pass_below(struct rf_span *span, int64_t rowid) {
    uint32_t low = 0, high = span->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rowid_at(span, span->first + middle) < rowid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    pass(span, low);
}

static enum rf_code hash_row(struct rf_old_rows *old, struct rf_hash *hash,
                             struct rf_error *error) {
    return rf_rows_hash(old->span.rows, old->span.first, 1, &old->scratch, hash, error);
}

/* Brings the span's start to the row. */
static enum rf_code seek_rowid(struct rf_old_rows *old, int64_t rowid, struct rf_hash hash,
                               struct rf_error *error) {
    struct rf_hash found;
    pass_below(&old->span, rowid);
    if (old->span.count == 0) {
        rf_scan_skip_to(old->scan, rowid);
        enum rf_code code = rf_scan_next(old->scan, &old->span, error);
        if (code != RF_OK) {
            return code;
        }
    }
    if (old->span.count == 0 || rowid_at(&old->span, old->span.first) != rowid) {
        return fail_missing(old, error);
    }
    enum rf_code code = hash_row(old, &found, error);
    return code != RF_OK || rf_hash_equal(found, hash) ? code : fail_missing(old, error);
}

static enum rf_code seek_hash(struct rf_old_rows *old, struct rf_hash hash,
                              struct rf_error *error) {
    for (;;) {
        struct rf_hash found;
        enum rf_code code =
            old->span.count > 0 ? RF_OK : rf_scan_next(old->scan, &old->span, error);
        if (code == RF_OK && old->span.count == 0) {
            return fail_missing(old, error);
        }
        if (code == RF_OK) {
            code = hash_row(old, &found, error);
        }
        if (code != RF_OK || rf_hash_equal(found, hash)) {
            return code;
        }
        pass(&old->span, 1);
    }
}

static enum rf_code next_gone(struct rf_old_rows *old, struct rf_error *error) {
    if (old->rows && ++old->row < old->rows->count) {
        return RF_OK;
    }
    old->row = 0;
    return rf_block_scan_next(old->gone, &old->rows, error);
}

enum rf_code rf_old_rows_next(struct rf_old_rows *old, const struct rf_rows **rows, uint32_t *row,
                              struct rf_hash *hash, struct rf_error *error) {
    if (old->state && old->rows && old->span.count > 0) {
        pass(&old->span, 1);
    }
    enum rf_code code = next_gone(old, error);
    *rows = old->rows;
    *row = old->row;
    if (code != RF_OK || !old->rows) {
        return code;
    }
    *hash = rf_hash_load(old->rows->hashes + (size_t)old->row * RF_HASH_SIZE);
    if (!old->state) {
        return RF_OK;
    }
    code = old->by_rowid ? seek_rowid(old, old->rows->rowids[old->row], *hash, error)
                         : seek_hash(old, *hash, error);
    *rows = old->span.rows;
    *row = old->span.first;
    return code;
}
