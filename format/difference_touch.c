/* The rowids that deltas name: theirs are sorted each, so the least of their heads is the next. */
#include <stdlib.h>

#include "format/difference_inner.h"

struct head {
    struct rf_block_scan *scan;
    const struct rf_rows *rows; /* NULL at the end */
    uint32_t row;
};

struct rf_touched {
    uint32_t archive_count;
    struct rf_archive **archives;
    uint32_t count;
    struct head *heads; /* two an archive */
};

void rf_touched_free(struct rf_touched *touched) {
    if (touched) {
        for (uint32_t i = 0; i < touched->count; i++) {
            rf_block_scan_free(touched->heads[i].scan);
        }
        for (uint32_t i = 0; i < touched->archive_count; i++) {
            rf_archive_close(touched->archives[i]);
        }
        free(touched->heads);
        free(touched->archives);
        free(touched);
    }
}

static enum rf_code open_head(struct rf_touched *touched, struct rf_archive *archive,
                              enum rf_block_kind kind, struct rf_error *error) {
    if (rf_archive_rows(archive, kind) == 0) {
        return RF_OK;
    }
    struct head *head = &touched->heads[touched->count];
    enum rf_code code = rf_block_scan_new(archive, kind, &head->scan, error);
    touched->count += code == RF_OK;
    return code == RF_OK ? rf_block_scan_next(head->scan, &head->rows, error) : code;
}

static enum rf_code open_heads(struct rf_touched *touched, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < touched->archive_count; i++) {
        code = open_head(touched, touched->archives[i], RF_BLOCK_ROWS, error);
        if (code == RF_OK) {
            code = open_head(touched, touched->archives[i], RF_BLOCK_GONE, error);
        }
    }
    return code;
}

static enum rf_code open_archives(struct rf_touched *touched,
                                  const struct rf_repository *repository,
                                  const struct rf_recipe *deltas, uint64_t *weight, bool *moves,
                                  struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < deltas->count; i++) {
        struct rf_archive **archive = &touched->archives[i];
        code = rf_repository_open_archive(repository, &deltas->refs[i], archive, error);
        if (code == RF_OK) {
            touched->archive_count++;
            *moves |= rf_archive_rows(*archive, RF_BLOCK_MOVES) > 0;
            *weight += rf_archive_weight(*archive);
        }
    }
    return code;
}

enum rf_code rf_touched_new(const struct rf_repository *repository, const struct rf_recipe *deltas,
                            struct rf_touched **made, bool *moves, struct rf_error *error) {
    *made = NULL;
    *moves = false;
    if (deltas->count > RF_DIFFERENCE_ARCHIVES) {
        return RF_OK;
    }
    struct rf_touched *touched = calloc(1, sizeof *touched);
    size_t room = deltas->count ? deltas->count : 1;
    if (!touched || !(touched->archives = calloc(room, sizeof(struct rf_archive *))) ||
        !(touched->heads = calloc(2 * room, sizeof *touched->heads))) {
        rf_touched_free(touched);
        return rf_fail_memory(error);
    }
    uint64_t weight = 0;
    enum rf_code code = open_archives(touched, repository, deltas, &weight, moves, error);
    bool fits = weight <= RF_DIFFERENCE_MEMORY / 2;
    if (code == RF_OK && fits) {
        code = open_heads(touched, error);
    }
    if (code != RF_OK || !fits) {
        rf_touched_free(touched);
        return code;
    }
    *made = touched;
    return RF_OK;
}

/* Past all rows of that rowid. */
static enum rf_code pass(struct rf_touched *touched, int64_t rowid, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < touched->count; i++) {
        struct head *head = &touched->heads[i];
        if (head->rows && head->rows->rowids[head->row] == rowid &&
            ++head->row == head->rows->count) {
            head->row = 0;
            code = rf_block_scan_next(head->scan, &head->rows, error);
        }
    }
    return code;
}

enum rf_code rf_touched_next(struct rf_touched *touched, int64_t *rowid, bool *some,
                             struct rf_error *error) {
    *some = false;
    for (uint32_t i = 0; i < touched->count; i++) {
        const struct head *head = &touched->heads[i];
        if (head->rows && (!*some || head->rows->rowids[head->row] < *rowid)) {
            *rowid = head->rows->rowids[head->row];
            *some = true;
        }
    }
    return *some ? pass(touched, *rowid, error) : RF_OK;
}
