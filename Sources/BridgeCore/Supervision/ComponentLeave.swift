import PollThread

/// How a reload ends one component: as asked, without its peer at once, and in any case after a while.
///
/// Thread-safe.
final class ComponentLeave: Sendable {
    /// How long a connected component may take to settle what is in flight.
    static let limit = Duration.seconds(2)

    private let status: ComponentStatus
    private let settlesUnconnected: Bool
    private let limit: Duration
    private let leavesUnconnected = Flag()
    private let isCut = Flag()
    private let ended = Eventual<Void>()

    /// - Parameter settlesUnconnected: whether a component that has transferred events settles them even before it counts
    ///   as connected: a source may receive messages before all of its requests are answered.
    init(_ status: ComponentStatus, settlesUnconnected: Bool = false, limit: Duration = ComponentLeave.limit) {
        self.status = status
        self.settlesUnconnected = settlesUnconnected
        self.limit = limit
    }

    private var mustEnd: Bool {
        if self.isCut.isSet { return true }
        guard self.leavesUnconnected.isSet, !self.status.isConnected else { return false }
        return !(self.settlesUnconnected && self.status.hasProgressed)
    }

    /// Runs a component until it ends, or is to leave.
    func whileStaying(_ body: @escaping @Sendable () async throws -> Void) async {
        // The wait is cancelled once the component has ended.
        try? await race(
            body,
            {
                try await self.status.signal.wait { self.mustEnd }
            }
        )
    }

    /// Makes ``whileStaying(_:)`` end as soon as the component is not connected.
    func leaveWhenDisconnected() {
        self.leavesUnconnected.set()
        self.status.signal.notify()
    }

    /// Records that the component has ended.
    func end() {
        self.ended.finish()
    }

    /// Waits until the component has ended; after ``limit`` it is cancelled.
    ///
    /// - Parameter hurry: cancels it earlier; `nil` for never.
    func untilEnded(hurry: Eventual<Void>? = nil) async {
        self.leaveWhenDisconnected()
        // Ends with a cancellation too, which the component handles itself.
        try? await race(
            { try await self.ended.value },
            {
                guard let hurry else { return try await Task.sleep(for: self.limit) }
                try await race({ try await hurry.value }, { try await Task.sleep(for: self.limit) })
            }
        )
        self.isCut.set()
        self.status.signal.notify()
        try? await self.ended.value
    }
}
