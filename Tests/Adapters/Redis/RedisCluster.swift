import BridgeTesting
import NIOCore
import Testing

/// A cluster of real masters that share the slots, and whose slots a test can move while they are in use.
struct RedisCluster {
    let nodes: [BrokerProcess]
    /// The ports on which the nodes talk to each other.
    private let buses: [LastingPort]
    let peers: [RedisPeer]
    private let ids: [String]

    static func start(_ count: Int) async throws -> RedisCluster {
        var nodes: [BrokerProcess] = []
        var peers: [RedisPeer] = []
        var ids: [String] = []
        let buses = try (0..<count).map { _ in try LastingPort() }
        for bus in buses {
            let node = try await BrokerProcess.redis("--cluster-enabled", "yes", "--cluster-port", String(bus.number))
            let peer = try await RedisPeer.connect(port: node.port)
            nodes.append(node)
            peers.append(peer)
            ids.append(try await peer.command("CLUSTER", "MYID").text ?? "")
        }
        for (index, peer) in peers.enumerated() {
            let slots = (16_384 * index / count)..<(16_384 * (index + 1) / count)
            try await peer.command(["CLUSTER", "ADDSLOTS"] + slots.map(String.init))
            try await peer.command("CONFIG", "SET", "cluster-announce-ip", "127.0.0.1")
            // Without epochs of their own the nodes would sort out who has which.
            try await peer.command("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1))
        }
        for (node, peer) in zip(nodes, peers).dropFirst() {
            let bus = try await peer.command("CONFIG", "GET", "cluster-port").items.last?.text ?? ""
            try await peers[0].command("CLUSTER", "MEET", "127.0.0.1", String(node.port), bus)
        }
        let cluster = RedisCluster(nodes: nodes, buses: buses, peers: peers, ids: ids)
        try await eventually("the cluster is whole") {
            for peer in peers {
                guard try await peer.command("CLUSTER", "INFO").text?.contains("cluster_state:ok") == true else { return false }
                guard try await peer.command("CLUSTER", "SLOTS").items.count == count else { return false }
            }
            return true
        }
        return cluster
    }

    /// The cluster, as asked of one of its nodes.
    func url(_ node: Int) -> String { "redis+cluster://127.0.0.1:\(self.nodes[node].port)" }

    /// One step of moving a slot.
    enum Step: CaseIterable {
        /// The new node takes commands after an `ASKING`.
        case importing
        /// The old node answers `ASK` for keys that it does not have.
        case migrating
        /// The keys go over.
        case keys
        /// The new node knows that the slot is its own.
        case ownedByNew
        /// The old node knows it too, and answers `MOVED`.
        case ownedByOld
    }

    /// Takes one step of moving a slot.
    func take(_ step: Step, slot: Int, from old: Int, to new: Int) async throws {
        let slot = String(slot)
        switch step {
        case .importing: try await self.peers[new].command("CLUSTER", "SETSLOT", slot, "IMPORTING", self.ids[old])
        case .migrating: try await self.peers[old].command("CLUSTER", "SETSLOT", slot, "MIGRATING", self.ids[new])
        case .keys:
            let keys = try await self.peers[old].command("CLUSTER", "GETKEYSINSLOT", slot, "1000").items.compactMap(\.text)
            for key in keys {
                try await self.peers[old].command("MIGRATE", "127.0.0.1", String(self.nodes[new].port), key, "0", "10000")
            }
        case .ownedByNew: try await self.peers[new].command("CLUSTER", "SETSLOT", slot, "NODE", self.ids[new])
        case .ownedByOld: try await self.peers[old].command("CLUSTER", "SETSLOT", slot, "NODE", self.ids[new])
        }
    }

    /// The bridge's connections to a node, by name and number; another number is another connection.
    func connections(to node: Int) async throws -> Set<String> {
        let list = try await self.peers[node].command("CLIENT", "LIST", "TYPE", "NORMAL").text ?? ""
        return Set(
            list.split(separator: "\n").compactMap { line in
                let fields = line.split(separator: " ").filter { $0.hasPrefix("id=") || $0.hasPrefix("name=conformance") }
                return fields.count == 2 ? fields.joined(separator: " ") : nil
            }
        )
    }
}
