/// What the fields of a part say (RFC 7578 section 4).
public struct MultipartPart: Sendable, Equatable {
    /// The form field's name.
    public var name: String
    /// The file's name as the client gave it, which may be a path, `..` or a reserved name: do not open it. Nil if the part is no
    /// file.
    public var filename: String?
    /// The Content-Type, if the part has one.
    public var contentType: String?

    /// Reads the fields with their empty line.
    init(_ bytes: Span<UInt8>) throws(MultipartError) {
        var disposition: HeaderParameters?
        var contentType: String?
        var start = 0
        var index = 0
        while index + 1 < bytes.count {
            guard bytes[index] == ASCII.cr, bytes[index + 1] == ASCII.lf else {
                guard bytes[index] != ASCII.lf, bytes[index] != ASCII.cr else {
                    throw MultipartError(message: "a line of a part's fields does not end in CR LF")
                }
                index += 1
                continue
            }
            if index == start { break }
            let line = bytes.extracting(start..<index)
            guard let colon = (0..<line.count).first(where: { line[$0] == UInt8(ascii: ":") }), colon > 0,
                (0..<colon).allSatisfy({ ByteSet.token.contains(line[$0]) })
            else { throw MultipartError(message: "a part has a malformed field") }
            let name = String(decoding: (0..<colon).map { ASCII.lowercased(line[$0]) }, as: UTF8.self)
            let value = line.extracting(colon + 1..<line.count)
            switch name {
            case "content-disposition":
                guard disposition == nil, let parameters = HeaderParameters(value) else {
                    throw MultipartError(message: "a part's Content-Disposition is malformed, or there are two")
                }
                disposition = parameters
            case "content-type":
                guard let text = String(validating: (0..<value.count).map { value[$0] }, as: UTF8.self),
                    !text.utf8.contains(where: ASCII.isForbiddenControl)
                else { throw MultipartError(message: "a part's Content-Type is malformed") }
                contentType = String(text.drop { $0 == " " || $0 == "\t" })
            case "content-transfer-encoding":
                let text = String(decoding: (0..<value.count).map { ASCII.lowercased(value[$0]) }, as: UTF8.self)
                // Deprecated, and to be ignored where it changes nothing (RFC 7578 section 4.7).
                guard ["", "binary", "8bit", "7bit"].contains(text.filter { $0 != " " && $0 != "\t" }) else {
                    throw MultipartError(message: "a part has a Content-Transfer-Encoding; send it as it is")
                }
            default: break
            }
            index += 2
            start = index
        }
        guard let disposition, disposition.value == "form-data" else {
            throw MultipartError(message: "a part has no Content-Disposition of form-data")
        }
        guard let name = disposition["name"] else {
            throw MultipartError(message: "a part's Content-Disposition has no name")
        }
        self.name = name
        if let extended = disposition["filename*"] {
            guard let filename = HeaderParameters.extendedValue(extended),
                !filename.utf8.contains(where: ASCII.isForbiddenControl)
            else { throw MultipartError(message: "a part's filename* is malformed") }
            self.filename = filename
        } else {
            filename = disposition["filename"]
        }
        self.contentType = contentType
    }

    /// The last component of the file's name, fit for showing and for naming a file: no separators, no control characters,
    /// no dots alone or in front, not a device's name, at most 200 bytes. `file` if nothing is left.
    public var safeFilename: String {
        let last = (filename ?? "").split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        var scalars = String.UnicodeScalarView()
        var size = 0
        for scalar in last.unicodeScalars {
            let isOfNoUse = scalar.value < 0x20 || scalar.value == 0x7f || "<>:\"|?*".unicodeScalars.contains(scalar)
            if isOfNoUse || scalar.properties.generalCategory == .format { continue }
            if scalars.isEmpty, scalar == "." || scalar == " " { continue }
            size += UTF8.width(scalar)
            if size > 200 { break }
            scalars.append(scalar)
        }
        while let end = scalars.last, end == "." || end == " " { scalars.removeLast() }
        let name = String(scalars)
        let stem = name.prefix { $0 != "." }.uppercased()
        let devices: Set = ["CON", "PRN", "AUX", "NUL"]
        let isDevice =
            devices.contains(stem)
            || stem.count == 4 && (stem.hasPrefix("COM") || stem.hasPrefix("LPT")) && stem.last?.isNumber == true
        return name.isEmpty ? "file" : isDevice ? "_" + name : name
    }
}

extension MultipartParser {
    /// The boundary of a Content-Type of `multipart/form-data`. Nil if it is another type, or has no boundary that is
    /// allowed: 1 to 70 characters (RFC 2046 section 5.1.1).
    public static func boundary(ofContentType text: String) -> String? {
        guard let type = HeaderParameters(text), type.value == "multipart/form-data", let boundary = type["boundary"],
            (1...70).contains(boundary.utf8.count), boundary.utf8.last != ASCII.space,
            boundary.utf8.allSatisfy({ (0x20..<0x7f).contains($0) })
        else { return nil }
        return boundary
    }
}
