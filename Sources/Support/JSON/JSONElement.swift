import CSimdjson
package import NIOCore

/// One value of a document, valid until its ``JSONParser`` parses the next document.
package struct JSONElement {
    let handle: csimdjson_element

    /// The type of a JSON value (RFC 8259 §3), with numbers by representation.
    package enum Kind: Sendable {
        /// A container or a string.
        case object, array, string
        /// A whole number in the range of `Int64`.
        case integer
        /// A whole number above `Int64.max`, in the range of `UInt64`.
        case unsigned
        /// Any other number, a boolean or `null`.
        case double, bool, null
    }

    /// The type of the value.
    package var kind: Kind {
        switch csimdjson_element_kind(self.handle) {
        case CSIMDJSON_OBJECT: .object
        case CSIMDJSON_ARRAY: .array
        case CSIMDJSON_STRING: .string
        case CSIMDJSON_INT64: .integer
        case CSIMDJSON_UINT64: .unsigned
        case CSIMDJSON_DOUBLE: .double
        case CSIMDJSON_BOOL: .bool
        default: .null
        }
    }

    /// The last member with that name, as most parsers read several of them (RFC 8259 §4); `nil` when there is none or the
    /// value is no object.
    package subscript(key: String) -> JSONElement? {
        var key = key
        var value = csimdjson_element()
        let isFound = key.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { csimdjson_at_key(self.handle, $0.baseAddress, $0.count, &value) }
        }
        return isFound ? JSONElement(handle: value) : nil
    }

    /// The item at an index from 0; `nil` when there is none or the value is no array.
    package subscript(index: Int) -> JSONElement? {
        var value = csimdjson_element()
        guard index >= 0, csimdjson_at_index(self.handle, index, &value) else { return nil }
        return JSONElement(handle: value)
    }

    /// The text of a string; `nil` for any other type.
    package var string: String? {
        var bytes: UnsafePointer<CChar>?
        var length = 0
        guard csimdjson_get_string(self.handle, &bytes, &length) else { return nil }
        return Self.text(bytes, length)
    }

    /// A whole number in the range of `Int64`; `nil` for any other value.
    package var integer: Int64? {
        var value: Int64 = 0
        return csimdjson_get_int64(self.handle, &value) ? value : nil
    }

    /// Any number, rounded to the nearest `Double`; `nil` for any other type.
    package var double: Double? {
        var value = 0.0
        return csimdjson_get_double(self.handle, &value) ? value : nil
    }

    /// A boolean; `nil` for any other type.
    package var bool: Bool? {
        var value = false
        return csimdjson_get_bool(self.handle, &value) ? value : nil
    }

    /// The number of members or items; 0 for a value that is no container.
    package var count: Int { csimdjson_element_count(self.handle) }

    /// Calls `body` with each member of an object in order, duplicates included; does nothing for other types.
    package func forEachMember(_ body: (String, JSONElement) -> Void) {
        var iterator = csimdjson_iterate(self.handle)
        var key: UnsafePointer<CChar>?
        var length = 0
        var value = csimdjson_element()
        guard self.kind == .object else { return }
        while csimdjson_next_member(&iterator, &key, &length, &value) {
            body(Self.text(key, length), JSONElement(handle: value))
        }
    }

    /// Calls `body` with each member of an object in order, with the bytes of its name, until it returns false.
    ///
    /// Costs no allocation; duplicates are included. Does nothing for other types.
    package func whileMembers(_ body: (Span<UInt8>, JSONElement) -> Bool) {
        var iterator = csimdjson_iterate(self.handle)
        var key: UnsafePointer<CChar>?
        var length = 0
        var value = csimdjson_element()
        guard self.kind == .object else { return }
        while csimdjson_next_member(&iterator, &key, &length, &value) {
            let goesOn =
                key?.withMemoryRebound(to: UInt8.self, capacity: length) {
                    body(UnsafeBufferPointer(start: $0, count: length).span, JSONElement(handle: value))
                } ?? true
            guard goesOn else { return }
        }
    }

    /// Calls `body` with each item of an array in order; does nothing for other types.
    package func forEachItem(_ body: (JSONElement) -> Void) {
        var iterator = csimdjson_iterate(self.handle)
        var value = csimdjson_element()
        guard self.kind == .array else { return }
        while csimdjson_next_item(&iterator, &value) { body(JSONElement(handle: value)) }
    }

    /// The value as text: strings unquoted, `null` as empty text, containers as compact JSON.
    ///
    /// Integers are written in full; other whole numbers below 10^15 without fraction and exponent.
    package func text() -> String {
        switch self.kind {
        case .string: return self.string ?? ""
        case .null: return ""
        case .bool: return self.bool == true ? "true" : "false"
        case .integer: return self.integer.map { "\($0)" } ?? ""
        case .unsigned:
            var value: UInt64 = 0
            return csimdjson_get_uint64(self.handle, &value) ? "\(value)" : ""
        case .double:
            guard let value = self.double else { return "" }
            return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
        case .object, .array:
            var buffer = ByteBuffer()
            self.write(to: &buffer)
            return String(buffer: buffer)
        }
    }

    /// Appends the value as compact JSON; the order of members and their duplicates are kept.
    package func write(to buffer: inout ByteBuffer) {
        switch self.kind {
        case .object:
            var separator = "{"
            self.forEachMember { key, value in
                buffer.writeString(separator)
                JSONWriter.write(key, to: &buffer)
                buffer.writeString(":")
                value.write(to: &buffer)
                separator = ","
            }
            buffer.writeString(separator == "{" ? "{}" : "}")
        case .array:
            var separator = "["
            self.forEachItem { value in
                buffer.writeString(separator)
                value.write(to: &buffer)
                separator = ","
            }
            buffer.writeString(separator == "[" ? "[]" : "]")
        case .string: JSONWriter.write(self.string ?? "", to: &buffer)
        case .null: buffer.writeString("null")
        case .integer, .unsigned, .double, .bool: buffer.writeString(self.text())
        }
    }

    private static func text(_ bytes: UnsafePointer<CChar>?, _ length: Int) -> String {
        guard let bytes, length > 0 else { return "" }
        return bytes.withMemoryRebound(to: UInt8.self, capacity: length) {
            String(decoding: UnsafeBufferPointer(start: $0, count: length), as: UTF8.self)
        }
    }
}

extension Span<UInt8> {
    /// The bytes as text, decoded as UTF-8.
    package var text: String { self.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) } }
}
