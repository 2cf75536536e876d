/* The loops' way through memory: lines of the cache, strides, byte order, a λ for each element.
 *
 * Invariants
 * - Non-contiguous, byte-swapped and array-λ operands pass through small buffers on the stack, so
 *   only contiguous loops exist per instruction set, and memory use does not grow with n.
 * - Elements are read before any of a higher index is written, as loops.h demands.
 */
#include "types.h"

#include "subnormals.h"

#include <float.h>
#include <string.h>

enum { CHUNK = 256 };

const shrink_loops *shrink_active_loops = &shrink_loops_baseline;

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

static void long_double_loop(const char *x, const char *t, int t_step, char *out, size_t n) {
#if LDBL_MANT_DIG == 64
    const extended infinity = {0x7FFF, (uint64_t)1 << 63, 0};
#else
    const extended infinity = {(uint64_t)0x7FFF << 48, 0, 0};
#endif
    for (size_t i = 0; i < n; ++i, x += sizeof(long double), out += sizeof(long double)) {
        const extended element = load_extended(x), high = load_extended(t + i * (size_t)t_step);
        const int empty = (high.negative && (high.high | high.low) != 0) | above(high, infinity);
        if (empty | above(element, high)) {
            memmove(out, x, sizeof(long double));
        }
        else {
            memset(out, 0, sizeof(long double));
        }
    }
}
#endif

static shrink_scalar_loop *loop_of(const shrink_type *type) {
    const shrink_loops *loops = shrink_active_loops;
    switch (type->kind) {
    case FNUZ:
        return loops->fnuz;
    case INTEGER:
        return loops->range[type->width + (type->is_signed ? 0 : WIDTHS)];
    case COMPLEX:
        return loops->squares[type->item_size == 16];
    default:
        return loops->magnitude[type->width];
    }
}

/* Short arrays go straight through. Of longer ones, the few elements before the first line of the
 * cache go ahead on their own: NumPy aligns memory to 16 bytes, and a wide store that straddles two
 * lines costs two, a tenth of the time. An output too large for the caches is written around them,
 * which saves reading it first; in place there is nothing to save. */
void shrink_run_contiguous(const shrink_type *type, const void *x, void *out, size_t n,
                           const shrink_band *band) {
    enum { LINE = 64, WORTHWHILE = 256 * LINE, STREAM_FROM = 1 << 24 };
    shrink_scalar_loop *const loop = loop_of(type);
    shrink_stream *const stream = shrink_active_loops->stream;
    const size_t size = (size_t)type->item_size, past = (uintptr_t)out % LINE;
    const char *from = x;
    char *to = out;
    if (past % size == 0 && n * size >= WORTHWHILE) {
        size_t done = past == 0 ? 0 : (LINE - past) / size;
        loop(from, to, done, band);
        if (n * size >= STREAM_FROM && x != out && stream != NULL) {
            done += stream(loop, size, from + done * size, to + done * size, n - done, band);
        }
        from += done * size;
        to += done * size;
        n -= done;
    }
    loop(from, to, n, band);
}

#define COPY_ITEMS(SIZE)                                          \
    for (npy_intp i = 0; i < n; ++i) {                            \
        memcpy(to + i * to_step, from + i * from_step, SIZE);     \
    }

static void copy_items(const char *from, npy_intp from_step, char *to, npy_intp to_step,
                       npy_intp n, int size) {
    switch (size) {
    case 1: COPY_ITEMS(1) break;
    case 2: COPY_ITEMS(2) break;
    case 4: COPY_ITEMS(4) break;
    case 8: COPY_ITEMS(8) break;
    case 16: COPY_ITEMS(16) break;
    default: COPY_ITEMS((size_t)size)
    }
}

#define SWAP_ITEMS(T, EXPRESSION)                                 \
    for (size_t i = 0; i < bytes; i += sizeof(T)) {               \
        T v;                                                      \
        memcpy(&v, buffer + i, sizeof v);                         \
        v = (T)(EXPRESSION);                                      \
        memcpy(buffer + i, &v, sizeof v);                         \
    }

