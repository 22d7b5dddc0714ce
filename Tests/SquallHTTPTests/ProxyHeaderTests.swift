import SquallHTTP
import Testing

@Suite struct ProxyHeaderTests {
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

    /// A header of version 2, whose length is that of `rest` unless told.
    private static func block(_ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil) -> [UInt8] {
        let length = length ?? rest.count
        return signature + [command, family, UInt8(length >> 8 & 255), UInt8(length & 255)] + rest
    }
    private static func path(_ text: String) -> [UInt8] {
        Array(text.utf8) + [UInt8](repeating: 0, count: 108 - text.utf8.count)
    }
    private static let v4: [UInt8] = [192, 0, 2, 1, 10, 0, 0, 1, 0xdc, 0x04, 0x01, 0xbb]
    private static let v4Header = ProxyHeader(
        source: .ip(.v4(0xc000_0201), port: 56_324), destination: .ip(.v4(0x0a00_0001), port: 443))
    private static let v6: [UInt8] =
        [0x20, 0x01] + [UInt8](repeating: 0, count: 13) + [1] + [UInt8](repeating: 0, count: 15) + [2] + [
            0, 1, 255, 255,
        ]
    private static let v6Header = ProxyHeader(
        source: .ip(.v6(high: 0x2001_0000_0000_0000, low: 1), port: 1),
        destination: .ip(.v6(high: 0, low: 2), port: 65_535))

    private static let good: [(bytes: [UInt8], header: ProxyHeader)] = [
        (Array("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n".utf8), v4Header),
        (Array("PROXY TCP6 2001::1 ::2 1 65535\r\n".utf8), v6Header),
        (
            Array("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n".utf8),
            ProxyHeader(source: .ip(.v4(0), port: 0), destination: .ip(.v4(.max), port: 65_535))
        ),
        (Array("PROXY UNKNOWN\r\n".utf8), ProxyHeader()),
        (Array("PROXY UNKNOWN ffff::1 whatever it is\r\n".utf8), ProxyHeader()),
        (block(0x21, 0x11, v4), v4Header),
        (block(0x21, 0x21, v6), v6Header),
        // Behind the addresses: a checksum, a name, nonsense.
        (block(0x21, 0x11, v4 + [3, 0, 4, 1, 2, 3, 4, 2, 0, 1, 97, 255, 255, 255]), v4Header),
        (block(0x21, 0x31, path("/run/a") + path("")), ProxyHeader(source: .unix("/run/a"), destination: .unix(""))),
        (
            block(0x21, 0x31, path(String(repeating: "a", count: 108)) + path("/b")),
            ProxyHeader(source: .unix(String(repeating: "a", count: 108)), destination: .unix("/b"))
        ),
        (block(0x20, 0x00, []), ProxyHeader()),
        (block(0x20, 0x11, v4), ProxyHeader()),
        (block(0x20, 0xff, [1, 2, 3]), ProxyHeader()),
        (block(0x21, 0x00, []), ProxyHeader()),
        (block(0x21, 0x00, [1, 2, 3]), ProxyHeader()),
        (block(0x21, 0x11, v4 + [UInt8](repeating: 0, count: ProxyHeader.longestBlock - 16 - v4.count)), v4Header),
        (Array("PROXY UNKNOWN ".utf8) + [UInt8](repeating: 97, count: 91) + [13, 10], ProxyHeader()),
    ]

    @Test(arguments: good.indices) func `a header is read, cut wherever it may be`(index: Int) {
        let (bytes, header) = Self.good[index]
        let input = bytes + Array("GET / HTTP/1.1\r\n".utf8)
        for count in 0...input.count {
            var consumed = -1
            let event = ProxyHeader.parse(input.span.extracting(0..<count), consumed: &consumed)
            if count < bytes.count {
                #expect(event == .needMoreInput, "\(count) bytes")
                #expect(consumed == 0)
            } else {
                #expect(event == .header(header), "\(count) bytes")
                #expect(consumed == bytes.count)
            }
        }
    }

    private static let bad: [(bytes: [UInt8], error: ProxyHeaderError)] =
        [
            "GET / HTTP/1.1\r\n", "proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n", "PROXYTCP4 ", "\r\nPROXY ",
            "PRI * HTTP/2.0\r\n\r\n", "\0",
        ].map { (Array($0.utf8), .missing) }
        + [
            "PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n",
            "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n", "PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n",
            "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n",
            "PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 -1 1\r\n",
            "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n",
            "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\r\n", "PROXY TCP4 ::1 ::1 1 1\r\n", "PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n",
            "PROXY TCP4 1.1.1.1 ::1 1 1\r\n", "PROXY TCP4 1.1.1.256 1.1.1.1 1 1\r\n",
            "PROXY TCP4 a.example 1.1.1.1 1 1\r\n",
            "PROXY tcp4 1.1.1.1 1.1.1.1 1 1\r\n", "PROXY UNKNOWNS\r\n", "PROXY TCP6 ::1%lo ::1 1 1\r\n",
        ].map { (Array($0.utf8), .malformed) }
        + [
            (block(0x21, 0x11, Array(v4.dropLast())), .malformed), (block(0x21, 0x21, v4), .malformed),
            (block(0x21, 0x31, path("/a")), .malformed), (block(0x11, 0x11, v4), .malformed),
            (block(0x22, 0x11, v4), .malformed), (block(0x2f, 0x00, []), .malformed),
            (block(0x21, 0x12, v4), .malformed),
            (block(0x21, 0x41, v4), .malformed), (block(0x21, 0x01, v4), .malformed),
            (block(0x31, 0x11, v4), .malformed),
            (Array(signature.dropLast()) + [11], .missing),
            (block(0x21, 0x11, v4, length: ProxyHeader.longestBlock - 15), .tooLong),
            (block(0x20, 0x00, [], length: 65_535), .tooLong),
            (Array("PROXY UNKNOWN ".utf8) + [UInt8](repeating: 97, count: 92) + [13, 10], .tooLong),
            (Array("PROXY TCP4 ".utf8) + [UInt8](repeating: 49, count: 100_000), .tooLong),
        ]

    @Test(arguments: bad.indices) func `anything else is refused, as soon as that is clear`(index: Int) {
        let (bytes, error) = Self.bad[index]
        var failures = 0
        for count in 0...min(bytes.count, 300) {
            var consumed = -1
            let event = ProxyHeader.parse(bytes.span.extracting(0..<count), consumed: &consumed)
            #expect(consumed == 0)
            if event == .failure(error) {
                failures += 1
            } else {
                // Once refused, always refused.
                #expect(event == .needMoreInput)
                #expect(failures == 0)
            }
        }
        #expect(failures > 0, "\(bytes)")
    }

    @Test func `errors say what to do`() {
        #expect("\(ProxyHeaderError.missing)".contains("have the proxy send one"))
        #expect("\(ProxyHeaderError.tooLong)".contains("107 bytes"))
        #expect("\(ProxyHeaderError.malformed)".contains("malformed"))
    }
}
