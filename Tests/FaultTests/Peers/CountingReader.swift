import BridgeTesting

/// Reads what the program delivers, independently of it, and connects again whenever it must.
protocol CountingReader: Sendable {
    /// Every copy so far, in order of arrival.
    var arrivals: [Reconciliation.Arrival] { get }
    /// How many gaps it received.
    var gaps: Int { get }
    /// Whether it would get what is delivered now.
    var isListening: Bool { get }

    /// Reads until it is cancelled.
    func read() async throws
    /// Waits until everything that was delivered has arrived; to be called once the program has ended.
    func finish() async throws
}

extension CountingReader {
    /// How many different messages have arrived.
    var count: Int { Set(self.arrivals.map(\.text)).count }
}
