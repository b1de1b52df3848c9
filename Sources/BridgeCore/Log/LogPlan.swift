/// `log`: where events are kept until their sinks have confirmed them.
package enum LogPlan: Sendable, Equatable {
    /// A log in memory, lost when the program ends; `retain` sets the limits.
    case memory(LogLimits)
    /// A log on disk, which survives the program.
    case disk(DurableLogSettings)

    /// Whether the log survives the program.
    package var isDurable: Bool {
        if case .disk = self { true } else { false }
    }
}

/// `log:` in the file, for a log on disk.
package struct DurableLogSettings: Sendable, Equatable {
    /// What a written event survives.
    package enum Durability: String, Sendable, CaseIterable {
        /// The end of the program, however it ends: SQLite's `synchronous = NORMAL`.
        case process
        /// The loss of power too: `synchronous = FULL`, one flush of the disk for each group of events.
        case power
    }

    /// The database; SQLite adds files with the suffixes `-wal` and `-shm` while it is open.
    package var path: String
    /// What a written event survives.
    package var durability: Durability
    /// How many delivered events are kept for returning subscribers; pending events are always kept.
    package var events: Int
    /// How long delivered events are kept.
    package var age: Duration
    /// Above this size of the file, in bytes, the oldest delivered events are removed.
    package var bytes: Int
    /// Limits of the dead letters that are pending for no sink.
    package var letters: DeadLetterLimits

    /// Makes settings; the defaults are those of a file with `kind: sqlite` alone.
    package init(
        path: String, durability: Durability = .process, events: Int = 1_000_000, age: Duration = .seconds(7 * 86_400),
        bytes: Int = 1 << 30, letters: DeadLetterLimits = DeadLetterLimits()
    ) {
        self.path = path
        self.durability = durability
        self.events = events
        self.age = age
        self.bytes = bytes
        self.letters = letters
    }
}
