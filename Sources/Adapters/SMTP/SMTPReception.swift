import Curl
import NIOCore

/// Receives the replies to one mail.
///
/// Created and called on the curl thread.
final class SMTPReception: CurlReceiver {
    private var replies = SMTPReplies()
    private let needsLogin: Bool
    private let done: ([SMTPReply], CurlError?) -> Void

    /// - Parameters:
    ///   - needsLogin: whether the transfer ends (``CurlError/Code/stopped``) when the server offers no login.
    ///   - done: gets the replies, and why the mail was not sent; called once.
    init(needsLogin: Bool, done: @escaping ([SMTPReply], CurlError?) -> Void) {
        self.needsLogin = needsLogin
        self.done = done
    }

    func received(_ head: CurlHead) -> CurlDemand { .more }

    func received(_ bytes: UnsafeRawBufferPointer) -> CurlDemand {
        self.replies.append(bytes)
        return self.needsLogin && self.replies.hasNoLogin ? .stop : .more
    }

    func woken() -> CurlDemand { .more }

    func ended(_ result: Result<Void, CurlError>) {
        switch result {
        case .success: self.done(self.replies.all, nil)
        case .failure(let error): self.done(self.replies.all, error)
        }
    }
}
