import SquallHTTP

extension RequestHandler {
    // MARK: the path

    /// A parameter of the route's path, decoded.
    /// - Throws: ``HTTPError`` 400 if it is not UTF-8; 500 if the route has no such parameter.
    public func pathArgument(_ name: String) throws -> String {
        guard let exchange, let match = mount == nil ? exchange.match : mount?.match,
            let index = match.pattern.parameterNames.firstIndex(of: name), match.captures.indices.contains(index)
        else {
            throw HTTPError(500, logMessage: "the route \(request.route) has no parameter '\(name)'")
        }
        if match.captures[index].isEmpty { return "" }
        let bytes = exchange.head.bytes
        guard let text = PercentEscapes.decode(bytes.span.extracting(exchange.head.pathRange), match.captures[index])
        else {
            throw HTTPError.malformedPath
        }
        return text
    }

    /// A parameter of the route's host pattern, in lower case. Nil if the pattern has no such parameter.
    public func hostArgument(_ name: String) -> String? {
        guard let exchange, let host = exchange.authority else { return nil }
        return route?.host?.match(host)?[name]
    }

    /// A parameter of the route's path as a type of its own.
    /// - Throws: ``HTTPError`` 404 if it does not fit the type.
    public func pathArgument<Value: PathArgument>(_ name: String, as type: Value.Type) throws -> Value {
        guard let value = Value(pathArgument: try pathArgument(name)) else { throw HTTPError.notFound() }
        return value
    }

    // MARK: query and form

    /// All arguments of the query, in order.
    /// - Throws: ``HTTPError`` 400 if there are more than 1,000.
    public func queryArguments() throws -> [(name: String, value: String)] {
        if let parsedQuery { return parsedQuery }
        guard let exchange, let range = exchange.head.queryRange else { return [] }
        let bytes = exchange.head.bytes
        let parsed = try parseForm(bytes.span.extracting(range))
        parsedQuery = parsed
        return parsed
    }

    /// All arguments of a form in the body, in order: of type `application/x-www-form-urlencoded` or `multipart/form-data`,
    /// of which these are the parts that are no files. None for other types, and in a route with `streamsBody`.
    /// - Throws: ``HTTPError`` 400 if the form is malformed or has more than 1,000 arguments; 415 if it is compressed
    ///   and the route does not say `decompressesBody`. For a multipart form that is said before the handler begins.
    public func bodyArguments() throws -> [(name: String, value: String)] { try form().arguments }

    /// The files of a form in the body, in order: of type `multipart/form-data`. None for other types.
    ///
    /// The form was taken from the wire before the handler began; what is too large for memory is in a temporary file.
    /// - Throws: as ``bodyArguments()``.
    public func files() throws -> [UploadedFile] { try form().files }

    private func form() throws -> ParsedForm {
        if let parsedForm { return parsedForm }
        guard let exchange else { return ParsedForm() }
        if let received = exchange.form { return received.form }
        guard mediaType == "application/x-www-form-urlencoded" else { return ParsedForm() }
        try refuseCoding()
        let bytes = exchange.body
        var form = ParsedForm()
        form.arguments = try parseForm(bytes.span)
        parsedForm = form
        return form
    }

    /// What is compressed would be read as garbage.
    func refuseCoding() throws {
        if let exchange, exchange.isCodingLeft { throw exchange.codingRefusal }
    }

    private func parseForm(_ bytes: Span<UInt8>) throws -> [(name: String, value: String)] {
        do {
            return try FormURLEncoded.parse(bytes)
        } catch {
            throw HTTPError.malformedForm(error.status, error.message)
        }
    }

    /// The Content-Type without its parameters, in lower case.
    var mediaType: String {
        guard let value = request.header("content-type") else { return "" }
        return value.prefix { $0 != ";" }.lowercased().trimmingBlanks
    }

    /// The last value of an argument of the query, without blanks around it and with a space for each control character but
    /// tabs and line ends. Nil if there is none.
    public func queryArgument(_ name: String) throws -> String? { last(name, in: try queryArguments()) }

    /// The last value of an argument of the query, as a type of its own.
    /// - Throws: ``HTTPError`` 400 that names the argument, if it is missing or does not fit.
    public func queryArgument<Value: PathArgument>(_ name: String, as type: Value.Type) throws -> Value {
        try convert(name, try queryArgument(name))
    }

    /// The last value of an argument of the query, or `default` if there is none.
    /// - Throws: ``HTTPError`` 400 that names the argument, if it does not fit.
    public func queryArgument<Value: PathArgument>(
        _ name: String, as type: Value.Type, default: Value
    ) throws -> Value {
        guard let text = try queryArgument(name) else { return `default` }
        return try convert(name, text)
    }

    /// The last value of an argument of the form in the body, without blanks around it and with a space for each control
    /// character but tabs and line ends. Nil if there is none.
    public func bodyArgument(_ name: String) throws -> String? { last(name, in: try bodyArguments()) }

    /// The last value of an argument of the form in the body, as a type of its own.
    /// - Throws: ``HTTPError`` 400 that names the argument, if it is missing or does not fit.
    public func bodyArgument<Value: PathArgument>(_ name: String, as type: Value.Type) throws -> Value {
        try convert(name, try bodyArgument(name))
    }

    /// The last value of an argument of the form in the body, or `default` if there is none.
    /// - Throws: ``HTTPError`` 400 that names the argument, if it does not fit.
    public func bodyArgument<Value: PathArgument>(_ name: String, as type: Value.Type, default: Value) throws -> Value {
        guard let text = try bodyArgument(name) else { return `default` }
        return try convert(name, text)
    }

    /// The last value of an argument, of the form if it is there and of the query otherwise: Tornado's `get_argument`.
    /// - Throws: ``HTTPError`` 400 that names the argument, if it is in neither.
    public func argument(_ name: String) throws -> String {
        guard let value = try bodyArgument(name) ?? queryArgument(name) else { throw HTTPError.missingArgument(name) }
        return value
    }

    /// All values of an argument, those of the query first: Tornado's `get_arguments`.
    public func arguments(_ name: String) throws -> [String] {
        (try queryArguments() + bodyArguments()).filter { $0.name == name }.map(\.value.argumentText)
    }

    private func last(_ name: String, in pairs: [(name: String, value: String)]) -> String? {
        pairs.last { $0.name == name }?.value.argumentText
    }

    func convert<Value: PathArgument>(_ name: String, _ text: String?) throws -> Value {
        guard let text else { throw HTTPError.missingArgument(name) }
        guard let value = Value(pathArgument: text) else {
            throw HTTPError.invalidArgument(name, wanted(Value.self))
        }
        return value
    }

}

extension StringProtocol {
    /// Without spaces, tabs and line ends at both ends.
    var trimmingBlanks: String {
        let isBlank: (Unicode.Scalar) -> Bool = { $0 == " " || ($0.value >= 9 && $0.value <= 13) }
        let scalars = String(self).unicodeScalars
        guard let first = scalars.firstIndex(where: { !isBlank($0) }),
            let last = scalars.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(scalars[first...last])
    }
}
