#define _GNU_SOURCE
#include "CSquall.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define SIGNALS 65
// The descriptor plus one, so that zero means none.
static _Atomic int watched[SIGNALS];
static struct sigaction before[SIGNALS];

static void on_signal(int number) {
    int saved = errno;
    int fd = atomic_load(&watched[number]) - 1;
    if (fd >= 0) {
        uint64_t one = 1;
        ssize_t ignored = write(fd, &one, sizeof one);
        (void)ignored;
    }
    errno = saved;
}

int squall_signal_watch(int number, int fd) {
    if (number <= 0 || number >= SIGNALS) return EINVAL;
    int none = 0;
    if (!atomic_compare_exchange_strong(&watched[number], &none, fd + 1)) return EBUSY;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, &action, &before[number]) != 0) {
        int error = errno;
        atomic_store(&watched[number], 0);
        return error;
    }
    return 0;
}

void squall_signal_unwatch(int number) {
    if (number <= 0 || number >= SIGNALS) return;
    sigaction(number, &before[number], NULL);
    atomic_store(&watched[number], 0);
}
