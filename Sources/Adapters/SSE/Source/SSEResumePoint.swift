/// A position in a stream to resume from.
struct SSEResumePoint: Sendable, Equatable {
    /// The value of `Last-Event-ID`; empty when there is none.
    let id: String
    /// A hash of all events up to here; see ``SSEReading/repeatKey(of:after:)``.
    let past: UInt64

    init(id: String, past: UInt64) {
        self.id = id
        self.past = past
    }

    /// Parses the stored text; `nil` if it belongs to another stream.
    ///
    /// Earlier versions stored the id alone. No id contains a line break.
    init?(_ text: String, stream: UInt64) {
        guard let end = text.utf8.firstIndex(of: UInt8(ascii: "\n")) else {
            self.init(id: text, past: stream)
            return
        }
        let head = text[..<end].split(separator: " ").compactMap { UInt64($0, radix: 16) }
        guard head.count == 2, head[0] == stream else { return nil }
        self.init(id: String(text[text.utf8.index(after: end)...]), past: head[1])
    }

    /// The stored text: a line for the stream and the past, then the id.
    func text(stream: UInt64) -> String {
        "\(String(stream, radix: 16)) \(String(self.past, radix: 16))\n\(self.id)"
    }
}
