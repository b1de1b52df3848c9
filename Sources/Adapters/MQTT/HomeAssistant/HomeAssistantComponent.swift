import NIOCore

/// One entity as it is announced.
struct HomeAssistantComponent: Sendable, Equatable {
    /// `sensor`, `event`, `binary_sensor`, `button` or `switch`.
    let platform: String
    /// Its identifier below the device's: letters, digits, `_` and `-`.
    let key: String
    /// The members of the announcement besides the platform.
    let members: ByteBuffer

    /// - Parameters:
    ///   - hasAvailability: whether it is unavailable while the program is away.
    ///   - describe: adds what is special to the entity.
    init(
        _ platform: String, _ key: String, name: String, _ names: HomeAssistantNames, hasAvailability: Bool = true,
        _ describe: (inout HomeAssistantObject) -> Void
    ) {
        self.platform = platform
        self.key = key
        var members = HomeAssistantObject()
        members.add("name", name)
        members.add("unique_id", "\(names.node)_\(key)")
        members.add("default_entity_id", "\(platform).\(HomeAssistantNames.slug("\(names.node)_\(key)"))")
        members.add("qos", 1)
        if hasAvailability {
            members.add("availability_topic", names.availability)
            members.add("payload_available", "online")
            members.add("payload_not_available", "offline")
        }
        describe(&members)
        self.members = members.buffer
    }

    /// The announcement within that of the device.
    var inDevice: ByteBuffer {
        var object = ByteBuffer(string: "{\"platform\":\"\(self.platform)\",")
        object.writeImmutableBuffer(
            self.members.getSlice(at: self.members.readerIndex + 1, length: self.members.readableBytes - 1)!)
        return object
    }

    /// Whether a key belongs to an entity of the bridge itself.
    static func isReserved(_ key: String) -> Bool {
        Self.reserved.contains(key) || ["source_", "sink_", "route_"].contains { key.hasPrefix($0) }
    }

    private static let reserved: Set<String> = [
        "online", "version", "connected", "events_per_minute", "backlog", "dead_letters", "last_error", "last_received",
        "replay_dead_letters", "availability", "health", "components", "routes", "marker",
    ]
}
