import BridgeCore
import NIOCore
import Synchronization

/// The stream of one sink: with a fixed name, or many with names chosen by events.
///
/// Thread-safe.
final class SSEStream: Sendable {
    /// Its index among the hub's streams.
    let number: Int
    let settings: SSESinkConfiguration
    /// Whether all its events have the same name.
    let isFixed: Bool
    /// The fixed name, or the prefix of all names.
    let prefix: String
    let metrics: SSEMetrics
    /// How its events are rendered; `nil` for their JSON.
    let content: SSEContent?
    /// The type of all its events; `nil` if they have none, or each its own.
    let fixedType: String?
    private let template: LevelTemplate
    private let connectionLimits: Mutex<SSEConnectionLimits>
    private let closing = Mutex<Closing>(.no)

    init(number: Int, settings: SSESinkConfiguration, metrics: SSEMetrics) {
        self.number = number
        self.settings = settings
        self.template = SSEName.template(settings)
        let constant = settings.stream.constant
        self.isFixed = constant != nil
        self.prefix = constant ?? settings.stream.staticPrefix
        self.content = SSEContent(settings)
        self.fixedType = settings.event.constant.flatMap(SSEEventType.type)
        self.metrics = metrics
        self.connectionLimits = Mutex(SSEConnectionLimits(total: settings.maxConnections, limits: settings.limits))
    }

    /// Whether another stream has the same name, so that its clients can resume what they have received from this one.
    func continues(as other: SSEStream) -> Bool { self.settings.stream.text == other.settings.stream.text }

    /// Whether an event of it may have a name that matches a pattern.
    func canHave(_ pattern: SubjectPattern) -> Bool {
        if self.isFixed { return pattern.matches(self.prefix) }
        // By bytes: for `String`, a slash and a following combining character are one character.
        let prefix = self.prefix.utf8
        guard pattern.syntax == .mqtt else { return pattern.text.utf8.starts(with: prefix) }
        // The part before the first wildcard must agree with the prefix.
        let start = pattern.text.utf8.prefix { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "#") }
        return start.starts(with: prefix) || prefix.starts(with: start)
    }

    /// The name that an event chooses.
    ///
    /// - Throws: the error of the template or of ``SSEName``.
    func name(of event: Event, _ reader: EventReader) throws -> String {
        reader.load(event)
        return try SSEName.name(self.template.render(reader))
    }

    /// Whether every event has a type of its own.
    var hasTypes: Bool { self.settings.event.constant == nil }

    /// The type that an event chooses; `nil` for none.
    ///
    /// - Throws: the error of the template.
    func type(of event: Event, _ reader: EventReader) throws -> String? {
        reader.load(event)
        return SSEEventType.type(try self.settings.event.render(reader))
    }

    /// Whether templates must be rendered for each event.
    var isLabelled: Bool { !self.isFixed || self.hasTypes || self.settings.snapshot != nil }

    /// What an event means for the snapshot; `nil` without one.
    ///
    /// An event without a value in its key is not part of it. One for which `remove` fails is kept.
    func mark(of event: Event, _ reader: EventReader) -> SSESnapshot.Mark? {
        guard let snapshot = self.settings.snapshot else { return nil }
        guard event.kind != .gap else { return SSESnapshot.Mark.none }
        reader.load(event)
        // Counted, so that a key that never has a value is visible.
        guard let key = try? snapshot.key.renderAddress(reader), !key.isEmpty else {
            self.metrics.unkeyed.increment()
            return SSESnapshot.Mark.none
        }
        // An empty message clears a retained topic (MQTT 3.1.1 §3.3.1.3).
        if event.raw.readableBytes == 0, event.message.isEmpty { return .clear(key) }
        do {
            return try snapshot.remove.render(reader) == "true" ? .clear(key) : .keep(key)
        } catch {
            self.metrics.removeFailed(event, ExpressionError(wrapping: error))
            return .keep(key)
        }
    }

    /// The approximate number of bytes that subscribers get of an event.
    func size(of event: Event) -> Int { self.content?.size(of: event) ?? event.json.readableBytes }

    // MARK: - Who is here

    /// The number of subscribers, including those whose answer is being sent.
    var subscribers: Int { self.connectionLimits.withLock { $0.count } }

    /// Counts one more subscriber.
    ///
    /// - Returns: the limit that is reached, in words; `nil` when it is counted.
    func enter(_ address: SSEAddress?, _ name: String?) -> String? {
        self.connectionLimits.withLock { $0.enter(address, name, now: .now()) }
    }

    func leave(_ address: SSEAddress?, _ name: String?) {
        let count = self.connectionLimits.withLock { connectionLimits in
            connectionLimits.leave(address, name)
            return connectionLimits.count
        }
        if count == 0 { self.finishClosing() }
    }

    // MARK: - The end

    /// Whether new subscribers are refused.
    var isClosing: Bool { self.closing.withLock { if case .no = $0 { false } else { true } } }

    /// Marks the stream as ending.
    ///
    /// - Returns: completes once no subscriber is left.
    func beginClosing(on loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        self.closing.withLock { $0 = .waiting(promise) }
        if self.subscribers == 0 { self.finishClosing() }
        return promise.futureResult
    }

    /// Completes what ``beginClosing(on:)`` returned.
    func finishClosing() {
        let promise = self.closing.withLock { closing -> EventLoopPromise<Void>? in
            guard case .waiting(let promise) = closing else { return nil }
            closing = .done
            return promise
        }
        promise?.succeed()
    }

    private enum Closing {
        case no
        case waiting(EventLoopPromise<Void>)
        case done
    }
}
