import CSquall
import Synchronization

#if canImport(Runtime)
@_spi(Internal) @_spi(MemoryReaders) import Runtime
#endif

/// Turns return addresses into functions, files and lines. Belongs to one thread: the reporter's, or that of its maker.
final class Symbolizer {
    /// An address on a stack. That of a call is the one before the address to return to.
    private struct Place: Hashable {
        let address: UInt
        let isReturn: Bool
    }
    /// By place: stacks have most of their outer frames in common, and each place takes tens of milliseconds, as the runtime
    /// goes through the table of lines for it.
    private var cache: [Place: [StallReport.Frame]] = [:]

    private static func places(_ addresses: some Sequence<UInt>, isInterrupted: Bool) -> [Place] {
        addresses.enumerated().map { Place(address: $1, isReturn: $0 > 0 || !isInterrupted) }
    }

    /// The frames of each stack. All that are not known are looked up in one go, so that the symbols are read once.
    /// - Parameter stacks: of each the handler, the kernel's return from it, the interrupted instruction, and then return
    ///   addresses, innermost first.
    func frames(of stacks: [[UInt]]) -> [[StallReport.Frame]] {
        let stacks = stacks.map { Self.places($0.dropFirst(2), isInterrupted: true) }
        find(stacks.joined(), by: Self.lookUpAside)
        return stacks.map { $0.flatMap { cache[$0] ?? [] } }
    }

    /// - Parameter isInterrupted: the first is where the thread was, and no return address.
    func symbolicate(_ addresses: [UInt], isInterrupted: Bool = true) -> [StallReport.Frame] {
        let places = Self.places(addresses, isInterrupted: isInterrupted)
        find(places, by: Self.lookUp)
        return places.flatMap { cache[$0] ?? [] }
    }

    private func find(_ places: some Sequence<Place>, by lookUp: ([Place]) -> [Place: [StallReport.Frame]]) {
        if cache.count > 4_096 { cache.removeAll() }
        let unknown = Set(places).filter { cache[$0] == nil }
        if !unknown.isEmpty { cache.merge(lookUp(Array(unknown))) { $1 } }
    }

    /// Looks up what is loaded, if that was not done.
    static func prepare() {
        #if canImport(Runtime)
        _ = images
        #endif
    }

    /// On a thread that ends with it. The runtime keeps the symbols of every image that it has looked at, some 25 MB, for the
    /// thread that looked.
    private static func lookUpAside(_ places: [Place]) -> [Place: [StallReport.Frame]] {
        let frames = Mutex<[Place: [StallReport.Frame]]>([:])
        let parker = Parker()
        let isStarted = startThread(named: "squall-symbols") {
            let found = lookUp(places)
            frames.withLock { $0 = found }
            parker.unpark()
        }
        guard isStarted else { return [:] }
        parker.park()
        return frames.withLock { $0 }
    }

    #if canImport(Runtime)
    /// What is loaded. Read once, when the reporter starts. The runtime looks into every file that is mapped, with this reader
    /// through the kernel: what is unmapped at that moment cannot be read, and does no harm.
    private static let images: ImageMap = {
        let images = ImageMap.capture(using: LocalMemoryReader())
        // Where the kernel is told to refuse that.
        return images.isEmpty ? ImageMap.capture() : images
    }()

    private static func lookUp(_ places: [Place]) -> [Place: [StallReport.Frame]] {
        var found: [Place: [StallReport.Frame]] = [:]
        for place in places {
            let frame: RichFrame<UInt> = place.isReturn ? .returnAddress(place.address) : .programCounter(place.address)
            let backtrace = Backtrace(architecture: architecture, frames: [frame], images: images)
            // Several where calls were inlined.
            found[place] = backtrace.symbolicated(options: .default)?.frames.map { frame in
                guard let symbol = frame.symbol else {
                    return StallReport.Frame(function: "\(frame.captured)", file: nil, line: nil)
                }
                let location = symbol.sourceLocation
                return StallReport.Frame(
                    function: symbol.name, file: location?.path,
                    line: location.flatMap { $0.line > 0 ? $0.line : nil })
            }
        }
        return found
    }

    #if arch(x86_64)
    private static let architecture = "x86_64"
    #elseif arch(arm64)
    private static let architecture = "arm64"
    #else
    private static let architecture = "unknown"
    #endif
    #else
    private static func lookUp(_ places: [Place]) -> [Place: [StallReport.Frame]] {
        Dictionary(
            uniqueKeysWithValues: places.map {
                ($0, [StallReport.Frame(function: "0x" + String($0.address, radix: 16), file: nil, line: nil)])
            })
    }
    #endif

    /// The stack down to where Squall called the application.
    static func applicationFrames(of report: StallReport) -> ArraySlice<StallReport.Frame> {
        guard let guilty = report.guilty, let start = report.frames.firstIndex(of: guilty) else {
            return report.frames[...]
        }
        let end = report.frames[start...].firstIndex { $0.file.map(isOwn) ?? false }
        return report.frames[..<(end ?? report.frames.endIndex)]
    }

    /// The innermost line that is neither a library's without source nor Squall's own.
    static func guilty(in frames: [StallReport.Frame]) -> StallReport.Frame? {
        for frame in frames {
            guard let file = frame.file, frame.line != nil, !file.hasSuffix("<compiler-generated>") else { continue }
            if isOwn(file) { continue }
            return frame
        }
        return nil
    }

    private static func isOwn(_ file: String) -> Bool {
        for module in ["SquallIO", "SquallHTTP", "Squall", "CSquall"] where file.contains("/Sources/\(module)/") {
            return true
        }
        return false
    }
}
