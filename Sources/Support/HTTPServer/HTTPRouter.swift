package import NIOCore
package import NIOHTTP1
import Synchronization

/// Maps methods and paths to handlers.
///
/// Thread-safe; components register their paths while the server runs. A pattern is a path whose segments may be
/// `{name}`, which matches one non-empty segment. The last may be `{name...}`, which matches one or more, joined by
/// slashes. Literal paths precede patterns, and patterns match in the order of their registration. Segments are
/// percent-decoded before they are compared (so `%2F` does not divide), and a trailing slash matters.
package final class HTTPRouter: Sendable {
    /// Receives the whole request; called on the connection's event loop, must not block.
    package typealias BufferedHandler = @Sendable (HTTPRequest, HTTPResponder) -> Void
    /// Checks the head before the body is read; called on the connection's event loop.
    ///
    /// An answer refuses the request.
    package typealias Admission = @Sendable (HTTPRequest) -> HTTPResponse?
    /// Decides about an admitted request before its body is read, possibly later; called on the connection's event
    /// loop.
    ///
    /// An answer refuses the request; a failure refuses it with ``HTTPRefusal/response(to:)``.
    package typealias Authorization = @Sendable (HTTPRequest) -> EventLoopFuture<HTTPResponse?>
    /// Answers or opens a stream; called on the connection's event loop, once the body has arrived.
    package typealias StreamHandler = @Sendable (HTTPRequest, HTTPFraming) -> HTTPStreamAnswer

    /// Completes an answer by which the server itself refuses a request for a path: 405, 413, 503 and others without a
    /// handler.
    ///
    /// Called on the connection's event loop. The request has no body.
    package typealias Refusing = @Sendable (HTTPRequest, HTTPResponse) -> HTTPResponse

    /// Header fields by which a path grants what an `OPTIONS` request asks for; none for a request that asks for nothing of it.
    ///
    /// Called on the connection's event loop.
    package typealias Grant = @Sendable (HTTPRequest) -> [(name: String, value: String)]

    /// Is called with each request and its answer, on any thread; must not block.
    package typealias Observer = @Sendable (HTTPRequest, HTTPResponse) -> Void

    /// What was registered, for ``HTTPRouter/unregister(_:)``.
    package struct Registration: Sendable {
        fileprivate let number: Int
        fileprivate let pattern: String
    }

    /// The registration of a method and a path; requests refer to it.
    final class Route: Sendable {
        /// The limit of the body in bytes; for a stream 0 refuses any body.
        let limit: Int
        let admit: Admission?
        let authorize: Authorization?
        /// Whether `authorize` is asked; `nil` for always.
        let isGuarded: (@Sendable () -> Bool)?
        let refusing: Refusing?
        /// Answers `OPTIONS`.
        let grant: Grant?
        /// Whether it is answered even when there are too many connections.
        let isVital: Bool
        /// Whether it changes something, so that pages of other origins must not request it.
        let writes: Bool
        let handler: HTTPIntake.Handler

        init(
            limit: Int, admit: Admission? = nil, authorize: Authorization? = nil, isGuarded: (@Sendable () -> Bool)? = nil,
            refusing: Refusing? = nil, grant: Grant? = nil, isVital: Bool = false, writes: Bool = false,
            handler: HTTPIntake.Handler
        ) {
            self.limit = limit
            self.admit = admit
            self.authorize = authorize
            self.isGuarded = isGuarded
            self.refusing = refusing
            self.grant = grant
            self.isVital = isVital
            self.writes = writes
            self.handler = handler
        }
    }

    enum Match {
        case route(Route, Parameters)
        case malformed
        case notFound
        /// The path exists for other methods: the value of `Allow`, and one of its routes.
        case other(allow: String, Route, Parameters)

        var isRoute: Bool {
            if case .route = self { true } else { false }
        }

        /// The values of the path's `{name}` segments.
        var parameters: Parameters {
            switch self {
            case .route(_, let parameters), .other(_, _, let parameters): parameters
            case .malformed, .notFound: []
            }
        }

        /// Whether the request is answered even when there are too many connections.
        var isVital: Bool {
            if case .route(let route, _) = self { route.isVital } else { false }
        }
    }

    typealias Parameters = [(name: String, value: String)]

    private let state = Mutex(State())
    /// Is called with every answer except opened streams; `nil` for none.
    let observer: Observer?
    /// The router of a draft.
    private let parent: HTTPRouter?

    /// Makes a router without routes.
    ///
    /// - Parameter observer: called once for every answer except opened streams.
    package init(observer: Observer? = nil) {
        self.observer = observer
        self.parent = nil
    }

    /// Makes a draft of another router: its registrations take effect together, with ``activate()``.
    ///
    /// In a draft, only its own registrations conflict with each other.
    package init(draftOf router: HTTPRouter) {
        self.observer = router.observer
        self.parent = router
    }

    /// Moves the registrations of a draft to its router; each replaces the one with its method and pattern.
    ///
    /// No request finds a path without a handler in between. Has no effect on a router that is no draft.
    package func activate() {
        guard let parent else { return }
        let own = self.state.withLock { state in
            defer { state = State() }
            return state
        }
        parent.state.withLock { state in
            for (pattern, entries) in own.literals {
                let methods = entries.map(\.method)
                state.literals[pattern, default: []].removeAll { methods.contains($0.method) }
                state.literals[pattern, default: []] += entries
            }
            for (segments, entry) in own.patterns {
                let known = state.patterns.firstIndex { $0.entry.method == entry.method && $0.segments == segments }
                if let known { state.patterns[known] = (segments, entry) } else { state.patterns.append((segments, entry)) }
            }
        }
    }

    /// Registers a handler for whole requests.
    ///
    /// `GET` also answers `HEAD`.
    ///
    /// - Parameters:
    ///   - bodyLimit: bytes; a larger body is answered 413, before it is read if its length is announced.
    ///   - admit: see ``Admission``.
    ///   - authorize: see ``Authorization``.
    ///   - isGuarded: whether `authorize` is asked for a request; `nil` for always.
    ///   - grant: see ``Grant``; that of the first route of a path counts.
    ///   - isVital: whether it is answered even when there are too many connections.
    ///   - writes: whether it changes something, so that pages of origins outside ``HTTPPolicy`` are refused.
    /// - Throws: ``HTTPServerError`` for a malformed pattern or an existing registration.
    @discardableResult
    package func register(
        _ method: HTTPMethod, _ pattern: String, bodyLimit: Int = 1 << 20, admit: Admission? = nil,
        authorize: Authorization? = nil, isGuarded: (@Sendable () -> Bool)? = nil, grant: Grant? = nil, isVital: Bool = false,
        writes: Bool = false, handler: @escaping BufferedHandler
    ) throws -> Registration {
        try self.add(
            method, pattern,
            Route(
                limit: bodyLimit, admit: admit, authorize: authorize, isGuarded: isGuarded, grant: grant, isVital: isVital,
                writes: writes,
                handler: .buffered(handler)))
    }

    /// Registers a handler that may take over the connection.
    ///
    /// `GET` also answers `HEAD`.
    ///
    /// - Parameters:
    ///   - bodyLimit: bytes; 0 means that a request with a body is answered 400.
    ///   - authorize: see ``Authorization``.
    ///   - refusing: see ``Refusing``.
    /// - Throws: ``HTTPServerError`` for a malformed pattern or an existing registration.
    @discardableResult
    package func registerStream(
        _ method: HTTPMethod, _ pattern: String, bodyLimit: Int = 0, authorize: Authorization? = nil, refusing: Refusing? = nil,
        handler: @escaping StreamHandler
    ) throws -> Registration {
        try self.add(
            method, pattern,
            Route(limit: bodyLimit, authorize: authorize, refusing: refusing, handler: .stream(handler)))
    }

    /// Removes a registration; requests in progress continue.
    ///
    /// A repeated call has no effect.
    package func unregister(_ registration: Registration) {
        self.state.withLock { state in
            if let entries = state.literals[registration.pattern] {
                let rest = entries.filter { $0.number != registration.number }
                state.literals[registration.pattern] = rest.isEmpty ? nil : rest
            }
            state.patterns.removeAll { $0.entry.number == registration.number }
        }
        // It may have moved there.
        self.parent?.unregister(registration)
    }

    /// The number of the next registration; unique in a router and its drafts.
    private func nextNumber() -> Int {
        if let parent { return parent.nextNumber() }
        return self.state.withLock { state in
            state.count += 1
            return state.count
        }
    }

    private func add(_ method: HTTPMethod, _ pattern: String, _ route: Route) throws -> Registration {
        let segments = try Self.segments(ofPattern: pattern)
        let number = self.nextNumber()
        return try self.state.withLock { state in
            let entry = Entry(method: method, route: route, number: number)
            let taken: Bool
            if segments.contains(where: \.isParameter) {
                taken = state.patterns.contains { $0.entry.method == method && $0.segments == segments }
                if !taken { state.patterns.append((segments, entry)) }
            } else {
                taken = state.literals[pattern, default: []].contains { $0.method == method }
                if !taken { state.literals[pattern, default: []].append(entry) }
            }
            guard !taken else { throw HTTPServerError(.taken, "\(method) \(pattern) is registered already") }
            return Registration(number: entry.number, pattern: pattern)
        }
    }

    /// Finds the route of a request.
    ///
    /// - Parameter path: percent-encoded, without query.
    func match(_ method: HTTPMethod, _ path: String) -> Match {
        guard path.utf8.first == UInt8(ascii: "/") else { return .malformed }
        let state = self.state.withLock { $0 }
        let isEncoded = path.utf8.contains(UInt8(ascii: "%"))
        if !isEncoded, let entry = state.literals[path]?.first(where: { $0.answers(method) }) { return .route(entry.route, []) }
        var literal: String? = path
        var segments: [String] = []
        if isEncoded || !state.patterns.isEmpty {
            for part in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
                guard let segment = PercentEncoding.decode(part) else { return .malformed }
                segments.append(segment)
            }
            literal = segments.contains { $0.utf8.contains(UInt8(ascii: "/")) } ? nil : "/" + segments.joined(separator: "/")
        }
        var allowed: [HTTPMethod] = []
        var other: (route: Route, parameters: Parameters)?
        for entry in literal.flatMap({ state.literals[$0] }) ?? [] {
            if entry.answers(method) { return .route(entry.route, []) }
            allowed.append(entry.method)
            other = other ?? (entry.route, [])
        }
        for (pattern, entry) in state.patterns {
            guard let parameters = Self.parameters(of: segments, in: pattern) else { continue }
            if entry.answers(method) { return .route(entry.route, parameters) }
            allowed.append(entry.method)
            other = other ?? (entry.route, parameters)
        }
        guard let other else { return .notFound }
        if allowed.contains(.GET) { allowed.append(.HEAD) }
        allowed.append(.OPTIONS)
        return .other(allow: Set(allowed.map(\.rawValue)).sorted().joined(separator: ", "), other.route, other.parameters)
    }

    private static func parameters(of segments: [String], in pattern: [Segment]) -> Parameters? {
        if case .rest = pattern.last {
            guard segments.count >= pattern.count else { return nil }
        } else {
            guard segments.count == pattern.count else { return nil }
        }
        var parameters: Parameters = []
        for (index, (segment, part)) in zip(segments, pattern).enumerated() {
            switch part {
            case .rest(let name):
                let rest = segments[index...].joined(separator: "/")
                guard !rest.isEmpty else { return nil }
                parameters.append((name, rest))
            case .literal(let text): guard text == segment else { return nil }
            case .parameter(let name):
                guard !segment.isEmpty else { return nil }
                parameters.append((name, segment))
            }
        }
        return parameters
    }

    private static func segments(ofPattern pattern: String) throws -> [Segment] {
        guard pattern.hasPrefix("/"), !pattern.contains("%"), !pattern.contains("?") else {
            throw HTTPServerError(.pattern, "the path '\(pattern)' must begin with / and contain neither % nor ?")
        }
        var names: Set<Substring> = []
        let parts = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        return try parts.enumerated().map { index, segment in
            guard segment.contains(where: { $0 == "{" || $0 == "}" }) else { return .literal(String(segment)) }
            var name = segment.dropFirst().dropLast()
            let isRest = name.hasSuffix("...") && index == parts.count - 1
            if isRest { name = name.dropLast(3) }
            guard segment.hasPrefix("{"), segment.hasSuffix("}"), !name.isEmpty, !name.contains(where: { "{}.".contains($0) }),
                names.insert(name).inserted
            else {
                throw HTTPServerError(
                    .pattern,
                    "the segment '\(segment)' of '\(pattern)' must be text or a unique {name}, or {name...} at the end"
                )
            }
            return isRest ? .rest(String(name)) : .parameter(String(name))
        }
    }

    private struct State {
        var literals: [String: [Entry]] = [:]
        var patterns: [(segments: [Segment], entry: Entry)] = []
        var count = 0
    }

    private struct Entry: Sendable {
        let method: HTTPMethod
        let route: Route
        let number: Int

        func answers(_ method: HTTPMethod) -> Bool {
            self.method == method || (method == .HEAD && self.method == .GET)
        }
    }

    private enum Segment: Hashable, Sendable {
        case literal(String)
        case parameter(String)
        case rest(String)

        var isParameter: Bool {
            if case .literal = self { false } else { true }
        }

        /// Parameters match the same segments, whatever their names.
        static func == (lhs: Segment, rhs: Segment) -> Bool {
            switch (lhs, rhs) {
            case (.literal(let left), .literal(let right)): left == right
            case (.parameter, .parameter), (.rest, .rest): true
            default: false
            }
        }

        func hash(into hasher: inout Hasher) {
            if case .literal(let text) = self { hasher.combine(text) }
        }
    }
}
