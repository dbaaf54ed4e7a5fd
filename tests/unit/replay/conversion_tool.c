/* Converts the values it is given, one a line, so that test_conversions.py can compare with a real
 * server what comes out. Words are separated by tabs; P and S may be left out:
 *
 *     numeric-integer N [P S]       numeric-real HEXFLOAT [P S]       numeric-text TEXT [P S]
 *     short HEXFLOAT                "DIGITS SCALE"
 *     ENCODING integer N            ENCODING real HEXFLOAT            ENCODING text TEXT
 *     uuid-text TEXT                uuid-blob HEX
 *     spelling TEXT…                the one pattern of all of them
 *     as CLASS VALUE SPEC           VALUE as above, but of texts and blobs in hexadecimal digits
 *     width CLASS VALUE SPEC        how many such columns a row can have
 *     facts SPEC                    "NAME|TYPE|OID|FIXED|ALIGN|HASH_FUNCTION"
 *
 * The answer is a field in hexadecimal digits without its length, or "refused: REASON". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/conversion.h"
#include "replay/encode.h"
#include "replay/instant.h"
#include "replay/numeric.h"
#include "replay/spelling.h"
#include "replay/uuid.h"

#define WORDS_MAX 64

struct words {
    int count;
    char *word[WORDS_MAX];
};

static struct words split(char *line) {
    struct words words = {.count = 0};
    line[strcspn(line, "\n")] = 0;
    while (line && words.count < WORDS_MAX) {
        words.word[words.count++] = strsep(&line, "\t");
    }
    return words;
}

static void print_hex(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        printf("%02x", bytes[i]);
    }
    putchar('\n');
}

static size_t read_hex(const char *digits, uint8_t *bytes) {
    size_t size = strlen(digits) / 2;
    for (size_t i = 0; i < size; i++) {
        const char pair[] = {digits[2 * i], digits[2 * i + 1], 0};
        bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return size;
}

static void refuse(const char *reason) {
    printf("refused: %s\n", reason);
}

static void answer_numeric(const struct words *words) {
    static struct rf_buffer out;
    const char *kind = words->word[0] + strlen("numeric-"), *value = words->word[1];
    struct rf_numeric_bound bound, *bounded = NULL;
    if (words->count == 4) {
        bound.precision = (uint16_t)strtoul(words->word[2], NULL, 10);
        bound.scale = (uint16_t)strtoul(words->word[3], NULL, 10);
        bounded = &bound;
    }
    enum rf_numeric_fit fit, look;
    rf_buffer_clear(&out);
    if (strcmp(kind, "integer") == 0) {
        fit = rf_numeric_put_integer(strtoll(value, NULL, 10), bounded, &out);
        look = rf_numeric_put_integer(strtoll(value, NULL, 10), bounded, NULL);
    } else if (strcmp(kind, "real") == 0) {
        fit = rf_numeric_put_real(strtod(value, NULL), bounded, &out);
        look = rf_numeric_put_real(strtod(value, NULL), bounded, NULL);
    } else {
        fit = rf_numeric_put_text((const uint8_t *)value, strlen(value), bounded, &out);
        look = rf_numeric_put_text((const uint8_t *)value, strlen(value), bounded, NULL);
    }
    if (fit != look || (fit == RF_NUMERIC_FITS) != (out.size > 0)) {
        refuse("looking and putting disagree");
    } else if (fit != RF_NUMERIC_FITS) {
        refuse(rf_numeric_reason(fit));
    } else if (rf_load_be32(out.bytes) != out.size - 4) {
        refuse("a wrong length");
    } else {
        print_hex(out.bytes + 4, out.size - 4);
    }
}

static void answer_short(const struct words *words) {
    struct rf_short_decimal decimal;
    if (rf_short_decimal_of(strtod(words->word[1], NULL), &decimal)) {
        printf("%" PRId64 " %u\n", decimal.digits, decimal.scale);
    } else {
        refuse("none");
    }
}

static void answer_uuid(const struct words *words) {
    uint8_t uuid[RF_UUID_BYTES], blob[64];
    const char *value = words->word[1];
    size_t size = strlen(value);
    bool fits;
    if (strcmp(words->word[0], "uuid-text") == 0) {
        fits = rf_uuid_of_text((const uint8_t *)value, size, uuid);
    } else {
        size = size / 2 <= sizeof blob ? read_hex(value, blob) : 0;
        fits = rf_uuid_of_blob(blob, size, uuid);
    }
    if (fits) {
        print_hex(uuid, sizeof uuid);
    } else {
        refuse("no uuid");
    }
}

static void answer_spelling(const struct words *words) {
    struct rf_spelling_evidence evidence = {0};
    struct rf_spelling spelling, again;
    char text[RF_SPELLING_TEXT], text_again[RF_SPELLING_TEXT];
    struct rf_iso iso;
    for (int i = 1; i < words->count; i++) {
        const char *value = words->word[i];
        if (rf_iso_read((const uint8_t *)value, strlen(value), &iso) != RF_INSTANT_FITS) {
            refuse("not read");
            return;
        }
        rf_spelling_evidence_add(&evidence, &iso);
    }
    if (!rf_spelling_proven(&evidence, &spelling)) {
        refuse("mixed");
        return;
    }
    rf_spelling_print(&spelling, text);
    if (!rf_spelling_read(text, &again)) {
        refuse("the pattern cannot be read");
        return;
    }
    rf_spelling_print(&again, text_again);
    for (int i = 1; i < words->count; i++) {
        const char *value = words->word[i];
        if (rf_iso_read((const uint8_t *)value, strlen(value), &iso) != RF_INSTANT_FITS ||
            !rf_spelling_covers(&again, &iso)) {
            refuse("not covered");
            return;
        }
    }
    printf("%s\n", strcmp(text, text_again) == 0 ? text : "refused: another pattern");
}

static void answer_instant(const struct words *words) {
    enum rf_instant_encoding encoding;
    const char *class = words->word[1], *text = words->word[2];
    struct rf_value value = {.class = RF_INTEGER};
    if (words->count != 3 || !rf_instant_find(words->word[0], &encoding)) {
        refuse("not understood");
        return;
    }
    if (strcmp(class, "integer") == 0) {
        value.integer = strtoll(text, NULL, 10);
    } else if (strcmp(class, "real") == 0) {
        value.class = RF_REAL;
        value.real = strtod(text, NULL);
    } else {
        value.class = RF_TEXT;
        value.size = (uint32_t)strlen(text);
        value.bytes = (const uint8_t *)text;
    }
    int64_t result;
    enum rf_instant_fit fit = rf_instant_of(encoding, &value, &result);
    uint8_t bytes[8];
    if (fit != RF_INSTANT_FITS) {
        refuse(rf_instant_reason(fit));
    } else if (encoding == RF_INSTANT_ISO_DATE) {
        rf_put_be32(bytes, (uint32_t)result);
        print_hex(bytes, 4);
    } else {
        rf_put_be64(bytes, (uint64_t)result);
        print_hex(bytes, 8);
    }
}

static enum rf_class class_named(const char *name) {
    enum rf_class class = RF_INTEGER;
    while (class < RF_BLOB && strcmp(rf_class_name(class), name) != 0) {
        class ++;
    }
    return class;
}

static void answer_field(const struct rf_conversion *conversion,
                         const struct rf_column_cells *cells) {
    struct rf_buffer out = {0};
    enum rf_misfit misfit = conversion->put(conversion, cells, 0, false, &out);
    enum rf_misfit look = conversion->put(conversion, cells, 0, false, NULL);
    if (out.failed) {
        refuse("no memory");
    } else if (misfit != look || (misfit == RF_FITS) != (out.size > 0)) {
        refuse("looking and putting disagree");
    } else if (misfit != RF_FITS) {
        rf_buffer_u8(&out, 0);
        out.size--;
        rf_misfit_reason(misfit, cells->uniform, conversion, &out);
        rf_buffer_u8(&out, 0);
        refuse((const char *)out.bytes);
    } else if (rf_load_be32(out.bytes) != out.size - 4) {
        refuse("a wrong length");
    } else {
        print_hex(out.bytes + 4, out.size - 4);
    }
    rf_buffer_release(&out);
}

/* The most columns of that value that rf_encode_row lets into one row. */
static void answer_width(const struct rf_conversion *conversion,
                         const struct rf_column_cells *cells) {
    enum { COLUMNS_MAX = 1600 };
    static struct rf_encoder_column columns[COLUMNS_MAX];
    const struct rf_rows rows = {.shape.columns = 1, .count = 1, .cells = cells};
    struct rf_encoder encoder = {.columns = columns};
    struct rf_buffer out = {0};
    uint32_t column;
    for (uint32_t i = 0; i < COLUMNS_MAX; i++) {
        columns[i] = (struct rf_encoder_column){.conversion = conversion};
    }
    do {
        encoder.count++;
        rf_buffer_clear(&out);
    } while (encoder.count <= COLUMNS_MAX &&
             rf_encode_row(&encoder, &rows, 0, &out, &column) == RF_FITS);
    printf("%u\n", encoder.count - 1);
    rf_buffer_release(&out);
}

