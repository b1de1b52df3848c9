import BridgeTesting
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// Random schedules of everything that moves the log, dead letters and an operator's commands included, with crashes in between, against
/// what must hold.
struct CrashModelTests {
    @Test(arguments: 0..<40)
    func `what was safe before a crash is delivered after it, in order, and nothing else is invented`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var bridge = try CrashModel(directory: TemporaryDirectory(), hasLetters: seed % 4 > 0, &random)
        for _ in 0..<300 {
            let sink = Int.random(in: 0..<CrashModel.sinks, using: &random)
            switch Int.random(in: 0..<24, using: &random) {
            case 0..<6: try bridge.append(Int.random(in: 1...4, using: &random), &random)
            case 6..<10: try bridge.write(marks: Bool.random(using: &random))
            case 10..<14: bridge.take(sink, &random)
            case 14..<17: bridge.confirm(sink, &random)
            case 17: bridge.confirmOne(sink, &random)
            case 18..<20: bridge.refuse(sink, &random)
            case 20: bridge.giveUpAtSource()
            case 21: try bridge.operate(&random)
            case 22: try bridge.replay(&random)
            default:
                if Int.random(in: 0..<4, using: &random) == 0 { try bridge.crash(&random) } else { bridge.loseConnection(sink) }
            }
        }
        try bridge.finish(&random)
        try bridge.check()
    }
}
