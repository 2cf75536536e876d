/* Parameters turned into what the loops compare and compute with.
 *
 * Invariants
 * - Every way that a parameter can arrive (a double, an element of an array) ends here, so the
 *   rules for each kind of type exist once.
 * - Rounding is by integers, so it does not depend on the thread's rounding mode.
 */
#include "types.h"

#include <math.h>
#include <string.h>

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Magnitude bits of a finite non-negative double in another format; may exceed max_bits. */
static int64_t round_to_format(double value, int precision, int bias) {
    const uint64_t bits = bits_of(value);
    const int exponent = (int)(bits >> 52) - 1023, fraction_bits = precision - 1;
    if (precision == 53) {
        return (int64_t)bits;
    }
    if (exponent == -1023) { /* subnormal doubles are below half of any other format's smallest */
        return 0;
    }
    const uint64_t significand = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    const int below = 1 - bias - exponent; /* how far under the smallest normal exponent */
    const int shift = 52 - fraction_bits + (below > 0 ? below : 0);
    if (shift > 53) {
        return 0;
    }
    const uint64_t rest = significand & (((uint64_t)1 << shift) - 1);
    const uint64_t half = (uint64_t)1 << (shift - 1);
    int64_t quotient = (int64_t)(significand >> shift);
    quotient += rest > half || (rest == half && (quotient & 1));
    if (below > 0) {
        return quotient;
    }
    /* A carry out of the significand runs into the exponent, as it should. */
    return ((int64_t)(exponent + bias - 1) << fraction_bits) + quotient;
}

/* The number with these magnitude bits, infinity included; every format's fits a double. */
static double value_of(const shrink_type *type, int64_t bits) {
    if (type->precision == 53) {
        return double_of((uint64_t)bits);
    }
    if (bits > type->max_bits) {
        return bits <= type->top_bits ? INFINITY : NAN;
    }
    const int fraction_bits = type->precision - 1;
    const int64_t field = bits >> fraction_bits;
    const int64_t fraction = bits & (((int64_t)1 << fraction_bits) - 1);
    const int64_t significand = field ? fraction | (int64_t)1 << fraction_bits : fraction;
    const int exponent = (int)(field ? field : 1) - type->bias - fraction_bits;
    /* Both factors are exact, and so is the product. */
    return (double)significand * double_of((uint64_t)(exponent + 1023) << 52);
}

/* Any real number rounded to the type, by the rule for elements: a finite one that overflows is
 * infinity, or the largest number where there is none. */
static double rounded(const shrink_type *type, double value) {
    if (value != value || isinf(value)) { /* an infinite μ is one in types without infinity too */
        return value;
    }
    const int64_t bits = round_to_format(fabs(value), type->precision, type->bias);
    return copysign(value_of(type, bits <= type->max_bits ? bits : type->top_bits), value);
}

/* float's rules, for the parts of complex64. */
static const shrink_type single = {.kind = FLOATING, .item_size = 4, .precision = 24, .bias = 127,
                                   .max_bits = 0x7F7FFFFF, .top_bits = 0x7F800000};

/* ------------------------------------------------------------------------- integers */

/* The band of an integer type for |x| <= t; `empty` wins. */
static void integer_band(const shrink_type *type, uint64_t t, int empty, int64_t *low,
                         int64_t *high) {
    const int bits = 8 * type->item_size;
    if (empty) {
        *low = 1;
        *high = 0;
    }
    else if (type->is_signed) {
        const uint64_t largest = ((uint64_t)1 << (bits - 1)) - 1;
        *high = (int64_t)(t < largest ? t : largest);
        *low = -*high - (t > largest);
    }
    else {
        const uint64_t largest = UINT64_MAX >> (64 - bits);
        *low = 0;
        *high = (int64_t)(t < largest ? t : largest);
    }
}

static void integer_band_from_double(const shrink_type *type, double lambd, int64_t *low,
                                     int64_t *high) {
    /* The conversion truncates, which is floor here, and is exact below 2**64. The macro compares
     * without the flag that NaN would raise. */
    const int empty = !isgreaterequal(lambd, 0.0);
    integer_band(type, empty ? 0 : lambd >= 0x1p64 ? UINT64_MAX : (uint64_t)lambd, empty, low,
                 high);
}

