import BridgeCore
import BridgeTesting
import NIOCore
import Synchronization
import Testing

@testable import RedisAdapter

/// Acknowledgements whose answer is lost with the connection.
@Suite(.timeLimit(.minutes(1)))
struct RedisLostAcknowledgementTests {
    @Test func `an acknowledgement whose answer was lost is sent once more by the next connection`() async throws {
        let acknowledgements = Mutex(0)
        let isRead = Mutex(false)
        let server = try await ScriptedRedis.start { command in
            switch command.name {
            case "XREADGROUP":
                let isFirst = isRead.withLock { wasRead in
                    defer { wasRead = true }
                    return !wasRead
                }
                return isFirst
                    ? .text("*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$4\r\ndata\r\n$1\r\na\r\n") : .nothing
            // Carried out: the server lists nothing as pending from then on.
            case "XACK":
                let count = acknowledgements.withLock { count in
                    count += 1
                    return count
                }
                return count == 1 ? .close : .text(":0\r\n")
            case "XGROUP": return .text("-BUSYGROUP Consumer Group name already exists\r\n")
            case "XINFO": return .text("-NOPERM this user has no permissions to run the 'xinfo' command\r\n")
            case "XPENDING": return .text("*0\r\n")
            case "XAUTOCLAIM": return .text("*2\r\n$3\r\n0-0\r\n*0\r\n")
            case "EVAL": return .text(":0\r\n")
            default: return .ok
            }
        }
        let harness = try SourceHarness.stream(
            0, #""group":"g","start":"0","block":"50ms","claim_after":"200ms""#, url: server.url)
        try await harness.run(untilConnected: false) {
            try await eventually("it is acknowledged again") { acknowledgements.withLock { $0 } == 2 }
            // Nothing is in flight then: keeping alive lists what is this consumer's only while something is.
            let claims = server.commands("XAUTOCLAIM").count
            try await eventually("it continues reading") { server.commands("XREADGROUP").count >= 2 && claims > 0 }
        }
        #expect(harness.texts == ["a"])
        #expect(server.commands("XACK").map(\.words) == [["XACK", "s", "g", "1-1"], ["XACK", "s", "g", "1-1"]])
    }
}
