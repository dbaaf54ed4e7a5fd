#include "format/sha256.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rf_sha256 {
    EVP_MD_CTX *context;
    bool failed;
};

struct rf_sha256 *rf_sha256_new(void) {
    struct rf_sha256 *sha256 = calloc(1, sizeof *sha256);
    if (sha256) {
        sha256->context = EVP_MD_CTX_new();
    }
    if (!sha256 || !sha256->context || !EVP_DigestInit_ex(sha256->context, EVP_sha256(), NULL)) {
        rf_sha256_free(sha256);
        return NULL;
    }
    return sha256;
}

void rf_sha256_free(struct rf_sha256 *sha256) {
    if (sha256) {
        EVP_MD_CTX_free(sha256->context);
        free(sha256);
    }
}

void rf_sha256_add(struct rf_sha256 *sha256, const void *bytes, size_t size) {
    sha256->failed |= !EVP_DigestUpdate(sha256->context, bytes, size);
}

void rf_sha256_result(struct rf_sha256 *sha256, uint8_t digest[RF_SHA256_SIZE]) {
    if (sha256->failed || !EVP_DigestFinal_ex(sha256->context, digest, NULL)) {
        memset(digest, 0, RF_SHA256_SIZE);
    }
}

void rf_sha256_bytes(const void *bytes, size_t size, uint8_t digest[RF_SHA256_SIZE]) {
    if (!EVP_Digest(bytes, size, digest, NULL, EVP_sha256(), NULL)) {
        memset(digest, 0, RF_SHA256_SIZE);
    }
}

const char *rf_sha256_text(const uint8_t digest[RF_SHA256_SIZE], char text[RF_SHA256_HEX]) {
    for (size_t i = 0; i < RF_SHA256_SIZE; i++) {
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    return text;
}
