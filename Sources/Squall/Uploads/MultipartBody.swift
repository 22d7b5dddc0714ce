import SquallHTTP

/// A form of type `multipart/form-data` as it comes: of a route with `streamsBody`.
///
/// The client is held back while nobody reads. It can be read once, by one task.
public struct MultipartBody: AsyncSequence {
    public typealias Element = Part
    let exchange: Exchange?

    public struct AsyncIterator: AsyncIteratorProtocol {
        let exchange: Exchange?
        private var reader: MultipartReader?

        init(exchange: Exchange?) { self.exchange = exchange }

        /// The next part, once what is left of the one before is skipped; nil at the end of the body.
        /// - Throws: ``HTTPError`` 415 if the body is no such form, 400 if it is malformed or has more parts than
        ///   ``Application/Limits/multipartParts``; and as ``RequestBody/AsyncIterator/next()``.
        public mutating func next() async throws -> Part? {
            guard let exchange else { return nil }
            let reader = try self.reader ?? Self.begin(exchange)
            self.reader = reader
            guard let part = try await reader.nextPart() else { return nil }
            return Part(part, reader)
        }

        private static func begin(_ exchange: Exchange) throws -> MultipartReader {
            guard exchange.route.streamsBody else {
                throw HTTPError(
                    500, logMessage: "multipart is for routes with streamsBody; use bodyArguments() and files()")
            }
            return try MultipartReader(exchange)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(exchange: exchange) }

    /// A field or a file of a form that is read as it comes.
    public struct Part {
        /// The name of the form's field.
        public let name: String
        /// As ``UploadedFile/filename``. Nil if the part is no file.
        public let filename: String?
        /// As ``UploadedFile/safeFilename``.
        public let safeFilename: String
        /// What the client says that the part is. Nil if it says nothing.
        public let contentType: String?
        /// The content in pieces, to be read before the next part is asked for.
        public let content: Content

        init(_ part: MultipartPart, _ reader: MultipartReader) {
            name = part.name
            filename = part.filename
            safeFilename = part.safeFilename
            contentType = part.contentType
            content = Content(reader: reader, number: reader.partNumber)
        }

        /// The whole content as text.
        /// - Parameter limit: how long it may be, in bytes: 64 KiB unless told otherwise.
        /// - Throws: ``HTTPError`` 413 if it is longer; and as ``Content/AsyncIterator/next()``.
        public func text(limit: Int = 65_536) async throws -> String {
            var bytes: [UInt8] = []
            for try await piece in content {
                bytes += piece
                guard bytes.count <= limit else {
                    throw HTTPError.tooLong("the field '\(name)' is too long; send up to \(limit) bytes")
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// The content of a part in pieces.
    public struct Content: AsyncSequence {
        public typealias Element = [UInt8]
        let reader: MultipartReader
        let number: Int

        public struct AsyncIterator: AsyncIteratorProtocol {
            let reader: MultipartReader
            let number: Int

            /// The next piece; nil at the end of the part.
            /// - Throws: ``UploadError`` once the next part was asked for; and as
            ///   ``MultipartBody/AsyncIterator/next()``.
            public mutating func next() async throws -> [UInt8]? {
                guard number == reader.partNumber else {
                    throw UploadError(
                        description: "the next part was asked for, and this one is skipped; read its content before")
                }
                return try await reader.nextContent().map(Array.init)
            }
        }

        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader, number: number) }
    }
}
