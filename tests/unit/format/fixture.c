#include "fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/value.h"

uint64_t chance_next(struct chance *chance) {
    uint64_t z = (chance->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t chance_below(struct chance *chance, uint32_t limit) {
    return (uint32_t)((chance_next(chance) >> 32) * limit >> 32);
}

static int64_t any_integer(struct chance *chance) {
    static const int64_t odd[] = {
        0,   1,   -1,   INT64_MIN, INT64_MAX, INT64_MIN + 1, INT64_MAX - 1,
        255, 256, -256, 65535,     65536,     4294967295,    4294967296};
    return chance_one_in(chance, 3) ? odd[chance_below(chance, COUNT(odd))]
                                    : (int64_t)chance_next(chance);
}

static double any_real(struct chance *chance) {
    static const double odd[] = {0.0, -0.0, 1.5, -1e300, 5e-324, INFINITY, -INFINITY, 0.1};
    return chance_one_in(chance, 2) ? odd[chance_below(chance, COUNT(odd))]
                                    : (double)(int64_t)chance_next(chance) / 1024.0;
}

static void put_bytes(struct chance *chance, enum rf_class class, uint32_t longest,
                      struct rf_buffer *row) {
    uint8_t bytes[512];
    uint32_t size = chance_below(chance, longest + 1);
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)chance_next(chance);
    }
    rf_row_put_bytes(row, class, bytes, size);
}

static void put_mixed(struct chance *chance, uint32_t place, struct rf_buffer *row) {
    static const enum flavour some[] = {FLAVOUR_NULL, FLAVOUR_SMALL, FLAVOUR_ANY,  FLAVOUR_REAL,
                                        FLAVOUR_TEXT, FLAVOUR_BLOB,  FLAVOUR_EMPTY};
    chance_cell(chance, some[chance_below(chance, COUNT(some))], place, row);
}

void chance_cell(struct chance *chance, enum flavour flavour, uint32_t place,
                 struct rf_buffer *row) {
    switch (flavour) {
    case FLAVOUR_NULL:
        rf_row_put_null(row);
        return;
    case FLAVOUR_SAME:
        rf_row_put_integer(row, -77);
        return;
    case FLAVOUR_SMALL:
        rf_row_put_integer(row, (int64_t)chance_below(chance, 1000) - 500);
        return;
    case FLAVOUR_RISING:
        rf_row_put_integer(row, (int64_t)place * 1000 + chance_below(chance, 100));
        return;
    case FLAVOUR_ANY:
        rf_row_put_integer(row, any_integer(chance));
        return;
    case FLAVOUR_REAL:
        rf_row_put_real(row, any_real(chance));
        return;
    case FLAVOUR_TEXT:
        put_bytes(chance, RF_TEXT, 12, row);
        return;
    case FLAVOUR_BLOB:
        put_bytes(chance, RF_BLOB, chance_one_in(chance, 20) ? 500 : 20, row);
        return;
    case FLAVOUR_EMPTY:
        rf_row_put_bytes(row, chance_one_in(chance, 2) ? RF_TEXT : RF_BLOB, "", 0);
        return;
    case FLAVOUR_NUMBERS:
        chance_cell(chance,
                    chance_one_in(chance, 4)   ? FLAVOUR_NULL
                    : chance_one_in(chance, 2) ? FLAVOUR_REAL
                                               : FLAVOUR_ANY,
                    place, row);
        return;
    case FLAVOUR_MIXED:
    case FLAVOURS:
        put_mixed(chance, place, row);
        return;
    }
}

void scratch_make(char path[PATH_MAX]) {
    const char *folder = getenv("TMPDIR");
    snprintf(path, PATH_MAX, "%s/rowferry-unit.XXXXXX", folder ? folder : "/tmp");
    cr_assert_not_null(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void scratch_remove(const char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const char *folder, const char *name, char path[PATH_MAX]) {
    cr_assert_lt(snprintf(path, PATH_MAX, "%s/%s", folder, name), PATH_MAX);
    return path;
}

void scratch_read(const char *path, struct rf_buffer *bytes) {
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    rf_buffer_clear(bytes);
    char part[4096];
    for (size_t size; (size = fread(part, 1, sizeof part, file)) > 0;) {
        rf_buffer_append(bytes, part, size);
    }
    fclose(file);
    cr_assert_not(bytes->failed);
}

void scratch_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

uint32_t scratch_count(const char *folder) {
    DIR *names = opendir(folder);
    cr_assert_not_null(names, "%s", folder);
    uint32_t count = 0;
    while (readdir(names)) {
        count++;
    }
    closedir(names);
    return count - 2; /* . and .. */
}
