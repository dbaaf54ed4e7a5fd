/* Streams: what goes in at one end comes out at the other, and nothing else does; wherever it is cut, changed
 * or interrupted. A stream is held in memory, and bytes come from it in portions of any size. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chain.h"
#include "format/check.h"
#include "format/export.h"
#include "format/fold.h"
#include "format/import.h"
#include "format/link.h"
#include "format/repository_inner.h"
#include "support/faulty_io.h"

static const atomic_int go_on;

/* ---- both ends ---- */

static enum rf_code put(void *context, const void *bytes, size_t size, struct rf_error *error) {
    struct rf_buffer *stream = context;
    rf_buffer_append(stream, bytes, size);
    return rf_buffer_check(stream, error);
}

struct outlet {
    const uint8_t *bytes;
    size_t size, at;
    struct chance *chance; /* NULL: as much as is asked for */
};

static enum rf_code get(void *context, void *bytes, size_t size, size_t *got,
                        struct rf_error *error) {
    struct outlet *outlet = context;
    size_t left = outlet->size - outlet->at;
    (void)error;
    *got = left < size ? left : size;
    if (outlet->chance && *got > 1) {
        size_t most = *got < 3000 ? *got : 3000;
        *got = 1 + chance_below(outlet->chance, (uint32_t)most);
    }
    if (*got > 0) {
        memcpy(bytes, outlet->bytes + outlet->at, *got);
    }
    outlet->at += *got;
    return RF_OK;
}

static enum rf_code write_stream(const struct rf_repository *repository, uint64_t since,
                                 uint64_t last, struct rf_buffer *stream, struct rf_error *error) {
    struct rf_export_options options = {.stop = &go_on, .put = put, .put_context = stream};
    struct rf_export_result result;
    const struct rf_snapshot_name *name = rf_repository_find(repository, since);
    options.since = name ? *name : (struct rf_snapshot_name){0};
    name = last ? rf_repository_find(repository, last) : rf_repository_newest(repository);
    options.last = name ? *name : (struct rf_snapshot_name){0};
    rf_buffer_clear(stream);
    return rf_export(repository, &options, &result, error);
}

static void send(const struct rf_repository *repository, uint64_t since, uint64_t last,
                 struct rf_buffer *stream) {
    struct rf_error error = {0};
    assert_ok(write_stream(repository, since, last, stream, &error), error);
}

static struct faulty_io quick; /* syncs nothing */

static enum rf_code import_by(struct rf_io *io, const char *path, struct outlet *outlet,
                              struct rf_import_result *result, struct rf_error *error) {
    const struct rf_import_options options = {
        .path = path, .stop = &go_on, .get = get, .get_context = outlet};
    return rf_import(io, &options, result, error);
}

static enum rf_code receive(const char *path, const struct rf_buffer *stream, size_t size,
                            struct rf_import_result *result, struct rf_error *error) {
    struct outlet outlet = {.bytes = stream->bytes, .size = size};
    return import_by(&quick.io, path, &outlet, result, error);
}

static void import_all(const char *path, const struct rf_buffer *stream,
                       struct rf_import_result *result) {
    struct rf_error error = {0};
    assert_ok(receive(path, stream, stream->size, result, &error), error);
}

/* ---- repositories ---- */

/* Digests of the names and bytes of all files in the two folders that are history. */
static struct rf_hash content_of(const char *path) {
    static const char *const folders[] = {"archives", "snapshots"};
    struct rf_digest sum = {0};
    for (int i = 0; i < 2; i++) {
        char folder[PATH_MAX], file[PATH_MAX];
        struct rf_buffer bytes = {0};
        DIR *names = opendir(scratch_path(path, folders[i], folder));
        for (struct dirent *entry; names && (entry = readdir(names));) {
            if (entry->d_name[0] != '.') {
                scratch_read(scratch_path(folder, entry->d_name, file), &bytes);
                rf_buffer_append(&bytes, entry->d_name, strlen(entry->d_name));
                rf_digest_add(&sum, rf_hash_bytes(bytes.bytes, bytes.size));
            }
        }
        rf_buffer_release(&bytes);
        cr_assert(names == NULL || closedir(names) == 0);
    }
    return sum.sum;
}

