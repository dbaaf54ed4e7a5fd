/* File: magic, u32 version, u32 size of the body, u32 size of the frame, a zstd frame of the body, u8
 * whether it is signed, then key and signature if so, u64 checksum of all before. What is signed are
 * the bytes up to the end of the frame, behind a line that says what they are for. */
#include "format/envelope.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "format/hash.h"
#include "format/layout.h"

#define START 20u
#define SIGNED_SIZE (RF_PUBLIC_KEY_SIZE + RF_SIGNATURE_SIZE)
static const char purpose[] = "rowferry signature 1\n";

static bool is_bomb(size_t body_size, size_t frame_size) {
    return body_size > RF_ENVELOPE_BODY_FREE && body_size / RF_ENVELOPE_RATIO_MAX > frame_size;
}

/* A zstd frame of blocks that are as they were (RFC 8878, 3.1.1). */
static void store(const struct rf_buffer *body, struct rf_buffer *out) {
    enum { BLOCK = 128 << 10, LAST = 1 };
    rf_buffer_u32(out, ZSTD_MAGICNUMBER);
    rf_buffer_u8(out, 0xa0); /* one segment, whose size has four bytes */
    rf_buffer_u32(out, (uint32_t)body->size);
    for (size_t at = 0; at < body->size; at += BLOCK) {
        size_t left = body->size - at;
        uint32_t size = left < BLOCK ? (uint32_t)left : BLOCK;
        uint32_t head = size << 3 | (size == left ? LAST : 0);
        const uint8_t bytes[3] = {(uint8_t)head, (uint8_t)(head >> 8), (uint8_t)(head >> 16)};
        rf_buffer_append(out, bytes, sizeof bytes);
        rf_buffer_append(out, body->bytes + at, size);
    }
}

static enum rf_code compress(const struct rf_buffer *body, struct rf_buffer *out,
                             struct rf_error *error) {
    size_t bound = ZSTD_compressBound(body->size);
    size_t before = out->size;
    if (!rf_buffer_extend(out, bound)) {
        return rf_fail_memory(error);
    }
    size_t size = ZSTD_compress(out->bytes + before, bound, body->bytes, body->size, 3);
    if (ZSTD_isError(size)) {
        return rf_fail(error, RF_FAILED, "zstd cannot compress a manifest: %s",
                       ZSTD_getErrorName(size));
    }
    out->size = before + size;
    if (is_bomb(body->size, size)) {
        out->size = before;
        store(body, out);
    }
    if (!out->failed) {
        rf_store_u32(out->bytes + START - 4, (uint32_t)(out->size - before));
    }
    return rf_buffer_check(out, error);
}

static void append_signed(const void *bytes, size_t size, struct rf_buffer *message) {
    rf_buffer_append(message, purpose, sizeof purpose - 1);
    rf_buffer_append(message, bytes, size);
}

static enum rf_code sign(const struct rf_signer *signer, struct rf_buffer *out,
                         struct rf_error *error) {
    uint8_t signature[RF_SIGNATURE_SIZE];
    struct rf_buffer message = {0};
    append_signed(out->bytes, out->size, &message);
    enum rf_code code = rf_buffer_check(&message, error);
    if (code == RF_OK) {
        code = rf_signer_sign(signer, message.bytes, message.size, signature, error);
    }
    rf_buffer_release(&message);
    if (code == RF_OK) {
        rf_buffer_u8(out, 1);
        rf_buffer_append(out, rf_signer_public(signer), RF_PUBLIC_KEY_SIZE);
        rf_buffer_append(out, signature, sizeof signature);
    }
    return code;
}

enum rf_code rf_envelope_encode(const char *magic, const struct rf_buffer *body,
                                const struct rf_signer *signer, struct rf_buffer *out,
                                struct rf_error *error) {
    rf_buffer_clear(out);
    if (body->size > RF_ENVELOPE_BODY_MAX) {
        return rf_fail(error, RF_FAILED, "the schema is too large for a manifest (%zu bytes)",
                       body->size);
    }
    rf_buffer_append(out, magic, RF_ENVELOPE_MAGIC_SIZE);
    rf_buffer_u32(out, RF_FORMAT_VERSION);
    rf_buffer_u32(out, (uint32_t)body->size);
    rf_buffer_u32(out, 0);
    enum rf_code code = rf_buffer_check(out, error);
    if (code == RF_OK) {
        code = compress(body, out, error);
    }
    if (code == RF_OK && signer) {
        code = sign(signer, out, error);
    } else if (code == RF_OK) {
        rf_buffer_u8(out, 0);
    }
    if (code == RF_OK) {
        rf_buffer_u64(out, rf_checksum(out->bytes, out->size));
        code = rf_buffer_check(out, error);
    }
    return code;
}

enum rf_code rf_envelope_corrupt(const char *what, const char *why, struct rf_error *error) {
    rf_fail(error, RF_CORRUPT, "%s %s", what, why);
    rf_hint(error, "copy this file again from the repository that it was captured into.");
    return RF_CORRUPT;
}

enum rf_code rf_envelope_corrupt_at(const char *what, const char *why, size_t offset,
                                    struct rf_error *error) {
    enum rf_code code = rf_envelope_corrupt(what, why, error);
    rf_detail(error, "at byte %zu", offset);
    return code;
}

