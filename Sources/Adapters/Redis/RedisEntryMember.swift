import BridgeCore
import JSON
import NIOCore

/// One member of the JSON object that the fields of an entry become.
///
/// A field may occur twice in an entry, but JSON readers cannot rely on repeated names. Its values therefore become one
/// list, in order.
struct RedisEntryMember {
    /// The name as a JSON string: the text itself, or base64 if it is not text.
    let name: ByteBuffer
    let isTextName: Bool
    private var values: [ByteBuffer]

    /// The members in the order of the first occurrence of their names.
    static func members(of fields: [(name: ByteBuffer, value: ByteBuffer)]) -> [RedisEntryMember] {
        var members: [RedisEntryMember] = []
        members.reserveCapacity(fields.count)
        // For a few names, comparing is faster than hashing.
        var places: [ByteBuffer: Int]? = fields.count > 16 ? [:] : nil
        for field in fields {
            var name = ByteBuffer()
            let isText = Self.write(field.name, isText: field.name.isValidUTF8, to: &name)
            if let place = places.map({ $0[name] }) ?? members.firstIndex(where: { $0.name == name }) {
                members[place].values.append(field.value)
            } else {
                places?[name] = members.count
                members.append(RedisEntryMember(name: name, isTextName: isText, values: [field.value]))
            }
        }
        return members
    }

    /// Writes the value, or the list of all values of that name: all of them as base64 if any is not text.
    ///
    /// - Returns: whether all are text.
    func writeValue(to buffer: inout ByteBuffer) -> Bool {
        let isText = self.values.allSatisfy(\.isValidUTF8)
        guard self.values.count > 1 else { return Self.write(self.values[0], isText: isText, to: &buffer) }
        for (index, value) in self.values.enumerated() {
            buffer.writeStaticString(index == 0 ? "[" : ",")
            Self.write(value, isText: isText, to: &buffer)
        }
        buffer.writeStaticString("]")
        return isText
    }

    @discardableResult
    private static func write(_ bytes: ByteBuffer, isText: Bool, to buffer: inout ByteBuffer) -> Bool {
        if isText {
            JSONWriter.write(String(buffer: bytes), to: &buffer)
        } else {
            Base64.writeQuoted(bytes, to: &buffer)
        }
        return isText
    }
}
