#define _GNU_SOURCE
#include "CSquall.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>

// The kernel's header for these may be older than the kernel.
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
struct squall_open_how {
    uint64_t flags, mode, resolve;
};
enum { RESOLVE_NO_MAGICLINKS_ = 0x02, RESOLVE_BENEATH_ = 0x08, RESOLVE_CACHED_ = 0x20 };
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

int squall_open_cached(int root, const char *path) {
    struct squall_open_how how = {
        O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0,
        RESOLVE_BENEATH_ | RESOLVE_NO_MAGICLINKS_ | RESOLVE_CACHED_};
    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0) return fd;
    // A kernel without the flag, or without the call, says nothing about the path.
    return errno == ENOSYS || errno == EINVAL || errno == EPERM ? -EAGAIN : -errno;
}

static int open_beneath(int root, const char *path) {
    struct squall_open_how how = {
        O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0, RESOLVE_BENEATH_ | RESOLVE_NO_MAGICLINKS_};
    // A rename somewhere else at the same time makes it try again.
    for (int attempt = 0; attempt < 16; attempt++) {
        int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0) return fd;
        if (errno != EAGAIN && errno != EINTR) return -errno;
    }
    return -EAGAIN;
}

ssize_t squall_read_cached(int fd, void *buffer, size_t count, off_t offset) {
    struct iovec vector = {buffer, count};
    ssize_t result = preadv2(fd, &vector, 1, offset, RWF_NOWAIT);
    return result >= 0 ? result : -errno;
}

// In the kernel since 6.5; its header may be older.
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
struct squall_cache_range {
    uint64_t offset, length;
};
struct squall_cache_counts {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

bool squall_is_cached(int fd, off_t offset, size_t count) {
    off_t page = sysconf(_SC_PAGESIZE);
    off_t end = offset + (off_t)count;
    struct squall_cache_range range = {(uint64_t)offset, count};
    struct squall_cache_counts counts;
    if (syscall(SYS_cachestat, fd, &range, &counts, 0) == 0) {
        return counts.cached >= (uint64_t)((end - 1) / page - offset / page + 1);
    }
    // Where that cannot be asked: a look at each page.
    char byte;
    for (off_t at = offset;; at = at + page < end - 1 ? at + page : end - 1) {
        ssize_t result = squall_read_cached(fd, &byte, 1, at);
        if (result == -EOPNOTSUPP) {
            // What is in memory by nature has no such read, and needs none.
            struct statfs info;
            return fstatfs(fd, &info) == 0 && (info.f_type == 0x01021994 || info.f_type == (long)0x858458f6);
        }
        if (result < 0) return false;
        if (at >= end - 1) return true;
    }
}

ssize_t squall_send_file(int socket, int fd, off_t offset, size_t count) {
    return sendfile(socket, fd, &offset, count);
}
#else
int squall_open_cached(int root, const char *path) { return -EAGAIN; }
static int open_beneath(int root, const char *path) { return -ENOSYS; }
ssize_t squall_read_cached(int fd, void *buffer, size_t count, off_t offset) { return -EAGAIN; }
bool squall_is_cached(int fd, off_t offset, size_t count) { return false; }
ssize_t squall_send_file(int socket, int fd, off_t offset, size_t count) {
    off_t length = (off_t)count;
    if (sendfile(fd, socket, offset, &length, 0, 0) < 0 && length == 0) return -1;
    return (ssize_t)length;
}
#endif

/// Where the system has no such call: one component after the other, and no symlink is followed.
static int walk_beneath(int root, const char *path) {
    char name[NAME_MAX + 1];
    if (*path == '/') return -EXDEV;
    int folder = -1;
    while (true) {
        while (*path == '/') path++;
        size_t length = strcspn(path, "/");
        int parent = folder < 0 ? root : folder;
        bool is_last = path[length] == 0;
        int error = length > NAME_MAX ? ENAMETOOLONG : length == 2 && path[0] == '.' && path[1] == '.' ? EXDEV : 0;
        int fd = -1;
        if (error == 0) {
            memcpy(name, length == 0 ? "." : path, length == 0 ? 1 : length);
            name[length == 0 ? 1 : length] = 0;
            int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
            fd = openat(parent, name, is_last ? flags : flags | O_DIRECTORY);
            if (fd < 0) error = errno;
        }
        if (folder >= 0) close(folder);
        if (fd < 0) return -error;
        if (is_last) return fd;
        folder = fd;
        path += length;
    }
}

int squall_open_beneath(int root, const char *path) {
    int result = open_beneath(root, path);
    return result == -ENOSYS || result == -EINVAL || result == -EPERM ? walk_beneath(root, path) : result;
}

int squall_open_folder(const char *path) {
#if defined(O_PATH)
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
#else
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
#endif
    return fd >= 0 ? fd : -errno;
}

int squall_open_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd >= 0 ? fd : -errno;
}

int squall_file_info(int fd, squall_info *info) {
    struct stat status;
    if (fstat(fd, &status) != 0) return -errno;
    info->is_regular = S_ISREG(status.st_mode);
    info->is_folder = S_ISDIR(status.st_mode);
    info->is_removed = status.st_nlink == 0;
    info->size = status.st_size;
    info->inode = status.st_ino;
    info->device = (uint64_t)status.st_dev;
#if defined(__APPLE__)
    info->modified_seconds = status.st_mtimespec.tv_sec;
    info->modified_nanoseconds = status.st_mtimespec.tv_nsec;
#else
    info->modified_seconds = status.st_mtim.tv_sec;
    info->modified_nanoseconds = status.st_mtim.tv_nsec;
#endif
    return 0;
}

#if defined(__linux__)
ssize_t squall_copy_file_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t count) {
    off_t in = from_offset, out = to_offset;
    return copy_file_range(from, &in, to, &out, count, 0);
}
#endif
