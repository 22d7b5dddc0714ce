#define _GNU_SOURCE
#include "CSquall.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/uio.h>
#endif

static __thread void *current_context;

__attribute__((noinline)) void *squall_thread_context(void) { return current_context; }
__attribute__((noinline)) void squall_thread_set_context(void *context) { current_context = context; }

#if defined(__linux__)
int squall_available_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

int squall_thread_id(void) { return (int)syscall(SYS_gettid); }

int squall_thread_set_nice(int thread_id, int nice) { return setpriority(PRIO_PROCESS, (id_t)thread_id, nice); }

int squall_thread_nice(int thread_id) { return getpriority(PRIO_PROCESS, (id_t)thread_id); }

int squall_process_nice(void) { return squall_thread_nice(getpid()); }

int64_t squall_thread_cpu_time(int thread_id) {
    // The kernel's encoding of a thread's scheduler clock, as pthread_getcpuclockid makes it.
    clockid_t clock = (clockid_t)((~(unsigned)thread_id << 3) | 6);
    struct timespec time;
    if (clock_gettime(clock, &time) != 0) return -1;
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void squall_thread_set_name(const char *name) { pthread_setname_np(pthread_self(), name); }

size_t squall_copy_memory(void *destination, uint64_t source, size_t count) {
    struct iovec local = {destination, count};
    struct iovec remote = {(void *)(uintptr_t)source, count};
    ssize_t copied = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    return copied < 0 ? 0 : (size_t)copied;
}
#else
int squall_available_processors(void) { return (int)sysconf(_SC_NPROCESSORS_ONLN); }
int squall_thread_id(void) { return (int)getpid(); }
int squall_thread_set_nice(int thread_id, int nice) { return -1; }
int squall_thread_nice(int thread_id) { return 0; }
int squall_process_nice(void) { return 0; }
int64_t squall_thread_cpu_time(int thread_id) { return -1; }
void squall_thread_set_name(const char *name) {}
size_t squall_copy_memory(void *destination, uint64_t source, size_t count) { return 0; }
#endif

#if defined(__GLIBC__)
#include <malloc.h>
void squall_release_memory(void) { malloc_trim(0); }
#else
void squall_release_memory(void) {}
#endif
