import BridgeTesting
import Testing

@testable import BridgeCore

/// Random schedules against a model that keeps every fact in the plainest way.
struct DeliveryModelTests {
    @Test(arguments: 0..<40)
    func `nothing is lost, doubled or acknowledged early, whatever the order of things`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let sinks = 3
        let sources = 2
        let fixture = DeliveryFixture(
            sources: Array(repeating: .delivered, count: sources), sinks: Array(repeating: DeliverySettings(), count: sinks)
        )
        /// By sink: the positions it still owes, and by source: the positions it appended.
        var owed = Array(repeating: Set<UInt64>(), count: sinks)
        var appended = Array(repeating: [UInt64](), count: sources)
        var inFlight = Array(repeating: [Delivery](), count: sinks)
        var confirmed = Array(repeating: [UInt64](), count: sinks)
        var head: UInt64 = 0

        func check() {
            for source in 0..<sources {
                let safe = fixture.safe(SourceIndex(source))
                for position in appended[source] where position <= safe {
                    #expect(!owed.contains { $0.contains(position) }, "position \(position) is safe and owed")
                }
            }
        }
        for _ in 0..<400 {
            let sink = Int.random(in: 0..<sinks, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let source = Int.random(in: 0..<sources, using: &random)
                let records = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                    head += 1
                    let targets = (0..<sinks).filter { _ in Bool.random(using: &random) }
                    for target in targets { owed[target].insert(head) }
                    appended[source].append(head)
                    return LogRecord.made("\(head)", source: SourceIndex(source), to: targets.map { SinkIndex($0) })
                }
                _ = fixture.log.append(records, source: SourceIndex(source))
            case 4..<7:
                inFlight[sink] += fixture.take(Int.random(in: 1...4, using: &random), sink: SinkIndex(sink))
            case 7:
                guard let last = inFlight[sink].randomElement(using: &random) else { continue }
                let done = inFlight[sink].filter { $0.ticket <= last.ticket }
                inFlight[sink].removeAll { $0.ticket <= last.ticket }
                for delivery in done { owed[sink].remove(delivery.position.rawValue) }
                confirmed[sink] += done.map(\.position.rawValue)
                fixture.log.confirm(sink: SinkIndex(sink), through: last)
            case 8:
                guard let one = inFlight[sink].randomElement(using: &random) else { continue }
                inFlight[sink].removeAll { $0.ticket == one.ticket }
                owed[sink].remove(one.position.rawValue)
                confirmed[sink].append(one.position.rawValue)
                fixture.log.confirm(sink: SinkIndex(sink), one)
            default:
                fixture.log.reclaim(sink: SinkIndex(sink))
                inFlight[sink] = []
            }
            check()
        }
        for sink in 0..<sinks {
            fixture.log.reclaim(sink: SinkIndex(sink))
            let rest = fixture.take(sink: SinkIndex(sink))
            #expect(rest.map(\.position) == rest.map(\.position).sorted())
            #expect(Set(rest.map(\.position.rawValue)) == owed[sink])
            if let last = rest.last { fixture.log.confirm(sink: SinkIndex(sink), through: last) }
            #expect(fixture.log.backlog(of: SinkIndex(sink)).events == 0)
            confirmed[sink] += rest.map(\.position.rawValue)
            #expect(Set(confirmed[sink]).count == confirmed[sink].count, "a position was confirmed twice")
        }
        for source in 0..<sources { #expect(fixture.safe(SourceIndex(source)) == appended[source].last ?? 0) }
    }
}
