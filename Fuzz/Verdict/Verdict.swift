// Reads inputs from standard input, each after its length as a 32-bit little-endian number, and prints what the
// parser makes of each: `m METHOD TARGET BODY` (body in hexadecimal) for every whole message, then `e` if it waits
// for more or `f STATUS MESSAGE` if it refuses. After a message that closes or upgrades the connection it prints `c`.

import Glibc
import HTTPTypes

private func readExactly(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
        let got = bytes.withUnsafeMutableBytes { buffer in
            read(0, UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).baseAddress, count - filled)
        }
        guard got > 0 else { return nil }
        filled += got
    }
    return bytes
}

private func verdict(_ input: [UInt8]) -> String {
    var parser = HTTP1RequestParser()
    var lines = ""
    var position = 0
    var head: HTTP1RequestHead?
    var body = ""
    while true {
        var consumed = 0
        let event = parser.next(input.span.extracting(position..<input.count), consumed: &consumed)
        switch event {
        case .needMoreInput: return lines + "e\n"
        case .failure(let error): return lines + "f \(error.status) \(error.message)\n"
        case .head(let found):
            head = found
            body = ""
            parser.setBodyLimit(.max)
        case .body(let range):
            for byte in input[position + range.lowerBound..<position + range.upperBound] {
                body += byte < 16 ? "0" + String(byte, radix: 16) : String(byte, radix: 16)
            }
        case .end:
            guard let head else { return lines + "e\n" }
            lines += "m \(head.method.rawValue) \(head.target) \(body)\n"
            if !head.keepAlive || head.upgrade || head.method == .connect { return lines + "c\n" }
            if position + consumed == input.count { return lines + "e\n" }
        }
        position += consumed
    }
}

@main
enum Verdict {
    static func main() {
        while let length = readExactly(4) {
            let count = length.reversed().reduce(0) { $0 << 8 | Int($1) }
            guard let input = readExactly(count) else { return }
            print(verdict(input), terminator: "")
        }
    }
}
