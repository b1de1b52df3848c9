import JSON
import NIOCore

/// `{ from: .priority, map: { 5: critical }, default: warning }` or `{ join: […], with: ": " }` in a structure: a value of the
/// event, looked up in a table, or made fit for its receiver.
///
/// Native, unless `from` is jq that is not a plain path. Unlike `{{ .priority }}`, it has no default of its own.
struct JSONValue: SettingGroup {
    /// How a value is written.
    enum Form: String, Sendable, CaseIterable {
        /// A time as whole seconds since 1970, a number.
        case unix
        /// A value with its structure; as a text, cut, where its JSON is longer than `limit_bytes`.
        case json
    }

    private var part: Template.Part?
    private var parts: [JSONTemplate]?
    private var cuts: [TextPart] = []
    private var table: [String: JSONTemplate]?
    private var standard: JSONTemplate?
    private var separator: String?
    private var limit: Int?
    private var limitBytes: Int?
    private var ellipsis: String?
    private var markup: TextEscape.Markup?
    private var replacements: [String: String]?
    private var before: String?
    private var after: String?
    private var form: Form?
    /// Made of the settings above.
    private var entries: [FoldedText: JSONTemplate] = [:]
    private var escape: TextEscape?
    private var limits: [TextLimit] = []
    private var isText = false

    static let settings = Settings<Self> {
        Setting("from", \.part, .expression, "Where the value is: a path such as .priority, or other jq").example(".priority")
        Setting("join", \.parts, .list(of: .json), "Texts to put together, without those that the event does not have").example(
            "[{ from: .title }, { from: .message }]"
        )
        .excluding("from", "map", "as", "part", else: "join stands alone; write map, part or as in its items")
        Setting("part", \.cuts, .parts, "Which part of a text counts: a pattern with {} at its place, such as '{} is down'")
            .example(
                "'{} is down'"
            )
            .needing("from", else: "belongs to from; add from: with the path of the text")
        Setting("map", \.table, .mapping(of: .json), "What each value stands for, in any case").example(
            "{ 4: high, 5: critical }"
        )
        .needing("from", else: "a map needs from; write a path such as .priority")
        Setting(
            "default", \.standard, .json, "What counts where there is no value, or one that map does not have; null leaves it out"
        ).example("normal").readingNothing()
        Setting("with", \.separator, .text, default: "', ', and a space for join", "Text between the items of a list").example(
            "', '")
        Setting("limit", \.limit, .integer(in: 1...1_000_000), "Longest text in Unicode characters")
        Setting("limit_bytes", \.limitBytes, .integer(in: 1...4_000_000), "Longest text in bytes of UTF-8")
        Setting("ellipsis", \.ellipsis, .text, "What a text ends with that was cut, such as …").example("…")
        Setting("escape", \.markup, .choice, "Markup of the receiver, in which the text stands")
        Setting("replace", \.replacements, .mapping(of: .text), "Other texts for single characters").example("{ '&': and }")
        Setting("before", \.before, .text, "Markup before a text; it does not count in the limit").example("<b>")
        Setting("after", \.after, .text, "Markup after a text; it does not count in the limit").example("</b>")
        Setting(
            "as", \.form, .choice, "unix writes a time as seconds since 1970; json keeps structure, up to limit_bytes of JSON"
        )
        .needing("from", else: "as needs from; write a path such as .timestamp")
    }

    init() {}

    init(_ decoder: any Decoder) throws {
        try self.init(settings: decoder)
        let keys = (self.table ?? [:]).keys
        self.entries = Dictionary((self.table ?? [:]).map { (FoldedText($0.key), $0.value) }) { first, _ in first }
        guard self.entries.count == keys.count else {
            throw SettingError(
                path: decoder.codingPath + [SettingKey("map")],
                "has two keys that differ only by case, which does not matter; remove one")
        }
        var own: [Unicode.Scalar: String] = [:]
        for (key, text) in self.replacements ?? [:] {
            guard let scalar = key.unicodeScalars.first, key.unicodeScalars.count == 1 else {
                throw SettingError(path: decoder.codingPath + [SettingKey("replace")], "'\(key)' is not a single character")
            }
            own[scalar] = text
        }
        if self.markup != nil || !own.isEmpty { self.escape = TextEscape(self.markup, own) }
        if let limit { self.limits.append(TextLimit(count: limit, unit: .characters, ellipsis: self.ellipsis ?? "")) }
        if let limitBytes { self.limits.append(TextLimit(count: limitBytes, unit: .bytes, ellipsis: self.ellipsis ?? "")) }
        if self.form == .json {
            let excluded: [(key: String, isSet: Bool)] = [
                ("map", self.table != nil), ("part", !self.cuts.isEmpty), ("with", self.separator != nil),
                ("limit", self.limit != nil),
                ("escape", self.markup != nil), ("replace", !own.isEmpty), ("before", self.before != nil),
                ("after", self.after != nil),
            ]
            if let key = excluded.first(where: \.isSet)?.key {
                throw SettingError(
                    path: decoder.codingPath + [SettingKey(key)],
                    "changes a text, and as: json keeps the value as it is; leave one of them out")
            }
            return
        }
        self.isText =
            self.parts != nil || self.separator != nil || self.escape != nil || !self.limits.isEmpty || self.before != nil
            || self.after != nil || !self.cuts.isEmpty && self.table == nil
        let values = (self.parts ?? []) + (self.isText ? Array(self.entries.values) : [])
        guard values.allSatisfy(\.isText), !self.isText || self.standard?.isText != false else {
            throw SettingError(path: decoder.codingPath, "is a text, so a mapping or a list cannot be a part of it")
        }
    }

