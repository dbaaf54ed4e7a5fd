/* Manifests: the word on what a snapshot is made of. */
#include <stdlib.h>
#include <zstd.h>

#include "fixture.h"
#include "format/manifest.h"
#include "golden.h"

static void encode_golden(struct rf_buffer *bytes, struct rf_hash *digest) {
    struct rf_manifest manifest;
    struct rf_error error = {0};
    cr_assert(golden_manifest_make(RF_GOLDEN, &manifest));
    assert_ok(rf_manifest_encode(&manifest, NULL, bytes, digest, &error), error);
    golden_manifest_unmake(&manifest);
}

static enum rf_code decode(const void *bytes, size_t size, struct rf_manifest *manifest,
                           struct rf_error *error) {
    uint8_t *exact = malloc(size + 1);
    memcpy(exact, bytes, size);
    enum rf_code code = rf_manifest_decode(exact, size, NULL, manifest, error);
    free(exact);
    return code;
}

Test(manifest, comes_back) {
    struct rf_buffer bytes = {0}, again = {0};
    struct rf_hash digest, second;
    struct rf_manifest manifest;
    struct rf_error error = {0};
    encode_golden(&bytes, &digest);
    cr_assert(rf_hash_equal(digest, rf_hash_bytes(bytes.bytes, bytes.size)));
    assert_ok(decode(bytes.bytes, bytes.size, &manifest, &error), error);
    assert_ok(rf_manifest_encode(&manifest, NULL, &again, &second, &error), error);
    cr_assert(bytes.size == again.size && memcmp(bytes.bytes, again.bytes, bytes.size) == 0);
    cr_assert(rf_hash_equal(digest, second));
    rf_manifest_release(&manifest);
    rf_manifest_release(&manifest);
    rf_buffer_release(&bytes);
    rf_buffer_release(&again);
}

Test(manifest, the_least_there_can_be) {
    static char path[] = "", writer[] = "", version[] = "", encoding[] = "UTF-8", mode[] = "";
    struct rf_manifest manifest = {.snapshot = UINT64_MAX,
                                   .time_us = INT64_MIN,
                                   .user_version = INT32_MIN,
                                   .application_id = -1,
                                   .path = path,
                                   .writer = writer,
                                   .sqlite_version = version,
                                   .encoding = encoding,
                                   .journal_mode = mode};
    struct rf_buffer bytes = {0};
    struct rf_hash digest;
    struct rf_error error = {0};
    struct rf_manifest decoded;
    assert_ok(rf_manifest_encode(&manifest, NULL, &bytes, &digest, &error), error);
    assert_ok(decode(bytes.bytes, bytes.size, &decoded, &error), error);
    cr_assert(decoded.snapshot == UINT64_MAX && decoded.time_us == INT64_MIN &&
              decoded.user_version == INT32_MIN && decoded.application_id == -1);
    cr_assert_str_eq(decoded.encoding, "UTF-8");
    cr_assert_null(rf_manifest_find(&decoded, "t"));
    rf_manifest_release(&decoded);
    rf_buffer_release(&bytes);
}

Test(manifest, tables_are_found_by_name_and_copied_whole) {
    struct rf_buffer bytes = {0}, left = {0}, right = {0};
    struct rf_hash digest;
    struct rf_manifest manifest, copied;
    struct rf_error error = {0};
    encode_golden(&bytes, &digest);
    assert_ok(decode(bytes.bytes, bytes.size, &manifest, &error), error);
    for (uint32_t i = 0; i < manifest.table_count; i++) {
        cr_assert_eq(rf_manifest_find(&manifest, manifest.tables[i].table.name),
                     &manifest.tables[i]);
    }
    static const char *const none[] = {"", "A", "alia", "aliases", "zzz", "\xff"};
    for (size_t i = 0; i < COUNT(none); i++) {
        cr_assert_null(rf_manifest_find(&manifest, none[i]), "%s", none[i]);
    }
    copied = manifest;
    copied.tables = calloc(manifest.table_count, sizeof *copied.tables);
    for (uint32_t i = 0; i < manifest.table_count; i++) {
        assert_ok(rf_manifest_table_copy(&manifest.tables[i], &copied.tables[i], &error), error);
    }
    assert_ok(rf_manifest_encode(&manifest, NULL, &left, &digest, &error), error);
    assert_ok(rf_manifest_encode(&copied, NULL, &right, &digest, &error), error);
    cr_assert(left.size == right.size && memcmp(left.bytes, right.bytes, left.size) == 0);
    for (uint32_t i = 0; i < manifest.table_count; i++) {
        rf_manifest_table_release(&copied.tables[i]);
    }
    free(copied.tables);
    rf_manifest_release(&manifest);
    rf_buffer_release(&bytes);
    rf_buffer_release(&left);
    rf_buffer_release(&right);
}