static void swap_items(char *buffer, size_t bytes, int size) {
    switch (size) {
    case 2:
        SWAP_ITEMS(uint16_t, v << 8 | v >> 8)
        break;
    case 4:
        SWAP_ITEMS(uint32_t, v << 24 | (v & 0xFF00) << 8 | (v >> 8 & 0xFF00) | v >> 24)
        break;
    case 8:
        SWAP_ITEMS(uint64_t, (v << 56) | (v & 0xFF00) << 40 | (v & 0xFF0000) << 24 |
                                 (v & 0xFF000000) << 8 | (v >> 8 & 0xFF000000) |
                                 (v >> 24 & 0xFF0000) | (v >> 40 & 0xFF00) | v >> 56)
        break;
    default:
        for (size_t i = 0; i < bytes; i += (size_t)size) {
            for (int low = 0, high = size - 1; low < high; ++low, --high) {
                const char byte = buffer[i + (size_t)low];
                buffer[i + (size_t)low] = buffer[i + (size_t)high];
                buffer[i + (size_t)high] = byte;
            }
        }
    }
}

/* Elements with a λ each. `x`, `out` contiguous, native; `a`, `b` as loops.h wants them. */
static void run_array(const shrink_type *type, const char *x, const char *a, const char *b,
                      char *out, size_t n) {
    const shrink_loops *loops = shrink_active_loops;
    switch (type->kind) {
    case FLOATING:
        loops->magnitude_array[type->width](x, a, b, out, n, type->top_bits);
        break;
    case FNUZ:
        loops->fnuz_array(x, a, b, out, n, type->top_bits);
        break;
    case INTEGER:
        loops->range_array[type->width + (type->is_signed ? 0 : WIDTHS)](x, a, b, out, n, 0);
        break;
    case COMPLEX:
        loops->squares_array[type->item_size == 16](x, a, b, out, n, 0);
        break;
    default:
        break;
    }
}

/* Writes n thresholds given as doubles in x's own floating type, by the rule for elements. */
static void own_thresholds(const shrink_type *type, int type_num, const char *lambd, npy_intp step,
                           npy_intp n, char *to) {
    const uint64_t negative = ((uint64_t)1 << (8 * type->item_size - 1)) | 1;
    for (npy_intp i = 0; i < n; ++i, lambd += step, to += type->item_size) {
        shrink_band band;
        shrink_band_from_element(type, type_num, NPY_DOUBLE, lambd, &band);
        const uint64_t raw = band.high < 0 ? negative : (uint64_t)band.high;
        switch (type->item_size) {
        case 1: { const uint8_t v = (uint8_t)raw; memcpy(to, &v, sizeof v); break; }
        case 2: { const uint16_t v = (uint16_t)raw; memcpy(to, &v, sizeof v); break; }
        case 4: { const uint32_t v = (uint32_t)raw; memcpy(to, &v, sizeof v); break; }
        default: memcpy(to, &raw, sizeof raw);
        }
    }
}

/* Writes the bands of n integer thresholds as two arrays of x's type. */
static void integer_bands(const shrink_type *type, int lambd_num, const char *lambd,
                          npy_intp step, npy_intp n, char *low, char *high) {
    for (npy_intp i = 0; i < n; ++i) {
        shrink_band band;
        shrink_band_from_element(type, -1, lambd_num, lambd + i * step, &band);
        const int64_t ends[2] = {band.low, band.high};
        char *to[2] = {low + i * type->item_size, high + i * type->item_size};
        for (int k = 0; k < 2; ++k) {
            switch (type->item_size) {
            case 1: { const int8_t v = (int8_t)ends[k]; memcpy(to[k], &v, sizeof v); break; }
            case 2: { const int16_t v = (int16_t)ends[k]; memcpy(to[k], &v, sizeof v); break; }
            case 4: { const int32_t v = (int32_t)ends[k]; memcpy(to[k], &v, sizeof v); break; }
            default: memcpy(to[k], &ends[k], sizeof ends[k]);
            }
        }
    }
}

