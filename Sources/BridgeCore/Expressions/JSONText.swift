import JSON
import NIOCore

/// Small JSON of strings only.
package enum JSONText {
    /// A JSON string.
    package static func string(_ text: String) -> String {
        var buffer = ByteBuffer()
        JSONWriter.write(text, to: &buffer)
        return String(buffer: buffer)
    }

    static func array(_ list: [String]) -> String {
        var buffer = ByteBuffer()
        for (index, text) in list.enumerated() {
            buffer.writeStaticString(index == 0 ? "[" : ",")
            JSONWriter.write(text, to: &buffer)
        }
        buffer.writeStaticString(list.isEmpty ? "[]" : "]")
        return String(buffer: buffer)
    }

    /// A JSON object of attributes on one line; the first value of a repeated name counts.
    package static func object(_ attributes: Attributes) -> String {
        var buffer = ByteBuffer()
        var seen: Set<String> = []
        for (name, value) in attributes.elements where seen.insert(name).inserted {
            buffer.writeStaticString(seen.count == 1 ? "{" : ",")
            JSONWriter.write(name, to: &buffer)
            buffer.writeStaticString(":")
            JSONWriter.write(value, to: &buffer)
        }
        buffer.writeStaticString(seen.isEmpty ? "{}" : "}")
        return String(buffer: buffer)
    }
}
