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

    /// Something to try, with its place in the file.
    private struct Candidate {
        let component: String
        let redaction: Redaction
        /// `nil` for an adapter without a probe.
        let probe: ServiceProbes.Probe?
    }

    /// Tries all of them.
    ///
    /// - Returns: the program's own, then those of sources and sinks in the order of the file. Components without a peer, such as webhook sources, are left out.
    /// - Throws: `CancellationError`.
    func results() async throws -> [ProbeResult] {
        let shared = SharedServices()
        shared.add(CurlMulti())
        let context = ProbeContext(
            group: MultiThreadedEventLoopGroup.singleton, shared: shared, timeout: self.timeout + .milliseconds(500))
        let candidates = self.candidates
        var found: [Int: ProbeResult] = [:]
        try await withThrowingTaskGroup(of: (Int, ProbeResult).self) { group in
            for (index, candidate) in candidates.enumerated() {
                if index >= Self.concurrency, let (done, result) = try await group.next() { found[done] = result }
                group.addTask { (index, await self.probe(candidate, context)) }
            }
            for try await (index, result) in group { found[index] = result }
        }
        try Task.checkCancellation()
        return candidates.indices.compactMap { found[$0] }
    }

    private var candidates: [Candidate] {
        func candidate(_ component: String, _ settings: any ComponentConfiguration) -> Candidate {
            let probing = settings as? any ProbingConfiguration
            return Candidate(
                component: component, redaction: Redaction([settings.secrets], references: self.plan.references),
                probe: probing.map { probing in
                    ServiceProbes.Probe(component: component, address: probing.probedAddress) { try await probing.probe($0) }
                })
        }
        // What only listens has no peer; its address is that of `http.listen`.
        let listeners: Set<String> = ["webhook source", "sse sink"]
        let own = ServiceProbes(plan: self.plan).all.map {
            Candidate(component: $0.component, redaction: Redaction([], references: self.plan.references), probe: $0)
        }
        let sources = self.plan.sources.filter { !listeners.contains("\($0.registration.kind) source") }
        let sinks = self.plan.sinks.filter { !listeners.contains("\($0.registration.kind) sink") }
        return own + sources.map { candidate("sources.\($0.name)", $0.settings) }
            + sinks.map { candidate("sinks.\($0.name)", $0.variants[0]) }
    }

    private func probe(_ candidate: Candidate, _ context: ProbeContext) async -> ProbeResult {
        guard let probe = candidate.probe else {
            return ProbeResult(verdict: .notProbed, component: candidate.component, message: "its adapter has no probe")
        }
        let address = probe.address
        let message: String
        var verdict = ProbeResult.Verdict.failed
        do {
            let found = try await Self.within(self.timeout) { try await probe.run(context) }
            verdict = .ok
            message = "\(address) \(found)"
        } catch is CancellationError {
            let limit = "\(self.timeout.components.seconds) s"
            message = "\(address) did not answer within \(limit); \(PeerRemedy.silent), or raise --timeout"
        } catch {
            message = "\(error)"
        }
        return ProbeResult(
            verdict: verdict, component: candidate.component,
            message: SafeText.sentence(candidate.redaction.redacted(message, isCut: false)))
    }

    /// Cancels the body after the time limit.
    ///
    /// - Throws: what the body throws; `CancellationError` when the time is up.
    private static func within(_ limit: Duration, _ body: @escaping @Sendable () async throws -> String) async throws -> String {
        try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let found = try await group.next(), let text = found else { throw CancellationError() }
            return text
        }
    }
}
