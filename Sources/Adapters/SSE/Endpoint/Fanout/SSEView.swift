import BridgeCore
import Compression
import NIOCore

/// The content of all subscribers with one selection, rendered once.
///
/// Immutable except for ``position``, which belongs to the hub's home loop.
final class SSEView: Sendable {
    let selection: SSESelection
    /// The streams that can have events for it.
    let streams: [SSEStream]
    let timing: SSEStreamTiming
    let epoch: String
    /// Whether the view can skip events, so that its subscribers need the current cursor.
    let isSelective: Bool
    /// Whether one of the streams has a snapshot.
    let hasSnapshot: Bool
    /// The sequence of the last event that was published to the view, or before it existed.
    let position: NIOLoopBoundBox<UInt64>
    /// The results of its expressions; `nil` without expressions.
    private let decisions: SSEDecisions?

    init(selection: SSESelection, streams: [SSEStream], epoch: String, position: NIOLoopBoundBox<UInt64>) {
        self.selection = selection
        self.streams = streams
        self.timing = SSEStreamTiming(streams.map(\.settings))
        self.epoch = epoch
        self.hasSnapshot = streams.contains { $0.settings.snapshot != nil }
        self.isSelective = !selection.filter.takesEverything || !streams.allSatisfy(\.isFixed)
        self.position = position
        let key = self.timing.slow.policy == .conflate && self.timing.slow.key.isEvaluated ? self.timing.slow.key : nil
        self.decisions = selection.filter.isEvaluated || key != nil ? SSEDecisions(selection, key: key) : nil
    }

    /// Whether an expression selects its events: its subscribers then read everything from the history, once it is
    /// evaluated.
    var isDecidedLater: Bool { self.selection.filter.isEvaluated }

    /// The view's events of a batch after a sequence, with their sequences.
    ///
    /// On the shard's loop.
    ///
    /// - Returns: `nil` if the expression is not evaluated yet: the shard's running job then returns soon, and is
    ///   called again later.
    func events(of batch: SSEBatch, after sequence: UInt64, _ shard: SSEShard) -> [SSEItem]? {
        guard self.isDecidedLater, let decisions else { return self.events(of: batch, after: sequence, shard.reader) }
        guard let decision = decisions.decision(on: batch, shard) else { return nil }
        let start = batch.index(after: sequence)
        return decision.passing.filter { $0 >= start }.map(batch.item)
    }

    /// The conflation keys of the events of ``events(of:after:_:)``.
    ///
    /// - Returns: by event, `nil` where it failed; `nil` if the expressions are not evaluated yet.
    func keys(of batch: SSEBatch, after sequence: UInt64, _ shard: SSEShard) -> [String?]? {
        let key = self.timing.slow.key
        guard key.isEvaluated, let decisions else {
            return self.events(of: batch, after: sequence, shard)?.map { item in
                shard.reader.load(item.event)
                return try? key.render(shard.reader)
            }
        }
        guard let decision = decisions.decision(on: batch, shard) else { return nil }
        let start = batch.index(after: sequence)
        return zip(decision.passing, decision.keys).filter { $0.0 >= start }.map(\.1)
    }

    /// The same without an expression.
    func events(of batch: SSEBatch, after sequence: UInt64, _ reader: EventReader) -> [SSEItem] {
        let indices = batch.index(after: sequence)..<batch.events.count
        guard self.isSelective else { return indices.map(batch.item) }
        let named = indices.filter { self.takes(batch, $0) }
        guard !self.selection.filter.takesEverything else { return named.map(batch.item) }
        let passing = self.selection.filter.passing(named.map { batch.events[$0] }, reader) { event, error in
            batch.stream.metrics.filterFailed(event, error)
        }
        return passing.map { batch.item(at: named[$0]) }
    }

    private func takes(_ batch: SSEBatch, _ index: Int) -> Bool {
        batch.stream.isFixed || self.selection.takes(name: batch.name(at: index))
    }

    /// Renders events in this view's format and coding.
    ///
    /// - Parameter events: not empty.
    func bytes(_ events: [SSEItem], _ compressor: SegmentCompressor) -> SSEBytes {
        let capacity = events.reduce(0) { $0 + $1.event.json.readableBytes + self.epoch.utf8.count + 48 }
        func write(into buffer: inout ByteBuffer) {
            for item in events {
                self.selection.format.write(item, fields: self.selection.fields, epoch: self.epoch, into: &buffer)
            }
        }
        guard self.selection.coding != .identity else { return SSEBytes(capacity: capacity, write) }
        var text = ByteBufferAllocator().buffer(capacity: capacity)
        write(into: &text)
        return SSEBytes(text, as: self.selection.coding, compressor)
    }

    /// Renders a text in this view's coding.
    func bytes(_ text: String, _ compressor: SegmentCompressor, prefix: [UInt8] = []) -> SSEBytes {
        SSEBytes(ByteBuffer(string: text), as: self.selection.coding, compressor, prefix: prefix)
    }
}
