package import BridgeCore

/// The settings of an SSE endpoint.
package struct SSESinkConfiguration: SinkConfiguration {
    /// The name after `/api/stream/`; a template offers one stream for each name that it renders.
    package var stream = Template()
    /// Whether `/` of an event stays; otherwise an event chooses one level of the name for each `{{ … }}`.
    package var keepsSlashes = false
    /// Whether the name may begin with a value of the event.
    package var mayBeAnyStream = false
    /// What a subscriber gets of each event.
    package var format = Format.json
    /// The type of each event, for its `event:` line; an empty one leaves the line out.
    package var event = Template()
    /// Members that every event's JSON has beside those of the model.
    package var include: [Field] = []
    /// Further members that a client may request with `fields`.
    package var includeOnRequest: [Field] = [.source, .subject]
    /// How events become CloudEvents.
    package var cloudEvents = CloudEvents()
    /// The last event of each key, which new clients start with; `nil` for none.
    package var snapshot: Snapshot?
    /// The history that a subscriber can request.
    package var replay = Replay()
    /// A comment is sent to a subscriber that got nothing for this long, or a little less.
    package var heartbeat = Duration.seconds(15)
    /// The reconnection delay in `retry:`.
    package var reconnect = Duration.seconds(2)
    /// What happens to a subscriber that is too slow.
    package var slowClient = SlowClient()
    /// Subscribers at once; more are answered 429.
    package var maxConnections = 100_000
    /// Which pages of other origins may read the stream.
    package var cors = CORS()
    /// The token that `Authorization: Bearer …` must have; `nil` means that the path is the secret.
    package var token: Secret?
    /// Whether clients may subscribe to MQTT filters over names; otherwise they must know the name.
    package var patterns = false
    /// Compiles `when=` of clients; `nil` unless `expressions: true`.
    package var compiler: (any ExpressionCompiler)?
    /// Whether streams are compressed for clients that accept it.
    package var compression = true
    /// The longest lifetime of a connection, varied by a fifth so that connections that began together do not end
    /// together; `nil` means no limit.
    package var maxAge: Duration?
    /// Limits of connections by address, client and rate.
    package var limits = Limits()
    /// Whether connects and disconnects are published on `$presence/` and this stream's name, to clients with that
    /// grant.
    package var presence = false
    /// The time over which connections are closed when the program stops.
    package var drain = Duration.seconds(1)

    /// The keys of an SSE sink.
    package static let settings = Settings<Self> {
        Setting(required: "stream", \.stream, .template, "Name of the stream, the part of the path after /api/stream/").example(
            "home")
        Setting("keep_slashes", \.keepsSlashes, .flag, "Whether a value in the name may add levels to it")
        Setting("any_stream", \.mayBeAnyStream, .flag, "Whether an event may choose the beginning of the name")
        Setting("format", \.format, .choice, "Whether events are sent as their JSON, their body or CloudEvents")
        Setting("event", \.event, .eventType, "Type of each event, for its event: line; an empty one leaves the line out")
            .example("'{{ .payload.type }}'")
        Setting("include", \.include, .fields, "Members that every event's JSON has in addition").example("[source, subject]")
        Setting("include_on_request", \.includeOnRequest, .fields, "Members that a client may add with ?fields=").example(
            "[attributes]")
        Setting("cloudevents", \.cloudEvents, .group, "How events become CloudEvents, for format: cloudevents")
        Setting("snapshot", \.snapshot, .group, default: "none", "Last event of each key, which new clients start with")
        Setting("replay", \.replay, .group, "History that a subscriber can request")
        Setting(
            "heartbeat", \.heartbeat, .duration(in: .milliseconds(100)...),
            "Time after which a comment is sent to an idle subscriber")
        Setting("reconnect", \.reconnect, .duration, "Reconnection delay that is sent to clients")
        Setting("slow_client", \.slowClient, .group, "What happens to a subscriber that does not keep up")
        Setting(
            "max_connections", \.maxConnections, .integer(in: 1...10_000_000), "Subscribers at once; more are answered 429")
        Setting("cors", \.cors, .group, "Which pages of other origins may read the stream")
        Setting(
            "token", \.token,
            .secret.checked { $0.value.isEmpty ? "the token is empty; write one or leave the key out" : nil },
            "Bearer token that a client must send"
        ).protecting()
        Setting("patterns", \.patterns, .flag, "Whether clients may subscribe to MQTT filters over names")
        Setting("expressions", \.compiler, .clientExpressions, "Whether clients may filter with jq expressions")
        Setting("compression", \.compression, .flag, "Whether streams are compressed for clients that accept it")
        Setting("drain", \.drain, .duration, "Time over which connections are closed when the program stops")
        Setting("max_age", \.maxAge, .duration(in: .seconds(1)...), default: "no limit", "How long a connection may last")
        Setting("limits", \.limits, .group, "Limits of connections by address, client and rate")
        Setting("presence", \.presence, .flag, "Whether connects and disconnects are published on $presence/ and the name")
    }

    /// The history that a subscriber can request.
    ///
    /// All limits apply together.
    package struct Replay: SettingGroup, Equatable {
        /// How many events are kept.
        package var events = 10_000
        /// Bytes of memory.
        package var bytes = 16 << 20
        /// `nil` for no limit.
        package var age: Duration?

        /// The keys of `replay`.
        package static let settings = Settings<Self> {
            Setting("events", \.events, .integer(in: 0...100_000_000), "How many events are kept")
            Setting("bytes", \.bytes, .bytes(in: 0...), "How much memory kept events may take")
            Setting("age", \.age, .duration, default: "no limit", "How long events are kept")
        }

        /// Makes settings in which every key has its default.
        package init() {}
    }

    /// What happens to a subscriber that is too slow.
    package struct SlowClient: SettingGroup {
        /// What happens once it is too far behind.
        package enum Policy: String, CaseIterable, Sendable {
            /// Its connection ends; it resumes by its last id.
            case disconnect
            /// It gets the number of missed events and continues with later ones.
            case dropOldest = "drop_oldest"
            /// It gets only the latest pending event of each key, however far it is behind.
            case conflate
        }

        /// What happens to a subscriber that is too far behind.
        package var policy = Policy.disconnect
        /// The largest lag in bytes.
        package var bytes = 1 << 20
        /// How long it may read nothing while data waits for it.
        package var stall = Duration.seconds(5)
        /// How long its TCP stack may acknowledge nothing before it counts as gone (`TCP_USER_TIMEOUT`).
        package var dead = Duration.seconds(30)
        /// The key that `conflate` compares.
        package var key: Template

        /// The keys of `slow_client`.
        package static let settings = Settings<Self> {
            Setting("policy", \.policy, .choice, "What happens to a subscriber that is too far behind")
            Setting("bytes", \.bytes, .bytes(in: 4096...), "How far a subscriber may fall behind")
            Setting(
                "stall", \.stall, .duration(in: .milliseconds(100)...),
                "How long a subscriber may read nothing while data waits for it"
            )
            Setting(
                "dead", \.dead, .duration(in: .milliseconds(100) ... .seconds(3600)),
                "How long a subscriber's TCP stack may acknowledge nothing")
            Setting("key", \.key, .template, "Key of which conflate keeps the latest event").example("'{{ $subject }}'")
        }

        /// Makes settings in which every key has its default.
        package init() {
            // A plain path needs no compiler and cannot fail.
            self.key = try! Template("{{ $subject }}", compiler: nil)
        }
    }

    /// Limits of connections by address, client and rate.
    package struct Limits: SettingGroup {
        /// What browsers get when there are too many.
        package enum OnFull: String, CaseIterable, Sendable {
            /// A random delay after which to reconnect.
            case retry
            /// A refusal, which they treat as final.
            case refuse
        }

        /// Connections at once of one IPv4 address or one IPv6 network of 64 bits; `nil` for no limit.
        package var perAddress: Int?
        /// Connections at once of one user, token or subject of tokens; `nil` for no limit.
        package var perClient: Int?
        /// New connections in a second; `nil` for no limit.
        package var acceptRate: Int?
        /// What browsers get when there are too many.
        package var onFull = OnFull.retry

        /// The keys of `limits`.
        package static let settings = Settings<Self> {
            Setting(
                "per_address", \.perAddress, .integer(in: 1...10_000_000), default: "no limit",
                "Connections at once from one IPv4 address or IPv6 network of 64 bits")
            Setting(
                "per_client", \.perClient, .integer(in: 1...10_000_000), default: "no limit",
                "Connections at once of one user, token or subject")
            Setting(
                "accept_rate", \.acceptRate, .integer(in: 1...10_000_000), default: "no limit", "New connections in a second")
            Setting("on_full", \.onFull, .choice, "Whether refused browsers reconnect automatically")
        }

        /// Makes settings in which every key has its default.
        package init() {}
    }

    /// Which pages of other origins may read the stream.
    package struct CORS: SettingGroup, Equatable {
        /// Origins such as `https://dash.example`, compared exactly; `*` permits all.
        package var origins: [String] = []

        /// The keys of `cors`.
        package static let settings = Settings<Self> {
            Setting("origins", \.origins, .list(of: .text("origin, or *")), "Origins such as https://dash.example, or * for all")
                .example("['https://dash.example']")
        }

        /// Makes settings in which every key has its default.
        package init() {}

        /// Validates the settings together.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws {
            for (index, origin) in self.origins.enumerated() where origin != "*" {
                guard let scheme = origin.firstRange(of: "://"), scheme.lowerBound > origin.startIndex,
                    !origin[scheme.upperBound...].isEmpty, !origin[scheme.upperBound...].contains("/")
                else {
                    throw SettingError(
                        at: "origins",
                        because:
                            "entry \(index + 1), '\(origin)', is not an origin; write scheme and host without a path, such as"
                            + " https://dash.example"
                    )
                }
            }
        }
    }

    /// Makes settings in which every key has its default.
    package init() {}

    /// - Throws: ``ExpressionError`` when the name has unbalanced braces.
    package init(stream: String) throws {
        self.stream = try Template(stream, compiler: nil)
    }

    /// Constants in the file must be valid; values of events are made valid.
    package func validate() throws {
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
                at: "stream",
                because:
                    "'\(self.stream.text)' is not a stream name; letters, digits, '_', '.' and '-' are allowed, with '/' between parts"
            )
        }
        if SSEName.template(self).isFree, !self.mayBeAnyStream {
            throw SettingError(
                at: "stream",
                because:
                    "the name begins with a value of the event, so an event could choose any stream; begin it with fixed text such as rooms/, or write"
                    + " any_stream: true"
            )
        }
        try self.validateContent()
    }

    /// The token.
    package var secrets: SecretTexts {
        var secrets = SecretTexts()
        secrets.add(self.token)
        return secrets
    }

    /// The stream: two sinks cannot number the events of one.
    package var exclusiveResources: [Resource] { [Resource("stream", self.stream.text)] }

    /// A value of an event must not choose the fixed stream of another sink.
    package var contention: Contention? {
        guard self.stream.constant == nil, !self.mayBeAnyStream else { return nil }
        let name = SSEName.template(self)
        return Contention(kind: "stream", prefix: self.stream.staticPrefix) { resource, owner in
            guard name.canRender(resource.value), !resource.value.contains("{{") else { return nil }
            return SettingError(
                at: "stream",
                because:
                    "an event could choose \(resource.value), the stream of \(owner); name one of them differently, or write any_stream: true"
            )
        }
    }
}

extension SettingCodec where Value == [SSESinkConfiguration.Field] {
    /// One field or a list of them.
    fileprivate static var fields: Self {
        SettingCodec<[SSESinkConfiguration.Field]>.oneOrMore(of: .choice).map(write: { fields in
            fields.isEmpty ? nil : "[\(fields.map(\.rawValue).joined(separator: ", "))]"
        }) { $0 }
    }
}

extension SettingCodec where Value == (any ExpressionCompiler)? {
    /// A boolean that selects the program's compiler with the limits for clients.
    fileprivate static var clientExpressions: Self {
        Self(.flag, write: { $0 == nil ? "false" : "true" }) { decoder in
            guard try decoder.singleValueContainer().decode(Bool.self) else { return nil }
            return (decoder.userInfo[.expressionCompiler] as? any ExpressionCompiler)?.forClients
        }
    }
}
