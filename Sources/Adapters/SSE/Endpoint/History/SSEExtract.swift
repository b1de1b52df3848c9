import BridgeCore
import NIOCore

/// The events behind a place, as one JSON answer: `cursor`, where to go on from, `gap` when some are lost, and `events`.
///
/// Read in slices, because a filter may let little through of much.
struct SSEExtract {
    /// Bytes of events after which an answer takes no more: it stands in memory as a whole.
    static let largest = 4 << 20
    /// Bytes of the streams that are fetched at once, about.
    private static let step = 16 << 10

    private let view: SSEView
    private let limit: Int
    private var position: UInt64
    private var told: UInt64
    private var gap: SSEGap?
    private var events: [Event] = []
    private var size = 0

    /// - Parameter limit: events at most.
    init(_ view: SSEView, _ start: SSEResolution, limit: Int) {
        self.view = view
        self.limit = limit
        self.position = start.position
        self.told = start.told
        self.gap = start.gap
    }

    /// Reads on until the deadline has passed.
    ///
    /// - Returns: whether it is as full as it may be, or has all that there is now; then it can be asked again later.
    mutating func read(_ hub: SSEHub, _ shard: SSEShard, until deadline: NIODeadline) -> Bool {
        while true {
            guard !self.isFull else { return true }
            switch hub.read(self.view, after: self.position, told: self.told, atMost: Self.step) {
            case .current(let head):
                self.position = head
                return true
            case .lost(let forgotten):
                self.told = forgotten
                self.gap = hub.gap(self.view, "\(SSECursor(epoch: hub.epoch, sequence: self.position))", .evicted)
            case .batches(let batches, let through):
                for batch in batches {
                    guard let events = self.view.events(of: batch, after: self.position, shard) else { return false }
                    guard self.take(events, of: batch) else { return true }
                    if NIODeadline.now() >= deadline { return false }
                }
                self.position = through
            }
        }
    }

    /// Takes the events of a batch that belong to the view.
    ///
    /// - Returns: whether there was room for all of them.
    private mutating func take(_ events: [(event: Event, sequence: UInt64)], of batch: SSEBatch) -> Bool {
        for (event, sequence) in events {
            guard !self.isFull else { return false }
            self.events.append(event)
            self.size += event.json.readableBytes
            self.position = sequence
        }
        self.position = batch.last
        return true
    }

    private var isFull: Bool { self.events.count >= self.limit || self.size >= Self.largest }

    /// Whether there is nothing to tell.
    var isEmpty: Bool { self.events.isEmpty && self.gap == nil }

    /// The answer.
    func json(epoch: String) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: self.size + self.events.count + 256)
        buffer.writeString("{\"cursor\":\"\(SSECursor(epoch: epoch, sequence: self.position))\"")
        if let gap { buffer.writeString(",\"gap\":{\(gap.members)}") }
        buffer.writeStaticString(",\"events\":[")
        for (index, event) in self.events.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            buffer.writeEscapingLineEnds(event.json)
        }
        buffer.writeStaticString("]}")
        return buffer
    }
}
