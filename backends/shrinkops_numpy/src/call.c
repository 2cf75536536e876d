/* The short way: a call on a plain contiguous array, without the ufunc machinery.
 *
 * Invariants
 * - It takes only what needs no check that could fail. Everything else, errors included, goes to
 *   the Python callable it was made with, so each rule and message exists once.
 * - It gives what that callable would give, bit for bit.
 */
#include "types.h"

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
    return from == to || from + bytes <= to || to + bytes <= from;
}

static PyObject *new_like(PyArrayObject *x) {
    PyArray_Descr *descriptor = PyArray_DESCR(x);
    Py_INCREF((PyObject *)descriptor);
    return PyArray_NewFromDescr(&PyArray_Type, descriptor, PyArray_NDIM(x), PyArray_DIMS(x), NULL,
                                NULL, !PyArray_IS_C_CONTIGUOUS(x), NULL);
}

static PyObject *call(PyObject *otherwise, PyObject *const *args, Py_ssize_t count) {
    if (count != 3) {
        PyErr_Format(PyExc_TypeError, "kernel(x, lambd, out) takes 3 arguments, got %zd", count);
        return NULL;
    }
    PyObject *result = args[2];
    if (!PyArray_CheckExact(args[0])) {
        goto other;
    }
    PyArrayObject *x = (PyArrayObject *)args[0];
    PyArray_Descr *descriptor = PyArray_DESCR(x);
    const shrink_type *type = shrink_find_type(descriptor->type_num);
    double lambd;
    shrink_band band = {0, 0, 0};
    if (type == NULL || type->kind == LONG_DOUBLE || !PyArray_ISNBO(descriptor->byteorder) ||
        !(PyArray_FLAGS(x) & (NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS)) ||
        !read_lambd(args[1], &lambd) || !shrink_band_from_double(type, lambd, &band)) {
        goto other;
    }
    const size_t n = (size_t)PyArray_SIZE(x), bytes = n * (size_t)type->item_size;
    if (result == Py_None) {
        result = new_like(x);
        if (result == NULL) {
            return NULL;
        }
    }
    else if (fits(x, result, bytes)) {
        Py_INCREF(result);
    }
    else {
        goto other;
    }
    void *to = PyArray_DATA((PyArrayObject *)result);
    if (bytes < RELEASE_GIL_FROM) {
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

PyMethodDef shrink_call_definition = {
    "kernel", (PyCFunction)(void (*)(void))call, METH_FASTCALL,
    "kernel(x, lambd, out)\n--\n\nThe operation on one array; out may be None."};
