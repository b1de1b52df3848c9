import BridgeCore
import JSON
import NIOCore

/// Converts events to and from the columns of their tables.
///
/// Not thread-safe: it has one parser.
final class EventRows {
    /// The value of `raw` for a body that is the event's JSON itself.
    private static let rawIsJSON: Int64 = 1

    let bridge: String
    private let parser = JSONParser(levels: EventColumns.levels)
    private var known: [[StoredEvent.Target]: String] = [:]
    /// The targets of the last event with their column; the events of one plan share one array.
    private var last: (targets: [StoredEvent.Target], text: String)?
    private var parsed: [String: [StoredEvent.Target]] = [:]
    /// The attributes of the last event with their column; most events of one source have the same ones.
    private var attributes: (value: Attributes, text: String)?

    init(bridge: String) {
        self.bridge = bridge
    }

    /// The text of the column `targets`, cached because most rows have the same targets.
    func text(of targets: [StoredEvent.Target]) -> String {
        if let last, last.targets.sharesStorage(with: targets) { return last.text }
        let text = self.known[targets] ?? self.written(targets)
        self.last = (targets, text)
        return text
    }

    private func written(_ targets: [StoredEvent.Target]) -> String {
        var json = ByteBuffer()
        for (index, target) in targets.enumerated() {
            json.writeString(index == 0 ? "[[" : ",[")
            JSONWriter.write(target.sink, to: &json)
            json.writeString(",")
            JSONWriter.write(target.route, to: &json)
            json.writeString(",\(target.variant),\(target.copy)")
            if let key = target.key {
                json.writeString(",")
                JSONWriter.write(key.text, to: &json)
                json.writeString(",\(key.window.milliseconds)")
            }
            json.writeString("]")
        }
        json.writeString(targets.isEmpty ? "[]" : "]")
        let text = String(buffer: json)
        if targets.allSatisfy({ $0.key == nil }) {
            if self.known.count >= 1024 { self.known.removeAll() }
            self.known[targets] = text
        }
        return text
    }

    /// Parses the column `targets`.
    ///
    /// - Returns: `nil` when the text is not an array.
    func targets(_ text: String) -> [StoredEvent.Target]? {
        if let known = self.parsed[text] { return known }
        guard let root = try? self.parser.parse(ByteBuffer(string: text)), root.kind == .array else { return nil }
        var targets: [StoredEvent.Target] = []
        root.forEachItem { item in
            var texts: [String] = []
            var numbers: [Int] = []
            item.forEachItem { part in
                if let text = part.string { texts.append(text) } else { numbers.append(part.integer.map { Int($0) } ?? 0) }
            }
            guard texts.count >= 2, numbers.count >= 2 else { return }
            let key = texts.count > 2 && numbers.count > 2 ? DedupeKey(text: texts[2], window: .milliseconds(numbers[2])) : nil
            targets.append(
                StoredEvent.Target(sink: texts[0], route: texts[1], variant: numbers[0], copy: numbers[1], key: key)
            )
        }
        if targets.allSatisfy({ $0.key == nil }) {
            if self.parsed.count >= 1024 { self.parsed.removeAll() }
            self.parsed[text] = targets
        }
        return targets
    }

    /// The text of the column `copies`: one line each with the subject, a tab and the JSON; `nil` when there are none.
    func text(of copies: [Event]) -> String? {
        guard !copies.isEmpty else { return nil }
        return copies.map { "\($0.subject)\t\(String(buffer: $0.json))" }.joined(separator: "\n")
    }

    func copies(_ text: String?, of event: Event, _ columns: EventColumns) -> [Event]? {
        guard let text else { return [] }
        var copies: [Event] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard let tab = line.firstIndex(of: "\t") else { return nil }
            var own = columns
            own.subject = String(line[..<tab])
            own.json = ByteBuffer(substring: line[line.index(after: tab)...])
            own.raw = .own(event.raw)
            guard let copy = own.event(bridge: self.bridge, parser: self.parser) else { return nil }
            copies.append(copy)
        }
        return copies
    }

    /// Binds the seven columns of an event, from `first` on, while `body` runs.
    func bind(_ event: Event, to statement: SQLiteStatement, from first: Int32, _ body: () throws -> Void) rethrows {
        let known = self.attributes.flatMap { $0.value == event.attributes ? $0.text : nil }
        let columns = EventColumns(event, bridge: self.bridge, attributes: known)
        if known == nil, let text = columns.attributes { self.attributes = (event.attributes, text) }
        statement.bind(first, columns.source).bind(first + 1, columns.subject)
        statement.bind(first + 4, columns.attributes).bind(first + 5, columns.provenance).bind(first + 6, Int64(columns.kind))
        try statement.withText(first + 2, columns.json) {
            switch columns.raw {
            case .payload: try statement.withBlob(first + 3, nil, body)
            case .json:
                statement.bind(first + 3, Self.rawIsJSON)
                try body()
            case .own(let bytes): try statement.withBlob(first + 3, bytes, body)
            }
        }
    }

    /// Reads the seven columns of an event, from `first` on.
    func columns(_ row: SQLiteStatement, from first: Int32) -> EventColumns {
        let raw: EventColumns.Raw =
            if row.isInteger(first + 3) { .json } else if let bytes = row.buffer(first + 3) { .own(bytes) } else { .payload }
        return EventColumns(
            source: row.text(first) ?? "", subject: row.text(first + 1) ?? "", json: row.buffer(first + 2) ?? ByteBuffer(),
            raw: raw, attributes: row.text(first + 4), provenance: row.text(first + 5),
            kind: Int(row.integer(first + 6))
        )
    }

    func event(_ columns: EventColumns) -> Event? { columns.event(bridge: self.bridge, parser: self.parser) }
}