static void answer_facts(const struct words *words) {
    const struct rf_conversion *conversion;
    struct rf_arena arena = {0};
    struct rf_error error;
    if (rf_conversion_read(words->word[1], &arena, &conversion, &error) == RF_OK) {
        const char *hash = conversion->hash_function;
        printf("%s|%s|%u|%u|%u|%s\n", conversion->name, conversion->type, conversion->oid,
               conversion->fixed, conversion->align, hash ? hash : "");
    } else {
        printf("refused: %s: %s\n", error.what, error.detail);
    }
    rf_arena_release(&arena);
}

static void answer_spec(const struct words *words) {
    const struct rf_conversion *conversion;
    struct rf_arena arena = {0};
    struct rf_error error;
    const char *value = words->word[2];
    if (words->count != 4 ||
        rf_conversion_read(words->word[3], &arena, &conversion, &error) != RF_OK) {
        refuse("not understood");
        rf_arena_release(&arena);
        return;
    }
    uint64_t bits = 0;
    uint32_t size = 0;
    uint8_t *heap = calloc(1, strlen(value) + 1);
    struct rf_column_cells cells = {
        .uniform = class_named(words->word[1]), .bits = &bits, .size = &size, .heap = heap};
    if (cells.uniform == RF_INTEGER) {
        bits = (uint64_t)strtoll(value, NULL, 10);
    } else if (cells.uniform == RF_REAL) {
        double real = strtod(value, NULL);
        memcpy(&bits, &real, sizeof bits);
    } else {
        size = (uint32_t)read_hex(value, heap);
    }
    if (strcmp(words->word[0], "width") == 0) {
        answer_width(conversion, &cells);
    } else {
        answer_field(conversion, &cells);
    }
    free(heap);
    rf_arena_release(&arena);
}

static void answer(const struct words *words) {
    const char *what = words->word[0];
    if (words->count < 2) {
        refuse("not understood");
    } else if (strncmp(what, "numeric-", 8) == 0) {
        answer_numeric(words);
    } else if (strcmp(what, "short") == 0) {
        answer_short(words);
    } else if (strncmp(what, "uuid-", 5) == 0) {
        answer_uuid(words);
    } else if (strcmp(what, "as") == 0 || strcmp(what, "width") == 0) {
        answer_spec(words);
    } else if (strcmp(what, "facts") == 0) {
        answer_facts(words);
    } else if (strcmp(what, "spelling") == 0) {
        answer_spelling(words);
    } else {
        answer_instant(words);
    }
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        struct words words = split(line);
        answer(&words);
    }
    free(line);
    return 0;
}