static void strided(PyArrayMethod_Context *context, char *const *data, const npy_intp *dimensions,
                    const npy_intp *strides) {
    PyArray_Descr *const *descriptors = context->descriptors;
    const shrink_type *type = shrink_find_type(descriptors[0]->type_num);
    const int type_num = descriptors[0]->type_num, lambd_num = descriptors[1]->type_num;
    const int swapped = !PyArray_ISNBO(descriptors[0]->byteorder);
    const int size = type->item_size;
    const npy_intp n = dimensions[0], lambd_step = strides[1];
    const char *x = data[0], *lambd = data[1];
    char *out = data[2];
    const int one_lambd = lambd_step == 0 && type->kind != LONG_DOUBLE;
    const int x_direct = strides[0] == size && !swapped;
    const int out_direct = strides[2] == size && !swapped;
    shrink_band band = {0, 0, 0};
    if (one_lambd) {
        shrink_band_from_element(type, type_num, lambd_num, lambd, &band);
        if (x_direct && out_direct) {
            shrink_run_contiguous(type, x, out, (size_t)n, &band);
            return;
        }
    }
    char x_buffer[16 * CHUNK], out_buffer[16 * CHUNK], a_buffer[16 * CHUNK], b_buffer[8 * CHUNK];
    for (npy_intp start = 0; start < n; start += CHUNK) {
        const npy_intp count = n - start < CHUNK ? n - start : CHUNK;
        const char *from = x + start * strides[0], *a = lambd + start * lambd_step;
        char *to = out + start * strides[2];
        if (!x_direct) {
            copy_items(from, strides[0], x_buffer, size, count, size);
            if (swapped) {
                swap_items(x_buffer, (size_t)(count * size), type->swap_size);
            }
            from = x_buffer;
        }
        char *target = out_direct ? to : out_buffer;
        if (one_lambd) {
            shrink_run_contiguous(type, from, target, (size_t)count, &band);
        }
        else if (type->kind == LONG_DOUBLE) {
#ifdef SHRINK_EXTENDED
            if (lambd_step != 0) {
                copy_items(a, lambd_step, a_buffer, size, count, size);
                a = a_buffer;
            }
            long_double_loop(from, a, lambd_step == 0 ? 0 : size, target, (size_t)count);
#endif
        }
        else if (type->kind == INTEGER) {
            integer_bands(type, lambd_num, a, lambd_step, count, a_buffer, b_buffer);
            run_array(type, from, a_buffer, b_buffer, target, (size_t)count);
        }
        else if (type->kind != COMPLEX && lambd_num != type_num) {
            own_thresholds(type, type_num, a, lambd_step, count, a_buffer);
            run_array(type, from, a_buffer, NULL, target, (size_t)count);
        }
        else {
            const int lambd_size = type->kind == COMPLEX ? type->swap_size : size;
            if (lambd_step != lambd_size) {
                copy_items(a, lambd_step, a_buffer, lambd_size, count, lambd_size);
                a = a_buffer;
            }
            run_array(type, from, a, NULL, target, (size_t)count);
        }
        if (!out_direct) {
            if (swapped) {
                swap_items(out_buffer, (size_t)(count * size), type->swap_size);
            }
            copy_items(out_buffer, size, to, strides[2], count, size);
        }
    }
}

int shrink_strided_loop(PyArrayMethod_Context *context, char *const *data,
                        const npy_intp *dimensions, const npy_intp *strides,
                        NpyAuxData *auxdata) {
    const shrink_mode mode = shrink_keep_subnormals();
    (void)auxdata;
    strided(context, data, dimensions, strides);
    shrink_restore(&mode);
    return 0;
}
