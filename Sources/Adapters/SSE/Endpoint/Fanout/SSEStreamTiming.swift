/// The intervals and limits of a view: the strictest of its streams.
struct SSEStreamTiming: Sendable {
    let heartbeat: Duration
    let reconnect: Duration
    let slow: SSESinkConfiguration.SlowClient
    /// Ticks in one heartbeat; at least 16.
    let heartbeatTicks: UInt32
    /// Ticks without progress after which a subscriber is disconnected.
    let stallTicks: UInt32
    /// Approximate lifetime of a connection in ticks; 0 means no limit.
    let ageTicks: UInt32
    let tick: Duration

    /// - Parameter settings: those of one or more streams.
    init(_ settings: [SSESinkConfiguration]) {
        var slow = settings[0].slowClient
        for other in settings.dropFirst() {
            slow.bytes = min(slow.bytes, other.slowClient.bytes)
            slow.stall = min(slow.stall, other.slowClient.stall)
            slow.dead = min(slow.dead, other.slowClient.dead)
        }
        self.slow = slow
        self.heartbeat = settings.map(\.heartbeat).min() ?? .seconds(15)
        self.reconnect = settings.map(\.reconnect).max() ?? .seconds(2)
        self.tick = min(self.heartbeat / 16, slow.stall / 4)
        self.heartbeatTicks = Self.ticks(self.heartbeat, self.tick)
        self.ageTicks = settings.compactMap(\.maxAge).min().map { [tick = self.tick] in Self.ticks($0, tick) } ?? 0
        self.stallTicks = Self.ticks(slow.stall, self.tick)
    }

    /// A random lifetime in ticks, so that connections that began together do not end together; `nil` means no limit.
    func randomAge() -> UInt32? {
        let age = self.ageTicks
        return age == 0 ? nil : .random(in: (age - age / 5)...(age + age / 5))
    }

    private static func ticks(_ span: Duration, _ length: Duration) -> UInt32 {
        UInt32(min(1e9, (span / length).rounded(.up)))
    }
}
