package import BridgeCore
import NIOCore

extension FileSink {
    /// The settings of a file sink.
    package struct Configuration: SinkConfiguration {
        /// The file and its maintenance; the same for all routes.
        package var destination: Destination
        /// `format`: the content of a line without `body`; by default ``Format/json``.
        package var format: Format
        /// `body`: a template of the line; line breaks in inserted values become spaces, and `nil` uses ``format``.
        package var body: Template?
        /// `json`: the structure of the line instead of ``format`` and ``body``; always valid JSON.
        package var structure: JSONTemplate?

        /// The templates of the line.
        var templates: [Template] { [self.body].compactMap { $0 } + (self.structure?.templates ?? []) }

        /// The content of a line.
        package enum Format: String, CaseIterable, Sendable {
            /// The event's JSON (NDJSON).
            case json
            /// The upstream body unchanged, its line breaks included.
            case raw
        }

        /// The settings that a route cannot override.
        package struct Destination: Sendable {
            /// `path`: the file, or `-` for standard output.
            package var path: String
            /// `fsync`: whether each batch is on disk before it is confirmed; false by default.
            package var isSynchronised: Bool
            /// `max_size`: the size in bytes, 1024 or more, above which the file is renamed to `path.1`; unlimited by
            /// default.
            package var largestSize: Int?
            /// `keep`: the number of rotated files `path.1`, `path.2`, …, 0 to 1000; default 5, 0 removes the file
            /// instead.
            package var kept: Int
        }

        /// The keys of a file sink.
        package enum CodingKeys: String, CodingKey, CaseIterable {
            case path
            case format
            case body
            case structure = "json"
            case isSynchronised = "fsync"
            case largestSize = "max_size"
            case kept = "keep"
        }

        /// `format`, `body` and `json`: a route can override the line, not the file.
        package static var perRouteKeys: [CodingKeys] { [.format, .body, .structure] }

        /// Decodes the settings.
        ///
        /// - Throws: ``SettingError`` for two of `format`, `body` and `json`, and for `keep` without `max_size`.
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
            self.structure = try container.optional(.structure)
            if self.structure != nil, self.body != nil || container.contains(.format) {
                throw SettingError(
                    path: container.codingPath + [CodingKeys.structure],
                    "json, body and format exclude each other; json says all of the line")
            }
            if container.contains(.kept), self.destination.largestSize == nil {
                throw SettingError(
                    path: container.codingPath + [CodingKeys.kept], "has no meaning without max_size; add max_size")
            }
        }

        /// Validates the path and the size.
        ///
        /// - Throws: ``SettingError`` for an empty path, a size below 1 KiB, and rotation of standard output.
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

        /// A template within a JSON string of `body`.
        package var warnings: [SettingError] { [self.body?.jsonWarning(at: [CodingKeys.body])].compactMap { $0 } }

        /// The file or standard output: two writers would corrupt each other's lines and rotations.
        package var exclusiveResources: [Resource] {
            let path = self.destination.path
            return path == "-" ? [Resource("standard output", "-")] : [Resource("file", path, identity: CanonicalPath.of(path))]
        }

        /// The file, for appending or rotation; none for standard output.
        package var files: [ReferredFile] {
            guard self.destination.path != "-" else { return [] }
            let use: ReferredFile.Use = self.destination.largestSize == nil ? .append : .rotate
            return [ReferredFile(setting: CodingKeys.path.rawValue, path: self.destination.path, use: use)]
        }

        /// Appends the line of an event with its LF.
        ///
        /// - Throws: `ExpressionError` of the template.
        func write(_ event: Event, reader: EventReader, to buffer: inout ByteBuffer) throws {
            if let body = self.body {
                reader.load(event)
                buffer.writeString(try body.render(reader, escape: Self.onOneLine))
            } else if let structure = self.structure {
                reader.load(event)
                buffer.writeImmutableBuffer(try structure.render(reader))
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
