#include "capture/diff.h"

#include "capture/key_order.h"

static enum rf_code fetch(struct rf_diff *diff, struct rf_error *error) {
    if (diff->ended || rf_diff_left(diff) > 0) {
        return RF_OK;
    }
    diff->old = (struct rf_keyed_row){0};
    enum rf_code code = diff->next(diff->context, &diff->old.rows, error);
    diff->ended = code == RF_OK && !diff->old.rows;
    return code;
}

/* Rows from here on that are the same on both sides. */
static uint32_t same_run(const struct rf_diff *diff, struct rf_keyed_row new) {
    uint32_t left = rf_diff_left(diff);
    uint32_t most = new.rows->count - new.at < left ? new.rows->count - new.at : left;
    const struct rf_hash *old_hashes = diff->old.rows->hashes + diff->old.at;
    const struct rf_hash *new_hashes = new.rows->hashes + new.at;
    uint32_t run = 0;
    if (diff->by_columns) {
        while (run < most && rf_hash_equal(old_hashes[run], new_hashes[run])) {
            run++;
        }
        return run;
    }
    const int64_t *old_rowids = diff->old.rows->rowids + diff->old.at;
    const int64_t *new_rowids = new.rows->rowids + new.at;
    while (run < most && old_rowids[run] == new_rowids[run] &&
           rf_hash_equal(old_hashes[run], new_hashes[run])) {
        run++;
    }
    return run;
}

static int compare(const struct rf_diff *diff, struct rf_keyed_row new) {
    if (diff->by_columns) {
        return rf_key_compare(rf_keyed_key(diff->old), rf_keyed_key_size(diff->old),
                              rf_keyed_key(new), rf_keyed_key_size(new));
    }
    int64_t old_rowid = rf_keyed_rowid(diff->old);
    int64_t new_rowid = rf_keyed_rowid(new);
    return (old_rowid > new_rowid) - (old_rowid < new_rowid);
}

/* One row of either side or of both, which are not the same. */
static enum rf_code take_one(struct rf_diff *diff, struct rf_keyed_row *new,
                             struct rf_error *error) {
    const struct rf_keyed_row none = {0};
    int order = diff->ended ? 1 : compare(diff, *new);
    enum rf_diff_event event = order < 0   ? RF_DIFF_GONE
                               : order > 0 ? RF_DIFF_ADDED
                                           : RF_DIFF_CHANGED;
    enum rf_code code = diff->take(diff->context, event, order <= 0 ? diff->old : none,
                                   order >= 0 ? *new : none, 1, error);
    diff->old.at += order <= 0;
    new->at += order >= 0;
    return code;
}

enum rf_code rf_diff_rows(struct rf_diff *diff, const struct rf_keyed_rows *rows,
                          struct rf_error *error) {
    struct rf_keyed_row new = {.rows = rows};
    enum rf_code code = RF_OK;
    while (code == RF_OK && new.at < rows->count) {
        code = fetch(diff, error);
        if (code != RF_OK) {
            break;
        }
        uint32_t run = diff->ended ? 0 : same_run(diff, new);
        if (run == 0) {
            code = take_one(diff, &new, error);
            continue;
        }
        code = diff->take(diff->context, RF_DIFF_SAME, diff->old, new, run, error);
        diff->old.at += run;
        new.at += run;
    }
    return code;
}

enum rf_code rf_diff_gone(struct rf_diff *diff, struct rf_error *error) {
    enum rf_code code = fetch(diff, error);
    while (code == RF_OK && rf_diff_left(diff) > 0) {
        const struct rf_keyed_row none = {0};
        code = diff->take(diff->context, RF_DIFF_GONE, diff->old, none, 1, error);
        diff->old.at++;
    }
    return code;
}

enum rf_code rf_diff_finish(struct rf_diff *diff, struct rf_error *error) {
    enum rf_code code = RF_OK;
    while (code == RF_OK && !diff->ended) {
        code = rf_diff_gone(diff, error);
    }
    return code;
}
