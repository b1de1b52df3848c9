import CLinux
import Glibc
import Synchronization

/// A thread of its own that runs an actor's jobs and, between or inside them, waits for descriptors.
///
/// For C clients whose descriptors SwiftNIO cannot watch: an actor names it as its executor, and one of its methods may then
/// turn the client's loop, blocking in ``wait(fd:events:timeout:)``. Any thread can end that wait with ``wake()``. Uses `poll`, so
/// descriptors may be of any size.
///
/// The thread holds itself alive: end it with ``stop()``.
package final class PollThread: SerialExecutor {
    /// What a descriptor is ready for.
    package struct Readiness: OptionSet, Sendable {
        package let rawValue: Int16

        package init(rawValue: Int16) {
            self.rawValue = rawValue
        }

        /// Bytes, or the end of them, can be read.
        package static let readable = Readiness(rawValue: Int16(POLLIN))
        /// Bytes can be written; also a connection that has just been made or refused.
        package static let writable = Readiness(rawValue: Int16(POLLOUT))
        /// An error or hang-up is pending; reported whether asked for or not.
        package static let failed = Readiness(rawValue: Int16(POLLERR | POLLHUP | POLLNVAL))

        /// Whether a read would tell something.
        package var isReadable: Bool { self.rawValue & (Self.readable.rawValue | Self.failed.rawValue) != 0 }
    }

    /// Shown by `ps` and debuggers.
    package let name: String
    private let alarm: Int32
    private let attention = Atomic<UInt8>(Attention.awake)
    private let identity = Atomic<UInt>(0)
    private let state = Mutex(State())

    /// Starts the thread.
    ///
    /// - Parameter name: the kernel keeps its first 15 bytes.
    /// - Throws: ``PollThreadError`` when the process has no descriptor or thread left.
    package init(name: String) throws {
        self.name = name
        self.alarm = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard self.alarm >= 0 else { throw PollThreadError("eventfd", errno) }
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let failure = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<PollThread>.fromOpaque(context!).takeRetainedValue().main()
                return nil
            },
            context.toOpaque()
        )
        guard failure == 0 else {
            context.release()
            throw PollThreadError("pthread_create", failure)
        }
        self.state.withLock { $0.thread = thread }
    }

    deinit {
        close(self.alarm)
    }

    /// Runs what is already enqueued, ends the thread and waits until it is gone.
    ///
    /// A second call does nothing. Call it when no actor uses the thread any more; enqueuing later is a programming error. May be called on the thread
    /// itself, which then ends after the job that calls.
    package func stop() {
        let thread = self.state.withLock { state in
            state.isStopped = true
            defer { state.thread = nil }
            return state.thread
        }
        self.wake()
        guard let thread else { return }
        if self.isCurrent { pthread_detach(thread) } else { pthread_join(thread, nil) }
    }

    /// Ends the wait of the job that runs, or else the job's next one at its beginning.
    ///
    /// From any thread; never blocks. A wake before the job has begun is not kept, so a job looks at what it waits for before it waits. Costs a system call only when
    /// the thread does wait.
    package func wake() {
        guard self.attention.exchange(Attention.called, ordering: .sequentiallyConsistent) == Attention.waiting else { return }
        var one: UInt64 = 1
        // Cannot fail but by a full counter, and then the alarm rings already.
        _ = write(self.alarm, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits until the descriptor is ready, ``wake()`` was called or the time is over, whichever comes first.
    ///
    /// On this thread only.
    ///
    /// - Parameters:
    ///   - fd: -1 for none.
    ///   - events: when empty, the descriptor is not looked at, not even for errors.
    ///   - timeout: rounded up to milliseconds; `nil` waits without end.
    /// - Returns: empty when woken, when the time is over, and now and then for no reason.
    package func wait(fd: Int32 = -1, events: Readiness = [], timeout: Duration? = nil) -> Readiness {
        precondition(self.isCurrent, "PollThread \(self.name) waits on its own thread only")
        var milliseconds = timeout.map(Self.milliseconds) ?? -1
        let (mayWait, _) = self.attention.compareExchange(
            expected: Attention.awake, desired: Attention.waiting, ordering: .sequentiallyConsistent
        )
        if !mayWait {
            self.attention.store(Attention.awake, ordering: .sequentiallyConsistent)
            milliseconds = 0
        }
        var descriptors = (
            pollfd(fd: self.alarm, events: Int16(POLLIN), revents: 0),
            pollfd(fd: events.isEmpty ? -1 : fd, events: events.rawValue, revents: 0)
        )
        let count = withUnsafeMutablePointer(to: &descriptors) {
            $0.withMemoryRebound(to: pollfd.self, capacity: 2) { poll($0, 2, milliseconds) }
        }
        let failure = errno
        if mayWait { self.attention.store(Attention.awake, ordering: .sequentiallyConsistent) }
        guard count >= 0 else { return failure == EINTR ? [] : .failed }
        if descriptors.0.revents != 0 {
            var rings: UInt64 = 0
            _ = read(self.alarm, &rings, MemoryLayout<UInt64>.size)
        }
        return Readiness(rawValue: descriptors.1.revents)
    }

    /// True when jobs wait for the one that runs now: a job that turns a loop should `await Task.yield()` then.
    package var hasWaitingJobs: Bool { self.state.withLock { !$0.jobs.isEmpty } }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.state.withLock { state in
            precondition(!state.isStopped || self.isCurrent, "a job is enqueued on PollThread \(self.name), which has stopped")
            state.jobs.append(job)
        }
        self.wake()
    }

    package func checkIsolated() {
        precondition(self.isCurrent, "not on PollThread \(self.name)")
    }

    private var isCurrent: Bool { self.identity.load(ordering: .relaxed) == UInt(pthread_self()) }

    private func main() {
        self.identity.store(UInt(pthread_self()), ordering: .relaxed)
        clinux_set_thread_name(self.name)
        let executor = self.asUnownedSerialExecutor()
        while true {
            let (job, isStopped) = self.state.withLock { state in
                let job = state.jobs.isEmpty ? nil : state.jobs.removeFirst()
                // A job's first wait shall not end because the job was enqueued, but it shall because others wait behind it.
                self.attention.store(state.jobs.isEmpty ? Attention.awake : Attention.called, ordering: .sequentiallyConsistent)
                return (job, state.isStopped)
            }
            if let job {
                job.runSynchronously(on: executor)
            } else if isStopped {
                return
            } else {
                _ = self.wait()
            }
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int32 {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 2_000_000 else { return Int32.max }
        return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }

    /// Whether the thread must be called with the eventfd, or looks by itself before it waits.
    private enum Attention {
        static let awake: UInt8 = 0
        static let waiting: UInt8 = 1
        static let called: UInt8 = 2
    }

    private struct State {
        var jobs: [UnownedJob] = []
        var isStopped = false
        var thread: pthread_t?
    }
}
