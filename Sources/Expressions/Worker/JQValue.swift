import CJq
import NIOCore

/// Converts libjq's values to and from text.
///
/// Functions free what they are given.
enum JQValue {
    /// libjq replaces what is not UTF-8.
    static func string(_ bytes: ByteBuffer) -> jv {
        bytes.withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress, !bytes.isEmpty else { return jv_string("") }
            return jv_string_sized(start.assumingMemoryBound(to: CChar.self), Int32(clamping: bytes.count))
        }
    }

    /// An invalid value with a message when it is no JSON.
    static func parse(_ bytes: ByteBuffer) -> jv {
        bytes.withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress else { return jv_null() }
            return jv_parse_sized(start.assumingMemoryBound(to: CChar.self), Int32(clamping: bytes.count))
        }
    }

    /// The text of a string value.
    static func text(of value: jv) -> String {
        Self.withBytes(of: value) { String(decoding: $0, as: UTF8.self) }
    }

    /// The message of an invalid value.
    static func message(of invalid: jv) -> String {
        let message = jv_invalid_get_msg(invalid)
        guard jv_get_kind(message) == JV_KIND_STRING else {
            return "error(\(Self.text(of: jv_dump_string(message, 0))))"
        }
        return Self.text(of: message)
    }

    /// Writes a result.
    ///
    /// - Parameter input: the event of the result.
    static func write(_ result: jv, of input: JQInput, into frame: inout ByteBuffer) {
        switch jv_get_kind(result) {
        case JV_KIND_INVALID:
            guard jv_invalid_has_msg(jv_copy(result)) != 0 else {
                jv_free(result)
                return Self.write(.none, into: &frame)
            }
            Self.writeError(Self.message(of: result), into: &frame)
        case JV_KIND_FALSE: Self.write(.false, into: &frame)
        case JV_KIND_TRUE: Self.write(.true, into: &frame)
        case JV_KIND_NUMBER:
            let number = jv_number_value(result)
            jv_free(result)
            if abs(number) >= 0x1p53, let digits = input.exactNumbers?.digits(of: number) {
                Self.write(.json, into: &frame)
                return frame.writeField(digits)
            }
            guard !number.isNaN else { return Self.write(.null, into: &frame) }
            Self.write(.number, into: &frame)
            let finite = min(max(number, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
            frame.writeInteger(finite.bitPattern, endianness: .little)
        case JV_KIND_STRING: Self.write(.string, textOf: result, into: &frame)
        case JV_KIND_ARRAY, JV_KIND_OBJECT:
            guard let numbers = input.exactNumbers else {
                return Self.write(.json, textOf: jv_dump_string(result, 0), into: &frame)
            }
            var json = ByteBuffer()
            numbers.write(result, into: &json)
            json.withUnsafeReadableBytes { Self.write(.json, $0, into: &frame) }
        default: Self.write(.null, into: &frame)
        }
    }

    /// The longest message in bytes: messages quote their input.
    private static let messageLimit = 1000

    static func writeError(_ message: String, into frame: inout ByteBuffer) {
        Self.write(.error, into: &frame)
        guard message.utf8.count > Self.messageLimit else { return frame.writeField(message) }
        // Cut by bytes: one character may have any number of combining marks.
        frame.writeField(String(decoding: message.utf8.prefix(Self.messageLimit), as: UTF8.self) + "…")
    }

    private static func write(_ kind: WorkerFrame.Result, into frame: inout ByteBuffer) {
        frame.writeInteger(kind.rawValue)
    }

    private static func write(_ kind: WorkerFrame.Result, textOf value: jv, into frame: inout ByteBuffer) {
        Self.withBytes(of: value) { Self.write(kind, $0, into: &frame) }
    }

    private static func write(_ kind: WorkerFrame.Result, _ bytes: UnsafeRawBufferPointer, into frame: inout ByteBuffer) {
        guard bytes.count <= WorkerFrame.resultLimit else {
            return Self.writeError("the result is longer than \(WorkerFrame.resultLimit >> 20) MiB", into: &frame)
        }
        Self.write(kind, into: &frame)
        frame.writeField(bytes)
    }

    private static func withBytes<Value>(of value: jv, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        defer { jv_free(value) }
        return body(UnsafeRawBufferPointer(start: jv_string_value(value), count: Int(jv_string_length_bytes(jv_copy(value)))))
    }
}
