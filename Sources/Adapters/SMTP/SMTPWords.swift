import BridgeCore
import Curl

/// Why a mail server cannot be used, with the remedy in the words of the file.
struct SMTPWords {
    let configuration: SMTPSink.Configuration

    private var peer: String { self.configuration.url.text }

    /// Why the server refuses commands without a login, or a login.
    func denied(_ reply: SMTPReply?) -> String {
        let answer = reply.map { ": \($0)" } ?? ""
        if let reply, reply.code == 530, reply.text.uppercased().contains("STARTTLS") {
            return "\(self.peer) requires TLS\(answer); write starttls: required"
        }
        guard self.configuration.user != nil else { return "\(self.peer) requires a login\(answer); set user and password" }
        return "\(self.peer) refuses the login\(answer); check user and password, and how the server lets users log in"
    }

    /// Why there is no session.
    ///
    /// - Parameters:
    ///   - reply: the last reply, if it is an error.
    ///   - hasAnswered: whether the server has ever replied, which shows that the address has the right scheme.
    func error(_ error: CurlError, _ reply: SMTPReply?, hasAnswered: Bool) -> ComponentError {
        if let reply { return ComponentError(.rejected, "\(self.peer) answered \(reply)") }
        if error.code == .stopped {
            return ComponentError(
                .unauthorized, "\(self.peer): the server offers no login; remove user and password, or use port 587")
        }
        let code: ComponentError.Code
        switch error.code {
        case .refused, .resolve, .tls: code = .connectionRefused
        case .timedOut: code = .timedOut
        default: code = .connectionLost
        }
        return ComponentError(code, "\(self.peer): \(self.explained(error, hasAnswered: hasAnswered))")
    }

    /// The words of libcurl, with the setting that they are about.
    private func explained(_ error: CurlError, hasAnswered: Bool) -> String {
        guard !self.configuration.url.isTLS else { return error.message }
        let message = error.message
        if message.contains("STARTTLS") || message.contains("Requested SSL level failed") {
            return
                "the server does not offer STARTTLS; write smtps:// if its port has TLS from the start, or starttls: off for a server on this machine"
        }
        if [.lost, .timedOut].contains(error.code), !hasAnswered {
            return "\(message); if the port has TLS from the start, as 465 has, write smtps://"
        }
        return message
    }
}
