@testable import BridgeCore

/// What a log on disk holds, in lists: the plain counterpart of a ``LogStore``.
struct PlainLogFile {
    private(set) var head = Position.start
    /// In order of position.
    private(set) var records: [(position: Position, record: LogRecord)] = []
    private(set) var marks: [String: SinkMark] = [:]
    private(set) var letters: [Int64: StoredDeadLetter] = [:]
    private(set) var keys: [DeliveredKey] = []
    private(set) var numbered = 0

    mutating func commit(_ work: DeliveryLog.Work) {
        self.head = work.head
        self.records += work.records
        for mark in work.changes.sinks { self.marks[mark.sink] = mark }
        for (_, record) in work.records {
            guard let letter = record.routing.plan.letter?.id, let entry = record.routing.plan.entries.first else { continue }
            self.letters[letter]?.target = "sink-\(entry.sink)"
        }
        for change in work.changes.letters {
            switch change {
            case .keep(let letter): self.letters[letter.id] = letter
            case .hold(let id): self.letters[id]?.target = nil
            case .forget(let id): self.letters[id] = nil
            }
        }
        self.keys += work.changes.keys
        self.numbered += work.changes.numbers.reduce(0) { $0 + $1.count }
    }

    /// What a sink has not settled.
    func owed(to sink: Int) -> [(position: Position, record: LogRecord, entry: RoutePlan.Entry)] {
        let mark = self.marks["sink-\(sink)"] ?? SinkMark(sink: "", position: .start)
        return self.records.flatMap { position, record in
            record.routing.plan.entries.filter { $0.sink == SinkIndex(sink) }.map { (position, record, $0) }
        }.filter { $0.position > mark.position && !mark.ahead.contains($0.position) }
    }

    /// What a new run of the program starts with.
    func contents(sinks: Int) -> LogContents {
        var contents = LogContents()
        contents.head = self.head
        for sink in 0..<sinks {
            let owed = self.owed(to: sink)
            guard let mark = self.marks["sink-\(sink)"] ?? (owed.isEmpty ? nil : SinkMark(sink: "sink-\(sink)", position: .start))
            else { continue }
            contents.sinks["sink-\(sink)"] = LogContents.Owed(
                mark: mark, count: owed.count, weight: owed.reduce(0) { $0 + $1.record.event(of: $1.entry).weight })
        }
        contents.lastDeadLetter = self.letters.keys.max() ?? 0
        contents.keys = self.keys
        return contents
    }

    /// A piece for one sink.
    func page(of sink: SinkIndex, after position: Position, atMost limit: Int) -> (deliveries: [Delivery], through: Position) {
        let owed = self.owed(to: sink.rawValue).filter { $0.position > position }
        let events = Array(Set(owed.map(\.position)).sorted().prefix(limit))
        let through = events.count < limit ? self.head : events[events.count - 1]
        let deliveries = owed.filter { $0.position <= through }.map { owed in
            let letter = owed.record.routing.plan.letter
            var delivery = Delivery(
                event: owed.record.event(of: owed.entry), variant: owed.entry.variant, route: letter?.route ?? "route",
                attempts: 0, position: owed.position, ticket: 0)
            delivery.letter = letter?.id
            delivery.key = owed.record.routing.keys[owed.entry.route]
            return delivery
        }
        return (deliveries, max(through, position))
    }
}
