import JSON
import NIOCore

/// Opens what a message is packed in before it is read: `decode`, `root` and `split` of `normalise`.
///
/// What does not apply to a message is a ``FieldFailure``, and the message is read as if that key were not there. Not thread-safe: it
/// parses with one parser.
final class MessageUnpacker {
    /// A list with more items is read as one message.
    static let mostParts = 1000

    /// A message as it is read: a whole one, or an item of its list.
    struct Part {
        var message: ReceivedMessage
        var failures: [FieldFailure] = []
        /// Whether the list of the message has no items.
        var isEmpty = false
    }

    private let decode: [BodyDecoding]
    private let root: MessageRoot?
    private let split: EventPath?
    /// What messages call the keys.
    private let names: [String: String]
    /// Whether bodies are decoded as they were sent, whatever their source has made of them.
    private let decodesOriginal: Bool
    private let parser = JSONParser()

    /// `nil` when the settings open nothing.
    init?(_ settings: NormaliseSettings, decodesOriginal: Bool = false) {
        guard settings.opening != .nothing else { return nil }
        self.decodesOriginal = decodesOriginal
        self.decode = settings.decode
        self.root = settings.root
        self.split = settings.split
        let keys = ["decode", "root", "split"]
        self.names = Dictionary(uniqueKeysWithValues: keys.map { ($0, settings.name(of: $0)) })
    }

    private func failure(_ field: String, _ reason: String) -> FieldFailure {
        FieldFailure(field: self.names[field] ?? field, reason: reason)
    }

    /// The message with its body decoded, and of that the part that is the payload.
    func open(_ message: ReceivedMessage) -> Part {
        var part = Part(message: message)
        if self.decodesOriginal, !self.decode.isEmpty, let original = message.original {
            part.message.body = original
            part.message.contentType = nil
        }
        if !self.decode.isEmpty, message.body.readableBytes > 0 { self.decodeBody(of: &part, by: self.decode, "decode") }
        if let root, let document = self.document(of: part.message) {
            if let value = document.value(at: root.path.steps) {
                // A text is a body of its own, which may be JSON.
                let text = self.text(value)
                self.replaceBody(of: &part.message, by: text ?? value, contentType: text == nil ? "application/json" : nil)
                if !root.decode.isEmpty { self.decodeBody(of: &part, by: root.decode, "root") }
            } else {
                part.failures.append(self.failure("root", "the payload has no such member"))
            }
        }
        return part
    }

    /// The items of an opened message, in order; the message itself where nothing splits it.
    ///
    /// Each has an id of its own: that of the message, where it has one, and the place in the list. What recognises a message that the peer
    /// sends again is with the last item, so that none is lost when only some of them got into the log.
    func parts(of opened: Part) -> [Part] {
        guard let split, let list = self.document(of: opened.message)?.value(at: split.steps) else { return [opened] }
        var whole = opened
        guard let items = JSONScanner.items(of: list, atMost: Self.mostParts + 1) else {
            // A sender of lists may well send one item alone.
            if !list.isNull, !split.steps.isEmpty { whole.failures.append(self.failure("split", "the value is not a list")) }
            return [whole]
        }
        guard items.count <= Self.mostParts else {
            let reason = "the list has more than \(Self.mostParts) items, and the message is kept as one"
            whole.failures.append(self.failure("split", reason))
            return [whole]
        }
        guard !items.isEmpty else {
            whole.isEmpty = true
            return [whole]
        }
        let id = opened.message.upstreamID ?? EventID.generate()
        return items.enumerated().map { index, item in
            var part = Part(message: opened.message, failures: index == 0 ? opened.failures : [])
            // A copy: one item that waits must not keep the others in memory.
            part.message.body = ByteBuffer(bytes: item.readableBytesView)
            part.message.original = nil
            part.message.contentType = "application/json"
            part.message.upstreamID = Self.id(of: id, index)
            part.message.mayBeRepeated = false
            if index + 1 < items.count { part.message.repeatKey = nil }
            return part
        }
    }

    /// The id of an item, which the same message always gives it.
    private static func id(of upstream: String, _ index: Int) -> String {
        let id = "\(upstream)-\(index)"
        if EventID.legal(id) != nil { return id }
        var hash = Fingerprint()
        hash.add(upstream)
        return "\(hash.value.hexadecimal)-\(index)"
    }

    private func decodeBody(of part: inout Part, by steps: [BodyDecoding], _ field: String) {
        var body = DecodedBody(bytes: part.message.body, contentType: part.message.contentType)
        for step in steps {
            do throws(BodyDecoding.Failure) {
                body = try step.decode(body, parser: self.parser)
            } catch {
                let reason = "\(step): \(error.message)"
                part.failures.append(self.failure(field, reason))
                return
            }
        }
        self.replaceBody(of: &part.message, by: body.bytes, contentType: body.contentType)
    }

    private func replaceBody(of message: inout ReceivedMessage, by body: ByteBuffer, contentType: String?) {
        message.original = message.original ?? message.body
        message.body = body
        message.contentType = contentType
    }

    /// The message of a repeat, whose parts were here before: it has the id of the first of them.
    func repeated(_ opened: Part) -> Part {
        var part = opened
        part.message.upstreamID = self.parts(of: opened).first?.message.upstreamID
        return part
    }

    /// The characters of a value that is a text; `nil` for any other value.
    private func text(_ value: ByteBuffer) -> ByteBuffer? {
        guard value.readableBytesView.first == UInt8(ascii: "\"") else { return nil }
        return (try? self.parser.parse(value))?.string.map { ByteBuffer(string: $0) }
    }

    /// The body of a message, where it is a JSON object or array.
    private func document(of message: ReceivedMessage) -> ByteBuffer? {
        let body = BodyText.utf8(message.body, contentType: message.contentType)
        guard let first = body.readableBytesView.first(where: { $0 > 0x20 }),
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        else { return nil }
        defer { if body.readableBytes > JSONParser.large { self.parser.trim() } }
        return (try? self.parser.parse(body)) == nil ? nil : body
    }
}

extension ByteBuffer {
    /// The value at a path of the JSON document that this is; `nil` when there is none, or `null`.
    fileprivate func value(at steps: [EventPath.Step]) -> ByteBuffer? {
        var value = self
        for step in steps {
            let next: ByteBuffer? =
                switch step {
                case .key(let name): JSONScanner.member(named: name, of: value)
                case .index(let index): value.item(index)
                case .number(let index, let name): value.item(index) ?? JSONScanner.member(named: name, of: value)
                }
            guard let next else { return nil }
            value = next
        }
        return value.isNull ? nil : value
    }

    private func item(_ index: Int) -> ByteBuffer? {
        guard let items = JSONScanner.items(of: self, atMost: index < 0 ? .max : index + 1) else { return nil }
        let place = index < 0 ? items.count + index : index
        return items.indices.contains(place) ? items[place] : nil
    }

    fileprivate var isNull: Bool { self.readableBytesView.elementsEqual("null".utf8) }
}
