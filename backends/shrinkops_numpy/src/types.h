/* The element types that the ufunc has loops for, and the threshold rules for each.
 *
 * Invariants
 * - A type is found by NumPy's type number, in one table that is only ever added to.
 * - The parameters of the floating formats come from Python (shrinkops._numbers.formats); nothing
 *   here knows a format by name.
 * - A threshold is rounded once, by integer arithmetic, to nearest with ties to even.
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

#include <float.h>
#if LDBL_MANT_DIG == 64 || LDBL_MANT_DIG == 113
#define SHRINK_EXTENDED 1 /* long double is wider than double, and its bits order like its values */
#endif

enum { SHRINK_MAX_TYPES = 1024 };

typedef enum { NO_TYPE, FLOATING, FNUZ, INTEGER, COMPLEX, LONG_DOUBLE } shrink_kind;

typedef struct {
    shrink_kind kind;
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
/* Enters a type into the table; the number is within it. */
void shrink_store_type(int type_num, shrink_type type);
/* Adds a type and its ufunc loops; returns -1 with an exception set on failure. */
int shrink_add_type(PyObject *ufunc, int type_num, shrink_type type);
int shrink_add_builtin_types(PyObject *ufunc);

/* The loops of the selected instruction set. */
extern const shrink_loops *shrink_active_loops;

/* Fills the band for a threshold given as a double; 0 if a floating type cannot hold it or it is
 * NaN (the caller then goes the way that words the error). Not for LONG_DOUBLE. */
int shrink_band_from_double(const shrink_type *type, double lambd, shrink_band *band);
/* Fills the band from one element of an array λ: of the type that x's loop compares with, or a
 * double. Where it is NaN or beyond the type the rule for elements holds (HS-LAM-6). */
void shrink_band_from_element(const shrink_type *type, int type_num, int lambd_num,
                              const char *pointer, shrink_band *band);
/* Runs the contiguous loop of a type other than LONG_DOUBLE. */
void shrink_run_contiguous(const shrink_type *type, const void *x, void *out, size_t n,
                           const shrink_band *band);

/* The loop of every type, as NumPy calls it. */
int shrink_strided_loop(PyArrayMethod_Context *context, char *const *data,
                        const npy_intp *dimensions, const npy_intp *strides, NpyAuxData *auxdata);
PyObject *shrink_make_ufunc(void);
extern PyMethodDef shrink_call_definition;

#endif
