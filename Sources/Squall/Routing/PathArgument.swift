/// A type that can be read from a part of a path.
///
/// Reading is strict: it accepts the plain way of writing a value, so that `/reports/+7` and `/reports/0x7` are not
/// taken for `/reports/7`. Types of one's own conform by saying what they accept:
///
/// ```swift
/// struct Slug: PathArgument {
///     let text: String
///     init?(pathArgument: String) {
///         guard pathArgument.utf8.allSatisfy({ $0 == 45 || (97...122).contains($0) }) else { return nil }
///         text = pathArgument
///     }
/// }
/// ```
///
/// An enumeration with a raw value needs no more than the name of the protocol: `enum Format: String, PathArgument`.
public protocol PathArgument {
    /// Reads a value from the decoded text of a parameter, or is `nil` where the text does not fit.
    init?(pathArgument: String)
}

extension String: PathArgument {
    /// The text itself.
    public init?(pathArgument: String) {
        self = pathArgument
    }
}

extension PathArgument where Self: FixedWidthInteger {
    /// Reads decimal digits, with `-` before them if the type has a sign. The value has to be in range.
    public init?(pathArgument: String) {
        var digits = pathArgument.utf8[...]
        if Self.isSigned, digits.first == UInt8(ascii: "-") { digits.removeFirst() }
        guard !digits.isEmpty, digits.allSatisfy(isDecimalDigit) else { return nil }
        self.init(pathArgument, radix: 10)
    }
}

extension Int: PathArgument {}
extension Int8: PathArgument {}
extension Int16: PathArgument {}
extension Int32: PathArgument {}
extension Int64: PathArgument {}
extension UInt: PathArgument {}
extension UInt8: PathArgument {}
extension UInt16: PathArgument {}
extension UInt32: PathArgument {}
extension UInt64: PathArgument {}

extension PathArgument where Self: BinaryFloatingPoint & LosslessStringConvertible {
    /// Reads decimal digits, with or without `-` before, a point and digits, and an exponent behind: `-12.5`, `1e-05`.
    /// The value has to be finite.
    public init?(pathArgument: String) {
        guard isDecimalNumber(pathArgument), let value = Self(pathArgument), value.isFinite else { return nil }
        self = value
    }
}

extension Double: PathArgument {}
extension Float: PathArgument {}

extension Bool: PathArgument {
    /// Reads `true` or `false`.
    public init?(pathArgument: String) {
        switch pathArgument {
        case "true": self = true
        case "false": self = false
        default: return nil
        }
    }
}

extension PathArgument where Self: RawRepresentable, RawValue: PathArgument {
    /// Reads the raw value, which has to be that of a case.
    public init?(pathArgument: String) {
        guard let rawValue = RawValue(pathArgument: pathArgument) else { return nil }
        self.init(rawValue: rawValue)
    }
}

private func isDecimalDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
}

/// Whether `text` is `-? digits (. digits)? ([eE] [+-]? digits)?`.
private func isDecimalNumber(_ text: String) -> Bool {
    var rest = text.utf8[...]

    func takeDigits() -> Bool {
        let start = rest.startIndex
        rest = rest.drop(while: isDecimalDigit)
        return rest.startIndex != start
    }

    if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
    guard takeDigits() else { return false }
    if rest.first == UInt8(ascii: ".") {
        rest.removeFirst()
        guard takeDigits() else { return false }
    }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
        rest.removeFirst()
        if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        guard takeDigits() else { return false }
    }
    return rest.isEmpty
}
