/// Dates as HTTP writes them (RFC 9110 section 5.6.7), in seconds since 1970-01-01 00:00:00 UTC.
public enum HTTPDate {
    /// Length of a formatted date in bytes.
    public static let byteCount = 29

    /// The date as IMF-fixdate, such as `Sun, 27 Jan 2013 18:43:20 GMT`.
    ///
    /// Seconds before the year 1 or after the year 9999 are moved to the nearest that the format can write.
    public static func string(secondsSince1970 seconds: Int) -> String {
        String(decoding: bytes(secondsSince1970: seconds), as: UTF8.self)
    }

    /// The bytes of ``string(secondsSince1970:)``; always ``byteCount`` of them.
    public static func bytes(secondsSince1970 seconds: Int) -> [UInt8] {
        var buffer: [UInt8] = []
        buffer.reserveCapacity(byteCount)
        append(secondsSince1970: seconds, to: &buffer)
        return buffer
    }

    /// Appends the bytes of ``string(secondsSince1970:)`` to `buffer`.
    public static func append(secondsSince1970 seconds: Int, to buffer: inout [UInt8]) {
        let time = min(max(seconds, -62_135_596_800), 253_402_300_799)
        let days = floorDivide(time, 86_400)
        let second = time - days * 86_400
        let (year, month, day) = civil(fromDays: days)
        let weekday = weekday(ofDays: days)
        buffer.append(contentsOf: dayNames[weekday].utf8.prefix(3))
        buffer.append(contentsOf: [0x2c, 0x20])
        appendDigits(day, 2, to: &buffer)
        buffer.append(0x20)
        buffer.append(contentsOf: monthNames[month - 1].utf8)
        buffer.append(0x20)
        appendDigits(year, 4, to: &buffer)
        buffer.append(0x20)
        appendDigits(second / 3_600, 2, to: &buffer)
        buffer.append(0x3a)
        appendDigits(second / 60 % 60, 2, to: &buffer)
        buffer.append(0x3a)
        appendDigits(second % 60, 2, to: &buffer)
        HTTP1Encoder.append(" GMT", to: &buffer)
    }

    /// Reads a date in any of the three formats: IMF-fixdate, RFC 850 and that of C's `asctime`.
    ///
    /// Strict: every character is where the format has it, names are in their case, the day exists and is the
    /// weekday that it says. Leap seconds (`:60`) are read as the second after.
    ///
    /// - Parameters:
    ///   - text: The date, without blanks around it.
    ///   - now: What the two-digit year of RFC 850 is relative to: a date over 50 years ahead of `now` is read as
    ///     one in the past. Nil reads 70...99 as 1970...1999 and 00...69 as 2000...2069.
    /// - Returns: Seconds since 1970, or nil if `text` is anything else.
    public static func parse(_ text: String, now: Int? = nil) -> Int? {
        let bytes = Array(text.utf8)
        var reader = Reader(bytes: bytes[...])
        guard bytes.count >= 24, bytes.count <= 33 else { return nil }
        if bytes[3] == 0x2c { return reader.readFixdate() }
        if bytes[3] == 0x20 { return reader.readAsctime() }
        return reader.readRFC850(now: now)
    }

    static let dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    static let monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func appendDigits(_ value: Int, _ count: Int, to buffer: inout [UInt8]) {
        var divisor = count == 4 ? 1_000 : 10
        while divisor > 0 {
            buffer.append(0x30 &+ UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }

    private static func floorDivide(_ a: Int, _ b: Int) -> Int {
        a >= 0 ? a / b : -((b - 1 - a) / b)
    }

    private static func weekday(ofDays days: Int) -> Int {
        let weekday = (days + 4) % 7  // 1970-01-01 was a Thursday.
        return weekday < 0 ? weekday + 7 : weekday
    }

    /// The proleptic Gregorian date of a day, counted from 1970-01-01. Years are counted from March, so that a leap
    /// day is the last of its year; an era is 400 years.
    static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// The inverse of ``civil(fromDays:)``, for a `year` of four digits, a `month` of 1...12 and a `day` of 1...31.
    static func days(year: Int, month: Int, day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = floorDivide(year, 400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func readFixdate() -> Int? {
            guard let weekday = readName(of: dayNames.map { String($0.prefix(3)) }), read(", "),
                let day = readNumber(2), read(" "), let month = readName(of: monthNames), read(" "),
                let year = readNumber(4), read(" "), let time = readTime(), read(" GMT"), bytes.isEmpty
            else { return nil }
            return HTTPDate.seconds(year: year, month: month + 1, day: day, time: time, weekday: weekday)
        }

        mutating func readAsctime() -> Int? {
            guard let weekday = readName(of: dayNames.map { String($0.prefix(3)) }), read(" "),
                let month = readName(of: monthNames), read(" "), let day = read(" ") ? readNumber(1) : readNumber(2),
                read(" "), let time = readTime(), read(" "), let year = readNumber(4), bytes.isEmpty
            else { return nil }
            return HTTPDate.seconds(year: year, month: month + 1, day: day, time: time, weekday: weekday)
        }

        mutating func readRFC850(now: Int?) -> Int? {
            guard let weekday = readName(of: dayNames), read(", "), let day = readNumber(2), read("-"),
                let month = readName(of: monthNames), read("-"), let shortYear = readNumber(2), read(" "),
                let time = readTime(), read(" GMT"), bytes.isEmpty
            else { return nil }
            var year = shortYear < 70 ? 2_000 + shortYear : 1_900 + shortYear
            if let now {
                let days = floorDivide(min(max(now, -62_135_596_800), 253_402_300_799), 86_400)
                let thisYear = civil(fromDays: days).year
                year = thisYear - thisYear % 100 + shortYear
                if year > thisYear + 50 { year -= 100 }
                if year < thisYear - 49 { year += 100 }
            }
            return HTTPDate.seconds(year: year, month: month + 1, day: day, time: time, weekday: weekday)
        }

        mutating func read(_ text: String) -> Bool {
            guard bytes.starts(with: text.utf8) else { return false }
            bytes.removeFirst(text.utf8.count)
            return true
        }

        mutating func readName(of names: [String]) -> Int? {
            for (index, name) in names.enumerated() where read(name) { return index }
            return nil
        }

        mutating func readNumber(_ digits: Int) -> Int? {
            guard bytes.count >= digits else { return nil }
            var value = 0
            for byte in bytes.prefix(digits) {
                guard ASCII.isDigit(byte) else { return nil }
                value = value * 10 + Int(byte &- 0x30)
            }
            bytes.removeFirst(digits)
            return value
        }

        mutating func readTime() -> Int? {
            guard let hour = readNumber(2), read(":"), let minute = readNumber(2), read(":"),
                let second = readNumber(2), hour < 24, minute < 60, second <= 60
            else { return nil }
            return hour * 3_600 + minute * 60 + second
        }
    }

    private static func seconds(year: Int, month: Int, day: Int, time: Int, weekday: Int) -> Int? {
        guard year > 0, day > 0, day <= 31 else { return nil }
        let days = days(year: year, month: month, day: day)
        guard civil(fromDays: days) == (year, month, day), Self.weekday(ofDays: days) == weekday else { return nil }
        return days * 86_400 + time
    }
}
