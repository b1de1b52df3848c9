import BridgeCore
import NIOCore

/// The messages that a source has taken from one list and not removed from its processing list: decides what to do with
/// each, without I/O.
///
/// The server has the same messages in the same order, because each session has a processing list of its own that
/// nobody else changes. Removing the oldest `n` is therefore exact, also among messages with equal bytes.
///
/// A lost connection ends the session: whether the last commands were carried out is unknown. ``beginSession()`` then
/// keeps what was sent and not removed. Messages that come back from the former processing list are compared with it,
/// so that they are not sent again. Of messages with equal bytes, as many are sent as there are: a message whose
/// removal was requested does not count as kept, since it may have been carried out.
///
/// Values are not shared: the source keeps one behind a lock, because taking and removing are separate tasks.
struct RedisProcessingList: Sendable {
    private struct Entry {
        let content: UInt64
        let position: Position
    }

    /// How many messages may be taken and not removed.
    let limit: Int
    /// In the order of the server, the oldest first.
    private var entries = CircularBuffer<Entry>()
    /// How many of the oldest the server was requested to remove.
    private var removing = 0
    /// Messages of former sessions that were sent and may come back, by their content.
    private var kept: [UInt64: [Position]] = [:]
    private var keptCount = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// How many more messages may be taken.
    var room: Int { max(0, self.limit - self.entries.count) }
    /// Whether everything taken is removed.
    var isEmpty: Bool { self.entries.isEmpty }
    /// The position that must be safe before the oldest message can be removed; `nil` without messages.
    var oldest: Position? { self.entries.first?.position }
    /// How many messages of former sessions may come back.
    var expected: Int { self.keptCount }

    // MARK: Taking

    /// Decides about a message that was moved to the processing list.
    ///
    /// - Parameters:
    ///   - content: the fingerprint of its bytes.
    ///   - isReturned: whether it comes from a former processing list of this consumer.
    /// - Returns: the position of its event if it is sent already; `nil` to send it.
    mutating func taken(_ content: UInt64, isReturned: Bool) -> Position? {
        guard isReturned, var positions = self.kept[content], !positions.isEmpty else { return nil }
        let position = positions.removeFirst()
        self.kept[content] = positions.isEmpty ? nil : positions
        self.keptCount -= 1
        return position
    }

    /// Records messages in the order in which the server has them.
    mutating func add(_ messages: [(content: UInt64, position: Position)]) {
        for message in messages { self.entries.append(Entry(content: message.content, position: message.position)) }
    }

    /// Forgets the messages of former sessions: their processing lists are empty.
    mutating func forgetFormer() {
        self.kept = [:]
        self.keptCount = 0
    }

    // MARK: Removing

    /// How many of the oldest messages are safe; they are to be removed with one command.
    ///
    /// ``removed()`` or ``removalRefused()`` follows its answer. Without an answer, the session ends.
    mutating func beginRemoval(safe: Position) -> Int {
        precondition(self.removing == 0, "removing \(self.removing) messages already")
        self.removing = self.entries.prefix { $0.position <= safe }.count
        return self.removing
    }

    /// Records that the server has removed the messages of ``beginRemoval(safe:)``.
    mutating func removed() {
        self.entries.removeFirst(self.removing)
        self.removing = 0
    }

    /// Records that the server has refused the command of ``beginRemoval(safe:)`` and has removed nothing.
    mutating func removalRefused() {
        self.removing = 0
    }

    // MARK: Sessions

    /// Begins with a new, empty processing list.
    mutating func beginSession() {
        self.entries.removeFirst(self.removing)
        self.removing = 0
        for entry in self.entries where self.keptCount < 2 * self.limit {
            self.kept[entry.content, default: []].append(entry.position)
            self.keptCount += 1
        }
        self.entries.removeAll()
    }
}
