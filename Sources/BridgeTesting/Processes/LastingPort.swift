import Glibc

/// A reserved TCP port of loopback, for a server that listens on it repeatedly.
///
/// The system assigns it to no outgoing connection, and no other instance, in this process or another, has the same
/// port while this one lives.
package final class LastingPort: Sendable {
    /// The port number, 20000 to 32767.
    package let number: Int
    /// A socket whose abstract name reserves the port.
    ///
    /// Abstract names are visible in the same network namespace as ports, and end with their process.
    private let name: Int32

    /// Reserves a random free port.
    ///
    /// - Throws: ``PeerError`` when no port is free.
    package init() throws {
        // Outgoing connections get theirs from ip_local_port_range, which begins at 32768 by default.
        for _ in 0..<1000 {
            let number = Int.random(in: 20_000..<32_768)
            guard let name = try Self.reserve(number) else { continue }
            guard try Self.isFree(number) else {
                close(name)
                continue
            }
            self.number = number
            self.name = name
            return
        }
        throw PeerError("no port between 20000 and 32767 is free")
    }

    deinit {
        close(self.name)
    }

    /// - Returns: `nil` when another instance has reserved the port.
    private static func reserve(_ number: Int) throws -> Int32? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw PeerError.system("socket") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let text = Array("streambridge-test-port-\(number)".utf8)
        // A name that begins with a zero byte is abstract (unix(7)).
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            for (index, byte) in text.enumerated() { path[index + 1] = byte }
        }
        let length = MemoryLayout<sa_family_t>.size + 1 + text.count
        let failure = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(length)) == 0 ? 0 : errno
            }
        }
        guard failure != 0 else { return descriptor }
        close(descriptor)
        guard failure == EADDRINUSE else { throw PeerError.system("bind", failure) }
        return nil
    }

    private static func isFree(_ number: Int) throws -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw PeerError.system("socket") }
        defer { close(descriptor) }
        var address = sockaddr_in.loopback(port: number)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
