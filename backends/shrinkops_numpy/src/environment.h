/* Arithmetic as IEEE 754 has it, in a thread that asked for something else.
 *
 * torch.set_flush_denormal and libraries built with -ffast-math make a thread's processor take
 * subnormal numbers for zero; fesetround changes how it rounds; feenableexcept makes it trap. The
 * bits of a result follow from its arguments alone, so each call sets the thread's environment
 * aside and puts it back, the flags that were raised before included: no flag is raised.
 */
#ifndef SHRINKOPS_ENVIRONMENT_H
#define SHRINKOPS_ENVIRONMENT_H

#include <fenv.h>

#ifdef SHRINKOPS_X86_64
#include <immintrin.h>

typedef unsigned shrink_environment;
/* Nearest, subnormals kept, no traps, no flags. */
enum { SHRINK_DEFAULT = 0x1F80, SHRINK_FLAGS = 0x3F };

static inline shrink_environment shrink_enter(void) {
    const unsigned given = _mm_getcsr();
    if ((given & ~(unsigned)SHRINK_FLAGS) != SHRINK_DEFAULT) {
        _mm_setcsr(SHRINK_DEFAULT);
    }
    return given;
}

static inline void shrink_leave(const shrink_environment *given) {
    if (_mm_getcsr() != *given) {
        _mm_setcsr(*given);
    }
}
#else
typedef fenv_t shrink_environment;

static inline shrink_environment shrink_enter(void) {
    fenv_t given;
    fegetenv(&given);
    fesetenv(FE_DFL_ENV);
    return given;
}

static inline void shrink_leave(const shrink_environment *given) { fesetenv(given); }
#endif

#endif
