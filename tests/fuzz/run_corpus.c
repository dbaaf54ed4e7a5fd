/* Runs a fuzz target without a fuzzer: over every file of the named folders as it is, cut short, and with single bytes
 * changed. What is wrong ends the program: an assertion of the target, or a sanitizer.
 *
 * Of a file with more bytes than RUNS_A_FILE can be changed in, every second, third … is taken. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define RUNS_A_FILE 1000u

/* In a block of its own size, so that a read past its end is seen. */
static void run(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    fuzz_must(copy, "no memory");
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_changed(uint8_t *bytes, size_t size) {
    static const uint8_t changes[] = {0xff, 0x01};
    size_t step = size * 3 / RUNS_A_FILE + 1;
    for (size_t at = 0; at < size; at += step) {
        run(bytes, at);
        for (size_t i = 0; i < sizeof changes; i++) {
            bytes[at] ^= changes[i];
            run(bytes, size);
            bytes[at] ^= changes[i];
        }
    }
}

static void run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    fuzz_must(file && fseek(file, 0, SEEK_END) == 0, path);
    size_t size = (size_t)ftell(file);
    uint8_t *bytes = malloc(size + 1);
    fuzz_must(bytes && fseek(file, 0, SEEK_SET) == 0 && fread(bytes, 1, size, file) == size, path);
    fclose(file);
    run(bytes, size);
    run_changed(bytes, size);
    free(bytes);
}

static unsigned run_folder(const char *folder) {
    unsigned files = 0;
    DIR *opened = opendir(folder);
    fuzz_must(opened, folder);
    for (struct dirent *entry; (entry = readdir(opened));) {
        char path[PATH_MAX];
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            run_file(path);
            files++;
        }
    }
    closedir(opened);
    return files;
}

int main(int count, char **arguments) {
    unsigned files = 0;
    for (int i = 1; i < count; i++) {
        files += run_folder(arguments[i]);
    }
    printf("%u files\n", files);
    fuzz_must(files > 0, "nothing to run");
    return 0;
}