Test(manifest, every_flipped_byte_and_every_length) {
    struct rf_buffer bytes = {0};
    struct rf_hash digest;
    struct rf_manifest manifest;
    struct rf_error error = {0};
    encode_golden(&bytes, &digest);
    for (size_t i = 0; i < bytes.size; i++) {
        for (unsigned flip = 0; flip < 2; flip++) {
            uint8_t mask = (uint8_t)(flip ? 0xffu : 1u << i % 8);
            bytes.bytes[i] ^= mask;
            enum rf_code code = decode(bytes.bytes, bytes.size, &manifest, &error);
            bool version = i >= 8 && i < 12;
            cr_assert(code == RF_CORRUPT || (version && code == RF_MISPLACED), "byte %zu: %d", i,
                      code);
            bytes.bytes[i] ^= mask;
        }
        cr_assert_eq(decode(bytes.bytes, i, &manifest, &error), RF_CORRUPT, "cut at %zu", i);
    }
    rf_buffer_u8(&bytes, 0);
    cr_assert_eq(decode(bytes.bytes, bytes.size, &manifest, &error), RF_CORRUPT, "a byte more");
    rf_buffer_release(&bytes);
}

static enum rf_code decode_body(const uint8_t *body, size_t size, uint32_t claimed,
                                struct rf_manifest *manifest, struct rf_error *error) {
    struct rf_buffer file = {0};
    rf_buffer_append(&file, "RFMANIFS", 8);
    rf_buffer_u32(&file, 3);
    rf_buffer_u32(&file, claimed);
    rf_buffer_u32(&file, 0);
    uint8_t *at = rf_buffer_extend(&file, ZSTD_compressBound(size));
    size_t got = ZSTD_compress(at, ZSTD_compressBound(size), body, size, 1);
    file.size = 20 + got;
    rf_store_u32(file.bytes + 16, (uint32_t)got);
    rf_buffer_u8(&file, 0);
    rf_buffer_u64(&file, rf_checksum(file.bytes, file.size));
    enum rf_code code = decode(file.bytes, file.size, manifest, error);
    rf_buffer_release(&file);
    return code;
}

/* What compresses better than a reader believes, a writer leaves as it is. */
Test(manifest, a_schema_of_one_letter) {
    enum { LETTERS = 20 << 20 };
    struct rf_manifest manifest, decoded;
    struct rf_buffer bytes = {0};
    struct rf_hash digest;
    struct rf_error error = {0};
    cr_assert(golden_manifest_make(RF_GOLDEN, &manifest));
    char *sql = malloc(LETTERS + 1);
    memset(sql, 'x', LETTERS);
    sql[LETTERS] = 0;
    struct rf_object object = {
        .type = (char[]){"view"}, .name = (char[]){"v"}, .table = (char[]){"v"}, .sql = sql};
    struct rf_manifest with = manifest;
    with.objects = &object;
    with.object_count = 1;
    assert_ok(rf_manifest_encode(&with, NULL, &bytes, &digest, &error), error);
    cr_assert_gt(bytes.size, LETTERS);
    assert_ok(decode(bytes.bytes, bytes.size, &decoded, &error), error);
    cr_assert_str_eq(decoded.objects[0].sql, sql);
    rf_manifest_release(&decoded);
    golden_manifest_unmake(&manifest);
    rf_buffer_release(&bytes);
    free(sql);
}

/* A few thousand bytes that would become many millions: refused for their sizes. */
Test(manifest, a_bomb) {
    enum { SIZE = 64 << 20 };
    uint8_t *body = calloc(SIZE, 1);
    struct rf_manifest manifest;
    struct rf_error error = {0};
    cr_assert_eq(decode_body(body, SIZE, SIZE, &manifest, &error), RF_CORRUPT);
    cr_assert_str_eq(error.what, "a manifest is of another size than it says");
    cr_assert_str_eq(error.detail, "at byte 12");
    free(body);
}

/* A body changed anywhere, under a checksum that fits: refused or read; the sanitizers are the
 * judge. */
