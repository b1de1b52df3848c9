/// The answers to commands that were sent in one write, in order.
struct RedisAnswers: Sendable {
    /// One for each command; fewer when the connection ended early.
    var replies: [RedisReply]
    /// Why there are fewer, or why commands could not be redirected to another node.
    var failure: (any Error)?

    init(_ replies: [RedisReply] = [], failure: (any Error)? = nil) {
        self.replies = replies
        self.failure = failure
    }

    /// All answers.
    ///
    /// - Throws: the failure.
    func all() throws -> [RedisReply] {
        if let failure { throw failure }
        return self.replies
    }
}
