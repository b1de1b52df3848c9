import BridgeCore
import BridgeTesting
import Synchronization
import Testing

@testable import RedisAdapter

/// Servers that ignore `BLOCK`.
@Suite(.timeLimit(.minutes(1)))
struct RedisReadPacingTests {
    private static let block = Duration.seconds(5)

    @Test func `the wait doubles up to a second while reads are answered at once without entries`() {
        var pacing = RedisReadPacing(block: Self.block)
        let waits = (0..<9).map { _ in pacing.answered(isEmpty: true, after: .milliseconds(1)).wait }
        #expect(waits == [10, 20, 40, 80, 160, 320, 640, 1000, 1000].map { .milliseconds($0) })
    }

    @Test(arguments: [(false, Duration.zero), (false, Self.block), (true, Self.block), (true, Self.block - .milliseconds(2))])
    func `entries or a read that blocked reset the wait`(isEmpty: Bool, elapsed: Duration) {
        var pacing = RedisReadPacing(block: Self.block)
        for _ in 0..<4 { _ = pacing.answered(isEmpty: true, after: .zero) }
        #expect(pacing.answered(isEmpty: isEmpty, after: elapsed) == RedisReadPacing.Step())
        #expect(pacing.answered(isEmpty: true, after: .zero) == RedisReadPacing.Step(wait: .milliseconds(10)))
    }

    @Test func `the fifth such answer in a row is reported, once`() {
        var pacing = RedisReadPacing(block: Self.block)
        for _ in 0..<4 { #expect(!pacing.answered(isEmpty: true, after: .zero).reports) }
        #expect(!pacing.answered(isEmpty: false, after: .zero).reports)
        #expect(
            (0..<20).map { _ in pacing.answered(isEmpty: true, after: .zero).reports }.enumerated().filter(\.element).map(
                \.offset) == [4])
    }

    /// Answers everything but reads as a server with an empty stream does.
    private static func server(_ read: @escaping @Sendable (ScriptedRedis.Command) -> ScriptedRedis.Answer) async throws
        -> ScriptedRedis
    {
        try await ScriptedRedis.start { command in
            switch command.name {
            case "XREAD", "XREADGROUP": read(command)
            case "XGROUP": .text("-BUSYGROUP Consumer Group name already exists\r\n")
            case "XINFO": .text("-NOPERM this user has no permissions to run the 'xinfo' command\r\n")
            case "XPENDING": .text("*0\r\n")
            case "XAUTOCLAIM": .text("*2\r\n$3\r\n0-0\r\n*0\r\n")
            case "EVAL": .text(":0\r\n")
            default: .ok
            }
        }
    }

