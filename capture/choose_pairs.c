/* Choosing among pairs: which stretches of them can stand together (chain.h). */
#include "capture/moves_inner.h"

/* Where two kept stretches follow each other, and the rows between them on both sides. */
struct region {
    struct rf_spill_reader reader; /* of what is kept */
    struct rf_match before;        /* the stretch before the region */
    struct rf_match after;         /* the one behind it; old UINT64_MAX for none */
};

static enum rf_code region_next(struct region *region, struct rf_error *error) {
    const void *record = NULL;
    region->before = region->after;
    enum rf_code code = rf_spill_next(&region->reader, &record, error);
    region->after = (struct rf_match){.old = UINT64_MAX, .new = UINT64_MAX};
    if (code == RF_OK && record) {
        region->after = *(const struct rf_match *)record;
    }
    return code;
}

/* Whether the pair lies in one region on both sides, and so crosses nothing that is kept. */
static enum rf_code fits(struct region *region, const struct rf_match *pair, bool *fit,
                         struct rf_error *error) {
    while (pair->old > region->after.old) {
        enum rf_code code = region_next(region, error);
        if (code != RF_OK) {
            return code;
        }
    }
    *fit = pair->new >= region->before.new + region->before.count && pair->new < region->after.new;
    return RF_OK;
}

/* The next pair that crosses nothing; NULL at the end. */
static enum rf_code next_fitting(struct rf_sorter *pairs, struct region *region,
                                 const struct rf_match **pair, struct rf_error *error) {
    for (;;) {
        const void *record = NULL;
        bool fit = true;
        enum rf_code code = rf_sorter_next(pairs, &record, error);
        *pair = record;
        if (code == RF_OK && record && region) {
            code = fits(region, record, &fit, error);
        }
        if (code != RF_OK || !record || fit) {
            return code;
        }
    }
}

/* Pairs that follow each other on both sides are one stretch, to be kept or dropped as one: nothing
 * else lies between them on either side. */
static enum rf_code choose_stretches(struct rf_sorter *pairs, struct region *region,
                                     struct rf_chain *chain, struct rf_error *error) {
    struct rf_match stretch = {0};
    for (;;) {
        const struct rf_match *pair = NULL;
        enum rf_code code = next_fitting(pairs, region, &pair, error);
        if (code != RF_OK) {
            return code;
        }
        if (pair && stretch.count > 0 && pair->old == stretch.old + stretch.count &&
            pair->new == stretch.new + stretch.count) {
            stretch.count++;
            continue;
        }
        if (stretch.count > 0) {
            code = rf_chain_add(chain, &stretch, error);
        }
        if (code != RF_OK || !pair) {
            return code == RF_OK ? rf_chain_finish(chain, error) : code;
        }
        stretch = *pair;
    }
}

enum rf_code rf_choose_pairs(const struct rf_scratch *scratch, struct rf_sorter *pairs,
                             const struct rf_spill *around, struct rf_spill *kept,
                             struct rf_error *error) {
    struct rf_chain chain = {0};
    struct region region = {0};
    enum rf_code code = rf_chain_init(&chain, scratch, kept, error);
    if (code == RF_OK && around) {
        rf_spill_reader_init(&region.reader, around, 0, around->count);
        code = region_next(&region, error);
    }
    if (code == RF_OK) {
        code = choose_stretches(pairs, around ? &region : NULL, &chain, error);
    }
    rf_spill_reader_release(&region.reader);
    rf_chain_release(&chain);
    return code;
}
