/* Repositories: who may write, what a dead writer leaves behind, and that a snapshot is either
 * there or not. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain.h"
#include "format/check.h"
#include "format/layout.h"
#include "format/state.h"
#include "memory_io.h"

static enum rf_code open_at(const char *path, enum rf_repository_mode mode,
                            struct rf_repository **repository, struct rf_error *error) {
    return rf_repository_open(rf_io_posix(), path, mode, repository, error);
}

static mode_t mode_of(const char *folder, const char *name) {
    char path[PATH_MAX];
    struct stat status;
    cr_assert_eq(stat(scratch_path(folder, name, path), &status), 0, "%s", path);
    return status.st_mode & 0777;
}

/* Opening */

Test(repository, is_made_and_found_again) {
    char folder[PATH_MAX], path[PATH_MAX];
    struct rf_repository *repository;
    struct rf_error error = {0};
    scratch_make(folder);
    scratch_path(folder, "made", path);
    cr_assert_eq(open_at(path, RF_REPOSITORY_READ, &repository, &error), RF_USAGE);
    cr_assert_eq(open_at(path, RF_REPOSITORY_WRITE, &repository, &error), RF_USAGE);
    cr_assert_eq(access(path, F_OK), -1, "asking made something");
    assert_ok(open_at(path, RF_REPOSITORY_CREATE, &repository, &error), error);
    uint8_t source[RF_SOURCE_ID_SIZE];
    memcpy(source, rf_repository_source(repository), sizeof source);
    cr_assert_str_eq(rf_repository_path(repository), path);
    cr_assert_eq(rf_repository_count(repository), 0);
    cr_assert_null(rf_repository_newest(repository));
    cr_assert_null(rf_repository_find(repository, 1));
    rf_repository_close(repository);
    rf_repository_close(NULL);
    static const char *const folders[] = {"", "archives", "snapshots", "index", "tmp"};
    for (size_t i = 0; i < COUNT(folders); i++) {
        cr_assert_eq(mode_of(path, folders[i]), 0700, "%s", folders[i]);
    }
    cr_assert_eq(mode_of(path, "repository"), 0600);
    cr_assert_eq(mode_of(path, "lock"), 0600);
    static const enum rf_repository_mode modes[] = {RF_REPOSITORY_READ, RF_REPOSITORY_WRITE,
                                                    RF_REPOSITORY_CREATE};
    for (size_t i = 0; i < COUNT(modes); i++) {
        assert_ok(open_at(path, modes[i], &repository, &error), error);
        cr_assert_arr_eq(rf_repository_source(repository), source, sizeof source);
        rf_repository_close(repository);
    }
    scratch_remove(folder);
}

Test(repository, an_empty_folder_becomes_one_and_another_does_not) {
    char folder[PATH_MAX], path[PATH_MAX];
    struct rf_repository *repository;
    struct rf_error error = {0};
    scratch_make(folder);
    scratch_write(scratch_path(folder, "thesis.txt", path), "x", 1);
    cr_assert_eq(open_at(folder, RF_REPOSITORY_CREATE, &repository, &error), RF_USAGE);
    cr_assert_not_null(strstr(error.detail, "thesis.txt"));
    cr_assert_eq(scratch_count(folder), 1, "something was put beside it");
    cr_assert_eq(open_at(path, RF_REPOSITORY_CREATE, &repository, &error), RF_USAGE, "a file");
    cr_assert_eq(open_at(path, RF_REPOSITORY_READ, &repository, &error), RF_USAGE, "a file");
    remove(path);
    assert_ok(open_at(folder, RF_REPOSITORY_CREATE, &repository, &error), error);
    rf_repository_close(repository);
    cr_assert_eq(
        open_at(scratch_path(folder, "a/b", path), RF_REPOSITORY_CREATE, &repository, &error),
        RF_STORAGE);
    scratch_remove(folder);
}

