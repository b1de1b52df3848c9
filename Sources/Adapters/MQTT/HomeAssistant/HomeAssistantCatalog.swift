import BridgeCore

/// The entities of one bridge: its own, and those of the file for events.
struct HomeAssistantCatalog: Sendable {
    /// The most sources and sinks, and the most routes, that have an entity each.
    static let most = 64

    /// All entities, in the order of their announcement.
    let components: [HomeAssistantComponent]
    /// The sources and sinks that have an entity, by their index in ``BridgeObservation/components``.
    let parts: [(index: Int, key: String)]
    /// The routes that have a switch.
    let routes: [(index: RouteIndex, key: String)]
    /// The types of each event entity.
    let types: [String: [String]]
    /// How many sources, sinks and routes have no entity, because there are too many.
    let omitted: Int

    /// - Parameters:
    ///   - sink: the name of this sink.
    init(_ settings: HomeAssistantSink.Configuration, _ names: HomeAssistantNames, _ control: BridgeControl, sink: String) {
        var components = Self.health(names, control)
        let all = control.sources.map { (noun: "source", name: $0) } + control.sinks.map { (noun: "sink", name: $0) }
        let shown = settings.showsComponents ? Array(all.prefix(Self.most)) : []
        self.parts = shown.enumerated().map { index, part in
            (index, "\(part.noun)_\(HomeAssistantNames.identifier(part.name))")
        }
        for (part, key) in zip(shown, self.parts.map(\.key)) {
            components.append(
                HomeAssistantComponent(
                    "binary_sensor", key, name: "\(part.noun == "source" ? "Source" : "Sink") \(part.name)", names
                ) {
                    $0.add("device_class", "connectivity")
                    $0.add("entity_category", "diagnostic")
                    $0.add("state_topic", names.components)
                    $0.add("value_template", "{{ 'ON' if value_json['\(key)'].connected else 'OFF' }}")
                    $0.add("json_attributes_topic", names.components)
                    $0.add("json_attributes_template", "{{ value_json['\(key)'] | tojson }}")
                })
        }
        let switched = settings.hasControls ? Array(control.routes.enumerated().prefix(Self.most)) : []
        self.routes = switched.map { index, route in (RouteIndex(index), Self.key(of: route)) }
        for ((_, route), (_, key)) in zip(switched, self.routes) {
            components.append(
                HomeAssistantComponent("switch", key, name: "Route \(route.name.prefix(100))", names) {
                    $0.add("entity_category", "config")
                    $0.add("state_topic", names.routes)
                    $0.add("value_template", "{{ 'ON' if value_json['\(key)'] else 'OFF' }}")
                    $0.add("command_topic", names.command(key))
                })
        }
        if settings.hasControls, control.replayDeadLetters != nil {
            components.append(
                HomeAssistantComponent("button", "replay_dead_letters", name: "Replay dead letters", names) {
                    $0.add("entity_category", "config")
                    $0.add("command_topic", names.command("replay_dead_letters"))
                    $0.add("icon", "mdi:email-sync")
                })
        }
        var types: [String: [String]] = [:]
        for (key, entity) in settings.shownEntities {
            if entity.platform == .event { types[key] = Self.types(of: entity, control, sink: sink) }
            components.append(Self.component(key, entity, types[key] ?? [], names))
        }
        self.components = components
        self.types = types
        self.omitted =
            (settings.showsComponents ? all.count - shown.count : 0)
            + (settings.hasControls ? control.routes.count - switched.count : 0)
    }

    /// The key of a route's switch: that of its content for a route without a name, whose number may change.
    private static func key(of route: BridgeControl.RouteLabel) -> String {
        "route_" + HomeAssistantNames.identifier(route.isNamed ? route.name : "\(route.identity.dropFirst())")
    }

