package import BridgeCore

extension RedisSource {
    /// Settings of the source.
    package struct Configuration: ComponentConfiguration {
        var redis = RedisSettings()
        /// Exact names.
        var channels: [String] = []
        /// Globs in the syntax of `PSUBSCRIBE`.
        var patterns: [String] = []
        /// Keys of lists.
        var lists: [String] = []
        /// The end of the lists at which the oldest message is.
        var takeFrom = RedisListEnd.right
        /// Must be different for each replica.
        var consumer: String?
        /// How long one command waits for a message.
        var block = Duration.seconds(5)
        /// The time without a sign of life after which messages of another consumer are taken over.
        var claimAfter = Duration.seconds(60)
        /// How many messages of one list may be taken and not yet safe.
        var inFlight = 1000

        /// The keys of a source of channels or lists.
        package static let settings = Settings<Self> {
            let withoutLists = "has no effect without lists; set lists"
            let mixed = "a source reads lists or subscribes, because their delivery guarantees differ; make two sources"
            RedisSettings.settings.within(\.redis)
            Setting("channels", \.channels, .oneOrMore(of: .text), "Channels to subscribe to").example("[news]")
            Setting("patterns", \.patterns, .oneOrMore(of: .text), "Patterns with '*' of channels to subscribe to").example(
                "['news:*']")
            Setting(
                "lists", \.lists,
                SettingCodec<[String]>.oneOrMore(of: .text.checked { $0.isEmpty ? "is empty; name a list" : nil })
                    .checked(Self.mistake(in:)),
                "Lists to take messages from; this source is then their reader"
            ).example("jobs").excluding("channels", "patterns", else: mixed)
            Setting(
                "take_from", \.takeFrom, .choice,
                "End of the lists with the oldest message: right where senders use LPUSH, left where they use RPUSH"
            ).needing("lists", else: withoutLists)
            Setting(
                "consumer", \.consumer, .text.checked { (1...200).contains($0.utf8.count) ? nil : "is not 1 to 200 bytes long" },
                default: "the names of the bridge and the source",
                "Name among the readers of the lists, different for each replica"
            ).example("bridge-1").needing("lists", else: withoutLists)
            Setting(
                "block", \.block, .duration(in: .milliseconds(10) ... .seconds(10)), "How long one command waits for a message"
            )
            .needing("lists", else: withoutLists)
            Setting(
                "claim_after", \.claimAfter, .duration,
                "Time without a sign of life after which messages of other readers are taken over"
            ).needing("lists", else: withoutLists)
            Setting("in_flight", \.inFlight, .integer(in: 1...100_000), "Messages of one list that may be taken and not yet safe")
                .needing("lists", else: withoutLists)
        }

        /// Makes settings of a server on this machine.
        package init() {}

        /// See ``RedisSettings/secrets``.
        package var secrets: SecretTexts { self.redis.secrets }

        /// Validates the connection, that there is something to read, and the times.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws {
            try self.redis.validate()
            guard !self.channels.isEmpty || !self.patterns.isEmpty || !self.lists.isEmpty else {
                throw SettingError("nothing to read; set channels, patterns or lists")
            }
            guard !self.lists.isEmpty else { return }
            guard self.claimAfter >= self.block * 2 else {
                throw SettingError(
                    at: "claim_after",
                    because: "is shorter than two waits of block, after which a reader gives its sign of life; make it longer")
            }
            guard case .cluster = self.redis.location else { return }
            for (index, list) in self.lists.enumerated() where !RedisListKeys(list: list).areInOneSlot {
                throw SettingError(
                    path: [SettingKey("lists"), SettingKey(index)],
                    "'\(list)' and its processing list cannot be in one slot of a cluster; rename the list without '}', or with a hash tag such as {jobs}"
                )
            }
        }

        /// Lists whose number or repetition is a mistake.
        private static func mistake(in lists: [String]) -> String? {
            if lists.count > 64 { return "names \(lists.count) lists; a source reads at most 64, so use several sources" }
            var seen: Set<[UInt8]> = []
            return lists.first { !seen.insert(Array($0.utf8)).inserted }.map { "names '\($0)' twice; name it once" }
        }

        /// Wildcards in the wrong syntax, or under the wrong key.
        package var warnings: [SettingError] {
            func warnings(_ names: [String], _ key: String) -> [SettingError] {
                names.enumerated().compactMap { index, name in
                    let path: [any CodingKey] = [SettingKey(key), SettingKey(index)]
                    let isOfMQTT = name.hasSuffix("/#") || name == "#" || name.split(separator: "/").contains("+")
                    if isOfMQTT {
                        return SettingError(
                            path: path,
                            "'\(name)': Redis has no wildcards '#' and '+'; write a pattern with '*', such as \(Self.pattern(for: name))"
                        )
                    }
                    guard key == "channels", name.contains(where: { "*?".contains($0) }) else { return nil }
                    return SettingError(path: path, "'\(name)' under channels is an exact name; write it under patterns")
                }
            }
            return warnings(self.channels, "channels") + warnings(self.patterns, "patterns")
        }

        /// The Redis pattern that is equivalent to an MQTT filter.
        private static func pattern(for filter: String) -> String {
            filter.split(separator: "/", omittingEmptySubsequences: false).map { $0 == "#" || $0 == "+" ? "*" : $0 }
                .joined(separator: "/")
        }
    }
}
