import BridgeTesting
import HTTPServer
import NIOHTTP1
import Testing

@Suite struct HTTPRouterTests {
    @Test(arguments: [
        ("a", "the path 'a' must begin with / and contain neither % nor ?"),
        ("/a?b", "the path '/a?b' must begin with / and contain neither % nor ?"),
        ("/{a}/{a}", "the segment '{a}' of '/{a}/{a}' must be text or a unique {name}, or {name...} at the end"),
        ("/x{a}", "the segment 'x{a}' of '/x{a}' must be text or a unique {name}, or {name...} at the end"),
        (
            "/{a...}/b",
            "the segment '{a...}' of '/{a...}/b' must be text or a unique {name}, or {name...} at the end"
        ),
        ("/{}", "the segment '{}' of '/{}' must be text or a unique {name}, or {name...} at the end"),
    ]) func `a malformed pattern is refused`(_ pattern: String, _ message: String) {
        let error = #expect(throws: HTTPServerError.self) { try HTTPRouter().register(.GET, pattern) { _, _ in } }
        #expect(error?.message == message)
    }

    @Test func `a path is registered once per method, until it is unregistered`() throws {
        let router = HTTPRouter()
        let first = try router.register(.GET, "/a/{x}") { _, _ in }
        try router.register(.POST, "/a/{x}") { _, _ in }
        let error = #expect(throws: HTTPServerError.self) { try router.register(.GET, "/a/{y}") { _, _ in } }
        #expect(error?.message == "GET /a/{y} is registered already")
        router.unregister(first)
        router.unregister(first)
        try router.register(.GET, "/a/{y}") { _, _ in }
        let literal = try router.register(.GET, "/a/b") { _, _ in }
        #expect(throws: HTTPServerError.self) { try router.register(.GET, "/a/b") { _, _ in } }
        router.unregister(literal)
        try router.register(.GET, "/a/b") { _, _ in }
    }

    @Test(arguments: [
        ("/s/a", "a"), ("/s/a/b/c", "a/b/c"), ("/s/a%2Fb", "a/b"), ("/s/a/%23", "a/#"), ("/s/", nil), ("/s", nil),
    ]) func `a rest stands for what is left of the path`(_ path: String, _ rest: String?) async throws {
        try await withServer { router, port, _ in
            try router.register(.GET, "/s/{rest...}") { $1.respond(.json(.ok, $0.parameter("rest"))) }
            let client = try RawConnection(port: port)
            try await client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            let answer = try await client.answer()
            #expect(answer.status == (rest == nil ? 404 : 200))
            if let rest { #expect(answer.body == rest) }
        }
    }

    @Test func `registrations of a draft take effect together`() async throws {
        try await withServer { router, port, _ in
            let client = try RawConnection(port: port)
            func answer(_ path: String) async throws -> String {
                try await client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
                let answer = try await client.answer()
                return answer.status == 200 ? answer.body : "\(answer.status)"
            }
            let first = try router.register(.GET, "/a") { $1.respond(.json(.ok, "old a")) }
            let second = try router.register(.GET, "/{x}/b") { $1.respond(.json(.ok, "old b")) }
            let draft = HTTPRouter(draftOf: router)
            try draft.register(.GET, "/a") { $1.respond(.json(.ok, "new a")) }
            try draft.register(.GET, "/{x}/b") { $1.respond(.json(.ok, "new b")) }
            let third = try draft.register(.GET, "/c") { $1.respond(.json(.ok, "new c")) }
            #expect(throws: HTTPServerError.self) { try draft.register(.GET, "/c") { _, _ in } }
            #expect(try await answer("/a") == "old a")
            #expect(try await answer("/c") == "404")
            draft.activate()
            #expect(try await answer("/a") == "new a")
            #expect(try await answer("/x/b") == "new b")
            // What was replaced ends later.
            router.unregister(first)
            router.unregister(second)
            #expect(try await answer("/a") == "new a")
            draft.unregister(third)
            #expect(try await answer("/c") == "404")
        }
    }
}
