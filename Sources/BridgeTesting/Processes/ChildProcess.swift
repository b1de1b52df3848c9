import Glibc
import Synchronization
import Testing

/// A program that a test starts; it never outlives its last reference.
///
/// Thread-safe. Standard output and standard error go to files, so that the child never blocks on a reader.
package final class ChildProcess: Sendable {
    /// How the process ended.
    package enum Ending: Sendable, Equatable, CustomStringConvertible {
        /// It exited with a code, 0 to 255.
        case exited(Int32)
        /// A signal of this number ended it.
        case signalled(Int32)

        /// The ending in words, such as `exit code 1`.
        package var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .signalled(let number): "signal \(number)"
            }
        }
    }

    /// The process id; may be reused by the system once ``ended`` is not `nil`.
    package let pid: Int32
    /// The command line, for messages.
    package let command: String
    private let files: TemporaryDirectory
    private let ending = Mutex<Ending?>(nil)

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: a path, or a name to look up; see ``find(_:)``.
    ///   - environment: added to the environment of the test.
    ///   - input: the path of the file for standard input.
    /// - Throws: ``PeerError`` when the program cannot be started.
    package init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], input: String = "/dev/null"
    ) throws {
        let path = try Self.find(executable)
        self.command = ([path] + arguments).joined(separator: " ")
        self.files = try TemporaryDirectory()

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, self.files.file("out"), O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, self.files.file("err"), O_WRONLY | O_CREAT | O_APPEND, 0o644)
        // The child inherits no descriptor: a listening socket in a child would keep its port busy.
        _ = Self.closeFrom?(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = Self.environment(adding: environment).map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var pid = pid_t()
        let failure = posix_spawn(&pid, path, &actions, &attributes, &argv, &envp)
        guard failure == 0 else { throw PeerError.system("starting \(path)", failure) }
        self.pid = pid
    }

    deinit {
        self.ending.withLock { ending in
            guard ending == nil else { return }
            Glibc.kill(self.pid, SIGKILL)
            var status: Int32 = 0
            while waitpid(self.pid, &status, 0) < 0, errno == EINTR {}
        }
    }

    /// Starts a program, and kills it when `body` returns or throws.
    package static func with<Value>(
        _ executable: String, _ arguments: [String] = [], _ body: (ChildProcess) async throws -> Value
    ) async throws -> Value {
        let process = try ChildProcess(executable, arguments)
        defer { process.kill() }
        return try await body(process)
    }

    /// How the process ended; `nil` while it runs.
    ///
    /// Reaps the process.
    package var ended: Ending? { self.ended(WNOHANG) }

    /// Blocks the thread until the process has ended, for short commands outside tasks.
    ///
    /// - Returns: `nil` when the wait fails.
    package func waitUntilEnded() -> Ending? { self.ended(0) }

    private func ended(_ options: Int32) -> Ending? {
        self.ending.withLock { ending in
            if let ending { return ending }
            var status: Int32 = 0
            guard waitpid(self.pid, &status, options) == self.pid else { return nil }
            let signal = status & 0x7f
            ending = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
            return ending
        }
    }

    /// Sends a signal; does nothing once the process is reaped, because its id may belong to another process.
    package func signal(_ number: Int32) {
        self.ending.withLock { ending in
            guard ending == nil else { return }
            _ = Glibc.kill(self.pid, number)
        }
    }

    /// Sends SIGKILL; see ``signal(_:)``.
    package func kill() { self.signal(SIGKILL) }

    /// Waits until the process has ended; the test fails at the limit.
    package func untilEnded(within limit: Duration = .seconds(20)) async throws -> Ending {
        try await eventually(within: limit, "\(self.command) has ended") { self.ended != nil }
        return self.ended!
    }

    /// The standard output so far, decoded as UTF-8.
    package var standardOutput: String { String(decoding: self.files.read("out"), as: UTF8.self) }
    /// The standard error so far, decoded as UTF-8.
    package var standardError: String { String(decoding: self.files.read("err"), as: UTF8.self) }
    /// The standard output so far, in bytes.
    package var standardOutputBytes: [UInt8] { self.files.read("out") }

    /// Finds a program in `PATH`, `/usr/local/bin`, `/usr/sbin` and `/sbin`; returns a path unchanged.
    ///
    /// - Throws: ``PeerError`` when there is none.
    package static func find(_ executable: String) throws -> String {
        if executable.utf8.contains(UInt8(ascii: "/")) { return executable }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        for directory in path.split(separator: ":").map(String.init) + ["/usr/local/bin", "/usr/sbin", "/sbin"] {
            let candidate = "\(directory)/\(executable)"
            if access(candidate, X_OK) == 0 { return candidate }
        }
        throw PeerError("no program \(executable) is installed")
    }

    /// `posix_spawn_file_actions_addclosefrom_np` (glibc 2.34), which Swift's Glibc module does not import.
    private static let closeFrom: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32)? =
        dlsym(UnsafeMutableRawPointer(bitPattern: 0), "posix_spawn_file_actions_addclosefrom_np").map {
            unsafeBitCast($0, to: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32).self)
        }

    private static func environment(adding more: [String: String]) -> [String] {
        var result: [String] = []
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            let name = text.prefix { $0 != "=" }
            if more[String(name)] == nil { result.append(text) }
            next += 1
        }
        return result + more.map { "\($0.key)=\($0.value)" }
    }
}
