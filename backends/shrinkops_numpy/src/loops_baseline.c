/* The loops for the compiler's own target: SSE2 on x86-64, NEON on ARM64; see loops.inc.h. */
#define ISA baseline
#include "loops.inc.h"
