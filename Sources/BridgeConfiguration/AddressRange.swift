#if canImport(Glibc)
import Glibc
#endif

/// A network: an address and how many of its leading bits count (RFC 4632, RFC 4291 §2.3).
package struct AddressRange: Sendable, Equatable {
    /// 16 bytes; an IPv4 address is written as an IPv4-mapped one (RFC 4291 §2.5.5.2).
    package let address: [UInt8]
    /// 0 to 128, of ``address``.
    package let prefix: Int

    /// Reads `192.0.2.0/24`, `2001:db8::/32` or a single address.
    ///
    /// - Returns: `nil` for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var bytes = [UInt8](repeating: 0, count: 16)
        let address = String(parts[0])
        var isShort = false
        if inet_pton(AF_INET, address, &bytes) == 1 {
            bytes = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes[..<4]
            isShort = true
        } else if inet_pton(AF_INET6, address, &bytes) != 1 {
            return nil
        }
        var prefix = 128
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let number = Int(parts[1]), number <= (isShort ? 32 : 128)
            else { return nil }
            prefix = isShort ? 96 + number : number
        }
        self.address = bytes
        self.prefix = prefix
    }
}