Test(repository, two_are_not_the_same_source) {
    char folder[PATH_MAX], path[PATH_MAX];
    struct rf_repository *one, *two;
    struct rf_error error = {0};
    scratch_make(folder);
    assert_ok(open_at(scratch_path(folder, "1", path), RF_REPOSITORY_CREATE, &one, &error), error);
    assert_ok(open_at(scratch_path(folder, "2", path), RF_REPOSITORY_CREATE, &two, &error), error);
    cr_assert_arr_neq(rf_repository_source(one), rf_repository_source(two), RF_SOURCE_ID_SIZE);
    /* RFC 9562: version 4, variant 10. */
    char text[RF_UUID_TEXT];
    rf_uuid_text(rf_repository_source(one), text);
    cr_assert_eq(strlen(text), 36);
    cr_assert(text[14] == '4' && strchr("89ab", text[19]));
    rf_repository_close(one);
    rf_repository_close(two);
    scratch_remove(folder);
}

Test(repository, one_writer_at_a_time_and_readers_any) {
    char folder[PATH_MAX];
    struct rf_repository *writer, *reader, *other;
    struct rf_error error = {0};
    scratch_make(folder);
    assert_ok(open_at(folder, RF_REPOSITORY_CREATE, &writer, &error), error);
    cr_assert_eq(open_at(folder, RF_REPOSITORY_WRITE, &other, &error), RF_LOCKED);
    cr_assert_null(other);
    cr_assert_eq(open_at(folder, RF_REPOSITORY_CREATE, &other, &error), RF_LOCKED);
    assert_ok(open_at(folder, RF_REPOSITORY_READ, &reader, &error), error);
    rf_repository_close(writer);
    assert_ok(open_at(folder, RF_REPOSITORY_WRITE, &writer, &error), error);
    rf_repository_close(writer);
    rf_repository_close(reader);
    scratch_remove(folder);
}

/* A writer that waits for the lock must not clear what the other has under way. */
Test(repository, a_second_writer_leaves_tmp_alone) {
    char folder[PATH_MAX], path[PATH_MAX];
    struct rf_repository *writer, *other;
    struct rf_error error = {0};
    scratch_make(folder);
    assert_ok(open_at(folder, RF_REPOSITORY_CREATE, &writer, &error), error);
    scratch_write(scratch_path(folder, "tmp/under way", path), "x", 1);
    cr_assert_eq(open_at(folder, RF_REPOSITORY_WRITE, &other, &error), RF_LOCKED);
    assert_ok(open_at(folder, RF_REPOSITORY_READ, &other, &error), error);
    cr_assert_eq(access(path, F_OK), 0);
    rf_repository_close(other);
    rf_repository_close(writer);
    scratch_remove(folder);
}

/* The file that says what the folder is. */

static enum rf_code open_about(const char *folder, const char *text, size_t size,
                               struct rf_error *error, uint8_t source[RF_SOURCE_ID_SIZE]) {
    char path[PATH_MAX];
    struct rf_repository *repository;
    scratch_write(scratch_path(folder, "repository", path), text, size);
    enum rf_code code = open_at(folder, RF_REPOSITORY_READ, &repository, error);
    if (code == RF_OK) {
        memcpy(source, rf_repository_source(repository), RF_SOURCE_ID_SIZE);
        rf_repository_close(repository);
    }
    return code;
}

Test(repository, a_damaged_about_is_noticed) {
    char folder[PATH_MAX], path[PATH_MAX];
    struct rf_repository *repository;
    struct rf_error error = {0};
    struct rf_buffer about = {0};
    uint8_t source[RF_SOURCE_ID_SIZE], found[RF_SOURCE_ID_SIZE];
    scratch_make(folder);
    assert_ok(open_at(folder, RF_REPOSITORY_CREATE, &repository, &error), error);
    memcpy(source, rf_repository_source(repository), sizeof source);
    rf_repository_close(repository);
    scratch_read(scratch_path(folder, "repository", path), &about);
    for (size_t i = 0; i < about.size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            about.bytes[i] ^= (uint8_t)(1u << bit);
            enum rf_code code = open_about(folder, (char *)about.bytes, about.size, &error, found);
            cr_assert(code == RF_CORRUPT || code == RF_MISPLACED, "byte %zu, bit %u: %d", i, bit,
                      code);
            about.bytes[i] ^= (uint8_t)(1u << bit);
        }
        enum rf_code code = open_about(folder, (char *)about.bytes, i, &error, found);
        cr_assert_eq(code, RF_CORRUPT, "cut at %zu", i);
    }
    assert_ok(open_about(folder, (char *)about.bytes, about.size, &error, found), error);
    cr_assert_arr_eq(source, found, sizeof source);
    rf_buffer_u8(&about, 0);
    cr_assert_eq(open_about(folder, (char *)about.bytes, about.size, &error, found), RF_CORRUPT);
    about.bytes[about.size - 1] = 'x';
    cr_assert_eq(open_about(folder, (char *)about.bytes, about.size, &error, found), RF_CORRUPT);
    cr_assert(strstr(error.detail, "at byte ") == error.detail, "%s", error.detail);
    rf_buffer_release(&about);
    scratch_remove(folder);
}

