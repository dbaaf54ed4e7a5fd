/* Writing values out, and knowing when a value cannot be written. */
#include "tools/literal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/render.h"
#include "tools/text.h"

#define PIECE ((size_t)2048) /* bytes of a value that are turned into text at a time */

/* ---- pieces ---- */

static void put(struct rf_output *output, const char *text) {
    rf_output_bytes(output, text, strlen(text));
}

static void put_hex(struct rf_output *output, const uint8_t *bytes, size_t size) {
    static const char digits[] = "0123456789abcdef";
    char text[2 * PIECE];
    while (size > 0) {
        size_t count = size < PIECE ? size : PIECE;
        for (size_t i = 0; i < count; i++) {
            text[2 * i] = digits[bytes[i] >> 4];
            text[2 * i + 1] = digits[bytes[i] & 15];
        }
        rf_output_bytes(output, text, 2 * count);
        bytes += count;
        size -= count;
    }
}

/* The bytes with every `quote` doubled. */
static void put_doubled(struct rf_output *output, const uint8_t *bytes, size_t size, char quote) {
    while (size > 0) {
        size_t most = size < 32 * PIECE ? size : 32 * PIECE;
        const uint8_t *found = memchr(bytes, quote, most);
        size_t count = found ? (size_t)(found - bytes) + 1 : most;
        rf_output_bytes(output, bytes, count);
        if (found) {
            rf_output_bytes(output, &quote, 1);
        }
        bytes += count;
        size -= count;
    }
}

static void put_quoted(struct rf_output *output, const uint8_t *bytes, size_t size, char quote) {
    rf_output_bytes(output, &quote, 1);
    put_doubled(output, bytes, size, quote);
    rf_output_bytes(output, &quote, 1);
}

void rf_literal_sql_name(struct rf_output *output, const char *name) {
    put_quoted(output, (const uint8_t *)name, strlen(name), '"');
}

/* The fewest digits that strtod reads back as the same number. */
static const char *shortest(double real, char text[40]) {
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 40, "%.*g", digits, real);
        if (strtod(text, NULL) == real) {
            break;
        }
    }
    return text;
}

/* What looks like an integer gets a fraction, so that it is a real to every reader. */
static const char *with_fraction(char text[40]) {
    if (!strpbrk(text, ".en")) {
        memcpy(text + strlen(text), ".0", sizeof ".0");
    }
    return text;
}

/* ---- JSON ---- */

static void put_json_escaped(struct rf_output *output, uint32_t code) {
    static const char escaped[] = "\"\\\n\t\r", letters[] = "\"\\ntr";
    const char *found = code < 0x80 && code > 0 ? strchr(escaped, (int)code) : NULL;
    if (found) {
        rf_output_printf(output, "\\%c", letters[found - escaped]);
    } else {
        rf_output_printf(output, "\\u%04x", code);
    }
}

/* What JSON asks for, and what terminals and readers of lines take for more than text: U+007F to
 * U+009F, U+2028, U+2029. Returns the size in bytes of what must be escaped, 0 for what stands for
 * itself. */
static size_t json_special(const uint8_t *at, size_t left, uint32_t *code) {
    if (at[0] < 0x20 || at[0] == '"' || at[0] == '\\' || at[0] == 0x7f) {
        *code = at[0];
        return 1;
    }
    bool control = left >= 2 && at[0] == 0xc2 && at[1] <= 0x9f;
    bool line = left >= 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9);
    return control || line ? rf_utf8_next(at, left, code) : 0;
}

/* Of valid UTF-8. */
static void put_json_text(struct rf_output *output, const uint8_t *bytes, size_t size) {
    put(output, "\"");
    for (size_t i = 0; i < size;) {
        uint32_t code = 0;
        size_t special = 0, end = i;
        while (end < size && end - i < PIECE &&
               (special = json_special(bytes + end, size - end, &code)) == 0) {
            end++;
        }
        rf_output_bytes(output, bytes + i, end - i);
        if (special > 0) {
            put_json_escaped(output, code);
        }
        i = end + special;
    }
    put(output, "\"");
}

