// Tells the thread sanitizer what a contended Mutex of Swift's orders.
//
// The fast path of Synchronization.Mutex is inlined and seen. Its slow path is in the standard library, which is not
// instrumented, and takes and releases the lock in the kernel (FUTEX_LOCK_PI): to the sanitizer, two contended critical
// sections are then unordered, and every access in them is a race. A suppression would have to name all code that a
// Mutex guards, and would hide the real races in it. So the three functions are put before the library's, call them, and
// say what they did. Without the sanitizer there is nothing of this.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#include "ThreadSanitizerSupport.h"

#ifndef SANITIZED
bool squall_is_thread_sanitized(void) { return false; }
#else
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

bool squall_is_thread_sanitized(void) { return true; }

extern void __tsan_acquire(void *address);
extern void __tsan_release(void *address);

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SELF __attribute__((swift_context)) void *self

typedef __attribute__((swiftcall)) void (*lock_function)(uint32_t thread, SELF);
typedef __attribute__((swiftcall)) bool (*try_lock_function)(SELF);
typedef __attribute__((swiftcall)) void (*unlock_function)(SELF);

// A continuation that is resumed before its task has suspended is not enqueued: the task sees the result through an
// atomic of the runtime's, which is not instrumented, and goes on. The sanitizer then takes the task's next use of its
// own stack for a race with `resume`, which read the continuation there. The functions are the standard library's,
// UnsafeContinuation.resume in its forms; they call nothing but the runtime.
const char *__tsan_default_suppressions(void) { return "race:sScc6resume\n"; }

__attribute__((swiftcall)) void squall_mutex_lock(uint32_t thread, SELF) __asm__(LOCK);
__attribute__((swiftcall)) bool squall_mutex_try_lock(SELF) __asm__(TRY_LOCK);
__attribute__((swiftcall)) void squall_mutex_unlock(SELF) __asm__(UNLOCK);

__attribute__((swiftcall)) void squall_mutex_lock(uint32_t thread, SELF) {
    ((lock_function)dlsym(RTLD_NEXT, LOCK))(thread, self);
    __tsan_acquire(self);
}

__attribute__((swiftcall)) bool squall_mutex_try_lock(SELF) {
    bool locked = ((try_lock_function)dlsym(RTLD_NEXT, TRY_LOCK))(self);
    if (locked) __tsan_acquire(self);
    return locked;
}

__attribute__((swiftcall)) void squall_mutex_unlock(SELF) {
    __tsan_release(self);
    ((unlock_function)dlsym(RTLD_NEXT, UNLOCK))(self);
}
#endif
