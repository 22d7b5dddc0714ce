import Foundation

/// A template engine under test. Its templates are parsed when it is made; each call renders one page into memory.
public protocol TemplateEngine {
    /// The program's own type, so that it can be what the engine reads fastest.
    associatedtype Fortune: Decodable
    /// `[UInt8]`, or a string's UTF-8.
    associatedtype Page: Collection<UInt8>

    init() throws
    /// What a handler does with the rows that it got: adds one, sorts them all, renders.
    func fortunes(_ stored: [Fortune]) throws -> Page
    func table(_ rows: [[String]]) throws -> Page
}

extension TemplateEngine {
    /// `PAGE DATA` prints the page. `PAGE DATA SECONDS` renders it for so much CPU time and prints what it took, as JSON.
    public static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3 else {
            FileHandle.standardError.write(Data("usage: \(arguments[0]) fortunes|table DATA [SECONDS]\n".utf8))
            exit(2)
        }
        let data = try Data(contentsOf: URL(fileURLWithPath: arguments[2]))
        let seconds = arguments.count > 3 ? Double(arguments[3]) : nil
        let engine = try Self()
        if arguments[1] == "fortunes" {
            let stored = try JSONDecoder().decode([Fortune].self, from: data)
            try run(seconds: seconds) { try engine.fortunes(stored) }
        } else {
            let rows = try JSONDecoder().decode([[String]].self, from: data)
            try run(seconds: seconds) { try engine.table(rows) }
        }
    }

    private static func run(seconds: Double?, _ render: () throws -> Page) throws {
        guard let seconds else {
            try FileHandle.standardOutput.write(contentsOf: Data(render()))
            return
        }
        // Warms up, and learns how many renders are worth a look at the clock, which is a system call.
        var warm = 0
        var began = cpuSeconds()
        repeat {
            _ = try render()
            warm += 1
        } while cpuSeconds() - began < seconds / 5
        let batch = max(1, warm / 20)

        var renders = 0
        var bytes = 0
        var used = 0.0
        began = cpuSeconds()
        repeat {
            for _ in 0..<batch { bytes += try render().count }
            renders += batch
            used = cpuSeconds() - began
        } while used < seconds
        print(#"{"renders": \#(renders), "seconds": \#(used), "bytes": \#(bytes / renders)}"#)
    }

    /// User and system time of all threads of this process.
    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
