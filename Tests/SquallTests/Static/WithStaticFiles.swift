import Squall

/// Serves a folder with some files in it, beside others that must not be served.
func withStaticFiles(
    _ change: (inout StaticFiles.Options) -> Void = { _ in },
    _ body: @escaping @Sendable (TestServer, TemporaryFolder) async throws -> Void
) async throws {
    var options = StaticFiles.Options()
    change(&options)
    try await withTemporaryFolder { folder in
        try folder.write("outside.txt", "outside")
        try folder.write("static/robots.txt", "User-agent: *\nDisallow: /\n")
        try folder.write("static/index.html", "<p>root</p>")
        try folder.write("static/sub/index.html", "<p>sub</p>")
        try folder.write("static/sub/page", "no type")
        try folder.write("static_foo.txt", "a neighbour")
        try await withServer(
            routes: {
                StaticFiles("/static", root: folder.file("static"), options: options)
                Route("/url") { handler in
                    handler.write(try await handler.staticURL(try handler.queryArgument("path", as: String.self)))
                }
                Route("/other") { handler in
                    handler.write(try await handler.staticURL("robots.txt", named: "other"))
                }
            }, { server in try await body(server, folder) })
    }
}
