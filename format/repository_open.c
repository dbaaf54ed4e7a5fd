/* Opening a repository: making one, taking its lock, listing its snapshots. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "format/layout.h"
#include "format/repository_inner.h"
#include "format/whole.h"

#define ABOUT_NAME "repository"
#define ABOUT_MAX 4096u

enum rf_code rf_repository_place(const struct rf_repository *repository, const char *folder,
                                 const char *name, char path[PATH_MAX], struct rf_error *error) {
    int size = name ? snprintf(path, PATH_MAX, "%s/%s/%s", repository->path, folder, name)
                    : snprintf(path, PATH_MAX, "%s/%s", repository->path, folder);
    if (size < 0 || size >= PATH_MAX) {
        return rf_fail(error, RF_STORAGE, "the path of the repository is too long");
    }
    return RF_OK;
}

const char *rf_uuid_text(const uint8_t id[RF_SOURCE_ID_SIZE], char text[RF_UUID_TEXT]) {
    size_t at = 0;
    for (size_t i = 0; i < RF_SOURCE_ID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[at++] = '-';
        }
        snprintf(text + at, 3, "%02x", id[i]);
        at += 2;
    }
    return text;
}

static bool uuid_parse(const char *text, uint8_t id[RF_SOURCE_ID_SIZE]) {
    char again[RF_UUID_TEXT];
    const char *at = text;
    for (size_t i = 0; i < RF_SOURCE_ID_SIZE; i++, at += 2) {
        at += *at == '-';
        unsigned byte;
        if (!at[0] || !at[1] || sscanf(at, "%2x", &byte) != 1) {
            return false;
        }
        id[i] = (uint8_t)byte;
    }
    return strcmp(rf_uuid_text(id, again), text) == 0;
}

/* A random one of version 4, RFC 9562. */
static enum rf_code uuid_make(uint8_t id[RF_SOURCE_ID_SIZE], struct rf_error *error) {
    if (getrandom(id, RF_SOURCE_ID_SIZE, 0) != RF_SOURCE_ID_SIZE) {
        return rf_fail_errno(error, errno, "cannot draw a random source id");
    }
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    return RF_OK;
}

static enum rf_code no_repository(const struct rf_repository *repository, struct rf_error *error) {
    enum rf_code code = rf_whole_nameless(repository, error);
    if (code == RF_OK) {
        code = rf_fail(error, RF_USAGE, "there is no repository at %s", repository->path);
        rf_hint(error, "`rowferry capture -r %.200s DATABASE` makes one; or name another with -r.",
                repository->path);
    }
    return code;
}

/* The whole content of the `repository` file. */
static enum rf_code render_about(const struct rf_repository *repository, struct rf_buffer *text,
                                 struct rf_error *error) {
    char uuid[RF_UUID_TEXT];
    rf_buffer_printf(text, "rowferry repository\nformat %u\nsource %s\n", RF_FORMAT_VERSION,
                     rf_uuid_text(repository->source, uuid));
    uint64_t check = text->failed ? 0 : rf_checksum(text->bytes, text->size);
    rf_buffer_printf(text, "check %016llx\n", (unsigned long long)check);
    return rf_buffer_check(text, error);
}

/* `sound` is what the file would be, as far as that can be told. */
static enum rf_code damaged_about(const struct rf_repository *repository, const char *text,
                                  const struct rf_buffer *sound, struct rf_error *error) {
    size_t at = 0;
    while (at < sound->size && text[at] && text[at] == (char)sound->bytes[at]) {
        at++;
    }
    rf_fail(error, RF_CORRUPT, "%s/" ABOUT_NAME " is damaged", repository->path);
    rf_detail(error, "at byte %zu", at);
    rf_hint(error, "copy this file again from the repository that this one was copied from.");
    return RF_CORRUPT;
}

