import Foundation
import SquallIO
import Testing

extension OneAtATime {
    @Suite struct WatchTests {
        @Test func `A pipe's bytes are told on the loop`() async throws {
            try await withLoop { loop in
                let ends = try Pipe()
                let log = Log<(text: String, events: IOEvents, isOnLoop: Bool)>()
                let watch = try await loop.watch(ends.reads, for: .read) { events in
                    log.add((ends.readAll(), events, IOLoop.current === loop))
                }
                for (number, text) in ["one", "two", "three"].enumerated() {
                    ends.write(text)
                    let entry = await log.wait(for: number + 1)[number]
                    #expect(entry.text == text && entry.events == .read && entry.isOnLoop)
                }
                watch.cancel()
            }
        }

        @Test func `Readiness is told at every turn while it lasts`() async throws {
            try await withLoop { loop in
                let ends = try Pipe()
                let log = Log<String>()
                let watch = try await loop.watch(ends.reads, for: .read) { _ in log.add(ends.readAll(limit: 1)) }
                ends.write("abcdef")
                #expect(await log.wait(for: 6).prefix(6) == ["a", "b", "c", "d", "e", "f"])
                watch.cancel()
            }
        }

        @Test func `Being writable and the other end's closing are told`() async throws {
            try await withLoop { loop in
                let ends = try Pipe()
                let writable = Log<IOEvents>()
                let first = try await loop.watch(ends.writes, for: .write) { writable.add($0) }
                #expect(await writable.wait(for: 1)[0] == .write)
                first.cancel()

                var pair: [Int32] = [-1, -1]
                try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
                let events = Log<IOEvents>()
                let second = try await loop.watch(pair[0], for: .read) { events.add($0) }
                close(pair[1])
                #expect(await events.wait(for: 1)[0].isSuperset(of: [.read, .hangup]))
                second.cancel()
                await turn(loop)
                close(pair[0])
            }
        }

        @Test func `An update changes what is watched for`() async throws {
            try await withLoop { loop in
                var pair: [Int32] = [-1, -1]
                try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
                let events = Log<IOEvents>()
                let watch = try await loop.watch(pair[0], for: .read) { events.add($0) }
                await turn(loop)
                #expect(events.entries.isEmpty)
                watch.update(.write)
                #expect(await events.wait(for: 1)[0] == .write)
                watch.update([])
                await turn(loop)
                let count = events.entries.count
                await turn(loop)
                #expect(events.entries.count == count)
                #expect(write(pair[1], "x", 1) == 1)
                watch.update([.read, .write])
                #expect(await events.wait(for: count + 1)[count] == [.read, .write])
                watch.cancel()
                await turn(loop)
                close(pair[0])
                close(pair[1])
            }
        }

        @Test func `A cancelled watch is not called, and the descriptor can be watched again`() async throws {
            try await withLoop { loop in
                let ends = try Pipe()
                for round in 0..<20 {
                    let watch = try await loop.watch(ends.reads, for: .read) { _ in Issue.record("called") }
                    watch.cancel()
                    watch.cancel()
                    await turn(loop)
                    ends.write("x")
                    let log = Log<String>()
                    let next = try await loop.watch(ends.reads, for: .read) { _ in log.add(ends.readAll()) }
                    #expect(await log.wait(for: 1) == ["x"], "round \(round)")
                    next.cancel()
                    await turn(loop)
                }
            }
        }

        @Test func `A callback that cancels another descriptor's watch drops its event too`() async throws {
            try await withLoop { loop in
                let calm = Calm()
                for _ in 0..<50 {
                    let ends = [try Pipe(), try Pipe()]
                    let watches = Box<[IOLoop.DescriptorWatch]>([])
                    let called = Log<Int>()
                    for number in 0..<2 {
                        let watch = try await loop.watch(ends[number].reads, for: .read) { _ in
                            called.add(number)
                            for watch in watches.value { watch.cancel() }
                        }
                        watches.update { $0.append(watch) }
                    }
                    // Written in one callback, so that both are found by one wait.
                    loop.addCallback { for pipe in ends { pipe.write("x") } }
                    await called.wait(for: 1)
                    await turn(loop)
                    #expect(called.entries.count == 1 || calm.isDisturbed)
                }
            }
        }

