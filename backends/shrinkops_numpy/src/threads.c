/* Threads for large arrays: a pool that is made when first needed, and lent to one call at a time.
 *
 * Invariants
 * - Workers never touch Python. A call that finds the pool lent out computes alone: its callers
 *   are parallel already.
 * - Work is cut into more pieces than threads, taken in turn, so that a slow core holds nobody up;
 *   each result depends on its own element alone, so the cut changes no bit.
 * - A child process has none of its parent's threads: it starts a pool of its own.
 * - Threads that cannot be had are done without.
 */
#include "types.h"

#include "atomics.h"
#include "environment.h"

#include <stdlib.h>

#ifdef _WIN32
#define process_number() 0L
#define SHRINK_EXPORT __declspec(dllexport)
#else
#include <unistd.h>
#define process_number() ((long)getpid())
#define SHRINK_EXPORT __attribute__((visibility("default")))
#endif

enum { MOST = 64 };

typedef struct {
    PyThread_type_lock start, done; /* taken while there is nothing to do, or nothing is done */
} worker;

static struct {
    shrink_counter process;
    int count;
    worker *workers[MOST];
    shrink_task *task;
    const void *context;
    size_t pieces;
    shrink_counter next;
} pool;

static shrink_counter lent;
static shrink_counter allowed = 1;

int shrink_get_threads(void) { return (int)SHRINK_READ(&allowed); }

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

static void work(void *argument) {
    worker *self = argument;
    for (;;) {
        PyThread_acquire_lock(self->start, WAIT_LOCK);
        const shrink_environment given = shrink_enter();
        take_pieces();
        shrink_leave(&given);
        PyThread_release_lock(self->done);
    }
}

static int add_worker(void) {
    worker *self = malloc(sizeof *self);
    if (self == NULL) {
        return 0;
    }
    self->start = PyThread_allocate_lock();
    self->done = PyThread_allocate_lock();
    if (self->start != NULL && self->done != NULL) {
        PyThread_acquire_lock(self->start, WAIT_LOCK);
        PyThread_acquire_lock(self->done, WAIT_LOCK);
        if (PyThread_start_new_thread(work, self) != (unsigned long)-1) {
            pool.workers[pool.count++] = self;
            return 1;
        }
    }
    if (self->start != NULL) {
        PyThread_free_lock(self->start);
    }
    if (self->done != NULL) {
        PyThread_free_lock(self->done);
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
    for (int i = 0; i < helpers; ++i) {
        PyThread_release_lock(pool.workers[i]->start);
    }
    take_pieces();
    for (int i = 0; i < helpers; ++i) {
        PyThread_acquire_lock(pool.workers[i]->done, WAIT_LOCK);
    }
    SHRINK_SWAP(&lent, 0);
}