static enum rf_code parse_about(struct rf_repository *repository, const char *text, uint64_t size,
                                struct rf_error *error) {
    unsigned version = 0;
    char source[RF_UUID_TEXT] = "";
    if (sscanf(text, "rowferry repository\nformat %u", &version) == 1 &&
        version != RF_FORMAT_VERSION) {
        rf_fail(error, RF_MISPLACED,
                "the repository %s is of format version %u, this rowferry knows version %u",
                repository->path, version, RF_FORMAT_VERSION);
        rf_hint(error, version > RF_FORMAT_VERSION
                           ? "use the rowferry that wrote it, or a newer one."
                           : "capture the database into a new repository.");
        return RF_MISPLACED;
    }
    struct rf_buffer again = {0};
    bool known = sscanf(text, "%*[^\n]\n%*[^\n]\nsource %36s", source) == 1 &&
                 uuid_parse(source, repository->source);
    enum rf_code code = render_about(repository, &again, error);
    if (code == RF_OK &&
        (!known || size != again.size || memcmp(text, again.bytes, again.size) != 0)) {
        code = damaged_about(repository, text, &again, error);
    }
    rf_buffer_release(&again);
    return code;
}

static enum rf_code read_about(struct rf_repository *repository, bool *found,
                               struct rf_error *error) {
    char path[PATH_MAX];
    enum rf_code code = rf_repository_place(repository, ABOUT_NAME, NULL, path, error);
    if (code != RF_OK) {
        return code;
    }
    int fd;
    uint64_t size;
    code = rf_io_open_read(repository->io, path, &fd, &size, error);
    *found = code == RF_OK;
    if (code == RF_STORAGE && (error->sys_errno == ENOENT || error->sys_errno == ENOTDIR)) {
        rf_error_clear(error);
        return RF_OK;
    }
    if (code != RF_OK) {
        return code;
    }
    char text[ABOUT_MAX] = "";
    size_t take = size < ABOUT_MAX - 1 ? (size_t)size : ABOUT_MAX - 1;
    code = rf_io_read_at(repository->io, fd, path, text, take, 0, error);
    rf_io_discard(repository->io, &fd);
    return code == RF_OK ? parse_about(repository, text, size, error) : code;
}

static enum rf_code write_about(struct rf_repository *repository, struct rf_error *error) {
    char part[PATH_MAX], path[PATH_MAX];
    struct rf_io *io = repository->io;
    enum rf_code code = RF_OK;
    if (repository->founder) {
        memcpy(repository->source, repository->founder, RF_SOURCE_ID_SIZE);
    } else {
        code = uuid_make(repository->source, error);
    }
    if (code == RF_OK) {
        code = rf_repository_place(repository, "tmp", ABOUT_NAME ".part", part, error);
    }
    if (code == RF_OK) {
        code = rf_repository_place(repository, ABOUT_NAME, NULL, path, error);
    }
    if (code == RF_OK) {
        code = rf_io_unlink(io, part, error);
    }
    if (code != RF_OK) {
        return code;
    }
    struct rf_buffer text = {0};
    int fd = -1;
    code = render_about(repository, &text, error);
    if (code == RF_OK) {
        code = rf_io_create(io, part, &fd, error);
    }
    if (code == RF_OK) {
        code = rf_io_write_all(io, fd, part, text.bytes, text.size, error);
    }
    if (code == RF_OK) {
        code = rf_io_sync(io, fd, part, error);
    }
    if (code == RF_OK) {
        code = rf_io_close(io, &fd, part, error);
    }
    if (code == RF_OK) {
        code = rf_io_rename(io, part, path, error);
    }
    if (code == RF_OK) {
        code = rf_io_sync_directory(io, repository->path, error);
    }
    rf_io_discard(io, &fd);
    rf_buffer_release(&text);
    return code;
}

/* A folder may become a repository when it is empty, or when making one in it was cut off. */
static enum rf_code must_be_ours(void *context, const char *name, struct rf_error *error) {
    const struct rf_repository *repository = context;
    static const char *const ours[] = {"archives", "snapshots", "index", "tmp", "lock"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strcmp(name, ours[i]) == 0) {
            return RF_OK;
        }
    }
    rf_fail(error, RF_USAGE, "%s is not a repository, and not empty", repository->path);
    rf_detail(error, "there is \"%.100s\" in it", name);
    rf_hint(error, "name a repository, or a folder that is empty or not there yet, with -r.");
    return RF_USAGE;
}

