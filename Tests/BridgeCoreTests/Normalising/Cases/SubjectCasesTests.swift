import NIOCore
import Testing

@testable import BridgeCore

/// What a source remembers of the subjects of its messages.
struct SubjectCasesTests {
    private static let cases = #"""
        {"cases": [
            {"match": {"subject": ["+/set", "+/+/set"]}, "drop": true},
            {"match": {"subject": "home/#", "payload.smoke": true}, "set": {"title": "{{ $segments[1] }} smoke", "priority": 5}},
            {"match": {"subject": {"glob": "home/*"}}, "set": {
                "title": {"from": "$subject", "part": "home/{}"}, "tags": ["home", "{{ $segments[1] }}"],
                "priority": {"from": "$subject", "map": {"home/odd": 1}},
                "message": "{{ .payload.v }}"}}
        ]}
        """#

    private func normaliser() throws -> Normaliser {
        let settings = try decode(NormaliseSample.self, Self.cases, compiler: nil).settings
        return Normaliser(source: "in", settings: settings, bridge: "bridge")
    }

    private func outcome(_ normaliser: Normaliser, _ body: String, _ subject: String) -> Normaliser.Outcome {
        normaliser.event(
            from: ReceivedMessage(subject: subject, body: .init(string: body)), now: NormaliseSample.now)
    }

    @Test func `each message has its own values, whatever was before`() throws {
        let normaliser = try self.normaliser()
        for round in 0..<3 {
            for name in ["odd", "hall", "hall", "x/y"] {
                let outcome = self.outcome(normaliser, #"{"v":"\#(round)"}"#, "home/\(name)")
                #expect(outcome.event.title == name && outcome.event.message == "\(round)")
                #expect(outcome.event.tags == ["home", String(name.prefix { $0 != "/" })])
                #expect(outcome.event.priority == (name == "odd" ? 1 : nil))
                // What fails for a subject is reported for each of its messages.
                #expect(outcome.failures.map(\.field) == (name == "odd" ? [] : ["cases[2].set.priority"]))
            }
            let smoke = self.outcome(normaliser, #"{"smoke":true}"#, "home/hall").event
            #expect(smoke.title == "hall smoke" && smoke.priority == 5)
            #expect(self.outcome(normaliser, "{}", "hall/set").isNoise && !self.outcome(normaliser, "{}", "other").isNoise)
            #expect(self.outcome(normaliser, "{}", "other").event.title == "other")
        }
    }

    @Test func `subjects that differ in their bytes are different`() throws {
        let normaliser = try self.normaliser()
        let (composed, decomposed) = ("home/caf\u{E9}", "home/cafe\u{301}")
        for subject in [composed, decomposed, composed] {
            let title = self.outcome(normaliser, "{}", subject).event.title ?? ""
            #expect(title.utf8.elementsEqual(subject.dropFirst(5).utf8))
        }
    }

    @Test func `a bounded number of subjects is remembered`() throws {
        let settings = try decode(NormaliseSample.self, Self.cases, compiler: nil).settings
        var subjects = SubjectCases(settings.cases)
        for number in 0..<(3 * SubjectCases.capacity) {
            #expect(subjects.cases(for: "home/\(number)") == [1, 2])
            #expect(subjects.count <= SubjectCases.capacity)
        }
        let before = subjects.count
        #expect(subjects.cases(for: "home/" + String(repeating: "x", count: SubjectCases.longestSubject)) == [1, 2])
        #expect(subjects.count == before)
    }
}
