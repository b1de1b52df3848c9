import JSON

/// The fields of a JSON value as words: `battery: 87, occupancy: true`.
///
/// Nested names are written before the name: `ENERGY Power: 12`. Left out are empty values, addresses, the time of the message, what the
/// title says, and names that begin with `_`. At most ``fieldLimit`` fields and about ``byteLimit`` bytes; then `…`.
struct FieldSentence {
    /// How many fields are written.
    static let fieldLimit = 30
    /// The length after which no further field is written, in bytes.
    static let byteLimit = 600
    /// How much of one value is written, in bytes.
    static let valueLimit = 160

    /// How many objects of a list are written.
    static let objectLimit = 4

    /// Names of objects that wrap what a message is about.
    private static let envelopes = [
        "params", "data", "after", "new_state", "newState", "payload", "object", "properties", "fields", "event_data", "body",
    ]
    /// Names of lists that say nothing about their items.
    private static let lists: Set<String> = ["events", "items", "records", "messages", "results", "values", "list"]
    /// Names whose value needs no name when there is no other field.
    private static let plain: Set<String> = [
        "value", "state", "status", "result", "data", "payload", "val", "v", "event", "action",
    ]

    private var text = ""
    private var count = 0
    private var last: (name: String, value: String) = ("", "")
    private var isCut = false
    private let title: String
    /// Names that are left out.
    private let excluded: Set<String>

    /// Writes the fields of a value.
    ///
    /// - Parameters:
    ///   - value: an object or an array.
    ///   - title: what needs no repeating.
    ///   - excluded: names of members that are left out.
    /// - Returns: `nil` when nothing is left to say.
    static func of(_ value: JSONElement, title: String?, without excluded: Set<String> = []) -> String? {
        var sentence = Self(title: title ?? "", excluded: excluded)
        switch value.kind {
        case .object:
            sentence.add(self.content(of: value, levels: 3), under: "", levels: 3)
            if sentence.count == 0 { sentence.add(self.unwrapped(value).value, under: "", levels: self.deepest) }
        case .array: sentence.add(items: value)
        default: return nil
        }
        guard sentence.count > 0 else { return nil }
        if sentence.count == 1, !sentence.isCut, self.plain.contains(sentence.last.name) { return sentence.last.value }
        return sentence.isCut ? sentence.text + ", …" : sentence.text
    }

    /// How many levels of objects are read where there is nothing to say at the first three.
    private static let deepest = 8

    /// The object within objects and lists that have nothing else, and the number of those.
    static func unwrapped(_ value: JSONElement) -> (value: JSONElement, levels: Int) {
        var value = value
        var levels = 0
        while levels < 16 {
            var only: JSONElement?
            var hasOne = value.count == 1
            if value.kind == .object {
                value.whileMembers { name, inner in
                    hasOne = hasOne && !SecretName.matches(name)
                    only = inner
                    return false
                }
            } else {
                only = value[0]
            }
            guard hasOne, let only, only.kind == .object || only.kind == .array && only[0]?.kind == .object else { break }
            value = only
            levels += 1
        }
        return (value, levels)
    }

    private init(title: String, excluded: Set<String>) {
        self.title = title
        self.excluded = excluded
        self.text.reserveCapacity(128)
    }

    /// The object that the message is about: one with a name that wraps, unless the object around it has values of its own.
    private static func content(of object: JSONElement, levels: Int) -> JSONElement {
        guard levels > 0 else { return object }
        for name in self.envelopes {
            guard let inner = object[name], inner.kind == .object, inner.count > 0 else { continue }
            return self.hasValues(object) ? object : self.content(of: inner, levels: levels - 1)
        }
        return object
    }

    /// Whether an object has a number or boolean that is neither its time nor its number.
    private static func hasValues(_ object: JSONElement) -> Bool {
        var hasValues = false
        object.whileMembers { name, value in
            switch value.kind {
            case .bool: hasValues = true
            case .integer, .unsigned, .double:
                let isNumber = name.text.lowercased().hasSuffix("id") || FieldRole.match(name)?.role == .time
                hasValues = !isNumber
            default: break
            }
            return !hasValues
        }
        return hasValues
    }

    private mutating func add(_ object: JSONElement, under prefix: String, levels: Int) {
        object.whileMembers { name, value in
            guard !self.isCut else { return false }
            guard !name.isEmpty, name[0] != UInt8(ascii: "_") else { return true }
            if !self.excluded.isEmpty, self.excludes(name.text, under: prefix) { return true }
            if SecretName.matches(name) { return true }
            switch value.kind {
            case .null: break
            case .object:
                let key = name.text
                // A reference of PagerDuty names something else.
                let isReference = value["type"]?.string?.hasSuffix("_reference") == true
                if levels > 1, FieldScope.named(name).counts, !isReference {
                    self.add(value, under: prefix + key + " ", levels: levels - 1)
                }
            case .array:
                if value[0]?.kind == .object {
                    guard levels > 1, FieldScope.named(name).counts else { return true }
                    let key = name.text
                    let inner = Self.envelopes.contains(key) || Self.lists.contains(key) ? prefix : prefix + key + " "
                    self.add(objects: value, under: inner, levels: levels - 1)
                } else if FieldRole.match(name)?.role != .tags, let list = self.list(value) {
                    self.add(prefix, name, list)
                }
            default:
                let role = FieldRole.match(name)?.role
                if role == .tags || role == .time && JSONFields.time(value) != nil { return true }
                if role == nil, Self.isAddressOrTime(name, value) { return true }
                // The numbers of parts, such as `series id`, mean nothing to a reader.
                if !prefix.isEmpty, Self.isIdentifier(name) { return true }
                self.add(prefix, name, value.text())
            }
            return true
        }
    }

