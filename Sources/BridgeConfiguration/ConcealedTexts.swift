/// Texts from outside the file, such as passwords, and what replaces them in messages.
///
/// A message is searched once for the first bytes of all texts, so the time grows with the sum of texts and messages, not their product.
struct ConcealedTexts {
    /// Shorter texts are no secrets, and replacing them would garble words.
    private static let fewestBytes = 4

    private struct Text {
        let value: String
        let written: String
    }

    /// The values by their first four bytes.
    private var texts: [UInt32: [Text]] = [:]
    private var known: Set<[String]> = []

    /// Keeps a text out of every message.
    ///
    /// - Parameter written: what replaces it in messages.
    mutating func add(_ value: String, writtenAs written: String) {
        guard value.utf8.count >= Self.fewestBytes, self.known.insert([value, written]).inserted else { return }
        var bytes = value.utf8.makeIterator()
        let beginning = (0..<Self.fewestBytes).reduce(UInt32(0)) { key, _ in key << 8 | UInt32(bytes.next() ?? 0) }
        self.texts[beginning, default: []].append(Text(value: value, written: written))
    }

    /// The message with each text replaced, the longest first.
    func redacted(_ message: String) -> String {
        guard !self.texts.isEmpty else { return message }
        var found: [Text] = []
        var seen: Set<UInt32> = []
        var key: UInt32 = 0
        for byte in message.utf8 {
            key = key << 8 | UInt32(byte)
            if let texts = self.texts[key], seen.insert(key).inserted { found += texts }
        }
        var message = message
        for text in found.sorted(by: { $0.value.utf8.count > $1.value.utf8.count }) {
            message = message.replacing(text.value, with: text.written)
        }
        return message
    }
}
