/* verify's word on a repository: every kind of damage is found, by the file that has it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain.h"
#include "format/check.h"
#include "format/pool.h"

struct found {
    uint32_t count;
    char file[8][160];
    int64_t block[8];
    char what[8][300];
    char detail[8][300];
};

static void note(void *context, const struct rf_damage *damage) {
    struct found *found = context;
    if (found->count < COUNT(found->file)) {
        snprintf(found->file[found->count], sizeof found->file[0], "%.150s", damage->file);
        snprintf(found->what[found->count], sizeof found->what[0], "%.290s", damage->error->what);
        snprintf(found->detail[found->count], sizeof found->detail[0], "%.290s",
                 damage->error->detail);
        found->block[found->count] = damage->block;
    }
    found->count++;
}

static enum rf_code check_with(unsigned jobs, const char *path, struct found *found,
                               struct rf_check_result *result, struct rf_error *error) {
    struct rf_repository *repository;
    atomic_int stop = 0;
    struct rf_check_options options = {
        .stop = &stop, .jobs = jobs, .damage = note, .context = found};
    memset(found, 0, sizeof *found);
    enum rf_code code =
        rf_repository_open(rf_io_posix(), path, RF_REPOSITORY_READ, &repository, error);
    if (code == RF_OK) {
        code = rf_check(repository, &options, result, error);
        cr_assert(code != RF_OK || result->damages == found->count);
        rf_repository_close(repository);
    }
    return code;
}

static bool same_counts(const struct rf_check_result *a, const struct rf_check_result *b) {
    return a->snapshots == b->snapshots && a->archives == b->archives && a->blocks == b->blocks &&
           a->rows == b->rows && a->bytes == b->bytes && a->damages == b->damages;
}

/* On one thread and on several: nobody sees from what is found how many there were. */
static enum rf_code check_at(const char *path, struct found *found, struct rf_check_result *result,
                             struct rf_error *error) {
    struct found others;
    struct rf_check_result counted;
    struct rf_error failed = {0};
    enum rf_code code = check_with(1, path, found, result, error);
    cr_assert_eq(check_with(3, path, &others, &counted, &failed), code);
    cr_assert_str_eq(failed.what, error->what);
    if (code == RF_OK) {
        cr_assert_eq(memcmp(&others, found, sizeof others), 0, "%s: %s, or on three threads %s: %s",
                     found->file[0], found->what[0], others.file[0], others.what[0]);
        cr_assert(same_counts(&counted, result));
    }
    return code;
}

/* Three snapshots: full, delta, delta. */
static void make_three(struct chain *chain) {
    chain_make(chain, CHAIN_KEYED, 11, 60);
    chain_step(chain);
    chain_step(chain);
}

static const char *archive_path(const struct chain *chain, uint32_t place, char path[PATH_MAX]) {
    char name[128];
    snprintf(name, sizeof name, "archives/%s", chain->state[place].name);
    return scratch_path(chain->path, name, path);
}

static const char *manifest_name(const struct chain *chain, uint32_t place, char name[128]) {
    const struct rf_snapshot_name *snapshot = rf_repository_snapshot(chain->repository, place);
    char hex[RF_HASH_HEX];
    snprintf(name, 128, "snapshots/%010llu-%s.rfm", (unsigned long long)snapshot->number,
             rf_hash_text(snapshot->digest, hex));
    return name;
}

static void assert_found(const struct chain *chain, const char *file, int64_t block,
                         const char *case_name) {
    struct found found;
    struct rf_check_result result;
    struct rf_error error = {0};
    enum rf_code code = check_at(chain->path, &found, &result, &error);
    cr_assert_eq(code, RF_OK, "%s: %s", case_name, error.what);
    cr_assert_geq(found.count, 1, "%s: not found", case_name);
    bool named = false;
    for (uint32_t i = 0; i < found.count && i < COUNT(found.file); i++) {
        named |= strcmp(found.file[i], file) == 0 && (block < -1 || found.block[i] == block);
    }
    cr_assert(named, "%s: %s: %s, block %lld", case_name, found.file[0], found.what[0],
              (long long)found.block[0]);
}

Test(check, a_sound_repository) {
    struct chain chain;
    struct found found;
    struct rf_check_result result;
    struct rf_error error = {0};
    make_three(&chain);
    assert_ok(check_at(chain.path, &found, &result, &error), error);
    cr_assert_eq(found.count, 0, "%s: %s", found.file[0], found.what[0]);
    cr_assert(result.snapshots == 3 && result.archives == 3 && result.blocks > 3 &&
              result.rows > 60);
    chain_free(&chain);
}

