import BridgeCore
import NIOCore

/// The events behind a place, as one JSON answer: `cursor`, where to go on from, `gap` when some are lost, and `events`.
struct SSEExtract {
    private let cursor: SSECursor
    private let gap: SSEGap?
    private let events: [Event]

    /// - Parameter limit: events at most.
    init(_ hub: SSEHub, _ view: SSEView, _ start: SSEResolution, limit: Int, _ reader: EventReader) {
        var position = start.position
        var told = start.told
        var gap = start.gap
        var events: [Event] = []
        reading: while events.count < limit {
            switch hub.read(view, after: position, told: told, atMost: 64 << 10) {
            case .current(let head):
                position = head
                break reading
            case .lost(let forgotten):
                told = forgotten
                gap = hub.gap(view, "\(SSECursor(epoch: hub.epoch, sequence: position))", .evicted)
            case .batches(let batches, let through):
                for (event, sequence) in batches.flatMap({ view.events(of: $0, after: position, reader) }) {
                    guard events.count < limit else { break reading }
                    events.append(event)
                    position = sequence
                }
                if events.count < limit { position = through }
            }
        }
        self.cursor = SSECursor(epoch: hub.epoch, sequence: position)
        self.gap = gap
        self.events = events
    }

    /// Whether there is nothing to tell.
    var isEmpty: Bool { self.events.isEmpty && self.gap == nil }

    var json: String {
        let gap = self.gap.map { ",\"gap\":{\($0.members)}" } ?? ""
        let events = self.events.map { String(buffer: $0.json) }.joined(separator: ",")
        return "{\"cursor\":\"\(self.cursor)\"\(gap),\"events\":[\(events)]}"
    }
}
