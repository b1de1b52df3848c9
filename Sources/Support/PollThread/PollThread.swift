import CLinux
import Glibc
import Synchronization

/// A dedicated thread that executes an actor's jobs and waits for descriptors between or inside them.
///
/// For C clients whose descriptors SwiftNIO cannot watch. An actor uses it as its executor, and one of its methods runs
/// the client's loop, blocking in ``wait(fd:events:timeout:)``. Any thread can end that wait with ``wake()``. Uses
/// `poll`, so descriptors may have any number.
///
/// The thread retains itself: end it with ``stop()``.
package final class PollThread: SerialExecutor {
    /// The events that a descriptor is ready for.
    package struct Readiness: OptionSet, Sendable {
        /// The event bits of poll(2).
        package let rawValue: Int16

        /// Makes a set from event bits of poll(2).
        package init(rawValue: Int16) {
            self.rawValue = rawValue
        }

        /// Data or the end of the stream can be read.
        package static let readable = Readiness(rawValue: Int16(POLLIN))
        /// Data can be written; also set when a connect succeeds or fails.
        package static let writable = Readiness(rawValue: Int16(POLLOUT))
        /// An error or hang-up is pending; reported even when it was not requested.
        package static let failed = Readiness(rawValue: Int16(POLLERR | POLLHUP | POLLNVAL))

        /// Whether a read would return data, the end of the stream or an error.
        package var isReadable: Bool { self.rawValue & (Self.readable.rawValue | Self.failed.rawValue) != 0 }
    }

    /// The name that `ps` and debuggers show.
    package let name: String
    private let alarm: Int32
    private let attention = Atomic<UInt8>(Attention.awake)
    private let identity = Atomic<UInt>(0)
    private let state = Mutex(State())

    /// Starts the thread.
    ///
    /// - Parameter name: the kernel keeps the first 15 bytes.
    /// - Throws: ``PollThreadError`` when the process has no descriptor or thread left.
    package init(name: String) throws {
        self.name = name
        self.alarm = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard self.alarm >= 0 else { throw PollThreadError("eventfd", errno) }
        let thread = try DetachedThread.make { self.main() }
        self.state.withLock { $0.thread = thread }
    }

    deinit {
        close(self.alarm)
    }

    /// Executes the jobs already enqueued, ends the thread and waits for its end.
    ///
    /// A second call has no effect. Call it when no actor uses the thread any more; enqueuing a job later traps. When
    /// called on the thread itself it returns at once, and the thread ends after the calling job and the enqueued ones.
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

    /// Ends the current wait of the running job, or else its next one at the start.
    ///
    /// May be called from any thread; never blocks. A wake before the job begins is not kept, so a job checks its
    /// condition before it waits. Costs a system call only while the thread waits.
    package func wake() {
        guard self.attention.exchange(Attention.called, ordering: .sequentiallyConsistent) == Attention.waiting else { return }
        var one: UInt64 = 1
        // Fails only on a full counter, and then the eventfd is readable already.
        _ = write(self.alarm, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits until the descriptor is ready, ``wake()`` is called or the time-out passes.
    ///
    /// Call it on this thread only; traps on any other.
    ///
    /// - Parameters:
    ///   - fd: the descriptor; -1 for none.
    ///   - events: the events to wait for; when empty, the descriptor is not polled, not even for errors.
    ///   - timeout: rounded up to milliseconds; `nil` waits without limit.
    /// - Returns: the ready events; empty after a wake, after the time-out, and sometimes spuriously.
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

    /// Whether jobs wait after the running one; a job that runs a loop then awaits `Task.yield()`.
    package var hasWaitingJobs: Bool { self.state.withLock { !$0.jobs.isEmpty } }

    /// Enqueues a job and wakes the thread; called by the Swift runtime from any thread.
    ///
    /// Traps after ``stop()``, except on the thread itself.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.state.withLock { state in
            precondition(!state.isStopped || self.isCurrent, "a job is enqueued on PollThread \(self.name), which has stopped")
            state.jobs.append(job)
        }
        self.wake()
    }

    /// Traps unless called on this thread; called by the Swift runtime.
    package func checkIsolated() {
        precondition(self.isCurrent, "not on PollThread \(self.name)")
    }

    private var isCurrent: Bool { self.identity.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Names the calling thread; a new thread has the name of the one that started it.
    ///
    /// - Parameter name: the kernel keeps its first 15 bytes.
    package static func nameCurrentThread(_ name: String) {
        clinux_set_thread_name(name)
    }

    private func main() {
        self.identity.store(UInt(pthread_self()), ordering: .relaxed)
        clinux_set_thread_name(self.name)
        let executor = self.asUnownedSerialExecutor()
        while true {
            let (job, isStopped) = self.state.withLock { state in
                let job = state.jobs.isEmpty ? nil : state.jobs.removeFirst()
                // A job's first wait does not end because the job was enqueued, but it ends when other jobs wait.
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

    /// Whether ``wake()`` must write to the eventfd, or the thread checks the flag before it waits.
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
