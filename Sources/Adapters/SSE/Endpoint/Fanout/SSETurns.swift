import NIOCore

/// Work on one event loop that may take long, done in slices.
///
/// Jobs take turns, and between two slices the loop serves its sockets: whatever clients ask of the past, everybody else waits for one slice
/// at most. Only ever touched on its loop.
final class SSETurns {
    /// Does a part of its work.
    ///
    /// Returns whether it is done, soon after the deadline: it is asked to look at the clock between pieces of one batch of events.
    typealias Job = (_ deadline: NIODeadline) -> Bool

    /// How long jobs may keep the loop busy at once.
    static let slice = TimeAmount.milliseconds(1)
    /// How long the loop then serves others, at least.
    ///
    /// Not zero: a loop does everything that is due before it looks at its sockets.
    static let pause = TimeAmount.microseconds(100)

    private let eventLoop: any EventLoop
    private var jobs = CircularBuffer<Job>()
    /// Those that wait for something else than their turn.
    private var parked: [Job] = []
    /// The job that runs waits for something else.
    private var isParking = false
    private var isScheduled = false
    private var pausedUntil = NIODeadline.uptimeNanoseconds(0)

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Begins a job: at once when no other waits and no slice has just ended, else when it is its turn.
    func begin(_ job: @escaping Job) {
        let now = NIODeadline.now()
        if self.jobs.isEmpty, now >= self.pausedUntil {
            self.run(job, until: now + Self.slice)
            self.pausedUntil = self.end(of: now)
        } else {
            self.jobs.append(job)
        }
        self.schedule()
    }

    /// Jobs that are not done.
    var count: Int { self.jobs.count + self.parked.count }

    /// Has the job that runs now wait for ``unpark()`` when it returns that it is not done.
    func park() {
        self.isParking = true
    }

    /// Has the parked jobs look whether they can go on.
    func unpark() {
        guard !self.parked.isEmpty else { return }
        self.jobs.append(contentsOf: self.parked)
        self.parked.removeAll(keepingCapacity: true)
        self.schedule()
    }

    private func run(_ job: @escaping Job, until deadline: NIODeadline) {
        self.isParking = false
        guard !job(deadline) else { return }
        if self.isParking { self.parked.append(job) } else { self.jobs.append(job) }
    }

    private func schedule() {
        guard !self.isScheduled, !self.jobs.isEmpty else { return }
        self.isScheduled = true
        let turns = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.scheduleTask(in: Self.pause) { turns.value.turn() }
    }

    private func turn() {
        self.isScheduled = false
        let start = NIODeadline.now()
        let deadline = start + Self.slice
        repeat {
            guard let job = self.jobs.popFirst() else { break }
            self.run(job, until: deadline)
        } while NIODeadline.now() < deadline
        self.pausedUntil = self.end(of: start)
        self.schedule()
    }

    /// When the loop may be kept busy again: at once after something short.
    private func end(of start: NIODeadline) -> NIODeadline {
        let now = NIODeadline.now()
        return now - start > .microseconds(250) ? now + Self.pause : now
    }
}