Test(repository, a_newer_format_is_refused) {
    char folder[PATH_MAX];
    uint8_t source[RF_SOURCE_ID_SIZE];
    struct rf_error error = {0};
    scratch_make(folder);
    static const char text[] = "rowferry repository\nformat 4\nsomething else\n";
    cr_assert_eq(open_about(folder, text, sizeof text - 1, &error, source), RF_MISPLACED);
    cr_assert_not_null(strstr(error.what, "version 4"));
    cr_assert_eq(open_about(folder, "", 0, &error, source), RF_CORRUPT);
    scratch_remove(folder);
}

/* What a copy may lack, and what it may have too much. */

Test(repository, a_copy_without_local_folders_works) {
    struct chain chain;
    char path[PATH_MAX];
    struct rf_error error = {0};
    chain_make(&chain, CHAIN_ALIAS, 1, 20);
    rf_repository_close(chain.repository);
    static const char *const local[] = {"index", "tmp"};
    for (size_t i = 0; i < COUNT(local); i++) {
        cr_assert_eq(rmdir(scratch_path(chain.path, local[i], path)), 0);
    }
    cr_assert_eq(unlink(scratch_path(chain.path, "lock", path)), 0);
    assert_ok(open_at(chain.path, RF_REPOSITORY_READ, &chain.repository, &error), error);
    cr_assert_eq(rf_repository_count(chain.repository), 1);
    rf_repository_close(chain.repository);
    assert_ok(open_at(chain.path, RF_REPOSITORY_WRITE, &chain.repository, &error), error);
    chain_step(&chain);
    cr_assert_eq(rf_repository_count(chain.repository), 2);
    chain_free(&chain);
}

Test(repository, names_that_are_no_manifests_are_passed_over) {
    struct chain chain;
    char path[PATH_MAX], name[128];
    struct rf_error error = {0};
    chain_make(&chain, CHAIN_ALIAS, 1, 20);
    rf_repository_close(chain.repository);
    static const char *const names[] = {"note",
                                        "1-%s.rfm",
                                        "0000000002-%s.rfm.part",
                                        "0000000002-.rfm",
                                        "00000000002-%s.rfm",
                                        "0000000000-%s.rfm",
                                        "-000000002-%s.rfm",
                                        "0000000002-%s.rfa",
                                        "+000000002-%s.rfm",
                                        " 000000002-%s.rfm"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *hex = strchr(names[i], '%');
        size_t front = hex ? (size_t)(hex - names[i]) : strlen(names[i]);
        snprintf(name, sizeof name, "snapshots/%.*s%s%s", (int)front, names[i],
                 hex ? "0123456789abcdef0123456789abcdef" : "", hex ? hex + 2 : "");
        scratch_write(scratch_path(chain.path, name, path), "x", 1);
    }
    assert_ok(open_at(chain.path, RF_REPOSITORY_WRITE, &chain.repository, &error), error);
    cr_assert_eq(rf_repository_count(chain.repository), 1);
    chain_free(&chain);
}

Test(repository, two_manifests_of_a_number_are_damage) {
    struct chain chain;
    char path[PATH_MAX];
    struct rf_repository *repository;
    struct rf_error error = {0};
    chain_make(&chain, CHAIN_ALIAS, 1, 20);
    scratch_write(
        scratch_path(chain.path, "snapshots/0000000001-0123456789abcdef0123456789abcdef.rfm", path),
        "x", 1);
    cr_assert_eq(open_at(chain.path, RF_REPOSITORY_READ, &repository, &error), RF_CORRUPT);
    cr_assert_not_null(strstr(error.what, "number 1"), "%s", error.what);
    chain_free(&chain);
}

