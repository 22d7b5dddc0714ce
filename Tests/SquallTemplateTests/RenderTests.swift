import Squall
import Testing

@Suite struct RenderTests {
    @Test func `a page is rendered`() throws {
        #expect(try HelloPage(name: "<World>").renderString() == "<p>Hello, &lt;World&gt;</p>\n")
    }
}
