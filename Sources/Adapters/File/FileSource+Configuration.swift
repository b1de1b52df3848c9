package import BridgeCore

extension FileSource {
    /// The settings of a file source.
    package struct Configuration: ComponentConfiguration {
        /// `path`: a file, a named pipe, or `-` for standard input.
        package var path: String
        /// `follow`: whether more is awaited at the end of the file.
        ///
        /// True by default; standard input is never followed.
        package var follow: Bool
        /// `start`: where a file is begun of which nothing has been read yet.
        ///
        /// The beginning by default.
        package var start: Start
        /// `subject` of the messages; the path by default.
        package var subject: String
        /// `max_line`: what is longer is cut there and marked with the attribute `truncated`.
        ///
        /// 1 MiB by default.
        package var longestLine: Int
        /// `rotate_wait`: how long nothing must have come to a file that was rotated before it is left for the new one.
        ///
        /// 5 s by default.
        package var rotateWait: Duration

        /// Where to begin.
        package enum Start: String, CaseIterable, Sendable {
            case beginning
            case end
        }

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case path
            case follow
            case start
            case subject
            case longestLine = "max_line"
            case rotateWait = "rotate_wait"
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.path = try container.required(.path)
            self.follow = try container.value(.follow, default: self.path != "-")
            self.start = try container.choice(.start, default: .beginning)
            self.subject = try container.value(.subject, default: self.path == "-" ? "stdin" : self.path)
            self.longestLine = try container.bytes(.longestLine, default: 1 << 20)
            self.rotateWait = try container.duration(.rotateWait, default: .seconds(5))
        }

        package var files: [ReferredFile] {
            self.path == "-" ? [] : [ReferredFile(setting: CodingKeys.path.rawValue, path: self.path, use: .follow)]
        }

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

        /// Standard input has one reader.
        package var exclusiveResources: [Resource] {
            self.path == "-" ? [Resource("standard input", "-")] : []
        }
    }
}
