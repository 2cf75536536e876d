/* long double, where it is wider than double: one plain loop for every operation.
 *
 * Invariants
 * - The band is decided on the stored bits, as for the other types; the arithmetic is long double's.
 * - The padding behind its ten bytes is written as zeros by whatever computes.
 */
#include "types.h"

#include <math.h>
#include <string.h>

#ifdef SHRINK_EXTENDED

typedef struct {
    uint64_t high, low;
    int negative;
} extended;

/* Sign and magnitude; unsigned comparison of (high, low) orders magnitudes. */
static extended load_extended(const char *pointer) {
    extended value;
#if LDBL_MANT_DIG == 64
    uint16_t head;
    memcpy(&value.low, pointer, 8);
    memcpy(&head, pointer + 8, 2);
    value.high = head & 0x7FFF;
    value.negative = head >> 15;
#else
    uint64_t words[2];
    memcpy(words, pointer, 16);
    value.low = words[NPY_BYTE_ORDER == NPY_LITTLE_ENDIAN ? 0 : 1];
    value.high = words[NPY_BYTE_ORDER == NPY_LITTLE_ENDIAN ? 1 : 0];
    value.negative = (int)(value.high >> 63);
    value.high &= UINT64_MAX >> 1;
#endif
    return value;
}

static int above(extended a, extended b) {
    return (a.high > b.high) | ((a.high == b.high) & (a.low > b.low));
}

/* What a finite element outside the band becomes. */
static long double extended_formula(shrink_operation operation, long double x, long double t,
                                    long double second) {
    const long double a = x < 0 ? -x : x;
    long double moved = 0;
    switch (operation) {
    case SOFTSHRINK:
        return x < 0 ? x + t : x - t;
    case SHRINK:
        return x < 0 ? x + second : x - second;
    case FIRMSHRINK: {
        const long double u = second >= t ? second : t;
        if (a >= u) {
            return x;
        }
        moved = (a - t) * (isinf(u) ? 1 : u / (u - t));
        break;
    }
    default:
        moved = (a - t) * (1 + t / a);
    }
    moved = moved < a ? moved : a;
    return x < 0 ? -moved : moved;
}

static void long_double_loop(shrink_operation operation, const char *x, const char *t, int t_step,
                             const char *second, int second_step, char *out, size_t n) {
#if LDBL_MANT_DIG == 64
    const extended infinity = {0x7FFF, (uint64_t)1 << 63, 0};
#else
    const extended infinity = {(uint64_t)0x7FFF << 48, 0, 0};
#endif
    for (size_t i = 0; i < n; ++i, x += sizeof(long double), out += sizeof(long double)) {
        const char *lambd = t + i * (size_t)t_step;
        const extended element = load_extended(x), high = load_extended(lambd);
        const int empty = (high.negative && (high.high | high.low) != 0) | above(high, infinity);
        const int keep = empty | above(element, high), nan = above(element, infinity);
        if (!keep) {
            memset(out, 0, sizeof(long double));
        }
        else if (empty | nan | !above(infinity, element) | (operation == HARDSHRINK)) {
            memmove(out, x, sizeof(long double));
        }
        else {
            long double values[3] = {0, 0, 0};
            memcpy(&values[0], x, sizeof(long double));
            memcpy(&values[1], lambd, sizeof(long double));
            if (second != NULL) {
                memcpy(&values[2], second + i * (size_t)second_step, sizeof(long double));
            }
            const long double result =
                extended_formula(operation, values[0], values[1] == 0 ? 0 : values[1], values[2]);
            memset(out, 0, sizeof(long double)); /* the padding */
            memcpy(out, &result, LDBL_MANT_DIG == 64 ? 10 : sizeof result);
        }
    }
}
void shrink_run_extended(shrink_operation operation, const char *x, const shrink_elements *parameters,
                            char *out, npy_intp n) {
    enum { SIZE = sizeof(long double) };
    char copies[2][SIZE * SHRINK_CHUNK];
    const char *from[2] = {NULL, NULL};
    int steps[2] = {0, 0};
    for (int k = 0; k < shrink_definitions[operation].parameters; ++k) {
        from[k] = parameters[k].pointer;
        if (parameters[k].step != 0) {
            shrink_copy_items(from[k], parameters[k].step, copies[k], SIZE, n, SIZE);
            from[k] = copies[k];
            steps[k] = SIZE;
        }
    }
    long_double_loop(operation, x, from[0], steps[0], from[1], steps[1], out, (size_t)n);
}
#else
void shrink_run_extended(shrink_operation operation, const char *x,
                         const shrink_elements *parameters, char *out, npy_intp n) {
    (void)operation; /* no type of the table comes here */
    (void)x;
    (void)parameters;
    (void)out;
    (void)n;
}
#endif
