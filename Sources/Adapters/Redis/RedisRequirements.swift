/// The commands that components require, with the component and the first version of Redis that has them.
///
/// The documentation of the adapter lists these and the optional ones.
enum RedisRequirements {
    private static let lists = "a redis source with lists"
    private static let commands: [String: (user: String, version: String)] = [
        "AUTH": ("a password", "1.0"), "SELECT": ("a database other than 0", "1.0"),
        "CLUSTER": ("redis+cluster:// with a stream", "3.0"), "SENTINEL": ("redis+sentinel://", "2.8"),
        "PUBLISH": ("a redis sink", "2.0"), "SUBSCRIBE": ("a redis source with channels", "2.0"),
        "PSUBSCRIBE": ("a redis source with patterns", "2.0"), "XADD": ("a redis-stream sink", "5.0"),
        "XREAD": ("a redis-stream source without a group", "5.0"),
        "XREVRANGE": ("a redis-stream source without a group that begins at $", "5.0"),
        "XREADGROUP": ("a redis-stream source with a group", "5.0"), "XACK": ("a redis-stream source with a group", "5.0"),
        "XPENDING": ("a redis-stream source with a group", "5.0"), "XRANGE": ("a redis-stream source with a group", "5.0"),
        "XCLAIM": ("a redis-stream source with a group", "5.0"),
        "LMOVE": (Self.lists, "6.2"), "BLMOVE": (Self.lists, "6.2"), "RPOPLPUSH": (Self.lists, "1.2"),
        "BRPOPLPUSH": (Self.lists, "2.2"), "LTRIM": (Self.lists, "1.0"), "LINDEX": (Self.lists, "1.0"),
        "TYPE": (Self.lists, "1.0"), "TIME": (Self.lists, "2.6"), "SET": (Self.lists, "2.6.12"),
        "RENAMENX": (Self.lists, "1.0"), "ZADD": (Self.lists, "3.0.2"), "ZRANGE": (Self.lists, "1.2"),
        "ZREM": (Self.lists, "1.2"), "ZSCORE": (Self.lists, "1.2"),
    ]

    /// A hint for a required command that a server does not know or allow, as half a sentence; `nil` for other answers.
    static func hint(for answer: String) -> String? {
        guard let name = self.command(in: answer), let command = self.commands[name] else { return nil }
        return "\(command.user) needs \(name) (Redis \(command.version) or later)"
    }

    /// The command that a server does not know or that the ACL forbids; `nil` for other answers.
    ///
    /// Finds the command in `ERR unknown command 'XADD', with args beginning with: …` (with other quotes before Redis
    /// 7) and in `NOPERM User x has no permissions to run the 'xadd' command` (with a subcommand after a `|`).
    static func command(in answer: String) -> String? {
        let rest: Substring
        if answer.hasPrefix("ERR unknown command") || answer.hasPrefix("ERR unknown subcommand") {
            rest = answer[...]
        } else if answer.hasPrefix("NOPERM"), let start = answer.firstRange(of: " run the ") {
            rest = answer[start.upperBound...]
        } else {
            return nil
        }
        let quotes: [Character] = ["'", "`", "\""]
        guard let quote = rest.firstIndex(where: { quotes.contains($0) }) else { return "" }
        return rest[rest.index(after: quote)...].prefix { !quotes.contains($0) && $0 != "|" }.uppercased()
    }

    /// Whether an answer means that the command is unavailable, because of the server's version, its configuration or
    /// its ACL.
    static func isUnavailable(_ reply: RedisReply) -> Bool {
        if case .error(let text) = reply { self.command(in: text) != nil } else { false }
    }
}
