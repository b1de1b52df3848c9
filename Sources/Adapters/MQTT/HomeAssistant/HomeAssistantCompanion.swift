import BridgeCore
import Logging
import Mosquitto
import Synchronization

/// What an MQTT session does for Home Assistant beside its deliveries: performs the decisions of
/// ``HomeAssistantStateMachine``.
///
/// Outlives the connections. Thread-safe; called on the session's thread.
final class HomeAssistantCompanion: Sendable {
    private struct State {
        var machine: HomeAssistantStateMachine
        /// At most ``HomeAssistantStateMachine/mostCommands`` in a second arrive here.
        var commands: [HomeAssistantCommand] = []
    }

    private let variants: [[(key: String, entity: HomeAssistantEntity)]]
    private let writer: HomeAssistantEventWriter
    private let names: HomeAssistantNames
    private let version: MQTTVersion
    private let catalog: HomeAssistantCatalog
    private let control: BridgeControl
    private let context: ComponentContext
    private let state: Mutex<State>
    private let unknown: BurstLog
    private let refused: BurstLog
    private let refusedCommands: BurstLog

    init(
        _ variants: [HomeAssistantSink.Configuration], _ names: HomeAssistantNames, _ control: BridgeControl,
        _ context: ComponentContext
    ) {
        let settings = variants[0]
        let catalog = HomeAssistantCatalog(settings, names, control, sink: context.name)
        self.variants = variants.map(\.targets)
        self.writer = HomeAssistantEventWriter(names: names, types: catalog.types)
        self.names = names
        self.version = settings.connection.version
        self.catalog = catalog
        self.control = control
        self.context = context
        self.state = Mutex(
            State(
                machine: HomeAssistantStateMachine(
                    names, catalog, HomeAssistantAnnouncement(settings, names, catalog, version: control.version),
                    HomeAssistantStates(names, catalog, version: control.version, interval: settings.interval))))
        func log(_ message: Logger.Message, _ counter: String, _ help: String) -> BurstLog {
            BurstLog(message, counter: context.metrics.counter(counter, help: help), logger: context.logger)
        }
        self.unknown = log(
            "Entity cannot show an event and keeps its state", "home_assistant_unknown_values",
            "Values that an entity could not show: absent, or neither on nor off for a binary sensor.")
        self.refused = log(
            "Broker refused a message for Home Assistant", "home_assistant_messages_refused",
            "Messages about entities that the broker refused.")
        self.refusedCommands = log(
            "Command ignored", "home_assistant_commands_ignored",
            "Commands that were retained by the broker, or too many in a second.")
    }

    // MARK: The connection

    /// Subscribes on a new connection.
    ///
    /// - Throws: ``MosquittoError``.
    func connected(_ connection: MosquittoConnection) throws {
        let filters = self.state.withLock { $0.machine.connected(now: .now) }
        for filter in filters {
            _ = try connection.subscribe(filter, qos: 0, options: self.options(of: filter))
        }
        if self.catalog.omitted > 0 {
            self.context.logger.notice(
                "Too many sources, sinks or routes for an entity each", metadata: ["without_entity": "\(self.catalog.omitted)"])
        }
    }

    /// The options of MQTT 5 §3.8.3.1 for a subscription; 3.1.1 has none.
    ///
    /// Commands keep the retain flag of their publisher (Retain As Published), so that a retained one is recognised while
    /// connected too. Announcements do not: those that come back would be taken as earlier ones.
    private func options(of filter: String) -> Int32 {
        self.version == .five && filter == self.names.command("+") ? 0x08 : 0
    }

    /// Receives what happens on the connection; called from inside its methods.
    ///
    /// - Returns: whether the broker waits for an acknowledgement.
    func receive(_ event: MosquittoEvent) -> Bool {
        switch event {
        case .subscribed(_, let code):
            if code >= 0x80 { self.refused.note(["reason": "subscription refused (\(ComponentError.text(code)))"]) }
            self.state.withLock { $0.machine.subscribed() }
            return false
        case .message(let message):
            self.receive(message)
            return message.identifier != nil
        case .published, .unsubscribed, .omission: return false
        }
    }

