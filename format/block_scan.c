/* The blocks of one kind of one archive, one after another. */
#include <stdlib.h>

#include "format/state.h"

struct rf_block_scan {
    struct rf_archive *archive;
    enum rf_block_kind kind;
    uint32_t next;
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

enum rf_code rf_block_scan_next(struct rf_block_scan *scan, const struct rf_rows **rows,
                                struct rf_error *error) {
    *rows = NULL;
    while (scan->next < rf_archive_blocks(scan->archive)) {
        uint32_t block = scan->next++;
        if (rf_archive_block(scan->archive, block)->facts.kind == scan->kind) {
            enum rf_code code =
                rf_archive_read(scan->archive, scan->codec, block, &scan->rows, error);
            *rows = code == RF_OK ? &scan->rows : NULL;
            return code;
        }
    }
    return RF_OK;
}
