import Glibc
import NIOCore

/// A network of IP addresses.
package struct HTTPNetwork: Sendable {
    private let address: [UInt8]
    private let prefix: Int

    /// - Parameters:
    ///   - address: 16 bytes; an IPv4 address as an IPv4-mapped one (RFC 4291 §2.5.5.2).
    ///   - prefix: the number of leading bits, 0 to 128.
    package init(address: [UInt8], prefix: Int) {
        precondition(address.count == 16 && (0...128).contains(prefix), "a network has 16 bytes and up to 128 bits")
        self.address = address
        self.prefix = prefix
    }

    /// Whether the network contains an address; false for anything but an IP address.
    func contains(_ address: SocketAddress) -> Bool {
        guard let bytes = address.ipAddress.flatMap(Self.bytes) else { return false }
        let whole = self.prefix / 8
        guard bytes[..<whole] == self.address[..<whole] else { return false }
        let rest = self.prefix % 8
        return rest == 0 || (bytes[whole] ^ self.address[whole]) >> UInt8(8 - rest) == 0
    }

    /// The 16 bytes of a textual address, IPv4 as IPv4-mapped; `nil` for anything else.
    static func bytes(of text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + bytes[..<4] }
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }

    /// Whether the bytes are an address of the machine itself (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    static func isLoopback(_ bytes: [UInt8]) -> Bool {
        bytes == [UInt8](repeating: 0, count: 15) + [1]
            || bytes[..<13] == ([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127])[...]
    }
}
