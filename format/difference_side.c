/* One side of a difference: the rows of a snapshot, the one at the head in hand. */
#include <stdlib.h>

#include "format/difference_inner.h"

void rf_side_release(struct rf_side *side) {
    rf_scan_free(side->scan);
    rf_state_close(side->state);
    rf_buffer_release(&side->scratch);
    *side = (struct rf_side){.ended = true};
}

enum rf_code rf_side_open(struct rf_side *side, const struct rf_repository *repository,
                          const struct rf_manifest_table *table, const struct rf_recipe *recipe,
                          bool ahead, struct rf_error *error) {
    *side = (struct rf_side){.recipe = recipe};
    struct rf_manifest_table made = *table;
    made.state_count = recipe->count;
    made.state = recipe->refs;
    enum rf_code code = rf_state_open(repository, &made, &side->state, error);
    if (code == RF_OK) {
        code = rf_scan_new(side->state, 0, rf_state_parts(side->state), &side->scan, error);
    }
    return code == RF_OK && ahead ? rf_scan_ahead(side->scan, error) : code;
}

enum rf_code rf_side_settle(struct rf_side *side, struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (!side->ended && side->at == side->span.count) {
        side->at = 0;
        code = rf_scan_next(side->scan, &side->span, error);
        side->ended = code != RF_OK || side->span.count == 0;
    }
    return code;
}

static int64_t rowid_at(const struct rf_side *side, uint32_t at) {
    return (int64_t)((uint64_t)side->span.rows->rowids[side->span.first + at] +
                     (uint64_t)side->span.shift);
}

static void search(struct rf_side *side, int64_t rowid) {
    uint32_t low = side->at;
    uint32_t high = side->span.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rowid_at(side, middle) < rowid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    side->at = low;
}

enum rf_code rf_side_seek(struct rf_side *side, int64_t rowid, struct rf_error *error) {
    if (side->ended) {
        return RF_OK;
    }
    if (side->span.count > 0 && rowid_at(side, side->span.count - 1) >= rowid) {
        search(side, rowid);
        return RF_OK;
    }
    side->at = side->span.count;
    rf_scan_skip_to(side->scan, rowid);
    return rf_side_settle(side, error);
}

enum rf_code rf_side_head(struct rf_side *side, bool hash, struct rf_row_at *at,
                          struct rf_error *error) {
    const struct rf_rows *rows = side->span.rows;
    uint32_t row = side->span.first + side->at;
    *at = (struct rf_row_at){.rows = rows, .row = row};
    if (rows->shape.rowids) {
        at->rowid = rf_side_rowid(side);
    }
    return hash ? rf_rows_hash(rows, row, 1, &side->scratch, &at->hash, error) : RF_OK;
}

uint32_t rf_side_shared(const struct rf_side *a, const struct rf_side *b) {
    const struct rf_span *left = &a->span;
    const struct rf_span *right = &b->span;
    if (left->block != right->block || left->first + a->at != right->first + b->at ||
        !rf_hash_equal(a->recipe->refs[left->archive].digest,
                       b->recipe->refs[right->archive].digest)) {
        return 0;
    }
    return rf_side_left(a) < rf_side_left(b) ? rf_side_left(a) : rf_side_left(b);
}

uint64_t rf_archive_weight(const struct rf_archive *archive) {
    uint64_t weight = 0;
    uint32_t columns = rf_archive_head_of(archive)->table->column_count;
    for (enum rf_block_kind kind = RF_BLOCK_ROWS; kind <= RF_BLOCK_MOVES; kind++) {
        uint64_t largest = 0;
        for (uint32_t i = 0; i < rf_archive_blocks(archive); i++) {
            const struct rf_block_facts *facts = &rf_archive_block(archive, i)->facts;
            uint64_t cells = (uint64_t)facts->rows * (kind == RF_BLOCK_MOVES ? 3 : columns);
            uint64_t decoded = 2 * (uint64_t)facts->raw_size + 12 * cells;
            largest = facts->kind == kind && decoded > largest ? decoded : largest;
        }
        weight += largest;
    }
    return weight;
}

enum rf_code rf_recipe_weight(const struct rf_repository *repository,
                              const struct rf_recipe *recipe, uint64_t *weight,
                              struct rf_error *error) {
    enum rf_code code = RF_OK;
    *weight = 0;
    for (uint32_t i = 0; code == RF_OK && i < recipe->count; i++) {
        struct rf_archive *archive = NULL;
        code = rf_repository_open_archive(repository, &recipe->refs[i], &archive, error);
        if (code == RF_OK) {
            *weight += rf_archive_weight(archive);
        }
        rf_archive_close(archive);
    }
    return code;
}

enum rf_code rf_meeting_look(struct rf_meeting *meeting, enum rf_meets *meets, uint32_t *rows,
                             struct rf_error *error) {
    struct rf_side *old = &meeting->old;
    struct rf_side *new = &meeting->new;
    enum rf_code code = rf_side_settle(old, error);
    if (code == RF_OK) {
        code = rf_side_settle(new, error);
    }
    *rows = 1;
    *meets = RF_MEETS_END;
    if (code != RF_OK || (old->ended && new->ended)) {
        return code;
    }
    if (!old->ended && (new->ended || old->span.archive >= meeting->shared)) {
        *meets = RF_MEETS_GONE;
    } else if (old->ended || new->span.archive >= meeting->shared) {
        *meets = RF_MEETS_NEW;
    } else if (rf_side_origin(old) != rf_side_origin(new)) {
        *meets = rf_side_origin(old) < rf_side_origin(new) ? RF_MEETS_GONE : RF_MEETS_NEW;
    } else {
        uint32_t shared = rf_side_shared(old, new);
        *meets = RF_MEETS_KEPT;
        *rows = shared > 0 ? shared : 1;
    }
    return RF_OK;
}
