/* The operations with arithmetic, compiled once per instruction set; loops.inc.h includes this.
 *
 * The expressions are the specification's, one IEEE operation for each + - * /, in its order.
 * Where the band ends is decided on magnitude bits, so NaN needs no case: it is larger than every
 * threshold, and the arithmetic keeps it. -0 cannot arise: a difference that is 0 is +0, and a
 * product of two numbers above 0 is never below the smaller magnitude by enough to vanish.
 */

#define CONVERSIONS(R, I)                                       \
    static inline R NAME(real_##R)(I bits) {                    \
        R value;                                                \
        memcpy(&value, &bits, sizeof value);                    \
        return value;                                           \
    }                                                           \
    static inline I NAME(bits_##R)(R value) {                   \
        I bits;                                                 \
        memcpy(&bits, &value, sizeof bits);                     \
        return bits;                                            \
    }
CONVERSIONS(float, int32_t)
CONVERSIONS(double, int64_t)

/* `yes` where a magnitude exceeds a threshold, else `no`. */
#define PICK(EXCEEDS, magnitude, high, yes, no) (EXCEEDS(magnitude, high) ? (yes) : (no))
#define PICK_BY_MASK(EXCEEDS, magnitude, high, yes, no) \
    (((yes) & -(int64_t)EXCEEDS(magnitude, high)) | ((no) & ~-(int64_t)EXCEEDS(magnitude, high)))
#if defined(SHRINKOPS_X86_64) && !defined(__AVX2__)
#define PICK_64 PICK_BY_MASK
#else
#define PICK_64 PICK
#endif

