package import BridgeCore
import PollThread

/// Shows the bridge and its events in Home Assistant, through MQTT discovery.
///
/// One client: its last will says that the bridge is away, and its connection carries everything else. A delivery is
/// confirmed when the broker has acknowledged the states of all its entities.
package struct HomeAssistantSink: AnnouncingSink {
    /// `home-assistant`.
    package static let kind: ComponentKind = "home-assistant"

    /// The topic of the session's own settings, which is never used: the companion names every topic.
    private let publications: [MQTTSink.Configuration]
    private let variants: [Configuration]
    private let context: ComponentContext
    private let names: HomeAssistantNames
    private let companion: HomeAssistantCompanion
    private let poison = PoisonMessageDetector()
    private let takeovers = MQTTTakeoverDetector()

    /// Makes a sink that connects when it runs.
    ///
    /// - Parameter variants: the configured settings first, then those changed by routes; never empty.
    /// - Throws: ``ComponentError``, in a program that provides no services.
    package init(variants: [Configuration], context: ComponentContext) throws {
        let settings = variants[0]
        let names = HomeAssistantNames(settings, bridge: context.bridge)
        let control = try context.shared.find(BridgeControl.self) { BridgeControl() }
        var session = MQTTSink.Configuration()
        session.connection = settings.connection
        session.window = settings.window
        session.connection.will = MQTTAnnouncement(topic: names.availability, payload: "offline")
        self.publications = [session]
        self.variants = variants
        self.context = context
        self.names = names
        self.companion = HomeAssistantCompanion(variants, names, control, context)
    }

    /// The templates of each variant's entities, in the order of the variants.
    package var templates: [[Template]] { self.variants.map { $0.targets.flatMap(\.entity.templates) } }

    /// What sources must not take as events.
    package var ownEntities: OwnEntities {
        OwnEntities(
            base: self.names.base, discovery: (self.names.prefix, self.names.node), prefixes: self.names.entityPrefixes)
    }

    /// Switches off the routes that were off when the program ended.
    package func restoreSwitches() { self.companion.restoreSwitches() }

    /// Connects and publishes on its own thread until stopping.
    ///
    /// - Throws: `ComponentError` when the connection cannot be made or ends; `CancellationError`.
    package func run(_ inlet: SinkInlet) async throws {
        try await PollThread.run("mqtt-\(self.context.name)", for: self.variants[0].connection.address) { thread in
            inlet.onAvailable { thread.wake() }
            defer { inlet.onAvailable(nil) }
            defer { self.companion.disconnected() }
            try await MQTTSinkSession(
                variants: self.publications, context: self.context, poison: self.poison, takeovers: self.takeovers, inlet: inlet,
                thread: thread, answerLimit: .seconds(30), companion: self.companion
            ).run()
        }
    }
}

extension HomeAssistantSink: ReachableComponent {
    /// The broker.
    package var peers: [PeerAddress] {
        let address = self.variants[0].connection.address
        return [PeerAddress(host: address.host, port: address.port)]
    }
}
