/// How every adapter reads its settings: with a default where there is one, and with the unit in the value.
///
/// All of them throw errors that carry the coding path, so the loader can show line and column.
extension KeyedDecodingContainer {
    /// A value that may be left out.
    package func value<Value: Decodable>(_ key: Key, default fallback: Value) throws -> Value {
        try self.decodeIfPresent(Value.self, forKey: key) ?? fallback
    }

    /// A value that may be left out and then is absent.
    package func optional<Value: Decodable>(_ key: Key, as type: Value.Type = Value.self) throws -> Value? {
        try self.decodeIfPresent(Value.self, forKey: key)
    }

    /// A value that protects something and may be left out, but not written as nothing.
    ///
    /// Whoever writes the key wants protection; without its value there would be none, and nobody would be told.
    package func protection<Value: Decodable>(_ key: Key, as type: Value.Type = Value.self) throws -> Value? {
        guard self.contains(key) else { return nil }
        guard try !self.decodeNil(forKey: key) else {
            throw SettingError(path: self.codingPath + [key], "has no value; write one or leave it out")
        }
        return try self.decode(Value.self, forKey: key)
    }

    /// A value that must be there.
    package func required<Value: Decodable>(_ key: Key, as type: Value.Type = Value.self) throws -> Value {
        try self.decode(Value.self, forKey: key)
    }

    /// A number within bounds.
    package func integer(_ key: Key, in range: ClosedRange<Int>, default fallback: Int) throws -> Int {
        guard let value = try self.decodeIfPresent(Int.self, forKey: key) else { return fallback }
        guard range.contains(value) else {
            throw SettingError(
                path: self.codingPath + [key], "\(value) is out of range; \(range.lowerBound) to \(range.upperBound) is allowed"
            )
        }
        return value
    }

    /// A span of time such as `500ms`, `30s`, `5m`, `24h`, `7d`.
    package func duration(_ key: Key, default fallback: Duration) throws -> Duration {
        try self.duration(key) ?? fallback
    }

    /// A span of time that may be absent.
    package func duration(_ key: Key) throws -> Duration? {
        guard let text = try self.decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let duration = Duration(setting: text) else {
            throw SettingError(
                path: self.codingPath + [key], "'\(text)' is not a span of time; write a number and ms, s, m, h or d, such as 30s"
            )
        }
        return duration
    }

    /// A number of bytes such as `512`, `64KiB`, `16MiB`, `1GiB`.
    package func bytes(_ key: Key, default fallback: Int) throws -> Int {
        guard let text = try self.decodeIfPresent(String.self, forKey: key) else { return fallback }
        guard let count = Int(byteCountSetting: text) else {
            throw SettingError(
                path: self.codingPath + [key], "'\(text)' is not a size; write a number and KiB, MiB or GiB, such as 64KiB"
            )
        }
        return count
    }

    /// One of the cases of an enumeration, by its raw value.
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
    /// Reads `500ms`, `30s`, `5m`, `24h`, `7d`; whole numbers or decimals such as `1.5s`, not negative.
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

extension Int {
    /// Reads a number of bytes: `512`, `64KiB`, `16MiB`, `1GiB`, and `B`, `kB`, `MB`, `GB` in powers of 1000.
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