static void expect_same(const char *left, const char *right, const char *what) {
    cr_assert(rf_hash_equal(content_of(left), content_of(right)), "%s", what);
}

static void open_at(const char *path, struct rf_repository **repository) {
    struct rf_error error = {0};
    assert_ok(rf_repository_open(&quick.io, path, RF_REPOSITORY_READ, repository, &error), error);
}

static void on_damage(void *context, const struct rf_damage *damage) {
    (void)context;
    fprintf(stderr, "%s: %s\n", damage->file, damage->error->what);
}

/* Every checksum, link and digest, down to the rows of the newest snapshot. */
static void expect_sound(const char *path, uint32_t snapshots, const char *what) {
    struct rf_repository *repository;
    struct rf_check_options options = {.stop = &go_on, .jobs = 1, .damage = on_damage};
    struct rf_check_result result;
    struct rf_error error = {0};
    open_at(path, &repository);
    assert_ok(rf_check(repository, &options, &result, &error), error);
    rf_repository_close(repository);
    cr_assert_eq(result.damages, 0, "%s", what);
    cr_assert_eq(result.snapshots, snapshots, "%s: %u snapshots", what, result.snapshots);
}

struct fixture {
    struct chain chain;
    char folder[PATH_MAX], other[PATH_MAX]; /* where the other repository is to be */
    struct rf_buffer stream;
};

static void setup(struct fixture *fixture, enum chain_key key, uint32_t rows, int snapshots) {
    faulty_io_init(&quick, FAULTY_NOT, 0, 0);
    *fixture = (struct fixture){0};
    scratch_make(fixture->folder);
    scratch_path(fixture->folder, "other", fixture->other);
    chain_make(&fixture->chain, key, 77, rows);
    for (int i = 1; i < snapshots; i++) {
        chain_step(&fixture->chain);
    }
}

static void teardown(struct fixture *fixture) {
    rf_buffer_release(&fixture->stream);
    chain_free(&fixture->chain);
    scratch_remove(fixture->folder);
}

/* ---- whole streams ---- */

Test(stream, arrives_as_it_was_sent) {
    for (enum chain_key key = 0; key < CHAIN_KEYS; key++) {
        struct fixture it;
        struct rf_import_result result;
        struct rf_error error = {0};
        setup(&it, key, 200, 6);
        chain_fold(&it.chain);
        chain_step(&it.chain);
        send(it.chain.repository, 0, 0, &it.stream);
        struct chance chance = {.state = 5 + key};
        struct outlet outlet = {
            .bytes = it.stream.bytes, .size = it.stream.size, .chance = &chance};
        assert_ok(import_by(&quick.io, it.other, &outlet, &result, &error), error);
        cr_assert_eq(result.imported, 8);
        cr_assert_eq(result.newest.number, 8);
        expect_same(it.chain.path, it.other, "imported");
        expect_sound(it.other, 8, "imported");

        import_all(it.other, &it.stream, &result);
        cr_assert_eq(result.imported, 0);
        cr_assert_eq(result.there, 8);
        expect_same(it.chain.path, it.other, "imported twice");
        teardown(&it);
    }
}

Test(stream, goes_on_from_each_snapshot) {
    struct fixture it;
    struct rf_import_result result;
    setup(&it, CHAIN_KEYED, 100, 1);
    for (uint64_t since = 0; since < 5; since++) {
        send(it.chain.repository, since, 0, &it.stream);
        import_all(it.other, &it.stream, &result);
        cr_assert_eq(result.imported, 1);
        expect_same(it.chain.path, it.other, "one after the other");
        send(it.chain.repository, since + 1, 0, &it.stream);
        cr_assert_eq(it.stream.size, RF_STREAM_HEAD_SIZE + RF_RECORD_SIZE);
        import_all(it.other, &it.stream, &result);
        cr_assert_eq(result.imported + result.there, 0, "nothing new");
        chain_step(&it.chain);
    }
    teardown(&it);
}

