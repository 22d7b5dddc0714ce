import SquallHTTP
import SquallIO

// Bodies that the task takes from the connection.
extension Exchange {
    /// Decides who takes the body, and how. For a request that has one and is not refused, before the task starts.
    func settleIntake(limit: Int) {
        bodyLimit = limit
        let settings = connection.server.core.settings
        switch ContentCoding.declared(by: head) {
        case .none: break
        case let declared where takesCodings:
            if case .one(let coding) = declared {
                bodyDecoder = BodyDecoder(coding, ratio: settings.limits.decompressionRatio)
            }
            // Without memory for it, it is refused as if it were unknown.
            isCodingLeft = bodyDecoder == nil
            intake = .framework
        case .one, .unknown: isCodingLeft = true
        }
        if route.streamsBody {
            intake = .handler
        } else if let type = head.value(of: "content-type"), isMultipartForm(type) {
            intake = .framework
        }
    }

    /// Takes the body, and begins the handler's time. Returns what went wrong.
    func receiveBody() async -> (any Error)? {
        defer { loop.perform { [self] in connection.beginHandlerTime(for: self) } }
        do {
            if let type = head.value(of: "content-type"), isMultipartForm(type) {
                form = try await ReceivedForm.receive(self)
            } else {
                if isCodingLeft { throw codingRefusal }
                var whole: [UInt8] = []
                while let chunk = try await nextBodyChunk() { whole += chunk }
                body = whole
            }
            return nil
        } catch {
            return error
        }
    }

    /// Whether bodies may be compressed.
    var takesCodings: Bool { route.decompressesBody ?? connection.server.core.settings.decompressesBodies }

    /// What a body with a coding gets that is not taken off (RFC 9110 section 15.5.16).
    var codingRefusal: HTTPError {
        HTTPError.encodedBody(accepted: takesCodings ? ContentCoding.accepted : nil)
    }

    /// The body of a streaming route may be read from now on, ahead of who takes it.
    func beginReading() {
        loop.perform { [self] in connection.beginReadingBody(for: self) }
    }
}
