/// Fields that must not be taken from a trailer section (RFC 9110 section 6.5.1).
enum TrailerPolicy {
    static func isForbidden(_ bytes: Bytes, _ field: FieldRange) -> Bool {
        let name = field.name
        func named(_ word: StaticString) -> Bool { bytes.spells(word, from: name.lowerBound, to: name.upperBound) }
        switch name.count {
        case 2: return named("te")
        case 4: return named("host")
        case 5: return named("range")
        case 6: return named("expect") || named("cookie") || named("pragma")
        case 7: return named("trailer") || named("upgrade")
        case 8: return named("if-match") || named("if-range") || named("location")
        case 9: return named("forwarded")
        case 10: return named("connection") || named("keep-alive") || named("set-cookie")
        case 12: return named("content-type") || named("max-forwards")
        case 13:
            return named("authorization") || named("cache-control") || named("content-range")
                || named("if-none-match")
        case 14: return named("content-length")
        case 15: return named("x-forwarded-for")
        case 16: return named("content-encoding") || named("proxy-connection") || named("x-forwarded-host")
        case 17: return named("transfer-encoding") || named("if-modified-since") || named("x-forwarded-proto")
        case 19: return named("if-unmodified-since") || named("proxy-authorization")
        default: return false
        }
    }
}
