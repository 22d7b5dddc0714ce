/// What the fields of a head say about the message and its connection.
struct HeadFacts {
    var framing = HTTP1RequestHead.Framing.none
    var keepAlive = true
    var expectsContinue = false
    var upgrade = false
    var host: Range<Int>?

    /// Reads Host, Content-Length, Transfer-Encoding, Connection, Expect and Upgrade (RFC 9112 sections 3.2, 6
    /// and 9.3; RFC 9110 sections 7.8 and 10.1.1).
    static func read(_ bytes: Bytes, _ fields: [FieldRange], minorVersion: Int) -> Parsed<HeadFacts> {
        var facts = HeadFacts()
        var length: Range<Int>?
        var coding: Range<Int>?
        var close = false
        var persist = false
        var connectionUpgrade = false
        var hasUpgrade = false
        for field in fields {
            let start = Int(field.nameStart)
            let end = Int(field.nameEnd)
            switch end &- start {
            case 4 where bytes.spells("host", from: start, to: end):
                guard facts.host == nil else { return .failure(.repeatedHost) }
                facts.host = field.value
            case 6 where bytes.spells("expect", from: start, to: end) && minorVersion > 0:
                guard bytes.spells("100-continue", from: field.value.lowerBound, to: field.value.upperBound) else {
                    return .failure(.badExpectation)
                }
                facts.expectsContinue = true
            case 7 where bytes.spells("upgrade", from: start, to: end):
                hasUpgrade = true
            case 10 where bytes.spells("connection", from: start, to: end):
                eachListItem(bytes, field.value) { from, to in
                    if bytes.spells("close", from: from, to: to) { close = true }
                    if bytes.spells("keep-alive", from: from, to: to) { persist = true }
                    if bytes.spells("upgrade", from: from, to: to) { connectionUpgrade = true }
                }
            case 14 where bytes.spells("content-length", from: start, to: end):
                guard length == nil else { return .failure(.repeatedContentLength) }
                length = field.value
            case 17 where bytes.spells("transfer-encoding", from: start, to: end):
                guard coding == nil else { return .failure(.repeatedTransferEncoding) }
                coding = field.value
            default: break
            }
        }
        if let host = facts.host {
            guard host.isEmpty || HostSyntax.isValid(bytes, host) else { return .failure(.badHost) }
        } else if minorVersion > 0 {
            return .failure(.missingHost)
        }
        facts.keepAlive = !close && (minorVersion > 0 || persist)
        facts.upgrade = connectionUpgrade && hasUpgrade
        if let failure = facts.setFraming(bytes, length: length, coding: coding, minorVersion: minorVersion) {
            return .failure(failure)
        }
        return .value(facts)
    }

    /// RFC 9112 section 6.3, where every doubtful case is a refusal.
    @inline(__always)
    private mutating func setFraming(
        _ bytes: Bytes, length: Range<Int>?, coding: Range<Int>?, minorVersion: Int
    ) -> HTTP1Failure? {
        if let coding {
            if length != nil { return .transferEncodingAndLength }
            if minorVersion == 0 { return .transferEncodingInHTTP10 }
            if bytes.spells("chunked", from: coding.lowerBound, to: coding.upperBound) {
                framing = .chunked
                return nil
            }
            let tokenEnd = bytes.firstNot(in: .token, from: coding.lowerBound, to: coding.upperBound)
            return !coding.isEmpty && tokenEnd == coding.upperBound ? .unknownTransferCoding : .badTransferEncoding
        }
        guard let length else { return nil }
        if length.isEmpty { return .badContentLength }
        var value = 0
        var overflow = false
        for index in length {
            guard ASCII.isDigit(bytes[index]) else { return .badContentLength }
            let (product, overflowA) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowB) = product.addingReportingOverflow(Int(bytes[index] &- 0x30))
            overflow = overflow || overflowA || overflowB
            value = overflow ? 0 : sum
        }
        if overflow { return .bodyTooLong }
        framing = .length(value)
        return nil
    }

    /// Calls `body` for each item of a comma list, trimmed (RFC 9110 section 5.6.1).
    private static func eachListItem(_ bytes: Bytes, _ range: Range<Int>, _ body: (Int, Int) -> Void) {
        var start = range.lowerBound
        var index = start
        while true {
            if index == range.upperBound || bytes[index] == UInt8(ascii: ",") {
                let item = bytes.trimmed(from: start, to: index)
                if !item.isEmpty { body(item.lowerBound, item.upperBound) }
                start = index &+ 1
            }
            if index == range.upperBound { return }
            index &+= 1
        }
    }
}
