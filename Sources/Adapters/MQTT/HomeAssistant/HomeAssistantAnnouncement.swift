import JSON
import NIOCore

/// What is announced to Home Assistant, and how it replaces what was announced before.
///
/// The broker remembers the earlier announcement as retained messages, which ``found(_:payload:)`` gets after each
/// connect. A value without I/O.
struct HomeAssistantAnnouncement: Sendable {
    /// The most earlier entities that are looked at, and the largest earlier message.
    static let limits = (entities: 1000, bytes: 1 << 20)
    /// Asks Home Assistant to keep an entity that another message announces next.
    static let migration = "{\"migrate_discovery\":true}"

    private struct Earlier: Hashable, Comparable {
        let platform: String
        let key: String

        static func < (one: Self, other: Self) -> Bool { (one.key, one.platform) < (other.key, other.platform) }
    }

    let names: HomeAssistantNames
    let form: HomeAssistantSink.Configuration.Form
    let components: [HomeAssistantComponent]
    private let device: HomeAssistantObject
    private let origin: HomeAssistantObject
    /// The entities of an earlier message for the device; `nil` when there was none.
    private var inDevice: Set<Earlier>?
    /// The entities of earlier messages of their own.
    private var alone: Set<Earlier> = []

    init(
        _ settings: HomeAssistantSink.Configuration, _ names: HomeAssistantNames, _ catalog: HomeAssistantCatalog, version: String
    ) {
        self.names = names
        self.form = settings.form
        self.components = catalog.components
        var device = HomeAssistantObject()
        device.add("identifiers", [names.node])
        device.add("name", names.device)
        device.add("manufacturer", "streambridge")
        device.add("model", "streambridge")
        device.add("sw_version", version)
        device.add("configuration_url", settings.pageURL)
        device.add("suggested_area", settings.area)
        self.device = device
        var origin = HomeAssistantObject()
        origin.add("name", "streambridge")
        origin.add("sw_version", version)
        self.origin = origin
    }

    /// The filters for ``found(_:payload:)``.
    var filters: [String] { [self.names.deviceTopic, "\(self.names.prefix)/+/\(self.names.node)/+/config"] }

    /// Records a retained announcement that the broker had.
    ///
    /// - Returns: whether the topic is one of announcements.
    mutating func found(_ topic: String, payload: UnsafeRawBufferPointer) -> Bool {
        if topic == self.names.deviceTopic {
            if !payload.isEmpty { self.inDevice = Self.entities(of: payload) }
            return true
        }
        guard let (platform, key) = self.names.entity(of: topic) else { return false }
        if !payload.isEmpty, self.alone.count < Self.limits.entities { self.alone.insert(Earlier(platform: platform, key: key)) }
        return true
    }

    /// The messages that announce all entities and remove earlier ones with their states, in order; what was found is
    /// forgotten.
    ///
    /// A state is removed after its entity, so that Home Assistant does not read the empty message as a state.
    mutating func messages() -> [HomeAssistantMessage] {
        defer {
            self.inDevice = nil
            self.alone = []
        }
        let current = Set(self.components.map { Earlier(platform: $0.platform, key: $0.key) })
        switch self.form {
        case .device:
            let moved = self.alone.sorted()
            var messages = moved.filter(current.contains).map {
                HomeAssistantMessage(self.names.entityTopic($0.platform, $0.key), Self.migration)
            }
            let removed = (self.inDevice ?? []).subtracting(current)
            // An entity that has only a platform is removed; the next message forgets it.
            if !removed.isEmpty { messages.append(self.deviceMessage(removing: removed.sorted())) }
            messages += self.stateRemovals(of: removed, current)
            messages.append(self.deviceMessage(removing: []))
            messages += moved.map { .removal(of: self.names.entityTopic($0.platform, $0.key)) }
            return messages + self.stateRemovals(of: self.alone.subtracting(current), current)
        case .entity:
            var messages: [HomeAssistantMessage] = []
            if let earlier = self.inDevice {
                let removed = earlier.subtracting(current)
                if !removed.isEmpty { messages.append(self.deviceMessage(removing: removed.sorted())) }
                messages += self.stateRemovals(of: removed, current)
                messages.append(HomeAssistantMessage(self.names.deviceTopic, Self.migration))
            }
            messages += self.components.map(self.entityMessage)
            if self.inDevice != nil { messages.append(.removal(of: self.names.deviceTopic)) }
            let removed = self.alone.subtracting(current)
            messages += removed.sorted().map { .removal(of: self.names.entityTopic($0.platform, $0.key)) }
            return messages + self.stateRemovals(of: removed, current)
        }
    }

    /// The removals of the retained states that no current entity has.
    private func stateRemovals(of removed: Set<Earlier>, _ current: Set<Earlier>) -> [HomeAssistantMessage] {
        Set(removed.compactMap(self.stateTopic)).subtracting(current.compactMap(self.stateTopic)).sorted()
            .map { .removal(of: $0) }
    }

    /// Where the retained state of an entity is; `nil` when it has none, or one that every file has.
    private func stateTopic(of entity: Earlier) -> String? {
        switch entity.platform {
        case "switch": return self.names.routes
        case "sensor", "binary_sensor":
            if ["source_", "sink_"].contains(where: { entity.key.hasPrefix($0) }) { return self.names.components }
            return HomeAssistantComponent.isReserved(entity.key) ? nil : self.names.state(entity.key)
        default: return nil
        }
    }

    private func deviceMessage(removing removed: [Earlier]) -> HomeAssistantMessage {
        var entities = HomeAssistantObject()
        for component in self.components where !removed.contains(where: { $0.key == component.key }) {
            entities.add(component.key, json: component.inDevice)
        }
        for entity in removed {
            var mark = HomeAssistantObject()
            mark.add("platform", entity.platform)
            entities.add(entity.key, mark)
        }
        var message = HomeAssistantObject()
        message.add("device", self.device)
        message.add("origin", self.origin)
        message.add("components", entities)
        return HomeAssistantMessage(self.names.deviceTopic, message.buffer)
    }

    private func entityMessage(_ component: HomeAssistantComponent) -> HomeAssistantMessage {
        var parts = ByteBuffer(string: "{\"device\":")
        parts.writeImmutableBuffer(self.device.buffer)
        parts.writeString(",\"origin\":")
        parts.writeImmutableBuffer(self.origin.buffer)
        parts.writeString(",")
        let members = component.members
        parts.writeImmutableBuffer(members.getSlice(at: members.readerIndex + 1, length: members.readableBytes - 1)!)
        return HomeAssistantMessage(self.names.entityTopic(component.platform, component.key), parts)
    }

    /// The entities in a message for the device; none in one that is not ours to read.
    private static func entities(of payload: UnsafeRawBufferPointer) -> Set<Earlier> {
        guard payload.count <= Self.limits.bytes else { return [] }
        var found: Set<Earlier> = []
        let parser = JSONParser()
        // The values belong to the parser.
        withExtendedLifetime(parser) {
            guard let list = (try? parser.parse(ByteBuffer(bytes: payload)))?["components"] else { return }
            list.forEachMember { key, value in
                guard found.count < Self.limits.entities, HomeAssistantNames.isIdentifier(key),
                    let platform = value["platform"]?.string, HomeAssistantNames.isIdentifier(platform)
                else { return }
                found.insert(Earlier(platform: platform, key: key))
            }
        }
        return found
    }
}
