import JSON
import NIOCore

/// Makes events of received messages.
///
/// Never fails: what cannot be read becomes an event that says so. One per source, used under its outlet's lock: not thread-safe.
///
/// In order: the source's own mapping; then, for JSON objects, the model's own shape, the shapes of well-known senders (CloudEvents, ntfy,
/// Gotify), Slack's, the heuristic; other JSON and text; and at last the subject as title and the compact body as message.
package final class Normaliser {
    /// What became of one message.
    package struct Outcome {
        package let event: Event
        /// The body was the model's own JSON (only its keys), with an id and a timestamp of its own.
        package let isNative: Bool
        /// Why the body could not be read as what it said it was; counted by the outlet.
        package let problem: String?
        /// Title or message was longer than the limits, and the payload does not have it either.
        package let isCut: Bool
        /// The fields that the source's mapping could not make, and why; they are as without it.
        let failures: [FieldMapping.Failure]
    }

    /// A message of a batch, as far as it is an event without the mapping.
    private struct Unmapped {
        let draft: Draft
        let subject: String
        let event: Event
    }

    private let source: String
    private let settings: NormaliseSettings
    private let bridge: String
    private let parser = JSONParser()
    private let canonical: CanonicalShape
    private let mapping: FieldMapping?
    /// Of the last message.
    private var last: Context?
    /// The messages whose mapping is evaluated together; empty without such a mapping.
    private var batch: [Unmapped] = []

    /// - Parameters:
    ///   - source: the name in the file.
    ///   - bridge: this bridge's name, the origin of events that bring none.
    package init(source: String, settings: NormaliseSettings, bridge: String) {
        self.source = source
        self.settings = settings
        self.bridge = bridge
        self.canonical = CanonicalShape(limits: settings.limits)
        self.mapping = FieldMapping(settings)
    }

    /// Evaluates the mapping's expressions for all messages of a batch in one go, where it has some.
    ///
    /// Then ``event(from:at:now:)`` makes their events one by one, and ``endBatch()`` ends the batch.
    func begin(_ messages: [ReceivedMessage], now: Timestamp) {
        guard let mapping, mapping.evaluatesAhead, messages.count > 1 else { return }
        self.batch = messages.map { self.unmapped($0, now: now) }
        mapping.begin(self.batch.map(\.event), now: now)
    }

    /// Forgets the batch.
    func endBatch() {
        guard !self.batch.isEmpty else { return }
        self.batch = []
        self.mapping?.endBatch()
    }

    /// Makes the event of a message of the batch.
    ///
    /// - Parameter place: the message's in the batch.
    func event(from message: ReceivedMessage, at place: Int, now: Timestamp) -> Outcome {
        guard !self.batch.isEmpty else { return self.event(from: message, now: now) }
        return self.event(from: message, self.batch[place], now: now)
    }

    /// Makes the event of one message.
    package func event(from message: ReceivedMessage, now: Timestamp) -> Outcome {
        guard self.mapping == nil else { return self.event(from: message, self.unmapped(message, now: now), now: now) }
        let subject = SafeText.line(message.subject)
        let draft = self.draft(of: message, subject: subject)
        return Self.outcome(draft, self.event(of: draft, message, subject: subject, now: now), [])
    }

    private func event(from message: ReceivedMessage, _ unmapped: Unmapped, now: Timestamp) -> Outcome {
        var draft = unmapped.draft
        let failures = self.mapping?.apply(to: &draft, as: unmapped.event, now: now) ?? []
        draft.json = nil
        return Self.outcome(draft, self.event(of: draft, message, subject: unmapped.subject, now: now), failures)
    }

    private func unmapped(_ message: ReceivedMessage, now: Timestamp) -> Unmapped {
        let subject = SafeText.line(message.subject)
        let draft = self.draft(of: message, subject: subject)
        return Unmapped(draft: draft, subject: subject, event: self.event(of: draft, message, subject: subject, now: now))
    }

    private static func outcome(_ draft: Draft, _ event: Event, _ failures: [FieldMapping.Failure]) -> Outcome {
        Outcome(
            event: event, isNative: draft.isNative, problem: draft.problem,
            isCut: Self.isCut(draft.message, event.message, event) || Self.isCut(draft.title, event.title, event),
            failures: failures
        )
    }

    /// Whether a text has become shorter; the payload of a body that is none of the model's JSON has it whole.
    private static func isCut(_ text: String?, _ kept: String?, _ event: Event) -> Bool {
        guard let text, let kept, text.utf8.count > kept.utf8.count else { return false }
        return (event.payload?.readableBytes ?? 0) < text.utf8.count
    }

    private func event(of draft: Draft, _ message: ReceivedMessage, subject: String, now: Timestamp) -> Event {
        let context = self.context(of: message.attributes)
        var attributes = context.attributes
        if let encoding = draft.encoding { attributes.append("encoding", encoding) }
        let id =
            draft.id.flatMap { EventID.isLegal($0) ? $0 : nil } ?? message.upstreamID.flatMap { EventID.isLegal($0) ? $0 : nil }
        return Event(
            id: id ?? EventID.generate(), title: draft.title, message: draft.message ?? "", priority: draft.priority,
            tags: draft.tags,
            timestamp: draft.timestamp ?? message.timestamp ?? now, payload: draft.payload, source: self.source, subject: subject,
            attributes: attributes, raw: message.body, passage: context.passage, limits: self.settings.limits,
            rendered: draft.json
        )
    }

    /// What comes of a message's attributes; sources give most messages the very same.
    private func context(of attributes: Attributes) -> Context {
        if let last, last.received.elements.sharesStorage(with: attributes.elements) { return last }
        let context = Context(
            received: attributes, attributes: attributes.map(SafeText.line), passage: self.passage(attributes)
        )
        self.last = context
        return context
    }

    private struct Context {
        let received: Attributes
        let attributes: Attributes
        let passage: Passage
    }

    private func passage(_ attributes: Attributes) -> Passage {
        guard !attributes.isEmpty else { return Passage(origin: self.bridge, hops: 1) }
        let hops = attributes[Passage.hopsAttribute].map { Int($0) ?? 255 } ?? 0
        return Passage(
            origin: attributes[Passage.originAttribute].map(SafeText.line) ?? self.bridge, hops: min(max(hops, 0), 254) + 1,
            trace: attributes[Passage.traceAttribute].map(SafeText.line)
        )
    }

    // MARK: Bodies

    private func draft(of message: ReceivedMessage, subject: String) -> Draft {
        let body = message.body
        let claimsJSON = message.contentType.map(MediaType.isJSON)
        if claimsJSON ?? Self.looksLikeJSON(body) {
            if let draft = self.canonical.draft(body) { return draft }
            // What the draft takes from the document it copies.
            defer { if body.readableBytes > JSONParser.large { self.parser.trim() } }
            do {
                return self.draft(ofJSON: try self.parser.parse(body), body, subject: subject)
            } catch {
                guard claimsJSON == true else { return self.draft(ofText: message, subject: subject) }
                var draft = self.draft(ofText: message, subject: subject)
                draft.problem = "the body is not JSON: \(error.message)"
                return draft
            }
        }
        return self.draft(ofText: message, subject: subject)
    }

    private func draft(ofJSON root: JSONElement, _ body: ByteBuffer, subject: String) -> Draft {
        if root.kind == .object, let native = NativeShape.draft(root, body) { return native }
        var draft: Draft
        if root.kind == .object {
            draft = KnownShapes.draft(root) ?? SlackShape.draft(root) ?? Draft()
            if draft.title == nil || draft.message == nil {
                let found = HeuristicShape.draft(root)
                draft.title = draft.title ?? found.title
                draft.message = draft.message ?? found.message
            }
            draft.priority = draft.priority ?? JSONFields.priority(root["priority"])
            draft.tags = JSONFields.tags(root["tags"])
        } else {
            draft = Draft()
        }
        if draft.message == nil {
            draft.title = draft.title ?? subject
            draft.message = root.text()
        }
        draft.payload = Self.trimmed(body)
        return draft
    }

    private func draft(ofText message: ReceivedMessage, subject: String) -> Draft {
        var draft = Draft()
        if message.body.isValidUTF8 {
            draft.message = String(buffer: message.body)
        } else {
            draft.title = subject
            draft.message = "\(message.body.readableBytes) bytes that are not text"
            draft.encoding = "base64"
            var payload = ByteBuffer()
            Base64.writeQuoted(message.body, to: &payload)
            draft.payload = payload
            if message.contentType.map({ $0.hasPrefix("text/") || MediaType.isJSON($0) }) == true {
                draft.problem = "the body is not UTF-8"
            }
        }
        if !message.attributes.isEmpty {
            draft.title = message.attributes["x-title"].flatMap { $0.isEmpty ? nil : $0 } ?? draft.title
            draft.priority = message.attributes["x-priority"].flatMap { Int($0.split(separator: " ").first ?? "") }.map {
                JSONFields.priority(Double($0))
            }
            draft.tags = message.attributes["x-tags"].map { JSONFields.tags($0) } ?? []
        }
        return draft
    }

    /// An object or an array, by its first byte that is not white space.
    private static func looksLikeJSON(_ body: ByteBuffer) -> Bool {
        let first = body.readableBytesView.first { $0 > 0x20 }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    /// Without white space at both ends.
    private static func trimmed(_ body: ByteBuffer) -> ByteBuffer {
        let view = body.readableBytesView
        guard let first = view.first, let last = view.last, first <= 0x20 || last <= 0x20 else { return body }
        let start = view.firstIndex { $0 > 0x20 } ?? view.startIndex
        let end = view.lastIndex { $0 > 0x20 } ?? start
        return body.getSlice(at: start, length: end - start + 1) ?? body
    }
}
