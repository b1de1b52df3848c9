/// Where the peer of a source or sink listens for TCP connections.
package struct PeerAddress: Sendable, Hashable {
    /// A name or an address, without brackets.
    package let host: String
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

/// A component that can say where its peer listens.
///
/// While that peer cannot be reached, the engine probes the address and ends a long wait once somebody accepts there.
package protocol ReachableComponent: Component {
    /// Empty when it is not known, or no TCP port. Asked before each long wait.
    var peers: [PeerAddress] { get }
}

/// Whether somebody accepts a TCP connection at an address, which is closed at once.
///
/// Called about once a second and component while a peer cannot be reached. Must return within two seconds.
package typealias PortProbe = @Sendable (PeerAddress) async -> Bool
