/* What is wanted of a column without a rule, by its declared type:
 *
 *   declared BOOL…            boolean
 *   INTEGER affinity          bigint
 *   REAL affinity             double precision
 *   TEXT affinity             text
 *   declared BLOB             bytea
 *   DECIMAL, NUMERIC, …       numeric(p,s), numeric
 *   anything else             nothing: it is for the values to say
 *
 * Decimals stay numeric while every value has a short decimal (evidence.h), else they are double
 * precision. A column declared DATE, DATETIME, TIMESTAMP … becomes the type of the one encoding
 * that its values prove.
 *
 * Everything else goes up the ladder to the first rung that holds all values:
 *
 *   bigint            integers
 *   double precision  reals, and integers within 2^53
 *   numeric           integers and finite reals
 *   text              texts; with numbers among them, these as they are rendered
 *   bytea             blobs; with others among them, the bytes of these
 *
 * The last two cannot tell 1 from '1', or 'a' from x'61', which the reason says. Where values
 * should stay distinct, text that looks like a number is kept apart while there is none. Who wants
 * a type of a higher rung does not fall below it. */
#include "replay/mapping.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "replay/quote.h"

#define EXACT_IN_DOUBLE (INT64_C(1) << 53)

enum rung { RUNG_BIGINT, RUNG_DOUBLE, RUNG_NUMERIC, RUNG_TEXT, RUNG_BYTEA };

static uint64_t count_of(const struct rf_mapping *mapping, enum rf_class class) {
    return mapping->census->count[class];
}

static uint64_t numbers(const struct rf_mapping *mapping) {
    return count_of(mapping, RF_INTEGER) + count_of(mapping, RF_REAL);
}

static uint64_t values(const struct rf_mapping *mapping) {
    return numbers(mapping) + count_of(mapping, RF_TEXT) + count_of(mapping, RF_BLOB);
}

static bool only_numbers(const struct rf_mapping *mapping) {
    return numbers(mapping) > 0 && numbers(mapping) == values(mapping);
}

static bool beyond_double(const struct rf_mapping *mapping) {
    return mapping->census->min_integer < -EXACT_IN_DOUBLE ||
           mapping->census->max_integer > EXACT_IN_DOUBLE;
}

static bool widens(const struct rf_mapping *mapping) {
    return mapping->on_mismatch == RF_MISMATCH_WIDEN;
}

/* ---- what a declared type wants ---- */

static const char *declared_of(const struct rf_mapping *mapping) {
    const char *declared = mapping->table->columns[mapping->column].declared;
    return declared ? declared : "";
}

static bool begins_with(const char *text, const char *word) {
    return strncasecmp(text, word, strlen(word)) == 0;
}

static bool is_decimal(const char *declared) {
    static const char *const words[] = {"decimal", "numeric", "number", "dec"};
    declared += strspn(declared, " \t\n");
    size_t length = strcspn(declared, " \t\n(");
    bool known = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        known |= strlen(words[i]) == length && begins_with(declared, words[i]);
    }
    return known && rf_affinity_of(declared) == RF_AFFINITY_NUMERIC;
}

static bool is_moment(const char *declared) {
    return rf_affinity_of(declared) == RF_AFFINITY_NUMERIC &&
           (strcasestr(declared, "DATE") || strcasestr(declared, "TIME"));
}

static enum rf_code want_decimal(struct rf_mapping *mapping, struct rf_arena *arena,
                                 struct rf_error *error) {
    struct rf_numeric_bound bound;
    bool bounded = rf_numeric_bound_declared(declared_of(mapping), &bound);
    const char *apart = mapping->distinct ? ", told apart" : "";
    const char *spec =
        bounded ? rf_arena_printf(arena, "numeric(%u,%u)%s", bound.precision, bound.scale, apart)
                : rf_arena_printf(arena, "numeric%s", apart);
    enum rf_code code = rf_arena_check(arena, error);
    return code == RF_OK ? rf_conversion_read(spec, arena, &mapping->wanted, error) : code;
}

/* NULL: it is open. */
static const struct rf_conversion *declared_plainly(const char *declared) {
    if (begins_with(declared, "BOOL")) {
        return &rf_as_boolean;
    }
    switch (rf_affinity_of(declared)) {
    case RF_AFFINITY_INTEGER:
        return &rf_as_bigint;
    case RF_AFFINITY_REAL:
        return &rf_as_double;
    case RF_AFFINITY_TEXT:
        return &rf_as_text;
    case RF_AFFINITY_BLOB:
        return strcasestr(declared, "BLOB") ? &rf_as_bytea : NULL;
    case RF_AFFINITY_NUMERIC:
        break;
    }
    return NULL;
}

