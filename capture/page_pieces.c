/* Filling pieces. */
#include "capture/page_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "capture/cell.h"
#include "format/block.h"

#define KEPT (2u * RF_BATCH_BYTES) /* bytes of a buffer that go on from piece to piece */

enum rf_code rf_page_piece_init(struct rf_page_piece *piece, uint32_t columns,
                                struct rf_error *error) {
    *piece = (struct rf_page_piece){0};
    piece->rowids = malloc(RF_PAGE_PIECE_ROWS * sizeof *piece->rowids);
    piece->hashes = malloc(RF_PAGE_PIECE_ROWS * sizeof *piece->hashes);
    piece->starts = malloc((RF_PAGE_PIECE_ROWS + 1) * sizeof *piece->starts);
    piece->key_starts = malloc((RF_PAGE_PIECE_ROWS + 1) * sizeof *piece->key_starts);
    piece->census = calloc(columns, sizeof *piece->census);
    if (!piece->rowids || !piece->hashes || !piece->starts || !piece->key_starts ||
        !piece->census) {
        rf_page_piece_release(piece);
        return rf_fail_memory(error);
    }
    return RF_OK;
}

void rf_page_piece_release(struct rf_page_piece *piece) {
    free(piece->rowids);
    free(piece->hashes);
    free(piece->starts);
    free(piece->key_starts);
    free(piece->census);
    rf_buffer_release(&piece->cells);
    rf_buffer_release(&piece->keys);
    *piece = (struct rf_page_piece){0};
}

void rf_page_piece_trim(struct rf_page_piece *piece) {
    if (piece->cells.capacity > KEPT) {
        rf_buffer_release(&piece->cells);
    }
    if (piece->keys.capacity > KEPT) {
        rf_buffer_release(&piece->keys);
    }
}

enum rf_code rf_page_maker_init(struct rf_page_maker *maker,
                                const struct rf_row_feed_options *options,
                                const struct rf_page_source *pages,
                                const struct rf_page_layout *layout, struct rf_error *error) {
    *maker = (struct rf_page_maker){.options = options, .layout = layout};
    return rf_page_rows_new(pages, layout, &maker->rows, error);
}

void rf_page_maker_release(struct rf_page_maker *maker) {
    rf_page_rows_free(maker->rows);
    rf_page_chunk_release(&maker->chunk);
    *maker = (struct rf_page_maker){0};
}

/* ---- the chunk ---- */

static enum rf_code identify(struct rf_page_maker *maker, struct rf_error *error) {
    struct rf_buffer all = {0};
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < maker->chunk.leaves; i++) {
        struct rf_page_leaf leaf;
        struct rf_hash identity;
        uint8_t bytes[RF_HASH_SIZE];
        rf_page_chunk_leaf(&maker->chunk, i, &leaf);
        code = rf_page_rows_identify(maker->rows, &leaf, &identity, error);
        rf_hash_store(bytes, identity);
        rf_buffer_append(&all, bytes, sizeof bytes);
    }
    if (code == RF_OK) {
        code = rf_buffer_check(&all, error);
    }
    if (code == RF_OK) {
        maker->identity = rf_hash_bytes(all.bytes, all.size);
        maker->identity.low += rf_hash_is_zero(maker->identity); /* zero is for none */
    }
    rf_buffer_release(&all);
    return code;
}

enum rf_code rf_page_maker_begin(struct rf_page_maker *maker, struct rf_error *error) {
    const struct rf_row_feed_options *options = maker->options;
    maker->left = 0;
    maker->next = 0;
    maker->begun = false;
    enum rf_code code = identify(maker, error);
    if (code != RF_OK) {
        return code;
    }
    maker->known = options->known && options->known(options->context, maker->identity);
    maker->left = maker->known ? 1 : maker->chunk.rows;
    rf_page_chunk_leaf(&maker->chunk, maker->next++, &maker->leaf);
    rf_page_rows_begin(maker->rows, &maker->leaf, 0);
    return RF_OK;
}

/* ---- rows ---- */

static enum rf_code look(struct rf_page_maker *maker, size_t *room, struct rf_error *error) {
    enum rf_code code = rf_page_rows_look(maker->rows, room, error);
    if (code == RF_OK && *room == 0) {
        rf_page_chunk_leaf(&maker->chunk, maker->next++, &maker->leaf);
        rf_page_rows_begin(maker->rows, &maker->leaf, 0);
        code = rf_page_rows_look(maker->rows, room, error); /* no leaf is without rows */
    }
    return code;
}

static void count(struct rf_page_piece *to, const uint8_t *cells, const uint32_t *offsets,
                  uint32_t columns) {
    for (uint32_t i = 0; i < columns; i++) {
        rf_census_cell(&to->census[i], cells + offsets[i]);
    }
}

