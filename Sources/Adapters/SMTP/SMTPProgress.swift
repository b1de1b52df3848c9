import BridgeCore

/// How far a mail is: which receivers are still to get it, since a server may accept some of them and ask to try others
/// later, and how often in a row its content was sent without an answer.
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

    /// After how many attempts in a row without an answer to the content a mail is given up.
    static let mostLosses = 3

    private var mail: Mail?
    private var settled: Set<String> = []
    private var hasReceiver = false
    private var losses = 0

    /// The receivers that are still to get a mail.
    mutating func remaining(_ delivery: Delivery, of recipients: [String]) -> [String] {
        if self.mail != Mail(delivery) {
            self.mail = Mail(delivery)
            self.settled = []
            self.hasReceiver = false
            self.losses = 0
        }
        return recipients.filter { !self.settled.contains($0) }
    }

    /// Records that the server took the content of the mail without an answer: the connection was lost, or the time-out
    /// is over.
    ///
    /// - Returns: whether the mail is to be given up.
    mutating func lost() -> Bool {
        self.losses = min(self.losses + 1, Self.mostLosses)
        return self.losses == Self.mostLosses
    }

    /// Records that the server has answered the mail.
    mutating func replied() {
        self.losses = 0
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
