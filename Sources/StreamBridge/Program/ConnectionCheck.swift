import BridgeConfiguration
import BridgeCore
import Curl
import NIOCore
import NIOPosix

/// Tries every peer that a file names, several at once.
struct ConnectionCheck {
    /// How many are tried at once.
    static let concurrency = 16

    let plan: BridgePlan
    /// The limit of each.
    let timeout: Duration

    /// Tries all of them.
    ///
    /// - Returns: the program's own, then those of sources and sinks in the order of the file. Components without a peer, such as webhook sources, are left out.
    /// - Throws: `CancellationError`.
    func results() async throws -> [ProbeResult] {
        let shared = SharedServices()
        shared.add(CurlMulti())
        let context = ProbeContext(
            group: MultiThreadedEventLoopGroup.singleton, shared: shared, timeout: self.timeout + .milliseconds(500))
        let probes = self.probes
        var found: [Int: ProbeResult] = [:]
        try await withThrowingTaskGroup(of: (Int, ProbeResult).self) { group in
            for (index, probe) in probes.enumerated() {
                if index >= Self.concurrency, let (done, result) = try await group.next() { found[done] = result }
                group.addTask { (index, await self.result(of: probe, context)) }
            }
            for try await (index, result) in group { found[index] = result }
        }
        try Task.checkCancellation()
        return probes.indices.compactMap { found[$0] }
    }

    private var probes: [ServiceProbes.Probe] {
        func probe(_ component: String, _ settings: any ComponentConfiguration) -> ServiceProbes.Probe {
            let redaction = Redaction([settings.secrets], references: self.plan.references)
            guard let settings = settings as? any ProbingConfiguration else {
                return ServiceProbes.Probe(component: component, address: "", redaction: redaction, run: nil)
            }
            return ServiceProbes.Probe(component: component, address: settings.probedAddress, redaction: redaction) {
                try await settings.probe($0)
            }
        }
        // What only listens has no peer; its address is that of `http.listen`.
        let listeners: Set<String> = ["webhook source", "sse sink"]
        let sources = self.plan.sources.filter { !listeners.contains("\($0.registration.kind) source") }
        let sinks = self.plan.sinks.filter { !listeners.contains("\($0.registration.kind) sink") }
        return ServiceProbes(plan: self.plan).all + sources.map { probe("sources.\($0.name)", $0.settings) }
            + sinks.map { probe("sinks.\($0.name)", $0.variants[0]) }
    }

    private func result(of probe: ServiceProbes.Probe, _ context: ProbeContext) async -> ProbeResult {
        guard let run = probe.run else {
            return ProbeResult(verdict: .notProbed, component: probe.component, message: "its adapter has no probe")
        }
        let message: String
        var verdict = ProbeResult.Verdict.failed
        do {
            // The time limit cancels the probe.
            let found = try await race(
                { try await run(context) },
                { [timeout] in
                    try await Task.sleep(for: timeout)
                    throw CancellationError()
                })
            verdict = .ok
            message = "\(probe.address) \(found)"
        } catch is CancellationError {
            let limit = "\(self.timeout.components.seconds) s"
            message = "\(probe.address) did not answer within \(limit); \(PeerRemedy.silent), or raise --timeout"
        } catch {
            message = "\(error)"
        }
        return ProbeResult(
            verdict: verdict, component: probe.component,
            message: SafeText.sentence(probe.redaction.redacted(message, isCut: false)))
    }
}
