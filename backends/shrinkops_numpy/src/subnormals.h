/* Arithmetic as IEEE 754 has it, in a thread that asked for less.
 *
 * torch.set_flush_denormal and libraries built with -ffast-math make a thread's processor take
 * subnormal numbers for zero. The loops over real numbers compare bits and do not care, but λ is
 * converted and the complex loops multiply, and the specification keeps subnormals: each call
 * sets the mode aside and puts it back.
 */
#ifndef SHRINKOPS_SUBNORMALS_H
#define SHRINKOPS_SUBNORMALS_H

#ifdef SHRINKOPS_X86_64
#include <immintrin.h>

typedef unsigned shrink_mode;
enum { SHRINK_FLUSH = 1 << 15 | 1 << 6 }; /* flush to zero, denormals are zero */

static inline shrink_mode shrink_keep_subnormals(void) {
    const unsigned mode = _mm_getcsr();
    if (mode & SHRINK_FLUSH) {
        _mm_setcsr(mode & ~(unsigned)SHRINK_FLUSH);
    }
    return mode;
}

static inline void shrink_restore(const shrink_mode *mode) {
    if (*mode & SHRINK_FLUSH) {
        _mm_setcsr(*mode);
    }
}
#else
#include <fenv.h>

typedef fenv_t shrink_mode;

static inline shrink_mode shrink_keep_subnormals(void) {
    fenv_t mode;
    fegetenv(&mode);
    fesetenv(FE_DFL_ENV);
    return mode;
}

static inline void shrink_restore(const shrink_mode *mode) { fesetenv(mode); }
#endif

#endif
