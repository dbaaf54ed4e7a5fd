/* A repository's own file, with its check put right, and names in its folder of snapshots.
 *
 *   u16 size, the file `repository`; then for each name in snapshots/ u8 size, the name */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/hash.h"
#include "format/repository.h"
#include "tests/fuzz/fuzz.h"

static char folder[64];

static void remove_names(void) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/snapshots", folder);
    DIR *opened = opendir(path);
    for (struct dirent *entry; opened && (entry = readdir(opened));) {
        unlinkat(dirfd(opened), entry->d_name, 0); /* fails for . and .. */
    }
    if (opened) {
        closedir(opened);
    }
}

static void remove_folder(void) {
    char path[PATH_MAX];
    remove_names();
    snprintf(path, sizeof path, "%s/snapshots", folder);
    rmdir(path);
    snprintf(path, sizeof path, "%s/repository", folder);
    unlink(path);
    rmdir(folder);
}

static void make_folder(void) {
    char path[PATH_MAX];
    if (folder[0]) {
        return;
    }
    bool in_memory = access("/dev/shm", W_OK) == 0;
    snprintf(folder, sizeof folder, "%s/rf-fuzz-XXXXXX", in_memory ? "/dev/shm" : "/tmp");
    fuzz_must(mkdtemp(folder), "no folder");
    atexit(remove_folder);
    snprintf(path, sizeof path, "%s/snapshots", folder);
    fuzz_must(mkdir(path, 0700) == 0, path);
}

static void write_about(const uint8_t *bytes, size_t size, bool mend) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/repository", folder);
    FILE *file = fopen(path, "wb");
    fuzz_must(file, path);
    fwrite(bytes, 1, size, file);
    if (mend) {
        fprintf(file, "check %016llx\n", (unsigned long long)rf_checksum(bytes, size));
    }
    fclose(file);
}

/* A name of a file as far as a file system allows it. */
static void make_name(const uint8_t *bytes, size_t size) {
    char name[256] = "", path[PATH_MAX];
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = bytes[i] == '/' || bytes[i] == 0 ? '_' : bytes[i];
        name[i] = (char)byte;
    }
    if (name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
        snprintf(path, sizeof path, "%s/snapshots/%s", folder, name);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        fuzz_must(fd >= 0 && close(fd) == 0, path);
    }
}

/* Numbers ascend, and every one is found. */
static void look_at(const struct rf_repository *repository) {
    uint64_t before = 0;
    for (uint32_t i = 0; i < rf_repository_count(repository); i++) {
        const struct rf_snapshot_name *name = rf_repository_snapshot(repository, i);
        struct rf_manifest manifest;
        struct rf_error error = {0};
        fuzz_must(name->number > before, "snapshots out of order");
        fuzz_must(rf_repository_find(repository, name->number) == name, "a snapshot is not found");
        fuzz_must(rf_repository_load(repository, name, &manifest, &error) == RF_CORRUPT,
                  "an empty file that is taken for a manifest");
        before = name->number;
    }
}

static void open_once(const uint8_t *about, size_t size, bool mend) {
    struct rf_repository *repository;
    struct rf_error error = {0};
    write_about(about, size, mend);
    enum rf_code code =
        rf_repository_open(rf_io_posix(), folder, RF_REPOSITORY_READ, &repository, &error);
    if (code == RF_OK) {
        look_at(repository);
        rf_repository_close(repository);
    }
    fuzz_must(code == RF_OK || code == RF_CORRUPT || code == RF_MISPLACED, error.what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {data, size};
    make_folder();
    size_t about_size = fuzz_number(&input, 2);
    const uint8_t *about = fuzz_bytes(&input, &about_size);
    while (input.left > 0) {
        size_t name_size = fuzz_number(&input, 1);
        const uint8_t *name = fuzz_bytes(&input, &name_size);
        make_name(name, name_size);
    }
    open_once(about, about_size, false);
    open_once(about, about_size, true);
    remove_names();
    return 0;
}
