import JSON
import NIOCore

/// A body of type `application/x-www-form-urlencoded` (WHATWG URL §5.1) as JSON.
enum FormBody {
    /// A form with more fields is not read as one.
    private static let fieldLimit = 500
    /// Names of a field that carries a whole JSON message, as GitHub and Slack send it.
    private static let carriers: Set<String> = ["payload", "data", "json", "payload_json"]

    /// The JSON of a field such as `payload`; else an object of all fields, where a name that occurs several times has a list.
    ///
    /// - Returns: `nil` for a body that is no form.
    static func json(of body: ByteBuffer, parser: JSONParser) -> ByteBuffer? {
        let bytes = body.readableBytesView
        guard bytes.contains(UInt8(ascii: "=")), bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let items = bytes.split(separator: UInt8(ascii: "&"), maxSplits: self.fieldLimit)
        guard items.count <= self.fieldLimit else { return nil }
        var names: [String] = []
        var values: [String: [String]] = [:]
        for item in items {
            let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = self.decoded(parts[0]), !name.isEmpty, let value = parts.count > 1 ? self.decoded(parts[1]) : ""
            else {
                return nil
            }
            if values[name] == nil { names.append(name) }
            values[name, default: []].append(value)
        }
        for name in names where self.carriers.contains(name) {
            guard let text = values[name]?.first, text.utf8.first == UInt8(ascii: "{") || text.utf8.first == UInt8(ascii: "[")
            else { continue }
            let json = ByteBuffer(string: text)
            if (try? parser.parse(json)) != nil { return json }
        }
        return self.object(names, values)
    }

    private static func object(_ names: [String], _ values: [String: [String]]) -> ByteBuffer {
        var json = ByteBuffer(string: "{")
        for (place, name) in names.enumerated() {
            if place > 0 { json.writeString(",") }
            JSONWriter.write(name, to: &json)
            json.writeString(":")
            let list = values[name] ?? []
            json.writeString(list.count == 1 ? JSONText.string(list[0]) : JSONText.array(list))
        }
        json.writeString("}")
        return json
    }

    /// - Returns: `nil` for what is not percent-encoded UTF-8.
    private static func decoded(_ bytes: ByteBufferView) -> String? {
        var result: [UInt8] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): result.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(self.digit), let low = rest.popFirst().flatMap(self.digit) else {
                    return nil
                }
                result.append(high << 4 | low)
            default: result.append(byte)
            }
        }
        return String(validating: result, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46, 0x61...0x66: (byte | 0x20) - 0x57
        default: nil
        }
    }
}