/* Nothing is sent that the reader has. */
Test(stream, is_no_larger_than_what_is_new) {
    struct fixture it;
    setup(&it, CHAIN_ROWID, 200, 3);
    send(it.chain.repository, 2, 0, &it.stream);
    size_t small = it.stream.size;
    send(it.chain.repository, 0, 0, &it.stream);
    cr_assert_lt(small, it.stream.size / 2);
    teardown(&it);
}

/* ---- cut and changed streams ---- */

static enum rf_code read_through(const uint8_t *bytes, size_t size, struct rf_error *error) {
    struct outlet outlet = {.bytes = bytes, .size = size};
    struct rf_stream_reader *reader;
    struct rf_record record = {0};
    enum rf_code code = rf_stream_reader_new(get, &outlet, &go_on, &reader, error);
    while (code == RF_OK && record.kind != RF_RECORD_END) {
        size_t taken = 1;
        code = rf_stream_next(reader, &record, error);
        while (code == RF_OK && record.kind != RF_RECORD_END && taken > 0) {
            const uint8_t *content;
            code = rf_stream_content(reader, &content, &taken, error);
        }
    }
    rf_stream_reader_free(reader);
    return code;
}

Test(stream, cut_at_every_byte_or_with_one_changed, .timeout = 120) {
    struct fixture it;
    struct rf_error error = {0};
    setup(&it, CHAIN_COLUMNS, 12, 3);
    send(it.chain.repository, 0, 0, &it.stream);
    uint8_t *bytes = it.stream.bytes;
    assert_ok(read_through(bytes, it.stream.size, &error), error);
    for (size_t size = 0; size < it.stream.size; size++) {
        cr_assert_eq(read_through(bytes, size, &error), RF_CORRUPT, "cut at %zu", size);
        cr_assert_not_null(strstr(error.detail, "at byte "), "cut at %zu", size);
        bytes[size] ^= 0x10;
        enum rf_code code = read_through(bytes, it.stream.size, &error);
        bytes[size] ^= 0x10;
        cr_assert(code == RF_CORRUPT || (code == RF_MISPLACED && size >= 8 && size < 12),
                  "changed at %zu: %d", size, code);
    }
    rf_buffer_u8(&it.stream, 0);
    cr_assert_eq(read_through(it.stream.bytes, it.stream.size, &error), RF_CORRUPT, "one more");
    teardown(&it);
}

/* Wherever it ends, what arrived whole stays, and the same stream, or the rest of it, completes it. */
Test(stream, cut_anywhere_it_goes_on, .timeout = 120) {
    struct fixture it;
    struct rf_import_result result;
    struct rf_error error = {0};
    struct rf_buffer rest = {0};
    setup(&it, CHAIN_ROWID, 60, 4);
    send(it.chain.repository, 0, 0, &it.stream);
    struct chance chance = {.state = 11};
    for (int round = 0; round < 60; round++) {
        size_t size = chance_below(&chance, (uint32_t)it.stream.size);
        cr_assert_eq(receive(it.other, &it.stream, size, &result, &error), RF_CORRUPT);
        uint64_t whole = result.newest.number;
        if (whole > 0) {
            expect_sound(it.other, (uint32_t)whole, "cut");
            char text[64];
            snprintf(text, sizeof text, "--since %d`", (int)whole);
            cr_assert_not_null(strstr(error.hint, text), "%s", error.hint);
        }
        if (round % 2) {
            send(it.chain.repository, whole, 0, &rest);
            import_all(it.other, &rest, &result);
        } else {
            import_all(it.other, &it.stream, &result);
            cr_assert_eq(result.there, whole);
        }
        cr_assert_eq(result.imported, 4 - whole);
        expect_same(it.chain.path, it.other, "after a cut");
        scratch_remove(it.other);
    }
    rf_buffer_release(&rest);
    teardown(&it);
}

