import JSON
import NIOCore

/// The events of one key that become one event.
///
/// Of bounded size: at most 100 titles and messages of 200 characters each, and 16 tags. Of a single event, the whole message is kept.
struct DigestGroup: Sendable, Equatable {
    private static let lineLimit = 200
    private static let tagLimit = 16

    /// When the digest passes on.
    var due: Timestamp
    private(set) var count = 0
    /// The earliest and the latest time of an event.
    private(set) var first: Timestamp
    private(set) var last: Timestamp
    private(set) var priority: Int?
    /// The title that all events have; `nil` when they differ or have none.
    private(set) var title: String?
    private(set) var tags: [String] = []
    /// The messages of the first events, each on one line, and their titles; an event without one has an empty text.
    private var messages: [String] = []
    private var titles: [String] = []
    /// The message of the first event while it is the only one.
    private(set) var message = ""
    private(set) var source = ""
    /// The subject that all events have; `nil` when they differ.
    private(set) var subject: String?
    /// The sinks that it goes to when its route is gone, as in the targets of a stored event.
    var targets: [StoredEvent.Target] = []

    /// - Parameter event: the first one, not added yet.
    init(due: Timestamp, for event: Event) {
        self.due = due
        (self.first, self.last) = (event.timestamp, event.timestamp)
    }

    /// - Parameter limit: how many lines are kept.
    mutating func add(_ event: Event, lines limit: Int) {
        self.count += 1
        self.first = min(self.first, event.timestamp)
        self.last = max(self.last, event.timestamp)
        self.source = event.source
        if self.count == 1 {
            (self.title, self.subject, self.message) = (event.title, event.subject, event.message)
        } else {
            if self.title != event.title { self.title = nil }
            if self.subject != event.subject { self.subject = nil }
            self.message = ""
        }
        if let priority = event.priority { self.priority = max(priority, self.priority ?? priority) }
        for tag in event.tags where self.tags.count < Self.tagLimit && !self.tags.contains(tag) {
            self.tags.append(tag.cut(toUTF16: Self.lineLimit))
        }
        guard self.messages.count < limit else { return }
        self.titles.append(Self.line(event.title ?? ""))
        self.messages.append(Self.line(event.message))
    }

    private static func line(_ text: String) -> String {
        SafeText.line(text.split(whereSeparator: \.isNewline).joined(separator: " ").cut(toUTF16: Self.lineLimit))
    }

    /// One line for each of the first events: title and message, without the title that all have.
    private var lines: [String] {
        zip(self.titles, self.messages).map { title, message in
            if message.isEmpty { return title }
            return self.title != nil || title.isEmpty ? message : "\(title): \(message)"
        }
    }

    /// The event that they become.
    ///
    /// - Parameters:
    ///   - key: the rendered key; empty for none.
    ///   - title: `digest.title` of the route.
    func event(_ events: FlowEvents, route: String, key: String, title wanted: String?, now: Timestamp) -> Event {
        let number = self.count == 1 ? "1 event" : "\(self.count) events"
        let title = self.title ?? ""
        let lines = self.lines
        var message = lines.joined(separator: "\n")
        if self.count > lines.count { message += "\nand \(self.count - lines.count) more" }
        return events.event(
            title: wanted.map { "\($0) (\(self.count))" }
                ?? (title.isEmpty ? number : self.count == 1 ? title : "\(title) (\(self.count))"),
            message: self.count == 1 ? self.message : message, priority: self.priority, tags: self.tags,
            payload: FlowEvents.object([
                ("count", .number(Int64(self.count))), ("first", .text(self.first.description)),
                ("last", .text(self.last.description)), ("key", key.isEmpty ? nil : .text(key)), ("lines", .texts(lines)),
            ]),
            source: self.source, subject: self.subject ?? route, now: now
        )
    }

    // MARK: Storage

    /// The group as JSON.
    var text: String {
        let targets = self.targets.map {
            FlowEvents.object([
                ("sink", .text($0.sink)), ("route", .text($0.route)), ("variant", .number(Int64($0.variant))),
            ])
        }.map { String(buffer: $0) }
        return String(
            buffer: FlowEvents.object([
                ("due", .number(self.due.milliseconds)), ("count", .number(Int64(self.count))),
                ("first", .number(self.first.milliseconds)), ("last", .number(self.last.milliseconds)),
                ("priority", self.priority.map { .number(Int64($0)) }), ("title", self.title.map { .text($0) }),
                ("tags", .texts(self.tags)), ("titles", .texts(self.titles)), ("messages", .texts(self.messages)),
                ("message", .text(self.message)),
                ("source", .text(self.source)), ("subject", self.subject.map { .text($0) }), ("targets", .texts(targets)),
            ]))
    }

    /// - Returns: `nil` for a text that is no group.
    init?(text: String, _ parser: JSONParser) {
        guard let root = try? parser.parse(ByteBuffer(string: text)), let due = root["due"]?.integer,
            let count = root["count"]?.integer, count > 0
        else { return nil }
        func texts(_ name: String) -> [String] {
            var texts: [String] = []
            root[name]?.forEachItem { texts.append($0.string ?? "") }
            return texts
        }
        self.due = Timestamp(milliseconds: due)
        self.count = Int(count)
        self.first = Timestamp(milliseconds: root["first"]?.integer ?? due)
        self.last = Timestamp(milliseconds: root["last"]?.integer ?? due)
        self.priority = root["priority"]?.integer.map { Int(clamping: $0) }
        self.title = root["title"]?.string
        (self.tags, self.titles, self.messages) = (texts("tags"), texts("titles"), texts("messages"))
        self.message = root["message"]?.string ?? ""
        self.source = root["source"]?.string ?? ""
        self.subject = root["subject"]?.string
        // The parser knows one document at a time, so these come last.
        self.targets = texts("targets").compactMap { text in
            guard let target = try? parser.parse(ByteBuffer(string: text)), let sink = target["sink"]?.string else { return nil }
            return StoredEvent.Target(
                sink: sink, route: target["route"]?.string ?? "", variant: Int(target["variant"]?.integer ?? 0), copy: -1)
        }
    }
}
