import BridgeTesting
import HTTPServer
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

/// A route completes the answers by which the server itself refuses requests for its path.
@Suite struct HTTPRefusingTests {
    @Test func `whatever the server refuses by itself is completed, over both versions of HTTP`() async throws {
        try await withServer({
            $0.bodyTimeout = .milliseconds(500)
            $0.policy.hosts = .listed(["x"])
        }) { router, port, _ in
            try Self.register(router)
            for (request, status) in [
                ("PUT /s/a HTTP/1.1\r\nHost: x\r\n\r\n", 405), ("GET /s/a HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
                ("POST /s/a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789", 413),
                ("POST /s/a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", 413),
                ("POST /s/a HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n", 408),
                ("GET /s/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 400),
            ] {
                let client = try RawConnection(port: port)
                try await client.send(request)
                let answer = try await client.answer()
                #expect(answer.status == status, "\(request)")
                #expect(answer.headers["x-completed"] == "a \(status)", "\(request)")
            }
            for (arguments, status) in [
                (["-X", "PUT", "-H", "Host: x"], 405), (["-H", "Host: evil.example"], 421),
                (["-d", "123456789", "-H", "Host: x"], 413),
                (["-d", "123456789", "-H", "Content-Length:", "-H", "Host: x"], 413),
                (["-X", "GET", "-d", "x", "-H", "Host: x"], 400),
            ] {
                let head = try await curl(port, "/s/a", ["-D", "-", "-o", "/dev/null"] + arguments)
                #expect(head.contains("x-completed: a \(status)\r\n"), "\(arguments): \(head)")
            }
            // What its handler answers is its own.
            #expect(try await !curl(port, "/s/a", ["-H", "Host: x", "-D", "-"]).contains("x-completed"))
        }
    }

    @Test func `a page that may write reads why its request is refused`() async throws {
        try await withServer({ $0.policy.publishOrigins = ["https://page.example"] }) { router, port, _ in
            let refusal = HTTPResponse.error(.unauthorized, "Who are you?")
            try router.register(
                .POST, "/w", bodyLimit: 8, admit: { $0.header("X-Refuse") == nil ? nil : refusal },
                authorize: { _ in MultiThreadedEventLoopGroup.singleton.any().makeSucceededFuture(refusal) }, writes: true,
                handler: echo)
            for fields in ["Content-Length: 9\r\n", "X-Refuse: 1\r\n", "Content-Length: 1\r\n"] {
                let client = try RawConnection(port: port)
                try await client.send("POST /w HTTP/1.1\r\nHost: x\r\nOrigin: https://page.example\r\n\(fields)\r\n123456789")
                let answer = try await client.answer()
                #expect(answer.status == (fields.hasSuffix("9\r\n") ? 413 : 401))
                #expect(answer.headers["access-control-allow-origin"] == "https://page.example", "\(fields)")
            }
        }
    }

    private static func register(_ router: HTTPRouter) throws {
        let complete: HTTPRouter.Refusing = { request, response in
            var response = response
            response.headers.append(("X-Completed", "\(request.parameter("name")) \(response.status.code)"))
            return response
        }
        for method in [HTTPMethod.GET, .POST] {
            try router.registerStream(method, "/s/{name}", bodyLimit: method == .GET ? 0 : 8, refusing: complete) { _, _ in
                .respond(.json(.ok, "{}"))
            }
        }
    }
}
