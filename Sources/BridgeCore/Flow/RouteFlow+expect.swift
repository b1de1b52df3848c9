/// `expect:`, which makes an event of an absence and of its end.
extension RouteFlow {
    /// Notes that an event came.
    mutating func saw(_ item: FlowItem, now: Timestamp) {
        guard let expect = self.tools.expect else { return }
        let (key, event) = (item.reading.expectKey, item.event)
        guard var known = self.expected[ExactText(key)] else {
            guard self.expected.count < KeyTable<ExpectedKey>.limit || self.forgetMissing() else {
                self.notes.append(.full(tool: "expect"))
                return
            }
            var known = ExpectedKey(last: now, wasSeen: true)
            (known.source, known.subject) = (event.source, event.subject)
            self.expect(key, known, due: now.adding(expect.interval))
            return
        }
        if known.isMissing {
            let back = known.returned(self.events, route: self.name, key: key, from: event, now: now)
            self.released.append(ReleasedEvent(event: back, targets: self.targets, key: nil))
            self.missing -= 1
            self.expectedDue.push(key, due: now.adding(expect.interval))
        }
        (known.last, known.wasSeen, known.isMissing) = (now, true, false)
        (known.source, known.subject) = (event.source, event.subject)
        self.expected[ExactText(key)] = known
        self.touch("expect", key)
    }

    /// Begins to expect a key.
    mutating func expect(_ key: String, _ known: ExpectedKey, due: Timestamp) {
        self.expected[ExactText(key)] = known
        if !known.isMissing { self.expectedDue.push(key, due: due) }
        self.touch("expect", key)
    }

    /// Makes the event about a missing key, unless an event came since.
    mutating func miss(_ key: String, now: Timestamp) {
        guard let expect = self.tools.expect, var known = self.expected[ExactText(key)], !known.isMissing else { return }
        // A time in the future means that the clock was set back.
        let due = min(known.last, now).adding(expect.interval)
        guard due <= now else { return self.expectedDue.push(key, due: due) }
        let event = known.missing(self.events, route: self.name, key: key, expect: expect, now: now)
        self.released.append(ReleasedEvent(event: event, targets: self.targets, key: nil))
        known.isMissing = true
        self.missing += 1
        self.expected[ExactText(key)] = known
        self.touch("expect", key)
    }

    /// Forgets the key that has been missing longest, to expect another.
    ///
    /// - Returns: false when none is missing.
    private mutating func forgetMissing() -> Bool {
        guard self.missing > 0,
            let key = self.expected.filter({ $0.value.isMissing }).min(by: { $0.value.last < $1.value.last })?.key
        else { return false }
        self.expected[key] = nil
        self.missing -= 1
        self.touch("expect", String(key.text))
        self.notes.append(.full(tool: "expect"))
        return true
    }
}
