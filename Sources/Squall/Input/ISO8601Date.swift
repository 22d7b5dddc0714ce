#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Dates as forms send them: a day, or a time of ISO 8601.
enum ISO8601Date {
    /// `2026-11-21`, or `2026-11-21T10:44` with or without seconds, their fraction, and an offset. Without one it is UTC.
    static func parse(_ text: String) -> Date? {
        var rest = Array(text.utf8)[...]
        func digits(_ count: Int) -> Int? {
            guard rest.count >= count else { return nil }
            var value = 0
            for byte in rest.prefix(count) {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            rest = rest.dropFirst(count)
            return value
        }
        func take(_ characters: String) -> Bool {
            guard let byte = rest.first, characters.utf8.contains(byte) else { return false }
            rest = rest.dropFirst()
            return true
        }
        func time() -> (hour: Int, minute: Int)? {
            guard let hour = digits(2), take(":"), let minute = digits(2), hour < 24, minute < 60 else { return nil }
            return (hour, minute)
        }
        guard text.utf8.count <= 40, let year = digits(4), take("-"), let month = digits(2), take("-"),
            let day = digits(2), let days = daysSince1970(year, month, day)
        else { return nil }
        var seconds = Double(days * 86_400)
        if rest.isEmpty { return Date(timeIntervalSince1970: seconds) }
        guard take("Tt "), let time = time() else { return nil }
        seconds += Double(time.hour * 3_600 + time.minute * 60)
        if take(":") {
            guard let second = digits(2), second < 60 else { return nil }
            seconds += Double(second)
            if take(".") {
                guard rest.first.map({ (0x30...0x39).contains($0) }) == true else { return nil }
                var scale = 0.1
                while let digit = digits(1) {
                    seconds += Double(digit) * scale
                    scale /= 10
                }
            }
        }
        if rest.isEmpty || take("Zz") { return rest.isEmpty ? Date(timeIntervalSince1970: seconds) : nil }
        let isBehind = rest.first == UInt8(ascii: "-")
        guard take("+-") else { return nil }
        guard let offset = self.offset(&rest) else { return nil }
        return Date(timeIntervalSince1970: seconds + Double(isBehind ? offset : -offset))
    }

    /// `02:00` or `0200`, in seconds.
    private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int? {
        let digits = rest.filter { $0 != UInt8(ascii: ":") }
        let hasColon = rest.count == 5 && rest.dropFirst(2).first == UInt8(ascii: ":")
        guard digits.count == 4, rest.count == 4 || hasColon, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        let numbers = digits.map { Int($0 - 0x30) }
        let (hours, minutes) = (numbers[0] * 10 + numbers[1], numbers[2] * 10 + numbers[3])
        return hours < 24 && minutes < 60 ? hours * 3_600 + minutes * 60 : nil
    }

    /// In the Gregorian calendar, continued to before it. Nil if there is no such day.
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int? {
        guard (1...12).contains(month), day >= 1 else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day <= lengths[month - 1] else { return nil }
        let before = year - 1
        // A year of 0 has -1 before it, which is no leap year; division would round towards 0.
        let leaps = before < 0 ? -1 : before / 4 - before / 100 + before / 400
        return before * 365 + leaps + lengths[..<(month - 1)].reduce(0, +) + day - 1 - 719_162
    }
}
