#include "replay/uuid.h"

#include <string.h>

/* The value of a lower case digit, above 15 for anything else. */
static unsigned digit_of(uint8_t c) {
    if (c >= '0' && c <= '9') {
        return c - (unsigned)'0';
    }
    return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 16;
}

bool rf_uuid_of_text(const uint8_t *text, size_t size, uint8_t uuid[RF_UUID_BYTES]) {
    if (size != RF_UUID_TEXT_BYTES) {
        return false;
    }
    const uint8_t *at = text;
    for (unsigned i = 0; i < RF_UUID_BYTES; i++, at += 2) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        if (dash && *at++ != '-') {
            return false;
        }
        unsigned high = digit_of(at[0]), low = digit_of(at[1]);
        if (high > 15 || low > 15) {
            return false;
        }
        uuid[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool rf_uuid_of_blob(const uint8_t *blob, size_t size, uint8_t uuid[RF_UUID_BYTES]) {
    if (size != RF_UUID_BYTES) {
        return false;
    }
    memcpy(uuid, blob, RF_UUID_BYTES);
    return true;
}
