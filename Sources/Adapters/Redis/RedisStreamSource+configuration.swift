package import BridgeCore

extension RedisStreamSource {
    /// Settings of the source.
    package struct Configuration: ComponentConfiguration {
        var redis = RedisSettings()
        var stream = ""
        var group: String?
        /// Must be different for each replica.
        var consumer: String?
        /// Where a new group, or a source without a cursor, begins: `$` (new entries), `0`, or an entry's id.
        var start = "$"
        /// The number of entries per read.
        var batch = 100
        /// How long one read waits for entries.
        var block = Duration.seconds(5)
        /// The idle time after which entries of other consumers are claimed.
        var claimAfter = Duration.seconds(60)
        /// The limit of deliveries before an entry is abandoned; 0 for none.
        var maximumDeliveries = 0
        /// Idle time after which consumers of the group without pending entries are removed; `nil` keeps them.
        var removeIdleAfter: Duration?

        /// The keys of a source of streams.
        package static let settings = Settings<Self> {
            let withoutGroup = "has no effect without a group; set group"
            RedisSettings.settings.within(\.redis)
            Setting(
                required: "stream", \.stream, .text.checked { $0.isEmpty ? "is empty; name a stream" : nil }, "Stream to read"
            ).example("orders")
            Setting(
                "group", \.group, .text.checked { $0.isEmpty ? "is empty; name a group or leave it out" : nil },
                "Consumer group that tracks unacknowledged entries; without one, the source keeps a cursor"
            ).example("streambridge")
            Setting(
                "consumer", \.consumer, .text, default: "the names of the bridge and the source",
                "Name in the group, different for each replica"
            ).example("bridge-1").needing("group", else: withoutGroup)
            Setting(
                "start", \.start,
                .text("$, 0 or an entry id").checked { start in
                    start == "$" || RedisStreamID(start) != nil
                        ? nil : "'\(start)' is not a position in a stream; write $, 0 or an entry id"
                },
                "Where reading begins the first time; $ is the end"
            ).example("'0'")
            Setting("batch", \.batch, .integer(in: 1...10_000), "Entries read at once")
            Setting("block", \.block, .duration(in: .milliseconds(10) ... .seconds(10)), "How long one read waits for entries")
            Setting("claim_after", \.claimAfter, .duration, "Idle time after which entries of other consumers are claimed")
                .needing("group", else: withoutGroup)
            Setting(
                "max_deliveries", \.maximumDeliveries, .integer(in: 0...1_000_000),
                "Deliveries after which an entry is given up; 0 for never"
            ).needing("group", else: withoutGroup)
            Setting(
                "remove_idle_after", \.removeIdleAfter, .duration, default: "never",
                "Idle time after which consumers with nothing pending are removed from the group"
            ).needing("group", else: withoutGroup)
        }

        /// Makes settings of a server on this machine.
        package init() {}

        /// See ``RedisSettings/secrets``.
        package var secrets: SecretTexts { self.redis.secrets }

        /// Validates the connection and the times.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws {
            try self.redis.validate()
            if let idle = self.removeIdleAfter, idle < self.claimAfter {
                throw SettingError(at: "remove_idle_after", because: "is shorter than claim_after; make it longer")
            }
        }
    }
}
