/* Choosing a way, and going it; difference.h says which there are. */
#include "format/difference.h"

#include <stdlib.h>
#include <string.h>

#include "format/difference_inner.h"

/* Between two looks at the stop flag. */
#define STEPS_AT_ONCE 1024u

enum way { BY_KEY, BY_TOUCH, BY_ORIGIN };

struct rf_difference {
    enum way way;
    const struct rf_table *table;
    const atomic_int *stop;
    uint32_t steps;
    uint64_t rows;
    struct rf_recipe old_recipe, new_recipe;
    bool old_given, new_given; /* the heads are in the caller's hands until the next call */
    /* By key and by touch: both sides. By origin: one meeting that stops at rows that are gone,
     * and one that stops at those that are new or moved. */
    struct rf_meeting first, second;
    struct rf_touched *touched;
};

void rf_difference_free(struct rf_difference *difference) {
    if (difference) {
        rf_side_release(&difference->first.old);
        rf_side_release(&difference->first.new);
        rf_side_release(&difference->second.old);
        rf_side_release(&difference->second.new);
        rf_touched_free(difference->touched);
        free(difference->old_recipe.refs);
        free(difference->new_recipe.refs);
        free(difference);
    }
}

uint64_t rf_difference_rows(const struct rf_difference *difference) {
    return difference->rows;
}

const char *rf_difference_way(const struct rf_difference *difference) {
    static const char *const names[] = {"by key", "by touch", "by origin"};
    return names[difference->way];
}

/* ---- choosing ---- */

/* `count` archives, and then `more`. */
static enum rf_code make_recipe(struct rf_recipe *recipe, const struct rf_archive_ref *refs,
                                uint32_t count, const struct rf_archive_ref *more,
                                uint32_t more_count, struct rf_error *error) {
    size_t total = (size_t)count + more_count;
    struct rf_archive_ref *made = calloc(total ? total : 1, sizeof *made);
    if (!made) {
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < total; i++) {
        made[i] = i < count ? refs[i] : more[i - count];
    }
    free(recipe->refs);
    recipe->refs = made;
    recipe->count = (uint32_t)total;
    return RF_OK;
}

static uint32_t shared_archives(const struct rf_recipe *a, const struct rf_recipe *b) {
    uint32_t shared = 0;
    while (shared < a->count && shared < b->count &&
           rf_hash_equal(a->refs[shared].digest, b->refs[shared].digest)) {
        shared++;
    }
    return shared;
}

/* What the ends are, and what is known about the way from one to the other. */
struct ends {
    const struct rf_repository *repository;
    const struct rf_manifest_table *from, *to;
    bool known;
    struct rf_between_table between;
};

/* The older snapshot's archives, and upon them what came between, make the rows of the newer one
 * as well. */
static enum rf_code compose(struct rf_difference *difference, const struct ends *ends,
                            struct rf_error *error) {
    bool backward = ends->between.backward;
    const struct rf_manifest_table *older = backward ? ends->to : ends->from;
    return make_recipe(backward ? &difference->old_recipe : &difference->new_recipe, older->state,
                       older->state_count, ends->between.deltas, ends->between.count, error);
}

/* All that happened from one side to the other, in either direction. */
static enum rf_code find_deltas(const struct rf_difference *difference, const struct ends *ends,
                                struct rf_recipe *deltas, struct rf_error *error) {
    const struct rf_recipe *old = &difference->old_recipe;
    const struct rf_recipe *new = &difference->new_recipe;
    uint32_t shared = shared_archives(old, new);
    return shared > 0
               ? make_recipe(deltas, old->refs + shared, old->count - shared, new->refs + shared,
                             new->count - shared, error)
               : make_recipe(deltas, ends->between.deltas, ends->between.count, NULL, 0, error);
}

static enum rf_code open_meeting(struct rf_difference *difference, struct rf_meeting *meeting,
                                 const struct ends *ends, bool ahead, struct rf_error *error) {
    enum rf_code code = rf_side_open(&meeting->old, ends->repository, ends->from,
                                     &difference->old_recipe, ahead, error);
    return code == RF_OK ? rf_side_open(&meeting->new, ends->repository, ends->to,
                                        &difference->new_recipe, ahead, error)
                         : code;
}

static enum rf_code open_origin(struct rf_difference *difference, struct rf_meeting *meeting,
                                const struct ends *ends, struct rf_error *error) {
    enum rf_code code = open_meeting(difference, meeting, ends, false, error);
    if (code == RF_OK) {
        meeting->shared = shared_archives(&difference->old_recipe, &difference->new_recipe);
        rf_scan_mark(meeting->old.scan, meeting->shared);
        rf_scan_mark(meeting->new.scan, meeting->shared);
    }
    return code;
}