Test(manifest, bodies_cut_and_changed) {
    struct rf_buffer bytes = {0};
    struct rf_hash digest;
    struct rf_manifest manifest;
    struct rf_error error = {0};
    struct chance chance = {3};
    encode_golden(&bytes, &digest);
    size_t size = rf_load_u32(bytes.bytes + 12);
    uint8_t *body = malloc(size);
    cr_assert_eq(ZSTD_decompress(body, size, bytes.bytes + 20, bytes.size - 29), size);
    assert_ok(decode_body(body, size, (uint32_t)size, &manifest, &error), error);
    rf_manifest_release(&manifest);
    unsigned refused = 0;
    for (size_t i = 0; i < size; i++) {
        cr_assert_eq(decode_body(body, i, (uint32_t)i, &manifest, &error), RF_CORRUPT, "cut at %zu",
                     i);
        uint8_t before = body[i];
        for (int round = 0; round < 3; round++) {
            body[i] = round == 0 ? 0xff : round == 1 ? 0 : (uint8_t)chance_next(&chance);
            enum rf_code code = decode_body(body, size, (uint32_t)size, &manifest, &error);
            cr_assert(code == RF_OK || code == RF_CORRUPT, "byte %zu: %d %s", i, code, error.what);
            refused += code != RF_OK;
            rf_manifest_release(&manifest);
        }
        body[i] = before;
    }
    cr_assert_gt(refused, 1000);
    cr_assert_eq(decode_body(body, size, (uint32_t)size + 1, &manifest, &error), RF_CORRUPT);
    cr_assert_eq(decode_body(body, size, UINT32_MAX, &manifest, &error), RF_CORRUPT);
    cr_assert_eq(decode_body(body, size, 0, &manifest, &error), RF_CORRUPT);
    free(body);
    rf_buffer_release(&bytes);
}

/* What a manifest may not say, though its bytes are whole. */
static enum rf_code decode_with(void (*change)(struct rf_manifest *manifest),
                                struct rf_error *error) {
    struct rf_manifest manifest, decoded;
    struct rf_buffer bytes = {0};
    struct rf_hash digest;
    cr_assert(golden_manifest_make(RF_GOLDEN, &manifest));
    struct rf_manifest changed = manifest;
    change(&changed);
    assert_ok(rf_manifest_encode(&changed, NULL, &bytes, &digest, error), *error);
    enum rf_code code = decode(bytes.bytes, bytes.size, &decoded, error);
    rf_manifest_release(&decoded);
    golden_manifest_unmake(&manifest);
    rf_buffer_release(&bytes);
    return code;
}

static void leave(struct rf_manifest *manifest) {
    manifest->duration_us++;
}
static void no_number(struct rf_manifest *manifest) {
    manifest->snapshot = 0;
    manifest->parent = 0;
}
static void own_parent(struct rf_manifest *manifest) {
    manifest->parent = manifest->snapshot;
}
static void tables_out_of_order(struct rf_manifest *manifest) {
    struct rf_manifest_table first = manifest->tables[0];
    manifest->tables[0] = manifest->tables[1];
    manifest->tables[1] = first;
}
static void delta_first(struct rf_manifest *manifest) {
    manifest->tables[1].state[0].kind = RF_ARCHIVE_DELTA;
}
static void full_second(struct rf_manifest *manifest) {
    manifest->tables[1].state[1].kind = RF_ARCHIVE_FULL;
}
static void full_as_delta(struct rf_manifest *manifest) {
    manifest->tables[1].delta.kind = RF_ARCHIVE_FULL;
}
static void no_state(struct rf_manifest *manifest) {
    manifest->tables[1].state_count = 0;
}
static void path_as_name(struct rf_manifest *manifest) {
    memcpy(manifest->tables[1].state[0].name, "../x/", 5);
}
static void name_of_another_digest(struct rf_manifest *manifest) {
    manifest->tables[1].state[0].digest.low ^= 1;
}

Test(manifest, what_one_may_not_say) {
    struct rf_error error = {0};
    static void (*const changes[])(struct rf_manifest *) = {
        no_number,     own_parent, tables_out_of_order, delta_first,           full_second,
        full_as_delta, no_state,   path_as_name,        name_of_another_digest};
    assert_ok(decode_with(leave, &error), error);
    for (size_t i = 0; i < COUNT(changes); i++) {
        cr_assert_eq(decode_with(changes[i], &error), RF_CORRUPT, "change %zu", i);
    }
}

Test(manifest, a_newer_version_is_told_apart_from_damage) {
    struct rf_buffer bytes = {0};
    struct rf_hash digest;
    struct rf_manifest manifest;
    struct rf_error error = {0};
    encode_golden(&bytes, &digest);
    rf_store_u32(bytes.bytes + 8, 4);
    cr_assert_eq(decode(bytes.bytes, bytes.size, &manifest, &error), RF_MISPLACED);
    rf_store_u32(bytes.bytes + 8, 0);
    rf_store_u64(bytes.bytes + bytes.size - 8, rf_checksum(bytes.bytes, bytes.size - 8));
    cr_assert_eq(decode(bytes.bytes, bytes.size, &manifest, &error), RF_CORRUPT);
    rf_buffer_release(&bytes);
}
