/* The loops themselves, compiled once per instruction set: a file defines ISA and includes this.
 *
 * Each body is branch-free and left to the compiler's vectoriser; FOR_EACH tells it what loops.h
 * promises, that no iteration depends on an earlier one. Comparisons are of signed integers
 * because that is the one compare that every vector instruction set has.
 */
#include <math.h>
#include <string.h>

#include "loops.h"

#ifdef SHRINKOPS_X86_64
#include <immintrin.h>
#endif

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(base) PASTE(base, ISA)

/* A fused multiply-add would make complex results depend on the processor. GCC has but the flag
 * for it; these two may fuse within an expression although they were asked for precision. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

#if defined(__clang__)
#define FOR_EACH \
    _Pragma("clang loop vectorize(assume_safety) interleave(assume_safety)") for (size_t i = 0; i < n; ++i)
#elif defined(__GNUC__) /* four vectors a turn: where x and out lie differently towards the lines of
                           the cache, loads straddle them, and several are then under way at once */
#define FOR_EACH _Pragma("GCC ivdep") _Pragma("GCC unroll 4") for (size_t i = 0; i < n; ++i)
#elif defined(_MSC_VER)
#define FOR_EACH __pragma(loop(ivdep)) for (size_t i = 0; i < n; ++i)
#else
#define FOR_EACH for (size_t i = 0; i < n; ++i)
#endif

/* memcpy is the portable unaligned access; compilers turn it into one move. */
#define LOAD(T, pointer, index) PASTE(load, T)((const char *)(pointer), index)
#define STORE(T, pointer, index, value) PASTE(store, T)((char *)(pointer), index, value)
#define ACCESS(T)                                                            \
    static inline T PASTE(load, T)(const char *pointer, size_t index) {      \
        T value;                                                             \
        memcpy(&value, pointer + index * sizeof(T), sizeof(T));              \
        return value;                                                        \
    }                                                                        \
    static inline void PASTE(store, T)(char *pointer, size_t index, T value) { \
        memcpy(pointer + index * sizeof(T), &value, sizeof(T));              \
    }
ACCESS(int8_t) ACCESS(int16_t) ACCESS(int32_t) ACCESS(int64_t)
ACCESS(uint8_t) ACCESS(uint16_t) ACCESS(uint32_t) ACCESS(uint64_t)
ACCESS(float) ACCESS(double)

/* Both sides are -1 or more. SSE2 has no 64-bit compare, so there the difference's sign serves. */
#define GREATER(magnitude, high) ((magnitude) > (high))
#if defined(SHRINKOPS_X86_64) && !defined(__AVX2__)
#define GREATER_64(magnitude, high) ((uint64_t)((high) - (magnitude)) >> 63)
#else
#define GREATER_64 GREATER
#endif

/* x where its magnitude exceeds the threshold, else +0. NaN has the largest magnitudes. */
#define MAGNITUDE(T, EXCEEDS, MASK)                                                             \
    static void NAME(magnitude_##T)(const void *x, void *out, size_t n, const shrink_band *band) { \
        const T high = (T)band->high;                                                           \
        FOR_EACH {                                                                              \
            const T element = LOAD(T, x, i);                                                    \
            const T keep = (T) - (T)EXCEEDS((T)(element & MASK), high);                         \
            STORE(T, out, i, (T)(element & keep));                                              \
        }                                                                                       \
    }                                                                                           \
    static void NAME(magnitude_array_##T)(const void *x, const void *a, const void *b,          \
                                          void *out, size_t n, int64_t top) {                   \
        const T largest = (T)top;                                                               \
        (void)b;                                                                                \
        FOR_EACH {                                                                              \
            const T element = LOAD(T, x, i);                                                    \
            T high = LOAD(T, a, i);                                                             \
            high = high > largest ? (T)-1 : high; /* NaN: the band is empty */                  \
            high = high == (T)(-MASK - 1) ? (T)0 : high; /* -0 is 0 */                          \
            high = high < 0 ? (T)-1 : high;                                                     \
            const T keep = (T) - (T)EXCEEDS((T)(element & MASK), high);                         \
            STORE(T, out, i, (T)(element & keep));                                              \
        }                                                                                       \
    }
MAGNITUDE(int8_t, GREATER, INT8_MAX)
MAGNITUDE(int16_t, GREATER, INT16_MAX)
MAGNITUDE(int32_t, GREATER, INT32_MAX)
MAGNITUDE(int64_t, GREATER_64, INT64_MAX)

