// The C that Swift cannot import or cannot do in a signal handler. No logic of the loop's.
#ifndef CSQUALL_H
#define CSQUALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

// MARK: epoll and eventfd (Linux)

/// Laid out as the kernel's epoll_event, so that a wait fills an array of these directly.
typedef struct {
    uint32_t events;
    uint64_t data;
}
#if defined(__x86_64__)
__attribute__((packed))
#endif
squall_event;

enum {
    SQUALL_EPOLLIN = 0x001,
    SQUALL_EPOLLOUT = 0x004,
    SQUALL_EPOLLERR = 0x008,
    SQUALL_EPOLLHUP = 0x010,
    SQUALL_EPOLLRDHUP = 0x2000,
    SQUALL_EPOLLEXCLUSIVE = 1 << 28,
    SQUALL_EPOLLONESHOT = 1 << 30,
};
#define SQUALL_EPOLLET 0x80000000u

enum { SQUALL_CTL_ADD = 1, SQUALL_CTL_DEL = 2, SQUALL_CTL_MOD = 3 };

int squall_poll_create(void);
/// How many bytes a socket holds that were not read.
int squall_unread(int fd);
int squall_poll_control(int poller, int operation, int fd, uint32_t events, uint64_t data);
int squall_poll_wait(int poller, squall_event *_Nonnull events, int capacity, int timeout_ms);

int squall_eventfd(void);
void squall_eventfd_signal(int fd);
void squall_eventfd_clear(int fd);

/// accept4 with SOCK_NONBLOCK | SOCK_CLOEXEC.
int squall_accept(int listener, struct sockaddr_storage *_Nonnull address, socklen_t *_Nonnull length);

/// recv and send (without SIGPIPE) that are not points of pthread cancellation, which costs two atomic operations a call.
ssize_t squall_receive(int fd, void *_Nonnull buffer, size_t count);
ssize_t squall_send(int fd, const void *_Nonnull buffer, size_t count);
/// The same, and more follows at once (MSG_MORE).
ssize_t squall_send_more(int fd, const void *_Nonnull buffer, size_t count);

// MARK: files

/// What fstat tells.
typedef struct {
    bool is_regular, is_folder, is_removed;
    int64_t size;
    uint64_t inode, device;
    int64_t modified_seconds, modified_nanoseconds;
} squall_info;

/// These return a descriptor or a negative error number. Opens a folder, to open what is in it.
int squall_open_folder(const char *_Nonnull path);
int squall_open_file(const char *_Nonnull path);
/// Opens what `path` names below `root`, following no link that leads out of it: EXDEV or ELOOP.
int squall_open_beneath(int root, const char *_Nonnull path);
/// The same without reading from the disk: EAGAIN if that would be needed, or if the system cannot do it.
int squall_open_cached(int root, const char *_Nonnull path);
/// Returns 0 or a negative error number.
int squall_file_info(int fd, squall_info *_Nonnull info);
/// Reads what is in memory: the number of bytes, or a negative error number, EAGAIN if the disk would have to be read.
ssize_t squall_read_cached(int fd, void *_Nonnull buffer, size_t count, off_t offset);
/// Whether all of the pages are in memory. `count` is positive.
bool squall_is_cached(int fd, off_t offset, size_t count);
/// sendfile at an offset. Sets errno.
ssize_t squall_send_file(int socket, int fd, off_t offset, size_t count);

// MARK: threads

int squall_thread_id(void);
/// How many processors the process may use.
int squall_available_processors(void);
/// setpriority for one thread. A raised nice value cannot be lowered again without privileges.
int squall_thread_set_nice(int thread_id, int nice);
int squall_thread_nice(int thread_id);
/// The nice value of the process: its main thread's.
int squall_process_nice(void);
/// Nanoseconds of CPU the thread has used, or -1 where that cannot be told.
int64_t squall_thread_cpu_time(int thread_id);
void squall_thread_set_name(const char *_Nonnull name);

/// One pointer a thread, for the loop that runs on it. Never inlined: a task may resume on another thread, and a
/// thread-local's address must not be kept across a suspension.
void *_Nullable squall_thread_context(void);
void squall_thread_set_context(void *_Nullable context);

