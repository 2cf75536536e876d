/* The loops' way through memory: lines of the cache, strides, byte order, parameters for each
 * element.
 *
 * Invariants
 * - Non-contiguous, byte-swapped and array-parameter operands pass through small buffers on the
 *   stack, so only contiguous loops exist per instruction set, and memory use does not grow with n.
 * - Elements are read before any of a higher index is written, as loops.h demands.
 */
#include "types.h"

#include "atomics.h"
#include "environment.h"

#include <string.h>

enum { CHUNK = SHRINK_CHUNK };

static const shrink_loops *SHRINK_ATOMIC active_loops;

const shrink_loops *shrink_active_loops(void) { return SHRINK_READ(&active_loops); }
void shrink_select_loops(const shrink_loops *loops) { SHRINK_WRITE(&active_loops, loops); }
void shrink_select_first(const shrink_loops *loops) {
    const shrink_loops *nothing = NULL;
    (void)SHRINK_EXCHANGE(&active_loops, &nothing, loops);
}

/* Short arrays go straight through. Of longer ones, the few elements before the first line of the
 * cache go ahead on their own: NumPy aligns memory to 16 bytes, and a wide store that straddles two
 * lines costs two, a tenth of the time. An output too large for the caches is written around them,
 * which saves reading it first; in place there is nothing to save. */
void shrink_run(const shrink_type *type, const void *x, void *out, size_t n, size_t whole,
                const shrink_plan *plan) {
    enum { LINE = 64, WORTHWHILE = 256 * LINE, STREAM_FROM = 1 << 24 };
    shrink_scalar_loop *const loop = plan->loop;
    shrink_stream *const stream = shrink_active_loops()->stream;
    const size_t size = (size_t)type->item_size, past = (uintptr_t)out % LINE;
    const char *from = x;
    char *to = out;
    if (past % size == 0 && n * size >= WORTHWHILE) {
        size_t done = past == 0 ? 0 : (LINE - past) / size;
        loop(from, to, done, &plan->band);
        if (whole >= STREAM_FROM && x != out && stream != NULL) {
            done += stream(loop, size, from + done * size, to + done * size, n - done,
                           &plan->band);
        }
        from += done * size;
        to += done * size;
        n -= done;
    }
    loop(from, to, n, &plan->band);
}

#define COPY_ITEMS(SIZE)                                          \
    for (npy_intp i = 0; i < n; ++i) {                            \
        memcpy(to + i * to_step, from + i * from_step, SIZE);     \
    }

void shrink_copy_items(const char *from, npy_intp from_step, char *to, npy_intp to_step,
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

static void strided(shrink_operation operation, PyArrayMethod_Context *context, char *const *data,
                    const npy_intp *dimensions, const npy_intp *strides) {
    PyArray_Descr *const *descriptors = context->descriptors;
    const shrink_type *type = shrink_find_type(descriptors[0]->type_num);
    const int swapped = !PyArray_ISNBO(descriptors[0]->byteorder);
    const int size = type->item_size, count_of = shrink_definitions[operation].parameters;
    const npy_intp n = dimensions[0], out_stride = strides[1 + count_of];
    char *out = data[1 + count_of];
    const int x_direct = strides[0] == size && !swapped;
    const int out_direct = out_stride == size && !swapped;
    shrink_parameter constants[2];
    shrink_elements parameters[2];
    int constant = type->kind != LONG_DOUBLE;
    for (int k = 0; k < count_of; ++k) {
        const int number = descriptors[1 + k]->type_num;
        constants[k] = (shrink_parameter){number, data[1 + k]};
        parameters[k] = (shrink_elements){number, data[1 + k], strides[1 + k]};
        constant &= strides[1 + k] == 0;
    }
    if (n <= 0) {
        return;
    }
    shrink_plan plan;
    if (constant) {
        shrink_plan_elements(operation, type, constants, &plan);
        if (x_direct && out_direct) {
            shrink_run(type, data[0], out, (size_t)n, (size_t)(n * size), &plan);
            return;
        }
    }
    char x_buffer[16 * CHUNK], out_buffer[16 * CHUNK];
    for (npy_intp start = 0; start < n; start += CHUNK) {
        const npy_intp count = n - start < CHUNK ? n - start : CHUNK;
        const char *from = data[0] + start * strides[0];
        char *to = out + start * out_stride, *target = out_direct ? to : out_buffer;
        if (!x_direct) {
            shrink_copy_items(from, strides[0], x_buffer, size, count, size);
            if (swapped) {
                swap_items(x_buffer, (size_t)(count * size), type->swap_size);
            }
            from = x_buffer;
        }
        for (int k = 0; k < count_of; ++k) {
            parameters[k].pointer = data[1 + k] + start * strides[1 + k];
        }
        if (constant) {
            shrink_run(type, from, target, (size_t)count, 0, &plan);
        }
        else if (type->kind == LONG_DOUBLE) {
            shrink_run_extended(operation, from, parameters, target, count);
        }
        else {
            shrink_run_elements(operation, type, from, parameters, target, count);
        }
        if (!out_direct) {
            if (swapped) {
                swap_items(out_buffer, (size_t)(count * size), type->swap_size);
            }
            shrink_copy_items(out_buffer, size, to, out_stride, count, size);
        }
    }
}

static int enter(shrink_operation operation, PyArrayMethod_Context *context, char *const *data,
                 const npy_intp *dimensions, const npy_intp *strides) {
    if (context->descriptors[0]->type_num == NPY_LONGDOUBLE) { /* which has its own registers */
        fenv_t given;
        fegetenv(&given);
        fesetenv(FE_DFL_ENV);
        strided(operation, context, data, dimensions, strides);
        fesetenv(&given);
        return 0;
    }
    const shrink_environment given = shrink_enter();
    strided(operation, context, data, dimensions, strides);
    shrink_leave(&given);
    return 0;
}

#define STRIDED_LOOP(operation)                                                            \
    static int operation##_loop(PyArrayMethod_Context *context, char *const *data,         \
                                const npy_intp *dimensions, const npy_intp *strides,       \
                                NpyAuxData *auxdata) {                                     \
        (void)auxdata;                                                                     \
        return enter(operation, context, data, dimensions, strides);                       \
    }
STRIDED_LOOP(HARDSHRINK)
STRIDED_LOOP(SOFTSHRINK)
STRIDED_LOOP(SHRINK)
STRIDED_LOOP(FIRMSHRINK)
STRIDED_LOOP(GARROTE_SHRINK)

PyArrayMethod_StridedLoop *shrink_strided_loop(shrink_operation operation) {
    static PyArrayMethod_StridedLoop *const loops[OPERATIONS] = {
        HARDSHRINK_loop, SOFTSHRINK_loop, SHRINK_loop, FIRMSHRINK_loop, GARROTE_SHRINK_loop};
    return loops[operation];
}
