import HTTPServer
import NIOHTTP1

/// Answers 503 on every unregistered path while the program cannot start: senders treat 404 as final.
struct WaitingPaths {
    private static let methods: [HTTPMethod] = [.GET, .POST, .PUT, .PATCH, .DELETE, .RAW(value: "QUERY")]

    private let router: HTTPRouter
    private let registrations: [HTTPRouter.Registration]

    /// - Throws: `HTTPServerError` when a path is taken.
    init(_ router: HTTPRouter) throws {
        self.router = router
        self.registrations = try Self.methods.map { method in
            try router.register(
                method, "/{path...}",
                admit: { _ in .error(.serviceUnavailable, "The program is starting", headers: [("Retry-After", "5")]) },
                handler: { _, responder in responder.respond(.error(.serviceUnavailable, "The program is starting")) }
            )
        }
    }

    /// Leaves the paths to what has been registered since.
    func end() {
        self.registrations.forEach(self.router.unregister)
    }
}
