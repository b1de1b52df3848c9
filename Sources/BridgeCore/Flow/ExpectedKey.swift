import NIOCore

/// What is known of one key of `expect:`.
struct ExpectedKey: Sendable, Equatable {
    /// The last event; for one that was never seen, when waiting began.
    var last: Timestamp
    /// Whether there was an event.
    var wasSeen: Bool
    /// Whether an event about its absence was made.
    var isMissing = false
    var source = ""
    var subject = ""

    init(last: Timestamp, wasSeen: Bool) {
        self.last = last
        self.wasSeen = wasSeen
    }

    /// The stored text: time, flags, and the rest on lines of their own.
    var text: String {
        "\(self.last.milliseconds) \(self.wasSeen ? 1 : 0) \(self.isMissing ? 1 : 0)\n\(self.source)\n\(self.subject)"
    }

    /// - Returns: `nil` for a text that is none.
    init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let numbers = (lines.first ?? "").split(separator: " ").compactMap { Int64($0) }
        guard lines.count == 3, numbers.count == 3 else { return nil }
        self.init(last: Timestamp(milliseconds: numbers[0]), wasSeen: numbers[1] == 1)
        self.isMissing = numbers[2] == 1
        (self.source, self.subject) = (String(lines[1]), String(lines[2]))
    }

    /// The event about an absence that begins to be one.
    func missing(_ events: FlowEvents, route: String, key: String, expect: Expect, now: Timestamp) -> Event {
        let since = self.wasSeen ? "the last came at \(self.last)" : "none has come since \(self.last)"
        return events.event(
            title: "\(Self.name(key, route)) is missing", message: "No event for \(expect.interval.setting); \(since)",
            priority: expect.priority, tags: ["missing"],
            payload: self.payload("missing", key, now), source: self.source.isEmpty ? route : self.source,
            subject: self.subject.isEmpty ? route : self.subject, now: now)
    }

    /// The event about its end.
    func returned(_ events: FlowEvents, route: String, key: String, from event: Event, now: Timestamp) -> Event {
        let absence = Duration.milliseconds(max(0, now.milliseconds - self.last.milliseconds) / 1000 * 1000)
        return events.event(
            title: "\(Self.name(key, route)) is back", message: "First event after \(absence.setting)", priority: nil,
            tags: ["returned"], payload: self.payload("returned", key, now), source: event.source, subject: event.subject,
            now: now)
    }

    private func payload(_ state: String, _ key: String, _ now: Timestamp) -> ByteBuffer {
        FlowEvents.object([
            ("expect", .text(state)), ("key", key.isEmpty ? nil : .text(key)),
            ("last", self.wasSeen ? .text(self.last.description) : nil),
            ("seconds", .number(max(0, now.milliseconds - self.last.milliseconds) / 1000)),
        ])
    }

    private static func name(_ key: String, _ route: String) -> String { key.isEmpty ? route : key }
}
