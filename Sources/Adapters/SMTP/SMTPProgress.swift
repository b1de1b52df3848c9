import BridgeCore

/// Which receivers of a mail are still to get it: a server may accept some of them and ask to try others later.
///
/// Keeps one mail, because a sink sends one after the other. A value; the sink keeps it behind a lock.
struct SMTPProgress: Sendable {
    private struct Mail: Equatable {
        let position: Position
        let route: String
        let variant: Int

        init(_ delivery: Delivery) {
            self.position = delivery.position
            self.route = delivery.route
            self.variant = delivery.variant
        }
    }

    /// What is to be done after an attempt.
    enum Step: Equatable {
        /// Every receiver has the mail, or was refused it while others have it.
        case confirm
        /// No receiver can ever get it: the reason.
        case refuse(String)
        /// The mail is retried for some receivers: the reason.
        case retry(String)
    }

    private var mail: Mail?
    private var settled: Set<String> = []
    private var hasReceiver = false

    /// The receivers that are still to get a mail.
    mutating func remaining(_ delivery: Delivery, of recipients: [String]) -> [String] {
        if self.mail != Mail(delivery) {
            self.mail = Mail(delivery)
            self.settled = []
            self.hasReceiver = false
        }
        return recipients.filter { !self.settled.contains($0) }
    }

    /// Records the replies for the receivers of an attempt.
    ///
    /// - Parameter wasSent: whether the server has the mail for those that it accepted.
    mutating func answered(_ replies: [(recipient: String, reply: SMTPReply)], wasSent: Bool) -> Step {
        var temporary: [String] = []
        var permanent: [String] = []
        for (recipient, reply) in replies {
            if reply.isTemporary {
                temporary.append("\(recipient): \(reply)")
            } else if !reply.isAccepted {
                permanent.append("\(recipient): \(reply)")
                self.settled.insert(recipient)
            } else if wasSent {
                self.hasReceiver = true
                self.settled.insert(recipient)
            }
        }
        if !temporary.isEmpty { return .retry(Self.reason("the server asks to try again later", temporary)) }
        if self.hasReceiver { return .confirm }
        return .refuse(Self.reason("the server refuses every receiver", permanent))
    }

    /// The first three replies of a list.
    private static func reason(_ what: String, _ replies: [String]) -> String {
        let more = replies.count > 3 ? " and \(replies.count - 3) more" : ""
        return "\(what): \(replies.prefix(3).joined(separator: ", "))\(more)"
    }
}
