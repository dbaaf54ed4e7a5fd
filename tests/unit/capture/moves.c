/* The content pass. A wrong move would renumber the wrong row in every reader, so random lists are
 * checked against the definition; and what a VACUUM or a purge does must be found to cost
 * nothing. */
#include "capture/moves.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rf_scratch tiny = {
    .folder = "/tmp", .spill_bytes = 70, .sort_bytes = 130, .fan_in = 2, .window = 6};

static struct rf_scratch scratch_with(uint32_t window) {
    struct rf_scratch scratch = tiny;
    scratch.io = rf_io_posix();
    scratch.window = window;
    return scratch;
}

struct row {
    int64_t key;
    uint64_t content;
    int64_t match; /* key of the row on the other side it became; -1 for none */
};
struct side {
    struct row rows[400];
    size_t count;
};
struct outcome {
    size_t same, moved, gone, added;
    uint64_t pairable;
};

static void put(struct side *side, int64_t key, uint64_t content) {
    side->rows[side->count++] = (struct row){key, content, -1};
}

static struct row *find(struct side *side, int64_t key) {
    for (size_t i = 0; i < side->count; i++) {
        if (side->rows[i].key == key) {
            return &side->rows[i];
        }
    }
    return NULL;
}

static void add_leftover(struct rf_spill *spill, const struct row *row, uint64_t gap) {
    struct rf_leftover leftover = {
        .key = row->key, .hash = {.low = row->content, .high = row->content % 3}, .gap = gap};
    struct rf_error error = {0};
    cr_assert_eq(rf_spill_add(spill, &leftover, &error), RF_OK);
}

/* The first pass, by the definition. `all`: nothing is taken for unmoved beforehand. */
static uint64_t leave_over(struct side *old, struct side *new, bool all, struct rf_spill *old_left,
                           struct rf_spill *new_left) {
    uint64_t gap = 0;
    size_t i = 0, j = 0;
    while (i < old->count || j < new->count) {
        bool take_old = i < old->count && (j == new->count || old->rows[i].key <= new->rows[j].key);
        bool take_new = j < new->count && (i == old->count || new->rows[j].key <= old->rows[i].key);
        if (!all && take_old && take_new && old->rows[i].content == new->rows[j].content) {
            old->rows[i].match = old->rows[i].key;
            new->rows[j].match = old->rows[i].key;
            gap++;
        } else {
            if (take_old) {
                add_leftover(old_left, &old->rows[i], gap);
            }
            if (take_new) {
                add_leftover(new_left, &new->rows[j], gap);
            }
        }
        i += take_old;
        j += take_new;
    }
    return gap;
}

static void match(struct side *old, struct side *new, int64_t old_key, int64_t new_key,
                  const char *what) {
    struct row *from = find(old, old_key);
    struct row *to = find(new, new_key);
    cr_assert(from && to, "%s: %lld to %lld, which is not there", what, (long long)old_key,
              (long long)new_key);
    cr_assert_eq(from->content, to->content, "%s: a move changes content", what);
    cr_assert(from->match == -1 && to->match == -1, "%s: a row is matched twice", what);
    from->match = new_key;
    to->match = old_key;
}

#define EACH(type, record, spill)                              \
    struct rf_spill_reader reader;                             \
    const void *at = NULL;                                     \
    struct rf_error error = {0};                               \
    rf_spill_reader_init(&reader, (spill), 0, (spill)->count); \
    for (const type *record; rf_spill_next(&reader, &at, &error) == RF_OK && (record = at);)

static void take_moves(struct side *old, struct side *new, struct rf_moves *moves,
                       struct outcome *outcome, const char *what) {
    int64_t last_old = INT64_MIN, last_new = INT64_MIN;
    {
        EACH(struct rf_moved, run, &moves->runs) {
            cr_assert(outcome->moved == 0 || (run->old > last_old && run->new > last_new),
                      "%s: runs do not ascend", what);
            cr_assert_neq(run->old, run->new);
            for (uint64_t i = 0; i < run->count; i++) {
                match(old, new, run->old + (int64_t)i, run->new + (int64_t)i, what);
            }
            last_old = run->old + (int64_t)(run->count - 1);
            last_new = run->new + (int64_t)(run->count - 1);
            outcome->moved += run->count;
        }
        rf_spill_reader_release(&reader);
    }
    {
        EACH(struct rf_unpaired, gone, &moves->gone) {
            struct row *row = find(old, gone->key);
            cr_assert(row && row->match == -1 && row->content == gone->hash.low, "%s: gone", what);
            row->match = -2;
            outcome->gone++;
        }
        rf_spill_reader_release(&reader);
    }
    {
        EACH(struct rf_unpaired, added, &moves->added) {
            struct row *row = find(new, added->key);
            cr_assert(row && row->match == -1 && row->content == added->hash.low, "%s: new", what);
            row->match = -2;
            outcome->added++;
        }
        rf_spill_reader_release(&reader);
    }
}

