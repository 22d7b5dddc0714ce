/// What an ``HTTP1RequestParser`` accepts at most.
///
/// Every limit is in bytes unless its name says otherwise. A negative limit counts as zero, and one over
/// 1 GiB (2³⁰) counts as 1 GiB, except ``maxBodyBytes``, which may be any `Int`.
public struct HTTP1Limits: Sendable {
    /// Request line, fields and the empty line that ends them. Default 64 KiB. Over it: 414 while the request
    /// line is unfinished, 431 after.
    public var maxHeaderBytes = 65_536

    /// Number of field lines in a head, and in a trailer section. Default 128. Over it: 431.
    public var maxHeaderCount = 128

    /// Body bytes after chunked coding is taken off. Default 1 MiB. Over it: 413.
    ///
    /// It holds for every message for which ``HTTP1RequestParser/setBodyLimit(_:)`` was not called.
    public var maxBodyBytes = 1_048_576

    /// One chunk line: size, extensions and CRLF. Default 4 KiB. Over it: 400.
    public var maxChunkLineBytes = 4_096

    /// The trailer section with its final CRLF. Default 8 KiB. Over it: 431.
    public var maxTrailerBytes = 8_192

    /// The defaults.
    public init() {}
}

/// ``HTTP1Limits`` as the parser keeps them: clamped, and shared by every copy of a parser.
final class HTTP1LimitStore: Sendable {
    let headerBytes: Int
    let headerCount: Int
    let bodyBytes: Int
    let chunkLineBytes: Int
    let trailerBytes: Int

    /// Offsets inside a head are stored as `UInt32`; this cap keeps them far from its end.
    private static let cap = 1 << 30

    init(_ limits: HTTP1Limits) {
        func clamped(_ value: Int) -> Int { min(max(value, 0), Self.cap) }
        headerBytes = clamped(limits.maxHeaderBytes)
        headerCount = clamped(limits.maxHeaderCount)
        bodyBytes = max(limits.maxBodyBytes, 0)
        chunkLineBytes = clamped(limits.maxChunkLineBytes)
        trailerBytes = clamped(limits.maxTrailerBytes)
    }
}
