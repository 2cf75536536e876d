/* The ufunc: which loops it has, how types resolve, and the loops' way through strided memory.
 *
 * Invariants
 * - λ never promotes: every loop's result has x's type and x's byte order. The promoter maps λ's
 *   type to one that x's loops take: for floats x's own or else float64, rounded once by the loop;
 *   the component for complex; for integers the widest type of λ's kind, compared exactly.
 * - Non-contiguous, byte-swapped and array-λ operands pass through small buffers on the stack, so
 *   only contiguous loops exist per instruction set, and memory use does not grow with n.
 * - Loops run without the GIL and raise no floating-point flag.
 */
#include "types.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------ the table of types */

enum { MAX_TYPES = 1024, CHUNK = 256 };

static shrink_type types[MAX_TYPES];
static PyArray_DTypeMeta *classes[MAX_TYPES]; /* DType classes by number; they are never freed */

const shrink_loops *shrink_active_loops = &shrink_loops_baseline;

const shrink_type *shrink_find_type(int type_num) {
    if (type_num < 0 || type_num >= MAX_TYPES || types[type_num].kind == NO_TYPE) {
        return NULL;
    }
    return &types[type_num];
}

/* -------------------------------------------------------------------------- thresholds */

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Magnitude bits of a finite non-negative double in another format; may exceed max_bits. */
static int64_t round_to_format(double value, int precision, int bias) {
    const uint64_t bits = bits_of(value);
    const int exponent = (int)(bits >> 52) - 1023, fraction_bits = precision - 1;
    if (precision == 53) {
        return (int64_t)bits;
    }
    if (exponent == -1023) { /* subnormal doubles are below half of any other format's smallest */
        return 0;
    }
    const uint64_t significand = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    const int below = 1 - bias - exponent; /* how far under the smallest normal exponent */
    const int shift = 52 - fraction_bits + (below > 0 ? below : 0);
    if (shift > 53) {
        return 0;
    }
    const uint64_t rest = significand & (((uint64_t)1 << shift) - 1);
    const uint64_t half = (uint64_t)1 << (shift - 1);
    int64_t quotient = (int64_t)(significand >> shift);
    quotient += rest > half || (rest == half && (quotient & 1));
    if (below > 0) {
        return quotient;
    }
    /* A carry out of the significand runs into the exponent, as it should. */
    return ((int64_t)(exponent + bias - 1) << fraction_bits) + quotient;
}

/* The band of an integer type for |x| <= t; `empty` wins. */
static void integer_band(const shrink_type *type, uint64_t t, int empty, shrink_band *band) {
    const int bits = 8 * type->item_size;
    if (empty) {
        band->low = 1;
        band->high = 0;
    }
    else if (type->is_signed) {
        const uint64_t largest = ((uint64_t)1 << (bits - 1)) - 1;
        band->high = (int64_t)(t < largest ? t : largest);
        band->low = -band->high - (t > largest);
    }
    else {
        const uint64_t largest = UINT64_MAX >> (64 - bits);
        band->low = 0;
        band->high = (int64_t)(t < largest ? t : largest);
    }
}

static void integer_band_from_double(const shrink_type *type, double lambd, shrink_band *band) {
    /* The conversion truncates, which is floor here, and is exact below 2**64. The macro compares
     * without the flag that NaN would raise. */
    const int empty = !isgreaterequal(lambd, 0.0);
    integer_band(type, empty ? 0 : lambd >= 0x1p64 ? UINT64_MAX : (uint64_t)lambd, empty, band);
}

int shrink_band_from_double(const shrink_type *type, double lambd, shrink_band *band) {
    if (lambd != lambd) {
        return 0;
    }
    switch (type->kind) {
    case FLOATING:
    case FNUZ:
        if (lambd < 0) {
            band->high = -1;
            /* Finite but beyond the type is an error for negative λ as well. */
            return lambd == -INFINITY ||
                   round_to_format(-lambd, type->precision, type->bias) <= type->max_bits;
        }
        if (lambd == INFINITY) {
            band->high = type->top_bits;
            return 1;
        }
        band->high = round_to_format(fabs(lambd), type->precision, type->bias);
        return band->high <= type->max_bits;
    case INTEGER:
        integer_band_from_double(type, lambd, band);
        return 1;
    case COMPLEX:
        band->real = lambd;
        if (type->item_size == 8) {
            band->real = (float)lambd;
            if (lambd < 0 && band->real == 0) { /* still negative, so still an empty band */
                band->real = -1;
            }
            return isinf(lambd) || !isinf(band->real);
        }
        return 1;
    default:
        return 0;
    }
}

/* ------------------------------------------------------------------------- long double */

#if LDBL_MANT_DIG == 64 || (LDBL_MANT_DIG == 113 && !defined(_MSC_VER))
#define HAVE_EXTENDED 1

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

