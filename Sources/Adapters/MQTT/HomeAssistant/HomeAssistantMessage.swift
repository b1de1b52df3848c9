import NIOCore

/// A message to Home Assistant.
struct HomeAssistantMessage: Sendable, Equatable {
    let topic: String
    /// Empty to remove a retained message.
    let payload: ByteBuffer
    let isRetained: Bool

    init(_ topic: String, _ payload: ByteBuffer, isRetained: Bool = true) {
        self.topic = topic
        self.payload = payload
        self.isRetained = isRetained
    }

    init(_ topic: String, _ text: String, isRetained: Bool = true) {
        self.init(topic, ByteBuffer(string: text), isRetained: isRetained)
    }

    /// The removal of a retained message.
    static func removal(of topic: String) -> Self { Self(topic, ByteBuffer()) }
}
