/* Manifests: a whole file whose checksum is put right, or else the body of one. What is read can be written, and is the same
 * when it is read again. */
#include "format/manifest_layout.h"
#include "tests/fuzz/fuzz.h"

static void write_again(const struct rf_manifest *manifest) {
    struct rf_buffer first = {0}, second = {0};
    struct rf_hash left, right;
    struct rf_manifest again;
    struct rf_error error = {0};
    fuzz_must(rf_manifest_encode(manifest, NULL, &first, &left, &error) == RF_OK, error.what);
    fuzz_must(rf_manifest_decode(first.bytes, first.size, NULL, &again, &error) == RF_OK,
              error.what);
    fuzz_must(rf_manifest_encode(&again, NULL, &second, &right, &error) == RF_OK, error.what);
    fuzz_must(rf_hash_equal(left, right), "a manifest that is another one when it is read again");
    rf_manifest_release(&again);
    rf_buffer_release(&first);
    rf_buffer_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rf_buffer file = {0};
    struct rf_manifest manifest;
    struct rf_error error = {0};
    fuzz_envelope(RF_MANIFEST_MAGIC, data, size, &file);
    if (fuzz_read(rf_manifest_decode(file.bytes, file.size, NULL, &manifest, &error), &error)) {
        write_again(&manifest);
        rf_manifest_release(&manifest);
    }
    rf_buffer_release(&file);
    return 0;
}
