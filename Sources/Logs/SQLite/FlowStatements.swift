import BridgeCore

/// The prepared statements for what the tools of routes keep.
final class FlowStatements {
    private let setState: SQLiteStatement
    private let removeState: SQLiteStatement
    private let hold: SQLiteStatement
    private let release: SQLiteStatement

    init(_ connection: borrowing SQLiteConnection) throws(LogError) {
        self.setState = try connection.prepare(
            "INSERT OR REPLACE INTO flow_states (route, tool, key, state, changed) VALUES (?, ?, ?, ?, ?)")
        self.removeState = try connection.prepare("DELETE FROM flow_states WHERE route = ? AND tool = ? AND key = ?")
        self.hold = try connection.prepare(
            """
            INSERT OR REPLACE INTO held_events (route, id, tool, key, due, targets, reading, source, subject, event, raw, attributes,
            passage, kind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        )
        self.release = try connection.prepare("DELETE FROM held_events WHERE route = ? AND id = ?")
    }

    /// Writes a change other than a repeat key; must run inside a transaction.
    func write(_ change: FlowChange, _ rows: EventRows) throws {
        switch change {
        case .state(let place, let text?):
            try self.setState.bind(1, place.route).bind(2, place.tool).bind(3, place.key).bind(4, text)
                .bind(5, Timestamp.now().milliseconds).run()
        case .state(let place, nil): try self.removeState.bind(1, place.route).bind(2, place.tool).bind(3, place.key).run()
        case .hold(let held):
            self.hold.bind(1, held.route).bind(2, held.id).bind(3, held.tool).bind(4, held.key).bind(5, held.due.milliseconds)
            self.hold.bind(6, rows.text(of: held.targets)).bind(7, held.reading)
            try rows.bind(held.event, to: self.hold, from: 8) { try self.hold.run() }
        case .release(let route, let id): try self.release.bind(1, route).bind(2, id).run()
        case .repeatKey: break
        }
    }
}
