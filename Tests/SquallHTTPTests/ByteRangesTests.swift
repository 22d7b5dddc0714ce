import SquallHTTP
import Testing

@Suite struct ByteRangesTests {
    @Test(arguments: [
        ("bytes=0-4", [0..<5]), ("bytes=5-", [5..<26]), ("bytes=-5", [21..<26]), ("bytes=0-0", [0..<1]),
        ("bytes=0-25", [0..<26]), ("bytes=0-26", [0..<26]), ("bytes=0-99999999999999999999999", [0..<26]),
        ("bytes=25-25", [25..<26]), ("bytes=-100", [0..<26]), ("bytes=-99999999999999999999999", [0..<26]),
        ("BYTES=0-4", [0..<5]), ("bytes= 0-4 ,\t6-7", [0..<5, 6..<8]), ("bytes=,0-4,,", [0..<5]),
        ("bytes=10-12,0-4", [10..<13, 0..<5]), ("bytes=0-4,3-8", [0..<9]), ("bytes=0-4,5-8", [0..<9]),
        ("bytes=20-,0-1,-3", [20..<26, 0..<2]), ("bytes=0-1,99-100", [0..<2]), ("bytes=007-008", [7..<9]),
        ("bytes=0-9223372036854775807", [0..<26]),
    ])
    func `Ranges that can be given`(_ field: String, _ ranges: [Range<Int>]) {
        #expect(ByteRanges(field)?.resolved(length: 26) == ranges)
    }

    @Test(arguments: ["bytes=26-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-", "bytes=26-26,27-"])
    func `Ranges that cannot be given`(_ field: String) {
        #expect(ByteRanges(field)?.resolved(length: 26) == [])
    }

    /// Among them those that Tornado takes for numbers.
    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=-", "bytes=,", "bytes=5-2", "bytes=--5", "bytes=+1-2", "bytes=1_0-12",
        "bytes=1 - 2",
        "bytes=a-b", "bytes=1-2-3", "bytes=0-4,x", "items=0-4", "bytes =0-4", " bytes=0-4", "bytes=0x1-2", "bytes=١-٢",
        "bytes=0-4;", "bytes=0.5-1", "bytes=0-4, 5 6-7",
    ])
    func `Fields that are ignored`(_ field: String) {
        #expect(ByteRanges(field) == nil)
    }

    @Test func `An empty body has no ranges`() {
        #expect(ByteRanges("bytes=0-")?.resolved(length: 0) == [])
        #expect(ByteRanges("bytes=-1")?.resolved(length: 0) == [])
    }

    @Test func `So many ranges are taken and no more`() {
        func field(_ count: Int) -> String {
            "bytes=" + (0..<count).map { "\($0 * 2)-\($0 * 2)" }.joined(separator: ",")
        }
        #expect(ByteRanges(field(ByteRanges.most))?.resolved(length: 1_000).count == ByteRanges.most)
        #expect(ByteRanges(field(ByteRanges.most + 1)) == nil)
        #expect(ByteRanges("bytes=" + String(repeating: ",", count: 60_000) + "0-1")?.resolved(length: 9) == [0..<2])
    }
}
