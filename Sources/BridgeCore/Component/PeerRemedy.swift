/// What helps against failures that every kind of peer has, as half a sentence.
///
/// Adapters append it to the failure after `; `, so that all of them report the same.
package enum PeerRemedy {
    /// The host's name has no address.
    package static let unresolved = "check the spelling of the host, and the DNS of this machine"
    /// The connection is refused, or no route exists.
    package static let unreachable = "check host and port, and that the server runs"
    /// The connection is not answered.
    package static let silent = "check that host and port are those of this service, and that no firewall is in between"
}