static enum rf_code make_folders(struct rf_repository *repository, struct rf_error *error) {
    static const char *const folders[] = {"archives", "snapshots", "index", "tmp"};
    struct stat status;
    if (stat(repository->path, &status) == 0 && !S_ISDIR(status.st_mode)) {
        return rf_fail(error, RF_USAGE, "%s is not a folder", repository->path);
    }
    enum rf_code code = rf_io_mkdir(repository->io, repository->path, error);
    for (size_t i = 0; code == RF_OK && i < sizeof folders / sizeof *folders; i++) {
        char path[PATH_MAX];
        code = rf_repository_place(repository, folders[i], NULL, path, error);
        if (code == RF_OK) {
            code = rf_io_mkdir(repository->io, path, error);
        }
    }
    return code;
}

/* The folders may be links to other file systems. */
static bool lock_stands_for_all(const struct rf_repository *repository) {
    char archives[PATH_MAX];
    struct rf_error ignored;
    struct stat lock, tmp, shown;
    return rf_repository_place(repository, "archives", NULL, archives, &ignored) == RF_OK &&
           fstat(repository->lock, &lock) == 0 && stat(repository->tmp, &tmp) == 0 &&
           stat(archives, &shown) == 0 && tmp.st_dev == lock.st_dev &&
           shown.st_dev == lock.st_dev && rf_io_can_sync_all(repository->io, repository->lock);
}

static enum rf_code take_lock(struct rf_repository *repository, struct rf_error *error) {
    char path[PATH_MAX];
    enum rf_code code = rf_repository_place(repository, "lock", NULL, path, error);
    if (code != RF_OK) {
        return code;
    }
    struct rf_io *io = repository->io;
    repository->lock = io->open(io, path, O_RDWR | O_CREAT, RF_IO_FILE_MODE);
    if (repository->lock < 0) {
        return rf_fail_errno(error, errno, "cannot open %s", path);
    }
    if (io->flock(io, repository->lock, LOCK_EX | LOCK_NB) == 0) {
        repository->syncs_at_once = lock_stands_for_all(repository);
        return RF_OK;
    }
    if (errno != EWOULDBLOCK) {
        return rf_fail_errno(error, errno, "cannot lock %s", path);
    }
    rf_fail(error, RF_LOCKED, "another run is writing to the repository %s", repository->path);
    rf_hint(error, "wait until it has ended; `fuser %.300s` tells which process it is.", path);
    return RF_LOCKED;
}

static enum rf_code open_for_writing(struct rf_repository *repository, bool create,
                                     struct rf_error *error) {
    bool found;
    enum rf_code code = read_about(repository, &found, error);
    if (code != RF_OK || (!found && !create)) {
        return code != RF_OK ? code : no_repository(repository, error);
    }
    struct stat status;
    if (!found && stat(repository->path, &status) == 0 && S_ISDIR(status.st_mode)) {
        code = rf_io_list(repository->path, must_be_ours, repository, error);
        if (code == RF_OK) {
            code = rf_whole_nameless(repository, error);
        }
    }
    /* A copied repository may lack the local folders. */
    if (code == RF_OK) {
        code = make_folders(repository, error);
    }
    if (code == RF_OK) {
        code = take_lock(repository, error);
    }
    if (code == RF_OK && !found) {
        code = read_about(repository, &found, error); /* somebody may have been faster */
    }
    if (code == RF_OK && !found) {
        code = write_about(repository, error);
    }
    return code;
}

static enum rf_code open_for_reading(struct rf_repository *repository, struct rf_error *error) {
    bool found;
    enum rf_code code = read_about(repository, &found, error);
    return code == RF_OK && !found ? no_repository(repository, error) : code;
}

void rf_manifest_file_name(const struct rf_snapshot_name *name, char file[RF_MANIFEST_NAME_SIZE]) {
    char hex[RF_HASH_HEX];
    snprintf(file, RF_MANIFEST_NAME_SIZE, "%010llu-%s.rfm", (unsigned long long)name->number,
             rf_hash_text(name->digest, hex));
}

static bool parse_manifest_name(const char *file, struct rf_snapshot_name *name) {
    char again[RF_MANIFEST_NAME_SIZE];
    char hex[RF_HASH_HEX] = "";
    unsigned long long number;
    if (sscanf(file, "%20llu-%32[0-9a-f].rfm", &number, hex) != 2 || number == 0 ||
        !rf_hash_parse(hex, &name->digest)) {
        return false;
    }
    name->number = number;
    rf_manifest_file_name(name, again);
    return strcmp(again, file) == 0;
}

