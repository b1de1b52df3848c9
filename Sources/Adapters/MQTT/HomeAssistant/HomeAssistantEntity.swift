import BridgeCore

/// `entities.NAME` of Home Assistant: what the events of routes become there.
struct HomeAssistantEntity: SettingGroup {
    /// The type of an entity.
    enum Platform: String, CaseIterable, Sendable {
        /// Reports that something happened.
        case event
        /// Shows the last value.
        case sensor
        /// Shows whether something is on.
        case binarySensor = "binary_sensor"
    }

    /// `state_class` of a sensor.
    enum StateClass: String, CaseIterable, Sendable {
        case measurement, total
        case totalIncreasing = "total_increasing"
    }

    /// The type of an event whose own is not among the announced ones.
    static let otherType = "other"
    /// The most types of an event entity, and the longest name of one.
    static let mostTypes = (count: 100, length: 64)

    var platform = Platform.event
    /// `nil` makes one of the key.
    var name: String?
    /// `nil` is the message, or the title of an event without one.
    var value: Template?
    var onValues = ["on", "true", "yes", "1", "open", "active", "firing", "problem", "detected"]
    var offValues = ["off", "false", "no", "0", "closed", "inactive", "resolved", "ok", "clear"]
    /// `nil` are the names of the routes.
    var types: [String]?
    /// `nil` takes the first tag that is a type.
    var type: Template?
    var deviceClass: String?
    var unit: String?
    var stateClass: StateClass?
    var icon: String?
    var hasAttributes = true

    static let settings = Settings<Self> {
        Setting("platform", \.platform, .choice, "Type of the entity")
        Setting("name", \.name, .shown, default: "made of the key", "Name of the entity").example("Front door")
        Setting(
            "value", \.value, .template, default: "for a sensor the message, or else the title; a binary_sensor needs it",
            "State of a sensor, or text that is among the on or off values of a binary_sensor"
        ).example("'{{ .payload.state }}'")
        Setting("on_values", \.onValues, .list(of: .text), "Texts that mean on, in any case").example("['on', open]")
        Setting("off_values", \.offValues, .list(of: .text), "Texts that mean off, in any case").example("['off', closed]")
        Setting(
            "event_types", \.types,
            SettingCodec<[String]>.list(of: .text).checked { types in
                if types.isEmpty || types.count > Self.mostTypes.count {
                    return "name 1 to \(Self.mostTypes.count) types, or leave the key out for the names of the routes"
                }
                if let long = types.first(where: { $0.isEmpty || $0.unicodeScalars.count > Self.mostTypes.length }) {
                    return "'\(long.prefix(20))' is not a type; write 1 to \(Self.mostTypes.length) characters"
                }
                return Set(types).count == types.count ? nil : "names a type twice; remove one"
            },
            default: "the names of the routes", "Types of an event entity, which Home Assistant must know in advance"
        ).example("[rung, opened]")
        Setting("event_type", \.type, .template, default: "the first tag that is a type", "Type of an event").example(
            "'{{ .payload.action }}'")
        Setting("device_class", \.deviceClass, .word, "Class of the entity, such as doorbell, motion or temperature").example(
            "doorbell")
        Setting("unit", \.unit, .shown, "Unit of a sensor; its values must be numbers then").example("kWh")
        Setting("state_class", \.stateClass, .choice, "Kind of statistics of a sensor with numbers")
        Setting("icon", \.icon, .word, "Icon of the entity, such as mdi:doorbell").example("'mdi:doorbell'")
        Setting("attributes", \.hasAttributes, .flag, "Whether the state of a sensor has the event as attributes")
    }

    init() {}

    /// - Throws: ``SettingError`` for a key that the platform does not have.
    func validate() throws {
        let isSensor = self.platform == .sensor
        let misplaced: [(key: String, isGiven: Bool, platform: Platform)] = [
            ("event_types", self.types != nil, .event), ("event_type", self.type != nil, .event),
            ("unit", self.unit != nil, .sensor), ("state_class", self.stateClass != nil, .sensor),
        ]
        for (key, isGiven, platform) in misplaced where isGiven && platform != self.platform {
            throw SettingError(at: key, because: "only a platform: \(platform.rawValue) has this; leave it out")
        }
        if self.platform == .event, self.value != nil {
            throw SettingError(at: "value", because: "an event has no value; write event_type, or platform: sensor")
        }
        if self.type != nil, self.types == nil {
            throw SettingError(at: "event_type", because: "needs event_types, which Home Assistant must know in advance")
        }
        if self.platform == .binarySensor {
            if self.value == nil {
                // At a key that the file has: a missing one would not be named in the message.
                throw SettingError(
                    at: "platform", because: "a binary_sensor needs the key 'value', such as value: \"{{ .payload.state }}\"")
            }
            let on = Set(self.onValues.map { $0.lowercased() })
            if let both = self.offValues.first(where: { on.contains($0.lowercased()) }) {
                throw SettingError(at: "off_values", because: "'\(both)' means on too; remove it from one of the lists")
            }
        }
        if self.stateClass != nil, isSensor, self.unit == nil, self.value == nil {
            throw SettingError(at: "state_class", because: "needs a value that is a number, such as {{ .payload.count }}")
        }
    }

    /// Its templates.
    var templates: [Template] { [self.value, self.type].compactMap { $0 } }
}

extension SettingCodec where Value == String {
    /// A text that people read: 1 to 200 characters without control characters.
    static var shown: Self {
        .text.checked { text in
            (1...200).contains(text.unicodeScalars.count)
                && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
                ? nil : "write 1 to 200 characters without control characters"
        }
    }

    /// A word of Home Assistant, such as `motion` or `mdi:bell`.
    static var word: Self {
        .text.checked { text in
            (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
                ? nil : "'\(text.prefix(20))' is not one word, such as motion or mdi:bell"
        }
    }
}
