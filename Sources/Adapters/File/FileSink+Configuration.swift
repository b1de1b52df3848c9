package import BridgeCore
import NIOCore

extension FileSink {
    /// The settings of a file sink.
    package struct Configuration: SinkConfiguration {
        /// The file and its maintenance; the same for all routes.
        package var destination = Destination()
        /// The content of a line without ``body`` and ``structure``.
        package var format = Format.json
        /// A template of the line; line breaks in inserted values become spaces.
        package var body: Template?
        /// The structure of the line; always valid JSON.
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
            /// The file, or `-` for standard output.
            package var path = ""
            /// Whether each batch is on disk before it is confirmed.
            package var isSynchronised = false
            /// The size in bytes above which the file is renamed to `path.1`; `nil` for no limit.
            package var largestSize: Int?
            /// The number of rotated files `path.1`, `path.2`, …; 0 removes the file instead.
            package var kept = 5
        }

        /// The keys of a file sink; a route can override the line, not the file.
        package static let settings = Settings<Self> {
            Setting(
                required: "path", \.destination.path,
                .path.checked { $0.isEmpty ? "is empty; write the path of a file, or - for standard output" : nil },
                "File to append to, or - for standard output"
            ).example("events.ndjson")
            Setting("format", \.format, .choice, "What a line holds: the event's JSON, or the body as it arrived").perRoute()
            Setting("body", \.body, .template, "The text of a line").example("'{{ .timestamp }} {{ .message }}'")
                .excluding("format", else: "format and body exclude each other; leave one out").perRoute()
            Setting("json", \.structure, .json, "The structure of a line, which is always valid JSON")
                .excluding("body", "format", else: "json, body and format exclude each other; json is the whole line").perRoute()
            Setting("fsync", \.destination.isSynchronised, .flag, "Whether each batch is on disk before it is confirmed")
            Setting(
                "max_size", \.destination.largestSize, .bytes(in: 1024...), default: "no limit",
                "Size before which the file is rotated to path.1, path.2 and so on")
            Setting("keep", \.destination.kept, .integer(in: 0...1000), "How many rotated files are kept")
                .needing("max_size", else: "has no effect without max_size; add max_size")
        }

        /// Makes settings that have no path.
        package init() {}

        /// Validates the settings together.
        ///
        /// - Throws: ``SettingError`` for rotation of standard output.
        package func validate() throws {
            guard self.destination.path != "-" || self.destination.largestSize == nil else {
                throw SettingError(at: "max_size", because: "standard output cannot be rotated; leave it out")
            }
        }

        /// A template within a JSON string of `body`.
        package var warnings: [SettingError] { [self.body?.jsonWarning(at: [SettingKey("body")])].compactMap { $0 } }

        /// The file or standard output: two writers would corrupt each other's lines and rotations.
        package var exclusiveResources: [Resource] {
            let path = self.destination.path
            return path == "-" ? [Resource("standard output", "-")] : [Resource("file", path, identity: CanonicalPath.of(path))]
        }

        /// The file, for appending or rotation; none for standard output.
        package var files: [ReferredFile] {
            guard self.destination.path != "-" else { return [] }
            let use: ReferredFile.Use = self.destination.largestSize == nil ? .append : .rotate
            return [ReferredFile(setting: "path", path: self.destination.path, use: use)]
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