Test(repository, snapshots_are_found_by_number_digest_and_latest) {
    struct chain chain;
    struct rf_snapshot_name name;
    struct rf_error error = {0};
    char hex[RF_HASH_HEX], text[64];
    chain_make(&chain, CHAIN_ALIAS, 1, 20);
    chain_step(&chain);
    chain_step(&chain);
    cr_assert_eq(rf_repository_count(chain.repository), 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct rf_snapshot_name *place = rf_repository_snapshot(chain.repository, i);
        cr_assert_eq(place->number, i + 1);
        cr_assert_eq(rf_repository_find(chain.repository, i + 1), place);
        rf_hash_text(place->digest, hex);
        snprintf(text, sizeof text, "%u", i + 1);
        assert_ok(rf_repository_resolve(chain.repository, text, &name, &error), error);
        cr_assert(rf_hash_equal(name.digest, place->digest));
        for (int digits = 12; digits <= 32; digits += 10) {
            snprintf(text, sizeof text, "%.*s", digits, hex);
            assert_ok(rf_repository_resolve(chain.repository, text, &name, &error), error);
            cr_assert_eq(name.number, i + 1);
        }
    }
    assert_ok(rf_repository_resolve(chain.repository, "latest", &name, &error), error);
    cr_assert_eq(name.number, 3);
    cr_assert(rf_hash_equal(rf_repository_newest(chain.repository)->digest, name.digest));
    static const char *const none[] = {"",
                                       "0",
                                       "4",
                                       "-1",
                                       "1x",
                                       "newest",
                                       "99999999999999999999999",
                                       "zzzz",
                                       "0123456789abcdef0123456789abcdef0",
                                       " 1",
                                       "+1"};
    for (size_t i = 0; i < COUNT(none); i++) {
        cr_assert_eq(rf_repository_resolve(chain.repository, none[i], &name, &error), RF_USAGE,
                     "\"%s\"", none[i]);
    }
    snprintf(text, sizeof text, "%.3s", hex);
    cr_assert_eq(rf_repository_resolve(chain.repository, strpbrk(text, "abcdef") ? text : "abc",
                                       &name, &error),
                 RF_USAGE, "three digits are too few");
    chain_free(&chain);
}

/* Publishing */

Test(repository, what_is_published_is_loaded) {
    struct chain chain;
    struct rf_manifest manifest;
    struct rf_error error = {0};
    char folder[PATH_MAX];
    chain_make(&chain, CHAIN_KEYED, 2, 40);
    chain_step(&chain);
    chain_fold(&chain);
    cr_assert_eq(scratch_count(scratch_path(chain.path, "archives", folder)), 4);
    cr_assert_eq(scratch_count(scratch_path(chain.path, "snapshots", folder)), 3);
    cr_assert_eq(scratch_count(scratch_path(chain.path, "tmp", folder)), 0);
    struct rf_hash parent = {0, 0};
    for (uint32_t i = 0; i < 3; i++) {
        const struct rf_snapshot_name *name = rf_repository_snapshot(chain.repository, i);
        assert_ok(rf_repository_load(chain.repository, name, &manifest, &error), error);
        cr_assert(manifest.snapshot == i + 1 && manifest.parent == i);
        cr_assert(rf_hash_equal(manifest.parent_digest, parent));
        cr_assert_eq(manifest.tables[0].state_count, i == 1 ? 2 : 1);
        parent = name->digest;
        rf_manifest_release(&manifest);
    }
    chain_free(&chain);
}

