import BridgeCore

/// Refuses endless loops of events through constant addresses, as far as the file shows them.
///
/// A loop goes from a source over routes without conditions to a sink, and on to the source that reads what the sink
/// writes. It is refused when one of its sinks loses the marks by which the core recognises an event, and none has them
/// in the body. With marks, each event comes back once and is dropped then, which is a warning.
struct LoopChecks {
    /// A sink with its settings for some routes, whose place is read by sources.
    private struct Writer {
        let sink: Int
        let variant: Int
        /// The sources that read the address, and why the marks are lost on the way; `nil` when they are sent beside
        /// the body or in it.
        let readers: [(source: Int, loss: SettingError?)]
        /// The address in words.
        let shown: String
        /// The key that names the address.
        let setting: [any CodingKey]
    }

    private let sources: [ComponentReader.Found<PreparedSource>]
    private let sinks: [ComponentReader.Found<PreparedSink>]
    /// In the order of the sinks.
    private let writers: [Writer]
    /// The successors of each node: the sources, then all sources as one, then the writers.
    private var next: [[Int]]

    /// - Parameter includesMarked: whether ways through sinks count whose bodies have the marks, which end no loop but
    ///   let nothing loop forever.
    init(
        sources: [ComponentReader.Found<PreparedSource>], sinks: [ComponentReader.Found<PreparedSink>], routes: [Route],
        includesMarked: Bool = false
    ) {
        self.sources = sources
        self.sinks = sinks
        let places = PlaceIndex(sources.map(\.prepared.settings.readPlaces))
        self.writers = sinks.enumerated().flatMap { sink, found in
            found.prepared.variants.enumerated().compactMap { variant, settings -> Writer? in
                guard let written = settings.writtenPlace, includesMarked || written.marks != .inBody else { return nil }
                let readers = places.readers(of: written)
                guard !readers.isEmpty else { return nil }
                return Writer(
                    sink: sink, variant: variant, readers: readers, shown: written.shown, setting: written.setting)
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
                let sink = self.sinks[writer.sink].place
                findings.error(
                    "\(loss.message) (source \(Self.listed(self.names(on: way))))",
                    at: writer.variant == 0 ? sink.descend(loss.path) : sink, rule: .loop
                )
            }
        }
    }

    /// Warns of each loop in which events keep their marks: each one returns once, and is dropped as its own.
    func warn(to findings: Findings) {
        let first = self.sources.count + 1
        let live = self.nodesBehindLoops()
        var covered: Set<Int> = []
        var count = 0
        for (index, writer) in self.writers.enumerated() where live[first + index] && !covered.contains(index) {
            for (source, _) in writer.readers {
                guard live[source], let way = self.way(from: source, to: first + index) else { continue }
                covered.formUnion(way.filter { $0 >= first }.map { $0 - first })
                let names = self.names(on: way)
                let sink = self.sinks[writer.sink].place
                findings.warning(
                    "events return to their source: \(names[0]) reads what this sink writes to \(writer.shown)"
                        + (names.count > 1 ? ", and it goes on through \(Self.listed(Array(names.dropFirst())))" : "")
                        + "; each is dropped when it comes back, so read or write another place, or give the route a match",
                    at: writer.variant == 0 ? sink.descend(writer.setting) : sink, rule: .loop)
                count += 1
                if count == Self.mostWarnings { return }
                break
            }
        }
    }

    /// More are rarely worth reading, and each costs a search.
    private static let mostWarnings = 20

    /// The names of the sources on a way.
    private func names(on way: [Int]) -> [String] {
        way.filter { $0 < self.sources.count }.map { self.sources[$0].prepared.name }
    }

    /// The first names in words, and how many more there are.
    private static func listed(_ names: [String]) -> String {
        let more = names.count > 5 ? ", and \(names.count - 5) more" : ""
        return names.prefix(5).joined(separator: ", then ") + more
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
