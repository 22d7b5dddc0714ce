import SquallHTTP
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("127.0.0.1", IPAddress.v4(0x7f00_0001)), ("0.0.0.0", .v4(0)), ("255.255.255.255", .v4(.max)),
        ("4.4.4.4", .v4(0x0404_0404)), ("::", .v6(high: 0, low: 0)), ("::1", .v6(high: 0, low: 1)),
        ("1::", .v6(high: 1 << 48, low: 0)),
        ("2620:0:1cfe:face:b00c::3", .v6(high: 0x2620_0000_1cfe_face, low: 0xb00c_0000_0000_0003)),
        ("1:2:3:4:5:6:7:8", .v6(high: 0x0001_0002_0003_0004, low: 0x0005_0006_0007_0008)),
        ("1:2:3:4:5:6:7::", .v6(high: 0x0001_0002_0003_0004, low: 0x0005_0006_0007_0000)),
        ("::ffff:10.1.2.3", .v6(high: 0, low: 0xffff_0a01_0203)),
        ("1:2:3:4:5:6:1.2.3.4", .v6(high: 0x0001_0002_0003_0004, low: 0x0005_0006_0102_0304)),
        ("ABCD:ef01::", .v6(high: 0xabcd_ef01_0000_0000, low: 0)),
    ]) func `an address is read`(text: String, address: IPAddress) {
        #expect(IPAddress(text) == address)
    }

    @Test(arguments: [
        "www.google.com", "localhost", "4.4.4.4<", " 127.0.0.1", "127.0.0.1 ", "", " ", "\n", "\0",
        String(repeating: "a", count: 100), "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.04", "1..2.3",
        "1.2.3.",
        ".1.2.3", "+1.2.3.4", "0x7f.0.0.1", "2130706433", "1.2.3.4:80", "[::1]", "::1%eth0", ":", ":::", "1:::2",
        "1::2::3", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::3:4:5:6:7:8:9",
        "::1:2:3:4:5:6:7:8", "12345::", "g::", "::1.2.3", "::1.2.3.4.5", "::1.2.3.4:1", "1:2:3:4:5:6:7:1.2.3.4", "::1 ",
        "\u{661}.1.1.1", "::ffff:256.1.1.1", "1.2.3.4/8", "::/0",
    ]) func `anything else is none`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `an IPv6 address that stands for an IPv4 address is that one`() {
        #expect(IPAddress("::ffff:10.1.2.3")?.unmapped == .v4(0x0a01_0203))
        #expect(IPAddress("::fffe:10.1.2.3")?.unmapped == .v6(high: 0, low: 0xfffe_0a01_0203))
        #expect(IPAddress("1::ffff:10.1.2.3")?.unmapped == IPAddress("1::ffff:10.1.2.3"))
        #expect(IPAddress("10.1.2.3")?.unmapped == .v4(0x0a01_0203))
    }
}
