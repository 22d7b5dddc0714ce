/// Which type a file of a name has. Text is said to be UTF-8.
enum MediaTypes {
    /// `application/octet-stream` if the name tells nothing.
    static func type(ofFile name: String) -> String { type(ofExtension: fileExtension(name)) ?? octets }

    static let octets = "application/octet-stream"

    /// What stands behind the last dot, in lower case; empty if there is none.
    static func fileExtension(_ path: String) -> String {
        let bytes = path.utf8
        guard let dot = bytes.lastIndex(of: UInt8(ascii: ".")) else { return "" }
        let start = bytes.index(after: dot)
        guard !bytes[start...].contains(UInt8(ascii: "/")) else { return "" }
        return path[start...].lowercased()
    }

    static func type(ofExtension name: String) -> String? { types[name] }

    private static let types: [String: String] = {
        let html = "text/html; charset=UTF-8"
        let script = "text/javascript; charset=UTF-8"
        let plain = "text/plain; charset=UTF-8"
        return [
            // text
            "html": html, "htm": html, "xhtml": "application/xhtml+xml", "css": "text/css; charset=UTF-8", "js": script,
            "mjs": script, "cjs": script, "txt": plain, "text": plain, "log": plain, "conf": plain,
            "md": "text/markdown; charset=UTF-8", "csv": "text/csv; charset=UTF-8", "tsv": "text/tab-separated-values",
            "ics": "text/calendar; charset=UTF-8", "vcf": "text/vcard; charset=UTF-8", "vtt": "text/vtt; charset=UTF-8",
            "json": "application/json", "map": "application/json", "jsonld": "application/ld+json",
            "geojson": "application/geo+json", "webmanifest": "application/manifest+json", "xml": "application/xml",
            "xsl": "application/xml", "rss": "application/rss+xml", "atom": "application/atom+xml",
            "yaml": "application/yaml", "yml": "application/yaml", "toml": "application/toml", "rtf": "application/rtf",
            // images
            "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
            "webp": "image/webp", "avif": "image/avif", "jxl": "image/jxl", "heic": "image/heic", "bmp": "image/bmp",
            "ico": "image/x-icon", "tif": "image/tiff", "tiff": "image/tiff",
            // sound and film
            "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "oga": "audio/ogg", "ogg": "audio/ogg",
            "opus": "audio/ogg", "flac": "audio/flac", "wav": "audio/wav", "weba": "audio/webm", "mid": "audio/midi",
            "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "ogv": "video/ogg", "mov": "video/quicktime",
            "mpeg": "video/mpeg", "mpg": "video/mpeg", "mkv": "video/matroska", "avi": "video/x-msvideo",
            "ts": "video/mp2t", "m3u8": "application/vnd.apple.mpegurl", "mpd": "application/dash+xml",
            // typefaces
            "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf", "ttc": "font/collection",
            "eot": "application/vnd.ms-fontobject",
            // documents and archives
            "pdf": "application/pdf", "epub": "application/epub+zip", "zip": "application/zip",
            "gz": "application/gzip",
            "tgz": "application/gzip", "tar": "application/x-tar", "bz2": "application/x-bzip2",
            "xz": "application/x-xz",
            "zst": "application/zstd", "7z": "application/x-7z-compressed", "br": octets, "wasm": "application/wasm",
            "jar": "application/java-archive", "sqlite": "application/vnd.sqlite3", "doc": "application/msword",
            "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "xls": "application/vnd.ms-excel",
            "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "ppt": "application/vnd.ms-powerpoint",
            "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
        ]
    }()
}

/// How a response is to be handled by browsers (RFC 6266).
enum ContentDisposition {
    static func attachment(_ name: String) -> String {
        // A name that a file cannot have, or that would leave the folder, is no help to anybody.
        let scalars = name.unicodeScalars.filter {
            $0.value >= 0x20 && $0.value != 0x7f && $0 != "/" && $0 != "\\" && $0.properties.generalCategory != .format
        }
        let clean = String(String.UnicodeScalarView(scalars))
        guard !clean.isEmpty else { return "attachment" }
        var quoted = ""
        var isPlain = true
        for scalar in clean.unicodeScalars {
            if !scalar.isASCII || scalar == "%" { isPlain = false }
            quoted += scalar == "\"" ? "\\\"" : scalar.isASCII ? String(scalar) : "_"
        }
        return isPlain
            ? "attachment; filename=\"\(quoted)\""
            : "attachment; filename=\"\(quoted)\"; filename*=UTF-8''\(extended(clean))"
    }

    /// RFC 8187 section 3.2.1: what is no `attr-char` is escaped.
    private static func extended(_ text: String) -> String {
        let kept = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&+-.^_`|~".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if kept.contains(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(contentsOf: Hex.encode([byte]).uppercased().utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
