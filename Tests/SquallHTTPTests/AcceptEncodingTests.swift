import SquallHTTP
import Testing

@Suite struct AcceptEncodingTests {
    @Test(
        arguments: [
            ("gzip", .gzip), ("br", .brotli), ("gzip, br", .brotli), ("GZip", .gzip), ("x-gzip", .gzip),
            ("gzip, deflate, br, zstd", .brotli), ("gzip;q=1.0, br;q=0.5", .gzip), ("gzip;q=0", nil),
            ("gzip;q=0.000, br;q=0.001", .brotli), ("", nil), (" ", nil), ("identity", nil), ("deflate", nil),
            ("*", .brotli), ("*;q=0", nil), ("*;q=0, gzip", .gzip), ("br;q=0, *", .gzip), ("gzip ; Q=0.5", .gzip),
            ("gzip; q=0.5 , br;q=0.501", .brotli), ("identity;q=1, gzip;q=0.5", nil),
            ("identity;q=0.5, gzip;q=0.5", .gzip),
            ("identity;q=0, gzip;q=0.1", .gzip), ("identity;q=0", nil), (",,gzip,,", .gzip), ("gzip\t;\tq=1", .gzip),
            // What is malformed says nothing.
            ("gzip;q=2", nil), ("gzip;q=-1", nil), ("gzip;q=0.0001", nil), ("gzip;q=", nil), ("gzip;", nil),
            ("gzip;q", nil),
            ("gzip;q=1.5", nil), ("gzip;q=.5", nil), ("gzip;x=1", nil), ("gzipp", nil), ("gzi", nil), ("gzip br", nil),
            ("gzip;q=0.5;q=1", nil), ("\u{e9}, gzip", .gzip),
            // The first element for a coding counts.
            ("gzip;q=0, gzip", nil), ("gzip, gzip;q=0", .gzip),
        ] as [(String, AcceptEncoding.Coding?)])
    func `the coding that the client likes most is taken`(_ field: String, _ coding: AcceptEncoding.Coding?) {
        #expect(AcceptEncoding(field).preferred(of: [.brotli, .gzip]) == coding)
    }

    @Test func `of codings that are liked equally the server's first is taken`() {
        let accept = AcceptEncoding("br, gzip")
        #expect(accept.preferred(of: [.gzip, .brotli]) == .gzip)
        #expect(accept.preferred(of: [.gzip]) == .gzip)
        #expect(accept.preferred(of: []) == nil)
        #expect(AcceptEncoding("gzip;q=0.123").quality(of: .gzip) == 123)
    }

    @Test(arguments: [
        String(repeating: ",", count: 65_536), String(repeating: "a,", count: 32_768),
        String(repeating: "gzip;q=0.9,", count: 6_000), String(repeating: "g", count: 65_536),
        String(repeating: ";", count: 65_536), String(repeating: "gzip;q=", count: 9_000),
        String(repeating: "*;q=1 ,", count: 9_000), String(repeating: " ", count: 65_536),
    ])
    func `a long list is read to its end`(_ list: String) {
        #expect(AcceptEncoding(list + ", br;q=0, *;q=0, gzip;q=0.9").quality(of: .brotli) <= 1_000)
        #expect(AcceptEncoding("br," + list).quality(of: .brotli) == 1_000)
    }
}
