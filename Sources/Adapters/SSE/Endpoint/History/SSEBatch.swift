import BridgeCore
import NIOCore

/// Events of a stream that were published together, with consecutive sequences.
///
/// They share their memory with the log; the bytes for subscribers are rendered from them once per view.
struct SSEBatch: Sendable {
    let stream: SSEStream
    /// The sequence of the first event.
    let first: UInt64
    let events: [Event]
    private let labels: SSELabels
    /// The number of each event of a snapshot, ascending; `nil` for consecutive ones.
    private let sequences: [UInt64]?
    /// Bytes of the stream up to the end of each event, counted from ``startOffset``.
    private let ends: [UInt32]
    /// Bytes of the stream before this batch.
    let startOffset: UInt64
    /// When the events were published.
    let time: Timestamp
    /// The latest time of this batch and of the earlier ones in its history.
    private(set) var latestTime: Timestamp
    /// The approximate memory of the batch.
    let memory: Int

    init(
        _ events: [Event], _ labels: SSELabels = SSELabels(), stream: SSEStream, first: UInt64, offset: UInt64, time: Timestamp
    ) {
        self.stream = stream
        self.first = first
        self.sequences = nil
        self.events = events
        self.labels = labels
        var end: UInt32 = 0
        self.ends = events.map { event in
            end = UInt32(clamping: Int(end) + stream.size(of: event) + Self.frame)
            return end
        }
        self.startOffset = offset
        self.time = time
        self.latestTime = time
        let types = labels.types?.reduce(0) { $0 + 16 + ($1?.utf8.count ?? 0) } ?? 0
        self.memory = events.reduce(160 + types) { $0 + $1.json.readableBytes + $1.raw.readableBytes + 280 }
    }

    /// Events of a snapshot.
    ///
    /// - Parameter sequences: the number of each event, ascending; not empty.
    init(_ events: [Event], _ labels: SSELabels, stream: SSEStream, sequences: [UInt64], time: Timestamp) {
        self.stream = stream
        self.first = sequences[0]
        self.sequences = sequences
        self.events = events
        self.labels = labels
        self.ends = []
        self.startOffset = 0
        self.time = time
        self.latestTime = time
        self.memory = 0
    }

    /// The same events in another stream.
    ///
    /// - Parameter offset: see ``startOffset``.
    func moved(to stream: SSEStream, offset: UInt64) -> SSEBatch {
        SSEBatch(self.events, self.labels, stream: stream, first: self.first, offset: offset, time: self.time)
    }

    /// What distinguishes it from other batches of a view.
    struct Identity: Hashable, Sendable {
        let first: UInt64
        let last: UInt64
        let count: Int
    }

    var identity: Identity { Identity(first: self.first, last: self.last, count: self.events.count) }

    /// Keeps ``latestTime`` from moving back, because the clock may have been set back.
    mutating func follow(_ batch: SSEBatch?) {
        if let batch { self.latestTime = max(batch.latestTime, self.time) }
    }

    /// The approximate size of `id:` and the rest of a block.
    private static let frame = 40

    /// The sequence of the last event.
    var last: UInt64 { self.sequences?.last ?? self.first + UInt64(self.events.count) - 1 }
    var endOffset: UInt64 { self.startOffset + UInt64(self.ends.last ?? 0) }

    /// The name of the stream that the event at an index belongs to.
    func name(at index: Int) -> String {
        self.labels.names?[index] ?? self.stream.prefix
    }

    /// The event at an index, as views render it.
    func item(at index: Int) -> SSEItem {
        SSEItem(
            event: self.events[index], sequence: self.sequences?[index] ?? self.first + UInt64(index),
            type: self.labels.types.map { $0[index] } ?? self.stream.fixedType, content: self.stream.content)
    }

    /// The index of the first event with a greater sequence; the count if there is none.
    func index(after sequence: UInt64) -> Int {
        if let sequences { return sequences.firstIndex { $0 > sequence } ?? sequences.count }
        return sequence < self.first ? 0 : min(self.events.count, Int(sequence - self.first) + 1)
    }

    /// Bytes of the stream up to the end of an event and of all before it.
    func offset(through sequence: UInt64) -> UInt64 {
        let index = self.index(after: sequence)
        return index == 0 ? self.startOffset : self.startOffset + UInt64(self.ends[index - 1])
    }
}
