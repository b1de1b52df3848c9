import BridgeCore
package import HTTPServer
package import NIOCore
import Synchronization

/// The rules of `http.access` that are in force; a reload replaces, adds or removes them.
///
/// Thread-safe. Requests are decided by the rules of the moment in which they arrive. Connections that an entry has admitted
/// which the new rules no longer have are reported to the observers; so are those that were open when rules are added.
package final class ReloadableAccess: HTTPAccess {
    private typealias Observer = @Sendable (@escaping @Sendable (UInt64) -> Bool) -> Void

    private struct State {
        var access: Access?
        var observers: [Observer] = []
    }

    private let state: Mutex<State>
    /// Whether there are rules, for every request.
    private let hasRules: Atomic<Bool>
    private let group: any EventLoopGroup
    /// Signals that the rules were replaced.
    private let signal = Signal()

    /// Makes rules that can be replaced.
    ///
    /// - Parameters:
    ///   - access: `nil` leaves everything open.
    ///   - group: completes the futures without rules.
    package init(_ access: Access?, group: any EventLoopGroup) {
        self.state = Mutex(State(access: access))
        self.hasRules = Atomic(access != nil)
        self.group = group
    }

    private var current: Access? { self.state.withLock { $0.access } }

    /// Whether there are rules.
    package var isEnforced: Bool { self.hasRules.load(ordering: .acquiring) }

    /// Replaces the rules.
    ///
    /// - Parameter access: `nil` removes them.
    package func replace(by access: Access?) {
        let observers = self.state.withLock { state in
            state.access = access
            self.hasRules.store(access != nil, ordering: .releasing)
            return state.observers
        }
        self.signal.notify()
        let valid = access?.authorities.all ?? [HTTPGrant.openAuthority]
        for observer in observers { observer { valid.contains($0) } }
    }

    /// Fetches the keys that the rules need, until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            let access = self.current
            // Ends with a cancellation too.
            try? await race(
                {
                    await access?.run()
                    try await self.untilReplaced(access)
                },
                { try await self.untilReplaced(access) })
        }
    }

    private func untilReplaced(_ access: Access?) async throws {
        try await self.signal.wait { self.current !== access }
    }

    /// See ``Access/grant(_:names:)``; without rules, everything but the names of the program itself is granted.
    package func grant(_ request: HTTPRequest, names: [String]) -> EventLoopFuture<HTTPGrant> {
        if let current { return current.grant(request, names: names) }
        let grant = HTTPGrant(subscribe: ["#"], publish: ["#"], authority: HTTPGrant.openAuthority)
        return self.group.any().makeSucceededFuture(grant)
    }

    /// See ``Access/admit(_:)``.
    package func admit(_ request: HTTPRequest) -> EventLoopFuture<Void> {
        self.current?.admit(request) ?? self.group.any().makeSucceededVoidFuture()
    }

    /// See ``Access/refused(_:)``.
    package func refused(_ request: HTTPRequest) { self.current?.refused(request) }

    /// Adds an observer.
    package func observe(_ changed: @escaping @Sendable (_ isValid: @escaping @Sendable (UInt64) -> Bool) -> Void) {
        self.state.withLock { $0.observers.append(changed) }
    }
}
