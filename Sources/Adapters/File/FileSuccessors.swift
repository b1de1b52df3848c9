import BridgeCore
import DequeModule
import Glibc

/// The files that appeared at the path after the current one, in order.
///
/// Each is opened as soon as it is seen, so that it can be read even if it is renamed or removed while the source waits
/// for an earlier one.
struct FileSuccessors {
    /// How many of them are held open; of later ones only the identity is kept until there is room.
    static let mostHeld = 16
    /// The limit of known files; later ones are reported as lost.
    static let mostKnown = 1000

    /// One of them.
    enum Entry {
        case held(OpenFile)
        /// Not open, because too many are or because it cannot be opened now.
        case known(FileIdentity)
        /// One or more removed files.
        case lost
    }

    /// An entry, and when it was seen first, which is when the one before was replaced.
    struct Item {
        var entry: Entry
        let arrival = ContinuousClock.now
        /// It was seen to leave the path.
        var hasLeft = false

        var identity: FileIdentity? {
            switch self.entry {
            case .held(let file): file.identity
            case .known(let identity): identity
            case .lost: nil
            }
        }
    }

    private var items: Deque<Item> = []

    var isEmpty: Bool { self.items.isEmpty }
    var first: Item? { self.items.first }

    /// Something is known to wait in one of them.
    var isAwaited: Bool {
        self.items.contains { item in
            guard case .held(let file) = item.entry else { return true }
            return !file.isRegular || file.size > 0
        }
    }

    /// Whether some are removed, or will be once their descriptors are closed.
    var endWithProcess: Bool {
        self.items.contains { item in
            switch item.entry {
            case .held(let file): file.isRemoved
            case .known: false
            case .lost: true
            }
        }
    }

    func contains(_ identity: FileIdentity) -> Bool {
        self.items.contains { $0.identity == identity }
    }

    func contains(inode: UInt64) -> Bool {
        self.items.contains { $0.identity?.inode == inode }
    }

    /// Adds one that was opened.
    mutating func append(_ file: OpenFile) {
        // The number of a file that was removed may be used again.
        for index in self.items.indices where self.items[index].identity == file.identity { self.items[index].entry = .lost }
        guard self.heldCount < Self.mostHeld else { return self.append(.known(file.identity)) }
        self.append(.held(file))
    }

    /// Adds one that cannot be opened now, or one that is lost.
    mutating func append(_ entry: Entry) {
        if case .lost = entry, case .lost? = self.items.last?.entry { return }
        if self.items.count >= Self.mostKnown { self.items.removeLast() }
        self.items.append(Item(entry: self.items.count == Self.mostKnown - 1 ? .lost : entry))
    }

    /// A file has left the path.
    ///
    /// - Returns: false when it is none of these, or was noted before.
    mutating func noteLeft(where isIt: (FileIdentity) -> Bool) -> Bool {
        guard let index = self.items.firstIndex(where: { !$0.hasLeft && $0.identity.map(isIt) == true }) else { return false }
        self.items[index].hasLeft = true
        return true
    }

    /// Removes the first one.
    mutating func removeFirst() {
        self.items.removeFirst()
    }

    /// Opens those that were not, as far as there is room; what has no name any more is lost.
    ///
    /// - Parameter paths: where they may be: the path of the settings and what it leads to.
    /// - Returns: why one cannot be opened; `nil` when there is none such.
    mutating func openKnown(at paths: [String]) throws -> FileFailure? {
        var entries: [FileRotation.Entry]?
        for index in self.items.indices {
            guard case .known(let identity) = self.items[index].entry, index == 0 || self.heldCount < Self.mostHeld else {
                continue
            }
            do {
                if let path = paths.first(where: { FileIdentity(path: $0) == identity }) {
                    try self.open(index, identity, at: path)
                    continue
                }
                if entries == nil { entries = try paths.last.map { try FileRotation.entries(beside: $0) } ?? [] }
                let place = entries?.first { $0.inode == identity.inode && FileIdentity(path: $0.path) == identity }
                if let place {
                    try self.open(index, identity, at: place.path)
                } else {
                    self.items[index].entry = .lost
                }
            } catch let failure as FileFailure {
                if failure.number == ENOENT { continue }
                return failure
            }
        }
        return nil
    }

    private mutating func open(_ index: Int, _ identity: FileIdentity, at path: String) throws {
        let file = try OpenFile(path, at: 0)
        // Replaced between the check and the opening; check again.
        if file.identity == identity { self.items[index].entry = .held(file) }
    }

    private var heldCount: Int {
        self.items.count { if case .held = $0.entry { true } else { false } }
    }
}