static void NAME(fnuz)(const void *x, void *out, size_t n, const shrink_band *band) {
    const int8_t high = (int8_t)band->high;
    FOR_EACH {
        const int8_t element = LOAD(int8_t, x, i);
        const int8_t keep =
            (int8_t)(-(int8_t)((int8_t)(element & INT8_MAX) > high) | -(int8_t)(element == INT8_MIN));
        STORE(int8_t, out, i, (int8_t)(element & keep));
    }
}

static void NAME(fnuz_array)(const void *x, const void *a, const void *b, void *out, size_t n,
                             int64_t top) {
    (void)b;
    (void)top;
    FOR_EACH {
        const int8_t element = LOAD(int8_t, x, i);
        const int8_t high = LOAD(int8_t, a, i); /* NaN is negative here: the band is empty */
        const int8_t keep =
            (int8_t)(-(int8_t)((int8_t)(element & INT8_MAX) > high) | -(int8_t)(element == INT8_MIN));
        STORE(int8_t, out, i, (int8_t)(element & keep));
    }
}

/* x outside [low, high], else 0. The ends lie inside the type, so two's complement's odd
 * minimum needs no care; the empty band is [1, 0]. */
#define RANGE(T)                                                                                 \
    static void NAME(range_##T)(const void *x, void *out, size_t n, const shrink_band *band) {   \
        const T low = (T)band->low, high = (T)band->high;                                        \
        FOR_EACH {                                                                               \
            const T element = LOAD(T, x, i);                                                     \
            const T keep = (T) - (T)((element < low) | (element > high));                        \
            STORE(T, out, i, (T)(element & keep));                                               \
        }                                                                                        \
    }                                                                                            \
    static void NAME(range_array_##T)(const void *x, const void *a, const void *b, void *out,    \
                                      size_t n, int64_t top) {                                   \
        (void)top;                                                                               \
        FOR_EACH {                                                                               \
            const T element = LOAD(T, x, i);                                                     \
            const T low = LOAD(T, a, i), high = LOAD(T, b, i);                                   \
            const T keep = (T) - (T)((element < low) | (element > high));                        \
            STORE(T, out, i, (T)(element & keep));                                               \
        }                                                                                        \
    }
RANGE(int8_t)
RANGE(int16_t)
RANGE(int32_t)
RANGE(int64_t)
#ifdef _MSC_VER
#pragma warning(disable : 4146) /* unary minus on an unsigned type is what makes the mask */
#endif
RANGE(uint8_t)
RANGE(uint16_t)
RANGE(uint32_t)
RANGE(uint64_t)

/* |z| <= t by squares, everything scaled by a power of two so that no square that decides is
 * lost to overflow or underflow. A component that overflows still compares as larger than t; a
 * NaN makes the comparison false, which keeps z. The error stays below 2 ulp of t. */