/* For every archive of the chain: cut, emptied, one byte changed anywhere, missing, swapped. */
Test(check, damaged_archives) {
    struct chain chain;
    struct chance chance = {1};
    struct rf_buffer bytes = {0}, other = {0};
    char path[PATH_MAX], file[128];
    make_three(&chain);
    for (uint32_t i = 0; i < chain.table.state_count; i++) {
        archive_path(&chain, i, path);
        snprintf(file, sizeof file, "archives/%s", chain.state[i].name);
        scratch_read(path, &bytes);
        for (int round = 0; round < 60; round++) {
            uint32_t place = chance_below(&chance, (uint32_t)bytes.size);
            bytes.bytes[place] ^= (uint8_t)(1u << round % 8);
            scratch_write(path, bytes.bytes, bytes.size);
            assert_found(&chain, file, -2, "a byte changed");
            bytes.bytes[place] ^= (uint8_t)(1u << round % 8);
        }
        for (size_t size = 0; size < bytes.size; size = size * 2 + 1) {
            scratch_write(path, bytes.bytes, size);
            assert_found(&chain, file, -1, "cut");
        }
        cr_assert_eq(unlink(path), 0);
        assert_found(&chain, file, -1, "missing");
        char next[PATH_MAX];
        scratch_read(archive_path(&chain, (i + 1) % chain.table.state_count, next), &other);
        scratch_write(path, other.bytes, other.size);
        assert_found(&chain, file, -1, "swapped");
        scratch_write(path, bytes.bytes, bytes.size);
    }
    rf_buffer_release(&bytes);
    rf_buffer_release(&other);
    chain_free(&chain);
}

Test(check, a_damaged_block_is_named_and_the_others_read) {
    struct chain chain;
    struct rf_archive *archive;
    struct rf_error error = {0};
    struct rf_buffer bytes = {0};
    char path[PATH_MAX], file[128];
    make_three(&chain);
    assert_ok(rf_repository_open_archive(chain.repository, &chain.state[0], &archive, &error),
              error);
    uint32_t blocks = rf_archive_blocks(archive);
    cr_assert_geq(blocks, 4);
    archive_path(&chain, 0, path);
    scratch_read(path, &bytes);
    bytes.bytes[rf_archive_block(archive, 1)->offset + 40] ^= 1;
    bytes.bytes[rf_archive_block(archive, 3)->offset + 5] ^= 1;
    rf_archive_close(archive);
    scratch_write(path, bytes.bytes, bytes.size);
    snprintf(file, sizeof file, "archives/%s", chain.state[0].name);
    assert_found(&chain, file, 1, "block 1");
    assert_found(&chain, file, 3, "block 3");
    rf_buffer_release(&bytes);
    chain_free(&chain);
}

Test(check, damaged_manifests) {
    struct chain chain;
    struct chance chance = {2};
    struct rf_buffer bytes = {0};
    char path[PATH_MAX], name[128];
    make_three(&chain);
    for (uint32_t i = 0; i < 3; i++) {
        scratch_path(chain.path, manifest_name(&chain, i, name), path);
        scratch_read(path, &bytes);
        for (int round = 0; round < 40; round++) {
            uint32_t place = chance_below(&chance, (uint32_t)bytes.size);
            bytes.bytes[place] ^= (uint8_t)(1u << round % 8);
            scratch_write(path, bytes.bytes, bytes.size);
            assert_found(&chain, name, -1, "a byte changed");
            bytes.bytes[place] ^= (uint8_t)(1u << round % 8);
        }
        scratch_write(path, bytes.bytes, bytes.size / 2);
        assert_found(&chain, name, -1, "cut");
        cr_assert_eq(unlink(path), 0);
        if (i < 2) {
            assert_found(&chain, name, -1, "missing");
        }
        scratch_write(path, bytes.bytes, bytes.size);
    }
    rf_buffer_release(&bytes);
    chain_free(&chain);
}

/* Manifests that are whole and say what is not so: written anew over sound archives. */
static void assert_lie(void (*lie)(struct rf_manifest *manifest), const char *case_name) {
    struct chain chain;
    struct chain_draft draft;
    struct rf_snapshot_name name;
    struct rf_error error = {0};
    char hex[RF_HASH_HEX], file[128];
    chain_make(&chain, CHAIN_KEYED, 12, 60);
    chain_step(&chain);
    chain_draft(&chain, false, &draft);
    lie(&draft.manifest);
    assert_ok(rf_repository_publish(chain.repository, &draft.manifest, draft.archives, draft.count,
                                    &name, &error),
              error);
    snprintf(file, sizeof file, "snapshots/%010llu-%s.rfm", (unsigned long long)name.number,
             rf_hash_text(name.digest, hex));
    assert_found(&chain, file, -1, case_name);
    chain_drop(&draft);
    chain_free(&chain);
}

