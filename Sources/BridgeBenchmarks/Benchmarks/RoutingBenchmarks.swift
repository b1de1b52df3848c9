import BridgeCore
import NIOCore

/// Which sinks an event goes to.
enum RoutingBenchmarks {
    static let all = [1, 100, 10_000].map { Self.benchmark(routes: $0) }

    private static func benchmark(routes count: Int) -> Benchmark {
        Benchmark(name: "route: \(count) subject routes", eventsPerCall: 64) {
            let routes = (0..<count).map { index in
                Route(
                    name: "route-\(index)", match: Matcher(subjects: [Self.pattern("home/\(index)/+")]),
                    targets: [Route.Target(sink: SinkIndex(index))]
                )
            }
            let table = RouteTable(routes: routes)
            let reader = EventReader()
            let normaliser = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "bench")
            let now = Timestamp.now()
            let events = Samples.messages(Samples.native, count: 64).map { normaliser.event(from: $0, now: now).event }
            return {
                for event in events { _ = table.routing(of: event, reader: reader, now: now) { _, _ in } }
            }
        }
    }

    private static func pattern(_ text: String) -> SubjectPattern {
        do {
            return try SubjectPattern(text)
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
