extension RequestHandler {
    // MARK: lists, optional values, defaults

    /// All values of an argument of the query, in order, each without blanks around it: Tornado's `get_query_arguments`.
    public func queryArguments(_ name: String) throws -> [String] { values(of: name, in: try queryArguments()) }

    /// All values of an argument of the query, as a type of its own. None if there is none.
    /// - Throws: ``HTTPError`` 400 that names the argument, if one does not fit.
    public func queryArguments<Value: PathArgument>(_ name: String, as type: Value.Type) throws -> [Value] {
        try queryArguments(name).map { try convert(name, $0) }
    }

    /// All values of an argument of the form in the body, in order, each without blanks around it: Tornado's
    /// `get_body_arguments`.
    public func bodyArguments(_ name: String) throws -> [String] { values(of: name, in: try bodyArguments()) }

    /// All values of an argument of the form in the body, as a type of its own. None if there is none.
    /// - Throws: ``HTTPError`` 400 that names the argument, if one does not fit.
    public func bodyArguments<Value: PathArgument>(_ name: String, as type: Value.Type) throws -> [Value] {
        try bodyArguments(name).map { try convert(name, $0) }
    }

    /// The last value of an argument of the query. Nil if there is none, or if it is empty and an empty text does not fit.
    /// - Throws: ``HTTPError`` 400 that names the argument, if it does not fit.
    public func queryArgument<Value: PathArgument>(_ name: String, as type: Value?.Type) throws -> Value? {
        try optional(name, try queryArgument(name))
    }

    /// The last value of an argument of the form in the body. Nil if there is none, or if it is empty, as a field that was not
    /// filled in, and an empty text does not fit.
    /// - Throws: ``HTTPError`` 400 that names the argument, if it does not fit.
    public func bodyArgument<Value: PathArgument>(_ name: String, as type: Value?.Type) throws -> Value? {
        try optional(name, try bodyArgument(name))
    }

    /// The last value of an argument, of the form if it is there and of the query otherwise; `default` if it is in neither.
    public func argument(_ name: String, default: String) throws -> String {
        try bodyArgument(name) ?? queryArgument(name) ?? `default`
    }

    /// The last value of an argument, of the form if it is there and of the query otherwise, as a type of its own.
    /// - Throws: ``HTTPError`` 400 that names the argument, if it is missing or does not fit.
    public func argument<Value: PathArgument>(_ name: String, as type: Value.Type) throws -> Value {
        try convert(name, try bodyArgument(name) ?? queryArgument(name))
    }

    /// The last value of an argument, of the form if it is there and of the query otherwise, or `default` if it is in neither.
    /// - Throws: ``HTTPError`` 400 that names the argument, if it does not fit.
    public func argument<Value: PathArgument>(_ name: String, as type: Value.Type, default: Value) throws -> Value {
        guard let text = try bodyArgument(name) ?? queryArgument(name) else { return `default` }
        return try convert(name, text)
    }

    private func values(of name: String, in pairs: [(name: String, value: String)]) -> [String] {
        pairs.filter { $0.name == name }.map(\.value.argumentText)
    }

    private func optional<Value: PathArgument>(_ name: String, _ text: String?) throws -> Value? {
        guard let text else { return nil }
        if text.isEmpty { return Value(pathArgument: text) }
        return try convert(name, text)
    }

    // MARK: whole forms and queries

    /// The query, read as a type of its own. See ``form(as:)`` for how.
    /// - Throws: ``HTTPError`` 400 that names the argument, if one is missing or does not fit.
    public func query<Value: Decodable>(as type: Value.Type) throws -> Value {
        try ArgumentDecoder.decode(type, from: try queryArguments())
    }

    /// The form in the body, read as a type of its own: of type `application/x-www-form-urlencoded`, or `multipart/form-data`
    /// without its files.
    ///
    /// ```swift
    /// struct SignUp: Decodable {
    ///     var name: String
    ///     var age: Int?
    ///     var interests: [Interest]
    ///     var newsletter: Bool
    /// }
    /// let signUp = try form(as: SignUp.self)
    /// ```
    ///
    /// - Numbers are read strictly, as by ``PathArgument``; enumerations by their raw value.
    /// - A `Bool` is `true`, `on`, `yes` or `1`, or `false`, `off`, `no`, `0` or empty. One that is missing is false: browsers do
    ///   not send a box that is not checked.
    /// - A `Date` is a day, `2026-11-21`, or ISO 8601 with a time, `2026-11-21T10:44:00Z`. Without an offset it is UTC.
    /// - An optional value that is missing or empty is nil.
    /// - A list takes all values of its name, `tag` or `tag[]`. It may be empty. Lists of structures are not read: send JSON.
    /// - A structure in it is `address.street` or `address[street]`, up to eight deep. A name with more parts is skipped.
    /// - Arguments that the type has not are skipped.
    /// - Throws: ``HTTPError`` 400 that names the argument, if one is missing or does not fit.
    public func form<Value: Decodable>(as type: Value.Type) throws -> Value {
        try ArgumentDecoder.decode(type, from: try bodyArguments())
    }
}
