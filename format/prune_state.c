/* Of which archives a kept snapshot's tables are made from now on.
 *
 * There is a choice: the archives that they are made of already, or those of the kept snapshot before and
 * the delta that leads here from there, which is kept anyway. The second costs nothing more and is taken
 * where the rule allows it; so a full archive serves as many kept snapshots as it can. A delta
 * fits upon any archives that make the same rows, so the choice can be made anew for each table of each
 * snapshot. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "format/prune_inner.h"
#include "format/state.h"

static bool same_archives(const struct rf_manifest_table *a, const struct rf_manifest_table *b) {
    bool same = a->state_count == b->state_count;
    for (uint32_t i = 0; same && i < a->state_count; i++) {
        same = rf_hash_equal(a->state[i].digest, b->state[i].digest);
    }
    return same;
}

static bool needed_anyway(const struct rf_prune *prune, const struct rf_manifest_table *table) {
    bool needed = true;
    for (uint32_t i = 0; needed && i < table->state_count; i++) {
        needed = rf_digest_set_has(&prune->needed, table->state[i].digest);
    }
    return needed;
}

/* The archives of the snapshot before, and `delta` upon them where it is not NULL. */
static enum rf_code build_on(const struct rf_manifest_table *before,
                             const struct rf_archive_ref *delta, struct rf_manifest_table *table,
                             struct rf_error *error) {
    struct rf_archive_ref *state = calloc((size_t)before->state_count + 1, sizeof *state);
    if (!state) {
        return rf_fail_memory(error);
    }
    memcpy(state, before->state, before->state_count * sizeof *state);
    if (delta) {
        state[before->state_count] = *delta;
    }
    free(table->state);
    table->state = state;
    table->state_count = before->state_count + (delta != NULL);
    return RF_OK;
}

/* ---- a full archive of a state ---- */

struct rewrite {
    struct rf_archive_writer *writer;
    struct rf_batch *batch; /* being filled; NULL: none */
    struct rf_digest digest;
    struct rf_buffer cells;
    uint32_t *starts;
    int64_t *rowids;
    struct rf_hash *hashes;
    bool broken; /* the archive cannot be written: what went wrong shows when it is finished */
};

static bool make_room(struct rewrite *rewrite) {
    rewrite->starts = calloc(RF_BATCH_ROWS + 1, sizeof *rewrite->starts);
    rewrite->rowids = calloc(RF_BATCH_ROWS, sizeof *rewrite->rowids);
    rewrite->hashes = calloc(RF_BATCH_ROWS, sizeof *rewrite->hashes);
    return rewrite->starts && rewrite->rowids && rewrite->hashes;
}

static void hand_in(struct rewrite *rewrite) {
    if (rewrite->batch) {
        rf_archive_writer_add(rewrite->writer, rewrite->batch);
    }
    rewrite->batch = NULL;
}

static enum rf_code put_rows(struct rewrite *rewrite, uint32_t rows, struct rf_error *error) {
    for (uint32_t done = 0; done < rows;) {
        if (!rewrite->batch) {
            rewrite->batch = rf_archive_writer_batch(rewrite->writer, RF_BLOCK_ROWS);
        }
        if (!rewrite->batch) {
            rewrite->broken = true;
            return rf_fail(error, RF_FAILED, "an archive cannot be written");
        }
        done += rf_batch_add_rows(rewrite->batch, rewrite->rowids + done, rewrite->hashes + done,
                                  rewrite->cells.bytes, rewrite->starts + done, rows - done);
        if (rf_batch_full(rewrite->batch)) {
            hand_in(rewrite);
        }
    }
    return RF_OK;
}

static enum rf_code put_span(struct rewrite *rewrite, const struct rf_span *span,
                             struct rf_error *error) {
    rf_rows_put_all(span->rows, span->first, span->count, &rewrite->cells, rewrite->starts);
    enum rf_code code = rf_buffer_check(&rewrite->cells, error);
    if (code != RF_OK) {
        return code;
    }
    rf_hash_rows(rewrite->cells.bytes, rewrite->starts, span->count, rewrite->hashes);
    rf_digest_add_rows(&rewrite->digest, rewrite->hashes, span->count);
    for (uint32_t i = 0; span->rows->rowids && i < span->count; i++) {
        rewrite->rowids[i] =
            (int64_t)((uint64_t)span->rows->rowids[span->first + i] + (uint64_t)span->shift);
    }
    return put_rows(rewrite, span->count, error);
}