Test(repository, a_manifest_is_not_taken_for_another) {
    struct chain chain;
    struct rf_manifest manifest;
    struct rf_error error = {0};
    char from[PATH_MAX], to[PATH_MAX], name[128], hex[RF_HASH_HEX];
    chain_make(&chain, CHAIN_ALIAS, 2, 10);
    rf_hash_text(chain.newest.digest, hex);
    snprintf(name, sizeof name, "snapshots/0000000001-%s.rfm", hex);
    scratch_path(chain.path, name, from);
    snprintf(name, sizeof name, "snapshots/0000000002-%s.rfm", hex);
    cr_assert_eq(rename(from, scratch_path(chain.path, name, to)), 0);
    struct rf_snapshot_name second = {.number = 2, .digest = chain.newest.digest};
    cr_assert_eq(rf_repository_load(chain.repository, &second, &manifest, &error), RF_CORRUPT);
    cr_assert_eq(rf_repository_load(chain.repository, &chain.newest, &manifest, &error),
                 RF_CORRUPT);
    cr_assert_not_null(strstr(error.what, "not there any more"), "%s", error.what);
    /* Of another source. */
    struct chain other;
    chain_make(&other, CHAIN_ALIAS, 3, 10);
    rf_hash_text(other.newest.digest, hex);
    snprintf(name, sizeof name, "snapshots/0000000001-%s.rfm", hex);
    scratch_path(other.path, name, from);
    cr_assert_eq(rename(from, scratch_path(chain.path, name, to)), 0);
    cr_assert_eq(rf_repository_load(chain.repository, &other.newest, &manifest, &error),
                 RF_CORRUPT);
    cr_assert_not_null(strstr(error.what, "another source"), "%s", error.what);
    chain_free(&other);
    chain_free(&chain);
}

Test(repository, archives_that_are_missing_or_of_another_source) {
    struct chain chain, other;
    struct rf_archive *archive;
    struct rf_error error = {0};
    char from[PATH_MAX], to[PATH_MAX], name[128];
    chain_make(&chain, CHAIN_ALIAS, 2, 10);
    chain_make(&other, CHAIN_ALIAS, 2, 10);
    const struct rf_archive_ref *ref = &other.state[0];
    cr_assert_eq(rf_repository_open_archive(chain.repository, ref, &archive, &error), RF_CORRUPT);
    cr_assert_not_null(strstr(error.what, "missing"), "%s", error.what);
    cr_assert_not_null(strstr(error.what, ref->name), "%s", error.what);
    snprintf(name, sizeof name, "archives/%s", ref->name);
    scratch_path(other.path, name, from);
    cr_assert_eq(rename(from, scratch_path(chain.path, name, to)), 0);
    cr_assert_eq(rf_repository_open_archive(chain.repository, ref, &archive, &error), RF_CORRUPT);
    cr_assert_null(archive);
    assert_ok(rf_repository_open_archive(chain.repository, &chain.state[0], &archive, &error),
              error);
    rf_archive_close(archive);
    chain_free(&other);
    chain_free(&chain);
}

/* What a writer that died left is cleared, and what manifests need is kept. */
Test(repository, leftovers_are_cleared) {
    struct chain chain;
    struct chain_draft draft;
    struct rf_error error = {0};
    char archives[PATH_MAX], tmp[PATH_MAX], path[PATH_MAX];
    chain_make(&chain, CHAIN_KEYED, 5, 40);
    chain_step(&chain);
    scratch_path(chain.path, "archives", archives);
    scratch_path(chain.path, "tmp", tmp);
    uint32_t needed = scratch_count(archives);
    scratch_write(scratch_path(archives, "t-0123456789abcdef0123456789abcdef.rfa", path), "x", 1);
    rf_repository_close(chain.repository);
    assert_ok(open_at(chain.path, RF_REPOSITORY_WRITE, &chain.repository, &error), error);
    cr_assert_eq(scratch_count(archives), needed + 1, "tmp was empty: nobody died");
    chain_draft(&chain, true, &draft);
    chain_drop(&draft);
    cr_assert_eq(scratch_count(tmp), 2);
    rf_repository_close(chain.repository);
    assert_ok(open_at(chain.path, RF_REPOSITORY_READ, &chain.repository, &error), error);
    cr_assert_eq(scratch_count(tmp), 2, "a reader cleared");
    rf_repository_close(chain.repository);
    assert_ok(open_at(chain.path, RF_REPOSITORY_WRITE, &chain.repository, &error), error);
    cr_assert_eq(scratch_count(tmp), 0);
    cr_assert_eq(scratch_count(archives), needed);
    chain_free(&chain);
}

