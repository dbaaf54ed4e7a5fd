/* Arithmetic. SQLite's integers overflow into reals, its division by zero is NULL, its reals
 * overflow into infinities; PostgreSQL answers all three with an error. So every integer carries
 * the range it can lie in, every real its magnitude, and an operation is carried over where no
 * overflow can be.
 *
 * One step further goes WIDE: a single operation on 64-bit integers, done exactly in numeric.
 * Where that leaves 64 bits, SQLite has a real of the same sign and at least 2^62 in size, so that
 * comparisons with anything smaller come out the same.
 *
 * A sum that only ever leaves them upwards (TALL) may be compared with every 64-bit integer, for
 * the real is then no less than 2^63. Both summands are positive; let a be the larger one, A its
 * double. If the other one, b, is from 2^62 on, so is a, and so are both doubles. Else A differs
 * from a by at most 512, so b >= 2^63 - a >= 2^63 - A - 512, which is a multiple of 512 below 2^62
 * and thus a double; b's own double is no less, and the sum of the doubles no less than 2^63 -
 * 512, which rounds to 2^63. Downwards the same real could be -2^63, which is an integer too. */
#include "replay/expression_operation.h"

#define REAL_MOST 1e300 /* well clear of overflow and underflow */
#define REAL_LEAST 1e-290

typedef __int128 wide;

struct range {
    wide low, high;
};

static bool is_narrow(struct range range) {
    return range.low >= INT64_MIN && range.high <= INT64_MAX;
}

static struct range range_of(const struct rf_sql_value *value) {
    return (struct range){value->low, value->high};
}

static wide least(wide a, wide b) {
    return a < b ? a : b;
}

static wide most(wide a, wide b) {
    return a > b ? a : b;
}

static wide magnitude(struct range range) {
    return most(range.high < 0 ? -range.high : range.high, range.low < 0 ? -range.low : range.low);
}

static struct range product(struct range a, struct range b) {
    wide p[4] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
    return (struct range){least(least(p[0], p[1]), least(p[2], p[3])),
                          most(most(p[0], p[1]), most(p[2], p[3]))};
}

/* Of a quotient: no larger than the dividend; by a literal, its quotients. */
static struct range quotient(struct range a, struct range b) {
    if (b.low == b.high && b.low != 0) {
        return (struct range){least(a.low / b.low, a.high / b.low),
                              most(a.low / b.low, a.high / b.low)};
    }
    wide size = magnitude(a);
    bool flips = b.low <= -1 && a.low == INT64_MIN;
    return (struct range){-size, flips || size <= INT64_MAX ? size : INT64_MAX};
}

/* The sign of the dividend, and smaller than the divisor. */
static struct range remainder_of(struct range a, struct range b) {
    wide size = most(magnitude(b) - 1, 0);
    return (struct range){a.low < 0 ? -least(size, magnitude(a)) : 0,
                          a.high > 0 ? least(size, magnitude(a)) : 0};
}

static struct range range_after(enum rf_operator op, struct range a, struct range b) {
    switch (op) {
    case RF_OPERATOR_ADD:
        return (struct range){a.low + b.low, a.high + b.high};
    case RF_OPERATOR_SUBTRACT:
        return (struct range){a.low - b.high, a.high - b.low};
    case RF_OPERATOR_MULTIPLY:
        return product(a, b);
    case RF_OPERATOR_DIVIDE:
        return quotient(a, b);
    default:
        return remainder_of(a, b);
    }
}

static const char *symbol(enum rf_operator op) {
    switch (op) {
    case RF_OPERATOR_ADD:
        return "+";
    case RF_OPERATOR_SUBTRACT:
        return "-";
    case RF_OPERATOR_MULTIPLY:
        return "*";
    case RF_OPERATOR_DIVIDE:
        return "/";
    case RF_OPERATOR_REMAINDER:
        return "%";
    case RF_OPERATOR_BIT_AND:
        return "&";
    default:
        return "|";
    }
}

