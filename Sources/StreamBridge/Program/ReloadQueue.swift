import BridgeCore
import Synchronization

/// Requests for a reload, one after the other.
///
/// A signal or a changed file while a reload runs causes one more after it; a request that waits for an answer is refused
/// then. Thread-safe.
final class ReloadQueue: Sendable {
    /// Why the file is read again.
    enum Cause: String, Sendable {
        case signal
        case file
        case request
    }

    /// One reload.
    struct Request: Sendable {
        let cause: Cause
        /// Receives the result; once.
        let answer: (@Sendable (ReloadResult) -> Void)?
    }

    private struct State {
        var next: Request?
        var isRunning = false
        var isFinished = false
    }

    private enum Step {
        case reload(Request)
        case end
    }

    private let state = Mutex(State())
    private let signal = Signal()

    /// Requests a reload that nobody waits for.
    func ask(_ cause: Cause) {
        self.state.withLock { state in
            if state.next == nil { state.next = Request(cause: cause, answer: nil) }
        }
        self.signal.notify()
    }

    /// Requests a reload, unless another one runs or waits.
    ///
    /// - Returns: whether `answer` will be called.
    func ask(answer: @escaping @Sendable (ReloadResult) -> Void) -> Bool {
        let isTaken = self.state.withLock { state in
            guard state.next == nil, !state.isRunning else { return false }
            state.next = Request(cause: .request) { result in
                // Who has the answer may ask again at once.
                self.state.withLock { $0.isRunning = false }
                answer(result)
            }
            return true
        }
        if isTaken { self.signal.notify() }
        return isTaken
    }

    /// Runs the reloads that are requested, until ``finish()``; one that has begun is completed.
    func run(_ reload: (Request) async -> Void) async {
        while case .reload(let request)? = try? await self.signal.wait(for: { self.begin() }) {
            await reload(request)
            self.state.withLock { $0.isRunning = false }
        }
    }

    /// Ends ``run(_:)``.
    func finish() {
        self.state.withLock { $0.isFinished = true }
        self.signal.notify()
    }

    private func begin() -> Step? {
        self.state.withLock { state in
            guard !state.isFinished else { return .end }
            guard let next = state.next else { return nil }
            state.next = nil
            state.isRunning = true
            return .reload(next)
        }
    }
}