/* ---- mending ---- */

static bool is_textual(const struct rf_conversion *conversion) {
    const char *type = conversion->type;
    return strcmp(type, "text") == 0 || begins_with(type, "character") || strcmp(type, "json") == 0;
}

static bool has_bad_text(const struct rf_census *census) {
    return census->text_with_nul > 0 || census->text_not_utf8 > 0;
}

static const char *const mend_words[] = {
    [RF_MEND_NOT] = "",
    [RF_MEND_STRIP] = "strip",
    [RF_MEND_REPLACE] = "replace",
    [RF_MEND_ESCAPE] = "escape",
};

static enum rf_mend mend_of(enum rf_bad_text bad_text) {
    switch (bad_text) {
    case RF_BAD_TEXT_STRIP:
        return RF_MEND_STRIP;
    case RF_BAD_TEXT_REPLACE:
        return RF_MEND_REPLACE;
    case RF_BAD_TEXT_ESCAPE:
        return RF_MEND_ESCAPE;
    case RF_BAD_TEXT_DEFAULT:
    case RF_BAD_TEXT_SET_ASIDE:
    case RF_BAD_TEXT_BYTEA:
        break;
    }
    return RF_MEND_NOT;
}

/* The conversion with that mending, or with none, in place of its own. */
static enum rf_code with_mend(const struct rf_conversion **conversion, enum rf_mend mend,
                              struct rf_arena *arena, struct rf_error *error) {
    const char *name = (*conversion)->name;
    size_t length =
        (*conversion)->mend == RF_MEND_NOT ? strlen(name) : (size_t)(strrchr(name, ';') - name);
    const char *spec = rf_arena_printf(arena, "%.*s%s%s", (int)length, name,
                                       mend == RF_MEND_NOT ? "" : "; ", mend_words[mend]);
    enum rf_code code = rf_arena_check(arena, error);
    return code == RF_OK ? rf_conversion_read(spec, arena, conversion, error) : code;
}

/* Only escaping keeps different texts different. */
static void settle_mend(struct rf_mapping *mapping) {
    mapping->mend = mend_of(mapping->bad_text);
    if (mapping->wanted && mapping->wanted->mend != RF_MEND_NOT) {
        mapping->mend = mapping->wanted->mend;
    }
    mapping->mend_refused =
        mapping->distinct && (mapping->mend == RF_MEND_STRIP || mapping->mend == RF_MEND_REPLACE);
    if (mapping->mend_refused) {
        mapping->mend = RF_MEND_NOT;
    }
}

/* ---- the first half: what is wanted, and what the rows are to be asked ---- */

static struct rf_census judged(const struct rf_census *census) {
    struct rf_census copy = *census;
    copy.text_with_nul = 0;
    copy.text_not_utf8 = 0;
    if (copy.longest > RF_FIELD_BYTES_MAX) {
        copy.longest = RF_FIELD_BYTES_MAX;
    }
    return copy;
}

enum rf_verdict rf_mapping_holds(const struct rf_conversion *conversion,
                                 const struct rf_census *census, enum rf_bad_text bad_text) {
    struct rf_census copy = judged(census);
    if (bad_text == RF_BAD_TEXT_BYTEA && has_bad_text(census) && is_textual(conversion)) {
        return RF_VERDICT_NO;
    }
    return rf_conversion_fits_census(conversion, &copy);
}

/* A number that is asked for as numeric keeps apart from others, where there are but numbers. */
static enum rf_code keep_apart(struct rf_mapping *mapping, struct rf_arena *arena,
                               struct rf_error *error) {
    const struct rf_conversion *wanted = mapping->wanted;
    if (!mapping->distinct || wanted->exact || !begins_with(wanted->type, "numeric") ||
        count_of(mapping, RF_TEXT) > 0) {
        return RF_OK;
    }
    const char *spec = rf_arena_printf(arena, "%s, told apart", wanted->name);
    enum rf_code code = rf_arena_check(arena, error);
    return code == RF_OK ? rf_conversion_read(spec, arena, &mapping->wanted, error) : code;
}

