/* Specs: the lines by which users and the ledger name conversions.
 *
 * A line is first stripped of the white space that means nothing, then taken apart from behind:
 * what is done to bad text, ", told apart", and what is left, which names a conversion as it is or
 * one with parameters. From the parts the canonical name is written anew. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "replay/conversion_inner.h"

#define LENGTH_MAX 10485760u /* of varchar(n) and character(n) */

struct reading {
    struct rf_arena *arena;
    struct rf_conversion made; /* name: of the part that was read so far */
    const char *trouble;       /* what is wrong with a spec that is nearly one; NULL: unknown */
};

/* Steps over the word if it comes next. */
static bool take(const char **at, const char *word) {
    size_t size = strlen(word);
    if (strncmp(*at, word, size) != 0) {
        return false;
    }
    *at += size;
    return true;
}

static bool take_number(const char **at, uint32_t most, uint32_t *number) {
    *number = 0;
    if (!isdigit((unsigned char)**at) || (**at == '0' && isdigit((unsigned char)(*at)[1]))) {
        return false;
    }
    for (; isdigit((unsigned char)**at); ++*at) {
        *number = *number * 10 + (uint32_t)(**at - '0');
        if (*number > most) {
            return false;
        }
    }
    return true;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Without white space at the ends, before (),; and behind (,; and with one space for any other; but
 * what is quoted stays. */
static char *tidied(struct rf_arena *arena, const char *spec) {
    char *tidy = rf_arena_take(arena, 1, strlen(spec) + 1);
    size_t size = 0;
    char quote = 0;
    for (const char *at = spec; tidy && *at; at++) {
        if (quote || !is_space(*at)) {
            bool closes = !quote && size > 0 && tidy[size - 1] == ' ' && strchr("(),;", *at);
            tidy[size - closes] = *at;
            size += !closes;
            if (quote == *at) {
                quote = 0;
            } else if (!quote && (*at == '"' || *at == '\'')) {
                quote = *at;
            }
        } else if (size > 0 && !strchr(" (,;", tidy[size - 1])) {
            tidy[size++] = ' ';
        }
    }
    if (tidy && !quote && size > 0 && tidy[size - 1] == ' ') {
        tidy[size - 1] = 0;
    }
    return tidy;
}

/* Cuts the ending off if it is there. */
static bool cut(char *spec, const char *ending) {
    size_t size = strlen(spec), length = strlen(ending);
    if (size < length || strcmp(spec + size - length, ending) != 0) {
        return false;
    }
    spec[size - length] = 0;
    return true;
}

static bool read_numeric(struct reading *reading, const char *at) {
    uint32_t precision, scale = 0;
    if (!take(&at, "numeric(")) {
        return false;
    }
    reading->trouble = "numeric has 1 to 1000 digits, of them 0 to all behind the decimal point";
    if (!take_number(&at, RF_NUMERIC_PRECISION_MAX, &precision) || precision == 0 ||
        (take(&at, ",") && !take_number(&at, precision, &scale)) || strcmp(at, ")") != 0) {
        return false;
    }
    reading->made = rf_as_numeric;
    reading->made.bound = (struct rf_numeric_bound){(uint16_t)precision, (uint16_t)scale};
    reading->made.name = rf_arena_printf(reading->arena, "numeric(%u,%u)", precision, scale);
    reading->made.type = reading->made.name;
    return true;
}

static bool read_length(struct reading *reading, const char *at) {
    uint32_t length;
    bool padded = take(&at, "character(");
    if (!padded && !take(&at, "varchar(")) {
        return false;
    }
    reading->trouble = "a length is 1 to 10485760";
    if (!take_number(&at, LENGTH_MAX, &length) || length == 0 || strcmp(at, ")") != 0) {
        return false;
    }
    struct rf_arena *arena = reading->arena;
    reading->made = (struct rf_conversion){
        .name = rf_arena_printf(arena, padded ? "character(%u)" : "varchar(%u)", length),
        .type = rf_arena_printf(arena, padded ? "character(%u)" : "character varying(%u)", length),
        .oid = padded ? 1042 : 1043,
        .hash_function = padded ? "hashbpcharextended" : "hashtextextended",
        .exact = !padded,
        .put = rf_put_passage,
        .takes = RF_TAKES(RF_TEXT),
        .judge = rf_judge_length,
        .length = length,
        .padded = padded,
    };
    return true;
}

/* The longest name that another begins with comes last. */
static const struct instant_type {
    const char *name;
    const char *type, *behind; /* as SQL writes it, around (P) */
    enum rf_instant_type instant;
    uint32_t oid;
    const char *hash_function;
} instant_types[] = {
    {"timestamptz", "timestamp", " with time zone", RF_TIMESTAMPTZ, 1184, NULL},
    {"timestamp", "timestamp", " without time zone", RF_TIMESTAMP, 1114, "timestamp_hash_extended"},
    {"time", "time", " without time zone", RF_TIME, 1083, "time_hash_extended"},
    {"date", "date", "", RF_DATE, 1082, NULL},
};
#define INSTANT_TYPES (sizeof instant_types / sizeof instant_types[0])

static bool read_spelling(struct reading *reading, const char *at) {
    struct rf_spelling *spelling = rf_arena_take(reading->arena, 1, sizeof *spelling);
    reading->trouble = "a spelling is like YYYY-MM-DD HH:MM:SS, YYYY-MM-DDTHH:MM:SS.fffZ, "
                       "HH:MM:SS[.f*]; only timestamptz keeps what is behind another zone than UTC";
    if (!spelling || !rf_spelling_read(at, spelling) ||
        !rf_instant_takes(reading->made.instant, spelling)) {
        return false;
    }
    rf_instant_set_encoding(&reading->made, RF_INSTANT_ISO_LOCAL, spelling);
    return true;
}

static bool read_encoding(struct reading *reading, const char *at) {
    enum rf_instant_encoding encoding;
    if (strcmp(at, "iso") == 0) {
        rf_instant_set_encoding(&reading->made, RF_INSTANT_ISO_LOCAL, NULL);
        return true;
    }
    if (take(&at, "iso ")) {
        return read_spelling(reading, at);
    }
    reading->trouble = "a time of day is read from iso alone";
    if (reading->made.instant == RF_TIME) {
        return false;
    }
    reading->trouble = NULL;
    if (!rf_instant_find(at, &encoding) || encoding < RF_INSTANT_UNIX_S) {
        return false;
    }
    rf_instant_set_encoding(&reading->made, encoding, NULL);
    return true;
}

#define DIGITS_MAX 6u
static const int64_t grains[DIGITS_MAX + 1] = {1000000, 100000, 10000, 1000, 100, 10, 1};

static bool read_instant(struct reading *reading, const char *spec) {
    struct rf_arena *arena = reading->arena;
    const char *at = spec;
    const struct instant_type *type = instant_types;
    while (type < instant_types + INSTANT_TYPES && !take(&at, type->name)) {
        type++;
    }
    if (type == instant_types + INSTANT_TYPES) {
        return false;
    }
    reading->trouble = "say what dates and times are read from: date from iso, timestamptz from "
                       "unix-ms";
    uint32_t digits = DIGITS_MAX;
    char shown[8] = "";
    if (type->instant != RF_DATE && take(&at, "(")) {
        if (!take_number(&at, DIGITS_MAX, &digits) || !take(&at, ")")) {
            reading->trouble = "a second has 0 to 6 digits";
            return false;
        }
        snprintf(shown, sizeof shown, "(%u)", digits);
    }
    reading->made = (struct rf_conversion){
        .name = rf_arena_copy(arena, spec),
        .type = rf_arena_printf(arena, "%s%s%s", type->type, shown, type->behind),
        .oid = type->oid,
        .fixed = type->instant == RF_DATE ? 4 : 8,
        .align = type->instant == RF_DATE ? 4 : 8,
        .hash_function = type->hash_function,
        .put = rf_put_instant,
        .instant = type->instant,
        .grain = grains[digits],
    };
    return take(&at, " from ") && read_encoding(reading, at);
}

/* A quoted name or label, the quote doubled within it; NULL for anything else. */
static char *take_quoted(struct rf_arena *arena, const char **at, char quote) {
    char *text = **at == quote ? rf_arena_take(arena, 1, strlen(*at)) : NULL;
    size_t size = 0;
    for (const char *from = *at + 1; text && *from; from++) {
        if (*from == quote && *++from != quote) {
            *at = from;
            return text;
        }
        text[size++] = *from;
    }
    return NULL;
}

static uint32_t count_quotes(const char *at) {
    uint32_t count = 0;
    for (; *at; at++) {
        count += *at == '\'';
    }
    return count;
}

static bool read_labels(struct reading *reading, const char *at) {
    struct rf_conversion *made = &reading->made;
    struct rf_label *labels =
        rf_arena_take(reading->arena, count_quotes(at) / 2 + 1, sizeof *labels);
    if (!labels || !take(&at, "(")) {
        return false;
    }
    bool more = *at != ')';
    while (more) {
        char *label = take_quoted(reading->arena, &at, '\'');
        if (!label) {
            return false;
        }
        labels[made->label_count++] = (struct rf_label){label, (uint32_t)strlen(label)};
        more = take(&at, ",");
    }
    made->labels = labels;
    rf_labels_sort(labels, made->label_count);
    return strcmp(at, ")") == 0;
}

static bool read_enum(struct reading *reading, const char *spec) {
    const char *at = spec;
    if (!take(&at, "enum ")) {
        return false;
    }
    reading->trouble = "an enum is like enum \"schema\".\"name\"('one','it''s two')";
    const char *type = at;
    const char *schema = take_quoted(reading->arena, &at, '"');
    const char *name = schema && take(&at, ".") ? take_quoted(reading->arena, &at, '"') : NULL;
    if (!name || !*name || !*schema) {
        return false;
    }
    reading->made = (struct rf_conversion){
        .name = rf_arena_copy(reading->arena, spec),
        .type = rf_arena_printf(reading->arena, "%.*s", (int)(at - type), type),
        .fixed = 4,
        .align = 4,
        .hash_function = "hashenumextended",
        .exact = true,
        .put = rf_put_label,
        .takes = RF_TAKES(RF_TEXT),
    };
    return read_labels(reading, at);
}

static const struct rf_conversion *find(const char *name) {
    for (const struct rf_conversion *const *at = rf_conversion_list; *at; at++) {
        if (strcmp((*at)->name, name) == 0) {
            return *at;
        }
    }
    return NULL;
}

static bool read_base(struct reading *reading, const char *spec) {
    const struct rf_conversion *plain = find(spec);
    if (plain) {
        reading->made = *plain;
        return true;
    }
    return read_numeric(reading, spec) || read_length(reading, spec) ||
           read_instant(reading, spec) || read_enum(reading, spec);
}

static bool set_apart(struct reading *reading) {
    struct rf_conversion *made = &reading->made;
    reading->trouble = "only numeric, character(N) and text from any are told apart";
    if (made->put != rf_put_numeric && !made->padded && made->put != rf_put_text_from_any) {
        return false;
    }
    if (made->put == rf_put_numeric) {
        made->takes = RF_TAKES_NUMBERS;
    }
    made->apart = true;
    made->exact = true;
    made->name = rf_arena_printf(reading->arena, "%s, told apart", made->name);
    return made->name != NULL;
}

static bool set_mend(struct reading *reading, enum rf_mend mend, const char *word) {
    struct rf_conversion *made = &reading->made;
    reading->trouble = "only text, varchar, character, text from any and json are mended";
    bool plain = made->put == rf_put_text;
    if (!plain && made->put != rf_put_passage && made->put != rf_put_text_from_any &&
        made->put != rf_put_json) {
        return false;
    }
    if (plain) {
        made->put = rf_put_passage;
    }
    made->mend = mend;
    made->alters = rf_alters_text;
    made->exact = made->exact && mend == RF_MEND_ESCAPE;
    made->name = rf_arena_printf(reading->arena, "%s; %s", made->name, word);
    return made->name != NULL;
}

static bool read_spec(struct reading *reading, char *spec) {
    static const char *const words[] = {
        [RF_MEND_STRIP] = "strip", [RF_MEND_REPLACE] = "replace", [RF_MEND_ESCAPE] = "escape"};
    enum rf_mend mend = RF_MEND_NOT;
    if (strncmp(spec, "enum ", 5) == 0) {
        return read_base(reading, spec); /* a label may look like an ending */
    }
    char *tail = strrchr(spec, ';');
    if (tail) {
        *tail++ = 0;
        for (mend = RF_MEND_STRIP; strcmp(tail, words[mend]) != 0; mend++) {
            if (mend == RF_MEND_ESCAPE) {
                return false;
            }
        }
    }
    bool apart = cut(spec, ",told apart");
    if (!read_base(reading, spec)) {
        return false;
    }
    return (!apart || set_apart(reading)) && (!tail || set_mend(reading, mend, words[mend]));
}

static enum rf_code fail(const char *spec, const char *trouble, struct rf_error *error) {
    rf_fail(error, RF_USAGE, "no type called \"%s\"", spec);
    if (trouble) {
        rf_detail(error, "%s", trouble);
    }
    rf_hint(error,
            "there are bigint, integer, smallint, double precision, real, numeric, numeric(P,S), "
            "boolean, boolean from words, bytea, bytea from any, text, text from any, varchar(N), "
            "character(N), json, jsonb, uuid, bigint[]; date, time, timestamp or timestamptz "
            "\"from\" iso, iso SPELLING, unix-s, unix-ms, unix-us, unix-ns, julian-day, mac-2001 "
            "or webkit-1601; with \"; strip\", \"; replace\" or \"; escape\" behind texts.");
    return RF_USAGE;
}

enum rf_code rf_conversion_read(const char *spec, struct rf_arena *arena,
                                const struct rf_conversion **conversion, struct rf_error *error) {
    struct reading reading = {.arena = arena};
    char *tidy = tidied(arena, spec);
    bool known = tidy && read_spec(&reading, tidy);
    enum rf_code code = rf_arena_check(arena, error);
    if (code != RF_OK) {
        return code;
    }
    if (!known) {
        return fail(spec, reading.trouble, error);
    }
    *conversion = find(reading.made.name);
    if (!*conversion) {
        struct rf_conversion *made = rf_arena_take(arena, 1, sizeof *made);
        if (!made) {
            return rf_fail_memory(error);
        }
        *made = reading.made;
        *conversion = made;
    }
    return RF_OK;
}
