#define _GNU_SOURCE
#include "CSquall.h"

#if defined(__linux__)
#include <sys/syscall.h>

#define NAME(call) case SYS_##call: return #call
const char *squall_syscall_name(long number) {
    switch (number) {
        NAME(read); NAME(write); NAME(close); NAME(fstat); NAME(lseek); NAME(mmap); NAME(munmap); NAME(mprotect);
        NAME(ioctl); NAME(pread64); NAME(pwrite64); NAME(readv); NAME(writev); NAME(preadv); NAME(pwritev);
        NAME(nanosleep); NAME(clock_nanosleep); NAME(futex); NAME(flock); NAME(fcntl); NAME(fsync); NAME(fdatasync);
        NAME(truncate); NAME(ftruncate); NAME(openat); NAME(unlinkat); NAME(renameat); NAME(mkdirat); NAME(linkat);
        NAME(getdents64); NAME(statfs); NAME(newfstatat); NAME(statx); NAME(sync); NAME(syncfs); NAME(fallocate);
        NAME(socket); NAME(connect); NAME(accept4); NAME(sendto); NAME(recvfrom); NAME(sendmsg); NAME(recvmsg);
        NAME(recvmmsg); NAME(sendmmsg); NAME(shutdown); NAME(bind); NAME(listen); NAME(sendfile); NAME(splice);
        NAME(tee); NAME(vmsplice); NAME(copy_file_range); NAME(wait4); NAME(waitid); NAME(execve); NAME(clone);
        NAME(ppoll); NAME(pselect6); NAME(epoll_pwait); NAME(restart_syscall); NAME(semop); NAME(semtimedop);
        NAME(msgrcv); NAME(msgsnd); NAME(rt_sigtimedwait); NAME(rt_sigsuspend); NAME(madvise); NAME(msync);
        NAME(io_getevents); NAME(getrandom); NAME(sched_yield); NAME(mlock); NAME(mremap); NAME(mq_timedreceive);
        NAME(mq_timedsend); NAME(mount); NAME(tgkill); NAME(kill); NAME(exit_group);
#if defined(__x86_64__)
        NAME(open); NAME(stat); NAME(lstat); NAME(poll); NAME(select); NAME(pause); NAME(epoll_wait); NAME(access);
        NAME(rename); NAME(unlink); NAME(mkdir); NAME(rmdir); NAME(accept); NAME(fork); NAME(vfork); NAME(readlink);
        NAME(getdents); NAME(creat); NAME(link); NAME(symlink); NAME(chmod); NAME(chown); NAME(dup2);
#endif
#if defined(SYS_io_uring_enter)
        NAME(io_uring_enter);
#endif
#if defined(SYS_epoll_pwait2)
        NAME(epoll_pwait2);
#endif
#if defined(SYS_clone3)
        NAME(clone3);
#endif
    default:
        return 0;
    }
}
#else
const char *squall_syscall_name(long number) { return 0; }
#endif
