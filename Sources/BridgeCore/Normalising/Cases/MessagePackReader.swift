import JSON
import NIOCore

/// Reads one MessagePack value (github.com/msgpack/msgpack/blob/master/spec.md) and writes it as JSON.
///
/// Binary data and extensions become base64, time stamps become RFC 3339, and keys of a map become texts. Each value takes a byte of
/// the input, so the output is at most a few times as large.
struct MessagePackReader {
    private static let levels = 100
    private var bytes: ByteBuffer

    init(_ bytes: ByteBuffer) {
        self.bytes = bytes
    }

    /// The value as JSON.
    ///
    /// - Throws: ``BodyDecoding/Failure`` for anything but one value.
    mutating func json() throws(BodyDecoding.Failure) -> ByteBuffer {
        var json = ByteBuffer()
        try self.write(to: &json, levels: Self.levels)
        guard self.bytes.readableBytes == 0 else { throw BodyDecoding.Failure(message: "something follows the value") }
        return json
    }

    private mutating func write(to json: inout ByteBuffer, levels: Int) throws(BodyDecoding.Failure) {
        let type = try self.integer(UInt8.self)
        switch type {
        case 0x00...0x7F: json.writeString("\(type)")
        case 0x80...0x8F: try self.writeMap(Int(type & 15), to: &json, levels)
        case 0x90...0x9F: try self.writeArray(Int(type & 15), to: &json, levels)
        case 0xA0...0xBF: JSONWriter.write(try self.text(Int(type & 31)), to: &json)
        case 0xC0: json.writeString("null")
        case 0xC2: json.writeString("false")
        case 0xC3: json.writeString("true")
        case 0xC4, 0xC5, 0xC6: Base64.writeQuoted(try self.slice(try self.length(type - 0xC4)), to: &json)
        case 0xC7, 0xC8, 0xC9: try self.writeExtension(try self.length(type - 0xC7), to: &json)
        case 0xCA: Self.write(Double(Float(bitPattern: try self.integer(UInt32.self))), to: &json)
        case 0xCB: Self.write(Double(bitPattern: try self.integer(UInt64.self)), to: &json)
        case 0xCC: json.writeString("\(try self.integer(UInt8.self))")
        case 0xCD: json.writeString("\(try self.integer(UInt16.self))")
        case 0xCE: json.writeString("\(try self.integer(UInt32.self))")
        case 0xCF: json.writeString("\(try self.integer(UInt64.self))")
        case 0xD0: json.writeString("\(try self.integer(Int8.self))")
        case 0xD1: json.writeString("\(try self.integer(Int16.self))")
        case 0xD2: json.writeString("\(try self.integer(Int32.self))")
        case 0xD3: json.writeString("\(try self.integer(Int64.self))")
        case 0xD4...0xD8: try self.writeExtension(1 << Int(type - 0xD4), to: &json)
        case 0xD9, 0xDA, 0xDB: JSONWriter.write(try self.text(try self.length(type - 0xD9)), to: &json)
        case 0xDC, 0xDD: try self.writeArray(try self.length(type - 0xDB), to: &json, levels)
        case 0xDE, 0xDF: try self.writeMap(try self.length(type - 0xDD), to: &json, levels)
        case 0xE0...0xFF: json.writeString("\(Int8(bitPattern: type))")
        default: throw BodyDecoding.Failure(message: "the body is not MessagePack")
        }
    }

    private mutating func writeArray(_ count: Int, to json: inout ByteBuffer, _ levels: Int) throws(BodyDecoding.Failure) {
        guard levels > 0 else { throw BodyDecoding.Failure(message: "the value has more than \(Self.levels) levels") }
        json.writeString("[")
        for index in 0..<count {
            if index > 0 { json.writeString(",") }
            try self.write(to: &json, levels: levels - 1)
        }
        json.writeString("]")
    }

    private mutating func writeMap(_ count: Int, to json: inout ByteBuffer, _ levels: Int) throws(BodyDecoding.Failure) {
        guard levels > 0 else { throw BodyDecoding.Failure(message: "the value has more than \(Self.levels) levels") }
        json.writeString("{")
        for index in 0..<count {
            if index > 0 { json.writeString(",") }
            var key = ByteBuffer()
            try self.write(to: &key, levels: levels - 1)
            switch key.readableBytesView.first {
            case UInt8(ascii: "\""): json.writeImmutableBuffer(key)
            // Its quotes would have to be escaped once more on each level.
            case UInt8(ascii: "{"), UInt8(ascii: "["): throw BodyDecoding.Failure(message: "a key of a map is a map or a list")
            default: JSONWriter.write(String(buffer: key), to: &json)
            }
            json.writeString(":")
            try self.write(to: &json, levels: levels - 1)
        }
        json.writeString("}")
    }

    private mutating func writeExtension(_ count: Int, to json: inout ByteBuffer) throws(BodyDecoding.Failure) {
        let type = try self.integer(Int8.self)
        var content = try self.slice(count)
        guard type == -1, let time = Self.time(&content, count) else { return Base64.writeQuoted(content, to: &json) }
        JSONWriter.write(time.description, to: &json)
    }

    /// A time stamp in its three forms.
    private static func time(_ bytes: inout ByteBuffer, _ count: Int) -> Timestamp? {
        let (seconds, nanoseconds): (Int64?, Int64)
        switch count {
        case 4: (seconds, nanoseconds) = (bytes.readInteger(as: UInt32.self).map(Int64.init), 0)
        case 8:
            let value = bytes.readInteger(as: UInt64.self) ?? 0
            (seconds, nanoseconds) = (Int64(value & 0x3_FFFF_FFFF), Int64(value >> 34))
        case 12:
            nanoseconds = Int64(bytes.readInteger(as: UInt32.self) ?? 0)
            seconds = bytes.readInteger(as: Int64.self)
        default: return nil
        }
        guard let seconds, (-(1 << 40)..<1 << 40).contains(seconds) else { return nil }
        return Timestamp(milliseconds: seconds * 1000 + nanoseconds / 1_000_000)
    }

    private static func write(_ number: Double, to json: inout ByteBuffer) {
        json.writeString(number.isFinite ? ExpressionValue.number(number).text : "null")
    }

    private mutating func text(_ count: Int) throws(BodyDecoding.Failure) -> String {
        String(buffer: try self.slice(count))
    }

    private mutating func slice(_ count: Int) throws(BodyDecoding.Failure) -> ByteBuffer {
        guard let slice = self.bytes.readSlice(length: count) else {
            throw BodyDecoding.Failure(message: "the data end too early")
        }
        return slice
    }

    /// A length of 1, 2 or 4 bytes.
    private mutating func length(_ size: UInt8) throws(BodyDecoding.Failure) -> Int {
        switch size {
        case 0: Int(try self.integer(UInt8.self))
        case 1: Int(try self.integer(UInt16.self))
        default: Int(try self.integer(UInt32.self))
        }
    }

    private mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws(BodyDecoding.Failure) -> Value {
        guard let value = self.bytes.readInteger(as: type) else { throw BodyDecoding.Failure(message: "the data end too early") }
        return value
    }
}