    /// The types of an event entity, ``HomeAssistantEntity/otherType`` included.
    private static func types(of entity: HomeAssistantEntity, _ control: BridgeControl, sink: String) -> [String] {
        var types = entity.types ?? []
        if entity.types == nil {
            types = control.routes.filter {
                $0.sinks.contains(sink) && $0.name.unicodeScalars.count <= HomeAssistantEntity.mostTypes.length
            }
            .map(\.name)
            types = Array(types.prefix(HomeAssistantEntity.mostTypes.count))
        }
        if !types.contains(HomeAssistantEntity.otherType) { types.append(HomeAssistantEntity.otherType) }
        return types
    }

    private static func component(
        _ key: String, _ entity: HomeAssistantEntity, _ types: [String], _ names: HomeAssistantNames
    ) -> HomeAssistantComponent {
        let words = key.split(separator: "_").joined(separator: " ")
        let name = entity.name ?? words.prefix(1).uppercased() + words.dropFirst()
        return HomeAssistantComponent(entity.platform.rawValue, key, name: name, names) {
            $0.add("device_class", entity.deviceClass)
            $0.add("icon", entity.icon)
            guard entity.platform != .event else {
                $0.add("state_topic", names.event(key))
                $0.add("event_types", types)
                return
            }
            $0.add("unit_of_measurement", entity.unit)
            $0.add("state_class", entity.stateClass?.rawValue)
            $0.add("state_topic", names.state(key))
            $0.add("value_template", "{{ value_json.state }}")
            if entity.hasAttributes {
                $0.add("json_attributes_topic", names.state(key))
                $0.add("json_attributes_template", "{{ value_json.attributes | tojson }}")
            }
        }
    }

    /// The entities of the bridge itself.
    private static func health(_ names: HomeAssistantNames, _ control: BridgeControl) -> [HomeAssistantComponent] {
        func sensor(
            _ key: String, _ name: String, template: String, _ describe: (inout HomeAssistantObject) -> Void = { _ in }
        ) -> HomeAssistantComponent {
            HomeAssistantComponent("sensor", key, name: name, names) {
                $0.add("entity_category", "diagnostic")
                $0.add("state_topic", names.health)
                $0.add("value_template", "{{ \(template) }}")
                describe(&$0)
            }
        }
        func figure(_ key: String, _ name: String, unit: String, icon: String) -> HomeAssistantComponent {
            sensor(key, name, template: "value_json.\(key)") {
                $0.add("state_class", "measurement")
                $0.add("unit_of_measurement", unit)
                $0.add("icon", icon)
            }
        }
        return [
            // Its state is the availability itself: with one of its own it would be unavailable instead of off.
            HomeAssistantComponent("binary_sensor", "online", name: "Online", names, hasAvailability: false) {
                $0.add("device_class", "connectivity")
                $0.add("entity_category", "diagnostic")
                $0.add("state_topic", names.availability)
                $0.add("payload_on", "online")
                $0.add("payload_off", "offline")
            },
            sensor("version", "Version", template: "value_json.version"),
            sensor("connected", "Connected components", template: "value_json.connected") {
                $0.add("state_class", "measurement")
                $0.add("icon", "mdi:lan-connect")
                $0.add("json_attributes_topic", names.health)
                $0.add(
                    "json_attributes_template",
                    "{{ {'total': value_json.components, 'disconnected': value_json.disconnected} | tojson }}")
            },
            figure("events_per_minute", "Events per minute", unit: "events/min", icon: "mdi:speedometer"),
            figure("backlog", "Backlog", unit: "events", icon: "mdi:tray-full"),
            figure("dead_letters", "Dead letters", unit: "events", icon: "mdi:email-alert"),
            sensor("last_error", "Last error", template: "value_json.last_error.message") {
                $0.add("icon", "mdi:alert-circle-outline")
                $0.add("json_attributes_topic", names.health)
                $0.add("json_attributes_template", "{{ value_json.last_error | tojson }}")
            },
            sensor("last_received", "Last event", template: "value_json.last_received") {
                $0.add("device_class", "timestamp")
            },
        ]
    }
}
