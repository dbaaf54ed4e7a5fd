/* What the ways of a difference share. Inner header of difference.h. */
#ifndef RF_FORMAT_DIFFERENCE_INNER_H
#define RF_FORMAT_DIFFERENCE_INNER_H

#include "format/difference.h"
#include "format/state_inner.h"

/* The archives that make up a table's rows; heap, one after another. */
struct rf_recipe {
    uint32_t count;
    struct rf_archive_ref *refs;
};

/* One of the two snapshots, row by row: the head is row `at` of the span. */
struct rf_side {
    const struct rf_recipe *recipe;
    struct rf_state *state;
    struct rf_scan *scan;
    struct rf_span span;
    uint32_t at;
    bool ended;
    struct rf_buffer scratch;
};
void rf_side_release(struct rf_side *side); /* twice is fine */
/* `ahead`: whole blocks will be read, one after another. */
RF_MUST_USE enum rf_code rf_side_open(struct rf_side *side, const struct rf_repository *repository,
                                      const struct rf_manifest_table *table,
                                      const struct rf_recipe *recipe, bool ahead,
                                      struct rf_error *error);
/* Afterwards there is a head, or the side has ended. */
RF_MUST_USE enum rf_code rf_side_settle(struct rf_side *side, struct rf_error *error);
/* Afterwards the head is the first row of at least that rowid, or the side has ended. Only
 * forward. */
RF_MUST_USE enum rf_code rf_side_seek(struct rf_side *side, int64_t rowid, struct rf_error *error);
/* The head, with its row hash if that is wanted. */
RF_MUST_USE enum rf_code rf_side_head(struct rf_side *side, bool hash, struct rf_row_at *at,
                                      struct rf_error *error);
static inline void rf_side_pass(struct rf_side *side, uint32_t rows) {
    side->at += rows;
}
static inline uint32_t rf_side_left(const struct rf_side *side) {
    return side->span.count - side->at;
}
static inline int64_t rf_side_rowid(const struct rf_side *side) {
    return (int64_t)((uint64_t)side->span.rows->rowids[side->span.first + side->at] +
                     (uint64_t)side->span.shift);
}
/* Its rowid as the marked archives alone make it. */
static inline int64_t rf_side_origin(const struct rf_side *side) {
    return (int64_t)((uint64_t)side->span.rows->rowids[side->span.first + side->at] +
                     (uint64_t)side->span.origin);
}
/* How many rows from both heads on are the same rows of the same block of the same archive. */
uint32_t rf_side_shared(const struct rf_side *a, const struct rf_side *b);

/* ---- by touch ---- */

/* The rowids that some deltas name, each once, ascending. */
struct rf_touched;
/* *touched is NULL where the deltas are too many or too large for that; *moves: some row moved. */
RF_MUST_USE enum rf_code rf_touched_new(const struct rf_repository *repository,
                                        const struct rf_recipe *deltas, struct rf_touched **touched,
                                        bool *moves, struct rf_error *error);
void rf_touched_free(struct rf_touched *touched); /* NULL is fine */
/* *some is false at the end. */
RF_MUST_USE enum rf_code rf_touched_next(struct rf_touched *touched, int64_t *rowid, bool *some,
                                         struct rf_error *error);

/* ---- by origin ---- */

/* Both sides, and who they have in common. The first `shared` archives of both are the same, and
 * rows from those come on both sides in the order of their origin: a head is met by the other
 * side or it never is. */
struct rf_meeting {
    struct rf_side old, new;
    uint32_t shared;
    uint64_t kept; /* rows that were met on both sides and passed */
};
enum rf_meets { RF_MEETS_END, RF_MEETS_GONE, RF_MEETS_NEW, RF_MEETS_KEPT };
/* What the heads are; of KEPT so many rows in a row. */
RF_MUST_USE enum rf_code rf_meeting_look(struct rf_meeting *meeting, enum rf_meets *meets,
                                         uint32_t *rows, struct rf_error *error);

/* About how much memory it takes to have one block of each kind of these archives decoded. */
uint64_t rf_archive_weight(const struct rf_archive *archive);
RF_MUST_USE enum rf_code rf_recipe_weight(const struct rf_repository *repository,
                                          const struct rf_recipe *recipe, uint64_t *weight,
                                          struct rf_error *error);

/* Two snapshots need not hold more than that. */
#define RF_DIFFERENCE_MEMORY (40u << 20)
#define RF_DIFFERENCE_ARCHIVES 160u /* that are open at once for one purpose */

#endif
