#define _GNU_SOURCE
#include "CSquall.h"

#if defined(__linux__)
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(squall_event) == sizeof(struct epoll_event), "squall_event must be epoll_event");

int squall_poll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int squall_poll_control(int poller, int operation, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(poller, operation, fd, &event);
}

int squall_poll_wait(int poller, squall_event *events, int capacity, int timeout_ms) {
    return epoll_wait(poller, (struct epoll_event *)events, capacity, timeout_ms);
}

int squall_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void squall_eventfd_signal(int fd) {
    uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void squall_eventfd_clear(int fd) {
    uint64_t value;
    while (read(fd, &value, sizeof value) < 0 && errno == EINTR) {
    }
}

int squall_accept(int listener, struct sockaddr_storage *address, socklen_t *length) {
    return accept4(listener, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

ssize_t squall_receive(int fd, void *buffer, size_t count) {
    return syscall(SYS_recvfrom, fd, buffer, count, 0, (void *)0, (void *)0);
}

int squall_unread(int fd) {
    int count = 0;
    return ioctl(fd, FIONREAD, &count) == 0 ? count : 0;
}

ssize_t squall_send(int fd, const void *buffer, size_t count) {
    return syscall(SYS_sendto, fd, buffer, count, MSG_NOSIGNAL, (void *)0, 0);
}

ssize_t squall_send_more(int fd, const void *buffer, size_t count) {
    return syscall(SYS_sendto, fd, buffer, count, MSG_NOSIGNAL | MSG_MORE, (void *)0, 0);
}
#endif
