/* JSON's tokens and their order, for those who check it and those who take it apart. */
#ifndef RF_REPLAY_JSON_INNER_H
#define RF_REPLAY_JSON_INNER_H

#include "replay/json.h"

enum rf_json_token {
    RF_JSON_BAD, /* no token */
    RF_JSON_END, /* of the text */
    RF_JSON_OBJECT,
    RF_JSON_OBJECT_END,
    RF_JSON_ARRAY,
    RF_JSON_ARRAY_END,
    RF_JSON_COMMA,
    RF_JSON_COLON,
    RF_JSON_STRING,
    RF_JSON_NUMBER,
    RF_JSON_WORD, /* true, false, null */
};

struct rf_json_reader {
    const uint8_t *at, *end;
    /* The token that was read: a string with its quotes. */
    const uint8_t *token;
    size_t size;
    bool escaped; /* a string has a backslash in it */
    bool key;     /* it is the key of a member */
    /* Where in the grammar the reader is. */
    enum { RF_JSON_VALUE, RF_JSON_FIRST, RF_JSON_KEY, RF_JSON_MIDDLE, RF_JSON_AFTER } place;
    uint32_t depth;
    uint8_t objects[(RF_JSON_DEPTH_MAX + 7) / 8]; /* bit: that level is an object, not an array */
};

void rf_json_start(struct rf_json_reader *reader, const uint8_t *text, size_t size);
/* The next token, if it may stand there; RF_JSON_END only behind a whole value. */
enum rf_json_token rf_json_next(struct rf_json_reader *reader);

/* A number as numeric writes it. */
struct rf_json_number {
    const uint8_t *digits; /* with the point among them, behind `before` of them */
    size_t before, count;
    bool negative; /* and not 0 */
    int64_t skip;  /* zeros before the first digit that counts */
    int64_t point; /* digits before the decimal point, of count; may be negative or more */
    int64_t shown; /* digits behind it */
};
/* False for what numeric cannot hold. */
bool rf_json_number_read(const uint8_t *token, size_t size, struct rf_json_number *number);
/* Writes it to `to`, if that is not NULL. Returns its bytes. */
size_t rf_json_number_write(const struct rf_json_number *number, uint8_t *to);

/* The characters that a string stands for, as UTF-8 (`escape` false) or as jsonb writes them, quotes
 * and all (true), to `to`, if that is not NULL. False where the string has what jsonb cannot hold. */
bool rf_json_string_write(const uint8_t *token, size_t size, bool escape, uint8_t *to,
                          size_t *written);

#endif
