/// `log:` in the file, for a log on disk.
package struct DurableLogSettings: Sendable, Equatable {
    /// What a written event survives.
    package enum Durability: String, Sendable, CaseIterable {
        /// The end of the program, however it ends: SQLite's `synchronous = NORMAL`.
        case process
        /// The end of the machine's power too: `synchronous = FULL`, one flush of the disk for each group of events.
        case power
    }

    /// The database; two more files with the endings `-wal` and `-shm` stand beside it while it is open.
    package var path: String
    package var durability: Durability
    /// How many delivered events are kept, for subscribers that come back; what is owed to a sink is kept in any case.
    package var events: Int
    /// How long delivered events are kept.
    package var age: Duration
    /// Above this size of the file, in bytes, delivered events go, the oldest first.
    package var bytes: Int

    package init(
        path: String, durability: Durability = .process, events: Int = 1_000_000, age: Duration = .seconds(7 * 86_400),
        bytes: Int = 1 << 30
    ) {
        self.path = path
        self.durability = durability
        self.events = events
        self.age = age
        self.bytes = bytes
    }
}
