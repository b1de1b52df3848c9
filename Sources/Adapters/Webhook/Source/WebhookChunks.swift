import BridgeCore
import NIOCore

/// Requests with many events, of which each turn of the event loop sends a few, in the order of their arrival.
///
/// A value without I/O. Requests are accepted or refused as a whole.
struct WebhookChunks<Request> {
    /// The messages of one turn, and the request that they belong to.
    struct Chunk {
        let messages: [ReceivedMessage]
        let request: Request
        /// The ids of the events of its earlier chunks.
        let ids: [String?]
        /// Whether the request has no more.
        let isLast: Bool
    }

    /// The most messages and bytes of bodies that one turn sends; a single message may be larger.
    static var limit: (messages: Int, bytes: Int) { (16, 64 << 10) }
    /// The most memory of messages that wait; a request that finds none waiting may exceed it.
    static var memory: Int { 8 << 20 }
    /// The memory of a message beside its body, rounded up.
    static var overhead: Int { 512 }

    private var waiting = CircularBuffer<Waiting>()
    /// Of all waiting messages.
    private(set) var memory = 0

    var isEmpty: Bool { self.waiting.isEmpty }

    /// Whether messages are too many for one turn.
    static func divides(_ messages: [ReceivedMessage]) -> Bool {
        messages.count > self.limit.messages
            || messages.count > 1 && messages.reduce(0) { $0 + $1.body.readableBytes } > self.limit.bytes
    }

    /// Adds all messages of a request.
    ///
    /// - Returns: false, without an effect, when too much waits.
    mutating func add(_ messages: [ReceivedMessage], of request: Request) -> Bool {
        let memory = messages.reduce(0) { $0 + Self.memory(of: $1) }
        guard self.waiting.isEmpty || self.memory + memory <= Self.memory else { return false }
        self.memory += memory
        self.waiting.append(Waiting(messages: CircularBuffer(messages), request: request))
        return true
    }

    /// Removes the messages of the next turn; `nil` when none wait.
    ///
    /// The ids of their events belong into ``record(_:)`` before the next call, unless the chunk is the last.
    mutating func next() -> Chunk? {
        // Taken out, so that its messages are not copied.
        guard var first = self.waiting.popFirst() else { return nil }
        var messages: [ReceivedMessage] = []
        var bytes = 0
        while messages.count < Self.limit.messages, let message = first.messages.first {
            bytes += message.body.readableBytes
            guard messages.isEmpty || bytes <= Self.limit.bytes else { break }
            first.messages.removeFirst()
            self.memory -= Self.memory(of: message)
            messages.append(message)
        }
        let isLast = first.messages.isEmpty
        if !isLast { self.waiting.prepend(first) }
        return Chunk(messages: messages, request: first.request, ids: first.ids, isLast: isLast)
    }

    /// Records the ids of the events of a chunk that is not the last of its request.
    mutating func record(_ ids: [String?]) {
        self.waiting[self.waiting.startIndex].ids += ids
    }

    private static func memory(of message: ReceivedMessage) -> Int { message.body.readableBytes + self.overhead }

    private struct Waiting {
        var messages: CircularBuffer<ReceivedMessage>
        let request: Request
        var ids: [String?] = []
    }
}
