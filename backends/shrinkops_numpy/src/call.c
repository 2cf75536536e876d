/* The short way: a call on a plain contiguous array, without the ufunc machinery.
 *
 * Invariants
 * - It takes only what needs no check that could fail. Everything else, errors included, goes to
 *   the Python callable it was made with, so each rule and message exists once.
 * - It gives what that callable would give, bit for bit.
 */
#include "types.h"

#include "subnormals.h"

#include <string.h>

enum { RELEASE_GIL_FROM = 1 << 14 }; /* bytes; releasing it costs more than shorter loops */

/* λ as a double if it is a float or an int that a double holds exactly. */
static int read_lambd(PyObject *lambd, double *value) {
    if (Py_IS_TYPE(lambd, &PyFloat_Type)) {
        *value = PyFloat_AsDouble(lambd);
        return 1;
    }
    if (Py_IS_TYPE(lambd, &PyLong_Type)) {
        int overflow;
        const long long integer = PyLong_AsLongLongAndOverflow(lambd, &overflow);
        *value = (double)integer;
        return !overflow && integer <= (1LL << 53) && integer >= -(1LL << 53);
    }
    return 0;
}

static int same_memory_order(PyArrayObject *x, PyArrayObject *out) {
    if (PyArray_NDIM(x) != PyArray_NDIM(out) ||
        memcmp(PyArray_DIMS(x), PyArray_DIMS(out),
               (size_t)PyArray_NDIM(x) * sizeof(npy_intp)) != 0) {
        return 0;
    }
    return (PyArray_IS_C_CONTIGUOUS(x) && PyArray_IS_C_CONTIGUOUS(out)) ||
           (PyArray_IS_F_CONTIGUOUS(x) && PyArray_IS_F_CONTIGUOUS(out));
}

static int overlap(const char *a, size_t a_bytes, const char *b, size_t b_bytes) {
    return a < b + b_bytes && b < a + a_bytes;
}

/* True if `out` can be filled in place of a new array. */
static int fits(PyArrayObject *x, PyObject *candidate, size_t bytes) {
    if (!PyArray_CheckExact(candidate)) {
        return 0;
    }
    PyArrayObject *out = (PyArrayObject *)candidate;
    PyArray_Descr *descriptor = PyArray_DESCR(out);
    if (descriptor->type_num != PyArray_DESCR(x)->type_num ||
        !PyArray_ISNBO(descriptor->byteorder) || !same_memory_order(x, out) ||
        !PyArray_ISWRITEABLE(out)) {
        return 0;
    }
    const char *from = PyArray_BYTES(x), *to = PyArray_BYTES(out);
    return from == to || !overlap(from, bytes, to, bytes);
}

static PyObject *new_like(PyArrayObject *x) {
    PyArray_Descr *descriptor = PyArray_DESCR(x);
    Py_INCREF((PyObject *)descriptor);
    return PyArray_NewFromDescr(&PyArray_Type, descriptor, PyArray_NDIM(x), PyArray_DIMS(x), NULL,
                                NULL, !PyArray_IS_C_CONTIGUOUS(x), NULL);
}

/* A λ for each block of `inner` elements, `count` in turn, all of that `outer` times: thresholds
 * per channel. */
typedef struct {
    npy_intp outer, count, inner;
} channels;

/* True if an array λ, aligned with x's last axes, is x's shape with ones before and after. */
static int read_channels(PyArrayObject *x, PyArrayObject *lambd, channels *blocks) {
    const int missing = PyArray_NDIM(x) - PyArray_NDIM(lambd);
    int axis = PyArray_NDIM(x) - 1;
    if (missing < 0) {
        return 0;
    }
    blocks->outer = blocks->count = blocks->inner = 1;
    for (; axis >= missing && PyArray_DIM(lambd, axis - missing) == 1; --axis) {
        blocks->inner *= PyArray_DIM(x, axis);
    }
    for (; axis >= missing && PyArray_DIM(lambd, axis - missing) == PyArray_DIM(x, axis); --axis) {
        blocks->count *= PyArray_DIM(x, axis);
    }
    for (; axis >= 0; --axis) {
        if (axis >= missing && PyArray_DIM(lambd, axis - missing) != 1) {
            return 0;
        }
        blocks->outer *= PyArray_DIM(x, axis);
    }
    return blocks->inner > 1;
}

