import HTTPServer
import JSON
import NIOCore

/// A body of type `multipart/form-data` (RFC 7578) as JSON: an object of its fields, files by their name, type and size.
enum WebhookMultipart {
    /// A body with more parts is not read as a form.
    static let partLimit = 100

    /// The message in such a body: the JSON of a field such as `payload`, or an object of all fields.
    ///
    /// A file is `{"filename":…,"type":…,"size":…}`, its size in bytes; its content is left out.
    ///
    /// - Parameter contentType: the media type with its `boundary`.
    /// - Returns: `nil` for a body that is not of this form.
    static func message(of body: ByteBuffer, contentType: String) -> ByteBuffer? {
        guard let boundary = self.boundary(of: contentType) else { return nil }
        var fields: [(name: String, value: WebhookForm.Value)] = []
        let bytes = Array(body.readableBytesView)
        let mark = Array("--\(boundary)".utf8)
        guard var start = self.find(mark, in: bytes, from: 0), start == 0 || bytes[start - 1] == 0x0A else { return nil }
        while true {
            start += mark.count
            if bytes[start...].starts(with: [0x2D, 0x2D]) { break }
            guard fields.count < self.partLimit, let end = self.find([0x0D, 0x0A] + mark, in: bytes, from: start),
                let part = self.part(bytes[start..<end])
            else { return nil }
            fields.append(part)
            start = end + 2
        }
        return fields.isEmpty ? nil : WebhookForm.message(in: fields)
    }

    /// The value of `boundary`, quoted or not; at most 70 characters (RFC 2046 §5.1.1).
    private static func boundary(of contentType: String) -> String? {
        guard let range = contentType.lowercased().firstRange(of: "boundary=") else { return nil }
        let offset = contentType.lowercased().utf8.distance(from: contentType.lowercased().startIndex, to: range.upperBound)
        let rest = contentType.utf8.dropFirst(offset)
        let quote = UInt8(ascii: "\"")
        let value =
            rest.first == quote
            ? rest.dropFirst().prefix { $0 != quote } : rest.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        let text = String(decoding: value, as: UTF8.self)
        return (1...70).contains(text.utf8.count) ? text : nil
    }

    /// A part, from the line end behind its boundary to that before the next; `nil` when its header section does not end or has no name.
    private static func part(_ bytes: ArraySlice<UInt8>) -> (name: String, value: WebhookForm.Value)? {
        guard let end = self.find([0x0D, 0x0A, 0x0D, 0x0A], in: Array(bytes), from: 0), end <= 4096 else { return nil }
        let head = String(decoding: bytes.prefix(end), as: UTF8.self)
        let content = bytes.dropFirst(end + 4)
        var disposition = "", type = "application/octet-stream"
        for line in head.split(separator: "\r\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = String(parts[1].drop { $0 == " " })
            switch parts[0].lowercased() {
            case "content-disposition": disposition = value
            case "content-type": type = value
            default: break
            }
        }
        guard let name = self.parameter("name", of: disposition), !name.isEmpty else { return nil }
        guard let file = self.parameter("filename", of: disposition) else {
            return (name, .text(String(decoding: content, as: UTF8.self)))
        }
        return (name, .file(name: file, type: type, size: content.count))
    }

    /// A quoted parameter of `Content-Disposition`; `%22` stands for a quote in it (WHATWG HTML §4.10.22.8).
    private static func parameter(_ name: String, of disposition: String) -> String? {
        for item in disposition.split(separator: ";").dropFirst() {
            let parts = item.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].lowercased() == name else { continue }
            return parts[1].filter { $0 != "\"" }.replacing("%22", with: "\"")
        }
        return nil
    }

    private static func find(_ pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard let first = pattern.first, bytes.count >= pattern.count else { return nil }
        var index = start
        while index <= bytes.count - pattern.count {
            if bytes[index] == first, bytes[index..<index + pattern.count].elementsEqual(pattern) { return index }
            index += 1
        }
        return nil
    }
}
