/* The element types that the ufuncs have loops for, the operations, and their parameters.
 *
 * Invariants
 * - A type is found by NumPy's type number, in one table whose entries are published whole and
 *   never change.
 * - The parameters of ml_dtypes' formats come from Python (shrinkops._numbers.formats); nothing
 *   here knows one of them by name.
 * - A parameter is rounded once, by integer arithmetic, to nearest with ties to even.
 */
#ifndef SHRINKOPS_TYPES_H
#define SHRINKOPS_TYPES_H

#define PY_ARRAY_UNIQUE_SYMBOL shrinkops_array_api
#define PY_UFUNC_UNIQUE_SYMBOL shrinkops_ufunc_api
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#ifndef SHRINKOPS_MAIN
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif
#include <Python.h>
/* Python.h first: it defines what the system headers depend on. */
#include <numpy/arrayobject.h>
#include <numpy/dtype_api.h>
#include <numpy/ufuncobject.h>

#include "loops.h"

/* The interpreter's own functions, not the macros of the Python that this was built with: NumPy's
 * static objects are immortal from 3.14 on, and a macro of 3.11 counts them to an overflow. */
#undef Py_INCREF
#undef Py_DECREF
#undef Py_XINCREF
#undef Py_XDECREF
#define Py_INCREF(object) Py_IncRef((PyObject *)(object))
#define Py_DECREF(object) Py_DecRef((PyObject *)(object))
#define Py_XINCREF(object) Py_IncRef((PyObject *)(object))
#define Py_XDECREF(object) Py_DecRef((PyObject *)(object))

#include <float.h>
#if LDBL_MANT_DIG == 64 || LDBL_MANT_DIG == 113
#define SHRINK_EXTENDED 1 /* long double is wider than double, and its bits order like its values */
#endif

enum { SHRINK_MAX_TYPES = 1024 };

typedef enum { HARDSHRINK, SOFTSHRINK, SHRINK, FIRMSHRINK, GARROTE_SHRINK, OPERATIONS } shrink_operation;

typedef struct {
    const char *name;
    int parameters;  /* one or two */
    int formula;     /* index into the tables of loops; not for hardshrink */
    int negative;    /* 1 where a concrete λ below 0 is the empty band, 0 where it is refused */
    int integers;    /* 1 where integer types have loops */
    int phases;      /* 1 where complex types have */
    const char *doc;
} shrink_definition;

extern const shrink_definition shrink_definitions[OPERATIONS];

typedef enum { NO_TYPE, FLOATING, FNUZ, INTEGER, COMPLEX, LONG_DOUBLE } shrink_kind;

typedef struct {
    shrink_kind kind;
    int type_num;
    int item_size;  /* bytes of one element */
    int swap_size;  /* bytes that a byte-swapped element reverses: a component's */
    int width;      /* index into the tables of loops */
    int precision;  /* floating formats, as in shrinkops._numbers.formats */
    int bias;
    int64_t max_bits;
    int64_t top_bits;
    int is_signed;  /* integers */
} shrink_type;

/* The type of this number, or NULL. */
const shrink_type *shrink_find_type(int type_num);
/* Publishes a type under its number, unless it has one; returns -1 without memory. */
int shrink_publish_type(const shrink_type *type);
/* True if the operation has loops for the type. */
int shrink_takes(shrink_operation operation, const shrink_type *type);

/* The loops of the selected instruction set; each call asks once for each table that it needs. */
const shrink_loops *shrink_active_loops(void);
void shrink_select_loops(const shrink_loops *loops);
/* Selects loops unless some are selected already: another interpreter may have been first. */
void shrink_select_first(const shrink_loops *loops);

/* Where one parameter of a call lies: a double, or an element of an array with NumPy's number. */
typedef struct {
    int number;
    const char *pointer;
} shrink_parameter;

/* A band together with what only some types need, on the caller's stack. */
typedef struct {
    shrink_band band;
    shrink_scalar_loop *loop;
    unsigned char table[256];
} shrink_plan;

/* Makes the plan of a call with one set of parameters, given as doubles. Returns 0 if they are to
 * be refused; the caller then goes the way that words the error. Not for LONG_DOUBLE. */
int shrink_plan_numbers(shrink_operation operation, const shrink_type *type,
                        const double *parameters, shrink_plan *plan);
/* Makes it from elements of arrays: in x's type, the type that x's loop compares with, or double.
 * Where one is NaN, negative or beyond the type the rules for elements hold (LAM-6). */
void shrink_plan_elements(shrink_operation operation, const shrink_type *type,
                          const shrink_parameter *parameters, shrink_plan *plan);
/* Runs a plan over contiguous memory, which may be part of a whole of so many bytes. */
void shrink_run(const shrink_type *type, const void *x, void *out, size_t n, size_t whole,
                const shrink_plan *plan);

/* The ends of the band of an integer type for an element of λ. */
void shrink_integer_band(const shrink_type *type, shrink_parameter lambd, int64_t *low,
                         int64_t *high);
/* λ's element as x's own type has it: its bits, or a negative number's where the band is empty. */
uint64_t shrink_own_bits(const shrink_type *type, shrink_parameter lambd);
/* An element of a parameter in the working format; λ's empty band is -1. */
double shrink_working(const shrink_type *type, int index, shrink_parameter parameter);

enum { SHRINK_CHUNK = 256 }; /* elements that pass through buffers at a time */
/* One parameter's elements, from the first of a chunk on. */
typedef struct {
    int number;
    const char *pointer;
    npy_intp step;
} shrink_elements;
/* Run at most a chunk with parameters for each element; `x` and `out` are contiguous, native. */
void shrink_run_elements(shrink_operation operation, const shrink_type *type, const char *x,
                         const shrink_elements *parameters, char *out, npy_intp n);
void shrink_run_extended(shrink_operation operation, const char *x,
                         const shrink_elements *parameters, char *out, npy_intp n);
void shrink_copy_items(const char *from, npy_intp from_step, char *to, npy_intp to_step,
                       npy_intp n, int size);

/* Calls a task with each index below `count`, on several threads at once if `threads` is above 1;
 * the calling one takes part. The task may not touch Python. */
typedef void shrink_task(const void *context, size_t index);
void shrink_in_parallel(shrink_task *task, const void *context, size_t count, int threads);
/* The most threads that a call may use. */
int shrink_get_threads(void);
void shrink_set_threads(int count);

/* The loop of every type and operation, as NumPy calls it. */
PyArrayMethod_StridedLoop *shrink_strided_loop(shrink_operation operation);
PyObject *shrink_make_ufunc(shrink_operation operation);
/* Adds a type's loops to an operation's ufunc; returns -1 with an exception set on failure. */
int shrink_add_loops(PyObject *ufunc, shrink_operation operation, const shrink_type *type);
int shrink_publish_builtin_types(void);
extern PyMethodDef shrink_call_definitions[OPERATIONS];
/* run(operation, type, from, to, count, *numbers): an operation on contiguous memory, given by
 * addresses. False, with nothing written, if the call is for a way that can word an error. */
PyObject *shrink_on_memory(PyObject *module, PyObject *const *args, Py_ssize_t count);

#endif
