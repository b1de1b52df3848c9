import BridgeCore
import NIOCore

/// The last event of each key of a stream, in the order of their numbers: the state that a new client starts with.
///
/// A value, guarded by the hub's lock. Adding an event and finding a number take O(log n); the keys updated least recently
/// leave when there are too many.
struct SSESnapshot {
    /// What an event means for the snapshot.
    enum Mark: Equatable, Sendable {
        /// It has no key.
        case none
        /// It is the last event of a key.
        case keep(String)
        /// It clears a key.
        case clear(String)
    }

    /// How the snapshot differs after some events, for the log.
    struct Changes {
        /// In order of their numbers.
        var kept: [NumberedEvent] = []
        var removed: [UInt64] = []
        /// The number of keys that left because of the limits.
        var evicted = 0
        /// The number of keys now.
        var count = 0
    }

    private struct Entry {
        let sequence: UInt64
        let time: Timestamp
        let size: Int
        /// `nil` once a later event of the key has replaced it, or the key has left.
        var kept: (key: ExactText, event: Event, name: String?, type: String?)?
    }

    /// The memory of an entry beside its event and key.
    private static let overhead = 400

    let limits: SSESinkConfiguration.Snapshot
    private var entries = CircularBuffer<Entry>()
    /// The number of the last event of each key.
    private var numbers: [ExactText: UInt64] = [:]
    /// The approximate memory of the kept events.
    private(set) var bytes = 0

    init(_ limits: SSESinkConfiguration.Snapshot) {
        self.limits = limits
    }

    /// The number of keys.
    var count: Int { self.numbers.count }

    /// Applies the events of a batch, in order.
    ///
    /// - Parameter marks: one for each event.
    mutating func apply(_ batch: SSEBatch, _ marks: [Mark]) -> Changes {
        var changes = Changes()
        for (index, mark) in marks.enumerated() {
            switch mark {
            case .none: break
            case .clear(let key): self.remove(ExactText(key), &changes)
            case .keep(let key): self.keep(batch, index, ExactText(key), &changes)
            }
        }
        changes.count = self.count
        return changes
    }

    private mutating func keep(_ batch: SSEBatch, _ index: Int, _ key: ExactText, _ changes: inout Changes) {
        self.remove(key, &changes)
        let item = batch.item(at: index)
        let size = item.event.weight + key.text.utf8.count + Self.overhead
        // It would displace all others and then leave too.
        guard size <= self.limits.bytes else {
            changes.evicted += 1
            return
        }
        let name = batch.stream.isFixed ? nil : batch.name(at: index)
        self.entries.append(
            Entry(sequence: item.sequence, time: batch.time, size: size, kept: (key, item.event, name, item.type)))
        self.numbers[key] = item.sequence
        self.bytes += size
        changes.kept.append(NumberedEvent(event: item.event, sequence: item.sequence, accepted: batch.time))
        while self.count > self.limits.max || self.bytes > self.limits.bytes, let oldest = self.entries.first?.kept {
            changes.evicted += 1
            self.remove(oldest.key, &changes)
        }
    }

    private mutating func remove(_ key: ExactText, _ changes: inout Changes) {
        guard let sequence = self.numbers.removeValue(forKey: key) else { return }
        let index = self.index(after: sequence - 1)
        self.bytes -= self[index].size
        self.entries[self.place(index)].kept = nil
        // Of the same batch; a batch has 64 KiB of events at most, or one.
        if let place = changes.kept.lastIndex(where: { $0.sequence == sequence }) {
            changes.kept.remove(at: place)
        } else {
            changes.removed.append(sequence)
        }
        self.compact()
    }

    /// Removes entries that are not kept: those at the front, and all when they are the majority.
    private mutating func compact() {
        while let first = self.entries.first, first.kept == nil { self.entries.removeFirst() }
        guard self.entries.count > 2 * self.count + 64 else { return }
        self.entries = CircularBuffer(self.entries.filter { $0.kept != nil })
    }

    /// The events after a number, up to another, as one batch; `nil` when there is none.
    ///
    /// - Parameters:
    ///   - bytes: enough to stop at; at least one event is read.
    ///   - before: the number before which to stop, because another stream has it.
    func batch(
        of stream: SSEStream, after sequence: UInt64, through last: UInt64, before end: UInt64 = .max, atMost bytes: Int
    ) -> SSEBatch? {
        var events: [Event] = []
        var sequences: [UInt64] = []
        var names: [String] = []
        var types: [String?] = []
        var size = 0
        var index = self.index(after: sequence)
        while index < self.entries.count, size < bytes {
            let entry = self[index]
            guard entry.sequence <= last, entry.sequence < end else { break }
            index += 1
            guard let kept = entry.kept else { continue }
            events.append(kept.event)
            sequences.append(entry.sequence)
            if let name = kept.name { names.append(name) }
            types.append(kept.type)
            size += stream.size(of: kept.event)
        }
        guard !events.isEmpty else { return nil }
        let labels = SSELabels(names: stream.isFixed ? nil : names, types: stream.hasTypes ? types : nil)
        return SSEBatch(events, labels, stream: stream, sequences: sequences, time: Timestamp(milliseconds: 0))
    }

    /// The number of the first kept event after a number, up to another.
    func first(after sequence: UInt64, through last: UInt64) -> UInt64? {
        var index = self.index(after: sequence)
        while index < self.entries.count, self[index].kept == nil { index += 1 }
        guard index < self.entries.count, self[index].sequence <= last else { return nil }
        return self[index].sequence
    }

    /// The kept numbers, in order.
    var sequences: [UInt64] { self.entries.filter { $0.kept != nil }.map(\.sequence) }

    /// The kept events with their numbers and times, in order.
    var events: [NumberedEvent] {
        self.entries.compactMap { entry in
            entry.kept.map { NumberedEvent(event: $0.event, sequence: entry.sequence, accepted: entry.time) }
        }
    }

    /// The index of the first entry with a greater number; the count if there is none.
    private func index(after sequence: UInt64) -> Int {
        var (low, high) = (0, self.entries.count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].sequence > sequence { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private subscript(index: Int) -> Entry { self.entries[self.place(index)] }

    private func place(_ index: Int) -> CircularBuffer<Entry>.Index {
        self.entries.index(self.entries.startIndex, offsetBy: index)
    }
}
