/* Pairing leftovers by content: both sides in the order of their hashes, joined. */
#include "capture/moves_inner.h"

struct by_content {
    struct rf_hash hash;
    uint64_t gap;
    uint64_t place;
};

static int compare_u64(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

static int compare_hash(struct rf_hash a, struct rf_hash b) {
    int order = compare_u64(a.high, b.high);
    return order != 0 ? order : compare_u64(a.low, b.low);
}

static int compare_content(const struct by_content *a, const struct by_content *b) {
    int order = compare_hash(a->hash, b->hash);
    return order != 0 ? order : compare_u64(a->gap, b->gap);
}

static int compare_content_and_place(const void *a, const void *b) {
    const struct by_content *left = a;
    const struct by_content *right = b;
    int order = compare_content(left, right);
    return order != 0 ? order : compare_u64(left->place, right->place);
}

static enum rf_code sort_by_content(const struct rf_spill *rows, struct rf_sorter *sorter,
                                    struct rf_error *error) {
    struct rf_spill_reader reader;
    enum rf_code code = RF_OK;
    rf_spill_reader_init(&reader, rows, 0, rows->count);
    for (uint64_t place = 0; code == RF_OK && place < rows->count; place++) {
        const void *record = NULL;
        code = rf_spill_next(&reader, &record, error);
        if (code == RF_OK) {
            const struct rf_leftover *row = record;
            struct by_content content = {.hash = row->hash, .gap = row->gap, .place = place};
            code = rf_sorter_add(sorter, &content, error);
        }
    }
    rf_spill_reader_release(&reader);
    return code == RF_OK ? rf_sorter_sort(sorter, error) : code;
}

/* How many pairs the contents alone would allow, told from the rows in the order of contents. */
struct tally {
    struct rf_hash hash;
    uint64_t old_rows;
    uint64_t new_rows;
    uint64_t pairable;
};

static void tally_settle(struct tally *tally) {
    tally->pairable += tally->old_rows < tally->new_rows ? tally->old_rows : tally->new_rows;
    tally->old_rows = 0;
    tally->new_rows = 0;
}

static void tally_row(struct tally *tally, struct rf_hash hash, bool old_row, bool new_row) {
    if (!rf_hash_equal(tally->hash, hash)) {
        tally_settle(tally);
        tally->hash = hash;
    }
    tally->old_rows += old_row;
    tally->new_rows += new_row;
}

static bool is_alone(const struct by_content *row, bool begins, const void *next) {
    return begins && !(next && compare_content(row, next) == 0);
}

/* Joins the two sides in the order of contents. */
static enum rf_code join(struct rf_sorter *old_rows, struct rf_sorter *new_rows,
                         struct rf_pairs *pairs, uint64_t *pairable, struct rf_error *error) {
    const void *old_record = NULL;
    const void *new_record = NULL;
    struct tally tally = {0};
    struct by_content last = {0}; /* the content of the pair before */
    bool any = false;
    enum rf_code code = rf_sorter_next(old_rows, &old_record, error);
    if (code == RF_OK) {
        code = rf_sorter_next(new_rows, &new_record, error);
    }
    while (code == RF_OK && (old_record || new_record)) {
        const struct by_content *old = old_record;
        const struct by_content *new = new_record;
        int order = !old ? 1 : !new ? -1 : compare_content(old, new);
        tally_row(&tally, order <= 0 ? old->hash : new->hash, order <= 0, order >= 0);
        struct rf_match pair = {.count = 1};
        bool begins = false;
        if (order == 0) {
            begins = !any || compare_content(&last, old) != 0;
            any = true;
            last = *old;
            pair.old = old->place;
            pair.new = new->place;
        }
        if (order <= 0) {
            code = rf_sorter_next(old_rows, &old_record, error);
        }
        if (code == RF_OK && order >= 0) {
            code = rf_sorter_next(new_rows, &new_record, error);
        }
        if (code == RF_OK && order == 0) {
            bool sure = is_alone(&last, begins, old_record) && is_alone(&last, begins, new_record);
            code = rf_sorter_add(sure ? &pairs->sure : &pairs->guessed, &pair, error);
        }
    }
    tally_settle(&tally);
    *pairable = tally.pairable;
    if (code == RF_OK) {
        code = rf_sorter_sort(&pairs->sure, error);
    }
    return code == RF_OK ? rf_sorter_sort(&pairs->guessed, error) : code;
}

enum rf_code rf_pair_by_content(const struct rf_scratch *scratch, const struct rf_spill *old_rows,
                                const struct rf_spill *new_rows, struct rf_pairs *pairs,
                                uint64_t *pairable, struct rf_error *error) {
    struct rf_sorter old_sorter, new_sorter;
    rf_sorter_init(&old_sorter, scratch, sizeof(struct by_content), compare_content_and_place);
    rf_sorter_init(&new_sorter, scratch, sizeof(struct by_content), compare_content_and_place);
    enum rf_code code = sort_by_content(old_rows, &old_sorter, error);
    if (code == RF_OK) {
        code = sort_by_content(new_rows, &new_sorter, error);
    }
    if (code == RF_OK) {
        code = join(&old_sorter, &new_sorter, pairs, pairable, error);
    }
    rf_sorter_release(&old_sorter);
    rf_sorter_release(&new_sorter);
    return code;
}
