/// `log:` in the file.
package struct LogSettings: SettingGroup {
    enum Kind: String, CaseIterable { case memory, sqlite }

    var kind = Kind.memory
    var path: String?
    var durability: DurableLogSettings.Durability?
    var retain = Retention()

    /// The keys of `log`.
    package static let settings = Settings<Self> {
        Setting("kind", \.kind, .choice, "Where events are kept until their sinks have confirmed them")
        Setting(
            "path", \.path, .path, default: "events.db in service.state_dir", "File of a log on disk"
        ).example("/var/lib/streambridge/events.db")
        Setting(
            "durability", \.durability, .choice, default: DurableLogSettings.Durability.process.rawValue,
            "What an event in a log on disk survives: the end of the program, or the loss of power")
        Setting("retain", \.retain, .group, "What is kept beyond what sinks need")
    }

    /// `log.retain`.
    struct Retention: SettingGroup {
        var events: Int?
        var age: Duration?
        var bytes: Int?
        var letters: DeadLetterLimits?

        static let settings = Settings<Self> {
            let memory = LogLimits(), disk = DurableLogSettings(path: "")
            Setting(
                "events", \.events, .integer(in: 1...1_000_000_000),
                default: "\(memory.events); \(disk.events) with a log on disk", "How many events are kept")
            Setting(
                "age", \.age, .duration.checked { $0 > .zero ? nil : "must be more than 0, such as 1h" },
                default: disk.age.setting, "How long events are kept in a log on disk")
            Setting(
                "bytes", \.bytes, .bytes(in: 0...),
                default: "\(memory.bytes.byteCountSetting); \(disk.bytes.byteCountSetting) with a log on disk",
                "How much memory kept events may take, or the size of a log on disk, 1MiB or more")
            Setting("dead_letters", \.letters, .group, "How many dead letters are kept in a log on disk")
        }
    }

    /// Makes settings of a log in memory.
    package init() {}

    /// Validates the settings together.
    ///
    /// - Throws: ``SettingError`` for what has no effect on a log of the kind, and for a file that is too small.
    package func validate() throws {
        guard self.kind == .memory else {
            if let bytes = self.retain.bytes, bytes < 1 << 20 {
                throw SettingError(
                    at: "retain", "bytes", because: "\(bytes) is too small for a file; write 1MiB or more")
            }
            return
        }
        if self.retain.bytes == 0 {
            throw SettingError(at: "retain", "bytes", because: "must be more than 0, such as 64MiB")
        }
        for (key, isSet) in [("path", self.path != nil), ("durability", self.durability != nil)] where isSet {
            throw SettingError(
                at: key, because: "has no effect on a log in memory; write kind: sqlite, or leave it out")
        }
        if self.retain.letters != nil {
            throw SettingError(
                at: "retain", "dead_letters",
                because: "has no effect on a log in memory, which keeps no dead letters; write kind: sqlite, or leave it out")
        }
        if self.retain.age != nil {
            throw SettingError(
                at: "retain", "age",
                because:
                    "has no effect on a log in memory, which keeps every event that a sink has not confirmed; write kind: sqlite, or"
                    + " leave it out"
            )
        }
    }

    /// Where events are kept with these settings.
    ///
    /// - Parameter directory: `service.state_dir`.
    /// - Throws: ``SettingError`` when no path for the file is configured.
    package func plan(directory: String?) throws -> LogPlan {
        switch self.kind {
        case .memory:
            let standard = LogLimits()
            return .memory(
                LogLimits(events: self.retain.events ?? standard.events, bytes: self.retain.bytes ?? standard.bytes))
        case .sqlite:
            guard let path = self.path ?? directory.flatMap({ $0.isEmpty ? nil : "\($0)/events.db" }), !path.isEmpty else {
                throw SettingError(at: "kind", because: "sqlite needs a file; set path, or service.state_dir")
            }
            let standard = DurableLogSettings(path: path)
            return .disk(
                DurableLogSettings(
                    path: path, durability: self.durability ?? .process, events: self.retain.events ?? standard.events,
                    age: self.retain.age ?? standard.age, bytes: self.retain.bytes ?? standard.bytes,
                    letters: self.retain.letters ?? DeadLetterLimits()
                )
            )
        }
    }
}
