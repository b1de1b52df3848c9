/// The TCP address of the peer of a source or sink.
package struct PeerAddress: Sendable, Hashable {
    /// A name or an address without brackets.
    package let host: String
    /// The port, 1 to 65 535.
    package let port: Int

    /// Makes an address from its parts.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

/// A component that knows the address of its peer.
///
/// While that peer is unreachable, the engine probes the address and ends a long wait once the peer accepts a
/// connection.
package protocol ReachableComponent: Component {
    /// The addresses of the peer; empty when it is unknown or not TCP. Read before each long wait.
    var peers: [PeerAddress] { get }
}

/// Tests whether a TCP connection to an address is accepted, and closes it at once.
///
/// Called about once a second per component while its peer is unreachable. Must return within two seconds.
package typealias PortProbe = @Sendable (PeerAddress) async -> Bool
