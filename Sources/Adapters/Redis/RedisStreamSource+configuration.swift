import BridgeCore

extension RedisStreamSource {
    /// Settings of the source.
    package struct Configuration: ComponentConfiguration {
        /// The keys of its mapping, as the file writes them.
        package enum CodingKeys: String, CodingKey, CaseIterable {
            case url, user, password, tls, sentinel, connectTimeout = "connect_timeout", stream, group, consumer, start, batch,
                block
            case claimAfter = "claim_after", maximumDeliveries = "max_deliveries", removeIdleAfter = "remove_idle_after"
        }

        let redis: RedisSettings
        let stream: String
        let group: String?
        /// Default: the bridge's name, a dot and the component's; must be different for each replica.
        let consumer: String?
        /// Where a new group, or a source without a cursor, begins: `$` (default, what comes from now on), `0`, or an entry's id.
        let start: String
        /// Entries read at once; default 100.
        let batch: Int
        /// How long one read waits for entries; default 5 s.
        let block: Duration
        /// Entries of other consumers are claimed after this time; default 60 s.
        let claimAfter: Duration
        /// An entry handed out more often is given up; default 0, never.
        let maximumDeliveries: Int
        /// Consumers of the group that have nothing pending and are idle for so long are removed; default: they stay.
        let removeIdleAfter: Duration?

        /// Reads the keys and fills in defaults.
        ///
        /// - Throws: `SettingError` with the place of a key that is missing, of the wrong kind or out of range.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.redis = try RedisSettings(container) { CodingKeys(rawValue: $0)! }
            self.stream = try container.required(.stream)
            self.group = try container.optional(.group)
            self.consumer = try container.optional(.consumer)
            self.start = try container.value(.start, default: "$")
            self.batch = try container.integer(.batch, in: 1...10_000, default: 100)
            self.block = try container.duration(.block, default: .seconds(5))
            self.claimAfter = try container.duration(.claimAfter, default: .seconds(60))
            self.maximumDeliveries = try container.integer(.maximumDeliveries, in: 0...1_000_000, default: 0)
            self.removeIdleAfter =
                container.contains(.removeIdleAfter) ? try container.duration(.removeIdleAfter, default: .zero) : nil
            for key in [CodingKeys.claimAfter, .maximumDeliveries] where self.group == nil && container.contains(key) {
                throw SettingError(path: container.codingPath + [key], "means nothing without a group; set group")
            }
        }

        /// Checks names, the start, ranges, and that no key needs a group that is not there.
        ///
        /// - Throws: `SettingError` with the key, the mistake and the remedy.
        package func validate() throws {
            if self.stream.isEmpty { throw SettingError(path: [CodingKeys.stream], "is empty; name a stream") }
            if self.group?.isEmpty == true {
                throw SettingError(path: [CodingKeys.group], "is empty; name a group or leave it out")
            }
            if self.group == nil, self.consumer != nil {
                throw SettingError(path: [CodingKeys.consumer], "means nothing without a group; set group")
            }
            if let idle = self.removeIdleAfter {
                guard self.group != nil else {
                    throw SettingError(path: [CodingKeys.removeIdleAfter], "means nothing without a group; set group")
                }
                guard idle >= self.claimAfter else {
                    throw SettingError(path: [CodingKeys.removeIdleAfter], "is shorter than claim_after; make it longer")
                }
            }
            guard self.start == "$" || RedisStreamID(self.start) != nil else {
                throw SettingError(
                    path: [CodingKeys.start], "'\(self.start)' is no place in a stream; write $, 0 or an entry's id")
            }
            guard self.block >= .milliseconds(10), self.block <= .seconds(10) else {
                throw SettingError(path: [CodingKeys.block], "is out of range; 10ms to 10s is allowed")
            }
        }
    }
}