/* ---- streams that do not belong here ---- */

static void refused(struct fixture *it, enum rf_code expected, const char *what,
                    const char *words) {
    struct rf_import_result result;
    struct rf_error error = {0};
    struct rf_hash before = content_of(it->other);
    enum rf_code code = receive(it->other, &it->stream, it->stream.size, &result, &error);
    cr_assert_eq(code, expected, "%s: %d (%s)", what, code, error.what);
    cr_assert_not_null(strstr(error.what, words), "%s: %s", what, error.what);
    cr_assert_neq(error.hint[0], 0, "%s", what);
    cr_assert(rf_hash_equal(before, content_of(it->other)), "%s changed it", what);
}

Test(stream, that_does_not_belong_here_is_refused) {
    struct fixture it, another;
    struct rf_import_result result;
    setup(&it, CHAIN_ALIAS, 30, 4);
    setup(&another, CHAIN_ALIAS, 30, 2);

    send(it.chain.repository, 2, 0, &it.stream);
    refused(&it, RF_MISPLACED, "a gap before the first", "needs snapshot 2");
    cr_assert_neq(access(it.other, F_OK), 0, "a repository was made for it");
    send(it.chain.repository, 0, 1, &it.stream);
    import_all(it.other, &it.stream, &result);
    send(it.chain.repository, 2, 0, &it.stream);
    refused(&it, RF_MISPLACED, "a gap", "needs snapshot 2");

    send(another.chain.repository, 0, 0, &it.stream);
    refused(&it, RF_MISPLACED, "another source", "of another source");

    /* The same source and number, with another history. */
    char parted[PATH_MAX];
    struct rf_repository *repository;
    struct rf_error error = {0};
    scratch_path(it.folder, "parted", parted);
    send(it.chain.repository, 0, 2, &it.stream);
    import_all(parted, &it.stream, &result);
    assert_ok(rf_repository_open(&quick.io, parted, RF_REPOSITORY_WRITE, &repository, &error),
              error);
    struct rf_manifest manifest;
    struct rf_snapshot_name name;
    assert_ok(rf_repository_load(repository, rf_repository_find(repository, 2), &manifest, &error),
              error);
    manifest.parent = 2;
    manifest.parent_digest = rf_repository_find(repository, 2)->digest;
    manifest.snapshot = 3;
    manifest.tables[0].change = RF_CHANGE_NONE;
    assert_ok(rf_repository_publish(repository, &manifest, NULL, 0, &name, &error), error);
    rf_manifest_release(&manifest);
    rf_repository_close(repository);
    send(it.chain.repository, 0, 0, &it.stream);
    import_all(it.other, &it.stream, &result);
    open_at(parted, &repository);
    send(repository, 2, 0, &it.stream);
    refused(&it, RF_MISPLACED, "parted", "is not the one in");
    rf_repository_close(repository);
    teardown(&another);
    teardown(&it);
}

Test(stream, of_an_empty_repository_makes_an_empty_one) {
    struct fixture it;
    struct rf_import_result result;
    struct rf_error error = {0};
    char empty[PATH_MAX];
    struct rf_repository *repository;
    setup(&it, CHAIN_ALIAS, 1, 1);
    scratch_path(it.folder, "empty", empty);
    assert_ok(rf_repository_open(&quick.io, empty, RF_REPOSITORY_CREATE, &repository, &error),
              error);
    send(repository, 0, 0, &it.stream);
    import_all(it.other, &it.stream, &result);
    cr_assert_eq(result.newest.number, 0);
    struct rf_repository *made;
    open_at(it.other, &made);
    cr_assert_arr_eq(rf_repository_source(made), rf_repository_source(repository),
                     RF_SOURCE_ID_SIZE);
    rf_repository_close(made);
    rf_repository_close(repository);
    teardown(&it);
}

