import CSquall
import Foundation
import Testing

@testable import SquallIO

extension OneAtATime {
    /// What a route's runs teach. Chaos mode learns nothing.
    @Suite(.enabled(if: !isChaotic)) struct LearningTests {
        init() { Stalls.policy.warmUp = .zero }

        @Test func `A route that waited is sent to the pool, and short runs bring it back`() async throws {
            try await withLoop { loop in
                let profile = DispatchProfile(name: "GET /waits")
                #expect(profile.placement == .loop && profile.stallCount == 0)
                let gate = Gate()
                let ended = Gate()
                Task(executorPreference: RouteContext(loop, profile)) {
                    gate.block()
                    ended.open()
                }
                // Learned while it lasts, before it has ended.
                try await waitUntil { profile.placement == .waiting }
                #expect(!ended.isOpen)
                let thread = await Task(executorPreference: RouteContext(loop, profile)) {
                    #expect(IOLoop.current === loop)
                    return threadName()
                }.value
                #expect(thread == "squall-wait")
                gate.open()
                try await waitUntil { profile.stallCount == 1 }

                var runs = 0
                while profile.placement != .loop {
                    await Task(executorPreference: RouteContext(loop, profile)) {}.value
                    runs += 1
                }
                #expect(runs >= 15)
                try await waitUntil { Stalls.statistics.guests == 0 }
                let back = await Task(executorPreference: RouteContext(loop, profile)) { threadName() }.value
                #expect(back == "squall-loop")
            }
        }

        @Test func `A route that computed is sent to the threads of low priority`() async throws {
            try await withLoop { loop in
                let profile = DispatchProfile(name: "GET /computes")
                let isLearned = Box(false)
                let run = Task(executorPreference: RouteContext(loop, profile)) {
                    var value = 1
                    while !isLearned.value { for _ in 0..<1_000 { value = value &* 31 &+ 7 } }
                    return value
                }
                try await waitUntil { profile.placement == .computing }
                let thread = await Task(executorPreference: RouteContext(loop, profile)) { threadName() }.value
                #expect(thread == "squall-compute")
                isLearned.value = true
                _ = await run.value
            }
        }

        @Test func `A thread of low priority starts none of its like`() async throws {
            try await withLoop { loop in
                let profile = DispatchProfile(name: "GET /computes")
                profile.learn(.computing)
                let (own, started) = try await Task(executorPreference: RouteContext(loop, profile)) {
                    let own = niceness()
                    // A pool that has no thread yet.
                    return (own, try await BlockingPool(threads: 1).run { niceness() })
                }.value
                #expect(own > niceness())
                #expect(started == niceness())
            }
        }

        @Test func `Nothing that is submitted waits beside an idle thread`() async throws {
            try await withLoop { loop in
                let profile = DispatchProfile(name: "GET /computes")
                // As many threads as run at a time, and at least two.
                profile.learn(.computing)
                for _ in 0..<500 {
                    // Two runs end when two others come.
                    let isOver = Box(false)
                    let began = Permits()
                    let before = (0..<2).map { _ in
                        Task(executorPreference: RouteContext(loop, profile)) {
                            began.give()
                            while !isOver.value {}
                        }
                    }
                    for _ in 0..<2 { await Task.detached { _ = began.take() }.value }
                    // The first one ends when the other runs, beside it.
                    let runs = Permits()
                    isOver.value = true
                    let first = Task(executorPreference: RouteContext(loop, profile)) {
                        runs.take(nanoseconds: 5_000_000_000)
                    }
                    let second = Task(executorPreference: RouteContext(loop, profile)) { runs.give() }
                    try #require(await first.value)
                    await second.value
                    for run in before { await run.value }
                }
            }
        }

        @Test func `While one run is stalled the next ones go to the pool, learned or not`() async throws {
            Stalls.policy.warmUp = .seconds(3_600)
            defer { Stalls.policy.warmUp = .zero }
            try await withLoop { loop in
                let profile = DispatchProfile(name: "GET /stalled")
                let gate = Gate()
                let takeovers = Stalls.statistics.takeovers
                let run = Task(executorPreference: RouteContext(loop, profile)) { gate.block() }
                try await waitUntil { Stalls.statistics.takeovers > takeovers }
                let thread = await Task(executorPreference: RouteContext(loop, profile)) { threadName() }.value
                #expect(thread == "squall-unknown")
                #expect(profile.placement == .loop)
                gate.open()
                await run.value
                try await waitUntil { Stalls.statistics.guests == 0 }
                let back = await Task(executorPreference: RouteContext(loop, profile)) { threadName() }.value
                #expect(back == "squall-loop")
            }
        }

        @Test func `Nothing is learned during warm-up, but the loop is rescued`() async throws {
            Stalls.policy.warmUp = .seconds(3_600)
            defer { Stalls.policy.warmUp = .zero }
            try await withLoop { loop in
                let profile = DispatchProfile(name: "GET /warms")
                let gate = Gate()
                let before = Stalls.statistics
                let run = Task(executorPreference: RouteContext(loop, profile)) { gate.block() }
                // Looked into three times by then.
                try await waitUntil { Stalls.statistics.longStalls > before.longStalls }
                #expect(Stalls.statistics.takeovers > before.takeovers)
                gate.open()
                await run.value
                try await waitUntil { profile.stallCount == 1 }
                #expect(profile.placement == .loop)
            }
        }

        @Test func `Runs in the pool that last are counted and reported as well`() async throws {
            let policy = Stalls.policy
            defer { Stalls.policy = policy }
            Stalls.policy.reportAfter = .milliseconds(30)
            try await withLoop { loop in
                let profile = DispatchProfile(name: "GET /pooled")
                profile.learn(.waiting)
                let gate = Gate()
                let sequence = Stalls.reports().next
                let before = Stalls.statistics
                let run = Task(executorPreference: RouteContext(loop, profile)) { gate.block() }
                func report() -> StallReport? {
                    Stalls.reports(since: sequence).reports.first { $0.route == "GET /pooled" }
                }
                try await waitUntil { report() != nil }
                #expect(Stalls.statistics.longStalls > before.longStalls)
                #expect(Stalls.statistics.guests >= 1)
                let found = try #require(report())
                #expect(found.cause == .lock && found.requestsMoved == 0)
                gate.open()
                await run.value
                try await waitUntil { Stalls.statistics.guests == 0 }
            }
        }

        @Test func `Sixteen short runs bring a route back, not fifteen, and a long one starts the count again`() {
            let profile = DispatchProfile(name: "GET /counted")
            profile.learn(.waiting)
            for _ in 0..<15 { profile.poolRunEnded(duration: 1_000) }
            #expect(profile.placement == .waiting)
            profile.poolRunEnded(duration: 1_000_000)
            for _ in 0..<15 { profile.poolRunEnded(duration: 999_999) }
            #expect(profile.placement == .waiting)
            profile.poolRunEnded(duration: 1_000)
            #expect(profile.placement == .loop)
        }

        @Test(arguments: [true, false])
        func `Each relapse doubles the short runs that it takes`(_ isLearnedEarly: Bool) {
            let profile = DispatchProfile(name: "GET /relapses")
            for needed in [16, 32, 64, 128] {
                stall(profile, duration: 20_000_000, isLearnedEarly: isLearnedEarly)
                #expect(profile.placement == .waiting)
                for _ in 0..<needed - 1 { profile.poolRunEnded(duration: 1_000) }
                #expect(profile.placement == .waiting, "\(needed)")
                profile.poolRunEnded(duration: 1_000)
                #expect(profile.placement == .loop, "\(needed)")
            }
        }

        @Test func `A short stall counts from the second one within ten seconds on`() {
            let profile = DispatchProfile(name: "GET /twice")
            stall(profile, duration: 2_000_000, at: 0)
            #expect(profile.placement == .loop)
            stall(profile, duration: 2_000_000, at: 10_000_000_001)
            #expect(profile.placement == .loop)
            stall(profile, duration: 2_000_000, at: 20_000_000_000)
            #expect(profile.placement == .waiting)
            // The first time that it was learned, so sixteen are enough.
            for _ in 0..<16 { profile.poolRunEnded(duration: 1_000) }
            #expect(profile.placement == .loop)
            #expect(profile.stallCount == 3)
        }

        @Test func `What has waited is blamed for it, though it waits for a processor afterwards`() async throws {
            let thread = LoopThread()
            let gate = Gate()
            let began = Box(false)
            let runs = Box(false)
            let isSeen = Box(false)
            #expect(
                startThread(named: "waits") {
                    thread.run {
                        began.value = true
                        gate.block()
                        runs.value = true
                        while !isSeen.value {}
                    }
                })
            defer { isSeen.value = true }
            try await waitUntil { began.value }
            let loop = try IOLoop()
            let start = monotonicNanoseconds()
            let stall = Stall(
                id: 1, subject: TaskContext(loop: loop), thread: thread, isGuest: true, began: start,
                cpuAtBegin: squall_thread_cpu_time(thread.tid), stateAtBegin: UInt8(ascii: "R"), now: start)
            try await waitUntil {
                stall.findCause(monotonicNanoseconds())
                return stall.blame(monotonicNanoseconds()) == .waiting
            }
            gate.open()
            try await waitUntil { runs.value }
            // As if it had lasted: what it has used of that is next to nothing.
            let later = monotonicNanoseconds() + 60_000_000_000
            stall.findCause(later)
            #expect(stall.blame(later) == .waiting)
            // Nothing is settled by that: it may begin to compute.
            #expect(stall.isUnclear)
        }

