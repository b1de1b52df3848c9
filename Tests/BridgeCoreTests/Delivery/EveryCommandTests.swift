import Testing

/// Every command of the delivery core in random order, with overflow, dead letters, `dedupe:`, replays, crashes and restarts, against
/// ``PlainDelivery`` and ``PlainLogFile``.
struct EveryCommandTests {
    @Test(arguments: 0..<60)
    func `every command does what the plain model does`(seed: Int) {
        var run = DeliveryRun(seed: UInt64(seed))
        for _ in 0..<150 { run.step() }
        run.finish()
    }
}
