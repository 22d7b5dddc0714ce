import Squall
import SquallIO
import Testing

@Suite struct AddressRangeTests {
    private static func v4(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32) -> SocketAddress {
        .ipv4(a << 24 | b << 16 | c << 8 | d, port: 9)
    }
    private static func v6(_ high: UInt64, _ low: UInt64) -> SocketAddress { .ipv6(high: high, low: low, port: 9) }

    @Test(arguments: [
        (
            "10.0.0.0/8", [v4(10, 0, 0, 0), v4(10, 255, 255, 255), v6(0, 0xffff_0a01_0203)],
            [v4(9, 255, 255, 255), v4(11, 0, 0, 0), v6(0, 0x0a01_0203)]
        ),
        ("10.1.2.3", [v4(10, 1, 2, 3), v6(0, 0xffff_0a01_0203)], [v4(10, 1, 2, 2), .unix("")]),
        ("10.1.2.3/32", [v4(10, 1, 2, 3)], [v4(10, 1, 2, 2)]),
        ("192.168.0.128/25", [v4(192, 168, 0, 128), v4(192, 168, 0, 255)], [v4(192, 168, 0, 127)]),
        ("0.0.0.0/0", [v4(1, 2, 3, 4), v6(0, 0xffff_0000_0000)], [v6(0, 1), .unix("/a")]),
        ("::1", [v6(0, 1)], [v6(0, 2), v4(127, 0, 0, 1), v6(1, 1)]),
        ("fd00::/8", [v6(0xfd00 << 48, 0), v6(0xfdff << 48, .max)], [v6(0xfe00 << 48, 0)]),
        ("2001:db8::/64", [v6(0x2001_0db8_0000_0000, .max)], [v6(0x2001_0db8_0000_0001, 0)]),
        ("2001:db8::8000:0:0:0/65", [v6(0x2001_0db8_0000_0000, 1 << 63)], [v6(0x2001_0db8_0000_0000, 1)]),
        ("::/0", [v6(0, 1), v6(.max, .max)], [v4(1, 2, 3, 4), v6(0, 0xffff_0102_0304)]),
        ("::ffff:10.0.0.0/104", [v4(10, 1, 2, 3), v6(0, 0xffff_0a01_0203)], [v4(11, 1, 2, 3)]),
        ("::ffff:10.1.2.3", [v4(10, 1, 2, 3)], [v4(10, 1, 2, 4)]),
        ("unix", [.unix(""), .unix("/run/a")], [v4(127, 0, 0, 1)]),
    ]) func `a range contains what it says`(text: String, inside: [SocketAddress], outside: [SocketAddress]) throws {
        let range = try AddressRange(text)
        for address in inside { #expect(range.contains(address), "\(address)") }
        for address in outside { #expect(!range.contains(address), "\(address)") }
        #expect(range.description == text)
    }

    @Test(arguments: [
        ("", "'' is no address"), ("localhost", "'localhost' is no address; write one such as 10.0.0.0/8, ::1 or unix"),
        ("10.0.0/8", "is no address"), ("/8", "is no address"), ("UNIX", "is no address"), ("[::1]", "is no address"),
        ("10.0.0.0/", "a number of bits from 0 to 32"), ("10.0.0.0/33", "a number of bits from 0 to 32"),
        ("10.0.0.0/08", "a number of bits"), ("10.0.0.0/+8", "a number of bits"), ("10.0.0.0/8/8", "a number of bits"),
        ("10.0.0.0/ 8", "a number of bits"), ("10.0.0.0/255.0.0.0", "a number of bits"), ("::/129", "from 0 to 128"),
        ("10.0.0.0/18446744073709551616", "a number of bits"),
        ("10.1.2.3/8", "'10.1.2.3/8' has bits beyond those that count; set them to zero"),
        ("fd00::1/8", "has bits beyond those"),
    ]) func `a malformed range is an error that says what to write`(text: String, message: String) {
        #expect { try AddressRange(text) } throws: { "\($0)".contains(message) }
    }
}
