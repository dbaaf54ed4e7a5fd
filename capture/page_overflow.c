/* Overflow chains. */
#include "capture/page_overflow.h"

#include <stdlib.h>

#define WINDOW_BYTES (128u << 10)
#define NEARLY_NEXT (8u << 10) /* bytes between two chains that still count as lying in order */

void rf_overflow_init(struct rf_overflow *overflow, const struct rf_page_source *source,
                      uint64_t *budget) {
    *overflow = (struct rf_overflow){.source = source, .budget = budget, .run = 1};
    overflow->capacity = WINDOW_BYTES / source->page_size;
}

void rf_overflow_release(struct rf_overflow *overflow) {
    free(overflow->pages);
    *overflow = (struct rf_overflow){0};
}

/* ---- pages ---- */

static bool is_in_window(const struct rf_overflow *overflow, uint32_t number) {
    return number >= overflow->first && number - overflow->first < overflow->count;
}

/* How many pages to read from `number` on, `left` of them being needed at most by this chain. Runs
 * grow while misses follow the window, so that no more than half of what is read is for nothing. */
static uint32_t run_from(struct rf_overflow *overflow, uint32_t number, uint32_t left) {
    uint32_t end = overflow->first + overflow->count;
    bool in_order = overflow->count > 0 && number >= end &&
                    number - end <= NEARLY_NEXT / overflow->source->page_size;
    overflow->run = in_order ? overflow->run * 2 : 1;
    uint32_t run = overflow->run > left ? overflow->run : left;
    run = run < overflow->capacity ? run : overflow->capacity;
    overflow->run = overflow->run < overflow->capacity ? overflow->run : overflow->capacity;
    uint32_t there = overflow->source->page_count - number + 1;
    return run < there ? run : there;
}

static enum rf_code page_at(struct rf_overflow *overflow, uint32_t number, uint32_t left,
                            const uint8_t **page, struct rf_error *error) {
    if (!rf_page_can_be_named(overflow->source, number)) {
        return rf_fail(error, RF_UNUSUAL, "an overflow chain leads to page %u", number);
    }
    if (!is_in_window(overflow, number)) {
        uint32_t count = run_from(overflow, number, left);
        overflow->count = 0;
        enum rf_code code =
            rf_page_read_ahead(overflow->source, number, &count, overflow->pages, error);
        if (code != RF_OK) {
            return code;
        }
        overflow->first = number;
        overflow->count = count;
    }
    *page = overflow->pages + (size_t)(number - overflow->first) * overflow->source->page_size;
    return RF_OK;
}

/* ---- chains ---- */

struct chain {
    uint32_t next; /* page */
    uint32_t left; /* bytes of the payload */
    uint32_t room; /* bytes of it on each page but the last */
};

static enum rf_code begin(struct rf_overflow *overflow, const struct rf_cell *cell,
                          struct chain *chain, struct rf_error *error) {
    if (!overflow->pages) {
        overflow->pages = malloc(WINDOW_BYTES + RF_PAGE_SLACK);
        if (!overflow->pages) {
            return rf_fail_memory(error);
        }
    }
    *chain = (struct chain){
        .next = cell->overflow,
        .left = cell->size - cell->local,
        .room = overflow->source->usable - 4,
    };
    uint64_t pages = ((uint64_t)chain->left + chain->room - 1) / chain->room;
    if (pages > *overflow->budget) {
        return rf_fail(error, RF_UNUSUAL, "a payload of %u bytes needs more pages than there are",
                       cell->size);
    }
    *overflow->budget -= pages;
    return RF_OK;
}

/* The next piece of the payload; *bytes is NULL behind the last. */
static enum rf_code next(struct rf_overflow *overflow, struct chain *chain, const uint8_t **bytes,
                         uint32_t *size, struct rf_error *error) {
    const uint8_t *page = NULL;
    *bytes = NULL;
    if (chain->left == 0) {
        return chain->next == 0
                   ? RF_OK
                   : rf_fail(error, RF_UNUSUAL, "an overflow chain goes on behind its payload");
    }
    uint32_t pages_left = (chain->left - 1) / chain->room + 1;
    enum rf_code code = page_at(overflow, chain->next, pages_left, &page, error);
    if (code != RF_OK) {
        return code;
    }
    *bytes = page + 4;
    *size = chain->left < chain->room ? chain->left : chain->room;
    chain->next = rf_load_be32(page);
    chain->left -= *size;
    return RF_OK;
}

enum rf_code rf_overflow_payload(struct rf_overflow *overflow, const struct rf_cell *cell,
                                 struct rf_buffer *payload, struct rf_error *error) {
    struct chain chain;
    const uint8_t *bytes = NULL;
    uint32_t size = 0;
    enum rf_code code = begin(overflow, cell, &chain, error);
    if (code != RF_OK) {
        return code;
    }
    rf_buffer_clear(payload);
    if (!rf_buffer_reserve(payload, (size_t)cell->size + RF_PAGE_SLACK)) {
        return rf_fail_memory(error);
    }
    rf_buffer_append(payload, cell->payload, cell->local);
    for (code = next(overflow, &chain, &bytes, &size, error); code == RF_OK && bytes;
         code = next(overflow, &chain, &bytes, &size, error)) {
        rf_buffer_append(payload, bytes, size);
    }
    return code;
}

enum rf_code rf_overflow_hash(struct rf_overflow *overflow, const struct rf_cell *cell,
                              struct rf_hash *hash, struct rf_error *error) {
    struct chain chain;
    const uint8_t *bytes = NULL;
    uint32_t size = 0;
    enum rf_code code = begin(overflow, cell, &chain, error);
    if (code != RF_OK) {
        return code;
    }
    *hash = (struct rf_hash){0};
    for (code = next(overflow, &chain, &bytes, &size, error); code == RF_OK && bytes;
         code = next(overflow, &chain, &bytes, &size, error)) {
        uint8_t joined[2 * RF_HASH_SIZE];
        rf_hash_store(joined, *hash);
        rf_hash_store(joined + RF_HASH_SIZE, rf_hash_bytes(bytes, size));
        *hash = rf_hash_bytes(joined, sizeof joined);
    }
    return code;
}
