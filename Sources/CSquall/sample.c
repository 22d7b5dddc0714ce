#define _GNU_SOURCE
#include "CSquall.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <execinfo.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <sys/stat.h>
#include <ucontext.h>

enum { IDLE = 0, PREPARING = 1, REQUESTED = 2, WRITING = 3, READY = 4 };

// What is needed to resume the call that a sample interrupts.
typedef struct {
    squall_call call;
    // What the sleep's second argument held: the kernel writes the time left into it at every signal. It is put back.
    struct timespec remaining;
    bool has_remaining;
} squall_seen;

struct squall_sample {
    _Atomic int state;
    int count;
    // What the thread waited in when it was asked; written while PREPARING, read while WRITING.
    squall_seen seen;
    void *frames[SQUALL_SAMPLE_FRAMES];
};

static __thread squall_sample *attached;
static struct sigaction previous;

squall_sample *squall_sample_create(void) { return calloc(1, sizeof(squall_sample)); }
void squall_sample_destroy(squall_sample *sample) { free(sample); }
void squall_sample_attach(squall_sample *sample) { attached = sample; }

// Where the call writes the time that is left, or 0.
static uint64_t remaining_pointer(const squall_call *call) {
    if (call->number == SYS_clock_nanosleep) return call->arguments[1] & TIMER_ABSTIME ? 0 : call->arguments[3];
#if defined(SYS_nanosleep)
    if (call->number == SYS_nanosleep) return call->arguments[1];
#endif
    return 0;
}

#if defined(__x86_64__)
static bool is_same(const squall_call *seen, const greg_t *registers, const uint64_t *arguments) {
    return seen->number >= 0 && seen->instruction == (uint64_t)registers[REG_RIP] &&
        memcmp(seen->arguments, arguments, sizeof seen->arguments) == 0;
}

// The call that the signal interrupted, or -1. The kernel does not keep its number in the context of a call that a
// signal ended. It is the one that the thread was seen waiting in, if instruction and arguments are the same; otherwise
// it is read from the `mov $number, %eax; syscall` that led here.
static long interrupted_call(const greg_t *registers, const uint64_t *arguments, const squall_call *seen) {
    const unsigned char *after = (const unsigned char *)registers[REG_RIP];
    if (seen != NULL && is_same(seen, registers, arguments)) return seen->number;
    if (after[-2] != 0x0f || after[-1] != 0x05) return -1;
    if (after[-7] == 0xb8) {
        int32_t number;
        memcpy(&number, after - 6, sizeof number);
        return number;
    }
    return -1;
}

// nanosleep, clock_nanosleep, poll and a futex with a timeout leave what they still have to do in the kernel's
// restart block, and restart_syscall, called before the handler returns, goes on with it: they end at their original
// time and the interrupted code sees their own result. The calls that write the time left into their argument, and
// those with an absolute or no deadline, are simply issued again. A write to a pipe or socket that has taken a part of
// its bytes returns with that part; the rest is written here.
static void resume_interrupted_call(ucontext_t *context, const squall_seen *seen) {
    greg_t *registers = context->uc_mcontext.gregs;
    long long result = registers[REG_RAX];
    if (result != -EINTR && result <= 0) return;
    uint64_t arguments[6] = {
        registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
        registers[REG_R10], registers[REG_R8],  registers[REG_R9],
    };
    if (result > 0) {
        // Whatever else the thread does has numbers in this register too: only what it was seen waiting in counts.
        if (seen == NULL || !is_same(&seen->call, registers, arguments)) return;
        long number = seen->call.number;
        if (number != SYS_write && number != SYS_sendto) return;
        if ((uint64_t)result >= arguments[2]) return;
        if (squall_interruption_of(number, arguments) != SQUALL_INTERRUPT_RESUMED) return;
        while ((uint64_t)result < arguments[2]) {
            long more = syscall(
                number, arguments[0], arguments[1] + result, arguments[2] - result, arguments[3], arguments[4],
                arguments[5]);
            if (more <= 0) break;
            result += more;
        }
        registers[REG_RAX] = result;
        return;
    }
    long number = interrupted_call(registers, arguments, seen == NULL ? NULL : &seen->call);
    if (number < 0) return;
    if (squall_interruption_of(number, arguments) != SQUALL_INTERRUPT_RESUMED) return;
    switch (number) {
    case SYS_clock_nanosleep:
        if (arguments[1] & TIMER_ABSTIME) goto again;
        // fall through
    case SYS_nanosleep:
    case SYS_poll:
    case SYS_futex: {
        long resumed = syscall(SYS_restart_syscall);
        registers[REG_RAX] = resumed < 0 ? -errno : resumed;
        if (resumed == 0 && seen != NULL && seen->has_remaining && number == seen->call.number)
            memcpy((void *)remaining_pointer(&seen->call), &seen->remaining, sizeof seen->remaining);
        return;
    }
    default:
        break;
    }
again:
    registers[REG_RIP] -= 2;
    registers[REG_RAX] = number;
}
#elif defined(__aarch64__)
static void resume_interrupted_call(ucontext_t *context, const squall_seen *seen) {
    if ((long)context->uc_mcontext.regs[0] != -EINTR) return;
    long number = (long)context->uc_mcontext.regs[8];
    switch (number) {
    case SYS_clock_nanosleep:
        if (context->uc_mcontext.regs[1] & TIMER_ABSTIME) return;
        // fall through
    case SYS_nanosleep:
    case SYS_futex: {
        long result = syscall(SYS_restart_syscall);
        context->uc_mcontext.regs[0] = (unsigned long)(result < 0 ? -errno : result);
        if (result == 0 && seen != NULL && seen->has_remaining && number == seen->call.number)
            memcpy((void *)remaining_pointer(&seen->call), &seen->remaining, sizeof seen->remaining);
        return;
    }
    default:
        return;
    }
}
#else
static void resume_interrupted_call(ucontext_t *context, const squall_seen *seen) {}
#endif

