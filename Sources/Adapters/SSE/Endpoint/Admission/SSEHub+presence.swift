import BridgeCore
import HTTPServer
import NIOCore

extension SSEHub {
    /// The settings of the presence stream: which subscribers connect and disconnect.
    ///
    /// No publisher can forge its events: sinks must not use names with this prefix.
    static func presenceSettings() throws -> SSESinkConfiguration {
        try SSESinkConfiguration(stream: SSEPresence.prefix + "{{ $subject }}")
    }

    /// Publishes a connect or disconnect to the presence streams of the connection's streams.
    ///
    /// - Parameters:
    ///   - what: `subscribe` or `unsubscribe`.
    ///   - state: evaluated only if a presence stream needs it.
    func announce(_ what: String, _ streams: [SSEStream], _ state: () -> SSEConnectionState) {
        let names = streams.filter(\.settings.presence).map { SSEPresence.prefix + $0.prefix }
        guard let presence, !names.isEmpty else { return }
        let state = state()
        let event = Event(
            id: EventID.generate(), title: what, message: state.name ?? state.address ?? "anonymous", priority: nil, tags: [],
            timestamp: .now(), payload: ByteBuffer(string: state.json), source: "presence", subject: what,
            attributes: Attributes(), raw: ByteBuffer(), limits: EventLimits()
        )
        self.home.execute { self.publish(event, names, to: presence) }
    }

    private func publish(_ event: Event, _ names: [String], to presence: SSEStream) {
        guard !self.isFinished else { return }
        if self.whenReserved({ self.publish(event, names, to: presence) }) { return }
        self.publish(Array(repeating: event, count: names.count), SSELabels(names: names), to: presence)
    }
}
