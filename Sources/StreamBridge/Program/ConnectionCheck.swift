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

    /// What one probe found.
    struct Result: Sendable, Equatable {
        /// How it ended.
        enum Verdict: String, Sendable {
            /// The peer can be used.
            case ok
            /// The peer cannot be used.
            case failed
            /// The adapter has no probe.
            case notProbed = "not probed"
        }

        let verdict: Verdict
        /// The place in the file, such as `sources.home`.
        let component: String
        /// What was tried, and what was found.
        let message: String

        /// The failure as a mistake of the file; `nil` where there is none.
        func diagnostic(of file: String) -> Diagnostic? {
            guard self.verdict == .failed else { return nil }
            return Diagnostic(severity: .error, rule: .connection, file: file, path: self.component, message: self.message)
        }

        /// One line for people.
        var line: String {
            let padding = String(repeating: " ", count: max(1, 11 - self.verdict.rawValue.count))
            return "\(self.verdict.rawValue)\(padding)\(self.component): \(self.message)"
        }
    }

    /// Settings to try, with their place in the file.
    private struct Candidate {
        let component: String
        let settings: any ComponentConfiguration
        let redaction: Redaction
    }

    /// Tries all of them.
    ///
    /// - Returns: in the order of the file. Components without a peer, such as webhook sources, are left out.
    /// - Throws: `CancellationError`.
    func results() async throws -> [Result] {
        let shared = SharedServices()
        shared.add(CurlMulti())
        let context = ProbeContext(group: MultiThreadedEventLoopGroup.singleton, shared: shared, timeout: self.timeout)
        let candidates = self.candidates
        var found: [Int: Result] = [:]
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            for (index, candidate) in candidates.enumerated() {
                if index >= Self.concurrency, let (done, result) = try await group.next() { found[done] = result }
                group.addTask { (index, await Self.probe(candidate, context)) }
            }
            for try await (index, result) in group { found[index] = result }
        }
        try Task.checkCancellation()
        return candidates.indices.compactMap { found[$0] }
    }

    private var candidates: [Candidate] {
        func candidate(_ component: String, _ settings: any ComponentConfiguration) -> Candidate {
            Candidate(
                component: component, settings: settings,
                redaction: Redaction([settings.secrets], references: self.plan.references))
        }
        // What only listens has no peer; its address is a matter of `http.listen`.
        let listeners: Set<String> = ["webhook source", "sse sink"]
        return self.plan.sources.filter { !listeners.contains("\($0.registration.kind) source") }.map {
            candidate("sources.\($0.name)", $0.settings)
        }
            + self.plan.sinks.filter { !listeners.contains("\($0.registration.kind) sink") }.map {
                candidate("sinks.\($0.name)", $0.variants[0])
            }
    }

    private static func probe(_ candidate: Candidate, _ context: ProbeContext) async -> Result {
        guard let settings = candidate.settings as? any ProbingConfiguration else {
            return Result(verdict: .notProbed, component: candidate.component, message: "its adapter has no probe")
        }
        let address = settings.probedAddress
        let message: String
        var verdict = Result.Verdict.failed
        do {
            let found = try await self.within(context.timeout) { try await settings.probe(context) }
            verdict = .ok
            message = "\(address) \(found)"
        } catch is CancellationError {
            message = "\(address) did not answer within \(context.timeout); check address and firewall, or raise --timeout"
        } catch {
            message = "\(error)"
        }
        return Result(
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
