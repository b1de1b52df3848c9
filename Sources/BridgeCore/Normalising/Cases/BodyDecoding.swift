import Compression
import JSON
import NIOCore

/// A body and the type that is known of it.
struct DecodedBody {
    var bytes: ByteBuffer
    var contentType: String?
}

/// One step of `decode`: how a body is packed.
enum BodyDecoding: Sendable, Equatable, CustomStringConvertible {
    case json, form, messagePack, base64, gzip, deflate, zstd
    /// Text in a charset, in lower case.
    case text(charset: String)

    /// Why a body cannot be decoded.
    struct Failure: Error {
        let message: String
    }

    /// The bytes that compressed data may become.
    static let limit = 8 << 20

    /// The steps, for messages.
    static let allowed = "json, form, msgpack, base64, gzip, deflate, zstd and text/CHARSET, such as text/iso-8859-1"

    private static let names: [(name: String, step: BodyDecoding)] = [
        ("json", .json), ("form", .form), ("msgpack", .messagePack), ("base64", .base64), ("gzip", .gzip), ("deflate", .deflate),
        ("zstd", .zstd),
    ]

    /// - Parameter name: as the file has it; `nil` is the result for an unknown one.
    init?(_ name: String) {
        if let step = Self.names.first(where: { $0.name == name })?.step {
            self = step
        } else if name.hasPrefix("text/"), BodyText.knows(charset: String(name.dropFirst(5)).lowercased()) {
            self = .text(charset: String(name.dropFirst(5)).lowercased())
        } else {
            return nil
        }
    }

    /// The name in the file.
    var description: String {
        if case .text(let charset) = self { return "text/\(charset)" }
        return Self.names.first { $0.step == self }?.name ?? ""
    }

    /// Whether the result is JSON, which nothing but `json` can decode further.
    var yieldsJSON: Bool {
        switch self {
        case .json, .form, .messagePack: true
        case .base64, .gzip, .deflate, .zstd, .text: false
        }
    }

    /// Decodes a body.
    ///
    /// - Throws: ``Failure`` for a body that is not packed so, or becomes too large.
    func decode(_ body: DecodedBody, parser: JSONParser) throws(Failure) -> DecodedBody {
        switch self {
        case .json: return DecodedBody(bytes: try Self.json(body, parser), contentType: "application/json")
        case .form:
            // The webhook source has made JSON of its forms.
            guard body.contentType.map(MediaType.isJSON) != true else { return body }
            guard let json = FormBody.json(of: body.bytes, parser: parser) else {
                throw Failure(message: "the body is not a form")
            }
            return DecodedBody(bytes: json, contentType: "application/json")
        case .messagePack:
            var reader = MessagePackReader(body.bytes)
            return DecodedBody(bytes: try reader.json(), contentType: "application/json")
        case .base64:
            guard let bytes = Base64.decoded(body.bytes) else { throw Failure(message: "the body is not base64") }
            return DecodedBody(bytes: bytes, contentType: nil)
        case .gzip, .deflate, .zstd: return DecodedBody(bytes: try self.inflated(body.bytes), contentType: nil)
        case .text(let charset):
            let text = BodyText.utf8(body.bytes, contentType: "text/plain; charset=\(charset)")
            guard text.isValidUTF8 else { throw Failure(message: "the body is not \(charset)") }
            return DecodedBody(bytes: text, contentType: "text/plain")
        }
    }

    /// A JSON document; of one that is a string with another in it, that.
    private static func json(_ body: DecodedBody, _ parser: JSONParser) throws(Failure) -> ByteBuffer {
        let text = BodyText.utf8(body.bytes, contentType: body.contentType)
        defer { if text.readableBytes > JSONParser.large { parser.trim() } }
        let inner: ByteBuffer?
        do {
            let string = try parser.parse(text).string
            let first = string?.utf8.first { $0 > 0x20 }
            inner = first == UInt8(ascii: "{") || first == UInt8(ascii: "[") ? string.map { ByteBuffer(string: $0) } : nil
        } catch {
            throw Failure(message: "the body is not JSON: \(error.message)")
        }
        guard let inner, (try? parser.parse(inner)) != nil else { return text }
        return inner
    }

    private func inflated(_ bytes: ByteBuffer) throws(Failure) -> ByteBuffer {
        let result: (bytes: ByteBuffer, isComplete: Bool)
        do {
            result = try self.inflatedUpToLimit(bytes)
        } catch {
            throw Failure(message: "\(error)")
        }
        guard result.bytes.readableBytes <= Self.limit else {
            throw Failure(message: "the data are larger than \(Self.limit.byteCountSetting)")
        }
        guard result.isComplete else { throw Failure(message: "the data end too early") }
        return result.bytes
    }

    /// Stops soon after the limit, whatever size the data declare.
    private func inflatedUpToLimit(_ bytes: ByteBuffer) throws -> (bytes: ByteBuffer, isComplete: Bool) {
        guard let decoder = try ContentDecoder.make(for: "\(self)") else { return (bytes, true) }
        bytes.withUnsafeReadableBytes { decoder.append($0) }
        var result = ByteBuffer()
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while result.readableBytes <= Self.limit {
            let count = try chunk.withUnsafeMutableBytes { try decoder.next(into: $0) }
            guard count > 0 else { break }
            result.writeBytes(chunk[..<count])
        }
        return (result, decoder.isComplete)
    }
}

extension SettingCodec where Value == [BodyDecoding] {
    /// One step or several, in the order in which the body is unpacked.
    static var decodings: Self {
        let names = SettingCodec<[String]>.oneOrMore(
            of: .text("name of a coding"))
        return Self(names.type) { decoder in
            let isList = (try? decoder.unkeyedContainer()) != nil
            var steps: [BodyDecoding] = []
            for (index, name) in try names.read(decoder).enumerated() {
                let path = decoder.codingPath + (isList ? [SettingKey(index)] : [])
                guard let step = BodyDecoding(name) else {
                    throw SettingError(path: path, "'\(name)' is not a way to decode; there are \(BodyDecoding.allowed)")
                }
                if let last = steps.last, last.yieldsJSON, step != .json || last == .json {
                    throw SettingError(
                        path: path, "\(step) cannot follow \(last), which makes JSON; write it before, or leave it out")
                }
                steps.append(step)
            }
            guard !steps.isEmpty else { throw SettingError(path: decoder.codingPath, "is empty; leave it out") }
            return steps
        }
    }
}