static bool may_be_zero(const struct rf_sql_value *value) {
    if (rf_value_is_integer(value)) {
        return value->low <= 0 && value->high >= 0;
    }
    return !value->literal || value->literal_real == 0;
}

static struct rf_sql_value wide_of(struct rf_translation *t, enum rf_operator op,
                                   struct range range, const char *left, const char *right,
                                   bool nullable) {
    const char *sql = op == RF_OPERATOR_DIVIDE ? rf_sql(t, "div(%s, %s)", left, right)
                                               : rf_sql(t, "(%s %s %s)", left, symbol(op), right);
    struct rf_sql_value result = rf_value_of(RF_SQL_WIDE, sql, nullable);
    bool sum = op == RF_OPERATOR_ADD || op == RF_OPERATOR_SUBTRACT;
    result.tall = sum && range.low >= INT64_MIN;
    return result;
}

/* A literal's whole outcome, where it is certain. */
static bool fold(enum rf_operator op, const struct rf_sql_value *left,
                 const struct rf_sql_value *right, struct range *range) {
    if (!left->literal || !right->literal) {
        return false;
    }
    if ((op == RF_OPERATOR_DIVIDE || op == RF_OPERATOR_REMAINDER) && right->low == 0) {
        return false;
    }
    if (op == RF_OPERATOR_REMAINDER) {
        range->low = (wide)left->low % (wide)right->low;
        range->high = range->low;
    }
    return range->low == range->high && is_narrow(*range);
}

static struct rf_sql_value integers(struct rf_translation *t, enum rf_operator op,
                                    const struct rf_sql_value *left,
                                    const struct rf_sql_value *right) {
    bool divides = op == RF_OPERATOR_DIVIDE || op == RF_OPERATOR_REMAINDER;
    bool guarded = divides && may_be_zero(right);
    bool nullable = left->nullable || right->nullable || guarded;
    struct range range = range_after(op, range_of(left), range_of(right));
    if (fold(op, left, right, &range)) {
        return rf_value_literal_integer(t, (int64_t)range.low);
    }
    if (!is_narrow(range)) {
        const char *divisor = rf_value_numeric(t, right);
        divisor = guarded ? rf_sql(t, "NULLIF(%s, 0)", divisor) : divisor;
        return wide_of(t, op, range, rf_value_numeric(t, left), divisor, nullable);
    }
    /* One side at least has to be a bigint for sure. */
    const char *a = right->literal ? rf_value_bigint(t, left) : rf_value_beside_bigint(t, left);
    const char *b = guarded ? rf_sql(t, "NULLIF(%s, 0)", rf_value_bigint(t, right))
                            : rf_value_beside_bigint(t, right);
    return rf_value_integer(t, rf_sql(t, "(%s %s %s)", a, symbol(op), b), nullable,
                            (int64_t)range.low, (int64_t)range.high);
}

static double real_least(const struct rf_sql_value *value) {
    return rf_value_is_integer(value) ? 1 : value->least;
}

/* Sums of doubles never underflow to zero, but their least magnitude is not known. */
static bool real_bounds(enum rf_operator op, const struct rf_sql_value *left,
                        const struct rf_sql_value *right, double *most_of, double *least_of) {
    double a = rf_value_most(left);
    double b = rf_value_most(right);
    *least_of = 0;
    if (op == RF_OPERATOR_ADD || op == RF_OPERATOR_SUBTRACT) {
        *most_of = a + b;
        return *most_of <= REAL_MOST;
    }
    if (op == RF_OPERATOR_MULTIPLY) {
        *most_of = a * b;
        *least_of = real_least(left) * real_least(right);
    } else {
        *most_of = a / real_least(right);
        *least_of = real_least(left) / b;
    }
    /* Rounding moves the bounds by one part in 2^53; halving and doubling is more than enough. */
    *most_of *= 2;
    *least_of /= 2;
    return *most_of <= REAL_MOST && *least_of >= REAL_LEAST;
}

