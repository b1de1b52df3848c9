import BridgeCore

/// `log:`.
struct LogDeclaration: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case kind, path, durability, retain }

    enum Kind: String, CaseIterable { case memory, sqlite }

    enum RetainKeys: String, CodingKey, CaseIterable { case events, age, bytes }

    private let kind: Kind
    private let path: String?
    private let durability: DurableLogSettings.Durability
    private let events: Int?
    private let age: Duration?
    private let bytes: Int?

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let kind = try container.choice(.kind, default: Kind.memory)
        self.kind = kind
        self.path = try container.optional(.path)
        self.durability = try container.choice(.durability, default: .process)
        var retain: KeyedDecodingContainer<RetainKeys>?
        if container.contains(.retain) { retain = try container.nestedContainer(keyedBy: RetainKeys.self, forKey: .retain) }
        self.events = try retain.flatMap { retain in
            guard retain.contains(.events) else { return nil }
            return try retain.integer(.events, in: 1...1_000_000_000, default: 1)
        }
        self.age = try retain?.duration(.age)
        self.bytes = try retain.flatMap { $0.contains(.bytes) ? try $0.bytes(.bytes, default: 0) : nil }
        func refuse(_ key: RetainKeys, _ message: String) throws {
            throw SettingError(path: decoder.codingPath + [CodingKeys.retain, key], message)
        }
        if self.age == .zero { try refuse(.age, "must be more than nothing, such as 1h") }
        guard kind == .memory else {
            if let bytes, bytes < 1 << 20 { try refuse(.bytes, "\(bytes) is too small for a file; write 1MiB or more") }
            return
        }
        if self.bytes == 0 { try refuse(.bytes, "must be more than nothing, such as 64MiB") }
        for key in [CodingKeys.path, .durability] where container.contains(key) {
            throw SettingError(
                path: decoder.codingPath + [key], "means nothing for a log in memory; write kind: sqlite, or leave it out"
            )
        }
        if retain?.contains(.age) == true {
            try refuse(
                .age, "means nothing for a log in memory, which keeps what a sink still owes; write kind: sqlite, or leave it out"
            )
        }
    }

    /// - Parameter directory: `service.state_dir`.
    /// - Throws: ``SettingError`` when there is no place for the file.
    func plan(directory: String?) throws -> LogPlan {
        switch self.kind {
        case .memory:
            let standard = LogLimits()
            return .memory(LogLimits(events: self.events ?? standard.events, bytes: self.bytes ?? standard.bytes))
        case .sqlite:
            guard let path = self.path ?? directory.flatMap({ $0.isEmpty ? nil : "\($0)/events.db" }), !path.isEmpty else {
                throw SettingError(path: [CodingKeys.kind], "sqlite needs a file; set path, or service.state_dir")
            }
            let standard = DurableLogSettings(path: path)
            return .disk(
                DurableLogSettings(
                    path: path, durability: self.durability, events: self.events ?? standard.events,
                    age: self.age ?? standard.age, bytes: self.bytes ?? standard.bytes
                )
            )
        }
    }
}
