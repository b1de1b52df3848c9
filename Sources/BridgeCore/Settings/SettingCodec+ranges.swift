extension SettingCodec where Value == Int {
    /// A whole number within a range.
    package static func integer(in range: ClosedRange<Int>) -> Self {
        Self.value(.integer(range)) { "\($0)" }.checked { value in
            guard !range.contains(value) else { return nil }
            let allowed = range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
            return "\(value) is out of range; \(allowed) is allowed"
        }
    }

    /// A whole number with a lower bound.
    package static func integer(in range: PartialRangeFrom<Int>) -> Self { .integer(in: range.lowerBound ... .max) }

    /// A number of bytes within a range, such as `512`, `64KiB`, `16MiB` or `1GiB`.
    package static func bytes(in range: ClosedRange<Int>) -> Self {
        Self(.bytes(range), write: \.byteCountSetting) { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            guard let count = Int(byteCountSetting: text) else {
                throw SettingError(
                    path: decoder.codingPath,
                    "'\(text)' is not a size; write a number and KiB, MiB or GiB, such as \(Int.sizeExample(near: text))"
                )
            }
            return count
        }.checked { count in
            guard !range.contains(count) else { return nil }
            let lower = range.lowerBound.byteCountSetting
            return range.upperBound == .max
                ? "\(count) bytes is too small; \(lower) or more is allowed"
                : "\(count) bytes is out of range; \(lower) to \(range.upperBound.byteCountSetting) is allowed"
        }
    }

    /// The same sizes within a narrower range, with another reason for a refusal.
    package func within(_ range: ClosedRange<Int>, else refusal: @escaping @Sendable (Int) -> String) -> Self {
        SettingCodec(.bytes(range), write: self.write, read: self.read).checked { range.contains($0) ? nil : refusal($0) }
    }

    /// A number of bytes with a lower bound.
    package static func bytes(in range: PartialRangeFrom<Int>) -> Self { .bytes(in: range.lowerBound ... .max) }
}

extension SettingCodec where Value == Double {
    /// A number within a range.
    package static func number(in range: ClosedRange<Double>) -> Self {
        Self.value(.number(range), write: \.setting).checked { value in
            guard !range.contains(value) else { return nil }
            return "\(value) is out of range; \(range.lowerBound.setting) to \(range.upperBound.setting) is allowed"
        }
    }
}

extension SettingCodec where Value == Duration {
    /// A duration such as `500ms`, `30s`, `5m`, `24h` or `7d`, within a range.
    package static func duration(in range: ClosedRange<Duration>) -> Self {
        Self(.duration(range), write: \.setting) { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            if Duration.isTooLong(setting: text) {
                // Of those without an upper bound, the longest in whole days.
                let upper = min(range.upperBound, .seconds(11_574_074 * 86_400))
                throw SettingError(
                    path: decoder.codingPath,
                    "is out of range; \(range.lowerBound.setting) to \(upper.setting) is allowed")
            }
            guard let duration = Duration(setting: text) else {
                throw SettingError(
                    path: decoder.codingPath,
                    "invalid duration '\(text)'; write a number and a unit (ms, s, m, h, d), such as "
                        + Duration.example(near: text)
                )
            }
            return duration
        }.checked { duration in
            guard !range.contains(duration) else { return nil }
            if range.upperBound < .longest {
                return "is out of range; \(range.lowerBound.setting) to \(range.upperBound.setting) is allowed"
            }
            // Durations are whole milliseconds.
            return range.lowerBound == .milliseconds(1)
                ? "must be longer than 0s" : "must be \(range.lowerBound.setting) or longer"
        }
    }

    /// A duration with a lower bound.
    package static func duration(in range: PartialRangeFrom<Duration>) -> Self { .duration(in: range.lowerBound ... .longest) }

    /// Any duration, 0 included.
    package static var duration: Self { .duration(in: .zero...) }
}

extension Double {
    /// A number as the file writes it, whole ones without a point.
    package var setting: String { Int(exactly: self).map { "\($0)" } ?? "\(self)" }
}
