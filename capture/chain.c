#include "capture/chain.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX

struct rf_chain_link {
    uint64_t weight; /* rows of the heaviest chain that ends with this match */
    size_t before;   /* the match before it in that chain, or NONE */
    size_t rank;     /* its place by `new` among the window's matches, from 1 */
    bool chosen;
};

struct rf_chain_order {
    uint64_t new;
    size_t match;
};

enum rf_code rf_chain_init(struct rf_chain *chain, const struct rf_scratch *scratch,
                           struct rf_spill *kept, struct rf_error *error) {
    *chain = (struct rf_chain){.capacity = scratch->window, .kept = kept};
    chain->window = calloc(chain->capacity, sizeof *chain->window);
    chain->links = calloc(chain->capacity, sizeof *chain->links);
    chain->order = calloc(chain->capacity, sizeof *chain->order);
    chain->tree = calloc(chain->capacity + 1, sizeof *chain->tree);
    if (!chain->window || !chain->links || !chain->order || !chain->tree) {
        rf_chain_release(chain);
        return rf_fail_memory(error);
    }
    return RF_OK;
}

void rf_chain_release(struct rf_chain *chain) {
    free(chain->window);
    free(chain->links);
    free(chain->order);
    free(chain->tree);
    *chain = (struct rf_chain){0};
}

static int compare_new(const void *a, const void *b) {
    const struct rf_chain_order *left = a;
    const struct rf_chain_order *right = b;
    return (left->new > right->new) - (left->new < right->new);
}

static void rank_matches(struct rf_chain *chain) {
    for (size_t i = 0; i < chain->count; i++) {
        chain->order[i] = (struct rf_chain_order){.new = chain->window[i].new, .match = i};
    }
    if (chain->count > 1) {
        qsort(chain->order, chain->count, sizeof *chain->order, compare_new);
    }
    for (size_t i = 0; i < chain->count; i++) {
        chain->links[chain->order[i].match].rank = i + 1;
    }
}

/* ---- a Fenwick tree of prefix maxima over ranks ---- */

static uint64_t weight_of(const struct rf_chain *chain, size_t match) {
    return match == NONE ? 0 : chain->links[match].weight;
}

/* The match with the heaviest chain among those of lower rank. */
static size_t heaviest_below(const struct rf_chain *chain, size_t rank) {
    size_t best = NONE;
    for (size_t at = rank - 1; at > 0; at &= at - 1) {
        if (weight_of(chain, chain->tree[at]) > weight_of(chain, best)) {
            best = chain->tree[at];
        }
    }
    return best;
}

static void enter(struct rf_chain *chain, size_t match) {
    for (size_t at = chain->links[match].rank; at <= chain->count; at += at & (~at + 1)) {
        if (weight_of(chain, match) > weight_of(chain, chain->tree[at])) {
            chain->tree[at] = match;
        }
    }
}

/* ---- settling ---- */

/* Marks the matches of the heaviest chain. */
static void choose(struct rf_chain *chain) {
    size_t last = NONE;
    rank_matches(chain);
    for (size_t i = 0; i <= chain->count; i++) {
        chain->tree[i] = NONE;
    }
    for (size_t i = 0; i < chain->count; i++) {
        struct rf_chain_link *link = &chain->links[i];
        link->chosen = false;
        link->before = heaviest_below(chain, link->rank);
        link->weight = chain->window[i].count + weight_of(chain, link->before);
        enter(chain, i);
        if (weight_of(chain, i) > weight_of(chain, last)) {
            last = i;
        }
    }
    for (; last != NONE; last = chain->links[last].before) {
        chain->links[last].chosen = true;
    }
}

/* Keeps what is chosen of the first `settled` matches and moves the others up. */
static enum rf_code settle(struct rf_chain *chain, size_t settled, struct rf_error *error) {
    choose(chain);
    for (size_t i = 0; i < settled; i++) {
        if (!chain->links[i].chosen) {
            continue;
        }
        enum rf_code code = rf_spill_add(chain->kept, &chain->window[i], error);
        if (code != RF_OK) {
            return code;
        }
        chain->new_end = chain->window[i].new + chain->window[i].count;
    }
    size_t left = 0;
    for (size_t i = settled; i < chain->count; i++) {
        if (chain->window[i].new >= chain->new_end) {
            chain->window[left++] = chain->window[i];
        }
    }
    chain->count = left;
    return RF_OK;
}

enum rf_code rf_chain_add(struct rf_chain *chain, const struct rf_match *match,
                          struct rf_error *error) {
    if (match->new < chain->new_end) {
        return RF_OK;
    }
    if (chain->count == chain->capacity) {
        enum rf_code code = settle(chain, chain->capacity / 2, error);
        if (code != RF_OK || match->new < chain->new_end) {
            return code;
        }
    }
    chain->window[chain->count++] = *match;
    return RF_OK;
}

enum rf_code rf_chain_finish(struct rf_chain *chain, struct rf_error *error) {
    return settle(chain, chain->count, error);
}
