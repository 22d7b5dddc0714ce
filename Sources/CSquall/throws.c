#include "CSquall.h"

#include <execinfo.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { RECORDS = 256, FRAMES = 32 };

typedef void (*throw_handler)(void *error);

// Swift's runtime calls what stands here when an error is thrown; testing libraries use it, too. Weak: where a runtime has no
// such place, nothing is recorded.
extern _Atomic(throw_handler) _swift_willThrow __attribute__((weak));

// A ring without locks. A throw takes the next number; `state` of the slot that the number falls on is 0, or twice the number plus
// 1 while its record is written, plus 2 once it is whole. All words are atomic: a reader may look while they are written, and
// looks at `state` again afterwards.
static struct {
    _Atomic(uint64_t) state;
    _Atomic(const void *) error;
    _Atomic(int) count;
    _Atomic(void *) frames[FRAMES];
} records[RECORDS];
static _Atomic(uint64_t) next_record;
static _Atomic(throw_handler) previous_handler;
static atomic_flag is_recording = ATOMIC_FLAG_INIT;

static bool write_record(const void *error, void *const *frames, int count) {
    uint64_t number = atomic_fetch_add(&next_record, 1);
    unsigned index = number % RECORDS;
    uint64_t state = atomic_load(&records[index].state);
    // Another thread writes it, or is a whole round ahead.
    if (state % 2 == 1 || state > 2 * number) return false;
    if (!atomic_compare_exchange_strong(&records[index].state, &state, 2 * number + 1)) return false;
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&records[index].error, error, memory_order_relaxed);
    atomic_store_explicit(&records[index].count, count, memory_order_relaxed);
    for (int i = 0; i < count; i++) atomic_store_explicit(&records[index].frames[i], frames[i], memory_order_relaxed);
    atomic_store(&records[index].state, 2 * number + 2);
    return true;
}

// What stands under this address is of an error that is gone.
static void forget(const void *error) {
    for (unsigned index = 0; index < RECORDS; index++) {
        uint64_t state = atomic_load(&records[index].state);
        if (state == 0 || state % 2 == 1 || atomic_load(&records[index].error) != error) continue;
        atomic_compare_exchange_strong(&records[index].state, &state, 0);
    }
}

static void record_throw(void *error) {
    void *found[FRAMES];
    int count = backtrace(found, FRAMES);
    // The innermost are this function and the runtime's that calls it. A sanitizer's own functions may come before them.
    void *caller = __builtin_return_address(0);
    int own = 0;
    while (own < count && found[own] != caller) own++;
    own = own < count ? own + 1 : count < 2 ? count : 2;
    void *const *frames = found + own;
    count -= own;
    bool is_written = false;
    // Each miss means that another thread is in the slot.
    for (int attempt = 0; attempt < 4 && !is_written; attempt++) is_written = write_record(error, frames, count);
    if (!is_written) forget(error);
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
    uint64_t end = atomic_load(&next_record);
    // From the newest: an address may have been another error's before.
    for (uint64_t back = 1; back <= RECORDS && back <= end; back++) {
        uint64_t number = end - back;
        unsigned index = number % RECORDS;
        uint64_t state = atomic_load(&records[index].state);
        if (state != 2 * number + 2) continue;
        if (atomic_load_explicit(&records[index].error, memory_order_relaxed) != error) continue;
        int count = atomic_load_explicit(&records[index].count, memory_order_relaxed);
        if (count > capacity) count = capacity;
        for (int i = 0; i < count; i++)
            frames[i] = (uintptr_t)atomic_load_explicit(&records[index].frames[i], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load(&records[index].state) != state) return 0;
        // Where the error's own record has been written over meanwhile, this one is too old to be its own.
        return atomic_load(&next_record) <= number + RECORDS ? count : 0;
    }
    return 0;
}