/* With a manifest that cannot be read nobody knows what is needed. */
Test(repository, nothing_is_cleared_on_the_word_of_a_damaged_manifest) {
    struct chain chain;
    struct rf_error error = {0};
    char archives[PATH_MAX], path[PATH_MAX], name[128], hex[RF_HASH_HEX];
    chain_make(&chain, CHAIN_KEYED, 5, 40);
    chain_step(&chain);
    scratch_path(chain.path, "archives", archives);
    uint32_t all = scratch_count(archives);
    rf_repository_close(chain.repository);
    snprintf(name, sizeof name, "snapshots/0000000002-%s.rfm",
             rf_hash_text(chain.newest.digest, hex));
    scratch_write(scratch_path(chain.path, name, path), "x", 1);
    scratch_write(scratch_path(chain.path, "tmp/left", path), "x", 1);
    assert_ok(open_at(chain.path, RF_REPOSITORY_WRITE, &chain.repository, &error), error);
    cr_assert_eq(scratch_count(archives), all);
    chain_free(&chain);
}

Test(repository, a_draft_can_be_given_up) {
    struct chain chain;
    struct chain_draft draft;
    char tmp[PATH_MAX];
    chain_make(&chain, CHAIN_KEYED, 6, 40);
    scratch_path(chain.path, "tmp", tmp);
    chain_draft(&chain, true, &draft);
    cr_assert_eq(scratch_count(tmp), 2);
    rf_repository_discard(chain.repository, draft.archives, draft.count);
    cr_assert_eq(scratch_count(tmp), 0);
    chain_drop(&draft);
    chain_free(&chain);
}

/* Failing calls */

static void no_damage(void *context, const struct rf_damage *damage) {
    cr_assert_fail("%s: %s: %s", (const char *)context, damage->file, damage->error->what);
}

/* The repository as the next run finds it: sound, with this many snapshots and archives. */
static void assert_sound(const char *path, uint32_t snapshots, uint32_t archives, char *what) {
    struct rf_repository *repository;
    struct rf_error error = {0};
    atomic_int stop = 0;
    struct rf_check_options options = {.stop = &stop, .damage = no_damage, .context = what};
    struct rf_check_result result;
    char folder[PATH_MAX];
    enum rf_code code = open_at(path, RF_REPOSITORY_WRITE, &repository, &error);
    cr_assert_eq(code, RF_OK, "%s: %s", what, error.what);
    assert_ok(rf_check(repository, &options, &result, &error), error);
    cr_assert_eq(rf_repository_count(repository), snapshots, "%s: %u snapshots", what,
                 rf_repository_count(repository));
    cr_assert_eq(scratch_count(scratch_path(path, "archives", folder)), archives, "%s", what);
    cr_assert_eq(scratch_count(scratch_path(path, "tmp", folder)), 0, "%s", what);
    rf_repository_close(repository);
}

enum settling { SETTLE_NONE, SETTLE_FIRST, SETTLE_ALL };

/* Publishes the second snapshot while call number `fail_at` fails; false when no call failed. Some of
 * its archives are in their place before. */
static bool publish_failing(int fail_at, bool forever, enum settling settling) {
    struct chain chain;
    struct chain_draft draft;
    struct failing_io io;
    struct rf_repository *repository;
    struct rf_snapshot_name name;
    struct rf_error error = {0};
    char what[64];
    snprintf(what, sizeof what, "call %d fails%s, %d settled before", fail_at,
             forever ? " and all after it" : "", settling);
    chain_make(&chain, CHAIN_KEYED, 7, 40);
    chain_draft(&chain, true, &draft);
    /* The draft is in tmp, which a writer would clear: the same folder is opened with the failing
     * calls for reading, which is all that publishing asks for. */
    failing_io_init(&io, 0, EIO, false);
    assert_ok(rf_repository_open(&io.io, chain.path, RF_REPOSITORY_READ, &repository, &error),
              error);
    failing_io_init(&io, fail_at, EIO, forever);
    enum rf_code code =
        rf_repository_settle(repository, draft.archives, (uint32_t)settling, &error);
    if (code == RF_OK) {
        code = rf_repository_publish(repository, &draft.manifest, draft.archives, draft.count,
                                     &name, &error);
    }
    bool failed = io.failed;
    cr_assert(failed || code == RF_OK, "%s: %s", what, error.what);
    bool there = rf_repository_count(repository) == 2;
    cr_assert(code != RF_OK || there, "%s", what);
    if (code != RF_OK && there) {
        cr_assert_not_null(strstr(error.detail, "may be lost"), "%s: %s", what, error.detail);
    }
    failing_io_init(&io, 0, EIO, false);
    rf_repository_close(repository);
    rf_repository_close(chain.repository);
    assert_sound(chain.path, there ? 2 : 1, there ? 3 : 1, what);
    assert_ok(open_at(chain.path, RF_REPOSITORY_READ, &chain.repository, &error), error);
    chain_drop(&draft);
    chain_free(&chain);
    return failed;
}

