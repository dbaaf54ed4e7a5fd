/* What differs between two snapshots of a table, one of which has some of the other's archives (made.h), either way. */
#include "format/difference.h"
#include "format/repository_inner.h"
#include "tests/fuzz/made.h"

#define ITEMS_MAX (4u << 20) /* more than the blocks of an input can have rows */

static void walk(const struct rf_repository *repository, const struct rf_manifest_table *from,
                 const struct rf_manifest_table *to) {
    struct rf_error error = {0};
    struct rf_difference *difference = NULL;
    struct rf_row_change change = {0};
    enum rf_code code = rf_difference_new(repository, from, to, NULL, NULL, &difference, &error);
    uint32_t items = 0;
    while (code == RF_OK && (code = rf_difference_next(difference, &change, &error)) == RF_OK &&
           (change.old.rows || change.new.rows)) {
        fuzz_must(!change.old.rows || change.old.row < change.old.rows->count, "no such old row");
        fuzz_must(!change.new.rows || change.new.row < change.new.rows->count, "no such new row");
        fuzz_must(items++ < ITEMS_MAX, "more changes than rows");
    }
    rf_difference_free(difference);
    (void)fuzz_read(code, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {data, size};
    struct made made;
    if (made_of(&input, &made)) {
        struct rf_repository repository = {.io = &made.files.io, .path = (char[]){"fuzz"}};
        struct rf_manifest_table older = made.table;
        for (uint32_t count = 1; count <= made.table.state_count; count++) {
            older.state_count = count;
            older.digest = made_after(count);
            walk(&repository, &older, &made.table);
            walk(&repository, &made.table, &older);
        }
        fuzz_must(made.files.open == 0, "a file is left open");
    }
    made_release(&made);
    return 0;
}
