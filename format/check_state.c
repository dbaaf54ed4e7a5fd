/* Proving the newest rows as a reader sees them: this holds keys and moves to account, which sums do not.
 *
 * A table's rows are scanned in stretches of their keys, on the threads of a crew, and the stretches' sums joined.
 * The states that are open at once are at most as many as stretches are out. */
#include <stdio.h>
#include <stdlib.h>

#include "format/check_inner.h"
#include "format/state_inner.h"

#define STRETCHES_OUT 16u
#define STRETCHES_A_THREAD 4u
/* As every stretch reads blocks of the deltas anew, it is of no fewer parts than this. */
#define PARTS_LEAST 16u

/* A table on its way through the crew; made with its first stretch, freed with its last. */
struct table_check {
    const struct rf_manifest_table *table;
    struct rf_state *state;
    struct rf_digest sum;
    struct rf_digest base; /* of the full archive's blocks */
    enum rf_code code;     /* of the first stretch that failed */
    struct rf_error error;
};

struct stretch {
    struct rf_crew_job job; /* first: the crew gives this back */
    struct rf_check_run *check;
    struct table_check *of;
    uint32_t first, count; /* parts */
    bool ahead;            /* blocks are decoded ahead, as no other stretch does it */
    bool last;             /* of its table */
    struct rf_digest sum;
    struct rf_digest base;
    enum rf_code code;
    struct rf_error error;
};

struct scanning {
    struct rf_check_run *check;
    struct rf_crew *crew;
    unsigned threads;
    struct stretch stretches[STRETCHES_OUT];
    unsigned next;
};

static void file_of(const struct rf_manifest_table *table, char file[RF_ARCHIVE_NAME_SIZE + 16]) {
    snprintf(file, RF_ARCHIVE_NAME_SIZE + 16, "archives/%s",
             table->state[table->state_count - 1].name);
}

static enum rf_code stop_here(const struct table_check *of, struct rf_error *error) {
    char file[RF_ARCHIVE_NAME_SIZE + 16];
    file_of(of->table, file);
    return rf_fail(error, RF_INTERRUPTED, "stopped while checking %s", file);
}

/* Rows of the full archive: of each block all are hashed once, for the block's own sake, whichever are left. */
static enum rf_code sum_base(struct stretch *stretch, const struct rf_span *span, uint32_t *hashed,
                             struct rf_crew_memory *memory, struct rf_error *error) {
    const struct rf_rows *rows = span->rows;
    if (*hashed != span->block) {
        rf_buffer_clear(&memory->hashes);
        if (!rf_buffer_extend(&memory->hashes, rows->count * sizeof(struct rf_hash))) {
            return rf_fail_memory(error);
        }
        enum rf_code code =
            rf_check_hash_rows(rows, &memory->cells, (void *)memory->hashes.bytes, error);
        if (code != RF_OK) {
            return code;
        }
        rf_digest_add_rows(&stretch->base, (void *)memory->hashes.bytes, rows->count);
        *hashed = span->block;
    }
    const struct rf_hash *hashes = (void *)memory->hashes.bytes;
    rf_digest_add_rows(&stretch->sum, hashes + span->first, span->count);
    return RF_OK;
}

static enum rf_code scan_rows(struct stretch *stretch, struct rf_scan *scan,
                              struct rf_crew_memory *memory, struct rf_error *error) {
    struct rf_span span = {0};
    uint32_t hashed = UINT32_MAX; /* the block of the full archive whose hashes are in memory */
    enum rf_code code;
    while ((code = rf_scan_next(scan, &span, error)) == RF_OK && span.count > 0) {
        if (rf_check_stopped(stretch->check)) {
            return stop_here(stretch->of, error);
        }
        code = span.archive > 0 ? rf_check_sum_rows(span.rows, span.first, span.count,
                                                    &memory->cells, &stretch->sum, error)
                                : sum_base(stretch, &span, &hashed, memory, error);
        if (code != RF_OK) {
            return code;
        }
    }
    return code;
}

/* On any thread. */
static void scan_stretch(struct rf_crew_job *of_crew, struct rf_crew_memory *memory) {
    struct stretch *stretch = (struct stretch *)of_crew;
    struct rf_scan *scan = NULL;
    struct rf_error *error = &stretch->error;
    enum rf_code code =
        rf_scan_new(stretch->of->state, stretch->first, stretch->count, &scan, error);
    if (code == RF_OK && stretch->ahead) {
        code = rf_scan_ahead(scan, error);
    }
    if (code == RF_OK) {
        code = scan_rows(stretch, scan, memory, error);
    }
    rf_scan_free(scan);
    rf_crew_memory_trim(memory);
    stretch->code = code;
}

static enum rf_code tell_later(struct rf_check_run *check, const struct table_check *of,
                               struct rf_error *error) {
    struct rf_check_later *grown =
        realloc(check->later, ((size_t)check->later_count + 1) * sizeof *grown);
    if (!grown) {
        return rf_fail_memory(error);
    }
    check->later = grown;
    file_of(of->table, grown[check->later_count].file);
    grown[check->later_count++].error = of->error;
    return RF_OK;
}

/* Where every block of the full archive gave rows, it is known that all of them can be decoded, and their sum. */
static enum rf_code keep_base(struct rf_check_run *check, const struct table_check *of,
                              struct rf_error *error) {
    struct rf_check_archive base = {
        .digest = of->table->state[0].digest, .whole = true, .sums.rows = of->base};
    return of->base.rows == rf_archive_rows(of->state->archives[0], RF_BLOCK_ROWS)
               ? rf_check_seen_add(&check->decoded, &base, error)
               : RF_OK;
}

