import SquallHTTP

extension HTTP1RequestHead {
    /// What stands for the head of a request that could not be read.
    static let unreadable: HTTP1RequestHead = {
        var parser = HTTP1RequestParser()
        var consumed = 0
        let bytes = Array("GET / HTTP/1.1\r\nHost:\r\n\r\n".utf8)
        guard case .head(let head) = parser.next(bytes.span, consumed: &consumed) else {
            // Nothing that arrives comes here: the bytes are the ones above.
            preconditionFailure("the parser refuses a plain request")
        }
        return head
    }()
}
