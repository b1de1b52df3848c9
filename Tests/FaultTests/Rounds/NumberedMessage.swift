import NIOCore

/// One message of a round: the key whose order counts, and its number under that key, from 0.
struct NumberedMessage: Hashable, Sendable {
    let key: String
    let number: Int

    init(key: String, number: Int) {
        self.key = key
        self.number = number
    }

    /// Reads the text of a message, or nothing when it is none of ours.
    init?(text: String) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let number = Int(parts[1]) else { return nil }
        self.init(key: String(parts[0]), number: number)
    }

    var text: String { "\(self.key)/\(self.number)" }
    /// The id that it is published with, and that every copy of it must bear.
    var id: String { "\(self.key)-\(self.number)" }

    /// The model's own JSON with an id and a time, so that the program recognises a copy of it by both.
    var json: ByteBuffer {
        ByteBuffer(string: #"{"id":"\#(self.id)","message":"\#(self.text)","timestamp":"2026-01-01T00:00:00.000Z"}"#)
    }
}
