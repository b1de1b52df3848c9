/// Which sinks have pending events of which sources, with the least floor for each source.
///
/// A sink has events of a source pending while its ``SinkCursor/floor`` is not past the last event of that source that it was
/// given. A value; ``DeliveryMachine`` owns it. Sparse: a change costs only the pairs that it affects.
struct BacklogTable {
    /// What is pending for one source.
    private struct Account {
        /// By sink, from the first event on: the last position that the sink was given, and its index in ``sinksBehind``.
        var given: [(position: Position, place: Int32)] = []
        /// The sinks with pending events of the source, unordered.
        var sinksBehind: [SinkIndex] = []
        /// The least floor of ``sinksBehind``.
        var floor: Position?
        /// Whether a floor that was the least has risen.
        var mustSearch = false
        /// How many of ``sinksBehind`` are full and block their sources.
        var blocking = 0
    }

    /// What is pending for one sink.
    private struct SinkBacklog {
        var creditors: [SourceIndex] = []
        var floor: Position?
        var isBlocking = false
    }

    private var accounts: ComponentTable<SourceIndex, Account>
    private var sinks: ComponentTable<SinkIndex, SinkBacklog>
    /// Pairs added since ``settleNew()``.
    private var new: [(source: SourceIndex, sink: SinkIndex)] = []
    /// The sources affected since the owner cleared it.
    var due: ComponentSet<SourceIndex>

    init(sources: Int, sinks: Int) {
        self.accounts = ComponentTable(Array(repeating: Account(), count: sources))
        self.sinks = ComponentTable(Array(repeating: SinkBacklog(), count: sinks))
        self.due = ComponentSet(count: sources)
    }

    /// Makes room for another sink.
    mutating func addSink() {
        self.sinks.append(SinkBacklog())
        for source in self.accounts.indices where !self.accounts[source].given.isEmpty {
            self.accounts[source].given.append((.start, -1))
        }
    }

    /// Makes room for another source before the last one, whose index increases.
    mutating func addSourceBeforeLast() {
        let last = SourceIndex(self.accounts.count - 1)
        self.accounts.append(self.accounts[last])
        self.accounts[last] = Account()
        self.due.grow(to: self.accounts.count)
        for sink in self.sinks.indices {
            guard let place = self.sinks[sink].creditors.firstIndex(of: last) else { continue }
            self.sinks[sink].creditors[place] = SourceIndex(last.rawValue + 1)
        }
    }

    /// The least floor of the sinks with pending events of a source; `nil` when there are none.
    func floor(of source: SourceIndex) -> Position? { self.accounts[source].floor }

    /// Whether a full sink with pending events of the source blocks it.
    func isBlocked(_ source: SourceIndex) -> Bool { self.accounts[source].blocking > 0 }

    /// The position of the oldest pending event of a sink; `nil` when there is none.
    func floor(of sink: SinkIndex) -> Position? { self.sinks[sink].floor }

    /// The least floor of all sinks.
    var floor: Position? { self.sinks.elements.lazy.compactMap(\.floor).min() }

    func hasPending(_ sink: SinkIndex, _ source: SourceIndex) -> Bool { self.place(of: sink, source) >= 0 }

    var sources: some Sequence<SourceIndex> { self.accounts.indices }

    /// The sinks with pending events of a source.
    func sinksBehind(of source: SourceIndex) -> [SinkIndex] { self.accounts[source].sinksBehind }

    /// Whether a sink is full and blocks the sources of its pending events.
    func isBlocking(_ sink: SinkIndex) -> Bool { self.sinks[sink].isBlocking }

    private func place(of sink: SinkIndex, _ source: SourceIndex) -> Int {
        let given = self.accounts[source].given
        return given.isEmpty ? -1 : Int(given[sink.rawValue].place)
    }

