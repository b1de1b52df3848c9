/// Pauses sources for a full log, disk or sink; updates how far each is safe.
extension DeliveryMachine {
    /// Pauses every source above the bounds of the log and while writes to the disk fail, until half of the log is free again.
    mutating func pauseSourcesWhenFull() {
        // A log on disk is bounded by the sinks' limits; here it counts what waits to be written.
        let count = self.disk == nil ? self.log.count : 0
        let werePaused = self.areSourcesPaused
        if count > self.limits.events || self.weight > self.limits.bytes || self.disk?.pausesSources == true {
            self.areSourcesPaused = true
        } else if self.areSourcesPaused, count <= self.limits.events / 2, self.weight <= self.limits.bytes / 2 {
            self.areSourcesPaused = false
        }
        if self.areSourcesPaused != werePaused { for source in self.watermarks.indices { self.debts.due.insert(source) } }
    }

    /// Updates the watermarks that may have changed.
    mutating func settleWatermarks(_ effects: inout Effects) {
        self.debts.settleNew()
        guard !self.debts.due.elements.isEmpty else { return }
        if self.debts.due.contains(self.earlierRun) {
            self.debts.search(self.earlierRun)
            for source in self.watermarks.indices { self.debts.due.insert(source) }
        }
        let (earlier, visible) = (self.debts.floor(of: self.earlierRun), self.visible)
        let isBlocked = self.areSourcesPaused || self.debts.isBlocked(self.earlierRun)
        for source in self.debts.due.elements where source != self.earlierRun {
            self.debts.search(source)
            let isChanged = self.watermarks[source].update(
                floor: Self.least(self.debts.floor(of: source), earlier), visible: visible,
                isPaused: isBlocked || self.debts.isBlocked(source))
            if isChanged { effects.changedSources.append(source) }
        }
        self.debts.due.removeAll()
    }

    private static func least(_ one: Position?, _ other: Position?) -> Position? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }
}
