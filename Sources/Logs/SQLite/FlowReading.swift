import BridgeCore

/// Reads what the tools of routes have kept.
enum FlowReading {
    /// See ``LogContents/flow``.
    static func flow(_ connection: borrowing SQLiteConnection, _ rows: EventRows) throws -> StoredFlow {
        var flow = StoredFlow()
        let states = try connection.prepare("SELECT route, tool, key, state FROM flow_states ORDER BY changed")
        while try states.step() {
            let place = FlowStateKey(route: states.text(0) ?? "", tool: states.text(1) ?? "", key: states.text(2) ?? "")
            flow.states.append(StoredFlowState(place: place, text: states.text(3) ?? ""))
        }
        let held = try connection.prepare(
            "SELECT route, id, tool, key, due, targets, reading, \(LogReading.eventColumns) FROM held_events ORDER BY route, id")
        while try held.step() {
            flow.lastID = max(flow.lastID, held.integer(1))
            guard let event = rows.event(rows.columns(held, from: 7)), let targets = rows.targets(held.text(5) ?? "") else {
                flow.unreadable += 1
                continue
            }
            flow.held.append(
                StoredHeldEvent(
                    id: held.integer(1), route: held.text(0) ?? "", tool: held.text(2) ?? "", key: held.text(3) ?? "",
                    due: Timestamp(milliseconds: held.integer(4)), event: event, targets: targets,
                    reading: held.text(6) ?? ""))
        }
        return flow
    }
}
