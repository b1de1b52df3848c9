/// A placeholder in an answer for a part that was too large and was skipped.
///
/// Encoded as a RESP2 error whose first word no server uses, so that hiredis parses it like any answer.
struct RedisOmission: Equatable, Sendable {
    /// The part that was too large.
    enum Extent: String, Sendable {
        /// The part by itself: it can never be read.
        case alone = "TOOLARGE"
        /// The answer in total: a separate command may read the part.
        case shared = "OVERFLOW"
    }

    let extent: Extent
    /// One sentence without a final stop.
    let reason: String

    init(_ extent: Extent, _ reason: String) {
        self.extent = extent
        self.reason = reason
    }

    /// Reads the text of an error; `nil` for an error that a server has sent.
    init?(_ text: String) {
        let words = text.split(separator: " ", maxSplits: 1)
        guard words.count == 2, let extent = Extent(rawValue: String(words[0])) else { return nil }
        self.init(extent, String(words[1]))
    }

    /// Reads a part of an answer; `nil` for one that was not skipped.
    init?(_ reply: RedisReply) {
        guard case .error(let text) = reply else { return nil }
        self.init(text)
    }

    /// Calls with the error as a line of RESP2.
    func withLine(
        _ body: (UnsafeRawBufferPointer) throws(RedisProtocolError) -> Void
    ) throws(RedisProtocolError) {
        var failure: RedisProtocolError?
        Array("-\(self.extent.rawValue) \(self.reason)\r\n".utf8).withUnsafeBytes { line in
            do throws(RedisProtocolError) { try body(line) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
