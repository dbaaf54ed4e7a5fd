#include "capture/diff.h"

#include "capture/key_order.h"

/* A side that has ended sorts behind everything. */
static int compare(bool by_columns, const struct rf_keyed_row *old,
                   const struct rf_keyed_row *new) {
    if (!old || !new) {
        return old ? -1 : 1;
    }
    if (by_columns) {
        return rf_key_compare(old->key, old->key_size, new->key, new->key_size);
    }
    return (old->rowid > new->rowid) - (old->rowid < new->rowid);
}

enum rf_code rf_diff(bool by_columns, const struct rf_diff_side *old_side,
                     const struct rf_diff_side *new_side, const struct rf_diff_sink *sink,
                     struct rf_error *error) {
    const struct rf_keyed_row *old = NULL;
    const struct rf_keyed_row *new = NULL;
    enum rf_code code = old_side->next(old_side->context, &old, error);
    if (code == RF_OK) {
        code = new_side->next(new_side->context, &new, error);
    }
    while (code == RF_OK && (old || new)) {
        int order = compare(by_columns, old, new);
        enum rf_diff_event event = order < 0                             ? RF_DIFF_GONE
                                   : order > 0                           ? RF_DIFF_ADDED
                                   : rf_hash_equal(old->hash, new->hash) ? RF_DIFF_SAME
                                                                         : RF_DIFF_CHANGED;
        code = sink->take(sink->context, event, order <= 0 ? old : NULL, order >= 0 ? new : NULL,
                          error);
        if (code == RF_OK && order <= 0) {
            code = old_side->next(old_side->context, &old, error);
        }
        if (code == RF_OK && order >= 0) {
            code = new_side->next(new_side->context, &new, error);
        }
    }
    return code;
}