Test(stream, import_needs_the_lock) {
    struct fixture it;
    struct rf_import_result result;
    struct rf_error error = {0};
    struct rf_repository *writer;
    setup(&it, CHAIN_ALIAS, 10, 2);
    send(it.chain.repository, 0, 1, &it.stream);
    import_all(it.other, &it.stream, &result);
    assert_ok(rf_repository_open(&quick.io, it.other, RF_REPOSITORY_WRITE, &writer, &error), error);
    send(it.chain.repository, 0, 0, &it.stream);
    cr_assert_eq(receive(it.other, &it.stream, it.stream.size, &result, &error), RF_LOCKED);
    rf_repository_close(writer);
    teardown(&it);
}

/* ---- pruned repositories ---- */

static void remove_file(const char *repository, const char *folder, const char *name) {
    char place[PATH_MAX], path[PATH_MAX];
    scratch_path(scratch_path(repository, folder, place), name, path);
    cr_assert_eq(unlink(path), 0, "%s", path);
}

/* What a prune leaves that drops all snapshots between `from` and `to`. With from = 0, `to` becomes the
 * first. */
static void prune(const char *path, uint64_t from, uint64_t to, struct rf_pool *pool) {
    struct rf_repository *repository;
    struct rf_error error = {0};
    struct rf_link link = {0};
    struct rf_manifest manifest;
    struct rf_buffer bytes = {0};
    assert_ok(rf_repository_open(&quick.io, path, RF_REPOSITORY_WRITE, &repository, &error), error);
    const struct rf_snapshot_name *name = rf_repository_find(repository, to);
    const struct rf_snapshot_name *before = rf_repository_find(repository, from);
    assert_ok(rf_repository_load(repository, name, &manifest, &error), error);
    struct rf_manifest_table table = {.change = RF_CHANGE_NEW,
                                      .inserted = manifest.tables[0].digest.rows,
                                      .state_count = manifest.tables[0].state_count,
                                      .state = manifest.tables[0].state};
    struct rf_archive_ref state[2];
    struct rf_fold fold = {.snapshot = to,
                           .digest = name->digest,
                           .generation = 1,
                           .table_count = 1,
                           .tables = &table};
    memcpy(fold.sha256, manifest.sha256, sizeof fold.sha256);
    memcpy(fold.source, manifest.source, sizeof fold.source);
    if (before) {
        struct rf_manifest parent;
        const struct rf_link_options options = {
            .folder = rf_repository_tmp(repository), .pool = pool, .level = 1};
        assert_ok(rf_repository_load(repository, before, &parent, &error), error);
        assert_ok(rf_link_make(repository, before, name, &options, &link, &error), error);
        assert_ok(rf_repository_settle(repository, link.archives, link.count, &error), error);
        const struct rf_manifest_table *linked = &link.manifest.tables[0];
        cr_assert_eq(parent.tables[0].state_count, 1);
        state[0] = parent.tables[0].state[0];
        state[1] = linked->delta;
        table = (struct rf_manifest_table){.change = linked->change,
                                           .inserted = linked->inserted,
                                           .updated = linked->updated,
                                           .deleted = linked->deleted,
                                           .moved = linked->moved,
                                           .delta = linked->delta,
                                           .state_count = 2,
                                           .state = state};
        fold.parent = from;
        fold.parent_digest = before->digest;
        memcpy(fold.parent_sha256, parent.sha256, sizeof fold.parent_sha256);
        rf_manifest_release(&parent);
    }
    struct rf_fold_name fold_name = {.snapshot = *name, .generation = 1};
    char file[RF_FOLD_NAME_SIZE], place[PATH_MAX], target[PATH_MAX];
    assert_ok(rf_fold_encode(&fold, NULL, &bytes, &fold_name.digest, &error), error);
    rf_fold_file_name(&fold_name, file);
    scratch_path(scratch_path(path, "snapshots", place), file, target);
    scratch_write(target, bytes.bytes, bytes.size);
    for (uint64_t dropped = from + 1; dropped < to; dropped++) {
        rf_manifest_file_name(rf_repository_find(repository, dropped), file);
        remove_file(path, "snapshots", file);
    }
    rf_link_release(&link);
    rf_manifest_release(&manifest);
    rf_buffer_release(&bytes);
    rf_repository_close(repository);
}

