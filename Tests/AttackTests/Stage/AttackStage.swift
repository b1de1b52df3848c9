import BridgeTesting
import Glibc
import Synchronization

/// The running program with regular traffic during the attack, and the failures meanwhile.
///
/// Thread-safe.
final class AttackStage: Sendable {
    /// How long `/livez` may take.
    static let patience = Duration.milliseconds(200)
    /// How much more memory than idle an attack may cost, in KiB, unless the documentation allows more.
    static let memory = 64 << 10
    /// How many more descriptors than idle may stay open: connections to peers that are kept, and what is opened with the first of them.
    static let descriptors = 8

    private struct Parts {
        let bridge: BridgeProcess
        let traffic: HonestTraffic
        let watch: ProgramWatch
        let idle: ProcessFigures
    }

    private struct State {
        var parts: Parts?
        var complaints: [String] = []
        var notes: [String] = []
        var probesNewConnections = true
        var memory = AttackStage.memory
    }

    private let state = Mutex(State())

    /// How many times as much an attack sends.
    var scale: Int { AttackSettings.scale }

    /// Starts the program with these components in addition to the regular ones.
    ///
    /// - Parameters:
    ///   - sources: `NAME: { … }` each, as are `sinks`.
    ///   - routes: `{ … }` each.
    ///   - http: further keys of `http`, in one line.
    ///   - wrapper: a command that becomes the program.
    ///   - memory: how much more memory than idle the attack may cost, in KiB.
    ///   - answersNewConnections: false where the attack takes the means to answer any.
    @discardableResult
    func start(
        sources: [String] = [], sinks: [String] = [], routes: [String] = [], http: String = "", wrapper: [String] = [],
        memory: Int = AttackStage.memory, answersNewConnections: Bool = true
    ) async throws -> BridgeProcess {
        let token = HonestTraffic.token
        let sources = sources + ["honest: { type: webhook, id: honest, token: \(token) }"]
        let sinks = sinks + ["honest: { type: sse, stream: honest, token: \(token), replay: { events: 10 } }"]
        let routes = routes + ["{ from: [honest], to: [honest] }"]
        let yaml =
            "defaults: { source: { retry: { initial: 50ms, max: 1s } }, sink: { retry: { initial: 50ms, max: 1s } } }\n"
            + "sources:\n" + sources.map { "  \($0)\n" }.joined() + "sinks:\n" + sinks.map { "  \($0)\n" }.joined() + "routes:\n"
            + routes.map { "  - \($0)\n" }.joined()
        let bridge = try await BridgeProcess.start(
            yaml, http: http, drain: "1s", wrapper: wrapper, waitingForReadiness: false)
        let traffic = try await HonestTraffic.start(port: bridge.port)
        guard await traffic.advances() else { throw PeerError(traffic.failure ?? "honest events did not flow before the attack") }
        guard let idle = ProcessFigures(pid: bridge.process.pid) else { throw PeerError("the program ended before the attack") }
        let watch = try await ProgramWatch.start(pid: bridge.process.pid, port: bridge.port)
        self.state.withLock { state in
            state.parts = Parts(bridge: bridge, traffic: traffic, watch: watch, idle: idle)
            state.probesNewConnections = answersNewConnections
            state.memory = memory
        }
        return bridge
    }

    /// Reports what must not be.
    func complain(_ text: String) {
        // The first ones are enough.
        self.state.withLock { if $0.complaints.count < 5 { $0.complaints.append(String(text.prefix(500))) } }
    }

    /// Reports what must not be when a condition does not hold.
    func expect(_ condition: Bool, _ complaint: @autoclosure () -> String) {
        if !condition { self.complain(complaint()) }
    }

    /// Adds a figure to the table.
    func note(_ text: String) {
        self.state.withLock { $0.notes.append(text) }
    }

    /// Waits until honest events have gone through again, so that what was sent before has been handled.
    func settle() async {
        guard let traffic = self.state.withLock({ $0.parts?.traffic }) else { return }
        if !(await traffic.advances()) { self.complain(traffic.failure ?? "honest events stopped") }
    }

    /// Looks at the program after the attack and ends it.
    func finish() async -> AttackOutcome {
        guard let parts = self.state.withLock({ $0.parts }) else { return self.outcome(.init(), nil) }
        await self.settle()
        let (process, idle) = (parts.bridge.process, parts.idle)
        let reading = (try? await parts.watch.stop()) ?? ProgramWatch.Reading()
        if let ending = process.ended {
            self.complain("the program ended with \(ending)")
            await parts.traffic.stop()
            return self.outcome(reading, parts)
        }
        if self.state.withLock({ $0.probesNewConnections }) {
            if let failure = reading.failures.first {
                self.complain("\(failure) (\(reading.failures.count) of \(reading.probes) probes)")
            }
            self.expect(
                reading.slowest <= Self.patience + reading.slowestElsewhere,
                "/livez took \(reading.slowest), another server at the same time \(reading.slowestElsewhere)"
            )
        }
        self.expect(reading.probes > 0, "nothing was probed")
        self.expect(
            reading.peak <= idle.memory + self.state.withLock { $0.memory },
            "memory rose from \(idle.memory / 1024) to \(reading.peak / 1024) MiB"
        )
        var now = ProcessFigures(pid: process.pid)
        _ = await holds(within: .seconds(15)) {
            now = ProcessFigures(pid: process.pid)
            return (now?.descriptors ?? 0) <= idle.descriptors + Self.descriptors
        }
        self.expect(
            (now?.descriptors ?? 0) <= idle.descriptors + Self.descriptors,
            "descriptors rose from \(idle.descriptors) to \(now?.descriptors ?? 0) and stayed"
        )
        await parts.traffic.stop()
        let ending = try? await parts.bridge.stop(within: .seconds(20))
        // With a peer that takes nothing, events may be left: that is 1.
        self.expect(
            [.exited(0), .exited(1)].contains(ending), "the program ended with \(ending.map { "\($0)" } ?? "nothing within 20 s")"
        )
        return self.outcome(reading, parts)
    }

    private func outcome(_ reading: ProgramWatch.Reading, _ parts: Parts?) -> AttackOutcome {
        self.state.withLock { state in
            AttackOutcome(
                complaints: state.complaints, notes: state.notes, slowestProbe: reading.slowest,
                growth: reading.peak - (parts?.idle.memory ?? 0), honestEvents: parts?.traffic.count ?? 0,
                log: String(decoding: Array((parts?.bridge.log ?? "").utf8.suffix(3000)), as: UTF8.self)
            )
        }
    }
}
