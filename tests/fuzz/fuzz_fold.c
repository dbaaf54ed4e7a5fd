/* Folds: a whole file whose checksum is put right, or else the body of one. What is read can be written, and is the same when
 * it is read again; and it can be laid over a manifest of as many tables. */
#include <stdlib.h>
#include <string.h>

#include "format/envelope.h"
#include "format/fold.h"
#include "tests/fuzz/fuzz.h"

#define MAGIC "RFFOLDED"

static void write_again(const struct rf_fold *fold) {
    struct rf_buffer first = {0}, second = {0};
    struct rf_hash left, right;
    struct rf_fold again;
    struct rf_error error = {0};
    fuzz_must(rf_fold_encode(fold, NULL, &first, &left, &error) == RF_OK, error.what);
    fuzz_must(rf_fold_decode(first.bytes, first.size, NULL, &again, &error) == RF_OK, error.what);
    fuzz_must(rf_fold_encode(&again, NULL, &second, &right, &error) == RF_OK, error.what);
    fuzz_must(rf_hash_equal(left, right), "a fold that is another one when it is read again");
    rf_fold_release(&again);
    rf_buffer_release(&first);
    rf_buffer_release(&second);
}

static void lay(struct rf_fold *fold, uint32_t tables, bool relinks) {
    struct rf_manifest manifest = {.snapshot = fold->snapshot, .table_count = tables};
    struct rf_error error = {0};
    memcpy(manifest.source, fold->source, sizeof manifest.source);
    memcpy(manifest.sha256, fold->sha256, sizeof manifest.sha256);
    manifest.tables = calloc((size_t)tables + 1, sizeof *manifest.tables);
    fuzz_must(manifest.tables, "no memory");
    enum rf_code code = rf_fold_apply(fold, &manifest, relinks, &error);
    fuzz_must((code == RF_OK) == (tables == fold->table_count), error.what);
    for (uint32_t i = 0; i < tables; i++) {
        fuzz_must(code != RF_OK || manifest.tables[i].state_count > 0, "a table without a state");
    }
    rf_manifest_release(&manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rf_buffer file = {0};
    struct rf_fold fold;
    struct rf_error error = {0};
    fuzz_envelope(MAGIC, data, size, &file);
    if (fuzz_read(rf_fold_decode(file.bytes, file.size, NULL, &fold, &error), &error)) {
        write_again(&fold);
        lay(&fold, fold.table_count + 1, true);
        lay(&fold, fold.table_count, size % 2 == 0);
        rf_fold_release(&fold);
    }
    rf_buffer_release(&file);
    return 0;
}