/* Once the last stretch of the table is there. */
static enum rf_code end_table(struct rf_check_run *check, struct table_check *of,
                              struct rf_error *error) {
    enum rf_code code = of->code;
    if (code == RF_OK && !rf_digest_equal(&of->sum, &of->table->digest)) {
        rf_check_wrong_digest(of->table, &of->sum, &of->error);
        code = tell_later(check, of, error);
    } else if (code == RF_OK) {
        code = keep_base(check, of, error);
    } else if (rf_check_is_finding(code)) {
        code = tell_later(check, of, error);
    } else {
        *error = of->error;
    }
    rf_state_close(of->state);
    free(of);
    return code;
}

/* Bytes of the full archive's blocks that the stretch has read. */
static void show_stretch(struct rf_check_run *check, const struct stretch *stretch) {
    const struct rf_archive *full = stretch->of->state->archives[0];
    uint32_t blocks = rf_archive_blocks(full);
    bool all = rf_state_parts(stretch->of->state) == 1;
    uint32_t end =
        all || stretch->count > blocks - stretch->first ? blocks : stretch->first + stretch->count;
    uint64_t bytes = 0;
    for (uint32_t i = stretch->first; i < end; i++) {
        bytes += rf_archive_block(full, i)->size;
    }
    rf_check_advance(check, bytes);
}

static enum rf_code take_one(struct scanning *scanning, struct rf_error *error) {
    struct stretch *stretch = (struct stretch *)rf_crew_take(scanning->crew);
    struct table_check *of = stretch->of;
    if (of->code == RF_OK && stretch->code != RF_OK) {
        of->code = stretch->code;
        of->error = stretch->error;
    }
    rf_digest_join(&of->sum, &stretch->sum);
    rf_digest_join(&of->base, &stretch->base);
    show_stretch(scanning->check, stretch);
    return stretch->last ? end_table(scanning->check, of, error) : RF_OK;
}

/* All that is out is taken back; the first error counts. */
static enum rf_code take_all(struct scanning *scanning, enum rf_code code, struct rf_error *error) {
    while (rf_crew_out(scanning->crew) > 0) {
        struct rf_error later = {0};
        enum rf_code one = take_one(scanning, code == RF_OK ? error : &later);
        code = code == RF_OK ? one : code;
    }
    return code;
}

static enum rf_code submit(struct scanning *scanning, const struct stretch *wanted,
                           struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (rf_crew_out(scanning->crew) == STRETCHES_OUT) {
        code = take_one(scanning, error);
    }
    struct stretch *stretch = &scanning->stretches[scanning->next++ % STRETCHES_OUT];
    *stretch = *wanted;
    rf_crew_submit(scanning->crew, &stretch->job);
    return code;
}

/* Of as many parts each as make enough stretches for all threads. */
static uint32_t parts_a_stretch(const struct scanning *scanning, uint32_t parts) {
    uint32_t wanted = scanning->threads * STRETCHES_A_THREAD;
    uint32_t each = parts / wanted + (parts % wanted > 0);
    return scanning->threads == 1 ? parts : each < PARTS_LEAST ? PARTS_LEAST : each;
}

static enum rf_code submit_table(struct scanning *scanning, struct table_check *of,
                                 struct rf_error *error) {
    uint32_t parts = rf_state_parts(of->state);
    uint32_t each = parts_a_stretch(scanning, parts);
    enum rf_code code = RF_OK;
    for (uint32_t first = 0; first < parts; first += each) {
        struct stretch stretch = {.job.run = scan_stretch,
                                  .check = scanning->check,
                                  .of = of,
                                  .first = first,
                                  .count = parts - first < each ? parts - first : each,
                                  .ahead = each >= parts,
                                  .last = parts - first <= each};
        /* The table is the stretches' once the first is out, so that all are given out, come what may. */
        struct rf_error later = {0};
        enum rf_code one = submit(scanning, &stretch, code == RF_OK ? error : &later);
        code = code == RF_OK ? one : code;
    }
    return code;
}

static enum rf_code check_table(struct scanning *scanning, const struct rf_manifest_table *table,
                                struct rf_error *error) {
    struct table_check *of = calloc(1, sizeof *of);
    if (!of) {
        return rf_fail_memory(error);
    }
    of->table = table;
    enum rf_code code = rf_state_open(scanning->check->repository, table, &of->state, error);
    if (code == RF_OK) {
        return submit_table(scanning, of, error);
    }
    /* Told in its turn. */
    of->code = code;
    of->error = *error;
    struct rf_error later = {0};
    code = take_all(scanning, RF_OK, error);
    enum rf_code one = end_table(scanning->check, of, code == RF_OK ? error : &later);
    return code == RF_OK ? one : code;
}

enum rf_code rf_check_newest(struct rf_check_run *check, const struct rf_manifest *newest,
                             unsigned threads, struct rf_error *error) {
    struct scanning *scanning = calloc(1, sizeof *scanning);
    if (!scanning) {
        return rf_fail_memory(error);
    }
    scanning->check = check;
    scanning->threads = threads;
    enum rf_code code = rf_crew_new(threads, STRETCHES_OUT, &scanning->crew, error);
    for (uint32_t i = 0; code == RF_OK && i < newest->table_count; i++) {
        if (newest->tables[i].state_count > 1) {
            code = check_table(scanning, &newest->tables[i], error);
        }
    }
    if (scanning->crew) {
        code = take_all(scanning, code, error);
    }
    rf_crew_free(scanning->crew);
    free(scanning);
    return code;
}
