/* 16-bit types by way of float, and 8-bit ones by a table of all patterns.
 *
 * Where the processor converts float16 itself it rounds to nearest by the instruction's own field;
 * elsewhere integers and exact powers of two do, with the same bits, a NaN's payload included.
 */

static void NAME(widen_brain)(const void *from, float *to, size_t n) {
    FOR_EACH STORE(uint32_t, to, i, (uint32_t)LOAD(uint16_t, from, i) << 16);
}

static void NAME(narrow_brain)(const float *from, void *to, size_t n) {
    FOR_EACH {
        const uint32_t bits = LOAD(uint32_t, from, i), odd = bits >> 16 & 1;
        const uint32_t nan = (bits & 0x7FFFFFFF) > 0x7F800000;
        const uint32_t rounded = nan ? bits | 0x400000 : bits + 0x7FFF + odd;
        STORE(uint16_t, to, i, (uint16_t)(rounded >> 16));
    }
}

static inline uint32_t NAME(half_to_bits)(uint16_t half) {
    const uint32_t word = (uint32_t)half << 16, sign = word & 0x80000000, twice = word << 1;
    const float normal =
        NAME(real_float)((int32_t)((twice >> 4) + ((uint32_t)0xE0 << 23))) * 0x1p-112f;
    const float small = NAME(real_float)((int32_t)((twice >> 17) | ((uint32_t)126 << 23))) - 0.5f;
    return sign | (uint32_t)NAME(bits_float)(twice < (uint32_t)1 << 27 ? small : normal);
}

static inline uint16_t NAME(bits_to_half)(uint32_t word) {
    const uint32_t sign = word & 0x80000000, size = word ^ sign, twice = word << 1;
    uint32_t bias = twice & 0xFF000000;
    bias = bias < 0x71000000 ? 0x71000000 : bias;
    /* Above the largest number this is infinity, below the smallest one it rounds to it or 0. */
    const float scaled = NAME(real_float)((int32_t)size) * 0x1p112f * 0x1p-110f;
    const float base = NAME(real_float)((int32_t)((bias >> 1) + 0x07800000)) + scaled;
    const uint32_t bits = (uint32_t)NAME(bits_float)(base);
    const uint32_t number = (bits >> 13 & 0x7C00) + (bits & 0xFFF);
    const uint32_t nan = 0x7E00 | (size >> 13 & 0x1FF);
    return (uint16_t)(sign >> 16 | (size > 0x7F800000 ? nan : number));
}

static void NAME(widen_half)(const void *from, float *to, size_t n) {
    size_t done = 0;
#if defined(__AVX512F__)
    for (; done + 16 <= n; done += 16) {
        const __m256i half = _mm256_loadu_si256((const __m256i *)((const char *)from + 2 * done));
        _mm512_storeu_ps(to + done, _mm512_cvtph_ps(half));
    }
#elif defined(__F16C__) || (defined(_MSC_VER) && defined(__AVX2__))
    for (; done + 8 <= n; done += 8) {
        const __m128i half = _mm_loadu_si128((const __m128i *)((const char *)from + 2 * done));
        _mm256_storeu_ps(to + done, _mm256_cvtph_ps(half));
    }
#endif
    from = (const char *)from + 2 * done;
    to += done;
    n -= done;
    FOR_EACH STORE(uint32_t, to, i, NAME(half_to_bits)(LOAD(uint16_t, from, i)));
}

static void NAME(narrow_half)(const float *from, void *to, size_t n) {
    size_t done = 0;
#if defined(__AVX512F__)
    for (; done + 16 <= n; done += 16) {
        const __m512 value = _mm512_loadu_ps(from + done);
        _mm256_storeu_si256((__m256i *)((char *)to + 2 * done), _mm512_cvtps_ph(value, 0));
    }
#elif defined(__F16C__) || (defined(_MSC_VER) && defined(__AVX2__))
    for (; done + 8 <= n; done += 8) {
        const __m256 value = _mm256_loadu_ps(from + done);
        _mm_storeu_si128((__m128i *)((char *)to + 2 * done), _mm256_cvtps_ph(value, 0));
    }
#endif
    from += done;
    to = (char *)to + 2 * done;
    n -= done;
    FOR_EACH STORE(uint16_t, to, i, NAME(bits_to_half)(LOAD(uint32_t, from, i)));
}

static void NAME(narrow)(const void *x, void *out, size_t n, const shrink_band *band) {
    enum { BLOCK = 512 };
    float buffer[BLOCK];
    for (size_t done = 0; done < n; done += BLOCK) {
        const size_t count = n - done < BLOCK ? n - done : BLOCK;
        band->format->widen((const char *)x + 2 * done, buffer, count);
        band->inner(buffer, buffer, count, band);
        band->format->narrow(buffer, (char *)out + 2 * done, count);
    }
}

static void NAME(table)(const void *x, void *out, size_t n, const shrink_band *band) {
    const unsigned char *const table = band->table;
    for (size_t i = 0; i < n; ++i) {
        STORE(uint8_t, out, i, table[LOAD(uint8_t, x, i)]);
    }
}
