import BridgeCore

#if canImport(Glibc)
import Glibc
#endif

/// How many files and sockets the process may have open, and how they are shared between HTTP connections and everything else.
struct DescriptorLimit: Equatable {
    /// More has no use, and a hard limit may be a billion or none.
    private static let ceiling = 1 << 20
    /// Connections without which the program is of no use.
    private static let fewest = 16

    /// The limit of open descriptors.
    let limit: Int
    /// The descriptors for sinks, sources, the log and the program itself.
    let reserve: Int
    /// HTTP connections above the connection limit, for health checks.
    let spare: Int
    /// The HTTP connections that the rest is sufficient for.
    let connections: Int

    /// Shares a limit out.
    ///
    /// - Parameter components: sources and sinks.
    /// - Throws: ``ComponentError`` when it is too low.
    init(limit: Int, components: Int) throws {
        let least = 48 + 2 * components + 8 + Self.fewest
        guard limit >= least else {
            throw ComponentError(
                .settings,
                """
                the limit of open files is \(limit), and this configuration needs at least \(least); raise it with 'ulimit -n', or \
                LimitNOFILE= of the systemd unit
                """,
                isRetryable: false
            )
        }
        self.limit = limit
        self.reserve = min(64 + 16 * components, max(48 + 2 * components, limit / 2))
        self.spare = min(max(8, limit / 16), 256)
        self.connections = max(Self.fewest, min(100_000, limit - self.reserve - self.spare))
    }

    /// Raises the soft limit of the process to its hard limit, and shares it out.
    ///
    /// - Throws: ``ComponentError`` when it is too low.
    static func raised(components: Int) throws -> DescriptorLimit {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else {
            return try DescriptorLimit(limit: 1024, components: components)
        }
        let highest = min(limits.rlim_max, rlim_t(Self.ceiling))
        if limits.rlim_cur < highest {
            var raised = limits
            raised.rlim_cur = highest
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limits = raised }
        }
        return try DescriptorLimit(limit: Int(min(limits.rlim_cur, rlim_t(Self.ceiling))), components: components)
    }
}
