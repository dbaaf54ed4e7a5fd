/* Folds and signatures: what a prune leaves, and who vouches for it. */
#include <stdio.h>
#include <sys/stat.h>

#include "fixture.h"
#include "format/fold.h"
#include "format/key.h"
#include "format/sha256.h"

/* RFC 8032, 7.1, TEST 2: the secret key in PKCS #8, the public half, and the signature of one byte. */
static const char secret[] = "-----BEGIN PRIVATE KEY-----\n"
                             "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
                             "-----END PRIVATE KEY-----\n";
static const uint8_t public[RF_PUBLIC_KEY_SIZE] = {
    0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc,
    0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c};
static const uint8_t signature_of_72[RF_SIGNATURE_SIZE] = {
    0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64, 0x25, 0x40,
    0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda,
    0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c,
    0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00};

static struct rf_signer *load_signer(const char *folder) {
    char path[PATH_MAX];
    struct rf_signer *signer;
    struct rf_error error = {0};
    scratch_write(scratch_path(folder, "key", path), secret, sizeof secret - 1);
    cr_assert_eq(chmod(path, 0600), 0);
    assert_ok(rf_signer_load(path, &signer, &error), error);
    return signer;
}

Test(key, signs_as_the_specification_does) {
    char folder[PATH_MAX];
    uint8_t signature[RF_SIGNATURE_SIZE];
    struct rf_error error = {0};
    scratch_make(folder);
    struct rf_signer *signer = load_signer(folder);
    cr_assert_arr_eq(rf_signer_public(signer), public, RF_PUBLIC_KEY_SIZE);
    assert_ok(rf_signer_sign(signer, "\x72", 1, signature, &error), error);
    cr_assert_arr_eq(signature, signature_of_72, RF_SIGNATURE_SIZE);
    cr_assert(rf_signature_holds(public, "\x72", 1, signature));
    cr_assert_not(rf_signature_holds(public, "\x73", 1, signature));
    signature[5] ^= 1;
    cr_assert_not(rf_signature_holds(public, "\x72", 1, signature));
    rf_signer_free(signer);
    scratch_remove(folder);
}

/* FIPS 180-4's example of "abc". */
Test(key, sha256_is_that_of_the_standard) {
    uint8_t digest[RF_SHA256_SIZE];
    char text[RF_SHA256_HEX];
    static const char expected[] =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    rf_sha256_bytes("abc", 3, digest);
    cr_assert_str_eq(rf_sha256_text(digest, text), expected);
    struct rf_sha256 *sha256 = rf_sha256_new();
    rf_sha256_add(sha256, "a", 1);
    rf_sha256_add(sha256, "bc", 2);
    rf_sha256_result(sha256, digest);
    rf_sha256_free(sha256);
    cr_assert_str_eq(rf_sha256_text(digest, text), expected);
}

static struct rf_manifest_table *make_table(struct rf_manifest_table *table) {
    static struct rf_archive_ref state[2];
    for (int i = 0; i < 2; i++) {
        char hex[RF_HASH_HEX];
        state[i] = (struct rf_archive_ref){.kind = i ? RF_ARCHIVE_DELTA : RF_ARCHIVE_FULL,
                                           .digest = {7, (uint64_t)i},
                                           .size = 1000,
                                           .sha256 = {1, 2, 3}};
        rf_hash_text(state[i].digest, hex);
        snprintf(state[i].name, sizeof state[i].name, "t-%s.rfa", hex);
    }
    *table = (struct rf_manifest_table){.change = RF_CHANGE_DELTA,
                                        .inserted = 5,
                                        .updated = 6,
                                        .deleted = 7,
                                        .moved = 8,
                                        .delta = state[1],
                                        .state_count = 2,
                                        .state = state};
    return table;
}

static void make_fold(struct rf_fold *fold, struct rf_manifest_table *table) {
    *fold = (struct rf_fold){.snapshot = 9,
                             .digest = {1, 2},
                             .sha256 = {3},
                             .source = {4},
                             .generation = 2,
                             .parent = 5,
                             .parent_digest = {5, 6},
                             .parent_sha256 = {7},
                             .table_count = 1,
                             .tables = make_table(table)};
}

static enum rf_code decode(const struct rf_buffer *bytes, const struct rf_trust *trust,
                           struct rf_fold *fold, struct rf_error *error) {
    uint8_t *exact = malloc(bytes->size); /* so that a byte too far is noticed */
    memcpy(exact, bytes->bytes, bytes->size);
    enum rf_code code = rf_fold_decode(exact, bytes->size, trust, fold, error);
    free(exact);
    return code;
}

