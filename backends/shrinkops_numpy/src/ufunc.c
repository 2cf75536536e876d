/* The ufuncs: which loops they have, and how types resolve.
 *
 * Invariants
 * - No parameter promotes x: every loop's result has x's type and x's byte order. The promoter maps
 *   the parameters' types to what x's loops take: for floats x's own or else float64, rounded once
 *   by the loop; for complex the component or float64; for integers the widest type of λ's kind,
 *   compared exactly.
 * - Loops run without the GIL and report no floating-point flag.
 * - A ufunc is whole wherever it is unpickled: the types of extensions join it when the first of
 *   their arrays arrives.
 */
#include "types.h"

/* x keeps its descriptor, byte order and all, and gives it to the result; parameters become native. */
static NPY_CASTING resolve(int parameters, PyArray_Descr *const *given, PyArray_Descr **loop) {
    for (int k = 1; k <= parameters; ++k) {
        loop[k] = given[k];
        if (PyArray_ISNBO(given[k]->byteorder)) {
            Py_INCREF(given[k]);
            continue;
        }
        loop[k] = PyArray_DescrNewByteorder(given[k], NPY_NATIVE);
        if (loop[k] == NULL) {
            while (--k >= 1) {
                Py_DECREF(loop[k]);
            }
            return (NPY_CASTING)-1;
        }
    }
    Py_INCREF(given[0]);
    loop[0] = given[0];
    Py_INCREF(given[0]);
    loop[parameters + 1] = given[0];
    return NPY_NO_CASTING;
}

static NPY_CASTING resolve_one(struct PyArrayMethodObject_tag *method,
                               PyArray_DTypeMeta *const *dtypes, PyArray_Descr *const *given,
                               PyArray_Descr **loop, npy_intp *view_offset) {
    (void)method;
    (void)dtypes;
    (void)view_offset;
    return resolve(1, given, loop);
}

