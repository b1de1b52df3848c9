/// The history of the files that one name of a directory had, from the kernel's events about the directory.
///
/// A state machine without I/O. It reports each file that left the name, with the name that it has now.
struct PathHistory {
    /// One event about a directory.
    enum Event {
        case created(String)
        case deleted(String)
        case movedFrom(String, cookie: UInt32)
        case movedTo(String, cookie: UInt32)
        /// The kernel dropped events.
        case overflow
    }

    /// A file that had the name.
    struct Departure: Equatable {
        /// The name that it has now in the same directory; `nil` when it was removed, overwritten or moved to another directory.
        var name: String?
    }

    /// How many departures are recorded between two calls of ``take()``; more make the history incomplete.
    static let mostDepartures = 64

    private let name: String
    private var isOccupied: Bool
    private(set) var departures: [Departure] = []
    private var isComplete = true
    /// The first half of a move, with the index of its departure.
    private var move: (cookie: UInt32, index: Int)?

    /// - Parameters:
    ///   - name: the name that is watched.
    ///   - isOccupied: whether a file has the name when the events begin.
    init(name: String, isOccupied: Bool) {
        self.name = name
        self.isOccupied = isOccupied
    }

    /// A file has left the name by a move whose second half was not seen yet.
    var awaitsMove: Bool { self.move != nil }

    /// The departures since the last call, oldest first, and whether these are all.
    mutating func take() -> (departures: [Departure], isComplete: Bool) {
        defer {
            self.departures = []
            self.isComplete = true
            self.move = nil
        }
        return (self.departures, self.isComplete)
    }

    mutating func add(_ event: Event) {
        switch event {
        case .created(let name):
            if self.isOwn(name) { self.arrive() }
        case .deleted(let name):
            if self.isOwn(name) { self.leave() } else { self.forget(name) }
        case .movedFrom(let name, let cookie):
            self.move = nil
            if self.isOwn(name) {
                self.leave()
                self.move = self.departures.isEmpty ? nil : (cookie, self.departures.count - 1)
            } else if let index = self.departures.lastIndex(where: { $0.name.map { Self.areSame($0, name) } == true }) {
                self.departures[index].name = nil
                self.move = (cookie, index)
            }
        case .movedTo(let name, let cookie):
            let index = self.move.flatMap { $0.cookie == cookie ? $0.index : nil }
            self.move = nil
            if self.isOwn(name) {
                // The file is back.
                if let index { self.departures.remove(at: index) }
                self.arrive()
            } else {
                self.forget(name)
                if let index { self.departures[index].name = name }
            }
        case .overflow:
            self.isComplete = false
        }
    }

    /// A file has the name now; one that had it was overwritten.
    private mutating func arrive() {
        if self.isOccupied { self.leave() }
        self.isOccupied = true
    }

    private mutating func leave() {
        self.isOccupied = false
        guard self.departures.count < Self.mostDepartures else {
            self.isComplete = false
            self.departures.removeLast()
            return self.departures.append(Departure(name: nil))
        }
        self.departures.append(Departure(name: nil))
    }

    /// The current file has lost the name to another file or was removed.
    private mutating func forget(_ name: String) {
        for index in self.departures.indices where self.departures[index].name.map({ Self.areSame($0, name) }) == true {
            self.departures[index].name = nil
        }
    }

    private func isOwn(_ name: String) -> Bool { Self.areSame(name, self.name) }

    /// File systems compare bytes.
    private static func areSame(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }
}
