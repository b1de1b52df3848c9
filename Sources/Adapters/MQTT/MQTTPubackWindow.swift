import BridgeCore

/// Decides when to send the PUBACKs of received messages: all together, once everything received is safe.
///
/// The source's `AcknowledgePolicy` decides what is safe. A value without I/O, for one connection. The owner reports
/// each batch twice: with ``read(_:)`` before it is forwarded, and with ``forwarded(at:)`` after. In between nothing is
/// acknowledged.
struct MQTTPubackWindow {
    /// How many messages may be unacknowledged, for any Receive Maximum that the broker assumes (MQTT 5 §3.1.2.11.3).
    static let limit = 1024

    /// The number of messages read and not acknowledged.
    private(set) var count = 0
    /// The position that must be safe before anything is acknowledged; `nil` while a batch is being forwarded.
    private var position: Position? = .start
    private var safe = Position.start

    /// Whether more messages may be read.
    var hasRoom: Bool { self.count < Self.limit }

    /// Whether any read message is not known to be safe yet.
    var isHeld: Bool {
        guard self.count > 0 else { return false }
        guard let position else { return true }
        return self.safe < position
    }

    /// Records that a batch with this many messages of QoS 1 was read and is about to be forwarded.
    mutating func read(_ messages: Int) {
        self.count += messages
        self.position = nil
    }

    /// Records that all read messages, except held ones, are in the log up to this position.
    mutating func forwarded(at position: Position) {
        self.position = position
    }

    /// Everything up to this position is safe.
    mutating func safe(upTo position: Position) {
        self.safe = max(self.safe, position)
    }

    /// Returns the messages to acknowledge, the oldest first.
    ///
    /// - Returns: how many; 0 while ``isHeld``.
    mutating func acknowledge() -> Int {
        guard !self.isHeld else { return 0 }
        defer { self.count = 0 }
        return self.count
    }
}
