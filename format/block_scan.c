/* The blocks of one kind of one archive, one after another. */
#include <stdlib.h>

#include "format/ahead.h"
#include "format/state.h"

struct rf_block_scan {
    struct rf_archive *archive;
    enum rf_block_kind kind;
    uint32_t next;
    struct rf_ahead *ahead; /* or NULL, and then these two */
    struct rf_codec *codec;
    struct rf_rows rows;
};

enum rf_code rf_block_scan_new(struct rf_archive *archive, enum rf_block_kind kind,
                               struct rf_block_scan **made, struct rf_error *error) {
    *made = NULL;
    struct rf_block_scan *scan = calloc(1, sizeof *scan);
    if (!scan || !(scan->codec = rf_codec_new())) {
        free(scan);
        return rf_fail_memory(error);
    }
    scan->archive = archive;
    scan->kind = kind;
    *made = scan;
    return RF_OK;
}

void rf_block_scan_free(struct rf_block_scan *scan) {
    if (scan) {
        rf_ahead_free(scan->ahead);
        rf_rows_release(&scan->rows);
        rf_codec_free(scan->codec);
        free(scan);
    }
}

void rf_block_scan_skip_to(struct rf_block_scan *scan, int64_t rowid) {
    for (; scan->next < rf_archive_blocks(scan->archive); scan->next++) {
        const struct rf_block_facts *facts = &rf_archive_block(scan->archive, scan->next)->facts;
        if (facts->kind == scan->kind && facts->last >= rowid) {
            return;
        }
    }
}

enum rf_code rf_block_scan_ahead(struct rf_block_scan *scan, struct rf_error *error) {
    uint32_t blocks = rf_archive_blocks(scan->archive);
    uint32_t left = 0;
    for (uint32_t i = scan->next; i < blocks && left < 2; i++) {
        left += rf_archive_block(scan->archive, i)->facts.kind == scan->kind;
    }
    return left < 2
               ? RF_OK
               : rf_ahead_new(scan->archive, scan->kind, scan->next, blocks, &scan->ahead, error);
}

uint32_t rf_block_scan_at(const struct rf_block_scan *scan) {
    return scan->next - 1;
}

enum rf_code rf_block_scan_next(struct rf_block_scan *scan, const struct rf_rows **rows,
                                struct rf_error *error) {
    *rows = NULL;
    while (scan->next < rf_archive_blocks(scan->archive)) {
        uint32_t block = scan->next++;
        if (rf_archive_block(scan->archive, block)->facts.kind != scan->kind) {
            continue;
        }
        if (scan->ahead) {
            return rf_ahead_take(scan->ahead, block, rows, error);
        }
        enum rf_code code = rf_archive_read(scan->archive, scan->codec, block, &scan->rows, error);
        *rows = code == RF_OK ? &scan->rows : NULL;
        return code;
    }
    return RF_OK;
}
