/* The module shrinkops_numpy._ufunc: the ufuncs, the short way to them, and the choice of loops.
 *
 * Invariants
 * - Limited API of Python 3.11 and the ABI of NumPy 2.0; one build serves all later versions.
 * - Each module object has ufuncs of its own, with all their loops; what is shared between them
 *   (formats, the selected loops, the threads) is the same for all.
 * - Loops for an instruction set are selected only where the processor has it.
 */
#define SHRINKOPS_MAIN
#include "types.h"

#include <string.h>

#ifdef SHRINKOPS_X86_64
#ifdef _MSC_VER
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

/* -------------------------------------------------------------------- the processor */

#ifdef SHRINKOPS_X86_64
#ifdef _MSC_VER
static int has_all(int word, unsigned wanted) { return ((unsigned)word & wanted) == wanted; }

/* /arch:AVX2 and /arch:AVX512 let the compiler use more than their names say. */
static int has_avx2(void) {
    const unsigned fma_movbe_osxsave_f16c = 1u << 12 | 1u << 22 | 1u << 27 | 1u << 29;
    const unsigned bmi_avx2_bmi2 = 1u << 3 | 1u << 5 | 1u << 8, lzcnt = 1u << 5;
    int leaf[4];
    __cpuid(leaf, 0);
    if (leaf[0] < 7) {
        return 0;
    }
    __cpuid(leaf, 1);
    if (!has_all(leaf[2], fma_movbe_osxsave_f16c) ||
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
/* Not every compiler's __builtin_cpu_supports knows of it. */
static int has_f16c(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1);
}
static int has_avx2(void) { return __builtin_cpu_supports("avx2") && has_f16c(); }
static int has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
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

typedef struct {
    PyObject *ufuncs[OPERATIONS];
    unsigned char has[SHRINK_MAX_TYPES]; /* which types' loops they have */
} state;

static PyObject *none(void) {
    Py_INCREF(Py_None);
    return Py_None;
}

static PyObject *instruction_sets(PyObject *module, PyObject *unused) {
    const shrink_loops *loops[3];
    const int count = usable(loops);
    (void)module;
    (void)unused;
    PyObject *names = PyTuple_New(count);
    for (int i = 0; names != NULL && i < count; ++i) {
        PyObject *name = PyUnicode_FromString(loops[i]->name);
        if (name == NULL || PyTuple_SetItem(names, i, name) < 0) {
            Py_DECREF(names);
            names = NULL;
        }
    }
    return names;
}

static PyObject *selected(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyUnicode_FromString(shrink_active_loops()->name);
}

static PyObject *select_loops(PyObject *module, PyObject *argument) {
    const shrink_loops *loops[3];
    const int count = usable(loops);
    (void)module;
    PyObject *text = PyUnicode_Check(argument) ? PyUnicode_AsUTF8String(argument) : NULL;
    const char *name = text == NULL ? NULL : PyBytes_AsString(text);
    for (int i = 0; name != NULL && i < count; ++i) {
        if (strcmp(name, loops[i]->name) == 0) {
            shrink_select_loops(loops[i]);
            Py_DECREF(text);
            return none();
        }
    }
    Py_XDECREF(text);
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError,
                 "no loops for instruction set %R on this processor; instruction_sets() lists them",
                 argument);
    return NULL;
}

static int add_loops(state *own, const shrink_type *type) {
    if (own->has[type->type_num]) {
        return 0;
    }
    for (int operation = 0; operation < OPERATIONS; ++operation) {
        if (shrink_add_loops(own->ufuncs[operation], operation, type) < 0) {
            return -1;
        }
    }
    own->has[type->type_num] = 1;
    return 0;
}

static PyObject *register_float(PyObject *module, PyObject *args) {
    PyObject *dtype;
    int precision, bias, fnuz;
    long long max_bits, top_bits;
    if (!PyArg_ParseTuple(args, "O!iiLLp:register_float", &PyArrayDescr_Type, &dtype, &precision,
                          &bias, &max_bits, &top_bits, &fnuz)) {
        return NULL;
    }
    const int number = ((PyArray_Descr *)dtype)->type_num;
    const npy_intp size = PyDataType_ELSIZE((PyArray_Descr *)dtype);
    const int extension = number >= NPY_USERDEF && number < SHRINK_MAX_TYPES;
    const int known = shrink_find_type(number) != NULL && !PyTypeNum_ISINTEGER(number) &&
                      !PyTypeNum_ISCOMPLEX(number);
    if (!known && (!extension || (size != 1 && size != 2) || (fnuz && size != 1) ||
                   precision < 2 || precision > 8 * (int)size - 1 || bias < 0 || bias > 127 ||
                   max_bits < 0 || max_bits > top_bits || top_bits >> (8 * size - 1) != 0)) {
        PyErr_Format(PyExc_ValueError,
                     "%R has no floating format that loops can be added for: NumPy's own types "
                     "have theirs, an extension's must have 1 or 2 bytes", dtype);
        return NULL;
    }
    const shrink_type type = {
        .kind = fnuz ? FNUZ : FLOATING, .type_num = number, .item_size = (int)size,
        .swap_size = (int)size, .width = size == 1 ? W8 : W16, .precision = precision,
        .bias = bias, .max_bits = max_bits, .top_bits = top_bits,
    };
    if (!known && shrink_publish_type(&type) < 0) {
        return PyErr_NoMemory();
    }
    return add_loops(PyModule_GetState(module), shrink_find_type(number)) < 0 ? NULL : none();
}

