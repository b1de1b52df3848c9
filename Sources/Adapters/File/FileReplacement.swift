/// How long a file is read on that has another one at its path.
///
/// Whoever wrote to it keeps it open for a while: rotation moves the file first and tells its writer afterwards. So it is left once nothing
/// has come for a time, be it counted from when this run saw it replaced or, for a file that it never saw at the path, by what the file
/// itself tells.
struct FileReplacement {
    /// `rotate_wait`.
    let wait: Duration
    /// This run has seen the file at the path, so that nobody knows better when it was replaced.
    let wasSeen: Bool
    private let since = ContinuousClock.now
    private var lastGrowth = ContinuousClock.now

    init(wait: Duration, wasSeen: Bool) {
        self.wait = wait
        self.wasSeen = wasSeen
    }

    /// Something was read of the file that was replaced.
    mutating func hasGrown() {
        self.lastGrowth = .now
    }

    /// How long to wait on at its end; nothing or less when it is to be left.
    ///
    /// - Parameter isNewest: the file at the path is the one that was written next.
    func remaining(of file: OpenFile, isNewest: Bool) -> Duration {
        let remaining = self.wait - (ContinuousClock.now - self.lastGrowth)
        guard !self.wasSeen, let age = file.age(isMoved: isNewest) else { return remaining }
        return min(remaining, self.wait - age)
    }

    /// Whether it has been read for so long that those who write to the new file need not wait for it any more.
    var isOverdue: Bool { ContinuousClock.now - self.since > self.wait * 12 }
}
