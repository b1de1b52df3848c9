import BridgeTesting
import NIOCore
import Testing

@testable import BridgeCore

/// Random sequences of events, waits, commits and crashes: tools that hold events lose none of them.
struct ToolModelTests {
    private static let tools = [
        #"{"quiet_hours": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}}"#,
        #"{"quiet_hours": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin", "then": "digest"}}"#,
        #"{"digest": {"window": "1h", "key": "{{ $subject }}"}}"#,
        #"{"quiet_hours": {"from": "22:00", "to": "07:00", "zone": "UTC", "except": {"priority": 5}}, "digest": {"window": "2h"}}"#,
    ]

    @Test(arguments: 0..<16)
    func `every event passes, itself or in a digest, whatever happens`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var run = try ToolRun(
            Self.tools[seed % Self.tools.count], at: .at("2026-03-27T12:00:00Z"), isOnDisk: true, policy: .logged)
        var sent = 0
        /// What is not safe yet, and is sent again after a crash.
        var unsafe: [String] = []
        var passed: [Event] = []
        func send(_ text: String) {
            run.send(
                text, priority: Int.random(in: 1...5, using: &random), subject: "s\(Int.random(in: 0..<3, using: &random))")
        }
        for _ in 0..<300 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                sent += 1
                unsafe.append("<\(sent)>")
                send("<\(sent)>")
            case 5..<7: run.pass(.seconds(Int64.random(in: 1...7200, using: &random)))
            case 7..<9:
                passed += run.take()
                unsafe = []
            default:
                run = run.restart()
                for text in unsafe { send(text) }
            }
        }
        for _ in 0..<4 {
            run.pass(.seconds(43_200))
            passed += run.take()
        }
        #expect(run.stored?.held.isEmpty == true && run.stored?.states.isEmpty == true)
        let lines = passed.flatMap { event in
            let payload = event.payload.map { String(buffer: $0) } ?? ""
            return payload.hasPrefix(#"{"count":"#) ? [payload] : [event.message]
        }
        let digested = passed.compactMap { event -> Int? in
            let payload = event.payload.map { String(buffer: $0) } ?? ""
            guard payload.hasPrefix(#"{"count":"#) else { return nil }
            return Int(payload.dropFirst(9).prefix { $0.isNumber })
        }
        // Nothing is lost and, because what was not written is sent again, nothing is doubled either.
        #expect(digested.reduce(passed.count - digested.count, +) == sent)
        // A digest lists its first events; all others are listed or pass themselves.
        let text = lines.joined(separator: "\n")
        if digested.allSatisfy({ $0 <= 20 }) {
            for number in 1...sent { #expect(text.contains("<\(number)>"), "\(number) is lost") }
        }
    }
}
