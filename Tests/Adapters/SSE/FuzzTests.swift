import BridgeCore
import BridgeTesting
import Glibc
import NIOCore
import Testing

@testable import SSEAdapter

/// Random input: how it is cut into pieces must not matter, and nothing may crash.
///
/// `FUZZ_SECONDS` makes it run longer, each time with another seed; a failure names the seed of its case.
@Suite struct FuzzTests {
    private static var limit: ContinuousClock.Instant {
        .now + .milliseconds(getenv("FUZZ_SECONDS").flatMap { Int(String(cString: $0)) }.map { $0 * 1000 } ?? 1500)
    }

    /// SplitMix64: the same seed is the same case everywhere.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var value = self.state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }

        /// Pieces of a grammar, now and then with a byte that does not belong there.
        mutating func text(_ words: [String], _ count: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...count, using: &self) {
                bytes += Array(words.randomElement(using: &self)!.utf8)
                if Int.random(in: 0..<20, using: &self) == 0 { bytes.append(.random(in: 0...255, using: &self)) }
            }
            return bytes
        }

        mutating func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(.random(in: 1...max(1, rest.count / 2), using: &self))
                pieces.append(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            return pieces
        }
    }

    @Test func `any bytes in any pieces are the same events`() {
        let words = [
            "data", "event", "id", "retry", ":", ": ", "\n", "\r", "\r\n", "\n\n", "a", "\u{FEFF}", "\u{1F600}", "7", "\u{0}",
            " ",
            "data: x\n\n", "id: 1\r\n", "x", ": comment\n",
        ]
        var seed = UInt64.random(in: 0 ... .max)
        let limit = Self.limit
        var count = 0
        while ContinuousClock.now < limit {
            seed &+= 1
            count += 1
            var generator = Generator(state: seed)
            let bytes = generator.text(words, 40)
            let whole = SSEParserTests.parse([bytes], limit: 200)
            let cut = SSEParserTests.parse(generator.pieces(bytes), limit: 200)
            guard whole == cut else {
                Issue.record("seed \(seed): \(bytes) is \(whole) whole and \(cut) in pieces")
                return
            }
        }
        #expect(count > 100)
    }

    @Test func `any request in any pieces is the same answer, and the endpoint lives`() async throws {
        let words = [
            "GET ", "POST ", "QUERY ", "HEAD ", "/api/stream/s", "/api/stream/", "?since=", "earliest", "&priority=", "4,9",
            "&poll=1",
            "&timeout=1", "&format=json", "%2", "%00", "%23", ",", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "Host: x\r\n", "Accept: ",
            "application/json\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Last-Event-ID: e-1\r\n", "\r\n",
            "a=b",
            "GET /api/stream/s?format=json HTTP/1.1\r\nHost: x\r\n",
        ]
        try await EndpointFixture.run { endpoint in
            func answer(_ pieces: [[UInt8]]) async throws -> String {
                let connection = try RawConnection(port: endpoint.port)
                for piece in pieces {
                    // An answer may have ended the connection before the request is whole.
                    guard (try? await connection.send(piece)) != nil else { break }
                }
                connection.finishSending()
                let text = (try? await connection.receiveToEnd()) ?? ""
                return text.split(separator: "\r\n").filter { $0.hasPrefix("HTTP/") }.joined(separator: " ")
            }
            var seed = UInt64.random(in: 0 ... .max)
            let limit = Self.limit
            while ContinuousClock.now < limit {
                seed &+= 1
                var generator = Generator(state: seed)
                let bytes = generator.text(words, 10) + Array("\r\n\r\n".utf8)
                let whole = try await answer([bytes])
                let cut = try await answer(generator.pieces(bytes))
                guard whole == cut else {
                    Issue.record("seed \(seed): \(String(decoding: bytes, as: UTF8.self)) is \(whole) whole and \(cut) in pieces")
                    return
                }
            }
            let reader = try await endpoint.open()
            #expect(try await reader.cursor() == 0)
        }
    }

    @Test func `any parameters are read or refused`() throws {
        let words = [
            "since=", "last_event_id=", "10m", "earliest", "-1", "99999999999999999999", "&", "=", "%", "%41", "+", "tags=",
            "door,",
            "priority=", "4", "subject=", "a/+/b", "#", "[", "when=", ".", "streams=",
        ]
        var seed = UInt64.random(in: 0 ... .max)
        let limit = Self.limit
        while ContinuousClock.now < limit {
            seed &+= 1
            var generator = Generator(state: seed)
            let query = String(decoding: generator.text(words, 12), as: UTF8.self)
            guard let parameters = try? SSEParameters(query: query) else { continue }
            _ = SSEStart(parameters, now: .now())
            _ = try? SSEFilter.condition(parameters, compiler: nil)
            _ = try? SSEFilter(parameters, condition: nil)
            for name in parameters.list("streams") { _ = try? SSEName.pattern(name) }
        }
    }
}
