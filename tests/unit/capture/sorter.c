/* The sorter and the spill beneath it, with buffers so small that every edge is met. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/sorter.h"
#include "support/faulty_io.h"

static char folder[64];

static void make_folder(void) {
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rf-sorter-XXXXXX", base ? base : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void) {
    cr_assert_eq(rmdir(folder), 0, "something was left in the folder");
}

TestSuite(sorter, .init = make_folder, .fini = remove_folder);

static struct rf_scratch scratch_of(struct rf_io *io, size_t spill, size_t sort, unsigned fan_in) {
    return (struct rf_scratch){.io = io,
                               .folder = folder,
                               .spill_bytes = spill,
                               .sort_bytes = sort,
                               .fan_in = fan_in,
                               .window = 8};
}

static int compare_u64(const void *a, const void *b) {
    uint64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

static enum rf_code sort_and_check(const struct rf_scratch *scratch, size_t count, unsigned seed) {
    uint64_t *numbers = calloc(count + 1, sizeof *numbers);
    struct rf_sorter sorter;
    struct rf_error error = {0};
    enum rf_code code = RF_OK;
    rf_sorter_init(&sorter, scratch, sizeof *numbers, compare_u64);
    srandom(seed);
    for (size_t i = 0; code == RF_OK && i < count; i++) {
        numbers[i] = (uint64_t)random() % (count + 1);
        code = rf_sorter_add(&sorter, &numbers[i], &error);
    }
    if (code == RF_OK) {
        code = rf_sorter_sort(&sorter, &error);
    }
    qsort(numbers, count, sizeof *numbers, compare_u64);
    for (size_t i = 0; code == RF_OK && i <= count; i++) {
        const void *record = NULL;
        code = rf_sorter_next(&sorter, &record, &error);
        if (code == RF_OK && i == count) {
            cr_assert_null(record, "more records than were added, seed %u", seed);
        } else if (code == RF_OK) {
            cr_assert_not_null(record, "record %zu of %zu is missing, seed %u", i, count, seed);
            cr_assert_eq(compare_u64(record, &numbers[i]), 0, "record %zu, seed %u", i, seed);
        }
    }
    rf_sorter_release(&sorter);
    rf_sorter_release(&sorter);
    free(numbers);
    return code;
}

Test(sorter, sorts_whatever_fits_or_not) {
    static const size_t counts[] = {0, 1, 2, 3, 7, 8, 9, 16, 17, 100, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (unsigned fan_in = 2; fan_in <= 5; fan_in++) {
            for (size_t bytes = 8; bytes <= 64; bytes += 8) {
                struct rf_scratch scratch = scratch_of(rf_io_posix(), bytes, 72 - bytes, fan_in);
                cr_assert_eq(sort_and_check(&scratch, counts[i], (unsigned)(i + bytes)), RF_OK);
            }
        }
    }
}

Test(sorter, stays_in_memory_while_it_can) {
    struct faulty_io io;
    faulty_io_init(&io, FAULTY_NOT, 0, 0);
    struct rf_scratch scratch = scratch_of(&io.io, 64, 800, 2);
    cr_assert_eq(sort_and_check(&scratch, 100, 1), RF_OK);
    cr_assert_eq(atomic_load(&io.count), 0u, "100 records of 8 bytes fit into 800");
}

Test(sorter, a_failing_disk_is_told_and_leaves_nothing) {
    unsigned at = 0;
    struct faulty_io io;
    enum rf_code code;
    do {
        faulty_io_init(&io, FAULTY_ONCE, ++at, 28);
        struct rf_scratch scratch = scratch_of(&io.io, 24, 64, 2);
        code = sort_and_check(&scratch, 60, 5);
        cr_assert(code == RF_OK || code == RF_STORAGE, "operation %u", at);
        /* Only a close may fail unnoticed: nothing depends on it. */
        cr_assert(atomic_load(&io.met) || code == RF_OK);
        /* The one file that a failure may leave is one whose name could not be removed. */
        DIR *opened = opendir(folder);
        for (struct dirent *entry; (entry = readdir(opened));) {
            char path[400];
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            unlink(path);
        }
        closedir(opened);
    } while (atomic_load(&io.met));
    cr_assert_gt(at, 20u);
}

Test(sorter, spill_is_read_from_any_place_again_and_again) {
    struct rf_scratch scratch = scratch_of(rf_io_posix(), 40, 64, 2);
    struct rf_spill spill;
    struct rf_error error = {0};
    rf_spill_init(&spill, &scratch, sizeof(uint64_t));
    for (uint64_t i = 0; i < 97; i++) {
        cr_assert_eq(rf_spill_add(&spill, &i, &error), RF_OK);
    }
    for (uint64_t first = 0; first <= 97; first++) {
        struct rf_spill_reader reader;
        const void *record = NULL;
        rf_spill_reader_init(&reader, &spill, first, 97 - first);
        for (uint64_t i = first; i < 97; i++) {
            cr_assert_eq(rf_spill_next(&reader, &record, &error), RF_OK);
            cr_assert_eq(compare_u64(record, &i), 0);
        }
        cr_assert_eq(rf_spill_next(&reader, &record, &error), RF_OK);
        cr_assert_null(record);
        rf_spill_reader_seek(&reader, first);
        if (first < 97) {
            cr_assert_eq(rf_spill_next(&reader, &record, &error), RF_OK);
            cr_assert_eq(compare_u64(record, &first), 0, "back to %llu", (unsigned long long)first);
        }
        rf_spill_reader_release(&reader);
    }
    rf_spill_release(&spill);
    rf_spill_release(&spill);
}