static struct rf_sql_value reals(struct rf_translation *t, enum rf_operator op,
                                 const struct rf_sql_value *left,
                                 const struct rf_sql_value *right) {
    if (left->kind == RF_SQL_NUMBER || right->kind == RF_SQL_NUMBER) {
        return rf_refuse(t, "arithmetic on a number that may be integer or real");
    }
    if (op == RF_OPERATOR_REMAINDER) {
        return rf_refuse(t, "operator %% on a real");
    }
    bool guarded = op == RF_OPERATOR_DIVIDE && may_be_zero(right);
    if (guarded && right->literal) {
        return rf_refuse(t, "division by the literal zero");
    }
    double most_of;
    double least_of;
    if (!real_bounds(op, left, right, &most_of, &least_of)) {
        return rf_refuse(t, "arithmetic on reals, which may overflow (operator %s)", symbol(op));
    }
    const char *b = rf_value_double(t, right);
    b = guarded ? rf_sql(t, "NULLIF(%s, 0)", b) : b;
    const char *sql = rf_sql(t, "(%s %s %s)", rf_value_double(t, left), symbol(op), b);
    struct rf_sql_value result =
        rf_value_real(sql, left->nullable || right->nullable || guarded, most_of, least_of);
    result.signed_zero = op != RF_OPERATOR_ADD || (left->signed_zero && right->signed_zero);
    return result;
}

/* Bits of & and |: no further than the next power of two, as long as no sign is involved. */
static struct rf_sql_value bits(struct rf_translation *t, enum rf_operator op,
                                const struct rf_sql_value *left, const struct rf_sql_value *right) {
    struct range range = {INT64_MIN, INT64_MAX};
    if (left->low >= 0 && right->low >= 0) {
        wide all = 1;
        while (all <= most(left->high, right->high)) {
            all *= 2;
        }
        range.low = 0;
        range.high = all - 1;
    }
    if (op == RF_OPERATOR_BIT_AND && (left->low >= 0 || right->low >= 0)) {
        wide a = left->low >= 0 ? left->high : INT64_MAX;
        wide b = right->low >= 0 ? right->high : INT64_MAX;
        range = (struct range){0, least(a, b)};
    }
    const char *a = right->literal ? rf_value_bigint(t, left) : rf_value_beside_bigint(t, left);
    return rf_value_integer(
        t, rf_sql(t, "(%s %s %s)", a, symbol(op), rf_value_beside_bigint(t, right)),
        left->nullable || right->nullable, (int64_t)range.low, (int64_t)range.high);
}

/* PostgreSQL takes the number of places modulo 64; a literal of less means the same in both. */
static struct rf_sql_value shift(struct rf_translation *t, enum rf_operator op,
                                 const struct rf_sql_value *left,
                                 const struct rf_sql_value *right) {
    if (!right->literal || right->low < 0 || right->low > 63) {
        return rf_refuse(t, "a shift by anything but a literal from 0 to 63");
    }
    bool to_left = op == RF_OPERATOR_SHIFT_LEFT;
    int places = (int)right->low;
    struct range range = {INT64_MIN, INT64_MAX};
    if (to_left) {
        wide factor = (wide)1 << places;
        struct range shifted = {left->low * factor, left->high * factor};
        range = is_narrow(shifted) ? shifted : range;
    } else {
        range = (struct range){left->low >> places, left->high >> places};
    }
    return rf_value_integer(
        t, rf_sql(t, "(%s %s %d)", rf_value_bigint(t, left), to_left ? "<<" : ">>", places),
        left->nullable, (int64_t)range.low, (int64_t)range.high);
}

struct rf_sql_value rf_operand(struct rf_translation *t, const struct rf_sql_value *value) {
    struct rf_sql_value number = *value;
    if (value->kind == RF_SQL_TEXT && value->digits) {
        number = rf_value_integer(t, value->digits, value->nullable, value->low, value->high);
        number.pinned = value->pinned;
        number.clock = value->clock;
    }
    if (number.kind == RF_SQL_NULL || rf_value_is_integer(&number) || rf_value_is_double(&number)) {
        return number;
    }
    if (number.kind == RF_SQL_WIDE) {
        return rf_refuse(t, "arithmetic on an integer that may have overflowed");
    }
    return rf_refuse(t, "arithmetic on %s", rf_value_kind_name(number.kind));
}