Test(fold, comes_back_as_it_was_and_lies_over_its_manifest) {
    struct rf_manifest_table table;
    struct rf_fold fold, found;
    struct rf_buffer bytes = {0};
    struct rf_hash digest;
    struct rf_error error = {0};
    make_fold(&fold, &table);
    assert_ok(rf_fold_encode(&fold, NULL, &bytes, &digest, &error), error);
    for (int relinks = 0; relinks < 2; relinks++) {
        struct rf_manifest_table own = {.change = RF_CHANGE_NEW, .inserted = 100};
        struct rf_manifest manifest = {
            .snapshot = 9, .parent = 8, .source = {4}, .sha256 = {3}, .table_count = 1};
        manifest.tables = &own;
        assert_ok(decode(&bytes, NULL, &found, &error), error);
        assert_ok(rf_fold_apply(&found, &manifest, relinks, &error), error);
        rf_fold_release(&found);
        cr_assert_eq(manifest.parent, relinks ? 5 : 8);
        cr_assert_eq(own.change, relinks ? RF_CHANGE_DELTA : RF_CHANGE_NEW);
        cr_assert_eq(own.inserted, relinks ? 5 : 100);
        cr_assert_eq(own.state_count, 2);
        cr_assert_str_eq(own.state[1].name, table.state[1].name);
        cr_assert_arr_eq(own.state[1].sha256, table.state[1].sha256, RF_SHA256_SIZE);
        cr_assert_eq(manifest.fold, 2);
        free(own.state);
        manifest.sha256[0] = 99;
        assert_ok(decode(&bytes, NULL, &found, &error), error);
        cr_assert_eq(rf_fold_apply(&found, &manifest, relinks, &error), RF_CORRUPT);
        rf_fold_release(&found);
    }
    rf_buffer_release(&bytes);
}

Test(fold, every_flipped_byte_and_every_length) {
    struct rf_manifest_table table;
    struct rf_fold fold, found;
    struct rf_buffer bytes = {0};
    struct rf_hash digest;
    struct rf_error error = {0};
    make_fold(&fold, &table);
    assert_ok(rf_fold_encode(&fold, NULL, &bytes, &digest, &error), error);
    for (size_t i = 0; i < bytes.size; i++) {
        bytes.bytes[i] ^= 0x5a;
        enum rf_code code = decode(&bytes, NULL, &found, &error);
        bool version = i >= 8 && i < 12;
        cr_assert(code == RF_CORRUPT || (version && code == RF_MISPLACED), "byte %zu", i);
        bytes.bytes[i] ^= 0x5a;
        struct rf_buffer cut = {.bytes = bytes.bytes, .size = i};
        cr_assert_eq(decode(&cut, NULL, &found, &error), RF_CORRUPT, "cut at %zu", i);
    }
    rf_buffer_release(&bytes);
}

/* Signed and trusted; unsigned; by another key; and changed afterwards under checksums that fit. */
Test(fold, only_what_a_trusted_key_signed) {
    char folder[PATH_MAX];
    struct rf_manifest_table table;
    struct rf_fold fold, found;
    struct rf_buffer bytes = {0};
    struct rf_hash digest;
    struct rf_error error = {0};
    uint8_t keys[2][RF_PUBLIC_KEY_SIZE] = {{9}};
    memcpy(keys[1], public, sizeof public);
    struct rf_trust both = {.count = 2, .keys = keys}, other = {.count = 1, .keys = keys};
    scratch_make(folder);
    struct rf_signer *signer = load_signer(folder);
    make_fold(&fold, &table);
    assert_ok(rf_fold_encode(&fold, NULL, &bytes, &digest, &error), error);
    cr_assert_eq(decode(&bytes, &both, &found, &error), RF_CORRUPT);
    cr_assert_not_null(strstr(error.what, "not signed"));
    assert_ok(rf_fold_encode(&fold, signer, &bytes, &digest, &error), error);
    assert_ok(decode(&bytes, &both, &found, &error), error);
    rf_fold_release(&found);
    cr_assert_eq(decode(&bytes, &other, &found, &error), RF_CORRUPT);
    cr_assert_not_null(strstr(error.what, "not trusted"));
    for (size_t i = 20; i < bytes.size - 8; i++) {
        bytes.bytes[i] ^= 1;
        uint64_t sum = rf_checksum(bytes.bytes, bytes.size - 8);
        memcpy(bytes.bytes + bytes.size - 8, &sum, sizeof sum);
        cr_assert_eq(decode(&bytes, &both, &found, &error), RF_CORRUPT, "byte %zu", i);
        bytes.bytes[i] ^= 1;
    }
    rf_signer_free(signer);
    rf_buffer_release(&bytes);
    scratch_remove(folder);
}
