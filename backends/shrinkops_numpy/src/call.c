/* The short way: a call on a plain contiguous array, without the ufunc machinery.
 *
 * Invariants
 * - It takes only what needs no check that could fail. Everything else, errors included, goes to
 *   the Python callable it was made with, so each rule and message exists once.
 * - It gives what that callable would give, bit for bit.
 * - Whatever is read from an array object is read before the GIL is released: other threads may
 *   change a dtype meanwhile, as they may in NumPy.
 */
#include "types.h"

#include "environment.h"
#include "numbers.h"

#include <string.h>

enum {
    RELEASE_GIL_FROM = 1 << 14, /* bytes; releasing it costs more than shorter loops */
    WORTH_A_THREAD = 1 << 20,   /* bytes; what a thread must have to do to pay: measured */
    PIECE = 1 << 21             /* bytes; a huge page is faulted by one thread */
};

static int same_memory_order(PyArrayObject *x, PyArrayObject *out) {
    const int axes = PyArray_NDIM(x);
    if (axes != PyArray_NDIM(out)) {
        return 0;
    }
    for (int axis = 0; axis < axes; ++axis) {
        if (PyArray_DIM(x, axis) != PyArray_DIM(out, axis)) {
            return 0;
        }
    }
    return (PyArray_IS_C_CONTIGUOUS(x) && PyArray_IS_C_CONTIGUOUS(out)) ||
           (PyArray_IS_F_CONTIGUOUS(x) && PyArray_IS_F_CONTIGUOUS(out));
}

static int overlap(const char *a, size_t a_bytes, const char *b, size_t b_bytes) {
    return a < b + b_bytes && b < a + a_bytes;
}

/* True if `out` can be filled in place of a new array. */
static int fits(PyArrayObject *x, const shrink_type *type, PyObject *candidate, size_t bytes) {
    if (!PyArray_CheckExact(candidate)) {
        return 0;
    }
    PyArrayObject *out = (PyArrayObject *)candidate;
    PyArray_Descr *descriptor = PyArray_DESCR(out);
    if (descriptor->type_num != type->type_num || !PyArray_ISNBO(descriptor->byteorder) ||
        !same_memory_order(x, out) || !PyArray_ISWRITEABLE(out)) {
        return 0;
    }
    const char *from = PyArray_BYTES(x), *to = PyArray_BYTES(out);
    return from == to || !overlap(from, bytes, to, bytes);
}

static PyObject *new_like(PyArrayObject *x, PyArray_Descr *descriptor) {
    Py_INCREF(descriptor);
    return PyArray_NewFromDescr(&PyArray_Type, descriptor, PyArray_NDIM(x), PyArray_DIMS(x), NULL,
                                NULL, !PyArray_IS_C_CONTIGUOUS(x), NULL);
}

/* ------------------------------------------------------------------------- whole arrays */

typedef struct {
    const shrink_type *type;
    const shrink_plan *plan;
    const char *from;
    char *to;
    size_t bytes, piece, ahead; /* the first piece ends `ahead` bytes early, where pages begin */
} whole_array;

static void run_piece(const void *context, size_t index) {
    const whole_array *whole = context;
    const size_t start = index == 0 ? 0 : index * whole->piece - whole->ahead;
    const size_t end = (index + 1) * whole->piece - whole->ahead;
    const size_t stop = end < whole->bytes ? end : whole->bytes;
    shrink_run(whole->type, whole->from + start, whole->to + start,
               (stop - start) / (size_t)whole->type->item_size, whole->bytes, whole->plan);
}

static int threads_for(size_t bytes) {
    const size_t most = (size_t)shrink_get_threads(), worth = bytes / WORTH_A_THREAD;
    return (int)(worth < most ? worth : most);
}

static void run_whole(const shrink_type *type, const char *from, char *to, size_t n,
                      const shrink_plan *plan) {
    const size_t size = (size_t)type->item_size, bytes = n * size;
    const int threads = threads_for(bytes);
    if (threads < 2) {
        shrink_run(type, from, to, n, bytes, plan);
        return;
    }
    whole_array whole = {type, plan, from, to, bytes, PIECE, 0};
    const size_t share = bytes / (2 * (size_t)threads);
    if (share < PIECE) {
        whole.piece = (share / 4096 + 1) * 4096;
    }
    const size_t past = (uintptr_t)to % whole.piece;
    whole.ahead = past % size == 0 ? past : 0;
    const size_t pieces = (bytes + whole.ahead + whole.piece - 1) / whole.piece;
    shrink_in_parallel(run_piece, &whole, pieces, threads);
}

