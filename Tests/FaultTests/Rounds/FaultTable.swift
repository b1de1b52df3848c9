/// Adds rounds up, pair by pair, as a table in Markdown.
struct FaultTable: Sendable {
    private struct Row {
        var rounds = 0
        var messages = 0
        var bridgeKills = 0
        var peerKills = 0
        var others = 0
        var repeated = 0
        var duplicates = 0
        var lost = 0
        var outOfOrder = 0
    }

    private var rows: [FaultPair: Row] = [:]

    /// Adds a round.
    mutating func add(_ outcome: FaultOutcome) {
        var row = self.rows[outcome.pair, default: Row()]
        row.rounds += 1
        row.messages += outcome.messages
        for fault in outcome.faults {
            switch fault {
            case .killBridge: row.bridgeKills += 1
            case .killPeer: row.peerKills += 1
            case .cut, .delay, .freezeBridge, .freezePeer, .fillDisk, .jumpClock: row.others += 1
            }
        }
        row.repeated += outcome.repeated
        row.duplicates += outcome.reconciliation.duplicates
        row.lost += outcome.reconciliation.lost.count
        row.outOfOrder += outcome.reconciliation.outOfOrder.count
        self.rows[outcome.pair] = row
    }

    /// The table so far.
    var markdown: String {
        let head = [
            "| pair | rounds | messages | kills: streambridge / peer | other faults | repeated by the publisher | duplicates | lost "
                + "| out of order |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        let lines = FaultPair.allCases.compactMap { pair in
            self.rows[pair].map { row in
                let figures = [
                    "\(row.rounds)", "\(row.messages)", "\(row.bridgeKills) / \(row.peerKills)", "\(row.others)",
                    "\(row.repeated)",
                    "\(row.duplicates)", "\(row.lost)", "\(row.outOfOrder)",
                ]
                return "| \(pair) | \(figures.joined(separator: " | ")) |"
            }
        }
        return (head + lines).joined(separator: "\n") + "\n"
    }
}
