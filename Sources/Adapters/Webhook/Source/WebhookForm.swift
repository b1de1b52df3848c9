import HTTPServer
import JSON
import NIOCore

/// A body of type `application/x-www-form-urlencoded` (WHATWG URL §5.1) as JSON.
///
/// `curl -d` labels every body so: what is no form, such as a sentence or JSON, stays as it is.
enum WebhookForm {
    /// A form with more fields is not read as one.
    static let fieldLimit = 500

    /// Names of a field that carries a whole JSON message, as GitHub, Slack and Travis send it.
    private static let carriers: Set<String> = ["payload", "data", "json", "payload_json"]

    /// The message in a form.
    ///
    /// The values may be written as they are, as `curl -d 'title=Front Door'` does, if they contain no `=`.
    ///
    /// - Returns: the JSON of a field such as `payload`; else an object of all fields, where a name that occurs several times has a list;
    ///   for a single text without `=` that is percent-encoded, the text; `nil` for a body that is no form.
    static func message(of body: ByteBuffer) -> ByteBuffer? {
        let bytes = body.readableBytesView
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        let text = String(buffer: body)
        let isEncoded = bytes.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: "\"")
        }
        guard isEncoded || self.isWritten(text) else { return nil }
        guard bytes.contains(UInt8(ascii: "=")) else {
            guard bytes.contains(UInt8(ascii: "%")), let decoded = HTTPForm.pairs(of: text).first,
                HTTPForm.pairs(of: text).count == 1
            else { return nil }
            return ByteBuffer(string: decoded.name)
        }
        guard bytes.lazy.filter({ $0 == UInt8(ascii: "&") }).count < self.fieldLimit else { return nil }
        let pairs = HTTPForm.pairs(of: text)
        guard !pairs.isEmpty, pairs.allSatisfy({ $0.value != nil && !$0.name.isEmpty }) else { return nil }
        return self.message(in: pairs.map { ($0.name, .text($0.value ?? "")) })
    }

    /// Whether a text that is not percent-encoded looks like fields: each has a name and one `=`, unless its value is JSON.
    private static func isWritten(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false).allSatisfy { field in
            let parts = field.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = parts.first, (1...64).contains(name.count), name.allSatisfy(Self.isInName)
            else { return false }
            return !parts[1].contains(UInt8(ascii: "="))
                || self.carriers.contains(String(decoding: name, as: UTF8.self)) && parts[1].first == UInt8(ascii: "{")
        }
    }

    private static func isInName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "["), UInt8(ascii: "]"):
            true
        default: false
        }
    }

    /// The value of one field.
    enum Value {
        case text(String)
        case file(name: String, type: String, size: Int)
    }

    /// The message in the fields of a form: the JSON of a field such as `payload`, or else an object of all fields in the order of
    /// their first occurrence, where a name that occurs several times has a list.
    static func message(in fields: [(name: String, value: Value)]) -> ByteBuffer {
        for case (let name, .text(let text)) in fields where self.carriers.contains(name) && self.isJSON(text) {
            return ByteBuffer(string: text)
        }
        var names: [String] = []
        var values: [String: [Value]] = [:]
        for (name, value) in fields {
            if values[name] == nil { names.append(name) }
            values[name, default: []].append(value)
        }
        var json = ByteBuffer(string: "{")
        for (place, name) in names.enumerated() {
            if place > 0 { json.writeString(",") }
            JSONWriter.write(name, to: &json)
            json.writeString(":")
            let list = values[name] ?? []
            if list.count > 1 { json.writeString("[") }
            for (index, value) in list.enumerated() {
                if index > 0 { json.writeString(",") }
                self.write(value, to: &json)
            }
            if list.count > 1 { json.writeString("]") }
        }
        json.writeString("}")
        return json
    }

    private static func write(_ value: Value, to json: inout ByteBuffer) {
        switch value {
        case .text(let text): JSONWriter.write(text, to: &json)
        case .file(let name, let type, let size):
            json.writeString("{\"filename\":")
            JSONWriter.write(name, to: &json)
            json.writeString(",\"type\":")
            JSONWriter.write(type, to: &json)
            json.writeString(",\"size\":\(size)}")
        }
    }

    private static func isJSON(_ text: String) -> Bool {
        guard let first = text.utf8.first(where: { $0 > 0x20 }) else { return false }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }
}
