import CBrotli
import CZlib

/// Puts a coding on: `gzip`, `deflate` or `br`.
func compressed(_ bytes: [UInt8], _ coding: String) -> [UInt8] {
    if coding == "br" {
        var output = [UInt8](repeating: 0, count: bytes.count + 1_024)
        var size = output.count
        BrotliEncoderCompress(5, 18, BROTLI_MODE_GENERIC, bytes.count, bytes, &size, &output)
        return Array(output[..<size])
    }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    defer { stream.deallocate() }
    stream.initialize(to: z_stream())
    let bits: Int32 = coding == "gzip" ? 31 : 15
    deflateInit2_(stream, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(stream) }
    var output = [UInt8](repeating: 0, count: Int(deflateBound(stream, UInt(bytes.count))) + 64)
    let size = output.count
    bytes.withUnsafeBufferPointer { input in
        output.withUnsafeMutableBufferPointer { output in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(input.count)
            stream.pointee.next_out = output.baseAddress
            stream.pointee.avail_out = UInt32(size)
            _ = deflate(stream, Z_FINISH)
        }
    }
    return Array(output[..<(size - Int(stream.pointee.avail_out))])
}

/// Takes gzip or Brotli off what has come so far. Nil if it is no such thing.
func decompressed(_ bytes: [UInt8], _ coding: String) -> [UInt8]? {
    var output = [UInt8](repeating: 0, count: 16 << 20)
    let capacity = output.count
    if coding == "br" {
        guard let state = BrotliDecoderCreateInstance(nil, nil, nil) else { return nil }
        defer { BrotliDecoderDestroyInstance(state) }
        return bytes.withUnsafeBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                var (inputLeft, outputLeft) = (input.count, capacity)
                var (nextInput, nextOutput) = (input.baseAddress, output.baseAddress)
                let result = BrotliDecoderDecompressStream(
                    state, &inputLeft, &nextInput, &outputLeft, &nextOutput, nil)
                guard result != BROTLI_DECODER_RESULT_ERROR, inputLeft == 0 else { return nil }
                return Array(output[..<(capacity - outputLeft)])
            }
        }
    }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    defer { stream.deallocate() }
    stream.initialize(to: z_stream())
    inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    defer { inflateEnd(stream) }
    return bytes.withUnsafeBufferPointer { input in
        output.withUnsafeMutableBufferPointer { output in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(input.count)
            stream.pointee.next_out = output.baseAddress
            stream.pointee.avail_out = UInt32(capacity)
            let result = inflate(stream, Z_SYNC_FLUSH)
            guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR, stream.pointee.avail_in == 0 else {
                return nil
            }
            return Array(output[..<(capacity - Int(stream.pointee.avail_out))])
        }
    }
}
