import BridgeCore
import Curl
import JSON
import JWTKit
import Logging
import NIOCore

/// The JWK set of a URL (RFC 7517 §5).
///
/// Fetched by ``run()`` until there is one, and again when a token does not verify with it. A request that needs a set waits for a fetch
/// in progress, but no longer than ``patience`` after the fetch began.
actor RemoteKeys {
    /// How long requests wait for a fetch, from its beginning.
    private static let patience = Duration.seconds(2)
    /// The pauses between fetches while there is no set; the last one repeats.
    private static let pauses: [Duration] = [.seconds(1), .seconds(2), .seconds(4), .seconds(5)]
    /// The age at which a set is fetched again for a token with an unknown key.
    private static let ageForUnknownKey = Duration.seconds(5)
    /// The same for a token with a known key: the issuer may have reused the key id.
    private static let ageForKnownKey = Duration.seconds(30)

    /// The largest set, in bytes.
    private static let limit = 1 << 20

    private struct Keys {
        let collection: JWTKeyCollection
        let names: Set<String>
    }

    private let url: String
    private let curl: CurlMulti
    private let logs: Logs
    private var keys: Keys?
    /// Whether the last completed fetch returned a set.
    private var hasFetched = false
    /// When the last fetch began.
    private var began: ContinuousClock.Instant?
    private var phase = Phase.idle
    private var failures = 0
    /// The phase has changed.
    private let signal = Signal()

    /// What ``run()`` does.
    private enum Phase {
        /// It waits for a request to fetch.
        case idle
        /// It begins to fetch as soon as it runs.
        case requested
        /// Requests wait for the fetch.
        case fetching
        /// The fetch takes longer than ``patience``; nobody waits for it any more.
        case late
        /// It waits for the next fetch, since there is no set.
        case pausing
    }

    init(_ url: String, curl: CurlMulti, logger: Logger) {
        self.url = url
        self.curl = curl
        self.logs = Logs(logger)
    }

    /// Fetches the set when it is requested, until the task is cancelled.
    func run() async {
        do {
            while true {
                try await self.signal.wait { self.phase == .requested }
                while let pause = await self.attempt() { try await Task.sleep(for: pause) }
            }
        } catch {
            // Cancelled: nobody shall wait for a fetch that does not come.
            self.enter(.late)
        }
    }

    /// Requests a fetch, unless one is in progress or follows anyway.
    func fetch() {
        guard case .idle = self.phase else { return }
        self.began = .now
        self.enter(.requested)
    }

    private func enter(_ phase: Phase) {
        self.phase = phase
        self.signal.notify()
    }

    /// The claims of a token that verifies.
    ///
    /// - Parameter name: the key id in the token's header.
    /// - Throws: when it does not verify; ``TokenError/undecided`` when a set that may have its key cannot be fetched.
    func claims(of token: String, signedBy name: String?) async throws -> TokenClaims {
        if self.keys == nil { await self.untilFetched() }
        guard let keys = self.keys else { throw TokenError.undecided }
        do {
            return try await keys.collection.verify(token, as: TokenClaims.self)
        } catch {
            let age = Self.holds(keys, name) ? Self.ageForKnownKey : Self.ageForUnknownKey
            if self.began.map({ $0.duration(to: .now) >= age }) ?? true { self.fetch() }
            await self.untilFetched()
        }
        guard let fresh = self.keys else { throw TokenError.undecided }
        do {
            return try await fresh.collection.verify(token, as: TokenClaims.self)
        } catch {
            guard self.hasFetched || Self.holds(fresh, name) else { throw TokenError.undecided }
            throw error
        }
    }

    private static func holds(_ keys: Keys, _ name: String?) -> Bool { name.map(keys.names.contains) ?? false }

    private var isAwaited: Bool { self.phase == .requested || self.phase == .fetching }

    /// Waits for a fetch that began recently; returns at once if there is none.
    private func untilFetched() async {
        // A cancelled request is answered by what is known.
        try? await self.signal.wait { !self.isAwaited }
    }

    /// Called when a fetch has taken longer than ``patience``.
    private func losePatience() {
        guard self.phase == .fetching else { return }
        // Until it ends, the earlier set does not decide on unknown keys.
        self.hasFetched = false
        if self.keys == nil { self.logs.late.note(["url": "\(CurlRequest.printable(self.url))"]) }
        self.enter(.late)
    }

    /// Fetches once.
    ///
    /// - Returns: the pause before the next fetch; `nil` when none follows.
    private func attempt() async -> Duration? {
        self.began = .now
        self.enter(.fetching)
        let result = await withTaskGroup(of: Void.self) { group -> Result<Keys?, any Error> in
            group.addTask {
                // Cancelled when the fetch has ended by then.
                guard (try? await Task.sleep(for: Self.patience)) != nil else { return }
                await self.losePatience()
            }
            defer { group.cancelAll() }
            do { return .success(try await self.load()) } catch { return .failure(error) }
        }
        let pause = self.pause(after: result)
        self.enter(pause == nil ? .idle : .pausing)
        return pause
    }

    /// Notes the result of a fetch.
    ///
    /// - Returns: see ``attempt()``.
    private func pause(after result: Result<Keys?, any Error>) -> Duration? {
        switch result {
        case .success(let keys?):
            self.keys = keys
            self.hasFetched = true
            if self.failures > 0 {
                self.logs.logger.notice("JWK set fetched", metadata: ["url": "\(CurlRequest.printable(self.url))"])
            }
            self.failures = 0
            return nil
        case .success(nil):
            // The issuer has withdrawn all keys; tokens wait for the next ones.
            self.keys = nil
            return self.failed("the set holds no keys")
        case .failure(let error):
            return self.failed("\(error)")
        }
    }

    private func failed(_ error: String) -> Duration? {
        self.hasFetched = false
        self.failures += 1
        let log = self.keys == nil ? self.logs.missing : self.logs.outdated
        log.note(["url": "\(CurlRequest.printable(self.url))", "error": "\(error)"])
        return self.keys == nil ? Self.pauses[min(self.failures, Self.pauses.count) - 1] : nil
    }

    /// - Returns: `nil` for a set without keys.
    private func load() async throws -> Keys? {
        let response = try await self.curl.response(
            to: CurlRequest(self.url, timeout: .seconds(10), redirects: 2), bodyLimit: Self.limit + 1)
        guard response.head.status == 200 else {
            throw ComponentError(.rejected, "the server answered \(response.head.line)", isRetryable: true)
        }
        guard response.body.readableBytes <= Self.limit else {
            throw ComponentError(.rejected, "it is larger than \(Self.limit) bytes", isRetryable: true)
        }
        let collection = JWTKeyCollection()
        try await collection.add(jwksJSON: String(buffer: response.body))
        let names = try Self.names(in: response.body)
        return names.isEmpty ? nil : Keys(collection: collection, names: names)
    }

    /// The `kid` of every key; a set whose keys have none is refused before.
    private static func names(in body: ByteBuffer) throws -> Set<String> {
        let parser = JSONParser(levels: 16)
        defer { withExtendedLifetime(parser) {} }
        var names: Set<String> = []
        try parser.parse(body).forEachMember { name, keys in
            guard name == "keys" else { return }
            keys.forEachItem { key in
                key.forEachMember { if $0 == "kid", let text = $1.string { names.insert(text) } }
            }
        }
        return names
    }

    private struct Logs: Sendable {
        let logger: Logger
        /// There is no set.
        let missing: BurstLog
        /// There is no set, and the server has not responded.
        let late: BurstLog
        /// There is an older set.
        let outdated: BurstLog

        init(_ logger: Logger) {
            self.logger = logger
            self.missing = BurstLog(
                "Failed to fetch the JWK set; requests with tokens of its issuer are answered 503", logger: logger)
            self.late = BurstLog("JWK set not received yet; requests with tokens of its issuer are answered 503", logger: logger)
            self.outdated = BurstLog("Failed to fetch the JWK set; the earlier keys stay in use", logger: logger)
        }
    }
}
