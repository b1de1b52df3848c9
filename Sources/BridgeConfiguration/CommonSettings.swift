package import BridgeCore

/// The keys that every source has in addition to its adapter's.
package struct SourceDeclaration: SettingGroup {
    var type = ""
    var preset: [String] = []
    var connection: String?
    var defaults = SourceDefaults()
    var normalise = NormaliseBlocks()
    var isRequired = true

    /// The common keys of sources.
    package static let settings = Settings<Self> {
        Setting(required: "type", \.type, .text("kind"), "Kind of the source; that of the preset by default")
        Setting(
            PresetKey.name, \.preset, .oneOrMore(of: .text(PresetKey.form)),
            "\(PresetKey.summary); of a list, each reads the messages of its own topics"
        ).example("zigbee2mqtt")
        ConnectionKey.setting(\.connection)
        SourceDefaults.settings.within(\.defaults)
        Setting(
            "normalise", \.normalise, .normalise,
            "How messages become events; of a list of blocks, the first that matches reads a message"
        ).example("{ root: .payload.body }")
        Setting("required", \.isRequired, .flag, "Whether readiness needs its connection")
    }

    /// Makes settings of no kind.
    package init() {}
}

/// `preset:` of a source or a sink, which is resolved before the component is decoded.
enum PresetKey {
    static let name = "preset"
    static let form = "name of a preset"
    static let summary = "Settings for a well-known peer, which the other keys override"

    static func setting<Root: SettingGroup>(_ path: any WritableKeyPath<Root, String?> & Sendable) -> Setting<Root> {
        Setting(
            Self.name, path, .text(Self.form), Self.summary)
    }
}

/// The common keys of sources that `defaults.source` can set for all of them.
struct SourceDefaults: SettingGroup {
    enum OnGap: String, CaseIterable { case emit, count }

    var acknowledge: AcknowledgePolicy?
    var onGap: OnGap?
    var retry = RetryDeclaration()

    static let settings = Settings<Self> {
        Setting(
            "ack", \.acknowledge, .choice, default: "delivered; logged with a log on disk",
            "When a message is acknowledged to its sender")
        Setting(
            "on_gap", \.onGap, .choice, default: OnGap.emit.rawValue, "Whether known losses become events or are only counted")
        Setting("retry", \.retry, .group, "How a lost connection is retried")
    }
}

/// The keys that every sink has in addition to its adapter's.
package struct SinkDeclaration: SettingGroup {
    var type = ""
    var preset: String?
    var connection: String?
    var defaults = SinkDefaults()
    var deadLetter: String?
    var isRequired = true

    /// The common keys of sinks.
    package static let settings = Settings<Self> {
        Setting(required: "type", \.type, .text("kind"), "Kind of the sink; that of the preset by default")
        PresetKey.setting(\.preset).example("slack")
        ConnectionKey.setting(\.connection)
        SinkDefaults.buffer(\.defaults.buffer)
        // An adapter can have further keys in it.
        Setting("retry", \.defaults.retry, .openGroup, "How a lost connection and a refused event are retried")
        Setting(
            "dead_letter", \.deadLetter, .text("name of a sink"), default: "that of defaults.dead_letter",
            "Sink for events that this one gives up")
        Setting("required", \.isRequired, .flag, "Whether readiness needs its connection")
    }

    /// Makes settings of no kind.
    package init() {}
}

/// The common keys of sinks that `defaults.sink` can set for all of them.
struct SinkDefaults: SettingGroup {
    var buffer = BufferDeclaration()
    var retry = SinkRetryDeclaration()

    static let settings = Settings<Self> {
        Self.buffer(\.buffer)
        Setting("retry", \.retry, .group, "How a lost connection and a refused event are retried")
    }

    static func buffer<Root>(_ path: any WritableKeyPath<Root, BufferDeclaration> & Sendable) -> Setting<Root>
    where Root: SettingGroup {
        Setting("buffer", path, .group, "Limits of the events that wait for the sink")
    }
}

