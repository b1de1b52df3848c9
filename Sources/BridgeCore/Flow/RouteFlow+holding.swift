import DequeModule

/// Tools that keep events until they pass.
extension RouteFlow {
    /// Holds an event until the end of the quiet hours.
    mutating func holdQuiet(_ item: FlowItem, due: Timestamp) -> FlowVerdict {
        self.quiet.append(self.held(item, tool: "quiet_hours", key: "", due: due))
        self.releaseOverflow()
        return .held
    }

    /// Keeps an event as the latest of its key; drops the one before.
    mutating func keepLatest(_ item: FlowItem, due: Timestamp) -> FlowVerdict {
        let key = ExactText(item.reading.sampleKey)
        let known = self.latest[key]
        if let known {
            self.forget(known)
            self.notes.append(.dropped(.sample))
        } else {
            self.latestDue.push(item.reading.sampleKey, due: due)
        }
        self.latest[key] = self.held(item, tool: "sample", key: item.reading.sampleKey, due: known?.due ?? due)
        self.releaseOverflow()
        return .held
    }

    private mutating func held(_ item: FlowItem, tool: String, key: String, due: Timestamp) -> HeldItem {
        let held = HeldItem(id: self.nextID, due: due, item: item)
        self.nextID += 1
        self.heldWeight += item.event.weight
        guard self.recorder.isRecording else { return held }
        self.recorder.append(.hold(self.stored(held, tool: tool, key: key)))
        return held
    }

    /// Forgets a held event that passes on or was superseded.
    private mutating func forget(_ held: HeldItem) {
        self.heldWeight -= held.item.event.weight
        let change = FlowChange.release(route: self.identity, id: held.id)
        self.recorder.append(change)
    }

    /// Passes on early what is above the bounds, what is due first.
    private mutating func releaseOverflow() {
        while self.quiet.count + self.latest.count > Self.heldLimit.events || self.heldWeight > Self.heldLimit.bytes {
            if let first = self.quiet.popFirst() {
                self.forget(first)
                self.release(first.item)
                self.notes.append(.full(tool: "quiet_hours"))
            } else if let first = self.popLatest() {
                self.release(first.item)
                self.notes.append(.full(tool: "sample"))
            } else {
                return
            }
        }
    }

    private mutating func popLatest() -> HeldItem? {
        guard let first = self.latestDue.popFirst(), let held = self.latest.removeValue(forKey: ExactText(first.key)) else {
            return nil
        }
        self.forget(held)
        return held
    }

    /// An event as it passes on to the sinks.
    private func releasing(_ item: FlowItem, _ event: Event?) -> ReleasedEvent {
        ReleasedEvent(event: event ?? item.event, targets: item.targets, key: item.key)
    }

    private mutating func release(_ item: FlowItem) {
        self.released.append(self.releasing(item, nil))
    }

    // MARK: Digests

    /// Makes an event a part of the digest of its key.
    mutating func join(_ item: FlowItem, due: Timestamp, now: Timestamp) -> FlowVerdict {
        let key = item.reading.digestKey
        if self.groups[ExactText(key)] == nil {
            var group = DigestGroup(due: due, for: item.event)
            group.targets = self.targets.compactMap { self.storedTargets[$0] }
            self.groups[ExactText(key)] = group
            self.groupsDue.push(key, due: due)
        }
        self.groups[ExactText(key)]?.add(item.event, lines: self.tools.digest?.lines ?? Digest().lines)
        self.touch("digest", key)
        self.notes.append(.joined)
        if self.groups.count > Self.groupLimit {
            self.notes.append(.full(tool: "digest"))
            if let first = self.groupsDue.popFirst() { self.close(first.key, now: now) }
        }
        return .joined
    }

    /// Passes a digest on.
    private mutating func close(_ key: String, now: Timestamp) {
        guard let group = self.groups.removeValue(forKey: ExactText(key)) else { return }
        self.touch("digest", key)
        let event = group.event(self.events, route: self.name, key: key, title: self.tools.digest?.title, now: now)
        self.released.append(ReleasedEvent(event: event, targets: self.targets, key: nil))
    }

    // MARK: Passing on

    /// Passes on what is due.
    ///
    /// - Parameter room: how many events the sinks can take.
    mutating func release(now: Timestamp, room: Int) {
        let most = self.released.count + room
        while self.released.count < most, let first = self.quiet.first, first.due <= now {
            self.quiet.removeFirst()
            self.forget(first)
            self.forward(first.item, from: .digest, now: now)
        }
        while self.released.count < most, let first = self.latestDue.first, first.due <= now, let held = self.popLatest() {
            self.forward(held.item, from: .throttle, now: now)
        }
        while self.released.count < most, let first = self.groupsDue.first, first.due <= now {
            _ = self.groupsDue.popFirst()
            if let end = self.quietEnd(now) {
                // A digest does not break the quiet either.
                self.groups[ExactText(first.key)]?.due = end
                self.groupsDue.push(first.key, due: end)
                self.touch("digest", first.key)
            } else {
                self.close(first.key, now: now)
            }
        }
        while self.released.count < most, let first = self.expectedDue.first, first.due <= now {
            _ = self.expectedDue.popFirst()
            self.miss(first.key, now: now)
        }
    }

    private func quietEnd(_ now: Timestamp) -> Timestamp? {
        guard let quiet = self.tools.quietHours, quiet.action == .hold || quiet.action == .digest else { return nil }
        return quiet.end(at: now)
    }

    private mutating func forward(_ item: FlowItem, from stage: Stage, now: Timestamp) {
        if case .passes(let event) = self.apply(item, from: stage, now: now) {
            self.released.append(self.releasing(item, event))
        }
    }

    /// Passes on everything that is kept, before its time: a log in memory ends.
    mutating func flush(now: Timestamp) {
        for held in self.quiet { self.release(held.item) }
        self.quiet.removeAll()
        while let held = self.popLatest() { self.release(held.item) }
        while let first = self.groupsDue.popFirst() { self.close(first.key, now: now) }
        self.heldWeight = 0
    }
}
