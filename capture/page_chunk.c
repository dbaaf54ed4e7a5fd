/* Cutting chunks. Pages are kept as copies since the scan reads on while the chunk is decoded. */
#include "capture/page_chunk.h"

#include <stdlib.h>

struct rf_kept_leaf {
    struct rf_page_leaf leaf; /* as the scan gave it: its pointers lead nowhere any more */
    size_t page;              /* in the chunk's bytes */
    size_t divider;
};

void rf_page_chunk_release(struct rf_page_chunk *chunk) {
    rf_buffer_release(&chunk->bytes);
    free(chunk->kept);
    *chunk = (struct rf_page_chunk){0};
}

static enum rf_code make_room(struct rf_page_chunk *chunk, struct rf_error *error) {
    if (chunk->leaves < chunk->capacity) {
        return RF_OK;
    }
    uint32_t capacity = chunk->capacity ? chunk->capacity * 2 : 8;
    void *grown = realloc(chunk->kept, capacity * sizeof *chunk->kept);
    if (!grown) {
        return rf_fail_memory(error);
    }
    chunk->kept = grown;
    chunk->capacity = capacity;
    return RF_OK;
}

static enum rf_code keep(struct rf_page_chunk *chunk, const struct rf_page_leaf *leaf,
                         uint32_t page_size, struct rf_error *error) {
    enum rf_code code = make_room(chunk, error);
    if (code != RF_OK) {
        return code;
    }
    struct rf_kept_leaf *kept = &chunk->kept[chunk->leaves++];
    kept->leaf = *leaf;
    kept->page = chunk->bytes.size;
    rf_buffer_append(&chunk->bytes, leaf->page.bytes, page_size);
    kept->divider = chunk->bytes.size;
    if (leaf->has_divider) {
        const struct rf_cell *cell = &leaf->divider;
        size_t pointer = cell->local < cell->size ? 4 : 0; /* to its overflow pages */
        size_t size = (size_t)(cell->payload - cell->start) + cell->local + pointer;
        rf_buffer_append(&chunk->bytes, cell->start, size);
    }
    chunk->rows += leaf->rows;
    chunk->size += page_size + leaf->elsewhere;
    rf_buffer_reserve(&chunk->bytes, RF_PAGE_SLACK);
    return rf_buffer_check(&chunk->bytes, error);
}

/* Which bits of a leaf's identity must be zero for it to end a chunk: the fewer, the larger it
 * is. */
static uint64_t ending_mask(uint64_t size) {
    uint64_t mask = 0;
    while (size * 2 * (mask + 1) <= RF_CHUNK_USUAL) {
        mask = 2 * mask + 1;
    }
    return mask;
}

static bool is_complete(const struct rf_page_chunk *chunk, const struct rf_page_leaf *leaf,
                        uint32_t page_size) {
    uint64_t mask = ending_mask(page_size + leaf->elsewhere);
    return chunk->size + page_size > RF_CHUNK_GREATEST ||
           (chunk->size >= RF_CHUNK_LEAST && (leaf->identity.low & mask) == 0);
}

enum rf_code rf_page_chunk_cut(struct rf_page_chunk *chunk, struct rf_page_scan *scan,
                               uint32_t page_size, struct rf_error *error) {
    bool complete = false;
    enum rf_code code = RF_OK;
    chunk->leaves = 0;
    chunk->rows = 0;
    chunk->size = 0;
    rf_buffer_clear(&chunk->bytes);
    while (code == RF_OK && !complete) {
        const struct rf_page_leaf *leaf = NULL;
        code = rf_page_scan_leaf(scan, &leaf, error);
        if (code == RF_OK && (!leaf || leaf->rows == 0)) {
            break;
        }
        if (code == RF_OK) {
            code = keep(chunk, leaf, page_size, error);
            complete = code == RF_OK && is_complete(chunk, leaf, page_size);
        }
    }
    return code;
}

void rf_page_chunk_leaf(const struct rf_page_chunk *chunk, uint32_t index,
                        struct rf_page_leaf *leaf) {
    const struct rf_kept_leaf *kept = &chunk->kept[index];
    *leaf = kept->leaf;
    leaf->page.bytes = chunk->bytes.bytes + kept->page;
    leaf->page.pointers = leaf->page.bytes + (leaf->page.floor - 2 * leaf->page.cells);
    if (leaf->has_divider) {
        size_t head = (size_t)(kept->leaf.divider.payload - kept->leaf.divider.start);
        leaf->divider.start = chunk->bytes.bytes + kept->divider;
        leaf->divider.payload = leaf->divider.start + head;
    }
}