/* Rows moved: by origin, if memory allows. */
static enum rf_code choose_origin(struct rf_difference *difference, const struct ends *ends,
                                  struct rf_error *error) {
    uint64_t old_weight = 0, new_weight = 0;
    enum rf_code code = RF_OK;
    if (shared_archives(&difference->old_recipe, &difference->new_recipe) == 0) {
        code = compose(difference, ends, error);
    }
    const struct rf_recipe *old = &difference->old_recipe, *new = &difference->new_recipe;
    bool fits = old->count <= RF_DIFFERENCE_ARCHIVES && new->count <= RF_DIFFERENCE_ARCHIVES;
    if (code == RF_OK && fits) {
        code = rf_recipe_weight(ends->repository, old, &old_weight, error);
    }
    if (code == RF_OK && fits) {
        code = rf_recipe_weight(ends->repository, new, &new_weight, error);
    }
    if (code == RF_OK && fits && 2 * (old_weight + new_weight) <= RF_DIFFERENCE_MEMORY) {
        difference->way = BY_ORIGIN;
    }
    return code;
}

static enum rf_code choose(struct rf_difference *difference, const struct ends *ends,
                           struct rf_error *error) {
    bool shared = shared_archives(&difference->old_recipe, &difference->new_recipe) > 0;
    if (difference->table->key_kind == RF_KEY_COLUMNS || (!shared && !ends->known)) {
        return RF_OK;
    }
    struct rf_recipe deltas = {0};
    bool moves = false;
    enum rf_code code = find_deltas(difference, ends, &deltas, error);
    if (code == RF_OK) {
        code = rf_touched_new(ends->repository, &deltas, &difference->touched, &moves, error);
    }
    free(deltas.refs);
    if (code == RF_OK && moves) {
        rf_touched_free(difference->touched);
        difference->touched = NULL;
        return choose_origin(difference, ends, error);
    }
    difference->way = difference->touched ? BY_TOUCH : BY_KEY;
    return code;
}

static enum rf_code use_states(struct rf_difference *difference, const struct ends *ends,
                               struct rf_error *error) {
    enum rf_code code = make_recipe(&difference->old_recipe, ends->from->state,
                                    ends->from->state_count, NULL, 0, error);
    return code == RF_OK ? make_recipe(&difference->new_recipe, ends->to->state,
                                       ends->to->state_count, NULL, 0, error)
                         : code;
}

static enum rf_code open_way(struct rf_difference *difference, const struct ends *ends,
                             struct rf_error *error) {
    enum rf_code code = use_states(difference, ends, error);
    if (code == RF_OK) {
        code = choose(difference, ends, error);
    }
    if (code == RF_OK && difference->way == BY_ORIGIN) {
        code = open_origin(difference, &difference->first, ends, error);
        return code == RF_OK ? open_origin(difference, &difference->second, ends, error) : code;
    }
    if (code == RF_OK) {
        code = use_states(difference, ends, error); /* whatever was tried */
    }
    return code == RF_OK ? open_meeting(difference, &difference->first, ends,
                                        difference->way == BY_KEY, error)
                         : code;
}

enum rf_code rf_difference_new(const struct rf_repository *repository,
                               const struct rf_manifest_table *from,
                               const struct rf_manifest_table *to, const struct rf_between *between,
                               const atomic_int *stop, struct rf_difference **made,
                               struct rf_error *error) {
    *made = NULL;
    struct rf_difference *difference = calloc(1, sizeof *difference);
    if (!difference) {
        return rf_fail_memory(error);
    }
    difference->table = &to->table;
    difference->stop = stop;
    struct ends ends = {.repository = repository, .from = from, .to = to};
    ends.known = rf_between_find(between, to->table.name, &ends.between);
    enum rf_code code = open_way(difference, &ends, error);
    if (code != RF_OK) {
        rf_difference_free(difference);
        return code;
    }
    *made = difference;
    return RF_OK;
}

/* ---- going ---- */

static enum rf_code check_stop(struct rf_difference *difference, struct rf_error *error) {
    if (difference->steps++ % STEPS_AT_ONCE == 0 && difference->stop &&
        atomic_load(difference->stop) != 0) {
        return rf_fail(error, RF_INTERRUPTED, "stopped while comparing table \"%.200s\"",
                       difference->table->name);
    }
    return RF_OK;
}

