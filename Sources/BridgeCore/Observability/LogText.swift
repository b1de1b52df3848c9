package import NIOCore

/// Writes the values of log lines: bounded, on one line, and without characters that a terminal interprets.
///
/// Values can contain text from peers. Controls (C0, DEL and C1), line and paragraph separators, and format characters, such as bidirectional
/// overrides (UAX #9 §2), are written as JSON escapes (RFC 8259 §7).
package enum LogText {
    /// The largest value in bytes; a longer one is truncated and followed by its size.
    package static let limit = 1024

    /// Appends a value to a line of text, in quotes only if it needs them.
    package static func write(_ value: String, to buffer: inout ByteBuffer) {
        let isPlain =
            !value.isEmpty && value.utf8.count <= Self.limit
            && value.unicodeScalars.allSatisfy { $0 != " " && $0 != "\"" && !Self.isEscaped($0) }
        if isPlain { buffer.writeString(value) } else { Self.write(quoted: value, to: &buffer) }
    }

    /// Appends a value as a JSON string.
    package static func write(quoted value: String, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("\"")
        var bytes = 0
        for scalar in value.unicodeScalars {
            bytes += UTF8.width(scalar)
            guard bytes <= Self.limit else {
                buffer.writeString("… (\(value.utf8.count) bytes)")
                break
            }
            switch scalar {
            case "\"": buffer.writeStaticString("\\\"")
            case "\\": buffer.writeStaticString("\\\\")
            case "\n": buffer.writeStaticString("\\n")
            case "\r": buffer.writeStaticString("\\r")
            case "\t": buffer.writeStaticString("\\t")
            case _ where Self.isEscaped(scalar): for unit in String(scalar).utf16 { Self.write(escaped: unit, to: &buffer) }
            default: buffer.writeString(String(scalar))
            }
        }
        buffer.writeStaticString("\"")
    }

    private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
        return switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse: true
        default: false
        }
    }

    private static func write(escaped unit: UInt16, to buffer: inout ByteBuffer) {
        let digits = String(unit, radix: 16)
        buffer.writeString("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
    }
}
