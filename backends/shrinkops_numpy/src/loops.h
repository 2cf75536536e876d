/* What the instruction-set-specific loops offer to the rest of the module.
 *
 * Invariants
 * - Every loop is elementwise: out[i] depends on x[i] and on its own parameters alone,
 *   never on n, position or alignment, so all builds of it give the same bits.
 * - Elements are read before any element of a higher index is written, so `out` may be
 *   `x` itself or lie behind it in memory (NumPy passes such overlaps straight through).
 * - hardshrink's loops over real numbers use no floating-point arithmetic. All others round each
 *   step to nearest, in the order that the specification writes it; callers see to the mode
 *   (environment.h), and no flag that a loop raises outlives the call.
 * - Pointers need no alignment.
 */
#ifndef SHRINKOPS_LOOPS_H
#define SHRINKOPS_LOOPS_H

#include <stddef.h>
#include <stdint.h>

typedef struct shrink_band shrink_band;

/* One set of parameters for all elements. */
typedef void shrink_scalar_loop(const void *x, void *out, size_t n, const shrink_band *band);

/* Parameters, ready for the loop of their kind. */
struct shrink_band {
    int64_t low;    /* integers: first element of the band; unsigned types reinterpret it */
    int64_t high;   /* integers: last element; floats: magnitude bits, -1 = empty band */
    double real;    /* complex: the threshold itself, negative = empty band */
    double t;       /* operations with arithmetic: λ as the working format has it */
    double second;  /* the bias (softshrink: λ), or μ */
    double factor;  /* firmshrink: μ / (μ - λ) */
    int64_t upper;  /* firmshrink: magnitude bits of μ */
    int16_t own_high, own_upper; /* 16-bit types: λ and μ in x's own bits */
    shrink_scalar_loop *inner;         /* types narrower than float: the loop over float */
    const struct shrink_format *format; /* their conversions */
    const unsigned char *table;        /* 8-bit types: the result of each pattern */
};

/* Parameters for each element. Magnitudes (hardshrink): `a` holds thresholds in x's own type, raw,
 * and `top` is the largest magnitude that is not NaN. Integers: `a` and `b` hold the ends of the
 * bands. Otherwise thresholds and second parameters of the working format, or of the component
 * type; a negative or NaN threshold is the empty band. */
typedef void shrink_array_loop(const void *x, const void *a, const void *b, void *out, size_t n,
                               int64_t top);

/* Runs a loop with stores around the caches; `out` is aligned to 64 bytes and is not `x`. Returns
 * how many elements it did; the rest, less than a buffer, is the caller's. */
typedef size_t shrink_stream(shrink_scalar_loop *loop, size_t size, const void *x, void *out,
                             size_t n, const shrink_band *band);

/* Between a 16-bit floating type and float. Widening is exact; narrowing rounds once. */
typedef struct shrink_format {
    void (*widen)(const void *from, float *to, size_t n);
    void (*narrow)(const float *from, void *to, size_t n);
} shrink_format;

enum { W8, W16, W32, W64, WIDTHS };
enum { HALF, BRAIN, FORMATS };
/* x - s·b; firmshrink; garrote. */
enum { DIFFERENCE, FIRM, GARROTE, FORMULAS };

typedef struct {
    const char *name;
    shrink_scalar_loop *magnitude[WIDTHS];
    shrink_array_loop *magnitude_array[WIDTHS];
    shrink_scalar_loop *fnuz; /* 8-bit formats whose only NaN is the pattern of -0 */
    shrink_array_loop *fnuz_array;
    shrink_scalar_loop *range[2 * WIDTHS]; /* signed widths, then unsigned ones */
    shrink_array_loop *range_array[2 * WIDTHS];
    shrink_scalar_loop *nearer[2 * WIDTHS]; /* the same with the rest moved by λ towards 0 */
    shrink_array_loop *nearer_array[2 * WIDTHS];
    shrink_scalar_loop *squares[2]; /* complex64, complex128 */
    shrink_array_loop *squares_array[2];
    shrink_scalar_loop *formula[FORMULAS][2]; /* float, double */
    shrink_array_loop *formula_array[FORMULAS][2];
    shrink_scalar_loop *beyond[2]; /* x - s·b where b, an element of an array, is not finite */
    shrink_scalar_loop *phase[FORMULAS][2]; /* complex64, complex128: the magnitude shrinks */
    shrink_array_loop *phase_array[FORMULAS][2];
    shrink_format formats[FORMATS];
    shrink_scalar_loop *narrow; /* 16-bit types, by way of float */
    shrink_scalar_loop *direct[FORMATS][FORMULAS]; /* the same in one pass, or NULL */
    shrink_scalar_loop *table;  /* 8-bit types */
    shrink_stream *stream;      /* NULL where the instruction set has no such store */
} shrink_loops;

extern const shrink_loops shrink_loops_baseline;
#ifdef SHRINKOPS_X86_64
extern const shrink_loops shrink_loops_avx2;
extern const shrink_loops shrink_loops_avx512;
#endif

#endif