static void pass(struct rf_difference *difference, struct rf_side *side, uint32_t rows) {
    rf_side_pass(side, rows);
    difference->rows += rows;
}

static int compare_keys(const struct rf_table *table, const struct rf_side *a,
                        const struct rf_side *b) {
    if (table->key_kind != RF_KEY_COLUMNS) {
        int64_t left = rf_side_rowid(a);
        int64_t right = rf_side_rowid(b);
        return (left > right) - (left < right);
    }
    int order = 0;
    for (uint32_t i = 0; order == 0 && i < table->key_count; i++) {
        uint32_t column = table->key[i];
        struct rf_value left = rf_rows_value(a->span.rows, column, a->span.first + a->at);
        struct rf_value right = rf_rows_value(b->span.rows, column, b->span.first + b->at);
        order = rf_value_compare(&left, &right);
    }
    return order;
}

/* Gives the heads out, with their hashes. */
static enum rf_code give(struct rf_difference *difference, struct rf_side *old, struct rf_side *new,
                         struct rf_row_change *change, struct rf_error *error) {
    difference->old_given = old;
    difference->new_given = new;
    enum rf_code code = old ? rf_side_head(old, true, &change->old, error) : RF_OK;
    return code == RF_OK && new ? rf_side_head(new, true, &change->new, error) : code;
}

/* Of one key. *differ is false, and nothing given, where they are the same row. */
static enum rf_code give_both(struct rf_difference *difference, struct rf_side *old,
                              struct rf_side *new, bool *differ, struct rf_row_change *change,
                              struct rf_error *error) {
    enum rf_code code = give(difference, old, new, change, error);
    *differ = code != RF_OK || !rf_hash_equal(change->old.hash, change->new.hash);
    if (!*differ) {
        difference->old_given = difference->new_given = false;
        *change = (struct rf_row_change){0};
    }
    return code;
}

static void take_back(struct rf_difference *difference, struct rf_side *old, struct rf_side *new) {
    if (difference->old_given) {
        pass(difference, old, 1);
    }
    if (difference->new_given) {
        pass(difference, new, 1);
    }
    difference->old_given = difference->new_given = false;
}

static enum rf_code next_by_key(struct rf_difference *difference, struct rf_row_change *change,
                                struct rf_error *error) {
    struct rf_side *old = &difference->first.old;
    struct rf_side *new = &difference->first.new;
    take_back(difference, old, new);
    for (;;) {
        enum rf_code code = check_stop(difference, error);
        if (code == RF_OK) {
            code = rf_side_settle(old, error);
        }
        if (code == RF_OK) {
            code = rf_side_settle(new, error);
        }
        if (code != RF_OK || (old->ended && new->ended)) {
            return code;
        }
        if (old->ended || new->ended) {
            return give(difference, old->ended ? NULL : old, new->ended ? NULL : new, change,
                        error);
        }
        uint32_t same = old->span.shift == new->span.shift ? rf_side_shared(old, new) : 0;
        if (same == 0) {
            int order = compare_keys(difference->table, old, new);
            bool differ = true;
            code = order == 0 ? give_both(difference, old, new, &differ, change, error)
                              : give(difference, order < 0 ? old : NULL, order > 0 ? new : NULL,
                                     change, error);
            if (differ) {
                return code;
            }
            same = 1;
        }
        pass(difference, old, same);
        pass(difference, new, same);
    }
}

/* ---- by touch ---- */

static bool has(const struct rf_side *side, int64_t rowid) {
    return !side->ended && rf_side_rowid(side) == rowid;
}

static enum rf_code next_by_touch(struct rf_difference *difference, struct rf_row_change *change,
                                  struct rf_error *error) {
    struct rf_side *old = &difference->first.old;
    struct rf_side *new = &difference->first.new;
    take_back(difference, old, new);
    for (;;) {
        int64_t rowid = 0;
        bool some = false;
        enum rf_code code = check_stop(difference, error);
        if (code == RF_OK) {
            code = rf_touched_next(difference->touched, &rowid, &some, error);
        }
        if (code != RF_OK || !some) {
            return code;
        }
        code = rf_side_seek(old, rowid, error);
        if (code == RF_OK) {
            code = rf_side_seek(new, rowid, error);
        }
        bool was = code == RF_OK && has(old, rowid);
        bool is = code == RF_OK && has(new, rowid);
        bool differ = was != is;
        if (differ) {
            code = give(difference, was ? old : NULL, is ? new : NULL, change, error);
        } else if (was && rf_side_shared(old, new) == 0) {
            code = give_both(difference, old, new, &differ, change, error);
        }
        if (code != RF_OK || differ) {
            return code;
        }
    }
}