/// `retry:` of a source, and what it has in common with that of a sink.
struct RetryDeclaration: SettingGroup {
    var initial: Duration?
    var factor: Double?
    var max: Duration?

    static let settings = Settings<Self> {
        let standard = RetrySettings()
        Setting(
            "initial", \.initial, .duration, default: standard.initial.setting, "Bound of the first wait, which is random")
        Setting(
            "factor", \.factor, .number(in: 1...100), default: standard.factor.setting, "Growth of the bound with each attempt")
        Setting("max", \.max, .duration, default: standard.maximum.setting, "Limit of the bound")
    }

    func validate() throws {
        if let initial, let max, initial > max {
            throw SettingError(at: "initial", because: "is longer than max; lower it, or raise max")
        }
    }

    /// The declared settings, over those of the enclosing level.
    func settings(over base: RetrySettings) -> RetrySettings {
        RetrySettings(
            initial: self.initial ?? base.initial, factor: self.factor ?? base.factor, maximum: self.max ?? base.maximum,
            attempts: base.attempts, limit: base.limit)
    }
}

/// `retry:` of a sink.
struct SinkRetryDeclaration: SettingGroup {
    var common = RetryDeclaration()
    var attempts: Int?
    var limit: Duration?

    static let settings = Settings<Self> {
        RetryDeclaration.settings.within(\.common)
        Setting(
            "attempts", \.attempts, .integer(in: 0...1_000_000), default: "\(RetrySettings().attempts), or 0 with for",
            "Refusals after which an event is given up; 0 for never")
        Setting(
            "for", \.limit,
            .duration.checked { $0 > .zero ? nil : "must be longer than 0s; leave it out for no time limit" },
            default: "no limit", "Time from its first refusal after which an event is given up")
    }

    func validate() throws { try self.common.validate() }

    /// The declared settings, over those of the enclosing level.
    ///
    /// A limit in time alone is the only limit.
    func settings(over base: RetrySettings) -> RetrySettings {
        var settings = self.common.settings(over: base)
        settings.attempts = self.attempts ?? (self.limit == nil ? base.attempts : 0)
        settings.limit = self.limit ?? base.limit
        return settings
    }
}

/// `buffer:` of a sink.
struct BufferDeclaration: SettingGroup {
    var events: Int?
    var bytes: Int?
    var onFull: OverflowPolicy?

    static let settings = Settings<Self> {
        let memory = DeliverySettings(), disk = DeliverySettings.onDisk
        Setting(
            "events", \.events, .integer(in: 1...100_000_000), default: "\(memory.events); \(disk.events) with a log on disk",
            "How many events may wait")
        Setting(
            "bytes", \.bytes, .bytes(in: 0...),
            default: "\(memory.bytes.byteCountSetting); \(disk.bytes.byteCountSetting) with a log on disk",
            "How many bytes may wait")
        Setting("on_full", \.onFull, .choice, default: memory.onFull.rawValue, "What happens when the buffer is full")
    }

    /// The declared settings, over those of the enclosing level.
    func settings(over base: DeliverySettings) -> DeliverySettings {
        var settings = base
        settings.events = self.events ?? base.events
        settings.bytes = self.bytes ?? base.bytes
        settings.onFull = self.onFull ?? base.onFull
        return settings
    }
}

/// `defaults.event:`.
struct EventDeclaration: SettingGroup {
    enum AbsentTitle: String, CaseIterable { case empty, omit }

    var title = EventLimits().title
    var message = EventLimits().message
    var absentTitle = AbsentTitle.empty

    static let settings = Settings<Self> {
        Setting("title", \.title, .integer(in: 1...1_000_000), "Characters after which a title is truncated")
        Setting("message", \.message, .integer(in: 1...100_000_000), "Characters after which a message is truncated")
        Setting("absent_title", \.absentTitle, .choice, "Whether an event without a title has an empty one or none")
    }

    var limits: EventLimits {
        EventLimits(title: self.title, message: self.message, absentTitle: self.absentTitle == .empty ? "" : nil)
    }
}
