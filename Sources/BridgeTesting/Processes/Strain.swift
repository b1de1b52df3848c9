import Glibc
import Synchronization

/// The effect of an attack on the program, measured from outside: its memory and the latency of `/livez`.
package struct Strain: Sendable, CustomStringConvertible {
    /// The largest growth of resident memory since the start, in bytes.
    package private(set) var growth = 0
    /// How much longer each answer of `/livez` took than that of an idle copy at the same moment, which compensates for
    /// machine load.
    package private(set) var latencies: [Duration] = []
    /// The number of `/livez` requests without a 200 within thirty seconds.
    package private(set) var failures = 0

    /// The median of ``latencies``; 1000 s when no request was answered.
    package var latency: Duration { self.latency(at: 50) }

    /// The figures in words, for a failure message.
    package var description: String {
        """
        grown by \(self.growth >> 10) KiB; \(self.latencies.count) answers, half of them within \(self.latency), nine of ten within \
        \(self.latency(at: 90)); \(self.failures) failures
        """
    }

    private func latency(at percent: Int) -> Duration {
        let sorted = self.latencies.sorted()
        return sorted.isEmpty ? .seconds(1000) : sorted[(sorted.count - 1) * percent / 100]
    }

    /// Measures the program while `attack` runs.
    ///
    /// - Throws: what `attack` throws.
    package static func watch(_ bridge: BridgeProcess, during attack: () async throws -> Void) async throws -> Strain {
        let idle = try await BridgeProcess.start(
            """
            sources: { in: { type: webhook, id: in } }
            sinks: { out: { type: sse, stream: out } }
            routes: [{ to: out }]
            """)
        let (pid, ports) = (bridge.process.pid, (attacked: bridge.port, idle: idle.port))
        let bytes = Self.residentBytes(of: pid)
        let flag = Flag()
        return try await withThrowingTaskGroup(of: Strain.self) { group in
            group.addTask { try await OwnThread.run { Self.measure(pid, ports, bytes, until: flag) } }
            do {
                try await attack()
            } catch {
                flag.set()
                throw error
            }
            flag.set()
            return try await group.next() ?? Strain()
        }
    }

    /// The resident memory of a process in bytes; 0 when there is no such process.
    package static func residentBytes(of pid: Int32) -> Int { self.bytes("VmRSS", of: pid) ?? 0 }

    /// A figure of `/proc/PID/status` (proc_pid_status(5)) in bytes; `nil` when there is no such process or figure.
    package static func bytes(_ figure: String, of pid: Int32) -> Int? {
        let status = String(decoding: TemporaryDirectory.contents(of: "/proc/\(pid)/status"), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix(figure + ":") }
        return line?.split { $0 == " " || $0 == "\t" }.dropLast().last.flatMap { Int($0) }.map { $0 << 10 }
    }

    /// The user and system time of a process so far; zero when there is no such process.
    package static func processorTime(of pid: Int32) -> Duration {
        let status = String(decoding: TemporaryDirectory.contents(of: "/proc/\(pid)/stat"), as: UTF8.self)
        // The program's name, in parentheses, may contain spaces; user and system time are the 12th and 13th field
        // after it.
        let fields = status[(status.lastIndex(of: ")") ?? status.startIndex)...].split(separator: " ")
        guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else { return .zero }
        return .seconds(user + system) / sysconf(Int32(_SC_CLK_TCK))
    }

    private static func measure(
        _ pid: Int32, _ ports: (attacked: Int, idle: Int), _ idle: Int, until flag: Flag
    ) -> Strain {
        var strain = Strain()
        repeat {
            let normal = Self.answerTime(ports.idle)
            if let time = Self.answerTime(ports.attacked) {
                strain.latencies.append(max(.zero, time - (normal ?? .zero)))
            } else {
                strain.failures += 1
            }
            for _ in 0..<5 {
                strain.growth = max(strain.growth, Self.residentBytes(of: pid) - idle)
                usleep(10_000)
            }
        } while !flag.isSet
        return strain
    }

    /// The duration of one `/livez` request; `nil` when the answer is not 200 or takes over thirty seconds.
    private static func answerTime(_ port: Int) -> Duration? {
        let start = ContinuousClock.now
        guard let socket = try? BlockingSocket(port: port),
            let answer = try? socket.exchange(
                Array("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".utf8), timeout: .seconds(30)),
            answer.starts(with: Array("HTTP/1.1 200 ".utf8))
        else { return nil }
        return start.duration(to: .now)
    }

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)

        var isSet: Bool { self.value.load(ordering: .acquiring) }

        func set() { self.value.store(true, ordering: .releasing) }
    }
}
