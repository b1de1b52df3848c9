/// Helpers with which every adapter decodes its settings, with defaults and with units in the values.
///
/// Each throws errors with the coding path, so that the loader can report line and column.
extension KeyedDecodingContainer {
    /// An optional value with a default for an absent or null key.
    ///
    /// - Throws: `DecodingError` for a value of another type, and what the type throws.
    package func value<Value: Decodable>(_ key: Key, default fallback: Value) throws -> Value {
        try self.decodeIfPresent(Value.self, forKey: key) ?? fallback
    }

    /// An optional value; `nil` when the key is absent or null.
    package func optional<Value: Decodable>(_ key: Key, as type: Value.Type = Value.self) throws -> Value? {
        try self.decodeIfPresent(Value.self, forKey: key)
    }

    /// An optional value that protects something; a key without a value is an error.
    ///
    /// A user who writes the key expects protection; an ignored empty value would remove it without a message.
    ///
    /// - Throws: ``SettingError`` for a null value.
    package func protection<Value: Decodable>(_ key: Key, as type: Value.Type = Value.self) throws -> Value? {
        guard self.contains(key) else { return nil }
        guard try !self.decodeNil(forKey: key) else {
            throw SettingError(path: self.codingPath + [key], "has no value; write one or leave it out")
        }
        return try self.decode(Value.self, forKey: key)
    }

    /// A required value.
    ///
    /// - Throws: `DecodingError.keyNotFound` when it is absent.
    package func required<Value: Decodable>(_ key: Key, as type: Value.Type = Value.self) throws -> Value {
        try self.decode(Value.self, forKey: key)
    }

    /// Refuses a number or a boolean where text is meant; in quotes it is text.
    ///
    /// - Parameter noun: what the text is, such as `a tag`.
    /// - Throws: ``SettingError`` for a number or a boolean.
    package func refuseNumber(_ key: Key, meaning noun: String) throws {
        let isNumber = (try? self.decode(Double.self, forKey: key)) != nil || (try? self.decode(Bool.self, forKey: key)) != nil
        guard isNumber else { return }
        throw SettingError(path: self.codingPath + [key], "must be text; write it in quotes if it is meant as \(noun)")
    }

    /// An optional integer within a range.
    ///
    /// - Throws: ``SettingError`` for a value outside the range.
    package func integer(_ key: Key, in range: ClosedRange<Int>, default fallback: Int) throws -> Int {
        guard let value = try self.decodeIfPresent(Int.self, forKey: key) else { return fallback }
        guard range.contains(value) else {
            throw SettingError(
                path: self.codingPath + [key], "\(value) is out of range; \(range.lowerBound) to \(range.upperBound) is allowed"
            )
        }
        return value
    }

    /// An optional duration with a default; see ``duration(_:)``.
    package func duration(_ key: Key, default fallback: Duration) throws -> Duration {
        try self.duration(key) ?? fallback
    }

    /// An optional duration such as `500ms`, `30s`, `5m`, `24h` or `7d`; `nil` when it is absent.
    ///
    /// - Throws: ``SettingError`` for any other text.
    package func duration(_ key: Key) throws -> Duration? {
        guard let text = try self.decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let duration = Duration(setting: text) else {
            throw SettingError(
                path: self.codingPath + [key],
                "'\(text)' is not a span of time; write a number and ms, s, m, h or d, such as \(Duration.example(near: text))"
            )
        }
        return duration
    }

    /// An optional number of bytes such as `512`, `64KiB`, `16MiB` or `1GiB`.
    ///
    /// - Throws: ``SettingError`` for any other text.
    package func bytes(_ key: Key, default fallback: Int) throws -> Int {
        guard let text = try self.decodeIfPresent(String.self, forKey: key) else { return fallback }
        guard let count = Int(byteCountSetting: text) else {
            throw SettingError(
                path: self.codingPath + [key],
                "'\(text)' is not a size; write a number and KiB, MiB or GiB, such as \(Int.sizeExample(near: text))"
            )
        }
        return count
    }

    /// An optional case of an enumeration, by its raw value.
    ///
    /// - Throws: ``SettingError`` with the allowed values for any other text.
    package func choice<Choice: RawRepresentable & CaseIterable>(_ key: Key, default fallback: Choice) throws -> Choice
    where Choice.RawValue == String {
        guard let text = try self.decodeIfPresent(String.self, forKey: key) else { return fallback }
        guard let choice = Choice(rawValue: text) else {
            let allowed = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw SettingError(path: self.codingPath + [key], "'\(text)' is not one of \(allowed)")
        }
        return choice
    }
}

extension Duration {
    /// Parses a duration such as `500ms`, `30s`, `5m`, `24h` or `7d`; `nil` for any other text.
    ///
    /// The number is an integer or a decimal such as `1.5s`, not negative; the result is rounded to milliseconds and
    /// below 10^12 s.
    package init?(setting text: String) {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let value = Double(number), value.isFinite else { return nil }
        let factor: Double
        switch text.dropFirst(number.count) {
        case "ms": factor = 0.001
        case "s": factor = 1
        case "m": factor = 60
        case "h": factor = 3600
        case "d": factor = 86_400
        default: return nil
        }
        guard value * factor < 1e12 else { return nil }
        self = .milliseconds(Int64((value * factor * 1e3).rounded()))
    }
}

extension Duration {
    /// What a person may have meant: `10s` for `10`, `5m` for `5 min`; else any example.
    fileprivate static func example(near text: String) -> String {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let duration = Duration(setting: number + "s"), duration > .zero else { return "30s" }
        switch text.dropFirst(number.count).drop(while: { $0 == " " }).lowercased() {
        // Whoever leaves the unit out of a large number most likely thinks of milliseconds.
        case "" where duration >= .seconds(100): return number + "ms"
        case "", "sec", "secs", "second", "seconds", "s": return number + "s"
        case "min", "mins", "minute", "minutes", "m": return number + "m"
        case "hr", "hrs", "hour", "hours", "h": return number + "h"
        case "day", "days", "d": return number + "d"
        case "msec", "millis", "milliseconds", "ms": return number + "ms"
        default: return "30s"
        }
    }
}

extension Int {
    /// What a person may have meant: `1MB` for `1 MB`, `10MB` for `10M`; else any example.
    fileprivate static func sizeExample(near text: String) -> String {
        let number = text.prefix { $0.isASCII && $0.isNumber }
        guard !number.isEmpty else { return "64KiB" }
        switch text.dropFirst(number.count).drop(while: { $0 == " " }).lowercased() {
        case "k", "kb": return number + "kB"
        case "kib": return number + "KiB"
        case "m", "mb": return number + "MB"
        case "mib": return number + "MiB"
        case "g", "gb": return number + "GB"
        case "gib": return number + "GiB"
        default: return "64KiB"
        }
    }

    /// Parses a number of bytes: `512`, `64KiB`, `16MiB`, `1GiB`, or `B`, `kB`, `MB`, `GB` in powers of 1000; `nil` for
    /// any other text.
    package init?(byteCountSetting text: String) {
        let number = text.prefix { $0.isASCII && $0.isNumber }
        guard let value = Int(number) else { return nil }
        let factor: Int
        switch text.dropFirst(number.count) {
        case "", "B": factor = 1
        case "KiB": factor = 1 << 10
        case "MiB": factor = 1 << 20
        case "GiB": factor = 1 << 30
        case "kB": factor = 1000
        case "MB": factor = 1_000_000
        case "GB": factor = 1_000_000_000
        default: return nil
        }
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        self = product
    }
}
