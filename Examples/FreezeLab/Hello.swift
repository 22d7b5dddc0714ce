import Squall

/// Returns at once.
final class Hello: RequestHandler {
    override func get() async {
        write("Hello, world")
    }
}
