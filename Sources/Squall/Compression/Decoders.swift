import CBrotli
import CZlib

/// zlib's inflate, for gzip of any number of members (RFC 1952) and for zlib's format (RFC 1950).
final class Inflater: @unchecked Sendable {
    // Of whoever reads the body: one reader at a time, see `BodyDecoder`. zlib's state points back to its stream, so
    // the stream stands where it is until the end.
    private let stream: UnsafeMutablePointer<z_stream>
    private let isGzip: Bool
    /// Behind the end of the stream, or of a member.
    private(set) var isAtEnd = false
    private var mayHaveMore = false

    init?(isGzip: Bool) {
        self.isGzip = isGzip
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let windowBits: Int32 = isGzip ? 15 + 16 : 15
        guard inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            stream.deallocate()
            return nil
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Takes what it can from `input` at `position`, and returns up to a piece of output. Empty: all input is taken.
    func decode(_ input: [UInt8], _ position: inout Int) throws(ContentDecodingError) -> [UInt8] {
        var status = Z_OK
        var isGarbage = false
        let output = [UInt8](unsafeUninitializedCapacity: ContentDecoder.pieceBytes) { output, count in
            input.withUnsafeBufferPointer { input in
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                while status == Z_OK, stream.pointee.avail_out > 0, position < input.count || mayHaveMore {
                    if isAtEnd {
                        guard isGzip else {
                            isGarbage = true
                            break
                        }
                        inflateReset(stream)
                        isAtEnd = false
                    }
                    let taken = min(input.count - position, 1 << 30)
                    stream.pointee.next_in = input.baseAddress.map { $0 + position }
                    stream.pointee.avail_in = UInt32(taken)
                    status = inflate(stream, Z_NO_FLUSH)
                    position += taken - Int(stream.pointee.avail_in)
                    mayHaveMore = stream.pointee.avail_out == 0
                    if status == Z_STREAM_END {
                        isAtEnd = true
                        mayHaveMore = false
                        status = Z_OK
                    }
                }
                count = output.count - Int(stream.pointee.avail_out)
                // The pointers are for the time of the calls.
                stream.pointee.next_in = nil
                stream.pointee.avail_in = 0
                stream.pointee.next_out = nil
                stream.pointee.avail_out = 0
            }
        }
        // Z_BUF_ERROR: nothing to do without more input.
        guard !isGarbage, status == Z_OK || status == Z_BUF_ERROR else {
            throw ContentDecodingError(message: "the body is not what its Content-Encoding says")
        }
        return output
    }
}

/// Brotli's decoder (RFC 7932).
final class BrotliDecoder: @unchecked Sendable {
    // Of whoever reads the body: one reader at a time, see `BodyDecoder`.
    private let state: OpaquePointer
    var isAtEnd: Bool { BrotliDecoderIsFinished(state) != 0 }

    init?() {
        guard let state = BrotliDecoderCreateInstance(nil, nil, nil) else { return nil }
        self.state = state
    }

    deinit { BrotliDecoderDestroyInstance(state) }

    /// As ``Inflater/decode(_:_:)``.
    func decode(_ input: [UInt8], _ position: inout Int) throws(ContentDecodingError) -> [UInt8] {
        var isGood = true
        let output = [UInt8](unsafeUninitializedCapacity: ContentDecoder.pieceBytes) { output, count in
            input.withUnsafeBufferPointer { input in
                guard !isAtEnd || position < input.count else { return }
                guard !isAtEnd else {
                    isGood = false
                    return
                }
                var (inputLeft, outputLeft) = (input.count - position, output.count)
                var nextInput = input.baseAddress.map { $0 + position }
                var nextOutput = output.baseAddress
                let result = BrotliDecoderDecompressStream(
                    state, &inputLeft, &nextInput, &outputLeft, &nextOutput, nil)
                position = input.count - inputLeft
                count = output.count - outputLeft
                isGood =
                    result != BROTLI_DECODER_RESULT_ERROR
                    && !(result == BROTLI_DECODER_RESULT_SUCCESS && inputLeft > 0)
            }
        }
        guard isGood else {
            throw ContentDecodingError(message: "the body is not what its Content-Encoding says")
        }
        return output
    }
}
