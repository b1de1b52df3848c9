import BridgeTesting
import Glibc
import Synchronization
import Testing

/// Looks at the program from outside while it is attacked: how fast `/livez` answers on a new connection, and how much memory it has.
///
/// Thread-safe. A busy machine does not count as a busy program: the time in which a thread of the program waited for a
/// processor is excluded, and a server that is not attacked is probed in the same way at the same time.
final class ProgramWatch: Sendable {
    struct Reading: Sendable {
        var probes = 0
        /// Without the time that the program waited for a processor.
        var slowest = Duration.zero
        /// The slowest answer of the server that is not attacked.
        var slowestElsewhere = Duration.zero
        var failures: [String] = []
        /// KiB.
        var peak = 0
    }

    private struct State {
        var reading = Reading()
        var isStopped = false
        var running = 2
    }

    /// Kept alive for as long as it is probed.
    private let control: HTTPPeer
    private let state = Mutex(State())

    private init(control: HTTPPeer) {
        self.control = control
    }

    /// Starts to look.
    static func start(pid: Int32, port: Int) async throws -> ProgramWatch {
        let watch = ProgramWatch(control: try await HTTPPeer.start())
        OwnThread.start {
            watch.loop {
                let memory = ProcessFigures(pid: pid)?.memory ?? 0
                let before = ProcessFigures.waits(pid: pid)
                let (duration, failure) = Self.probe(port)
                let starved = ProcessFigures.waits(pid: pid).map { $1 - (before[$0] ?? .zero) }.max() ?? .zero
                watch.state.withLock { state in
                    state.reading.probes += 1
                    state.reading.peak = max(state.reading.peak, memory)
                    state.reading.slowest = max(state.reading.slowest, duration - starved)
                    if let failure { state.reading.failures.append(failure) }
                }
            }
        }
        let port = watch.control.port
        OwnThread.start {
            watch.loop {
                let (duration, _) = Self.probe(port)
                watch.state.withLock { $0.reading.slowestElsewhere = max($0.reading.slowestElsewhere, duration) }
            }
        }
        return watch
    }

    /// Ends both threads and says what they saw.
    func stop() async throws -> Reading {
        self.state.withLock { $0.isStopped = true }
        try await eventually("the probes have ended") { self.state.withLock { $0.running == 0 } }
        return self.state.withLock { $0.reading }
    }

    private func loop(_ body: () -> Void) {
        while !self.state.withLock({ $0.isStopped }) {
            body()
            usleep(20_000)
        }
        self.state.withLock { $0.running -= 1 }
    }

    private static func probe(_ port: Int) -> (Duration, failure: String?) {
        let start = ContinuousClock.now
        guard let socket = try? AttackSocket(port: port, patience: .seconds(5)) else { return (.zero, "/livez: no connection") }
        socket.send("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        let status = socket.answer()?.status
        let duration = start.duration(to: .now)
        return (duration, status == 200 ? nil : "/livez: \(status.map { "\($0)" } ?? "no answer within 5 s")")
    }
}
