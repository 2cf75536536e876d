/* What is shared between threads: pointers that are published once, and counters. */
#ifndef SHRINKOPS_ATOMICS_H
#define SHRINKOPS_ATOMICS_H

#if defined(_MSC_VER) && !defined(__clang__)
/* C11's are an experiment there; its volatile pointers publish on x86, the rest is interlocked. */
#include <intrin.h>
#define SHRINK_ATOMIC volatile
typedef volatile long shrink_counter;
#define SHRINK_READ(place) (*(place))
#define SHRINK_WRITE(place, value) (*(place) = (value))
#define SHRINK_EXCHANGE(place, expected, value)                                               \
    (_InterlockedCompareExchangePointer((void *volatile *)(place), (void *)(value),           \
                                        (void *)*(expected)) == (void *)*(expected))
#define SHRINK_NEXT(counter) ((size_t)(_InterlockedIncrement(counter) - 1))
#define SHRINK_SWAP(counter, value) _InterlockedExchange(counter, value)
#define SHRINK_ADD(counter, value) _InterlockedExchangeAdd(counter, value)
#define SHRINK_COUNT(counter) (*(counter))
static __inline int SHRINK_EXCHANGE_COUNT(shrink_counter *counter, long *expected, long value) {
    const long found = _InterlockedCompareExchange(counter, value, *expected);
    const int done = found == *expected;
    *expected = found;
    return done;
}
#else
#include <stdatomic.h>
#define SHRINK_ATOMIC _Atomic
typedef atomic_long shrink_counter;
#define SHRINK_READ(place) atomic_load_explicit(place, memory_order_acquire)
#define SHRINK_WRITE(place, value) atomic_store_explicit(place, value, memory_order_release)
#define SHRINK_EXCHANGE(place, expected, value) \
    atomic_compare_exchange_strong(place, expected, value)
#define SHRINK_NEXT(counter) ((size_t)atomic_fetch_add(counter, 1))
#define SHRINK_SWAP(counter, value) atomic_exchange(counter, value)
#define SHRINK_ADD(counter, value) atomic_fetch_add(counter, value)
#define SHRINK_COUNT(counter) atomic_load(counter)
#define SHRINK_EXCHANGE_COUNT(counter, expected, value) \
    atomic_compare_exchange_strong(counter, expected, value)
#endif

#endif
