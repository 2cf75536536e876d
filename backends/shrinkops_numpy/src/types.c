/* The table of element types, and thresholds turned into bands.
 *
 * Invariants
 * - See types.h. Every way that λ can arrive (a double, an element of an array) ends in one of
 *   the functions here, so the rules for each kind of type exist once.
 */
#include "types.h"

#include <math.h>
#include <string.h>

static shrink_type types[SHRINK_MAX_TYPES];

const shrink_type *shrink_find_type(int type_num) {
    if (type_num < 0 || type_num >= SHRINK_MAX_TYPES || types[type_num].kind == NO_TYPE) {
        return NULL;
    }
    return &types[type_num];
}

void shrink_store_type(int type_num, shrink_type type) {
    types[type_num] = type;
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
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

/* The band of an integer type for |x| <= t; `empty` wins. */
static void integer_band(const shrink_type *type, uint64_t t, int empty, shrink_band *band) {
    const int bits = 8 * type->item_size;
    if (empty) {
        band->low = 1;
        band->high = 0;
    }
    else if (type->is_signed) {
        const uint64_t largest = ((uint64_t)1 << (bits - 1)) - 1;
        band->high = (int64_t)(t < largest ? t : largest);
        band->low = -band->high - (t > largest);
    }
    else {
        const uint64_t largest = UINT64_MAX >> (64 - bits);
        band->low = 0;
        band->high = (int64_t)(t < largest ? t : largest);
    }
}

static void integer_band_from_double(const shrink_type *type, double lambd, shrink_band *band) {
    /* The conversion truncates, which is floor here, and is exact below 2**64. The macro compares
     * without the flag that NaN would raise. */
    const int empty = !isgreaterequal(lambd, 0.0);
    integer_band(type, empty ? 0 : lambd >= 0x1p64 ? UINT64_MAX : (uint64_t)lambd, empty, band);
}

int shrink_band_from_double(const shrink_type *type, double lambd, shrink_band *band) {
    if (lambd != lambd) {
        return 0;
    }
    switch (type->kind) {
    case FLOATING:
    case FNUZ:
        if (lambd < 0) {
            band->high = -1;
            /* Finite but beyond the type is an error for negative λ as well. */
            return lambd == -INFINITY ||
                   round_to_format(-lambd, type->precision, type->bias) <= type->max_bits;
        }
        if (lambd == INFINITY) {
            band->high = type->top_bits;
            return 1;
        }
        band->high = round_to_format(fabs(lambd), type->precision, type->bias);
        return band->high <= type->max_bits;
    case INTEGER:
        integer_band_from_double(type, lambd, band);
        return 1;
    case COMPLEX:
        band->real = lambd;
        if (type->item_size == 8) {
            band->real = (float)lambd;
            if (lambd < 0 && band->real == 0) { /* still negative, so still an empty band */
                band->real = -1;
            }
            return isinf(lambd) || !isinf(band->real);
        }
        return 1;
    default:
        return 0;
    }
}

/* One element of λ for an integer loop, of any of the four types that the loops take. */
static void integer_band_at(const shrink_type *type, int lambd_num, const char *pointer,
                            shrink_band *band) {
    if (lambd_num == NPY_DOUBLE) {
        double value;
        memcpy(&value, pointer, sizeof value);
        integer_band_from_double(type, value, band);
    }
    else if (lambd_num == NPY_LONGDOUBLE) {
        long double value;
        memcpy(&value, pointer, sizeof value);
        const int empty = !isgreaterequal(value, 0.0L);
        integer_band(type, empty ? 0 : value >= 0x1p64L ? UINT64_MAX : (uint64_t)value, empty,
                     band);
    }
    else {
        uint64_t value;
        memcpy(&value, pointer, sizeof value);
        integer_band(type, value, lambd_num == NPY_INT64 && (value >> 63), band);
    }
}

/* Fills the band from one element of λ, for a loop whose λ does not advance. */
static void band_at(const shrink_type *type, int lambd_num, const char *pointer,
                    shrink_band *band) {
    uint64_t raw = 0;
    float single;
    switch (type->kind) {
    case INTEGER:
        integer_band_at(type, lambd_num, pointer, band);
        break;
    case COMPLEX:
        if (type->item_size == 8) {
            memcpy(&single, pointer, sizeof single);
            band->real = single;
        }
        else {
            memcpy(&band->real, pointer, sizeof band->real);
        }
        break;
    default: { /* raw bits of x's own type */
        const int bits = 8 * type->item_size;
        const uint64_t sign = (uint64_t)1 << (bits - 1);
        switch (type->item_size) { /* by size: reads the value on any byte order */
        case 1: { uint8_t v; memcpy(&v, pointer, sizeof v); raw = v; break; }
        case 2: { uint16_t v; memcpy(&v, pointer, sizeof v); raw = v; break; }
        case 4: { uint32_t v; memcpy(&v, pointer, sizeof v); raw = v; break; }
        default: memcpy(&raw, pointer, sizeof raw);
        }
        if (raw == sign) { /* -0, or the NaN of a format that has no -0 */
            band->high = type->kind == FNUZ ? -1 : 0;
        }
        else {
            band->high = raw > (uint64_t)type->top_bits ? -1 : (int64_t)raw;
        }
    }
    }
}

void shrink_band_from_element(const shrink_type *type, int type_num, int lambd_num,
                              const char *pointer, shrink_band *band) {
    const int own = type->kind == INTEGER || type->kind == COMPLEX || lambd_num == type_num;
    if (own && !(type->kind == COMPLEX && lambd_num == NPY_DOUBLE && type->item_size == 8)) {
        band_at(type, lambd_num, pointer, band);
        return;
    }
    double lambd;
    memcpy(&lambd, pointer, sizeof lambd);
    if (!shrink_band_from_double(type, lambd, band)) {
        const int all = lambd > 0; /* beyond the type; otherwise NaN, or negative and beyond */
        band->high = all ? type->top_bits : -1;
        band->real = all ? INFINITY : -1;
    }
}
