#include "replay/sequence_reach.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* A sequence that counts down is one that counts up in a mirror: ~n turns the order of all numbers
 * around, and unlike -n it is there for the lowest one too. */
static int64_t mirrored(int64_t number, bool down) {
    return down ? ~number : number;
}

enum rf_sequence_reach rf_sequence_reach(const struct rf_sequence_state *state, int64_t passed,
                                         int64_t *value) {
    bool down = state->increment < 0;
    int64_t last = mirrored(state->last, down), to = mirrored(passed, down);
    int64_t end = mirrored(down ? state->min : state->max, down);
    uint64_t step = down ? 0 - (uint64_t)state->increment : (uint64_t)state->increment;
    if (to < last || (to == last && state->called)) {
        return RF_SEQUENCE_THERE;
    }
    if (to > end) {
        return RF_SEQUENCE_BEYOND;
    }
    uint64_t distance = (uint64_t)to - (uint64_t)last;
    uint64_t room = ((uint64_t)end - (uint64_t)last) / step;
    uint64_t steps = distance / step + (distance % step != 0);
    bool next_is_past = state->called && step > distance;
    if (next_is_past || (room == 0 && state->called)) {
        return RF_SEQUENCE_THERE;
    }
    steps = steps < room ? steps : room;
    *value = mirrored((int64_t)((uint64_t)last + steps * step), down);
    return RF_SEQUENCE_MOVE;
}

int64_t rf_sequence_farther(const struct rf_sequence_state *state, int64_t a, int64_t b) {
    return (state->increment < 0) == (a < b) ? a : b;
}

static bool is_whole(const char *text) {
    const char *at = text + (*text == '-');
    if (!isdigit((unsigned char)*at)) {
        return false;
    }
    while (isdigit((unsigned char)*at)) {
        at++;
    }
    if (*at == '.') {
        do {
            at++;
        } while (*at == '0');
    }
    return *at == 0;
}

enum rf_sequence_text rf_sequence_read(const char *text, int64_t *number) {
    if (!is_whole(text)) {
        return RF_SEQUENCE_NO_NUMBER;
    }
    errno = 0;
    long long read = strtoll(text, NULL, 10);
    *number = read;
    if (errno == ERANGE) {
        return read < 0 ? RF_SEQUENCE_TOO_SMALL : RF_SEQUENCE_TOO_LARGE;
    }
    return RF_SEQUENCE_NUMBER;
}