static enum rf_code put_state(const struct rf_prune *prune, struct rewrite *rewrite,
                              const struct rf_manifest_table *table, struct rf_error *error) {
    struct rf_state *state = NULL;
    struct rf_scan *scan = NULL;
    struct rf_span span = {0};
    enum rf_code code = rf_state_open(prune->repository, table, &state, error);
    if (code == RF_OK) {
        code = rf_scan_new(state, 0, rf_state_parts(state), &scan, error);
    }
    if (code == RF_OK) {
        code = rf_scan_ahead(scan, error);
    }
    while (code == RF_OK && (code = rf_scan_next(scan, &span, error)) == RF_OK && span.count > 0) {
        code = atomic_load(prune->options->stop) ? rf_fail(error, RF_INTERRUPTED, "stopped")
                                                 : put_span(rewrite, &span, error);
        if (code == RF_OK && prune->options->progress) {
            prune->options->progress(prune->options->context, table->table.name, span.count);
        }
    }
    hand_in(rewrite);
    if (code == RF_OK && !rf_digest_equal(&rewrite->digest, &table->digest)) {
        code = rf_fail(error, RF_CORRUPT, "the rows of table %.200s do not make its digest",
                       table->table.name);
        rf_hint(error, "`rowferry verify` tells what is damaged; nothing was pruned.");
    }
    rf_scan_free(scan);
    rf_state_close(state);
    return code;
}

static enum rf_code finish(struct rewrite *rewrite, enum rf_code code,
                           struct rf_pending_archive *archive, struct rf_error *error) {
    char path[PATH_MAX];
    if (code != RF_OK && !rewrite->broken) {
        rf_archive_writer_abort(rewrite->writer);
        return code;
    }
    code = rf_archive_writer_finish(rewrite->writer, &rewrite->digest, &archive->ref, path, error);
    if (code == RF_OK && !(archive->path = strdup(path))) {
        code = rf_fail_memory(error);
    }
    return code;
}

/* Makes the table's state one full archive. */
static enum rf_code write_whole(struct rf_prune *prune, uint64_t snapshot,
                                struct rf_manifest_table *table, struct rf_error *error) {
    struct rf_archive_head head = {
        .kind = RF_ARCHIVE_FULL, .snapshot = snapshot, .table = &table->table};
    struct rewrite rewrite = {0};
    struct rf_pending_archive archive = {0};
    memcpy(head.source, rf_repository_source(prune->repository), sizeof head.source);
    enum rf_code code = make_room(&rewrite) ? RF_OK : rf_fail_memory(error);
    if (code == RF_OK) {
        code = rf_archive_writer_new(rf_repository_io(prune->repository), prune->folder, &head,
                                     RF_PRUNE_LEVEL, prune->pool, &rewrite.writer, error);
    }
    if (code == RF_OK) {
        code = put_state(prune, &rewrite, table, error);
        code = finish(&rewrite, code, &archive, error);
    }
    if (code == RF_OK) {
        code = rf_prune_take(prune, &archive, error);
    }
    if (code == RF_OK) {
        table->state[0] = archive.ref;
        table->state_count = 1;
    }
    rf_buffer_release(&rewrite.cells);
    free(rewrite.starts);
    free(rewrite.rowids);
    free(rewrite.hashes);
    return code;
}

/* ---- the choice ---- */

static enum rf_code stay(struct rf_prune *prune, uint64_t snapshot, struct rf_manifest_table *table,
                         bool *changed, struct rf_error *error) {
    if (!rf_state_should_fold(table->state, table->state_count, NULL)) {
        return RF_OK;
    }
    *changed = true;
    return write_whole(prune, snapshot, table, error);
}

enum rf_code rf_prune_choose(struct rf_prune *prune, const struct rf_prune_state *given,
                             uint64_t snapshot, struct rf_manifest_table *table, bool *changed,
                             struct rf_error *error) {
    const struct rf_manifest_table *before = given->before;
    bool moved_on = given->relinked || given->before_changed;
    *changed = false;
    if (given->pinned || !moved_on) {
        return RF_OK;
    }
    if (!before || table->change == RF_CHANGE_NEW) {
        return stay(prune, snapshot, table, changed, error);
    }
    if (table->change == RF_CHANGE_NONE) {
        *changed = !same_archives(before, table);
        return *changed ? build_on(before, NULL, table, error) : RF_OK;
    }
    if (needed_anyway(prune, table) ||
        rf_state_should_fold(before->state, before->state_count, &table->delta)) {
        return stay(prune, snapshot, table, changed, error);
    }
    *changed = true;
    return build_on(before, &table->delta, table, error);
}
