import BridgeCore

/// What a user of Home Assistant asks for.
enum HomeAssistantCommand: Equatable, Sendable {
    /// Switches a route on or off.
    case route(RouteIndex, isOn: Bool)
    /// Replays all dead letters.
    case replayDeadLetters

    /// The longest payload of a command, in bytes.
    static let longest = 16

    /// Reads a message on the topic of a command.
    ///
    /// - Returns: `nil` for another topic, a payload that is no command, and an entity that the file does not offer.
    init?(topic: String, payload: UnsafeRawBufferPointer, _ names: HomeAssistantNames, _ catalog: HomeAssistantCatalog) {
        guard payload.count <= Self.longest else { return nil }
        let text = String(decoding: payload, as: UTF8.self)
        if topic == names.command("replay_dead_letters") {
            guard text == "PRESS", catalog.components.contains(where: { $0.key == "replay_dead_letters" }) else { return nil }
            self = .replayDeadLetters
            return
        }
        guard let route = catalog.routes.first(where: { names.command($0.key) == topic }) else { return nil }
        switch text {
        case "ON": self = .route(route.index, isOn: true)
        case "OFF": self = .route(route.index, isOn: false)
        default: return nil
        }
    }
}
