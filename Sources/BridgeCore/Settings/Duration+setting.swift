extension Duration {
    /// Parses a duration such as `500ms`, `30s`, `5m`, `24h` or `7d`; `nil` for any other text.
    ///
    /// The number is an integer or a decimal such as `1.5s`, not negative; the result is rounded to milliseconds and
    /// below 10^12 s.
    package init?(setting text: String) {
        guard let seconds = Self.seconds(setting: text), seconds < 1e12 else { return nil }
        self = .milliseconds(Int64((seconds * 1e3).rounded()))
    }

    /// Whether a text is a duration above every one that the file can write.
    static func isTooLong(setting text: String) -> Bool { Self.seconds(setting: text).map { $0 >= 1e12 } ?? false }

    /// The seconds of a text of the form of a duration; infinite for one with very many digits.
    private static func seconds(setting text: String) -> Double? {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let value = Double(number) else { return nil }
        let factor: Double
        switch text.dropFirst(number.count) {
        case "ms": factor = 0.001
        case "s": factor = 1
        case "m": factor = 60
        case "h": factor = 3600
        case "d": factor = 86_400
        default: return nil
        }
        return value * factor
    }

    /// Above every duration that the file can write.
    package static let longest = Duration.seconds(1_000_000_000_000)

    /// The duration as the file writes it, in the largest unit that divides it: `90s`, `24h`.
    package var setting: String {
        let milliseconds = self.milliseconds
        guard milliseconds != 0 else { return "0s" }
        for (factor, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")] as [(Int64, String)]
        where milliseconds.isMultiple(of: factor) {
            return "\(milliseconds / factor)\(unit)"
        }
        return "\(milliseconds)ms"
    }

    /// The probable meaning: `10s` for `10`, `5m` for `5 min`; otherwise any example.
    ///
    /// Always a duration that the file can write.
    static func example(near text: String) -> String {
        let meaning = Self.meaning(of: text)
        return Duration(setting: meaning) == nil ? "30s" : meaning
    }

    private static func meaning(of text: String) -> String {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let duration = Duration(setting: number + "s"), duration > .zero else { return "30s" }
        switch text.dropFirst(number.count).drop(while: { $0 == " " }).lowercased() {
        // A large number without a unit most likely means milliseconds.
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
