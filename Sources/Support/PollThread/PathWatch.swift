import CLinux
import Glibc
import Synchronization

/// Notices (inotify) when one of some files changes: in place, by a rename over it, or by a replaced link on the way to it.
///
/// A path may be a directory, which changes when a file appears in it or leaves it.
///
/// On a thread of its own, which sleeps until a directory of one of the files changes. Thread-safe.
package final class PathWatch: Sendable {
    /// How long nothing may happen before a change counts as complete, in milliseconds.
    private static let quiet: Int32 = 200
    /// How long a change may take before it counts as complete all the same.
    private static let longest = Duration.seconds(2)
    private static let events = UInt32(
        IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

    private let notify: Int32
    private let alarm: Int32
    private let isStopped = Flag()
    private let files = Mutex(WatchedPaths())
    private let changed: @Sendable () -> Void
    private let unwatched: @Sendable (String) -> Void

    /// Starts to watch files and directories, which need not exist.
    ///
    /// - Parameters:
    ///   - time: when the program began to read them, in milliseconds since 1970.
    ///   - changed: called on the thread, once for each change.
    ///   - unwatched: called with a directory for which the kernel has no watch left.
    /// - Throws: ``PollThreadError`` when the kernel has no inotify instance, or the process no thread left.
    package init(
        _ paths: Set<String>, readSince time: Int64, changed: @escaping @Sendable () -> Void,
        unwatched: @escaping @Sendable (String) -> Void
    ) throws(PollThreadError) {
        self.changed = changed
        self.unwatched = unwatched
        self.notify = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        self.alarm = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard self.notify >= 0 else { throw PollThreadError("inotify_init1", errno) }
        guard self.alarm >= 0 else { throw PollThreadError("eventfd", errno) }
        self.follow(paths, readSince: time)
        try DetachedThread.start { self.run() }
    }

    deinit {
        for descriptor in [self.notify, self.alarm] where descriptor >= 0 { close(descriptor) }
    }

    /// Watches these files from now on.
    ///
    /// - Parameter time: when the program began to read them, in milliseconds since 1970; a later change of a file that
    ///   was not watched yet counts.
    package func follow(_ paths: Set<String>, readSince time: Int64) {
        self.addWatches(paths)
        if self.files.withLock({ $0.follow(paths, readSince: time) }) { eventfd_write(self.alarm, 1) }
    }

    /// Ends the thread.
    package func stop() {
        self.isStopped.set()
        eventfd_write(self.alarm, 1)
    }

    /// Watches every directory of the files; one that is watched already stays.
    private func addWatches(_ paths: Set<String>) {
        for directory in WatchedPaths.directories(of: paths).sorted() { self.addWatch(directory) }
    }

    /// Watches a directory, or the nearest one above it that exists, in which the missing one will appear.
    private func addWatch(_ directory: String) {
        var nearest = ""
        while true {
            var wanted = directory
            while inotify_add_watch(self.notify, wanted, Self.events) < 0 {
                if errno == ENOSPC || errno == ENOMEM { return self.unwatched(wanted) }
                // Any other failure is that of a directory that does not exist now.
                guard errno == ENOENT, wanted != "/" else { return }
                wanted = WatchedPaths.parent(of: wanted)
            }
            // What is missing may have appeared before the nearest one was watched.
            guard wanted != directory, wanted != nearest else { return }
            nearest = wanted
        }
    }

    private func run() {
        PollThread.nameCurrentThread("watch")
        while self.wait(-1), !self.isStopped.isSet {
            let deadline = ContinuousClock.now + Self.longest
            while ContinuousClock.now < deadline, self.wait(Self.quiet), !self.isStopped.isSet {}
            guard !self.isStopped.isSet else { return }
            // A directory or link may be another one now.
            self.addWatches(self.files.withLock { $0.paths })
            if self.files.withLock({ $0.look() }) { self.changed() }
        }
    }

    /// Waits for an event and takes all of them.
    ///
    /// - Parameter timeout: in milliseconds; -1 for no limit.
    /// - Returns: whether there was an event, or the watch was stopped.
    private func wait(_ timeout: Int32) -> Bool {
        var descriptors = [
            pollfd(fd: self.notify, events: Int16(POLLIN), revents: 0), pollfd(fd: self.alarm, events: Int16(POLLIN), revents: 0),
        ]
        let count = poll(&descriptors, 2, timeout)
        guard count != 0 else { return false }
        withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 8) { buffer in
            for descriptor in [self.notify, self.alarm] {
                while read(descriptor, buffer.baseAddress, buffer.count) > 0 {}
            }
        }
        return true
    }
}