    /// Whether a member is left out, by its name or by its path such as `ENERGY.Power`.
    private func excludes(_ name: String, under prefix: String) -> Bool {
        if self.excluded.contains(name) { return true }
        return !prefix.isEmpty && self.excluded.contains(prefix.replacing(" ", with: ".") + name)
    }

    /// The fields of the first objects of a list.
    private mutating func add(objects: JSONElement, under prefix: String, levels: Int) {
        var rest = Self.objectLimit
        objects.forEachItem { item in
            guard rest > 0, item.kind == .object else { return }
            rest -= 1
            self.add(item, under: prefix, levels: levels)
        }
    }

    /// Whether a name ends as that of an address, such as `build_url`, or of a time, such as `pushed_at`, and the value is one.
    private static func isAddressOrTime(_ name: Span<UInt8>, _ value: JSONElement) -> Bool {
        if FieldRole.ends(name, "url") || FieldRole.ends(name, "href") || FieldRole.ends(name, "uri") {
            return value.kind == .string
        }
        guard FieldRole.ends(name, "at"), name.text.hasSuffix("_at") || name.text.hasSuffix("At") else { return false }
        return JSONFields.time(value) != nil
    }

    /// Whether a name is `id` or ends in it: `jobId`, `series_id`, `uuid`.
    private static func isIdentifier(_ name: Span<UInt8>) -> Bool {
        let text = name.text
        return text.hasSuffix("id") && (text == "id" || text.hasSuffix("_id") || text.hasSuffix("uid")) || text.hasSuffix("Id")
            || text.hasSuffix("ID") || text.hasSuffix("slug") || text.hasSuffix("Slug")
    }

    private mutating func add(_ prefix: String, _ name: Span<UInt8>, _ value: String) {
        guard !value.isEmpty, value != self.title, !Self.isUUID(value), !value.hasPrefix("http://"), !value.hasPrefix("https://")
        else { return }
        guard self.count < Self.fieldLimit, self.text.utf8.count < Self.byteLimit else {
            self.isCut = true
            return
        }
        self.last = (name.text, Self.shortened(value))
        if self.count > 0 { self.text += ", " }
        self.text += prefix
        self.text += self.last.name
        self.text += ": "
        self.text += self.last.value
        self.count += 1
    }

    /// The scalars of a list; `nil` when it has none.
    private func list(_ array: JSONElement) -> String? {
        var texts: [String] = []
        array.forEachItem { item in
            guard texts.count < 10, item.kind != .object, item.kind != .array else { return }
            let text = item.text()
            if !text.isEmpty { texts.append(Self.shortened(text)) }
        }
        return texts.isEmpty ? nil : texts.joined(separator: " / ")
    }

    /// The items of a list: scalars with commas, objects with semicolons between them.
    private mutating func add(items array: JSONElement) {
        array.forEachItem { item in
            guard !self.isCut else { return }
            let part: String?
            switch item.kind {
            case .object: part = Self.of(item, title: self.title, without: self.excluded)
            case .array: part = self.list(item)
            default: part = Self.shortened(item.text())
            }
            guard let part, !part.isEmpty else { return }
            guard self.count < Self.fieldLimit, self.text.utf8.count < Self.byteLimit else {
                self.isCut = true
                return
            }
            if self.count > 0 { self.text += item.kind == .object ? "; " : ", " }
            self.text += part
            self.count += 1
        }
    }

    /// Whether a value is a UUID (RFC 9562 §4).
    static func isUUID(_ value: String) -> Bool {
        value.utf8.count == 36
            && value.utf8.enumerated().allSatisfy { index, byte in
                [8, 13, 18, 23].contains(index) ? byte == UInt8(ascii: "-") : byte.isHexDigit
            }
    }

    private static func shortened(_ value: String) -> String {
        guard value.utf8.count > self.valueLimit else { return value }
        var end = value.utf8.index(value.startIndex, offsetBy: self.valueLimit)
        while String.Index(end, within: value) == nil { end = value.utf8.index(before: end) }
        return value[..<end] + "…"
    }
}

extension UInt8 {
    fileprivate var isHexDigit: Bool { (0x30...0x39).contains(self) || (0x61...0x66).contains(self | 0x20) }
}
