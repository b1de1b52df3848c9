import Glibc
import NIOCore

/// The origin of a connection for limits: an IPv4 address, or the first 64 bits of an IPv6 address.
struct SSEAddress: Hashable, Sendable {
    private let bits: UInt64

    /// - Returns: `nil` for anything but an IP address.
    init?(_ address: SocketAddress?) {
        guard let text = address?.ipAddress else { return nil }
        self.init(text)
    }

    /// Reads an address as text (RFC 4291 §2.2).
    init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        if inet_pton(AF_INET, text, &bytes) == 1 {
            // IPv4 addresses use a range that no IPv6 network has (::/64).
            self.bits = number(0..<4)
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            // An IPv4 address from an IPv6 socket (RFC 4291 §2.5.5.2) counts as IPv4.
            let isMapped = number(0..<8) == 0 && number(8..<12) == 0xFFFF
            self.bits = isMapped ? number(12..<16) : number(0..<8)
        } else {
            return nil
        }
    }
}
