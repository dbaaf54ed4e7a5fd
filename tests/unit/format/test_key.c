/* If these fail, a key is lost, replaced, or shown to those whom it is kept from. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "format/key.h"
#include "support/faulty_io.h"

static mode_t mode_of(const char *path) {
    struct stat status;
    cr_assert_eq(stat(path, &status), 0, "%s", path);
    return status.st_mode & 07777;
}

static bool is_there(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

/* Both halves fit each other, whatever made them. */
static void expect_pair(const char *secret, const char *public) {
    struct rf_signer *signer;
    struct rf_trust trust = {0};
    struct rf_error error = {0};
    uint8_t signature[RF_SIGNATURE_SIZE];
    assert_ok(rf_signer_load(secret, &signer, &error), error);
    assert_ok(rf_trust_add(&trust, public, &error), error);
    cr_expect(rf_trust_has(&trust, rf_signer_public(signer)));
    assert_ok(rf_signer_sign(signer, "x", 1, signature, &error), error);
    cr_expect(rf_signature_holds(trust.keys[0], "x", 1, signature));
    rf_trust_release(&trust);
    rf_signer_free(signer);
}

struct names {
    char folder[PATH_MAX], secret[PATH_MAX], public[PATH_MAX];
};

static void make_names(struct names *names) {
    scratch_make(names->folder);
    scratch_path(names->folder, "k", names->secret);
    scratch_path(names->folder, "k.pub", names->public);
}

Test(key_make, a_pair_for_its_owner_alone) {
    struct names names;
    struct rf_error error = {0};
    uint8_t key[RF_PUBLIC_KEY_SIZE], again[RF_PUBLIC_KEY_SIZE];
    bool made;
    make_names(&names);
    umask(0);
    assert_ok(rf_key_make(rf_io_posix(), names.secret, key, &made, &error), error);
    cr_expect(made);
    cr_expect_eq(mode_of(names.secret), 0600);
    cr_expect_eq(mode_of(names.public), 0600);
    expect_pair(names.secret, names.public);

    cr_expect_eq(rf_key_make(rf_io_posix(), names.secret, again, &made, &error), RF_USAGE);
    cr_expect_not_null(strstr(error.what, "k.pub is there already"), "%s", error.what);
    cr_assert_eq(unlink(names.public), 0);
    assert_ok(rf_key_make(rf_io_posix(), names.secret, again, &made, &error), error);
    cr_expect_not(made, "the public half was made of the secret one");
    cr_expect_arr_eq(key, again, sizeof key);
    expect_pair(names.secret, names.public);

    cr_assert_eq(unlink(names.secret), 0);
    cr_expect_eq(rf_key_make(rf_io_posix(), names.secret, again, &made, &error), RF_USAGE);
    cr_expect_not(is_there(names.secret), "no secret half for a public one of another");
    scratch_remove(names.folder);
}

Test(key_make, nothing_is_replaced_or_followed) {
    struct names names;
    struct rf_error error = {0};
    uint8_t key[RF_PUBLIC_KEY_SIZE];
    char elsewhere[PATH_MAX];
    bool made;
    make_names(&names);
    scratch_path(names.folder, "elsewhere", elsewhere);
    cr_assert_eq(symlink(elsewhere, names.secret), 0);
    cr_expect_eq(rf_key_make(rf_io_posix(), names.secret, key, &made, &error), RF_USAGE);
    cr_expect_not(is_there(elsewhere) || is_there(names.public));
    cr_assert_eq(unlink(names.secret), 0);

    cr_assert_eq(symlink(elsewhere, names.public), 0);
    cr_expect_eq(rf_key_make(rf_io_posix(), names.secret, key, &made, &error), RF_USAGE);
    cr_expect_not(is_there(elsewhere) || is_there(names.secret));
    cr_assert_eq(unlink(names.public), 0);

    struct rf_buffer bytes = {0};
    scratch_write(names.secret, "a diary", 7);
    cr_expect_eq(rf_key_make(rf_io_posix(), names.secret, key, &made, &error), RF_USAGE);
    cr_expect_not_null(strstr(error.detail, "holds no secret key"), "%s", error.detail);
    scratch_read(names.secret, &bytes);
    cr_expect_eq(bytes.size, 7);
    rf_buffer_release(&bytes);
    cr_expect_not(is_there(names.public));
    scratch_remove(names.folder);
}

/* Wherever it fails, nothing is left; a run that was cut off there is followed by one that works, or
 * says that there is a file that is no key. */
Test(key_make, every_operation_fails_once) {
    bool met = true;
    for (unsigned at = 1; met; at++) {
        struct names names;
        struct faulty_io faulty;
        struct rf_error error = {0};
        uint8_t key[RF_PUBLIC_KEY_SIZE];
        bool made;
        make_names(&names);
        faulty_io_init(&faulty, FAULTY_ONCE, at, ENOSPC);
        enum rf_code code = rf_key_make(&faulty.io, names.secret, key, &made, &error);
        met = atomic_load(&faulty.met);
        if (code == RF_OK) {
            expect_pair(names.secret, names.public);
        } else {
            cr_expect_eq(code, RF_STORAGE, "operation %u: %s", at, error.what);
            cr_expect_eq(scratch_count(names.folder), 0, "operation %u left a file", at);
        }
        scratch_remove(names.folder);
    }
}

Test(key, a_secret_that_others_may_read_is_refused) {
    static const mode_t bad[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644};
    struct names names;
    struct rf_signer *signer;
    struct rf_error error = {0};
    uint8_t key[RF_PUBLIC_KEY_SIZE];
    bool made;
    make_names(&names);
    assert_ok(rf_key_make(rf_io_posix(), names.secret, key, &made, &error), error);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_eq(chmod(names.secret, bad[i]), 0);
        cr_expect_eq(rf_signer_load(names.secret, &signer, &error), RF_USAGE, "%o", bad[i]);
        cr_expect_null(signer);
        cr_expect_not_null(strstr(error.hint, "chmod 600"), "%s", error.hint);
    }
    cr_assert_eq(chmod(names.secret, 0400), 0);
    assert_ok(rf_signer_load(names.secret, &signer, &error), error);
    rf_signer_free(signer);
    scratch_remove(names.folder);
}

/* What is handed over instead of a key, most of all the half that must not be. */
Test(key, what_is_no_such_key_is_refused) {
    struct names names;
    struct rf_signer *signer;
    struct rf_trust trust = {0};
    struct rf_error error = {0};
    uint8_t key[RF_PUBLIC_KEY_SIZE];
    bool made;
    make_names(&names);
    assert_ok(rf_key_make(rf_io_posix(), names.secret, key, &made, &error), error);
    cr_expect_eq(rf_trust_add(&trust, names.secret, &error), RF_USAGE, "a secret half");
    cr_expect_eq(rf_signer_load(names.public, &signer, &error), RF_USAGE, "a public half");
    cr_expect_eq(trust.count, 0);
    cr_assert_eq(truncate(names.public, 40), 0);
    cr_expect_eq(rf_trust_add(&trust, names.public, &error), RF_USAGE, "a half of a half");
    cr_assert_eq(unlink(names.public), 0);
    cr_expect_eq(rf_trust_add(&trust, names.public, &error), RF_STORAGE, "none");
    rf_trust_release(&trust);
    scratch_remove(names.folder);
}
