/* The ufunc: which loops it has, and how types resolve.
 *
 * Invariants
 * - λ never promotes: every loop's result has x's type and x's byte order. The promoter maps λ's
 *   type to one that x's loops take: for floats x's own or else float64, rounded once by the loop;
 *   the component for complex; for integers the widest type of λ's kind, compared exactly.
 * - Loops run without the GIL and report no floating-point flag.
 */
#include "types.h"

#include <float.h>

static PyArray_DTypeMeta *classes[SHRINK_MAX_TYPES]; /* DType classes by number; never freed */

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
    for (int number = 0; number < SHRINK_MAX_TYPES; ++number) {
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
        {NPY_METH_strided_loop, (void *)shrink_strided_loop},
        {NPY_METH_unaligned_strided_loop, (void *)shrink_strided_loop},
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
    if (type_num < 0 || type_num >= SHRINK_MAX_TYPES) {
        PyErr_Format(PyExc_ValueError, "type number %d is outside 0..%d", type_num, SHRINK_MAX_TYPES - 1);
        return -1;
    }
    if (shrink_find_type(type_num) != NULL) {
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
    shrink_store_type(type_num, type);
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
#ifdef SHRINK_EXTENDED
    const shrink_type extended_type = {.kind = LONG_DOUBLE, .item_size = sizeof(long double),
                                       .swap_size = sizeof(long double)};
    return shrink_add_type(ufunc, NPY_LONGDOUBLE, extended_type);
#elif LDBL_MANT_DIG == 53
    const shrink_type same = {.kind = FLOATING, .item_size = 8, .swap_size = 8, .width = W64,
                              .precision = 53, .bias = 1023, .max_bits = 0x7FEFFFFFFFFFFFFF,
                              .top_bits = 0x7FF0000000000000};
    if (shrink_add_type(ufunc, NPY_CLONGDOUBLE, twice) < 0) {
        return -1;
    }
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
