import JSON
import NIOCore

/// A JSON object in the making, member by member.
struct HomeAssistantObject {
    private var json = ByteBuffer(string: "{")
    private var isEmpty = true

    /// The object with the members up to now.
    var buffer: ByteBuffer {
        var buffer = self.json
        buffer.writeString("}")
        return buffer
    }

    /// Adds a text; `nil` adds nothing.
    mutating func add(_ name: String, _ text: String?) {
        guard let text else { return }
        self.begin(name)
        JSONWriter.write(text, to: &self.json)
    }

    /// Adds a number.
    mutating func add(_ name: String, _ number: Int) {
        self.begin(name)
        self.json.writeString(String(number))
    }

    /// Adds `true` or `false`.
    mutating func add(_ name: String, _ flag: Bool) {
        self.begin(name)
        self.json.writeString(flag ? "true" : "false")
    }

    /// Adds a list of texts.
    mutating func add(_ name: String, _ texts: [String]) {
        self.begin(name)
        for (index, text) in texts.enumerated() {
            self.json.writeString(index == 0 ? "[" : ",")
            JSONWriter.write(text, to: &self.json)
        }
        self.json.writeString(texts.isEmpty ? "[]" : "]")
    }

    /// Adds an object.
    mutating func add(_ name: String, _ object: HomeAssistantObject) { self.add(name, json: object.buffer) }

    /// Adds a value that is JSON already, on one line.
    mutating func add(_ name: String, json: ByteBuffer) {
        self.begin(name)
        self.json.writeImmutableBuffer(json)
    }

    /// Adds `null`.
    mutating func addNull(_ name: String) {
        self.begin(name)
        self.json.writeString("null")
    }

    /// Adds a text, or `null` for `nil`.
    mutating func add(_ name: String, orNull text: String?) {
        if let text { self.add(name, text) } else { self.addNull(name) }
    }

    private mutating func begin(_ name: String) {
        if !self.isEmpty { self.json.writeString(",") }
        self.isEmpty = false
        JSONWriter.write(name, to: &self.json)
        self.json.writeString(":")
    }
}
