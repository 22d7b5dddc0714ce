import SquallIO

/// An error that says what the client is answered. An application's own errors conform to it, and are thrown from anywhere.
///
/// ```swift
/// enum ShopError: ResponseError {
///     case soldOut(String)
///
///     var status: Int { 409 }
///     var message: String? {
///         switch self {
///         case .soldOut(let article): "\(article) is sold out"
///         }
///     }
///     var code: String? { "sold_out" }
/// }
/// ```
public protocol ResponseError: Error {
    /// The status to answer; 500 if it is not one from 400 to 599.
    var status: Int { get }
    /// What the client is told. Nil, the default: the status's own phrase.
    var message: String? { get }
    /// Names the error for programs: told in JSON. Nil by default.
    var code: String? { get }
    /// What the error means and how it is avoided, for whoever writes the client. Shown in development only. Nil by default.
    var documentation: String? { get }
    /// Fields that the answer carries besides. None by default.
    var headers: [(name: String, value: String)] { get }
}

extension ResponseError {
    public var message: String? { nil }
    public var code: String? { nil }
    public var documentation: String? { nil }
    public var headers: [(name: String, value: String)] { [] }
}

/// The handler has no function for the request's method: 405, with the methods that it has in Allow (RFC 9110 section
/// 15.5.6). Middleware sees it; it is not logged.
public struct MethodNotAllowedError: ResponseError {
    /// The methods that the handler has, as Allow lists them.
    public let allowed: String

    public var status: Int { 405 }
    public var headers: [(name: String, value: String)] { [("Allow", allowed)] }
}

/// Too many calls wait for a thread already: 503.
extension BlockingPool.Full: ResponseError {
    public var status: Int { 503 }
    public var message: String? { "the server has too much to do; try again later" }
    public var headers: [(name: String, value: String)] { [("Retry-After", "1")] }
}
