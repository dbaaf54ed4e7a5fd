#include "replay/spelling.h"

#include <stdio.h>
#include <string.h>

/* Only of a text with a fraction. */
static bool fraction_is_zero(const struct rf_iso *iso) {
    return iso->micros % RF_SECOND_MICROS == 0;
}

/* Digits behind the sixth are 0, or the text would not have been read. */
static bool fraction_ends_in_zero(const struct rf_iso *iso) {
    static const int32_t last[] = {0, 1000000, 100000, 10000, 1000, 100, 10};
    return iso->fraction_digits > 6 || iso->micros % last[iso->fraction_digits] == 0;
}

bool rf_spelling_covers(const struct rf_spelling *spelling, const struct rf_iso *iso) {
    if (!rf_iso_form_same(&spelling->form, &iso->form)) {
        return false;
    }
    switch (spelling->rule) {
    case RF_FRACTION_ALWAYS:
        return iso->fraction_digits == spelling->fraction_digits;
    case RF_FRACTION_UNLESS_ZERO:
        return iso->fraction_digits == 0 ||
               (iso->fraction_digits == spelling->fraction_digits && !fraction_is_zero(iso));
    case RF_FRACTION_AS_NEEDED:
        return iso->fraction_digits == 0 || !fraction_ends_in_zero(iso);
    }
    return false;
}

void rf_spelling_evidence_add(struct rf_spelling_evidence *evidence, const struct rf_iso *iso) {
    if (!evidence->any) {
        evidence->any = true;
        evidence->form = iso->form;
    } else if (!rf_iso_form_same(&evidence->form, &iso->form)) {
        evidence->mixed = true;
    }
    evidence->digit_counts |= (uint16_t)(1u << iso->fraction_digits);
    if (iso->fraction_digits > 0) {
        evidence->zero_fraction |= fraction_is_zero(iso);
        evidence->zero_at_end |= fraction_ends_in_zero(iso);
    }
}

void rf_spelling_evidence_join(struct rf_spelling_evidence *evidence,
                               const struct rf_spelling_evidence *more) {
    if (!evidence->any || !more->any) {
        *evidence = evidence->any ? *evidence : *more;
        return;
    }
    evidence->mixed |= more->mixed || !rf_iso_form_same(&evidence->form, &more->form);
    evidence->digit_counts |= more->digit_counts;
    evidence->zero_fraction |= more->zero_fraction;
    evidence->zero_at_end |= more->zero_at_end;
}

bool rf_spelling_proven(const struct rf_spelling_evidence *evidence, struct rf_spelling *spelling) {
    if (!evidence->any || evidence->mixed) {
        return false;
    }
    *spelling = (struct rf_spelling){.form = evidence->form};
    unsigned written = evidence->digit_counts & ~1u;
    bool none = (evidence->digit_counts & 1u) != 0;
    bool one_width = (written & (written - 1)) == 0;
    if (one_width && written != 0) {
        spelling->fraction_digits = (unsigned)__builtin_ctz(written);
    }
    if (one_width && (!none || written == 0)) {
        spelling->rule = RF_FRACTION_ALWAYS;
        return true;
    }
    if (one_width && !evidence->zero_fraction) {
        spelling->rule = RF_FRACTION_UNLESS_ZERO;
        return true;
    }
    spelling->rule = RF_FRACTION_AS_NEEDED;
    spelling->fraction_digits = 0;
    return !evidence->zero_at_end;
}

static const char date_pattern[] = "YYYY-MM-DD";
static const char clock_pattern[] = "HH:MM";
static const char seconds_pattern[] = ":SS";
static const char fraction_digits[] = ".fffffffff";
static const char as_needed_pattern[] = "[.f*]";

static void print_zone(const struct rf_iso_form *form, char *text, size_t room) {
    unsigned offset = (unsigned)(form->offset < 0 ? -form->offset : form->offset);
    char sign = form->offset < 0 ? '-' : '+';
    switch (form->zone) {
    case RF_ZONE_NONE:
        break;
    case RF_ZONE_Z:
        snprintf(text, room, "Z");
        break;
    case RF_ZONE_HH:
        snprintf(text, room, "%c%02u", sign, offset / 60);
        break;
    case RF_ZONE_HHMM:
        snprintf(text, room, "%c%02u%02u", sign, offset / 60, offset % 60);
        break;
    case RF_ZONE_HH_MM:
        snprintf(text, room, "%c%02u:%02u", sign, offset / 60, offset % 60);
        break;
    }
}