Test(repository, every_failing_call_of_a_publication) {
    for (enum settling settling = SETTLE_NONE; settling <= SETTLE_ALL; settling++) {
        int fail_at = 1;
        while (publish_failing(fail_at, false, settling)) {
            publish_failing(fail_at, true, settling);
            fail_at++;
        }
        cr_assert_gt(fail_at, 9);
    }
}

Test(repository, archives_can_be_opened_before_they_are_published) {
    struct chain chain;
    struct chain_draft draft;
    struct rf_archive *archive = NULL;
    struct rf_error error = {0};
    char archives[PATH_MAX], tmp[PATH_MAX];
    chain_make(&chain, CHAIN_KEYED, 8, 40);
    scratch_path(chain.path, "archives", archives);
    scratch_path(chain.path, "tmp", tmp);
    uint32_t before = scratch_count(archives);
    chain_draft(&chain, true, &draft);
    assert_ok(rf_repository_settle(chain.repository, draft.archives, draft.count, &error), error);
    for (uint32_t i = 0; i < draft.count; i++) {
        assert_ok(
            rf_repository_open_archive(chain.repository, &draft.archives[i].ref, &archive, &error),
            error);
        rf_archive_close(archive);
    }
    rf_repository_discard(chain.repository, draft.archives, draft.count);
    cr_assert_eq(scratch_count(archives), before);
    cr_assert_eq(scratch_count(tmp), 0);
    chain_drop(&draft);
    chain_free(&chain);
}

/* As after a crash: nobody discards. */
Test(repository, archives_that_were_settled_and_not_published_are_cleared) {
    struct chain chain;
    struct chain_draft draft;
    struct rf_error error = {0};
    char what[] = "settled";
    chain_make(&chain, CHAIN_KEYED, 9, 40);
    chain_draft(&chain, true, &draft);
    assert_ok(rf_repository_settle(chain.repository, draft.archives, draft.count, &error), error);
    rf_repository_close(chain.repository);
    assert_sound(chain.path, 1, 1, what);
    assert_ok(open_at(chain.path, RF_REPOSITORY_READ, &chain.repository, &error), error);
    chain_drop(&draft);
    chain_free(&chain);
}

static int syncs_left;

static int some_lost(struct rf_io *io, int fd) {
    if (syncs_left-- > 0) {
        return rf_io_posix()->fsync(io, fd);
    }
    errno = EIO;
    return -1;
}

/* Nothing may be shown whose bytes the disk did not take. */
Test(repository, archives_that_cannot_be_synced_are_not_published) {
    struct chain chain;
    struct chain_draft draft;
    struct rf_repository *repository;
    struct rf_snapshot_name name;
    struct rf_error error = {0};
    struct rf_io io = *rf_io_posix();
    io.fsync = some_lost;
    syncs_left = 1; /* the manifest's */
    chain_make(&chain, CHAIN_KEYED, 7, 40);
    chain_draft(&chain, true, &draft);
    draft.archives[draft.count - 1].unsynced = true;
    assert_ok(rf_repository_open(&io, chain.path, RF_REPOSITORY_READ, &repository, &error), error);
    cr_assert_eq(rf_repository_publish(repository, &draft.manifest, draft.archives, draft.count,
                                       &name, &error),
                 RF_STORAGE);
    cr_assert_not_null(strstr(error.what, "cannot sync"), "%s", error.what);
    cr_assert_eq(rf_repository_count(repository), 1u);
    rf_repository_close(repository);
    rf_repository_close(chain.repository);
    char what[] = "after a sync that failed";
    assert_sound(chain.path, 1, 1, what);
    assert_ok(open_at(chain.path, RF_REPOSITORY_READ, &chain.repository, &error), error);
    chain_drop(&draft);
    chain_free(&chain);
}

