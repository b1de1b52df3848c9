import PollThread

/// How a reload ends one component: as asked, without its peer at once, and in any case after a while.
///
/// Thread-safe.
final class ComponentLeave: Sendable {
    /// How long a connected component may take to settle what is in flight.
    static let limit = Duration.seconds(2)

    private let status: ComponentStatus
    private let leavesUnconnected = Flag()
    private let isCut = Flag()
    private let ended = Eventual<Void>()

    init(_ status: ComponentStatus) {
        self.status = status
    }

    /// Runs a component until it ends, or is to leave.
    func whileStaying(_ body: @escaping @Sendable () async throws -> Void) async {
        // The wait is cancelled once the component has ended.
        try? await race(
            body,
            {
                try await self.status.signal.wait {
                    self.isCut.isSet || self.leavesUnconnected.isSet && !self.status.isConnected
                }
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
    func untilEnded() async {
        self.leaveWhenDisconnected()
        // Ends with a cancellation too, which the component handles itself.
        try? await race({ try await self.ended.value }, { try await Task.sleep(for: Self.limit) })
        self.isCut.set()
        self.status.signal.notify()
        try? await self.ended.value
    }
}
