/// A type that can be read from one scalar (YAML 1.2.2 §10.3.2, with the booleans of YAML 1.1).
protocol ScalarReadable {
    /// Reads the type from a scalar; `nil` for a scalar of another type.
    static func read(_ scalar: Node.Scalar) -> Self?
}

extension String: ScalarReadable {
    static func read(_ scalar: Node.Scalar) -> String? { scalar.string }
}

extension Bool: ScalarReadable {
    static func read(_ scalar: Node.Scalar) -> Bool? {
        guard scalar.style == .plain else { return nil }
        return switch scalar.string {
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": true
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": false
        default: nil
        }
    }
}

extension FixedWidthInteger {
    /// Reads a decimal number, or one with the prefix `0x`, `0o` or `0b`; ignores underscores between digits.
    ///
    /// Refuses `010`, which is eight in YAML 1.1 and ten in YAML 1.2.
    static func read(_ scalar: Node.Scalar) -> Self? {
        guard scalar.style == .plain, let first = scalar.string.utf8.first, first != UInt8(ascii: "_") else { return nil }
        let text = scalar.string.replacing("_", with: "")
        let sign = text.hasPrefix("-") ? "-" : ""
        let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        guard let leading = digits.utf8.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= leading else { return nil }
        guard leading == UInt8(ascii: "0"), digits.utf8.count > 1 else { return Self(sign + digits) }
        let radix: Int? =
            switch digits.dropFirst().first {
            case "x": 16
            case "o": 8
            case "b": 2
            default: nil
            }
        guard let radix, let prefixed = digits.dropFirst(2).first, prefixed.isHexDigit else { return nil }
        return Self(sign + digits.dropFirst(2), radix: radix)
    }
}

extension Int: ScalarReadable {}
extension Int32: ScalarReadable {}
extension Int64: ScalarReadable {}
extension UInt: ScalarReadable {}
extension UInt8: ScalarReadable {}
extension UInt16: ScalarReadable {}
extension UInt32: ScalarReadable {}
extension UInt64: ScalarReadable {}

extension Double: ScalarReadable {
    /// Reads a finite decimal number; ignores underscores between digits.
    static func read(_ scalar: Node.Scalar) -> Double? {
        guard scalar.style == .plain, let first = scalar.string.utf8.first, first != UInt8(ascii: "_") else { return nil }
        let text = scalar.string.replacing("_", with: "")
        guard text.utf8.allSatisfy(Self.isPart), let value = Double(text), value.isFinite else { return nil }
        return value
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "e"),
            UInt8(ascii: "E"):
            true
        default: false
        }
    }
}