Test(repository, every_failing_call_of_making_one) {
    char folder[PATH_MAX], path[PATH_MAX];
    scratch_make(folder);
    for (int fail_at = 1;; fail_at++) {
        struct failing_io io;
        struct rf_repository *repository;
        struct rf_error error = {0};
        char name[32];
        snprintf(name, sizeof name, "%d", fail_at);
        scratch_path(folder, name, path);
        failing_io_init(&io, fail_at, EIO, fail_at % 2);
        enum rf_code code =
            rf_repository_open(&io.io, path, RF_REPOSITORY_CREATE, &repository, &error);
        bool failed = io.failed;
        cr_assert_eq(code == RF_OK, repository != NULL);
        cr_assert(failed ? code == RF_STORAGE || code == RF_OK : code == RF_OK, "call %d: %d %s",
                  fail_at, code, error.what);
        failing_io_init(&io, 0, EIO, false);
        rf_repository_close(repository);
        assert_ok(open_at(path, RF_REPOSITORY_CREATE, &repository, &error), error);
        rf_repository_close(repository);
        char inner[PATH_MAX];
        cr_assert_eq(scratch_count(scratch_path(path, "tmp", inner)), 0, "call %d", fail_at);
        if (!failed) {
            cr_assert_gt(fail_at, 10);
            break;
        }
    }
    scratch_remove(folder);
}

/* A writer that clears up after another and dies itself, at any call: what manifests need stays. */
Test(repository, every_failing_call_of_clearing_up) {
    struct chain chain;
    struct chain_draft draft;
    struct rf_error error = {0};
    char archives[PATH_MAX], path[PATH_MAX];
    chain_make(&chain, CHAIN_KEYED, 8, 40);
    chain_step(&chain);
    scratch_path(chain.path, "archives", archives);
    for (int fail_at = 1;; fail_at++) {
        struct failing_io io;
        struct rf_repository *repository;
        chain_draft(&chain, true, &draft);
        scratch_write(scratch_path(archives, draft.archives[0].ref.name, path), "x", 1);
        chain_drop(&draft);
        chain.table.state_count = 2; /* the draft is not to be */
        rf_repository_close(chain.repository);
        failing_io_init(&io, fail_at, EIO, fail_at % 2);
        (void)!rf_repository_open(&io.io, chain.path, RF_REPOSITORY_WRITE, &repository, &error);
        bool failed = io.failed;
        failing_io_init(&io, 0, EIO, false);
        rf_repository_close(repository);
        assert_ok(open_at(chain.path, RF_REPOSITORY_WRITE, &chain.repository, &error), error);
        struct rf_state *state;
        struct rf_manifest manifest;
        assert_ok(rf_repository_load(chain.repository, &chain.newest, &manifest, &error), error);
        enum rf_code code = rf_state_open(chain.repository, &manifest.tables[0], &state, &error);
        cr_assert_eq(code, RF_OK, "call %d: %s", fail_at, error.what);
        rf_state_close(state);
        rf_manifest_release(&manifest);
        if (!failed) {
            cr_assert_eq(scratch_count(archives), 2);
            cr_assert_gt(fail_at, 20);
            break;
        }
    }
    chain_free(&chain);
}

/* A replay in another thread may hold one while a capture ends. */
Test(repository, names_stay_where_they_are_while_others_are_published) {
    struct chain chain;
    chain_make(&chain, CHAIN_ALIAS, 7, 5);
    chain_step(&chain);
    const struct rf_snapshot_name *first = rf_repository_snapshot(chain.repository, 0);
    const struct rf_snapshot_name held = *first;
    for (uint64_t number = rf_repository_newest(chain.repository)->number; number < 10; number++) {
        chain_step(&chain);
        cr_assert_eq(rf_repository_snapshot(chain.repository, 0), first);
        cr_assert(first->number == held.number && rf_hash_equal(first->digest, held.digest));
        cr_assert_eq(rf_repository_newest(chain.repository)->number, number + 1);
    }
    chain_free(&chain);
}
