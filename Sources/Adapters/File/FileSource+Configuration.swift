package import BridgeCore

extension FileSource {
    /// The settings of a file source.
    package struct Configuration: ComponentConfiguration {
        /// `path`: a file, a named pipe, or `-` for standard input.
        package var path: String
        /// `follow`: whether to wait for more at the end of the file; true by default, false for standard input.
        package var follow: Bool
        /// `start`: where a file is first read; by default at its beginning.
        package var start: Start
        /// `subject` of the messages; by default the path, or `stdin` for standard input.
        package var subject: String
        /// `max_line`: the limit on a line in bytes, 16 to 256 MiB; default 1 MiB.
        ///
        /// A longer line is truncated and gets the attribute `truncated`.
        package var longestLine: Int
        /// `rotate_wait`: how long a rotated file must be idle before the source continues with the new one, 0 to 1 h;
        /// default 5 s.
        package var rotateWait: Duration

        /// Where a file is first read.
        package enum Start: String, CaseIterable, Sendable {
            /// At its first line.
            case beginning
            /// After its last line, so that only new lines are sent.
            case end
        }

        /// The keys of a file source.
        package enum CodingKeys: String, CodingKey, CaseIterable {
            case path
            case follow
            case start
            case subject
            case longestLine = "max_line"
            case rotateWait = "rotate_wait"
        }

        /// Decodes the settings.
        ///
        /// - Throws: ``SettingError`` for a value that is malformed.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.path = try container.required(.path)
            self.follow = try container.value(.follow, default: self.path != "-")
            self.start = try container.choice(.start, default: .beginning)
            self.subject = try container.value(.subject, default: self.path == "-" ? "stdin" : self.path)
            self.longestLine = try container.bytes(.longestLine, default: 1 << 20)
            self.rotateWait = try container.duration(.rotateWait, default: .seconds(5))
        }

        /// The file, which need not exist at the start; none for standard input.
        package var files: [ReferredFile] {
            self.path == "-" ? [] : [ReferredFile(setting: CodingKeys.path.rawValue, path: self.path, use: .follow)]
        }

        /// Validates the settings.
        ///
        /// - Throws: ``SettingError`` for an empty path, values out of range, and combinations without effect.
        package func validate() throws {
            guard !self.path.isEmpty else {
                throw SettingError(path: [CodingKeys.path], "is empty; write the path of a file, or - for standard input")
            }
            guard self.path != "-" || !self.follow else {
                throw SettingError(path: [CodingKeys.follow], "standard input cannot be followed; leave it out")
            }
            guard self.follow || self.start == .beginning else {
                throw SettingError(path: [CodingKeys.start], "'end' reads nothing when follow is false; set follow: true")
            }
            guard self.rotateWait <= .seconds(3600) else {
                throw SettingError(path: [CodingKeys.rotateWait], "is out of range; 0s to 1h is allowed")
            }
            guard (16...(256 << 20)).contains(self.longestLine) else {
                throw SettingError(
                    path: [CodingKeys.longestLine], "\(self.longestLine) bytes is out of range; 16 B to 256MiB is allowed"
                )
            }
        }

        /// Standard input, which has one reader; any number of sources can read a file.
        package var exclusiveResources: [Resource] {
            self.path == "-" ? [Resource("standard input", "-")] : []
        }
    }
}
