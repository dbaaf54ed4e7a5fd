/* Numbers and words of the settings. Digits only: no sign, no blank, no other base. */
#include "tools/values.h"

#include <string.h>

/* The leading digits of *text as a number of at most `most`; false where there are none or too
 * many. */
static bool digits(const char **text, long most, long *out) {
    size_t count = strspn(*text, "0123456789");
    long value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value * 10 + ((*text)[i] - '0');
        if (value > most) {
            return false;
        }
    }
    *text += count;
    *out = value;
    return count > 0;
}

bool rf_value_jobs(const char *text, unsigned *out) {
    long value;
    if (!digits(&text, RF_JOBS_MAX, &value) || *text || value == 0) {
        return false;
    }
    *out = (unsigned)value;
    return true;
}

bool rf_value_progress(const char *text, enum rf_progress_when *out) {
    static const char *const words[] = {[RF_PROGRESS_AUTO] = "auto",
                                        [RF_PROGRESS_ALWAYS] = "always",
                                        [RF_PROGRESS_NEVER] = "never"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = (enum rf_progress_when)i;
            return true;
        }
    }
    return false;
}

bool rf_value_timeout(const char *text, int *milliseconds) {
    long seconds;
    if (!digits(&text, RF_BUSY_TIMEOUT_MAX, &seconds)) {
        return false;
    }
    long rest = 0;
    if (*text == '.') {
        text++;
        size_t count = strspn(text, "0123456789");
        for (size_t i = 0; i < 3; i++) {
            rest = rest * 10 + (i < count ? text[i] - '0' : 0);
        }
        if (count == 0) {
            return false;
        }
        text += count;
    }
    if (*text || (seconds == RF_BUSY_TIMEOUT_MAX && rest > 0)) {
        return false;
    }
    *milliseconds = (int)(seconds * 1000 + rest);
    return true;
}
