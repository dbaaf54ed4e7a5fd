/* Opening the repository of a capture. */
#include "tools/place.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/bytes.h"

/* Not there, or an empty folder: what the first capture would make a repository of. */
static bool is_free(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) {
        return errno == ENOENT;
    }
    bool empty = true;
    for (struct dirent *entry = readdir(folder); empty && entry; entry = readdir(folder)) {
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    closedir(folder);
    return empty;
}

enum rf_code rf_place_temporary(struct rf_place *place, struct rf_error *error) {
    *place = (struct rf_place){0};
    const char *parent = getenv("TMPDIR");
    struct rf_buffer path = {0};
    rf_buffer_printf(&path, "%s/rowferry-XXXXXX", parent && *parent ? parent : "/tmp");
    rf_buffer_u8(&path, 0);
    if (path.failed) {
        rf_buffer_release(&path);
        return rf_fail_memory(error);
    }
    char *template = (char *)path.bytes;
    if (!mkdtemp(template)) {
        enum rf_code code =
            rf_fail_errno(error, errno, "cannot make a temporary folder %s", template);
        free(template);
        return code;
    }
    place->temporary = template;
    return rf_repository_open(rf_io_posix(), template, RF_REPOSITORY_CREATE, &place->repository,
                              error);
}

enum rf_code rf_place_open(const char *path, bool dry_run, struct rf_place *place,
                           struct rf_error *error) {
    *place = (struct rf_place){0};
    if (dry_run && is_free(path)) {
        return rf_place_temporary(place, error);
    }
    enum rf_repository_mode mode = dry_run ? RF_REPOSITORY_READ : RF_REPOSITORY_CREATE;
    return rf_repository_open(rf_io_posix(), path, mode, &place->repository, error);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    remove(path);
    return 0;
}

void rf_place_close(struct rf_place *place) {
    rf_repository_close(place->repository);
    if (place->temporary) {
        nftw(place->temporary, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        free(place->temporary);
    }
    *place = (struct rf_place){0};
}
