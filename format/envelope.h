/* What manifests and folds have in common as files (SPEC.md, "Envelope"): a compressed body, a
 * signature where somebody signed, and a checksum of all. Inner header of format/. */
#ifndef RF_FORMAT_ENVELOPE_H
#define RF_FORMAT_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/error.h"
#include "format/key.h"

#define RF_ENVELOPE_MAGIC_SIZE 8u
#define RF_ENVELOPE_BODY_MAX (512u << 20)
#define RF_ENVELOPE_FILE_MAX (600u << 20)
/* A body of more bytes than the first is at most so many times as large as its frame: what little a
 * stranger sends does not take much memory. A writer leaves uncompressed what would be larger. */
#define RF_ENVELOPE_BODY_FREE (16u << 20)
#define RF_ENVELOPE_RATIO_MAX 256u

/* Clears `out` first. `signer` may be NULL. */
RF_MUST_USE enum rf_code rf_envelope_encode(const char *magic, const struct rf_buffer *body,
                                            const struct rf_signer *signer, struct rf_buffer *out,
                                            struct rf_error *error);

/* Checks everything but the signature's worth. `what` names the file in messages ("a manifest"). The body
 * is the caller's to free. RF_CORRUPT, RF_MISPLACED for a newer version. */
RF_MUST_USE enum rf_code rf_envelope_open(const char *magic, const char *what, const void *bytes,
                                          size_t size, uint8_t **body, size_t *body_size,
                                          struct rf_signature *signature, struct rf_error *error);
RF_MUST_USE enum rf_code rf_envelope_corrupt(const char *what, const char *why,
                                             struct rf_error *error);
/* The same, with the place in the file. */
RF_MUST_USE enum rf_code rf_envelope_corrupt_at(const char *what, const char *why, size_t offset,
                                                struct rf_error *error);
/* RF_CORRUPT for a signature that does not hold, and where keys are trusted for one that is none of theirs or not
 * there. `trust` may be NULL. */
RF_MUST_USE enum rf_code rf_signature_demand(const struct rf_signature *signature,
                                             const struct rf_trust *trust, const char *what,
                                             struct rf_error *error);

#endif
