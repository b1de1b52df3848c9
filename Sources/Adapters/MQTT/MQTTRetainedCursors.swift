import BridgeCore
import Synchronization

/// Stores the messages that `retained: first_time` has seen across restarts, in separate cursors beside that of the
/// source.
///
/// A page is written once every message in it is safe: a stored but unsafe message would be lost after a crash. After a
/// kill, unwritten messages are delivered again. Thread-safe; used by the session's thread.
final class MQTTRetainedCursors: Sendable {
    /// How long changes are collected before they are written.
    private static let interval = Duration.seconds(1)
    /// How many pages are written at once.
    private static let piece = 32

    private struct Taken {
        let position: Position
        let pages: [(index: Int, page: MQTTRetainedPage)]
    }

    private struct State {
        var taken: Taken?
        var last: ContinuousClock.Instant?
        var isRestored = false
    }

    let memory = MQTTRetainedMemory()
    private let isUsed: Bool
    private let broker: UInt64
    private let context: ComponentContext
    private let state = Mutex(State())

    init(configuration: MQTTSource.Configuration, context: ComponentContext) {
        var hash = Fingerprint()
        hash.add(configuration.connection.address.description)
        self.isUsed = configuration.subscriptions.contains { $0.retained == .firstTime }
        self.broker = hash.value
        self.context = context
    }

    /// Reads what an earlier run of the program has seen; only the first call has an effect.
    func restore() {
        guard self.isUsed, !self.state.withLock(\.isRestored) else { return }
        self.state.withLock { $0.isRestored = true }
        var pages: [MQTTRetainedPage] = []
        while pages.count < MQTTRetainedMemory.pages,
            let text = self.context.cursors.cursor(of: Self.name(pages.count, self.context)),
            let page = MQTTRetainedPage(text, broker: self.broker)
        {
            pages.append(page)
        }
        self.memory.restore(pages)
    }

    /// Writes safe changes at intervals; called in each step of a session, after everything read is sent.
    ///
    /// - Throws: ``ComponentError`` when the write fails.
    func keep(_ outlet: SourceOutlet) throws {
        guard self.isUsed else { return }
        if let taken = self.state.withLock({ $0.taken }) {
            guard outlet.safe >= taken.position else { return }
            try self.write(taken)
        }
        let isDue = self.state.withLock { state in state.last.map { .now - $0 >= Self.interval } ?? true }
        if isDue { self.take(outlet) }
    }

    /// Writes everything, once it is safe.
    ///
    /// It does not wait for events that a log on disk keeps for unavailable sinks.
    func finish(_ outlet: SourceOutlet) async throws {
        guard self.isUsed else { return }
        while true {
            guard let taken = self.state.withLock({ $0.taken }) else {
                guard self.take(outlet) else { return }
                continue
            }
            if !self.context.isDurable || outlet.acknowledge != .delivered { try await outlet.untilSafe(taken.position) }
            try self.write(taken)
        }
    }

    /// - Returns: whether anything has changed.
    @discardableResult
    private func take(_ outlet: SourceOutlet) -> Bool {
        let pages = self.memory.takeChanged(atMost: Self.piece)
        guard !pages.isEmpty else { return false }
        // An empty batch returns the position of the last one.
        let position = outlet.send([]).position
        self.state.withLock { state in
            state.taken = Taken(position: position, pages: pages)
            state.last = .now
        }
        return true
    }

    private func write(_ taken: Taken) throws {
        for (index, page) in taken.pages {
            try self.context.cursors.move(page.text(broker: self.broker), of: Self.name(index, self.context))
        }
        self.state.withLock { $0.taken = nil }
    }

    /// No component's name contains a dollar sign.
    private static func name(_ page: Int, _ context: ComponentContext) -> String { "\(context.name)$retained\(page)" }
}
