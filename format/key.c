#include "format/key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct rf_signer {
    EVP_PKEY *pair;
    uint8_t key[RF_PUBLIC_KEY_SIZE];
};

/* What libcrypto is handed instead of asking on the terminal: an encrypted key cannot be used by what runs on
 * its own. */
static char no_passphrase[] = "";

static bool take_public(EVP_PKEY *pair, uint8_t key[RF_PUBLIC_KEY_SIZE]) {
    size_t size = RF_PUBLIC_KEY_SIZE;
    return EVP_PKEY_get_id(pair) == EVP_PKEY_ED25519 &&
           EVP_PKEY_get_raw_public_key(pair, key, &size) == 1 && size == RF_PUBLIC_KEY_SIZE;
}

static enum rf_code open_key(const char *path, FILE **file, struct rf_error *error) {
    *file = fopen(path, "re");
    return *file ? RF_OK : rf_fail_errno(error, errno, "cannot open the key %.300s", path);
}

/* Of the file that is open, so that no other can be put in its place in between. */
static enum rf_code must_be_private(FILE *file, const char *path, struct rf_error *error) {
    struct stat status;
    if (fstat(fileno(file), &status) != 0) {
        return rf_fail_errno(error, errno, "cannot look at the key %.300s", path);
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) {
        return RF_OK;
    }
    rf_fail(error, RF_USAGE, "others may read or write the secret key %.300s", path);
    rf_detail(error, "its mode is %04o", (unsigned)status.st_mode & 07777u);
    rf_hint(error, "`chmod 600 %.300s`; and make a new pair if others had it.", path);
    return RF_USAGE;
}

static enum rf_code not_a_key(const char *path, const char *half, struct rf_error *error) {
    ERR_clear_error();
    rf_fail(error, RF_USAGE, "%.300s holds no %s Ed25519 key", path, half);
    rf_hint(error, "`rowferry keygen` makes a pair: the secret half signs, FILE.pub is trusted.");
    return RF_USAGE;
}

enum rf_code rf_signer_load(const char *path, struct rf_signer **made, struct rf_error *error) {
    FILE *file;
    *made = NULL;
    enum rf_code code = open_key(path, &file, error);
    if (code != RF_OK) {
        return code;
    }
    code = must_be_private(file, path, error);
    if (code != RF_OK) {
        (void)fclose(file);
        return code;
    }
    struct rf_signer *signer = calloc(1, sizeof *signer);
    if (signer) {
        signer->pair = PEM_read_PrivateKey(file, NULL, NULL, no_passphrase);
    }
    (void)fclose(file);
    if (!signer) {
        return rf_fail_memory(error);
    }
    if (!signer->pair || !take_public(signer->pair, signer->key)) {
        rf_signer_free(signer);
        return not_a_key(path, "secret", error);
    }
    *made = signer;
    return RF_OK;
}

void rf_signer_free(struct rf_signer *signer) {
    if (signer) {
        EVP_PKEY_free(signer->pair);
        free(signer);
    }
}

const uint8_t *rf_signer_public(const struct rf_signer *signer) {
    return signer->key;
}

enum rf_code rf_signer_sign(const struct rf_signer *signer, const void *bytes, size_t size,
                            uint8_t signature[RF_SIGNATURE_SIZE], struct rf_error *error) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t length = RF_SIGNATURE_SIZE;
    bool signs = context && EVP_DigestSignInit(context, NULL, NULL, NULL, signer->pair) == 1 &&
                 EVP_DigestSign(context, signature, &length, bytes, size) == 1 &&
                 length == RF_SIGNATURE_SIZE;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return signs ? RF_OK : rf_fail(error, RF_FAILED, "libcrypto cannot sign");
}

bool rf_signature_holds(const uint8_t key[RF_PUBLIC_KEY_SIZE], const void *bytes, size_t size,
                        const uint8_t signature[RF_SIGNATURE_SIZE]) {
    EVP_PKEY *half = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, RF_PUBLIC_KEY_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool holds = half && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, half) == 1 &&
                 EVP_DigestVerify(context, signature, RF_SIGNATURE_SIZE, bytes, size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(half);
    ERR_clear_error();
    return holds;
}

static enum rf_code read_public(const char *path, uint8_t key[RF_PUBLIC_KEY_SIZE],
                                struct rf_error *error) {
    FILE *file;
    enum rf_code code = open_key(path, &file, error);
    if (code != RF_OK) {
        return code;
    }
    EVP_PKEY *half = PEM_read_PUBKEY(file, NULL, NULL, no_passphrase);
    (void)fclose(file);
    bool usable = half && take_public(half, key);
    EVP_PKEY_free(half);
    return usable ? RF_OK : not_a_key(path, "public", error);
}

enum rf_code rf_trust_add(struct rf_trust *trust, const char *path, struct rf_error *error) {
    uint8_t key[RF_PUBLIC_KEY_SIZE];
    enum rf_code code = read_public(path, key, error);
    if (code != RF_OK || rf_trust_has(trust, key)) {
        return code;
    }
    void *grown = realloc(trust->keys, ((size_t)trust->count + 1) * sizeof *trust->keys);
    if (!grown) {
        return rf_fail_memory(error);
    }
    trust->keys = grown;
    memcpy(trust->keys[trust->count++], key, sizeof key);
    return RF_OK;
}

bool rf_trust_has(const struct rf_trust *trust, const uint8_t key[RF_PUBLIC_KEY_SIZE]) {
    for (uint32_t i = 0; i < trust->count; i++) {
        if (memcmp(trust->keys[i], key, RF_PUBLIC_KEY_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

void rf_trust_release(struct rf_trust *trust) {
    free(trust->keys);
    *trust = (struct rf_trust){0};
}

static const char *text_of(const uint8_t *key, size_t bytes, char *text) {
    snprintf(text, 9, "ed25519:");
    for (size_t i = 0; i < bytes; i++) {
        snprintf(text + 8 + 2 * i, 3, "%02x", key[i]);
    }
    return text;
}

const char *rf_key_text(const uint8_t key[RF_PUBLIC_KEY_SIZE], char text[RF_KEY_TEXT]) {
    return text_of(key, 8, text);
}

const char *rf_key_fingerprint(const uint8_t key[RF_PUBLIC_KEY_SIZE],
                               char text[RF_KEY_FINGERPRINT]) {
    return text_of(key, RF_PUBLIC_KEY_SIZE, text);
}