void shrink_integer_band(const shrink_type *type, shrink_parameter lambd, int64_t *low,
                         int64_t *high) {
    if (lambd.number == NPY_DOUBLE) {
        double value;
        memcpy(&value, lambd.pointer, sizeof value);
        integer_band_from_double(type, value, low, high);
    }
    else if (lambd.number == NPY_LONGDOUBLE) {
        long double value;
        memcpy(&value, lambd.pointer, sizeof value);
        const int empty = !isgreaterequal(value, 0.0L);
        integer_band(type, empty ? 0 : value >= 0x1p64L ? UINT64_MAX : (uint64_t)value, empty, low,
                     high);
    }
    else {
        uint64_t value;
        memcpy(&value, lambd.pointer, sizeof value);
        const int is_signed = lambd.number == NPY_INT64;
        integer_band(type, value, is_signed && (value >> 63), low, high);
    }
}

/* ------------------------------------------------------------------ elements of arrays */

static double read_double(shrink_parameter parameter) {
    if (parameter.number == NPY_FLOAT) {
        float value;
        memcpy(&value, parameter.pointer, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, parameter.pointer, sizeof value);
    return value;
}

static uint64_t read_bits(int size, const char *pointer) {
    switch (size) { /* by size: reads the value on any byte order */
    case 1: { uint8_t v; memcpy(&v, pointer, sizeof v); return v; }
    case 2: { uint16_t v; memcpy(&v, pointer, sizeof v); return v; }
    case 4: { uint32_t v; memcpy(&v, pointer, sizeof v); return v; }
    default: { uint64_t v; memcpy(&v, pointer, sizeof v); return v; }
    }
}

/* Magnitude bits of λ, -1 for the empty band of what is negative or NaN. */
static int64_t element_high(const shrink_type *type, shrink_parameter lambd) {
    if (lambd.number != type->type_num) {
        const double value = read_double(lambd);
        if (!isgreaterequal(value, 0.0)) {
            return -1;
        }
        if (value == INFINITY) {
            return type->top_bits;
        }
        const int64_t bits = round_to_format(fabs(value), type->precision, type->bias);
        return bits <= type->max_bits ? bits : type->top_bits;
    }
    const uint64_t raw = read_bits(type->item_size, lambd.pointer);
    if (raw == (uint64_t)1 << (8 * type->item_size - 1)) {
        return type->kind == FNUZ ? -1 : 0; /* -0, or the NaN of a format that has no -0 */
    }
    return raw > (uint64_t)type->top_bits ? -1 : (int64_t)raw;
}

uint64_t shrink_own_bits(const shrink_type *type, shrink_parameter lambd) {
    const int64_t high = element_high(type, lambd);
    return high < 0 ? ((uint64_t)1 << (8 * type->item_size - 1)) | 1 : (uint64_t)high;
}

double shrink_working(const shrink_type *type, int index, shrink_parameter parameter) {
    if (type->kind == COMPLEX) {
        const double value = read_double(parameter);
        const int negative = index == 0 && value < 0; /* however close to zero */
        return negative ? -1 : type->item_size == 8 ? rounded(&single, value) : value;
    }
    if (index == 0) {
        const int64_t high = element_high(type, parameter);
        return high < 0 ? -1 : value_of(type, high);
    }
    if (parameter.number != type->type_num) {
        return rounded(type, read_double(parameter));
    }
    const uint64_t raw = read_bits(type->item_size, parameter.pointer);
    const uint64_t sign = (uint64_t)1 << (8 * type->item_size - 1);
    if (type->kind == FNUZ && raw == sign) {
        return NAN;
    }
    const double magnitude = value_of(type, (int64_t)(raw & (sign - 1)));
    return raw & sign ? -magnitude : magnitude;
}

/* --------------------------------------------------------------------------------- plans */

/* What each pattern of an 8-bit type becomes. */
static void fill_table(const shrink_type *type, shrink_plan *plan) {
    float values[256], results[256];
    for (int i = 0; i < 256; ++i) {
        const double value = type->kind == FNUZ && i == 128 ? NAN : value_of(type, i & 127);
        values[i] = (float)(i & 128 ? -value : value);
    }
    plan->band.inner(values, results, 256, &plan->band);
    for (int i = 0; i < 256; ++i) {
        const double result = results[i];
        const int64_t nan = type->kind == FNUZ ? 128 : type->top_bits + 1;
        if (values[i] != values[i]) {
            plan->table[i] = (unsigned char)i;
            continue;
        }
        int64_t bits = !isfinite(result) ? type->max_bits + 1
                                         : round_to_format(fabs(result), type->precision,
                                                           type->bias);
        if (bits > type->max_bits) { /* infinity, or the NaN that stands in its place */
            const int infinite = result == result && type->top_bits > type->max_bits;
            bits = infinite ? type->top_bits : nan;
        }
        const int negative = signbit(result) != 0 && bits != 128;
        plan->table[i] = (unsigned char)(bits | (negative && bits ? 128 : 0));
    }
    plan->band.table = plan->table;
    plan->loop = shrink_active_loops()->table;
}

/* Chooses the loops, the band being there: hardshrink's, or for an empty band the identity. */
static void plan_selection(const shrink_type *type, shrink_plan *plan) {
    const shrink_loops *loops = shrink_active_loops();
    switch (type->kind) {
    case FNUZ:
        plan->loop = loops->fnuz;
        break;
    case INTEGER:
        plan->loop = loops->range[type->width + (type->is_signed ? 0 : WIDTHS)];
        break;
    case COMPLEX:
        plan->loop = loops->squares[type->item_size == 16];
        break;
    default:
        plan->loop = loops->magnitude[type->width];
    }
}

/* Chooses a formula's loops for λ = t, which is a number of the type, and the second parameter. */
static void plan_formula(int formula, const shrink_type *type, double t, double second,
                         shrink_plan *plan) {
    const shrink_loops *loops = shrink_active_loops();
    shrink_band *band = &plan->band;
    const int is_double = type->item_size == (type->kind == COMPLEX ? 16 : 8);
    band->t = t;
    band->second = second;
    if (formula == FIRM) {
        if (!(second >= t)) {
            band->second = second = t;
        }
        const float single_t = (float)t, single_u = (float)second;
        const float single_gap = single_u - single_t, single_factor = single_u / single_gap;
        band->factor = second == INFINITY || second == t ? 1
                       : is_double                       ? second / (second - t)
                                                         : (double)single_factor;
        if (type->kind == COMPLEX) {
            band->factor = second == INFINITY || second == t ? 1 : second / (second - t);
            band->second = second == t ? 0 : second; /* from 0 on: all that is not in the band */
        }
    }
    if (type->kind == COMPLEX) {
        plan->loop = loops->phase[formula][is_double];
        return;
    }
    const int beyond = formula == DIFFERENCE && !isfinite(second);
    if (is_double) {
        plan->loop = beyond ? loops->beyond[1] : loops->formula[formula][1];
        band->upper = (int64_t)(bits_of(band->second) & INT64_MAX);
        band->high = (int64_t)bits_of(t);
        return;
    }
    const float working[2] = {(float)t, (float)second};
    uint32_t bits[2];
    memcpy(bits, working, sizeof bits);
    band->high = bits[0];
    band->upper = bits[1] & INT32_MAX;
    plan->loop = band->inner = beyond ? loops->beyond[0] : loops->formula[formula][0];
    if (type->item_size == 2) {
        const int format = type->precision == 11 ? HALF : BRAIN;
        /* A bias above λ may turn a sign or leave nothing: the plain loop sees to that. */
        const int plain = formula == DIFFERENCE && !(second <= t);
        shrink_scalar_loop *const direct = plain ? NULL : loops->direct[format][formula];
        band->own_high = (int16_t)round_to_format(t, type->precision, type->bias);
        band->own_upper = (int16_t)(second == INFINITY ? type->top_bits
                                                       : round_to_format(fabs(second),
                                                                         type->precision,
                                                                         type->bias));
        band->format = &loops->formats[format];
        plan->loop = direct != NULL ? direct : loops->narrow;
    }
    else if (type->item_size == 1) {
        fill_table(type, plan);
    }
}

/* Both ways meet here: the band's end (-1: empty) and the second parameter are rounded. */
static void plan_rounded(shrink_operation operation, const shrink_type *type, int64_t high,
                         double second, shrink_plan *plan) {
    const int formula = shrink_definitions[operation].formula;
    plan->band.high = high;
    /* λ = inf zeroes all but NaN, and an empty band keeps all: nothing to compute. */
    if (formula < 0 || high < 0 || high == type->top_bits) {
        plan_selection(type, plan);
        return;
    }
    const double t = value_of(type, high);
    plan_formula(formula, type, t, operation == SOFTSHRINK ? t : second, plan);
}

static void plan_complex(shrink_operation operation, const shrink_type *type, double t,
                         double second, shrink_plan *plan) {
    const int formula = shrink_definitions[operation].formula;
    plan->band.real = t;
    if (formula < 0 || !(t >= 0) || t == INFINITY) {
        plan_selection(type, plan);
        return;
    }
    plan_formula(formula, type, t, second, plan);
}

static void plan_integer(shrink_operation operation, const shrink_type *type, shrink_plan *plan) {
    const int index = type->width + (type->is_signed ? 0 : WIDTHS);
    plan->loop = operation == SOFTSHRINK ? shrink_active_loops()->nearer[index]
                                         : shrink_active_loops()->range[index];
}

/* A finite second parameter that rounds beyond the type, or NaN: refused. */
static int second_from_number(shrink_operation operation, const shrink_type *type, double given,
                              double t, double *second) {
    *second = rounded(type, given);
    if (operation == SHRINK) { /* any finite bias */
        return isfinite(given) &&
               round_to_format(fabs(given), type->precision, type->bias) <= type->max_bits;
    }
    return *second >= t &&
           (isinf(given) ||
            round_to_format(given, type->precision, type->bias) <= type->max_bits);
}

int shrink_plan_numbers(shrink_operation operation, const shrink_type *type,
                        const double *parameters, shrink_plan *plan) {
    const shrink_definition *definition = &shrink_definitions[operation];
    const double lambd = parameters[0];
    double second = 0;
    if (lambd != lambd || (lambd < 0 && !definition->negative)) {
        return 0;
    }
    if (type->kind == INTEGER) {
        if (operation == SOFTSHRINK && lambd != INFINITY && lambd != floor(lambd)) {
            return 0;
        }
        integer_band_from_double(type, lambd, &plan->band.low, &plan->band.high);
        plan_integer(operation, type, plan);
        return 1;
    }
    const shrink_type *real = type->kind != COMPLEX ? type : type->item_size == 8 ? &single : NULL;
    if (real == NULL) { /* complex128 holds every double */
        if (operation == FIRMSHRINK) {
            second = parameters[1];
            if (!(second >= lambd)) {
                return 0;
            }
        }
        plan_complex(operation, type, fabs(lambd) == 0 ? 0 : lambd, second, plan);
        return 1;
    }
    int64_t high = real->top_bits;
    if (!isinf(lambd)) {
        high = round_to_format(fabs(lambd), real->precision, real->bias);
        if (high > real->max_bits) { /* finite but beyond the type, for negative λ as well */
            return 0;
        }
    }
    const double t = isinf(lambd) ? lambd : value_of(real, high);
    if (definition->parameters == 2 &&
        !second_from_number(operation, real, parameters[1], t, &second)) {
        return 0;
    }
    if (type->kind == COMPLEX) {
        plan_complex(operation, type, lambd < 0 ? -1 : t, second, plan);
    }
    else {
        plan_rounded(operation, type, lambd < 0 ? -1 : high, second, plan);
    }
    return 1;
}

void shrink_plan_elements(shrink_operation operation, const shrink_type *type,
                          const shrink_parameter *parameters, shrink_plan *plan) {
    const int two = shrink_definitions[operation].parameters == 2;
    if (type->kind == INTEGER) {
        shrink_integer_band(type, parameters[0], &plan->band.low, &plan->band.high);
        plan_integer(operation, type, plan);
        return;
    }
    const double second = two ? shrink_working(type, 1, parameters[1]) : 0;
    if (type->kind == COMPLEX) {
        plan_complex(operation, type, shrink_working(type, 0, parameters[0]), second, plan);
    }
    else {
        plan_rounded(operation, type, element_high(type, parameters[0]), second, plan);
    }
}
