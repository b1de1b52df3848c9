import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// The events after a sequence as one JSON answer: `cursor` to continue from, `gap` if some are lost, and `events`.
///
/// Read in slices, because a filter may match few events of many.
struct SSEPollResponse {
    /// The size in bytes at which an answer ends, because it is in memory as a whole.
    static let largest = 4 << 20
    /// The approximate number of bytes that are read together.
    private static let step = 16 << 10

    private let view: SSEView
    private let limit: Int
    private var position: UInt64
    private var knownLoss: UInt64
    private var gap: SSEGap?
    /// What it still has to read of a snapshot.
    private var snapshot: SSESnapshotPosition?
    /// Whether it has a snapshot from its beginning.
    private let beginsSnapshot: Bool
    /// The elements of `events`, with commas between them.
    private var events = ByteBuffer()
    private var count = 0

    /// - Parameter limit: the largest number of events.
    init(_ view: SSEView, _ start: SSEResolution, limit: Int) {
        self.view = view
        self.limit = limit
        self.position = start.position
        self.knownLoss = start.knownLoss
        self.gap = start.gap
        self.snapshot = start.snapshot
        self.beginsSnapshot = start.beginsSnapshot
    }

    /// Continues to read until the deadline has passed.
    ///
    /// - Returns: whether it is full or has all current events; it can be called again later.
    mutating func read(_ hub: SSEHub, _ shard: SSEShard, until deadline: NIODeadline) -> Bool {
        while true {
            guard !self.isFull else { return true }
            if let snapshot {
                guard let batch = hub.readSnapshot(self.view, snapshot, atMost: Self.step) else {
                    self.snapshot = nil
                    continue
                }
                guard let items = self.view.events(of: batch, after: snapshot.entry, shard) else { return false }
                guard self.take(items, of: batch, in: snapshot) else { return true }
                if NIODeadline.now() >= deadline { return false }
                continue
            }
            switch hub.read(self.view, after: self.position, knownLoss: self.knownLoss, atMost: Self.step) {
            case .current(let head):
                self.position = head
                return true
            case .lost(let forgotten):
                self.knownLoss = forgotten
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

    /// Adds the events of a batch that belong to the view.
    ///
    /// - Returns: whether there was room for all of them.
    private mutating func take(_ events: [SSEItem], of batch: SSEBatch) -> Bool {
        for item in events {
            guard !self.isFull else { return false }
            self.add(item)
            self.position = item.sequence
        }
        self.position = batch.last
        return true
    }

    /// Adds the events of a snapshot that belong to the view.
    ///
    /// - Returns: whether there was room for all of them.
    private mutating func take(_ items: [SSEItem], of batch: SSEBatch, in snapshot: SSESnapshotPosition) -> Bool {
        for item in items {
            guard !self.isFull else { return false }
            self.add(item)
            self.snapshot?.entry = item.sequence
        }
        self.snapshot?.entry = batch.last
        return true
    }

    private mutating func add(_ item: SSEItem) {
        self.events.writeStaticString(self.count > 0 ? ",{" : "{")
        SSEFormat.writeMembers(item, self.view.selection.fields, into: &self.events)
        self.count += 1
    }

    private var isFull: Bool { self.count >= self.limit || self.events.readableBytes >= Self.largest }

    /// Whether there are neither events nor a gap.
    var isEmpty: Bool { self.count == 0 && self.gap == nil }

    /// The answer; its headers repeat the cursor and the reason of a gap.
    func answer(epoch: String) -> HTTPResponse {
        let position = SSECursor(epoch: epoch, sequence: self.position, in: self.snapshot)
        var headers: [(name: String, value: String)] = [
            ("Content-Type", "application/json"), ("Streambridge-Cursor", "\(position)"),
        ]
        if let gap { headers.append(("Streambridge-Gap", gap.reason.rawValue)) }
        return HTTPResponse(.ok, headers: headers, body: self.json(position))
    }

    private func json(_ position: SSECursor) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: self.events.readableBytes + 256)
        buffer.writeString("{\"cursor\":\"\(position)\"")
        if let gap { buffer.writeString(",\"gap\":{\(gap.members)}") }
        if self.beginsSnapshot { buffer.writeStaticString(",\"snapshot\":true") }
        buffer.writeStaticString(",\"events\":[")
        buffer.writeImmutableBuffer(self.events)
        buffer.writeStaticString("]}")
        return buffer
    }
}
