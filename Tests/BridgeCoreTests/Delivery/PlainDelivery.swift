import NIOCore

@testable import BridgeCore

/// The delivery core as plainly as possible: lists searched from the front, and nothing that could be derived is stored.
struct PlainDelivery {
    /// One event on its way to one sink.
    struct Item {
        var event: Event
        var position: UInt64
        /// Of a dead letter: where its event was.
        var original: UInt64?
        var variant = 0
        var route = "route"
        var key: DedupeKey?
        var letter: Int64?
        var source: Int?
        var attempts = 0
        var failures = 0
        var ticket: UInt64 = 0

        var isLetter: Bool { self.event.kind == .deadLetter }
        /// What a sink is given, in words.
        var text: String { "\(self.isLetter ? "letter " : "")\(self.event.id).\(self.variant)@\(self.position)" }

        func holds(_ key: Item) -> Bool {
            self.position == key.position && self.variant == key.variant
        }
    }

    struct Sink {
        var settings: DeliverySettings
        var again: [Item] = []
        /// Read back after a restart.
        var loaded: [Item] = []
        var log: [Item] = []
        var inFlight: [Item] = []
        var reserved: [(key: String, holder: Item, held: [Item])] = []
        var deliveredKeys: Set<String> = []

        var all: [Item] {
            self.again + self.loaded + self.log + self.inFlight + self.reserved.flatMap(\.held)
        }
        /// The sink for what this one gives up.
        var target: Int? { self.settings.deadLetter.flatMap { Int($0.dropFirst(5)) } }
        var isOverBounds: Bool {
            let all = self.all
            return all.count > self.settings.events || all.reduce(0) { $0 + $1.event.weight } > self.settings.bytes
        }
    }

    var sinks: [Sink]
    var unrouted: Int?
    let isOnDisk: Bool
    var head: UInt64 = 0
    var committed: UInt64 = 0
    var lastDeadLetter: Int64 = 0
    var dropped = 0
    var lettersCounted = 0
    var duplicates = 0
    var unroutedCount = 0
    /// The dead letters that the file must have once everything is written, and whether a sink is owed them.
    var kept: [Int64: (item: Item, sink: String, isOwed: Bool)] = [:]

    private var visible: UInt64 { self.isOnDisk ? self.committed : .max }

    // MARK: The sources' side

    /// - Parameter lost: the sinks of a route that the event is lost to.
    /// - Returns: the sinks that were given a dead letter.
    mutating func append(
        _ event: Event, source: Int, entries: [(sink: Int, variant: Int)], key: DedupeKey?, lost: [Int]? = nil
    ) -> [Int] {
        self.head += 1
        for entry in entries {
            self.sinks[entry.sink].log.append(
                Item(event: event, position: self.head, variant: entry.variant, key: key, source: source))
        }
        if entries.isEmpty { self.unroutedCount += 1 }
        if let lost {
            var targets: [Int] = []
            for target in lost.compactMap({ self.sinks[$0].target }) where !targets.contains(target) { targets.append(target) }
            if targets.isEmpty { targets = self.unrouted.map { [$0] } ?? [] }
            let reason = "'when' of the route 'route' failed: it failed"
            self.give(event, DeadLetter(reason: reason, sink: "", route: "route", attempts: 0), source: source, to: targets)
            return targets
        }
        guard entries.isEmpty, let unrouted else { return [] }
        self.give(
            event, DeadLetter(reason: "no route matches it", sink: "", route: "", attempts: 0), source: source, to: [unrouted])
        return [unrouted]
    }

    /// A dead letter for each of these sinks; a file keeps one in any case.
    private mutating func give(_ event: Event, _ letter: DeadLetter, source: Int, to targets: [Int]) {
        let original = self.head
        let kept = Item(event: event, position: original, route: letter.route, source: source)
        if targets.isEmpty, self.isOnDisk { self.kept[self.newLetter()] = (kept, "", false) }
        for target in targets {
            let id = self.isOnDisk ? self.newLetter() : nil
            if let id { self.kept[id] = (kept, "", true) }
            self.give(letter.event(of: event), about: original, letter: id, source: source, to: target)
        }
    }

    /// Appends a dead letter.
    private mutating func give(_ event: Event, about original: UInt64?, letter: Int64?, source: Int?, to sink: Int) {
        self.head += 1
        self.sinks[sink].log.append(
            Item(event: event, position: self.head, original: original, route: "", letter: letter, source: source))
    }

    /// After a batch, a piece read back or a commit.
    mutating func makeRoom(_ sink: Int) {
        let policy = self.sinks[sink].settings.onFull
        while policy != .block, self.sinks[sink].isOverBounds, let item = self.oldestWaiting(sink) {
            if policy == .deadLetter {
                self.giveUp(item, sink, reason: "the buffer of the sink is full")
            } else {
                self.dropped += 1
                if let letter = item.letter { self.kept[letter]?.isOwed = false }
                self.release(item, sink)
            }
        }
    }

    private mutating func oldestWaiting(_ sink: Int) -> Item? {
        if let first = self.sinks[sink].again.popFirst() { return first }
        if let first = self.sinks[sink].loaded.popFirst() { return first }
        let record = self.takeRecord(sink)
        self.sinks[sink].again += record.dropFirst()
        return record.first
    }