/* Seconds of the clock by a literal: milliseconds, perhaps. */
static const struct rf_clock *clock_times(struct rf_translation *t, const struct rf_sql_value *left,
                                          const struct rf_sql_value *right) {
    if (!left->clock || left->clock->per_second != 1 || !right->literal || right->low < 1 ||
        right->low > INT32_MAX) {
        return NULL;
    }
    struct rf_clock *clock = rf_arena_take(t->arena, 1, sizeof *clock);
    if (clock) {
        clock->per_second = right->low;
    }
    return clock;
}

struct rf_sql_value rf_arithmetic(struct rf_translation *t, enum rf_operator op,
                                  const struct rf_sql_value *left_given,
                                  const struct rf_sql_value *right_given) {
    struct rf_sql_value left = rf_operand(t, left_given);
    struct rf_sql_value right = rf_operand(t, right_given);
    if (t->refusal || left.kind == RF_SQL_NULL || right.kind == RF_SQL_NULL) {
        return rf_value_null();
    }
    bool whole = rf_value_is_integer(&left) && rf_value_is_integer(&right);
    struct rf_sql_value result;
    switch (op) {
    case RF_OPERATOR_BIT_AND:
    case RF_OPERATOR_BIT_OR:
        result = whole ? bits(t, op, &left, &right) : rf_refuse(t, "bits of a real");
        break;
    case RF_OPERATOR_SHIFT_LEFT:
    case RF_OPERATOR_SHIFT_RIGHT:
        result = whole ? shift(t, op, &left, &right) : rf_refuse(t, "bits of a real");
        break;
    default:
        result = whole ? integers(t, op, &left, &right) : reals(t, op, &left, &right);
        break;
    }
    if (whole && op == RF_OPERATOR_MULTIPLY && !t->refusal) {
        result.clock = clock_times(t, &left, &right);
    }
    struct rf_sql_value both[2] = {left, right};
    bool divides = op == RF_OPERATOR_DIVIDE || op == RF_OPERATOR_REMAINDER;
    bool constant_null = divides && may_be_zero(&right) && !right.pinned;
    result.pinned = !result.literal && !constant_null && rf_value_pins(both, 2);
    return result;
}

/* SQLite subtracts from zero, which makes no negative zero. */
struct rf_sql_value rf_negate(struct rf_translation *t, const struct rf_sql_value *value) {
    struct rf_sql_value number = rf_operand(t, value);
    if (number.kind == RF_SQL_NULL || t->refusal) {
        return rf_value_null();
    }
    if (rf_value_is_integer(&number)) {
        struct rf_sql_value zero = rf_value_literal_integer(t, 0);
        struct rf_sql_value negated = integers(t, RF_OPERATOR_SUBTRACT, &zero, &number);
        negated.pinned = number.pinned;
        return negated;
    }
    struct rf_sql_value negated = number;
    negated.sql = rf_sql(t, "(0 - %s)", number.sql);
    negated.literal = false;
    negated.clock = NULL;
    negated.signed_zero = false;
    negated.affinity = RF_AFFINITY_NONE;
    negated.collated = RF_COLLATED_NOT;
    return negated;
}

struct rf_sql_value rf_invert(struct rf_translation *t, const struct rf_sql_value *value) {
    struct rf_sql_value number = rf_operand(t, value);
    if (number.kind == RF_SQL_NULL || t->refusal) {
        return rf_value_null();
    }
    if (!rf_value_is_integer(&number)) {
        return rf_refuse(t, "bits of a real");
    }
    struct rf_sql_value inverted =
        rf_value_integer(t, rf_sql(t, "(~ %s)", rf_value_bigint(t, &number)), number.nullable,
                         ~number.high, ~number.low);
    inverted.pinned = number.pinned;
    return inverted;
}
