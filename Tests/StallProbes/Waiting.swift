import Foundation
import Synchronization

// Calls that wait for somebody else, who comes once the stall was reported.

@Sendable @inline(never) func readPipeCase() -> Outcome {
    let pipe = makePipe()
    afterReport { _ = write(pipe.writes, "abc", 3) }
    var bytes = [UInt8](repeating: 0, count: 16)
    return measure(resource: "pipe:[") {
        read(pipe.reads, &bytes, 16)  // GUILTY read-pipe
    }
}

@Sendable @inline(never) func readFIFOCase() -> Outcome {
    let path = temporaryPath("fifo")
    mkfifo(path, 0o600)
    let fd = open(path, O_RDWR)
    afterReport { _ = write(fd, "abc", 3) }
    var bytes = [UInt8](repeating: 0, count: 16)
    return measure(resource: path) {
        read(fd, &bytes, 16)  // GUILTY read-fifo
    }
}

@Sendable @inline(never) func openFIFOCase() -> Outcome {
    let path = temporaryPath("fifo")
    mkfifo(path, 0o600)
    afterReport { _ = open(path, O_WRONLY) }
    var outcome = measure(resource: path) {
        open(path, O_RDONLY)  // GUILTY open-fifo
    }
    outcome.result = outcome.result >= 0 ? 0 : -1
    return outcome
}

/// More than the pipe holds. A signal would have it return with what was taken so far.
@Sendable @inline(never) func writePipeCase() -> Outcome {
    let pipe = makePipe()
    afterReport { drain(pipe.reads) }
    let bytes = [UInt8](repeating: 1, count: 1 << 17)
    return measure(resource: "pipe:[") {
        write(pipe.writes, bytes, bytes.count)  // GUILTY write-pipe
    }
}

@Sendable @inline(never) func sendCase() -> Outcome {
    let (mine, theirs) = makeSocketPair()
    afterReport { drain(theirs) }
    let bytes = [UInt8](repeating: 1, count: 1 << 19)
    return measure(resource: "unix") {
        send(mine, bytes, bytes.count, 0)  // GUILTY send
    }
}

private func drain(_ fd: Int32) {
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    while read(fd, &bytes, bytes.count) > 0 {}
}

@Sendable @inline(never) func recvCase() -> Outcome {
    let (mine, theirs) = makeSocketPair()
    afterReport { _ = write(theirs, "abc", 3) }
    var bytes = [UInt8](repeating: 0, count: 16)
    return measure(resource: "unix") {
        recv(mine, &bytes, 16, 0)  // GUILTY recv
    }
}

/// All sixteen bytes or none. A signal would have it return with the three that have come.
@Sendable @inline(never) func recvAllCase() -> Outcome {
    let (mine, theirs) = makeSocketPair()
    _ = write(theirs, "abc", 3)
    afterReport { _ = write(theirs, "defghijklmnop", 13) }
    var bytes = [UInt8](repeating: 0, count: 16)
    return measure(resource: "unix") {
        recv(mine, &bytes, 16, Int32(MSG_WAITALL))
    }
}

@Sendable @inline(never) func flockCase() -> Outcome {
    let path = temporaryPath("lock")
    let holder = open(path, O_CREAT | O_RDWR, 0o600)
    flock(holder, LOCK_EX)
    let fd = open(path, O_RDWR)
    afterReport { _ = flock(holder, LOCK_UN) }
    return measure(resource: path) {
        flock(fd, LOCK_EX)  // GUILTY flock
    }
}

/// A mutex that another thread holds until the stall was reported. Lives as long as the process.
@Sendable @inline(never) func pthreadMutexCase() -> Outcome {
    nonisolated(unsafe) let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    let isHeld = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
        pthread_mutex_lock(mutex)
        isHeld.signal()
        waitForReport()
        pthread_mutex_unlock(mutex)
    }
    isHeld.wait()
    return measure(resource: "thread") {
        pthread_mutex_lock(mutex)  // GUILTY pthread-mutex
    }
}

private let guarded = Mutex(0)

@Sendable @inline(never) func swiftMutexCase() -> Outcome {
    let isHeld = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
        guarded.withLock { _ in
            isHeld.signal()
            waitForReport()
        }
    }
    isHeld.wait()
    return measure(resource: "thread") {
        guarded.withLock { held in held }  // GUILTY swift-mutex
    }
}

@Sendable @inline(never) func semaphoreCase() -> Outcome {
    nonisolated(unsafe) let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    sem_init(semaphore, 0, 0)
    afterReport { sem_post(semaphore) }
    return measure {
        sem_wait(semaphore)  // GUILTY semaphore
    }
}

private let isComputed = Atomic<Bool>(false)

@Sendable @inline(never) func cpuLoopCase() -> Outcome {
    afterReport { isComputed.store(true, ordering: .releasing) }
    var value = 1
    return measure {
        while !isComputed.load(ordering: .relaxed) { value = value &* 31 &+ 7 }  // GUILTY cpu-loop
        return value == 0 ? 1 : 0
    }
}

@Sendable @inline(never) func waitpidCase() -> Outcome {
    let child = startChild()
    var status: Int32 = 0
    var outcome = measure(resource: "process \(child)") {
        waitpid(child, &status, 0)  // GUILTY waitpid
    }
    outcome.result = outcome.result == Int(child) && status == 0 ? 0 : -1
    return outcome
}

/// The call stands two functions deep, and neither has a frame of its own in a release build.
@Sendable @inline(never) func inlinedCase() -> Outcome {
    let child = startChild()
    var outcome = measure(resource: "process \(child)") {
        inlinedOuter(child)
    }
    outcome.result = outcome.result == Int(child) ? 0 : -1
    return outcome
}

@inline(__always) private func inlinedOuter(_ child: pid_t) -> pid_t {
    let ended = inlinedInner(child)
    return ended == child ? ended : -1
}

@inline(__always) private func inlinedInner(_ child: pid_t) -> pid_t {
    var status: Int32 = 0
    let ended = waitpid(child, &status, 0)  // GUILTY inlined
    return status == 0 ? ended : -1
}

/// `cat`, which ends when its input does: once the stall was reported.
private func startChild() -> pid_t {
    let pipe = makePipe()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, pipe.reads, 0)
    posix_spawn_file_actions_addclose(&actions, pipe.writes)
    var child = pid_t()
    let name = strdup("cat")
    var arguments = [name, nil]
    precondition(posix_spawnp(&child, "cat", &actions, nil, &arguments, environ) == 0)
    afterReport { close(pipe.writes) }
    return child
}

private func waitForReport() {
    let isReported = DispatchSemaphore(value: 0)
    afterReport { isReported.signal() }
    isReported.wait()
}
