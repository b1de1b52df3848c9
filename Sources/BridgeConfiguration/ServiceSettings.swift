package import BridgeCore
package import Logging

/// `service`: settings of the whole program.
package struct ServiceSettings: SettingGroup {
    /// The format of log lines.
    package enum LogFormat: String, Sendable, CaseIterable {
        /// Readable text.
        case text
        /// One JSON object per line.
        case json
    }

    /// This bridge's name, see `Provenance.origin`; `nil` generates a unique one.
    package var name: String?
    /// The directory of the cursors; `nil` keeps them in memory.
    package var stateDirectory: String?
    /// The limit on the duration of a shutdown.
    package var drain = Duration.seconds(30)
    /// How many bridges an event may cross, this one included.
    package var maximumHops = 8
    private var log = LogLines()

    /// The lowest level that is logged.
    package var logLevel: Logger.Level { self.log.level }
    /// The format of log lines.
    package var logFormat: LogFormat { self.log.format }

    /// The keys of `service`.
    package static let settings = Settings<Self> {
        Setting(
            "name", \.name,
            .text.checked { name in
                (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(BridgeLoader.isNameByte)
                    ? nil : "invalid name '\(name)'; use 1 to 64 letters, digits, '.', '_' and '-'"
            },
            default: "a new one at each start", "Name of this bridge, by which it recognises its own events"
        ).example("home")
        Setting(
            "state_dir", \.stateDirectory,
            .path.checked { $0.isEmpty ? "is empty; name a directory or leave it out" : nil }, default: "in memory",
            "Directory for state that survives restarts, such as cursors"
        ).example("/var/lib/streambridge")
        Setting("drain", \.drain, .duration, "Limit on the duration of a shutdown")
        Setting("max_hops", \.maximumHops, .integer(in: 1...255), "How many bridges an event may cross, this one included")
        Setting("log", \.log, .group, "What the program logs about itself")
    }

    /// Makes settings of a file without the key.
    package init() {}

    private struct LogLines: SettingGroup {
        var level = Logger.Level.info
        var format = LogFormat.text

        static let settings = Settings<Self> {
            Setting("level", \.level, .choice, "Lowest level that is logged")
            Setting("format", \.format, .choice, "Format of the lines")
        }
    }
}
