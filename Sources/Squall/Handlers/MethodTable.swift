import SquallIO
import Synchronization

/// Which of the resource's methods a handler's class overrides: the Allow field has to say.
enum MethodTable {
    private static let known = Mutex<[ObjectIdentifier: String]>([:])

    static func allowed(by type: RequestHandler.Type) -> String {
        known.withLock { known in
            if let methods = known[ObjectIdentifier(type)] { return methods }
            let methods = find(type)
            known[ObjectIdentifier(type)] = methods
            return methods
        }
    }

    private static let receivers = Mutex<[ObjectIdentifier: Bool]>([:])

    /// Whether the class overrides ``RequestHandler/dataReceived(_:)``.
    static func receivesData(_ type: RequestHandler.Type) -> Bool {
        receivers.withLock { receivers in
            if let receives = receivers[ObjectIdentifier(type)] { return receives }
            let receives = ClassTable.overrides(
                type, sameAs: DataProbe.self, base: RequestHandler.self, notAlso: NoProbe.self)
            receivers[ObjectIdentifier(type)] = receives
            return receives
        }
    }

    private static func find(_ type: RequestHandler.Type) -> String {
        let probes: [(String, RequestHandler.Type)] = [
            ("GET", GetProbe.self), ("HEAD", HeadProbe.self), ("POST", PostProbe.self), ("PUT", PutProbe.self),
            ("DELETE", DeleteProbe.self), ("PATCH", PatchProbe.self),
        ]
        var allowed: [String] = []
        for (name, probe) in probes
        where ClassTable.overrides(type, sameAs: probe, base: RequestHandler.self, notAlso: NoProbe.self)
            || name == "HEAD" && allowed.contains("GET")
        {
            allowed.append(name)
        }
        return (allowed + ["OPTIONS"]).joined(separator: ", ")
    }

    // Each overrides one method, and so shows where that method stands in the class's table.
    private final class NoProbe: RequestHandler {}
    private final class DataProbe: RequestHandler {
        override func dataReceived(_ chunk: [UInt8]) async throws { _ = 7 }
    }
    private final class GetProbe: RequestHandler { override func get() async throws { _ = 1 } }
    private final class HeadProbe: RequestHandler { override func head() async throws { _ = 2 } }
    private final class PostProbe: RequestHandler { override func post() async throws { _ = 3 } }
    private final class PutProbe: RequestHandler { override func put() async throws { _ = 4 } }
    private final class DeleteProbe: RequestHandler { override func delete() async throws { _ = 5 } }
    private final class PatchProbe: RequestHandler { override func patch() async throws { _ = 6 } }
}
