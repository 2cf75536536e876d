/* The tables of operations and of element types.
 *
 * Invariants
 * - See types.h. An entry is made whole before it can be seen, and stays; readers take no lock.
 */
#include "types.h"

#include "atomics.h"

#include <stdlib.h>

const shrink_definition shrink_definitions[OPERATIONS] = {
    {"hardshrink", 1, -1, 1, 1, 1,
     "x where its magnitude exceeds lambd, 0 elsewhere; of x's dtype whatever lambd's."},
    {"softshrink", 1, DIFFERENCE, 0, 1, 1,
     "x moved by lambd towards 0, 0 within it; of x's dtype whatever lambd's."},
    {"shrink", 2, DIFFERENCE, 1, 0, 0,
     "x moved by bias towards 0 where its magnitude exceeds lambd, 0 elsewhere; of x's dtype."},
    {"firmshrink", 2, FIRM, 0, 0, 1,
     "0 up to lambd, x from mu on, and linear between; of x's dtype."},
    {"garrote", 1, GARROTE, 0, 0, 1,
     "x - lambd**2/x where the magnitude of x exceeds lambd, 0 elsewhere; of x's dtype."},
};

static const shrink_type *SHRINK_ATOMIC types[SHRINK_MAX_TYPES];

const shrink_type *shrink_find_type(int type_num) {
    return type_num < 0 || type_num >= SHRINK_MAX_TYPES ? NULL : SHRINK_READ(&types[type_num]);
}

int shrink_publish_type(const shrink_type *type) {
    if (shrink_find_type(type->type_num) != NULL) {
        return 0; /* the same type, so the same rules */
    }
    shrink_type *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        return -1;
    }
    *copy = *type;
    const shrink_type *nothing = NULL;
    if (!SHRINK_EXCHANGE(&types[type->type_num], &nothing, copy)) {
        free(copy); /* another thread was first */
    }
    return 0;
}

int shrink_takes(shrink_operation operation, const shrink_type *type) {
    const shrink_definition *definition = &shrink_definitions[operation];
    return type->kind == INTEGER   ? definition->integers
           : type->kind == COMPLEX ? definition->phases
                                   : 1;
}

static int width_of(size_t size) {
    return size == 1 ? W8 : size == 2 ? W16 : size == 4 ? W32 : W64;
}

int shrink_publish_builtin_types(void) {
    static const struct { int number; size_t size; } integers[] = {
        {NPY_BYTE, sizeof(npy_byte)}, {NPY_UBYTE, sizeof(npy_ubyte)},
        {NPY_SHORT, sizeof(npy_short)}, {NPY_USHORT, sizeof(npy_ushort)},
        {NPY_INT, sizeof(npy_int)}, {NPY_UINT, sizeof(npy_uint)},
        {NPY_LONG, sizeof(npy_long)}, {NPY_ULONG, sizeof(npy_ulong)},
        {NPY_LONGLONG, sizeof(npy_longlong)}, {NPY_ULONGLONG, sizeof(npy_ulonglong)},
    };
    static const shrink_type others[] = {
        {.kind = FLOATING, .type_num = NPY_HALF, .item_size = 2, .swap_size = 2, .width = W16,
         .precision = 11, .bias = 15, .max_bits = 0x7BFF, .top_bits = 0x7C00},
        {.kind = FLOATING, .type_num = NPY_FLOAT, .item_size = 4, .swap_size = 4, .width = W32,
         .precision = 24, .bias = 127, .max_bits = 0x7F7FFFFF, .top_bits = 0x7F800000},
        {.kind = FLOATING, .type_num = NPY_DOUBLE, .item_size = 8, .swap_size = 8, .width = W64,
         .precision = 53, .bias = 1023, .max_bits = 0x7FEFFFFFFFFFFFFF,
         .top_bits = 0x7FF0000000000000},
        {.kind = COMPLEX, .type_num = NPY_CFLOAT, .item_size = 8, .swap_size = 4},
        {.kind = COMPLEX, .type_num = NPY_CDOUBLE, .item_size = 16, .swap_size = 8},
#ifdef SHRINK_EXTENDED
        {.kind = LONG_DOUBLE, .type_num = NPY_LONGDOUBLE, .item_size = sizeof(long double),
         .swap_size = sizeof(long double)},
#elif LDBL_MANT_DIG == 53 /* a pair of doubles is not declared */
        {.kind = FLOATING, .type_num = NPY_LONGDOUBLE, .item_size = 8, .swap_size = 8,
         .width = W64, .precision = 53, .bias = 1023, .max_bits = 0x7FEFFFFFFFFFFFFF,
         .top_bits = 0x7FF0000000000000},
        {.kind = COMPLEX, .type_num = NPY_CLONGDOUBLE, .item_size = 16, .swap_size = 8},
#endif
    };
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; ++i) {
        const int size = (int)integers[i].size;
        const shrink_type type = {.kind = INTEGER, .type_num = integers[i].number,
                                  .item_size = size, .swap_size = size,
                                  .width = width_of(integers[i].size),
                                  .is_signed = PyTypeNum_ISSIGNED(integers[i].number)};
        if (shrink_publish_type(&type) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; ++i) {
        if (shrink_publish_type(&others[i]) < 0) {
            return -1;
        }
    }
    return 0;
}
