import HTTPTypes
import Logging
import Squall
import SquallIO
import Testing

@Suite struct MiddlewareTests {
    private static func tracing(_ name: String, _ trace: Trace) -> Middleware {
        Middleware { _, next in
            trace("\(name) in")
            do {
                try await next()
                trace("\(name) out")
            } catch {
                trace("\(name) \(HTTPError(answering: error).status)")
                throw error
            }
        }
    }

    private final class Traced: RequestHandler {
        let trace: Trace
        init(_ trace: Trace) { self.trace = trace }
        override func prepare() async throws { trace("prepare") }
        override func get() async throws {
            trace("get")
            write("done")
        }
        override func onFinish() { trace("onFinish") }
    }

    @Test func `it runs round the handler: the application's, the groups' from outside, the route's`() async throws {
        let trace = Trace()
        func options(_ name: String) -> Route.Options { .init(middleware: [Self.tracing(name, trace)]) }
        try await withServer(
            { $0.middleware = [Self.tracing("one", trace), Self.tracing("two", trace)] },
            routes: {
                Group("/a", options: options("outer")) {
                    Group("/b", options: options("inner")) { Route("/c", options: options("route")) { Traced(trace) } }
                }
                Route("/plain") { Traced(trace) }
            }
        ) { server in
            let response = try await server.get("/a/b/c")
            #expect(response.text == "done")
            let names = ["one", "two", "outer", "inner", "route"]
            try await waitUntil("the request has ended") { trace.contains("onFinish") }
            #expect(
                trace.all == names.map { "\($0) in" } + ["prepare", "get"] + names.reversed().map { "\($0) out" }
                    + ["onFinish"])
            let plain = try await server.get("/plain")
            #expect(plain.text == "done")
            #expect(trace.all.filter { $0.hasPrefix("route") }.count == 2)
            #expect(trace.all.filter { $0 == "one in" }.count == 2)
        }
    }

    @Test func `it may answer instead of the handler`() async throws {
        let trace = Trace()
        func options(_ body: @escaping Middleware.Body) -> Route.Options { .init(middleware: [Middleware(body)]) }
        try await withServer(routes: {
            Route("/text", options: options { handler, _ in handler.write("instead") }) { Traced(trace) }
            Route(
                "/finished",
                options: options { handler, next in
                    try handler.finish("instead")
                    try await next()
                }
            ) { Traced(trace) }
            Route("/moved", options: options { handler, _ in try handler.redirect("/text") }) { Traced(trace) }
            Route("/error", options: options { _, _ in throw HTTPError.forbidden("not you") }) { Traced(trace) }
            Route(
                "/end",
                options: options { handler, _ in
                    handler.write("instead")
                    throw Finish()
                }
            ) { Traced(trace) }
        }) { server in
            for (path, status, fragment) in [
                ("/text", 200, "instead"), ("/finished", 200, "instead"), ("/moved", 302, ""),
                ("/error", 403, "not you"), ("/end", 200, "instead"),
            ] {
                let response = try await server.get(path)
                #expect(response.status == status, "\(path)")
                #expect(response.text.contains(fragment), "\(path)")
            }
            #expect(!trace.contains("prepare"))
        }
    }

    @Test func `it sets fields before and after, and errors have those from before`() async throws {
        let middleware = Middleware { handler, next in
            handler.setHeader("X-Before", "1")
            try await next()
            handler.setHeader("X-After", "\(handler.responseStatus)")
        }
        try await withServer(
            { $0.middleware = [middleware] },
            routes: {
                Route("/") { handler in
                    handler.setStatus(201)
                    handler.setHeader("X-Own", "1")
                }
                Route("/error") { handler in
                    handler.setHeader("X-Own", "1")
                    throw HTTPError(409)
                }
                Route("/sent") { handler in await handler.sendError(HTTPError(410)) }
            }
        ) { server in
            let response = try await server.get("/")
            #expect(response["x-before"] == "1")
            #expect(response["x-after"] == "201")
            for path in ["/error", "/sent"] {
                let error = try await server.get(path)
                #expect(error.status >= 400)
                #expect(error["x-before"] == "1")
                #expect(error["x-own"] == nil)
            }
        }
    }

    @Test func `it catches errors and translates them, and an early end is none`() async throws {
        struct Missing: Error {}
        let trace = Trace()
        let middleware = Middleware { handler, next in
            do { try await next() } catch is Missing { throw HTTPError.notFound("it is gone") } catch {
                trace("\(error)")
                handler.setStatus(200)
                handler.write("caught")
            }
        }
        try await withServer(
            { $0.middleware = [middleware] },
            routes: {
                Route("/missing") { _ in throw Missing() }
                Route("/other") { _ in throw HTTPError(418) }
                Route("/end") { handler in
                    handler.write("early")
                    throw Finish()
                }
            }
        ) { server in
            let missing = try await server.get("/missing")
            #expect(missing.status == 404)
            #expect(missing.text.contains("it is gone"))
            #expect(try await server.get("/other").text == "caught")
            #expect(try await server.get("/end").text == "early")
            #expect(trace.all == ["418 I'm a Teapot"])
        }
    }

    @Test func `a second next throws, and the handler has run once`() async throws {
        let runs = Counter()
        let middleware = Middleware { handler, next in
            try await next()
            try await next()
        }
        let swallowing = Middleware { handler, next in
            try? await next()
            do { try await next() } catch let error as MiddlewareError {
                handler.write("; \(error.description.count > 20)")
            }
        }
        try await withServer(routes: {
            Route("/", options: .init(middleware: [middleware])) { _ in runs.add() }
            Route("/swallowed", options: .init(middleware: [swallowing])) { handler in
                runs.add()
                handler.write("once")
            }
        }) { server in
            let response = try await server.get("/")
            #expect(response.status == 500)
            #expect(runs.value == 1)
            #expect(server.log.messages(at: .error).contains { $0.contains("so call it once") })
            #expect(try await server.get("/swallowed").text == "once; true")
            #expect(runs.value == 2)
        }
    }

    @Test func `it sees that the client has left, as cancellation`() async throws {
        let trace = Trace()
        let gate = Gate()
        let middleware = Middleware { _, next in
            do { try await next() } catch {
                trace("\(error is CancellationError) \(Task.isCancelled)")
                throw error
            }
        }
        try await withServer(
            { $0.middleware = [middleware] },
            routes: { Route("/") { _ in try await gate.wait() } }
        ) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            try await waitUntil("the handler waits") { gate.waitingCount == 1 }
            client.close()
            try await waitUntil("middleware was told") { !trace.all.isEmpty }
            #expect(trace.all == ["true true"])
        }
    }

    @Test func `the application's runs round refusals of what could be read`() async throws {
        let trace = Trace()
        let middleware = Middleware { handler, next in
            handler.setHeader("X-Seen", "1")
            do { try await next() } catch {
                trace("\(HTTPError(answering: error).status)")
                throw error
            }
        }
        let routes = Trace()
        try await withServer(
            {
                $0.middleware = [middleware]
                $0.limits.bodyBytes = 10
                $0.limits.handlerDeadline = .seconds(1)
            },
            routes: {
                Route("/", methods: [.post], options: .init(middleware: [Self.tracing("route", routes)])) { _ in }
                Route("/slow") { _ in try await Gate().wait() }
            }
        ) { server in
            for (bytes, status) in [
                (request("GET /none HTTP/1.1"), 404), (request("GET / HTTP/1.1"), 405),
                (request("BREW / HTTP/1.1"), 501),
                (request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 11\r\n"), 413),
            ] {
                let response = try await server.ask(bytes)
                #expect(response.status == status)
                #expect(response["x-seen"] == "1", "\(status)")
                #expect(trace.all.last == "\(status)")
            }
            let slow = try await server.get("/slow")
            #expect(slow.status == 503)
            #expect(slow["x-seen"] == "1")
            #expect(trace.contains("503"))
            // The route's runs where the route was found and its handler asked.
            #expect(routes.all == ["route in", "route 405", "route in", "route 501"])
            // The handler whose time was over comes back from its cancellation after its client has the answer.
            try await waitUntil("all have been through it") { trace.all.count == 6 }
            for bytes in ["nonsense\r\n\r\n", request("GET / HTTP/2.0")] {
                let unreadable = try await server.ask(bytes)
                #expect(unreadable.status >= 400)
                #expect(unreadable["x-seen"] == nil)
            }
            #expect(trace.all.count == 6)
            let options = try await server.ask(request("OPTIONS * HTTP/1.1"))
            #expect(options["x-seen"] == "1")
        }
    }

    @Test func `it runs with the application's error handler, too`() async throws {
        final class Page: RequestHandler {
            override func setDefaultHeaders() { setHeader("X-Page", "own") }
            override func writeError(_ error: HTTPError) async throws { write("own \(error.status)") }
        }
        let middleware = Middleware { handler, next in
            handler.setHeader("X-Seen", "1")
            do { try await next() } catch let error as HTTPError where error.status == 404 {
                throw HTTPError.gone()
            }
        }
        try await withServer(
            {
                $0.middleware = [middleware]
                $0.errorHandler = { Page() }
            }, routes: {}
        ) { server in
            let response = try await server.get("/none")
            #expect(response.status == 410)
            #expect(response.text == "own 410")
            #expect(response["x-page"] == "own")
            #expect(response["x-seen"] == "1")
        }
    }

    @Test func `the check against forgery is inside of it`() async throws {
        let trace = Trace()
        try await withServer(
            {
                $0.checksXSRF = true
                $0.middleware = [Self.tracing("app", trace)]
            },
            routes: { Route("/", methods: [.post]) { handler in handler.write("done") } }
        ) { server in
            let response = try await server.post("/", "")
            #expect(response.status == 403)
            #expect(trace.all == ["app in", "app 403"])
        }
    }

    @Test func `it runs before a streamed body is read, and the head may be sent before it comes back`() async throws {
        let trace = Trace()
        try await withServer(
            { $0.middleware = [Self.tracing("app", trace)] },
            routes: {
                Route("/", methods: [.post], options: .init(streamsBody: true)) { handler in
                    for try await piece in handler.body {
                        handler.write(piece)
                        try await handler.flush()
                    }
                }
            }
        ) { server in
            let client = try await server.client()
            try await client.send(request("POST / HTTP/1.1", "Host: h\r\nContent-Length: 3\r\n"))
            try await waitUntil("middleware runs") { trace.contains("app in") }
            try await client.send("abc")
            #expect(try await client.response().text == "abc")
            try await waitUntil("middleware has come back") { trace.contains("app out") }
        }
    }

    @Test func `a field of its that cannot be sent makes the response a bare 500`() async throws {
        let middleware = Middleware { handler, next in
            handler.setHeader("X-Bad", "a\r\nb")
            try await next()
        }
        try await withServer(
            { $0.middleware = [middleware] }, routes: { Route("/") { handler in handler.write("x") } }
        ) { server in
            for target in ["/", "/none"] {
                let response = try await server.get(target)
                #expect(response.status == 500)
                #expect(response.body.isEmpty)
            }
        }
    }
}
