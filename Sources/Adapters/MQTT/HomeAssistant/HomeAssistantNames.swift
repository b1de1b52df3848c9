import BridgeCore

/// The names of one device in Home Assistant: its topics, its identifiers, and what the identifiers of its entities
/// begin with.
///
/// All are valid where they are used: discovery topics take letters, digits, `_` and `-`; entity identifiers take lower
/// case letters, digits and `_`.
struct HomeAssistantNames: Sendable, Equatable {
    /// The longest part of an identifier that comes from a name of the file; more is cut, and a hash follows.
    static let longest = 48

    /// The identifier of the device, such as `streambridge-home`.
    let node: String
    /// The name of the device, for people.
    let device: String
    /// The topic below which states are published, such as `streambridge/home`.
    let base: String
    /// The topic of discovery, `homeassistant` by default.
    let prefix: String
    /// The topic at which Home Assistant reports that it has started.
    let status: String

    /// - Parameter bridge: the name of the bridge.
    init(_ settings: HomeAssistantSink.Configuration, bridge: String) {
        let isOwn = bridge.lowercased().hasPrefix("streambridge")
        self.node = settings.deviceID ?? Self.identifier(isOwn ? bridge : "streambridge-\(bridge)")
        self.device = settings.deviceName ?? (isOwn ? bridge : "streambridge \(bridge)")
        self.base = settings.topic ?? "streambridge/\(Self.identifier(bridge))"
        self.prefix = settings.prefix
        self.status = settings.statusTopic ?? "\(settings.prefix)/status"
    }

    /// Whether the program is alive: `online` or `offline`.
    var availability: String { "\(self.base)/availability" }
    /// The figures.
    var health: String { "\(self.base)/health" }
    /// The state of each source and sink.
    var components: String { "\(self.base)/components" }
    /// Which routes are on.
    var routes: String { "\(self.base)/routes" }
    /// Where a command for an entity arrives.
    func command(_ key: String) -> String { "\(self.base)/\(key)/set" }
    /// Where the last value of an entity is.
    func state(_ key: String) -> String { "\(self.base)/\(key)/state" }
    /// Where the events of an entity are published.
    func event(_ key: String) -> String { "\(self.base)/\(key)/event" }
    /// A topic that this client alone writes and reads, to find out when it has received all retained messages.
    var marker: String { "\(self.base)/marker" }

    /// The discovery topic of the device.
    var deviceTopic: String { "\(self.prefix)/device/\(self.node)/config" }
    /// The discovery topic of one entity, in the older form.
    func entityTopic(_ platform: String, _ key: String) -> String { "\(self.prefix)/\(platform)/\(self.node)/\(key)/config" }

    /// The platform and key of a discovery topic of one of the device's entities; `nil` for another topic.
    func entity(of topic: String) -> (platform: String, key: String)? {
        guard topic.hasPrefix("\(self.prefix)/") else { return nil }
        let levels = topic.dropFirst(self.prefix.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        guard levels.count == 4, levels[1] == self.node[...], levels[3] == "config" else { return nil }
        return (String(levels[0]), String(levels[2]))
    }

    /// What the identifiers of entities begin with: those that the device proposes, and those that Home Assistant makes
    /// of the names.
    var entityPrefixes: [String] {
        var prefixes = ["\(Self.slug(self.node))_"]
        let other = "\(Self.slug(self.device))_"
        if other != prefixes[0], other != "_" { prefixes.append(other) }
        return prefixes
    }

    /// A name as a part of identifiers and topics: a name that must be changed or cut gets a hash, so that two names
    /// never become one.
    static func identifier(_ name: String) -> String {
        let bytes = name.utf8.map { Self.isIdentifierByte($0) ? $0 : UInt8(ascii: "_") }
        guard !bytes.elementsEqual(name.utf8) || bytes.count > Self.longest || bytes.isEmpty else { return name }
        var hash = Fingerprint()
        hash.add(name)
        return String(decoding: bytes.prefix(Self.longest), as: UTF8.self) + "_" + hash.value.hexadecimal.prefix(8)
    }

    /// A text as Home Assistant makes an identifier of an entity of it, for the letters of Latin-1: others count as a gap.
    static func slug(_ text: String) -> String {
        var result = ""
        for scalar in text.lowercased().unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9": result.unicodeScalars.append(scalar)
            case "à"..."å": result += "a"
            case "æ": result += "ae"
            case "ç": result += "c"
            case "è"..."ë": result += "e"
            case "ì"..."ï": result += "i"
            case "ð": result += "d"
            case "ñ": result += "n"
            case "ò"..."ö", "ø": result += "o"
            case "ù"..."ü": result += "u"
            case "ý", "ÿ": result += "y"
            case "þ": result += "th"
            case "ß": result += "ss"
            default: if !result.isEmpty, !result.hasSuffix("_") { result += "_" }
            }
        }
        return result.hasSuffix("_") ? String(result.dropLast()) : result
    }

    /// Whether a text is valid in a discovery topic.
    static func isIdentifier(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(Self.isIdentifierByte) }

    private static func isIdentifierByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
