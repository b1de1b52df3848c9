/// A word for a severity: a level of a logger, of syslog (RFC 5424 §6.2.1) or of a monitor, or a state.
struct SeverityWord {
    /// 1 to 5.
    let priority: Int
    /// Whether it reports a recovery.
    var isEnd: Bool { self.priority == 2 && !self.isLevel }
    /// Whether it reports the availability of a thing: a title then reads `pump is offline`.
    let isAvailability: Bool
    /// Whether it is a level, which a state such as `high` may mean otherwise.
    let isLevel: Bool

    private static let levels: [(priority: Int, words: String)] = [
        (5, "emerg emergency panic fatal critical crit disaster urgent max highest p1 sev1 blocker"),
        (4, "alert error err severe high major warning warn danger p2 sev2 average"),
        (3, "notice info informational information normal default medium moderate minor p3 sev3"),
        (2, "low good p4 p5"),
        (1, "debug trace verbose min lowest fine"),
    ]
    private static let states: [(priority: Int, words: String)] = [
        (5, "down outage major_outage"),
        (
            4,
            "firing failed failure failing errored broken unhealthy degraded alarm alarmed triggered problem timeout timed_out crashed breached violated unreachable stalled denied jammed onbatt commlost connectionlost fired partial_outage degraded_performance"
        ),
        (2, "resolved recovered recovery ok healthy success succeeded successful passed passing fixed cleared closed"),
    ]
    private static let availabilities: [(priority: Int, words: String)] = [
        (4, "offline unavailable disconnected dead lost"), (2, "online available connected alive up"),
    ]

    /// By the hash of the word.
    private static let table: [UInt64: SeverityWord] = {
        var table: [UInt64: SeverityWord] = [:]
        func add(_ list: [(priority: Int, words: String)], isLevel: Bool, isAvailability: Bool) {
            for (priority, words) in list {
                for word in words.split(separator: " ") {
                    table[SeverityWord.hash(word.utf8)] = SeverityWord(
                        priority: priority, isAvailability: isAvailability || word == "down", isLevel: isLevel)
                }
            }
        }
        add(SeverityWord.states, isLevel: false, isAvailability: false)
        add(SeverityWord.availabilities, isLevel: false, isAvailability: true)
        add(SeverityWord.levels, isLevel: true, isAvailability: false)
        return table
    }()

    private init(priority: Int, isAvailability: Bool, isLevel: Bool) {
        self.priority = priority
        self.isAvailability = isAvailability
        self.isLevel = isLevel
    }

    /// - Parameter text: the word in any case, with white space around it; `nil` for any other text.
    init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 20, let word = Self.table[Self.hash(text.utf8)] else { return nil }
        self = word
    }

    /// FNV-1a of a word in lower case, without white space.
    private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes where byte > 0x20 {
            hash = (hash ^ UInt64((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)) &* 0x0000_0100_0000_01b3
        }
        return hash
    }
}
