/* The loops for AVX2, with flags that this file alone is compiled with; see loops.inc.h. */
#define ISA avx2
#include "loops.inc.h"
