import BridgeCore
import NIOCore

/// Writes the commands that move messages to a processing list, whose oldest message is on the right.
///
/// Servers before Redis 6.2 have no LMOVE. Their RPOPLPUSH takes from the right only.
struct RedisListMoves: Equatable, Sendable {
    /// The end of the list with the oldest message.
    let end: RedisListEnd
    /// Whether the server has LMOVE and BLMOVE.
    var hasMove = true

    init(end: RedisListEnd) {
        self.end = end
    }

    /// Whether the messages of the list can be taken with the commands that the server has.
    var isPossible: Bool { self.hasMove || self.end == .right }

    /// Writes commands that move up to `count` messages without waiting.
    ///
    /// - Parameter isFormer: whether `source` is a processing list itself.
    func write(_ count: Int, from source: String, isFormer: Bool, to target: String, in buffer: inout ByteBuffer) {
        let end = isFormer ? .right : self.end
        for _ in 0..<count {
            if self.hasMove {
                RedisCommand.write(["LMOVE", source, target, end.rawValue.uppercased(), "LEFT"], to: &buffer)
            } else {
                RedisCommand.write(["RPOPLPUSH", source, target], to: &buffer)
            }
        }
    }

    /// Writes a command that waits for a message of the list.
    func writeWaiting(_ list: String, to target: String, for wait: Duration, in buffer: inout ByteBuffer) {
        let milliseconds = wait.milliseconds
        if self.hasMove {
            let fraction = String(milliseconds % 1000 + 1000).dropFirst()
            RedisCommand.write(
                ["BLMOVE", list, target, self.end.rawValue.uppercased(), "LEFT", "\(milliseconds / 1000).\(fraction)"],
                to: &buffer)
        } else {
            // Whole seconds, and 0 would wait without an end.
            RedisCommand.write(["BRPOPLPUSH", list, target, String(max(1, (milliseconds + 999) / 1000))], to: &buffer)
        }
    }
}