// Async-signal-safe: libgcc's unwinder finds its tables without a lock (glibc 2.35) and was loaded at installation.
static void on_signal(int number, siginfo_t *info, void *context) {
    int saved = errno;
    squall_sample *sample = attached;
    int requested = REQUESTED;
    if (sample != NULL && atomic_compare_exchange_strong(&sample->state, &requested, WRITING)) {
        sample->count = backtrace(sample->frames, SQUALL_SAMPLE_FRAMES);
        // The slot may be asked for again as soon as it is ready, while this still waits for the call's end.
        squall_seen seen = sample->seen;
        atomic_store_explicit(&sample->state, READY, memory_order_release);
        resume_interrupted_call((ucontext_t *)context, &seen);
    } else if (info->si_code == SI_TKILL && info->si_pid == getpid() && sample != NULL) {
        // A request that was given up meanwhile. The call goes on all the same.
        resume_interrupted_call((ucontext_t *)context, NULL);
    } else if (previous.sa_flags & SA_SIGINFO) {
        if (previous.sa_sigaction != NULL) previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    }
    errno = saved;
}

int squall_sampler_install(void) {
    void *frames[4];
    backtrace(frames, 4);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGPROF, &action, &previous);
}

int squall_sample_request(squall_sample *sample, int thread_id, const squall_call *call) {
    // An answer that came after its request was given up is nobody's.
    int idle = IDLE, ready = READY;
    if (!atomic_compare_exchange_strong(&sample->state, &idle, PREPARING) &&
        !atomic_compare_exchange_strong(&sample->state, &ready, PREPARING))
        return EBUSY;
    squall_seen *seen = &sample->seen;
    seen->call = *call;
    uint64_t remaining = remaining_pointer(call);
    seen->has_remaining =
        remaining != 0 &&
        squall_copy_memory(&seen->remaining, remaining, sizeof seen->remaining) == sizeof seen->remaining;
    atomic_store_explicit(&sample->state, REQUESTED, memory_order_release);
    if (syscall(SYS_tgkill, getpid(), thread_id, SIGPROF) != 0) {
        int error = errno, requested = REQUESTED;
        atomic_compare_exchange_strong(&sample->state, &requested, IDLE);
        return error;
    }
    return 0;
}

int squall_sample_poll(squall_sample *sample) {
    if (atomic_load_explicit(&sample->state, memory_order_acquire) != READY) return -1;
    return sample->count;
}

bool squall_sample_end(squall_sample *sample) {
    int requested = REQUESTED;
    atomic_compare_exchange_strong(&sample->state, &requested, IDLE);
    return requested == READY;
}

void squall_sample_cancel(squall_sample *sample) {
    int requested = REQUESTED;
    if (atomic_compare_exchange_strong(&sample->state, &requested, IDLE)) return;
    int ready = READY;
    atomic_compare_exchange_strong(&sample->state, &ready, IDLE);
}

const uintptr_t *squall_sample_frames(squall_sample *sample) { return (const uintptr_t *)sample->frames; }

// With a timeout of the socket's own (SO_RCVTIMEO, SO_SNDTIMEO) its calls are not restarted.
static bool has_timeout(int fd) {
    struct timeval timeout = {0, 0};
    socklen_t length = sizeof timeout;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, &length) == 0 && (timeout.tv_sec || timeout.tv_usec))
        return true;
    length = sizeof timeout;
    return getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, &length) == 0 && (timeout.tv_sec || timeout.tv_usec);
}