void rf_literal_json_name(struct rf_output *output, const char *name) {
    const uint8_t *at = (const uint8_t *)name;
    size_t left = strlen(name);
    if (rf_utf8_valid(name)) {
        put_json_text(output, at, left);
        return;
    }
    struct rf_buffer escaped = {0};
    while (left > 0) {
        uint32_t code;
        size_t size = rf_utf8_next(at, left, &code);
        if (size == 0) {
            rf_buffer_printf(&escaped, "\\x%02x", *at);
        } else {
            rf_buffer_append(&escaped, at, size);
        }
        if (*at == '\\') {
            rf_buffer_u8(&escaped, '\\');
        }
        at += size > 0 ? size : 1;
        left -= size > 0 ? size : 1;
    }
    put_json_text(output, escaped.bytes, escaped.size);
    output->pending.failed |= escaped.failed;
    rf_buffer_release(&escaped);
}

static void put_json_real(struct rf_output *output, double real) {
    char text[40];
    if (isfinite(real)) {
        shortest(real, text);
        put(output, with_fraction(text));
    } else {
        put(output, real > 0 ? "{\"real\":\"inf\"}" : "{\"real\":\"-inf\"}");
    }
}

static void put_json_hex(struct rf_output *output, const char *member,
                         const struct rf_value *value) {
    rf_output_printf(output, "{\"%s\":\"", member);
    put_hex(output, value->bytes, value->size);
    put(output, "\"}");
}

void rf_literal_json(struct rf_output *output, const struct rf_value *value) {
    switch (value->class) {
    case RF_NULL:
        put(output, "null");
        break;
    case RF_INTEGER:
        rf_output_printf(output, "%" PRId64, value->integer);
        break;
    case RF_REAL:
        put_json_real(output, value->real);
        break;
    case RF_TEXT:
        if (rf_text_inspect(value->bytes, value->size).valid_utf8) {
            put_json_text(output, value->bytes, value->size);
        } else {
            put_json_hex(output, "text", value);
        }
        break;
    case RF_BLOB:
        put_json_hex(output, "blob", value);
        break;
    }
}

/* ---- people ---- */

/* Where a text may be cut: not within a character. */
static uint32_t cut_text(const struct rf_value *value, uint32_t most) {
    uint32_t size = most > 0 && value->size > most ? most : value->size;
    while (size > 0 && size < value->size && (value->bytes[size] & 0xc0) == 0x80) {
        size--;
    }
    return size;
}

static void put_people_text(struct rf_output *output, const struct rf_value *value, uint32_t size) {
    char piece[PIECE + 1];
    put(output, "'");
    for (uint32_t i = 0; i < size;) {
        uint32_t count = 0;
        while (i + count < size && count < PIECE && value->bytes[i + count] != 0 &&
               (count < PIECE - 4 || (value->bytes[i + count] & 0xc0) == 0x80)) {
            count++;
        }
        memcpy(piece, value->bytes + i, count);
        piece[count] = 0;
        rf_output_name(output, piece);
        i += count;
        if (i < size && value->bytes[i] == 0) {
            put(output, "\\x00");
            i++;
        }
    }
    put(output, "'");
}

void rf_literal_people(struct rf_output *output, const struct rf_value *value, uint32_t most) {
    uint32_t size = 0;
    if (value->class == RF_TEXT) {
        size = cut_text(value, most);
        put_people_text(output, value, size);
    } else if (value->class == RF_BLOB) {
        size = most > 0 && value->size > most ? most : value->size;
        put(output, "x'");
        put_hex(output, value->bytes, size);
        put(output, "'");
    } else if (value->class == RF_REAL && !isfinite(value->real)) {
        put(output, value->real > 0 ? "inf" : "-inf");
    } else if (value->class == RF_NULL) {
        put(output, "NULL");
    } else {
        rf_literal_json(output, value);
    }
    if (size < value->size) {
        rf_output_printf(output, "… (%" PRIu32 " bytes)", value->size);
    }
}

/* ---- sqlite3: what it would alter ---- */