    /// Records that a sink was given an event of a source, itself or as a dead letter.
    mutating func give(_ position: Position, of source: SourceIndex, to sink: SinkIndex) {
        if self.accounts[source].given.isEmpty {
            self.accounts[source].given = Array(repeating: (.start, -1), count: self.sinks.count)
        }
        guard self.accounts[source].given[sink.rawValue].place < 0 else {
            let last = self.accounts[source].given[sink.rawValue].position
            if position > last { self.accounts[source].given[sink.rawValue].position = position }
            return
        }
        self.accounts[source].given[sink.rawValue] = (position, Int32(self.accounts[source].sinksBehind.count))
        self.accounts[source].sinksBehind.append(sink)
        if self.sinks[sink].isBlocking { self.accounts[source].blocking += 1 }
        self.lower(source, to: self.sinks[sink].floor)
        self.sinks[sink].creditors.append(source)
        self.new.append((source, sink))
    }

    /// Records a sink's new floor, and whether it blocks.
    mutating func update(_ sink: SinkIndex, floor: Position?, isBlocking: Bool) {
        if self.sinks[sink].isBlocking != isBlocking {
            self.sinks[sink].isBlocking = isBlocking
            for source in self.sinks[sink].creditors {
                self.accounts[source].blocking += isBlocking ? 1 : -1
                self.due.insert(source)
            }
        }
        let old = self.sinks[sink].floor
        guard floor != old else { return }
        self.sinks[sink].floor = floor
        var index = self.sinks[sink].creditors.count - 1
        while index >= 0 {
            let source = self.sinks[sink].creditors[index]
            if old != nil, self.accounts[source].floor == old { self.accounts[source].mustSearch = true }
            if let floor, self.accounts[source].given[sink.rawValue].position >= floor {
                self.lower(source, to: floor)
            } else {
                self.remove(sink, from: source, at: index)
            }
            self.due.insert(source)
            index -= 1
        }
    }

    /// Removes the pairs that are settled already from the new ones.
    mutating func settleNew() {
        guard !self.new.isEmpty else { return }
        for (source, sink) in self.new where self.hasPending(sink, source) {
            self.due.insert(source)
            if let floor = self.sinks[sink].floor, self.accounts[source].given[sink.rawValue].position >= floor { continue }
            guard let index = self.sinks[sink].creditors.lastIndex(of: source) else { continue }
            self.accounts[source].mustSearch = true
            self.remove(sink, from: source, at: index)
        }
        self.new.removeAll(keepingCapacity: true)
    }

    /// Finds the least floor again where it has risen.
    mutating func search(_ source: SourceIndex) {
        guard self.accounts[source].mustSearch else { return }
        self.accounts[source].mustSearch = false
        let known = self.accounts[source].floor
        var least: Position?
        for sink in self.accounts[source].sinksBehind {
            guard let floor = self.sinks[sink].floor, floor < least ?? Position(.max) else { continue }
            least = floor
            // None is lower: a lower floor would have become the least immediately.
            if floor == known { break }
        }
        self.accounts[source].floor = least
    }

    private mutating func lower(_ source: SourceIndex, to floor: Position?) {
        guard let floor else { return }
        guard let known = self.accounts[source].floor else {
            self.accounts[source].floor = floor
            return
        }
        if floor < known {
            self.accounts[source].floor = floor
            self.accounts[source].mustSearch = false
        }
    }

    private mutating func remove(_ sink: SinkIndex, from source: SourceIndex, at index: Int) {
        self.sinks[sink].creditors.swapAt(index, self.sinks[sink].creditors.count - 1)
        self.sinks[sink].creditors.removeLast()
        if self.sinks[sink].isBlocking { self.accounts[source].blocking -= 1 }
        let place = Int(self.accounts[source].given[sink.rawValue].place)
        self.accounts[source].given[sink.rawValue] = (.start, -1)
        guard let last = self.accounts[source].sinksBehind.popLast() else { return }
        if last != sink {
            self.accounts[source].sinksBehind[place] = last
            self.accounts[source].given[last.rawValue].place = Int32(place)
        }
        if self.accounts[source].sinksBehind.isEmpty {
            self.accounts[source].floor = nil
            self.accounts[source].mustSearch = false
        }
    }
}
