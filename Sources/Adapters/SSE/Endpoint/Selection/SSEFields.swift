import BridgeCore
import JSON
import NIOCore

/// Members that an event's JSON can have beside those of the model: `include` of a sink, `fields` of a request.
struct SSEFields: OptionSet, Hashable, Sendable {
    /// The largest number of names in one request.
    static let mostNames = 16

    let rawValue: UInt8

    static let source = Self(rawValue: 1)
    static let subject = Self(rawValue: 2)
    static let attributes = Self(rawValue: 4)

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    init(_ fields: [SSESinkConfiguration.Field]) {
        self.rawValue = fields.reduce(0) { $0 | Self(of: $1).rawValue }
    }

    private init(of field: SSESinkConfiguration.Field) {
        switch field {
        case .source: self = .source
        case .subject: self = .subject
        case .attributes: self = .attributes
        }
    }

    /// Reads `fields` of a request.
    ///
    /// - Parameter streams: those of the request; each must allow every field.
    /// - Throws: ``SSERequestError`` for the client.
    init(_ parameters: SSEParameters, streams: [SSEStream]) throws(SSERequestError) {
        let names = parameters.list("fields")
        let allowed = SSESinkConfiguration.Field.allCases.map(\.rawValue).joined(separator: ", ")
        guard names.count <= Self.mostNames else {
            throw SSERequestError("\(names.count) fields are too many for one request; \(Self.mostNames) are allowed")
        }
        self = []
        for name in names {
            guard let field = SSESinkConfiguration.Field(rawValue: name) else {
                throw SSERequestError(
                    "'\(name.prefix(64))' is not a field; write one or more of \(allowed), with commas between them")
            }
            for stream in streams {
                guard stream.settings.format == .json else {
                    throw SSERequestError("this stream has no fields; its 'format' setting is \(stream.settings.format.rawValue)")
                }
                guard stream.settings.include.contains(field) || stream.settings.includeOnRequest.contains(field) else {
                    throw SSERequestError(
                        "this stream does not send '\(name)'; its 'include_on_request' setting does not have it")
                }
            }
            self.insert(Self(of: field))
        }
    }

    /// The event's JSON with these members at its end.
    func json(of event: Event) -> ByteBuffer {
        guard !self.isEmpty else { return event.json }
        var json = ByteBuffer()
        json.reserveCapacity(event.json.readableBytes + event.subject.utf8.count + 64)
        json.writeImmutableBuffer(event.json)
        // Without its closing brace; an event's JSON always has members.
        json.moveWriterIndex(to: json.writerIndex - 1)
        if self.contains(.source) { json.writeMember("source", event.source) }
        if self.contains(.subject) { json.writeMember("subject", event.subject) }
        if self.contains(.attributes) {
            json.writeStaticString(",\"attributes\":")
            json.writeString(JSONText.object(event.attributes))
        }
        json.writeStaticString("}")
        return json
    }
}

extension ByteBuffer {
    /// Appends a comma and a member of a JSON object.
    mutating func writeMember(_ name: StaticString, _ value: String) {
        self.writeStaticString(",\"")
        self.writeStaticString(name)
        self.writeStaticString("\":")
        JSONWriter.write(value, to: &self)
    }
}