    private func receive(_ message: MosquittoMessage) {
        let isRefused = self.state.withLock { state in
            switch state.machine.received(message.topic, message.payload, isRetained: message.isRetained, now: .now) {
            case .command(let command):
                state.commands.append(command)
                return false
            case .refusedCommand: return true
            case .none: return false
            }
        }
        if isRefused { self.refusedCommands.note(["topic": "\(message.topic.prefix(100))"]) }
    }

    /// Performs waiting commands, and queues the messages that are due.
    ///
    /// - Throws: ``MosquittoError`` when the connection is lost.
    func publishDue(_ connection: MosquittoConnection) throws {
        let commands = self.state.withLock { state in
            defer { state.commands.removeAll() }
            return state.commands
        }
        for command in commands { self.perform(command) }
        let messages = self.state.withLock { $0.machine.messages(self.control.observe, wall: .now(), now: .now) }
        for message in messages {
            do {
                _ = try connection.publish(message.payload, topic: message.topic, qos: 1, retain: message.isRetained)
            } catch let error as MosquittoError where [.tooLarge, .invalid, .retainUnsupported].contains(error.code) {
                self.refused.note(["topic": "\(message.topic)", "reason": "\(error.message)"])
            }
        }
    }

    /// When ``publishDue(_:)`` has something to do next; `nil` while not connected.
    var due: ContinuousClock.Instant? { self.state.withLock { $0.machine.due } }

    /// The broker has refused a message that is no delivery.
    func refused(code: Int32) { self.refused.note(["reason": "\(ComponentError.text(code))"]) }

    /// The connection is lost.
    func disconnected() { self.state.withLock { $0.machine.disconnected() } }

    // MARK: Deliveries

    /// The messages of one delivery, which are remembered as the last states of their entities.
    ///
    /// - Returns: none when no entity can show the event, which is counted.
    /// - Throws: `ExpressionError` of a template.
    func messages(for delivery: Delivery, _ reader: EventReader) throws -> [HomeAssistantMessage] {
        let messages = try self.writer.messages(for: delivery, self.variants[delivery.variant], reader) { unknown in
            var metadata: Logger.Metadata = ["entity": "\(unknown.entity)", "event": "\(delivery.event.id)"]
            metadata["reason"] =
                unknown.value == nil ? "the event does not have its value" : "the value means neither on nor off"
            if let value = unknown.value { metadata["value"] = "\(value)" }
            self.unknown.note(metadata)
        }
        self.state.withLock { state in for message in messages { state.machine.published(message) } }
        return messages
    }

    // MARK: Commands

    private func perform(_ command: HomeAssistantCommand) {
        let logger = self.context.logger
        switch command {
        case .route(let index, let isOn):
            let name = self.control.routes[index.rawValue].name
            if self.control.switches.set(index, on: isOn) {
                logger.notice(isOn ? "Route switched on" : "Route switched off", metadata: ["route": "\(name)"])
                self.rememberSwitches()
            }
        case .replayDeadLetters:
            do {
                let count = try self.control.replayDeadLetters?() ?? 0
                logger.notice("Dead letters are replayed", metadata: ["count": "\(count)"])
            } catch {
                logger.warning("Dead letters cannot be replayed", metadata: ["error": "\(error)"])
            }
        }
        self.state.withLock { $0.machine.changed() }
    }

    /// The name under which the routes that are off are stored; no source can have it.
    private var cursor: String { "\(self.context.name)@routes" }

    private func rememberSwitches() {
        let off = self.control.switches.switchedOff
        let keys = self.catalog.routes.filter { off.contains($0.index) }.map(\.key)
        do {
            try self.context.cursors.move(keys.joined(separator: "\n"), of: self.cursor)
        } catch {
            self.context.logger.warning("Switched routes cannot be stored", metadata: ["error": "\(error)"])
        }
    }

    /// Switches off the routes that were off when the program ended.
    func restoreSwitches() {
        guard let text = self.context.cursors.cursor(of: self.cursor), !text.isEmpty else { return }
        let keys = Set(text.split(separator: "\n").map(String.init))
        for (index, key) in self.catalog.routes where keys.contains(key) {
            self.control.switches.set(index, on: false)
            self.context.logger.notice(
                "Route is still switched off", metadata: ["route": "\(self.control.routes[index.rawValue].name)"])
        }
    }
}
