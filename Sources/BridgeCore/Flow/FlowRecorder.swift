/// What a route's tools have changed since the last commit; nothing for a log in memory.
struct FlowRecorder: Sendable {
    let isRecording: Bool
    private var states: Set<FlowStateKey> = []
    private var changes: [FlowChange] = []

    init(isRecording: Bool) {
        self.isRecording = isRecording
    }

    var isEmpty: Bool { self.states.isEmpty && self.changes.isEmpty }

    /// Notes that a piece of state is to be written, or removed, as it is at the next commit.
    mutating func touch(_ place: FlowStateKey) {
        if self.isRecording { self.states.insert(place) }
    }

    mutating func append(_ change: FlowChange) {
        if self.isRecording { self.changes.append(change) }
    }

    /// Takes everything.
    ///
    /// - Parameter state: the text of a piece of state; `nil` for one that is gone.
    mutating func take(_ state: (FlowStateKey) -> String?) -> [FlowChange] {
        let changes = self.changes + self.states.map { .state($0, state($0)) }
        self.changes.removeAll(keepingCapacity: true)
        self.states.removeAll(keepingCapacity: true)
        return changes
    }
}