/* ---------------------------------------------------------------- thresholds per channel */

/* Parameters for each block of `inner` elements, `count` in turn, all of that `outer` times. */
typedef struct {
    npy_intp outer, count, inner;
} channels;

/* True if a parameter, aligned with x's last axes, is x's shape with ones before and after. */
static int read_channels(PyArrayObject *x, PyArrayObject *parameter, channels *blocks) {
    const int missing = PyArray_NDIM(x) - PyArray_NDIM(parameter);
    int axis = PyArray_NDIM(x) - 1;
    if (missing < 0 || PyArray_SIZE(x) == 0) {
        return 0; /* nothing to compute: none of the products below can overflow */
    }
    blocks->outer = blocks->count = blocks->inner = 1;
    for (; axis >= missing && PyArray_DIM(parameter, axis - missing) == 1; --axis) {
        blocks->inner *= PyArray_DIM(x, axis);
    }
    for (; axis >= missing && PyArray_DIM(parameter, axis - missing) == PyArray_DIM(x, axis);
         --axis) {
        blocks->count *= PyArray_DIM(x, axis);
    }
    for (; axis >= 0; --axis) {
        if (axis >= missing && PyArray_DIM(parameter, axis - missing) != 1) {
            return 0;
        }
        blocks->outer *= PyArray_DIM(x, axis);
    }
    return blocks->inner > 1;
}

typedef struct {
    shrink_operation operation;
    const shrink_type *type;
    const char *from;
    char *to;
    channels blocks;
    shrink_parameter first[2];
    npy_intp steps[2]; /* 0 for a number */
} channel_call;

static void run_row(const void *context, size_t index) {
    const channel_call *call = context;
    const npy_intp inner = call->blocks.inner, bytes = inner * call->type->item_size;
    const npy_intp channel = (npy_intp)index % call->blocks.count;
    shrink_parameter parameters[2] = {call->first[0], call->first[1]};
    for (int k = 0; k < 2; ++k) {
        parameters[k].pointer += channel * call->steps[k];
    }
    shrink_plan plan;
    shrink_plan_elements(call->operation, call->type, parameters, &plan);
    shrink_run(call->type, call->from + (npy_intp)index * bytes,
               call->to + (npy_intp)index * bytes, (size_t)inner, (size_t)bytes, &plan);
}

static void run_channels(const channel_call *call) {
    const size_t rows = (size_t)(call->blocks.outer * call->blocks.count);
    const size_t bytes = rows * (size_t)(call->blocks.inner * call->type->item_size);
    const int threads = call->blocks.inner >= 4096 ? threads_for(bytes) : 1;
    shrink_in_parallel(run_row, call, rows, threads);
}

/* True if an array's elements can be read where they lie; its type is then in `parameter`. */
static int readable(const shrink_type *type, shrink_operation operation, PyArrayObject *array,
                    shrink_parameter *parameter, npy_intp *step) {
    PyArray_Descr *descriptor = PyArray_DESCR(array);
    const int number = descriptor->type_num;
    if (!PyArray_ISNBO(descriptor->byteorder) || !PyArray_IS_C_CONTIGUOUS(array)) {
        return 0;
    }
    *parameter = (shrink_parameter){number, PyArray_BYTES(array)};
    *step = PyArray_ITEMSIZE(array);
    switch (type->kind) {
    case INTEGER:
        return number == NPY_INT64 || number == NPY_UINT64 ||
               (number == NPY_DOUBLE && operation == HARDSHRINK);
    case COMPLEX:
        return number == NPY_DOUBLE || (number == NPY_FLOAT && type->item_size == 8);
    default:
        return number == NPY_DOUBLE || number == type->type_num;
    }
}

/* --------------------------------------------------------------------------------- calls */

/* Everything that was read from the arguments. */
typedef struct {
    channel_call channel;
    shrink_plan plan;
    double numbers[2];
    int arrays; /* how many parameters are arrays */
} arguments;

