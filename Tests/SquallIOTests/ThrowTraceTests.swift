import SquallIO
import Testing

private struct First: Error { var number: Int }
private struct Second: Error { var number: Int }

@inline(never) private func throwFirst(_ number: Int) throws { throw First(number: number) }
@inline(never) private func throwSecond(_ number: Int) throws { throw Second(number: number) }

@Suite struct ThrowTraceTests {
    /// What a stack looks like that this function's throw leaves, without where it was called from.
    private static func throwSite(_ body: (Int) throws -> Void) -> UInt? {
        for attempt in 0..<100 {
            do { try body(attempt) } catch {
                if let site = ThrowTrace.addresses(of: error).first { return site }
            }
        }
        return nil
    }

    @Test func `an error finds its own stack or none, whatever other threads throw`() async throws {
        ThrowTrace.begin()
        // Where nothing is recorded, there is nothing to tell apart.
        guard let first = Self.throwSite(throwFirst), let second = Self.throwSite(throwSecond) else { return }
        #expect(first != second)
        let found = await withTaskGroup(of: (own: Int, others: Int).self) { group in
            for task in 0..<8 {
                group.addTask {
                    var (own, others) = (0, 0)
                    for number in 0..<4_000 {
                        do {
                            // One address after the other is freed and taken again, by errors of both kinds.
                            if (number + task) % 2 == 0 { try throwFirst(number) } else { try throwSecond(number) }
                        } catch {
                            if number % 64 == 0 {
                                // So many others that the ring goes round.
                                for other in 0..<300 { try? throwSecond(other) }
                            }
                            let site = ThrowTrace.addresses(of: error).first
                            if site == nil { continue }
                            if site == (error is First ? first : second) { own += 1 } else { others += 1 }
                        }
                    }
                    return (own, others)
                }
            }
            var sum = (own: 0, others: 0)
            for await part in group { sum = (sum.own + part.own, sum.others + part.others) }
            return sum
        }
        #expect(found.own > 0)
        #expect(found.others == 0)
    }

    @Test func `many that ask for lines at a time hold no thread of the shared pool`() async throws {
        ThrowTrace.begin()
        var addresses: [UInt] = []
        do { try throwFirst(0) } catch { addresses = ThrowTrace.addresses(of: error) }
        // To look up a whole stack takes long, and the tests of the loop run beside this one.
        let asked = addresses.prefix(1)
        try await withThrowingTaskGroup(of: [String].self) { group in
            for index in 0..<64 {
                group.addTask { try await ThrowTrace.frames(asked + [UInt(index)]).map(\.function) }
            }
            #expect(try await BlockingPool.shared.run { 7 } == 7)
            for try await functions in group where !asked.isEmpty {
                #expect(functions.contains { $0.contains("throwFirst") })
            }
        }
    }
}
