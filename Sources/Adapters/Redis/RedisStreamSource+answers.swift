import BridgeCore
import Logging

extension RedisStreamSource {
    /// Reads the entries of the one requested stream from an answer to XREAD or XREADGROUP.
    ///
    /// The answer is null or a list of streams, each a pair of a name and its entries (RESP2).
    ///
    /// - Throws: `ComponentError` for an answer of another type; the caller has checked for error answers.
    static func entries(_ reply: RedisReply, to command: String, _ peer: String) throws -> [RedisStreamEntry] {
        switch reply {
        case .null: return []
        case .array(let streams):
            guard let stream = streams.first else { return [] }
            if let pair = stream.items, pair.count > 1, pair[1].items != nil || pair[1] == .null {
                return RedisStreamEntry.entries(pair[1])
            }
        case .bulk, .status, .integer, .error: break
        }
        throw ComponentError(
            .protocolViolation,
            "\(peer) answers \(command) with something other than a list of entries; connect to a Redis server that supports streams"
        )
    }

    /// Rejects an answer without progress: reading would never end.
    ///
    /// - Parameters:
    ///   - start: where the command began; `-` for the first entry.
    ///   - next: the last id of the answer, or the id to continue at.
    ///   - isIncluded: whether the answer may contain the start itself.
    /// - Throws: `ComponentError` when the id is not after the start, or is not an id.
    static func checkProgress(
        of command: String, from start: String, to next: String, isIncluded: Bool = false, _ peer: String
    ) throws {
        guard let place = RedisStreamID(next) else {
            throw ComponentError(
                .protocolViolation, "\(peer) answers \(command) with '\(Self.shown(next))', which is not an entry id")
        }
        guard let begin = RedisStreamID(start), isIncluded ? place < begin : place <= begin else { return }
        throw ComponentError(
            .protocolViolation,
            "\(peer) answers \(command) from \(start) with the entry id \(Self.shown(next)), which is not after it")
    }

    /// An id for an error message: its first 64 bytes, without control characters.
    private static func shown(_ id: String) -> String {
        SafeText.sentence(String(decoding: id.utf8.prefix(64), as: UTF8.self))
    }

    /// Waits before the next read if the server ignores `BLOCK`, and reports that once.
    func wait(_ step: RedisReadPacing.Step, _ peer: String) async throws {
        if step.reports {
            self.context.logger.warning(
                "Server ignores BLOCK; stream is polled instead",
                metadata: [
                    "peer": "\(peer)", "stream": "\(self.configuration.stream)",
                    "remedy": "connect to Redis directly, or use a proxy that supports BLOCK",
                ]
            )
        }
        if step.wait > .zero { try await Task.sleep(for: step.wait) }
    }
}