static enum rf_code take(struct rf_page_maker *maker, struct rf_page_piece *to,
                         struct rf_error *error) {
    struct rf_page_row row;
    struct rf_piece *piece = &to->piece;
    enum rf_code code = rf_page_rows_take(maker->rows, &to->cells, &to->keys, &row, error);
    if (code != RF_OK) {
        return code;
    }
    uint32_t at = piece->rows++;
    const uint8_t *cells = to->cells.bytes + to->starts[at];
    to->rowids[at] = row.rowid;
    to->hashes[at] = rf_hash_bytes(cells, row.size);
    to->starts[at + 1] = (uint32_t)to->cells.size;
    to->key_starts[at + 1] = (uint32_t)to->keys.size;
    rf_digest_add(&piece->digest, to->hashes[at]);
    count(to, cells, row.offsets, maker->layout->column_count);
    maker->left--;
    return RF_OK;
}

static bool is_full(const struct rf_page_piece *to, size_t room) {
    return to->piece.rows == RF_PAGE_PIECE_ROWS || to->cells.size >= RF_PAGE_PIECE_BYTES ||
           (to->piece.rows > 0 &&
            (room > RF_PAGE_LARGE_ROW || to->cells.size + room > RF_BATCH_BYTES));
}

static enum rf_code take_rows(struct rf_page_maker *maker, struct rf_page_piece *to, bool alone,
                              bool *waits, struct rf_error *error) {
    while (maker->left > 0) {
        size_t room = 0;
        enum rf_code code = look(maker, &room, error);
        if (code != RF_OK || is_full(to, room)) {
            return code;
        }
        *waits = room > RF_PAGE_LARGE_ROW && !alone;
        if (*waits) {
            return RF_OK;
        }
        code = take(maker, to, error);
        if (code != RF_OK) {
            return code;
        }
    }
    return RF_OK;
}

/* Of a known chunk no row is read, but where the scan has not seen the keys, those of its first and
 * its last row are: they tell whether it lies where it should. */
static enum rf_code take_ends(struct rf_page_maker *maker, struct rf_page_piece *to, bool alone,
                              bool *waits, struct rf_error *error) {
    uint32_t count = maker->layout->tree == RF_TREE_TABLE ? 0 : maker->chunk.rows > 1 ? 2 : 1;
    for (uint32_t i = 0; i < 2 * count; i++) {
        struct rf_page_row row;
        size_t room = 0;
        bool last = i % count > 0;
        rf_page_chunk_leaf(&maker->chunk, last ? maker->chunk.leaves - 1 : 0, &maker->leaf);
        rf_page_rows_begin(maker->rows, &maker->leaf, last ? maker->leaf.rows - 1 : 0);
        enum rf_code code = rf_page_rows_look(maker->rows, &room, error);
        *waits = code == RF_OK && room > RF_PAGE_LARGE_ROW && !alone;
        if (code == RF_OK && !*waits && i >= count) { /* only once neither waits */
            rf_buffer_clear(&to->cells);
            code = rf_page_rows_take(maker->rows, &to->cells, &to->keys, &row, error);
            to->key_starts[++to->key_count] = (uint32_t)to->keys.size;
        }
        if (code != RF_OK || *waits) {
            return code;
        }
    }
    maker->left = 0;
    return RF_OK;
}

static void begin_piece(struct rf_page_maker *maker, struct rf_page_piece *to) {
    rf_buffer_clear(&to->cells);
    rf_buffer_clear(&to->keys);
    memset(to->census, 0, maker->layout->column_count * sizeof *to->census);
    to->key_count = 0;
    to->starts[0] = 0;
    to->key_starts[0] = 0;
    to->chunk = maker->chunk.number;
    to->piece = (struct rf_piece){
        .identity = maker->identity,
        .known = maker->known,
        .begins = !maker->begun,
        .rowids = to->rowids,
        .hashes = to->hashes,
        .starts = to->starts,
        .census = to->census,
    };
}

enum rf_code rf_page_maker_fill(struct rf_page_maker *maker, struct rf_page_piece *to, bool alone,
                                bool *waits, struct rf_error *error) {
    enum rf_code code = RF_OK;
    *waits = false;
    begin_piece(maker, to);
    if (maker->known) {
        code = take_ends(maker, to, alone, waits, error);
    } else {
        code = take_rows(maker, to, alone, waits, error);
        to->key_count = to->piece.rows;
    }
    if (code != RF_OK || *waits) {
        return code;
    }
    maker->begun = true;
    to->piece.ends = maker->left == 0;
    to->piece.cells = to->cells.bytes;
    if (maker->layout->key_count > 0 && !maker->known) {
        to->piece.keys = to->keys.bytes;
        to->piece.key_starts = to->key_starts;
    }
    return RF_OK;
}
