import NIOCore

/// Long work on one event loop, done in slices.
///
/// Jobs take turns, and between two slices the loop serves its sockets. So a search of the history delays all other
/// clients by one slice at most. Used only on its loop.
final class SSEJobQueue {
    /// Does a part of its work.
    ///
    /// Returns whether it is done, soon after the deadline: it checks the clock within a batch of events.
    typealias Job = (_ deadline: NIODeadline) -> Bool

    /// How long jobs may keep the loop busy in one slice.
    static let slice = TimeAmount.milliseconds(1)
    /// How long the loop then serves others, at least.
    ///
    /// Not zero, because a loop runs all due tasks before it polls its sockets.
    static let pause = TimeAmount.microseconds(100)

    private let eventLoop: any EventLoop
    private var jobs = CircularBuffer<Job>()
    /// Jobs that wait for an event.
    private var parked: [Job] = []
    /// Whether the running job waits for an event.
    private var isParking = false
    private var isScheduled = false
    private var pausedUntil = NIODeadline.uptimeNanoseconds(0)

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Begins a job: at once if no other job waits and no slice has just ended, otherwise after the others.
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

    /// The number of unfinished jobs.
    var count: Int { self.jobs.count + self.parked.count }

    /// Parks the running job until ``unpark()`` if it returns false.
    func park() {
        self.isParking = true
    }

    /// Lets the parked jobs check whether they can continue.
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
        let queue = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.eventLoop.scheduleTask(in: Self.pause) { queue.value.runSlice() }
    }

    private func runSlice() {
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

    /// When the next slice may begin: at once after a short one.
    private func end(of start: NIODeadline) -> NIODeadline {
        let now = NIODeadline.now()
        return now - start > .microseconds(250) ? now + Self.pause : now
    }
}
