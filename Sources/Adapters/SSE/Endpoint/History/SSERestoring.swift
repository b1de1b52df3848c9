import BridgeCore

/// What a stream begins with after a restart, by the settings of today.
struct SSERestoring {
    private(set) var batches: [SSEBatch] = []
    /// The last event of each key, from the stored ones and the later ones of the history; `nil` for a stream without one.
    let snapshot: SSESnapshot?
    /// How the log must change, because of the settings or of unreadable rows.
    let changes: SnapshotChanges

    init(_ history: SinkHistory, of stream: SSEStream) {
        let reader = EventReader()
        let snapshot = Self.snapshot(of: history, stream, reader)
        let stored = Set(history.snapshot.map(\.sequence))
        let kept = Set(snapshot?.sequences ?? [])
        self.snapshot = snapshot
        self.changes = SnapshotChanges(
            kept: snapshot?.events.filter { !stored.contains($0.sequence) } ?? [],
            removed: stored.subtracting(kept) + history.unreadableSnapshot)
        self.addBatches(of: history, stream, reader)
    }

    private mutating func addBatches(of history: SinkHistory, _ stream: SSEStream, _ reader: EventReader) {
        var rest = history.events[...]
        var offset: UInt64 = 0
        while let first = rest.first {
            // Equal times and consecutive numbers suggest one batch.
            let piece = rest.prefix(512).enumerated().prefix { place, next in
                next.sequence == first.sequence + UInt64(place) && next.accepted == first.accepted
            }.map(\.element)
            rest = rest.dropFirst(piece.count)
            let names = stream.isFixed ? nil : piece.map { (try? stream.name(of: $0.event, reader)) ?? "" }
            let types = stream.hasTypes ? piece.map { try? stream.type(of: $0.event, reader) } : nil
            let batch = SSEBatch(
                piece.map(\.event), SSELabels(names: names, types: types), stream: stream, first: first.sequence,
                offset: offset, time: first.accepted
            )
            offset = batch.endOffset
            self.batches.append(batch)
        }
    }

    private static func snapshot(of history: SinkHistory, _ stream: SSEStream, _ reader: EventReader) -> SSESnapshot? {
        guard let settings = stream.settings.snapshot else { return nil }
        var snapshot = SSESnapshot(settings)
        let stored = Set(history.snapshot.map(\.sequence))
        let events = history.snapshot + history.events.filter { !stored.contains($0.sequence) }
        for numbered in events.sorted(by: { $0.sequence < $1.sequence }) {
            var labels = SSELabels()
            // An event that today's templates fail for has no name, and no client could get it.
            guard (try? labels.append(numbered.event, of: stream, reader)) != nil, let marks = labels.marks else { continue }
            let batch = SSEBatch(
                [numbered.event], labels, stream: stream, sequences: [numbered.sequence], time: numbered.accepted)
            _ = snapshot.apply(batch, marks)
        }
        return snapshot
    }
}
