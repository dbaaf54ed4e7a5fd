#include "replay/mend.h"

#include <string.h>

#include "format/value.h"

/* How a character of several bytes may begin: which first bytes, how many follow, and the range of
 * the second (the Unicode standard's table 3-7). All further ones are 80 … bf. */
static const struct lead {
    uint8_t first, last;
    uint8_t more;
    uint8_t second_first, second_last;
} leads[] = {
    {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf}, {0xe1, 0xec, 2, 0x80, 0xbf},
    {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf}, {0xf0, 0xf0, 3, 0x90, 0xbf},
    {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

static const struct lead *lead_of(uint8_t byte) {
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++) {
        if (byte >= leads[i].first && byte <= leads[i].last) {
            return &leads[i];
        }
    }
    return NULL;
}

/* Bytes of the character, or of the bad sequence, that comes next; there is at least one byte. */
static size_t next(const uint8_t *at, size_t left, bool *good) {
    if (at[0] < 0x80) {
        *good = at[0] != 0;
        return 1;
    }
    *good = false;
    const struct lead *lead = lead_of(at[0]);
    if (!lead) {
        return 1;
    }
    uint8_t first = lead->second_first, last = lead->second_last;
    size_t size = 1;
    while (size <= lead->more && size < left && at[size] >= first && at[size] <= last) {
        size++;
        first = 0x80;
        last = 0xbf;
    }
    *good = size == (size_t)lead->more + 1;
    return size;
}

static bool is_hex(uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* \x00 or \x80 … \xff */
static bool has_escape(const uint8_t *text, size_t size) {
    const uint8_t *at = text, *end = text + size;
    while ((at = memmem(at, (size_t)(end - at), "\\x", 2)) != NULL) {
        at += 2;
        if (end - at >= 2 && is_hex(at[0]) && is_hex(at[1]) &&
            (at[0] >= '8' || (at[0] == '0' && at[1] == '0'))) {
            return true;
        }
    }
    return false;
}

bool rf_mend_changes(enum rf_mend mend, const uint8_t *text, size_t size, bool clean) {
    if (mend == RF_MEND_NOT) {
        return false;
    }
    if (!clean) {
        struct rf_text_facts facts = rf_text_inspect(text, size);
        if (!facts.valid_utf8 || facts.has_nul) {
            return true;
        }
    }
    return mend == RF_MEND_ESCAPE && has_escape(text, size);
}

/* Puts what a bad sequence becomes at `to`, if that is not NULL. */
static size_t mend_sequence(enum rf_mend mend, const uint8_t *bad, size_t size, uint8_t *to) {
    static const char digits[] = "0123456789abcdef";
    static const uint8_t replacement[] = {0xef, 0xbf, 0xbd};
    switch (mend) {
    case RF_MEND_NOT:
    case RF_MEND_STRIP:
        return 0;
    case RF_MEND_REPLACE:
        if (to) {
            memcpy(to, replacement, sizeof replacement);
        }
        return sizeof replacement;
    case RF_MEND_ESCAPE:
        break;
    }
    for (size_t i = 0; to && i < size; i++) {
        *to++ = '\\';
        *to++ = 'x';
        *to++ = (uint8_t)digits[bad[i] >> 4];
        *to++ = (uint8_t)digits[bad[i] & 15];
    }
    return 4 * size;
}

static void add_bad(struct rf_mended *mended, enum rf_mend mend, const uint8_t *bad, size_t size,
                    uint8_t *to) {
    size_t count = mend_sequence(mend, bad, size, to ? to + mended->bytes : NULL);
    mended->characters += mend == RF_MEND_REPLACE ? 1 : count;
    mended->ends_in_space = count == 0 && mended->ends_in_space;
    mended->bytes += count;
}

static void add_character(struct rf_mended *mended, const uint8_t *bytes, size_t size,
                          uint8_t *to) {
    if (to) {
        memcpy(to + mended->bytes, bytes, size);
    }
    mended->characters++;
    mended->ends_in_space = bytes[0] == ' ';
    mended->bytes += size;
}

struct rf_mended rf_mend_write(enum rf_mend mend, const uint8_t *text, size_t size, uint8_t *to) {
    struct rf_mended mended = {.bytes = 0};
    for (size_t i = 0; i < size;) {
        bool good;
        size_t taken = next(text + i, size - i, &good);
        if (good) {
            add_character(&mended, text + i, taken, to);
        } else {
            add_bad(&mended, mend, text + i, taken, to);
        }
        if (text[i] == '\\' && mend == RF_MEND_ESCAPE) {
            add_character(&mended, text + i, taken, to);
        }
        i += taken;
    }
    return mended;
}
