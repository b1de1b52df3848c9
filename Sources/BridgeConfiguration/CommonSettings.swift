import BridgeCore

/// `retry:` of a component.
struct RetryDeclaration: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case initial, factor, max, attempts, limit = "for" }

    let initial: Duration?
    let factor: Double?
    let max: Duration?
    let attempts: Int?
    /// Of sinks only.
    let limit: Duration?

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.initial = try container.duration(.initial)
        self.factor = try container.optional(.factor)
        self.max = try container.duration(.max)
        self.attempts = container.contains(.attempts) ? try container.integer(.attempts, in: 0...1_000_000, default: 0) : nil
        self.limit = try container.duration(.limit)
        if let limit, limit <= .zero {
            throw SettingError(
                path: decoder.codingPath + [CodingKeys.limit], "must be longer than nothing; leave it out for no limit in time")
        }
        if let initial, let max, initial > max {
            throw SettingError(path: decoder.codingPath + [CodingKeys.initial], "the first wait is longer than max, the longest")
        }
        if let factor, !(1...100).contains(factor) {
            throw SettingError(path: decoder.codingPath + [CodingKeys.factor], "\(factor) is out of range; 1 to 100 is allowed")
        }
    }

    /// What is declared, over what is declared further out.
    ///
    /// A limit in time alone is the only limit.
    func settings(over base: RetrySettings) -> RetrySettings {
        RetrySettings(
            initial: self.initial ?? base.initial, factor: self.factor ?? base.factor, maximum: self.max ?? base.maximum,
            attempts: self.attempts ?? (self.limit == nil ? base.attempts : 0), limit: self.limit ?? base.limit
        )
    }
}

/// `buffer:` of a sink.
struct BufferDeclaration: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case events, bytes, onFull = "on_full" }

    let events: Int?
    let bytes: Int?
    let onFull: OverflowPolicy?

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.events = container.contains(.events) ? try container.integer(.events, in: 1...100_000_000, default: 1) : nil
        self.bytes = container.contains(.bytes) ? try container.bytes(.bytes, default: 0) : nil
        self.onFull = container.contains(.onFull) ? try container.choice(.onFull, default: .block) : nil
    }
}

/// The keys every source understands beside its adapter's own.
struct SourceDeclaration: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case type, ack, normalise, onGap = "on_gap", retry, required }

    enum OnGap: String, CaseIterable { case emit, count }

    let acknowledge: AcknowledgePolicy?
    let onGap: OnGap?
    let isRequired: Bool

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.acknowledge = container.contains(.ack) ? try container.choice(.ack, default: .delivered) : nil
        self.onGap = container.contains(.onGap) ? try container.choice(.onGap, default: .emit) : nil
        self.isRequired = try container.value(.required, default: true)
    }
}

/// The keys every sink understands beside its adapter's own.
struct SinkDeclaration: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case type, buffer, retry, deadLetter = "dead_letter", required }

    let deadLetter: String?
    let isRequired: Bool

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.deadLetter = try container.optional(.deadLetter)
        self.isRequired = try container.value(.required, default: true)
    }
}

/// `service:`.
struct ServiceDeclaration: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, stateDirectory = "state_dir", drain, maximumHops = "max_hops", log
    }

    enum LogKeys: String, CodingKey, CaseIterable { case level, format }

    let settings: ServiceSettings

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        var settings = ServiceSettings()
        settings.name = try container.optional(.name)
        if let name = settings.name, name.isEmpty || name.utf8.count > 64 || !name.utf8.allSatisfy(BridgeLoader.isNameByte) {
            throw SettingError(
                path: decoder.codingPath + [CodingKeys.name],
                "'\(name)' is no name; 1 to 64 letters, digits, '.', '_' and '-' are allowed"
            )
        }
        settings.stateDirectory = try container.optional(.stateDirectory)
        guard settings.stateDirectory?.isEmpty != true else {
            throw SettingError(
                path: decoder.codingPath + [CodingKeys.stateDirectory], "is empty; name a directory or leave it out")
        }
        settings.drain = try container.duration(.drain, default: settings.drain)
        settings.maximumHops = try container.integer(.maximumHops, in: 1...255, default: settings.maximumHops)
        if container.contains(.log) {
            let log = try container.nestedContainer(keyedBy: LogKeys.self, forKey: .log)
            settings.logLevel = try log.choice(.level, default: settings.logLevel)
            settings.logFormat = try log.choice(.format, default: settings.logFormat)
        }
        self.settings = settings
    }
}

/// `http:`.
struct HTTPDeclaration: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case listen, tls, maximumConnections = "max_connections", access, admin, limits, allowedHosts = "allowed_hosts",
            publishOrigins = "publish_origins", trustedProxies = "trusted_proxies"
    }

    enum TLSKeys: String, CodingKey, CaseIterable { case certificateFile = "cert_file", keyFile = "key_file" }

    let settings: HTTPSettings

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        var settings = HTTPSettings()
        if let listen: String = try container.optional(.listen) {
            guard let address = ListenAddress(listen) else {
                throw SettingError(path: decoder.codingPath + [CodingKeys.listen], ListenAddress.mistake(listen))
            }
            settings.host = address.host
            settings.port = address.port
        }
        if container.contains(.maximumConnections) {
            settings.maximumConnections = try container.integer(.maximumConnections, in: 1...10_000_000, default: 1)
        }
        if container.contains(.tls) {
            let tls = try container.nestedContainer(keyedBy: TLSKeys.self, forKey: .tls)
            settings.certificateFile = try tls.required(.certificateFile)
            settings.keyFile = try tls.required(.keyFile)
        }
        settings.access = try container.protection(.access)
        settings.admin = try container.protection(.admin)
        if let address = settings.admin?.address, address.port != 0, address.port == settings.port {
            throw SettingError(
                path: decoder.codingPath + [CodingKeys.admin], "listen has the port of http.listen; name another one")
        }
        settings.limits = try container.optional(.limits, as: Limits.self)?.settings ?? settings.limits
        func path(_ key: CodingKeys) -> [any CodingKey] { decoder.codingPath + [key] }
        settings.allowedHosts = try container.optional(.allowedHosts, as: [String].self).map {
            try Self.hosts($0, path(.allowedHosts))
        }
        settings.publishOrigins = try Self.origins(container.optional(.publishOrigins) ?? [], path(.publishOrigins))
        settings.trustedProxies = try Self.proxies(container.optional(.trustedProxies) ?? [], path(.trustedProxies))
        self.settings = settings
    }
}

/// `defaults.event:`.
struct EventDeclaration: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case title, message, absentTitle = "absent_title" }

    enum AbsentTitle: String, CaseIterable { case empty, omit }

    let limits: EventLimits

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let standard = EventLimits()
        self.limits = EventLimits(
            title: try container.integer(.title, in: 1...1_000_000, default: standard.title),
            message: try container.integer(.message, in: 1...100_000_000, default: standard.message),
            absentTitle: try container.choice(.absentTitle, default: AbsentTitle.empty) == .empty ? "" : nil
        )
    }
}