static enum rf_code find_wanted(struct rf_mapping *mapping, struct rf_arena *arena,
                                struct rf_error *error) {
    const char *declared = declared_of(mapping);
    enum rf_code code = RF_OK;
    if (mapping->asked) {
        code = rf_conversion_read(mapping->asked, arena, &mapping->wanted, error);
        if (code == RF_OK) {
            code = keep_apart(mapping, arena, error);
        }
    } else if (is_decimal(declared)) {
        code = want_decimal(mapping, arena, error);
    } else {
        mapping->wanted = declared_plainly(declared);
    }
    if (code != RF_OK) {
        return code;
    }
    settle_mend(mapping);
    if (mapping->wanted && is_textual(mapping->wanted) && mapping->wanted->mend != mapping->mend) {
        code = with_mend(&mapping->wanted, mapping->mend, arena, error);
    }
    if (mapping->wanted) {
        mapping->verdict = rf_conversion_fits_census(mapping->wanted, &mapping->judged);
    }
    return code;
}

/* As many examples as there can be. */
static uint64_t examples_of(const struct rf_mapping *mapping) {
    uint64_t strangers = 0;
    for (unsigned class = RF_INTEGER; class < RF_CLASSES; class ++) {
        bool taken = mapping->wanted->takes & (1u << class);
        strangers += taken ? 0 : mapping->census->count[class];
    }
    return strangers > 0 && strangers < RF_SURVEY_EXAMPLES ? strangers : RF_SURVEY_EXAMPLES;
}

/* The census has the numbers at both ends; more is not needed of integers. */
static void ask_decimals(struct rf_mapping *mapping, struct rf_survey *survey) {
    rf_decimal_evidence_init(&mapping->decimals);
    if (count_of(mapping, RF_REAL) > 0) {
        mapping->decimals_asked =
            rf_survey_ask(survey, RF_SURVEY_DECIMALS, mapping->column, NULL, 0);
        return;
    }
    const struct rf_value least = {.class = RF_INTEGER, .integer = mapping->census->min_integer};
    const struct rf_value most = {.class = RF_INTEGER, .integer = mapping->census->max_integer};
    rf_decimal_evidence_add(&mapping->decimals, &least);
    rf_decimal_evidence_add(&mapping->decimals, &most);
}

#define MOMENT_TEXT_MAX 64u /* no text of a moment is as long */

static bool may_be_moments(const struct rf_mapping *mapping) {
    bool mixed = numbers(mapping) > 0 && count_of(mapping, RF_TEXT) > 0;
    if (values(mapping) == 0 || mixed || count_of(mapping, RF_BLOB) > 0 ||
        mapping->census->longest > MOMENT_TEXT_MAX || has_bad_text(mapping->census)) {
        return false;
    }
    struct rf_instant_evidence ends;
    rf_instant_evidence_init(&ends);
    if (count_of(mapping, RF_INTEGER) > 0) {
        const struct rf_value least = {.class = RF_INTEGER,
                                       .integer = mapping->census->min_integer};
        const struct rf_value most = {.class = RF_INTEGER, .integer = mapping->census->max_integer};
        rf_instant_evidence_add(&ends, &least);
        rf_instant_evidence_add(&ends, &most);
    }
    return !ends.refuted;
}

/* The lowest rung that is of the kind that was wanted. A blob column that holds none is no reason
 * to keep text as bytes. */
static enum rung first_rung(const struct rf_mapping *mapping) {
    if (!mapping->wanted) {
        return RUNG_BIGINT;
    }
    const char *type = mapping->wanted->type;
    if (is_textual(mapping->wanted) || strcmp(type, "jsonb") == 0) {
        return RUNG_TEXT;
    }
    if (strcmp(type, "bytea") == 0) {
        return mapping->asked ? RUNG_BYTEA : RUNG_BIGINT;
    }
    if (begins_with(type, "numeric")) {
        return mapping->asked ? RUNG_NUMERIC : RUNG_BIGINT;
    }
    bool real = strcmp(type, "double precision") == 0 || strcmp(type, "real") == 0;
    return real ? RUNG_DOUBLE : RUNG_BIGINT;
}