/* Reads the parameters; 0 if the call is not for this way. */
static int read_parameters(PyArrayObject *x, const shrink_type *type, shrink_operation operation,
                           PyObject *const *given, arguments *read) {
    channel_call *call = &read->channel;
    read->arrays = 0;
    for (int k = 0; k < shrink_definitions[operation].parameters; ++k) {
        if (shrink_read_number(given[k], &read->numbers[k])) {
            call->first[k] = (shrink_parameter){NPY_DOUBLE, (const char *)&read->numbers[k]};
            call->steps[k] = 0;
            continue;
        }
        channels blocks;
        if (!PyArray_CheckExact(given[k]) || !PyArray_IS_C_CONTIGUOUS(x) ||
            !readable(type, operation, (PyArrayObject *)given[k], &call->first[k],
                      &call->steps[k]) ||
            !read_channels(x, (PyArrayObject *)given[k], &blocks) ||
            (read->arrays && (blocks.outer != call->blocks.outer ||
                              blocks.count != call->blocks.count))) {
            return 0;
        }
        call->blocks = blocks;
        ++read->arrays;
    }
    if (read->arrays == 0) {
        return shrink_plan_numbers(operation, type, read->numbers, &read->plan);
    }
    if (read->arrays < shrink_definitions[operation].parameters) {
        /* A number beside an array: refused, like any number, where it cannot be meant. */
        return operation == SHRINK && call->steps[1] == 0
                   ? shrink_plan_numbers(operation, type, (double[]){0, read->numbers[1]},
                                         &read->plan)
                   : 0;
    }
    return 1;
}

static PyObject *call_quickly(shrink_operation operation, PyObject *otherwise,
                              PyObject *const *args, Py_ssize_t count) {
    const shrink_definition *definition = &shrink_definitions[operation];
    const int last = 1 + definition->parameters;
    if (count != last + 1) {
        PyErr_Format(PyExc_TypeError, "kernel(x, lambd, %sout) of %s takes %d arguments, got %zd",
                     definition->parameters == 2 ? "second, " : "", definition->name, last + 1,
                     count);
        return NULL;
    }
    if (!PyArray_CheckExact(args[0])) {
        return NULL;
    }
    PyArrayObject *x = (PyArrayObject *)args[0];
    PyArray_Descr *descriptor = PyArray_DESCR(x);
    const shrink_type *type = shrink_find_type(descriptor->type_num);
    arguments read;
    if (type == NULL || type->kind == LONG_DOUBLE || !shrink_takes(operation, type) ||
        !PyArray_ISNBO(descriptor->byteorder) ||
        !(PyArray_FLAGS(x) & (NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS)) ||
        !read_parameters(x, type, operation, &args[1], &read)) {
        return NULL;
    }
    const size_t n = (size_t)PyArray_SIZE(x), bytes = n * (size_t)type->item_size;
    PyObject *result = args[last];
    if (result == Py_None) {
        result = new_like(x, descriptor);
        if (result == NULL) {
            return NULL;
        }
    }
    else {
        if (!fits(x, type, result, bytes)) {
            return NULL;
        }
        for (int k = 0; read.arrays > 0 && k < definition->parameters; ++k) {
            if (read.channel.steps[k] != 0 &&
                overlap(PyArray_BYTES((PyArrayObject *)result), bytes,
                        PyArray_BYTES((PyArrayObject *)args[1 + k]),
                        (size_t)PyArray_NBYTES((PyArrayObject *)args[1 + k]))) {
                return NULL;
            }
        }
        Py_INCREF(result);
    }
    const char *from = PyArray_BYTES(x);
    char *to = PyArray_BYTES((PyArrayObject *)result);
    if (read.arrays > 0) {
        read.channel.operation = operation;
        read.channel.type = type;
        read.channel.from = from;
        read.channel.to = to;
        Py_BEGIN_ALLOW_THREADS
        run_channels(&read.channel);
        Py_END_ALLOW_THREADS
    }
    else if (bytes < RELEASE_GIL_FROM) {
        shrink_run(type, from, to, n, bytes, &read.plan);
    }
    else {
        Py_BEGIN_ALLOW_THREADS
        run_whole(type, from, to, n, &read.plan);
        Py_END_ALLOW_THREADS
    }
    (void)otherwise;
    return result;
}

