/// The name of the thing in a subject: `hall_motion` in `zigbee2mqtt/hall_motion/availability`.
///
/// Of an MQTT topic, the parts that a convention puts around the name of the thing are left out; the rest is joined with spaces. A subject
/// without such parts stays as it is.
enum SubjectName {
    /// First parts that name the sender's program or the direction, not the thing.
    private static let heads: Set<String> = [
        "zigbee2mqtt", "tele", "stat", "cmnd", "tasmota", "esphome", "homeassistant", "statestream", "shellies", "frigate",
        "zwave",
        "zwavejs2mqtt", "owntracks", "valetudo", "rtl_433", "homie", "espurna", "wled", "openmqttgateway", "domoticz",
        "blegateway",
    ]
    /// Last parts that name the aspect of the thing.
    private static let tails: Set<String> = [
        "state", "status", "availability", "available", "lwt", "value", "action", "sensor", "result", "config", "attributes",
        "json",
        "rpc", "events", "event", "online", "connected", "reachable", "set", "get", "telemetry", "info",
    ]
    /// Parts that name the sender itself.
    private static let senders: Set<String> = ["bridge", "gateway", "server", "hub", "service", "daemon", "controller"]
    /// Parts within the subject that name the kind of thing.
    private static let kinds: Set<String> = [
        "binary_sensor", "sensor", "light", "switch", "cover", "climate", "fan", "lock", "button", "number", "select",
        "text_sensor",
        "device_automation", "device_tracker", "media_player", "update", "event", "device", "status", "sensors", "relay",
        "multilevel_sensor", "door_lock", "switch_binary", "switch_multilevel", "notification", "events", "nodes", "devices",
    ]

    /// The name.
    ///
    /// - Parameter subject: any text; the result is not empty unless this is.
    static func name(_ subject: String) -> String {
        guard subject.utf8.contains(UInt8(ascii: "/")) else { return subject }
        let parts = subject.split(separator: "/").map(String.init)
        var rest = parts[...]
        if let first = rest.first, rest.count > 1, self.heads.contains(first.lowercased()) { rest = rest.dropFirst() }
        while rest.count > 1, let last = rest.last, self.tails.contains(last.lowercased()) { rest = rest.dropLast() }
        guard rest.count < parts.count, let head = parts.first else { return subject }
        if rest.count == 1, let only = rest.first?.lowercased() {
            // The sender itself, such as `zigbee2mqtt/bridge/state` or `homeassistant/status`.
            if self.tails.contains(only) { return head }
            if self.senders.contains(only), only != head.lowercased() { return "\(head) \(only)" }
        }
        let named = rest.filter { !self.kinds.contains($0.lowercased()) && !$0.hasPrefix("endpoint_") }
        return (named.isEmpty ? Array(rest) : named).joined(separator: " ")
    }

    /// Whether the last part says that what follows is true of a thing that can be reached.
    static func isOnline(_ subject: String) -> Bool {
        let last = subject.split(separator: "/").last?.lowercased() ?? ""
        return ["availability", "available", "online", "connected", "alive", "reachable"].contains(last)
    }

    /// The priority of the dangerous condition that one of the last two parts names, such as `smoke`; `nil` for none.
    static func hazard(_ subject: String) -> Int? {
        let parts = subject.split(separator: "/")
        guard parts.count > 1 else { return nil }
        return parts.suffix(2).lazy.compactMap { part in
            FieldRole.hazard(Array(part.utf8).span)
        }.max()
    }

    /// Whether the last part names the availability of the thing.
    static func isAvailability(_ subject: String) -> Bool {
        let last = subject.split(separator: "/").last?.lowercased() ?? ""
        return ["lwt", "availability", "available", "status", "online", "connected", "state", "connection"].contains(last)
    }
}

extension SubjectName {
    /// Names that say nothing about the thing, such as the types of server-sent events.
    private static let generic: Set<String> = [
        "", "message", "state", "log", "update", "event", "data", "status", "ping", "notification", "events",
    ]

    /// Whether a name says nothing about the thing.
    static func isGeneric(_ name: String) -> Bool { self.generic.contains(name.lowercased()) }
}
