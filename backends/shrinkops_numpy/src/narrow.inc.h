/* 16-bit types with the formulas in between the conversions, where vectors are wide enough to pay.
 *
 * float16 is converted by the processor. Of bfloat16 each 32-bit word is two numbers: one is its
 * upper half, the other its lower half moved up, so neither is unpacked; rounding adds just under
 * half a unit, and the odd bit, which leaves a NaN one because its lower half is zero.
 */
#if defined(__AVX512F__)
typedef __m512i NAME(vector);
typedef __mmask16 NAME(mask);
enum { NAME(lanes) = 16 };
#define V NAME(vector)
#define V_ALL(value) _mm512_set1_epi32(value)
#define V_READ(pointer) _mm512_loadu_si512(pointer)
#define V_WRITE(pointer, v) _mm512_storeu_si512(pointer, v)
#define V_AND(a, b) _mm512_and_si512(a, b)
#define V_OR(a, b) _mm512_or_si512(a, b)
#define V_XOR(a, b) _mm512_xor_si512(a, b)
#define V_PLUS(a, b) _mm512_add_epi32(a, b)
#define V_UP(a) _mm512_slli_epi32(a, 16)
#define V_DOWN(a) _mm512_srli_epi32(a, 16)
#define V_SMALLER(a, b) _mm512_min_epi32(a, b)
#define V_ABOVE(a, b) _mm512_cmpgt_epi32_mask(a, b)
#define V_PICK(k, yes, no) _mm512_mask_mov_epi32(no, k, yes)
#define V_KEEP(k, v) _mm512_maskz_mov_epi32(k, v)
#define V_REAL(step, a, b) \
    _mm512_castps_si512(_mm512_##step##_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)))
#define V_HALVES(high, low) _mm512_mask_blend_epi16(0xAAAAAAAA, low, high)
#define V_READ_HALF(pointer) \
    _mm512_castps_si512(_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(pointer))))
#define V_WRITE_HALF(pointer, v) \
    _mm256_storeu_si256((__m256i *)(pointer), _mm512_cvtps_ph(_mm512_castsi512_ps(v), 0))
#else
typedef __m256i NAME(vector);
typedef __m256i NAME(mask);
enum { NAME(lanes) = 8 };
#define V NAME(vector)
#define V_ALL(value) _mm256_set1_epi32(value)
#define V_READ(pointer) _mm256_loadu_si256((const __m256i *)(pointer))
#define V_WRITE(pointer, v) _mm256_storeu_si256((__m256i *)(pointer), v)
#define V_AND(a, b) _mm256_and_si256(a, b)
#define V_OR(a, b) _mm256_or_si256(a, b)
#define V_XOR(a, b) _mm256_xor_si256(a, b)
#define V_PLUS(a, b) _mm256_add_epi32(a, b)
#define V_UP(a) _mm256_slli_epi32(a, 16)
#define V_DOWN(a) _mm256_srli_epi32(a, 16)
#define V_SMALLER(a, b) _mm256_min_epi32(a, b)
#define V_ABOVE(a, b) _mm256_cmpgt_epi32(a, b)
#define V_PICK(k, yes, no) _mm256_blendv_epi8(no, yes, k)
#define V_KEEP(k, v) _mm256_and_si256(k, v)
#define V_REAL(step, a, b) \
    _mm256_castps_si256(_mm256_##step##_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b)))
#define V_HALVES(high, low) _mm256_blend_epi16(low, high, 0xAA)
#define V_READ_HALF(pointer) \
    _mm256_castps_si256(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(pointer))))
#define V_WRITE_HALF(pointer, v) \
    _mm_storeu_si128((__m128i *)(pointer), _mm256_cvtps_ph(_mm256_castsi256_ps(v), 0))
#endif

typedef struct {
    V high, below, t, second, factor, one, magnitude, sign, upper, almost, bit;
} NAME(constants);