/* What the higher rungs depend on. */
static enum rf_code ask_rungs(struct rf_mapping *mapping, struct rf_survey *survey,
                              struct rf_error *error) {
    bool no_bigint = count_of(mapping, RF_REAL) > 0 || first_rung(mapping) > RUNG_BIGINT;
    bool of_numeric = mapping->wanted && mapping->wanted->bound.precision > 0;
    if (only_numbers(mapping) && ((no_bigint && beyond_double(mapping)) || of_numeric)) {
        const struct rf_conversion *numeric = &rf_as_numeric;
        enum rf_code code = RF_OK;
        if (mapping->distinct) {
            code = rf_conversion_read("numeric, told apart", survey->arena, &numeric, error);
        }
        if (code != RF_OK) {
            return code;
        }
        mapping->numeric_fit = rf_survey_ask(survey, RF_SURVEY_FIT, mapping->column, numeric, 1);
    }
    bool mixed = numbers(mapping) > 0 && count_of(mapping, RF_TEXT) > 0;
    if (mapping->distinct && mixed && count_of(mapping, RF_BLOB) == 0) {
        mapping->apart_fit =
            rf_survey_ask(survey, RF_SURVEY_FIT, mapping->column, &rf_as_text_from_any_apart, 1);
    }
    return RF_OK;
}

static enum rf_code ask_rows(struct rf_mapping *mapping, struct rf_survey *survey,
                             struct rf_error *error) {
    const char *declared = declared_of(mapping);
    bool may_widen = widens(mapping) && mapping->verdict != RF_VERDICT_YES;
    if (!mapping->asked && widens(mapping) && is_decimal(declared) && only_numbers(mapping)) {
        ask_decimals(mapping, survey);
    }
    if (!mapping->wanted && is_moment(declared) && may_be_moments(mapping)) {
        mapping->instants_asked =
            rf_survey_ask(survey, RF_SURVEY_INSTANTS, mapping->column, NULL, 0);
    }
    if (mapping->wanted && may_widen) {
        mapping->wanted_fit = rf_survey_ask(survey, RF_SURVEY_FIT, mapping->column, mapping->wanted,
                                            examples_of(mapping));
    }
    return !mapping->wanted || may_widen ? ask_rungs(mapping, survey, error) : RF_OK;
}

enum rf_code rf_mapping_begin(struct rf_mapping *mapping, struct rf_survey *survey,
                              struct rf_error *error) {
    mapping->judged = judged(mapping->census);
    if (mapping->standing) {
        switch (rf_mapping_holds(mapping->standing, mapping->census, mapping->bad_text)) {
        case RF_VERDICT_YES:
            mapping->conversion = mapping->standing;
            return RF_OK;
        case RF_VERDICT_UNSURE:
            mapping->standing_fit =
                rf_survey_ask(survey, RF_SURVEY_FIT, mapping->column, mapping->standing, 1);
            break;
        case RF_VERDICT_NO:
            break;
        }
    }
    enum rf_code code = find_wanted(mapping, survey->arena, error);
    return code == RF_OK ? ask_rows(mapping, survey, error) : code;
}

/* ---- the second half ---- */

static bool holds(const struct rf_survey_question *fit) {
    return fit && fit->misfits == 0;
}

static const struct rf_conversion *text_rung(const struct rf_mapping *mapping) {
    if (numbers(mapping) == 0) {
        return &rf_as_text;
    }
    bool apart = mapping->distinct && count_of(mapping, RF_BLOB) == 0 &&
                 (count_of(mapping, RF_TEXT) == 0 || holds(mapping->apart_fit) || !widens(mapping));
    return apart ? &rf_as_text_from_any_apart : &rf_as_text_from_any;
}

static const struct rf_conversion *climb(const struct rf_mapping *mapping) {
    enum rung rung = first_rung(mapping);
    if (values(mapping) == 0) {
        return &rf_as_text;
    }
    if (only_numbers(mapping)) {
        if (rung <= RUNG_BIGINT && count_of(mapping, RF_REAL) == 0) {
            return &rf_as_bigint;
        }
        if (rung <= RUNG_DOUBLE && !beyond_double(mapping)) {
            return &rf_as_double;
        }
        if (rung <= RUNG_NUMERIC && holds(mapping->numeric_fit)) {
            return mapping->numeric_fit->conversion;
        }
    }
    if (rung <= RUNG_TEXT && count_of(mapping, RF_BLOB) == 0) {
        return text_rung(mapping);
    }
    bool blobs = count_of(mapping, RF_BLOB) == values(mapping);
    return blobs ? &rf_as_bytea : &rf_as_bytea_from_any;
}

