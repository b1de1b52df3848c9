import BridgeCore
import BridgeTesting
import Testing

@testable import RedisAdapter

/// A stream read without a group, against a real server.
@Suite(.timeLimit(.minutes(2)))
struct RedisStreamCursorTests {
    private static let settings = #""start":"0","block":"50ms""#

    @Test func `entries trimmed past the cursor are reported with their bounds`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let options = SourceHarness.Options()
        let first = try SourceHarness.stream(server.port, Self.settings, options: options)
        try await first.run {
            try await peer.command("XADD", "s", "1-0", "data", "a")
            try await eventually("the first has arrived") { first.recorder.count == 1 }
        }
        for id in ["2-0", "3-0", "4-0"] { try await peer.command("XADD", "s", id, "data", id) }
        try await peer.command("XTRIM", "s", "MAXLEN", "1")
        let second = try SourceHarness.stream(server.port, Self.settings, options: options)
        try await second.run {
            try await eventually("the gap and the last have arrived") { second.recorder.count == 2 }
            try await peer.add("b")
            try await eventually("the next has arrived") { second.recorder.count == 3 }
        }
        #expect(second.texts == ["4-0", "b"])
        #expect(
            second.gaps == [
                "the stream s was trimmed past what was read: entries after 1-0 (1970-01-01T00:00:00.001Z) and before "
                    + "4-0 (1970-01-01T00:00:00.004Z) may be lost"
            ]
        )
    }

    @Test func `trimming what was read is no loss`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let harness = try SourceHarness.stream(server.port, Self.settings)
        try await harness.run {
            for text in ["a", "b", "c"] {
                try await peer.add(text)
                try await eventually("\(text) has arrived") { harness.texts.last == text }
                try await peer.command("XTRIM", "s", "MAXLEN", "0")
            }
        }
        #expect(harness.texts == ["a", "b", "c"])
        #expect(harness.gaps.isEmpty)
    }

    @Test func `a server counter that wraps around does no harm`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("XADD", "s", "1-0", "data", "a")
        try await peer.command("XSETID", "s", "1-0", "ENTRIESADDED", "9223372036854775807")
        let harness = try SourceHarness.stream(server.port, Self.settings)
        try await harness.run {
            // The counter is known once the source has requested it at the stream's end.
            var statistics = ""
            try await eventually("the source has looked at the stream") {
                statistics = try await peer.command("INFO", "commandstats").text ?? ""
                return statistics.contains("cmdstat_xinfo")
            }
            for text in ["b", "c"] {
                try await peer.add(text)
                try await eventually("\(text) has arrived") { harness.texts.last == text }
                try await peer.command("XTRIM", "s", "MAXLEN", "0")
            }
        }
        #expect(harness.texts == ["a", "b", "c"])
    }

    @Test func `entries trimmed while the sink is slow are reported`() async throws {
        try await SourceHarness.expectTrimmingIsTold(Self.settings)
    }

    @Test func `a source that begins at the end resumes there after a restart`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.add("before")
        let options = SourceHarness.Options()
        try await SourceHarness.stream(server.port, #""block":"50ms""#, options: options).run {}
        try await peer.add("while away")
        let second = try SourceHarness.stream(server.port, #""block":"50ms""#, options: options)
        try await second.run { try await eventually("it has arrived") { second.recorder.count == 1 } }
        #expect(second.texts == ["while away"])
    }

    @Test func `a stream that is created again is read from its start`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let harness = try SourceHarness.stream(server.port, Self.settings)
        try await harness.run {
            try await peer.add("a")
            try await eventually("the first has arrived") { harness.recorder.count == 1 }
            try await peer.command("DEL", "s")
            try await peer.command("XADD", "s", "5-1", "data", "b")
            try await eventually("the gap and the second have arrived") { harness.recorder.count == 3 }
        }
        #expect(harness.texts == ["a", "b"])
        #expect(harness.gaps.count == 1)
        #expect(harness.gaps.first?.hasPrefix("the stream s was created again at redis://") == true)
    }
}
