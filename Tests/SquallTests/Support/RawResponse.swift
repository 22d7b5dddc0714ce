/// A response as it came.
struct RawResponse: Sendable, CustomStringConvertible {
    var version: String
    var status: Int
    var reason: String
    var headers: [(name: String, value: String)]
    var body: [UInt8] = []
    /// The sizes of its chunks, if it came in chunks, without the last.
    var chunks: [Int]?
    /// Whether it came to the end that its head announced.
    var isComplete = true

    /// The value of the field, and nil if there is none. More than one are joined by ` | `, so that no test overlooks them.
    subscript(_ name: String) -> String? {
        let values = headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: " | ")
    }

    /// One scalar for each byte of the body.
    var text: String { SquallTests.text(body) }

    var description: String {
        let lines = headers.map { "\($0.name): \($0.value)" }
        return (["\(version) \(status) \(reason)"] + lines + ["", text.prefix(500).description]).joined(separator: "\n")
    }
}

/// Cuts bytes into responses, strictly: what it cannot read is a response of status 0, which no test expects.
struct ResponseCutter {
    let toHead: Bool
    private var position = 0
    /// A response in chunks whose end has not come; `position` is behind its last whole chunk.
    private var partial: RawResponse?

    init(toHead: Bool) { self.toHead = toHead }

    /// Removes what was read.
    mutating func dropRead(from bytes: inout [UInt8]) {
        bytes.removeFirst(position)
        position = 0
    }

    /// The next complete response.
    mutating func next(in bytes: [UInt8]) -> RawResponse? {
        if partial != nil { return chunks(bytes) }
        guard let (found, bodyStart) = head(bytes) else { return nil }
        var response = found
        if toHead || response.status < 200 || response.status == 204 || response.status == 304 {
            position = bodyStart
            return response
        }
        if response["transfer-encoding"]?.lowercased() == "chunked" {
            response.chunks = []
            partial = response
            position = bodyStart
            return chunks(bytes)
        }
        guard let length = response["content-length"].flatMap({ Int($0) }) else {
            // It ends with the connection, which `atEnd` sees.
            return nil
        }
        guard bytes.count - bodyStart >= length else { return nil }
        response.body = Array(bytes[bodyStart..<bodyStart + length])
        position = bodyStart + length
        return response
    }

    /// What is left when the connection has ended: a response that ends with it, or one that was broken off.
    mutating func atEnd(of bytes: [UInt8]) -> RawResponse? {
        if var response = partial {
            partial = nil
            response.isComplete = false
            return response
        }
        guard position < bytes.count, let (found, bodyStart) = head(bytes) else { return nil }
        var response = found
        response.isComplete = response["content-length"] == nil
        response.body = Array(bytes[bodyStart...])
        position = bytes.count
        return response
    }

    private func head(_ bytes: [UInt8]) -> (RawResponse, bodyStart: Int)? {
        guard let end = find([13, 10, 13, 10], in: bytes, from: position) else { return nil }
        let lines = text(bytes[position..<end]).split(separator: "\r\n", omittingEmptySubsequences: false)
        let parts = lines[0].split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        let status = parts.count == 3 && parts[0].hasPrefix("HTTP/1.") ? Int(parts[1]) ?? 0 : 0
        let headers = lines.dropFirst().map { line -> (name: String, value: String) in
            let halves = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, halves[1].hasPrefix(" ") else { return ("malformed", String(line)) }
            return (String(halves[0]), String(halves[1].dropFirst()))
        }
        return (
            RawResponse(
                version: parts.first.map(String.init) ?? "", status: status,
                reason: parts.count == 3 ? String(parts[2]) : "", headers: headers), end + 4
        )
    }

    /// Reads the chunks that are there into `partial`. Returns it when it is whole, or malformed.
    private mutating func chunks(_ bytes: [UInt8]) -> RawResponse? {
        while let lineEnd = find([13, 10], in: bytes, from: position) {
            let data = lineEnd + 2
            guard let size = Int(text(bytes[position..<lineEnd]), radix: 16) else { return malformed() }
            guard bytes.count >= data + size + 2 else { return nil }
            guard bytes[data + size] == 13, bytes[data + size + 1] == 10 else { return malformed() }
            partial?.body += bytes[data..<data + size]
            position = data + size + 2
            if size == 0 {
                defer { partial = nil }
                return partial
            }
            partial?.chunks?.append(size)
        }
        return nil
    }

    private mutating func malformed() -> RawResponse? {
        defer { partial = nil }
        partial?.status = 0
        return partial
    }
}

private func find(_ pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    guard bytes.count - start >= pattern.count else { return nil }
    return bytes.withUnsafeBufferPointer { bytes in
        var index = start
        while index <= bytes.count - pattern.count {
            if bytes[index] == pattern[0], bytes[index..<index + pattern.count].elementsEqual(pattern) { return index }
            index += 1
        }
        return nil
    }
}