/* As the next writer does: what nobody names goes. */
static void sweep(const char *path) {
    char place[PATH_MAX], mark[PATH_MAX];
    struct rf_repository *repository;
    struct rf_error error = {0};
    scratch_write(scratch_path(scratch_path(path, "tmp", place), "x", mark), "x", 1);
    assert_ok(rf_repository_open(&quick.io, path, RF_REPOSITORY_WRITE, &repository, &error), error);
    rf_repository_close(repository);
}

Test(stream, of_a_pruned_repository) {
    for (enum chain_key key = 0; key < CHAIN_KEYS; key++) {
        struct fixture it;
        struct rf_import_result result;
        char pruned[PATH_MAX];
        struct rf_repository *repository;
        setup(&it, key, 80, 6);
        scratch_path(it.folder, "pruned", pruned);
        send(it.chain.repository, 0, 0, &it.stream);
        import_all(pruned, &it.stream, &result);
        prune(pruned, 1, 4, it.chain.pool);
        sweep(pruned);
        expect_sound(pruned, 4, "pruned");
        open_at(pruned, &repository);

        send(repository, 0, 0, &it.stream);
        import_all(it.other, &it.stream, &result);
        cr_assert_eq(result.imported, 4);
        expect_same(pruned, it.other, "a pruned one, whole");
        scratch_remove(it.other);

        send(repository, 0, 1, &it.stream);
        import_all(it.other, &it.stream, &result);
        send(repository, 1, 0, &it.stream);
        import_all(it.other, &it.stream, &result);
        cr_assert_eq(result.imported, 3);
        expect_sound(it.other, 4, "over what was pruned");
        rf_repository_close(repository);
        teardown(&it);
    }
}

/* The reader has what the sender dropped. */
Test(stream, of_a_pruned_repository_to_one_that_is_not) {
    struct fixture it;
    struct rf_import_result result;
    char pruned[PATH_MAX];
    struct rf_repository *repository;
    setup(&it, CHAIN_KEYED, 80, 6);
    scratch_path(it.folder, "pruned", pruned);
    send(it.chain.repository, 0, 0, &it.stream);
    import_all(pruned, &it.stream, &result);
    send(it.chain.repository, 0, 4, &it.stream);
    import_all(it.other, &it.stream, &result);
    prune(pruned, 1, 4, it.chain.pool);
    open_at(pruned, &repository);
    for (uint64_t since = 0; since <= 4; since += 4) {
        send(repository, since, 0, &it.stream);
        import_all(it.other, &it.stream, &result);
        cr_assert_eq(result.imported, since ? 0 : 2);
        expect_same(it.chain.path, it.other, "not pruned here");
    }

    /* At 3 nothing leads on: the sender has lost what changed from 3 to 4. */
    scratch_remove(it.other);
    send(it.chain.repository, 0, 3, &it.stream);
    import_all(it.other, &it.stream, &result);
    send(repository, 1, 0, &it.stream);
    refused(&it, RF_MISPLACED, "what was pruned is needed", "");
    rf_repository_close(repository);
    teardown(&it);
}

/* The reader dropped what the sender builds upon: it gets folds of its own. */
Test(stream, to_a_pruned_repository) {
    for (enum chain_key key = 0; key < CHAIN_KEYS; key++) {
        struct fixture it;
        struct rf_import_result result;
        setup(&it, key, 80, 6);
        send(it.chain.repository, 0, 4, &it.stream);
        import_all(it.other, &it.stream, &result);
        prune(it.other, 1, 4, it.chain.pool);
        sweep(it.other);
        send(it.chain.repository, 4, 0, &it.stream);
        import_all(it.other, &it.stream, &result);
        cr_assert_eq(result.imported, 2);
        cr_assert_eq(result.newest.number, 6);
        cr_assert(rf_hash_equal(result.newest.digest, it.chain.newest.digest));
        expect_sound(it.other, 4, "laid upon what is here");

        send(it.chain.repository, 0, 0, &it.stream);
        import_all(it.other, &it.stream, &result);
        cr_assert_eq(result.imported, 0);
        cr_assert_eq(result.there, 4);
        cr_assert_eq(result.passed, 2);
        expect_sound(it.other, 4, "older ones are passed over");
        teardown(&it);
    }
}

