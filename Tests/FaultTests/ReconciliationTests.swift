import Testing

/// The reckoning itself: it must see each kind of wrong.
struct ReconciliationTests {
    private static let messages = (0..<3).map { NumberedMessage(key: "a", number: $0) } + [NumberedMessage(key: "b", number: 0)]

    private static func reconcile(_ texts: String..., sent: Int = 1, faults: Int = 0, id: String? = nil) -> Reconciliation {
        Reconciliation(
            attempts: Dictionary(uniqueKeysWithValues: messages.map { ($0, sent) }),
            arrivals: texts.map { .init(text: $0, id: id ?? $0.split(separator: "/").joined(separator: "-")) }, faults: faults
        )
    }

    @Test func `every message once, keys mixed, is right`() {
        let result = Self.reconcile("a/0", "b/0", "a/1", "a/2")
        #expect(result.complaints == [])
        #expect(result.duplicates == 0)
    }

    @Test func `a missing message is lost`() {
        #expect(Self.reconcile("a/0", "b/0", "a/2").complaints == ["1 lost: a/1"])
    }

    @Test func `a first copy after a later message is out of order`() {
        #expect(Self.reconcile("a/0", "a/2", "a/1", "b/0").complaints == ["1 out of order: a/1"])
    }

    @Test func `a further copy may step back, where a fault or the publisher explains it`() {
        #expect(Self.reconcile("a/0", "a/1", "a/0", "a/1", "a/2", "b/0", faults: 1).complaints == [])
        #expect(Self.reconcile("a/0", "a/1", "a/0", "a/2", "b/0", sent: 2).duplicates == 1)
        #expect(Self.reconcile("a/0", "a/1", "a/0", "a/2", "b/0").complaints == ["1 unexplained copies: a/0"])
    }

    @Test func `a copy with another id, or of an unpublished message, is foreign`() {
        #expect(Self.reconcile("a/0", id: "other").foreign == [.init(text: "a/0", id: "other")])
        #expect(Self.reconcile("a/9").complaints.contains("1 foreign: 'a/9' with the id 'a-9'"))
    }

    @Test func `a seed gives the same plan again, and another seed another`() {
        let plan = FaultPlan(seed: 7, faults: Fault.all)
        #expect(plan.messages == FaultPlan(seed: 7, faults: Fault.all).messages)
        #expect(plan.steps.map(\.description) == FaultPlan(seed: 7, faults: Fault.all).steps.map(\.description))
        #expect(plan.messages != FaultPlan(seed: 8, faults: Fault.all).messages)
    }
}
