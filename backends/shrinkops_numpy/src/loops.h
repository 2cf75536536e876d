/* What the instruction-set-specific loops offer to the rest of the module.
 *
 * Invariants
 * - Every loop is elementwise: out[i] depends on x[i] and on its own threshold alone,
 *   never on n, position or alignment, so all builds of it give the same bits.
 * - Elements are read before any element of a higher index is written, so `out` may be
 *   `x` itself or lie behind it in memory (NumPy passes such overlaps straight through).
 * - No loop over real numbers uses floating-point arithmetic: no flag can be raised.
 * - Pointers need no alignment.
 */
#ifndef SHRINKOPS_LOOPS_H
#define SHRINKOPS_LOOPS_H

#include <stddef.h>
#include <stdint.h>

/* A threshold, ready for the loop of its kind. */
typedef struct {
    int64_t low;   /* integers: first element of the band; unsigned types reinterpret it */
    int64_t high;  /* integers: last element; floats: magnitude bits, -1 = empty band */
    double real;   /* complex: the threshold itself, negative = empty band */
} shrink_band;

/* One threshold for all elements. */
typedef void shrink_scalar_loop(const void *x, void *out, size_t n, const shrink_band *band);

/* One threshold per element. Floats: `a` holds thresholds in x's own type, raw; `top` is the
 * largest magnitude that is not NaN. Integers: `a` and `b` hold the ends of the bands.
 * Complex: `a` holds thresholds of the component type. */
typedef void shrink_array_loop(const void *x, const void *a, const void *b, void *out, size_t n,
                               int64_t top);

/* Runs a loop with stores around the caches; `out` is aligned to 64 bytes and is not `x`. Returns
 * how many elements it did; the rest, less than a buffer, is the caller's. */
typedef size_t shrink_stream(shrink_scalar_loop *loop, size_t size, const void *x, void *out,
                             size_t n, const shrink_band *band);

enum { W8, W16, W32, W64, WIDTHS };

typedef struct {
    const char *name;
    shrink_scalar_loop *magnitude[WIDTHS];
    shrink_array_loop *magnitude_array[WIDTHS];
    shrink_scalar_loop *fnuz; /* 8-bit formats whose only NaN is the pattern of -0 */
    shrink_array_loop *fnuz_array;
    shrink_scalar_loop *range[2 * WIDTHS]; /* signed widths, then unsigned ones */
    shrink_array_loop *range_array[2 * WIDTHS];
    shrink_scalar_loop *squares[2]; /* complex64, complex128 */
    shrink_array_loop *squares_array[2];
    shrink_stream *stream; /* NULL where the instruction set has no such store */
} shrink_loops;

extern const shrink_loops shrink_loops_baseline;
#ifdef SHRINKOPS_X86_64
extern const shrink_loops shrink_loops_avx2;
extern const shrink_loops shrink_loops_avx512;
#endif

#endif