enum rf_text_form rf_text_form_of(const struct rf_manifest *manifest) {
    return strcmp(manifest->encoding, "UTF-16le") == 0   ? RF_TEXT_UTF16LE
           : strcmp(manifest->encoding, "UTF-16be") == 0 ? RF_TEXT_UTF16BE
                                                         : RF_TEXT_UTF8;
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static size_t count_digits(const uint8_t *at, const uint8_t *end) {
    const uint8_t *start = at;
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return (size_t)(at - start);
}

/* What SQLite makes a number of where the column's affinity asks for one. */
static bool looks_numeric(const struct rf_value *value) {
    const uint8_t *at = value->bytes;
    const uint8_t *end = at + value->size;
    while (at < end && is_space(*at)) {
        at++;
    }
    while (end > at && is_space(end[-1])) {
        end--;
    }
    at += at < end && (*at == '+' || *at == '-');
    size_t digits = count_digits(at, end);
    at += digits;
    if (at < end && *at == '.') {
        size_t fraction = count_digits(at + 1, end);
        digits += fraction;
        at += 1 + fraction;
    }
    if (digits > 0 && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        size_t exponent = count_digits(at, end);
        digits = exponent > 0 ? digits : 0;
        at += exponent;
    }
    return digits > 0 && at == end;
}

/* A real that a column of integers would keep as an integer. */
static bool looks_integer(double real) {
    return real >= -9223372036854775808.0 && real < 9223372036854775808.0 &&
           (double)(int64_t)real == real;
}

static bool survives(const struct rf_value *value, enum rf_affinity affinity) {
    switch (affinity) {
    case RF_AFFINITY_BLOB:
        return true;
    case RF_AFFINITY_TEXT:
        return value->class != RF_INTEGER && value->class != RF_REAL;
    case RF_AFFINITY_REAL:
        return value->class != RF_INTEGER && !(value->class == RF_TEXT && looks_numeric(value));
    default:
        return !(value->class == RF_REAL && looks_integer(value->real)) &&
               !(value->class == RF_TEXT && looks_numeric(value));
    }
}

/* ---- sqlite3: text of UTF-16 databases, as the archives have it ---- */

/* A surrogate by itself, as three bytes; 0 where there is none. */
static uint32_t lone_surrogate(const uint8_t *at, size_t left) {
    bool is = left >= 3 && at[0] == 0xed && (at[1] & 0xe0) == 0xa0 && (at[2] & 0xc0) == 0x80;
    return is ? 0xd000u | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu) : 0;
}

static size_t next_utf16(const uint8_t *at, size_t left, uint32_t *code) {
    size_t size = rf_utf8_next(at, left, code);
    if (size == 0) {
        *code = lone_surrogate(at, left);
        size = *code ? 3 : 0;
    }
    return size;
}

static bool is_utf16(const struct rf_value *value) {
    for (size_t i = 0; i < value->size;) {
        uint32_t code;
        size_t size = next_utf16(value->bytes + i, value->size - i, &code);
        if (size == 0) {
            return false;
        }
        i += size;
    }
    return true;
}

static void put_unit(struct rf_output *output, uint32_t unit, enum rf_text_form form) {
    uint8_t bytes[2] = {(uint8_t)unit, (uint8_t)(unit >> 8)};
    if (form == RF_TEXT_UTF16BE) {
        bytes[0] = (uint8_t)(unit >> 8);
        bytes[1] = (uint8_t)unit;
    }
    put_hex(output, bytes, 2);
}

static void put_utf16(struct rf_output *output, const struct rf_value *value,
                      enum rf_text_form form) {
    for (size_t i = 0; i < value->size;) {
        uint32_t code;
        i += next_utf16(value->bytes + i, value->size - i, &code);
        if (code > 0xffff) {
            put_unit(output, 0xd800 + ((code - 0x10000) >> 10), form);
            put_unit(output, 0xdc00 + ((code - 0x10000) & 0x3ff), form);
        } else {
            put_unit(output, code, form);
        }
    }
}

/* ---- sqlite3: values ---- */

const char *rf_literal_sqlite_refusal(const struct rf_value *value, const struct rf_table *table,
                                      uint32_t column, enum rf_text_form form) {
    bool is_alias = table->alias >= 0 && column == (uint32_t)table->alias;
    if (!table->strict && !is_alias &&
        !survives(value, rf_affinity_of(table->columns[column].declared))) {
        return "SQLite would store it in another storage class";
    }
    if (form != RF_TEXT_UTF8 && value->class == RF_TEXT && !is_utf16(value)) {
        return "it is not made of whole units of UTF-16";
    }
    return NULL;
}

