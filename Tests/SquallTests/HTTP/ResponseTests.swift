import HTTPTypes
import Logging
import Squall
import Testing

@Suite struct ResponseTests {
    @Test func `a response has status line, date, type and length, in bytes`() async throws {
        try await withServer({ $0.securityHeaders = .off }, routes: { Route("/") { $0.write("hé") } }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1", "Host: h\r\nConnection: close\r\n"))
            let bytes = text(try await client.readToEnd())
            let lines = bytes.split(separator: "\r\n", omittingEmptySubsequences: false)
            #expect(lines[0] == "HTTP/1.1 200 OK")
            #expect(
                lines[1].wholeMatch(
                    of: /Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/) != nil)
            #expect(
                lines[2...] == [
                    "Content-Type: text/html; charset=UTF-8", "Content-Length: 3", "Connection: close", "",
                    "h\u{c3}\u{a9}",
                ])
        }
    }

    @Test func `writes are gathered into one body`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.write("one ")
                handler.write([UInt8(ascii: "2"), UInt8(ascii: " ")])
                handler.write("three".utf8)
                try handler.finish(" four")
            }
        }) { server in
            let response = try await server.get("/")
            #expect(response.text == "one 2 three four")
            #expect(response["content-length"] == "16")
        }
    }

    @Test func `HEAD gives the fields of GET and no body`() async throws {
        try await withServer(routes: { Self.pages }) { server in
            let client = try await server.client()
            for (path, length) in [("/plain", "5"), ("/handler", "7"), ("/declared", "1000")] {
                try await client.send(request("HEAD \(path) HTTP/1.1"))
                let response = try await client.response(toHead: true)
                #expect(response.status == 200)
                #expect(response["content-length"] == length)
            }
            // Nothing of a body was sent: what follows is read as a response.
            try await client.send(request("GET /plain HTTP/1.1"))
            #expect(try await client.response().text == "plain")
        }
    }

    @Test func `HEAD of a streamed response sends no chunk`() async throws {
        try await withServer(routes: { Self.pages }) { server in
            let client = try await server.client()
            try await client.send(request("HEAD /stream HTTP/1.1") + request("GET /plain HTTP/1.1"))
            let head = try await client.response(toHead: true)
            #expect(head.status == 200)
            #expect(head.headers.contains { $0.name == "Content-Type" })
            #expect(try await client.response().text == "plain")
        }
    }

    @Test func `HEAD of an error has no body`() async throws {
        try await withServer(routes: { Self.pages }) { server in
            let client = try await server.client()
            try await client.send(request("HEAD /none HTTP/1.1") + request("GET /plain HTTP/1.1"))
            #expect(try await client.response(toHead: true).status == 404)
            #expect(try await client.response().text == "plain")
        }
    }

    @Test(arguments: ["12, 13", "-0", "-1", "", "0x5", "99999999999999999999"])
    func `a length that HEAD declares is a number or is left out`(_ length: String) async throws {
        try await withServer(routes: {
            Route("/", methods: [.head]) { handler in handler.setHeader("Content-Length", length) }
        }) { server in
            let response = try await server.ask(request("HEAD / HTTP/1.1"), toHead: true)
            #expect(response.status == 200)
            #expect(response["content-length"] == "0")
        }
    }

    @Test(arguments: [204, 304])
    func `a status without a body has none, and no length`(_ status: Int) async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setStatus(status)
                handler.setHeader("Content-Length", "5")
                handler.write("hello")
            }
            Route("/stream") { handler in
                handler.setStatus(status)
                handler.write("hello")
                try await handler.flush()
                handler.write("hello")
            }
            Self.pages
        }) { server in
            let client = try await server.client()
            for path in ["/", "/stream"] {
                try await client.send(request("GET \(path) HTTP/1.1") + request("GET /plain HTTP/1.1"))
                let responses = try await client.responses(2)
                #expect(responses[0].status == status)
                #expect(responses[0]["content-length"] == nil)
                #expect(responses[0]["transfer-encoding"] == nil)
                #expect(responses[1].text == "plain")
            }
        }
    }

    @Test func `flush streams in chunks, one for each`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setStatus(201)
                handler.setHeader("X-A", "b")
                handler.write("a")
                handler.write("bc")
                try await handler.flush()
                try await handler.flush()
                handler.write("0123456789abcdef")
                try await handler.flush()
                // Too late, and without effect.
                handler.setStatus(500)
                handler.setHeader("X-Late", "1")
                handler.write("rest")
            }
        }) { server in
            let response = try await server.get("/")
            #expect(response.status == 201)
            #expect(response["x-a"] == "b")
            #expect(response["x-late"] == nil)
            #expect(response["content-length"] == nil)
            #expect(response["transfer-encoding"] == "chunked")
            #expect(response.text == "abc0123456789abcdefrest")
            #expect(response.chunks == [3, 16, 4])
        }
    }

    @Test func `flush sends the head at once`() async throws {
        let gate = Gate()
        try await withServer(routes: {
            Route("/") { handler in
                try await handler.flush()
                try await gate.wait()
                handler.write("later")
            }
        }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            let head = text(try await client.read(atLeast: 100))
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(head.hasSuffix("\r\n\r\n"))
            gate.open()
            #expect(text(try await client.read(atLeast: 15)) == "5\r\nlater\r\n0\r\n\r\n")
        }
    }

    @Test func `a Content-Length set by hand is kept to when it is right`() async throws {
        try await withServer(routes: {
            Route("/whole") { handler in
                handler.setHeader("Content-Length", "5")
                handler.write("right")
            }
            Route("/stream") { handler in
                handler.setHeader("content-length", "5")
                handler.write("ri")
                try await handler.flush()
                handler.write("ght")
            }
        }) { server in
            for path in ["/whole", "/stream"] {
                let response = try await server.get(path)
                #expect(response.text == "right")
                #expect(response["content-length"] == "5")
                #expect(response["transfer-encoding"] == nil)
            }
        }
    }

    @Test(arguments: ["3", "10", "x", "-1", "+5"])
    func `a wrong Content-Length of a response that is sent at once is put right`(_ length: String) async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setHeader("Content-Length", length)
                handler.write("right")
            }
        }) { server in
            let response = try await server.get("/")
            #expect(response.text == "right")
            #expect(response["content-length"] == "5")
        }
    }

    @Test func `a streamed response that is shorter than its Content-Length is broken off`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setHeader("Content-Length", "10")
                handler.write("short")
                try await handler.flush()
            }
        }) { server in
            let responses = try await server.converse(request("GET / HTTP/1.1") + request("GET / HTTP/1.1"))
            #expect(responses.map(\.text) == ["short"])
            #expect(responses.first?.isComplete == false)
            try await waitUntil("the handler is told") {
                server.log.messages(at: .error).contains {
                    $0.contains("Content-Length says 10 bytes and 5 were written")
                }
            }
        }
    }

    @Test func `a streamed response never sends more than its Content-Length`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setHeader("Content-Length", "5")
                handler.write("12345")
                try await handler.flush()
                handler.write("678")
                try await handler.flush()
            }
        }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1"))
            #expect(try await client.response().text == "12345")
            try await client.waitForEnd()
            try await waitUntil("the handler is told") {
                server.log.messages(at: .error).contains {
                    $0.contains("Content-Length says 5 bytes and 8 were written")
                }
            }
        }
    }

    @Test(arguments: ["5\u{e9}", "-0", "+5", "99999999999999999999"])
    func `a Content-Length that is no number is left out of a streamed response`(_ length: String) async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setHeader("Content-Length", length)
                handler.write("hello")
                try await handler.flush()
            }
        }) { server in
            let response = try await server.get("/")
            #expect(response["content-length"] == nil)
            #expect(response.text == "hello")
        }
    }

    @Test func `a handler cannot set how the message is framed`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setHeader("Transfer-Encoding", "gzip, chunked")
                handler.setHeader("Connection", "upgrade")
                handler.write("hello")
            }
        }) { server in
            let response = try await server.get("/")
            #expect(response.text == "hello")
            #expect(response["transfer-encoding"] == nil)
            #expect(response["connection"] == nil)
        }
    }

    @Test func `fields are replaced, added and cleared`() async throws {
        try await withServer(routes: {
            Route("/") { handler in
                handler.setHeader("X-One", "1")
                handler.setHeader("x-one", "2")
                handler.addHeader("X-Two", "a")
                handler.addHeader("x-two", "b")
                handler.setHeader("X-Three", "c")
                handler.clearHeader("x-THREE")
                handler.clearHeader("content-type")
                handler.write("\(handler.responseStatus) \(handler.responseHeaders.map { "\($0.name)=\($0.value)" })")
            }
        }) { server in
            let response = try await server.get("/")
            #expect(response["x-one"] == "2")
            #expect(response["x-two"] == "a | b")
            #expect(response["x-three"] == nil)
            #expect(response["content-type"] == nil)
            #expect(response.text == #"200 ["x-one=2", "X-Two=a", "x-two=b"]"#)
        }
    }

    @Test(
        arguments: [
            (200, nil, "200 OK"), (404, nil, "404 Not Found"), (299, nil, "299 Unknown"), (200, "Fine", "200 Fine"),
            (99, nil, "500 Internal Server Error"), (600, nil, "500 Internal Server Error"),
            (101, nil, "500 Internal Server Error"), (-1, nil, "500 Internal Server Error"),
        ] as [(Int, String?, String)])
    func `setStatus says what is sent`(_ status: Int, _ reason: String?, _ line: String) async throws {
        try await withServer(routes: {
            Route("/") { handler in handler.setStatus(status, reason: reason) }
        }) { server in
            let response = try await server.get("/")
            #expect("\(response.status) \(response.reason)" == line)
        }
    }

    @Test func `redirect sends the client elsewhere and ends the response`() async throws {
        try await withServer(routes: {
            Route("/found") { handler in
                handler.write("dropped")
                try handler.redirect("/there?a=b")
            }
            Route("/moved") { handler in try handler.redirect("/there", permanent: true) }
            Route("/other") { handler in try handler.redirect("/there", status: 307) }
            Route("/wrong") { handler in try handler.redirect("/there", status: 200) }
            Route("/late") { handler in
                try await handler.flush()
                try handler.redirect("/there")
            }
        }) { server in
            for (path, status) in [("/found", 302), ("/moved", 301), ("/other", 307), ("/wrong", 302)] {
                let response = try await server.get(path)
                #expect(response.status == status)
                #expect(response["location"]?.hasPrefix("/there") == true)
                #expect(response.body.isEmpty)
            }
            let late = try await server.converse(request("GET /late HTTP/1.1"))
            #expect(late.first?.isComplete == false)
            #expect(server.log.messages(at: .error).contains { $0.contains("redirect before flush()") })
        }
    }

    @Test func `finish ends the response, and what is written after it is dropped`() async throws {
        let trace = Trace()
        try await withServer(routes: {
            Route("/") { handler in
                handler.write("whole")
                try handler.finish()
                handler.write("late")
                do { try handler.finish() } catch { trace("\(error)") }
                do { try await handler.flush() } catch { trace("\(error)") }
                trace("ended")
            }
        }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1") + request("GET / HTTP/1.1"))
            #expect(try await client.responses(2).map(\.text) == ["whole", "whole"])
            try await waitUntil("the handlers have ended") { trace.all.count == 6 }
            #expect(
                trace.all[..<3] == [
                    "the response is finished already", "the response is finished; flush before finish()", "ended",
                ])
        }
    }

    @Test func `a handler that works on after finish does not hold up the next request of its connection`() async throws
    {
        let gate = Gate()
        try await withServer(routes: {
            Route("/") { handler in
                try handler.finish("done")
                try await gate.wait()
            }
        }) { server in
            let client = try await server.client()
            try await client.send(request("GET / HTTP/1.1") + request("GET / HTTP/1.1"))
            #expect(try await client.responses(2).map(\.text) == ["done", "done"])
            try await waitUntil("both handlers work on") { gate.waitingCount == 2 }
            gate.open()
        }
    }

    @RouteBuilder private static var pages: [Route] {
        Route("/plain") { handler in handler.write("plain") }
        Route("/handler", Page.init)
        Route("/declared", Declared.init)
        Route("/stream") { handler in
            handler.write("one")
            try await handler.flush()
            handler.write("two")
        }
    }

    private final class Page: RequestHandler {
        override func get() async throws { write("handler") }
    }

    private final class Declared: RequestHandler {
        override func head() async throws { setHeader("Content-Length", "1000") }
    }
}
