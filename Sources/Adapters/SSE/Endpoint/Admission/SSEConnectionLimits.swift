import NIOCore

/// Counts the subscribers of a stream and decides whether another one may connect.
///
/// A value, guarded by the stream's lock. It stores addresses and names only if they are limited.
struct SSEConnectionLimits {
    private let limits: SSESinkConfiguration.Limits
    private let total: Int
    private(set) var count = 0
    private var addresses: [SSEAddress: Int] = [:]
    /// By the bytes of the name: canonically equivalent subjects of tokens are different clients.
    private var names: [[UInt8]: Int] = [:]
    /// New connections that are allowed now, at most those of a second.
    private var allowance: Double
    private var countedAt = NIODeadline.now()

    init(total: Int, limits: SSESinkConfiguration.Limits) {
        self.total = total
        self.limits = limits
        self.allowance = Double(limits.acceptRate ?? 0)
    }

    /// Counts one more.
    ///
    /// - Returns: the limit that is reached, in words; `nil` when it is counted.
    mutating func enter(_ address: SSEAddress?, _ name: String?, now: NIODeadline) -> String? {
        if self.count >= self.total { return "Too many connections" }
        if let limit = self.limits.perAddress, let address, self.addresses[address, default: 0] >= limit {
            return "Too many connections from this address"
        }
        let name = self.limits.perClient == nil ? nil : name.map { Array($0.utf8) }
        if let limit = self.limits.perClient, let name, self.names[name, default: 0] >= limit {
            return "Too many connections from this client"
        }
        if let rate = self.limits.acceptRate {
            let passed = Double((now - self.countedAt).nanoseconds) / 1e9
            self.allowance = min(Double(rate), self.allowance + passed * Double(rate))
            self.countedAt = now
            guard self.allowance >= 1 else { return "Too many new connections" }
            self.allowance -= 1
        }
        self.count += 1
        if self.limits.perAddress != nil, let address { self.addresses[address, default: 0] += 1 }
        if let name { self.names[name, default: 0] += 1 }
        return nil
    }

    mutating func leave(_ address: SSEAddress?, _ name: String?) {
        self.count -= 1
        if let address, let count = self.addresses[address] { self.addresses[address] = count > 1 ? count - 1 : nil }
        guard self.limits.perClient != nil, let name = name.map({ Array($0.utf8) }), let count = self.names[name] else { return }
        self.names[name] = count > 1 ? count - 1 : nil
    }
}
