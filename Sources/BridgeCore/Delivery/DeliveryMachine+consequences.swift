/// The end of every command: updates the sinks that it touched, and the sources with pending events there.
extension DeliveryMachine {
    /// How many records that no sink needs an in-memory log may retain.
    private static let spare = (events: 8192, bytes: 16 << 20)

    /// Applies every consequence of a command.
    mutating func finishCommand(_ effects: inout Effects) {
        // A dead letter written here adds to the sink that receives it.
        var index = 0
        while index < self.grown.count {
            let sink = self.grown[index]
            self.sinks[sink].touch.remove(.grown)
            self.makeRoom(sink, &effects)
            index += 1
        }
        self.grown.removeAll(keepingCapacity: true)
        for index in self.touched.indices { self.follow(self.touched[index]) }
        if !self.touched.isEmpty || self.log.count > 0 { self.releaseLog() }
        self.pauseSourcesWhenFull()
        self.settleWatermarks(&effects)
        self.wakeSinks(&effects)
        self.trimWindow()
        assert(self.violation == nil, self.violation ?? "")
    }

    /// Updates what depends on a sink's cursor.
    private mutating func follow(_ sink: SinkIndex) {
        self.sinks[sink].cursor.updateFullness()
        self.sinks[sink].cursor.forgetSettledDeadLetters()
        if self.disk != nil, self.sinks[sink].cursor.isOverBounds, self.sinks[sink].cursor.settings.onFull != .block {
            self.overBounds.insert(sink)
        }
        let inLog = self.sinks[sink].cursor.inLog
        let place = inLog > 0 ? min(self.sinks[sink].cursor.next, self.log.head.next) : nil
        if place != self.sinks[sink].place {
            self.log.moveReader(from: self.sinks[sink].place, to: place)
            self.sinks[sink].place = place
        }
        let weight = self.sinks[sink].cursor.weight
        self.weight += weight - self.sinks[sink].counted.weight
        self.unread += inLog - self.sinks[sink].counted.unread
        self.sinks[sink].counted = (weight, inLog)
        let isBlocking = self.sinks[sink].cursor.isFull && self.sinks[sink].cursor.settings.onFull == .block
        self.debts.update(sink, floor: self.sinks[sink].cursor.floor, isBlocking: isBlocking)
    }

    /// Removes records that no sink has yet to read.
    ///
    /// A single event for an offline sink would keep all later ones in memory. Where no sink needs most of the log, the
    /// sinks that are farthest behind therefore read it ahead.
    private mutating func releaseLog() {
        self.log.releaseUnneeded()
        guard self.disk == nil else { return }
        while self.isMostlyUnneeded,
            let last = self.sinks.indices.filter({ self.sinks[$0].place != nil }).min(by: {
                self.sinks[$0].cursor.next < self.sinks[$1].cursor.next
            })
        {
            self.sinks[last].cursor.gather(self.log, names: self.names)
            self.follow(last)
            self.log.releaseUnneeded()
        }
    }

    private var isMostlyUnneeded: Bool {
        let (count, weight) = (self.log.count, self.log.weight)
        return count > Self.spare.events && count > 2 * self.unread || weight > Self.spare.bytes && weight > 2 * self.weight
    }

    /// Wakes the touched sinks that may find something or have ended; requests a page from the disk for the others.
    private mutating func wakeSinks(_ effects: inout Effects) {
        var index = 0
        while index < self.touched.count {
            let sink = self.touched[index]
            index += 1
            if self.isFinished {
                self.sinks[sink].touch.formUnion(.offered)
                if let target = self.sinks[sink].deadLetterSink, self.hasEnded(target) { self.touch(target, .offered) }
            }
            let touch = self.sinks[sink].touch
            if touch.contains(.offered), self.hasWork(sink) || self.hasEnded(sink) {
                effects.wokenSinks.append(sink)
                if touch.contains(.polled) { self.askForPage(sink, &effects) }
            } else if !touch.isDisjoint(with: [.offered, .polled]) {
                self.askForPage(sink, &effects)
            }
        }
        for sink in self.touched { self.sinks[sink].touch = [] }
        self.touched.removeAll(keepingCapacity: true)
    }

    /// Keeps only part of a log on disk in memory.
    private mutating func trimWindow() {
        guard let committed = self.disk?.committed,
            self.log.count > DiskState.window.events || self.log.weight > DiskState.window.bytes
        else {
            return
        }
        // Half at once, so that this does not happen for every batch. Uncommitted records cannot be read back.
        let half = Position(self.log.oldest.rawValue + UInt64(self.log.count / 2))
        self.log.release(before: min(committed.next, half))
    }
}
