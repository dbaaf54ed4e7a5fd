/* If these fail, the application's next row gets a number that is taken, or one that it never meant
 * to give out. */
#include "replay/sequence_reach.h"

#include <criterion/criterion.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What PostgreSQL's nextval would give; false: it would fail (no cycle). */
static bool next(const struct rf_sequence_state *state, int64_t *number) {
    if (!state->called) {
        *number = state->last;
        return true;
    }
    *number = state->last + state->increment; /* of small numbers */
    return *number >= state->min && *number <= state->max;
}

static bool is_past(const struct rf_sequence_state *state, int64_t number, int64_t passed) {
    return state->increment > 0 ? number > passed : number < passed;
}

static void check_state(const struct rf_sequence_state *state, int64_t passed) {
    int64_t number, value = 99999;
    enum rf_sequence_reach reach = rf_sequence_reach(state, passed, &value);
    bool gives = next(state, &number);
    bool beyond = state->increment > 0 ? passed > state->max : passed < state->min;
#define AT                                                                                  \
    "increment %d, last %d, called %d, passed %d", (int)state->increment, (int)state->last, \
        state->called, (int)passed
    switch (reach) {
    case RF_SEQUENCE_THERE:
        cr_assert(!gives || is_past(state, number, passed), AT);
        break;
    case RF_SEQUENCE_BEYOND:
        cr_assert(beyond, AT);
        break;
    case RF_SEQUENCE_MOVE: {
        struct rf_sequence_state moved = *state;
        moved.last = value;
        moved.called = true;
        cr_assert(!beyond && gives && !is_past(state, number, passed), AT);
        cr_assert(value >= state->min && value <= state->max, AT);
        cr_assert_eq((value - state->last) % state->increment, 0, AT);
        cr_assert(!is_past(state, state->last, value), "set back: %d", (int)value);
        if (next(&moved, &number)) {
            cr_assert(is_past(state, number, passed), AT);
            cr_assert(!is_past(state, number - state->increment * 2, passed), AT);
        }
        break;
    }
    }
#undef AT
}

Test(sequence, what_comes_next_is_past_what_is_there) {
    for (int64_t increment = -5; increment <= 5; increment++) {
        for (int64_t last = -7; increment != 0 && last <= 9; last++) {
            for (int64_t passed = -12; passed <= 14; passed++) {
                struct rf_sequence_state state = {
                    .increment = increment, .min = -7, .max = 9, .last = last};
                check_state(&state, passed);
                state.called = true;
                check_state(&state, passed);
            }
        }
    }
}

Test(sequence, the_ends_of_bigint_do_not_wrap) {
    const struct {
        int64_t increment, min, max, last, passed;
        bool called;
        enum rf_sequence_reach reach;
        int64_t value;
    } cases[] = {
        {1, 1, INT64_MAX, 1, INT64_MAX, false, RF_SEQUENCE_MOVE, INT64_MAX},
        {1, INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX, true, RF_SEQUENCE_MOVE, INT64_MAX},
        {-1, INT64_MIN, -1, -1, INT64_MIN, false, RF_SEQUENCE_MOVE, INT64_MIN},
        {-1, INT64_MIN, INT64_MAX, INT64_MAX, INT64_MIN, true, RF_SEQUENCE_MOVE, INT64_MIN},
        {INT64_MAX, INT64_MIN, INT64_MAX, 0, 5, false, RF_SEQUENCE_MOVE, INT64_MAX},
        {INT64_MAX, INT64_MIN, INT64_MAX, 0, 5, true, RF_SEQUENCE_THERE, 0},
        {INT64_MIN, INT64_MIN, INT64_MAX, INT64_MAX, 7, false, RF_SEQUENCE_MOVE, -1},
        {INT64_MIN, INT64_MIN, INT64_MAX, -1, -2, true, RF_SEQUENCE_THERE, 0},
        {7, 1, INT64_MAX, 1, INT64_MAX, false, RF_SEQUENCE_MOVE, INT64_MAX - 6},
        {1, 1, 32767, 5, INT64_MAX, true, RF_SEQUENCE_BEYOND, 0},
        {-1, -5, -1, -1, INT64_MIN, true, RF_SEQUENCE_BEYOND, 0},
        {1, 1, INT64_MAX, INT64_MAX, INT64_MAX, true, RF_SEQUENCE_THERE, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct rf_sequence_state state = {.increment = cases[i].increment,
                                                .min = cases[i].min,
                                                .max = cases[i].max,
                                                .last = cases[i].last,
                                                .called = cases[i].called};
        int64_t value = 0;
        cr_assert_eq(rf_sequence_reach(&state, cases[i].passed, &value), cases[i].reach, "case %zu",
                     i);
        cr_assert_eq(value, cases[i].value, "case %zu", i);
    }
}

Test(sequence, the_farther_one_counts) {
    const struct rf_sequence_state up = {.increment = 3}, down = {.increment = -3};
    cr_assert_eq(rf_sequence_farther(&up, 1, 2), 2);
    cr_assert_eq(rf_sequence_farther(&up, 2, 1), 2);
    cr_assert_eq(rf_sequence_farther(&down, 1, 2), 1);
    cr_assert_eq(rf_sequence_farther(&down, INT64_MAX, INT64_MIN), INT64_MIN);
}

Test(sequence, numbers_are_read_whole_or_not_at_all) {
    const struct {
        const char *text;
        enum rf_sequence_text kind;
        int64_t number;
    } cases[] = {
        {"0", RF_SEQUENCE_NUMBER, 0},
        {"-17", RF_SEQUENCE_NUMBER, -17},
        {"9223372036854775807", RF_SEQUENCE_NUMBER, INT64_MAX},
        {"-9223372036854775808", RF_SEQUENCE_NUMBER, INT64_MIN},
        {"9223372036854775808", RF_SEQUENCE_TOO_LARGE, 0},
        {"-9223372036854775809", RF_SEQUENCE_TOO_SMALL, 0},
        {"5.00", RF_SEQUENCE_NUMBER, 5},
        {"5.01", RF_SEQUENCE_NO_NUMBER, 0},
        {"5e3", RF_SEQUENCE_NO_NUMBER, 0},
        {"", RF_SEQUENCE_NO_NUMBER, 0},
        {"-", RF_SEQUENCE_NO_NUMBER, 0},
        {"NaN", RF_SEQUENCE_NO_NUMBER, 0},
        {" 5", RF_SEQUENCE_NO_NUMBER, 0},
        {"5 ", RF_SEQUENCE_NO_NUMBER, 0},
        {"+5", RF_SEQUENCE_NO_NUMBER, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t number = 0;
        enum rf_sequence_text kind = rf_sequence_read(cases[i].text, &number);
        cr_assert_eq(kind, cases[i].kind, "\"%s\"", cases[i].text);
        cr_assert(kind != RF_SEQUENCE_NUMBER || number == cases[i].number, "\"%s\"", cases[i].text);
    }
}
