import BridgeConfiguration
import HTTPServer
import Logging
import NIOCore
import Synchronization

/// The listener for streams and webhooks, and the one of `http.admin.listen`.
///
/// Thread-safe. A reload replaces them one by one; what has stopped listening serves its streams until they end.
final class Listeners: Sendable {
    /// What a reload changes, with everything that can fail done.
    struct Change: Sendable {
        fileprivate var main = Step.keep
        fileprivate var admin = Step.keep
        fileprivate let http: HTTPSettings
    }

    fileprivate enum Step: Sendable {
        case keep
        /// Other hosts and proxies, and another certificate or none.
        case follow(HTTPPolicy, IdentityChange)
        /// Another address, on which the new listener listens already.
        case replace(HTTPServer)
        case remove
    }

    fileprivate enum IdentityChange: Sendable {
        case keep
        /// `nil` without TLS.
        case use(HTTPServerIdentity?)
    }

    private struct State {
        var http: HTTPSettings
        var main: HTTPServer
        var admin: HTTPServer?
        /// Those that no longer listen and may still have streams.
        var retired: [HTTPServer] = []
    }

    private let state: Mutex<State>
    private let router: HTTPRouter
    private let pages: OperationsPages
    private let group: any EventLoopGroup
    private let connections: Int
    private let spareConnections: Int
    private let logger: @Sendable (String) -> Logger

    /// - Parameters:
    ///   - router: that of streams and webhooks.
    ///   - connections: the limit of connections.
    init(
        _ http: HTTPSettings, _ router: HTTPRouter, _ pages: OperationsPages, group: any EventLoopGroup, connections: Int,
        spareConnections: Int, logger: @escaping @Sendable (String) -> Logger
    ) throws {
        self.router = router
        self.pages = pages
        self.group = group
        self.connections = connections
        self.spareConnections = spareConnections
        self.logger = logger
        let main = Self.main(http, router, group, connections, spareConnections, logger("http"))
        let admin = try http.admin?.address.map { try Self.admin(http, $0, pages, group, logger("admin")) }
        self.state = Mutex(State(http: http, main: main, admin: admin))
    }

    private static func main(
        _ http: HTTPSettings, _ router: HTTPRouter, _ group: any EventLoopGroup, _ connections: Int, _ spares: Int,
        _ logger: Logger
    ) -> HTTPServer {
        HTTPServer(
            configuration: HTTPServerConfiguration(
                address: .tcp(host: http.host, port: http.port), tls: Self.tls(http),
                connections: connections, spareConnections: spares, bufferedBytes: http.limits.buffered,
                connectionBytes: http.limits.bufferedPerConnection, streams: http.limits.streamsPerConnection,
                policy: HTTPPolicy(http, for: http.address)),
            router: router, group: group, logger: logger
        )
    }

    private static func admin(
        _ http: HTTPSettings, _ address: ListenAddress, _ pages: OperationsPages, _ group: any EventLoopGroup, _ logger: Logger
    ) throws -> HTTPServer {
        let router = HTTPRouter()
        try pages.register(on: router, isAdmin: true)
        return HTTPServer(
            configuration: HTTPServerConfiguration(
                address: .tcp(host: address.host, port: address.port), tls: address.isLoopback ? nil : Self.tls(http),
                connections: 100, policy: HTTPPolicy(http, for: address)),
            router: router, group: group, logger: logger
        )
    }

    private static func tls(_ http: HTTPSettings) -> HTTPServerConfiguration.TLS? {
        guard let certificates = http.certificateFile, let key = http.keyFile else { return nil }
        return HTTPServerConfiguration.TLS(certificates: certificates, key: key)
    }

    private var all: [HTTPServer] {
        self.state.withLock { state in [state.main] + [state.admin].compactMap { $0 } + state.retired }
    }

    /// - Throws: `HTTPServerError`.
    func start() async throws {
        for listener in self.all { _ = try await listener.start() }
    }

    func shutDown(deadline: ContinuousClock.Instant) async {
        for listener in self.all { await listener.shutdown(deadline: deadline) }
    }

    // MARK: A reload

    /// Reads certificates, and listens on new addresses.
    ///
    /// - Parameter readsIdentity: whether the certificate or its key may have changed.
    /// - Throws: `HTTPServerError`; nothing has changed then.
    func prepare(_ http: HTTPSettings, readsIdentity: Bool) async throws -> Change {
        let old = self.state.withLock { $0.http }
        var change = Change(http: http)
        let identity: IdentityChange =
            try readsIdentity ? .use(Self.tls(http).map { try HTTPServer.identity(of: $0) }) : .keep
        do {
            if http.address != old.address {
                let server = Self.main(
                    http, self.router, self.group, self.connections, self.spareConnections, self.logger("http"))
                _ = try await server.start()
                change.main = .replace(server)
            } else {
                change.main = .follow(HTTPPolicy(http, for: http.address), identity)
            }
            switch (old.admin?.address, http.admin?.address) {
            case (nil, nil): break
            case (_?, nil): change.admin = .remove
            case (let before, let address?) where before != address:
                let server = try Self.admin(http, address, self.pages, self.group, self.logger("admin"))
                _ = try await server.start()
                change.admin = .replace(server)
            case (_, let address?):
                change.admin = .follow(HTTPPolicy(http, for: address), address.isLoopback ? .keep : identity)
            }
        } catch {
            await self.discard(change)
            throw error
        }
        return change
    }

    /// Closes what a change has opened.
    func discard(_ change: Change) async {
        for case .replace(let server) in [change.main, change.admin] { await server.shutdown(deadline: .now) }
    }

    /// Uses the new listeners; connections of the old ones continue until they end.
    func apply(_ change: Change) async {
        let retired = self.state.withLock { state -> [HTTPServer] in
            state.http = change.http
            var retired: [HTTPServer] = []
            if case .replace(let server) = change.main {
                retired.append(state.main)
                state.main = server
            }
            switch change.admin {
            case .keep, .follow: break
            case .replace(let server):
                retired += [state.admin].compactMap { $0 }
                state.admin = server
            case .remove:
                retired += [state.admin].compactMap { $0 }
                state.admin = nil
            }
            state.retired = state.retired.filter { $0.connections > 0 } + retired
            return retired
        }
        let (main, admin) = self.state.withLock { ($0.main, $0.admin) }
        Self.follow(change.main, main)
        if let admin { Self.follow(change.admin, admin) }
        for server in retired { await server.retire() }
    }

    private static func follow(_ step: Step, _ server: HTTPServer) {
        guard case .follow(let policy, let identity) = step else { return }
        server.use(policy)
        if case .use(let identity) = identity { server.use(identity) }
    }
}

extension HTTPSettings {
    /// Where streams and webhooks are served.
    var address: ListenAddress { ListenAddress(host: self.host, port: self.port) }
}
