import Curl

/// What became of one mail.
enum SMTPOutcome: Equatable {
    /// The server has the mail for those receivers that it accepted: its reply for each, in their order.
    case sent([SMTPReply])
    /// The server accepted no receiver.
    case noRecipient([SMTPReply])
    /// The server refused the sender, for all of its mails perhaps.
    case senderRefused(SMTPReply)
    /// The server refused the content.
    case messageRefused(SMTPReply)
    /// The server refused user and password, or requires them.
    case denied(SMTPReply?)
    /// There is no session, or it ended early; with the last reply if it is an error.
    case failed(SMTPReply?)

    /// - Parameters:
    ///   - replies: all of the session, from its start or from the end of the mail before.
    ///   - error: libcurl's; `nil` where the mail was sent.
    ///   - count: how many receivers the mail had.
    init(_ replies: [SMTPReply], _ error: CurlError?, recipients count: Int) {
        // The answer to QUIT.
        let replies = replies.last?.code == 221 ? Array(replies.dropLast()) : replies
        let last = replies.last.flatMap { $0.isAccepted ? nil : $0 }
        // The permission to send the content.
        let content = replies.lastIndex { $0.code == 354 }
        guard let error else {
            let start = (content ?? replies.count) - count
            self = .sent(start >= 0 ? Array(replies[start..<(start + count)]) : [])
            return
        }
        // 530 is for whoever has not logged in, whatever the command (RFC 4954 §6).
        if error.code == .denied || last?.code == 530 && content == nil {
            self = .denied(last)
        } else if let last, content != nil || error.message.hasPrefix("DATA failed") {
            self = .messageRefused(last)
        } else if last != nil, error.message.hasPrefix("RCPT failed"), replies.count >= count {
            self = .noRecipient(Array(replies.suffix(count)))
        } else if let last, error.message.hasPrefix("MAIL failed") {
            self = .senderRefused(last)
        } else {
            self = .failed(last)
        }
    }
}