        @Test func `A descriptor cannot be watched twice, nor a regular file or none at all`() async throws {
            try await withLoop { loop in
                let ends = try Pipe()
                let watch = try await loop.watch(ends.reads, for: .read) { _ in }
                await #expect(throws: SystemError("epoll_ctl", code: EEXIST)) {
                    _ = try await loop.watch(ends.reads, for: .read) { _ in }
                }
                watch.cancel()
                let file = open(#filePath, O_RDONLY)
                try #require(file >= 0)
                await #expect(throws: SystemError("epoll_ctl", code: EPERM)) {
                    _ = try await loop.watch(file, for: .read) { _ in }
                }
                close(file)
                await #expect(throws: SystemError("epoll_ctl", code: EBADF)) {
                    _ = try await loop.watch(9_999, for: .read) { _ in }
                }
                await #expect(throws: SystemError("register", code: EBADF)) {
                    _ = try await loop.watch(-1, for: .read) { _ in }
                }
            }
        }

        @Test func `A watch whose callback blocks is not called beside itself, and goes on afterwards`() async throws {
            try await withLoop { loop in
                let ends = try Pipe()
                let gate = Gate()
                let running = Box((now: 0, most: 0))
                let log = Log<String>()
                let takeovers = Stalls.statistics.takeovers
                let watch = try await loop.watch(ends.reads, for: .read) { _ in
                    running.update { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                    gate.block()
                    // Until here the pipe is readable, and would be told again and again.
                    let text = ends.readAll(limit: 1)
                    running.update { $0.now -= 1 }
                    log.add(text)
                }
                ends.write("abc")
                try await waitUntil { Stalls.statistics.takeovers > takeovers }
                for _ in 0..<20 { await turn(loop) }
                watch.update(.read)
                for _ in 0..<20 { await turn(loop) }
                #expect(running.value.most == 1)
                gate.open()
                #expect(await log.wait(for: 3) == ["a", "b", "c"])
                #expect(running.value.most == 1)
                watch.cancel()
            }
        }

        @Test func `A watch that is cancelled while its callback blocks does not come back`() async throws {
            try await withLoop { loop in
                let ends = try Pipe()
                let gate = Gate()
                let log = Log<Int>()
                let takeovers = Stalls.statistics.takeovers
                let watch = try await loop.watch(ends.reads, for: .read) { _ in
                    log.add(1)
                    gate.block()
                }
                ends.write("x")
                try await waitUntil { Stalls.statistics.takeovers > takeovers && log.entries.count == 1 }
                watch.cancel()
                gate.open()
                try await waitUntil { Stalls.statistics.guests == 0 }
                for _ in 0..<20 { await turn(loop) }
                #expect(log.entries == [1])
                let again = Gate()
                let next = try await loop.watch(ends.reads, for: .read) { _ in
                    ends.readAll()
                    again.open()
                }
                await again.wait()
                next.cancel()
            }
        }

        // MARK: signals

        @Test(arguments: [SIGUSR1, SIGUSR2])
        func `A signal is told on the loop, as often as it comes`(_ signal: Int32) async throws {
            try await withLoop { loop in
                let log = Log<Bool>()
                let watch = try await loop.watchSignal(signal) { log.add(IOLoop.current === loop) }
                for count in 1...10 {
                    kill(getpid(), signal)
                    #expect(await log.wait(for: count).last == true)
                }
                watch.cancel()
            }
        }

        @Test func `A signal is watched once in a process, and can be watched again after that`() async throws {
            try await withLoop { loop in
                let first = try await loop.watchSignal(SIGUSR1) {}
                await #expect(throws: SystemError("sigaction", code: EBUSY)) {
                    _ = try await loop.watchSignal(SIGUSR1) {}
                }
                first.cancel()
                let log = Log<Int>()
                let second = try await loop.watchSignal(SIGUSR1) { log.add(1) }
                kill(getpid(), SIGUSR1)
                await log.wait(for: 1)
                second.cancel()
            }
        }

        @Test func `What the process did at the signal before is restored`() async throws {
            try await withLoop { loop in
                signal(SIGUSR2, SIG_IGN)
                let watch = try await loop.watchSignal(SIGUSR2) {}
                var action = sigaction()
                sigaction(SIGUSR2, nil, &action)
                #expect(unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) != 1)
                watch.cancel()
                sigaction(SIGUSR2, nil, &action)
                #expect(unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1)
                signal(SIGUSR2, SIG_DFL)
            }
        }

        @Test(arguments: [0, -1, SIGKILL, SIGSTOP, 65, 1_000])
        func `A signal that cannot be caught is refused`(_ signal: Int32) async throws {
            try await withLoop { loop in
                _ = await #expect(throws: SystemError("sigaction", code: EINVAL)) {
                    _ = try await loop.watchSignal(signal) {}
                }
            }
        }
    }
}

/// Returns when the loop has been through its queues and its poller.
private func turn(_ loop: IOLoop) async {
    let turned = Gate()
    loop.addCallback { loop.addCallback { loop.addCallback { turned.open() } } }
    await turned.wait()
}
