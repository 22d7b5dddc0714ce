import SquallIO

/// A body that is known in length and can be read from any place, so that a client can have parts of it.
///
/// ``OpenFile`` is one, and so is an array of bytes. What comes from elsewhere, such as an object store, can be made one:
/// see ``RequestHandler/send(_:)``.
public protocol SeekableBody: Sendable {
    /// How long it is. It must not change while it is sent.
    var byteCount: Int { get }

    /// A part of it, at most 64 KiB at a time.
    /// - Parameter range: within ``byteCount``, not empty.
    func bytes(in range: Range<Int>) async throws -> [UInt8]
}

extension OpenFile: SeekableBody {}

extension Array: SeekableBody where Element == UInt8 {
    public var byteCount: Int { count }
    public func bytes(in range: Range<Int>) -> [UInt8] { Array(self[range.clamped(to: 0..<count)]) }
}

/// Parts of a file, each with what stands before it, and what stands after the last.
struct FileParts: Sendable {
    struct Part {
        var head: [UInt8]
        var range: Range<Int>
    }
    let file: OpenFile
    var parts: [Part]
    var tail: [UInt8] = []

    var byteCount: Int { parts.reduce(tail.count) { $0 + $1.head.count + $1.range.count } }
}
