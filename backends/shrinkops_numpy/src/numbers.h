/* A parameter that is one number, read without the abstract protocols.
 *
 * Invariants
 * - 1 only where a double holds the number exactly, or for a float where it is that float; all
 *   others go the way that rounds exact values. Booleans, complex numbers and times do too.
 */
#ifndef SHRINKOPS_NUMBERS_H
#define SHRINKOPS_NUMBERS_H

#include <math.h>
#include <numpy/arrayscalars.h>
#include <string.h>

static inline int shrink_exact(long long integer, double *value) {
    *value = (double)integer;
    return integer <= (1LL << 53) && integer >= -(1LL << 53);
}

/* A finite half; infinities and NaNs go the other way. */
static inline int shrink_half(npy_half bits, double *value) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double size = ldexp(exponent ? fraction + 1024 : fraction, (exponent ? exponent : 1) - 25);
    *value = bits >> 15 ? -size : size;
    return exponent < 31;
}

/* An element of memory, native and possibly misaligned. */
static inline int shrink_read_element(int number, const char *pointer, double *value) {
#define AS(NUMBER, T, RESULT)                         \
    case NUMBER: {                                    \
        T v;                                          \
        memcpy(&v, pointer, sizeof v);                \
        RESULT;                                       \
    }
    switch (number) {
        AS(NPY_DOUBLE, double, *value = v; return 1)
        AS(NPY_FLOAT, float, *value = v; return 1)
        AS(NPY_HALF, npy_half, return shrink_half(v, value))
        AS(NPY_BYTE, npy_byte, return shrink_exact(v, value))
        AS(NPY_UBYTE, npy_ubyte, return shrink_exact(v, value))
        AS(NPY_SHORT, npy_short, return shrink_exact(v, value))
        AS(NPY_USHORT, npy_ushort, return shrink_exact(v, value))
        AS(NPY_INT, npy_int, return shrink_exact(v, value))
        AS(NPY_UINT, npy_uint, return shrink_exact((long long)v, value))
        AS(NPY_LONG, npy_long, return shrink_exact(v, value))
        AS(NPY_ULONG, npy_ulong, return v <= (1ULL << 53) && shrink_exact((long long)v, value))
        AS(NPY_LONGLONG, npy_longlong, return shrink_exact(v, value))
        AS(NPY_ULONGLONG, npy_ulonglong, return v <= (1ULL << 53) && shrink_exact((long long)v, value))
    default:
        return 0;
    }
#undef AS
}

/* The scalar types of NumPy that occur as parameters; found by their very class. */
static inline int shrink_scalar_number(PyObject *object) {
#define IS(T, NUMBER)                                         \
    if (Py_IS_TYPE(object, &Py##T##ArrType_Type)) {           \
        return NUMBER;                                        \
    }
    IS(Double, NPY_DOUBLE)
    IS(Float, NPY_FLOAT)
    IS(Half, NPY_HALF)
    IS(Long, NPY_LONG)
    IS(Int, NPY_INT)
    IS(LongLong, NPY_LONGLONG)
    IS(ULong, NPY_ULONG)
    IS(UInt, NPY_UINT)
    IS(ULongLong, NPY_ULONGLONG)
    IS(Short, NPY_SHORT)
    IS(UShort, NPY_USHORT)
    IS(Byte, NPY_BYTE)
    IS(UByte, NPY_UBYTE)
    return -1;
#undef IS
}

static inline int shrink_read_number(PyObject *object, double *value) {
    if (Py_IS_TYPE(object, &PyFloat_Type)) {
        *value = PyFloat_AsDouble(object);
        return 1;
    }
    if (Py_IS_TYPE(object, &PyLong_Type)) {
        int overflow;
        const long long integer = PyLong_AsLongLongAndOverflow(object, &overflow);
        return !overflow && shrink_exact(integer, value);
    }
    if (PyArray_CheckExact(object)) { /* without axes it is the number that it holds */
        PyArrayObject *array = (PyArrayObject *)object;
        PyArray_Descr *descriptor = PyArray_DESCR(array);
        return PyArray_NDIM(array) == 0 && PyArray_ISNBO(descriptor->byteorder) &&
               shrink_read_element(descriptor->type_num, PyArray_BYTES(array), value);
    }
    const int number = shrink_scalar_number(object);
    if (number < 0) {
        return 0;
    }
    char element[16];
    PyArray_ScalarAsCtype(object, element);
    return shrink_read_element(number, element, value);
}

#endif
