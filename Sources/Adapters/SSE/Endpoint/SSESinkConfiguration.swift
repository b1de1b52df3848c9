package import BridgeCore

/// The settings of an SSE endpoint.
package struct SSESinkConfiguration: SinkConfiguration {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case stream
        case keepsSlashes = "keep_slashes"
        case mayBeAnyStream = "any_stream"
        case replay
        case heartbeat
        case reconnect
        case slowClient = "slow_client"
        case maxConnections = "max_connections"
        case cors
        case token
        case patterns
        case expressions
        case compression
        case drain
        case limits
        case presence
        case maxAge = "max_age"
    }

    /// The name behind `/api/stream/`; a template offers a stream for every name that events make of it.
    package var stream: Template
    /// Whether `/` may come from an event.
    ///
    /// Default false: then an event chooses one level of the name for each `{{ … }}`.
    package var keepsSlashes: Bool
    /// Whether the name may begin with what an event says.
    ///
    /// Default false.
    package var mayBeAnyStream: Bool
    package var replay: Replay
    /// A comment is sent to a subscriber that was sent nothing for this long, or a little less.
    ///
    /// Default 15 s.
    package var heartbeat: Duration
    /// What `retry:` tells a client to wait before it connects again.
    ///
    /// Default 2 s.
    package var reconnect: Duration
    package var slowClient: SlowClient
    /// Subscribers at once; more are answered 429.
    ///
    /// Default 100 000.
    package var maxConnections: Int
    package var cors: CORS
    /// What `Authorization: Bearer …` must bring; absent means that the path is the secret.
    package var token: Secret?
    /// Whether clients may ask for MQTT filters over names.
    ///
    /// Default false: then a name is known only to those who were told.
    package var patterns: Bool
    /// Compiles `when=` of clients; `nil` unless `expressions: true`.
    package var compiler: (any ExpressionCompiler)?
    /// Whether streams are compressed for clients that accept it.
    ///
    /// Default true.
    package var compression: Bool
    /// How long a connection may last, a fifth more or less so that those who came together do not come back together.
    ///
    /// Default: for ever.
    package var maxAge: Duration?
    package var limits: Limits
    /// Whether who comes and goes is told on the stream `$presence/` and this stream's name, to those who are granted that.
    ///
    /// Default false.
    package var presence: Bool
    /// The span over which connections are closed when the program stops.
    ///
    /// Default 1 s.
    package var drain: Duration

    /// How much of the past a subscriber can ask for.
    ///
    /// All limits hold at once.
    package struct Replay: Decodable, Sendable, Equatable {
        package enum CodingKeys: String, CodingKey, CaseIterable { case events, bytes, age }

        /// Default 10 000.
        package var events = 10_000
        /// Bytes of memory.
        ///
        /// Default 16 MiB.
        package var bytes = 16 << 20
        /// Default: no limit.
        package var age: Duration?

        package init() {}

        package init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            self.events = try container.integer(.events, in: 0...100_000_000, default: self.events)
            self.bytes = try container.bytes(.bytes, default: self.bytes)
            self.age = try container.duration(.age)
        }
    }

    /// What happens to a subscriber that does not keep up.
    package struct SlowClient: Decodable, Sendable {
        package enum CodingKeys: String, CodingKey, CaseIterable { case policy, bytes, stall, dead, key }

        /// What is done once it is too far behind.
        package enum Policy: String, CaseIterable, Sendable {
            /// Its connection ends; it resumes by its last id.
            case disconnect
            /// It is told how many events it misses, and goes on with later ones.
            case dropOldest = "drop_oldest"
            /// Of what waits for it, it gets the latest event of each key, however far it is behind.
            case conflate
        }

        /// Default: disconnect.
        package var policy = Policy.disconnect
        /// How far it may fall behind.
        ///
        /// Default 1 MiB.
        package var bytes = 1 << 20
        /// How long it may take nothing at all while something waits for it.
        ///
        /// Default 5 s.
        package var stall = Duration.seconds(5)
        /// How long its machine may acknowledge nothing at all that was sent to it before it counts as gone (`TCP_USER_TIMEOUT`).
        ///
        /// Default 30 s.
        package var dead = Duration.seconds(30)
        /// What `conflate` compares.
        ///
        /// Default `{{ $subject }}`.
        package var key: Template

        package init() {
            // A plain path needs no compiler and cannot fail.
            self.key = try! Template("{{ $subject }}", compiler: nil)
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            self.init()
            self.policy = try container.choice(.policy, default: self.policy)
            self.bytes = try container.bytes(.bytes, default: self.bytes)
            self.stall = try container.duration(.stall, default: self.stall)
            self.dead = try container.duration(.dead, default: self.dead)
            self.key = try container.value(.key, default: self.key)
        }
    }

    /// How many connections may come from where.
    package struct Limits: Decodable, Sendable {
        package enum CodingKeys: String, CodingKey, CaseIterable {
            case perAddress = "per_address", perClient = "per_client", acceptRate = "accept_rate", onFull = "on_full"
        }

        /// What browsers are told when there are too many.
        package enum OnFull: String, CaseIterable, Sendable {
            /// To come back after a random time.
            case retry
            /// That they are refused, which they take as final.
            case refuse
        }

        /// Connections at once of one IPv4 address or one IPv6 network of 64 bits; default: no limit.
        package var perAddress: Int?
        /// Connections at once of one user, token or subject of tokens; default: no limit.
        package var perClient: Int?
        /// New connections in a second; default: no limit.
        package var acceptRate: Int?
        /// Default: retry.
        package var onFull = OnFull.retry

        package init() {}

        package init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            func limit(_ key: CodingKeys) throws -> Int? {
                container.contains(key) ? try container.integer(key, in: 1...10_000_000, default: 1) : nil
            }
            self.perAddress = try limit(.perAddress)
            self.perClient = try limit(.perClient)
            self.acceptRate = try limit(.acceptRate)
            self.onFull = try container.choice(.onFull, default: self.onFull)
        }
    }

    /// Which pages of other origins may read the stream.
    package struct CORS: Decodable, Sendable, Equatable {
        package enum CodingKeys: String, CodingKey, CaseIterable { case origins }

        /// Origins such as `https://dash.example`, compared exactly; `*` stands for all.
        ///
        /// Default: none.
        package var origins: [String] = []

        package init() {}

        package init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            self.origins = try container.value(.origins, default: self.origins)
        }
    }

    package static var perRouteKeys: [CodingKeys] { [] }

    /// - Throws: ``ExpressionError`` when the name has braces that do not match.
    package init(stream: String) throws {
        self.init(try Template(stream, compiler: nil))
    }

    private init(_ stream: Template) {
        self.stream = stream
        self.keepsSlashes = false
        self.mayBeAnyStream = false
        self.replay = Replay()
        self.heartbeat = .seconds(15)
        self.reconnect = .seconds(2)
        self.slowClient = SlowClient()
        self.maxConnections = 100_000
        self.cors = CORS()
        self.patterns = false
        self.compression = true
        self.drain = .seconds(1)
        self.limits = Limits()
        self.presence = false
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try container.required(.stream))
        self.keepsSlashes = try container.value(.keepsSlashes, default: self.keepsSlashes)
        self.mayBeAnyStream = try container.value(.mayBeAnyStream, default: self.mayBeAnyStream)
        self.replay = try container.value(.replay, default: self.replay)
        self.heartbeat = try container.duration(.heartbeat, default: self.heartbeat)
        self.reconnect = try container.duration(.reconnect, default: self.reconnect)
        self.slowClient = try container.value(.slowClient, default: self.slowClient)
        self.maxConnections = try container.integer(.maxConnections, in: 1...10_000_000, default: self.maxConnections)
        self.cors = try container.value(.cors, default: self.cors)
        self.token = try container.protection(.token)
        self.patterns = try container.value(.patterns, default: self.patterns)
        if try container.value(.expressions, default: false) {
            self.compiler = (decoder.userInfo[.expressionCompiler] as? any ExpressionCompiler)?.forClients
        }
        self.compression = try container.value(.compression, default: self.compression)
        self.drain = try container.duration(.drain, default: self.drain)
        self.maxAge = try container.duration(.maxAge)
        self.limits = try container.value(.limits, default: self.limits)
        self.presence = try container.value(.presence, default: self.presence)
    }

    package func validate() throws {
        try self.validateName()
        guard self.heartbeat >= .milliseconds(100) else {
            throw SettingError(path: [CodingKeys.heartbeat], "the heartbeat must be 100ms or more")
        }
        guard self.slowClient.bytes >= 4096 else {
            throw SettingError(path: [CodingKeys.slowClient, SlowClient.CodingKeys.bytes], "a slow client needs 4KiB or more")
        }
        guard self.slowClient.stall >= .milliseconds(100) else {
            throw SettingError(path: [CodingKeys.slowClient, SlowClient.CodingKeys.stall], "the stall must be 100ms or more")
        }
        guard (Duration.milliseconds(100)...(.seconds(3600))).contains(self.slowClient.dead) else {
            throw SettingError(path: [CodingKeys.slowClient, SlowClient.CodingKeys.dead], "a dead client needs 100ms to 1h")
        }
        guard self.maxAge.map({ $0 >= .seconds(1) }) ?? true else {
            throw SettingError(path: [CodingKeys.maxAge], "the age must be 1s or more")
        }
        for (index, origin) in self.cors.origins.enumerated() where origin != "*" {
            guard let scheme = origin.firstRange(of: "://"), scheme.lowerBound > origin.startIndex,
                !origin[scheme.upperBound...].isEmpty, !origin[scheme.upperBound...].contains("/")
            else {
                throw SettingError(
                    path: [CodingKeys.cors, CORS.CodingKeys.origins],
                    "entry \(index + 1), '\(origin)', is not an origin; write scheme and host without a path, such as https://dash.example"
                )
            }
        }
        if let token, token.value.isEmpty {
            throw SettingError(path: [CodingKeys.token], "the token is empty")
        }
    }

    /// What stands in the file must be plain; what an event adds is made so.
    private func validateName() throws {
        let name = self.stream.constant ?? self.stream.staticPrefix
        let segments = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isPlain = name.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
        let isWhole =
            self.stream.constant == nil
            || segments.allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
        guard isPlain, isWhole else {
            throw SettingError(
                path: [CodingKeys.stream],
                "'\(self.stream.text)' is not a stream name; letters, digits, '_', '.' and '-' are allowed, with '/' between parts"
            )
        }
        if SSEName.template(self).isFree, !self.mayBeAnyStream {
            throw SettingError(
                path: [CodingKeys.stream],
                "the name begins with what an event says, so an event could choose any stream; begin it with fixed text such as rooms/, or write"
                    + " any_stream: true"
            )
        }
    }

    package var exclusiveResources: [Resource] { [Resource("stream", self.stream.text)] }

    /// An event must not choose the fixed stream of another sink by what it says.
    package var contention: ((Resource, _ owner: String) -> SettingError?)? {
        guard self.stream.constant == nil, !self.mayBeAnyStream else { return nil }
        let name = SSEName.template(self)
        return { resource, owner in
            guard resource.kind == "stream", !resource.value.contains("{{"), name.canRender(resource.value) else { return nil }
            return SettingError(
                path: [CodingKeys.stream],
                "an event could choose \(resource.value), the stream of \(owner); name one of them differently, or write any_stream: true"
            )
        }
    }
}
