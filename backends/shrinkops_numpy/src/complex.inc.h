/* Complex numbers: the magnitude m = |z| shrinks to f(m), the phase stays: z·(f(m)/m).
 *
 * m - λ loses all its digits where m is close to λ, so everything is made of
 * D = m² - λ² = (a - λ)(a + λ) + b², a and b the larger and the smaller component: exact but for
 * one rounding in double for components of float, and by twice the digits for those of double,
 * scaled so that no square that matters is lost. f(m)/m is then D/(m(m + λ)) for softshrink, D/m²
 * for garrote, and min(c·D/(m(m + λ)), 1), or 1 from μ on, for firmshrink. D <= 0 is the band.
 * What is not finite stays as it is, but that λ = inf zeroes all but NaN.
 */

static inline double NAME(root)(double value) {
#if defined(__GNUC__) || defined(__clang__)
    return __builtin_sqrt(value);
#else
    return sqrt(value);
#endif
}

static inline double NAME(excess_float)(double a, double b, double t) {
    return (a - t) * (a + t) + b * b;
}
static inline double NAME(scale_for_float)(double a, double t) {
    (void)a;
    (void)t;
    return 1;
}

/* A product's rounding error, by Dekker; the operands are below 4. */
static inline double NAME(split)(double value) {
    const double big = 134217729.0 * value;
    return big - (big - value);
}
static inline double NAME(error_of)(double a, double b, double product) {
    const double a_high = NAME(split)(a), a_low = a - a_high;
    const double b_high = NAME(split)(b), b_low = b - b_high;
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
}
/* A sum's rounding error, by Knuth. */
static inline double NAME(lost)(double a, double b, double sum) {
    const double part = sum - a;
    return (a - (sum - part)) + (b - part);
}
static inline double NAME(excess_double)(double a, double b, double t) {
    const double sum = a + t, difference = a - t;
    const double product = difference * sum, square = b * b, whole = product + square;
    const double rest = NAME(lost)(product, square, whole) + NAME(error_of)(difference, sum, product) +
                        NAME(error_of)(b, b, square) + difference * NAME(lost)(a, t, sum) +
                        NAME(lost)(a, -t, difference) * sum;
    return whole + rest;
}
/* The power of two that takes the larger of two magnitudes to between 1/2 and 2. */
static inline double NAME(scale_for_double)(double a, double t) {
    const int64_t most = NAME(bits_double)(a > t ? a : t) & 0x7FF0000000000000;
    const int64_t scale = 0x7FE0000000000000 - most;
    return NAME(real_double)(scale < 0x0010000000000000 ? 0x0010000000000000 : scale);
}

/* Never above 1, which would take the largest numbers beyond the largest there is. */
#define AT_MOST_1(factor) ((factor) < 1.0 ? (factor) : 1.0)
#define FACTOR_DIFFERENCE(D, m, square) AT_MOST_1((D) / ((m) * ((m) + t)))
#define FACTOR_GARROTE(D, m, square) AT_MOST_1((D) / (square))
#define FACTOR_FIRM(D, m, square) \
    ((m) >= u ? 1.0 : AT_MOST_1((D) * c / ((m) * ((m) + t))))

#define PHASE_ONE(base, R, FACTOR)                                                               \
    static inline void NAME(base##_one_##R)(const void *x, void *out, size_t i, double lambd,    \
                                            double mu, double c) {                               \
        const R re_given = LOAD(R, x, 2 * i), im_given = LOAD(R, x, 2 * i + 1);                  \
        const double re_size = re_given < 0 ? -(double)re_given : (double)re_given;              \
        const double im_size = im_given < 0 ? -(double)im_given : (double)im_given;              \
        const double larger = re_size > im_size ? re_size : im_size;                             \
        const double smaller = re_size > im_size ? im_size : re_size;                            \
        const double scale = NAME(scale_for_##R)(larger, lambd);                                 \
        const double a = larger * scale, b = smaller * scale, t = lambd * scale, u = mu * scale; \
        const double D = NAME(excess_##R)(a, b, t), square = a * a + b * b;                      \
        const double m = NAME(root)(square), factor = FACTOR(D, m, square);                      \
        const int finite = square < 0x1p1000, number = square == square;                         \
        const int zero = ((D <= 0) & finite & (lambd >= 0)) |                                    \
                         ((lambd > 0x1.fffffffffffffp1023) & number);                            \
        const R re = (R)((double)re_given * factor), im = (R)((double)im_given * factor);        \
        (void)u;                                                                                 \
        (void)c;                                                                                 \
        (void)m;                                                                                 \
        STORE(R, out, 2 * i, zero ? (R)0 : finite & (lambd >= 0) ? re : re_given);               \
        STORE(R, out, 2 * i + 1, zero ? (R)0 : finite & (lambd >= 0) ? im : im_given);           \
    }

#define PHASE(base, R, FACTOR)                                                                   \
    PHASE_ONE(base, R, FACTOR)                                                                   \
    static void NAME(base##_phase_##R)(const void *x, void *out, size_t n,                       \
                                       const shrink_band *band) {                                \
        const double t = band->t, u = band->second, c = band->factor;                            \
        FOR_EACH NAME(base##_one_##R)(x, out, i, t, u, c);                                       \
    }                                                                                            \
    static void NAME(base##_phase_array_##R)(const void *x, const void *a, const void *b,        \
                                             void *out, size_t n, int64_t top) {                 \
        (void)top;                                                                               \
        for (size_t i = 0; i < n; ++i) {                                                         \
            const double t = (double)LOAD(R, a, i), given = b == NULL ? t : (double)LOAD(R, b, i); \
            const double u = given >= t ? given : t;                                             \
            const double c = u > 0x1.fffffffffffffp1023 || u == t ? 1.0 : u / (u - t);           \
            /* μ = λ keeps all outside the band, however m rounds. */                            \
            NAME(base##_one_##R)(x, out, i, t, u == t ? 0.0 : u, c);                             \
        }                                                                                        \
    }
PHASE(difference, float, FACTOR_DIFFERENCE)
PHASE(firm, float, FACTOR_FIRM)
PHASE(garrote, float, FACTOR_GARROTE)
PHASE(difference, double, FACTOR_DIFFERENCE)
PHASE(firm, double, FACTOR_FIRM)
PHASE(garrote, double, FACTOR_GARROTE)
