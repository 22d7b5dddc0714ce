import Testing

@testable import Squall

@Suite struct HostPatternTests {
    @Test(
        arguments: [
            ("example.com", "example.com", [:]),
            ("example.com", "EXAMPLE.Com", [:]),
            ("Example.COM", "example.com", [:]),
            ("example.com", "example.com:8888", [:]),
            ("example.com", "example.com:", [:]),
            ("example.com", "example.com.", [:]),
            ("example.com", "example.com.:80", [:]),
            ("example.com.", "example.com", [:]),
            ("example.com", "www.example.com", nil),
            ("example.com", "example.com.evil.org", nil),
            ("example.com", "example.community", nil),
            ("example.com", "example", nil),
            ("example.com", "", nil),
            ("example.com", ":80", nil),
            ("example.com", ".", nil),
            ("example.com", "example.com..", nil),
            ("example.com", "example.com:80x", nil),
            ("example.com", "example.com:80:80", nil),
            ("example.com", "example.com/x", nil),
            ("example.com", "user@example.com", nil),
            ("localhost", "localhost:8888", [:]),
            ("127.0.0.1", "127.0.0.1:80", [:]),
            ("[::1]", "[::1]:8888", [:]),
            ("[2001:DB8::1]", "[2001:db8::1]", [:]),
            ("[::1]", "[::2]", nil),
            ("[::1]", "[::1", nil),
            ("[::1]", "[::1]x", nil),
            ("*.example.com", "www.example.com", [:]),
            ("*.example.com", "example.com", nil),
            ("*.example.com", ".example.com", nil),
            ("*.example.com", "a.b.example.com", nil),
            ("{tenant}.example.com", "acme.example.com", ["tenant": "acme"]),
            ("{tenant}.example.com", "ACME.example.com:80", ["tenant": "acme"]),
            ("{tenant}.example.com", "example.com", nil),
            ("{tenant}.example.com", ".example.com", nil),
            ("{tenant}.example.com", "a%2fb.example.com", nil),
            ("{tenant}.example.com", "é.example.com", nil),
            ("{a}.{b}.example.com", "x.y.example.com", ["a": "x", "b": "y"]),
            ("{a}.*.example.com", "x.y.example.com", ["a": "x"]),
            ("*", "anything.example", [:]),
            ("*", "", [:]),
        ] as [(String, String, [String: String]?)])
    func matches(_ source: String, _ host: String, _ values: [String: String]?) throws {
        #expect(try HostPattern(source).match(host) == values)
    }

    @Test(
        arguments: [
            ("", .empty, 1),
            (".", .emptyLabel, 1),
            (".example.com", .emptyLabel, 1),
            ("a..b", .emptyLabel, 3),
            ("example.com:80", .port, 12),
            ("[::1]:80", .port, 6),
            ("[::1", .invalidLabel("[::1"), 1),
            ("api-{x}.example.com", .invalidLabel("api-{x}"), 1),
            ("www*.example.com", .invalidLabel("www*"), 1),
            ("https//example.com", .invalidLabel("https//example"), 1),
            ("www.bücher.example", .notASCII("bücher"), 5),
            ("{}.example.com", .invalidName(""), 1),
            ("{a b}.example.com", .invalidName("a b"), 1),
            ("{a}.{a}.example.com", .duplicateName("a"), 5),
        ] as [(String, HostPatternError.Reason, Int)])
    func refuses(_ source: String, _ reason: HostPatternError.Reason, _ position: Int) {
        #expect(throws: HostPatternError(reason: reason, pattern: source, position: position)) {
            _ = try HostPattern(source)
        }
    }

    @Test func saysWhatToWrite() throws {
        let error = try #require(throws: HostPatternError.self) { _ = try HostPattern("example.com:80") }
        #expect(
            error.description
                == #"host pattern "example.com:80", character 12: a pattern has no port; write the name only"#)
    }

    @Test func equalsByMeaning() throws {
        #expect(try HostPattern("Example.com.") == HostPattern("example.com"))
        #expect(try HostPattern("{a}.example.com") != HostPattern("{b}.example.com"))
        #expect(try HostPattern("{a}.example.com").parameterNames == ["a"])
        #expect(try "\(HostPattern("Example.com"))" == "Example.com")
    }
}
