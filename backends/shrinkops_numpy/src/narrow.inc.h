/* 16-bit types in one pass, where vectors are wide enough to pay.
 *
 * Only + - * / is done on floats, on magnitudes. All decisions, the minimum and the sign are of
 * 16-bit lanes, of which there are twice as many: rounding is monotonous, so the minimum may come
 * after it. float16 is converted by the processor. Of bfloat16 each 32-bit word is two numbers:
 * one is its upper half, the other its lower half moved up, so neither is unpacked; rounding adds
 * just under half a unit and the odd bit, which leaves a NaN one: its lower half is zero.
 * A bias above λ, which may give a zero or turn the sign, does not come here.
 */
#if defined(__AVX512F__)
#define F __m512i
#define F_ALL(value) _mm512_set1_epi32(value)
#define F_REAL(step, a, b) \
    _mm512_castps_si512(_mm512_##step##_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)))
#define F_AND(a, b) _mm512_and_si512(a, b)
#define F_PLUS(a, b) _mm512_add_epi32(a, b)
#define F_UP(a) _mm512_slli_epi32(a, 16)
#define F_DOWN(a) _mm512_srli_epi32(a, 16)
#define F_HALVES(high, low) _mm512_mask_blend_epi16(0xAAAAAAAA, low, high)
#define F_OF_HALF(h) _mm512_castps_si512(_mm512_cvtph_ps(h))
#define HALF_OF_F(f) _mm512_cvtps_ph(_mm512_castsi512_ps(f), 0)
#define VECTOR_HALVES __m256i
#define HALVES_READ(pointer) _mm256_loadu_si256((const __m256i *)(pointer))
#define HALVES_WRITE(pointer, h) _mm256_storeu_si256((__m256i *)(pointer), h)
#define VECTOR_BRAINS __m512i
#define BRAINS_READ(pointer) _mm512_loadu_si512(pointer)
#define BRAINS_WRITE(pointer, h) _mm512_storeu_si512(pointer, h)
#define WORDS_HALVES(name) _mm256_##name##_epi16
#define WORDS_BRAINS(name) _mm512_##name##_epi16
#define AND_HALVES _mm256_and_si256
#define AND_BRAINS _mm512_and_si512
#define OR_HALVES _mm256_or_si256
#define OR_BRAINS _mm512_or_si512
#define MASK_HALVES __mmask16
#define MASK_BRAINS __mmask32
#define ABOVE_HALVES _mm256_cmpgt_epi16_mask
#define ABOVE_BRAINS _mm512_cmpgt_epi16_mask
#define LESS_HALVES(line, a, below) \
    _mm256_mask_min_epi16(a, _mm256_cmple_epi16_mask(a, below), line, a)
#define LESS_BRAINS(line, a, below) \
    _mm512_mask_min_epi16(a, _mm512_cmple_epi16_mask(a, below), line, a)
#define KEEP_HALVES(k, h) _mm256_maskz_mov_epi16(k, h)
#define KEEP_BRAINS(k, h) _mm512_maskz_mov_epi16(k, h)
#else
#define F __m256i
#define F_ALL(value) _mm256_set1_epi32(value)
#define F_REAL(step, a, b) \
    _mm256_castps_si256(_mm256_##step##_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b)))
#define F_AND(a, b) _mm256_and_si256(a, b)
#define F_PLUS(a, b) _mm256_add_epi32(a, b)
#define F_UP(a) _mm256_slli_epi32(a, 16)
#define F_DOWN(a) _mm256_srli_epi32(a, 16)
#define F_HALVES(high, low) _mm256_blend_epi16(low, high, 0xAA)
#define F_OF_HALF(h) _mm256_castps_si256(_mm256_cvtph_ps(h))
#define HALF_OF_F(f) _mm256_cvtps_ph(_mm256_castsi256_ps(f), 0)
#define VECTOR_HALVES __m128i
#define HALVES_READ(pointer) _mm_loadu_si128((const __m128i *)(pointer))
#define HALVES_WRITE(pointer, h) _mm_storeu_si128((__m128i *)(pointer), h)
#define VECTOR_BRAINS __m256i
#define BRAINS_READ(pointer) _mm256_loadu_si256((const __m256i *)(pointer))
#define BRAINS_WRITE(pointer, h) _mm256_storeu_si256((__m256i *)(pointer), h)
#define WORDS_HALVES(name) _mm_##name##_epi16
#define WORDS_BRAINS(name) _mm256_##name##_epi16
#define AND_HALVES _mm_and_si128
#define AND_BRAINS _mm256_and_si256
#define OR_HALVES _mm_or_si128
#define OR_BRAINS _mm256_or_si256
#define MASK_HALVES __m128i
#define MASK_BRAINS __m256i
#define ABOVE_HALVES _mm_cmpgt_epi16
#define ABOVE_BRAINS _mm256_cmpgt_epi16
#define LESS_HALVES(line, a, below) \
    _mm_blendv_epi8(_mm_min_epi16(line, a), a, _mm_cmpgt_epi16(a, below))
#define LESS_BRAINS(line, a, below) \
    _mm256_blendv_epi8(_mm256_min_epi16(line, a), a, _mm256_cmpgt_epi16(a, below))
#define KEEP_HALVES(k, h) _mm_and_si128(k, h)
#define KEEP_BRAINS(k, h) _mm256_and_si256(k, h)
#endif

/* What the formulas compute with, and what the lanes of 16 bits are compared with. */
typedef struct {
    F t, second, factor, one, upper, almost, bit;
} NAME(reals);

static inline NAME(reals) NAME(reals_of)(const shrink_band *band) {
    const NAME(reals) c = {
        F_ALL(NAME(bits_float)((float)band->t)), F_ALL(NAME(bits_float)((float)band->second)),
        F_ALL(NAME(bits_float)((float)band->factor)), F_ALL(0x3F800000),
        F_ALL((int32_t)0xFFFF0000), F_ALL(0x7FFF), F_ALL(1)};
    return c;
}

static inline F NAME(real_difference)(F a, const NAME(reals) *c) {
    return F_REAL(sub, a, c->second);
}

static inline F NAME(real_firm)(F a, const NAME(reals) *c) {
    return F_REAL(mul, F_REAL(sub, a, c->t), c->factor);
}

static inline F NAME(real_garrote)(F a, const NAME(reals) *c) {
    return F_REAL(mul, F_REAL(sub, a, c->t), F_REAL(add, c->one, F_REAL(div, c->t, a)));
}

static inline F NAME(rounded_up)(F value, const NAME(reals) *c) {
    return F_PLUS(F_PLUS(value, c->almost), F_AND(F_DOWN(value), c->bit));
}

#if defined(__GNUC__) && !defined(__clang__)
#define SEVERAL_A_TURN _Pragma("GCC unroll 4")
#else
#define SEVERAL_A_TURN
#endif
#define LANES(H) (sizeof(H) / 2)
#define FORMULA_HALVES(formula, a, c) HALF_OF_F(NAME(real_##formula)(F_OF_HALF(a), c))
#define FORMULA_BRAINS(formula, a, c)                                                      \
    F_HALVES(NAME(rounded_up)(NAME(real_##formula)(F_AND(a, (c)->upper), c), c),           \
             F_DOWN(NAME(rounded_up)(NAME(real_##formula)(F_UP(a), c), c)))

#define SIZE_difference(TYPE, line, a, below) (line)
#define SIZE_garrote(TYPE, line, a, below) WORDS_##TYPE(min)(line, a)
#define SIZE_firm(TYPE, line, a, below) LESS_##TYPE(line, a, below)

#define NARROW(name, TYPE, formula)                                                                     \
    static void NAME(name##_##formula)(const void *x, void *out, size_t n,                              \
                                       const shrink_band *band) {                                       \
        const NAME(reals) c = NAME(reals_of)(band);                                                     \
        const VECTOR_##TYPE high = WORDS_##TYPE(set1)(band->own_high);                                  \
        const VECTOR_##TYPE below = WORDS_##TYPE(set1)((int16_t)(band->own_upper - 1));                 \
        const VECTOR_##TYPE most = WORDS_##TYPE(set1)(INT16_MAX), sign = WORDS_##TYPE(set1)(INT16_MIN); \
        const char *from = x;                                                                           \
        char *to = out;                                                                                 \
        size_t i = 0;                                                                                   \
        (void)below;                                                                                    \
        SEVERAL_A_TURN for (; i + LANES(VECTOR_##TYPE) <= n; i += LANES(VECTOR_##TYPE)) {                              \
            const VECTOR_##TYPE given = TYPE##_READ(from + 2 * i), a = AND_##TYPE(given, most);         \
            const VECTOR_##TYPE line = FORMULA_##TYPE(formula, a, &c);                                  \
            const VECTOR_##TYPE size = SIZE_##formula(TYPE, line, a, below);                            \
            const MASK_##TYPE keep = ABOVE_##TYPE(a, high);                                             \
            TYPE##_WRITE(to + 2 * i,                                                                    \
                         KEEP_##TYPE(keep, OR_##TYPE(size, AND_##TYPE(given, sign))));                  \
        }                                                                                               \
        NAME(narrow)(from + 2 * i, to + 2 * i, n - i, band);                                            \
    }
NARROW(half, HALVES, difference)
NARROW(half, HALVES, firm)
NARROW(half, HALVES, garrote)
NARROW(brain, BRAINS, difference)
NARROW(brain, BRAINS, firm)
NARROW(brain, BRAINS, garrote)