/// Gives memory that is free back to the system, where the allocator would keep it.
void squall_release_memory(void);

// MARK: permits, which threads wait for

/// A semaphore that holds at most so many permits.
typedef struct squall_permits squall_permits;

squall_permits *_Nonnull squall_permits_create(uint32_t most);
void squall_permits_destroy(squall_permits *_Nonnull permits);
void squall_permits_give(squall_permits *_Nonnull permits);
/// Takes a permit, or waits for one: for so many nanoseconds, or without end if that is negative. False if none came.
bool squall_permits_take(squall_permits *_Nonnull permits, int64_t nanoseconds);

// MARK: sampling a thread's stack

enum { SQUALL_SAMPLE_FRAMES = 96 };

/// One a thread, set up before the thread can be sampled.
typedef struct squall_sample squall_sample;

squall_sample *_Nonnull squall_sample_create(void);
void squall_sample_destroy(squall_sample *_Nonnull sample);
/// Makes `sample` the slot that a signal on the calling thread writes to.
void squall_sample_attach(squall_sample *_Nullable sample);

/// Installs the handler for SIGPROF and loads the unwinder, which the first call may not do in a handler. A handler
/// that was there before is called for signals that are not ours.
int squall_sampler_install(void);
/// A system call that a thread was seen waiting in: what /proc/<pid>/task/<tid>/syscall shows.
typedef struct {
    /// -1 if the thread was running.
    long number;
    uint64_t arguments[6];
    /// The address of the instruction that it returns to.
    uint64_t instruction;
} squall_call;

/// Asks the thread for its stack. Returns 0 if the signal was sent.
int squall_sample_request(squall_sample *_Nonnull sample, int thread_id, const squall_call *_Nonnull call);
/// How many frames were written, or -1 while the thread has not answered.
int squall_sample_poll(squall_sample *_Nonnull sample);
/// For the thread itself, at the end of what was to be sampled: gives up a request that is not answered, and tells
/// whether there is an answer.
bool squall_sample_end(squall_sample *_Nonnull sample);
/// Gives up an unanswered request: a late answer is dropped.
void squall_sample_cancel(squall_sample *_Nonnull sample);
const uintptr_t *_Nonnull squall_sample_frames(squall_sample *_Nonnull sample);

/// What a signal handler must do so that the system call it interrupted goes on as if nothing had happened.
typedef enum {
    SQUALL_INTERRUPT_HARMLESS = 0,  // SA_RESTART restarts it, or it is not interruptible
    SQUALL_INTERRUPT_RESUMED = 1,   // the handler resumes it: it ends at its original time
    SQUALL_INTERRUPT_FORBIDDEN = 2, // would return EINTR: never signal a thread that waits in it
} squall_interruption;

/// `arguments` are the six registers that /proc/<pid>/task/<tid>/syscall shows.
squall_interruption squall_interruption_of(long number, const uint64_t *_Nonnull arguments);

// MARK: signals

/// Has `fd`, an eventfd, written to whenever the signal arrives. Returns 0 or an error number.
int squall_signal_watch(int signal, int fd);
/// Restores what was there before.
void squall_signal_unwatch(int signal);

// MARK: reading another thread's arguments

/// Copies memory of this process that may be gone by now. Returns the number of bytes copied.
size_t squall_copy_memory(void *_Nonnull destination, uint64_t source, size_t count);

// MARK: files

/// copy_file_range, at places that are given.
ssize_t squall_copy_file_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t count);

/// The system call's name, or NULL.
const char *_Nullable squall_syscall_name(long number);

// MARK: errors that are thrown

/// From now on the stack of every error that is thrown is kept, for the last 256. Costs a few microseconds a throw, and no lock.
void squall_record_throws(void);
/// The return addresses at the newest throw of the error whose box is at this address, innermost first; the first two are
/// the recording's own. Returns how many.
int squall_throw_stack(const void *_Nonnull error, uintptr_t *_Nonnull frames, int capacity);

#endif
