import JSON

/// What a route's tools write to a log on disk, and continue from.
extension RouteFlow {
    /// The text of a piece of state; `nil` for one that is gone.
    func text(_ place: FlowStateKey) -> String? {
        let key = place.key
        return switch place.tool {
        case "changed": self.values[key]
        case "sample": self.counts[key].map { "\($0)" }
        case "throttle": self.windows[key]?.text
        case "digest": self.groups[ExactText(key)]?.text
        case "expect": self.expected[ExactText(key)]?.text
        default: nil
        }
    }

    /// Takes the changes since the last commit.
    mutating func takeChanges() -> [FlowChange] {
        guard !self.recorder.isEmpty else { return [] }
        var recorder = FlowRecorder(isRecording: self.recorder.isRecording)
        swap(&recorder, &self.recorder)
        let changes = recorder.take { self.text($0) }
        // Its storage is used again.
        swap(&recorder, &self.recorder)
        return changes
    }

    /// Everything that the tools remember, as a log on disk keeps it.
    var states: [StoredFlowState] {
        let keys: [(tool: String, keys: [String])] = [
            ("changed", self.values.keys), ("sample", self.counts.keys), ("throttle", self.windows.keys),
            ("digest", self.groups.keys.map { String($0.text) }), ("expect", self.expected.keys.map { String($0.text) }),
        ]
        return keys.flatMap { tool, keys in
            keys.compactMap { key in
                let place = FlowStateKey(route: self.identity, tool: tool, key: key)
                return self.text(place).map { StoredFlowState(place: place, text: $0) }
            }
        }
    }

    /// The events that the tools hold, as a log on disk keeps them.
    var heldEvents: [StoredHeldEvent] {
        self.quiet.map { self.stored($0, tool: "quiet_hours", key: "") }
            + self.latest.map { self.stored($0.value, tool: "sample", key: String($0.key.text)) }.sorted { $0.id < $1.id }
    }

    /// A held event as a log on disk keeps it.
    func stored(_ held: HeldItem, tool: String, key: String) -> StoredHeldEvent {
        let targets = held.item.targets.compactMap { target -> StoredEvent.Target? in
            var stored = self.storedTargets[target]
            stored?.key = held.item.key
            return stored
        }
        return StoredHeldEvent(
            id: held.id, route: self.identity, tool: tool, key: key, due: held.due, event: held.item.event, targets: targets,
            reading: held.item.reading.text)
    }

    /// Continues with a piece of state of an earlier run; one of a tool that the route no longer has is removed.
    mutating func restore(_ state: StoredFlowState, _ parser: JSONParser, now: Timestamp) {
        let key = state.place.key
        switch state.place.tool {
        case "changed" where self.tools.changed != nil: _ = self.values.set(key, state.text)
        case "sample" where self.tools.sample?.count != nil:
            guard let count = Int(state.text), count < self.tools.sample?.count ?? 0 else { break }
            _ = self.counts.set(key, count)
        case "throttle" where self.tools.throttle != nil:
            guard let throttle = self.tools.throttle, let window = Throttle.Window(text: state.text),
                throttle.end(of: window) > now
            else { break }
            _ = self.windows.set(key, window)
        case "digest": self.restoreDigest(key, state.text, parser, now: now)
        case "expect" where self.tools.expect != nil: self.restoreExpected(key, state.text, now: now)
        default: break
        }
        // What was not taken is gone, and removed with the next commit.
        if self.text(state.place) != state.text { self.recorder.touch(state.place) }
    }

    /// Continues a digest; one of a route without digests passes on at once.
    private mutating func restoreDigest(_ key: String, _ text: String, _ parser: JSONParser, now: Timestamp) {
        guard var group = DigestGroup(text: text, parser) else { return }
        group.targets = self.targets.compactMap { self.storedTargets[$0] }
        if let digest = self.tools.digest, self.quietDigestDue(now) == nil {
            group.due = min(group.due, now.adding(digest.window))
        } else if self.tools.digest == nil, self.tools.quietHours?.action != .digest {
            group.due = now
        }
        self.groups[ExactText(key)] = group
        self.groupsDue.push(key, due: group.due)
    }

    private func quietDigestDue(_ now: Timestamp) -> Timestamp? { self.tools.quietHours?.end(at: now) }

    /// Continues to expect a key, for a whole interval from now on: the bridge could not see what came before.
    private mutating func restoreExpected(_ key: String, _ text: String, now: Timestamp) {
        guard let expect = self.tools.expect, expect.key.text.isEmpty == key.isEmpty, let known = ExpectedKey(text: text) else {
            return
        }
        if known.isMissing { self.missing += 1 }
        if self.expected[ExactText(key)] != nil {
            // Expected since the start already, with an entry among the due ones.
            self.expected[ExactText(key)] = known
        } else {
            self.expected[ExactText(key)] = known
            if !known.isMissing { self.expectedDue.push(key, due: now.adding(expect.interval)) }
        }
    }

    /// Continues to hold an event; one of a tool that the route no longer has passes on at once.
    ///
    /// - Parameter targets: its sinks in this configuration.
    mutating func restore(
        _ held: StoredHeldEvent, _ targets: [Route.Target], key: DedupeKey?, _ parser: JSONParser, now: Timestamp
    ) {
        let reading = ToolReading(text: held.reading, parser) ?? ToolReading()
        var item = FlowItem(event: held.event, reading: reading, targets: targets, key: key)
        item.reading.sampleKey = held.key
        self.heldWeight += held.event.weight
        if held.tool == "sample", self.tools.sample?.interval != nil, self.latest[ExactText(held.key)] == nil {
            self.latest[ExactText(held.key)] = HeldItem(id: held.id, due: held.due, item: item)
            self.latestDue.push(held.key, due: held.due)
        } else {
            let isWaiting = held.tool == "quiet_hours" && self.tools.quietHours?.action == .hold
            let end = isWaiting ? self.tools.quietHours?.end(at: now) : nil
            self.quiet.append(HeldItem(id: held.id, due: min(held.due, end ?? now), item: item))
        }
    }
}