/* The shell drops a carriage return before a line feed and ends a line at a NUL; a database in
 * UTF-16 takes U+FFFE and U+FFFF, which begin with EF like others, for something else. */
static bool can_quote(const struct rf_value *value, enum rf_text_form form) {
    struct rf_text_facts facts = rf_text_inspect(value->bytes, value->size);
    return facts.valid_utf8 && !facts.has_nul && !memchr(value->bytes, '\r', value->size) &&
           (form == RF_TEXT_UTF8 || !memchr(value->bytes, 0xef, value->size));
}

static void put_sqlite_text(struct rf_output *output, const struct rf_value *value,
                            enum rf_text_form form) {
    if (can_quote(value, form)) {
        put_quoted(output, value->bytes, value->size, '\'');
        return;
    }
    put(output, "CAST(x'");
    if (form == RF_TEXT_UTF8) {
        put_hex(output, value->bytes, value->size);
    } else {
        put_utf16(output, value, form);
    }
    put(output, "' AS TEXT)");
}

/* An odd number times a power of two: every step is exact. */
static void put_product(struct rf_output *output, double real) {
    int exponent;
    double fraction = frexp(real, &exponent);
    int64_t whole = (int64_t)ldexp(fraction, 53);
    exponent -= 53;
    while (whole % 2 == 0) {
        whole /= 2;
        exponent++;
    }
    rf_output_printf(output, "(CAST(%" PRId64 " AS REAL)", whole);
    while (exponent != 0) {
        int step = exponent > 62 ? 62 : exponent < -62 ? -62 : exponent;
        rf_output_printf(output, "%c%" PRId64, step > 0 ? '*' : '/', INT64_C(1) << abs(step));
        exponent -= step;
    }
    put(output, ")");
}

/* Up to 15 digits that are the number itself need no rounding. All other decimals do, and not every
 * SQLite rounds them to the nearest. */
static void put_sqlite_real(struct rf_output *output, double real) {
    char text[40], exact[64];
    snprintf(text, sizeof text, "%.15g", real);
    snprintf(exact, sizeof exact, "%.40g", real);
    if (!isfinite(real)) {
        put(output, real > 0 ? "1e999" : "-1e999");
    } else if (strcmp(text, exact) == 0 && !strchr(text, 'e')) {
        put(output, with_fraction(text));
    } else {
        put_product(output, real);
    }
}

void rf_literal_sqlite(struct rf_output *output, const struct rf_value *value,
                       enum rf_text_form form) {
    switch (value->class) {
    case RF_NULL:
        put(output, "NULL");
        break;
    case RF_INTEGER:
        rf_output_printf(output, "%" PRId64, value->integer);
        break;
    case RF_REAL:
        put_sqlite_real(output, value->real);
        break;
    case RF_TEXT:
        put_sqlite_text(output, value, form);
        break;
    case RF_BLOB:
        put(output, "x'");
        put_hex(output, value->bytes, value->size);
        put(output, "'");
        break;
    }
}

/* ---- psql ---- */

bool rf_literal_postgres_can(const struct rf_value *value) {
    if (value->class != RF_TEXT) {
        return true;
    }
    struct rf_text_facts facts = rf_text_inspect(value->bytes, value->size);
    return facts.valid_utf8 && !facts.has_nul;
}

/* As a replay shapes it, for columns that are text. */
static void put_postgres_real(struct rf_output *output, double real) {
    char text[RF_NUMBER_TEXT];
    rf_render_real(real, text);
    rf_output_printf(output, "'%s'", text);
}

void rf_literal_postgres(struct rf_output *output, const struct rf_value *value) {
    switch (value->class) {
    case RF_NULL:
        put(output, "NULL");
        break;
    case RF_INTEGER:
        rf_output_printf(output, "'%" PRId64 "'", value->integer);
        break;
    case RF_REAL:
        put_postgres_real(output, value->real);
        break;
    case RF_TEXT:
        put_quoted(output, value->bytes, value->size, '\'');
        break;
    case RF_BLOB:
        put(output, "'\\x");
        put_hex(output, value->bytes, value->size);
        put(output, "'");
        break;
    }
}
