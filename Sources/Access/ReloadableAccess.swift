import BridgeCore
package import HTTPServer
package import NIOCore
import Synchronization

/// The rules of `http.access` that are in force; a reload replaces them.
///
/// Thread-safe. Requests are decided by the rules of the moment in which they arrive. Connections that an entry has admitted
/// which the new rules no longer have are reported to the observers.
package final class ReloadableAccess: HTTPAccess {
    private typealias Observer = @Sendable (@escaping @Sendable (UInt64) -> Bool) -> Void

    private struct State {
        var access: Access
        var observers: [Observer] = []
    }

    private let state: Mutex<State>
    /// Signals that the rules were replaced.
    private let signal = Signal()

    /// Makes rules that can be replaced.
    package init(_ access: Access) {
        self.state = Mutex(State(access: access))
    }

    private var current: Access { self.state.withLock { $0.access } }

    /// Replaces the rules.
    package func replace(by access: Access) {
        let observers = self.state.withLock { state in
            state.access = access
            return state.observers
        }
        self.signal.notify()
        let valid = access.authorities.all
        for observer in observers { observer { valid.contains($0) } }
    }

    /// Fetches the keys that the rules need, until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            let access = self.current
            // Ends with a cancellation too.
            try? await race(
                {
                    await access.run()
                    try await self.untilReplaced(access)
                },
                { try await self.untilReplaced(access) })
        }
    }

    private func untilReplaced(_ access: Access) async throws {
        try await self.signal.wait { self.current !== access }
    }

    /// See ``Access/grant(_:names:)``.
    package func grant(_ request: HTTPRequest, names: [String]) -> EventLoopFuture<HTTPGrant> {
        self.current.grant(request, names: names)
    }

    /// See ``Access/admit(_:)``.
    package func admit(_ request: HTTPRequest) -> EventLoopFuture<Void> { self.current.admit(request) }

    /// See ``Access/refused(_:)``.
    package func refused(_ request: HTTPRequest) { self.current.refused(request) }

    /// Adds an observer.
    package func observe(_ changed: @escaping @Sendable (_ isValid: @escaping @Sendable (UInt64) -> Bool) -> Void) {
        self.state.withLock { $0.observers.append(changed) }
    }
}
