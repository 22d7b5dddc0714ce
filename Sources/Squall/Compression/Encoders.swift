import CBrotli
import CZlib
import Synchronization

/// Puts a content coding on, in one piece or in several.
protocol ContentEncoder: AnyObject, Sendable {
    /// What comes out once `bytes` went in: all of it if `isLast`, and what the client needs to read so far otherwise.
    func encode(_ bytes: [UInt8], isLast: Bool) -> [UInt8]
}

/// zlib's deflate in gzip's format, of level 6.
final class Deflater: @unchecked Sendable {
    // Of the response that took it from the pool. zlib's state points back to its stream, so the stream stands where it
    // is until the end.
    private let stream: UnsafeMutablePointer<z_stream>

    /// A state has 256 KiB, so those of responses that have ended are kept for others, up to 16 in the process.
    private static let pool = Mutex<[Deflater]>([])
    private static let mostPooled = 16

    /// Nil if there is no memory for it.
    static func take() -> Deflater? { pool.withLock { $0.popLast() } ?? Deflater() }

    static func giveBack(_ deflater: Deflater) {
        guard deflateReset(deflater.stream) == Z_OK else { return }
        pool.withLock { if $0.count < mostPooled { $0.append(deflater) } }
    }

    private init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let size = Int32(MemoryLayout<z_stream>.size)
        guard deflateInit2_(stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
            stream.deallocate()
            return nil
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    func deflate(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
        var output: [UInt8] = []
        bytes.withUnsafeBufferPointer { input in
            var position = 0
            var isDone = false
            while !isDone {
                let taken = min(input.count - position, 1 << 30)
                stream.pointee.next_in = input.baseAddress.map { $0 + position }
                stream.pointee.avail_in = UInt32(taken)
                position += taken
                let flush = position < input.count ? Z_NO_FLUSH : isLast ? Z_FINISH : Z_SYNC_FLUSH
                var isFull = true
                while isFull {
                    output += [UInt8](unsafeUninitializedCapacity: 32_768) { piece, count in
                        stream.pointee.next_out = piece.baseAddress
                        stream.pointee.avail_out = UInt32(piece.count)
                        // It can fail only for arguments that are wrong.
                        _ = CZlib.deflate(stream, flush)
                        count = piece.count - Int(stream.pointee.avail_out)
                        isFull = stream.pointee.avail_out == 0
                    }
                }
                isDone = position >= input.count
            }
            stream.pointee.next_in = nil
            stream.pointee.next_out = nil
        }
        return output
    }
}

/// A ``Deflater`` for the time of a response.
final class GzipEncoder: ContentEncoder {
    private let deflater: Deflater

    init?() {
        guard let deflater = Deflater.take() else { return nil }
        self.deflater = deflater
    }

    deinit { Deflater.giveBack(deflater) }

    func encode(_ bytes: [UInt8], isLast: Bool) -> [UInt8] { deflater.deflate(bytes, isLast: isLast) }
}

/// Brotli's encoder, of quality 4.
final class BrotliEncoder: ContentEncoder, @unchecked Sendable {
    // Of the response that made it.
    private let state: OpaquePointer

    /// Nil if there is no memory for it.
    init?() {
        guard let state = BrotliEncoderCreateInstance(nil, nil, nil) else { return nil }
        self.state = state
        BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, 4)
        // A window of 256 KiB: larger ones cost memory for each response, and gain little with what is made on the fly.
        BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN, 18)
    }

    deinit { BrotliEncoderDestroyInstance(state) }

    func encode(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
        var output: [UInt8] = []
        let operation = isLast ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH
        bytes.withUnsafeBufferPointer { input in
            var inputLeft = input.count
            var nextInput = input.baseAddress
            var isGood = true
            while isGood {
                output += [UInt8](unsafeUninitializedCapacity: 32_768) { piece, count in
                    var outputLeft = piece.count
                    var nextOutput = piece.baseAddress
                    isGood =
                        BrotliEncoderCompressStream(
                            state, operation, &inputLeft, &nextInput, &outputLeft, &nextOutput, nil) != 0
                    count = piece.count - outputLeft
                }
                guard inputLeft > 0 || BrotliEncoderHasMoreOutput(state) != 0 else { break }
            }
        }
        return output
    }
}
