import CAllocationCount

/// One measured piece of work.
struct Benchmark: Sendable {
    let name: String
    /// How many events one call of the work handles: figures are given per event.
    let eventsPerCall: Int
    /// Prepares, and returns the work.
    ///
    /// Called once per run.
    let setUp: @Sendable () -> () -> Void

    /// Warms up, then measures five runs of at least 50 ms each.
    func measure() -> Figures {
        var best = Double.infinity
        var allocations = Double.infinity
        let work = self.setUp()
        var calls = 1
        // Warm-up, and how many calls a run takes.
        while true {
            let start = ContinuousClock.now
            for _ in 0..<calls { work() }
            if ContinuousClock.now - start > .milliseconds(50) { break }
            calls *= 2
        }
        for _ in 0..<5 {
            let allocated = allocation_count()
            let start = ContinuousClock.now
            for _ in 0..<calls { work() }
            let time = ContinuousClock.now - start
            let events = Double(calls * self.eventsPerCall)
            allocations = min(allocations, Double(allocation_count() - allocated) / events)
            best = min(best, (Double(time.components.seconds) * 1e9 + Double(time.components.attoseconds) / 1e9) / events)
        }
        return Figures(nanoseconds: best, allocations: allocations)
    }
}

/// What one benchmark came to, per event.
struct Figures {
    /// The least of five runs; printed, never judged.
    let nanoseconds: Double
    /// The least of five runs, judged: more than recorded fails the check.
    let allocations: Double
}
