import SquallHTTP
import Testing

@Suite struct HTTPDateTests {
    @Test(
        "Dates are formatted and parsed",
        arguments: [
            (1_359_312_200, "Sun, 27 Jan 2013 18:43:20 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (-62_135_596_800, "Mon, 01 Jan 0001 00:00:00 GMT"),
        ])
    func roundTrip(_ seconds: Int, _ text: String) {
        #expect(HTTPDate.string(secondsSince1970: seconds) == text)
        #expect(HTTPDate.bytes(secondsSince1970: seconds).count == HTTPDate.byteCount)
        #expect(HTTPDate.parse(text) == seconds)
    }

    @Test("Every day of 500 years comes back")
    func everyDay() {
        for day in stride(from: -100_000, through: 100_000, by: 7) {
            let seconds = day * 86_400 + 12_345
            guard HTTPDate.parse(HTTPDate.string(secondsSince1970: seconds)) == seconds else {
                Issue.record("day \(day)")
                return
            }
        }
    }

    @Test("Seconds that no date can write are clamped")
    func clamped() {
        #expect(HTTPDate.string(secondsSince1970: .max) == "Fri, 31 Dec 9999 23:59:59 GMT")
        #expect(HTTPDate.string(secondsSince1970: .min) == "Mon, 01 Jan 0001 00:00:00 GMT")
    }

    @Test("The two obsolete formats")
    func obsolete() {
        #expect(HTTPDate.parse("Sunday, 06-Nov-94 08:49:37 GMT") == 784_111_777)
        #expect(HTTPDate.parse("Sun Nov  6 08:49:37 1994") == 784_111_777)
        #expect(HTTPDate.parse("Sun Nov 16 08:49:37 2014") == 1_416_127_777)
        #expect(HTTPDate.parse("Wednesday, 16-Nov-94 08:49:37 GMT") == 784_975_777)
    }

    @Test("Two-digit years are at most 50 years ahead")
    func twoDigitYears() {
        let in2026 = 1_780_000_000
        #expect(HTTPDate.parse("Sunday, 06-Nov-94 08:49:37 GMT", now: in2026) == 784_111_777)
        // 6 November 2044 is a Sunday, and 1944 a Monday.
        #expect(HTTPDate.parse("Sunday, 06-Nov-44 08:49:37 GMT", now: in2026) != nil)
        #expect(HTTPDate.parse("Monday, 06-Nov-44 08:49:37 GMT", now: in2026) == nil)
        #expect(HTTPDate.parse("Sunday, 06-Nov-94 08:49:37 GMT", now: .max) == 253_239_727_777)
    }

    @Test(
        "Anything else is nil",
        arguments: [
            "", "Sun, 27 Jan 2013 18:43:20", "Sun, 27 Jan 2013 18:43:20 GMT ", " Sun, 27 Jan 2013 18:43:20 GMT",
            "Mon, 27 Jan 2013 18:43:20 GMT", "sun, 27 Jan 2013 18:43:20 GMT", "Sun, 27 jan 2013 18:43:20 GMT",
            "Sun, 27 Jan 2013 18:43:20 UTC", "Sun, 27 Jan 2013 24:43:20 GMT", "Sun, 27 Jan 2013 18:60:20 GMT",
            "Sun, 27 Jan 2013 18:43:61 GMT", "Wed, 30 Feb 2013 18:43:20 GMT", "Sun, 7 Jan 2013 18:43:20 GMT",
            "Sun, 27 Jan 13 18:43:20 GMT", "Sun, 27-Jan-2013 18:43:20 GMT", "Sun 27 Jan 2013 18:43:20 GMT",
            "Sun, 00 Jan 2013 18:43:20 GMT", "Sun, 99 Jan 2013 18:43:20 GMT", "Sun Nov 06 08:49:37 1994 GMT",
            "Sun Nov  6 08:49:37 94", "Sun, 06-Nov-94 08:49:37 GMT", "Sun, 27 Jan 2013 +8:43:20 GMT",
            "1359312200", "Sun, 27 Jan 2013 18:43:2\u{0660} GMT", "Tue, 29 Feb 1900 00:00:00 GMT",
            "Sat, 01 Jan 0000 00:00:00 GMT",
        ])
    func invalid(_ text: String) {
        #expect(HTTPDate.parse(text) == nil)
    }

    @Test("A leap second is the second after")
    func leapSecond() {
        #expect(HTTPDate.parse("Sat, 31 Dec 2016 23:59:60 GMT") == 1_483_228_800)
    }
}
