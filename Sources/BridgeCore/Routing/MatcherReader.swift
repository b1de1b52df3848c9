/// Reads one mapping of `match:`.
struct MatcherReader {
    private static let names = FilterDeclarations.keys.map(\.name)
    /// For messages.
    private static let knownKeys = Self.names.joined(separator: ", ")
    private let container: KeyedDecodingContainer<SettingKey>
    private let path: [any CodingKey]
    /// Conditions that can never hold.
    private(set) var warnings: [SettingError] = []

    init(_ decoder: any Decoder) throws {
        self.path = decoder.codingPath
        do {
            self.container = try decoder.container(keyedBy: SettingKey.self)
        } catch is DecodingError {
            let isText = (try? decoder.singleValueContainer().decode(String.self)) != nil
            throw SettingError(
                path: decoder.codingPath,
                "a filter is a mapping with keys of \(Self.knownKeys)\(isText ? "; a jq expression is written under 'when'" : "")"
            )
        }
    }

    /// The conditions, one or more per key, in the order of the keys' names.
    mutating func parts() throws -> [Predicate] {
        let keys = self.container.allKeys.sorted { $0.stringValue < $1.stringValue }
        guard !keys.isEmpty else {
            throw SettingError(path: self.path, "a filter needs a key; use one of \(Self.knownKeys)")
        }
        var parts: [Predicate] = []
        for key in keys { parts += try self.parts(for: key) }
        return parts
    }

    private mutating func parts(for key: SettingKey) throws -> [Predicate] {
        let decoder = try self.container.superDecoder(forKey: key)
        let path = self.path + [key]
        switch key.stringValue {
        case "source": return [.source(Set(try Self.list(of: String.self, decoder, path)))]
        case "subject": return [.subject(try Self.list(of: SubjectPattern.self, decoder, path))]
        case "priority":
            let tests = try OperatorReader(decoder, path).priority()
            if !(1...5).contains(where: { priority in tests.allSatisfy { $0.holds(Double(priority)) } }) {
                self.warnings.append(
                    SettingError(path: path, "never holds, because a priority is 1 to 5; correct it or leave it out"))
            }
            return tests.map { .priority($0) }
        case "tags": return try OperatorReader(decoder, path).tags()
        case "title", "message":
            if let warning = OperatorReader.pattern(in: decoder, path) { self.warnings.append(warning) }
            let tests = try OperatorReader(decoder, path).texts()
            return key.stringValue == "title" ? tests.map { .title($0) } : tests.map { .message($0) }
        case "any": return [.any(try self.filters(decoder, path))]
        case "all": return [.all(try self.filters(decoder, path))]
        case "not": return [.not(try self.filter(decoder))]
        default: break
        }
        if let rest = Self.rest(of: key.stringValue, behind: "payload") {
            guard let payloadPath = EventPath(payload: rest) else {
                throw SettingError(
                    path: path, "'\(rest)' is not a path; write keys with dots between them, such as payload.sensors.0.temp")
            }
            if let warning = OperatorReader.comparison(in: decoder, path) { self.warnings.append(warning) }
            return try OperatorReader(decoder, path).values().map { .value(payloadPath, $0) }
        }
        if let name = Self.rest(of: key.stringValue, behind: "attributes"), !name.isEmpty {
            return try OperatorReader(decoder, path).values().map { .attribute(name.lowercased(), $0) }
        }
        if let plain = Self.plainKey(key.stringValue) {
            throw SettingError(path: path, "paths in a filter have no sign in front; write \(plain)")
        }
        if key.stringValue == "payload" || key.stringValue == "attributes" {
            throw SettingError(path: path, "needs a name behind it; write \(key.stringValue).NAME: …")
        }
        let hint = NearestName.hint(for: key.stringValue, among: Self.names, listed: Self.knownKeys)
        throw SettingError(path: path, "a filter has no key '\(key.stringValue)'\(hint)")
    }

    /// The key that is meant by a path or template of jq, such as `.payload.x`, `$subject` or `{{ .title }}`; `nil` for any other text.
    private static func plainKey(_ key: String) -> String? {
        var text = key
        if text.hasPrefix("{{"), text.hasSuffix("}}") { text = String(text.dropFirst(2).dropLast(2)).trimmingSpaces }
        guard let sign = text.first, sign == "." || sign == "$" else { return nil }
        let plain = String(text.dropFirst())
        let roots = self.names.map { $0.prefix { $0 != "." } }
        let root = plain.prefix { $0 != "." && $0 != "[" }
        return roots.contains(root) ? plain : nil
    }

    private static func rest(of key: String, behind name: String) -> String? {
        guard key.hasPrefix(name) else { return nil }
        let rest = key.dropFirst(name.count)
        if rest.first == "." { return String(rest.dropFirst()) }
        return rest.first == "[" && name == "payload" ? String(rest) : nil
    }

    private static func all(_ parts: [Predicate]) -> Predicate {
        parts.count == 1 ? parts[0] : .all(parts)
    }

    /// A filter within this one.
    private mutating func filter(_ decoder: any Decoder) throws -> Predicate {
        var reader = try MatcherReader(decoder)
        let parts = try reader.parts()
        self.warnings += reader.warnings
        return Self.all(parts)
    }

    /// A list of filters.
    private mutating func filters(_ decoder: any Decoder, _ path: [any CodingKey]) throws -> [Predicate] {
        guard var container = try? decoder.unkeyedContainer() else {
            throw SettingError(path: path, "must be a list of filters, each with a '-' in front")
        }
        var filters: [Predicate] = []
        while !container.isAtEnd {
            filters.append(try self.filter(container.superDecoder()))
        }
        guard !filters.isEmpty else { throw SettingError(path: path, "the list of filters is empty") }
        return filters
    }

    /// One value or a list of them.
    private static func list<Value: Decodable>(of type: Value.Type, _ decoder: any Decoder, _ path: [any CodingKey]) throws
        -> [Value]
    {
        guard var container = try? decoder.unkeyedContainer() else { return [try Value(from: decoder)] }
        var values: [Value] = []
        while !container.isAtEnd { values.append(try container.decode(Value.self)) }
        guard !values.isEmpty else { throw SettingError(path: path, "the list is empty; leave the key out to match everything") }
        return values
    }
}
