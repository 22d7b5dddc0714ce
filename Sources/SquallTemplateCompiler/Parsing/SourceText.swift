/// A template file's bytes, and where its lines begin.
final class SourceText: Sendable {
    /// As it is named in `extends`, `include` and error messages: below the folder of templates, with `/`.
    let name: String
    /// As it is called in messages.
    let path: String
    /// As Swift's compiler is told it is: of files of one name, which it would confuse, all but one have another.
    let compiledPath: String
    let bytes: [UInt8]
    private let lineStarts: [Int]

    init(name: String, path: String, compiledPath: String? = nil, bytes: [UInt8]) {
        self.name = name
        self.path = path
        self.compiledPath = compiledPath ?? path
        // A byte order mark is no text.
        let text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? Array(bytes.dropFirst(3)) : bytes
        self.bytes = text
        var starts = [0]
        for index in text.indices where text[index] == UInt8(ascii: "\n") { starts.append(index + 1) }
        lineStarts = starts
    }

    /// Line and column, counted from 1, the column in bytes as Swift's compiler counts it.
    func position(of offset: Int) -> (line: Int, column: Int) {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return (low + 1, offset - lineStarts[low] + 1)
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    func error(at offset: Int, _ message: String) -> TemplateError {
        let (line, column) = position(of: offset)
        return TemplateError(path: path, line: line, column: column, message: message)
    }
}

/// Why a template cannot be compiled, and where it says so. Its description has the form of the Swift compiler's errors.
public struct TemplateError: Error, Equatable, CustomStringConvertible, Sendable {
    public var path: String
    /// Counted from 1.
    public var line: Int
    /// Counted from 1, in bytes.
    public var column: Int
    public var message: String

    public var description: String { "\(path):\(line):\(column): error: \(message)" }
}

/// A part of a template that is Swift.
struct Code {
    let source: SourceText
    /// Without blanks at its ends.
    var range: Range<Int>

    init(_ source: SourceText, _ range: Range<Int>) {
        self.source = source
        var range = range
        while let first = range.first, isBlank(source.bytes[first]) { range = first + 1..<range.upperBound }
        while let last = range.last, isBlank(source.bytes[last]) { range = range.lowerBound..<last }
        self.range = range
    }

    var text: String { source.text(range) }
    var isEmpty: Bool { range.isEmpty }
    var bytes: ArraySlice<UInt8> { source.bytes[range] }

    func error(_ message: String) -> TemplateError { source.error(at: range.lowerBound, message) }
}

/// As HTML has it: without the vertical tab, which can stand in a name there.
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) && byte != 0x0b }

func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) && byte < 0x80 }

func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

/// Of a Swift name, beyond its first.
func isNamePart(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") || byte >= 0x80 }

func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
