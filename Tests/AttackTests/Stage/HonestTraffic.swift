import BridgeTesting
import Glibc
import Synchronization
import Testing

/// A sender and a reader that do nothing wrong: each event that is posted must reach the reader, before the next one is posted.
///
/// Thread-safe. Runs on its own thread, over two connections that stay open.
final class HonestTraffic: Sendable {
    static let token = "honest"
    private static let patience = Duration.seconds(10)

    private struct State {
        var count = 0
        var failure: String?
        var isStopped = false
        var hasEnded = false
    }

    private let state = Mutex(State())

    /// Connects and starts to post.
    static func start(port: Int) async throws -> HonestTraffic {
        let traffic = HonestTraffic()
        let (sender, reader) = try await OwnThread.run {
            let sender = try AttackSocket(port: port, patience: Self.patience)
            let reader = try AttackSocket(port: port, patience: Self.patience)
            reader.send("GET /api/stream/honest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(Self.token)\r\n\r\n")
            let opening = reader.receive { $0.count > 16 && String(decoding: $0, as: UTF8.self).contains("\r\n\r\n") }
            guard opening.starts(with: "HTTP/1.1 200".utf8) else {
                throw PeerError("the honest stream was refused: \(String(decoding: opening, as: UTF8.self))")
            }
            return (sender, reader)
        }
        // The source may be a moment later than the server.
        try await eventually("the first honest event arrives") {
            guard let failure = try await OwnThread.run({ Self.send(0, sender, reader) }) else { return true }
            guard failure.contains("503") else { throw PeerError(failure) }
            return false
        }
        OwnThread.start {
            var number = 0
            while !traffic.isStopped {
                number += 1
                if let failure = Self.send(number, sender, reader) {
                    traffic.state.withLock { $0.failure = failure }
                    break
                }
                traffic.state.withLock { $0.count = number }
                usleep(20_000)
            }
            traffic.state.withLock { $0.hasEnded = true }
        }
        return traffic
    }

    /// Posts one event and waits until it has arrived.
    ///
    /// - Returns: what went wrong.
    private static func send(_ number: Int, _ sender: AttackSocket, _ reader: AttackSocket) -> String? {
        let text = "honest \(number) end"
        sender.send(
            "POST /n/honest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(self.token)\r\nContent-Type: text/plain\r\n"
                + "Content-Length: \(text.utf8.count)\r\n\r\n\(text)"
        )
        guard let answer = sender.answer() else { return "honest event \(number) was not answered within \(self.patience)" }
        guard answer.status == 201 else { return "honest event \(number) was answered with \(answer.status): \(answer.body)" }
        let received = reader.receive { String(decoding: $0, as: UTF8.self).contains(text) }
        guard String(decoding: received, as: UTF8.self).contains(text) else {
            return "honest event \(number) did not arrive within \(self.patience)"
        }
        return nil
    }

    /// How many events have arrived.
    var count: Int { self.state.withLock { $0.count } }
    /// Why no more are sent.
    var failure: String? { self.state.withLock { $0.failure } }

    private var isStopped: Bool { self.state.withLock { $0.isStopped } }

    /// Waits until a few more events have arrived.
    ///
    /// - Returns: whether they have.
    func advances(by more: Int = 3) async -> Bool {
        let goal = self.count + more
        _ = await holds(within: Self.patience * 2) { self.count >= goal || self.failure != nil }
        return self.count >= goal
    }

    /// Sends no more, and waits for the last one.
    func stop() async {
        self.state.withLock { $0.isStopped = true }
        _ = await holds(within: Self.patience * 2) { self.state.withLock { $0.hasEnded } }
    }
}