void rf_fold_file_name(const struct rf_fold_name *name, char file[RF_FOLD_NAME_SIZE]) {
    char of[RF_HASH_HEX], own[RF_HASH_HEX];
    snprintf(file, RF_FOLD_NAME_SIZE, "%010llu-%s-%06llu-%s.rff",
             (unsigned long long)name->snapshot.number, rf_hash_text(name->snapshot.digest, of),
             (unsigned long long)name->generation, rf_hash_text(name->digest, own));
}

static bool parse_fold_name(const char *file, struct rf_fold_name *name) {
    char again[RF_FOLD_NAME_SIZE];
    char of[RF_HASH_HEX] = "", own[RF_HASH_HEX] = "";
    unsigned long long number, generation;
    if (sscanf(file, "%20llu-%32[0-9a-f]-%20llu-%32[0-9a-f].rff", &number, of, &generation, own) !=
            4 ||
        number == 0 || generation == 0 || !rf_hash_parse(of, &name->snapshot.digest) ||
        !rf_hash_parse(own, &name->digest)) {
        return false;
    }
    name->snapshot.number = number;
    name->generation = generation;
    rf_fold_file_name(name, again);
    return strcmp(again, file) == 0;
}

static enum rf_code list_fold(struct rf_repository *repository, const struct rf_fold_name *name,
                              struct rf_error *error) {
    struct rf_fold_name *grown =
        realloc(repository->folds, ((size_t)repository->fold_count + 1) * sizeof *grown);
    if (!grown) {
        return rf_fail_memory(error);
    }
    repository->folds = grown;
    grown[repository->fold_count++] = *name;
    return RF_OK;
}

const struct rf_fold_name *rf_repository_fold(const struct rf_repository *repository,
                                              const struct rf_snapshot_name *snapshot) {
    const struct rf_fold_name *found = NULL;
    for (uint32_t i = 0; i < repository->fold_count; i++) {
        const struct rf_fold_name *fold = &repository->folds[i];
        if (fold->snapshot.number == snapshot->number &&
            rf_hash_equal(fold->snapshot.digest, snapshot->digest) &&
            (!found || fold->generation > found->generation)) {
            found = fold;
        }
    }
    return found;
}

/* For one more name at least, so that a snapshot which is published need not move the others. */
static enum rf_code make_room(struct rf_repository *repository, struct rf_error *error) {
    if (repository->count < repository->room) {
        return RF_OK;
    }
    uint32_t room = repository->room ? 2 * repository->room : 16;
    struct rf_snapshot_name *grown = realloc(repository->snapshots, room * sizeof *grown);
    if (!grown) {
        return rf_fail_memory(error);
    }
    repository->snapshots = grown;
    repository->room = room;
    return RF_OK;
}

static enum rf_code list_one(void *context, const char *file, struct rf_error *error) {
    struct rf_repository *repository = context;
    struct rf_snapshot_name name;
    struct rf_fold_name fold;
    if (parse_fold_name(file, &fold)) {
        return list_fold(repository, &fold, error);
    }
    if (!parse_manifest_name(file, &name)) {
        return RF_OK; /* the temporary file of a copy under way, or somebody's note */
    }
    repository->snapshots[repository->count++] = name;
    return make_room(repository, error);
}

