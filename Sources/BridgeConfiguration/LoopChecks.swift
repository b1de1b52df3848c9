import BridgeCore

/// Refuses endless loops of events through constant addresses, as far as the file shows them.
///
/// A loop goes from a source over routes without conditions to a sink, and on to the source that reads what the sink
/// writes. It is refused when one of its sinks loses the marks by which the core recognises an event, and none has them
/// in the body.
struct LoopChecks {
    /// A sink with its settings for some routes, whose place is read by sources.
    private struct Writer {
        let sink: Int
        let variant: Int
        /// The sources that read the address, and why the marks are lost on the way; `nil` when they are sent beside
        /// the body.
        let readers: [(source: Int, loss: SettingError?)]
    }

    private let sources: [ComponentReader.Found<PreparedSource>]
    private let sinks: [ComponentReader.Found<PreparedSink>]
    /// In the order of the sinks.
    private let writers: [Writer]
    /// The successors of each node: the sources, then all sources as one, then the writers.
    private var next: [[Int]]

    init(
        sources: [ComponentReader.Found<PreparedSource>], sinks: [ComponentReader.Found<PreparedSink>], routes: [Route]
    ) {
        self.sources = sources
        self.sinks = sinks
        let places = PlaceIndex(sources.map(\.prepared.settings.readPlaces))
        self.writers = sinks.enumerated().flatMap { sink, found in
            found.prepared.variants.enumerated().compactMap { variant, settings -> Writer? in
                guard let written = settings.writtenPlace, written.marks != .inBody else { return nil }
                let readers = places.readers(of: written)
                return readers.isEmpty ? nil : Writer(sink: sink, variant: variant, readers: readers)
            }
        }
        let all = sources.count
        self.next = Array(repeating: [all], count: all) + [[]] + self.writers.map { $0.readers.map(\.source) }
        self.connect(routes)
    }

    /// Adds the ways from sources to writers.
    private mutating func connect(_ routes: [Route]) {
        let all = self.sources.count
        var nodes: [Route.Target: Int] = [:]
        for (index, writer) in self.writers.enumerated() {
            nodes[Route.Target(sink: SinkIndex(writer.sink), variant: writer.variant)] = all + 1 + index
        }
        guard !nodes.isEmpty else { return }
        let indices = Dictionary(
            self.sources.enumerated().map { ($0.element.prepared.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
        for route in routes
        where route.match == nil && route.when == nil && route.dedupe?.replaces ?? true && route.tools?.mayRepeat ?? true {
            for target in route.targets {
                guard let node = nodes[Route.Target(sink: target.sink, variant: target.variant)] else { continue }
                for origin in route.sources.map({ $0.compactMap { indices[$0] } }) ?? [all] { self.next[origin].append(node) }
            }
        }
    }

    /// Reports each sink that loses the marks within a loop, once for each source that reads it back.
    func report(to findings: Findings) {
        var reported: Set<[Int]> = []
        let live = self.nodesBehindLoops()
        for (index, writer) in self.writers.enumerated() where live[self.sources.count + 1 + index] {
            for (source, loss) in writer.readers {
                guard let loss, live[source], let way = self.way(from: source, to: self.sources.count + 1 + index),
                    reported.insert([writer.sink, source]).inserted
                else { continue }
                let names = way.filter { $0 < self.sources.count }.map { self.sources[$0].prepared.name }
                let sink = self.sinks[writer.sink].place
                findings.error(
                    "\(loss.message) (source \(names.joined(separator: ", then ")))",
                    at: writer.variant == 0 ? sink.descend(loss.path) : sink
                )
            }
        }
    }

    /// Whether each node is in or after a loop: nodes without predecessors are removed repeatedly.
    private func nodesBehindLoops() -> [Bool] {
        var entries = Array(repeating: 0, count: self.next.count)
        for nodes in self.next { for node in nodes { entries[node] += 1 } }
        var live = Array(repeating: true, count: self.next.count)
        var loose = entries.indices.filter { entries[$0] == 0 }
        while let node = loose.popLast() {
            live[node] = false
            for other in self.next[node] {
                entries[other] -= 1
                if entries[other] == 0 { loose.append(other) }
            }
        }
        return live
    }

    /// The nodes of the shortest way, with both ends; `nil` when there is none.
    private func way(from start: Int, to end: Int) -> [Int]? {
        var previous = [start: start]
        var queue = [start]
        var index = 0
        while index < queue.count {
            var node = queue[index]
            index += 1
            guard node != end else {
                var way = [node]
                while node != start, let before = previous[node] {
                    node = before
                    way.append(node)
                }
                return way.reversed()
            }
            for other in self.next[node] where previous[other] == nil {
                previous[other] = node
                queue.append(other)
            }
        }
        return nil
    }
}
