import JSON
import NIOCore

/// Reads one event after another for matchers and templates; parses JSON only on demand.
///
/// Not thread-safe: one per thread or lock. Keeps its buffers from event to event.
package final class EventReader {
    /// The event that is read; `nil` before the first one.
    package private(set) var event: Event?
    private var time: Timestamp?
    private let parser = JSONParser()
    private var payload = Payload.unread
    /// See ``begin(_:now:)``.
    var batch: Batch?
    /// The place of the loaded event in the batch, `nil` when it is of none.
    private(set) var place: Int?
    /// That of the last one that was in the batch.
    var lastPlace = 0

    let clock: @Sendable () -> Timestamp

    /// Makes a reader without an event.
    ///
    /// - Parameter clock: the time of events that are loaded without one.
    package init(clock: @escaping @Sendable () -> Timestamp = { .now() }) {
        self.clock = clock
    }

    /// Makes `event` the one that is read.
    ///
    /// - Parameter now: the value of `$now`; by default the wall clock, read on first use.
    package func load(_ event: Event, now: Timestamp? = nil) {
        guard self.batch != nil else { return self.read(event, now: now, place: nil) }
        self.read(event, now: now, place: self.place(of: event))
    }

    /// Makes `event` the one that is read, with its payload as another parser has it.
    ///
    /// - Parameter root: valid until another event is loaded; `nil` has the payload parsed on first use.
    func load(_ event: Event, now: Timestamp, root: JSONElement?) {
        self.load(event, now: now)
        if let root { self.payload = .root(root) }
    }

    /// - Parameter place: that of the event in the batch.
    func read(_ event: Event, now: Timestamp?, place: Int?) {
        self.unloadLarge()
        self.event = event
        self.time = now
        self.payload = .unread
        self.place = place
        if let place { self.lastPlace = place }
    }

    /// The value at a path as text; missing values are empty.
    package func text(at path: EventPath) -> String {
        self.value(at: path).text
    }

    /// The value at a path.
    package func value(at path: EventPath) -> EventValue {
        guard let event else { return .missing }
        if path.root == .payload { return self.payloadValue(at: path.steps) }
        guard let step = path.steps.first else { return self.value(of: path.root, in: event) }
        guard path.steps.count == 1 else { return .missing }
        switch (path.root, step) {
        case (.segments, .index(let index)):
            return Self.segment(index, of: event.subject)
        case (.tags, .index(let index)):
            let place = index < 0 ? event.tags.count + index : index
            return event.tags.indices.contains(place) ? .text(event.tags[place]) : .missing
        case (.attributes, .key(let name)):
            return event.attributes[name].map { .text($0) } ?? .missing
        default: return .missing
        }
    }

    /// Checks a payload in the making.
    ///
    /// - Throws: `JSONError`.
    func check(_ json: ByteBuffer) throws {
        // The parser knows one document at a time.
        self.payload = .unread
        defer { if json.readableBytes > JSONParser.large { self.parser.trim() } }
        _ = try self.parser.parse(json)
    }

    /// Releases the memory of a large parsed payload; the next access parses it again.
    func unloadLarge() {
        guard case .root = self.payload, let bytes = self.event?.payload, bytes.readableBytes > JSONParser.large else { return }
        self.payload = .unread
        self.parser.trim()
    }

    /// The event as the input of an expression.
    ///
    /// - Precondition: an event is loaded.
    package var expressionInput: ExpressionInput {
        guard let event else { preconditionFailure("no event is loaded") }
        return ExpressionInput(event: event, now: self.now)
    }

    private var now: Timestamp {
        if let time { return time }
        let time = self.clock()
        self.time = time
        return time
    }

    private func value(of root: EventPath.Root, in event: Event) -> EventValue {
        switch root {
        case .event: .text(String(buffer: event.json))
        case .id: .text(event.id)
        case .title: event.title.map { .text($0) } ?? .missing
        case .message: .text(event.message)
        case .priority: event.priority.map { .integer($0) } ?? .missing
        case .tags: event.tags.isEmpty ? .missing : .list(event.tags)
        case .timestamp: .text(event.timestamp.description)
        case .payload: self.payloadValue(at: [])
        case .source: .text(event.source)
        case .subject: .text(event.subject)
        case .segments: .list(Self.segments(of: event.subject))
        case .attributes: .table(event.attributes)
        case .raw: .text(String(buffer: event.raw))
        case .now: .number(Double(self.now.milliseconds) / 1000)
        }
    }

    private func payloadValue(at steps: [EventPath.Step]) -> EventValue {
        guard let root = self.root, let element = EventPath.element(at: steps, in: root) else { return .missing }
        return element.kind == .null ? .missing : .json(element)
    }

    /// The payload, parsed on first access.
    ///
    /// A payload that is not JSON counts as absent.
    private var root: JSONElement? {
        switch self.payload {
        case .root(let element): return element
        case .absent: return nil
        case .unread:
            // An event's payload was parsed when the event was made; a refusal here means that there is none.
            guard let bytes = self.event?.payload, let element = try? self.parser.parse(bytes) else {
                self.payload = .absent
                return nil
            }
            self.payload = .root(element)
            return element
        }
    }

    /// The parts of a subject between its slashes; none of an empty one, as `split` does in jq.
    private static func segments(of subject: String) -> [String] {
        subject.isEmpty ? [] : subject.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    }

    private static func segment(_ index: Int, of subject: String) -> EventValue {
        guard !subject.isEmpty else { return .missing }
        if index >= 0 {
            var rest = subject[...]
            for _ in 0..<index {
                guard let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) else { return .missing }
                rest = rest[rest.utf8.index(after: slash)...]
            }
            return .text(String(rest.prefix(upTo: rest.utf8.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex)))
        }
        let segments = Self.segments(of: subject)
        return segments.count + index >= 0 ? .text(segments[segments.count + index]) : .missing
    }

    private enum Payload {
        case unread
        case absent
        case root(JSONElement)
    }
}