/* True if the thresholds can be read where they lie. */
static int readable_thresholds(const shrink_type *type, int type_num, PyArrayObject *lambd) {
    const PyArray_Descr *descriptor = PyArray_DESCR(lambd);
    const int number = descriptor->type_num;
    if (!PyArray_ISNBO(descriptor->byteorder) || !PyArray_IS_C_CONTIGUOUS(lambd)) {
        return 0;
    }
    switch (type->kind) {
    case INTEGER:
        return number == NPY_DOUBLE || number == NPY_INT64 || number == NPY_UINT64;
    case COMPLEX:
        return number == NPY_DOUBLE || (number == NPY_FLOAT && type->item_size == 8);
    default:
        return number == NPY_DOUBLE || number == type_num;
    }
}

static void run_channels(const shrink_type *type, PyArrayObject *x, PyArrayObject *lambd,
                         char *to, const channels *blocks) {
    const int type_num = PyArray_DESCR(x)->type_num, lambd_num = PyArray_DESCR(lambd)->type_num;
    const npy_intp step = PyArray_ITEMSIZE(lambd), bytes = blocks->inner * type->item_size;
    const char *from = PyArray_BYTES(x);
    for (npy_intp i = 0; i < blocks->outer; ++i) {
        const char *threshold = PyArray_BYTES(lambd);
        for (npy_intp j = 0; j < blocks->count; ++j, threshold += step, from += bytes, to += bytes) {
            shrink_band band = {0, 0, 0};
            shrink_band_from_element(type, type_num, lambd_num, threshold, &band);
            shrink_run_contiguous(type, from, to, (size_t)blocks->inner, &band);
        }
    }
}

static PyObject *call_quickly(PyObject *otherwise, PyObject *const *args, Py_ssize_t count) {
    if (count != 3) {
        PyErr_Format(PyExc_TypeError, "kernel(x, lambd, out) takes 3 arguments, got %zd", count);
        return NULL;
    }
    PyObject *result = args[2];
    if (!PyArray_CheckExact(args[0])) {
        goto other;
    }
    PyArrayObject *x = (PyArrayObject *)args[0], *thresholds = NULL;
    PyArray_Descr *descriptor = PyArray_DESCR(x);
    const shrink_type *type = shrink_find_type(descriptor->type_num);
    channels blocks = {1, 1, 1};
    shrink_band band = {0, 0, 0};
    double lambd;
    if (type == NULL || type->kind == LONG_DOUBLE || !PyArray_ISNBO(descriptor->byteorder) ||
        !(PyArray_FLAGS(x) & (NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS))) {
        goto other;
    }
    if (read_lambd(args[1], &lambd)) {
        if (!shrink_band_from_double(type, lambd, &band)) {
            goto other;
        }
    }
    else {
        thresholds = (PyArrayObject *)args[1];
        if (!PyArray_CheckExact(args[1]) || !PyArray_IS_C_CONTIGUOUS(x) ||
            !readable_thresholds(type, descriptor->type_num, thresholds) ||
            !read_channels(x, thresholds, &blocks)) {
            goto other;
        }
    }
    const size_t n = (size_t)PyArray_SIZE(x), bytes = n * (size_t)type->item_size;
    if (result == Py_None) {
        result = new_like(x);
        if (result == NULL) {
            return NULL;
        }
    }
    else if (fits(x, result, bytes) &&
             !(thresholds != NULL &&
               overlap(PyArray_BYTES((PyArrayObject *)result), bytes, PyArray_BYTES(thresholds),
                       (size_t)PyArray_NBYTES(thresholds)))) {
        Py_INCREF(result);
    }
    else {
        goto other;
    }
    void *to = PyArray_DATA((PyArrayObject *)result);
    if (thresholds != NULL) {
        Py_BEGIN_ALLOW_THREADS
        run_channels(type, x, thresholds, to, &blocks);
        Py_END_ALLOW_THREADS
    }
    else if (bytes < RELEASE_GIL_FROM) {
        shrink_run_contiguous(type, PyArray_DATA(x), to, n, &band);
    }
    else {
        Py_BEGIN_ALLOW_THREADS
        shrink_run_contiguous(type, PyArray_DATA(x), to, n, &band);
        Py_END_ALLOW_THREADS
    }
    return result;

other:
    return PyObject_CallFunctionObjArgs(otherwise, args[0], args[1], args[2], NULL);
}

static PyObject *call(PyObject *otherwise, PyObject *const *args, Py_ssize_t count) {
    const shrink_mode mode = shrink_keep_subnormals();
    PyObject *result = call_quickly(otherwise, args, count);
    shrink_restore(&mode);
    return result;
}

PyMethodDef shrink_call_definition = {
    "kernel", (PyCFunction)(void (*)(void))call, METH_FASTCALL,
    "kernel(x, lambd, out)\n--\n\nThe operation on one array; out may be None."};
