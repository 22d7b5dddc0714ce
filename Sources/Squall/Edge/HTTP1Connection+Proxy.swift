import Logging
import SquallHTTP
import SquallIO

// The PROXY protocol: what a trusted proxy says before the first request.
extension HTTP1Connection {
    /// Reads the header at the start of the connection, and returns how many bytes are done with. Until it is complete
    /// the connection has the time of a head.
    func readProxyHeader(_ bytes: Span<UInt8>) -> Int {
        var consumed = 0
        switch ProxyHeader.parse(bytes, consumed: &consumed) {
        case .needMoreInput:
            return 0
        case .header(let header):
            awaitsProxyHeader = false
            switch header.source {
            case .ip(let address, let port): client = SocketAddress(address, port: port)
            case .unix(let path): client = .unix(path)
            case nil: isNameless = true
            }
            return consumed
        case .failure(let error):
            server.core.settings.logger.info("closed a connection from the proxy \(address.host): \(error)")
            finishConnection()
            return bytes.count
        }
    }
}
