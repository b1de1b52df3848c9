import JSON
import NIOCore

/// Makes events of received messages.
///
/// Never fails: an unreadable body becomes an event that reports it. One per source, used under its outlet's lock: not
/// thread-safe.
///
/// In this order: the block of `normalise` that matches, its ``SourceMapping``; then, for JSON objects, the model's own shape, the shapes of well-known
/// senders (``KnownShapes``, Slack), ``VendorShape``; then text
/// (``TextShape``). The subject is the title of a body that names nothing.
package final class Normaliser {
    /// The result for one message.
    package struct Outcome {
        /// The event; every message becomes one.
        package let event: Event
        /// The body was the model's own JSON (only its keys), with its own id and timestamp.
        package let isNative: Bool
        /// Why the body does not match its declared content type; counted by the outlet.
        package let problem: String?
        /// Title or message exceeded the limits, and the payload does not have the whole text either.
        package let isCut: Bool
        /// Whether the message is no event: a keep-alive by ``Noise``, or what a case of the source drops.
        ///
        /// A message that the source's mapping is for is always an event, unless a case drops it.
        var isNoise = false
        /// The parts of the source's mapping that did not apply, and why.
        var failures: [FieldFailure]
    }

    /// A message with its event before the mapping.
    private struct Unmapped {
        /// The place of what reads it in ``readings``.
        let block: Int
        let draft: Draft
        let subject: String
        /// Without its JSON, where the mapping does not need it.
        let event: Event
    }

    private let source: String
    private let limits: EventLimits
    private let bridge: String
    private let parser = JSONParser()
    private let canonical: CanonicalShape
    /// What reads the messages of each block; of several blocks, automatic reading is the last.
    private let readings: [BlockReading]
    /// Chooses one of them; `nil` where there is one.
    private let choice: BlockChoice?
    private let opens: Bool
    private let evaluatesAhead: Bool
    /// The parts of the batch, where something unpacks it.
    private var parts: [MessageUnpacker.Part] = []
    /// By part, the place of what reads it; empty where that is found out when it is read.
    private var chosen: [Int] = []
    /// The context of the last message.
    private var last: Context?
    /// What subjects name, at most ``nameLimit`` of them, each of at most as many bytes.
    private var names: [String: String] = [:]
    private static let nameLimit = 256
    /// The messages whose mapping is evaluated together; empty without such a mapping.
    private var batch: [Unmapped] = []

    /// - Parameters:
    ///   - source: the name in the file.
    ///   - blocks: how its messages become events.
    ///   - bridge: this bridge's name, the origin of events without one.
    package init(source: String, blocks: NormaliseBlocks, bridge: String) {
        self.source = source
        self.limits = blocks.limits
        self.bridge = bridge
        self.canonical = CanonicalShape(limits: blocks.limits)
        self.readings = BlockReading.all(of: blocks)
        self.choice = BlockChoice(blocks)
        self.opens = self.readings.contains { $0.unpacker != nil }
        self.evaluatesAhead = self.readings.contains { $0.mapping?.evaluatesAhead == true }
    }

    /// Makes what reads all messages of a source in one way.
    package convenience init(source: String, settings: NormaliseSettings, bridge: String) {
        self.init(source: source, blocks: NormaliseBlocks(settings), bridge: bridge)
    }

    /// Opens the messages of a batch, whose parts are then read one by one until ``endBatch()``.
    ///
    /// - Parameters:
    ///   - isKnown: whether a message was here before; such a one is opened, and not split.
    ///   - now: the time of receipt, by default that of the clock.
    func unpack(
        _ messages: [ReceivedMessage], isKnown: (ReceivedMessage) -> Bool, now: Timestamp = .now()
    ) -> UnpackedMessages {
        guard self.opens else { return UnpackedMessages(messages: messages, starts: []) }
        var starts: [Int] = []
        // One that the batch has twice is known the second time.
        var keys: Set<UInt64> = []
        for message in messages {
            starts.append(self.parts.count)
            let block = self.block(for: message, now: now)
            let isNew = message.repeatKey.map { keys.insert($0).inserted } ?? true
            if let unpacker = self.readings[block].unpacker {
                let opened = unpacker.open(message)
                if !isKnown(message), isNew || !message.mayBeRepeated {
                    self.parts += unpacker.parts(of: opened)
                } else {
                    self.parts.append(unpacker.repeated(opened))
                }
            } else {
                self.parts.append(MessageUnpacker.Part(message: message))
            }
            if self.choice != nil { self.chosen += repeatElement(block, count: self.parts.count - self.chosen.count) }
        }
        return UnpackedMessages(
            messages: self.parts.map(\.message), starts: self.parts.count == messages.count ? [] : starts)
    }

    /// The event of a message as it is read when it is not split.
    func wholeEvent(of message: ReceivedMessage, now: Timestamp) -> Event {
        let block = self.block(for: message, now: now)
        let opened = self.readings[block].unpacker?.open(message).message ?? message
        return self.event(from: opened, block: block, now: now).event
    }

    /// The place of what reads a message as it arrives.
    private func block(for message: ReceivedMessage, now: Timestamp) -> Int {
        self.block(forSubject: message.subject) ?? self.unmapped(message, block: nil, now: now, isAlone: false).block
    }

    /// The place of what reads all messages with a subject; `nil` when it depends on the message.
    private func block(forSubject subject: String) -> Int? {
        guard let choice else { return 0 }
        return choice.block(for: SafeText.line(subject))
    }

    /// Evaluates the mapping's expressions for all messages of a batch in one go, where it has some.
    ///
    /// Then ``event(from:at:now:)`` makes their events one by one, and ``endBatch()`` ends the batch.
    func begin(_ messages: [ReceivedMessage], now: Timestamp) {
        guard self.evaluatesAhead, messages.count > 1 else { return }
        self.batch = messages.enumerated().map { place, message in
            self.unmapped(message, block: self.chosenBlock(at: place), now: now, isAlone: false)
        }
        for (block, reading) in self.readings.enumerated() {
            guard let mapping = reading.mapping, mapping.evaluatesAhead else { continue }
            let own = self.choice == nil ? self.batch : self.batch.filter { $0.block == block }
            if !own.isEmpty { mapping.begin(own.map(\.event), now: now) }
        }
    }

    /// The place of what reads a part of the batch; `nil` when that is to be found out.
    private func chosenBlock(at place: Int) -> Int? {
        self.choice == nil ? 0 : self.chosen.indices.contains(place) ? self.chosen[place] : nil
    }

    /// Forgets the batch.
    func endBatch() {
        self.parts.removeAll()
        self.chosen.removeAll(keepingCapacity: true)
        guard !self.batch.isEmpty else { return }
        self.batch = []
        for reading in self.readings { reading.mapping?.endBatch() }
    }

    /// Makes the event of a message of the batch.
    ///
    /// - Parameter place: the message's in the batch.
    func event(from message: ReceivedMessage, at place: Int, now: Timestamp) -> Outcome {
        var outcome =
            self.batch.isEmpty
            ? self.event(from: message, block: self.chosenBlock(at: place), now: now)
            : self.event(from: message, self.batch[place], now: now)
        guard self.parts.indices.contains(place) else { return outcome }
        outcome.failures = self.parts[place].failures + outcome.failures
        outcome.isNoise = outcome.isNoise || self.parts[place].isEmpty
        return outcome
    }

    /// Makes the event of one message.
    package func event(from message: ReceivedMessage, now: Timestamp) -> Outcome {
        self.event(from: message, block: nil, now: now)
    }

    /// - Parameter block: the place of what reads it; `nil` when that is to be found out.
    private func event(from message: ReceivedMessage, block: Int?, now: Timestamp) -> Outcome {
        guard self.choice == nil, self.readings[0].mapping == nil else {
            return self.event(from: message, self.unmapped(message, block: block, now: now), now: now)
        }
        let subject = SafeText.line(message.subject)
        let draft = self.draft(of: message, subject: subject)
        var outcome = Self.outcome(
            draft, self.event(of: draft, message, id: self.id(of: draft, message), subject: subject, now: now), [])
        outcome.isNoise = Noise.isNoise(message)
        return outcome
    }

    private func event(from message: ReceivedMessage, _ unmapped: Unmapped, now: Timestamp) -> Outcome {
        guard let mapping = self.readings[unmapped.block].mapping else {
            var outcome = Self.outcome(unmapped.draft, unmapped.event, [])
            outcome.isNoise = Noise.isNoise(message)
            return outcome
        }
        var draft = unmapped.draft
        let result = mapping.apply(to: &draft, as: unmapped.event, now: now)
        guard !result.isDropped else {
            return Outcome(event: unmapped.event, isNative: false, problem: nil, isCut: false, isNoise: true, failures: [])
        }
        VendorShape.complete(&draft)
        let event: Event
        if result.isMapped || !mapping.needsJSON {
            if result.isMapped { draft.json = nil }
            let id = draft.id ?? unmapped.event.id
            event = self.event(of: draft, message, id: id, subject: draft.subject ?? unmapped.subject, now: now)
        } else {
            event = unmapped.event
        }
        var outcome = Self.outcome(draft, event, result.failures)
        outcome.isNoise = !result.isMapped && Noise.isNoise(message)
        return outcome
    }

    /// What the blocks say about a message as it arrives up to the one that reads it; empty where there is one.
    func blockDecisions(for message: ReceivedMessage, now: Timestamp) -> [CaseDecision] {
        guard let choice else { return [] }
        let event = self.unmapped(message, block: choice.automatic, now: now, isAlone: false).event
        return choice.failures(for: event, now: now).enumerated().map { index, failure in
            CaseDecision(name: self.readings[index].name ?? "normalise[\(index)]", failure: failure, isDrop: false)
        }
    }

    /// What the cases of the block say about a part of the batch, up to the one that matches.
    func decisions(for message: ReceivedMessage, at place: Int, now: Timestamp) -> [CaseDecision] {
        let unmapped = self.unmapped(message, block: self.chosenBlock(at: place), now: now, isAlone: false)
        return self.readings[unmapped.block].mapping?.decisions(for: unmapped.event, now: now) ?? []
    }

    /// - Parameters:
    ///   - block: the place of what reads the message; `nil` when that is to be found out.
    ///   - isAlone: whether the message becomes an event before another is read.
    private func unmapped(_ message: ReceivedMessage, block: Int?, now: Timestamp, isAlone: Bool = true) -> Unmapped {
        let subject = SafeText.line(message.subject)
        let known = block ?? self.choice.map { $0.block(for: subject) } ?? 0
        // A block that is not known yet may need all of the event.
        let mapping = known.flatMap { self.readings[$0].mapping }
        var draft = self.draft(of: message, subject: subject, isPatient: isAlone && mapping?.readsMessage == false)
        // Templates see the id that the event will have.
        let id = self.id(of: draft, message)
        draft.id = id
        let event = self.event(
            of: draft, message, id: id, subject: subject, now: now, isRendered: mapping?.needsJSON != false)
        let chosen = known ?? self.choice?.block(for: event, now: now, root: draft.root) ?? 0
        if !isAlone { draft.root = nil }
        return Unmapped(block: chosen, draft: draft, subject: subject, event: event)
    }

    private func id(of draft: Draft, _ message: ReceivedMessage) -> String {
        draft.id.flatMap { EventID.legal($0) } ?? message.upstreamID.flatMap { EventID.legal($0) } ?? EventID.generate()
    }

    private static func outcome(_ draft: Draft, _ event: Event, _ failures: [FieldFailure]) -> Outcome {
        Outcome(
            event: event, isNative: draft.isNative, problem: draft.problem,
            isCut: Self.isCut(draft.message, event.message, event) || Self.isCut(draft.title, event.title, event),
            failures: failures
        )
    }

    /// Whether a text was shortened; the payload of a body other than the model's JSON has the whole text.
    private static func isCut(_ text: String?, _ kept: String?, _ event: Event) -> Bool {
        guard let text, let kept, text.utf8.count > kept.utf8.count else { return false }
        return (event.payload?.readableBytes ?? 0) < text.utf8.count
    }

    /// - Parameters:
    ///   - id: a legal one.
    ///   - isRendered: whether the event gets its JSON, and its texts are cut.
    private func event(
        of draft: Draft, _ message: ReceivedMessage, id: String, subject: String, now: Timestamp, isRendered: Bool = true
    ) -> Event {
        let context = self.context(of: message.attributes)
        var attributes = context.attributes
        if let encoding = draft.encoding { attributes.append("encoding", encoding) }
        return Event(
            id: id, title: draft.title, message: draft.message ?? "", priority: draft.priority,
            tags: draft.tags,
            timestamp: draft.timestamp ?? message.timestamp ?? now, payload: draft.payload, source: self.source, subject: subject,
            attributes: attributes, raw: message.original ?? message.body, provenance: context.provenance,
            limits: self.limits,
            rendered: isRendered ? draft.json : ByteBuffer()
        )
    }

    /// The context from a message's attributes; sources give most messages the same attributes.
    private func context(of attributes: Attributes) -> Context {
        if let last, last.received.elements.sharesStorage(with: attributes.elements) { return last }
        let context = Context(
            received: attributes, attributes: attributes.map(SafeText.line), provenance: self.provenance(attributes)
        )
        self.last = context
        return context
    }

    private struct Context {
        let received: Attributes
        let attributes: Attributes
        let provenance: Provenance
    }

    private func provenance(_ attributes: Attributes) -> Provenance {
        guard !attributes.isEmpty else { return Provenance(origin: self.bridge, hops: 1) }
        let hops = attributes[Provenance.hopsAttribute].map { Int($0) ?? 255 } ?? 0
        return Provenance(
            origin: attributes[Provenance.originAttribute].map(SafeText.line) ?? self.bridge, hops: min(max(hops, 0), 254) + 1,
            trace: attributes[Provenance.traceAttribute].map(SafeText.line)
        )
    }

    // MARK: Bodies

    /// - Parameter isPatient: see ``VendorShape``.
    private func draft(of message: ReceivedMessage, subject: String, isPatient: Bool = false) -> Draft {
        let body = BodyText.utf8(message.body, contentType: message.contentType)
        let claimsJSON = message.contentType.map(MediaType.isJSON)
        if claimsJSON == true || (Self.mayBeJSON(message.contentType) && Self.looksLikeJSON(body)) {
            if let draft = self.canonical.draft(body) { return draft }
            // The draft copies its parts of the document.
            defer { if body.readableBytes > JSONParser.large { self.parser.trim() } }
            do {
                let isSmall = body.readableBytes <= JSONParser.large
                return self.draft(
                    ofJSON: try self.parser.parse(body), body, message, subject: subject, isPatient: isPatient && isSmall,
                    keepsRoot: isSmall)
            } catch {
                guard claimsJSON == true else { return self.draft(ofText: body, message, subject: subject) }
                var draft = self.draft(ofText: body, message, subject: subject)
                draft.problem = "the body is not JSON: \(error.message)"
                return draft
            }
        }
        return self.draft(ofText: body, message, subject: subject)
    }

    private func draft(
        ofJSON root: JSONElement, _ body: ByteBuffer, _ message: ReceivedMessage, subject: String, isPatient: Bool,
        keepsRoot: Bool
    ) -> Draft {
        if root.kind == .object, let native = NativeShape.draft(root, body) { return native }
        let name = self.name(subject, root)
        var draft: Draft
        if root.kind == .object, let known = KnownShapes.draft(root) ?? SlackShape.draft(root) {
            draft = known
            draft.priority =
                draft.priority ?? root["priority"].flatMap { JSONFields.priority($0) } ?? self.stated(in: draft, root)
            if draft.tags.isEmpty { draft.tags = JSONFields.tags(root["tags"]) }
            draft.title = draft.title ?? name
        } else if root.kind == .object || root.kind == .array {
            draft = VendorShape.draft(root, name: name, attributes: message.attributes, isPatient: isPatient)
        } else {
            draft = TextShape.draft(root.text(), subject: subject, name: name)
        }
        if draft.pending == nil {
            draft.message = LongNumbers.restored(draft.message ?? SecretName.publicText(of: root), from: body)
        }
        if keepsRoot { draft.root = root }
        draft.payload = Self.trimmed(body)
        self.addHeaders(message.attributes, to: &draft, overriding: false)
        return draft
    }

    /// The priority that the words of a chat message state; other known senders have a field for it.
    private func stated(in draft: Draft, _ root: JSONElement) -> Int? {
        guard root["text"] != nil || root["blocks"] != nil || root["attachments"] != nil else { return nil }
        return draft.message.flatMap { TextShape.priority($0) } ?? draft.title.flatMap { TextShape.priority($0) }
    }

    private func draft(ofText body: ByteBuffer, _ message: ReceivedMessage, subject: String) -> Draft {
        var draft: Draft
        if body.isValidUTF8 {
            draft = TextShape.draft(String(buffer: body), subject: subject, name: self.name(subject))
        } else {
            draft = Draft()
            draft.title = self.name(subject)
            draft.message = "\(message.body.readableBytes) bytes that are not text"
            draft.encoding = "base64"
            var payload = ByteBuffer()
            Base64.writeQuoted(message.body, to: &payload)
            draft.payload = payload
            if message.contentType.map({ $0.hasPrefix("text/") || MediaType.isJSON($0) }) == true {
                draft.problem = "the body is not UTF-8"
            }
        }
        self.addHeaders(message.attributes, to: &draft, overriding: true)
        return draft
    }

    /// What the subject names; where that is only a word such as `message`, the `id` of the body, or else the source in front of the word.
    private func name(_ subject: String, _ root: JSONElement? = nil) -> String {
        let name = self.subjectName(subject)
        guard SubjectName.isGeneric(name) else { return name }
        if let id = JSONFields.text(root?["id"]), id.utf8.count <= 64, id.contains(where: \.isLetter), !FieldSentence.isUUID(id) {
            return id
        }
        return name.isEmpty || name == "message" ? self.source : "\(self.source) \(name)"
    }

    /// The name in a subject, remembered: most sources have few subjects.
    private func subjectName(_ subject: String) -> String {
        if let name = self.names[subject] { return name }
        let name = SubjectName.name(subject).cut(toUTF16: self.limits.title)
        guard subject.utf8.count <= Self.nameLimit else { return name }
        if self.names.count >= Self.nameLimit { self.names.removeAll(keepingCapacity: true) }
        self.names[subject] = name
        return name
    }

    /// Applies the attributes of a CloudEvent in binary mode (CloudEvents HTTP binding §3.1): the body is its data.
    private func addCloudEvent(_ attributes: Attributes, to draft: inout Draft) {
        guard attributes["ce-specversion"] != nil, let type = attributes["ce-type"] else { return }
        draft.id = attributes["ce-id"] ?? draft.id
        draft.timestamp = attributes["ce-time"].flatMap { Timestamp(lenient: $0) } ?? draft.timestamp
        draft.title = attributes["ce-subject"] ?? type
    }

    /// Applies what header fields say: `X-Title`, `X-Priority`, `X-Tags`, and the same without `X-`, as ntfy's clients send them.
    private func addHeaders(_ attributes: Attributes, to draft: inout Draft, overriding: Bool) {
        guard !attributes.isEmpty else { return }
        self.addCloudEvent(attributes, to: &draft)
        func field(_ name: String) -> String? {
            (attributes["x-" + name] ?? attributes[name]).flatMap { $0.isEmpty ? nil : $0 }
        }
        if let title = field("title") { draft.title = title } else if attributes["x-title"] != nil { draft.title = nil }
        let priority = field("priority").flatMap { text in
            // RFC 2156 mail clients write `1 (Highest)`.
            PriorityText.rendered(text) ?? PriorityText.rendered(String(text.split(separator: " ").first ?? ""))
        }
        if let priority { draft.priority = priority }
        if let tags = field("tags"), overriding || draft.tags.isEmpty { draft.tags = JSONFields.tags(tags) }
    }

    /// Whether a body of this type may be JSON that its sender labels as text, or not at all.
    private static func mayBeJSON(_ contentType: String?) -> Bool {
        guard let contentType else { return true }
        let name = MediaType.name(contentType)
        return name == "text/plain" || name == "application/octet-stream"
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
