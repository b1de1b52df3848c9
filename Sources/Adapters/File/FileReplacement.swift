/// How much longer a file is read after another file has replaced it at its path.
///
/// Its writer keeps it open for a while, because rotation moves the file before it notifies the writer. The source
/// therefore leaves it after a period without data. The period starts at the last data, or when this run saw the
/// replacement. For a file that it never saw at the path, the file's own times count as well.
struct FileReplacement {
    /// `rotate_wait`.
    let wait: Duration
    /// Whether this run has seen the file at the path; its own observation is then the most precise.
    let wasSeen: Bool
    private let since = ContinuousClock.now
    private var lastGrowth: ContinuousClock.Instant

    /// - Parameter time: when it was replaced, as far as this run knows.
    init(wait: Duration, wasSeen: Bool, at time: ContinuousClock.Instant = .now) {
        self.wait = wait
        self.wasSeen = wasSeen
        self.lastGrowth = time
    }

    /// Records that data was read from the replaced file.
    mutating func hasGrown() {
        self.lastGrowth = .now
    }

    /// How long to wait at the end of the file; zero or less when the source should leave it.
    ///
    /// - Parameter isNewest: whether the file at the path is the next one to read.
    func remaining(of file: OpenFile, isNewest: Bool) -> Duration {
        let quiet = ContinuousClock.now - self.lastGrowth
        guard file.isRegular, let age = file.age(isMoved: !self.wasSeen && isNewest) else { return self.wait - quiet }
        // One that was replaced long before its end was reached may have been written to since.
        guard self.wasSeen else { return self.wait - max(quiet, age) }
        return self.wait - (age < .zero ? quiet : min(quiet, age))
    }

    /// Whether the replaced file was read for so long that the new one need not wait.
    var isOverdue: Bool { ContinuousClock.now - self.since > self.wait * 12 }
}
