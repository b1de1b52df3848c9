import BridgeTesting
import Testing

/// A real sentinel on loopback that watches a master called `m`.
struct RedisSentinel {
    var port: Int { self.reservation.number }
    private let reservation: LastingPort
    private let directory: TemporaryDirectory
    private let process: ChildProcess

    /// - Parameters:
    ///   - lines: further lines of its configuration; `{port}` is replaced.
    ///   - username: together with the password, who may ask it.
    static func start(
        master: Int, _ lines: [String] = [], username: String? = nil, password: String? = nil
    ) async throws -> RedisSentinel {
        let directory = try TemporaryDirectory()
        let reservation = try LastingPort()
        let port = reservation.number
        var file = ["bind 127.0.0.1", "dir \(directory.path)", "sentinel monitor m 127.0.0.1 \(master) 1"]
        if !lines.contains(where: { $0.hasPrefix("port ") }) { file.append("port \(port)") }
        file.append("sentinel down-after-milliseconds m 500")
        file += lines.map { $0 == "tls-port {port}" ? "tls-port \(port)" : $0 }
        let path = try directory.write(file.joined(separator: "\n") + "\n", to: "sentinel.conf")
        let process = try ChildProcess("redis-server", [path, "--sentinel"])
        var last: (any Error)?
        try await eventually("the sentinel listens, not \(process.standardOutput)\(last.map { "\($0)" } ?? "")") {
            do {
                _ = try await RedisPeer.connect(port: port, username: username, password: password)
                return true
            } catch {
                last = error
                return false
            }
        }
        return RedisSentinel(reservation: reservation, directory: directory, process: process)
    }
}