Test(stream, of_a_repository_without_its_beginning) {
    struct fixture it;
    struct rf_import_result result;
    char pruned[PATH_MAX];
    struct rf_repository *repository;
    setup(&it, CHAIN_PLACE, 80, 5);
    scratch_path(it.folder, "pruned", pruned);
    send(it.chain.repository, 0, 0, &it.stream);
    import_all(pruned, &it.stream, &result);
    prune(pruned, 0, 3, it.chain.pool);
    sweep(pruned);
    open_at(pruned, &repository);
    send(repository, 0, 0, &it.stream);
    import_all(it.other, &it.stream, &result);
    cr_assert_eq(result.imported, 3);
    expect_same(pruned, it.other, "from 3 on");
    expect_sound(it.other, 3, "from 3 on");

    scratch_remove(it.other);
    struct rf_buffer old = {0};
    send(it.chain.repository, 0, 1, &old);
    import_all(it.other, &old, &result);
    refused(&it, RF_MISPLACED, "a hole", "what came before it was pruned");
    rf_buffer_release(&old);
    rf_repository_close(repository);
    teardown(&it);
}

/* ---- whatever fails ---- */

static void copy_to(const char *from, const char *to) {
    char command[3 * PATH_MAX];
    snprintf(command, sizeof command, "rm -rf '%s'; cp -al '%s' '%s'", to, from, to);
    cr_assert_eq(system(command), 0);
}

static enum rf_code faulty_import(struct fixture *it, enum faulty_kind kind, unsigned at,
                                  int number, bool *met) {
    struct faulty_io faulty;
    struct rf_import_result result;
    struct rf_error error = {0};
    struct outlet outlet = {.bytes = it->stream.bytes, .size = it->stream.size};
    faulty_io_init(&faulty, kind, at, number);
    enum rf_code code = import_by(&faulty.io, it->other, &outlet, &result, &error);
    *met = faulty.met;
    return code;
}

/* With a pruned reader, so that folds are made as well. */
static void set_up_for_faults(struct fixture *it, char saved[PATH_MAX]) {
    struct rf_import_result result;
    setup(it, CHAIN_ALIAS, 20, 5);
    scratch_path(it->folder, "saved", saved);
    send(it->chain.repository, 0, 3, &it->stream);
    import_all(saved, &it->stream, &result);
    prune(saved, 1, 3, it->chain.pool);
    sweep(saved);
    send(it->chain.repository, 3, 0, &it->stream);
}

static void expect_to_go_on(struct fixture *it, const char *what) {
    struct rf_import_result result;
    struct rf_repository *repository;
    open_at(it->other, &repository);
    uint32_t whole = rf_repository_count(repository);
    rf_repository_close(repository);
    expect_sound(it->other, whole, what);
    import_all(it->other, &it->stream, &result);
    cr_assert_eq(result.imported + result.there, 2, "%s", what);
    cr_assert_eq(result.newest.number, 5, "%s", what);
    expect_sound(it->other, 4, what);
    char tmp[PATH_MAX];
    cr_assert_eq(scratch_count(scratch_path(it->other, "tmp", tmp)), 0, "%s", what);
}

