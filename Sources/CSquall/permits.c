#define _GNU_SOURCE
#include "CSquall.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>

// No lock: whoever gives a permit may have a low priority and be stopped at any point for long.
struct squall_permits {
    _Atomic uint32_t count;
    _Atomic uint32_t waiting;
    uint32_t most;
};

squall_permits *squall_permits_create(uint32_t most) {
    squall_permits *permits = calloc(1, sizeof *permits);
    if (permits == NULL) abort();
    permits->most = most;
    return permits;
}

void squall_permits_destroy(squall_permits *permits) { free(permits); }

void squall_permits_give(squall_permits *permits) {
    uint32_t count = atomic_load(&permits->count);
    while (count < permits->most && !atomic_compare_exchange_weak(&permits->count, &count, count + 1)) {}
    // Also for one that was there: whoever gave it may have been stopped at this point.
    if (atomic_load(&permits->waiting) > 0) syscall(SYS_futex, &permits->count, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static bool take(squall_permits *permits) {
    uint32_t count = atomic_load(&permits->count);
    while (count > 0)
        if (atomic_compare_exchange_weak(&permits->count, &count, count - 1)) return true;
    return false;
}

bool squall_permits_take(squall_permits *permits, int64_t nanoseconds) {
    struct timespec deadline;
    if (nanoseconds >= 0) {
        clock_gettime(CLOCK_MONOTONIC, &deadline);
        deadline.tv_sec += nanoseconds / 1000000000;
        deadline.tv_nsec += nanoseconds % 1000000000;
        if (deadline.tv_nsec >= 1000000000) {
            deadline.tv_sec += 1;
            deadline.tv_nsec -= 1000000000;
        }
    }
    while (!take(permits)) {
        // Whoever gives one after this sees that somebody waits; one given before makes the wait return.
        atomic_fetch_add(&permits->waiting, 1);
        long result = syscall(
            SYS_futex, &permits->count, FUTEX_WAIT_BITSET_PRIVATE, 0, nanoseconds < 0 ? NULL : &deadline, NULL,
            FUTEX_BITSET_MATCH_ANY);
        bool is_late = result != 0 && errno == ETIMEDOUT;
        atomic_fetch_sub(&permits->waiting, 1);
        if (is_late) return take(permits);
    }
    return true;
}
#else
#include <pthread.h>

struct squall_permits {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    uint32_t count, most;
};

squall_permits *squall_permits_create(uint32_t most) {
    squall_permits *permits = calloc(1, sizeof *permits);
    if (permits == NULL) abort();
    pthread_mutex_init(&permits->mutex, NULL);
    pthread_cond_init(&permits->condition, NULL);
    permits->most = most;
    return permits;
}

void squall_permits_destroy(squall_permits *permits) {
    pthread_cond_destroy(&permits->condition);
    pthread_mutex_destroy(&permits->mutex);
    free(permits);
}

void squall_permits_give(squall_permits *permits) {
    pthread_mutex_lock(&permits->mutex);
    if (permits->count < permits->most) permits->count++;
    pthread_mutex_unlock(&permits->mutex);
    pthread_cond_signal(&permits->condition);
}

bool squall_permits_take(squall_permits *permits, int64_t nanoseconds) {
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    if (nanoseconds >= 0) {
        deadline.tv_sec += nanoseconds / 1000000000;
        deadline.tv_nsec += nanoseconds % 1000000000;
        if (deadline.tv_nsec >= 1000000000) {
            deadline.tv_sec += 1;
            deadline.tv_nsec -= 1000000000;
        }
    }
    pthread_mutex_lock(&permits->mutex);
    while (permits->count == 0) {
        if (nanoseconds < 0) {
            pthread_cond_wait(&permits->condition, &permits->mutex);
        } else if (pthread_cond_timedwait(&permits->condition, &permits->mutex, &deadline) == ETIMEDOUT) {
            break;
        }
    }
    bool taken = permits->count > 0;
    if (taken) permits->count--;
    pthread_mutex_unlock(&permits->mutex);
    return taken;
}
#endif