#define COMPLEX(R, I, SMALL, TINY_SCALE, LARGE, HUGE_SCALE)                                      \
    static inline R NAME(scale_##R)(R t) {                                                       \
        return t < (R)SMALL ? (R)TINY_SCALE : t > (R)LARGE ? (R)HUGE_SCALE : (R)1;               \
    }                                                                                            \
    static inline void NAME(complex_one_##R)(const void *x, void *out, size_t i, R scale,        \
                                             R square) {                                         \
        const I re_bits = LOAD(I, x, 2 * i), im_bits = LOAD(I, x, 2 * i + 1);                    \
        R re, im;                                                                                \
        memcpy(&re, &re_bits, sizeof re);                                                        \
        memcpy(&im, &im_bits, sizeof im);                                                        \
        re *= scale;                                                                             \
        im *= scale;                                                                             \
        const I keep = (I) - (I) !(re * re + im * im <= square);                                 \
        STORE(I, out, 2 * i, (I)(re_bits & keep));                                               \
        STORE(I, out, 2 * i + 1, (I)(im_bits & keep));                                           \
    }                                                                                            \
    static void NAME(complex_##R)(const void *x, void *out, size_t n, const shrink_band *band) { \
        const R t = (R)band->real, scale = NAME(scale_##R)(t);                                   \
        const R square = t >= 0 ? (t * scale) * (t * scale) : (R)-1;                             \
        FOR_EACH NAME(complex_one_##R)(x, out, i, scale, square);                                \
    }                                                                                            \
    static void NAME(complex_array_##R)(const void *x, const void *a, const void *b, void *out,  \
                                        size_t n, int64_t top) {                                 \
        (void)b;                                                                                 \
        (void)top;                                                                               \
        for (size_t i = 0; i < n; ++i) {                                                         \
            const R t = LOAD(R, a, i), scale = NAME(scale_##R)(t);                               \
            const R square = t >= 0 ? (t * scale) * (t * scale) : (R)-1;                         \
            NAME(complex_one_##R)(x, out, i, scale, square);                                     \
        }                                                                                        \
    }
COMPLEX(float, int32_t, 0x1p-50, 0x1p100, 0x1p60, 0x1p-70)
COMPLEX(double, int64_t, 0x1p-400, 0x1p700, 0x1p400, 0x1p-600)

#include "family.inc.h"

#include "complex.inc.h"
#include "formats.inc.h"
#if defined(SHRINKOPS_X86_64) && defined(__AVX2__)
#include "narrow.inc.h"
#define DIRECT                                                           \
    {{NAME(half_difference), NAME(half_firm), NAME(half_garrote)},       \
     {NAME(brain_difference), NAME(brain_firm), NAME(brain_garrote)}}
#else
#define DIRECT {{NULL}}
#endif

#ifdef SHRINKOPS_X86_64
#define STREAM NAME(stream)

/* The results pass through a buffer that stays in the nearest cache, so no loop need know. */
static size_t NAME(stream)(shrink_scalar_loop *loop, size_t size, const void *x, void *out,
                           size_t n, const shrink_band *band) {
    char buffer[4096];
    const size_t count = sizeof buffer / size;
    size_t done = 0;
    for (; done + count <= n; done += count) {
        char *to = (char *)out + done * size;
        loop((const char *)x + done * size, buffer, count, band);
#ifdef __AVX__
        for (size_t i = 0; i < sizeof buffer; i += 32) {
            const __m256i part = _mm256_loadu_si256((const __m256i *)(buffer + i));
            _mm256_stream_si256((__m256i *)(to + i), part);
        }
#else
        for (size_t i = 0; i < sizeof buffer; i += 16) {
            const __m128i part = _mm_loadu_si128((const __m128i *)(buffer + i));
            _mm_stream_si128((__m128i *)(to + i), part);
        }
#endif
    }
    _mm_sfence(); /* whoever reads the result next sees it, on any processor */
    return done;
}
#else
#define STREAM NULL
#endif

#define TEXT_(name) #name
#define TEXT(name) TEXT_(name)
#define EACH_WIDTH(base) NAME(base##_int8_t), NAME(base##_int16_t), NAME(base##_int32_t), NAME(base##_int64_t)
#define EACH_UNSIGNED(base) \
    NAME(base##_uint8_t), NAME(base##_uint16_t), NAME(base##_uint32_t), NAME(base##_uint64_t)

const shrink_loops NAME(shrink_loops) = {
    TEXT(ISA),
    {EACH_WIDTH(magnitude)},
    {EACH_WIDTH(magnitude_array)},
    NAME(fnuz),
    NAME(fnuz_array),
    {EACH_WIDTH(range), EACH_UNSIGNED(range)},
    {EACH_WIDTH(range_array), EACH_UNSIGNED(range_array)},
    {EACH_WIDTH(nearer), EACH_UNSIGNED(nearer)},
    {EACH_WIDTH(nearer_array), EACH_UNSIGNED(nearer_array)},
    {NAME(complex_float), NAME(complex_double)},
    {NAME(complex_array_float), NAME(complex_array_double)},
    {{NAME(difference_float), NAME(difference_double)},
     {NAME(firm_float), NAME(firm_double)},
     {NAME(garrote_float), NAME(garrote_double)}},
    {{NAME(difference_array_float), NAME(difference_array_double)},
     {NAME(firm_array_float), NAME(firm_array_double)},
     {NAME(garrote_array_float), NAME(garrote_array_double)}},
    {NAME(beyond_float), NAME(beyond_double)},
    {{NAME(difference_phase_float), NAME(difference_phase_double)},
     {NAME(firm_phase_float), NAME(firm_phase_double)},
     {NAME(garrote_phase_float), NAME(garrote_phase_double)}},
    {{NAME(difference_phase_array_float), NAME(difference_phase_array_double)},
     {NAME(firm_phase_array_float), NAME(firm_phase_array_double)},
     {NAME(garrote_phase_array_float), NAME(garrote_phase_array_double)}},
    {{NAME(widen_half), NAME(narrow_half)}, {NAME(widen_brain), NAME(narrow_brain)}},
    NAME(narrow),
    DIRECT,
    NAME(table),
    STREAM,
};
