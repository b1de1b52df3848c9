/// A long wait that ends early once the peer is reachable again.
struct ProbedWait: Sendable {
    /// The shortest wait that is probed: before a shorter one ends, the next attempt tests the peer itself.
    static let shortest = Duration.seconds(2)
    /// The interval between two probes.
    static let interval = Duration.seconds(1)

    let peers: [PeerAddress]
    let probe: PortProbe

    /// Waits until `pause` returns or one of the peers accepts a connection.
    ///
    /// - Throws: what `pause` throws.
    func run(_ pause: @escaping @Sendable () async throws -> Void) async throws {
        try await race(pause, { try await self.untilReachable() })
    }

    /// Returns once a peer accepts that did not accept before; one that accepts already fails for another reason, such
    /// as its certificate.
    private func untilReachable() async throws {
        var away: Set<PeerAddress> = []
        while true {
            for peer in self.peers {
                if await !self.probe(peer) { away.insert(peer) } else if away.contains(peer) { return }
                try Task.checkCancellation()
            }
            try await Task.sleep(for: Self.interval)
        }
    }
}
