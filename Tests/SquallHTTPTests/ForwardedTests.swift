import SquallHTTP
import Testing

@Suite struct ForwardedTests {
    private static func element(
        node: String? = nil, by: String? = nil, host: String? = nil, proto: String? = nil
    ) -> ForwardedElement {
        var element = ForwardedElement()
        (element.node, element.by, element.host, element.proto) = (node, by, host, proto)
        return element
    }

    // Those of RFC 7239, and what a list may have besides.
    @Test(arguments: [
        ("for=\"_gazonk\"", [element(node: "_gazonk")]),
        ("For=\"[2001:db8:cafe::17]:4711\"", [element(node: "[2001:db8:cafe::17]:4711")]),
        (
            "for=192.0.2.60;proto=http;by=203.0.113.43",
            [element(node: "192.0.2.60", by: "203.0.113.43", proto: "http")]
        ),
        ("for=192.0.2.43, for=198.51.100.17", [element(node: "192.0.2.43"), element(node: "198.51.100.17")]),
        ("proto=https ; HOST=\"a.example:8443\"", [element(host: "a.example:8443", proto: "https")]),
        ("for=\"a\\\"\\\\b\"", [element(node: "a\"\\b")]),
        ("for=unknown;secret=x", [element(node: "unknown")]),
        (", ,for=a,", [element(node: "a")]),
        (";for=a;;", [element(node: "a")]),
        ("for=\"\"", [element(node: "")]),
        ("", []), (" , ", []),
    ]) func `elements are read`(text: String, elements: [ForwardedElement]) {
        let (found, isWhole) = ForwardedElement.nearestFirst(text)
        #expect(found == elements.reversed() && isWhole)
    }

    @Test(arguments: [
        "for", "for=", "\"", "for=\"\\\"", "a\"b,c\"", "=a", "for =a", "for= a", "for=a b", "for=\"a", "for=\"a\\",
        "for=\"a\"b", "for=a;for=b",
        "for=[::1]",
        "for=1.2.3.4:80", "for=a=b", "for=<script>", "for=\"a\u{1}\"", "for=\u{e9}", "(comment)", "for=a, \"",
        "for=a/b",
    ]) func `what is malformed is none, and leaves what stands right of it`(text: String) {
        #expect(ForwardedElement.nearestFirst(text) == ([], isWhole: false))
        for added in ["for=z;host=\"a,b\\\"\\\\\"", "for=\"z\"", "for=z"] {
            let (elements, isWhole) = ForwardedElement.nearestFirst("for=y, \(text), \(added)")
            #expect(elements.map(\.node) == ["z"] && !isWhole)
        }
    }

    @Test(arguments: [
        ("192.0.2.43", ForwardedNode.address(.v4(0xc000_022b), port: 0)),
        ("192.0.2.43:47011", .address(.v4(0xc000_022b), port: 47_011)),
        ("192.0.2.43:_port", .address(.v4(0xc000_022b), port: 0)),
        ("[::1]", .address(.v6(high: 0, low: 1), port: 0)),
        ("[::1]:65535", .address(.v6(high: 0, low: 1), port: 65_535)),
        ("unknown", .unknown), ("UNKNOWN:80", .unknown), ("_a.B-1", .obfuscated("_a.B-1")),
        ("_a:_b", .obfuscated("_a")),
    ]) func `a node is read`(text: String, node: ForwardedNode) {
        #expect(ForwardedNode(text) == node)
    }

    @Test(arguments: [
        "", "::1", "[::1", "[]", "[1.2.3.4]", "[::1]80", "[::1]:", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:000001",
        "1.2.3.4:a",
        "1.2.3.4:_", "1.2.3.4:_a/b", "_", "_a b", "_<", "localhost", "unknown2", "[_a]", "[unknown]", " 1.2.3.4",
        "1.2.3.4:80:80",
        String(repeating: "_", count: 256),
    ]) func `anything else is no node`(text: String) {
        #expect(ForwardedNode(text) == nil)
    }

    @Test func `an entry of X-Forwarded-For is an address, with or without a port`() {
        #expect(ForwardedNode.address("::1") == .address(.v6(high: 0, low: 1), port: 0))
        #expect(ForwardedNode.address("[::1]:80") == .address(.v6(high: 0, low: 1), port: 80))
        #expect(ForwardedNode.address("1.2.3.4:80") == .address(.v4(0x0102_0304), port: 80))
        for text in ["unknown", "_a", "4.4.4.4<script>", "www.google.com", ""] {
            #expect(ForwardedNode.address(text) == nil)
        }
    }

    @Test func `long fields take linear time`() {
        for piece in ["for=a,", ";", ",", "for=\"\\\\\",", "a=b;", " ", "\"", "\\", "\\\"", "\\\\\"", ",\""] {
            _ = ForwardedElement.nearestFirst(String(repeating: piece, count: 100_000))
        }
        let open = ForwardedElement.nearestFirst("for=\"" + String(repeating: "\\a", count: 200_000))
        #expect(open.elements.isEmpty && !open.isWhole)
    }
}
