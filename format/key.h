/* Keys that say who wrote a repository: Ed25519 (RFC 8032), by libcrypto.
 *
 * A signer holds the secret half and signs what is published; trust is a set of public halves, and
 * refuses everything that none of them signed. Key files are PEM: the secret half PKCS #8, the public one
 * SubjectPublicKeyInfo, as `openssl pkey` reads and writes them. The secret half never leaves the host
 * that captures, and its file is for nobody but its owner. */
#ifndef RF_FORMAT_KEY_H
#define RF_FORMAT_KEY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/error.h"
#include "format/io.h"

#define RF_PUBLIC_KEY_SIZE 32
#define RF_SIGNATURE_SIZE 64

/* Makes a pair: the secret half in a new file of mode 0600, the public one beside it, whose name has ".pub"
 * behind. No file is ever replaced (RF_USAGE). Where the secret half is there and the public one is not, as
 * after a run that was cut off, that one is made again of it. On failure what was written is removed.
 * `key` gets the public half, *made_secret whether a new pair was drawn. */
#define RF_PUBLIC_KEY_SUFFIX ".pub"
RF_MUST_USE enum rf_code rf_key_make(struct rf_io *io, const char *path,
                                     uint8_t key[RF_PUBLIC_KEY_SIZE], bool *made_secret,
                                     struct rf_error *error);

struct rf_signer;
/* Reads the secret half. RF_STORAGE: cannot be read; RF_USAGE: no such key, or others may read it. */
RF_MUST_USE enum rf_code rf_signer_load(const char *path, struct rf_signer **signer,
                                        struct rf_error *error);
void rf_signer_free(struct rf_signer *signer);                   /* NULL is fine */
const uint8_t *rf_signer_public(const struct rf_signer *signer); /* RF_PUBLIC_KEY_SIZE bytes */
RF_MUST_USE enum rf_code rf_signer_sign(const struct rf_signer *signer, const void *bytes,
                                        size_t size, uint8_t signature[RF_SIGNATURE_SIZE],
                                        struct rf_error *error);

bool rf_signature_holds(const uint8_t key[RF_PUBLIC_KEY_SIZE], const void *bytes, size_t size,
                        const uint8_t signature[RF_SIGNATURE_SIZE]);

/* Whose signature a file carries. */
struct rf_signature {
    bool is_signed;
    bool holds; /* it is the key's signature of these bytes */
    uint8_t key[RF_PUBLIC_KEY_SIZE];
};

/* The keys that are trusted; all zero at first. */
struct rf_trust {
    uint32_t count;
    uint8_t (*keys)[RF_PUBLIC_KEY_SIZE];
    const atomic_int *stop; /* ends long proofs once it is not 0 (RF_INTERRUPTED); may be NULL */
};
/* Adds the public key in the file. RF_STORAGE: cannot be read; RF_USAGE: no such key, or a secret one. */
RF_MUST_USE enum rf_code rf_trust_add(struct rf_trust *trust, const char *path,
                                      struct rf_error *error);
bool rf_trust_has(const struct rf_trust *trust, const uint8_t key[RF_PUBLIC_KEY_SIZE]);
void rf_trust_release(struct rf_trust *trust);

/* "ed25519:" and the first 16 hexadecimal digits, for messages. */
#define RF_KEY_TEXT 25
const char *rf_key_text(const uint8_t key[RF_PUBLIC_KEY_SIZE], char text[RF_KEY_TEXT]);
/* The fingerprint: "ed25519:" and all 64 digits. */
#define RF_KEY_FINGERPRINT 73
const char *rf_key_fingerprint(const uint8_t key[RF_PUBLIC_KEY_SIZE],
                               char text[RF_KEY_FINGERPRINT]);

#endif