    /// Whether it can be part of a text: a map may hold anything.
    var mayBeText: Bool { self.entries.values.allSatisfy(\.isText) && self.standard?.isText != false }

    /// - Returns: false when there is no value, and nothing was written.
    func write(_ reader: EventReader, to json: inout ByteBuffer) throws -> Bool {
        guard let part, !self.isText else {
            let text = try self.shaped(reader)
            guard !text.isEmpty else { return false }
            JSONWriter.write(text.text, to: &json)
            return true
        }
        if self.table == nil, self.form != .unix {
            let start = json.writerIndex
            // A text without anything to read is no value.
            if try Template.writeOwnValue(of: part, reader, to: &json) {
                if try !self.isBlank(json, from: start, part, reader) {
                    self.limits.first.map { Self.cut(&json, from: start, to: $0) }
                    return true
                }
                json.moveWriterIndex(to: start)
            }
            return try self.standard?.write(reader, to: &json) ?? false
        }
        let texts = try self.texts(of: part, reader)
        guard texts.count <= 1 else {
            JSONWriter.write(try self.shaped(reader).text, to: &json)
            return true
        }
        guard let text = texts.first else { return try self.standard?.write(reader, to: &json) ?? false }
        if self.table != nil { return try self.entry(for: text).write(reader, to: &json) }
        json.writeString(try self.time(text))
        return true
    }

    /// Whether a written value is a text without anything to read.
    private func isBlank(_ json: ByteBuffer, from start: Int, _ part: Template.Part, _ reader: EventReader) throws -> Bool {
        guard json.getInteger(at: start, as: UInt8.self) == UInt8(ascii: "\""),
            let first = json.getInteger(at: start + 1, as: UInt8.self)
        else { return false }
        // Any other begins with a letter, a digit or a sign.
        let mayBeBlank =
            first == UInt8(ascii: "\"") || first == UInt8(ascii: "\\") || first == UInt8(ascii: " ") || first >= 0x80
        return try mayBeBlank && self.texts(of: part, reader).isEmpty
    }

    /// Makes a value that is longer than the limit a text that is cut.
    private static func cut(_ json: inout ByteBuffer, from start: Int, to limit: TextLimit) {
        let length = json.writerIndex - start
        guard length > limit.count, let whole = json.getString(at: start, length: length) else { return }
        var text = ShapedText(whole)
        text.cut(to: limit)
        json.moveWriterIndex(to: start)
        JSONWriter.write(text.text, to: &json)
    }

    /// The text; empty when there is no value.
    func shaped(_ reader: EventReader) throws -> ShapedText {
        var text = ShapedText()
        if let parts {
            for part in parts { text.append(try part.shaped(reader), separator: self.separator ?? " ") }
        } else if let part {
            for value in try self.texts(of: part, reader) {
                let shaped =
                    if self.table != nil {
                        try self.entry(for: value).shaped(reader)
                    } else {
                        ShapedText(try self.form == .unix ? self.time(value) : value)
                    }
                text.append(shaped, separator: self.separator ?? ", ")
            }
        }
        if text.isEmpty, let standard { text = try standard.shaped(reader) }
        guard !text.isEmpty else { return text }
        if let escape { text.escape(escape) }
        for limit in self.limits { text.cut(to: limit) }
        text.surround(self.before ?? "", self.after ?? "")
        return text
    }

    private func texts(of part: Template.Part, _ reader: EventReader) throws -> [String] {
        try FieldLookup(part: part, table: nil, standard: nil, zone: nil, cuts: self.cuts).texts(reader).filter { !$0.isBlank }
    }

    private func entry(for text: String) throws -> JSONTemplate {
        guard let entry = self.entries[FoldedText(text)] ?? self.standard else {
            throw ExpressionError("'\(text.prefix(100))' is not in the map, which has no default", quotesEvent: true)
        }
        return entry
    }

    private func time(_ text: String) throws -> String {
        guard let time = Timestamp(lenient: text) else {
            throw ExpressionError("'\(text.prefix(100))' is not a time", quotesEvent: true)
        }
        return String(time.milliseconds / 1000)
    }

    /// The structures in it.
    private var inner: [JSONTemplate] { (self.parts ?? []) + Array(self.entries.values) + [self.standard].compactMap { $0 } }

    /// Its templates and its path.
    var templates: [Template] { [self.part].compactMap { $0.map(Template.init(part:)) } + self.inner.flatMap(\.templates) }

    /// The texts of the file.
    var texts: [String] {
        [self.before, self.after, self.separator].compactMap { $0 } + Array((self.replacements ?? [:]).values)
            + self.inner.flatMap(\.texts)
    }
}
