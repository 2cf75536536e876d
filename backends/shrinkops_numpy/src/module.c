/* The module shrinkops_numpy._ufunc: the ufunc, the short way to it, and the choice of loops.
 *
 * Invariants
 * - Limited API of Python 3.11 and the ABI of NumPy 2.0; one build serves all later versions.
 * - Loops for an instruction set are selected only where the processor has it.
 */
#define SHRINKOPS_MAIN
#include "types.h"

#include <string.h>

#if defined(SHRINKOPS_X86_64) && defined(_MSC_VER)
#include <intrin.h>
#endif

/* -------------------------------------------------------------------- the processor */

#ifdef SHRINKOPS_X86_64
#ifdef _MSC_VER
static int has_all(int word, unsigned wanted) { return ((unsigned)word & wanted) == wanted; }

/* /arch:AVX2 and /arch:AVX512 let the compiler use more than their names say. */
static int has_avx2(void) {
    const unsigned fma_movbe_osxsave = 1u << 12 | 1u << 22 | 1u << 27;
    const unsigned bmi_avx2_bmi2 = 1u << 3 | 1u << 5 | 1u << 8, lzcnt = 1u << 5;
    int leaf[4];
    __cpuid(leaf, 0);
    if (leaf[0] < 7) {
        return 0;
    }
    __cpuid(leaf, 1);
    if (!has_all(leaf[2], fma_movbe_osxsave) ||
        (_xgetbv(0) & 0x6) != 0x6) { /* the system saves the registers */
        return 0;
    }
    __cpuidex(leaf, 7, 0);
    if (!has_all(leaf[1], bmi_avx2_bmi2)) {
        return 0;
    }
    __cpuid(leaf, (int)0x80000001);
    return has_all(leaf[2], lzcnt);
}

static int has_avx512(void) {
    int leaf[4];
    if (!has_avx2() || (_xgetbv(0) & 0xE6) != 0xE6) {
        return 0;
    }
    __cpuidex(leaf, 7, 0);
    return has_all(leaf[1], 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31); /* F DQ CD BW VL */
}
#else
static int has_avx2(void) { return __builtin_cpu_supports("avx2"); }
static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
#endif
#endif

/* The usable loops, best last. */
static int usable(const shrink_loops *loops[3]) {
    int count = 0;
    loops[count++] = &shrink_loops_baseline;
#ifdef SHRINKOPS_X86_64
    if (has_avx2()) {
        loops[count++] = &shrink_loops_avx2;
    }
    if (has_avx512()) {
        loops[count++] = &shrink_loops_avx512;
    }
#endif
    return count;
}

/* ------------------------------------------------------------------ module functions */

static PyObject *instruction_sets(PyObject *module, PyObject *unused) {
    const shrink_loops *loops[3];
    const int count = usable(loops);
    (void)module;
    (void)unused;
    PyObject *names = PyTuple_New(count);
    for (int i = 0; names != NULL && i < count; ++i) {
        PyObject *name = PyUnicode_FromString(loops[i]->name);
        if (name == NULL || PyTuple_SetItem(names, i, name) < 0) {
            Py_CLEAR(names);
        }
    }
    return names;
}

static PyObject *selected(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyUnicode_FromString(shrink_active_loops->name);
}

static PyObject *select_loops(PyObject *module, PyObject *argument) {
    const shrink_loops *loops[3];
    const int count = usable(loops);
    (void)module;
    PyObject *text = PyUnicode_Check(argument) ? PyUnicode_AsUTF8String(argument) : NULL;
    const char *name = text == NULL ? NULL : PyBytes_AsString(text);
    for (int i = 0; name != NULL && i < count; ++i) {
        if (strcmp(name, loops[i]->name) == 0) {
            shrink_active_loops = loops[i];
            Py_DECREF(text);
            Py_RETURN_NONE;
        }
    }
    Py_XDECREF(text);
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError,
                 "no loops for instruction set %R on this processor; instruction_sets() lists them",
                 argument);
    return NULL;
}

static PyObject *register_float(PyObject *module, PyObject *args) {
    PyObject *dtype;
    int precision, bias, fnuz;
    long long max_bits, top_bits;
    if (!PyArg_ParseTuple(args, "O!iiLLp:register_float", &PyArrayDescr_Type, &dtype, &precision,
                          &bias, &max_bits, &top_bits, &fnuz)) {
        return NULL;
    }
    const npy_intp size = PyDataType_ELSIZE((PyArray_Descr *)dtype);
    if ((size != 1 && size != 2 && size != 4 && size != 8) || (fnuz && size != 1) ||
        precision < 2 || precision > 53) {
        PyErr_Format(PyExc_ValueError, "%R has no floating format of 1, 2, 4 or 8 bytes", dtype);
        return NULL;
    }
    const shrink_type type = {
        .kind = fnuz ? FNUZ : FLOATING, .item_size = (int)size, .swap_size = (int)size,
        .width = size == 1 ? W8 : size == 2 ? W16 : size == 4 ? W32 : W64,
        .precision = precision, .bias = bias, .max_bits = max_bits, .top_bits = top_bits,
    };
    PyObject *ufunc = PyObject_GetAttrString(module, "hardshrink");
    if (ufunc == NULL) {
        return NULL;
    }
    const int status = shrink_add_type(ufunc, ((PyArray_Descr *)dtype)->type_num, type);
    Py_DECREF(ufunc);
    if (status < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *make_kernel(PyObject *module, PyObject *otherwise) {
    (void)module;
    if (!PyCallable_Check(otherwise)) {
        PyErr_Format(PyExc_TypeError, "make_kernel needs a callable, got %R", otherwise);
        return NULL;
    }
    return PyCFunction_NewEx(&shrink_call_definition, otherwise, NULL);
}

static PyMethodDef methods[] = {
    {"instruction_sets", instruction_sets, METH_NOARGS,
     "instruction_sets()\n--\n\nNames of the loops that this processor can run, best last."},
    {"selected", selected, METH_NOARGS, "selected()\n--\n\nName of the loops in use."},
    {"select", select_loops, METH_O, "select(name)\n--\n\nUse the loops of an instruction set."},
    {"register_float", register_float, METH_VARARGS,
     "register_float(dtype, precision, bias, max_bits, top_bits, fnuz)\n--\n\n"
     "Add the loops for a floating type, as shrinkops._numbers.formats describes it."},
    {"make_kernel", make_kernel, METH_O,
     "make_kernel(otherwise)\n--\n\nA kernel(x, lambd, out) that computes plain calls itself and\n"
     "passes all others to `otherwise`."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_ufunc", "The compiled kernel; see src/.", -1, methods,
    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__ufunc(void) {
    import_array();
    import_umath();
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) {
        return NULL;
    }
    const shrink_loops *loops[3];
    shrink_active_loops = loops[usable(loops) - 1];
    PyObject *ufunc = shrink_make_ufunc();
    if (ufunc == NULL || PyModule_AddObjectRef(module, "hardshrink", ufunc) < 0) {
        Py_CLEAR(module);
    }
    Py_XDECREF(ufunc);
    return module;
}