/* x - s·b, with s·b by the sign bit. */
#define DIFFERENCE_OF(R, I, MIN)                                                               \
    static inline I NAME(difference_of_##R)(I bits, I bias) {                                  \
        return NAME(bits_##R)(NAME(real_##R)(bits) - NAME(real_##R)((I)(bias ^ (bits & MIN)))); \
    }
/* min(product, a) of numbers that are not negative, by their bits; a where the product is NaN. */
#define SMALLER_OF(R, I)                                                                       \
    static inline I NAME(smaller_of_##R)(R product, I a) {                                     \
        const I bits = NAME(bits_##R)(product);                                                \
        return bits < a ? bits : a;                                                            \
    }
/* min((a - t)·c, a). */
#define FIRM_OF(R, I)                                                                          \
    static inline I NAME(firm_of_##R)(I magnitude, R t, R c) {                                 \
        return NAME(smaller_of_##R)((NAME(real_##R)(magnitude) - t) * c, magnitude);           \
    }
/* min((a - t)·(1 + t/a), a). */
#define GARROTE_OF(R, I)                                                                       \
    static inline I NAME(garrote_of_##R)(I magnitude, R t) {                                   \
        const R a = NAME(real_##R)(magnitude);                                                 \
        return NAME(smaller_of_##R)((a - t) * ((R)1 + t / a), magnitude);                      \
    }

#define FORMULA(R, I, EXCEEDS, PICK, MIN, MAX, INFINITE)                                         \
    DIFFERENCE_OF(R, I, MIN)                                                                     \
    SMALLER_OF(R, I)                                                                             \
    FIRM_OF(R, I)                                                                                \
    GARROTE_OF(R, I)                                                                             \
    static void NAME(difference_##R)(const void *x, void *out, size_t n, const shrink_band *band) { \
        const I high = (I)band->high, bias = NAME(bits_##R)((R)band->second);                    \
        FOR_EACH {                                                                               \
            const I bits = LOAD(I, x, i), keep = (I) - (I)EXCEEDS((I)(bits & MAX), high);        \
            STORE(I, out, i, (I)(NAME(difference_of_##R)(bits, bias) & keep));                   \
        }                                                                                        \
    }                                                                                            \
    /* For a bias that is no number: an infinite x stays itself, and NaN does. */               \
    static void NAME(beyond_##R)(const void *x, void *out, size_t n, const shrink_band *band) {  \
        const I high = (I)band->high, bias = NAME(bits_##R)((R)band->second);                    \
        FOR_EACH {                                                                               \
            const I bits = LOAD(I, x, i), a = (I)(bits & MAX);                                   \
            const I moved = NAME(difference_of_##R)(bits, bias);                                 \
            STORE(I, out, i, a <= high ? (I)0 : a >= INFINITE ? bits : moved);                   \
        }                                                                                        \
    }                                                                                            \
    static void NAME(firm_##R)(const void *x, void *out, size_t n, const shrink_band *band) {    \
        const I high = (I)band->high, below = (I)(band->upper - 1);                              \
        const R t = (R)band->t, c = (R)band->factor;                                             \
        FOR_EACH {                                                                               \
            const I bits = LOAD(I, x, i), a = (I)(bits & MAX);                                   \
            const I size = PICK(EXCEEDS, a, below, a, NAME(firm_of_##R)(a, t, c));               \
            STORE(I, out, i, (I)PICK(EXCEEDS, a, high, size | (bits & MIN), 0));                 \
        }                                                                                        \
    }                                                                                            \
    static void NAME(garrote_##R)(const void *x, void *out, size_t n, const shrink_band *band) { \
        const I high = (I)band->high;                                                            \
        const R t = (R)band->t;                                                                  \
        FOR_EACH {                                                                               \
            const I bits = LOAD(I, x, i), a = (I)(bits & MAX);                                   \
            const I size = NAME(garrote_of_##R)(a, t);                                           \
            STORE(I, out, i, (I)PICK(EXCEEDS, a, high, size | (bits & MIN), 0));                 \
        }                                                                                        \
    }                                                                                            \
    /* The threshold's bits; -1 for the empty band, of what is negative or NaN. */               \
    static inline I NAME(high_##R)(I t) {                                                        \
        t = t == MIN ? (I)0 : t; /* -0 is 0 */                                                   \
        return (I)((t < 0) | (t > INFINITE)) ? (I)-1 : t;                                        \
    }                                                                                            \
    static void NAME(difference_array_##R)(const void *x, const void *a, const void *b,          \
                                           void *out, size_t n, int64_t top) {                   \
        (void)top;                                                                               \
        FOR_EACH {                                                                               \
            const I bits = LOAD(I, x, i), high = NAME(high_##R)(LOAD(I, a, i));                  \
            const I magnitude = (I)(bits & MAX), keep = (I) - (I)(magnitude > high);             \
            const I moved = NAME(difference_of_##R)(bits, LOAD(I, b, i));                        \
            const I whole = (high < 0) | (magnitude >= INFINITE); /* whatever the bias is */     \
            STORE(I, out, i, (I)((whole ? bits : moved) & keep));                                \
        }                                                                                        \
    }                                                                                            \
    static void NAME(firm_array_##R)(const void *x, const void *a, const void *b, void *out,     \
                                     size_t n, int64_t top) {                                    \
        (void)top;                                                                               \
        FOR_EACH {                                                                               \
            const I bits = LOAD(I, x, i), high = NAME(high_##R)(LOAD(I, a, i));                  \
            const I magnitude = (I)(bits & MAX), keep = (I) - (I)(magnitude > high);             \
            const R t = NAME(real_##R)(high), given = LOAD(R, b, i);                             \
            const R u = given >= t ? given : t; /* NaN too */                                    \
            const R c = NAME(bits_##R)(u) == INFINITE ? (R)1 : u / (u - t);                      \
            const I between = (I)(NAME(firm_of_##R)(magnitude, t, c) | (bits & MIN));            \
            const I whole = (high < 0) | (magnitude >= NAME(bits_##R)(u));                       \
            STORE(I, out, i, (I)((whole ? bits : between) & keep));                              \
        }                                                                                        \
    }                                                                                            \
    static void NAME(garrote_array_##R)(const void *x, const void *a, const void *b, void *out,  \
                                        size_t n, int64_t top) {                                 \
        (void)b;                                                                                 \
        (void)top;                                                                               \
        FOR_EACH {                                                                               \
            const I bits = LOAD(I, x, i), high = NAME(high_##R)(LOAD(I, a, i));                  \
            const I magnitude = (I)(bits & MAX), keep = (I) - (I)(magnitude > high);             \
            const I size = NAME(garrote_of_##R)(magnitude, NAME(real_##R)(high));                \
            STORE(I, out, i, (I)((high < 0 ? bits : size | (bits & MIN)) & keep));               \
        }                                                                                        \
    }
FORMULA(float, int32_t, GREATER, PICK, INT32_MIN, INT32_MAX, 0x7F800000)
FORMULA(double, int64_t, GREATER_64, PICK_64, INT64_MIN, INT64_MAX, 0x7FF0000000000000)

/* Integers: what lies outside the band comes nearer by λ, exactly; the signs differ, so nothing
 * overflows. λ is the band's last element wherever an element lies outside. */
#define NEARER(T, NEGATIVE)                                                                     \
    static void NAME(nearer_##T)(const void *x, void *out, size_t n, const shrink_band *band) { \
        const T low = (T)band->low, high = (T)band->high;                                       \
        FOR_EACH {                                                                              \
            const T element = LOAD(T, x, i), negative = (T) - (T)(NEGATIVE);                    \
            const T keep = (T) - (T)((element < low) | (element > high));                       \
            STORE(T, out, i, (T)((element - ((high ^ negative) - negative)) & keep));           \
        }                                                                                       \
    }                                                                                           \
    static void NAME(nearer_array_##T)(const void *x, const void *a, const void *b, void *out,  \
                                       size_t n, int64_t top) {                                 \
        (void)top;                                                                              \
        FOR_EACH {                                                                              \
            const T element = LOAD(T, x, i), negative = (T) - (T)(NEGATIVE);                    \
            const T low = LOAD(T, a, i), high = LOAD(T, b, i);                                  \
            const T keep = (T) - (T)((element < low) | (element > high));                       \
            STORE(T, out, i, (T)((element - ((high ^ negative) - negative)) & keep));           \
        }                                                                                       \
    }
NEARER(int8_t, element < 0)
NEARER(int16_t, element < 0)
NEARER(int32_t, element < 0)
NEARER(int64_t, element < 0)
NEARER(uint8_t, 0)
NEARER(uint16_t, 0)
NEARER(uint32_t, 0)
NEARER(uint64_t, 0)