static inline NAME(constants) NAME(constants_of)(const shrink_band *band) {
    const NAME(constants) c = {
        V_ALL((int32_t)band->high), V_ALL((int32_t)(band->upper - 1)),
        V_ALL(NAME(bits_float)((float)band->t)), V_ALL(NAME(bits_float)((float)band->second)),
        V_ALL(NAME(bits_float)((float)band->factor)), V_ALL(0x3F800000), V_ALL(INT32_MAX),
        V_ALL(INT32_MIN), V_ALL((int32_t)0xFFFF0000), V_ALL(0x7FFF), V_ALL(1)};
    return c;
}

static inline V NAME(narrow_difference)(V x, const NAME(constants) *c) {
    const V moved = V_REAL(sub, x, V_XOR(c->second, V_AND(x, c->sign)));
    return V_KEEP(V_ABOVE(V_AND(x, c->magnitude), c->high), moved);
}

static inline V NAME(narrow_firm)(V x, const NAME(constants) *c) {
    const V a = V_AND(x, c->magnitude);
    const V line = V_REAL(mul, V_REAL(sub, a, c->t), c->factor);
    const V size = V_PICK(V_ABOVE(a, c->below), a, V_SMALLER(line, a));
    return V_KEEP(V_ABOVE(a, c->high), V_OR(size, V_AND(x, c->sign)));
}

static inline V NAME(narrow_garrote)(V x, const NAME(constants) *c) {
    const V a = V_AND(x, c->magnitude);
    const V ratio = V_REAL(add, c->one, V_REAL(div, c->t, a));
    const V size = V_SMALLER(V_REAL(mul, V_REAL(sub, a, c->t), ratio), a);
    return V_KEEP(V_ABOVE(a, c->high), V_OR(size, V_AND(x, c->sign)));
}

static inline V NAME(rounded_brain)(V value, const NAME(constants) *c) {
    const V odd = V_AND(V_DOWN(value), c->bit);
    return V_PLUS(V_PLUS(value, c->almost), odd);
}

#define NARROW(formula)                                                                          \
    static void NAME(half_##formula)(const void *x, void *out, size_t n, const shrink_band *band) { \
        const NAME(constants) c = NAME(constants_of)(band);                                      \
        const char *from = x;                                                                    \
        char *to = out;                                                                          \
        size_t i = 0;                                                                            \
        for (; i + 2 * NAME(lanes) <= n; i += 2 * NAME(lanes)) {                                 \
            const V first = V_READ_HALF(from + 2 * i);                                           \
            const V second = V_READ_HALF(from + 2 * (i + NAME(lanes)));                          \
            V_WRITE_HALF(to + 2 * i, NAME(narrow_##formula)(first, &c));                         \
            V_WRITE_HALF(to + 2 * (i + NAME(lanes)), NAME(narrow_##formula)(second, &c));        \
        }                                                                                        \
        NAME(narrow)(from + 2 * i, to + 2 * i, n - i, band);                                     \
    }                                                                                            \
    static void NAME(brain_##formula)(const void *x, void *out, size_t n,                        \
                                      const shrink_band *band) {                                 \
        const NAME(constants) c = NAME(constants_of)(band);                                      \
        const char *from = x;                                                                    \
        char *to = out;                                                                          \
        size_t i = 0;                                                                            \
        for (; i + 2 * NAME(lanes) <= n; i += 2 * NAME(lanes)) {                                 \
            const V words = V_READ(from + 2 * i);                                                \
            const V low = NAME(narrow_##formula)(V_UP(words), &c);                               \
            const V high = NAME(narrow_##formula)(V_AND(words, c.upper), &c);                    \
            V_WRITE(to + 2 * i, V_HALVES(NAME(rounded_brain)(high, &c),                          \
                                         V_DOWN(NAME(rounded_brain)(low, &c))));                 \
        }                                                                                        \
        NAME(narrow)(from + 2 * i, to + 2 * i, n - i, band);                                     \
    }
NARROW(difference)
NARROW(firm)
NARROW(garrote)
