import BridgeCore
import NIOCore
import Testing

@testable import RedisAdapter

/// The names of keys next to a list, and the commands that move messages between them.
struct RedisListKeysTests {
    @Test(arguments: ["jobs", "queue:{a}:b", "a{b", "{a}", "a{}b{", "ü"])
    func `all keys of a list are in its slot`(list: String) {
        let keys = RedisListKeys(list: list)
        guard keys.areInOneSlot else {
            #expect(list == "a{}b{")
            return
        }
        #expect(RedisSlot.of(keys.registry) == RedisSlot.of(list))
        #expect(RedisSlot.of(keys.processing("a{b}", session: 1)) == RedisSlot.of(list))
    }

    @Test(arguments: ["a}b", "a{}b", "}"])
    func `a list whose keys would be in other slots is recognised`(list: String) {
        #expect(!RedisListKeys(list: list).areInOneSlot)
    }

    @Test func `processing lists are distinguished from other keys and by consumer`() {
        let keys = RedisListKeys(list: "jobs")
        let key = keys.processing("a", session: 0xAB)
        #expect(key == "{jobs}:streambridge:a:00000000000000ab")
        #expect(keys.isProcessing(key) && keys.isProcessing(key, of: "a"))
        let other = keys.processing("a:b", session: .max)
        #expect(keys.isProcessing(other) && !keys.isProcessing(other, of: "a") && keys.isProcessing(other, of: "a:b"))
        for name in [
            "jobs", "secret", "{jobs}:streambridge", "{jobs}:streambridge:a:xyz", "{jobs}:streambridge:a:00000000000000AB",
        ] {
            #expect(!keys.isProcessing(name), "\(name)")
        }
    }

    private static func text(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(buffer: buffer).split(separator: "\r\n").filter { !"*$".contains($0.first ?? "*") }.joined(separator: " ")
    }

    @Test func `the oldest message of a processing list is on the right, whatever the end of the list`() {
        var moves = RedisListMoves(end: .left)
        #expect(
            Self.text { moves.write(2, from: "l", isFormer: false, to: "p", in: &$0) }
                == "LMOVE l p LEFT LEFT LMOVE l p LEFT LEFT")
        #expect(Self.text { moves.write(1, from: "q", isFormer: true, to: "p", in: &$0) } == "LMOVE q p RIGHT LEFT")
        #expect(Self.text { moves.writeWaiting("l", to: "p", for: .milliseconds(1050), in: &$0) } == "BLMOVE l p LEFT LEFT 1.050")
        moves.hasMove = false
        #expect(!moves.isPossible)
        moves = RedisListMoves(end: .right)
        moves.hasMove = false
        #expect(moves.isPossible)
        #expect(Self.text { moves.write(1, from: "l", isFormer: false, to: "p", in: &$0) } == "RPOPLPUSH l p")
        // Whole seconds: 0 would wait without an end.
        #expect(Self.text { moves.writeWaiting("l", to: "p", for: .milliseconds(10), in: &$0) } == "BRPOPLPUSH l p 1")
    }

    @Test func `a reader that was suspended must give a sign of life first`() {
        let start = ContinuousClock.now
        var lease = RedisListLease(claimAfter: .seconds(60), now: start)
        #expect(lease.interval == .seconds(20))
        #expect(!lease.isStale(at: start + .seconds(40)))
        #expect(lease.isStale(at: start + .seconds(41)))
        lease.renewed(sent: start + .seconds(30))
        // The answer to an earlier one arrives later.
        lease.renewed(sent: start + .seconds(10))
        #expect(!lease.isStale(at: start + .seconds(70)))
        #expect(lease.isStale(at: start + .seconds(71)))
    }
}