static PyObject *call(shrink_operation operation, PyObject *otherwise, PyObject *const *args,
                      Py_ssize_t count) {
    const shrink_environment given = shrink_enter();
    PyObject *result = call_quickly(operation, otherwise, args, count);
    if (result == NULL && !PyErr_Occurred()) {
        fenv_t registers; /* NumPy converts long double, which has registers of its own */
        fegetenv(&registers);
        fesetenv(FE_DFL_ENV);
        result = shrink_definitions[operation].parameters == 1
                     ? PyObject_CallFunctionObjArgs(otherwise, args[0], args[1], args[2], NULL)
                     : PyObject_CallFunctionObjArgs(otherwise, args[0], args[1], args[2], args[3],
                                                    NULL);
        fesetenv(&registers);
    }
    shrink_leave(&given);
    return result;
}

#define CALL(operation)                                                                       \
    static PyObject *operation##_call(PyObject *otherwise, PyObject *const *args,             \
                                      Py_ssize_t count) {                                     \
        return call(operation, otherwise, args, count);                                       \
    }
CALL(HARDSHRINK)
CALL(SOFTSHRINK)
CALL(SHRINK)
CALL(FIRMSHRINK)
CALL(GARROTE_SHRINK)

#define DEFINITION(operation, signature)                                                      \
    {"kernel", (PyCFunction)(void (*)(void))operation##_call, METH_FASTCALL,                  \
     "kernel(" signature ", out)\n--\n\nThe operation on one array; out may be None."}

PyMethodDef shrink_call_definitions[OPERATIONS] = {
    DEFINITION(HARDSHRINK, "x, lambd"),     DEFINITION(SOFTSHRINK, "x, lambd"),
    DEFINITION(SHRINK, "x, lambd, bias"),   DEFINITION(FIRMSHRINK, "x, lambd, mu"),
    DEFINITION(GARROTE_SHRINK, "x, lambd"),
};

/* ------------------------------------------------------------------------------- memory */

static PyObject *run_on_memory(PyObject *const *args, Py_ssize_t count) {
    const long operation = PyLong_AsLong(args[0]), number = PyLong_AsLong(args[1]);
    const char *from = PyLong_AsVoidPtr(args[2]);
    char *to = PyLong_AsVoidPtr(args[3]);
    const size_t n = PyLong_AsSize_t(args[4]);
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (operation < 0 || operation >= OPERATIONS ||
        count != 5 + shrink_definitions[operation].parameters) {
        PyErr_SetString(PyExc_TypeError, "run takes the index of an operation, a type's number, "
                                         "two addresses, a count, and the operation's numbers");
        return NULL;
    }
    const shrink_type *type = number < 0 || number >= SHRINK_MAX_TYPES ? NULL
                                                                       : shrink_find_type((int)number);
    double numbers[2];
    int takes = type != NULL && type->kind != LONG_DOUBLE && shrink_takes(operation, type);
    for (int k = 0; takes && k < shrink_definitions[operation].parameters; ++k) {
        takes = shrink_read_number(args[5 + k], &numbers[k]);
    }
    shrink_plan plan;
    if (!takes || !shrink_plan_numbers(operation, type, numbers, &plan)) {
        return PyBool_FromLong(0);
    }
    const size_t bytes = n * (size_t)type->item_size;
    const int missing = n > 0 && (from == NULL || to == NULL);
    if (missing || (from != to && overlap(from, bytes, to, bytes))) {
        return PyBool_FromLong(0);
    }
    if (bytes < RELEASE_GIL_FROM) {
        shrink_run(type, from, to, n, bytes, &plan);
    }
    else {
        Py_BEGIN_ALLOW_THREADS
        run_whole(type, from, to, n, &plan);
        Py_END_ALLOW_THREADS
    }
    return PyBool_FromLong(1);
}

PyObject *shrink_on_memory(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (count < 5) {
        PyErr_Format(PyExc_TypeError, "run takes at least 6 arguments, got %zd", count);
        return NULL;
    }
    const shrink_environment given = shrink_enter();
    PyObject *result = run_on_memory(args, count);
    shrink_leave(&given);
    return result;
}
