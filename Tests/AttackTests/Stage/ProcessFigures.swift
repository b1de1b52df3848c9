import BridgeTesting

/// What the kernel says about a process.
struct ProcessFigures: Sendable {
    /// KiB.
    let memory: Int
    let descriptors: Int

    /// - Returns: `nil` once the process is gone.
    init?(pid: Int32) {
        guard let bytes = Strain.bytes("VmRSS", of: pid) else { return nil }
        self.memory = bytes >> 10
        self.descriptors = TemporaryDirectory.names(in: "/proc/\(pid)/fd").count
    }

    /// How long each thread of a process was ready to run and had no processor, by its number.
    static func waits(pid: Int32) -> [String: Duration] {
        var waits: [String: Duration] = [:]
        for thread in TemporaryDirectory.names(in: "/proc/\(pid)/task") {
            let text = String(decoding: TemporaryDirectory.contents(of: "/proc/\(pid)/task/\(thread)/schedstat"), as: UTF8.self)
            let fields = text.split(separator: " ")
            if fields.count > 1, let nanoseconds = Int64(fields[1]) { waits[thread] = .nanoseconds(nanoseconds) }
        }
        return waits
    }

    /// CPU time since the process began, in clock ticks of 10 ms.
    static func ticks(pid: Int32) -> Int {
        let text = String(decoding: TemporaryDirectory.contents(of: "/proc/\(pid)/stat"), as: UTF8.self)
        // The name, the second field, is in parentheses and may contain spaces.
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else { return 0 }
        return user + system
    }
}