/* ---------------------------------------------------------------- running over memory */

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

/* One element of λ for an integer loop, of any of the four types that the loops take. */
static void integer_band_at(const shrink_type *type, int lambd_num, const char *pointer,
                            shrink_band *band) {
    if (lambd_num == NPY_DOUBLE) {
        double value;
        memcpy(&value, pointer, sizeof value);
        integer_band_from_double(type, value, band);
    }
    else if (lambd_num == NPY_LONGDOUBLE) {
        long double value;
        memcpy(&value, pointer, sizeof value);
        const int empty = !isgreaterequal(value, 0.0L);
        integer_band(type, empty ? 0 : value >= 0x1p64L ? UINT64_MAX : (uint64_t)value, empty,
                     band);
    }
    else {
        uint64_t value;
        memcpy(&value, pointer, sizeof value);
        integer_band(type, value, lambd_num == NPY_INT64 && (value >> 63), band);
    }
}

/* Fills the band from one element of λ, for a loop whose λ does not advance. */
static void band_at(const shrink_type *type, int lambd_num, const char *pointer,
                    shrink_band *band) {
    uint64_t raw = 0;
    float single;
    switch (type->kind) {
    case INTEGER:
        integer_band_at(type, lambd_num, pointer, band);
        break;
    case COMPLEX:
        if (type->item_size == 8) {
            memcpy(&single, pointer, sizeof single);
            band->real = single;
        }
        else {
            memcpy(&band->real, pointer, sizeof band->real);
        }
        break;
    default: { /* raw bits of x's own type */
        const int bits = 8 * type->item_size;
        const uint64_t sign = (uint64_t)1 << (bits - 1);
        switch (type->item_size) { /* by size: reads the value on any byte order */
        case 1: { uint8_t v; memcpy(&v, pointer, sizeof v); raw = v; break; }
        case 2: { uint16_t v; memcpy(&v, pointer, sizeof v); raw = v; break; }
        case 4: { uint32_t v; memcpy(&v, pointer, sizeof v); raw = v; break; }
        default: memcpy(&raw, pointer, sizeof raw);
        }
        if (raw == sign) { /* -0, or the NaN of a format that has no -0 */
            band->high = type->kind == FNUZ ? -1 : 0;
        }
        else {
            band->high = raw > (uint64_t)type->top_bits ? -1 : (int64_t)raw;
        }
    }
    }
}