/* What is neither moved, gone nor new has kept its key; survivors do not overtake each other. */
static void check_rest(struct side *old, struct side *new, struct outcome *outcome,
                       const char *what) {
    int64_t last = 0;
    bool any = false;
    for (size_t i = 0; i < old->count; i++) {
        struct row *row = &old->rows[i];
        if (row->match == -1) {
            match(old, new, row->key, row->key, what);
        }
        outcome->same += row->match == row->key;
        if (row->match != -2) {
            cr_assert(!any || row->match > last, "%s: rows overtake each other", what);
            last = row->match;
            any = true;
        }
    }
    for (size_t j = 0; j < new->count; j++) {
        cr_assert_neq(new->rows[j].match, -1, "%s: a new row was forgotten", what);
    }
}

static struct outcome run(struct side *old, struct side *new, uint32_t window, bool all,
                          bool by_place, const char *what) {
    struct rf_scratch scratch = scratch_with(window);
    struct rf_spill old_left, new_left, matches;
    struct rf_moves moves;
    struct rf_pairing pairing = {0};
    struct outcome outcome = {0};
    struct rf_error error = {0};
    bool same = false;
    for (size_t i = 0; i < old->count; i++) {
        old->rows[i].match = -1;
    }
    for (size_t i = 0; i < new->count; i++) {
        new->rows[i].match = -1;
    }
    rf_spill_init(&old_left, &scratch, sizeof(struct rf_leftover));
    rf_spill_init(&new_left, &scratch, sizeof(struct rf_leftover));
    rf_spill_init(&matches, &scratch, sizeof(struct rf_match));
    rf_moves_init(&moves, &scratch);
    leave_over(old, new, all || by_place, &old_left, &new_left);
    if (by_place) {
        cr_assert_eq(rf_moves_pair_by_place(&old_left, &new_left, &matches, &same, &error), RF_OK);
        cr_assert(same, "%s: the contents are the same in the same order", what);
    } else {
        cr_assert_eq(rf_moves_pair(&scratch, &old_left, &new_left, &matches, &pairing, &error),
                     RF_OK);
        cr_assert_leq(pairing.matched, pairing.pairable);
    }
    cr_assert_eq(rf_moves_sort_out(&old_left, &new_left, &matches, &moves, &error), RF_OK);
    take_moves(old, new, &moves, &outcome, what);
    check_rest(old, new, &outcome, what);
    cr_assert_eq(outcome.moved, moves.moved);
    outcome.pairable = pairing.pairable;
    rf_moves_release(&moves);
    rf_spill_release(&old_left);
    rf_spill_release(&new_left);
    rf_spill_release(&matches);
    return outcome;
}

static void expect(struct outcome outcome, size_t same, size_t moved, size_t gone, size_t added,
                   const char *what) {
    cr_assert(outcome.same == same && outcome.moved == moved && outcome.gone == gone &&
                  outcome.added == added,
              "%s: same %zu moved %zu gone %zu added %zu", what, outcome.same, outcome.moved,
              outcome.gone, outcome.added);
}

static struct side sparse(size_t count, int64_t step, uint64_t contents) {
    struct side side = {0};
    for (size_t i = 0; i < count; i++) {
        put(&side, (int64_t)(i + 1) * step, contents ? i * 7 % contents : 1000 + i);
    }
    return side;
}

Test(moves, a_vacuum_numbers_rows_anew_and_nothing_else) {
    struct side old = sparse(300, 3, 0);
    struct side new = sparse(300, 1, 0);
    expect(run(&old, &new, 6, false, false, "distinct"), 0, 300, 0, 0, "distinct");
    expect(run(&old, &new, 6, false, true, "by place"), 0, 300, 0, 0, "by place");
    /* With contents that repeat, rows keep a key by chance; by place no such thing matters. */
    old = sparse(300, 3, 5);
    new = sparse(300, 1, 5);
    struct outcome outcome = run(&old, &new, 6, false, true, "repeating, by place");
    expect(outcome, 0, 300, 0, 0, "repeating, by place");
    expect(run(&old, &new, 6, true, false, "repeating, all"), 0, 300, 0, 0, "repeating, all");
}

Test(moves, a_purge_and_a_vacuum) {
    struct side old = sparse(300, 1, 0);
    struct side new = {0};
    for (size_t i = 120; i < 300; i++) { /* the first 120 are deleted, the rest moves up */
        put(&new, (int64_t)(i - 119), 1000 + i);
    }
    put(&new, 181, 5000);
    expect(run(&old, &new, 6, false, false, "purge"), 0, 180, 120, 1, "purge");
    /* Every second row is the same heartbeat. */
    for (size_t i = 0; i < 300; i += 2) {
        old.rows[i].content = 7;
    }
    for (size_t i = 0; i < 180; i += 2) {
        new.rows[i].content = 7;
    }
    struct outcome outcome = run(&old, &new, 64, true, false, "heartbeats");
    cr_assert_eq(outcome.same + outcome.moved, 180u);
    cr_assert(outcome.gone == 120 && outcome.added == 1, "heartbeats cost nothing either");
}

