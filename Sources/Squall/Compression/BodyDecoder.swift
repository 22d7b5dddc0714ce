import SquallHTTP
import Synchronization

/// Takes the coding off a request's body while it is read, and holds what comes out to its limits.
final class BodyDecoder: Sendable {
    private struct State {
        var decoder: ContentDecoder
        var produced = 0
        var failure: (any Error)?
    }

    /// So much may come out whatever went in: short bodies shrink more than others.
    private static let freeBytes = 65_536

    private let ratio: Int
    /// Nil while somebody reads.
    private let state: Mutex<State?>

    /// Nil if there is no memory for it.
    init?(_ coding: ContentCoding, ratio: Int) {
        guard let decoder = ContentDecoder(coding) else { return nil }
        self.ratio = max(1, ratio)
        state = Mutex(State(decoder: decoder))
    }

    /// The next piece of the body; nil at its end.
    func next(_ exchange: Exchange) async throws -> [UInt8]? {
        let taken = state.withLock { state in
            defer { state = nil }
            return state
        }
        guard var own = taken else { throw ConcurrentReadError() }
        defer { state.withLock { [own] in $0 = own } }
        if let failure = own.failure { throw failure }
        do {
            return try await next(exchange, &own)
        } catch {
            own.failure = error
            throw error
        }
    }

    private func next(_ exchange: Exchange, _ state: inout State) async throws -> [UInt8]? {
        do {
            while true {
                if let piece = try state.decoder.next() {
                    state.produced += piece.count
                    let (limit, overflow) = state.decoder.consumedBytes.multipliedReportingOverflow(by: ratio)
                    if !overflow, state.produced > max(limit, Self.freeBytes) {
                        throw HTTPError.tooLong("the body is compressed more than \(ratio) times; send it as it is")
                    }
                    guard state.produced <= exchange.bodyLimit else {
                        throw HTTPError.tooLong("the body is too long once it is decompressed")
                    }
                    return piece
                }
                guard let chunk = try await exchange.nextRawChunk() else {
                    try state.decoder.finish()
                    return nil
                }
                state.decoder.push(chunk)
            }
        } catch let error as ContentDecodingError {
            throw HTTPError(400, error.message)
        }
    }
}
