#include "CSquall.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { RECORDS = 256, FRAMES = 32 };

typedef void (*throw_handler)(void *error);

// Swift's runtime calls what stands here when an error is thrown; testing libraries use it, too. Weak: where a runtime has no
// such place, nothing is recorded.
extern _Atomic(throw_handler) _swift_willThrow __attribute__((weak));

static struct {
    const void *error;
    int count;
    void *frames[FRAMES];
} records[RECORDS];
static unsigned next_record;
static pthread_mutex_t records_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(throw_handler) previous_handler;
static atomic_flag is_recording = ATOMIC_FLAG_INIT;

static void record_throw(void *error) {
    void *frames[FRAMES];
    int count = backtrace(frames, FRAMES);
    pthread_mutex_lock(&records_lock);
    unsigned index = next_record++ % RECORDS;
    records[index].error = error;
    records[index].count = count;
    memcpy(records[index].frames, frames, sizeof(void *) * (size_t)count);
    pthread_mutex_unlock(&records_lock);
    throw_handler previous = atomic_load(&previous_handler);
    if (previous) previous(error);
}

void squall_record_throws(void) {
    if (&_swift_willThrow == 0 || atomic_flag_test_and_set(&is_recording)) return;
    void *warm_up[1];
    backtrace(warm_up, 1);
    // It is known before the first throw that calls it.
    throw_handler previous = atomic_load(&_swift_willThrow);
    do {
        atomic_store(&previous_handler, previous);
    } while (!atomic_compare_exchange_weak(&_swift_willThrow, &previous, record_throw));
}

int squall_throw_stack(const void *error, uintptr_t *frames, int capacity) {
    int count = 0;
    pthread_mutex_lock(&records_lock);
    // From the newest: an address may have been another error's before.
    for (unsigned back = 1; back <= RECORDS; back++) {
        unsigned index = (next_record - back) % RECORDS;
        if (records[index].error != error) continue;
        count = records[index].count < capacity ? records[index].count : capacity;
        for (int i = 0; i < count; i++) frames[i] = (uintptr_t)records[index].frames[i];
        break;
    }
    pthread_mutex_unlock(&records_lock);
    return count;
}
