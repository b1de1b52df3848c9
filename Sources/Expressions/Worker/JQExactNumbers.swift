import CJq
import NIOCore

/// The integers of an event that IEEE doubles cannot represent, so that an expression that only passes them on keeps
/// their digits.
///
/// libjq 1.6 has only doubles as numbers. A number of a result that is the double of exactly one such integer is
/// written as that integer; if two of them have the same double, it is ambiguous and written as libjq does.
struct JQExactNumbers {
    /// By the bits of the double; `nil` where two integers have it.
    private let digits: [UInt64: ByteBuffer?]

    /// - Parameter json: an event, which is JSON.
    /// - Returns: `nil` when it has no such integer.
    init?(_ json: ByteBuffer) {
        var digits: [UInt64: ByteBuffer?] = [:]
        json.withUnsafeReadableBytes { bytes in
            var index = 0
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "\""):
                    index += 1
                    while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                        index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                    }
                    index += 1
                case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                    let start = index
                    index += 1
                    while index < bytes.count, Self.belongsToNumber(bytes[index]) { index += 1 }
                    // The smallest integer that a double cannot represent has 16 digits.
                    guard index - start >= 16 else { continue }
                    let text = bytes[start..<index]
                    guard text.dropFirst().allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { continue }
                    guard let value = Double(String(decoding: text, as: UTF8.self)), abs(value) >= 0x1p53 else { continue }
                    let own = ByteBuffer(bytes: text)
                    if let known = digits[value.bitPattern] {
                        if known != own { digits[value.bitPattern] = .some(nil) }
                    } else {
                        digits[value.bitPattern] = own
                    }
                default: index += 1
                }
            }
        }
        guard !digits.isEmpty else { return nil }
        self.digits = digits
    }

    /// The digits of a number, `nil` when a double is what it is.
    func digits(of number: Double) -> ByteBuffer? {
        self.digits[number.bitPattern] ?? nil
    }

    /// Writes an array or object as JSON, and frees it.
    ///
    /// - Parameter depth: values nested deeper than libjq writes are left out in the same way.
    func write(_ value: jv, into json: inout ByteBuffer, depth: Int = 0) {
        guard depth <= 256 else {
            jv_free(value)
            json.writeStaticString("<skipped: too deep>")
            return
        }
        switch jv_get_kind(value) {
        case JV_KIND_NUMBER:
            if let digits = self.digits(of: jv_number_value(value)) {
                jv_free(value)
                json.writeImmutableBuffer(digits)
            } else {
                json.writeString(JQValue.text(of: jv_dump_string(value, 0)))
            }
        case JV_KIND_ARRAY:
            json.writeStaticString("[")
            for index in 0..<jv_array_length(jv_copy(value)) {
                if index > 0 { json.writeStaticString(",") }
                self.write(jv_array_get(jv_copy(value), index), into: &json, depth: depth + 1)
            }
            json.writeStaticString("]")
            jv_free(value)
        case JV_KIND_OBJECT:
            json.writeStaticString("{")
            var iterator = jv_object_iter(value)
            var isFirst = true
            while jv_object_iter_valid(value, iterator) != 0 {
                if !isFirst { json.writeStaticString(",") }
                isFirst = false
                json.writeString(JQValue.text(of: jv_dump_string(jv_object_iter_key(value, iterator), 0)))
                json.writeStaticString(":")
                self.write(jv_object_iter_value(value, iterator), into: &json, depth: depth + 1)
                iterator = jv_object_iter_next(value, iterator)
            }
            json.writeStaticString("}")
            jv_free(value)
        default: json.writeString(JQValue.text(of: jv_dump_string(value, 0)))
        }
    }

    private static func belongsToNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
