import Testing

@testable import Squall

@Suite struct PathArgumentTests {
    enum Format: String, PathArgument { case html, json }
    enum Level: Int, PathArgument {
        case low = 1
        case high = 2
    }

    @Test(arguments: [
        ("0", 0), ("10", 10), ("-10", -10), ("007", 7), ("-0", 0), ("9223372036854775807", Int.max),
        ("-9223372036854775808", Int.min),
    ])
    func readsIntegers(_ text: String, _ value: Int) {
        #expect(Int(pathArgument: text) == value)
    }

    @Test(arguments: [
        "", "-", "+10", "--1", "1_0", " 1", "1 ", "1\n", "0x10", "1.0", "1e3", "١", "１", "9223372036854775808", "a",
        "1\0",
    ])
    func refusesWhatIsNoInteger(_ text: String) {
        #expect(Int(pathArgument: text) == nil)
        #expect(UInt(pathArgument: text) == nil || text == "9223372036854775808")
    }

    @Test func keepsToTheRangeOfTheType() {
        #expect(UInt(pathArgument: "-1") == nil)
        #expect(UInt(pathArgument: "-0") == nil)
        #expect(UInt(pathArgument: "18446744073709551615") == .max)
        #expect(UInt8(pathArgument: "255") == 255)
        #expect(UInt8(pathArgument: "256") == nil)
        #expect(Int8(pathArgument: "-128") == -128)
        #expect(Int8(pathArgument: "128") == nil)
        #expect(UInt16(pathArgument: "65536") == nil)
        #expect(Int16(pathArgument: "-32768") == -32768)
        #expect(Int32(pathArgument: "2147483648") == nil)
        #expect(UInt32(pathArgument: "4294967295") == .max)
        #expect(Int64(pathArgument: "-5") == -5)
        #expect(UInt64(pathArgument: "5") == 5)
        #expect(Int(pathArgument: String(repeating: "9", count: 100_000)) == nil)
    }

    @Test(arguments: [
        ("0", 0), ("1.5", 1.5), ("-12.25", -12.25), ("1e3", 1000), ("1E-2", 0.01), ("1e+2", 100), ("1e-05", 1e-05),
    ])
    func readsNumbers(_ text: String, _ value: Double) {
        #expect(Double(pathArgument: text) == value)
        #expect(Float(pathArgument: text) == Float(value))
    }

    @Test(arguments: [
        "", "-", ".5", "5.", "+1.5", "0x1p3", "inf", "-inf", "infinity", "nan", "1e999", "-1e999", "1e", "1e+", "1,5",
        " 1", "1 ", "1_0", "1.5.2", "1f",
    ])
    func refusesWhatIsNoNumber(_ text: String) {
        #expect(Double(pathArgument: text) == nil)
    }

    @Test func readsTruthAndText() {
        #expect(Bool(pathArgument: "true") == true)
        #expect(Bool(pathArgument: "false") == false)
        for text in ["", "True", "1", "0", "yes", " true"] { #expect(Bool(pathArgument: text) == nil) }
        #expect(String(pathArgument: "") == "")
        #expect(String(pathArgument: "a b") == "a b")
    }

    @Test func readsEnumerationsByRawValue() {
        #expect(Format(pathArgument: "json") == .json)
        #expect(Format(pathArgument: "xml") == nil)
        #expect(Level(pathArgument: "2") == .high)
        #expect(Level(pathArgument: "+2") == nil)
    }
}

@Suite struct PercentEscapesTests {
    @Test(
        arguments: [
            ("abc", "abc"), ("a%20b", "a b"), ("a+b", "a+b"), ("%C3%A9", "é"), ("%c3%a9", "é"), ("%2F", "/"),
            ("%2525", "%25"), ("100%", "100%"), ("%4", "%4"), ("%zz", "%zz"), ("%%41", "%A"), ("%00", "\0"), ("", ""),
            ("%FF", nil), ("%C3", nil), ("%ED%A0%80", nil), ("%C0%AF", nil),
        ] as [(String, String?)])
    func decodes(_ text: String, _ decoded: String?) {
        let bytes = Array(text.utf8)
        #expect(PercentEscapes.decode(bytes.span, 0..<bytes.count) == decoded)
    }

    @Test func refusesARangeBeyondTheBytes() {
        let bytes = Array("abc".utf8)
        #expect(PercentEscapes.decode(bytes.span, 1..<2) == "b")
        #expect(PercentEscapes.decode(bytes.span, 1..<4) == nil)
        #expect(PercentEscapes.decode(bytes.span, -1..<2) == nil)
    }
}
