import DequeModule
import NIOCore

extension SourceQueue {
    /// What the lock of a ``SourceQueue`` guards: a queue by the source's own count, with the matching positions in the
    /// log.
    struct State {
        /// One call of the source that is not in the log.
        struct Item {
            let position: Position
            let content: Content
            let events: Int
            let bytes: Int

            /// Whether it is evaluated with others.
            var isJoined: Bool {
                switch self.content {
                case .messages, .message: true
                case .gap, .givenUp: false
                }
            }
        }

        private var items: Deque<Item> = []
        /// The number of events not in the log, including those being evaluated.
        private(set) var events = 0
        private(set) var bytes = 0
        /// The position of what was sent last.
        private(set) var last = Position(1)
        /// Everything up to here is in the log.
        private(set) var done = Position(1)
        /// Everything up to here is safe.
        private(set) var safe = Position.start
        /// By position in the log and not yet safe: the matching position in the log.
        private(set) var marks: Deque<(position: Position, place: Position)>
        private(set) var isFull = false

        /// - Parameter appended: the position in the log that everything of an earlier run precedes.
        init(appended: Position) {
            self.marks = [(Position(1), appended)]
        }

        mutating func add(_ content: Content) {
            let (events, bytes) =
                switch content {
                case .messages(let messages): (messages.count, messages.reduce(0) { $0 + $1.weight })
                case .message(let message, _), .givenUp(let message, _, _): (1, message.weight)
                case .gap: (1, 0)
                }
            self.last = self.last.next
            self.items.append(Item(position: self.last, content: content, events: events, bytes: bytes))
            self.events += events
            self.bytes += bytes
            if self.events > SourceQueue.most.events || self.bytes > SourceQueue.most.bytes { self.isFull = true }
        }

        /// Takes what is evaluated together; empty when nothing waits.
        mutating func take() -> [Item] {
            guard let first = self.items.popFirst() else { return [] }
            var piece = [first]
            var (events, bytes) = (first.events, first.bytes)
            while first.isJoined, let next = self.items.first, next.isJoined, events + next.events <= SourceQueue.piece.events,
                bytes + next.bytes <= SourceQueue.piece.bytes
            {
                self.items.removeFirst()
                piece.append(next)
                events += next.events
                bytes += next.bytes
            }
            return piece
        }

        /// Records that a piece is in the log.
        mutating func finish(_ piece: [Item], through position: Position, at place: Position) {
            for item in piece {
                self.events -= item.events
                self.bytes -= item.bytes
            }
            self.done = position
            self.marks.append((position, place))
            if self.events <= SourceQueue.most.events / 2, self.bytes <= SourceQueue.most.bytes / 2 { self.isFull = false }
        }

        /// - Returns: what is safe now that the log is safe up to a position.
        mutating func settle(through place: Position) -> Position {
            while let mark = self.marks.first, mark.place <= place {
                self.safe = mark.position
                self.marks.removeFirst()
            }
            return self.safe
        }

        /// The log position of an appended position; `nil` when it is safe already.
        func place(of position: Position) -> Position? {
            guard position > self.safe else { return nil }
            return self.marks.first { $0.position >= position }?.place
        }

        /// Removes every second mark: the later of two covers both.
        mutating func thinOut() {
            guard self.marks.count > SourceQueue.marks else { return }
            self.marks = Deque(
                self.marks.enumerated().filter { $0.offset % 2 == 1 || $0.offset == self.marks.count - 1 }.map(\.element))
        }
    }
}

extension ReceivedMessage {
    /// The bytes that it counts while it waits, like an event: its body, and 256 or its subject and attributes if they
    /// are larger.
    fileprivate var weight: Int { self.body.readableBytes + max(256, self.subject.utf8.count + self.attributes.weight) }
}
