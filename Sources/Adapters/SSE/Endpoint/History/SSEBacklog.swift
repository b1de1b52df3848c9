/// Where a subscriber continues to read its streams.
enum SSEBacklog {
    /// It has everything up to this sequence.
    case current(UInt64)
    /// The next batches of all its streams, in order; with them it has everything up to `through`.
    case batches([SSEBatch], through: UInt64)
    /// Events that it needs were removed, the latest of them this one.
    case lost(UInt64)

    /// Reads after a sequence.
    ///
    /// - Parameters:
    ///   - head: the sequence of the latest event of all streams.
    ///   - knownLoss: the latest sequence whose loss is known.
    ///   - bytes: enough to stop at; at least one batch is read.
    init(_ histories: [SSEHistory], head: UInt64, after sequence: UInt64, knownLoss: UInt64, atMost bytes: UInt64) {
        guard sequence < head else {
            self = .current(head)
            return
        }
        if let forgotten = histories.map(\.forgotten).max(), forgotten > max(sequence, knownLoss) {
            self = .lost(forgotten)
            return
        }
        var places = histories.map { $0.index(after: sequence) }
        var batches: [SSEBatch] = []
        var size: UInt64 = 0
        while size < bytes {
            var next: (index: Int, batch: SSEBatch)?
            for (index, history) in histories.enumerated() where places[index] < history.batches.count {
                let batch = history[places[index]]
                if batch.first < next?.batch.first ?? .max { next = (index, batch) }
            }
            guard let next else {
                self = batches.isEmpty ? .current(head) : .batches(batches, through: head)
                return
            }
            places[next.index] += 1
            batches.append(next.batch)
            size += next.batch.endOffset - next.batch.offset(through: sequence)
        }
        self = .batches(batches, through: batches.last?.last ?? sequence)
    }

    /// Reads backwards from a sequence; see ``SSEHub/readBack(_:before:atMost:)``.
    ///
    /// - Parameter sequence: the first of a batch, or `nil` for everything.
    static func back(
        _ histories: [SSEHistory], head: UInt64, before sequence: UInt64?, atMost bytes: UInt64
    ) -> (batches: [SSEBatch], oldest: UInt64) {
        let oldest = histories.map { $0.floor }.min() ?? head
        var ends = histories.map { history in sequence.map { history.index(after: $0 - 1) } ?? history.batches.count }
        var batches: [SSEBatch] = []
        var size: UInt64 = 0
        while size < bytes {
            var next: (index: Int, batch: SSEBatch)?
            for (index, history) in histories.enumerated() where ends[index] > 0 {
                let batch = history[ends[index] - 1]
                if batch.last > next?.batch.last ?? oldest { next = (index, batch) }
            }
            guard let next else { break }
            ends[next.index] -= 1
            batches.append(next.batch)
            size += next.batch.endOffset - next.batch.startOffset
        }
        return (batches, oldest)
    }
}
