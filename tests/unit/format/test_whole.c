/* Snapshots that came in part: what is missing is found, whatever it is, and nothing else is. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain.h"
#include "format/fold.h"
#include "format/whole.h"

#define SNAPSHOTS 5u

/* What each snapshot of the chain needs, as the fixture made it. */
struct needs {
    uint32_t count;
    char names[34][RF_ARCHIVE_NAME_SIZE];
    struct rf_snapshot_name name;
};

static void note_needs(const struct chain *chain, struct needs *needs) {
    const struct rf_manifest_table *table = &chain->table;
    *needs = (struct needs){.name = chain->newest};
    for (uint32_t i = 0; i < table->state_count; i++) {
        memcpy(needs->names[needs->count++], table->state[i].name, RF_ARCHIVE_NAME_SIZE);
    }
    if (table->change == RF_CHANGE_DELTA &&
        strcmp(table->delta.name, table->state[table->state_count - 1].name) != 0) {
        memcpy(needs->names[needs->count++], table->delta.name, RF_ARCHIVE_NAME_SIZE);
    }
}

static bool is_needed(const struct needs *needs, const char *name) {
    for (uint32_t i = 0; i < needs->count; i++) {
        if (strcmp(needs->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Full, two deltas, folded with a delta beside it, one more delta. */
static void make_chain(struct chain *chain, struct needs needs[SNAPSHOTS]) {
    chain_make(chain, CHAIN_KEYED, 11, 60);
    note_needs(chain, &needs[0]);
    for (uint32_t i = 1; i < SNAPSHOTS; i++) {
        if (i == 3) {
            chain_fold(chain);
        } else {
            chain_step(chain);
        }
        note_needs(chain, &needs[i]);
    }
}

static const char *archive_path(const struct chain *chain, const char *name, char path[PATH_MAX]) {
    char below[RF_ARCHIVE_NAME_SIZE + 16];
    snprintf(below, sizeof below, "archives/%s", name);
    return scratch_path(chain->path, below, path);
}

enum hurt { REMOVED, EMPTY, SHORTER, LONGER, A_FOLDER, HURTS };

static void hurt_file(const char *path, enum hurt hurt) {
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    if (hurt == REMOVED || hurt == A_FOLDER) {
        cr_assert_eq(unlink(path), 0);
        cr_assert(hurt == REMOVED || mkdir(path, 0700) == 0);
    } else {
        off_t size = hurt == EMPTY ? 0 : status.st_size + (hurt == SHORTER ? -1 : 1);
        cr_assert_eq(truncate(path, size), 0);
    }
}

static void heal_file(const char *path, const struct rf_buffer *bytes) {
    (void)!rmdir(path);
    (void)!unlink(path);
    scratch_write(path, bytes->bytes, bytes->size);
}

/* One file is hurt: those snapshots are not whole that need it. */
static void check_one(const struct chain *chain, const struct needs needs[SNAPSHOTS],
                      const char *name) {
    struct rf_error error = {0};
    uint32_t newest = 0; /* the newest that does not need it, counted from 1 */
    for (uint32_t i = 0; i < SNAPSHOTS; i++) {
        struct rf_whole whole;
        char expected[RF_WHOLE_FILE];
        bool needed = is_needed(&needs[i], name);
        snprintf(expected, sizeof expected, "archives/%s", name);
        assert_ok(rf_whole_look(chain->repository, &needs[i].name, &whole, &error), error);
        cr_assert_eq(whole.files, needs[i].count + 1);
        cr_assert_eq(whole.missing, needed ? 1 : 0, "snapshot %u, %s", i + 1, name);
        cr_assert(!needed || strcmp(whole.names[0], expected) == 0);
        newest = needed ? newest : i + 1;
        struct rf_snapshot_name found;
        char number[8];
        snprintf(number, sizeof number, "%u", i + 1);
        cr_assert_eq(rf_repository_resolve(chain->repository, number, &found, &error),
                     needed ? RF_CORRUPT : RF_OK);
        cr_assert(!needed || strstr(error.detail, name));
        assert_ok(rf_repository_resolve_any(chain->repository, number, &found, &error), error);
    }
    struct rf_whole whole;
    struct rf_snapshot_name found;
    uint32_t in_part;
    assert_ok(rf_whole_newest(chain->repository, &found, &whole, &in_part, &error), error);
    cr_assert_eq(found.number, newest);
    cr_assert_eq(in_part, SNAPSHOTS - newest);
    cr_assert_eq(whole.name.number, SNAPSHOTS);
    enum rf_code code = rf_repository_resolve(chain->repository, "latest", &found, &error);
    cr_assert_eq(code, newest > 0 ? RF_OK : RF_CORRUPT);
    cr_assert(code != RF_OK || found.number == newest);
}

Test(whole, every_archive_and_every_way_to_be_in_part) {
    struct chain chain;
    struct needs needs[SNAPSHOTS];
    make_chain(&chain, needs);
    check_one(&chain, needs, "none of them");
    for (uint32_t s = 0; s < SNAPSHOTS; s++) {
        for (uint32_t i = 0; i < needs[s].count; i++) {
            char path[PATH_MAX];
            struct rf_buffer bytes = {0};
            archive_path(&chain, needs[s].names[i], path);
            scratch_read(path, &bytes);
            for (enum hurt hurt = 0; hurt < HURTS; hurt++) {
                hurt_file(path, hurt);
                check_one(&chain, needs, needs[s].names[i]);
                heal_file(path, &bytes);
            }
            rf_buffer_release(&bytes);
        }
    }
    check_one(&chain, needs, "none of them");
    chain_free(&chain);
}

/* A manifest or fold that is cut anywhere is one that has not come. */
static void check_cuts(const struct chain *chain, const char *file) {
    char below[256], path[PATH_MAX];
    struct rf_buffer bytes = {0};
    struct rf_error error = {0};
    struct rf_whole whole;
    snprintf(below, sizeof below, "snapshots/%s", file);
    scratch_read(scratch_path(chain->path, below, path), &bytes);
    for (size_t size = 0; size <= bytes.size; size += size + 7 < bytes.size ? 7 : 1) {
        scratch_write(path, bytes.bytes, size);
        assert_ok(rf_whole_look(chain->repository, &chain->newest, &whole, &error), error);
        cr_assert_eq(whole.missing, size < bytes.size ? 1 : 0, "%zu of %zu", size, bytes.size);
        cr_assert(size == bytes.size || strcmp(whole.names[0], below) == 0);
        cr_assert_eq(whole.has_manifest, size == bytes.size);
    }
    unlink(path);
    assert_ok(rf_whole_look(chain->repository, &chain->newest, &whole, &error), error);
    cr_assert_eq(whole.missing, 1);
    heal_file(path, &bytes);
    rf_buffer_release(&bytes);
}

static void manifest_name(const struct chain *chain, char file[64]) {
    char hex[RF_HASH_HEX];
    snprintf(file, 64, "%010u-%s.rfm", (unsigned)chain->newest.number,
             rf_hash_text(chain->newest.digest, hex));
}

Test(whole, a_manifest_cut_anywhere) {
    struct chain chain;
    struct needs needs[SNAPSHOTS];
    char file[64];
    make_chain(&chain, needs);
    manifest_name(&chain, file);
    check_cuts(&chain, file);
    chain_free(&chain);
}

/* Of the newest snapshot, with the archives that it has already. */
static void put_fold(struct chain *chain, char file[128]) {
    struct rf_manifest manifest;
    struct rf_error error = {0};
    struct rf_buffer bytes = {0};
    struct rf_hash digest;
    char of[RF_HASH_HEX], own[RF_HASH_HEX], below[160], path[PATH_MAX];
    assert_ok(rf_repository_load(chain->repository, &chain->newest, &manifest, &error), error);
    struct rf_fold fold = {.snapshot = manifest.snapshot,
                           .digest = chain->newest.digest,
                           .generation = 1,
                           .table_count = manifest.table_count,
                           .tables = manifest.tables};
    memcpy(fold.sha256, manifest.sha256, sizeof fold.sha256);
    memcpy(fold.source, manifest.source, sizeof fold.source);
    assert_ok(rf_fold_encode(&fold, NULL, &bytes, &digest, &error), error);
    snprintf(file, 128, "%010u-%s-000001-%s.rff", (unsigned)manifest.snapshot,
             rf_hash_text(chain->newest.digest, of), rf_hash_text(digest, own));
    snprintf(below, sizeof below, "snapshots/%s", file);
    scratch_write(scratch_path(chain->path, below, path), bytes.bytes, bytes.size);
    rf_buffer_release(&bytes);
    rf_manifest_release(&manifest);
    rf_repository_close(chain->repository);
    assert_ok(rf_repository_open(rf_io_posix(), chain->path, RF_REPOSITORY_READ, &chain->repository,
                                 &error),
              error);
}

Test(whole, a_fold_cut_anywhere) {
    struct chain chain;
    struct needs needs[SNAPSHOTS];
    char file[128];
    make_chain(&chain, needs);
    put_fold(&chain, file);
    check_cuts(&chain, file);
    chain_free(&chain);
}

Test(whole, a_manifest_that_came_and_is_of_another_source_is_damage) {
    struct chain chain, other;
    struct rf_error error = {0};
    struct rf_whole whole;
    struct rf_snapshot_name name;
    uint32_t in_part;
    char file[64], below[96], from[PATH_MAX], to[PATH_MAX];
    chain_make(&chain, CHAIN_ALIAS, 1, 5);
    chain_make(&other, CHAIN_ALIAS, 2, 5);
    chain_step(&other);
    manifest_name(&other, file);
    snprintf(below, sizeof below, "snapshots/%s", file);
    scratch_path(other.path, below, from);
    cr_assert_eq(rename(from, scratch_path(chain.path, below, to)), 0);
    rf_repository_close(chain.repository);
    assert_ok(rf_repository_open(rf_io_posix(), chain.path, RF_REPOSITORY_READ, &chain.repository,
                                 &error),
              error);
    cr_assert_eq(rf_whole_newest(chain.repository, &name, &whole, &in_part, &error), RF_CORRUPT);
    cr_assert_not_null(strstr(error.what, "another source"), "%s", error.what);
    cr_assert_eq(rf_repository_resolve(chain.repository, "latest", &name, &error), RF_CORRUPT);
    chain_free(&other);
    chain_free(&chain);
}

/* However long the names are, what is told fits. */
Test(whole, many_missing_files_are_counted_and_some_named) {
    struct rf_whole whole = {.name = {.number = UINT64_MAX},
                             .has_manifest = true,
                             .files = 100000,
                             .missing = 99999,
                             .named = RF_WHOLE_NAMED};
    char what[RF_WHOLE_TEXT], names[RF_WHOLE_TEXT];
    for (uint32_t i = 0; i < RF_WHOLE_NAMED; i++) {
        memset(whole.names[i], 'n', RF_WHOLE_FILE - 1);
    }
    rf_whole_what(&whole, what);
    rf_whole_names(&whole, names);
    cr_assert_str_eq(what, "snapshot 18446744073709551615 came in part: of its 100000 files 99999 "
                           "are missing or cut short");
    cr_assert_not_null(strstr(names, " and 99993 more"), "%s", names);
    whole.missing = whole.named = 1;
    rf_whole_what(&whole, what);
    rf_whole_names(&whole, names);
    cr_assert_not_null(strstr(what, "files 1 is missing"), "%s", what);
    cr_assert_null(strstr(names, "more"), "%s", names);
}

/* A writer that finds files under way sweeps nothing from what came in part. */
Test(whole, nothing_is_swept_from_a_copy_under_way) {
    struct chain chain;
    struct needs needs[SNAPSHOTS];
    struct rf_error error = {0};
    struct rf_buffer bytes = {0};
    char lost[PATH_MAX], stray[PATH_MAX], under_way[PATH_MAX], left[PATH_MAX], archives[PATH_MAX];
    make_chain(&chain, needs);
    scratch_path(chain.path, "archives", archives);
    archive_path(&chain, needs[4].names[0], lost);
    scratch_read(lost, &bytes);
    unlink(lost);
    archive_path(&chain, "t-0123456789abcdef0123456789abcdef.rfa", stray);
    archive_path(&chain, ".t-0123456789abcdef0123456789abcdef.rfa.Xy12Zz", under_way);
    for (int healed = 0; healed < 2; healed++) {
        scratch_write(stray, "x", 1);
        scratch_write(under_way, "x", 1);
        scratch_write(scratch_path(chain.path, "tmp/left", left), "x", 1);
        uint32_t before = scratch_count(archives);
        rf_repository_close(chain.repository);
        assert_ok(rf_repository_open(rf_io_posix(), chain.path, RF_REPOSITORY_WRITE,
                                     &chain.repository, &error),
                  error);
        cr_assert_eq(scratch_count(archives), before - (healed ? 1u : 0u));
        cr_assert_eq(access(under_way, F_OK), 0);
        cr_assert_neq(access(left, F_OK), 0);
        scratch_write(lost, bytes.bytes, bytes.size);
    }
    rf_buffer_release(&bytes);
    chain_free(&chain);
}