static NPY_CASTING resolve_two(struct PyArrayMethodObject_tag *method,
                               PyArray_DTypeMeta *const *dtypes, PyArray_Descr *const *given,
                               PyArray_Descr **loop, npy_intp *view_offset) {
    (void)method;
    (void)dtypes;
    (void)view_offset;
    return resolve(2, given, loop);
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

/* The type number of a DType class: NumPy's own and the published ones; -1 for all others. */
static int number_of(PyArray_DTypeMeta *dtype) {
    for (int number = 0; number < SHRINK_MAX_TYPES; ++number) {
        if ((number < NPY_NTYPES_LEGACY || shrink_find_type(number) != NULL) &&
            dtype_class(number) == dtype) {
            return number;
        }
    }
    return -1;
}

/* Lets Python's side publish a type that it knows the format of; returns -1 with an error set. */
static int introduce(PyArray_DTypeMeta *dtype) {
    PyObject *module = PyImport_ImportModule("shrinkops_numpy._formats");
    PyObject *done = module == NULL ? NULL
                                    : PyObject_CallMethod(module, "introduce", "O", (PyObject *)dtype);
    Py_XDECREF(module);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int is_float(PyArray_DTypeMeta *dtype) { return dtype == &PyArray_PyFloatDType; }

/* The number of the type in which the loops of a type take parameters of these classes. */
static int parameter_number(shrink_operation operation, const shrink_type *type,
                            PyArray_DTypeMeta *const *parameters, PyArray_DTypeMeta *x) {
    const int count = shrink_definitions[operation].parameters;
    PyArray_DTypeMeta *component =
        type->kind == COMPLEX && type->item_size == 8 ? &PyArray_FloatDType : x;
    if (type->kind == LONG_DOUBLE) {
        return NPY_LONGDOUBLE;
    }
    if (type->kind != INTEGER) {
        int own = 1;
        for (int k = 0; k < count; ++k) {
            own &= parameters[k] == component;
        }
        return !own || type->item_size == 16     ? NPY_DOUBLE
               : type->kind == COMPLEX           ? NPY_FLOAT
                                                 : type->type_num;
    }
    const int number = number_of(parameters[0]);
    if (parameters[0] == &PyArray_PyLongDType || PyTypeNum_ISSIGNED(number)) {
        return NPY_INT64;
    }
    if (PyTypeNum_ISUNSIGNED(number)) {
        return NPY_UINT64;
    }
    if (operation == SOFTSHRINK) { /* which moves elements by λ: only whole numbers will do */
        return -1;
    }
    return number == NPY_LONGDOUBLE ? NPY_LONGDOUBLE : NPY_DOUBLE;
}

static int is_real(PyArray_DTypeMeta *dtype) {
    const int number = number_of(dtype);
    return !(number == NPY_BOOL || dtype == &PyArray_PyComplexDType ||
             PyTypeNum_ISCOMPLEX(number) || PyTypeNum_ISFLEXIBLE(number) ||
             PyTypeNum_ISDATETIME(number) || number == NPY_OBJECT || number == NPY_VSTRING);
}

/* Without a result and without an error NumPy words the missing loop. */
static int promote(shrink_operation operation, PyArray_DTypeMeta *const op_dtypes[],
                   PyArray_DTypeMeta *const signature[], PyArray_DTypeMeta *new_dtypes[]) {
    const int count = shrink_definitions[operation].parameters;
    PyArray_DTypeMeta *x = signature[0] != NULL ? signature[0] : op_dtypes[0];
    PyArray_DTypeMeta *parameters[2] = {NULL, NULL};
    if (is_float(x)) {
        x = &PyArray_DoubleDType;
    }
    for (int k = 0; k < count; ++k) {
        parameters[k] = signature[1 + k] != NULL ? signature[1 + k] : op_dtypes[1 + k];
        if (!is_real(parameters[k])) {
            return -1;
        }
    }
    int number = number_of(x);
    if (number < 0) {
        if (introduce(x) < 0) {
            return -1;
        }
        number = number_of(x);
    }
    const shrink_type *type = shrink_find_type(number);
    if (type == NULL || !shrink_takes(operation, type)) {
        return -1;
    }
    const int wanted_number = parameter_number(operation, type, parameters, x);
    PyArray_DTypeMeta *wanted = wanted_number < 0 ? NULL : dtype_class(wanted_number);
    if (wanted == NULL) {
        return -1;
    }
    for (int k = 0; k < count; ++k) {
        if (signature[1 + k] != NULL && signature[1 + k] != wanted) {
            return -1;
        }
    }
    for (int k = 0; k < count + 2; ++k) {
        new_dtypes[k] = k == 0 || k == count + 1 ? x : wanted;
        Py_INCREF(new_dtypes[k]);
    }
    return 0;
}

#define PROMOTER(operation)                                                                   \
    static int operation##_promote(PyObject *ufunc, PyArray_DTypeMeta *const op_dtypes[],     \
                                   PyArray_DTypeMeta *const signature[],                      \
                                   PyArray_DTypeMeta *new_dtypes[]) {                         \
        (void)ufunc;                                                                          \
        return promote(operation, op_dtypes, signature, new_dtypes);                          \
    }
PROMOTER(HARDSHRINK)
PROMOTER(SOFTSHRINK)
PROMOTER(SHRINK)
PROMOTER(FIRMSHRINK)
PROMOTER(GARROTE_SHRINK)

static PyArrayMethod_PromoterFunction *const promoters[OPERATIONS] = {
    HARDSHRINK_promote, SOFTSHRINK_promote, SHRINK_promote, FIRMSHRINK_promote,
    GARROTE_SHRINK_promote};

static int add_loop(PyObject *ufunc, shrink_operation operation, int type_num, int number) {
    const int count = shrink_definitions[operation].parameters;
    PyArray_DTypeMeta *x = dtype_class(type_num), *parameter = dtype_class(number);
    if (x == NULL || parameter == NULL) {
        return -1;
    }
    PyArray_DTypeMeta *dtypes[4] = {x, parameter, count == 2 ? parameter : x, x};
    PyType_Slot slots[] = {
        {NPY_METH_resolve_descriptors, count == 2 ? (void *)resolve_two : (void *)resolve_one},
        {NPY_METH_strided_loop, (void *)shrink_strided_loop(operation)},
        {NPY_METH_unaligned_strided_loop, (void *)shrink_strided_loop(operation)},
        {0, NULL},
    };
    PyArrayMethod_Spec spec = {
        .name = shrink_definitions[operation].name,
        .nin = 1 + count,
        .nout = 1,
        .casting = NPY_NO_CASTING,
        .flags = (NPY_ARRAYMETHOD_FLAGS)(NPY_METH_SUPPORTS_UNALIGNED |
                                         NPY_METH_NO_FLOATINGPOINT_ERRORS),
        .dtypes = dtypes,
        .slots = slots,
    };
    return PyUFunc_AddLoopFromSpec(ufunc, &spec);
}

int shrink_add_loops(PyObject *ufunc, shrink_operation operation, const shrink_type *type) {
    int numbers[4] = {type->type_num, -1, -1, -1};
    if (!shrink_takes(operation, type)) {
        return 0;
    }
    switch (type->kind) {
    case INTEGER:
        numbers[0] = NPY_INT64;
        numbers[1] = NPY_UINT64;
        if (operation == HARDSHRINK) {
            numbers[2] = NPY_DOUBLE;
            numbers[3] = NPY_LONGDOUBLE;
        }
        break;
    case COMPLEX:
        numbers[0] = NPY_DOUBLE;
        numbers[1] = type->item_size == 8 ? NPY_FLOAT : -1;
        break;
    case LONG_DOUBLE:
        break;
    default:
        numbers[1] = type->type_num == NPY_DOUBLE ? -1 : NPY_DOUBLE;
    }
    for (int i = 0; i < 4; ++i) {
        if (numbers[i] >= 0 && add_loop(ufunc, operation, type->type_num, numbers[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

PyObject *shrink_make_ufunc(shrink_operation operation) {
    const shrink_definition *definition = &shrink_definitions[operation];
    PyObject *ufunc = PyUFunc_FromFuncAndData(NULL, NULL, NULL, 0, 1 + definition->parameters, 1,
                                              PyUFunc_None, definition->name, definition->doc, 0);
    PyObject *any = (PyObject *)&PyArrayDescr_Type;
    PyObject *pattern = ufunc == NULL                 ? NULL
                        : definition->parameters == 1 ? PyTuple_Pack(3, any, any, any)
                                                      : PyTuple_Pack(4, any, any, any, any);
    PyObject *promoter = pattern == NULL ? NULL
                                         : PyCapsule_New((void *)promoters[operation],
                                                         "numpy._ufunc_promoter", NULL);
    int failed = promoter == NULL || PyUFunc_AddPromoter(ufunc, pattern, promoter) < 0;
    for (int number = 0; !failed && number < NPY_NTYPES_LEGACY; ++number) {
        const shrink_type *type = shrink_find_type(number);
        failed = type != NULL && shrink_add_loops(ufunc, operation, type) < 0;
    }
    Py_XDECREF(pattern);
    Py_XDECREF(promoter);
    if (failed) {
        Py_XDECREF(ufunc);
        return NULL;
    }
    return ufunc;
}
