/* The rows of a table from a chain of archives that contradict themselves and each other (made.h). A scan of the whole and scans
 * of its parts give the same rows. */
#include "format/repository_inner.h"
#include "format/state.h"
#include "tests/fuzz/made.h"

/* False where some block cannot be read, or rows contradict each other. */
static bool scan(struct rf_state *state, uint32_t first, uint32_t count, const int64_t *skip,
                 struct rf_digest *sum) {
    struct rf_error error = {0};
    struct rf_scan *opened = NULL;
    struct rf_span span = {0};
    struct rf_buffer cells = {0};
    enum rf_code code = rf_scan_new(state, first, count, &opened, &error);
    if (code == RF_OK && skip) {
        rf_scan_skip_to(opened, *skip);
    }
    while (code == RF_OK && (code = rf_scan_next(opened, &span, &error)) == RF_OK &&
           span.count > 0) {
        fuzz_must(span.first < span.rows->count && span.count <= span.rows->count - span.first,
                  "a span of rows that are not there");
        for (uint32_t i = 0; i < span.count; i++) {
            struct rf_hash hash;
            fuzz_must(rf_rows_hash(span.rows, span.first + i, 1, &cells, &hash, &error) == RF_OK,
                      error.what);
            rf_digest_add(sum, hash);
        }
    }
    rf_buffer_release(&cells);
    rf_scan_free(opened);
    return fuzz_read(code, &error);
}

static void scan_all_ways(struct rf_state *state, const struct rf_manifest_table *table) {
    struct rf_digest whole = {0}, parts = {0}, some = {0};
    uint32_t count = rf_state_parts(state);
    bool sound = scan(state, 0, count, NULL, &whole);
    bool sound_parts = true;
    for (uint32_t i = 0; i < count; i++) {
        sound_parts &= scan(state, i, 1, NULL, &parts);
    }
    fuzz_must(!sound || !sound_parts || rf_digest_equal(&whole, &parts),
              "parts that are not the whole");
    if (table->table.key_kind != RF_KEY_COLUMNS) {
        int64_t middle = 3;
        bool read = scan(state, 0, count, &middle, &some);
        fuzz_must(!sound || !read || some.rows <= whole.rows, "more rows behind a place than all");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {data, size};
    struct made made;
    if (made_of(&input, &made)) {
        struct rf_repository repository = {.io = &made.files.io, .path = (char[]){"fuzz"}};
        struct rf_state *state;
        struct rf_error error = {0};
        if (fuzz_read(rf_state_open(&repository, &made.table, &state, &error), &error)) {
            scan_all_ways(state, &made.table);
            rf_state_close(state);
        }
        fuzz_must(made.files.open == 0, "a file is left open");
    }
    made_release(&made);
    return 0;
}
