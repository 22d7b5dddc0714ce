import Foundation

// Calls that end by themselves, at a time of their own: 400 ms.

private let length = 400_000_000

@Sendable @inline(never) func usleepCase() -> Outcome {
    measure {
        usleep(UInt32(length / 1_000))  // GUILTY usleep
    }
}

@Sendable @inline(never) func threadSleepCase() -> Outcome {
    measure {
        Thread.sleep(forTimeInterval: 0.4)  // GUILTY thread-sleep
        return 0
    }
}

@Sendable @inline(never) func nanosleepCase() -> Outcome {
    var wanted = timespec(tv_sec: 0, tv_nsec: length)
    // Written to only if the sleep is cut short.
    var left = timespec(tv_sec: 7, tv_nsec: 7)
    var outcome = measure {
        nanosleep(&wanted, &left)  // GUILTY nanosleep
    }
    outcome.remaining = Int64(left.tv_sec) * 1_000_000_000 + Int64(left.tv_nsec)
    return outcome
}

/// Through libc's `syscall`, where the call's number is not written beside its instruction.
@Sendable @inline(never) func nanosleepGenericCase() -> Outcome {
    typealias Call = @convention(c) (Int, UnsafePointer<timespec>, UnsafeMutablePointer<timespec>) -> Int
    let syscall = function("syscall", as: Call.self)
    var wanted = timespec(tv_sec: 0, tv_nsec: length)
    var left = timespec(tv_sec: 7, tv_nsec: 7)
    #if arch(x86_64)
    let number = 35
    #else
    let number = 101
    #endif
    var outcome = measure {
        syscall(number, &wanted, &left)  // GUILTY nanosleep-generic
    }
    outcome.remaining = Int64(left.tv_sec) * 1_000_000_000 + Int64(left.tv_nsec)
    return outcome
}

@Sendable @inline(never) func clockNanosleepRelativeCase() -> Outcome {
    var wanted = timespec(tv_sec: 0, tv_nsec: length)
    var left = timespec(tv_sec: 7, tv_nsec: 7)
    var outcome = measure {
        clock_nanosleep(CLOCK_MONOTONIC, 0, &wanted, &left)  // GUILTY clock-nanosleep-relative
    }
    outcome.remaining = Int64(left.tv_sec) * 1_000_000_000 + Int64(left.tv_nsec)
    return outcome
}

@Sendable @inline(never) func clockNanosleepAbsoluteCase() -> Outcome {
    let end = Int(nanoseconds()) + length
    var deadline = timespec(tv_sec: end / 1_000_000_000, tv_nsec: end % 1_000_000_000)
    return measure {
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nil)  // GUILTY clock-nanosleep-absolute
    }
}

@Sendable @inline(never) func pollCase() -> Outcome {
    let pipe = makePipe()
    var watched = pollfd(fd: pipe.reads, events: Int16(POLLIN), revents: 0)
    return measure {
        poll(&watched, 1, Int32(length / 1_000_000))  // GUILTY poll
    }
}

@Sendable @inline(never) func ppollCase() -> Outcome {
    let pipe = makePipe()
    var watched = pollfd(fd: pipe.reads, events: Int16(POLLIN), revents: 0)
    var timeout = timespec(tv_sec: 0, tv_nsec: length)
    typealias Call =
        @convention(c) (
            UnsafeMutablePointer<pollfd>, UInt, UnsafePointer<timespec>, UnsafePointer<sigset_t>?
        ) -> Int32
    let ppoll = function("ppoll", as: Call.self)
    return measure {
        ppoll(&watched, 1, &timeout, nil)  // GUILTY ppoll
    }
}

@Sendable @inline(never) func selectCase() -> Outcome {
    var timeout = timeval(tv_sec: 0, tv_usec: length / 1_000)
    var outcome = measure {
        select(0, nil, nil, nil, &timeout)  // GUILTY select
    }
    outcome.remaining = Int64(timeout.tv_sec) * 1_000_000_000 + Int64(timeout.tv_usec) * 1_000
    return outcome
}

@Sendable @inline(never) func pselectCase() -> Outcome {
    var timeout = timespec(tv_sec: 0, tv_nsec: length)
    return measure {
        pselect(0, nil, nil, nil, &timeout, nil)  // GUILTY pselect
    }
}

/// A signal would end it, and what is left of its time cannot be told: it has to be named without a stack.
@Sendable @inline(never) func epollWaitCase() -> Outcome {
    let poller = function("epoll_create1", as: (@convention(c) (Int32) -> Int32).self)(0)
    typealias Call = @convention(c) (Int32, UnsafeMutableRawPointer, Int32, Int32) -> Int32
    let wait = function("epoll_wait", as: Call.self)
    var event: (UInt64, UInt64) = (0, 0)
    return measure(resource: "eventpoll") {
        wait(poller, &event, 1, Int32(length / 1_000_000))
    }
}

/// A socket's own timeout is not resumed after a signal either.
@Sendable @inline(never) func recvTimeoutCase() -> Outcome {
    let (mine, _) = makeSocketPair()
    var timeout = timeval(tv_sec: 0, tv_usec: length / 1_000)
    setsockopt(mine, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var byte: UInt8 = 0
    return measure(resource: "unix") {
        recv(mine, &byte, 1, 0)
    }
}

@Sendable @inline(never) func conditionTimeoutCase() -> Outcome {
    var mutex = pthread_mutex_t()
    var condition = pthread_cond_t()
    pthread_mutex_init(&mutex, nil)
    pthread_cond_init(&condition, nil)
    pthread_mutex_lock(&mutex)
    var deadline = wallClock(in: length)
    return measure {
        pthread_cond_timedwait(&condition, &mutex, &deadline)  // GUILTY condition-timeout
    }
}

@Sendable @inline(never) func semaphoreTimeoutCase() -> Outcome {
    var semaphore = sem_t()
    sem_init(&semaphore, 0, 0)
    var deadline = wallClock(in: length)
    return measure {
        sem_timedwait(&semaphore, &deadline)  // GUILTY semaphore-timeout
    }
}

/// A function of libc's that Swift does not import.
private func function<T>(_ name: String, as type: T.Type) -> T { unsafeBitCast(dlsym(nil, name), to: type) }

private func wallClock(in length: Int) -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    time.tv_nsec += length
    time.tv_sec += time.tv_nsec / 1_000_000_000
    time.tv_nsec %= 1_000_000_000
    return time
}