static int by_number(const void *a, const void *b) {
    const struct rf_snapshot_name *left = a;
    const struct rf_snapshot_name *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

enum rf_code rf_repository_list(struct rf_repository *repository, struct rf_error *error) {
    char path[PATH_MAX];
    free(repository->snapshots);
    repository->snapshots = NULL;
    repository->count = 0;
    repository->room = 0;
    free(repository->folds);
    repository->folds = NULL;
    repository->fold_count = 0;
    enum rf_code code = make_room(repository, error);
    if (code == RF_OK) {
        code = rf_repository_place(repository, "snapshots", NULL, path, error);
    }
    struct stat status;
    if (code != RF_OK || (stat(path, &status) != 0 && errno == ENOENT)) {
        return code; /* copied before its first snapshot */
    }
    code = rf_io_list(path, list_one, repository, error);
    if (code != RF_OK || repository->count == 0) {
        return code;
    }
    qsort(repository->snapshots, repository->count, sizeof *repository->snapshots, by_number);
    for (uint32_t i = 1; i < repository->count; i++) {
        if (repository->snapshots[i].number == repository->snapshots[i - 1].number) {
            rf_fail(error, RF_CORRUPT, "the repository %s has two snapshots of number %llu",
                    repository->path, (unsigned long long)repository->snapshots[i].number);
            rf_hint(error, "two histories were copied into one folder; keep them apart.");
            return RF_CORRUPT;
        }
    }
    return RF_OK;
}

static enum rf_code open_in_mode(struct rf_io *io, const char *path, enum rf_repository_mode mode,
                                 const uint8_t *founder, struct rf_repository **opened,
                                 struct rf_error *error) {
    *opened = NULL;
    struct rf_repository *repository = calloc(1, sizeof *repository);
    if (!repository) {
        return rf_fail_memory(error);
    }
    repository->io = io;
    repository->founder = founder;
    repository->lock = -1;
    repository->path = strdup(path);
    repository->proven = rf_proven_new();
    if (!repository->path || !repository->proven ||
        asprintf(&repository->tmp, "%s/tmp", path) < 0) {
        repository->tmp = NULL;
        rf_repository_close(repository);
        return rf_fail_memory(error);
    }
    enum rf_code code = mode == RF_REPOSITORY_READ
                            ? open_for_reading(repository, error)
                            : open_for_writing(repository, mode == RF_REPOSITORY_CREATE, error);
    if (code == RF_OK) {
        code = rf_repository_list(repository, error);
    }
    if (code == RF_OK && mode != RF_REPOSITORY_READ) {
        code = rf_repository_clear(repository, error);
    }
    if (code != RF_OK) {
        rf_repository_close(repository);
        return code;
    }
    repository->founder = NULL;
    *opened = repository;
    return RF_OK;
}

struct sizes {
    const struct rf_repository *repository;
    uint64_t bytes;
};

static enum rf_code add_size(void *context, const char *name, struct rf_error *error) {
    (void)error;
    struct sizes *sizes = context;
    char path[PATH_MAX];
    struct rf_error ignored;
    struct stat status;
    if (rf_repository_place(sizes->repository, "archives", name, path, &ignored) == RF_OK &&
        stat(path, &status) == 0) {
        sizes->bytes += (uint64_t)status.st_size;
    }
    return RF_OK;
}

uint64_t rf_repository_bytes(const struct rf_repository *repository) {
    struct sizes sizes = {.repository = repository};
    char folder[PATH_MAX];
    struct rf_error ignored;
    if (rf_repository_place(repository, "archives", NULL, folder, &ignored) == RF_OK) {
        (void)!rf_io_list(folder, add_size, &sizes, &ignored);
    }
    return sizes.bytes;
}

enum rf_code rf_repository_open(struct rf_io *io, const char *path, enum rf_repository_mode mode,
                                struct rf_repository **opened, struct rf_error *error) {
    return open_in_mode(io, path, mode, NULL, opened, error);
}

enum rf_code rf_repository_open_for(struct rf_io *io, const char *path,
                                    const uint8_t source[RF_SOURCE_ID_SIZE],
                                    struct rf_repository **opened, struct rf_error *error) {
    enum rf_code code = open_in_mode(io, path, RF_REPOSITORY_CREATE, source, opened, error);
    if (code != RF_OK || memcmp((*opened)->source, source, RF_SOURCE_ID_SIZE) == 0) {
        return code;
    }
    char ours[RF_UUID_TEXT], theirs[RF_UUID_TEXT];
    rf_fail(error, RF_MISPLACED, "the repository %s is of another source", path);
    rf_detail(error, "it is of source %s, and not of %s", rf_uuid_text((*opened)->source, ours),
              rf_uuid_text(source, theirs));
    rf_hint(error,
            "name the repository of that source, or a folder that is not there yet, with -r.");
    rf_repository_close(*opened);
    *opened = NULL;
    return RF_MISPLACED;
}

void rf_repository_close(struct rf_repository *repository) {
    if (repository) {
        rf_io_discard(repository->io, &repository->lock);
        free(repository->snapshots);
        free(repository->folds);
        rf_proven_free(repository->proven);
        free(repository->tmp);
        free(repository->path);
        free(repository);
    }
}