void rf_spelling_print(const struct rf_spelling *spelling, char text[RF_SPELLING_TEXT]) {
    const struct rf_iso_form *form = &spelling->form;
    char fraction[sizeof fraction_digits + 2] = "", zone[16] = "";
    int shown = spelling->fraction_digits > 0 ? (int)spelling->fraction_digits + 1 : 0;
    if (spelling->rule == RF_FRACTION_AS_NEEDED) {
        snprintf(fraction, sizeof fraction, "%s", as_needed_pattern);
    } else if (spelling->rule == RF_FRACTION_UNLESS_ZERO) {
        snprintf(fraction, sizeof fraction, "[%.*s]", shown, fraction_digits);
    } else {
        snprintf(fraction, sizeof fraction, "%.*s", shown, fraction_digits);
    }
    print_zone(form, zone, sizeof zone);
    char separator[2] = {form->separator, 0};
    snprintf(text, RF_SPELLING_TEXT, "%s%s%s%s%s%s", form->kind == RF_ISO_TIME ? "" : date_pattern,
             separator, form->kind == RF_ISO_DATE ? "" : clock_pattern,
             form->seconds ? seconds_pattern : "", fraction, zone);
}

/* Steps over the word if it comes next. */
static bool take(const char **at, const char *word) {
    size_t size = strlen(word);
    if (strncmp(*at, word, size) != 0) {
        return false;
    }
    *at += size;
    return true;
}

static bool read_fraction(const char **at, struct rf_spelling *spelling) {
    if (take(at, as_needed_pattern)) {
        spelling->rule = RF_FRACTION_AS_NEEDED;
        return true;
    }
    bool unless_zero = take(at, "[");
    if (take(at, ".")) {
        spelling->fraction_digits = (unsigned)strspn(*at, "f");
        *at += spelling->fraction_digits;
        if (spelling->fraction_digits == 0 || spelling->fraction_digits > 9) {
            return false;
        }
    }
    spelling->rule = unless_zero ? RF_FRACTION_UNLESS_ZERO : RF_FRACTION_ALWAYS;
    return !unless_zero || (spelling->fraction_digits > 0 && take(at, "]"));
}

/* A zone stands in a pattern as it stands in a text. */
static bool read_zone(const char *zone, struct rf_iso_form *form) {
    char text[RF_SPELLING_TEXT];
    int size = snprintf(text, sizeof text, "2000-01-01 00:00%s", zone);
    struct rf_iso iso;
    if (size >= (int)sizeof text ||
        rf_iso_read((const uint8_t *)text, (size_t)size, &iso) != RF_INSTANT_FITS ||
        iso.form.kind != RF_ISO_ZONED || iso.form.seconds) {
        return false;
    }
    form->zone = iso.form.zone;
    form->offset = iso.form.offset;
    return true;
}

bool rf_spelling_read(const char *text, struct rf_spelling *spelling) {
    const char *at = text;
    struct rf_iso_form *form = &spelling->form;
    *spelling = (struct rf_spelling){.rule = RF_FRACTION_ALWAYS};
    form->kind = RF_ISO_TIME;
    if (take(&at, date_pattern)) {
        form->kind = RF_ISO_DATE;
        if (*at == 0) {
            return true;
        }
        form->kind = RF_ISO_LOCAL;
        form->separator = *at++;
        if (form->separator != 'T' && form->separator != ' ') {
            return false;
        }
    }
    if (!take(&at, clock_pattern)) {
        return false;
    }
    form->seconds = take(&at, seconds_pattern);
    if (form->seconds && !read_fraction(&at, spelling)) {
        return false;
    }
    if (*at == 0) {
        return true;
    }
    if (form->kind != RF_ISO_LOCAL) {
        return false;
    }
    form->kind = RF_ISO_ZONED;
    return read_zone(at, form);
}