    private static let ways = [#""start":"0""#, #""start":"0","group":"g""#]

    @Test(arguments: Self.ways, ["*0\r\n", "*-1\r\n", "*1\r\n*2\r\n$1\r\ns\r\n*0\r\n"])
    func `a server that ignores BLOCK is polled slowly, with one warning`(settings: String, answer: String) async throws {
        let server = try await Self.server { _ in .text(answer) }
        let harness = try SourceHarness.stream(0, settings, url: server.url)
        let name = settings.contains("group") ? "XREADGROUP" : "XREAD"
        let warning = "Server ignores BLOCK; stream is polled instead"
        let start = ContinuousClock.now
        try await harness.run {
            try await eventually("it is reported") { !harness.log.lines(warning).isEmpty }
            try await eventually("it continues reading") { server.commands(name).count >= 7 }
        }
        let elapsed = ContinuousClock.now - start
        // The seventh read cannot come before the first six waits are over.
        #expect(elapsed >= .milliseconds(10 + 20 + 40 + 80 + 160 + 320))
        #expect(server.commands(name).count <= 7 + Int(elapsed / .milliseconds(640)))
        let lines = harness.log.lines(warning)
        #expect(lines.count == 1)
        #expect(lines.first?.level == "warning")
        #expect(lines.first?.metadata["remedy"] == "connect to Redis directly, or use a proxy that supports BLOCK")
        #expect(server.connections == 2, "the connections stay")
    }

    @Test(arguments: Self.ways)
    func `entries after empty answers are read, without a warning`(settings: String) async throws {
        let reads = Mutex(0)
        let server = try await Self.server { _ in
            switch reads.withLock({ count in
                count += 1
                return count
            }) {
            case 1...4: .text("*0\r\n")
            case 5: .text("*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$4\r\ndata\r\n$1\r\na\r\n")
            default: .nothing
            }
        }
        let harness = try SourceHarness.stream(0, settings, url: server.url)
        try await harness.run { try await eventually("the entry arrives") { harness.texts == ["a"] } }
        #expect(!harness.log.lines.contains { $0.message.contains("BLOCK") })
    }

    @Test(
        arguments: Self.ways,
        [":5\r\n", "+OK\r\n", "$1\r\ns\r\n", "*1\r\n:5\r\n", "*1\r\n*1\r\n$1\r\ns\r\n", "*1\r\n*2\r\n$1\r\ns\r\n:1\r\n"])
    func `an answer of another type ends the connection with its reason`(settings: String, answer: String) async throws {
        let server = try await Self.server { _ in .text(answer) }
        let harness = try SourceHarness.stream(0, settings, url: server.url)
        let name = settings.contains("group") ? "XREADGROUP" : "XREAD"
        let reason =
            "redis://127.0.0.1:\(server.port) answers \(name) with something other than a list of entries; "
            + "connect to a Redis server that supports streams"
        try await harness.run(untilConnected: false) {
            try await eventually("it is reported") {
                harness.log.lines("Component failed").contains { $0.metadata["error"] == reason }
            }
        }
    }

    @Test(arguments: ["1-1", "0-9", "x", ""])
    func `an entry that is not after the requested one is refused`(id: String) async throws {
        @Sendable func answer(_ id: String) -> ScriptedRedis.Answer {
            .text("*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$\(id.utf8.count)\r\n\(id)\r\n*2\r\n$4\r\ndata\r\n$1\r\na\r\n")
        }
        let server = try await Self.server { answer($0.words.last == "0" ? "1-1" : id) }
        let harness = try SourceHarness.stream(0, #""start":"0""#, url: server.url)
        try await harness.run(untilConnected: false) {
            try await eventually("it is reported") { !harness.log.lines("Component failed").isEmpty }
        }
        #expect(harness.texts == ["a"])
        let error = harness.log.lines("Component failed").first?.metadata["error"] ?? ""
        let words = RedisStreamID(id) == nil ? "which is not an entry id" : "which is not after it"
        #expect(error.hasSuffix(words), "\(error)")
    }

    @Test func `pages of claims that never end are refused`() async throws {
        let server = try await ScriptedRedis.start { command in
            switch command.name {
            case "XAUTOCLAIM": .text("*2\r\n$3\r\n5-5\r\n*0\r\n")
            case "XGROUP": .text("-BUSYGROUP Consumer Group name already exists\r\n")
            case "XINFO": .text("-NOPERM this user has no permissions to run the 'xinfo' command\r\n")
            case "XPENDING": .text("*0\r\n")
            default: .ok
            }
        }
        let harness = try SourceHarness.stream(0, #""start":"0","group":"g""#, url: server.url)
        try await harness.run(untilConnected: false) {
            try await eventually("it is reported") { !harness.log.lines("Component failed").isEmpty }
        }
        let error = harness.log.lines("Component failed").first?.metadata["error"] ?? ""
        #expect(error.hasSuffix("answers XAUTOCLAIM from 5-5 with the entry id 5-5, which is not after it"), "\(error)")
    }

    @Test(arguments: [true, false])
    func `pages of pending entries that never end are refused`(answersAcknowledgements: Bool) async throws {
        let server = try await ScriptedRedis.start { command in
            switch command.name {
            case "XACK": answersAcknowledgements ? .text(":1\r\n") : .nothing
            case "XPENDING": .text("*1\r\n*4\r\n$3\r\n1-1\r\n$2\r\nme\r\n:99999\r\n:3\r\n")
            case "XGROUP": .text("-BUSYGROUP Consumer Group name already exists\r\n")
            case "XINFO": .text("-NOPERM this user has no permissions to run the 'xinfo' command\r\n")
            case "XRANGE", "XCLAIM": .text("*0\r\n")
            default: .ok
            }
        }
        let harness = try SourceHarness.stream(0, #""start":"0","group":"g""#, url: server.url)
        try await harness.run(untilConnected: false) {
            try await eventually("it is reported") { !harness.log.lines("Component failed").isEmpty }
        }
        let error = harness.log.lines("Component failed").first?.metadata["error"] ?? ""
        #expect(error.hasSuffix("answers XPENDING from 1-2 with the entry id 1-1, which is not after it"), "\(error)")
    }
}