Test(stream, whatever_call_fails_the_next_import_completes_it, .timeout = 240) {
    static const enum faulty_kind kinds[] = {FAULTY_ONCE, FAULTY_STAYS};
    struct fixture it;
    char saved[PATH_MAX];
    set_up_for_faults(&it, saved);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        bool met = true;
        for (unsigned at = 1; met; at++) {
            char what[80];
            snprintf(what, sizeof what, "operation %u fails in way %zu", at, i);
            copy_to(saved, it.other);
            enum rf_code code = faulty_import(&it, kinds[i], at, i ? ENOSPC : EIO, &met);
            cr_assert(code == RF_OK || code == RF_STORAGE, "%s: %d", what, code);
            expect_to_go_on(&it, what);
        }
    }
    teardown(&it);
}

Test(stream, wherever_it_is_killed_the_next_import_completes_it, .timeout = 240) {
    static const enum faulty_kind kinds[] = {FAULTY_EXIT, FAULTY_TEAR};
    struct fixture it;
    char saved[PATH_MAX];
    set_up_for_faults(&it, saved);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        int status = FAULTY_EXIT_CODE;
        for (unsigned at = 1; status == FAULTY_EXIT_CODE; at++) {
            char what[80];
            snprintf(what, sizeof what, "killed at operation %u in way %zu", at, i);
            copy_to(saved, it.other);
            pid_t child = fork();
            if (child == 0) {
                bool met;
                _exit(faulty_import(&it, kinds[i], at, 0, &met) == RF_OK ? 0 : 1);
            }
            waitpid(child, &status, 0);
            cr_assert(WIFEXITED(status), "%s: crashed", what);
            status = WEXITSTATUS(status);
            /* A torn operation that is no write is none. */
            cr_assert(status == 0 || status == FAULTY_EXIT_CODE, "%s: failed by itself", what);
            expect_to_go_on(&it, what);
        }
    }
    teardown(&it);
}

/* A stream that could not be written to its end is none for its reader. */
Test(stream, whatever_call_fails_no_export_looks_whole) {
    struct fixture it;
    struct rf_error error = {0};
    bool met = true;
    setup(&it, CHAIN_ALIAS, 20, 3);
    for (unsigned at = 1; met; at++) {
        struct faulty_io faulty;
        struct rf_repository *repository;
        faulty_io_init(&faulty, FAULTY_ONCE, at, EIO);
        enum rf_code code =
            rf_repository_open(&faulty.io, it.chain.path, RF_REPOSITORY_READ, &repository, &error);
        if (code == RF_OK) {
            code = write_stream(repository, 0, 0, &it.stream, &error);
        }
        rf_repository_close(repository);
        met = faulty.met;
        struct rf_error ignored;
        cr_assert(code == RF_OK || code == RF_STORAGE, "%u: %d", at, code);
        cr_assert(code == RF_OK || it.stream.size == 0 ||
                      read_through(it.stream.bytes, it.stream.size, &ignored) == RF_CORRUPT,
                  "operation %u", at);
    }
    teardown(&it);
}

Test(stream, of_a_damaged_or_missing_file_has_no_end) {
    struct fixture it;
    struct rf_error error = {0}, ignored;
    setup(&it, CHAIN_ALIAS, 20, 3);
    const char *name = it.chain.state[1].name;
    char folder[PATH_MAX], path[PATH_MAX];
    struct rf_buffer bytes = {0};
    scratch_read(scratch_path(scratch_path(it.chain.path, "archives", folder), name, path), &bytes);
    bytes.bytes[bytes.size / 2] ^= 1;
    scratch_write(path, bytes.bytes, bytes.size);
    cr_assert_eq(write_stream(it.chain.repository, 0, 0, &it.stream, &error), RF_CORRUPT);
    cr_assert_not_null(strstr(error.what, name));
    cr_assert_eq(read_through(it.stream.bytes, it.stream.size, &ignored), RF_CORRUPT);
    unlink(path);
    cr_assert_eq(write_stream(it.chain.repository, 0, 0, &it.stream, &error), RF_CORRUPT);
    cr_assert_not_null(strstr(error.hint, "was pruned while it was read"));
    rf_buffer_release(&bytes);
    teardown(&it);
}