/* Where the parts of the file are. */
struct parts {
    uint32_t body_size, frame_size;
    const uint8_t *frame;
    const uint8_t *signature; /* key, signature; NULL where nobody signed */
};

static enum rf_code find_parts(const char *magic, const char *what, const uint8_t *bytes,
                               size_t size, struct parts *parts, struct rf_error *error) {
    if (size < START + 1 + 8 || memcmp(bytes, magic, RF_ENVELOPE_MAGIC_SIZE) != 0) {
        return rf_envelope_corrupt_at(what, "is cut short or is none",
                                      size < START + 1 + 8 ? size : 0, error);
    }
    uint32_t version = rf_load_u32(bytes + 8);
    if (version > RF_FORMAT_VERSION) {
        rf_fail(error, RF_MISPLACED, "%s is of format version %u, this rowferry reads version %u",
                what, version, RF_FORMAT_VERSION);
        rf_hint(error, "use the rowferry that wrote it, or a newer one.");
        return RF_MISPLACED;
    }
    size_t checked = size - 8;
    if (rf_checksum(bytes, checked) != rf_load_u64(bytes + checked)) {
        return rf_envelope_corrupt_at(what, "fails its checksum", checked, error);
    }
    *parts = (struct parts){.body_size = rf_load_u32(bytes + 12),
                            .frame_size = rf_load_u32(bytes + 16),
                            .frame = bytes + START};
    size_t behind = checked - START;
    bool fits = version == RF_FORMAT_VERSION && parts->frame_size < behind;
    behind -= fits ? parts->frame_size : 0;
    uint8_t is_signed = fits ? parts->frame[parts->frame_size] : 0;
    if (!fits || is_signed > 1 || behind != 1 + (is_signed ? SIGNED_SIZE : 0) ||
        parts->body_size > RF_ENVELOPE_BODY_MAX || is_bomb(parts->body_size, parts->frame_size) ||
        ZSTD_getFrameContentSize(parts->frame, parts->frame_size) != parts->body_size ||
        ZSTD_findFrameCompressedSize(parts->frame, parts->frame_size) != parts->frame_size) {
        return rf_envelope_corrupt_at(what, "is of another size than it says", START - 8, error);
    }
    parts->signature = is_signed ? parts->frame + parts->frame_size + 1 : NULL;
    return RF_OK;
}

static enum rf_code weigh(const uint8_t *bytes, const struct parts *parts,
                          struct rf_signature *signature, struct rf_error *error) {
    *signature = (struct rf_signature){.is_signed = parts->signature};
    if (!parts->signature) {
        return RF_OK;
    }
    memcpy(signature->key, parts->signature, RF_PUBLIC_KEY_SIZE);
    struct rf_buffer message = {0};
    append_signed(bytes, START + parts->frame_size, &message);
    enum rf_code code = rf_buffer_check(&message, error);
    signature->holds =
        code == RF_OK && rf_signature_holds(signature->key, message.bytes, message.size,
                                            parts->signature + RF_PUBLIC_KEY_SIZE);
    rf_buffer_release(&message);
    return code;
}

enum rf_code rf_envelope_open(const char *magic, const char *what, const void *bytes, size_t size,
                              uint8_t **body, size_t *body_size, struct rf_signature *signature,
                              struct rf_error *error) {
    struct parts parts = {0};
    *body = NULL;
    enum rf_code code = find_parts(magic, what, bytes, size, &parts, error);
    if (code == RF_OK) {
        code = weigh(bytes, &parts, signature, error);
    }
    if (code == RF_OK && !(*body = malloc((size_t)parts.body_size + 1))) {
        code = rf_fail_memory(error);
    }
    if (code != RF_OK) {
        return code;
    }
    *body_size = parts.body_size;
    if (ZSTD_decompress(*body, *body_size, parts.frame, parts.frame_size) != *body_size) {
        free(*body);
        *body = NULL;
        return rf_envelope_corrupt_at(what, "cannot be decompressed", START, error);
    }
    return RF_OK;
}

enum rf_code rf_signature_demand(const struct rf_signature *signature, const struct rf_trust *trust,
                                 const char *what, struct rf_error *error) {
    char key[RF_KEY_TEXT];
    bool broken = signature->is_signed && !signature->holds;
    if (!broken && (!trust || (signature->is_signed && rf_trust_has(trust, signature->key)))) {
        return RF_OK;
    }
    if (!signature->is_signed) {
        rf_fail(error, RF_CORRUPT, "%s is not signed, and only what a trusted key signed is taken",
                what);
        rf_hint(error, "capture with --sign-key, or leave out --trusted-key (trusted_keys in the "
                       "configuration file).");
    } else if (!signature->holds) {
        rf_fail(error, RF_CORRUPT, "%s was changed after it was signed", what);
        rf_detail(error, "the signature is not that of %s", rf_key_text(signature->key, key));
        rf_hint(error,
                "somebody on the way has changed it; get it anew from where it was captured.");
    } else {
        rf_fail(error, RF_CORRUPT, "%s is signed by %s, which is not trusted", what,
                rf_key_text(signature->key, key));
        rf_hint(error, "name the public half of that key with --trusted-key, if it is to be "
                       "trusted.");
    }
    return RF_CORRUPT;
}
