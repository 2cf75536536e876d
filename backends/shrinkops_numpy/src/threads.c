/* Threads for large arrays: a pool that is made when first needed, and lent to one call at a time.
 *
 * Invariants
 * - Workers never touch Python. A call that finds the pool lent out computes alone: its callers
 *   are parallel already.
 * - Work is cut into more pieces than threads, taken in turn, so that a slow core holds nobody up,
 *   and a helper that the system does not run in time is not waited for; each result depends on
 *   its own element alone, so the cut changes no bit.
 * - A child process has none of its parent's threads: it starts a pool of its own.
 * - Threads that cannot be had are done without.
 */
#include "types.h"

#include "atomics.h"
#include "environment.h"

#include <stdlib.h>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#define process_number() 0L
#define give_way() SwitchToThread()
#define SHRINK_EXPORT __declspec(dllexport)
#else
#include <sched.h>
#include <unistd.h>
#define give_way() sched_yield()
#define process_number() ((long)getpid())
#define SHRINK_EXPORT __attribute__((visibility("default")))
#endif

enum { MOST = 64 };

typedef struct {
    PyThread_type_lock start; /* taken while there is nothing to do */
    shrink_counter called;    /* 1 from when it was called until it has heard */
} worker;

enum { SHUT = -1 };

static struct {
    shrink_counter process;
    int count;
    worker *workers[MOST];
    /* What there is to do; it stays as it is while the gate is open. */
    shrink_task *task;
    const void *context;
    size_t pieces;
    shrink_counter next;
    shrink_counter gate; /* how many helpers are at work, or shut */
} pool;

static shrink_counter lent;
static shrink_counter allowed = 1;

int shrink_get_threads(void) { return (int)SHRINK_COUNT(&allowed); }

void shrink_set_threads(int count) {
    SHRINK_SWAP(&allowed, count < 1 ? 1 : count > MOST ? MOST : count);
}

/* For threadpoolctl, which finds them by name in the loaded library. */
SHRINK_EXPORT int shrinkops_get_num_threads(void) { return shrink_get_threads(); }
SHRINK_EXPORT void shrinkops_set_num_threads(int count) { shrink_set_threads(count); }

static void take_pieces(void) {
    for (;;) {
        const size_t index = SHRINK_NEXT(&pool.next);
        if (index >= pool.pieces) {
            return;
        }
        pool.task(pool.context, index);
    }
}

static int enter_gate(void) {
    long inside = SHRINK_COUNT(&pool.gate);
    while (inside != SHUT) {
        if (SHRINK_EXCHANGE_COUNT(&pool.gate, &inside, inside + 1)) {
            return 1;
        }
    }
    return 0;
}

/* Helpers that are at a piece finish it; there is none left to take. */
static void shut_gate(void) {
    for (unsigned turn = 0;; ++turn) {
        long nobody = 0;
        if (SHRINK_EXCHANGE_COUNT(&pool.gate, &nobody, SHUT)) {
            return;
        }
        if (turn > 1000) {
            give_way();
        }
    }
}

static void work(void *argument) {
    worker *self = argument;
    for (;;) {
        PyThread_acquire_lock(self->start, WAIT_LOCK);
        SHRINK_SWAP(&self->called, 0);
        if (enter_gate()) {
            const shrink_environment given = shrink_enter();
            take_pieces();
            shrink_leave(&given);
            SHRINK_ADD(&pool.gate, -1);
        }
    }
}

static int add_worker(void) {
    worker *self = malloc(sizeof *self);
    if (self == NULL) {
        return 0;
    }
    self->start = PyThread_allocate_lock();
    SHRINK_SWAP(&self->called, 0);
    if (self->start != NULL) {
        PyThread_acquire_lock(self->start, WAIT_LOCK);
        if (PyThread_start_new_thread(work, self) != (unsigned long)-1) {
            pool.workers[pool.count++] = self;
            return 1;
        }
    }
    if (self->start != NULL) {
        PyThread_release_lock(self->start);
        PyThread_free_lock(self->start);
    }
    free(self);
    return 0;
}

void shrink_in_parallel(shrink_task *task, const void *context, size_t count, int threads) {
    if ((size_t)threads > count) {
        threads = (int)count;
    }
    const long process = threads > 1 ? process_number() : 0;
    if (threads > 1 && SHRINK_SWAP(&pool.process, process) != process) {
        pool.count = 0; /* the first call, or the first one of a child */
        SHRINK_SWAP(&pool.gate, SHUT);
        SHRINK_SWAP(&lent, 0);
    }
    if (threads < 2 || SHRINK_SWAP(&lent, 1)) {
        for (size_t index = 0; index < count; ++index) {
            task(context, index);
        }
        return;
    }
    while (pool.count < threads - 1 && pool.count < MOST && add_worker()) {
    }
    const int helpers = pool.count < threads - 1 ? pool.count : threads - 1;
    pool.task = task;
    pool.context = context;
    pool.pieces = count;
    SHRINK_SWAP(&pool.next, 0);
    SHRINK_SWAP(&pool.gate, 0);
    for (int i = 0; i < helpers; ++i) {
        if (SHRINK_SWAP(&pool.workers[i]->called, 1) == 0) {
            PyThread_release_lock(pool.workers[i]->start);
        }
    }
    take_pieces();
    shut_gate();
    SHRINK_SWAP(&lent, 0);
}
