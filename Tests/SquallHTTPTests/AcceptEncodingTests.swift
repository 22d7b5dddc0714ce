import SquallHTTP
import Testing

@Suite struct AcceptEncodingTests {
    @Test(
        arguments: [
            ("gzip", "gzip"), ("br", "br"), ("gzip, br", "br"), ("GZip", "gzip"), ("x-gzip", "gzip"),
            ("gzip, deflate, br, zstd", "br"), ("gzip;q=1.0, br;q=0.5", "gzip"), ("gzip;q=0", nil),
            ("gzip;q=0.000, br;q=0.001", "br"), ("", nil), (" ", nil), ("identity", nil), ("deflate", nil),
            ("*", "br"), ("*;q=0", nil), ("*;q=0, gzip", "gzip"), ("br;q=0, *", "gzip"), ("gzip ; Q=0.5", "gzip"),
            ("gzip; q=0.5 , br;q=0.501", "br"), ("identity;q=1, gzip;q=0.5", nil),
            ("identity;q=0.5, gzip;q=0.5", "gzip"),
            ("identity;q=0, gzip;q=0.1", "gzip"), ("identity;q=0", nil), (",,gzip,,", "gzip"), ("gzip\t;\tq=1", "gzip"),
            // What is malformed says nothing.
            ("gzip;q=2", nil), ("gzip;q=-1", nil), ("gzip;q=0.0001", nil), ("gzip;q=", nil),
            ("gzip;q", nil),
            ("gzip;q=1.5", nil), ("gzip;q=.5", nil), ("gzipp", nil), ("gzi", nil), ("gzip br", nil),
            ("\u{e9}, gzip", "gzip"),
            // The first element for a coding counts.
            ("gzip;q=0, gzip", nil), ("gzip, gzip;q=0", "gzip"),
        ] as [(String, String?)])
    func `the coding that the client likes most is taken`(_ field: String, _ coding: String?) {
        #expect(AcceptHeader(field).preferredCoding(of: ["br", "gzip"]) == coding)
    }

    @Test func `of codings that are liked equally the server's first is taken`() {
        let accept = AcceptHeader("br, gzip")
        #expect(accept.preferredCoding(of: ["gzip", "br"]) == "gzip")
        #expect(accept.preferredCoding(of: ["gzip"]) == "gzip")
        #expect(accept.preferredCoding(of: []) == nil)
        #expect(AcceptHeader("gzip;q=0.123").quality(ofCoding: "gzip") == 123)
    }

    @Test(arguments: [
        String(repeating: ",", count: 65_536), String(repeating: "a,", count: 32_768),
        String(repeating: "gzip;q=0.9,", count: 6_000), String(repeating: "g", count: 65_536),
        String(repeating: ";", count: 65_536), String(repeating: "gzip;q=", count: 9_000),
        String(repeating: "*;q=1 ,", count: 9_000), String(repeating: " ", count: 65_536),
    ])
    func `a long list is read to its end`(_ list: String) {
        #expect(AcceptHeader(list + ", br;q=0, *;q=0, gzip;q=0.9").quality(ofCoding: "br") <= 1_000)
        #expect(AcceptHeader("br," + list).quality(ofCoding: "br") == 1_000)
    }
}
