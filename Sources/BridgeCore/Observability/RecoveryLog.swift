package import Logging
import Synchronization

/// Logs one line when a component recovers from an outage.
///
/// An outage ends once the component has passed the step at which it failed. A sink whose disk is full can still open its
/// file, and a source without permission can still connect, but neither has recovered.
///
/// Thread-safe.
package final class RecoveryLog: Sendable {
    /// The progress of an attempt.
    package enum Step: Comparable, Sendable {
        /// The peer is reached and has accepted the login; the file is open.
        case connected
        /// The peer has done what the component is for; a line is written.
        case working
    }

    private struct State {
        /// The last step of this attempt.
        var passed: Step?
        /// The step that ends the outage; `nil` while there is none.
        var ending: Step?
    }

    private let logger: Logger
    private let message: Logger.Message
    private let key: String
    private let state = Mutex(State())
    /// True once ``Step/working`` was passed: passing it again changes nothing.
    private let isSettled = Atomic(false)

    /// Makes a log of a component that has not failed yet.
    ///
    /// - Parameters:
    ///   - message: the text of the line; a constant.
    ///   - key: what its metadata names.
    package init(_ message: Logger.Message = "Connected", key: String = "peer", logger: Logger) {
        self.message = message
        self.key = key
        self.logger = logger
    }

    /// Runs one attempt of the component and records its failure.
    ///
    /// - Throws: what `attempt` throws.
    package func track(_ attempt: () async throws -> Void) async throws {
        self.isSettled.store(false, ordering: .relaxed)
        self.state.withLock { $0.passed = nil }
        do {
            try await attempt()
        } catch {
            if !(error is CancellationError) {
                let isOutage = (error as? ComponentError)?.code.isOutage ?? false
                self.state.withLock { state in
                    // A step that has not been passed since an earlier failure is still to be passed.
                    let ending: Step = isOutage || state.passed == nil ? .connected : .working
                    state.ending = max(ending, state.ending ?? ending)
                }
            }
            throw error
        }
    }

    /// Records that the attempt has passed a step, and logs the recovery when that ends an outage.
    ///
    /// Free when ``Step/working`` was passed before; callable for each batch.
    ///
    /// - Parameter name: the peer or the path; evaluated only for a line.
    package func passed(_ step: Step, at name: @autoclosure () -> String) {
        guard !self.isSettled.load(ordering: .relaxed) else { return }
        let isRecovery = self.state.withLock { state in
            state.passed = max(step, state.passed ?? step)
            guard let ending = state.ending, step >= ending else { return false }
            state.ending = nil
            return true
        }
        if step == .working { self.isSettled.store(true, ordering: .relaxed) }
        if isRecovery { self.logger.notice(self.message, metadata: [self.key: "\(name())"]) }
    }
}
