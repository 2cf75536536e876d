/* The loops for AVX-512 (F, BW, DQ, VL), with flags that this file alone is compiled with; see loops.inc.h. */
#define ISA avx512
#include "loops.inc.h"