static enum rf_code choose_decimal(struct rf_mapping *mapping, struct rf_arena *arena,
                                   struct rf_error *error) {
    const struct rf_decimal_evidence *evidence =
        mapping->decimals_asked ? &mapping->decimals_asked->decimals : &mapping->decimals;
    struct rf_numeric_bound bound;
    bool bounded = rf_numeric_bound_declared(declared_of(mapping), &bound);
    switch (rf_decimal_evidence_type(evidence, bounded ? &bound : NULL)) {
    case RF_DECIMAL_BOUNDED:
        mapping->conversion = mapping->wanted;
        return RF_OK;
    case RF_DECIMAL_UNBOUNDED:
        mapping->forced = bounded;
        return rf_conversion_read(mapping->distinct ? "numeric, told apart" : "numeric", arena,
                                  &mapping->conversion, error);
    case RF_DECIMAL_DOUBLE:
        mapping->conversion = &rf_as_double;
        break;
    case RF_DECIMAL_UNPROVEN:
        mapping->conversion = climb(mapping);
        break;
    }
    mapping->forced = mapping->wanted_fit && mapping->wanted_fit->misfits > 0;
    return RF_OK;
}

static enum rf_code choose_moment(struct rf_mapping *mapping, struct rf_arena *arena,
                                  struct rf_error *error) {
    static const char *const types[RF_INSTANT_ENCODINGS] = {
        [RF_INSTANT_ISO_DATE] = "date",
        [RF_INSTANT_ISO_TIME] = "time",
        [RF_INSTANT_ISO_LOCAL] = "timestamp",
    };
    const struct rf_instant_evidence *evidence = &mapping->instants_asked->instants;
    enum rf_instant_encoding encoding = evidence->encoding;
    const char *type = types[encoding] ? types[encoding] : "timestamptz";
    struct rf_spelling spelling;
    char spelled[RF_SPELLING_TEXT] = "";
    (void)rf_instant_evidence_proven(evidence, &spelling);
    if (encoding <= RF_INSTANT_ISO_ZONED) {
        rf_spelling_print(&spelling, spelled);
    }
    const char *spec = *spelled
                           ? rf_arena_printf(arena, "%s from iso %s", type, spelled)
                           : rf_arena_printf(arena, "%s from %s", type, rf_instant_name(encoding));
    enum rf_code code = rf_arena_check(arena, error);
    return code == RF_OK ? rf_conversion_read(spec, arena, &mapping->conversion, error) : code;
}

static bool proves_moment(const struct rf_mapping *mapping) {
    return mapping->instants_asked &&
           rf_instant_evidence_proven(&mapping->instants_asked->instants, NULL);
}

static enum rf_code choose(struct rf_mapping *mapping, struct rf_arena *arena,
                           struct rf_error *error) {
    bool wanted_holds =
        mapping->wanted &&
        (!widens(mapping) || mapping->verdict == RF_VERDICT_YES || holds(mapping->wanted_fit));
    bool decimals = mapping->decimals_asked || mapping->decimals.integers > 0;
    if (decimals) {
        return choose_decimal(mapping, arena, error);
    }
    if (proves_moment(mapping)) {
        return choose_moment(mapping, arena, error);
    }
    mapping->conversion = wanted_holds ? mapping->wanted : climb(mapping);
    mapping->forced = mapping->wanted && !wanted_holds;
    return RF_OK;
}

/* What is done about bad text, once the type is known. */
static enum rf_code finish_text(struct rf_mapping *mapping, struct rf_arena *arena,
                                struct rf_error *error) {
    if (!is_textual(mapping->conversion)) {
        return RF_OK;
    }
    if (mapping->bad_text == RF_BAD_TEXT_BYTEA && has_bad_text(mapping->census)) {
        mapping->conversion = &rf_as_bytea_from_any;
        return RF_OK;
    }
    return mapping->conversion->mend == mapping->mend
               ? RF_OK
               : with_mend(&mapping->conversion, mapping->mend, arena, error);
}

/* ---- the reason ---- */

static void say_count(struct rf_buffer *out, const char *name, uint64_t count,
                      const char **separator) {
    if (count > 0) {
        rf_buffer_printf(out, "%s%" PRIu64 " %s%s", *separator, count, name, count == 1 ? "" : "s");
        *separator = ", ";
    }
}

