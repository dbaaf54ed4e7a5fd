/* Making a pair of keys.
 *
 * The secret half is drawn, written and synced first, and the public one then: it can be made again of
 * the secret half, but not the other way round. So a run that is cut off is taken up again by the next,
 * unless it died within the one write of the secret half; what is left then is no key, and says so. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/key.h"

static enum rf_code crypto_fails(const char *what, struct rf_error *error) {
    ERR_clear_error();
    return rf_fail(error, RF_FAILED, "libcrypto cannot %s", what);
}

/* Of the folder that the file is in. */
static enum rf_code sync_folder(struct rf_io *io, const char *path, struct rf_error *error) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t size = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
    snprintf(folder, sizeof folder, "%.*s", (int)size, path);
    return rf_io_sync_directory(io, size > 0 ? folder : ".", error);
}

/* A new file with these bytes, on disk when this returns; nothing is left of one that failed. */
static enum rf_code write_new(struct rf_io *io, const char *path, const char *bytes, size_t size,
                              struct rf_error *error) {
    int fd = -1;
    enum rf_code code = rf_io_create(io, path, &fd, error);
    if (code != RF_OK) {
        return code;
    }
    code = rf_io_write_all(io, fd, path, bytes, size, error);
    if (code == RF_OK) {
        code = rf_io_sync(io, fd, path, error);
    }
    if (code == RF_OK) {
        code = rf_io_close(io, &fd, path, error);
    }
    if (code == RF_OK) {
        code = sync_folder(io, path, error);
    }
    rf_io_discard(io, &fd);
    if (code != RF_OK) {
        struct rf_error ignored;
        (void)!rf_io_unlink(io, path, &ignored);
    }
    return code;
}

/* The text of a half as a file; the memory that it passed through is wiped. */
static enum rf_code write_half(struct rf_io *io, const char *path, EVP_PKEY *pair, bool secret,
                               struct rf_error *error) {
    BIO *text = BIO_new(BIO_s_secmem());
    char *bytes = NULL;
    bool made =
        text && (secret ? PEM_write_bio_PKCS8PrivateKey(text, pair, NULL, NULL, 0, NULL, NULL) == 1
                        : PEM_write_bio_PUBKEY(text, pair) == 1);
    long size = made ? BIO_get_mem_data(text, &bytes) : 0;
    enum rf_code code =
        made ? write_new(io, path, bytes, (size_t)size, error) : crypto_fails("write a key", error);
    BIO_free(text); /* wipes */
    return code;
}

static enum rf_code write_public(struct rf_io *io, const char *path,
                                 const uint8_t key[RF_PUBLIC_KEY_SIZE], struct rf_error *error) {
    EVP_PKEY *half = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, RF_PUBLIC_KEY_SIZE);
    enum rf_code code =
        half ? write_half(io, path, half, false, error) : crypto_fails("take a public key", error);
    EVP_PKEY_free(half);
    return code;
}

static enum rf_code make_secret(struct rf_io *io, const char *path, uint8_t key[RF_PUBLIC_KEY_SIZE],
                                struct rf_error *error) {
    size_t size = RF_PUBLIC_KEY_SIZE;
    EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    bool drawn = pair && EVP_PKEY_get_raw_public_key(pair, key, &size) == 1;
    enum rf_code code = drawn ? write_half(io, path, pair, true, error)
                              : crypto_fails("make a pair of keys", error);
    EVP_PKEY_free(pair);
    return code;
}

static enum rf_code is_there(const char *path, struct rf_error *error) {
    rf_fail(error, RF_USAGE, "%.300s is there already", path);
    rf_hint(error, "a key is never replaced; name another file with --output.");
    return RF_USAGE;
}

/* Something is there under the name, even a link that leads nowhere. */
static bool exists(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

static enum rf_code take_secret(const char *path, uint8_t key[RF_PUBLIC_KEY_SIZE],
                                struct rf_error *error) {
    struct rf_signer *signer;
    enum rf_code code = rf_signer_load(path, &signer, error);
    if (code != RF_OK) {
        code = is_there(path, error);
        rf_detail(error, "it holds no secret key that can be used; a run that was cut off may have "
                         "left it, and then it may be removed");
        return code;
    }
    memcpy(key, rf_signer_public(signer), RF_PUBLIC_KEY_SIZE);
    rf_signer_free(signer);
    return RF_OK;
}

enum rf_code rf_key_make(struct rf_io *io, const char *path, uint8_t key[RF_PUBLIC_KEY_SIZE],
                         bool *made_secret, struct rf_error *error) {
    char public[PATH_MAX];
    int size = snprintf(public, sizeof public, "%s" RF_PUBLIC_KEY_SUFFIX, path);
    *made_secret = false;
    if (size < 0 || (size_t)size >= sizeof public) {
        return rf_fail(error, RF_USAGE, "the path of the key is too long");
    }
    if (exists(public)) {
        return is_there(public, error);
    }
    *made_secret = !exists(path);
    enum rf_code code =
        *made_secret ? make_secret(io, path, key, error) : take_secret(path, key, error);
    if (code == RF_OK) {
        code = write_public(io, public, key, error);
        if (code != RF_OK && *made_secret) {
            struct rf_error ignored;
            (void)!rf_io_unlink(io, path, &ignored);
        }
    }
    return code;
}
