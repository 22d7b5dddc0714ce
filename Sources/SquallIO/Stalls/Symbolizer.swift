import CSquall
import Synchronization

#if canImport(Runtime)
@_spi(Internal) @_spi(MemoryReaders) import Runtime
#endif

/// Turns return addresses into functions, files and lines. Belongs to one thread: the reporter's, or that of its maker.
final class Symbolizer {
    private var cache: [[UInt]: [StallReport.Frame]] = [:]

    /// - Parameter addresses: the handler, the kernel's return from it, the interrupted instruction, and then return
    ///   addresses, innermost first.
    func frames(of addresses: [UInt]) -> [StallReport.Frame] {
        guard addresses.count > 2 else { return [] }
        if let known = cache[addresses] { return known }
        let frames = Self.symbolicateAside(Array(addresses.dropFirst(2)))
        if cache.count > 512 { cache.removeAll() }
        cache[addresses] = frames
        return frames
    }

    /// Looks up what is loaded, if that was not done.
    static func prepare() {
        #if canImport(Runtime)
        _ = images
        #endif
    }

    /// On a thread that ends with it. The runtime keeps the symbols of every image that it has looked at, some 25 MB, for the
    /// thread that looked.
    private static func symbolicateAside(_ addresses: [UInt]) -> [StallReport.Frame] {
        let frames = Mutex<[StallReport.Frame]>([])
        let parker = Parker()
        let isStarted = startThread(named: "squall-symbols") {
            let found = Symbolizer().symbolicate(addresses)
            frames.withLock { $0 = found }
            parker.unpark()
        }
        guard isStarted else { return [] }
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

    /// - Parameter isInterrupted: the first is where the thread was, and no return address.
    func symbolicate(_ addresses: [UInt], isInterrupted: Bool = true) -> [StallReport.Frame] {
        let frames = addresses.enumerated().map { index, address -> RichFrame<UInt> in
            index == 0 && isInterrupted ? .programCounter(address) : .returnAddress(address)
        }
        let backtrace = Backtrace(architecture: Self.architecture, frames: frames, images: Self.images)
        guard let symbolicated = backtrace.symbolicated(options: .default) else { return [] }
        return symbolicated.frames.compactMap { frame in
            guard let symbol = frame.symbol else {
                return StallReport.Frame(function: "\(frame.captured)", file: nil, line: nil)
            }
            let location = symbol.sourceLocation
            return StallReport.Frame(
                function: symbol.name, file: location?.path,
                line: location.flatMap { $0.line > 0 ? $0.line : nil })
        }
    }

    #if arch(x86_64)
    private static let architecture = "x86_64"
    #elseif arch(arm64)
    private static let architecture = "arm64"
    #else
    private static let architecture = "unknown"
    #endif
    #else
    func symbolicate(_ addresses: [UInt], isInterrupted: Bool = true) -> [StallReport.Frame] {
        addresses.map { StallReport.Frame(function: "0x" + String($0, radix: 16), file: nil, line: nil) }
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