static void wrong_sum(struct rf_manifest *manifest) {
    manifest->tables[0].digest.sum.low++;
}
static void wrong_rows(struct rf_manifest *manifest) {
    manifest->tables[0].digest.rows++;
}
static void wrong_inserted(struct rf_manifest *manifest) {
    manifest->tables[0].inserted++;
}
static void wrong_deleted(struct rf_manifest *manifest) {
    manifest->tables[0].deleted++;
}
static void wrong_parent(struct rf_manifest *manifest) {
    manifest->parent_digest.high ^= 1;
}
static void without_the_delta(struct rf_manifest *manifest) {
    manifest->tables[0].state_count--;
}
static void said_to_be_unchanged(struct rf_manifest *manifest) {
    manifest->tables[0].change = RF_CHANGE_NONE;
}

Test(check, manifests_that_do_not_add_up) {
    assert_lie(wrong_sum, "sum");
    assert_lie(wrong_rows, "rows");
    assert_lie(wrong_inserted, "inserted");
    assert_lie(wrong_deleted, "deleted");
    assert_lie(wrong_parent, "parent");
    assert_lie(said_to_be_unchanged, "unchanged");
    assert_lie(without_the_delta, "a state that ends before the snapshot");
}

/* Sound files, linked as they should be, whose rows are not those of the snapshot. */
static void assert_fault(enum chain_fault fault, bool fold) {
    struct chain chain;
    char file[128];
    chain_make(&chain, CHAIN_KEYED, 15, 60);
    chain.fault = fault;
    if (fold) {
        chain_fold(&chain);
    } else {
        chain_step(&chain);
    }
    snprintf(file, sizeof file, "archives/%s", chain.state[chain.table.state_count - 1].name);
    assert_found(&chain, file, -1,
                 fold ? "a full archive that lost a row" : "a delta that deletes another row");
    chain_free(&chain);
}

Test(check, rows_that_are_not_those_of_the_snapshot) {
    assert_fault(CHAIN_LOSES_ROW, true);
    assert_fault(CHAIN_DELETES_AMISS, false);
}

Test(check, it_stops_when_it_is_told_to) {
    struct chain chain;
    struct rf_check_result result;
    struct rf_error error = {0};
    atomic_int stop = 15;
    make_three(&chain);
    for (unsigned jobs = 1; jobs <= 3; jobs++) {
        struct rf_check_options options = {.stop = &stop, .jobs = jobs};
        cr_assert_eq(rf_check(chain.repository, &options, &result, &error), RF_INTERRUPTED);
    }
    chain_free(&chain);
}

static void count_calls(void *context, uint64_t done, uint64_t total) {
    uint64_t *last = context;
    cr_assert(done >= *last && done <= total, "%llu of %llu bytes", (unsigned long long)done,
              (unsigned long long)total);
    *last = done;
}

Test(check, progress_goes_forward) {
    struct chain chain;
    struct rf_check_result result;
    struct rf_error error = {0};
    atomic_int stop = 0;
    make_three(&chain);
    for (unsigned jobs = 1; jobs <= 4; jobs++) {
        uint64_t last = 0;
        struct rf_check_options options = {
            .stop = &stop, .jobs = jobs, .progress = count_calls, .context = &last};
        assert_ok(rf_check(chain.repository, &options, &result, &error), error);
        cr_assert_gt(last, 0);
    }
    chain_free(&chain);
}

struct stop_at {
    atomic_int stop;
    int calls;
};

/* A signal that comes while blocks are on their way to other threads: all of them come back. */
static void stop_after_some(void *context, uint64_t done, uint64_t total) {
    struct stop_at *at = context;
    (void)done;
    (void)total;
    if (--at->calls == 0) {
        atomic_store(&at->stop, 2);
    }
}

Test(check, it_stops_on_the_way) {
    struct chain chain;
    struct rf_check_result result;
    struct rf_error error = {0};
    make_three(&chain);
    for (int calls = 1; calls <= 6; calls++) {
        struct stop_at at = {0, calls};
        struct rf_check_options options = {
            .stop = &at.stop, .jobs = 3, .progress = stop_after_some, .context = &at};
        cr_assert_eq(rf_check(chain.repository, &options, &result, &error), RF_INTERRUPTED,
                     "after %d blocks", calls);
    }
    chain_free(&chain);
}

/* Every way of telling rows apart, in many snapshots: stretches of a scan add up to the whole. */
Test(check, all_kinds_of_keys_on_several_threads) {
    for (enum chain_key key = 0; key < CHAIN_KEYS; key++) {
        struct chain chain;
        struct found found;
        struct rf_check_result result;
        struct rf_error error = {0};
        chain_make(&chain, key, 21 + key, 400);
        for (int step = 0; step < 4; step++) {
            chain_step(&chain);
        }
        assert_ok(check_at(chain.path, &found, &result, &error), error);
        cr_assert_eq(found.count, 0, "%s: %s", found.file[0], found.what[0]);
        chain_free(&chain);
    }
}
