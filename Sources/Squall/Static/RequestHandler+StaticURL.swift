extension RequestHandler {
    /// The URL of a static file, with its version: it changes when the file does, so clients may keep what they got under it.
    /// Tornado's `static_url`.
    /// - Parameters:
    ///   - path: the file's path in the folder, without a slash in front.
    ///   - name: which ``StaticFiles``, if there are several.
    /// - Throws: ``UnknownRouteError`` if there are no such ``StaticFiles``; ``HTTPError`` 500 if there is no such file.
    public func staticURL(_ path: String, named name: String = "static") async throws -> String {
        let (files, url) = try staticFile(path, name)
        do {
            let file = try await files.open(path)
            guard file.isRegular else { throw HTTPError(500, logMessage: "\(files.root)/\(path) is no file") }
            return url + "?v=" + (try await files.version(of: file, path))
        } catch let error as SystemError {
            throw missing(path, files, error)
        }
    }

    /// As ``staticURL(_:named:)``, or as it was within the last second.
    func recentStaticURL(_ path: String) async throws -> String {
        let (files, url) = try staticFile(path, "static")
        if application?.settings.isDevelopment != true, let version = files.recentVersion(path) {
            return url + "?v=" + version
        }
        return try await staticURL(path)
    }

    /// The URL with the version that was last seen. A file whose version is not known is read on this thread.
    func staticURLNow(_ path: String, named name: String) throws -> String {
        let (files, url) = try staticFile(path, name)
        do {
            return url + "?v=" + (try files.versionNow(path))
        } catch let error as SystemError {
            throw missing(path, files, error)
        }
    }

    private func staticFile(_ path: String, _ name: String) throws -> (StaticFiles, url: String) {
        guard let application, let files = application.router.files[name] else {
            throw UnknownRouteError(name: name, known: (application?.router.files.keys).map(Array.init)?.sorted() ?? [])
        }
        return (files, try application.path(named: name, ["path": path]))
    }

    private func missing(_ path: String, _ files: StaticFiles, _ error: SystemError) -> HTTPError {
        HTTPError(500, logMessage: "there is no static file '\(path)' in \(files.root): \(error)")
    }
}
