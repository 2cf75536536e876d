/* Operations whose parameters differ from element to element.
 *
 * Invariants
 * - At most a chunk at a time, so every buffer lies on the stack.
 * - Each element's parameters follow bands.c's rules for elements, which the loops over arrays
 *   share: what is negative or NaN is an empty band.
 */
#include "types.h"

#include <string.h>

enum { CHUNK = SHRINK_CHUNK };

static shrink_parameter element(const shrink_elements *parameter, npy_intp i) {
    return (shrink_parameter){parameter->number, parameter->pointer + i * parameter->step};
}

/* Returns n elements of a type where they lie next to each other, in a buffer if need be. */
static const char *in_line(const shrink_elements *parameter, int size, npy_intp n, char *buffer) {
    if (parameter->step == size) {
        return parameter->pointer;
    }
    shrink_copy_items(parameter->pointer, parameter->step, buffer, size, n, size);
    return buffer;
}

/* Writes n thresholds in x's own floating type, by the rule for elements. */
static void own_thresholds(const shrink_type *type, const shrink_elements *lambd, npy_intp n, char *to) {
    for (npy_intp i = 0; i < n; ++i, to += type->item_size) {
        const uint64_t raw = shrink_own_bits(type, element(lambd, i));
        switch (type->item_size) {
        case 1: { const uint8_t v = (uint8_t)raw; memcpy(to, &v, sizeof v); break; }
        case 2: { const uint16_t v = (uint16_t)raw; memcpy(to, &v, sizeof v); break; }
        case 4: { const uint32_t v = (uint32_t)raw; memcpy(to, &v, sizeof v); break; }
        default: memcpy(to, &raw, sizeof raw);
        }
    }
}

/* Writes the bands of n integer thresholds as two arrays of x's type. */
static void integer_bands(const shrink_type *type, const shrink_elements *lambd, npy_intp n, char *low,
                          char *high) {
    for (npy_intp i = 0; i < n; ++i) {
        int64_t ends[2];
        shrink_integer_band(type, element(lambd, i), &ends[0], &ends[1]);
        char *to[2] = {low + i * type->item_size, high + i * type->item_size};
        for (int k = 0; k < 2; ++k) {
            switch (type->item_size) {
            case 1: { const int8_t v = (int8_t)ends[k]; memcpy(to[k], &v, sizeof v); break; }
            case 2: { const int16_t v = (int16_t)ends[k]; memcpy(to[k], &v, sizeof v); break; }
            case 4: { const int32_t v = (int32_t)ends[k]; memcpy(to[k], &v, sizeof v); break; }
            default: memcpy(to[k], &ends[k], sizeof ends[k]);
            }
        }
    }
}

/* Writes n elements of a parameter as the formulas take them: double for double, else float. */
static const char *working(const shrink_type *type, int index, int is_double,
                           const shrink_elements *parameter, npy_intp n, char *to) {
    if (type->item_size >= 4 && parameter->number == (is_double ? NPY_DOUBLE : NPY_FLOAT)) {
        return in_line(parameter, is_double ? 8 : 4, n, to); /* whose signs and NaN a loop knows */
    }
    for (npy_intp i = 0; i < n; ++i) {
        const double value = shrink_working(type, index, element(parameter, i));
        if (is_double) {
            memcpy(to + i * (npy_intp)sizeof value, &value, sizeof value);
        }
        else {
            const float narrower = (float)value;
            memcpy(to + i * (npy_intp)sizeof narrower, &narrower, sizeof narrower);
        }
    }
    return to;
}

static void run_selection(const shrink_type *type, const char *x, const shrink_elements *lambd,
                          char *out, npy_intp n) {
    const shrink_loops *loops = shrink_active_loops();
    char buffer[8 * CHUNK];
    const char *a = buffer;
    if (lambd->number == type->type_num) {
        a = in_line(lambd, type->item_size, n, buffer);
    }
    else {
        own_thresholds(type, lambd, n, buffer);
    }
    if (type->kind == FNUZ) {
        loops->fnuz_array(x, a, NULL, out, (size_t)n, type->top_bits);
    }
    else {
        loops->magnitude_array[type->width](x, a, NULL, out, (size_t)n, type->top_bits);
    }
}

/* 8-bit types have no loop for this: each element is a table of its own, made for one. */
static void run_bytes(shrink_operation operation, const shrink_type *type, const char *x,
                      const shrink_elements *parameters, char *out, npy_intp n) {
    shrink_plan plan;
    shrink_parameter last[2] = {{0, NULL}, {0, NULL}};
    const int count = shrink_definitions[operation].parameters;
    for (npy_intp i = 0; i < n; ++i) {
        int same = i > 0;
        for (int k = 0; k < count; ++k) {
            const shrink_parameter now = element(&parameters[k], i);
            const size_t size = now.number == type->type_num ? 1 : sizeof(double);
            same = same && memcmp(now.pointer, last[k].pointer, size) == 0;
            last[k] = now;
        }
        if (!same) {
            shrink_plan_elements(operation, type, last, &plan);
        }
        plan.loop(x + i, out + i, 1, &plan.band);
    }
}

/* Parameters for each element. `x` and `out` are contiguous and native, at most a chunk long. */
void shrink_run_elements(shrink_operation operation, const shrink_type *type, const char *x,
                      const shrink_elements *parameters, char *out, npy_intp n) {
    const shrink_loops *loops = shrink_active_loops();
    const shrink_definition *definition = &shrink_definitions[operation];
    const int formula = definition->formula;
    char buffers[2][8 * CHUNK];
    if (type->kind == INTEGER) {
        const int index = type->width + (type->is_signed ? 0 : WIDTHS);
        shrink_array_loop *loop = (formula < 0 ? loops->range_array : loops->nearer_array)[index];
        integer_bands(type, parameters, n, buffers[0], buffers[1]);
        loop(x, buffers[0], buffers[1], out, (size_t)n, 0);
        return;
    }
    if (formula < 0 && type->kind != COMPLEX) {
        run_selection(type, x, parameters, out, n);
        return;
    }
    if (type->item_size == 1) {
        run_bytes(operation, type, x, parameters, out, n);
        return;
    }
    const int is_double = type->item_size == (type->kind == COMPLEX ? 16 : 8);
    const char *a = working(type, 0, is_double, &parameters[0], n, buffers[0]), *b = NULL;
    if (definition->parameters == 2) {
        b = working(type, 1, is_double, &parameters[1], n, buffers[1]);
    }
    const char *second = operation == SOFTSHRINK ? a : b;
    if (type->kind == COMPLEX) {
        shrink_array_loop *loop = formula < 0 ? loops->squares_array[is_double]
                                              : loops->phase_array[formula][is_double];
        loop(x, a, b, out, (size_t)n, 0);
    }
    else if (type->item_size == 2) {
        const shrink_format *format = &loops->formats[type->precision == 11 ? HALF : BRAIN];
        float wide[CHUNK];
        format->widen(x, wide, (size_t)n);
        loops->formula_array[formula][0](wide, a, second, wide, (size_t)n, 0);
        format->narrow(wide, out, (size_t)n);
    }
    else {
        loops->formula_array[formula][is_double](x, a, second, out, (size_t)n, 0);
    }
}