Test(moves, keys_that_are_handed_out_again) {
    /* 5 is gone as content, the target of one move and the source of another at once. */
    struct side old = {0}, new = {0};
    put(&old, 4, 40);
    put(&old, 5, 50);
    put(&old, 6, 60);
    put(&old, 7, 70);
    put(&new, 3, 40);
    put(&new, 5, 60);
    put(&new, 6, 70);
    expect(run(&old, &new, 6, false, false, "chain"), 0, 3, 1, 0, "chain");
    /* Two rows trade places: only one of them can be taken to have moved. */
    old.count = new.count = 0;
    put(&old, 1, 10);
    put(&old, 2, 20);
    put(&new, 1, 20);
    put(&new, 2, 10);
    expect(run(&old, &new, 6, false, false, "swap"), 0, 1, 1, 1, "swap");
    /* Taken out and put back at the end, over rows that stay. */
    old = sparse(9, 1, 0);
    new = sparse(9, 1, 0);
    new.rows[3].key = 20;
    struct row last = new.rows[3];
    memmove(&new.rows[3], &new.rows[4], 5 * sizeof last);
    new.rows[8] = last;
    expect(run(&old, &new, 6, false, false, "put back"), 8, 0, 1, 1, "put back");
    /* The ends of the range. */
    old.count = new.count = 0;
    put(&old, INT64_MIN, 1);
    put(&old, INT64_MAX - 1, 2);
    put(&new, INT64_MAX - 1, 1);
    put(&new, INT64_MAX, 2);
    expect(run(&old, &new, 6, false, false, "ends"), 0, 2, 0, 0, "ends");
}

/* The most rows that can be kept in order, where every content is there once: the longest
 * increasing subsequence, by the definition. */
static size_t longest(const struct side *old, const struct side *new) {
    size_t best[400], most = 0;
    int64_t place[400];
    for (size_t i = 0; i < old->count; i++) {
        place[i] = -1;
        best[i] = 0;
        for (size_t j = 0; j < new->count; j++) {
            place[i] = old->rows[i].content == new->rows[j].content ? (int64_t)j : place[i];
        }
        for (size_t k = 0; place[i] >= 0 && k < i; k++) {
            best[i] = place[k] >= 0 && place[k] < place[i] && best[k] > best[i] ? best[k] : best[i];
        }
        best[i] += place[i] >= 0;
        most = best[i] > most ? best[i] : most;
    }
    return most;
}

static void shuffle_some(struct side *side, unsigned swaps) {
    for (unsigned s = 0; s < swaps && side->count > 1; s++) {
        size_t a = (size_t)random() % side->count;
        size_t b = (size_t)random() % side->count;
        uint64_t content = side->rows[a].content;
        side->rows[a].content = side->rows[b].content;
        side->rows[b].content = content;
    }
}

static void make_new(const struct side *old, struct side *new, uint64_t contents) {
    int64_t key = 0;
    new->count = 0;
    bool renumber = random() % 2;
    for (size_t i = 0; i < old->count; i++) {
        long dice = random() % 12;
        key = renumber ? key + 1 : old->rows[i].key;
        if (dice == 0) {
            continue;
        }
        bool update = dice == 1;
        put(new, key,
            update ? (contents ? (uint64_t)random() % contents : 9000 + i) : old->rows[i].content);
    }
    for (long i = random() % 5; i > 0 && new->count > 0; i--) {
        put(new, new->rows[new->count - 1].key + 1 + random() % 2, 20000 + (uint64_t)i);
    }
    shuffle_some(new, (unsigned)(random() % 3 == 0 ? random() % 10 : 0));
}

Test(moves, random_lists_by_the_definition) {
    const unsigned seed = 77;
    srandom(seed);
    for (int round = 0; round < 1500; round++) {
        char what[64];
        snprintf(what, sizeof what, "seed %u round %d", seed, round);
        static const uint64_t kinds[] = {0, 0, 1, 2, 5, 40};
        uint64_t contents = kinds[random() % 6];
        struct side old = {0}, new = {0};
        size_t count = (size_t)random() % 60;
        int64_t key = 0;
        for (size_t i = 0; i < count; i++) {
            key += 1 + (random() % 4 == 0 ? random() % 5 : 0);
            put(&old, key, contents ? (uint64_t)random() % contents : 1000 + i);
        }
        make_new(&old, &new, contents);
        uint32_t window = random() % 2 ? 200 : 2 + (uint32_t)(random() % 5);
        bool all = random() % 2;
        struct outcome outcome = run(&old, &new, window, all, false, what);
        if (contents == 0 && window == 200 && all) {
            cr_assert_eq(outcome.same + outcome.moved, longest(&old, &new), "%s: not the longest",
                         what);
        }
    }
}