/* ---- by origin ---- */

static void pass_both(struct rf_difference *difference, struct rf_meeting *meeting, uint32_t rows) {
    rf_side_pass(&meeting->new, rows);
    rf_side_pass(&meeting->old, rows);
    meeting->kept += rows;
    difference->rows += rows;
}

/* To the next row that is gone, or the end. */
static enum rf_code find_gone(struct rf_difference *difference, struct rf_error *error) {
    struct rf_meeting *meeting = &difference->first;
    for (;;) {
        enum rf_meets meets;
        uint32_t rows;
        enum rf_code code = check_stop(difference, error);
        if (code == RF_OK) {
            code = rf_meeting_look(meeting, &meets, &rows, error);
        }
        if (code != RF_OK || meets == RF_MEETS_END || meets == RF_MEETS_GONE) {
            return code;
        }
        if (meets == RF_MEETS_NEW) {
            rf_side_pass(&meeting->new, 1);
        } else {
            pass_both(difference, meeting, rows);
        }
    }
}

/* To the next row that is new, or moved, or the end. */
static enum rf_code find_new(struct rf_difference *difference, bool *moved,
                             struct rf_error *error) {
    struct rf_meeting *meeting = &difference->second;
    *moved = false;
    for (;;) {
        enum rf_meets meets;
        uint32_t rows;
        enum rf_code code = check_stop(difference, error);
        if (code == RF_OK) {
            code = rf_meeting_look(meeting, &meets, &rows, error);
        }
        if (code != RF_OK || meets == RF_MEETS_END || meets == RF_MEETS_NEW) {
            return code;
        }
        if (meets == RF_MEETS_GONE) {
            rf_side_pass(&meeting->old, 1);
        } else if (rf_side_rowid(&meeting->old) != rf_side_rowid(&meeting->new)) {
            *moved = true;
            return RF_OK;
        } else {
            pass_both(difference, meeting, rows);
        }
    }
}

static enum rf_code give_moved(struct rf_difference *difference, struct rf_row_change *change,
                               struct rf_error *error) {
    struct rf_meeting *meeting = &difference->second;
    change->moved = true;
    enum rf_code code = rf_side_head(&meeting->old, false, &change->old, error);
    if (code == RF_OK) {
        code = rf_side_head(&meeting->new, false, &change->new, error);
    }
    pass_both(difference, meeting, 1); /* the rows stay where they are until the next call */
    return code;
}

/* A row that went and one that came, of the same key. The same content between the same rows that
 * stayed is no change. */
static enum rf_code give_pair(struct rf_difference *difference, struct rf_side *old,
                              struct rf_side *new, bool *differ, struct rf_row_change *change,
                              struct rf_error *error) {
    if (difference->first.kept == difference->second.kept) {
        return give_both(difference, old, new, differ, change, error);
    }
    *differ = true;
    return give(difference, old, new, change, error);
}

static enum rf_code next_by_origin(struct rf_difference *difference, struct rf_row_change *change,
                                   struct rf_error *error) {
    struct rf_side *old = &difference->first.old;
    struct rf_side *new = &difference->second.new;
    take_back(difference, old, new);
    for (;;) {
        bool moved = false, differ = true;
        enum rf_code code = find_gone(difference, error);
        if (code == RF_OK) {
            code = find_new(difference, &moved, error);
        }
        if (code != RF_OK || (old->ended && new->ended)) {
            return code;
        }
        if (moved) {
            return give_moved(difference, change, error);
        }
        if (old->ended || new->ended || rf_side_rowid(old) != rf_side_rowid(new)) {
            bool gone = !old->ended && (new->ended || rf_side_rowid(old) < rf_side_rowid(new));
            return give(difference, gone ? old : NULL, gone ? NULL : new, change, error);
        }
        code = give_pair(difference, old, new, &differ, change, error);
        if (code != RF_OK || differ) {
            return code;
        }
        pass(difference, old, 1);
        pass(difference, new, 1);
    }
}

enum rf_code rf_difference_next(struct rf_difference *difference, struct rf_row_change *change,
                                struct rf_error *error) {
    *change = (struct rf_row_change){0};
    switch (difference->way) {
    case BY_TOUCH:
        return next_by_touch(difference, change, error);
    case BY_ORIGIN:
        return next_by_origin(difference, change, error);
    default:
        return next_by_key(difference, change, error);
    }
}