        @Test func `The machine's fault is not the route's`() {
            let profile = DispatchProfile(name: "GET /innocent")
            profile.guestBegan()
            profile.guestEnded(blame: nil, duration: 50_000_000, now: 0, learning: true)
            #expect(profile.placement == .loop && profile.stallCount == 0)
        }

        @Test func `A route that holds threads is full at the ceiling, every other is not`() async throws {
            let policy = Stalls.policy
            defer { Stalls.policy = policy }
            Stalls.policy.ceiling = 3
            try await withLoop { loop in
                let guilty = DispatchProfile(name: "GET /full")
                let other = DispatchProfile(name: "GET /other")
                let gate = Gate()
                var runs: [Task<Void, Never>] = []
                for count in 1...3 {
                    #expect(!Stalls.isFull(for: guilty))
                    runs.append(Task(executorPreference: RouteContext(loop, guilty)) { gate.block() })
                    try await waitUntil { Stalls.statistics.guests == count }
                }
                #expect(Stalls.isFull(for: guilty))
                #expect(!Stalls.isFull(for: other))
                gate.open()
                for run in runs { await run.value }
                try await waitUntil { Stalls.statistics.guests == 0 }
                #expect(!Stalls.isFull(for: guilty))
            }
        }

        /// A run that stalls, as the watchdog tells of it: at its first look if it lasts, and at its end.
        private func stall(
            _ profile: DispatchProfile, duration: Int64, at now: Int64 = 0, isLearnedEarly: Bool = false
        ) {
            profile.guestBegan()
            if isLearnedEarly { profile.learn(.waiting) }
            profile.guestEnded(blame: .waiting, duration: duration, now: now, learning: true)
        }
    }
}

private final class RouteContext: TaskContext, @unchecked Sendable {
    init(_ loop: IOLoop, _ profile: DispatchProfile) { super.init(loop: loop, profile: profile) }
}

/// The calling thread's nice value.
private func niceness() -> Int32 { getpriority(.init(PRIO_PROCESS.rawValue), 0) }

private func threadName() -> String? {
    try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8).trimmingCharacters(in: .newlines)
}