    /// All deliveries of the next record of the log.
    private mutating func takeRecord(_ sink: Int) -> [Item] {
        guard let first = self.sinks[sink].log.first, first.position <= self.visible else { return [] }
        let record = self.sinks[sink].log.prefix { $0.position == first.position }
        self.sinks[sink].log.removeFirst(record.count)
        return Array(record)
    }

    // MARK: The sinks' side

    mutating func poll(_ sink: Int, atMost limit: Int) -> [Item] {
        var batch: [Item] = []
        for _ in 0..<64 where batch.isEmpty {
            var piece: [Item] = []
            while piece.count < limit {
                if let next = self.sinks[sink].again.popFirst() ?? self.sinks[sink].loaded.popFirst() {
                    piece.append(next)
                } else {
                    let record = self.takeRecord(sink)
                    if record.isEmpty { break }
                    piece += record
                }
            }
            for item in piece where self.isNew(item, sink) { batch.append(item) }
        }
        self.sinks[sink].inFlight += batch
        return batch
    }

    private mutating func isNew(_ item: Item, _ sink: Int) -> Bool {
        guard let key = item.key?.text else { return true }
        if self.sinks[sink].deliveredKeys.contains(key) {
            self.duplicates += 1
            return false
        }
        guard let index = self.sinks[sink].reserved.firstIndex(where: { $0.key == key }) else {
            self.sinks[sink].reserved.append((key, item, []))
            return true
        }
        if self.sinks[sink].reserved[index].holder.holds(item) { return true }
        self.sinks[sink].reserved[index].held.append(item)
        return false
    }

    mutating func confirm(_ sink: Int, _ done: (Item) -> Bool) {
        let settled = self.sinks[sink].inFlight.filter(done)
        self.sinks[sink].inFlight.removeAll(where: done)
        for item in settled {
            if let letter = item.letter { self.kept[letter] = nil }
            guard let key = item.key,
                let index = self.sinks[sink].reserved.firstIndex(where: { $0.key == key.text && $0.holder.holds(item) })
            else { continue }
            self.duplicates += self.sinks[sink].reserved.remove(at: index).held.count
            if key.window > .zero { self.sinks[sink].deliveredKeys.insert(key.text) }
        }
    }

    mutating func refuse(_ sink: Int, ticket: UInt64, reason: String) {
        guard let index = self.sinks[sink].inFlight.firstIndex(where: { $0.ticket == ticket }) else { return }
        self.giveUp(self.sinks[sink].inFlight.remove(at: index), sink, reason: reason)
    }

    mutating func postpone(_ sink: Int, ticket: UInt64, reason: String) {
        guard let index = self.sinks[sink].inFlight.firstIndex(where: { $0.ticket == ticket }) else { return }
        self.sinks[sink].inFlight[index].failures += 1
        let attempts = self.sinks[sink].settings.retry.attempts
        if attempts > 0, self.sinks[sink].inFlight[index].failures >= attempts {
            self.refuse(sink, ticket: ticket, reason: reason)
        }
    }

    mutating func reclaim(_ sink: Int) {
        let back = self.sinks[sink].inFlight.map { item in
            var item = item
            item.attempts += 1
            return item
        }
        self.sinks[sink].inFlight = []
        self.sinks[sink].again = back + self.sinks[sink].again
    }

    // MARK: Dead letters

    mutating func newLetter() -> Int64 {
        self.lastDeadLetter += 1
        return self.lastDeadLetter
    }

    private mutating func giveUp(_ item: Item, _ sink: Int, reason: String) {
        self.release(item, sink)
        let target = item.isLetter ? nil : self.sinks[sink].target
        var id: Int64?
        if self.isOnDisk {
            if item.isLetter {
                id = item.letter
                if let id { self.kept[id]?.isOwed = false }
            } else {
                let letter = item.letter ?? self.newLetter()
                id = letter
                self.kept[letter] = (item, "sink-\(sink)", target != nil)
            }
        }
        if target == nil, id == nil { self.dropped += 1 } else { self.lettersCounted += 1 }
        guard let target else { return }
        let letter = DeadLetter(reason: reason, sink: "sink-\(sink)", route: item.route, attempts: item.attempts + 1)
        self.give(letter.event(of: item.event), about: item.position, letter: id, source: item.source, to: target)
        self.makeRoom(target)
    }

    /// What was held back for the key of an item that is given up is offered.
    private mutating func release(_ item: Item, _ sink: Int) {
        guard let key = item.key?.text,
            let index = self.sinks[sink].reserved.firstIndex(where: { $0.key == key && $0.holder.holds(item) })
        else { return }
        self.sinks[sink].again += self.sinks[sink].reserved.remove(at: index).held
    }

    mutating func replay(_ letter: Int64, to sink: Int) {
        guard let kept = self.kept[letter] else { return }
        self.kept[letter]?.isOwed = true
        self.head += 1
        self.sinks[sink].log.append(
            Item(event: kept.item.event, position: self.head, route: kept.item.route, letter: letter, source: nil))
        self.makeRoom(sink)
    }
}

extension Array {
    /// Removes the first element, if there is one.
    fileprivate mutating func popFirst() -> Element? { self.isEmpty ? nil : self.removeFirst() }
}
