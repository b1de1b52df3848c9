import Glibc
import Synchronization

/// Ends evaluations that run for too long: a thread of its own that sleeps while nothing is evaluated.
///
/// libjq has no limit of steps, but its interpreter looks before each step whether it was halted. Thread-safe.
final class JQWatchdog: Sendable {
    /// How many ticks an evaluation may see.
    private static let ticks = 4
    private let patrol: Patrol
    let limit: Duration

    init(limit: Duration) {
        self.limit = limit
        let (seconds, attoseconds) = limit.components
        let microseconds = max(4, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        self.patrol = Patrol(tick: UInt32(clamping: microseconds / Int64(Self.ticks)), limit: Self.ticks)
    }

    deinit {
        self.patrol.stop()
    }

    /// Adds an expression; the first one starts the thread.
    func watch(_ evaluation: JQEvaluation) {
        self.patrol.add(evaluation)
    }

    /// Removes an expression that goes away.
    func forget(_ evaluation: JQEvaluation) {
        self.patrol.remove(evaluation)
    }

    /// Told by each evaluation once it has begun.
    func evaluationBegan() {
        self.patrol.wake()
    }

    /// What the thread and the watchdog share; it lives until both are gone.
    private final class Patrol: Sendable {
        private let tick: UInt32
        private let limit: Int
        private let watched = Mutex<[ObjectIdentifier: JQEvaluation]>([:])
        private let isStarted = Atomic(false)
        private let isStopped = Atomic(false)
        private let isAsleep = Atomic(false)
        /// Safe because the semaphore's functions may be called from any thread and its memory lives as long as this object.
        nonisolated(unsafe) private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

        init(tick: UInt32, limit: Int) {
            self.tick = tick
            self.limit = limit
            sem_init(self.semaphore, 0, 0)
        }

        deinit {
            sem_destroy(self.semaphore)
            self.semaphore.deallocate()
        }

        func add(_ evaluation: JQEvaluation) {
            self.watched.withLock { $0[ObjectIdentifier(evaluation)] = evaluation }
            guard !self.isStarted.exchange(true, ordering: .acquiringAndReleasing) else { return }
            var thread = pthread_t()
            // Retained: the thread takes this reference over and drops it when it ends.
            let context = Unmanaged.passRetained(self)
            let result = pthread_create(
                &thread, nil,
                { context in
                    Unmanaged<Patrol>.fromOpaque(context!).takeRetainedValue().run()
                    return nil
                }, context.toOpaque()
            )
            guard result == 0 else {
                context.release()
                self.isStarted.store(false, ordering: .releasing)
                return
            }
            pthread_detach(thread)
        }

        func remove(_ evaluation: JQEvaluation) {
            _ = self.watched.withLock { $0.removeValue(forKey: ObjectIdentifier(evaluation)) }
        }

        func stop() {
            self.isStopped.store(true, ordering: .sequentiallyConsistent)
            sem_post(self.semaphore)
        }

        func wake() {
            if self.isAsleep.exchange(false, ordering: .sequentiallyConsistent) { sem_post(self.semaphore) }
        }

        private func run() {
            while !self.isStopped.load(ordering: .sequentiallyConsistent) {
                if !self.isBusy {
                    // Announced before the second look: an evaluation that begins after that look finds the announcement.
                    self.isAsleep.store(true, ordering: .sequentiallyConsistent)
                    if self.isBusy {
                        if !self.isAsleep.exchange(false, ordering: .sequentiallyConsistent) { sem_wait(self.semaphore) }
                    } else {
                        while sem_wait(self.semaphore) != 0, errno == EINTR {}
                    }
                }
                usleep(self.tick)
                for evaluation in self.evaluations { evaluation.tick(limit: self.limit) }
            }
        }

        private var evaluations: [JQEvaluation] { self.watched.withLock { Array($0.values) } }
        private var isBusy: Bool { self.evaluations.contains { $0.isRunning } }
    }
}