void shrink_band_from_element(const shrink_type *type, int type_num, int lambd_num,
                              const char *pointer, shrink_band *band) {
    const int own = type->kind == INTEGER || type->kind == COMPLEX || lambd_num == type_num;
    if (own && !(type->kind == COMPLEX && lambd_num == NPY_DOUBLE && type->item_size == 8)) {
        band_at(type, lambd_num, pointer, band);
        return;
    }
    double lambd;
    memcpy(&lambd, pointer, sizeof lambd);
    if (!shrink_band_from_double(type, lambd, band)) {
        const int all = lambd > 0; /* beyond the type; otherwise NaN, or negative and beyond */
        band->high = all ? type->top_bits : -1;
        band->real = all ? INFINITY : -1;
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
        integer_band_at(type, lambd_num, lambd + i * step, &band);
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

static int strided_loop(PyArrayMethod_Context *context, char *const *data,
                        const npy_intp *dimensions, const npy_intp *strides,
                        NpyAuxData *auxdata) {
    PyArray_Descr *const *descriptors = context->descriptors;
    const shrink_type *type = &types[descriptors[0]->type_num];
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
    (void)auxdata;

    if (one_lambd) {
        shrink_band_from_element(type, type_num, lambd_num, lambd, &band);
        if (x_direct && out_direct) {
            shrink_run_contiguous(type, x, out, (size_t)n, &band);
            return 0;
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
#ifdef HAVE_EXTENDED
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
    return 0;
}

/* ------------------------------------------------------------------------- resolution */

/* x keeps its descriptor, byte order and all, and gives it to the result; λ becomes native. */
static NPY_CASTING resolve_descriptors(struct PyArrayMethodObject_tag *method,
                                       PyArray_DTypeMeta *const *dtypes,
                                       PyArray_Descr *const *given, PyArray_Descr **loop,
                                       npy_intp *view_offset) {
    (void)method;
    (void)dtypes;
    (void)view_offset;
    if (PyArray_ISNBO(given[1]->byteorder)) {
        Py_INCREF((PyObject *)given[1]);
        loop[1] = given[1];
    }
    else {
        loop[1] = PyArray_DescrNewByteorder(given[1], NPY_NATIVE);
        if (loop[1] == NULL) {
            return (NPY_CASTING)-1;
        }
    }
    Py_INCREF((PyObject *)given[0]);
    loop[0] = given[0];
    Py_INCREF((PyObject *)given[0]);
    loop[2] = given[0];
    return NPY_NO_CASTING;
}

static PyArray_DTypeMeta *dtype_class(int type_num) {
    PyArray_Descr *descriptor = PyArray_DescrFromType(type_num);
    if (descriptor == NULL) {
        return NULL;
    }
    PyArray_DTypeMeta *result = (PyArray_DTypeMeta *)Py_TYPE((PyObject *)descriptor);
    Py_DECREF(descriptor); /* NumPy keeps the class of every type number for good */
    return result;
}

/* The type number of a DType class: NumPy's own and the registered ones; -1 for all others. */
static int number_of(PyArray_DTypeMeta *dtype) {
    for (int number = 0; number < MAX_TYPES; ++number) {
        if (classes[number] == dtype) {
            return number;
        }
    }
    return -1;
}

static int lambd_number(const shrink_type *type, PyArray_DTypeMeta *lambd) {
    if (type->kind == COMPLEX) {
        return type->item_size == 8 ? NPY_FLOAT : NPY_DOUBLE;
    }
    if (type->kind == LONG_DOUBLE) {
        return NPY_LONGDOUBLE;
    }
    if (type->kind != INTEGER) {
        return NPY_DOUBLE;
    }
    if (lambd == &PyArray_PyLongDType) {
        return NPY_INT64;
    }
    const int number = number_of(lambd);
    if (PyTypeNum_ISUNSIGNED(number)) {
        return NPY_UINT64;
    }
    if (PyTypeNum_ISINTEGER(number)) {
        return NPY_INT64;
    }
    return number == NPY_LONGDOUBLE ? NPY_LONGDOUBLE : NPY_DOUBLE;
}

/* λ never promotes x (HS-LAM-2). Without a result NumPy words the missing loop. */
static int promote(PyObject *ufunc, PyArray_DTypeMeta *const op_dtypes[],
                   PyArray_DTypeMeta *const signature[], PyArray_DTypeMeta *new_dtypes[]) {
    PyArray_DTypeMeta *x = signature[0] != NULL ? signature[0] : op_dtypes[0];
    PyArray_DTypeMeta *lambd = signature[1] != NULL ? signature[1] : op_dtypes[1];
    (void)ufunc;
    if (x == &PyArray_PyFloatDType) {
        x = &PyArray_DoubleDType;
    }
    const int lambd_num = number_of(lambd);
    if (lambd_num == NPY_BOOL || lambd == &PyArray_PyComplexDType ||
        PyTypeNum_ISCOMPLEX(lambd_num) || (PyTypeNum_ISFLEXIBLE(lambd_num)) ||
        PyTypeNum_ISDATETIME(lambd_num) || lambd_num == NPY_OBJECT) {
        return -1;
    }
    const shrink_type *type = shrink_find_type(number_of(x));
    if (type == NULL) {
        return -1;
    }
    const int own = lambd == x && type->kind != INTEGER && type->kind != COMPLEX;
    PyArray_DTypeMeta *wanted = own ? x : dtype_class(lambd_number(type, lambd));
    if (wanted == NULL || (signature[1] != NULL && signature[1] != wanted)) {
        return -1;
    }
    new_dtypes[0] = x;
    new_dtypes[1] = wanted;
    new_dtypes[2] = x;
    for (int i = 0; i < 3; ++i) {
        Py_INCREF((PyObject *)new_dtypes[i]);
    }
    return 0;
}

static int add_loop(PyObject *ufunc, int type_num, int lambd_num) {
    PyArray_DTypeMeta *x = dtype_class(type_num), *lambd = dtype_class(lambd_num);
    if (x == NULL || lambd == NULL) {
        return -1;
    }
    PyArray_DTypeMeta *dtypes[] = {x, lambd, x};
    PyType_Slot slots[] = {
        {NPY_METH_resolve_descriptors, (void *)resolve_descriptors},
        {NPY_METH_strided_loop, (void *)strided_loop},
        {NPY_METH_unaligned_strided_loop, (void *)strided_loop},
        {0, NULL},
    };
    PyArrayMethod_Spec spec = {
        .name = "hardshrink",
        .nin = 2,
        .nout = 1,
        .casting = NPY_NO_CASTING,
        .flags = (NPY_ARRAYMETHOD_FLAGS)(NPY_METH_SUPPORTS_UNALIGNED |
                                         NPY_METH_NO_FLOATINGPOINT_ERRORS),
        .dtypes = dtypes,
        .slots = slots,
    };
    return PyUFunc_AddLoopFromSpec(ufunc, &spec);
}

int shrink_add_type(PyObject *ufunc, int type_num, shrink_type type) {
    if (type_num < 0 || type_num >= MAX_TYPES) {
        PyErr_Format(PyExc_ValueError, "type number %d is outside 0..%d", type_num, MAX_TYPES - 1);
        return -1;
    }
    if (types[type_num].kind != NO_TYPE) {
        return 0; /* registered before: the same type, so the same rules */
    }
    static const int integer_lambd[] = {NPY_DOUBLE, NPY_INT64, NPY_UINT64, NPY_LONGDOUBLE};
    int failed = 0;
    if (type.kind == INTEGER) {
        for (int i = 0; i < 4 && !failed; ++i) {
            failed = add_loop(ufunc, type_num, integer_lambd[i]) < 0;
        }
    }
    else if (type.kind == COMPLEX) {
        failed = add_loop(ufunc, type_num, type.item_size == 8 ? NPY_FLOAT : NPY_DOUBLE) < 0;
    }
    else {
        failed = add_loop(ufunc, type_num, type_num) < 0 ||
                 ((type.kind == FLOATING || type.kind == FNUZ) && type_num != NPY_DOUBLE &&
                  add_loop(ufunc, type_num, NPY_DOUBLE) < 0);
    }
    if (failed) {
        return -1;
    }
    types[type_num] = type;
    classes[type_num] = dtype_class(type_num);
    return 0;
}

static int width_of(size_t size) {
    return size == 1 ? W8 : size == 2 ? W16 : size == 4 ? W32 : W64;
}

int shrink_add_builtin_types(PyObject *ufunc) {
    static const struct { int number; size_t size; } integers[] = {
        {NPY_BYTE, sizeof(npy_byte)}, {NPY_UBYTE, sizeof(npy_ubyte)},
        {NPY_SHORT, sizeof(npy_short)}, {NPY_USHORT, sizeof(npy_ushort)},
        {NPY_INT, sizeof(npy_int)}, {NPY_UINT, sizeof(npy_uint)},
        {NPY_LONG, sizeof(npy_long)}, {NPY_ULONG, sizeof(npy_ulong)},
        {NPY_LONGLONG, sizeof(npy_longlong)}, {NPY_ULONGLONG, sizeof(npy_ulonglong)},
    };
    for (int number = 0; number < NPY_NTYPES_LEGACY; ++number) {
        classes[number] = dtype_class(number);
        if (classes[number] == NULL) {
            return -1;
        }
    }
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; ++i) {
        const int size = (int)integers[i].size;
        const shrink_type type = {.kind = INTEGER, .item_size = size, .swap_size = size,
                                  .width = width_of(integers[i].size),
                                  .is_signed = PyTypeNum_ISSIGNED(integers[i].number)};
        if (shrink_add_type(ufunc, integers[i].number, type) < 0) {
            return -1;
        }
    }
    const shrink_type single = {.kind = COMPLEX, .item_size = 8, .swap_size = 4};
    const shrink_type twice = {.kind = COMPLEX, .item_size = 16, .swap_size = 8};
    if (shrink_add_type(ufunc, NPY_CFLOAT, single) < 0 ||
        shrink_add_type(ufunc, NPY_CDOUBLE, twice) < 0) {
        return -1;
    }
#ifdef HAVE_EXTENDED
    const shrink_type extended_type = {.kind = LONG_DOUBLE, .item_size = sizeof(long double),
                                       .swap_size = sizeof(long double)};
    return shrink_add_type(ufunc, NPY_LONGDOUBLE, extended_type);
#elif LDBL_MANT_DIG == 53
    const shrink_type same = {.kind = FLOATING, .item_size = 8, .swap_size = 8, .width = W64,
                              .precision = 53, .bias = 1023, .max_bits = 0x7FEFFFFFFFFFFFFF,
                              .top_bits = 0x7FF0000000000000};
    return shrink_add_type(ufunc, NPY_LONGDOUBLE, same);
#else
    return 0; /* a pair of doubles: not declared */
#endif
}

PyObject *shrink_make_ufunc(void) {
    PyObject *ufunc = PyUFunc_FromFuncAndData(
        NULL, NULL, NULL, 0, 2, 1, PyUFunc_None, "hardshrink",
        "x where its magnitude exceeds lambd, 0 elsewhere; of x's dtype whatever lambd's.", 0);
    PyObject *any = (PyObject *)&PyArrayDescr_Type;
    PyObject *pattern = ufunc == NULL ? NULL : PyTuple_Pack(3, any, any, any);
    PyObject *promoter =
        pattern == NULL ? NULL : PyCapsule_New((void *)promote, "numpy._ufunc_promoter", NULL);
    if (promoter == NULL || PyUFunc_AddPromoter(ufunc, pattern, promoter) < 0 ||
        shrink_add_builtin_types(ufunc) < 0) {
        Py_CLEAR(ufunc);
    }
    Py_XDECREF(pattern);
    Py_XDECREF(promoter);
    return ufunc;
}
