import BridgeCore

/// Decides when the messages of QoS 1 that were read are acknowledged: all of them together, once everything that was read is safe.
///
/// A value without I/O, for one connection. The owner reports each batch twice: with ``read(_:)`` before it is handed on, and with
/// ``handedOn(at:)`` after. In between nothing is acknowledged.
struct MQTTAcknowledgementWindow {
    /// How many messages may wait for their acknowledgement, whatever Receive Maximum the broker assumes (MQTT 5 §3.1.2.11.3).
    static let limit = 1024

    /// How many messages were read and are not acknowledged.
    private(set) var count = 0
    /// The position that must be safe before anything is acknowledged; `nil` while a batch is being handed on.
    private var position: Position? = .start
    private var safe = Position.start

    /// Whether more messages may be read.
    var hasRoom: Bool { self.count < Self.limit }

    /// Whether messages wait that are not known to be safe yet.
    var isHeld: Bool {
        guard self.count > 0 else { return false }
        guard let position else { return true }
        return self.safe < position
    }

    /// A batch with so many messages of QoS 1 was read and is about to be handed on.
    mutating func read(_ messages: Int) {
        self.count += messages
        self.position = nil
    }

    /// Everything that was read, less what is held back on purpose, is in the log up to this position.
    mutating func handedOn(at position: Position) {
        self.position = position
    }

    /// Everything up to this position is safe.
    mutating func safe(upTo position: Position) {
        self.safe = max(self.safe, position)
    }

    /// Takes the messages that are to be acknowledged, the oldest first.
    ///
    /// - Returns: how many; 0 while ``isHeld``.
    mutating func acknowledge() -> Int {
        guard !self.isHeld else { return 0 }
        defer { self.count = 0 }
        return self.count
    }
}
