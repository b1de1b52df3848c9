import CSandbox
import Glibc
import NIOCore

/// One worker process, owned by the program: only the holder of this value communicates with it.
///
/// Blocking: every wait has an end.
struct JQWorker: Sendable {
    /// How a worker was lost.
    struct Loss: Error {
        enum Reason: Sendable, Equatable {
            /// It took more processor time than it was given, or showed no progress for long.
            case time
            case memory
            /// By a fault of libjq; with its message, or the signal.
            case crash(String)
            /// Killed from outside, or it ended while nothing was asked of it.
            case outside
        }

        let reason: Reason
        /// The place of the item that was being evaluated.
        let item: Int?
    }

    let process: pid_t
    private let socket: Int32
    /// Safe because it is read by atomic loads only, in C.
    nonisolated(unsafe) private let page: OpaquePointer
    /// The programs it has.
    var programs: Set<UInt32> = []
    /// The programs that it must remove.
    var stale: Set<UInt32> = []
    /// See ``JQWorkerPool``: how many programs had been removed when ``stale`` was found.
    var removals = 0

    /// Starts one and waits until it is ready.
    ///
    /// The worker ends with the calling thread, so that thread must last as long as the program.
    ///
    /// - Parameters:
    ///   - executable: the path of this program.
    ///   - memory: in bytes.
    /// - Throws: what the system refused.
    static func start(_ executable: String, memory: Int, patience: Duration) throws(JQStartError) -> JQWorker {
        var page: OpaquePointer?
        let pageDescriptor = csandbox_page_make(&page)
        guard pageDescriptor >= 0, let page else { throw JQStartError("memfd_create", -pageDescriptor) }
        defer { close(pageDescriptor) }
        var sockets: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &sockets) == 0 else {
            let failure = errno
            csandbox_page_unmap(page)
            throw JQStartError("socketpair", failure)
        }
        let process = Self.spawn(
            executable, ["streambridge", ExpressionWorker.argument, "\(memory)"], sockets[1], pageDescriptor)
        close(sockets[1])
        guard process > 0 else {
            close(sockets[0])
            csandbox_page_unmap(page)
            throw JQStartError("starting \(executable)", -process)
        }
        Self.setTimeout(sockets[0], .milliseconds(250))
        let worker = JQWorker(process: process, socket: sockets[0], page: page)
        let failure = JQStartError("\(executable) \(ExpressionWorker.argument) did not start", 0)
        let ready: ByteBuffer
        do { ready = try worker.receive(patience: patience) } catch { throw failure }
        guard ready.readableBytes == 4 else {
            _ = worker.refuse()
            throw failure
        }
        return worker
    }

    /// Sends a frame and waits for the answer.
    ///
    /// - Parameter patience: how long it may show no progress.
    /// - Throws: ``Loss``, after which the worker has ended.
    func ask(_ frame: ByteBuffer, patience: Duration) throws(Loss) -> ByteBuffer {
        try self.send(frame, patience: patience)
        return try self.receive(patience: patience)
    }

    /// Closes it and waits until it has ended.
    func end() {
        close(self.socket)
        kill(self.process, SIGKILL)
        var status: Int32 = 0
        while waitpid(self.process, &status, 0) < 0, errno == EINTR {}
        csandbox_page_unmap(self.page)
    }

    /// Ends a worker that answers what is no answer.
    func refuse() -> Loss { self.lose(nil) }

    /// Sends a frame and waits for no answer.
    ///
    /// - Parameter patience: how long it may show no progress.
    /// - Throws: ``Loss``, after which the worker has ended.
    func send(_ frame: ByteBuffer, patience: Duration) throws(Loss) {
        var rest = frame
        var deadline = Deadline(patience)
        while rest.readableBytes > 0 {
            let count = rest.withUnsafeReadableBytes {
                Glibc.send(self.socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            let failure = errno
            if count > 0 {
                rest.moveReaderIndex(forwardBy: count)
                deadline = Deadline(patience)
            } else if count < 0, failure == EINTR || failure == EAGAIN {
                guard !deadline.isOver else { throw self.lose(.time) }
            } else {
                throw self.lose(nil)
            }
        }
    }

    private func receive(patience: Duration) throws(Loss) -> ByteBuffer {
        var received = ByteBuffer()
        var turn = csandbox_turn(self.page)
        var deadline = Deadline(patience)
        var wanted = 64 << 10
        while true {
            var count = 0
            var failure: Int32 = 0
            received.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { room in
                count = recv(self.socket, room.baseAddress, room.count, 0)
                failure = errno
                return max(count, 0)
            }
            if count > 0 {
                if let length: UInt32 = received.getInteger(at: received.readerIndex, endianness: .little) {
                    guard length <= Self.answerLimit else { throw self.lose(nil) }
                    let missing = 4 + Int(length) - received.readableBytes
                    if missing == 0, let answer = received.readField() { return answer }
                    guard missing > 0 else { throw self.lose(nil) }
                    wanted = min(missing, 1 << 20)
                }
                deadline = Deadline(patience)
            } else if count < 0, failure == EINTR || failure == EAGAIN {
                let now = csandbox_turn(self.page)
                if now != turn {
                    turn = now
                    deadline = Deadline(patience)
                }
                guard !deadline.isOver else { throw self.lose(.time) }
            } else {
                throw self.lose(nil)
            }
        }
    }

    /// Finds out why, and clears away.
    ///
    /// - Parameter reason: when the program ends the worker itself.
    private func lose(_ reason: Loss.Reason?) -> Loss {
        let item = Int(csandbox_item(self.page))
        let own = csandbox_reason(self.page)
        let text = self.lastWords
        close(self.socket)
        // One that has ended keeps the status it has; one that only closed its socket is ended.
        kill(self.process, SIGKILL)
        var status: Int32 = 0
        var result: pid_t = 0
        repeat { result = waitpid(self.process, &status, 0) } while result < 0 && errno == EINTR
        csandbox_page_unmap(self.page)
        let signal = status & 0x7F
        let found: Loss.Reason =
            if own == UInt32(csandbox_time.rawValue) {
                .time
            } else if own == UInt32(csandbox_memory.rawValue) {
                .memory
            } else if let reason {
                reason
            } else if result == self.process, signal == SIGKILL {
                .outside
            } else {
                .crash(text.isEmpty ? "signal \(signal)" : text)
            }
        return Loss(reason: item == 0 ? .outside : found, item: item == 0 ? nil : item - 1)
    }

    /// The last line that it wrote to standard error, 200 characters at most.
    private var lastWords: String {
        let text = String(unsafeUninitializedCapacity: 4096) { room in
            room.withMemoryRebound(to: CChar.self) { csandbox_text(self.page, $0.baseAddress!, $0.count) }
        }
        return String((text.split(separator: "\n").last ?? "").prefix(200))
    }

    /// The size of the longest answer.
    private static let answerLimit = UInt32(WorkerFrame.answerLimit + WorkerFrame.resultLimit + (1 << 16))

    private struct Deadline {
        private let end: ContinuousClock.Instant

        init(_ patience: Duration) { self.end = .now + patience }

        var isOver: Bool { .now >= self.end }
    }

    private init(process: pid_t, socket: Int32, page: OpaquePointer) {
        self.process = process
        self.socket = socket
        self.page = page
    }

    /// How long one call waits before it checks the clock.
    private static func setTimeout(_ socket: Int32, _ duration: Duration) {
        var time = timeval(tv_sec: 0, tv_usec: Int(JQLimits.milliseconds(duration)) * 1000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, size)
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, size)
    }

    /// - Returns: the process, or a negative `errno`.
    private static func spawn(_ executable: String, _ arguments: [String], _ first: Int32, _ second: Int32) -> pid_t {
        // Variables for the loader and the clock; the rest may be secrets.
        let names: [String] = ["LD_LIBRARY_PATH", "LD_PRELOAD", "TZ", "TZDIR"]
        let kept: [String] = names.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = (kept + ["SWIFT_BACKTRACE=enable=no"]).map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        return csandbox_spawn(executable, &argv, &envp, first, second)
    }
}

/// Why no worker can be started.
struct JQStartError: Error {
    let message: String

    init(_ call: String, _ code: Int32) {
        self.message = code == 0 ? call : "\(call): \(String(cString: strerror(code)))"
    }
}
