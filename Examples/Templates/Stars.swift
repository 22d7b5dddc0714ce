import Squall

/// Stars for a rating: a module written by hand. Its style sheet is in the page once, however many ratings there are.
struct Stars: SynchronousTemplate {
    /// From 0 to 5.
    var rating: Double

    static let resources = PageResources(cssFiles: ["stars.css"])

    func render(to output: inout TemplateOutput) throws {
        let tenths = Int((rating * 10).rounded())
        output.write(
            """
            <span class="stars" role="img" aria-label="\(tenths / 10).\(tenths % 10) of 5 stars" \
            style="--filled: \(tenths * 2)%"></span>
            """)
    }
}
