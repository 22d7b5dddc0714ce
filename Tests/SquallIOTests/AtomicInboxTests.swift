import Foundation
import Testing

@testable import SquallIO

@Suite struct AtomicInboxTests {
    @Test func `What one thread adds is taken in its order, and nothing is lost`() async {
        let inbox = AtomicInbox<(producer: Int, number: Int)>()
        let (producers, each) = (4, 20_000)
        let started = Permits()
        for producer in 0..<producers {
            Thread.detachNewThread {
                started.give()
                for number in 0..<each { inbox.push((producer, number)) }
            }
        }
        let taken = Task.detached {
            var next = Array(repeating: 0, count: producers)
            var isInOrder = true
            while next.reduce(0, +) < producers * each {
                inbox.takeAll { element in
                    if element.number != next[element.producer] { isInOrder = false }
                    next[element.producer] += 1
                }
                await Task.yield()
            }
            return isInOrder
        }
        #expect(await taken.value)
        #expect(inbox.isEmpty)
    }

    @Test func `Closed when empty, it tells the one who adds to it next`() {
        let inbox = AtomicInbox<Int>()
        inbox.push(1)
        #expect(!inbox.close())
        var taken: [Int] = []
        inbox.takeAll { taken.append($0) }
        #expect(inbox.close())
        #expect(inbox.isEmpty)
        inbox.takeAll { taken.append($0) }
        #expect(inbox.push(2))
        #expect(!inbox.push(3))
        inbox.takeAll { taken.append($0) }
        #expect(taken == [1, 2, 3])
    }

    @Test func `What is left in it is let go of with it`() {
        final class Element: Sendable {}
        weak var left: Element?
        do {
            let element = Element()
            left = element
            let inbox = AtomicInbox<Element>()
            inbox.push(element)
            inbox.push(element)
        }
        #expect(left == nil)
    }
}

@Suite struct PermitsTests {
    @Test func `Each permit lets one through, and none is lost`() async {
        let permits = Permits()
        let passed = Permits()
        let (threads, each) = (4, 5_000)
        for _ in 0..<threads {
            Thread.detachNewThread {
                for _ in 0..<each { permits.take() }
                passed.give()
            }
        }
        for _ in 0..<threads {
            Thread.detachNewThread { for _ in 0..<each { permits.give() } }
        }
        for _ in 0..<threads { #expect(passed.take(nanoseconds: 60_000_000_000)) }
        #expect(!permits.take(nanoseconds: 0))
    }

    @Test func `No more are kept than it holds`() {
        let permits = Permits(atMost: 2)
        for _ in 0..<5 { permits.give() }
        #expect(permits.take(nanoseconds: 0))
        #expect(permits.take(nanoseconds: 0))
        #expect(!permits.take(nanoseconds: 1_000_000))
    }
}
