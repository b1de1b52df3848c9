import BridgeCore
import JSON
import NIOCore

@testable import RedisAdapter

extension FuzzTarget {
    /// The interpretation of a server's answers: entries, pending entries, errors, redirects; every entry is a message
    /// with a readable body.
    static let redisEntries = FuzzTarget(
        "redis-entries",
        seeds: [
            "*1\r\n*2\r\n$3\r\n1-1\r\n*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\na\r\n$1\r\n\u{0}\r\n",
            "*1\r\n*2\r\n$20\r\n18446744073709551615\r\n*2\r\n$5\r\nevent\r\n$2\r\n{}\r\n", "*1\r\n*2\r\n$3\r\n1-1\r\n$-1\r\n",
            "*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:9223372036854775807\r\n:2\r\n", "-MOVED 3999 127.0.0.1:6381\r\n",
            "-ASK 3999 ::1:6381\r\n",
            "-ERR unknown command 'XADD', with args\r\n", "-NOPERM User x has no permissions to run the 'xadd|y' command\r\n",
            "*4\r\n$6\r\nlength\r\n:5\r\n$13\r\nentries-added\r\n:-1\r\n",
            "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:99999\r\n",
            "*1\r\n*2\r\n$3\r\n5-0\r\n*4\r\n$8\r\nevent-id\r\n$1\r\nx\r\n$2\r\n\u{E9}\r\n$0\r\n\r\n",
        ],
        words: [
            "*2\r\n", "*4\r\n", "$1\r\n", "\r\n", "-MOVED ", "-ASK ", "-ERR ", "-NOPERM ", ":", "event", "payload", "event-id",
        ]
    ) { bytes in
        let reader = RedisReplyReader()
        var replies: [RedisReply] = []
        try? reader.feed(ByteBuffer(bytes: bytes)) { replies.append($0.copy()) }
        let origin = RedisSettings.Address.tcp(host: "h", port: 1, isTLS: false)
        for reply in replies {
            for entry in RedisStreamEntry.entries(reply) { try Self.check(entry) }
            _ = RedisPendingEntry.entries(reply)
            _ = RedisFields(reply).integer("length")
            _ = RedisRequirements.isUnavailable(reply)
            for address in [
                RedisRedirect(reply, from: origin)?.address, reply.master(isTLS: true), reply.node(serving: 5, seenFrom: origin),
            ] {
                guard case .tcp(let host, let port, _)? = address else { continue }
                try FuzzFailure.unless(!host.isEmpty && (1...65_535).contains(port), "\(reply) leads to \(host):\(port)")
            }
            if let text = reply.text, let id = RedisStreamID(text) {
                let next = RedisStreamID(id.next)
                let isLast = id.milliseconds == .max && id.sequence == .max
                try FuzzFailure.unless(isLast || next.map { id < $0 } ?? false, "after \(text) comes \(id.next)")
                _ = RedisStreamID.described(text)
            }
            guard case .error(let text) = reply else { continue }
            for follows in [true, false] { _ = RedisFailure.verdict(text, "redis://h", followsNodes: follows) }
            _ = RedisFailure.connection(text, "redis://h")
        }
    }

    private static func check(_ entry: RedisStreamEntry) throws {
        _ = entry.repeatKey(stream: "s")
        guard let fields = entry.fields, let message = entry.message(stream: "s", idSuffix: ".x", deliveries: 2) else { return }
        try FuzzFailure.unless(message.upstreamID?.isEmpty == false || fields.contains { $0.value.readableBytes == 0 }, "no id")
        _ = message.timestamp.map { "\($0)" }
        // A lone body is the sender's own.
        if fields.contains(where: { $0.value == message.body }) { return }
        let parser = JSONParser()
        guard let root = try? parser.parse(message.body), root.kind == .object else {
            throw FuzzFailure("the fields became \(String(buffer: message.body))")
        }
        var names: Set<[UInt8]> = []
        var isUnique = true
        root.forEachMember { name, _ in isUnique = names.insert(Array(name.utf8)).inserted && isUnique }
        try FuzzFailure.unless(isUnique, "a name occurs twice in \(String(buffer: message.body))")
        for name in [RedisStreamEntry.encodedNames, RedisStreamEntry.encodedValues] {
            guard let list = message.attributes[name] else { continue }
            let other = JSONParser()
            try FuzzFailure.unless(
                (try? other.parse(ByteBuffer(string: list)))?.kind == .array, "the attribute \(name) is \(list)")
            withExtendedLifetime(other) {}
        }
        withExtendedLifetime(parser) {}
    }
}
