package import BridgeCore
import NIOCore

extension FileSink {
    /// The settings of a file sink.
    package struct Configuration: SinkConfiguration {
        /// Which file, and how it is kept.
        package var destination: Destination
        /// `format`: what a line is made of when there is no `body`.
        ///
        /// `json`, the event's JSON, by default.
        package var format: Format
        /// `body`: a template that makes the line; line breaks in what it fills in become spaces.
        package var body: Template?

        /// What stands in a line.
        package enum Format: String, CaseIterable, Sendable {
            /// The event's JSON (NDJSON).
            case json
            /// The upstream body as it arrived; its own line breaks stay.
            case raw
        }

        /// What a route cannot set anew.
        package struct Destination: Sendable {
            /// `path`: a file, or `-` for standard output.
            package var path: String
            /// `fsync`: whether each batch is on the disk before it counts as delivered.
            ///
            /// False by default.
            package var isSynchronised: Bool
            /// `max_size`: a file that would grow beyond it becomes `path.1`.
            ///
            /// Never by default.
            package var largestSize: Int?
            /// `keep`: how many of `path.1`, `path.2`, … there may be.
            ///
            /// 5 by default, at most 1000.
            package var kept: Int
        }

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case path
            case format
            case body
            case isSynchronised = "fsync"
            case largestSize = "max_size"
            case kept = "keep"
        }

        package static var perRouteKeys: [CodingKeys] { [.format, .body] }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            let largest = try container.bytes(.largestSize, default: 0)
            self.destination = Destination(
                path: try container.required(.path), isSynchronised: try container.value(.isSynchronised, default: false),
                largestSize: largest > 0 ? largest : nil, kept: try container.integer(.kept, in: 0...1000, default: 5)
            )
            self.format = try container.choice(.format, default: .json)
            self.body = try container.optional(.body)
            if self.body != nil, container.contains(.format) {
                throw SettingError(path: container.codingPath + [CodingKeys.body], "stands beside format; leave one of them out")
            }
            if container.contains(.kept), self.destination.largestSize == nil {
                throw SettingError(
                    path: container.codingPath + [CodingKeys.kept], "has no meaning without max_size; add max_size")
            }
        }

        package func validate() throws {
            guard !self.destination.path.isEmpty else {
                throw SettingError(path: [CodingKeys.path], "is empty; write the path of a file, or - for standard output")
            }
            guard let largest = self.destination.largestSize else { return }
            guard largest >= 1024 else {
                throw SettingError(path: [CodingKeys.largestSize], "\(largest) bytes is too small; 1KiB or more is allowed")
            }
            guard self.destination.path != "-" else {
                throw SettingError(path: [CodingKeys.largestSize], "standard output cannot be rotated; leave it out")
            }
        }

        /// Two writers would cut each other's lines and rotate each other's file.
        package var exclusiveResources: [Resource] {
            self.destination.path == "-" ? [Resource("standard output", "-")] : [Resource("file", self.destination.path)]
        }

        package var files: [ReferredFile] {
            guard self.destination.path != "-" else { return [] }
            let use: ReferredFile.Use = self.destination.largestSize == nil ? .append : .rotate
            return [ReferredFile(setting: CodingKeys.path.rawValue, path: self.destination.path, use: use)]
        }

        /// Appends the line of an event, its LF included.
        ///
        /// - Throws: `ExpressionError` of the template.
        func write(_ event: Event, reader: EventReader, to buffer: inout ByteBuffer) throws {
            if let body = self.body {
                reader.load(event)
                buffer.writeString(try body.render(reader, escape: Self.onOneLine))
            } else {
                buffer.writeImmutableBuffer(self.format == .raw ? event.raw : event.json)
            }
            buffer.writeInteger(UInt8(ascii: "\n"))
        }

        private static func onOneLine(_ text: String) -> String {
            guard text.utf8.contains(where: { $0 == 10 || $0 == 13 }) else { return text }
            return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\n" || $0 == "\r" ? " " : $0 }))
        }
    }
}