// signal(7), "Interruption of system calls and library functions by signal handlers": the calls that end with EINTR
// even under SA_RESTART, and what can be done about each. Those that move bytes end with what was moved so far.
squall_interruption squall_interruption_of(long number, const uint64_t *arguments) {
    switch (number) {
    case SYS_clock_nanosleep:
#if !defined(__x86_64__)
        if (arguments[1] & TIMER_ABSTIME) return SQUALL_INTERRUPT_FORBIDDEN;
#endif
        return SQUALL_INTERRUPT_RESUMED;
    case SYS_nanosleep:
    case SYS_futex:
        return SQUALL_INTERRUPT_RESUMED;
#if defined(__x86_64__)
    case SYS_poll:
    case SYS_select:
    case SYS_pselect6:
    case SYS_ppoll:
    case SYS_pause:
    case SYS_rt_sigsuspend:
        return number == SYS_rt_sigsuspend ? SQUALL_INTERRUPT_FORBIDDEN : SQUALL_INTERRUPT_RESUMED;
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
        return (int32_t)arguments[3] < 0 ? SQUALL_INTERRUPT_RESUMED : SQUALL_INTERRUPT_FORBIDDEN;
    case SYS_semop:
        return SQUALL_INTERRUPT_RESUMED;
#else
    case SYS_ppoll:
    case SYS_pselect6:
    case SYS_epoll_pwait:
    case SYS_rt_sigsuspend:
    case SYS_semop:
        return SQUALL_INTERRUPT_FORBIDDEN;
#endif
    case SYS_write:
    case SYS_sendto: {
        struct stat status;
        if (fstat((int)arguments[0], &status) != 0) return SQUALL_INTERRUPT_FORBIDDEN;
        if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)) return SQUALL_INTERRUPT_HARMLESS;
        if (S_ISSOCK(status.st_mode) && has_timeout((int)arguments[0])) return SQUALL_INTERRUPT_FORBIDDEN;
#if defined(__x86_64__)
        if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) return SQUALL_INTERRUPT_RESUMED;
#endif
        return SQUALL_INTERRUPT_FORBIDDEN;
    }
    case SYS_writev:
    case SYS_pwritev: {
        // Into a pipe or socket it returns with what was taken so far, as do the next ones.
        struct stat status;
        if (fstat((int)arguments[0], &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)))
            return SQUALL_INTERRUPT_HARMLESS;
        return SQUALL_INTERRUPT_FORBIDDEN;
    }
    case SYS_sendmsg:
    case SYS_sendmmsg:
    case SYS_recvmmsg:
    case SYS_sendfile:
    case SYS_splice:
    case SYS_tee:
    case SYS_vmsplice:
    case SYS_copy_file_range:
    case SYS_rt_sigtimedwait:
    case SYS_semtimedop:
    case SYS_msgrcv:
    case SYS_msgsnd:
    case SYS_io_getevents:
#if defined(SYS_epoll_pwait2)
    case SYS_epoll_pwait2:
#endif
#if defined(SYS_io_uring_enter)
    case SYS_io_uring_enter:
#endif
        return SQUALL_INTERRUPT_FORBIDDEN;
    case SYS_read:
    case SYS_readv:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_accept4:
#if defined(SYS_accept)
    case SYS_accept:
#endif
    case SYS_connect: {
        int fd = (int)arguments[0];
        if (has_timeout(fd)) return SQUALL_INTERRUPT_FORBIDDEN;
        // It returns with what has come so far.
        if (number == SYS_recvfrom && arguments[3] & MSG_WAITALL) return SQUALL_INTERRUPT_FORBIDDEN;
        if (number == SYS_recvmsg && arguments[2] & MSG_WAITALL) return SQUALL_INTERRUPT_FORBIDDEN;
        // A read on an inotify descriptor is not restarted either.
        if (number == SYS_read) {
            char link[32], target[32];
            int digits = 0, value = fd, at = 14;
            memcpy(link, "/proc/self/fd/", 14);
            char reversed[12];
            do { reversed[digits++] = (char)('0' + value % 10); value /= 10; } while (value > 0);
            while (digits > 0) link[at++] = reversed[--digits];
            link[at] = 0;
            ssize_t n = readlink(link, target, sizeof target);
            if (n >= 18 && memcmp(target, "anon_inode:inotify", 18) == 0) return SQUALL_INTERRUPT_FORBIDDEN;
        }
        return SQUALL_INTERRUPT_HARMLESS;
    }
    default:
        return SQUALL_INTERRUPT_HARMLESS;
    }
}
#else
struct squall_sample { uintptr_t frames[1]; };
squall_sample *squall_sample_create(void) { return calloc(1, sizeof(squall_sample)); }
void squall_sample_destroy(squall_sample *sample) { free(sample); }
void squall_sample_attach(squall_sample *sample) {}
int squall_sampler_install(void) { return -1; }
int squall_sample_request(squall_sample *sample, int thread_id, const squall_call *call) { return -1; }
int squall_sample_poll(squall_sample *sample) { return -1; }
bool squall_sample_end(squall_sample *sample) { return false; }
void squall_sample_cancel(squall_sample *sample) {}
const uintptr_t *squall_sample_frames(squall_sample *sample) { return sample->frames; }
squall_interruption squall_interruption_of(long number, const uint64_t *arguments) { return SQUALL_INTERRUPT_FORBIDDEN; }
#endif