static void say_holdings(const struct rf_mapping *mapping, struct rf_buffer *out) {
    const char *separator = "; holds ";
    say_count(out, "integer", count_of(mapping, RF_INTEGER), &separator);
    say_count(out, "real", count_of(mapping, RF_REAL), &separator);
    say_count(out, "text", count_of(mapping, RF_TEXT), &separator);
    say_count(out, "blob", count_of(mapping, RF_BLOB), &separator);
    if (values(mapping) == 0) {
        rf_buffer_printf(out, "; holds no value yet");
    }
}

static void say_examples(const struct rf_survey_question *fit, struct rf_buffer *out) {
    for (uint32_t i = 0; i < fit->example_count; i++) {
        rf_buffer_printf(out, "%s row %s has %s", i == 0 ? ":" : ",", fit->examples[i].key,
                         fit->examples[i].value);
    }
}

static void say_side_effects(const struct rf_mapping *mapping, struct rf_buffer *out) {
    const struct rf_conversion *conversion = mapping->conversion;
    bool bytes = strcmp(conversion->name, rf_as_bytea_from_any.name) == 0;
    bool any = begins_with(conversion->name, rf_as_text_from_any.name);
    if (bytes && has_bad_text(mapping->census) && mapping->bad_text == RF_BAD_TEXT_BYTEA) {
        rf_buffer_printf(out, "; its text has NUL or invalid UTF-8");
    }
    if (bytes && count_of(mapping, RF_BLOB) > 0) {
        rf_buffer_printf(out, "; 'a' and x'61' become alike");
    } else if (any && !conversion->apart && count_of(mapping, RF_TEXT) > 0) {
        rf_buffer_printf(out, "; 1 and '1' become alike");
    }
    if (mapping->mend_refused && is_textual(conversion)) {
        rf_buffer_printf(out, "; bad text is set aside, as mending it might make values of a key "
                              "alike");
    }
}

static void say_origin(const struct rf_mapping *mapping, struct rf_buffer *out) {
    if (mapping->asked) {
        rf_buffer_printf(out, "asked for as %s", mapping->asked);
    } else if (*declared_of(mapping)) {
        rf_buffer_printf(out, "declared %.40s", declared_of(mapping));
    } else {
        rf_buffer_printf(out, "no declared type");
    }
}

static void say_why(const struct rf_mapping *mapping, struct rf_buffer *out) {
    bool as_wanted = mapping->wanted && !mapping->forced &&
                     strcmp(mapping->wanted->type, mapping->conversion->type) == 0;
    say_origin(mapping, out);
    if (proves_moment(mapping)) {
        rf_buffer_printf(out, "; %" PRIu64 " value%s, all %s", values(mapping),
                         values(mapping) == 1 ? "" : "s",
                         strstr(mapping->conversion->name, " from ") + strlen(" from "));
    } else if (!as_wanted) {
        say_holdings(mapping, out);
    }
    if (mapping->decimals_asked && mapping->conversion == &rf_as_double) {
        rf_buffer_printf(out, "; %" PRIu64 " of them not a short decimal",
                         mapping->decimals_asked->decimals.long_reals);
    }
    if (mapping->forced && mapping->wanted_fit) {
        say_examples(mapping->wanted_fit, out);
    }
    say_side_effects(mapping, out);
}

static enum rf_code explain(struct rf_mapping *mapping, struct rf_arena *arena,
                            struct rf_error *error) {
    struct rf_buffer out = {0};
    say_why(mapping, &out);
    rf_buffer_u8(&out, 0);
    enum rf_code code = rf_buffer_check(&out, error);
    if (code == RF_OK) {
        mapping->reason = rf_sayable(arena, (const char *)out.bytes);
        code = rf_arena_check(arena, error);
    }
    rf_buffer_release(&out);
    return code;
}

enum rf_code rf_mapping_end(struct rf_mapping *mapping, struct rf_arena *arena,
                            struct rf_error *error) {
    if (mapping->standing && (mapping->conversion || holds(mapping->standing_fit))) {
        mapping->conversion = mapping->standing;
        return RF_OK;
    }
    enum rf_code code = choose(mapping, arena, error);
    if (code == RF_OK) {
        code = finish_text(mapping, arena, error);
    }
    return code == RF_OK ? explain(mapping, arena, error) : code;
}
