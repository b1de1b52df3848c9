package import BridgeCore

extension FileSource {
    /// The settings of a file source.
    package struct Configuration: ComponentConfiguration {
        /// A file, a named pipe, or `-` for standard input.
        package var path = ""
        /// Where a new file is read from.
        package var start = Start.beginning
        /// The limit on a line in bytes.
        ///
        /// A longer line is truncated and gets the attribute `truncated`.
        package var longestLine = 1 << 20
        /// How long a rotated file must be idle before the source continues with the new one.
        package var rotateWait = Duration.seconds(5)
        private var givenFollow: Bool?
        private var givenSubject: String?

        /// Where a new file is read from.
        package enum Start: String, CaseIterable, Sendable {
            /// At its first line.
            case beginning
            /// After its last line, so that only new lines are sent.
            case end
        }

        /// The keys of a file source.
        package static let settings = Settings<Self> {
            Setting(
                required: "path", \.path,
                .path.checked { $0.isEmpty ? "is empty; write the path of a file, or - for standard input" : nil },
                "File or named pipe to read, or - for standard input"
            ).example("/var/log/app.log")
            Setting(
                "follow", \.givenFollow, .flag, default: "true; false for standard input",
                "Whether to wait for more at the end of the file")
            Setting("start", \.start, .choice, "Where a file is first read")
            Setting("subject", \.givenSubject, .text, default: "the path; stdin for standard input", "Subject of the messages")
                .example("app")
            Setting("max_line", \.longestLine, .bytes(in: 16...(256 << 20)), "Length at which a line is truncated")
            Setting(
                "rotate_wait", \.rotateWait, .duration(in: .zero ... .seconds(3600)),
                "How long a rotated file must be idle before the new one is read")
        }

        /// Makes settings that have no path.
        package init() {}

        /// Whether to wait for more at the end of the file.
        package var follow: Bool { self.givenFollow ?? (self.path != "-") }

        /// The subject of the messages.
        package var subject: String { self.givenSubject ?? (self.path == "-" ? "stdin" : self.path) }

        /// The file, which need not exist at the start; none for standard input.
        package var files: [ReferredFile] {
            self.path == "-" ? [] : [ReferredFile(setting: "path", path: self.path, use: .follow)]
        }

        /// Validates the settings together.
        ///
        /// - Throws: ``SettingError`` for combinations without effect.
        package func validate() throws {
            guard self.path != "-" || !self.follow else {
                throw SettingError(at: "follow", because: "standard input cannot be followed; leave it out")
            }
            guard self.follow || self.start == .beginning else {
                throw SettingError(at: "start", because: "'end' reads nothing when follow is false; set follow: true")
            }
        }

        /// Standard input, which has one reader; any number of sources can read a file.
        package var exclusiveResources: [Resource] {
            self.path == "-" ? [Resource("standard input", "-")] : []
        }
    }
}