static PyObject *make_call(PyObject *module, PyObject *args) {
    const char *name;
    PyObject *otherwise;
    (void)module;
    if (!PyArg_ParseTuple(args, "sO:make_call", &name, &otherwise)) {
        return NULL;
    }
    if (!PyCallable_Check(otherwise)) {
        PyErr_Format(PyExc_TypeError, "make_call needs a callable, got %R", otherwise);
        return NULL;
    }
    for (int operation = 0; operation < OPERATIONS; ++operation) {
        if (strcmp(name, shrink_definitions[operation].name) == 0) {
            return PyCFunction_NewEx(&shrink_call_definitions[operation], otherwise, NULL);
        }
    }
    PyErr_Format(PyExc_ValueError, "there is no compiled operation %s; see operations()", name);
    return NULL;
}

static PyObject *operations(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    PyObject *names = PyTuple_New(OPERATIONS);
    for (int i = 0; names != NULL && i < OPERATIONS; ++i) {
        PyObject *name = PyUnicode_FromString(shrink_definitions[i].name);
        if (name == NULL || PyTuple_SetItem(names, i, name) < 0) {
            Py_DECREF(names);
            names = NULL;
        }
    }
    return names;
}

static PyObject *get_threads(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyLong_FromLong(shrink_get_threads());
}

static PyObject *set_threads(PyObject *module, PyObject *argument) {
    (void)module;
    const long count = PyLong_AsLong(argument);
    if (count == -1 && PyErr_Occurred()) {
        return NULL;
    }
    shrink_set_threads(count > 1 << 20 ? 1 << 20 : (int)count);
    return none();
}

static PyMethodDef methods[] = {
    {"instruction_sets", instruction_sets, METH_NOARGS,
     "instruction_sets()\n--\n\nNames of the loops that this processor can run, best last."},
    {"selected", selected, METH_NOARGS, "selected()\n--\n\nName of the loops in use."},
    {"select", select_loops, METH_O, "select(name)\n--\n\nUse the loops of an instruction set."},
    {"register_float", register_float, METH_VARARGS,
     "register_float(dtype, precision, bias, max_bits, top_bits, fnuz)\n--\n\n"
     "Add the loops for an extension's type, as shrinkops._numbers.formats describes it."},
    {"make_call", make_call, METH_VARARGS,
     "make_call(operation, otherwise)\n--\n\nA kernel(x, *parameters, out) that computes plain\n"
     "calls itself and passes all others to `otherwise`."},
    {"run", (PyCFunction)(void (*)(void))shrink_on_memory, METH_FASTCALL,
     "run(operation, type, source, target, count, *numbers)\n--\n\nAn operation, by its index in\n"
     "operations(), on contiguous memory given by addresses; False if it was not computed."},
    {"operations", operations, METH_NOARGS,
     "operations()\n--\n\nNames of the operations that have a ufunc here."},
    {"get_threads", get_threads, METH_NOARGS,
     "get_threads()\n--\n\nThe most threads that a call uses."},
    {"set_threads", set_threads, METH_O,
     "set_threads(count)\n--\n\nSet the most threads that a call uses."},
    {NULL, NULL, 0, NULL},
};

static int import_numpy(void) {
    import_array1(-1);
    import_umath1(-1);
    return 0;
}

/* Pickles name the module of a ufunc that has one, as from NumPy 2.2 on; else all are searched. */
static int name_module(PyObject *ufunc) {
    PyObject *name = PyUnicode_FromString("shrinkops_numpy.ufuncs");
    if (name != NULL && PyObject_SetAttrString(ufunc, "__module__", name) < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(name);
    return name == NULL ? -1 : 0;
}

static int execute(PyObject *module) {
    state *own = PyModule_GetState(module);
    const shrink_loops *loops[3];
    if (import_numpy() < 0) {
        return -1;
    }
    if (shrink_publish_builtin_types() < 0) {
        PyErr_NoMemory();
        return -1;
    }
    shrink_select_first(loops[usable(loops) - 1]);
    for (int operation = 0; operation < OPERATIONS; ++operation) {
        const char *name = shrink_definitions[operation].name;
        PyObject *ufunc = own->ufuncs[operation] = shrink_make_ufunc(operation);
        if (ufunc == NULL || PyModule_AddObjectRef(module, name, ufunc) < 0 ||
            name_module(ufunc) < 0) {
            return -1;
        }
    }
    for (int number = 0; number < NPY_NTYPES_LEGACY; ++number) {
        own->has[number] = 1;
    }
    return 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
    state *own = PyModule_GetState(module);
    for (int operation = 0; own != NULL && operation < OPERATIONS; ++operation) {
        Py_VISIT(own->ufuncs[operation]);
    }
    return 0;
}

static int clear(PyObject *module) {
    state *own = PyModule_GetState(module);
    for (int operation = 0; own != NULL && operation < OPERATIONS; ++operation) {
        PyObject *ufunc = own->ufuncs[operation];
        own->ufuncs[operation] = NULL;
        Py_XDECREF(ufunc);
    }
    return 0;
}

static void free_module(void *module) { clear(module); }

/* Slots that later Pythons know; 3.11, whose API this is built for, refuses them. */
enum { MULTIPLE_INTERPRETERS_SLOT = 3, GIL_SLOT = 4 };
static PyModuleDef_Slot slots[4] = {{Py_mod_exec, (void *)execute}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_ufunc", "The compiled kernels; see src/.", sizeof(state), methods,
    slots, traverse, clear, free_module};

PyMODINIT_FUNC PyInit__ufunc(void) {
    int count = 1;
    if (Py_Version >= 0x030C0000) {
        slots[count++] = (PyModuleDef_Slot){MULTIPLE_INTERPRETERS_SLOT, (void *)0}; /* as NumPy */
    }
    if (Py_Version >= 0x030D0000) {
        slots[count++] = (PyModuleDef_Slot){GIL_SLOT, (void *)1}; /* not needed */
    }
    return PyModuleDef_Init(&definition);
}
