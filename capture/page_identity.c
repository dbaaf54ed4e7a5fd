/* The identity of a leaf.
 *
 * What is hashed is the leaf's cells, the last first, one behind another, each without the number
 * of its overflow page. A cell tells its own size, so cells cannot be mistaken for others. The last
 * comes first because that is how SQLite fills a page: from its end, cell by cell. A page that was
 * filled in order and lost nothing since has these very bytes in one piece and is hashed where it
 * lies; from any other they are gathered. */
#include "capture/page_identity.h"

/* Whether the cells lie together, the last first. */
struct stretch {
    const uint8_t *start;
    const uint8_t *end;
    bool unbroken;
    uint64_t elsewhere; /* bytes of payload */
};

static const uint8_t *end_of(const struct rf_cell *cell) {
    return cell->payload + cell->local;
}

static enum rf_code find_stretch(const struct rf_tree_shape *shape, const struct rf_page *leaf,
                                 struct stretch *stretch, struct rf_error *error) {
    struct rf_cell cell;
    *stretch = (struct stretch){.unbroken = leaf->cells > 0};
    for (uint32_t i = 0; i < leaf->cells; i++) {
        if (!rf_cell_take(shape, leaf, i, &cell)) {
            return rf_cell_is_outside(leaf, i, error);
        }
        stretch->elsewhere += cell.size - cell.local;
        stretch->unbroken &= i == 0 || end_of(&cell) == stretch->start;
        stretch->end = i == 0 ? end_of(&cell) : stretch->end;
        stretch->start = cell.start;
    }
    return RF_OK;
}

static enum rf_code gather(const struct rf_tree_shape *shape, const struct rf_page *leaf,
                           struct rf_buffer *scratch, struct rf_error *error) {
    rf_buffer_clear(scratch);
    for (uint32_t i = leaf->cells; i > 0; i--) {
        struct rf_cell cell;
        if (!rf_cell_take(shape, leaf, i - 1, &cell)) {
            return rf_cell_is_outside(leaf, i - 1, error);
        }
        rf_buffer_append(scratch, cell.start, (size_t)(end_of(&cell) - cell.start));
    }
    return rf_buffer_check(scratch, error);
}

enum rf_code rf_page_identify(const struct rf_tree_shape *shape, const struct rf_page *leaf,
                              const struct rf_cell *divider, struct rf_hash seed,
                              struct rf_buffer *scratch, struct rf_hash *identity,
                              uint64_t *elsewhere, struct rf_error *error) {
    struct stretch stretch;
    struct rf_hash cells;
    struct rf_hash last = {0};
    enum rf_code code = find_stretch(shape, leaf, &stretch, error);
    if (code == RF_OK && stretch.unbroken) {
        cells = rf_hash_bytes(stretch.start, (size_t)(stretch.end - stretch.start));
    } else {
        code = code == RF_OK ? gather(shape, leaf, scratch, error) : code;
        cells = rf_hash_bytes(scratch->bytes, scratch->size);
    }
    if (code != RF_OK) {
        return code;
    }
    if (divider) {
        last = rf_hash_bytes(divider->start, (size_t)(end_of(divider) - divider->start));
    }
    uint8_t all[3 * RF_HASH_SIZE + 8];
    rf_hash_store(all, seed);
    rf_hash_store(all + RF_HASH_SIZE, cells);
    rf_hash_store(all + 2 * RF_HASH_SIZE, last);
    rf_store_u32(all + 3 * RF_HASH_SIZE, leaf->cells);
    rf_store_u32(all + 3 * RF_HASH_SIZE + 4, divider != NULL);
    *identity = rf_hash_bytes(all, sizeof all);
    *elsewhere = stretch.elsewhere + (divider ? divider->size - divider->local : 0);
    return RF_OK;
}

static enum rf_code add_cell(const struct rf_cell *cell, struct rf_overflow *overflow,
                             struct rf_hash *identity, struct rf_error *error) {
    struct rf_hash rest;
    if (cell->local == cell->size) {
        return RF_OK;
    }
    enum rf_code code = rf_overflow_hash(overflow, cell, &rest, error);
    if (code == RF_OK) {
        uint8_t both[2 * RF_HASH_SIZE];
        rf_hash_store(both, *identity);
        rf_hash_store(both + RF_HASH_SIZE, rest);
        *identity = rf_hash_bytes(both, sizeof both);
    }
    return code;
}

enum rf_code rf_page_identify_overflow(const struct rf_tree_shape *shape,
                                       const struct rf_page *leaf, const struct rf_cell *divider,
                                       struct rf_overflow *overflow, struct rf_hash *identity,
                                       struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < leaf->cells; i++) {
        struct rf_cell cell;
        code = rf_cell_take(shape, leaf, i, &cell) ? add_cell(&cell, overflow, identity, error)
                                                   : rf_cell_is_outside(leaf, i, error);
    }
    return code == RF_OK && divider ? add_cell(divider, overflow, identity, error) : code;
}
