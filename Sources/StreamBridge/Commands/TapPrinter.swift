import ArgumentParser
import BridgeCore
import NIOCore

/// Prints the lines of a tap: those that a condition selects, and the rates on standard error.
///
/// For one thread.
final class TapPrinter {
    private let isText: Bool
    private let condition: (any Expression)?
    private let limit: Int?
    private var printed = 0
    private var seen = (events: 0, time: ContinuousClock.now)
    private var hasFailed = false
    /// Why nothing more can be printed; `nil` when everything was.
    private(set) var failure: String?

    /// - Parameters:
    ///   - isText: whether events are printed for people, and not as they come.
    ///   - limit: how many events are printed; `nil` for no limit.
    init(isText: Bool, condition: (any Expression)?, limit: Int?) {
        self.isText = isText
        self.condition = condition
        self.limit = limit
    }

    /// Prints a line of the tap.
    ///
    /// - Returns: whether more are wanted.
    func print(_ line: ByteBuffer) -> Bool {
        guard let value = PlainValue(json: line) else { return true }
        if let status = value["status"] {
            if self.isText { self.report(status) } else { self.write(line) }
            return self.failure == nil
        }
        guard let event = value["event"], self.selects(event, value) else { return true }
        if self.isText { self.write(ByteBuffer(string: Self.text(of: event, value))) } else { self.write(line) }
        self.printed += 1
        return self.failure == nil && self.printed != self.limit
    }

    private func write(_ line: ByteBuffer) {
        do {
            try StandardOutput.write { try $0.add(line: line) }
        } catch {
            // The reason is on standard error already.
            self.failure = "the output cannot be written"
        }
    }

    /// `12:00:01.123 home zigbee2mqtt/door [4] door — opened (contact)`.
    private static func text(of event: PlainValue, _ line: PlainValue) -> String {
        func text(_ value: PlainValue?) -> String { value?.text.map(SafeText.sentence) ?? "" }
        let time = text(line["time"]).drop { $0 != "T" }.dropFirst().prefix(12)
        let route = line["route"].map { " by \(text($0))" } ?? ""
        let priority = event["priority"].map { " [\(String(buffer: $0.json))]" } ?? ""
        let title = text(event["title"])
        var tags = ""
        if case .list(let items)? = event["tags"] { tags = " (\(items.map { text($0) }.joined(separator: ", ")))" }
        let words = [title, text(event["message"])].filter { !$0.isEmpty }.joined(separator: " — ")
        return "\(time) \(text(line["source"])) \(text(line["subject"]))\(route)\(priority) \(words)\(tags)"
    }

    private func selects(_ event: PlainValue, _ line: PlainValue) -> Bool {
        guard let condition else { return true }
        var attributes = Attributes()
        if case .object(let members)? = line["attributes"] {
            for (name, value) in members { attributes.append(name, value.text ?? "") }
        }
        let input = Event(
            id: event["id"]?.text ?? "", title: nil, message: "", priority: nil, tags: [], timestamp: .now(), payload: nil,
            json: event.json, source: line["source"]?.text ?? "", subject: line["subject"]?.text ?? "", attributes: attributes,
            raw: ByteBuffer())
        do {
            return try condition.evaluate(ExpressionInput(event: input, now: .now())).isTrue
        } catch {
            if !self.hasFailed { ConfigurationInput.complain("--where fails for an event, which is not shown: \(error)") }
            self.hasFailed = true
            return false
        }
    }

    private func report(_ status: PlainValue) {
        func number(_ name: String) -> Int { status[name].flatMap { Int(String(buffer: $0.json)) } ?? 0 }
        let (events, dropped, now) = (number("events"), number("dropped"), ContinuousClock.now)
        let seconds = Double((now - self.seen.time).milliseconds) / 1000
        let rate = seconds > 0 ? Double(events - self.seen.events) / seconds : 0
        self.seen = (events, now)
        let missed = dropped > 0 ? ", \(dropped) not shown because they came too fast" : ""
        ConfigurationInput.complain("# \(Rate.text(rate)) events/s, \(events) in all\(missed)")
    }
}
